//! The fields of CEF and LEEF: a head between bars, then pairs.

use super::{Field, Written};

const CEF: [&str; 6] = ["deviceVendor", "deviceProduct", "deviceVersion", "signatureId", "name", "severity"];
const LEEF: [&str; 4] = ["vendor", "product", "version", "eventID"];

/// Gives the fields of an event of either; `false` where it is none.
pub(super) fn walk(line: &[u8], on: &mut dyn FnMut(&Field<'_>)) -> bool {
    let Some(at) = memchr::memmem::find(line, b"EF:") else { return false };
    let names: &[&str] = match line[..at].last() {
        Some(b'C') => &CEF,
        Some(b'E') if line[..at].ends_with(b"LE") => &LEEF,
        _ => return false,
    };
    // The version stands behind the colon.
    let Some(mut from) = bar(line, at + 3) else { return false };
    let version = line[at + 3..from].trim_ascii();
    if version.is_empty() || !version.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return false;
    }
    let mut head = [(0, 0); 6];
    for place in &mut head[..names.len()] {
        let Some(end) = bar(line, from + 1) else { return false };
        *place = (from + 1, end);
        from = end;
    }
    for (name, (start, end)) in names.iter().zip(head) {
        on(&Field { name, span: start..end, written: Written::Backslash, item: 0 });
    }
    from += 1;
    if names.len() == CEF.len() {
        cef(line, from, on);
    } else {
        let mut separator = b'\t';
        if version.starts_with(b"2")
            && let Some(end) = bar(line, from)
            && let Some(told) = separator_told(&line[from..end])
        {
            (separator, from) = (told, end + 1);
        }
        leef(line, from, separator, on);
    }
    true
}

/// The next bar that is not escaped.
fn bar(line: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr::memchr2(b'|', b'\\', line.get(from..)?)?;
        if line[at] == b'|' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// LEEF 2 names its separator: a character, or `x` or `0x` with its number.
fn separator_told(text: &[u8]) -> Option<u8> {
    match text {
        [] => Some(b'\t'),
        [one] => Some(*one),
        _ => {
            let text = std::str::from_utf8(text).ok()?;
            u8::from_str_radix(text.strip_prefix("0x").or_else(|| text.strip_prefix('x'))?, 16).ok()
        }
    }
}

/// A value holds spaces: it ends where the next name begins.
fn cef(line: &[u8], from: usize, on: &mut dyn FnMut(&Field<'_>)) {
    let mut open: Option<(&str, usize)> = None;
    let mut at = from;
    while let Some(found) = line.get(at..).and_then(|rest| memchr::memchr2(b'=', b'\\', rest)) {
        let sign = at + found;
        if line[sign] == b'\\' {
            at = sign + 2;
            continue;
        }
        at = sign + 1;
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']');
        let length = line[from..sign].iter().rev().take_while(|b| is_name(b)).count();
        let start = sign - length;
        if length == 0 || (start > from && line[start - 1] != b' ') {
            continue;
        }
        if let Some((name, value)) = open {
            emit(line, name, value, start, on);
        }
        open = std::str::from_utf8(&line[start..sign]).ok().map(|name| (name, sign + 1));
    }
    if let Some((name, value)) = open {
        emit(line, name, value, line.len(), on);
    }
}

fn emit(line: &[u8], name: &str, from: usize, to: usize, on: &mut dyn FnMut(&Field<'_>)) {
    let spaces = line[from.min(to)..to].iter().rev().take_while(|b| **b == b' ').count();
    on(&Field { name, span: from.min(to)..to - spaces, written: Written::Backslash, item: 0 });
}

fn leef(line: &[u8], from: usize, separator: u8, on: &mut dyn FnMut(&Field<'_>)) {
    let mut start = from.min(line.len());
    for pair in line[start..].split(|b| *b == separator) {
        if let Some(sign) = memchr::memchr(b'=', pair)
            && let Ok(name) = std::str::from_utf8(&pair[..sign])
        {
            let span = start + sign + 1..start + pair.len();
            on(&Field { name: name.trim(), span, written: Written::Backslash, item: 0 });
        }
        start += pair.len() + 1;
    }
}

pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('\\' | '|' | '='))) => {
                text.push(next);
                chars.next();
            }
            ('\\', Some('n' | 'r')) => {
                text.push('\n');
                chars.next();
            }
            _ => text.push(c),
        }
    }
    text
}
