//! Masks against their twin, across dialects, in sets, and against the examples of those who write them.
//!
//! `masks/twin.rs` is the matcher once more, slow and plain, from the text of a mask. `tests/vectors/masks-1.jsonl`
//! has what the vendors' own pages say. `INDICIA_MASKS` says how many random masks are tried, `INDICIA_MASKS_SEED`
//! with which seed.

#[path = "masks/twin.rs"]
mod twin;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use indicia_core::{
    BuildOptions, Context, Dialect, ExtractOptions, Indicator, IndicatorSet, Kind, Level, Mask, Match,
    Observable, Refang, Relation, ScanOptions, Scratch, SetBuilder, Target, extract_with,
};
use serde_json::Value;

const DIALECTS: [Dialect; 7] = [
    Dialect::KasperskyFeed,
    Dialect::KasperskyEndpoint,
    Dialect::StixLike(Kind::Url),
    Dialect::StixLike(Kind::Domain),
    Dialect::Cisco,
    Dialect::Eset,
    Dialect::Adblock,
];

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn host(&mut self) -> &'static str {
        self.of(&[
            "a.com",
            "b.a.com",
            "c.b.a.com",
            "ba.com",
            "a.co.uk",
            "192.0.2.7",
            "[2001:db8::7]",
            "com.a.org",
            "a-b.net",
        ])
    }

    fn url(&mut self) -> String {
        let mut url = String::new();
        url.push_str(self.of(&["http://", "https://", "", "ftp://"]));
        url.push_str(self.host());
        url.push_str(self.of(&["", "", "", ":8080", ":80", ":443"]));
        url.push_str(self.of(&["/", "/", "/a", "/A", "?a"]));
        for _ in 0..self.below(5) {
            url.push_str(self.of(&[
                "a", "b", "/", "a.com", "?", "A", ".php", "-", "%2F", "=", "*", "_", "{", "load", "'",
            ]));
        }
        url
    }

    /// A URL that a mask with this text probably matches.
    fn url_like(&mut self, mask: &str) -> String {
        let mask = mask.trim_start_matches("{i}");
        let (scheme, mut rest) = match mask.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['{', '*', '/']) => {
                (format!("{scheme}://"), rest.to_string())
            }
            _ => (self.of(&["http://", "https://", ""]).to_string(), mask.to_string()),
        };
        for mark in ["{key}", "{||bare}", "{bare}", "{||}", "{url}"] {
            if let Some(bare) = rest.strip_prefix(mark) {
                rest = bare.to_string();
            }
        }
        let mut out = String::new();
        if let Some(bare) = rest.strip_prefix('.') {
            out.push_str(self.of(&["", "", "b.", "ba"]));
            rest = bare.to_string();
        }
        let names = [("{?}", "a/"), ("{.}", "ab"), ("{^}", "/?:"), ("{/*}", "/"), ("{*}", "*"), ("{{}", "{")];
        while let Some(c) = rest.chars().next() {
            let mut length = c.len_utf8();
            if let Some((name, chars)) = names.iter().find(|(name, _)| rest.starts_with(name)) {
                length = name.len();
                let at = self.below(chars.len());
                out.push_str(&chars[at..=at]);
            } else if c == '*' {
                let word = self.of(&["", "a", "b.a.com", "a/b", "/", ".", "?a"]);
                out.push_str(word);
            } else if self.below(40) == 0 {
                out.push_str(self.of(&["", "/", "a"]));
            } else {
                out.push(c);
            }
            rest = rest.split_off(length);
        }
        if out.contains("://") { out } else { scheme + &out }
    }

    /// A text that is a mask in some dialect, or nearly.
    fn mask(&mut self) -> String {
        let mut mask = String::new();
        mask.push_str(self.of(&[
            "", "", "", "||", "|", "*.", "*", "%", "%.", ".", "{key}", "{bare}", "{||}", "{||bare}", "{url}",
            "{i}", "\"", "www.",
        ]));
        mask.push_str(self.of(&["", "", "", "http://", "https://", "http%://"]));
        if self.below(5) > 0 {
            mask.push_str(self.host());
        }
        for _ in 0..self.below(7) {
            mask.push_str(self.of(&[
                "*",
                "*",
                "%",
                "_",
                "?",
                "^",
                "/",
                "/",
                "/",
                "a",
                "a.com",
                "b",
                ".",
                "*.",
                "a/",
                ":8080",
                ":",
                "php",
                "{?}",
                "{^}",
                "{/*}",
                "{.}",
                "{*}",
                "**",
                "\\%",
                "-",
                "A",
                "load.php?",
                "%2f",
            ]));
        }
        mask.push_str(self.of(&["", "", "", "^", "|", "*", "%", "/*", "/", "\"", "$match-case", "$all"]));
        mask
    }
}

fn observable(kind: Kind, text: &str) -> Option<Observable> {
    Observable::parse_as(kind, text).ok()
}

#[test]
fn random_masks_agree_with_their_twin_in_every_dialect() {
    let count = from_env("INDICIA_MASKS", 12_000);
    let mut random = Random(from_env("INDICIA_MASKS_SEED", 1));
    let (mut read, mut hits, mut written) = (0, 0, BTreeMap::<(&str, &str), u64>::new());
    for _ in 0..count {
        let text = random.mask();
        let kind = if random.below(4) == 0 { Kind::Domain } else { Kind::Url };
        let own = Mask::parse(kind, &text).ok();
        let foreign = DIALECTS.iter().filter_map(|d| Some((d.name(), Mask::from_dialect(*d, &text).ok()?)));
        let masks: Vec<(&str, Mask)> = own.map(|mask| ("own", mask)).into_iter().chain(foreign).collect();
        let shown: Vec<String> = masks.iter().map(|(_, mask)| mask.to_string()).collect();
        let values: Vec<Observable> = (0..6)
            .filter_map(|n| match n {
                3.. if !shown.is_empty() => {
                    let mask = &shown[random.below(shown.len())];
                    observable(Kind::Url, &random.url_like(mask))
                }
                0 => observable(Kind::Domain, random.host()),
                1 => observable(Kind::Ipv4, random.host()),
                _ => observable(Kind::Url, &random.url()),
            })
            .collect();
        for (name, mask) in masks {
            read += 1;
            let shown = mask.to_string();
            assert_eq!(Mask::parse(mask.kind(), &shown), Ok(mask.clone()), "{text} in {name} is {shown}");
            if let Ok(target) = mask.clone().into_target() {
                let again =
                    Target::from_parts(target.observable.kind(), &target.value(), Some(target.match_), None);
                assert_eq!(again.as_ref(), Ok(&target), "{text} in {name}");
                if target.match_ == Match::Mask {
                    assert_eq!(target.value(), shown);
                }
            }
            for value in &values {
                let matched = mask.matches(value);
                hits += u64::from(matched);
                let twin = twin::matches(mask.kind(), &shown, value);
                assert_eq!(matched, twin, "{text} in {name} is {shown}, on {}", value.value());
            }
            for to in DIALECTS {
                let Ok(other) = mask.to_dialect(to) else { continue };
                *written.entry((name, to.name())).or_default() += 1;
                let again = Mask::from_dialect(to, &other).expect("what was written is read");
                for value in &values {
                    assert_eq!(
                        again.matches(value),
                        mask.matches(value),
                        "{shown} as {other}, on {}",
                        value.value()
                    );
                }
            }
        }
    }
    println!("{read} masks of {count} texts, {hits} matches; written: {written:?}");
    assert!(read > count && hits > count / 4, "{read} masks, {hits} matches");
}

fn dialect(name: &Value, kind: &Value) -> Dialect {
    let kind = kind.as_str().and_then(Kind::from_name);
    let all = [
        Dialect::KasperskyFeed,
        Dialect::KasperskyEndpoint,
        Dialect::Cisco,
        Dialect::Eset,
        Dialect::Adblock,
        Dialect::StixLike(kind.unwrap_or(Kind::Url)),
    ];
    all.into_iter().find(|d| *name == d.name()).unwrap_or_else(|| panic!("no dialect {name}"))
}

/// Rows of three forms: whether a value matches, why a text is refused, what it is in another dialect.
#[test]
fn examples_of_those_who_write_masks() {
    let text = include_str!("../../../tests/vectors/masks-1.jsonl");
    let (mut rows, mut wrong) = (0, String::new());
    for (number, line) in text.lines().enumerate() {
        let row: Value = serde_json::from_str(line).unwrap();
        rows += 1;
        let from = dialect(&row["dialect"], &row["kind"]);
        let written = row["mask"].as_str().unwrap();
        let mask = Mask::from_dialect(from, written);
        let (got, wanted): (Value, Value) = match (&mask, &row) {
            (Err(reason), row) => (reason.slug().into(), row["refused"].clone()),
            (Ok(mask), row) if row["value"].is_string() => {
                let value = row["value"].as_str().unwrap();
                let value = match row["kind"].as_str().and_then(Kind::from_name) {
                    Some(kind) if mask.kind() == kind => Observable::parse_as(kind, value),
                    _ => Observable::parse_refanged(None, value, Refang::Off),
                };
                // As a target of whatever kind it became, it is found by lookup.
                let value = value.expect("a value");
                let set = set_of(&[mask.clone().into_target().unwrap()]);
                let (_, hits) = set
                    .lookup(
                        value.value(),
                        Some(value.kind()),
                        &ScanOptions::default(),
                        &mut Scratch::default(),
                    )
                    .unwrap();
                let by_host = mask.kind() == Kind::Domain && value.kind() == Kind::Url;
                if !by_host {
                    assert_eq!(mask.matches(&value), !hits.is_empty(), "row {}: {mask} {line}", number + 1);
                }
                ((!hits.is_empty()).into(), row["matches"].clone())
            }
            (Ok(mask), row) => match mask.to_dialect(dialect(&row["to"], &row["to_kind"])) {
                Ok(text) => (text.into(), row["text"].clone()),
                Err(refused) => (refused.what.into(), row["cannot"].clone()),
            },
        };
        if got != wanted {
            wrong += &format!(
                "row {}: {got} for {line} (read as {:?})\n",
                number + 1,
                mask.map(|m| m.to_string())
            );
        }
    }
    assert!(rows >= 150, "the vector file is cut short: {rows} rows");
    assert!(wrong.is_empty(), "of {rows} rows disagree:\n{wrong}");
}

fn set_of(targets: &[Target]) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    targets.iter().for_each(|target| builder.push(Indicator::new(target.clone(), Context::default())));
    builder.finish()
}

/// What a set finds is what trying every mask on every URL finds, by lookup and in a text, and after the set went
/// through its file.
#[test]
fn sets_find_what_trying_every_mask_finds() {
    let rounds = from_env("INDICIA_MASKS", 12_000) / 100;
    let mut random = Random(from_env("INDICIA_MASKS_SEED", 1) + 77);
    let mut scratch = Scratch::default();
    let (mut found, mut lines_hit) = (0, 0);
    for _ in 0..rounds {
        let mut targets: Vec<Target> = Vec::new();
        while targets.len() < 60 {
            let text = random.mask();
            let dialect = DIALECTS[random.below(DIALECTS.len())];
            if let Ok(target) =
                Mask::from_dialect(dialect, &text).map_err(drop).and_then(|m| m.into_target().map_err(drop))
                && target.match_ == Match::Mask
            {
                targets.push(target);
            }
        }
        let set = set_of(&targets);
        let mut file = Vec::new();
        set.write_to(&mut file).unwrap();
        let set = IndicatorSet::from_bytes(&file).unwrap();
        let masks: BTreeSet<(Kind, String)> =
            targets.iter().map(|t| (t.observable.kind(), t.observable.value().to_string())).collect();
        for _ in 0..40 {
            let target = &targets[random.below(targets.len())];
            let url = if random.below(2) == 0 { random.url() } else { random.url_like(&target.value()) };
            // Read as a lookup reads it: refanged.
            let read = set.lookup(&url, Some(Kind::Url), &ScanOptions::default(), &mut scratch);
            let Ok((value, hits)) = read else { continue };
            let by_set: BTreeSet<String> = hits
                .iter()
                .filter(|hit| hit.kind == Kind::Url)
                .inspect(|hit| assert_eq!(hit.relation, Relation::Mask))
                .map(|hit| hit.indicator.value().to_string())
                .collect();
            let by_twin: BTreeSet<String> = masks
                .iter()
                .filter(|(kind, mask)| *kind == Kind::Url && twin::matches(*kind, mask, &value))
                .map(|(_, mask)| mask.clone())
                .collect();
            // A value of one key is listed once, however it is written.
            let fold = |set: &BTreeSet<String>| set.iter().map(|m| m.to_lowercase()).collect::<BTreeSet<_>>();
            assert_eq!(fold(&by_set), fold(&by_twin), "{url}");
            found += by_set.len();
        }
        let text: String =
            (0..20).map(|n| format!("{n} GET {} 200 \"{}\"\n", random.url(), random.url())).collect();
        let mut hits = Vec::new();
        let _ = set.scan_with(text.as_bytes(), &ScanOptions::default(), &mut scratch, &mut |hit| {
            if hit.kind == Kind::Url {
                hits.push((hit.start, hit.end, hit.indicator.value().to_string()));
            }
            ControlFlow::Continue(())
        });
        // Alone, a mask that holds to a host lets a scan pass over everything else.
        for target in targets.iter().take(8) {
            let alone = set_of(std::slice::from_ref(target));
            let by_level = Level::available().map(|level| {
                let mut hits = Vec::new();
                let (options, mut scratch) = (ScanOptions::default(), Scratch::with_level(level));
                let _ = alone.scan_with(text.as_bytes(), &options, &mut scratch, &mut |hit| {
                    hits.push((hit.start, hit.end, hit.relation));
                    ControlFlow::Continue(())
                });
                hits
            });
            let by_level: Vec<_> = by_level.collect();
            assert!(by_level.iter().all(|hits| *hits == by_level[0]), "{target:?} in {text}: {by_level:?}");
        }
        for (start, end, mask) in &hits {
            let value = observable(Kind::Url, &text[*start..*end]).expect("a URL");
            assert!(twin::matches(Kind::Url, mask, &value), "{mask} on {}", value.value());
        }
        lines_hit += hits.len();
        let options = ExtractOptions { nested: true, refang: Refang::Off, ..ExtractOptions::default() };
        let _ = extract_with(text.as_bytes(), &options, &mut |extraction| {
            let span = &text[extraction.start..extraction.end];
            // A query of its own URL is no URL without a scheme there.
            let alone = !text[..extraction.start].ends_with("://");
            if extraction.kind == Kind::Url && alone {
                let Some(seen) = observable(Kind::Url, &extraction.value) else {
                    return ControlFlow::Continue(());
                };
                for (_, mask) in masks.iter().filter(|(kind, _)| *kind == Kind::Url) {
                    if twin::matches(Kind::Url, mask, &seen) {
                        let covered = hits.iter().any(|(start, end, found)| {
                            found.eq_ignore_ascii_case(mask)
                                && *start <= extraction.start
                                && extraction.end <= *end
                        });
                        assert!(covered, "{mask} is not found at {span} in {text}");
                    }
                }
            }
            ControlFlow::Continue(())
        });
    }
    println!("{rounds} sets, {found} masks found by lookup, {lines_hit} in texts");
    assert!(found as u64 > rounds, "{found} in {rounds}");
}

/// The table of `docs/masks.md` is what the writers write.
#[test]
fn the_table_of_conversions_holds() {
    let docs = include_str!("../docs/masks.md").replace("\\|", "\u{1}");
    let cell = |cell: &str| {
        let text = cell.trim().replace('\u{1}', "|");
        text.split('`').nth(1).map(str::to_string)
    };
    let mut rows = 0;
    let mut wrong = String::new();
    for line in docs.lines().filter(|line| line.matches('|').count() == 9) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let Some(own) = cell(cells[1]) else { continue };
        let kind = if cells[0].contains("other kinds") { Kind::FileName } else { Kind::Url };
        let mask = Mask::parse(kind, &own).unwrap();
        rows += 1;
        let dialects = [
            Dialect::KasperskyFeed,
            Dialect::KasperskyEndpoint,
            Dialect::StixLike(mask.kind()),
            Dialect::Cisco,
            Dialect::Eset,
            Dialect::Adblock,
        ];
        for (dialect, written) in dialects.into_iter().zip(&cells[2..]) {
            let got = mask.to_dialect(dialect).ok();
            if got != cell(written) {
                wrong += &format!("{own} in {}: {got:?}, the table has {written}\n", dialect.name());
            }
        }
    }
    assert!(rows > 15 && wrong.is_empty(), "{rows} rows\n{wrong}");
}
