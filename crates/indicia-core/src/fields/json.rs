//! The fields of JSON: names and borders, without making values of it.
//!
//! A parser gives values; here the places in the line are wanted, also of a record that was cut off, and nothing
//! else of it is worth memory. What is no JSON ends the walk.

use super::{Field, Written, next_is};

/// What the text begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    Value,
    /// Inside of an object whose beginning stands on another line.
    Member,
}

/// What is deeper has the name of what holds it.
const DEPTH: usize = 64;
/// A longer name is cut.
const NAME: usize = 2048;

struct Frame {
    array: bool,
    /// The length of the name of the object or array itself.
    name: usize,
    /// The item around it.
    item: u32,
}

pub(super) fn walk(line: &[u8], from: usize, begin: Begin, on: &mut dyn FnMut(&Field<'_>)) {
    let mut name = String::new();
    let mut frames: Vec<Frame> = Vec::new();
    let (mut item, mut items) = (0, 0);
    // Objects and arrays below the deepest that has a frame.
    let mut below = 0usize;
    let mut key_next = false;
    if begin == Begin::Member {
        frames.push(Frame { array: false, name: 0, item: 0 });
        key_next = true;
    }
    let mut at = from;
    while let Some(byte) = line.get(at) {
        match byte {
            // A form feed stands for the end of a line inside a record.
            b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b':' => at += 1,
            b'{' | b'[' => {
                if key_next {
                    return;
                }
                at += 1;
                if frames.len() == DEPTH {
                    below += 1;
                    continue;
                }
                let array = *byte == b'[';
                let element = frames.last().is_some_and(|frame| frame.array);
                frames.push(Frame { array, name: name.len(), item });
                if !array && element {
                    items += 1;
                    item = items;
                }
                key_next = !array;
            }
            b'}' | b']' if below > 0 => {
                below -= 1;
                at += 1;
            }
            b',' if below > 0 => at += 1,
            b'}' | b']' => {
                let Some(frame) = frames.pop() else { return };
                name.truncate(frame.name);
                item = frame.item;
                key_next = false;
                at += 1;
            }
            b',' => {
                let Some(frame) = frames.last() else { return };
                key_next = !frame.array;
                name.truncate(frame.name);
                at += 1;
            }
            b'"' => {
                let Some(end) = string_end(line, at + 1) else { return };
                let span = at + 1..end;
                at = end + 1;
                if below > 0 && next_is(line, at, b":") {
                    continue;
                }
                if !key_next {
                    on(&Field { name: &name, span, written: Written::Json, item });
                    continue;
                }
                if !next_is(line, at, b":") {
                    return;
                }
                push_key(&mut name, &line[span]);
                key_next = false;
            }
            _ if key_next => return,
            _ => {
                let length = line[at..]
                    .iter()
                    .take_while(|b| {
                        !matches!(
                            b,
                            b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b'"' | b'{' | b'['
                        )
                    })
                    .count();
                if length == 0 || frames.is_empty() {
                    return;
                }
                on(&Field { name: &name, span: at..at + length, written: Written::Plain, item });
                at += length;
            }
        }
    }
}

/// Where a string ends: its closing quote.
fn string_end(line: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', line.get(from..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

fn push_key(name: &mut String, key: &[u8]) {
    if !name.is_empty() && name.len() < NAME {
        name.push('.');
    }
    let text = String::from_utf8_lossy(key);
    let unescaped = text.contains('\\').then(|| serde_json::from_str(&format!("\"{text}\"")).ok()).flatten();
    let text: &str = unescaped.as_ref().map_or(&text, |text: &String| text);
    let room = NAME.saturating_sub(name.len());
    name.extend(text.char_indices().take_while(|(at, _)| *at < room).map(|(_, c)| c));
}
