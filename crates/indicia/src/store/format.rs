//! The file of a store, as `docs/store-1.md` lays it out: its writer and its distrustful reader.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::Seen;
use crate::{Kind, Reason, Time};

pub(super) const MAGIC: [u8; 8] = *b"\x89indobs\n";
const MAJOR: u16 = 1;
const MINOR: u16 = 0;
const HEADER: usize = 32;
const CHECK: usize = 16;

/// A block is closed once its records, or the values in them written out, have this many bytes.
const BLOCK: usize = 128 << 10;
const EXPANDED: usize = 1 << 20;
/// No value is longer: what the grammars take, with every byte escaped, is shorter.
const MAX_VALUE: usize = 64 << 10;
/// What a reader takes: no writer comes near.
const MAX_BLOCK: usize = 1 << 20;
const MAX_EXPANDED: usize = 8 << 20;

const LEVEL: i32 = 6;

/// Whether these are the first bytes of a store.
pub fn is_store(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

/// A stream whose first bytes were looked at.
pub type Peeked<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// Whether a stream is a store, and the stream from its start on.
///
/// # Errors
/// When its first bytes cannot be read.
pub fn peek<R: Read>(mut input: R) -> io::Result<(bool, Peeked<R>)> {
    let mut head = Vec::with_capacity(MAGIC.len());
    input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok((is_store(&head), io::Cursor::new(head).chain(input)))
}

/// A store could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The bytes could not be got.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Written by another version, or for another profile.
    #[error("the store has version {major}.{minor} and profile `{profile}`, and version 1 with {ours} is read; observe again", ours = crate::DEFAULT_PROFILE)]
    Version {
        /// The version of its layout.
        major: u16,
        /// The part of the version that readers need not know.
        minor: u16,
        /// The rules that its values follow.
        profile: String,
    },
    /// Changed, cut short, or never a store.
    #[error("byte {at}: {what}; the store is damaged: fetch it or observe again")]
    Corrupt {
        /// Where, from the start of the file.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
}

impl StoreError {
    /// The stable reason.
    pub fn reason(&self) -> Reason {
        match self {
            StoreError::Io(_) => Reason::Io,
            StoreError::Version { .. } => Reason::StoreVersion,
            StoreError::Corrupt { .. } => Reason::StoreCorrupt,
        }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> io::Error {
        match error {
            StoreError::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// What a store holds in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Observables.
    pub observables: u64,
    /// Places where they stood.
    pub places: u64,
    /// Observables by kind.
    pub kinds: std::collections::BTreeMap<Kind, u64>,
}

/// One observable of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed<'b> {
    /// Its number in the store, from 1.
    pub number: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its canonical value.
    pub value: &'b str,
    /// When and how often it was seen.
    pub seen: Seen,
}

/// A run of a store's observables, in order.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The number of the first, from 1.
    first: u64,
    values: String,
    records: Vec<Record>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    kind: Kind,
    /// Where its value ends; it begins where the one before ends.
    end: u32,
    seen: Seen,
}

impl Block {
    /// How many observables there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// One of them, by its place in the block.
    pub fn get(&self, at: usize) -> Option<Observed<'_>> {
        let record = self.records.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.records[before].end as usize);
        Some(Observed {
            number: self.first + at as u64,
            kind: record.kind,
            value: self.values.get(start..record.end as usize)?,
            seen: record.seen,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Observed<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

/// Whether a text can be the value of an observable.
pub(super) fn is_value(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_VALUE && !text.contains(char::is_control)
}

/// Writes a store. Observables come in order, each once.
pub(super) struct Writer<W> {
    out: Hashed<W>,
    records: Vec<u8>,
    count: u32,
    expanded: usize,
    last: Vec<u8>,
    last_time: i64,
    totals: Totals,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(inner: W) -> io::Result<Writer<W>> {
        let mut out = Hashed { inner, digest: Sha256::new(), at: 0 };
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&MAJOR.to_le_bytes());
        header[10..12].copy_from_slice(&MINOR.to_le_bytes());
        let profile = crate::DEFAULT_PROFILE.as_bytes();
        header[16..16 + profile.len()].copy_from_slice(profile);
        out.write_all(&header)?;
        Ok(Writer {
            out,
            records: Vec::new(),
            count: 0,
            expanded: 0,
            last: Vec::new(),
            last_time: 0,
            totals: Totals::default(),
        })
    }

    /// Adds an observable; `key` is the number of its kind, then its value.
    pub(super) fn push(&mut self, kind: Kind, key: &[u8], seen: Seen) -> io::Result<()> {
        let shared = key.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        varint(shared as u64, &mut self.records);
        varint((key.len() - shared) as u64, &mut self.records);
        self.records.extend_from_slice(&key[shared..]);
        // One bit beside it says whether there are times.
        let count = seen.count.min(u64::MAX >> 1);
        match seen.times {
            None => varint(count << 1, &mut self.records),
            Some((first, last)) => {
                let (first, last) = (first.unix(), last.unix());
                varint(count << 1 | 1, &mut self.records);
                let step = first - self.last_time;
                varint((step << 1 ^ step >> 63) as u64, &mut self.records);
                varint((last - first) as u64, &mut self.records);
                self.last_time = first;
            }
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        self.count += 1;
        self.expanded += key.len();
        self.totals.observables += 1;
        self.totals.places = self.totals.places.saturating_add(count);
        *self.totals.kinds.entry(kind).or_default() += 1;
        if self.records.len() >= BLOCK || self.expanded >= EXPANDED {
            self.close_block()?;
        }
        Ok(())
    }

    fn close_block(&mut self) -> io::Result<()> {
        let packed = zstd::bulk::compress(&self.records, LEVEL)?;
        self.out.write_all(&(packed.len() as u32).to_le_bytes())?;
        self.out.write_all(&(self.records.len() as u32).to_le_bytes())?;
        self.out.write_all(&self.count.to_le_bytes())?;
        self.out.write_all(&packed)?;
        let check = self.out.digest.clone().finalize();
        self.out.write_all(&check[..CHECK])?;
        self.records.clear();
        self.last.clear();
        (self.count, self.expanded, self.last_time) = (0, 0, 0);
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Totals> {
        if self.count > 0 {
            self.close_block()?;
        }
        self.out.write_all(&0u32.to_le_bytes())?;
        self.out.write_all(&self.totals.observables.to_le_bytes())?;
        let check = self.out.digest.clone().finalize();
        self.out.write_all(&check)?;
        self.out.inner.flush()?;
        Ok(self.totals)
    }
}

/// A stream whose bytes are digested on their way.
struct Hashed<T> {
    inner: T,
    digest: Sha256,
    at: u64,
}

impl<T: Write> Hashed<T> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.at += bytes.len() as u64;
        self.inner.write_all(bytes)
    }
}

impl<T: Read> Hashed<T> {
    fn read<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        let at = self.at;
        self.inner.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StoreError::Corrupt { at, what: "the file ends too early" },
            _ => StoreError::Io(error),
        })?;
        self.digest.update(&*bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// The check that must come next.
    fn check<const N: usize>(&mut self) -> Result<(), StoreError> {
        let (wanted, at) = (self.digest.clone().finalize(), self.at);
        if self.read::<N>()?[..] == wanted[..N] {
            Ok(())
        } else {
            Err(StoreError::Corrupt { at, what: "what stands before does not have this check sum" })
        }
    }
}

/// Reads a store from its start to its end, a block at a time.
///
/// Nothing of a block is looked into before its check sum was found right, which covers everything before it too. That
/// nothing is missing at the end is known when `next_block` has given `None`.
pub struct Reader<R> {
    input: Hashed<R>,
    packed: Vec<u8>,
    raw: Vec<u8>,
    key: Vec<u8>,
    read: u64,
    ended: bool,
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("read", &self.read).finish_non_exhaustive()
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header. The stream is read in large and small pieces: buffer it.
    ///
    /// # Errors
    /// When the stream cannot be read, or is no store of this version.
    pub fn new(input: R) -> Result<Reader<R>, StoreError> {
        let mut input = Hashed { inner: input, digest: Sha256::new(), at: 0 };
        let header: [u8; HEADER] = input.read()?;
        if !is_store(&header) {
            return Err(StoreError::Corrupt { at: 0, what: "a store does not begin like this" });
        }
        let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let (major, minor) = (number(8), number(10));
        let profile = header[16..].split(|b| *b == 0).next().unwrap_or_default();
        if major != MAJOR || profile != crate::DEFAULT_PROFILE.as_bytes() {
            // It is shown: letters, digits and the like, or nothing.
            let shown = profile.iter().filter(|b| b.is_ascii_graphic()).map(|b| char::from(*b)).collect();
            return Err(StoreError::Version { major, minor, profile: shown });
        }
        Ok(Reader { input, packed: Vec::new(), raw: Vec::new(), key: Vec::new(), read: 0, ended: false })
    }

    /// The next observables, or `None` behind the last.
    ///
    /// # Errors
    /// When the stream cannot be read, or was changed or cut short; then there is nothing behind it.
    pub fn next_block(&mut self) -> Result<Option<Block>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        let at = self.input.at;
        let corrupt = |what| StoreError::Corrupt { at, what };
        let packed = u32::from_le_bytes(self.input.read()?) as usize;
        if packed == 0 {
            let total = u64::from_le_bytes(self.input.read()?);
            self.input.check::<32>()?;
            if total != self.read {
                return Err(corrupt("the number of observables is another"));
            }
            let at = self.input.at;
            return match self.input.inner.read(&mut [0; 1])? {
                0 => Ok(None),
                _ => Err(StoreError::Corrupt { at, what: "something stands behind the end" }),
            };
        }
        let raw = u32::from_le_bytes(self.input.read()?) as usize;
        let count = u32::from_le_bytes(self.input.read()?) as usize;
        if packed > MAX_BLOCK || raw > MAX_BLOCK || count == 0 || count > raw {
            return Err(corrupt("a block cannot have this size"));
        }
        self.packed.resize(packed, 0);
        self.input.fill(&mut self.packed)?;
        self.input.check::<CHECK>()?;
        self.raw.resize(raw, 0);
        match zstd::bulk::decompress_to_buffer(&self.packed, &mut self.raw[..]) {
            Ok(n) if n == raw => {}
            _ => return Err(corrupt("the block cannot be decompressed")),
        }
        let block = records(&self.raw, count, self.read + 1, &mut self.key).map_err(corrupt)?;
        self.read += count as u64;
        self.ended = false;
        Ok(Some(block))
    }
}

/// Reads the records of a block. `key` is the last one of the block before, and then of this one.
fn records(raw: &[u8], count: usize, first: u64, key: &mut Vec<u8>) -> Result<Block, &'static str> {
    let mut block = Block { first, values: String::new(), records: Vec::with_capacity(count) };
    let mut rest = raw;
    let mut last_time = 0i64;
    let mut before = std::mem::take(key);
    for at in 0..count {
        let shared = number(&mut rest)?;
        let length = number(&mut rest)?;
        // The first record of a block has its value whole.
        let known = if at == 0 { 0 } else { before.len() };
        if shared > known as u64 || length > rest.len() as u64 {
            return Err("a record of the block is longer than it can be");
        }
        let (shared, length) = (shared as usize, length as usize);
        key.clear();
        key.extend_from_slice(&before[..shared]);
        key.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
        if *key <= before {
            return Err("the observables of the block are not in order");
        }
        let (kind, value) = key.split_first().ok_or("a record of the block is empty")?;
        let kind = Kind::from_number(*kind).ok_or("the block names a kind that is not known")?;
        let value = std::str::from_utf8(value).map_err(|_| "a value of the block is not UTF-8")?;
        if !is_value(value) {
            return Err("a value of the block is none");
        }
        let tagged = number(&mut rest)?;
        let times = if tagged & 1 == 0 {
            None
        } else {
            let step = number(&mut rest)?;
            let step = (step >> 1) as i64 ^ -((step & 1) as i64);
            let length = i64::try_from(number(&mut rest)?).ok();
            let from = last_time.checked_add(step);
            let to = from.zip(length).and_then(|(from, length)| from.checked_add(length));
            let times = from.and_then(Time::from_unix).zip(to.and_then(Time::from_unix));
            last_time = from.unwrap_or_default();
            Some(times.ok_or("a time of the block is none")?)
        };
        let count = tagged >> 1;
        if count == 0 {
            return Err("an observable of the block was never seen");
        }
        block.values.push_str(value);
        if block.values.len() > MAX_EXPANDED {
            return Err("the values of the block are longer than they can be");
        }
        block.records.push(Record { kind, end: block.values.len() as u32, seen: Seen { times, count } });
        std::mem::swap(key, &mut before);
    }
    *key = before;
    if rest.is_empty() { Ok(block) } else { Err("the block goes on behind its last record") }
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Seven bits a byte, low ones first, in the shortest form.
fn number(rest: &mut &[u8]) -> Result<u64, &'static str> {
    let mut n = 0u64;
    for (at, b) in rest.iter().enumerate().take(10) {
        let bits = u64::from(b & 0x7f);
        if at == 9 && bits > 1 {
            break;
        }
        n |= bits << (7 * at);
        if b & 0x80 == 0 {
            if *b == 0 && at > 0 {
                break;
            }
            *rest = &rest[at + 1..];
            return Ok(n);
        }
    }
    Err("a number of the block is cut off or too large")
}
