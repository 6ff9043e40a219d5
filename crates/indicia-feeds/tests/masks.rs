//! Masks in feeds: which columns and patterns give them, and what becomes of them in each format.

use indicia_core::{Context, Dialect, Indicator, Kind, Mask, Match, Reason};
use indicia_feeds::{Format, LossReport, ReadOptions, Writer, read};

fn read_text(format: Format, text: &str, options: &ReadOptions) -> (Vec<Indicator>, Vec<Reason>) {
    let mut all = Vec::new();
    let report = read(format, &mut text.as_bytes(), options, &mut |i| all.push(i)).unwrap();
    (all, report.refused.keys().copied().collect())
}

fn shown(all: &[Indicator]) -> Vec<String> {
    let target = |i: &Indicator| {
        let target = &i.target;
        format!("{} {} {}", target.observable.kind(), target.value(), target.match_)
    };
    all.iter().map(target).collect()
}

fn pattern(pattern: &str) -> (Vec<Indicator>, Vec<Reason>) {
    let object = serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2",
        "pattern": pattern, "pattern_type": "stix", "valid_from": "2024-01-01T00:00:00Z",
    });
    read_text(Format::Stix, &object.to_string(), &ReadOptions::default())
}

#[test]
fn like_is_a_mask_over_the_kind_of_its_path() {
    for (text, expected) in [
        ("[url:value LIKE 'http://bad.example/a%']", "url http://bad.example:/a* mask"),
        ("[url:value LIKE 'bad.example/load.php?%']", "url bad.example/load.php?* mask"),
        ("[url:value LIKE 'http%://bad.example/%']", "url {url}http*://bad.example/* mask"),
        ("[url:value LIKE '%.bad.example']", "domain *.bad.example subdomains"),
        ("[url:value LIKE '%it\\\\_s%']", "url {url}*it_s* mask"),
        ("[domain-name:value LIKE '%.bad.example']", "domain *.bad.example subdomains"),
        ("[domain-name:value LIKE 'bad%.example']", "domain bad*.example mask"),
        ("[domain-name:value LIKE 'bad.example']", "domain bad.example exact"),
        ("[file:name LIKE 'Invoice_.exe']", "file-name Invoice{?}.exe mask"),
        ("[file:path LIKE 'C:\\\\\\\\Users\\\\\\\\%\\\\\\\\a.exe']", "file-path C:\\Users\\*\\a.exe mask"),
        ("[process:command_line LIKE '%-enc %']", "command-line *-enc * mask"),
        ("[ipv4-addr:value LIKE '192.0.2.%']", "ipv4 192.0.2.* mask"),
        ("[email-addr:value LIKE '%@bad.example']", "email *@bad.example mask"),
    ] {
        let (all, refused) = pattern(text);
        assert_eq!((shown(&all), refused), (vec![expected.to_string()], vec![]), "{text}");
    }
    let (all, _) = pattern("[url:value LIKE 'bad.example/%' OR url:value = 'http://bad.example/']");
    // A host with every path is a name.
    assert_eq!(shown(&all), ["domain bad.example exact", "url http://bad.example/ exact"]);
    for (text, reason) in [
        ("[url:value LIKE 'http://bad.example/#%']", Reason::MaskFragment),
        ("[x-unknown:value LIKE 'a%']", Reason::UnsupportedPattern),
        (
            "[network-traffic:dst_ref.value LIKE '192.0.2.%' AND network-traffic:dst_port = 80]",
            Reason::UnsupportedPattern,
        ),
    ] {
        assert_eq!(pattern(text).1, [reason], "{text}");
    }
}

#[test]
fn rows_records_and_lists_say_how_they_match() {
    let csv = "value,type,match\nbad.example/gate/*,url,mask\nbad*.example,domain,mask\n*.exe,file-name,mask\n\
        http://bad.example/a,url,prefix\n{i}{key}*/panel/*,,mask\nbad.example,url,mask\n{x},url,mask\n";
    let (all, refused) = read_text(Format::Csv, csv, &ReadOptions::default());
    let expected = [
        "url bad.example/gate/* mask",
        "domain bad*.example mask",
        "file-name *.exe mask",
        "url http://bad.example/a prefix",
    ];
    assert_eq!(shown(&all)[..4], expected);
    assert_eq!(shown(&all)[4..], ["url {i}{key}*/panel/* mask", "domain bad.example exact"]);
    assert_eq!(refused, [Reason::MaskShape]);
    let jsonl = "{\"target\":{\"kind\":\"url\",\"value\":\"Bad.Example/%7e*\",\"match\":\"mask\"},\"contexts\":[{}]}\n\
        {\"kind\":\"url\",\"value\":\"http://bad.example/a\",\"match\":\"prefix\"}\n\
        {\"kind\":\"cidr\",\"value\":\"192.0.2.*\",\"match\":\"mask\"}\n";
    let (all, refused) = read_text(Format::Jsonl, jsonl, &ReadOptions::default());
    assert_eq!(shown(&all), ["url bad.example/~* mask", "url http://bad.example/a prefix"]);
    assert_eq!(refused, [Reason::MaskKind]);
    let options = ReadOptions { match_: Some(Match::Mask), ..ReadOptions::default() };
    let (all, refused) = read_text(Format::Plain, ".bad.example\nbad.example/x*\nbad*.example\n", &options);
    let expected = ["domain bad.example subdomains", "url bad.example/x* mask", "domain bad*.example mask"];
    assert_eq!((&shown(&all)[..], &refused[..]), (&expected.map(String::from)[..], &[][..]));
}

fn masks() -> Vec<Indicator> {
    let of = |dialect, text: &str| {
        let target = Mask::from_dialect(dialect, text).unwrap().into_target().unwrap();
        assert_eq!(target.match_, Match::Mask, "{text}");
        Indicator::new(target, Context::default())
    };
    let like = |kind, text: &str| of(Dialect::StixLike(kind), text);
    vec![
        like(Kind::Url, "http://bad.example/a%_\\%"),
        like(Kind::Url, "%evil%"),
        like(Kind::Domain, "bad%.example"),
        like(Kind::FileName, "it's%.exe"),
        like(Kind::FilePath, "C:\\\\a\\\\%.exe"),
        like(Kind::Mutex, "%'\\\\"),
        like(Kind::UserAgent, "Bad/_%"),
        of(Dialect::KasperskyFeed, "bad.example/folder/*"),
        of(Dialect::KasperskyEndpoint, "http://bad.example/folder/"),
        of(Dialect::Cisco, "bad.*"),
        of(Dialect::Adblock, "/banner/*/img^"),
    ]
}

fn write(format: Format, all: &[Indicator]) -> (String, LossReport) {
    let mut out = Vec::new();
    let mut writer = Writer::new(format, &mut out).unwrap();
    all.iter().for_each(|indicator| writer.write(indicator).unwrap());
    let loss = writer.finish().unwrap();
    (String::from_utf8(out).unwrap(), loss)
}

#[test]
fn jsonl_csv_and_stix_carry_every_mask() {
    let all = masks();
    for format in [Format::Jsonl, Format::Csv, Format::Stix] {
        let (text, loss) = write(format, &all);
        assert!(loss.left_out.is_empty() && !loss.fields.contains_key("match"), "{format:?} {loss:?}");
        let (again, refused) = read_text(format, &text, &ReadOptions::default());
        assert_eq!((shown(&again), refused), (shown(&all), vec![]), "{text}");
    }
    let (text, _) = write(Format::Stix, &all);
    assert!(text.contains("[domain-name:value LIKE 'bad%.example']"), "{text}");
    assert!(text.contains("[url:value LIKE 'http://bad.example/a_%\\\\\\\\%']"), "{text}");
    assert!(text.contains("[x-indicia-mask:url = '{i}bad.example/folder/*']"), "{text}");
}

#[test]
fn other_formats_count_what_they_leave_out() {
    let all = masks();
    for format in [Format::Plain, Format::Hosts, Format::Zeek, Format::Rpz, Format::Misp] {
        let (text, loss) = write(format, &all);
        assert_eq!(loss.left_out.values().sum::<u64>(), all.len() as u64, "{format:?} {loss:?}");
        assert!(!text.contains("evil") && !text.contains("bad"), "{text}");
    }
}
