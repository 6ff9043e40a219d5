#!/usr/bin/env python3
"""Observables in labelled texts: indicia and its peers on the same documents, scored, and how long each takes.

  extraction.py --shared DIR --indicia BIN [--gold dev_reports] [--gold dev_challenge] [--errors N]
  extraction.py --shared DIR --indicia BIN --lab LAB --peers          makes LAB/venv and runs the peers beside
  extraction.py --shared DIR --indicia BIN --odd              64 MB each of inputs that are meant to be slow, against ordinary text
  extraction.py --shared DIR --indicia BIN --lab LAB --speed          megabytes a second over the same text, ratios

DIR holds extraction/ (labelled documents and score.py). A peer's kinds are renamed to those of the labels; what it finds of other
kinds does not count. Peers: iocsearcher, ioc-finder, iocextract, msticpy, each as its documentation calls it, with its refanging on.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

PEERS = {"iocsearcher": "iocsearcher==3.1.0", "ioc-finder": "ioc-finder==9.4.1", "iocextract": "iocextract==1.16.1", "msticpy": "msticpy==3.0.2"}

# Runs in the peers' venv: name, GOLD or TEXT, OUT. Of a GOLD file predictions; of a text the seconds of each of five passes.
DRIVER = r'''
import json, sys, time, warnings
warnings.simplefilter("ignore")
name, source, out = sys.argv[1:]
if name == "iocsearcher":
    from iocsearcher.searcher import Searcher
    searcher = Searcher()
    names = {"ip4": "ipv4", "ip6": "ipv6", "fqdn": "domain", "ip4Net": "cidr", "bitcoin": "btc_address", "ethereum": "eth_address",
             "monero": "xmr_address", "asn": "asn", "ttp": "attack_technique"}
    def find(text):
        return [(names.get(i.name, i.name), i.value) for i in searcher.search_data(text)]
elif name == "ioc-finder":
    from ioc_finder import find_iocs
    names = {"urls": "url", "domains": "domain", "ipv4s": "ipv4", "ipv6s": "ipv6", "ipv4_cidrs": "cidr", "email_addresses_complete": None,
             "email_addresses": "email", "md5s": "md5", "sha1s": "sha1", "sha256s": "sha256", "sha512s": "sha512", "ssdeeps": "ssdeep",
             "asns": "asn", "cves": "cve", "registry_key_paths": "registry_key", "mac_addresses": "mac", "bitcoin_addresses": "btc_address",
             "monero_addresses": "xmr_address", "file_paths": "file_path", "imphashes": "imphash", "authentihashes": "authentihash"}
    def find(text):
        found = []
        for kind, values in find_iocs(text).items():
            if kind == "attack_techniques":
                found += [("attack_technique", v) for one in values.values() for v in one]
            elif kind == "attack_tactics":
                found += [("attack_tactic", v) for one in values.values() for v in one]
            elif names.get(kind):
                found += [(names[kind], v) for v in values]
        return found
elif name == "iocextract":
    import iocextract
    def find(text):
        kinds = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
        found = [("url", v) for v in iocextract.extract_urls(text, refang=True)]
        found += [("ipv4", v) for v in iocextract.extract_ipv4s(text, refang=True)]
        found += [("ipv6", v) for v in iocextract.extract_ipv6s(text)]
        found += [("email", v) for v in iocextract.extract_emails(text, refang=True)]
        return found + [(kinds[len(v)], v) for v in iocextract.extract_hashes(text) if len(v) in kinds]
else:
    from msticpy.transform import IoCExtract
    extractor = IoCExtract()
    names = {"dns": "domain", "ipv4": "ipv4", "ipv6": "ipv6", "url": "url", "email": "email", "md5_hash": "md5", "sha1_hash": "sha1",
             "sha256_hash": "sha256"}
    def find(text):
        return [(names[k], v) for k, values in extractor.extract(text).items() for v in values if k in names]
if source.endswith(".jsonl"):
    with open(out, "w") as to:
        for line in open(source):
            row = json.loads(line)
            to.write(json.dumps({"id": row["id"], "predicted": [{"kind": k, "value": v} for k, v in sorted(set(find(row["text"])))]}) + "\n")
else:
    text, seconds = open(source).read(), []
    for _ in range(3):
        began = time.perf_counter()
        count = len(find(text))
        seconds.append(time.perf_counter() - began)
    json.dump({"seconds": seconds, "found": count}, open(out, "w"))
'''


def ours(indicia, gold, out, work):
    """Predictions of indicia: each document a file of a folder."""
    rows = [json.loads(line) for line in open(gold)]
    folder = Path(work, Path(gold).stem)
    folder.mkdir()
    for number, row in enumerate(rows):
        (folder / f"{number:05}.txt").write_text(row["text"], encoding="utf-8", newline="")
    made = subprocess.run([indicia, "extract", "--format", "jsonl", str(folder)], check=True, stdout=subprocess.PIPE)
    found = {}
    for line in made.stdout.splitlines():
        one = json.loads(line)
        found.setdefault(int(Path(one["path"]).stem), []).append({"kind": one["kind"], "value": one["value"]})
    with open(out, "w") as to:
        for number, row in enumerate(rows):
            to.write(json.dumps({"id": row["id"], "predicted": found.get(number, [])}) + "\n")


def venv(lab):
    folder = Path(lab, "venv-extraction")
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for peer in PEERS.values():
            if subprocess.run([str(python), "-m", "pip", "install", "-q", peer], check=False).returncode:
                print(f"{peer}: pip cannot install it; left out", file=sys.stderr)
    return python


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shared", required=True)
    p.add_argument("--indicia", required=True)
    p.add_argument("--gold", action="append", help="a file of extraction/ without .jsonl [dev_reports, dev_challenge]")
    p.add_argument("--errors", default="0", help="show so many errors of ours")
    p.add_argument("--lab")
    p.add_argument("--peers", action="store_true")
    p.add_argument("--odd", action="store_true")
    p.add_argument("--speed", action="store_true")
    p.add_argument("--record", help="append the results of --speed to this file")
    args = p.parse_args()
    folder = Path(args.shared, "extraction")
    with tempfile.TemporaryDirectory() as work:
        driver = Path(work, "driver.py")
        driver.write_text(DRIVER)
        if args.odd:
            return odd(args, folder, work)
        if args.speed:
            return speed(args, folder, work, driver)
        for name in args.gold or ["dev_reports", "dev_challenge"]:
            gold = folder / f"{name}.jsonl"
            out = Path(work, "ours.jsonl")
            ours(args.indicia, gold, out, work)
            print(f"== {name}: indicia", flush=True)
            subprocess.run([sys.executable, str(folder / "score.py"), str(gold), str(out), "--errors", args.errors], check=True)
            for peer in PEERS if args.peers else ():
                print(f"== {name}: {peer}", flush=True)
                out = Path(work, "peer.jsonl")
                if subprocess.run([str(venv(args.lab)), str(driver), peer, str(gold), str(out)], check=False).returncode == 0:
                    subprocess.run([sys.executable, str(folder / "score.py"), str(gold), str(out)], check=True)


ODD = {
    "a.a.a.a": "a.", "[.][.]": "[.]", "http://http://": "http://", "::::": ":", "1.1.1.1.": "1.", "a@a@a@": "a@", "hxxp://a[.]": "hxxp://a[.]",
    "((((": "(", "%2e%2e": "%2e", "a dot a dot": "a dot ", "C:\\C:\\": "C:\\", "/tmp/tmp": "/tmp", "HKLM\\": "HKLM\\", "{\"a\":": "{\"a\":", "[[[[": "[",
    "AS AS": "AS 1", "version": "version ", "zero width": "\u200b", "CJK": "漢",
}


def odd(args, folder, work):
    """How many times as long a byte takes as one of ordinary text; at most five."""
    size, path = 64_000_000, Path(work, "text")
    def nanoseconds(text, *more):
        path.write_text(text, encoding="utf-8")
        began = time.perf_counter()
        subprocess.run([args.indicia, "extract", "--format", "jsonl", *more, str(path)], stdout=subprocess.DEVNULL, check=False, timeout=600)
        return (time.perf_counter() - began) * 1e9 / path.stat().st_size
    text = "\n".join(json.loads(line)["text"] for line in open(folder / "dev_reports.jsonl"))
    worst = 0
    for more in ((), ("--fields",), ("--explain",)):
        usual = nanoseconds(text * (size // len(text)), *more)
        print(f"ordinary text {' '.join(more):<10} {usual:8.1f} ns a byte", flush=True)
        for name, piece in ODD.items():
            times = nanoseconds(piece * (size // len(piece.encode())), *more) / usual
            worst = max(worst, times)
            print(f"{name:<24} {times:8.2f} times as long", flush=True)
    sys.exit(1 if worst > 5 else 0)


def speed(args, folder, work, driver):
    """The reports as one text, over and over, as much as each can do in a sensible time."""
    text = "\n".join(json.loads(line)["text"] for line in open(folder / "dev_reports.jsonl"))
    small, large = Path(work, "small.txt"), Path(work, "large.txt")
    small.write_text(text[:400_000])
    # Ours is timed by the difference of two sizes, so that starting does not count: on one core, and as it runs by itself.
    large.write_text(text * max(1, 64_000_000 // len(text)))
    def pass_over(path, threads):
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([args.indicia, "extract", *threads, "--format", "jsonl", str(path)], stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)
    def rate(*threads):
        return (large.stat().st_size - small.stat().st_size) / 1e6 / (pass_over(large, threads) - pass_over(small, threads))
    one, all_ = rate("--threads", "1"), rate()
    result = {"date": time.strftime("%Y-%m-%d"), "row": "extraction speed", "cores": os.cpu_count(), "indicia_mb_s": {"one core": round(one, 1), "all cores": round(all_, 1)}}
    for peer in PEERS:
        out = Path(work, "seconds.json")
        if subprocess.run([str(venv(args.lab)), str(driver), peer, str(small), str(out)], check=False).returncode == 0:
            seconds = statistics.median(json.load(open(out))["seconds"])
            peers_rate = small.stat().st_size / 1e6 / seconds
            result[peer] = {"mb_s": round(peers_rate, 3), "times": {"one core": round(one / peers_rate), "all cores": round(all_ / peers_rate)}}
    print(json.dumps(result))
    if args.record:
        with open(args.record, "a") as to:
            to.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
