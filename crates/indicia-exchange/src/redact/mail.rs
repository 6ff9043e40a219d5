//! E-mail addresses in text: the sign in any spelling of the table, a local part before it, a domain behind it.
//!
//! Wider than the core's extraction on purpose: any top-level domain counts, and so do escapes of any depth. What stands
//! between two signs is looked at twice at most, so all of it is linear.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use indicia_data::{special, tld};

use super::tables::{AT_SIGNS, DOTS, EMAIL, FILE_ENDINGS, SHARED_USERS, USER};
use super::{Edit, unit};

pub(super) fn find(text: &str) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut floor = 0;
    for sign in signs(text) {
        if sign.0 < floor {
            continue;
        }
        let Some(domain) = domain(text, sign.1) else { continue };
        let Some(start) = local(text, floor, sign.0) else { continue };
        let edit = match domain {
            Domain::Name(end) => Edit { start, end, class: &EMAIL },
            Domain::Address => {
                if SHARED_USERS.iter().any(|u| u.eq_ignore_ascii_case(&text[start..sign.0])) {
                    continue;
                }
                Edit { start, end: sign.0, class: &USER }
            }
        };
        floor = edit.end;
        edits.push(edit);
    }
    edits
}

/// Whether a label is a top-level domain, known or special-use.
pub(super) fn is_listed(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    tld::is_known(&label) || special::is_special_tld(&label)
}

/// Where the sign of an address stands, in every spelling.
pub(super) fn signs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    static MACHINE: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| automaton(&AT_SIGNS));
    machine.iter().flat_map(move |m| m.find_iter(text)).map(|found| (found.start(), found.end()))
}

/// How many bytes write a sign or a dot as HTML does (`&#64;`), where a text begins with one.
pub(super) fn reference(text: &str) -> Option<usize> {
    let head = text.as_bytes();
    let spelled = |s: &&&str| {
        s.starts_with('&') && head.get(..s.len()).is_some_and(|h| h.eq_ignore_ascii_case(s.as_bytes()))
    };
    AT_SIGNS.iter().chain(&DOTS).find(spelled).map(|s| s.len())
}

/// A matcher of a table's spellings; a fixed table of short literals always builds.
pub(super) fn automaton(table: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(table)
        .ok()
}

enum Domain {
    /// A name that ends here.
    Name(usize),
    /// An IPv4 address, plain or in brackets: the host stays, the user before it goes.
    Address,
}

/// What stands behind the sign.
fn domain(text: &str, from: usize) -> Option<Domain> {
    let literal = text[from..].strip_prefix('[').unwrap_or(&text[from..]);
    let digits = literal.bytes().take(16).take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    if literal[..digits].trim_end_matches('.').parse::<std::net::Ipv4Addr>().is_ok() {
        return Some(Domain::Address);
    }
    if literal.len() < text.len() - from {
        return None;
    }
    let Labels { count, end, last, spoken, listed } = labels(text, from);
    let name = last.trim_end_matches(['-', '_']);
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let lower = name.to_ascii_lowercase();
    let is_name = count > 1
        && letters > 1
        && name.starts_with(char::is_alphabetic)
        && (!spoken || is_listed(name))
        && (count > 2 || is_listed(name) || !FILE_ENDINGS.contains(&lower.as_str()));
    // What follows may be no part of it: `joe@corp.example.1`, `joe@corp.example-1.2`.
    if is_name { Some(end) } else { listed }.map(Domain::Name)
}

/// Labels with a dot of any spelling between each two.
pub(super) struct Labels {
    pub(super) count: usize,
    /// Where the last one ends; a dot behind it is none of theirs.
    pub(super) end: usize,
    pub(super) last: String,
    /// Whether one of the dots is a word.
    spoken: bool,
    /// Where the last top-level domain behind a dot ends, which is a label or what stands in front of its hyphen.
    listed: Option<usize>,
}

/// The labels that begin at a place.
pub(super) fn labels(text: &str, from: usize) -> Labels {
    let mut found = Labels { count: 0, end: from, last: String::new(), spoken: false, listed: None };
    let mut at = from;
    loop {
        let mut label = String::new();
        let mut hyphen = None;
        while let Some((c, length)) = unit::at(text, at)
            && (is_letter(c) || matches!(c, '-' | '_'))
            && !(matches!(c, '-' | '_') && dot(text, at).is_some())
        {
            if matches!(c, '-' | '_') && hyphen.is_none() {
                hyphen = Some((label.len(), at));
            }
            // Longer than any label: only that it is long matters.
            if label.len() < 256 {
                label.push(c);
            }
            at += length;
        }
        if label.is_empty() {
            return found;
        }
        (found.count, found.end, found.last) = (found.count + 1, at, label);
        if found.count > 1 && found.last.len() < 256 {
            let whole = std::iter::once((found.last.len(), at));
            let mut ends = whole.chain(hyphen).filter(|(length, _)| is_listed(&found.last[..*length]));
            found.listed = ends.next().map(|(_, end)| end).or(found.listed);
        }
        let Some((length, word)) = dot(text, at) else { return found };
        at += length;
        found.spoken |= word;
    }
}

/// The dot at a place: how many bytes write it, and whether it is a word.
fn dot(text: &str, at: usize) -> Option<(usize, bool)> {
    let rest = text.as_bytes().get(at..)?;
    let spelled = |d: &&&str| rest.get(..d.len()).is_some_and(|head| head.eq_ignore_ascii_case(d.as_bytes()));
    if let Some(found) = DOTS.iter().find(spelled) {
        return Some((found.len(), matches!(*found, " dot " | "-dot-" | "_dot_")));
    }
    unit::at(text, at).filter(|(c, _)| *c == '.').map(|(_, length)| (length, false))
}

/// Where the local part in front of the sign begins.
fn local(text: &str, floor: usize, sign: usize) -> Option<usize> {
    if text[floor..sign].ends_with('"') {
        // A quoted string; 64 bytes and the quotes are the most that it can be.
        let window = text.as_bytes().get(floor.max(sign.saturating_sub(66))..sign - 1)?;
        let open = window.iter().rposition(|b| *b == b'"')?;
        return (open + 1 < window.len()).then_some(sign - 1 - (window.len() - open));
    }
    let mut start = sign;
    while let Some((c, length)) = unit::before(text, start)
        && start - length >= floor
    {
        // `bounce+joe=corp.example@list.example`: the address before the sign of equality goes too.
        let returned = c == '=' && {
            let end = text[start..sign].trim_end_matches(['-', '_', '.']);
            end.len() > 3
                && end
                    .rsplit_once('.')
                    .is_some_and(|(name, last)| !name.is_empty() && !name.contains('=') && is_listed(last))
        };
        if let Some(length) = mangled_dot_before(&text[floor..start]) {
            start -= length;
            continue;
        }
        if !(is_letter(c) || matches!(c, '.' | '_' | '-' | '+' | '\'' | '%') || returned) {
            break;
        }
        start -= length;
    }
    // Punctuation of the sentence in front is not part of it.
    let inner = text[start..sign].trim_start_matches(['.', '-', '\'']);
    (!inner.is_empty()).then_some(sign - inner.len())
}

/// How many bytes write a defanged dot at the end of a text, glued to what stands before it.
fn mangled_dot_before(text: &str) -> Option<usize> {
    let b = text.as_bytes();
    let found = DOTS.iter().find(|dot| {
        dot.len() > 1
            && !dot.contains(' ')
            && dot.starts_with(['[', '(', '{'])
            && b.len() > dot.len()
            && b[b.len() - dot.len()..].eq_ignore_ascii_case(dot.as_bytes())
    })?;
    let before = text[..text.len() - found.len()].chars().next_back()?;
    is_letter(before).then_some(found.len())
}

/// A letter or digit of any script, or a mark upon one.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}')
}
