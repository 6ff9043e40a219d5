//! The matcher, slow and plain: every substring, every indicator.

use std::net::IpAddr;

use indicia_core::{
    AsOf, Context, Filter, Indicator, Kind, Match, Observable, Refang, Relation, Role, ScanOptions, Target,
    Tlp,
};

use crate::random::Case;

/// One hit. `contexts` is how many pass the filter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) listed: usize,
    pub(crate) relation: Relation,
    pub(crate) contexts: usize,
}

/// Every hit in the text of a case, in order.
pub(crate) fn scan(case: &Case) -> Vec<Found> {
    let text = Text::new(&case.text);
    let wanted: Vec<Kind> = case.listed.iter().map(|i| i.target.observable.kind()).collect();
    let mut all = Vec::new();
    for (seen, start, end) in text.values(&wanted) {
        for (listed, indicator) in case.listed.iter().enumerate() {
            let contexts = passing(case, indicator);
            if contexts > 0
                && let Some(relation) = relation(&seen, &indicator.target, &case.options)
            {
                all.push(Found { start, end, listed, relation, contexts });
            }
        }
    }
    all.sort();
    all.dedup();
    // One place can match in two ways: the first counts. Inside another hit of the same indicator, none does.
    let covers = |outer: &Found, inner: &Found| {
        let longer = (outer.start, outer.end) != (inner.start, inner.end);
        outer.listed == inner.listed
            && outer.start <= inner.start
            && inner.end <= outer.end
            && (longer || outer.relation < inner.relation)
    };
    let outermost: Vec<Found> =
        all.iter().filter(|inner| !all.iter().any(|outer| covers(outer, inner))).cloned().collect();
    outermost
}

/// What covers a value, as (number in the list, relation, contexts); `None` where no grammar takes it.
pub(crate) fn lookup(case: &Case, raw: &str, kind: Option<Kind>) -> Option<Vec<(usize, Relation, usize)>> {
    let main = Observable::parse_refanged(kind, raw, Refang::Usual).ok()?;
    let mut values = vec![main];
    if kind.is_none() {
        let wanted = |kind: &&Kind| {
            let listed = case.listed.iter().any(|i| i.target.observable.kind() == **kind);
            // A network is no URL with a number for a path.
            (listed || is_address_like(**kind)) && !(**kind == Kind::Url && is_address_like(values[0].kind()))
        };
        let read = |kind: &Kind| Observable::parse_refanged(Some(*kind), raw, Refang::Usual).ok();
        let others: Vec<Observable> = Kind::ALL.iter().filter(wanted).filter_map(read).collect();
        values.extend(others);
    }
    let mut seen = Vec::new();
    for value in values {
        seen.extend(parts(&value));
        seen.push(Seen { value, natural: true });
    }
    let mut found = Vec::new();
    for (listed, indicator) in case.listed.iter().enumerate() {
        let contexts = passing(case, indicator);
        let relation = seen.iter().filter_map(|seen| {
            relation(seen, &indicator.target, &case.options)
                .or_else(|| network_in_network(seen, &indicator.target))
        });
        if contexts > 0
            && let Some(relation) = relation.min()
        {
            found.push((listed, relation, contexts));
        }
    }
    Some(found)
}

/// The host of a URL or endpoint, the domain of an address, the endpoint that a URL names.
fn parts(value: &Observable) -> Vec<Seen> {
    let mut parts = Vec::new();
    let mut add = |text: &str, kinds: &[Kind]| {
        for kind in kinds {
            parts.extend(Observable::parse_as(*kind, text).map(|value| Seen { value, natural: true }));
        }
    };
    const HOST: [Kind; 3] = [Kind::Ipv4, Kind::Ipv6, Kind::Domain];
    match value.kind() {
        Kind::Endpoint => add(value.value().rsplit_once(':').map_or("", |(host, _)| host), &HOST),
        Kind::Email => add(value.value().rsplit_once('@').map_or("", |(_, name)| name), &[Kind::Domain]),
        Kind::Url => {
            let authority = value.key().split(['/', '?']).next().unwrap_or_default();
            add(authority, &[Kind::Endpoint]);
            add(without_port(authority), &HOST);
        }
        _ => {}
    }
    parts
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

/// What the set makes of a way to match: a public suffix never covers what is below it.
pub(crate) fn effective_match(target: &Target) -> Match {
    let suffix = indicia_data::psl::is_public_suffix(target.observable.key());
    match target.match_ {
        Match::Subdomains if suffix && !target.below_only => Match::Exact,
        other => other,
    }
}

/// How many contexts of an indicator enter the set and pass the filter.
fn passing(case: &Case, indicator: &Indicator) -> usize {
    let somebody_to_notify = |c: &Context| matches!(c.role, Some(Role::Compromised | Role::Victim));
    let enters = |c: &&Context| {
        if case.build.roles.is_empty() {
            !somebody_to_notify(c)
        } else {
            case.build.roles.contains(&c.role.unwrap_or(Role::Unknown))
        }
    };
    indicator.contexts.iter().filter(enters).filter(|c| passes(&case.options.filter, c)).count()
}

fn passes(filter: &Filter, c: &Context) -> bool {
    let role = c.role.unwrap_or(Role::Unknown);
    if filter.roles.is_empty() && matches!(role, Role::Compromised | Role::Victim) {
        return false;
    }
    if !filter.roles.is_empty() && !filter.roles.contains(&role) {
        return false;
    }
    if c.revoked == Some(true) && !filter.revoked {
        return false;
    }
    if !filter.labels.is_empty() {
        let wanted: Vec<String> = filter.labels.iter().map(|l| l.to_lowercase()).collect();
        if !c.labels.iter().any(|l| wanted.contains(&l.to_lowercase())) {
            return false;
        }
    }
    if let Some(least) = filter.min_confidence {
        let Some(confidence) = &c.confidence else { return false };
        if confidence.value.as_f64().unwrap_or(0.0) < least {
            return false;
        }
    }
    if let Some(most) = filter.max_tlp {
        let Some(tlp) = c.tlp else { return false };
        let strictness = |tlp: Tlp| Tlp::ALL.iter().position(|t| *t == tlp);
        if strictness(tlp) > strictness(most) {
            return false;
        }
    }
    if let AsOf::At(at) = filter.as_of
        && (c.valid_from.is_some_and(|from| at < from) || c.valid_until.is_some_and(|until| until <= at))
    {
        return false;
    }
    true
}

/// A value that stands somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    value: Observable,
    /// It ends where nothing but a border follows: a listed prefix may match.
    natural: bool,
}

/// How an indicator matches a value, if it does.
fn relation(seen: &Seen, target: &Target, options: &ScanOptions) -> Option<Relation> {
    let listed = &target.observable;
    let value = &seen.value;
    let same_key = value.key() == listed.key();
    match (value.kind(), listed.kind()) {
        (Kind::Ipv4 | Kind::Ipv6, kind) if is_address_like(kind) => {
            if same_key {
                return Some(Relation::Exact);
            }
            let address: IpAddr = value.value().parse().expect("an address");
            let (first, last) = ends(listed.key());
            let inside = |a: IpAddr| first.is_ipv4() == a.is_ipv4() && first <= a && a <= last;
            let covers =
                target.match_ == Match::Network && (inside(address) || inside(address.to_canonical()));
            covers.then_some(Relation::Network)
        }
        (Kind::Cidr | Kind::IpRange, kind) if is_address_like(kind) => same_key.then_some(Relation::Exact),
        (Kind::Domain, Kind::Domain) => {
            let below = value.key().strip_suffix(listed.key()).is_some_and(|rest| rest.ends_with('.'));
            match effective_match(target) {
                _ if same_key && !target.below_only => Some(Relation::Exact),
                Match::Subdomains if below => Some(Relation::Subdomain),
                _ => None,
            }
        }
        (Kind::Endpoint, Kind::Endpoint) => same_key.then_some(Relation::Endpoint),
        (Kind::Ipv4 | Kind::Ipv6 | Kind::Domain, Kind::Endpoint) => {
            let host = listed.key().rsplit_once(':').map_or("", |(host, _)| host);
            (options.ignore_ports && host.trim_matches(['[', ']']) == value.key())
                .then_some(Relation::Endpoint)
        }
        (Kind::Ipv4 | Kind::Ipv6 | Kind::Domain, Kind::Url) => {
            let host = without_port(listed.key().split(['/', '?']).next().unwrap_or_default())
                .trim_matches(['[', ']']);
            let host = host.parse::<IpAddr>().map_or(host.to_string(), |a| a.to_canonical().to_string());
            (options.url_hosts && host == value.key()).then_some(Relation::UrlHost)
        }
        (Kind::Url, Kind::Url) => {
            let scheme = |o: &Observable| o.value().split_once("://").map(|(scheme, _)| scheme.to_string());
            if options.strict_scheme && scheme(listed).is_some() && scheme(listed) != scheme(value) {
                return None;
            }
            let is_mark = |c: char| matches!(c, '/' | '?' | '#');
            let under = value.key().strip_prefix(listed.key()).is_some_and(|rest| {
                rest.starts_with(is_mark) || (!rest.is_empty() && listed.key().ends_with(is_mark))
            });
            match target.match_ {
                Match::Exact if same_key => Some(Relation::Exact),
                Match::Prefix if same_key || (under && seen.natural) => Some(Relation::UrlPrefix),
                _ => None,
            }
        }
        (a, b) => (a == b && same_key).then_some(Relation::Exact),
    }
}

/// A lookup of a network finds the networks around it.
fn network_in_network(seen: &Seen, target: &Target) -> Option<Relation> {
    let listed = &target.observable;
    if !matches!(seen.value.kind(), Kind::Cidr | Kind::IpRange) || target.match_ != Match::Network {
        return None;
    }
    let (outer, inner) = (ends(listed.key()), ends(seen.value.key()));
    let covers = outer.0.is_ipv4() == inner.0.is_ipv4() && outer.0 <= inner.0 && inner.1 <= outer.1;
    covers.then_some(Relation::Network)
}

fn is_address_like(kind: Kind) -> bool {
    matches!(kind, Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange)
}

/// The first and last address of a key.
fn ends(key: &str) -> (IpAddr, IpAddr) {
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    if let Some((first, last)) = key.split_once('-') {
        return (address(first), address(last));
    }
    let Some((first, length)) = key.split_once('/') else { return (address(key), address(key)) };
    let length: u32 = length.parse().expect("a length");
    match address(first) {
        IpAddr::V4(a) => {
            let rest = u32::MAX.checked_shr(length).unwrap_or(0);
            (a.into(), IpAddr::V4((a.to_bits() | rest).into()))
        }
        IpAddr::V6(a) => {
            let rest = u128::MAX.checked_shr(length).unwrap_or(0);
            (a.into(), IpAddr::V6((a.to_bits() | rest).into()))
        }
    }
}

/// Bytes with the characters that begin and end at each place; where bytes are not UTF-8 there is none.
struct Text<'t> {
    bytes: &'t [u8],
    begins: Vec<Option<char>>,
    ends: Vec<Option<char>>,
}

impl<'t> Text<'t> {
    fn new(bytes: &'t [u8]) -> Text<'t> {
        let mut begins = vec![None; bytes.len() + 1];
        let mut ends = vec![None; bytes.len() + 1];
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                begins[at] = Some(c);
                at += c.len_utf8();
                ends[at] = Some(c);
            }
            at += chunk.invalid().len();
        }
        Text { bytes, begins, ends }
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The character in front of a place.
    fn before(&self, at: usize) -> Option<char> {
        self.ends[at]
    }

    /// The character behind a place.
    fn after(&self, at: usize) -> Option<char> {
        self.begins[at]
    }

    fn str(&self, start: usize, end: usize) -> Option<&str> {
        std::str::from_utf8(&self.bytes[start..end]).ok()
    }

    /// The start of the stretch of such characters that ends at `at`.
    fn back(&self, mut at: usize, is: impl Fn(char) -> bool) -> usize {
        while let Some(c) = self.before(at).filter(|c| is(*c)) {
            at -= c.len_utf8();
        }
        at
    }

    /// The end of the stretch of such characters that begins at `at`.
    fn ahead(&self, mut at: usize, is: impl Fn(char) -> bool) -> usize {
        while let Some(c) = self.after(at).filter(|c| is(*c)) {
            at += c.len_utf8();
        }
        at
    }

    /// Every value of the text that could match a wanted kind, with its place.
    fn values(&self, wanted: &[Kind]) -> Vec<(Seen, usize, usize)> {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            if needed_for(*kind, wanted) {
                for start in 0..self.len() {
                    for end in start + 1..=self.len() {
                        if let Some(value) = self.value(*kind, start, end) {
                            all.push((value, start, end));
                        }
                    }
                }
            }
        }
        all.extend(self.odd_hosts());
        all
    }

    /// The value of a kind that stands at a place.
    fn value(&self, kind: Kind, start: usize, end: usize) -> Option<Seen> {
        let piece = self.str(start, end)?;
        let stands = match kind {
            Kind::Ipv4 => self.is_ipv4(start, end) || self.is_single(start, end, "/32"),
            Kind::Ipv6 => self.is_ipv6(start, end) || self.is_single(start, end, "/128"),
            Kind::Cidr => self.is_network(start, end),
            Kind::IpRange => self.is_range(start, end),
            Kind::Domain => self.is_name(start, end),
            Kind::Endpoint => self.is_endpoint(start, end),
            Kind::Url => return self.url(start, end),
            Kind::Email => self.is_email(start, end),
            Kind::Mac => {
                self.is_colon_mac(start, end)
                    || (piece.contains(['-', '.']) && self.is_identifier(start, end))
            }
            Kind::AttackId | Kind::Ja4 => self.is_identifier(start, end),
            Kind::Cve => {
                let free = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_alphanumeric());
                (free(self.before(start)) || self.is_behind_escape(start)) && free(self.after(end))
            }
            Kind::Asn => piece.to_ascii_lowercase().starts_with("as") && self.is_word(start, end),
            Kind::Bitcoin | Kind::Ethereum => self.is_word(start, end),
            _ => self.digest_kind(start, end)? == kind,
        };
        // A grammar that forgives white space is not asked to.
        if !stands || piece.trim() != piece {
            return None;
        }
        Some(Seen { value: Observable::parse_as(kind, piece).ok()?, natural: true })
    }

    /// An escape ends here: `\n`, `\x3d`, `\u003d`, `%3D`, `%253D`.
    fn is_behind_escape(&self, at: usize) -> bool {
        let ends_with = |mark: &str, digits: usize| {
            let Some(from) = at.checked_sub(mark.len() + digits) else { return false };
            let (front, back) = self.bytes[from..at].split_at(mark.len());
            front == mark.as_bytes() && back.iter().all(u8::is_ascii_hexdigit)
        };
        let colour = || {
            let front = &self.bytes[..at];
            let front = front.strip_suffix(b"m").or(front.strip_suffix(b"K"))?;
            let digits = front.iter().rev().take_while(|b| b";0123456789".contains(b)).count();
            let front = front[..front.len() - digits].strip_suffix(b"[")?;
            ["\x1b", "\\u001b", "\\u001B", "\\x1b", "\\x1B", "\\033", "#033", "\\e"]
                .iter()
                .find(|esc| front.ends_with(esc.as_bytes()))
        };
        ends_with("%", 2)
            || colour().is_some()
            || ends_with("%25", 2)
            || ends_with("\\x", 2)
            || ends_with("\\u", 4)
            || ["\\n", "\\r", "\\t", "\\b", "\\f"].iter().any(|e| self.bytes[..at].ends_with(e.as_bytes()))
    }

    /// Letters and digits, and none beside them.
    fn is_word(&self, start: usize, end: usize) -> bool {
        let inside = |c: char| c.is_ascii_alphanumeric();
        self.ahead(start, inside) == end
            && (self.back(start, inside) == start || self.is_behind_escape(start))
    }

    /// ASCII letters, digits and `.-_`, beginning and ending with the former, and none of them beyond.
    fn is_identifier(&self, start: usize, end: usize) -> bool {
        let inside = |c: char| c.is_ascii_alphanumeric() || is_mark(c);
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let begins = self.back(start, is_mark);
        self.ahead(end, is_mark) == self.ahead(start, inside)
            && edge(self.after(start))
            && edge(self.before(end))
            && (begins == self.back(start, inside)
                || self.is_behind_escape(begins)
                || self.is_behind_escape(start))
    }

    /// A name: no letter, digit, dot, hyphen or underscore that could belong to it stands beside it. Two dots in
    /// a row are a border, and so is a letter of a script without spaces beside an ASCII name.
    fn is_name(&self, start: usize, end: usize) -> bool {
        let inside = |c: char| c.is_alphanumeric() || is_mark(c);
        let Some(piece) = self.str(start, end) else { return false };
        let clean = !piece.starts_with(['.', '-']) && !piece.ends_with(is_mark);
        if !clean || !piece.chars().all(inside) || !piece.contains('.') || piece.contains("..") {
            return false;
        }
        let front = self.back(start, |c| matches!(c, '.' | '-'));
        let back = self.ahead(end, is_mark);
        let two_dots = |a: usize, b: usize| self.bytes[a..b].windows(2).any(|w| w == b"..");
        let glued = |c: Option<char>| piece.is_ascii() && c.is_some_and(is_unspaced);
        let border = |c: Option<char>| !c.is_some_and(inside);
        let begins = two_dots(front, start)
            || border(self.before(front))
            || (front..=start).any(|at| self.is_behind_escape(at))
            || (glued(self.before(front)) && self.bytes.get(front) != Some(&b'.'));
        begins && (two_dots(end, back) || border(self.after(back)) || glued(self.after(back)))
    }

    /// Four numbers and dots, and no letter, digit or dot beside them but dots at the end of something.
    fn is_ipv4(&self, start: usize, end: usize) -> bool {
        let inside = |c: char| c.is_ascii_digit() || c == '.';
        let Some(piece) = self.str(start, end) else { return false };
        if !piece.chars().all(inside)
            || piece.starts_with('.')
            || piece.ends_with('.')
            || piece.contains("..")
        {
            return false;
        }
        let dot = |c: char| c == '.';
        let (front, back) = (self.back(start, dot), self.ahead(end, dot));
        let begins = start - front >= 2
            || is_free(self.before(front))
            || (front..=start).any(|at| self.is_behind_escape(at));
        begins
            && (back - end >= 2 || is_free(self.after(back)))
            && Observable::parse_as(Kind::Ipv4, piece).is_ok()
    }

    /// The stretch of hexadecimal digits, colons and dots around a place.
    fn colon_stretch(&self, start: usize) -> (usize, usize) {
        let inside = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
        (self.back(start, inside), self.ahead(start, inside))
    }

    /// Where an address with colons can end in its stretch: at its end, or at the last colon where a word goes on;
    /// in any case before dots and one colon.
    fn ends_with_colons(&self, start: usize, end: usize) -> bool {
        let (from, to) = self.colon_stretch(start);
        let goes_on = !is_free(self.after(to)) || self.after(to) == Some('_');
        let last = self.bytes[from..to].iter().rposition(|b| *b == b':').map_or(to, |n| from + n);
        let cut = if goes_on { last } else { to };
        if end > cut {
            return false;
        }
        let rest = self.str(end, cut).unwrap_or("x").trim_end_matches('.');
        rest.is_empty() || (rest == ":" && self.before(end) != Some(':'))
    }

    /// Whether an address with colons begins at the start of its stretch or behind an escape.
    fn begins_with_colons(&self, start: usize) -> bool {
        let (from, _) = self.colon_stretch(start);
        let first_colon = self.ahead(from, |c| c != ':');
        (start == from && is_free(self.before(from)) && self.before(from) != Some('_'))
            || (start <= first_colon.min(from + 6) && self.is_behind_escape(start))
    }

    fn is_colon_value(&self, kind: Kind, start: usize, end: usize) -> bool {
        let parses = |kind: Kind, a: usize, b: usize| {
            let piece = self.str(a, b).unwrap_or_default();
            piece.matches(':').count() > 1
                && !piece.contains(['[', '-', '/'])
                && Observable::parse_as(kind, piece).is_ok()
        };
        // Eight pairs are a hardware address.
        if !parses(kind, start, end)
            || !self.ends_with_colons(start, end)
            || (kind == Kind::Ipv6 && parses(Kind::Mac, start, end))
        {
            return false;
        }
        if self.begins_with_colons(start) {
            return true;
        }
        // A label and its colon stand in front, where no address begins with the label.
        let (from, to) = self.colon_stretch(start);
        let better = (from..to).any(|a| {
            self.begins_with_colons(a)
                && (a..=to).any(|b| {
                    self.ends_with_colons(a, b) && (parses(Kind::Ipv6, a, b) || parses(Kind::Mac, a, b))
                })
        });
        start == self.ahead(from, |c| c != ':') + 1 && !self.bytes[from..].starts_with(b"::") && !better
    }

    fn is_ipv6(&self, start: usize, end: usize) -> bool {
        self.is_colon_value(Kind::Ipv6, start, end)
    }

    fn is_colon_mac(&self, start: usize, end: usize) -> bool {
        self.is_colon_value(Kind::Mac, start, end)
    }

    fn is_address(&self, start: usize, end: usize) -> bool {
        self.is_ipv4(start, end) || self.is_ipv6(start, end)
    }

    /// An address and a prefix length; the next character does not make something else of it.
    fn is_network(&self, start: usize, end: usize) -> bool {
        let Some(slash) = (start..end).find(|at| self.bytes[*at] == b'/') else { return false };
        let next = self.after(end);
        let other =
            next.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-' | '?' | '%'));
        let decimal = next == Some('.') && self.after(end + 1).is_some_and(|c| c.is_ascii_alphanumeric());
        let bracketed = start > 0 && self.before(start) == Some('[') && self.after(slash) == Some(']');
        let full = if self.bytes[start..slash].contains(&b':') { "128" } else { "32" };
        self.is_address(start, slash)
            && !bracketed
            && !other
            && !decimal
            && self.str(slash + 1, end) != Some(full)
    }

    /// A network of one address, which is an address.
    fn is_single(&self, start: usize, end: usize, length: &str) -> bool {
        let Some(slash) = end.checked_sub(length.len()).filter(|slash| *slash > start) else { return false };
        let next = self.after(end);
        let other =
            next.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-' | '?' | '%'));
        let decimal = next == Some('.') && self.after(end + 1).is_some_and(|c| c.is_ascii_alphanumeric());
        self.str(slash, end) == Some(length) && self.is_address(start, slash) && !other && !decimal
    }

    /// Two addresses and a hyphen.
    fn is_range(&self, start: usize, end: usize) -> bool {
        let Some(hyphen) = (start..end).find(|at| self.bytes[*at] == b'-') else { return false };
        let second = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
        let stop = self.ahead(hyphen + 1, second);
        let bracketed = self.before(start) == Some('[') && self.after(hyphen) == Some(']');
        self.is_address(start, hyphen)
            && !bracketed
            && is_free(self.after(stop))
            && self.after(stop) != Some('_')
            && end == self.back(stop, |c| matches!(c, ':' | '.'))
    }

    /// A host as it stands in front of a port or path: an address, an IPv6 address in brackets, a name, which
    /// can have a root dot.
    fn is_host(&self, start: usize, end: usize) -> bool {
        if self.bytes[start] == b'[' {
            return end - start > 2 && self.bytes[end - 1] == b']' && self.is_ipv6(start + 1, end - 1);
        }
        let root = end - usize::from(self.before(end) == Some('.'));
        self.is_ipv4(start, end) || (root > start && self.is_name(start, root))
    }

    fn is_endpoint(&self, start: usize, end: usize) -> bool {
        let Some(colon) = (start..end).rev().find(|at| self.bytes[*at] == b':') else { return false };
        let goes_on = self.after(end).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        colon > start && !goes_on && self.is_host(start, colon)
    }

    fn is_email(&self, start: usize, end: usize) -> bool {
        let Some(at) = (start..end).rev().find(|at| self.bytes[*at] == b'@') else { return false };
        if at == start || !self.is_name(at + 1, end) {
            return false;
        }
        let usual = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%');
        let wide = |c: char| usual(c) || "!#$&'*/=?^`{|}~".contains(c);
        let from = self.back(at, usual);
        let widest = self.back(from, wide);
        let unspaced = self.bytes[start].is_ascii() && self.before(start).is_some_and(is_unspaced);
        start == widest
            || start == self.ahead(from, |c| matches!(c, '.' | '-'))
            || (start > from && (unspaced || self.is_behind_escape(start)))
    }

    /// A URL with its scheme, or without one where host, port and path or query stand together.
    fn url(&self, start: usize, end: usize) -> Option<Seen> {
        let piece = self.str(start, end)?;
        let floor = match piece.find("://") {
            Some(colon) if self.scheme_start(start + colon) == Some(start) => start + colon + 3,
            _ => {
                let authority = piece.find(['/', '?'])?;
                let stands = |text: &str| {
                    [Kind::Endpoint, Kind::Ipv4, Kind::Ipv6, Kind::Domain]
                        .iter()
                        .any(|k| Observable::parse_as(*k, text).is_ok())
                };
                let middle = start + authority;
                let together = self.is_host(start, middle) || self.is_endpoint(start, middle);
                if !together || !stands(&piece[..authority]) {
                    return None;
                }
                middle
            }
        };
        if end < floor || !self.ends_url(end) || (floor..end).any(|at| self.is_hard_end(at)) {
            return None;
        }
        let value = Observable::parse_as(Kind::Url, piece).ok()?;
        // The end without punctuation, before what surely ends the URL.
        let limit = (end..=self.len()).find(|at| self.is_hard_end(*at)).unwrap_or(self.len());
        let natural = end == self.back(limit, is_trailing);
        // Behind a `#` only that end counts; and punctuation that does not change the key is not part of it.
        if piece[floor - start..].contains('#') && !natural {
            return None;
        }
        let last = piece.chars().next_back()?;
        if is_trailing(last) && end > floor {
            let shorter = Observable::parse_as(Kind::Url, &piece[..piece.len() - 1]);
            if shorter.is_ok_and(|s| s.key() == value.key()) {
                return None;
            }
        }
        Some(Seen { value, natural })
    }

    /// Where the scheme begins whose `://` is at a place: with a known name, however it is glued to what stands in
    /// front; otherwise with the first letter.
    fn scheme_start(&self, colon: usize) -> Option<usize> {
        const KNOWN: [&str; 16] = [
            "https", "http", "ftps", "sftp", "ftp", "wss", "ws", "tcp", "udp", "ldaps", "ldap", "smb", "ssh",
            "rtsp", "socks5", "irc",
        ];
        let from = self
            .back(colon, |c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
            .max(colon.saturating_sub(32));
        let word = self.str(from, colon)?.to_ascii_lowercase();
        let known = KNOWN.iter().filter(|name| word.ends_with(**name)).map(|name| name.len()).max();
        if let Some(length) = known {
            return Some(colon - length);
        }
        let from = (from..colon.min(from + 6)).rev().find(|at| self.is_behind_escape(*at)).unwrap_or(from);
        (from..colon).find(|at| self.bytes[*at].is_ascii_alphabetic())
    }

    /// White space, control characters, quotes, angle brackets and their like, and bytes that are no text.
    fn is_hard_end(&self, at: usize) -> bool {
        match self.after(at) {
            Some(c) if c.is_ascii() => c <= ' ' || matches!(c, '"' | '<' | '>' | '`' | '\u{7f}'),
            Some(c) => matches!(c, '“' | '”' | '。' | '，'),
            // Inside a character is no place at all.
            None => {
                at == self.len()
                    || self.ends[..].get(at).is_none()
                    || !(self.bytes[at] & 0xc0 == 0x80 && self.in_character(at))
            }
        }
    }

    fn in_character(&self, at: usize) -> bool {
        (at.saturating_sub(3)..at).any(|from| self.after(from).is_some_and(|c| from + c.len_utf8() > at))
    }

    /// A place where the text of a URL ends or a listed one may end all the same, or only punctuation lies
    /// between here and there.
    fn ends_url(&self, end: usize) -> bool {
        let mut at = end;
        loop {
            let next = self.after(at);
            let unspaced = next.is_some_and(is_unspaced) && self.before(at).is_some_and(|c| c.is_ascii());
            if self.is_hard_end(at) || next.is_some_and(is_soft) || unspaced {
                return true;
            }
            if !next.is_some_and(is_trailing) {
                return false;
            }
            at += 1;
        }
    }

    /// Hosts of URLs that only a URL parser reads: numbers as addresses, a root dot behind an address, letters
    /// that names have not.
    fn odd_hosts(&self) -> Vec<(Seen, usize, usize)> {
        let mut all = Vec::new();
        for colon in 0..self.len() {
            if !self.bytes[colon..].starts_with(b"://") || self.scheme_start(colon).is_none() {
                continue;
            }
            let body = self.ahead(colon + 3, |c| matches!(c, '/' | '\\'));
            let stop = (body..self.len())
                .find(|at| self.is_hard_end(*at) || b"/?#\\".contains(&self.bytes[*at]))
                .unwrap_or(self.len());
            for end in body..=stop {
                if !(self.ends_url(end) || end == stop) {
                    continue;
                }
                let from =
                    self.bytes[body..end].iter().rposition(|b| *b == b'@').map_or(body, |n| body + n + 1);
                let Some(authority) = self.str(from, end) else { continue };
                let host = without_port(authority);
                let port = authority[host.len()..].trim_start_matches(':');
                let host = host.trim_end_matches('.');
                if (host.contains(':') && !host.ends_with(']')) || !port.bytes().all(|b| b.is_ascii_digit()) {
                    continue;
                }
                let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                let strict = [Kind::Ipv4, Kind::Ipv6].iter().any(|k| Observable::parse_as(*k, host).is_ok());
                let Ok(url) = Observable::parse_as(Kind::Url, &format!("http://{host}/")) else { continue };
                let read = without_port(url.key().trim_end_matches('/')).trim_matches(['[', ']']);
                for kind in [Kind::Ipv4, Kind::Ipv6, Kind::Domain] {
                    if let Ok(value) = Observable::parse_as(kind, read)
                        && !strict
                        && (kind != Kind::Domain || !plain)
                    {
                        all.push((Seen { value, natural: true }, from, from + host.len()));
                    }
                }
            }
        }
        all
    }

    /// What a word of hexadecimal digits is: what a label in front says, else what its length says.
    fn digest_kind(&self, start: usize, end: usize) -> Option<Kind> {
        if !self.is_word(start, end) || !self.bytes[start..end].iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let by_length = |length: usize| match length {
            32 => Some(Kind::Md5),
            40 => Some(Kind::Sha1),
            56 => Some(Kind::Sha224),
            62 => Some(Kind::Jarm),
            64 => Some(Kind::Sha256),
            96 => Some(Kind::Sha384),
            128 => Some(Kind::Sha512),
            _ => None,
        };
        let gap = self.back(start, |c| " \t:='\">|`*([".contains(c)).max(start.saturating_sub(6));
        let label = self.back(gap, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let label = self.str(label.max(gap.saturating_sub(20)), gap)?.to_ascii_lowercase();
        let labelled = match label.as_str() {
            _ if gap == start => None,
            "imphash" | "imp" => Some((Kind::Imphash, 32)),
            "ja3" => Some((Kind::Ja3, 32)),
            "authentihash" => Some((Kind::Authentihash, 64)),
            _ => None,
        };
        match labelled {
            Some((kind, length)) if length == end - start => Some(kind),
            _ => by_length(end - start),
        }
    }
}

/// Kinds that something wanted could match.
fn needed_for(kind: Kind, wanted: &[Kind]) -> bool {
    let any = |kinds: &[Kind]| wanted.iter().any(|w| kinds.contains(w));
    match kind {
        kind if is_address_like(kind) => {
            any(&[Kind::Ipv4, Kind::Ipv6, Kind::Cidr, Kind::IpRange, Kind::Endpoint, Kind::Url])
        }
        Kind::Domain => any(&[Kind::Domain, Kind::Endpoint, Kind::Url]),
        kind => any(&[kind]),
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

/// Of a script without spaces between words (those that the random texts use).
fn is_unspaced(c: char) -> bool {
    matches!(c, '中' | '에')
}

/// A character that does not make a longer word of an ASCII value beside it.
fn is_free(c: Option<char>) -> bool {
    !c.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c))
}

fn is_soft(c: char) -> bool {
    "'()[]{}|\\^,;&".contains(c)
}

fn is_trailing(c: char) -> bool {
    is_soft(c) || ".:!?*".contains(c)
}
