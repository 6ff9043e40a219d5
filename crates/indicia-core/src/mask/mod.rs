//! Masks: one model for the wildcards of vendors, of STIX `LIKE` and of filter lists.
//!
//! A mask says which values of one kind it stands for. Over URLs it is in parts (scheme, host, port, and the path with
//! its query), or, where a wildcard can run across the borders of parts, over the whole URL. Over names it is the
//! pattern of a host, and over any other kind the pattern of the key. The text of a mask ([`Mask`]'s `Display`) is
//! what a target with `match: mask` has as its value; `docs/masks.md` gives its grammar, those of the dialects, and
//! what none of them can say.
//!
//! A mask is compared with canonical values only: with the key of a URL, without userinfo and fragment.
//!
//! - `pattern`: wildcards over one text, in linear time
//! - `written`: the text of a mask, read and written
//! - `dialect`: what others write, read and written

mod dialect;
pub(crate) mod pattern;
mod written;

pub use dialect::{CannotExpress, Dialect};
use pattern::{Pattern, Token};
use written::read;

use crate::observable::{ip, text, url};
use crate::{Kind, Match, Observable, ParseError, ParseOptions, Profile, Refang, Target};

/// The longest text of a mask; what is longer is refused as `too-long`.
pub const MAX_MASK_BYTES: usize = 4096;

/// Which values of a kind are meant, by wildcards.
///
/// ```
/// use indicia_core::{Dialect, Kind, Mask, Observable};
/// let mask = Mask::from_dialect(Dialect::KasperskyFeed, "bad.example/gate/*").unwrap();
/// let url = |text| Observable::parse_as(Kind::Url, text).unwrap();
/// assert!(mask.matches(&url("https://bad.example/gate/a?b=c")));
/// assert!(!mask.matches(&url("https://www.bad.example/gate/a")));
/// assert_eq!(mask.to_string(), "{i}bad.example/gate/*");
/// assert_eq!(mask.to_dialect(Dialect::Eset).unwrap_err().what, "paths in either case");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    kind: Kind,
    /// Letters of either case are equal where the kind's key keeps them apart.
    blind: bool,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Over the parts of a URL. The tail begins with a slash.
    Parts { scheme: Option<Box<str>>, host: Host, port: Port, tail: Pattern },
    /// Over a URL as one text.
    Whole { scheme: Option<Box<str>>, subject: Subject, pattern: Pattern },
    /// Over a name or an address.
    Host(Host),
    /// Over the key of another kind.
    Text(Pattern),
}

/// A host, or names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    /// The pattern is that of the host or of any name above it.
    pub(crate) below: bool,
    pub(crate) pattern: Pattern,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Port {
    #[default]
    Any,
    /// That of the scheme, which no canonical URL writes.
    Default,
    Given(u16),
}

/// What of a URL a pattern is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Host, port, path and query: the key.
    Key,
    /// The key from its beginning or from any label of its host.
    Label,
    /// The key, of which a path that is only a slash is no part.
    Bare,
    /// As [`Subject::Bare`], from its beginning or from any label of its host.
    BareLabel,
    /// The key behind its scheme and `://`, where it has one.
    Url,
}

const SUBJECTS: [(Subject, &str); 5] = [
    (Subject::Key, "{key}"),
    (Subject::Label, "{||}"),
    (Subject::Bare, "{bare}"),
    (Subject::BareLabel, "{||bare}"),
    (Subject::Url, "{url}"),
];

/// A character or a wildcard of a mask that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Is(char),
    Wild(Token),
}

impl Mask {
    /// Reads the canonical text of a mask, or one near it, over a kind.
    ///
    /// # Errors
    /// `mask-shape` and the other reasons of masks; `mask-kind` where values of the kind are not matched by masks.
    pub fn parse(kind: Kind, text: &str) -> Result<Mask, ParseError> {
        read(kind, text).map_err(|reason| ParseError::new(kind, reason))
    }

    /// The kind of values that are meant. Where only the host of a URL counts, it is [`Kind::Domain`].
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a value matches. A name in a URL or an address counts where it stands alone only.
    pub fn matches(&self, value: &Observable) -> bool {
        let mask = self.folded();
        match &mask.form {
            Form::Parts { .. } | Form::Whole { .. } => {
                value.kind() == Kind::Url && Url::new(value.value()).is_some_and(|url| mask.matches_url(&url))
            }
            Form::Host(host) => {
                let is_host = matches!(value.kind(), Kind::Domain | Kind::Ipv4 | Kind::Ipv6);
                is_host && host.matches(value.key())
            }
            Form::Text(_) => value.kind() == self.kind && mask.matches_text(value.key()),
        }
    }

    /// The target that is found by this mask. A mask that is no more than a value, or a name with all below it, is
    /// a target of that kind with that match.
    ///
    /// # Errors
    /// Where a mask is no more than a value, those of its grammar.
    pub fn into_target(self) -> Result<Target, ParseError> {
        self.into_target_under(Profile::Default)
    }

    /// As [`Mask::into_target`], for a set under a profile: a mask over URLs is compared with that profile's keys, and
    /// is blind to case where those have none.
    ///
    /// # Errors
    /// As [`Mask::into_target`].
    pub fn into_target_under(mut self, profile: Profile) -> Result<Target, ParseError> {
        let options = |kind| ParseOptions { profile, kind: Some(kind), refang: Refang::Off };
        let exact = |kind, value: &str| Observable::parse_with(value, &options(kind)).map(Target::new);
        self.blind |= self.kind == Kind::Url && matches!(profile, Profile::Kaspersky | Profile::Zeek);
        match &self.form {
            Form::Host(Host { below, pattern }) => {
                let (name, below, apex) = match pattern.tokens() {
                    [Token::Literal(name)] => (&**name, *below, true),
                    [Token::Any, Token::Literal(rest)] if rest.starts_with('.') => (&rest[1..], true, false),
                    _ => return Ok(self.as_target(profile)),
                };
                if let Ok(address) = ip::address(name.trim_start_matches('[').trim_end_matches(']')) {
                    let kind = if address.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 };
                    return exact(kind, &address.to_string());
                }
                let name = exact(Kind::Domain, name)?;
                Ok(match below {
                    true => Target { below_only: !apex, ..name.matching(Match::Subdomains) },
                    false => name,
                })
            }
            Form::Parts {
                scheme: None,
                host: Host { below: false, pattern },
                port: port @ (Port::Default | Port::Given(_)),
                tail,
            } if !self.blind || profile != Profile::Default => {
                match (pattern.as_literal(), tail.as_literal(), port) {
                    (Some(host), Some(tail), Port::Given(port)) => {
                        exact(Kind::Url, &format!("{host}:{port}{tail}"))
                    }
                    (Some(host), Some(tail), _) => exact(Kind::Url, &format!("{host}{tail}")),
                    _ => Ok(self.as_target(profile)),
                }
            }
            Form::Text(pattern) if !self.blind => match pattern.as_literal() {
                Some(value) => exact(self.kind, value),
                None => Ok(self.as_target(profile)),
            },
            _ => Ok(self.as_target(profile)),
        }
    }

    fn as_target(&self, profile: Profile) -> Target {
        let (value, key) = (self.to_string(), self.folded().to_string());
        let observable = Observable::of_mask(self.kind, value, key, profile);
        Target { observable, match_: Match::Mask, below_only: false }
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// The mask with its literals as keys have them, for matching.
    pub(crate) fn folded(&self) -> Mask {
        let ascii = |text: &str| text.to_ascii_lowercase();
        let folds = match &self.form {
            Form::Text(pattern) => folds(self.kind, pattern),
            _ => false,
        };
        let fold = |pattern: &Pattern| {
            let lower: Option<fn(&str) -> String> = match (folds, self.blind) {
                (true, _) => Some(text::folded),
                (_, true) if matches!(self.form, Form::Text(_)) => Some(text::folded),
                (_, true) => Some(ascii),
                _ => None,
            };
            let Some(lower) = lower else { return pattern.clone() };
            Pattern::new(pattern.tokens().iter().map(|token| match token {
                Token::Literal(text) => Token::Literal(lower(text).into()),
                token => token.clone(),
            }))
        };
        let mut mask = self.clone();
        match &mut mask.form {
            Form::Parts { tail: pattern, .. } | Form::Whole { pattern, .. } | Form::Text(pattern) => {
                *pattern = fold(pattern);
            }
            Form::Host(_) => {}
        }
        mask
    }

    /// Whether a folded mask matches a URL.
    pub(crate) fn matches_url(&self, seen: &Url) -> bool {
        let (url, key) = if self.blind { (&*seen.lower, seen.lower_key()) } else { (&*seen.url, seen.key()) };
        match &self.form {
            Form::Parts { scheme, host, port, tail } => {
                seen.has_scheme(scheme)
                    && (*port == Port::Any || *port == seen.port)
                    && tail.matches(&key[seen.tail_at..])
                    && host.matches(seen.host())
            }
            Form::Whole { scheme, subject, pattern } => {
                let bare = if key.len() == seen.tail_at + 1 { &key[..seen.tail_at] } else { key };
                seen.has_scheme(scheme)
                    && match subject {
                        Subject::Key => pattern.matches(key),
                        Subject::Url => pattern.matches(url),
                        Subject::Bare => pattern.matches(bare),
                        Subject::BareLabel => matches_at_label(pattern, bare, seen.host_len),
                        Subject::Label => matches_at_label(pattern, key, seen.host_len),
                    }
            }
            Form::Host(host) => host.matches(seen.host()),
            Form::Text(_) => false,
        }
    }

    /// Whether a folded mask matches the key of its kind.
    pub(crate) fn matches_text(&self, key: &str) -> bool {
        match &self.form {
            // The key of a path of POSIX keeps its case.
            Form::Text(pattern) if self.kind == Kind::FilePath && folds(self.kind, pattern) => {
                pattern.matches(&text::folded(key))
            }
            Form::Text(pattern) if self.blind => pattern.matches(&text::folded(key)),
            Form::Text(pattern) => pattern.matches(key),
            Form::Host(host) => host.matches(key),
            Form::Parts { .. } | Form::Whole { .. } => false,
        }
    }
}

impl Host {
    pub(crate) fn matches(&self, host: &str) -> bool {
        if self.below {
            matches_at_label(&self.pattern, host, host.len())
        } else {
            self.pattern.matches(host)
        }
    }
}

/// Whether a pattern matches a text from its beginning, or from a label that begins before `host_len`.
fn matches_at_label(pattern: &Pattern, text: &str, host_len: usize) -> bool {
    let labels = memchr::memchr_iter(b'.', &text.as_bytes()[..host_len]).map(|dot| dot + 1);
    let mut starts = std::iter::once(0).chain(labels);
    if pattern.has(&Token::Any) {
        // From the first place where the pattern can begin, what comes behind its first `*` has most room.
        return starts
            .find(|start| pattern.begins_at(text, *start))
            .is_some_and(|start| pattern.matches_from(text, start));
    }
    starts.any(|start| pattern.matches_from(text, start))
}

/// Whether literals of a kind are compared without case, as its keys are.
fn folds(kind: Kind, pattern: &Pattern) -> bool {
    match kind {
        Kind::FilePath => {
            let written =
                |c: char| pattern.tokens().iter().any(|t| matches!(t, Token::Literal(l) if l.contains(c)));
            written('\\') || !written('/')
        }
        Kind::Email
        | Kind::FileName
        | Kind::RegistryKey
        | Kind::Mutex
        | Kind::ProcessName
        | Kind::NamedPipe
        | Kind::ServiceName
        | Kind::UserName
        | Kind::MobileApp => true,
        kind => {
            crate::observable::digest::hex_digits(kind).is_some()
                || kind == Kind::Mac
                || kind == Kind::Ethereum
        }
    }
}

/// A canonical URL as masks see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Url {
    /// Scheme, `://` and key; the key alone where no scheme is written.
    url: String,
    lower: String,
    key_at: usize,
    host_len: usize,
    port: Port,
    /// Where path and query begin in the key.
    tail_at: usize,
}

impl Url {
    pub(crate) fn new(value: &str) -> Option<Url> {
        let mut url = Url::default();
        let parsed = url::parse(value).ok()?;
        url.set(&parsed.value, &parsed.key);
        Some(url)
    }

    /// Takes in another URL by its value and key, in the same memory. The key can be that of any profile: scheme and
    /// userinfo, which some leave in, are passed over.
    pub(crate) fn set(&mut self, value: &str, key: &str) {
        let scheme = url::split_scheme(value).map(|(scheme, _)| scheme);
        let key = url::split_scheme(key).map_or(key, |(_, rest)| rest);
        let tail = key.find(['/', '?', '#']).unwrap_or(key.len());
        let (key, tail) = match key[..tail].rfind('@') {
            Some(at) => (&key[at + 1..], tail - at - 1),
            None => (key, tail),
        };
        self.url.clear();
        if let Some(scheme) = scheme {
            self.url.push_str(scheme);
            self.url.push_str("://");
        }
        self.key_at = self.url.len();
        self.url.push_str(key);
        self.lower.clear();
        self.lower.push_str(&self.url);
        self.lower.make_ascii_lowercase();
        let colon = key[..tail].rfind(':').filter(|colon| !key[*colon..tail].contains(']'));
        self.host_len = colon.unwrap_or(tail);
        self.tail_at = tail;
        self.port =
            colon.and_then(|colon| key[colon + 1..tail].parse().ok()).map_or(Port::Default, Port::Given);
    }

    fn key(&self) -> &str {
        &self.url[self.key_at..]
    }

    fn lower_key(&self) -> &str {
        &self.lower[self.key_at..]
    }

    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    pub(crate) fn host(&self) -> &str {
        &self.url[self.key_at..self.key_at + self.host_len]
    }

    fn has_scheme(&self, wanted: &Option<Box<str>>) -> bool {
        let scheme = self.url[..self.key_at].strip_suffix("://");
        wanted.as_deref().is_none_or(|wanted| scheme == Some(wanted))
    }
}
