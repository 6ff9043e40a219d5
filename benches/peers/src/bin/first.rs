//! `first CONTENDER LIST VALUE`: from a file to the first answer, once a process. Prints nanoseconds and whether VALUE is listed.
//!
//! Contenders: `indicia` with a compiled set, opened as a map; `matchy` with a file of `matchy build`.

use std::time::Instant;

use indicia::{IndicatorSet, ScanOptions, Scratch};
use matchy::QueryResult;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [contender, list, value] = arguments.as_slice() else { panic!("first CONTENDER LIST VALUE") };
    let began = Instant::now();
    let found = match contender.as_str() {
        "indicia" => {
            let set = IndicatorSet::open(list).expect("a set");
            let hits = set.lookup(value, None, &ScanOptions::default(), &mut Scratch::default());
            !hits.expect("a value that is read").1.is_empty()
        }
        "matchy" => {
            let database = matchy::Database::from(list.as_str()).open().expect("a file of matchy");
            let found = database.lookup(value).expect("an answer");
            found.is_some_and(|r| !matches!(r, QueryResult::NotFound))
        }
        other => panic!("{other}: no such contender"),
    };
    println!("{}", json!({"ns": began.elapsed().as_nanos() as u64, "result": u64::from(found)}));
}
