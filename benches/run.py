#!/usr/bin/env python3
"""indicia and its peers in turn on the same data: one command, a dated record.

  run.py setup --lab DIR                       installs matchy, Hyperscan and the tools, builds drivers and indicia
  run.py --lab DIR --shared DIR                every row
  run.py --lab DIR --only scan --only size     some rows; --list names them; --quick for a look; --big for 10 M too

The folder of --shared has bench/make_workload.py and corpus/ (INDICIA_SHARED names it too); the lab keeps peers, data and output.
A ratio says how many times as fast (small, sparing) ours is: least, median and greatest of the rounds. Exit 1: a goal was missed.
"""
import argparse, os, sys
from pathlib import Path

from harness import rows_scan, rows_set, rows_values
from harness.lab import BENCHES, Lab

ROWS = {"scan": rows_scan.scan, "library": rows_scan.library, "growth": rows_scan.growth, "hyperscan": rows_scan.hyperscan,
        "fields": rows_scan.fields, "packed": rows_scan.packed, "simd": rows_scan.simd, "addresses": rows_set.addresses, "names": rows_set.names, "build": rows_set.build,
        "size": rows_set.size, "first": rows_set.first, "memory": rows_set.memory, "delta": rows_set.delta, "worst": rows_scan.worst,
        "others": rows_scan.others, "values": rows_values.values, "masks": rows_values.masks}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", nargs="?", choices=["setup", "run"], default="run")
    p.add_argument("--lab", default=str(BENCHES.parent / "target" / "lab"), help="folder of peers, data and output [target/lab]")
    p.add_argument("--shared", default=os.environ.get("INDICIA_SHARED"))
    target = Path(os.environ.get("CARGO_TARGET_DIR", BENCHES.parent / "target"))
    p.add_argument("--indicia", default=str(target / "release" / "indicia"))
    p.add_argument("--only", action="append", choices=ROWS, metavar="ROW")
    p.add_argument("--list", action="store_true", help="the rows, and what each measures")
    p.add_argument("--quick", action="store_true", help="100,000 indicators, 16M, 3 rounds")
    p.add_argument("--big", action="store_true", help="10,000,000 indicators where a row says so; matchy's build takes 15 GB there")
    p.add_argument("--n", type=int, help="indicators [1000000]")
    p.add_argument("--bytes", help="size of the mixed log [256M]")
    p.add_argument("--rounds", type=int, help="rounds that count [5]")
    p.add_argument("--endpoints", type=float, default=.3, help="share of the IPv4 rows with a port [0.3]; peers do without those rows")
    p.add_argument("--no-pin", action="store_true", help="leave single threads where the system puts them")
    p.add_argument("--record", default=str(BENCHES / "results.jsonl"), help="append to this file; empty for none")
    args = p.parse_args()
    if args.list:
        for name, row in ROWS.items():
            print(f"{name:<12} {row.__doc__}")
        return
    lab = Lab(args)
    if args.command == "setup":
        return lab.setup()
    for tool in (lab.indicia, lab.matchy, lab.hyperscan, lab.drivers / "scan"):
        if not tool.exists():
            raise SystemExit(f"{tool}: not there; `run.py setup --lab {lab.folder}` first")
    for name in args.only or ROWS:
        ROWS[name](lab)
    if lab.missed:
        print("missed:", *lab.missed, sep="\n  ", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
