//! Records as JSON, agreements by editing the example, and the decision on them.

use indicia_core::{Indicator, Time};
use indicia_exchange::plan::{Plan, Records, plan};
use indicia_exchange::{Agreement, Decision, EXAMPLE_AGREEMENT, Item, Ledger, decide};
use indicia_feeds::{Format, ReadOptions};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2018-01-10T00:00:00Z";
pub(crate) const OWN: &str = "vendor.example";
pub(crate) const ID: &str = "indicator--11111111-1111-4111-8111-111111111111";

pub(crate) fn now() -> Time {
    at(NOW)
}

pub(crate) fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// The example with pieces of its text replaced, each of which must be there once.
pub(crate) fn text(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(EXAMPLE_AGREEMENT.to_string(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands there once");
        text.replace(from, to)
    })
}

pub(crate) fn agreement(edits: &[(&str, &str)]) -> Agreement {
    Agreement::parse(&text(edits)).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(crate) const MAY: (&str, &str) = ("attribution = \"must-not\"", "attribution = \"may\"");
pub(crate) const NO_CLIENT: (&str, &str) = ("client = true", "client = false");
pub(crate) const UP_TO_RED: (&str, &str) = ("tlp = \"amber\"\npap", "tlp = \"red\"\npap");
pub(crate) const ALL_PURPOSES: (&str, &str) = (
    "purposes = [\"investigation\", \"victim-notification\"]",
    "purposes = [\"investigation\", \"victim-notification\", \"prevention\", \"detection\"]",
);
pub(crate) const ONLY_MY: (&str, &str) = ("countries = \"all\"\nbasis", "countries = [\"MY\"]\nbasis");

/// A context of the provider's own that goes out, with fields put in its place; `null` takes one out.
pub(crate) fn context(fields: Value) -> Value {
    let mut context = json!({
        "feed": "vendor", "producer": OWN, "source_id": ID, "role": "c2", "tlp": "amber", "pap": "green",
        "last_seen": "2018-01-01", "countries": [{"code": "MY", "basis": "statement"}],
    });
    merge(&mut context, fields);
    context
}

fn merge(into: &mut Value, fields: Value) {
    let (Some(into), Value::Object(fields)) = (into.as_object_mut(), fields) else { panic!("objects") };
    for (name, value) in fields {
        if value.is_null() {
            into.remove(&name);
        } else {
            into.insert(name, value);
        }
    }
}

/// The same of somebody else.
pub(crate) fn foreign(fields: Value) -> Value {
    let mut context = context(json!({"producer": "other.example", "feed": "other"}));
    merge(&mut context, fields);
    context
}

pub(crate) fn record(kind: &str, value: &str, contexts: Vec<Value>) -> Indicator {
    serde_json::from_value(json!({"target": {"kind": kind, "value": value}, "contexts": contexts})).unwrap()
}

pub(crate) fn domain(fields: Value) -> Indicator {
    record("domain", "bad.example", vec![context(fields)])
}

/// Items, or the codes of all reasons.
pub(crate) fn decided(record: &Indicator, agreement: &Agreement) -> Result<Vec<Item>, Vec<&'static str>> {
    decided_at(record, agreement, now())
}

pub(crate) fn decided_at(
    record: &Indicator,
    agreement: &Agreement,
    now: Time,
) -> Result<Vec<Item>, Vec<&'static str>> {
    let ledger = Ledger::none(&agreement.provider.id);
    match decide(record, agreement, &ledger, now) {
        Decision::Share(projection) => Ok(projection.items),
        Decision::Withhold(reasons) => Err(reasons.iter().map(|r| r.code()).collect()),
    }
}

/// The one item that goes out.
pub(crate) fn shared(record: &Indicator, agreement: &Agreement) -> Item {
    let mut items = decided(record, agreement).unwrap_or_else(|reasons| panic!("{reasons:?}"));
    assert_eq!(items.len(), 1);
    items.remove(0)
}

pub(crate) fn withheld(record: &Indicator, agreement: &Agreement) -> Vec<&'static str> {
    decided(record, agreement).expect_err("is withheld")
}

pub(crate) fn json_of(item: &Item) -> String {
    serde_json::to_string(&item.record).unwrap()
}

pub(crate) fn planned(records: Vec<Indicator>, agreement: &Agreement) -> Plan {
    let ledger = Ledger::none(&agreement.provider.id);
    plan(&Records::new(records), &[agreement], &ledger, now()).unwrap().1
}

/// What is read from a STIX bundle of these objects.
pub(crate) fn stix(objects: Value) -> Vec<Indicator> {
    let bundle =
        json!({"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000009", "objects": objects});
    read(Format::Stix, &bundle.to_string())
}

pub(crate) fn read(format: Format, text: &str) -> Vec<Indicator> {
    let options = ReadOptions {
        feed: Some("vendor".to_string()),
        producer: Some(OWN.to_string()),
        default_role: Some(indicia_core::Role::C2),
        ..ReadOptions::default()
    };
    let mut found = Vec::new();
    indicia_feeds::read(format, &mut text.as_bytes(), &options, &mut |record| found.push(record)).unwrap();
    found
}

/// A STIX indicator of a domain, without markings.
pub(crate) fn stix_indicator(name: &str, fields: Value) -> Value {
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": ID,
        "created": "2018-01-01T00:00:00.000Z", "modified": "2018-01-01T00:00:00.000Z",
        "valid_from": "2018-01-01T00:00:00Z", "pattern_type": "stix",
        "pattern": format!("[domain-name:value = '{name}']"),
    });
    merge(&mut object, fields);
    object
}

pub(crate) const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
pub(crate) const GREEN_1: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
pub(crate) const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
pub(crate) const AMBER_STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
pub(crate) const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
pub(crate) const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
