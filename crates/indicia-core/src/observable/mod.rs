//! Observables: typed values in canonical form.
//!
//! A value exists here only after its kind's grammar has taken it. Each kind has a *value* (canonical, for
//! people) and a *key* (for equality); `docs/profiles/default-1.md` gives the steps of both. One file per
//! family of values; each family is a function from text to [`Canonical`] or a [`Reason`].

use std::borrow::Cow;
use std::fmt;

pub use detect::{AMBIGUITIES, Ambiguity, PRECEDENCE, Precedence};
pub(crate) use detect::{decide, detect};
pub use purl::Purl;

use crate::refang::{self, Refang};
use crate::{Kind, ParseError, Profile, Reason};

mod detect;
pub(crate) mod digest;
pub(crate) mod domain;
pub(crate) mod dotted;
pub(crate) mod email;
pub(crate) mod endpoint;
pub(crate) mod ident;
pub(crate) mod ip;
mod purl;
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
    /// The profile that made a URL; the default one for every other kind.
    profile: Profile,
}

/// How to read a value.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions {
    /// The rules that URLs follow. Every other kind follows `default@1`.
    pub profile: Profile,
    /// The kind; found by the value's shape where absent.
    pub kind: Option<Kind>,
    /// How much defanging is undone first.
    pub refang: Refang,
}

/// A value in canonical form that still borrows from the text it was read from: no copy where the text is
/// canonical already.
///
/// ```
/// use indicia_core::{Canonical, Kind};
/// let name = Canonical::parse_as(Kind::Domain, "evil.example").unwrap();
/// assert!(matches!(name.into_value(), std::borrow::Cow::Borrowed("evil.example")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical<'t> {
    pub(crate) kind: Kind,
    pub(crate) value: Cow<'t, str>,
    /// `None` where the key is the value.
    pub(crate) key: Option<Cow<'t, str>>,
}

impl<'t> Canonical<'t> {
    /// Reads a value of a known kind exactly as it stands, as [`Observable::parse_as`] does.
    ///
    /// # Errors
    /// The reason why the kind's grammar refuses it.
    #[inline]
    pub fn parse_as(kind: Kind, raw: &'t str) -> Result<Canonical<'t>, ParseError> {
        // The kinds that come by the million: what is canonical at a glance needs no other look.
        let value = match kind {
            Kind::Domain => domain::at_a_glance(raw),
            Kind::Ipv4 => dotted::parse(raw.as_bytes()).map(|_| Cow::Borrowed(raw)),
            _ => None,
        };
        match value {
            Some(value) => Ok(Canonical { kind, value, key: None }),
            None => Canonical::read(kind, raw),
        }
    }

    fn read(kind: Kind, raw: &'t str) -> Result<Canonical<'t>, ParseError> {
        let read = check(raw).and_then(|(text, control)| match control {
            true => Err(Reason::ControlCharacter),
            false => parse_kind(kind, text),
        });
        read.map_err(|reason| ParseError::new(kind, reason))
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

    /// The canonical form, borrowed where the text had it.
    pub fn into_value(self) -> Cow<'t, str> {
        self.value
    }

    pub(crate) fn same(kind: Kind, value: impl Into<Cow<'t, str>>) -> Canonical<'t> {
        Canonical { kind, value: value.into(), key: None }
    }

    pub(crate) fn keyed(
        kind: Kind,
        value: impl Into<Cow<'t, str>>,
        key: impl Into<Cow<'t, str>>,
    ) -> Canonical<'t> {
        let (value, key) = (value.into(), key.into());
        let key = (key != value).then_some(key);
        Canonical { kind, value, key }
    }

    pub(crate) fn into_key(self) -> Cow<'t, str> {
        self.key.unwrap_or(self.value)
    }
}

/// Reads an IPv4 address in strict dotted decimal, as values of kind `ipv4` are written.
///
/// ```
/// assert_eq!(indicia_core::ipv4("192.0.2.7").unwrap().octets(), [192, 0, 2, 7]);
/// assert!(indicia_core::ipv4("192.0.2.07").is_err());
/// ```
///
/// # Errors
/// `ipv4-leading-zero` and `ipv4-shape`.
#[inline]
pub fn ipv4(text: &str) -> Result<std::net::Ipv4Addr, ParseError> {
    match dotted::parse(text.as_bytes()) {
        Some(address) => Ok(address),
        None => ip::ipv4(text).map_err(|reason| ParseError::new(Kind::Ipv4, reason)),
    }
}

impl From<Canonical<'_>> for Observable {
    fn from(c: Canonical<'_>) -> Observable {
        Observable {
            kind: c.kind,
            value: c.value.into(),
            key: c.key.map(Into::into),
            source_type: None,
            profile: Profile::Default,
        }
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
        Canonical::parse_as(kind, raw).map(Into::into)
    }

    /// Reads a value of a known (`Some`) or any (`None`) kind after undoing defanging by a level.
    ///
    /// # Errors
    /// As [`Observable::parse`] and [`Observable::parse_as`].
    pub fn parse_refanged(kind: Option<Kind>, raw: &str, level: Refang) -> Result<Observable, ParseError> {
        Observable::parse_with(raw, &ParseOptions { profile: Profile::Default, kind, refang: level })
    }

    /// Reads a value under a profile.
    ///
    /// The shape of a value decides its kind by the rules of `default@1` under every profile; what a URL becomes
    /// is the profile's.
    ///
    /// # Errors
    /// As [`Observable::parse`] and [`Observable::parse_as`]; a URL has its profile's reasons.
    ///
    /// ```
    /// use indicia_core::{Observable, ParseOptions, Profile};
    /// let options = ParseOptions { profile: Profile::SafeBrowsing4, ..ParseOptions::default() };
    /// let url = Observable::parse_with("hxxp://Bad[.]Example:81/%2541/../b", &options).unwrap();
    /// assert_eq!(url.value(), "http://bad.example/b");
    /// ```
    pub fn parse_with(raw: &str, options: &ParseOptions) -> Result<Observable, ParseError> {
        let ParseOptions { profile, kind, refang: level } = *options;
        let refuse = |reason| ParseError { kind, reason };
        let (text, control) = check(raw).map_err(refuse)?;
        if control && !(profile.reads_controls() && kind.is_none_or(|kind| kind == Kind::Url)) {
            return Err(refuse(Reason::ControlCharacter));
        }
        fn read(profile: Profile, kind: Option<Kind>, text: &str) -> Result<Canonical<'_>, ParseError> {
            match kind {
                Some(Kind::Url) => {
                    profile.url_text(text).map_err(|reason| ParseError::new(Kind::Url, reason))
                }
                Some(kind) => parse_kind(kind, text).map_err(|reason| ParseError::new(kind, reason)),
                None => detect_under(profile, text),
            }
        }
        let found = |canonical: Canonical<'_>| match canonical.kind {
            Kind::Url => Ok(Observable::of_url(canonical, profile)),
            _ if control => Err(refuse(Reason::ControlCharacter)),
            _ => Ok(canonical.into()),
        };
        if kind.is_none_or(refang::is_written_defanged)
            && let Cow::Owned(refanged) = refang::value(text, level)
            && let Ok(canonical) = read(profile, kind, refanged.trim())
            && refang::is_written_defanged(canonical.kind)
            && (level != Refang::Usual || is_plausible(profile, &canonical.value, canonical.kind))
            && !(profile != Profile::Default && canonical.kind == Kind::Url && is_one_url(text, &refanged))
        {
            return found(canonical);
        }
        found(read(profile, kind, text)?)
    }

    pub(crate) fn of_url(canonical: Canonical<'_>, profile: Profile) -> Observable {
        Observable { profile, ..canonical.into() }
    }

    /// A value of a type that the list of kinds does not hold: carried as it is, never matched.
    pub fn other(source_type: &str, value: &str) -> Observable {
        Observable {
            kind: Kind::Other,
            value: value.into(),
            key: None,
            source_type: Some(source_type.into()),
            profile: Profile::Default,
        }
    }

    /// The canonical text of a mask over a kind, in the place of a value.
    pub(crate) fn of_mask(kind: Kind, value: String, key: String, profile: Profile) -> Observable {
        let profile = if kind == Kind::Url { profile } else { Profile::Default };
        Observable { profile, ..Canonical::keyed(kind, value, key).into() }
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

    /// The profile whose rules made the value and key of a URL; `default@1` for every other kind.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The source's own name of the type, for [`Kind::Other`].
    pub fn source_type(&self) -> Option<&str> {
        self.source_type.as_deref()
    }
}

/// White space off both ends, then what no kind takes: nothing, too much. Also says whether a control character
/// is left inside, which only some rules for URLs have an answer to.
pub(crate) fn check(raw: &str) -> Result<(&str, bool), Reason> {
    // Printable ASCII without spaces at its ends, as almost every value is, needs no look at characters.
    let b = raw.as_bytes();
    if let (Some(first), Some(last)) = (b.first(), b.last())
        && b.len() <= MAX_VALUE_BYTES
        && *first > b' '
        && *last > b' '
        && b.iter().fold(true, |all, b| all & b.wrapping_sub(b' ').lt(&(0x7f - b' ')))
    {
        return Ok((raw, false));
    }
    let text = trim(raw);
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.len() > MAX_VALUE_BYTES {
        return Err(Reason::TooLong);
    }
    Ok((text, text.chars().any(char::is_control)))
}

/// Whether two texts are one URL, so that nothing was defanged in one of them and it counts as it is written.
fn is_one_url(text: &str, refanged: &str) -> bool {
    refanged.trim().eq_ignore_ascii_case(text)
        || url::parse(text)
            .is_ok_and(|url| url::parse(refanged.trim()).is_ok_and(|other| other.value == url.value))
}

/// Whether refanging by `usual` counts for a value that is canonical under a profile.
pub(crate) fn is_plausible(profile: Profile, value: &str, kind: Kind) -> bool {
    if kind == Kind::Url { profile.is_plausible(value) } else { refang::is_plausible(value, kind) }
}

/// Finds the kind by shape, and reads a URL under a profile.
fn detect_under(profile: Profile, text: &str) -> Result<Canonical<'_>, ParseError> {
    if profile == Profile::Default {
        return detect(text);
    }
    let as_url = || profile.url_text(text).map_err(|reason| ParseError::new(Kind::Url, reason));
    match detect(text) {
        Ok(found) if found.kind == Kind::Url => as_url(),
        // A profile may take what `default@1` refuses as a URL, but nothing is a URL without its shape.
        Err(ParseError { kind: Some(Kind::Url), .. }) if text.contains("://") => as_url(),
        other => other,
    }
}

/// Without white space and invisible characters at the ends.
pub(crate) fn trim(raw: &str) -> &str {
    raw.trim_matches(is_edge)
}

/// White space, and what copying leaves at the ends of a text. Joiners are none of it: they can be part of a name.
pub(crate) fn is_edge(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// ASCII letters in lower case; borrowed where they are.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// ASCII letters in upper case; borrowed where they are.
pub(crate) fn upper(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_lowercase()) {
        Cow::Owned(text.to_ascii_uppercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// What something is written as, or the text it was read from where that is the same; then nothing is written.
pub(crate) fn written<'t>(text: &'t str, value: &impl fmt::Display) -> Cow<'t, str> {
    struct Rest<'t>(&'t str);
    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(piece).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    match fmt::write(&mut rest, format_args!("{value}")) {
        Ok(()) if rest.0.is_empty() => Cow::Borrowed(text),
        _ => Cow::Owned(value.to_string()),
    }
}

/// A text that was built, or the text it was built from where both are equal.
pub(crate) fn borrow_if_equal<'t>(text: &'t str, built: String) -> Cow<'t, str> {
    if built == text { Cow::Borrowed(text) } else { Cow::Owned(built) }
}

/// Reads a text as one kind. The kind of the result differs from the one asked for only where a more exact
/// kind is the canonical one (a `/32` read as `ipv4`).
pub(crate) fn parse_kind(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
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
        Kind::Purl => purl::parse(text),
        Kind::FileName
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

/// How many random inputs each twin compares: a few in the test run, a million and more when asked.
#[cfg(test)]
pub(crate) fn twin_rounds() -> usize {
    std::env::var("INDICIA_VALUE_TWINS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

/// Random numbers and texts that are the same in every run (xorshift).
#[cfg(test)]
pub(crate) struct Random(pub(crate) u64);

#[cfg(test)]
impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }

    /// Up to `longest` pieces one after the other.
    pub(crate) fn text(&mut self, pieces: &[&str], longest: usize) -> String {
        (0..self.below(longest + 1)).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}
