//! What holds for any record: purity, no widening over hops, no trace of a producer that is not to be named, no
//! country out of scope, deletion that does not move, redaction that comes to rest.

use std::collections::BTreeSet;

use indicia_core::{Indicator, Pap, Tlp};
use indicia_exchange::agreement::Onward;
use indicia_exchange::ledger::Event;
use indicia_exchange::package::Package;
use indicia_exchange::plan::{Records, plan};
use indicia_exchange::{Agreement, Decision, Item, Ledger, Withheld, decide};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

const PRODUCERS: [&str; 4] = [OWN, "acme-labs.example", "Quux Threat Team", "body.example"];
const CODES: [&str; 4] = ["MY", "ID", "SG", "TH"];

fn some_text(producer: &'static str) -> impl Strategy<Value = String> {
    let name = producer.to_string();
    prop_oneof![
        Just("a panel".to_string()),
        Just(format!("reported by {name} today")),
        Just(name.to_uppercase()),
        Just("see https://www.bad.example/x?id=7#f and joe@corp.example".to_string()),
        Just(format!("C:\\Users\\joe\\{name}\\a.exe")),
        "[ -~]{0,24}",
    ]
}

fn some_context() -> impl Strategy<Value = Value> {
    let producer = prop::sample::select(&PRODUCERS[..]);
    producer.prop_flat_map(|producer| {
        let marks = (
            prop::option::of(prop::sample::select(Tlp::ALL)),
            prop::option::of(prop::sample::select(Pap::ALL)),
            prop::option::of(prop::sample::select(Tlp::ALL)),
        );
        let countries = prop::collection::vec(
            (prop::sample::select(&CODES[..]), prop::sample::select(&["hosting", "victim", "statement", "registrant"][..]), any::<bool>()),
            0..3,
        );
        let words = (
            prop::option::of(some_text(producer)),
            prop::collection::vec(some_text(producer), 0..3),
            prop::option::of(some_text(producer)),
            some_text(producer),
        );
        let rest = (
            prop::sample::select(&["c2", "compromised", "phishing", "benign"][..]),
            prop::option::of(0..400i64),
            prop::option::of(0..400i64),
            any::<bool>(),
            prop::option::of(prop::sample::select(&["investigation", "research", "detection"][..])),
            0..4u8,
        );
        (marks, countries, words, rest).prop_map(move |((tlp, pap, field), countries, (description, labels, threat, other), rest)| {
            let (role, seen, until, own_id, purpose, way) = rest;
            let day = |n: i64| at("2017-06-01").unix() + n * 86_400;
            let time = |n: i64| indicia_core::Time::from_unix(day(n)).unwrap().to_string();
            let mut context = json!({
                "producer": producer, "feed": format!("feed of {producer}"), "role": role, "description": description,
                "labels": labels, "threat": threat, "provider": other, "references": [other],
                "confidence": {"value": 50, "source": other, "scale": other},
                "last_seen": seen.map(time), "valid_until": until.map(time), "tlp": tlp, "pap": pap,
                "source_id": own_id.then_some(ID), "purposes": purpose.into_iter().collect::<Vec<_>>(),
                "countries": countries.iter().map(|(code, basis, weak)| json!({"code": code, "basis": basis,
                    "evidence": other, "strength": if *weak { "weak" } else { "strong" }})).collect::<Vec<_>>(),
                "extra": {"reporter": producer},
            });
            if let Some(field) = field {
                context["extra"]["marked_fields"] = json!({"description": {"tlp": field}});
            }
            if way > 1 {
                context["hops"] = json!([{"who": "relay.example", "when": "2017-07-01", "agreement": "a@1", "action": "forward"}]);
                context["extra"]["handling"] = json!({"onward": "listed", "onward_to": ["body.example", "police.xa.example"],
                    "attribution": if way == 2 { "may" } else { "must-not" }, "delete_by": "2018-06-01T00:00:00Z"});
            }
            context
        })
    })
}

fn some_record() -> impl Strategy<Value = Indicator> {
    let target = prop::sample::select(
        &[
            ("domain", "bad.example"),
            ("domain", "bad.co.id"),
            ("domain", "portal.gov.my"),
            ("domain", "acme-labs.example"),
            ("ipv4", "192.0.2.7"),
            ("url", "http://u:p@bad.example/g.php?file=a.exe&victim=joe@corp.example#x"),
            ("url", "http://bad.my/a/joe@corp.example/b"),
            ("email", "actor@bad.example"),
            ("file-path", "C:\\Users\\joe\\a.exe"),
            ("sha256", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ][..],
    );
    (target, prop::collection::vec(some_context(), 1..4))
        .prop_map(|((kind, value), contexts)| record(kind, value, contexts))
}

fn some_agreement() -> impl Strategy<Value = Agreement> {
    (any::<[bool; 7]>(), prop::sample::select(&["none", "consent", "organisation"][..])).prop_map(
        |(b, onward)| {
            let mut edits = vec![("max_age_days = 180\n", "")];
            let onward = format!("onward = \"{onward}\"");
            if b[0] {
                edits.push(MAY);
            }
            if b[1] {
                edits.push(ONLY_MY);
            }
            if b[2] {
                edits.push(UP_TO_RED);
            }
            if b[3] {
                edits.push(NO_CLIENT);
            }
            if b[4] {
                edits.push(("roles = [\"c2\", \"compromised\"]", "roles = \"all\""));
            }
            if b[5] {
                edits.push(("unknown_country = \"withhold\"", "unknown_country = \"send\""));
            }
            if b[6] {
                edits.push(("onward = \"listed\"\nonward_to = [\"police.xa.example\"]", &onward));
            }
            agreement(&edits)
        },
    )
}

/// The agreement of the second hop: what the body passes on to a police force.
fn some_second() -> impl Strategy<Value = Agreement> {
    (any::<[bool; 3]>(), prop::sample::select(&["none", "consent", "organisation"][..])).prop_map(
        |(b, onward)| {
            let mut edits = vec![
                ("[provider]\nid = \"vendor.example\"", "[provider]\nid = \"body.example\""),
                ("[recipient]\nid = \"body.example\"", "[recipient]\nid = \"police.xa.example\""),
                ("organisation = \"body.example\"\n", ""),
                UP_TO_RED,
                ("max_age_days = 180\n", ""),
                (
                    "roles = [\"c2\", \"compromised\"]",
                    "roles = [\"c2\", \"compromised\", \"phishing\", \"benign\"]",
                ),
            ];
            let onward = format!("onward = \"{onward}\"");
            if b[0] {
                edits.push(MAY);
            }
            if b[1] {
                edits.push(("days = 1825", "days = 36525"));
            }
            if b[2] {
                edits.push(("onward = \"listed\"\nonward_to = [\"police.xa.example\"]", &onward));
            }
            agreement(&edits)
        },
    )
}

fn items(record: &Indicator, agreement: &Agreement, ledger: &Ledger) -> Vec<(usize, Item)> {
    match decide(record, agreement, ledger, now()) {
        Decision::Share(p) => p.sources.into_iter().zip(p.items).collect(),
        Decision::Withhold(_) => Vec::new(),
    }
}

fn received(item: &Item) -> Indicator {
    serde_json::from_str(&json_of(item)).unwrap()
}

/// To whom it may go on: what is in the second and not in the first is wider.
fn onward(item: &Item) -> (Onward, BTreeSet<String>) {
    let handling = &item.record.contexts[0].extra["handling"];
    let to = handling["onward_to"].as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_string());
    (Onward::from_name(handling["onward"].as_str().unwrap()).unwrap(), to.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_input_gives_the_same_bytes_in_any_order(
        records in prop::collection::vec(some_record(), 1..5), agreement in some_agreement(), turn in 0..5usize,
    ) {
        let bytes = |records: Vec<Indicator>| {
            let plan = planned(records, &agreement);
            (Package::of_plan(&plan, &agreement, 1, now()).unwrap(), plan.items, plan.held)
        };
        let mut turned = records.clone();
        turned.reverse();
        let by = turn % turned.len();
        turned.rotate_left(by);
        for record in &mut turned {
            record.contexts.reverse();
        }
        prop_assert_eq!(bytes(records.clone()), bytes(records.clone()));
        prop_assert_eq!(bytes(records), bytes(turned));
    }

    #[test]
    fn reasons_are_sorted_each_once(record in some_record(), agreement in some_agreement()) {
        let place = |r: &Withheld| Withheld::ALL.iter().position(|known| known == r);
        match decide(&record, &agreement, &Ledger::none(OWN), now()) {
            Decision::Withhold(reasons) => {
                prop_assert!(!reasons.is_empty());
                prop_assert!(reasons.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])));
            }
            Decision::Share(p) => {
                prop_assert_eq!(p.items.len() + p.withheld.len(), record.contexts.len());
                for (_, reasons) in &p.withheld {
                    prop_assert!(!reasons.is_empty() && reasons.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])));
                }
            }
        }
    }

    #[test]
    fn no_marking_is_wider_than_it_came(record in some_record(), agreement in some_agreement()) {
        for (source, item) in items(&record, &agreement, &Ledger::none(OWN)) {
            let (came, goes) = (&record.contexts[source], &item.record.contexts[0]);
            prop_assert!(goes.tlp.is_some() && goes.tlp >= came.tlp && goes.pap >= came.pap);
            prop_assert!(goes.tlp.unwrap() <= agreement.ceiling.tlp);
        }
    }

    #[test]
    fn no_country_out_of_scope_is_told(record in some_record()) {
        for (_, item) in items(&record, &agreement(&[ONLY_MY, ("max_age_days = 180\n", "")]), &Ledger::none(OWN)) {
            let json = json_of(&item);
            for code in ["SG", "TH", "ID"] {
                let quoted = format!("\"{code}\"");
                prop_assert!(!json.contains(&quoted), "{}", json);
            }
            prop_assert_ne!(item.government.as_deref(), Some("SG"));
        }
    }

    #[test]
    fn a_producer_that_is_not_to_be_named_is_nowhere(records in prop::collection::vec(some_record(), 1..4)) {
        let must_not = agreement(&[("max_age_days = 180\n", "")]);
        let hidden = ["acme-labs", "quux", "relay.example", "a@1"];
        for record in &records {
            for (source, item) in items(record, &must_not, &Ledger::none(OWN)) {
                let came = &record.contexts[source];
                let json = json_of(&item).to_lowercase();
                let producer = came.producer.clone().unwrap();
                if producer != OWN {
                    let producer = producer.to_lowercase();
                    prop_assert!(!json.contains(&producer), "{} in {}", producer, json);
                }
                prop_assert!(!json.contains("relay.example") && !json.contains(ID), "{}", json);
            }
        }
        let plan = planned(records, &must_not);
        for item in &plan.items {
            let json = json_of(item).to_lowercase();
            for name in hidden {
                // A record of its own, of the producer's host, may be listed by another.
                prop_assert!(!json.contains(name) || item.record.target.value().contains(name), "{} in {}", name, json);
            }
        }
    }

    #[test]
    fn two_hops_widen_nothing(record in some_record(), first in some_agreement(), second in some_second()) {
        for (_, one) in items(&record, &first, &Ledger::none(OWN)) {
            for (_, two) in items(&received(&one), &second, &Ledger::none("body.example")) {
                let (a, b) = (&one.record.contexts[0], &two.record.contexts[0]);
                prop_assert!(b.tlp >= a.tlp && b.pap >= a.pap);
                prop_assert!(two.delete_by <= one.delete_by);
                let of = |c: &indicia_core::Context| c.purposes.iter().cloned().collect::<BTreeSet<_>>();
                prop_assert!(of(b).is_subset(&of(a)));
                let ((ours, ours_to), (theirs, theirs_to)) = (onward(&one), onward(&two));
                let fits = match theirs {
                    Onward::None => true,
                    Onward::Consent => ours != Onward::None,
                    Onward::Organisation => ours == Onward::Organisation,
                    _ => ours == Onward::Listed && theirs_to.is_subset(&ours_to),
                };
                prop_assert!(fits, "{:?} {:?} then {:?} {:?}", ours, ours_to, theirs, theirs_to);
                if a.extra["handling"]["attribution"] == "must-not" {
                    prop_assert_eq!(&b.extra["handling"]["attribution"], "must-not");
                }
                // Redaction came to rest the first time.
                prop_assert_eq!(&two.record.target, &one.record.target);
                for class in ["email", "user", "query-value", "url-userinfo", "url-fragment"] {
                    prop_assert!(!two.removed.contains_key(class), "{}: {:?}", class, two.record);
                }
            }
        }
    }

    #[test]
    fn sending_again_never_makes_it_last_longer(record in some_record(), agreement in some_agreement(), days in 0..4000i64) {
        let mut ledger = Ledger::none(OWN);
        let records = Records::new([record]);
        let once = |ledger: &Ledger, at| plan(&records, &[&agreement], ledger, at).unwrap().1.items;
        let sent = once(&ledger, now());
        for item in &sent {
            ledger.push(now(), Event::Share {
                agreement: agreement.reference(), recipient: "body.example".into(), item: item.id.clone(), projection: String::new(),
                role: None, giver: None, source_id: None, delete_by: item.delete_by, notify: false });
        }
        let later = indicia_core::Time::from_unix(now().unix() + days * 86_400).unwrap();
        for item in once(&ledger, later) {
            let before = sent.iter().find(|known| known.id == item.id);
            prop_assert!(before.is_some_and(|known| item.delete_by <= known.delete_by));
        }
    }
}
