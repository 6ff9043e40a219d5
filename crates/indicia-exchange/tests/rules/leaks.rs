//! Attempts to get a withheld value, id, name or address of a person out through every field of a record.

use indicia_core::Indicator;
use indicia_exchange::package::Package;
use serde_json::{Value, json};

use crate::support::*;

/// A record of ours that goes out, with a text in every field that holds one.
fn everywhere(text: &str) -> Indicator {
    serde_json::from_value(json!({
        "target": {"kind": "other", "value": "plain", "type": format!("type {text}")}, "group": text,
        "contexts": [foreign(json!({
            "tlp": "clear", "feed": text, "source_id": text, "labels": [text], "threat": text, "provider": text,
            "description": text, "references": [text], "purposes": ["investigation", text],
            "confidence": {"value": 50, "scale": text, "source": text},
            "countries": [
                {"code": "MY", "basis": "statement", "evidence": text, "strength": text},
                {"code": "MY", "basis": text}, {"code": text, "basis": "statement"},
            ],
            "hops": [{"who": text, "when": "2018-01-02", "agreement": text, "action": text}],
            "extra": {
                "statements": [text], "government": text, "created": text, "modified": text, "unknown_markings": [],
                "marked_fields": {}, "comment": text, text: text,
                "handling": {"agreement": text, "onward": "listed", "onward_to": [text, "body.example", "police.xa.example"],
                    "attribution": "may", "action": text, "more": text},
            },
        }))],
    }))
    .unwrap()
}

/// May name producers, keeps statements, takes `other`, so that everything goes out that can.
fn widest() -> indicia_exchange::Agreement {
    agreement(&[
        MAY,
        (
            "kinds = \"all\"",
            "kinds = [\"other\", \"domain\", \"email\", \"ipv4\", \"ipv6\", \"asn\", \"url\"]",
        ),
        ("schemes = [\"tlp\", \"pap\"]", "schemes = [\"tlp\", \"pap\", \"statement\"]"),
    ])
}

fn secret(kind: &str, value: &str) -> Indicator {
    record(
        kind,
        value,
        vec![context(
            json!({"tlp": "red", "producer": "hidden.example", "source_id": "indicator--44444444-4444-4444-8444-444444444444"}),
        )],
    )
}

/// Every byte of a package that is not signed yet, in lower case.
fn bytes(records: Vec<Indicator>) -> String {
    let plan = planned(records, &widest());
    assert_eq!(plan.items.len(), 1);
    let package = Package::of_plan(&plan, &widest(), 1, now()).unwrap();
    let all: Vec<u8> = package.files.into_values().flatten().chain(package.manifest_bytes).collect();
    String::from_utf8(all).unwrap().to_lowercase()
}

#[test]
fn no_field_carries_a_withheld_value_an_id_or_a_producer() {
    for (text, needle) in [
        ("secret.example", "secret"),
        ("see SECRET[.]example", "secret"),
        ("http://www.secret.example/x", "secret"),
        ("secret%2eexample", "secret"),
        ("c2VjcmV0LmV4YW1wbGU=", "c2vjcmv0"),
        ("7365637265742e6578616d706c65", "736563726574"),
        ("indicator--44444444-4444-4444-8444-444444444444", "44444444-4444"),
        ("44444444-4444-4444-8444-444444444444", "44444444-4444"),
    ] {
        let all = bytes(vec![everywhere(text), secret("domain", "secret.example")]);
        assert!(!all.contains(needle), "{text}: {}", around(&all, needle));
    }
    // A name that stays hidden, in every field but those that name who passed it on.
    let mut named = everywhere("hidden.example");
    named.contexts[0].hops.clear();
    let all = bytes(vec![named, secret("domain", "secret.example")]);
    assert!(!all.contains("hidden.example"), "{}", around(&all, "hidden.example"));
}

fn around(text: &str, needle: &str) -> String {
    text.find(needle).map_or(String::new(), |at| {
        text.get(at.saturating_sub(120)..(at + 60).min(text.len())).unwrap_or_default().to_string()
    })
}

#[test]
fn no_field_carries_an_email_address_or_a_person() {
    for (text, needle) in [
        ("ask joe@corp.example", "joe"),
        ("joe[at]corp[.]example", "joe"),
        ("C:\\Users\\joe\\a.exe", "joe"),
        ("joe%40corp.example", "joe"),
        ("am9lQGNvcnAuZXhhbXBsZQ==", "am9lqgnvcn"),
    ] {
        let all = bytes(vec![everywhere(text)]);
        assert!(!all.contains(needle), "{text}: {}", around(&all, needle));
        let mut by = everywhere("x");
        by.contexts[0].producer = Some(text.to_string());
        let all = bytes(vec![by]);
        assert!(!all.contains(needle), "producer {text}: {}", around(&all, needle));
    }
}

#[test]
fn values_in_another_spelling_are_values() {
    for (kind, value, texts) in [
        (
            "domain",
            "xn--bcher-kva.example",
            &["see bücher.example now", "BÜCHER.example", "bücher[.]example"][..],
        ),
        ("ipv6", "2001:db8::99", &["2001:0db8:0:0:0:0:0:99", "at [2001:DB8::0099]:443"]),
        (
            "ipv4",
            "203.0.113.99",
            &["203[.]0[.]113[.]99", "::ffff:203.0.113.99", "http://203.0.113.99:8080/x"],
        ),
        ("email", "joe@secret.example", &["JOE@secret.example", "joe at secret.example"]),
        (
            "domain",
            "secret.example",
            &[
                "c2VlIHNlY3JldC5leGFtcGxlIG5vdw==",
                "see 736565207365637265742e6578616d706c65206e6f77",
                "secret&#46;example",
                "secret%252eexample",
            ],
        ),
        ("asn", "AS64500", &["by as64500"]),
    ] {
        for text in texts {
            let other = secret(kind, value);
            let carrier = domain(json!({"description": text, "labels": [text]}));
            let plan = planned(vec![carrier, other], &agreement(&[]));
            let context = &plan.items[0].record.contexts[0];
            let gone = |said: Option<&String>| said.is_none_or(|said| said == "[email]");
            assert!(
                gone(context.labels.first()) && gone(context.description.as_ref()),
                "{value}: {text}: {context:?}"
            );
        }
    }
    let plan = planned(vec![domain(json!({"asn": 64500})), secret("asn", "AS64500")], &agreement(&[]));
    assert_eq!(plan.items[0].record.contexts[0].asn, None, "the number of a withheld system");
}

#[test]
fn one_record_decided_alone_is_closed_as_well() {
    let red = context(
        json!({"tlp": "red", "producer": "hidden.example", "feed": "h", "source_id": "indicator--44444444-4444-4444-8444-444444444444"}),
    );
    let clear = foreign(
        json!({"tlp": "clear", "description": "Hidden.example told us: indicator--44444444-4444-4444-8444-444444444444"}),
    );
    let item = shared(&record("domain", "bad.example", vec![red, clear]), &agreement(&[MAY]));
    assert!(!json_of(&item).to_lowercase().contains("hidden"));
    assert!(!json_of(&item).contains("44444444"));
}

#[test]
fn a_statement_that_quotes_what_stays_is_a_statement_still() {
    let mut carrier = everywhere("x");
    carrier.contexts[0].extra.insert("statements".into(), json!(["(c) hidden.example", "(c) 2018"]));
    let plan = planned(vec![carrier, secret("domain", "secret.example")], &widest());
    let statements = &plan.items[0].record.contexts[0].extra["statements"];
    assert_eq!(statements.as_array().map(Vec::len), Some(2), "{statements}");
    assert!(!statements.to_string().contains("hidden"));
}

#[test]
fn the_country_of_a_government_that_is_out_of_scope_is_not_told() {
    let host = record(
        "url",
        "http://portal.gov.sg/x",
        vec![context(json!({"countries": [{"code": "MY", "basis": "statement"}]}))],
    );
    let item = shared(&host, &agreement(&[ONLY_MY]));
    assert_eq!(item.government.as_deref(), Some(""));
    assert!(!json_of(&item).contains("\"SG\""), "{}", json_of(&item));
}

#[test]
fn a_handling_that_cannot_be_read_permits_nothing() {
    for handling in [
        json!("x"),
        json!([]),
        json!({}),
        json!({"onward": "everybody"}),
        json!({"onward": "listed"}),
        json!({"onward": 3}),
    ] {
        let record = record(
            "domain",
            "bad.example",
            vec![foreign(json!({"tlp": "clear", "extra": {"handling": handling}}))],
        );
        assert_eq!(withheld(&record, &agreement(&[MAY])), ["not-onward"], "{handling}");
    }
}

#[test]
fn two_deliveries_of_one_statement_are_one_item_marked_as_the_stricter() {
    let one = |feed: &str, tlp: &str, pap: Value| {
        domain(json!({"feed": feed, "tlp": tlp, "pap": pap, "source_id": "x-1"}))
    };
    for records in [
        vec![one("a", "clear", json!("clear")), one("b", "green", json!("amber"))],
        vec![one("b", "green", json!("amber")), one("a", "clear", json!("clear"))],
    ] {
        let plan = planned(records, &agreement(&[ALL_PURPOSES]));
        assert_eq!(plan.items.len(), 1);
        assert_eq!(plan.items[0].record.contexts[0].tlp.unwrap().name(), "green");
    }
}
