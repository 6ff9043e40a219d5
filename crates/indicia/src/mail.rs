//! Mail: where the encoded parts of a message stand, and their bytes decoded with the way back.
//!
//! A message (RFC 5322) is told by its header; a file can hold many, as mbox does. What a message is made of is read by
//! `mail-parser`. The parts in base64 and quoted-printable are decoded here, because a span is one of the encoded bytes;
//! all else of the message is text as it stands, but for the encoded words of headers. One message is held at a time, and
//! of an encoded part four bytes more for each decoded one: less than 200 MiB for the longest message that is read so.

use std::ops::Range;

use mail_parser::{Encoding, Message, MessageParser, PartType};

/// A longer message is read as text.
pub(crate) const MAX_MESSAGE: usize = 32 << 20;

/// Encoded words of a message that are read, those with only white space between them counted as one.
const MAX_WORDS: usize = 4096;

/// Messages inside messages.
const DEPTH: usize = 8;

/// How a part is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Base64,
    QuotedPrintable,
    /// Encoded words of a header (RFC 2047), one behind the other.
    Words,
}

/// A piece of a message: text, or a part that is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) range: Range<usize>,
    pub(crate) coding: Option<Coding>,
}

/// Whether data that begins so is mail: its first line is one of a header or of mbox, and two names that mail has stand
/// in front of lines.
pub(crate) fn is_mail(head: &[u8]) -> bool {
    const NAMES: [&str; 14] = [
        "received:",
        "return-path:",
        "delivered-to:",
        "mime-version:",
        "message-id:",
        "from:",
        "to:",
        "subject:",
        "date:",
        "reply-to:",
        "sender:",
        "content-type:",
        "x-original-to:",
        "authentication-results:",
    ];
    let name = |line: &[u8]| {
        NAMES
            .iter()
            .any(|n| line.get(..n.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(n.as_bytes())))
    };
    let mut lines = head.split(|b| *b == b'\n');
    let Some(first) = lines.next() else { return false };
    let opens = first.starts_with(b"From ") || name(first);
    // The header ends at an empty line.
    let header = lines.take_while(|line| !line.trim_ascii().is_empty());
    let named = header.filter(|line| name(line)).count() + usize::from(name(first));
    opens && named >= 2
}

/// Where the next message of an mbox begins: behind an empty line.
pub(crate) fn next_message(data: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find_iter(&data[from..], b"\nFrom ").map(|at| from + at).find_map(|at| {
        let before = data[..at].strip_suffix(b"\r").unwrap_or(&data[..at]);
        before.ends_with(b"\n").then_some(at + 1)
    })
}

/// The pieces of a message, in order, without a gap; and whether some were left as they are: too many encoded words, or parts
/// that the parser gives up on.
pub(crate) fn segments(message: &[u8]) -> (Vec<Segment>, bool) {
    let mut encoded = Vec::new();
    // What mbox puts in front of a message is none of it.
    let skip = if message.starts_with(b"From ") {
        memchr::memchr(b'\n', message).map_or(0, |newline| newline + 1)
    } else {
        0
    };
    // Built with debug assertions, the parser panics on some nested messages that it reads well without.
    let read = std::panic::catch_unwind(|| MessageParser::default().parse(&message[skip..]));
    let gave_up = read.is_err();
    if let Ok(Some(read)) = read {
        parts(&read, DEPTH, &mut |range, coding| {
            let (from, to) = (skip + range.start, skip + range.end.min(message.len() - skip));
            if from < to {
                encoded.push(Segment { range: from..to, coding: Some(coding) });
            }
        });
    }
    encoded.sort_by_key(|segment| segment.range.start);
    let (mut all, mut words) = (Vec::new(), 0);
    let mut done = 0;
    for segment in encoded {
        if segment.range.start < done {
            continue;
        }
        text(message, done..segment.range.start, &mut all, &mut words);
        done = segment.range.end;
        all.push(segment);
    }
    text(message, done..message.len(), &mut all, &mut words);
    (all, gave_up || words > MAX_WORDS)
}

/// Adds a stretch that is no encoded part: headers and text, cut where encoded words stand.
fn text(message: &[u8], range: Range<usize>, all: &mut Vec<Segment>, words: &mut usize) {
    let limit = &message[..range.end];
    let mut done = range.start;
    let mut add = |range: Range<usize>, coding| {
        if !range.is_empty() {
            all.push(Segment { range, coding });
        }
    };
    for mark in memchr::memmem::find_iter(&message[range.clone()], b"=?") {
        let start = range.start + mark;
        let Some(word) = Word::at(limit, start).filter(|_| start >= done) else { continue };
        *words += 1;
        if *words > MAX_WORDS {
            break;
        }
        let end = Word::run(limit, word).last().map_or(start, |word| word.end);
        add(done..start, None);
        add(start..end, Some(Coding::Words));
        done = end;
    }
    add(done..range.end, None);
}

/// An encoded word of a header: `=?utf-8?B?…?=`.
#[derive(Clone, Debug)]
struct Word {
    is_base64: bool,
    /// What is encoded.
    payload: Range<usize>,
    end: usize,
}

impl Word {
    /// RFC 2047 allows 75 bytes; longer ones are seen.
    const MAX: usize = 1024;

    /// The word that begins at `start`.
    fn at(text: &[u8], start: usize) -> Option<Word> {
        let rest = &text[start..text.len().min(start + Word::MAX)];
        let rest = rest.strip_prefix(b"=?")?;
        let charset =
            rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"-_:.+*()".contains(b)).count();
        let [b'?', coding, b'?', rest @ ..] = &rest[charset..] else { return None };
        let is_base64 = match coding.to_ascii_lowercase() {
            b'b' => true,
            b'q' => false,
            _ => return None,
        };
        let length = rest.iter().take_while(|b| b.is_ascii_graphic() && **b != b'?').count();
        let from = start + 2 + charset + 3;
        (charset > 0 && rest[length..].starts_with(b"?=")).then_some(Word {
            is_base64,
            payload: from..from + length,
            end: from + length + 2,
        })
    }

    /// A word and those behind it: white space between two words is none of what they say.
    fn run(text: &[u8], first: Word) -> impl Iterator<Item = Word> {
        std::iter::successors(Some(first), move |word| {
            let space = text[word.end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            Word::at(text, word.end + space).filter(|_| space > 0)
        })
    }
}

fn parts(message: &Message<'_>, depth: usize, on: &mut dyn FnMut(Range<usize>, Coding)) {
    for part in &message.parts {
        let coding = match part.encoding {
            Encoding::Base64 => Coding::Base64,
            Encoding::QuotedPrintable => Coding::QuotedPrintable,
            Encoding::None => {
                if let PartType::Message(inner) = &part.body
                    && depth > 0
                {
                    parts(inner, depth - 1, on);
                }
                continue;
            }
        };
        on(part.offset_body as usize..part.offset_end as usize, coding);
    }
}

impl Coding {
    /// The name that hits carry.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Coding::Base64 => "base64",
            Coding::QuotedPrintable => "quoted-printable",
            Coding::Words => "encoded-word",
        }
    }

    /// Decodes what is encoded so, with the place of each byte.
    pub(crate) fn decode(self, raw: &[u8], text: &mut Vec<u8>, places: &mut Vec<u32>) {
        text.clear();
        places.clear();
        match self {
            Coding::Base64 => base64(raw, text, places),
            Coding::QuotedPrintable => quoted_printable(raw, text, places),
            Coding::Words => words(raw, text, places),
        }
    }

    /// Behind the encoded bytes of the byte whose place this is.
    pub(crate) fn end_of(self, raw: &[u8], place: usize) -> usize {
        match self {
            // Each byte takes a part of two signs.
            Coding::Base64 => {
                let next = raw[place + 1..].iter().position(|b| sextet(*b).is_some());
                next.map_or(raw.len(), |next| place + next + 2)
            }
            Coding::QuotedPrintable => place + escape(&raw[place..]).map_or(1, |_| 3),
            Coding::Words => {
                let word =
                    Word::at(raw, 0).and_then(|first| Word::run(raw, first).find(|word| place < word.end));
                match word {
                    Some(Word { is_base64: true, payload, .. }) => {
                        payload.start + Coding::Base64.end_of(&raw[payload.clone()], place - payload.start)
                    }
                    _ => Coding::QuotedPrintable.end_of(raw, place),
                }
            }
        }
    }
}

fn sextet(b: u8) -> Option<u32> {
    Some(
        match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }
        .into(),
    )
}

fn base64(raw: &[u8], text: &mut Vec<u8>, places: &mut Vec<u32>) {
    let (mut bits, mut count, mut last) = (0u32, 0, 0);
    for (at, b) in raw.iter().enumerate() {
        let Some(six) = sextet(*b) else {
            // Padding ends a value; another may follow.
            if *b == b'=' {
                (bits, count) = (0, 0);
            }
            continue;
        };
        bits = bits << 6 | six;
        count += 6;
        if count >= 8 {
            count -= 8;
            text.push((bits >> count) as u8);
            places.push(last);
            bits &= (1 << count) - 1;
        }
        last = at as u32;
    }
}

/// The byte that an escape at the beginning of a text stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'=', high, low, ..] = text else { return None };
    let digit = |b: &u8| (*b as char).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

fn quoted_printable(raw: &[u8], text: &mut Vec<u8>, places: &mut Vec<u32>) {
    let mut at = 0;
    while at < raw.len() {
        let rest = &raw[at..];
        let (read, length) = match rest {
            [b'=', b'\r', b'\n', ..] => (None, 3),
            [b'=', b'\n', ..] => (None, 2),
            _ => escape(rest).map_or((Some(rest[0]), 1), |byte| (Some(byte), 3)),
        };
        if let Some(byte) = read {
            text.push(byte);
            places.push(at as u32);
        }
        at += length;
    }
}

fn words(raw: &[u8], text: &mut Vec<u8>, places: &mut Vec<u32>) {
    let Some(first) = Word::at(raw, 0) else { return };
    for Word { is_base64, payload, .. } in Word::run(raw, first) {
        let (begun, part) = (text.len(), &raw[payload.clone()]);
        if is_base64 {
            base64(part, text, places);
        } else {
            quoted_printable(part, text, places);
            text[begun..].iter_mut().filter(|b| **b == b'_').for_each(|b| *b = b' ');
        }
        places[begun..].iter_mut().for_each(|place| *place += payload.start as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "Return-Path: <a@example.org>\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n\
        Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        see http://bad.exam=\r\nple/?a=3Db now\r\n--b\r\n\
        Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        PGEgaHJlZj0iaHR0cDov\r\nL2V2aWwuZXhhbXBsZS94\r\nIj54PC9hPg==\r\n--b\r\n\r\nplain.example\r\n--b--\r\n";

    #[test]
    fn mail_is_told_by_its_header() {
        assert!(is_mail(MAIL.as_bytes()));
        assert!(is_mail(b"From a@b Mon\nFrom: a\nTo: b\n"));
        for text in [
            "Subject: x\nhello\n",
            "From here on\nit rains\n",
            "",
            "to: a\n\nfrom: b\n",
            "key: 1\nvalue: 2\n",
        ] {
            assert!(!is_mail(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn encoded_parts_are_decoded_with_their_places() {
        let raw = MAIL.as_bytes();
        let (all, _) = segments(raw);
        let mut at = 0;
        for segment in &all {
            assert_eq!(segment.range.start, at);
            at = segment.range.end;
        }
        assert_eq!(at, raw.len());
        let encoded: Vec<_> = all.iter().filter_map(|s| Some((s.range.clone(), s.coding?))).collect();
        assert_eq!(encoded.len(), 2, "{all:?}");
        let found = |n: usize, wanted: &str| {
            let (range, coding) = &encoded[n];
            let (mut text, mut places) = (Vec::new(), Vec::new());
            let part = &raw[range.clone()];
            coding.decode(part, &mut text, &mut places);
            assert_eq!(text.len(), places.len());
            let from = memchr::memmem::find(&text, wanted.as_bytes()).unwrap();
            let last = places[from + wanted.len() - 1] as usize;
            std::str::from_utf8(&part[places[from] as usize..coding.end_of(part, last)]).unwrap().to_string()
        };
        assert_eq!(found(0, "http://bad.example/?a=b"), "http://bad.exam=\r\nple/?a=3Db");
        assert_eq!(found(1, "http://evil.example/x"), "aHR0cDov\r\nL2V2aWwuZXhhbXBsZS94");
    }

    #[test]
    fn encoded_words_of_a_header() {
        let raw = "Subject: Re: =?utf-8?Q?see_http:=2F=2Fbad.exam?=\r\n =?utf-8?q?ple/x_now?= and =?ISO-8859-1?B?ZXZpbC5leGFtcGxl?= =?x\r\n\r\nb =?utf-8?Z?x?=\r\n";
        let (all, _) = segments(raw.as_bytes());
        let read: Vec<(String, Option<Coding>)> = (all.iter())
            .map(|s| {
                let part = &raw.as_bytes()[s.range.clone()];
                let (mut text, mut places) = (Vec::new(), Vec::new());
                match s.coding {
                    Some(coding) => coding.decode(part, &mut text, &mut places),
                    None => text = part.to_vec(),
                }
                for (place, byte) in places.iter().zip(&text) {
                    let end = Coding::Words.end_of(part, *place as usize);
                    assert!(end > *place as usize && (byte.is_ascii_graphic() || *byte == b' '));
                }
                (String::from_utf8(text).unwrap(), s.coding)
            })
            .collect();
        let words = Some(Coding::Words);
        assert_eq!(
            read.iter().map(|(text, _)| text.as_str()).collect::<String>(),
            "Subject: Re: see http://bad.example/x now and evil.example =?x\r\n\r\nb =?utf-8?Z?x?=\r\n"
        );
        assert_eq!(
            read.iter().map(|(_, coding)| *coding).collect::<Vec<_>>(),
            [None, words, None, words, None]
        );
    }

    #[test]
    fn messages_inside_messages() {
        let inner = "From: e@a.example\nSubject: y\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\
                     Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naHR0cDovL2V2aWwuZXhhbXBsZS94\n--i--\n";
        let behind =
            "--o\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nbad.exam=\nple\n";
        for (depth, behind, wanted) in [(1, "", 1), (2, "", 1), (2, behind, 2), (5, "", 1), (5, behind, 2)] {
            let raw = format!(
                "From: a@b.example\nSubject: x\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\
                 Content-Type: message/rfc822\n\n{}{inner}\n{behind}--o--\n",
                "From: c@d.example\nContent-Type: message/rfc822\n\n".repeat(depth - 1)
            );
            let (all, left) = segments(raw.as_bytes());
            assert_eq!(all.iter().filter(|segment| segment.coding.is_some()).count(), wanted, "{raw}");
            assert!(!left);
        }
    }

    #[test]
    fn messages_of_an_mbox() {
        let data = b"From a\nx\n\nFrom b\nFrom c\n\r\nFrom d\n";
        assert_eq!(next_message(data, 0), Some(10));
        assert_eq!(next_message(data, 11), Some(26));
        assert_eq!(next_message(data, 27), None);
    }
}
