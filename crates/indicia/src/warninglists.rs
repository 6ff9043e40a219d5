//! Warninglists in files: single ones, folders and archives of them, compressed or not.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use indicia_core::{Warninglist, WarninglistError};

use crate::input::{Event, Visitor, Walker};

/// A longer list is not read. The longest that MISP publishes has 25 MB.
const MAX_LIST: u64 = 1 << 28;

/// A file that should be a warninglist, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct UnreadList {
    /// Its path; `archive!member` in an archive.
    pub name: String,
    /// Why it was not read.
    pub reason: UnreadReason,
}

/// Why a warninglist was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnreadReason {
    /// The file cannot be read.
    #[error(transparent)]
    Io(io::Error),
    /// It is no warninglist.
    #[error(transparent)]
    Format(WarninglistError),
}

/// Reads warninglists: files, and below folders and in archives whatever is named `*.json`, compressed (`*.json.zst`) or not.
/// What could not be read comes second; the others are there.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # std::fs::write(dir.path().join("list.json"), r#"{"name":"a","version":1,"type":"hostname","list":["example.com"]}"#)?;
/// use indicia::{Guards, Observable, warninglists};
/// let (lists, unread) = warninglists([dir.path()]);
/// assert!(unread.is_empty());
/// let guards = Guards { lists, ..Guards::default() };
/// assert_eq!(guards.of_observable(&Observable::parse("www.example.com")?)[0].source, "a 1");
/// # Ok(())
/// # }
/// ```
pub fn warninglists<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
) -> (Vec<Warninglist>, Vec<UnreadList>) {
    let mut reading = Reading::default();
    for path in paths {
        reading.asked = path.as_ref().to_string_lossy().into_owned();
        // It goes on to the end: nothing here breaks it off.
        let _ = Walker::default().path(path.as_ref(), &mut reading);
    }
    (reading.lists, reading.unread)
}

#[derive(Default)]
struct Reading {
    lists: Vec<Warninglist>,
    unread: Vec<UnreadList>,
    /// The path that was asked for: if it is a file, it is a list, whatever its name.
    asked: String,
}

impl Visitor for Reading {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        if is_named_json(name) || name == self.asked {
            let mut json = Vec::new();
            input.take(MAX_LIST + 1).read_to_end(&mut json)?;
            if json.len() as u64 > MAX_LIST {
                return Err(io::Error::other("limit reached: a warninglist of more than 256 MiB"));
            }
            match Warninglist::from_json(&json) {
                Ok(list) => self.lists.push(list),
                Err(error) => {
                    let (name, reason) = (name.to_string(), UnreadReason::Format(error));
                    self.unread.push(UnreadList { name, reason });
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.unread.push(UnreadList { name: name.to_string(), reason: UnreadReason::Io(error) });
        }
    }
}

/// Whether a file is called JSON, before or after it is decompressed.
fn is_named_json(name: &str) -> bool {
    let name = [".gz", ".zst", ".xz", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_lists_are_read_and_broken_ones_told() {
        let dir = tempfile::tempdir().unwrap();
        let list =
            |name: &str| format!(r#"{{"name":"{name}","version":2,"type":"string","list":["a.example"]}}"#);
        let below = dir.path().join("lists/one");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join("list.json"), list("plain")).unwrap();
        std::fs::write(dir.path().join("b.json.zst"), zstd::encode_all(list("zst").as_bytes(), 1).unwrap())
            .unwrap();
        std::fs::write(dir.path().join("README.md"), "no list").unwrap();
        std::fs::write(dir.path().join("c.json"), "{").unwrap();
        let (lists, unread) = warninglists([dir.path()]);
        assert_eq!(lists.iter().map(Warninglist::source).collect::<Vec<_>>(), ["zst 2", "plain 2"]);
        assert_eq!(unread.len(), 1);
        assert!(unread[0].to_string().contains("c.json: not a MISP warninglist"), "{}", unread[0]);

        // A file that is asked for is a list, whatever its name.
        let (lists, unread) = warninglists([dir.path().join("README.md"), dir.path().join("none"), below]);
        assert_eq!((lists.len(), unread.len()), (1, 2));
        std::fs::write(dir.path().join("of!mine.lst"), list("odd")).unwrap();
        assert_eq!(warninglists([dir.path().join("of!mine.lst")]).0.len(), 1);
        assert!(
            matches!(&unread[1].reason, UnreadReason::Io(error) if error.kind() == io::ErrorKind::NotFound)
        );
    }
}
