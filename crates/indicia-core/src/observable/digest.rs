//! Digests and fingerprints: hexadecimal of a fixed length, and the few with a form of their own.
//!
//! The length alone does not tell `md5` from `imphash`, `ja3` or `hassh`: the kind comes from the source, a
//! field or a label in front (see `extract`), never from here.

use std::borrow::Cow;

use super::{Canonical, borrow_if_equal, lower, upper};
use crate::{Kind, Reason};

pub(crate) fn parse(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
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
            lower(text)
        }
    };
    Ok(Canonical::same(kind, value))
}

/// Lower case without the separators and the mark (U+200E) that certificate dialogs put in.
fn thumbprint(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
    let value = plain_hex(text);
    if !value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::NotHex);
    }
    if Some(value.len()) != hex_digits(kind) {
        return Err(Reason::DigestLength);
    }
    Ok(Canonical::same(kind, value))
}

fn plain_hex(text: &str) -> Cow<'_, str> {
    let plain = text.chars().filter(|c| !matches!(c, ':' | ' ' | '-' | '\u{200e}')).collect::<String>();
    borrow_if_equal(text, plain.to_ascii_lowercase())
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
fn ssdeep(text: &str) -> Result<Canonical<'_>, Reason> {
    let text = text.split_once(',').map_or(text, |(hash, _)| hash).trim_end();
    let mut parts = text.splitn(3, ':');
    let (Some(size), Some(first), Some(second)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Reason::HashShape);
    };
    if size.starts_with('0') || !size.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::HashShape);
    }
    let size: u64 = size.parse().map_err(|_| Reason::HashShape)?;
    let chunk = |s: &str, max: usize| {
        s.len() <= max && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    };
    if !size.is_multiple_of(3) || !(size / 3).is_power_of_two() || !chunk(first, 64) || !chunk(second, 64) {
        return Err(Reason::HashShape);
    }
    Ok(Canonical::same(Kind::Ssdeep, text))
}

/// Upper case with `T1` in front; the 70 digits of the old form get theirs.
fn tlsh(text: &str) -> Result<Canonical<'_>, Reason> {
    let digits = text.strip_prefix("T1").or_else(|| text.strip_prefix("t1")).unwrap_or(text);
    if digits.len() != 70 {
        return Err(Reason::DigestLength);
    }
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::NotHex);
    }
    if digits.len() < text.len() {
        return Ok(Canonical::same(Kind::Tlsh, upper(text)));
    }
    Ok(Canonical::same(Kind::Tlsh, format!("T1{}", upper(digits))))
}

/// `t13d1516h2_8daaf6152771_02713d6af862`: ten characters of facts, two cut digests of twelve digits.
fn ja4(text: &str) -> Result<Canonical<'_>, Reason> {
    let value = lower(text);
    let mut parts = value.split('_');
    let (Some(head), Some(ciphers), Some(extensions), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Reason::HashShape);
    };
    let hex = |s: &str| s.len() == 12 && s.bytes().all(|b| b.is_ascii_hexdigit());
    let h = head.as_bytes();
    let ok = h.len() == 10
        && matches!(h[0], b't' | b'q' | b'd')
        && matches!(
            &h[1..3],
            b"00" | b"10" | b"11" | b"12" | b"13" | b"s1" | b"s2" | b"s3" | b"d1" | b"d2" | b"d3"
        )
        && matches!(h[3], b'd' | b'i')
        && h[4..8].iter().all(u8::is_ascii_digit)
        && h[8..].iter().all(u8::is_ascii_alphanumeric);
    if !ok || !hex(ciphers) || !hex(extensions) {
        return Err(Reason::HashShape);
    }
    Ok(Canonical::same(Kind::Ja4, value))
}

/// Hexadecimal without separators or leading zero octets (RFC 5280 §4.1.2.2: at most 20 octets).
fn serial(text: &str) -> Result<Canonical<'_>, Reason> {
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits = plain_hex(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::NotHex);
    }
    // Whole octets, none of them a leading zero; a serial of nothing but zeros keeps one.
    let zeros = digits.bytes().take_while(|b| *b == b'0').count();
    let significant = (digits.len() - zeros).next_multiple_of(2).max(2);
    let value = match significant.checked_sub(digits.len()) {
        None => Cow::Owned(digits[digits.len() - significant..].to_string()),
        Some(0) => digits,
        Some(_) => Cow::Owned(format!("0{digits}")),
    };
    if value.len() > 42 {
        return Err(Reason::DigestLength);
    }
    Ok(Canonical::same(Kind::X509Serial, value))
}
