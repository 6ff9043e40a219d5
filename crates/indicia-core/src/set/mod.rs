//! The compiled set: indicators in one immutable file, with an index for each way to match.
//!
//! A set *is* the bytes of its file: whether a builder made them a moment ago, or they are mapped or copied from
//! anywhere, every question is answered by reads of them, each checked. Records stand in sections, by what is compared
//! with what, sorted by key; indexes lead to them. `docs/set-file.md` is the format.
//!
//! | file | what |
//! |---|---|
//! | `file` | the first page, digests, opening and writing |
//! | `record` | one indicator in bytes |
//! | `exact` | from a key to its records |
//! | `hash` | the hash of keys |
//! | `keys` | the same in steps, for many keys at once |
//! | `addresses`, `networks` | single addresses; all that covers one |
//! | `hosts` | listed URLs and endpoints by host |
//! | `masks` | which masks are tried on a value |
//! | `contexts` | contexts, read when asked for |
//! | `builder`, `drafts`, `runs`, `interned`, `part`, `assemble` | making a set |
//! | `parallel` | making it on several threads |
//! | `sifted`, `sieve` | what of a text a scan looks at |
//! | `delta` | from one set to the next |

mod addresses;
mod assemble;
mod builder;
mod contexts;
mod delta;
mod dotted;
mod drafts;
mod exact;
mod file;
mod hash;
mod hosts;
mod interned;
mod keys;
mod masks;
mod networks;
mod parallel;
mod part;
mod raw;
mod record;
mod runs;
pub(crate) mod sieve;
mod sifted;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;

use bytes::Bytes;

pub use builder::{Batch, BuildOptions, BuildReport, SetBuilder};
pub use delta::{Delta, DeltaCounts, DeltaError};
pub(crate) use dotted::Dotted;
pub use file::{SetError, Signature, Stamp};
pub(crate) use keys::Keys;
pub(crate) use masks::{MaskScratch, Masks};
pub(crate) use record::Spot;

use addresses::Sorted;
use assemble::section_of;
use contexts::Contexts;
use file::{Header, Id};
use hash::KeyHash;
use hosts::Hosts;
use networks::Bounds;
pub(crate) use networks::Networks;
use raw::u32_at;
use record::{Numbers, Record, Records, match_of_code};

use crate::observable::ip;
use crate::{Context, Indicator, Kind, Match, Observable, Profile, Target};

/// Indicators of one key differ in kind and match only: no more are looked at.
const SAME_KEY: u32 = 32;

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
    /// Pairs of an indicator and a context of it that has neither TLP nor PAP.
    #[serde(default)]
    pub unmarked: u64,
    /// What is here only because it was asked for: contexts of somebody to notify or not for detection, names that cover
    /// a public suffix. A builder with default options takes a set without any as it is.
    #[serde(default)]
    pub carried: u64,
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
    file: Bytes,
    header: Header,
    hash: KeyHash,
    info: OnceLock<SetInfo>,
    contexts: Contexts,
    /// By kind, and so by the numbers of their indicators.
    sections: Vec<Section>,
    /// For the number of each kind the place of its section, or one that is none.
    section_of: [u8; 256],
    addresses: Sorted<4>,
    networks: [Networks; 2],
    url_hosts: Hosts,
    endpoint_hosts: Hosts,
    prefix_lengths: Bytes,
    mask_entries: Bytes,
    masks: OnceLock<Masks>,
    has: Has,
    sieve: Bytes,
}

/// The records of a kind, and what leads from keys to them.
struct Section {
    records: Records,
    index: Bytes,
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
    fn of(kinds: u64) -> Has {
        let has = Has { kinds, ..Has::default() };
        Has {
            names: has.kind(Kind::Domain),
            urls: has.kind(Kind::Url),
            emails: has.kind(Kind::Email),
            endpoints: has.kind(Kind::Endpoint),
            addresses: Kind::ALL.iter().any(|kind| kind.is_address_like() && has.kind(*kind)),
            kinds,
        }
    }

    pub(crate) fn kind(&self, kind: Kind) -> bool {
        kind.number() < 64 && self.kinds >> kind.number() & 1 == 1
    }
}

/// One indicator of a set.
#[derive(Clone, Copy)]
pub struct IndicatorRef<'s> {
    set: &'s IndicatorSet,
    /// The record, read anew for each question: that is sooner done than carrying about what was read.
    body: &'s [u8],
    section: Kind,
    index: u32,
}

/// What should be text; in a damaged file it can be anything.
#[inline]
fn text(bytes: &[u8]) -> &str {
    crate::scan::text(bytes).unwrap_or_default()
}

impl<'s> IndicatorRef<'s> {
    #[inline]
    fn record(&self) -> Record<'s> {
        Record::read(self.body, self.section)
    }

    /// The number of the indicator in its set, stable for the set's bytes.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The kind of the listed value.
    pub fn kind(&self) -> Kind {
        self.record().kind
    }

    /// The listed value in canonical form; `*.name` where only names below match.
    pub fn value(&self) -> &'s str {
        text(self.record().value)
    }

    /// The key that values are compared by.
    pub fn key(&self) -> &'s str {
        text(self.record().key)
    }

    /// The profile whose rules made the value and key of a URL; `default@1` for every other kind.
    pub fn profile(&self) -> Profile {
        if self.kind() == Kind::Url { self.set.profile() } else { Profile::Default }
    }

    #[inline]
    fn how(&self) -> (Match, bool) {
        match_of_code(Record::code(self.body, self.section)).unwrap_or((Match::Exact, false))
    }

    /// How it matches.
    #[inline]
    pub fn match_(&self) -> Match {
        self.how().0
    }

    /// Whether a listed name matches the name that it is.
    #[inline]
    pub(crate) fn covers_itself(&self) -> bool {
        matches!(self.how(), (Match::Exact, _) | (Match::Subdomains, false))
    }

    /// Whether only names below the listed one match.
    pub fn below_only(&self) -> bool {
        self.how().1
    }

    /// The id that ties the parts of a composite together.
    pub fn group(&self) -> Option<&'s str> {
        Some(text(self.record().group)).filter(|g| !g.is_empty())
    }

    /// The source's own type name, for [`Kind::Other`].
    pub fn source_type(&self) -> Option<&'s str> {
        Some(text(self.record().source_type)).filter(|g| !g.is_empty())
    }

    /// All contexts, whether a filter passes them or not. One is read from the file when it is first asked for.
    #[inline]
    pub fn contexts(&self) -> impl ExactSizeIterator<Item = &'s Context> + use<'s> {
        self.contexts_of()
    }

    #[inline]
    pub(crate) fn contexts_of(&self) -> ContextsOf<'s> {
        ContextsOf { contexts: &self.set.contexts, numbers: self.record().contexts }
    }

    /// How long the key is.
    #[inline]
    pub(crate) fn key_length(&self) -> usize {
        self.record().key.len()
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
                let profile = self.set.profile();
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

/// The contexts of an indicator.
#[derive(Clone)]
pub(crate) struct ContextsOf<'s> {
    contexts: &'s Contexts,
    numbers: Numbers<'s>,
}

impl<'s> Iterator for ContextsOf<'s> {
    type Item = &'s Context;

    #[inline(always)]
    fn next(&mut self) -> Option<&'s Context> {
        self.numbers.next().map(|number| self.contexts.get(number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl ExactSizeIterator for ContextsOf<'_> {}

impl fmt::Debug for ContextsOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
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
        f.debug_struct("IndicatorSet").field("info", self.info()).finish_non_exhaustive()
    }
}

impl IndicatorSet {
    /// Opens a set over the bytes of its file.
    fn open(file: Bytes) -> Result<IndicatorSet, SetError> {
        let header = Header::read(&file)?;
        let part = |id, kind| header.section(&file, id, kind);
        let mut sections: Vec<Section> = Vec::new();
        let mut places = [u8::MAX; 256];
        let mut first = 0u32;
        for (place, kind) in header.records() {
            let corrupt = SetError::Corrupt { at: place.at() };
            let Some(kind) = kind.filter(|kind| sections.last().is_none_or(|last| last.records.kind < *kind))
            else {
                return Err(corrupt);
            };
            let Some(records) = Records::open(kind, first, place.items, &place.of(&file)) else {
                return Err(corrupt);
            };
            let Some(behind) = first.checked_add(place.items) else { return Err(corrupt) };
            first = behind;
            places[usize::from(kind.number())] = sections.len() as u8;
            sections.push(Section { records, index: part(Id::Index, Some(kind)) });
        }
        let contexts = part(Id::Contexts, None);
        let Some(contexts) =
            Contexts::open(header.contexts, &contexts).filter(|_| first == header.indicators)
        else {
            return Err(SetError::Corrupt { at: 0 });
        };
        let networks = [Kind::Ipv4, Kind::Ipv6].map(|kind| {
            let bounds = part(Id::Bounds, Some(kind));
            Networks {
                bounds: match kind {
                    Kind::Ipv4 => Bounds::V4(Sorted::open(bounds, part(Id::BoundTable, Some(kind)))),
                    _ => Bounds::V6(bounds),
                },
                blocks: part(Id::Blocks, Some(kind)),
                entries: part(Id::BlockEntries, Some(kind)),
            }
        });
        let hosts =
            |kind| Hosts { runs: part(Id::Hosts, Some(kind)), index: part(Id::HostIndex, Some(kind)) };
        let v4 = Some(Kind::Ipv4);
        Ok(IndicatorSet {
            info: OnceLock::new(),
            contexts,
            sections,
            section_of: places,
            addresses: Sorted::open(part(Id::Addresses, v4), part(Id::AddressTable, v4)),
            networks,
            url_hosts: hosts(Kind::Url),
            endpoint_hosts: hosts(Kind::Endpoint),
            prefix_lengths: part(Id::PrefixLengths, None),
            mask_entries: part(Id::Masks, None),
            sieve: part(Id::Sieve, None),
            masks: OnceLock::new(),
            has: Has::of(header.kinds),
            hash: KeyHash::new(&header.hash_key),
            header,
            file,
        })
    }

    /// A set over bytes that were just written.
    fn from_own(file: Bytes) -> IndicatorSet {
        match IndicatorSet::open(file) {
            Ok(set) => set,
            Err(error) => unreachable!("what was written is read: {error}"),
        }
    }

    /// What the set says of itself.
    pub fn info(&self) -> &SetInfo {
        self.info.get_or_init(|| {
            self.read_info().unwrap_or_else(|_| SetInfo {
                profile: self.profile().to_string(),
                public_suffixes: self.header.public_suffixes.clone(),
                kinds: Default::default(),
                feeds: Default::default(),
                indicators: self.header.indicators.into(),
                contexts: self.contexts.len().into(),
                unmarked: 0,
                carried: 0,
            })
        })
    }

    fn read_info(&self) -> Result<SetInfo, SetError> {
        let json = self.header.section(&self.file, Id::Info, None);
        let info: Option<SetInfo> = serde_json::from_slice(&json).ok();
        info.filter(|info| info.profile == self.profile().name()).ok_or(SetError::Corrupt { at: file::PAGE })
    }

    /// The profile of the set's URLs: what is scanned and looked up follows it too.
    pub fn profile(&self) -> Profile {
        self.header.profile
    }

    /// SHA-256 of the set's content: equal for equal indicators, whatever order they came in.
    pub fn digest(&self) -> &[u8; 32] {
        &self.header.digest
    }

    /// How many indicators there are.
    pub fn len(&self) -> usize {
        self.header.indicators as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The indicator with this number.
    #[inline]
    pub fn get(&self, index: u32) -> Option<IndicatorRef<'_>> {
        let behind = self.sections.partition_point(|section| section.records.first <= index);
        let records = &self.sections.get(behind.checked_sub(1)?)?.records;
        let number = index - records.first;
        let body = records.body(number).unwrap_or_default();
        (number < records.count).then_some(IndicatorRef { set: self, body, section: records.kind, index })
    }

    /// Every indicator, in the set's order: single IPv4 addresses, single IPv6 addresses, networks and ranges, then the
    /// others by kind; among them by key.
    pub fn iter(&self) -> impl Iterator<Item = IndicatorRef<'_>> {
        (0..self.header.indicators).filter_map(|index| self.get(index))
    }

    pub(crate) fn has(&self) -> &Has {
        &self.has
    }

    pub(crate) fn has_masks(&self) -> bool {
        !self.mask_entries.is_empty()
    }

    /// The sieve and its bytes, where one can stand for the set.
    pub(crate) fn sieve(&self) -> Option<(sieve::Sieve, &[u8])> {
        Some((sieve::Sieve::read(&self.sieve)?, &self.sieve))
    }

    /// The masks, in an index that is made when they are first asked for.
    #[inline]
    pub(crate) fn masks(&self) -> &Masks {
        self.masks.get_or_init(|| {
            let numbers = (0..self.mask_entries.len() / 4).filter_map(|i| u32_at(&self.mask_entries, i));
            Masks::new(numbers.filter_map(|number| {
                let indicator = self.get(number)?;
                Some((number, masks::mask_of(indicator.kind(), indicator.match_(), indicator.value())?))
            }))
        })
    }

    fn section(&self, kind: Kind) -> Option<&Section> {
        self.sections.get(usize::from(self.section_of[usize::from(kind.number())]))
    }

    /// Every entry with this key.
    pub(crate) fn equal<'s>(&'s self, kind: Kind, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        match section_of(kind, key) {
            (Kind::Ipv4, Some(address)) => self.equal_v4(address.into(), key, found),
            (section, _) => {
                if let Some(keys) = self.keys(section) {
                    keys.all(self.hash(key), key, found);
                }
            }
        }
    }

    /// Every entry whose key is this address, which is written in `key`.
    pub(crate) fn equal_address<'s>(
        &'s self,
        address: IpAddr,
        key: &str,
        found: impl FnMut(IndicatorRef<'s>),
    ) {
        match ip::unmapped(address) {
            IpAddr::V4(address) => self.equal_v4(address, key, found),
            IpAddr::V6(_) => {
                if let Some(keys) = self.keys(Kind::Ipv6) {
                    keys.all(self.hash(key), key, found);
                }
            }
        }
    }

    fn equal_v4<'s>(&'s self, address: Ipv4Addr, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        if let Some(addresses) = self.addresses()
            && let Some(number) = addresses.find(address, addresses.run(address))
        {
            addresses.equal(number, addresses.spot(number), key, found);
        }
    }

    /// The networks and ranges that hold IPv4 addresses.
    #[inline]
    pub(crate) fn v4_networks(&self) -> &Networks {
        &self.networks[0]
    }

    /// The networks and ranges of a block of IPv4 addresses, by its number + 1, and of those that hold it.
    #[inline]
    pub(crate) fn covering_block<'s>(
        &'s self,
        block: u32,
        address: Ipv4Addr,
        mut found: impl FnMut(IndicatorRef<'s>),
    ) {
        self.networks[0].entries_from(block, |number| {
            self.check_span(number, address.into(), address.into(), &mut found);
        });
    }

    /// An indicator, if its addresses are all from the first to the last.
    fn check_span<'s>(
        &'s self,
        number: u32,
        first: IpAddr,
        last: IpAddr,
        found: &mut impl FnMut(IndicatorRef<'s>),
    ) {
        if let Some(indicator) = self.get(number)
            && let Some(span) = ip::span(indicator.key())
            && span.first <= first
            && last <= span.last
        {
            found(indicator);
        }
    }

    /// Networks and ranges that hold an address. A mapped address is also looked for as what it is.
    pub(crate) fn covering<'s>(&'s self, address: IpAddr, found: impl FnMut(IndicatorRef<'s>)) {
        self.covering_span(address, address, found);
    }

    /// Networks and ranges that hold a whole span of addresses.
    pub(crate) fn covering_span<'s>(
        &'s self,
        first: IpAddr,
        last: IpAddr,
        mut found: impl FnMut(IndicatorRef<'s>),
    ) {
        let mut check =
            |number, first: IpAddr, last: IpAddr| self.check_span(number, first, last, &mut found);
        if let (IpAddr::V4(from), IpAddr::V4(to)) = (ip::unmapped(first), ip::unmapped(last)) {
            let address = u128::from(from.to_bits());
            self.networks[0].covering(address, |number| check(number, from.into(), to.into()));
        }
        if let (IpAddr::V6(from), IpAddr::V6(to)) = (first, last) {
            self.networks[1].covering(from.to_bits(), |number| check(number, from.into(), to.into()));
        }
    }

    /// What is listed of URLs on a host, an address without brackets.
    pub(crate) fn urls_on(&self, host: &str) -> Option<UrlsOnHost> {
        let host = self.profile().host_seen(host);
        let run = self.runs(&self.url_hosts, &host).next()?;
        Some(UrlsOnHost { longest: run.longest, prefixes: run.prefixes })
    }

    pub(crate) fn on_url_host(&self, host: &str) -> impl Iterator<Item = u32> {
        self.on_host(&self.url_hosts, self.profile().host_seen(host).into_owned())
    }

    pub(crate) fn on_endpoint_host(&self, host: &str) -> impl Iterator<Item = u32> {
        self.on_host(&self.endpoint_hosts, host.to_string())
    }

    /// Whether an endpoint is listed on a host.
    pub(crate) fn has_endpoint_host(&self, host: &str) -> bool {
        self.runs(&self.endpoint_hosts, host).next().is_some()
    }

    fn on_host(&self, hosts: &Hosts, host: String) -> impl Iterator<Item = u32> {
        let runs: Vec<hosts::Run> = self.runs(hosts, &host).collect();
        runs.into_iter()
            .flat_map(|run| run.first..run.first.saturating_add(run.count).min(self.header.indicators))
            .filter(move |number| self.has_host(*number, &host))
    }

    fn runs(&self, hosts: &Hosts, host: &str) -> impl Iterator<Item = hosts::Run> {
        hosts.find(self.hash(host), |number| self.has_host(number, host))
    }

    fn has_host(&self, number: u32, host: &str) -> bool {
        self.get(number).is_some_and(|indicator| {
            let kind = indicator.kind();
            matches!(kind, Kind::Url | Kind::Endpoint)
                && *host_in_key(self.profile(), kind, indicator.key()) == *host
        })
    }

    /// The lengths of listed URL prefixes, from the shortest.
    pub(crate) fn prefix_lengths(&self) -> impl Iterator<Item = usize> {
        (0..self.prefix_lengths.len() / 4).filter_map(|i| Some(u32_at(&self.prefix_lengths, i)? as usize))
    }
}

/// The host of a URL's or endpoint's key: a name, or an address as its key.
fn host_in_key(profile: Profile, kind: Kind, key: &str) -> Cow<'_, str> {
    if kind == Kind::Url {
        return profile.host_of_key(key);
    }
    // The key of an endpoint is written as the beginning of a URL's.
    Profile::Default.host_of_key(key)
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
    match ip::unmapped(address) {
        IpAddr::V4(a) => out.push_str(Dotted::of(a).as_str()),
        IpAddr::V6(a) => {
            let _ = write!(out, "{a}");
        }
    }
}

/// Whether a listed name may cover names below it: a public suffix never does.
pub(crate) fn may_cover_below(name: &str) -> bool {
    !indicia_data::psl::is_public_suffix(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_addresses() {
        let mut key = String::new();
        for address in ["0.0.0.0", "9.10.99.100", "255.199.1.200", "2001:db8::7"] {
            address_key(address.parse().unwrap(), &mut key);
            assert_eq!(key, address);
        }
        address_key("::ffff:192.0.2.7".parse().unwrap(), &mut key);
        assert_eq!(key, "192.0.2.7");
    }

    #[test]
    fn parents_of_a_name() {
        assert_eq!(parents("a.b.c").collect::<Vec<_>>(), ["b.c", "c"]);
        assert_eq!(parents("c").count(), 0);
    }
}
