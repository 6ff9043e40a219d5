//! What a reader says after it has read: counts, and the first refusals with place and reason.

use std::collections::BTreeMap;
use std::fmt;

use indicia_core::Reason;

use crate::Format;

/// The number of refusals that are kept with place and text.
const EXAMPLES: usize = 20;
/// The number of characters of a refused text that are kept.
const RAW_CHARS: usize = 120;

/// What was read and what was not. Reports of several files can be [merged](Report::merge).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The format that was read; `None` after merging reports of different formats.
    pub format: Option<Format>,
    /// Records that were looked at: lines with content, rows, objects of a document.
    pub records: u64,
    /// Indicators that were handed on, those of kind `other` included.
    pub indicators: u64,
    /// Of these, those carried as kind `other`.
    pub other: u64,
    /// Values and records that were refused, by reason.
    pub refused: BTreeMap<Reason, u64>,
    /// The first refusals.
    pub examples: Vec<Refusal>,
    /// What was passed over on purpose, by what it was (`comment`, `localhost`, `malware`).
    pub skipped: BTreeMap<String, u64>,
    /// Values read as another kind than the source says, because that kind's grammar takes them.
    pub retyped: u64,
    /// Lines or documents that were not UTF-8 and were read as windows-1252.
    pub recoded: u64,
    /// Mistakes of the document that were repaired, by what they were.
    pub repaired: BTreeMap<String, u64>,
}

impl Report {
    /// The number of refusals of all reasons.
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Adds the counts of another report, and its examples as far as there is room.
    pub fn merge(&mut self, other: Report) {
        let fresh = *self == Report::default();
        if fresh {
            self.format = other.format;
        } else if self.format != other.format {
            self.format = None;
        }
        self.records += other.records;
        self.indicators += other.indicators;
        self.other += other.other;
        self.retyped += other.retyped;
        self.recoded += other.recoded;
        for (reason, count) in other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
        for (what, count) in other.skipped {
            *self.skipped.entry(what).or_default() += count;
        }
        for (what, count) in other.repaired {
            *self.repaired.entry(what).or_default() += count;
        }
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }

    pub(crate) fn refuse(&mut self, place: Place, reason: Reason, raw: &str) {
        *self.refused.entry(reason).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(Refusal { place, reason, raw: escape(raw) });
        }
    }

    pub(crate) fn skip(&mut self, what: &str) {
        match self.skipped.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                // The names may come from the document: their number and length are bounded.
                let what = if self.skipped.len() < 200 { escape(what) } else { "and more".to_string() };
                *self.skipped.entry(what).or_default() += 1;
            }
        }
    }

    pub(crate) fn repair(&mut self, what: &str) {
        *self.repaired.entry(what.to_string()).or_default() += 1;
    }
}

/// Something that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub reason: Reason,
    /// The text, cut short, control characters escaped: safe to show.
    pub raw: String,
}

/// Where a record stands in its feed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// A path into a JSON document, such as `objects[3]`.
    Path(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Path(path) => f.write_str(path),
        }
    }
}

/// The beginning of a hostile text in a form that can be printed.
fn escape(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    for c in chars.by_ref().take(RAW_CHARS) {
        let invisible = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if invisible {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}
