//! Names of users in paths: the level below `\Users\`, `/home/`, `\Documents and Settings\`.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::tables::{SHARED_USERS, USER, USER_FOLDERS};
use super::{Edit, mail, unit};

/// A name with spaces is looked for this far.
const LONGEST_SPACED: usize = 64;

/// `web` are the spans of URLs with a host: in one, the level below `/home/` is a user's only if more follows.
pub(super) fn find(text: &str, web: &[(usize, usize)]) -> Vec<Edit> {
    static MACHINE: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| mail::automaton(&USER_FOLDERS));
    let mut edits: Vec<Edit> = Vec::new();
    let mut web = web.iter().peekable();
    for found in machine.iter().flat_map(|m| m.find_iter(text)) {
        let done = edits.last().map_or(0, |e| e.end);
        let Some((mark, length)) = unit::at(text, found.end()).filter(|(c, _)| is_separator(*c)) else {
            continue;
        };
        if found.start() < done || !begins_folder(text, found.start(), mark) {
            continue;
        }
        // `C:\\Users\\joe` in JSON.
        let mut start = found.end() + length;
        while let Some((_, length)) = unit::at(text, start).filter(|(c, _)| is_separator(*c)) {
            start += length;
        }
        while web.next_if(|(_, end)| *end <= found.start()).is_some() {}
        let is_web = web.peek().is_some_and(|(from, _)| *from <= found.start());
        if let Some(end) = name(text, start, mark, is_web) {
            edits.push(Edit { start, end, class: &USER });
        }
    }
    edits
}

/// Whether a folder of the table begins here: behind a separator, or, with `\`, where a text or word begins.
fn begins_folder(text: &str, at: usize, mark: char) -> bool {
    match unit::before(text, at) {
        None => mark == '\\',
        Some((c, _)) if is_separator(c) => true,
        // `All Users` is a folder among those of users, not above them; `users\n` is escaped prose.
        Some((c, _)) if c.is_whitespace() => {
            let capital = text.as_bytes().get(at).is_some_and(u8::is_ascii_uppercase);
            mark == '\\' && capital && !ends_with_all(&text.as_bytes()[..at - c.len_utf8()])
        }
        Some((c, _)) => mark == '\\' && "\"'(=[,;:".contains(c),
    }
}

fn ends_with_all(before: &[u8]) -> bool {
    before.last_chunk::<3>().is_some_and(|word| word.eq_ignore_ascii_case(b"all"))
}

/// Where the name of a user that begins here ends; `None` where it is nobody's or already taken out.
fn name(text: &str, start: usize, mark: char, is_web: bool) -> Option<usize> {
    let rest = text.get(start..)?;
    // No account's name begins with a bracket: `[user]`, `[username]` stand for one.
    if rest.starts_with('[') {
        return None;
    }
    let (mut end, closed) =
        word(text, start, |c| c.is_whitespace() || ends_name(c) || matches!(c, ',' | ';' | '\''));
    if !closed && !is_web {
        if let Some(wide) = spaced(text, start) {
            end = wide;
        } else {
            end = start + text[start..end].trim_end_matches(['.', '!', '\'', ')', ']', '}']).len();
            if mark == '\\' {
                end = capitalised(text, end);
            }
        }
    }
    let name = &text[start..end];
    let is_shared = SHARED_USERS.iter().any(|shared| shared.eq_ignore_ascii_case(name));
    (!name.is_empty() && !is_shared && (closed || !is_web)).then_some(end)
}

/// Where a word ends, and whether a separator ends it.
fn word(text: &str, start: usize, stops: impl Fn(char) -> bool) -> (usize, bool) {
    let mut at = start;
    while let Some((c, length)) = unit::at(text, at) {
        if is_separator(c) {
            return (at, true);
        }
        // An escaped space is part of a name; a plain one may be.
        if stops(c) && (length == c.len_utf8() || !c.is_whitespace()) {
            return (at, false);
        }
        at += length;
    }
    (at, false)
}

/// The end of a name with spaces, which a separator or a closing quote must follow.
fn spaced(text: &str, start: usize) -> Option<usize> {
    let (end, closed) = word(text, start, |c| ends_name(c) || c.is_control());
    let quoted = text[end..].starts_with(['"', '>', '|']);
    let name = &text[start..end];
    ((closed || quoted) && name.len() <= LONGEST_SPACED && !name.ends_with(' ')).then_some(end)
}

/// `C:\Users\John Doe`, at the end of a path: up to two more words that begin with a capital belong to it.
fn capitalised(text: &str, mut end: usize) -> usize {
    for _ in 0..2 {
        let Some(rest) = text[end..].strip_prefix(' ').filter(|r| r.starts_with(char::is_uppercase)) else {
            break;
        };
        end += 1 + rest.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(rest.len());
    }
    end
}

fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

/// What no name of a file can hold.
fn ends_name(c: char) -> bool {
    matches!(c, '"' | '<' | '>' | '|' | '?' | ':' | '`' | '#' | '&')
}
