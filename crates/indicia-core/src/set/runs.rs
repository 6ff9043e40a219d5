//! Sorted drafts outside of memory: written as runs, and merged when a set is put together.
//!
//! A run is drafts in their order, each behind its length (u32). Nobody else reads them: they live as long as a build.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{self, Read, Write};
use std::ops::Range;

use super::drafts::{Draft, Drafts};
use super::raw::{put_sized, put_varint, take, take_sized, varint_length};

/// Bytes of a run that are asked for at once.
const BLOCK: usize = 1 << 16;

/// Writes drafts as a run.
pub(super) fn write(drafts: &mut Drafts, out: &mut dyn Write) -> io::Result<()> {
    drafts.sort();
    let mut writer = Writer::default();
    for places in drafts.sections() {
        drafts.iter(places).try_for_each(|draft| writer.push(&draft, out))?;
    }
    writer.flush(out)
}

/// Merges runs into one.
pub(super) fn join(runs: Vec<Box<dyn Read + '_>>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = Writer::default();
    merge(runs, |draft| writer.push(draft, out))?;
    writer.flush(out)
}

/// Hands out each target of the runs once, in their order, with the numbers of all its contexts, of which there are so
/// many.
pub(super) fn each_target(
    runs: Vec<Box<dyn Read + '_>>,
    contexts: usize,
    mut found: impl FnMut(&Draft<'_>, &mut Vec<u32>),
) -> io::Result<()> {
    let mut held: Option<Held> = None;
    let mut said = Vec::new();
    merge(runs, |draft| {
        match &mut held {
            Some(held) if held.draft().is_same(draft) => held.merge(draft),
            Some(held) => {
                found(&held.draft(), &mut said);
                said.clear();
                held.replace(draft);
            }
            None => held.insert(Held::default()).replace(draft),
        }
        for context in draft.contexts() {
            if context as usize >= contexts {
                return Err(broken());
            }
            said.push(context);
        }
        Ok(())
    })?;
    if let Some(held) = held {
        found(&held.draft(), &mut said);
    }
    Ok(())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a temporary file is not as it was written")
}

fn merge(
    runs: Vec<Box<dyn Read + '_>>,
    mut found: impl FnMut(&Draft<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut heap = BinaryHeap::with_capacity(runs.len());
    for from in runs {
        let mut run = Run { from, block: Vec::new(), at: 0, draft: Place::default() };
        if run.next()? {
            heap.push(run);
        }
    }
    while let Some(mut least) = heap.peek_mut() {
        found(&least.draft())?;
        if !least.next()? {
            PeekMut::pop(least);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Writer {
    block: Vec<u8>,
    draft: Vec<u8>,
}

impl Writer {
    fn push(&mut self, draft: &Draft<'_>, out: &mut dyn Write) -> io::Result<()> {
        let bytes = &mut self.draft;
        bytes.clear();
        bytes.extend([draft.section, draft.kind, draft.match_code, u8::from(draft.address.is_some())]);
        bytes.extend(draft.address.unwrap_or_default().to_le_bytes());
        for text in [draft.key, draft.source_type, draft.value, draft.group] {
            put_sized(bytes, text);
        }
        put_varint(bytes, draft.contexts().map(varint_length).sum());
        draft.contexts().for_each(|context| put_varint(bytes, context));
        self.block.extend((bytes.len() as u32).to_le_bytes());
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }
}

/// A run being read, at one of its drafts.
struct Run<'r> {
    from: Box<dyn Read + 'r>,
    block: Vec<u8>,
    /// Where in the block the next draft begins.
    at: usize,
    draft: Place,
}

/// Where in a block the parts of a draft stand.
#[derive(Default)]
struct Place {
    head: [u8; 8],
    texts: [Range<usize>; 5],
}

impl Run<'_> {
    /// Goes to the next draft; `false` where there is none.
    fn next(&mut self) -> io::Result<bool> {
        if !self.fill(4)? {
            return Ok(false);
        }
        let length = self.block[self.at..].first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        self.at += 4;
        if !self.fill(length as usize)? {
            return Err(broken());
        }
        let end = self.at + length as usize;
        self.draft = Place::read(&self.block[..end], self.at).ok_or_else(broken)?;
        self.at = end;
        Ok(true)
    }

    /// Sees that so many bytes stand in the block; `false` where the run has ended.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        let left = self.block.len() - self.at;
        if left >= length {
            return Ok(true);
        }
        self.block.drain(..self.at);
        self.at = 0;
        let more = (length - left).max(BLOCK) as u64;
        (&mut self.from).take(more).read_to_end(&mut self.block)?;
        match self.block.len() {
            0 => Ok(false),
            held if held >= length => Ok(true),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn draft(&self) -> Draft<'_> {
        let [section, kind, match_code, has_address, address @ ..] = self.draft.head;
        let [key, source_type, value, group, contexts] =
            self.draft.texts.each_ref().map(|text| &self.block[text.clone()]);
        let address = (has_address == 1).then_some(u32::from_le_bytes(address));
        Draft { section, address, kind, match_code, key, source_type, value, group, contexts }
    }
}

impl Place {
    fn read(block: &[u8], mut at: usize) -> Option<Place> {
        let head = *take(block, &mut at, 8)?.first_chunk()?;
        let mut texts = [const { 0..0 }; 5];
        for text in &mut texts {
            let length = take_sized(block, &mut at)?.len();
            *text = at - length..at;
        }
        (at == block.len()).then_some(Place { head, texts })
    }
}

// The heap gives the greatest: that is the run whose draft comes first.
impl Ord for Run<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.draft().order().cmp(&self.draft().order())
    }
}

impl PartialOrd for Run<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Run<'_> {}

/// The target whose drafts are being merged.
#[derive(Default)]
struct Held {
    section: u8,
    address: Option<u32>,
    kind: u8,
    match_code: u8,
    key: Vec<u8>,
    source_type: Vec<u8>,
    value: Vec<u8>,
    group: Vec<u8>,
}

impl Held {
    fn draft(&self) -> Draft<'_> {
        Draft {
            section: self.section,
            address: self.address,
            kind: self.kind,
            match_code: self.match_code,
            key: &self.key,
            source_type: &self.source_type,
            value: &self.value,
            group: &self.group,
            contexts: &[],
        }
    }

    fn replace(&mut self, draft: &Draft<'_>) {
        (self.section, self.address, self.kind, self.match_code) =
            (draft.section, draft.address, draft.kind, draft.match_code);
        let texts = [&mut self.key, &mut self.source_type, &mut self.value, &mut self.group];
        for (to, from) in texts.into_iter().zip([draft.key, draft.source_type, draft.value, draft.group]) {
            to.clear();
            to.extend_from_slice(from);
        }
    }

    fn merge(&mut self, draft: &Draft<'_>) {
        let mut merged = self.draft();
        merged.merge(draft);
        let (value, group) = (merged.value.to_vec(), merged.group.to_vec());
        (self.value, self.group) = (value, group);
    }
}
