//! Observables: typed values in canonical form.
//!
//! A value exists here only after its kind's grammar has taken it. Each kind has a *value* (canonical, for
//! people) and a *key* (for equality); `docs/profiles/default-1.md` gives the steps of both. One file per
//! family of values; each family is a function from text to [`Canonical`] or a [`Reason`].

use std::borrow::Cow;

use crate::refang::{self, Refang};
use crate::{Kind, ParseError, Reason};

pub(crate) mod digest;
pub(crate) mod domain;
pub(crate) mod email;
pub(crate) mod endpoint;
pub(crate) mod ident;
pub(crate) mod ip;
pub(crate) mod text;
pub(crate) mod url;
pub(crate) mod wallet;

/// No value of any kind is longer than this many bytes; longer input is refused as `too-long`.
pub const MAX_VALUE_BYTES: usize = 16 * 1024;

/// A typed, canonical value that can be seen in data. It says nothing about badness.
///
/// ```
/// use indicia_core::{Kind, Observable};
/// let name = Observable::parse_as(Kind::Domain, "EVIL.Example.").unwrap();
/// assert_eq!(name.value(), "evil.example");
/// assert!(Observable::parse_as(Kind::Ipv4, "192.0.2.07").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Observable {
    kind: Kind,
    value: Box<str>,
    /// `None` where the key is the value.
    key: Option<Box<str>>,
    /// The source's own type name, for `Kind::Other` only.
    source_type: Option<Box<str>>,
}

/// What a family's grammar makes of a text.
pub(crate) struct Canonical {
    pub(crate) kind: Kind,
    pub(crate) value: String,
    /// `None` where the key is the value.
    pub(crate) key: Option<String>,
}

impl Canonical {
    pub(crate) fn same(kind: Kind, value: String) -> Canonical {
        Canonical { kind, value, key: None }
    }

    pub(crate) fn keyed(kind: Kind, value: String, key: String) -> Canonical {
        let key = (key != value).then_some(key);
        Canonical { kind, value, key }
    }
}

impl From<Canonical> for Observable {
    fn from(c: Canonical) -> Observable {
        Observable { kind: c.kind, value: c.value.into(), key: c.key.map(Into::into), source_type: None }
    }
}

impl Observable {
    /// Reads a value of any kind, as people and feeds write it: white space around it is dropped and defanging
    /// is undone by [`Refang::Usual`].
    ///
    /// # Errors
    /// The reason of the kind whose shape the text has; `unknown-kind` where it has none.
    pub fn parse(raw: &str) -> Result<Observable, ParseError> {
        Observable::parse_refanged(None, raw, Refang::Usual)
    }

    /// Reads a value of a known kind exactly as it stands, without undoing any defanging.
    ///
    /// # Errors
    /// The reason why the kind's grammar refuses it.
    pub fn parse_as(kind: Kind, raw: &str) -> Result<Observable, ParseError> {
        let text = check(raw).map_err(|reason| ParseError::new(kind, reason))?;
        parse_kind(kind, text).map(Into::into).map_err(|reason| ParseError::new(kind, reason))
    }

    /// Reads a value of a known (`Some`) or any (`None`) kind after undoing defanging by a level.
    ///
    /// # Errors
    /// As [`Observable::parse`] and [`Observable::parse_as`].
    pub fn parse_refanged(kind: Option<Kind>, raw: &str, level: Refang) -> Result<Observable, ParseError> {
        let text = check(raw).map_err(|reason| ParseError { kind, reason })?;
        let read = |text: &str| match kind {
            Some(kind) => parse_kind(kind, text).map_err(|reason| ParseError::new(kind, reason)),
            None => detect(text),
        };
        if kind.is_none_or(refang::is_written_defanged)
            && let Cow::Owned(refanged) = refang::value(text, level)
            && let Ok(canonical) = read(refanged.trim())
            && refang::is_written_defanged(canonical.kind)
            && (level != Refang::Usual || refang::is_plausible(&canonical.value, canonical.kind))
        {
            return Ok(canonical.into());
        }
        read(text).map(Into::into)
    }

    /// A value of a type that the list of kinds does not hold: carried as it is, never matched.
    pub fn other(source_type: &str, value: &str) -> Observable {
        Observable {
            kind: Kind::Other,
            value: value.into(),
            key: None,
            source_type: Some(source_type.into()),
        }
    }

    /// The canonical text of a mask over a kind, in the place of a value.
    pub(crate) fn of_mask(kind: Kind, value: String, key: String) -> Observable {
        Canonical::keyed(kind, value, key).into()
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The canonical form, for people.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The form that is compared for equality.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.value)
    }

    /// The source's own name of the type, for [`Kind::Other`].
    pub fn source_type(&self) -> Option<&str> {
        self.source_type.as_deref()
    }
}

/// White space off both ends, then what no kind takes: nothing, too much, control characters.
fn check(raw: &str) -> Result<&str, Reason> {
    let text =
        raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}'));
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.len() > MAX_VALUE_BYTES {
        return Err(Reason::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(Reason::ControlCharacter);
    }
    Ok(text)
}

/// Reads a text as one kind. The kind of the result differs from the one asked for only where a more exact
/// kind is the canonical one (a `/32` read as `ipv4`).
pub(crate) fn parse_kind(kind: Kind, text: &str) -> Result<Canonical, Reason> {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => ip::parse(kind, text),
        Kind::Endpoint => endpoint::parse(text),
        Kind::Domain => domain::parse(text).map(|name| Canonical::same(Kind::Domain, name)),
        Kind::Url => url::parse(text).map(Into::into),
        Kind::Email => email::parse(text),
        Kind::Asn => ident::asn_bare(text),
        Kind::Mac => ident::mac_bare(text),
        Kind::Cve => ident::cve(text),
        Kind::AttackId => ident::attack_id(text),
        Kind::Md5
        | Kind::Sha1
        | Kind::Sha224
        | Kind::Sha256
        | Kind::Sha384
        | Kind::Sha512
        | Kind::Imphash
        | Kind::Authentihash
        | Kind::Ja3
        | Kind::Ja3s
        | Kind::Hassh
        | Kind::X509Sha1
        | Kind::X509Sha256
        | Kind::Jarm
        | Kind::Ja4
        | Kind::Ssdeep
        | Kind::Tlsh
        | Kind::X509Serial => digest::parse(kind, text),
        Kind::Bitcoin
        | Kind::Litecoin
        | Kind::Dogecoin
        | Kind::BitcoinCash
        | Kind::Dash
        | Kind::Zcash
        | Kind::Ethereum
        | Kind::Tron
        | Kind::Ripple
        | Kind::Monero
        | Kind::Solana => wallet::parse(kind, text),
        Kind::Purl
        | Kind::FileName
        | Kind::FilePath
        | Kind::RegistryKey
        | Kind::Mutex
        | Kind::ProcessName
        | Kind::CommandLine
        | Kind::NamedPipe
        | Kind::ServiceName
        | Kind::UserAgent
        | Kind::UserName
        | Kind::EmailSubject
        | Kind::MobileApp
        | Kind::Phone
        | Kind::Iban
        | Kind::PaymentCard => text::parse(kind, text),
        Kind::Other => Err(Reason::KindNotMatched),
    }
}

/// Finds the kind of a whole value by its shape, in the documented order of precedence.
pub(crate) fn detect(text: &str) -> Result<Canonical, ParseError> {
    let as_kind = |kind| parse_kind(kind, text).map_err(|reason| ParseError::new(kind, reason));
    let first = |kinds: &[Kind]| kinds.iter().find_map(|kind| parse_kind(*kind, text).ok());

    if text.contains("://") || url::has_opaque_scheme(text) {
        return as_kind(Kind::Url);
    }
    if text.contains('@') && !text.contains(['/', ' ']) {
        return as_kind(Kind::Email);
    }
    // Eight groups of two digits are a hardware address (EUI-64), though IPv6 could be written so.
    if let Ok(found) = ident::mac(text) {
        return Ok(found);
    }
    if let Some(mut found) = first(&[Kind::Ipv4, Kind::Ipv6, Kind::Cidr, Kind::IpRange, Kind::Endpoint]) {
        if let Some(address) = ip::single(&found) {
            found = address;
        }
        return Ok(found);
    }
    if let Some(kind) = ip::shape(text) {
        return as_kind(kind);
    }
    if let Ok(found) = ident::asn(text) {
        return Ok(found);
    }
    if let Some(found) = first(&[Kind::Ethereum, Kind::Cve, Kind::AttackId]) {
        return Ok(found);
    }
    if text.bytes().all(|b| b.is_ascii_hexdigit())
        && let Some(kind) = Kind::of_digest_length(text.len())
    {
        return as_kind(kind);
    }
    if let Some(kind) = meant(text) {
        return as_kind(kind);
    }
    if let Some(found) = first(&[
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
    ]) {
        return Ok(found);
    }
    if text.len() == 72 && text.as_bytes()[..2].eq_ignore_ascii_case(b"t1") {
        return as_kind(Kind::Tlsh);
    }
    if text::looks_like_path(text) {
        return as_kind(Kind::FilePath);
    }
    if text.contains(['/', '?']) && !text.starts_with('/') && !text.contains(' ') {
        return url::parse_detected(text)
            .map(Into::into)
            .map_err(|reason| ParseError::new(Kind::Url, reason));
    }
    if text.contains('.') && !text.contains([' ', '/', '\\', ',']) {
        return as_kind(Kind::Domain);
    }
    Err(ParseError { kind: None, reason: Reason::UnknownKind })
}

/// The kind that a text clearly means to be, though its grammar refuses it: so that the reason is the right one.
fn meant(text: &str) -> Option<Kind> {
    let lower = text.to_ascii_lowercase();
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if lower.strip_prefix("cve-").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'-')) {
        return Some(Kind::Cve);
    }
    if lower.starts_with("0x") && text.len() == 42 {
        return Some(Kind::Ethereum);
    }
    if lower.strip_prefix("as").is_some_and(|rest| digits(rest) && rest.len() > 9) {
        return Some(Kind::Asn);
    }
    if lower.starts_with("bc1")
        && (14..=90).contains(&text.len())
        && lower.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return Some(Kind::Bitcoin);
    }
    let (host, port) = text.rsplit_once(':')?;
    (digits(port) && !host.contains([':', '/', ' ', '?', '\\']) && host.contains('.'))
        .then_some(Kind::Endpoint)
}
