//! `csv`: delimited text as it is published, which is seldom RFC 4180.
//!
//! The delimiter (`,` `;` TAB `|`) is the one that cuts the first rows evenly. The header is the first row, or
//! a comment before it (`# "id","url"`: abuse.ch), or absent. Blanks may stand between delimiter and quote
//! (`"a", "b"`). A quote that is never closed spoils one row, not the rest of the file. What
//! columns mean is in [`rows`](crate::rows).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufRead};

use indicia_core::Reason;

use crate::collect::Collector;
use crate::lines::{Lines, MAX_LINE_BYTES};
use crate::plain::trim;
use crate::rows::{self, Layout};
use crate::{FeedError, Place};

/// Rows that are looked at before the delimiter and the header are decided.
const SAMPLE: usize = 24;
/// Lines that one row may span.
const MAX_ROW_LINES: usize = 1000;

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let mut source = Source::new(to.lines(input)?);
    let (head, _) = Head::read(&mut source, to)?;
    head.rows(source, to)
}

/// What the beginning of a text says of all of it.
#[derive(Debug)]
pub(crate) struct Head {
    layout: Layout,
    delimiter: char,
}

impl Head {
    /// Reads as much as decides, which is then ahead in the source. Also gives whether that was enough rows for it to
    /// be sure: otherwise the end of the text was.
    pub(crate) fn read(source: &mut Source<'_>, to: &mut Collector<'_>) -> Result<(Head, bool), FeedError> {
        let mut comments = Vec::new();
        let mut ahead: Vec<Held> = Vec::new();
        while ahead.len() < SAMPLE {
            let Some(line) = source.next()? else { break };
            if !ahead.is_empty() || !(is_comment(&line.text) || trim(&line.text).is_empty()) {
                ahead.push(line);
            } else if is_comment(&line.text) {
                to.report.skip("comment");
                comments.push(line.text);
                // A header is among the last of them.
                if comments.len() > 64 {
                    comments.remove(0);
                }
            }
        }
        let sample: Vec<&str> = ahead
            .iter()
            .map(|line| line.text.as_str())
            .filter(|text| !is_comment(text) && !trim(text).is_empty())
            .collect();
        let delimiter = delimiter(&comments, &sample);
        let rows: Vec<Row<'_>> = sample.iter().filter_map(|text| split(text, delimiter).ok()).collect();
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let (header, in_first_row) = header(&comments, &rows, delimiter, to);
        let layout = Layout::new(header.as_deref(), width, to.options)?;
        let enough = ahead.len() == SAMPLE;
        source.ahead = ahead.into_iter().skip(usize::from(in_first_row)).collect();
        Ok((Head { layout, delimiter }, enough))
    }

    /// Reads all rows of a source.
    pub(crate) fn rows(&self, mut source: Source<'_>, to: &mut Collector<'_>) -> Result<(), FeedError> {
        let Head { layout, delimiter } = self;
        let delimiter = *delimiter;
        loop {
            let line = match source.ahead.pop_front() {
                Some(held) => held,
                None => {
                    let Some(line) = source.lines.next()? else { break };
                    source.recoded += u64::from(line.recoded);
                    if !line.cut
                        && is_row(&line.text)
                        && let Ok(cells) = split(&line.text, delimiter)
                    {
                        to.report.records += 1;
                        layout.row(&cells, &|| Place::Line(line.number), to);
                        continue;
                    }
                    Held { number: line.number, text: line.text.into_owned(), cut: line.cut }
                }
            };
            if is_comment(&line.text) {
                to.report.skip("comment");
                continue;
            }
            if trim(&line.text).is_empty() {
                continue;
            }
            to.report.records += 1;
            let number = line.number;
            if line.cut {
                to.refuse(Place::Line(number), Reason::TooLong, &line.text);
                continue;
            }
            match source.row(&line, delimiter)? {
                Some(text) => {
                    // It was split before: it is whole.
                    if let Ok(cells) = split(&text, delimiter) {
                        layout.row(&cells, &|| Place::Line(number), to);
                    }
                }
                None => to.refuse(Place::Line(number), Reason::BadRecord, &line.text),
            }
        }
        to.report.recoded += source.recoded;
        to.ended_inside_a_record |= source.ended_inside_a_row;
        Ok(())
    }
}

/// Whether a line is neither empty nor a comment, seen by its first byte.
fn is_row(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'"')
}

fn is_comment(text: &str) -> bool {
    text.trim_start().starts_with('#')
}

/// The names of the columns, and whether they are the first row.
fn header(
    comments: &[String],
    rows: &[Row<'_>],
    delimiter: char,
    to: &Collector<'_>,
) -> (Option<Vec<String>>, bool) {
    let owned = |row: &Row<'_>| row.iter().map(|cell| cell.to_string()).collect::<Vec<String>>();
    let first = rows.first();
    let is_data = |row: &Row<'_>| row.iter().any(|cell| rows::parses(cell, to.options));
    if let Some(row) = first {
        // The caller may name columns that no alias knows.
        let named = to
            .options
            .columns
            .values()
            .any(|c| row.iter().any(|cell| cell.trim().eq_ignore_ascii_case(c.trim())));
        if named || (Layout::is_header(row) && !is_data(row)) {
            return (Some(owned(row)), true);
        }
    }
    let width = first.map(Vec::len);
    let commented = comments.iter().rev().find_map(|comment| {
        let text = comment.trim_start_matches(['#', '/', ' ', '\t']);
        let names = [delimiter, ','].into_iter().filter_map(|d| split(text, d).ok()).find(|names| {
            names.len() > 1 && width.is_none_or(|w| w == names.len()) && Layout::is_header(names)
        })?;
        Some(owned(&names))
    });
    if commented.is_some() {
        return (commented, false);
    }
    // Names that we do not know over columns of values.
    match rows {
        [first, second, ..] if !is_data(first) && is_data(second) => (Some(owned(first)), true),
        _ => (None, false),
    }
}

/// The delimiter that makes a header of the first row or of a comment; else the one that cuts most rows into the
/// same number of cells, more than one.
fn delimiter(comments: &[String], sample: &[&str]) -> char {
    const ALL: [char; 4] = [',', '\t', ';', '|'];
    let first = sample.first().copied();
    let heads = first.into_iter().chain(comments.iter().rev().map(|c| c.trim_start_matches(['#', ' '])));
    for head in heads {
        let columns = |d: char| {
            split(head, d).ok().filter(|n| n.len() > 1 && Layout::is_header(n)).map_or(0, |n| n.len())
        };
        if let Some(delimiter) = ALL.into_iter().filter(|d| columns(*d) > 0).max_by_key(|d| columns(*d)) {
            return delimiter;
        }
    }
    let mut best = (0, 0, ',');
    for delimiter in ALL {
        let counts: Vec<usize> =
            sample.iter().map(|text| split(text, delimiter).map_or(0, |cells| cells.len())).collect();
        for count in counts.iter().copied().filter(|count| *count > 1) {
            let same = counts.iter().filter(|c| **c == count).count();
            if (same, count) > (best.0, best.1) {
                best = (same, count, delimiter);
            }
        }
    }
    best.2
}

/// The cells of a row.
type Row<'t> = Vec<Cow<'t, str>>;

/// The text ends inside quotes.
struct Unclosed;

/// Cuts a text into the cells of a row.
fn split(text: &str, delimiter: char) -> Result<Row<'_>, Unclosed> {
    let mut cells = Vec::with_capacity(8);
    // The delimiters are ASCII, and so is what they are looked for by.
    let until = |text: &str| memchr::memchr(delimiter as u8, text.as_bytes()).unwrap_or(text.len());
    let mut rest = text;
    loop {
        let start = rest.trim_start_matches(' ');
        if let Some(mut quoted) = start.strip_prefix('"') {
            let mut cell = Cow::Borrowed("");
            loop {
                let end = memchr::memchr(b'"', quoted.as_bytes()).ok_or(Unclosed)?;
                join(&mut cell, &quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix('"') {
                    Some(more) => {
                        join(&mut cell, "\"");
                        quoted = more;
                    }
                    None => break,
                }
            }
            // What stands between the quote and the delimiter belongs to nobody, but is not lost. After a line
            // end it shows that the quote opened another cell, and that the one before was never closed.
            let end = until(quoted);
            if cell.contains('\n') && !quoted[..end].trim().is_empty() {
                return Err(Unclosed);
            }
            join(&mut cell, quoted[..end].trim_end());
            cells.push(cell);
            rest = &quoted[end..];
        } else {
            let end = until(rest);
            cells.push(rest[..end].trim().into());
            rest = &rest[end..];
        }
        match rest.strip_prefix(delimiter) {
            Some(more) => rest = more,
            None => return Ok(cells),
        }
    }
}

/// Appends to a cell, borrowed as long as it is of one part.
fn join<'t>(cell: &mut Cow<'t, str>, part: &'t str) {
    if cell.is_empty() {
        *cell = part.into();
    } else if !part.is_empty() {
        cell.to_mut().push_str(part);
    }
}

/// A line that was read ahead.
struct Held {
    number: u64,
    text: String,
    cut: bool,
}

pub(crate) struct Source<'a> {
    lines: Lines<'a>,
    ahead: VecDeque<Held>,
    recoded: u64,
    ended_inside_a_row: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(lines: Lines<'a>) -> Source<'a> {
        Source { lines, ahead: VecDeque::new(), recoded: 0, ended_inside_a_row: false }
    }

    fn next(&mut self) -> io::Result<Option<Held>> {
        if let Some(held) = self.ahead.pop_front() {
            return Ok(Some(held));
        }
        let Some(line) = self.lines.next()? else { return Ok(None) };
        self.recoded += u64::from(line.recoded);
        Ok(Some(Held { number: line.number, text: line.text.into_owned(), cut: line.cut }))
    }

    /// The text of the row that begins with `line`; `None` where a quote is never closed.
    fn row<'l>(&mut self, line: &'l Held, delimiter: char) -> io::Result<Option<Cow<'l, str>>> {
        if split(&line.text, delimiter).is_ok() {
            return Ok(Some(line.text.as_str().into()));
        }
        let quotes = |text: &str| memchr::memchr_iter(b'"', text.as_bytes()).count();
        let mut text = line.text.clone();
        let mut open = quotes(&text) % 2 == 1;
        let mut taken = Vec::new();
        while open && taken.len() < MAX_ROW_LINES && text.len() < MAX_LINE_BYTES {
            let Some(next) = self.next()? else {
                self.ended_inside_a_row = true;
                break;
            };
            text.push('\n');
            text.push_str(&next.text);
            // The row can only be whole where its quotes are in pairs: one attempt is enough.
            open = quotes(&next.text) % 2 == 0;
            taken.push(next);
        }
        if !open && split(&text, delimiter).is_ok() {
            return Ok(Some(text.into()));
        }
        for held in taken.into_iter().rev() {
            self.ahead.push_front(held);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_as_published() {
        for (text, delimiter, expected) in [
            ("a,b", ',', vec!["a", "b"]),
            (r#""a", "b,c", "d""#, ',', vec!["a", "b,c", "d"]),
            (r#""a""b",c"#, ',', vec!["a\"b", "c"]),
            ("a;;b ", ';', vec!["a", "", "b"]),
            ("a\t\tb", '\t', vec!["a", "", "b"]),
            ("", ',', vec![""]),
            (r#""a"x,b"#, ',', vec!["ax", "b"]),
        ] {
            assert_eq!(
                split(text, delimiter).ok(),
                Some(expected.into_iter().map(Cow::from).collect()),
                "{text}"
            );
        }
        assert!(split("\"a,b", ',').is_err());
    }
}
