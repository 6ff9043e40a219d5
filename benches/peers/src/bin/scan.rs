//! `scan CONTENDER LIST LOG`: a scan of a log that is in memory, one thread, a pass a turn.
//!
//! | contender | list |
//! |---|---|
//! | `indicia` | a compiled set; every hit's contexts are read |
//! | `matchy` | a file of `matchy build`; chunks of 128 KiB that end at a line's end, as its own workers take them |
//! | `matchy-extractor` | none (`-`): what matchy takes to find candidates, without any lookup |
//! | `aho-corasick` | a text with a literal a line; neither networks nor borders |
//!
//! The result of a pass is the number of hits.

use std::ops::ControlFlow;
use std::time::Instant;

use aho_corasick::AhoCorasick;
use indicia::{IndicatorSet, ScanOptions, Scratch};
use indicia_peers::{read, read_text, turns};
use matchy::QueryResult;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [contender, list, log] = arguments.as_slice() else { panic!("scan CONTENDER LIST LOG") };
    let log = read(log);
    let began = Instant::now();
    let ready =
        |began: Instant| json!({"bytes": log.len(), "prepared_ns": began.elapsed().as_nanos() as u64});
    match contender.as_str() {
        "indicia" => {
            let set = IndicatorSet::open(list).expect("a set");
            let (options, mut scratch) = (ScanOptions::default(), Scratch::default());
            turns(&ready(began), || {
                let (mut hits, mut read) = (0, 0);
                let _ = set.scan_with(&log, &options, &mut scratch, &mut |hit| {
                    hits += 1;
                    for context in hit.contexts() {
                        read += context.feed.as_ref().map_or(0, |feed| feed.len());
                    }
                    ControlFlow::Continue(())
                });
                std::hint::black_box(read);
                hits
            });
        }
        "matchy" => {
            let database = matchy::Database::from(list.as_str()).open().expect("a file of matchy");
            let extractor = matchy_extractor::Extractor::new().expect("an extractor");
            turns(&ready(began), || {
                let mut hits = 0;
                for chunk in chunks(&log) {
                    for candidate in extractor.extract_from_chunk(chunk) {
                        let found = database.lookup_extracted(&candidate, chunk);
                        hits += u64::from(
                            matches!(found, Ok(Some(ref r)) if !matches!(r, QueryResult::NotFound)),
                        );
                    }
                }
                hits
            });
        }
        "matchy-extractor" => {
            let extractor = matchy_extractor::Extractor::new().expect("an extractor");
            turns(&ready(began), || chunks(&log).map(|c| extractor.extract_from_chunk(c).len() as u64).sum());
        }
        "aho-corasick" => {
            let list = read_text(list);
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(list.lines())
                .expect("an automaton");
            turns(&ready(began), || automaton.find_iter(&log).count() as u64);
        }
        other => panic!("{other}: no such contender"),
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
