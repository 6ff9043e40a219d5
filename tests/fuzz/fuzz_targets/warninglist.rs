//! Reading a warninglist and asking it: no panic.

#![no_main]

use indicia_core::{Observable, Warninglist};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(list) = Warninglist::from_json(data) else { return };
    for value in ["192.0.2.7", "2001:db8::7", "bad.example", "http://bad.example/a?b", "a@bad.example", "192.0.2.0/24"] {
        let value = Observable::parse(value).expect("a fixed value");
        let _ = list.covers(value.kind(), value.value(), value.key());
    }
    let _ = list.source();
});
