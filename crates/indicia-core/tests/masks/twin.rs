//! Masks once more, slow and plain, from their text: every part of a mask against every place of a value.

use indicia_core::{Kind, Observable};

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Is(char),
    Any,
    One,
    Label,
    Border,
    Under,
}

/// Whether a value matches the mask with this canonical text.
pub(crate) fn matches(kind: Kind, mask: &str, value: &Observable) -> bool {
    let (blind, mask) = match mask.strip_prefix("{i}") {
        Some(rest) => (true, rest),
        None => (false, mask),
    };
    let case = |text: &str| if blind { text.to_lowercase() } else { text.to_string() };
    let is_host = matches!(value.kind(), Kind::Domain | Kind::Ipv4 | Kind::Ipv6);
    match kind {
        Kind::Url if value.kind() == Kind::Url => url(&case(mask), &case(value.value()), &case(value.key())),
        Kind::Domain if is_host => host(mask, value.key()),
        Kind::Url | Kind::Domain => false,
        Kind::FilePath if value.kind() == kind => {
            let posix = mask.contains('/') && !mask.contains('\\') || mask == "{/*}";
            let fold = |text: &str| if posix && !blind { text.to_string() } else { text.to_lowercase() };
            whole(&tokens(&fold(mask)), &fold(value.key()))
        }
        _ => value.kind() == kind && whole(&tokens(&mask.to_lowercase()), &value.key().to_lowercase()),
    }
}

fn url(mask: &str, value: &str, key: &str) -> bool {
    let scheme_of = |text: &str| match text.split_once("://") {
        Some((scheme, _))
            if !scheme.is_empty()
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
        {
            Some(scheme.to_lowercase())
        }
        _ => None,
    };
    let (mask_scheme, scheme) = (scheme_of(mask), scheme_of(value));
    let rest = match &mask_scheme {
        Some(name) => &mask[name.len() + 3..],
        None => mask,
    };
    if mask_scheme.is_some() && mask_scheme != scheme {
        return false;
    }
    // Host, port and the rest of the key.
    let authority = &key[..key.find('/').unwrap_or(key.len())];
    let host_end = match (authority.find(']'), authority.find(':')) {
        (Some(bracket), _) => bracket + 1,
        (None, Some(colon)) => colon,
        (None, None) => authority.len(),
    };
    let (name, port, tail) = (&key[..host_end], &authority[host_end..], &key[authority.len()..]);
    let bare = if tail == "/" { authority } else { key };
    let labels = |text: &str, pattern: &str| {
        (0..host_end).any(|at| (at == 0 || text[..at].ends_with('.')) && whole(&tokens(pattern), &text[at..]))
    };
    for (mark, how) in [("{key}", 0), ("{bare}", 1), ("{url}", 2), ("{||}", 3), ("{||bare}", 4)] {
        if let Some(pattern) = rest.strip_prefix(mark) {
            let url = scheme.as_ref().map_or(key.to_string(), |scheme| format!("{scheme}://{key}"));
            return match how {
                0 => whole(&tokens(pattern), key),
                1 => whole(&tokens(pattern), bare),
                2 => whole(&tokens(pattern), &url),
                3 => labels(key, pattern),
                _ => labels(bare, pattern),
            };
        }
    }
    let slash = rest.find('/').expect("a mask of URLs has a path");
    let (front, path) = rest.split_at(slash);
    let colon = front.rfind(':').filter(|colon| !front[*colon..].contains(']'));
    let (mask_host, wanted) = match colon {
        Some(colon) => (&front[..colon], Some(&front[colon..])),
        None => (front, None),
    };
    let port_fits = match wanted {
        None => true,
        Some(":") => port.is_empty(),
        Some(wanted) => wanted == port,
    };
    port_fits && host(mask_host, name) && whole(&tokens(path), tail)
}

fn host(mask: &str, name: &str) -> bool {
    match mask.strip_prefix('.') {
        Some(mask) => (0..name.len())
            .any(|at| (at == 0 || name[..at].ends_with('.')) && whole(&tokens(mask), &name[at..])),
        None => whole(&tokens(mask), name),
    }
}

fn tokens(mut text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    while let Some(c) = text.chars().next() {
        let named = [
            ("{?}", Token::One),
            ("{.}", Token::Label),
            ("{^}", Token::Border),
            ("{/*}", Token::Under),
            ("{*}", Token::Is('*')),
            ("{{}", Token::Is('{')),
            ("*", Token::Any),
        ];
        let (length, token) = named
            .into_iter()
            .find(|(name, _)| text.starts_with(name))
            .map_or((c.len_utf8(), Token::Is(c)), |(name, token)| (name.len(), token));
        out.push(token);
        text = &text[length..];
    }
    out
}

fn whole(tokens: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        for at in (0..=text.len()).filter(|at| reached[*at]) {
            let c = text.get(at).copied();
            let separator = |c: char| !(c.is_alphanumeric() || "_-.%".contains(c));
            match token {
                Token::Any => next[at..].fill(true),
                Token::Under => {
                    next[text.len()] |= c.is_none();
                    if c == Some('/') {
                        next[at + 1..].fill(true);
                    }
                }
                Token::Border if c.is_none() => next[at] = true,
                Token::Border if c.is_some_and(separator) => next[at + 1] = true,
                Token::One if c.is_some() => next[at + 1] = true,
                Token::Is(wanted) if c == Some(*wanted) => next[at + 1] = true,
                Token::Label => {
                    let end = (at..text.len()).find(|n| text[*n] == '.').unwrap_or(text.len());
                    next[end] |= end > at;
                }
                _ => {}
            }
        }
        reached = next;
    }
    reached[text.len()]
}
