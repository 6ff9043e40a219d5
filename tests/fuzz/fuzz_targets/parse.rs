//! Every kind's grammar, and detection: no panic, and a canonical value is its own canonical form.

#![no_main]

use indicia_core::{Kind, Observable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for kind in Kind::ALL {
        let Ok(first) = Observable::parse_as(*kind, text) else { continue };
        match Observable::parse_as(first.kind(), first.value()) {
            Ok(again) => assert_eq!(again, first, "{kind}: not a fixed point"),
            Err(error) => panic!("{kind}: {:?} is refused when read again: {error}", first.value()),
        }
    }
    if let Ok(first) = Observable::parse(text) {
        let again = Observable::parse_as(first.kind(), first.value());
        assert_eq!(again.as_ref(), Ok(&first), "detected, then refused or changed");
    }
});
