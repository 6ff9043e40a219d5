//! The records of one section, and what is noted of them on the way: what leads to them beside their keys, and what is
//! counted.
//!
//! Sections are made apart from one another: records are numbered from the first of the section.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::assemble::Plan;
use super::drafts::Draft;
use super::hosts;
use super::networks::blocks;
use super::record::{Record, Records, RecordsWriter, match_of_code};
use crate::observable::ip;
use crate::{Kind, Match};

/// Numbers for contexts: in the order in which records name them.
#[derive(Debug)]
pub(super) struct Numbering {
    /// Of each context; `u32::MAX` for what was not named.
    numbers: Vec<u32>,
    /// The contexts by these numbers.
    pub(super) order: Vec<u32>,
}

impl Numbering {
    /// Of so many contexts, none of them named.
    pub(super) fn new(contexts: usize) -> Numbering {
        Numbering { numbers: vec![u32::MAX; contexts], order: Vec::new() }
    }

    #[inline]
    pub(super) fn number(&mut self, context: u32) -> u32 {
        let number = &mut self.numbers[context as usize];
        if *number == u32::MAX {
            *number = self.order.len() as u32;
            self.order.push(context);
        }
        *number
    }
}

/// What was counted of records and their contexts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) kinds: BTreeMap<u8, u64>,
    /// Uses of each feed.
    pub(super) feeds: Vec<u64>,
    pub(super) unmarked: u64,
    pub(super) carried: u64,
}

impl Counts {
    pub(super) fn merge(&mut self, other: &Counts) {
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        self.feeds.resize(self.feeds.len().max(other.feeds.len()), 0);
        for (all, of_other) in self.feeds.iter_mut().zip(&other.feeds) {
            *all += of_other;
        }
        self.unmarked += other.unmarked;
        self.carried += other.carried;
    }
}

/// A section whose records are as they will stand in the file.
pub(super) struct Section {
    pub(super) records: Records,
    /// Of the section of single IPv4 addresses.
    pub(super) addresses: Vec<u32>,
    /// The runs of hosts, and each host with the number of its first run.
    pub(super) runs: Vec<u8>,
    pub(super) names: Vec<(hosts::Name, u32)>,
}

/// A section while its targets come in.
pub(super) struct Part<'c> {
    plan: Plan<'c>,
    pub(super) records: RecordsWriter,
    pub(super) addresses: Vec<u32>,
    pub(super) counts: Counts,
    pub(super) hosts: hosts::Builder,
    pub(super) prefix_lengths: BTreeSet<u32>,
    pub(super) masks: Vec<u32>,
    pub(super) blocks4: Vec<(u128, u8, u32)>,
    pub(super) blocks6: Vec<(u128, u8, u32)>,
}

impl<'c> Part<'c> {
    pub(super) fn new(plan: Plan<'c>, kind: Kind) -> Part<'c> {
        Part {
            plan,
            records: RecordsWriter::new(kind),
            addresses: Vec::new(),
            counts: Counts { feeds: vec![0; plan.contexts.feeds()], ..Counts::default() },
            hosts: hosts::Builder::default(),
            prefix_lengths: BTreeSet::new(),
            masks: Vec::new(),
            blocks4: Vec::new(),
            blocks6: Vec::new(),
        }
    }

    /// Adds the next target with its contexts, in any order and as often as they were said.
    pub(super) fn push(&mut self, draft: &Draft<'_>, said: &mut Vec<u32>, numbering: &mut Numbering) {
        let contexts = self.plan.contexts;
        if said.len() > 1 {
            said.sort_unstable_by(
                |a, b| if a == b { a.cmp(b) } else { contexts.json(*a).cmp(contexts.json(*b)) },
            );
            said.dedup();
        }
        for context in said.iter_mut() {
            if let Some(facts) = contexts.facts(*context) {
                self.counts.feeds[facts.feed as usize] += 1;
                self.counts.unmarked += u64::from(facts.unmarked);
                self.counts.carried += u64::from(facts.carried);
            }
            *context = numbering.number(*context);
        }
        let kind = Kind::from_number(draft.kind).unwrap_or(Kind::Other);
        let (match_, below_only) = match_of_code(draft.match_code).unwrap_or_default();
        let Draft { value, key, group, source_type, .. } = *draft;
        let record =
            Record { kind, match_, below_only, contexts: Default::default(), value, key, group, source_type };
        self.note(&record);
        self.addresses.extend(draft.address);
        self.records.push(&record, said);
    }

    /// Files a record under what leads to it beside its key.
    fn note(&mut self, record: &Record<'_>) {
        let number = self.records.count();
        let Record { kind, match_, key, .. } = *record;
        *self.counts.kinds.entry(kind.number()).or_default() += 1;
        if match_ == Match::Mask && kind != Kind::Other {
            self.masks.push(number);
        }
        // Keys come from strings.
        let text = || std::str::from_utf8(key).unwrap_or_default();
        match kind {
            // It has no host and no key of its own.
            Kind::Url if match_ == Match::Mask => {}
            Kind::Url | Kind::Endpoint => {
                let prefix = kind == Kind::Url && match_ == Match::Prefix;
                let host = super::host_in_key(self.plan.profile, kind, text());
                self.hosts.push(number, host.as_bytes(), key.len(), prefix);
                if prefix {
                    self.prefix_lengths.insert(key.len() as u32);
                }
            }
            // Else the builder saw to it.
            Kind::Domain if self.plan.everything && match_ == Match::Subdomains && !record.below_only => {
                self.counts.carried += u64::from(!super::may_cover_below(text()));
            }
            _ if match_ == Match::Network => self.note_span(text()),
            _ => {}
        }
    }

    fn note_span(&mut self, key: &str) {
        let number = self.records.count();
        let Some(span) = ip::span(key).filter(|span| span.first < span.last) else { return };
        match (span.first, span.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                blocks(u128::from(first.to_bits()), u128::from(last.to_bits()), 32, |block, length| {
                    self.blocks4.push((block, length, number));
                });
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                blocks(first.to_bits(), last.to_bits(), 128, |block, length| {
                    self.blocks6.push((block, length, number));
                });
            }
            _ => {}
        }
    }
}
