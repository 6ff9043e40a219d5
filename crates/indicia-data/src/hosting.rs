//! Shared hosting: names under which many unrelated people publish, so that a hit on the name says little of the
//! person who is looked for. Paste sites, code and file hosting, link shorteners, site builders, cloud storage,
//! tunnels, dynamic DNS.
//!
//! A row `name` is this host, with or without `www`: below it each name is one customer's, and says who. A row `.name`
//! is the host and everything below it, which is shared as well. The list doubts; it never clears anything.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use crate::table::{Mixed, Sketch};
use crate::{TableError, table};

const TABLE: &str = include_str!("../tables/shared_hosting.txt");

const MAX_BYTES: usize = 8 << 20;

/// What people do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Texts.
    Paste,
    /// Sources, packages and what is built from them.
    Code,
    /// Files.
    Files,
    /// Messages, and files in them.
    Messages,
    /// Posts.
    Social,
    /// Forms to fill in.
    Forms,
    /// Sites of their own.
    Sites,
    /// Storage and programs in a cloud.
    Cloud,
    /// Ways in to a machine at home, and out-of-band services.
    Tunnel,
    /// Names for changing addresses.
    DynamicDns,
    /// Open redirectors.
    Redirect,
    /// Link shorteners and link pages.
    Shortener,
}

impl Class {
    /// Every class with its name.
    pub const ALL: &'static [(Class, &'static str)] = &[
        (Class::Paste, "paste"),
        (Class::Code, "code"),
        (Class::Files, "files"),
        (Class::Messages, "messages"),
        (Class::Social, "social"),
        (Class::Forms, "forms"),
        (Class::Sites, "sites"),
        (Class::Cloud, "cloud"),
        (Class::Tunnel, "tunnel"),
        (Class::DynamicDns, "dynamic-dns"),
        (Class::Redirect, "redirect"),
        (Class::Shortener, "shortener"),
    ];

    /// The name as in the table.
    pub fn name(self) -> &'static str {
        Class::ALL[self as usize].1
    }
}

struct Hosts {
    by_name: HashMap<&'static str, (Class, bool), FixedState>,
    names: Sketch,
    version: &'static str,
}

static HOSTS: OnceLock<Hosts> = OnceLock::new();

fn hosts() -> &'static Hosts {
    HOSTS.get_or_init(|| Hosts::new(TABLE))
}

impl Hosts {
    fn new(table: &'static str) -> Hosts {
        let rows = crate::rows(table).filter_map(|line| row(line).ok());
        let by_name: HashMap<_, _, FixedState> =
            rows.map(|(name, below, class)| (name, (class, below))).collect();
        Hosts {
            names: Sketch::new(by_name.keys().copied()),
            by_name,
            version: crate::header(table, "version"),
        }
    }
}

/// A name, whether all below it is shared too, and its class.
fn row(line: &str) -> Result<(&str, bool, Class), &'static str> {
    let (name, class) = line.split_once('\t').ok_or("not a name, a tab and a class")?;
    let class = Class::ALL.iter().find(|(_, known)| *known == class).map(|(class, _)| *class);
    let class = class.ok_or("not a class of shared hosting")?;
    let (name, below) = name.strip_prefix('.').map_or((name, false), |name| (name, true));
    if !name.contains('.') || !table::is_canonical(name) {
        return Err("not a name of two labels or more, by A-label and in small letters");
    }
    Ok((name, below, class))
}

/// The version of the table, as built in or installed.
pub fn version() -> &'static str {
    hosts().version
}

/// What a canonical host name is shared for; `None` where it is not in the table.
///
/// ```
/// use indicia_data::hosting::{Class, class_of};
/// assert_eq!(class_of("pastebin.com"), Some(Class::Paste));
/// assert_eq!(class_of("www.pastebin.com"), Some(Class::Paste));
/// assert_eq!(class_of("download7.mediafire.com"), Some(Class::Files));
/// assert_eq!(class_of("somebody.github.io"), None);
/// assert_eq!(class_of("notpastebin.com"), None);
/// ```
pub fn class_of(host: &str) -> Option<Class> {
    let Hosts { by_name, names, .. } = hosts();
    let get = |name: &str| if names.may_have(Mixed::of(name.as_bytes())) { by_name.get(name) } else { None };
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host);
    if let Some((class, _)) = get(host) {
        return Some(*class);
    }
    let mut rest = host;
    while let Some((_, parent)) = rest.split_once('.') {
        if let Some((class, true)) = get(parent) {
            return Some(*class);
        }
        rest = parent;
    }
    None
}

/// Every name of the table, with whether all below it is shared too.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, bool)> + Clone {
    hosts().by_name.iter().map(|(name, (_, below))| (*name, *below))
}

pub(crate) fn is_in_use() -> bool {
    HOSTS.get().is_some()
}

pub(crate) fn put(list: List) -> bool {
    HOSTS.set(Hosts::new(Box::leak(list.table.into_boxed_str()))).is_ok()
}

/// A table in the form of `tables/shared_hosting.txt`: a name, a tab, a class; lines that begin with `#` are comments.
#[derive(Clone, Debug)]
pub struct List {
    table: String,
}

impl List {
    /// Reads the file's text. A line `# version: …` in front names its version; else a digest does.
    ///
    /// # Errors
    /// Where a line is no row.
    ///
    /// ```
    /// use indicia_data::hosting::List;
    /// assert!(List::parse("paste.example\tpaste\n.files.example\tfiles\n").is_ok());
    /// assert_eq!(List::parse("# mine\npaste.example\n").unwrap_err().line, 2);
    /// ```
    pub fn parse(text: &str) -> Result<List, TableError> {
        let text = table::check(text, MAX_BYTES)?;
        let mut rows = 0;
        for (at, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            row(line).map_err(|problem| TableError::at(at + 1, problem))?;
            rows += 1;
        }
        if rows == 0 {
            return Err(TableError::at(text.lines().count().max(1), "the table has no row"));
        }
        let table = match crate::header(text, "version") {
            "" => {
                let digest = table::fnv1a(text.as_bytes());
                format!("# version: shared hosting, {rows} names, fnv1a64 {digest:016x}\n{text}")
            }
            _ => text.to_string(),
        };
        Ok(List { table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let lines: Vec<&str> = crate::rows(TABLE).collect();
        assert!(lines.len() >= 150, "{}", lines.len());
        let names: Vec<&str> =
            lines.iter().map(|line| row(line).unwrap_or_else(|e| panic!("{line}: {e}")).0).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "sorted, and none twice");
        for (class, name) in Class::ALL {
            assert!(lines.iter().any(|line| line.ends_with(&format!("\t{name}"))), "{name}");
            assert_eq!(class.name(), *name);
        }
    }
}
