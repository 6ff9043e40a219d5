//! Nothing that stays is in a package.
//!
//! Operations at random, each a few feeds and an agreement, are read, planned and packed as `share` does. A checker
//! that shares no code with the library then looks in every byte of every file, before any encryption, for what was
//! withheld. `leak/random.rs` makes the operations, `leak/checker.rs` looks.
//!
//! `INDICIA_LEAK_OPERATIONS` says how many are tried, `INDICIA_LEAK_SEED` with which seed, `INDICIA_LEAK_FIRST` from
//! which on.

#[path = "leak/checker.rs"]
mod checker;
#[path = "leak/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};

use checker::{Checker, Finding, Known, Secret};
use indicia_core::{Context, Indicator, Time};
use indicia_exchange::ledger::Event;
use indicia_exchange::package::{MANIFEST, Package};
use indicia_exchange::plan::{Plan, Records, plan};
use indicia_exchange::{Agreement, Ledger};
use random::{Case, Random};

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// An operation, done.
struct Done {
    case: Case,
    agreement: Agreement,
    /// As they were read.
    read: Vec<Indicator>,
    records: Records,
    plan: Plan,
    files: BTreeMap<String, Vec<u8>>,
}

impl Done {
    fn new(seed: u64, operation: u64) -> Done {
        let mut random = Random::new(seed.wrapping_mul(1 << 32).wrapping_add(operation));
        let case = Case::new(&mut random);
        let agreement = Agreement::parse(&case.agreement).expect("an agreement");
        let mut read = Vec::new();
        for feed in &case.feeds {
            indicia_feeds::read(feed.format, &mut feed.text.as_bytes(), &feed.options, &mut |i| read.push(i))
                .expect("a feed");
        }
        let mut ledger = Ledger::new(&[7; 32], case.now);
        if let Some(one_in) = case.takes_back {
            take_back(&mut read, &mut ledger, &agreement, case.now, one_in, &mut random);
        }
        let records = Records::new(read.clone());
        let (agreement, plan) = plan(&records, &[&agreement], &ledger, case.now).expect("a plan");
        let package = Package::of_plan(&plan, &agreement, 7, case.now).expect("a package");
        let mut files = package.files;
        files.insert(MANIFEST.to_string(), package.manifest_bytes);
        Done { case, agreement, read, records, plan, files }
    }

    fn known(&self) -> Known<'_> {
        Known { other_ids: &self.case.other_ids, mails: &self.case.mails, personal: &self.case.personal }
    }
}

/// A package went out before, and some of what was in it is taken back since.
fn take_back(
    read: &mut [Indicator],
    ledger: &mut Ledger,
    agreement: &Agreement,
    now: Time,
    one_in: usize,
    random: &mut Random,
) {
    let records = Records::new(read.to_vec());
    let (_, first) = plan(&records, &[agreement], ledger, now).expect("a plan");
    for (item, (giver, source_id)) in first.items.iter().zip(&first.givers) {
        let event = Event::Share {
            agreement: agreement.reference(),
            recipient: agreement.recipient.party.id.clone(),
            item: item.id.clone(),
            projection: String::new(),
            role: item.record.contexts[0].role,
            giver: giver.clone(),
            source_id: source_id.clone(),
            delete_by: item.delete_by,
            notify: false,
        };
        ledger.push(now, event);
    }
    for context in read.iter_mut().flat_map(|record| &mut record.contexts) {
        if random.one_in(one_in) {
            context.revoked = Some(true);
        }
    }
}

fn contexts(records: &[Indicator]) -> impl Iterator<Item = &Context> {
    records.iter().flat_map(|record| &record.contexts)
}

/// What released values hold of what stays, which cannot be helped.
fn carried(checker: &Checker, plan: &Plan) -> BTreeSet<Secret> {
    let mut values = String::new();
    for item in &plan.items {
        values.push_str(&item.record.target.value());
        values.push('\n');
    }
    checker.look("values", values.as_bytes()).into_iter().map(|found| found.secret).collect()
}

/// What the records of a package say beside their values: nothing there is carried.
fn texts(jsonl: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in serde_json::Deserializer::from_slice(jsonl).into_iter::<serde_json::Value>() {
        let mut line = line.expect("a record");
        line.as_object_mut().expect("a record").remove("target");
        out.extend(line.to_string().into_bytes());
        out.push(b'\n');
    }
    out
}

#[test]
fn nothing_that_stays_goes_out() {
    let operations = from_env("INDICIA_LEAK_OPERATIONS", 25);
    let seed = from_env("INDICIA_LEAK_SEED", 1);
    let first = from_env("INDICIA_LEAK_FIRST", 0);
    let (mut released, mut withheld, mut secrets, mut bytes, mut notices) = (0, 0, 0, 0, 0);
    let (mut lists, mut empty) = (0, 0);
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let mut exempt: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for operation in first..first + operations {
        let done = Done::new(seed, operation);
        let checker = Checker::new(checker::secrets(&done.read, &done.plan, &done.agreement, &done.known()));
        let carried = carried(&checker, &done.plan);
        for secret in &carried {
            *exempt.entry(secret.what).or_default() += 1;
        }
        let mut found: Vec<Finding> = Vec::new();
        for (file, content) in &done.files {
            bytes += content.len();
            found.extend(checker.look(file, content));
        }
        found.retain(|finding| !carried.contains(&finding.secret));
        // Notices alone have neither records nor a page.
        let file = |name: &str| done.files.get(name).map(Vec::as_slice).unwrap_or_default();
        found.extend(checker.look("texts of indicators.jsonl", &texts(file("indicators.jsonl"))));
        for finding in found {
            let many = wrong.entry((finding.secret.what, finding.form)).or_default();
            *many += 1;
            if *many <= 3 {
                let Finding { file, reading, offset, form, secret, around } = finding;
                eprintln!(
                    "seed {seed} operation {operation}: {file}, {reading}, at {offset}: {} {:?} as {form}\n    {around}",
                    secret.what, secret.text
                );
            }
        }
        // Nor is it told that texts were left out, and what was changed is a new object.
        let page = String::from_utf8_lossy(file("report.html"));
        assert!(!page.contains("quotes"), "seed {seed} operation {operation}");
        let sources: BTreeSet<&String> = contexts(&done.read).filter_map(|c| c.source_id.as_ref()).collect();
        for item in done.plan.items.iter().filter(|item| sources.contains(&item.id)) {
            assert!(item.removed.is_empty(), "seed {seed} operation {operation}: {}", item.id);
        }
        let ids: BTreeSet<&str> = done.plan.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), done.plan.items.len(), "seed {seed} operation {operation}: an id twice");
        // What is carried is told to the provider.
        let told: BTreeSet<String> = done
            .plan
            .carried
            .iter()
            .map(|carried| done.records.all()[carried.record].target.observable.value().to_lowercase())
            .collect();
        for secret in carried.iter().filter(|secret| secret.what == "value") {
            let is_told = told.iter().any(|value| value.contains(&secret.text.to_lowercase()));
            assert!(is_told, "seed {seed} operation {operation}: {secret:?} is carried and not told");
        }
        secrets += checker.len();
        released += done.plan.items.len();
        withheld += done.plan.held.len();
        notices += done.plan.notices.len();
        for (reason, n) in done.plan.held_by_reason() {
            *reasons.entry(reason.code()).or_default() += n;
        }
        lists += usize::from(done.files.keys().any(|name| name.starts_with("block-")));
        empty += usize::from(done.plan.items.is_empty());
    }
    eprintln!(
        "{operations} operations: {released} released, {withheld} withheld, {notices} notices, {lists} with block \
         lists, {empty} without items; {secrets} secrets looked for in {} MB; carried by released values {exempt:?}; \
         withheld by {reasons:?}",
        bytes / 1_000_000
    );
    assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
    // What is tried must be worth it.
    if operations >= 20 {
        let (all, operations) = (released + withheld, operations as usize);
        assert!(released * 20 > all && withheld * 4 > all, "{released} released, {withheld} withheld");
        assert!(lists * 10 > operations && empty * 2 < operations, "{lists} lists, {empty} empty");
    }
}

/// Each form of a secret, put anywhere into each file, is found there.
#[test]
fn the_checker_finds_what_is_put_in() {
    let mut random = Random::new(5);
    // One that has items.
    let done = (0..).map(|n| Done::new(9, n)).find(|done| done.plan.items.len() > 10).expect("an operation");
    let secret = Secret { what: "value", text: "https://Leak-4711.example/a/b.php".to_string() };
    let address = Secret { what: "value", text: "203.0.113.77".to_string() };
    let path = Secret { what: "value", text: r"C:\Users\leaked\x.exe".to_string() };
    let name = Secret { what: "name", text: "Leaked & Sons Ltd".to_string() };
    for secret in [secret, address, path, name] {
        let checker = Checker::new([secret.clone()].into());
        for (file, content) in &done.files {
            assert!(checker.look(file, content).is_empty(), "{file}");
            let text = String::from_utf8(content.clone()).expect("text");
            for (form, written) in every_writing(&secret) {
                if form == "entities" && !file.ends_with(".html") {
                    continue;
                }
                let mut places: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
                places.push(text.len());
                let at = random.pick(&places);
                let json = file.ends_with("json") || file.ends_with("jsonl");
                let inside = if json {
                    format!("{}\n{}", text, serde_json::json!({ "x": format!("see {written}.") }))
                } else if file.ends_with(".html") {
                    let is_escaped = form == "entities";
                    let escaped = if is_escaped { written.clone() } else { written.replace('&', "&#38;") };
                    format!("{} ({escaped}) {}", &text[..at], &text[at..])
                } else if file.ends_with(".csv") {
                    format!("{text}a,\"x {}\",b\r\n", written.replace('"', "\"\""))
                } else {
                    format!("{}x {written}, {}", &text[..at], &text[at..])
                };
                let found = checker.look(file, inside.as_bytes());
                assert!(!found.is_empty(), "{form} {written:?} in {file}");
            }
        }
    }
}

/// Only whole tokens count.
#[test]
fn the_checker_leaves_longer_words() {
    let secret = Secret { what: "value", text: "leak-4711.example".to_string() };
    let checker = Checker::new([secret].into());
    for text in ["leak-4711.examples", "xleak-4711.example", "leak-4711,example", "4711.example"] {
        assert!(checker.look("x.txt", text.as_bytes()).is_empty(), "{text}");
    }
    for text in ["leak-4711.example", "sub.leak-4711.example.", "/leak-4711.example/", "…leak-4711.example…"]
    {
        assert!(!checker.look("x.txt", text.as_bytes()).is_empty(), "{text}");
    }
}

/// A secret in every form, and these in every spelling.
fn every_writing(secret: &Secret) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (form, text) in checker::forms(secret) {
        if form != "base64" && form != "base64url" {
            all.push((format!("{form} upper"), text.to_uppercase()));
        }
        if form == "plain" {
            let percent = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
            all.push(("percent".into(), percent(&text)));
            all.push(("percent upper".into(), percent(&text).to_uppercase()));
            all.push(("percent twice".into(), percent(&text).replace('%', "%25")));
            all.push(("percent thrice".into(), percent(&text).replace('%', "%2525")));
            all.push(("defanged".into(), text.replace('.', "[.]").replace("http", "hxxp")));
            all.push(("defanged round".into(), text.replace('.', "(.)").replace("://", "[:]//")));
            all.push(("defanged words".into(), text.replace('.', "[dot]")));
            all.push(("defanged backslash".into(), text.replace('.', r"\.")));
            all.push(("defanged escaped".into(), text.replace('.', "%5B.%5D")));
            all.push(("entities".into(), text.chars().map(|c| format!("&#{};", c as u32)).collect()));
            let longer = Secret { what: "value", text: format!("GET {text} HTTP/1.1") };
            for (form, text) in checker::forms(&longer) {
                if ["base64", "base64url", "hex"].contains(&form) {
                    all.push((format!("inside {form}"), text));
                }
            }
        }
        all.push((form.to_string(), text));
    }
    all
}
