//! `scan`: the indicators of feeds in data.
//!
//! Inputs are read in pieces by one thread; as many pieces as there are threads are matched at once, and what
//! they give is written in the order of the input.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use indicatif::ProgressBar;
use indicia::input::{Event, Visitor};
use indicia::{AsOf, BuildOptions, HitView, IndicatorSet, ScanOptions, ScanRefang, Scratch};
use serde_json::json;

use crate::Exit;
use crate::args::{Guarded, OutputFormat, Scan};
use crate::data::{self, Chunk, Places};
use crate::feeds;
use crate::hits::{Place, Style, json_line};
use crate::show;

mod store;

#[derive(Default)]
struct Totals {
    bytes: u64,
    lines: u64,
    files: u64,
    hits: u64,
    hidden: u64,
    kinds: BTreeMap<&'static str, u64>,
    relations: BTreeMap<&'static str, u64>,
    guards: BTreeMap<String, u64>,
    limits: u64,
}

impl Totals {
    /// Counts a hit, and says whether it is shown.
    fn count(&mut self, hit: &HitView<'_, '_>, style: &Style) -> bool {
        for guard in hit.guards {
            *self.guards.entry(guard.rule.to_string()).or_default() += 1;
        }
        if !style.shows(hit.guards) {
            self.hidden += 1;
            return false;
        }
        self.hits += 1;
        *self.kinds.entry(hit.kind.name()).or_default() += 1;
        *self.relations.entry(hit.relation.name()).or_default() += 1;
        true
    }

    fn add(&mut self, other: Totals) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.files += other.files;
        self.hits += other.hits;
        self.hidden += other.hidden;
        self.limits += other.limits;
        for (from, into) in [(other.kinds, &mut self.kinds), (other.relations, &mut self.relations)] {
            for (name, n) in from {
                *into.entry(name).or_default() += n;
            }
        }
        for (name, n) in other.guards {
            *self.guards.entry(name).or_default() += n;
        }
    }
}

struct Scanning<'s> {
    set: &'s IndicatorSet,
    options: &'s ScanOptions,
    style: &'s Style,
    line_text: bool,
    count: bool,
    threads: usize,
    scratches: Vec<Scratch>,
    out: Box<dyn Write>,
    totals: Totals,
    exit: Exit,
    broken: Option<io::Error>,
    bar: ProgressBar,
}

pub(crate) fn run(args: &Scan) -> io::Result<Exit> {
    if data::nothing_to_read(&args.files) {
        return Err(io::Error::other("no file given, and standard input is a terminal; see --help"));
    }
    let began = Instant::now();
    let roles = BuildOptions { roles: args.filters.role.clone(), ..BuildOptions::default() };
    let Some(open) = args.trust.get() else { return Ok(Exit::Failed) };
    let (set, _, mut exit) = feeds::load(&args.feeds, &args.feed_options, roles, open);
    let (guards, lists) = args.matching.guards();
    exit = exit.max(lists);
    let loaded = began.elapsed();
    let options = ScanOptions {
        filter: args.filters.get(),
        guards,
        refang: ScanRefang(args.refang),
        ignore_ports: args.matching.ignore_ports,
        url_hosts: args.matching.url_hosts,
        strict_scheme: args.matching.strict_scheme,
    };
    let format = args.output.get();
    let hide = if format == OutputFormat::Text { Guarded::Hide } else { Guarded::Show };
    let style = Style {
        format,
        only_matching: args.only_matching,
        guarded: args.matching.guarded.unwrap_or(hide),
        now: match options.filter.as_of {
            AsOf::At(time) => time,
            _ => feeds::now(),
        },
        color: format == OutputFormat::Text
            && io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none(),
    };
    let threads =
        args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let mut scanning = Scanning {
        set: &set,
        options: &options,
        style: &style,
        line_text: args.line_text,
        count: args.count,
        threads,
        scratches: (0..threads).map(|_| Scratch::default()).collect(),
        out: Box::new(io::BufWriter::with_capacity(1 << 16, io::stdout())),
        totals: Totals::default(),
        exit,
        broken: None,
        bar: feeds::progress("scanning"),
    };
    if !args.count {
        style.header(&mut scanning.out)?;
    }
    let unmarked = set.info().unmarked;
    if unmarked > 0 {
        show::message(&format!(
            "{} without TLP or PAP marking: for own use only",
            show::count(unmarked, "record")
        ));
    }
    data::walk(&args.files, &mut scanning);
    scanning.bar.finish_and_clear();
    if let Some(error) = scanning.broken {
        return Err(error);
    }
    scanning.out.flush()?;
    let totals = &scanning.totals;
    if totals.hidden > 0 {
        let what = if style.guarded == Guarded::Only { "undoubted hit" } else { "doubtful hit" };
        show::message(&format!("{} hidden; --guarded show lists them", show::count(totals.hidden, what)));
    }
    if totals.limits > 0 {
        show::message(&format!(
            "limit reached {}: some URLs or lines were not tried in full",
            show::count(totals.limits, "time")
        ));
    }
    if args.stats {
        stats(&set, totals, loaded, began.elapsed() - loaded);
    }
    Ok(match (scanning.exit, totals.hits) {
        (Exit::Failed, _) => Exit::Failed,
        (_, 0) => Exit::Nothing,
        _ => Exit::Done,
    })
}

fn stats(set: &IndicatorSet, totals: &Totals, loaded: std::time::Duration, scanned: std::time::Duration) {
    let list = |counts: Vec<(String, u64)>| {
        counts.iter().map(|(name, n)| format!("{name} {}", show::number(*n))).collect::<Vec<_>>().join(", ")
    };
    let named = |counts: &BTreeMap<&'static str, u64>| {
        list(counts.iter().map(|(k, n)| (k.to_string(), *n)).collect())
    };
    let rate = totals.bytes as f64 / 1e6 / scanned.as_secs_f64().max(1e-9);
    show::message(&format!(
        "indicators: {} ({})",
        show::number(set.len() as u64),
        list(set.info().kinds.clone().into_iter().collect())
    ));
    show::message(&format!(
        "data: {}, {}, {} bytes; read feeds in {:.2} s, scanned in {:.2} s ({rate:.0} MB/s)",
        show::count(totals.files, "file"),
        show::count(totals.lines, "line"),
        show::number(totals.bytes),
        loaded.as_secs_f64(),
        scanned.as_secs_f64()
    ));
    show::message(&format!("hits: {}", show::number(totals.hits)));
    for (what, text) in [
        ("by kind", named(&totals.kinds)),
        ("by relation", named(&totals.relations)),
        ("by guard", list(totals.guards.clone().into_iter().collect())),
    ] {
        if !text.is_empty() {
            show::message(&format!("  {what}: {text}"));
        }
    }
    if let Some(peak) = peak_memory() {
        show::message(&format!("peak memory: {} MiB", show::number(peak >> 20)));
    }
}

/// The high-water mark of resident memory, where the system tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

impl Visitor for Scanning<'_> {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn BufRead) -> io::Result<ControlFlow<()>> {
        self.bar.set_message(show::plain(name));
        self.totals.files += 1;
        let before = self.totals.hits;
        if indicia::store::is_store(input.fill_buf()?) {
            let result = self.store(name, input);
            self.write_count(name, before);
            return if self.broken.is_some() { Ok(ControlFlow::Break(())) } else { result };
        }
        let mut waiting = Vec::with_capacity(self.threads);
        let (result, cuts) = data::chunks(input, |chunk| {
            waiting.push(chunk);
            if waiting.len() == self.threads {
                return Ok(self.batch(name, &mut waiting));
            }
            Ok(ControlFlow::Continue(()))
        });
        let _ = self.batch(name, &mut waiting);
        self.totals.limits += cuts;
        self.write_count(name, before);
        if self.broken.is_some() { Ok(ControlFlow::Break(())) } else { result }
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.bar.suspend(|| show::message(&format!("{name}: {error}")));
            self.exit = Exit::Failed;
        }
    }
}

impl Scanning<'_> {
    /// With `--count`, the hits of a file since there were `before`.
    fn write_count(&mut self, name: &str, before: u64) {
        if self.count && self.broken.is_none() {
            let hits = self.totals.hits - before;
            let mut line = Vec::new();
            let written = match self.style.format {
                OutputFormat::Jsonl | OutputFormat::Ecs => {
                    json_line(&json!({ "path": name, "count": hits }), &mut line)
                }
                _ => writeln!(line, "{}:{hits}", show::plain(name)),
            };
            if let Err(error) = written.and_then(|()| self.out.write_all(&line)) {
                self.broken = Some(error);
            }
        }
    }

    /// Matches pieces at once and writes what they give in order.
    fn batch(&mut self, path: &str, waiting: &mut Vec<Chunk>) -> ControlFlow<()> {
        if self.broken.is_some() {
            return ControlFlow::Break(());
        }
        let chunks = std::mem::take(waiting);
        let (set, options, style, line_text) = (self.set, self.options, self.style, self.line_text);
        let count = self.count;
        let job = |chunk: &Chunk, scratch: &mut Scratch| {
            scan_chunk(set, options, style, line_text, count, path, chunk, scratch)
        };
        let results: Vec<(Vec<u8>, Totals)> = match chunks.as_slice() {
            [] => Vec::new(),
            [one] => vec![job(one, &mut self.scratches[0])],
            many => std::thread::scope(|scope| {
                let running: Vec<_> = many
                    .iter()
                    .zip(&mut self.scratches)
                    .map(|(chunk, scratch)| scope.spawn(move || job(chunk, scratch)))
                    .collect();
                running
                    .into_iter()
                    .map(|r| r.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            }),
        };
        self.write_results(results)
    }

    fn write_results(&mut self, results: Vec<(Vec<u8>, Totals)>) -> ControlFlow<()> {
        for (out, totals) in results {
            self.totals.add(totals);
            if let Err(error) = self.out.write_all(&out) {
                self.broken = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

#[allow(clippy::too_many_arguments, reason = "a job for a thread, its inputs by name")]
fn scan_chunk(
    set: &IndicatorSet,
    options: &ScanOptions,
    style: &Style,
    line_text: bool,
    count: bool,
    path: &str,
    chunk: &Chunk,
    scratch: &mut Scratch,
) -> (Vec<u8>, Totals) {
    let mut out = Vec::new();
    let mut totals = Totals {
        bytes: chunk.text.len() as u64,
        lines: memchr::memchr_iter(b'\n', &chunk.text).count() as u64
            + u64::from(!chunk.text.ends_with(b"\n")),
        ..Totals::default()
    };
    let mut places = Places::new(chunk);
    let limits = scratch.limits_reached();
    let _ = set.scan_with(&chunk.text, options, scratch, &mut |hit| {
        if !totals.count(hit, style) || count {
            return ControlFlow::Continue(());
        }
        let line = places.line(hit.start);
        let text = line_text.then(|| {
            let from = memchr::memrchr(b'\n', &chunk.text[..hit.start]).map_or(0, |n| n + 1);
            let to = memchr::memchr(b'\n', &chunk.text[hit.end..]).map_or(chunk.text.len(), |n| hit.end + n);
            chunk.text[from..to].strip_suffix(b"\r").unwrap_or(&chunk.text[from..to])
        });
        let place = Place {
            path,
            line,
            span: places.span(hit.start, hit.end),
            raw: &chunk.text[hit.start..hit.end],
            via: chunk.via,
            line_text: text,
            seen: None,
        };
        // Writing into memory cannot fail.
        let _ = style.hit(hit, &place, &mut out);
        ControlFlow::Continue(())
    });
    totals.limits = scratch.limits_reached() - limits;
    (out, totals)
}
