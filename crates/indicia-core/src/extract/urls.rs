//! URLs in a text: where they begin, where a reader ends them, whose host is known.

use super::{Extractor, Rule, lex};
use crate::Kind;
use crate::observable::{ip, url};
use crate::refang::{self, Refang};

/// This many URLs inside one URL are looked at.
const MAX_NESTED_URLS: usize = 8;

impl Extractor<'_> {
    /// Whether a URL that begins at `start` is worth reading: those inside another are few, or none.
    fn may_read_url(&mut self, start: usize) -> bool {
        let (end, inside) = &mut self.outer_url;
        *inside += 1;
        start >= *end || (self.nested && *inside <= MAX_NESTED_URLS)
    }

    fn url_read(&mut self, parsed: url::Parsed<'_>, start: usize, end: usize) {
        if start >= self.outer_url.0 {
            self.outer_url = (end, 0);
        }
        self.take(Kind::Url, parsed.value.into_owned(), start, end, None);
    }

    /// A URL without a scheme whose host and port stand at `start..end`.
    pub(super) fn bare_url(&mut self, start: usize, end: usize) {
        let text = self.text;
        if !matches!(text.get(end), Some(b'/' | b'?')) {
            return;
        }
        let scheme = start >= 3 && text[..start].ends_with(b"://");
        if scheme || !self.may_read_url(start) {
            return;
        }
        let limit = lex::url_limit(text, end);
        for stop in self.url_stops(end, limit) {
            if stop > end
                && let Ok(parsed) = url::parse(self.str(start, stop))
            {
                self.url_read(parsed, start, stop);
            }
        }
    }

    /// Where a URL ends as a reader sees it; of every reading also where its text ends.
    fn url_stops(&self, from: usize, limit: usize) -> impl Iterator<Item = usize> + use<> {
        let stop = url_end(self.text, from, limit);
        let natural = self.every.then(|| lex::url_natural_end(self.text, from, limit));
        std::iter::once(stop).chain(natural.filter(move |natural| *natural != stop))
    }

    pub(super) fn url_at(&mut self, at: usize) {
        let text = self.text;
        let Some(start) = lex::scheme_start(text, at) else { return };
        if !self.may_be_host(at + 3) || !self.may_read_url(start) {
            return;
        }
        // In a flood of URLs that are none, the host decides before anything is read that can be long.
        if self.outer_url.1 > MAX_NESTED_URLS {
            let authority =
                text[at + 3..].iter().take(512).take_while(|b| !matches!(b, b'/' | b'?' | b'#')).count();
            let parsed = url::parse(self.str(start, url_end(text, at + 3, at + 3 + authority)));
            if !parsed.is_ok_and(|parsed| self.is_known_host(&parsed)) {
                return;
            }
        }
        let limit = lex::url_limit(text, at + 3);
        for end in self.url_stops(at + 3, limit) {
            if let Ok(parsed) = url::parse(self.str(start, end))
                && (self.is_known_host(&parsed) || !self.refuses(Rule::UnknownHost, Kind::Url, start, end))
            {
                self.url_read(parsed, start, end);
            }
        }
    }

    fn is_known_host(&self, parsed: &url::Parsed<'_>) -> bool {
        let host = &parsed.key[..parsed.host_len];
        let last = host.rsplit('.').next().unwrap_or(host);
        host.starts_with('[')
            || ip::address(host).is_ok()
            || (host.contains('.') && (refang::is_listed_tld(last) || self.level == Refang::Aggressive))
    }

    /// Whether an authority can begin here: something with a dot, a bracket or a digit before its end.
    fn may_be_host(&self, from: usize) -> bool {
        let authority = self.text[from..]
            .iter()
            .take(512)
            .take_while(|b| **b > b' ' && !matches!(b, b'/' | b'?' | b'#' | b'"' | b'<' | b'>'));
        let mut dotted = false;
        for b in authority {
            dotted |= matches!(b, b'.' | b'[' | b'%') || b.is_ascii_digit() || !b.is_ascii();
        }
        dotted
    }
}

/// Where a URL in prose ends: without closing punctuation, brackets that it did not open, and the marks of
/// markdown, AsciiDoc and wikis behind it.
pub(crate) fn url_end(text: &[u8], from: usize, limit: usize) -> usize {
    let mut end = limit;
    // A closing bracket or quote that was not opened inside ends it; so does an opening one of link text.
    let (mut round, mut square) = (0i32, 0i32);
    let mut authority = true;
    for (i, b) in text.iter().enumerate().take(limit).skip(from) {
        match b {
            b'/' | b'?' | b'#' => authority = false,
            b'(' => round += 1,
            b')' => {
                round -= 1;
                if round < 0 {
                    end = i;
                    break;
                }
            }
            b'[' if !authority || i > from => {
                if !authority {
                    end = i;
                    break;
                }
                square += 1;
            }
            b'[' => square += 1,
            b']' => {
                square -= 1;
                if square < 0 {
                    end = i;
                    break;
                }
            }
            b'{' | b'}' | b'|' | b'\\' | b'^' => {
                end = i;
                break;
            }
            _ => {}
        }
    }
    for mark in [&b"**"[..], b"++"] {
        if let Some(at) = memchr::memmem::find(&text[from..end], mark) {
            end = from + at;
        }
    }
    while end > from
        && matches!(
            text[end - 1],
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*' | b'_' | b'(' | b'['
        )
    {
        end -= 1;
    }
    end
}
