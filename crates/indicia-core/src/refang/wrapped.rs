//! Values that a line ends in the middle of: hashes, and URLs in lines that are as long as wrapped ones are.
//!
//! A hash is taken where the pieces together have the length of a digest, and the first one alone has not. A URL goes on where
//! its line ends with a mark that none ends with, or where what follows looks like a path or query and like no host: next
//! lines of a list, and the rest of a sentence, are not part of it. Mail's `>` in front of a line is none of the value.

use super::{View, is_listed_tld};
use crate::Kind;
use crate::extract::lex;

/// Lines of one value.
const LINES: usize = 8;
/// A shorter line was not wrapped.
const WRAPPED: usize = 40;
/// Of a digest in hexadecimal.
const LONGEST_DIGEST: usize = 128;
/// A shorter piece begins no hash.
const SHORTEST_PIECE: usize = 8;

impl View {
    /// Reads values that go on in the next line as if it were one; `None` where there is none.
    pub(crate) fn wrapped(raw: &[u8]) -> Option<View> {
        let mut view = View::default();
        let mut done = 0;
        let mut behind = 0;
        for newline in memchr::memchr_iter(b'\n', raw) {
            if newline < behind {
                continue;
            }
            for (from, to) in hash(raw, newline).or_else(|| url(raw, newline)).unwrap_or_default() {
                view.replace(raw, &mut done, (from, to), "", false);
                behind = to;
            }
        }
        if view.edits.is_empty() {
            return None;
        }
        view.text.extend_from_slice(&raw[done..]);
        Some(view)
    }
}

/// Whether a value can go on behind a newline: a text is not cut there. What stands behind the text is unknown.
pub fn may_go_on(text: &[u8], mut newline: usize) -> bool {
    match next_line(text, newline) {
        // A line that is empty, or begins with what is a URL of its own.
        None if newline + 1 < text.len() => return false,
        Some(next) if memchr::memmem::find(&text[next..next + token(text, next)], b"://").is_some() => {
            return false;
        }
        _ => {}
    }
    for _ in 0..LINES {
        let end = line_end(text, newline);
        if hash_piece(text, end).is_some() || url_piece(text, end).is_some() {
            return true;
        }
        let start = memchr::memrchr(b'\n', &text[..newline]).map_or(0, |at| at + 1);
        let own = text[start..end].trim_ascii_start();
        // Neither a line of several words is the middle of a value, nor one with a URL of its own.
        let middle = !own.iter().any(|b| *b <= b' ') && memchr::memmem::find(own, b"://").is_none();
        if start == 0 || own.is_empty() || !middle {
            return false;
        }
        newline = start - 1;
    }
    false
}

fn line_end(text: &[u8], newline: usize) -> usize {
    newline - usize::from(text[..newline].ends_with(b"\r"))
}

/// Where the next line begins, behind what is put in front of it.
fn next_line(text: &[u8], newline: usize) -> Option<usize> {
    let rest = &text[newline + 1..];
    let front = rest.iter().take(16).take_while(|b| matches!(b, b' ' | b'\t' | b'>')).count();
    let start = newline + 1 + front;
    text.get(start).is_some_and(|b| *b > b' ').then_some(start)
}

/// The newline that ends a line at `end`.
fn newline_at(text: &[u8], end: usize) -> Option<usize> {
    match &text[end..] {
        [b'\n', ..] => Some(end),
        [b'\r', b'\n', ..] => Some(end + 1),
        _ => None,
    }
}

/// The length of what a URL could go on with.
fn token(text: &[u8], from: usize) -> usize {
    let limit = text.len().min(from + lex::MAX_URL_BYTES);
    text[from..limit]
        .iter()
        .take_while(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'`'))
        .count()
}

/// The length of the hexadecimal word at the end of a line that can be the beginning of a hash.
fn hash_piece(text: &[u8], end: usize) -> Option<usize> {
    let word =
        text[..end].iter().rev().take(LONGEST_DIGEST).take_while(|b| b.is_ascii_alphanumeric()).count();
    let start = end - word;
    let fits = (SHORTEST_PIECE..LONGEST_DIGEST).contains(&word)
        && Kind::of_digest_length(word).is_none()
        && text[start..end].iter().all(u8::is_ascii_hexdigit)
        && lex::begins_run(text, start);
    fits.then_some(word)
}

/// What stands between the pieces of a hash whose first line ends at `newline`.
fn hash(text: &[u8], mut newline: usize) -> Option<Vec<(usize, usize)>> {
    let mut end = line_end(text, newline);
    let mut length = hash_piece(text, end)?;
    let mut between = Vec::new();
    for _ in 1..LINES {
        let start = next_line(text, newline)?;
        let word =
            text[start..].iter().take(LONGEST_DIGEST).take_while(|b| b.is_ascii_alphanumeric()).count();
        length += word;
        if word == 0
            || length > LONGEST_DIGEST
            || !text[start..start + word].iter().all(u8::is_ascii_hexdigit)
        {
            return None;
        }
        between.push((end, start));
        end = start + word;
        let border = text.get(end).is_none_or(|b| b.is_ascii() && !matches!(b, b'-' | b'_'));
        if border && Kind::of_digest_length(length).is_some() {
            return Some(between);
        }
        newline = newline_at(text, end)?;
    }
    None
}

/// The last byte of a line that ends inside a URL which begins in it.
fn url_piece(text: &[u8], end: usize) -> Option<u8> {
    let from = end.saturating_sub(lex::MAX_URL_BYTES);
    let line = memchr::memrchr(b'\n', &text[from..end]).map_or(from, |at| from + at + 1);
    let outside = |b: &u8| !b.is_ascii_graphic() || matches!(b, b'"' | b'<' | b'>' | b'`');
    let start = text[line..end].iter().rposition(outside).map_or(line, |at| line + at + 1);
    let at = start + memchr::memmem::rfind(&text[start..end], b"://")?;
    (end - line >= WRAPPED && end > at + 3).then_some(())?;
    lex::scheme_start(text, at)?;
    text[end - 1..end].iter().copied().find(|b| goes_on_behind(*b))
}

/// Whether a piece of a URL can end with a byte: a closing mark is that of the sentence.
fn goes_on_behind(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"/-_=&?%+#~".contains(&b)
}

/// What stands between the pieces of a URL whose first line ends at `newline`.
fn url(text: &[u8], mut newline: usize) -> Option<Vec<(usize, usize)>> {
    let mut end = line_end(text, newline);
    let mut last = url_piece(text, end)?;
    let mut between = Vec::new();
    while between.len() + 1 < LINES {
        let Some(start) = next_line(text, newline) else { break };
        let piece = &text[start..start + token(text, start)];
        if !goes_on_with(piece, last) {
            break;
        }
        between.push((end, start));
        end = start + piece.len();
        last = piece[piece.len() - 1];
        match newline_at(text, end) {
            Some(at) if piece.len() >= WRAPPED && goes_on_behind(last) => newline = at,
            _ => break,
        }
    }
    (!between.is_empty()).then_some(between)
}

/// Whether a piece goes on with a URL that ends its line with `last`.
fn goes_on_with(piece: &[u8], last: u8) -> bool {
    let Some(first) = piece.first() else { return false };
    let begins = first.is_ascii_alphanumeric() || b"/-_=&?%+#~.".contains(first);
    if !begins || memchr::memmem::find(piece, b"://").is_some() {
        return false;
    }
    if b"-_=&?%+".contains(&last) || (b"/=&?%".contains(first) && piece.len() > 1) {
        return true;
    }
    // A host begins a URL or an entry of its own.
    let host = piece.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')).count();
    let name = String::from_utf8_lossy(&piece[..host]).to_ascii_lowercase();
    let tld = name.trim_end_matches('.').rsplit_once('.').map(|(_, tld)| tld);
    let is_host = tld.is_some_and(|tld| is_listed_tld(tld) || tld.bytes().all(|b| b.is_ascii_digit()));
    !is_host && piece.iter().any(|b| b"/=&%?_".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExtractOptions, extract};

    fn values(text: &str, wrapped: bool) -> Vec<(String, String)> {
        let options = ExtractOptions { wrapped, ..ExtractOptions::default() };
        let found = extract(text.as_bytes(), &options);
        found.into_iter().map(|e| (e.value, text[e.start..e.end].to_string())).collect()
    }

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn hashes_and_urls_go_on() {
        let (a, b) = SHA256.split_at(40 - 3);
        for (text, value) in [
            (format!("sha256: {a}\n{b}\nnext"), SHA256),
            (format!("> {a}\r\n> {b}."), SHA256),
            (format!("{}\n  {}\n  {}", &SHA256[..30], &SHA256[30..50], &SHA256[50..]), SHA256),
            (
                "the sample is fetched from http://bad.example/files/\nload.php?id=1&x=2 and run".into(),
                "http://bad.example/files/load.php?id=1&x=2",
            ),
            (
                "it then connects to https://bad.example/gate?key=\nabcdef, and waits".into(),
                "https://bad.example/gate?key=abcdef",
            ),
            (
                "> it then connects to hxxps://bad[.]example/some-long-\n> name.html.\n".into(),
                "https://bad.example/some-long-name.html",
            ),
        ] {
            let found = values(&text, true);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].0, value, "{text}");
            assert!(found[0].1.contains('\n'));
            assert!(!values(&text, false).iter().any(|(found, _)| found == value));
        }
    }

    #[test]
    fn lists_and_sentences_do_not() {
        let md5 = &SHA256[..32];
        for text in [
            format!("{md5}\n{md5}\n"),
            format!("{}\n{}", &SHA256[..31], &SHA256[31..62]),
            format!("{}x\n{}", &SHA256[..31], &SHA256[..1]),
            "http://bad.example/a/path/that/is/long/enough\nhttp://bad.example/b\n".into(),
            "http://bad.example/a/path/that/is/long/enough\nother.example/b_c\n".into(),
            "http://bad.example/a/path/that/is/long/enough\n192.0.2.7/b_c\n".into(),
            "they got it from http://bad.example/a/path/\nand then they ran it".into(),
            "they got it from http://bad.example/a/path/that.\nSome_thing/else".into(),
            "http://bad.example/\nload.php?id=1".into(),
            "a long line in which stands http://bad.example/\n\nload.php?id=1".into(),
        ] {
            assert_eq!(values(&text, true), values(&text, false), "{text}");
        }
    }

    #[test]
    fn texts_are_cut_where_no_value_goes_on() {
        let (a, b) = SHA256.split_at(30);
        let text = format!(
            "one\n{a}\n{b}\ntwo three\nhttp://bad.example/a/path/that/is/long/enough\nhttp://bad.example/b\nx\n"
        );
        let cuts: Vec<&str> = memchr::memchr_iter(b'\n', text.as_bytes())
            .filter(|at| !may_go_on(text.as_bytes(), *at))
            .map(|at| text[..at].rsplit('\n').next().unwrap())
            .collect();
        assert_eq!(
            cuts,
            [
                "one",
                "two three",
                "http://bad.example/a/path/that/is/long/enough",
                "http://bad.example/b",
                "x"
            ]
        );
        // The rest of the line is not there yet.
        assert!(may_go_on(b"0123456789abcdef01\n", 18) && may_go_on(b"0123456789abcdef01\nab\n", 21));
    }
}
