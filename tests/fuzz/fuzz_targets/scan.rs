//! Matching with a small set that has every relation, with all options: no panic; hits lie inside, in order, and
//! are the same at every level.

#![no_main]

use std::ops::ControlFlow;
use std::sync::OnceLock;

use indicia_core::{
    AsOf, BuildOptions, Context, Filter, Guards, Indicator, IndicatorSet, Kind, Level, Match, Refang,
    ScanOptions, ScanRefang, Scratch, SetBuilder, Target,
};
use libfuzzer_sys::fuzz_target;

fn set() -> &'static IndicatorSet {
    static SET: OnceLock<IndicatorSet> = OnceLock::new();
    SET.get_or_init(|| {
        let mut builder = SetBuilder::new(BuildOptions::default());
        let digest = |n: usize| "0123456789abcdef".repeat(8)[..n].to_string();
        let subdomains = Some(Match::Subdomains);
        for (kind, value, match_) in [
            (Kind::Domain, "bad.example".to_string(), subdomains),
            (Kind::Domain, "*.below.example".to_string(), subdomains),
            (Kind::Domain, "a.b".to_string(), None),
            (Kind::Domain, "xn--bcher-kva.example".to_string(), None),
            (Kind::Ipv4, "192.0.2.7".to_string(), None),
            (Kind::Ipv6, "2001:db8::7".to_string(), None),
            (Kind::Cidr, "192.0.2.0/24".to_string(), None),
            (Kind::Cidr, "::/0".to_string(), None),
            (Kind::IpRange, "192.0.2.1-192.0.2.9".to_string(), None),
            (Kind::Endpoint, "192.0.2.7:443".to_string(), None),
            (Kind::Endpoint, "bad.example:80".to_string(), None),
            (Kind::Url, "http://bad.example/a".to_string(), None),
            (Kind::Url, "http://a.b/p".to_string(), Some(Match::Prefix)),
            (Kind::Url, "http://[::1]/".to_string(), Some(Match::Prefix)),
            (Kind::Email, "a@bad.example".to_string(), None),
            (Kind::Md5, digest(32), None),
            (Kind::Ja3, digest(32), None),
            (Kind::Sha1, digest(40), None),
            (Kind::Sha256, digest(64), None),
            (Kind::Jarm, digest(62), None),
            (Kind::Asn, "AS1".to_string(), None),
            (Kind::Mac, "00:1a:2b:3c:4d:5e".to_string(), None),
            (Kind::Cve, "CVE-2021-4422".to_string(), None),
            (Kind::AttackId, "T1059".to_string(), None),
        ] {
            let target = Target::from_parts(kind, &value, match_, None).expect("a fixed value");
            builder.push(Indicator::new(target, Context::default()));
        }
        builder.finish()
    })
}

fuzz_target!(|data: &[u8]| {
    for (n, (level, _)) in Refang::ALL.iter().enumerate() {
        let options = ScanOptions {
            refang: ScanRefang(*level),
            ignore_ports: n % 2 == 1,
            url_hosts: n >= 2,
            strict_scheme: n == 3,
            fields: n == 2,
            only_fields: if n == 3 { vec!["a".to_string()] } else { Vec::new() },
            guards: if n == 0 { Guards::default() } else { Guards::off() },
            filter: Filter { as_of: if n == 1 { AsOf::Event } else { AsOf::Any }, ..Filter::default() },
        };
        let scans = Level::available().map(|level| {
            let (mut scratch, mut found) = (Scratch::with_level(level), Vec::new());
            let mut last = 0;
            let _ = set().scan_with(data, &options, &mut scratch, &mut |hit| {
                assert!(hit.start < hit.end && hit.end <= data.len(), "{hit:?}");
                assert!(hit.start >= last, "out of order: {hit:?}");
                last = hit.start;
                let field = hit.field().map(str::to_string);
                found.push((hit.start, hit.end, hit.indicator.index(), hit.relation, field));
                ControlFlow::Continue(())
            });
            // Past a limit, which place is not looked at depends on the level.
            (level, found, scratch.limits_reached())
        });
        let scans: Vec<_> = scans.collect();
        for pair in scans.windows(2).filter(|pair| pair.iter().all(|(.., limits)| *limits == 0)) {
            assert!(pair[0].1 == pair[1].1, "{:?} and {:?} differ", pair[0].0, pair[1].0);
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = set().lookup(text, None, &ScanOptions::default(), &mut Scratch::default());
    }
});
