//! Networks and ranges by the addresses that they hold.
//!
//! A range is split into aligned blocks, and of two aligned blocks one holds the other or they share nothing: the
//! distinct blocks of a family are a tree. Wherever a block begins or ends stands a boundary with the innermost block
//! that holds the addresses from there to the next one. A lookup finds its boundary and walks up the parents: all that
//! covers an address, in space linear in the blocks whatever lies in what.
//!
//! ```text
//! bounds:  address (u32 or u128), innermost block + 1 (u32, 0 = none), sorted by address
//! blocks:  parent + 1 (u32, less than the block's own number + 1), its first in entries (u32); sorted, parents first
//! entries: numbers of records (u32); a block's end where the next one's begin
//! ```

use bytes::Bytes;

use super::addresses::{Run, Sorted};
use super::raw::u32_at;

/// The longest chain of blocks, one of each length.
const DEPTH: usize = 129;
const BOUND6: usize = 20;

/// The blocks of one family.
#[derive(Debug)]
pub(crate) struct Networks {
    pub(super) bounds: Bounds,
    pub(super) blocks: Bytes,
    pub(super) entries: Bytes,
}

#[derive(Debug)]
pub(crate) enum Bounds {
    V4(Sorted<8>),
    V6(Bytes),
}

impl Networks {
    /// Every entry with a block that holds an address.
    #[inline]
    pub(super) fn covering(&self, address: u128, found: impl FnMut(u32)) {
        self.entries_from(self.innermost(address, self.run(address)).unwrap_or(0), found);
    }

    /// Asks for what says where boundaries near an IPv4 address are.
    #[inline]
    pub(crate) fn prefetch_table(&self, address: u32) {
        if let Bounds::V4(bounds) = &self.bounds {
            bounds.prefetch_table(address);
        }
    }

    /// Where the boundary of an address is searched. Asks for what is looked at first.
    #[inline]
    pub(crate) fn run(&self, address: u128) -> Run {
        match &self.bounds {
            Bounds::V4(bounds) => {
                // The last address has no next one.
                let run = bounds.run((address as u32).saturating_add(1));
                bounds.prefetch_run(run);
                run
            }
            Bounds::V6(bounds) => (0, bounds.len() / BOUND6),
        }
    }

    /// Every entry of a block, by its number + 1, and of those that hold it.
    #[inline]
    pub(super) fn entries_from(&self, innermost: u32, mut found: impl FnMut(u32)) {
        let mut block = innermost as usize;
        for _ in 0..DEPTH {
            if block == 0 {
                return;
            }
            let own = block - 1;
            let (Some(parent), Some(from)) =
                (u32_at(&self.blocks, 2 * own), u32_at(&self.blocks, 2 * own + 1))
            else {
                return;
            };
            let to = u32_at(&self.blocks, 2 * own + 3).unwrap_or((self.entries.len() / 4) as u32);
            for i in from..to.min((self.entries.len() / 4) as u32) {
                if let Some(entry) = u32_at(&self.entries, i as usize) {
                    found(entry);
                }
            }
            if parent as usize >= block {
                return;
            }
            block = parent as usize;
        }
    }

    /// The number + 1 of the innermost block that holds an address.
    #[inline(always)]
    pub(crate) fn innermost(&self, address: u128, run: Run) -> Option<u32> {
        match &self.bounds {
            Bounds::V4(bounds) => {
                let behind = match (address as u32).checked_add(1) {
                    Some(next) => bounds.below(next, run),
                    None => bounds.len(),
                };
                u32_at(bounds.beside(behind.checked_sub(1)?)?, 0)
            }
            Bounds::V6(bounds) => {
                let at = |i: usize| bounds.get(i * BOUND6..)?.first_chunk().map(|a| u128::from_le_bytes(*a));
                let (mut from, mut to) = run;
                while from < to {
                    let middle = from + (to - from) / 2;
                    if at(middle).is_some_and(|start| start <= address) {
                        from = middle + 1;
                    } else {
                        to = middle;
                    }
                }
                u32_at(bounds.get(from.checked_sub(1)? * BOUND6 + 16..)?, 0)
            }
        }
    }
}

/// The sections of one family.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) bounds: Vec<u8>,
    pub(super) blocks: Vec<u8>,
    pub(super) entries: Vec<u8>,
}

/// Makes the tree of blocks (first address, prefix length, entry) of a family whose addresses have `width` bits.
pub(super) fn build(mut all: Vec<(u128, u8, u32)>, width: u32) -> Built {
    all.sort_unstable();
    all.dedup();
    let mut built = Built::default();
    // The last boundary, which another one at its place overrules.
    let mut bounds: Vec<(u128, u32)> = Vec::new();
    fn bound(bounds: &mut Vec<(u128, u32)>, at: u128, block: u32) {
        match bounds.last_mut() {
            Some(last) if last.0 == at => last.1 = block,
            _ => bounds.push((at, block)),
        }
    }
    let largest = if width == 128 { u128::MAX } else { (1 << width) - 1 };
    // Blocks that hold the place reached: number + 1 and last address.
    let mut open: Vec<(u32, u128)> = Vec::new();
    let mut number = 0;
    for block in all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (first, length, _) = block[0];
        let last = first | largest.checked_shr(length.into()).unwrap_or(0);
        while let Some((_, end)) = open.last().copied().filter(|(_, end)| *end < first) {
            open.pop();
            bound(&mut bounds, end + 1, open.last().map_or(0, |(block, _)| *block));
        }
        let parent = open.last().map_or(0, |(block, _)| *block);
        number += 1;
        bound(&mut bounds, first, number);
        open.push((number, last));
        built.blocks.extend(parent.to_le_bytes());
        built.blocks.extend((built.entries.len() as u32 / 4).to_le_bytes());
        block.iter().for_each(|(_, _, entry)| built.entries.extend(entry.to_le_bytes()));
    }
    while let Some((_, end)) = open.pop() {
        if end < largest {
            bound(&mut bounds, end + 1, open.last().map_or(0, |(block, _)| *block));
        }
    }
    for (start, block) in bounds {
        match width {
            32 => built.bounds.extend((start as u32).to_le_bytes()),
            _ => built.bounds.extend(start.to_le_bytes()),
        }
        built.bounds.extend(block.to_le_bytes());
    }
    built
}

/// Splits an inclusive span into aligned blocks, at most two for each prefix length.
pub(super) fn blocks(first: u128, last: u128, width: u32, mut found: impl FnMut(u128, u8)) {
    let mut at = first;
    loop {
        let align = if at == 0 { width } else { at.trailing_zeros().min(width) };
        let rest = last - at;
        // The largest power of two that is not longer than what is left.
        let room = if rest == u128::MAX { 128 } else { 127 - (rest + 1).leading_zeros() };
        let size = align.min(room);
        found(at, (width - size) as u8);
        let step = if size == 128 { return } else { 1u128 << size };
        match at.checked_add(step) {
            Some(next) if next <= last => at = next,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::addresses;
    use super::*;
    use crate::observable::Random;

    #[test]
    fn blocks_cover_a_span_exactly() {
        let split = |first: u128, last: u128, width| {
            let mut out = Vec::new();
            blocks(first, last, width, |b, n| out.push((b, n)));
            out
        };
        assert_eq!(split(0, u128::from(u32::MAX), 32), [(0, 0)]);
        assert_eq!(split(0, u128::MAX, 128), [(0, 0)]);
        assert_eq!(split(5, 8, 32), [(5, 32), (6, 31), (8, 32)]);
        assert_eq!(split(1, u128::MAX, 128).len(), 128);
        assert_eq!(split(u128::MAX, u128::MAX, 128), [(u128::MAX, 128)]);
    }

    fn open(built: Built, width: u32) -> Networks {
        let bounds = Bytes::from(built.bounds);
        let bounds = match width {
            32 => {
                let starts: Vec<u32> = bounds.chunks(8).map(|b| u32_at(b, 0).unwrap_or_default()).collect();
                Bounds::V4(Sorted::open(bounds, addresses::table(starts.into_iter()).into()))
            }
            _ => Bounds::V6(bounds),
        };
        Networks { bounds, blocks: built.blocks.into(), entries: built.entries.into() }
    }

    /// The tree against a list of spans, at all places where something can change.
    fn compare(spans: &[(u128, u128)], width: u32) {
        let mut all = Vec::new();
        for (entry, (first, last)) in spans.iter().enumerate() {
            blocks(*first, *last, width, |block, length| all.push((block, length, entry as u32)));
        }
        let networks = open(build(all, width), width);
        let largest = if width == 128 { u128::MAX } else { (1 << width) - 1 };
        for (first, last) in spans {
            for at in [first.wrapping_sub(1), *first, first / 2 + last / 2, *last, last.wrapping_add(1)] {
                let at = at & largest;
                let mut found = Vec::new();
                networks.covering(at, |entry| found.push(entry as usize));
                found.sort_unstable();
                let want: Vec<usize> =
                    (0..spans.len()).filter(|i| spans[*i].0 <= at && at <= spans[*i].1).collect();
                assert_eq!(found, want, "{at:#x} of {spans:x?}");
            }
        }
    }

    #[test]
    fn all_that_covers_an_address_is_found() {
        let mut random = Random(0x7ee);
        for round in 0..300 {
            for width in [32, 128] {
                // Few bits that differ, so that much lies in much.
                let shift = width - [6, 12, 30][round % 3];
                let mut number = || u128::from(random.next()) << 64 | u128::from(random.next());
                let largest = if width == 128 { u128::MAX } else { (1 << width) - 1 };
                let spans: Vec<(u128, u128)> = (0..round % 40)
                    .map(|_| {
                        let (a, b) = (number() & largest, number() & largest);
                        match number() % 3 {
                            0 => {
                                let (a, b) = (a >> shift << shift, b >> shift << shift);
                                (a.min(b), a.max(b))
                            }
                            1 => (a >> shift << shift, (a >> shift << shift) | ((1 << shift) - 1)),
                            _ => {
                                let n = number() % u128::from(width + 1);
                                let host = largest.checked_shr(n as u32).unwrap_or(0);
                                (a & !host, a | host)
                            }
                        }
                    })
                    .collect();
                compare(&spans, width);
            }
        }
    }

    #[test]
    fn nests_of_all_lengths() {
        for width in [32u32, 128] {
            let largest = if width == 128 { u128::MAX } else { (1 << width) - 1 };
            let nest = |address: u128| {
                (0..=width).map(move |n| {
                    let host = largest.checked_shr(n).unwrap_or(0);
                    (address & !host, address | host)
                })
            };
            compare(&nest(0).chain(nest(largest)).chain(nest(largest / 3)).collect::<Vec<_>>(), width);
        }
    }

    #[test]
    fn any_bytes_are_walked_in_bounded_steps() {
        let built = build(vec![(0, 0, 1), (0, 8, 2), (0, 16, 3)], 32);
        for at in 0..built.blocks.len() + built.bounds.len() {
            for value in [0, 1, 2, 3, 0x80, 0xff] {
                let mut changed = Built {
                    bounds: built.bounds.clone(),
                    blocks: built.blocks.clone(),
                    entries: built.entries.clone(),
                };
                match changed.blocks.get_mut(at) {
                    Some(byte) => *byte = value,
                    None => changed.bounds[at - built.blocks.len()] = value,
                }
                let mut found = 0;
                open(changed, 32).covering(0, |_| found += 1);
                assert!(found <= 3 * 3);
            }
        }
    }
}
