//! Names about which the tables say nothing, told without asking the tables.

use std::sync::OnceLock;

use crate::table::{Mixed, Sketch};
use crate::{guards, hosting, psl};

/// What makes a name be asked about.
struct Marked {
    /// Itself: rules of the Public Suffix List, hosts of the table of shared hosting, placeholders.
    names: Sketch,
    /// What is above it: rules with a wildcard, hosts below which all is shared, placeholders.
    parents: Sketch,
}

fn marked() -> &'static Marked {
    static MARKED: OnceLock<Marked> = OnceLock::new();
    MARKED.get_or_init(|| {
        let placeholders = guards::placeholder_names().map(|name| (name, true));
        let names = psl::names().chain(hosting::names()).chain(placeholders);
        Marked {
            names: Sketch::new(names.clone().map(|(name, _)| name)),
            parents: Sketch::new(names.filter(|(_, below)| *below).map(|(name, _)| name)),
        }
    })
}

/// Whether a canonical name is neither a public suffix nor shared hosting nor a placeholder: `true` is sure, and soon said of nearly all names
/// that are none; after `false` ask [`psl::is_public_suffix`], [`hosting::class_of`] and [`guards::is_placeholder`]. `dots` has a bit for each dot, the
/// one of the first byte lowest. A name with `www.` in front is asked about.
///
/// ```
/// assert!(!indicia_data::is_ordinary("pastebin.com", 1 << 8));
/// assert!(!indicia_data::is_ordinary("www.mediafire.com", 1 << 3 | 1 << 13));
/// assert!(!indicia_data::is_ordinary("anything.ck", 1 << 8));
/// ```
#[inline(always)]
pub fn is_ordinary(name: &str, mut dots: u64) -> bool {
    let (name, marked) = (name.as_bytes(), marked());
    if marked.names.may_have(Mixed::of(name)) || name.starts_with(b"www.") {
        return false;
    }
    while dots != 0 {
        let Some(parent) = name.get(dots.trailing_zeros() as usize + 1..) else { return false };
        if marked.parents.may_have(Mixed::of(parent)) {
            return false;
        }
        dots &= dots - 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dots(name: &str) -> u64 {
        name.bytes().enumerate().map(|(at, byte)| u64::from(byte == b'.') << at).sum()
    }

    #[test]
    fn nothing_that_a_table_marks_is_ordinary() {
        let placeholders = guards::placeholder_names().map(|name| (name, true));
        let marked = psl::names().chain(hosting::names()).chain(placeholders);
        let near = marked.flat_map(|(name, _)| {
            [name.to_string(), format!("a.{name}"), format!("www.{name}"), format!("a.b.{name}")]
        });
        let mut asked = 0;
        for name in near.filter(|name| name.len() < 64) {
            let is_marked = psl::is_public_suffix(&name)
                || hosting::class_of(&name).is_some()
                || guards::is_placeholder(&name);
            assert!(!is_marked || !is_ordinary(&name, dots(&name)), "{name}");
            asked += 1;
        }
        assert!(asked > 30_000, "{asked}");
    }

    #[test]
    fn most_names_are_ordinary() {
        let names = |top: &'static str| (0..2_000).map(move |i: u32| format!("host{}.{top}", i * 7919));
        for top in ["com", "net", "org", "info", "ru", "cn", "de", "top", "xyz", "co.uk", "com.br"] {
            let ordinary = names(top).filter(|name| is_ordinary(name, dots(name))).count();
            assert!(ordinary > 1_700, "{top}: {ordinary}");
        }
    }
}
