#!/usr/bin/env python3
"""Scan made-up logs whose every hit is known, and compare.

  workload.py --shared DIR --indicia BIN [--n 1000] [--bytes 64M] [--endpoints 0.3] [--seed 1] [--work DIR] [--record FILE]
  workload.py --shared DIR --indicia BIN --n 1000 --n 1000000 --simd avx2 --simd scalar --chunk 4096 --threads 1 --threads 2
  workload.py --shared DIR --indicia BIN --endpoints 0.2 --split-urls 0.33 --fields
  workload.py --shared DIR --indicia BIN --matrix          every size, SIMD level, chunk size and 1 and 2 threads

DIR is the folder that holds bench/make_workload.py. Lists are compiled once, scans open the sets. Every row of the truth file
must be hit on its span, and nothing else may be hit: another line, another place, or a decoy. Rows of mode `fields` are values
in parts: with --fields they must be hit on their line, without it they are counted apart. With one list, every run must print the same
bytes, whatever the level, chunk size (INDICIA_CHUNK) or threads. Prints one JSON object a run; exit 1 when anything differs.
"""
import argparse, hashlib, itertools, json, os, subprocess, sys, tempfile, time
from array import array

from harness.measure import Whole

MATRIX = {"n": [1000, 100_000, 1_000_000], "simd": ["avx512", "avx2", "scalar", "plain"], "chunk": ["1", "4096", "65536", "1048576"], "threads": ["1", "2"]}


def make(args, n, work):
    """The list of n indicators, compiled, and the log."""
    script = os.path.join(args.shared, "bench", "make_workload.py")
    ends = ["--endpoints", str(args.endpoints)] if args.endpoints else []
    base = os.path.join(work, f"e{args.endpoints}")
    small, feed = os.path.join(base, "ind-1000.csv"), os.path.join(base, f"ind-{n}.csv")
    for rows, path in ((1000, small), (n, feed)):
        if not os.path.exists(path):
            subprocess.run([sys.executable, script, "indicators", "--n", str(rows), "--out", base, *ends], check=True)
    split = ["--split-urls", str(args.split_urls)] if args.split_urls else []
    log = os.path.join(base, f"{args.bytes}-s{args.seed}-r{args.hit_rate}{'-u' + str(args.split_urls) if split else ''}.log")
    if not os.path.exists(log + ".stats.json"):
        subprocess.run([sys.executable, script, "logs", "--bytes", args.bytes, "--indicators", small, "--seed", args.seed,
                        "--hit-rate", str(args.hit_rate), "--out", log, *split], check=True)
    compiled = os.path.join(base, f"ind-{n}.ind")
    subprocess.run([args.indicia, "compile", "-o", compiled, feed], check=True, stdout=subprocess.DEVNULL)
    return compiled, log


def rows(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        names = next(f).rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in f]


def line_starts(path):
    starts, at = array("Q", [0]), 0
    with open(path, "rb") as f:
        for line in f:
            at += len(line)
            starts.append(at)
    return starts


class Truth:
    """What a scan of a log must find."""

    def __init__(self, log, fields):
        self.joined = fields
        self.starts = line_starts(log)
        self.rows, self.decoys = rows(log + ".truth.tsv"), {int(r["line"]) for r in rows(log + ".decoys.tsv")}
        self.left_out = 0 if fields else sum(row["mode"] == "fields" for row in self.rows)

    @staticmethod
    def explains(hit, seen):
        if "+" in hit.get("field", ""):
            return hit["value"].lower() in (seen, seen.partition("://")[2])
        return hit["raw"].lower() in seen or seen.startswith(hit["raw"].lower())

    def compare(self, out):
        """(missed rows, extra hits, lines of decoys that were hit)"""
        hits, by_line = set(), {}
        with open(out) as f:
            for row in f:
                hit = json.loads(row)
                at = (hit["line"] - 1, hit["start"], hit["end"])
                hits.add(at)
                by_line.setdefault(at[0], []).append(hit)
        missed, explained = [], {}
        for row in self.rows:
            line = int(row["line"])
            explained.setdefault(line, set()).add(row["observed"].lower())
            if row["mode"] == "fields":
                # Records without a scheme give a URL without one.
                values = {row["observed"].lower(), row["observed"].partition("://")[2].lower()}
                if self.joined and not any(h["value"].lower() in values for h in by_line.get(line, ())):
                    missed.append(row)
                continue
            place = (self.starts[line] + int(row["start"]), self.starts[line] + int(row["end"]))
            if (line, *place) not in hits:
                missed.append(row)
        # On a truth line the value may stand again; nothing but the value may be hit.
        extra = [h for line, found in by_line.items() for h in found
                 if not any(self.explains(h, seen) for seen in explained.get(line, ()))]
        return missed, extra, [line for line in by_line if line in self.decoys and line not in explained]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shared", required=True)
    p.add_argument("--indicia", required=True)
    p.add_argument("--n", type=int, action="append", help="indicators; repeats [1000]")
    p.add_argument("--simd", action="append", help="INDICIA_SIMD: avx512, avx2, scalar, plain; repeats [what the processor has]")
    p.add_argument("--chunk", action="append", help="INDICIA_CHUNK, bytes; repeats [what the program takes]")
    p.add_argument("--threads", action="append", help="repeats [1]")
    p.add_argument("--matrix", action="store_true", help="every size, level, chunk size and 1 and 2 threads")
    p.add_argument("--bytes", default="64M")
    p.add_argument("--endpoints", type=float, default=0)
    p.add_argument("--split-urls", type=float, default=0, help="share of the URL hits whose parts stand in several fields")
    p.add_argument("--fields", action="store_true", help="scan with --fields")
    p.add_argument("--hit-rate", type=float, default=.001)
    p.add_argument("--seed", default="1")
    p.add_argument("--work")
    p.add_argument("--record", help="append the results to this file")
    args = p.parse_args()
    usual = MATRIX if args.matrix else {"n": [1000], "simd": [None], "chunk": [None], "threads": ["1"]}
    wrong = False
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or temporary
        os.makedirs(work, exist_ok=True)
        for n in args.n or usual["n"]:
            compiled, log = make(args, n, work)
            truth, digests = Truth(log, args.fields), set()
            for simd, chunk, threads in itertools.product(*(getattr(args, key) or usual[key] for key in ("simd", "chunk", "threads"))):
                wrong |= run(args, work, n, compiled, log, truth, digests, simd, chunk, threads)
    sys.exit(1 if wrong else 0)


def run(args, work, n, compiled, log, truth, digests, simd, chunk, threads):
    """One scan: compares, prints, records; whether anything is wrong."""
    out = os.path.join(work, "hits.jsonl")
    env = {key: value for key, value in (("INDICIA_SIMD", simd), ("INDICIA_CHUNK", chunk)) if value}
    whole = Whole("indicia", [args.indicia, "scan", "--stats", *(["--fields"] if args.fields else []), "--threads", threads, "-f", compiled, log], out, env, good=None)
    seconds = whole.run()
    missed, extra, on_decoys = truth.compare(out)
    with open(out, "rb") as f:
        digests.add(hashlib.sha256(f.read()).hexdigest())
    with open(out + ".err", errors="replace") as f:
        says = f.read().splitlines()
    result = {
        "date": time.strftime("%Y-%m-%d"), "indicators": n, "log": args.bytes, "seed": args.seed, "hit_rate": args.hit_rate,
        "endpoints": args.endpoints, "split_urls": args.split_urls, "fields": args.fields,
        "truth": len(truth.rows) - truth.left_out, "fields_left_out": truth.left_out, "missed": len(missed),
        "extra": len(extra), "decoys": len(truth.decoys), "decoys_hit": len(on_decoys), "threads": threads, "simd": simd or "auto",
        "chunk": chunk or "usual", "same_output": len(digests) == 1, "seconds_whole_process": round(seconds, 2),
        "exit": whole.code, "peak_mib": whole.peak_kib >> 10,
        "says": [line.removeprefix("indicia: ") for line in says if "MB/s" in line],
    }
    print(json.dumps(result), flush=True)
    for row in missed[:10]:
        print("missed:", row, file=sys.stderr)
    for hit in extra[:10]:
        print("extra:", json.dumps(hit)[:400], file=sys.stderr)
    if args.record:
        with open(args.record, "a") as f:
            f.write(json.dumps(result) + "\n")
    return bool(missed or extra or on_decoys or whole.code > 1 or whole.code < 0 or len(digests) > 1)


if __name__ == "__main__":
    main()
