//! `scan`: the indicators of feeds in data.
//!
//! What is done with each piece of the input stands here; the [`pipeline`] reads the pieces and writes what they give.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use indicatif::ProgressBar;
use indicia::chunks::Chunk;
use indicia::input::{Event, Visitor};
use indicia::store::{Block, join};
use indicia::{
    AsOf, BuildOptions, HitView, IndicatorSet, Kind, Profile, Relation, ScanOptions, ScanRefang, Scratch,
};
use serde_json::json;

use crate::Exit;
use crate::args::{Guarded, OutputFormat, Scan};
use crate::data::{self, Piece, Pieces};
use crate::feeds;
use crate::hits::{Place, Style, Written, json_line};
use crate::pipeline::{self, Feeder, Work};
use crate::show;

struct Totals {
    bytes: u64,
    lines: u64,
    files: u64,
    hits: u64,
    hidden: u64,
    /// By their numbers.
    kinds: [u64; 256],
    relations: [u64; 256],
    guards: BTreeMap<String, u64>,
    limits: u64,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            bytes: 0,
            lines: 0,
            files: 0,
            hits: 0,
            hidden: 0,
            kinds: [0; 256],
            relations: [0; 256],
            guards: BTreeMap::new(),
            limits: 0,
        }
    }
}

impl Totals {
    /// Counts a hit, and says whether it is shown.
    fn count(&mut self, hit: &HitView<'_, '_>, style: &Style) -> bool {
        for guard in hit.guards() {
            *self.guards.entry(guard.rule.to_string()).or_default() += 1;
        }
        if !style.shows(hit.guards()) {
            self.hidden += 1;
            return false;
        }
        self.hits += 1;
        self.kinds[usize::from(hit.kind.number())] += 1;
        self.relations[hit.relation as usize] += 1;
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
            into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
        }
        for (name, n) in other.guards {
            *self.guards.entry(name).or_default() += n;
        }
    }
}

/// What is done with each piece.
struct Job<'s> {
    set: &'s IndicatorSet,
    options: &'s ScanOptions,
    style: &'s Style,
    line_text: bool,
    count: bool,
}

/// What a thread keeps from piece to piece.
#[derive(Default)]
struct State {
    scratch: Scratch,
    totals: Totals,
    written: Written,
}

/// Gives the pipeline what a walk finds.
struct Scanning<'f, 'p, 's> {
    feeder: &'f mut Feeder<'p, Job<'s>>,
    set: &'s IndicatorSet,
    fields: bool,
    totals: Totals,
    exit: Exit,
    bar: &'f ProgressBar,
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
        fields: args.fields.fields,
        only_fields: args.fields.only.clone(),
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
        each_anew: options.filter.as_of == AsOf::Event,
    };
    let unmarked = set.info().unmarked;
    if unmarked > 0 {
        show::message(&format!(
            "{} without TLP or PAP marking: for own use only",
            show::count(unmarked, "record")
        ));
    }
    let mut out = io::stdout();
    if !args.count {
        style.header(&mut out)?;
    }
    let bar = feeds::progress("scanning");
    let job =
        Job { set: &set, options: &options, style: &style, line_text: args.line_text, count: args.count };
    let (read, states) = pipeline::run(&job, data::threads(args.threads), Box::new(out), |feeder| {
        let mut scanning = Scanning {
            feeder,
            set: &set,
            fields: options.reads_fields(),
            totals: Totals::default(),
            exit,
            bar: &bar,
        };
        data::walk(&args.files, &mut scanning);
        (scanning.totals, scanning.exit)
    })?;
    bar.finish_and_clear();
    let (mut totals, exit) = read;
    for state in states {
        totals.add(state.totals);
    }
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
        stats(&set, &totals, loaded, began.elapsed() - loaded);
    }
    Ok(match (exit, totals.hits) {
        (Exit::Failed, _) => Exit::Failed,
        (_, 0) => Exit::Nothing,
        _ => Exit::Done,
    })
}

fn stats(set: &IndicatorSet, totals: &Totals, loaded: std::time::Duration, scanned: std::time::Duration) {
    let list = |counts: Vec<(String, u64)>| {
        counts.iter().map(|(name, n)| format!("{name} {}", show::number(*n))).collect::<Vec<_>>().join(", ")
    };
    let named = |counts: &mut dyn Iterator<Item = (&'static str, u64)>| {
        let counts: BTreeMap<_, _> = counts.filter(|(_, n)| *n > 0).collect();
        list(counts.into_iter().map(|(name, n)| (name.to_string(), n)).collect())
    };
    let mut kinds = Kind::ALL.iter().map(|k| (k.name(), totals.kinds[usize::from(k.number())]));
    let mut relations = Relation::ALL.iter().map(|r| (r.name(), totals.relations[*r as usize]));
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
        ("by kind", named(&mut kinds)),
        ("by relation", named(&mut relations)),
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

impl Visitor for Scanning<'_, '_, '_> {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        self.bar.set_message(show::plain(name));
        self.totals.files += 1;
        let mut pieces = Pieces::new(input, self.feeder.threads(), self.fields)?;
        if matches!(pieces, Pieces::Store(_)) {
            self.compare_profiles(name);
        }
        let result = self.feeder.file(name, &mut |piece| pieces.next_into(piece));
        self.totals.limits += pieces.cuts();
        result
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.bar.suspend(|| show::message(&format!("{name}: {error}")));
            self.exit = Exit::Failed;
        }
    }
}

impl Scanning<'_, '_, '_> {
    /// Tells where the URLs of a store are not compared with those of the set.
    fn compare_profiles(&self, store: &str) {
        let profile = self.set.profile();
        if profile != Profile::Default && self.set.info().kinds.contains_key(Kind::Url.name()) {
            self.bar.suspend(|| {
                show::message(&format!(
                    "{store}: its URLs follow {}, and those of the feeds {profile}: they are not compared",
                    Profile::Default
                ));
            });
        }
    }
}

impl Work for Job<'_> {
    type Piece = Piece;
    type State = State;

    fn state(&self) -> State {
        State::default()
    }

    fn piece(&self, path: &str, piece: &Piece, state: &mut State, out: &mut Vec<u8>) -> u64 {
        let (limits, before) = (state.scratch.limits_reached(), state.totals.hits);
        match piece {
            Piece::Text(chunk) => self.text(path, chunk, state, out),
            Piece::Block(block) => self.block(path, block, state, out),
        }
        state.totals.limits += state.scratch.limits_reached() - limits;
        state.totals.hits - before
    }

    fn end(&self, path: &str, hits: u64, out: &mut Vec<u8>) {
        if !self.count {
            return;
        }
        // Writing into memory cannot fail.
        let _ = match self.style.format {
            OutputFormat::Jsonl | OutputFormat::Ecs => {
                json_line(&json!({ "path": path, "count": hits }), out)
            }
            _ => writeln!(out, "{}:{hits}", show::plain(path)),
        };
    }
}

impl Job<'_> {
    fn text(&self, path: &str, chunk: &Chunk, state: &mut State, out: &mut Vec<u8>) {
        let Job { set, options, style, .. } = *self;
        let State { scratch, totals, written } = state;
        let text = chunk.text();
        totals.bytes += text.len() as u64;
        totals.lines += chunk.newlines() + u64::from(!text.ends_with(b"\n"));
        let mut places = chunk.places();
        let _ = set.scan_behind(chunk.header(), text, options, scratch, &mut |hit| {
            if !totals.count(hit, style) || self.count {
                return ControlFlow::Continue(());
            }
            let line_text = self.line_text.then(|| {
                let from = memchr::memrchr(b'\n', &text[..hit.start]).map_or(0, |n| n + 1);
                let to = memchr::memchr(b'\n', &text[hit.end..]).map_or(text.len(), |n| hit.end + n);
                text[from..to].strip_suffix(b"\r").unwrap_or(&text[from..to])
            });
            let place = Place {
                path,
                line: places.line(hit.start),
                span: places.span(hit.start, hit.end),
                raw: &text[hit.start..hit.end],
                via: chunk.via().or(hit.via()),
                line_text,
                seen: None,
            };
            // Writing into memory cannot fail.
            let _ = style.hit(hit, &place, written, out);
            ControlFlow::Continue(())
        });
    }

    /// What was seen before, against feeds that came later.
    fn block(&self, path: &str, block: &Block, state: &mut State, out: &mut Vec<u8>) {
        let Job { set, options, style, .. } = *self;
        let State { scratch, totals, written } = state;
        totals.bytes += block.iter().map(|observed| observed.value.len() as u64).sum::<u64>();
        totals.lines += block.len() as u64;
        let _ = join(set, block, options, scratch, &mut |found| {
            if totals.count(found.hit, style) && !self.count {
                let place = Place {
                    path,
                    line: found.observed.number,
                    span: (found.start as u64, found.end as u64),
                    raw: &found.observed.value.as_bytes()[found.start..found.end],
                    via: None,
                    line_text: None,
                    seen: Some(found.observed.seen),
                };
                // Writing into memory cannot fail.
                let _ = style.hit(found.hit, &place, written, out);
            }
            ControlFlow::Continue(())
        });
    }
}
