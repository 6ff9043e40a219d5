//! Limits of decompression: reached limits are told, and what came before them was read.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use indicia::input::{Event, Limits, Visitor, Walker};

#[derive(Default)]
struct Seen {
    bytes: u64,
    failed: Vec<String>,
}

impl Visitor for Seen {
    fn stream(&mut self, _: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        let mut buffer = [0; 4096];
        loop {
            match input.read(&mut buffer)? {
                0 => return Ok(ControlFlow::Continue(())),
                n => self.bytes += n as u64,
            }
        }
    }

    fn event(&mut self, _: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.failed.push(error.to_string());
        }
    }
}

fn zeros(bytes: u64) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::copy(&mut io::repeat(0).take(bytes), &mut encoder).unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

fn walk(data: &[u8], limits: Limits) -> Seen {
    let mut seen = Seen::default();
    let _ = Walker { limits, skip_documents: false }.reader("bomb", &mut io::Cursor::new(data), &mut seen);
    seen
}

#[test]
fn a_bomb_stops_at_the_stated_expansion() {
    let bomb = zeros(64 << 20);
    let limits = Limits { expansion: 100, expansion_free: 1 << 20, ..Limits::default() };
    let seen = walk(&bomb, limits);
    assert!(seen.failed.len() == 1 && seen.failed[0].contains("limit reached"), "{:?}", seen.failed);
    assert!((1 << 19..16 << 20).contains(&seen.bytes), "{}", seen.bytes);
    // The same stream within the limits is read whole.
    let seen = walk(&bomb, Limits::default());
    assert_eq!((seen.bytes, seen.failed.len()), (64 << 20, 0));
}

#[test]
fn layers_are_counted() {
    let mut data = b"x".to_vec();
    for _ in 0..4 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&data).unwrap();
        data = encoder.finish().unwrap();
    }
    assert_eq!(walk(&data, Limits { depth: 4, ..Limits::default() }).bytes, 1);
    let seen = walk(&data, Limits { depth: 3, ..Limits::default() });
    assert!(seen.bytes == 0 && seen.failed[0].contains("layers"), "{:?}", seen.failed);
}
