//! A value that is written canonically costs no allocation, where its key is itself; nor do lookups of addresses and names.

use std::net::IpAddr;
use std::ops::ControlFlow;

use indicia_core::{
    BuildOptions, Canonical, Context, HitView, Indicator, Kind, Match, Observable, ScanOptions, Scratch,
    SetBuilder, Target,
};

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

#[test]
fn typed_lookups_use_memory_that_is_there() {
    let mut builder = SetBuilder::new(BuildOptions::default());
    for (kind, value, match_) in [
        (Kind::Ipv4, "192.0.2.7", None),
        (Kind::Ipv4, "10.0.0.7", None),
        (Kind::Ipv6, "2001:db8::7", None),
        (Kind::Cidr, "198.51.100.0/24", None),
        (Kind::Cidr, "198.51.0.0/16", None),
        (Kind::IpRange, "2001:db8::1-2001:db8::9", None),
        (Kind::Domain, "bad.example", Some(Match::Subdomains)),
        (Kind::Domain, "very.bad.example", Some(Match::Exact)),
        (Kind::Domain, "pastebin.com", Some(Match::Exact)),
    ] {
        let target = Target::from_parts(kind, value, match_, None).expect("a target");
        let context = |feed: &str| Context { feed: Some(feed.into()), ..Context::default() };
        builder.push(Indicator { target, group: None, contexts: vec![context("a"), context("b")] });
    }
    let (set, options, mut scratch) = (builder.finish(), ScanOptions::default(), Scratch::default());
    let addresses: Vec<IpAddr> =
        ["192.0.2.7", "10.0.0.7", "198.51.100.9", "2001:db8::7", "::ffff:192.0.2.7", "1.2.3.4", "fe80::1"]
            .iter()
            .map(|address| address.parse().expect("an address"))
            .collect();
    let names =
        ["bad.example", "VERY.bad.Example", "a.b.c.d.e.f.very.bad.example.", "pastebin.com", "good.example"];
    let mut ask = || {
        let (mut hits, mut contexts, mut guards) = (0, 0, 0);
        let mut on_hit = |hit: &HitView<'_, '_>| {
            hits += 1;
            contexts += hit.contexts().filter(|context| context.feed.is_some()).count();
            guards += hit.guards().len();
            ControlFlow::Continue(())
        };
        for address in &addresses {
            let _ = set.lookup_address_with(*address, Some(443), &options, &mut scratch, &mut on_hit);
        }
        for name in names {
            let _ = set.lookup_name_with(name, &options, &mut scratch, &mut on_hit).expect("a name");
        }
        (hits, contexts, guards)
    };
    let first = ask();
    // Of the addresses 1, 1, 2, 2, 1, 0, 0; of the names 1, 2, 1, 1, 0; guarded are the private one and the paste site.
    assert_eq!(first, (12, 24, 2));
    let mut second = None;
    let info = allocation_counter::measure(|| second = Some(ask()));
    assert_eq!((second, info.count_total), (Some(first), 0));
}
