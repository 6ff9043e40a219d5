//! Single IPv4 addresses: all of them as sorted numbers, and where there are many a table by their upper half, so that
//! one cache line is searched.
//!
//! The `i`th number is the address of the `i`th record of the section, so that neither leads to the other by a stored
//! number. Networks use the same search over the places where blocks begin.

use bytes::Bytes;

use crate::scan::prefetch;

/// Numbers from which a table is worth its 256 KiB.
pub(super) const MANY: usize = 1 << 15;
/// Bytes of a cache line.
const LINE: usize = 64;
/// Entries of a table: where each upper half begins, and the end.
pub(super) const TABLE: usize = (1 << 16) + 1;

/// From the first number with some upper half to behind the last.
pub(crate) type Run = (usize, usize);

/// Sorted numbers of 32 bits, each at the start of a fixed number of bytes.
#[derive(Debug, Default)]
pub(super) struct Sorted<const STRIDE: usize> {
    numbers: Bytes,
    /// Empty, or for each upper half the index of the first number with it or a greater one.
    table: Bytes,
}

impl<const STRIDE: usize> Sorted<STRIDE> {
    pub(super) fn open(numbers: Bytes, table: Bytes) -> Self {
        Sorted { numbers, table }
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len() / STRIDE
    }

    #[inline]
    fn at(&self, i: usize) -> Option<u32> {
        self.numbers.get(i.checked_mul(STRIDE)?..)?.first_chunk().map(|number| u32::from_le_bytes(*number))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = u32> {
        (0..self.len()).map(|i| self.at(i).unwrap_or(u32::MAX))
    }

    /// The bytes that stand with the `i`th number.
    #[inline]
    pub(super) fn beside(&self, i: usize) -> Option<&[u8]> {
        self.numbers.get(i.checked_mul(STRIDE)?.checked_add(4)?..)
    }

    /// Where numbers with the upper half of `wanted` stand.
    #[inline]
    pub(super) fn run(&self, wanted: u32) -> Run {
        let count = self.len();
        let ends = self.table.get((wanted >> 16) as usize * 4..).and_then(|table| table.first_chunk());
        match ends.map(|ends: &[u8; 8]| u64::from_le_bytes(*ends)) {
            Some(ends) => (count.min(ends as u32 as usize), count.min((ends >> 32) as usize)),
            None if self.table.is_empty() => (0, count),
            None => (0, 0),
        }
    }

    /// Asks for what says where numbers like `wanted` begin.
    #[inline]
    pub(super) fn prefetch_table(&self, wanted: u32) {
        prefetch(&self.table, (wanted >> 16) as usize * 4);
    }

    /// Asks for the numbers that are looked at first in a run.
    #[inline]
    pub(super) fn prefetch_run(&self, (from, to): Run) {
        let first = if to.saturating_sub(from) <= LINE / STRIDE { from } else { from + (to - from) / 2 };
        prefetch(&self.numbers, first * STRIDE);
        prefetch(&self.numbers, to * STRIDE);
    }

    /// How many numbers are less than `wanted`, whose run is known.
    #[inline]
    pub(super) fn below(&self, wanted: u32, (mut from, mut to): Run) -> usize {
        while from < to {
            // A processor guesses each turn of a search; what fills a cache line is compared at once.
            if to - from <= LINE / STRIDE
                && let Some(line) = self.numbers.get(from * STRIDE..).and_then(|rest| rest.first_chunk())
            {
                return (from + less::<STRIDE>(line, wanted)).min(to);
            }
            let middle = from + (to - from) / 2;
            if self.at(middle).is_some_and(|number| number < wanted) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// Whether the number behind this one is the same.
    #[inline]
    pub(super) fn is_same(&self, i: u32) -> bool {
        let i = i as usize;
        self.at(i + 1).is_some_and(|next| self.at(i) == Some(next))
    }

    /// The first index of a number.
    #[inline]
    pub(super) fn find(&self, wanted: u32, run: Run) -> Option<u32> {
        let at = self.below(wanted, run);
        (self.at(at) == Some(wanted)).then_some(at as u32)
    }
}

/// How many numbers of a line are less than `wanted`.
#[inline]
fn less<const STRIDE: usize>(line: &[u8; LINE], wanted: u32) -> usize {
    let (numbers, _) = line.as_chunks::<STRIDE>();
    let number = |bytes: &[u8; STRIDE]| bytes.first_chunk().map_or(u32::MAX, |n| u32::from_le_bytes(*n));
    numbers.iter().map(|bytes| usize::from(number(bytes) < wanted)).sum()
}

/// The table for sorted numbers; empty for few.
pub(super) fn table(numbers: impl ExactSizeIterator<Item = u32>) -> Vec<u8> {
    if numbers.len() < MANY {
        return Vec::new();
    }
    let mut starts = vec![0u32; TABLE];
    for number in numbers {
        starts[(number >> 16) as usize + 1] += 1;
    }
    let mut sum = 0;
    starts
        .iter()
        .flat_map(|count| {
            sum += count;
            sum.to_le_bytes()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_with_and_without_a_table() {
        for count in [0, 1, 100, MANY + 3] {
            let mut numbers: Vec<u32> = (0..count as u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
            numbers.push(u32::MAX);
            numbers.sort_unstable();
            numbers.dedup();
            let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            let table = table(numbers.iter().copied());
            let sorted = Sorted::<4>::open(bytes.into(), table.into());
            for (i, number) in numbers.iter().enumerate() {
                assert_eq!(sorted.find(*number, sorted.run(*number)), Some(i as u32));
                let next = number.wrapping_add(1);
                assert_eq!(
                    sorted.find(next, sorted.run(next)),
                    numbers.binary_search(&next).ok().map(|i| i as u32)
                );
            }
        }
    }

    #[test]
    fn any_bytes_are_searched() {
        let sorted = Sorted::<4>::open(vec![0xff; 41].into(), vec![0xff; 9].into());
        assert_eq!(sorted.find(7, sorted.run(7)), None);
        assert_eq!(sorted.find(u32::MAX - 1, sorted.run(u32::MAX - 1)), None);
        assert!(sorted.beside(usize::MAX).is_none());
    }
}
