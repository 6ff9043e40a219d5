//! Set × bytes → hits.
//!
//! Tokens of the text become candidates, candidates become keys, keys are probed: a name with all its parents,
//! an address with all networks that cover it, a URL by its key at each place where it could end. A listed
//! value is found wherever it stands between borders. All indicators that match are reported; of one
//! indicator's hits inside one another only the outermost is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::ControlFlow;

use crate::extract::lex::{self, Colons, Token};
use crate::filter::{AsOf, Filter, event_time};
use crate::guard::{Guard, Guards};
use crate::observable::{self, digest, domain, ident, ip, url, wallet};
use crate::refang::{self, Refang, View};
use crate::set::{address_key, parents};
use crate::{Context, IndicatorRef, IndicatorSet, Kind, Match, Observable, ParseError, Reason, Time};

/// How an indicator matches where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Relation {
    /// Equal keys.
    Exact = 1,
    /// A name below a listed one.
    Subdomain = 2,
    /// An address in a listed network or range.
    Network = 3,
    /// Host and port together.
    Endpoint = 4,
    /// A URL under a listed prefix.
    UrlPrefix = 5,
    /// A vendor's mask.
    Mask = 6,
    /// The host of a listed URL.
    UrlHost = 7,
    /// A STIX pattern.
    Pattern = 8,
    /// Reserved.
    Similar = 9,
}

impl Relation {
    /// Every relation, by number.
    pub const ALL: &'static [Relation] = &[
        Relation::Exact,
        Relation::Subdomain,
        Relation::Network,
        Relation::Endpoint,
        Relation::UrlPrefix,
        Relation::Mask,
        Relation::UrlHost,
        Relation::Pattern,
        Relation::Similar,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Relation::Exact => "exact",
            Relation::Subdomain => "subdomain",
            Relation::Network => "network",
            Relation::Endpoint => "endpoint",
            Relation::UrlPrefix => "url-prefix",
            Relation::Mask => "mask",
            Relation::UrlHost => "url-host",
            Relation::Pattern => "pattern",
            Relation::Similar => "similar",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How to scan and look up.
#[derive(Debug, Default)]
pub struct ScanOptions {
    /// Which contexts count.
    pub filter: Filter,
    /// Which hits are doubted.
    pub guards: Guards,
    /// How much defanging is undone in the text; a lookup always undoes `usual`.
    pub refang: ScanRefang,
    /// A listed endpoint matches its host with any port or none.
    pub ignore_ports: bool,
    /// The host of a listed URL matches wherever it stands.
    pub url_hosts: bool,
    /// A listed URL matches only with its own scheme; one listed without a scheme matches any.
    pub strict_scheme: bool,
}

/// The refang level of a scan: off unless asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanRefang(pub Refang);

impl Default for ScanRefang {
    fn default() -> ScanRefang {
        ScanRefang(Refang::Off)
    }
}

/// One place in data where an indicator matches, as a callback sees it.
#[derive(Debug)]
pub struct HitView<'s, 'v> {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// The kind of the observed value.
    pub kind: Kind,
    /// The observed value in canonical form.
    pub value: &'v str,
    /// How it matches.
    pub relation: Relation,
    /// What matches.
    pub indicator: IndicatorRef<'s>,
    /// Reasons to doubt it.
    pub guards: &'v [Guard],
    filter: &'v Filter,
    event: Option<Time>,
}

impl<'s> HitView<'s, '_> {
    /// The contexts that pass the filter.
    pub fn contexts(&self) -> impl Iterator<Item = &'s Context> + '_ {
        self.indicator.contexts().filter(|c| self.filter.passes(c, self.event))
    }

    /// A copy that outlives the callback.
    pub fn to_hit(&self) -> Hit<'s> {
        Hit {
            start: self.start,
            end: self.end,
            kind: self.kind,
            value: self.value.to_string(),
            relation: self.relation,
            indicator: self.indicator,
            guards: self.guards.to_vec(),
            contexts: self.contexts().collect(),
        }
    }
}

/// One place in data where an indicator matches.
#[derive(Clone, Debug)]
pub struct Hit<'s> {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// The kind of the observed value.
    pub kind: Kind,
    /// The observed value in canonical form.
    pub value: String,
    /// How it matches.
    pub relation: Relation,
    /// What matches.
    pub indicator: IndicatorRef<'s>,
    /// Reasons to doubt it.
    pub guards: Vec<Guard>,
    /// The contexts that pass the filter.
    pub contexts: Vec<&'s Context>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    start: usize,
    /// Longer first.
    end: std::cmp::Reverse<usize>,
    entry: u32,
    relation: Relation,
    kind: Kind,
    value: (usize, usize),
}

/// Memory that scans and lookups use again. One a thread.
#[derive(Default)]
pub struct Scratch {
    pending: Vec<Pending>,
    values: String,
    name: String,
    key: String,
    guards: Vec<Guard>,
    outermost: HashMap<u32, usize, foldhash::fast::RandomState>,
    /// How far each listed URL's hits in this reading of the block reach.
    reach: HashMap<u32, usize, foldhash::fast::RandomState>,
    limits: u64,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Scratch {
    /// How often a limit was reached since the scratch was made: a URL had more possible ends than are tried, or
    /// a block was full of URLs on listed hosts with escapes.
    pub fn limits_reached(&self) -> u64 {
        self.limits
    }
}

/// Blocks of at least this many bytes, ending at a line's end, are matched and reported together.
const BLOCK: usize = 64 * 1024;

impl IndicatorSet {
    /// Every hit in `data`, with default options.
    pub fn scan(&self, data: &[u8]) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let _ = self.scan_with(data, &ScanOptions::default(), &mut Scratch::default(), &mut |hit| {
            hits.push(hit.to_hit());
            ControlFlow::Continue(())
        });
        hits
    }

    /// Calls `on_hit` for every hit in `data`, by place; `Break` stops.
    pub fn scan_with<'s>(
        &'s self,
        data: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut base = 0;
        while base < data.len() {
            let rest = &data[base..];
            let end = match rest.get(BLOCK..).and_then(|tail| memchr::memchr(b'\n', tail)) {
                Some(newline) => BLOCK + newline + 1,
                None => rest.len(),
            };
            let block = &rest[..end];
            Finder::new(self, options, scratch, block, Place::Raw).text();
            if let Some(view) = View::new(block, options.refang.0) {
                let place = Place::View(&view, options.refang.0);
                Finder::new(self, options, scratch, view.text(), place).text();
            }
            self.report(base, data, options, scratch, on_hit)?;
            base += end;
        }
        ControlFlow::Continue(())
    }

    /// All indicators that cover a value: the value itself, its host or domain, its parents and networks.
    ///
    /// With no kind, every kind whose grammar takes the value is looked up.
    ///
    /// # Errors
    /// When no grammar takes the value.
    pub fn lookup(
        &self,
        raw: &str,
        kind: Option<Kind>,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Result<(Observable, Vec<Hit<'_>>), ParseError> {
        let main = Observable::parse_refanged(kind, raw, Refang::Usual)?;
        let mut finder = Finder::new(self, options, scratch, &[], Place::Value);
        finder.observable(&main);
        if kind.is_none() {
            for kind in Kind::ALL {
                if *kind != main.kind()
                    && (self.has().kind(*kind) || kind.is_address_like())
                    // A network is no URL with a number for a path.
                    && !(*kind == Kind::Url && main.kind().is_address_like())
                    && let Ok(other) = Observable::parse_refanged(Some(*kind), raw, Refang::Usual)
                {
                    finder.observable(&other);
                }
            }
        }
        Ok((main, self.collect(options, scratch)))
    }

    /// All indicators that cover an address, or an endpoint where a port is given.
    pub fn lookup_address(
        &self,
        address: IpAddr,
        port: Option<u16>,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Vec<Hit<'_>> {
        let mut finder = Finder::new(self, options, scratch, &[], Place::Value);
        finder.address(address, 0, 0);
        if let Some(port) = port {
            finder.endpoint(&std::net::SocketAddr::new(address, port).to_string(), 0, 0);
        }
        self.collect(options, scratch)
    }

    /// All indicators that cover a name in presentation form.
    ///
    /// # Errors
    /// When it is not a name.
    pub fn lookup_name(
        &self,
        name: &str,
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Result<Vec<Hit<'_>>, ParseError> {
        Ok(self.lookup(name, Some(Kind::Domain), options, scratch)?.1)
    }

    /// All indicators of a digest given as bytes.
    ///
    /// # Errors
    /// When the kind has no digest of this length.
    pub fn lookup_digest(
        &self,
        kind: Kind,
        bytes: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
    ) -> Result<Vec<Hit<'_>>, ParseError> {
        if digest::hex_digits(kind) != Some(bytes.len() * 2) {
            return Err(ParseError { kind: Some(kind), reason: Reason::DigestLength });
        }
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        Finder::new(self, options, scratch, &[], Place::Value).key(kind, &hex, &hex, 0, 0);
        Ok(self.collect(options, scratch))
    }

    fn collect<'s>(&'s self, options: &ScanOptions, scratch: &mut Scratch) -> Vec<Hit<'s>> {
        let mut hits = Vec::new();
        let _ = self.report(0, &[], options, scratch, &mut |hit| {
            hits.push(hit.to_hit());
            ControlFlow::Continue(())
        });
        hits
    }

    /// Sorts what was found, keeps the outermost of one indicator's hits, filters, guards and reports.
    fn report<'s>(
        &'s self,
        base: usize,
        data: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Scratch { pending, values, guards, outermost, .. } = scratch;
        pending.sort_unstable();
        outermost.clear();

        let mut result = ControlFlow::Continue(());
        let mut line: Option<(std::ops::Range<usize>, Option<Time>)> = None;
        for hit in pending.iter() {
            let reach = outermost.get(&hit.entry);
            if reach.is_some_and(|reach| *reach > hit.end.0) {
                continue;
            }
            outermost.insert(hit.entry, hit.end.0 + 1);
            let Some(indicator) = self.get(hit.entry) else { continue };
            let (start, end) = (base + hit.start, base + hit.end.0);
            let event = if options.filter.as_of == AsOf::Event {
                match &line {
                    Some((place, time)) if place.contains(&start) => *time,
                    _ => {
                        let from =
                            memchr::memrchr(b'\n', &data[..start.min(data.len())]).map_or(0, |n| n + 1);
                        let to = memchr::memchr(b'\n', &data[from..]).map_or(data.len(), |n| from + n);
                        let time = event_time(&data[from..to]);
                        line = Some((from..to, time));
                        time
                    }
                }
            } else {
                None
            };
            if !indicator.contexts().any(|c| options.filter.passes(c, event)) {
                continue;
            }
            let value = &values[hit.value.0..hit.value.0 + hit.value.1];
            guards.clear();
            options.guards.check(hit.kind, value, indicator, guards);
            let view = HitView {
                start,
                end,
                kind: hit.kind,
                value,
                relation: hit.relation,
                indicator,
                guards,
                filter: &options.filter,
                event,
            };
            result = on_hit(&view);
            if result.is_break() {
                break;
            }
        }
        pending.clear();
        values.clear();
        result
    }
}

/// Where the text of a finder comes from, and so what its offsets mean.
#[derive(Clone, Copy)]
enum Place<'v> {
    Raw,
    View(&'v View, Refang),
    Value,
}

struct Finder<'f, 't> {
    set: &'f IndicatorSet,
    options: &'f ScanOptions,
    scratch: &'f mut Scratch,
    text: &'t [u8],
    place: Place<'t>,
    /// The URL text that was looked at last.
    url_text: UrlText,
    /// How many more bytes of URLs may be parsed whose key is not plain to see.
    effort: usize,
}

/// Bytes of URLs that are parsed in a block beyond eight for each of its bytes.
const URL_EFFORT: usize = 1 << 20;
/// Of the places where a URL that needs parsing could end, this many are tried, longest first.
const MAX_URL_ENDS: usize = 32;

impl<'f, 't> Finder<'f, 't> {
    fn new(
        set: &'f IndicatorSet,
        options: &'f ScanOptions,
        scratch: &'f mut Scratch,
        text: &'t [u8],
        place: Place<'t>,
    ) -> Finder<'f, 't> {
        scratch.reach.clear();
        Finder {
            set,
            options,
            scratch,
            text,
            place,
            url_text: UrlText::default(),
            effort: URL_EFFORT + 8 * text.len(),
        }
    }

    /// Every candidate of the text.
    fn text(&mut self) {
        let text = self.text;
        lex::tokens(text, |token| match token {
            Token::Run { start, end, dots } => self.run(start, end, dots),
            Token::Colons { start, end } => self.colons(start, end),
            Token::Scheme { at } => self.url_at(at),
            Token::At { at } => self.email_at(at),
        });
    }

    fn run(&mut self, start: usize, end: usize, dots: bool) {
        let text = self.text;
        for start in lex::run_starts(text, start, end) {
            if dots {
                lex::ipv4_in(text, start, end, |a, b, address| self.host_address(address.into(), a, b, a, b));
                lex::names_in(text, start, end, |a, b| self.name(a, b));
            }
            if [Kind::Mac, Kind::Ja4, Kind::AttackId, Kind::Cve].iter().any(|kind| self.set.has().kind(*kind))
            {
                lex::identifiers_in(text, start, end, |a, b| self.identifiers(a, b));
            }
            lex::words_in(text, start, end, |a, b| self.word(a, b));
        }
    }

    fn colons(&mut self, start: usize, end: usize) {
        let text = self.text;
        lex::in_colons(text, start, end, |a, b, found| match found {
            Colons::V6(address) => {
                let bracketed = a > 0 && text[a - 1] == b'[' && text.get(b) == Some(&b']');
                let (from, to) = if bracketed { (a - 1, b + 1) } else { (a, b) };
                self.host_address(address.into(), a, b, from, to);
            }
            Colons::Mac => self.parsed(Kind::Mac, a, b),
        });
    }

    /// An address at `a..b`, and what it begins: a network, an endpoint, a range, a URL without scheme.
    /// `from..to` includes brackets.
    fn host_address(&mut self, address: IpAddr, a: usize, b: usize, from: usize, to: usize) {
        let text = self.text;
        self.address(address, a, b);
        let max = if address.is_ipv4() { 32 } else { 128 };
        if (from, to) == (a, b) {
            match lex::prefix_after(text, b, max) {
                Some((length, end)) if length == max => self.address(address, a, end),
                Some((_, end)) => self.address_like(Kind::Cidr, a, end),
                None => {}
            }
            if text.get(b) == Some(&b'-')
                && let Some(end) = lex::range_end(text, b)
            {
                self.address_like(Kind::IpRange, a, end);
            }
        }
        let mut end = to;
        if max == 32 || from < a {
            if let Some((port, after)) = lex::port_after(text, to) {
                self.endpoint(&std::net::SocketAddr::new(address, port).to_string(), from, after);
                end = after;
            }
            self.address_key(address);
            let host = std::mem::take(&mut self.scratch.key);
            self.url_on(&host, from, end);
            self.scratch.key = host;
        }
    }

    fn address_key(&mut self, address: IpAddr) {
        address_key(address, &mut self.scratch.key);
    }

    /// A name at `a..b`, and what it begins.
    fn name(&mut self, a: usize, b: usize) {
        let text = self.text;
        let has = *self.set.has();
        if !(has.names || has.urls || has.endpoints) || b - a > 4 * 253 {
            return;
        }
        let Some(name) = self.canonical_name(a, b) else { return };
        self.domain(&name, a, b);
        // A root dot may stand between name and port or path (`bad.example.:443`).
        let root = text.get(b) == Some(&b'.') && matches!(text.get(b + 1), Some(b':' | b'/' | b'?'));
        let mut end = b + usize::from(root);
        if let Some((port, after)) = lex::port_after(text, end) {
            if has.endpoints {
                self.endpoint(&format!("{name}:{port}"), a, after);
            }
            end = after;
        }
        self.url_on(&name, a, end);
        self.scratch.name = name;
    }

    /// The canonical name at a place, in a buffer that the caller gives back.
    fn canonical_name(&mut self, a: usize, b: usize) -> Option<String> {
        let text = std::str::from_utf8(&self.text[a..b]).ok()?;
        let mut name = std::mem::take(&mut self.scratch.name);
        name.clear();
        if domain::write(text, &mut name).is_err() || !name.contains('.') {
            self.scratch.name = name;
            return None;
        }
        Some(name)
    }

    /// A URL without scheme whose host and port end at `end`.
    fn url_on(&mut self, host: &str, start: usize, end: usize) {
        if self.set.has().urls && matches!(self.text.get(end), Some(b'/' | b'?')) {
            self.url_ends(host, start, end);
        }
    }

    /// A URL whose `://` is at `at`.
    fn url_at(&mut self, at: usize) {
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
        while end > body && lex::is_trailing(text[end - 1]) && text[end - 1] != b']' {
            end -= 1;
        }
        self.url_authority(start, body, end, None);
        // A listed URL may end inside what looks like the authority (`http://bad.example,next`), or in front of
        // another `@`.
        let mut tried = 0;
        let mut host_start = body;
        for at in body..end {
            if text[at] == b'[' && (at == body || text[at - 1] == b'@') {
                host_start = text[at..end].iter().position(|b| *b == b']').map_or(end, |n| at + n + 1);
            } else if text[at] == b'@' {
                host_start = at + 1;
            } else if at >= host_start && lex::is_soft_at(text, at) && tried < MAX_URL_ENDS {
                tried += 1;
                let cut = lex::url_natural_end(text, host_start, at);
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
        let Some(host) = url::observed_host(host_text) else { return };
        let host = match host {
            Ok(address) => {
                if ip::address(host_text).is_err() {
                    // A spelling that only a URL parser reads as an address.
                    self.address(address, host_start, bare_end);
                }
                ip::unmapped(address).to_string()
            }
            Err(name) => {
                let plain =
                    host_text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
                if !plain && name.contains('.') {
                    self.domain(&name, host_start, bare_end);
                }
                name
            }
        };
        if !self.set.has().urls {
            return;
        }
        match only_end {
            None => self.url_ends(&host, start, host_end),
            Some(end) if self.set.urls_on(&host).is_some() => {
                if let Some(parsed) = self.url_parsed(start, end) {
                    self.url_exact(&parsed.key, start, end);
                }
            }
            Some(_) => {}
        }
    }

    /// Where the text of a URL that goes on at `from` surely ends. URLs inside one another share an end.
    fn url_limit(&mut self, from: usize) -> usize {
        let UrlText { from: begin, limit, .. } = self.url_text;
        let cut_short = limit - begin >= lex::MAX_URL_BYTES;
        if !(begin..limit).contains(&from) || (cut_short && limit - from < lex::MIN_URL_BYTES) {
            let limit = lex::url_limit(self.text, from);
            let dots = self.text[from..limit]
                .windows(2)
                .rposition(|pair| matches!(pair, [b'/' | b'\\', b'.' | b'%']));
            self.url_text = UrlText { from, limit, dots: dots.map_or(from, |n| from + n + 1) };
        }
        self.url_text.limit
    }

    /// Parses a piece of the text as a URL, while the effort lasts.
    fn url_parsed(&mut self, start: usize, end: usize) -> Option<url::Parsed> {
        let piece = std::str::from_utf8(&self.text[start..end]).ok()?;
        let Some(rest) = self.effort.checked_sub(piece.len()) else {
            self.scratch.limits += 1;
            return None;
        };
        self.effort = rest;
        url::parse(piece).ok()
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
        let natural = lex::url_natural_end(text, host_end, limit);
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
            None => finder.url_parsed(start, end).map(|parsed| Cow::Owned(parsed.key)),
        };
        if let Some(hash) = memchr::memchr(b'#', &text[host_end..limit.min(top + 1)]).map(|n| host_end + n) {
            top = hash;
            if let Some(key) = key_at(self, hash) {
                self.url_exact(&key, start, natural);
            }
        }
        let mut parsed = 0;
        let mut doubtful: Option<(usize, String)> = None;
        lex::url_ends(text, host_end, top, limit, |end| {
            if plain.as_ref().is_none_or(|plain| plain.key_at(end).is_none()) {
                parsed += 1;
                if parsed > MAX_URL_ENDS {
                    self.scratch.limits += 1;
                    return true;
                }
            }
            let key = key_at(self, end);
            if let Some((longer, with)) = doubtful.take()
                && (longer, Some(&*with)) != (end + 1, key.as_deref())
            {
                self.url_exact(&with, start, longer);
            }
            match key {
                Some(Cow::Owned(key)) if lex::is_trailing(text[end - 1]) => doubtful = Some((end, key)),
                Some(key) => self.url_exact(&key, start, end),
                None => {}
            }
            true
        });
        if let Some((end, key)) = doubtful {
            self.url_exact(&key, start, end);
        }
    }

    /// The key of a URL as far as it can be read off the text, and no further than a byte beyond `longest`.
    fn plain_url(&mut self, start: usize, host_end: usize, limit: usize, longest: usize) -> Option<PlainUrl> {
        let text = self.text;
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
        let mut key = url::parse(&root).ok()?.key;
        if text[tail] == b'/' {
            key.pop();
        }
        let head = key.len();
        let mut in_path = text[tail] == b'/';
        let mut end = tail;
        while end < limit && key.len() <= longest {
            let b = text[end];
            if !(b.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?|".contains(&b)) {
                break;
            }
            key.push(char::from(b));
            end += 1;
            in_path &= b != b'?';
            if in_path && b == b'/' && text[..limit].get(end) == Some(&b'.') {
                break;
            }
        }
        // A dot segment further on could make the key short again.
        let too_long = key.len() > longest && (!in_path || self.url_text.dots < end);
        let complete = end == limit || text[end] == b'#' || too_long;
        Some(PlainUrl { key, head, tail, end, complete })
    }

    /// Probes a key that was read off or parsed from `start..end`.
    fn url_exact(&mut self, key: &str, start: usize, end: usize) {
        let set = self.set;
        let mut found = Vec::new();
        set.equal(Kind::Url, key, |entry| match set.entry_match(entry).0 {
            Match::Exact => found.push((entry, Relation::Exact)),
            Match::Prefix => found.push((entry, Relation::UrlPrefix)),
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
                Some(parsed) => parsed.key,
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
            if *length >= key.len() || !key.is_char_boundary(*length) {
                continue;
            }
            let is_mark = |b: u8| matches!(b, b'/' | b'?' | b'#');
            if is_mark(key.as_bytes()[*length]) || is_mark(key.as_bytes()[*length - 1]) {
                set.equal(Kind::Url, &key[..*length], |entry| {
                    if set.entry_match(entry).0 == Match::Prefix {
                        found.push((entry, Relation::UrlPrefix));
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
        let Ok(parsed) = url::parse(piece) else { return };
        if !parsed.key.starts_with(key) {
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

    /// Probes a whole URL, for a lookup.
    fn url(&mut self, parsed: &url::Parsed) {
        let mut found = self.prefixes_of(&parsed.key);
        let set = self.set;
        set.equal(Kind::Url, &parsed.key, |entry| match set.entry_match(entry).0 {
            Match::Exact => found.push((entry, Relation::Exact)),
            Match::Prefix => found.push((entry, Relation::UrlPrefix)),
            _ => {}
        });
        for (entry, relation) in found {
            if self.fits_scheme(entry, &parsed.value) {
                self.push(entry, relation, Kind::Url, &parsed.value, 0, 0);
            }
        }
    }

    fn email_at(&mut self, at: usize) {
        let text = self.text;
        if !self.set.has().emails || at == 0 {
            return;
        }
        let run_end = lex::run_end(text, at + 1, 4 * 253);
        let mut names: [(usize, usize); 2] = [(0, 0); 2];
        let mut count = 0;
        lex::names_in(text, at + 1, run_end, |a, b| {
            if a == at + 1 && count < 2 {
                names[count] = (a, b);
                count += 1;
            }
        });
        for (a, b) in &names[..count] {
            let Some(name) = self.canonical_name(*a, *b) else { continue };
            lex::local_starts(text, at, |from| {
                let Ok(local) = std::str::from_utf8(&text[from..at]) else { return };
                if let Ok(found) = observable::email::parse(&format!("{local}@{name}")) {
                    let key = found.key.as_deref().unwrap_or(&found.value);
                    self.key(Kind::Email, key, &found.value, from, *b);
                }
            });
            self.scratch.name = name;
        }
    }

    /// Identifiers with separators of their own: CVE, hardware addresses, fingerprints.
    fn identifiers(&mut self, start: usize, end: usize) {
        let has = *self.set.has();
        match end - start {
            14 | 17 | 19 | 23 if has.kind(Kind::Mac) => self.parsed(Kind::Mac, start, end),
            36 => self.parsed(Kind::Ja4, start, end),
            5..=9 => self.parsed(Kind::AttackId, start, end),
            _ => {}
        }
        if has.kind(Kind::Cve) {
            for_each_cve(self.text, start, end, |a, b| self.parsed(Kind::Cve, a, b));
        }
    }

    /// A word of letters and digits.
    fn word(&mut self, a: usize, b: usize) {
        let text = self.text;
        let length = b - a;
        let word = &text[a..b];
        if length < 12 {
            if self.set.has().kind(Kind::Asn)
                && length > 2
                && word[..2].eq_ignore_ascii_case(b"as")
                && word[length - 1].is_ascii_digit()
            {
                self.parsed(Kind::Asn, a, b);
            }
            return;
        }
        if length > 128 {
            return;
        }
        if word.iter().all(u8::is_ascii_hexdigit) {
            let labelled = lex::labelled(text, a).filter(|kind| digest::hex_digits(*kind) == Some(length));
            if let Some(kind) = labelled.or(Kind::of_digest_length(length)) {
                self.parsed(kind, a, b);
            } else if length == 62 {
                self.parsed(Kind::Jarm, a, b);
            }
        } else if length == 42 && word[..2].eq_ignore_ascii_case(b"0x") {
            self.parsed(Kind::Ethereum, a, b);
        } else if length == 72 && word[..2].eq_ignore_ascii_case(b"t1") {
            self.parsed(Kind::Tlsh, a, b);
        }
        for kind in wallet::kinds_of_word(word) {
            if self.set.has().kind(*kind) {
                self.parsed(*kind, a, b);
            }
        }
    }

    /// Reads a place as a kind and probes its key.
    fn parsed(&mut self, kind: Kind, a: usize, b: usize) {
        if !self.set.has().kind(kind) {
            return;
        }
        let Ok(piece) = std::str::from_utf8(&self.text[a..b]) else { return };
        if kind == Kind::Mac && ident::mac(piece).is_err() {
            return;
        }
        if let Ok(found) = observable::parse_kind(kind, piece) {
            let key = found.key.as_deref().unwrap_or(&found.value).to_string();
            self.key(kind, &key, &found.value, a, b);
        }
    }

    /// Reads a place as a network or range and probes its key.
    fn address_like(&mut self, kind: Kind, a: usize, b: usize) {
        if !self.set.has().addresses {
            return;
        }
        let Ok(piece) = std::str::from_utf8(&self.text[a..b]) else { return };
        if let Ok(found) = observable::parse_kind(kind, piece) {
            self.key(kind, found.key.as_deref().unwrap_or(&found.value), &found.value, a, b);
        }
    }

    /// Everything that covers an observable, for a lookup.
    fn observable(&mut self, observable: &Observable) {
        let (value, key) = (observable.value(), observable.key());
        match observable.kind() {
            Kind::Ipv4 | Kind::Ipv6 => {
                if let Ok(address) = ip::address(value) {
                    self.address(address, 0, 0);
                }
            }
            Kind::Cidr | Kind::IpRange => {
                self.key(observable.kind(), key, value, 0, 0);
                if let Some(span) = ip::span(key) {
                    let mut found = Vec::new();
                    self.set.covering_span(span.first, span.last, |entry| found.push(entry));
                    for entry in found {
                        self.push(entry, Relation::Network, observable.kind(), value, 0, 0);
                    }
                }
            }
            Kind::Domain => self.domain(value, 0, 0),
            Kind::Endpoint => {
                self.endpoint(value, 0, 0);
                let host = value.rsplit_once(':').map_or(value, |(host, _)| host);
                self.host_text(host);
            }
            Kind::Email => {
                self.key(Kind::Email, key, value, 0, 0);
                if let Some((_, name)) = value.rsplit_once('@') {
                    self.domain(name, 0, 0);
                }
            }
            Kind::Url => {
                if let Ok(parsed) = url::parse(value) {
                    self.url(&parsed);
                    self.host_text(&parsed.key[..parsed.host_len]);
                    let authority = parsed.key.split(['/', '?']).next().unwrap_or_default();
                    if authority.len() > parsed.host_len {
                        self.endpoint(authority, 0, 0);
                    }
                }
            }
            kind => self.key(kind, key, value, 0, 0),
        }
    }

    fn host_text(&mut self, host: &str) {
        match ip::address(host) {
            Ok(address) => self.address(address, 0, 0),
            Err(_) if host.contains('.') => self.domain(host, 0, 0),
            Err(_) => {}
        }
    }

    /// Probes an address: itself and every network and range that holds it.
    fn address(&mut self, address: IpAddr, a: usize, b: usize) {
        let set = self.set;
        self.address_key(address);
        let key = std::mem::take(&mut self.scratch.key);
        let kind = if address.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 };
        let mut found: [Vec<u32>; 2] = Default::default();
        set.equal(Kind::Ipv4, &key, |entry| found[0].push(entry));
        set.covering(address, |entry| found[1].push(entry));
        if self.options.url_hosts || self.options.ignore_ports {
            self.host_options(&key, kind, a, b);
        }
        if !found.iter().all(Vec::is_empty) {
            let value = address.to_string();
            let [equal, covering] = found;
            for entry in &equal {
                self.push(*entry, Relation::Exact, kind, &value, a, b);
            }
            for entry in covering.iter().filter(|entry| !equal.contains(entry)) {
                self.push(*entry, Relation::Network, kind, &value, a, b);
            }
        }
        self.scratch.key = key;
    }

    fn host_options(&mut self, host: &str, kind: Kind, a: usize, b: usize) {
        let set = self.set;
        if self.options.url_hosts {
            for entry in set.on_url_host(host) {
                self.push(entry, Relation::UrlHost, kind, host, a, b);
            }
        }
        if self.options.ignore_ports {
            for entry in set.on_endpoint_host(host) {
                self.push(entry, Relation::Endpoint, kind, host, a, b);
            }
        }
    }

    /// Probes a name: itself and every name above it that covers below.
    fn domain(&mut self, name: &str, a: usize, b: usize) {
        let set = self.set;
        if set.has().names {
            set.equal(Kind::Domain, name, |entry| {
                if matches!(set.entry_match(entry), (Match::Exact, _) | (Match::Subdomains, false)) {
                    self.push(entry, Relation::Exact, Kind::Domain, name, a, b);
                }
            });
            for parent in parents(name) {
                set.equal(Kind::Domain, parent, |entry| {
                    if set.entry_match(entry).0 == Match::Subdomains {
                        self.push(entry, Relation::Subdomain, Kind::Domain, name, a, b);
                    }
                });
            }
        }
        if self.options.url_hosts || self.options.ignore_ports {
            self.host_options(name, Kind::Domain, a, b);
        }
    }

    fn endpoint(&mut self, value: &str, a: usize, b: usize) {
        let set = self.set;
        if !set.has().endpoints {
            return;
        }
        let Ok(found) = observable::endpoint::parse(value) else { return };
        let key = found.key.as_deref().unwrap_or(&found.value);
        set.equal(Kind::Endpoint, key, |entry| {
            self.push(entry, Relation::Endpoint, Kind::Endpoint, &found.value, a, b);
        });
    }

    /// Probes a key of a kind that is only ever equal.
    fn key(&mut self, kind: Kind, key: &str, value: &str, a: usize, b: usize) {
        let set = self.set;
        set.equal(kind, key, |entry| {
            if matches!(set.entry_match(entry).0, Match::Exact | Match::Network) {
                self.push(entry, Relation::Exact, kind, value, a, b);
            }
        });
    }

    /// Notes a match; `false` where refanging does not count there.
    fn push(&mut self, entry: u32, relation: Relation, kind: Kind, value: &str, a: usize, b: usize) -> bool {
        let (start, end) = match self.place {
            Place::Raw => (a, b),
            Place::Value => (0, 0),
            Place::View(view, level) => {
                if !view.touches(a, b)
                    || (level == Refang::Usual
                        && (!refang::is_plausible(value, kind) || view.is_doubtful(a, b)))
                {
                    return false;
                }
                view.raw_span(a, b)
            }
        };
        let at = self.scratch.values.len();
        self.scratch.values.push_str(value);
        self.scratch.pending.push(Pending {
            start,
            end: std::cmp::Reverse(end),
            entry,
            relation,
            kind,
            value: (at, value.len()),
        });
        true
    }
}

/// The text of a URL from somewhere in it.
#[derive(Clone, Copy, Default)]
struct UrlText {
    from: usize,
    /// Where it surely ends.
    limit: usize,
    /// Behind the last slash that a dot segment may follow.
    dots: usize,
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

/// The length of an authority's host: what stands before the port.
fn split_port(authority: &str) -> usize {
    authority.rfind(':').filter(|at| !authority[*at..].contains(']')).unwrap_or(authority.len())
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
    let mut i = start;
    while i + 3 <= end {
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
        i += 1;
    }
}
