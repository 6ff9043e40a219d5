#!/usr/bin/env python3
"""The first hour with feeds and logs: how much of what is benign carries a guard, and whether what is true does.

  first_hour.py --shared DIR --indicia BIN        the feeds of the corpus over its logs, with its warninglists

Every distinct hit (value, relation, listed value) has been judged; verdicts/first-hour.jsonl holds the verdicts and no line of a log.
True: the host is what the feed says that it is. Benign: it is not, or nobody would want to hear of it. A true hit that a warninglist
names is shown with the list and does not count. A hit without a verdict ends the run with 1.
"""
import argparse, json, subprocess, sys
from pathlib import Path

VERDICTS = Path(__file__).parent / "verdicts" / "first-hour.jsonl"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shared", required=True)
    p.add_argument("--indicia", required=True)
    args = p.parse_args()
    corpus = Path(args.shared, "corpus")
    verdicts = {}
    for row in map(json.loads, open(VERDICTS)):
        verdicts[row["kind"], row["value"], row["relation"], row["listed"]] = row
    made = subprocess.run([args.indicia, "scan", "-f", str(corpus / "feeds"), str(corpus / "logs"), "--format", "jsonl",
                           "--warninglist", str(corpus / "benign" / "misp-warninglists")], stdout=subprocess.PIPE, check=False)
    hits = {}
    for line in made.stdout.splitlines():
        hit = json.loads(line)
        key = (hit["kind"], hit["value"], hit["relation"], hit["indicator"]["target"]["value"])
        hits.setdefault(key, set()).update((guard["rule"], guard["source"]) for guard in hit.get("guard", ()))
    hits = dict(sorted(hits.items()))
    unknown = [key for key in hits if key not in verdicts]
    benign = [key for key in hits if verdicts.get(key, {}).get("verdict") == "benign"]
    true = [key for key in hits if verdicts.get(key, {}).get("verdict") == "true"]
    guarded = [key for key in benign if hits[key]]
    built_in = [key for key in true if any(rule != "warninglist" for rule, _ in hits[key])]
    named = [key for key in true if hits[key]]
    print(f"{len(hits)} distinct hits: {len(benign)} benign, {len(guarded)} of them with a guard ({100 * len(guarded) / len(benign):.1f} %); "
          f"{len(true)} true, {len(named)} of them on a warninglist, {len(built_in)} with a guard of our own")
    for key in benign:
        if not hits[key]:
            print("benign without a guard:", *key, "-", verdicts[key]["why"])
    for key in named:
        print("true, and on a list:", *key[:2], "-", "; ".join(sorted(source for _, source in hits[key])))
    for key in unknown:
        print("not judged:", *key)
    sys.exit(bool(unknown or built_in))


if __name__ == "__main__":
    main()
