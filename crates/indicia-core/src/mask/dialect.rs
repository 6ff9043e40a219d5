//! What vendors, filter lists and STIX write, read into [`Mask`] and written from it.
//!
//! A mask is written in a dialect only where reading the text gives the same mask again: what a dialect cannot say is
//! refused and named, never bent. `docs/masks.md` has each grammar with its source.

use std::fmt::Write as _;

use super::pattern::{Pattern, Token};
use super::written::{check, has_letters, host, is_everything, parts, text_mask, whole};
use super::{Form, Host, Mask, Port, Sign, Subject};
use crate::observable::url;
use crate::{Kind, Reason};

/// Who writes a mask so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// The feeds of Kaspersky: masks of domains, folders, scripts and with wildcards.
    KasperskyFeed,
    /// The address masks of Kaspersky Endpoint Security.
    KasperskyEndpoint,
    /// The right side of STIX `LIKE` over values of a kind, without its quotes: `\` takes away the meaning of what follows.
    StixLike(Kind),
    /// Cisco's lists of URLs (Security Intelligence).
    Cisco,
    /// ESET's lists of addresses.
    Eset,
    /// Network rules of Adblock filter lists without options that narrow them.
    Adblock,
}

impl Dialect {
    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::KasperskyFeed => "kaspersky-feed",
            Dialect::KasperskyEndpoint => "kaspersky-endpoint",
            Dialect::StixLike(_) => "stix-like",
            Dialect::Cisco => "cisco",
            Dialect::Eset => "eset",
            Dialect::Adblock => "adblock",
        }
    }
}

/// A mask says something that a dialect has no words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("masks of {} cannot express {what}", dialect.name())]
pub struct CannotExpress {
    /// The dialect.
    pub dialect: Dialect,
    /// What it cannot say.
    pub what: &'static str,
}

impl Mask {
    /// Reads a mask as a dialect writes it.
    ///
    /// # Errors
    /// Why the text is no mask of the dialect, or none that canonical values can be compared with.
    pub fn from_dialect(dialect: Dialect, text: &str) -> Result<Mask, Reason> {
        let text = check(text)?;
        match dialect {
            Dialect::KasperskyFeed => kaspersky_feed(text),
            Dialect::KasperskyEndpoint => kaspersky_endpoint(text),
            Dialect::StixLike(kind) => stix_like(kind, text),
            Dialect::Cisco => cisco(text),
            Dialect::Eset => eset(text),
            Dialect::Adblock => adblock(text),
        }
    }

    /// Writes the mask in a dialect: read there, the text is this mask again.
    ///
    /// # Errors
    /// What the dialect cannot say.
    pub fn to_dialect(&self, dialect: Dialect) -> Result<String, CannotExpress> {
        let refuse = |what| CannotExpress { dialect, what };
        let text = write(self, dialect).map_err(refuse)?;
        match Mask::from_dialect(dialect, &text) {
            Ok(again) if again == *self => Ok(text),
            _ => Err(refuse("this combination: what could be written means something else")),
        }
    }
}

fn stars(text: &str) -> Vec<Sign> {
    text.chars().map(|c| if c == '*' { Sign::Wild(Token::Any) } else { Sign::Is(c) }).collect()
}

/// The signs in front of the first slash.
fn front(signs: &[Sign]) -> &[Sign] {
    let end = signs.iter().position(|sign| matches!(sign, Sign::Is('/' | '?') | Sign::Wild(Token::Under)));
    &signs[..end.unwrap_or(signs.len())]
}

const ANY: Sign = Sign::Wild(Token::Any);

/// Without its scheme, which no mask of a feed has: `*.name`, `host/folder/*`, `host/script?*`, or `*` anywhere.
fn kaspersky_feed(text: &str) -> Result<Mask, Reason> {
    let text = url::split_scheme(text).map_or(text, |(_, rest)| rest);
    let signs = stars(text);
    let in_host = front(&signs);
    if !in_host.contains(&ANY) {
        return parts(None, signs, None, true);
    }
    match signs.as_slice() {
        [ANY, Sign::Is('.'), name @ ..] if in_host.len() == signs.len() && !name.contains(&ANY) => {
            parts(None, signs, None, true)
        }
        _ if in_host.len() == signs.len() => whole(None, Subject::Bare, signs, true),
        _ => whole(None, Subject::Key, signs, true),
    }
}

fn kaspersky_endpoint(text: &str) -> Result<Mask, Reason> {
    let split = |text| match url::split_scheme(text) {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    if let Some(exact) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        let (scheme, rest) = split(exact);
        if rest.contains('*') {
            return Err(Reason::MaskNever);
        }
        let mut signs = stars(rest);
        if front(&signs).len() == signs.len() {
            signs.push(Sign::Is('/'));
        }
        return parts(scheme, signs, None, false);
    }
    let (scheme, rest) = split(text);
    let rest = match rest.strip_prefix("www.") {
        Some(rest) => format!("*.{rest}"),
        None if rest.starts_with('*') => rest.to_string(),
        None => format!("*.{rest}"),
    };
    let mut signs = Vec::new();
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        signs.push(match c {
            '*' if chars.next_if_eq(&'*').is_some() => Sign::Is('*'),
            '*' => ANY,
            c => Sign::Is(c),
        });
    }
    match signs.as_slice() {
        [.., Sign::Is('/')] => signs.push(ANY),
        [.., ANY] => {}
        _ => signs.extend([Sign::Is('/'), ANY]),
    }
    if signs.ends_with(&[Sign::Is('/'), ANY]) {
        signs.truncate(signs.len() - 2);
        signs.push(Sign::Wild(Token::Under));
    }
    match signs.as_slice() {
        [ANY, Sign::Is('.'), rest @ ..] if !front(rest).contains(&ANY) => {
            let mut below = vec![Sign::Is('.')];
            below.extend_from_slice(rest);
            parts(scheme, below, None, false)
        }
        [ANY, Sign::Is('.'), rest @ ..] => whole(scheme, Subject::Label, rest.to_vec(), false),
        _ => whole(scheme, Subject::Key, signs, false),
    }
}

fn eset(text: &str) -> Result<Mask, Reason> {
    let (scheme, rest) = match url::split_scheme(text) {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let mut signs: Vec<Sign> = rest
        .chars()
        .map(|c| match c {
            '*' => ANY,
            '?' => Sign::Wild(Token::One),
            c => Sign::Is(c),
        })
        .collect();
    let below = signs.starts_with(&[ANY, Sign::Is('.')]);
    if below {
        signs.drain(..2);
    }
    let in_host = front(&signs);
    let pathless = in_host.len() == signs.len();
    if in_host.contains(&ANY) {
        let subject = match (below, pathless) {
            (true, true) => Subject::BareLabel,
            (true, false) => Subject::Label,
            (false, true) => Subject::Bare,
            (false, false) => Subject::Key,
        };
        return whole(scheme, subject, signs, false);
    }
    // The address of a host alone has no path: no canonical URL has less than a slash.
    if pathless {
        signs.push(Sign::Is('/'));
    }
    if below {
        signs.insert(0, Sign::Is('.'));
    }
    parts(scheme, signs, None, false)
}

fn cisco(text: &str) -> Result<Mask, Reason> {
    let text = url::split_scheme(text).map_or(text, |(_, rest)| rest);
    let host = text.find('/').unwrap_or(text.len());
    if text[host..].contains('*') {
        return Err(Reason::MaskShape);
    }
    if text[..host].contains('@') {
        return Err(Reason::MaskFragment);
    }
    let mut signs: Vec<Sign> =
        text.chars().map(|c| if c == '*' { Sign::Wild(Token::Label) } else { Sign::Is(c) }).collect();
    if host == text.len() && !text.starts_with('.') {
        signs.insert(0, Sign::Is('.'));
    }
    parts(None, signs, None, false)
}

fn adblock(text: &str) -> Result<Mask, Reason> {
    if text.starts_with("@@") {
        return Err(Reason::MaskException);
    }
    if text.starts_with(['!', '[']) || ["##", "#@#", "#?#", "#$#"].iter().any(|mark| text.contains(mark)) {
        return Err(Reason::MaskShape);
    }
    let (rule, options) = match text.rsplit_once('$') {
        Some((rule, options)) if !options.is_empty() && !options.contains(['/', '^', '*']) => (rule, options),
        _ => (text, ""),
    };
    let mut blind = true;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "all" | "document" | "doc" | "important" => {}
            "match-case" => blind = false,
            _ => return Err(Reason::MaskOptions),
        }
    }
    if rule.len() > 1 && rule.starts_with('/') && rule.ends_with('/') {
        return Err(Reason::MaskRegex);
    }
    let (subject, rule) = match (rule.strip_prefix("||"), rule.strip_prefix('|')) {
        (Some(rest), _) => (Subject::Label, rest),
        (_, Some(rest)) => (Subject::Url, rest),
        _ => (Subject::Url, rule),
    };
    let anchored = text.starts_with('|');
    let (rule, ends) = match rule.strip_suffix('|') {
        Some(rest) => (rest, true),
        None => (rule, false),
    };
    if rule.is_empty() {
        return Err(Reason::MaskShape);
    }
    let mut signs = Vec::new();
    if !anchored {
        signs.push(ANY);
    }
    signs.extend(rule.chars().map(|c| match c {
        '*' => ANY,
        '^' => Sign::Wild(Token::Border),
        c => Sign::Is(c),
    }));
    if !ends {
        signs.push(ANY);
    }
    whole(None, subject, signs, blind)
}

fn stix_like(kind: Kind, text: &str) -> Result<Mask, Reason> {
    let mut signs = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        signs.push(match c {
            '%' => ANY,
            '_' => Sign::Wild(Token::One),
            '\\' => Sign::Is(chars.next().ok_or(Reason::MaskShape)?),
            c => Sign::Is(c),
        });
    }
    match kind {
        Kind::Url => like_url(signs),
        Kind::Domain => Ok(Mask { kind, blind: false, form: Form::Host(host(signs, false)?) }),
        kind => text_mask(kind, signs, false),
    }
}

fn like_url(mut signs: Vec<Sign>) -> Result<Mask, Reason> {
    let marks = [Sign::Is(':'), Sign::Is('/'), Sign::Is('/')];
    let colon = signs.windows(3).position(|window| window == marks);
    let in_scheme = |sign: &Sign| !matches!(sign, Sign::Is('/' | '?' | '.'));
    if let Some(colon) = colon.filter(|colon| signs[..*colon].iter().all(in_scheme)) {
        // No canonical URL ends with its host.
        let authority = &signs[colon + 3..];
        if front(authority).len() == authority.len() && signs.last() != Some(&ANY) {
            signs.push(Sign::Is('/'));
        }
        return whole(None, Subject::Url, signs, false);
    }
    let in_host = front(&signs);
    let pathless = in_host.len() == signs.len();
    match signs.as_slice() {
        // A name in the place of a URL: the way in which masks of domains come.
        [ANY, Sign::Is('.'), name @ ..] if pathless && !name.contains(&ANY) => {
            parts(None, signs, None, false)
        }
        [ANY, ..] if pathless && signs.last() != Some(&ANY) => whole(None, Subject::Bare, signs, false),
        [ANY, ..] => whole(None, Subject::Url, signs, false),
        _ if in_host.contains(&ANY) && pathless => whole(None, Subject::Bare, signs, false),
        _ if in_host.contains(&ANY) => whole(None, Subject::Key, signs, false),
        _ => parts(None, signs, None, false),
    }
}

type Written = Result<String, &'static str>;

/// What a dialect writes for each token; `None` where it cannot.
struct Words {
    /// Literals that mean something else, and how they are written all the same.
    escape: fn(char) -> Option<String>,
    special: &'static [char],
    one: Option<&'static str>,
    any: &'static str,
    label: Option<&'static str>,
    border: Option<&'static str>,
    under: Option<&'static str>,
}

impl Words {
    fn write(&self, tokens: &[Token]) -> Written {
        let mut out = String::new();
        for token in tokens {
            match token {
                Token::Literal(text) => {
                    for c in text.chars() {
                        if self.special.contains(&c) {
                            out.push_str(&(self.escape)(c).ok_or("a character that is a wildcard there")?);
                        } else {
                            out.push(c);
                        }
                    }
                }
                Token::Any => out.push_str(self.any),
                Token::One => out.push_str(self.one.ok_or("any one character")?),
                Token::Label => out.push_str(self.label.ok_or("one whole label of a name")?),
                Token::Border => out.push_str(self.border.ok_or("a separator or the end")?),
                Token::Under => out.push_str(self.under.ok_or("a folder together with its own address")?),
            }
        }
        Ok(out)
    }
}

fn write(mask: &Mask, dialect: Dialect) -> Written {
    let never = |_| None;
    let plain =
        Words { escape: never, special: &['*'], one: None, any: "*", label: None, border: None, under: None };
    let one_case = !mask.blind
        && match &mask.form {
            Form::Parts { tail: pattern, .. } | Form::Whole { pattern, .. } => has_letters(pattern),
            _ => false,
        };
    match dialect {
        Dialect::Adblock => {}
        Dialect::KasperskyFeed if one_case => return Err("paths in one case only"),
        Dialect::KasperskyFeed => {}
        _ if mask.blind => return Err("paths in either case"),
        _ => {}
    }
    match dialect {
        Dialect::StixLike(kind) if kind != mask.kind => Err("values of this kind under that object"),
        Dialect::StixLike(_) => {
            let words = Words {
                escape: |c| Some(format!("\\{c}")),
                special: &['%', '_', '\\'],
                one: Some("_"),
                any: "%",
                ..plain
            };
            like(mask, &words)
        }
        _ if matches!(mask.form, Form::Text(_)) => Err("values that are neither URLs nor names"),
        Dialect::KasperskyFeed => match &mask.form {
            Form::Host(Host { below: true, .. }) => Err("a name together with all below it"),
            Form::Host(Host { pattern, .. }) => plain.write(pattern.tokens()),
            Form::Parts { scheme: Some(_), .. } | Form::Whole { scheme: Some(_), .. } => Err("a scheme"),
            Form::Parts { host: Host { below: true, .. }, .. } => Err("a name together with all below it"),
            Form::Parts { host, port, tail, .. } => {
                let port = any_port(*port)?;
                Ok(format!("{}{port}{}", plain.write(host.pattern.tokens())?, plain.write(tail.tokens())?))
            }
            Form::Whole { subject: Subject::Key | Subject::Bare, pattern, .. } => {
                plain.write(pattern.tokens())
            }
            Form::Whole { .. } => Err("a beginning at any label, or in the scheme"),
            Form::Text(_) => Err("values that are neither URLs nor names"),
        },
        Dialect::KasperskyEndpoint => {
            let words = Words { escape: |c| Some(format!("{c}{c}")), under: Some("/*"), ..plain };
            match &mask.form {
                Form::Host(Host { below: true, pattern }) => {
                    Ok(format!("*.{}", words.write(pattern.tokens())?))
                }
                Form::Host(_) => Err("a name without those below it"),
                Form::Parts { scheme, host, port, tail } => {
                    let port = any_port(*port)?;
                    let name = words.write(host.pattern.tokens())?;
                    let (scheme, tail_text) = (scheme_text(scheme), words.write(tail.tokens())?);
                    match (host.below, tail.as_literal()) {
                        (true, _) => Ok(format!("{scheme}*.{name}{port}{tail_text}")),
                        (false, Some(exact)) => Ok(format!("\"{scheme}{name}{port}{exact}\"")),
                        (false, None) => Err("a name without those below it"),
                    }
                }
                Form::Whole { scheme, subject: Subject::Key, pattern } => {
                    Ok(format!("{}{}", scheme_text(scheme), words.write(pattern.tokens())?))
                }
                Form::Whole { scheme, subject: Subject::Label, pattern } => {
                    Ok(format!("{}*.{}", scheme_text(scheme), words.write(pattern.tokens())?))
                }
                Form::Whole { .. } => Err("a beginning in the scheme, or a host without its slash"),
                Form::Text(_) => Err("values that are neither URLs nor names"),
            }
        }
        Dialect::Eset => {
            let words = Words { special: &['*', '?'], one: Some("?"), ..plain };
            match &mask.form {
                Form::Host(Host { below, pattern }) => {
                    let name = words.write(pattern.tokens())?;
                    Ok(if *below { format!("*.{name}/*") } else { format!("{name}/*") })
                }
                Form::Parts { scheme, host, port, tail } => {
                    let (port, star) = (any_port(*port)?, if host.below { "*." } else { "" });
                    let (name, tail) = (words.write(host.pattern.tokens())?, words.write(tail.tokens())?);
                    Ok(format!("{}{star}{name}{port}{tail}", scheme_text(scheme)))
                }
                Form::Whole { scheme, subject, pattern } => {
                    let star = match subject {
                        Subject::Key | Subject::Bare => "",
                        Subject::Label | Subject::BareLabel => "*.",
                        Subject::Url => return Err("a beginning in the scheme"),
                    };
                    Ok(format!("{}{star}{}", scheme_text(scheme), words.write(pattern.tokens())?))
                }
                Form::Text(_) => Err("values that are neither URLs nor names"),
            }
        }
        Dialect::Cisco => {
            let words = Words { label: Some("*"), ..plain };
            let exact = |pattern: &Pattern| match pattern.has(&Token::Any) {
                true => Err("a run of characters"),
                false => words.write(pattern.tokens()),
            };
            match &mask.form {
                // A label in front, and all below that, is all below.
                Form::Host(Host { below, pattern }) => match (below, pattern.tokens()) {
                    (true, _) => exact(pattern),
                    (false, _) => Err("a name without those below it, or these without the name"),
                },
                Form::Parts { scheme: Some(_), .. } | Form::Whole { scheme: Some(_), .. } => Err("a scheme"),
                Form::Parts { host: Host { below: true, .. }, .. } => Err("a path on all names below one"),
                Form::Parts { host, port, tail, .. } => {
                    let port = any_port(*port)?;
                    let tail = tail.as_literal().ok_or("a wildcard in the path")?;
                    Ok(format!("{}{port}{tail}", exact(&host.pattern)?))
                }
                Form::Whole { .. } => Err("a wildcard that can be in host and path"),
                Form::Text(_) => Err("values that are neither URLs nor names"),
            }
        }
        Dialect::Adblock => {
            let words = Words { special: &['*', '^'], border: Some("^"), ..plain };
            let mut rule = match &mask.form {
                Form::Host(Host { below: true, pattern }) if pattern.as_literal().is_some() => {
                    return Ok(format!("||{}^", words.write(pattern.tokens())?));
                }
                Form::Host(_) => return Err("a name without those below it, or wildcards in a name alone"),
                Form::Parts { scheme, host, port, tail } => {
                    if host.pattern.as_literal().is_none() {
                        return Err("a wildcard that stays in the host");
                    }
                    let name = words.write(host.pattern.tokens())?;
                    let start = match (scheme, host.below) {
                        (Some(scheme), false) => format!("|{scheme}://{name}"),
                        // Nothing is below an address.
                        (None, below) if below || crate::observable::domain::host(&name).is_err() => {
                            format!("||{name}")
                        }
                        (Some(_), true) => return Err("a scheme with a name and all below it"),
                        (None, _) => return Err("a name without those below it"),
                    };
                    let mut behind = words.write(tail.tokens())?;
                    let start = match (port, is_everything(tail)) {
                        (Port::Any, true) => {
                            behind = "^*".to_string();
                            start
                        }
                        (Port::Any, false) => return Err("a path on any port"),
                        (Port::Default, _) => start,
                        (Port::Given(port), _) => format!("{start}:{port}"),
                    };
                    start + &behind
                }
                Form::Whole { scheme: Some(_), .. } => {
                    return Err("a scheme with a wildcard that can leave the host");
                }
                Form::Whole { subject, pattern, .. } => {
                    let text = words.write(pattern.tokens())?;
                    match subject {
                        Subject::Label => format!("||{text}"),
                        Subject::Url if text.starts_with('*') => text,
                        Subject::Url => format!("|{text}"),
                        _ => return Err("a beginning at the host alone, or a host without its slash"),
                    }
                }
                Form::Text(_) => return Err("values that are neither URLs nor names"),
            };
            // A rule that does not say its end has a star there.
            match rule.strip_suffix('*') {
                Some(open) => rule.truncate(open.len()),
                None => rule.push('|'),
            }
            if let Some(bare) = rule.strip_prefix('*') {
                rule = bare.to_string();
            }
            if one_case {
                rule.push_str("$match-case");
            }
            Ok(rule)
        }
    }
}

fn like(mask: &Mask, words: &Words) -> Written {
    match &mask.form {
        Form::Host(Host { below: true, .. }) | Form::Parts { host: Host { below: true, .. }, .. } => {
            Err("a name together with all below it")
        }
        Form::Host(Host { pattern, .. }) | Form::Text(pattern) => words.write(pattern.tokens()),
        Form::Parts { scheme, host, port, tail } => {
            let mut out = scheme_text(scheme);
            out.push_str(&words.write(host.pattern.tokens())?);
            match (port, scheme) {
                (Port::Given(port), _) => {
                    let _ = write!(out, ":{port}");
                }
                (Port::Any, Some(_)) => return Err("a scheme with any port"),
                (Port::Default, None) => return Err("no port with any scheme"),
                _ => {}
            }
            out.push_str(&words.write(tail.tokens())?);
            Ok(out)
        }
        Form::Whole { scheme: Some(_), .. } => Err("a scheme with a wildcard that can leave the host"),
        Form::Whole { subject: Subject::Label | Subject::BareLabel, .. } => {
            Err("a beginning at any label of the host")
        }
        Form::Whole { pattern, .. } => words.write(pattern.tokens()),
    }
}

fn scheme_text(scheme: &Option<Box<str>>) -> String {
    scheme.as_ref().map(|scheme| format!("{scheme}://")).unwrap_or_default()
}

fn any_port(port: Port) -> Written {
    match port {
        Port::Any => Ok(String::new()),
        Port::Given(port) => Ok(format!(":{port}")),
        Port::Default => Err("the usual port only"),
    }
}
