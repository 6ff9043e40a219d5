//! Sorted drafts → the bytes of a set.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use sha2::{Digest, Sha256};

use super::addresses::{self, Sorted};
use super::delta::Given;
use super::drafts::{Draft, Drafts};
use super::file::{Header, Id, Stamp, Writer};
use super::hash::KeyHash;
use super::interned::{Facts, Interned};
use super::keys::SEVERAL;
use super::networks::{self, Built};
use super::part::{Counts, Numbering, Part, Section};
use super::raw::put_sized;
use super::record::{Records, RecordsWriter};
use super::{IndicatorSet, SetInfo, exact, parallel, sifted};
use crate::observable::ip;
use crate::{Kind, Profile};

/// Seeds that are tried before the indexes are made larger.
const SEEDS: u32 = 16;

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
    pub(super) fn json(&self, number: u32) -> &'c [u8] {
        match self {
            Contexts::Counted(interned) => interned.json(number),
            Contexts::Given(given) => given.json(number),
        }
    }

    /// What is to be counted of a context, if anything is.
    #[inline]
    pub(super) fn facts(&self, number: u32) -> Option<Facts> {
        match self {
            Contexts::Counted(interned) => Some(interned.facts(number)),
            Contexts::Given(_) => None,
        }
    }

    /// How many feeds are counted.
    pub(super) fn feeds(&self) -> usize {
        match self {
            Contexts::Counted(interned) => interned.feeds().len(),
            Contexts::Given(_) => 0,
        }
    }
}

/// What all sections of a set are made by.
#[derive(Clone, Copy)]
pub(super) struct Plan<'c> {
    pub(super) contexts: Contexts<'c>,
    pub(super) profile: Profile,
    /// As in [`super::BuildOptions`].
    pub(super) everything: bool,
    /// How many threads put the set together.
    pub(super) threads: usize,
}

/// A set whose records are written.
pub(super) struct Assembly<'c> {
    plan: Plan<'c>,
    /// In the order of their kinds.
    parts: Vec<Part<'c>>,
    /// The contexts as records of a part name them, where that is not as those of the whole do.
    orders: Vec<Option<Vec<u32>>>,
    numbering: Numbering,
}

impl<'c> Assembly<'c> {
    /// Of no target yet.
    pub(super) fn new(plan: Plan<'c>) -> Assembly<'c> {
        let numbering = Numbering::new(plan.contexts.len());
        Assembly { plan, parts: Vec::new(), orders: Vec::new(), numbering }
    }

    /// Adds the next target, as all are sorted, each once, with the numbers of its contexts: these in any order and as
    /// often as they were said.
    pub(super) fn push(&mut self, draft: &Draft<'_>, said: &mut Vec<u32>) {
        let kind = Kind::from_number(draft.section).unwrap_or(Kind::Other);
        if self.parts.last().is_none_or(|part| part.records.kind != kind) {
            self.parts.push(Part::new(self.plan, kind));
            self.orders.push(None);
        }
        let Some(part) = self.parts.last_mut() else { return };
        part.push(draft, said, &mut self.numbering);
    }

    /// Of all drafts, which are not sorted yet: each section by itself, several at once.
    pub(super) fn of(plan: Plan<'c>, drafts: &mut Drafts) -> Assembly<'c> {
        let sections = drafts.take_sections();
        let drafts = &*drafts;
        let parts = parallel::map(
            plan.threads,
            sections,
            |(_, places)| places.len(),
            |(section, mut places)| {
                drafts.sort_section(&mut places);
                let kind = Kind::from_number(section).unwrap_or(Kind::Other);
                let (mut part, mut numbering) = (Part::new(plan, kind), Numbering::new(plan.contexts.len()));
                drafts.each_target(&places, &mut |target, said| part.push(target, said, &mut numbering));
                (part, numbering.order)
            },
        );
        let mut assembly = Assembly::new(plan);
        for (part, order) in parts {
            let mut same = true;
            for (number, context) in (0..).zip(&order) {
                same &= assembly.numbering.number(*context) == number;
            }
            assembly.parts.push(part);
            assembly.orders.push((!same).then_some(order));
        }
        assembly
    }

    /// The set, with a stamp.
    pub(super) fn finish(self, stamp: Stamp) -> IndicatorSet {
        let Assembly { plan, parts, orders, mut numbering } = self;
        let mut indicators = 0;
        let mut counts = Counts::default();
        let mut lengths = BTreeSet::new();
        let mut masks = Vec::new();
        let (mut blocks4, mut blocks6) = (Vec::new(), Vec::new());
        let mut written = Vec::new();
        for (part, order) in parts.into_iter().zip(orders) {
            let first = indicators;
            indicators += part.records.count();
            counts.merge(&part.counts);
            lengths.extend(part.prefix_lengths);
            masks.extend(part.masks.iter().flat_map(|number| (first + number).to_le_bytes()));
            blocks4
                .extend(part.blocks4.iter().map(|(block, length, number)| (*block, *length, first + number)));
            blocks6
                .extend(part.blocks6.iter().map(|(block, length, number)| (*block, *length, first + number)));
            let numbers: Option<Vec<u32>> =
                order.map(|order| order.iter().map(|context| numbering.number(*context)).collect());
            written.push((first, part.records, numbers, part.addresses, part.hosts));
        }
        let order = &numbering.order;
        let size = |(_, records, ..): &(_, RecordsWriter, _, _, _)| records.count() as usize;
        let written = parallel::map(plan.threads, written, size, |written| {
            let (first, mut records, numbers, addresses, hosts) = written;
            if let Some(numbers) = numbers {
                records.renumber(&numbers);
            }
            (records.finish(first), addresses, hosts)
        });
        let records: Vec<Records> = written.iter().map(|(records, ..)| records.clone()).collect();
        let (keys, (sections, nets)) = parallel::both(
            plan.threads,
            || digest_of_keys(&records),
            || {
                let sections = written.into_iter().map(|(records, addresses, hosts)| {
                    let (runs, names) = hosts.finish(records.first);
                    Section { records, addresses, runs, names }
                });
                let sections: Vec<Section> = sections.collect();
                let nets = [(Kind::Ipv4, 32, blocks4), (Kind::Ipv6, 128, blocks6)].into_iter();
                let nets = nets.map(|(kind, width, blocks)| (kind, networks::build(blocks, width)));
                (sections, nets.collect::<Vec<_>>())
            },
        );
        drop(records);
        let (seed, hash_key, indexes) = indexes(plan.threads, &keys, &sections);
        let seed_of_sieve = u64::from_le_bytes(*hash_key.first_chunk().unwrap_or(&[0; 8]));
        let sieve = sifted::sieve(plan.threads, &sections, plan.profile, !masks.is_empty(), seed_of_sieve);

        let (info, json) = match plan.contexts {
            Contexts::Counted(interned) => {
                let info = info(plan.profile, interned, &counts, indicators, order.len());
                // It is made of strings and numbers: it always serializes.
                let json = serde_json::to_vec(&info).unwrap_or_default();
                (info, json)
            }
            Contexts::Given(given) => (given.info.clone(), given.info_json.to_vec()),
        };
        let mut file = Writer::default();
        file.section(Id::Info, None, json);
        let offsets = offsets_of(order.iter().map(|number| plan.contexts.json(*number).len() as u64));
        let length = order.iter().map(|number| plan.contexts.json(*number).len()).sum::<usize>();
        file.section_of(Id::Contexts, None, 0, offsets.len() + length, move |say| {
            say(&offsets);
            order.iter().for_each(|number| say(plan.contexts.json(*number)));
        });
        let (indexes, host_indexes): (Vec<_>, Vec<_>) = indexes.into_iter().unzip();
        for (Section { records, addresses, .. }, index) in sections.iter().zip(indexes) {
            let kind = Some(records.kind);
            file.section_of(Id::Records, kind, records.count, records.bytes(), move |say| {
                let (offsets, text) = records.parts();
                say(offsets);
                say(text);
            });
            file.section(Id::Index, kind, index);
            if !addresses.is_empty() {
                file.section(Id::Addresses, kind, addresses.iter().flat_map(|a| a.to_le_bytes()).collect());
                file.section(Id::AddressTable, kind, addresses::table(addresses.iter().copied()));
            }
        }
        let mut hosts: Vec<_> = sections.iter().zip(host_indexes).collect();
        // Those of URLs stand first.
        hosts.sort_by_key(|(section, _)| section.records.kind != Kind::Url);
        for (section, index) in hosts {
            let kind = Some(section.records.kind);
            file.section_of(Id::Hosts, kind, 0, section.runs.len(), move |say| say(&section.runs));
            file.section(Id::HostIndex, kind, index);
        }
        for (kind, Built { bounds, blocks, entries }) in nets {
            let kind = Some(kind);
            let table = match kind {
                Some(Kind::Ipv4) => {
                    let starts = Sorted::<8>::open(bounds.clone().into(), Default::default());
                    addresses::table(starts.iter())
                }
                _ => Vec::new(),
            };
            file.section(Id::Bounds, kind, bounds);
            file.section(Id::BoundTable, kind, table);
            file.section(Id::Blocks, kind, blocks);
            file.section(Id::BlockEntries, kind, entries);
        }
        file.section(
            Id::PrefixLengths,
            None,
            lengths.iter().flat_map(|length| length.to_le_bytes()).collect(),
        );
        file.section(Id::Masks, None, masks);
        file.section(Id::Sieve, None, sieve);

        let kinds = counts.kinds.keys().filter(|kind| **kind < 64).fold(0, |bits, kind| bits | 1 << kind);
        let head = Header::new(
            plan.profile,
            info.public_suffixes,
            kinds,
            hash_key,
            indicators,
            order.len() as u32,
            stamp,
        );
        IndicatorSet::from_own(file.finish(&head, seed, plan.threads))
    }
}

fn info(profile: Profile, interned: &Interned, counts: &Counts, indicators: u32, contexts: usize) -> SetInfo {
    let name = |kind: &u8| Kind::from_number(*kind).unwrap_or(Kind::Other).name().to_string();
    let feeds = interned.feeds().iter().cloned().zip(counts.feeds.iter().copied());
    SetInfo {
        profile: profile.to_string(),
        public_suffixes: indicia_data::psl::version().to_string(),
        kinds: counts.kinds.iter().map(|(kind, count)| (name(kind), *count)).collect(),
        feeds: feeds.filter(|(_, uses)| *uses > 0).collect(),
        indicators: indicators.into(),
        contexts: contexts as u64,
        unmarked: counts.unmarked,
        carried: counts.carried,
    }
}

/// Where texts of these lengths begin, one behind the other, and where the last one ends; nothing where there are none.
fn offsets_of(lengths: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    if lengths.len() == 0 {
        return Vec::new();
    }
    let mut at = 0u64;
    let mut offsets = Vec::with_capacity(8 * (lengths.len() + 1));
    offsets.extend(at.to_le_bytes());
    for length in lengths {
        at += length;
        offsets.extend(at.to_le_bytes());
    }
    offsets
}

/// SHA-256 over the keys of all records.
fn digest_of_keys(sections: &[Records]) -> [u8; 32] {
    const BLOCK: usize = 1 << 14;
    let mut digest = Sha256::new();
    let mut block = Vec::with_capacity(2 * BLOCK);
    for records in sections {
        for record in records.iter() {
            block.push(records.kind.number());
            put_sized(&mut block, record.key);
            if block.len() >= BLOCK {
                digest.update(&block);
                block.clear();
            }
        }
    }
    digest.update(&block);
    digest.finalize().into()
}

/// An index of a section, and that of its hosts.
type Indexes = (Vec<u8>, Vec<u8>);

/// The indexes of all sections, under the first seed that lets no key stand too far from its home.
fn indexes(threads: usize, keys: &[u8; 32], sections: &[Section]) -> (u32, [u8; 16], Vec<Indexes>) {
    first_seed(keys, |key, growth| {
        let size = |section: &&Section| section.records.count as usize;
        let indexes = parallel::map(threads, sections.iter().collect(), size, |section| {
            let of_records = index_of(&section.records, key, growth)?;
            let hash = KeyHash::new(key);
            let hashes = section.names.iter().map(|(name, run)| (hash.of(name), *run)).collect();
            let of_hosts = exact::build(exact::homes(section.names.len(), growth), hashes)?;
            Some((of_records, of_hosts))
        });
        indexes.into_iter().collect()
    })
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

/// From each distinct key of a section to the first record that has it.
fn index_of(records: &Records, hash_key: &[u8; 16], growth: u32) -> Option<Vec<u8>> {
    // Single addresses of IPv4 are found by what they are, and what no list knows is not looked for.
    if matches!(records.kind, Kind::Ipv4 | Kind::Other) {
        return Some(Vec::new());
    }
    let hash = KeyHash::new(hash_key);
    let mut hashes = Vec::with_capacity(records.count as usize);
    let mut previous: Option<&[u8]> = None;
    for (number, record) in (0..).zip(records.iter()) {
        if previous.replace(record.key) != Some(record.key) {
            hashes.push((hash.of(record.key), number));
        } else if let Some((_, first)) = hashes.last_mut() {
            *first |= SEVERAL;
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
        let aim = place(KeyHash::new(&key).of(b"0") & HOME_AND_TAG);
        let names: Vec<String> = (0..)
            .map(|i: u32| i.to_string())
            .filter(|name| place(KeyHash::new(&key).of(name.as_bytes())) == aim)
            .take(planted)
            .collect();
        let (seed, key, index) = first_seed(&digest, |key, growth| {
            let hashes =
                (0..).zip(&names).map(|(n, name)| (KeyHash::new(key).of(name.as_bytes()), n)).collect();
            exact::build(exact::homes(names.len(), growth), hashes)
        });
        assert!(seed > 0 && seed < SEEDS, "{seed}");
        let mut compared = 0;
        for (number, name) in (0..).zip(&names) {
            let found = exact::find(&index, KeyHash::new(&key).of(name.as_bytes()), |at| {
                compared += 1;
                names[at as usize] == *name
            });
            assert_eq!(found, Some(number));
        }
        assert!(compared < 2 * names.len(), "{compared} keys are compared for {} names", names.len());
        assert!(exact::farthest(&index) <= exact::REACH);
    }
}
