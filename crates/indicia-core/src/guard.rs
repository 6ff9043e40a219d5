//! Reasons to doubt a hit. A guard marks; it never drops.
//!
//! Built in: addresses off the public Internet, public suffixes, shared hosting, digests of empty files. Beside these,
//! lists in the format of MISP's warninglists, of all five types; a list that names attribute types counts only for
//! kinds that have one of them.
//!
//! `shared-hosting` marks what says "somebody used this service" and no more: a hit on a listed domain that is such a
//! service itself (`pastebin.com`), and one on the host of a listed URL there (relation `url-host`). A listed name of one
//! customer (`somebody.github.io`) and a hit on the whole URL are not doubted. The table is
//! [`indicia_data::hosting`]; a newer one goes in by [`indicia_data::install`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use ipnet::IpNet;
use regex_automata::meta::Regex;
use serde::{Deserialize, Serialize};

use crate::observable::ip;
use crate::profile::url_key_host;
use crate::set::parents;
use crate::{IndicatorRef, Kind, Observable, Relation};

/// One reason to doubt a hit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Guard {
    /// The rule: `private`, `loopback`, `root-server`, `cdn`, `public-suffix`, `shared-hosting`, `placeholder`, `empty-file`,
    /// `warninglist` …
    pub rule: Cow<'static, str>,
    /// Where the rule comes from: a registry, a list's name and version.
    pub source: Cow<'static, str>,
}

/// A warninglist could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarninglistError {
    /// Not JSON of the expected shape.
    #[error("not a MISP warninglist: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry of a `regex` or `cidr` list cannot be read.
    #[error("entry {entry} of the list cannot be read as {kind}")]
    Entry {
        /// Number of the entry, from 1.
        entry: usize,
        /// What it should be.
        kind: &'static str,
    },
}

#[derive(Debug)]
enum Entries {
    /// Networks by (length, family), as a sorted list of their first addresses.
    Cidr(HashSet<IpNet>, Vec<u8>),
    Strings(HashSet<String>),
    Hostnames(HashSet<String>),
    Substrings(Vec<String>),
    Patterns(Box<Regex>),
}

/// A list of values that are known to cause false hits, in MISP's format. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Warninglist {
    source: String,
    kinds: Option<Vec<Kind>>,
    entries: Arc<Entries>,
}

impl Warninglist {
    /// Reads a list from its JSON.
    ///
    /// # Errors
    /// When it is no such list, or an expression or network in it cannot be read.
    pub fn from_json(json: &[u8]) -> Result<Warninglist, WarninglistError> {
        #[derive(Deserialize)]
        struct Raw {
            name: String,
            #[serde(default)]
            version: serde_json::Value,
            #[serde(rename = "type")]
            type_: String,
            list: Vec<String>,
            #[serde(default)]
            matching_attributes: Option<Vec<String>>,
        }
        let raw: Raw = serde_json::from_slice(json)?;
        let name = |s: &String| s.trim().trim_matches('.').to_lowercase();
        let entries = match raw.type_.as_str() {
            "cidr" => {
                let mut nets = HashSet::with_capacity(raw.list.len());
                let mut lengths = Vec::new();
                for (i, entry) in raw.list.iter().enumerate() {
                    let entry = entry.trim();
                    let net: IpNet = match entry.parse::<IpNet>() {
                        Ok(net) => net.trunc(),
                        Err(_) => entry
                            .parse::<IpAddr>()
                            .map(IpNet::from)
                            .map_err(|_| WarninglistError::Entry { entry: i + 1, kind: "a network" })?,
                    };
                    if !lengths.contains(&net.prefix_len()) {
                        lengths.push(net.prefix_len());
                    }
                    nets.insert(net);
                }
                Entries::Cidr(nets, lengths)
            }
            "hostname" => Entries::Hostnames(raw.list.iter().map(name).collect()),
            "substring" => Entries::Substrings(raw.list.iter().map(|s| s.to_lowercase()).collect()),
            "regex" => {
                let patterns: Vec<&str> = raw.list.iter().map(|p| unslashed(p)).collect();
                let regex = Regex::builder()
                    .configure(Regex::config().nfa_size_limit(Some(8 << 20)))
                    .syntax(regex_automata::util::syntax::Config::new().case_insensitive(true))
                    .build_many(&patterns)
                    .map_err(|e| WarninglistError::Entry {
                        entry: e.pattern().map_or(0, |p| p.as_usize() + 1),
                        kind: "a regular expression",
                    })?;
                Entries::Patterns(Box::new(regex))
            }
            _ => Entries::Strings(raw.list.iter().map(|s| s.trim().to_lowercase()).collect()),
        };
        let version = raw.version.to_string();
        let source = if raw.version.is_null() {
            raw.name
        } else {
            format!("{} {}", raw.name, version.trim_matches('"'))
        };
        let kinds = raw.matching_attributes.filter(|a| !a.is_empty()).map(|attributes| kinds_of(&attributes));
        Ok(Warninglist { source, kinds, entries: Arc::new(entries) })
    }

    /// The list's name and version.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a value stands on the list.
    pub fn covers(&self, kind: Kind, value: &str, key: &str) -> bool {
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind)) {
            return false;
        }
        let host = host_of(kind, key);
        match &*self.entries {
            Entries::Cidr(nets, lengths) => {
                let Some(span) = ip::span(host) else { return false };
                lengths.iter().any(|length| {
                    IpNet::new(span.first, *length)
                        .is_ok_and(|net| nets.contains(&net.trunc()) && net.contains(&span.last))
                })
            }
            Entries::Strings(set) => set.contains(&value.to_lowercase()) || set.contains(&key.to_lowercase()),
            Entries::Hostnames(set) => set.contains(host) || parents(host).any(|p| set.contains(p)),
            Entries::Substrings(list) => {
                let value = value.to_lowercase();
                list.iter().any(|s| value.contains(s.as_str()))
            }
            Entries::Patterns(regex) => regex.is_match(value),
        }
    }
}

/// The host of a key, or the key.
fn host_of(kind: Kind, key: &str) -> &str {
    match kind {
        Kind::Url => url_key_host(key),
        Kind::Endpoint => {
            let host = key.rsplit_once(':').map_or(key, |(host, _)| host);
            host.trim_start_matches('[').trim_end_matches(']')
        }
        Kind::Email => key.rsplit_once('@').map_or(key, |(_, name)| name),
        _ => key,
    }
}

/// MISP writes expressions as `/…/i`.
fn unslashed(pattern: &str) -> &str {
    match pattern.strip_prefix('/').and_then(|p| p.rsplit_once('/')) {
        Some((inner, flags)) if flags.bytes().all(|b| b.is_ascii_lowercase()) => inner,
        _ => pattern,
    }
}

/// Kinds that have one of these MISP attribute types.
fn kinds_of(attributes: &[String]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for part in attributes.iter().flat_map(|a| a.split('|')) {
        let found: &[Kind] = match part {
            "ip-src" | "ip-dst" | "ip" => {
                &[Kind::Ipv4, Kind::Ipv6, Kind::Cidr, Kind::IpRange, Kind::Endpoint]
            }
            "domain" | "hostname" => &[Kind::Domain],
            "url" | "uri" | "link" => &[Kind::Url],
            "email" | "email-src" | "email-dst" | "email-reply-to" => &[Kind::Email],
            "x509-fingerprint-sha1" => &[Kind::X509Sha1],
            "x509-fingerprint-sha256" => &[Kind::X509Sha256],
            "AS" => &[Kind::Asn],
            "mac-address" => &[Kind::Mac],
            "filename" => &[Kind::FileName],
            "btc" => &[Kind::Bitcoin],
            "phone-number" => &[Kind::Phone],
            other => match Kind::from_name(other) {
                Some(kind) => {
                    kinds.push(kind);
                    &[]
                }
                None => &[],
            },
        };
        kinds.extend_from_slice(found);
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A value that was observed.
pub(crate) struct Seen<'v> {
    pub(crate) kind: Kind,
    pub(crate) value: &'v str,
    /// Where it is an address that need not be read again.
    pub(crate) address: Option<IpAddr>,
    /// Where it is a name, a bit for each of its dots, the one of the first byte lowest; 0 where nobody has counted.
    pub(crate) dots: u64,
    /// The field that it stands in.
    pub(crate) field: Option<&'v str>,
    /// What stands between the bytes and it.
    pub(crate) via: Option<&'static str>,
}

/// Which guards a scan applies.
#[derive(Clone, Debug)]
pub struct Guards {
    /// The rules that are built in.
    pub built_in: bool,
    /// Lists.
    pub lists: Vec<Warninglist>,
}

impl Default for Guards {
    fn default() -> Guards {
        Guards { built_in: true, lists: Vec::new() }
    }
}

impl Guards {
    /// No guard at all.
    pub fn off() -> Guards {
        Guards { built_in: false, lists: Vec::new() }
    }

    /// Every reason to doubt that `indicator` stands at an observed value.
    #[inline]
    pub(crate) fn check(
        &self,
        seen: &Seen<'_>,
        relation: Relation,
        indicator: IndicatorRef<'_>,
        out: &mut Vec<Guard>,
    ) {
        if !self.lists.is_empty() || (self.built_in && !is_beyond_doubt(seen, relation, indicator)) {
            self.check_all(seen, relation, indicator, out);
        }
    }

    /// Every reason to doubt that an observable says something of what it was found in, whoever lists it.
    ///
    /// ```
    /// use indicia_core::{Guards, Observable};
    /// let found = Guards::default().of_observable(&Observable::parse("10.0.0.1")?);
    /// assert_eq!(found[0].rule, "private");
    /// # Ok::<(), indicia_core::ParseError>(())
    /// ```
    pub fn of_observable(&self, observable: &Observable) -> Vec<Guard> {
        let (kind, value, key) = (observable.kind(), observable.value(), observable.key());
        let mut guards = Vec::new();
        if self.built_in {
            built_in(kind, key, &mut guards);
            if kind == Kind::Domain && indicia_data::psl::is_public_suffix(key) {
                let source = indicia_data::psl::version().into();
                guards.push(Guard { rule: "public-suffix".into(), source });
            }
            if kind == Kind::Domain {
                placeholder(key, &mut guards);
            }
        }
        for list in self.lists.iter().filter(|list| list.covers(kind, value, key)) {
            guards.push(Guard { rule: "warninglist".into(), source: list.source().to_string().into() });
        }
        guards
    }

    fn check_all(
        &self,
        seen: &Seen<'_>,
        relation: Relation,
        indicator: IndicatorRef<'_>,
        out: &mut Vec<Guard>,
    ) {
        if self.built_in {
            match seen.address {
                Some(address) => of_span(address, address, out),
                None => built_in(seen.kind, seen.value, out),
            }
            let shared = match indicator.kind() {
                Kind::Domain => {
                    // A name is its own key.
                    let is_seen = relation == Relation::Exact && seen.kind == Kind::Domain;
                    let name = if is_seen { seen.value } else { indicator.key() };
                    if indicia_data::psl::is_public_suffix(name) {
                        let source = indicia_data::psl::version().into();
                        out.push(Guard { rule: "public-suffix".into(), source });
                    }
                    Some(name)
                }
                kind => {
                    // What holds an address that is not special is not special either.
                    let is_held = matches!(relation, Relation::Exact | Relation::Network)
                        && seen.address.is_some_and(|address| ip::unmapped(address) == address);
                    if !is_held && out.is_empty() {
                        built_in(kind, indicator.key(), out);
                    }
                    (kind == Kind::Url && relation == Relation::UrlHost)
                        .then(|| url_key_host(indicator.key()))
                }
            };
            if let Some(host) = shared {
                if indicia_data::hosting::class_of(host).is_some() {
                    let source = indicia_data::hosting::version().into();
                    out.push(Guard { rule: "shared-hosting".into(), source });
                }
                placeholder(host, out);
            }
        }
        for list in &self.lists {
            if list.covers(seen.kind, seen.value, seen.value)
                || list.covers(indicator.kind(), indicator.value(), indicator.key())
            {
                out.push(Guard { rule: "warninglist".into(), source: list.source().to_string().into() });
            }
        }
    }
}

/// Whether no rule that is built in can doubt this, told without asking the tables; nearly all that is looked up is.
#[inline(always)]
fn is_beyond_doubt(seen: &Seen<'_>, relation: Relation, indicator: IndicatorRef<'_>) -> bool {
    match (seen.address, relation) {
        (Some(IpAddr::V4(address)), Relation::Exact | Relation::Network) => {
            let (family, byte) = first_byte(address.into());
            marked()[family][byte].is_empty()
        }
        (None, Relation::Exact | Relation::Subdomain) if seen.dots != 0 => {
            // A name ends with the name that it is or is below.
            let start = match relation {
                Relation::Exact => 0,
                _ => seen.value.len().saturating_sub(indicator.key_length()),
            };
            let listed = seen.value.get(start..).zip(seen.dots.checked_shr(start as u32));
            listed.is_some_and(|(name, dots)| indicia_data::is_ordinary(name, dots))
        }
        _ => false,
    }
}

fn placeholder(name: &str, out: &mut Vec<Guard>) {
    if indicia_data::guards::is_placeholder(name) {
        let source = indicia_data::guards::placeholder_version().into();
        out.push(Guard { rule: "placeholder".into(), source });
    }
}

fn built_in(kind: Kind, key: &str, out: &mut Vec<Guard>) {
    if kind.is_address_like() || matches!(kind, Kind::Endpoint | Kind::Url) {
        if let Some(span) = ip::span(host_of(kind, key)) {
            of_span(span.first, span.last, out);
        }
    } else if Kind::of_digest_length(key.len()) == Some(kind)
        && indicia_data::guards::EMPTY_DIGESTS.contains(&key)
    {
        out.push(Guard { rule: "empty-file".into(), source: "digest of the empty input".into() });
    }
}

/// The rules of the marked networks that hold both ends of a span.
#[inline]
fn of_span(first: IpAddr, last: IpAddr, out: &mut Vec<Guard>) {
    let (first, last) = (ip::unmapped(first), ip::unmapped(last));
    let (family, byte) = first_byte(first);
    for (net, rule, source) in &marked()[family][byte] {
        if net.contains(&first) && net.contains(&last) {
            out.push(Guard { rule: (*rule).into(), source: (*source).into() });
        }
    }
}

/// Networks that are no reason for alarm, with rule and source: for each family, by the first byte of an address.
type Marked = [[Vec<(IpNet, &'static str, &'static str)>; 256]; 2];

fn marked() -> &'static Marked {
    static MARKED: OnceLock<Box<Marked>> = OnceLock::new();
    MARKED.get_or_init(|| {
        let mut marked: Box<Marked> = Box::new(std::array::from_fn(|_| [const { Vec::new() }; 256]));
        for (net, rule, source) in indicia_data::guards::networks() {
            let Ok(net) = net.parse::<IpNet>() else { continue };
            let (family, from) = first_byte(net.network());
            let (_, to) = first_byte(net.broadcast());
            for networks in &mut marked[family][from..=to] {
                networks.push((net, rule, source));
            }
        }
        marked
    })
}

/// The family of an address, 0 or 1, and its first byte.
#[inline]
fn first_byte(address: IpAddr) -> (usize, usize) {
    match address {
        IpAddr::V4(address) => (0, address.octets()[0].into()),
        IpAddr::V6(address) => (1, address.octets()[0].into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(type_: &str, entries: &str, attributes: &str) -> Warninglist {
        let json = format!(
            r#"{{"name":"L","version":3,"type":"{type_}","list":{entries},"matching_attributes":{attributes}}}"#
        );
        Warninglist::from_json(json.as_bytes()).unwrap()
    }

    /// Every network, one after the other.
    fn of_span_by_walking(first: IpAddr, last: IpAddr) -> Vec<&'static str> {
        let (first, last) = (ip::unmapped(first), ip::unmapped(last));
        let networks =
            indicia_data::guards::networks().map(|(net, rule, _)| (net.parse::<IpNet>().unwrap(), rule));
        networks
            .filter(|(net, _)| net.contains(&first) && net.contains(&last))
            .map(|(_, rule)| rule)
            .collect()
    }

    #[test]
    fn special_networks_are_those_of_the_walk() {
        use crate::observable::{Random, twin_rounds};
        let mut random = Random(0x6a2d);
        let mut ends = Vec::new();
        for (net, ..) in indicia_data::guards::networks() {
            let net: IpNet = net.parse().unwrap();
            ends.extend([net.network(), net.broadcast()]);
        }
        let mut special = 0;
        for _ in 0..twin_rounds() {
            let near = |random: &mut Random| {
                let by = random.next() % 3;
                match (ends[random.next() as usize % ends.len()], random.next() % 4) {
                    (IpAddr::V4(_), 0) => IpAddr::from((random.next() as u32).to_be_bytes()),
                    (IpAddr::V4(a), 1) => a.to_ipv6_mapped().into(),
                    (IpAddr::V4(a), _) => {
                        a.to_bits().wrapping_add(by as u32).wrapping_sub(1).to_be_bytes().into()
                    }
                    (IpAddr::V6(_), 0) => IpAddr::from((u128::from(random.next()) << 64).to_be_bytes()),
                    (IpAddr::V6(a), _) => {
                        a.to_bits().wrapping_add(by.into()).wrapping_sub(1).to_be_bytes().into()
                    }
                }
            };
            let first = near(&mut random);
            let last = if random.next().is_multiple_of(2) { first } else { near(&mut random) };
            let mut found = Vec::new();
            of_span(first, last, &mut found);
            let found: Vec<_> = found.iter().map(|guard| &*guard.rule).collect();
            assert_eq!(found, of_span_by_walking(first, last), "{first} {last}");
            special += found.len();
        }
        assert!(special > 1000, "{special}");
    }

    #[test]
    fn five_types_and_the_scope_of_attributes() {
        let l = list("cidr", r#"["192.0.2.0/24","198.51.100.7"]"#, r#"["ip-dst","domain|ip"]"#);
        assert!(l.covers(Kind::Ipv4, "192.0.2.7", "192.0.2.7"));
        assert!(l.covers(Kind::Ipv4, "198.51.100.7", "198.51.100.7"));
        assert!(l.covers(Kind::Cidr, "192.0.2.0/25", "192.0.2.0/25"));
        assert!(!l.covers(Kind::Cidr, "192.0.0.0/16", "192.0.0.0/16"));
        assert!(!l.covers(Kind::Url, "http://192.0.2.7/", "192.0.2.7/"));
        let l = list("hostname", r#"[".good.example"]"#, "[]");
        assert!(l.covers(Kind::Domain, "a.good.example", "a.good.example"));
        assert!(l.covers(Kind::Url, "http://good.example:80/", "good.example/"));
        assert!(!l.covers(Kind::Domain, "notgood.example", "notgood.example"));
        assert!(list("string", r#"["X@good.example"]"#, "[]").covers(
            Kind::Email,
            "x@good.example",
            "x@good.example"
        ));
        assert!(list("substring", r#"["ood.ex"]"#, "[]").covers(
            Kind::Domain,
            "good.example",
            "good.example"
        ));
        assert!(list("regex", r#"["/^GOOD[.]/i"]"#, "[]").covers(
            Kind::Domain,
            "good.example",
            "good.example"
        ));
        assert_eq!(l.source(), "L 3");
    }

    #[test]
    fn shared_hosting_is_doubted_where_only_the_service_is_hit() {
        use std::ops::ControlFlow;

        use crate::{BuildOptions, Context, Indicator, Observable, ScanOptions, Scratch, SetBuilder, Target};
        let mut builder = SetBuilder::new(BuildOptions::default());
        for (kind, value) in [
            (Kind::Domain, "pastebin.com"),
            (Kind::Domain, "somebody.github.io"),
            (Kind::Url, "https://transfer.sh/x/a.exe"),
            (Kind::Url, "https://other.github.io/y"),
        ] {
            let observable = Observable::parse_as(kind, value).unwrap();
            builder.push(Indicator::new(Target::new(observable), Context::default()));
        }
        let set = builder.finish();
        let options = ScanOptions { url_hosts: true, ..ScanOptions::default() };
        let marked = |text: &str, options: &ScanOptions| {
            let mut found = Vec::new();
            let _ = set.scan_with(text.as_bytes(), options, &mut Scratch::default(), &mut |hit| {
                found.push(hit.guards().iter().any(|g| g.rule == "shared-hosting"));
                ControlFlow::Continue(())
            });
            found
        };
        for (text, want) in [
            ("pastebin.com", true),
            ("http://pastebin.com/abc", true),
            ("transfer.sh is up", true),
            ("https://transfer.sh/x/a.exe", false),
            ("somebody.github.io", false),
            ("other.github.io", false),
        ] {
            assert_eq!(marked(text, &options), [want], "{text}");
        }
        let off = ScanOptions { guards: Guards::off(), ..ScanOptions::default() };
        assert_eq!(marked("pastebin.com", &off), [false]);
    }

    #[test]
    fn empty_digests_are_right() {
        use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        for digest in [
            hex(&Sha224::digest(b"")),
            hex(&Sha256::digest(b"")),
            hex(&Sha384::digest(b"")),
            hex(&Sha512::digest(b"")),
        ] {
            assert!(indicia_data::guards::EMPTY_DIGESTS.contains(&digest.as_str()));
        }
    }
}
