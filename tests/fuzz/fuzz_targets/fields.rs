//! Records of any bytes: fields lie inside their line and in order; a set whose lines are all read gives what one gives
//! that reads only those with a host of its own; extraction does not panic.

#![no_main]

use std::ops::ControlFlow;
use std::sync::OnceLock;

use indicia_core::fields::{Header, each_field};
use indicia_core::{
    BuildOptions, Context, ExtractOptions, Indicator, IndicatorSet, Kind, ScanOptions, Scratch, SetBuilder, Target,
    extract,
};
use libfuzzer_sys::fuzz_target;

fn set(more: &[(Kind, &str)]) -> IndicatorSet {
    let listed = [
        (Kind::Endpoint, "192.0.2.7:443"),
        (Kind::Endpoint, "bad.example:80"),
        (Kind::Url, "http://bad.example/a"),
        (Kind::Url, "http://192.0.2.7:8080/"),
        (Kind::Domain, "bad.example"),
    ];
    let mut builder = SetBuilder::new(BuildOptions::default());
    for (kind, value) in listed.iter().chain(more) {
        let target = Target::from_parts(*kind, value, None, None).expect("a fixed value");
        builder.push(Indicator::new(target, Context::default()));
    }
    builder.finish()
}

fn hits(set: &IndicatorSet, data: &[u8]) -> Vec<(usize, usize, String, Option<String>)> {
    let options = ScanOptions { fields: true, ..ScanOptions::default() };
    let mut found = Vec::new();
    let _ = set.scan_with(data, &options, &mut Scratch::default(), &mut |hit| {
        assert!(hit.start < hit.end && hit.end <= data.len());
        found.push((hit.start, hit.end, hit.indicator.value().to_string(), hit.field().map(str::to_string)));
        ControlFlow::Continue(())
    });
    found
}

fuzz_target!(|data: &[u8]| {
    static SETS: OnceLock<(IndicatorSet, IndicatorSet)> = OnceLock::new();
    let (few, all) = SETS.get_or_init(|| (set(&[]), set(&[(Kind::Mutex, "no such thing")])));
    let mut header = Header::default();
    for line in data.split_inclusive(|b| *b == b'\n') {
        let mut at = 0;
        each_field(line, &header, &mut |field| {
            assert!(field.span.start >= at && field.span.start <= field.span.end && field.span.end <= line.len());
            at = field.span.start;
            let _ = field.text(line);
        });
        header.read(line);
    }
    // A host that only an escape hides is found where every line is read.
    if !data.contains(&b'\\') && !data.contains(&b'&') && !data.contains(&b'%') && data.is_ascii() {
        let (few, all) = (hits(few, data), hits(all, data));
        assert!(few == all, "{few:?} and {all:?}");
    }
    let options = ExtractOptions { fields: true, nested: data.len() % 2 == 0, ..ExtractOptions::default() };
    for e in extract(data, &options) {
        assert!(e.start < e.end && e.end <= data.len());
    }
});
