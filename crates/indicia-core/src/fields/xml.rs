//! The fields of an event in XML: texts of elements and values of attributes, as they stand in one line.

use super::{Field, Written};

pub(super) fn walk(line: &[u8], from: usize, on: &mut dyn FnMut(&Field<'_>)) {
    let mut name = String::new();
    let mut at = from;
    while let Some(open) = line.get(at..).and_then(|rest| memchr::memchr(b'<', rest)) {
        // What stands in front is the text of the element that was begun last.
        let text = at..at + open;
        at += open + 1;
        if !name.is_empty() && text.start > 0 && line[at..].starts_with(b"/") {
            on(&Field { name: &name, span: text, written: Written::Xml, item: 0 });
        }
        name.clear();
        let element = word(line, &mut at);
        if element.is_empty() {
            at += line[at..].iter().position(|b| matches!(b, b'>' | b'<')).unwrap_or(line.len() - at);
            at += usize::from(line.get(at) == Some(&b'>'));
            continue;
        }
        name.push_str(element);
        // Attributes.
        loop {
            at += line[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            let attribute = word(line, &mut at);
            let Some(quote) = line[at..].strip_prefix(b"=").and_then(|rest| rest.first()) else { break };
            if attribute.is_empty() || !matches!(quote, b'"' | b'\'') {
                break;
            }
            at += 2;
            let Some(length) = memchr::memchr(*quote, &line[at..]) else { return };
            let value = at..at + length;
            at += length + 1;
            if element == "Data" && attribute == "Name" {
                name = String::from_utf8_lossy(&line[value]).into_owned();
            } else {
                let name = format!("{element}.{attribute}");
                on(&Field { name: &name, span: value, written: Written::Xml, item: 0 });
            }
        }
        match line.get(at) {
            Some(b'>') => at += 1,
            _ => name.clear(),
        }
    }
}

/// A name of XML, without its prefix.
fn word<'l>(line: &'l [u8], at: &mut usize) -> &'l str {
    let is = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
    let length = line[*at..].iter().take(256).take_while(|b| is(b)).count();
    let word = std::str::from_utf8(&line[*at..*at + length]).unwrap_or_default();
    *at += length;
    word.rsplit(':').next().unwrap_or_default()
}

pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
        match known.iter().find(|(entity, _)| rest.starts_with(entity)) {
            Some((entity, c)) => {
                text.push(*c);
                rest = &rest[entity.len()..];
            }
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}
