//! Top-level domains of the root zone, as IANA lists them.

use std::collections::HashSet;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../tables/tlds.txt");

/// The version line of IANA's list.
pub fn version() -> &'static str {
    TABLE.lines().nth(1).unwrap_or_default().trim_start_matches("# ")
}

/// Whether this lower-case A-label is a top-level domain.
///
/// ```
/// assert!(indicia_data::tld::is_known("com"));
/// assert!(indicia_data::tld::is_known("xn--p1ai"));
/// assert!(!indicia_data::tld::is_known("exe"));
/// ```
pub fn is_known(label: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    SET.get_or_init(|| crate::rows(TABLE).collect()).contains(label)
}
