//! Values that are right and yet a reason to doubt a hit.

use std::collections::HashSet;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use crate::table::{Mixed, Sketch};

const SPECIAL: &str = include_str!("../tables/special_networks.txt");
const WELL_KNOWN: &str = include_str!("../tables/well_known_networks.txt");
const PLACEHOLDERS: &str = include_str!("../tables/placeholder_names.txt");

/// Networks whose addresses say little: those off the public Internet, root servers, edges of content delivery networks. Network,
/// name of the rule, where it comes from.
///
/// ```
/// let private = ("10.0.0.0/8", "private", "IANA special-purpose address registry");
/// assert!(indicia_data::guards::networks().any(|row| row == private));
/// ```
pub fn networks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let special = crate::rows(SPECIAL).filter_map(|line| line.split_once('\t'));
    let special = special.map(|(net, rule)| (net, rule, "IANA special-purpose address registry"));
    let well_known = crate::rows(WELL_KNOWN).filter_map(|line| {
        let (net, rest) = line.split_once('\t')?;
        let (rule, source) = rest.split_once('\t')?;
        Some((net, rule, source))
    });
    special.chain(well_known)
}

struct Placeholders {
    names: HashSet<&'static str, FixedState>,
    sketch: Sketch,
}

fn placeholders() -> &'static Placeholders {
    static PLACEHOLDER: OnceLock<Placeholders> = OnceLock::new();
    PLACEHOLDER.get_or_init(|| Placeholders {
        names: placeholder_names().collect(),
        sketch: Sketch::new(placeholder_names()),
    })
}

pub(crate) fn placeholder_names() -> impl Iterator<Item = &'static str> + Clone {
    crate::rows(PLACEHOLDERS)
}

/// Whether a canonical name is one that manuals and configurations put for "your name here", or is below one.
///
/// Names that are reserved for documentation, such as `example.com`, are not among them.
///
/// ```
/// use indicia_data::guards::is_placeholder;
/// assert!(is_placeholder("foo.com") && is_placeholder("www.yourdomain.com"));
/// assert!(!is_placeholder("barfoo.com") && !is_placeholder("com"));
/// ```
pub fn is_placeholder(name: &str) -> bool {
    let Placeholders { names, sketch } = placeholders();
    let listed = |name: &str| sketch.may_have(Mixed::of(name.as_bytes())) && names.contains(name);
    let mut rest = name;
    while !listed(rest) {
        match rest.split_once('.') {
            Some((_, parent)) => rest = parent,
            None => return false,
        }
    }
    true
}

/// The version of the table of placeholders.
pub fn placeholder_version() -> &'static str {
    crate::header(PLACEHOLDERS, "version")
}

/// Digests of the empty input, lower-case hexadecimal.
///
/// Source: RFC 1321, FIPS 180-4; each is recomputed by a test of `indicia-core`.
pub const EMPTY_DIGESTS: &[&str] = &[
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_canonical_and_sorted() {
        let names: Vec<_> = placeholder_names().collect();
        assert!(names.is_sorted() && names.len() > 50);
        for name in names {
            assert!(crate::table::is_canonical(name) && name.matches('.').count() >= 1, "{name}");
            assert!(!crate::psl::is_public_suffix(name), "{name}");
        }
    }
}
