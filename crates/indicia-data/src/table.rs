//! What all tables have in common: lines, the header, and tables that take the place of those built in.

use std::sync::Mutex;

use crate::{hosting, psl, tld};

/// A newer file of an upstream could not be read as its table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
#[non_exhaustive]
pub struct TableError {
    /// The line, from 1; the last one where the file ends too early.
    pub line: usize,
    /// What is wrong with it, or with the file there.
    pub problem: &'static str,
}

impl TableError {
    pub(crate) fn at(line: usize, problem: &'static str) -> TableError {
        TableError { line, problem }
    }
}

/// A table could not take the place of the one built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the table of {table} is in use already; newer tables go in before anything else, and once")]
#[non_exhaustive]
pub struct InstallError {
    /// Which one.
    pub table: &'static str,
}

/// Newer tables, read from files of their upstreams.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// `public_suffix_list.dat`, as publicsuffix.org gives it.
    pub public_suffixes: Option<psl::List>,
    /// `tlds-alpha-by-domain.txt`, as IANA gives it.
    pub top_level_domains: Option<tld::List>,
    /// A table in the form of `tables/shared_hosting.txt`.
    pub shared_hosting: Option<hosting::List>,
}

/// Makes these tables the process's own. They hold for every look-up from then on, and for as long as the program
/// runs; so this comes before anything else that uses them, and only once for each.
///
/// # Errors
/// Where one of them was used or installed before: then none is taken.
///
/// ```standalone_crate
/// use indicia_data::{Tables, install, tld};
/// let list = tld::List::parse("# Version 2099010100\nCOM\nUNHEARD\n").unwrap();
/// install(Tables { top_level_domains: Some(list), ..Tables::default() }).unwrap();
/// assert!(tld::is_known("unheard"));
/// assert_eq!(tld::version(), "IANA top-level domains, Version 2099010100");
/// // Now it is in use.
/// let again = tld::List::parse("# Version 2099010101\nCOM\n").unwrap();
/// assert!(install(Tables { top_level_domains: Some(again), ..Tables::default() }).is_err());
/// ```
pub fn install(tables: Tables) -> Result<(), InstallError> {
    // Two callers at once would each pass the check and then half succeed.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Tables { public_suffixes, top_level_domains, shared_hosting } = tables;
    let in_use = [
        (public_suffixes.is_some() && psl::is_in_use(), "public suffixes"),
        (top_level_domains.is_some() && tld::is_in_use(), "top-level domains"),
        (shared_hosting.is_some() && hosting::is_in_use(), "shared hosting"),
    ];
    if let Some((_, table)) = in_use.into_iter().find(|(in_use, _)| *in_use) {
        return Err(InstallError { table });
    }
    let put = |done: bool, table| if done { Ok(()) } else { Err(InstallError { table }) };
    if let Some(list) = public_suffixes {
        put(psl::put(list), "public suffixes")?;
    }
    if let Some(list) = top_level_domains {
        put(tld::put(list), "top-level domains")?;
    }
    if let Some(list) = shared_hosting {
        put(hosting::put(list), "shared hosting")?;
    }
    Ok(())
}

/// The lines of a table that are not comments.
pub(crate) fn rows(table: &str) -> impl Iterator<Item = &str> + Clone {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What a table's header says of `key`: `command`, `source`, `version` or `licence`.
pub(crate) fn header<'t>(table: &'t str, key: &str) -> &'t str {
    let lines = table.lines().map_while(|line| line.strip_prefix("# "));
    lines.filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == key).map_or("", |(_, text)| text)
}

/// Tells most names that a table does not have, by one bit of a memory small enough to be near at any time.
pub(crate) struct Sketch {
    /// A power of two, with 16 bits or more a name, and so many that hardly one of the names that are everywhere has the bit of
    /// another: `com` is asked for half the time.
    bits: Vec<u64>,
}

impl Sketch {
    pub(crate) fn new<'t>(names: impl Iterator<Item = &'t str> + Clone) -> Sketch {
        let words = (names.clone().count() / 4).next_power_of_two().max(1024);
        let mut sketch = Sketch { bits: vec![0; words] };
        for name in names {
            let (word, bit) = sketch.place(Mixed::of(name.as_bytes()));
            sketch.bits[word] |= bit;
        }
        sketch
    }

    /// Whether the table may have a name; `false` is sure.
    #[inline]
    pub(crate) fn may_have(&self, name: Mixed) -> bool {
        let (word, bit) = self.place(name);
        self.bits[word] & bit != 0
    }

    #[inline]
    fn place(&self, Mixed(mixed): Mixed) -> (usize, u64) {
        (mixed as usize >> 38 & (self.bits.len() - 1), 1 << (mixed >> 58))
    }
}

/// A name as sketches know it: by its length and both ends.
#[derive(Clone, Copy)]
pub(crate) struct Mixed(u64);

impl Mixed {
    #[inline]
    pub(crate) fn of(name: &[u8]) -> Mixed {
        fn ends<const N: usize>(name: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
            name.first_chunk().zip(name.last_chunk())
        }
        let (head, tail) = if let Some((head, tail)) = ends::<8>(name) {
            (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
        } else if let Some((head, tail)) = ends::<2>(name) {
            let middle = name[name.len() / 2];
            let tail = u64::from(u16::from_le_bytes(*tail));
            (u64::from(u16::from_le_bytes(*head)) | tail << 16, middle.into())
        } else {
            (name.first().map_or(0, |byte| (*byte).into()), 0)
        };
        let head = (head ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Mixed((head ^ head >> 32 ^ tail).wrapping_mul(0xa076_1d64_78bd_642f))
    }
}

/// FNV-1a, 64 bits: says which file it was where a file does not say it itself.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The file's text, where it is UTF-8 text of a sane size.
pub(crate) fn check(text: &str, max_bytes: usize) -> Result<&str, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > max_bytes {
        return Err(TableError::at(1, "the file is far larger than the list ever was"));
    }
    match text.lines().position(|line| line.len() > 2_000 || line.contains('\0')) {
        Some(at) => Err(TableError::at(at + 1, "not a line of the list: too long, or with a NUL byte")),
        None => Ok(text),
    }
}

/// Whether this is a host name, or a part of one, in canonical form.
pub(crate) fn is_canonical(name: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_has_its_names_and_few_others() {
        let names: Vec<String> = (0..3000).map(|n| format!("{}.{n}.example", n % 7)).collect();
        for count in [0, 1, 3000] {
            let sketch = Sketch::new(names[..count].iter().map(String::as_str));
            assert!(names[..count].iter().all(|name| sketch.may_have(Mixed::of(name.as_bytes()))));
            let others = (0..10_000)
                .filter(|n| sketch.may_have(Mixed::of(format!("other{n}.com").as_bytes())))
                .count();
            assert!(others < 2000, "{others}");
        }
    }

    #[test]
    fn every_table_says_where_it_comes_from() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tables");
        let mut tables = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let keys = ["command", "source", "version", "licence"];
            for (line, key) in text.lines().zip(keys) {
                assert!(line.starts_with(&format!("# {key}: ")), "{}: {line}", path.display());
                assert!(header(&text, key).len() > 3, "{}: {key}", path.display());
            }
            let version = header(&text, "version");
            assert!(version.bytes().any(|b| b.is_ascii_digit()), "{}: {version}", path.display());
            let command = header(&text, "command");
            assert!(
                command == "none; kept by hand" || command.starts_with("cargo xtask update-data"),
                "{}: {command}",
                path.display()
            );
            assert!(rows(&text).next().is_some(), "{} has no rows", path.display());
            tables += 1;
        }
        assert!(tables >= 10, "{tables}");
    }
}
