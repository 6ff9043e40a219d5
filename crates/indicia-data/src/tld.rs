//! Top-level domains of the root zone, as IANA lists them.

use std::collections::HashSet;
use std::sync::OnceLock;

use crate::{TableError, table};

const TABLE: &str = include_str!("../tables/tlds.txt");

/// IANA's list is 10 KiB.
const MAX_BYTES: usize = 1 << 20;

struct Set {
    labels: HashSet<&'static str>,
    version: &'static str,
}

static SET: OnceLock<Set> = OnceLock::new();

impl Set {
    fn new(table: &'static str) -> Set {
        Set { labels: crate::rows(table).collect(), version: crate::header(table, "version") }
    }

    fn get() -> &'static Set {
        SET.get_or_init(|| Set::new(TABLE))
    }
}

/// The version line of IANA's list, as built in or installed.
pub fn version() -> &'static str {
    Set::get().version
}

/// Whether this lower-case A-label is a top-level domain.
///
/// ```
/// assert!(indicia_data::tld::is_known("com"));
/// assert!(indicia_data::tld::is_known("xn--p1ai"));
/// assert!(!indicia_data::tld::is_known("exe"));
/// ```
pub fn is_known(label: &str) -> bool {
    Set::get().labels.contains(label)
}

pub(crate) fn is_in_use() -> bool {
    SET.get().is_some()
}

pub(crate) fn put(list: List) -> bool {
    SET.set(Set::new(Box::leak(list.table.into_boxed_str()))).is_ok()
}

/// A list read from `tlds-alpha-by-domain.txt`.
#[derive(Clone, Debug)]
pub struct List {
    table: String,
}

impl List {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Where it does not begin with IANA's version line, or a line is no label.
    ///
    /// ```
    /// use indicia_data::tld::List;
    /// assert!(List::parse("# Version 2099010100, Last Updated …\nAAA\nCOM\n").is_ok());
    /// assert_eq!(List::parse("# Version 1\nCOM\nno label\n").unwrap_err().line, 3);
    /// assert_eq!(List::parse("<html>").unwrap_err().line, 1);
    /// ```
    pub fn parse(text: &str) -> Result<List, TableError> {
        let text = table::check(text, MAX_BYTES)?;
        let version = text.lines().next().and_then(|line| line.strip_prefix("# Version "));
        let version = version.ok_or(TableError::at(1, "not IANA's list: it begins with \"# Version\""))?;
        let mut out = format!(
            "# command: cargo xtask update-data --from FILES\n\
             # source: data.iana.org/TLD/tlds-alpha-by-domain.txt\n\
             # version: IANA top-level domains, Version {}\n\
             # licence: facts\n",
            version.trim()
        );
        let mut labels = 0;
        for (at, line) in text.lines().enumerate().skip(1) {
            let label = line.trim().to_ascii_lowercase();
            if label.is_empty() || label.starts_with('#') {
                continue;
            }
            if label.contains('.') || !table::is_canonical(&label) {
                return Err(TableError::at(at + 1, "not a label of letters, digits and hyphens"));
            }
            labels += 1;
            out.push_str(&label);
            out.push('\n');
        }
        if labels == 0 {
            return Err(TableError::at(text.lines().count(), "the list ends before its first label"));
        }
        Ok(List { table: out })
    }

    /// The list in the form of `tables/tlds.txt`.
    pub fn table(&self) -> &str {
        &self.table
    }
}
