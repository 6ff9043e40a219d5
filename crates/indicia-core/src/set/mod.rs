//! The compiled set: indicators in one immutable structure, with an index for each way to match.
//!
//! Entries are sorted by key space, key, kind and match, so that all indicators of one key stand together; a
//! hash table leads from a key to the first of them, and every probe compares the stored key. Networks and
//! ranges are split into aligned blocks and filed under (length, address). Contexts are stored once each,
//! byte for byte, and referred to by number. `file` has the form on disk, `builder` makes a set.

mod builder;
mod file;
mod masks;
pub(crate) mod sieve;
mod sifted;

use std::borrow::Cow;
use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

pub use builder::{BuildOptions, BuildReport, SetBuilder};
pub use file::SetError;
pub(crate) use masks::{MaskScratch, Masks};

use crate::observable::ip;
use crate::{Context, Indicator, Kind, Match, Observable, Profile, Target};

/// Values of kinds in one space are equal when their keys are.
pub(crate) fn space(kind: Kind) -> u8 {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => Kind::Ipv4.number(),
        other => other.number(),
    }
}

/// A range of the text arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Text {
    at: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: Kind,
    match_: Match,
    below_only: bool,
    value: Text,
    key: Text,
    /// Empty for none.
    group: Text,
    source_type: Text,
    /// A range of `context_refs`.
    contexts: (u32, u32),
}

/// What a set says of itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SetInfo {
    /// The normalization profile.
    pub profile: String,
    /// The version of the Public Suffix List that the set was built with.
    pub public_suffixes: String,
    /// Indicators by kind.
    pub kinds: std::collections::BTreeMap<String, u64>,
    /// Contexts by feed.
    pub feeds: std::collections::BTreeMap<String, u64>,
    /// Indicators in all.
    pub indicators: u64,
    /// Distinct contexts.
    pub contexts: u64,
}

/// Indicators compiled for matching. Immutable; share it between threads by reference or `Arc`.
///
/// ```
/// use indicia_core::{BuildOptions, Context, Indicator, IndicatorSet, Kind, Observable, SetBuilder, Target};
/// let mut builder = SetBuilder::new(BuildOptions::default());
/// let target = Target::new(Observable::parse_as(Kind::Cidr, "192.0.2.0/24").unwrap());
/// builder.push(Indicator::new(target, Context::default()));
/// let set = builder.finish();
/// let hits = set.scan(b"connect to 192.0.2.7:443 failed");
/// assert_eq!(hits[0].relation, indicia_core::Relation::Network);
/// assert_eq!((hits[0].start, hits[0].end), (11, 20));
/// ```
pub struct IndicatorSet {
    info: SetInfo,
    profile: Profile,
    digest: [u8; 32],
    entries: Vec<Entry>,
    text: String,
    contexts: Vec<Context>,
    context_refs: Vec<u32>,
    exact: HashTable<u32>,
    v4: Blocks<u32>,
    v6: Blocks<u128>,
    /// Hosts of listed URLs.
    url_hosts: HashTable<HostGroup>,
    /// Hosts of listed endpoints.
    endpoint_hosts: HashTable<HostGroup>,
    /// Lengths of listed URL prefixes, sorted.
    prefix_lengths: Vec<usize>,
    masks: Masks,
    has: Has,
    sieve: Vec<u8>,
}

/// Neighbours among the entries that have one host. A host can have more than one group, as other keys sort
/// between `a.example/` and `a.example:8080/`.
#[derive(Clone, Copy, Debug)]
struct HostGroup {
    first: u32,
    behind: u32,
    /// Length of the longest key.
    longest: u32,
    /// Whether one of them is a prefix.
    prefixes: bool,
}

/// What the set lists of URLs on a host.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UrlsOnHost {
    /// Length of the longest key.
    pub(crate) longest: usize,
    /// Whether one of them is a prefix.
    pub(crate) prefixes: bool,
}

/// Which indexes hold anything, so that a scan can pass over what no indicator needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Has {
    pub(crate) names: bool,
    pub(crate) urls: bool,
    pub(crate) emails: bool,
    pub(crate) endpoints: bool,
    pub(crate) addresses: bool,
    /// One bit a kind number; `other` has none.
    kinds: u64,
}

impl Has {
    pub(crate) fn kind(&self, kind: Kind) -> bool {
        kind.number() < 64 && self.kinds >> kind.number() & 1 == 1
    }
}

/// Aligned address blocks: for each prefix length in use, pairs of a block and an entry by the block.
struct Blocks<A> {
    by_length: Vec<(u8, HashTable<(A, u32)>)>,
}

impl<A> Default for Blocks<A> {
    fn default() -> Self {
        Blocks { by_length: Vec::new() }
    }
}

impl<A: std::hash::Hash + Eq> Blocks<A> {
    fn hash(block: &A) -> u64 {
        FixedState::with_seed(0).hash_one(block)
    }

    fn insert(&mut self, length: u8, block: A, entry: u32) {
        let at = match self.by_length.binary_search_by_key(&length, |(l, _)| *l) {
            Ok(at) => at,
            Err(at) => {
                self.by_length.insert(at, (length, HashTable::new()));
                at
            }
        };
        self.by_length[at]
            .1
            .insert_unique(Self::hash(&block), (block, entry), |(block, _)| Self::hash(block));
    }

    fn covering(&self, mask: impl Fn(u8) -> A, mut found: impl FnMut(u32)) {
        for (length, blocks) in &self.by_length {
            let wanted = mask(*length);
            for (block, entry) in blocks.iter_hash(Self::hash(&wanted)) {
                if *block == wanted {
                    found(*entry);
                }
            }
        }
    }
}

fn hash(space: u8, key: &str) -> u64 {
    // The seed is fixed: the index is private memory of version 0 and every probe compares the key.
    FixedState::with_seed(u64::from(space)).hash_one(key)
}

/// One indicator of a set.
#[derive(Clone, Copy)]
pub struct IndicatorRef<'s> {
    set: &'s IndicatorSet,
    index: u32,
}

impl<'s> IndicatorRef<'s> {
    fn entry(&self) -> &'s Entry {
        &self.set.entries[self.index as usize]
    }

    /// The number of the indicator in its set, stable for the set's bytes.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The kind of the listed value.
    pub fn kind(&self) -> Kind {
        self.entry().kind
    }

    /// The listed value in canonical form; `*.name` where only names below match.
    pub fn value(&self) -> &'s str {
        self.set.str(self.entry().value)
    }

    /// The key that values are compared by.
    pub fn key(&self) -> &'s str {
        self.set.str(self.entry().key)
    }

    /// The profile whose rules made the value and key of a URL; `default@1` for every other kind.
    pub fn profile(&self) -> Profile {
        if self.kind() == Kind::Url { self.set.profile } else { Profile::Default }
    }

    /// How it matches.
    pub fn match_(&self) -> Match {
        self.entry().match_
    }

    /// Whether only names below the listed one match.
    pub fn below_only(&self) -> bool {
        self.entry().below_only
    }

    /// The id that ties the parts of a composite together.
    pub fn group(&self) -> Option<&'s str> {
        Some(self.set.str(self.entry().group)).filter(|g| !g.is_empty())
    }

    /// The source's own type name, for [`Kind::Other`].
    pub fn source_type(&self) -> Option<&'s str> {
        Some(self.set.str(self.entry().source_type)).filter(|g| !g.is_empty())
    }

    /// All contexts, whether a filter passes them or not.
    pub fn contexts(&self) -> impl ExactSizeIterator<Item = &'s Context> + use<'s> {
        let (from, to) = self.entry().contexts;
        let set = self.set;
        set.context_refs[from as usize..to as usize].iter().map(|c| &set.contexts[*c as usize])
    }

    /// An owned copy with all contexts.
    pub fn to_indicator(&self) -> Indicator {
        let target = match self.kind() {
            Kind::Other => Target {
                observable: Observable::other(self.source_type().unwrap_or("unknown"), self.value()),
                match_: self.match_(),
                below_only: false,
            },
            kind => {
                let profile = self.set.profile;
                let target = Target::from_parts_under(profile, kind, self.value(), Some(self.match_()), None);
                target.unwrap_or_else(|_| Target::new(Observable::other(kind.name(), self.value())))
            }
        };
        Indicator {
            target,
            group: self.group().map(str::to_string),
            contexts: self.contexts().cloned().collect(),
        }
    }
}

impl fmt::Debug for IndicatorRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndicatorRef")
            .field("kind", &self.kind())
            .field("value", &self.value())
            .field("match", &self.match_())
            .finish_non_exhaustive()
    }
}

impl PartialEq for IndicatorRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.set, other.set) && self.index == other.index
    }
}

impl fmt::Debug for IndicatorSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndicatorSet").field("info", &self.info).finish_non_exhaustive()
    }
}

impl IndicatorSet {
    /// What the set says of itself.
    pub fn info(&self) -> &SetInfo {
        &self.info
    }

    /// The profile of the set's URLs: what is scanned and looked up follows it too.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// SHA-256 of the set's content: equal for equal indicators, whatever order they came in.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// How many indicators there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The indicator with this number.
    pub fn get(&self, index: u32) -> Option<IndicatorRef<'_>> {
        ((index as usize) < self.entries.len()).then_some(IndicatorRef { set: self, index })
    }

    /// Every indicator, in the set's order: by kind, then by key.
    pub fn iter(&self) -> impl Iterator<Item = IndicatorRef<'_>> {
        (0..self.entries.len() as u32).map(|index| IndicatorRef { set: self, index })
    }

    fn str(&self, text: Text) -> &str {
        self.text.get(text.at as usize..text.at as usize + text.len as usize).unwrap_or_default()
    }

    pub(crate) fn has(&self) -> &Has {
        &self.has
    }

    /// The sieve and its bytes, where one can stand for the set.
    pub(crate) fn sieve(&self) -> Option<(sieve::Sieve, &[u8])> {
        Some((sieve::Sieve::read(&self.sieve)?, &self.sieve))
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Every entry with this key.
    pub(crate) fn equal(&self, kind: Kind, key: &str, mut found: impl FnMut(u32)) {
        let space = space(kind);
        let same = |index: u32| {
            self.entries
                .get(index as usize)
                .is_some_and(|e| self::space(e.kind) == space && self.str(e.key) == key)
        };
        if let Some(first) = self.exact.find(hash(space, key), |index| same(*index)) {
            let mut index = *first;
            while same(index) {
                found(index);
                index += 1;
            }
        }
    }

    pub(crate) fn entry_match(&self, index: u32) -> (Match, bool) {
        let entry = &self.entries[index as usize];
        (entry.match_, entry.below_only)
    }

    /// Networks and ranges that hold an address. A mapped address is also looked for as what it is.
    pub(crate) fn covering(&self, address: IpAddr, mut found: impl FnMut(u32)) {
        if let IpAddr::V4(a) = ip::unmapped(address) {
            let bits = a.to_bits();
            self.v4.covering(|n| bits & mask4(n), &mut found);
        }
        if let IpAddr::V6(a) = address {
            let bits = a.to_bits();
            self.v6.covering(|n| bits & mask6(n), &mut found);
        }
    }

    /// Networks and ranges that hold a whole span of addresses.
    pub(crate) fn covering_span(&self, first: IpAddr, last: IpAddr, mut found: impl FnMut(u32)) {
        let mut ends = [Vec::new(), Vec::new()];
        self.covering(first, |e| ends[0].push(e));
        self.covering(last, |e| ends[1].push(e));
        for entry in &ends[0] {
            if ends[1].contains(entry) {
                found(*entry);
            }
        }
    }

    /// What is listed of URLs on a host, an address without brackets.
    pub(crate) fn urls_on(&self, host: &str) -> Option<UrlsOnHost> {
        let mut found: Option<UrlsOnHost> = None;
        for group in self.groups(&self.url_hosts, Kind::Url, self.profile.host_seen(host).into_owned()) {
            let so_far = found.unwrap_or_default();
            found = Some(UrlsOnHost {
                longest: so_far.longest.max(group.longest as usize),
                prefixes: so_far.prefixes || group.prefixes,
            });
        }
        found
    }

    pub(crate) fn on_url_host(&self, host: &str) -> impl Iterator<Item = u32> {
        let host = self.profile.host_seen(host).into_owned();
        self.groups(&self.url_hosts, Kind::Url, host).flat_map(|group| group.first..group.behind)
    }

    pub(crate) fn on_endpoint_host(&self, host: &str) -> impl Iterator<Item = u32> {
        self.groups(&self.endpoint_hosts, Kind::Endpoint, host.to_string())
            .flat_map(|group| group.first..group.behind)
    }

    fn groups<'s>(
        &'s self,
        hosts: &'s HashTable<HostGroup>,
        kind: Kind,
        host: String,
    ) -> impl Iterator<Item = HostGroup> + 's {
        hosts
            .iter_hash(hash(kind.number(), &host))
            .filter(move |group| {
                *self.host_in_key(kind, self.str(self.entries[group.first as usize].key)) == *host
            })
            .copied()
    }

    /// Adds an entry to the group of its host: the last one, if that has the same host.
    fn group(&self, hosts: &mut HashTable<HostGroup>, last: &mut Option<HostGroup>, index: u32) {
        let entry = &self.entries[index as usize];
        let host_of = |index: u32| {
            let entry = &self.entries[index as usize];
            self.host_in_key(entry.kind, self.str(entry.key))
        };
        let host = host_of(index);
        let (longest, prefixes) = (entry.key.len, entry.match_ == Match::Prefix);
        match last {
            Some(group) if group.behind == index && host_of(group.first) == host => {
                group.behind += 1;
                group.longest = group.longest.max(longest);
                group.prefixes |= prefixes;
            }
            _ => {
                let next = HostGroup { first: index, behind: index + 1, longest, prefixes };
                if let Some(done) = last.replace(next) {
                    self.insert_group(hosts, done);
                }
            }
        }
    }

    fn insert_group(&self, hosts: &mut HashTable<HostGroup>, group: HostGroup) {
        let hash_of = |group: &HostGroup| {
            let entry = &self.entries[group.first as usize];
            hash(entry.kind.number(), &self.host_in_key(entry.kind, self.str(entry.key)))
        };
        hosts.insert_unique(hash_of(&group), group, hash_of);
    }

    /// The host of a URL's or endpoint's key: a name, or an address as its key.
    fn host_in_key<'k>(&self, kind: Kind, key: &'k str) -> Cow<'k, str> {
        if kind == Kind::Url {
            return self.profile.host_of_key(key);
        }
        // The key of an endpoint is written as the beginning of a URL's.
        Profile::Default.host_of_key(key)
    }

    pub(crate) fn prefix_lengths(&self) -> &[usize] {
        &self.prefix_lengths
    }

    /// Fills the indexes from `entries`, which are sorted.
    fn index(&mut self) {
        let mut exact = HashTable::with_capacity(self.entries.len());
        let masks = (0u32..).zip(&self.entries).filter_map(|(index, entry)| {
            Some((index, masks::mask_of(entry.kind, entry.match_, self.str(entry.value))?))
        });
        self.masks = Masks::new(masks);
        let mut previous: Option<(u8, Text)> = None;
        let (mut url_hosts, mut last_url) = (HashTable::new(), None);
        let (mut endpoint_hosts, mut last_endpoint) = (HashTable::new(), None);
        for index in 0..self.entries.len() as u32 {
            let entry = self.entries[index as usize];
            if entry.kind == Kind::Other {
                continue;
            }
            let space = space(entry.kind);
            self.has.kinds |= 1 << entry.kind.number();
            match entry.kind {
                // It has no host and no key of its own.
                Kind::Url if entry.match_ == Match::Mask => self.has.urls = true,
                Kind::Domain => self.has.names = true,
                Kind::Email => self.has.emails = true,
                Kind::Endpoint => {
                    self.has.endpoints = true;
                    self.group(&mut endpoint_hosts, &mut last_endpoint, index);
                }
                Kind::Url => {
                    self.has.urls = true;
                    self.group(&mut url_hosts, &mut last_url, index);
                    let length = entry.key.len as usize;
                    if entry.match_ == Match::Prefix
                        && let Err(at) = self.prefix_lengths.binary_search(&length)
                    {
                        self.prefix_lengths.insert(at, length);
                    }
                }
                _ => self.has.addresses |= entry.kind.is_address_like(),
            }
            if entry.match_ == Match::Network {
                self.index_span(index);
            }
            let key = self.str(entry.key);
            if previous.is_none_or(|(s, k)| s != space || self.str(k) != key) {
                exact.insert_unique(hash(space, key), index, |other| {
                    let other = &self.entries[*other as usize];
                    hash(self::space(other.kind), self.str(other.key))
                });
            }
            previous = Some((space, entry.key));
        }
        last_url.into_iter().for_each(|group| self.insert_group(&mut url_hosts, group));
        last_endpoint.into_iter().for_each(|group| self.insert_group(&mut endpoint_hosts, group));
        (self.exact, self.url_hosts, self.endpoint_hosts) = (exact, url_hosts, endpoint_hosts);
    }

    fn index_span(&mut self, index: u32) {
        let Some(span) = ip::span(self.str(self.entries[index as usize].key)) else { return };
        match (span.first, span.last) {
            // A file can hold a range whose ends are in the wrong order.
            (first, last) if first > last => {}
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                blocks(u128::from(first.to_bits()), u128::from(last.to_bits()), 32, |block, length| {
                    self.v4.insert(length, block as u32, index);
                });
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                blocks(first.to_bits(), last.to_bits(), 128, |block, length| {
                    self.v6.insert(length, block, index)
                });
            }
            _ => {}
        }
    }
}

fn mask4(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

fn mask6(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

/// Splits an inclusive span into aligned blocks, at most two for each prefix length.
fn blocks(first: u128, last: u128, width: u32, mut found: impl FnMut(u128, u8)) {
    let mut at = first;
    loop {
        let align = if at == 0 { width } else { at.trailing_zeros().min(width) };
        let rest = last - at;
        // The largest power of two that is not longer than what is left.
        let room = if rest == u128::MAX { 128 } else { 127 - (rest + 1).leading_zeros() };
        let size = align.min(room);
        found(at, (width - size) as u8);
        let step = if size == 128 { return } else { 1u128 << size };
        match at.checked_add(step) {
            Some(next) if next <= last => at = next,
            _ => return,
        }
    }
}

/// The parents of a name, from the nearest to the last with two labels, then the last label.
pub(crate) fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(name.split_once('.').map(|(_, rest)| rest), |rest| {
        rest.split_once('.').map(|(_, r)| r)
    })
}

/// Formats an address as its key.
pub(crate) fn address_key(address: IpAddr, out: &mut String) {
    use std::fmt::Write as _;
    out.clear();
    let _ = match ip::unmapped(address) {
        IpAddr::V4(a) => write!(out, "{a}"),
        IpAddr::V6(a) => write!(out, "{a}"),
    };
}

/// Whether a listed name may cover names below it: a public suffix never does.
pub(crate) fn may_cover_below(name: &str) -> bool {
    !indicia_data::psl::is_public_suffix(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_span_exactly() {
        let split = |first: u128, last: u128, width| {
            let mut out = Vec::new();
            blocks(first, last, width, |b, n| out.push((b, n)));
            out
        };
        assert_eq!(split(0, u128::from(u32::MAX), 32), [(0, 0)]);
        assert_eq!(split(0, u128::MAX, 128), [(0, 0)]);
        assert_eq!(split(5, 8, 32), [(5, 32), (6, 31), (8, 32)]);
        assert_eq!(split(1, u128::MAX, 128).len(), 128);
        assert_eq!(split(u128::MAX, u128::MAX, 128), [(u128::MAX, 128)]);
    }

    #[test]
    fn parents_of_a_name() {
        assert_eq!(parents("a.b.c").collect::<Vec<_>>(), ["b.c", "c"]);
        assert_eq!(parents("c").count(), 0);
    }
}
