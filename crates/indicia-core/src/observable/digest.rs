//! Digests and fingerprints: hexadecimal of a fixed length, and the few with a form of their own.
//!
//! The length alone does not tell `md5` from `imphash`, `ja3` or `hassh`: the kind comes from the source, a
//! field or a label in front (see `extract`), never from here.

use super::Canonical;
use crate::{Kind, Reason};

pub(crate) fn parse(kind: Kind, text: &str) -> Result<Canonical, Reason> {
    let value = match kind {
        Kind::Ssdeep => return ssdeep(text),
        Kind::Tlsh => return tlsh(text),
        Kind::Ja4 => return ja4(text),
        Kind::X509Serial => return serial(text),
        Kind::X509Sha1 | Kind::X509Sha256 => return thumbprint(kind, text),
        _ => {
            if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Reason::NotHex);
            }
            if Some(text.len()) != hex_digits(kind) {
                return Err(Reason::DigestLength);
            }
            text.to_ascii_lowercase()
        }
    };
    Ok(Canonical::same(kind, value))
}

/// Lower case without the separators and the mark (U+200E) that certificate dialogs put in.
fn thumbprint(kind: Kind, text: &str) -> Result<Canonical, Reason> {
    let value = plain_hex(text);
    if !value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::NotHex);
    }
    if Some(value.len()) != hex_digits(kind) {
        return Err(Reason::DigestLength);
    }
    Ok(Canonical::same(kind, value))
}

fn plain_hex(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, ':' | ' ' | '-' | '\u{200e}'))
        .collect::<String>()
        .to_ascii_lowercase()
}

/// How many hexadecimal digits a kind has.
pub(crate) const fn hex_digits(kind: Kind) -> Option<usize> {
    Some(match kind {
        Kind::Md5 | Kind::Imphash | Kind::Ja3 | Kind::Ja3s | Kind::Hassh => 32,
        Kind::Sha1 | Kind::X509Sha1 => 40,
        Kind::Sha224 => 56,
        Kind::Jarm => 62,
        Kind::Sha256 | Kind::X509Sha256 | Kind::Authentihash => 64,
        Kind::Sha384 => 96,
        Kind::Sha512 => 128,
        _ => return None,
    })
}

/// `blocksize:hash:hash`, as written, without `,"file name"`. The block size is 3 × 2ⁿ.
fn ssdeep(text: &str) -> Result<Canonical, Reason> {
    let text = text.split_once(',').map_or(text, |(hash, _)| hash).trim_end();
    let mut parts = text.splitn(3, ':');
    let (Some(size), Some(first), Some(second)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Reason::HashShape);
    };
    let size: u64 = size.parse().map_err(|_| Reason::HashShape)?;
    let chunk = |s: &str, max: usize| {
        s.len() <= max && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    };
    if !size.is_multiple_of(3) || !(size / 3).is_power_of_two() || !chunk(first, 64) || !chunk(second, 64) {
        return Err(Reason::HashShape);
    }
    Ok(Canonical::same(Kind::Ssdeep, text.to_string()))
}

/// Upper case with `T1` in front; the 70 digits of the old form get theirs.
fn tlsh(text: &str) -> Result<Canonical, Reason> {
    let digits = text.strip_prefix("T1").or_else(|| text.strip_prefix("t1")).unwrap_or(text);
    if digits.len() != 70 {
        return Err(Reason::DigestLength);
    }
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::NotHex);
    }
    Ok(Canonical::same(Kind::Tlsh, format!("T1{}", digits.to_ascii_uppercase())))
}

/// `t13d1516h2_8daaf6152771_02713d6af862`: ten characters of facts, two cut digests of twelve digits.
fn ja4(text: &str) -> Result<Canonical, Reason> {
    let value = text.to_ascii_lowercase();
    let parts: Vec<&str> = value.split('_').collect();
    let [head, ciphers, extensions] = parts[..] else { return Err(Reason::HashShape) };
    let hex = |s: &str| s.len() == 12 && s.bytes().all(|b| b.is_ascii_hexdigit());
    let h = head.as_bytes();
    let ok = h.len() == 10
        && matches!(h[0], b't' | b'q' | b'd')
        && (h[1..3].iter().all(u8::is_ascii_digit)
            || matches!(&h[1..3], b"s1" | b"s2" | b"s3" | b"d1" | b"d2" | b"d3"))
        && matches!(h[3], b'd' | b'i')
        && h[4..8].iter().all(u8::is_ascii_digit)
        && h[8..].iter().all(u8::is_ascii_alphanumeric);
    if !ok || !hex(ciphers) || !hex(extensions) {
        return Err(Reason::HashShape);
    }
    Ok(Canonical::same(Kind::Ja4, value))
}

/// Hexadecimal without separators or leading zero octets (RFC 5280 §4.1.2.2: at most 20 octets).
fn serial(text: &str) -> Result<Canonical, Reason> {
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits = plain_hex(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::NotHex);
    }
    let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
    let mut value = even.as_str();
    while value.len() > 2 && value.starts_with("00") {
        value = &value[2..];
    }
    if value.len() > 42 {
        return Err(Reason::DigestLength);
    }
    Ok(Canonical::same(Kind::X509Serial, value.to_string()))
}
