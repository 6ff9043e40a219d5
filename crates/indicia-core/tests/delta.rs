//! Deltas: the new set comes out byte for byte, or nothing does.

use indicia_core::{
    BuildOptions, Context, DeltaError, Indicator, IndicatorSet, Kind, Match, Profile, Reason, SetBuilder,
    Signature, Stamp, Target, Time, Tlp,
};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % n
    }
}

/// Of every kind of section something, with neighbours that differ in little.
const TARGETS: &[(Kind, &str, Match)] = &[
    (Kind::Ipv4, "192.0.2.7", Match::Exact),
    (Kind::Cidr, "192.0.2.7/32", Match::Network),
    (Kind::Ipv6, "::ffff:192.0.2.7", Match::Exact),
    (Kind::Ipv4, "10.0.0.1", Match::Exact),
    (Kind::Ipv4, "203.0.113.9", Match::Exact),
    (Kind::Ipv6, "2001:db8::7", Match::Exact),
    (Kind::Ipv6, "2001:db8::70", Match::Exact),
    (Kind::Cidr, "192.0.2.0/24", Match::Network),
    (Kind::Cidr, "0.0.0.0/0", Match::Network),
    (Kind::Cidr, "2001:db8::/32", Match::Network),
    (Kind::IpRange, "192.0.2.5-192.0.3.1", Match::Network),
    (Kind::IpRange, "2001:db8::1-2001:db9::", Match::Network),
    (Kind::Endpoint, "bad.example:8080", Match::Exact),
    (Kind::Endpoint, "192.0.2.7:443", Match::Exact),
    (Kind::Endpoint, "[2001:db8::7]:443", Match::Exact),
    (Kind::Domain, "bad.example", Match::Subdomains),
    (Kind::Domain, "bad.example", Match::Exact),
    (Kind::Domain, "*.bad.example", Match::Subdomains),
    (Kind::Domain, "www.bad.example", Match::Exact),
    (Kind::Domain, "github.io", Match::Subdomains),
    (Kind::Url, "http://bad.example/a?b", Match::Exact),
    (Kind::Url, "https://bad.example/a?b", Match::Exact),
    (Kind::Url, "http://bad.example/a?b", Match::Prefix),
    (Kind::Url, "http://bad.example:8080/a", Match::Exact),
    (Kind::Url, "http://192.0.2.7/a/long/path", Match::Exact),
    (Kind::Url, "*.mask.example/q*", Match::Mask),
    (Kind::Email, "Joe@bad.example", Match::Exact),
    (Kind::Email, "joe@bad.example", Match::Exact),
    (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427f", Match::Exact),
    (Kind::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Match::Exact),
    (Kind::Cve, "CVE-2021-1234", Match::Exact),
    (Kind::Mutex, "Global\\Bad", Match::Exact),
    (Kind::Other, "whatever", Match::Exact),
    (Kind::Other, "anything", Match::Exact),
];

fn context(random: &mut Random) -> Context {
    let pick = |n: usize, from: &[&str]| Some(from[n % from.len()].to_string());
    let mut context = Context { feed: pick(random.below(3), &["a", "b", "ü"]), ..Context::default() };
    match random.below(5) {
        0 => context.tlp = Some(Tlp::Green),
        1 => context.description = pick(random.below(9), &["x", "y", "a longer text", ""]),
        2 => context.labels = (0..random.below(4)).map(|i| format!("label {i}")).collect(),
        _ => {}
    }
    context
}

fn indicator(number: usize, random: &mut Random) -> Indicator {
    let (kind, value, match_) = TARGETS[number % TARGETS.len()];
    let source_type = ["type", "other type"][random.below(2)];
    let target = Target::from_parts(kind, value, Some(match_), Some(source_type)).expect(value);
    let mut indicator = Indicator::new(target, context(random));
    (0..random.below(3)).for_each(|_| indicator.contexts.push(context(random)));
    indicator.group = (random.below(5) == 0).then(|| format!("group {}", random.below(3)));
    indicator
}

fn compile(indicators: &[Indicator]) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions { everything: true, ..BuildOptions::default() });
    indicators.iter().for_each(|indicator| builder.push(indicator.clone()));
    builder.finish()
}

/// Targets that are there with this chance, of ten.
fn some(chance: usize, random: &mut Random) -> Vec<Indicator> {
    let all = (0..TARGETS.len()).filter(|_| random.below(10) < chance).collect::<Vec<_>>();
    all.into_iter().map(|number| indicator(number, random)).collect()
}

fn leads(old: &IndicatorSet, new: &IndicatorSet) -> Vec<u8> {
    let delta = old.delta_to(new).unwrap();
    let made = old.apply_delta(&delta.bytes).unwrap();
    assert!(made.as_bytes() == new.as_bytes());
    delta.bytes
}

#[test]
fn between_any_two_sets_there_is_a_delta() {
    for seed in 1..300u64 {
        let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let chance = random.below(11);
        let old = some(chance, random);
        // Another list altogether, or the same one with a few changes.
        let mut new = if random.below(3) == 0 { some(chance, random) } else { old.clone() };
        for _ in 0..random.below(4) {
            match random.below(3) {
                0 if !new.is_empty() => drop(new.remove(random.below(new.len()))),
                1 if !new.is_empty() => {
                    let at = random.below(new.len());
                    new[at].contexts.push(context(random));
                }
                _ => new.push(indicator(random.below(TARGETS.len()), random)),
            }
        }
        leads(&compile(&old), &compile(&new));
    }
}

#[test]
fn from_nothing_to_nothing_and_to_the_same() {
    let random = &mut Random(7);
    let (empty, full) = (compile(&[]), compile(&some(10, random)));
    for (old, new) in [(&empty, &full), (&full, &empty), (&empty, &empty), (&full, &full)] {
        leads(old, new);
    }
    let counts = full.delta_to(&full).unwrap().counts;
    assert_eq!((counts.removed, counts.changed, counts.added, counts.contexts), (0, 0, 0, 0));
    let counts = empty.delta_to(&full).unwrap().counts;
    assert_eq!((counts.removed, counts.added), (0, full.len() as u64));
}

#[test]
fn only_what_changed_is_in_it() {
    let random = &mut Random(9);
    let old = some(10, random);
    let mut new = old.clone();
    new[3].contexts = vec![Context { provider: Some("somebody".into()), ..Context::default() }];
    new.remove(28);
    let (old, new) = (compile(&old), compile(&new));
    let delta = old.delta_to(&new).unwrap();
    assert_eq!((delta.counts.changed, delta.counts.contexts, delta.counts.added), (1, 1, 0));
    assert!(!delta.bytes.windows(9).any(|w| w == b"10.0.0.1"));
}

#[test]
fn a_stamp_comes_along() {
    let random = &mut Random(11);
    let (old, new) = (compile(&some(5, random)), compile(&some(5, random)));
    let not_after: Time = "2030-01-02T03:04:05Z".parse().unwrap();
    let signature = Signature { key_id: [7; 8], bytes: [9; 64] };
    let stamp = Stamp { sequence: 12, not_after: Some(not_after), signature: Some(signature) };
    let new = new.stamped(&stamp).unwrap();
    let delta = leads(&old, &new);
    assert_eq!(*old.apply_delta(&delta).unwrap().stamp(), stamp);
    // The old set's stamp is not part of it.
    let old = old.stamped(&Stamp { sequence: 11, ..Stamp::default() }).unwrap();
    assert!(old.apply_delta(&delta).unwrap().as_bytes() == new.as_bytes());
}

#[test]
fn what_does_not_fit_is_refused() {
    let random = &mut Random(13);
    let (old, new) = (compile(&some(5, random)), compile(&some(5, random)));
    let delta = leads(&old, &new);
    let reason = |error: DeltaError| error.reason();
    assert_eq!(new.apply_delta(&delta).map_err(reason).unwrap_err(), Reason::DeltaBase);
    assert_eq!(old.apply_delta(b"").map_err(reason).unwrap_err(), Reason::NotADelta);
    assert_eq!(old.apply_delta(old.as_bytes()).map_err(reason).unwrap_err(), Reason::NotADelta);
    for at in [8, 12] {
        let mut other = delta.clone();
        other[at] += 1;
        assert_eq!(old.apply_delta(&other).map_err(reason).unwrap_err(), Reason::DeltaVersion);
    }
    // The old set is not what it was.
    let mut file = old.as_bytes().to_vec();
    let last = file.len() - 1;
    file[last] ^= 1;
    let damaged = IndicatorSet::from_storage(file).unwrap();
    assert_eq!(damaged.apply_delta(&delta).map_err(reason).unwrap_err(), Reason::SetCorrupt);
    assert_eq!(old.delta_to(&damaged).map_err(reason).unwrap_err(), Reason::SetCorrupt);

    let mut builder =
        SetBuilder::new(BuildOptions { profile: Some(Profile::Verbatim), ..BuildOptions::default() });
    let target = Target::from_parts_under(Profile::Verbatim, Kind::Url, "http://bad.example/A", None, None);
    builder.push(Indicator::new(target.unwrap(), Context::default()));
    let other = builder.finish();
    assert_eq!(old.delta_to(&other).map_err(reason).unwrap_err(), Reason::ProfileMismatch);
    leads(&other, &other);
}

#[test]
fn every_cut_and_every_changed_bit_is_refused() {
    let random = &mut Random(17);
    let (old, new) = (compile(&some(4, random)), compile(&some(4, random)));
    let delta = leads(&old, &new);
    for length in 0..delta.len() {
        assert!(old.apply_delta(&delta[..length]).is_err(), "{length}");
    }
    assert!(old.apply_delta(&[&delta[..], b"x"].concat()).is_err());
    for byte in 0..delta.len() {
        for bit in 0..8 {
            let mut changed = delta.clone();
            changed[byte] ^= 1 << bit;
            assert!(old.apply_delta(&changed).is_err(), "{byte} {bit}");
        }
    }
}

/// Puts the check right, as whoever forges a delta would.
fn forged(delta: &mut [u8]) {
    use sha2::{Digest, Sha256};
    delta[16..48].fill(0);
    let check = Sha256::digest(&*delta);
    delta[16..48].copy_from_slice(&check);
}

#[test]
fn a_forged_delta_leads_to_the_set_that_it_names_or_nowhere() {
    let random = &mut Random(19);
    let (old, new) = (compile(&some(4, random)), compile(&some(4, random)));
    let delta = leads(&old, &new);
    for round in 0..4000 {
        let mut changed = delta.clone();
        for _ in 0..=random.below(3) {
            let at = 208 + random.below(changed.len() - 208);
            match random.below(4) {
                0 => changed[at] = random.below(256) as u8,
                1 => changed[at] ^= 1 << random.below(8),
                2 => changed.insert(at, random.below(256) as u8),
                _ => drop(changed.remove(at)),
            }
        }
        forged(&mut changed);
        if let Ok(set) = old.apply_delta(&changed) {
            assert_eq!(set.digest(), new.digest(), "{round}");
            set.verify().unwrap();
        }
    }
    // A stamp is the publisher's to sign.
    let mut other = delta.clone();
    other[112] = 1;
    forged(&mut other);
    assert_eq!(old.apply_delta(&other).unwrap().sequence(), 1);
}
