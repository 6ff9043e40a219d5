//! What a command is given to look into: files, folders and archives, standard input, values.

use std::io::{self, Read};
use std::path::PathBuf;

use indicia::chunks::CHUNK;
use indicia::input::{Visitor, Walker};

/// The size of the pieces that inputs are read in. Tests set another: no output depends on it.
pub(crate) fn piece_size() -> usize {
    std::env::var("INDICIA_CHUNK").ok().and_then(|size| size.parse().ok()).unwrap_or(CHUNK)
}

/// Walks files, folders and archives, or standard input where none is named.
pub(crate) fn walk(files: &[PathBuf], visitor: &mut dyn Visitor) {
    let walker = Walker::default();
    if files.is_empty() {
        let _ = walker.reader("-", &mut io::stdin().lock(), visitor);
        return;
    }
    for file in files {
        let flow = if file.as_os_str() == "-" {
            walker.reader("-", &mut io::stdin().lock(), visitor)
        } else {
            walker.path(file, visitor)
        };
        if flow.is_break() {
            return;
        }
    }
}

/// Whether a command without files would wait for a person to type.
pub(crate) fn nothing_to_read(files: &[PathBuf]) -> bool {
    use std::io::IsTerminal;
    files.is_empty() && io::stdin().is_terminal()
}

/// The values of a command: its arguments, or the lines of standard input.
pub(crate) fn values(arguments: Vec<String>) -> io::Result<Vec<String>> {
    if !arguments.is_empty() {
        return Ok(arguments);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(str::to_string)
        .collect())
}
