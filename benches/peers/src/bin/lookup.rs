//! `lookup CONTENDER LIST VALUES`: one value after the other, one thread; a pass a turn is all lines of VALUES.
//!
//! | contender | list | answer |
//! |---|---|---|
//! | `indicia-address` | a compiled set | all indicators that cover it, contexts read |
//! | `ip_network_table` | the workload's CSV | the longest network |
//! | `maxminddb` | a file of `matchy build` | whether there is a record, not decoded |
//! | `matchy-address` | the same | the record of the longest network |
//! | `indicia-name` | a compiled set | all indicators that cover it, contexts read |
//! | `hashbrown-name` | the workload's CSV | the longest listed name that is it or a parent |
//!
//! Addresses are parsed before, names are as they are in the list. The result of a pass is the number of values found.

use std::net::IpAddr;
use std::time::Instant;

use hashbrown::HashMap;
use indicia::{Hit, IndicatorSet, ScanOptions, Scratch};
use indicia_peers::{read_text, rows, turns};
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
                addresses.iter().map(|a| found(&set.lookup_address(*a, None, &options, &mut scratch))).sum()
            });
        }
        "indicia-name" => {
            let set = IndicatorSet::open(list).expect("a set");
            turns(&ready(began), || {
                values
                    .iter()
                    .map(|name| set.lookup_name(name, &options, &mut scratch).map_or(0, |h| found(&h)))
                    .sum()
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
        other => panic!("{other}: no such contender"),
    }
}

/// Whether there is any, after the feed of each context has been read.
fn found(hits: &[Hit<'_>]) -> u64 {
    for hit in hits {
        for context in &hit.contexts {
            std::hint::black_box(context.feed.as_ref().map_or(0, |feed| feed.len()));
        }
    }
    u64::from(!hits.is_empty())
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
