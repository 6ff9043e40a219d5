//! A value that is written canonically costs no allocation, where its key is itself.

use indicia_core::{Canonical, Kind, Observable};

#[test]
fn canonical_values_are_borrowed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/default-1.jsonl");
    let rows = std::fs::read_to_string(path).expect("the vectors are there");
    // The tables that are built once.
    let _ = Observable::parse_as(Kind::Url, "http://b\u{fc}cher.example/");
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).expect("JSON");
        let expect = &row["expect"];
        let (Some(kind), Some(value)) = (expect["kind"].as_str(), expect["value"].as_str()) else { continue };
        if expect["key"] != value || decodes(kind, value) {
            continue;
        }
        let kind = Kind::from_name(kind).expect("a kind");
        let mut read = None;
        let info = allocation_counter::measure(|| read = Some(Canonical::parse_as(kind, value)));
        let read = read.expect("it ran").expect("a canonical value");
        *seen.entry(kind).or_insert(0) += 1;
        if info.count_total > 0 || !matches!(read.into_value(), std::borrow::Cow::Borrowed(_)) {
            wrong.push(format!("{kind} {value}: {} allocations", info.count_total));
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What has to be taken apart to be checked: checksums of currencies, package URLs, names outside ASCII, hives,
/// serial numbers.
fn decodes(kind: &str, value: &str) -> bool {
    let kind = Kind::from_name(kind).expect("a kind");
    (Kind::Bitcoin..=Kind::Solana).contains(&kind)
        || matches!(
            kind,
            Kind::Purl | Kind::RegistryKey | Kind::X509Sha1 | Kind::X509Sha256 | Kind::X509Serial
        )
        || value.contains("xn--")
        // A URL without its scheme whose host is in brackets, or that holds another URL, is read with the scheme.
        || (kind == Kind::Url && (value.starts_with('[') || value.find("://").is_some_and(|at| value[..at].contains('/'))))
}
