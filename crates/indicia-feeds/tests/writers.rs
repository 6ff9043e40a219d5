//! What is written is read back, and no value leaves its field.

#![allow(clippy::field_reassign_with_default)] // `Context` has a private field.

use indicia_core::{Context, Country, Indicator, Kind, Match, Observable, Pap, Role, Target, Time, Tlp};
use indicia_feeds::{FeedError, Format, LossReport, ReadOptions, Writer, read};
use proptest::prelude::*;

fn write(format: Format, all: &[Indicator]) -> (Vec<u8>, LossReport) {
    let mut out = Vec::new();
    let mut writer = Writer::new(format, &mut out).unwrap();
    for indicator in all {
        writer.write(indicator).unwrap();
    }
    let loss = writer.finish().unwrap();
    (out, loss)
}

fn read_all(format: Format, bytes: &[u8]) -> Vec<Indicator> {
    let mut all = Vec::new();
    let report = read(format, &mut &bytes[..], &ReadOptions::default(), &mut |i| all.push(i)).unwrap();
    assert_eq!(report.refused_total(), 0, "{:?}\n{}", report.examples, String::from_utf8_lossy(bytes));
    all
}

fn full(value: &str, text: &str) -> Indicator {
    let mut context = Context::default();
    context.feed = Some("feed".into());
    context.producer = Some("producer".into());
    context.source_id = Some("id".into());
    context.role = Some(Role::Phishing);
    context.labels = vec!["a".into(), "b".into()];
    context.threat = Some(text.into());
    context.confidence = Some(indicia_core::Confidence::percent(70));
    context.first_seen = Time::parse("2024-01-01").ok();
    context.valid_until = Time::parse("2024-02-01T00:00:00Z").ok();
    context.tlp = Some(Tlp::AmberStrict);
    context.pap = Some(Pap::Amber);
    context.countries =
        vec![Country { code: "MY".into(), basis: Some("statement".into()), ..Country::default() }];
    context.references = vec!["https://report.example/".into()];
    context.description = Some(text.into());
    Indicator::new(Target::new(Observable::parse(value).unwrap()).matching(Match::Exact), context)
}

#[test]
fn csv_is_read_back_as_it_was() {
    let all: Vec<Indicator> = [
        "=HYPERLINK(\"http://a.example\")",
        "+1",
        "-1+1",
        "@x",
        "'=x",
        "'quoted'",
        "line\nbreak \"and\" quotes, commas; and|bars",
        "# no comment",
        "\u{202e}right to left",
    ]
    .iter()
    .map(|text| full("evil.example", text))
    .collect();
    let (bytes, loss) = write(Format::Csv, &all);
    assert!(loss.is_lossless(), "{loss:?}");
    assert_eq!(read_all(Format::Csv, &bytes), all);
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(",=") && !text.contains(",\"="), "{text}");
}

#[test]
fn csv_keeps_targets_and_says_what_it_lost() {
    let mut below = Target::new(Observable::parse("evil.example").unwrap()).matching(Match::Subdomains);
    below.below_only = true;
    let mut lossy = Context::default();
    lossy.extra.insert("k".into(), 1.into());
    lossy.references = vec!["a".into(), "b".into()];
    let mut grouped = Indicator::new(below, lossy);
    grouped.group = Some("g".into());
    let all = vec![
        grouped,
        Indicator::new(Target::new(Observable::parse("192.0.2.0/24").unwrap()), Context::default()),
        Indicator::new(Target::new(Observable::other("pdb", "C:\\x, \"y\".pdb")), Context::default()),
        Indicator::new(Target::new(Observable::parse_as(Kind::Mutex, "#x").unwrap()), Context::default()),
        Indicator::new(
            Target::new(Observable::parse("evil.example").unwrap()).matching(Match::Subdomains),
            Context::default(),
        ),
    ];
    let (bytes, loss) = write(Format::Csv, &all);
    let targets = |all: &[Indicator]| all.iter().map(|i| i.target.clone()).collect::<Vec<_>>();
    assert_eq!(targets(&read_all(Format::Csv, &bytes)), targets(&all), "{}", String::from_utf8_lossy(&bytes));
    assert_eq!(loss.fields["group"], 1);
    assert_eq!(loss.fields["extra"], 1);
    assert_eq!(loss.fields["references"], 1);
}

#[test]
fn plain_writes_values_and_nothing_that_would_read_otherwise() {
    let indicator = |target| Indicator::new(target, Context::default());
    let mut below = Target::new(Observable::parse("evil.example").unwrap()).matching(Match::Subdomains);
    below.below_only = true;
    let mut revoked = indicator(Target::new(Observable::parse("192.0.2.1").unwrap()));
    revoked.contexts[0].revoked = Some(true);
    let all = vec![
        indicator(below),
        indicator(Target::new(Observable::parse("192.0.2.7:443").unwrap())),
        indicator(Target::new(Observable::other("yara", "rule x {\n}"))),
        indicator(Target::new(Observable::parse_as(Kind::Mutex, "evil").unwrap())),
        revoked,
    ];
    let (bytes, loss) = write(Format::Plain, &all);
    assert_eq!(String::from_utf8(bytes).unwrap(), "*.evil.example\n192.0.2.7:443\n");
    assert_eq!((loss.indicators, loss.written), (5, 2));
    assert_eq!(loss.left_out.values().sum::<u64>(), 3);
}

#[test]
fn jsonl_is_lossless() {
    let mut one = full("evil.example", "line\nbreak \u{1b}[31m");
    one.group = Some("g".into());
    one.contexts[0].extra.insert("k".into(), serde_json::json!({"deep": [1, null]}));
    let all = vec![one, full("2001:db8::7", "x")];
    let (bytes, loss) = write(Format::Jsonl, &all);
    assert!(loss.is_lossless());
    assert_eq!(read_all(Format::Jsonl, &bytes), all);
    assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 2);
    assert!(!bytes.contains(&0x1b));
}

#[test]
fn formats_without_a_writer_are_named() {
    for format in Format::ALL.iter().copied().filter(|format| !format.is_written()) {
        let mut out = Vec::new();
        assert!(matches!(Writer::new(format, &mut out), Err(FeedError::NotWritten { .. })), "{format}");
    }
    for format in Format::ALL.iter().copied().filter(|format| format.is_written()) {
        let (bytes, loss) = write(format, &[]);
        assert!(loss.is_lossless(), "{format}");
        if format.is_read() {
            assert!(read_all(format, &bytes).is_empty(), "{format}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

proptest! {
    /// Whatever a description holds, the row after it is the row after it.
    #[test]
    fn no_text_leaves_its_csv_field(text in "[\\PC\n\r\t\"',;|=+@#-]{0,40}") {
        let mut first = full("evil.example", "x");
        first.contexts[0].description = Some(text.clone());
        let all = vec![first, full("192.0.2.7", "second")];
        let (bytes, _) = write(Format::Csv, &all);
        let again = read_all(Format::Csv, &bytes);
        prop_assert_eq!(again.len(), 2, "{}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(&again[1], &all[1]);
        prop_assert_eq!(again[0].contexts[0].threat.as_deref(), Some("x"));
    }

    /// No reader panics on anything.
    #[test]
    fn no_reader_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[\\PC\n\t\"'\\[\\]{}:,|#=]{0,200}") {
        for format in Format::ALL.iter().copied().filter(|f| f.is_read()) {
            for input in [&bytes[..], text.as_bytes()] {
                let _ = indicia_feeds::detect("x", input);
                let _ = read(format, &mut &input[..], &ReadOptions::default(), &mut |_| ());
            }
        }
    }
}

/// A list cannot say how it is to be handled: what PAP forbids, or nobody here understands, is in none.
#[test]
fn lists_obey_pap() {
    let record = |fields: &str| -> Indicator {
        let line = format!(
            r#"{{"target":{{"kind":"domain","value":"bad.example"}},"contexts":[{{"role":"c2"{fields}}}]}}"#
        );
        serde_json::from_str(&line).expect("a record")
    };
    for (fields, rpz, hosts, zeek, plain) in [
        ("", 1, 1, 1, 1),
        (r#","pap":"clear""#, 1, 1, 1, 1),
        (r#","pap":"green""#, 1, 1, 1, 1),
        (r#","pap":"amber""#, 0, 0, 1, 1),
        (r#","pap":"red""#, 0, 0, 0, 1),
        (r#","pap":"green","extra":{"unknown_markings":["x"]}"#, 0, 0, 0, 0),
    ] {
        for (format, expected) in
            [(Format::Rpz, rpz), (Format::Hosts, hosts), (Format::Zeek, zeek), (Format::Plain, plain)]
        {
            let mut out = Vec::new();
            let mut writer = Writer::new(format, &mut out).expect("a writer");
            writer.write(&record(fields)).expect("memory");
            let loss = writer.finish().expect("memory");
            assert_eq!(loss.written > 0, expected == 1, "{} {fields}", format.name());
            assert_eq!(loss.left_out.is_empty(), expected == 1, "{} {fields}", format.name());
        }
    }
}
