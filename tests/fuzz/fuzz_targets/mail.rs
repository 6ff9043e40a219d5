//! Any bytes as mail: no panic, pieces without a gap, spans inside the stream and in order.

#![no_main]

use indicia::chunks::{Chunk, Chunks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mail = [&b"Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"[..], data].concat();
    let mut chunks = Chunks::with_size(mail.as_slice(), 1 + data.len() % 700);
    let (mut chunk, mut bytes, mut line) = (Chunk::default(), 0, 1);
    while chunks.next_into(&mut chunk).expect("memory is read without an error") {
        let text = chunk.text().to_vec();
        let mut places = chunk.places();
        let mut last = bytes;
        for at in (0..text.len()).step_by(7) {
            let end = (at + 5).min(text.len());
            assert!(places.line(at) >= line);
            let (from, to) = places.span(at, end);
            assert!(from >= last && from <= to && to <= bytes + chunk.bytes(), "{from} {to}");
            last = from;
        }
        bytes += chunk.bytes();
        line += chunk.newlines();
    }
    assert_eq!(bytes, mail.len() as u64);
});
