//! Why a whole feed could not be read or written.

use indicia_core::Reason;

use crate::Format;

/// A feed could not be read or written at all. Single records never lead here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The format is known by name, but there is no reader for it.
    #[error("the format `{}` is recognised but not read", format.name())]
    NotRead {
        /// The format.
        format: Format,
    },
    /// There is no writer for the format.
    #[error("the format `{}` cannot be written; write jsonl, stix, misp, csv, plain, hosts, rpz or zeek", format.name())]
    NotWritten {
        /// The format.
        format: Format,
    },
    /// The document does not parse.
    #[error("not a {} document: {what} at line {line}, column {column}", format.name())]
    BadDocument {
        /// The format that was expected.
        format: Format,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where the end of the document is meant.
        column: usize,
        /// What is wrong there; holds nothing of the document itself.
        what: String,
    },
    /// A column that the options name is not in the header.
    #[error("the feed has no column for `{field}`; name a header or a number from 1 that exists")]
    NoColumn {
        /// Our field.
        field: String,
    },
    /// The bytes could not be read or written.
    #[error("the feed could not be read or written: {0}")]
    Io(#[from] std::io::Error),
}

impl FeedError {
    /// The reason in the one table of reasons.
    pub fn reason(&self) -> Reason {
        match self {
            FeedError::NotRead { .. } => Reason::NotRead,
            FeedError::NotWritten { .. } => Reason::Unsupported,
            FeedError::BadDocument { .. } => Reason::BadDocument,
            FeedError::NoColumn { .. } => Reason::InvalidArgument,
            FeedError::Io(_) => Reason::Io,
        }
    }

    /// The stable number of the reason.
    pub fn code(&self) -> u16 {
        self.reason().code()
    }
}
