//! Any records through decision, plan and package: no panic; every JSON file is JSON; the same input gives the same
//! bytes.

#![no_main]

use indicia_exchange::package::Package;
use indicia_exchange::plan::{Records, plan};
use indicia_exchange::{Agreement, EXAMPLE_AGREEMENT, Ledger};
use indicia_feeds::{Format, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let agreement = Agreement::parse(EXAMPLE_AGREEMENT).expect("the example");
    let ledger = Ledger::none("vendor.example");
    let now = "2017-11-02".parse().expect("a time");
    let mut made = Vec::new();
    for _ in 0..2 {
        let mut records = Vec::new();
        let options = ReadOptions { producer: Some("vendor.example".into()), ..ReadOptions::default() };
        let _ = read(Format::Jsonl, &mut &data[..], &options, &mut |r| records.push(r));
        let records = Records::new(records);
        let (agreement, plan) = plan(&records, &[&agreement], &ledger, now).expect("an agreement");
        made.push(Package::of_plan(&plan, &agreement, 1, now).expect("memory"));
    }
    assert_eq!(made[0], made[1]);
    for (name, bytes) in &made[0].files {
        if name.ends_with(".json") {
            serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
        }
    }
});
