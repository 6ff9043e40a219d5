//! Answers: what a recipient says came of an item, and their way back to who gave it.
//!
//! A recipient fills `response.csv`; only what the agreement takes is taken. The provider passes on to each giver what
//! concerns that giver's items, under the giver's own id, without who answered and without a word about victims.

use std::borrow::Cow;

use indicia_core::Time;
use serde::{Deserialize, Serialize};

use crate::agreement::{Agreement, Answer};
use crate::ledger::Ledger;

/// No response file is longer.
const MAX_BYTES: usize = 64 << 20;

/// An answer to one item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The item's id.
    pub item: String,
    /// What came of it.
    pub status: Answer,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Who answered; set where an answer is received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A row that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadRow {
    /// The line, from 1.
    pub line: u64,
    /// Why.
    pub what: &'static str,
}

/// Reads `response.csv`, in UTF-8 or, with a byte order mark, UTF-16: columns by name, `item id` and `status`, and `time` and `count` where they are there. A row
/// without status is not answered yet.
///
/// # Errors
/// The file is no CSV with those columns.
pub fn read_csv(text: &[u8], agreement: &Agreement) -> Result<(Vec<Answered>, Vec<BadRow>), &'static str> {
    if text.len() > MAX_BYTES {
        return Err("the file is larger than 64 MiB");
    }
    let text = match text {
        [0xef, 0xbb, 0xbf, text @ ..] => Cow::Borrowed(text),
        // A spreadsheet's "Unicode text".
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes)?.into(),
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes)?.into(),
        text => Cow::Borrowed(text),
    };
    let text = &*text;
    // Spreadsheets of some countries write semicolons.
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |byte: u8| first.iter().filter(|b| **b == byte).count();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
    let headers = reader.byte_headers().map_err(|_| "it is not CSV")?.clone();
    let column = |names: &[&str]| {
        headers.iter().position(|header| {
            let header = String::from_utf8_lossy(header).trim().to_lowercase().replace(['_', '-'], " ");
            names.contains(&header.as_str())
        })
    };
    let (Some(item), Some(status)) = (column(&["item id", "item", "id"]), column(&["status"])) else {
        return Err("it has no columns \"item id\" and \"status\"");
    };
    let (time, times) = (column(&["time", "when"]), column(&["count", "times"]));
    let (mut answers, mut bad) = (Vec::new(), Vec::new());
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(_) => return Err("it is not CSV"),
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: Option<usize>| {
            let bytes = at.and_then(|at| record.get(at)).unwrap_or_default();
            String::from_utf8_lossy(bytes).trim().trim_start_matches('\'').to_string()
        };
        let mut refuse = |what| bad.push(BadRow { line, what });
        let said = cell(Some(status)).to_lowercase().replace([' ', '_'], "-");
        if said.is_empty() {
            continue;
        }
        let Some(status) = Answer::from_name(&said).filter(|answer| agreement.feedback.contains(answer))
        else {
            refuse("the status is not one that the agreement takes");
            continue;
        };
        let id = cell(Some(item));
        if id.is_empty() || id.len() > 200 || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            refuse("there is no item id");
            continue;
        }
        let time = match cell(time) {
            text if text.is_empty() => None,
            text => match text.parse() {
                Ok(at) => Some(at),
                Err(_) => {
                    refuse("the time is none: write 2017-11-02 or 2017-11-02T09:30:00Z");
                    continue;
                }
            },
        };
        let count = match cell(times) {
            text if text.is_empty() => None,
            text => match text.parse() {
                Ok(n) => Some(n),
                Err(_) => {
                    refuse("the count is no whole number");
                    continue;
                }
            },
        };
        answers.push(Answered { item: id, status, time, count, from: None });
    }
    answers.sort();
    answers.dedup();
    Ok((answers, bad))
}

fn utf16(text: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Vec<u8>, &'static str> {
    let (pairs, rest) = text.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<String, _>>();
    match text {
        Ok(text) if rest.is_empty() => Ok(text.into_bytes()),
        _ => Err("it begins as UTF-16 and is not"),
    }
}

/// What of the answers that a provider got goes on to who gave it the items: the giver's own ids, nobody's name, no
/// victims, and only what the giver takes. Gives the answers and how many were left out.
pub fn pass_on(answers: &[Answered], to: &Agreement, ledger: &Ledger) -> (Vec<Answered>, u64) {
    let mut out = Vec::new();
    for answer in answers {
        let known = answer.from.as_ref().and_then(|from| ledger.shared(from, &answer.item));
        let Some(known) = known else { continue };
        let theirs = known.giver.as_ref() == Some(&to.provider.id);
        let victim = known.notify
            || known.role.is_some_and(indicia_core::Role::is_to_notify)
            || answer.status == Answer::Notified;
        if theirs
            && !victim
            && to.feedback.contains(&answer.status)
            && let Some(item) = &known.source_id
        {
            out.push(Answered { item: item.clone(), from: None, ..answer.clone() });
        }
    }
    let left_out = answers.len() - out.len();
    out.sort();
    out.dedup();
    (out, left_out as u64)
}
