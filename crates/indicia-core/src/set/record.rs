//! One indicator as it stands in the file, and the section of those of one kind.
//!
//! A record is its value and, in a few bytes in front, what else there is: flags, the numbers of its contexts, and the
//! key where it is neither the value nor its end. Eight records share one offset; with their lengths beside it, each is
//! found by one read.

use bytes::Bytes;

use super::raw::{put_varint, same, take, u32_at, varint};
use crate::scan::prefetch;
use crate::{Kind, Match};

/// Records that share an offset.
const BLOCK: usize = 8;
/// Bytes of the offset and the lengths.
const BLOCK_BYTES: usize = 4 + BLOCK;
/// In place of the length of a record that is as long or longer; its length stands in front of it.
const LONG: u8 = 255;

const MATCH_BITS: u8 = 0x07;
/// The one number of these bits that stands for no way to match.
const NO_MATCH: u8 = 7;
const KEY_BITS: u8 = 0x18;
const KEY_IS_END: u8 = 0x08;
const KEY_IS_OWN: u8 = 0x10;
const LIST: u8 = 0x20;
const EXTRA: u8 = 0x40;
const OTHER_KIND: u8 = 0x80;

/// How a target matches, as a number of three bits.
pub(super) fn match_code(match_: Match, below_only: bool) -> u8 {
    match (match_, below_only) {
        (Match::Exact, _) => 0,
        (Match::Subdomains, false) => 1,
        (Match::Subdomains, true) => 2,
        (Match::Network, _) => 3,
        (Match::Prefix, _) => 4,
        (Match::Mask, _) => 5,
        (Match::Pattern, _) => 6,
    }
}

pub(super) fn match_of_code(code: u8) -> Option<(Match, bool)> {
    Some(match code {
        0 => (Match::Exact, false),
        1 => (Match::Subdomains, false),
        2 => (Match::Subdomains, true),
        3 => (Match::Network, false),
        4 => (Match::Prefix, false),
        5 => (Match::Mask, false),
        6 => (Match::Pattern, false),
        _ => return None,
    })
}

/// The fields of a record. Texts are bytes here: a file can hold what is no UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'s> {
    pub(super) kind: Kind,
    pub(super) match_: Match,
    pub(super) below_only: bool,
    pub(super) contexts: Numbers<'s>,
    pub(super) value: &'s [u8],
    pub(super) key: &'s [u8],
    /// Empty for none, as is the next.
    pub(super) group: &'s [u8],
    pub(super) source_type: &'s [u8],
}

impl<'s> Record<'s> {
    /// What stands in place of a record that cannot be read.
    fn nothing(kind: Kind) -> Record<'s> {
        Record {
            kind,
            match_: Match::Exact,
            below_only: false,
            contexts: Numbers::default(),
            value: &[],
            key: &[],
            group: &[],
            source_type: &[],
        }
    }

    /// Reads the body of a record in a section of this kind.
    #[inline]
    pub(super) fn read(body: &'s [u8], kind: Kind) -> Record<'s> {
        Record::read_all(body, kind).unwrap_or(Record::nothing(kind))
    }

    #[inline]
    pub(super) fn read_all(body: &'s [u8], kind: Kind) -> Option<Record<'s>> {
        match *body {
            // Nearly all: one context, and the value, which is the key.
            [flags, ..0x80, ..] if flags < NO_MATCH => {
                let (match_, below_only) = match_of_code(flags)?;
                let contexts = Numbers { left: 1, bytes: &body[1..2] };
                let value = &body[2..];
                Some(Record { match_, below_only, contexts, value, key: value, ..Record::nothing(kind) })
            }
            _ => Record::read_any(body, kind),
        }
    }

    /// How the record of a body matches, as [`match_code`] has it.
    #[inline]
    pub(super) fn code(body: &[u8], kind: Kind) -> u8 {
        match *body {
            [flags, ..0x80, ..] if flags < NO_MATCH => flags,
            _ => {
                Record::read_any(body, kind).map_or(0, |record| match_code(record.match_, record.below_only))
            }
        }
    }

    #[inline(never)]
    fn read_any(body: &'s [u8], kind: Kind) -> Option<Record<'s>> {
        let flags = *body.first()?;
        let mut at = 1;
        let mut record = Record::nothing(kind);
        (record.match_, record.below_only) = match_of_code(flags & MATCH_BITS)?;
        if flags & OTHER_KIND != 0 {
            record.kind = Kind::from_number(*body.get(at)?)?;
            at += 1;
        }
        record.contexts = if flags & LIST != 0 {
            let count = varint(body, &mut at)?;
            let length = varint(body, &mut at)? as usize;
            // Each number is a byte at least.
            Numbers { left: count, bytes: take(body, &mut at, length).filter(|_| count as usize <= length)? }
        } else {
            let from = at;
            varint(body, &mut at)?;
            Numbers { left: 1, bytes: &body[from..at] }
        };
        let key = match flags & KEY_BITS {
            0 => 0,
            _ => varint(body, &mut at)? as usize,
        };
        let (group, source_type) = match flags & EXTRA {
            0 => (0, 0),
            _ => (varint(body, &mut at)?, varint(body, &mut at)?),
        };
        if flags & KEY_BITS == KEY_IS_OWN {
            record.key = take(body, &mut at, key)?;
        }
        record.group = take(body, &mut at, group as usize)?;
        record.source_type = take(body, &mut at, source_type as usize)?;
        record.value = &body[at..];
        match flags & KEY_BITS {
            0 => record.key = record.value,
            KEY_IS_END => record.key = record.value.get(key..)?,
            KEY_IS_OWN => {}
            _ => return None,
        }
        Some(record)
    }

    /// Writes the record as it stands in a section of `kind`.
    pub(super) fn write(&self, kind: Kind, contexts: &[u32], body: &mut Vec<u8>) {
        body.clear();
        let Record { value, key, group, source_type, .. } = *self;
        let mut flags = match_code(self.match_, self.below_only);
        let key_number = if key == value {
            None
        } else if value.ends_with(key) {
            flags |= KEY_IS_END;
            Some(value.len() - key.len())
        } else {
            flags |= KEY_IS_OWN;
            Some(key.len())
        };
        flags |= if contexts.len() == 1 { 0 } else { LIST };
        flags |= if group.is_empty() && source_type.is_empty() { 0 } else { EXTRA };
        flags |= if self.kind == kind { 0 } else { OTHER_KIND };
        body.push(flags);
        if self.kind != kind {
            body.push(self.kind.number());
        }
        if flags & LIST != 0 {
            let from = body.len();
            contexts.iter().for_each(|number| put_varint(body, *number));
            let numbers = body.split_off(from);
            put_varint(body, contexts.len() as u32);
            put_varint(body, numbers.len() as u32);
            body.extend_from_slice(&numbers);
        } else {
            put_varint(body, contexts[0]);
        }
        if let Some(number) = key_number {
            put_varint(body, number as u32);
        }
        if flags & EXTRA != 0 {
            put_varint(body, group.len() as u32);
            put_varint(body, source_type.len() as u32);
        }
        if flags & KEY_BITS == KEY_IS_OWN {
            body.extend_from_slice(key);
        }
        body.extend_from_slice(group);
        body.extend_from_slice(source_type);
        body.extend_from_slice(value);
    }
}

/// The numbers of contexts. Where one cannot be read, it is one that no set has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers<'s> {
    left: u32,
    bytes: &'s [u8],
}

impl Iterator for Numbers<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        if let [number @ ..0x80, rest @ ..] = self.bytes {
            self.bytes = rest;
            return Some((*number).into());
        }
        let mut at = 0;
        let number = varint(self.bytes, &mut at);
        self.bytes = self.bytes.get(at..).unwrap_or_default();
        Some(number.unwrap_or(u32::MAX))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Numbers<'_> {}

/// The records of one section: for every eight an offset (u32, relative to the text) and their lengths (u8 each), then
/// the text.
#[derive(Clone, Debug)]
pub(super) struct Records {
    /// The kind that records are of where they do not say another.
    pub(super) kind: Kind,
    /// The number of the first in the set.
    pub(super) first: u32,
    pub(super) count: u32,
    blocks: Bytes,
    text: Bytes,
}

impl Records {
    /// `None` where the section is too short for its offsets.
    pub(super) fn open(kind: Kind, first: u32, count: u32, section: &Bytes) -> Option<Records> {
        let blocks = (count as usize).div_ceil(BLOCK).checked_mul(BLOCK_BYTES)?;
        (blocks <= section.len()).then(|| Records {
            kind,
            first,
            count,
            blocks: section.slice(..blocks),
            text: section.slice(blocks..),
        })
    }

    /// Offsets and text, which one after the other are the section.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.blocks, &self.text)
    }

    pub(super) fn bytes(&self) -> usize {
        self.blocks.len() + self.text.len()
    }

    /// The offset of a block, and the lengths of its records from the lowest byte.
    #[inline]
    fn block(&self, block: usize) -> Option<(usize, u64)> {
        let bytes: &[u8; BLOCK_BYTES] = self.blocks.get(block * BLOCK_BYTES..)?.first_chunk()?;
        let lengths = bytes[4..].first_chunk().map(|lengths| u64::from_le_bytes(*lengths))?;
        Some((u32_at(bytes, 0)? as usize, lengths))
    }

    /// Where the record with this number in the section is.
    #[inline(always)]
    pub(super) fn spot(&self, number: u32) -> Option<Spot> {
        if number >= self.count {
            return None;
        }
        let (mut at, lengths) = self.block(number as usize / BLOCK)?;
        let place = 8 * (number % BLOCK as u32);
        let before = lengths & !(u64::MAX << place);
        if has_long(before) {
            for place in (0..place).step_by(8) {
                self.next((lengths >> place) as u8, &mut at)?;
            }
        } else {
            at = at.wrapping_add(sum(before));
        }
        Some(Spot { at: u32::try_from(at).ok()?, length: (lengths >> place) as u8 })
    }

    /// Asks for the memory of a record.
    #[inline]
    pub(super) fn prefetch(&self, spot: Spot) {
        prefetch(&self.text, spot.at as usize);
        prefetch(&self.text, (spot.at as usize).wrapping_add(spot.length.into()));
    }

    /// The body of the record at a spot.
    #[inline]
    fn at(&self, spot: Spot) -> Option<&[u8]> {
        let mut at = spot.at as usize;
        self.next(spot.length, &mut at)
    }

    /// The body of the record at a spot, where this is its key.
    #[inline(always)]
    pub(super) fn at_with_key(&self, spot: Spot, key: &[u8]) -> Option<&[u8]> {
        let body = self.at(spot)?;
        let is_key = match body {
            [flags, ..0x80, value @ ..] if *flags < NO_MATCH => same(value, key),
            _ => same(Record::read_any(body, self.kind)?.key, key),
        };
        is_key.then_some(body)
    }

    /// The body of the record with this number in the section.
    #[inline]
    pub(super) fn body(&self, number: u32) -> Option<&[u8]> {
        self.at(self.spot(number)?)
    }

    #[inline]
    fn next(&self, length: u8, at: &mut usize) -> Option<&[u8]> {
        let length = if length == LONG { varint(&self.text, at)? as usize } else { length.into() };
        take(&self.text, at, length)
    }

    /// Asks for the memory that tells where a record is.
    #[inline]
    pub(super) fn prefetch_place(&self, number: u32) {
        prefetch(&self.blocks, number as usize / BLOCK * BLOCK_BYTES);
    }

    /// The records from the first to the last. It ends early where the file is damaged.
    pub(super) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let (mut at, mut lengths) = (0, 0);
        (0..self.count as usize).map_while(move |number| {
            if number % BLOCK == 0 {
                (at, lengths) = self.block(number / BLOCK)?;
            }
            let body = self.next(lengths as u8, &mut at)?;
            lengths >>= 8;
            Some(Record::read(body, self.kind))
        })
    }
}

/// Where a record is: as [`Records`] has its offset and length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    at: u32,
    length: u8,
}

/// The numbers of contexts in a body where each is a byte.
fn contexts_in(body: &mut [u8]) -> &mut [u8] {
    let Some(flags) = body.first().copied() else { return &mut [] };
    let mut at = if flags & OTHER_KIND == 0 { 1 } else { 2 };
    let count = match flags & LIST {
        0 => Some(1),
        _ => varint(body, &mut at).and(varint(body, &mut at)),
    };
    let end = count.map_or(at, |count| at + count as usize);
    body.get_mut(at..end).unwrap_or_default()
}

/// Whether one of eight bytes is [`LONG`].
#[inline]
fn has_long(bytes: u64) -> bool {
    let zeros = !bytes;
    zeros.wrapping_sub(0x0101_0101_0101_0101) & bytes & 0x8080_8080_8080_8080 != 0
}

/// The sum of eight bytes.
#[inline]
fn sum(bytes: u64) -> usize {
    let pairs = (bytes & 0x00ff_00ff_00ff_00ff) + (bytes >> 8 & 0x00ff_00ff_00ff_00ff);
    (pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as usize
}

/// A section of records being written.
pub(super) struct RecordsWriter {
    pub(super) kind: Kind,
    count: u32,
    blocks: Vec<u8>,
    text: Vec<u8>,
    body: Vec<u8>,
}

impl RecordsWriter {
    pub(super) fn new(kind: Kind) -> RecordsWriter {
        RecordsWriter { kind, count: 0, blocks: Vec::new(), text: Vec::new(), body: Vec::new() }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn push(&mut self, record: &Record<'_>, contexts: &[u32]) {
        let place = self.count as usize % BLOCK;
        if place == 0 {
            self.blocks.extend((self.text.len() as u32).to_le_bytes());
            self.blocks.extend([0; BLOCK]);
        }
        self.count += 1;
        record.write(self.kind, contexts, &mut self.body);
        let length = u8::try_from(self.body.len()).unwrap_or(LONG);
        let end = self.blocks.len();
        self.blocks[end - BLOCK + place] = length;
        if length == LONG {
            put_varint(&mut self.text, self.body.len() as u32);
        }
        self.text.extend_from_slice(&self.body);
    }

    /// Gives the contexts of all records other numbers: those that `numbers` has at the places of the ones that were
    /// given.
    pub(super) fn renumber(&mut self, numbers: &[u32]) {
        // Most sets have few contexts: then a number is a byte, before and after.
        if numbers.len() <= 128 && numbers.iter().all(|number| *number < 128) {
            self.renumber_in_place(numbers);
            return;
        }
        let mut written = RecordsWriter::new(self.kind);
        written.blocks.reserve_exact(self.blocks.len());
        written.text.reserve(self.text.len());
        let mut contexts = Vec::new();
        let records = std::mem::replace(self, RecordsWriter::new(self.kind)).finish(0);
        for record in records.iter() {
            contexts.clear();
            contexts.extend(record.contexts.filter_map(|number| numbers.get(number as usize)));
            written.push(&record, &contexts);
        }
        *self = written;
    }

    fn renumber_in_place(&mut self, numbers: &[u32]) {
        let text = &mut self.text[..];
        let mut at = 0;
        let lengths = self.blocks.chunks(BLOCK_BYTES).flat_map(|block| &block[4..]);
        for length in lengths.take(self.count as usize) {
            let length = match *length {
                LONG => varint(text, &mut at).map_or(0, |length| length as usize),
                length => length.into(),
            };
            let Some(body) = text.get_mut(at..at + length) else { return };
            for number in contexts_in(body) {
                *number = numbers.get(usize::from(*number)).map_or(*number, |new| *new as u8);
            }
            at += length;
        }
    }

    /// The section, whose first record has this number in the set.
    pub(super) fn finish(self, first: u32) -> Records {
        let RecordsWriter { kind, count, blocks, text, .. } = self;
        Records { kind, first, count, blocks: blocks.into(), text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'s>(value: &'s [u8], key: &'s [u8], group: &'s [u8], source_type: &'s [u8]) -> Record<'s> {
        Record { value, key, group, source_type, ..Record::nothing(Kind::Url) }
    }

    #[test]
    fn records_come_back() {
        let long = [b'x'; 300];
        let all = [
            (record(b"bad.example", b"bad.example", b"", b""), vec![0]),
            (record(b"http://bad.example/", b"bad.example/", b"", b""), vec![300]),
            (record(b"A@bad.example", b"a@bad.example", b"g", b""), vec![1, 2, 70_000]),
            (record(b"", b"", b"", b"type"), vec![]),
            (Record { kind: Kind::Domain, ..record(b"x", b"yy", b"", b"") }, vec![5]),
            (
                Record { match_: Match::Subdomains, below_only: true, ..record(b"*.a", b"a", b"", b"") },
                vec![5],
            ),
            (record(&long[..249], &long[..249], b"", b""), vec![5]),
            (record(&long[..252], &long[..252], b"", b""), vec![5]),
            (record(&long[..253], &long[..253], b"", b""), vec![5]),
            (record(&long, &long, b"", b""), vec![5]),
            (record(b"a", b"a", b"", b""), vec![5]),
            (record(b"b", b"b", b"", b""), vec![5]),
        ];
        let mut writer = RecordsWriter::new(Kind::Url);
        all.iter().for_each(|(record, contexts)| writer.push(record, contexts));
        let records = writer.finish(0);
        let (blocks, text) = records.parts();
        let section = Bytes::from([blocks, text].concat());
        let records = Records::open(Kind::Url, 0, all.len() as u32, &section).unwrap();
        for (number, (want, contexts)) in all.iter().enumerate() {
            let read = Record::read(records.body(number as u32).unwrap(), Kind::Url);
            assert_eq!(read.contexts.collect::<Vec<_>>(), *contexts);
            assert_eq!(Record { contexts: Numbers::default(), ..read }, *want);
        }
        for (number, (want, _)) in all.iter().enumerate() {
            for (other, (with, _)) in all.iter().enumerate() {
                let same = (want.key == with.key).then(|| records.body(other as u32)).flatten();
                let spot = records.spot(other as u32).unwrap();
                assert_eq!(records.at_with_key(spot, want.key), same, "{number} {other}");
            }
        }
        assert_eq!(records.iter().count(), all.len());
        assert_eq!(records.body(all.len() as u32), None);
        assert!(
            records
                .iter()
                .enumerate()
                .all(|(i, record)| record == Record::read(records.body(i as u32).unwrap(), Kind::Url))
        );
    }

    #[test]
    fn contexts_get_other_numbers() {
        let long = vec![b'x'; 300];
        let url = |value| record(value, value, b"", b"");
        let records = [
            url(b"a"),
            url(&long),
            Record { kind: Kind::Domain, ..record(b"http://b/", b"b/", b"g", b"t") },
            url(b"c"),
        ];
        // As few as have a byte each, and more.
        for most in [4u32, 128, 129, 70_000] {
            let mut writer = RecordsWriter::new(Kind::Url);
            let mut want = RecordsWriter::new(Kind::Url);
            let numbers: Vec<u32> = (0..most).map(|number| (number + most / 2 + 1) % most).collect();
            for n in 0..3000 {
                let record = &records[n % records.len()];
                let count = [1, 1, 3, 1, 0, 200, 2][n % 7];
                let given: Vec<u32> = (0..count).map(|i| (n as u32 * 31 + i) % most).collect();
                let renumbered: Vec<u32> = given.iter().map(|number| numbers[*number as usize]).collect();
                writer.push(record, &given);
                want.push(record, &renumbered);
            }
            writer.renumber(&numbers);
            assert_eq!(writer.finish(0).parts(), want.finish(0).parts(), "{most}");
        }
    }

    #[test]
    fn what_is_no_record_is_read_as_nothing() {
        for body in [
            &b""[..],
            b"\x07\x00",
            b"\x20\x05\x01\x00",
            b"\x08\x00\x05ab",
            b"\x18\x00\x00",
            b"\x40\x00\x7f\x00",
        ] {
            assert_eq!(Record::read(body, Kind::Domain), Record::nothing(Kind::Domain), "{body:?}");
        }
    }
}
