"""Contenders that take turns. A ratio is taken in each round, so that what else the machine does falls on both.

Three sorts: `Whole`, a command from its start to its end; `Driver`, a process that has everything in memory and makes a pass
each time it is asked (`turns` in peers/src/lib.rs, hyperscan.c); `Once`, a process that measures one thing itself and ends.
"""
import json, os, subprocess, tempfile, time


def child(command, out=None, env=None, cpus=None, **more):
    """Starts a command, on these processors only."""
    where = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    return subprocess.Popen([str(c) for c in command], stdout=out or subprocess.DEVNULL, env={**os.environ, **(env or {})},
                            preexec_fn=where, **more)


def peak_kib(pid):
    """The most memory that a running process has had, what is mapped from files too."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))


def private_kib(pid):
    """Private memory that is no file's: Private_Dirty and Private_Clean without what is mapped from files and unchanged."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next((int(line.split()[1]) for line in f if line.startswith("Anonymous:")), 0)


class Contender:
    """Has a name, the seconds of its turns, and the greatest memory seen."""

    def __init__(self, name):
        self.name, self.seconds, self.peak_kib, self.more = name, [], 0, {}

    def ready(self):
        """What is to be done once, before the first turn."""

    def turn(self, count=True):
        seconds = self.run()
        if count:
            self.seconds.append(seconds)

    def close(self):
        """Ends what runs."""

    def figures(self):
        peak = {"peak_mib": round(self.peak_kib / 1024, 1)} if self.peak_kib else {}
        return {"seconds": spread(self.seconds), **peak, **self.more}


class Whole(Contender):
    """A whole process, standard output to a file."""

    def __init__(self, name, command, out="/dev/null", env=None, cpus=None, private=False, good=(0, 1)):
        super().__init__(name)
        self.command, self.out, self.env, self.cpus, self.private, self.good = command, out, env, cpus, private, good
        self.code = None

    def run(self):
        with tempfile.NamedTemporaryFile("r") as peak:
            # A child's peak counts from what its parent had, so the parent is a small one: GNU time.
            command = ["/usr/bin/time", "--quiet", "-f", "%M %U %S", "-o", peak.name, *self.command]
            with open(self.out, "wb") as out, open(os.devnull if self.out == os.devnull else f"{self.out}.err", "wb") as err:
                began = time.perf_counter()
                process = child(command, out, self.env, self.cpus, stderr=err, stdin=subprocess.DEVNULL)
                if self.private:
                    self.watch(process)
                self.code = process.wait()
                seconds = time.perf_counter() - began
            kib, user, system = peak.read().split()[-3:]
        self.peak_kib = max(self.peak_kib, int(kib))
        self.more["cpu_seconds"] = round(float(user) + float(system), 3)
        if self.good and self.code not in self.good:
            raise SystemExit(f"{' '.join(map(str, self.command))}: exit status {self.code}")
        return seconds

    def watch(self, process):
        most = 0
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
                    for pid in f.read().split():
                        most = max(most, private_kib(pid))
            except OSError:
                pass        # Not begun, or ended since.
            time.sleep(.002)
        self.more["private_mib"] = round(max(most / 1024, self.more.get("private_mib", 0)), 2)


class Driver(Contender):
    """A process that makes a pass whenever it is asked."""

    def __init__(self, name, command, env=None, cpus=None):
        super().__init__(name)
        self.command, self.env, self.cpus, self.process = command, env, cpus, None

    def ready(self):
        self.process = child(self.command, subprocess.PIPE, self.env, self.cpus, stdin=subprocess.PIPE, text=True)
        self.more.update(self.answer())

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self.command))}: ended without an answer")
        return json.loads(line)

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.more["result"] = answer["result"]
        return answer["ns"] / 1e9

    def close(self):
        if self.process and self.process.poll() is None:
            self.peak_kib = peak_kib(self.process.pid)
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()


class Once(Contender):
    """A new process each turn, which prints its own nanoseconds."""

    def __init__(self, name, command, env=None, cpus=None):
        super().__init__(name)
        self.command, self.env, self.cpus = command, env, cpus

    def run(self):
        process = child(self.command, subprocess.PIPE, self.env, self.cpus, text=True)
        answer = process.communicate()[0]
        if not answer:
            raise SystemExit(f"{' '.join(map(str, self.command))}: no answer")
        answer = json.loads(answer)
        self.more["result"] = answer["result"]
        return answer["ns"] / 1e9


def spread(numbers):
    """Least, median, greatest."""
    ordered = sorted(numbers)
    return [float(f"{n:.4g}") for n in (ordered[0], median(ordered), ordered[-1])]


def median(numbers):
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def in_turns(contenders, rounds, warm=1):
    """A B A B …: `warm` turns each that do not count, then `rounds` that do. Each is left with its seconds."""
    try:
        for contender in contenders:
            contender.ready()
        for turn in range(warm + rounds):
            for contender in contenders:
                contender.turn(turn >= warm)
    finally:
        for contender in contenders:
            contender.close()


def times_as_fast(ours, peer):
    """How many times as fast ours is, round by round."""
    return [theirs / own for own, theirs in zip(ours.seconds, peer.seconds)]
