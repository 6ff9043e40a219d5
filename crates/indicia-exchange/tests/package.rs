//! What a package holds, and what the ledger of it keeps back later.

use indicia_core::Indicator;
use indicia_exchange::agreement::Answer;
use indicia_exchange::feedback::{Answered, pass_on};
use indicia_exchange::ledger::Event;
use indicia_exchange::package::Package;
use indicia_exchange::plan::{Records, plan};
use indicia_exchange::{Action, Agreement, Decision, EXAMPLE_AGREEMENT, Ledger, Withheld, decide};

const NOW: &str = "2017-11-02T00:00:00Z";

fn record(kind: &str, value: &str, role: &str, basis: &str, extra: &str) -> Indicator {
    serde_json::from_str(&format!(
        r#"{{"target":{{"kind":"{kind}","value":"{value}"}},"contexts":[{{"producer":"vendor.example",
        "role":"{role}","tlp":"green","pap":"green","last_seen":"2017-11-01",
        "countries":[{{"code":"MY","basis":"{basis}","strength":"strong"}}]{extra}}}]}}"#
    ))
    .unwrap()
}

/// The example, with purposes that let items be blocked.
fn agreement() -> Agreement {
    let text = EXAMPLE_AGREEMENT.replace(
        r#"purposes = ["investigation", "victim-notification"]"#,
        r#"purposes = ["investigation", "victim-notification", "prevention", "detection"]"#,
    );
    Agreement::parse(&text).unwrap()
}

fn package(records: Vec<Indicator>) -> Package {
    let (agreement, ledger) = (agreement(), Ledger::none("vendor.example"));
    let now = NOW.parse().unwrap();
    let (agreement, plan) = plan(&Records::new(records), &[&agreement], &ledger, now).unwrap();
    Package::of_plan(&plan, &agreement, 1, now).unwrap()
}

fn text(package: &Package, file: &str) -> String {
    String::from_utf8(package.files[file].clone()).unwrap()
}

#[test]
fn an_endpoint_of_ipv6_is_defanged_whole() {
    let package = package(vec![record("endpoint", "[2001:db8::7]:443", "c2", "hosting", "")]);
    assert!(text(&package, "for-people.csv").contains("block,[2001[:]db8[:][:]7],endpoint,443,"));
    assert!(text(&package, "response.csv").contains(",[2001[:]db8[:][:]7]:443,"));
}

#[test]
fn a_government_of_no_known_country_shows() {
    let package = package(vec![record("domain", "www.gov.example", "compromised", "victim", "")]);
    let rows = text(&package, "for-people.csv");
    assert!(rows.lines().nth(1).unwrap().contains(",yes,"), "{rows}");
    let page = text(&package, "report.html");
    assert!(page.contains(r#"<span class="sub">government</span>"#));
    assert!(page.contains("<td>Malaysia (MY)</td><td><span class=\"do notify\">"), "the victim's country");
    assert!(text(&package, "READ-ME-FIRST.txt").contains("One item is a host of a government: see"));
}

#[test]
fn the_handling_of_lists_names_what_is_in_them() {
    let endpoint = record("endpoint", "192.0.2.7:443", "c2", "hosting", "");
    // No list has a place for an endpoint.
    let alone = package(vec![endpoint.clone()]);
    assert!(
        !alone.files.contains_key("detect.zeek.intel") && !alone.files.contains_key("lists-handling.csv")
    );
    let both = package(vec![endpoint, record("ipv4", "198.51.100.7", "c2", "hosting", "")]);
    let rows = text(&both, "lists-handling.csv");
    assert!(rows.contains("198.51.100.7") && !rows.contains("192.0.2.7"), "{rows}");
}

#[test]
fn the_page_names_the_last_day_and_the_earlier_ones() {
    let early = record(
        "ipv4",
        "198.51.100.7",
        "c2",
        "hosting",
        r#","extra":{"handling":{"onward":"none","attribution":"may","delete_by":"2018-01-01T00:00:00Z"}}"#,
    );
    let page = text(&package(vec![early, record("ipv4", "192.0.2.7", "c2", "hosting", "")]), "report.html");
    assert!(page.contains("<b>1 Nov 2022</b>, with all copies. Some items name an earlier day."));
    assert!(page.contains("delete by 1 Jan 2018"));
}

/// A ledger that knows of one item, as it went out.
fn ledger_of(record: &Indicator) -> (Ledger, String) {
    let (agreement, now) = (agreement(), NOW.parse().unwrap());
    let mut ledger = Ledger::new(&[7; 32], now);
    let Decision::Share(projection) = decide(record, &agreement, &ledger, now) else { panic!("withheld") };
    let item = projection.items[0].id.clone();
    let event = Event::Share {
        agreement: agreement.reference(),
        recipient: agreement.recipient.party.id.clone(),
        item: item.clone(),
        projection: String::new(),
        role: record.contexts[0].role,
        giver: Some("vendor.example".to_string()),
        source_id: Some("theirs".to_string()),
        delete_by: None,
        notify: projection.items[0].action == Action::Notify,
    };
    ledger.push(now, event);
    (ledger, item)
}

#[test]
fn what_was_taken_back_goes_out_to_nobody_again() {
    let record = record("ipv4", "192.0.2.7", "c2", "hosting", "");
    let (mut ledger, item) = ledger_of(&record);
    let (agreement, now) = (agreement(), NOW.parse().unwrap());
    let event = Event::Revoke {
        agreement: agreement.reference(),
        recipient: agreement.recipient.party.id.clone(),
        item,
        reason: "false-positive".to_string(),
    };
    ledger.push(now, event);
    let kept = Decision::Withhold(vec![Withheld::Revoked]);
    assert_eq!(decide(&record, &agreement, &ledger, now), kept);
    let other = EXAMPLE_AGREEMENT.replace("body.example", "other.example");
    assert_eq!(decide(&record, &Agreement::parse(&other).unwrap(), &ledger, now), kept);
}

#[test]
fn no_answer_about_somebody_to_notify_is_passed_on() {
    // A server of the offender on a government's host: by its role no victim.
    for (value, passed) in [("www.gov.example", 0), ("bad.example", 1)] {
        let (ledger, item) = ledger_of(&record("domain", value, "c2", "hosting", ""));
        let from = Some("body.example".to_string());
        let answer = Answered { item, status: Answer::TakenDown, time: None, count: None, from };
        let (out, left_out) = pass_on(&[answer], &agreement(), &ledger);
        assert_eq!((out.len(), left_out), (passed, 1 - passed as u64), "{value}");
    }
}
