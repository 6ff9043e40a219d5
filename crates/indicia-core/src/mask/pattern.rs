//! Wildcard patterns over one text, and whether they match: in linear time, whatever the pattern.
//!
//! A pattern is cut at its `*` into segments. The first must stand at the start, the last at the end, and each one
//! between is searched once, from where the one before ended: where a segment fits is decided by where it begins, so
//! that its leftmost place also ends leftmost, and nothing is ever tried again. A segment that is one literal is
//! searched by `memmem`; any other by its first literal, and where that comes to more than [`EFFORT`] steps a byte,
//! bit-parallel (Shift-And, a machine word for 64 characters of the segment).

use memchr::memmem;

/// Steps for each byte of the text that the plain search of a segment may take before the bit-parallel one takes over.
const EFFORT: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Token {
    /// This text, never empty.
    Literal(Box<str>),
    /// Any run of characters, the empty one too: `*`.
    Any,
    /// One character: `{?}`.
    One,
    /// A whole label of a name, not empty: `{.}`. Only in the pattern of a host, between dots or at its ends.
    Label,
    /// A separator, or nothing at the end: `{^}`.
    Border,
    /// Nothing, or `/` and anything: `{/*}`. Only last.
    Under,
}

/// Tokens in normal form: equal patterns that differ in the order of wildcards are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Pattern(Box<[Token]>);

/// What is not a letter, a digit or one of `_ - . %` (Adblock's `^`).
pub(crate) fn is_separator(c: char) -> bool {
    !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '%'))
}

impl Pattern {
    pub(crate) fn new(tokens: impl IntoIterator<Item = Token>) -> Pattern {
        let mut out: Vec<Token> = Vec::new();
        for token in tokens {
            let last = out.last_mut();
            match (token, last) {
                (Token::Literal(text), _) if text.is_empty() => {}
                (Token::Literal(text), Some(Token::Literal(before))) => {
                    *before = format!("{before}{text}").into();
                }
                (Token::Any | Token::Under, Some(Token::Any)) => {}
                // One character and any run, in either order.
                (Token::One, Some(last @ Token::Any)) => {
                    *last = Token::One;
                    out.push(Token::Any);
                }
                (token, _) => out.push(token),
            }
        }
        // Nothing is left for them to say at the end.
        while let [.., Token::Any, Token::Border] = out.as_slice() {
            out.pop();
        }
        Pattern(out.into())
    }

    pub(crate) fn literal(text: &str) -> Pattern {
        Pattern::new([Token::Literal(text.into())])
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        &self.0
    }

    /// The text, where there is no wildcard.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Token::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn has(&self, token: &Token) -> bool {
        self.0.contains(token)
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.matches_from(text, 0)
    }

    /// Whether the text from a byte on matches.
    pub(crate) fn matches_from(&self, text: &str, from: usize) -> bool {
        let open = matches!(self.0.last(), Some(Token::Under | Token::Any));
        let mut segments = self.0.split(|token| *token == Token::Any);
        let first = segments.next().unwrap_or_default();
        let Some(mut at) = forward(first, text, from) else { return false };
        let mut segments = segments.peekable();
        if segments.peek().is_none() {
            return open || at == text.len();
        }
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() && !open {
                return ends_with(segment, text, at);
            }
            match find(segment, text, at) {
                Some(end) => at = end,
                None => return false,
            }
        }
        true
    }

    /// Whether what the pattern begins with, up to its first `*`, stands at a byte: the first of several places
    /// where it does decides for the rest, if there is a `*`.
    pub(crate) fn begins_at(&self, text: &str, at: usize) -> bool {
        let first = self.0.split(|token| *token == Token::Any).next().unwrap_or_default();
        forward(first, text, at).is_some()
    }
}

/// Behind the tokens of a segment that begin at a byte.
fn forward(segment: &[Token], text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for token in segment {
        let rest = text.get(at..)?;
        at += match token {
            Token::Literal(literal) if rest.as_bytes().starts_with(literal.as_bytes()) => literal.len(),
            Token::One => rest.chars().next()?.len_utf8(),
            Token::Label => match memchr::memchr(b'.', rest.as_bytes()).unwrap_or(rest.len()) {
                0 => return None,
                length => length,
            },
            Token::Border | Token::Under if rest.is_empty() => 0,
            Token::Border => rest.chars().next().filter(|c| is_separator(*c))?.len_utf8(),
            Token::Under if rest.starts_with('/') => 1,
            _ => return None,
        };
    }
    Some(at)
}

/// Whether a segment stands at the end of the text, and begins at `from` or later.
fn ends_with(segment: &[Token], text: &str, from: usize) -> bool {
    if let [Token::Literal(literal)] = segment {
        return text.len() - from >= literal.len() && text.ends_with(&**literal);
    }
    let starts = |start: usize| forward(segment, text, start) == Some(text.len());
    if segment.contains(&Token::Label) {
        // Only names have labels: the text is short.
        return (from..=text.len()).any(|start| text.is_char_boundary(start) && starts(start));
    }
    // Borders at the end stand for a character each, or for nothing.
    let borders = segment.iter().rev().take_while(|token| **token == Token::Border).count();
    let least: usize = segment[..segment.len() - borders].iter().map(characters).sum();
    (least..=least + borders).any(|length| {
        let start = match length {
            0 => Some(text.len()),
            length => text.char_indices().rev().nth(length - 1).map(|(at, _)| at),
        };
        start.is_some_and(|start| start >= from && starts(start))
    })
}

fn characters(token: &Token) -> usize {
    match token {
        Token::Literal(literal) => literal.chars().count(),
        _ => 1,
    }
}

/// Behind the leftmost place of a segment from `from` on.
fn find(segment: &[Token], text: &str, from: usize) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    match segment {
        [] => return Some(from),
        [Token::Literal(literal)] => {
            return memmem::find(rest, literal.as_bytes()).map(|at| from + at + literal.len());
        }
        _ => {}
    }
    let steps: usize = segment.len() + segment.iter().map(characters).sum::<usize>();
    let bounded = !segment.contains(&Token::Label);
    let mut effort = EFFORT * rest.len() + 1024;
    // A literal at the front says where to look.
    let head = match segment.first() {
        Some(Token::Literal(literal)) => literal.as_bytes(),
        _ => b"",
    };
    let finder = memmem::Finder::new(head);
    let mut start = from;
    loop {
        if !head.is_empty() {
            start += finder.find(&text.as_bytes()[start..])?;
        }
        if let Some(end) = forward(segment, text, start) {
            return Some(end);
        }
        start += text[start..].chars().next()?.len_utf8();
        if bounded {
            match effort.checked_sub(steps) {
                Some(left) => effort = left,
                None => return shift_and(segment, text, start),
            }
        }
    }
}

/// As [`find`], with one bit for each character of the segment, whatever text and segment are.
fn shift_and(segment: &[Token], text: &str, from: usize) -> Option<usize> {
    #[derive(Clone, Copy)]
    enum Class {
        Is(char),
        One,
        Border,
        Slash,
    }
    let classes: Vec<Class> = segment
        .iter()
        .flat_map(|token| match token {
            Token::Literal(literal) => literal.chars().map(Class::Is).collect(),
            Token::Border => vec![Class::Border],
            Token::Under => vec![Class::Slash],
            _ => vec![Class::One],
        })
        .collect();
    // The end of the text counts as a character that only borders take, as often as they need it.
    let takes = |class: &Class, c: Option<char>| match (class, c) {
        (Class::Is(wanted), Some(c)) => *wanted == c,
        (Class::One, c) => c.is_some(),
        (Class::Border, Some(c)) => is_separator(c),
        (Class::Slash, Some(c)) => c == '/',
        (Class::Border | Class::Slash, None) => true,
        (Class::Is(_), None) => false,
    };
    let words = classes.len().div_ceil(64);
    let mut table: std::collections::HashMap<Option<char>, Vec<u64>> = std::collections::HashMap::new();
    let mut state = vec![0u64; words];
    let last = classes.len() - 1;
    let characters = text[from..].char_indices().map(|(at, c)| (from + at + c.len_utf8(), Some(c)));
    for (end, c) in characters.chain(std::iter::repeat_n((text.len(), None), classes.len())) {
        let mask = table.entry(c).or_insert_with(|| {
            let mut mask = vec![0u64; words];
            for (i, class) in classes.iter().enumerate() {
                mask[i / 64] |= u64::from(takes(class, c)) << (i % 64);
            }
            mask
        });
        let mut carry = 1;
        for (word, mask) in state.iter_mut().zip(mask.iter()) {
            let next = *word << 1 | carry;
            carry = *word >> 63;
            *word = next & mask;
        }
        if state[last / 64] >> (last % 64) & 1 == 1 {
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every token against every place, one cell each.
    fn slow(tokens: &[Token], text: &[char]) -> bool {
        let mut tokens: Vec<Token> = tokens
            .iter()
            .flat_map(|token| match token {
                Token::Literal(text) => text.chars().map(|c| Token::Literal(c.to_string().into())).collect(),
                token => vec![token.clone()],
            })
            .collect();
        let open = tokens.last() == Some(&Token::Under);
        if open {
            tokens.push(Token::Any);
        }
        let mut reached = vec![vec![false; text.len() + 1]; tokens.len() + 1];
        reached[0][0] = true;
        for (i, token) in tokens.iter().enumerate() {
            for at in 0..=text.len() {
                if !reached[i][at] {
                    continue;
                }
                match token {
                    Token::Any => (at..=text.len()).for_each(|to| reached[i + 1][to] = true),
                    Token::Border | Token::Under if at == text.len() => reached[i + 1][at] = true,
                    Token::Label => {
                        let end = (at..text.len()).find(|n| text[*n] == '.').unwrap_or(text.len());
                        reached[i + 1][end] |= end > at;
                    }
                    token if at < text.len() => {
                        let c = text[at];
                        let takes = match token {
                            Token::Literal(wanted) => **wanted == c.to_string(),
                            Token::Border => is_separator(c),
                            Token::Under => c == '/',
                            _ => true,
                        };
                        reached[i + 1][at + 1] |= takes;
                    }
                    _ => {}
                }
            }
        }
        reached[tokens.len()][text.len()]
    }

    struct Random(u64);
    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((self.0 >> 33) % n as u64) as usize
        }
    }

    #[test]
    fn a_cell_for_every_token_and_place_says_the_same() {
        let mut random = Random(7);
        let alphabet: Vec<char> = "aab/.é?".chars().collect();
        let mut hits = 0;
        for _ in 0..60_000 {
            let mut tokens: Vec<Token> = (0..random.below(8))
                .map(|_| match random.below(8) {
                    0 | 1 => Token::Any,
                    2 => Token::One,
                    3 => Token::Border,
                    n => Token::Literal(
                        (0..=n % 3).map(|_| alphabet[random.below(7)]).collect::<String>().into(),
                    ),
                })
                .collect();
            if random.below(5) == 0 {
                tokens.push(Token::Under);
            }
            let text: Vec<char> = (0..random.below(14)).map(|_| alphabet[random.below(7)]).collect();
            let pattern = Pattern::new(tokens.clone());
            let fast = pattern.matches(&text.iter().collect::<String>());
            hits += usize::from(fast);
            assert_eq!(fast, slow(&tokens, &text), "{tokens:?} on {text:?}");
            assert_eq!(fast, slow(pattern.tokens(), &text), "{tokens:?} is not {pattern:?}");
        }
        assert!(hits > 5_000, "{hits}");
    }

    #[test]
    fn the_two_searches_agree() {
        let mut random = Random(9);
        let alphabet: Vec<char> = "aab/é".chars().collect();
        for _ in 0..20_000 {
            let mut segment: Vec<Token> = (0..=random.below(5))
                .map(|_| match random.below(4) {
                    0 => Token::One,
                    1 => Token::Border,
                    _ => Token::Literal(alphabet[random.below(5)].to_string().into()),
                })
                .collect();
            if random.below(4) == 0 {
                segment.push(Token::Under);
            }
            let text: String = (0..random.below(12)).map(|_| alphabet[random.below(5)]).collect();
            assert_eq!(find(&segment, &text, 0), shift_and(&segment, &text, 0), "{segment:?} on {text}");
        }
    }

    #[test]
    fn hostile_patterns_cost_little_more_than_others() {
        let text = "a".repeat(16 * 1024);
        for mask in ["a{?}".repeat(900) + "b", "{?}".repeat(1300) + "b", "a{?}a{?}a*".repeat(300) + "b"] {
            let tokens = mask.replace("{?}", "\u{1}");
            let tokens = tokens.chars().map(|c| match c {
                '*' => Token::Any,
                '\u{1}' => Token::One,
                c => Token::Literal(c.to_string().into()),
            });
            let tokens = [Token::Any].into_iter().chain(tokens).chain([Token::Any]);
            let pattern = Pattern::new(tokens);
            let began = std::time::Instant::now();
            assert!(!pattern.matches(&text));
            assert!(began.elapsed().as_millis() < 500, "{:?}", began.elapsed());
        }
    }
}
