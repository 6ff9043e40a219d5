//! Reading a set file: no panic, no fault and no loop on any bytes.
//!
//! Checks guard the first page and the content, so that mutated bytes would never be looked into. Opening reads the first
//! page only: the bytes are also put over the sections of a real set, at a place that they say, and used unverified.

#![no_main]

use std::ops::ControlFlow;
use std::sync::OnceLock;

use indicia_core::{
    BuildOptions, Context, Indicator, IndicatorSet, Kind, Level, Match, ScanOptions, Scratch, SetBuilder,
    Target,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(set) = IndicatorSet::from_bytes(data) {
        use_all(&set);
    }
    if let Ok(set) = IndicatorSet::from_storage(data.to_vec()) {
        use_all(&set);
    }
    let Some((place, over)) = data.split_first_chunk::<4>() else { return };
    for whole in wholes() {
        let mut file = whole.clone();
        let place = 4096 + u32::from_le_bytes(*place) as usize % (file.len() - 4096);
        let end = file.len().min(place + over.len());
        file[place..end].copy_from_slice(&over[..end - place]);
        use_all(&IndicatorSet::from_storage(file).expect("only the first page is looked at"));
    }
});

/// Sets with a bit of everything.
fn wholes() -> &'static [Vec<u8>; 2] {
    static FILES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        [true, false].map(|masks| {
            let mut builder = SetBuilder::new(BuildOptions::default());
            for (kind, value, match_) in [
                (Kind::Ipv4, "192.0.2.7", Match::Exact),
                (Kind::Ipv6, "2001:db8::7", Match::Exact),
                (Kind::Cidr, "192.0.2.0/24", Match::Network),
                (Kind::Cidr, "2001:db8::/32", Match::Network),
                (Kind::IpRange, "192.0.2.5-192.0.3.1", Match::Network),
                (Kind::Endpoint, "bad.example:8080", Match::Exact),
                (Kind::Domain, "bad.example", Match::Subdomains),
                (Kind::Url, "http://bad.example/a", Match::Exact),
                (Kind::Url, "http://bad.example/pre/", Match::Prefix),
                (Kind::Url, "*.mask.example/q*", Match::Mask),
                (Kind::Email, "Joe@bad.example", Match::Exact),
                (Kind::Md5, "0123456789abcdef0123456789abcdef", Match::Exact),
                (Kind::Asn, "AS64496", Match::Exact),
                (Kind::Other, "whatever", Match::Exact),
            ] {
                if match_ == Match::Mask && !masks {
                    continue;
                }
                let target = Target::from_parts(kind, value, Some(match_), Some("type")).expect(value);
                let mut indicator = Indicator::new(target, Context::default());
                indicator.contexts.push(Context { feed: Some("f".into()), ..Context::default() });
                builder.push(indicator);
            }
            builder.finish().as_bytes().to_vec()
        })
    })
}

const TEXT: &[u8] =
    b"http://bad.example/a http://bad.example/pre/x 192.0.2.7:443 [2001:db8::7]:1 a@bad.example \
    http://u.mask.example/q 0123456789abcdef0123456789abcdef AS64496 x.bad.example:8080";

fn use_all(set: &IndicatorSet) {
    let _ = (set.info(), set.verify());
    for indicator in set.iter().take(1000) {
        let _ = (indicator.to_indicator(), format!("{indicator:?}"), indicator.key());
    }
    let options = ScanOptions { url_hosts: true, ignore_ports: true, ..ScanOptions::default() };
    for level in Level::available() {
        let _ = set.scan_with(TEXT, &options, &mut Scratch::with_level(level), &mut |hit| {
            assert!(set.get(hit.indicator.index()).is_some() && hit.end <= TEXT.len());
            ControlFlow::Continue(())
        });
    }
    for value in ["192.0.2.0/28", "bad.example"] {
        let _ = set.lookup(value, None, &options, &mut Scratch::default());
    }
}
