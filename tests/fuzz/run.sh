#!/usr/bin/env bash
# Runs fuzz targets one after the other: run.sh SECONDS [TARGET…]; all targets if none is named.
# Needs cargo-fuzz and a nightly compiler. Prints a line a target: runs, what is covered, findings.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' tests/fuzz/Cargo.toml)
status=0
for target in "${targets[@]}"; do
    corpus="tests/fuzz/corpus/$target"
    mkdir -p "$corpus" tests/fuzz/artifacts/"$target"
    log=$(mktemp)
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "$target" "$corpus" -- -max_total_time="$seconds" -max_len=4096 \
        -timeout=10 -rss_limit_mb=4096 -dict=tests/fuzz/indicators.dict >"$log" 2>&1 && found="no finding" || { found="FINDING: $log"; status=1; }
    echo "$target: $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log" || echo stopped), $(grep -oE 'cov: [0-9]+' "$log" | tail -1), $found"
done
exit $status
