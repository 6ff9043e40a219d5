//! Questions about one value: as text, or as the bytes that a program has at hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use indicia::{Hit, Kind, Reason, ScanOptions, Scratch};

use crate::boundary::{Fail, array, shared, status, utf8};
use crate::hit::indicia_hit;
use crate::scanner::indicia_scanner;
use crate::set::CoreSet;
use crate::status::indicia_status;
use crate::value::{indicia_kind, indicia_str, kind_or_any, one_kind};

/// Finds every indicator that covers a value: the value itself, its host, its parents and networks. The value
/// is normalized and defanging undone.
///
/// kind: its kind, or INDICIA_KIND_ANY: every kind whose grammar takes it. A value that is refused gives its
/// reason, a status from 100 on.
///
/// hits: room for cap hits, or NULL with cap 0. n: how many there are in all. Where n is more than cap, the
/// status is INDICIA_TOO_SMALL and hits is not touched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_lookup(
    scanner: *mut indicia_scanner,
    kind: indicia_kind,
    value: indicia_str,
    hits: *mut indicia_hit,
    cap: usize,
    n: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, value) = unsafe { (shared(scanner, "scanner")?, utf8(value, "value")?) };
        let kind = kind_or_any(kind)?;
        // SAFETY: the caller's promise.
        unsafe {
            scanner.0.enter()?.look_up(hits, cap, n, |set, options, scratch| {
                Ok(set.lookup(value, kind, options, scratch)?.1)
            })
        }
    })
}

/// As indicia_scanner_lookup, for an IPv4 address. address: as in in_addr.s_addr, network byte order. port: in
/// host byte order; 0 for none. With a port, listed endpoints hit too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_lookup_ip4(
    scanner: *mut indicia_scanner,
    address: u32,
    port: u16,
    hits: *mut indicia_hit,
    cap: usize,
    n: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let scanner = unsafe { shared(scanner, "scanner") }?;
        let address = IpAddr::V4(Ipv4Addr::from(address.to_ne_bytes()));
        let port = (port > 0).then_some(port);
        // SAFETY: the caller's promise.
        unsafe {
            scanner.0.enter()?.look_up(hits, cap, n, |set, options, scratch| {
                Ok(set.lookup_address(address, port, options, scratch))
            })
        }
    })
}

/// As indicia_scanner_lookup_ip4, for an IPv6 address. address: 16 bytes, as in in6_addr.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_lookup_ip6(
    scanner: *mut indicia_scanner,
    address: *const u8,
    port: u16,
    hits: *mut indicia_hit,
    cap: usize,
    n: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise: 16 bytes at address.
        let (scanner, bytes) =
            unsafe { (shared(scanner, "scanner")?, *shared(address.cast::<[u8; 16]>(), "address")?) };
        let address = IpAddr::V6(Ipv6Addr::from(bytes));
        let port = (port > 0).then_some(port);
        // SAFETY: the caller's promise.
        unsafe {
            scanner.0.enter()?.look_up(hits, cap, n, |set, options, scratch| {
                Ok(set.lookup_address(address, port, options, scratch))
            })
        }
    })
}

/// As indicia_scanner_lookup, for a name in DNS wire form: labels with a length byte each, then a zero byte,
/// without compression, size bytes in all. Case does not matter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_lookup_dns(
    scanner: *mut indicia_scanner,
    name: *const u8,
    size: usize,
    hits: *mut indicia_hit,
    cap: usize,
    n: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, wire) = unsafe { (shared(scanner, "scanner")?, array(name, size, "name")?) };
        let mut buffer = [0; 256];
        let name = presentation(wire, &mut buffer)?;
        // SAFETY: the caller's promise.
        unsafe {
            scanner
                .0
                .enter()?
                .look_up(hits, cap, n, |set, options, scratch| Ok(set.lookup_name(name, options, scratch)?))
        }
    })
}

/// As indicia_scanner_lookup, for a digest as size bytes. kind: INDICIA_KIND_MD5, INDICIA_KIND_SHA256 and so on, or
/// INDICIA_KIND_ANY for the one of this length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_lookup_digest(
    scanner: *mut indicia_scanner,
    kind: indicia_kind,
    digest: *const u8,
    size: usize,
    hits: *mut indicia_hit,
    cap: usize,
    n: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, digest) = unsafe { (shared(scanner, "scanner")?, array(digest, size, "digest")?) };
        let kind = match kind {
            0 => Kind::of_digest_length(digest.len().saturating_mul(2)).ok_or(Reason::DigestLength)?,
            kind => one_kind(kind)?,
        };
        // SAFETY: the caller's promise.
        unsafe {
            scanner.0.enter()?.look_up(hits, cap, n, |set, options, scratch| {
                Ok(set.lookup_digest(kind, digest, options, scratch)?)
            })
        }
    })
}

/// As indicia_scanner_lookup, for a request as a proxy or web server has it.
///
/// host: a name or an address, IPv6 with or without brackets. port: in host byte order; 0 for none. target:
/// the path with its query, "/" where it is empty. Port 80 stands for http and 443 for https; listed URLs hit
/// whatever their scheme unless INDICIA_SCAN_STRICT_SCHEME is set. Listed endpoints hit with their port.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_scanner_lookup_url(
    scanner: *mut indicia_scanner,
    host: indicia_str,
    port: u16,
    target: indicia_str,
    hits: *mut indicia_hit,
    cap: usize,
    n: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (scanner, host, target) =
            unsafe { (shared(scanner, "scanner")?, utf8(host, "host")?, utf8(target, "target")?) };
        if host.is_empty() || host.contains(['/', '?', '#', '@', '\\']) {
            return Err(Reason::UrlHost.into());
        }
        // SAFETY: the caller's promise.
        unsafe {
            scanner.0.enter()?.look_up(hits, cap, n, |set, options, scratch| {
                request(set, host, port, target, options, scratch)
            })
        }
    })
}

/// Everything that covers a request: its URL, in both spellings where the port is a default of one scheme, and
/// its endpoint.
fn request<'s>(
    set: &'s CoreSet,
    host: &str,
    port: u16,
    target: &str,
    options: &ScanOptions,
    scratch: &mut Scratch,
) -> Result<Vec<Hit<'s>>, Fail> {
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_string() };
    let target = if target.starts_with('/') { target.to_string() } else { format!("/{target}") };
    let (usual, other) = match port {
        0 => (format!("{host}{target}"), None),
        80 => (format!("http://{host}{target}"), Some(format!("https://{host}:80{target}"))),
        443 => (format!("https://{host}{target}"), Some(format!("http://{host}:443{target}"))),
        port => (format!("{host}:{port}{target}"), None),
    };
    let (_, mut found) = set.lookup(&usual, Some(Kind::Url), options, scratch)?;
    let other = other.map(|url| (url, Kind::Url));
    let endpoint = (port > 0).then(|| (format!("{host}:{port}"), Kind::Endpoint));
    for (value, kind) in other.into_iter().chain(endpoint) {
        // What the grammar of a second spelling does not take is not listed in it.
        let Ok((_, more)) = set.lookup(&value, Some(kind), options, scratch) else { continue };
        for hit in more {
            if !found.iter().any(|h| h.indicator == hit.indicator) {
                found.push(hit);
            }
        }
    }
    Ok(found)
}

/// A name in wire form as text. A label with a byte that no host name has is refused.
fn presentation<'b>(wire: &[u8], buffer: &'b mut [u8; 256]) -> Result<&'b str, Fail> {
    let shape = |message: &'static str| Fail::new(Reason::DomainShape, message);
    let mut length = 0;
    let mut at = 0;
    loop {
        let Some(label) = wire.get(at).map(|n| usize::from(*n)) else {
            return Err(shape("the name in wire form has no end"));
        };
        if label == 0 {
            break;
        }
        if label > 63 || length + label + 1 > 254 {
            return Err(shape("the name in wire form is compressed or too long"));
        }
        let Some(text) = wire.get(at + 1..at + 1 + label) else {
            return Err(shape("the name in wire form has no end"));
        };
        if !text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(Reason::DomainShape.into());
        }
        if length > 0 {
            buffer[length] = b'.';
            length += 1;
        }
        buffer[length..length + label].copy_from_slice(text);
        length += label;
        at += 1 + label;
    }
    if at + 1 != wire.len() {
        return Err(shape("something follows the end of the name in wire form"));
    }
    std::str::from_utf8(&buffer[..length]).map_err(|_| Reason::DomainShape.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names() {
        let name = |wire: &[u8]| presentation(wire, &mut [0; 256]).map(str::to_string).ok();
        assert_eq!(name(b"\x03www\x03Bad\x07example\0").as_deref(), Some("www.Bad.example"));
        assert_eq!(name(b"\0").as_deref(), Some(""));
        for wire in
            [&b""[..], b"\x03www", b"\x03ww", b"\xc0\x0c", b"\x03a.b\0", b"\x01a\0b", b"\x02\xc3\xa9\0"]
        {
            assert_eq!(name(wire), None, "{wire:?}");
        }
        let mut long: Vec<u8> = Vec::new();
        for _ in 0..4 {
            long.push(62);
            long.extend([b'a'; 62]);
        }
        long.push(0);
        assert_eq!(name(&long).map(|n| n.len()), Some(251));
        long.splice(0..0, *b"\x03www");
        assert_eq!(name(&long), None);
    }
}
