//! Addresses, networks and ranges: strict dotted decimal (RFC 6943 §3.1.1 calls the rest ambiguous), RFC 4291
//! text read and RFC 5952 text written, CIDR (RFC 4632), inclusive ranges.
//!
//! The four kinds share one key space. An IPv4-mapped IPv6 value keeps its kind and has the IPv4's key; a
//! network or range of one address has that address's key.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Canonical, dotted, written};
use crate::{Kind, Reason};

/// Addresses from `first` to `last`, both included, of one family. Mapped IPv4 stands as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: IpAddr,
    pub(crate) last: IpAddr,
}

pub(crate) fn parse(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
    match kind {
        Kind::Ipv4 => match text.split_once('/') {
            Some((address, length)) => {
                let net = Ipv4Net::new(ipv4(address)?, prefix_length(length, 32)?)
                    .map_err(|_| Reason::PrefixLength)?;
                if net.prefix_len() != 32 {
                    return Err(Reason::Ipv4Shape);
                }
                // What the strict grammar takes is written canonically.
                Ok(Canonical::same(Kind::Ipv4, address))
            }
            None => ipv4(text).map(|_| Canonical::same(Kind::Ipv4, text)),
        },
        Kind::Ipv6 => {
            let address = match text.split_once('/') {
                Some((address, length)) if prefix_length(length, 128)? == 128 => ipv6(address)?,
                Some(_) => return Err(Reason::Ipv6Shape),
                None => ipv6(text)?,
            };
            let value = written(text, &address);
            Ok(Canonical { kind: Kind::Ipv6, value, key: mapped_key(address.into()) })
        }
        Kind::Cidr => cidr(text),
        _ => range(text),
    }
}

/// The address of a network or range of one address, as the kind that it is in canonical form.
pub(crate) fn single(found: &Canonical<'_>) -> Option<Canonical<'static>> {
    let text = match found.kind {
        Kind::Cidr => {
            let (address, length) = found.value.split_once('/')?;
            let full = if address.contains(':') { "128" } else { "32" };
            (length == full).then_some(address)?
        }
        Kind::IpRange => {
            let (first, last) = found.value.split_once('-')?;
            (first == last).then_some(first)?
        }
        _ => return None,
    };
    let found = parse(if text.contains(':') { Kind::Ipv6 } else { Kind::Ipv4 }, text).ok()?;
    let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    Some(Canonical { kind: found.kind, value: owned(found.value), key: found.key.map(owned) })
}

/// The kind that a text clearly means to be, though it is refused: so that the reason is the right one.
pub(crate) fn shape(text: &str) -> Option<Kind> {
    let dotted = |s: &str| {
        s.split('.').count() == 4 && s.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !s.contains("..")
    };
    let colons = |s: &str| {
        s.contains("::")
            && s.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%' | b'[' | b']'))
    };
    match text.split_once('/') {
        // Brackets are those of a URL's host.
        Some((address, length))
            if (dotted(address) || (colons(address) && !address.starts_with('[')))
                && !length.is_empty()
                && length.bytes().all(|b| b.is_ascii_digit() || b == b'.') =>
        {
            Some(Kind::Cidr)
        }
        Some(_) => None,
        None if dotted(text) => Some(Kind::Ipv4),
        None if colons(text) || (text.contains("::") && text.contains('%')) => Some(Kind::Ipv6),
        None => {
            let (first, last) = text.split_once('-')?;
            (dotted(first.trim()) && dotted(last.trim())).then_some(Kind::IpRange)
        }
    }
}

/// Strict dotted decimal.
pub(crate) fn ipv4(text: &str) -> Result<Ipv4Addr, Reason> {
    match dotted::parse(text.as_bytes()) {
        Some(address) => Ok(address),
        None => Err(ipv4_by_the_rules(text).err().unwrap_or(Reason::Ipv4Shape)),
    }
}

/// The same by the rules one by one, with the reason.
fn ipv4_by_the_rules(text: &str) -> Result<Ipv4Addr, Reason> {
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next().ok_or(Reason::Ipv4Shape)?;
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(
                if part.len() > 3 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()) {
                    Reason::Ipv4LeadingZero
                } else {
                    Reason::Ipv4Shape
                },
            );
        }
        if part.len() > 1 && part.starts_with('0') {
            return Err(Reason::Ipv4LeadingZero);
        }
        *octet = part.parse().map_err(|_| Reason::Ipv4Shape)?;
    }
    if parts.next().is_some() {
        return Err(Reason::Ipv4Shape);
    }
    Ok(octets.into())
}

/// RFC 4291 text, brackets allowed, a zone refused.
pub(crate) fn ipv6(text: &str) -> Result<Ipv6Addr, Reason> {
    let text = match text.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').ok_or(Reason::Ipv6Shape)?,
        None => text,
    };
    if text.contains('%') {
        return Err(Reason::Ipv6Zone);
    }
    text.parse().map_err(|_| Reason::Ipv6Shape)
}

/// An address of either family.
pub(crate) fn address(text: &str) -> Result<IpAddr, Reason> {
    if text.contains(':') { ipv6(text).map(IpAddr::V6) } else { ipv4(text).map(IpAddr::V4) }
}

/// The address that matching uses: mapped IPv4 as IPv4.
pub(crate) fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The key of an address where it is not the value: that of a mapped one.
fn mapped_key(address: IpAddr) -> Option<Cow<'static, str>> {
    let plain = unmapped(address);
    (plain != address).then(|| Cow::Owned(plain.to_string()))
}

fn key(address: IpAddr) -> String {
    unmapped(address).to_string()
}

fn prefix_length(text: &str, max: u8) -> Result<u8, Reason> {
    if text.is_empty() || text.len() > 3 || (text.len() > 1 && text.starts_with('0')) {
        return Err(Reason::PrefixLength);
    }
    match text.parse::<u8>() {
        Ok(length) if length <= max && text.bytes().all(|b| b.is_ascii_digit()) => Ok(length),
        _ => Err(Reason::PrefixLength),
    }
}

fn cidr(text: &str) -> Result<Canonical<'_>, Reason> {
    let (address_text, length) = text.split_once('/').ok_or(Reason::CidrShape)?;
    if address_text.is_empty() {
        return Err(Reason::CidrShape);
    }
    let net = match address(address_text)? {
        IpAddr::V4(a) => Ipv4Net::new(a, prefix_length(length, 32)?).map(IpNet::V4),
        IpAddr::V6(a) => Ipv6Net::new(a, prefix_length(length, 128)?).map(IpNet::V6),
    }
    .map_err(|_| Reason::PrefixLength)?
    .trunc();
    let key = match net {
        _ if net.prefix_len() == net.max_prefix_len() => Some(key(net.addr())),
        IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.addr().to_ipv4_mapped().is_some() => {
            Some(format!("{}/{}", key(net.addr()), v6.prefix_len() - 96))
        }
        _ => None,
    };
    Ok(Canonical { kind: Kind::Cidr, value: written(text, &net), key: key.map(Cow::Owned) })
}

fn range(text: &str) -> Result<Canonical<'_>, Reason> {
    let (first, last) = text.split_once('-').ok_or(Reason::RangeShape)?;
    let end = |text: &str| {
        address(text.trim()).map_err(|reason| match reason {
            Reason::Ipv4Shape | Reason::Ipv6Shape => Reason::RangeShape,
            other => other,
        })
    };
    let (first, last) = (end(first)?, end(last)?);
    if first.is_ipv4() != last.is_ipv4() {
        return Err(Reason::RangeShape);
    }
    let (from, to) = (unmapped(first), unmapped(last));
    if from.is_ipv4() != to.is_ipv4() {
        return Err(Reason::RangeShape);
    }
    if from > to {
        return Err(Reason::RangeOrder);
    }
    let key = match from == to {
        true => Some(from.to_string()),
        false => ((from, to) != (first, last)).then(|| format!("{from}-{to}")),
    };
    let value = written(text, &format_args!("{first}-{last}"));
    Ok(Canonical { kind: Kind::IpRange, value, key: key.map(Cow::Owned) })
}

/// The addresses that a key of this key space stands for.
pub(crate) fn span(key: &str) -> Option<Span> {
    if let Some((first, last)) = key.split_once('-') {
        return Some(Span { first: first.parse().ok()?, last: last.parse().ok()? });
    }
    if key.contains('/') {
        let net: IpNet = key.parse().ok()?;
        return Some(Span { first: net.network(), last: net.broadcast() });
    }
    let address = key.parse().ok()?;
    Some(Span { first: address, last: address })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observable::{Random, twin_rounds};

    #[test]
    fn the_pass_is_the_rules() {
        let mut random = Random(0x1b4);
        let pieces =
            ["0", "1", "25", "255", "256", "7", "00", ".", ".", ".", ".", "..", "a", " ", "-1", "\u{0661}"];
        for _ in 0..twin_rounds() {
            let text = random.text(&pieces, 9);
            assert_eq!(ipv4(&text), ipv4_by_the_rules(&text), "{text:?}");
            assert_eq!(ipv4(&text).ok(), text.parse().ok(), "{text:?}");
        }
        for _ in 0..twin_rounds() {
            let address = Ipv4Addr::from_bits(random.next() as u32);
            assert_eq!(ipv4(&address.to_string()), Ok(address));
        }
    }
}
