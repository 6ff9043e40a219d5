//! Domain names: UTS 46 non-transitional A-labels, lower case, no trailing dot.
//!
//! Underscores are allowed everywhere, as in service labels; two labels or more; no label is empty; 63 and
//! 253 bytes at most (RFC 1035 §2.3.4); the last label is never a number, so that no name can be read as an
//! address (WHATWG URL, "ends in a number"). Names below `.onion` carry a checksum (Tor rend-spec-v3).

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use sha3::{Digest, Sha3_256};

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
    let text = text.strip_suffix('.').unwrap_or(text);
    match look(text) {
        Look::Canonical => Ok(Cow::Borrowed(text)),
        Look::UpperCase => Ok(Cow::Owned(text.to_ascii_lowercase())),
        Look::Other => mapped(text),
    }
}

/// Appends the canonical name to an empty buffer. ASCII without A-labels needs no allocation.
pub(crate) fn write(text: &str, out: &mut String) -> Result<(), Reason> {
    out.push_str(&host(text)?);
    Ok(())
}

enum Look {
    Canonical,
    /// Canonical once its letters are lower case.
    UpperCase,
    /// The rules must be gone through one by one.
    Other,
}

const LETTER: u8 = 1;
const UPPER: u8 = 2;
const HYPHEN: u8 = 4;
const DOT: u8 = 8;
const DIGIT: u8 = 16;
const STRANGE: u8 = 32;

const CLASS: [u8; 256] = {
    let mut class = [STRANGE; 256];
    let mut b = 0;
    while b < 128 {
        class[b] = match b as u8 {
            b'a'..=b'z' | b'_' => LETTER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'-' => HYPHEN,
            b'.' => DOT,
            _ => STRANGE,
        };
        b += 1;
    }
    class
};

/// One pass over a name as almost all are: nothing but the rules of `check` for names that need no mapping, have
/// no A-labels, no label that could be a number at the end, and are not below `onion`.
fn look(name: &str) -> Look {
    let b = name.as_bytes();
    if b.is_empty() || b.len() > 253 {
        return Look::Other;
    }
    let (mut seen, mut before, mut label) = (0u8, DOT, 0usize);
    for (at, byte) in b.iter().enumerate() {
        let class = CLASS[usize::from(*byte)];
        seen |= class;
        if class == DOT {
            // An empty label, a hyphen at its end, or too long.
            if before & (DOT | HYPHEN) != 0 || at - label > 63 {
                return Look::Other;
            }
            label = at + 1;
        }
        before = class;
    }
    let last = &b[label..];
    let plain = seen & STRANGE == 0
        && before & (DOT | HYPHEN) == 0
        && last.len() <= 63
        && CLASS[usize::from(last[0])] & (LETTER | UPPER) != 0
        && !last.eq_ignore_ascii_case(b"onion");
    // A hyphen in the third and fourth place of a label can be that of an A-label.
    if !plain || (seen & HYPHEN != 0 && has_a_label(name)) {
        return Look::Other;
    }
    if seen & UPPER == 0 { Look::Canonical } else { Look::UpperCase }
}

/// The canonical name by the rules one by one.
fn mapped(text: &str) -> Result<Cow<'_, str>, Reason> {
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
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
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
            let slow = mapped(text.strip_suffix('.').unwrap_or(&text));
            let fast = host(&text);
            assert_eq!(fast, slow, "{text:?}");
        }
    }
}
