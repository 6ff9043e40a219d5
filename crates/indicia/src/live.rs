//! A set that is replaced while it is in use.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{Error, IndicatorSet, OpenOptions};

/// A place that holds the current set. Clones are the same place.
///
/// Readers never wait: [`Live::current`] takes neither a lock nor a copy, and what it gives stays whole for as long
/// as it is held, whatever is put there meanwhile.
///
/// ```
/// # use indicia::{BuildOptions, IndicatorSet, Live, SetBuilder};
/// # let set = || IndicatorSet::from(SetBuilder::new(BuildOptions::default()).finish());
/// # let (old, new) = (set(), set());
/// let live = Live::new(old);
/// let reader = live.clone();
/// std::thread::spawn(move || {
///     // Each call takes the set that is current when it begins.
///     let hits = reader.current().scan(b"GET http://www.bad.example/a").len();
/// #   assert_eq!(hits, 0);
/// });
/// live.replace(new);
/// ```
#[derive(Clone, Debug)]
pub struct Live(Arc<ArcSwap<indicia_core::IndicatorSet>>);

impl Live {
    /// A place that holds `set`.
    pub fn new(set: IndicatorSet) -> Live {
        Live(Arc::new(ArcSwap::new(set.into_shared())))
    }

    /// The set that is there now. Take it once a call, not once a program.
    pub fn current(&self) -> IndicatorSet {
        IndicatorSet::from_shared(self.0.load_full())
    }

    /// Puts another set there and gives back the one before, which readers may still hold.
    pub fn replace(&self, set: IndicatorSet) -> IndicatorSet {
        IndicatorSet::from_shared(self.0.swap(set.into_shared()))
    }
}

/// A set file that is read again when it has changed. It watches nothing by itself: whoever has a loop calls
/// [`LiveFile::reload_if_changed`] in it, which costs a look at the file's metadata.
#[derive(Debug)]
pub struct LiveFile {
    live: Live,
    path: PathBuf,
    options: OpenOptions,
    seen: Seen,
}

impl LiveFile {
    /// Opens a set file as [`IndicatorSet::open`] does, and checks that it was not damaged: for files that are replaced by renaming another over them.
    ///
    /// # Errors
    /// Those of [`IndicatorSet::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<LiveFile, Error> {
        LiveFile::open_with(path, OpenOptions::default())
    }

    /// Opens a set file as [`IndicatorSet::open_with`] does, now and whenever it changed, and checks that it was not damaged.
    ///
    /// # Errors
    /// Those of [`IndicatorSet::open_with`].
    pub fn open_with(path: impl Into<PathBuf>, options: OpenOptions) -> Result<LiveFile, Error> {
        let path = path.into();
        // Taken before the file is read: what comes between is seen as a change.
        let seen = Seen::of(&path)?;
        let set = undamaged(&path, &options)?;
        Ok(LiveFile { live: Live::new(set), path, options, seen })
    }

    /// What the next set must be: the time that counts as now is put here. The least sequence is at least that of the
    /// set that is there, so an older file does not come back.
    pub fn options(&mut self) -> &mut OpenOptions {
        &mut self.options
    }

    /// The place that holds the file's set.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Opens the file again where its place on the disk, its length or its time of change is another, and puts its
    /// set there where that is another too. Whether it did.
    ///
    /// # Errors
    /// Those of [`IndicatorSet::open_with`]; then the set that is there stays, and the next call tries again.
    pub fn reload_if_changed(&mut self) -> Result<bool, Error> {
        let seen = Seen::of(&self.path)?;
        if seen == self.seen {
            return Ok(false);
        }
        let current = self.live.current();
        self.options.min_sequence = self.options.min_sequence.max(current.sequence());
        let set = undamaged(&self.path, &self.options)?;
        self.seen = seen;
        if (set.digest(), set.stamp()) == (current.digest(), current.stamp()) {
            return Ok(false);
        }
        self.live.replace(set);
        Ok(true)
    }
}

/// A set whose every byte was looked at: it will be used for long.
fn undamaged(path: &Path, options: &OpenOptions) -> Result<IndicatorSet, Error> {
    let set = IndicatorSet::open_with(path, options)?;
    set.check().map_err(|source| Error::Set { path: path.into(), source })?;
    Ok(set)
}

/// What tells that a file is another one.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    length: u64,
    changed: Option<std::time::SystemTime>,
    place: (u64, u64),
}

impl Seen {
    fn of(path: &Path) -> Result<Seen, Error> {
        let metadata = path.metadata().map_err(|source| Error::Io { path: path.into(), source })?;
        Ok(Seen { length: metadata.len(), changed: metadata.modified().ok(), place: place(&metadata) })
    }
}

/// Device and number of the file.
#[cfg(unix)]
fn place(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn place(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
