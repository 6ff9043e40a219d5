//! Bytes → observables: what stands in a text, whether anybody lists it or not.
//!
//! Two readings of each block of text give candidates: the bytes as they are, and a view with defanging undone
//! (see [`crate::refang`]). A candidate is taken when its grammar and the rules against look-alikes take it:
//! a name needs a known or special-use top-level domain, a wallet its checksum, a digest its length and borders.
//! The outermost observable at a place is reported; spans are always those of the original bytes.

use std::net::IpAddr;
use std::ops::ControlFlow;

mod artifacts;
pub(crate) mod lex;
mod records;
mod rules;
mod tokens;
mod urls;

use lex::{Colons, Token};
pub use rules::{Rule, UnknownRule};
use tokens::{LONG_WORD, Tokens};
pub(crate) use urls::url_end;

use crate::fields::Header;
use crate::observable::{self, digest, domain, email, ident, wallet};
use crate::refang::{self, View};
use crate::scan::Level;
use crate::{Kind, Observable, Refang};

/// What to extract, and how.
#[derive(Clone, Debug, Default)]
pub struct ExtractOptions {
    /// Only these kinds. Empty: every kind that has a shape of its own.
    pub kinds: Vec<Kind>,
    /// How much defanging is undone.
    pub refang: Refang,
    /// Also observables inside others: the host of a URL, the domain of an e-mail address.
    pub nested: bool,
    /// Also look-alikes, and of places with several readings all of them: everything that a scan compares, whatever
    /// its top-level domain. More than a reader wants to see; what a store of observables needs, so that an indicator
    /// which comes later is found in it as a scan would have found it. Implies `nested`.
    pub every: bool,
    /// Rules against look-alikes that are switched off.
    pub without: Vec<Rule>,
    /// Also candidates that a rule refuses, with [`Extraction::refused`] set, but for those inside something that is
    /// taken.
    pub explain: bool,
    /// Also hashes and URLs that the end of a line cuts, as wrapped texts have them; [`Extraction::via`] is `wrapped`, and the span
    /// covers the end of the line.
    pub wrapped: bool,
    /// Lines are read as records (see [`crate::fields`]): each observable has the name of its field, URLs are put together
    /// whose parts stand in several fields and addresses get the port of theirs, and fields that are named for a kind
    /// without a shape are values of it.
    pub fields: bool,
    /// Only observables in these fields; the name is that of the field or its end behind a dot, case-blind. Implies
    /// `fields`. Empty: all.
    pub only_fields: Vec<String>,
}

impl ExtractOptions {
    /// Whether lines are read as records.
    pub fn reads_fields(&self) -> bool {
        self.fields || !self.only_fields.is_empty()
    }
}

/// One observable in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// Its kind.
    pub kind: Kind,
    /// Its canonical value.
    pub value: String,
    /// The port that stands behind an address or name, or in the field for it.
    pub port: Option<u16>,
    /// The field that it stands in, with [`ExtractOptions::fields`]; of what is put together all of them, with `+` between
    /// their names: its span is that of its host.
    pub field: Option<String>,
    /// What stands between the bytes and the value: `entities` of HTML or XML, and tags inside of it; the ends of lines
    /// (`wrapped`).
    pub via: Option<&'static str>,
    /// Why it is none, with [`ExtractOptions::explain`].
    pub refused: Option<Rule>,
}

/// Every observable in `data`, by place.
///
/// ```
/// use indicia_core::{ExtractOptions, Kind, extract};
/// let found = extract(b"beacon to hxxps://cdn[.]bad[.]example/a from 192.0.2.7:8443", &ExtractOptions::default());
/// assert_eq!(found[0].value, "https://cdn.bad.example/a");
/// assert_eq!((found[0].start, found[0].end), (10, 39));
/// assert_eq!((found[1].kind, found[1].port), (Kind::Ipv4, Some(8443)));
/// ```
pub fn extract(data: &[u8], options: &ExtractOptions) -> Vec<Extraction> {
    let mut found = Vec::new();
    let _ = extract_with(data, options, &mut |e| {
        found.push(e);
        ControlFlow::Continue(())
    });
    found
}

/// Calls `on` for every observable in `data`, by place; `Break` stops.
pub fn extract_with(
    data: &[u8],
    options: &ExtractOptions,
    on: &mut dyn FnMut(Extraction) -> ControlFlow<()>,
) -> ControlFlow<()> {
    extract_behind(&Header::default(), data, options, on)
}

/// [`extract_with`] of whole lines from the middle of data: `header` has read all that stood before.
pub fn extract_behind(
    header: &Header,
    data: &[u8],
    options: &ExtractOptions,
    on: &mut dyn FnMut(Extraction) -> ControlFlow<()>,
) -> ControlFlow<()> {
    extract_at(Level::best(), header, data, options, on)
}

/// [`extract_behind`], with what a level of the processor has; all find the same.
fn extract_at(
    level: Level,
    header: &Header,
    data: &[u8],
    options: &ExtractOptions,
    on: &mut dyn FnMut(Extraction) -> ControlFlow<()>,
) -> ControlFlow<()> {
    const BLOCK: usize = 64 * 1024;
    let mut header = header.clone();
    let mut tokens = Tokens::default();
    let mut base = 0;
    while base < data.len() {
        let rest = &data[base..];
        let end = block_end(rest, BLOCK, options.wrapped);
        let block = &rest[..end];
        let mut extractor = Extractor::new(block, None, options);
        // Of every reading of a text each word can be a value.
        if level == Level::Plain || options.every {
            extractor.run_tokens();
        } else {
            tokens.read(block, level);
            tokens.each(block, |token| extractor.token(token));
        }
        let mut found: Vec<_> = extractor.found.into_iter().map(|e| (e, Reading::AsItStands)).collect();
        if let Some(view) = View::new(block, options.refang) {
            let mut extractor = Extractor::new(view.text(), Some(&view), options);
            extractor.run_tokens();
            found.extend(extractor.found.into_iter().map(|e| (e, Reading::Refanged)));
        }
        let wrapped = options.wrapped.then(|| View::wrapped(block)).flatten();
        for (via, base) in [("entities", View::markup(block)), ("wrapped", wrapped)] {
            let Some(base) = base else { continue };
            let view = View::new(base.text(), options.refang).map(|view| view.over(&base));
            let view = view.as_ref().unwrap_or(&base);
            let mut extractor = Extractor::new(view.text(), Some(view), options);
            extractor.run_tokens();
            let within = |e: &Extraction| base.changes(e.start, e.end);
            let read = extractor.found.into_iter().filter(within);
            found.extend(read.map(|e| (Extraction { via: Some(via), ..e }, Reading::Refanged)));
        }
        let mut found = resolve(found, options);
        if options.reads_fields() {
            records::fields(block, &header, options, &mut found);
            header.read(block);
        }
        for mut e in found {
            e.start += base;
            e.end += base;
            on(e)?;
        }
        base += end;
    }
    ControlFlow::Continue(())
}

/// Where a block of a text ends that has so many bytes or more: behind a line, and with [`ExtractOptions::wrapped`] one behind
/// which no value goes on. [`extract_behind`] finds in blocks what [`extract`] finds in the whole.
///
/// ```
/// let text = b"bad.example\nand more\n";
/// assert_eq!(indicia_core::block_end(text, 4, false), 12);
/// ```
pub fn block_end(text: &[u8], size: usize, wrapped: bool) -> usize {
    let mut newlines = memchr::memchr_iter(b'\n', text.get(size..).unwrap_or_default()).map(|at| size + at);
    newlines.find(|at| !wrapped || !refang::may_go_on(text, *at)).map_or(text.len(), |at| at + 1)
}

/// Which reading of a block an observable was found in. `hxxp://` reads as a scheme of its own too, so at one
/// place the refanged reading comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reading {
    Refanged,
    AsItStands,
}

/// Orders by place and drops what lies inside or across something longer that came first.
fn resolve(mut found: Vec<(Extraction, Reading)>, options: &ExtractOptions) -> Vec<Extraction> {
    found.sort_by_key(|(e, reading)| (e.start, std::cmp::Reverse(e.end), *reading, e.kind));
    let mut found: Vec<Extraction> = found.into_iter().map(|(e, _)| e).collect();
    found.dedup();
    let wanted = |e: &Extraction| options.kinds.is_empty() || options.kinds.contains(&e.kind);
    let refused: Vec<Extraction> = found.extract_if(.., |e| e.refused.is_some()).collect();
    if options.every {
        found.retain(wanted);
        return found;
    }
    let mut kept: Vec<Extraction> = Vec::with_capacity(found.len());
    let mut outer: Option<(usize, usize)> = None;
    for e in found {
        if let Some((start, end)) = outer
            && e.start < end
        {
            let inside = e.end <= end;
            let same = e.start == start && e.end == end;
            if same || !inside || !options.nested {
                continue;
            }
        } else {
            outer = Some((e.start, e.end));
        }
        kept.push(e);
    }
    kept.retain(wanted);
    if !refused.is_empty() {
        add_refused(&mut kept, refused.into_iter().filter(wanted));
    }
    kept
}

/// Adds refused candidates, but those that something holds which was taken, and only the first of those at one place.
fn add_refused(kept: &mut Vec<Extraction>, refused: impl Iterator<Item = Extraction>) {
    let mut reach = 0;
    let mut taken: Vec<(usize, usize)> = Vec::with_capacity(kept.len());
    for e in kept.iter() {
        reach = reach.max(e.end);
        taken.push((e.start, reach));
    }
    let mut last = (0, 0);
    for e in refused {
        let before = taken.partition_point(|(start, _)| *start < e.end);
        let overlaps = before > 0 && taken[before - 1].1 > e.start;
        if !overlaps && last != (e.start, e.end) {
            last = (e.start, e.end);
            kept.push(e);
        }
    }
    kept.sort_by_key(|e| e.start);
}

struct Extractor<'t> {
    text: &'t [u8],
    view: Option<&'t View>,
    level: Refang,
    nested: bool,
    every: bool,
    without: &'t [Rule],
    explain: bool,
    found: Vec<Extraction>,
    /// Where the outermost URL so far ends, and how many were tried inside it.
    outer_url: (usize, usize),
    /// Where the last registry key or ssdeep hash ends.
    artifact_end: usize,
}

impl<'t> Extractor<'t> {
    fn new(text: &'t [u8], view: Option<&'t View>, options: &'t ExtractOptions) -> Extractor<'t> {
        Extractor {
            text,
            view,
            level: options.refang,
            nested: options.nested || options.every,
            every: options.every,
            without: &options.without,
            explain: options.explain,
            found: Vec::new(),
            outer_url: (0, 0),
            artifact_end: 0,
        }
    }

    /// Whether it makes a difference which rule refuses a candidate that this one does.
    fn is_asked_of(&self, rule: Rule) -> bool {
        self.every || self.explain || self.without.contains(&rule)
    }

    /// Whether a rule that holds for a candidate refuses it.
    fn refuses(&mut self, rule: Rule, kind: Kind, start: usize, end: usize) -> bool {
        if self.every || self.without.contains(&rule) {
            return false;
        }
        if self.explain && self.view.is_none_or(|view| view.touches(start, end)) {
            let value = self.str(start, end).to_string();
            let (start, end) = self.view.map_or((start, end), |view| view.raw_span(start, end));
            self.found.push(Extraction {
                start,
                end,
                kind,
                value,
                port: None,
                field: None,
                via: None,
                refused: Some(rule),
            });
        }
        true
    }

    fn run_tokens(&mut self) {
        match self.view {
            None => self.tokens(0, self.text.len()),
            // What holds nothing that was replaced is read in the text as it stands.
            Some(view) => view.stretches(|from, to| self.tokens(from, to)),
        }
    }

    fn tokens(&mut self, from: usize, to: usize) {
        lex::tokens_in(self.text, from, to, |token| self.token(token));
    }

    fn token(&mut self, token: Token) {
        match token {
            Token::Run { start, end, dots } => self.run(start, end, dots),
            Token::Colons { start, end } => self.colons(start, end),
            Token::Scheme { at } => self.url_at(at),
            Token::At { at } => self.email_at(at),
        }
    }

    fn take(&mut self, kind: Kind, value: String, start: usize, end: usize, port: Option<u16>) {
        let (start, end) = match self.view {
            None => (start, end),
            Some(view) => {
                if !view.touches(start, end)
                    || (self.level == Refang::Usual
                        && (!refang::is_plausible(&value, kind) || view.is_doubtful(start, end))
                        && self.refuses(Rule::Implausible, kind, start, end))
                {
                    return;
                }
                view.raw_span(start, end)
            }
        };
        self.found.push(Extraction { start, end, kind, value, port, field: None, via: None, refused: None });
    }

    fn str(&self, a: usize, b: usize) -> &'t str {
        let text = self.text;
        crate::scan::text(&text[a..b]).unwrap_or_default()
    }

    fn parsed(&mut self, kind: Kind, a: usize, b: usize) {
        if let Ok(found) = observable::parse_kind(kind, self.str(a, b)) {
            let (kind, value) = (found.kind, found.value.into_owned());
            self.take(kind, value, a, b, None);
        }
    }

    fn run(&mut self, start: usize, end: usize, dots: bool) {
        let text = self.text;
        if !dots && !self.every && is_word(&text[start..end]) {
            // Most of a text is words: they can begin a path or a key.
            self.artifact(start, end, dots);
            return;
        }
        if text[start].is_ascii_digit() && !self.every {
            self.asn_in_front(start);
        }
        // Next comes what is a number, or letters and a number: times, sizes, ports, ids.
        if !dots && !self.every && is_short(&text[start..end]) && !lex::is_escape(text, start) {
            self.artifact(start, end, dots);
            if end - start < 13 && text[end - 1].is_ascii_digit() && !text[start].is_ascii_digit() {
                self.short_attack_id(start, end);
                self.asn(start, end);
            }
            return;
        }
        // Behind an escape the run begins later; the part in front is no value.
        let last = lex::run_starts(text, start, end).last().unwrap_or(start);
        for start in lex::run_starts(text, start, end) {
            self.artifact(start, end, dots);
            if self.every || start == last {
                self.run_from(start, end, dots);
            }
        }
    }

    fn run_from(&mut self, start: usize, end: usize, dots: bool) {
        let text = self.text;
        if dots {
            lex::ipv4_in(text, start, end, |a, b, address| {
                let hyphen = |at: Option<&u8>| at.is_some_and(|b| matches!(b, b'-' | b'_'));
                let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
                // A hyphen beside an address makes a host name or a version, unless it is that of a range.
                let host_before =
                    a > start && hyphen(text.get(a - 1)) && !(a > start + 1 && digit(text.get(a - 2)));
                let host_after = hyphen(text.get(b)) && !digit(text.get(b + 1));
                if ((host_before || host_after) && self.refuses(Rule::HostPart, Kind::Ipv4, a, b))
                    || (rules::is_version(&text[..a]) && self.refuses(Rule::Version, Kind::Ipv4, a, b))
                {
                    return;
                }
                self.host_address(address.into(), a, b, a, b);
            });
            lex::names_in(text, start, end, |a, b| self.name(a, b));
        }
        lex::identifiers_in(text, start, end, |a, b| self.identifiers(a, b));
        lex::words_in(text, start, end, |a, b| self.word(a, b));
    }

    /// What begins with a run and goes on behind its border. A scan compares none of it.
    fn artifact(&mut self, start: usize, end: usize, dots: bool) {
        let text = self.text;
        let border = !dots && matches!(text.get(end), Some(b'\\' | b':' | b'%' | b'/'));
        let home = || text[..start].ends_with(b"~/") || text[..start].ends_with(b"~/.");
        if self.every || start < self.artifact_end || !(border || home()) {
            return;
        }
        let found = (artifacts::registry_key(text, start, end).map(|to| (Kind::RegistryKey, start, to)))
            .or_else(|| artifacts::ssdeep(text, start, end).map(|to| (Kind::Ssdeep, start, to)))
            .or_else(|| {
                let path = artifacts::windows_path(text, start, end)
                    .or_else(|| artifacts::posix_path(text, start, end));
                path.map(|(from, to)| (Kind::FilePath, from, to))
            });
        if let Some((kind, start, to)) = found {
            self.artifact_end = to;
            let mut value = std::borrow::Cow::Borrowed(self.str(start, to));
            // In texts with escapes each backslash is written twice; a share begins with two of its own.
            if kind == Kind::FilePath && value.get(3..).is_some_and(|rest| rest.contains("\\\\")) {
                value = value.replace("\\\\", "\\").into();
            }
            // With the rules for all texts: what is in quotes can hold anything.
            if let Ok(found) = Observable::parse_as(kind, &value) {
                self.take(kind, found.value().to_string(), start, to, None);
            }
        }
    }

    fn colons(&mut self, start: usize, end: usize) {
        let text = self.text;
        lex::in_colons(text, start, end, |a, b, found| match found {
            Colons::V6(address) => {
                // `Foo::bar` and `::B` are code: an address in prose has two groups or more beside the gap.
                let groups = text[a..b].split(|c| *c == b':').filter(|g| !g.is_empty()).count();
                if groups < 2 && !address.is_loopback() && self.refuses(Rule::CodeColons, Kind::Ipv6, a, b) {
                    return;
                }
                let bracketed = a > 0 && text[a - 1] == b'[' && text.get(b) == Some(&b']');
                let (from, to) = if bracketed { (a - 1, b + 1) } else { (a, b) };
                self.host_address(address.into(), a, b, from, to);
            }
            Colons::Mac => self.parsed(Kind::Mac, a, b),
        });
    }

    fn host_address(&mut self, address: IpAddr, a: usize, b: usize, from: usize, to: usize) {
        let text = self.text;
        let max = if address.is_ipv4() { 32 } else { 128 };
        if (from, to) == (a, b)
            && let Some((length, end)) = lex::prefix_after(text, b, max)
        {
            if length > 0 || self.every {
                self.parsed(if length == max { kind_of(address) } else { Kind::Cidr }, a, end);
            }
            if !self.every {
                return;
            }
        }
        if text.get(to) == Some(&b'-')
            && (from, to) == (a, b)
            && let Some(end) = lex::range_end(text, to)
        {
            self.parsed(Kind::IpRange, a, end);
        }
        let port = if max == 32 || from < a { lex::port_after(text, to) } else { None };
        self.take(kind_of(address), address.to_string(), a, b, port.map(|(port, _)| port));
        if max == 32 || from < a {
            self.bare_url(from, port.map_or(to, |(_, end)| end));
        }
    }

    fn name(&mut self, a: usize, b: usize) {
        let text = self.text;
        let raw = self.str(a, b);
        // Of all that has a dot most is told from a name by its end.
        if self.view.is_none() && raw.is_ascii() && !self.is_asked_of(Rule::UnknownTld) && !ends_in_tld(raw) {
            return;
        }
        let Ok(name) = domain::parse(raw) else { return };
        let last = name.rsplit('.').next().unwrap_or_default();
        // A root dot may stand between name and port or path (`bad.example.:443`).
        let root =
            self.every && text.get(b) == Some(&b'.') && matches!(text.get(b + 1), Some(b':' | b'/' | b'?'));
        let behind = b + usize::from(root);
        let port = lex::port_after(text, behind);
        let end = port.map_or(behind, |(_, end)| end);
        let defanged = self.view.is_some_and(|v| v.touches(a, b));
        let aggressive = self.level == Refang::Aggressive && defanged;
        let followed_by_path =
            matches!(text.get(end), Some(b'/')) && text.get(end + 1).is_some_and(|b| !is_space_or_quote(*b));
        let name_here = rules::Name {
            raw,
            canonical: &name,
            before: &text[a.saturating_sub(2)..a],
            next: text.get(b).copied(),
            followed_by_path,
        };
        for rule in rules::of_name(&name_here) {
            if (!defanged || rule == Rule::InPath) && self.refuses(rule, Kind::Domain, a, b) {
                return;
            }
        }
        if !aggressive && !refang::is_listed_tld(last) && self.refuses(Rule::UnknownTld, Kind::Domain, a, b) {
            return;
        }
        let name = name.into_owned();
        self.take(Kind::Domain, name, a, b, port.map(|(port, _)| port));
        if !text[..a].ends_with(b"@") {
            self.bare_url(a, end);
        }
    }

    fn email_at(&mut self, at: usize) {
        let text = self.text;
        let run_end = lex::run_end(text, at + 1, 4 * 253);
        let mut name_end = None;
        lex::names_in(text, at + 1, run_end, |a, b| {
            if a == at + 1 && self.every {
                self.emails(at, b);
            } else if a == at + 1 && name_end.is_none() {
                name_end = Some(b);
            }
        });
        let Some(b) = name_end else { return };
        let mut best: Option<(usize, String)> = None;
        // The last start offered is the narrowest that escapes leave; the usual characters come before it.
        lex::local_starts(text, at, |from| {
            let usual = text[from..at]
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"._-+%".contains(b) || !b.is_ascii());
            if usual && let Ok(found) = email::parse(self.str(from, b)) {
                best = Some((from, found.value.into_owned()));
            }
        });
        let Some((from, value)) = best else { return };
        if refang::is_plausible(&value, Kind::Email) || !self.refuses(Rule::UnknownTld, Kind::Email, from, b)
        {
            self.take(Kind::Email, value, from, b, None);
        }
    }

    /// Every address around an `@` whose name ends at `b`.
    fn emails(&mut self, at: usize, b: usize) {
        lex::local_starts(self.text, at, |from| self.parsed(Kind::Email, from, b));
    }

    fn identifiers(&mut self, start: usize, end: usize) {
        let text = self.text;
        let length = end - start;
        if matches!(length, 14 | 17 | 19 | 23) && ident::mac(self.str(start, end)).is_ok() {
            self.parsed(Kind::Mac, start, end);
        }
        if length == 36 {
            self.parsed(Kind::Ja4, start, end);
        }
        self.short_attack_id(start, end);
        lex::for_each_cve(text, start, end, |a, b| self.parsed(Kind::Cve, a, b));
    }

    fn short_attack_id(&mut self, start: usize, end: usize) {
        let border = start == 0 || !matches!(self.text[start - 1], b'/' | b'\\' | b'@');
        if (5..=10).contains(&(end - start)) && (self.every || border) {
            self.attack_id(start, end);
        }
    }

    fn attack_id(&mut self, start: usize, end: usize) {
        let text = self.text;
        if !text[end - 1].is_ascii_digit() || !b"ACDGMSTacdgmst".contains(&text[start]) {
            return;
        }
        let Ok(found) = observable::parse_kind(Kind::AttackId, self.str(start, end)) else { return };
        let value = found.value.into_owned();
        if is_attack_id(self.str(start, end)) || !self.refuses(Rule::UnknownId, Kind::AttackId, start, end) {
            self.take(Kind::AttackId, value, start, end, None);
        }
    }

    fn word(&mut self, a: usize, b: usize) {
        let text = self.text;
        let word = &text[a..b];
        let length = b - a;
        if length < 13 {
            if self.every && length < 12 {
                if length > 2 && word[..2].eq_ignore_ascii_case(b"as") {
                    self.parsed(Kind::Asn, a, b);
                }
                return;
            }
            self.asn(a, b);
            if !self.every {
                return;
            }
        }
        if length > 128 || (length < 25 && !self.every) {
            return;
        }
        if word.iter().all(u8::is_ascii_hexdigit) {
            if is_guid_part(text, a, b)
                && Kind::of_digest_length(length).is_some_and(|kind| self.refuses(Rule::GuidPart, kind, a, b))
            {
                return;
            }
            let labelled = lex::labelled(text, a).filter(|kind| digest::hex_digits(*kind) == Some(length));
            if let Some(kind) = labelled.or(Kind::of_digest_length(length)) {
                self.parsed(kind, a, b);
            } else if length == 62 {
                self.parsed(Kind::Jarm, a, b);
            }
            if !self.every {
                return;
            }
        } else if length == 42 && word[..2].eq_ignore_ascii_case(b"0x") {
            self.parsed(Kind::Ethereum, a, b);
        } else if length == 72 && (word.starts_with(b"T1") || (self.every && word.starts_with(b"t1"))) {
            self.parsed(Kind::Tlsh, a, b);
        }
        for kind in wallet::kinds_of_word(word) {
            if observable::parse_kind(*kind, self.str(a, b)).is_ok() {
                self.parsed(*kind, a, b);
                if !self.every {
                    return;
                }
            }
        }
    }

    /// The number of a system that a word in front of a space announces.
    fn asn_in_front(&mut self, start: usize) {
        let before = &self.text[..start];
        let word = [&b"AS "[..], b"ASN "].into_iter().find(|word| before.ends_with(word));
        if let Some(word) = word
            && lex::begins_run(before, start - word.len())
        {
            self.asn(start - word.len(), start - 1);
        }
    }

    /// `AS64496`, `ASN64496`, `ASN 64496`, `AS 64496`; a bare `AS400` with fewer than four digits is a machine, and behind
    /// a space a year has four.
    fn asn(&mut self, a: usize, b: usize) {
        let text = self.text;
        let word = &text[a..b];
        if word.len() >= 6 && word.starts_with(b"AS") && word[word.len() - 4..].iter().all(u8::is_ascii_digit)
        {
            self.parsed(Kind::Asn, a, b);
        } else if matches!(word, b"ASN" | b"AS") && text.get(b) == Some(&b' ') {
            let least = if word == b"AS" { 5 } else { 1 };
            let digits = text[b + 1..].iter().take(11).take_while(|b| b.is_ascii_digit()).count();
            if digits >= least && !text.get(b + 1 + digits).is_some_and(u8::is_ascii_alphanumeric) {
                self.parsed(Kind::Asn, a, b + 1 + digits);
            }
        }
    }
}

/// Whether a run without dots has no digit and no hyphen, which all identifiers have, digests, wallets and hardware
/// addresses among them.
fn is_word(run: &[u8]) -> bool {
    // No early end: so the bytes are looked at many at once.
    run.iter().fold(true, |word, b| word & !(b.is_ascii_digit() | (*b == b'-'))) && run.len() < LONG_WORD
}

/// Whether a run is of letters and digits, and too short for digests, wallets and hardware addresses.
fn is_short(run: &[u8]) -> bool {
    run.len() < LONG_WORD && run.iter().fold(true, |all, b| all & b.is_ascii_alphanumeric())
}

/// Whether a word that has the shape of an ATT&CK id is one: a technique by its shape, of the others those that exist,
/// since a letter and four digits is a product more often than not.
fn is_attack_id(word: &str) -> bool {
    let technique = word.starts_with(['T', 't']) && word.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    technique
        || (word.starts_with(['A', 'C', 'D', 'G', 'M', 'S', 'T'])
            && word.ends_with(|c: char| c.is_ascii_digit())
            && indicia_data::attack::lookup(word).is_some())
}

fn ends_in_tld(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    refang::is_listed_tld(last)
        || (last.bytes().any(|b| b.is_ascii_uppercase()) && refang::is_listed_tld(&last.to_ascii_lowercase()))
}

fn kind_of(address: IpAddr) -> Kind {
    if address.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 }
}

fn is_space_or_quote(b: u8) -> bool {
    b <= b' ' || matches!(b, b'"' | b'\'' | b')' | b']' | b'>' | b',' | b';' | b'.')
}

/// A word of hexadecimal digits whose neighbours are hyphens and more digits: part of a GUID.
fn is_guid_part(text: &[u8], a: usize, b: usize) -> bool {
    (a >= 2 && text[a - 1] == b'-' && text[a - 2].is_ascii_hexdigit())
        || (text.get(b) == Some(&b'-') && text.get(b + 1).is_some_and(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(Kind, String)> {
        extract(text.as_bytes(), &ExtractOptions::default()).into_iter().map(|e| (e.kind, e.value)).collect()
    }

    #[test]
    fn spans_cover_the_defanged_bytes() {
        let text = "at hxxp://a[.]bad[.]example/x, then";
        let found = extract(text.as_bytes(), &ExtractOptions::default());
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].start..found[0].end], "hxxp://a[.]bad[.]example/x");
    }

    #[test]
    fn nested_values_on_request() {
        let options = ExtractOptions { nested: true, ..ExtractOptions::default() };
        let found = extract(b"http://bad.example/x", &options);
        let kinds: Vec<_> = found.iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [Kind::Url, Kind::Domain]);
    }

    #[test]
    fn one_of_each() {
        let d = "0123456789abcdef0123456789abcdef";
        for (text, kind, value) in [
            ("host 192.0.2.7.", Kind::Ipv4, "192.0.2.7"),
            ("net 192.0.2.0/24,", Kind::Cidr, "192.0.2.0/24"),
            ("192.0.2.1-192.0.2.9", Kind::IpRange, "192.0.2.1-192.0.2.9"),
            ("[2001:db8::7]:443", Kind::Ipv6, "2001:db8::7"),
            ("mail <a.b@bad.example>", Kind::Email, "a.b@bad.example"),
            ("CVE-2021-44228", Kind::Cve, "CVE-2021-44228"),
            ("on AS64496,", Kind::Asn, "AS64496"),
            ("00-1A-2b-3C-4D-5E", Kind::Mac, "00:1a:2b:3c:4d:5e"),
            ("bad.example/x?y=1", Kind::Url, "bad.example/x?y=1"),
            ("*.bad.example", Kind::Domain, "bad.example"),
        ] {
            assert_eq!(values(text), [(kind, value.to_string())], "{text}");
        }
        assert_eq!(values(&format!("md5 {d}")), [(Kind::Md5, d.to_string())]);
        assert_eq!(values(&format!("imphash: {d}")), [(Kind::Imphash, d.to_string())]);
    }

    #[test]
    fn attack_ids_in_prose_exist() {
        let id = |id: &str| [(Kind::AttackId, id.to_string())];
        for known in ["T1059.001", "T1086", "TA0001", "G0016", "S0002", "M1036", "C0001", "DS0009"] {
            assert_eq!(values(&format!("seen as ({known}).")), id(known), "{known}");
        }
        assert_eq!(values("a technique is one by its shape: T9876"), id("T9876"));
        for text in [
            "Lexmark C4342",
            "a Galaxy S9999",
            "the G9500 and M9000",
            "/software/S0002/",
            "s0002",
            "DS0999",
            "TA505",
        ] {
            assert_eq!(values(text), [], "{text}");
        }
    }

    #[test]
    fn look_alikes() {
        for text in [
            "12:30:45",
            "std::vector<int> Foo::bar()",
            "finished.In March",
            "main.py and update.zip",
            "1.3.6.1.4.1.311.2.1.4",
            "114.0.5735.133",
            "192.0.2.07",
            "System.Net.Http",
            "Trojan.Agent.CC",
            "re.search",
        ] {
            assert_eq!(values(text), [], "{text}");
        }
    }
}
