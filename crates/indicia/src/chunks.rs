//! A stream in pieces to look into: cut where no value can be cut, with line numbers and offsets of the stream.
//!
//! A piece ends behind a newline. A line of more than [`MAX_LINE`] bytes is cut at white space or a quote, which no
//! value holds; one without any is cut where it is, and that is counted. Where pieces end beside that depends on
//! their size, and what is found in them does not. UTF-16 is decoded, and so are the parts of mail that are encoded;
//! offsets stay those of the encoded bytes. All else is handed out as it is, neither copied nor checked.
//!
//! Nothing is allocated a piece: the caller's [`Chunk`]s are filled again and again, and whatever reads or
//! decompresses writes straight into them.

mod records;

use std::collections::VecDeque;
use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use indicia_core::fields::Header;

use records::Records;

use crate::mail::{Coding, MAX_MESSAGE, Segment, is_mail, next_message, segments};

/// The longest line that is never cut.
pub const MAX_LINE: usize = 16 << 20;

/// The size of pieces unless said: what is decoded is scanned while the second-level cache still holds it.
pub const CHUNK: usize = 256 << 10;

/// A piece of a stream.
#[derive(Debug, Default)]
pub struct Chunk {
    /// What was read; the piece is its first `len` bytes.
    buffer: Vec<u8>,
    len: usize,
    decoded: Vec<u8>,
    /// Of a part of mail, how it is encoded and where each decoded byte stands.
    part: Option<Coding>,
    places: Vec<u32>,
    base: u64,
    line: u64,
    newlines: u64,
    via: Option<&'static str>,
    header: Header,
    /// Ends of lines inside records are joined.
    joined: bool,
}

impl Chunk {
    /// The piece: UTF-8, or whatever the stream holds.
    pub fn text(&self) -> &[u8] {
        if self.via.is_some() { &self.decoded } else { &self.buffer[..self.len] }
    }

    /// The encoding that stands between the stream and the text.
    pub fn via(&self) -> Option<&'static str> {
        self.via
    }

    /// What stood before the piece says of columns, where [`Chunks::with_headers`] asks for it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The newlines in the piece.
    pub fn newlines(&self) -> u64 {
        self.newlines
    }

    /// The bytes of the stream that the piece is made of.
    pub fn bytes(&self) -> u64 {
        self.len as u64
    }

    /// The ends of lines in a piece of the text.
    fn newlines_in(&self, text: &[u8]) -> u64 {
        match self.joined {
            true => memchr::memchr2_iter(b'\n', records::JOINED, text).count() as u64,
            false => memchr::memchr_iter(b'\n', text).count() as u64,
        }
    }

    /// Where a decoded byte of a part of mail stands.
    fn raw_place(&self, at: usize) -> usize {
        self.places.get(at).map_or(self.len, |place| *place as usize)
    }

    /// The way from places in the text to lines and offsets of the stream.
    pub fn places(&self) -> Places<'_> {
        Places { chunk: self, at: 0, line: self.line, units: 0 }
    }
}

/// Walks from places in a piece, in order, to lines and offsets of the stream.
#[derive(Debug)]
pub struct Places<'c> {
    chunk: &'c Chunk,
    at: usize,
    line: u64,
    units: u64,
}

impl Places<'_> {
    /// The line of a place, from 1. A place before the last one asked for has the line of that one.
    pub fn line(&mut self, at: usize) -> u64 {
        self.advance(at);
        self.line
    }

    /// The span in the stream of a span of the text that begins at or behind the last place asked for.
    pub fn span(&mut self, start: usize, end: usize) -> (u64, u64) {
        if let Some(part) = self.chunk.part {
            let raw = &self.chunk.buffer[..self.chunk.len];
            let from = self.chunk.raw_place(start);
            let to = end.checked_sub(1).map_or(from, |last| part.end_of(raw, self.chunk.raw_place(last)));
            return (self.chunk.base + from as u64, self.chunk.base + to.max(from) as u64);
        }
        if self.chunk.via.is_none() {
            return (self.chunk.base + start as u64, self.chunk.base + end as u64);
        }
        self.advance(start);
        let length = utf16_units(&self.chunk.text()[start..end]);
        (self.chunk.base + 2 * self.units, self.chunk.base + 2 * (self.units + length))
    }

    fn advance(&mut self, to: usize) {
        if to > self.at && self.chunk.part.is_some() {
            let passed = &self.chunk.buffer[self.chunk.raw_place(self.at)..self.chunk.raw_place(to)];
            self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
            self.at = to;
        } else if to > self.at {
            let passed = &self.chunk.text()[self.at..to];
            self.line += self.chunk.newlines_in(passed);
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

/// Reads a stream in pieces.
///
/// ```
/// use indicia::chunks::{Chunk, Chunks};
/// let mut chunks = Chunks::new("one\ntwo\n".as_bytes());
/// let mut chunk = Chunk::default();
/// while chunks.next_into(&mut chunk)? {
///     let at = chunk.text().iter().position(|b| *b == b'w').unwrap();
///     let mut places = chunk.places();
///     assert_eq!((places.line(at), places.span(at, at + 1)), (2, (5, 6)));
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Chunks<R> {
    input: R,
    size: usize,
    /// The beginning of the line that the last piece ended before.
    carried: Vec<u8>,
    base: u64,
    line: u64,
    /// Known once the first bytes are.
    encoding: Option<Option<&'static Encoding>>,
    cuts: u64,
    ended: bool,
    failed: Option<io::Error>,
    /// Of what was handed out, where it is asked for.
    header: Option<Header>,
    /// The last piece ended within a line.
    midline: bool,
    /// Values can go on in the next line.
    wrapped: bool,
    records: Records,
    /// Of a stream of mail.
    mail: Option<Mail>,
}

/// What is left of a stream of mail.
#[derive(Debug, Default)]
struct Mail {
    /// What was read and not handed out.
    data: Vec<u8>,
    /// The pieces of the message that `data` begins with, in front of `at`.
    segments: VecDeque<Segment>,
    /// Behind the message that the segments are of.
    end: usize,
}

impl<R: Read> Chunks<R> {
    /// Pieces of about [`CHUNK`] bytes.
    pub fn new(input: R) -> Chunks<R> {
        Chunks::with_size(input, CHUNK)
    }

    /// Pieces of about `size` bytes, at most [`MAX_LINE`]; a longer line makes a larger piece, and so do the bytes
    /// that show the encoding.
    pub fn with_size(input: R, size: usize) -> Chunks<R> {
        Chunks {
            input,
            size: size.clamp(1, MAX_LINE),
            carried: Vec::new(),
            base: 0,
            line: 1,
            encoding: None,
            cuts: 0,
            ended: false,
            failed: None,
            header: None,
            midline: false,
            wrapped: false,
            records: Records::default(),
            mail: None,
        }
    }

    /// Whether pieces are told what stood before them of the names of columns, for scans that read fields. Ends of lines inside
    /// an object of a JSON document become form feeds: it is one record, in one line.
    pub fn with_headers(mut self, wanted: bool) -> Chunks<R> {
        self.header = wanted.then(Header::default);
        self
    }

    /// Whether no piece ends where a hash or URL can go on in the next line, for [`ExtractOptions::wrapped`](crate::ExtractOptions).
    pub fn with_wrapped(mut self, wanted: bool) -> Chunks<R> {
        self.wrapped = wanted;
        self
    }

    /// How often a line was cut where that may have cut a value, or the names of fields from what comes behind, and how often
    /// encoded words or parts of a message were left unread.
    pub fn cuts(&self) -> u64 {
        self.cuts
    }

    /// Reads the next piece, in the memory of an earlier one. `false` at the end.
    ///
    /// # Errors
    /// What reading gave, after all that came before it was handed out.
    pub fn next_into(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        (chunk.part, chunk.joined) = (None, false);
        if self.mail.is_some() {
            return self.next_of_mail(chunk);
        }
        let first = self.encoding.is_none();
        let end = self.fill(chunk);
        if first && self.encoding == Some(None) && is_mail(&chunk.buffer[..chunk.len.min(HEAD)]) {
            self.carried.clear();
            self.mail = Some(Mail { data: chunk.buffer[..chunk.len].to_vec(), ..Mail::default() });
            return self.next_of_mail(chunk);
        }
        if end == 0 {
            return self.failed.take().map_or(Ok(false), Err);
        }
        self.carried.clear();
        self.carried.extend_from_slice(&chunk.buffer[end..chunk.len]);
        chunk.len = end;
        chunk.via = None;
        if let Some(encoding) = self.encoding.flatten() {
            chunk.via = Some(if encoding == UTF_16LE { "utf-16le" } else { "utf-16be" });
            chunk.decoded =
                encoding.decode_without_bom_handling(&chunk.buffer[..end]).0.into_owned().into_bytes();
        }
        chunk.joined = self.records.are_joined();
        chunk.newlines = chunk.newlines_in(chunk.text());
        if let Some(header) = &mut self.header {
            chunk.header = header.clone();
            header.read(chunk.text());
            if std::mem::take(&mut self.midline) {
                header.cut();
            }
        }
        (chunk.base, chunk.line) = (self.base, self.line);
        self.base += end as u64;
        self.line += chunk.newlines;
        Ok(true)
    }

    /// The next piece of a stream of mail.
    fn next_of_mail(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        let Some(mail) = &mut self.mail else { return Ok(false) };
        if mail.segments.is_empty() {
            mail.data.drain(..mail.end);
            mail.end = 0;
            // Until the next message begins, or this one is too long.
            let mut searched = 1;
            let mut next = None;
            while mail.data.len() < MAX_MESSAGE {
                next = next_message(&mail.data, searched.min(mail.data.len()));
                if next.is_some() || self.ended {
                    break;
                }
                searched = mail.data.len().saturating_sub(8).max(1);
                let read = (&mut self.input).take(CHUNK as u64).read_to_end(&mut mail.data);
                match read {
                    Ok(0) => self.ended = true,
                    Ok(_) => {}
                    Err(error) => (self.ended, self.failed) = (true, Some(error)),
                }
            }
            if mail.data.is_empty() {
                return self.failed.take().map_or(Ok(false), Err);
            }
            if let Some(end) = next.or(self.ended.then_some(mail.data.len())) {
                mail.end = end;
                let (pieces, more) = segments(&mail.data[..end]);
                mail.segments = pieces.into();
                self.cuts += u64::from(more);
            } else {
                // Read as text, up to the end of a line.
                self.cuts += 1;
                mail.end = memchr::memrchr(b'\n', &mail.data).map_or(mail.data.len(), |newline| newline + 1);
                mail.segments.push_back(Segment { range: 0..mail.end, coding: None });
            }
        }
        let Some(mut segment) = mail.segments.pop_front() else { return Ok(false) };
        if segment.coding.is_none() && segment.range.len() > self.size {
            let from = segment.range.start;
            let text = &mail.data[from..segment.range.end];
            let cut = from + indicia_core::block_end(text, self.size - 1, self.wrapped);
            if cut < segment.range.end {
                mail.segments.push_front(Segment { range: cut..segment.range.end, coding: None });
                segment.range.end = cut;
            }
        }
        let raw = &mail.data[segment.range];
        chunk.buffer.clear();
        chunk.buffer.extend_from_slice(raw);
        chunk.len = raw.len();
        chunk.via = segment.coding.map(Coding::name);
        chunk.part = segment.coding;
        if let Some(coding) = segment.coding {
            coding.decode(raw, &mut chunk.decoded, &mut chunk.places);
        }
        chunk.header = Header::default();
        chunk.newlines = memchr::memchr_iter(b'\n', raw).count() as u64;
        (chunk.base, chunk.line) = (self.base, self.line);
        self.base += chunk.len as u64;
        self.line += chunk.newlines;
        Ok(true)
    }

    /// Reads until a piece can end, and gives where: 0 at the end of the stream.
    fn fill(&mut self, chunk: &mut Chunk) -> usize {
        // What one long line took is given back.
        if chunk.buffer.len() > 4 * self.size {
            chunk.buffer = Vec::new();
        }
        let mut len = self.carried.len();
        if chunk.buffer.len() < len {
            chunk.buffer.resize(len, 0);
        }
        chunk.buffer[..len].copy_from_slice(&self.carried);
        let (mut searched, mut joined) = (0, len);
        loop {
            // Never more than the longest line: so one that is longer is cut at the same place whatever the size is.
            let wanted = if len < self.size { self.size } else { (2 * len).min(MAX_LINE) };
            if chunk.buffer.len() < wanted {
                chunk.buffer.resize(wanted, 0);
            }
            while len < wanted && !self.ended {
                match self.input.read(&mut chunk.buffer[len..wanted]) {
                    Ok(0) => self.ended = true,
                    Ok(n) => len += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // What was read before it is looked into all the same.
                    Err(error) => (self.ended, self.failed) = (true, Some(error)),
                }
            }
            chunk.len = len;
            if len < HEAD && self.encoding.is_none() && !self.ended {
                continue;
            }
            let encoding = *self.encoding.get_or_insert_with(|| utf16(&chunk.buffer[..len]));
            if self.header.is_some() && encoding.is_none() {
                self.records.join(&mut chunk.buffer[joined..len]);
                joined = len;
            }
            if self.ended {
                return len;
            }
            let read = &chunk.buffer[..len];
            if let Some(end) = last_line_end(read, searched, encoding, self.wrapped) {
                return end;
            }
            if len >= MAX_LINE {
                return self.cut(read, encoding);
            }
            searched = len;
        }
    }

    /// Where a line that is too long is cut.
    fn cut(&mut self, line: &[u8], encoding: Option<&'static Encoding>) -> usize {
        self.midline = true;
        if self.header.is_some() {
            self.cuts += 1;
        }
        if encoding.is_some() {
            return line.len() & !3;
        }
        match line.iter().rposition(|b| *b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b'`')) {
            Some(border) => border + 1,
            None => {
                self.cuts += u64::from(self.header.is_none());
                line.len()
            }
        }
    }
}

/// Behind the last newline, looked for from a place on.
fn last_line_end(
    text: &[u8],
    from: usize,
    encoding: Option<&'static Encoding>,
    wrapped: bool,
) -> Option<usize> {
    let Some(encoding) = encoding else {
        // What goes on behind a newline was not known before.
        let from = if wrapped { 0 } else { from };
        let mut newlines = memchr::memchr_iter(b'\n', &text[from..]).rev();
        let end = newlines.find(|at| !wrapped || !indicia_core::refang::may_go_on(text, from + at));
        return end.map(|at| from + at + 1);
    };
    let newline: [u8; 2] = if encoding == UTF_16LE { [b'\n', 0] } else { [0, b'\n'] };
    let from = from & !1;
    let units = text[from..].chunks_exact(2);
    units.into_iter().rposition(|unit| unit == newline).map(|unit| from + 2 * unit + 2)
}

/// The bytes that show an encoding.
const HEAD: usize = 512;

/// UTF-16 by its mark, or by the zero bytes of ASCII text.
fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let head = &head[..head.len().min(HEAD) / 2 * 2];
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Base, line and text of each piece, and the cuts.
    fn pieces(data: &[u8], size: usize) -> (Vec<(u64, u64, Vec<u8>)>, u64) {
        let mut chunks = Chunks::with_size(data, size);
        let (mut chunk, mut out) = (Chunk::default(), Vec::new());
        while chunks.next_into(&mut chunk).unwrap() {
            out.push((chunk.base, chunk.line, chunk.text().to_vec()));
        }
        assert!(!chunks.next_into(&mut chunk).unwrap());
        (out, chunks.cuts())
    }

    #[test]
    fn long_lines_and_many_lines_come_whole() {
        let line = "x ".repeat(1000) + "\n";
        let data = line.repeat(300);
        for size in [1, 100, 1 << 12, CHUNK, MAX_LINE] {
            let (got, _) = pieces(data.as_bytes(), size);
            assert_eq!(
                got.iter().flat_map(|(_, _, text)| text).copied().collect::<Vec<u8>>(),
                data.as_bytes()
            );
            for (base, number, _) in &got {
                assert_eq!(*base % line.len() as u64, 0);
                assert_eq!(*number - 1, base / line.len() as u64);
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_at_the_same_place_whatever_the_size() {
        let mut data = b"first\n".to_vec();
        data.extend(std::iter::repeat_n(b'a', MAX_LINE - 9));
        data.push(b'"');
        data.extend(std::iter::repeat_n(b'b', 2 * MAX_LINE));
        data.extend(b"\nlast");
        // The cuts that every size makes: the ends of pieces that are no ends of lines.
        let cuts = |size| {
            let (got, cuts) = pieces(&data, size);
            let ends: Vec<u64> = (got.iter())
                .filter(|(_, _, text)| text.last() != Some(&b'\n'))
                .map(|(base, _, text)| base + text.len() as u64)
                .collect();
            (ends, cuts)
        };
        let quote = 6 + MAX_LINE as u64 - 8;
        let (ends, hard) = cuts(CHUNK);
        assert_eq!((ends[0], hard), (quote, 2));
        for size in [100_000, 1 << 20, MAX_LINE] {
            assert_eq!(cuts(size), (ends.clone(), hard), "{size}");
        }
    }

    #[test]
    fn what_came_before_an_error_is_handed_out() {
        struct Fails(u8);
        impl Read for Fails {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    1 => Err(io::ErrorKind::Interrupted.into()),
                    2 => {
                        into[..3].copy_from_slice(b"a\nb");
                        Ok(3)
                    }
                    _ => Err(io::Error::other("gone")),
                }
            }
        }
        let mut chunks = Chunks::new(Fails(0));
        let mut chunk = Chunk::default();
        assert!(chunks.next_into(&mut chunk).unwrap());
        assert_eq!(chunk.text(), b"a\nb");
        assert_eq!(chunks.next_into(&mut chunk).unwrap_err().to_string(), "gone");
        assert!(!chunks.next_into(&mut chunk).unwrap());
    }

    #[test]
    fn utf16_is_decoded_and_places_lead_back() {
        let text = "é😀 bad.example\nx";
        for big in [false, true] {
            let mut data: Vec<u8> = if big { vec![0xfe, 0xff] } else { vec![0xff, 0xfe] };
            for unit in text.encode_utf16() {
                data.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            }
            let mut chunk = Chunk::default();
            assert!(Chunks::new(data.as_slice()).next_into(&mut chunk).unwrap());
            let at = chunk.text().windows(3).position(|w| w == b"bad").unwrap();
            let (start, end) = chunk.places().span(at, at + 3);
            let piece = &data[start as usize..end as usize];
            let letters: Vec<u8> = piece.iter().copied().filter(|b| *b != 0).collect();
            assert_eq!(letters, b"bad");
        }
    }

    #[test]
    fn utf16_lines_in_small_pieces() {
        // The last letter but three has the bytes of a newline in it.
        let text = format!("\u{feff}{}", "one\nzwei\nt\u{a00}r\u{e9}s\n".repeat(50));
        let data: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for size in [1, 7, 600, CHUNK] {
            let (got, _) = pieces(&data, size);
            let all: Vec<u8> = got.iter().flat_map(|(_, _, text)| text).copied().collect();
            assert_eq!(String::from_utf8(all).unwrap(), text, "{size}");
        }
    }
}
