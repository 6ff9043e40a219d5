//! Values that are text: names, paths, registry keys, and the few identifiers with check digits.
//!
//! The value is as written; whether the key is case-blind is a property of the kind.

use std::borrow::Cow;

use super::{Canonical, borrow_if_equal, upper};
use indicia_data::account;

use crate::{Kind, Reason};

pub(crate) fn parse(kind: Kind, text: &str) -> Result<Canonical<'_>, Reason> {
    let (value, case_blind) = match kind {
        Kind::RegistryKey => (registry_key(text)?, true),
        Kind::FilePath => {
            if !text.contains(['/', '\\']) && !text.starts_with(['%', '~']) {
                return Err(Reason::TextShape);
            }
            (text.into(), !is_posix_path(text))
        }
        Kind::FileName => {
            if text.contains(['/', '\\']) {
                return Err(Reason::TextShape);
            }
            (text.into(), true)
        }
        Kind::MobileApp => (mobile_app(text)?, true),
        Kind::Mutex | Kind::ProcessName | Kind::NamedPipe | Kind::ServiceName | Kind::UserName => {
            (text.into(), true)
        }
        Kind::Iban => (iban(text)?, false),
        Kind::PaymentCard => (payment_card(text)?, false),
        Kind::Phone => (phone(text)?, false),
        _ => (text.into(), false),
    };
    let key = if case_blind { self::case_blind(&value).map(Cow::Owned) } else { None };
    Ok(Canonical { kind, value, key })
}

/// A key without case: each character's first lower-case one, whatever stands around it.
///
/// `None` where the text is its own key.
pub(crate) fn case_blind(text: &str) -> Option<String> {
    if text.is_ascii() {
        return text.bytes().any(|b| b.is_ascii_uppercase()).then(|| text.to_ascii_lowercase());
    }
    let key: String = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
    (key != text).then_some(key)
}

/// The key without case, also where it is the text.
pub(crate) fn folded(text: &str) -> String {
    case_blind(text).unwrap_or_else(|| text.to_string())
}

/// Whether a whole value is clearly a path: a drive, a share, an environment variable, `~/` or a rooted path.
pub(crate) fn looks_like_path(text: &str) -> bool {
    let b = text.as_bytes();
    let drive = b.len() > 2 && b[0].is_ascii_alphabetic() && b[1] == b':' && matches!(b[2], b'\\' | b'/');
    let variable = text.strip_prefix('%').and_then(|t| t.split_once('%')).is_some_and(|(name, rest)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && rest.starts_with('\\')
    });
    drive
        || variable
        || text.starts_with("\\\\")
        || text.starts_with("~/")
        || (text.starts_with('/') && b.len() > 1)
}

fn is_posix_path(text: &str) -> bool {
    (text.starts_with('/') || text.starts_with("~/") || !text.contains('\\'))
        && text.as_bytes().get(1).is_none_or(|b| *b != b':')
        && !text.starts_with('%')
}

const HIVES: &[(&str, &str)] = &[
    ("hklm", "HKEY_LOCAL_MACHINE"),
    ("hkey_local_machine", "HKEY_LOCAL_MACHINE"),
    ("machine", "HKEY_LOCAL_MACHINE"),
    ("hkcu", "HKEY_CURRENT_USER"),
    ("hkey_current_user", "HKEY_CURRENT_USER"),
    ("hkcr", "HKEY_CLASSES_ROOT"),
    ("hkey_classes_root", "HKEY_CLASSES_ROOT"),
    ("hku", "HKEY_USERS"),
    ("hkey_users", "HKEY_USERS"),
    ("user", "HKEY_USERS"),
    ("hkcc", "HKEY_CURRENT_CONFIG"),
    ("hkey_current_config", "HKEY_CURRENT_CONFIG"),
];

/// Long hive name, single backslashes, none at the end; PowerShell's `HKLM:\` and the kernel's `\REGISTRY\`.
fn registry_key(raw: &str) -> Result<Cow<'_, str>, Reason> {
    // What goes from the end can leave white space there.
    let text = raw.trim_end_matches(|c| c == '\\' || super::is_edge(c));
    let lower = text.to_ascii_lowercase();
    let (text, kernel) = match lower.strip_prefix("\\registry\\") {
        Some(rest) => (&text[text.len() - rest.len()..], true),
        None => (text, false),
    };
    let mut parts = text.split('\\').filter(|part| !part.is_empty());
    let first = parts.next().ok_or(Reason::TextShape)?;
    let hive = first.trim_end_matches(':').to_ascii_lowercase();
    let bare = matches!(hive.as_str(), "machine" | "user");
    let (_, long) =
        HIVES.iter().find(|(name, _)| *name == hive && kernel == bare).ok_or(Reason::TextShape)?;
    let mut value = String::from(*long);
    for part in parts {
        value.push('\\');
        value.push_str(part);
    }
    Ok(borrow_if_equal(raw, value))
}

/// A bundle id or package name (two parts or more, letters, digits, `_` and `-`), or a store's number.
fn mobile_app(text: &str) -> Result<Cow<'_, str>, Reason> {
    let number = text.strip_prefix("id").unwrap_or(text);
    if (6..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(number.into());
    }
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    if text.len() > 255 || !text.contains('.') || !text.split('.').all(is_part) {
        return Err(Reason::TextShape);
    }
    Ok(text.into())
}

/// Electronic form; the country's length; ISO 13616 check digits modulo 97.
fn iban(text: &str) -> Result<Cow<'_, str>, Reason> {
    let value = upper(text);
    let value = match value.contains(' ') {
        true => Cow::Owned(value.replace(' ', "")),
        false => value,
    };
    let b = value.as_bytes();
    let shape = b.len() > 4
        && b.iter().all(u8::is_ascii_alphanumeric)
        && b[2..4].iter().all(u8::is_ascii_digit)
        && account::iban_length(&value[..2]) == Some(b.len());
    if !shape {
        return Err(Reason::TextShape);
    }
    let rest = b[4..].iter().chain(&b[..4]).fold(0u32, |rest, b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        _ => (rest * 100 + u32::from(b - b'A') + 10) % 97,
    });
    if rest == 1 { Ok(value) } else { Err(Reason::IbanChecksum) }
}

/// 12 to 19 digits that a network issues; ISO/IEC 7812 check digit (Luhn).
fn payment_card(text: &str) -> Result<Cow<'_, str>, Reason> {
    let value = without(text, &[' ', '-']);
    if !value.bytes().all(|b| b.is_ascii_digit()) || !account::is_issued_card(&value) {
        return Err(Reason::TextShape);
    }
    let sum: u32 = value
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') * (1 + i as u32 % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    if sum.is_multiple_of(10) { Ok(value) } else { Err(Reason::CardChecksum) }
}

/// E.164: `+`, a country code that does not begin with zero, up to 15 digits in all. Digits without `+` are kept
/// as they are: where they were dialled from is not known.
fn phone(text: &str) -> Result<Cow<'_, str>, Reason> {
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
        _ => text,
    };
    let value = without(text, &[' ', '-', '.', '(', ')', '/', '\u{a0}', '\u{2011}']);
    let digits = value.strip_prefix('+').unwrap_or(&value);
    let international = digits.len() < value.len();
    if !(6..=15).contains(&digits.len())
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || (international && digits.starts_with('0'))
    {
        return Err(Reason::TextShape);
    }
    Ok(value)
}

fn without<'t>(text: &'t str, separators: &[char]) -> Cow<'t, str> {
    match text.contains(separators) {
        true => Cow::Owned(text.replace(separators, "")),
        false => Cow::Borrowed(text),
    }
}
