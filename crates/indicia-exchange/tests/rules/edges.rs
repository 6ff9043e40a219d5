//! The edge cases of the rules.

use indicia_core::{Country, Indicator, Tlp};
use indicia_exchange::country;
use indicia_exchange::ledger::Event;
use indicia_exchange::package::{Package, PackageType};
use indicia_exchange::plan::{Records, plan};
use indicia_exchange::{Action, Agreement, Ledger};
use serde_json::{Value, json};

use crate::support::*;

fn granular(marking: &str, selector: &str) -> Value {
    json!([{"marking_ref": marking, "selectors": [selector]}])
}

#[test]
fn edge_green_with_granular_red_on_pattern_is_withheld() {
    let fields = json!({"object_marking_refs": [GREEN], "granular_markings": granular(RED, "pattern")});
    let found = stix(json!([stix_indicator("bad.example", fields)]));
    assert_eq!(withheld(&found[0], &agreement(&[])), ["tlp-above-ceiling"]);
    // The same said by our own names.
    for field in ["target", "value", "role", "valid_from", "countries", "purposes", "hops"] {
        let record = domain(json!({"tlp": "green", "extra": {"marked_fields": {field: {"tlp": "red"}}}}));
        assert_eq!(withheld(&record, &agreement(&[])), ["tlp-above-ceiling"], "{field}");
    }
}

#[test]
fn edge_green_with_granular_red_on_description_is_a_projection_with_a_new_id() {
    let fields = json!({"object_marking_refs": [GREEN], "granular_markings": granular(RED, "description"), "description": "a RED word"});
    let found = stix(json!([stix_indicator("bad.example", fields)]));
    let item = shared(&found[0], &agreement(&[MAY]));
    assert_ne!(item.id, ID);
    assert_eq!(item.record.contexts[0].description, None);
    assert_eq!(item.record.contexts[0].tlp, Some(Tlp::Green));
    assert!(!json_of(&item).contains("RED word"));
}

#[test]
fn edge_a_granular_mark_that_is_not_known_or_a_statement_takes_its_field() {
    let marked = |marks: Value| {
        domain(json!({"description": "word", "extra": {"marked_fields": {"description": marks}}}))
    };
    for marks in [
        json!({"unknown": ["x"]}),
        json!({"iep": "x"}),
        json!({"tlp": 3}),
        json!("red"),
        json!({"statements": ["(c)"]}),
    ] {
        let item = shared(&marked(marks.clone()), &agreement(&[]));
        assert_eq!(item.record.contexts[0].description, None, "{marks}");
    }
    let kept = agreement(&[("schemes = [\"tlp\", \"pap\"]", "schemes = [\"tlp\", \"pap\", \"statement\"]")]);
    let item = shared(&marked(json!({"statements": ["(c) 2018"]})), &kept);
    assert_eq!(item.record.contexts[0].description.as_deref(), Some("word"));
    assert_eq!(item.record.contexts[0].extra["statements"], json!(["(c) 2018"]), "and goes with it");
}

#[test]
fn edge_tlp_1_and_tlp_2_that_disagree_the_stricter_holds() {
    for refs in [[GREEN_1, AMBER], [AMBER, GREEN_1]] {
        let found = stix(json!([stix_indicator("bad.example", json!({"object_marking_refs": refs}))]));
        assert_eq!(shared(&found[0], &agreement(&[])).record.contexts[0].tlp, Some(Tlp::Amber));
    }
}

#[test]
fn edge_clear_inside_a_green_report_is_green_there_and_clear_alone() {
    let report = json!({
        "type": "report", "spec_version": "2.1", "id": "report--00000000-0000-4000-8000-000000000002", "name": "r",
        "published": "2018-01-01T00:00:00Z", "created": "2018-01-01T00:00:00Z", "modified": "2018-01-01T00:00:00Z",
        "object_refs": [ID], "object_marking_refs": [GREEN],
    });
    let inner = stix_indicator("bad.example", json!({"object_marking_refs": [CLEAR]}));
    for (objects, tlp) in [(json!([inner, report]), Tlp::Green), (json!([inner]), Tlp::Clear)] {
        assert_eq!(shared(&stix(objects)[0], &agreement(&[])).record.contexts[0].tlp, Some(tlp));
    }
}

#[test]
fn edge_amber_and_amber_strict_both_is_strict() {
    let found =
        stix(json!([stix_indicator("bad.example", json!({"object_marking_refs": [AMBER, AMBER_STRICT]}))]));
    assert_eq!(withheld(&found[0], &agreement(&[])), ["tlp-above-ceiling"]);
    assert_eq!(shared(&found[0], &agreement(&[UP_TO_RED])).record.contexts[0].tlp, Some(Tlp::AmberStrict));
}

#[test]
fn edge_a_domain_on_id_hosted_in_singapore_is_of_both_by_different_facts() {
    let hosted = json!({"countries": [{"code": "SG", "basis": "hosting"}]});
    let name = record("domain", "bad.co.id", vec![context(hosted)]);
    for (code, basis) in [("ID", "cctld"), ("SG", "hosting")] {
        let scope = format!("countries = [\"{code}\"]\nbasis");
        let item = shared(&name, &agreement(&[("countries = \"all\"\nbasis", &scope)]));
        let [Country { code: got, basis: by, .. }] = &item.record.contexts[0].countries[..] else { panic!() };
        assert_eq!((got.as_str(), by.as_deref()), (code, Some(basis)));
    }
}

#[test]
fn edge_an_anycast_address_is_weak_and_not_sent_where_unknown_is_withheld() {
    let anycast = record(
        "ipv4",
        "192.0.2.7",
        vec![context(json!({"countries": [{"code": "MY", "basis": "hosting", "strength": "weak"}]}))],
    );
    assert_eq!(withheld(&anycast, &agreement(&[ONLY_MY])), ["country-unknown"]);
    let send = agreement(&[ONLY_MY, ("unknown_country = \"withhold\"", "unknown_country = \"send\"")]);
    assert!(decided(&anycast, &send).is_ok());
    // In whatever words, what is not strong is weak.
    for word in ["Weak", "low", "guess"] {
        let fact = json!({"countries": [{"code": "MY", "basis": "hosting", "strength": word}]});
        assert_eq!(
            withheld(&record("ipv4", "192.0.2.7", vec![context(fact)]), &agreement(&[ONLY_MY])),
            ["country-unknown"]
        );
    }
}

#[test]
fn edge_generic_use_cctlds_are_weak() {
    for (name, code) in
        [("bad.io", "IO"), ("bad.co", "CO"), ("bad.tv", "TV"), ("bad.me", "ME"), ("bad.ai", "AI")]
    {
        let scope = format!("countries = [\"{code}\"]\nbasis");
        let only = agreement(&[("countries = \"all\"\nbasis", &scope)]);
        let bare = record("domain", name, vec![context(json!({"countries": null}))]);
        assert_eq!(withheld(&bare, &only), ["country-unknown"], "{name}");
        // A producer cannot make it strong.
        let said = json!({"countries": [{"code": code, "basis": "cctld", "strength": "strong"}]});
        assert_eq!(
            withheld(&record("domain", name, vec![context(said)]), &only),
            ["country-unknown"],
            "{name}"
        );
    }
}

#[test]
fn edge_su_eu_int_have_no_country() {
    for name in ["bad.su", "bad.eu", "bad.int"] {
        let bare = record("domain", name, vec![context(json!({"countries": null}))]);
        assert_eq!(withheld(&bare, &agreement(&[ONLY_MY])), ["country-unknown"], "{name}");
        let facts = country::facts(&bare.target.observable, &country::Sources::default()).unwrap();
        assert_eq!(facts, [], "{name}");
    }
}

#[test]
fn edge_c2_on_a_compromised_ministry_server_is_one_to_notify() {
    let c2 = context(json!({"tlp": "clear", "pap": "clear"}));
    let compromised = context(
        json!({"tlp": "clear", "pap": "clear", "role": "compromised", "source_id": "indicator--22222222-2222-4222-8222-222222222222"}),
    );
    let ministry = record("domain", "portal.gov.my", vec![c2, compromised]);
    let items = decided(&ministry, &agreement(&[ALL_PURPOSES])).unwrap();
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| item.action == Action::Notify));
    let elsewhere = agreement(&[("countries = [\"ID\", \"MY\"]", "countries = [\"SG\"]")]);
    assert_eq!(withheld(&ministry, &elsewhere), ["victim-of-another-country"]);
}

#[test]
fn edge_a_victims_address_in_an_actors_url_is_a_redacted_url_and_the_whole_domain() {
    let url = record(
        "url",
        "http://actor.example/gate.php?victim=joe%40ministry.example",
        vec![context(json!({}))],
    );
    let name = record(
        "domain",
        "actor.example",
        vec![context(json!({"source_id": "indicator--22222222-2222-4222-8222-222222222222"}))],
    );
    let plan = planned(vec![url, name], &agreement(&[]));
    let values: Vec<String> = plan.items.iter().map(|i| i.record.target.value().into_owned()).collect();
    assert_eq!(values, ["actor.example", "http://actor.example/gate.php?"]);
    assert!(plan.items.iter().all(|item| !json_of(item).contains("ministry")));
}

#[test]
fn edge_red_and_clear_of_two_sources_shares_the_clear_one_without_a_trace() {
    let red = context(json!({"tlp": "red", "labels": ["apt99"], "first_seen": "2001-01-01"}));
    let clear = foreign(json!({"tlp": "clear"}));
    let item = shared(&record("domain", "bad.example", vec![red, clear]), &agreement(&[MAY]));
    assert_eq!(item.record.contexts[0].producer.as_deref(), Some("other.example"));
    let json = json_of(&item);
    assert!(!json.contains("apt99") && !json.contains("2001"));
}

#[test]
fn edge_a_notice_is_sent_after_the_agreements_end() {
    let mut ledger = Ledger::none(OWN);
    ledger.push(
        at("2020-10-11"),
        Event::Share {
            agreement: "vendor-body-2017@3".into(),
            recipient: "body.example".into(),
            item: ID.into(),
            projection: String::new(),
            role: None,
            giver: None,
            source_id: None,
            delete_by: None,
            notify: false,
        },
    );
    let after = at("2020-10-13");
    let records = Records::new([domain(json!({"revoked": true}))]);
    let (agreement, plan) = plan(&records, &[&agreement(&[])], &ledger, after).unwrap();
    assert_eq!((plan.items.len(), plan.notices.len()), (0, 1));
    // And it is taken there: a package of items would be refused as the agreement has ended.
    let package = Package::of_plan(&plan, &agreement, 2, after).unwrap();
    assert_eq!(package.manifest.type_, PackageType::Notices);
    assert!(package.manifest.valid_until > after);
}

#[test]
fn edge_valid_until_before_valid_from_is_told_and_not_shared() {
    let backwards = domain(json!({"valid_from": "2018-01-09", "valid_until": "2018-01-08"}));
    assert_eq!(
        withheld(&backwards, &agreement(&[])),
        ["bad-interval", "expired"].map(|c| c).into_iter().rev().collect::<Vec<_>>()
    );
    let later = domain(json!({"valid_from": "2018-03-01", "valid_until": "2018-02-01"}));
    assert!(withheld(&later, &agreement(&[])).contains(&"bad-interval"));
}

#[test]
fn edge_created_in_the_future_is_embargoed() {
    let found = stix(json!([stix_indicator(
        "bad.example",
        json!({"object_marking_refs": [GREEN], "created": "2018-01-10T00:05:00.000Z"})
    )]));
    assert_eq!(withheld(&found[0], &agreement(&[])), ["not-yet-valid"]);
}

#[test]
fn edge_an_empty_country_set_permits_nothing_and_all_permits_all() {
    let none = agreement(&[("countries = \"all\"\nbasis", "countries = []\nbasis")]);
    assert_eq!(withheld(&domain(json!({})), &none), ["country-out-of-scope"]);
    let send = agreement(&[
        ("countries = \"all\"\nbasis", "countries = []\nbasis"),
        ("unknown_country = \"withhold\"", "unknown_country = \"send\""),
    ]);
    assert_eq!(withheld(&domain(json!({"countries": null})), &send), ["country-out-of-scope"]);
    assert!(
        decided(&domain(json!({"countries": [{"code": "SG", "basis": "hosting"}]})), &agreement(&[])).is_ok()
    );
    assert!(decided(&domain(json!({"countries": null})), &agreement(&[])).is_ok());
}

#[test]
fn edge_the_recipients_own_is_not_echoed() {
    for name in ["body.example", "Body.Example"] {
        let own = record("domain", "bad.example", vec![foreign(json!({"tlp": "clear", "producer": name}))]);
        assert_eq!(withheld(&own, &agreement(&[])), ["echo"]);
    }
}

/// The agreement by which B gives back to A, or to somebody else.
fn back(recipient: &str) -> Agreement {
    agreement(&[
        ("[provider]\nid = \"vendor.example\"", "[provider]\nid = \"body.example\""),
        ("[recipient]\nid = \"body.example\"", &format!("[recipient]\nid = \"{recipient}\"")),
        ("organisation = \"body.example\"\n", ""),
        MAY,
    ])
}

#[test]
fn edge_a_loop_from_a_to_b_to_a_is_stopped() {
    for onto in [agreement(&[MAY]), agreement(&[])] {
        let out = shared(&domain(json!({"tlp": "clear"})), &onto);
        let received: Indicator = serde_json::from_str(&json_of(&out)).unwrap();
        assert!(withheld(&received, &back("vendor.example")).contains(&"echo"));
        let listed = back("police.xa.example");
        assert!(decided(&received, &listed).is_ok(), "but on to who is listed");
        assert_eq!(withheld(&received, &back("police.xb.example")), ["not-onward"]);
    }
}

#[test]
fn edge_an_sco_id_counts_as_the_value() {
    let value = json!({"value": "secret.example"}).to_string();
    let namespace = uuid::Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
    let sco = uuid::Uuid::new_v5(&namespace, value.as_bytes());
    let records = vec![
        domain(
            json!({"description": format!("resolves to domain-name--{sco}"), "labels": [sco.to_string()]}),
        ),
        record("domain", "secret.example", vec![context(json!({"tlp": "red"}))]),
        // Nor as an id that an item of ours kept.
        record("domain", "third.example", vec![context(json!({"source_id": format!("indicator--{sco}")}))]),
    ];
    let plan = planned(records, &agreement(&[MAY]));
    assert_eq!(plan.items.len(), 2);
    assert!(plan.items.iter().all(|item| !json_of(item).contains(&sco.to_string())));
}

#[test]
fn edge_the_hash_of_an_address_or_telephone_number_counts_as_the_value() {
    use sha2::Digest;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (ip, phone) = ("203.0.113.99", "+60123456789");
    let hashes = [
        hex(&sha2::Sha256::digest(ip)),
        hex(&md5::Md5::digest(ip)),
        hex(&sha1::Sha1::digest(ip)),
        hex(&sha2::Sha512::digest(ip)),
        hex(&sha2::Sha256::digest(phone)),
        hex(&md5::Md5::digest(phone)),
    ];
    for hash in hashes {
        let records = vec![
            domain(json!({"description": format!("victim {}", hash.to_uppercase()), "threat": hash})),
            record("ipv4", ip, vec![context(json!({"tlp": "red"}))]),
            record("phone", phone, vec![context(json!({}))]),
        ];
        let plan = planned(records, &agreement(&[]));
        assert_eq!(plan.items.len(), 1);
        assert!(!json_of(&plan.items[0]).to_lowercase().contains(&hash), "{hash}");
    }
}

#[test]
fn edge_a_statement_is_no_restriction_only_where_it_is_listed() {
    let copyright = || {
        let id = "marking-definition--00000000-0000-4000-8000-00000000000f";
        let definition = json!({"type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2018-01-01T00:00:00Z", "definition_type": "statement", "definition": {"statement": "Copyright 2018"}});
        stix(json!([definition, stix_indicator("bad.example", json!({"object_marking_refs": [GREEN, id]}))]))
            .remove(0)
    };
    assert_eq!(withheld(&copyright(), &agreement(&[])), ["scheme-not-understood"]);
    let listed =
        agreement(&[("schemes = [\"tlp\", \"pap\"]", "schemes = [\"tlp\", \"pap\", \"statement\"]")]);
    let item = shared(&copyright(), &listed);
    assert_eq!(item.record.contexts[0].extra["statements"], json!(["Copyright 2018"]));
    // In whatever shape it stands, it is not lost.
    let alone = shared(&domain(json!({"extra": {"statements": "Copyright 2018"}})), &listed);
    assert_eq!(alone.record.contexts[0].extra["statements"], json!(["Copyright 2018"]));
    assert_eq!(
        withheld(&domain(json!({"extra": {"statements": [{"text": "x"}]}})), &listed),
        ["unknown-marking"]
    );
}

#[test]
fn edge_a_country_that_changed_its_code_is_the_same_country() {
    let timor = agreement(&[("countries = \"all\"\nbasis", "countries = [\"TP\"]\nbasis")]);
    for code in ["TP", "TL"] {
        let item = shared(&domain(json!({"countries": [{"code": code, "basis": "statement"}]})), &timor);
        assert_eq!(item.record.contexts[0].countries[0].code, "TL");
    }
    let burma = agreement(&[("countries = [\"ID\", \"MY\"]", "countries = [\"BU\"]")]);
    assert!(
        decided(
            &domain(json!({"role": "compromised", "countries": [{"code": "MM", "basis": "victim"}]})),
            &burma
        )
        .is_ok()
    );
}

#[test]
fn edge_an_item_without_time_is_withheld_where_there_is_a_greatest_age() {
    let timeless = domain(json!({"last_seen": null}));
    assert_eq!(withheld(&timeless, &agreement(&[])), ["no-time"]);
    assert!(decided(&timeless, &agreement(&[("max_age_days = 180\n", "")])).is_ok());
}

#[test]
fn edge_of_two_versions_in_force_the_stricter_counts() {
    let both = |a: &Agreement, b: &Agreement, record: &Indicator| {
        let records = Records::new([record.clone()]);
        let one = |x, y| {
            let (_, plan) = plan(&records, &[x, y], &Ledger::none(OWN), now()).unwrap();
            plan.items.into_iter().next()
        };
        let (first, second) = (one(a, b), one(b, a));
        assert_eq!(first.is_some(), second.is_some());
        first
    };
    let plain = agreement(&[]);
    let item = domain(json!({"pap": "amber"}));
    assert!(both(&plain, &plain, &item).is_some());
    let compromised = domain(json!({"role": "compromised"}));
    let phone = record("phone", "+60123456789", vec![context(json!({}))]);
    let stricter = [
        (vec![("tlp = \"amber\"\npap", "tlp = \"green\"\npap")], &item),
        (vec![("pap = \"amber\"", "pap = \"green\"")], &item),
        (vec![("schemes = [\"tlp\", \"pap\"]", "schemes = [\"tlp\"]")], &item),
        (vec![("roles = [\"c2\", \"compromised\"]", "roles = [\"compromised\"]")], &item),
        (vec![("kinds = \"all\"", "kinds = [\"ipv4\"]")], &item),
        (vec![("countries = \"all\"\nbasis", "countries = [\"SG\"]\nbasis")], &item),
        (vec![("max_age_days = 180", "max_age_days = 3")], &item),
        (vec![("max_age_days = 180", "max_age_days = 180\nmin_confidence = 10")], &item),
        (
            vec![("purposes = [\"investigation\", \"victim-notification\"]", "purposes = [\"research\"]")],
            &item,
        ),
        (vec![("kind = \"police-international\"", "kind = \"isac\"")], &compromised),
        // `all` leaves out who is to be notified, so together with a list that names them they stay out.
        (vec![("roles = [\"c2\", \"compromised\"]", "roles = \"all\"")], &compromised),
        (vec![("countries = [\"ID\", \"MY\"]", "countries = [\"ID\"]")], &compromised),
        (vec![("id = \"body.example\"\nkind", "id = \"else.example\"\nkind")], &item),
    ];
    for (edits, record) in &stricter {
        assert!(both(&plain, &agreement(edits), record).is_none(), "{edits:?}");
    }
    let csirt = agreement(&[("kind = \"police-international\"", "kind = \"csirt\"")]);
    let isac = agreement(&[("kind = \"police-international\"", "kind = \"isac\"")]);
    assert!(both(&csirt, &isac, &compromised).is_none());
    let phones = agreement(&[("kinds = \"all\"", "kinds = [\"phone\"]")]);
    assert!(both(&plain, &phones, &phone).is_none());
    let amber = record("domain", "bad.example", vec![foreign(json!({}))]);
    assert!(both(&plain, &agreement(&[NO_CLIENT]), &amber).is_none());
    let same =
        agreement(&[NO_CLIENT, ("organisation = \"body.example\"", "organisation = \"vendor.example\"")]);
    assert!(both(&same, &same, &amber).is_some() && both(&same, &agreement(&[NO_CLIENT]), &amber).is_none());
    let green = record("domain", "bad.example", vec![foreign(json!({"tlp": "green"}))]);
    let apart = agreement(&[("communities = [\"asean-2017\"]\nclient", "client")]);
    assert!(both(&plain, &apart, &green).is_none());
    // What goes out carries the stricter handling.
    let short = agreement(&[
        ("days = 1825", "days = 10"),
        ("onward = \"listed\"\nonward_to = [\"police.xa.example\"]", "onward = \"none\""),
    ]);
    let out = both(&agreement(&[MAY]), &short, &item).unwrap();
    assert_eq!(out.delete_by, Some(at("2018-01-20")));
    assert_eq!(out.record.contexts[0].extra["handling"]["onward"], "none");
    assert_eq!(out.record.contexts[0].extra["handling"]["attribution"], "must-not");
}
