"""Rows that scan a log."""
import os, shlex

from .lab import skip
from .measure import in_turns, median, spread, times_as_fast


def figures(*contenders):
    return {c.name: c.figures() for c in contenders}


def rates(size, *contenders):
    """Median MB/s of each, for people."""
    return {c.name: round(size / 1e6 / median(c.seconds), 1) for c in contenders}


def scan(lab):
    """Whole processes, standard output to a file: `indicia scan --threads 1` against `matchy match -j1`, literals; `wc -l` beside."""
    log, n = lab.data.log(), lab.n
    ours = lab.scan("indicia scan", "-f", lab.data.set(n), log)
    peer = lab.whole("matchy match", lab.matchy, "match", "-j1", lab.data.matchy(n), log, out=lab.out / "matchy.jsonl")
    floor = lab.whole("wc -l", "wc", "-l", log)
    in_turns([ours, peer, floor], lab.rounds)
    size = log.stat().st_size
    lab.report("scan", f"{n:,} indicators, {lab.bytes} mixed, one thread, against matchy match -j1", times_as_fast(ours, peer), 12, 25,
               n=n, bytes=size, mb_per_second=rates(size, ours, peer, floor), contenders=figures(ours, peer, floor))


def library(lab):
    """In one process, from memory, contexts read: against matchy's library in chunks of 128 KiB; mixed log and both corpus families."""
    n = lab.n
    for name, log, goal, aim in (("mixed", lab.data.log(), 8, 15), ("web+Zeek+mail", lab.data.corpus("web+zeek+mail"), 6, 10),
                                 ("Windows event JSON", lab.data.corpus("windows"), 3, 6)):
        ours = lab.driver("indicia", "scan", "indicia", lab.data.set(n), log)
        peer = lab.driver("matchy", "scan", "matchy", lab.data.matchy(n), log)
        in_turns([ours, peer], lab.rounds)
        size = log.stat().st_size
        lab.report("library", f"{name}, {n:,} indicators, against matchy's library", times_as_fast(ours, peer), goal, aim,
                   log=name, n=n, bytes=size, mb_per_second=rates(size, ours, peer), contenders=figures(ours, peer))


def growth(lab):
    """Ours against ours, in one process: the largest set against 1,000 indicators; hit rate 2 % against 0.1 %, hits from the whole set."""
    log, most = lab.data.log(), lab.big or lab.n
    few = lab.driver("1,000", "scan", "indicia", lab.data.set(1000), log)
    many = lab.driver(f"{most:,}", "scan", "indicia", lab.data.set(most), log)
    in_turns([few, many], lab.rounds)
    size = log.stat().st_size
    lab.report("growth", f"{most:,} indicators against 1,000", times_as_fast(many, few), .6, .8, n=most, bytes=size,
               mb_per_second=rates(size, few, many), contenders=figures(few, many))

    n = lab.n
    rare, often = lab.data.log(n, .001), lab.data.log(n, .02)
    low = lab.driver("hits .001", "scan", "indicia", lab.data.set(n), rare)
    high = lab.driver("hits .02", "scan", "indicia", lab.data.set(n), often)
    in_turns([low, high], lab.rounds)
    sizes = rare.stat().st_size, often.stat().st_size
    speed = [ratio * sizes[1] / sizes[0] for ratio in times_as_fast(high, low)]
    lab.report("growth", f"hit rate 2 % against 0.1 %, {n:,} indicators", speed, .7, .85, n=n, bytes=sizes[1],
               mb_per_second={**rates(sizes[0], low), **rates(sizes[1], high)}, contenders=figures(low, high))


def hyperscan(lab):
    """In one process each: ours with all semantics against Hyperscan with the list's literals, which knows no borders and no networks."""
    log = lab.data.log()
    size = log.stat().st_size
    for n, goal, aim in ((100_000, 2, 4),):
        ours = lab.driver("indicia", "scan", "indicia", lab.data.set(n), log)
        peer = lab.driver("hyperscan", "hyperscan", lab.data.literals(n), log)
        in_turns([ours, peer], lab.rounds)
        lab.report("hyperscan", f"{n:,} literals", times_as_fast(ours, peer), goal, aim, n=n, bytes=size,
                   mb_per_second=rates(size, ours, peer), contenders=figures(ours, peer))


def fields(lab):
    """Whole processes, one thread: `--fields` against the same scan without it, on JSON lines and Zeek logs with URLs in parts."""
    for name, path in lab.data.records().items():
        raw = lab.scan("indicia scan", "-f", lab.data.set(lab.n), path)
        own = lab.scan("indicia scan --fields", "--fields", "-f", lab.data.set(lab.n), path)
        in_turns([raw, own], lab.rounds)
        size = sum(f.stat().st_size for f in ([path] if path.is_file() else path.iterdir()))
        lab.report("fields", f"{name}, {lab.n:,} indicators, against the scan of text", times_as_fast(own, raw), .4, .6, n=lab.n,
                   bytes=size, mb_per_second=rates(size, raw, own), contenders=figures(raw, own))


def packed(lab):
    """Whole processes: a compressed log scanned, against `gzip -dc` and `zstd -dc` to nowhere; one and two threads."""
    for tool, goals in (("gzip", ((1, .8, .95), (2, 1.6, 1.9))), ("zstd", ((1, .45, .6), (2, .8, .95)))):
        log = lab.data.packed(tool)
        peer = lab.whole(f"{tool} -dc", tool, "-dc", log)
        ours = [lab.scan(f"indicia scan, {threads}", "-f", lab.data.set(lab.n), log, threads=threads) for threads, _, _ in goals]
        in_turns([peer, *ours], lab.rounds)
        size = lab.data.log().stat().st_size
        for own, (threads, goal, aim) in zip(ours, goals):
            lab.report("packed", f"{log.suffix}, {threads} thread{'s' * (threads > 1)}, against {tool} -dc", times_as_fast(own, peer), goal, aim,
                       n=lab.n, bytes=size, packed_bytes=log.stat().st_size, threads=threads,
                       mb_per_second=rates(size, own, peer), contenders=figures(own, peer))


def simd(lab):
    """Ours against ours: AVX2 and scalar against AVX-512 in one process each; two threads against one as whole processes."""
    log = lab.data.log()
    size = log.stat().st_size
    if lab.about()["machine"]["simd"] == "avx512":
        levels = {level: lab.driver(level, "scan", "indicia", lab.data.set(lab.n), log, simd=level) for level in ("avx512", "avx2", "scalar")}
        in_turns(list(levels.values()), lab.rounds)
        if .95 < median(times_as_fast(levels["scalar"], levels["avx512"])):
            skip("simd", "scalar is as fast as avx512: this build takes no notice of INDICIA_SIMD")
            levels = {}
        for level, goal in (("avx2", .5), ("scalar", .2)) if levels else ():
            lab.report("simd", f"{level} against avx512", times_as_fast(levels[level], levels["avx512"]), goal, n=lab.n, bytes=size,
                       mb_per_second=rates(size, *levels.values()), contenders=figures(*levels.values()))
    else:
        skip("simd", "this processor has no AVX-512 VBMI")
    one = lab.scan("indicia scan, 1", "-f", lab.data.set(lab.n), log)
    two = lab.scan("indicia scan, 2", "-f", lab.data.set(lab.n), log, threads=2)
    # What the machine gives to two of us that share nothing: no threads can do better.
    command = shlex.join(map(str, one.command))
    cpus = sorted(os.sched_getaffinity(0))[:2]
    both = lab.whole("two processes at once", "sh", "-c", " & ".join(f"taskset -c {cpu} {command} > {lab.out}/both-{cpu}.jsonl" for cpu in cpus)
                     + " & wait", pinned=False)
    in_turns([one, two, both], lab.rounds)
    lab.report("simd", "two threads against one, whole processes", times_as_fast(two, one), 1.8, n=lab.n, bytes=size,
               mb_per_second=rates(size, one, two), contenders=figures(one, two))
    low, middle, high = spread([2 * r for r in times_as_fast(both, one)])
    lab.note("simd", f"two processes at once do {low:g} / {middle:g} / {high:g} times the work of one", contenders=figures(one, both))
    lab.report("simd", "two threads, work done against two processes at once", [r / 2 for r in times_as_fast(two, both)], .9, n=lab.n,
               bytes=size, contenders=figures(two, both))


def worst(lab):
    """Where ours is least ahead of matchy's library: logs of one format, no hits, near misses, other seeds. Names the worst."""
    n = lab.n
    logs = {f"only {name}": path for name, path in lab.data.one_format().items()}
    logs["no hits"] = lab.data.log(rate=0)
    logs["near misses"] = lab.data.near_misses(n)
    logs["2 % hits"] = lab.data.log(n, .02)
    for seed in (2, 3):
        logs[f"seed {seed}"] = lab.data.log(seed=seed)
    ratios = {}
    for name, log in logs.items():
        ours = lab.driver("indicia", "scan", "indicia", lab.data.set(n), log)
        peer = lab.driver("matchy", "scan", "matchy", lab.data.matchy(n), log)
        in_turns([ours, peer], max(3, lab.rounds // 2))
        ratios[name] = median(times_as_fast(ours, peer))
        size = log.stat().st_size
        lab.note("worst", f"{name}, {n:,} indicators", times_as_fast=spread(times_as_fast(ours, peer))[1], log=name, n=n, bytes=size,
                 mb_per_second=rates(size, ours, peer), contenders=figures(ours, peer))
    least = min(ratios, key=ratios.get)
    lab.note("worst", f"the worst is: {least}", times_as_fast=round(ratios[least], 2))


def others(lab):
    """Figures without a goal: aho-corasick, Hyperscan at 1,000, and what matchy takes to find candidates."""
    log = lab.data.log()
    size = log.stat().st_size
    for name, n, peer in (("aho-corasick, 1,000", 1000, ("scan", "aho-corasick", lab.data.literals(1000))),
                          ("aho-corasick, 100,000", 100_000, ("scan", "aho-corasick", lab.data.literals(100_000))),
                          ("Hyperscan, 1,000", 1000, ("hyperscan", lab.data.literals(1000))),
                          ("matchy's extractor, no lookups", lab.n, ("scan", "matchy-extractor", "-"))):
        ours = lab.driver("indicia", "scan", "indicia", lab.data.set(n), log)
        other = lab.driver(name, *peer, log)
        in_turns([ours, other], lab.rounds)
        lab.note("others", name, times_as_fast=spread(times_as_fast(ours, other))[1], n=n, bytes=size,
                 mb_per_second=rates(size, ours, other), contenders=figures(ours, other))
