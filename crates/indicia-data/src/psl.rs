//! The Public Suffix List: where people can register names, and what is shared hosting.
//!
//! The table holds the rules by A-label, one a line; `=private` starts the second section. The algorithm is
//! the list's own: the longest matching rule wins, an exception beats a wildcard, `*` is the rule of last resort.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use crate::table::{Mixed, Sketch};
use crate::{TableError, table};

const TABLE: &str = include_str!("../tables/public_suffixes.txt");

/// The list has 330 KiB and 10,000 rules.
const MAX_BYTES: usize = 8 << 20;
const MAX_RULES: usize = 100_000;

/// The version of the list, as built in or installed.
pub fn version() -> &'static str {
    table().version
}

/// Which part of the list a suffix stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Delegated by ICANN or a registry.
    Icann,
    /// Run by a company that lets its customers have names below.
    Private,
    /// Not in the list: the last label of a name with an unknown top-level domain.
    Unlisted,
}

#[derive(Clone, Copy)]
struct Rule {
    section: Section,
    normal: bool,
    wildcard: bool,
    exception: bool,
}

struct Rules {
    by_name: HashMap<&'static str, Rule, FixedState>,
    names: Sketch,
    wildcards: Sketch,
    version: &'static str,
}

static RULES: OnceLock<Rules> = OnceLock::new();

fn table() -> &'static Rules {
    RULES.get_or_init(|| Rules::new(TABLE))
}

impl Rules {
    fn new(table: &'static str) -> Rules {
        let mut by_name = HashMap::with_capacity_and_hasher(12_000, FixedState::default());
        let mut section = Section::Icann;
        for line in crate::rows(table) {
            if line == "=private" {
                section = Section::Private;
                continue;
            }
            let (name, set): (&str, fn(&mut Rule)) = if let Some(name) = line.strip_prefix('!') {
                (name, |r| r.exception = true)
            } else if let Some(name) = line.strip_prefix("*.") {
                (name, |r| r.wildcard = true)
            } else {
                (line, |r| r.normal = true)
            };
            set(by_name.entry(name).or_insert(Rule {
                section,
                normal: false,
                wildcard: false,
                exception: false,
            }));
        }
        let names = Sketch::new(by_name.keys().copied());
        let wildcards = Sketch::new(by_name.iter().filter(|(_, rule)| rule.wildcard).map(|(name, _)| *name));
        Rules { by_name, names, wildcards, version: crate::header(table, "version") }
    }
}

pub(crate) fn is_in_use() -> bool {
    RULES.get().is_some()
}

pub(crate) fn put(list: List) -> bool {
    RULES.set(Rules::new(Box::leak(list.table.into_boxed_str()))).is_ok()
}

/// A list read from `public_suffix_list.dat`.
#[derive(Clone, Debug)]
pub struct List {
    table: String,
}

impl List {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Where a line is no rule, or the marks of the two sections are missing: then the file is cut short.
    ///
    /// ```
    /// use indicia_data::psl::List;
    /// let text = "// ===BEGIN ICANN DOMAINS===\ncom\n*.ck\n!www.ck\n// ===END ICANN DOMAINS===\n\
    ///             // ===BEGIN PRIVATE DOMAINS===\nexample.com\n// ===END PRIVATE DOMAINS===\n";
    /// assert!(List::parse(text).is_ok());
    /// assert_eq!(List::parse(&text[..60]).unwrap_err().to_string(), "line 5: the list is cut short: \
    ///     its sections do not begin and end as they should");
    /// assert_eq!(List::parse(&text.replace("*.ck", "a.*.ck")).unwrap_err().line, 3);
    /// ```
    pub fn parse(text: &str) -> Result<List, TableError> {
        const MARKS: [&str; 4] = [
            "===BEGIN ICANN DOMAINS===",
            "===END ICANN DOMAINS===",
            "===BEGIN PRIVATE DOMAINS===",
            "===END PRIVATE DOMAINS===",
        ];
        let text = table::check(text, MAX_BYTES)?;
        let mut sections = [BTreeSet::new(), BTreeSet::new()];
        let (mut marks, mut rules, mut version) = (0, 0, None);
        for (at, line) in text.lines().enumerate() {
            let wrong = |problem| Err(TableError::at(at + 1, problem));
            if let Some(comment) = line.strip_prefix("//") {
                if let Some(mark) = MARKS.iter().position(|mark| comment.contains(mark)) {
                    if mark != marks {
                        return wrong("a section begins or ends here that should not");
                    }
                    marks += 1;
                }
                version = version.or(comment.trim().strip_prefix("VERSION: "));
                continue;
            }
            let Some(rule) = line.split_whitespace().next() else { continue };
            if marks != 1 && marks != 3 {
                return wrong("not the Public Suffix List: a rule outside its two sections");
            }
            let (mark, name) = if let Some(name) = rule.strip_prefix('!') {
                ("!", name)
            } else if let Some(name) = rule.strip_prefix("*.") {
                ("*.", name)
            } else {
                ("", rule)
            };
            let name = idna::domain_to_ascii(name).unwrap_or_default();
            if !table::is_canonical(&name) || (mark == "!" && !name.contains('.')) {
                return wrong("not a rule: a name, with *. or ! in front");
            }
            rules += 1;
            if rules > MAX_RULES {
                return wrong("more rules than the list ever had");
            }
            sections[marks / 2].insert(format!("{mark}{name}"));
        }
        if marks != MARKS.len() {
            let problem = "the list is cut short: its sections do not begin and end as they should";
            return Err(TableError::at(text.lines().count().max(1), problem));
        }
        // The list names its version only when fetched from its own site; a digest says which it is.
        let version = version.map_or_else(
            || format!("{rules} rules, fnv1a64 {:016x}", table::fnv1a(text.as_bytes())),
            str::to_string,
        );
        let mut out = format!(
            "# command: cargo xtask update-data --from FILES\n\
             # source: publicsuffix.org, public_suffix_list.dat; rules as A-labels\n\
             # version: Public Suffix List, {version}\n\
             # licence: Mozilla Public License 2.0 (https://mozilla.org/MPL/2.0/)\n"
        );
        let [icann, private] = sections;
        icann.iter().for_each(|rule| _ = writeln!(out, "{rule}"));
        out.push_str("=private\n");
        private.iter().for_each(|rule| _ = writeln!(out, "{rule}"));
        Ok(List { table: out })
    }

    /// The list in the form of `tables/public_suffixes.txt`.
    pub fn table(&self) -> &str {
        &self.table
    }
}

/// The public suffix of a canonical name, with the section it comes from.
///
/// ```
/// use indicia_data::psl::{public_suffix, Section};
/// assert_eq!(public_suffix("www.bad.co.uk"), ("co.uk", Section::Icann));
/// assert_eq!(public_suffix("me.github.io"), ("github.io", Section::Private));
/// assert_eq!(public_suffix("host.unheard-of"), ("unheard-of", Section::Unlisted));
/// ```
pub fn public_suffix(name: &str) -> (&str, Section) {
    let rules = &table().by_name;
    // Walk from the whole name towards the last label: the first rule that matches is the longest.
    let mut label_before: Option<&str> = None;
    let mut rest = name;
    loop {
        if let Some(rule) = rules.get(rest) {
            if rule.exception {
                let parent = rest.split_once('.').map_or(rest, |(_, parent)| parent);
                return (parent, rule.section);
            }
            if rule.wildcard
                && let Some(longer) = label_before
            {
                return (longer, rule.section);
            }
            if rule.normal {
                return (rest, rule.section);
            }
        }
        match rest.split_once('.') {
            Some((_, parent)) => {
                label_before = Some(rest);
                rest = parent;
            }
            None => return (rest, Section::Unlisted),
        }
    }
}

/// The section of a rule that names this suffix letter for letter, without a wildcard.
pub(crate) fn listed(name: &str) -> Option<Section> {
    table().by_name.get(name).filter(|rule| rule.normal).map(|rule| rule.section)
}

/// Whether the list has the rule `*.parent` and no exception for this child of it.
pub(crate) fn by_wildcard(child: &str, parent: &str) -> bool {
    let rules = &table().by_name;
    rules.get(parent).is_some_and(|rule| rule.wildcard)
        && !rules.get(child).is_some_and(|rule| rule.exception)
}

/// Whether the name itself is a public suffix in the list: it is a rule, or a wildcard stands right above it.
///
/// ```
/// use indicia_data::psl::is_public_suffix;
/// assert!(is_public_suffix("co.uk") && is_public_suffix("anything.ck"));
/// assert!(!is_public_suffix("www.ck") && !is_public_suffix("bad.co.uk"));
/// ```
pub fn is_public_suffix(name: &str) -> bool {
    let Rules { by_name, names, wildcards, .. } = table();
    if names.may_have(Mixed::of(name.as_bytes()))
        && let Some(rule) = by_name.get(name).filter(|rule| rule.exception || rule.normal)
    {
        return !rule.exception;
    }
    let dot = name.bytes().position(|byte| byte == b'.');
    dot.map(|dot| &name[dot + 1..]).is_some_and(|parent| {
        wildcards.may_have(Mixed::of(parent.as_bytes()))
            && by_name.get(parent).is_some_and(|rule| rule.wildcard && !rule.exception)
    })
}

/// The name of every rule, with whether all right below it are suffixes.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, bool)> + Clone {
    table().by_name.iter().map(|(name, rule)| (*name, rule.wildcard))
}

/// The registrable domain: the public suffix and one label more; `None` for a public suffix itself.
///
/// ```
/// assert_eq!(indicia_data::psl::registrable("a.b.bad.co.uk"), Some("bad.co.uk"));
/// assert_eq!(indicia_data::psl::registrable("co.uk"), None);
/// ```
pub fn registrable(name: &str) -> Option<&str> {
    let suffix = public_suffix(name).0.len();
    let head = name.len().checked_sub(suffix + 1)?;
    let start = name[..head].rfind('.').map_or(0, |dot| dot + 1);
    Some(&name[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_exceptions() {
        assert_eq!(public_suffix("a.b.ck").0, "b.ck");
        assert_eq!(public_suffix("www.ck").0, "ck");
        assert_eq!(registrable("x.www.ck"), Some("www.ck"));
        assert_eq!(registrable("b.ck"), None);
        assert!(is_public_suffix("co.ke"));
        assert!(is_public_suffix("googleapis.com") || public_suffix("googleapis.com").0 == "com");
        assert!(!is_public_suffix("unheard-of"));
    }

    /// Every rule, what is below it and above it, by the walk.
    #[test]
    fn a_suffix_is_what_the_walk_ends_at() {
        let mut suffixes = 0;
        for rule in table().by_name.keys() {
            for name in [String::new(), "a.".into(), "a.b.".into(), "www.".into()].map(|below| below + rule) {
                let mut names = vec![name.as_str()];
                names.extend(name.split_once('.').map(|(_, parent)| parent));
                for name in names {
                    let (suffix, section) = public_suffix(name);
                    let walked = suffix.len() == name.len() && section != Section::Unlisted;
                    assert_eq!(is_public_suffix(name), walked, "{name}");
                    suffixes += usize::from(walked);
                }
            }
        }
        assert!(suffixes > table().by_name.len());
    }
}
