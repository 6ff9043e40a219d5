//! Short identifiers: AS numbers, hardware addresses, CVE and ATT&CK ids.

use std::borrow::Cow;

use super::{Canonical, upper};
use crate::{Kind, Reason};

/// asplain (RFC 5396) from `AS64496`, `ASN 64496` or asdot.
pub(crate) fn asn(text: &str) -> Result<Canonical<'_>, Reason> {
    let bytes = text.as_bytes();
    let digits = if bytes.len() > 2 && bytes[..2].eq_ignore_ascii_case(b"as") {
        let rest = text[2..].strip_prefix(['N', 'n']).unwrap_or(&text[2..]);
        rest.strip_prefix(' ').unwrap_or(rest)
    } else {
        return Err(Reason::AsnShape);
    };
    asn_number(digits).map(|n| asn_value(text, n))
}

/// A bare number too, for a source that says that it is an AS number.
pub(crate) fn asn_bare(text: &str) -> Result<Canonical<'_>, Reason> {
    match asn_number(text) {
        Ok(n) => Ok(asn_value(text, n)),
        Err(_) => asn(text),
    }
}

fn asn_value(text: &str, number: u32) -> Canonical<'_> {
    let canonical = text.strip_prefix("AS").is_some_and(|digits| {
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'))
    });
    match canonical {
        true => Canonical::same(Kind::Asn, text),
        false => Canonical::same(Kind::Asn, format!("AS{number}")),
    }
}

fn asn_number(digits: &str) -> Result<u32, Reason> {
    let number = |s: &str| -> Result<u32, Reason> {
        if s.is_empty() || s.len() > 10 || !s.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Reason::AsnShape);
        }
        s.parse().map_err(|_| Reason::AsnShape)
    };
    match digits.split_once('.') {
        None => number(digits),
        Some((high, low)) => {
            let (high, low) = (number(high)?, number(low)?);
            if high > 0xffff || low > 0xffff {
                return Err(Reason::AsnShape);
            }
            Ok(high << 16 | low)
        }
    }
}

/// Lower-case colon form of 6 (EUI-48) or 8 (EUI-64) bytes, from colon, hyphen or dot form.
pub(crate) fn mac(text: &str) -> Result<Canonical<'_>, Reason> {
    let (separator, group) = match text.bytes().find(|b| !b.is_ascii_hexdigit()) {
        Some(b':') => (':', 2),
        Some(b'-') => ('-', 2),
        Some(b'.') => ('.', 4),
        _ => return Err(Reason::MacShape),
    };
    mac_digits(text, separator, group)
}

/// Bare digits too, for a source that says that it is a hardware address.
pub(crate) fn mac_bare(text: &str) -> Result<Canonical<'_>, Reason> {
    match text.len() {
        12 | 16 if text.bytes().all(|b| b.is_ascii_hexdigit()) => mac_digits(text, '\0', text.len()),
        _ => mac(text),
    }
}

fn mac_digits(text: &str, separator: char, group: usize) -> Result<Canonical<'_>, Reason> {
    let mut count = 0;
    for part in text.split(separator) {
        count += part.len();
        if part.len() != group || count > 16 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Reason::MacShape);
        }
    }
    if !matches!(count, 12 | 16) {
        return Err(Reason::MacShape);
    }
    if separator == ':' && !text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(Canonical::same(Kind::Mac, text));
    }
    let digits = text.chars().filter(|c| *c != separator).map(|c| c.to_ascii_lowercase());
    let mut value = String::with_capacity(23);
    for (i, c) in digits.enumerate() {
        if i > 0 && i % 2 == 0 {
            value.push(':');
        }
        value.push(c);
    }
    Ok(Canonical::same(Kind::Mac, value))
}

/// `CVE-YEAR-NUMBER`, upper case; dashes of Unicode, `_` and a space stand for the hyphen.
pub(crate) fn cve(text: &str) -> Result<Canonical<'_>, Reason> {
    let is_hyphen = |c: char| matches!(c, '\u{2010}'..='\u{2015}' | '_' | ' ');
    let plain = match text.contains(is_hyphen) {
        true => Cow::Owned(text.replace(is_hyphen, "-")),
        false => Cow::Borrowed(text),
    };
    let mut parts = plain.split('-');
    let (Some(head), Some(year), Some(number), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Reason::CveShape);
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let ok = head.eq_ignore_ascii_case("cve")
        && year.len() == 4
        && digits(year)
        && year >= "1999"
        && (4..=19).contains(&number.len())
        && digits(number);
    if !ok {
        return Err(Reason::CveShape);
    }
    Ok(Canonical::same(
        Kind::Cve,
        match text.starts_with("CVE-") && matches!(plain, Cow::Borrowed(_)) {
            true => Cow::Borrowed(text),
            false => Cow::Owned(format!("CVE-{year}-{number}")),
        },
    ))
}

/// `T1059`, `T1059.001`, `TA0001`, `S0002`, `G0016`, `M1036`, `C0001`, `DS0001`, `DC0001`, `DET0001`, `AN0001`, upper case.
pub(crate) fn attack_id(text: &str) -> Result<Canonical<'_>, Reason> {
    let value = upper(text);
    let letters = value.bytes().take_while(u8::is_ascii_uppercase).count();
    let (head, rest) = value.split_at(letters);
    let (number, sub) = rest.split_once('.').map_or((rest, None), |(n, s)| (n, Some(s)));
    let digits = |s: &str, n| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    let ok = matches!(head, "T" | "TA" | "S" | "G" | "M" | "C" | "DS" | "DC" | "DET" | "AN")
        && digits(number, 4)
        && sub.is_none_or(|s| head == "T" && digits(s, 3));
    if !ok {
        return Err(Reason::AttackIdShape);
    }
    Ok(Canonical::same(Kind::AttackId, value))
}
