//! Data to look into, in pieces: cut where no value can be cut, with line numbers and offsets of the input.
//!
//! A piece ends behind a newline. A line longer than [`MAX_LINE`] is cut at white space or a quote, which no
//! value holds; one without any is cut where it is, and that is counted. UTF-16 is decoded; its offsets are
//! those of the encoded bytes.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use indicia::input::{Visitor, Walker};

const CHUNK: usize = 2 << 20;
const MAX_LINE: usize = 16 << 20;

/// A piece of an input.
pub(crate) struct Chunk {
    /// UTF-8, or what the input holds.
    pub(crate) text: Vec<u8>,
    /// The offset of the piece in the input.
    pub(crate) base: u64,
    /// The number of its first line, from 1.
    pub(crate) line: u64,
    /// The encoding that stands between.
    pub(crate) via: Option<&'static str>,
}

/// Walks from places in a piece, in order, to lines and offsets of the input.
pub(crate) struct Places<'c> {
    chunk: &'c Chunk,
    at: usize,
    line: u64,
    units: u64,
}

impl<'c> Places<'c> {
    pub(crate) fn new(chunk: &'c Chunk) -> Places<'c> {
        Places { chunk, at: 0, line: chunk.line, units: 0 }
    }

    /// The line of a place; places come in order.
    pub(crate) fn line(&mut self, at: usize) -> u64 {
        self.advance(at);
        self.line
    }

    /// The span in the input of a span that begins at or behind the last place asked for.
    pub(crate) fn span(&mut self, start: usize, end: usize) -> (u64, u64) {
        if self.chunk.via.is_none() {
            return (self.chunk.base + start as u64, self.chunk.base + end as u64);
        }
        self.advance(start);
        let length = utf16_units(&self.chunk.text[start..end]);
        (self.chunk.base + 2 * self.units, self.chunk.base + 2 * (self.units + length))
    }

    fn advance(&mut self, to: usize) {
        if to > self.at {
            let passed = &self.chunk.text[self.at..to];
            self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
            if self.chunk.via.is_some() {
                self.units += utf16_units(passed);
            }
            self.at = to;
        }
    }
}

fn utf16_units(text: &[u8]) -> u64 {
    // One unit a lead byte, two for the four-byte ones.
    text.iter().map(|b| u64::from(*b < 0x80 || *b >= 0xc0) + u64::from(*b >= 0xf0)).sum()
}

/// Reads a stream in pieces. Returns how often a line had to be cut without a border.
pub(crate) fn chunks(
    input: &mut dyn BufRead,
    mut on: impl FnMut(Chunk) -> io::Result<ControlFlow<()>>,
) -> (io::Result<ControlFlow<()>>, u64) {
    let mut cuts = 0;
    let result = (|| {
        let mut held: Vec<u8> = Vec::new();
        let mut base = 0u64;
        let mut line = 1u64;
        let mut encoding: Option<Option<&'static Encoding>> = None;
        loop {
            let wanted = CHUNK.max(held.len() + CHUNK / 2) - held.len();
            // What was read before an error is looked into all the same.
            let read = read_up_to(input, wanted, &mut held);
            let ended = matches!(read, Ok(n) if n < wanted) || read.is_err();
            let encoding = *encoding.get_or_insert_with(|| utf16(&held));
            let end = if ended { held.len() } else { cut(&held, encoding, &mut cuts) };
            if end == 0 && !ended {
                continue;
            }
            let rest = held.split_off(end);
            let raw = std::mem::replace(&mut held, rest);
            if !raw.is_empty() {
                let length = raw.len() as u64;
                let (text, via) = match encoding {
                    Some(encoding) => {
                        let (text, _) = encoding.decode_without_bom_handling(&raw);
                        (
                            text.into_owned().into_bytes(),
                            Some(if encoding == UTF_16LE { "utf-16le" } else { "utf-16be" }),
                        )
                    }
                    None => (raw, None),
                };
                let lines = memchr::memchr_iter(b'\n', &text).count() as u64;
                if on(Chunk { text, base, line, via })?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                base += length;
                line += lines;
            }
            read?;
            if ended {
                return Ok(ControlFlow::Continue(()));
            }
        }
    })();
    (result, cuts)
}

fn read_up_to(input: &mut dyn BufRead, wanted: usize, out: &mut Vec<u8>) -> io::Result<usize> {
    input.take(wanted as u64).read_to_end(out)
}

/// Where a piece can end: 0 for nowhere yet.
fn cut(held: &[u8], encoding: Option<&'static Encoding>, cuts: &mut u64) -> usize {
    if let Some(encoding) = encoding {
        let newline: [u8; 2] = if encoding == UTF_16LE { [b'\n', 0] } else { [0, b'\n'] };
        let whole = held.len() / 2 * 2;
        let last = held[..whole].chunks_exact(2).rposition(|unit| unit == newline).map(|i| 2 * i + 2);
        return last.unwrap_or(if held.len() < MAX_LINE { 0 } else { whole & !3 });
    }
    if let Some(newline) = memchr::memrchr(b'\n', held) {
        return newline + 1;
    }
    if held.len() < MAX_LINE {
        return 0;
    }
    match held.iter().rposition(|b| *b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b'`')) {
        Some(border) => border + 1,
        None => {
            *cuts += 1;
            held.len()
        }
    }
}

/// UTF-16 by its mark, or by the zero bytes of ASCII text.
fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let head = &head[..head.len().min(512) / 2 * 2];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = head.len() / 2;
    if pairs < 4 {
        None
    } else if even == 0 && odd * 10 >= pairs * 7 {
        Some(UTF_16LE)
    } else if odd == 0 && even * 10 >= pairs * 7 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Walks files, folders and archives, or standard input where none is named.
pub(crate) fn walk(files: &[PathBuf], visitor: &mut dyn Visitor) {
    let walker = Walker::default();
    if files.is_empty() {
        let _ = walker.reader("-", &mut io::stdin().lock(), visitor);
        return;
    }
    for file in files {
        let flow = if file.as_os_str() == "-" {
            walker.reader("-", &mut io::stdin().lock(), visitor)
        } else {
            walker.path(file, visitor)
        };
        if flow.is_break() {
            return;
        }
    }
}

/// Whether a command without files would wait for a person to type.
pub(crate) fn nothing_to_read(files: &[PathBuf]) -> bool {
    use std::io::IsTerminal;
    files.is_empty() && io::stdin().is_terminal()
}

/// The values of a command: its arguments, or the lines of standard input.
pub(crate) fn values(arguments: Vec<String>) -> io::Result<Vec<String>> {
    if !arguments.is_empty() {
        return Ok(arguments);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(str::to_string)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(data: &[u8]) -> Vec<(u64, u64, String)> {
        let mut out = Vec::new();
        let (result, _) = chunks(&mut io::Cursor::new(data), |c| {
            out.push((c.base, c.line, String::from_utf8_lossy(&c.text).into_owned()));
            Ok(ControlFlow::Continue(()))
        });
        assert!(result.is_ok());
        out
    }

    #[test]
    fn long_lines_and_many_lines_come_whole() {
        let line = "x ".repeat(1000) + "\n";
        let data = line.repeat(3000);
        let got = pieces(data.as_bytes());
        assert!(got.len() > 1);
        assert_eq!(got.iter().map(|(_, _, t)| t.as_str()).collect::<String>(), data);
        for (base, line_number, _) in &got {
            assert_eq!(*base % line.len() as u64, 0);
            assert_eq!(*line_number - 1, base / line.len() as u64);
        }
    }

    #[test]
    fn utf16_is_decoded_and_places_lead_back() {
        let text = "é😀 bad.example\nx";
        for big in [false, true] {
            let mut data: Vec<u8> = if big { vec![0xfe, 0xff] } else { vec![0xff, 0xfe] };
            for unit in text.encode_utf16() {
                data.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            }
            let (result, _) = chunks(&mut io::Cursor::new(&data), |c| {
                let at = c.text.windows(3).position(|w| w == b"bad").unwrap();
                let (start, end) = Places::new(&c).span(at, at + 3);
                let piece = &data[start as usize..end as usize];
                let letters: Vec<u8> = piece.iter().copied().filter(|b| *b != 0).collect();
                assert_eq!(letters, b"bad");
                Ok(ControlFlow::Continue(()))
            });
            assert!(result.is_ok());
        }
    }
}
