//! Files in memory without reading them.
#![allow(unsafe_code, reason = "a file that is mapped can be changed by others; see `map`")]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// Maps a file for reading. An empty file is an empty map.
///
/// The file must stay as it is while the map lives: what is replaced by renaming another over it does, what is written
/// in place or cut short does not.
///
/// # Errors
/// When the file cannot be opened or mapped.
pub(crate) fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: the bytes are read only, as bytes, and a set believes none of them: whatever they are or become, reads stay
    // inside the map. What remains is what no program can prevent who maps a file: that another one changes it, which
    // Rust does not define, or cuts it short, which ends this program. The documentation of `IndicatorSet::open` says
    // which files it is for, and `IndicatorSet::load` is for all others.
    unsafe { Mmap::map(&file) }
}
