//! From a host to the listed URLs or endpoints on it.
//!
//! Records are sorted by key, so those of one host stand in a few runs (others sort between `a.example/` and
//! `a.example:8080/`). An index leads from a host to the first run; what is asked of all of them stands with it.
//!
//! ```text
//! run: number of the first indicator (u32), how many (u32), length of the host's longest key * 4
//!      + 2 where the next run is of the same host + 1 where one of the host's indicators is a prefix (u32)
//! ```

use bytes::Bytes;

use super::exact;
use super::raw::u32_at;

/// The longest key that a run can tell of; a longer one is as long.
const LONGEST: usize = u32::MAX as usize >> 2;

#[derive(Debug, Default)]
pub(super) struct Hosts {
    pub(super) runs: Bytes,
    pub(super) index: Bytes,
}

/// Neighbours with one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
    /// Of all runs of the host, where this is the first.
    pub(super) longest: usize,
    pub(super) prefixes: bool,
    more: bool,
}

impl Hosts {
    fn run(&self, number: u32) -> Option<Run> {
        let at = 3 * number as usize;
        let packed = u32_at(&self.runs, at + 2)?;
        Some(Run {
            first: u32_at(&self.runs, at)?,
            count: u32_at(&self.runs, at + 1)?,
            longest: packed as usize >> 2,
            prefixes: packed & 1 != 0,
            more: packed & 2 != 0,
        })
    }

    /// The runs of a host; `right` compares the host of an indicator with it.
    #[inline]
    pub(super) fn find(&self, hash: u64, right: impl Fn(u32) -> bool) -> impl Iterator<Item = Run> {
        let mut next =
            exact::find(&self.index, hash, |run| self.run(run).is_some_and(|run| right(run.first)));
        std::iter::from_fn(move || {
            let number = next?;
            let run = self.run(number)?;
            next = if run.more { number.checked_add(1) } else { None };
            Some(run)
        })
    }
}

/// The name or address of a host.
pub(super) type Name = Box<[u8]>;

/// Runs as they are found in the sorted records of a section, numbered from its first.
#[derive(Debug, Default)]
pub(super) struct Builder {
    /// With the host of each.
    runs: Vec<(Name, Run)>,
}

impl Builder {
    /// Adds the indicator with the next number.
    pub(super) fn push(&mut self, number: u32, host: &[u8], longest: usize, prefix: bool) {
        match self.runs.last_mut() {
            Some((same, run)) if **same == *host && run.first + run.count == number => {
                run.count += 1;
                run.longest = run.longest.max(longest);
                run.prefixes |= prefix;
            }
            _ => {
                let run = Run { first: number, count: 1, longest, prefixes: prefix, more: false };
                self.runs.push((host.into(), run));
            }
        }
    }

    /// The section of runs, where the first record has this number in the set, and each host with the number of its
    /// first run.
    pub(super) fn finish(mut self, first_record: u32) -> (Vec<u8>, Vec<(Name, u32)>) {
        self.runs.sort_unstable_by(|(a, x), (b, y)| (a, x.first).cmp(&(b, y.first)));
        let mut section = Vec::with_capacity(12 * self.runs.len());
        let mut hosts = Vec::new();
        for same in self.runs.chunk_by_mut(|(a, _), (b, _)| a == b) {
            let longest = same.iter().map(|(_, run)| run.longest).max().unwrap_or(0).min(LONGEST);
            let prefixes = same.iter().any(|(_, run)| run.prefixes);
            hosts.push((std::mem::take(&mut same[0].0), (section.len() / 12) as u32));
            for (i, (_, run)) in same.iter().enumerate() {
                let packed = (longest as u32) << 2 | u32::from(i + 1 < same.len()) << 1 | u32::from(prefixes);
                [first_record + run.first, run.count, packed]
                    .iter()
                    .for_each(|n| section.extend(n.to_le_bytes()));
            }
        }
        (section, hosts)
    }
}
