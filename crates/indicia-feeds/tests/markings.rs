//! What the markings of a STIX document bind. Each test is named after its rule.

use indicia_core::{Context, Indicator, Tlp};
use indicia_feeds::{Format, ReadOptions, read};
use serde_json::{Value, json};

const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
const GREEN_1: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
const PAP_AMBER: &str = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab";
const NOVEL: &str = "marking-definition--11111111-2222-4333-8444-555555555555";

fn read_text(text: &str) -> Vec<Indicator> {
    let mut all = Vec::new();
    let report =
        read(Format::Stix, &mut text.as_bytes(), &ReadOptions::default(), &mut |i| all.push(i)).unwrap();
    assert_eq!(report.refused_total(), 0, "{:?}", report.examples);
    all
}

fn read_objects(objects: Value) -> Vec<Context> {
    let text = json!({"type": "bundle", "id": "bundle--1", "objects": objects}).to_string();
    read_text(&text).into_iter().map(|mut i| i.contexts.remove(0)).collect()
}

fn indicator(id: &str, name: &str, more: Value) -> Value {
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{id}"),
        "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z",
        "valid_from": "2024-01-01T00:00:00Z", "pattern_type": "stix",
        "pattern": format!("[domain-name:value = '{name}.example']"),
    });
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn container(type_: &str, id: &str, refs: &[&str], markings: &[&str]) -> Value {
    json!({"type": type_, "id": id, "object_refs": refs, "object_marking_refs": markings})
}

#[test]
fn a_container_binds_what_it_contains() {
    for type_ in ["report", "grouping", "observed-data", "malware-analysis", "note", "opinion", "x-novel"] {
        let id = format!("{type_}--1");
        let found = read_objects(json!([
            indicator("1", "a", json!({"object_marking_refs": [CLEAR]})),
            indicator("2", "b", json!({"object_marking_refs": [RED]})),
            indicator("3", "c", json!({})),
            indicator("4", "d", json!({"object_marking_refs": [CLEAR]})),
            container(
                type_,
                &id,
                &["indicator--1", "indicator--2", "indicator--3"],
                &[GREEN, PAP_AMBER, NOVEL]
            ),
        ]));
        let tlp: Vec<_> = found.iter().map(|c| c.tlp).collect();
        assert_eq!(tlp, [Some(Tlp::Green), Some(Tlp::Red), Some(Tlp::Green), Some(Tlp::Clear)], "{type_}");
        let pap: Vec<_> = found.iter().map(|c| c.pap.is_some()).collect();
        assert_eq!(pap, [true, true, true, false]);
        assert_eq!(found[2].extra["unknown_markings"], json!([NOVEL]));
        assert!(!found[3].extra.contains_key("unknown_markings"));
    }
}

#[test]
fn containers_in_containers_and_in_circles_bind() {
    let found = read_objects(json!([
        container("grouping", "grouping--1", &["grouping--2", "grouping--1"], &[]),
        container("grouping", "grouping--2", &["report--1", "indicator--1"], &[]),
        container("report", "report--1", &["grouping--1", "indicator--2"], &[AMBER]),
        container("report", "report--2", &["grouping--1"], &[RED]),
        indicator("1", "a", json!({})),
        indicator("2", "b", json!({})),
        indicator("3", "c", json!({})),
    ]));
    let tlp: Vec<_> = found.iter().map(|c| c.tlp).collect();
    assert_eq!(tlp, [Some(Tlp::Red), Some(Tlp::Red), None]);
}

#[test]
fn a_long_chain_of_containers_with_many_markings_is_read_in_time() {
    let mut objects = Vec::new();
    for n in 0..5_000 {
        let marking = format!("marking-definition--{n:08}-2222-4333-8444-555555555555");
        let next = format!("grouping--{}", (n + 1) % 5_000);
        let first = format!("grouping--{}", n / 2);
        objects.push(container("grouping", &format!("grouping--{n}"), &[&next, &first], &[&marking]));
    }
    objects.push(container("grouping", "grouping--last", &["indicator--1"], &[RED]));
    objects.push(container("report", "report--1", &["grouping--last"], &[]));
    objects.push(container("grouping", "grouping--7", &["indicator--1"], &[]));
    objects.push(indicator("1", "a", json!({})));
    let found = read_objects(Value::Array(objects));
    assert_eq!(found[0].tlp, Some(Tlp::Red));
    let unknown = found[0].extra["unknown_markings"].as_array().unwrap();
    assert!(unknown.len() < 128 && unknown.contains(&json!("more markings than are told apart")));
}

#[test]
fn a_marking_on_the_contents_of_a_container_binds_them_and_one_on_its_words_does_not() {
    let report = |selector: &str, marking: &str| {
        json!({"type": "report", "id": format!("report--{selector}"), "description": "d",
            "object_refs": ["indicator--1"], "granular_markings": [{"marking_ref": marking, "selectors": [selector]}]})
    };
    let found = read_objects(json!([
        report("description", RED),
        report("object_refs.[0]", GREEN),
        indicator("1", "a", json!({}))
    ]));
    assert_eq!(found[0].tlp, Some(Tlp::Green));
}

#[test]
fn a_container_behind_its_contents_or_in_another_document_binds() {
    let text = format!(
        "{}\n{}\n{}\n",
        indicator("1", "a", json!({"created_by_ref": "identity--1"})),
        container("report", "report--1", &["indicator--1"], &[RED]),
        json!({"type": "identity", "id": "identity--1", "name": "CERT"}),
    );
    let found = read_text(&text);
    assert_eq!(found[0].contexts[0].tlp, Some(Tlp::Red));
    assert_eq!(found[0].contexts[0].producer.as_deref(), Some("CERT"));
}

#[test]
fn an_unmarked_record_inherits_from_one_with_its_value() {
    let found = read_objects(json!([
        indicator("1", "A", json!({})),
        indicator("2", "a", json!({"object_marking_refs": [AMBER, NOVEL]})),
        indicator("3", "b", json!({})),
        indicator("4", "a", json!({"object_marking_refs": [CLEAR]})),
        indicator("5", "c", json!({})),
        indicator("6", "c", json!({})),
        container("report", "report--1", &["indicator--6"], &[RED]),
    ]));
    let tlp: Vec<_> = found.iter().map(|c| c.tlp).collect();
    let red = Some(Tlp::Red);
    assert_eq!(tlp, [Some(Tlp::Amber), Some(Tlp::Amber), None, Some(Tlp::Clear), red, red]);
    assert_eq!(found[0].extra["unknown_markings"], json!([NOVEL]));
    assert!(!found[3].extra.contains_key("unknown_markings"));
    // One of several values of a pattern.
    let found = read_objects(json!([
        indicator("1", "a", json!({"pattern": "[domain-name:value IN ('a.example', 'b.example')]"})),
        indicator("2", "a", json!({"object_marking_refs": [RED]})),
    ]));
    assert_eq!((found[0].tlp, found[1].tlp), (Some(Tlp::Red), None));
}

#[test]
fn relationships_hand_nothing_on() {
    let found = read_objects(json!([
        indicator("1", "a", json!({})),
        {"type": "malware", "id": "malware--1", "name": "m", "object_marking_refs": [RED]},
        {"type": "relationship", "id": "relationship--1", "relationship_type": "indicates", "source_ref": "indicator--1",
            "target_ref": "malware--1", "object_marking_refs": [RED]},
    ]));
    assert_eq!((found[0].tlp, found[0].threat.as_deref()), (None, Some("m")));
}

#[test]
fn of_tlp_1_and_tlp_2_the_stricter_holds() {
    for refs in [[GREEN_1, AMBER], [AMBER, GREEN_1]] {
        let found = read_objects(json!([indicator("1", "a", json!({"object_marking_refs": refs}))]));
        assert_eq!(found[0].tlp, Some(Tlp::Amber));
        assert!(!found[0].extra.contains_key("object_marking_refs"));
    }
}

fn granular(selectors: &[&str], marking: &str) -> Context {
    read_objects(json!([indicator(
        "1",
        "a",
        json!({
            "name": "n", "description": "d", "labels": ["l"], "confidence": 5, "valid_until": "2025-01-01T00:00:00Z",
            "external_references": [{"source_name": "s", "url": "https://report.example/"}],
            "object_marking_refs": [GREEN],
            "granular_markings": [{"marking_ref": marking, "selectors": selectors}],
        })
    )]))
    .remove(0)
}

#[test]
fn a_granular_marking_on_a_required_property_binds_the_record() {
    for selector in [
        "pattern",
        "id",
        "type",
        "pattern_type",
        "valid_from",
        "created",
        "modified",
        "spec_version",
        "absent",
        "",
    ] {
        let context = granular(&[selector], RED);
        assert_eq!(context.tlp, Some(Tlp::Red), "{selector}");
        assert!(!context.extra.contains_key("marked_fields"), "{selector}");
        assert_eq!(granular(&["name", selector], RED).tlp, Some(Tlp::Red), "{selector}");
    }
    assert_eq!(granular(&[], RED).tlp, Some(Tlp::Red));
}

#[test]
fn a_granular_marking_on_an_optional_property_binds_the_field() {
    for (selector, fields) in [
        ("description", &["description"][..]),
        ("labels.[0]", &["labels"]),
        ("external_references.[0].url", &["references", "external_references"]),
        ("confidence", &["confidence"]),
        ("valid_until", &["valid_until"]),
        ("name", &["name"]),
    ] {
        for (marking, expected) in [
            (RED, json!({"tlp": "red"})),
            (PAP_AMBER, json!({"pap": "amber"})),
            (NOVEL, json!({"unknown": [NOVEL]})),
        ] {
            let context = granular(&[selector], marking);
            assert_eq!((context.tlp, context.pap), (Some(Tlp::Green), None), "{selector}");
            let marked = context.extra["marked_fields"].as_object().unwrap();
            assert_eq!(marked.len(), fields.len(), "{selector}");
            for field in fields {
                assert_eq!(marked[*field], expected, "{selector}");
            }
            assert!(!context.extra.contains_key("granular_markings"));
            assert!(!context.extra.contains_key("unknown_markings"));
        }
    }
}

#[test]
fn several_markings_of_a_field_are_all_kept_and_the_strictest_level() {
    let found = read_objects(json!([indicator(
        "1",
        "a",
        json!({"name": "n", "granular_markings": [
            {"marking_ref": RED, "selectors": ["name"]},
            {"marking_ref": GREEN, "selectors": ["name"]},
            {"marking_ref": NOVEL, "selectors": ["name"]},
            {"marking_ref": PAP_AMBER, "selectors": ["name"]},
        ]})
    )]));
    assert_eq!(
        found[0].extra["marked_fields"],
        json!({"name": {"tlp": "red", "pap": "amber", "unknown": [NOVEL]}})
    );
}

#[test]
fn a_language_is_no_marking_and_what_has_no_shape_is_an_unknown_one() {
    let read = |more| read_objects(json!([indicator("1", "a", more)])).remove(0);
    let context = read(
        json!({"description": "d", "granular_markings": [{"lang": "de", "selectors": ["description"]}]}),
    );
    assert!(!context.extra.contains_key("marked_fields") && !context.extra.contains_key("unknown_markings"));
    for more in [
        json!({"granular_markings": "x"}),
        json!({"granular_markings": [5]}),
        json!({"granular_markings": [{"marking_ref": 5, "selectors": ["name"]}]}),
        json!({"object_marking_refs": {"a": 1}}),
        json!({"object_marking_refs": [1]}),
    ] {
        let unknown = read(more.clone()).extra["unknown_markings"].clone();
        assert_eq!(unknown.as_array().map(Vec::len), Some(1), "{more}");
    }
}

#[test]
fn statements_are_kept_as_statements() {
    let definition = |id: &str, more: Value| {
        let mut object = json!({"type": "marking-definition", "id": format!("marking-definition--{id}")});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let text = "Copyright 2024: nobody";
    let found = read_objects(json!([
        definition("1", json!({"definition_type": "statement", "definition": {"statement": text}})),
        definition("2", json!({"definition_type": "statement", "definition": {"statement": "tlp:yellow"}})),
        definition(
            "3",
            json!({"definition_type": "statement", "definition": {"statement": "x"},
            "extensions": {"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce": {"extension_type": "property-extension"}}})
        ),
        definition("4", json!({"definition_type": "iep", "definition": {"x": 1}})),
        indicator(
            "1",
            "a",
            json!({"name": "n", "object_marking_refs": ["marking-definition--1", GREEN],
            "granular_markings": [{"marking_ref": "marking-definition--1", "selectors": ["name"]}]})
        ),
        indicator(
            "2",
            "b",
            json!({"object_marking_refs":
            ["marking-definition--2", "marking-definition--3", "marking-definition--4"]})
        ),
    ]));
    assert_eq!(found[0].extra["statements"], json!([text]));
    assert_eq!(found[0].extra["marked_fields"], json!({"name": {"statements": [text]}}));
    assert!(!found[0].extra.contains_key("unknown_markings") && found[0].tlp == Some(Tlp::Green));
    assert!(!found[0].extra.contains_key("object_marking_refs"));
    assert_eq!(found[1].extra["unknown_markings"].as_array().map(Vec::len), Some(3));
    assert!(!found[1].extra.contains_key("statements"));
}

#[test]
fn no_property_of_a_source_takes_the_place_of_a_marking() {
    let found = read_objects(json!([indicator(
        "1",
        "a",
        json!({"object_marking_refs": [NOVEL], "unknown_markings": [], "marked_fields": {}, "statements": 5})
    )]));
    assert_eq!(found[0].extra["unknown_markings"], json!([NOVEL]));
    assert_eq!(found[0].extra["source_unknown_markings"], json!([]));
}

#[test]
fn names_below_one_are_read() {
    let read = |pattern: &str| {
        let text = json!({"type": "bundle", "objects": [{"type": "indicator", "id": "indicator--1", "pattern": pattern}]});
        read_text(&text.to_string()).remove(0).target
    };
    let target = read("[domain-name:value LIKE '%.evil.example']");
    assert!(target.below_only && target.value() == "*.evil.example");
    assert_eq!(read("[domain-name:value LIKE '%.evil\\\\_x.example']").value(), "*.evil_x.example");
}
