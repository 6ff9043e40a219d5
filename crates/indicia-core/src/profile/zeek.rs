//! `zeek@1`: the text that Zeek's intelligence framework compares for `Intel::URL`. Rules:
//! `docs/profiles/zeek-1.md`.
//!
//! Zeek builds host, port unless it is 80, and the URI of the request as it was sent, and lower-cases the whole.
//! It writes no scheme and decodes nothing.

use crate::observable::{self, Canonical, url};
use crate::{Kind, Reason};

pub(super) fn url(text: &str) -> Result<Canonical<'_>, Reason> {
    if url::has_opaque_scheme(text) {
        return Err(Reason::UrlNoAuthority);
    }
    let split = url::split_scheme(text);
    // Only HTTP is seen; another scheme stays, so that it is never equal to what HTTP would be.
    let (other, rest) = match split {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (None, rest),
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    // A fragment is never sent.
    let rest = observable::trim(rest.split('#').next().unwrap_or_default());
    let (authority, uri) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() {
        return Err(Reason::UrlNoAuthority);
    }
    if split.is_none() && uri.is_empty() {
        return Err(Reason::UrlNoPath);
    }
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
    let host_len = match host_port.find(']') {
        Some(end) if host_port.starts_with('[') => end + 1,
        _ => host_port.find(':').unwrap_or(host_port.len()),
    };
    let (host, port) = host_port.split_at(host_len);
    if url::observed_host(host.strip_suffix('.').unwrap_or(host)).is_none() {
        return Err(Reason::UrlHost);
    }
    let mut value = other.map(|scheme| format!("{scheme}://")).unwrap_or_default();
    value.push_str(host);
    if !port.is_empty() {
        let digits = port.strip_prefix(':').ok_or(Reason::UrlHost)?;
        let number = match digits.bytes().all(|b| b.is_ascii_digit()) {
            true if digits.is_empty() => None,
            true => Some(digits.parse::<u16>().map_err(|_| Reason::Port)?),
            false => return Err(Reason::Port),
        };
        if let Some(number) = number.filter(|number| *number != 80 || other.is_some()) {
            value.push_str(&format!(":{number}"));
        }
    }
    if !uri.starts_with('/') {
        value.push('/');
    }
    value.push_str(uri);
    value.make_ascii_lowercase();
    Ok(Canonical::same(Kind::Url, value))
}
