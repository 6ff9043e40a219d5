//! File name endings that are also top-level domains: a reason to doubt that a word in prose is a name.

/// Endings, sorted, that name a file far more often than a host when they stand in prose without defanging.
///
/// Source: the root zone (see [`crate::tld`]) intersected with endings of scripts, archives, documents and
/// sources that occur in threat reports.
pub const TLD_ENDINGS: &[&str] = &[
    "ai", "app", "as", "bat", "cab", "cc", "cfg", "cgi", "cpp", "cs", "data", "dll", "doc", "exe", "gz",
    "inc", "ini", "java", "js", "lnk", "md", "mm", "mov", "pdf", "ph", "pl", "ps", "py", "rs", "sh", "so",
    "src", "zip",
];

/// Whether a word with this last label is more likely a file than a host.
pub fn is_file_ending(label: &str) -> bool {
    TLD_ENDINGS.binary_search(&label).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted() {
        assert!(super::TLD_ENDINGS.is_sorted());
    }
}
