//! `kaspersky@1`: the URL normalization of Kaspersky's threat data feeds. Rules: `docs/profiles/kaspersky-1.md`.
//!
//! The page of CyberTrace prints the rules, one example each; the vendor's open normalizer shows how they are put
//! together: any port is dropped, escapes are decoded once, and path and query are lower-cased. The value must be
//! readable again, so whatever would be read otherwise the second time stands escaped in it: a `%` that is left
//! is `%25`. Two URLs are equal here when what is decoded is equal.

use std::net::Ipv6Addr;

use super::host;
use crate::observable::{Canonical, is_edge, url};
use crate::{Kind, Reason};

pub(super) fn url(text: &str) -> Result<Canonical<'_>, Reason> {
    if url::has_opaque_scheme(text) {
        return Err(Reason::UrlNoAuthority);
    }
    let rest = without_scheme(text).trim_start_matches('/');
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, tail) = rest.split_at(rest.find(['/', '\\', '?']).unwrap_or(rest.len()));
    let host = host_of(authority)?;
    let (path, query) = match tail.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (tail, None),
    };
    let (path, folder) = cleaned(&decoded(path));
    let query = query.map(|query| {
        let mut query = decoded(query);
        query.retain(|b| *b != 0);
        query.dedup_by(|next, last| *next == b'/' && *last == b'/');
        query
    });

    let mut tail = String::new();
    write(&path, true, &mut tail);
    match query.as_deref() {
        // A bare `?` says nothing behind a slash.
        Some([]) if folder => {}
        Some(query) => {
            if folder {
                tail.push('/');
            }
            tail.push('?');
            write(query, false, &mut tail);
        }
        None => {}
    }
    // White space at the end would not be read again.
    let kept = tail.trim_end_matches(is_edge).len();
    let edge = tail.split_off(kept);
    edge.bytes().for_each(|b| escape(b, &mut tail));

    let (value_host, key_host) = match host {
        HostText::Name(name) => (name.clone(), name),
        HostText::V6 { address, brackets } => {
            let key = format!("[{address}]");
            (if brackets { key.clone() } else { address.to_string() }, key)
        }
    };
    Ok(Canonical::keyed(Kind::Url, value_host + &tail, key_host + &tail))
}

/// A host without `www.` in front.
pub(super) fn without_www(host: &str) -> &str {
    // All of them: the value of `www.www.x` must be its own canonical form.
    host.trim_start_matches("www.")
}

fn without_scheme(text: &str) -> &str {
    if let Some((_, rest)) = url::split_scheme(text) {
        return rest;
    }
    match text.split_once(':') {
        // With any number of slashes.
        Some((scheme, rest)) if ["http", "https", "ftp"].iter().any(|s| s.eq_ignore_ascii_case(scheme)) => {
            rest
        }
        _ => text,
    }
}

enum HostText {
    Name(String),
    V6 { address: Ipv6Addr, brackets: bool },
}

fn host_of(authority: &str) -> Result<HostText, Reason> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()).then_some(()).ok_or(Reason::Port);
    if let Some(inner) = host.strip_prefix('[') {
        let (inner, behind) = inner.split_once(']').ok_or(Reason::UrlHost)?;
        if !behind.is_empty() {
            port(behind.strip_prefix(':').ok_or(Reason::UrlHost)?)?;
        }
        let address = inner.parse().map_err(|_| Reason::UrlHost)?;
        return Ok(HostText::V6 { address, brackets: true });
    }
    let name = match host.split_once(':') {
        // Feeds write IPv6 without brackets too.
        Some((_, rest)) if rest.contains(':') => {
            let address = host.parse().map_err(|_| Reason::UrlHost)?;
            return Ok(HostText::V6 { address, brackets: false });
        }
        Some((name, digits)) => {
            port(digits)?;
            name
        }
        None => host,
    };
    let name = String::from_utf8(decoded(name)).map_err(|_| Reason::UrlHost)?;
    let single = |name: String| String::from_utf8(host::single_dots(name.as_bytes())).unwrap_or_default();
    let name = single(name);
    if name.is_empty() {
        return Err(Reason::UrlNoAuthority);
    }
    let mut name = if name.is_ascii() { name } else { single(host::a_labels(&name).ok_or(Reason::UrlHost)?) };
    name.make_ascii_lowercase();
    let name = without_www(&name);
    if name.is_empty() || name.bytes().any(ends_host) {
        return Err(Reason::UrlHost);
    }
    Ok(HostText::Name(host::ipv4(name).map_or_else(|| name.to_string(), |address| address.to_string())))
}

/// The URL Standard's forbidden domain code points.
fn ends_host(b: u8) -> bool {
    b <= b' ' || b == 0x7f || b"#/:<>?@[\\]^|%".contains(&b)
}

/// Escapes decoded once; with one that is not valid, every `%` is meant as it stands.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).map(|d| d as u8);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [b, behind @ ..] = rest {
        rest = behind;
        if *b != b'%' {
            out.push(*b);
            continue;
        }
        let (Some(high), Some(low)) = (digit(rest.first()), digit(rest.get(1))) else {
            return text.into();
        };
        out.push(high << 4 | low);
        rest = &rest[2..];
    }
    out
}

/// A path without dot segments, runs of slashes and the last slash, and whether it had that one.
fn cleaned(path: &[u8]) -> (Vec<u8>, bool) {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut folder = false;
    for segment in path.split(|b| matches!(b, b'/' | b'\\')).skip(1) {
        folder = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    // A mask for all paths.
    if kept == [b"*"] {
        kept.clear();
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    (out, folder)
}

/// Writes a decoded part in lower case, escaping what would be read otherwise: what is no text, and what ends it.
fn write(part: &[u8], in_path: bool, out: &mut String) {
    for chunk in part.utf8_chunks() {
        for c in chunk.valid().chars() {
            let c = c.to_lowercase().next().unwrap_or(c);
            if c.is_control() || matches!(c, '%' | '#') || (in_path && c == '?') {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|b| escape(b, out));
            } else {
                out.push(c);
            }
        }
        chunk.invalid().iter().for_each(|b| escape(*b, out));
    }
}

fn escape(b: u8, out: &mut String) {
    out.push_str(&format!("%{b:02x}"));
}
