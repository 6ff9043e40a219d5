//! Reads feeds and counts what they hold: what reading costs without making a set.
//!
//! `cargo run --release -p indicia --example read -- [--helpers N] FEED…`

use indicia::feed::{FeedSpec, Reader};

fn main() {
    let mut indicators = 0u64;
    let mut sink = |_| indicators += 1;
    let mut progress = |_: &str| {};
    let mut reader = Reader::new(&mut sink, &mut progress);
    let mut arguments = std::env::args().skip(1);
    while let Some(feed) = arguments.next() {
        if feed == "--helpers" {
            reader.helpers = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            continue;
        }
        reader.read(&FeedSpec::new(feed.as_ref()));
    }
    let total = reader.report.total();
    println!("{} records, {} refused, {} indicators", total.records, total.refused_total(), indicators);
}
