//! `extract FILE [--only CONTENDER] [--list]`: what stands in a text that is in memory, one thread, contenders in turn.
//!
//! | contender | finds |
//! |---|---|
//! | `matchy-extractor` | names, addresses, e-mail addresses, hashes, coins; no URL, nothing defanged; chunks of 128 KiB as its own workers take them |
//! | `its kinds` | indicia with the same kinds, nested ones too, and refanging off |
//! | `all` | indicia as it is by default |
//!
//! Prints megabytes a second, what was found, and ratios. `--list` prints what one of ours and the peer found at places where
//! the other found nothing, as `SIDE KIND VALUE`, for a table of differences.

use std::collections::HashSet;
use std::ops::ControlFlow;

use indicia_core::{ExtractOptions, Kind, Refang, extract_with};
use indicia_peers::{Contender, medians, read};
use matchy_extractor::{ExtractedItem, HashType};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, list) = match arguments.as_slice() {
        [file] => (file, false),
        [file, list] if list == "--list" => (file, true),
        _ => panic!("extract FILE [--list]"),
    };
    let text = read(file);
    let extractor = matchy_extractor::Extractor::new().expect("an extractor");
    let its_kinds = ExtractOptions {
        kinds: vec![
            Kind::Ipv4, Kind::Ipv6, Kind::Domain, Kind::Email, Kind::Md5, Kind::Sha1, Kind::Sha256, Kind::Sha384, Kind::Sha512,
            Kind::Bitcoin, Kind::Ethereum, Kind::Monero,
        ],
        refang: Refang::Off,
        nested: true,
        ..ExtractOptions::default()
    };
    let all = ExtractOptions::default();
    if list {
        return differences(&text, &extractor, &its_kinds);
    }
    let count = |options: &ExtractOptions| {
        let mut found = 0;
        let _ = extract_with(&text, options, &mut |e| {
            found += 1 + u64::from(e.value.is_empty());
            ControlFlow::Continue(())
        });
        found
    };
    let peer = || chunks(&text).map(|c| extractor.extract_from_chunk(c).len() as u64).sum::<u64>();
    println!("found: matchy-extractor {}, its kinds {}, all {}", peer(), count(&its_kinds), count(&all));
    let times = medians(
        5,
        &mut [
            Contender::new("matchy-extractor", peer),
            Contender::new("its kinds", || count(&its_kinds)),
            Contender::new("all", || count(&all)),
        ],
    );
    for (name, nanoseconds) in ["matchy-extractor", "its kinds", "all"].iter().zip(&times) {
        println!("{name:<18} {:7.1} MB/s  {:5.2}x", text.len() as f64 * 1e3 / nanoseconds, times[0] / nanoseconds);
    }
}

fn differences(text: &[u8], extractor: &matchy_extractor::Extractor, options: &ExtractOptions) {
    let mut ours = HashSet::new();
    let _ = extract_with(text, options, &mut |e| {
        ours.insert((e.kind.name(), e.value));
        ControlFlow::Continue(())
    });
    let mut theirs = HashSet::new();
    for found in chunks(text).flat_map(|chunk| extractor.extract_from_chunk(chunk)) {
        theirs.insert(match found.item {
            ExtractedItem::Domain(name) => ("domain", name.to_lowercase()),
            ExtractedItem::Email(address) => ("email", address.to_lowercase()),
            ExtractedItem::Ipv4(address) => ("ipv4", address.to_string()),
            ExtractedItem::Ipv6(address) => ("ipv6", address.to_string()),
            ExtractedItem::Hash(HashType::Md5, digest) => ("md5", digest.to_lowercase()),
            ExtractedItem::Hash(HashType::Sha1, digest) => ("sha1", digest.to_lowercase()),
            ExtractedItem::Hash(HashType::Sha256, digest) => ("sha256", digest.to_lowercase()),
            ExtractedItem::Hash(HashType::Sha384, digest) => ("sha384", digest.to_lowercase()),
            ExtractedItem::Hash(HashType::Sha512, digest) => ("sha512", digest.to_lowercase()),
            ExtractedItem::Bitcoin(address) => ("bitcoin", address.to_string()),
            ExtractedItem::Ethereum(address) => ("ethereum", address.to_string()),
            ExtractedItem::Monero(address) => ("monero", address.to_string()),
        });
    }
    for (side, one, other) in [("ours", &ours, &theirs), ("theirs", &theirs, &ours)] {
        let mut only: Vec<_> = one.difference(other).collect();
        only.sort();
        for (kind, value) in only {
            println!("{side}\t{kind}\t{value}");
        }
    }
}

fn chunks(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = log;
    std::iter::from_fn(move || {
        let most = rest.len().min(128 << 10);
        let cut = match memchr::memrchr(b'\n', &rest[..most]) {
            Some(newline) if most < rest.len() => newline + 1,
            _ => most,
        };
        let (chunk, behind) = rest.split_at(cut);
        rest = behind;
        (!chunk.is_empty()).then_some(chunk)
    })
}
