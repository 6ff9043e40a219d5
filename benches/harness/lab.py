"""The lab: a folder with peers, data and results, the machine, and what is written down of a row."""
import hashlib, json, os, platform, re, shutil, subprocess, sys, time
from pathlib import Path

from .data import Data, size_of
from .measure import Driver, Once, Whole, spread

BENCHES = Path(__file__).resolve().parent.parent
MATCHY = "2.0.1"


class Lab:
    """Options of the command line, and where everything is."""

    def __init__(self, args):
        self.folder = Path(args.lab).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not args.shared:
            raise SystemExit("--shared or INDICIA_SHARED: the folder with bench/make_workload.py and corpus/")
        self.shared = Path(args.shared).absolute()
        self.indicia = Path(args.indicia).absolute()
        self.matchy = self.folder / "tools" / "bin" / "matchy"
        self.hyperscan = self.folder / "tools" / "hyperscan"
        self.drivers = self.folder / "target" / "release"
        self.n = args.n or (100_000 if args.quick else 1_000_000)
        self.big = 10_000_000 if args.big else None
        self.bytes = args.bytes or ("16M" if args.quick else "256M")
        self.size = size_of(self.bytes)
        self.rounds = args.rounds or (3 if args.quick else 5)
        self.endpoints = args.endpoints
        self.record_to = args.record and Path(args.record)
        self.cpu = None if args.no_pin else {max(os.sched_getaffinity(0))}
        self.out = self.folder / "out"
        self.out.mkdir(exist_ok=True)
        self.data = Data(self)
        self.missed = []
        self._about = None

    # Contenders

    def scan(self, name, *arguments, threads=1, out=None, **more):
        """`indicia scan` as a whole process."""
        cpus = self.cpu if threads == 1 else None
        command = [self.indicia, "scan", "--threads", threads, *arguments]
        return Whole(name, command, out or self.out / f"{re.sub('[^a-z0-9]+', '-', name)}.jsonl", cpus=cpus, **more)

    def whole(self, name, *command, out="/dev/null", pinned=True, **more):
        return Whole(name, command, out, cpus=self.cpu if pinned else None, **more)

    def driver(self, name, binary, *arguments, simd=None):
        env = {"INDICIA_SIMD": simd} if simd else None
        path = self.hyperscan if binary == "hyperscan" else self.drivers / binary
        return Driver(name, [path, *arguments], env, self.cpu)

    def once(self, name, binary, *arguments):
        return Once(name, [self.drivers / binary, *arguments], cpus=self.cpu)

    # Peers

    def setup(self):
        """Installs and builds what is not there."""
        run = lambda *command, **more: subprocess.run([str(c) for c in command], check=True, **more)
        missing = [t for t in ("/usr/bin/time", "gzip", "zstd", "wc", "gcc", "pkg-config") if not shutil.which(t)]
        if missing or subprocess.run(["pkg-config", "--exists", "libhs"]).returncode:
            run("apt-get", "update", "-qq")
            run("apt-get", "install", "-y", "-qq", "libhyperscan-dev", "time", "gzip", "zstd", "gcc", "pkg-config", "coreutils")
        if not self.matchy.exists():
            run("cargo", "install", "matchy", "--version", MATCHY, "--locked", "--root", self.folder / "tools",
                "--target-dir", self.folder / "target-matchy")
        self.hyperscan.parent.mkdir(exist_ok=True)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libhs"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        run("gcc", "-O2", "-Wall", "-Wextra", "-o", self.hyperscan, BENCHES / "peers" / "hyperscan.c", *flags)
        run("cargo", "build", "--release", "--manifest-path", BENCHES / "peers" / "Cargo.toml", "--target-dir", self.folder / "target")
        run("cargo", "build", "--release", "-p", "indicia-cli", cwd=BENCHES.parent)

    def program_stamp(self):
        """What a set file depends on."""
        return hashlib.sha256(self.indicia.read_bytes()).hexdigest()

    # Results

    def about(self):
        """Machine and versions."""
        if self._about is None:
            def says(*command):
                done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=BENCHES)
                return (done.stdout.splitlines() or [""])[0]
            cpu = Path("/proc/cpuinfo").read_text()
            model = re.search(r"model name\s*: (.*)", cpu)
            flags = set((re.search(r"flags\s*: (.*)", cpu) or [None, ""])[1].split())
            memory = int(re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())[1])
            lock = (BENCHES / "peers" / "Cargo.lock").read_text()
            crates = dict(re.findall(r'name = "(matchy|aho-corasick|maxminddb|ip_network_table|hashbrown|foldhash|adblock)"\nversion = "([^"]*)"', lock))
            self._about = {
                "machine": {"cpu": model and model[1], "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory / (1 << 20), 1),
                            "kernel": platform.release(), "simd": "avx512" if "avx512vbmi" in flags else "avx2" if "avx2" in flags else "scalar"},
                "versions": {"indicia": says(self.indicia, "--version").split()[-1], "commit": says("git", "describe", "--always", "--dirty"),
                             "rustc": says("rustc", "--version").split()[1], "matchy-cli": MATCHY, **crates,
                             "gzip": says("gzip", "--version").split()[-1], "zstd": (re.search(r"v[\d.]+", says("zstd", "--version")) or [""])[0]},
            }
        return self._about

    def report(self, row, what, figures, goal, aim=None, least=True, unit="×", **facts):
        """Prints a row and writes it down. `figures` are its ratios or values; `least` says whether more is better."""
        low, middle, high = spread(figures)
        reached = middle >= goal if least else middle <= goal
        sign = "≥" if least else "≤"
        text = f"{low:g} / {middle:g} / {high:g}" if len(figures) > 1 else f"{middle:g}"
        wanted = f"{sign} {goal:g}{unit}" + (f", aim {aim:g}{unit}" if aim else "")
        print(f"{row:<14} {what:<72} {text:>24} {unit:<3} {wanted:<24} {'reached' if reached else 'NOT REACHED'}", flush=True)
        if not reached:
            self.missed.append(f"{row}: {what}")
        self.write({"row": row, "what": what, "figure": {"min": low, "median": middle, "max": high, "unit": unit}, "goal": f"{sign} {goal:g}",
                    "aim": aim and f"{sign} {aim:g}", "reached": reached, **facts})

    def note(self, row, what, **facts):
        """A figure without a goal."""
        shown = {key: facts[key] for key in ("times_as_fast", "times_as_long", "nanoseconds", "mb_per_second") if key in facts}
        print(f"{row:<14} {what:<72} {', '.join(f'{key} {value}' for key, value in shown.items())}", flush=True)
        self.write({"row": row, "what": what, **facts})

    def write(self, record):
        record = {"bench": "run", "date": time.strftime("%Y-%m-%d"), "rounds": self.rounds, **record, "load": round(os.getloadavg()[0], 2),
                  "simd": os.environ.get("INDICIA_SIMD", "auto"), **self.about()}
        if self.record_to:
            with open(self.record_to, "a") as f:
                f.write(json.dumps(record) + "\n")


def skip(row, why):
    print(f"{row:<14} skipped: {why}", file=sys.stderr, flush=True)
