//! Country facts: what the name or the address of a target says about where it belongs.
//!
//! Facts, not one answer: a name on `.id` that is hosted in Singapore has two, each with its basis, its evidence
//! and how strong it is, and an agreement chooses which bases count.
//!
//! | basis | of | evidence | strength |
//! |---|---|---|---|
//! | `cctld` | a domain; the host of a URL or endpoint, the domain of an e-mail address where it is a name | `tld .xx` | as [`indicia_data::country`] has it; strong below a suffix that the Public Suffix List reserves for a government |
//! | `hosting` | an address, network or range; the host of a URL or endpoint, where it is an address | type and build day of the database | strong; weak for an anycast address, and for a network that lies in several countries or is known in part |
//! | `registrant` | the same, where the database's registered country is another one | the same | weak |
//!
//! Names are not resolved. A database is taken by its bytes, in the MaxMind DB format (specification 2.0), with
//! records `{country_code}` (ip-location-db), `{country: {iso_code}, registered_country: {iso_code}}` (MaxMind,
//! DB-IP) or `{country: "XX"}`, and `{autonomous_system_number, autonomous_system_organization}` or
//! `{asn: "AS64500", as_name}`. None is built in. Such databases are guesses that disagree (of 20,000 blocklisted
//! addresses, two agreed on 73 to 95 %, as of 2026-11), so the evidence names the one that was asked, by the type
//! that it gives itself (ip-location-db: `country ipvAll`).
//!
//! A database is somebody else's file: bytes that are not one are refused, a broken record is an error of that
//! look-up, and no look-up does more work than [`MAX_PARTS`] walks down its tree.

use std::borrow::Cow;
use std::net::IpAddr;

use indicia_core::{Country, Indicator, Kind, Observable, Time};
use indicia_data::country::{self, Strength};
use indicia_data::government::{self, Government};
use maxminddb::Reader;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A network or range that the database cuts into more parts than this has no hosting fact: it is too wide to
/// belong anywhere.
pub const MAX_PARTS: usize = 256;

/// What facts are taken from; each source may be missing.
///
/// ```
/// use indicia_exchange::country::{Anycast, Sources};
/// let anycast = Anycast::parse("192.0.2.0/24").unwrap();
/// let sources = Sources { anycast: Some(&anycast), ..Sources::default() };
/// assert!(sources.countries.is_none());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The database of countries.
    pub countries: Option<&'a Mmdb>,
    /// The database of autonomous systems; often the same file.
    pub asns: Option<&'a Mmdb>,
    /// Networks whose addresses are in many places at once.
    pub anycast: Option<&'a Anycast>,
}

/// The country facts of a target, strongest basis first: `cctld`, `hosting`, `registrant`.
///
/// # Errors
/// The database of countries has a record for this target that cannot be read.
///
/// ```
/// use indicia_core::{Kind, Observable};
/// use indicia_exchange::country::{Sources, facts};
/// let url = Observable::parse_as(Kind::Url, "http://user@bad.example.my:8080/a").unwrap();
/// let found = facts(&url, &Sources::default()).unwrap();
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].code, "MY");
/// assert_eq!(found[0].basis.as_deref(), Some("cctld"));
/// assert_eq!(found[0].evidence.as_deref(), Some("tld .my"));
/// assert_eq!(found[0].strength.as_deref(), Some("strong"));
/// ```
pub fn facts(target: &Observable, sources: &Sources<'_>) -> Result<Vec<Country>, MmdbError> {
    match host(target) {
        Some(Host::Name(name)) => Ok(name_fact(name).into_iter().collect()),
        Some(Host::Span(span)) => match sources.countries {
            Some(database) => hosting_facts(span, database, sources.anycast),
            None => Ok(Vec::new()),
        },
        None => Ok(Vec::new()),
    }
}

/// Adds to every context the facts that it does not hold yet, and `asn` and `provider` where it has none.
///
/// What a producer said stays: a fact of the same country on the same basis is there already, whatever its
/// evidence, and a provider is not set beside a producer's other AS number. Returns how many facts, numbers and
/// providers were added. Nothing is changed on an error.
///
/// # Errors
/// A database has a record for this target that cannot be read.
///
/// ```
/// use indicia_core::{Context, Indicator, Kind, Observable, Target};
/// use indicia_exchange::country::{Sources, enrich};
/// let target = Target::new(Observable::parse_as(Kind::Domain, "bad.example.vn").unwrap());
/// let mut indicator = Indicator::new(target, Context::default());
/// assert_eq!(enrich(&mut indicator, &Sources::default()), Ok(1));
/// assert_eq!(indicator.contexts[0].countries[0].code, "VN");
/// assert_eq!(enrich(&mut indicator, &Sources::default()), Ok(0));
/// ```
pub fn enrich(indicator: &mut Indicator, sources: &Sources<'_>) -> Result<usize, MmdbError> {
    let target = &indicator.target.observable;
    let facts = facts(target, sources)?;
    let system = match (host(target), sources.asns) {
        (Some(Host::Span(span)), Some(database)) => database.system_of(span)?,
        _ => None,
    };
    let mut added = 0;
    for context in &mut indicator.contexts {
        for fact in &facts {
            let same = |held: &Country| {
                held.basis == fact.basis
                    && country::current(&held.code.to_ascii_uppercase()) == Some(fact.code.as_str())
            };
            if !context.countries.iter().any(same) {
                context.countries.push(fact.clone());
                added += 1;
            }
        }
        let Some(system) = &system else { continue };
        if context.asn.is_some_and(|asn| asn != system.asn) {
            continue;
        }
        if context.asn.is_none() {
            context.asn = Some(system.asn);
            added += 1;
        }
        if context.provider.is_none() && system.provider.is_some() {
            context.provider.clone_from(&system.provider);
            added += 1;
        }
    }
    Ok(added)
}

/// The government, armed forces or international organisation whose host a target names, by
/// [`indicia_data::government::classify`].
///
/// ```
/// use indicia_core::{Kind, Observable};
/// let url = Observable::parse_as(Kind::Url, "http://www.gov.mm/wp-content/a.php").unwrap();
/// let found = indicia_exchange::country::government(&url, &[] as &[&str]).unwrap();
/// assert_eq!(found.country, Some("MM"));
/// ```
pub fn government<S: AsRef<str>>(target: &Observable, extra_suffixes: &[S]) -> Option<Government> {
    match host(target)? {
        Host::Name(name) => government::classify(name, extra_suffixes),
        Host::Span(_) => None,
    }
}

enum Host<'a> {
    Name(&'a str),
    Span(Span),
}

/// Addresses from `first` to `last`, of one family; mapped IPv4 stands as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    first: IpAddr,
    last: IpAddr,
}

impl Span {
    fn one(address: IpAddr) -> Span {
        let address = address.to_canonical();
        Span { first: address, last: address }
    }

    fn from_key(key: &str) -> Option<Span> {
        if let Some((first, last)) = key.split_once('-') {
            let (first, last) = (first.parse::<IpAddr>().ok()?, last.parse::<IpAddr>().ok()?);
            return (first <= last && first.is_ipv4() == last.is_ipv4()).then_some(Span { first, last });
        }
        let Some((address, length)) = key.split_once('/') else {
            return Some(Span::one(key.parse().ok()?));
        };
        let address = address.parse().ok()?;
        Some(Span { first: address, last: last_of(address, length.parse().ok()?)? })
    }

    fn overlaps(self, other: Span) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The last address of the network that an address of it and a prefix length name.
fn last_of(address: IpAddr, length: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(a) => {
            let hosts = 32u32.checked_sub(length.into())?;
            IpAddr::V4((u32::from(a) | u32::MAX.checked_shr(32 - hosts).unwrap_or(0)).into())
        }
        IpAddr::V6(a) => {
            let hosts = 128u32.checked_sub(length.into())?;
            IpAddr::V6((u128::from(a) | u128::MAX.checked_shr(128 - hosts).unwrap_or(0)).into())
        }
    })
}

fn next_after(address: IpAddr) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(a) => IpAddr::V4(u32::from(a).checked_add(1)?.into()),
        IpAddr::V6(a) => IpAddr::V6(u128::from(a).checked_add(1)?.into()),
    })
}

/// Where a target is: a name, or addresses. Keys are canonical, and a URL's key begins with its host.
fn host(target: &Observable) -> Option<Host<'_>> {
    let key = target.key();
    let host = match target.kind() {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => return Span::from_key(key).map(Host::Span),
        Kind::Domain => key,
        Kind::Email => key.rsplit_once('@')?.1,
        Kind::Endpoint => key.rsplit_once(':')?.0,
        Kind::Url => {
            let authority = key.split(['/', '?', '#']).next()?;
            match authority.rsplit_once(':') {
                Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
                _ => authority,
            }
        }
        _ => return None,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => Some(Host::Span(Span::one(address))),
        Err(_) => Some(Host::Name(host)),
    }
}

fn name_fact(name: &str) -> Option<Country> {
    let (code, mut strength) = country::of_name(name)?;
    // Nobody but the state registers below `gov.la`, though everybody does below `.la`.
    let reserved = |found: &Government| matches!(found.rule, "listed-suffix" | "wildcard-suffix");
    if government::classify(name, &[] as &[&str]).as_ref().is_some_and(reserved) {
        strength = Strength::Strong;
    }
    let tld = name.rsplit('.').next().unwrap_or(name);
    Some(fact(code, "cctld", format!("tld .{tld}"), None, strength))
}

fn fact(code: &str, basis: &str, evidence: String, date: Option<Time>, strength: Strength) -> Country {
    Country {
        code: code.into(),
        basis: Some(basis.into()),
        evidence: Some(evidence),
        date,
        strength: Some(strength.name().into()),
    }
}

fn hosting_facts(span: Span, database: &Mmdb, anycast: Option<&Anycast>) -> Result<Vec<Country>, MmdbError> {
    let Some(parts) = database.parts(span)? else { return Ok(Vec::new()) };
    let several = parts.windows(2).any(|pair| pair[0].country != pair[1].country);
    let strength = if several || anycast.is_some_and(|list| list.touches(span)) {
        Strength::Weak
    } else {
        Strength::Strong
    };
    let mut found: Vec<Country> = Vec::new();
    let mut add = |code: Option<&str>, basis: &str, strength| {
        let Some(code) = code else { return };
        if !found.iter().any(|f| f.code == code && f.basis.as_deref() == Some(basis)) {
            found.push(fact(code, basis, database.evidence(), database.built, strength));
        }
    };
    for part in &parts {
        add(part.country, "hosting", strength);
    }
    for part in parts.iter().filter(|part| part.registered != part.country) {
        add(part.registered, "registrant", Strength::Weak);
    }
    Ok(found)
}

/// What a database of countries says of an address.
///
/// ```
/// assert_eq!(indicia_exchange::country::Place::default().country, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where it is: ISO 3166-1 alpha-2. Codes that are no country's (`EU`, `ZZ`, `??`) are `None`.
    pub country: Option<&'static str>,
    /// Where its block is registered, if the database tells.
    pub registered: Option<&'static str>,
}

/// The autonomous system of an address.
///
/// ```
/// let system = indicia_exchange::country::Asn { asn: 64500, provider: Some("Example Net".into()) };
/// assert_eq!(system.asn, 64500);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asn {
    /// Its number.
    pub asn: u32,
    /// The organisation that runs it.
    pub provider: Option<String>,
}

/// A database that cannot be read.
///
/// ```
/// use indicia_exchange::country::{Mmdb, MmdbError};
/// let error = Mmdb::from_bytes(b"<html>".to_vec()).unwrap_err();
/// assert!(matches!(error, MmdbError::NotADatabase { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MmdbError {
    /// The bytes are not a MaxMind DB, or not a whole one.
    #[error("not a whole MaxMind DB ({detail}); fetch the .mmdb file again")]
    NotADatabase {
        /// What is wrong, escaped.
        detail: String,
    },
    /// The record of an address cannot be read.
    #[error("the database has a broken record for {address} ({detail}); fetch the .mmdb file again")]
    BrokenRecord {
        /// The address that was looked up.
        address: IpAddr,
        /// What is wrong, escaped.
        detail: String,
    },
}

/// A database in the MaxMind DB format, in memory.
pub struct Mmdb {
    reader: Reader<Vec<u8>>,
    kind: String,
    built: Option<Time>,
}

impl std::fmt::Debug for Mmdb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mmdb").field("kind", &self.kind).field("built", &self.built).finish_non_exhaustive()
    }
}

impl Mmdb {
    /// Takes the bytes of an `.mmdb` file.
    ///
    /// # Errors
    /// [`MmdbError::NotADatabase`] where they are none. Records are read when they are looked up.
    ///
    /// ```no_run
    /// use indicia_exchange::country::Mmdb;
    /// let database = Mmdb::from_bytes(std::fs::read("geo-whois-asn-country.mmdb")?)?;
    /// assert_eq!(database.country("193.0.6.139".parse()?)?.country, Some("NL"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Mmdb, MmdbError> {
        let reader = Reader::from_source(bytes).map_err(|error| MmdbError::NotADatabase {
            detail: clean(&error.to_string(), 200).into_owned(),
        })?;
        let metadata = reader.metadata();
        let kind = clean(&metadata.database_type, 80).into_owned();
        let built = i64::try_from(metadata.build_epoch).ok().and_then(Time::from_unix);
        Ok(Mmdb { reader, kind, built })
    }

    /// The type that the database gives itself, such as `GeoLite2-Country`; control characters escaped.
    ///
    /// ```no_run
    /// # fn of(database: indicia_exchange::country::Mmdb) {
    /// assert_eq!(database.database_type(), "GeoLite2-Country");
    /// # }
    /// ```
    pub fn database_type(&self) -> &str {
        &self.kind
    }

    /// When it was built.
    ///
    /// ```no_run
    /// # fn of(database: indicia_exchange::country::Mmdb) {
    /// assert_eq!(database.built().unwrap().to_string(), "2026-06-17T00:00:00Z");
    /// # }
    /// ```
    pub fn built(&self) -> Option<Time> {
        self.built
    }

    /// Where an address is and where it is registered. An IPv4-mapped IPv6 address is looked up as IPv4.
    ///
    /// # Errors
    /// [`MmdbError::BrokenRecord`].
    ///
    /// ```no_run
    /// # fn of(database: indicia_exchange::country::Mmdb) -> Result<(), Box<dyn std::error::Error>> {
    /// assert_eq!(database.country("8.8.8.8".parse()?)?.country, Some("US"));
    /// # Ok(()) }
    /// ```
    pub fn country(&self, address: IpAddr) -> Result<Place, MmdbError> {
        self.lookup::<PlaceRecord>(address.to_canonical())
            .map(|(record, _)| record.map_or_else(Place::default, PlaceRecord::place))
    }

    /// The autonomous system of an address.
    ///
    /// # Errors
    /// [`MmdbError::BrokenRecord`].
    ///
    /// ```no_run
    /// # fn of(database: indicia_exchange::country::Mmdb) -> Result<(), Box<dyn std::error::Error>> {
    /// assert_eq!(database.asn("193.0.6.139".parse()?)?.unwrap().asn, 3333);
    /// # Ok(()) }
    /// ```
    pub fn asn(&self, address: IpAddr) -> Result<Option<Asn>, MmdbError> {
        self.lookup::<AsnRecord>(address.to_canonical()).map(|(record, _)| record.and_then(AsnRecord::system))
    }

    fn evidence(&self) -> String {
        match self.built {
            Some(built) => {
                format!("{} {}", self.kind, built.to_string().split('T').next().unwrap_or_default())
            }
            None => self.kind.clone(),
        }
    }

    /// The record of an address, and the last address that the same answer holds for.
    fn lookup<'a, T: Deserialize<'a>>(&'a self, address: IpAddr) -> Result<(Option<T>, IpAddr), MmdbError> {
        let everything = || last_of(address, 0).unwrap_or(address);
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok((None, everything()));
        }
        let broken = |error: maxminddb::MaxMindDbError| MmdbError::BrokenRecord {
            address,
            detail: clean(&error.to_string(), 200).into_owned(),
        };
        let found = self.reader.lookup(address).map_err(broken)?;
        let network = found.network().map_err(broken)?;
        let last = match last_of(address, network.prefix()) {
            Some(last) if network.is_ipv4() == address.is_ipv4() => last,
            // The record stands above the whole of IPv4.
            _ => everything(),
        };
        Ok((found.decode::<T>().map_err(broken)?, last))
    }

    /// What the database says of each part of a span; `None` where it has more than [`MAX_PARTS`].
    fn parts(&self, span: Span) -> Result<Option<Vec<Place>>, MmdbError> {
        let mut parts: Vec<Place> = Vec::new();
        let mut at = span.first;
        for _ in 0..MAX_PARTS {
            let (record, last) = self.lookup::<PlaceRecord>(at)?;
            let place = record.map_or_else(Place::default, PlaceRecord::place);
            if !parts.contains(&place) {
                parts.push(place);
            }
            match next_after(last) {
                Some(next) if next <= span.last => at = next,
                _ => return Ok(Some(parts)),
            }
        }
        Ok(None)
    }

    /// The autonomous system that one record names for the whole span.
    fn system_of(&self, span: Span) -> Result<Option<Asn>, MmdbError> {
        let (record, last) = self.lookup::<AsnRecord>(span.first)?;
        Ok(record.filter(|_| last >= span.last).and_then(AsnRecord::system))
    }
}

/// The shapes of a country record. What has another type than expected is as if it were not there.
#[derive(Deserialize)]
struct PlaceRecord<'a> {
    #[serde(borrow, default)]
    country_code: Option<Code<'a>>,
    #[serde(borrow, default)]
    country: Option<Code<'a>>,
    #[serde(borrow, default)]
    registered_country: Option<Code<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Coded {
        #[serde(borrow)]
        iso_code: Cow<'a, str>,
    },
    Other(IgnoredAny),
}

impl Code<'_> {
    /// The country; names of countries (ipinfo writes them in `country`) are no codes.
    fn country(&self) -> Option<&'static str> {
        let (Code::Text(text) | Code::Coded { iso_code: text }) = self else { return None };
        if text.len() != 2 {
            return None;
        }
        country::current(&text.to_ascii_uppercase())
    }
}

impl PlaceRecord<'_> {
    fn place(self) -> Place {
        let code = |field: &Option<Code<'_>>| field.as_ref().and_then(Code::country);
        Place {
            country: code(&self.country_code).or_else(|| code(&self.country)),
            registered: code(&self.registered_country),
        }
    }
}

#[derive(Deserialize)]
struct AsnRecord<'a> {
    #[serde(borrow, default)]
    autonomous_system_number: Option<Field<'a>>,
    #[serde(borrow, default)]
    autonomous_system_organization: Option<Field<'a>>,
    #[serde(borrow, default)]
    asn: Option<Field<'a>>,
    #[serde(borrow, default)]
    as_name: Option<Field<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Field<'a> {
    Number(u32),
    Text(#[serde(borrow)] Cow<'a, str>),
    Other(IgnoredAny),
}

impl AsnRecord<'_> {
    fn system(self) -> Option<Asn> {
        let asn = match self.autonomous_system_number.or(self.asn)? {
            Field::Number(number) => number,
            Field::Text(text) => {
                let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(&text);
                digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??
            }
            Field::Other(_) => return None,
        };
        // RFC 7607: 0 is nobody's.
        if asn == 0 {
            return None;
        }
        let provider = match self.autonomous_system_organization.or(self.as_name) {
            Some(Field::Text(name)) if !name.trim().is_empty() => Some(clean(name.trim(), 200).into_owned()),
            _ => None,
        };
        Some(Asn { asn, provider })
    }
}

/// At most `max` characters, with control characters and what turns the direction of text escaped.
fn clean(text: &str, max: usize) -> Cow<'_, str> {
    let harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let end = text.char_indices().nth(max).map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    if text.chars().all(harmless) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if harmless(c) { safe.push(c) } else { safe.extend(c.escape_unicode()) }
    }
    safe.into()
}

/// Networks whose addresses are answered from many places at once (CDN, public DNS): where they are hosted says
/// little.
///
/// ```
/// use indicia_exchange::country::Anycast;
/// let list = Anycast::parse("# public DNS\n192.0.2.0/24 # example\n2001:db8::53\n").unwrap();
/// assert!(list.contains("192.0.2.7".parse().unwrap()));
/// assert!(list.contains("::ffff:192.0.2.7".parse().unwrap()));
/// assert!(!list.contains("198.51.100.1".parse().unwrap()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anycast {
    /// Sorted, not touching each other.
    spans: Vec<Span>,
}

/// A line of an anycast list that is no network.
///
/// ```
/// let error = indicia_exchange::country::Anycast::parse("192.0.2.0/24\n192.0.2.0/40").unwrap_err();
/// assert_eq!(error.line, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the anycast list is not an address or network; write 192.0.2.0/24 or 2001:db8::/32")]
pub struct AnycastError {
    /// The line, from 1.
    pub line: usize,
}

impl Anycast {
    /// Reads a list: one address or network a line, `#` begins a comment, empty lines are passed over.
    ///
    /// # Errors
    /// The first line that is neither.
    ///
    /// ```
    /// use indicia_exchange::country::Anycast;
    /// assert!(Anycast::parse("198.51.100.0/24\r\n").is_ok());
    /// assert!(Anycast::parse("198.51.100.0-198.51.100.9").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Anycast, AnycastError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut spans = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            let span = [Kind::Cidr, Kind::Ipv4, Kind::Ipv6]
                .into_iter()
                .find_map(|kind| Observable::parse_as(kind, entry).ok())
                .and_then(|network| Span::from_key(network.key()));
            spans.push(span.ok_or(AnycastError { line: number + 1 })?);
        }
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if last.overlaps(span) => last.last = last.last.max(span.last),
                _ => merged.push(span),
            }
        }
        Ok(Anycast { spans: merged })
    }

    /// Whether the list holds an address.
    ///
    /// ```
    /// use indicia_exchange::country::Anycast;
    /// assert!(!Anycast::default().contains("192.0.2.1".parse().unwrap()));
    /// ```
    pub fn contains(&self, address: IpAddr) -> bool {
        self.touches(Span::one(address))
    }

    fn touches(&self, span: Span) -> bool {
        let after = self.spans.partition_point(|listed| listed.first <= span.last);
        after.checked_sub(1).and_then(|at| self.spans.get(at)).is_some_and(|listed| listed.overlaps(span))
    }
}
