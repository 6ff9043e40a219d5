//! Names and their parents on their way to records, those of many names at once.
//!
//! Each step goes over all that is left, and drops without a branch what cannot be listed: how many parents a name has and
//! which of them is listed is as good as random, and a processor that guesses wrong waits as long as for the cache.

use crate::set::{Keys, Spot};

/// One name or parent of two labels or more.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub(super) hash: u64,
    /// What the index says of it, and where that leads.
    pub(super) number: u32,
    pub(super) spot: Option<Spot>,
    /// Which of the names it belongs to.
    name: u8,
    /// Where it begins there.
    pub(super) start: u8,
}

/// What is on its way.
#[derive(Default)]
pub(super) struct Levels {
    levels: Vec<Level>,
    /// How many are told.
    told: usize,
}

impl Levels {
    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    /// Nothing is.
    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.told = 0;
    }

    /// First step: a name and its parents, from itself up; `dots` has a bit for each dot, the one of the first byte lowest.
    #[inline(always)]
    pub(super) fn ask(&mut self, keys: &Keys<'_>, text: &[u8], name: u8, mut dots: u64) {
        let mut start = 0;
        while dots != 0 {
            let hash = keys.ask(text.get(start..).unwrap_or_default());
            self.levels.push(Level { hash, number: 0, spot: None, name, start: start as u8 });
            start = dots.trailing_zeros() as usize + 1;
            dots &= dots - 1;
        }
    }

    /// The steps between: those that may be listed are left, the others are not.
    #[inline(always)]
    pub(super) fn go(&mut self, keys: &Keys<'_>) {
        let mut left = 0;
        for at in 0..self.levels.len() {
            let level = self.levels[at];
            let (is_possible, number) = keys.guess(level.hash);
            self.levels[left] = Level { number, ..level };
            left += usize::from(is_possible);
        }
        self.levels.truncate(left);
        for level in &mut self.levels {
            level.spot = keys.spot(level.number);
        }
    }

    /// The next that is left, where it belongs to this name.
    #[inline(always)]
    pub(super) fn next_of(&mut self, name: u8) -> Option<&Level> {
        let level = self.levels.get(self.told).filter(|level| level.name == name)?;
        self.told += 1;
        Some(level)
    }
}
