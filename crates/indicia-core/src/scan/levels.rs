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

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use crate::{
        BuildOptions, Context, Indicator, Kind, Match, Observable, ScanOptions, Scratch, SetBuilder, Target,
    };

    /// Names of so many labels that there is room for few at once, among them what is none and what has to be changed.
    #[test]
    fn together_as_one_by_one() {
        let name = |labels: usize, end: &str| format!("{}{end}", "a.".repeat(labels));
        let mut builder = SetBuilder::new(BuildOptions::default());
        for listed in ["bad.example".to_string(), name(3, "bad.example"), name(25, "other.example")] {
            let mut target = Target::new(Observable::parse_as(Kind::Domain, &listed).unwrap());
            target.match_ = Match::Subdomains;
            builder.push(Indicator::new(target, Context::default()));
        }
        let (set, options, mut scratch) = (builder.finish(), ScanOptions::default(), Scratch::default());
        let mut names = Vec::new();
        for labels in 0..120 {
            let end = ["bad.example", "other.example", "good.example", "Bad.Example.", "no name"][labels % 5];
            names.push(name(labels % 26, end));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for count in [0, 1, 3, 31, 32, 33, 120] {
            let mut together = Vec::new();
            let _ = set.lookup_names_with(&names[..count], &options, &mut scratch, &mut |at, hit| {
                together.push((at, hit.map(|hit| (hit.indicator.index(), hit.relation)).ok()));
                ControlFlow::Continue(())
            });
            let mut alone = Vec::new();
            for (at, name) in names[..count].iter().enumerate() {
                match set.lookup_name(name, &options, &mut scratch) {
                    Ok(hits) => {
                        alone
                            .extend(hits.iter().map(|hit| (at, Some((hit.indicator.index(), hit.relation)))));
                    }
                    Err(_) => alone.push((at, None)),
                }
            }
            assert_eq!(together, alone, "{count}");
            assert!(count < 120 || together.len() > 90, "{}", together.len());
        }
    }
}
