//! Safe Browsing: canonical URLs of versions 4 and 5, and the expressions that its lists are made of.
//!
//! Google's page "URLs and Hashing" is the source of both versions: every escape is undone until none is left, the
//! host and the path are brought into one form, and what must not stand in a URL is escaped again. An escape can
//! stand for any byte, so the rules work on bytes; what comes out is ASCII. Undoing escapes is one pass with the
//! output as a stack, so that `%2525…` costs no more than its length.
//!
//! A list holds hashes of *expressions*: the hosts and paths above a URL. [`expressions`] makes them, [`hash`] is
//! what a list holds the first 4 to 32 bytes of.
//!
//! ```
//! use indicia_core::{Profile, safe_browsing::{self, Version}};
//! let url = Profile::SafeBrowsing5.url(b"http://user@A.B.example//1/./2.html?q#f").unwrap();
//! assert_eq!(url.value(), "http://a.b.example/1/2.html?q");
//! let all: Vec<String> = safe_browsing::expressions(Version::V5, url.value()).collect();
//! assert_eq!(all, [
//!     "a.b.example/1/2.html?q", "a.b.example/1/2.html", "a.b.example/", "a.b.example/1/",
//!     "b.example/1/2.html?q", "b.example/1/2.html", "b.example/", "b.example/1/",
//! ]);
//! assert_eq!(safe_browsing::hash("foo.com/")[..4], [0xaf, 0x30, 0x01, 0x0e]);
//! ```

use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};

use super::host;
use crate::observable::{Canonical, MAX_VALUE_BYTES, url};
use crate::{Kind, Reason};

/// Which version's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Update API v4: hosts above are counted in labels.
    V4,
    /// v5: hosts above begin at the registrable domain of the Public Suffix List.
    V5,
}

/// At most so many hosts of a URL are looked up beside its own.
const MAX_HOSTS_ABOVE: usize = 4;
/// At most so many folders of a path are looked up, the root included.
const MAX_FOLDERS: usize = 4;

/// The expressions of a canonical URL (the value or key of an observable under a profile of Safe Browsing): its
/// own host and those above it, each with its path with and without the query and the folders above. At most 30,
/// each once; scheme, userinfo and port are in none. An address has no host above it.
///
/// The text is taken for canonical: another one gives expressions that stand in no list.
pub fn expressions(version: Version, canonical: &str) -> Expressions<'_> {
    let rest = url::split_scheme(canonical).map_or(canonical, |(_, rest)| rest);
    let (host, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = match tail.split_once('?') {
        Some((path, _)) => (path, Some(tail)),
        None => (tail, None),
    };
    // A text without a path is no canonical URL; its root stands for it.
    let path = if path.is_empty() { "/" } else { path };
    let mut paths: Vec<&str> = query.into_iter().collect();
    let folders = path.match_indices('/').map(|(at, _)| &path[..=at]).take(MAX_FOLDERS);
    for path in std::iter::once(path).chain(folders) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let mut hosts = vec![host];
    let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    if !is_address {
        hosts.extend(hosts_above(version, host));
    }
    Expressions { hosts, paths, next: 0 }
}

/// The hosts above, from the longest to the shortest.
fn hosts_above(version: Version, host: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(host.match_indices('.').map(|(dot, _)| dot + 1)).collect();
    let shortest = match version {
        // Two labels: a top-level domain alone is not looked up.
        Version::V4 => starts.len().checked_sub(2),
        Version::V5 => indicia_data::psl::registrable(host)
            .and_then(|name| starts.iter().position(|start| *start == host.len() - name.len())),
    };
    let range = match (version, shortest) {
        (_, None) => 0..0,
        // The last five labels, then fewer.
        (Version::V4, Some(shortest)) => starts.len().saturating_sub(MAX_HOSTS_ABOVE + 1)..shortest + 1,
        (Version::V5, Some(shortest)) => (shortest + 1).saturating_sub(MAX_HOSTS_ABOVE)..shortest + 1,
    };
    // The first start is the host itself.
    range.filter(|at| *at > 0).map(move |at| &host[starts[at]..])
}

/// The expressions of a URL. See [`expressions`].
#[derive(Clone, Debug)]
pub struct Expressions<'u> {
    hosts: Vec<&'u str>,
    paths: Vec<&'u str>,
    next: usize,
}

impl Iterator for Expressions<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let host = self.hosts.get(self.next / self.paths.len())?;
        let path = self.paths[self.next % self.paths.len()];
        self.next += 1;
        // Only the text of a URL that is not canonical begins its query where a path should be.
        let root = if path.starts_with('/') { "" } else { "/" };
        Some(format!("{host}{root}{path}"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.hosts.len() * self.paths.len()).saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Expressions<'_> {}

/// SHA-256 of an expression. A list holds its first 4 to 32 bytes.
pub fn hash(expression: &str) -> [u8; 32] {
    Sha256::digest(expression).into()
}

/// The canonical URL; the key is its expression: without the scheme.
pub(super) fn canonical(version: Version, raw: &[u8]) -> Result<Canonical<'_>, Reason> {
    let kept: Vec<u8> = raw.iter().copied().filter(|b| !matches!(b, b'\t' | b'\r' | b'\n')).collect();
    let text = kept.trim_ascii();
    let text = text.split(|b| *b == b'#').next().unwrap_or_default();
    let text = unescaped(text);
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    let (scheme, rest) = match scheme(&text) {
        Some(scheme) => (scheme.to_ascii_lowercase(), &text[scheme.len() + 3..]),
        None => ("http".to_string(), &text[..]),
    };
    if std::str::from_utf8(&text).is_ok_and(url::has_opaque_scheme) {
        return Err(Reason::UrlNoAuthority);
    }
    let (authority, tail) =
        rest.split_at(rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len()));
    let host = host(version, authority)?;
    let (path, query) = match tail.iter().position(|b| *b == b'?') {
        Some(at) => (&tail[..at], Some(&tail[at + 1..])),
        None => (tail, None),
    };
    let mut key = host;
    escape(&resolved(path), &mut key);
    if let Some(query) = query {
        key.push('?');
        escape(query, &mut key);
    }
    let value = format!("{scheme}://{key}");
    if value.len() > MAX_VALUE_BYTES {
        return Err(Reason::TooLong);
    }
    Ok(Canonical::keyed(Kind::Url, value, key))
}

/// The scheme in front of `://`.
fn scheme(text: &[u8]) -> Option<&str> {
    let at = text.iter().position(|b| *b == b':')?;
    let head = std::str::from_utf8(text.get(..at + 3)?).ok()?;
    url::split_scheme(head).map(|(scheme, _)| scheme)
}

/// Undoes escapes until none is left. What is decoded can complete an escape that began before it.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let mut out = Vec::with_capacity(text.len());
    for b in text {
        out.push(*b);
        while let [.., b'%', high, low] = out[..]
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            out.truncate(out.len() - 3);
            out.push(high << 4 | low);
        }
    }
    out
}

fn escape(text: &[u8], out: &mut String) {
    for b in text {
        match b {
            0..=0x20 | 0x7f.. | b'#' | b'%' => out.push_str(&format!("%{b:02X}")),
            _ => out.push(char::from(*b)),
        }
    }
}

/// The host of an authority, in its one spelling.
fn host(version: Version, authority: &[u8]) -> Result<String, Reason> {
    let behind_user = authority.rsplit(|b| *b == b'@').next().unwrap_or_default();
    let host_len = if behind_user.starts_with(b"[") {
        behind_user.iter().position(|b| *b == b']').map(|end| end + 1).ok_or(Reason::UrlHost)?
    } else {
        behind_user.iter().position(|b| *b == b':').unwrap_or(behind_user.len())
    };
    let (host, port) = behind_user.split_at(host_len);
    match port {
        [] => {}
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {}
        [b':', ..] => return Err(Reason::Port),
        _ => return Err(Reason::UrlHost),
    }
    if let [b'[', inner @ .., b']'] = host {
        return bracketed(version, inner);
    }
    let host = host::single_dots(host);
    let name = match std::str::from_utf8(&host) {
        Ok(name) if !name.is_ascii() => host::a_labels(name),
        _ => None,
    };
    // Bytes that are no name are escaped, as the page's own example has it.
    let host = match name {
        Some(name) => host::single_dots(name.as_bytes()),
        None => host,
    };
    if host.is_empty() {
        return Err(Reason::UrlNoAuthority);
    }
    // Behind a dot that is gone, it would be read as brackets.
    if host.starts_with(b"[") {
        return Err(Reason::UrlHost);
    }
    if let Some(address) = std::str::from_utf8(&host).ok().and_then(host::ipv4) {
        return Ok(address.to_string());
    }
    let mut out = String::with_capacity(host.len());
    escape(&host.to_ascii_lowercase(), &mut out);
    Ok(out)
}

/// Version 4 says nothing of IPv6: it stays as written, in lower case.
fn bracketed(version: Version, inner: &[u8]) -> Result<String, Reason> {
    let text = std::str::from_utf8(inner).map_err(|_| Reason::UrlHost)?;
    let address: Ipv6Addr = text.parse().map_err(|_| Reason::UrlHost)?;
    Ok(match (version, address.to_ipv4_mapped().or_else(|| host::nat64(address))) {
        (Version::V4, _) => format!("[{}]", text.to_ascii_lowercase()),
        (Version::V5, Some(address)) => address.to_string(),
        (Version::V5, None) => format!("[{address}]"),
    })
}

/// A path without dot segments, then without runs of slashes; the root where there is none.
fn resolved(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let segments: Vec<&[u8]> = path.split(|b| *b == b'/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        let folder = match *segment {
            b"." => true,
            b".." => {
                kept.pop();
                true
            }
            other => {
                kept.push(other);
                false
            }
        };
        if folder && at + 1 == segments.len() {
            kept.push(b"");
        }
    }
    let mut out = Vec::with_capacity(path.len() + 1);
    for segment in kept {
        if out.last() != Some(&b'/') {
            out.push(b'/');
        }
        out.extend_from_slice(segment);
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}
