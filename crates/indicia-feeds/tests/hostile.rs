//! Input that is broken or meant to harm: the reader goes on, or says where it had to stop.

use std::collections::BTreeMap;

use indicia_core::{Indicator, Match, Pap, Reason, Role, Tlp};
use indicia_feeds::{FeedError, Format, ReadOptions, Report, detect, read};

fn read_with(format: Format, bytes: &[u8], options: &ReadOptions) -> (Vec<Indicator>, Report) {
    let mut all = Vec::new();
    let report = read(format, &mut &bytes[..], options, &mut |i| all.push(i)).expect("a report");
    (all, report)
}

fn read_all(format: Format, bytes: &[u8]) -> (Vec<Indicator>, Report) {
    read_with(format, bytes, &ReadOptions::default())
}

#[test]
fn nothing_is_read_as_nothing() {
    for format in Format::ALL.iter().copied().filter(|f| f.is_read()) {
        let (all, report) = read_all(format, b"");
        assert_eq!((all.len(), report.records), (0, 0), "{format}");
        let (all, _) = read_all(format, b"\n\n");
        assert!(all.is_empty(), "{format}");
    }
    assert_eq!(detect("", b""), Some(Format::Plain));
}

#[test]
fn formats_that_are_only_recognised_are_named() {
    for format in Format::ALL.iter().copied().filter(|f| !f.is_read()) {
        let error = read(format, &mut &b"x"[..], &ReadOptions::default(), &mut |_| ()).unwrap_err();
        assert!(matches!(error, FeedError::NotRead { .. }));
        assert!(error.to_string().contains(format.name()));
        assert_eq!(error.reason(), Reason::NotRead);
    }
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(*format));
    }
}

#[test]
fn broken_documents_are_errors_with_a_place() {
    for (format, text, line) in [
        (Format::Misp, "{\"Event\":{\"info\":\"x\",\n\"Attribute\":[", 2),
        (Format::Stix, "{\"type\":\"bundle\",\n\"objects\":[{\"type\":\"indicator\"}\n nonsense ]}", 3),
        (Format::Stix, "this is no JSON", 1),
        (Format::Threatfox, "{\"iocs\":[", 1),
    ] {
        match read(format, &mut text.as_bytes(), &ReadOptions::default(), &mut |_| ()) {
            Err(FeedError::BadDocument { line: found, .. }) => assert_eq!(found, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn deep_nesting_and_long_values_are_bounded() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for format in [Format::Stix, Format::Misp, Format::Jsonl, Format::Threatfox] {
        let _ = read(format, &mut deep.as_bytes(), &ReadOptions::default(), &mut |_| ());
        let object = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        let _ = read(format, &mut object.as_bytes(), &ReadOptions::default(), &mut |_| ());
        let _ = detect("x.json", &object.as_bytes()[..65536]);
    }
    let long = "a".repeat(10 * 1024 * 1024);
    for (format, text) in [
        (Format::Plain, format!("{long}.example\nb.example\n")),
        (Format::Csv, format!("value,x\n{long}.example,1\nb.example,2\n")),
        (
            Format::Jsonl,
            format!(
                "{{\"kind\":\"domain\",\"value\":\"{long}\"}}\n{{\"kind\":\"domain\",\"value\":\"b.example\"}}\n"
            ),
        ),
        (Format::Hosts, format!("0.0.0.0 {long}.example\n0.0.0.0 b.example\n")),
        (
            Format::Zeek,
            format!("#fields\tindicator\tindicator_type\n{long}\tIntel::DOMAIN\nb.example\tIntel::DOMAIN\n"),
        ),
        (
            Format::Misp,
            format!(
                "[{{\"type\":\"domain\",\"value\":\"{long}\"}},{{\"type\":\"domain\",\"value\":\"b.example\"}}]"
            ),
        ),
        (
            Format::Stix,
            format!(
                "[{{\"type\":\"indicator\",\"pattern\":\"[domain-name:value='{long}']\"}},{{\"type\":\"indicator\",\"pattern\":\"[domain-name:value='b.example']\"}}]"
            ),
        ),
    ] {
        let (all, report) = read_all(format, text.as_bytes());
        assert_eq!(all.len(), 1, "{format}");
        assert_eq!(report.refused, BTreeMap::from([(Reason::TooLong, 1)]), "{format}");
        assert!(report.examples[0].raw.len() < 1000);
    }
}

#[test]
fn controls_and_other_encodings() {
    let (all, report) = read_all(Format::Plain, b"a.example\0\nb\0.example\n\x1b[31mc.example\nd.example");
    assert_eq!(all.len(), 2);
    assert_eq!(report.refused_total(), 2);
    assert!(report.examples.iter().all(|r| !r.raw.contains(char::is_control)));
    let (all, report) = read_all(Format::Plain, b"a.example # caf\xe9\n");
    assert_eq!(all[0].contexts[0].description.as_deref(), Some("café"));
    assert_eq!(report.recoded, 1);
    assert_eq!(detect("x", b"\x89PNG\r\n\x1a\n"), Some(Format::Binary));
    assert_eq!(detect("x", b"\xd4\xc3\xb2\xa1xxxx"), Some(Format::Pcap));
    let utf16: Vec<u8> =
        "\u{feff}value,type\r\na.example,domain\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(detect("x.csv", &utf16), Some(Format::Csv));
}

#[test]
fn options_apply_to_every_context() {
    let options = ReadOptions {
        feed: Some("mine".to_string()),
        producer: Some("cert".to_string()),
        tlp: Some(Tlp::Amber),
        pap: Some(Pap::Green),
        default_role: Some(Role::C2),
        match_: Some(Match::Exact),
        ..ReadOptions::default()
    };
    let (all, _) = read_with(
        Format::Csv,
        b"value,tlp,source,role\na.example,red,their,scanner\n*.b.example,clear,,\n",
        &options,
    );
    let context = &all[0].contexts[0];
    assert_eq!((context.tlp, context.pap), (Some(Tlp::Red), Some(Pap::Green)));
    assert_eq!((context.feed.as_deref(), context.producer.as_deref()), (Some("their"), Some("cert")));
    assert_eq!((context.role, all[0].target.match_), (Some(Role::Scanner), Match::Exact));
    let context = &all[1].contexts[0];
    assert_eq!((context.tlp, context.role), (Some(Tlp::Amber), Some(Role::C2)));
    assert!(all[1].target.below_only);

    let options = ReadOptions { confidence_min: Some(50.0), ..ReadOptions::default() };
    let (all, report) =
        read_with(Format::Csv, b"value,confidence\na.example,49\nb.example,50\nc.example,\n", &options);
    assert_eq!((all.len(), report.skipped["below confidence_min"]), (1, 2));
}

#[test]
fn columns_of_the_caller() {
    let columns = |pairs: &[(&str, &str)]| ReadOptions {
        columns: pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
        ..ReadOptions::default()
    };
    let text = b"Artefakt,Sicherheit,Notiz\na.example,70,x\n";
    let (all, _) = read_with(
        Format::Csv,
        text,
        &columns(&[("value", "Artefakt"), ("confidence", "2"), ("description", "notiz")]),
    );
    assert_eq!(all[0].contexts[0].confidence.as_ref().map(|c| c.as_percent()), Some(70.0));
    assert_eq!(all[0].contexts[0].description.as_deref(), Some("x"));
    let (all, _) = read_with(Format::Csv, b"1,a.example\n2,b.example\n", &columns(&[("hostname", "2")]));
    assert_eq!((all.len(), all[0].target.match_), (2, Match::Exact));
    let error =
        read(Format::Csv, &mut &text[..], &columns(&[("value", "Nothing")]), &mut |_| ()).unwrap_err();
    assert!(matches!(error, FeedError::NoColumn { .. }));
}

#[test]
fn a_list_of_feeds_says_what_is_wrong_with_it() {
    use indicia_feeds::list::parse;
    let list = parse("[[feed]]\npath='a'\nfrom='stix'\nconfidence_min=50\ntlp='TLP:AMBER'\nmatch='exact'\n[[feed]]\npath='b'\ncolumns={value=1}\n").unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].from, list[0].options.tlp), (Some(Format::Stix), Some(Tlp::Amber)));
    assert_eq!(list[1].options.columns["value"], "1");
    for (text, line, field) in [
        ("[[feed]]\npath='a'\ntlp='blue'\n", 3, Some("tlp")),
        ("[[feed]]\npath='a'\n\nfrom='nothing'\n", 4, Some("from")),
        ("[[feed]]\npath='a'\nconfidence_min=101\n", 3, Some("confidence_min")),
        ("[[feed]]\npath='a'\nrole='villain'\n", 3, Some("role")),
        ("[[feed]]\npath='a'\nmatch='pattern'\n", 3, Some("match")),
        ("[[feed]]\npath='a'\n\u{1b}colour='blue'\n", 3, None),
        ("[[feed]]\npath='a'\ncolour='blue'\n", 3, None),
        ("[[feed]]\nname='a'\n", 1, None),
        ("[[feed]\n", 1, None),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.line, error.field.as_deref()), (line, field), "{text}: {error}");
        assert!(!error.to_string().contains("blue") && !error.to_string().contains('\u{1b}'));
    }
}
