//! Defanging undone and done: the one table of manglings, read and written here.
//!
//! Refanging never rewrites text. A view is a second reading of a piece of text in which each notation of the
//! table stands replaced, with the places of the original kept; a value found in the view is accepted only
//! under the conditions of its level, and its span is always that of the original bytes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

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
    /// As `Glued`; the notation is an ordinary word or mark, so the value must hold no plain dot beside it.
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
    row("<.>", ".", Usual, Glued),
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
    row("[/][/]", "://", Usual, Scheme),
    row("[]://", "://", Strict, Scheme),
    row("://]", "://", Usual, Scheme),
    row(":\\\\", "://", Usual, Scheme),
    row("[:]\\\\", "://", Usual, Scheme),
    row(":\\/\\/", "://", Usual, Scheme),
    row("__", "://", Usual, Scheme),
    row(":// ", "://", Usual, Scheme),
    row(": //", "://", Usual, Scheme),
    row(":///", "://", Usual, Scheme),
    row("%3a%2f%2f", "://", Usual, Scheme),
];

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

fn automaton() -> &'static AhoCorasick {
    static MACHINE: OnceLock<AhoCorasick> = OnceLock::new();
    MACHINE.get_or_init(|| {
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(TABLE.iter().map(|n| n.written))
            .expect("a fixed table of short literals always builds")
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
        if level == Refang::Off {
            return None;
        }
        let mut view = View::default();
        let mut done = 0;
        let mut closing: Option<usize> = None;
        for found in automaton().find_iter(raw) {
            let notation = &TABLE[found.pattern().as_usize()];
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
                    Some((from, name)) if notation.level <= level && next_is_host(raw, end) => {
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
        (self.raw_offset(start, false), self.raw_offset(end, true))
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

/// The scheme whose name, plain or mangled, ends at `end`; its start and its right name.
fn scheme_before(raw: &[u8], floor: usize, end: usize, level: Refang) -> Option<(usize, &'static str)> {
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
        let name: String = word[skip..]
            .iter()
            .filter(|b| !matches!(b, b'[' | b']'))
            .map(|b| char::from(b.to_ascii_lowercase()))
            .collect();
        if let Some(plain) = PLAIN_SCHEMES.iter().find(|p| **p == name) {
            best = Some((end - (word.len() - skip), *plain));
            break;
        }
        if let Some((_, right, _)) = SCHEMES.iter().find(|(bad, _, l)| *bad == name && *l <= level) {
            best = Some((end - (word.len() - skip), *right));
            break;
        }
    }
    best
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

/// A whole value with its defanging undone; borrowed where there is none.
pub(crate) fn value(text: &str, level: Refang) -> Cow<'_, str> {
    match View::new(text.as_bytes(), level) {
        Some(view) => match String::from_utf8(view.text) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Borrowed(text),
        },
        None => Cow::Borrowed(text),
    }
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

/// Undoes the defanging of a text that is one value.
///
/// ```
/// use indicia_core::{Refang, refang::refang};
/// assert_eq!(refang("hxxps[:]//bad[.]example/a", Refang::Usual), "https://bad.example/a");
/// assert_eq!(refang("bad.example", Refang::Usual), "bad.example");
/// ```
pub fn refang(text: &str, level: Refang) -> String {
    let undone = value(text, level);
    if level == Refang::Usual && matches!(undone, Cow::Owned(_)) {
        match crate::observable::detect(undone.trim()) {
            Ok(found) if is_written_defanged(found.kind) && is_plausible(&found.value, found.kind) => {}
            _ => return text.to_string(),
        }
    }
    undone.into_owned()
}

/// Writes a canonical value so that it cannot be clicked: separators of the host in brackets, `hxxp` for
/// `http`. Kinds without a host are returned as they are.
///
/// ```
/// use indicia_core::{Kind, refang::defang};
/// assert_eq!(defang(Kind::Url, "https://bad.example/a.b"), "hxxps://bad[.]example/a.b");
/// assert_eq!(defang(Kind::Email, "a.b@bad.example"), "a.b[@]bad[.]example");
/// assert_eq!(defang(Kind::Ipv6, "2001:db8::7"), "2001[:]db8[:][:]7");
/// ```
pub fn defang(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Ipv4 | Kind::Domain | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => bracket(value),
        Kind::Endpoint => match value.rsplit_once(':') {
            Some((host, port)) => format!("{}:{port}", bracket(host)),
            None => bracket(value),
        },
        Kind::Email => match value.rsplit_once('@') {
            // A bracketed sign is read back behind a letter or digit only.
            Some((local, name)) if local.ends_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii()) => {
                format!("{local}[@]{}", bracket(name))
            }
            Some((local, name)) => format!("{local}@{}", bracket(name)),
            None => bracket(value),
        },
        Kind::Url => {
            let (scheme, rest) = match value.split_once("://") {
                Some((scheme, rest)) if !scheme.contains(['/', '.', '?']) => (Some(scheme), rest),
                _ => (None, value),
            };
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, tail) = rest.split_at(end);
            let (user, host) =
                authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
            let (host, port) = match host.rsplit_once(':') {
                Some((host, port)) if !port.contains(']') => (host, format!(":{port}")),
                _ => (host, String::new()),
            };
            let scheme = match scheme {
                Some("http") => "hxxp://".to_string(),
                Some("https") => "hxxps://".to_string(),
                Some("ftp") => "fxp://".to_string(),
                Some(other) => format!("{other}[:]//"),
                None => String::new(),
            };
            let user = if user.is_empty() { String::new() } else { format!("{user}@") };
            format!("{scheme}{user}{}{port}{tail}", bracket(host))
        }
        _ => value.to_string(),
    }
}

fn bracket(host: &str) -> String {
    let mut out = String::with_capacity(host.len() + 8);
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    if inside.is_some() {
        out.push('[');
    }
    for c in inside.unwrap_or(host).chars() {
        match c {
            '.' => out.push_str("[.]"),
            ':' => out.push_str("[:]"),
            _ => out.push(c),
        }
    }
    if inside.is_some() {
        out.push(']');
    }
    out
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
    fn defang_is_undone() {
        for (kind, value) in [
            (Kind::Url, "http://bad.example/a.b?c=d.e"),
            (Kind::Url, "https://user@bad.example:8443/"),
            (Kind::Url, "http://[2001:db8::7]:80/x"),
            (Kind::Url, "tcp://bad.example:9"),
            (Kind::Url, "ftp://bad.example/"),
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
}
