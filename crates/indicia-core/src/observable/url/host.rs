//! Hosts of URLs whose scheme is special, by the WHATWG standard: names, IPv4 addresses in any spelling, IPv6
//! addresses in brackets.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::idn;
use crate::Reason;

/// What a host's text stands for.
pub(super) enum Host {
    /// A name or an IPv4 address that is written as it should be.
    Same,
    /// A name that only needs lower case.
    Lower,
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    /// The canonical text, brackets included.
    pub(super) fn into_text(self, text: &str) -> Cow<'_, str> {
        match self {
            Host::Same => Cow::Borrowed(text),
            Host::Lower => Cow::Owned(text.to_ascii_lowercase()),
            Host::Name(name) => Cow::Owned(name),
            Host::V4(address) => Cow::Owned(address.to_string()),
            Host::V6(address) => {
                let canonical = Bracketed(address).to_string();
                if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) }
            }
        }
    }
}

// Classes of bytes in a host. A name without any is as it should be.
const UPPER: u8 = 2;
pub(super) const PERCENT: u8 = 4;
const NON_ASCII: u8 = 8;
pub(super) const FORBIDDEN: u8 = 16;

pub(super) static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = match i as u8 {
            0..=b' ' | 0x7f => FORBIDDEN,
            b'#' | b'/' | b':' | b'<' | b'>' | b'?' | b'@' | b'[' | b'\\' | b']' | b'^' | b'|' => FORBIDDEN,
            b'%' => PERCENT,
            b'A'..=b'Z' => UPPER,
            0x80.. => NON_ASCII,
            _ => 0,
        };
        i += 1;
    }
    table
};

pub(super) fn classes(text: &[u8]) -> u8 {
    text.iter().fold(0, |seen, b| seen | CLASS[*b as usize])
}

/// The host parser of special schemes. The errors are all `url-host`.
pub(super) fn parse(text: &str) -> Result<Host, Reason> {
    if let Some(rest) = text.strip_prefix('[') {
        let inner = rest.strip_suffix(']').ok_or(Reason::UrlHost)?;
        return inner.parse().map(Host::V6).map_err(|_| Reason::UrlHost);
    }
    let seen = classes(text.as_bytes());
    // Outside ASCII a forbidden character can be half of another one (`<` and U+0338 are `≮`).
    if text.is_empty() || (seen & FORBIDDEN != 0 && seen & (NON_ASCII | PERCENT) == 0) {
        return Err(Reason::UrlHost);
    }
    // A-labels in ASCII are not looked into: the web has too many that are wrong (standard of June 2026).
    if seen & (PERCENT | NON_ASCII) == 0 {
        return match (ends_in_number(text.as_bytes()), seen & UPPER) {
            (true, _) if is_plain_v4(text.as_bytes()) => Ok(Host::Same),
            (true, _) => v4(text).map(Host::V4).ok_or(Reason::UrlHost),
            (false, 0) => Ok(Host::Same),
            (false, _) => Ok(Host::Lower),
        };
    }
    let name = match seen & PERCENT {
        0 => idn::to_ascii(text)?,
        _ => {
            let decoded = String::from_utf8(percent_decode(text)).map_err(|_| Reason::UrlHost)?;
            match decoded.is_ascii() {
                true if classes(decoded.as_bytes()) & (FORBIDDEN | PERCENT) != 0 => {
                    return Err(Reason::UrlHost);
                }
                true => decoded.to_ascii_lowercase(),
                false => idn::to_ascii(&decoded)?,
            }
        }
    };
    if ends_in_number(name.as_bytes()) {
        return v4(&name).map(Host::V4).ok_or(Reason::UrlHost);
    }
    if name == text { Ok(Host::Same) } else { Ok(Host::Name(name)) }
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, mut after)) = rest.split_first() {
        let mut byte = *first;
        if let (b'%', [high, low, behind @ ..]) = (byte, after)
            && let (Some(h), Some(l)) = ((*high as char).to_digit(16), (*low as char).to_digit(16))
        {
            byte = (h * 16 + l) as u8;
            after = behind;
        }
        out.push(byte);
        rest = after;
    }
    out
}

/// The standard's "ends in a number": the last label, a root dot set aside, is one to a reader of IPv4 addresses.
pub(super) fn ends_in_number(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    // Most names end in a letter that no number has.
    if name.last().is_none_or(|b| !b.is_ascii_hexdigit() && !matches!(b, b'x' | b'X')) {
        return false;
    }
    let label = &name[memchr::memrchr(b'.', name).map_or(0, |dot| dot + 1)..];
    match label {
        [b'0', b'x' | b'X', hex @ ..] => hex.iter().all(u8::is_ascii_hexdigit),
        _ => !label.is_empty() && label.iter().all(u8::is_ascii_digit),
    }
}

/// Whether a text is an IPv4 address in the form that it is written in.
pub(super) fn is_plain_v4(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok())
}

/// The standard's IPv4 parser: one to four numbers, decimal, octal or hexadecimal; the last fills what is left.
fn v4(text: &str) -> Option<Ipv4Addr> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let (mut address, mut count, mut last) = (0u32, 0u32, None);
    for part in text.split('.') {
        if let Some(byte) = last {
            address = address << 8 | u32::from(u8::try_from(byte).ok()?);
        }
        count += 1;
        if count > 4 {
            return None;
        }
        last = Some(v4_number(part)?);
    }
    let last = last?;
    if last >> (8 * (5 - count)) != 0 {
        return None;
    }
    Some(Ipv4Addr::from_bits(address.checked_shl(8 * (5 - count)).unwrap_or(0) | last as u32))
}

/// A number of an IPv4 address; too large for any if it is larger than 32 bits.
fn v4_number(part: &str) -> Option<u64> {
    let (digits, radix) = match part.as_bytes() {
        [] => return None,
        [b'0', b'x' | b'X', ..] => (&part[2..], 16),
        [b'0', _, ..] => (&part[1..], 8),
        _ => (part, 10),
    };
    digits.bytes().try_fold(0u64, |number, b| {
        let digit = (b as char).to_digit(radix)?;
        Some((number * u64::from(radix) + u64::from(digit)).min(1 << 40))
    })
}

/// An IPv6 address as the standard writes it: RFC 5952 without the mixed form, in brackets.
pub(super) struct Bracketed(pub(super) Ipv6Addr);

impl fmt::Display for Bracketed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.0.segments();
        let (mut run, mut at) = (0..0, 0);
        while at < 8 {
            let zeros = groups[at..].iter().take_while(|group| **group == 0).count();
            if zeros > 1 && zeros > run.len() {
                run = at..at + zeros;
            }
            at += zeros.max(1);
        }
        f.write_str("[")?;
        for (at, group) in groups.iter().enumerate() {
            if run.contains(&at) {
                if at == run.start {
                    f.write_str(if at == 0 { "::" } else { ":" })?;
                }
                continue;
            }
            write!(f, "{group:x}{}", if at < 7 { ":" } else { "" })?;
        }
        f.write_str("]")
    }
}
