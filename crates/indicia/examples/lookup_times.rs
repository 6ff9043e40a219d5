//! How long a lookup takes: `lookup_times SET LIST.csv`, the list that the set was compiled from.
//!
//! Each row is a kind of question, asked for every value in random order; the median of seven passes, in nanoseconds a
//! question on the processor, with every hit's contexts read. The standard library's tables are for comparison.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::time::Instant;

use indicia::{Guards, HitView, IndicatorSet, ScanOptions, Scratch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let began = Instant::now();
    let set = IndicatorSet::open(&args[1])?;
    let (options, mut scratch) = (ScanOptions::default(), Scratch::default());
    let _ = set.lookup_name("www.bad.example", &options, &mut scratch);
    println!("open and first answer {:>9.1} µs", began.elapsed().as_secs_f64() * 1e6);

    let list = std::fs::read_to_string(&args[2])?;
    let mut random = 0x1009_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let (mut addresses, mut names) = (Vec::new(), Vec::new());
    for line in list.lines() {
        let mut fields = line.split(',');
        match (fields.next(), fields.next()) {
            (Some(value), Some("ipv4")) => addresses.push(value.parse::<Ipv4Addr>()?),
            (Some(value), Some("domain")) => names.push(value.to_string()),
            _ => {}
        }
    }
    for i in 0..addresses.len() {
        let with = next() as usize % addresses.len();
        addresses.swap(i, with);
    }
    for i in 0..names.len() {
        let with = next() as usize % names.len();
        names.swap(i, with);
    }
    // As a program reads them: one behind the other in memory.
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let absent: Vec<Ipv4Addr> = addresses.iter().map(|a| Ipv4Addr::from(a.to_bits() ^ 0x15a5_0000)).collect();
    let below: Vec<String> = names.iter().map(|name| format!("cdn7.{name}")).collect();
    let missing: Vec<String> = names.iter().map(|name| format!("x{name}")).collect();

    let table: HashMap<u32, u32> = addresses.iter().map(|a| a.to_bits()).zip(0..).collect();
    ask("table of addresses", &addresses, 1, |a, hits| *hits += u64::from(table.contains_key(&a.to_bits())));
    let table: HashMap<Box<str>, u32> = names.iter().map(|name| name.as_str().into()).zip(0..).collect();
    ask("table of names", &names, 1, |name, hits| *hits += u64::from(table.contains_key(name.as_str())));
    drop(table);
    for guards in [false, true] {
        let guards = if guards { Guards::default() } else { Guards::off() };
        println!("guards {}", if guards.built_in { "on" } else { "off" });
        let options = ScanOptions { guards, ..ScanOptions::default() };
        for (what, list) in [("address", &addresses), ("address, absent", &absent)] {
            ask(what, list, 1, |address, hits| {
                let _ =
                    set.lookup_address_with(IpAddr::V4(*address), None, &options, &mut scratch, &mut |hit| {
                        count(hit, hits)
                    });
            });
        }
        let together: Vec<Vec<IpAddr>> =
            addresses.chunks(1000).map(|chunk| chunk.iter().map(|a| IpAddr::V4(*a)).collect()).collect();
        ask("addresses together", &together, 1000, |addresses, hits| {
            let _ =
                set.lookup_addresses_with(addresses, &options, &mut scratch, &mut |_, hit| count(hit, hits));
        });
        for (what, list) in [("names together", &names), ("together, below", &below)] {
            let list: Vec<Vec<&str>> =
                list.chunks(1000).map(|chunk| chunk.iter().map(String::as_str).collect()).collect();
            ask(what, &list, 1000, |names, hits| {
                let _ = set.lookup_names_with(names, &options, &mut scratch, &mut |_, hit| match hit {
                    Ok(hit) => count(hit, hits),
                    Err(_) => ControlFlow::Continue(()),
                });
            });
        }
        for (what, list) in [("name", &names), ("name below", &below), ("name, absent", &missing)] {
            ask(what, list, 1, |name, hits| {
                let _ = set.lookup_name_with(name, &options, &mut scratch, &mut |hit| count(hit, hits));
            });
        }
    }
    Ok(())
}

/// Nanoseconds that this thread was on a processor: others may share it.
fn on_processor() -> f64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    spent.split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or(0.0)
}

fn count(hit: &HitView<'_, '_>, hits: &mut u64) -> ControlFlow<()> {
    black_box(hit.contexts().map(|context| context.feed.as_deref().map_or(0, str::len)).sum::<usize>());
    *hits += 1;
    ControlFlow::Continue(())
}

/// A list of questions, or of so many at once.
fn ask<T>(what: &str, list: &[T], each: usize, mut one: impl FnMut(&T, &mut u64)) {
    let mut passes = Vec::new();
    let mut hits = 0;
    for _ in 0..8 {
        hits = 0;
        let began = on_processor();
        list.iter().for_each(|value| one(value, &mut hits));
        passes.push((on_processor() - began) / (each * list.len()) as f64);
    }
    passes.remove(0);
    passes.sort_by(f64::total_cmp);
    println!(
        "{what:<20} {:>8.1} ns  {:>8.1} to {:.1}  {hits} hits of {}",
        passes[3],
        passes[0],
        passes[6],
        each * list.len()
    );
}
