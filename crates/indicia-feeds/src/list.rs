//! `feeds.toml`: the list of feeds that a user keeps, and how each is to be read.
//!
//! ```
//! let list = indicia_feeds::list::parse(r#"
//! [[feed]]
//! path = "lists/bad.csv"
//! name = "partner"
//! tlp = "amber"
//! role = "c2"
//! columns = { value = "Artefact", confidence = "3" }
//! "#)?;
//! assert_eq!(list[0].path, "lists/bad.csv");
//! assert_eq!(list[0].options.feed.as_deref(), Some("partner"));
//! # Ok::<(), indicia_feeds::list::ListError>(())
//! ```

use std::collections::BTreeMap;
use std::str::FromStr;

use indicia_core::{Match, Pap, Reason, Role, Tlp};
use serde::Deserialize;

use crate::{Format, ReadOptions};

/// One `[[feed]]`.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// Where it is; a relative path is meant relative to the list.
    pub path: String,
    /// Its format, where `from` names one.
    pub from: Option<Format>,
    /// Everything else.
    pub options: ReadOptions,
    /// The line of its `[[feed]]`, from 1.
    pub line: usize,
}

/// A `feeds.toml` is not in order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("feeds.toml, line {line}{}: {what}", field.as_ref().map(|f| format!(", `{f}`")).unwrap_or_default())]
pub struct ListError {
    /// The line, from 1.
    pub line: usize,
    /// The field, where one is meant.
    pub field: Option<String>,
    /// What is wrong and what would be right.
    pub what: String,
}

impl ListError {
    /// The reason in the one table of reasons.
    pub fn reason(&self) -> Reason {
        if self.field.is_some() { Reason::BadField } else { Reason::BadDocument }
    }
}

/// The feeds of a list, in its order.
///
/// # Errors
/// The first thing that is wrong, with its line and field.
pub fn parse(text: &str) -> Result<Vec<FeedEntry>, ListError> {
    let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let raw: RawList = toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_of(span.start));
        let message = e.message();
        // Names of unknown fields come from the file: they are not repeated.
        let (field, what) = if message.starts_with("unknown field") {
            (None, format!("there is no such field; the fields of a [[feed]] are {FIELDS}"))
        } else if message.starts_with("missing field") {
            (None, "a [[feed]] needs a `path`".to_string())
        } else if message.starts_with("invalid type") {
            (None, "the value has another type than this field takes".to_string())
        } else {
            (None, "this is not TOML".to_string())
        };
        ListError { line, field, what }
    })?;
    raw.feed.into_iter().map(|feed| feed.entry(&line_of)).collect()
}

const FIELDS: &str = "path, from, name, producer, tlp, pap, role, columns, match, confidence_min";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    #[serde(default)]
    feed: Vec<RawFeed>,
}

type Text = toml::Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFeed {
    path: Text,
    from: Option<Text>,
    name: Option<String>,
    producer: Option<String>,
    tlp: Option<Text>,
    pap: Option<Text>,
    role: Option<Text>,
    #[serde(default)]
    columns: BTreeMap<String, Column>,
    #[serde(rename = "match")]
    match_: Option<Text>,
    confidence_min: Option<toml::Spanned<Number>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Column {
    Name(String),
    Number(u32),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Fraction(f64),
}

impl RawFeed {
    fn entry(self, line_of: &dyn Fn(usize) -> usize) -> Result<FeedEntry, ListError> {
        let line = line_of(self.path.span().start);
        if self.path.get_ref().is_empty() {
            return Err(ListError {
                line,
                field: Some("path".to_string()),
                what: "the path is empty".to_string(),
            });
        }
        let from = named(self.from, "from", line_of, "the name of a format, such as stix or csv", |name| {
            Format::from_name(name).ok_or(())
        })?;
        let tlp = named(self.tlp, "tlp", line_of, "clear, green, amber, amber+strict or red", Tlp::from_str)?;
        let pap = named(self.pap, "pap", line_of, "clear, green, amber or red", Pap::from_str)?;
        let roles =
            "c2, phishing, malware-host, actor-infra, scanner, compromised, victim, benign or unknown";
        let default_role = named(self.role, "role", line_of, roles, Role::from_str)?;
        let match_ = named(self.match_, "match", line_of, "exact, subdomains, prefix or mask", |name| {
            Match::from_str(name).map_err(drop).and_then(|m| match m {
                Match::Exact | Match::Subdomains | Match::Prefix | Match::Mask => Ok(m),
                _ => Err(()),
            })
        })?;
        let confidence_min = match self.confidence_min {
            None => None,
            Some(spanned) => {
                let line = line_of(spanned.span().start);
                let value = match spanned.into_inner() {
                    Number::Whole(value) => value as f64,
                    Number::Fraction(value) => value,
                };
                if !(0.0..=100.0).contains(&value) {
                    let what = "write a number from 0 to 100".to_string();
                    return Err(ListError { line, field: Some("confidence_min".to_string()), what });
                }
                Some(value)
            }
        };
        let columns = self.columns.into_iter().map(|(field, column)| {
            let column = match column {
                Column::Name(name) => name,
                Column::Number(number) => number.to_string(),
            };
            (field, column)
        });
        let options = ReadOptions {
            feed: self.name,
            producer: self.producer,
            tlp,
            pap,
            default_role,
            columns: columns.collect(),
            match_,
            confidence_min,
            ..ReadOptions::default()
        };
        Ok(FeedEntry { path: self.path.into_inner(), from, options, line })
    }
}

fn named<T, E>(
    text: Option<Text>,
    field: &str,
    line_of: &dyn Fn(usize) -> usize,
    expected: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ListError> {
    let Some(text) = text else { return Ok(None) };
    let line = line_of(text.span().start);
    match read(text.get_ref()) {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(ListError { line, field: Some(field.to_string()), what: format!("write {expected}") }),
    }
}
