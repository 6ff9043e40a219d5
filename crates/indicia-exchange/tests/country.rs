//! Country facts, with databases made here for documentation ranges and, where `INDICIA_MMDB` names one, with a
//! published database.

mod mmdb;

use std::net::IpAddr;

use indicia_core::{Context, Country, Indicator, Kind, Observable, Target};
use indicia_exchange::country::{Anycast, Asn, Mmdb, MmdbError, Sources, enrich, facts, government};
use mmdb::{Options, Value, map, text, write};

fn value(kind: Kind, text: &str) -> Observable {
    Observable::parse_as(kind, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn code(code: &str) -> Value {
    map(&[("country_code", text(code))])
}

/// Code, basis, strength of each fact.
fn found(kind: Kind, text: &str, sources: &Sources<'_>) -> Vec<String> {
    let facts = facts(&value(kind, text), sources).unwrap();
    let part = |field: &Option<String>| field.clone().unwrap_or_default();
    facts.iter().map(|f| format!("{} {} {}", f.code, part(&f.basis), part(&f.strength))).collect()
}

fn documentation_ranges() -> Vec<(&'static str, Value)> {
    vec![
        ("192.0.2.0/25", code("MY")),
        ("192.0.2.128/25", code("SG")),
        ("198.51.100.0/24", code("ID")),
        ("203.0.113.0/26", code("TP")),
        ("203.0.113.64/26", code("EU")),
        ("203.0.113.128/25", code("ph")),
        ("2001:db8::/33", code("TH")),
    ]
}

fn database() -> Mmdb {
    Mmdb::from_bytes(write(&Options::default(), &documentation_ranges())).unwrap()
}

#[test]
fn names() {
    let none = Sources::default();
    for (kind, text, expected) in [
        (Kind::Domain, "bad.example.my", "MY cctld strong"),
        (Kind::Domain, "bad.example.co.uk", "GB cctld strong"),
        (Kind::Domain, "中文.中国", "CN cctld strong"),
        (Kind::Domain, "bad.io", "IO cctld weak"),
        (Kind::Domain, "bad.la", "LA cctld weak"),
        (Kind::Domain, "mail.gov.la", "LA cctld strong"),
        (Kind::Domain, "irs.gov", "US cctld strong"),
        (Kind::Url, "https://user:pw@bad.example.vn:8443/a@b.my?c=//d.id#e", "VN cctld strong"),
        (Kind::Url, "bad.example.vn/path.my", "VN cctld strong"),
        (Kind::Endpoint, "bad.example.id:8080", "ID cctld strong"),
        (Kind::Email, "a.my@mail.example.kh", "KH cctld strong"),
    ] {
        assert_eq!(found(kind, text, &none), [expected], "{text}");
    }
    for (kind, text) in [
        (Kind::Domain, "bad.example"),
        (Kind::Domain, "bad.com"),
        (Kind::Domain, "bad.su"),
        (Kind::Domain, "bad.eu"),
        (Kind::Domain, "nato.int"),
        (Kind::Domain, "printer.local"),
        (Kind::Domain, "www.gov.scot"),
        (Kind::Ipv4, "192.0.2.1"),
        (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
        (Kind::FileName, "invoice.my"),
    ] {
        assert!(found(kind, text, &none).is_empty(), "{text}");
    }
    let evidence = facts(&value(Kind::Domain, "пример.рф"), &none).unwrap();
    assert_eq!(evidence[0].evidence.as_deref(), Some("tld .xn--p1ai"));
    assert_eq!(evidence[0].date, None);
}

#[test]
fn addresses() {
    let database = database();
    let sources = Sources { countries: Some(&database), ..Sources::default() };
    for (kind, text, expected) in [
        (Kind::Ipv4, "192.0.2.1", &["MY hosting strong"] as &[&str]),
        (Kind::Ipv4, "192.0.2.255", &["SG hosting strong"]),
        (Kind::Ipv6, "::ffff:192.0.2.1", &["MY hosting strong"]),
        (Kind::Ipv6, "2001:db8::7", &["TH hosting strong"]),
        (Kind::Ipv6, "2001:db8:ffff::7", &[]),
        (Kind::Endpoint, "192.0.2.1:443", &["MY hosting strong"]),
        (Kind::Endpoint, "[2001:db8::7]:443", &["TH hosting strong"]),
        (Kind::Endpoint, "[::ffff:192.0.2.1]:443", &["MY hosting strong"]),
        (Kind::Url, "http://192.0.2.1/a", &["MY hosting strong"]),
        (Kind::Url, "http://[2001:db8::7]:8080/a", &["TH hosting strong"]),
        // What the database writes and what is in records: a code that was taken out, none, a lower-case one.
        (Kind::Ipv4, "203.0.113.1", &["TL hosting strong"]),
        (Kind::Ipv4, "203.0.113.65", &[]),
        (Kind::Ipv4, "203.0.113.129", &["PH hosting strong"]),
        (Kind::Ipv4, "10.0.0.1", &[]),
        // Networks: whole, across a border, known in part, too wide.
        (Kind::Cidr, "198.51.100.0/24", &["ID hosting strong"]),
        (Kind::Cidr, "192.0.2.0/26", &["MY hosting strong"]),
        (Kind::Cidr, "192.0.2.0/24", &["MY hosting weak", "SG hosting weak"]),
        (Kind::Cidr, "198.51.100.0/23", &["ID hosting weak"]),
        (Kind::Cidr, "2001:db8::/32", &["TH hosting weak"]),
        (Kind::IpRange, "192.0.2.120-192.0.2.127", &["MY hosting strong"]),
        (Kind::IpRange, "192.0.2.120-192.0.2.130", &["MY hosting weak", "SG hosting weak"]),
        // A name is not resolved.
        (Kind::Domain, "bad.example", &[]),
    ] {
        assert_eq!(found(kind, text, &sources), expected, "{text}");
    }
    let fact = &facts(&value(Kind::Ipv4, "192.0.2.1"), &sources).unwrap()[0];
    assert_eq!(fact.evidence.as_deref(), Some("test-country 2026-06-17"));
    assert_eq!(fact.date.unwrap().to_string(), "2026-06-17T00:00:00Z");
}

#[test]
fn a_network_in_too_many_parts_has_no_country() {
    let networks: Vec<String> = (0..=255).map(|n| format!("198.18.{n}.0/24")).collect();
    let in_turn = |n: usize| code(if n.is_multiple_of(2) { "MY" } else { "SG" });
    let entries: Vec<(&str, Value)> =
        networks.iter().enumerate().map(|(n, network)| (network.as_str(), in_turn(n))).collect();
    let database = Mmdb::from_bytes(write(&Options::default(), &entries)).unwrap();
    let sources = Sources { countries: Some(&database), ..Sources::default() };
    assert_eq!(found(Kind::Cidr, "198.18.0.0/16", &sources).len(), 2);
    assert!(found(Kind::Cidr, "198.18.0.0/15", &sources).is_empty());
    assert!(found(Kind::Cidr, "0.0.0.0/0", &sources).is_empty());
    assert!(found(Kind::Cidr, "::/0", &sources).is_empty());
}

#[test]
fn every_shape_of_record() {
    let place =
        |country: Value, registered: Value| map(&[("country", country), ("registered_country", registered)]);
    let coded = |code: &str| map(&[("geoname_id", Value::U32(7)), ("iso_code", text(code))]);
    let entries = [
        ("192.0.2.0/28", place(coded("MY"), coded("GB"))),
        ("192.0.2.16/28", place(coded("MY"), coded("MY"))),
        ("192.0.2.32/28", map(&[("country", text("SG"))])),
        ("192.0.2.48/28", map(&[("country", text("Singapore")), ("country_code", text("SG"))])),
        ("192.0.2.64/28", map(&[("registered_country", coded("GB"))])),
        ("192.0.2.80/28", map(&[("country_code", Value::U32(7)), ("country", map(&[]))])),
        ("192.0.2.96/28", map(&[("country", text("Laos")), ("continent", coded("AS"))])),
        ("192.0.2.112/28", map(&[])),
    ];
    for (ip_version, record_size) in [(4, 24), (4, 28), (4, 32), (6, 24), (6, 28), (6, 32)] {
        let options = Options { ip_version, record_size, ..Options::default() };
        let database = Mmdb::from_bytes(write(&options, &entries)).unwrap();
        let sources = Sources { countries: Some(&database), ..Sources::default() };
        for (text, expected) in [
            ("192.0.2.1", &["MY hosting strong", "GB registrant weak"] as &[&str]),
            ("192.0.2.17", &["MY hosting strong"]),
            ("192.0.2.33", &["SG hosting strong"]),
            ("192.0.2.49", &["SG hosting strong"]),
            ("192.0.2.65", &["GB registrant weak"]),
            ("192.0.2.81", &[]),
            ("192.0.2.97", &[]),
            ("192.0.2.113", &[]),
            ("192.0.2.129", &[]),
        ] {
            assert_eq!(found(Kind::Ipv4, text, &sources), expected, "{text} {ip_version} {record_size}");
        }
        assert!(found(Kind::Ipv6, "2001:db8::1", &sources).is_empty());
        assert!(found(Kind::Cidr, "2001:db8::/32", &sources).is_empty());
        assert_eq!(database.country(ip("::ffff:192.0.2.1")).unwrap().registered, Some("GB"));
    }
}

#[test]
fn autonomous_systems() {
    let entries = [
        (
            "192.0.2.0/26",
            map(&[
                ("autonomous_system_number", Value::U32(64500)),
                ("autonomous_system_organization", text("Example Net")),
            ]),
        ),
        (
            "192.0.2.64/26",
            map(&[("asn", text("AS64501")), ("as_name", text(" Other\u{1b}[31m\u{202e} Net "))]),
        ),
        ("192.0.2.128/27", map(&[("asn", text("AS0"))])),
        ("192.0.2.160/27", map(&[("asn", text("AS+7")), ("as_name", text("x"))])),
        ("192.0.2.192/27", map(&[("asn", Value::U64(1 << 40))])),
        ("192.0.2.224/27", code("MY")),
    ];
    let database = Mmdb::from_bytes(write(&Options::default(), &entries)).unwrap();
    let example = Asn { asn: 64500, provider: Some("Example Net".into()) };
    assert_eq!(database.asn(ip("192.0.2.1")), Ok(Some(example)));
    let other = database.asn(ip("::ffff:192.0.2.65")).unwrap().unwrap();
    assert_eq!((other.asn, other.provider.as_deref()), (64501, Some("Other\\u{1b}[31m\\u{202e} Net")));
    for text in ["192.0.2.129", "192.0.2.161", "192.0.2.193", "192.0.2.225", "10.0.0.1"] {
        assert_eq!(database.asn(ip(text)), Ok(None), "{text}");
    }
    let sources = Sources { asns: Some(&database), ..Sources::default() };
    for (text, expected) in
        [("192.0.2.0/27", Some(64500)), ("192.0.2.0/26", Some(64500)), ("192.0.2.0/24", None)]
    {
        let mut indicator = Indicator::new(Target::new(value(Kind::Cidr, text)), Context::default());
        enrich(&mut indicator, &sources).unwrap();
        assert_eq!(indicator.contexts[0].asn, expected, "{text}");
    }
}

#[test]
fn anycast_addresses_are_weak() {
    let database = database();
    let list =
        Anycast::parse("198.51.100.0/25\n198.51.100.0/24 # wider\n\n2001:db8::53\n192.0.2.1\n").unwrap();
    let sources = Sources { countries: Some(&database), anycast: Some(&list), ..Sources::default() };
    for (kind, text, expected) in [
        (Kind::Ipv4, "198.51.100.200", "ID hosting weak"),
        (Kind::Ipv4, "192.0.2.1", "MY hosting weak"),
        (Kind::Ipv4, "192.0.2.2", "MY hosting strong"),
        (Kind::Cidr, "192.0.2.0/28", "MY hosting weak"),
        (Kind::Ipv6, "2001:db8::53", "TH hosting weak"),
        (Kind::Ipv6, "2001:db8::54", "TH hosting strong"),
    ] {
        assert_eq!(found(kind, text, &sources), [expected], "{text}");
    }
    assert_eq!(Anycast::parse("192.0.2.1\nexample.org\n").unwrap_err().line, 2);
}

#[test]
fn what_a_producer_said_stays() {
    let database = database();
    let sources = Sources { countries: Some(&database), asns: None, anycast: None };
    let said = Country {
        code: "MY".into(),
        basis: Some("hosting".into()),
        evidence: Some("their own look-up".into()),
        ..Country::default()
    };
    let victim = Country { basis: Some("victim".into()), ..said.clone() };
    let first = Context { countries: vec![said.clone()], asn: Some(64500), ..Context::default() };
    let second = Context { countries: vec![victim.clone()], ..Context::default() };
    let mut indicator = Indicator::new(Target::new(value(Kind::Ipv4, "192.0.2.1")), first.clone());
    indicator.contexts.push(second);
    assert_eq!(enrich(&mut indicator, &sources), Ok(1));
    assert_eq!(indicator.contexts[0], first);
    assert_eq!(indicator.contexts[1].countries.len(), 2);
    assert_eq!(indicator.contexts[1].countries[0], victim);
    assert_eq!(enrich(&mut indicator, &sources), Ok(0));

    let systems = write(
        &Options::default(),
        &[("192.0.2.0/24", map(&[("asn", Value::U32(64501)), ("as_name", text("Example Net"))]))],
    );
    let systems = Mmdb::from_bytes(systems).unwrap();
    let sources = Sources { asns: Some(&systems), ..sources };
    assert_eq!(enrich(&mut indicator, &sources), Ok(2));
    assert_eq!((indicator.contexts[0].asn, indicator.contexts[0].provider.as_deref()), (Some(64500), None));
    let added = &indicator.contexts[1];
    assert_eq!((added.asn, added.provider.as_deref()), (Some(64501), Some("Example Net")));
}

#[test]
fn governments() {
    let of = |kind, text: &str| government(&value(kind, text), &["police.example"]).map(|g| g.rule);
    assert_eq!(of(Kind::Url, "http://x.gov.kh:8080/wp-content/"), Some("listed-suffix"));
    assert_eq!(of(Kind::Email, "a@moi.gov.kh"), Some("listed-suffix"));
    assert_eq!(of(Kind::Endpoint, "www.gov.mm:443"), Some("wildcard-suffix"));
    assert_eq!(of(Kind::Domain, "a.police.example"), Some("agreement-list"));
    assert_eq!(of(Kind::Url, "http://evil.example/gov.kh"), None);
    assert_eq!(of(Kind::Ipv4, "192.0.2.1"), None);
}

/// Every answer that a damaged database gives is an answer or an error.
fn ask(bytes: Vec<u8>) -> Result<(), MmdbError> {
    let database = Mmdb::from_bytes(bytes)?;
    let sources = Sources { countries: Some(&database), asns: Some(&database), anycast: None };
    let mut outcome = Ok(());
    for (kind, text) in [
        (Kind::Ipv4, "192.0.2.1"),
        (Kind::Ipv4, "203.0.113.200"),
        (Kind::Ipv6, "2001:db8::1"),
        (Kind::Cidr, "0.0.0.0/0"),
        (Kind::Cidr, "::/0"),
    ] {
        let mut indicator = Indicator::new(Target::new(value(kind, text)), Context::default());
        let asked = enrich(&mut indicator, &sources);
        if let Err(error) = &asked {
            assert_eq!(indicator.contexts, [Context::default()]);
            assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
        }
        outcome = outcome.and(asked.map(|_| ()));
    }
    outcome
}

#[test]
fn damaged_databases_are_errors_and_never_panics() {
    for record_size in [24, 28, 32] {
        let whole = write(&Options { record_size, ..Options::default() }, &documentation_ranges());
        assert_eq!(ask(whole.clone()), Ok(()));
        // A database ends with its metadata, so a file that was cut has none.
        for end in 0..whole.len() {
            assert!(
                matches!(Mmdb::from_bytes(whole[..end].to_vec()), Err(MmdbError::NotADatabase { .. })),
                "{end}"
            );
        }
        // Cut in front, and each byte changed: whatever comes of it.
        for start in (1..whole.len()).step_by(7) {
            let _ = ask(whole[start..].to_vec());
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= [0xff, 0x80, 0x01][at % 3];
            let _ = ask(changed);
        }
    }
    for bytes in [&b""[..], b"\xab\xcd\xefMaxMind.com", b"<html>\x1b[31m"] {
        assert!(Mmdb::from_bytes(bytes.to_vec()).is_err());
    }
}

#[test]
fn broken_records_and_hostile_metadata() {
    // A pointer to itself, a map that promises more than there is, a code that is not UTF-8.
    let latin = [b"\xe1\x4ccountry_code".as_slice(), b"\x42\xff\xfe"].concat();
    for raw in [vec![0x20, 0x00], vec![0xff, 0xff, 0xff, 0xff], latin] {
        let bytes = write(&Options::default(), &[("192.0.2.0/24", Value::Raw(raw.clone()))]);
        let database = Mmdb::from_bytes(bytes).unwrap();
        let error = database.country(ip("192.0.2.1"));
        assert!(matches!(error, Err(MmdbError::BrokenRecord { .. })), "{raw:x?}: {error:?}");
    }
    let options = Options {
        database_type: "evil\u{1b}[31m\n\u{202e}type",
        build_epoch: i64::MAX as u64,
        ..Options::default()
    };
    let database = Mmdb::from_bytes(write(&options, &documentation_ranges())).unwrap();
    assert_eq!(database.built(), None);
    let sources = Sources { countries: Some(&database), ..Sources::default() };
    let fact = &facts(&value(Kind::Ipv4, "192.0.2.1"), &sources).unwrap()[0];
    assert_eq!(fact.evidence.as_deref(), Some("evil\\u{1b}[31m\\u{a}\\u{202e}type"));
    assert_eq!(fact.date, None);
}

/// The package `@ip-location-db/geo-whois-asn-country-mmdb` 2.3.2026061719 of npm has what is expected here.
#[test]
fn a_published_database() {
    let Ok(path) = std::env::var("INDICIA_MMDB") else {
        eprintln!("skipped: INDICIA_MMDB does not name a database of countries (.mmdb)");
        return;
    };
    let database = Mmdb::from_bytes(std::fs::read(&path).unwrap()).unwrap();
    eprintln!("{} built {:?}", database.database_type(), database.built());
    for (address, country) in [
        ("8.8.8.8", Some("US")),
        ("::ffff:8.8.8.8", Some("US")),
        ("193.0.6.139", Some("NL")),
        ("2001:67c:2e8:22::c100:68b", Some("NL")),
        ("10.0.0.1", None),
    ] {
        assert_eq!(database.country(ip(address)).unwrap().country, country, "{address}");
    }
    let sources = Sources { countries: Some(&database), ..Sources::default() };
    assert_eq!(found(Kind::Url, "http://193.0.6.139/a", &sources), ["NL hosting strong"]);
    assert_eq!(found(Kind::Cidr, "0.0.0.0/0", &sources), [""; 0]);
}
