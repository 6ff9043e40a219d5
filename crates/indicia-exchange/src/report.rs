//! `report.html`: the page of a package for people who were not trained to read one.
//!
//! One self-contained document: no script, no link out, nothing loaded; its policy allows one style sheet by
//! digest. Not for machines (the other files of the package are), and not part of the decision: it says what it
//! is given, and counts it.
//!
//! [`render`] turns the items into a view of finished strings, and askama escapes those into
//! `templates/report.html`. Every string of a feed or an agreement goes through `clean` on the way: cut,
//! without invisible characters, without a scheme that a viewer would make a link of. Values are defanged by
//! [`indicia_core::refang::defang`]. Lists that could grow without limit are cut with a sentence that says so.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use askama::Template;
use indicia_core::refang::defang;
use indicia_core::{Confidence, Context, Kind, Match, Pap, Role, Time, Tlp};
use sha2::{Digest, Sha256};

use crate::agreement::Answer;
use crate::redact::Removed;
use crate::{Action, Item};

/// How many rows a table of items has at most; a sentence under it counts the others.
pub const MAX_ROWS: usize = 2_000;

/// What one page is made of. Text is taken as it comes, hostile or not.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// Who made the package.
    pub provider: &'a str,
    /// Who gets it.
    pub recipient: &'a str,
    /// The countries that the recipient acts for, ISO 3166-1 alpha-2. Empty: none are named.
    pub countries: &'a [String],
    /// The agreement, `id@version`.
    pub agreement: &'a str,
    /// The treaty, law or contract that the agreement rests on.
    pub legal_reference: &'a str,
    /// The number of the package under this agreement.
    pub counter: u64,
    /// When it was made.
    pub prepared_at: Time,
    /// The package is not to be acted on from here on.
    pub valid_until: Time,
    /// How it must be handled.
    pub handling: Handling<'a>,
    /// The answers that the provider takes.
    pub answers: &'a [Answer],
    /// The items, in any order.
    pub items: &'a [Item],
    /// The English name of a country by its ISO 3166-1 code, where there is one.
    pub country_name: fn(&str) -> Option<&'static str>,
}

/// How a package must be handled.
#[derive(Clone, Debug)]
pub struct Handling<'a> {
    /// The strictest TLP of the package. The page shows an item's where that is stricter.
    pub tlp: Tlp,
    /// The strictest PAP of the package, likewise.
    pub pap: Option<Pap>,
    /// What it may be used for.
    pub purposes: &'a [String],
    /// What may be passed on, and to whom: a sentence.
    pub onward: &'a str,
    /// Whether the source may be named: a sentence.
    pub attribution: &'a str,
    /// When all of it must be deleted.
    pub delete_by: Option<Time>,
}

/// The page was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The template could not be written.
    #[error("the page of the package could not be written: {0}")]
    Template(#[from] askama::Error),
}

/// The page. The same input gives the same bytes.
///
/// ```
/// use indicia_core::{Pap, Time, Tlp};
/// use indicia_exchange::report::{Handling, Page, render};
/// let page = render(&Page {
///     provider: "Example Security Ltd",
///     recipient: "Police of Exampleland",
///     countries: &["MY".to_string()],
///     agreement: "example-police@2",
///     legal_reference: "Memorandum of 12 January 2017",
///     counter: 7,
///     prepared_at: Time::parse("2017-04-24").unwrap(),
///     valid_until: Time::parse("2017-07-24").unwrap(),
///     handling: Handling {
///         tlp: Tlp::Amber,
///         pap: Some(Pap::Green),
///         purposes: &["investigation".to_string()],
///         onward: "To the national CERT.",
///         attribution: "Do not name the provider.",
///         delete_by: None,
///     },
///     answers: &[],
///     items: &[],
///     country_name: |code| (code == "MY").then_some("Malaysia"),
/// })
/// .unwrap();
/// assert!(page.contains("TLP:AMBER") && page.contains("Malaysia (MY)"));
/// ```
pub fn render(page: &Page<'_>) -> Result<String, ReportError> {
    Ok(View::of(page).render()?)
}

const STYLE: &str = include_str!("../templates/report.css");

/// Characters shown of a value, of a name, and of a sentence of the agreement.
const VALUE: usize = 200;
const NAME: usize = 120;
const SENTENCE: usize = 400;

/// Bars shown in a list of bars.
const MAX_BARS: usize = 30;

#[derive(Template)]
#[template(path = "report.html")]
struct View<'a> {
    style: &'static str,
    style_digest: String,
    tlp: Marking,
    pap: Marking,
    /// Some item is marked less strictly than the package.
    mixed: bool,
    /// Some item is to be deleted before the package.
    earlier_days: bool,
    tlp_levels: Vec<Marking>,
    pap_levels: Vec<Marking>,
    role_words: Vec<(&'static str, &'static str)>,
    provider: String,
    recipient: String,
    countries: String,
    agreement: String,
    legal_reference: String,
    counter: u64,
    prepared_at: String,
    valid_until: String,
    delete_by: Option<String>,
    purposes: String,
    onward: String,
    attribution: String,
    total: usize,
    roles: Vec<Count<'a>>,
    kinds: Vec<Count<'a>>,
    actions: Vec<ActionCount>,
    government: Vec<Row>,
    government_total: usize,
    countries_seen: Bars,
    without_country: usize,
    hosts_seen: Bars,
    without_host: usize,
    timeline: Option<Timeline>,
    without_first_seen: usize,
    rows: Vec<Row>,
    rest: Vec<Count<'a>>,
    removed: Vec<(String, usize)>,
    answers: &'a [Answer],
}

struct Marking {
    /// `TLP:AMBER`; the class is empty where there is none.
    text: String,
    class: String,
    meaning: &'static str,
}

struct Count<'a> {
    label: String,
    name: &'a str,
    n: usize,
}

struct ActionCount {
    action: Action,
    n: usize,
    roles: String,
}

struct Bar {
    label: String,
    note: String,
    n: usize,
    /// 0 to 1000, the longest bar being 1000.
    width: usize,
}

struct Bars {
    shown: Vec<Bar>,
    /// How many more there are, and the sum of their numbers.
    others: usize,
    others_sum: usize,
    total: usize,
}

/// An item, as a row of either table.
struct Row {
    value: String,
    kind: String,
    id: String,
    role: String,
    threat: String,
    action: Action,
    delete_by: Option<String>,
    /// The country of the government, or where that is none the item's countries; absent where it is no government's.
    government: Option<String>,
    countries: String,
    host: String,
    first_seen: Option<String>,
    last_seen: Option<String>,
    confidence: String,
    tlp: Option<String>,
    pap: Option<String>,
}

struct Timeline {
    unit: &'static str,
    from: String,
    until: String,
    bins: Vec<Bin>,
    /// Width of the drawing: ten a place, with places left empty where there are few bars.
    width: usize,
    tallest: usize,
    tallest_label: String,
    /// One a place, empty where no label stands; and whether it gives way on a small screen.
    axis: Vec<(String, bool)>,
    earlier: usize,
    later: usize,
    /// All bars in words.
    words: String,
}

struct Bin {
    label: String,
    n: usize,
    x: usize,
    y: usize,
    height: usize,
}

impl<'a> View<'a> {
    fn of(page: &'a Page<'a>) -> View<'a> {
        let items = page.items;
        let context = |item: &'a Item| item.record.contexts.first();
        let handling = &page.handling;
        // The most restrictive wins, also over a caller who says otherwise.
        let tlp = items.iter().filter_map(|i| context(i)?.tlp).fold(handling.tlp, Tlp::max);
        let pap = items.iter().filter_map(|i| context(i)?.pap).max().max(handling.pap);

        let mut roles: BTreeMap<Option<Role>, usize> = BTreeMap::new();
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        let mut actions: BTreeMap<Action, (usize, BTreeMap<Option<Role>, usize>)> = BTreeMap::new();
        let mut removed = Removed::new();
        for item in items {
            let role = context(item).and_then(|c| c.role);
            *roles.entry(role).or_default() += 1;
            *kinds.entry(item.record.target.observable.kind()).or_default() += 1;
            let of_action = actions.entry(item.action).or_default();
            of_action.0 += 1;
            *of_action.1.entry(role).or_default() += 1;
            let shown = |class: &&str| !crate::plan::FOR_PROVIDER_ONLY.contains(class);
            for (class, n) in item.removed.iter().filter(|(class, _)| shown(class)) {
                let sum = removed.entry(class).or_default();
                *sum = n.saturating_add(*sum);
            }
        }

        let mut order: Vec<&Item> = items.iter().collect();
        order.sort_by_cached_key(|item| {
            let target = &item.record.target;
            let seen = context(item).and_then(|c| c.last_seen.or(c.first_seen));
            let value = target.value().into_owned();
            let key = (item.government.is_none(), item.action, Reverse(seen));
            (key, target.observable.kind(), value, item.id.clone())
        });
        let mut government: Vec<&Item> = order.iter().copied().filter(|i| i.government.is_some()).collect();
        // Stable: within a country the order above stays.
        government.sort_by_key(|i| country(page, i.government.as_deref().unwrap_or_default()));
        let mut rest: BTreeMap<Action, usize> = BTreeMap::new();
        for item in order.iter().skip(MAX_ROWS) {
            *rest.entry(item.action).or_default() += 1;
        }

        let mut by_country: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
        let mut by_host: BTreeMap<(Option<u32>, &str), usize> = BTreeMap::new();
        let (mut without_country, mut without_host) = (0, 0);
        for item in items {
            let facts = context(item).map(|c| c.countries.as_slice()).unwrap_or_default();
            let codes: BTreeSet<&str> = facts.iter().map(|c| c.code.as_str()).collect();
            let bases: BTreeSet<(&str, &str)> =
                facts.iter().filter_map(|c| Some((c.code.as_str(), c.basis.as_deref()?))).collect();
            without_country += usize::from(codes.is_empty());
            for code in codes {
                by_country.entry(code).or_default().0 += 1;
            }
            for (code, basis) in bases {
                *by_country.entry(code).or_default().1.entry(basis).or_default() += 1;
            }
            match context(item).map(|c| (c.asn, c.provider.as_deref().unwrap_or_default())) {
                None | Some((None, "")) => without_host += 1,
                Some(host) => *by_host.entry(host).or_default() += 1,
            }
        }
        let countries_seen = Bars::of(by_country, |(code, (n, bases))| {
            let mut bases: Vec<_> = bases.into_iter().collect();
            bases.sort_by_key(|(_, n)| Reverse(*n));
            let mut note = String::new();
            for (i, (basis, n)) in bases.iter().take(5).enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                let _ = write!(note, "{comma}{}: {}", basis_words(basis), number(n));
            }
            (country(page, code), note, n)
        });
        let hosts_seen = Bars::of(by_host, |((asn, name), n)| {
            let asn = asn.map(|asn| format!("AS{asn}")).unwrap_or_default();
            match name {
                "" => (asn, String::new(), n),
                name => (shown(name, NAME), asn, n),
            }
        });

        let times: Vec<Time> = items.iter().filter_map(|i| context(i)?.first_seen).collect();
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort_by_key(|(_, n)| Reverse(*n));
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, n)| Reverse(*n));
        let name_of = |role: Option<Role>| role.map_or("", Role::name);
        View {
            style: STYLE,
            style_digest: base64(&Sha256::digest(STYLE)),
            tlp: Marking::tlp(tlp),
            pap: Marking::pap(pap),
            mixed: items
                .iter()
                .filter_map(context)
                .any(|c| c.tlp.is_some_and(|own| own < tlp) || c.pap.is_some_and(|own| Some(own) < pap)),
            earlier_days: items.iter().any(|i| i.delete_by.is_some() && i.delete_by < handling.delete_by),
            tlp_levels: Tlp::ALL.iter().rev().map(|level| Marking::tlp(*level)).collect(),
            pap_levels: Pap::ALL.iter().rev().map(|level| Marking::pap(Some(*level))).collect(),
            role_words: Role::ALL.iter().map(|r| (role_label(Some(*r)), role_meaning(*r))).collect(),
            provider: shown(page.provider, NAME),
            recipient: shown(page.recipient, NAME),
            countries: list(page.countries.iter().map(|code| country(page, code)), 60),
            agreement: shown(page.agreement, NAME),
            legal_reference: shown(page.legal_reference, SENTENCE),
            counter: page.counter,
            prepared_at: moment(page.prepared_at),
            valid_until: moment(page.valid_until),
            delete_by: handling.delete_by.map(date),
            purposes: list(handling.purposes.iter().map(|p| shown(&p.replace('-', " "), NAME)), 20),
            onward: shown(handling.onward, SENTENCE),
            attribution: shown(handling.attribution, SENTENCE),
            total: items.len(),
            roles: roles
                .into_iter()
                .map(|(role, n)| Count { label: role_label(role).to_string(), name: name_of(role), n })
                .collect(),
            kinds: kinds
                .into_iter()
                .map(|(kind, n)| Count { label: kind_label(kind).to_string(), name: kind.name(), n })
                .collect(),
            actions: actions
                .into_iter()
                .map(|(action, (n, roles))| {
                    let mut roles: Vec<_> = roles.into_iter().collect();
                    roles.sort_by_key(|(_, n)| Reverse(*n));
                    let roles = roles.iter().map(|(r, n)| format!("{}: {}", role_label(*r), number(n)));
                    ActionCount { action, n, roles: list(roles, Role::ALL.len() + 1) }
                })
                .collect(),
            government_total: government.len(),
            government: government.into_iter().take(MAX_ROWS).map(|i| Row::of(page, i)).collect(),
            countries_seen,
            without_country,
            hosts_seen,
            without_host,
            without_first_seen: items.len() - times.len(),
            timeline: Timeline::of(times),
            rows: order.iter().take(MAX_ROWS).map(|i| Row::of(page, i)).collect(),
            rest: rest
                .into_iter()
                .map(|(action, n)| Count { label: String::new(), name: action.name(), n })
                .collect(),
            answers: page.answers,
            removed: removed
                .into_iter()
                .map(|(class, n)| {
                    (
                        class.replace(['-', '_'], " ").replace("e mail", "e-mail"),
                        usize::try_from(n).unwrap_or(usize::MAX),
                    )
                })
                .collect(),
        }
    }
}

impl Marking {
    fn tlp(tlp: Tlp) -> Marking {
        let meaning = match tlp {
            Tlp::Clear => "Anyone may see it.",
            Tlp::Green => "For your community of partners. Not for public channels.",
            Tlp::Amber => "For your organisation and those it protects, where they need to know it.",
            Tlp::AmberStrict => "For your own organisation only, where people need to know it.",
            Tlp::Red => "For the persons it was given to, and nobody else.",
        };
        Marking::new("TLP", tlp.name(), meaning)
    }

    fn pap(pap: Option<Pap>) -> Marking {
        let meaning = match pap {
            Some(Pap::Clear) => "Any lawful use.",
            Some(Pap::Green) => "You may block it, test it from outside and ask for it to be taken down.",
            Some(Pap::Amber) => {
                "Watch for it and look it up, also with the help of others. Do not contact or block it."
            }
            Some(Pap::Red) => "Look in your own logs only. Do nothing that can be noticed from outside.",
            None => "No permitted action is stated: look in your own logs only, and ask the provider first.",
        };
        Marking::new("PAP", pap.map_or("", Pap::name), meaning)
    }

    fn new(scheme: &str, name: &str, meaning: &'static str) -> Marking {
        let text = format!("{scheme}:{}", name.to_ascii_uppercase());
        Marking { text, class: name.replace('+', "-"), meaning }
    }
}

impl Row {
    fn of(page: &Page<'_>, item: &Item) -> Row {
        let nothing = Context::default();
        let context = item.record.contexts.first().unwrap_or(&nothing);
        let target = &item.record.target;
        let kind = target.observable.kind();
        let id = shown(&item.id, 60);
        let cut_to = |text: &str, limit: usize| match clean(text, limit) {
            (text, 0) => text,
            (text, total) => format!("{text}… (cut: {} characters, see item {id})", number(&total)),
        };
        let covers = match target.match_ {
            Match::Exact | Match::Network => "",
            Match::Subdomains if target.below_only => ", every name below it",
            Match::Subdomains => " and every name below it",
            Match::Prefix => " and everything under it",
            Match::Mask => ", a mask",
            Match::Pattern => ", a pattern",
        };
        let asn = context.asn.map(|asn| format!("AS{asn}"));
        let provider = context.provider.as_deref().filter(|p| !p.is_empty()).map(|p| cut_to(p, NAME));
        let codes: BTreeSet<&str> = context.countries.iter().map(|c| c.code.as_str()).collect();
        let countries = list(codes.into_iter().map(|code| country(page, code)), 5);
        Row {
            value: cut_to(&defang(kind, &target.value()), VALUE),
            kind: format!("{}{covers}", kind_in_full(kind)),
            role: role_label(context.role).to_string(),
            threat: context.threat.as_deref().map(|t| cut_to(t, NAME)).unwrap_or_default(),
            action: item.action,
            delete_by: item
                .delete_by
                .map(date)
                .filter(|d| page.handling.delete_by.map(date).as_ref() != Some(d)),
            government: item.government.as_deref().map(|code| match code {
                "" => countries.clone(),
                code => country(page, code),
            }),
            countries,
            host: [provider, asn].into_iter().flatten().collect::<Vec<_>>().join(", "),
            first_seen: context.first_seen.map(date),
            last_seen: context.last_seen.map(date),
            confidence: context.confidence.as_ref().map(confidence).unwrap_or_default(),
            tlp: context.tlp.map(|tlp| Marking::tlp(tlp).text),
            pap: context.pap.map(|pap| Marking::pap(Some(pap)).text),
            id,
        }
    }
}

impl Bars {
    fn of<T>(counts: impl IntoIterator<Item = T>, bar: impl Fn(T) -> (String, String, usize)) -> Bars {
        let mut all: Vec<_> = counts.into_iter().map(bar).collect();
        all.sort_by_key(|(_, _, n)| Reverse(*n));
        let total = all.len();
        let longest = all.first().map_or(1, |b| b.2.max(1));
        // One bar more is shorter than the line that would say that there is one more.
        let keep = if total <= MAX_BARS + 1 { total } else { MAX_BARS };
        let others = all.split_off(keep);
        Bars {
            shown: all
                .into_iter()
                .map(|(label, note, n)| Bar { label, note, n, width: (n * 1000 / longest).max(4) })
                .collect(),
            others: others.len(),
            others_sum: others.iter().map(|b| b.2).sum(),
            total,
        }
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Month,
    Year,
}

impl Timeline {
    /// Bars by day, month or year, whichever is the finest that shows all but the outermost hundredth on each
    /// side: one date of 1970 must not flatten the rest.
    fn of(mut times: Vec<Time>) -> Option<Timeline> {
        times.sort_unstable();
        let edge = times.len() / 100;
        let (low, high) = (*times.get(edge)?, *times.get(times.len() - 1 - edge)?);
        let (unit, most) = [(Unit::Day, 92), (Unit::Month, 72)]
            .into_iter()
            .filter(|(unit, most)| unit.place(high) - unit.place(low) < *most)
            .chain([(Unit::Year, 60)])
            .next()?;
        // Then as wide as the drawing takes, the newest first.
        let places = || times.iter().map(|time| unit.place(*time));
        let from = unit.place(low).max(unit.place(high) - most + 1);
        let until = places().rfind(|place| *place < from + most)?;
        let from = places().find(|place| *place > until - most)?;
        let mut counts = vec![0usize; usize::try_from(until - from).ok()? + 1];
        let (mut earlier, mut later) = (0, 0);
        for place in places() {
            match usize::try_from(place - from).ok() {
                None => earlier += 1,
                Some(i) => *counts.get_mut(i).unwrap_or(&mut later) += 1,
            }
        }
        let tallest = counts.iter().copied().max()?.max(1);
        let bins: Vec<Bin> = counts
            .iter()
            .zip(from..)
            .enumerate()
            .map(|(i, (&n, place))| {
                let height = if n == 0 { 0 } else { (n * 1000 / tallest).max(15) };
                Bin { label: unit.label(place), n, x: i * 10 + 1, y: 1000 - height, height }
            })
            .collect();
        let places = bins.len().max(12);
        let step = bins.len().div_ceil(5).max(if bins.len() > 4 { 2 } else { 1 });
        let axis = (0..places).map(|i| match bins.get(i) {
            // The last label needs room to its right.
            Some(bin) if i % step == 0 && (i == 0 || places - i > step * 2 / 3) => {
                (bin.label.clone(), i / step % 2 == 1 || places - i < places / 4)
            }
            _ => (String::new(), false),
        });
        let mut words = String::new();
        for bin in bins.iter().filter(|b| b.n > 0) {
            let _ = write!(words, "{}: {}. ", bin.label, number(&bin.n));
        }
        Some(Timeline {
            unit: match unit {
                Unit::Day => "day",
                Unit::Month => "month",
                Unit::Year => "year",
            },
            from: unit.label(from),
            until: unit.label(until),
            tallest,
            tallest_label: bins.iter().find(|b| b.n == tallest)?.label.clone(),
            axis: axis.collect(),
            width: places * 10,
            bins,
            earlier,
            later,
            words: words.trim_end().to_string(),
        })
    }
}

impl Unit {
    /// The number of the day, month or year; neighbours differ by one.
    fn place(self, time: Time) -> i64 {
        let (year, month, _) = civil(time);
        match self {
            Unit::Day => time.unix().div_euclid(86_400),
            Unit::Month => year * 12 + month - 1,
            Unit::Year => year,
        }
    }

    fn label(self, place: i64) -> String {
        match self {
            Unit::Day => Time::from_unix(place * 86_400).map(date).unwrap_or_default(),
            Unit::Month => format!("{} {}", month_name(place.rem_euclid(12) + 1), place.div_euclid(12)),
            Unit::Year => place.to_string(),
        }
    }
}

/// Text of a feed or an agreement, fit for people: cut to `limit` characters, nothing invisible.
fn shown(text: &str, limit: usize) -> String {
    match clean(text, limit) {
        (text, 0) => text,
        (text, total) => format!("{text}… (cut: {} characters)", number(&total)),
    }
}

/// The first `limit` characters with control, direction and zero-width characters by number, and the length of
/// the whole where it was cut, otherwise 0. Not Unicode's control pictures: few fonts have them.
fn clean(text: &str, limit: usize) -> (String, usize) {
    let mut out = String::with_capacity(text.len().min(limit * 2));
    let mut chars = text.chars();
    push_visible(chars.by_ref().take(limit), &mut out);
    let left = chars.count();
    // A viewer of PDF or mail makes links of these, wherever they stand.
    let lower = out.to_ascii_lowercase();
    for (at, _) in lower.match_indices("http") {
        let rest = &lower[at + 4..];
        if rest.starts_with(':') || rest.starts_with("s:") {
            out.replace_range(at + 1..at + 3, "xx");
        }
    }
    (out, if left == 0 { 0 } else { limit + left })
}

/// The whole text, its invisible characters as in the report.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_visible(text.chars(), &mut out);
    out
}

fn push_visible(chars: impl Iterator<Item = char>, out: &mut String) {
    for c in chars {
        match c {
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' => {
                let _ = write!(out, "‹U+{:04X}›", c as u32);
            }
            _ => out.push(c),
        }
    }
}

/// `Malaysia (MY)`, or the code alone.
fn country(page: &Page<'_>, code: &str) -> String {
    match (page.country_name)(code) {
        Some(name) => format!("{name} ({code})"),
        None => shown(code, 40),
    }
}

fn list(parts: impl Iterator<Item = String>, most: usize) -> String {
    let parts: Vec<String> = parts.collect();
    let mut out = parts.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    if parts.len() > most {
        let _ = write!(out, " and {} more", number(&(parts.len() - most)));
    }
    out
}

/// The number with its scale: numbers of different producers cannot be compared.
fn confidence(confidence: &Confidence) -> String {
    let value = shown(&confidence.value.to_string(), 20);
    match confidence.scale.as_deref() {
        None | Some("0-100") => format!("{value} of 100"),
        Some(scale) => format!("{value} (scale {})", shown(scale, 20)),
    }
}

/// With its thousands apart.
fn number(n: &usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 2);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 item`, `2 items`.
fn count(n: &usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if *n == 1 { one } else { many })
}

fn civil(time: Time) -> (i64, i64, i64) {
    let text = time.to_string();
    let day = text.split('T').next().unwrap_or_default();
    let mut parts = day.rsplitn(3, '-').map(|part| part.parse().unwrap_or_default());
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    (year.unwrap_or_default(), month.unwrap_or_default(), day.unwrap_or_default())
}

fn month_name(month: i64) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(month - 1).ok().and_then(|i| NAMES.get(i)).unwrap_or(&"")
}

/// `12 Apr 2017`: read the same in every country.
fn date(time: Time) -> String {
    let (year, month, day) = civil(time);
    format!("{day} {} {year}", month_name(month))
}

fn moment(time: Time) -> String {
    let second = time.unix().rem_euclid(86_400);
    format!("{}, {:02}:{:02} UTC", date(time), second / 3600, second / 60 % 60)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - part.len()));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= part.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn basis_words(basis: &str) -> String {
    match basis {
        "hosting" => "hosted there".to_string(),
        "cctld" => "country ending of the name".to_string(),
        "victim" => "victim there".to_string(),
        "registrant" => "registered from there".to_string(),
        "statement" => "stated by the source".to_string(),
        other => shown(other, 40),
    }
}

fn role_label(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::C2) => "Command and control",
        Some(Role::Phishing) => "Phishing",
        Some(Role::MalwareHost) => "Malware download",
        Some(Role::ActorInfra) => "Other server of the offender",
        Some(Role::Scanner) => "Scanning, password guessing",
        Some(Role::Compromised) => "Broken into",
        Some(Role::Victim) => "Victim",
        Some(Role::Benign) => "Harmless",
        Some(Role::Unknown) => "Unknown to the source",
        None => "Not stated",
    }
}

fn role_meaning(role: Role) -> &'static str {
    match role {
        Role::C2 => "gives orders to infected computers.",
        Role::Phishing => "pretends to be somebody else, to get passwords or money.",
        Role::MalwareHost => "hands out harmful programs.",
        Role::ActorInfra => "belongs to the offender in some other way.",
        Role::Scanner => "searches the network for weak computers.",
        Role::Compromised => "somebody's property, used by an offender. The owner is to be told.",
        Role::Victim => "somebody who was attacked. To be told.",
        Role::Benign => "known to do no harm.",
        Role::Unknown => "the source does not know.",
    }
}

/// The label, with the name where other kinds have the same label.
fn kind_in_full(kind: Kind) -> String {
    let label = kind_label(kind);
    match Kind::ALL.iter().filter(|k| kind_label(**k) == label).count() {
        1 => label.to_string(),
        _ => format!("{label} ({kind})"),
    }
}

fn kind_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Ipv4 => "IPv4 address",
        Kind::Ipv6 => "IPv6 address",
        Kind::Cidr => "Network",
        Kind::IpRange => "Range of addresses",
        Kind::Endpoint => "Address with a port",
        Kind::Domain => "Domain name",
        Kind::Url => "Web address",
        Kind::Email => "E-mail address",
        Kind::Asn => "Network operator (AS)",
        Kind::Mac => "Hardware address",
        Kind::Md5 | Kind::Sha1 | Kind::Sha224 | Kind::Sha256 | Kind::Sha384 | Kind::Sha512 => {
            "Fingerprint of a file"
        }
        Kind::Ssdeep | Kind::Tlsh => "Likeness of a file",
        Kind::Imphash | Kind::Authentihash => "Fingerprint of a program",
        Kind::Ja3 | Kind::Ja3s | Kind::Ja4 | Kind::Jarm | Kind::Hassh => "Fingerprint of a connection",
        Kind::X509Sha1 | Kind::X509Sha256 => "Fingerprint of a certificate",
        Kind::X509Serial => "Number of a certificate",
        Kind::Bitcoin
        | Kind::Litecoin
        | Kind::Dogecoin
        | Kind::BitcoinCash
        | Kind::Dash
        | Kind::Zcash
        | Kind::Ethereum
        | Kind::Tron
        | Kind::Ripple
        | Kind::Monero
        | Kind::Solana => "Cryptocurrency address",
        Kind::Cve => "Weakness of a program",
        Kind::AttackId => "Method of attack",
        Kind::Purl => "Software package",
        Kind::FileName => "File name",
        Kind::FilePath => "File and folder",
        Kind::RegistryKey => "Windows registry key",
        Kind::Mutex => "Mark in memory (mutex)",
        Kind::ProcessName => "Name of a running program",
        Kind::CommandLine => "Command line",
        Kind::NamedPipe => "Windows pipe",
        Kind::ServiceName => "Service",
        Kind::UserAgent => "Name that a program gives itself",
        Kind::UserName => "User account",
        Kind::EmailSubject => "Subject of an e-mail",
        Kind::MobileApp => "Mobile application",
        Kind::Phone => "Telephone number",
        Kind::Iban => "Bank account",
        Kind::PaymentCard => "Payment card",
        Kind::Other => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn text_is_cut_and_made_visible() {
        assert_eq!(
            clean("a\u{1b}\r\u{9b}\u{202e}b", 9),
            ("a‹U+001B›‹U+000D›‹U+009B›‹U+202E›b".to_string(), 0)
        );
        assert_eq!(clean("é\u{2066}xyz", 2), ("é‹U+2066›".to_string(), 5));
        assert_eq!(clean("HtTpS://x http://y http5:", 99).0, "HxxpS://x hxxp://y http5:");
        assert_eq!(shown("abc", 3), "abc");
        assert_eq!(shown("abcd", 3), "abc… (cut: 4 characters)");
    }

    #[test]
    fn days_are_written_out() {
        assert_eq!(
            Time::parse("2017-04-02T09:05:59.9Z").map(moment),
            Ok("2 Apr 2017, 09:05 UTC".to_string())
        );
        assert_eq!(Time::parse("-000001-12-31").map(date), Ok("31 Dec -1".to_string()));
        assert_eq!(Unit::Month.label(-1), "Dec -1");
    }
}
