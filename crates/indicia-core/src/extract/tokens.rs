//! The tokens of a text that an observable can begin at, by rows of bits (see [`crate::scan::classes`]).
//!
//! Most of a text is words, and hardly a word is part of an observable. Here they are passed over sixty-four bytes at a
//! time; [`lex::tokens`] finds every token, a byte after the other, and is the twin of this in the tests.

use super::lex::{self, Token};
use crate::scan::classes::{ALNUM, COLON, DOT, HIGH, HOST, LETTER, Rows, SLASH};
use crate::scan::simd::Level;

/// No shorter word without a digit and a hyphen is an identifier.
pub(super) const LONG_WORD: usize = 25;

/// The rows of a text, and what they do not say.
#[derive(Default)]
pub(super) struct Tokens {
    rows: Rows,
    /// At signs.
    ats: Vec<u64>,
    /// The byte of a word that a backslash ends, or a colon or percent sign and a backslash.
    keys: Vec<u64>,
}

impl Tokens {
    /// Looks at another text.
    pub(super) fn read(&mut self, text: &[u8], level: Level) {
        self.rows.make_room(text.len());
        level.classify(text, &mut self.rows);
        for bits in [&mut self.ats, &mut self.keys] {
            bits.clear();
            bits.resize(self.rows.count, 0);
        }
        let set = |bits: &mut Vec<u64>, at: usize| bits[at / 64] |= 1 << (at % 64);
        for at in memchr::memchr2_iter(b'@', b'\\', text) {
            if text[at] == b'@' {
                set(&mut self.ats, at);
            } else if at > 0 {
                let word_end = at - usize::from(matches!(text[at - 1], b':' | b'%'));
                set(&mut self.keys, word_end.saturating_sub(1));
            }
        }
    }

    /// Calls `found` for every token of the text that was read but for words which nothing can begin at: those without a
    /// digit, a dot, a hyphen and an underscore that are short and no part of a path or key.
    pub(super) fn each(&self, text: &[u8], mut found: impl FnMut(Token)) {
        let rows = &self.rows;
        let mut runs_done = 0;
        let mut colons = lex::ColonRuns::default();
        for number in 0..rows.count {
            let (before, row, behind) = (rows.before(number), rows.row(number), rows.row(number + 1));
            let host = row[HOST];
            // A slash with no name in front of it: that of a path, behind which its first name stands.
            let first = |slash: u64, behind_name: u64| slash & !behind_name;
            let roots = first(row[SLASH], host << 1 | before[HOST] >> 63) << 1
                | first(before[SLASH], before[HOST] << 1) >> 63;
            let unusual = !row[LETTER] | !row[ALNUM] | long_runs(host, behind[HOST]);
            let mut places = host & (unusual | roots | self.keys[number]) | row[COLON] | self.ats[number];
            while places != 0 {
                let bit = places.trailing_zeros() as usize;
                let at = number * 64 + bit;
                places &= places - 1;
                if host >> bit & 1 == 0 {
                    match text[at] {
                        b'@' => found(Token::At { at }),
                        _ => colons.at(text, at, &mut found),
                    }
                } else if at >= runs_done {
                    let (start, end) = (rows.start(HOST, at + 1), rows.end(HOST, at));
                    runs_done = end;
                    if rows.has(HIGH, start, end) {
                        // Not all that is beyond ASCII is part of a word.
                        lex::tokens_in(text, start, end, &mut found);
                    } else {
                        found(Token::Run { start, end, dots: rows.has(DOT, start, end) });
                    }
                }
            }
        }
    }
}

/// The places of a row where a run of [`LONG_WORD`] bytes begins.
fn long_runs(row: u64, behind: u64) -> u64 {
    let mut runs = u128::from(behind) << 64 | u128::from(row);
    let mut length = 1;
    while length < LONG_WORD {
        let more = length.min(LONG_WORD - length);
        runs &= runs >> more;
        length += more;
    }
    runs as u64
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::extract::extract_at;
    use crate::{ExtractOptions, Extraction};

    /// Texts of pieces that collide: borders of all sorts, words, what is beyond ASCII, and what can be an observable.
    fn text(state: &mut u64) -> Vec<u8> {
        const PIECES: [&str; 62] = [
            " ",
            " ",
            "\n",
            "/",
            "/",
            "\\",
            "\\\\",
            ":",
            "::",
            "://",
            "@",
            ".",
            "..",
            "-",
            "_",
            "%",
            "%2F",
            "\\n",
            "[",
            "]",
            ",",
            ";",
            "\"",
            "=",
            "~/",
            "AS",
            "AS ",
            "ASN ",
            "CVE",
            "cve-2021-",
            "word",
            "Words",
            "aVeryLongWordOfLettersWithoutEnd",
            "HKLM",
            "HKCU:",
            "C:",
            "etc",
            "/usr/bin",
            "tmp",
            "64496",
            "4",
            "192.0.2.7",
            "2001:db8::1",
            "12:30:45",
            "bad.example",
            "a.b.com",
            "bad[.]example",
            "hxxp",
            "https",
            "T1059.001",
            "S0002",
            "0123456789abcdef0123456789abcdef",
            "00-1A-2b-3C-4D-5E",
            "é",
            "—",
            "漢字",
            "\u{200b}",
            "x@y.com",
            "main.py",
            "\u{1b}[31m",
            "3:AbCdEfGhIjK:LmNoPqRsT",
            "%APPDATA%",
        ];
        let mut next = |below: usize| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 33) as usize % below
        };
        let mut text = vec![b' '; next(70)];
        for _ in 0..next(40) {
            text.extend_from_slice(PIECES[next(PIECES.len())].as_bytes());
            if next(25) == 0 {
                text.push(next(256) as u8);
            }
        }
        text
    }

    fn found(level: Level, text: &[u8], options: &ExtractOptions) -> Vec<Extraction> {
        let mut found = Vec::new();
        let _ = extract_at(level, &Default::default(), text, options, &mut |e| {
            found.push(e);
            ControlFlow::Continue(())
        });
        found
    }

    #[test]
    fn rows_lead_to_what_reading_every_token_finds() {
        let mut state = 7;
        let mut tokens = Tokens::default();
        let all = ExtractOptions { nested: true, explain: true, ..ExtractOptions::default() };
        let (mut extracted, mut passed_over) = (0, 0);
        for _ in 0..20_000 {
            let text = text(&mut state);
            let mut slow = Vec::new();
            lex::tokens(&text, |token| slow.push(token));
            for options in [&ExtractOptions::default(), &all] {
                let plain = found(Level::Plain, &text, options);
                extracted += plain.len();
                for level in Level::available() {
                    assert_eq!(
                        found(level, &text, options),
                        plain,
                        "{level:?} {:?}",
                        String::from_utf8_lossy(&text)
                    );
                }
            }
            for level in Level::available().filter(|level| *level != Level::Plain) {
                let mut fast = Vec::new();
                tokens.read(&text, level);
                tokens.each(&text, |token| fast.push(token));
                // In the same order, and all but words.
                let mut rest = slow.iter();
                for token in &fast {
                    let before = rest.by_ref().take_while(|other| *other != token);
                    for missing in before {
                        let Token::Run { start, end, dots: false } = *missing else {
                            panic!("{missing:?} is missing")
                        };
                        let word = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
                        assert!(
                            end - start < LONG_WORD && text[start..end].iter().all(word),
                            "{missing:?} is missing"
                        );
                        passed_over += 1;
                    }
                }
            }
        }
        assert!(extracted > 50_000 && passed_over > 50_000, "{extracted} {passed_over}");
    }

    #[test]
    fn long_runs_are_counted_across_rows() {
        for (from, length) in [(0, 25), (0, 24), (50, 25), (60, 30), (63, 25), (40, 24), (63, 26)] {
            let bits = ((1u128 << length) - 1) << from;
            let wanted = (0..64).filter(|at| length >= 25 && (from..=from + length - 25).contains(at));
            let wanted = wanted.fold(0, |all, at| all | 1u64 << at);
            assert_eq!(long_runs(bits as u64, (bits >> 64) as u64), wanted, "{from} {length}");
        }
    }
}
