//! Stores of observables: the same bytes whatever the way there, and nothing but a right store is read.

use std::ops::ControlFlow;

use indicia::store::{self, Observer, Reader, StoreError};
use indicia::{
    AsOf, BuildOptions, Context, Indicator, IndicatorSet, Kind, Match, Observable, Refang, ScanOptions,
    Scratch, SetBuilder, Target, Time,
};

const MEMORY: usize = 64 << 20;

fn lines() -> Vec<String> {
    (0..400)
        .map(|n| {
            format!(
                "2017-10-{:02}T09:30:{:02}.5Z GET http://h{}.bad.example:8080/p{}?q=1 from 192.0.2.{} by u{}@mail{}.example\n",
                1 + n % 28,
                n % 60,
                n % 37,
                n % 11,
                n % 251,
                n % 5,
                n % 3
            )
        })
        .collect()
}

fn written(observers: Vec<Observer>) -> Vec<u8> {
    let mut out = Vec::new();
    store::write_to(&mut out, observers).unwrap();
    out
}

fn observed<'t>(memory: usize, texts: impl IntoIterator<Item = &'t [u8]>) -> Observer {
    let mut observer = Observer::new(memory, std::env::temp_dir());
    for text in texts {
        observer.observe(text, Refang::Off).unwrap();
    }
    observer
}

fn read(store: &[u8]) -> Result<Vec<String>, StoreError> {
    let mut reader = Reader::new(store)?;
    let mut out = Vec::new();
    while let Some(block) = reader.next_block()? {
        for seen in block.iter() {
            let times = seen.seen.times.map(|(a, b)| format!(" {a} {b}")).unwrap_or_default();
            out.push(format!("{} {} {} {}{times}", seen.number, seen.kind, seen.value, seen.seen.count));
        }
    }
    Ok(out)
}

#[test]
fn what_stands_in_a_line_with_its_time() {
    let text: &[u8] = b"2017-10-12T09:30:00Z GET http://www.bad.example/a\n\
        2017-10-11 01:02:03 www.bad.example. and 192.0.2.7:443\n\
        no time: WWW.bad.EXAMPLE, odd.nosuchtld, [2001:db8::7]:53, a@b.example\n";
    assert_eq!(
        read(&written(vec![observed(MEMORY, [text])])).unwrap(),
        [
            "1 ipv4 192.0.2.7 1 2017-10-11T01:02:03Z 2017-10-11T01:02:03Z",
            "2 ipv6 2001:db8::7 1",
            "3 endpoint 192.0.2.7:443 1 2017-10-11T01:02:03Z 2017-10-11T01:02:03Z",
            "4 endpoint [2001:db8::7]:53 1",
            "5 domain b.example 1",
            "6 domain odd.nosuchtld 1",
            "7 domain www.bad.example 3 2017-10-11T01:02:03Z 2017-10-12T09:30:00Z",
            "8 url http://www.bad.example/a 1 2017-10-12T09:30:00Z 2017-10-12T09:30:00Z",
            "9 email a@b.example 1",
        ]
    );
    assert_eq!(read(&written(Vec::new())).unwrap(), [""; 0]);
}

#[test]
fn any_order_any_number_of_runs_the_same_bytes() {
    let lines = lines();
    let all = lines.concat();
    let expected = written(vec![observed(MEMORY, [all.as_bytes()])]);
    let backwards = lines.iter().rev().map(String::as_bytes);
    assert_eq!(written(vec![observed(MEMORY, backwards)]), expected);
    // So little memory that there are more runs than are kept.
    assert_eq!(written(vec![observed(4000, lines.iter().map(String::as_bytes))]), expected);
    let parts: Vec<Observer> =
        lines.chunks(90).map(|c| observed(9000, c.iter().map(String::as_bytes))).collect();
    assert_eq!(written(parts), expected);
    // Stores of the parts, merged.
    let mut merged = Observer::new(MEMORY, std::env::temp_dir());
    for part in lines.chunks(150) {
        let store = written(vec![observed(MEMORY, part.iter().map(String::as_bytes))]);
        merged.add_store(store.as_slice()).unwrap();
    }
    assert_eq!(written(vec![merged]), expected);
    // Into a file that grows.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    for part in lines.chunks(50) {
        store::write(&path, vec![observed(MEMORY, part.iter().map(String::as_bytes))]).unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), expected);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
}

#[test]
fn many_blocks() {
    let mut observer = Observer::new(1 << 20, std::env::temp_dir());
    for n in 0..60_000u64 {
        let seen = store::Seen {
            times: Time::from_unix(n as i64 * 77 % 1000).map(|t| (t, t)),
            count: u64::MAX - n % 2,
        };
        observer.add(Kind::Domain, &format!("n{}.bad.example", n * 7919 % 60_000), seen).unwrap();
        observer
            .add(Kind::Url, &format!("http://bad.example/{n}/{}", "x".repeat(n as usize % 900)), seen)
            .unwrap();
    }
    let store = written(vec![observer]);
    let all = read(&store).unwrap();
    assert_eq!(all.len(), 120_000);
    assert!(all[0].contains(&(u64::MAX >> 1).to_string()), "{}", all[0]);
    assert!(store.len() < 2_500_000, "{}", store.len());
}

#[test]
fn damage_is_told_with_its_place() {
    let good = written(vec![observed(MEMORY, lines().iter().take(20).map(String::as_bytes))]);
    assert!(read(&good).is_ok());
    for length in 0..good.len() {
        match read(&good[..length]) {
            Err(StoreError::Corrupt { at, .. }) => assert!(at <= length as u64),
            other => panic!("{length}: {other:?}"),
        }
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            match read(&bad) {
                Err(StoreError::Version { .. }) => assert!((8..10).contains(&at) || (16..32).contains(&at)),
                Err(StoreError::Corrupt { .. }) => {}
                other => panic!("byte {at}, bit {bit}: {other:?}"),
            }
        }
    }
    let longer = [&good[..], b"\0"].concat();
    assert!(matches!(read(&longer), Err(StoreError::Corrupt { at, .. }) if at == good.len() as u64));
    let error = read(&good[..40]).unwrap_err();
    assert_eq!(error.reason().slug(), "store-corrupt");
    assert_eq!(
        error.to_string(),
        "byte 40: the file ends too early; the store is damaged: fetch it or observe again"
    );
}

#[test]
fn a_damaged_store_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut bad = written(vec![observed(MEMORY, [&b"bad.example"[..]])]);
    bad[50] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    assert!(store::write(&path, vec![observed(MEMORY, [&b"192.0.2.7"[..]])]).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bad);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
}

/// A store written by hand, right in every check sum.
fn by_hand(count: u32, records: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut file = b"\x89indobs\n\x01\0\0\0\0\0\0\0default@1\0\0\0\0\0\0\0".to_vec();
    let packed = zstd::bulk::compress(records, 1).unwrap();
    for number in [packed.len() as u32, records.len() as u32, count] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&packed);
    let check = Sha256::digest(&file);
    file.extend_from_slice(&check[..16]);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&u64::from(count).to_le_bytes());
    let check = Sha256::digest(&file);
    file.extend_from_slice(&check);
    file
}

#[test]
fn right_sums_over_wrong_records() {
    // Kind 6 is `domain`.
    assert_eq!(read(&by_hand(1, b"\0\x04\x06a.b\x02")).unwrap(), ["1 domain a.b 1"]);
    let cases: &[(u32, &[u8], &str)] = &[
        (1, b"\x01\x04\x06a.b\x02", "longer than it can be"),
        (1, b"\0\x7f\x06a.b\x02", "longer than it can be"),
        (1, b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x06a.b\x02", "longer than it can be"),
        (1, b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x06a.b\x02", "a number of the block"),
        (1, b"\0\x84\0\x06a.b\x02", "a number of the block"),
        (1, b"\0\x04\x06a.b", "a number of the block"),
        (1, b"\0\x04\x06a.b\0", "never seen"),
        (1, b"\0\x04\x06a.b\x02\x02", "behind its last record"),
        (1, b"\0\x04\xf0a.b\x02", "a kind that is not known"),
        (1, b"\0\x01\x06\x02", "is none"),
        (1, b"\0\0\x02", "not in order"),
        (1, b"\0\x04\x06a\nb\x02", "is none"),
        (1, b"\0\x04\x06a\xffb\x02", "not UTF-8"),
        (2, b"\0\x04\x06a.b\x02\x04\0\x02", "not in order"),
        (2, b"\0\x04\x06a.b\x02\x03\x01a\x02", "not in order"),
        (1, b"\0\x04\x06a.b\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0", "a time of the block"),
        (1, b"\0\x04\x06a.b\x03\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a time of the block"),
        (0, b"", "cannot have this size"),
        (200, b"\0\x04\x06a.b\x02", "cannot have this size"),
    ];
    for (count, records, what) in cases {
        match read(&by_hand(*count, records)) {
            Err(error @ StoreError::Corrupt { .. }) => {
                assert!(error.to_string().contains(what), "{what}: {error}")
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    // Values that share all but a few bytes are long when written out.
    let mut records = b"\0\x81\x80\x02\x06".to_vec();
    records.extend(std::iter::repeat_n(b'a', 0x8000));
    records.push(2);
    for n in 0..1000u32 {
        records.extend_from_slice(b"\x81\x80\x02\x03");
        records.extend_from_slice(format!("{n:03}").as_bytes());
        records.push(2);
    }
    let error = read(&by_hand(1001, &records)).unwrap_err().to_string();
    assert!(error.contains("the values of the block are longer than they can be"), "{error}");
}

fn set(listed: &[(Kind, &str)], context: &Context) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    for (kind, value) in listed {
        let mut target = Target::new(Observable::parse_as(*kind, value).unwrap());
        if *kind == Kind::Domain {
            target.match_ = Match::Subdomains;
        }
        builder.push(Indicator::new(target, context.clone()));
    }
    builder.finish().into()
}

fn joined(store: &[u8], set: &IndicatorSet, options: &ScanOptions) -> Vec<String> {
    let mut out = Vec::new();
    let mut reader = Reader::new(store).unwrap();
    while let Some(block) = reader.next_block().unwrap() {
        let _ = store::join(set, &block, options, &mut Scratch::default(), &mut |found| {
            let value = &found.observed.value[found.start..found.end];
            out.push(format!(
                "{} {value} {} {}",
                found.hit.kind,
                found.hit.relation,
                found.hit.indicator.value()
            ));
            ControlFlow::Continue(())
        });
    }
    out
}

#[test]
fn every_relation() {
    let text: &[u8] = b"GET http://www.bad.example:8080/a/b?x=1,2 from 192.0.2.7:443 \
        imphash: 0123456789abcdef0123456789abcdef md5 0123456789abcdef0123456789abcdef a@mail.bad.example ::ffff:198.51.100.1\n";
    let store = written(vec![observed(MEMORY, [text])]);
    let set = set(
        &[
            (Kind::Domain, "bad.example"),
            (Kind::Cidr, "192.0.2.0/24"),
            (Kind::Endpoint, "192.0.2.7:443"),
            (Kind::Url, "https://www.bad.example:8080/a/b?x=1"),
            (Kind::Imphash, "0123456789abcdef0123456789abcdef"),
            (Kind::Email, "A@mail.bad.example"),
            (Kind::Ipv4, "198.51.100.1"),
        ],
        &Context::default(),
    );
    assert_eq!(
        joined(&store, &set, &ScanOptions::default()),
        [
            "ipv4 192.0.2.7 network 192.0.2.0/24",
            "ipv6 ::ffff:198.51.100.1 exact 198.51.100.1",
            "endpoint 192.0.2.7:443 endpoint 192.0.2.7:443",
            "domain mail.bad.example subdomain bad.example",
            "domain www.bad.example subdomain bad.example",
            "url http://www.bad.example:8080/a/b?x=1 exact https://www.bad.example:8080/a/b?x=1",
            "email a@mail.bad.example exact A@mail.bad.example",
            "imphash 0123456789abcdef0123456789abcdef exact 0123456789abcdef0123456789abcdef",
        ]
    );
    let every = ScanOptions { ignore_ports: true, url_hosts: true, ..ScanOptions::default() };
    let found = joined(&store, &set, &every);
    assert!(
        found.contains(&"domain www.bad.example url-host https://www.bad.example:8080/a/b?x=1".to_string()),
        "{found:?}"
    );
    assert!(found.contains(&"ipv4 192.0.2.7 endpoint 192.0.2.7:443".to_string()), "{found:?}");
}

#[test]
fn as_of_event_is_the_time_between_first_and_last() {
    let time = |text: &str| Time::parse(text).unwrap();
    let store = written(vec![observed(
        MEMORY,
        [&b"2017-01-01T00:00:00Z 192.0.2.7\n2018-01-01T00:00:00Z 192.0.2.7\n192.0.2.8\n"[..]],
    )]);
    let options = |as_of| {
        let mut options = ScanOptions::default();
        options.filter.as_of = as_of;
        options
    };
    for (from, until, hits) in [
        ("2017-03-01", "2017-06-01", 2),
        ("2016-03-01", "2016-06-01", 1),
        ("2018-03-01", "2018-06-01", 1),
        ("2018-01-01", "2018-06-01", 2),
        ("2016-01-01", "2017-01-01", 1),
    ] {
        let context =
            Context { valid_from: Some(time(from)), valid_until: Some(time(until)), ..Context::default() };
        let set = set(&[(Kind::Ipv4, "192.0.2.7"), (Kind::Ipv4, "192.0.2.8")], &context);
        assert_eq!(joined(&store, &set, &options(AsOf::Event)).len(), hits, "{from} {until}");
        assert_eq!(joined(&store, &set, &options(AsOf::Any)).len(), 2);
    }
}
