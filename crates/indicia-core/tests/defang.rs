//! Defanging, read and written: the catalogue of notations at every level, and what holds for every value.
//!
//! `tests/vectors/defang/defang_catalogue.json` has a sentence for each notation; `levels.json` beside it has, row
//! by row, the lowest level that reads the notation and what [`Observable::parse_refanged`] makes of the value at
//! each level. `docs/defang.md` shows the same table, and is checked here.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicia_core::refang::{DefangStyle, defang_as, refang};
use indicia_core::{
    BuildOptions, Context, ExtractOptions, Indicator, Kind, Observable, Refang, ScanOptions, ScanRefang,
    Scratch, SetBuilder, Target, extract,
};
use proptest::prelude::*;
use serde_json::Value;

struct Row {
    notation: String,
    sentence: String,
    raw: String,
    kind: Kind,
    value: String,
    level: Refang,
    /// `kind value` at each level.
    parsed: Vec<Option<String>>,
    source: String,
}

fn vectors(name: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    let content = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    match name.ends_with(".jsonl") {
        true => content.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        false => serde_json::from_str(&content).unwrap(),
    }
}

fn rows() -> Vec<Row> {
    let levels = vectors("defang/levels.json");
    let catalogue = vectors("defang/defang_catalogue.json");
    assert_eq!((catalogue.len(), levels.len()), (94, 94));
    let text = |value: &Value| value.as_str().expect("a text").to_string();
    let row = |(row, level): (&Value, &Value)| {
        assert_eq!(row["notation"], level["notation"], "levels.json has the catalogue's rows in its order");
        Row {
            notation: text(&row["notation"]),
            sentence: text(&row["text"]),
            raw: text(&level["raw"]),
            kind: text(&row["kind"]).parse().unwrap(),
            value: text(&row["value"]),
            level: text(&level["level"]).parse().unwrap(),
            parsed: Refang::ALL.iter().map(|(_, name)| level[name].as_str().map(str::to_string)).collect(),
            source: text(&row["seen_in"]),
        }
    };
    catalogue.iter().zip(&levels).map(row).collect()
}

fn shown(kind: Kind, value: &str) -> String {
    format!("{kind} {value}")
}

#[test]
fn each_notation_is_read_from_its_level_on() {
    for row in rows() {
        let want = shown(row.kind, &row.value);
        for (level, name) in Refang::ALL {
            let at = format!("{} by {name}", row.raw);
            let parsed = Observable::parse_refanged(None, &row.raw, *level).ok();
            let parsed = parsed.map(|o| shown(o.kind(), o.value()));
            assert_eq!(parsed, row.parsed[*level as usize], "{at}");

            let undone = refang(&row.raw, *level);
            let plain = Observable::parse_refanged(None, &undone, Refang::Off).ok();
            let is_read = plain.is_some_and(|o| shown(o.kind(), o.value()) == want);
            // WHATWG parsers read `http:///host` themselves.
            assert!(is_read == (*level >= row.level) || row.notation == "http:///", "refang {at}: {undone}");

            let options = ExtractOptions { refang: *level, ..ExtractOptions::default() };
            let found = extract(row.sentence.as_bytes(), &options);
            let places: Vec<_> =
                found.iter().map(|e| (shown(e.kind, &e.value), &row.sentence[e.start..e.end])).collect();
            if *level >= row.level {
                assert_eq!(places, [(want.clone(), &*row.raw)], "extract {at}");
                assert_eq!(scanned(&row, *level), [&*row.raw], "scan {at}");
            } else {
                assert!(places.iter().all(|(value, _)| *value != want), "extract {at}: {places:?}");
            }
        }
    }
}

/// What of the row's sentence hits, where its value is listed.
fn scanned(row: &Row, level: Refang) -> Vec<String> {
    let observable = Observable::parse_as(row.kind, &row.value).unwrap();
    let mut builder = SetBuilder::new(BuildOptions::default());
    builder.push(Indicator::new(Target::new(observable), Context::default()));
    let options = ScanOptions { refang: ScanRefang(level), ..ScanOptions::default() };
    let mut found = Vec::new();
    let _ =
        builder.finish().scan_with(row.sentence.as_bytes(), &options, &mut Scratch::default(), &mut |hit| {
            found.push(row.sentence[hit.start..hit.end].to_string());
            ControlFlow::Continue(())
        });
    found
}

#[test]
fn the_page_has_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/defang.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut table = String::from("| written | reads as | from level | source |\n|---|---|---|---|\n");
    for row in rows() {
        table += &format!("| `{}` | `{}` | {} | {} |\n", row.raw, row.value, row.level, row.source);
    }
    assert!(page.contains(&table), "docs/defang.md should hold this table:\n{table}");
}

#[test]
fn words_beside_other_dots_are_names() {
    for name in ["v1-dot-app.bad.example", "my_dot_com.bad.example", "a-dot-b.com"] {
        for text in [name.to_string(), name.replace('.', "[.]")] {
            assert_eq!(refang(&text, Refang::Usual), name, "{text}");
            assert_eq!(refang(&text, Refang::Aggressive), name, "{text}");
        }
    }
    for url in [
        "http://bad.example/?u=http%3A%2F%2Fgood.example%2F",
        "http://bad.example/x-dot-y,z",
        "http://bad.example/?q=1,2",
        "http://bad.example/http__x",
    ] {
        assert_eq!(Observable::parse(url).unwrap().value(), url);
        for (level, _) in Refang::ALL {
            assert!(matches!(refang(url, *level), Cow::Borrowed(same) if same == url), "{url} by {level}");
        }
    }
}

#[test]
fn at_in_prose_is_a_preposition() {
    let found = |text: &str| -> Vec<String> {
        let all = extract(text.as_bytes(), &ExtractOptions::default());
        all.into_iter().map(|e| shown(e.kind, &e.value)).collect()
    };
    assert_eq!(found("a server at bad[.]example."), ["domain bad.example"]);
    assert_eq!(found("Hosted at bad[.]example/x now"), ["url bad.example/x"]);
    assert_eq!(found("write an e-mail to ops at bad[.]example."), ["email ops@bad.example"]);
    assert_eq!(found("Contact:\n  ops at bad[.]example\n"), ["email ops@bad.example"]);
    assert_eq!(found("see OPS AT bad[.]example"), ["email OPS@bad.example"]);
}

const STYLES: [DefangStyle; 3] = [DefangStyle::Usual, DefangStyle::LastDot, DefangStyle::Draft];

/// Whether the value itself holds what reads as a notation, so that nobody can tell the two apart.
fn holds_a_notation(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    !matches!(refang(&lower, Refang::Aggressive), Cow::Borrowed(_)) || lower.contains("_at_")
}

/// Whether the host is an address or has a top-level domain that is listed or of special use.
fn has_known_host(kind: Kind, value: &str) -> bool {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let authority = match kind {
        Kind::Url => rest.split(['/', '?', '#']).next().unwrap(),
        _ => value,
    };
    let host = authority.rsplit('@').next().unwrap();
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap() };
    let last = host.rsplit('.').next().unwrap();
    let listed = indicia_data::tld::is_known(last) || indicia_data::special::is_special_tld(last);
    listed
        || !matches!(kind, Kind::Domain | Kind::Url | Kind::Email | Kind::Endpoint)
        || host.starts_with('[')
        || last.bytes().all(|b| b.is_ascii_digit())
}

fn comes_back(kind: Kind, value: &str) -> Result<(), TestCaseError> {
    for style in STYLES {
        let written = defang_as(kind, value, style);
        for level in [Refang::Strict, Refang::Usual, Refang::Aggressive] {
            let undone = refang(&written, level);
            let expected = match level {
                Refang::Strict => {
                    !written.starts_with("fxp") && (kind.has_host() || !holds_a_notation(value))
                }
                // Without its kind the URL `192.0.2.7/40` is a network of a wrong length.
                Refang::Usual => has_known_host(kind, value) && Observable::parse(value).is_ok(),
                // `C:\\a\\.ssh` as a text of unknown kind: only `usual` sees that it is no host.
                _ => kind.has_host() || !holds_a_notation(value),
            };
            prop_assert!(!expected || undone == value, "{value} -> {written} -> {undone} by {level}");
            prop_assert_eq!(&*refang(&undone, level), &*undone, "{} is read twice by {}", written, level);
        }
        let level = if kind.has_host() { Refang::Aggressive } else { Refang::Usual };
        let back = refang(&written, level);
        prop_assert_eq!(defang_as(kind, &back, style), written.as_str(), "idempotent");
        prop_assert_eq!(defang_as(kind, &written, style), written.as_str(), "nothing is bracketed twice");
        if kind.has_host() {
            let again = Observable::parse_refanged(Some(kind), &written, Refang::Aggressive).unwrap();
            prop_assert_eq!(again.value(), value);
        } else {
            prop_assert_eq!(written.as_str(), value);
        }
    }
    Ok(())
}

trait HasHost {
    fn has_host(self) -> bool;
}

impl HasHost for Kind {
    fn has_host(self) -> bool {
        matches!(
            self,
            Kind::Ipv4
                | Kind::Ipv6
                | Kind::Cidr
                | Kind::IpRange
                | Kind::Endpoint
                | Kind::Domain
                | Kind::Url
                | Kind::Email
        )
    }
}

#[test]
fn every_vector_comes_back() {
    let (mut tried, mut left_out) = (0, Vec::new());
    for row in vectors("default-1.jsonl") {
        let Some(want) = row.get("expect") else { continue };
        let (kind, value) = (want["kind"].as_str().unwrap(), want["value"].as_str().unwrap());
        let kind: Kind = kind.parse().unwrap();
        if kind.has_host() && holds_a_notation(value) {
            left_out.push(value.to_string());
            continue;
        }
        comes_back(kind, value).unwrap();
        tried += 1;
    }
    assert!(tried > 400, "{tried}");
    assert!(left_out.len() < 12, "{left_out:#?}");
}

fn name() -> impl Strategy<Value = String> {
    let label = "[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?";
    let tld =
        prop::sample::select(vec!["com", "example", "co.uk", "xn--p1ai", "zip", "onion-like", "unheard"]);
    (prop::collection::vec(label, 1..4), tld).prop_map(|(labels, tld)| format!("{}.{tld}", labels.join(".")))
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => name(),
        1 => any::<std::net::Ipv4Addr>().prop_map(|a| a.to_string()),
        1 => any::<std::net::Ipv6Addr>().prop_map(|a| format!("[{a}]")),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| format!("[2001:db8::{a:x}:{b:x}]")),
    ]
}

fn url() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec![
        "",
        "http://",
        "https://",
        "ftp://",
        "tcp://",
        "rtsp://",
        "ssh://",
        "socks5://",
    ]);
    let user = prop_oneof![4 => Just(String::new()), 1 => "[a-z.]{1,6}(:[a-z0-9!_]{1,5})?@".prop_map(|s| s)];
    let port = prop_oneof![2 => Just(String::new()), 1 => (1u16..).prop_map(|p| format!(":{p}"))];
    let path = prop_oneof![
        2 => "(/[ -~]{0,12}){1,3}".prop_map(|s| s),
        1 => name().prop_map(|n| format!("/r?u=http://{n}/x&m=a.b@{n}#192.0.2.7")),
        1 => name().prop_map(|n| format!("/r?u=https%3A%2F%2F{n}%2F,{n}")),
    ];
    (scheme, user, host(), port, path).prop_map(|(s, u, h, p, path)| format!("{s}{u}{h}{p}{path}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_come_back(name in name()) {
        if let Ok(o) = Observable::parse_as(Kind::Domain, &name) && !holds_a_notation(o.value()) {
            comes_back(Kind::Domain, o.value())?;
        }
    }

    #[test]
    fn addresses_come_back(a in any::<std::net::Ipv4Addr>(), b in any::<std::net::Ipv6Addr>(), n in 0u8..=32, port in 1u16..) {
        comes_back(Kind::Ipv4, &a.to_string())?;
        comes_back(Kind::Ipv6, &b.to_string())?;
        for (kind, text) in [
            (Kind::Cidr, format!("{a}/{n}")),
            (Kind::Cidr, format!("{b}/{n}")),
            (Kind::IpRange, format!("{a}-{}", std::net::Ipv4Addr::BROADCAST)),
            (Kind::Endpoint, format!("{a}:{port}")),
            (Kind::Endpoint, format!("[{b}]:{port}")),
        ] {
            if let Ok(o) = Observable::parse_as(kind, &text) {
                comes_back(o.kind(), o.value())?;
            }
        }
    }

    #[test]
    fn mail_comes_back(local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,12}", name in name()) {
        if let Ok(o) = Observable::parse_as(Kind::Email, &format!("{local}@{name}")) && !holds_a_notation(o.value()) {
            comes_back(Kind::Email, o.value())?;
        }
    }

    #[test]
    fn urls_come_back(url in url()) {
        if let Ok(o) = Observable::parse_as(Kind::Url, &url) && !holds_a_notation(o.value()) {
            comes_back(Kind::Url, o.value())?;
        }
    }

    /// On any text, of pieces that make notations: a second reading finds nothing, and each span leads back.
    #[test]
    fn reading_twice_is_reading_once(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14)) {
        let text = pieces.concat();
        for (level, _) in Refang::ALL {
            let once = refang(&text, *level);
            prop_assert_eq!(&*refang(&once, *level), &*once);
            let options = ExtractOptions { refang: *level, nested: true, ..ExtractOptions::default() };
            for e in extract(text.as_bytes(), &options) {
                prop_assert!(e.start < e.end && text.is_char_boundary(e.start) && text.is_char_boundary(e.end));
            }
        }
    }

    /// Without a notation nothing changes, not even the place in memory.
    #[test]
    fn plain_text_stays(text in "[a-zA-Z0-9 :;/@=&?#.\n-]{0,60}") {
        let plain = !["://", " . ", " @ ", " dot ", " at ", "-dot-"].iter().any(|n| text.to_ascii_lowercase().contains(n));
        if plain {
            for (level, _) in Refang::ALL {
                let same = refang(&text, *level);
                prop_assert!(matches!(same, Cow::Borrowed(_)) && same == text);
            }
        }
    }
}

const PIECES: [&str; 40] = [
    "[",
    "]",
    "[.]",
    "(.)",
    "[[.]]",
    "[.",
    ".]",
    "[d",
    "dot",
    "[dot]",
    " dot ",
    "-dot-",
    "_dot_",
    " . ",
    ".",
    ",",
    "[,]",
    "[]",
    "\\.",
    "^.",
    "@",
    "[@]",
    " at ",
    "_at_",
    "(at)",
    "hxxp",
    "[http]",
    "h[tt]p",
    "http",
    "://",
    "[:]",
    "[:]//",
    "[/]",
    "%3A%2F%2F",
    "__",
    "/",
    "com",
    "a",
    "1",
    "\u{3002}",
];

/// Twice the slope of a line through two sizes would still be far below a square.
#[test]
fn hostile_input_takes_linear_time() {
    const SMALL: usize = 40_000;
    for piece in
        ["[", "hxxp", "[dot]", "hxxp://", "-dot-a", " at ", "[.", "h[", "[:]", "a.]", "[[.]]", "a\\.", "1,"]
    {
        let time = |n: usize| {
            let text = piece.repeat(n / piece.len());
            let measured = |_| {
                let start = Instant::now();
                for (level, _) in Refang::ALL {
                    let _ = refang(&text, *level);
                    let options = ExtractOptions { refang: *level, ..ExtractOptions::default() };
                    let _ = extract(text.as_bytes(), &options);
                }
                start.elapsed()
            };
            (0..3).map(measured).min().unwrap()
        };
        // A busy machine can spoil one measurement, not three.
        let linear = (0..3).any(|_| time(4 * SMALL) < time(SMALL) * 9 + Duration::from_millis(20));
        assert!(linear, "{piece:?}: four times as many bytes take more than nine times as long");
    }
}
