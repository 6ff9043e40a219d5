//! Feeds read under a profile: URLs come from the text of the feed, and records that name another are refused.

use indicia_core::{Indicator, Kind, Profile, Reason, Tlp};
use indicia_feeds::{Format, ReadOptions, Report, Writer, read};

fn read_under(profile: Profile, format: Format, text: &str) -> (Vec<Indicator>, Report) {
    let mut all = Vec::new();
    let options = ReadOptions { profile, ..ReadOptions::default() };
    let report = read(format, &mut text.as_bytes(), &options, &mut |i| all.push(i)).unwrap();
    (all, report)
}

const RAW: &str = "http://WWW.Bad.example:8080//%7EGate.PHP";

#[test]
fn the_text_of_the_feed_counts() {
    let feeds = [
        (Format::Plain, format!("{RAW}\nevil.example\n")),
        (Format::Csv, format!("indicator,type\n{RAW},url\nevil.example,domain\n")),
        (
            Format::Zeek,
            format!("#fields\tindicator\tindicator_type\n{RAW}\tIntel::URL\nevil.example\tIntel::DOMAIN\n"),
        ),
        (
            Format::Jsonl,
            format!(
                "{{\"target\":{{\"kind\":\"url\",\"value\":\"{RAW}\"}}}}\n{{\"kind\":\"domain\",\"value\":\"evil.example\"}}\n"
            ),
        ),
        (
            Format::Jsonl,
            format!(
                "{{\"kind\":\"url\",\"value\":\"{RAW}\"}}\n{{\"kind\":\"domain\",\"value\":\"evil.example\"}}\n"
            ),
        ),
        (
            Format::Stix,
            format!(
                r#"{{"type":"bundle","id":"bundle--0","objects":[{{"type":"indicator","pattern_type":"stix","pattern":"[url:value = '{RAW}']"}},{{"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = 'evil.example']"}}]}}"#
            ),
        ),
        (
            Format::Misp,
            format!(
                r#"{{"Event":{{"info":"e","Attribute":[{{"type":"url","value":"{RAW}"}},{{"type":"domain","value":"evil.example"}}]}}}}"#
            ),
        ),
    ];
    for (format, text) in &feeds {
        for (profile, value) in [
            (Profile::Default, "http://www.bad.example:8080//~Gate.PHP"),
            (Profile::Whatwg, "http://www.bad.example:8080//%7EGate.PHP"),
            (Profile::SafeBrowsing4, "http://www.bad.example/~Gate.PHP"),
            (Profile::SafeBrowsing5, "http://www.bad.example/~Gate.PHP"),
            (Profile::Kaspersky, "bad.example/~gate.php"),
            (Profile::Zeek, "www.bad.example:8080//%7egate.php"),
            (Profile::Verbatim, RAW),
        ] {
            let (all, report) = read_under(profile, *format, text);
            assert_eq!(report.refused_total(), 0, "{format:?} {profile}: {:?}", report.examples);
            let found: Vec<_> = all
                .iter()
                .map(|i| {
                    (i.target.observable.kind(), i.target.observable.value(), i.target.observable.profile())
                })
                .collect();
            assert_eq!(
                found,
                [(Kind::Url, value, profile), (Kind::Domain, "evil.example", Profile::Default)],
                "{format:?}"
            );
        }
    }
}

#[test]
fn a_record_that_names_another_profile_is_refused() {
    let line = |profile: &str| {
        format!(r#"{{"target":{{"kind":"url","value":"bad.example/a","profile":"{profile}"}}}}"#)
    };
    for (asked, named, taken) in [
        (Profile::Kaspersky, "kaspersky@1", true),
        (Profile::Kaspersky, "zeek@1", false),
        (Profile::Kaspersky, "default@1", false),
        (Profile::Default, "kaspersky@1", false),
        (Profile::Default, "default@1", true),
    ] {
        let (all, report) = read_under(asked, Format::Jsonl, &line(named));
        assert_eq!(all.len(), usize::from(taken), "{asked} {named}");
        assert_eq!(report.refused.get(&Reason::ProfileMismatch).copied(), (!taken).then_some(1));
    }
    let (_, report) = read_under(Profile::Default, Format::Jsonl, &line("kaspersky@2"));
    assert_eq!(report.refused_total(), 1);
}

/// The marking that one indicator of a bundle gives a value holds for another spelling of it under the profile.
#[test]
fn markings_follow_the_profile() {
    let text = r#"{"type":"bundle","id":"bundle--0","objects":[
        {"type":"indicator","pattern_type":"stix","pattern":"[url:value = 'http://bad.example/A']",
         "object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]},
        {"type":"indicator","pattern_type":"stix","pattern":"[url:value = 'https://www.bad.example:81/a/']"}]}"#;
    for (profile, tlp) in [(Profile::Kaspersky, Some(Tlp::Red)), (Profile::Default, None)] {
        let (all, _) = read_under(profile, Format::Stix, text);
        assert_eq!(all[1].contexts[0].tlp, tlp, "{profile}");
    }
}

/// Only jsonl names a profile: elsewhere the text would be read as another URL.
#[test]
fn other_formats_leave_such_urls_out() {
    let (all, _) = read_under(Profile::Kaspersky, Format::Plain, "http://bad.example/A\nevil.example\n");
    for format in Format::ALL.iter().filter(|format| format.is_written()) {
        let mut out = Vec::new();
        let mut writer = Writer::new(*format, &mut out).unwrap();
        all.iter().for_each(|indicator| writer.write(indicator).unwrap());
        let loss = writer.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        if *format == Format::Jsonl {
            assert!(text.contains(r#""profile":"kaspersky@1""#), "{text}");
            assert_eq!(read_under(Profile::Kaspersky, *format, &text).0, all);
        } else {
            assert!(!text.contains("bad.example"), "{text}");
            assert!(loss.left_out.keys().any(|why| why.contains("profile")), "{format:?} {loss:?}");
        }
    }
}
