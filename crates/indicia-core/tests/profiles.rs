//! Runs the vectors of the profiles other than `default@1`, public conformance data of the systems that they follow,
//! and sets compiled under each.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;

use common::{Findings, json_lines, read};
use indicia_core::safe_browsing::{self, Version};
use indicia_core::{Kind, Observable, ParseError, ParseOptions, Profile, Refang};
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
