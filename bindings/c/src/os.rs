//! The one place that knows what a path is on this system.

use std::ffi::{CStr, OsStr, c_char};
use std::path::Path;

use crate::boundary::Fail;

/// # Safety
/// Not null: a string that ends with NUL and lives as long as `'a`.
pub(crate) unsafe fn path<'a>(path: *const c_char) -> Result<&'a Path, Fail> {
    if path.is_null() {
        return Err(Fail::argument("path is null"));
    }
    // SAFETY: the caller's promise.
    path_of_bytes(unsafe { CStr::from_ptr(path) }.to_bytes())
}

/// Any bytes on Unix, UTF-8 elsewhere.
#[cfg(unix)]
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Result<&Path, Fail> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Result<&Path, Fail> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fail::argument("the path is not UTF-8"))?;
    Ok(Path::new(OsStr::new(text)))
}
