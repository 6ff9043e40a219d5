//! Defanging undone and done: the one table of manglings, read and written here.
//!
//! Refanging never rewrites text. A view is a second reading of a piece of text in which each notation of the
//! table stands replaced, with the places of the original kept; a value found in the view is accepted only
//! under the conditions of its level, and its span is always that of the original bytes.

mod defang;
mod markup;
mod table;
mod view;
mod wrapped;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

pub use defang::{DefangStyle, defang, defang_as};
pub(crate) use view::View;
pub use wrapped::may_go_on;

use crate::{Kind, Reason};

/// How much defanging is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refang {
    /// None: bytes count as they stand.
    Off,
    /// Bracketed separators and `hxxp` forms.
    Strict,
    /// The whole table, where the result is an address or has a known or special-use top-level domain.
    #[default]
    Usual,
    /// The whole table without that condition.
    Aggressive,
}

impl Refang {
    /// Every level with its name.
    pub const ALL: &'static [(Refang, &'static str)] = &[
        (Refang::Off, "off"),
        (Refang::Strict, "strict"),
        (Refang::Usual, "usual"),
        (Refang::Aggressive, "aggressive"),
    ];
}

impl FromStr for Refang {
    type Err = crate::ParseError;
    fn from_str(text: &str) -> Result<Refang, Self::Err> {
        let found = Refang::ALL.iter().find(|(_, name)| *name == text);
        found
            .map(|(level, _)| *level)
            .ok_or(crate::ParseError { kind: None, reason: Reason::InvalidArgument })
    }
}

impl fmt::Display for Refang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Refang::ALL[*self as usize].1)
    }
}

/// A whole value with its defanging undone, until nothing is left to undo; borrowed where there is none, and where
/// it would take more than a few rounds: nobody writes that, so it is something else.
pub(crate) fn value(text: &str, level: Refang) -> Cow<'_, str> {
    const ROUNDS: usize = 4;
    let mut undone = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        let Some(view) = View::new(undone.as_bytes(), level) else { return undone };
        match String::from_utf8(view.text) {
            Ok(text) => undone = Cow::Owned(text),
            Err(_) => return Cow::Borrowed(text),
        }
    }
    if View::new(undone.as_bytes(), level).is_none() { undone } else { Cow::Borrowed(text) }
}

/// Whether values of a kind are written defanged at all: those with a host. In paths and names a `\.` is itself.
pub(crate) fn is_written_defanged(kind: Kind) -> bool {
    kind.is_address_like() || matches!(kind, Kind::Endpoint | Kind::Domain | Kind::Url | Kind::Email)
}

/// Whether the host of a canonical value is an address or ends in a known or special-use label.
pub(crate) fn is_plausible(value: &str, kind: Kind) -> bool {
    let host = match kind {
        Kind::Domain => value,
        Kind::Endpoint => value.rsplit_once(':').map_or(value, |(host, _)| host),
        Kind::Email => value.rsplit_once('@').map_or(value, |(_, name)| name),
        Kind::Url => {
            let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            if host.starts_with('[') { host } else { host.split(':').next().unwrap_or(host) }
        }
        _ => return true,
    };
    let last = host.rsplit('.').next().unwrap_or(host);
    host.starts_with('[') || last.bytes().all(|b| b.is_ascii_digit()) || is_listed_tld(last)
}

/// Whether a canonical label is a known or special-use top-level domain.
pub(crate) fn is_listed_tld(label: &str) -> bool {
    indicia_data::tld::is_known(label) || indicia_data::special::is_special_tld(label)
}

/// Undoes the defanging of a text that is one value; borrowed, and so the same bytes, where there is none.
///
/// By [`Refang::Usual`] the result must be a value: an address, or a host with a known or special-use top-level
/// domain; else the text is returned as it is. What is returned is never read further by a second call.
///
/// ```
/// use indicia_core::{Refang, refang::refang};
/// assert_eq!(refang("hxxps[:]//bad[.]example/a", Refang::Usual), "https://bad.example/a");
/// assert_eq!(refang("bad.example", Refang::Usual), "bad.example");
/// ```
pub fn refang(text: &str, level: Refang) -> Cow<'_, str> {
    let undone = value(text, level);
    if level == Refang::Usual && matches!(undone, Cow::Owned(_)) {
        let plausible = |found: crate::observable::Canonical| {
            is_written_defanged(found.kind) && is_plausible(&found.value, found.kind)
        };
        let found = crate::observable::detect(undone.trim()).ok();
        // Rare local parts (`/a@bad.example`) look like something else as a whole.
        let mail = || crate::observable::parse_kind(Kind::Email, undone.trim()).ok();
        if !found.is_some_and(plausible) && !mail().is_some_and(plausible) {
            return Cow::Borrowed(text);
        }
    }
    undone
}

#[cfg(test)]
mod tests {
    use super::table::TABLE;
    use super::view::is_plain;
    use super::*;

    #[test]
    fn spans_lead_back_to_the_original() {
        let raw = b"see hxxps[:]//cdn[.]bad[.]example/a now";
        let view = View::new(raw, Refang::Usual).unwrap();
        assert_eq!(view.text(), b"see https://cdn.bad.example/a now");
        assert_eq!(view.raw_span(4, 29), (4, 35));
        assert_eq!(view.raw_span(12, 15), (14, 17));
        assert_eq!(view.raw_span(0, 3), (0, 3));
    }

    #[test]
    fn text_without_a_notation_has_no_view() {
        for text in ["http://bad.example/a", "nothing here", "", "a [b] c", "std::vector<int>"] {
            assert!(View::new(text.as_bytes(), Refang::Usual).is_none(), "{text}");
        }
    }

    #[test]
    fn plain_texts_hold_no_notation() {
        for notation in TABLE {
            assert!(!is_plain(notation.written.as_bytes()), "{}", notation.written);
        }
        assert!(is_plain(b"www-1.bad.example") && !is_plain(b"cdn-DOT-bad-dot-example"));
    }

    #[test]
    fn notations_beside_the_catalogue() {
        for text in [
            "cdn (dot) bad (dot) example",
            "cdn [dot] bad [dot] example",
            "cdn (.) bad (.) example",
            "cdn[point]bad[point]example",
            "cdn[.[bad[.[example",
            "cdn].]bad].]example",
            "cdn(.]bad[.)example",
            "cdn\".\"bad\".\"example",
            "cdn'.'bad'.'example",
        ] {
            assert_eq!(refang(text, Refang::Usual), "cdn.bad.example", "{text}");
        }
    }

    #[test]
    fn defang_is_undone() {
        for (kind, value) in [
            (Kind::Url, "http://bad.example/a.b?c=d.e"),
            (Kind::Url, "https://user@bad.example:8443/"),
            (Kind::Url, "http://[2001:db8::7]:80/x"),
            (Kind::Url, "tcp://bad.example:9"),
            (Kind::Url, "ftp://bad.example/"),
            (Kind::Url, "http://bad.example/[http://x"),
            (Kind::Url, "svn.x://bad.example/"),
            (Kind::Url, "bad.example/x"),
            (Kind::Ipv4, "192.0.2.7"),
            (Kind::Ipv6, "2001:db8::7"),
            (Kind::Ipv6, "::ffff:192.0.2.7"),
            (Kind::Cidr, "192.0.2.0/24"),
            (Kind::Endpoint, "[2001:db8::7]:443"),
            (Kind::Endpoint, "bad.example:443"),
            (Kind::Email, "a.b@bad.example"),
            (Kind::Domain, "bad.example"),
        ] {
            assert_eq!(refang(&defang(kind, value), Refang::Usual), value, "{}", defang(kind, value));
        }
    }

    proptest::proptest! {
        #[test]
        fn outside_the_edits_no_byte_changes(text in "(\\[|\\]|\\[\\.\\]|hxxps?|://|\\[:\\]|\\.| dot | at |a|com|é|\\[\\.|/){0,20}") {
            for (level, _) in Refang::ALL {
                let Some(view) = View::new(text.as_bytes(), *level) else { continue };
                let (mut raw, mut read) = (0, 0);
                for edit in &view.edits {
                    assert!(raw <= edit.raw.0 && edit.raw.0 < edit.raw.1);
                    assert_eq!(text.as_bytes()[raw..edit.raw.0], view.text[read..edit.view.0]);
                    (raw, read) = (edit.raw.1, edit.view.1);
                }
                assert_eq!(text.as_bytes()[raw..], view.text[read..]);
                assert_eq!(view.raw_span(0, view.text.len()).1, text.len());
            }
        }
    }
}
