"""Rows about sets: lookups, building, size, opening, memory, deltas."""
import subprocess

from .lab import skip
from .measure import in_turns, median, times_as_fast
from .rows_scan import figures


def per_value(count, *contenders):
    """Median nanoseconds a value, for people."""
    return {c.name: round(median(c.seconds) * 1e9 / count, 1) for c in contenders}


def addresses(lab):
    """Contexts read, in one process each: against ip_network_table and maxminddb on a file that matchy wrote.

    maxminddb twice: whether there is a record, and with the record read, which is nearer to our answer."""
    n, count = lab.n, 1_000_000
    for sort, goals in (("address", {"ip_network_table": (2, 5), "maxminddb": (5, 15), "maxminddb, contexts": (5, 15)}), ("address-miss", {})):
        values = lab.data.probes(n, sort, count)
        ours = lab.driver("indicia", "lookup", "indicia-address", lab.data.set(n), values)
        batch = lab.driver("indicia, together", "lookup", "indicia-address-together", lab.data.set(n), values)
        peers = [lab.driver("ip_network_table", "lookup", "ip_network_table", lab.data.csv(n), values),
                 lab.driver("maxminddb", "lookup", "maxminddb", lab.data.matchy(n), values),
                 lab.driver("maxminddb, contexts", "lookup", "maxminddb-contexts", lab.data.matchy(n), values)]
        in_turns([ours, batch, *peers], lab.rounds)
        facts = {"n": n, "values": count, "nanoseconds": per_value(count, ours, batch, *peers),
                 "contenders": figures(ours, batch, *peers)}
        for peer in peers:
            if peer.name in goals:
                lab.report("addresses", f"hit, random, {n:,} indicators, against {peer.name}", times_as_fast(ours, peer), *goals[peer.name], **facts)
                lab.report("addresses", f"the same asked for together, against {peer.name}", times_as_fast(batch, peer), *goals[peer.name], **facts)
        if not goals:
            lab.note("addresses", f"miss, random, {n:,} indicators", **facts)


def names(lab):
    """Exact and below a listed one, contexts read, against a walk over its parents in a hashbrown map with foldhash.

    The walk twice: to the first name that is listed and no further, and to the end with all contexts read, which is our answer."""
    n, count = lab.n, 1_000_000
    for sort, what in (("name", "exact"), ("below", "subdomain"), ("name-miss", "not listed")):
        values = lab.data.probes(n, sort, count)
        ours = lab.driver("indicia", "lookup", "indicia-name", lab.data.set(n), values)
        batch = lab.driver("indicia, together", "lookup", "indicia-name-together", lab.data.set(n), values)
        peer = lab.driver("hashbrown walk, contexts", "lookup", "hashbrown-name-contexts", lab.data.csv(n), values)
        first = lab.driver("hashbrown walk, first", "lookup", "hashbrown-name", lab.data.csv(n), values)
        all_ = (ours, batch, peer, first)
        in_turns(list(all_), lab.rounds)
        facts = {"n": n, "values": count, "nanoseconds": per_value(count, *all_), "contenders": figures(*all_)}
        if sort == "name-miss":
            lab.note("names", f"{what}, {n:,} indicators", **facts)
        else:
            for peer, answer in ((peer, "the same answer"), (first, "to the first name, no contexts")):
                lab.report("names", f"{what}, {n:,} indicators, hashbrown, {answer}", times_as_fast(ours, peer), 1, 2, **facts)
                lab.report("names", f"{what}, together, hashbrown, {answer}", times_as_fast(batch, peer), 1, 2, **facts)


def build(lab):
    """Whole processes, names with all below: `indicia compile` against `matchy build` with a glob a name; with --big 10 M, once."""
    for n in [lab.n] + ([lab.big] if lab.big else []):
        once = n > 1_000_000
        ours = lab.whole("indicia compile", lab.indicia, "compile", "-o", lab.out / "built.ind", lab.data.csv(n), pinned=False)
        peer = lab.whole("matchy build, globs", lab.matchy, "build", "-f", "csv", "-i", "-o", lab.out / "built.mxy",
                         lab.data.peer_csv(n, True), pinned=False)
        in_turns([ours, peer], 1 if once else lab.rounds, warm=0 if once else 1)
        facts = {"n": n, "contenders": figures(ours, peer)}
        what = f"{n:,} indicators with all below, against matchy with globs"
        if once:
            lab.report("build", f"{what}: time", times_as_fast(ours, peer), 15, **facts)
            lab.report("build", f"{n:,} indicators: peak memory", [ours.peak_kib / (1 << 20)], 2, least=False, unit="GiB", **facts)
        else:
            lab.report("build", f"{what}: time", times_as_fast(ours, peer), 10, 25, **facts)
            lab.report("build", f"{what}: peak memory", [peer.peak_kib / ours.peak_kib], 4, 8, **facts)


def size(lab):
    """Files: ours, values kept, names with all below, against matchy's with and without globs."""
    n = lab.n
    own = lab.data.set(n).stat().st_size
    for globs, goal, aim in ((True, 5, 8), (False, 1.5, 2)):
        theirs = lab.data.matchy(n, globs).stat().st_size
        lab.report("size", f"{n:,} indicators, matchy's file {'with' if globs else 'without'} globs against ours", [theirs / own], goal, aim,
                   n=n, bytes_ours=own, bytes_matchy=theirs, bytes_an_indicator=round(own / n, 1))


def first(lab):
    """From opening a file to the first answer, a new process each time, files warm: absolute, and the largest set against 1,000."""
    most = lab.big or lab.n
    value = {n: lab.data.probes(n, "address", 1000).read_text().split("\n", 1)[0] for n in (1000, most)}
    few = lab.once("1,000", "first", "indicia", lab.data.set(1000), value[1000])
    many = lab.once(f"{most:,}", "first", "indicia", lab.data.set(most), value[most])
    peer = lab.once("matchy", "first", "matchy", lab.data.matchy(most), value[most])
    in_turns([few, many, peer], max(11, lab.rounds))
    facts = {"n": most, "microseconds": per_value(1000, few, many, peer), "contenders": figures(few, many, peer)}
    lab.report("first", f"{most:,} indicators, open to first answer", [s * 1e3 for s in many.seconds], 1, least=False, unit="ms", **facts)
    lab.note("first", f"{most:,} against 1,000", times_as_long=round(median(many.seconds) / median(few.seconds), 2))


def memory(lab):
    """Private memory of a whole `indicia scan` while it runs: anonymous pages, not what is mapped from files and unchanged."""
    most = lab.big or lab.n
    for threads in (1, 2):
        ours = lab.scan(f"indicia scan, {threads}", "-f", lab.data.set(most), lab.data.log(), threads=threads, private=True)
        in_turns([ours], 1, warm=0)
        lab.report("memory", f"{most:,} indicators, private memory of a scan, {threads} thread{'s' * (threads > 1)}", [ours.more["private_mib"]],
                   64, least=False, unit="MiB", n=most, threads=threads, contenders=figures(ours))


def delta(lab):
    """A hundredth of the rows out and as many in: size of the delta against the changed values by zstd, time to apply; same bytes."""
    if subprocess.run([lab.indicia, "delta", "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return skip("delta", "this indicia has no command `delta`")
    n = lab.n
    churned, changed = lab.data.churned(n)
    old, new, delta, applied = lab.data.set(n), lab.out / "new.ind", lab.out / "new.delta", lab.out / "applied.ind"
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([lab.indicia, "compile", "-o", new, churned], **quiet)
    make = lab.whole("indicia delta", lab.indicia, "delta", old, new, "-o", delta, pinned=False, good=(0,))
    apply = lab.whole("indicia apply", lab.indicia, "apply", old, delta, "-o", applied, pinned=False, good=(0,))
    in_turns([make, apply], lab.rounds)
    packed = {level: len(subprocess.run(["zstd", "-c", "-q", f"-{level}", changed], check=True, stdout=subprocess.PIPE).stdout) for level in (3, 19)}
    same = subprocess.run(["cmp", "-s", new, applied]).returncode == 0
    facts = {"n": n, "bytes_delta": delta.stat().st_size, "bytes_changed": changed.stat().st_size, "bytes_changed_zstd": packed,
             "same_bytes": same, "contenders": figures(make, apply)}
    lab.report("delta", f"1 % of {n:,} changed: delta against the changed values by zstd", [delta.stat().st_size / packed[3]], 2, least=False, **facts)
    lab.report("delta", f"1 % of {n:,} changed: apply", apply.seconds, 1, least=False, unit="s", **facts)
    if not same:
        raise SystemExit("delta: the applied set is not the new one, byte for byte")
