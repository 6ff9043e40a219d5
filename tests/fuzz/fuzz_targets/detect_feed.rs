//! Detection never panics, and a format that it calls readable is read or refused, not misread into a panic.
#![no_main]

use indicia_feeds::{HEAD_BYTES, ReadOptions, detect, read};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let cut = data.iter().position(|b| *b == 0).unwrap_or(0).min(64);
    let (name, body) = data.split_at(cut);
    let name = String::from_utf8_lossy(name);
    if let Some(format) = detect(&name, &body[..body.len().min(HEAD_BYTES)]) {
        let read = read(format, &mut &body[..], &ReadOptions::default(), &mut |_| ());
        assert!(format.is_read() || read.is_err());
    }
});
