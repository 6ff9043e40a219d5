//! The writers of documents and lists for machines: what is written is read back, the same input gives the same
//! bytes, and nothing leaves its field.

#![allow(clippy::field_reassign_with_default)] // `Context` has a private field.

use std::collections::{BTreeMap, BTreeSet};

use indicia_core::{
    Confidence, Context, Country, Hop, Indicator, Kind, Match, Observable, Pap, Role, Target, Time, Tlp,
};
use indicia_feeds::{Format, LossReport, ReadOptions, WriteOptions, Writer, detect, read};
use proptest::prelude::*;
use serde_json::{Value, json};

fn write_with(format: Format, options: &WriteOptions, all: &[Indicator]) -> (String, LossReport) {
    let mut out = Vec::new();
    let mut writer = Writer::with_options(format, options, &mut out).unwrap();
    for indicator in all {
        writer.write(indicator).unwrap();
    }
    let loss = writer.finish().unwrap();
    (String::from_utf8(out).unwrap(), loss)
}

fn write(format: Format, all: &[Indicator]) -> (String, LossReport) {
    write_with(format, &WriteOptions::default(), all)
}

fn read_all(format: Format, text: &str) -> Vec<Indicator> {
    let mut all = Vec::new();
    let report = read(format, &mut text.as_bytes(), &ReadOptions::default(), &mut |i| all.push(i)).unwrap();
    assert_eq!(report.refused_total(), 0, "{:?}\n{text}", report.examples);
    all
}

fn target(value: &str) -> Target {
    Target::new(Observable::parse(value).unwrap())
}

fn named(kind: Kind, value: &str) -> Target {
    Target::new(Observable::parse_as(kind, value).unwrap_or_else(|e| panic!("{kind} {value}: {e}")))
}

fn below(name: &str) -> Target {
    let mut target = target(name).matching(Match::Subdomains);
    target.below_only = true;
    target
}

fn bare(target: Target) -> Indicator {
    Indicator::new(target, Context::default())
}

/// A value of every kind.
fn every_kind() -> Vec<Target> {
    let digest = |n: usize| "0123456789abcdef".repeat(8)[..n].to_string();
    let mut all = vec![
        target("192.0.2.7"),
        target("2001:db8::7"),
        target("::ffff:192.0.2.7"),
        target("192.0.2.0/24"),
        target("2001:db8::/32"),
        named(Kind::IpRange, "192.0.2.1-192.0.2.9"),
        target("192.0.2.7:443"),
        target("[2001:db8::7]:443"),
        named(Kind::Endpoint, "evil.example:8080"),
        target("evil.example"),
        target("evil.example").matching(Match::Subdomains),
        below("evil_x.example"),
        target("https://user@evil.example/a?b='c'\\d#e"),
        target("http://evil.example/a").matching(Match::Prefix),
        named(Kind::Url, "evil.example/without/scheme"),
        named(Kind::Email, "a.b@evil.example"),
        named(Kind::Asn, "AS64496"),
        named(Kind::Mac, "00:00:5e:00:53:01"),
        named(Kind::Cve, "CVE-2024-0001"),
        named(Kind::AttackId, "T1059.001"),
        named(Kind::Purl, "pkg:cargo/evil@1.0"),
        named(Kind::Ja4, "t13d1516h2_8daaf6152771_b186095e22b6"),
        named(Kind::Jarm, &"0".repeat(62)),
        named(Kind::X509Serial, "0a1b2c"),
        named(Kind::FileName, "it's evil.exe"),
        named(Kind::FilePath, "C:\\evil\\x.exe"),
        named(Kind::FilePath, "C:\\x.exe"),
        named(Kind::FilePath, "/x"),
        named(Kind::FilePath, "/tmp/a\\b"),
        named(Kind::RegistryKey, "HKEY_LOCAL_MACHINE\\Software\\Evil"),
        named(Kind::Mutex, "Global\\evil"),
        named(Kind::ProcessName, "evil.exe"),
        named(Kind::CommandLine, "cmd /c \"x\" 'y' \\z"),
        named(Kind::NamedPipe, "\\\\.\\pipe\\evil"),
        named(Kind::ServiceName, "evilsvc"),
        named(Kind::UserAgent, "x"),
        named(Kind::UserName, "evil"),
        named(Kind::EmailSubject, "You won [hxxp] something"),
        named(Kind::MobileApp, "com.evil.example"),
        named(Kind::Iban, "GB82WEST12345698765432"),
        Target::new(Observable::other("pdb", "C:\\x, \"y\".pdb")),
        Target::new(Observable::other("app:cert.md5", " blanks at the ends ")),
        Target::new(Observable::other("yara", "rule x { condition: true }\n")),
        Target::new(Observable::other("it's a \\ type", "")),
    ];
    for kind in [Kind::Md5, Kind::Imphash, Kind::Ja3, Kind::Ja3s, Kind::Hassh] {
        all.push(named(kind, &digest(32)));
    }
    for (kind, length) in [
        (Kind::Sha1, 40),
        (Kind::Sha224, 56),
        (Kind::Sha256, 64),
        (Kind::Sha384, 96),
        (Kind::Sha512, 128),
        (Kind::Authentihash, 64),
        (Kind::X509Sha1, 40),
        (Kind::X509Sha256, 64),
    ] {
        all.push(named(kind, &digest(length)));
    }
    all
}

/// A context with everything in it.
fn full(text: &str) -> Context {
    let mut context = Context::default();
    context.feed = Some(text.into());
    context.producer = Some(text.into());
    context.source_id = Some(text.into());
    context.role = Some(Role::C2);
    context.labels = vec![text.into(), "b".into(), "tlp:clear".into()];
    context.threat = Some(text.into());
    context.confidence =
        Some(Confidence { value: 3.into(), scale: Some("0-5".into()), source: Some(text.into()) });
    context.first_seen = Time::parse("2024-01-01").ok();
    context.last_seen = Time::parse("2024-01-02").ok();
    context.valid_from = Time::parse("2024-01-03T00:00:00.5Z").ok();
    context.valid_until = Time::parse("2024-02-01T00:00:00Z").ok();
    context.tlp = Some(Tlp::AmberStrict);
    context.pap = Some(Pap::Amber);
    context.purposes = vec!["defence".into()];
    context.countries =
        vec![Country { code: "MY".into(), evidence: Some(text.into()), ..Country::default() }];
    context.asn = Some(64496);
    context.provider = Some(text.into());
    context.references = vec!["https://report.example/?a=b".into(), text.into()];
    context.description = Some(text.into());
    context.hops = vec![Hop { who: text.into(), when: None, agreement: None, action: None }];
    context.extra.insert("name".into(), text.into());
    context.extra.insert("k".into(), json!({"deep": [1, null, text]}));
    context.extra.insert("null".into(), Value::Null);
    context.extra.insert("statements".into(), json!(["Copyright 2024, nobody", "tlp:clear"]));
    context.extra.insert("unknown_markings".into(), json!(["tlp:ex:chr", "chartreuse"]));
    context
}

/// The same with markings that let every list name it.
fn for_lists(text: &str) -> Context {
    let mut context = full(text);
    context.pap = Some(Pap::Green);
    context.extra.remove("unknown_markings");
    context
}

const HOSTILE: [&str; 12] = [
    "tab\there",
    "line\nbreak\r\nand another",
    "quotes \" ' ` and \\ backslash \\x41 \\",
    "semi;colon $ORIGIN evil. ) (",
    " blanks ",
    "\u{1b}[31mred\u{1b}[0m \u{7f}\u{9b}",
    "\u{202e}txt.exe \u{2066}x\u{2069} \u{200b}\u{feff}\u{2028}",
    "# comment",
    "-",
    "(empty)",
    "\u{0}nul",
    "$INCLUDE /etc/passwd\n@ SOA x. y. 1 1 1 1 1\nvictim.example CNAME .",
];

#[test]
fn stix_is_read_back_as_it_was_in_every_field() {
    let mut all: Vec<Indicator> = every_kind().into_iter().map(bare).collect();
    for text in HOSTILE.into_iter().chain(["plain"]) {
        let mut one = Indicator::new(target("evil.example"), full(text));
        one.group = Some(text.into());
        all.push(one);
        all.push(Indicator::new(Target::new(Observable::other(text, text)), Context::default()));
    }
    for role in Role::ALL {
        let mut context = Context::default();
        context.role = Some(*role);
        context.revoked = Some(false);
        all.push(Indicator::new(target("192.0.2.1"), context));
    }
    for (from, until) in [(Some("2024-01-02"), "2024-01-01"), (None, "1980-01-01"), (None, "1960-01-01")] {
        let mut context = Context::default();
        context.valid_from = from.and_then(|text| Time::parse(text).ok());
        context.valid_until = Time::parse(until).ok();
        all.push(Indicator::new(target("192.0.2.2"), context));
    }
    for options in [
        WriteOptions::default(),
        WriteOptions {
            creator: Some("CERT \u{202e}".into()),
            created: Time::parse("2026-01-01").ok(),
            title: None,
        },
    ] {
        let (text, loss) = write_with(Format::Stix, &options, &all);
        assert_eq!(detect("x", text.as_bytes()), Some(Format::Stix));
        let again = read_all(Format::Stix, &text);
        for (found, expected) in again.iter().zip(&all) {
            assert_eq!(found, expected);
        }
        assert_eq!(again.len(), all.len());
        assert!(loss.is_lossless(), "{loss:?}");
        assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}' && c != '\u{2028}')));
        // What was read is written as the same bytes.
        assert_eq!(write_with(Format::Stix, &options, &again).0, text);
    }
}

#[test]
fn stix_bundles_are_in_order() {
    let mut with_id = Context::default();
    with_id.source_id = Some("indicator--11111111-2222-4333-8444-555555555555".into());
    with_id.producer = Some("CERT".into());
    with_id.tlp = Some(Tlp::Green);
    with_id.extra.insert("created".into(), "2024-01-01T00:00:00.000Z".into());
    let mut all: Vec<Indicator> = vec![
        Indicator::new(target("192.0.2.1"), with_id.clone()),
        // The same id again, and twice the same in every respect.
        Indicator::new(target("192.0.2.2"), with_id.clone()),
        bare(target("192.0.2.3")),
        bare(target("192.0.2.3")),
        Indicator::new(target("192.0.2.4"), full("x")),
        Indicator::new(target("192.0.2.5"), full("y")),
    ];
    all[0].contexts.push(full("z"));
    let options = WriteOptions { creator: Some("us".into()), ..WriteOptions::default() };
    let (text, _) = write_with(Format::Stix, &options, &all);
    assert_eq!(write_with(Format::Stix, &options, &all).0, text, "the same bytes");
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let mut ids = BTreeSet::new();
    let mut indicators = 0;
    for object in bundle["objects"].as_array().unwrap() {
        let type_ = object["type"].as_str().unwrap();
        let id = object["id"].as_str().unwrap();
        assert!(id.starts_with(&format!("{type_}--")));
        assert_eq!(object["spec_version"], "2.1");
        let refs = object.get("object_marking_refs").and_then(Value::as_array).into_iter().flatten();
        let extensions = object.get("extensions").and_then(Value::as_object);
        let extensions = extensions.into_iter().flat_map(|e| e.keys().map(String::as_str));
        let ours = extensions.filter(|_| type_ == "indicator");
        for id in refs.filter_map(Value::as_str).chain(object["created_by_ref"].as_str()).chain(ours) {
            assert!(ids.contains(id), "{id} stands behind what refers to it");
        }
        assert!(ids.insert(id.to_string()), "{id} twice");
        if type_ == "indicator" {
            indicators += 1;
            for name in ["created", "modified", "pattern", "pattern_type", "valid_from"] {
                assert!(object[name].is_string(), "{name}");
            }
        }
    }
    assert_eq!(indicators, 7);
    assert!(ids.contains("indicator--11111111-2222-4333-8444-555555555555"));
    assert!(bundle["id"].as_str().unwrap().starts_with("bundle--"));
}

#[test]
fn stix_markings_are_the_standard_definitions() {
    let mut all = Vec::new();
    for tlp in Tlp::ALL {
        let mut context = Context::default();
        context.tlp = Some(*tlp);
        all.push(Indicator::new(target("192.0.2.1"), context));
    }
    let (text, _) = write(Format::Stix, &all);
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let definitions: BTreeMap<&str, &Value> = bundle["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["type"] == "marking-definition")
        .map(|object| (object["name"].as_str().unwrap(), object))
        .collect();
    assert_eq!(definitions.len(), 5);
    assert_eq!(
        definitions["TLP:AMBER+STRICT"],
        &json!({
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            "created": "2022-10-01T00:00:00.000Z",
            "name": "TLP:AMBER+STRICT",
            "extensions": {
                "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
                    "extension_type": "property-extension",
                    "tlp_2_0": "amber+strict"
                }
            }
        })
    );
}

#[test]
fn stix_marks_fields_where_they_stand() {
    let mut context = full("x");
    context.extra.insert(
        "marked_fields".into(),
        json!({
            "description": {"tlp": "red"},
            "labels": {"pap": "amber"},
            "threat": {"tlp": "red", "unknown": ["marking-definition--11111111-2222-4333-8444-555555555555"]},
            "name": {"statements": ["ours"]},
            "k": {"tlp": "amber"},
            "gone": {"tlp": "red"}
        }),
    );
    let all = vec![Indicator::new(target("evil.example"), context)];
    let (text, loss) = write(Format::Stix, &all);
    assert!(loss.is_lossless(), "{loss:?}");
    assert_eq!(read_all(Format::Stix, &text), all, "{text}");
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let last = bundle["objects"].as_array().unwrap().last().unwrap();
    assert!(last["granular_markings"].as_array().unwrap().contains(&json!({
        "marking_ref": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        "selectors": ["description"]
    })));

    // A name that no selector can say binds the record.
    let mut context = Context::default();
    context.extra.insert("A b.c".into(), 1.into());
    context.extra.insert("marked_fields".into(), json!({"A b.c": {"tlp": "red"}}));
    let (text, loss) = write(Format::Stix, &[Indicator::new(target("evil.example"), context)]);
    assert_eq!(loss.fields["tlp"], 1);
    assert_eq!(read_all(Format::Stix, &text)[0].contexts[0].tlp, Some(Tlp::Red));
}

#[test]
fn stix_takes_back_a_list_that_the_record_has_not() {
    // Types become labels when they are read; a record without those labels says so with `null`.
    let mut context = Context::default();
    context.extra.insert("indicator_types".into(), json!(["malicious-activity"]));
    let all = vec![Indicator::new(target("192.0.2.1"), context)];
    let (text, loss) = write(Format::Stix, &all);
    assert!(text.contains("\"labels\":null") && loss.is_lossless());
    assert_eq!(read_all(Format::Stix, &text), all);
}

#[test]
fn stix_extensions_never_loosen() {
    let one = |inner: Value| {
        json!({"type":"bundle","objects":[{
            "type":"indicator","spec_version":"2.1","id":"indicator--1","pattern_type":"stix",
            "pattern":"[domain-name:value = 'a.example']","revoked":true,
            "object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","marking-definition--11111111-2222-4333-8444-555555555555"],
            "extensions":{"extension-definition--a9373b8b-e49d-4178-989a-8dbd71577823":inner}}]})
        .to_string()
    };
    let text = one(json!({
        "tlp": "clear", "revoked": false, "added": ["unknown_markings"],
        "extra": {"unknown_markings": []},
        "target": {"kind": "domain", "value": "b.example", "match": "exact"}
    }));
    let found = &read_all(Format::Stix, &text)[0];
    assert_eq!(found.target.value(), "a.example");
    let context = &found.contexts[0];
    assert_eq!((context.tlp, context.revoked), (Some(Tlp::Red), Some(true)));
    assert_eq!(
        context.extra["unknown_markings"],
        json!(["marking-definition--11111111-2222-4333-8444-555555555555"])
    );
    // One that does not parse is kept as it is.
    let found = &read_all(Format::Stix, &one(json!({"role": "villain"})))[0];
    assert!(found.contexts[0].extra["extensions"].is_object());
}

#[test]
fn misp_is_read_back_and_losses_are_counted() {
    let targets = [
        target("192.0.2.7"),
        target("192.0.2.0/24"),
        target("[2001:db8::7]:443"),
        named(Kind::Endpoint, "evil.example:8080"),
        target("evil.example"),
        target("evil.example").matching(Match::Subdomains),
        target("https://evil.example/a"),
        named(Kind::Md5, &"a".repeat(32)),
        named(Kind::FilePath, "C:\\evil\\x.exe"),
        named(Kind::NamedPipe, "evil"),
        named(Kind::Cve, "CVE-2024-0001"),
        Target::new(Observable::other("pdb", "C:\\x, \"y\".pdb")),
    ];
    let all: Vec<Indicator> = targets.iter().cloned().map(bare).collect();
    let options = WriteOptions {
        creator: Some("CERT \"x\"".into()),
        created: Time::parse("2026-01-02").ok(),
        title: Some("t\n\u{202e}".into()),
    };
    let (text, loss) = write_with(Format::Misp, &options, &all);
    assert_eq!(detect("x", text.as_bytes()), Some(Format::Misp));
    assert!(loss.is_lossless(), "{loss:?}");
    let again = read_all(Format::Misp, &text);
    assert_eq!(again.iter().map(|i| i.target.clone()).collect::<Vec<_>>(), targets);
    let event: Value = serde_json::from_str(&text).unwrap();
    let event = &event["Event"];
    assert_eq!(
        (event["date"].as_str(), event["Orgc"]["name"].as_str()),
        (Some("2026-01-02"), Some("CERT \"x\""))
    );
    assert!(!text.contains("event_creator_email") && event["uuid"].is_string());
    assert_eq!(event["Attribute"][2]["type"], "ip-dst|port");
    assert_eq!(event["Attribute"][2]["value"], "2001:db8::7|443");

    let mut uuid = full("x");
    uuid.source_id = Some("indicator--11111111-2222-4333-8444-555555555555".into());
    uuid.role = Some(Role::Victim);
    let (text, loss) =
        write(Format::Misp, &[Indicator::new(target("192.0.2.9"), uuid), bare(below("evil.example"))]);
    assert_eq!(loss.left_out.values().sum::<u64>(), 1);
    for field in
        ["feed", "producer", "source_id", "role", "labels", "threat", "confidence", "valid_from", "extra"]
    {
        assert_eq!(loss.fields[field], 1, "{field}");
    }
    assert!(!loss.fields.contains_key("tlp") && !loss.fields.contains_key("description"));
    let context = &read_all(Format::Misp, &text)[0].contexts[0];
    assert_eq!(context.source_id.as_deref(), Some("11111111-2222-4333-8444-555555555555"));
    assert_eq!(context.extra["to_ids"], false);
    // A label that says "clear" does not, and a marking without a tag of its own is not dropped.
    assert_eq!((context.tlp, context.pap), (Some(Tlp::AmberStrict), Some(Pap::Amber)));
    assert_eq!(context.extra["unknown_markings"], json!(["tlp:ex:chr", "tlp:unclear"]));
}

#[test]
fn misp_that_came_from_misp_keeps_its_types() {
    let text = r#"{"Event":{"info":"x","Attribute":[{"type":"ip-src","category":"Network activity","uuid":"11111111-2222-4333-8444-555555555555","value":"192.0.2.7","timestamp":"1700000000","to_ids":false}]}}"#;
    let (text, _) = write(Format::Misp, &read_all(Format::Misp, text));
    let event: Value = serde_json::from_str(&text).unwrap();
    let attribute = &event["Event"]["Attribute"][0];
    assert_eq!(attribute["type"], "ip-src");
    assert_eq!(attribute["uuid"], "11111111-2222-4333-8444-555555555555");
    assert_eq!((&attribute["to_ids"], &attribute["timestamp"]), (&json!(false), &json!("1700000000")));
}

#[test]
fn misp_binds_an_attribute_by_the_marking_of_a_field() {
    let mut context = Context::default();
    context.tlp = Some(Tlp::Clear);
    context
        .extra
        .insert("marked_fields".into(), json!({"description": {"tlp": "red"}, "k": {"unknown": ["u"]}}));
    let (text, _) = write(Format::Misp, &[Indicator::new(target("192.0.2.7"), context)]);
    let context = &read_all(Format::Misp, &text)[0].contexts[0];
    assert_eq!(context.tlp, Some(Tlp::Red));
    assert_eq!(context.extra["unknown_markings"], json!(["tlp:unclear"]));
}

#[test]
fn zeek_has_its_types_and_says_what_it_lost() {
    let all: Vec<Indicator> = vec![
        bare(target("192.0.2.7")),
        bare(target("2001:db8::/32")),
        bare(target("evil.example").matching(Match::Subdomains)),
        bare(below("evil.example")),
        bare(target("https://user@evil.example/A?b#c")),
        bare(target("http://evil.example/")),
        bare(named(Kind::Url, "ftp://evil.example/x")),
        bare(named(Kind::Md5, &"a".repeat(32))),
        bare(target("192.0.2.7:443")),
        Indicator::new(target("evil.example"), for_lists("x")),
    ];
    let (text, loss) = write(Format::Zeek, &all);
    assert_eq!(detect("x", text.as_bytes()), Some(Format::Zeek));
    assert_eq!(
        text,
        "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n\
         192.0.2.7\tIntel::ADDR\tunknown\t-\t-\n\
         2001:db8::/32\tIntel::SUBNET\tunknown\t-\t-\n\
         evil.example\tIntel::DOMAIN\tunknown\t-\t-\n\
         evil.example/A?b\tIntel::URL\tunknown\t-\t-\n\
         evil.example/\tIntel::URL\tunknown\t-\t-\n\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\tIntel::FILE_HASH\tunknown\t-\t-\n\
         evil.example\tIntel::DOMAIN\tx\tx\thttps://report.example/?a=b\n"
    );
    assert_eq!((loss.written, loss.left_out.values().sum::<u64>()), (7, 3));
    for field in ["match", "references", "labels", "tlp", "extra"] {
        assert_eq!(loss.fields[field], 1, "{field}");
    }
    assert_eq!(loss.fields["value"], 2);
    assert!(!loss.fields.contains_key("producer") && !loss.fields.contains_key("description"));
    let again = read_all(Format::Zeek, &text);
    let keys = |all: &[Indicator], numbers: &[usize]| -> Vec<String> {
        numbers.iter().map(|n| all[*n].target.observable.key().to_string()).collect()
    };
    assert_eq!(keys(&again, &[0, 1, 2, 3, 4, 5, 6]), keys(&all, &[0, 1, 2, 4, 5, 7, 9]));
}

#[test]
fn zones_and_hosts_hold_names_and_nothing_else() {
    let all: Vec<Indicator> = vec![
        bare(target("a.example")),
        bare(target("b.example").matching(Match::Subdomains)),
        bare(below("c.example")),
        bare(target("192.0.2.7")),
        bare(target("2001:db8::/32")),
        bare(target("192.0.2.7:443")),
        bare(target("https://d.example/")),
        bare(named(Kind::Domain, "localhost.localdomain")),
        bare(named(Kind::Domain, "32.7.2.0.192.rpz-ip")),
        bare(named(Kind::Domain, &["a".repeat(60).as_str(); 4].join("."))),
        Indicator::new(target("e.example"), for_lists("x\ny")),
    ];
    let (text, loss) = write(Format::Rpz, &all);
    assert_eq!(
        text,
        "$TTL 300\n@ SOA localhost. root.localhost. 1 3600 600 86400 300\n@ NS localhost.\n\
         a.example CNAME .\nb.example CNAME .\n*.b.example CNAME .\n*.c.example CNAME .\n\
         32.7.2.0.192.rpz-ip CNAME .\n32.zz.db8.2001.rpz-ip CNAME .\nlocalhost.localdomain CNAME .\n\
         e.example CNAME .\n"
    );
    assert_eq!((loss.written, loss.left_out.values().sum::<u64>()), (7, 4));
    assert!(!loss.fields.contains_key("match"));
    let (text, loss) = write(Format::Hosts, &all);
    let long = ["a".repeat(60).as_str(); 4].join(".");
    assert_eq!(
        text,
        format!(
            "0.0.0.0 a.example\n0.0.0.0 b.example\n0.0.0.0 32.7.2.0.192.rpz-ip\n0.0.0.0 {long}\n0.0.0.0 e.example\n"
        )
    );
    assert_eq!(read_all(Format::Hosts, &text).len(), 5);
    assert_eq!((loss.written, loss.fields["match"], loss.fields["labels"]), (5, 1, 1));
}

#[test]
fn lists_never_name_somebody_to_notify_or_the_harmless() {
    let with = |change: &dyn Fn(&mut Context)| {
        let mut context = Context::default();
        change(&mut context);
        Indicator::new(target("evil.example"), context)
    };
    let silent = [
        with(&|c| c.role = Some(Role::Compromised)),
        with(&|c| c.role = Some(Role::Victim)),
        with(&|c| c.role = Some(Role::Benign)),
        with(&|c| c.revoked = Some(true)),
        with(&|c| {
            c.extra.insert("to_ids".into(), false.into());
        }),
    ];
    for format in [Format::Plain, Format::Hosts, Format::Rpz, Format::Zeek] {
        let (text, loss) = write(format, &silent);
        assert!(!text.contains("evil"), "{format}: {text}");
        assert_eq!((loss.written, loss.left_out.values().sum::<u64>()), (0, 5), "{format}");
        // One context that condemns is enough, and only that is written where contexts are.
        let mut both = silent[1].clone();
        both.contexts.push(for_lists("x"));
        let (text, loss) = write(format, &[both]);
        assert!(text.contains("evil") && loss.written == 1, "{format}: {text}");
    }
}

/// Every line of a zone is one of the few that we write.
fn is_zone(text: &str) -> bool {
    text.lines().skip(3).all(|line| {
        let name = line.strip_suffix(" CNAME .").unwrap_or("?");
        let name = name.strip_prefix("*.").unwrap_or(name);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    })
}

fn hostile(text: &str) -> Vec<Indicator> {
    let mut first = full(text);
    first.extra.remove("unknown_markings");
    vec![
        Indicator::new(target("evil.example"), first),
        Indicator::new(Target::new(Observable::other(text, text)), full(text)),
        Indicator::new(target("192.0.2.7"), full("second")),
    ]
}

fn holds(text: &str) {
    let all = hostile(text);
    let (out, loss) = write(Format::Stix, &all);
    assert_eq!(read_all(Format::Stix, &out), all, "{out}");
    assert!(loss.is_lossless());

    let (out, _) = write(Format::Misp, &all);
    let unseen = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert!(!out.contains(unseen), "{out}");
    let mut again = Vec::new();
    // A value of blanks alone is refused, and nothing else.
    read(Format::Misp, &mut out.as_bytes(), &ReadOptions::default(), &mut |i| again.push(i)).unwrap();
    assert!(again.len() >= 2 && again.len() <= 3, "{out}");
    assert_eq!(again[0].target.value(), "evil.example");
    assert_eq!(again[0].contexts[0].description.as_deref(), (!text.is_empty()).then_some(text));
    assert_eq!(again[0].contexts[0].tlp, Some(Tlp::AmberStrict));
    assert_eq!(again.last().unwrap().contexts[0].description.as_deref(), Some("second"));

    let all = vec![
        Indicator::new(target("evil.example"), for_lists(text)),
        Indicator::new(Target::new(Observable::other(text, text)), for_lists(text)),
        Indicator::new(target("192.0.2.7"), for_lists("second")),
    ];
    let (out, _) = write(Format::Zeek, &all);
    assert!(!out.contains(|c: char| unseen(c) && c != '\t'), "{out}");
    let again = read_all(Format::Zeek, &out);
    assert_eq!(again.len(), 2, "{out}");
    let expected = (!text.is_empty()).then_some(text);
    assert_eq!(again[0].contexts[0].description.as_deref(), expected, "{out}");
    assert_eq!(again[0].contexts[0].producer.as_deref(), expected.or(Some("unknown")));
    assert_eq!(again[1].contexts[0].description.as_deref(), Some("second"));

    let (out, _) = write(Format::Hosts, &all);
    assert_eq!(out, "0.0.0.0 evil.example\n");
    let (out, _) = write(Format::Rpz, &all);
    assert!(is_zone(&out) && out.lines().count() == 5, "{out}");
    let (out, _) = write(Format::Plain, &all);
    assert_eq!(out, "evil.example\n192.0.2.7\n");
}

#[test]
fn hostile_texts_stay_in_their_fields() {
    HOSTILE.into_iter().for_each(holds);
    let mut nasty = bare(named(Kind::UserAgent, "a\\x09b"));
    nasty.contexts[0].references = vec!["https://x.example/\tIntel::ADDR".into()];
    let (text, _) = write(Format::Zeek, &[nasty]);
    assert_eq!(read_all(Format::Zeek, &text)[0].target.value(), "a\\x09b");
    assert_eq!(text.lines().nth(1).unwrap().split('\t').count(), 5);
}

proptest! {
    #[test]
    fn no_text_leaves_its_field(text in "[\\PC\n\r\t\u{1b}\u{202e}\u{2028}\"',;|=+@#$\\\\x0-]{0,40}") {
        holds(&text);
    }
}

const INDICATOR: &str = "indicator--11111111-2222-4333-8444-555555555555";

/// Names that mean something to a reader, a writer or both.
const NAMES: [&str; 34] = [
    "name",
    "created",
    "modified",
    "created_by_ref",
    "external_references",
    "indicator_types",
    "extensions",
    "lang",
    "spec_version",
    "pattern",
    "pattern_type",
    "valid_from",
    "valid_until",
    "confidence",
    "labels",
    "type",
    "id",
    "granular_markings",
    "object_marking_refs",
    "unknown_markings",
    "marked_fields",
    "statements",
    "added",
    "extra",
    "target",
    "to_ids",
    "category",
    "timestamp",
    "k",
    "A b.c",
    "kill_chain_phases",
    "revoked",
    "role",
    "feed",
];

fn any_extra() -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let novel = "marking-definition--11111111-2222-4333-8444-555555555555";
    let values = vec![
        json!(null),
        json!(true),
        json!(5),
        json!("x"),
        json!("2024-01-01T00:00:00.000Z"),
        json!("identity--11111111-2222-4333-8444-555555555555"),
        json!([]),
        json!(["x", 1, null]),
        json!(["benign", "malicious-activity"]),
        json!([red]),
        json!([novel, "tlp:ex:chr", "tlp:clear"]),
        json!({}),
        json!({"description": {"tlp": "red"}, "labels": {"unknown": ["u"], "pap": "red"}, "k": {"statements": ["s"]}}),
        json!({"role": {"tlp": "amber"}, "producer": {"tlp": "clear"}, "first_seen": {"tlp": "red"}, "x": 5}),
        json!([{"source_name": "s", "url": "https://report.example/"}, {"url": "u"}]),
        json!([{"source_name": "s", "url": "https://report.example/"}]),
        json!([{"marking_ref": red, "selectors": ["name"]}]),
        json!({"extension-definition--a9373b8b-e49d-4178-989a-8dbd71577823": {"role": "c2", "extra": {"k": 1}}}),
        json!({"extension-definition--11111111-2222-4333-8444-555555555555": {"extension_type": "property-extension"}}),
    ];
    let entry = (proptest::sample::select(&NAMES[..]), proptest::sample::select(values));
    proptest::collection::vec(entry, 0..6)
        .prop_map(|all| all.into_iter().map(|(n, v)| (n.to_string(), v)).collect())
}

fn any_context() -> impl Strategy<Value = Context> {
    use proptest::option::of;
    use proptest::sample::select;
    let text = || of(select(&["", "x", "y\n", "tlp:clear"][..]).prop_map(String::from));
    let time = || of((0i64..4).prop_map(|n| Time::from_unix(n * 86_400).unwrap()));
    let labels = select(&["a", "benign", "", "tlp:clear", "PAP:RED"][..]).prop_map(String::from);
    (
        (text(), text(), of(select(&["", "x", INDICATOR][..]).prop_map(String::from))),
        (of(select(Role::ALL)), of(any::<bool>())),
        (time(), time(), time(), time()),
        (of(select(Tlp::ALL)), of(select(Pap::ALL))),
        (proptest::collection::vec(labels, 0..3), text()),
        any_extra(),
    )
        .prop_map(
            |(
                (feed, producer, source_id),
                (role, revoked),
                times,
                (tlp, pap),
                (labels, description),
                extra,
            )| {
                let mut context = Context::default();
                (context.feed, context.producer, context.source_id) = (feed, producer, source_id);
                (context.role, context.revoked) = (role, revoked);
                (context.first_seen, context.last_seen, context.valid_from, context.valid_until) = times;
                (context.tlp, context.pap, context.description) = (tlp, pap, description);
                (context.labels, context.extra) = (labels, extra);
                context
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever a record holds, it comes back from STIX as it was, unless the report says otherwise; and neither
    /// STIX nor MISP makes it less restricted.
    #[test]
    fn any_record_survives(contexts in proptest::collection::vec(any_context(), 1..4), creator in any::<bool>()) {
        let all: Vec<Indicator> = contexts
            .into_iter()
            .enumerate()
            .map(|(n, context)| Indicator::new(target(&format!("192.0.2.{n}")), context))
            .collect();
        let options = WriteOptions { creator: creator.then(|| "us".to_string()), ..WriteOptions::default() };
        for format in [Format::Stix, Format::Misp] {
            let (text, loss) = write_with(format, &options, &all);
            let again = read_all(format, &text);
            prop_assert_eq!(again.len(), all.len());
            for (found, expected) in again.iter().zip(&all) {
                if format == Format::Stix && loss.is_lossless() {
                    prop_assert_eq!(found, expected, "{}", text);
                }
                let (found, expected) = (&found.contexts[0], &expected.contexts[0]);
                prop_assert!(found.tlp >= expected.tlp && found.pap >= expected.pap, "{format}: {text}");
                let unknown = |c: &Context| c.extra.contains_key("unknown_markings");
                prop_assert!(unknown(found) || !unknown(expected), "{format}: {text}");
            }
        }
    }
}
