//! Domain names: UTS 46 non-transitional A-labels, lower case, no trailing dot.
//!
//! Underscores are allowed everywhere, as in service labels; two labels or more; no label is empty; 63 and
//! 253 bytes at most (RFC 1035 §2.3.4); the last label is never a number, so that no name can be read as an
//! address (WHATWG URL, "ends in a number"). Names below `.onion` carry a checksum (Tor rend-spec-v3).

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use sha3::{Digest, Sha3_256};
use wide::u8x16;

use super::lower;
use crate::Reason;

/// Reads a name of two labels or more. Borrowed where the text is canonical, but for a trailing dot.
pub(crate) fn parse(text: &str) -> Result<Cow<'_, str>, Reason> {
    let name = host(text)?;
    if !name.contains('.') {
        return Err(Reason::SingleLabel);
    }
    Ok(name)
}

/// Reads a name of one label or more, as the host of a URL can be.
pub(crate) fn host(text: &str) -> Result<Cow<'_, str>, Reason> {
    let name = text.strip_suffix('.');
    let (text, has_root) = (name.unwrap_or(text), name.is_some());
    match look(text.as_bytes()) {
        Look::Canonical { .. } => Ok(Cow::Borrowed(text)),
        Look::UpperCase { .. } => Ok(Cow::Owned(text.to_ascii_lowercase())),
        Look::Other => mapped(text, has_root),
    }
}

/// Appends the canonical name to an empty buffer. ASCII without A-labels needs no allocation.
pub(crate) fn write(text: &str, out: &mut String) -> Result<(), Reason> {
    out.push_str(&host(text)?);
    Ok(())
}

/// The name of two labels or more that a text is at a glance, without or with its case changed.
#[inline]
pub(crate) fn at_a_glance(text: &str) -> Option<Cow<'_, str>> {
    match look(text.as_bytes()) {
        Look::Canonical { dots: 1.. } => Some(Cow::Borrowed(text)),
        Look::UpperCase { dots: 1.. } => Some(Cow::Owned(text.to_ascii_lowercase())),
        _ => None,
    }
}

/// The same without memory of its own: `buffer` is for what has to be changed. With it a bit for each dot, the one of the
/// first byte lowest.
#[inline]
pub(crate) fn dots_at_a_glance<'t>(text: &'t str, buffer: &'t mut String) -> Option<(&'t str, u64)> {
    match look(text.as_bytes()) {
        Look::Canonical { dots: dots @ 1.. } => Some((text, dots)),
        Look::UpperCase { dots: dots @ 1.. } => {
            buffer.clear();
            buffer.push_str(text);
            buffer.make_ascii_lowercase();
            Some((buffer, dots))
        }
        _ => None,
    }
}

/// The same for a name that is canonical as it stands.
#[inline(always)]
pub(crate) fn as_it_is(text: &str) -> Option<(&str, u64)> {
    match look(text.as_bytes()) {
        Look::Canonical { dots: dots @ 1.. } => Some((text, dots)),
        _ => None,
    }
}

/// The end of `onion`: names that end so have their checksums looked at.
const NION: u32 = u32::from_le_bytes(*b"nion");

/// With a bit for each dot, the one of the first byte lowest.
enum Look {
    Canonical {
        dots: u64,
    },
    /// Canonical once its letters are lower case.
    UpperCase {
        dots: u64,
    },
    /// The rules must be gone through one by one.
    Other,
}

/// One pass over a name as almost all are, sixteen bytes at once: nothing but the rules of `check` for names of 4 to 63 bytes
/// that need no mapping, have nothing that could be an A-label or a number at the end, and are not below `onion`.
///
/// A pass from byte to byte is twice as slow: the lengths of labels are random to a processor, and it guesses each branch.
#[inline]
fn look(b: &[u8]) -> Look {
    let length = b.len();
    let at = |from: usize| b.get(from..).and_then(|rest| rest.first_chunk()).map_or(Bits::NONE, Bits::of);
    let seen = match length {
        16..=32 => at(0).and(&at(length - 16), length - 16),
        33..=63 => {
            let tail = at(length - 32).and(&at(length - 16), 16);
            at(0).and(&at(16), 16).and(&tail, length - 32)
        }
        8..=15 => {
            let (Some(head), Some(tail)) = (b.first_chunk(), b.last_chunk()) else { return Look::Other };
            let behind = u64::from_le_bytes(*tail) >> (8 * (15 - length)) >> 8;
            Bits::of(&(u128::from(u64::from_le_bytes(*head)) | u128::from(behind) << 64).to_le_bytes())
        }
        4..=7 => {
            let (Some(head), Some(tail)) = (b.first_chunk(), b.last_chunk()) else { return Look::Other };
            let behind = u64::from(u32::from_le_bytes(*tail)) << (8 * (length - 4));
            Bits::of(&u128::from(u64::from(u32::from_le_bytes(*head)) | behind).to_le_bytes())
        }
        _ => return Look::Other,
    };
    let last = 1u64 << (length - 1);
    // No empty label, no hyphen at the end of one, no two hyphens that could be those of an A-label.
    let wrong =
        seen.dots & (seen.dots << 1 | 1 | last) | seen.hyphens << 1 & (seen.dots | seen.hyphens | last << 1);
    let label = 64 - seen.dots.leading_zeros() as usize;
    if wrong != 0
        || seen.known != (last << 1).wrapping_sub(1)
        || b[label].is_ascii_digit()
        || b.last_chunk().is_some_and(|end| u32::from_le_bytes(*end) | 0x2020_2020 == NION)
    {
        return Look::Other;
    }
    match seen.upper {
        0 => Look::Canonical { dots: seen.dots },
        _ => Look::UpperCase { dots: seen.dots },
    }
}

/// What the bytes of a text are: a bit each, the first lowest.
struct Bits {
    known: u64,
    dots: u64,
    hyphens: u64,
    upper: u64,
}

impl Bits {
    const NONE: Bits = Bits { known: 0, dots: 0, hyphens: 0, upper: 0 };

    #[inline]
    fn of(bytes: &[u8; 16]) -> Bits {
        let bytes = u8x16::new(*bytes);
        let folded = bytes | u8x16::splat(0x20);
        let among = |bytes: u8x16, first: u8, count: u8| {
            let from = bytes - u8x16::splat(first);
            from.min(u8x16::splat(count - 1)).simd_eq(from)
        };
        let letters = among(folded, b'a', 26);
        let dots = bytes.simd_eq(u8x16::splat(b'.'));
        let hyphens = bytes.simd_eq(u8x16::splat(b'-'));
        let known = letters | among(bytes, b'0', 10) | dots | hyphens | bytes.simd_eq(u8x16::splat(b'_'));
        let bits = |bytes: u8x16| u64::from(bytes.to_bitmask());
        Bits {
            known: bits(known),
            dots: bits(dots),
            hyphens: bits(hyphens),
            upper: bits(letters & !bytes.simd_eq(folded)),
        }
    }

    /// With those of another piece, which begins at a byte of the text.
    #[inline]
    fn and(self, other: &Bits, at: usize) -> Bits {
        Bits {
            known: self.known | other.known << at,
            dots: self.dots | other.dots << at,
            hyphens: self.hyphens | other.hyphens << at,
            upper: self.upper | other.upper << at,
        }
    }
}

/// The canonical name by the rules one by one. Behind `has_root` a root's dot was taken off.
fn mapped(text: &str, has_root: bool) -> Result<Cow<'_, str>, Reason> {
    // Longer than any name even if every byte were an escape: do no work on it.
    if text.len() > 4 * 253 {
        return Err(Reason::LabelLength);
    }
    let name = if text.is_ascii() && !has_a_label(text) {
        lower(text)
    } else {
        let ascii = Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
            .map_err(|_| Reason::Idna)?;
        // Other dots than ASCII's are mapped to it.
        let name = ascii.strip_suffix('.').filter(|_| !has_root).unwrap_or(&ascii);
        if name.is_empty() || name.split('.').any(is_wrong_a_label) {
            return Err(Reason::Idna);
        }
        if name == text { Cow::Borrowed(text) } else { Cow::Owned(name.to_string()) }
    };
    check(&name)?;
    Ok(name)
}

/// What the `idna` crate (1.1, data of Unicode 17) lets through: an A-label of an A-label (UTS 46 §4.1, criterion 4
/// without `CheckHyphens`), and code points of plane 3 that are not assigned.
pub(super) fn is_wrong_a_label(label: &str) -> bool {
    let Some(code) = label.strip_prefix("xn--") else { return false };
    idna::punycode::decode_to_string(code).is_none_or(|decoded| {
        decoded.starts_with("xn--") || decoded.chars().any(|c| ('\u{3347a}'..='\u{3ffff}').contains(&c))
    })
}

fn has_a_label(text: &str) -> bool {
    text.split('.').any(|label| {
        let b = label.as_bytes();
        b.len() >= 4 && b[2] == b'-' && b[3] == b'-' && b[..2].eq_ignore_ascii_case(b"xn")
    })
}

/// The rules on a lower-case ASCII name.
fn check(name: &str) -> Result<(), Reason> {
    if name.len() > 253 {
        return Err(Reason::LabelLength);
    }
    let mut last = "";
    for label in name.split('.') {
        if label.is_empty() {
            return Err(Reason::EmptyLabel);
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(Reason::DomainShape);
        }
        if label.len() > 63 {
            return Err(Reason::LabelLength);
        }
        if label.ends_with('-') {
            return Err(Reason::HyphenEdge);
        }
        last = label;
    }
    if is_number(last) {
        return Err(Reason::NumericTld);
    }
    if let Some(rest) = name.strip_suffix(".onion") {
        onion(rest.rsplit('.').next().unwrap_or(rest))?;
    }
    Ok(())
}

/// Whether a label is a number to a URL parser: decimal digits, or `0x` and hexadecimal ones.
pub(crate) fn is_number(label: &str) -> bool {
    label.bytes().all(|b| b.is_ascii_digit())
        || label.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `onion_address = base32(PUBKEY | CHECKSUM | VERSION)`, `CHECKSUM = SHA3-256(".onion checksum" | PUBKEY |
/// VERSION)[:2]`, version 3. The 16 characters of retired version 2 have no checksum and are taken as they are.
fn onion(label: &str) -> Result<(), Reason> {
    if !label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')) {
        return Err(Reason::OnionShape);
    }
    match label.len() {
        16 => Ok(()),
        56 => {
            let mut bytes = [0u8; 35];
            let (mut bits, mut held, mut at) = (0u32, 0u32, 0);
            for b in label.bytes() {
                let digit = if b.is_ascii_lowercase() { b - b'a' } else { b - b'2' + 26 };
                bits = bits << 5 | u32::from(digit);
                held += 5;
                if held >= 8 {
                    held -= 8;
                    bytes[at] = (bits >> held) as u8;
                    at += 1;
                }
            }
            let (key, tail) = bytes.split_at(32);
            let sum = Sha3_256::new()
                .chain_update(".onion checksum")
                .chain_update(key)
                .chain_update([3])
                .finalize();
            if tail[2] != 3 || tail[..2] != sum[..2] {
                return Err(Reason::OnionChecksum);
            }
            Ok(())
        }
        _ => Err(Reason::OnionShape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one pass agrees with the rules one by one, on a million names made of what decides.
    #[test]
    fn the_pass_is_the_rules() {
        let mut random = crate::observable::Random(0x0d0_3a1);
        let pieces = [
            "a",
            "b",
            "Z",
            "9",
            "0x1",
            "-",
            "--",
            "xn--",
            "_",
            ".",
            ".",
            ".",
            "..",
            "onion",
            "com",
            "\u{fc}",
            " ",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "xn--mnchen-3ya",
            "%",
            "\u{3002}",
        ];
        for _ in 0..crate::observable::twin_rounds() {
            let text = random.text(&pieces, 8);
            let slow = match text.strip_suffix('.') {
                Some(name) => mapped(name, true),
                None => mapped(&text, false),
            };
            let fast = host(&text);
            assert_eq!(fast, slow, "{text:?}");
        }
    }
}
