//! Sharing with files: agreements, keys and ledgers by path, packages in folders.
//!
//! The decisions are in [`indicia_exchange`]; here is what touches a disk. A ledger and the packages that it tells of
//! change together: before anything is written, `LEDGER.pending` says what is to be done, and whoever opens the
//! ledger after a crash finishes that or undoes it. One process at a time holds a ledger, by `LEDGER.lock`.

mod ledger_file;
mod packages;
mod read;
mod share;

use std::io;
use std::path::{Path, PathBuf};

use indicia_core::{Indicator, Reason};
use indicia_exchange::ledger::LedgerError;
use indicia_exchange::plan::Records;
use indicia_exchange::receive::Refusal;
use indicia_exchange::sign::SignError;

pub use indicia_exchange::*;

pub use ledger_file::LedgerFile;
pub use packages::{Arrival, Fed, feedback_folder, receive_folder, revoke};
pub use read::{read_agreement, read_agreements, read_public_key, read_secret_key, write_keys};
pub use share::{PlanFile, PlannedHeld, PlannedItem, PlannedPackage, Share, Shared};

/// What went wrong with an exchange.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A file.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What.
        error: io::Error,
    },
    /// An agreement that permits nothing, since it is not one.
    #[error("{}: {errors}", path.display())]
    Agreement {
        /// Which.
        path: PathBuf,
        /// All that is wrong with it.
        errors: AgreementErrors,
    },
    /// A key.
    #[error("{}: {error}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What.
        error: SignError,
    },
    /// A ledger.
    #[error("{}: {error}", path.display())]
    Ledger {
        /// Which.
        path: PathBuf,
        /// What.
        error: LedgerError,
    },
    /// Something is where a package would go.
    #[error("{} is there already: move it away or name another folder", .0.display())]
    Exists(PathBuf),
    /// A package that is refused.
    #[error("{}: refused: {refusal}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// What is made now is not what was planned.
    #[error("not what was planned: {}", .0.join("; "))]
    Changed(Vec<String>),
    /// A plan file.
    #[error("{}: not a plan, or not one of this version", .0.display())]
    NotAPlan(PathBuf),
    /// Content that could not be written or read.
    #[error("{0}")]
    Content(String),
    /// A response file.
    #[error("{}: {what}", path.display())]
    Response {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

impl ExchangeError {
    /// The reason in the one table of all languages.
    pub fn reason(&self) -> Reason {
        match self {
            ExchangeError::Io { .. } => Reason::Io,
            ExchangeError::Agreement { .. } => Reason::BadAgreement,
            ExchangeError::Key { .. } => Reason::BadKey,
            ExchangeError::Ledger { .. } => Reason::BadLedger,
            ExchangeError::Exists(_) => Reason::AlreadyThere,
            ExchangeError::Refused { .. } => Reason::PackageRefused,
            ExchangeError::Changed(_) | ExchangeError::NotAPlan(_) => Reason::NotAsPlanned,
            ExchangeError::Content(_) => Reason::BadDocument,
            ExchangeError::Response { .. } => Reason::BadResponse,
        }
    }
}

type Result<T, E = ExchangeError> = std::result::Result<T, E>;

trait At<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| ExchangeError::Io { path: path.to_path_buf(), error })
    }
}

/// Brings records together for sharing and adds what databases know of their addresses. Records of which a database
/// has a broken entry go without it; they are counted.
pub fn gather(records: Vec<Indicator>, sources: &country::Sources<'_>) -> (Records, u64) {
    let mut records = records;
    let broken = records.iter_mut().filter_map(|record| country::enrich(record, sources).err()).count();
    (Records::new(records), broken as u64)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
