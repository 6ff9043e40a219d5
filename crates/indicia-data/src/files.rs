//! File name endings that are also top-level domains: a reason to doubt that a word in prose is a name.

use std::collections::HashSet;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../tables/file_endings.txt");

/// Whether a word with this last label is more likely a file than a host, where it stands in prose without
/// defanging.
///
/// ```
/// assert!(indicia_data::files::is_file_ending("zip"));
/// assert!(!indicia_data::files::is_file_ending("com"));
/// ```
pub fn is_file_ending(label: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    SET.get_or_init(|| crate::rows(TABLE).collect()).contains(label)
}
