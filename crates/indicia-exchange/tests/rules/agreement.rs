//! The agreement as a file: every mistake with its line and field, hostile text in bounded time, and an explanation
//! that leaves no limit out.

use std::time::{Duration, Instant};

use indicia_exchange::{Agreement, EXAMPLE_AGREEMENT};

use crate::support::{agreement, text};

/// Line (from 1), field and what is wrong.
fn problems(text: &str) -> Vec<(usize, String, String)> {
    let errors = Agreement::parse(text).expect_err("is refused");
    assert!(!errors.to_string().is_empty());
    errors.problems.into_iter().map(|p| (p.line, p.field, p.what)).collect()
}

fn line_of(piece: &str) -> usize {
    1 + EXAMPLE_AGREEMENT.lines().position(|line| line.starts_with(piece)).unwrap()
}

#[test]
fn each_required_field_that_is_missing_is_told_with_its_line_and_field() {
    let top = ["schema", "id", "version", "legal_reference", "valid"];
    let tables = [
        ("provider", &["id"][..]),
        ("recipient", &["id", "kind", "countries"]),
        ("scope", &["roles", "kinds", "countries", "basis", "unknown_country"]),
        ("ceiling", &["tlp"]),
        ("handling", &["purposes", "onward"]),
        ("retention", &["days"]),
        ("redaction", &["rules"]),
        ("feedback", &["accept"]),
    ];
    let without = |table: &str, field: &str| {
        let (mut inside, mut out) = (String::new(), String::new());
        for line in EXAMPLE_AGREEMENT.lines() {
            if line.starts_with('[') {
                inside = line.trim_matches(['[', ']']).to_string();
            }
            let name = line.split([' ', '=']).next().unwrap_or_default();
            // The line stays, empty, so that the others keep their numbers.
            out.push_str(if inside == table && name == field { "" } else { line });
            out.push('\n');
        }
        assert_ne!(out, EXAMPLE_AGREEMENT);
        out
    };
    for field in top {
        assert_eq!(problems(&without("", field)), [(1, field.to_string(), "is required".to_string())]);
    }
    for (table, fields) in tables {
        for field in fields {
            let wanted =
                (line_of(&format!("[{table}]")), format!("{table}.{field}"), "is required".to_string());
            assert_eq!(problems(&without(table, field))[0], wanted);
        }
    }
    for field in ["who", "when", "reference", "items", "tlp"] {
        let wanted = (line_of("[[consent]]"), format!("consent[0].{field}"), "is required".to_string());
        assert_eq!(problems(&without("consent", field)), [wanted]);
    }
    for end in ["from", "until"] {
        let text = text(&[(if end == "from" { "from = 2017-10-12, " } else { ", until = 2020-10-12" }, "")]);
        assert_eq!(problems(&text), [(line_of("valid"), format!("valid.{end}"), "is required".to_string())]);
    }
    // A whole table.
    for (table, _) in &tables[..7] {
        let at = EXAMPLE_AGREEMENT.find(&format!("[{table}]")).unwrap();
        let rest = &EXAMPLE_AGREEMENT[at + 1..];
        let end = rest.find("\n[").map_or(EXAMPLE_AGREEMENT.len(), |n| at + 1 + n + 1);
        let text = format!("{}{}", &EXAMPLE_AGREEMENT[..at], &EXAMPLE_AGREEMENT[end..]);
        assert_eq!(problems(&text)[0], (1, table.to_string(), "is required".to_string()));
    }
}

#[test]
fn a_field_that_is_not_known_is_a_mistake_wherever_it_stands() {
    for (piece, field) in [
        ("title = ", "max_age_days"),
        ("[provider]", "provider.keyes"),
        ("[recipient]", "recipient.country"),
        ("[scope]", "scope.max_age"),
        ("[ceiling]", "ceiling.tpl"),
        ("[handling]", "handling.on_ward"),
        ("[retention]", "retention.day"),
        ("[redaction]", "redaction.profile"),
        ("[feedback]", "feedback.accepts"),
        ("[[consent]]", "consent[0].until"),
    ] {
        let name = field.rsplit('.').next().unwrap();
        let mut lines: Vec<String> = EXAMPLE_AGREEMENT.lines().map(String::from).collect();
        let at = line_of(piece);
        lines.insert(at, format!("{name} = 7"));
        let got = problems(&lines.join("\n"));
        assert_eq!((got.len(), got[0].0, got[0].1.as_str()), (1, at + 1, field), "{got:?}");
    }
    let inline = text(&[("until = 2020-10-12", "until = 2020-10-12, unti = 1")]);
    assert_eq!(problems(&inline)[0].1, "valid.unti");
}

#[test]
fn wrong_types_and_words_are_told_each_in_its_place() {
    for (from, to, field) in [
        ("schema = \"indicia-agreement/1\"", "schema = \"indicia-agreement/2\"", "schema"),
        ("id = \"vendor-body-2017\"", "id = 5", "id"),
        ("id = \"vendor-body-2017\"", "id = \"../etc\"", "id"),
        ("version = 3", "version = \"3\"", "version"),
        ("version = 3", "version = 0", "version"),
        ("version = 3", "version = -1", "version"),
        ("version = 3", "version = 99999999999999999999", "version"),
        ("version = 3", "version = 0x3", "version"),
        ("supersedes = \"vendor-body-2014@2\"", "supersedes = \"vendor\"", "supersedes"),
        ("title = \"Threats to the member countries\"", "title = \"a\\nb\"", "title"),
        ("valid = { from = 2017-10-12, until = 2020-10-12 }", "valid = 2017-10-12", "valid"),
        ("from = 2017-10-12", "from = \"soon\"", "valid.from"),
        ("until = 2020-10-12", "until = 2017-10-12", "valid"),
        ("kind = \"police-international\"", "kind = \"army\"", "recipient.kind"),
        ("countries = [\"ID\", \"MY\"]", "countries = [\"ID\", \"Malaysia\"]", "recipient.countries[1]"),
        ("countries = [\"ID\", \"MY\"]", "countries = [\"XX\", \"MY\"]", "recipient.countries[0]"),
        ("countries = [\"ID\", \"MY\"]", "countries = \"all\"", "recipient.countries"),
        ("client = true", "client = \"yes\"", "recipient.client"),
        ("roles = [\"c2\", \"compromised\"]", "roles = [\"c2\", 4]", "scope.roles[1]"),
        ("roles = [\"c2\", \"compromised\"]", "roles = \"any\"", "scope.roles"),
        ("kinds = \"all\"", "kinds = [\"ip\"]", "scope.kinds[0]"),
        ("unknown_country = \"withhold\"", "unknown_country = true", "scope.unknown_country"),
        ("max_age_days = 180", "max_age_days = 0", "scope.max_age_days"),
        ("max_age_days = 180", "max_age_days = 1.5", "scope.max_age_days"),
        ("tlp = \"amber\"\npap", "tlp = \"orange\"\npap", "ceiling.tlp"),
        ("schemes = [\"tlp\", \"pap\"]", "schemes = [\"iep\"]", "ceiling.schemes[0]"),
        (
            "onward = \"listed\"\nonward_to = [\"police.xa.example\"]",
            "onward = \"listed\"",
            "handling.onward",
        ),
        ("attribution = \"must-not\"", "attribution = \"no\"", "handling.attribution"),
        ("days = 1825", "days = 1000000", "retention.days"),
        ("rules = \"strict@1\"", "rules = \"none\"", "redaction.rules"),
        ("accept = [\"sighting\", ", "accept = [\"seen\", ", "feedback.accept[0]"),
        ("tlp = \"green\"", "tlp = 1", "consent[0].tlp"),
    ] {
        let text = text(&[(from, to)]);
        let at = 1 + text[..text.find(to).unwrap()].matches('\n').count();
        let got = problems(&text);
        assert_eq!((got.len(), got[0].0, got[0].1.as_str()), (1, at, field), "{to}: {got:?}");
    }
    // Several are told at once, by line.
    let several =
        text(&[("version = 3", "version = 0"), ("days = 1825", "days = 0"), ("client = true", "client = 1")]);
    let fields: Vec<String> = problems(&several).into_iter().map(|(_, field, _)| field).collect();
    assert_eq!(fields, ["version", "recipient.client", "retention.days"]);
    assert_eq!(problems("id = \"a\nb")[0].1, "");
}

#[test]
fn hostile_text_is_refused_in_bounded_time() {
    let many = |n: usize, one: &str| std::iter::repeat_n(one, n).collect::<Vec<_>>().join(",");
    let mib = 1 << 20;
    let texts = [
        format!("a = {}", "[".repeat(mib - 100)),
        format!("a = {}{}", "[".repeat(mib / 2 - 100), "]".repeat(mib / 2 - 100)),
        format!("a = {}", "{a=".repeat(mib / 3 - 100)),
        format!("{}a = 1", "a.".repeat(mib / 2 - 100)),
        format!("[{}a]", "a.".repeat(mib / 2 - 100)),
        format!("[[{}a]]", "a.".repeat(mib / 2 - 100)),
        format!("a = {}", "{a.a.a.a={a.a.a.a=".repeat(mib / 20)),
        "[".repeat(mib),
        "\"".repeat(mib),
        "\n".repeat(mib),
        "\u{0}".repeat(mib),
        "x".repeat(mib + 1),
        (0..60_000).map(|n| format!("k{n} = {n}\n")).collect(),
        (0..60_000).map(|n| format!("[t{n}]\n")).collect(),
        "[[consent]]\n".repeat(80_000),
        text(&[("roles = [\"c2\", \"compromised\"]", &format!("roles = [{}]", many(100_000, "\"c2\"")))])
            + &"\n".repeat(1000),
        text(&[("roles = [\"c2\", \"compromised\"]", &format!("roles = [{}]", many(100_000, "1\n")))]),
        text(&[("countries = [\"ID\", \"MY\"]", &format!("countries = [{}]", many(100_000, "\"ZZ\"\n")))]),
    ];
    let started = Instant::now();
    for text in texts {
        let one = Instant::now();
        let shown: String = text.chars().take(30).collect();
        let parsed = Agreement::parse(&text);
        if let Err(errors) = &parsed {
            let bytes = errors.to_string().len();
            assert!(bytes < 64 << 20, "{shown:?}: {bytes} bytes of mistakes");
        }
        assert!(parsed.is_err() || shown.starts_with("schema"), "{shown:?}");
        assert!(one.elapsed() < Duration::from_secs(20), "{shown:?}: {:?}", one.elapsed());
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn what_is_told_of_hostile_names_is_short_and_on_one_line() {
    let name = "x".repeat(10_000);
    let text = format!("{EXAMPLE_AGREEMENT}\n\"{name}\\u001b[31m\\n\" = 1\n");
    for (_, field, what) in problems(&text) {
        assert!(field.len() < 200 && !field.contains(char::is_control), "{field}");
        assert!(what.len() < 1000 && !what.contains('\u{1b}'), "{what}");
    }
}

/// The explanation but for the digest of the text, which every change changes.
fn explained(edits: &[(&str, &str)]) -> Vec<String> {
    agreement(edits).explain().into_iter().filter(|s| !s.contains("digest")).collect()
}

#[test]
fn the_explanation_mentions_every_limit() {
    let whole = explained(&[]);
    for (from, to) in [
        ("id = \"vendor-body-2017\"", "id = \"other\""),
        ("version = 3", "version = 4"),
        ("supersedes = \"vendor-body-2014@2\"\n", ""),
        ("title = \"Threats to the member countries\"\n", ""),
        ("legal_reference = \"Agreement of 12 October 2017, articles 3 to 7\"", "legal_reference = \"x\""),
        ("from = 2017-10-12", "from = 2017-10-13"),
        ("until = 2020-10-12", "until = 2020-10-12T08:00:00Z"),
        ("id = \"vendor.example\"", "id = \"v.example\""),
        ("communities = [\"asean-2017\"]\n\n[recipient]", "\n[recipient]"),
        ("id = \"body.example\"\nkind", "id = \"b.example\"\nkind"),
        ("kind = \"police-international\"", "kind = \"csirt\""),
        ("countries = [\"ID\", \"MY\"]", "countries = [\"MY\"]"),
        ("organisation = \"body.example\"", "organisation = \"vendor.example\""),
        ("client = true", "client = false"),
        ("roles = [\"c2\", \"compromised\"]", "roles = [\"c2\"]"),
        ("roles = [\"c2\", \"compromised\"]", "roles = \"all\""),
        ("roles = [\"c2\", \"compromised\"]", "roles = []"),
        ("kinds = \"all\"", "kinds = [\"url\"]"),
        ("kinds = \"all\"", "kinds = []"),
        ("countries = \"all\"\nbasis", "countries = [\"MY\"]\nbasis"),
        ("countries = \"all\"\nbasis", "countries = []\nbasis"),
        ("max_age_days = 180", "max_age_days = 181"),
        ("max_age_days = 180\n", ""),
        ("max_age_days = 180", "max_age_days = 180\nmin_confidence = 0"),
        ("extra_government_suffixes = [\"gov.example\"]\n", ""),
        ("tlp = \"amber\"\npap", "tlp = \"green\"\npap"),
        ("pap = \"amber\"\n", ""),
        ("pap = \"amber\"", "pap = \"green\""),
        ("schemes = [\"tlp\", \"pap\"]", "schemes = [\"tlp\"]"),
        ("purposes = [\"investigation\", \"victim-notification\"]", "purposes = [\"evidence\"]"),
        ("purposes = [\"investigation\", \"victim-notification\"]", "purposes = []"),
        ("onward = \"listed\"\nonward_to = [\"police.xa.example\"]", "onward = \"none\""),
        ("onward = \"listed\"\nonward_to = [\"police.xa.example\"]", "onward = \"consent\""),
        ("onward = \"listed\"\nonward_to = [\"police.xa.example\"]", "onward = \"organisation\""),
        ("onward_to = [\"police.xa.example\"]", "onward_to = [\"police.xb.example\"]"),
        ("attribution = \"must-not\"", "attribution = \"must\""),
        ("attribution = \"must-not\"", "attribution = \"may\""),
        ("sidecar = true\n", ""),
        ("sidecar = true", "sidecar = true\nblock_roles = [\"compromised\"]"),
        ("days = 1825", "days = 1"),
        ("accept = [\"sighting\", ", "accept = ["),
        ("who = \"vendor.example\"", "who = \"other.example\""),
        ("when = 2017-11-02", "when = 2017-11-03"),
        ("reference = \"Letter of 2 November 2017\"", "reference = \"x\""),
        (
            "indicator--00000000-0000-4000-8000-000000000001",
            "indicator--00000000-0000-4000-8000-000000000002",
        ),
        ("tlp = \"green\"", "tlp = \"clear\""),
    ] {
        assert_ne!(explained(&[(from, to)]), whole, "{from} -> {to}");
    }
    let listed = ("countries = \"all\"\nbasis", "countries = [\"MY\"]\nbasis");
    let of_country = explained(&[listed]);
    for edit in [
        ("basis = [\"hosting\", ", "basis = ["),
        ("unknown_country = \"withhold\"", "unknown_country = \"send\""),
    ] {
        assert_ne!(explained(&[listed, edit]), of_country, "{edit:?}");
    }
    let all = whole.join("\n");
    for word in [
        "2017-10-12",
        "2020-10-12",
        "180 days",
        "TLP:AMBER",
        "PAP:AMBER",
        "1825 days",
        "strict@1",
        "gov.example",
        "police.xa.example",
        "ID",
        "MY",
        "victim-notification",
    ] {
        assert!(all.contains(word), "{word}");
    }
}

#[test]
fn the_explanation_mentions_keys_and_when_they_end() {
    let (_, one) = indicia_exchange::sign::SecretKey::generate(None).unwrap();
    let (_, two) = indicia_exchange::sign::SecretKey::generate(None).unwrap();
    let with = |party: &str, keys: String| {
        let head = format!("]\nid = \"{party}\"\n");
        explained(&[(&head, &format!("{head}keys = [{keys}]\n"))])
    };
    for party in ["vendor.example", "body.example"] {
        let open = with(party, format!("\"{one}\""));
        assert_ne!(open, explained(&[]), "{party}");
        assert_ne!(open, with(party, format!("\"{two}\"")), "{party}");
        assert_ne!(open, with(party, format!("{{ key = \"{one}\", until = 2019-01-01 }}")), "{party}");
    }
}
