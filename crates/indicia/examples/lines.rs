//! Counts the lines of files, folders and archives: what reading and decompressing cost without a scan.
//!
//! `cargo run --release -p indicia --example lines -- FILE… [--size BYTES]`

use std::io::{self, Read};
use std::ops::ControlFlow;

use indicia::chunks::{CHUNK, Chunk, Chunks};
use indicia::input::{Event, Visitor, Walker};

struct Lines {
    size: usize,
    chunk: Chunk,
    lines: u64,
    bytes: u64,
}

impl Visitor for Lines {
    fn stream(&mut self, _: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        let mut chunks = Chunks::with_size(input, self.size);
        while chunks.next_into(&mut self.chunk)? {
            self.lines += self.chunk.newlines();
            self.bytes += self.chunk.bytes();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn event(&mut self, name: &str, event: Event) {
        eprintln!("{name}: {event:?}");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut files = Vec::new();
    let mut lines = Lines { size: CHUNK, chunk: Chunk::default(), lines: 0, bytes: 0 };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--size" => lines.size = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(CHUNK),
            file => files.push(file.to_string()),
        }
    }
    for file in files {
        let _ = Walker::default().path(file.as_ref(), &mut lines);
    }
    println!("{} lines, {} bytes", lines.lines, lines.bytes);
}
