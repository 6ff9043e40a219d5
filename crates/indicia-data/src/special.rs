//! Names outside the root zone that are seen in reports all the same.

use std::collections::HashSet;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../tables/special_names.txt");

/// Top-level labels that are special use or run by another naming system, by name.
pub fn all() -> impl Iterator<Item = &'static str> {
    crate::rows(TABLE)
}

/// Whether the last label of a name is special use.
///
/// ```
/// assert!(indicia_data::special::is_special_tld("onion"));
/// assert!(!indicia_data::special::is_special_tld("com"));
/// ```
pub fn is_special_tld(label: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    SET.get_or_init(|| all().collect()).contains(label)
}

#[cfg(test)]
mod tests {
    #[test]
    fn none_is_in_the_root_zone() {
        assert!(super::all().is_sorted());
        assert!(super::all().all(|label| !crate::tld::is_known(label)));
    }
}
