//! Hits in records: the field that each stands in, and values whose parts stand in several fields.
//!
//! Records are lines. Only those are read that can matter: a line with a hit, whose field is wanted, and a line with the
//! host of a listed URL or endpoint, whose parts may stand there. Where a set has masks of URLs, or kinds that only the
//! name of a field tells, every line is read.

use std::collections::HashSet;
use std::ops::Range;

use super::finder::{Finder, Place};
use super::{Pending, ScanOptions, Scratch};
use crate::fields::{Header, Joins, each_line, is_called, is_named, lines_at, name_fields};
use crate::refang::Refang;
use crate::{IndicatorSet, Kind, Observable, ParseOptions};

/// What a scan of records keeps, in memory that is used again.
#[derive(Default)]
pub(super) struct Records {
    /// Places of hosts whose line is to be read.
    pub(super) hosts: Vec<usize>,
    joins: Joins,
    /// The names of fields in the block; those that hits share follow one another.
    names: String,
    known: Vec<Range<usize>>,
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
        let hosts = std::mem::take(&mut records.hosts);
        if self.reads_all_records() {
            each_line(block, header, cut, |line, header| {
                self.join(block, line, header, options, scratch, &mut records);
            });
        } else if !hosts.is_empty() {
            lines_at(block, header, cut, hosts.iter().copied(), |line, header| {
                self.join(block, line, header, options, scratch, &mut records);
            });
        }
        records.hosts = hosts;
        records.hosts.clear();

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

    fn join(
        &self,
        block: &[u8],
        line: Range<usize>,
        header: &Header,
        options: &ScanOptions,
        scratch: &mut Scratch,
        records: &mut Records,
    ) {
        let mut joins = std::mem::take(&mut records.joins);
        let mut there: Option<HashSet<u32>> = None;
        for one in joins.of_line(&block[line.clone()], header, |kind| self.lists(kind)) {
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
                if hit.kind == observable.kind() && there.insert(hit.entry) {
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
