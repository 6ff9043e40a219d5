//! Domain names: UTS 46 non-transitional A-labels, lower case, no trailing dot.
//!
//! Underscores are allowed everywhere, as in service labels; two labels or more; no label is empty; 63 and
//! 253 bytes at most (RFC 1035 §2.3.4); the last label is never a number, so that no name can be read as an
//! address (WHATWG URL, "ends in a number"). Names below `.onion` carry a checksum (Tor rend-spec-v3).

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use sha3::{Digest, Sha3_256};

use crate::Reason;

/// Reads a name of two labels or more.
pub(crate) fn parse(text: &str) -> Result<String, Reason> {
    let name = host(text)?;
    if !name.contains('.') {
        return Err(Reason::SingleLabel);
    }
    Ok(name)
}

/// Reads a name of one label or more, as the host of a URL can be.
pub(crate) fn host(text: &str) -> Result<String, Reason> {
    let mut name = String::new();
    write(text, &mut name)?;
    Ok(name)
}

/// Appends the canonical name to an empty buffer. ASCII without A-labels needs no allocation.
pub(crate) fn write(text: &str, out: &mut String) -> Result<(), Reason> {
    let text = text.strip_suffix('.').unwrap_or(text);
    // Longer than any name even if every byte were an escape: do no work on it.
    if text.len() > 4 * 253 {
        return Err(Reason::LabelLength);
    }
    if text.is_ascii() && !has_a_label(text) {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        let ascii = Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
            .map_err(|_| Reason::Idna)?;
        out.push_str(ascii.strip_suffix('.').unwrap_or(&ascii));
        if out.is_empty() {
            return Err(Reason::Idna);
        }
    }
    check(out)
}

fn has_a_label(text: &str) -> bool {
    text.split('.').any(|label| label.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("xn--")))
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
