//! Where values can stand in bytes: one pass that finds runs, colons, at signs and scheme marks, and the
//! questions that both extraction and matching ask about their surroundings.
//!
//! Nothing here decides what a value is. A *run* is a maximal stretch of letters, digits, `.`, `-`, `_` and
//! letters beyond ASCII; everything else is a border. Work is linear in the bytes. Beyond that:
//!
//! - An escape in front (`\n`, `\u003d`, `%2F`, `%252F`, a terminal's `ESC[31m`) is a border too, though it looks
//!   like letters of the value; both readings are tried.
//! - A letter beyond ASCII beside an ASCII value makes another value of it (`ébad.example`), except in scripts
//!   that are written without spaces: there it is a border (`访问bad.example。`, `192.0.2.7에서`).
//! - `..` is a border; dots and hyphens in front of a name and dots, hyphens and underscores behind it are not
//!   part of it.
//! - A URL surely ends at white space, a control character, `"`, `<`, `>`, a back-tick or a closing mark beyond
//!   ASCII. It may end before that, at brackets, `,` `;` `|` `&` and the like, or before an unspaced script:
//!   each such place is tried, the longest first.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::observable::ip;

/// No URL is looked for beyond this many bytes after its host begins.
pub(crate) const MAX_URL_BYTES: usize = 8 * 1024;
/// A URL that begins where another one may go on shares its end, if so many bytes are left.
pub(crate) const MIN_URL_BYTES: usize = 2 * 1024;

/// Something that a value can begin at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A maximal run of host characters.
    Run { start: usize, end: usize, dots: bool },
    /// A maximal run of hexadecimal digits, colons and dots with two colons or more.
    Colons { start: usize, end: usize },
    /// The colon of `://`.
    Scheme { at: usize },
    /// An `@`.
    At { at: usize },
}

/// Whether a character belongs to a script that puts no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{323af}')
}

/// The character that ends at `at`, if the bytes before it are UTF-8.
fn char_before(text: &[u8], at: usize) -> Option<char> {
    let from = (1..=4).map_while(|n| at.checked_sub(n)).find(|i| text[*i] & 0xc0 != 0x80)?;
    decode_any(&text[from..at]).filter(|c| c.len_utf8() == at - from)
}

/// The character that begins at `at`.
fn char_at(text: &[u8], at: usize) -> Option<char> {
    text.get(at..).and_then(decode_any)
}

fn decode_any(bytes: &[u8]) -> Option<char> {
    match bytes.first()? {
        b if b.is_ascii() => Some(char::from(*b)),
        _ => decode(bytes),
    }
}

/// Whether a character beside an ASCII value is part of a longer word: a letter, a digit or a mark, except one
/// of an unspaced script.
fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || (is_mark(c) && !c.is_ascii())) && !c.is_some_and(is_unspaced)
}

/// Whether an escape (`\n`, `\x3d`, `\u003d`, `%2F`, `%252F`, a terminal's colour) ends at `at`.
pub(crate) fn behind_escape(text: &[u8], at: usize) -> bool {
    let text = &text[..at];
    let escaped = |mark: &[u8], digits: usize| {
        text.len() >= mark.len() + digits
            && text[text.len() - digits..].iter().all(u8::is_ascii_hexdigit)
            && text[..text.len() - digits].ends_with(mark)
    };
    matches!(text, [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'])
        || escaped(b"%", 2)
        || escaped(b"%25", 2)
        || escaped(b"\\x", 2)
        || escaped(b"\\u", 4)
        || behind_colour(text)
}

/// Whether a text ends with a terminal's sequence for colour or for clearing a line (`ESC[1;31m`, `ESC[K`), its ESC
/// raw or as JSON, syslog and shells write it.
fn behind_colour(text: &[u8]) -> bool {
    let Some((b'm' | b'K', front)) = text.split_last() else { return false };
    let digits = front.iter().rev().take(16).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    let Some((b'[', front)) = front[..front.len() - digits].split_last() else { return false };
    const ESC: [&[u8]; 8] = [b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"#033", b"\\e"];
    ESC.iter().any(|esc| front.ends_with(esc))
}

/// The ASCII characters of hosts: asked of every byte of a text.
const IN_HOST: [bool; 128] = {
    let mut table = [false; 128];
    let mut b = 0;
    while b < 128 {
        table[b] = (b as u8).is_ascii_alphanumeric() || matches!(b as u8, b'.' | b'-' | b'_');
        b += 1;
    }
    table
};

/// Length of the host character at `i`, or 0 for a border.
fn host_char(text: &[u8], i: usize) -> usize {
    let b = text[i];
    if b.is_ascii() {
        return usize::from(IN_HOST[usize::from(b)]);
    }
    match decode(&text[i..]) {
        Some(c) if c.is_alphanumeric() || is_mark(c) => c.len_utf8(),
        _ => 0,
    }
}

/// The character at the start of bytes, if they are UTF-8.
fn decode(bytes: &[u8]) -> Option<char> {
    let length = match bytes.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    std::str::from_utf8(bytes.get(..length)?).ok()?.chars().next()
}

/// Combining marks that stand inside words of Indic, Thai, Hebrew and Arabic names.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{981}'..='\u{983}' | '\u{9bc}'..='\u{9cd}'
        | '\u{a01}'..='\u{a51}' | '\u{a81}'..='\u{acd}' | '\u{b01}'..='\u{b57}' | '\u{b82}'..='\u{bcd}'
        | '\u{c00}'..='\u{c56}' | '\u{c81}'..='\u{cd6}' | '\u{d00}'..='\u{d4d}' | '\u{d81}'..='\u{ddf}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{eb1}'..='\u{ecd}')
}

/// Calls `found` for every token, in order of where it is met.
pub(crate) fn tokens(text: &[u8], found: impl FnMut(Token)) {
    tokens_in(text, 0, text.len(), found);
}

/// Calls `found` for every token of a text that begins in a stretch of it which begins at a border.
pub(crate) fn tokens_in(text: &[u8], from: usize, to: usize, mut found: impl FnMut(Token)) {
    let mut i = from;
    let mut colons = ColonRuns { done: from };
    while i < to {
        let step = host_char(text, i);
        if step > 0 {
            let start = i;
            let mut dots = false;
            while i < text.len() {
                match text[i] {
                    b'.' => {
                        dots = true;
                        i += 1;
                    }
                    _ => match host_char(text, i) {
                        0 => break,
                        step => i += step,
                    },
                }
            }
            found(Token::Run { start, end: i, dots });
            continue;
        }
        match text[i] {
            b':' => colons.at(text, i, &mut found),
            b'@' => found(Token::At { at: i }),
            _ => {}
        }
        i += 1;
    }
}

/// The colons of a text, one after the other.
#[derive(Default)]
pub(crate) struct ColonRuns {
    /// Behind the last run of them that was looked at.
    done: usize,
}

impl ColonRuns {
    /// Calls `found` for what the colon at `at` begins.
    #[inline]
    pub(crate) fn at(&mut self, text: &[u8], at: usize, mut found: impl FnMut(Token)) {
        if text[at..].starts_with(b"://") {
            found(Token::Scheme { at });
        } else if at >= self.done {
            let start = at - text[self.done..at].iter().rev().take_while(|b| is_colon_char(**b)).count();
            let end = at + text[at..].iter().take_while(|b| is_colon_char(**b)).count();
            self.done = end;
            if text[start..end].iter().filter(|b| **b == b':').count() >= 2 {
                found(Token::Colons { start, end });
            }
        }
    }
}

fn is_colon_char(b: u8) -> bool {
    b.is_ascii_hexdigit() || matches!(b, b':' | b'.')
}

/// Whether no part of a run stands in front of `at`.
pub(crate) fn begins_run(text: &[u8], at: usize) -> bool {
    !char_before(text, at)
        .is_some_and(|c| if c.is_ascii() { IN_HOST[c as usize] } else { c.is_alphanumeric() || is_mark(c) })
}

/// Whether an escape can stand in front of `start` and go on behind it.
pub(crate) fn is_escape(text: &[u8], start: usize) -> bool {
    matches!(start.checked_sub(1).map(|i| text[i]), Some(b'%' | b'\\' | b'[' | b';'))
}

/// Where a run can begin: at its first byte, and behind an escape that reaches into it.
pub(crate) fn run_starts(text: &[u8], start: usize, end: usize) -> impl Iterator<Item = usize> {
    let escape = is_escape(text, start);
    let behind = (start + 1..end.min(start + 6)).filter(move |at| escape && behind_escape(text, *at));
    std::iter::once(start).chain(behind)
}

/// Behind the run that begins at `at`, which is looked at for no more than `most` bytes.
pub(crate) fn run_end(text: &[u8], at: usize, most: usize) -> usize {
    let limit = text.len().min(at + most);
    let mut end = at;
    while end < limit {
        match host_char(text, end) {
            0 => break,
            step => end += step,
        }
    }
    end
}

/// The stretches of a run that can be names: between empty labels, without hyphens, dots and underscores at
/// the end or dots and hyphens at the front, holding a dot; where letters of an unspaced script stand in one,
/// the ASCII stretches between them too.
pub(crate) fn names_in(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize)) {
    let piece = |mut a: usize, mut b: usize, found: &mut dyn FnMut(usize, usize)| {
        while a < b && matches!(text[a], b'.' | b'-') {
            a += 1;
        }
        while a < b && matches!(text[b - 1], b'.' | b'-' | b'_') {
            b -= 1;
        }
        if text[a..b].contains(&b'.') {
            found(a, b);
        }
    };
    let mut each = |a: usize, b: usize| {
        piece(a, b, &mut found);
        if !text[a..b].is_ascii() {
            let mut i = a;
            while i < b {
                let length = text[i..b].iter().take_while(|c| c.is_ascii()).count();
                // A dot in front belongs to a longer name; a letter beside it that is written with spaces too.
                let begins = i == a || (text[i] != b'.' && char_before(text, i).is_some_and(is_unspaced));
                let ends = i + length == b || char_at(text, i + length).is_some_and(is_unspaced);
                if length > 0 && begins && ends {
                    piece(i, i + length, &mut found);
                }
                i += length;
                i += text[i..b].iter().take_while(|c| !c.is_ascii()).count();
            }
        }
    };
    let mut from = start;
    let mut i = start;
    while i + 1 < end {
        if text[i] == b'.' && text[i + 1] == b'.' {
            each(from, i);
            from = i + 1;
        }
        i += 1;
    }
    each(from, end);
}

/// The stretches of a run that are strict dotted decimal with a border on both sides: a letter or digit
/// beside it, or beyond a dot beside it, is none; a hyphen, an underscore and `..` are.
pub(crate) fn ipv4_in(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize, Ipv4Addr)) {
    let mut i = start;
    while i < end {
        if !text[i].is_ascii_digit() && text[i] != b'.' {
            i += 1;
            continue;
        }
        let mut from = i;
        let mut bordered = from == start || !is_word(char_before(text, from));
        loop {
            while i < end && (text[i].is_ascii_digit() || (text[i] == b'.' && text.get(i + 1) != Some(&b'.')))
            {
                i += 1;
            }
            let split = i < end && text[i] == b'.';
            let (mut a, mut b) = (from, i);
            while a < b && text[a] == b'.' {
                a += 1;
            }
            while a < b && text[b - 1] == b'.' {
                b -= 1;
            }
            if bordered
                && (7..=15).contains(&(b - a))
                && (split || i == end || !is_word(char_at(text, i)))
                && let Ok(address) = ip::ipv4(std::str::from_utf8(&text[a..b]).unwrap_or_default())
            {
                found(a, b, address);
            }
            if !split {
                break;
            }
            (i, from, bordered) = (i + 1, i + 1, true);
        }
    }
}

/// A stretch of a run without the letters beyond ASCII beside it, and without dots, hyphens and underscores at
/// its ends: where an identifier with separators of its own can stand.
pub(crate) fn identifiers_in(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize)) {
    let mut i = start;
    while i < end {
        let (from, length) = (i, text[i..end].iter().take_while(|b| b.is_ascii()).count());
        i += length.max(1);
        let stretch = &text[from..from + length];
        let Some(first) = stretch.iter().position(u8::is_ascii_alphanumeric) else { continue };
        let last = stretch.iter().rposition(u8::is_ascii_alphanumeric).unwrap_or(first);
        found(from + first, from + last + 1);
    }
}

/// The stretches of letters and digits of a run.
pub(crate) fn words_in(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize)) {
    let mut i = start;
    while i < end {
        let length = text[i..end].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if length > 0 {
            found(i, i + length);
        }
        i += length.max(1);
    }
}

/// What stands in a run of colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colons {
    V6(Ipv6Addr),
    Mac,
}

/// The addresses, of IPv6 or hardware, in a run of colons: the longest from its start, and the longest from
/// behind an escape. Where neither holds one, what stands before the first colon is a label (`src:2001:db8::7`),
/// and the longest behind that colon counts. Dots and colons at the end are not part of an address; where a
/// word goes on behind the run, the last colon is the border.
pub(crate) fn in_colons(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize, Colons)) {
    let run = &text[start..end];
    let (Some(first_colon), Some(last_colon)) =
        (run.iter().position(|b| *b == b':'), run.iter().rposition(|b| *b == b':'))
    else {
        return;
    };
    let goes_on = is_word(char_at(text, end)) || text.get(end) == Some(&b'_');
    let cut = if goes_on { start + last_colon } else { end };
    let mut trimmed = cut;
    while trimmed > start && text[trimmed - 1] == b'.' {
        trimmed -= 1;
    }
    if trimmed > start + 1 && text[trimmed - 1] == b':' && text[trimmed - 2] != b':' {
        trimmed -= 1;
    }
    let mut any = false;
    let mut from = |a: usize, any: &mut bool| {
        let address = [cut, trimmed].into_iter().find_map(|b| Some((b, colon_address(text.get(a..b)?)?)));
        if let Some((b, address)) = address {
            *any = true;
            found(a, b, address);
        }
    };
    let bordered = start == 0 || !(is_word(char_before(text, start)) || text[start - 1] == b'_');
    if bordered {
        from(start, &mut any);
    }
    for a in start..=(start + first_colon).min(start + 6) {
        if (a > start || !bordered) && behind_escape(text, a) {
            from(a, &mut any);
        }
    }
    if !any && !run.starts_with(b"::") {
        from(start + first_colon + 1, &mut any);
    }
}

fn colon_address(piece: &[u8]) -> Option<Colons> {
    if piece.len() > 45 {
        return None;
    }
    let piece = std::str::from_utf8(piece).ok()?;
    let colons = piece.bytes().filter(|c| *c == b':').count();
    let pairs = matches!(colons, 5 | 7) && piece.split(':').all(|group| group.len() == 2);
    if pairs && crate::observable::ident::mac(piece).is_ok() {
        return Some(Colons::Mac);
    }
    let shaped = piece.contains("::") || colons == 7 || (colons == 6 && piece.contains('.'));
    ip::ipv6(piece).ok().filter(|_| shaped).map(Colons::V6)
}

/// An address of IPv6 in groups of hexadecimal digits alone: many times as fast as all its forms.
pub(crate) fn v6(text: &[u8]) -> Option<u128> {
    let mut groups = [0u16; 8];
    let (mut count, mut gap) = (0, None);
    let mut at = 0;
    if text.starts_with(b"::") {
        (gap, at) = (Some(0), 2);
    }
    while at < text.len() {
        let (mut group, from) = (0u32, at);
        while let Some(digit) = text.get(at).and_then(|b| char::from(*b).to_digit(16)) {
            group = group << 4 | digit;
            at += 1;
            if at - from > 4 {
                return None;
            }
        }
        if at == from || count == 8 {
            return None;
        }
        groups[count] = group as u16;
        count += 1;
        match (text.get(at), text.get(at + 1)) {
            (None, _) => break,
            (Some(b':'), Some(b':')) if gap.is_none() => (gap, at) = (Some(count), at + 2),
            (Some(b':'), Some(_)) => at += 1,
            _ => return None,
        }
    }
    match gap {
        Some(gap) if count < 8 => {
            let behind = count - gap;
            groups.copy_within(gap..count, 8 - behind);
            groups[gap..8 - behind].fill(0);
        }
        None if count == 8 => {}
        _ => return None,
    }
    Some(groups.iter().fold(0, |address, group| address << 16 | u128::from(*group)))
}

/// Behind the second address of a range whose hyphen is at `hyphen`.
pub(crate) fn range_end(text: &[u8], hyphen: usize) -> Option<usize> {
    let from = hyphen + 1;
    let mut end = from + text.get(from..)?.iter().take(46).take_while(|b| is_colon_char(**b)).count();
    if is_word(char_at(text, end)) || text.get(end) == Some(&b'_') {
        return None;
    }
    while end > from && matches!(text[end - 1], b'.' | b':') {
        end -= 1;
    }
    (end > from).then_some(end)
}

/// A port behind a host that ends at `at`: `:443`, one to five digits without leading zero, then no letter,
/// digit or underscore.
pub(crate) fn port_after(text: &[u8], at: usize) -> Option<(u16, usize)> {
    if text.get(at) != Some(&b':') {
        return None;
    }
    let digits = text[at + 1..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let end = at + 1 + digits;
    if text.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
        return None;
    }
    let port = crate::observable::endpoint::port(std::str::from_utf8(&text[at + 1..end]).ok()?).ok()?;
    Some((port, end)).filter(|(port, _)| *port > 0)
}

/// A prefix length behind an address that ends at `at`: `/24`, then no letter, digit, dot with digit, or slash.
pub(crate) fn prefix_after(text: &[u8], at: usize, max: u8) -> Option<(u8, usize)> {
    if text.get(at) != Some(&b'/') {
        return None;
    }
    let digits = text[at + 1..].iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    let end = at + 1 + digits;
    if digits == 0 || digits > 3 || (digits > 1 && text[at + 1] == b'0') {
        return None;
    }
    if text
        .get(end)
        .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-' | b'?' | b'%'))
    {
        return None;
    }
    if text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let length: u8 = std::str::from_utf8(&text[at + 1..end]).ok()?.parse().ok()?;
    (length <= max).then_some((length, end))
}

const KNOWN_SCHEMES: [&[u8]; 16] = [
    b"https", b"http", b"ftps", b"sftp", b"ftp", b"wss", b"ws", b"tcp", b"udp", b"ldaps", b"ldap", b"smb",
    b"ssh", b"rtsp", b"socks5", b"irc",
];

/// Where the scheme that ends at the colon `at` begins: the longest known name, else the whole stretch of
/// scheme characters, which begins with a letter.
pub(crate) fn scheme_start(text: &[u8], at: usize) -> Option<usize> {
    let length = text[..at]
        .iter()
        .rev()
        .take(32)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        .count();
    let word = &text[at - length..at];
    let known = KNOWN_SCHEMES
        .iter()
        .filter(|s| word.len() >= s.len() && word[word.len() - s.len()..].eq_ignore_ascii_case(s))
        .map(|s| s.len())
        .max();
    if let Some(known) = known {
        return Some(at - known);
    }
    let from = (0..length.min(6)).rev().find(|n| behind_escape(text, at - length + n)).unwrap_or(0);
    let letter = word[from..].iter().position(u8::is_ascii_alphabetic)?;
    Some(at - length + from + letter)
}

/// Where the authority begins that ends at an `@`, for places that are asked for in order: what was looked at for one
/// is not looked at again for the next.
#[derive(Default)]
pub(crate) struct Authority {
    /// Behind the last byte that is part of no authority, if there is one in the text looked at.
    begin: Option<usize>,
    /// Where the text that was looked at last ends.
    seen: usize,
}

impl Authority {
    /// The colon of the `://` whose host begins at `start`: behind its slashes, or behind the `@` of its authority.
    pub(crate) fn scheme_before(&mut self, text: &[u8], start: usize) -> Option<usize> {
        let from = if text[..start].ends_with(b"@") { self.before(text, start)? } else { start };
        // More slashes than two say nothing, up to a bound.
        let slashes = text[..from].iter().rev().take(10).take_while(|b| matches!(b, b'/' | b'\\')).count();
        let at = (from - slashes).checked_sub(1)?;
        text[at..].starts_with(b"://").then_some(at)
    }

    fn before(&mut self, text: &[u8], start: usize) -> Option<usize> {
        let floor = start.saturating_sub(MAX_URL_BYTES);
        if start < self.seen {
            *self = Authority::default();
        }
        let unseen = floor.max(self.seen);
        let ends = |b: &u8| *b <= b' ' || matches!(b, b'/' | b'\\' | b'?' | b'#' | b'"' | b'<' | b'>' | b'`');
        if let Some(at) = text[unseen..start].iter().rposition(ends) {
            self.begin = Some(unseen + at + 1);
        }
        self.seen = start;
        self.begin.filter(|begin| *begin > floor)
    }
}

/// Where the text of a URL surely ends: white space, a control character, `"`, `<`, `>` or a back-tick, or
/// quotation marks and the like beyond ASCII; or after [`MAX_URL_BYTES`].
pub(crate) fn url_limit(text: &[u8], from: usize) -> usize {
    let limit = text.len().min(from + MAX_URL_BYTES);
    let mut i = from;
    while i < limit {
        if ends_url(text, i) {
            return i;
        }
        i += if text[i].is_ascii() { 1 } else { char_at(text, i).map_or(1, char::len_utf8) };
    }
    i.min(text.len())
}

fn ends_url(text: &[u8], at: usize) -> bool {
    match text[at] {
        b if b.is_ascii() => b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b'`' | 0x7f),
        _ => char_at(text, at).is_none_or(|c| c.is_whitespace() || is_closing(c)),
    }
}

/// Quotation marks and invisible characters beyond ASCII that end a URL.
fn is_closing(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{2060}' | '\u{feff}' | '\u{3000}'..='\u{3002}' | '\u{300c}'..='\u{300f}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}')
}

/// Marks inside a URL at which a listed one may end all the same.
pub(crate) fn is_soft_end(b: u8) -> bool {
    matches!(b, b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'\\' | b'^' | b',' | b';' | b'&')
}

/// Punctuation that is not part of a URL when it comes last.
pub(crate) fn is_trailing(b: u8) -> bool {
    is_soft_end(b) || matches!(b, b'.' | b':' | b'!' | b'?' | b'*')
}

/// Whether a listed URL may end at `at` though the text of the URL goes on: before a mark, or where an unspaced
/// script begins.
pub(crate) fn is_soft_at(text: &[u8], at: usize) -> bool {
    is_soft_end(text[at])
        || (!text[at].is_ascii()
            && at > 0
            && text[at - 1].is_ascii()
            && char_at(text, at).is_some_and(is_unspaced))
}

/// The end of a URL's text without trailing punctuation.
pub(crate) fn url_natural_end(text: &[u8], floor: usize, limit: usize) -> usize {
    floor + text[floor..limit].iter().rposition(|b| !is_trailing(*b)).map_or(0, |n| n + 1)
}

/// Calls `found` for the places from `top` down to `floor` where a URL could end whose text surely ends at
/// `limit`, while it returns `true`: there, at each soft end, and where only punctuation lies before one of these.
pub(crate) fn url_ends(
    text: &[u8],
    floor: usize,
    top: usize,
    limit: usize,
    mut found: impl FnMut(usize) -> bool,
) {
    let at_limit = |at: usize| at == limit && (at == text.len() || ends_url(text, at));
    let ahead = top + text[top..limit].iter().take_while(|b| is_trailing(**b)).count();
    let soft = text[top..ahead].iter().any(|b| is_soft_end(*b));
    let mut open = soft || at_limit(ahead) || (ahead < limit && is_soft_at(text, ahead));
    let mut at = top;
    loop {
        if open && !found(at) {
            return;
        }
        if at <= floor {
            return;
        }
        at -= 1;
        open = is_soft_at(text, at) || (open && is_trailing(text[at]));
    }
}

/// Where the local part of an e-mail address whose `@` is at `at` can begin: where all that RFC 5321 allows
/// begins, where the usual characters begin, behind a letter of an unspaced script, and behind an escape.
pub(crate) fn local_starts(text: &[u8], at: usize, mut found: impl FnMut(usize)) {
    // One more than a local part can have: a start there is none.
    let floor = at.saturating_sub(65);
    let back = |mut from: usize, specials: &[u8]| {
        while from > floor
            && let Some(c) = char_before(text, from)
            && (c.is_alphanumeric()
                || is_mark(c)
                || matches!(c, '.' | '_' | '-' | '+' | '%')
                || (c.is_ascii() && specials.contains(&(c as u8))))
        {
            from -= c.len_utf8();
        }
        from
    };
    let usual = back(at, b"");
    let wide = back(usual, b"!#$&'*/=?^`{|}~");
    if wide < usual {
        found(wide);
    }
    let bare = usual + text[usual..at].iter().take_while(|b| matches!(b, b'.' | b'-')).count();
    if bare < at {
        found(bare);
    }
    for from in bare + 1..at {
        let unspaced = text[from].is_ascii()
            && !text[from - 1].is_ascii()
            && char_before(text, from).is_some_and(is_unspaced);
        if unspaced || behind_escape(text, from) {
            found(from);
        }
    }
}

/// The kind that a label right before a hexadecimal word says it is: `imphash: …`, `"ja3":"…"`, `HASSH=…`.
pub(crate) fn labelled(text: &[u8], at: usize) -> Option<crate::Kind> {
    use crate::Kind;
    let gap = text[..at]
        .iter()
        .rev()
        .take(6)
        .take_while(|b| {
            matches!(b, b' ' | b'\t' | b':' | b'=' | b'"' | b'\'' | b'>' | b'|' | b'`' | b'*' | b'(' | b'[')
        })
        .count();
    let word_end = at - gap;
    if gap == 0 {
        return None;
    }
    let length = text[..word_end]
        .iter()
        .rev()
        .take(20)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        .count();
    let word = std::str::from_utf8(&text[word_end - length..word_end]).ok()?.to_ascii_lowercase();
    let word = word.rsplit('.').next().unwrap_or(&word);
    Some(match word.trim_end_matches("_hash").trim_end_matches("-hash") {
        "imphash" | "imp" => Kind::Imphash,
        "ja3" => Kind::Ja3,
        "ja3s" => Kind::Ja3s,
        "hassh" | "hasshserver" => Kind::Hassh,
        "authentihash" => Kind::Authentihash,
        _ => return None,
    })
}

/// The places of CVE ids that begin in a run; Unicode dashes and underscores can stand for the hyphens.
pub(crate) fn for_each_cve(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize)) {
    let dash = |at: usize| match text.get(at) {
        Some(b'-' | b'_' | b' ') => Some(at + 1),
        Some(0xe2) if text.get(at + 1) == Some(&0x80) && matches!(text.get(at + 2), Some(0x90..=0x95)) => {
            Some(at + 3)
        }
        _ => None,
    };
    let digits =
        |at: usize| text[at.min(text.len())..].iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    // The letter that is seldom leads to them.
    for v in memchr::memchr2_iter(b'v', b'V', &text[start..end]) {
        let Some(i) = (start + v).checked_sub(1).filter(|i| *i >= start && i + 3 <= end) else { continue };
        let bordered = i == start || !text[i - 1].is_ascii_alphanumeric();
        if bordered && text[i..i + 3].eq_ignore_ascii_case(b"cve") {
            let whole = dash(i + 3)
                .filter(|at| digits(*at) == 4)
                .and_then(|at| dash(at + 4))
                .map(|at| (at, digits(at)));
            if let Some((at, n @ 4..=19)) = whole
                && !text.get(at + n).is_some_and(|b| b.is_ascii_alphanumeric())
            {
                found(i, at + n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    #[test]
    fn addresses_of_groups() {
        let mut state = 7u64;
        let mut below = |n: u64| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) % n
        };
        let mut read = 0;
        for _ in 0..200_000 {
            let text: String = (0..1 + below(20))
                .map(|_| [":", "::", "0", "db8", "2001", "F", "1:", "a:", "ffff:", "0:"][below(10) as usize])
                .collect();
            let std = text.parse::<Ipv6Addr>().ok().map(|address| address.to_bits());
            assert_eq!(super::v6(text.as_bytes()), std, "{text}");
            read += usize::from(std.is_some());
        }
        assert!(read > 3_000, "{read}");
    }
}
