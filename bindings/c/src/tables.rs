//! Newer tables than those built in.

use std::path::PathBuf;

use indicia::{TableFiles, use_tables};

use crate::boundary::{Fail, bytes, status};
use crate::os;
use crate::status::indicia_status;
use crate::value::indicia_str;

/// Puts newer tables in the place of those built in, for the whole process: public_suffix_list.dat of
/// publicsuffix.org, tlds-alpha-by-domain.txt of IANA, and a table of shared hosting (a name, a tab and a class a line).
/// Each is a path; {NULL, 0} leaves the one built in. It comes before every other call, and once: a table that is in
/// use already, or a file that is broken, is an error, and all stays as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_use_tables(
    public_suffixes: indicia_str,
    top_level_domains: indicia_str,
    shared_hosting: indicia_str,
) -> indicia_status {
    status(|| {
        let path = |text: indicia_str, name| -> Result<Option<PathBuf>, Fail> {
            // SAFETY: the caller's promise.
            let text = unsafe { bytes(text, name) }?;
            if text.is_empty() { Ok(None) } else { os::path_of_bytes(text).map(|path| Some(path.into())) }
        };
        let files = TableFiles {
            public_suffixes: path(public_suffixes, "public_suffixes")?,
            top_level_domains: path(top_level_domains, "top_level_domains")?,
            shared_hosting: path(shared_hosting, "shared_hosting")?,
        };
        Ok(use_tables(&files)?)
    })
}
