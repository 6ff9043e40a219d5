//! Runs the vectors of the profiles other than `default@1`, public conformance data of the systems that they follow,
//! and sets compiled under each.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::ControlFlow;

use common::{Findings, json_lines, read};
use indicia_core::safe_browsing::{self, Version};
use indicia_core::{
    BuildOptions, Context, Hit, Indicator, IndicatorSet, Kind, Match, Observable, ParseError, ParseOptions,
    Profile, Refang, Relation, ScanOptions, Scratch, SetBuilder, Target,
};
use serde_json::Value;

#[test]
fn profiles_1() {
    let mut wrong = String::new();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for (number, row) in json_lines("profiles-1.jsonl") {
        *counts.entry(row["profile"].as_str().unwrap().to_string()).or_default() += 1;
        let got = run(&row);
        let agrees = match &got {
            Ok(o) => {
                let kind = row.get("expect").map_or("url", |kind| kind.as_str().unwrap());
                o.kind().name() == kind && o.value() == row["value"] && o.key() == row["key"]
            }
            Err(e) => row["error"] == e.reason.slug(),
        };
        if !agrees {
            writeln!(wrong, "{number}: {row}\n   got  {}", shown(&got)).unwrap();
        }
    }
    assert_eq!(counts.len(), Profile::ALL.len() - 1, "{counts:?}");
    assert!(counts.values().sum::<usize>() >= 120, "the vector file is cut short: {counts:?}");
    assert!(wrong.is_empty(), "{} rows disagree\n{wrong}", wrong.lines().count() / 2);
}

/// A canonical value is its own canonical form.
#[test]
fn values_are_fixed_points() {
    for (number, row) in json_lines("profiles-1.jsonl") {
        let Ok(first) = run(&row) else { continue };
        let options =
            ParseOptions { profile: first.profile(), kind: Some(first.kind()), refang: Refang::Off };
        let again = Observable::parse_with(first.value(), &options);
        assert_eq!(again.as_ref(), Ok(&first), "{number}");
    }
}

/// Only URLs differ: every other row of `default-1.jsonl` comes out alike under every profile.
#[test]
fn other_kinds_follow_the_default() {
    for (number, row) in json_lines("default-1.jsonl") {
        let raw = row["raw"].as_str().unwrap();
        let kind = row.get("kind").map(|k| Kind::from_name(k.as_str().unwrap()).unwrap());
        let usual = Observable::parse_refanged(kind, raw, Refang::Usual);
        let refused_as_url = |e: &ParseError| e.kind == Some(Kind::Url);
        if kind == Some(Kind::Url) || usual.as_ref().map_or_else(refused_as_url, |o| o.kind() == Kind::Url) {
            continue;
        }
        for profile in Profile::ALL {
            let options = ParseOptions { profile: *profile, kind, refang: Refang::Usual };
            let got = Observable::parse_with(raw, &options);
            let is_url = got.as_ref().is_ok_and(|o| o.kind() == Kind::Url);
            // A tab or line end that a URL may hold.
            let is_control = usual.as_ref().is_err_and(|e| e.reason.slug() == "control-character");
            if !(is_control && is_url) {
                assert_eq!(got, usual, "{number}: {raw:?} under {profile}");
            }
        }
    }
}

#[test]
fn conformance() {
    let mut found = Findings::default();
    canonicalization(&mut found);
    go_client(&mut found);
    host_and_path(&mut found);
    ipv4_host(&mut found);
    derived(&mut found);
    expressions(&mut found);
    hashes(&mut found);
    kaspersky(&mut found);
    found.compare_with_expected("profiles/expected-failures.toml");
}

const BOTH: [(Profile, &str); 2] = [(Profile::SafeBrowsing4, "v4"), (Profile::SafeBrowsing5, "v5")];

fn canonicalization(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_canonicalization.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 33);
    for row in rows {
        for (profile, version) in BOTH {
            is_canonical(found, FILE, profile, version, &row[0], &row[1]);
        }
    }
}

fn derived(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_v5_derived.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 36);
    for row in rows {
        is_canonical(found, FILE, Profile::SafeBrowsing5, "v5", &row[0], &row[1]);
    }
}

fn go_client(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_go_client_urls.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 51);
    for row in rows {
        for (profile, version) in BOTH {
            if row[2] == b"ok" {
                is_canonical(found, FILE, profile, version, &row[0], &row[1]);
            } else {
                let got = profile.url(&row[0]);
                found.row(FILE, &name(version, &row[0]), got.is_err(), || {
                    format!("want an error, got {}", shown(&got))
                });
            }
        }
    }
}

fn host_and_path(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_host_and_path.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 20);
    for row in rows {
        for (profile, version) in BOTH {
            let got = profile.url(&row[0]);
            let part = got.as_ref().ok().map(|url| {
                let key = url.key();
                let (host, path) = key.split_at(key.find('/').unwrap());
                if row[3] == b"host" { host } else { path.split('?').next().unwrap() }
            });
            let want = (row[2] == b"ok").then(|| std::str::from_utf8(&row[1]).unwrap());
            let part_name = format!("{version} {}", String::from_utf8_lossy(&row[3]));
            found.row(FILE, &name(&part_name, &row[0]), part == want, || {
                format!("want {want:?}, got {}", shown(&got))
            });
        }
    }
}

fn ipv4_host(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_ipv4_host.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 11);
    for row in rows {
        let got = Profile::SafeBrowsing4.url(&[b"http://", &*row[0], b"/"].concat());
        let host = got.as_ref().ok().and_then(|url| url.key().strip_suffix('/'));
        let address = host.filter(|host| host.parse::<std::net::Ipv4Addr>().is_ok()).unwrap_or("");
        found.row(FILE, &name("v4", &row[0]), address.as_bytes() == row[1], || shown(&got));
    }
}

fn expressions(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_expressions.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 31);
    for row in rows {
        let (profile, version) = match &*row[1] {
            b"v4-page" | b"go-client" => (Profile::SafeBrowsing4, Version::V4),
            _ => (Profile::SafeBrowsing5, Version::V5),
        };
        let url = profile.url(&row[0]).unwrap();
        let all: Vec<String> = safe_browsing::expressions(version, url.value()).collect();
        assert!(all.len() <= 30 && all[0] == url.key(), "{all:?}");
        assert_eq!(all, safe_browsing::expressions(version, url.key()).collect::<Vec<_>>());
        let got: BTreeSet<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(got.len(), all.len(), "each once: {all:?}");
        let want: BTreeSet<&str> = std::str::from_utf8(&row[2]).unwrap().split(' ').collect();
        let mode = std::str::from_utf8(&row[1]).unwrap();
        found.row(FILE, &name(mode, &row[0]), got == want, || format!("want {want:?}, got {got:?}"));
    }
}

fn hashes(found: &mut Findings) {
    const FILE: &str = "profiles/safe_browsing_hashes.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 14);
    for row in rows {
        let value = std::str::from_utf8(&row[1]).unwrap();
        // The checksum of a list is the hash of its sorted prefixes, one behind the other.
        let value = if row[0] == b"expression" { value.to_string() } else { value.replace(' ', "") };
        let got: String = safe_browsing::hash(&value).iter().map(|b| format!("{b:02x}")).collect();
        found.row(FILE, &name("hash", &row[1]), got.as_bytes() == row[2], || got.clone());
    }
}

fn kaspersky(found: &mut Findings) {
    const FILE: &str = "profiles/kaspersky_url_normalization.tsv";
    let rows = table(FILE);
    assert_eq!(rows.len(), 27);
    for row in rows {
        // The page's rows show one rule each: what the other rules do to both sides is no difference.
        let page = row[3] == b"cybertrace-page";
        let normal = |text: &[u8]| Profile::Kaspersky.url(text).map(|url| url.value().to_string());
        let got = normal(&row[1]);
        let want = if page { normal(&row[2]).unwrap() } else { String::from_utf8(row[2].clone()).unwrap() };
        let source = std::str::from_utf8(&row[3]).unwrap();
        let holds = got.as_ref().is_ok_and(|got| *got == want);
        found.row(FILE, &name(source, &row[1]), holds, || format!("want {want}, got {got:?}"));
        if row[4] == b"also with [ ] around both" {
            let bracketed = |text: &[u8]| [b"[", text, b"]"].concat();
            let got = normal(&bracketed(&row[1]));
            let holds = got.as_ref().is_ok_and(|got| got.as_bytes() == bracketed(&row[2]));
            found.row(FILE, &name(source, &bracketed(&row[1])), holds, || format!("got {got:?}"));
        }
    }
}

fn is_canonical(
    found: &mut Findings,
    file: &str,
    profile: Profile,
    version: &str,
    raw: &[u8],
    canonical: &[u8],
) {
    let got = profile.url(raw);
    let holds = got.as_ref().is_ok_and(|url| url.value().as_bytes() == canonical);
    found.row(file, &name(version, raw), holds, || {
        format!("want {}, got {}", String::from_utf8_lossy(canonical), shown(&got))
    });
}

/// The name of a row: which rules, and its input.
fn name(what: &str, raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(text) => format!("{what} {text}"),
        Err(_) => format!("{what} {}", raw.escape_ascii()),
    }
}

fn run(row: &Value) -> Result<Observable, ParseError> {
    let options = ParseOptions {
        profile: row["profile"].as_str().unwrap().parse().unwrap(),
        kind: row.get("kind").map(|kind| Kind::from_name(kind.as_str().unwrap()).unwrap()),
        refang: if row.get("refang").is_some() { Refang::Usual } else { Refang::Off },
    };
    Observable::parse_with(row["raw"].as_str().unwrap(), &options)
}

fn shown(result: &Result<Observable, ParseError>) -> String {
    match result {
        Ok(o) => format!("{{kind {} value {:?} key {:?}}}", o.kind(), o.value(), o.key()),
        Err(e) => format!("error {:?}", e.reason.slug()),
    }
}

/// The rows of a table behind its header, cells unescaped.
fn table(name: &str) -> Vec<Vec<Vec<u8>>> {
    let content = read(name);
    let mut lines = content.lines().filter(|line| !line.starts_with('#'));
    let columns = lines.next().expect("a header").split('\t').count();
    let row = |line: &str| {
        let mut cells: Vec<Vec<u8>> = line.split('\t').map(cell).collect();
        assert!(cells.len() <= columns, "{line}");
        cells.resize(columns, Vec::new());
        cells
    };
    lines.map(row).collect()
}

/// `\t \r \n \\ \xNN`, as the head of each table says.
fn cell(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [b, behind @ ..] = rest {
        rest = behind;
        if *b != b'\\' {
            out.push(*b);
            continue;
        }
        let (escaped, length) = match rest.first().expect("an escape") {
            b't' => (b'\t', 1),
            b'r' => (b'\r', 1),
            b'n' => (b'\n', 1),
            b'\\' => (b'\\', 1),
            b'x' => (u8::from_str_radix(std::str::from_utf8(&rest[1..3]).unwrap(), 16).unwrap(), 3),
            other => panic!("no escape: {other}"),
        };
        out.push(escaped);
        rest = &rest[length..];
    }
    out
}

/// What is listed in one spelling is found in every other spelling that the profile calls the same, and in no other:
/// scan and lookup against the plain comparison of keys.
#[test]
fn scan_and_lookup_follow_the_profile() {
    let mut scratch = Scratch::default();
    let options = ScanOptions::default();
    // The default profile has a twin of its own, in `twin.rs`.
    for profile in &Profile::ALL[1..] {
        let mut random = Random(7);
        let (mut equal, mut under, mut different) = (0, 0, 0);
        for _ in 0..1_000 {
            let urls: Vec<_> =
                (0..1 + random.below(4)).map(|_| PARTS.map(|part| random.pick(part))).collect();
            // Another spelling of one of them, or another URL.
            let mut seen = urls[random.below(urls.len())];
            for _ in 0..1 + random.below(2) {
                let at = random.below(seen.len());
                seen[at] = random.pick(PARTS[at]);
            }
            let how = |random: &mut Random| match random.below(3) {
                0 => Match::Prefix,
                _ => Match::Exact,
            };
            let listed: Vec<(Target, Match)> = urls
                .iter()
                .map(|url| (url.concat(), how(&mut random)))
                .filter_map(|(url, how)| Some((target(*profile, &url)?.matching(how), how)))
                .collect();
            let set = compile(Some(*profile), listed.iter().map(|(target, _)| target.clone()));
            let text_url = seen.concat();
            let seen = parse(*profile, &text_url);
            let relations = |(target, how): &(Target, Match)| {
                let (seen, wanted) = (seen.as_ref().ok()?.key(), target.observable.key());
                if seen == wanted {
                    return Some(if *how == Match::Exact { Relation::Exact } else { Relation::UrlPrefix });
                }
                let rest = seen.strip_prefix(wanted).filter(|_| *how == Match::Prefix)?;
                let mark = |c: char| matches!(c, '/' | '?' | '#');
                (rest.starts_with(mark) || wanted.ends_with(mark)).then_some(Relation::UrlPrefix)
            };
            let want: BTreeSet<(String, Relation)> = listed
                .iter()
                .filter_map(|row| Some((row.0.observable.key().to_string(), relations(row)?)))
                .collect();
            equal += usize::from(want.iter().any(|(_, relation)| *relation == Relation::Exact));
            under += usize::from(want.iter().any(|(_, relation)| *relation == Relation::UrlPrefix));
            different += usize::from(want.is_empty() && !listed.is_empty());

            let found = |hits: &[Hit<'_>], end: usize| -> BTreeSet<(String, Relation)> {
                hits.iter()
                    .filter(|hit| hit.end == end && hit.indicator.kind() == Kind::Url)
                    .map(|hit| (hit.indicator.key().to_string(), hit.relation))
                    .collect()
            };
            let text = format!("2024-01-02 GET <{text_url}> 200");
            let end = "2024-01-02 GET <".len() + text_url.len();
            let shown = || format!("{profile}: {text_url:?} in {:?}", set.iter().collect::<Vec<_>>());
            assert_eq!(found(&set.scan(text.as_bytes()), end), want, "{}", shown());
            if seen.is_ok() {
                let (_, hits) = set.lookup(&text_url, Some(Kind::Url), &options, &mut scratch).unwrap();
                assert_eq!(found(&hits, 0), want, "lookup, {}", shown());
            }
        }
        assert!(equal > 20 && under > 10 && different > 20, "{profile}: {equal} {under} {different}");
    }
}

#[test]
fn spellings_that_a_profile_calls_one() {
    for (profile, listed, text, found) in [
        ("whatwg", "http://bad.example/a", "HTTP://BAD.example:80/x/../a#f", true),
        ("whatwg", "http://bad.example/a", "https://bad.example/a", false),
        ("whatwg", "http://bad.example/~a", "http://bad.example/%7Ea", false),
        ("whatwg", "http://bad.example/a", "bad.example/a", false),
        ("safe-browsing-4", "http://bad.example/a/b", "https://u@bad..example:81/%2561//b", true),
        ("safe-browsing-4", "http://bad.example/a", "http://bad.example/A", false),
        ("safe-browsing-4", "http://127.0.0.1/a", "http://0x7f.1/a", true),
        ("safe-browsing-4", "http://bad.example/a", "http://bad.example%2fa", true),
        ("safe-browsing-4", "http://192.0.2.7/a", "http://[::ffff:192.0.2.7]/a", false),
        ("safe-browsing-4", "http://[2001:db8::7]/a", "http://[2001:DB8::7]:81/a", true),
        ("safe-browsing-5", "http://192.0.2.7/a", "http://[::ffff:192.0.2.7]/a", true),
        ("safe-browsing-5", "http://192.0.2.7/a", "http://[64:ff9b::c000:207]/a", true),
        ("kaspersky", "bad.example/gate.php", "https://u:p@WWW.Bad.example:8443//x/..//Gate.PHP#f", true),
        ("kaspersky", "www.bad.example/a", "http://bad.example/a/", true),
        ("kaspersky", "bad.example", "http://www.bad.example/", true),
        ("kaspersky", "bad.example", "http://www.bad.example/a", false),
        ("kaspersky", "bad.example/a", "http://bad.example/%2561", false),
        ("kaspersky", "2001:db8::7", "http://[2001:DB8:0::7]:80/", true),
        ("zeek", "bad.example/Gate.php", "http://BAD.example:80/gate.PHP#f", true),
        ("zeek", "bad.example/a", "http://bad.example:8080/a", false),
        ("zeek", "bad.example/a", "http://bad.example//a", false),
        ("zeek", "bad.example/a", "https://bad.example/a", false),
        ("verbatim", "http://Bad.example/a#f", "http://Bad.example/a#f", true),
        ("verbatim", "http://Bad.example/a", "http://bad.example/a", false),
        ("verbatim", "Bad.example/a", "Bad.example/a", true),
        ("default", "http://bad.example/a", "https://bad.example/a", true),
    ] {
        let profile: Profile = profile.parse().unwrap();
        let set = compile(Some(profile), [target(profile, listed).unwrap()]);
        for text in [text.to_string(), format!("x \"{text}\" y"), format!("q={text}\n")] {
            let hits = set.scan(text.as_bytes());
            let hit = hits.iter().any(|hit| hit.relation == Relation::Exact);
            assert_eq!(hit, found, "{profile}: {listed} in {text:?}: {hits:?}");
        }
        let looked_up = set.lookup(text, None, &ScanOptions::default(), &mut Scratch::default());
        let hits = looked_up.map_or_else(|_| Vec::new(), |(_, hits)| hits);
        assert_eq!(!hits.is_empty(), found, "{profile}: {listed} looked up as {text}: {hits:?}");
    }
}

/// The host of a listed URL, wherever it stands, and the doubts about it.
#[test]
fn hosts_and_guards_follow_the_profile() {
    let with_hosts = ScanOptions { url_hosts: true, ..ScanOptions::default() };
    for profile in Profile::ALL {
        let urls = ["http://www.bad.example/a", "http://10.0.0.7/a", "https://[2001:db8::7]:8443/a"];
        let set = compile(Some(*profile), urls.map(|url| target(*profile, url).unwrap()));
        for host in ["www.bad.example", "10.0.0.7", "2001:db8::7"] {
            let mut relations = Vec::new();
            let _ = set.scan_with(host.as_bytes(), &with_hosts, &mut Scratch::default(), &mut |hit| {
                relations.push(hit.relation);
                ControlFlow::Continue(())
            });
            assert_eq!(relations, [Relation::UrlHost], "{profile}: {host}");
        }
        let hits = set.scan(b"GET http://10.0.0.7/a HTTP/1.1");
        assert_eq!(hits.len(), 1, "{profile}");
        assert!(hits[0].guards.iter().any(|guard| guard.rule == "private"), "{profile}: {hits:?}");
        // What is beside a URL in it is found whatever becomes of the URL.
        let name = Target::new(Observable::parse_as(Kind::Endpoint, "bad.example:8443").unwrap());
        let set = compile(Some(*profile), [name]);
        let found =
            |raw| set.lookup(raw, None, &ScanOptions::default(), &mut Scratch::default()).unwrap().1.len();
        assert_eq!(found("https://bad.example:8443/a"), 1, "{profile}");
    }
}

#[test]
fn a_set_keeps_its_profile() {
    let mut digests = BTreeSet::new();
    for profile in Profile::ALL {
        let url = target(*profile, "http://Bad.example/a").unwrap();
        let set = compile(Some(*profile), [url.clone()]);
        assert_eq!((set.profile(), &*set.info().profile), (*profile, profile.name()));
        let mut bytes = Vec::new();
        set.write_to(&mut bytes).unwrap();
        let again = IndicatorSet::from_bytes(&bytes).unwrap();
        assert_eq!(again.profile(), *profile);
        let record = again.get(0).unwrap().to_indicator();
        assert_eq!(record.target, url, "{profile}");
        // The record names another profile than the default, and is read back under it.
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(json.contains(profile.name()), *profile != Profile::Default, "{json}");
        assert_eq!(serde_json::from_str::<Indicator>(&json).unwrap(), record);
        digests.insert(*set.digest());

        // A set whose profile was changed afterwards is damaged.
        for other in Profile::ALL.iter().filter(|other| other.name().len() == profile.name().len()) {
            let at =
                bytes.windows(profile.name().len()).position(|w| w == profile.name().as_bytes()).unwrap();
            let mut changed = bytes.clone();
            changed[at..at + other.name().len()].copy_from_slice(other.name().as_bytes());
            assert_eq!(IndicatorSet::from_bytes(&changed).is_ok(), other == profile, "{profile} as {other}");
        }
    }
    assert_eq!(digests.len(), Profile::ALL.len());
}

/// A builder never puts two profiles into one set, and counts what it leaves out.
#[test]
fn profiles_do_not_meet_in_a_set() {
    let url = |profile| target(profile, "http://bad.example/a").unwrap();
    let name = || Target::new(Observable::parse("bad.example").unwrap());
    for said in [None, Some(Profile::Zeek)] {
        let options = BuildOptions { profile: said, ..BuildOptions::default() };
        let mut builder = SetBuilder::new(options);
        for target in [name(), url(Profile::Zeek), url(Profile::Default), url(Profile::Kaspersky)] {
            builder.push(Indicator::new(target, Context::default()));
        }
        assert_eq!(builder.report().other_profile, 2);
        let set = builder.finish();
        assert_eq!((set.profile(), set.len()), (Profile::Zeek, 2));
    }
    assert_eq!(compile(None, [name()]).profile(), Profile::Default);
    assert_ne!(url(Profile::Default).observable, url(Profile::SafeBrowsing4).observable);
}

/// Text that costs a naive reader the square of its length, or a power.
#[test]
fn effort_is_linear() {
    let begin = std::time::Instant::now();
    for unit in
        ["%25", "%2525", "%2", "%%32%35", "../", "/", "a/", ".", "www.", "@", "[", ":", "%", "0.", "ü.", "\\"]
    {
        for head in ["http://bad.example/", "http://", ""] {
            let text = format!("{head}{}", unit.repeat((16_384 - head.len()) / unit.len()));
            for profile in Profile::ALL {
                let _ = profile.url(text.as_bytes());
            }
        }
    }
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

/// `mode` suffix of the table: a listed name covers itself and what is below it; with a leading dot, both readings.
#[test]
fn names_cover_what_is_below_them() {
    let mut rows = 0;
    for row in table("domain_suffix_matching.tsv") {
        let [entry, observed, mode, expected] =
            [0, 1, 2, 3].map(|at| String::from_utf8(row[at].clone()).unwrap());
        let bare = entry.trim_start_matches('.');
        let observable = Observable::parse_as(Kind::Domain, bare).unwrap();
        let mut listed = Target::new(observable).matching(Match::Subdomains);
        listed.below_only = mode == "suffix-leading-dot-strict";
        if mode == "substring" {
            // The false positive that users complain of.
            assert_eq!(expected, "1");
            listed =
                Target::new(Observable::parse_as(Kind::Domain, bare).unwrap()).matching(Match::Subdomains);
        }
        rows += 1;
        let set = compile(None, [listed]);
        let want = expected == "1" && mode != "substring";
        assert_eq!(!set.scan(observed.as_bytes()).is_empty(), want, "{entry} {observed} {mode}");
        if let Ok((_, hits)) =
            set.lookup(&observed, Some(Kind::Domain), &ScanOptions::default(), &mut Scratch::default())
        {
            assert_eq!(!hits.is_empty(), want, "{entry} {observed} {mode}");
        }
    }
    assert_eq!(rows, 21);
}

fn parse(profile: Profile, raw: &str) -> Result<Observable, ParseError> {
    Observable::parse_with(raw, &ParseOptions { profile, kind: Some(Kind::Url), refang: Refang::Off })
}

fn target(profile: Profile, url: &str) -> Option<Target> {
    parse(profile, url).ok().map(Target::new)
}

fn compile(profile: Option<Profile>, targets: impl IntoIterator<Item = Target>) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions { profile, ..BuildOptions::default() });
    targets.into_iter().for_each(|target| builder.push(Indicator::new(target, Context::default())));
    builder.finish()
}

/// The parts of URLs that are the same to one profile and not to another.
const PARTS: [&[&str]; 7] = [
    &["http://", "http://", "HTTP://", "https://"],
    &["", "", "", "u:p@"],
    &[
        "bad.example",
        "bad.example",
        "Bad.Example",
        "www.bad.example",
        "bad..example",
        "bad.example.",
        "b%61d.example",
        "192.0.2.7",
        "0xc0.0.2.7",
        "[::ffff:c000:207]",
        "[64:ff9b::c000:207]",
        "bücher.example",
        "xn--bcher-kva.example",
    ],
    &["", "", "", ":80", ":443", ":8080"],
    &[
        "", "/", "/", "/a", "/a", "/A", "/%61", "/%2561", "/a/", "//a", "/b/../a", "/a/b", "/a/./b", "/%7E",
        "/~", "/a%2Fb", "/ü", "/%C3%BC", "/a\\b",
    ],
    &["", "", "", "?q", "?Q", "?q/r", "?%71"],
    &["", "", "", "#f", "#F"],
];

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}

/// A mask is compared with the keys of its set's profile, and without case where those have none.
#[test]
fn masks_follow_the_profile() {
    for (profile, mask, line, found) in [
        (Profile::Default, "bad.example/Gate/*.php", "GET http://bad.example/Gate/a.php", true),
        (Profile::Default, "bad.example/Gate/*.php", "GET http://bad.example/gate/a.php", false),
        (Profile::Default, "bad.example/gate/*.php", "GET http://www.bad.example/gate/a.php", false),
        (Profile::Kaspersky, "bad.example/Gate/*.php", "GET http://www.BAD.example:81//gate/A.PHP/", true),
        (Profile::Kaspersky, "bad.example/gate/*", "GET http://bad.example/other/gate/a", false),
        (Profile::Zeek, "bad.example/gate/*", "GET http://u@bad.example/GATE/x", true),
        (Profile::Whatwg, "bad.example/gate/*~", "GET http://u:p@bad.example/gate/%7Ex", false),
        (Profile::Whatwg, "bad.example/gate/*", "GET http://u:p@bad.example/gate/%7Ex", true),
        (Profile::SafeBrowsing4, "bad.example/gate/*~", "GET http://bad.example:81/gate/x%257E", true),
    ] {
        let target =
            Target::from_parts_under(profile, Kind::Url, mask, Some(Match::Mask), None).expect("a mask");
        let set = compile(Some(profile), [target]);
        let hits = set.scan(line.as_bytes());
        assert_eq!(hits.iter().any(|hit| hit.relation == Relation::Mask), found, "{profile} {mask} {line}");
        let again = IndicatorSet::from_bytes(&bytes_of(&set)).expect("the set's own bytes");
        assert_eq!(again.scan(line.as_bytes()).len(), hits.len());
    }
}

fn bytes_of(set: &IndicatorSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    set.write_to(&mut bytes).expect("memory");
    bytes
}

/// What is explained step by step ends where the profile's reader ends.
#[test]
fn explanations_lead_to_the_value() {
    for (number, row) in json_lines("profiles-1.jsonl") {
        let Ok(want) = run(&row) else { continue };
        let raw = row["raw"].as_str().expect("a text");
        let kind = row.get("kind").map(|k| Kind::from_name(k.as_str().unwrap()).unwrap());
        let profile = row["profile"].as_str().unwrap().parse().expect("a profile");
        let options = ParseOptions { profile, kind, refang: Refang::Off };
        let told = indicia_core::explain::explain(raw, &options);
        if told.result.as_ref() == Ok(&want) {
            let value = told.value.last().map_or(raw, |step| &step.after);
            let key = told.key.last().map_or(value, |step| &step.after);
            assert_eq!((value, key), (want.value(), want.key()), "{number}");
        }
    }
}
