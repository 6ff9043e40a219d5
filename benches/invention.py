#!/usr/bin/env python3
"""What extractors invent: URLs and domains taken where nothing of the kind stands, by hand-judged samples.

  invention.py bodies --lab LAB                            LAB/bodies/{prose,crates,binaries}, from packages
  invention.py run    --lab LAB --indicia BIN [--tool T]   what each tool takes from each body, in LAB/found
  invention.py sample --lab LAB                            LAB/judge.jsonl: of each tool and body 300 at random, with the text around
  invention.py score  --lab LAB                            invented per MB and true ones found, by benches/verdicts/invention.jsonl

prose      50 MB: the dictionaries and glossaries of Debian (gcide, foldoc, jargon, vera, devil, wn), as text
crates     the sources of tokio, serde, regex, reqwest and clap as crates.io gives them
binaries   100 MB of the programs and libraries of a Debian system

What is judged is a distinct kind and value of a body, as it is written there. True: whoever wrote the text names that host, or that
URL from its first to its last character; examples and made-up names count. Invented: all else, so code, file names, sentences whose
space is lost, and a URL that is too long or too short; what the end of a line cuts is judged by its line, since joining lines is asked
for by an option where a tool can do it at all. benches/verdicts/invention.jsonl holds the verdicts and no text: a row says
body, kind, value, true. Peers are the ones of extraction.py and live in the same environment (extraction.py --peers makes it).
"""
import argparse, glob, hashlib, json, os, re, subprocess, sys, tempfile, time
from collections import defaultdict
from pathlib import Path

DICTIONARIES = ["devil", "vera", "jargon", "foldoc", "gcide", "wn"]
CRATES = {"tokio": "1.48.0", "serde": "1.0.228", "regex": "1.12.2", "reqwest": "0.12.24", "clap": "4.5.53"}
BODIES = ["prose", "crates", "binaries"]
PEERS = ["iocsearcher", "ioc-finder", "iocextract", "msticpy"]
SAMPLE, SEED, AROUND = 300, 20261201, 60
VERDICTS = Path(__file__).parent / "verdicts" / "invention.jsonl"

# Runs in the peers' venv: tool, folder, OUT. One file after the other; a file is UTF-8 where it is, and else Latin-1.
DRIVER = r'''
import json, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
tool, folder, out = sys.argv[1:]
if tool == "iocsearcher":
    from iocsearcher.searcher import Searcher
    searcher = Searcher()
    def find(text):
        return [({"fqdn": "domain"}.get(i.name, i.name), i.value) for i in searcher.search_data(text)]
elif tool == "ioc-finder":
    from ioc_finder import find_iocs
    def find(text):
        found = find_iocs(text)
        return [("url", v) for v in found["urls"]] + [("domain", v) for v in found["domains"]]
elif tool == "iocextract":
    import iocextract
    def find(text):
        return [("url", v) for v in iocextract.extract_urls(text, refang=True)]
else:
    from msticpy.transform import IoCExtract
    extractor = IoCExtract()
    def find(text):
        found = extractor.extract(text)
        return [("url", v) for v in found.get("url", ())] + [("domain", v) for v in found.get("dns", ())]
began = time.perf_counter()
with open(out, "w") as to:
    for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
        data = path.read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        # Pieces that end at a line's end: some tools take time that grows with the square of the text.
        start = 0
        while start < len(text):
            end = text.find("\n", start + (1 << 20)) + 1 or len(text)
            for kind, value in set(find(text[start:end])):
                if kind in ("url", "domain"):
                    to.write(json.dumps([kind, value, str(path.relative_to(folder))]) + "\n")
            start = end
print(f"{tool} {Path(folder).name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
'''


def bodies(lab):
    prose, crates, binaries = (Path(lab, "bodies", body) for body in BODIES)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["apt-get", "download", "-q"] + [f"dict-{one}" for one in DICTIONARIES], cwd=work, check=True)
        for package in glob.glob(f"{work}/*.deb"):
            subprocess.run(["dpkg", "-x", package, work], check=True)
        prose.mkdir(parents=True, exist_ok=True)
        room = 50_000_000
        for one in DICTIONARIES:
            text = subprocess.run(["gzip", "-dc", "-S", ".dz", f"{work}/usr/share/dictd/{one}.dict.dz"], check=True, stdout=subprocess.PIPE).stdout[:room]
            room -= len(text)
            (prose / f"{one}.txt").write_bytes(text)
        # The registry's own archive of each crate, by a project that asks for exactly these.
        Path(work, "src").mkdir()
        Path(work, "src/lib.rs").touch()
        Path(work, "Cargo.toml").write_text('[package]\nname = "bodies"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'
                                            + "".join(f'{name} = "={version}"\n' for name, version in CRATES.items()))
        home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
        subprocess.run(["cargo", "fetch", "-q"], cwd=work, check=True)
        crates.mkdir(parents=True, exist_ok=True)
        for name, version in CRATES.items():
            subprocess.run(["cp", "-r", glob.glob(f"{home}/registry/src/*/{name}-{version}")[0], str(crates)], check=True)
    binaries.mkdir(parents=True, exist_ok=True)
    room = 100_000_000
    for path in sorted(glob.glob("/usr/bin/*") + glob.glob("/usr/lib/x86_64-linux-gnu/*.so*")):
        if room <= 0 or os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > 10_000_000:
            continue
        data = Path(path).read_bytes()
        if data[:4] == b"\x7fELF":
            (binaries / path[1:].replace("/", "_")).write_bytes(data[:room])
            room -= len(data)
    for body in (prose, crates, binaries):
        print(body.name, f"{megabytes(body):.1f} MB")


def megabytes(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file()) / 1e6


def run(lab, indicia, only):
    Path(lab, "found").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        driver = Path(work, "driver.py")
        driver.write_text(DRIVER)
        for body in BODIES:
            folder = Path(lab, "bodies", body)
            if only in (None, "indicia"):
                made = subprocess.run([indicia, "extract", "--nested", "--kind", "url", "--kind", "domain", "--format", "jsonl", str(folder)],
                                      check=False, stdout=subprocess.PIPE)
                with open(Path(lab, "found", f"indicia-{body}.jsonl"), "w") as to:
                    for line in made.stdout.splitlines():
                        one = json.loads(line)
                        to.write(json.dumps([one["kind"], one["value"], str(Path(one["path"]).relative_to(folder)), one.get("raw"), one.get("start")]) + "\n")
            for tool in PEERS:
                if only in (None, tool):
                    out = Path(lab, "found", f"{tool}-{body}.jsonl")
                    try:
                        subprocess.run([str(Path(lab, "venv-extraction/bin/python")), str(driver), tool, str(folder), str(out)], check=False, timeout=3600)
                    except subprocess.TimeoutExpired:
                        print(f"{tool} {body}: more than an hour, what it found until then", file=sys.stderr)


def found(lab, tool, body):
    """Distinct (kind, value) of a tool in a body: the file it is first taken from."""
    path, seen = Path(lab, "found", f"{tool}-{body}.jsonl"), {}
    if path.exists():
        for line in open(path):
            try:
                kind, value, file, *more = json.loads(line)
            except ValueError:
                continue
            key = (kind, value.lower() if kind == "domain" else value)
            seen.setdefault(key, (file, more))
    return seen


def drawn(keys):
    """As random as a digest; what a tool finds more or less tomorrow changes little of it."""
    return sorted(keys, key=lambda key: hashlib.sha256(f"{SEED} {key[0]} {key[1]}".encode()).digest())[:SAMPLE]


def sample(lab):
    wanted = {}
    for body in BODIES:
        for tool in ["indicia", *PEERS]:
            all_of = found(lab, tool, body)
            keys = sorted(all_of)
            for key in drawn(keys):
                wanted.setdefault((body, *key), all_of[key])
    judged = verdicts()
    with open(Path(lab, "judge.jsonl"), "w") as to:
        for number, ((body, kind, value), (file, more)) in enumerate(sorted(wanted.items())):
            if (body, kind, value) in judged:
                continue
            data = Path(lab, "bodies", body, file).read_bytes()
            needles = [more[0]] if more and more[0] else []
            needles += [value, re.sub(r"^\w+://", "", value), value.split("/")[2] if kind == "url" and value.count("/") > 1 else value]
            around = []
            for needle in needles:
                for at in re.finditer(re.escape(needle.encode()), data, re.I):
                    piece = data[max(0, at.start() - AROUND):at.end() + AROUND].decode("utf-8", "replace")
                    around.append(re.sub(r"[\x00-\x1f\x7f]", lambda c: "\u23ce" if c.group() == "\n" else "\u00b7", piece))
                    if len(around) == 2:
                        break
                if around:
                    break
            to.write(json.dumps({"n": number, "body": body, "kind": kind, "value": value, "file": file, "around": around}, ensure_ascii=False) + "\n")


def verdicts():
    if not VERDICTS.exists():
        return {}
    return {(row["body"], row["kind"], row["value"]): row["true"] for row in map(json.loads, open(VERDICTS))}


def score(lab):
    judged = verdicts()
    for body in BODIES:
        size = megabytes(Path(lab, "bodies", body))
        all_of = {tool: found(lab, tool, body) for tool in ["indicia", *PEERS]}
        print(f"\n{body}, {size:.1f} MB")
        true_ones = defaultdict(float)
        for tool, values in all_of.items():
            keys = sorted(values)
            for key in drawn(keys):
                if judged.get((body, *key)):
                    # One that several tools may draw stands for as many as it had a chance to be drawn for.
                    chance = 1.0
                    for other in all_of.values():
                        if key in other:
                            chance *= 1 - min(1.0, SAMPLE / max(1, len(other)))
                    true_ones[key] = 1 / (1 - chance)
        everything = sum(true_ones.values())
        for tool, values in all_of.items():
            if not values:
                continue
            keys = sorted(values)
            known = [judged[(body, *key)] for key in drawn(keys) if (body, *key) in judged]
            if not known:
                continue
            wrong = known.count(False) / len(known)
            reached = sum(weight for key, weight in true_ones.items() if key in values)
            print(f"  {tool:12} {len(values):7} distinct, {len(known)} judged, {known.count(False)} invented: "
                  f"{wrong * len(values) / size:8.3f} invented a MB; {100 * reached / everything if everything else 0:5.1f} % of the true ones")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("step", choices=["bodies", "run", "sample", "score"])
    p.add_argument("--lab", required=True)
    p.add_argument("--indicia", help="the program to run")
    p.add_argument("--tool", help="run only this one")
    args = p.parse_args()
    if args.step == "run":
        run(args.lab, args.indicia, args.tool)
    else:
        {"bodies": bodies, "sample": sample, "score": score}[args.step](args.lab)


if __name__ == "__main__":
    main()
