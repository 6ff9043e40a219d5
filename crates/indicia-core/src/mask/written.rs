//! The text of a mask: written by `Display`, read by [`Mask::parse`]; and the making of masks out of signs, which the
//! dialects share. `docs/masks.md` has the grammar.

use std::fmt::{self, Write as _};

use super::pattern::{Pattern, Token};
use super::{Form, Host, MAX_MASK_BYTES, Mask, Port, SUBJECTS, Sign, Subject, folds};
use crate::observable::{domain, ip, url};
use crate::{Kind, Reason};

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

pub(super) fn read(kind: Kind, text: &str) -> Result<Mask, Reason> {
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
pub(super) fn check(text: &str) -> Result<&str, Reason> {
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

pub(super) fn text_mask(kind: Kind, signs: Vec<Sign>, blind: bool) -> Result<Mask, Reason> {
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

pub(super) fn has_letters(pattern: &Pattern) -> bool {
    pattern
        .tokens()
        .iter()
        .any(|token| matches!(token, Token::Literal(text) if text.chars().any(char::is_alphabetic)))
}

/// A mask in parts from host, port and tail; `port` where the text does not say. Of a host alone, one of names.
pub(super) fn parts(
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
pub(super) fn is_everything(tail: &Pattern) -> bool {
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
pub(super) fn host(signs: Vec<Sign>, below: bool) -> Result<Host, Reason> {
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
pub(super) fn whole(
    scheme: Option<&str>,
    subject: Subject,
    signs: Vec<Sign>,
    blind: bool,
) -> Result<Mask, Reason> {
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
