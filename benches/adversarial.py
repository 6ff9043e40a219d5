#!/usr/bin/env python3
"""Lists and logs that are made to be slow or large, each next to an ordinary one of the same size: time and peak memory.

  adversarial.py [--indicia BIN] [--work DIR] [--only CASE] [--scale 1.0] [--record FILE]

Every case compiles a list and scans a log. `names` is 10 million names at --scale 1, the logs are 64 MiB. "Times as slow" are seconds a byte
against the ordinary log with the same list; where every line has many hits, writing them is the work, and the log is short. A case
that takes more than --bound times as long makes the exit status 1; no bound unless it is given.
All names are below `example`, `test` and `invalid`, all addresses are for documentation or private, but for the tree of networks.
"""
import argparse, itertools, json, os, sys, tempfile, time
from pathlib import Path

from harness.lab import BENCHES
from harness.measure import Whole

LOG = 64 << 20


def fill(path, size, lines):
    """Lines, again and again, until the file has `size` bytes."""
    with open(path, "wb") as out:
        written = 0
        while written < size:
            block = b"".join(itertools.islice(lines, 256))
            if not block:
                break
            written += out.write(block)


def ordinary(size):
    """Lines with an address, a name and a URL, none of them listed in any case."""
    numbers = itertools.count()
    return (b'10.%d.%d.%d - - [24/Nov/2026:10:00:%02d +0000] "GET /a/%d.html HTTP/1.1" 200 %d "https://www%d.other.example/p/%d?q=1" "curl/8.5.0"\n'
            % (i >> 16 & 255, i >> 8 & 255, i & 255, i % 60, i, i % 9000, i % 5000, i) for i in numbers)


def repeated(line):
    return itertools.repeat(line)


# Each case: what it is, the list's rows, the log's lines.

def names(scale):
    """10 M names below one domain; the log names others below it, none of which is listed but by the domain's parents"""
    n = int(10_000_000 * scale)
    rows = (f"n{i:x}.bad.example,hostname\n" for i in range(n))
    return rows, (b"lookup x%x.bad.example and n%x.bad.example.invalid\n" % (i, i) for i in itertools.count())


def siblings(scale):
    """10 M names below one domain, all below match; every line names one below a listed one"""
    n = int(10_000_000 * scale)
    rows = (f"n{i:x}.bad.example,domain\n" for i in range(n))
    return rows, (b"lookup a.b.c.n%x.bad.example.\n" % (i * 7919 % n) for i in itertools.count())


def networks(scale):
    """Networks of every length around one address, and a tree of all lengths besides: every line hits all that cover it"""
    def rows():
        for length in range(1, 33):
            yield f"{network(0xC0000207, length)}/{length},cidr\n"
        for length in range(8, 33):
            for i in range(min(1 << length, int(40_000 * scale))):
                yield f"{network(i * 2654435761 & 0xFFFFFFFF, length)}/{length},cidr\n"
    return rows(), itertools.islice(repeated(b"connect to 192.0.2.7:443 failed\n"), 20_000)


def networks6(scale):
    """IPv6 networks of every length around one address: every line hits 128"""
    full = 0x20010DB8 << 96 | 0x7
    def text(length):
        bits = full >> (128 - length) << (128 - length)
        return ":".join(f"{bits >> 112 - 16 * i & 0xFFFF:x}" for i in range(8)) + f"/{length}"
    return (f"{text(length)},cidr\n" for length in range(1, 129)), itertools.islice(repeated(b"connect to [2001:db8::7]:443 failed\n"), 5000)


def dots(scale):
    """`a.a.a.a…` without an end of line, with `a.a.example` listed"""
    return iter(["a.a.example,domain\n"]), repeated(b"a." * 512)


def dotted_numbers(scale):
    """`1.1.1.1.1…` without an end of line, with an address and all networks that cover it listed"""
    rows = [f"{network(0x01010101, length)}/{length},cidr\n" for length in range(1, 33)]
    return iter(rows), repeated(b"1." * 512)


def colons(scale):
    """`1:1:1:1…` and `::` without an end of line, with IPv6 networks of every length listed"""
    return networks6(scale)[0], repeated(b"1:1:" * 200 + b":" * 200)


def hexadecimal(scale):
    """Hexadecimal digits without an end: no run has the length of a hash"""
    return iter([f"{i:064x},sha256\n" for i in range(1000)]), repeated(b"0123456789abcdef" * 64)


def labels(scale):
    """Names with 100 labels, one parent in two listed"""
    parts = ["abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range(100)] + ["bad", "example"]
    rows = [f"{'.'.join(parts[i:])},domain\n" for i in range(0, len(parts) - 1, 2)]
    name = ".".join(parts).encode()
    return iter(rows), itertools.islice(repeated(b"lookup " + name + b" failed\n"), 5000)


def one_line(scale):
    """The ordinary log as one line"""
    return iter(["bad.example,domain\n"]), (line.replace(b"\n", b" ") for line in ordinary(0))


def url_ends(scale):
    """URLs with thousands of places where they could end, on a host with listed URLs"""
    rows = [f"http://bad.example/{'a/' * i}x,url\n" for i in range(0, 2000, 7)]
    return iter(rows), repeated(b"GET http://bad.example/" + b"a/,;)'" * 1500 + b"\n")


def url_hosts(scale):
    """A hundred thousand listed URLs on one host; every line has another of its URLs, not listed"""
    rows = (f"http://bad.example/f{i:x},url\n" for i in range(int(100_000 * scale)))
    return rows, (b"GET http://bad.example/g%x ok\n" % i for i in itertools.count())


def escapes(scale):
    """URLs full of escapes on a listed host"""
    return iter(["http://bad.example/%41x,url\n"]), repeated(b"GET http://bad.example/" + b"%41" * 1300 + b"\n")


def schemes(scale):
    """`http://` again and again"""
    return iter(["http://bad.example/a,url\n"]), repeated(b"http://" * 150)


def hosts_in_urls(scale):
    """`github.com/github.com/…` without an end, on a host whose one listed URL is 6000 bytes long"""
    return iter([f"http://github.com/{'a/' * 3000},url\n"]), repeated(b"github.com/" * 100)


def urls_in_urls(scale):
    """The same with `http://` in front of each"""
    return hosts_in_urls(scale)[0], repeated(b"http://github.com/" * 50)


def hosts_and_commas(scale):
    """The same host with a place to end behind each"""
    return hosts_in_urls(scale)[0], repeated(b"github.com/," * 100)


def users(scale):
    """URLs with six hundred listed names before an `@` in their authority"""
    return iter(["bad.example,domain\n"]), itertools.islice(repeated(b"http://" + b"bad.example@" * 600 + b"\n"), 500)


def beyond_ascii_users(scale):
    """`é.a@é.a@…` without an end"""
    return iter(["bad.example,domain\n"]), repeated("é.a@".encode() * 200)


def brackets(scale):
    """URLs with thousands of `@[` in their authority"""
    return iter(["http://bad.example/a,url\n"]), repeated(b"http://" + b"@[" * 3900 + b"\n")


def words(scale):
    """Words of 32 hexadecimal digits in one run"""
    return iter([f"{i:032x},md5\n" for i in range(1000)]), repeated(b"0123456789abcdef0123456789abcdee." * 30)


def numbers(scale):
    """`as1as1…`, `x:x:…`, `%2F…` and `\\n…` in turn, a mebibyte of each"""
    rows = ["AS64496,asn\n", "00:1a:2b:3c:4d:5e,mac\n", "bad.example,domain\n", "2001:db8::/32,cidr\n"]
    return iter(rows), itertools.cycle(piece * ((1 << 20) // len(piece)) for piece in (b"as1", b"x:", b"%2F", b"\\n"))


def contexts(scale):
    """One name with 100,000 contexts; every line hits it"""
    rows = (f"bad.example,domain,feed-{i}\n" for i in range(int(100_000 * scale)))
    return rows, itertools.islice(repeated(b"lookup bad.example failed\n"), 20)


def every_line(scale):
    """Every token of every line is a hit"""
    rows = itertools.chain((f"h{i}.bad.example,domain\n" for i in range(1000)), (f"192.0.2.{i},ip\n" for i in range(256)))
    return rows, (b"h%d.bad.example 192.0.2.%d\n" % (i % 1000, i % 256) for i in range(400_000))


CASES = {f.__name__.replace("_", "-"): f for f in (names, siblings, networks, networks6, dots, dotted_numbers, colons, hexadecimal, labels, one_line,
                                                 url_ends, url_hosts, escapes, schemes, hosts_in_urls, urls_in_urls, hosts_and_commas, users,
                                                 beyond_ascii_users, brackets, words, numbers, contexts, every_line)}


def network(address, length):
    bits = address >> (32 - length) << (32 - length)
    return ".".join(str(bits >> shift & 255) for shift in (24, 16, 8, 0))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--indicia", default=str(BENCHES.parent / "target" / "release" / "indicia"))
    p.add_argument("--work", help="folder that keeps lists and logs")
    p.add_argument("--only", action="append", choices=CASES, metavar="CASE")
    p.add_argument("--list", action="store_true", help="the cases")
    p.add_argument("--scale", type=float, default=1, help="of the large lists and of the logs")
    p.add_argument("--bound", type=float, help="how many times as slow as the ordinary log a case may be")
    p.add_argument("--record", help="append the results to this file")
    args = p.parse_args()
    if args.list:
        for name, case in CASES.items():
            print(f"{name:<16} {case.__doc__}")
        return 0
    over = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(args.work or temporary)
        work.mkdir(parents=True, exist_ok=True)
        size = int(LOG * min(1, args.scale))
        usual = work / "ordinary.log"
        fill(usual, size, ordinary(size))
        for name in args.only or CASES:
            result = measure(args, work, name, usual, size)
            print(json.dumps(result), flush=True)
            if args.record:
                with open(args.record, "a") as f:
                    f.write(json.dumps(result) + "\n")
            if result["exit"] not in (0, 1) or args.bound and result["times_as_slow"] > args.bound:
                over.append(name)
    if over:
        print("over the bound, or failed:", *over, file=sys.stderr)
    return 1 if over else 0


def measure(args, work, name, usual, size):
    """Compiles the case's list and scans its log and the ordinary one."""
    case = CASES[name]
    feed, log, compiled = work / f"{name}.csv", work / f"{name}.log", work / f"{name}.ind"
    rows, lines = case(args.scale)
    with open(feed, "w") as out:
        out.write("value,type,source\n")
        # Every row has as many columns as the first.
        out.writelines(row if row.count(",") > 1 else row.replace("\n", ",list\n") for row in rows)
    fill(log, size, lines)
    compile_ = Whole("compile", [args.indicia, "compile", "-o", compiled, feed], work / "compiled.json", good=None)
    compile_seconds = compile_.run()
    out = work / f"{name}.jsonl"
    scan = Whole("scan", [args.indicia, "scan", "--threads", "1", "-f", compiled, log], out, good=None)
    seconds = scan.run()
    plain = Whole("scan", [args.indicia, "scan", "--threads", "1", "-f", compiled, usual], work / "ordinary.jsonl", good=None)
    ordinary_seconds = plain.run()
    log_bytes, out_bytes = log.stat().st_size, out.stat().st_size
    a_byte = seconds / log_bytes, ordinary_seconds / usual.stat().st_size
    result = {"bench": "adversarial", "date": time.strftime("%Y-%m-%d"), "case": name, "what": case.__doc__, "scale": args.scale,
              "list_bytes": feed.stat().st_size, "compile_seconds": round(compile_seconds, 2),
              "compile_peak_mib": compile_.peak_kib >> 10, "set_bytes": compiled.stat().st_size if compiled.exists() else 0,
              "log_bytes": log_bytes, "scan_seconds": round(seconds, 3), "scan_mb_per_second": round(log_bytes / 1e6 / seconds, 1),
              "scan_peak_mib": scan.peak_kib >> 10, "output_bytes": out_bytes,
              "output_mb_per_second": round(out_bytes / 1e6 / seconds, 1), "ordinary_seconds": round(ordinary_seconds, 3),
              "times_as_slow": round(a_byte[0] / a_byte[1], 2), "exit": max(compile_.code, scan.code, key=abs)}
    if not args.work:
        for path in (feed, log, compiled, out):
            path.unlink(missing_ok=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
