//! The matcher and its twin agree.
//!
//! `twin/matcher.rs` is the matcher once more, slow and plain: it looks at every substring of a text, asks by
//! simple questions about the borders whether a value may stand there, and compares what stands there with every
//! indicator of a list. `twin/random.rs` makes sets and texts that collide on purpose;
//! `twin/streams.rs` cuts them into pieces.
//!
//! `INDICIA_TWIN_PAIRS` says how many pairs are tried, `INDICIA_TWIN_SEED` with which seed.

#[path = "twin/matcher.rs"]
mod matcher;
#[path = "twin/random.rs"]
mod random;
#[path = "twin/streams.rs"]
mod streams;

use std::net::IpAddr;
use std::ops::ControlFlow;

use indicia_core::{Guards, Hit, IndicatorSet, Kind, Level, Match, Scratch, SetBuilder};
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
    let mut scratches: Vec<_> = Level::available().map(|level| (level, Scratch::with_level(level))).collect();
    let mut hits = 0;
    let mut wrong = 0;
    for pair in 0..pairs {
        let case = Case::new(&mut random);
        let set = compile(&case);
        let twin = matcher::scan(&case);
        hits += twin.len();
        for (level, scratch) in &mut scratches {
            let mut scanned = Vec::new();
            let _ = set.scan_with(&case.text, &case.options, scratch, &mut |hit| {
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
            if scanned != twin {
                wrong += 1;
                if wrong <= from_env("INDICIA_TWIN_SHOW", 5) {
                    println!("{level:?}");
                    show(pair, &case, &scanned, &twin);
                }
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

/// A scan that looks at every token, and the scans that look where the sieve lets something pass: on more and
/// longer texts than the slow twin has time for, most of them of what is listed and what is near it.
#[test]
fn levels_agree() {
    let pairs = from_env("INDICIA_LEVEL_PAIRS", 20_000);
    let mut random = Random::new(from_env("INDICIA_TWIN_SEED", 1) + 2_000_000);
    let mut scratches: Vec<_> = Level::available().map(|level| (level, Scratch::with_level(level))).collect();
    let (mut hits, mut wrong) = (0, 0);
    for pair in 0..pairs {
        let mut case = Case::new(&mut random);
        // Each kind makes a scan look at more: here some are left out.
        let left_out: Vec<bool> = (0..64).map(|_| random.one_in(2)).collect();
        if random.one_in(2) {
            case.keep(|indicator| !left_out[usize::from(indicator.target.observable.kind().number())]);
        }
        for _ in 0..random.below(12) {
            case.more_text(&mut random);
        }
        let set = compile(&case);
        let mut scan = |level: usize| {
            let mut found = Vec::new();
            let _ = set.scan_with(&case.text, &case.options, &mut scratches[level].1, &mut |hit| {
                found.push((hit.start, hit.end, hit.indicator.index(), hit.relation, hit.value.to_string()));
                ControlFlow::Continue(())
            });
            found
        };
        let levels: Vec<Level> = Level::available().collect();
        let plain = scan(levels.len() - 1);
        hits += plain.len();
        for (at, level) in levels[..levels.len() - 1].iter().enumerate() {
            let found = scan(at);
            if found != plain {
                wrong += 1;
                if wrong < 6 {
                    println!("pair {pair} {level:?}: {:?}", String::from_utf8_lossy(&case.text));
                    for (name, only, other) in [("sieve", &found, &plain), ("plain", &plain, &found)] {
                        for hit in only.iter().filter(|hit| !other.contains(hit)) {
                            let listed = set.get(hit.2).expect("an indicator");
                            println!("   only {name}: {hit:?} {listed:?}");
                        }
                    }
                }
            }
        }
    }
    println!("{pairs} pairs, {hits} hits, {wrong} disagree");
    assert_eq!(wrong, 0, "of {pairs} pairs");
    assert!(hits as u64 > pairs, "{hits} hits in {pairs} pairs");
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

/// Addresses and names that are led straight to their records, and the same looked up as texts the scanner's way.
#[test]
fn typed_lookups_agree_with_texts() {
    let pairs = from_env("INDICIA_TWIN_PAIRS", 5_000);
    let mut random = Random::new(from_env("INDICIA_TWIN_SEED", 1) + 3_000_000);
    let mut scratch = Scratch::default();
    let (mut hits, mut several, mut refused) = (0, 0, 0);
    for _ in 0..pairs {
        let mut case = Case::new(&mut random);
        // Masks and hosts are asked for the scanner's way.
        if !random.one_in(4) {
            case.keep(|indicator| indicator.target.match_ != Match::Mask);
            (case.options.url_hosts, case.options.ignore_ports) = (false, false);
        }
        if random.one_in(2) {
            case.options.guards = Guards::default();
        }
        let set = compile(&case);
        let values: Vec<(Kind, String)> = (0..8).map(|_| case.host(&mut random)).collect();
        let hosts: Vec<&str> = values.iter().map(|(_, value)| value.as_str()).cycle().take(40).collect();
        let mut together: Vec<Result<Vec<Hit<'_>>, _>> = hosts.iter().map(|_| Ok(Vec::new())).collect();
        let _ = set.lookup_names_with(&hosts, &case.options, &mut scratch, &mut |at, hit| {
            match (hit, &mut together[at]) {
                (Ok(hit), Ok(hits)) => hits.push(hit.to_hit()),
                (hit, place) => *place = hit.map(|hit| vec![hit.to_hit()]),
            }
            ControlFlow::Continue(())
        });
        for (name, found) in hosts.iter().zip(&together) {
            assert_eq!(shown(found), shown(&set.lookup_name(name, &case.options, &mut scratch)), "{name:?}");
        }
        let addresses: Vec<IpAddr> = hosts.iter().filter_map(|host| host.parse().ok()).collect();
        let mut together: Vec<Vec<Hit<'_>>> = vec![Vec::new(); addresses.len()];
        let _ = set.lookup_addresses_with(&addresses, &case.options, &mut scratch, &mut |at, hit| {
            together[at].push(hit.to_hit());
            ControlFlow::Continue(())
        });
        for (address, found) in addresses.iter().zip(together) {
            let alone = set.lookup_address(*address, None, &case.options, &mut scratch);
            assert_eq!(shown(&Ok(found)), shown(&Ok(alone)), "{address}");
        }
        for (kind, value) in values {
            let twin = set.lookup(&value, Some(kind), &case.options, &mut scratch).map(|(_, hits)| hits);
            let typed = match value.parse::<IpAddr>() {
                Ok(address) => {
                    let mut typed = Vec::new();
                    let _ = set.lookup_address_with(address, None, &case.options, &mut scratch, &mut |hit| {
                        typed.push(hit.to_hit());
                        ControlFlow::Continue(())
                    });
                    Ok(typed)
                }
                Err(_) => {
                    let mut typed = Vec::new();
                    let done = set.lookup_name_with(&value, &case.options, &mut scratch, &mut |hit| {
                        typed.push(hit.to_hit());
                        ControlFlow::Continue(())
                    });
                    done.map(|_| typed)
                }
            };
            assert_eq!(shown(&typed), shown(&twin), "{value:?}");
            let found = typed.as_ref().map_or(0, Vec::len);
            hits += found;
            several += usize::from(found > 1);
            refused += usize::from(typed.is_err());
        }
    }
    println!("{pairs} sets, {hits} hits, {several} with several, {refused} refused");
    assert!(hits as u64 > pairs && several as u64 > pairs / 20 && refused as u64 > pairs / 20);
}

/// All that a hit says.
fn shown(hits: &Result<Vec<Hit<'_>>, indicia_core::ParseError>) -> Vec<String> {
    match hits {
        Ok(hits) => hits
            .iter()
            .map(|hit| {
                let Hit { start, end, kind, value, relation, guards, contexts, indicator, .. } = hit;
                format!(
                    "{start} {end} {kind} {value} {relation} {} {guards:?} {contexts:?}",
                    indicator.index()
                )
            })
            .collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// A mark, and then an escape: the URL may end in front of both, behind its port too.
#[test]
fn a_url_ends_in_front_of_a_mark_and_an_escape() {
    let mut builder = SetBuilder::new(Default::default());
    let listed =
        indicia_core::Target::from_parts(Kind::Url, "https://bad.example:4430", None, None).expect("a URL");
    builder.push(indicia_core::Indicator::new(listed, Default::default()));
    let set = builder.finish();
    for text in
        ["https://bad.example:4430:\\x3d", "https://bad.example:4430.\\n", "https://bad.example:4430:, x"]
    {
        let hits = set.scan(text.as_bytes());
        assert_eq!(hits.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(), [(0, 24)], "{text}");
    }
}
