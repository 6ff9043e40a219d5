//! The page of a package: what must never be in it, that it counts right, and a page of a real size.
//!
//! `INDICIA_REPORTS=/tmp cargo test -p indicia-exchange --test report` leaves the pages there to look at.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use indicia_core::{Confidence, Context, Country, Indicator, Kind, Match, Pap, Role, Target, Time, Tlp};
use indicia_exchange::agreement::Answer;
use indicia_exchange::redact::Removed;
use indicia_exchange::report::{Handling, MAX_ROWS, Page, render};
use indicia_exchange::{Action, Item};

const HOSTILE: &str = "\"><script>alert(1)</script>'\u{1b}[31m\u{202e}x\u{2066}y\u{2069}\r\n<img src=x onerror=alert(1)> \
    HTTPS://evil.example/ http://evil.example &amp; {{ 7 * 7 }} </style></title>";

fn page(items: &[Item]) -> Page<'_> {
    Page {
        provider: "Example Security Ltd",
        recipient: "INTERPOL Cyber Fusion Centre",
        countries: &[],
        agreement: "example-interpol@2",
        legal_reference: "Memorandum of Understanding of 12 January 2017, article 4",
        counter: 14,
        prepared_at: time("2017-04-24T09:30:00Z"),
        valid_until: time("2017-07-24T00:00:00Z"),
        handling: Handling {
            tlp: Tlp::Amber,
            pap: Some(Pap::Green),
            purposes: &[],
            onward: "",
            attribution: "",
            delete_by: Some(time("2022-04-24T00:00:00Z")),
        },
        answers: Answer::ALL,
        items,
        country_name,
    }
}

fn country_name(code: &str) -> Option<&'static str> {
    Some(match code {
        "ID" => "Indonesia",
        "MM" => "Myanmar",
        "MY" => "Malaysia",
        "PH" => "Philippines",
        "SG" => "Singapore",
        "TH" => "Thailand",
        "VN" => "Viet Nam",
        _ => return None,
    })
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn item(id: &str, kind: Kind, value: &str, match_: Option<Match>, context: Context, action: Action) -> Item {
    Item {
        id: id.to_string(),
        record: Indicator::new(Target::from_parts(kind, value, match_, None).unwrap(), context),
        action,
        government: None,
        delete_by: None,
        removed: Removed::new(),
    }
}

/// A made-up package after the operation of 2017: servers of offenders and sites broken into, in seven
/// countries, over addresses, names and networks kept for documentation.
fn operation() -> Vec<Item> {
    const CODES: [&str; 7] = ["ID", "MY", "VN", "TH", "PH", "SG", "MM"];
    const THREATS: [&str; 6] = ["Andromeda", "Zeus", "Pony", "Lokibot", "Dridex", "WordPress plug-in hole"];
    const HOSTS: [&str; 9] = [
        "Example Hosting Sdn Bhd",
        "PT Contoh Internet",
        "Ví Dụ Data Centre JSC",
        "Siam Example Cloud",
        "Halimbawa Telecom",
        "Lion Example Pte Ltd",
        "Example Broadband",
        "Documentation Networks",
        "Test Net Colocation",
    ];
    let mut state = 7u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut items = Vec::new();
    for i in 0..9_070u64 {
        let pick = next(100).min(next(100));
        let at = usize::try_from(pick * 7 / 100).unwrap();
        let code = CODES[at];
        let site = i < 270;
        let (kind, value, match_) = match (site, next(20)) {
            (true, _) if i < 64 => {
                let office =
                    ["health", "city", "transport", "archive", "school"][usize::try_from(i % 5).unwrap()];
                (Kind::Domain, format!("{office}{i}.gov.{}.example", code.to_lowercase()), None)
            }
            (true, _) => (Kind::Url, format!("http://shop{i}.example/wp-content/plugins/old/{i}.php"), None),
            (_, 0..8) => {
                let net = ["192.0.2", "198.51.100", "203.0.113"][usize::try_from(i % 3).unwrap()];
                (Kind::Ipv4, format!("{net}.{}", next(256)), None)
            }
            (_, 8) => (Kind::Ipv6, format!("2001:db8:{:x}::{:x}", next(65_536), next(65_536)), None),
            (_, 9) => (Kind::Endpoint, format!("198.51.100.{}:{}", next(256), 1024 + next(60_000)), None),
            (_, 10..15) => {
                (Kind::Domain, format!("cdn-{i}.update{}.example", next(400)), Some(Match::Subdomains))
            }
            (_, 15..18) => {
                (Kind::Url, format!("https://login{i}.bank.example/verify/{:x}?lang=en", next(1 << 30)), None)
            }
            _ => {
                let mut digest = String::new();
                for _ in 0..4 {
                    let _ = write!(digest, "{:016x}", next(1 << 31) << 20 | i);
                }
                (Kind::Sha256, digest, None)
            }
        };
        let role = match (site, next(20)) {
            (true, _) => Role::Compromised,
            (_, 0..14) => Role::C2,
            (_, 14..16) => Role::MalwareHost,
            (_, 16..18) => Role::Phishing,
            (_, 18) => Role::Scanner,
            _ => Role::ActorInfra,
        };
        let first = 1_485_000_000 + i64::try_from(next(80 * 86_400).max(next(80 * 86_400))).unwrap();
        let first = if i % 1_000 == 998 { 86_400 } else { first };
        let host = usize::try_from(next(9).min(next(9))).unwrap();
        let digest = kind == Kind::Sha256;
        let mut countries = vec![Country {
            code: code.to_string(),
            basis: Some(if site { "victim" } else { "hosting" }.to_string()),
            ..Country::default()
        }];
        if i % 9 == 0 {
            let code = CODES[(at + 1) % 7].to_string();
            countries.push(Country { code, basis: Some("cctld".to_string()), ..Country::default() });
        }
        let context = Context {
            role: Some(role),
            threat: Some(
                if site { THREATS[5] } else { THREATS[usize::try_from(i % 5).unwrap()] }.to_string(),
            ),
            confidence: (i % 4 != 3)
                .then(|| Confidence::percent([95, 80, 60][usize::try_from(i % 3).unwrap()])),
            first_seen: (i % 50 != 49).then(|| Time::from_unix(first).unwrap()),
            last_seen: Time::from_unix(first + 86_400 * i64::try_from(next(12)).unwrap()),
            countries: if digest { Vec::new() } else { countries },
            asn: (!digest).then_some(64_496 + u32::try_from(host).unwrap()),
            provider: (!digest).then(|| HOSTS[host].to_string()),
            tlp: Some(if i % 5 == 0 { Tlp::AmberStrict } else { Tlp::Amber }),
            pap: Some(if i % 7 == 0 { Pap::Amber } else { Pap::Green }),
            ..Context::default()
        };
        let action = match role {
            Role::Compromised => Action::Notify,
            _ if i % 7 == 0 => Action::Detect,
            Role::ActorInfra => Action::Search,
            _ => Action::Block,
        };
        let id = format!("indicator--{:08x}-3c1e-5d2a-9f00-{:012x}", next(1 << 31), i);
        let mut item = item(&id, kind, &value, match_, context, action);
        item.government = (i < 64).then(|| code.to_string());
        if kind == Kind::Url && i % 11 == 0 {
            item.removed.insert("query-value", 1 + next(3));
        }
        if i % 301 == 0 {
            item.removed.insert("e-mail", 1);
            item.delete_by = Some(time("2018-01-31"));
        }
        items.push(item);
    }
    items
}

#[test]
fn a_page_of_a_real_size() {
    let items = operation();
    let countries: Vec<String> = ["ID", "MM", "MY", "PH", "SG", "TH", "VN"].map(String::from).to_vec();
    let purposes = ["prevention", "investigation", "victim-notification"].map(String::from);
    let mut page = page(&items);
    page.countries = &countries;
    page.handling.purposes = &purposes;
    page.handling.onward =
        "To the national central bureaus of the seven countries, and by them to their national CERT.";
    page.handling.attribution = "Do not name the provider in public or in court without its written consent.";
    let html = render(&page).unwrap();
    leave("report.html", &html);
    assert_eq!(html, render(&page).unwrap());
    assert_eq!(html.matches("<tr><th scope=\"row\"><code>").count(), MAX_ROWS + 64);
    assert!(html.contains("the first 2,000 of 9,070 items"));
    assert!(html.contains("The other 7,070 are in <b class=\"file\">for-people.csv</b>"));
    clean(&html);
}

fn leave(name: &str, html: &str) {
    if let Some(folder) = std::env::var_os("INDICIA_REPORTS") {
        std::fs::write(std::path::Path::new(&folder).join(name), html).unwrap();
    }
}

/// What no page holds, whatever it is made of.
fn clean(html: &str) {
    let lower = html.to_ascii_lowercase();
    for never in ["http:", "https:", "<script", "href=\"http", "javascript:", " style=", "@import", "url("] {
        assert!(!lower.contains(never), "{never}");
    }
    // Every link stays in the page and has its place there.
    for (at, _) in html.match_indices("href=") {
        let place = html[at..].strip_prefix("href=\"#").unwrap().split('"').next().unwrap();
        assert!(html.contains(&format!(" id=\"{place}\"")), "{place}");
    }
    let invisible = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert_eq!(html.chars().find(|c| invisible(*c)), None);
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap();
        assert!(!inside.contains(" src") && !inside.contains(" on"), "{inside}");
        let name = tag.split(['>', ' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if ["!DOCTYPE", "meta", "br"].contains(&name) || tag.contains("/>") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// The number in the row of a table that begins with a name.
fn counted(html: &str, row: &str) -> usize {
    let after = html.split(row).nth(1).unwrap_or_else(|| panic!("no row {row}"));
    let cell = after.split("<td class=\"n\">").nth(1).unwrap().split('<').next().unwrap();
    cell.replace(',', "").parse().unwrap()
}

#[test]
fn counts_equal_an_independent_count() {
    let items = operation();
    let html = render(&page(&items)).unwrap();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for item in &items {
        let context = &item.record.contexts[0];
        let mut add = |row: String| *expected.entry(row).or_default() += 1;
        add(format!("<span class=\"sub\">{}</span></th>", context.role.unwrap().name()));
        add(format!("<span class=\"sub\">{}</span></th>", item.record.target.observable.kind().name()));
        let action = item.action.name();
        add(format!("<th scope=\"row\"><span class=\"do {action}\">{action}</span></th>"));
        for country in &context.countries {
            add(format!("{} ({}) <span class=\"sub\">", country_name(&country.code).unwrap(), country.code));
        }
        if let Some(asn) = context.asn {
            add(format!("{} <span class=\"sub\">AS{asn}</span>", context.provider.as_deref().unwrap()));
        }
    }
    assert!(expected.len() > 30);
    for (row, n) in &expected {
        assert_eq!(counted(&html, row), *n, "{row}");
    }
    let removed: u64 = items.iter().filter_map(|i| i.removed.get("query-value")).sum();
    assert_eq!(counted(&html, "<tr><th scope=\"row\">query value</th>"), usize::try_from(removed).unwrap());
    let dated = items.iter().filter(|i| i.record.contexts[0].first_seen.is_some()).count();
    let drawn: usize = html
        .split("<rect x=")
        .skip(1)
        .map(|bar| bar.split("</title>").next().unwrap().rsplit(": ").next().unwrap())
        .map(|n| n.replace(',', "").parse::<usize>().unwrap())
        .sum();
    let earlier =
        items.iter().filter(|i| i.record.contexts[0].first_seen.is_some_and(|t| t.unix() < 1_000_000));
    assert_eq!(drawn + earlier.count(), dated);
}

#[test]
fn hostile_text_stays_text() {
    let long = format!("{HOSTILE}{}", "\u{202e}A".repeat(10_000));
    let context = Context {
        role: Some(Role::C2),
        threat: Some(long.clone()),
        confidence: Some(Confidence { value: 3.into(), scale: Some(long.clone()), source: None }),
        countries: vec![Country { code: long.clone(), basis: Some(long.clone()), ..Country::default() }],
        provider: Some(long.clone()),
        ..Context::default()
    };
    let mut items = vec![
        item(
            "indicator--1",
            Kind::UserAgent,
            "Mozilla/5.0 (+http://evil.example/)",
            None,
            context.clone(),
            Action::Block,
        ),
        item(
            "indicator--2",
            Kind::Url,
            "http://evil.example/<script>",
            None,
            context.clone(),
            Action::Detect,
        ),
        item(HOSTILE, Kind::Other, &long, None, context, Action::Search),
    ];
    items[2].government = Some(long.clone());
    let texts = vec![long.clone(), HOSTILE.to_string()];
    let mut page = page(&items);
    page.provider = &long;
    page.recipient = HOSTILE;
    page.countries = &texts;
    page.agreement = &long;
    page.legal_reference = &long;
    page.handling.purposes = &texts;
    page.handling.onward = &long;
    page.handling.attribution = &long;
    let html = render(&page).unwrap();
    leave("report-hostile.html", &html);
    clean(&html);
    assert_eq!(html.matches("<style>").count() + html.matches("</style>").count(), 2);
    assert!(html.contains(
        "&#60;script&#62;alert(1)&#60;/script&#62;&#39;‹U+001B›[31m‹U+202E›x‹U+2066›y‹U+2069›‹U+000D›‹U+000A›"
    ));
    assert!(html.contains("hxxp://evil[.]example/%3Cscript%3E"), "values are defanged");
    assert!(html.contains("(+hxxp://evil.example/)"));
    assert!(html.contains("… (cut: 20,"), "a cut is said, with the length");
    assert!(html.contains("characters, see item indicator--1)"));
    assert!(html.len() < 120_000, "{}", html.len());
}

#[test]
fn nothing_and_one() {
    let html = render(&page(&[])).unwrap();
    leave("report-empty.html", &html);
    clean(&html);
    assert!(html.contains("This package holds no items."));
    assert!(!html.contains("<svg") && !html.contains("id=\"items\""));

    let items = [item("indicator--1", Kind::Ipv4, "192.0.2.7", None, Context::default(), Action::Search)];
    let html = render(&page(&items)).unwrap();
    leave("report-one.html", &html);
    clean(&html);
    assert!(html.contains("<code>192[.]0[.]2[.]7</code>"));
    assert!(html.contains("1 item names no country. 1 item names no hosting provider."));
    assert!(html.contains("No item says when it was first seen."));
    assert_eq!(counted(&html, "Not stated</th>"), 1);
}

#[test]
fn the_stricter_marking_wins() {
    let context = Context { tlp: Some(Tlp::Red), pap: Some(Pap::Red), ..Context::default() };
    let items = [item("indicator--1", Kind::Ipv4, "192.0.2.7", None, context, Action::Search)];
    let html = render(&page(&items)).unwrap();
    assert!(html.contains("<title>TLP:RED –"));
    assert!(html.contains("<span class=\"tlp red\">PAP:RED</span>"));
    assert_eq!(html.matches("<b>This package.</b>").count(), 2);
    assert!(html.contains(
        "<span class=\"tlp red\">TLP:RED</span></dt><dd>For the persons it was given to, and nobody else. <b>"
    ));

    let mut page = page(&[]);
    page.handling.pap = None;
    assert!(render(&page).unwrap().contains("No permitted action is stated"));
}

#[test]
fn the_timeline_takes_the_unit_that_fits() {
    let drawn = |days: &[&str]| {
        let items: Vec<Item> = days
            .iter()
            .map(|day| {
                let context = Context { first_seen: Some(time(day)), ..Context::default() };
                item("indicator--1", Kind::Ipv4, "192.0.2.7", None, context, Action::Search)
            })
            .collect();
        let html = render(&page(&items)).unwrap();
        clean(&html);
        let words = html.split("<desc id=\"time-desc\">").nth(1).unwrap().split("</desc>").next().unwrap();
        let more = html.split("Not in the drawing: ").nth(1).map(|m| m.split(" </p>").next().unwrap());
        (words.to_string(), more.unwrap_or_default().to_string())
    };
    assert_eq!(drawn(&["2017-03-31T23:59:59Z"]).0, "31 Mar 2017: 1.");
    assert_eq!(drawn(&["2017-04-02", "2017-03-31", "2017-04-02"]).0, "31 Mar 2017: 1. 2 Apr 2017: 2.");
    assert_eq!(drawn(&["2016-12-02", "2017-04-02"]).0, "Dec 2016: 1. Apr 2017: 1.");
    assert_eq!(drawn(&["1999-12-02", "2017-04-02"]).0, "1999: 1. 2017: 1.");
    // The far ends of what a time can be.
    let (words, more) = drawn(&["-009999-01-03T00:00:00Z", "2017-04-02", "9999-12-30T00:00:00Z"]);
    assert_eq!(words, "9999: 1.");
    assert_eq!(more, "2 items first seen earlier.");
    // One wrong clock does not flatten the rest.
    let mut days = ["2017-04-01", "2017-04-02"].repeat(100);
    days.push("1970-01-01");
    assert_eq!(
        drawn(&days),
        ("1 Apr 2017: 100. 2 Apr 2017: 100.".to_string(), "1 item first seen earlier.".to_string())
    );
}
