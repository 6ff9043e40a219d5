//! JSON documents: one, or several one after the other, with the mistakes that are published.
//!
//! The text is held whole; objects are cut out of it without being built, and built one at a time. A comma
//! before a closing bracket is repaired and reported. Nesting is bounded by `serde_json`.

use indicia_core::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::collect::Collector;
use crate::{FeedError, Format, Place};

/// Parses a text that holds one document.
pub(crate) fn parse<'t, T: Deserialize<'t>>(text: &'t str, format: Format) -> Result<T, FeedError> {
    serde_json::from_str(text).map_err(|e| bad(format, &e, 0))
}

/// Hands on each document of a text, in order. In a text of one document a line, a line that does not parse is
/// refused alone.
pub(crate) fn each(
    text: &str,
    format: Format,
    to: &mut Collector<'_>,
    sink: &mut dyn FnMut(&RawValue, &mut Collector<'_>) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let repaired = match first_error(text) {
        Some(_) => without_trailing_commas(text),
        None => None,
    };
    if repaired.is_some() {
        to.report.repair("comma before a closing bracket");
    }
    let text = repaired.as_deref().unwrap_or(text);
    let one_a_line = text.trim_start().starts_with('{');
    let mut start = 0;
    let mut lines_before = 0;
    let mut documents = 0u64;
    loop {
        let rest = &text[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let mut used = 0;
        let error = loop {
            match stream.next() {
                None => return Ok(()),
                Some(Ok(document)) => {
                    documents += 1;
                    used = stream.byte_offset();
                    sink(document, to)?;
                }
                Some(Err(e)) => break e,
            }
        };
        // The rest of a text of one document a line can be read from the next line that begins one.
        let broken = rest[used..].trim_start();
        let at = text.len() - broken.len();
        let next = broken.find("\n{").map(|n| at + n + 1);
        let last_line = !broken.trim_end().contains('\n');
        let readable = next.is_some_and(|next| documents > 0 || text[next..].contains("\n{"));
        if !one_a_line
            || !(at == 0 || text[..at].ends_with('\n'))
            || !(readable || (documents > 0 && last_line))
        {
            return Err(bad(format, &error, lines_before));
        }
        let line = lines_before + line_ends(&text[start..at]) + 1;
        to.report.records += 1;
        to.refuse(Place::Line(line as u64), Reason::BadRecord, broken.lines().next().unwrap_or_default());
        let Some(next) = next else { return Ok(()) };
        lines_before += line_ends(&text[start..next]);
        start = next;
    }
}

fn line_ends(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

fn first_error(text: &str) -> Option<serde_json::Error> {
    serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>().find_map(Result::err)
}

/// The text with blanks for commas that stand before a closing bracket, if it then parses.
fn without_trailing_commas(text: &str) -> Option<String> {
    let mut out = text.to_string().into_bytes();
    let mut comma = None;
    let mut in_string = false;
    let mut escaped = false;
    let mut changed = false;
    for at in 0..out.len() {
        let byte = out[at];
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => {
                in_string = true;
                comma = None;
            }
            b',' => comma = Some(at),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    out[comma] = b' ';
                    changed = true;
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
    }
    let out = String::from_utf8(out).ok().filter(|_| changed)?;
    first_error(&out).is_none().then_some(out)
}

/// A document error at its line and column. The parser's own message may hold content, so it is not kept.
fn bad(format: Format, error: &serde_json::Error, lines_before: usize) -> FeedError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "it has another shape",
        serde_json::error::Category::Io => "it cannot be read",
        serde_json::error::Category::Syntax => "it is not JSON",
    };
    FeedError::BadDocument {
        format,
        line: error.line() + lines_before,
        column: error.column(),
        what: what.to_string(),
    }
}
