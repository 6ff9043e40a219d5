//! Files of deltas: packed, cut, changed, and bombs.

use indicia::{
    BuildOptions, Context, Indicator, IndicatorSet, Kind, Observable, Reason, SetBuilder, Target, delta,
};

fn set(names: std::ops::Range<u32>) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    for i in names {
        let name = format!("host{i}.bad.example");
        let target = Target::new(Observable::parse_as(Kind::Domain, &name).unwrap());
        builder.push(Indicator::new(target, Context::default()));
    }
    builder.finish().into()
}

#[test]
fn a_changed_file_is_refused_or_leads_to_the_same_set() {
    let (old, new) = (set(0..20), set(3..25));
    let (file, counts) = delta::make(&old, &new).unwrap();
    assert_eq!((counts.removed, counts.changed, counts.added), (3, 0, 5));
    assert!(delta::apply(&old, &file).unwrap().as_bytes() == new.as_bytes());
    for length in 0..file.len() {
        assert!(delta::apply(&old, &file[..length]).is_err(), "{length}");
    }
    assert!(delta::apply(&old, &[&file[..], b"x"].concat()).is_err());
    for bit in 0..8 * file.len() {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // A bit of the frame's head can mean nothing.
        if let Ok(made) = delta::apply(&old, &changed) {
            assert!(made.as_bytes() == new.as_bytes(), "{bit}");
        }
    }
}

#[test]
fn what_is_no_delta_is_said_to_be_none() {
    let old = set(0..3);
    let reason = |file: &[u8]| delta::apply(&old, file).unwrap_err().reason();
    assert_eq!(reason(b""), Reason::NotADelta);
    assert_eq!(reason(old.as_bytes()), Reason::NotADelta);
    assert_eq!(reason(&zstd::encode_all(&b"a feed"[..], 1).unwrap()), Reason::NotADelta);
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = std::io::repeat(0);
    let bomb = zstd::encode_all(std::io::Read::take(zeros, 1 << 30), 1).unwrap();
    let error = delta::apply(&set(0..3), &bomb).unwrap_err();
    assert_eq!(error.reason(), Reason::LimitReached);
}
