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
//! - `dialect`: what others write, read and written

mod dialect;
pub(crate) mod pattern;

use std::fmt::{self, Write as _};

pub use dialect::{CannotExpress, Dialect};
use pattern::{Pattern, Token};

use crate::observable::{domain, ip, text, url};
use crate::{Kind, Match, Observable, ParseError, ParseOptions, Profile, Reason, Refang, Target};

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

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.blind {
            f.write_str("{i}")?;
        }
        let scheme = |f: &mut fmt::Formatter<'_>, scheme: &Option<Box<str>>| match scheme {
            Some(scheme) => write!(f, "{scheme}://"),
            None => Ok(()),
        };
        match &self.form {
            Form::Parts { scheme: given, host, port, tail } => {
                scheme(f, given)?;
                host.write(f)?;
                match port {
                    Port::Any => {}
                    Port::Default => f.write_char(':')?,
                    Port::Given(port) => write!(f, ":{port}")?,
                }
                write(tail, f)
            }
            Form::Whole { scheme: given, subject, pattern } => {
                scheme(f, given)?;
                let name = SUBJECTS.iter().find(|(s, _)| s == subject).map_or("", |(_, name)| name);
                f.write_str(name)?;
                write(pattern, f)
            }
            Form::Host(host) => host.write(f),
            Form::Text(pattern) => write(pattern, f),
        }
    }
}

impl Host {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.below {
            f.write_char('.')?;
        }
        write(&self.pattern, f)
    }
}

fn write(pattern: &Pattern, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for token in pattern.tokens() {
        match token {
            Token::Literal(text) => {
                for c in text.chars() {
                    match c {
                        '*' | '{' => write!(f, "{{{c}}}")?,
                        c => f.write_char(c)?,
                    }
                }
            }
            Token::Any => f.write_char('*')?,
            Token::One => f.write_str("{?}")?,
            Token::Label => f.write_str("{.}")?,
            Token::Border => f.write_str("{^}")?,
            Token::Under => f.write_str("{/*}")?,
        }
    }
    Ok(())
}

/// The characters and wildcards of a mask's own text.
fn signs(mut text: &str) -> Result<Vec<Sign>, Reason> {
    let mut out = Vec::new();
    while let Some(c) = text.chars().next() {
        if c == '{' {
            let (sign, length) = if let Some(c @ ('*' | '{')) = text[1..].chars().next()
                && text[2..].starts_with('}')
            {
                (Sign::Is(c), 3)
            } else {
                let tokens = [
                    ("{?}", Token::One),
                    ("{.}", Token::Label),
                    ("{^}", Token::Border),
                    ("{/*}", Token::Under),
                ];
                let found = tokens.into_iter().find(|(name, _)| text.starts_with(name));
                let (name, token) = found.ok_or(Reason::MaskShape)?;
                (Sign::Wild(token), name.len())
            };
            out.push(sign);
            text = &text[length..];
            continue;
        }
        out.push(if c == '*' { Sign::Wild(Token::Any) } else { Sign::Is(c) });
        text = &text[c.len_utf8()..];
    }
    Ok(out)
}

fn read(kind: Kind, text: &str) -> Result<Mask, Reason> {
    let text = check(text)?;
    let (blind, text) = match text.strip_prefix("{i}") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    match kind {
        Kind::Cidr | Kind::IpRange | Kind::Endpoint | Kind::Other => Err(Reason::MaskKind),
        Kind::Url => {
            let (scheme, rest) = match url::split_scheme(text) {
                Some((scheme, rest)) => (Some(scheme), rest),
                None => (None, text),
            };
            if let Some((subject, rest)) =
                SUBJECTS.iter().find_map(|(subject, name)| Some((*subject, rest.strip_prefix(name)?)))
            {
                return whole(scheme, subject, signs(rest)?, blind);
            }
            parts(scheme, signs(rest)?, None, blind)
        }
        Kind::Domain if blind => Err(Reason::MaskShape),
        Kind::Domain => {
            let mut signs = signs(text)?;
            let below = signs.first() == Some(&Sign::Is('.'));
            if below {
                signs.remove(0);
            }
            Ok(Mask { kind, blind, form: Form::Host(host(signs, below)?) })
        }
        kind => text_mask(kind, signs(text)?, blind),
    }
}

/// White space off both ends; what no mask has is refused.
fn check(text: &str) -> Result<&str, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.len() > MAX_MASK_BYTES {
        return Err(Reason::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(Reason::ControlCharacter);
    }
    Ok(text)
}

fn text_mask(kind: Kind, signs: Vec<Sign>, blind: bool) -> Result<Mask, Reason> {
    if matches!(kind, Kind::Cidr | Kind::IpRange | Kind::Endpoint | Kind::Other) {
        return Err(Reason::MaskKind);
    }
    if signs.is_empty() {
        return Err(Reason::MaskShape);
    }
    // No value begins or ends with white space.
    let is_blank = |sign: Option<&Sign>| matches!(sign, Some(Sign::Is(c)) if c.is_whitespace());
    if is_blank(signs.first()) || is_blank(signs.last()) {
        return Err(Reason::MaskNever);
    }
    let pattern = Pattern::new(valid(&signs, false)?.iter().map(|sign| match sign {
        Sign::Is(c) => Token::Literal(c.to_string().into()),
        Sign::Wild(token) => token.clone(),
    }));
    // Where the keys have no case, there is nothing more to say.
    let blind = blind && !folds(kind, &pattern) && has_letters(&pattern);
    Ok(Mask { kind, blind, form: Form::Text(pattern) })
}

/// Wildcards that stand where they may.
fn valid(signs: &[Sign], is_host: bool) -> Result<&[Sign], Reason> {
    for (i, sign) in signs.iter().enumerate() {
        let is_edge = |at: Option<&Sign>| at.is_none_or(|sign| *sign == Sign::Is('.'));
        let ok = match sign {
            Sign::Wild(Token::Under) => !is_host && i + 1 == signs.len(),
            Sign::Wild(Token::Border) => !is_host,
            Sign::Wild(Token::Label) => {
                is_host && is_edge(i.checked_sub(1).and_then(|i| signs.get(i))) && is_edge(signs.get(i + 1))
            }
            _ => true,
        };
        if !ok {
            return Err(Reason::MaskShape);
        }
    }
    Ok(signs)
}

fn has_letters(pattern: &Pattern) -> bool {
    pattern
        .tokens()
        .iter()
        .any(|token| matches!(token, Token::Literal(text) if text.chars().any(char::is_alphabetic)))
}

/// A mask in parts from host, port and tail; `port` where the text does not say. Of a host alone, one of names.
fn parts(
    scheme: Option<&str>,
    mut signs: Vec<Sign>,
    port: Option<Port>,
    blind: bool,
) -> Result<Mask, Reason> {
    let at =
        signs.iter().position(|sign| matches!(sign, Sign::Is('/' | '?' | '\\') | Sign::Wild(Token::Under)));
    let at = at.unwrap_or(signs.len());
    let tail = match signs.split_off(at) {
        tail if matches!(*tail, [] | [Sign::Wild(Token::Under)]) => {
            Pattern::new([Token::Literal("/".into()), Token::Any])
        }
        mut tail => {
            if tail[0] == Sign::Is('?') {
                tail.insert(0, Sign::Is('/'));
            }
            literals(valid(&tail, false)?, Place::Path)?
        }
    };
    let (written, behind) = port_of(&mut signs)?;
    let port = if written { behind } else { port.unwrap_or(Port::Any) };
    let below = signs.first() == Some(&Sign::Is('.'));
    if below {
        signs.remove(0);
    }
    let host = host(signs, below)?;
    let scheme = scheme.map(|scheme| scheme.to_ascii_lowercase().into());
    if scheme.is_none() && port == Port::Any && is_everything(&tail) {
        return Ok(Mask { kind: Kind::Domain, blind: false, form: Form::Host(host) });
    }
    // Without a scheme, a host and a colon in front of two slashes would be read as one.
    if scheme.is_none()
        && port == Port::Default
        && matches!(tail.tokens().first(), Some(Token::Literal(text)) if text.starts_with("//"))
    {
        return Err(Reason::MaskShape);
    }
    // A canonical path has no dot segments.
    if let Some(Token::Literal(text)) = tail.tokens().first() {
        let path = text.split('?').next().unwrap_or_default();
        if path.contains("/./") || path.contains("/../") {
            return Err(Reason::MaskNever);
        }
    }
    let blind = blind && has_letters(&tail);
    Ok(Mask { kind: Kind::Url, blind, form: Form::Parts { scheme, host, port, tail } })
}

/// Whether every path and query matches.
fn is_everything(tail: &Pattern) -> bool {
    matches!(tail.tokens(), [Token::Literal(slash), Token::Any] if **slash == *"/")
}

/// Takes a port off the end of a host: whether there is one, and which.
fn port_of(signs: &mut Vec<Sign>) -> Result<(bool, Port), Reason> {
    let Some(colon) = signs.iter().rposition(|sign| *sign == Sign::Is(':')) else {
        return Ok((false, Port::Any));
    };
    if signs[colon..].contains(&Sign::Is(']')) {
        return Ok((false, Port::Any));
    }
    let digits: Option<String> = signs[colon + 1..]
        .iter()
        .map(|sign| match sign {
            Sign::Is(c) if c.is_ascii_digit() => Some(*c),
            _ => None,
        })
        .collect();
    let port = match digits.as_deref() {
        Some("") => Port::Default,
        Some(digits) if !digits.starts_with('0') => Port::Given(digits.parse().map_err(|_| Reason::Port)?),
        _ => return Err(Reason::Port),
    };
    signs.truncate(colon);
    Ok((true, port))
}

/// The pattern of a host: names and addresses in canonical form, else lower case.
fn host(signs: Vec<Sign>, below: bool) -> Result<Host, Reason> {
    valid(&signs, true)?;
    if signs.is_empty() {
        return Err(Reason::MaskHost);
    }
    let plain: Option<String> = signs
        .iter()
        .map(|sign| match sign {
            Sign::Is(c) => Some(*c),
            Sign::Wild(_) => None,
        })
        .collect();
    if let Some(name) = plain {
        let name = url::host_of(&name).map_err(|_| Reason::MaskHost)?.into_owned();
        // Nothing is below an address.
        let below = below && domain::host(&name).is_ok();
        return Ok(Host { below, pattern: Pattern::literal(&name) });
    }
    let mut tokens = Vec::new();
    for label in signs.split(|sign| *sign == Sign::Is('.')) {
        if !tokens.is_empty() {
            tokens.push(Token::Literal(".".into()));
        }
        if label.is_empty() {
            // Dots beside each other are in no name; one at an end may stand beside a wildcard.
            tokens.push(Token::Literal("".into()));
        }
        let written: Option<String> =
            label.iter().map(|sign| if let Sign::Is(c) = sign { Some(*c) } else { None }).collect();
        match written {
            Some(label) if !label.is_empty() => {
                let label = domain_label(&label)?;
                tokens.push(Token::Literal(label.into()));
            }
            _ => {
                for sign in label {
                    tokens.push(match sign {
                        Sign::Wild(token) => token.clone(),
                        Sign::Is(c) if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => {
                            Token::Literal(c.to_ascii_lowercase().to_string().into())
                        }
                        Sign::Is(_) => return Err(Reason::MaskHost),
                    });
                }
            }
        }
    }
    let pattern = Pattern::new(tokens);
    let tokens = pattern.tokens();
    let empty = |token: &Token| matches!(token, Token::Literal(text) if text.contains(".."));
    let dot_first = matches!(tokens.first(), Some(Token::Literal(text)) if text.starts_with('.'));
    let dot_last = matches!(tokens.last(), Some(Token::Literal(text)) if text.ends_with('.'));
    if tokens.iter().any(empty) || dot_first || dot_last {
        return Err(Reason::MaskNever);
    }
    // Beginning anywhere is said by the star.
    let below = below && pattern.tokens().first() != Some(&Token::Any);
    Ok(Host { below, pattern })
}

/// One label of a name, as an A-label.
fn domain_label(label: &str) -> Result<String, Reason> {
    if label.is_ascii() {
        let ok = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        return if ok { Ok(label.to_ascii_lowercase()) } else { Err(Reason::MaskHost) };
    }
    let name = format!("{label}.a");
    let name = domain::host(&name).map_err(|_| Reason::MaskHost)?;
    name.strip_suffix(".a").map(Into::into).ok_or(Reason::MaskHost)
}

/// A mask over a whole URL.
fn whole(scheme: Option<&str>, subject: Subject, signs: Vec<Sign>, blind: bool) -> Result<Mask, Reason> {
    if signs.is_empty() || (subject == Subject::Url && scheme.is_some()) {
        return Err(Reason::MaskShape);
    }
    let mut signs = settled(&signs);
    signs.dedup_by(|a, b| a == b && *a == Sign::Wild(Token::Any));
    let place = if subject == Subject::Url { Place::Scheme } else { Place::Host };
    if let Some(mask) = as_parts(scheme, subject, &signs, blind) {
        return mask;
    }
    let pattern = literals(valid(&signs, false)?, place)?;
    // A slash at the end can only be missed by a pattern that says one, or that is held to the end.
    let slash_counts = !pattern.tokens().iter().all(|token| match token {
        Token::Literal(text) => !text.contains('/'),
        token => *token == Token::Any,
    }) || pattern.tokens().last() != Some(&Token::Any);
    // A label begins at every place where a star can.
    let starts_free = pattern.tokens().first() == Some(&Token::Any);
    let subject = match subject {
        Subject::Bare if !slash_counts => Subject::Key,
        Subject::BareLabel if !slash_counts && !starts_free => Subject::Label,
        Subject::BareLabel if !slash_counts => Subject::Key,
        Subject::BareLabel if starts_free => Subject::Bare,
        Subject::Label if starts_free => Subject::Key,
        subject => subject,
    };
    let scheme = scheme.map(|scheme| scheme.to_ascii_lowercase().into());
    let blind = blind && has_letters(&pattern);
    Ok(Mask { kind: Kind::Url, blind, form: Form::Whole { scheme, subject, pattern } })
}

/// Signs with the escapes and slashes of canonical URLs: what parts there are is read from these.
fn settled(signs: &[Sign]) -> Vec<Sign> {
    let mut out: Vec<Sign> = Vec::with_capacity(signs.len());
    let mut in_query = false;
    for run in signs.chunk_by(|a, b| matches!((a, b), (Sign::Is(_), Sign::Is(_)))) {
        let written: String =
            run.iter().filter_map(|s| if let Sign::Is(c) = s { Some(*c) } else { None }).collect();
        if written.is_empty() {
            out.extend_from_slice(run);
            continue;
        }
        let mut settled = String::new();
        url::settle_escapes(&written, &mut settled);
        for c in settled.chars() {
            in_query |= c == '?';
            out.push(Sign::Is(if c == '\\' && !in_query { '/' } else { c }));
        }
    }
    out
}

/// The same mask in parts, where no wildcard stands in or beside the host: each mask has one form.
fn as_parts(
    scheme: Option<&str>,
    subject: Subject,
    signs: &[Sign],
    blind: bool,
) -> Option<Result<Mask, Reason>> {
    let (below, mut scheme, mut rest) = match subject {
        Subject::Key => (false, scheme.map(str::to_string), signs),
        Subject::Label => (true, scheme.map(str::to_string), signs),
        Subject::Url => {
            let marks = [Sign::Is(':'), Sign::Is('/'), Sign::Is('/')];
            let colon = signs.windows(3).position(|window| window == marks)?;
            let name: Option<String> =
                signs[..colon].iter().map(|s| if let Sign::Is(c) = s { Some(*c) } else { None }).collect();
            (false, Some(name?), &signs[colon + 3..])
        }
        Subject::Bare | Subject::BareLabel => return None,
    };
    if scheme.as_ref().is_some_and(|name| url::split_scheme(&format!("{name}://")).is_none()) {
        return None;
    }
    scheme.iter_mut().for_each(|name| name.make_ascii_lowercase());
    let end = rest.iter().position(|sign| matches!(sign, Sign::Is('/' | '\\' | '?') | Sign::Wild(_)))?;
    if end == 0 || rest[..end].contains(&Sign::Is('@')) {
        return None;
    }
    if rest[end - 1] == Sign::Is(':') && !matches!(rest[end], Sign::Wild(Token::Any | Token::One)) {
        return Some(Err(Reason::MaskNever));
    }
    let mut port = Port::Default;
    let mut whole = Vec::new();
    if below {
        whole.push(Sign::Is('.'));
    }
    match rest[end..] {
        [Sign::Is('/' | '\\' | '?'), ..] => whole.extend_from_slice(rest),
        // A separator behind the host is that in front of a port or a path.
        [Sign::Wild(Token::Border), Sign::Wild(Token::Any)] => {
            port = Port::Any;
            rest = &rest[..end];
            whole.extend_from_slice(rest);
        }
        _ => return None,
    }
    // As a beginning at a label a number is none of an address.
    if below && rest[..end].iter().all(|s| matches!(s, Sign::Is(c) if c.is_ascii_digit() || *c == '.')) {
        let address: String =
            rest[..end].iter().filter_map(|s| if let Sign::Is(c) = s { Some(*c) } else { None }).collect();
        ip::address(&address).ok()?;
    }
    Some(parts(scheme.as_deref(), whole, Some(port), blind))
}

/// Where in a URL a literal is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Scheme,
    Host,
    /// In front of the first slash, behind a wildcard: a host perhaps.
    Unknown,
    Path,
    Query,
}

/// A pattern whose literals are as canonical URLs have them.
fn literals(signs: &[Sign], mut place: Place) -> Result<Pattern, Reason> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    let flush = |literal: &mut String, tokens: &mut Vec<Token>| {
        if !literal.is_empty() {
            let mut settled = String::new();
            url::settle_escapes(literal, &mut settled);
            tokens.push(Token::Literal(settled.into()));
            literal.clear();
        }
    };
    for (i, sign) in signs.iter().enumerate() {
        let c = match sign {
            Sign::Is(c) => *c,
            Sign::Wild(token) => {
                flush(&mut literal, &mut tokens);
                tokens.push(token.clone());
                if *token == Token::Any && matches!(place, Place::Scheme | Place::Host) {
                    place = Place::Unknown;
                }
                continue;
            }
        };
        let in_front = matches!(place, Place::Scheme | Place::Host | Place::Unknown);
        match c {
            '/' | '\\' if place == Place::Scheme => {
                literal.push('/');
                if signs.get(i.wrapping_sub(1)) == Some(&Sign::Is('/')) {
                    place = Place::Host;
                }
            }
            '/' | '\\' if place != Place::Query => {
                literal.push('/');
                place = Place::Path;
            }
            '#' => return Err(Reason::MaskFragment),
            '@' if place == Place::Host => return Err(Reason::MaskFragment),
            '?' if place != Place::Query => {
                // A canonical URL has a path before its query.
                if place == Place::Host {
                    literal.push('/');
                }
                literal.push('?');
                place = Place::Query;
            }
            c if !c.is_ascii() && in_front => return Err(Reason::MaskHost),
            c if matches!(place, Place::Scheme | Place::Host) => literal.push(c.to_ascii_lowercase()),
            ' ' | '"' | '<' | '>' => {
                let _ = write!(literal, "%{:02X}", u32::from(c));
            }
            '\'' if place == Place::Query => literal.push_str("%27"),
            '`' | '{' | '}' | '^' if place == Place::Path => {
                let _ = write!(literal, "%{:02X}", u32::from(c));
            }
            c if !c.is_ascii() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(literal, "%{byte:02X}");
                }
            }
            c => literal.push(c),
        }
    }
    flush(&mut literal, &mut tokens);
    Ok(Pattern::new(tokens))
}
