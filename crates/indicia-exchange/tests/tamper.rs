//! Whatever is changed of a package that was received, it is refused, and the state stays what it was.
//!
//! `INDICIA_TAMPER_CHANGES=100000` makes the long run that `benches/README.md` records.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indicia_core::{Indicator, Time};
use indicia_exchange::agreement::Answer;
use indicia_exchange::feedback::Answered;
use indicia_exchange::package::{AgreementName, MANIFEST, Package, SIGNATURE};
use indicia_exchange::plan::{self, Notice, Records};
use indicia_exchange::receive::{Received, Refusal, State, names, receive};
use indicia_exchange::sign::{PublicKey, SecretKey, SignError};
use indicia_exchange::{Agreement, Ledger};

type Files = BTreeMap<String, Vec<u8>>;

const AGREEMENT: &str = r#"
schema = "indicia-agreement/1"
id = "a-b"
version = 2
legal_reference = "none"
valid = { from = 2017-01-01, until = 2018-01-01 }
[provider]
id = "a.example"
[recipient]
id = "b.example"
kind = "vendor"
countries = []
[scope]
roles = "all"
kinds = "all"
countries = "all"
basis = ["statement"]
unknown_country = "send"
[ceiling]
tlp = "green"
[handling]
purposes = ["prevention", "detection", "investigation"]
onward = "none"
sidecar = true
[retention]
days = 30
[redaction]
rules = "strict@1"
[feedback]
accept = ["sighting", "false-positive"]
"#;

fn now() -> Time {
    "2017-11-02T12:00:00Z".parse().unwrap()
}

fn agreement() -> Agreement {
    static PARSED: OnceLock<Agreement> = OnceLock::new();
    PARSED.get_or_init(|| Agreement::parse(AGREEMENT).unwrap()).clone()
}

fn key() -> SecretKey {
    let (text, _) = SecretKey::generate(None).unwrap();
    SecretKey::open(&text, None).unwrap()
}

fn records(n: usize) -> Records {
    let mut text = String::new();
    for i in 0..n {
        let (kind, value) = match i % 3 {
            0 => ("domain", format!("host{i}.bad.example")),
            1 => ("ipv4", format!("198.51.{}.{}", i / 250 % 250, i % 250)),
            _ => ("url", format!("http://bad.example/{i}/gate.php")),
        };
        let _ = writeln!(
            text,
            r#"{{"target":{{"kind":"{kind}","value":"{value}","match":"{}"}},"contexts":[{{"feed":"f","producer":"a.example","source_id":"indicator--{i:08}-0000-4000-8000-000000000000","role":"c2","threat":"loader {}","first_seen":"2017-10-01T00:00:00Z","last_seen":"2017-11-01T00:00:00Z","tlp":"{}","pap":"green"}}]}}"#,
            if kind == "domain" { "subdomains" } else { "exact" },
            i % 7,
            ["clear", "green"][i / 3 % 2],
        );
    }
    let mut records: Vec<Indicator> = Vec::new();
    let options = indicia_feeds::ReadOptions::default();
    let report =
        indicia_feeds::read(indicia_feeds::Format::Jsonl, &mut text.as_bytes(), &options, &mut |r| {
            records.push(r);
        });
    assert_eq!((report.unwrap().refused_total(), records.len()), (0, n));
    Records::new(records)
}

fn package_at(n: usize, agreement: &Agreement, counter: u64, at: Time) -> Package {
    let ledger = Ledger::new(&[7; 32], at);
    let (agreement, plan) = plan::plan(&records(n), &[agreement], &ledger, at).unwrap();
    assert_eq!(plan.items.len(), n);
    Package::of_plan(&plan, &agreement, counter, at).unwrap()
}

fn package(n: usize, counter: u64, key: &SecretKey) -> Files {
    package_at(n, &agreement(), counter, now()).sign(key).unwrap()
}

fn take(files: &Files, key: &PublicKey) -> Result<Received, Refusal> {
    take_as(files, &agreement(), key, &mut State::default(), now())
}

fn take_as(
    files: &Files,
    agreement: &Agreement,
    key: &PublicKey,
    state: &mut State,
    now: Time,
) -> Result<Received, Refusal> {
    let before = state.clone();
    let result = receive(files, agreement, key, state, now);
    assert_eq!(
        result.is_ok(),
        *state != before,
        "the state changes with a package that is taken, and only then"
    );
    result
}

/// How many changes the long test makes, and whether it was asked for.
fn changes() -> (usize, bool) {
    let asked = std::env::var("INDICIA_TAMPER_CHANGES").ok().and_then(|n| n.parse().ok());
    (asked.unwrap_or(3_000), asked.is_some())
}

/// xorshift64*: the same changes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

#[test]
fn every_byte_counts() {
    let (_, full) = changes();
    let key = key();
    let public = key.public();
    let mut files = package(3, 1, &key);
    assert_eq!(take(&files, public).unwrap().records.len(), 3);
    let mut count = 0u64;
    for name in files.keys().cloned().collect::<Vec<_>>() {
        let signed = name == MANIFEST || name == SIGNATURE;
        let original = files[&name].clone();
        for at in 0..original.len() {
            let byte = original[at];
            let all = [byte ^ 1, byte ^ 0x20, byte ^ 0x80, b'\n', b' ', b'0', 0, byte.wrapping_add(1)];
            // The short run tries other substitutes at each place, the long one all of them.
            let tried = if full || name == SIGNATURE {
                &all[..]
            } else {
                &all[at % 4 * 2..][..1 + usize::from(signed)]
            };
            for other in tried.iter().filter(|other| **other != byte) {
                files.get_mut(&name).unwrap()[at] = *other;
                let got = take(&files, public);
                assert!(got.is_err(), "{name}: byte {at} {byte} -> {other}");
                if !signed {
                    assert_eq!(got, Err(Refusal::Changed(name.clone())));
                }
                count += 1;
            }
            files.get_mut(&name).unwrap()[at] = byte;
            if signed {
                let mut less = original.clone();
                less.remove(at);
                files.insert(name.clone(), less);
                assert!(take(&files, public).is_err(), "{name}: without byte {at}");
                files.insert(name.clone(), original.clone());
                count += 1;
            }
        }
        if signed {
            for at in 0..=original.len() {
                let all = [b' ', b'\n', original[at.min(original.len() - 1)], b'A', b'=', b'\r', 0, 0xff];
                let step = if full || name == SIGNATURE { &all[..] } else { &all[at % 7..][..2] };
                for new in step {
                    let mut more = original.clone();
                    more.insert(at, *new);
                    files.insert(name.clone(), more);
                    assert!(take(&files, public).is_err(), "{name}: {new} put in at {at}");
                    count += 1;
                }
            }
        }
        files.insert(name, original);
    }
    assert!(take(&files, public).is_ok(), "it was put together again");
    eprintln!("{count} changes of one byte, each refused");
}

/// What the random changes draw from.
struct Bench {
    key: SecretKey,
    other_key: SecretKey,
    agreements: Vec<Agreement>,
    /// Another package of the same agreement.
    other: Files,
    /// The same package by another key.
    foreign: Files,
    /// States in which a package of this or a later number came already.
    states: Vec<State>,
}

impl Bench {
    fn new(n: usize) -> (Bench, Files) {
        let (key, other_key) = (key(), key());
        let files = package(n, 5, &key);
        let text = |from: &str, to: &str| {
            let text = AGREEMENT.replace(from, to);
            assert_ne!(text, AGREEMENT);
            Agreement::parse(&text).unwrap()
        };
        let agreements = vec![
            text("\"none\"\nvalid", "\"none \"\nvalid"),
            text("version = 2", "version = 3"),
            text("id = \"a-b\"", "id = \"A-b\""),
            text("days = 30", "days = 3000"),
            text("\"b.example\"", "\"c.example\""),
            text("\"a.example\"", "\"c.example\""),
            text("[redaction]", "\n[redaction]"),
        ];
        let states = [5, 6, 7000].map(|counter| {
            let mut state = State::default();
            let later = package(3, counter, &key);
            take_as(&later, &agreement(), key.public(), &mut state, now()).unwrap();
            state
        });
        let bench = Bench {
            other: package(n, 6, &key),
            foreign: package(n, 5, &other_key),
            key,
            other_key,
            agreements,
            states: states.to_vec(),
        };
        (bench, files)
    }

    /// Makes one change, has it refused, and takes it back.
    fn change(&self, files: &mut Files, random: &mut Random) -> &'static str {
        let all: Vec<String> = files.keys().cloned().collect();
        let name = random.pick(&all).clone();
        let mut was: Files = [(name.clone(), files[&name].clone())].into();
        let mut state = State::default();
        let mut text = &agreement();
        let mut key = self.key.public();
        let bytes = files.get_mut(&name).unwrap();
        let mut added = None;
        match random.below(15) {
            0..4 => {
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = match random.below(3) {
                        0 => bytes[at] ^ (1 << random.below(8)),
                        1 => bytes[at] ^ 0x20,
                        _ => random.next() as u8,
                    };
                }
            }
            4 => bytes.truncate(random.below(bytes.len())),
            5 => {
                let at = random.below(bytes.len() + 1);
                let many = 1 + random.below(70);
                let put: Vec<u8> = (0..many).map(|_| *random.pick(b"\n \r\0a{\xff")).collect();
                bytes.splice(at..at, put);
            }
            6 => {
                let start = random.below(bytes.len());
                let end = start + 1 + random.below((bytes.len() - start).min(200));
                bytes.drain(start..end.min(bytes.len()));
            }
            7 => {
                let second = random.pick(&all).clone();
                was.insert(second.clone(), files[&second].clone());
                files.insert(name.clone(), was[&second].clone());
                files.insert(second, was[&name].clone());
            }
            8 => {
                let new = match random.below(6) {
                    0 => name.to_uppercase(),
                    1 => name.to_lowercase(),
                    2 => format!("{name}.bak"),
                    3 => format!("../{name}"),
                    4 => format!("{name} "),
                    _ => {
                        let mut bytes = name.clone().into_bytes();
                        let at = random.below(bytes.len());
                        bytes[at] ^= 0x20;
                        String::from_utf8(bytes).unwrap()
                    }
                };
                if new != name {
                    let bytes = files.remove(&name).unwrap();
                    files.insert(new.clone(), bytes);
                    added = Some(new);
                }
            }
            9 => {
                let new = match random.below(6) {
                    0 => "..".to_string(),
                    1 => "notices.jsonl".to_string(),
                    2 => format!("{}.txt", random.next()),
                    3 => name.to_uppercase(),
                    4 => "a/b".to_string(),
                    _ => String::new(),
                };
                if !files.contains_key(&new) {
                    files.insert(new.clone(), b"x".to_vec());
                    added = Some(new);
                }
            }
            10 => drop(files.remove(&name)),
            11 => {
                let source = if random.below(2) == 0 { &self.other } else { &self.foreign };
                let some: &[&str] = match random.below(3) {
                    0 => &[MANIFEST],
                    1 => &[SIGNATURE],
                    _ => &[MANIFEST, SIGNATURE],
                };
                for part in some {
                    was.entry(part.to_string()).or_insert_with(|| files[*part].clone());
                    files.insert(part.to_string(), source[*part].clone());
                }
            }
            12 => text = random.pick(&self.agreements),
            13 => key = self.other_key.public(),
            _ => state = random.pick(&self.states).clone(),
        }
        let same = was.iter().all(|(name, bytes)| files.get(name) == Some(bytes)) && added.is_none();
        let as_it_was = same && *text == agreement() && key == self.key.public() && state == State::default();
        let got = take_as(files, text, key, &mut state, now());
        let code = match &got {
            Err(refusal) => refusal.code(),
            Ok(_) if as_it_was => "unchanged",
            Ok(_) => panic!("taken: {name} was changed, or beside it {added:?}"),
        };
        // Put back first what was changed, so that a name that was added is not left.
        if let Some(added) = &added {
            files.remove(added);
        }
        files.extend(was);
        code
    }
}

fn change_often(n: usize, times: usize, seed: u64) -> BTreeMap<&'static str, u64> {
    let (bench, mut files) = Bench::new(n);
    assert_eq!(take(&files, bench.key.public()).unwrap().records.len(), n);
    let mut random = Random(seed);
    let mut codes: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut refused = 0;
    while refused < times {
        let code = bench.change(&mut files, &mut random);
        *codes.entry(code).or_default() += 1;
        refused += usize::from(code != "unchanged");
    }
    assert!(take(&files, bench.key.public()).is_ok(), "each change was taken back");
    codes
}

#[test]
fn no_random_change_gets_through() {
    let (times, full) = changes();
    // Each change of the large package is some 20 MB of digests: the test run makes most of one of 100 items, which
    // has the same files; the long run makes all of the large one.
    let (large, small) = if full { (times, times / 20) } else { (12, times.saturating_sub(12)) };
    let (first, second, rest) = std::thread::scope(|scope| {
        let first = scope.spawn(move || change_often(8_800, large / 2, 0x1234_5678_9abc_def1));
        let second = change_often(8_800, large - large / 2, 0x9abc_def1_1234_5679);
        let rest = change_often(100, small, 0xfeed_5678_9abc_def1);
        (first.join().unwrap(), second, rest)
    });
    for codes in [&rest, &first, &second] {
        let refused: u64 = codes.iter().filter(|(code, _)| **code != "unchanged").map(|(_, n)| n).sum();
        eprintln!("{refused} changes, each refused: {codes:?}");
    }
    for code in [
        "signature",
        "file-changed",
        "file-missing",
        "file-extra",
        "no-manifest",
        "path",
        "case-collision",
        "replay",
        "other-agreement",
        "parties",
    ] {
        assert!(rest.contains_key(code), "{code}: {rest:?}");
    }
}

#[test]
fn numbers_count_up() {
    let key = key();
    let public = key.public();
    let mut state = State::default();
    let (first, second, third) = (package(3, 1, &key), package(3, 2, &key), package(3, 3, &key));
    let mut take = |files: &Files| take_as(files, &agreement(), public, &mut state, now()).map(drop);
    assert_eq!(take(&first), Ok(()));
    assert_eq!(take(&first), Err(Refusal::Replay { got: 1, last: 1 }));
    assert_eq!(take(&third), Ok(()));
    assert_eq!(take(&second), Err(Refusal::Replay { got: 2, last: 3 }));
    assert_eq!(take(&package(3, 0, &key)), Err(Refusal::Replay { got: 0, last: 3 }));
    assert_eq!(take(&package(3, u64::MAX, &key)), Ok(()));
    // Written and read again, the state says the same.
    let again = State::read(&state.to_bytes()).unwrap();
    assert_eq!(again, state);
    for broken in
        [&b"{}"[..], b"null", b"{\"schema\":\"indicia-state/2\",\"counters\":{},\"revoked\":{}}", b"\0"]
    {
        assert_eq!(State::read(broken), Err(Refusal::State));
    }
    let bytes = state.to_bytes();
    for end in 1..bytes.len() - 1 {
        assert_eq!(State::read(&bytes[..end]), Err(Refusal::State), "cut at {end}");
    }
}

#[test]
fn in_time_or_not() {
    let key = key();
    let public = key.public();
    let at = |text: &str| text.parse::<Time>().unwrap();
    let agreement = agreement();
    let made = |time: &str| package_at(3, &agreement, 1, at(time)).sign(&key).unwrap();
    let take = |files: &Files, time: &str| {
        take_as(files, &agreement, public, &mut State::default(), at(time)).map(drop)
    };
    // Ninety days, and not a second longer.
    let november = made("2017-11-01T00:00:00Z");
    assert_eq!(take(&november, "2017-12-31T23:59:59Z"), Ok(()));
    let files = package_at(3, &agreement, 1, at("2017-11-01")).manifest;
    assert_eq!(files.valid_until, agreement.until, "the agreement ends before the ninety days do");
    assert_eq!(take(&november, "2018-01-01T00:00:00Z"), Err(Refusal::NotInForce));
    let long = Agreement::parse(&AGREEMENT.replace("until = 2018", "until = 2028")).unwrap();
    let signed = package_at(3, &long, 1, at("2017-11-01T00:00:00Z")).sign(&key).unwrap();
    let take_long = |time: &str| take_as(&signed, &long, public, &mut State::default(), at(time)).map(drop);
    assert_eq!(take_long("2018-01-29T23:59:59Z"), Ok(()));
    assert_eq!(take_long("2018-01-30T00:00:00Z"), Err(Refusal::Expired(at("2018-01-30T00:00:00Z"))));
    // A clock may be a day ahead.
    assert_eq!(take(&made("2017-11-03T11:59:59Z"), "2017-11-02T12:00:00Z"), Ok(()));
    let ahead = at("2017-11-03T12:00:01Z");
    assert_eq!(
        take(&made("2017-11-03T12:00:01Z"), "2017-11-02T12:00:00Z"),
        Err(Refusal::FromTheFuture(ahead))
    );
    // Before the agreement begins.
    assert_eq!(take(&november, "2016-12-31T23:59:59Z"), Err(Refusal::NotInForce));
    // Who makes packages that count for years makes no packages of this form.
    let mut package = package_at(3, &long, 1, at("2017-11-01T00:00:00Z"));
    package.manifest.valid_until = at("2020-01-01");
    package.manifest_bytes = package.manifest.to_bytes();
    let signed = package.sign(&key).unwrap();
    let got = take_as(&signed, &long, public, &mut State::default(), at("2018-06-01"));
    assert_eq!(got, Err(Refusal::Manifest));
}

#[test]
fn only_by_a_key_that_is_named() {
    let (key, other) = (key(), key());
    let named = |until: &str| {
        let text = AGREEMENT.replace(
            "id = \"a.example\"\n",
            &format!("id = \"a.example\"\nkeys = [{{ key = \"{}\"{until} }}]\n", key.public()),
        );
        Agreement::parse(&text).unwrap()
    };
    let take = |agreement: &Agreement, key: &SecretKey| {
        let files = package_at(3, agreement, 1, now()).sign(key).unwrap();
        take_as(&files, agreement, key.public(), &mut State::default(), now()).map(drop)
    };
    assert_eq!(take(&named(""), &key), Ok(()));
    assert_eq!(take(&named(""), &other), Err(Refusal::ForeignKey));
    assert_eq!(take(&named(", until = 2017-11-03"), &key), Ok(()));
    assert_eq!(take(&named(", until = 2017-11-02T12:00:00Z"), &key), Err(Refusal::ExpiredKey));
    assert_eq!(take(&named(", until = 2017-11-01"), &key), Err(Refusal::ExpiredKey));
    // Keys that are none.
    for text in ["", "RW", "RWQ=", "RWQ", &"A".repeat(56), &format!("{}A", key.public()), "RW\u{fffd}"] {
        assert!(PublicKey::parse(text).is_err(), "{text:?}");
    }
    let line = key.public().to_string();
    for end in 0..line.len() {
        assert_eq!(PublicKey::parse(&line[..end]), Err(SignError::PublicKey));
    }
}

#[test]
fn only_by_and_for_those_of_the_agreement() {
    let key = key();
    let (agreement, long) = (agreement(), AGREEMENT.replace("\"b.example\"", "\"c.example\""));
    let name = AgreementName { id: "a-b".into(), version: 2, sha256: agreement.sha256.clone() };
    let notices = [Notice { item: "indicator--1".into(), revoked: true, reason: "correction".into() }];
    let take = |from: &str, to: &str| {
        let files = Package::of_notices(&notices, &name, from, to, 1, now()).sign(&key).unwrap();
        take_as(&files, &agreement, key.public(), &mut State::default(), now()).map(drop)
    };
    assert_eq!(take("a.example", "b.example"), Ok(()));
    for (from, to) in [("a.example", "c.example"), ("c.example", "b.example"), ("b.example", "a.example")] {
        assert_eq!(take(from, to), Err(Refusal::Parties), "{from} {to}");
    }
    let other = Agreement::parse(&long).unwrap();
    let got = take_as(&package(3, 1, &key), &other, key.public(), &mut State::default(), now());
    assert_eq!(got, Err(Refusal::Parties));
}

#[test]
fn notices_come_after_the_end_too() {
    let key = key();
    let agreement = agreement();
    let name = AgreementName { id: "a-b".into(), version: 2, sha256: agreement.sha256.clone() };
    let notices = [Notice { item: "indicator--1".into(), revoked: true, reason: "correction".into() }];
    let later: Time = "2019-06-01".parse().unwrap();
    let files = Package::of_notices(&notices, &name, "a.example", "b.example", 9, later).sign(&key).unwrap();
    let mut state = State::default();
    let got = take_as(&files, &agreement, key.public(), &mut state, later).unwrap();
    assert_eq!(got.notices, notices);
    assert_eq!(state.revoked()["indicator--1"], "correction");
    // They count with the packages of items.
    let got = take_as(&package(3, 9, &key), &agreement, key.public(), &mut state, now());
    assert_eq!(got, Err(Refusal::Replay { got: 9, last: 9 }));

    // What a producer took back goes out after the end as well, and is taken.
    let mut ledger = Ledger::new(&[7; 32], now());
    let all = records(3);
    let (_, first) = plan::plan(&all, &[&agreement], &ledger, now()).unwrap();
    for item in &first.items {
        ledger.push(
            now(),
            indicia_exchange::ledger::Event::Share {
                agreement: "a-b@2".into(),
                recipient: "b.example".into(),
                item: item.id.clone(),
                projection: String::new(),
                role: None,
                giver: None,
                source_id: None,
                delete_by: None,
                notify: false,
            },
        );
    }
    let mut revoked = all.all().to_vec();
    revoked[1].contexts[0].revoked = Some(true);
    let (both, plan) = plan::plan(&Records::new(revoked), &[&agreement], &ledger, later).unwrap();
    assert_eq!((plan.items.len(), plan.notices.len()), (0, 1));
    let files = Package::of_plan(&plan, &both, 10, later).unwrap().sign(&key).unwrap();
    let got = take_as(&files, &agreement, key.public(), &mut state, later).unwrap();
    assert_eq!(got.notices, plan.notices);
}

#[test]
fn answers_come_from_the_recipient_alone() {
    let (provider, recipient) = (key(), key());
    let text = AGREEMENT
        .replace("id = \"a.example\"\n", &format!("id = \"a.example\"\nkeys = [\"{}\"]\n", provider.public()))
        .replace(
            "id = \"b.example\"\n",
            &format!("id = \"b.example\"\nkeys = [\"{}\"]\n", recipient.public()),
        );
    let agreement = Agreement::parse(&text).unwrap();
    let answer = Answered {
        item: "indicator--1".into(),
        status: Answer::Sighting,
        time: None,
        count: Some(2),
        // Whoever answers does not say who they are: the signature does.
        from: Some("c.example".into()),
    };
    let package = Package::of_feedback(&[answer], &agreement, 1, now());
    let mut state = State::default();
    let files = package.clone().sign(&recipient).unwrap();
    let got = take_as(&files, &agreement, recipient.public(), &mut state, now()).unwrap();
    assert_eq!(got.answers[0].from.as_deref(), Some("b.example"));
    let got = take_as(&files, &agreement, recipient.public(), &mut state, now());
    assert_eq!(got, Err(Refusal::Replay { got: 1, last: 1 }));
    let by_provider = package.clone().sign(&provider).unwrap();
    let got = take_as(&by_provider, &agreement, provider.public(), &mut State::default(), now());
    assert_eq!(got, Err(Refusal::ForeignKey));
    // Items by the recipient's key, and answers whose direction was turned.
    let files = package_at(3, &agreement, 1, now()).sign(&recipient).unwrap();
    let got = take_as(&files, &agreement, recipient.public(), &mut State::default(), now());
    assert_eq!(got, Err(Refusal::ForeignKey));
    let mut turned = package.clone();
    std::mem::swap(&mut turned.manifest.from, &mut turned.manifest.to);
    turned.manifest_bytes = turned.manifest.to_bytes();
    let files = turned.sign(&recipient).unwrap();
    let got = take_as(&files, &agreement, recipient.public(), &mut State::default(), now());
    assert_eq!(got, Err(Refusal::Parties));
    // Packages of items, notices and answers without the file of that name.
    for n in 0..3 {
        let mut empty = match n {
            0 => package_at(3, &agreement, 1, now()),
            1 => package.clone(),
            _ => Package::of_notices(&[], &package.manifest.agreement, "a.example", "b.example", 1, now()),
        };
        let gone = ["indicators.jsonl", "answers.jsonl", "notices.jsonl"][n];
        empty.files.remove(gone);
        empty.manifest.files.retain(|entry| entry.path != gone);
        empty.manifest_bytes = empty.manifest.to_bytes();
        let key = if n == 1 { &recipient } else { &provider };
        let files = empty.sign(key).unwrap();
        let got = take_as(&files, &agreement, key.public(), &mut State::default(), now());
        assert_eq!(got, Err(Refusal::Content(gone)));
    }
}

/// A manifest that is signed as it should be and says what it should not.
#[test]
fn a_signature_does_not_excuse_the_manifest() {
    let key = key();
    let sign = |change: &dyn Fn(&mut Package)| {
        let mut package = package_at(3, &agreement(), 1, now());
        change(&mut package);
        package.sign(&key).unwrap()
    };
    let respelt = |from: &'static str, to: &'static str| {
        sign(&move |p| {
            let text = String::from_utf8(p.manifest_bytes.clone()).unwrap();
            assert!(text.contains(from), "{from}");
            p.manifest_bytes = text.replacen(from, to, 1).into_bytes();
        })
    };
    let take = |files: &Files| take(files, key.public()).map(drop);
    assert_eq!(take(&sign(&|_| {})), Ok(()));
    for (from, to) in [
        ("\n}\n", "\n}"),
        ("\n}\n", "\n}\n\n"),
        ("\n  ", "\n   "),
        ("\"counter\": 1,", "\"counter\": 1, "),
        ("\"counter\": 1,", "\"counter\": 1.0,"),
        ("\"counter\": 1,", "\"counter\": 2,"),
        ("\"counter\": 1,", "\"counter\": 1,\n  \"counter\": 1,"),
        ("\"counter\": 1,", "\"counter\": 1,\n  \"more\": 1,"),
        ("\"from\": \"a", "\"from\": \"\\u0061"),
        ("indicia-package/1", "indicia-package/2"),
        ("{\n", "\u{feff}{\n"),
        ("\"type\": \"indicators\"", "\"type\": \"other\""),
    ] {
        assert_eq!(take(&respelt(from, to)), Err(Refusal::Manifest), "{to}");
    }
    let listed = |change: &dyn Fn(&mut Package)| {
        take(&sign(&|p| {
            change(p);
            p.manifest_bytes = p.manifest.to_bytes();
        }))
    };
    for bad in ["..", "../x", "a/b", "a\\b", "", "C:", "nul\0", "\u{e9}", ".hidden"] {
        assert_eq!(listed(&|p| p.manifest.files[0].path = bad.to_string()), Err(Refusal::Path), "{bad:?}");
    }
    assert_eq!(listed(&|p| p.manifest.files.push(p.manifest.files[0].clone())), Err(Refusal::CaseCollision));
    let absent = "absent.txt".to_string();
    assert_eq!(listed(&|p| p.manifest.files[0].path = absent.clone()), Err(Refusal::Missing(absent.clone())));
    assert_eq!(listed(&|p| drop(p.manifest.files.pop())), Err(Refusal::Extra));
    let first = package_at(3, &agreement(), 1, now()).manifest.files[0].path.clone();
    let changed = Err(Refusal::Changed(first));
    assert_eq!(listed(&|p| p.manifest.files[0].length += 1), changed);
    assert_eq!(listed(&|p| p.manifest.files[0].sha256 = p.manifest.files[0].sha256.to_uppercase()), changed);
    assert_eq!(listed(&|p| p.manifest.files[0].sha256.clear()), changed);
    // The manifest cannot name itself.
    let itself = listed(&|p| {
        let mut entry = p.manifest.files[0].clone();
        entry.path = MANIFEST.to_string();
        p.manifest.files.push(entry);
    });
    assert!(itself.is_err());
    let many: BTreeSet<String> = (0..257).map(|n| format!("f{n}")).collect();
    assert_eq!(names(many.iter().map(String::as_str)), Err(Refusal::TooLarge));
}

fn lines(files: &Files) -> Vec<String> {
    std::str::from_utf8(&files[SIGNATURE]).unwrap().lines().map(str::to_string).collect()
}

#[test]
fn a_signature_has_one_spelling() {
    let key = key();
    let files = package(3, 1, &key);
    let text = String::from_utf8(files[SIGNATURE].clone()).unwrap();
    let four = lines(&files);
    assert_eq!((four.len(), four[0].as_str()), (4, "untrusted comment: indicia package"));
    let spelt = |text: String| {
        let mut changed = files.clone();
        changed.insert(SIGNATURE.to_string(), text.into_bytes());
        match take(&changed, key.public()) {
            Err(Refusal::Signature(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let with = |line: usize, new: &str| {
        let mut changed = four.clone();
        changed[line] = new.to_string();
        spelt(changed.join("\n") + "\n")
    };
    let spelling = SignError::Spelling;
    assert_eq!(with(0, "untrusted comment: indicia package "), spelling);
    assert_eq!(with(0, "untrusted comment: signature from minisign secret key"), spelling);
    assert_eq!(with(0, "untrusted comment: "), spelling);
    assert_eq!(with(0, "Untrusted comment: indicia package"), spelling);
    assert_eq!(spelt(text.replace('\n', "\r\n")), spelling);
    assert_eq!(spelt(text.trim_end().to_string()), spelling);
    assert_eq!(spelt(format!("{text}\n")), spelling);
    assert_eq!(spelt(format!("{text} ")), spelling);
    assert_eq!(spelt(format!("\n{text}")), spelling);
    assert_eq!(spelt(format!("\u{feff}{text}")), spelling);
    assert_eq!(spelt(format!("{text}more\n")), spelling);
    for (line, good) in four.iter().enumerate().skip(1) {
        for changed in [format!("{good} "), format!(" {good}"), format!("{good}\t")] {
            assert_eq!(with(line, &changed), spelling, "{changed:?}");
        }
    }
    assert_eq!(with(2, &four[2].replace("package 1", "package 2")), SignError::Mismatch);
    for line in [1, 3] {
        let b64 = &four[line];
        let bytes = STANDARD.decode(b64).unwrap();
        assert_eq!(STANDARD.encode(&bytes), *b64);
        // Other spellings of the same bytes, where there are any.
        assert_eq!(with(line, b64.trim_end_matches('=')), spelling);
        assert_eq!(with(line, &format!("{b64}=")), spelling);
        if let Some(at) = b64.find('=') {
            // Bits that nothing stands for.
            let mut other = b64.clone().into_bytes();
            other[at - 1] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                .iter()
                .copied()
                .find(|c| {
                    let mut all = b64.clone().into_bytes();
                    all[at - 1] = *c;
                    *c != other[at - 1] && STANDARD.decode(&all).is_err()
                })
                .unwrap();
            assert_eq!(with(line, std::str::from_utf8(&other).unwrap()), spelling);
        }
        if b64.contains(['+', '/']) {
            assert_eq!(with(line, &b64.replace('+', "-").replace('/', "_")), spelling);
        }
        // Cut, and with something behind.
        for length in (0..bytes.len()).chain([bytes.len() - 1]) {
            let got = with(line, &STANDARD.encode(&bytes[..length]));
            assert!(matches!(got, SignError::Spelling | SignError::Mismatch), "{length}");
        }
        for more in 1..5 {
            let mut long = bytes.clone();
            long.extend(vec![0; more]);
            assert_eq!(with(line, &STANDARD.encode(&long)), spelling, "{more} bytes behind line {line}");
        }
    }
    // "Ed" is a signature over the content itself and not over its digest.
    let mut bytes = STANDARD.decode(&four[1]).unwrap();
    assert_eq!(&bytes[..2], b"ED");
    bytes[1] = b'd';
    assert_eq!(with(1, &STANDARD.encode(&bytes)), spelling);
    // Not too long, and not too short for what reads it.
    assert_eq!(spelt("x".repeat(5000)), spelling);
    for end in 0..text.len() {
        assert_eq!(spelt(text[..end].to_string()), spelling, "cut at {end}");
    }
    let mut binary = files.clone();
    binary.insert(SIGNATURE.to_string(), vec![0xff; 200]);
    assert_eq!(take(&binary, key.public()), Err(Refusal::Signature(spelling)));
}

/// Where S is a good half of a signature, so would S + L be: RFC 8032 has it refused.
#[test]
fn ed25519_is_not_malleable() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = key();
    let files = package(3, 1, &key);
    let four = lines(&files);
    for (line, start) in [(1, 10), (3, 0)] {
        let mut bytes = STANDARD.decode(&four[line]).unwrap();
        for _ in 0..7 {
            let mut carry = 0u16;
            for (byte, add) in bytes[start + 32..].iter_mut().zip(L) {
                let sum = u16::from(*byte) + u16::from(add) + carry;
                (*byte, carry) = (sum as u8, sum >> 8);
            }
            let mut changed = four.clone();
            changed[line] = STANDARD.encode(&bytes);
            let mut other = files.clone();
            other.insert(SIGNATURE.to_string(), (changed.join("\n") + "\n").into_bytes());
            assert_eq!(take(&other, key.public()), Err(Refusal::Signature(SignError::Mismatch)));
        }
    }
}

/// The other program that makes and checks these signatures.
#[test]
fn minisign_and_we() {
    let minisign = |dir: &Path, args: &[&str]| {
        let output = Command::new("minisign").args(args).current_dir(dir).output();
        output.map(|o| {
            (o.status.success(), String::from_utf8_lossy(&[o.stdout, o.stderr].concat()).into_owned())
        })
    };
    let dir = std::env::temp_dir().join(format!("indicia-minisign-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    if minisign(&dir, &["-v"]).is_err() {
        eprintln!("skipped: minisign is not installed");
        return;
    }
    let (secret, public) = SecretKey::generate(None).unwrap();
    let key = SecretKey::open(&secret, None).unwrap();
    let files = package(3, 1, &key);
    std::fs::write(dir.join("k.key"), &secret).unwrap();
    std::fs::write(dir.join("k.pub"), public.to_file()).unwrap();
    std::fs::write(dir.join(MANIFEST), &files[MANIFEST]).unwrap();
    std::fs::write(dir.join(SIGNATURE), &files[SIGNATURE]).unwrap();
    let (good, said) = minisign(&dir, &["-V", "-p", "k.pub", "-m", MANIFEST]).unwrap();
    assert!(good && said.contains("a-b@2 package 1 for b.example"), "{said}");
    let line = public.to_string();
    assert!(minisign(&dir, &["-V", "-P", &line, "-m", MANIFEST]).unwrap().0);

    let comment = "a-b@2 package 1 for b.example";
    let sign = |more: &[&str]| {
        let args = [&["-S", "-s", "k.key", "-m", MANIFEST], more].concat();
        let (good, said) = minisign(&dir, &args).unwrap();
        assert!(good, "{said}");
        assert!(minisign(&dir, &["-V", "-p", "k.pub", "-m", MANIFEST]).unwrap().0);
        let mut signed = files.clone();
        signed.insert(SIGNATURE.to_string(), std::fs::read(dir.join(SIGNATURE)).unwrap());
        take(&signed, &public).map(drop)
    };
    let spelling = Err(Refusal::Signature(SignError::Spelling));
    // With comments of its own it says not enough, with ours it is the same.
    assert_eq!(sign(&[]), spelling);
    assert_eq!(sign(&["-t", comment]), spelling);
    assert_eq!(sign(&["-c", "indicia package"]), Err(Refusal::Manifest));
    assert_eq!(
        sign(&["-c", "indicia package", "-t", "a-b@2 package 2 for b.example"]),
        Err(Refusal::Manifest)
    );
    assert_eq!(sign(&["-c", "indicia package", "-t", comment]), Ok(()));
    // A real signature of the old kind, over the content itself.
    assert_eq!(sign(&["-l", "-c", "indicia package", "-t", comment]), spelling);
    std::fs::remove_dir_all(&dir).unwrap();
}
