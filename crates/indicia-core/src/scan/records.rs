//! Hits in records: the field that each stands in, and values whose parts stand in several fields.
//!
//! Records are lines. Only those are read that can matter: a line with a hit, whose field is wanted, and a line with the
//! host of a listed URL or endpoint, whose parts may stand there. Where a set has masks of URLs, or kinds that only the
//! name of a field tells, every line is read.

use std::collections::HashSet;
use std::ops::Range;

use super::finder::{Finder, Place};
use super::{Pending, ScanOptions, Scratch};
use crate::fields::{Header, Joins, Wanted, each_line, is_called, is_named, lines_at, name_fields};
use crate::refang::Refang;
use crate::{IndicatorSet, Kind, Observable, ParseOptions};

/// What a scan of records keeps, in memory that is used again.
#[derive(Default)]
pub(super) struct Records {
    /// Hosts that are part of something listed.
    pub(super) hosts: Vec<Host>,
    joins: Joins,
    /// The names of fields in the block; those that hits share follow one another.
    names: String,
    known: Vec<Range<usize>>,
}

/// A host that is part of something listed: where it begins, and whether that is a URL, an endpoint.
#[derive(Clone, Copy)]
pub(super) struct Host {
    pub(super) at: usize,
    pub(super) url: bool,
    pub(super) endpoint: bool,
}

impl Records {
    /// The name that a hit keeps the number of.
    pub(super) fn name(&self, number: u32) -> Option<&str> {
        let range = self.known.get((number as usize).checked_sub(1)?)?;
        self.names.get(range.clone())
    }

    fn number(&mut self, name: &str) -> u32 {
        if self.name(self.known.len() as u32) != Some(name) {
            self.known.push(self.names.len()..self.names.len() + name.len());
            self.names.push_str(name);
        }
        self.known.len() as u32
    }
}

impl IndicatorSet {
    /// Adds what the records of a block hold in parts, names the fields of all hits and keeps those that are asked for.
    ///
    /// `header` is that of the block's first line, which is a part of a line where `cut`.
    pub(super) fn records(
        &self,
        block: &[u8],
        header: &Header,
        cut: bool,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) {
        let mut records = std::mem::take(&mut scratch.records);
        records.names.clear();
        records.known.clear();
        let mut hosts = std::mem::take(&mut records.hosts);
        hosts.sort_unstable_by_key(|host| host.at);
        if self.reads_all_records() {
            each_line(block, header, cut, |line, header| {
                self.join(block, line, header, None, options, scratch, &mut records);
            });
        } else {
            let mut next = 0;
            lines_at(block, header, cut, hosts.iter().map(|host| host.at), |line, header| {
                next += hosts[next..].iter().take_while(|host| host.at < line.start).count();
                let there = hosts[next..].iter().take_while(|host| host.at < line.end).count();
                let there = &hosts[next..next + there];
                self.join(block, line, header, Some(there), options, scratch, &mut records);
            });
        }
        hosts.clear();
        records.hosts = hosts;

        let pending = &mut scratch.pending;
        pending.sort_unstable();
        let span = |hit: &Pending| hit.start..hit.end.0;
        name_fields(block, header, cut, pending, span, |hit, name| {
            if hit.field == 0 {
                hit.field = records.number(name);
            }
        });
        if !options.only_fields.is_empty() {
            let asked = |name: &str| options.only_fields.iter().any(|asked| is_called(name, asked));
            pending.retain(|hit| records.name(hit.field).is_some_and(|names| names.split('+').any(asked)));
        }
        scratch.records = records;
    }

    /// Whether a record can hold something that no host in its text shows.
    fn reads_all_records(&self) -> bool {
        (self.has_masks() && self.masks().has_urls())
            || Kind::ALL.iter().any(|kind| is_named(*kind) && self.lists(*kind))
    }

    /// Whether values of a kind are compared with anything.
    fn lists(&self, kind: Kind) -> bool {
        self.has().kind(kind)
            || (self.has_masks()
                && (self.masks().has(kind) || (kind == Kind::Url && self.masks().has_urls())))
    }

    #[expect(clippy::too_many_arguments, reason = "a line of a block, and what it is looked at with")]
    fn join(
        &self,
        block: &[u8],
        line: Range<usize>,
        header: &Header,
        hosts: Option<&[Host]>,
        options: &ScanOptions,
        scratch: &mut Scratch,
        records: &mut Records,
    ) {
        let mut joins = std::mem::take(&mut records.joins);
        let (mut there, mut told) = (None::<HashSet<u32>>, HashSet::new());
        let wanted = OfSet { set: self, hosts, base: line.start };
        for one in joins.of_line(&block[line.clone()], header, &wanted) {
            let parse = ParseOptions { profile: self.profile(), kind: Some(one.kind), refang: Refang::Off };
            let Ok(observable) = Observable::parse_with(&one.text, &parse) else { continue };
            let before = scratch.pending.len();
            let (start, end) = (line.start + one.span.start, line.start + one.span.end);
            Finder::new(self, options, scratch, &[], Place::At(start, end)).observable(&observable);
            if scratch.pending.len() == before {
                continue;
            }
            // What its text holds in one piece is told where it stands.
            let there = there.get_or_insert_with(|| {
                let inside = |hit: &&Pending| line.contains(&hit.start);
                scratch.pending[..before].iter().filter(inside).map(|hit| hit.entry).collect()
            });
            let number = records.number(&one.field);
            let mut at = before;
            while let Some(hit) = scratch.pending.get_mut(at) {
                let new = !there.contains(&hit.entry) && told.insert((hit.entry, hit.start));
                if new && hit.kind == observable.kind() {
                    hit.field = number;
                    at += 1;
                } else {
                    scratch.pending.swap_remove(at);
                }
            }
        }
        records.joins = joins;
    }
}

/// What a set wants of a line; `hosts` are the only ones that can be part of something, where they are known.
struct OfSet<'w> {
    set: &'w IndicatorSet,
    hosts: Option<&'w [Host]>,
    /// Where the line begins in the block.
    base: usize,
}

impl Wanted for OfSet<'_> {
    fn kind(&self, kind: Kind) -> bool {
        self.set.lists(kind)
    }

    fn host(&self, span: &Range<usize>, url: bool) -> bool {
        self.hosts.is_none_or(|hosts| {
            let from = hosts.partition_point(|host| host.at < self.base + span.start);
            let mut inside = hosts[from..].iter().take_while(|host| host.at < self.base + span.end);
            inside.any(|host| if url { host.url } else { host.endpoint })
        })
    }
}
