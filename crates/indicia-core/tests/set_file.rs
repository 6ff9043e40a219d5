//! The set file: what is written is read, what was changed is seen, and no bytes do harm.

#[path = "set_file/mutations.rs"]
mod mutations;

use std::net::IpAddr;
use std::sync::Arc;

use indicia_core::{
    Batch, BuildOptions, Context, Indicator, IndicatorSet, Kind, Match, Observable, ParseOptions, Profile,
    Relation, Role, ScanOptions, Scratch, SetBuilder, SetError, Signature, Stamp, Target, Time, Tlp,
};

/// A bit of everything.
const TARGETS: [(Kind, &str, Match); 18] = [
    (Kind::Ipv4, "192.0.2.7", Match::Exact),
    (Kind::Ipv4, "203.0.113.9", Match::Exact),
    (Kind::Ipv6, "2001:db8::7", Match::Exact),
    (Kind::Ipv6, "::ffff:192.0.2.7", Match::Exact),
    (Kind::Cidr, "192.0.2.0/24", Match::Network),
    (Kind::Cidr, "192.0.2.7/32", Match::Network),
    (Kind::Cidr, "2001:db8::/32", Match::Network),
    (Kind::IpRange, "192.0.2.5-192.0.3.1", Match::Network),
    (Kind::Endpoint, "bad.example:8080", Match::Exact),
    (Kind::Domain, "bad.example", Match::Subdomains),
    (Kind::Domain, "*.worse.example", Match::Subdomains),
    (Kind::Domain, "www.bad.example", Match::Exact),
    (Kind::Url, "http://bad.example/a?b", Match::Exact),
    (Kind::Url, "http://bad.example/pre/", Match::Prefix),
    (Kind::Url, "*.mask.example/q*", Match::Mask),
    (Kind::Email, "Joe@bad.example", Match::Exact),
    (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427f", Match::Exact),
    (Kind::Other, "whatever", Match::Exact),
];

const TEXT: &[u8] =
    b"192.0.2.7 192.0.2.200 192.0.3.1:8080 [2001:db8::7]:443 2001:db8::8 bad.example:8080 a.bad.example \
    x.worse.example worse.example http://bad.example/a?b http://bad.example/pre/x http://u.mask.example/q \
    joe@bad.example d41d8cd98f00b204e9800998ecf8427f 203.0.113.9/32 whatever\n";

fn indicators() -> Vec<Indicator> {
    let context = |feed: &str, tlp| Context { feed: Some(feed.into()), tlp, ..Context::default() };
    let mut all = Vec::new();
    for (i, (kind, value, match_)) in TARGETS.iter().enumerate() {
        let target = Target::from_parts(*kind, value, Some(*match_), Some("type")).expect(value);
        let mut indicator = Indicator::new(target, context(["a", "b"][i % 2], None));
        indicator.contexts.push(context("c", Some(Tlp::Green)));
        indicator.group = (i % 5 == 0).then(|| format!("group {i}"));
        all.push(indicator);
    }
    all
}

fn compile(indicators: impl IntoIterator<Item = Indicator>) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    indicators.into_iter().for_each(|indicator| builder.push(indicator));
    builder.finish()
}

fn sorted(indicators: impl IntoIterator<Item = Indicator>) -> Vec<String> {
    let mut all: Vec<String> =
        indicators.into_iter().map(|indicator| serde_json::to_string(&indicator).unwrap()).collect();
    all.sort();
    all
}

/// Asks everything that a set can be asked.
fn use_all(set: &IndicatorSet) {
    let _ = set.info();
    for indicator in set.iter().take(1000) {
        let _ = (indicator.key().len(), indicator.contexts().map(|c| c.labels.len()).sum::<usize>());
        let _ = (indicator.to_indicator(), format!("{indicator:?}"));
    }
    assert!(set.get(u32::MAX).is_none());
    let _ = set.scan(TEXT);
    let options = ScanOptions { url_hosts: true, ignore_ports: true, ..ScanOptions::default() };
    let mut scratch = Scratch::default();
    for value in ["192.0.2.7", "192.0.2.0/28", "2001:db8::7", "a.bad.example", "http://bad.example/pre/x"] {
        let _ = set.lookup(value, None, &options, &mut scratch).unwrap();
    }
}

#[test]
fn what_is_written_is_read() {
    let set = compile(indicators());
    assert_eq!(sorted(set.iter().map(|i| i.to_indicator())), sorted(indicators()));
    let again = IndicatorSet::from_bytes(set.as_bytes()).unwrap();
    assert_eq!(sorted(again.iter().map(|i| i.to_indicator())), sorted(indicators()));
    assert_eq!((again.digest(), again.info()), (set.digest(), set.info()));
    let hits = |set: &IndicatorSet| format!("{:?}", set.scan(TEXT));
    assert_eq!(hits(&again), hits(&set));
    let info = set.info();
    assert_eq!((info.indicators, info.contexts, info.unmarked), (18, 3, 18));
    assert_eq!(
        info.feeds.iter().map(|(name, n)| (&**name, *n)).collect::<Vec<_>>(),
        [("a", 9), ("b", 9), ("c", 18)]
    );
    assert_eq!(info.kinds["domain"], 3);
    set.verify().unwrap();
    set.check().unwrap();
}

#[test]
fn order_and_repetition_change_no_byte() {
    let set = compile(indicators());
    let mut other = indicators();
    other.reverse();
    other.extend(indicators().into_iter().step_by(3));
    for indicator in &mut other {
        indicator.contexts.reverse();
    }
    assert!(compile(other).as_bytes() == set.as_bytes());
    // Contexts may come one by one.
    let single = indicators().into_iter().flat_map(|indicator| {
        let Indicator { target, group, contexts } = indicator;
        contexts.into_iter().map(move |context| Indicator {
            target: target.clone(),
            group: group.clone(),
            contexts: vec![context],
        })
    });
    assert!(compile(single).as_bytes() == set.as_bytes());
}

#[test]
fn runs_make_the_same_set() {
    let all: Vec<Indicator> = indicators().into_iter().cycle().take(100).collect();
    let set = compile(all.clone());
    for size in [1, 3, 18, 99, 100] {
        let mut builder = SetBuilder::new(BuildOptions::default());
        let mut runs: Vec<Vec<u8>> = Vec::new();
        for part in all.chunks(size) {
            part.iter().for_each(|indicator| builder.push(indicator.clone()));
            // What is left is held.
            if part.len() == size && size < 100 {
                runs.push(Vec::new());
                builder.write_run(runs.last_mut().unwrap()).unwrap();
                assert_eq!(builder.held(), 0);
            }
            if runs.len() == 5 {
                let mut joined = Vec::new();
                SetBuilder::join_runs(readers(&runs), &mut joined).unwrap();
                runs = vec![joined];
            }
        }
        assert!(builder.finish_with(readers(&runs)).unwrap().as_bytes() == set.as_bytes(), "{size}");
    }
}

#[test]
fn batches_and_threads_make_the_same_set() {
    let all: Vec<Indicator> = indicators().into_iter().cycle().take(100).collect();
    // Somebody to notify, a public suffix, what is no mask, and a URL under another profile.
    let mut odd: Vec<Indicator> = all.iter().take(20).cloned().collect();
    odd.iter_mut().step_by(3).for_each(|one| one.contexts[0].role = Some(Role::Victim));
    let target = |kind, value, match_| Target::from_parts(kind, value, Some(match_), None).unwrap();
    odd.push(Indicator::new(target(Kind::Domain, "co.uk", Match::Subdomains), Context::default()));
    let other =
        ParseOptions { profile: Profile::SafeBrowsing4, kind: Some(Kind::Url), ..ParseOptions::default() };
    let url = Observable::parse_with("http://bad.example/a", &other).unwrap();
    odd.push(Indicator::new(Target::new(url), Context::default()));
    for all in [all, odd] {
        let mut plain = SetBuilder::new(BuildOptions::default());
        all.iter().for_each(|indicator| plain.push(indicator.clone()));
        let report = plain.report().clone();
        let expected = plain.finish();
        for (size, threads) in [(1, 1), (7, 2), (30, 5), (100, 2)] {
            let mut builder = SetBuilder::new(BuildOptions::default());
            builder.use_threads(threads);
            let shared: Vec<Arc<Context>> =
                all.iter().flat_map(|indicator| indicator.contexts.iter().cloned().map(Arc::new)).collect();
            let mut runs = Vec::new();
            for (n, part) in all.chunks(size).enumerate() {
                let mut batch = Batch::new(BuildOptions::default());
                for indicator in part {
                    match (&indicator.group, &indicator.contexts[..]) {
                        (None, [one]) => {
                            let one = shared.iter().find(|shared| ***shared == *one).unwrap();
                            batch.push_shared(&indicator.target, one);
                        }
                        _ => batch.push(indicator.clone()),
                    }
                }
                builder.add(batch);
                if n == 1 && threads == 5 {
                    runs.push(Vec::new());
                    builder.write_run(&mut runs[0]).unwrap();
                }
            }
            assert_eq!(*builder.report(), report, "{size}");
            let built = builder.finish_with(readers(&runs)).unwrap();
            assert!(built.as_bytes() == expected.as_bytes(), "{size} {threads}");
        }
    }
}

#[test]
fn a_run_that_was_changed_is_an_error_or_another_set() {
    let mut builder = SetBuilder::new(BuildOptions::default());
    indicators().into_iter().take(5).for_each(|indicator| builder.push(indicator));
    let mut run = Vec::new();
    builder.write_run(&mut run).unwrap();
    for length in 1..run.len() {
        let mut joined = Vec::new();
        // Between two drafts it can end.
        let _ = SetBuilder::join_runs(readers(&[run[..length].to_vec()]), &mut joined);
        let mut changed = run.clone();
        changed[length] ^= 0x81;
        let _ = SetBuilder::join_runs(readers(&[changed]), &mut joined);
    }
}

fn readers(runs: &[Vec<u8>]) -> Vec<Box<dyn std::io::Read + '_>> {
    runs.iter().map(|run| Box::new(&run[..]) as Box<dyn std::io::Read>).collect()
}

#[test]
fn a_truncated_file_is_refused() {
    let set = compile(indicators().into_iter().take(3));
    let file = set.as_bytes();
    for length in 0..file.len() {
        assert!(IndicatorSet::from_bytes(&file[..length]).is_err(), "{length}");
        assert!(IndicatorSet::from_storage(file[..length].to_vec()).is_err(), "{length}");
    }
    let longer = [file, b"x"].concat();
    assert!(IndicatorSet::from_storage(longer).is_err());
}

#[test]
fn every_changed_bit_is_seen_and_does_no_harm() {
    let set = compile(indicators().into_iter().take(4));
    let mut file = set.as_bytes().to_vec();
    let zeros = file.windows(64).position(|w| w == [0; 64]).unwrap();
    for byte in 0..file.len() {
        for bit in 0..8 {
            // Of padding one bit a byte is enough.
            if file[byte] == 0 && byte > zeros && bit != byte % 8 {
                continue;
            }
            file[byte] ^= 1 << bit;
            assert!(IndicatorSet::from_bytes(&file).is_err(), "byte {byte} bit {bit}");
            if let Ok(set) = IndicatorSet::from_storage(file.clone()) {
                assert!(set.verify().is_err(), "byte {byte} bit {bit}");
                assert!(set.check().is_err(), "byte {byte} bit {bit}");
                if file[byte] != 1 << bit {
                    use_all(&set);
                }
            }
            file[byte] ^= 1 << bit;
        }
    }
}

/// Bytes that were changed on purpose, and the checks made to fit.
#[test]
fn any_sections_are_read_without_harm() {
    let mut file = compile(indicators()).as_bytes().to_vec();
    let mut random = 0x5e7_f11eu64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % below
    };
    let whole = file.clone();
    let used: Vec<usize> = (4096..file.len()).filter(|at| whole[*at] != 0).collect();
    let rounds = if cfg!(debug_assertions) { 3_000 } else { 30_000 };
    for round in 0..rounds {
        for _ in 0..1 + next(6) {
            let at = if next(3) > 0 { used[next(used.len())] } else { 4096 + next(file.len() - 4096) };
            file[at] = [0, 1, 0x7f, 0x80, 0xff, next(256) as u8][next(6)];
        }
        // Opening looks at the first page only, so the digest need not fit.
        use_all(&IndicatorSet::from_storage(file.clone()).unwrap());
        if round % 20 == 0 {
            file.copy_from_slice(&whole);
        }
    }
}

#[test]
fn another_version_is_named() {
    let mut file = compile(indicators()).as_bytes().to_vec();
    file[8..10].copy_from_slice(&7u16.to_le_bytes());
    for error in [IndicatorSet::from_bytes(&file).unwrap_err(), IndicatorSet::from_storage(file).unwrap_err()]
    {
        assert!(matches!(error, SetError::Version { found: 7 }));
        assert_eq!(error.to_string(), "the set has format 7, this build reads 3: compile again");
    }
    assert!(matches!(IndicatorSet::from_bytes(b"INDICIA"), Err(SetError::NotASet)));
    assert!(matches!(IndicatorSet::from_bytes(b""), Err(SetError::NotASet)));
    assert!(matches!(IndicatorSet::from_bytes(b"INDICIA\0"), Err(SetError::Corrupt { .. })));
}

#[test]
fn sets_of_nothing_and_of_one_kind() {
    let empty = compile([]);
    assert!(empty.is_empty() && empty.iter().next().is_none());
    use_all(&IndicatorSet::from_bytes(empty.as_bytes()).unwrap());
    for kind in Kind::ALL {
        let of_kind = || indicators().into_iter().filter(|i| i.target.observable.kind() == *kind);
        let set = IndicatorSet::from_bytes(compile(of_kind()).as_bytes()).unwrap();
        assert_eq!(sorted(set.iter().map(|i| i.to_indicator())), sorted(of_kind()), "{kind}");
        use_all(&set);
    }
}

#[test]
fn a_stamp_is_part_of_the_file_and_not_of_the_digest() {
    let set = compile(indicators());
    let (digest, unsigned) = (*set.digest(), set.signed_message());
    assert_eq!((set.sequence(), set.not_after(), set.signature()), (0, None, None));
    let until = Time::from_unix(1_800_000_000).unwrap();
    let signature = Signature { key_id: *b"key id 1", bytes: [7; 64] };
    let stamp = Stamp { sequence: 3, not_after: Some(until), signature: Some(signature) };
    let set = set.stamped(&stamp).unwrap();
    let again = IndicatorSet::from_bytes(set.as_bytes()).unwrap();
    assert_eq!(*again.stamp(), stamp);
    assert_eq!(again.signature(), Some((signature.key_id, signature.bytes)));
    assert_eq!(*again.digest(), digest);
    assert_ne!(again.signed_message(), unsigned);
    assert!(again.signed_message().windows(32).any(|w| w == digest));
    let mut file = set.as_bytes().to_vec();
    file[80] ^= 1;
    assert!(IndicatorSet::from_storage(file).is_err());
}

/// Many of what has a table of its own once there are many, against what is listed.
#[test]
fn many_addresses_and_networks() {
    let mut random = 0xadd5u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut listed = Vec::new();
    for _ in 0..40_000 {
        listed.push((Kind::Ipv4, std::net::Ipv4Addr::from(next() as u32).to_string()));
    }
    for i in 0..40_000u32 {
        let length = 8 + i % 24;
        let bits = next() as u32 >> (32 - length) << (32 - length);
        listed.push((Kind::Cidr, format!("{}/{length}", std::net::Ipv4Addr::from(bits))));
    }
    let targets = listed.iter().map(|(kind, value)| Target::new(Observable::parse_as(*kind, value).unwrap()));
    let set = compile(targets.map(|target| Indicator::new(target, Context::default())));
    let spans: Vec<(u32, u32)> = listed
        .iter()
        .map(|(_, value)| {
            let (address, length) = value.split_once('/').unwrap_or((value, "32"));
            let first = address.parse::<std::net::Ipv4Addr>().unwrap().to_bits();
            (first, first | u32::MAX.checked_shr(length.parse().unwrap()).unwrap_or(0))
        })
        .collect();
    let (options, mut scratch) = (ScanOptions::default(), Scratch::default());
    for i in 0..600 {
        let (first, last) = spans[i * 131 % spans.len()];
        let address = [first, last, last.wrapping_add(1), next() as u32][i % 4];
        let hits = set.lookup_address(IpAddr::V4(address.into()), None, &options, &mut scratch);
        let mut want: Vec<&str> = (0..spans.len())
            .filter(|n| spans[*n].0 <= address && address <= spans[*n].1)
            .map(|n| &*listed[n].1)
            .collect();
        let mut found: Vec<&str> = hits.iter().map(|hit| hit.indicator.value()).collect();
        want.sort_unstable();
        want.dedup();
        found.sort_unstable();
        assert_eq!(found, want);
        assert!(
            hits.iter().all(|hit| (hit.relation == Relation::Exact) == (hit.indicator.kind() == Kind::Ipv4))
        );
    }
}
