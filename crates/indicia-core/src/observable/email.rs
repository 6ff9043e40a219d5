//! E-mail addresses: the local part as written, the domain canonical; case-blind in the key.
//!
//! RFC 5321 §4.1.2: a dot-string (with the UTF-8 of RFC 6531) or a quoted string, 64 bytes at most. Address
//! literals (`user@[192.0.2.1]`) are refused: they name a host, not a mail domain.

use std::borrow::Cow;

use super::{Canonical, domain};
use crate::{Kind, Reason};

pub(crate) fn parse(text: &str) -> Result<Canonical<'_>, Reason> {
    let (local, name) = text.rsplit_once('@').ok_or(Reason::EmailShape)?;
    if name.is_empty() || name.starts_with('[') {
        return Err(Reason::EmailShape);
    }
    if !is_local_part(local) {
        return Err(Reason::EmailLocal);
    }
    let value = match domain::parse(name)? {
        Cow::Borrowed(same) if same.len() == name.len() => Cow::Borrowed(text),
        name => Cow::Owned(format!("{local}@{name}")),
    };
    // A path has 256 bytes with its angle brackets (RFC 5321 §4.5.3.1.3).
    if value.len() > 254 {
        return Err(Reason::TooLong);
    }
    let key = super::text::case_blind(&value).map(Cow::Owned);
    Ok(Canonical { kind: Kind::Email, value, key })
}

fn is_local_part(local: &str) -> bool {
    if local.is_empty() || local.len() > 64 {
        return false;
    }
    if let Some(inner) = local.strip_prefix('"') {
        let Some(inner) = inner.strip_suffix('"') else { return false };
        let mut escaped = false;
        for c in inner.chars() {
            match c {
                _ if escaped && !c.is_ascii() => return false,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return false,
                _ => {}
            }
        }
        return !escaped;
    }
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// `atext` of RFC 5322, and letters beyond ASCII.
pub(crate) fn is_atom_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '/'
                | '='
                | '?'
                | '^'
                | '_'
                | '`'
                | '{'
                | '|'
                | '}'
                | '~'
        )
        || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}
