//! URLs: WHATWG parse and serialization, then escapes of unreserved characters (RFC 3986 §2.3) decoded and
//! the others upper-cased. The key leaves out scheme, userinfo and fragment.
//!
//! A URL may be written without its scheme (`host/path`): it is read as `http` and keeps no scheme in its
//! value. Schemes that WHATWG does not know (`tcp`, `ldap`) are taken when an authority follows; their host is
//! brought into canonical form like any other.
//!
//! This file is the profile's rules; the standard itself is in [`whatwg`], its hosts in `host.rs`, and names outside
//! ASCII in `idn.rs`. A text that is canonical, as nearly all that feeds and logs hold is, is recognised in one
//! pass and borrowed.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Canonical, domain, ip};
use crate::{Kind, Reason};

mod host;
mod idn;
pub(crate) mod whatwg;

use whatwg::{Parts, Reached, Scheme};

/// A URL in canonical form, with the parts that matching needs.
pub(crate) struct Parsed<'a> {
    pub(crate) value: Cow<'a, str>,
    /// Host, port, path and query.
    pub(crate) key: Cow<'a, str>,
    /// How many bytes of `key` are the host (brackets included).
    pub(crate) host_len: usize,
}

impl<'a> From<Parsed<'a>> for Canonical<'a> {
    fn from(url: Parsed<'a>) -> Canonical<'a> {
        Canonical::keyed(Kind::Url, url.value, url.key)
    }
}

pub(crate) fn parse(text: &str) -> Result<Parsed<'_>, Reason> {
    if let Some(parsed) = as_canonical(text) {
        return Ok(parsed);
    }
    let mut parsed = once(text)?;
    // Decoding an escape can make a new dot segment, a host without its dot another: the result must be a fixed point.
    for _ in 0..8 {
        if parsed.is_settled {
            return Ok(parsed.borrowed_from(text));
        }
        let again = once(&parsed.value)?;
        if again.value == parsed.value {
            return Ok(parsed.borrowed_from(text));
        }
        parsed = again;
    }
    Err(Reason::UrlShape)
}

/// Reads a text that looks like a URL without scheme though nobody said so: an address in it must be strict.
pub(crate) fn parse_detected(text: &str) -> Result<Parsed<'_>, Reason> {
    let parsed = parse(text)?;
    let host = &parsed.key[..parsed.host_len];
    if ip::ipv4(host).is_ok() && !text.starts_with(host) && !text.contains('@') {
        return Err(Reason::NumericTld);
    }
    Ok(parsed)
}

/// Whether a text begins with a scheme that is not followed by an authority, such as `mailto:`.
pub(crate) fn has_opaque_scheme(text: &str) -> bool {
    const OPAQUE: [&str; 9] =
        ["mailto", "javascript", "data", "about", "urn", "tel", "sip", "magnet", "blob"];
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.starts_with("//") && OPAQUE.iter().any(|s| s.eq_ignore_ascii_case(scheme))
    })
}

/// The scheme in front of `://`, if it has the form of one.
pub(crate) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    // What follows the longest beginning with the form of a scheme says whether it is one.
    let in_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let end = text.bytes().position(|b| !in_scheme(b))?;
    let (scheme, behind) = text.split_at(end);
    let rest = behind.strip_prefix("://")?;
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()).then_some((scheme, rest))
}

/// A text of the common form that is its own value: recognised without writing anything.
fn as_canonical(text: &str) -> Option<Parsed<'_>> {
    let bytes = text.as_bytes();
    let (written, has_scheme) = match split_scheme(text) {
        Some((scheme, _)) => {
            let Scheme::Special(port) = Scheme::of(scheme) else { return None };
            (whatwg::as_written(bytes, scheme.len(), scheme.len() + 3, port), true)
        }
        // What looks like a scheme in the path is for the careful reader.
        None if text.contains("://") || has_opaque_scheme(text) => return None,
        None => (whatwg::as_written(bytes, 0, 0, 80), false),
    };
    if written.reached != Reached::End {
        return None;
    }
    let Parts { host_start, host_end, path_start, query_end, .. } = written.parts;
    let (host_start, host_end, query_end) = (host_start as usize, host_end as usize, query_end as usize);
    let name = &text[host_start..host_end];
    if !is_plain_host(name) || !has_scheme && !name.contains('.') || !is_settled(&text[path_start as usize..])
    {
        return None;
    }
    Some(Parsed {
        value: Cow::Borrowed(text),
        key: Cow::Borrowed(&text[host_start..query_end]),
        host_len: host_end - host_start,
    })
}

/// Whether a host that the standard's parser gave is one of this profile without a change: an IPv4 address, or a name
/// whose labels are as [`domain`] wants them. The standard lets any A-label pass, this profile does not.
fn is_plain_host(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.len() > 253 || bytes.ends_with(b"onion") {
        return false;
    }
    let (mut start, mut last) = (0, b'.');
    for (at, b) in bytes.iter().enumerate() {
        match b {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {}
            b'.' if at > start && at - start <= 63 && last != b'-' => start = at + 1,
            _ => return false,
        }
        last = *b;
    }
    bytes.len() > start
        && bytes.len() - start <= 63
        && last != b'-'
        && (!name.contains("xn--") || idn::has_simple_a_labels(name))
}

/// Whether every escape in a tail stays as it is.
fn is_settled(tail: &str) -> bool {
    let bytes = tail.as_bytes();
    memchr::memchr_iter(b'%', bytes).all(|at| match bytes.get(at + 1..at + 3) {
        Some(&[high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            !high.is_ascii_lowercase() && !low.is_ascii_lowercase() && !is_unreserved(escaped(high, low))
        }
        _ => true,
    })
}

fn once(text: &str) -> Result<Once, Reason> {
    if has_opaque_scheme(text) {
        return Err(Reason::UrlNoAuthority);
    }
    match split_scheme(text) {
        Some((scheme, rest)) => {
            if matches!(Scheme::of(&scheme.to_ascii_lowercase()), Scheme::Special(_)) {
                let after = rest.trim_start_matches(['/', '\\']);
                if after.is_empty() || after.starts_with(['?', '#']) {
                    return Err(Reason::UrlNoAuthority);
                }
            } else if rest.is_empty() || rest.starts_with(['/', '?', '#']) {
                return Err(Reason::UrlNoAuthority);
            }
            assemble(&whatwg::parse(text, None)?, true)
        }
        None => {
            let end = text.find(['/', '?', '#']).unwrap_or(text.len());
            if end == 0 || text.starts_with('\\') {
                return Err(Reason::UrlNoAuthority);
            }
            if !matches!(text.as_bytes().get(end), Some(b'/' | b'?')) {
                return Err(Reason::UrlNoPath);
            }
            if text.contains("://") && text[..end].contains(':') && !text[..end].contains('.') {
                return Err(Reason::UrlShape);
            }
            assemble(&whatwg::parse(&format!("http://{text}"), None)?, false)
        }
    }
}

/// What one pass of the rules makes of a text.
struct Once {
    value: String,
    /// Where the key's parts are in the value: host, then port, path and query.
    host_start: usize,
    host_end: usize,
    tail_start: usize,
    query_end: usize,
    /// Whether another pass is known to change nothing.
    is_settled: bool,
}

impl Once {
    /// The result, borrowed where the text is its own value.
    fn borrowed_from(self, text: &str) -> Parsed<'_> {
        let Once { value, host_start, host_end, tail_start, query_end, .. } = self;
        let host_len = host_end - host_start;
        let has_path = value[tail_start..].starts_with('/');
        let key = |value: &str| {
            let (head, tail) = (&value[host_start..tail_start], &value[tail_start..query_end]);
            [head, if has_path { "" } else { "/" }, tail].concat()
        };
        if value == text {
            let key = match has_path {
                true => Cow::Borrowed(&text[host_start..query_end]),
                false => Cow::Owned(key(text)),
            };
            return Parsed { value: Cow::Borrowed(text), key, host_len };
        }
        Parsed { key: Cow::Owned(key(&value)), value: Cow::Owned(value), host_len }
    }
}

fn assemble(url: &whatwg::Url<'_>, has_scheme: bool) -> Result<Once, Reason> {
    let href = url.href();
    let name = url.host().filter(|host| !host.is_empty()).ok_or(Reason::UrlNoAuthority)?;
    // A scheme that WHATWG does not know has an opaque host: it is brought into form here, like a root dot.
    let host = canonical_host(name, has_scheme)?;
    let Parts { scheme_end, host_start, host_end, path_start, path_end, query_end, .. } = url.parts;
    let mut value = String::with_capacity(href.len() + 8);
    let head = if has_scheme { 0 } else { scheme_end as usize + 3 };
    value.push_str(&href[head..host_start as usize]);
    let host_start = value.len();
    value.push_str(&host);
    let host_at = value.len();
    value.push_str(&href[host_end as usize..path_start as usize]);
    let tail_start = value.len();
    let mut dots = settle_escapes(&href[path_start as usize..path_end as usize], &mut value);
    dots |= settle_escapes(&href[path_end as usize..query_end as usize], &mut value);
    let query_end_at = value.len();
    dots |= settle_escapes(&href[query_end as usize..], &mut value);
    // Without a scheme, the colon and slashes of another text could be read as one.
    let is_settled = !dots && host == name && (has_scheme || !value.contains("://"));
    Ok(Once { value, host_start, host_end: host_at, tail_start, query_end: query_end_at, is_settled })
}

/// A host as WHATWG's special schemes and all others have it in canonical form.
fn canonical_host(text: &str, single_label: bool) -> Result<Cow<'_, str>, Reason> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let host = host::parse(text)?;
    if matches!(host, host::Host::V4(_) | host::Host::V6(_)) {
        return Ok(host.into_text(text));
    }
    let mut name = host.into_text(text);
    if !is_plain_host(&name) {
        let host = domain::host(&name).map_err(|reason| match reason {
            Reason::OnionChecksum | Reason::OnionShape => reason,
            _ => Reason::UrlHost,
        })?;
        name = Cow::Owned(host.into_owned());
    }
    if !single_label && !name.contains('.') {
        return Err(Reason::SingleLabel);
    }
    Ok(name)
}

/// A host of a URL in canonical form, an IPv6 address in brackets.
pub(crate) fn host_of(text: &str) -> Result<Cow<'_, str>, Reason> {
    canonical_host(text, true)
}

/// The host that a URL parser makes of an authority's host part: a canonical name, or an address.
pub(crate) fn observed_host(text: &str) -> Option<Result<IpAddr, Cow<'_, str>>> {
    if let Ok(address) = ip::address(text) {
        return Some(Ok(address));
    }
    let host = canonical_host(text, true).ok()?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
    Some(bare.parse().map_err(|_| host))
}

/// Copies text, decoding escapes of unreserved characters and upper-casing the others, until neither applies.
/// Whether a dot was decoded: a dot segment can be where none was.
///
/// The output serves as a stack: what is decoded can complete an escape that began before it (`%%34%31`).
pub(crate) fn settle_escapes(text: &str, out: &mut String) -> bool {
    let plain = memchr::memchr(b'%', text.as_bytes()).unwrap_or(text.len());
    out.push_str(&text[..plain]);
    let floor = out.len();
    let mut dots = false;
    for c in text[plain..].chars() {
        out.push(c);
        while let Some(&[b'%', high, low]) = out.as_bytes()[floor..].last_chunk()
            && high.is_ascii_hexdigit()
            && low.is_ascii_hexdigit()
        {
            let byte = escaped(high, low);
            out.truncate(out.len() - 3);
            if is_unreserved(byte) {
                out.push(char::from(byte));
                dots |= byte == b'.';
            } else {
                out.push('%');
                out.push(high.to_ascii_uppercase() as char);
                out.push(low.to_ascii_uppercase() as char);
                break;
            }
        }
    }
    dots
}

/// The byte that two hexadecimal digits stand for.
fn escaped(high: u8, low: u8) -> u8 {
    let digit = |b: u8| if b.is_ascii_digit() { b - b'0' } else { (b | 0x20) - b'a' + 10 };
    digit(high) << 4 | digit(low)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_texts_are_borrowed_with_their_keys() {
        for (text, key, host_len) in [
            ("http://bad.example/", "bad.example/", 11),
            ("https://u:p@bad.example:8443/a%2Fb?q=%C3%BC#f", "bad.example:8443/a%2Fb?q=%C3%BC", 11),
            ("bad.example/a?b", "bad.example/a?b", 11),
            ("u@192.0.2.7:81/", "192.0.2.7:81/", 9),
            ("https://xn--bcher-kva.example/?", "xn--bcher-kva.example/?", 21),
            ("http://[2001:db8::1]/x", "[2001:db8::1]/x", 13),
            ("tcp://bad.example:4444/x", "bad.example:4444/x", 11),
        ] {
            let parsed = parse(text).unwrap();
            assert!(matches!(parsed.value, Cow::Borrowed(value) if value == text), "{text}");
            assert!(matches!(parsed.key, Cow::Borrowed(same) if same == key), "{text}: {}", parsed.key);
            assert_eq!(parsed.host_len, host_len, "{text}");
        }
    }

    /// The standard lets any A-label pass, the profile wants one that UTS 46 would write.
    #[test]
    fn a_labels_are_looked_into() {
        for text in ["http://xn--a/", "http://bad.xn--pokxncvks/", "xn--a.example/x", "http://2.xn--mgbb/"] {
            assert!(crate::url::parse(&format!("http://{}", text.trim_start_matches("http://"))).is_ok());
            assert_eq!(parse(text).err(), Some(Reason::UrlHost), "{text}");
        }
    }

    /// What is taken to be settled after one pass is what further passes give.
    #[test]
    fn values_are_fixed_points() {
        for text in [
            "http://bad.example./%2e%2E/a/%%32e%%32e/b",
            "http://a.b/x/%252e%252e/%%37E?%7e%2f#%%34%31",
            "bad.example/a/%%32e./http://x",
            "tcp://B%C3%BCcher.example.:1/%7Ea",
            "http://1.2.3.4../x",
            "[::1.2.3.4]:80/x://y",
        ] {
            let Ok(first) = parse(text) else { continue };
            let again = once(&first.value).unwrap();
            assert_eq!(again.value, first.value, "{text}");
        }
    }
}
