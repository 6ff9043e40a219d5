//! What stands in a text against what is listed: each token becomes the values it can be, and each value's key is
//! probed. Addresses, names, addresses of mail, digests and identifiers are here; URLs are in `urls.rs`.

use std::borrow::Cow;
use std::net::IpAddr;

use super::records::Host;
use super::urls::UrlText;
use super::walk::{Shape, Suspect};
use super::{Pending, Relation, ScanOptions, Scratch};
use crate::extract::lex::{self, Colons, Token};
use crate::observable::{self, digest, domain, ident, ip, url, wallet};
use crate::refang::{Refang, View};
use crate::set::{address_key, parents};
use crate::{IndicatorSet, Kind, Match, Observable};

/// Where the text of a finder comes from, and so what its offsets mean.
#[derive(Clone, Copy)]
pub(super) enum Place<'v> {
    Raw,
    View(&'v View, Refang),
    /// A view of what entities and tags make of the text, the other one.
    Markup(&'v View, &'v View, Refang),
    Value,
    /// Parts of a record, shown at one of them.
    At(usize, usize),
}

pub(super) struct Finder<'f, 't> {
    pub(super) set: &'f IndicatorSet,
    pub(super) options: &'f ScanOptions,
    pub(super) scratch: &'f mut Scratch,
    pub(super) text: &'t [u8],
    place: Place<'t>,
    /// The URL text that was looked at last.
    pub(super) url_text: UrlText,
    /// The `://` in front of a suspected run that was looked at last.
    scheme: Option<usize>,
    authority: lex::Authority,
    /// How many more bytes of URLs may be parsed whose key is not plain to see.
    pub(super) effort: usize,
}

impl<'f, 't> Finder<'f, 't> {
    pub(super) fn new(
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
            scheme: None,
            authority: lex::Authority::default(),
            effort: super::urls::EFFORT + 8 * text.len(),
        }
    }

    /// Every candidate of the text.
    pub(super) fn text(&mut self) {
        let text = self.text;
        lex::tokens(text, |token| match token {
            Token::Run { start, end, dots } => self.run(start, end, dots),
            Token::Colons { start, end } => self.colons(start, end),
            Token::Scheme { at } => self.url_at(at),
            Token::At { at } => self.email_at(at),
        });
    }

    /// Every candidate at the places that a sieve let pass, which come in order.
    pub(super) fn suspects(&mut self, suspects: &[Suspect]) {
        let text = self.text;
        for suspect in suspects {
            let Suspect { start, end, what } = *suspect;
            match what {
                Shape::Scheme => {
                    self.scheme = Some(start);
                    self.url_at(start);
                }
                Shape::Colons => self.colons(start, end),
                Shape::Run => self.suspected_run(start, end),
                Shape::Text => lex::tokens_in(text, start, end, |token| match token {
                    Token::Run { start, end, .. } => self.suspected_run(start, end),
                    Token::Colons { start, end } => self.colons(start, end),
                    Token::Scheme { at } => {
                        self.scheme = Some(at);
                        self.url_at(at);
                    }
                    // Comes with the run behind it.
                    Token::At { .. } => {}
                }),
            }
        }
    }

    /// A run with what it is the host of.
    fn suspected_run(&mut self, start: usize, end: usize) {
        let text = self.text;
        // The runs of a URL's authority have its scheme in common.
        if let Some(at) = self.authority.scheme_before(text, start)
            && self.scheme != Some(at)
        {
            self.scheme = Some(at);
            self.url_at(at);
        }
        if start > 0 && text[start - 1] == b'@' {
            self.email_at(start - 1);
        }
        self.run(start, end, text[start..end].contains(&b'.'));
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
    pub(super) fn host_address(&mut self, address: IpAddr, a: usize, b: usize, from: usize, to: usize) {
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
    pub(super) fn canonical_name(&mut self, a: usize, b: usize) -> Option<String> {
        let text = std::str::from_utf8(&self.text[a..b]).ok()?;
        let mut name = std::mem::take(&mut self.scratch.name);
        name.clear();
        if domain::write(text, &mut name).is_err() || !name.contains('.') {
            self.scratch.name = name;
            return None;
        }
        Some(name)
    }

    pub(super) fn email_at(&mut self, at: usize) {
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
            lex::for_each_cve(self.text, start, end, |a, b| self.parsed(Kind::Cve, a, b));
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
    pub(super) fn observable(&mut self, observable: &Observable) {
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
                    let set = self.set;
                    set.covering_span(span.first, span.last, |found| {
                        self.push(found.index(), Relation::Network, observable.kind(), value, 0, 0);
                    });
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
            Kind::Url => self.url(value, key),
            kind => self.key(kind, key, value, 0, 0),
        }
    }

    /// What a URL in the default form holds beside itself: its host, and its host with the port.
    pub(super) fn parts_of_url(&mut self, value: &str) {
        let Ok(parsed) = url::parse(value) else { return };
        self.host_text(&parsed.key[..parsed.host_len]);
        let authority = parsed.key.split(['/', '?']).next().unwrap_or_default();
        if authority.len() > parsed.host_len {
            self.endpoint(authority, 0, 0);
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
    pub(super) fn address(&mut self, address: IpAddr, a: usize, b: usize) {
        let set = self.set;
        self.address_key(address);
        let key = std::mem::take(&mut self.scratch.key);
        let kind = if address.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 };
        // A mapped address is written otherwise than its key.
        let is_key = ip::unmapped(address) == address;
        let value = |key| if is_key { Cow::Borrowed(key) } else { Cow::Owned(address.to_string()) };
        set.equal_address(address, &key, |found| {
            self.push(found.index(), Relation::Exact, kind, &value(&key), a, b);
        });
        set.covering(address, |found| {
            self.push(found.index(), Relation::Network, kind, &value(&key), a, b);
        });
        if self.options.hosts_count() {
            self.host_options(&key, kind, a, b);
        }
        self.masks_of_host(kind, &key, a, b);
        self.masks_of_key(kind, &key, &key, a, b);
        self.scratch.key = key;
    }

    fn host_options(&mut self, host: &str, kind: Kind, a: usize, b: usize) {
        let set = self.set;
        if self.options.reads_fields() && matches!(self.place, Place::Raw) && !self.is_in_url(a, b) {
            let (url, endpoint) = (set.urls_on(host).is_some(), set.has_endpoint_host(host));
            if url || endpoint {
                self.scratch.records.hosts.push(Host { at: a, url, endpoint });
            }
        }
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

    /// Whether a host stands in a URL of its own, and so in no field for hosts.
    fn is_in_url(&self, a: usize, b: usize) -> bool {
        self.text.get(b) == Some(&b'/') || self.text[..a].ends_with(b"//")
    }

    /// Probes a name: itself and every name above it that covers below.
    pub(super) fn domain(&mut self, name: &str, a: usize, b: usize) {
        let set = self.set;
        if set.has().names {
            set.equal(Kind::Domain, name, |found| {
                if found.covers_itself() {
                    self.push(found.index(), Relation::Exact, Kind::Domain, name, a, b);
                }
            });
            // No name of one label is listed.
            for parent in parents(name).filter(|parent| parent.contains('.')) {
                set.equal(Kind::Domain, parent, |found| {
                    if found.match_() == Match::Subdomains {
                        self.push(found.index(), Relation::Subdomain, Kind::Domain, name, a, b);
                    }
                });
            }
        }
        if self.options.hosts_count() {
            self.host_options(name, Kind::Domain, a, b);
        }
        self.masks_of_host(Kind::Domain, name, a, b);
    }

    pub(super) fn endpoint(&mut self, value: &str, a: usize, b: usize) {
        let set = self.set;
        if !set.has().endpoints {
            return;
        }
        let Ok(found) = observable::endpoint::parse(value) else { return };
        let key = found.key.as_deref().unwrap_or(&found.value);
        set.equal(Kind::Endpoint, key, |indicator| {
            self.push(indicator.index(), Relation::Endpoint, Kind::Endpoint, &found.value, a, b);
        });
    }

    /// Probes a key of a kind that is only ever equal.
    pub(super) fn key(&mut self, kind: Kind, key: &str, value: &str, a: usize, b: usize) {
        let set = self.set;
        set.equal(kind, key, |found| {
            if matches!(found.match_(), Match::Exact | Match::Network) {
                self.push(found.index(), Relation::Exact, kind, value, a, b);
            }
        });
        self.masks_of_key(kind, key, value, a, b);
    }

    /// Notes a match; `false` where refanging does not count there.
    pub(super) fn push(
        &mut self,
        entry: u32,
        relation: Relation,
        kind: Kind,
        value: &str,
        a: usize,
        b: usize,
    ) -> bool {
        let (start, end) = match self.place {
            Place::Raw => (a, b),
            Place::Value => (0, 0),
            Place::At(start, end) => (start, end),
            Place::View(view, level) | Place::Markup(view, _, level) => {
                if !view.touches(a, b)
                    || (level == Refang::Usual
                        && (!observable::is_plausible(self.set.profile(), value, kind)
                            || view.is_doubtful(a, b)))
                {
                    return false;
                }
                view.raw_span(a, b)
            }
        };
        let entities = match self.place {
            Place::Markup(_, markup, _) if !markup.changes(start, end) => return false,
            Place::Markup(..) => true,
            _ => false,
        };
        let Scratch { values, pending, .. } = &mut *self.scratch;
        // All that covers a value comes with it.
        let last = pending.last().map(|hit| hit.value);
        let value = match last.filter(|(at, length)| values[*at..at + length] == *value) {
            Some(kept) => kept,
            None => {
                values.push_str(value);
                (values.len() - value.len(), value.len())
            }
        };
        pending.push(Pending {
            start,
            end: std::cmp::Reverse(end),
            entry,
            relation,
            kind,
            value,
            field: 0,
            entities,
        });
        true
    }
}
