//! URLs in text: userinfo, query values and fragment go; scheme, host and path stay.
//!
//! A URL is a word that holds what stands between a scheme and an authority, plain or defanged, or where the core finds
//! a URL without a scheme. A word that is none may still hold a query (`/gate.php?id=7`): there only `key=value` counts.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::tables::{
    KEPT_KEYS, QUERY_VALUE, SCHEME_ENDS, Shape, URL_FRAGMENT, URL_USERINFO, behind_placeholder,
};
use super::{Edit, mail, unit};

/// What URLs there are in a text.
#[derive(Default)]
pub(super) struct Urls {
    pub(super) edits: Vec<Edit>,
    /// The spans of hosts.
    pub(super) hosts: Vec<(usize, usize)>,
    /// The spans of URLs that have a host.
    pub(super) web: Vec<(usize, usize)>,
}

/// `starts` are the places where the core finds URLs, `addresses` what the rule for e-mail finds, both in order.
pub(super) fn find(text: &str, starts: &[usize], addresses: &[Edit]) -> Urls {
    static MACHINE: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| mail::automaton(&SCHEME_ENDS));
    let mut urls = Urls::default();
    let mut schemes = machine.iter().flat_map(|m| m.find_iter(text)).peekable();
    let mut starts = starts.iter().copied().peekable();
    for (from, to) in words(text) {
        let mut authority = None;
        while starts.next_if(|start| *start < from).is_some() {}
        if let Some(start) = starts.next_if(|start| *start < to) {
            authority = Some(start);
        }
        let mut has_host = authority.is_some();
        let mut first_scheme = true;
        while let Some(found) = schemes.next_if(|found| found.start() < to) {
            if found.start() < from
                || found.end() > to
                || !is_scheme_end(text, from, found.start(), found.end())
            {
                continue;
            }
            if first_scheme {
                first_scheme = false;
                authority = Some(authority.map_or(found.end(), |start| start.min(found.end())));
            }
            let end = urls.authority(text, found.end(), to);
            has_host |= end > found.end();
        }
        if has_host {
            urls.web.push((from, to));
        }
        urls.tail(text, authority, (from, to), addresses);
    }
    urls
}

/// `://` itself, or another spelling of it behind the name of a scheme.
fn is_scheme_end(text: &str, from: usize, start: usize, end: usize) -> bool {
    let before =
        text[from..start].bytes().rev().take(3).take_while(|b| b.is_ascii_alphanumeric() || *b == b'*');
    &text[start..end] == "://" || before.count() == 3
}

impl Urls {
    /// The userinfo and the host of an authority; where it ends.
    fn authority(&mut self, text: &str, from: usize, to: usize) -> usize {
        let ends = |c: char| matches!(c, '/' | '?' | '#' | '\\');
        let mut end = text[from..to].find(ends).map_or(to, |n| from + n);
        if text[..from].ends_with(['f', 'F']) {
            // Behind an escaped separator the rest is escaped too.
            let mut at = from;
            while let Some((_, length)) = unit::at(text, at).filter(|(c, _)| at < end && !ends(*c)) {
                at += length;
            }
            end = at.min(end);
        }
        let sign = mail::signs(&text[from..end]).last().map_or(from, |(_, end)| from + end);
        let is_userinfo = sign > from && !is_webdav(&text[sign..end]);
        if is_userinfo {
            self.edits.push(Edit { start: from, end: sign, class: &URL_USERINFO });
        }
        let host = if is_userinfo { sign } else { from };
        if let Some(host_end) = host_end(&text[..end], host) {
            self.hosts.push((host, host_end));
        }
        end
    }

    /// Query and fragment of a word, whose authority, if it is a URL, begins at a place.
    fn tail(&mut self, text: &str, authority: Option<usize>, (from, to): (usize, usize), addresses: &[Edit]) {
        let mut end = to;
        let mut fragment = None;
        if let Some(authority) = authority
            && let Some(hash) = fragment_begin(text, authority, to, addresses)
        {
            end = hash;
            let inside = end + 1;
            let behind = inside + text[inside..to].trim_end_matches(is_closing).len();
            fragment = Some(Edit { start: end, end: behind, class: &URL_FRAGMENT });
        }
        // A query in front of the URL in it: `/go?u=http://…`.
        let keyed = |to: usize| {
            let mut marks = text[from..to].match_indices('?').map(|(n, _)| from + n);
            marks.find(|mark| has_key(text, mark + 1, end)).map(|mark| (mark, false))
        };
        let query = match authority {
            Some(authority) => {
                keyed(authority).or_else(|| Some((authority + text[authority..end].find('?')?, true)))
            }
            None => keyed(end),
        };
        // What the userinfo of a later URL in the same word took is part of a value here: the value goes as a whole.
        if let Some((mark, is_url)) = query {
            while self.edits.last().is_some_and(|edit| edit.start > mark) {
                self.edits.pop();
            }
            for (start, end) in values(text, mark + 1, end, is_url) {
                let core = start + text[start..end].trim_end_matches(is_closing).len();
                if core > start && !is_settled(&text[start..end]) {
                    self.edits.push(Edit { start, end: core, class: &QUERY_VALUE });
                }
            }
        }
        while let Some(edit) = fragment
            && self.edits.last().is_some_and(|last| last.start > edit.start)
        {
            self.edits.pop();
        }
        self.edits.extend(fragment);
    }
}

/// Where the host that an authority begins with ends.
///
/// What stands behind a scheme is a host only if somebody could reach it: a name with a known top-level domain, or the
/// numbers of an IPv4 address, octal ones too. Anything else (`://.=…`, `://a.b,…`) may be a secret with junk in front.
/// IPv6 addresses hold nothing that the rules which pass over hosts would take.
fn host_end(text: &str, from: usize) -> Option<usize> {
    let name = mail::labels(text, from);
    let number = |label: &str| (1..=12).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_digit());
    let is_address = || name.count <= 4 && text[from..name.end].split('.').all(number);
    (name.count > 1 && (mail::is_listed(&name.last) || is_address())).then_some(name.end)
}

/// `file://host@SSL/`, `file://host@8080/`: what stands behind the sign is Windows' way to ask for WebDAV, and the
/// host stands before it.
pub(super) fn is_webdav(behind: &str) -> bool {
    !behind.is_empty() && (behind.eq_ignore_ascii_case("ssl") || behind.bytes().all(|b| b.is_ascii_digit()))
}

/// Where the fragment begins: at the first number sign that writes no address (`joe&#64;corp.example`), of which the part
/// in front would stay.
fn fragment_begin(text: &str, from: usize, to: usize, addresses: &[Edit]) -> Option<usize> {
    let mut hashes = text[from..to].match_indices('#').map(|(n, _)| from + n);
    hashes.find(|hash| {
        let behind = addresses.partition_point(|edit| edit.start <= *hash);
        addresses[..behind].last().is_none_or(|edit| edit.end <= *hash)
    })
}

/// Whether the name of a key and a sign of equality stand here.
fn has_key(text: &str, from: usize, to: usize) -> bool {
    let key =
        text[from..to].bytes().take(65).take_while(|b| b.is_ascii_alphanumeric() || b"_.-[]%".contains(b));
    let length = key.count();
    (1..=64).contains(&length) && text.as_bytes().get(from + length) == Some(&b'=')
}

/// The spans of a query's values that are not kept; where `bare` is set, pieces without a key count as values.
pub(super) fn values(text: &str, from: usize, to: usize, bare: bool) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    let mut at = from;
    while at < to {
        let end = piece_end(text, at, to);
        let piece = &text[at..end];
        match piece.split_once('=') {
            Some((key, value)) if !is_kept(key, value) => all.push((at + key.len() + 1, end)),
            Some(_) => {}
            // `&amp;` in HTML.
            None if piece == "amp" && text[end..].starts_with(';') => {}
            None if bare && !piece.is_empty() => all.push((at, end)),
            None => {}
        }
        at = end + 1;
    }
    all.retain(|(start, end)| start < end);
    all
}

/// Where a piece of a query ends. What writes the sign of an address is no border: in front of it stands part of a value
/// (`joe&commat;corp.example`).
fn piece_end(text: &str, from: usize, to: usize) -> usize {
    let mut at = from;
    while let Some(border) = text[at..to].find(['&', ';']).map(|n| at + n) {
        match mail::reference(&text[border..to]) {
            Some(length) => at = border + length,
            None => return border,
        }
    }
    to
}

/// Whether a key is on the list and its value as harmless as the list says.
pub(super) fn is_kept(key: &str, value: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let found = KEPT_KEYS.binary_search_by(|(kept, _)| (*kept).cmp(key.as_str()));
    let fits = |shape: Shape| shape.fits(value.trim_end_matches(is_closing));
    found.is_ok_and(|n| fits(KEPT_KEYS[n].1))
}

/// Whether a value was replaced before: a placeholder and the punctuation behind it.
fn is_settled(value: &str) -> bool {
    behind_placeholder(value).is_some_and(|rest| rest.chars().all(is_closing))
}

/// Punctuation that belongs to the sentence around a URL when it comes last.
fn is_closing(c: char) -> bool {
    matches!(c, '.' | ',' | ':' | '!' | '?' | ')' | ']' | '}' | '\'' | '*' | '|')
}

/// The words of a text: what stands between white space, quotes, angle brackets and bars. A bar in a query is part of it.
fn words(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut in_query = false;
    let is_border = move |c: char| {
        let is_border = c.is_whitespace()
            || c.is_control()
            || matches!(c, '"' | '<' | '>' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
            || (c == '|' && !in_query);
        in_query = !is_border && (in_query || matches!(c, '?' | '#'));
        is_border
    };
    let base = text.as_ptr() as usize;
    text.split(is_border).filter(|word| !word.is_empty()).map(move |word| {
        let from = word.as_ptr() as usize - base;
        (from, from + word.len())
    })
}
