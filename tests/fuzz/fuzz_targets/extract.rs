//! Extraction at every level of refanging: no panic; spans lie inside, in order, and are not empty; each value
//! is canonical.

#![no_main]

use indicia_core::{ExtractOptions, Observable, Refang, extract};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for (level, _) in Refang::ALL {
        for nested in [false, true] {
            let options = ExtractOptions { refang: *level, nested, wrapped: nested, ..ExtractOptions::default() };
            let mut last = 0;
            for e in extract(data, &options) {
                assert!(e.start < e.end && e.end <= data.len(), "{e:?}");
                assert!(e.start >= last, "out of order: {e:?}");
                last = e.start;
                let again = Observable::parse_as(e.kind, &e.value);
                assert_eq!(again.as_ref().map(Observable::value), Ok(e.value.as_str()), "{e:?}");
            }
        }
    }
});
