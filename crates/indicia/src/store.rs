//! Stores of observables: what was seen in data, each value once, with first, last and count.
//!
//! `indicia observe` writes a store of what stands in logs; an indicator that comes later is looked for in the store
//! instead of in logs that are gone or too many. [`Observer`] collects from any number of threads within bounded
//! memory, [`write()`] merges what they hold, [`Reader`] gives the observables back block by block, and [`join`] finds
//! the indicators of a set in a block, as a scan of the data would have found them.
//!
//! The file is laid out in `docs/store-1.md`: sorted, compressed, each block checked before it is read. The same
//! observables give the same bytes, in whatever order and on however many threads they came.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! use indicia::store::{self, Observer};
//! let mut observer = Observer::new(64 << 20, dir.path());
//! observer.observe(b"2017-10-12T09:30:00Z GET http://www.bad.example/a\n", Default::default())?;
//! store::write(&dir.path().join("seen.store"), vec![observer])?;
//!
//! let file = std::fs::File::open(dir.path().join("seen.store"))?;
//! let mut reader = store::Reader::new(file)?;
//! while let Some(block) = reader.next_block()? {
//!     for seen in block.iter() {
//!         println!("{} {} {}", seen.kind, seen.value, seen.seen.count);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod format;
mod join;
mod observe;

pub use format::{Block, Observed, Peeked, Reader, StoreError, Totals, is_store, peek};
pub use join::{Found, join};
pub use observe::{Observer, write, write_to};

use crate::Time;

/// When and how often an observable was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first and the last time that stood in a line with it, to the second; `None` where no line had a time.
    pub times: Option<(Time, Time)>,
    /// In how many places. It ends at the largest number.
    pub count: u64,
}

impl Seen {
    /// Once, at the time of its line.
    pub fn once(time: Option<Time>) -> Seen {
        let time = time.and_then(|time| Time::from_unix(time.unix()));
        Seen { times: time.map(|time| (time, time)), count: 1 }
    }

    /// Takes over what was seen elsewhere.
    pub fn add(&mut self, other: Seen) {
        self.count = self.count.saturating_add(other.count);
        self.times = match (self.times, other.times) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }
}
