//! Names outside the root zone that are seen in reports all the same.

/// Top-level labels that are special use or run by another naming system.
///
/// Source: IANA Special-Use Domain Names registry (RFC 6761, 6762, 7686, 8375, 9476), read 2026-11; ICANN's
/// reservation of `internal` (2024-07); the alternative systems Namecoin (`bit`), EmerDNS (`bazar coin emc lib`) and I2P.
pub const TOP_LABELS: &[&str] = &[
    "alt",
    "bazar",
    "bit",
    "coin",
    "emc",
    "example",
    "home",
    "i2p",
    "internal",
    "invalid",
    "lan",
    "lib",
    "local",
    "localhost",
    "onion",
    "test",
];

/// Whether the last label of a name is special use.
pub fn is_special_tld(label: &str) -> bool {
    TOP_LABELS.binary_search(&label).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sorted() {
        assert!(super::TOP_LABELS.is_sorted());
    }
}
