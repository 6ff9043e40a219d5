//! Applying a delta: no panic and no loop on any bytes, and no other set than the one that it names.
//!
//! A check guards the whole, so that mutated bytes would never be looked into: here it is put right first, and both
//! digests are those of real sets.

#![no_main]

use std::sync::OnceLock;

use indicia_core::{BuildOptions, Context, Indicator, IndicatorSet, Kind, Match, SetBuilder, Target};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const HEAD: usize = 208;

fuzz_target!(|data: &[u8]| {
    let (old, new, delta) = pair();
    let _ = old.apply_delta(data);
    // The input is what stands behind the head.
    let mut forged = [&delta[..HEAD], data].concat();
    apply(old, new, &mut forged);
    // Or it is put over a real delta, at a place that it says.
    let Some((place, over)) = data.split_first_chunk::<2>() else { return };
    let mut forged = delta.clone();
    let place = HEAD + usize::from(u16::from_le_bytes(*place)) % (forged.len() - HEAD);
    let end = forged.len().min(place + over.len());
    forged[place..end].copy_from_slice(&over[..end - place]);
    apply(old, new, &mut forged);
});

fn apply(old: &IndicatorSet, new: &IndicatorSet, delta: &mut [u8]) {
    delta[16..48].fill(0);
    let check = Sha256::digest(&*delta);
    delta[16..48].copy_from_slice(&check);
    if let Ok(made) = old.apply_delta(delta) {
        assert_eq!(made.digest(), new.digest());
        made.verify().expect("what was made is whole");
    }
}

/// Two sets with a bit of everything, and what leads from one to the other.
fn pair() -> &'static (IndicatorSet, IndicatorSet, Vec<u8>) {
    static PAIR: OnceLock<(IndicatorSet, IndicatorSet, Vec<u8>)> = OnceLock::new();
    PAIR.get_or_init(|| {
        let set = |odd: bool| {
            let mut builder = SetBuilder::new(BuildOptions::default());
            for (i, (kind, value, match_)) in [
                (Kind::Ipv4, "192.0.2.7", Match::Exact),
                (Kind::Ipv6, "2001:db8::7", Match::Exact),
                (Kind::Cidr, "192.0.2.0/24", Match::Network),
                (Kind::Cidr, "2001:db8::/32", Match::Network),
                (Kind::IpRange, "192.0.2.5-192.0.3.1", Match::Network),
                (Kind::Endpoint, "bad.example:8080", Match::Exact),
                (Kind::Domain, "bad.example", Match::Subdomains),
                (Kind::Url, "http://bad.example/a", Match::Exact),
                (Kind::Url, "http://bad.example/pre/", Match::Prefix),
                (Kind::Email, "Joe@bad.example", Match::Exact),
                (Kind::Other, "whatever", Match::Exact),
            ]
            .into_iter()
            .enumerate()
            {
                if i % 3 == 0 && odd || i % 3 == 1 && !odd {
                    continue;
                }
                let target = Target::from_parts(kind, value, Some(match_), Some("type")).expect(value);
                let feed = if odd { "f" } else { "g" };
                builder.push(Indicator::new(target, Context { feed: Some(feed.into()), ..Context::default() }));
            }
            builder.finish()
        };
        let (old, new) = (set(false), set(true));
        let delta = old.delta_to(&new).expect("two sets of one profile").bytes;
        (old, new, delta)
    })
}
