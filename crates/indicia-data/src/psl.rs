//! The Public Suffix List: where people can register names, and what is shared hosting.
//!
//! The table holds the rules by A-label, one a line; `=private` starts the second section. The algorithm is
//! the list's own: the longest matching rule wins, an exception beats a wildcard, `*` is the rule of last resort.

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../tables/public_suffixes.txt");

/// The version of the list that is built in.
pub fn version() -> &'static str {
    TABLE.lines().nth(1).unwrap_or_default().trim_start_matches("# ")
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

fn table() -> &'static HashMap<&'static str, Rule> {
    static RULES: OnceLock<HashMap<&'static str, Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut rules = HashMap::with_capacity(12_000);
        let mut section = Section::Icann;
        for line in crate::rows(TABLE) {
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
            set(rules.entry(name).or_insert(Rule {
                section,
                normal: false,
                wildcard: false,
                exception: false,
            }));
        }
        rules
    })
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
    let rules = table();
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
    table().get(name).filter(|rule| rule.normal).map(|rule| rule.section)
}

/// Whether the list has the rule `*.parent` and no exception for this child of it.
pub(crate) fn by_wildcard(child: &str, parent: &str) -> bool {
    let rules = table();
    rules.get(parent).is_some_and(|rule| rule.wildcard)
        && !rules.get(child).is_some_and(|rule| rule.exception)
}

/// Whether the name itself is a public suffix in the list.
pub fn is_public_suffix(name: &str) -> bool {
    let (suffix, section) = public_suffix(name);
    suffix.len() == name.len() && section != Section::Unlisted
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
}
