//! Newer tables from files: the Public Suffix List, the top-level domains, shared hosting.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use indicia_core::data::{self, Tables, hosting, psl, tld};

use crate::Error;

/// Far more than any of the lists has.
const MAX_BYTES: u64 = 16 << 20;

/// Files of tables that take the place of those built in; `None` leaves the one built in.
#[derive(Clone, Debug, Default)]
pub struct TableFiles {
    /// `public_suffix_list.dat`, as publicsuffix.org gives it.
    pub public_suffixes: Option<PathBuf>,
    /// `tlds-alpha-by-domain.txt`, as IANA gives it.
    pub top_level_domains: Option<PathBuf>,
    /// A table of shared hosting: a name, a tab and a class a line.
    pub shared_hosting: Option<PathBuf>,
}

/// Makes the tables of these files those of the whole process. It comes before everything else, and only once:
/// values that were read, and sets that were built by then, followed the tables built in.
///
/// # Errors
/// When a file cannot be read, is no table of its kind (with the line), or a table is in use already; then all stays
/// as it was.
///
/// ```no_run
/// use indicia::{TableFiles, use_tables};
/// let files = TableFiles { public_suffixes: Some("public_suffix_list.dat".into()), ..TableFiles::default() };
/// use_tables(&files)?;
/// # Ok::<(), indicia::Error>(())
/// ```
pub fn use_tables(files: &TableFiles) -> Result<(), Error> {
    let TableFiles { public_suffixes, top_level_domains, shared_hosting } = files;
    data::install(Tables {
        public_suffixes: read(public_suffixes.as_deref(), psl::List::parse)?,
        top_level_domains: read(top_level_domains.as_deref(), tld::List::parse)?,
        shared_hosting: read(shared_hosting.as_deref(), hosting::List::parse)?,
    })
    .map_err(|source| Error::TablesInUse { source })
}

fn read<T>(
    path: Option<&Path>,
    parse: impl Fn(&str) -> Result<T, data::TableError>,
) -> Result<Option<T>, Error> {
    let Some(path) = path else { return Ok(None) };
    let failed = |source| Error::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidData,
            "far larger than any list of this kind",
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        failed(io::Error::new(io::ErrorKind::InvalidData, format!("line {line}: not UTF-8")))
    })?;
    parse(&text).map(Some).map_err(|source| Error::Table { path: path.to_path_buf(), source })
}
