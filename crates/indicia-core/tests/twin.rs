//! The matcher and its twin agree.
//!
//! `twin/matcher.rs` is the matcher once more, slow and plain: it looks at every substring of a text, asks by
//! simple questions about the borders whether a value may stand there, and compares what stands there with every
//! indicator of a list. `twin/random.rs` makes sets and texts that collide on purpose.
//!
//! `INDICIA_TWIN_PAIRS` says how many pairs are tried, `INDICIA_TWIN_SEED` with which seed.

#[path = "twin/matcher.rs"]
mod matcher;
#[path = "twin/random.rs"]
mod random;

use std::ops::ControlFlow;

use indicia_core::{IndicatorSet, Scratch, SetBuilder};
use matcher::Found;
use random::{Case, Random};

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn compile(case: &Case) -> IndicatorSet {
    let mut builder = SetBuilder::new(case.build.clone());
    case.listed.iter().for_each(|i| builder.push(i.clone()));
    builder.finish()
}

/// The number of a set's indicator in the list.
fn number(case: &Case, indicator: &indicia_core::IndicatorRef<'_>) -> usize {
    let same = |listed: &indicia_core::Indicator| {
        let target = &listed.target;
        (
            target.observable.kind(),
            target.observable.key(),
            matcher::effective_match(target),
            target.below_only,
        ) == (indicator.kind(), indicator.key(), indicator.match_(), indicator.below_only())
    };
    case.listed.iter().position(same).expect("a listed indicator")
}

#[test]
fn scan_agrees_with_its_twin() {
    let pairs = from_env("INDICIA_TWIN_PAIRS", 5_000);
    let mut random = Random::new(from_env("INDICIA_TWIN_SEED", 1));
    let mut scratch = Scratch::default();
    let mut hits = 0;
    let mut wrong = 0;
    for pair in 0..pairs {
        let case = Case::new(&mut random);
        let set = compile(&case);
        let mut scanned = Vec::new();
        let _ = set.scan_with(&case.text, &case.options, &mut scratch, &mut |hit| {
            scanned.push(Found {
                start: hit.start,
                end: hit.end,
                listed: number(&case, &hit.indicator),
                relation: hit.relation,
                contexts: hit.contexts().count(),
            });
            ControlFlow::Continue(())
        });
        scanned.sort();
        let twin = matcher::scan(&case);
        hits += twin.len();
        if scanned != twin {
            wrong += 1;
            if wrong <= from_env("INDICIA_TWIN_SHOW", 5) {
                show(pair, &case, &scanned, &twin);
            }
        }
    }
    println!("{pairs} pairs, {hits} hits, {wrong} disagree");
    assert_eq!(wrong, 0, "of {pairs} pairs");
    assert!(hits as u64 > pairs / 2, "the pairs do not collide: {hits} hits in {pairs}");
}

fn show(pair: u64, case: &Case, scanned: &[Found], twin: &[Found]) {
    println!("pair {pair}: {:?}", String::from_utf8_lossy(&case.text));
    println!(
        "   ignore_ports {} url_hosts {} strict_scheme {} filter {:?}",
        case.options.ignore_ports, case.options.url_hosts, case.options.strict_scheme, case.options.filter
    );
    for (name, only, other) in [("scan", scanned, twin), ("twin", twin, scanned)] {
        for found in only.iter().filter(|f| !other.contains(f)) {
            let target = &case.listed[found.listed].target;
            let span = String::from_utf8_lossy(&case.text[found.start..found.end]);
            println!(
                "   only the {name}: {} {} {:?} at {span:?} {found:?}",
                target.observable.kind(),
                target.value(),
                target.match_
            );
        }
    }
}

#[test]
fn lookup_agrees_with_its_twin() {
    let pairs = from_env("INDICIA_TWIN_PAIRS", 5_000);
    let mut random = Random::new(from_env("INDICIA_TWIN_SEED", 1) + 1_000_000);
    let mut scratch = Scratch::default();
    let mut hits = 0;
    let mut wrong = 0;
    for pair in 0..pairs {
        let case = Case::new(&mut random);
        let set = compile(&case);
        let (kind, raw) = case.value(&mut random);
        let found = set.lookup(&raw, kind, &case.options, &mut scratch).map(|(_, hits)| {
            let mut found: Vec<_> =
                hits.iter().map(|h| (number(&case, &h.indicator), h.relation, h.contexts.len())).collect();
            found.sort();
            found
        });
        let twin = matcher::lookup(&case, &raw, kind);
        hits += twin.as_ref().map_or(0, Vec::len);
        if found.as_ref().ok() != twin.as_ref() {
            wrong += 1;
            if wrong <= from_env("INDICIA_TWIN_SHOW", 5) {
                let list = |found: &[(usize, indicia_core::Relation, usize)]| {
                    found
                        .iter()
                        .map(|f| format!("{} {:?}", case.listed[f.0].target.value(), f))
                        .collect::<Vec<_>>()
                };
                println!(
                    "pair {pair}: {raw:?} as {kind:?}\n   scan {:?}\n   twin {:?}",
                    found.as_deref().map(list),
                    twin.as_deref().map(list)
                );
            }
        }
    }
    println!("{pairs} lookups, {hits} hits, {wrong} disagree");
    assert_eq!(wrong, 0, "of {pairs} lookups");
}
