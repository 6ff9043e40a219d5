//! Sorted drafts → the bytes of a set.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::mem;
use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

use super::addresses::{self, Sorted};
use super::delta::Given;
use super::drafts::Draft;
use super::file::{Header, Id, Stamp, Writer};
use super::interned::Interned;
use super::networks::{self, Built, blocks};
use super::raw::put_sized;
use super::record::{Record, Records, RecordsWriter, match_of_code};
use super::{IndicatorSet, SetInfo, exact, hosts, sifted};
use crate::observable::ip;
use crate::{Kind, Match, Profile};

/// Seeds that are tried before the indexes are made larger.
const SEEDS: u32 = 16;

/// The hash that indexes use.
pub(super) fn hash(key: &[u8; 16], text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_key(key);
    hasher.write(text);
    hasher.finish()
}

/// Which section a target stands in, and its address where it is a single one of IPv4. All that is compared with one
/// another has one section: single addresses of whatever kind by their family, networks and ranges together.
pub(super) fn section_of(kind: Kind, key: &str) -> (Kind, Option<u32>) {
    if !kind.is_address_like() {
        return (kind, None);
    }
    if let Ok(address) = ip::ipv4(key) {
        return (Kind::Ipv4, Some(address.to_bits()));
    }
    match key.parse::<Ipv6Addr>() {
        Ok(_) => (Kind::Ipv6, None),
        Err(_) => (Kind::Cidr, None),
    }
}

/// A section of records, and the addresses where it is that of IPv4.
struct Section {
    records: RecordsWriter,
    addresses: Vec<u32>,
}

/// The contexts of a set by the numbers that drafts have of them, and what the set will say of itself.
#[derive(Clone, Copy)]
pub(super) enum Contexts<'c> {
    /// A builder's: what is said of the set is counted.
    Counted(&'c Interned),
    /// Of a set whose description is known.
    Given(&'c Given<'c>),
}

impl<'c> Contexts<'c> {
    fn len(&self) -> usize {
        match self {
            Contexts::Counted(interned) => interned.len(),
            Contexts::Given(given) => given.len(),
        }
    }

    #[inline]
    fn json(&self, number: u32) -> &'c [u8] {
        match self {
            Contexts::Counted(interned) => interned.json(number),
            Contexts::Given(given) => given.json(number),
        }
    }
}

/// What is collected while records are written in their order: targets are pushed as they are sorted, each once.
pub(super) struct Assembly<'c> {
    profile: Profile,
    contexts: Contexts<'c>,
    /// The number in the file of each context: in the order in which records name them.
    numbers: Vec<u32>,
    order: Vec<u32>,
    sections: Vec<Section>,
    indicators: u32,
    /// Of all keys.
    keys: Sha256,
    kinds: BTreeMap<u8, u64>,
    feeds: Vec<u64>,
    unmarked: u64,
    carried: u64,
    everything: bool,
    url_hosts: hosts::Builder,
    endpoint_hosts: hosts::Builder,
    prefix_lengths: BTreeSet<u32>,
    masks: Vec<u8>,
    blocks4: Vec<(u128, u8, u32)>,
    blocks6: Vec<(u128, u8, u32)>,
    body: Vec<u8>,
}

impl<'c> Assembly<'c> {
    /// Of no target yet. `everything` as in [`super::BuildOptions`].
    pub(super) fn new(contexts: Contexts<'c>, profile: Profile, everything: bool) -> Assembly<'c> {
        let feeds = match contexts {
            Contexts::Counted(interned) => interned.feeds().len(),
            Contexts::Given(_) => 0,
        };
        Assembly {
            profile,
            contexts,
            numbers: vec![u32::MAX; contexts.len()],
            order: Vec::new(),
            sections: Vec::new(),
            indicators: 0,
            keys: Sha256::new(),
            kinds: BTreeMap::new(),
            feeds: vec![0; feeds],
            unmarked: 0,
            carried: 0,
            everything,
            url_hosts: Default::default(),
            endpoint_hosts: Default::default(),
            prefix_lengths: BTreeSet::new(),
            masks: Vec::new(),
            blocks4: Vec::new(),
            blocks6: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds the next target with the numbers of its contexts, in any order and as often as they were said.
    pub(super) fn push(&mut self, draft: &Draft<'_>, said: &mut Vec<u32>) {
        let contexts = self.contexts;
        said.sort_unstable_by(
            |a, b| if a == b { a.cmp(b) } else { contexts.json(*a).cmp(contexts.json(*b)) },
        );
        said.dedup();
        for context in said.iter_mut() {
            if let Contexts::Counted(interned) = contexts {
                let facts = interned.facts(*context);
                self.feeds[facts.feed as usize] += 1;
                self.unmarked += u64::from(facts.unmarked);
                self.carried += u64::from(facts.carried);
            }
            let number = &mut self.numbers[*context as usize];
            if *number == u32::MAX {
                *number = self.order.len() as u32;
                self.order.push(*context);
            }
            *context = *number;
        }
        let kind = Kind::from_number(draft.kind).unwrap_or(Kind::Other);
        let (match_, below_only) = match_of_code(draft.match_code).unwrap_or_default();
        let Draft { value, key, group, source_type, .. } = *draft;
        let record =
            Record { kind, match_, below_only, contexts: Default::default(), value, key, group, source_type };
        self.note(&record, draft.section);

        let number = self.indicators;
        self.indicators += 1;
        let section_kind = Kind::from_number(draft.section).unwrap_or(Kind::Other);
        if self.sections.last().is_none_or(|section| section.records.kind != section_kind) {
            let records = RecordsWriter::new(section_kind, number);
            self.sections.push(Section { records, addresses: Vec::new() });
        }
        let Some(section) = self.sections.last_mut() else { return };
        section.addresses.extend(draft.address);
        section.records.push(&record, said);
    }

    /// Files a record under what leads to it beside its key.
    fn note(&mut self, record: &Record<'_>, section: u8) {
        let number = self.indicators;
        let Record { kind, match_, key, .. } = *record;
        *self.kinds.entry(kind.number()).or_default() += 1;
        self.body.clear();
        self.body.push(section);
        put_sized(&mut self.body, key);
        self.keys.update(&self.body);
        // Keys come from strings.
        let text = std::str::from_utf8(key).unwrap_or_default();
        if match_ == Match::Mask && kind != Kind::Other {
            self.masks.extend(number.to_le_bytes());
        }
        match kind {
            // It has no host and no key of its own.
            Kind::Url if match_ == Match::Mask => {}
            Kind::Url | Kind::Endpoint => {
                let prefix = kind == Kind::Url && match_ == Match::Prefix;
                let host = super::host_in_key(self.profile, kind, text);
                let hosts = if kind == Kind::Url { &mut self.url_hosts } else { &mut self.endpoint_hosts };
                hosts.push(number, host.as_bytes(), key.len(), prefix);
                if prefix {
                    self.prefix_lengths.insert(key.len() as u32);
                }
            }
            // Else the builder saw to it.
            Kind::Domain if self.everything && match_ == Match::Subdomains && !record.below_only => {
                self.carried += u64::from(!super::may_cover_below(text));
            }
            _ if match_ == Match::Network => self.note_span(text),
            _ => {}
        }
    }

    fn note_span(&mut self, key: &str) {
        let number = self.indicators;
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

    /// The set, with a stamp.
    pub(super) fn finish(mut self, stamp: Stamp) -> IndicatorSet {
        let (info, json) = match self.contexts {
            Contexts::Counted(interned) => {
                let info = self.info(interned);
                // It is made of strings and numbers: it always serializes.
                let json = serde_json::to_vec(&info).unwrap_or_default();
                (info, json)
            }
            Contexts::Given(given) => (given.info.clone(), given.info_json.to_vec()),
        };
        let sections = mem::take(&mut self.sections);
        let records: Vec<(Records, Vec<u32>)> =
            sections.into_iter().map(|section| (section.records.finish(), section.addresses)).collect();
        let mut hosts = Vec::new();
        let builders = [
            (Kind::Url, mem::take(&mut self.url_hosts)),
            (Kind::Endpoint, mem::take(&mut self.endpoint_hosts)),
        ];
        for (kind, builder) in builders {
            let (runs, names) = builder.finish();
            hosts.push((kind, runs, names));
        }
        let (seed, hash_key, indexes, host_indexes) = self.indexes(&records, &hosts);

        let seed_of_sieve = u64::from_le_bytes(*hash_key.first_chunk().unwrap_or(&[0; 8]));
        let sieve = sifted::sieve(&records, self.profile, !self.masks.is_empty(), seed_of_sieve);
        let nets =
            [(Kind::Ipv4, 32, mem::take(&mut self.blocks4)), (Kind::Ipv6, 128, mem::take(&mut self.blocks6))];
        let nets = nets.map(|(kind, width, blocks)| (kind, networks::build(blocks, width)));
        let context_bytes: usize =
            self.order.iter().map(|number| self.contexts.json(*number).len() + 8).sum();
        let room =
            records.iter().map(|(records, addresses)| records.bytes() + 4 * addresses.len()).sum::<usize>()
                + indexes.iter().chain(&host_indexes).map(Vec::len).sum::<usize>()
                + hosts.iter().map(|(_, runs, _)| runs.len()).sum::<usize>()
                + nets.iter().map(|(_, n)| n.bounds.len() + n.blocks.len() + n.entries.len()).sum::<usize>()
                + context_bytes
                + json.len()
                + self.masks.len()
                + sieve.len()
                + 8 * addresses::TABLE;
        let mut file = Writer::new(room);
        file.section(Id::Info, None, 0, &[&json]);
        self.write_contexts(&mut file);
        for ((records, addresses), index) in records.into_iter().zip(indexes) {
            let kind = Some(records.kind);
            let (offsets, text) = records.parts();
            file.section(Id::Records, kind, records.count, &[offsets, text]);
            file.section(Id::Index, kind, 0, &[&index]);
            if !addresses.is_empty() {
                let bytes: Vec<u8> = addresses.iter().flat_map(|address| address.to_le_bytes()).collect();
                file.section(Id::Addresses, kind, 0, &[&bytes]);
                file.section(Id::AddressTable, kind, 0, &[&addresses::table(addresses.iter().copied())]);
            }
        }
        for ((kind, runs, _), index) in hosts.iter().zip(host_indexes) {
            file.section(Id::Hosts, Some(*kind), 0, &[runs]);
            file.section(Id::HostIndex, Some(*kind), 0, &[&index]);
        }
        for (kind, Built { bounds, blocks, entries }) in nets {
            file.section(Id::Bounds, Some(kind), 0, &[&bounds]);
            if kind == Kind::Ipv4 {
                let starts = Sorted::<8>::open(bounds.into(), Default::default());
                file.section(Id::BoundTable, Some(kind), 0, &[&addresses::table(starts.iter())]);
            }
            file.section(Id::Blocks, Some(kind), 0, &[&blocks]);
            file.section(Id::BlockEntries, Some(kind), 0, &[&entries]);
        }
        let lengths: Vec<u8> = self.prefix_lengths.iter().flat_map(|length| length.to_le_bytes()).collect();
        file.section(Id::PrefixLengths, None, 0, &[&lengths]);
        file.section(Id::Masks, None, 0, &[&self.masks]);

        let kinds = self.kinds.keys().filter(|kind| **kind < 64).fold(0, |bits, kind| bits | 1 << kind);
        file.section(Id::Sieve, None, 0, &[&sieve]);
        let head = Header::new(
            self.profile,
            info.public_suffixes,
            kinds,
            hash_key,
            self.indicators,
            self.order.len() as u32,
            stamp,
        );
        file.finish(&head, seed);
        IndicatorSet::from_own(file.freeze())
    }

    fn info(&self, interned: &Interned) -> SetInfo {
        let name = |kind: &u8| Kind::from_number(*kind).unwrap_or(Kind::Other).name().to_string();
        let feeds = interned.feeds().iter().cloned().zip(self.feeds.iter().copied());
        SetInfo {
            profile: self.profile.to_string(),
            public_suffixes: indicia_data::psl::version().to_string(),
            kinds: self.kinds.iter().map(|(kind, count)| (name(kind), *count)).collect(),
            feeds: feeds.filter(|(_, uses)| *uses > 0).collect(),
            indicators: self.indicators.into(),
            contexts: self.order.len() as u64,
            unmarked: self.unmarked,
            carried: self.carried,
        }
    }

    fn write_contexts(&self, file: &mut Writer) {
        let mut at = 0u64;
        let mut offsets = Vec::with_capacity(8 * (self.order.len() + 1));
        for number in &self.order {
            offsets.extend(at.to_le_bytes());
            at += self.contexts.json(*number).len() as u64;
        }
        if !self.order.is_empty() {
            offsets.extend(at.to_le_bytes());
        }
        let mut parts = vec![&offsets[..]];
        parts.extend(self.order.iter().map(|number| self.contexts.json(*number)));
        file.section(Id::Contexts, None, 0, &parts);
    }

    /// The indexes of all sections and of all hosts, under the first seed that lets no key stand too far from its home.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn indexes(
        &self,
        records: &[(Records, Vec<u32>)],
        hosts: &[(Kind, Vec<u8>, Vec<(hosts::Name, u32)>)],
    ) -> (u32, [u8; 16], Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (seed, key, (of_records, of_hosts)) =
            first_seed(&self.keys.clone().finalize().into(), |key, growth| {
                let of_records: Option<Vec<_>> =
                    records.iter().map(|(records, _)| index_of(records, key, growth)).collect();
                let of_hosts: Option<Vec<_>> = hosts
                    .iter()
                    .map(|(_, _, names)| {
                        let hashes = names.iter().map(|(name, run)| (hash(key, name), *run)).collect();
                        exact::build(exact::homes(names.len(), growth), hashes)
                    })
                    .collect();
                Some((of_records?, of_hosts?))
            });
        (seed, key, of_records, of_hosts)
    }
}

/// The first seed under which all indexes can be built, the key of their hash, and what they are. `build` is given the
/// key, and how often the indexes are doubled.
fn first_seed<T>(
    digest: &[u8; 32],
    mut build: impl FnMut(&[u8; 16], u32) -> Option<T>,
) -> (u32, [u8; 16], T) {
    let mut seed = 0;
    loop {
        let key = hash_key(digest, seed);
        if let Some(built) = build(&key, seed / SEEDS) {
            return (seed, key, built);
        }
        seed += 1;
    }
}

fn hash_key(digest: &[u8; 32], seed: u32) -> [u8; 16] {
    let long = Sha256::new()
        .chain_update(b"indicia set index 1\0")
        .chain_update(digest)
        .chain_update(u32::to_le_bytes(seed))
        .finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&long[..16]);
    key
}

/// From each distinct key of a section to the first indicator that has it.
fn index_of(records: &Records, hash_key: &[u8; 16], growth: u32) -> Option<Vec<u8>> {
    // Single addresses of IPv4 are found by what they are, and what no list knows is not looked for.
    if matches!(records.kind, Kind::Ipv4 | Kind::Other) {
        return Some(Vec::new());
    }
    let mut hashes = Vec::with_capacity(records.count as usize);
    let mut previous: Option<&[u8]> = None;
    for (number, record) in (records.first..).zip(records.iter()) {
        if previous.replace(record.key) != Some(record.key) {
            hashes.push((hash(hash_key, record.key), number));
        }
    }
    exact::build(exact::homes(hashes.len(), growth), hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who knows the key of a hash plants keys that it gives one home and one tag: the set takes another key.
    #[test]
    fn planted_collisions_change_the_seed() {
        const HOME_AND_TAG: u64 = 0xffff_ffff_0000_00ff;
        let (digest, planted) = ([3; 32], exact::ROOM + 1);
        let homes = exact::homes(planted, 0) as u64;
        let key = hash_key(&digest, 0);
        let place = |hash: u64| ((hash >> 32) * homes) >> 32 << 8 | hash & 0xff;
        let aim = place(hash(&key, b"0") & HOME_AND_TAG);
        let names: Vec<String> = (0..)
            .map(|i: u32| i.to_string())
            .filter(|name| place(hash(&key, name.as_bytes())) == aim)
            .take(planted)
            .collect();
        let (seed, key, index) = first_seed(&digest, |key, growth| {
            let hashes = (0..).zip(&names).map(|(n, name)| (hash(key, name.as_bytes()), n)).collect();
            exact::build(exact::homes(names.len(), growth), hashes)
        });
        assert!(seed > 0 && seed < SEEDS, "{seed}");
        let mut compared = 0;
        for (number, name) in (0..).zip(&names) {
            let found = exact::find(&index, hash(&key, name.as_bytes()), |at| {
                compared += 1;
                names[at as usize] == *name
            });
            assert_eq!(found, Some(number));
        }
        assert!(compared < 2 * names.len(), "{compared} keys are compared for {} names", names.len());
        assert!(exact::farthest(&index) <= exact::REACH);
    }
}
