//! Which kind a whole value is, where nobody says: the order in which kinds are asked, and what stays open.

use super::{Canonical, ident, ip, parse_kind, text, url};
use crate::{Kind, ParseError, Reason};

/// One question of the order of precedence.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Precedence {
    /// What is looked at.
    pub question: &'static str,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The first of these whose grammar takes the text.
    First(&'static [Kind]),
    /// A shape that settles the kind: its grammar takes the text or gives the reason.
    Settles(fn(&str) -> Option<Kind>),
    /// A hardware address or AS number, in a form that only that has.
    Own(fn(&str) -> Result<Canonical<'_>, Reason>),
}

impl Precedence {
    /// The kinds that are asked one after the other; empty where a shape settles the kind.
    pub fn kinds(&self) -> &'static [Kind] {
        match self.step {
            Step::First(kinds) => kinds,
            _ => &[],
        }
    }
}

const fn first(question: &'static str, kinds: &'static [Kind]) -> Precedence {
    Precedence { question, step: Step::First(kinds) }
}

const fn settles(question: &'static str, shape: fn(&str) -> Option<Kind>) -> Precedence {
    Precedence { question, step: Step::Settles(shape) }
}

/// The order of precedence: the first question that has an answer decides.
pub const PRECEDENCE: &[Precedence] = &[
    settles("`pkg:` in front", |t| head(t, "pkg:").then_some(Kind::Purl)),
    settles("`://`, or a scheme without an authority in front", |t| {
        (t.contains("://") || url::has_opaque_scheme(t)).then_some(Kind::Url)
    }),
    settles("an at sign, no slash, no space", |t| {
        (t.contains('@') && !t.contains(['/', ' '])).then_some(Kind::Email)
    }),
    // Eight groups of two digits are a hardware address (EUI-64), though IPv6 could be written so.
    Precedence { question: "a hardware address with separators", step: Step::Own(ident::mac) },
    first("addresses", &[Kind::Ipv4, Kind::Ipv6, Kind::Cidr, Kind::IpRange, Kind::Endpoint]),
    settles("the shape of an address that is refused", ip::shape),
    Precedence { question: "`AS` or `ASN` in front", step: Step::Own(ident::asn) },
    first("identifiers with a prefix", &[Kind::Ethereum, Kind::Cve, Kind::AttackId]),
    settles("hexadecimal digits, by their number", |t| {
        t.bytes().all(|b| b.is_ascii_hexdigit()).then(|| Kind::of_digest_length(t.len())).flatten()
    }),
    settles("the shape of an identifier, wallet or endpoint that is refused", meant),
    first(
        "checksums and forms of their own",
        &[
            Kind::Bitcoin,
            Kind::Litecoin,
            Kind::BitcoinCash,
            Kind::Dogecoin,
            Kind::Dash,
            Kind::Zcash,
            Kind::Tron,
            Kind::Ripple,
            Kind::Monero,
            Kind::Ssdeep,
            Kind::Jarm,
            Kind::Ja4,
            Kind::RegistryKey,
        ],
    ),
    settles("`T1` and 70 characters", |t| (t.len() == 72 && head(t, "t1")).then_some(Kind::Tlsh)),
    settles("a drive, a share, a variable or a slash in front", |t| {
        text::looks_like_path(t).then_some(Kind::FilePath)
    }),
    settles("a slash or a question mark behind something", |t| {
        (t.contains(['/', '?']) && !t.starts_with('/') && !t.contains(' ')).then_some(Kind::Url)
    }),
    settles("a dot", |t| (t.contains('.') && !t.contains([' ', '/', '\\', ','])).then_some(Kind::Domain)),
];

/// A shape that values of several kinds have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ambiguity {
    /// The shape.
    pub shape: &'static str,
    /// What such a text is read as.
    pub read_as: Kind,
    /// What it could be too: only where a source, a field or a label says so.
    pub also: &'static [Kind],
    /// What else has the shape that is no kind here.
    pub others: &'static str,
}

const fn ambiguity(
    shape: &'static str,
    read_as: Kind,
    also: &'static [Kind],
    others: &'static str,
) -> Ambiguity {
    Ambiguity { shape, read_as, also, others }
}

/// Shapes that do not tell the kind. Source: the specifications of the kinds; `tests/vectors/misc/kinds.json`.
pub const AMBIGUITIES: &[Ambiguity] = &[
    ambiguity(
        "32 hexadecimal digits",
        Kind::Md5,
        &[Kind::Imphash, Kind::Ja3, Kind::Ja3s, Kind::Hassh, Kind::X509Serial],
        "NTLM hashes, rich header hashes, UUIDs without hyphens",
    ),
    ambiguity(
        "40 hexadecimal digits",
        Kind::Sha1,
        &[Kind::X509Sha1, Kind::X509Serial],
        "git commits, RIPEMD-160, Ethereum addresses without 0x",
    ),
    ambiguity(
        "64 hexadecimal digits",
        Kind::Sha256,
        &[Kind::X509Sha256, Kind::Authentihash],
        "SHA3-256, BLAKE3, transaction ids",
    ),
    ambiguity("12 hexadecimal digits", Kind::Other, &[Kind::Mac, Kind::X509Serial], "ids of many kinds"),
    ambiguity("70 hexadecimal digits", Kind::Other, &[Kind::Tlsh], "TLSH of the old form"),
    ambiguity("eight pairs of hexadecimal digits with colons", Kind::Mac, &[Kind::Ipv6], "serial numbers"),
    ambiguity(
        "`3` and base58 with a checksum",
        Kind::Bitcoin,
        &[Kind::Litecoin, Kind::BitcoinCash],
        "the old form of Litecoin, the legacy form of Bitcoin Cash",
    ),
    ambiguity(
        "`1` and base58 with a checksum",
        Kind::Bitcoin,
        &[Kind::BitcoinCash],
        "the legacy form of Bitcoin Cash",
    ),
    ambiguity("32 bytes in base58", Kind::Other, &[Kind::Solana], "keys of other chains"),
    ambiguity("an address, a slash and a number", Kind::Cidr, &[Kind::Url], "a URL whose path is a number"),
    ambiguity("a name and a known ending", Kind::Domain, &[Kind::FileName], "`readme.md`, `setup.py`"),
];

/// Finds the kind of a whole value by its shape.
pub(crate) fn detect(text: &str) -> Result<Canonical<'_>, ParseError> {
    decide(text).1
}

/// The question that decided, and what came of it.
pub(crate) fn decide(text: &str) -> (Option<&'static Precedence>, Result<Canonical<'_>, ParseError>) {
    for question in PRECEDENCE {
        let answer = match question.step {
            Step::First(kinds) => {
                // No form of a wallet holds a dot, most values of lists do, and trying each checksum takes long.
                let dotted = text.contains('.');
                let is_wallet = |kind| (Kind::Bitcoin..=Kind::Solana).contains(kind);
                let mut kinds = kinds.iter().filter(|kind| !(dotted && is_wallet(kind)));
                kinds.find_map(|kind| parse_kind(*kind, text).ok()).map(|mut found| {
                    if let Some(address) = ip::single(&found) {
                        found = address;
                    }
                    Ok(found)
                })
            }
            Step::Own(read) => read(text).ok().map(Ok),
            Step::Settles(shape) => shape(text).map(|kind| {
                let read = match kind {
                    // Nobody said that it is one: an address in it must be strict.
                    Kind::Url if !text.contains("://") && !url::has_opaque_scheme(text) => {
                        url::parse_detected(text).map(Into::into)
                    }
                    kind => parse_kind(kind, text),
                };
                read.map_err(|reason| ParseError::new(kind, reason))
            }),
        };
        if let Some(answer) = answer {
            return (Some(question), answer);
        }
    }
    (None, Err(ParseError { kind: None, reason: Reason::UnknownKind }))
}

fn head(text: &str, lower: &str) -> bool {
    text.get(..lower.len()).is_some_and(|head| head.eq_ignore_ascii_case(lower))
}

/// The kind that a text clearly means to be, though its grammar refuses it: so that the reason is the right one.
fn meant(text: &str) -> Option<Kind> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if head(text, "cve-") && text[4..].bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Some(Kind::Cve);
    }
    if head(text, "0x") && text.len() == 42 {
        return Some(Kind::Ethereum);
    }
    if head(text, "as") && digits(&text[2..]) && text.len() > 11 {
        return Some(Kind::Asn);
    }
    if head(text, "bc1") && (14..=90).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return Some(Kind::Bitcoin);
    }
    let (host, port) = text.rsplit_once(':')?;
    (digits(port) && !host.contains([':', '/', ' ', '?', '\\']) && host.contains('.'))
        .then_some(Kind::Endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the table calls ambiguous, each kind's grammar takes.
    #[test]
    fn each_kind_of_a_shape_takes_it() {
        for length in [32, 40, 64] {
            let digits = "0f".repeat(length / 2);
            let shape = format!("{length} hexadecimal digits");
            let row = AMBIGUITIES.iter().find(|row| row.shape == shape).expect("a row");
            assert_eq!(detect(&digits).map(|found| found.kind), Ok(row.read_as));
            for kind in row.also {
                assert!(parse_kind(*kind, &digits).is_ok(), "{kind} {digits}");
            }
        }
    }
}
