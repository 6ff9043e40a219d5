//! Defanging undone and done: the one table of manglings, read and written here.
//!
//! Refanging never rewrites text. A view is a second reading of a piece of text in which each notation of the
//! table stands replaced, with the places of the original kept; a value found in the view is accepted only
//! under the conditions of its level, and its span is always that of the original bytes.

mod markup;
pub(crate) mod wrapped;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
pub use wrapped::may_go_on;

use crate::observable::url;
use crate::{Kind, Reason};

/// How much defanging is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refang {
    /// None: bytes count as they stand.
    Off,
    /// Bracketed separators and `hxxp` forms.
    Strict,
    /// The whole table, where the result is an address or has a known or special-use top-level domain.
    #[default]
    Usual,
    /// The whole table without that condition.
    Aggressive,
}

impl Refang {
    /// Every level with its name.
    pub const ALL: &'static [(Refang, &'static str)] = &[
        (Refang::Off, "off"),
        (Refang::Strict, "strict"),
        (Refang::Usual, "usual"),
        (Refang::Aggressive, "aggressive"),
    ];
}

impl FromStr for Refang {
    type Err = crate::ParseError;
    fn from_str(text: &str) -> Result<Refang, Self::Err> {
        let found = Refang::ALL.iter().find(|(_, name)| *name == text);
        found
            .map(|(level, _)| *level)
            .ok_or(crate::ParseError { kind: None, reason: Reason::InvalidArgument })
    }
}

impl fmt::Display for Refang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Refang::ALL[*self as usize].1)
    }
}

/// What must stand around a notation for it to count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// A letter, digit or bracket on both sides.
    Glued,
    /// A letter or digit on both sides. The notation is an ordinary word or mark, so it counts only where
    /// nothing in the value beside it says otherwise: see [`word_stands`].
    Word,
    /// Anything.
    Free,
    /// The name of a scheme in front, plain or mangled.
    Scheme,
}

struct Notation {
    written: &'static str,
    read: &'static str,
    level: Refang,
    around: Around,
}

const fn row(written: &'static str, read: &'static str, level: Refang, around: Around) -> Notation {
    Notation { written, read, level, around }
}

use Around::{Free, Glued, Scheme, Word};
use Refang::{Aggressive, Strict, Usual};

/// The table. Matching is case-blind; the longest notation at a place wins. Frequencies in public reports
/// decided what is in it; `tests/vectors/defang/` holds an example of each.
const TABLE: &[Notation] = &[
    // dots
    row("[.]", ".", Strict, Glued),
    row("(.)", ".", Strict, Glued),
    row("{.}", ".", Strict, Glued),
    row("[[.]]", ".", Strict, Glued),
    row("<.>", ".", Strict, Glued),
    row("[dot]", ".", Usual, Glued),
    row("(dot)", ".", Usual, Glued),
    row("{dot}", ".", Usual, Glued),
    row("[d]", ".", Usual, Glued),
    row("[punto]", ".", Usual, Glued),
    row("[punkt]", ".", Usual, Glued),
    row("[,]", ".", Usual, Glued),
    row("[]", ".", Usual, Glued),
    row("\\.", ".", Usual, Glued),
    row("^.", ".", Usual, Glued),
    row("[.", ".", Usual, Glued),
    row(".]", ".", Usual, Glued),
    row("[\u{200b}.]", ".", Usual, Glued),
    row("\u{3002}", ".", Usual, Glued),
    row("\u{ff0e}", ".", Usual, Glued),
    row("\u{ff61}", ".", Usual, Glued),
    row(" [.] ", ".", Usual, Glued),
    row(" (.) ", ".", Usual, Glued),
    row(" [dot] ", ".", Usual, Glued),
    row(" (dot) ", ".", Usual, Glued),
    row("[point]", ".", Usual, Glued),
    row("[.[", ".", Usual, Glued),
    row("].]", ".", Usual, Glued),
    row("(.]", ".", Usual, Glued),
    row("[.)", ".", Usual, Glued),
    row("\".\"", ".", Usual, Glued),
    row("'.'", ".", Usual, Glued),
    row(" . ", ".", Usual, Word),
    row(" dot ", ".", Usual, Word),
    row("-dot-", ".", Usual, Word),
    row("_dot_", ".", Usual, Word),
    row(",", ".", Aggressive, Word),
    // at signs
    row("[@]", "@", Strict, Glued),
    row("(@)", "@", Strict, Glued),
    row("{@}", "@", Strict, Glued),
    row("[at]", "@", Usual, Glued),
    row("(at)", "@", Usual, Glued),
    row("{at}", "@", Usual, Glued),
    row("<at>", "@", Usual, Glued),
    row("[arroba]", "@", Usual, Glued),
    row(" @ ", "@", Usual, Glued),
    row(" at ", "@", Usual, Word),
    row("_at_", "@", Usual, Word),
    // colons and slashes
    row("[:]", ":", Strict, Free),
    row("[/]", "/", Strict, Glued),
    row("\\/", "/", Usual, Glued),
    // the separator after a scheme
    row("://", "://", Strict, Free),
    row("[:]//", "://", Strict, Scheme),
    row("[://]", "://", Strict, Scheme),
    row("[:/]/", "://", Strict, Scheme),
    row(":[//]", "://", Strict, Scheme),
    row("[:]/[/]", "://", Strict, Scheme),
    row("[/][/]", "://", Strict, Scheme),
    row("[]://", "://", Strict, Scheme),
    row("://]", "://", Strict, Scheme),
    row(":\\\\", "://", Usual, Scheme),
    row("[:]\\\\", "://", Usual, Scheme),
    row(":\\/\\/", "://", Usual, Scheme),
    row("__", "://", Usual, Scheme),
    row(":// ", "://", Usual, Scheme),
    row(": //", "://", Usual, Scheme),
    row(":///", "://", Usual, Scheme),
    row("%3a%2f%2f", "://", Usual, Scheme),
];

/// Separators that also stand in the path and query of plain URLs (`?u=http%3A%2F%2F…`): they count only where
/// the scheme before them begins a value.
const ALSO_PLAIN: [&str; 3] = ["__", ":///", "%3a%2f%2f"];

/// Mangled names of schemes. Square brackets anywhere in a name are dropped first (`h[tt]p`, `[https]`).
const SCHEMES: &[(&str, &str, Refang)] = &[
    ("hxxp", "http", Strict),
    ("hxxps", "https", Strict),
    ("h**p", "http", Usual),
    ("h**ps", "https", Usual),
    ("hxtp", "http", Usual),
    ("hxtps", "https", Usual),
    ("htxp", "http", Usual),
    ("htxps", "https", Usual),
    ("httx", "http", Usual),
    ("httxs", "https", Usual),
    ("hpp", "http", Usual),
    ("h00p", "http", Usual),
    ("h00ps", "https", Usual),
    ("h___p", "http", Usual),
    ("xxxx", "http", Usual),
    ("meow", "http", Usual),
    ("meows", "https", Usual),
    ("fxp", "ftp", Usual),
    ("ftx", "ftp", Usual),
];

/// Plain names that a mangled separator may follow.
const PLAIN_SCHEMES: [&str; 12] =
    ["http", "https", "ftp", "ftps", "sftp", "ws", "wss", "tcp", "udp", "ldap", "ldaps", "smb"];

/// Finds the notations of the whole table, or of all levels but the last one: that one's comma stands everywhere.
fn automaton(level: Refang) -> &'static (AhoCorasick, Vec<&'static Notation>) {
    static MACHINES: [OnceLock<(AhoCorasick, Vec<&Notation>)>; 2] = [const { OnceLock::new() }; 2];
    let most = level.max(Usual);
    MACHINES[usize::from(most == Aggressive)].get_or_init(|| {
        let notations: Vec<_> = TABLE.iter().filter(|n| n.level <= most).collect();
        let machine = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(notations.iter().map(|n| n.written))
            .expect("a fixed table of short literals always builds");
        (machine, notations)
    })
}

/// One replaced place: what it spans in the view and in the original.
#[derive(Clone, Copy, Debug)]
struct Edit {
    view: (usize, usize),
    raw: (usize, usize),
    word: bool,
}

/// A piece of text with the notations of a level replaced, and the way back to the original offsets.
#[derive(Debug, Default)]
pub(crate) struct View {
    text: Vec<u8>,
    edits: Vec<Edit>,
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
                let label = tail.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                closing = (tail.get(label) == Some(&b']')).then_some(end + label);
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

    fn replace(&mut self, raw: &[u8], done: &mut usize, span: (usize, usize), read: &str, word: bool) {
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
fn is_plain(raw: &[u8]) -> bool {
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
    if in_path || clashes(left, start) || clashes(end, right) {
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

/// A whole value with its defanging undone, until nothing is left to undo; borrowed where there is none, and where
/// it would take more than a few rounds: nobody writes that, so it is something else.
pub(crate) fn value(text: &str, level: Refang) -> Cow<'_, str> {
    const ROUNDS: usize = 4;
    let mut undone = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        let Some(view) = View::new(undone.as_bytes(), level) else { return undone };
        match String::from_utf8(view.text) {
            Ok(text) => undone = Cow::Owned(text),
            Err(_) => return Cow::Borrowed(text),
        }
    }
    if View::new(undone.as_bytes(), level).is_none() { undone } else { Cow::Borrowed(text) }
}

/// Whether values of a kind are written defanged at all: those with a host. In paths and names a `\.` is itself.
pub(crate) fn is_written_defanged(kind: Kind) -> bool {
    kind.is_address_like() || matches!(kind, Kind::Endpoint | Kind::Domain | Kind::Url | Kind::Email)
}

/// Whether the host of a canonical value is an address or ends in a known or special-use label.
pub(crate) fn is_plausible(value: &str, kind: Kind) -> bool {
    let host = match kind {
        Kind::Domain => value,
        Kind::Endpoint => value.rsplit_once(':').map_or(value, |(host, _)| host),
        Kind::Email => value.rsplit_once('@').map_or(value, |(_, name)| name),
        Kind::Url => {
            let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            if host.starts_with('[') { host } else { host.split(':').next().unwrap_or(host) }
        }
        _ => return true,
    };
    let last = host.rsplit('.').next().unwrap_or(host);
    host.starts_with('[') || last.bytes().all(|b| b.is_ascii_digit()) || is_listed_tld(last)
}

/// Whether a canonical label is a known or special-use top-level domain.
pub(crate) fn is_listed_tld(label: &str) -> bool {
    indicia_data::tld::is_known(label) || indicia_data::special::is_special_tld(label)
}

/// Undoes the defanging of a text that is one value; borrowed, and so the same bytes, where there is none.
///
/// By [`Refang::Usual`] the result must be a value: an address, or a host with a known or special-use top-level
/// domain; else the text is returned as it is. What is returned is never read further by a second call.
///
/// ```
/// use indicia_core::{Refang, refang::refang};
/// assert_eq!(refang("hxxps[:]//bad[.]example/a", Refang::Usual), "https://bad.example/a");
/// assert_eq!(refang("bad.example", Refang::Usual), "bad.example");
/// ```
pub fn refang(text: &str, level: Refang) -> Cow<'_, str> {
    let undone = value(text, level);
    if level == Refang::Usual && matches!(undone, Cow::Owned(_)) {
        let plausible = |found: crate::observable::Canonical| {
            is_written_defanged(found.kind) && is_plausible(&found.value, found.kind)
        };
        let found = crate::observable::detect(undone.trim()).ok();
        // Rare local parts (`/a@bad.example`) look like something else as a whole.
        let mail = || crate::observable::parse_kind(Kind::Email, undone.trim()).ok();
        if !found.is_some_and(plausible) && !mail().is_some_and(plausible) {
            return Cow::Borrowed(text);
        }
    }
    undone
}

/// How a defanged value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefangStyle {
    /// `hxxps://cdn[.]bad[.]example/a`, `a[@]bad[.]example`, `2001[:]db8[:][:]7`.
    #[default]
    Usual,
    /// `hxxps://cdn.bad[.]example/a`, `a@bad[.]example`, `2001:db8:[:]7`.
    LastDot,
    /// `[https]://cdn[.]bad[.]example/a`, `a[@]bad[.]example`, `2001[:]db8[:][:]7`: the form of the Internet-Draft
    /// draft-grimminck-safe-ioc-sharing, revision 11 (2026-05-26). What can be clicked inside a path, query or
    /// fragment is written so too.
    Draft,
}

impl DefangStyle {
    /// Every style with its name.
    pub const ALL: &'static [(DefangStyle, &'static str)] =
        &[(DefangStyle::Usual, "usual"), (DefangStyle::LastDot, "last-dot"), (DefangStyle::Draft, "draft")];
}

impl FromStr for DefangStyle {
    type Err = crate::ParseError;
    fn from_str(text: &str) -> Result<DefangStyle, Self::Err> {
        let found = DefangStyle::ALL.iter().find(|(_, name)| *name == text);
        found
            .map(|(style, _)| *style)
            .ok_or(crate::ParseError { kind: None, reason: Reason::InvalidArgument })
    }
}

impl fmt::Display for DefangStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(DefangStyle::ALL[*self as usize].1)
    }
}

/// Writes a canonical value so that it cannot be clicked, in the usual style: [`defang_as`].
///
/// ```
/// use indicia_core::{Kind, refang::defang};
/// assert_eq!(defang(Kind::Url, "https://bad.example/a.b"), "hxxps://bad[.]example/a.b");
/// assert_eq!(defang(Kind::Email, "a.b@bad.example"), "a.b[@]bad[.]example");
/// assert_eq!(defang(Kind::Ipv6, "2001:db8::7"), "2001[:]db8[:][:]7");
/// ```
pub fn defang(kind: Kind, value: &str) -> String {
    defang_as(kind, value, DefangStyle::Usual)
}

/// Writes a canonical value so that it cannot be clicked. [`refang`] gives the value back, byte for byte, unless
/// the value itself holds what reads as a notation (`/a[.]b` in a path). Kinds without a host are returned as they
/// are; a host that is defanged already is read first, so nothing is bracketed twice.
///
/// ```
/// use indicia_core::{Kind, refang::{DefangStyle, defang_as}};
/// let url = "https://cdn.bad.example/?u=http://worse.example/";
/// assert_eq!(defang_as(Kind::Url, url, DefangStyle::LastDot), "hxxps://cdn.bad[.]example/?u=http://worse.example/");
/// assert_eq!(defang_as(Kind::Url, url, DefangStyle::Draft), "[https]://cdn[.]bad[.]example/?u=[http]://worse[.]example/");
/// ```
pub fn defang_as(kind: Kind, value: &str, style: DefangStyle) -> String {
    if !is_written_defanged(kind) {
        return value.to_string();
    }
    let (head, tail) = head_and_tail(kind, value);
    match kind {
        Kind::Endpoint => match head.rsplit_once(':') {
            Some((host, port)) => format!("{}:{port}", bracket(host, style)),
            None => bracket(&head, style),
        },
        Kind::IpRange => match head.split_once('-') {
            Some((first, last)) => format!("{}-{}", bracket(first, style), bracket(last, style)),
            None => bracket(&head, style),
        },
        Kind::Email => match head.rsplit_once('@') {
            Some((local, name)) => {
                format!("{local}{}{}", at_sign(local, style == DefangStyle::LastDot), bracket(name, style))
            }
            None => bracket(&head, style),
        },
        Kind::Url => {
            let (scheme, authority) = match head.split_once("://") {
                Some((scheme, rest)) => (scheme, rest),
                None => ("", &*head),
            };
            let scheme = match (style, scheme) {
                (_, "") => String::new(),
                (DefangStyle::Draft, name) => format!("[{name}]://"),
                (_, "http") => "hxxp://".to_string(),
                (_, "https") => "hxxps://".to_string(),
                (_, "ftp" | "fxp") => "fxp://".to_string(),
                (_, name) => format!("{name}[:]//"),
            };
            let tail = if style == DefangStyle::Draft { nested(tail) } else { tail.to_string() };
            format!("{scheme}{}{tail}", authority_defanged(authority, style))
        }
        _ => bracket(&head, style),
    }
}

/// What names the host, with notations undone, and what follows it in a URL, as it stands.
fn head_and_tail(kind: Kind, value: &str) -> (Cow<'_, str>, &str) {
    let head_length = |text: &str| {
        let after_scheme = url::split_scheme(text).map_or(0, |(scheme, _)| scheme.len() + 3);
        text[after_scheme..].find(['/', '?', '#']).map_or(text.len(), |at| after_scheme + at)
    };
    let length = |text: &str| if kind == Kind::Url { head_length(text) } else { text.len() };
    if let Some(view) = View::new(value.as_bytes(), Refang::Strict)
        && let Ok(text) = std::str::from_utf8(view.text())
    {
        let end = length(text);
        if view.touches(0, end) {
            let (_, raw_end) = view.raw_span(0, end);
            return (Cow::Owned(text[..end].to_string()), &value[raw_end..]);
        }
    }
    let (head, tail) = value.split_at(length(value));
    (Cow::Borrowed(head), tail)
}

/// `user@host:port`. User names keep their dots; the sign before the host is bracketed by the Internet-Draft only.
fn authority_defanged(authority: &str, style: DefangStyle) -> String {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, &host[host.len() - port.len() - 1..]),
        _ => (host, ""),
    };
    let user =
        user.map(|user| format!("{user}{}", at_sign(user, style != DefangStyle::Draft))).unwrap_or_default();
    format!("{user}{}{port}", bracket(host, style))
}

/// A bracketed sign is read back behind a letter or digit only.
fn at_sign(before: &str, plain: bool) -> &'static str {
    let readable = before.ends_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii());
    if plain || !readable { "@" } else { "[@]" }
}

/// A host with its separators in brackets: all of them, or the last.
fn bracket(host: &str, style: DefangStyle) -> String {
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let name = inside.unwrap_or(host);
    let first = match style {
        DefangStyle::LastDot => name.rfind('.').or_else(|| name.rfind(':')).unwrap_or(name.len()),
        _ => 0,
    };
    let mut out = String::with_capacity(host.len() + 8);
    for (at, c) in name.char_indices() {
        match c {
            '.' if at >= first => out.push_str("[.]"),
            ':' if at >= first => out.push_str("[:]"),
            _ => out.push(c),
        }
    }
    if inside.is_some() { format!("[{out}]") } else { out }
}

/// A path, query or fragment with the URLs, e-mail addresses and IPv4 addresses in it defanged as the
/// Internet-Draft has it.
fn nested(tail: &str) -> String {
    let bytes = tail.as_bytes();
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let mut out = String::with_capacity(tail.len() + 8);
    let mut at = 0;
    while at < tail.len() {
        let length = bytes[at..].iter().take_while(|b| part(b)).count();
        let (word, rest) = tail[at..].split_at(length);
        let bordered = at == 0 || b"/?=&#;,:".contains(&bytes[at - 1]);
        let host_length = |text: &str| text.bytes().take_while(|b| part(b)).count();
        if bordered
            && PLAIN_SCHEMES.contains(&word)
            && let Some(url) = rest.strip_prefix("://")
        {
            let end = url.find(['/', '?', '#', '&']).unwrap_or(url.len());
            let authority = authority_defanged(&url[..end], DefangStyle::Draft);
            out.push_str(&format!("[{word}]://{authority}"));
            at += word.len() + 3 + end;
        } else if let Some(name) = rest.strip_prefix('@')
            && at_sign(word, false) == "[@]"
            && is_name(&name[..host_length(name)])
        {
            let end = host_length(name);
            out.push_str(&format!("{word}[@]{}", bracket(&name[..end], DefangStyle::Draft)));
            at += word.len() + 1 + end;
        } else if bordered && word.parse::<std::net::Ipv4Addr>().is_ok() {
            out.push_str(&bracket(word, DefangStyle::Draft));
            at += word.len();
        } else {
            out.push_str(word);
            let next = rest.chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..next]);
            at += word.len() + next;
        }
    }
    out
}

/// Two labels or more, with a letter or digit at each end of each.
fn is_name(text: &str) -> bool {
    let label = |l: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        l.starts_with(ends) && l.ends_with(ends)
    };
    text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lead_back_to_the_original() {
        let raw = b"see hxxps[:]//cdn[.]bad[.]example/a now";
        let view = View::new(raw, Refang::Usual).unwrap();
        assert_eq!(view.text(), b"see https://cdn.bad.example/a now");
        assert_eq!(view.raw_span(4, 29), (4, 35));
        assert_eq!(view.raw_span(12, 15), (14, 17));
        assert_eq!(view.raw_span(0, 3), (0, 3));
    }

    #[test]
    fn text_without_a_notation_has_no_view() {
        for text in ["http://bad.example/a", "nothing here", "", "a [b] c", "std::vector<int>"] {
            assert!(View::new(text.as_bytes(), Refang::Usual).is_none(), "{text}");
        }
    }

    #[test]
    fn plain_texts_hold_no_notation() {
        for notation in TABLE {
            assert!(!is_plain(notation.written.as_bytes()), "{}", notation.written);
        }
        assert!(is_plain(b"www-1.bad.example") && !is_plain(b"cdn-DOT-bad-dot-example"));
    }

    #[test]
    fn notations_beside_the_catalogue() {
        for text in [
            "cdn (dot) bad (dot) example",
            "cdn [dot] bad [dot] example",
            "cdn (.) bad (.) example",
            "cdn[point]bad[point]example",
            "cdn[.[bad[.[example",
            "cdn].]bad].]example",
            "cdn(.]bad[.)example",
            "cdn\".\"bad\".\"example",
            "cdn'.'bad'.'example",
        ] {
            assert_eq!(refang(text, Refang::Usual), "cdn.bad.example", "{text}");
        }
    }

    #[test]
    fn defang_is_undone() {
        for (kind, value) in [
            (Kind::Url, "http://bad.example/a.b?c=d.e"),
            (Kind::Url, "https://user@bad.example:8443/"),
            (Kind::Url, "http://[2001:db8::7]:80/x"),
            (Kind::Url, "tcp://bad.example:9"),
            (Kind::Url, "ftp://bad.example/"),
            (Kind::Url, "http://bad.example/[http://x"),
            (Kind::Url, "svn.x://bad.example/"),
            (Kind::Url, "bad.example/x"),
            (Kind::Ipv4, "192.0.2.7"),
            (Kind::Ipv6, "2001:db8::7"),
            (Kind::Ipv6, "::ffff:192.0.2.7"),
            (Kind::Cidr, "192.0.2.0/24"),
            (Kind::Endpoint, "[2001:db8::7]:443"),
            (Kind::Endpoint, "bad.example:443"),
            (Kind::Email, "a.b@bad.example"),
            (Kind::Domain, "bad.example"),
        ] {
            assert_eq!(refang(&defang(kind, value), Refang::Usual), value, "{}", defang(kind, value));
        }
    }

    proptest::proptest! {
        #[test]
        fn outside_the_edits_no_byte_changes(text in "(\\[|\\]|\\[\\.\\]|hxxps?|://|\\[:\\]|\\.| dot | at |a|com|é|\\[\\.|/){0,20}") {
            for (level, _) in Refang::ALL {
                let Some(view) = View::new(text.as_bytes(), *level) else { continue };
                let (mut raw, mut read) = (0, 0);
                for edit in &view.edits {
                    assert!(raw <= edit.raw.0 && edit.raw.0 < edit.raw.1);
                    assert_eq!(text.as_bytes()[raw..edit.raw.0], view.text[read..edit.view.0]);
                    (raw, read) = (edit.raw.1, edit.view.1);
                }
                assert_eq!(text.as_bytes()[raw..], view.text[read..]);
                assert_eq!(view.raw_span(0, view.text.len()).1, text.len());
            }
        }
    }
}
