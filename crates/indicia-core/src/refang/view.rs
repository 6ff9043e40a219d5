//! A second reading of a text: its notations replaced, and the way back to the bytes.

use std::borrow::Cow;

use super::Refang;
use super::table::{ALSO_PLAIN, Around, PLAIN_SCHEMES, SCHEMES, automaton};

/// One replaced place: what it spans in the view and in the original.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    pub(super) view: (usize, usize),
    pub(super) raw: (usize, usize),
    pub(super) word: bool,
}

/// A piece of text with the notations of a level replaced, and the way back to the original offsets.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(super) text: Vec<u8>,
    pub(super) edits: Vec<Edit>,
}

impl View {
    /// Reads `raw` by `level`; `None` where no notation stands in it.
    pub(crate) fn new(raw: &[u8], level: Refang) -> Option<View> {
        if level == Refang::Off || (raw.len() <= 256 && is_plain(raw)) {
            return None;
        }
        let mut view = View::default();
        let mut done = 0;
        let mut closing: Option<usize> = None;
        let (machine, notations) = automaton(level);
        for found in machine.find_iter(raw) {
            let notation = notations[found.pattern().as_usize()];
            if let Some(at) = closing.filter(|at| *at < found.start()) {
                view.replace(raw, &mut done, (at, at + 1), "", false);
                closing = None;
            }
            let (mut start, mut end) = (found.start(), found.end());
            let mut written = notation.written;
            // A scheme's separator that turns out to have no scheme can still be its first part (`[:]`).
            let scheme = scheme_before(raw, done, start, level);
            let (read, changed) = match notation.around {
                Around::Scheme => match scheme {
                    Some((from, name))
                        if notation.level <= level
                            && next_is_host(raw, end)
                            && (!ALSO_PLAIN.contains(&written) || begins_value(raw, from)) =>
                    {
                        start = from;
                        (Cow::Owned(format!("{name}://")), true)
                    }
                    _ => {
                        let Some(part) = ["[:]", "[/]"].iter().find(|p| written.starts_with(**p)) else {
                            continue;
                        };
                        written = part;
                        end = start + part.len();
                        (Cow::Borrowed(&part[1..2]), true)
                    }
                },
                _ if written == "://" => match scheme {
                    Some((from, name)) if raw[from..start] != *name.as_bytes() => {
                        start = from;
                        (Cow::Owned(format!("{name}://")), true)
                    }
                    _ => (Cow::Borrowed(notation.read), false),
                },
                _ => (Cow::Borrowed(notation.read), true),
            };
            if !changed || notation.level > level || !stands_right(raw, start, end, notation.around) {
                continue;
            }
            if notation.around == Around::Word && !word_stands(raw, start, end, read == "@", level) {
                continue;
            }
            if written == "[." {
                // `host[.com]`, `host[.c]om`: the bracket closes inside or behind the next label.
                let tail = &raw[end..raw.len().min(end + 24)];
                let word = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                let label = word(tail);
                if tail.get(label) == Some(&b']') {
                    // Dictionaries write letters with a dot so: `ch[.a]l`, `var[.n]a`.
                    let behind = word(&tail[label + 1..]);
                    if behind > 0 && label + behind < 3 {
                        continue;
                    }
                    closing = Some(end + label);
                } else {
                    closing = None;
                }
            }
            view.replace(raw, &mut done, (start, end), &read, notation.around == Around::Word);
        }
        if let Some(at) = closing {
            view.replace(raw, &mut done, (at, at + 1), "", false);
        }
        if view.edits.is_empty() {
            return None;
        }
        view.text.extend_from_slice(&raw[done..]);
        Some(view)
    }

    pub(super) fn replace(
        &mut self,
        raw: &[u8],
        done: &mut usize,
        span: (usize, usize),
        read: &str,
        word: bool,
    ) {
        if span.0 < *done {
            return;
        }
        self.text.extend_from_slice(&raw[*done..span.0]);
        let from = self.text.len();
        self.text.extend_from_slice(read.as_bytes());
        self.edits.push(Edit { view: (from, self.text.len()), raw: span, word });
        *done = span.1;
    }

    /// The text with notations replaced.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The original span of a span of the view.
    pub(crate) fn raw_span(&self, start: usize, end: usize) -> (usize, usize) {
        let (from, to) = (self.raw_offset(start, false), self.raw_offset(end, true));
        // The bracket that closes `host[.com]` reads as nothing, right behind the value.
        let n = self.edits.partition_point(|e| e.view.0 < end);
        let closed = self.edits.get(n).filter(|e| {
            e.view == (end, end) && e.raw == (to, to + 1) && n > 0 && self.edits[n - 1].view.0 >= start
        });
        (from, closed.map_or(to, |e| e.raw.1))
    }

    fn raw_offset(&self, at: usize, is_end: bool) -> usize {
        // The last edit that begins before the offset (at it, for a start).
        let n = self.edits.partition_point(|e| if is_end { e.view.0 < at } else { e.view.0 <= at });
        let Some(edit) = n.checked_sub(1).map(|i| self.edits[i]) else { return at };
        if at < edit.view.1 && !is_end {
            edit.raw.0
        } else if at <= edit.view.1 && is_end {
            edit.raw.1
        } else {
            edit.raw.1 + (at - edit.view.1)
        }
    }

    /// Calls `on` for every stretch of the view between white space that holds a replaced place, in order.
    pub(crate) fn stretches(&self, mut on: impl FnMut(usize, usize)) {
        let space = |b: &u8| *b <= b' ';
        let mut done = 0;
        for edit in &self.edits {
            let (from, to) = edit.view;
            if from < done {
                continue;
            }
            let from = self.text[done..from].iter().rposition(space).map_or(done, |at| done + at + 1);
            let to = self.text[to..].iter().position(space).map_or(self.text.len(), |at| to + at);
            on(from, to);
            done = to;
        }
    }

    /// Whether any notation was replaced inside a span of the view.
    pub(crate) fn touches(&self, start: usize, end: usize) -> bool {
        self.edits_in(start, end).next().is_some()
    }

    /// Whether a span holds an ordinary word read as a separator and a plain dot beside it.
    pub(crate) fn is_doubtful(&self, start: usize, end: usize) -> bool {
        if !self.edits_in(start, end).any(|e| e.word) {
            return false;
        }
        let plain = |i: &usize| self.text[*i] == b'.' && !self.edits_in(*i, i + 1).any(|_| true);
        let dots = self.edits_in(start, end).filter(|e| self.text[e.view.0..e.view.1] == *b".").count();
        let at_only = dots == 0;
        (start..end).any(|i| plain(&i)) || at_only
    }

    fn edits_in(&self, start: usize, end: usize) -> impl Iterator<Item = &Edit> {
        let from = self.edits.partition_point(|e| e.view.1 <= start && e.view.0 < start);
        self.edits[from..].iter().take_while(move |e| e.view.0 < end)
    }
}

/// Whether a text is too plain for any notation: most values of feeds are, and this is told sooner than asked of the table.
pub(super) fn is_plain(raw: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    // Without an early end: so many bytes are looked at at once.
    raw.iter().fold(true, |all, b| all & plain(b))
        && !raw.windows(5).any(|w| w.eq_ignore_ascii_case(b"-dot-"))
}

/// The scheme whose name, plain or mangled, ends at `end`; its start and its right name.
fn scheme_before(raw: &[u8], floor: usize, end: usize, level: Refang) -> Option<(usize, Cow<'static, str>)> {
    // Whatever its name, a scheme that stands whole in brackets is one: the Internet-Draft's form.
    if end > floor && raw[end - 1] == b']' {
        let from = end.saturating_sub(MAX_SCHEME + 2).max(floor);
        if let Some(opens) = raw[from..end].iter().rposition(|b| *b == b'[').map(|at| from + at) {
            let name = &raw[opens + 1..end - 1];
            let shaped = name.first().is_some_and(u8::is_ascii_alphabetic)
                && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
            let mangled = SCHEMES.iter().any(|(bad, ..)| name.eq_ignore_ascii_case(bad.as_bytes()));
            let bordered = opens == 0 || !raw[opens - 1].is_ascii_alphanumeric();
            if shaped && !mangled && bordered {
                return Some((opens, Cow::Owned(String::from_utf8_lossy(name).to_ascii_lowercase())));
            }
        }
    }
    let from = end.saturating_sub(10).max(floor);
    let tail = &raw[from..end];
    let length = tail
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'_' | b'[' | b']'))
        .count();
    let word = &tail[tail.len() - length..];
    let mut best = None;
    for skip in 0..word.len() {
        // A name begins at a border: where the word begins or after something that is no letter or digit.
        if skip > 0 && word[skip - 1].is_ascii_alphanumeric() {
            continue;
        }
        // A bracket that nothing closes belongs to what is in front (`[http://…` in a path; but `[hxxp://]bad.example`).
        let count = |bracket: u8| word[skip..].iter().filter(|b| **b == bracket).count();
        let closes_behind = usize::from(raw[end..].starts_with(b"://]"));
        if count(b'[') != count(b']') && count(b'[') != count(b']') + closes_behind {
            continue;
        }
        let name: String = word[skip..]
            .iter()
            .filter(|b| !matches!(b, b'[' | b']'))
            .map(|b| char::from(b.to_ascii_lowercase()))
            .collect();
        if let Some(plain) = PLAIN_SCHEMES.iter().find(|p| **p == name) {
            best = Some((end - (word.len() - skip), Cow::Borrowed(*plain)));
            break;
        }
        if let Some((_, right, _)) = SCHEMES.iter().find(|(bad, _, l)| *bad == name && *l <= level) {
            best = Some((end - (word.len() - skip), Cow::Borrowed(*right)));
            break;
        }
    }
    best
}

/// Longer names of schemes are not looked for.
const MAX_SCHEME: usize = 24;

/// Whether a value begins at `at`: it is not inside a URL.
fn begins_value(raw: &[u8], at: usize) -> bool {
    at == 0 || raw[at - 1] <= b' ' || b"\"'`<>([{|,;:*".contains(&raw[at - 1])
}

fn next_is_host(raw: &[u8], at: usize) -> bool {
    raw.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii() || *b == b'[')
}

fn stands_right(raw: &[u8], start: usize, end: usize, around: Around) -> bool {
    let before = start.checked_sub(1).and_then(|i| raw.get(i)).copied().unwrap_or(b' ');
    let after = raw.get(end).copied().unwrap_or(b' ');
    let word = |b: u8| b.is_ascii_alphanumeric() || !b.is_ascii();
    match around {
        Around::Free | Around::Scheme => true,
        Around::Glued => {
            (word(before)
                || matches!(before, b']' | b')' | b'}' | b'>' | b'-' | b'_' | b'/' | b'?' | b'&' | b'='))
                && (word(after)
                    || matches!(after, b'[' | b'(' | b'{' | b'<' | b'_' | b'-' | b'/' | b'.' | b'%'))
        }
        Around::Word => word(before) && word(after),
    }
}

/// Whether an ordinary word or mark at `start..end` can be a separator, by the value on both sides of it:
///
/// - a word for a dot stands with no other dot, plain or mangled (`v1-dot-app.bad.example` is a name that holds
///   the word), a word for an at sign with no plain dot and no other at sign;
/// - neither stands in the path or query of a URL;
/// - ` at ` in small letters is a preposition far more often (`a server at bad[.]example`): by less than
///   `aggressive` it counts in a line of its own, behind a word about mail, or where the dots are spelled too.
fn word_stands(raw: &[u8], start: usize, end: usize, is_at: bool, level: Refang) -> bool {
    const REACH: usize = 253;
    let part = |b: &u8| {
        b.is_ascii_alphanumeric()
            || !b.is_ascii()
            || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+' | b'[' | b']' | b'(' | b')' | b'{' | b'}')
    };
    let word = |i: usize| raw.get(i).is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii());
    let left = start - raw[..start].iter().rev().take(REACH).take_while(|b| part(b)).count();
    let right = end + raw[end..].iter().take(REACH).take_while(|b| part(b)).count();
    let in_path = left > 0
        && match raw[left - 1] {
            b'/' => left < 2 || !matches!(raw[left - 2], b'/' | b']'),
            b => matches!(b, b'?' | b'=' | b'&' | b'#' | b'%'),
        };
    let clashes = |from: usize, to: usize| {
        (from..to).any(|i| match raw[i] {
            b'.' if is_at => i > 0 && word(i - 1) && word(i + 1),
            b'.' => word(i + 1) || raw.get(i + 1).is_some_and(|b| b"])}>".contains(b)),
            b'@' => is_at,
            _ => false,
        })
    };
    // `allow . to match`: words of a sentence that are top-level domains, too.
    let small = |word: &str| raw[end..right].eq_ignore_ascii_case(word.as_bytes());
    let in_sentence = level < Refang::Aggressive
        && !is_at
        && ["am", "as", "at", "be", "by", "do", "is", "my", "no", "so", "to"].into_iter().any(small);
    if in_path || in_sentence || clashes(left, start) || clashes(end, right) {
        return false;
    }
    raw[start..end] != *b" at " || level == Refang::Aggressive || is_mail(raw, left, right)
}

/// Whether `local at host` is about mail: it fills its line, or one of the two words before it says so.
fn is_mail(raw: &[u8], left: usize, right: usize) -> bool {
    const WORDS: [&str; 16] = [
        "address",
        "bcc",
        "cc",
        "contact",
        "e-mail",
        "email",
        "emails",
        "from",
        "mail",
        "mails",
        "mailto",
        "reach",
        "recipient",
        "send",
        "sender",
        "to",
    ];
    if matches!(raw.get(right), Some(b'/' | b':' | b'?')) {
        return false;
    }
    if raw[right..].get(..5).is_some_and(|b| b.eq_ignore_ascii_case(b" dot ")) {
        return true;
    }
    let blank = |b: &u8| *b == b' ' || *b == b'\t';
    let before = &raw[left.saturating_sub(40)..left];
    let line = before.rsplit(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
    let rest = raw[right..].iter().find(|b| !blank(b));
    if line.iter().all(blank) && rest.is_none_or(|b| matches!(b, b'\n' | b'\r')) {
        return true;
    }
    let words = line.rsplit(|b| !(b.is_ascii_alphabetic() || *b == b'-')).filter(|w| !w.is_empty());
    words.take(2).any(|w| WORDS.iter().any(|known| w.eq_ignore_ascii_case(known.as_bytes())))
}
