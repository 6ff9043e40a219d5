//! From a source's type name and a text to a target: the one place where kinds are decided.
//!
//! Every source has its own names of types (`ip-dst`, `Intel::ADDR`, `FileHash-MD5`, `ipv4-addr`); [`of_type`]
//! is the table of them. [`target`] then reads the text as that kind, and where the kind's grammar refuses it,
//! as the network kind whose shape it has: lists put addresses among names and names among URLs, and the
//! reader counts these as retyped instead of losing them.

use std::borrow::Cow;

use indicia_core::{
    Dialect, Kind, Mask, Match, Observable, ParseError, ParseOptions, Profile, Reason, Refang, Target,
};

/// The longest value of kind `other` that is carried.
pub(crate) const MAX_OTHER_BYTES: usize = 256 * 1024;

/// What a source says of the type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Exactly this kind.
    Kind(Kind),
    /// A domain that is a host's own name: exact unless something else is said.
    Hostname,
    /// An address, a network or a range, by shape.
    Ip,
    /// A name or an address, by shape; names are exact.
    Host,
    /// A digest, by its length.
    Hash,
    /// Anything, by shape.
    Shape,
    /// The right side of STIX `LIKE` over values of a kind.
    Like(Kind),
    /// The text of a mask over a kind.
    Mask(Kind),
    /// A type that we do not know: carried.
    Other,
}

/// A target, and whether its kind is another than the source says.
pub(crate) struct Typed {
    pub(crate) target: Target,
    pub(crate) retyped: bool,
}

/// How names and URLs match when the value itself does not say, and what URLs are read by.
#[derive(Clone, Copy)]
pub(crate) struct Matching {
    /// The format's default for names.
    pub(crate) names: Match,
    /// What the caller or the record says.
    pub(crate) said: Option<Match>,
    /// The profile of URLs.
    pub(crate) profile: Profile,
}

impl Default for Matching {
    fn default() -> Matching {
        Matching { names: Match::Subdomains, said: None, profile: Profile::Default }
    }
}

impl Matching {
    fn apply(self, target: Target, exact_name: bool) -> Target {
        match target.observable.kind() {
            Kind::Domain => {
                let default = if exact_name { Match::Exact } else { self.names };
                let said = self.said.filter(|m| matches!(m, Match::Exact | Match::Subdomains));
                target.matching(said.unwrap_or(default))
            }
            Kind::Url => match self.said {
                Some(Match::Prefix) => target.matching(Match::Prefix),
                _ => target,
            },
            _ => target,
        }
    }
}

/// Reads `raw` as what the source says it is.
pub(crate) fn target(hint: Hint, source_type: &str, raw: &str, matching: Matching) -> Result<Typed, Reason> {
    let text = clean(raw);
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    let carried = |source_type: &str| {
        if text.len() > MAX_OTHER_BYTES {
            return Err(Reason::TooLong);
        }
        Ok(Typed { target: Target::new(Observable::other(source_type, &text)), retyped: false })
    };
    if hint == Hint::Other {
        return carried(source_type);
    }
    let mask = match (hint, matching.said) {
        (Hint::Like(kind), _) => Some(Mask::from_dialect(Dialect::StixLike(kind), &text)),
        (Hint::Mask(kind), _) => Some(Mask::parse(kind, &text).map_err(|e| e.reason)),
        (_, Some(Match::Mask)) => Some(match masked(hint, &text) {
            Some(kind) => Mask::parse(kind, &text).map_err(|e| e.reason),
            None => Err(Reason::MaskKind),
        }),
        _ => None,
    };
    if let Some(mask) = mask {
        let target = mask?.into_target_under(matching.profile).map_err(|e| e.reason)?;
        return Ok(Typed { target, retyped: false });
    }
    let may_be_name = matches!(hint, Hint::Kind(Kind::Domain) | Hint::Hostname | Hint::Host | Hint::Shape);
    let (bare, star, dot) = match text.strip_prefix("*.") {
        Some(rest) if may_be_name => (rest, true, false),
        _ => match text.strip_prefix('.') {
            Some(rest) if may_be_name => (rest, false, true),
            _ => (&*text, false, false),
        },
    };
    if hint == Hint::Shape && bare.starts_with('/') {
        return carried("path");
    }
    let (observable, retyped) = observable(hint, bare, matching.profile)?;
    // A path in a list is part of a URL whose host is not known, unless it is of Windows.
    if hint == Hint::Shape && observable.kind() == Kind::FilePath && bare.starts_with('/') {
        return carried("path");
    }
    let mut target = matching.apply(Target::new(observable), matches!(hint, Hint::Hostname | Hint::Host));
    if target.observable.kind() == Kind::Domain && (star || dot) {
        target.match_ = Match::Subdomains;
        target.below_only = star;
    }
    Ok(Typed { target, retyped })
}

/// The kind whose values a mask is over, where the source says no more than a hint.
pub(crate) fn masked(hint: Hint, text: &str) -> Option<Kind> {
    match hint {
        Hint::Kind(kind) | Hint::Like(kind) | Hint::Mask(kind) => Some(kind),
        Hint::Hostname | Hint::Host => Some(Kind::Domain),
        Hint::Ip if text.contains(':') => Some(Kind::Ipv6),
        Hint::Ip => Some(Kind::Ipv4),
        // What holds no more than a host becomes a mask of names by itself.
        Hint::Shape => Some(Kind::Url),
        Hint::Hash | Hint::Other => None,
    }
}

fn parse(profile: Profile, kind: Option<Kind>, text: &str) -> Result<Observable, ParseError> {
    Observable::parse_with(text, &ParseOptions { profile, kind, refang: Refang::Usual })
}

fn observable(hint: Hint, text: &str, profile: Profile) -> Result<(Observable, bool), Reason> {
    let by_shape = |text: &str| parse(profile, None, text);
    let reason = |e: ParseError| e.reason;
    match hint {
        Hint::Shape => by_shape(text).map(|o| (o, false)).map_err(reason),
        Hint::Hash => hash(text).map(|o| (o, false)),
        Hint::Ip | Hint::Host => {
            let found = by_shape(text).map_err(reason)?;
            let kind = found.kind();
            let expected = kind.is_address_like() || (hint == Hint::Host && kind == Kind::Domain);
            if expected || is_network(kind) { Ok((found, !expected)) } else { Err(Reason::Ipv4Shape) }
        }
        Hint::Hostname => named(Kind::Domain, text, profile),
        Hint::Kind(Kind::FileName) if text.contains(['/', '\\']) => {
            let read = Observable::parse_as(Kind::FilePath, text);
            read.map(|o| (o, true)).map_err(reason)
        }
        // Text is taken as it stands: what looks like defanging in it is part of it.
        Hint::Kind(kind) if kind >= Kind::FileName => {
            Observable::parse_as(kind, text).map(|o| (o, false)).map_err(reason)
        }
        Hint::Kind(kind) => named(kind, text, profile),
        Hint::Like(_) | Hint::Mask(_) | Hint::Other => Err(Reason::UnknownKind),
    }
}

fn named(kind: Kind, text: &str, profile: Profile) -> Result<(Observable, bool), Reason> {
    let refused = match parse(profile, Some(kind), text) {
        Ok(found) => return Ok((found, false)),
        Err(refused) => refused.reason,
    };
    let related: fn(Kind) -> bool = if is_network(kind) {
        is_network
    } else if is_digest(kind) {
        // `SHA-256` over an MD5 is a slip of the table; a digest of no known length stays refused.
        is_plain_digest
    } else {
        return Err(refused);
    };
    match parse(profile, None, text) {
        Ok(found) if related(found.kind()) => Ok((found, true)),
        _ => Err(refused),
    }
}

fn hash(text: &str) -> Result<Observable, Reason> {
    let text =
        text.split_once(':').filter(|(name, _)| of_type(name).is_some()).map_or(text, |(_, rest)| rest);
    let text = text.trim();
    // By length first: other kinds have values of hexadecimal digits too.
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let kind = Kind::of_digest_length(text.len()).ok_or(Reason::DigestLength)?;
        return Observable::parse_as(kind, text).map_err(|e| e.reason);
    }
    match Observable::parse_refanged(None, text, Refang::Off) {
        Ok(found) if is_plain_digest(found.kind()) || matches!(found.kind(), Kind::Ssdeep | Kind::Tlsh) => {
            Ok(found)
        }
        _ => Err(Reason::NotHex),
    }
}

pub(crate) fn is_network(kind: Kind) -> bool {
    (Kind::Ipv4..=Kind::Email).contains(&kind)
}

pub(crate) fn is_digest(kind: Kind) -> bool {
    is_plain_digest(kind) || matches!(kind, Kind::Ssdeep | Kind::Tlsh | Kind::Imphash | Kind::Authentihash)
}

fn is_plain_digest(kind: Kind) -> bool {
    (Kind::Md5..=Kind::Sha512).contains(&kind)
}

/// White space and invisible characters off both ends, and those inside that never belong to a value.
pub(crate) fn clean(raw: &str) -> Cow<'_, str> {
    let edge =
        |c: char| c.is_whitespace() || c == '\0' || is_invisible(c) || matches!(c, '\u{200c}'..='\u{200f}');
    let text = if has_graphic_edges(raw) { raw } else { raw.trim_matches(edge) };
    if !text.is_ascii() && text.contains(is_invisible) {
        return text.chars().filter(|c| !is_invisible(*c)).collect();
    }
    text.into()
}

/// Whether nothing can be trimmed: a look at two bytes, where characters would be read one by one.
pub(crate) fn has_graphic_edges(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic())
}

/// Zero-width characters without a meaning in any value; joiners have one in names.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// The kind that a type name of any source stands for; `None` for a name that no source uses.
/// Case, and `_` or a blank for `-`, make no difference.
pub(crate) fn of_type(name: &str) -> Option<Hint> {
    let name = name.trim();
    if name.is_empty() || name.len() > 64 {
        return None;
    }
    let name: String =
        name.chars().map(|c| if matches!(c, '_' | ' ') { '-' } else { c.to_ascii_lowercase() }).collect();
    let name = name.strip_prefix("intel::").unwrap_or(&name);
    if let Some(kind) = Kind::from_name(name) {
        return Some(match kind {
            Kind::Other => Hint::Other,
            Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => Hint::Ip,
            kind => Hint::Kind(kind),
        });
    }
    let kind = match name {
        // Zeek's names after `Intel::`, abuse.ch, OTX, MISP, STIX and OpenCTI objects, and plain English.
        "ip" | "ip-address" | "ipaddress" | "addr" | "address" | "subnet" | "network" | "net" | "ip-src"
        | "ip-dst" | "ipv4-addr" | "ipv6-addr" | "ipv4-address" | "ipv6-address" | "ip4" | "ip6"
        | "ipv4-cidr" | "ipv6-cidr" | "cidr-block" => return Some(Hint::Ip),
        "hostname" | "fqdn" => return Some(Hint::Hostname),
        "host" => return Some(Hint::Host),
        "hash" | "file-hash" | "filehash" | "file" | "digest" => return Some(Hint::Hash),
        "ip:port" | "ip-port" | "hostname:port" | "host:port" | "domain:port" | "endpoint" | "socket" => {
            Kind::Endpoint
        }
        "domain-name" | "domainname" | "onion-address" | "dns" => Kind::Domain,
        "uri" | "url-link" => Kind::Url,
        "email-addr"
        | "email-address"
        | "e-mail"
        | "mail"
        | "email-src"
        | "email-dst"
        | "email-reply-to"
        | "whois-registrant-email"
        | "dns-soa-email"
        | "target-email"
        | "sender" => Kind::Email,
        "as" | "autonomous-system" | "as-number" => Kind::Asn,
        "mac-address" | "mac-addr" | "mac-eui-64" => Kind::Mac,
        "md5-hash" | "hash-md5" | "filehash-md5" | "file-hash-md5" => Kind::Md5,
        "sha-1" | "sha1-hash" | "hash-sha1" | "filehash-sha1" | "file-hash-sha1" => Kind::Sha1,
        "sha-224" => Kind::Sha224,
        "sha-256" | "sha256-hash" | "hash-sha256" | "filehash-sha256" | "file-hash-sha256" => Kind::Sha256,
        "sha-384" => Kind::Sha384,
        "sha-512" | "sha512-hash" | "hash-sha512" | "filehash-sha512" => Kind::Sha512,
        "filehash-imphash" | "imphash-hash" => Kind::Imphash,
        "ja3-fingerprint-md5" | "ja3-md5" | "ja3-hash" => Kind::Ja3,
        "ja3s-fingerprint-md5" | "ja3s-hash" => Kind::Ja3s,
        "jarm-fingerprint" => Kind::Jarm,
        "hassh-md5" | "hasshserver-md5" => Kind::Hassh,
        "x509-fingerprint-sha1" | "cert-hash" | "ssl-cert-sha1" | "sslcertfingerprint" => Kind::X509Sha1,
        "x509-fingerprint-sha256" => Kind::X509Sha256,
        "btc" | "btc-address" | "bitcoinaddress" => Kind::Bitcoin,
        "xmr" => Kind::Monero,
        "eth" => Kind::Ethereum,
        "ltc" => Kind::Litecoin,
        "xrp" => Kind::Ripple,
        "vulnerability" | "cve-id" => Kind::Cve,
        "filename" | "file:name" | "email-attachment" => Kind::FileName,
        "filepath" | "path-file" => Kind::FilePath,
        "regkey" | "registry" | "windows-registry-key" => Kind::RegistryKey,
        "process" => Kind::ProcessName,
        "windows-service-name" => Kind::ServiceName,
        "useragent" => Kind::UserAgent,
        "username" | "user" | "target-user" => Kind::UserName,
        "mobile-application-id" | "package-name" | "app-id" => Kind::MobileApp,
        "phone-number" => Kind::Phone,
        "cc-number" => Kind::PaymentCard,
        _ => return None,
    };
    Some(Hint::Kind(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hint: Hint, raw: &str) -> Result<(Kind, String, Match, bool), Reason> {
        target(hint, "t", raw, Matching::default())
            .map(|t| (t.target.observable.kind(), t.target.value().into_owned(), t.target.match_, t.retyped))
    }

    #[test]
    fn shapes_and_slips() {
        for (hint, raw, kind, value, match_, retyped) in [
            (Hint::Shape, "Evil.Example.", Kind::Domain, "evil.example", Match::Subdomains, false),
            (Hint::Shape, "*.evil.example", Kind::Domain, "*.evil.example", Match::Subdomains, false),
            (Hint::Shape, ".evil.example", Kind::Domain, "evil.example", Match::Subdomains, false),
            (Hint::Shape, "*.192.0.2.9", Kind::Ipv4, "192.0.2.9", Match::Exact, false),
            (Hint::Shape, "/gate.php", Kind::Other, "/gate.php", Match::Exact, false),
            (Hint::Shape, "evil.example/gate.php", Kind::Url, "evil.example/gate.php", Match::Exact, false),
            (Hint::Hostname, "www.evil.example", Kind::Domain, "www.evil.example", Match::Exact, false),
            (Hint::Kind(Kind::Domain), "192.0.2.1", Kind::Ipv4, "192.0.2.1", Match::Exact, true),
            (Hint::Kind(Kind::Domain), "192[.]0[.]2[.]1", Kind::Ipv4, "192.0.2.1", Match::Exact, true),
            (Hint::Kind(Kind::Domain), "evil.example/x", Kind::Url, "evil.example/x", Match::Exact, true),
            (Hint::Ip, "192.0.2.0/24", Kind::Cidr, "192.0.2.0/24", Match::Network, false),
            (Hint::Ip, "192.0.2.1:80", Kind::Endpoint, "192.0.2.1:80", Match::Exact, true),
            (Hint::Kind(Kind::FileName), "a\\b.exe", Kind::FilePath, "a\\b.exe", Match::Exact, true),
            (
                Hint::Shape,
                "\u{200b}evil\u{200b}.example\u{a0}",
                Kind::Domain,
                "evil.example",
                Match::Subdomains,
                false,
            ),
        ] {
            assert_eq!(read(hint, raw), Ok((kind, value.to_string(), match_, retyped)), "{raw}");
        }
        assert_eq!(read(Hint::Hash, "abcd"), Err(Reason::DigestLength));
        assert_eq!(read(Hint::Hash, "evil.example"), Err(Reason::NotHex));
        assert!(read(Hint::Kind(Kind::Mutex), "x\u{0}y").is_err());
    }
}
