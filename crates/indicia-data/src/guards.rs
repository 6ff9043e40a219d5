//! Values that are right and yet a reason to doubt a hit.

const NETWORKS: &str = include_str!("../tables/special_networks.txt");

/// Networks that are not on the public Internet, with the name of the rule; where they come from.
///
/// ```
/// assert!(indicia_data::guards::networks().any(|row| row == ("10.0.0.0/8", "private")));
/// ```
pub fn networks() -> impl Iterator<Item = (&'static str, &'static str)> {
    crate::rows(NETWORKS).filter_map(|line| line.split_once('\t'))
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
