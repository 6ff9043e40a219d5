//! R1 to R20.

use indicia_core::{Pap, Tlp};
use indicia_exchange::ledger::{self, Event, LedgerError};
use indicia_exchange::package::Package;
use indicia_exchange::plan::{Records, plan};
use indicia_exchange::{Action, Agreement, Decision, Ledger, Withheld, decide};
use indicia_feeds::Format;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn r1_what_no_rule_permits_is_withheld() {
    let plain = agreement(&[]);
    assert!(decided(&domain(json!({})), &plain).is_ok());
    assert_eq!(withheld(&domain(json!({"role": "phishing"})), &plain), ["role-out-of-scope"]);
    assert_eq!(withheld(&domain(json!({"role": null})), &plain), ["role-out-of-scope"]);
    let only_hashes = agreement(&[("kinds = \"all\"", "kinds = [\"sha256\"]")]);
    assert_eq!(withheld(&domain(json!({})), &only_hashes), ["kind-out-of-scope"]);
    let mut nobody = domain(json!({}));
    nobody.contexts.clear();
    assert_eq!(withheld(&nobody, &plain), ["no-statement"]);
    let sure = agreement(&[("max_age_days = 180", "max_age_days = 180\nmin_confidence = 70")]);
    assert_eq!(withheld(&domain(json!({})), &sure), ["confidence-too-low"]);
    assert_eq!(withheld(&domain(json!({"confidence": {"value": 69}})), &sure), ["confidence-too-low"]);
    assert!(decided(&domain(json!({"confidence": {"value": 70}})), &sure).is_ok());
}

#[test]
fn r1_an_expired_or_unreadable_agreement_permits_nothing() {
    let plain = agreement(&[]);
    let record = domain(json!({"last_seen": null, "first_seen": null, "valid_from": "2017-01-01"}));
    let any_age = agreement(&[("max_age_days = 180\n", "")]);
    for (when, ok) in [
        ("2017-10-11T23:59:59Z", false),
        ("2017-10-12T00:00:00Z", true),
        ("2020-10-11T23:59:59Z", true),
        ("2020-10-12T00:00:00Z", false),
    ] {
        let got = decided_at(&record, &any_age, at(when));
        assert_eq!(got.is_ok(), ok, "{when}");
        if let Err(reasons) = got {
            assert_eq!(reasons, ["agreement-not-in-force"]);
        }
    }
    assert!(plain.is_in_force(now()));
    for broken in ["", "schema = 1", &text(&[("tlp = \"amber\"\npap", "tlp = \"blue\"\npap")])] {
        assert!(Agreement::parse(broken).is_err());
    }
}

#[test]
fn r2_unmarked_without_a_default_is_withheld() {
    assert_eq!(withheld(&domain(json!({"tlp": null, "pap": null})), &agreement(&[])), ["unmarked"]);
    // None of 27,560 published indicators was marked: a bundle alone says nothing, the source's default does.
    let read = stix(json!([stix_indicator("bad.example", json!({}))]));
    assert_eq!(withheld(&read[0], &agreement(&[])), ["unmarked"]);
}

#[test]
fn r2_of_object_container_field_and_default_the_strictest_holds() {
    let red_report = json!({
        "type": "report", "spec_version": "2.1", "id": "report--00000000-0000-4000-8000-000000000002",
        "name": "r", "published": "2018-01-01T00:00:00Z", "created": "2018-01-01T00:00:00Z",
        "modified": "2018-01-01T00:00:00Z", "object_refs": [ID], "object_marking_refs": [RED],
    });
    let inner = stix_indicator("bad.example", json!({"object_marking_refs": [CLEAR]}));
    assert_eq!(withheld(&stix(json!([red_report, inner]))[0], &agreement(&[])), ["tlp-above-ceiling"]);
    // A field that goes out makes the whole as strict as it is.
    let marked = domain(
        json!({"tlp": "green", "description": "x", "extra": {"marked_fields": {"description": {"tlp": "amber"}}}}),
    );
    let item = shared(&marked, &agreement(&[]));
    assert_eq!(item.record.contexts[0].tlp, Some(Tlp::Amber));
    assert_eq!(item.record.contexts[0].description.as_deref(), Some("x"));
}

#[test]
fn r2_an_unmarked_observable_inherits_within_its_source_only() {
    let marked = context(json!({"tlp": "red", "source_id": "x1"}));
    let unmarked = context(json!({"tlp": null, "pap": null, "source_id": "x2"}));
    let of_one = record("domain", "bad.example", vec![marked.clone(), unmarked.clone()]);
    assert_eq!(withheld(&of_one, &agreement(&[])), ["tlp-above-ceiling"]);
    // A marking of another source, or of a source without a name, is nobody's permission.
    let clear = foreign(json!({"tlp": "clear"}));
    let of_two = record("domain", "bad.example", vec![clear, unmarked]);
    let Decision::Share(both) = decide(&of_two, &agreement(&[]), &Ledger::none(OWN), now()) else { panic!() };
    assert_eq!(both.withheld, [(1, vec![Withheld::Unmarked])]);
    let nameless = |tlp: Value| context(json!({"feed": null, "producer": null, "tlp": tlp, "pap": null}));
    let of_nobody = record("domain", "bad.example", vec![nameless(json!("clear")), nameless(json!(null))]);
    let Decision::Share(one) = decide(&of_nobody, &agreement(&[]), &Ledger::none(OWN), now()) else {
        panic!()
    };
    assert_eq!(one.withheld, [(1, vec![Withheld::Unmarked])]);
}

#[test]
fn r3_our_own_goes_up_to_the_ceiling() {
    for (tlp, ok) in
        [("clear", true), ("green", true), ("amber", true), ("amber+strict", false), ("red", false)]
    {
        let got = decided(&domain(json!({"tlp": tlp})), &agreement(&[NO_CLIENT]));
        assert_eq!(got.is_ok(), ok, "{tlp}");
        if let Err(reasons) = got {
            assert_eq!(reasons, ["tlp-above-ceiling"]);
        }
    }
    assert!(decided(&domain(json!({"tlp": "red"})), &agreement(&[UP_TO_RED])).is_ok());
}

#[test]
fn r3_red_of_somebody_else_never_goes_on() {
    let most =
        agreement(&[UP_TO_RED, ("organisation = \"body.example\"", "organisation = \"vendor.example\"")]);
    let red = |fields: Value| record("domain", "bad.example", vec![foreign(fields)]);
    assert_eq!(withheld(&red(json!({"tlp": "red"})), &most), ["tlp-red"]);
    // Also where the producer is the provider but it came back through somebody's hands, or nobody is named.
    let through = json!({"tlp": "red", "producer": OWN, "hops": [{"who": "third.example"}]});
    assert_eq!(withheld(&red(through), &most), ["tlp-red"]);
    assert_eq!(withheld(&red(json!({"tlp": "red", "producer": null})), &most), ["tlp-red"]);
}

#[test]
fn r3_amber_strict_of_somebody_else_stays_in_the_organisation() {
    let strict = record("domain", "bad.example", vec![foreign(json!({"tlp": "amber+strict"}))]);
    assert_eq!(withheld(&strict, &agreement(&[UP_TO_RED])), ["tlp-amber-strict"]);
    let same =
        agreement(&[UP_TO_RED, ("organisation = \"body.example\"", "organisation = \"vendor.example\"")]);
    assert!(decided(&strict, &same).is_ok());
}

#[test]
fn r3_green_of_somebody_else_wants_a_community_and_not_the_public() {
    let green = record("domain", "bad.example", vec![foreign(json!({"tlp": "green"}))]);
    assert!(decided(&green, &agreement(&[])).is_ok());
    let apart = agreement(&[("communities = [\"asean-2017\"]\n\n[recipient]", "\n[recipient]")]);
    assert_eq!(withheld(&green, &apart), ["tlp-green"]);
    let public = agreement(&[("kind = \"police-international\"", "kind = \"public\"")]);
    assert_eq!(withheld(&green, &public), ["tlp-green"]);
    let clear = record("domain", "bad.example", vec![foreign(json!({"tlp": "clear"}))]);
    assert!(decided(&clear, &public).is_ok() && decided(&clear, &apart).is_ok());
}

#[test]
fn r4_police_are_no_client_and_not_the_same_organisation_unless_it_says_so() {
    let amber = record("domain", "bad.example", vec![foreign(json!({"tlp": "amber"}))]);
    for kind in ["police", "police-international", "csirt", "isac", "vendor"] {
        let kind = format!("kind = \"{kind}\"");
        let edit = ("kind = \"police-international\"", kind.as_str());
        assert_eq!(withheld(&amber, &agreement(&[edit, NO_CLIENT])), ["tlp-amber"]);
        assert_eq!(withheld(&amber, &agreement(&[edit, ("client = true\n", "")])), ["tlp-amber"]);
        assert!(decided(&amber, &agreement(&[edit])).is_ok());
    }
    let same =
        agreement(&[NO_CLIENT, ("organisation = \"body.example\"", "organisation = \"vendor.example\"")]);
    assert!(decided(&amber, &same).is_ok());
}

#[test]
fn r5_all_schemes_must_permit() {
    let one = |extra: Value| domain(json!({"extra": extra}));
    let plain = agreement(&[]);
    assert_eq!(
        withheld(&one(json!({"unknown_markings": ["marking-definition--x"]})), &plain),
        ["unknown-marking"]
    );
    assert_eq!(withheld(&one(json!({"unknown_markings": "x"})), &plain), ["unknown-marking"]);
    assert_eq!(withheld(&one(json!({"marked_fields": "x"})), &plain), ["unknown-marking"]);
    assert_eq!(withheld(&one(json!({"statements": ["(c) 2018"]})), &plain), ["scheme-not-understood"]);
    let without_pap = agreement(&[("schemes = [\"tlp\", \"pap\"]", "schemes = [\"tlp\"]")]);
    assert_eq!(withheld(&domain(json!({})), &without_pap), ["scheme-not-understood"]);
    assert_eq!(withheld(&domain(json!({"pap": "red"})), &plain), ["pap-above-ceiling"]);
    // A marking of a scheme that is not read: as a definition in STIX, as a tag in MISP.
    let acs = json!([
        {"type": "marking-definition", "spec_version": "2.1", "id": "marking-definition--00000000-0000-4000-8000-00000000000a",
         "created": "2018-01-01T00:00:00Z", "extensions": {"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce":
         {"extension_type": "property-extension", "identifier": "isa:guide.19001.ACS3-x"}}},
        stix_indicator("bad.example", json!({"object_marking_refs": [GREEN, "marking-definition--00000000-0000-4000-8000-00000000000a"]})),
    ]);
    assert_eq!(withheld(&stix(acs)[0], &plain), ["unknown-marking"]);
    let absent = json!([stix_indicator(
        "bad.example",
        json!({"object_marking_refs": [GREEN, "marking-definition--00000000-0000-4000-8000-00000000000b"]})
    )]);
    assert_eq!(withheld(&stix(absent)[0], &plain), ["unknown-marking"]);
    for tag in [
        "nato:classification=\"NS\"",
        "iep:commercial-use=\"MUST NOT\"",
        "tlp:unclear",
        "fr-classif:classifiees=\"SECRET\"",
        "dni-ism:classification-us=\"S\"",
    ] {
        let event = json!({"Event": {"uuid": "00000000-0000-4000-8000-00000000000c", "info": "x", "date": "2018-01-01", "timestamp": "1514764800",
            "Tag": [{"name": "tlp:green"}, {"name": tag}],
            "Attribute": [{"uuid": "00000000-0000-4000-8000-00000000000d", "type": "domain", "category": "Network activity", "value": "bad.example", "to_ids": true, "timestamp": "1514764800"}]}});
        let found = read(Format::Misp, &event.to_string());
        let reasons =
            withheld(&found[0], &agreement(&[("roles = [\"c2\", \"compromised\"]", "roles = \"all\"")]));
        assert!(reasons.contains(&"unknown-marking"), "{tag}: {reasons:?}");
    }
}

#[test]
fn r5_a_label_that_is_a_marking_counts_as_one() {
    assert_eq!(
        withheld(&domain(json!({"tlp": "clear", "labels": ["TLP:RED"]})), &agreement(&[])),
        ["tlp-above-ceiling"]
    );
    assert_eq!(withheld(&domain(json!({"labels": ["PAP:RED"]})), &agreement(&[])), ["pap-above-ceiling"]);
    // And a wider one beside does not go out with a stricter one.
    let item = shared(&domain(json!({"labels": ["tlp:clear", "botnet"]})), &agreement(&[]));
    assert_eq!(item.record.contexts[0].labels, ["botnet"]);
}

#[test]
fn r6_what_is_as_it_came_keeps_its_id_and_what_is_changed_is_a_new_object() {
    let may = agreement(&[MAY]);
    let whole = shared(&domain(json!({"description": "a panel"})), &may);
    assert_eq!(whole.id, ID);
    assert_eq!(whole.record.contexts[0].source_id.as_deref(), Some(ID));
    for changed in [
        json!({"description": "ask joe@corp.example"}),
        json!({"labels": ["tlp:amber"]}),
        json!({"countries": [{"code": "MY", "basis": "statement", "evidence": "joe@corp.example"}]}),
        json!({"purposes": ["investigation", "research"]}),
        json!({"description": "x", "extra": {"marked_fields": {"description": {"tlp": "red"}}}}),
        json!({"extra": {"reporter": "x"}}),
        json!({"description": "as secret.example says", "hops": null, "references": ["see x"], "extra": {"novel": 1}}),
    ] {
        let item = shared(&domain(changed.clone()), &may);
        assert_ne!(item.id, ID, "{changed}");
        assert!(
            item.id.starts_with("indicator--")
                && item.record.contexts[0].source_id.as_ref() == Some(&item.id)
        );
        assert!(!json_of(&item).contains(ID), "no trace of the source's id");
    }
    // Facts of other countries are taken out: changed.
    let two = domain(
        json!({"countries": [{"code": "MY", "basis": "statement"}, {"code": "SG", "basis": "statement"}]}),
    );
    assert_ne!(shared(&two, &agreement(&[MAY, ONLY_MY])).id, ID);
    // Somebody else's is never ours to repeat under its id as ours.
    assert_ne!(shared(&record("domain", "bad.example", vec![foreign(json!({}))]), &may).id, ID);
}

#[test]
fn r7_an_id_that_an_item_lost_by_a_quote_goes_out_nowhere() {
    let id = |n: u8| format!("indicator--{n}1111111-1111-4111-8111-111111111111");
    let said = |n: u8, quoted: &str| json!({"source_id": id(n), "description": format!("as {quoted}")});
    let of =
        |n: u8, quoted: &str| record("domain", &format!("bad{n}.example"), vec![context(said(n, quoted))]);
    let secret = record("domain", "secret.example", vec![context(json!({"tlp": "red", "source_id": id(9)}))]);
    // Each quotes the next one, in both orders of their values; the last quotes what stays.
    for (first, last) in [(1, 3), (3, 1)] {
        let records = vec![
            of(first, &id(2)),
            of(2, &id(last)),
            of(last, "secret.example"),
            of(4, &id(5)),
            of(5, "is"),
            secret.clone(),
        ];
        let plan = planned(records, &agreement(&[MAY]));
        assert_eq!(plan.items.len(), 5);
        let all: String = plan.items.iter().map(json_of).collect();
        for n in [1, 2, 3] {
            assert!(!all.contains(&id(n)), "{}", id(n));
        }
        assert!(all.contains(&format!("as {}", id(5))), "what is as it came may be quoted");
        assert_eq!(plan.removed()["quotes-withheld"], 3);
    }
}

#[test]
fn r6_an_item_that_lost_a_quote_is_a_new_object() {
    let records = vec![
        domain(json!({"description": "drops to secret.example"})),
        record(
            "domain",
            "secret.example",
            vec![context(
                json!({"tlp": "red", "source_id": "indicator--22222222-2222-4222-8222-222222222222"}),
            )],
        ),
    ];
    let plan = planned(records, &agreement(&[MAY]));
    assert_eq!(plan.items.len(), 1);
    assert_ne!(plan.items[0].id, ID);
    assert_eq!(plan.items[0].record.contexts[0].source_id.as_ref(), Some(&plan.items[0].id));
    assert_eq!(plan.items[0].record.contexts[0].description, None);
}

#[test]
fn r6_the_new_id_is_the_same_each_time_and_not_to_be_guessed() {
    let record = record("domain", "bad.example", vec![foreign(json!({}))]);
    let by = |secret: [u8; 32]| {
        let Decision::Share(p) = decide(&record, &agreement(&[]), &Ledger::new(&secret, now()), now()) else {
            panic!()
        };
        p.items[0].id.clone()
    };
    assert_eq!(by([1; 32]), by([1; 32]));
    assert_ne!(by([1; 32]), by([2; 32]));
    // Two type names of `other` are two objects.
    let named = agreement(&[("kinds = \"all\"", "kinds = [\"other\"]")]);
    let other = |name: &str| {
        let target = json!({"kind": "other", "value": "abc", "type": name});
        serde_json::from_value(json!({"target": target, "contexts": [context(json!({"source_id": null}))]}))
            .unwrap()
    };
    assert_eq!(planned(vec![other("telfhash"), other("vhash")], &named).items.len(), 2);
}

#[test]
fn r7_no_id_and_no_value_of_what_stays_goes_out() {
    let other = "indicator--22222222-2222-4222-8222-222222222222";
    let records = vec![
        domain(json!({
            "description": format!("see {other}"),
            "references": ["https://vendor.example/i/22222222-2222-4222-8222-222222222222", "https://ok.example/"],
            "labels": ["secret.example", "botnet"], "threat": "secret[.]example",
        })),
        record("domain", "secret.example", vec![context(json!({"tlp": "red", "source_id": other}))]),
    ];
    let plan = planned(records, &agreement(&[MAY]));
    let json = json_of(&plan.items[0]);
    assert!(!json.contains("22222222") && !json.contains("secret"), "{json}");
    assert_eq!(plan.items[0].record.contexts[0].references, ["https://ok.example/"]);
    assert_eq!(plan.items[0].record.contexts[0].labels, ["botnet"]);
}

#[test]
fn r7_only_assertions_go_out_so_a_relationship_or_an_empty_container_cannot() {
    let mut bundle = json!([stix_indicator("bad.example", json!({"object_marking_refs": [GREEN]}))]);
    for (n, type_) in
        ["report", "grouping", "relationship", "sighting", "observed-data", "note"].iter().enumerate()
    {
        bundle.as_array_mut().unwrap().push(json!({
            "type": type_, "spec_version": "2.1", "id": format!("{type_}--00000000-0000-4000-8000-0000000000{n:02}"),
            "created": "2018-01-01T00:00:00Z", "modified": "2018-01-01T00:00:00Z", "object_refs": [ID],
            "relationship_type": "related-to", "source_ref": ID, "target_ref": ID, "sighting_of_ref": ID,
        }));
    }
    let found = stix(bundle);
    assert_eq!(found.len(), 1);
    let plan = planned(found, &agreement(&[]));
    let package = Package::of_plan(&plan, &agreement(&[]), 1, now()).unwrap();
    let out = String::from_utf8(package.files["bundle.stix.json"].clone()).unwrap();
    for type_ in ["\"report\"", "\"relationship\"", "\"sighting\"", "\"observed-data\"", ID] {
        assert!(!out.contains(type_), "{type_}");
    }
}

#[test]
fn r8_one_fact_of_an_accepted_basis_in_scope_lets_it_go() {
    let only = |basis: &str| {
        let basis = format!("basis = [{basis}]");
        agreement(&[ONLY_MY, ("basis = [\"hosting\", \"cctld\", \"victim\", \"statement\"]", &basis)])
    };
    let hosted = |code: &str| domain(json!({"countries": [{"code": code, "basis": "hosting"}]}));
    assert!(decided(&hosted("MY"), &only("\"hosting\"")).is_ok());
    assert_eq!(withheld(&hosted("MY"), &only("\"victim\"")), ["country-unknown"]);
    assert_eq!(withheld(&hosted("SG"), &only("\"hosting\"")), ["country-out-of-scope"]);
    assert_eq!(withheld(&domain(json!({"countries": null})), &only("\"hosting\"")), ["country-unknown"]);
    let send = agreement(&[ONLY_MY, ("unknown_country = \"withhold\"", "unknown_country = \"send\"")]);
    assert!(decided(&domain(json!({"countries": null})), &send).is_ok());
    // In whatever case the code is written.
    assert!(decided(&hosted("my"), &only("\"hosting\"")).is_ok());
}

#[test]
fn r8_two_countries_get_it_each_with_its_own_facts() {
    let both = domain(json!({"countries": [
        {"code": "MY", "basis": "victim"}, {"code": "SG", "basis": "victim", "evidence": "ministry"}, {"code": "ID", "basis": "hosting"}]}));
    for code in ["MY", "SG", "ID"] {
        let scope = format!("countries = [\"{code}\"]\nbasis");
        let item = shared(&both, &agreement(&[("countries = \"all\"\nbasis", &scope)]));
        let codes: Vec<&str> = item.record.contexts[0].countries.iter().map(|c| c.code.as_str()).collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn r9_somebody_to_notify_goes_to_the_victims_country_alone() {
    let compromised =
        |code: &str| domain(json!({"role": "compromised", "countries": [{"code": code, "basis": "victim"}]}));
    let plain = agreement(&[]);
    let item = shared(&compromised("MY"), &plain);
    assert_eq!(item.action, Action::Notify);
    assert_eq!(withheld(&compromised("SG"), &plain), ["victim-of-another-country"]);
    // Where it is hosted does not say whose it is.
    let hosted = domain(json!({"role": "compromised", "countries": [{"code": "MY", "basis": "hosting"}]}));
    assert_eq!(withheld(&hosted, &plain), ["victim-of-another-country"]);
    for (kind, ok) in
        [("police", true), ("csirt", true), ("isac", false), ("vendor", false), ("public", false)]
    {
        let edit = format!("kind = \"{kind}\"");
        let got = decided(&compromised("MY"), &agreement(&[("kind = \"police-international\"", &edit)]));
        assert_eq!(got.is_ok(), ok, "{kind}");
    }
    let other_purpose = agreement(&[(
        "purposes = [\"investigation\", \"victim-notification\"]",
        "purposes = [\"prevention\"]",
    )]);
    assert_eq!(withheld(&compromised("MY"), &other_purpose), ["victim-purpose"]);
    // A victim that is known only weakly to be somewhere else is not taken for one of here.
    let weak = json!({"role": "compromised", "countries": [{"code": "SG", "basis": "victim", "strength": "weak"}, {"code": "MY", "basis": "statement"}]});
    assert_eq!(withheld(&domain(weak), &plain), ["victim-of-another-country"]);
    // Victims of two countries: each gets its own.
    let two = domain(
        json!({"role": "compromised", "countries": [{"code": "MY", "basis": "victim"}, {"code": "SG", "basis": "victim"}]}),
    );
    let item = shared(&two, &plain);
    assert!(item.record.contexts[0].countries.iter().all(|c| c.code == "MY"));
}

#[test]
fn r9_never_into_block_lists_unless_the_agreement_names_them() {
    let record = || {
        domain(
            json!({"role": "compromised", "tlp": "clear", "pap": "clear", "purposes": ["victim-notification", "prevention"], "countries": [{"code": "MY", "basis": "victim"}]}),
        )
    };
    let files = |agreement: &Agreement| {
        let plan = planned(vec![record()], agreement);
        assert_eq!(plan.items[0].action, Action::Notify);
        Package::of_plan(&plan, agreement, 1, now()).unwrap().files
    };
    let silent = files(&agreement(&[ALL_PURPOSES]));
    assert!(silent.keys().all(|name| !name.starts_with("block") && !name.starts_with("detect")));
    let named = files(&agreement(&[
        ALL_PURPOSES,
        ("sidecar = true", "sidecar = true\nblock_roles = [\"compromised\"]"),
    ]));
    assert!(String::from_utf8_lossy(&named["block-names.rpz"]).contains("bad.example"));
}

#[test]
fn r10_a_governments_host_is_tagged_and_to_be_notified_and_its_tlp_stays() {
    for tlp in ["clear", "green", "amber"] {
        let host = record("domain", "portal.gov.my", vec![context(json!({"tlp": tlp, "pap": "clear"}))]);
        let item = shared(&host, &agreement(&[ALL_PURPOSES]));
        assert_eq!((item.action, item.government.as_deref()), (Action::Notify, Some("MY")));
        let context = &item.record.contexts[0];
        assert!(context.labels.contains(&"government".to_string()));
        assert_eq!(context.tlp.unwrap().name(), tlp);
        assert!(context.countries.iter().any(|c| c.code == "MY"));
    }
    let own_suffix = record("domain", "x.gov.example", vec![context(json!({}))]);
    assert_eq!(shared(&own_suffix, &agreement(&[])).government.as_deref(), Some(""));
}

#[test]
fn r11_purposes_are_those_of_both() {
    let plain = agreement(&[]);
    let item = shared(&domain(json!({"purposes": ["investigation", "research"]})), &plain);
    assert_eq!(item.record.contexts[0].purposes, ["investigation"]);
    assert_eq!(withheld(&domain(json!({"purposes": ["research"]})), &plain), ["purpose"]);
    assert_eq!(withheld(&domain(json!({"purposes": ["whatever"]})), &plain), ["purpose"]);
    let mut purposes = shared(&domain(json!({})), &plain).record.contexts[0].purposes.clone();
    purposes.sort();
    assert_eq!(purposes, ["investigation", "victim-notification"]);
}

#[test]
fn r12_a_block_list_from_amber_is_refused_a_detection_list_is_not() {
    let edits = [ALL_PURPOSES];
    let agreement = agreement(&edits);
    for (pap, action, block, detect) in [
        (Some("clear"), Action::Block, true, true),
        (Some("green"), Action::Block, true, true),
        (Some("amber"), Action::Detect, false, true),
        (None, Action::Search, false, false),
    ] {
        let plan = planned(vec![domain(json!({"tlp": "clear", "pap": pap}))], &agreement);
        assert_eq!(plan.items[0].action, action);
        let files = Package::of_plan(&plan, &agreement, 1, now()).unwrap().files;
        assert_eq!(files.contains_key("block-names.rpz"), block, "{pap:?}");
        assert_eq!(files.contains_key("detect.zeek.intel"), detect, "{pap:?}");
    }
    let red = crate::support::agreement(&[ALL_PURPOSES, ("pap = \"amber\"", "pap = \"red\"")]);
    let plan = planned(vec![domain(json!({"tlp": "clear", "pap": "red"}))], &red);
    assert_eq!(plan.items[0].action, Action::Search);
}

#[test]
fn r13_before_after_and_too_old_are_withheld() {
    let plain = agreement(&[]);
    for (fields, reason) in [
        (json!({"valid_from": "2018-01-11"}), Some("not-yet-valid")),
        (json!({"valid_from": "2018-01-10"}), None),
        (json!({"valid_until": "2018-01-10"}), Some("expired")),
        (json!({"valid_until": "2018-01-11"}), None),
        (json!({"last_seen": "2017-07-13"}), Some("too-old")),
        (json!({"last_seen": "2017-07-14"}), None),
        (
            json!({"extra": {"handling": {"onward": "none", "attribution": "may", "delete_by": "2018-01-10"}}}),
            Some("delete-by-passed"),
        ),
        (
            json!({"extra": {"handling": {"onward": "none", "attribution": "may", "delete_by": "soon"}}}),
            Some("delete-by-passed"),
        ),
        (
            json!({"extra": {"handling": {"onward": "none", "attribution": "may", "delete_by": 5}}}),
            Some("delete-by-passed"),
        ),
    ] {
        match reason {
            Some(reason) => assert_eq!(withheld(&domain(fields), &plain), [reason]),
            None => assert!(decided(&domain(fields.clone()), &plain).is_ok(), "{fields}"),
        }
    }
}

#[test]
fn r13_delete_by_is_the_earlier_limit_and_sending_again_does_not_extend_it() {
    let short = agreement(&[("days = 1825", "days = 30"), MAY]);
    let record = domain(json!({}));
    let first = shared(&record, &short);
    assert_eq!(first.delete_by, Some(at("2018-02-09")));
    let limited = domain(
        json!({"extra": {"handling": {"onward": "none", "attribution": "may", "delete_by": "2018-01-20"}}}),
    );
    assert_eq!(shared(&limited, &short).delete_by, Some(at("2018-01-20")));
    let mut ledger = Ledger::none(OWN);
    ledger.push(now(), sent(&first.id));
    let later = at("2018-01-25");
    let again = |record| match decide(record, &short, &ledger, later) {
        Decision::Share(p) => p.items[0].clone(),
        Decision::Withhold(reasons) => panic!("{reasons:?}"),
    };
    assert_eq!(again(&record).delete_by, Some(at("2018-02-09")));
    // Nor where it goes out changed now, under another id.
    let changed = again(&domain(json!({"description": "ask joe@corp.example"})));
    assert_ne!(changed.id, first.id);
    assert_eq!(changed.delete_by, Some(at("2018-02-09")));
}

fn sent(item: &str) -> Event {
    Event::Share {
        agreement: "vendor-body-2017@3".into(),
        recipient: "body.example".into(),
        item: item.into(),
        projection: String::new(),
        role: None,
        giver: None,
        source_id: Some("upstream-1".into()),
        delete_by: None,
        notify: false,
    }
}

#[test]
fn r14_a_notice_goes_to_who_got_it_and_says_id_revoked_and_why() {
    let revoked = domain(json!({"revoked": true, "description": "x"}));
    assert_eq!(withheld(&revoked, &agreement(&[MAY])), ["revoked"]);
    let mut ledger = Ledger::none(OWN);
    let records = Records::new([revoked]);
    let notices = |ledger: &Ledger| plan(&records, &[&agreement(&[MAY])], ledger, now()).unwrap().1.notices;
    assert_eq!(notices(&ledger), []);
    ledger.push(now(), sent(ID));
    let got = notices(&ledger);
    assert_eq!(
        serde_json::to_value(&got).unwrap(),
        json!([{"item": ID, "revoked": true, "reason": "revoked-by-producer"}])
    );
    let told = Event::Revoke {
        agreement: String::new(),
        recipient: "body.example".into(),
        item: ID.into(),
        reason: "x".into(),
    };
    ledger.push(now(), told);
    assert_eq!(notices(&ledger), []);
    assert_eq!(ledger.items_of("upstream-1").into_iter().collect::<Vec<_>>(), [ID], "by the giver's id too");
}

#[test]
fn r14_what_was_taken_back_does_not_go_out_again() {
    // Another version of the same statement is still in the feed.
    let versions = record(
        "domain",
        "bad.example",
        vec![context(json!({"revoked": true})), context(json!({"revoked": null}))],
    );
    assert_eq!(withheld(&versions, &agreement(&[])), ["revoked"]);
    // The provider took it back, from whomever.
    let mut ledger = Ledger::none(OWN);
    ledger.push(now(), sent(ID));
    ledger.push(
        now(),
        Event::Revoke {
            agreement: String::new(),
            recipient: "body.example".into(),
            item: ID.into(),
            reason: "x".into(),
        },
    );
    assert_eq!(
        decide(&domain(json!({})), &agreement(&[]), &ledger, now()),
        Decision::Withhold(vec![Withheld::Revoked])
    );
}

#[test]
fn r15_a_wider_marking_wants_a_consent_with_who_when_and_reference() {
    let consent = "[[consent]]\nwho = \"vendor.example\"\nwhen = 2017-11-02";
    let item = "indicator--00000000-0000-4000-8000-000000000001";
    let amber = |id: &str| {
        record("domain", "bad.example", vec![foreign(json!({"tlp": "amber+strict", "source_id": id}))])
    };
    assert_eq!(withheld(&amber(item), &agreement(&[UP_TO_RED])), ["tlp-amber-strict"]);
    let given = agreement(&[UP_TO_RED, (consent, "[[consent]]\nwho = \"other.example\"\nwhen = 2017-11-02")]);
    assert_eq!(shared(&amber(item), &given).record.contexts[0].tlp, Some(Tlp::Green));
    // For other items, and before its day, it is none.
    assert_eq!(
        withheld(&amber("indicator--00000000-0000-4000-8000-000000000002"), &given),
        ["tlp-amber-strict"]
    );
    let later = agreement(&[UP_TO_RED, (consent, "[[consent]]\nwho = \"other.example\"\nwhen = 2018-02-01")]);
    assert_eq!(withheld(&amber(item), &later), ["tlp-amber-strict"]);
    for missing in [
        "who = \"vendor.example\"\nwhen",
        "when = 2017-11-02\n",
        "reference = \"Letter of 2 November 2017\"\n",
    ] {
        let text = text(&[(missing, if missing.ends_with("when") { "when" } else { "" })]);
        assert!(Agreement::parse(&text).is_err(), "{missing}");
    }
}

#[test]
fn r16_must_not_takes_out_all_that_points_to_the_producer() {
    let full = record(
        "domain",
        "bad.example",
        vec![foreign(json!({
            "tlp": "clear",
            "description": "OTHER.example found it", "labels": ["other.example"], "threat": "Other.Example:Trojan",
            "references": ["https://other.example/report"], "provider": "other[.]example hosting",
            "confidence": {"value": 80, "source": "other.example", "scale": "scale of other.example"},
            "countries": [{"code": "MY", "basis": "statement", "evidence": "other.example's sensor"}],
            "hops": [{"who": "relay.example", "when": "2018-01-02", "agreement": "other-relay@1", "action": "made by other.example"}],
            "extra": {"Orgc": {"name": "other.example"}, "event_creator_email": "joe@other.example", "reporter": "other.example", "uuid": "x", "created_by_ref": "identity--x"},
        }))],
    );
    let item = shared(&full, &agreement(&[]));
    let json = json_of(&item).to_lowercase();
    for secret in ["other", "relay", "identity--", "joe", "11111111-1111"] {
        assert!(!json.contains(secret), "{secret} in {json}");
    }
    assert_eq!(item.record.contexts[0].hops[0].who, "withheld");
    // A file name of the producer's tools is the value itself.
    let tool = record("file-name", "other.example-sensor.exe", vec![foreign(json!({"tlp": "clear"}))]);
    assert_eq!(withheld(&tool, &agreement(&[])), ["names-producer"]);
    assert!(decided(&tool, &agreement(&[MAY])).is_ok());
}

#[test]
fn r16_chatham_house_is_must_not() {
    let event = json!({"Event": {"uuid": "00000000-0000-4000-8000-00000000000c", "info": "x", "date": "2018-01-01", "timestamp": "1514764800",
        "Orgc": {"name": "other.example", "uuid": "00000000-0000-4000-8000-00000000000e"},
        "Tag": [{"name": "tlp:green"}, {"name": "tlp:ex:chr"}],
        "Attribute": [{"uuid": "00000000-0000-4000-8000-00000000000d", "type": "domain", "category": "Network activity", "value": "bad.example", "to_ids": true, "timestamp": "1514764800"}]}});
    let found = read(Format::Misp, &event.to_string());
    let item = shared(&found[0], &agreement(&[MAY]));
    let json = json_of(&item);
    assert!(!json.contains("other.example"), "{json}");
    assert!(json.contains("\"attribution\":\"must-not\"") && json.contains("tlp:ex:chr"), "{json}");
}

#[test]
fn r17_what_carries_no_marking_holds_clear_alone_or_goes_with_a_sidecar() {
    let lists = |tlp: &str, agreement: &Agreement| {
        let plan = planned(vec![domain(json!({"tlp": tlp}))], agreement);
        Package::of_plan(&plan, agreement, 1, now()).unwrap().files
    };
    let plain = agreement(&[ALL_PURPOSES, ("sidecar = true", "sidecar = false")]);
    assert!(lists("clear", &plain).contains_key("block-names.rpz"));
    for tlp in ["green", "amber"] {
        let files = lists(tlp, &plain);
        assert!(files.keys().all(|n| !n.starts_with("block") && !n.starts_with("detect")), "{tlp}");
        let files = lists(tlp, &agreement(&[ALL_PURPOSES]));
        let sidecar = String::from_utf8(files["lists-handling.csv"].clone()).unwrap();
        assert!(
            files.contains_key("block-names.rpz") && sidecar.contains(&format!("TLP:{}", tlp.to_uppercase()))
        );
    }
}

#[test]
fn r17_formats_with_a_place_for_it_carry_the_marking() {
    let plan =
        planned(vec![domain(json!({"tlp": "amber+strict", "pap": "amber"}))], &agreement(&[UP_TO_RED]));
    let files = Package::of_plan(&plan, &agreement(&[UP_TO_RED]), 1, now()).unwrap().files;
    for (name, format) in [
        ("bundle.stix.json", Format::Stix),
        ("event.misp.json", Format::Misp),
        ("indicators.jsonl", Format::Jsonl),
    ] {
        let found = read(format, &String::from_utf8(files[name].clone()).unwrap());
        let context = &found[0].contexts[0];
        assert_eq!((context.tlp, context.pap), (Some(Tlp::AmberStrict), Some(Pap::Amber)), "{name}");
    }
}

#[test]
fn r18_a_withheld_assertion_does_not_block_another_and_leaves_no_trace() {
    let clear = foreign(json!({"tlp": "clear", "first_seen": "2018-01-01", "confidence": {"value": 50}}));
    let red = context(
        json!({"tlp": "red", "first_seen": "2010-01-01", "confidence": {"value": 99}, "labels": ["apt99"], "role": "compromised", "source_id": "indicator--33333333-3333-4333-8333-333333333333", "countries": [{"code": "SG", "basis": "victim"}]}),
    );
    let alone = shared(&record("domain", "bad.example", vec![clear.clone()]), &agreement(&[]));
    let both = shared(&record("domain", "bad.example", vec![red.clone(), clear.clone()]), &agreement(&[]));
    assert_eq!(json_of(&alone), json_of(&both));
    let bytes = |records| {
        let plan = planned(records, &agreement(&[ALL_PURPOSES]));
        Package::of_plan(&plan, &agreement(&[ALL_PURPOSES]), 1, now()).unwrap().files
    };
    let one = |context: Value| record("domain", "bad.example", vec![context]);
    assert_eq!(bytes(vec![one(clear.clone())]), bytes(vec![one(red), one(clear)]));
}

#[test]
fn r18_not_even_in_how_the_value_is_written() {
    let one = |value: &str, context: Value| record("url", value, vec![context]);
    let clear = || one("http://bad.example/x", foreign(json!({"tlp": "clear"})));
    let red = || one("ftp://admin:pw@bad.example/x#t", context(json!({"tlp": "red"})));
    let alone = planned(vec![clear()], &agreement(&[]));
    let both = planned(vec![red(), clear()], &agreement(&[]));
    assert_eq!(alone.items, both.items);
    assert_eq!(both.items[0].record.target.value(), "http://bad.example/x");
}

#[test]
fn r18_nor_in_what_the_page_counts() {
    let records = || {
        vec![
            domain(json!({"description": "drops to secret.example"})),
            domain(
                json!({"source_id": "x-123456", "role": "c2", "description": "y", "extra": {"marked_fields": {"description": {"tlp": "red"}}}}),
            ),
        ]
    };
    let mut with = records();
    with.push(record("domain", "secret.example", vec![context(json!({"tlp": "red"}))]));
    let page = |records| {
        let plan = planned(records, &agreement(&[]));
        String::from_utf8(
            Package::of_plan(&plan, &agreement(&[]), 1, now()).unwrap().files["report.html"].clone(),
        )
        .unwrap()
    };
    for page in [page(records()), page(with)] {
        assert!(!page.contains("quotes-withheld") && !page.contains("marked-field"));
    }
}

#[test]
fn r19_a_plan_lists_what_goes_what_stays_and_why_with_counts() {
    let records = vec![
        domain(json!({})),
        record("domain", "a.example", vec![context(json!({"tlp": "red"}))]),
        record("domain", "b.example", vec![context(json!({"tlp": "red", "role": "phishing"}))]),
    ];
    let plan = planned(records, &agreement(&[]));
    assert_eq!(plan.items.len(), 1);
    assert_eq!(plan.held.len(), 2);
    let counts = plan.held_by_reason();
    assert_eq!((counts[&Withheld::TlpCeiling], counts[&Withheld::Role]), (2, 1));
}

#[test]
fn r20_the_ledger_is_chained_and_holds_withheld_values_as_keyed_hashes() {
    let mut ledger = Ledger::new(&[3; 32], now());
    let value = ledger.keyed_value(indicia_core::Kind::Domain, "secret.example");
    assert_ne!(value, Ledger::new(&[4; 32], now()).keyed_value(indicia_core::Kind::Domain, "secret.example"));
    ledger.push(
        now(),
        Event::Withhold {
            agreement: "a@1".into(),
            recipient: "b".into(),
            value,
            reasons: vec!["tlp-red".into()],
        },
    );
    ledger.push(now(), sent(ID));
    let text = ledger.take_new();
    assert!(!text.contains("secret"));
    assert_eq!(Ledger::read(&text, Some(&[3; 32])).unwrap().head(), ledger.head());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let without = [lines[0], lines[2]].concat();
    assert_eq!(ledger::each(&without, |_, _, _| Ok(())), Err(LedgerError::Chain { line: 2 }));
    let swapped = [lines[0], lines[2], lines[1]].concat();
    assert!(ledger::each(&swapped, |_, _, _| Ok(())).is_err());
    assert!(ledger::each(&text.replace("tlp-red", "tlp-rad"), |_, _, _| Ok(())).is_err());
    assert_eq!(Ledger::read(&text, Some(&[5; 32])).unwrap_err(), LedgerError::Key);
}

#[test]
fn all_reasons_are_told_in_the_order_of_the_table() {
    let bad = record(
        "domain",
        "bad.example",
        vec![foreign(json!({
        "tlp": "red", "pap": "red", "role": "compromised", "purposes": ["research"], "valid_until": "2017-12-01", "last_seen": "2016-01-01",
        "countries": [{"code": "SG", "basis": "victim"}], "extra": {"unknown_markings": ["x"]}}))],
    );
    let got = withheld(&bad, &agreement(&[ONLY_MY]));
    assert_eq!(
        got,
        [
            "tlp-above-ceiling",
            "tlp-red",
            "unknown-marking",
            "pap-above-ceiling",
            "country-out-of-scope",
            "victim-of-another-country",
            "purpose",
            "expired",
            "too-old",
        ]
    );
    let place = |code: &str| Withheld::ALL.iter().position(|r| r.code() == code).unwrap();
    assert!(got.is_sorted_by_key(|code| place(code)));
}
