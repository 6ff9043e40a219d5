//! Set × bytes → hits.
//!
//! Tokens of the text become candidates, candidates become keys, keys are probed: a name with all its parents,
//! an address with all networks that cover it, a URL by its key at each place where it could end. A listed
//! value is found wherever it stands between borders. All indicators that match are reported; of one
//! indicator's hits inside one another only the outermost is.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

pub(crate) mod classes;
mod finder;
mod levels;
mod lookup;
pub(crate) mod masks;
mod records;
pub(crate) mod simd;
mod stream;
mod urls;
mod walk;

use finder::{Finder, Place};
use levels::Levels;
use records::Records;
pub use simd::Level;
pub(crate) use simd::{prefetch, text, text_in};
pub use stream::Stream;
use walk::Walk;

use crate::fields::Header;
use crate::filter::{AsOf, Filter, event_time};
use crate::guard::{Guard, Guards, Seen};
use crate::refang::{Refang, View};
use crate::set::MaskScratch;
use crate::{Context, IndicatorRef, IndicatorSet, Kind, Time};

/// How an indicator matches where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Relation {
    /// Equal keys.
    Exact = 1,
    /// A name below a listed one.
    Subdomain = 2,
    /// An address in a listed network or range.
    Network = 3,
    /// Host and port together.
    Endpoint = 4,
    /// A URL under a listed prefix.
    UrlPrefix = 5,
    /// A vendor's mask.
    Mask = 6,
    /// The host of a listed URL.
    UrlHost = 7,
    /// A STIX pattern.
    Pattern = 8,
    /// Reserved.
    Similar = 9,
}

impl Relation {
    /// Every relation, by number.
    pub const ALL: &'static [Relation] = &[
        Relation::Exact,
        Relation::Subdomain,
        Relation::Network,
        Relation::Endpoint,
        Relation::UrlPrefix,
        Relation::Mask,
        Relation::UrlHost,
        Relation::Pattern,
        Relation::Similar,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Relation::Exact => "exact",
            Relation::Subdomain => "subdomain",
            Relation::Network => "network",
            Relation::Endpoint => "endpoint",
            Relation::UrlPrefix => "url-prefix",
            Relation::Mask => "mask",
            Relation::UrlHost => "url-host",
            Relation::Pattern => "pattern",
            Relation::Similar => "similar",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How to scan and look up.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Which contexts count.
    pub filter: Filter,
    /// Which hits are doubted.
    pub guards: Guards,
    /// How much defanging is undone in the text, and but for `off` entities and tags inside values too; a lookup always
    /// undoes `usual`.
    pub refang: ScanRefang,
    /// A listed endpoint matches its host with any port or none.
    pub ignore_ports: bool,
    /// The host of a listed URL matches wherever it stands.
    pub url_hosts: bool,
    /// A listed URL matches only with its own scheme; one listed without a scheme matches any.
    pub strict_scheme: bool,
    /// Lines are read as records (see [`crate::fields`]): each hit has the name of its [`field`](HitView::field), URLs and
    /// endpoints are also found whose parts stand in several fields of a record, and values of kinds without a shape in
    /// the fields that are named for them. A value that is put together is shown at its host, under the names of its
    /// fields with `+` between them; `raw` is the host alone.
    pub fields: bool,
    /// Only hits in these fields count; the name is that of the field or its end behind a dot, case-blind. Implies
    /// `fields`. Empty: all.
    pub only_fields: Vec<String>,
}

impl ScanOptions {
    /// Whether lines are read as records.
    pub fn reads_fields(&self) -> bool {
        self.fields || !self.only_fields.is_empty()
    }

    /// Whether anything is asked of hosts that are listed only as a part of something.
    fn hosts_count(&self) -> bool {
        self.url_hosts || self.ignore_ports || self.reads_fields()
    }
}

/// The refang level of a scan: off unless asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanRefang(pub Refang);

impl Default for ScanRefang {
    fn default() -> ScanRefang {
        ScanRefang(Refang::Off)
    }
}

/// One place in data where an indicator matches, as a callback sees it.
pub struct HitView<'s, 'v> {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// The bytes of the data from `start` to `end`; none for a lookup.
    pub raw: &'v [u8],
    /// The kind of the observed value.
    pub kind: Kind,
    /// The observed value in canonical form.
    pub value: &'v str,
    /// How it matches.
    pub relation: Relation,
    /// What matches.
    pub indicator: IndicatorRef<'s>,
    seen: &'v Seen<'v>,
    options: &'v ScanOptions,
    /// The guards, once somebody asked, and the memory for them.
    told: OnceCell<Vec<Guard>>,
    room: &'v Cell<Vec<Guard>>,
    /// The first context that passes the filter, and how many the indicator has up to it and behind it.
    first: &'s Context,
    passed: usize,
    others: usize,
    event: Option<Time>,
}

impl fmt::Debug for HitView<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_hit().fmt(f)
    }
}

impl<'s> HitView<'s, '_> {
    /// The contexts that pass the filter.
    #[inline]
    pub fn contexts(&self) -> impl Iterator<Item = &'s Context> + '_ {
        let (mut first, mut others) = (Some(self.first), None);
        std::iter::from_fn(move || match first.take() {
            None if self.others > 0 => others
                .get_or_insert_with(|| self.indicator.contexts_of().skip(self.passed))
                .find(|c| self.options.filter.passes(c, self.event)),
            first => first,
        })
    }

    /// Reasons to doubt the hit, looked for when first asked.
    pub fn guards(&self) -> &[Guard] {
        self.told.get_or_init(|| {
            let mut guards = self.room.take();
            guards.clear();
            self.options.guards.check(self.seen, self.relation, self.indicator, &mut guards);
            guards
        })
    }

    /// The name of the field that the hit stands in, in a scan with [`ScanOptions::fields`].
    pub fn field(&self) -> Option<&str> {
        self.seen.field
    }

    /// What stands between the bytes and the value: `entities` of HTML or XML, and tags inside of it. They are undone where
    /// [`ScanOptions::refang`] undoes anything.
    pub fn via(&self) -> Option<&'static str> {
        self.seen.via
    }

    /// A copy that outlives the callback.
    pub fn to_hit(&self) -> Hit<'s> {
        Hit {
            start: self.start,
            end: self.end,
            kind: self.kind,
            value: self.value.to_string(),
            relation: self.relation,
            indicator: self.indicator,
            guards: self.guards().to_vec(),
            field: self.field().map(str::to_string),
            via: self.via(),
            contexts: self.contexts().collect(),
        }
    }
}

/// One place in data where an indicator matches.
#[derive(Clone, Debug)]
pub struct Hit<'s> {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// The kind of the observed value.
    pub kind: Kind,
    /// The observed value in canonical form.
    pub value: String,
    /// How it matches.
    pub relation: Relation,
    /// What matches.
    pub indicator: IndicatorRef<'s>,
    /// Reasons to doubt it.
    pub guards: Vec<Guard>,
    /// The name of the field that it stands in, in a scan with [`ScanOptions::fields`].
    pub field: Option<String>,
    /// What stands between the bytes and the value, as [`HitView::via`] says.
    pub via: Option<&'static str>,
    /// The contexts that pass the filter.
    pub contexts: Vec<&'s Context>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    start: usize,
    /// Longer first.
    end: std::cmp::Reverse<usize>,
    entry: u32,
    relation: Relation,
    kind: Kind,
    value: (usize, usize),
    /// The number of its field's name, 0 for none.
    field: u32,
    /// Found behind entities or tags.
    entities: bool,
}

/// Memory that scans and lookups use again. One a thread.
#[derive(Default)]
pub struct Scratch {
    pending: Vec<Pending>,
    values: String,
    name: String,
    key: String,
    guards: Vec<Guard>,
    outermost: HashMap<u32, usize, foldhash::fast::RandomState>,
    /// How far each listed URL's hits in this reading of the block reach.
    reach: HashMap<u32, usize, foldhash::fast::RandomState>,
    masks: MaskScratch,
    walk: Walk,
    levels: Levels,
    records: Records,
    level: Option<Level>,
    limits: u64,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Scratch {
    /// A scratch whose scans use a level of the processor; by default it is [`Level::best`]. All find the same.
    pub fn with_level(level: Level) -> Scratch {
        Scratch { level: Some(level), ..Scratch::default() }
    }

    /// How often a limit was reached since the scratch was made: a URL had more possible ends than are tried, or
    /// a block was full of URLs on listed hosts with escapes or with thousands of places to end.
    pub fn limits_reached(&self) -> u64 {
        self.limits
    }
}

/// Blocks of at least this many bytes, ending at a line's end, are matched and reported together.
const BLOCK: usize = 64 * 1024;

/// Data that is scanned, and what it is a part of.
struct Part<'d> {
    data: &'d [u8],
    /// Where the data begins in the whole.
    at: usize,
    /// Which hits are reported: those that begin here in the whole.
    within: std::ops::Range<usize>,
    /// The time of the line that the data begins in, where its beginning is not part of the data.
    line: Option<Option<Time>>,
    /// What stood before says of the columns.
    header: Header,
}

impl<'d> Part<'d> {
    fn whole(data: &'d [u8]) -> Part<'d> {
        Part { data, at: 0, within: 0..usize::MAX, line: None, header: Header::default() }
    }
}

impl IndicatorSet {
    /// Every hit in `data`, with default options.
    pub fn scan(&self, data: &[u8]) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let _ = self.scan_with(data, &ScanOptions::default(), &mut Scratch::default(), &mut |hit| {
            hits.push(hit.to_hit());
            ControlFlow::Continue(())
        });
        hits
    }

    /// Calls `on_hit` for every hit in `data`, by place; `Break` stops.
    pub fn scan_with<'s>(
        &'s self,
        data: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.scan_part(&Part::whole(data), options, scratch, on_hit)
    }

    /// [`scan_with`](Self::scan_with) of whole lines from the middle of data: `header` has read all that stood before.
    pub fn scan_behind<'s>(
        &'s self,
        header: &Header,
        data: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.scan_part(&Part { header: header.clone(), ..Part::whole(data) }, options, scratch, on_hit)
    }

    fn scan_part<'s>(
        &'s self,
        part: &Part<'_>,
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let data = part.data;
        let level = scratch.level.unwrap_or_else(Level::best);
        let sieve = self.sieve().filter(|_| level != Level::Plain);
        let hosts = options.hosts_count();
        let mut header = part.header.clone();
        let mut base = 0;
        while base < data.len() {
            let rest = &data[base..];
            let end = match rest.get(BLOCK..).and_then(|tail| memchr::memchr(b'\n', tail)) {
                Some(newline) => BLOCK + newline + 1,
                None => rest.len(),
            };
            let block = &rest[..end];
            match &sieve {
                Some((sieve, bytes)) => {
                    let mut walk = std::mem::take(&mut scratch.walk);
                    let suspects = walk.suspects(block, sieve, bytes, hosts, level);
                    if !suspects.is_empty() {
                        Finder::new(self, options, scratch, block, Place::Raw).suspects(suspects);
                    }
                    scratch.walk = walk;
                }
                None => Finder::new(self, options, scratch, block, Place::Raw).text(),
            }
            if let Some(view) = View::new(block, options.refang.0) {
                let place = Place::View(&view, options.refang.0);
                Finder::new(self, options, scratch, view.text(), place).text();
            }
            let markup = (options.refang.0 != Refang::Off).then(|| View::markup(block)).flatten();
            if let Some(markup) = &markup {
                let view = View::new(markup.text(), options.refang.0).map(|view| view.over(markup));
                let view = view.as_ref().unwrap_or(markup);
                let place = Place::Markup(view, markup, options.refang.0);
                Finder::new(self, options, scratch, view.text(), place).text();
            }
            if options.reads_fields() {
                let cut = base == 0 && (part.line.is_some() || header.is_cut());
                self.records(block, &header, cut, options, scratch);
                header.read(block);
            }
            if !scratch.pending.is_empty() {
                self.report(part, base, options, scratch, on_hit)?;
            }
            base += end;
        }
        ControlFlow::Continue(())
    }

    /// Sorts what was found in the block that begins at `base`, keeps the outermost of one indicator's hits, filters,
    /// guards and reports.
    fn report<'s>(
        &'s self,
        part: &Part<'_>,
        base: usize,
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Scratch { pending, values, guards, outermost, records, .. } = scratch;
        let several = pending.len() > 1;
        pending.sort_unstable();
        outermost.clear();

        let mut result = ControlFlow::Continue(());
        let mut line: Option<(std::ops::Range<usize>, Option<Time>)> = None;
        for hit in pending.iter() {
            if several {
                let reach = outermost.get(&hit.entry);
                if reach.is_some_and(|reach| *reach > hit.end.0) {
                    continue;
                }
                outermost.insert(hit.entry, hit.end.0 + 1);
            }
            let (start, end) = (base + hit.start, base + hit.end.0);
            if !part.within.contains(&(part.at + start)) {
                continue;
            }
            let Some(indicator) = self.get(hit.entry) else { continue };
            let event = if options.filter.as_of == AsOf::Event {
                match &line {
                    Some((place, time)) if place.contains(&start) => *time,
                    _ => {
                        let data = part.data;
                        let from =
                            memchr::memrchr(b'\n', &data[..start.min(data.len())]).map_or(0, |n| n + 1);
                        let to = memchr::memchr(b'\n', &data[from..]).map_or(data.len(), |n| from + n);
                        let begun = part.line.filter(|_| from == 0);
                        let time = begun.unwrap_or_else(|| event_time(&data[from..to]));
                        line = Some((from..to, time));
                        time
                    }
                }
            } else {
                None
            };
            let value = &values[hit.value.0..hit.value.0 + hit.value.1];
            let seen = Seen {
                kind: hit.kind,
                value,
                address: None,
                dots: 0,
                field: records.name(hit.field),
                via: hit.entities.then_some("entities"),
            };
            let raw = part.data.get(start..end).unwrap_or_default();
            let span = (part.at + start, part.at + end);
            result = tell(span, raw, &seen, hit.relation, indicator, event, options, guards, on_hit);
            if result.is_break() {
                break;
            }
        }
        pending.clear();
        values.clear();
        result
    }
}

/// Filters a match, and reports what is left.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "all that makes a hit, for two callers")]
fn tell<'s>(
    (start, end): (usize, usize),
    raw: &[u8],
    seen: &Seen<'_>,
    relation: Relation,
    indicator: IndicatorRef<'s>,
    event: Option<Time>,
    options: &ScanOptions,
    guards: &mut Vec<Guard>,
    on_hit: &mut (impl FnMut(&HitView<'s, '_>) -> ControlFlow<()> + ?Sized),
) -> ControlFlow<()> {
    let mut contexts = indicator.contexts_of();
    // A loop: what `find` is made of is not compiled into this.
    let mut passed = 0;
    let first = loop {
        passed += 1;
        match contexts.next() {
            Some(context) if options.filter.passes(context, event) => break context,
            Some(_) => {}
            None => return ControlFlow::Continue(()),
        }
    };
    let room = Cell::from_mut(guards);
    let hit = HitView {
        start,
        end,
        raw,
        kind: seen.kind,
        value: seen.value,
        relation,
        indicator,
        seen,
        options,
        told: OnceCell::new(),
        room,
        first,
        passed,
        others: contexts.len(),
        event,
    };
    let result = on_hit(&hit);
    if let Some(guards) = hit.told.into_inner() {
        room.set(guards);
    }
    result
}
