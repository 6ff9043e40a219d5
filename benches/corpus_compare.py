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


def list_for_matchy(indicia, feeds, lab):
    """matchy's CSV; the columns behind the value are given back with a hit."""
    records = lab / "corpus.jsonl"
    with open(records, "wb") as out:
        subprocess.run([indicia, "convert", "--to", "jsonl", feeds], stdout=out, stderr=subprocess.DEVNULL, check=False)
    listed, left = collections.Counter(), collections.Counter()
    path = lab / "corpus-matchy.csv"
    with open(records) as lines, open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["entry", "type", "match"])
        for line in lines:
            target = json.loads(line)["target"]
            kind, value, how = target["kind"], target["value"], target.get("match", "exact")
            # Somebody to notify is in no set; matchy does not get it either.
            if all(c.get("role") in ("compromised", "victim") for c in json.loads(line)["contexts"]):
                continue
            if kind not in READ_BY_MATCHY or how == "mask":
                left[kind] += 1
                continue
            listed[kind] += 1
            below_only = value.startswith("*.")
            name = value.removeprefix("*.")
            if not below_only:
                out.writerow([name, kind, how])
            if kind == "domain" and (how == "subdomains" or below_only):
                out.writerow(["*." + name, kind, "subdomains"])
    return path, listed, left


def ours(indicia, compiled, folder, out):
    with open(out, "wb") as f:
        subprocess.run([indicia, "scan", "-f", compiled, folder], stdout=f, stderr=subprocess.DEVNULL, check=False)
    hits = collections.defaultdict(dict)
    with open(out) as f:
        for line in f:
            hit = json.loads(line)
            raw = hit["raw"] if isinstance(hit["raw"], str) else hit["raw"]["bytes"]
            path = os.path.relpath(hit["path"], folder)
            hits[path, raw.lower()].setdefault((hit["start"], hit["end"]), hit)
    return hits


def theirs(matchy, database, folder, out):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    with open(out, "wb") as f:
        subprocess.run([matchy, "match", "-j1", database, *files], stdout=f, stderr=subprocess.DEVNULL, check=False)
    hits = collections.defaultdict(list)
    with open(out, errors="replace") as f:
        for line in f:
            hit = json.loads(line)
            # A file's name without its folder is all that is given where files are in one folder.
            hits[os.path.relpath(hit["source"], folder), hit["matched_text"].lower()].append(hit)
    return hits


def class_of_ours(hit):
    """What kind of hit it is that matchy has not."""
    indicator = hit["indicator"]["target"]
    if hit["relation"] == "exact" and hit["kind"] == "ipv6" and "::" not in hit["raw"]:
        return "an IPv6 address without `::`"
    if indicator["kind"] not in READ_BY_MATCHY:
        return f"{indicator['kind']}, which matchy does not match ({hit['relation']})"
    if hit.get("via"):
        return f"{indicator['kind']} behind a decoder ({hit['via']})"
    return f"{indicator['kind']}, {hit['relation']}"


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
    p.add_argument("--record", help="append the result to this file")
    args = p.parse_args()
    shared, lab = Path(args.shared), Path(args.lab).absolute()
    feeds, matchy = shared / "corpus" / "feeds", lab / "tools" / "bin" / "matchy"
    folder = decompressed(shared, lab)
    compiled, database = lab / "corpus.ind", lab / "corpus.mxy"
    began = time.monotonic()
    subprocess.run([args.indicia, "compile", "-o", compiled, feeds], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    seconds = {"indicia compile": round(time.monotonic() - began, 2)}
    listed, listed_left = list_for_matchy(args.indicia, feeds, lab)[1:]
    began = time.monotonic()
    subprocess.run([matchy, "build", "-f", "csv", "-i", "-o", database, lab / "corpus-matchy.csv"], stdout=subprocess.DEVNULL, check=True)
    seconds["matchy build"] = round(time.monotonic() - began, 2)

    began = time.monotonic()
    own = ours(args.indicia, compiled, folder, lab / "corpus-ours.jsonl")
    seconds["indicia scan"] = round(time.monotonic() - began, 2)
    began = time.monotonic()
    peer = theirs(matchy, database, folder, lab / "corpus-theirs.jsonl")
    seconds["matchy match"] = round(time.monotonic() - began, 2)

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
            place, hit = max(mine.items())
            name = class_of_ours(hit)
            if other:
                name = f"hit by both, at fewer places by matchy: {name}"
            elif name.startswith(tuple(READ_BY_MATCHY)):
                name += "; " + surroundings(data, place)
            count("only indicia", name, len(mine) - len(other), path, text, place)
        else:
            # The places that we have no hit at: they tell why.
            found = [m.span() for m in re.finditer(re.escape(text.encode()), data, re.IGNORECASE) if m.span() not in mine]
            place = found[0] if found else None
            name = f"{other[0]['data'][0].get('type') if other[0].get('data') else '?'}, {other[0]['match_type']}"
            name += "; " + (surroundings(data, place) if place else "not found in the file as such" if not mine else "the same places, told again")
            count("only matchy", name, len(other) - len(mine), path, text, place)

    for side, counted in classes.items():
        print(f"{side}: {sum(counted.values()):,}")
        for name, number in counted.most_common():
            print(f"  {number:>8,}  {name}\n            {examples.get((side, name), '')[:300]}")
    result = {"bench": "corpus_compare", "date": time.strftime("%Y-%m-%d"), "matchy": MATCHY, "listed_for_matchy": dict(listed),
              "not_for_matchy": dict(listed_left), "both": both, "seconds": seconds,
              "log_bytes": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()),
              **{side.replace(" ", "_"): dict(counted) for side, counted in classes.items()}}
    print(json.dumps(result))
    if args.record:
        with open(args.record, "a") as f:
            f.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    sys.exit(main())
