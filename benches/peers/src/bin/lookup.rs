//! `lookup CONTENDER LIST VALUES`: one value after the other, one thread; a pass a turn is all lines of VALUES.
//!
//! | contender | list | answer |
//! |---|---|---|
//! | `indicia-address` | a compiled set | all indicators that cover it, contexts read; one value after the other |
//! | `indicia-address-together` | the same | the same, asked for in one call |
//! | `ip_network_table` | the workload's CSV | the longest network |
//! | `maxminddb` | a file of `matchy build` | whether there is a record, not decoded |
//! | `maxminddb-contexts` | the same | the record of the longest network, its source read |
//! | `matchy-address` | the same | the record of the longest network |
//! | `indicia-name` | a compiled set | all indicators that cover it, contexts read; one value after the other |
//! | `indicia-name-together` | the same | the same, asked for in one call |
//! | `hashbrown-name` | the workload's CSV | the longest listed name that is it or a parent |
//! | `hashbrown-name-contexts` | the same | all listed names that are it or a parent, contexts read |
//!
//! Addresses are parsed before, names are as they are in the list. The result of a pass is the number of values found.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::time::Instant;

use hashbrown::HashMap;
use indicia::{HitView, IndicatorSet, ScanOptions, Scratch};
use indicia_peers::{read_text, rows, rows_with_contexts, turns};
use ip_network::{Ipv4Network, Ipv6Network};
use ip_network_table::IpNetworkTable;
use matchy::QueryResult;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [contender, list, values] = arguments.as_slice() else { panic!("lookup CONTENDER LIST VALUES") };
    let values = read_text(values);
    let values: Vec<&str> = values.lines().collect();
    let addresses: Vec<IpAddr> = values.iter().filter_map(|v| v.parse().ok()).collect();
    let began = Instant::now();
    let ready =
        |began: Instant| json!({"values": values.len(), "prepared_ns": began.elapsed().as_nanos() as u64});
    let (options, mut scratch) = (ScanOptions::default(), Scratch::default());
    match contender.as_str() {
        "indicia-address" => {
            let set = IndicatorSet::open(list).expect("a set");
            turns(&ready(began), || {
                let mut hits = 0;
                for address in &addresses {
                    let mut hit = 0u64;
                    let _ = set.lookup_address_with(*address, None, &options, &mut scratch, &mut |h| {
                        look(h, &mut hit)
                    });
                    hits += hit;
                }
                hits
            });
        }
        "indicia-address-together" => {
            let set = IndicatorSet::open(list).expect("a set");
            turns(&ready(began), || {
                let mut hits = vec![0u8; addresses.len()];
                let _ = set.lookup_addresses_with(&addresses, &options, &mut scratch, &mut |at, h| {
                    look(h, &mut hits[at])
                });
                hits.iter().map(|hit| u64::from(*hit)).sum()
            });
        }
        "indicia-name" => {
            let set = IndicatorSet::open(list).expect("a set");
            turns(&ready(began), || {
                let mut hits = 0u64;
                for name in &values {
                    let mut hit = 0u64;
                    let _ = set.lookup_name_with(name, &options, &mut scratch, &mut |h| look(h, &mut hit));
                    hits += hit;
                }
                hits
            });
        }
        "indicia-name-together" => {
            let set = IndicatorSet::open(list).expect("a set");
            turns(&ready(began), || {
                let mut hits = vec![0u8; values.len()];
                let _ = set.lookup_names_with(&values, &options, &mut scratch, &mut |at, h| match h {
                    Ok(h) => look(h, &mut hits[at]),
                    Err(_) => ControlFlow::Continue(()),
                });
                hits.iter().map(|hit| u64::from(*hit)).sum()
            });
        }
        "ip_network_table" => {
            let table = networks(&read_text(list));
            turns(&ready(began), || {
                addresses.iter().map(|a| u64::from(table.longest_match(*a).is_some())).sum()
            });
        }
        "maxminddb" => {
            let database = maxminddb::Reader::open_readfile(list).expect("a file of matchy");
            turns(&ready(began), || {
                addresses.iter().map(|a| u64::from(database.lookup(*a).is_ok_and(|r| r.has_data()))).sum()
            });
        }
        "maxminddb-contexts" => {
            let database = maxminddb::Reader::open_readfile(list).expect("a file of matchy");
            turns(&ready(began), || addresses.iter().map(|a| u64::from(read_record(&database, *a))).sum());
        }
        "matchy-address" => {
            let database = matchy::Database::from(list.as_str()).no_cache().open().expect("a file of matchy");
            turns(&ready(began), || {
                let hit = |a: &IpAddr| matches!(database.lookup_ip(*a), Ok(Some(r)) if !matches!(r, QueryResult::NotFound));
                addresses.iter().map(|a| u64::from(hit(a))).sum()
            });
        }
        "hashbrown-name" => {
            let list = read_text(list);
            let names: HashMap<Box<str>, u32, foldhash::fast::RandomState> = rows(&list)
                .filter(|(_, kind)| *kind == "domain")
                .map(|(name, _)| name.into())
                .zip(0..)
                .collect();
            turns(&ready(began), || values.iter().map(|name| u64::from(walk(&names, name).is_some())).sum());
        }
        "hashbrown-name-contexts" => {
            let list = read_text(list);
            let (mut contexts, mut numbers) = (Vec::new(), HashMap::new());
            let mut names: HashMap<Box<str>, Vec<u32>, foldhash::fast::RandomState> = HashMap::default();
            for (name, kind, context) in rows_with_contexts(&list).filter(|(_, kind, _)| *kind == "domain") {
                let number = *numbers.entry(context).or_insert_with(|| {
                    contexts.push(Box::<str>::from(context));
                    contexts.len() as u32 - 1
                });
                assert!(!name.is_empty(), "{kind}");
                names.entry(name.into()).or_default().push(number);
            }
            turns(&ready(began), || {
                values.iter().map(|name| u64::from(walk_to_the_end(&names, &contexts, name))).sum()
            });
        }
        other => panic!("{other}: no such contender"),
    }
}

/// Whether there is any, after the feed of each context has been read.
/// Reads the contexts of a hit and notes that there is one.
fn look<N: From<u8>>(hit: &HitView<'_, '_>, found: &mut N) -> ControlFlow<()> {
    for context in hit.contexts() {
        std::hint::black_box(context.feed.as_ref().map_or(0, |feed| feed.len()));
    }
    *found = N::from(1);
    ControlFlow::Continue(())
}

/// The name, then its parents, until one is listed.
fn walk(names: &HashMap<Box<str>, u32, foldhash::fast::RandomState>, name: &str) -> Option<u32> {
    let mut name = name;
    loop {
        if let Some(number) = names.get(name) {
            return Some(*number);
        }
        name = name.split_once('.')?.1;
    }
}

/// Whether there is a record of an address, after its source has been read.
fn read_record(database: &maxminddb::Reader<Vec<u8>>, address: IpAddr) -> bool {
    #[derive(serde::Deserialize)]
    struct Row<'r> {
        source: &'r str,
    }
    let row = database.lookup(address).ok().and_then(|found| found.decode::<Row<'_>>().ok().flatten());
    row.is_some_and(|row| std::hint::black_box(row.source.len()) > 0)
}

/// Whether the name or a parent is listed, after the contexts of each that is have been read.
fn walk_to_the_end(
    names: &HashMap<Box<str>, Vec<u32>, foldhash::fast::RandomState>,
    contexts: &[Box<str>],
    name: &str,
) -> bool {
    let mut found = false;
    // A name of one label is not looked up by the other contenders either.
    let mut rest = Some(name);
    while let Some(name) = rest {
        let behind = name.split_once('.').map(|(_, behind)| behind);
        if behind.is_none() {
            break;
        }
        for number in names.get(name).into_iter().flatten() {
            std::hint::black_box(contexts[*number as usize].len());
            found = true;
        }
        rest = behind;
    }
    found
}

/// Addresses and networks of both families.
fn networks(csv: &str) -> IpNetworkTable<u32> {
    let mut table = IpNetworkTable::new();
    for ((value, kind), number) in rows(csv).zip(0..) {
        let (address, length) = match kind {
            "ipv4" => (value, "32"),
            "ipv6" => (value, "128"),
            "cidr" => value.split_once('/').expect("a network has a length"),
            _ => continue,
        };
        let length = length.parse().expect("a length");
        match address.parse().expect("an address") {
            IpAddr::V4(a) => table.insert(Ipv4Network::new_truncate(a, length).expect("a network"), number),
            IpAddr::V6(a) => table.insert(Ipv6Network::new_truncate(a, length).expect("a network"), number),
        };
    }
    table
}
