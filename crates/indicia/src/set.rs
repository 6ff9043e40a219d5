//! Sets in files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::map::map;
use crate::{Reason, SetError, Unwanted};

/// A set, or the feeds for one, could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A set file was refused.
    #[error("{}: {source}", path.display())]
    Set {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SetError,
    },
    /// A set file is not what was asked for.
    #[error("{}: {source}", path.display())]
    Unwanted {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Unwanted,
    },
    /// A delta could not be made or was refused.
    #[cfg(feature = "feeds")]
    #[error("{}: {source}", path.display())]
    Delta {
        /// The file.
        path: PathBuf,
        /// Why.
        source: crate::DeltaError,
    },
    /// A newer table was refused.
    #[error("{}: {source}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: crate::data::TableError,
    },
    /// Newer tables came too late.
    #[error("{source}")]
    TablesInUse {
        /// Which one is in use.
        source: crate::data::InstallError,
    },
    /// A feed or its description could not be read.
    #[cfg(feature = "feeds")]
    #[error("{name}: {message}")]
    Feed {
        /// The feed.
        name: String,
        /// Why, in the table of reasons.
        reason: Reason,
        /// Why, for people.
        message: String,
    },
}

impl Error {
    /// The stable reason.
    pub fn reason(&self) -> Reason {
        match self {
            Error::Io { .. } => Reason::Io,
            Error::Set { source, .. } => source.reason(),
            Error::Unwanted { source, .. } => source.reason(),
            #[cfg(feature = "feeds")]
            Error::Delta { source, .. } => source.reason(),
            Error::Table { .. } | Error::TablesInUse { .. } => Reason::InvalidArgument,
            #[cfg(feature = "feeds")]
            Error::Feed { reason, .. } => *reason,
        }
    }
}

/// A compiled set that is cheap to clone and share. It derefs to the core's set, which scans and looks up.
#[derive(Clone, Debug)]
pub struct IndicatorSet(Arc<indicia_core::IndicatorSet>);

impl Deref for IndicatorSet {
    type Target = indicia_core::IndicatorSet;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<indicia_core::IndicatorSet> for IndicatorSet {
    fn from(set: indicia_core::IndicatorSet) -> IndicatorSet {
        IndicatorSet(Arc::new(set))
    }
}

impl IndicatorSet {
    pub(crate) fn from_shared(set: Arc<indicia_core::IndicatorSet>) -> IndicatorSet {
        IndicatorSet(set)
    }

    pub(crate) fn into_shared(self) -> Arc<indicia_core::IndicatorSet> {
        self.0
    }

    /// Opens a set file by mapping it: nothing is read but its first page, however large it is, and programs that open
    /// one file share its memory.
    ///
    /// It is for files that are replaced by renaming another over them, as [`IndicatorSet::save`] does: a set that is
    /// open keeps the old one. A file that is written in place or cut short while it is open ends the program at worst;
    /// [`IndicatorSet::load`] is for those. What is no regular file is loaded. Bytes that were changed before are found
    /// by `verify` on the set; unnoticed, they make wrong answers and never a fault.
    ///
    /// # Errors
    /// When the file cannot be read or is no set of this version.
    pub fn open(path: impl AsRef<Path>) -> Result<IndicatorSet, Error> {
        let path = path.as_ref();
        let io = |source| Error::Io { path: path.into(), source };
        if !path.metadata().map_err(io)?.is_file() {
            return IndicatorSet::load(path);
        }
        indicia_core::IndicatorSet::from_storage(map(path).map_err(io)?)
            .map(IndicatorSet::from)
            .map_err(|source| Error::Set { path: path.into(), source })
    }

    /// Reads a set file into private memory and checks every byte of it: the file may change or go afterwards.
    ///
    /// # Errors
    /// When the file cannot be read, is no set of this version or was damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<IndicatorSet, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.into(), source })?;
        IndicatorSet::from_bytes(&bytes).map_err(|source| Error::Set { path: path.into(), source })
    }

    /// Reads a set from memory.
    ///
    /// # Errors
    /// When the bytes are no set of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<IndicatorSet, SetError> {
        indicia_core::IndicatorSet::from_bytes(bytes).map(IndicatorSet::from)
    }

    /// Compiles feeds: files, folders, archives, sets, `FORMAT:PATH` or a `feeds.toml`. What single records are
    /// refused for is not an error; [`crate::feed::Loader`] tells it.
    ///
    /// # Errors
    /// When a feed cannot be read at all.
    #[cfg(feature = "feeds")]
    pub fn from_feeds<I>(feeds: I) -> Result<IndicatorSet, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<Path>,
    {
        let mut loader = crate::feed::Loader::new(Default::default());
        for feed in feeds {
            loader.add(&crate::feed::FeedSpec::new(feed.as_ref()));
        }
        let (set, report) = loader.finish();
        match report.failed.into_iter().next() {
            Some(failed) => {
                Err(Error::Feed { name: failed.name, reason: failed.reason, message: failed.message })
            }
            None => Ok(set),
        }
    }

    /// Writes the set file: to a temporary file beside it, then renamed, so that nobody sees half a set.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing stands under its name that was not there before.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        write_atomically(path, |out| self.write_to(out))
            .map_err(|source| Error::Io { path: path.into(), source })
    }
}

/// Writes a file completely or not at all: into a temporary file in the same folder, synced, then renamed.
///
/// # Errors
/// Those of `write` and of the file system; the temporary file is removed.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A device or pipe (`/dev/stdout`, `/dev/full`) is written as it is.
    if path.metadata().is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        let mut out = BufWriter::new(File::options().write(true).open(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let file = tempfile::Builder::new().prefix(".indicia-").tempfile_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    keep_mode(path, file.as_file())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Temporary files are private; the result has the mode of the file that it replaces, else the usual one.
#[cfg(unix)]
fn keep_mode(path: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().map_or(0o644, |m| m.permissions().mode() & 0o777);
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_mode(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}
