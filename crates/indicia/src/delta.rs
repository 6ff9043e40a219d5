//! Deltas of sets as files: what the core makes, compressed.
//!
//! ```no_run
//! # fn main() -> Result<(), indicia::Error> {
//! use indicia::{IndicatorSet, delta};
//! let (old, new) = (IndicatorSet::open("monday.ind")?, IndicatorSet::open("tuesday.ind")?);
//! delta::save(&old, &new, "tuesday.delta")?;
//! // Elsewhere, with Monday's set and the delta:
//! delta::load(&old, "tuesday.delta")?.save("tuesday.ind")?;
//! # Ok(())
//! # }
//! ```

use std::io::Read;
use std::path::Path;

use crate::{DeltaCounts, DeltaError, Error, IndicatorSet, write_atomically};

/// What deltas are compressed with: zstd, hard where that is done in a second.
const LEVELS: [(usize, i32); 3] = [(2 << 20, 19), (16 << 20, 12), (usize::MAX, 6)];
/// The beginning of each.
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// So many bytes are unpacked from a delta of `packed` bytes for a set of `indicators`, and no more: far more than a delta
/// is, far less than a bomb.
fn most(packed: usize, indicators: usize) -> usize {
    (64 << 20) + 256 * packed + 32 * indicators
}

/// The delta that leads from one set to another, as the bytes of its file.
///
/// # Errors
/// Those of [`indicia_core::IndicatorSet::delta_to`].
pub fn make(old: &IndicatorSet, new: &IndicatorSet) -> Result<(Vec<u8>, DeltaCounts), DeltaError> {
    let delta = old.delta_to(new)?;
    let level = LEVELS.iter().find(|(bytes, _)| delta.bytes.len() <= *bytes).map_or(1, |(_, level)| *level);
    let compress = || {
        let mut compressor = zstd::bulk::Compressor::new(level)?;
        compressor.include_checksum(true)?;
        compressor.compress(&delta.bytes)
    };
    // It is in memory, so that only memory can be missing.
    let packed = compress().map_err(|_: std::io::Error| DeltaError::TooLarge)?;
    if delta.bytes.len() > most(packed.len(), old.len()) {
        return Err(DeltaError::TooLarge);
    }
    Ok((packed, delta.counts))
}

/// The set to which a delta leads, byte for byte.
///
/// # Errors
/// Those of [`indicia_core::IndicatorSet::apply_delta`], and when more is unpacked than any delta of its size holds.
pub fn apply(old: &IndicatorSet, delta: &[u8]) -> Result<IndicatorSet, DeltaError> {
    if !delta.starts_with(ZSTD) {
        return Err(DeltaError::NotADelta);
    }
    let most = most(delta.len(), old.len());
    let corrupt = |_: std::io::Error| DeltaError::Corrupt;
    let decoder = zstd::Decoder::with_buffer(delta).map_err(corrupt)?.single_frame();
    let mut bytes = Vec::new();
    let mut limited = decoder.take(most as u64 + 1);
    limited.read_to_end(&mut bytes).map_err(corrupt)?;
    if bytes.len() > most {
        return Err(DeltaError::TooLarge);
    }
    if !limited.into_inner().finish().is_empty() {
        return Err(DeltaError::Corrupt);
    }
    old.apply_delta(&bytes).map(IndicatorSet::from)
}

/// Writes the delta that leads from one set to another into a file, whole or not at all.
///
/// # Errors
/// Those of [`make`], and when the file cannot be written.
pub fn save(
    old: &IndicatorSet,
    new: &IndicatorSet,
    path: impl AsRef<Path>,
) -> Result<(usize, DeltaCounts), Error> {
    let path = path.as_ref();
    let (bytes, counts) = make(old, new).map_err(|source| Error::Delta { path: path.into(), source })?;
    write_atomically(path, |out| out.write_all(&bytes))
        .map_err(|source| Error::Io { path: path.into(), source })?;
    Ok((bytes.len(), counts))
}

/// The set to which the delta in a file leads.
///
/// # Errors
/// Those of [`apply`], and when the file cannot be read.
pub fn load(old: &IndicatorSet, path: impl AsRef<Path>) -> Result<IndicatorSet, Error> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
    apply(old, &bytes).map_err(|source| Error::Delta { path: path.into(), source })
}
