#!/usr/bin/env python3
"""The corpus's indicators over its logs, by indicia and by matchy: every hit that only one reports, by class.

  corpus_compare.py --shared DIR --lab DIR [--indicia BIN] [--record FILE]

The feeds are read by indicia; matchy gets what it can read of them: domains (with a glob where all below match), addresses,
networks, hashes. Both get the same files of logs, decompressed, without captures of packets. Hits are compared by file and text: as often
as a text is hit at different places of a file. matchy names no place, so what only it reports is looked for in the file. Prints
classes with counts and an example, then one JSON object.
"""
import argparse, collections, csv, json, os, re, subprocess, sys, time
from pathlib import Path

from harness.data import log_files, plain
from harness.lab import BENCHES, MATCHY

HASHES = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}
READ_BY_MATCHY = HASHES | {"domain", "ipv4", "ipv6", "cidr"}


def decompressed(shared, lab):
    """The logs as plain files in one folder."""
    folder, source = lab / "corpus-logs", shared / "corpus" / "logs"
    if not folder.exists():
        part = lab / "part-corpus-logs"
        for path in log_files(source):
            place = part / path.relative_to(source)
            place = place.with_suffix("") if place.suffix in (".zst", ".gz") else place
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(plain(path))
        part.rename(folder)
    return folder


def list_for_matchy(indicia, feeds, path):
    """matchy's CSV; the columns behind the value are given back with a hit."""
    records = path.with_suffix(".jsonl")
    call([indicia, "convert", "--to", "jsonl", feeds], records)
    listed, left = collections.Counter(), collections.Counter()
    with open(records) as lines, open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["entry", "type", "match", "listed"])
        for line in lines:
            record = json.loads(line)
            target = record["target"]
            kind, value, how = target["kind"], target["value"], target.get("match", "exact")
            # Somebody to notify is in no set; matchy does not get it either.
            if all(c.get("role") in ("compromised", "victim") for c in record["contexts"]):
                continue
            if kind not in READ_BY_MATCHY or how == "mask":
                left[kind] += 1
                continue
            listed[kind] += 1
            below_only = value.startswith("*.")
            name = value.removeprefix("*.")
            if not below_only:
                out.writerow([name, kind, how, name])
            if kind == "domain" and (how == "subdomains" or below_only):
                out.writerow(["*." + name, kind, "subdomains", name])
    return listed, left


def listed_suffixes(shared, path):
    """Public suffixes that are listed as names with all below; rules with `*` and `!` left out."""
    text = next(plain(p) for p in sorted((shared / "corpus" / "benign").rglob("public_suffix_list*"))).decode()
    suffixes = {line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("//", "*", "!"))}
    with open(path) as rows:
        return {name for name in (row.split(",", 1)[0].removeprefix("*.") for row in rows if row.startswith("*.")) if name in suffixes}


def call(command, out=os.devnull):
    """Runs a command. Refused records and logs without hits make exit statuses, which are no matter here."""
    with open(out, "wb") as f:
        code = subprocess.run([str(c) for c in command], stdout=f, stderr=subprocess.DEVNULL).returncode
    if code not in (0, 1, 2):
        raise SystemExit(f"{command[0]} {command[1]}: exit status {code}")


def ours(out, folder):
    """(file, text) → place → hits there"""
    hits = collections.defaultdict(dict)
    with open(out) as f:
        for line in f:
            hit = json.loads(line)
            raw = hit["raw"] if isinstance(hit["raw"], str) else hit["raw"]["bytes"]
            path = os.path.relpath(hit["path"], folder)
            hits[path, raw.lower()].setdefault((hit["start"], hit["end"]), hit)
    return hits


def theirs(out, folder):
    """(file, text) → hits"""
    hits = collections.defaultdict(list)
    with open(out, errors="replace") as f:
        for line in f:
            hit = json.loads(line)
            hits[os.path.relpath(hit["source"], folder), hit["matched_text"].lower()].append(hit)
    return hits


def rows_of(hit):
    """The rows of the list that matchy gives back: one for an address, a list for a text."""
    data = hit.get("data") or []
    return data if isinstance(data, list) else [data]


def is_of(text, listed):
    """Whether a listed value can be why a text is hit."""
    host = text.rpartition("@")[2]
    return text == listed or host == listed or host.endswith("." + listed)


def class_of_theirs(hit, suffixes):
    """What kind of hit it is that indicia has not."""
    text = hit["matched_text"].lower()
    if text not in suffixes and any(is_of(text, suffix) for suffix in suffixes):
        return "below a listed public suffix, which indicia matches exactly"
    kinds = sorted({f"{row.get('type')}, {row.get('match')}" for row in rows_of(hit)})
    return f"{' and '.join(kinds)} ({hit['match_type']})"


def class_of_ours(hit):
    """What kind of hit it is that matchy has not."""
    indicator = hit["indicator"]["target"]
    if hit["raw"].lower().startswith("::ffff:"):
        return "a mapped address, told with its prefix `::ffff:`"
    if hit["relation"] == "exact" and hit["kind"] == "ipv6" and "::" not in hit["raw"]:
        return "an IPv6 address without `::`"
    if indicator["kind"] not in READ_BY_MATCHY:
        return f"{indicator['kind']}, which matchy does not match ({hit['relation']})"
    if hit.get("via"):
        return f"{indicator['kind']} behind a decoder ({hit['via']})"
    return f"{indicator['kind']}, {hit['relation']}"


def beside(data, place):
    """Where matchy is known to take no name."""
    start, end = place
    if data[max(0, start - 2):start] == b"*.":
        return "behind `*.`, as certificates write it"
    if data[end:end + 1] == b"\\":
        return "before a backslash, as of an escaped end of line"
    return None


def surroundings(data, place):
    """The bytes beside a place, as a class: what a border is was judged by them."""
    start, end = place
    sort = lambda b: "end of text" if not b else "letter or digit" if b.isalnum() or b > b"\x7f" else repr(b.decode("latin-1"))
    return f"{sort(data[start - 1:start] if start else b'')} before, {sort(data[end:end + 1])} behind"


def excerpt(data, place):
    start, end = place
    text = data[max(0, start - 40):end + 40]
    return text.decode("utf-8", "replace").replace("\n", "⏎")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shared", default=os.environ.get("INDICIA_SHARED"), required="INDICIA_SHARED" not in os.environ)
    p.add_argument("--lab", default=str(BENCHES.parent / "target" / "lab"))
    p.add_argument("--indicia", default=str(BENCHES.parent / "target" / "release" / "indicia"))
    p.add_argument("--again", action="store_true", help="only compare the hits of the last run; nothing is recorded")
    p.add_argument("--record", help="append the result to this file")
    args = p.parse_args()
    shared, lab = Path(args.shared), Path(args.lab).absolute()
    feeds, matchy = shared / "corpus" / "feeds", lab / "tools" / "bin" / "matchy"
    folder = decompressed(shared, lab)
    compiled, database = lab / "corpus.ind", lab / "corpus.mxy"
    seconds, outs = {}, (lab / "corpus-ours.jsonl", lab / "corpus-theirs.jsonl")

    def timed(name, run, *arguments):
        began = time.monotonic()
        run(*arguments)
        seconds[name] = round(time.monotonic() - began, 2)

    listed = left = None
    if not args.again:
        timed("indicia compile", call, [args.indicia, "compile", "-o", compiled, feeds])
        listed, left = list_for_matchy(args.indicia, feeds, lab / "corpus-matchy.csv")
        timed("matchy build", call, [matchy, "build", "-f", "csv", "-i", "-o", database, lab / "corpus-matchy.csv"])
        timed("indicia scan", call, [args.indicia, "scan", "-f", compiled, folder], outs[0])
        timed("matchy match", call, [matchy, "match", "-j1", database, *sorted(p for p in folder.rglob("*") if p.is_file())], outs[1])
    own, peer = ours(outs[0], folder), theirs(outs[1], folder)

    suffixes = listed_suffixes(shared, lab / "corpus-matchy.csv")
    # matchy gives some hits on globs the data of another row; the hits themselves are right.
    mixed_up = sum(h["match_type"] != "ip" and not any(is_of(text, row.get("listed", "")) for row in rows_of(h))
                   for (_, text), hits in peer.items() for h in hits)
    classes = {"only indicia": collections.Counter(), "only matchy": collections.Counter()}
    examples, both = {}, 0
    texts = {}

    def count(side, name, number, path, text, place):
        classes[side][name] += number
        if (side, name) not in examples and place:
            examples[side, name] = f"{path}: {text!r} in {excerpt(texts[path], place)!r}"

    for path, text in sorted(own.keys() | peer.keys()):
        mine, other = own.get((path, text), {}), peer.get((path, text), [])
        both += min(len(mine), len(other))
        if len(mine) == len(other):
            continue
        data = texts.setdefault(path, (folder / path).read_bytes())
        if len(mine) > len(other):
            # matchy says how many, not where: the places it may have passed over come first.
            for place in sorted(mine, key=lambda place: (beside(data, place) is None, place))[:len(mine) - len(other)]:
                name = class_of_ours(mine[place])
                if name.startswith(tuple(READ_BY_MATCHY)):
                    name += "; " + (beside(data, place) or surroundings(data, place))
                count("only indicia", name, 1, path, text, place)
        else:
            # The places that we have no hit at: they tell why.
            found = [m.span() for m in re.finditer(re.escape(text.encode()), data, re.IGNORECASE) if m.span() not in mine]
            place = found[0] if found else None
            name = class_of_theirs(other[0], suffixes)
            if place and data[:place[0]].lower().endswith(b"::ffff:"):
                name += "; inside a mapped address, which indicia tells whole"
            elif not name.startswith("below"):
                name += "; " + (surroundings(data, place) if place else "not found in the file as such" if not mine else "the same places, told again")
            count("only matchy", name, len(other) - len(mine), path, text, place)

    for side, counted in classes.items():
        print(f"{side}: {sum(counted.values()):,}")
        for name, number in counted.most_common():
            print(f"  {number:>8,}  {name}\n            {examples.get((side, name), '')[:300]}")
    result = {"bench": "corpus_compare", "date": time.strftime("%Y-%m-%d"), "matchy": MATCHY, "listed_for_matchy": listed,
              "not_for_matchy": left, "both": both, "matchy_hits_with_data_of_another_row": mixed_up, "seconds": seconds,
              "log_bytes": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()),
              **{side.replace(" ", "_"): dict(counted) for side, counted in classes.items()}}
    print(json.dumps(result))
    if args.record and not args.again:
        with open(args.record, "a") as f:
            f.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    sys.exit(main())
