//! What the profiles share about hosts: IPv4 addresses in every legal spelling, names as A-labels, dots.

use std::net::{Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// An IPv4 address as `inet_aton` reads it: one to four numbers, decimal, octal (leading `0`) or hexadecimal
/// (`0x`), where the last one fills the bytes that are left.
pub(super) fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = host.split('.').take(5).collect();
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 {
        return None;
    }
    let mut address = 0u64;
    for part in leading {
        address = address << 8 | number(part).filter(|n| *n <= 0xff)?;
    }
    let bits = 32 - 8 * leading.len() as u32;
    let last = number(last).filter(|n| n >> bits == 0)?;
    Some(Ipv4Addr::from_bits((address << bits | last) as u32))
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    // `from_str_radix` would take a sign.
    if digits.is_empty() || !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// The IPv4 address inside a NAT64 address with the well-known prefix `64:ff9b::/96` (RFC 6052).
pub(super) fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    (bits >> 32 == 0x0064_ff9b_u128 << 64).then(|| Ipv4Addr::from_bits(bits as u32))
}

/// A name as A-labels by UTS 46; `None` where it is not valid or would hold what ends a host.
pub(super) fn a_labels(name: &str) -> Option<String> {
    Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
        .ok()
        .map(Into::into)
}

/// A host without leading and trailing dots, and with one dot for each run of them.
pub(super) fn single_dots(host: &[u8]) -> Vec<u8> {
    let labels: Vec<&[u8]> = host.split(|b| *b == b'.').filter(|label| !label.is_empty()).collect();
    labels.join(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address() {
        for (text, address) in [
            ("30.31.65535", Some([30, 31, 255, 255])),
            ("4294967295", Some([255; 4])),
            ("0", Some([0; 4])),
            ("0X7F.1", Some([127, 0, 0, 1])),
            ("4294967296", None),
            ("1.2.3.4.5", None),
            ("256.1.1.1", None),
            ("1.16777216", None),
            ("08.1.1.1", None),
            ("0x.1", None),
            ("+1.1.1.1", None),
            ("1..1", None),
            ("", None),
        ] {
            assert_eq!(ipv4(text), address.map(Ipv4Addr::from), "{text}");
        }
    }

    #[test]
    fn nat64_has_one_prefix() {
        assert_eq!(nat64("64:ff9b::c000:207".parse().unwrap()), Some([192, 0, 2, 7].into()));
        assert_eq!(nat64("64:ff9b:1::c000:207".parse().unwrap()), None);
        assert_eq!(nat64("64:ff9b::1:c000:207".parse().unwrap()), None);
    }
}
