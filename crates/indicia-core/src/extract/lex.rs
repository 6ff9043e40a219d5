//! Where values can stand in bytes: one pass that finds runs, colons, at signs and scheme marks, and the
//! questions that both extraction and matching ask about their surroundings.
//!
//! Nothing here decides what a value is. A *run* is a maximal stretch of letters, digits, `.`, `-`, `_` and
//! letters beyond ASCII; everything else is a border. Work is linear in the bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::observable::ip;

/// No URL is looked for beyond this many bytes after its host begins.
pub(crate) const MAX_URL_BYTES: usize = 8 * 1024;
/// Of the places where a URL could end, this many are tried, longest first.
pub(crate) const MAX_URL_ENDS: usize = 32;

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

/// Length of the host character at `i`, or 0 for a border.
fn host_char(text: &[u8], i: usize) -> usize {
    let b = text[i];
    if b.is_ascii() {
        return usize::from(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
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
pub(crate) fn tokens(text: &[u8], mut found: impl FnMut(Token)) {
    let mut i = 0;
    let mut colons_done = 0;
    while i < text.len() {
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
            b':' if text[i..].starts_with(b"://") => {
                found(Token::Scheme { at: i });
                i += 3;
            }
            b':' => {
                if i >= colons_done {
                    let start = i - text[colons_done..i].iter().rev().take_while(|b| is_colon_char(**b)).count();
                    let end = i + text[i..].iter().take_while(|b| is_colon_char(**b)).count();
                    colons_done = end;
                    if text[start..end].iter().filter(|b| **b == b':').count() >= 2 {
                        found(Token::Colons { start, end });
                    }
                }
                i += 1;
            }
            b'@' => {
                found(Token::At { at: i });
                i += 1;
            }
            _ => i += 1,
        }
    }
}

fn is_colon_char(b: u8) -> bool {
    b.is_ascii_hexdigit() || matches!(b, b':' | b'.')
}

/// Where a run can begin: at its first byte, and behind an escape (`\n`, `\u003d`, `%2F`) that reaches into it.
pub(crate) fn run_starts(text: &[u8], start: usize, end: usize) -> [Option<usize>; 2] {
    let run = &text[start..end];
    let hex = |n: usize| run.len() > n && run[..n].iter().all(u8::is_ascii_hexdigit);
    let skip = match start.checked_sub(1).map(|i| text[i]) {
        Some(b'%') if hex(2) => 2,
        Some(b'\\') => match run[0] {
            b'u' if run.len() > 5 && run[1..5].iter().all(u8::is_ascii_hexdigit) => 5,
            b'x' if run.len() > 3 && run[1..3].iter().all(u8::is_ascii_hexdigit) => 3,
            b'n' | b'r' | b't' | b'b' | b'f' if run.len() > 1 => 1,
            _ => 0,
        },
        _ => 0,
    };
    [Some(start), (skip > 0).then_some(start + skip)]
}

/// The stretches of a run that can be names: between empty labels, without hyphens, dots and underscores at
/// the end or dots and hyphens at the front, holding a dot; where letters beyond ASCII stand in one, its ASCII
/// stretches too.
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
                if length > 0 {
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
/// beside it, or a dot with a letter behind, is none; a hyphen or underscore is one.
pub(crate) fn ipv4_in(text: &[u8], start: usize, end: usize, mut found: impl FnMut(usize, usize, Ipv4Addr)) {
    let mut i = start;
    while i < end {
        if !text[i].is_ascii_digit() && text[i] != b'.' {
            i += 1;
            continue;
        }
        let from = i;
        while i < end && (text[i].is_ascii_digit() || text[i] == b'.') {
            i += 1;
        }
        let is_letter = |b: u8| b.is_ascii_alphabetic() || !b.is_ascii();
        let letter_before = from > start && is_letter(text[from - 1]);
        let letter_after = i < end && is_letter(text[i]);
        let (mut a, mut b) = (from, i);
        while a < b && text[a] == b'.' {
            a += 1;
        }
        while a < b && text[b - 1] == b'.' {
            b -= 1;
        }
        if letter_before || letter_after || !(7..=15).contains(&(b - a)) {
            continue;
        }
        if let Ok(address) = ip::ipv4(std::str::from_utf8(&text[a..b]).unwrap_or_default()) {
            found(a, b, address);
        }
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

/// The longest address, of IPv6 or hardware, in a run of colons. It begins at the run's start, or behind its
/// first colon where a letter or digit stands in front or that colon comes first; it ends at the run's end,
/// without trailing dots and colons.
pub(crate) fn in_colons(text: &[u8], start: usize, end: usize) -> Option<(usize, usize, Colons)> {
    let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii());
    let before = start.checked_sub(1).and_then(|i| text.get(i));
    // `%3A` and `\n` in front are escapes, not letters of the value; a colon run cannot tell, a word border can.
    let first_colon = start + text[start..end].iter().position(|b| *b == b':')?;
    let mut starts = [None, None];
    if !is_word(before) && before != Some(&b'-') {
        starts[0] = Some(start);
    }
    if !text[start..end].starts_with(b"::") {
        starts[1] = Some(first_colon + 1);
    }
    let mut cut = end;
    if is_word(text.get(end)) {
        // A word goes on: the last colon before it is the border.
        cut = start + text[start..end].iter().rposition(|b| *b == b':')?;
    }
    let trimmed = |mut b: usize| {
        while b > start && text[b - 1] == b'.' {
            b -= 1;
        }
        if b > start + 1 && text[b - 1] == b':' && text[b - 2] != b':' {
            b -= 1;
        }
        b
    };
    for a in starts.into_iter().flatten() {
        for b in [cut, trimmed(cut)] {
            if a >= b || b - a > 45 {
                continue;
            }
            let Ok(piece) = std::str::from_utf8(&text[a..b]) else { continue };
            let colons = piece.bytes().filter(|c| *c == b':').count();
            let pairs = matches!(colons, 5 | 7) && piece.split(':').all(|group| group.len() == 2);
            if pairs && crate::observable::ident::mac(piece).is_ok() {
                return Some((a, b, Colons::Mac));
            }
            if (piece.contains("::") || colons == 7 || (colons == 6 && piece.contains('.')))
                && let Ok(address) = ip::ipv6(piece)
            {
                return Some((a, b, Colons::V6(address)));
            }
        }
    }
    None
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
    if text.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-' | b'?' | b'%')) {
        return None;
    }
    if text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let length: u8 = std::str::from_utf8(&text[at + 1..end]).ok()?.parse().ok()?;
    (length <= max).then_some((length, end))
}

const KNOWN_SCHEMES: [&[u8]; 16] = [
    b"https", b"http", b"ftps", b"sftp", b"ftp", b"wss", b"ws", b"tcp", b"udp", b"ldaps", b"ldap", b"smb", b"ssh", b"rtsp",
    b"socks5", b"irc",
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
    let letter = word.iter().position(u8::is_ascii_alphabetic)?;
    Some(at - length + letter)
}

/// Where the text of a URL surely ends: white space, a control character, `"`, `<`, `>` or a back-tick.
pub(crate) fn url_limit(text: &[u8], from: usize) -> usize {
    let mut i = from;
    let limit = text.len().min(from + MAX_URL_BYTES);
    while i < limit {
        let b = text[i];
        if b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b'`' | 0x7f) {
            break;
        }
        if !b.is_ascii() {
            match decode(&text[i..]) {
                Some(c) if !c.is_whitespace() && !is_closing(c) => i += c.len_utf8(),
                _ => break,
            }
            continue;
        }
        i += 1;
    }
    i.min(limit)
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

/// The places where a URL whose host ends at `host_end` could end, longest first: the limit, each soft end
/// behind the host, and each of these without trailing punctuation. `false` when there are too many.
pub(crate) fn url_ends(text: &[u8], host_end: usize, limit: usize, mut found: impl FnMut(usize)) -> bool {
    let mut tried = 0;
    let mut end = limit;
    loop {
        let mut trimmed = end;
        while trimmed > host_end && is_trailing(text[trimmed - 1]) {
            trimmed -= 1;
        }
        found(end);
        if trimmed < end {
            found(trimmed);
        }
        tried += 1;
        let Some(cut) = text[host_end..trimmed].iter().rposition(|b| is_soft_end(*b)) else { return true };
        end = host_end + cut;
        if tried >= MAX_URL_ENDS {
            return false;
        }
    }
}

/// Where the local part of an e-mail address whose `@` is at `at` can begin: after the usual characters, after
/// all that RFC 5321 allows, and behind an escape.
pub(crate) fn local_starts(text: &[u8], at: usize, mut found: impl FnMut(usize)) {
    let floor = at.saturating_sub(64);
    let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'%') || !b.is_ascii();
    let mut a = at;
    while a > floor && usual(text[a - 1]) {
        a -= 1;
    }
    let mut b = a;
    while b > floor && (usual(text[b - 1]) || b"!#$&'*/=?^`{|}~".contains(&text[b - 1])) {
        b -= 1;
    }
    if b < a {
        found(b);
    }
    while a < at && matches!(text[a], b'.' | b'-') {
        a += 1;
    }
    if a < at {
        found(a);
        if let [_, Some(behind)] = run_starts(text, a, at) {
            found(behind);
        }
        if let Some(percent) = text[a..at].iter().rposition(|b| *b == b'%')
            && a + percent + 3 < at
        {
            found(a + percent + 3);
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
        .take_while(|b| matches!(b, b' ' | b'\t' | b':' | b'=' | b'"' | b'\'' | b'>' | b'|' | b'`' | b'*' | b'(' | b'['))
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
