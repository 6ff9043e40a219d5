//! URLs in a text against those listed: where one can begin and end, its host, its key at each end.
//!
//! The end of a URL in a text is a guess, so the key is probed at each place where a listed one could end. Most keys
//! can be read off the text; parsing is for the others, and what is parsed in a block is bounded.

use std::borrow::Cow;

use super::Relation;
use super::finder::Finder;
use crate::extract::lex;
use crate::observable::{Canonical, ip, url};
use crate::{Kind, Match, Profile};

/// Bytes of URLs that are parsed in a block beyond eight for each of its bytes.
pub(super) const EFFORT: usize = 1 << 20;
/// A key that is read off takes a byte of that effort for so many of its own.
const READ_OFF: usize = 8;
/// Of the places where a URL that needs parsing could end, this many are tried, longest first.
const MAX_ENDS: usize = 32;

impl<'t> Finder<'_, 't> {
    /// A URL without scheme whose host and port end at `end`.
    pub(super) fn url_on(&mut self, host: &str, start: usize, end: usize) {
        if self.set.has().urls
            && matches!(self.text.get(end), Some(b'/' | b'?'))
            // Under the default profile a URL and its text without scheme and userinfo are one.
            && (self.set.profile() == Profile::Default || !is_behind_scheme(self.text, start))
        {
            self.url_ends(host, start, end);
            if !self.has_scheme(start) {
                self.url_masks(start, end);
            }
        }
    }

    /// A URL whose `://` is at `at`.
    pub(super) fn url_at(&mut self, at: usize) {
        let text = self.text;
        let Some(start) = lex::scheme_start(text, at) else { return };
        // More slashes than two say nothing (`http:////bad.example`).
        let body = at + 3 + text[at + 3..].iter().take(8).take_while(|b| matches!(b, b'/' | b'\\')).count();
        let limit = self.url_limit(body);
        let authority_end = text[body..limit]
            .iter()
            .position(|b| matches!(b, b'/' | b'?' | b'#' | b'\\'))
            .map_or(limit, |n| body + n);
        let mut end = authority_end;
        // At its end a URL's punctuation is that of the sentence; in front of a path it is part of the authority.
        if authority_end == limit {
            while end > body && lex::is_trailing(text[end - 1]) && text[end - 1] != b']' {
                end -= 1;
            }
        }
        self.url_authority(start, body, end, None);
        // A listed URL may end inside what looks like the authority (`http://bad.example,next`), or in front of
        // another `@`.
        let mut tried = 0;
        let mut host_start = body;
        let mut bracket = Next::default();
        for at in body..end {
            if text[at] == b'[' && (at == body || text[at - 1] == b'@') {
                host_start = end.min(bracket.find(at, end, |i| text[i] == b']') + 1);
            } else if text[at] == b'@' {
                host_start = at + 1;
            } else if at >= host_start && lex::is_soft_at(text, at) && tried < MAX_ENDS {
                tried += 1;
                let cut = lex::url_natural_end(text, host_start, at);
                self.url_authority(start, body, cut, Some(cut));
            }
        }
        // Nor is the mark in front of an escape part of it (`http://bad.example:\x3d`).
        if authority_end < limit && lex::is_soft_at(text, authority_end) && host_start < end {
            let cut = lex::url_natural_end(text, host_start, end);
            if cut < end {
                self.url_authority(start, body, cut, Some(cut));
            }
        }
    }

    /// A URL whose authority is `body..end`; `only_end` where it ends, or anywhere behind its host.
    fn url_authority(&mut self, start: usize, body: usize, end: usize, only_end: Option<usize>) {
        // No name is longer, and no address.
        const MAX_HOST: usize = 4 * 253;
        let text = self.text;
        let host_start = text[body..end].iter().rposition(|b| *b == b'@').map_or(body, |n| body + n + 1);
        let Ok(authority) = std::str::from_utf8(&text[host_start..end]) else { return };
        let host_len = split_port(authority);
        let host_end = host_start + host_len;
        let port = authority[host_len..].trim_start_matches(':');
        if host_len > MAX_HOST || !port.bytes().all(|b| b.is_ascii_digit()) {
            return;
        }
        // A root dot is not part of what is seen.
        let host_text = authority[..host_len].trim_end_matches('.');
        let bare_end = host_start + host_text.len();
        let host = match url::observed_host(host_text) {
            Some(Ok(address)) => {
                if ip::address(host_text).is_err() {
                    // A spelling that only a URL parser reads as an address.
                    self.address(address, host_start, bare_end);
                }
                Cow::Owned(ip::unmapped(address).to_string())
            }
            Some(Err(name)) => {
                let plain =
                    host_text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
                if !plain && name.contains('.') {
                    self.domain(&name, host_start, bare_end);
                }
                name
            }
            // Another profile may make a host of it.
            None => match self.url_root_host(start, end) {
                Some(host) => Cow::Owned(host),
                None => return,
            },
        };
        if !self.set.has().urls {
            return;
        }
        match only_end {
            None => {
                self.url_ends(&host, start, host_end);
                self.url_masks(start, host_end);
            }
            Some(end) if self.set.urls_on(&host).is_some() => {
                if let Some(parsed) = self.url_parsed(start, end) {
                    self.url_exact(parsed.key(), start, end);
                }
            }
            Some(_) => {}
        }
    }

    /// Where the text of a URL that goes on at `from` surely ends. URLs inside one another share an end.
    pub(super) fn url_limit(&mut self, from: usize) -> usize {
        let UrlText { from: begin, limit, .. } = self.url_text;
        let cut_short = limit - begin >= lex::MAX_URL_BYTES;
        if !(begin..limit).contains(&from) || (cut_short && limit - from < lex::MIN_URL_BYTES) {
            let limit = lex::url_limit(self.text, from);
            let dots = self.text[from..limit]
                .windows(2)
                .rposition(|pair| matches!(pair, [b'/' | b'\\', b'.' | b'%']));
            let ends = std::mem::take(&mut self.url_text.ends);
            let dots = dots.map_or(from, |n| from + n + 1);
            self.url_text = UrlText { from, limit, dots, ends, ..UrlText::default() };
        }
        self.url_text.limit
    }

    /// Whether so much effort was left.
    fn spend(&mut self, effort: usize) -> bool {
        match self.effort.checked_sub(effort) {
            Some(rest) => self.effort = rest,
            None => return self.reached_limit(),
        }
        true
    }

    /// Notes that something was not looked at.
    fn reached_limit(&mut self) -> bool {
        self.scratch.limits += 1;
        false
    }

    /// Parses a piece of the text as a URL under the set's profile, while the effort lasts.
    pub(super) fn url_parsed(&mut self, start: usize, end: usize) -> Option<Canonical<'t>> {
        let text = self.text;
        let piece = std::str::from_utf8(&text[start..end]).ok()?;
        if !self.spend(piece.len()) {
            return None;
        }
        self.set.profile().url_text(piece).ok()
    }

    /// The host that the set's profile makes of a URL whose authority ends at `end`.
    fn url_root_host(&mut self, start: usize, end: usize) -> Option<String> {
        let profile = self.set.profile();
        if profile == Profile::Default {
            return None;
        }
        let parsed = self.url_parsed(start, end)?;
        Some(profile.host_of_key(parsed.key()).into_owned())
    }

    /// Probes the URL from `start` at each place where it could end behind its host.
    ///
    /// The key of its plain part is read off the text: what ends there is not parsed before it is found. Of two
    /// ends with one key that differ in a mark of punctuation the shorter counts; behind a `#`, and for a listed
    /// prefix, the natural end.
    fn url_ends(&mut self, host: &str, start: usize, host_end: usize) {
        let text = self.text;
        let Some(listed) = self.set.urls_on(host) else { return };
        let limit = self.url_limit(host_end);
        self.url_text.find_ends(text);
        let natural = host_end.max(self.url_text.natural);
        let plain = self.plain_url(start, host_end, limit, listed.longest);
        if listed.prefixes {
            self.url_prefixes(start, natural, plain.as_ref());
        }
        let mut top = match &plain {
            Some(plain) if plain.complete => plain.end,
            // Three bytes of the text can be one of the key.
            Some(plain) => limit.min(plain.end + 3 * listed.longest.saturating_sub(plain.key.len()) + 256),
            None => limit.min(host_end + 3 * listed.longest + 256),
        };
        let key_at = |finder: &mut Self, end: usize| match plain.as_ref().and_then(|plain| plain.key_at(end))
        {
            Some(key) => Some(Cow::Borrowed(key)),
            None => finder.url_parsed(start, end).map(Canonical::into_key),
        };
        // As it is written, a URL goes on behind its `#`.
        let hash = match self.set.profile() {
            Profile::Verbatim => None,
            _ => memchr::memchr(b'#', &text[host_end..limit.min(top + 1)]).map(|n| host_end + n),
        };
        if let Some(hash) = hash {
            top = hash;
            if let Some(key) = key_at(self, hash) {
                self.url_exact(&key, start, natural);
            }
        }
        let mut parsed = 0;
        let mut doubtful: Option<(usize, Cow<'_, str>)> = None;
        let first = self.url_text.ends.partition_point(|end| *end > top);
        for i in first..self.url_text.ends.len() {
            let end = self.url_text.ends[i];
            if end < host_end {
                break;
            }
            let read_off = plain.as_ref().and_then(|plain| plain.key_at(end));
            let spent = match read_off {
                Some(key) => self.spend(1 + key.len() / READ_OFF),
                None => {
                    parsed += 1;
                    parsed <= MAX_ENDS || self.reached_limit()
                }
            };
            if !spent {
                continue;
            }
            let key = key_at(self, end);
            if let Some((longer, with)) = doubtful.take()
                && (longer, Some(&*with)) != (end + 1, key.as_deref())
            {
                self.url_exact(&with, start, longer);
            }
            match key {
                Some(key) if read_off.is_none() && lex::is_trailing(text[end - 1]) => {
                    doubtful = Some((end, key));
                }
                Some(key) => self.url_exact(&key, start, end),
                None => {}
            }
        }
        if let Some((end, key)) = doubtful {
            self.url_exact(&key, start, end);
        }
    }

    /// The key of a URL as far as it can be read off the text, and no further than a byte beyond `longest`.
    fn plain_url(&mut self, start: usize, host_end: usize, limit: usize, longest: usize) -> Option<PlainUrl> {
        let text = self.text;
        // What is plain to see is so under the default profile only.
        if self.set.profile() != Profile::Default {
            return None;
        }
        let port = match text.get(host_end) {
            Some(b':') => {
                1 + text[host_end + 1..limit].iter().take(6).take_while(|b| b.is_ascii_digit()).count()
            }
            _ => 0,
        };
        let tail = host_end + port;
        if !matches!(text[..limit].get(tail), Some(b'/' | b'?' | b'#')) {
            return None;
        }
        let root = format!("{}/", std::str::from_utf8(&text[start..tail]).ok()?);
        let mut key = url::parse(&root).ok()?.key.into_owned();
        if text[tail] == b'/' {
            key.pop();
        }
        let head = key.len();
        let UrlText { odd, query, segment, dots, .. } = &mut self.url_text;
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?|".contains(&b);
        let mut end = odd.find(tail, limit, |i| !is_plain(text[i]));
        let query = query.find(tail, limit, |i| text[i] == b'?');
        let segment =
            segment.find(tail, limit, |i| text[i] == b'/' && text[..limit].get(i + 1) == Some(&b'.'));
        let path = text[tail] == b'/';
        if path && segment < query {
            end = end.min(segment + 1);
        }
        end = end.min(tail + (longest + 1).saturating_sub(head));
        key.push_str(std::str::from_utf8(&text[tail..end]).ok()?);
        let in_path = path && end <= query;
        // A dot segment further on could make the key short again.
        let too_long = key.len() > longest && (!in_path || *dots < end);
        let complete = end == limit || text[end] == b'#' || too_long;
        Some(PlainUrl { key, head, tail, end, complete })
    }

    /// Probes a key that was read off or parsed from `start..end`.
    fn url_exact(&mut self, key: &str, start: usize, end: usize) {
        let set = self.set;
        let mut found = Vec::new();
        set.equal(Kind::Url, key, |listed| match listed.match_() {
            Match::Exact => found.push((listed.index(), Relation::Exact)),
            Match::Prefix => found.push((listed.index(), Relation::UrlPrefix)),
            _ => {}
        });
        self.url_found(&found, key, start, end);
    }

    /// Probes the listed prefixes of a URL that are shorter than it.
    fn url_prefixes(&mut self, start: usize, natural: usize, plain: Option<&PlainUrl>) {
        let key = match plain {
            Some(plain) if plain.complete && natural > plain.end => plain.key.clone(),
            Some(plain) if plain.key_at(natural).is_some() => {
                plain.key_at(natural).unwrap_or_default().to_string()
            }
            _ => match self.url_parsed(start, natural) {
                Some(parsed) => parsed.into_key().into_owned(),
                None => return,
            },
        };
        let found = self.prefixes_of(&key);
        // A dot segment further on can lead out of the prefix: the whole key must begin like this one.
        let longest = found.iter().map(|(entry, _)| self.set.get(*entry).map_or(0, |i| i.key().len())).max();
        self.url_found(&found, &key[..longest.unwrap_or(0)], start, natural);
    }

    fn prefixes_of(&self, key: &str) -> Vec<(u32, Relation)> {
        let set = self.set;
        let mut found = Vec::new();
        for length in set.prefix_lengths() {
            if length >= key.len() || !key.is_char_boundary(length) {
                continue;
            }
            let is_mark = |b: u8| matches!(b, b'/' | b'?' | b'#');
            if is_mark(key.as_bytes()[length]) || length > 0 && is_mark(key.as_bytes()[length - 1]) {
                set.equal(Kind::Url, &key[..length], |listed| {
                    if listed.match_() == Match::Prefix {
                        found.push((listed.index(), Relation::UrlPrefix));
                    }
                });
            }
        }
        found
    }

    /// Reports what a URL matches, once it is parsed and its key begins as it must.
    fn url_found(&mut self, found: &[(u32, Relation)], key: &str, start: usize, end: usize) {
        let is_new =
            |finder: &Self, entry: u32| finder.scratch.reach.get(&entry).is_none_or(|reach| *reach < end);
        if !found.iter().any(|(entry, _)| is_new(self, *entry)) {
            return;
        }
        let Ok(piece) = std::str::from_utf8(&self.text[start..end]) else { return };
        let Ok(parsed) = self.set.profile().url_text(piece) else { return };
        if !parsed.key().starts_with(key) {
            return;
        }
        for (entry, relation) in found {
            if is_new(self, *entry)
                && self.fits_scheme(*entry, &parsed.value)
                && self.push(*entry, *relation, Kind::Url, &parsed.value, start, end)
            {
                self.scratch.reach.insert(*entry, end);
            }
        }
    }

    fn fits_scheme(&self, entry: u32, value: &str) -> bool {
        let scheme = |value| url::split_scheme(value).map(|(scheme, _)| scheme);
        !self.options.strict_scheme
            || self
                .set
                .get(entry)
                .and_then(|i| scheme(i.value()))
                .is_none_or(|listed| Some(listed) == scheme(value))
    }

    /// Probes a whole URL under the set's profile, for a lookup.
    pub(super) fn url(&mut self, value: &str, key: &str) {
        let mut found = self.prefixes_of(key);
        let set = self.set;
        set.equal(Kind::Url, key, |listed| match listed.match_() {
            Match::Exact => found.push((listed.index(), Relation::Exact)),
            Match::Prefix => found.push((listed.index(), Relation::UrlPrefix)),
            _ => {}
        });
        for (entry, relation) in found {
            if self.fits_scheme(entry, value) {
                self.push(entry, relation, Kind::Url, value, 0, 0);
            }
        }
        self.masks_of_url(value, key, 0, 0);
    }
}

/// The text of a URL from somewhere in it, and what the URLs that go on in it have in common.
#[derive(Default)]
pub(super) struct UrlText {
    from: usize,
    /// Where it surely ends.
    limit: usize,
    /// Behind the last slash that a dot segment may follow.
    dots: usize,
    /// Its end without trailing punctuation.
    natural: usize,
    /// Where a URL may end, the last place first; empty until asked for.
    ends: Vec<usize>,
    has_ends: bool,
    /// Bytes that may be another in a key.
    odd: Next,
    query: Next,
    /// A slash in front of a dot.
    segment: Next,
}

impl UrlText {
    fn find_ends(&mut self, text: &[u8]) {
        let UrlText { from, limit, ends, .. } = self;
        if !std::mem::replace(&mut self.has_ends, true) {
            self.natural = lex::url_natural_end(text, *from, *limit);
            ends.clear();
            lex::url_ends(text, *from, *limit, *limit, |end| {
                ends.push(end);
                true
            });
        }
    }
}

/// The first place of a sort from another place on: what was looked through for one is not looked through again for
/// the next.
#[derive(Default)]
struct Next {
    from: usize,
    found: Option<usize>,
}

impl Next {
    /// The first place that `is` one, or `limit`, which is the same each time.
    fn find(&mut self, from: usize, limit: usize, is: impl Fn(usize) -> bool) -> usize {
        match self.found {
            Some(found) if (self.from..=found).contains(&from) => found,
            _ => {
                let found = (from..limit).find(|at| is(*at)).unwrap_or(limit);
                *self = Next { from, found: Some(found) };
                found
            }
        }
    }
}

/// The part of a URL whose canonical form is its own text.
struct PlainUrl {
    /// Host, port, and path and query up to `end`.
    key: String,
    /// How much of the key stands for the text before `tail`.
    head: usize,
    /// Where path, query or fragment begin in the text.
    tail: usize,
    end: usize,
    /// Whether nothing behind `end` can be part of a listed key.
    complete: bool,
}

impl PlainUrl {
    /// The key of the URL that ends at `end`.
    fn key_at(&self, end: usize) -> Option<&str> {
        (end > self.tail && end <= self.end).then(|| &self.key[..self.head + (end - self.tail)])
    }
}

/// Whether a host at `start` belongs to a URL that is written with its scheme.
fn is_behind_scheme(text: &[u8], start: usize) -> bool {
    // No userinfo is longer.
    const MAX_USER: usize = 256;
    let head = &text[start.saturating_sub(MAX_USER)..start];
    let begin = head
        .iter()
        .rposition(|b| b.is_ascii_whitespace() || b"/?#\\\"<>'".contains(b))
        .map_or(0, |at| at + 1);
    let slashes = head[..begin].iter().rev().take_while(|b| **b == b'/').count();
    slashes >= 2 && head[..begin - slashes].ends_with(b":")
}

/// The length of an authority's host: what stands before the port.
fn split_port(authority: &str) -> usize {
    authority.rfind(':').filter(|at| !authority[*at..].contains(']')).unwrap_or(authority.len())
}
