//! Values written so that nobody clicks them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::table::PLAIN_SCHEMES;
use super::{Refang, View, is_written_defanged};
use crate::observable::url;
use crate::{Kind, Reason};

/// How a defanged value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefangStyle {
    /// `hxxps://cdn[.]bad[.]example/a`, `a[@]bad[.]example`, `2001[:]db8[:][:]7`.
    #[default]
    Usual,
    /// `hxxps://cdn.bad[.]example/a`, `a@bad[.]example`, `2001:db8:[:]7`.
    LastDot,
    /// `[https]://cdn[.]bad[.]example/a`, `a[@]bad[.]example`, `2001[:]db8[:][:]7`: the form of the Internet-Draft
    /// draft-grimminck-safe-ioc-sharing, revision 11 (2026-05-26). What can be clicked inside a path, query or
    /// fragment is written so too.
    Draft,
}

impl DefangStyle {
    /// Every style with its name.
    pub const ALL: &'static [(DefangStyle, &'static str)] =
        &[(DefangStyle::Usual, "usual"), (DefangStyle::LastDot, "last-dot"), (DefangStyle::Draft, "draft")];
}

impl FromStr for DefangStyle {
    type Err = crate::ParseError;
    fn from_str(text: &str) -> Result<DefangStyle, Self::Err> {
        let found = DefangStyle::ALL.iter().find(|(_, name)| *name == text);
        found
            .map(|(style, _)| *style)
            .ok_or(crate::ParseError { kind: None, reason: Reason::InvalidArgument })
    }
}

impl fmt::Display for DefangStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(DefangStyle::ALL[*self as usize].1)
    }
}

/// Writes a canonical value so that it cannot be clicked, in the usual style: [`defang_as`].
///
/// ```
/// use indicia_core::{Kind, refang::defang};
/// assert_eq!(defang(Kind::Url, "https://bad.example/a.b"), "hxxps://bad[.]example/a.b");
/// assert_eq!(defang(Kind::Email, "a.b@bad.example"), "a.b[@]bad[.]example");
/// assert_eq!(defang(Kind::Ipv6, "2001:db8::7"), "2001[:]db8[:][:]7");
/// ```
pub fn defang(kind: Kind, value: &str) -> String {
    defang_as(kind, value, DefangStyle::Usual)
}

/// Writes a canonical value so that it cannot be clicked. [`refang`](super::refang) gives the value back, byte for byte, unless
/// the value itself holds what reads as a notation (`/a[.]b` in a path). Kinds without a host are returned as they
/// are; a host that is defanged already is read first, so nothing is bracketed twice.
///
/// ```
/// use indicia_core::{Kind, refang::{DefangStyle, defang_as}};
/// let url = "https://cdn.bad.example/?u=http://worse.example/";
/// assert_eq!(defang_as(Kind::Url, url, DefangStyle::LastDot), "hxxps://cdn.bad[.]example/?u=http://worse.example/");
/// assert_eq!(defang_as(Kind::Url, url, DefangStyle::Draft), "[https]://cdn[.]bad[.]example/?u=[http]://worse[.]example/");
/// ```
pub fn defang_as(kind: Kind, value: &str, style: DefangStyle) -> String {
    if !is_written_defanged(kind) {
        return value.to_string();
    }
    let (head, tail) = head_and_tail(kind, value);
    match kind {
        Kind::Endpoint => match head.rsplit_once(':') {
            Some((host, port)) => format!("{}:{port}", bracket(host, style)),
            None => bracket(&head, style),
        },
        Kind::IpRange => match head.split_once('-') {
            Some((first, last)) => format!("{}-{}", bracket(first, style), bracket(last, style)),
            None => bracket(&head, style),
        },
        Kind::Email => match head.rsplit_once('@') {
            Some((local, name)) => {
                format!("{local}{}{}", at_sign(local, style == DefangStyle::LastDot), bracket(name, style))
            }
            None => bracket(&head, style),
        },
        Kind::Url => {
            let (scheme, authority) = match head.split_once("://") {
                Some((scheme, rest)) => (scheme, rest),
                None => ("", &*head),
            };
            let scheme = match (style, scheme) {
                (_, "") => String::new(),
                (DefangStyle::Draft, name) => format!("[{name}]://"),
                (_, "http") => "hxxp://".to_string(),
                (_, "https") => "hxxps://".to_string(),
                (_, "ftp" | "fxp") => "fxp://".to_string(),
                (_, name) => format!("{name}[:]//"),
            };
            let tail = if style == DefangStyle::Draft { nested(tail) } else { tail.to_string() };
            format!("{scheme}{}{tail}", authority_defanged(authority, style))
        }
        _ => bracket(&head, style),
    }
}

/// What names the host, with notations undone, and what follows it in a URL, as it stands.
fn head_and_tail(kind: Kind, value: &str) -> (Cow<'_, str>, &str) {
    let head_length = |text: &str| {
        let after_scheme = url::split_scheme(text).map_or(0, |(scheme, _)| scheme.len() + 3);
        text[after_scheme..].find(['/', '?', '#']).map_or(text.len(), |at| after_scheme + at)
    };
    let length = |text: &str| if kind == Kind::Url { head_length(text) } else { text.len() };
    if let Some(view) = View::new(value.as_bytes(), Refang::Strict)
        && let Ok(text) = std::str::from_utf8(view.text())
    {
        let end = length(text);
        if view.touches(0, end) {
            let (_, raw_end) = view.raw_span(0, end);
            return (Cow::Owned(text[..end].to_string()), &value[raw_end..]);
        }
    }
    let (head, tail) = value.split_at(length(value));
    (Cow::Borrowed(head), tail)
}

/// `user@host:port`. User names keep their dots; the sign before the host is bracketed by the Internet-Draft only.
fn authority_defanged(authority: &str, style: DefangStyle) -> String {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, &host[host.len() - port.len() - 1..]),
        _ => (host, ""),
    };
    let user =
        user.map(|user| format!("{user}{}", at_sign(user, style != DefangStyle::Draft))).unwrap_or_default();
    format!("{user}{}{port}", bracket(host, style))
}

/// A bracketed sign is read back behind a letter or digit only.
fn at_sign(before: &str, plain: bool) -> &'static str {
    let readable = before.ends_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii());
    if plain || !readable { "@" } else { "[@]" }
}

/// A host with its separators in brackets: all of them, or the last.
fn bracket(host: &str, style: DefangStyle) -> String {
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let name = inside.unwrap_or(host);
    let first = match style {
        DefangStyle::LastDot => name.rfind('.').or_else(|| name.rfind(':')).unwrap_or(name.len()),
        _ => 0,
    };
    let mut out = String::with_capacity(host.len() + 8);
    for (at, c) in name.char_indices() {
        match c {
            '.' if at >= first => out.push_str("[.]"),
            ':' if at >= first => out.push_str("[:]"),
            _ => out.push(c),
        }
    }
    if inside.is_some() { format!("[{out}]") } else { out }
}

/// A path, query or fragment with the URLs, e-mail addresses and IPv4 addresses in it defanged as the
/// Internet-Draft has it.
fn nested(tail: &str) -> String {
    let bytes = tail.as_bytes();
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let mut out = String::with_capacity(tail.len() + 8);
    let mut at = 0;
    while at < tail.len() {
        let length = bytes[at..].iter().take_while(|b| part(b)).count();
        let (word, rest) = tail[at..].split_at(length);
        let bordered = at == 0 || b"/?=&#;,:".contains(&bytes[at - 1]);
        let host_length = |text: &str| text.bytes().take_while(|b| part(b)).count();
        if bordered
            && PLAIN_SCHEMES.contains(&word)
            && let Some(url) = rest.strip_prefix("://")
        {
            let end = url.find(['/', '?', '#', '&']).unwrap_or(url.len());
            let authority = authority_defanged(&url[..end], DefangStyle::Draft);
            out.push_str(&format!("[{word}]://{authority}"));
            at += word.len() + 3 + end;
        } else if let Some(name) = rest.strip_prefix('@')
            && at_sign(word, false) == "[@]"
            && is_name(&name[..host_length(name)])
        {
            let end = host_length(name);
            out.push_str(&format!("{word}[@]{}", bracket(&name[..end], DefangStyle::Draft)));
            at += word.len() + 1 + end;
        } else if bordered && word.parse::<std::net::Ipv4Addr>().is_ok() {
            out.push_str(&bracket(word, DefangStyle::Draft));
            at += word.len();
        } else {
            out.push_str(word);
            let next = rest.chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..next]);
            at += word.len() + next;
        }
    }
    out
}

/// Two labels or more, with a letter or digit at each end of each.
fn is_name(text: &str) -> bool {
    let label = |l: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        l.starts_with(ends) && l.ends_with(ends)
    };
    text.contains('.') && text.split('.').all(label)
}
