//! URLs: WHATWG parse and serialization, then escapes of unreserved characters (RFC 3986 §2.3) decoded and
//! the others upper-cased. The key leaves out scheme, userinfo and fragment.
//!
//! A URL may be written without its scheme (`host/path`): it is read as `http` and keeps no scheme in its
//! value. Schemes that WHATWG does not know (`tcp`, `ldap`) are taken when an authority follows; their host is
//! brought into canonical form like any other.

use std::net::IpAddr;

use url::{Host, Url};

use super::{Canonical, domain, ip};
use crate::{Kind, Reason};

/// A URL in canonical form, with the parts that matching needs.
pub(crate) struct Parsed {
    pub(crate) value: String,
    /// Host, port, path and query.
    pub(crate) key: String,
    /// How many bytes of `key` are the host (brackets included).
    pub(crate) host_len: usize,
}

impl From<Parsed> for Canonical {
    fn from(url: Parsed) -> Canonical {
        Canonical::keyed(Kind::Url, url.value, url.key)
    }
}

const SPECIAL: [&str; 5] = ["http", "https", "ftp", "ws", "wss"];

pub(crate) fn parse(text: &str) -> Result<Parsed, Reason> {
    let mut parsed = once(text)?;
    // Decoding an escape can make a new dot segment or escape; the result must be a fixed point.
    for _ in 0..8 {
        let again = once(&parsed.value)?;
        if again.value == parsed.value {
            return Ok(parsed);
        }
        parsed = again;
    }
    Err(Reason::UrlShape)
}

/// Reads a text that looks like a URL without scheme though nobody said so: an address in it must be strict.
pub(crate) fn parse_detected(text: &str) -> Result<Parsed, Reason> {
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
    let (scheme, rest) = text.split_once("://")?;
    let mut bytes = scheme.bytes();
    let ok = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    ok.then_some((scheme, rest))
}

fn once(text: &str) -> Result<Parsed, Reason> {
    if has_opaque_scheme(text) {
        return Err(Reason::UrlNoAuthority);
    }
    match split_scheme(text) {
        Some((scheme, _)) if SPECIAL.iter().any(|s| s.eq_ignore_ascii_case(scheme)) => {
            let after = text.split_once(':').map_or("", |(_, rest)| rest.trim_start_matches(['/', '\\']));
            if after.is_empty() || after.starts_with(['?', '#']) {
                return Err(Reason::UrlNoAuthority);
            }
            let url = Url::parse(text).map_err(shape)?;
            assemble(&url, Some(url.scheme()), true)
        }
        Some((scheme, rest)) => {
            if rest.is_empty() || rest.starts_with(['/', '?', '#']) {
                return Err(Reason::UrlNoAuthority);
            }
            let scheme = scheme.to_ascii_lowercase();
            let url = Url::parse(text).map_err(shape)?;
            assemble(&url, Some(&scheme), true)
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
            let url = Url::parse(&format!("http://{text}")).map_err(shape)?;
            assemble(&url, None, false)
        }
    }
}

fn shape(error: url::ParseError) -> Reason {
    use url::ParseError::*;
    match error {
        EmptyHost | IdnaError | InvalidIpv4Address | InvalidIpv6Address | InvalidDomainCharacter => {
            Reason::UrlHost
        }
        InvalidPort => Reason::Port,
        _ => Reason::UrlShape,
    }
}

fn assemble(url: &Url, scheme: Option<&str>, single_label: bool) -> Result<Parsed, Reason> {
    let host = match url.host().ok_or(Reason::UrlNoAuthority)? {
        Host::Ipv4(a) => a.to_string(),
        Host::Ipv6(a) => bracketed(a),
        // A scheme that WHATWG does not know has an opaque host: bring it into form here.
        Host::Domain(name) => canonical_host(name, single_label)?,
    };
    let mut key = host;
    let host_len = key.len();
    if let Some(port) = url.port() {
        key.push_str(&format!(":{port}"));
    }
    let mut value = String::with_capacity(url.as_str().len());
    if let Some(scheme) = scheme {
        value.push_str(scheme);
        value.push_str("://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        value.push_str(url.username());
        if let Some(password) = url.password() {
            value.push(':');
            value.push_str(password);
        }
        value.push('@');
    }
    value.push_str(&key);
    let mut tail = String::new();
    // The standard's path set has `^` since 2023; the crate's does not yet.
    settle_escapes(&url.path().replace('^', "%5E"), &mut tail);
    if let Some(query) = url.query() {
        tail.push('?');
        settle_escapes(query, &mut tail);
    }
    value.push_str(&tail);
    if !tail.starts_with('/') {
        key.push('/');
    }
    key.push_str(&tail);
    if let Some(fragment) = url.fragment() {
        value.push('#');
        settle_escapes(fragment, &mut value);
    }
    Ok(Parsed { value, key, host_len })
}

/// WHATWG text of an IPv6 host: RFC 5952 without the mixed form.
fn bracketed(address: std::net::Ipv6Addr) -> String {
    Host::<&str>::Ipv6(address).to_string()
}

/// A host as WHATWG's special schemes and all others have it in canonical form.
fn canonical_host(text: &str, single_label: bool) -> Result<String, Reason> {
    let text = text.strip_suffix('.').unwrap_or(text);
    match Host::parse(text).map_err(|_| Reason::UrlHost)? {
        Host::Ipv4(a) => Ok(a.to_string()),
        Host::Ipv6(a) => Ok(bracketed(a)),
        Host::Domain(name) => {
            let name = domain::host(&name).map_err(|reason| match reason {
                Reason::OnionChecksum | Reason::OnionShape => reason,
                _ => Reason::UrlHost,
            })?;
            if !single_label && !name.contains('.') {
                return Err(Reason::SingleLabel);
            }
            Ok(name)
        }
    }
}

/// A host of a URL in canonical form, an IPv6 address in brackets.
pub(crate) fn host_of(text: &str) -> Result<String, Reason> {
    canonical_host(text, true)
}

/// The host that a URL parser makes of an authority's host part: a canonical name, or an address.
pub(crate) fn observed_host(text: &str) -> Option<Result<IpAddr, String>> {
    if let Ok(address) = ip::address(text) {
        return Some(Ok(address));
    }
    let host = canonical_host(text, true).ok()?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
    Some(bare.parse().map_err(|_| host))
}

/// Copies text, decoding escapes of unreserved characters and upper-casing the others, until neither applies.
///
/// The output serves as a stack: what is decoded can complete an escape that began before it (`%%34%31`).
pub(crate) fn settle_escapes(text: &str, out: &mut String) {
    let floor = out.len();
    for c in text.chars() {
        out.push(c);
        while let Some(escape) = out.get(out.len().wrapping_sub(3)..)
            && out.len() - 3 >= floor
            && let [b'%', high, low] = *escape.as_bytes()
            && let (Some(h), Some(l)) = ((high as char).to_digit(16), (low as char).to_digit(16))
        {
            let byte = (h * 16 + l) as u8;
            let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            out.truncate(out.len() - 3);
            if unreserved {
                out.push(char::from(byte));
            } else {
                out.push('%');
                out.push(high.to_ascii_uppercase() as char);
                out.push(low.to_ascii_uppercase() as char);
                break;
            }
        }
    }
}
