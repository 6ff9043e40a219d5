"""The data of a run: lists, logs, sets and the peers' files, each made once in the lab's folder and used again."""
import hashlib, json, os, re, subprocess, sys
from pathlib import Path

# What each format of the made-up log looks like, first that fits.
FORMATS = (
    ("zeek-tsv", re.compile(rb"^\d+\.\d{6}\t")), ("zeek-json", re.compile(rb'^\{"ts":')), ("eve", re.compile(rb'^\{"timestamp":')),
    ("ecs", re.compile(rb'^\{"@timestamp')), ("web", re.compile(rb"^\S+ - - \[")), ("proxy", re.compile(rb"^\d+\.\d{3} ")),
    ("sshd", re.compile(rb"^\w{3} [ \d]\d \S+ \S+ sshd\[")), ("sysmon", re.compile(rb"^\w{3} [ \d]\d \S+ \S+ Microsoft-Windows-Sysmon:")),
    ("syslog", re.compile(rb"^\w{3} [ \d]\d ")), ("application", re.compile(rb"^\d{4}-\d\d-\d\dT")),
)

# The corpus by families of logs. Captures of packets and licences are left out.
FAMILIES = {
    "web+zeek+mail": ("web", "zeek-tsv", "zeek-json", "otrf/day1", "otrf/day2", "crowdsec", "mail"),
    "windows": ("otrf/windows",),
}
SKIPPED = re.compile(r"README|LICENSE|NOTICE|COPYING|SHA256SUMS|\.pcap")


def plain(path):
    """The bytes of a file, decompressed by its name."""
    tool = {".zst": "zstd", ".gz": "gzip"}.get(path.suffix)
    return subprocess.run([tool, "-dc", path], check=True, stdout=subprocess.PIPE).stdout if tool else path.read_bytes()


def log_files(folder):
    """Files of logs below a folder, in the order of their names."""
    return sorted(p for p in Path(folder).rglob("*") if p.is_file() and not SKIPPED.match(p.name) and not SKIPPED.search(p.suffix))


class Data:
    """Everything is named by what it was made from; a file that is there is not made again."""

    def __init__(self, lab):
        self.lab, self.root = lab, lab.folder / "data" / f"e{lab.endpoints:g}"
        self.root.mkdir(parents=True, exist_ok=True)

    def made(self, path, make):
        """Makes a file beside its place and then moves it there."""
        if not path.exists():
            print(f"making {path.name}", file=sys.stderr, flush=True)
            part = path.with_name("part-" + path.name)
            make(part)
            part.rename(path)
        return path

    def generate(self, *arguments):
        script = self.lab.shared / "bench" / "make_workload.py"
        subprocess.run([sys.executable, script, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    # Lists

    def csv(self, n):
        """Our list: n rows, a share of the IPv4 rows with a port."""
        path = self.root / f"ind-{n}.csv"
        if not path.exists():
            part = self.root / f"part-{n}"
            self.generate("indicators", "--n", n, "--endpoints", self.lab.endpoints, "--out", part)
            for file in part.iterdir():
                file.rename(self.root / file.name)
            part.rmdir()
        return path

    def peer_csv(self, n, globs=False):
        """The same list without endpoints, as matchy wants it; with globs, a second row for what is below each name."""
        def make(part):
            with open(self.csv(n)) as rows, open(part, "w") as out:
                out.write(next(rows))
                for row in rows:
                    value, kind, rest = row.rsplit(",", 3)[0], row.rsplit(",", 3)[1], row.rsplit(",", 2)[1:]
                    if kind == "endpoint":
                        continue
                    # matchy takes a value with `?` or `*` for a glob unless told otherwise.
                    out.write(",".join([f"literal:{value}" if kind == "url" else value, kind, *rest]))
                    if globs and kind == "domain":
                        out.write(",".join([f"*.{value}", kind, *rest]))
        return self.made(self.root / f"matchy-{'globs' if globs else 'literals'}-{n}.csv", make)

    def literals(self, n):
        """Values that are literals: all but endpoints and networks, one a line."""
        def make(part):
            with open(self.csv(n)) as rows, open(part, "w") as out:
                next(rows)
                for row in rows:
                    value, kind = row.rsplit(",", 3)[:2]
                    if kind not in ("endpoint", "cidr"):
                        out.write(value + "\n")
        return self.made(self.root / f"literals-{n}.txt", make)

    def churned(self, n):
        """The list with a hundredth of its rows out and as many others in; and the values that changed, one a line."""
        changed = self.root / f"churned-{n}.changed.txt"

        def make(part):
            few = n // 100
            with open(self.csv(n + few)) as rows, open(part, "w") as out, open(changed, "w") as values:
                out.write(next(rows))
                for number, row in enumerate(rows):
                    goes = number < n and int(hashlib.md5(b"%d" % number).hexdigest()[:8], 16) % 100 == 0
                    if goes or number >= n:
                        values.write(row.rsplit(",", 3)[0] + "\n")
                    if not goes:
                        out.write(row)
        return self.made(self.root / f"churned-{n}.csv", make), changed

    def probes(self, n, sort, count):
        """Values to look up, in random order: `address`, `address-miss`, `name`, `below`, `name-miss`."""
        def make(part):
            import random
            draw = random.Random(f"probes-{sort}-{n}")
            kind = "ipv4" if sort.startswith("address") else "domain"
            with open(self.csv(n)) as rows:
                next(rows)
                listed = [row.rsplit(",", 3)[0] for row in rows if row.rsplit(",", 3)[1] == kind]
            # A name behind a listed name's last label, and an address from where nothing is listed (198.18.0.0/15).
            value = {"address": lambda v: v, "name": lambda v: v, "below": lambda v: "cdn." + v, "name-miss": lambda v: "x" + v,
                     "address-miss": lambda v: f"198.{draw.randint(18, 19)}.{draw.randint(0, 255)}.{draw.randint(0, 255)}"}[sort]
            with open(part, "w") as out:
                for _ in range(count):
                    out.write(value(draw.choice(listed)) + "\n")
        return self.made(self.root / f"probes-{n}-{sort}-{count}.txt", make)

    # Logs

    def log(self, listed=1000, rate=.001, seed=1):
        """The mixed log; its hits are drawn from the first `listed` indicators."""
        path = self.root / f"{self.lab.bytes}-h{listed}-r{rate:g}-s{seed}.log"
        if not Path(f"{path}.stats.json").exists():
            self.generate("logs", "--bytes", self.lab.bytes, "--indicators", self.csv(listed), "--hit-rate", rate, "--seed", seed, "--out", path)
        return path

    def one_format(self):
        """The mixed log cut by the shape of its lines: name → file."""
        log = self.log()
        folder = log.with_suffix(".formats")
        if not folder.exists():
            part = log.with_suffix(".formats-part")
            part.mkdir(exist_ok=True)
            outs = {name: open(part / f"{name}.log", "wb") for name, _ in FORMATS}
            with open(log, "rb") as lines:
                for line in lines:
                    name = next((name for name, shape in FORMATS if shape.match(line)), None)
                    if name:
                        outs[name].write(line)
            for out in outs.values():
                out.close()
            part.rename(folder)
        return {p.stem: p for p in sorted(folder.iterdir()) if p.stat().st_size}

    def records(self):
        """The log with URLs in parts, cut into its JSON lines and its Zeek logs, a file a log under one header: name → file or folder."""
        log = self.root / f"{self.lab.bytes}-split.log"
        if not Path(f"{log}.stats.json").exists():
            self.generate("logs", "--bytes", self.lab.bytes, "--indicators", self.csv(1000), "--split-urls", .33, "--out", log)
        folder = log.with_suffix(".records")
        if not folder.exists():
            part = log.with_suffix(".records-part")
            (part / "zeek").mkdir(parents=True, exist_ok=True)
            head, zeek = [], {}
            with open(log, "rb") as lines, open(part / "jsonl", "wb") as jsonl:
                for line in lines:
                    if line.startswith(b"{"):
                        jsonl.write(line)
                    elif line.startswith(b"#"):
                        head = [line] if line.startswith(b"#separator") else head + [line]
                    elif b"\t" in line and head:
                        name = next(h for h in head if h.startswith(b"#path")).split(b"\t")[1].strip().decode()
                        if name not in zeek:
                            zeek[name] = open(part / "zeek" / f"{name}.log", "wb")
                            zeek[name].writelines(head)
                        zeek[name].write(line)
            for out in zeek.values():
                out.close()
            part.rename(folder)
        return {"JSON lines": folder / "jsonl", "Zeek": folder / "zeek"}

    def near_misses(self, n):
        """A log of values that are almost listed: an address beside a listed one, a sibling of a listed name, a listed URL
        with a longer path, a digest with another last digit. Every filter that knows less than the whole value passes them."""
        def make(part):
            import random
            draw = random.Random(f"near-{n}")
            listed = {"ipv4": [], "domain": [], "url": [], "hash": []}
            with open(self.csv(n)) as rows:
                next(rows)
                for row in rows:
                    value, kind = row.rsplit(",", 3)[:2]
                    if kind in listed:
                        listed[kind].append(value)
            written = 0
            with open(part, "w") as out:
                while written < self.lab.size // 4:
                    address, name, url, digest = (draw.choice(values) for values in listed.values())
                    network, _, last = address.rpartition(".")
                    parent = name.partition(".")[2]
                    name = f"q{draw.randint(0, 99)}.{parent}" if "." in parent else "x" + name
                    written += out.write(f'{network}.{(int(last) + 1) % 256} - - [24/Nov/2026:10:00:00 +0000] "GET {url}x HTTP/1.1" 200 '
                                         f'{draw.randint(100, 99999)} "{name}" {digest[:-1]}{draw.choice("0123456789abcdef")}\n')
        return self.made(self.root / f"{self.lab.bytes}-near-{n}.log", make)

    def corpus(self, family, least=100_000_000):
        """A family of the corpus's logs in one file, again and again until it has `least` bytes."""
        least = min(least, self.lab.size)

        def make(part):
            files = [f for folder in FAMILIES[family] for f in log_files(self.lab.shared / "corpus" / "logs" / folder)]
            once = b"".join(text if text.endswith(b"\n") else text + b"\n" for text in map(plain, files))
            with open(part, "wb") as out:
                for _ in range(max(1, -(-least // len(once)))):
                    out.write(once)
        return self.made(self.lab.folder / "data" / f"corpus-{family}-{least}.log", make)

    def mask_rules(self):
        """The rules of every list of urlhaus-filter in the corpus, each once."""
        folder = self.lab.shared / "corpus" / "feeds" / "urlhaus-filter" / "history"
        return self.made(self.lab.folder / "data" / "mask-rules.txt", lambda part: part.write_bytes(b"\n".join(sorted(
            {line for file in log_files(folder) for line in plain(file).splitlines() if not line.startswith(b"!")})) + b"\n"))

    def benign_names(self):
        """The names of Tranco."""
        source = self.lab.shared / "corpus" / "benign" / "tranco-top1m.txt.zst"
        return self.made(self.lab.folder / "data" / "names.txt", lambda part: part.write_bytes(plain(source)))

    def packed(self, tool):
        """The mixed log by `gzip` or `zstd` at its default level; zstd's in one frame."""
        log = self.log()

        def make(part):
            with open(part, "wb") as out:
                subprocess.run([tool, "-c", "-q", log], check=True, stdout=out)
        return self.made(Path(f"{log}.{'gz' if tool == 'gzip' else 'zst'}"), make)

    # Files of the contenders

    def set(self, n):
        """Our list compiled, again whenever the program is another."""
        stamp = self.root / f"ind-{n}.stamp"
        path = self.root / f"ind-{n}.ind"
        now = json.dumps(self.lab.program_stamp())
        if not path.exists() or not stamp.exists() or stamp.read_text() != now:
            print(f"compiling {path.name}", file=sys.stderr, flush=True)
            # The list says `feed-a` and so on in its column `source`; nothing of it is refused.
            subprocess.run([self.lab.indicia, "compile", "-o", path, self.csv(n)], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            stamp.write_text(now)
        return path

    def matchy(self, n, globs=False):
        """The list as matchy compiles it."""
        source = self.peer_csv(n, globs)
        return self.made(source.with_suffix(".mxy"), lambda part: subprocess.run(
            [self.lab.matchy, "build", "-f", "csv", "-i", "-o", part, source], check=True, stdout=subprocess.DEVNULL))


def size_of(text):
    """256M → 268435456."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


