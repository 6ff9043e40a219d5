#!/usr/bin/env python3
"""Scan made-up logs whose every hit is known, and compare.

  workload.py --shared DIR --indicia BIN [--n 1000] [--bytes 64M] [--endpoints 0.3] [--seed 1] [--work DIR] [--record FILE]

DIR is the folder that holds bench/make_workload.py. Every row of the truth file must be hit on its span (rows
of mode `fields` are values in parts, which `scan` does not join yet: they are counted apart), and nothing else
may be hit: another line, another place, or a decoy. Prints one JSON object; exit 1 when anything differs.
"""
import argparse, json, os, resource, subprocess, sys, tempfile, time
from array import array


def make(args, work):
    script = os.path.join(args.shared, "bench", "make_workload.py")
    ends = ["--endpoints", str(args.endpoints)] if args.endpoints else []
    base = os.path.join(work, f"e{args.endpoints}")
    small, feed = os.path.join(base, "ind-1000.csv"), os.path.join(base, f"ind-{args.n}.csv")
    for n, path in ((1000, small), (args.n, feed)):
        if not os.path.exists(path):
            subprocess.run([sys.executable, script, "indicators", "--n", str(n), "--out", base, *ends], check=True)
    log = os.path.join(base, f"{args.bytes}-s{args.seed}-r{args.hit_rate}.log")
    if not os.path.exists(log + ".stats.json"):
        subprocess.run([sys.executable, script, "logs", "--bytes", args.bytes, "--indicators", small, "--seed", args.seed,
                        "--hit-rate", str(args.hit_rate), "--out", log], check=True)
    return feed, log


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


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shared", required=True)
    p.add_argument("--indicia", required=True)
    p.add_argument("--n", type=int, default=1000)
    p.add_argument("--bytes", default="64M")
    p.add_argument("--endpoints", type=float, default=0)
    p.add_argument("--hit-rate", type=float, default=.001)
    p.add_argument("--seed", default="1")
    p.add_argument("--threads", default="1")
    p.add_argument("--work")
    p.add_argument("--record", help="append the result to this file")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or temporary
        os.makedirs(work, exist_ok=True)
        feed, log = make(args, work)
        out = os.path.join(work, "hits.jsonl")
        began = time.monotonic()
        with open(out, "wb") as f:
            done = subprocess.run([args.indicia, "scan", "--stats", "--threads", args.threads, "-f", feed, log],
                                  stdout=f, stderr=subprocess.PIPE, text=True)
        seconds = time.monotonic() - began
        starts = line_starts(log)
        hits, by_line = set(), {}
        with open(out) as f:
            for row in f:
                hit = json.loads(row)
                at = (hit["line"] - 1, hit["start"], hit["end"])
                hits.add(at)
                by_line.setdefault(at[0], []).append(hit)
        truth, decoys = rows(log + ".truth.tsv"), {int(r["line"]) for r in rows(log + ".decoys.tsv")}
        missed, explained, fields = [], {}, 0
        for row in truth:
            line = int(row["line"])
            explained.setdefault(line, set()).add(row["observed"].lower())
            if row["mode"] == "fields":
                fields += 1
            elif (line, starts[line] + int(row["start"]), starts[line] + int(row["end"])) not in hits:
                missed.append(row)
        # On a truth line the value may stand again; nothing but the value may be hit.
        extra = [h for line, found in by_line.items() for h in found
                 if not any(h["raw"].lower() in seen or seen.startswith(h["raw"].lower()) for seen in explained.get(line, ()))]
        on_decoys = [line for line in by_line if line in decoys and line not in explained]
    result = {
        "date": time.strftime("%Y-%m-%d"), "indicators": args.n, "log": args.bytes, "seed": args.seed, "hit_rate": args.hit_rate,
        "endpoints": args.endpoints, "truth": len(truth) - fields, "fields_left_out": fields, "missed": len(missed),
        "extra": len(extra), "decoys": len(decoys), "decoys_hit": len(on_decoys), "threads": args.threads,
        "seconds_whole_process": round(seconds, 2), "exit": done.returncode,
        "peak_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,
        "says": [line.removeprefix("indicia: ") for line in done.stderr.splitlines() if "MB/s" in line],
    }
    print(json.dumps(result))
    for row in missed[:10]:
        print("missed:", row, file=sys.stderr)
    for hit in extra[:10]:
        print("extra:", json.dumps(hit)[:400], file=sys.stderr)
    if args.record:
        with open(args.record, "a") as f:
            f.write(json.dumps(result) + "\n")
    sys.exit(1 if missed or extra or on_decoys or done.returncode > 1 else 0)


if __name__ == "__main__":
    main()
