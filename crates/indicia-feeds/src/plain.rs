//! `plain`: one value a line.
//!
//! Comments begin with `#`, `;`, `!` or `//` at the start of a line, and with ` #` after a value; what follows a
//! value is kept as its description. A count after the value (`192.0.2.7<TAB>12`) is kept as `count`. `*.x` is
//! every name below `x`, `.x` is `x` and every name below, `x` alone is the same as `.x`. A path without host
//! is carried as kind `other`. A line `0.0.0.0 name` is read as in a hosts file, and `||name^` as in a filter
//! list (a path there is the beginning of a URL).

use std::io::BufRead;

use indicia_core::{Kind, Match, Reason};

use crate::collect::{Collector, described};
use crate::kinds::{Hint, has_graphic_edges};
use crate::{FeedError, Place, hosts};

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let mut lines = to.lines(input)?;
    while let Some(line) = lines.next()? {
        let number = line.number;
        if line.cut {
            to.report.records += 1;
            to.refuse(Place::Line(number), Reason::TooLong, &line.text);
            continue;
        }
        to.report.recoded += u64::from(line.recoded);
        let text = trim(&line.text);
        if text.is_empty() {
            continue;
        }
        if is_comment(text) {
            to.report.skip("comment");
            continue;
        }
        to.report.records += 1;
        value(text, number, to);
    }
    Ok(())
}

/// Whether a line is a comment in the lists of the field.
pub(crate) fn is_comment(text: &str) -> bool {
    text.starts_with(['#', ';', '!']) || text.starts_with("//")
}

/// White space and invisible characters off both ends.
pub(crate) fn trim(text: &str) -> &str {
    if has_graphic_edges(text) {
        return text;
    }
    text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '\0' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
    })
}

/// Splits off a comment that begins with `#` after white space.
pub(crate) fn split_comment(text: &str) -> (&str, Option<&str>) {
    let mut from = 0;
    while let Some(at) = text[from..].find('#').map(|at| at + from) {
        if text[..at].ends_with(char::is_whitespace) {
            let comment = trim(text[at..].trim_start_matches('#'));
            return (trim(&text[..at]), (!comment.is_empty()).then_some(comment));
        }
        from = at + 1;
    }
    (text, None)
}

/// The `host` or `host/path` of a filter-list line `||host^` or `||host/path^$all`, which stand in lists that
/// are plain otherwise. A line with an option that narrows it, or an exception, is none.
fn filter(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("||")?;
    let (rest, options) = rest.split_once('$').filter(|(_, o)| !o.contains('/')).unwrap_or((rest, "all"));
    let wide = options.split(',').all(|o| matches!(o, "all" | "document" | "doc" | "important"));
    let bare = rest.strip_suffix('^').unwrap_or(rest);
    (wide && !bare.contains(['*', '^', '|'])).then_some(bare)
}

fn value(text: &str, number: u64, to: &mut Collector<'_>) {
    if text.starts_with("||") {
        let read = filter(text)
            .ok_or(Reason::BadRecord)
            .and_then(|bare| to.target(Hint::Shape, "value", bare, Match::Subdomains, Some(Match::Prefix)));
        match read {
            Ok(target) => to.emit_bare(target),
            Err(reason) => to.refuse(Place::Line(number), reason, text),
        }
        return;
    }
    let (text, comment) = split_comment(text);
    let mut read = |text: &str| to.target(Hint::Shape, "value", text, Match::Subdomains, None);

    let Some((first, rest)) = text.split_once(char::is_whitespace).map(|(a, b)| (a, trim(b))) else {
        match read(text) {
            Ok(target) if comment.is_none() => to.emit_bare(target),
            Ok(target) => to.emit(target, None, described(comment)),
            Err(reason) => to.refuse(Place::Line(number), reason, text),
        }
        return;
    };
    let mut context = described(comment);
    // A path may hold blanks; so may a range, and a value that is defanged with them.
    if text.starts_with('/') {
        match read(text) {
            Ok(target) => to.emit(target, None, context),
            Err(reason) => to.refuse(Place::Line(number), reason, text),
        }
        return;
    }
    if hosts::is_sink(first) && !rest.starts_with('-') {
        hosts::names(rest, Match::Exact, number, &context, to);
        return;
    }
    if let Ok(target) = read(text).or_else(|e| match rest.strip_prefix('-') {
        Some(last) if !last.is_empty() => read(&format!("{first}-{}", trim(last))),
        _ => Err(e),
    }) && (target.observable.kind() != Kind::Other)
    {
        to.emit(target, None, context);
        return;
    }
    let mut read = |text: &str| to.target(Hint::Shape, "value", text, Match::Subdomains, None);
    match read(first) {
        Ok(target) => {
            if rest.bytes().all(|b| b.is_ascii_digit()) && rest.len() <= 18 {
                let count = rest.parse::<u64>().unwrap_or_default();
                context.extra.insert("count".to_string(), count.into());
            } else if context.description.is_none() {
                context.description = Some(rest.to_string());
            } else {
                context.extra.insert("rest".to_string(), rest.into());
            }
            to.emit(target, None, context);
        }
        Err(reason) => to.refuse(Place::Line(number), reason, text),
    }
}
