//! Text of any encoding, a line or a document at a time, with bounded memory for lines.
//!
//! UTF-8 is the rule; UTF-16 is recognised by its byte order mark, or by NUL in every second byte; a line that
//! is not UTF-8 is read as windows-1252, and counted.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The longest line that is kept; of a longer one the beginning is kept and the rest passed over.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The lines of a text, numbered from 1, without their ends (LF, CRLF, and a lone CR at the end of the text).
pub(crate) struct Lines<'a> {
    text: Box<dyn BufRead + 'a>,
    /// A line that is not whole in what the text has buffered.
    buffer: Vec<u8>,
    /// What the text has buffered of the line given last.
    used: usize,
    number: u64,
}

/// One line.
pub(crate) struct Line<'b> {
    pub(crate) number: u64,
    pub(crate) text: Cow<'b, str>,
    /// It was not UTF-8.
    pub(crate) recoded: bool,
    /// It was longer than [`MAX_LINE_BYTES`]: only its beginning is here.
    pub(crate) cut: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> io::Result<Lines<'a>> {
        Ok(Lines { text: utf8(input)?, buffer: Vec::new(), used: 0, number: 0 })
    }

    /// The lines of a part of a text in UTF-8, numbered behind those before it.
    pub(crate) fn of_part(part: &'a mut dyn BufRead, before: u64) -> Lines<'a> {
        Lines { text: Box::new(part), buffer: Vec::new(), used: 0, number: before }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.text.consume(std::mem::take(&mut self.used));
        self.buffer.clear();
        let mut any = false;
        let mut cut = false;
        loop {
            let chunk = match self.text.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', chunk);
            if let Some(end) = end
                && !any
                && end <= MAX_LINE_BYTES
            {
                // Most lines are whole in the buffer of the text: they are read there.
                self.number += 1;
                self.used = end + 1;
                return Ok(Some(self.borrowed(end)?));
            }
            any = true;
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = MAX_LINE_BYTES - self.buffer.len();
            cut |= part.len() > room;
            self.buffer.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.text.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        if !cut && self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        if cut {
            // The cut may stand inside a character.
            while self.buffer.last().is_some_and(|b| *b >= 0x80) {
                self.buffer.pop();
            }
        }
        let (text, recoded) = decode(&self.buffer);
        Ok(Some(Line { number: self.number, text, recoded, cut }))
    }

    /// The first bytes of what the text has buffered, as a line.
    fn borrowed(&mut self, end: usize) -> io::Result<Line<'_>> {
        let line = &self.text.fill_buf()?[..end];
        let (text, recoded) = decode(line.strip_suffix(b"\r").unwrap_or(line));
        Ok(Line { number: self.number, text, recoded, cut: false })
    }
}

/// The text of bytes that should be UTF-8; windows-1252 where they are not.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.into(), false),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}

/// A whole document as UTF-8 without byte order mark, and whether it was windows-1252.
pub(crate) fn document(input: &mut dyn BufRead) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    utf8(input)?.read_to_end(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, false)),
        Err(e) => Ok((decode(e.as_bytes()).0.into_owned(), true)),
    }
}

/// The encoding that the first bytes of a text show, and the length of its mark.
pub(crate) fn encoding(head: &[u8]) -> (&'static Encoding, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => (UTF_8, 3),
        [0xff, 0xfe, ..] => (UTF_16LE, 2),
        [0xfe, 0xff, ..] => (UTF_16BE, 2),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => (UTF_16LE, 0),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => (UTF_16BE, 0),
        _ => (UTF_8, 0),
    }
}

fn utf8<'a>(input: &'a mut dyn BufRead) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut head = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut head)?;
    let (encoding, mark) = encoding(&head);
    let rest = io::Cursor::new(head.split_off(mark)).chain(input);
    if encoding == UTF_8 {
        return Ok(Box::new(rest));
    }
    let decoder = encoding.new_decoder_without_bom_handling();
    Ok(Box::new(Decoded { input: rest, decoder, out: vec![0; 8 * 1024], start: 0, end: 0, done: false }))
}

/// UTF-16 read as UTF-8.
struct Decoded<R> {
    input: R,
    decoder: Decoder,
    out: Vec<u8>,
    start: usize,
    end: usize,
    done: bool,
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && !self.done {
            let chunk = self.input.fill_buf()?;
            let last = chunk.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(chunk, &mut self.out, last);
            self.input.consume(read);
            (self.start, self.end) = (0, written);
            self.done = last && result == encoding_rs::CoderResult::InputEmpty;
        }
        Ok(&self.out[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let length = chunk.len().min(into.len());
        into[..length].copy_from_slice(&chunk[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<(u64, String, bool)> {
        let mut lines = Lines::new(&mut bytes).unwrap();
        let mut out = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            out.push((line.number, line.text.into_owned(), line.recoded));
        }
        out
    }

    #[test]
    fn encodings_and_line_ends() {
        let expected = vec![(1, "a".to_string(), false), (2, "é".to_string(), false)];
        assert_eq!(all("a\né".as_bytes()), expected);
        assert_eq!(all("\u{feff}a\r\né\r\n".as_bytes()), expected);
        let le: Vec<u8> = "\u{feff}a\r\né".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(all(&le), expected);
        let be: Vec<u8> = "ab\né".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(all(&be)[0].1, "ab");
        assert_eq!(all(b"a\n\xe9\n"), vec![(1, "a".to_string(), false), (2, "é".to_string(), true)]);
        assert!(all(b"").is_empty());
        assert_eq!(all(b"\n\n").len(), 2);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_read() {
        let mut bytes = vec![b'a'; MAX_LINE_BYTES + 5];
        bytes.extend_from_slice(b"\nb\n");
        let mut input = bytes.as_slice();
        let mut lines = Lines::new(&mut input).unwrap();
        assert!(lines.next().unwrap().unwrap().cut);
        assert_eq!(lines.next().unwrap().unwrap().text, "b");
    }
}
