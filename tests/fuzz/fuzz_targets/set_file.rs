//! Reading a set file: no panic on any bytes; what is read is written as the same bytes again.
//!
//! A digest guards the body, so that a mutated body would never be looked into: the bytes are also tried with
//! a right header in front.

#![no_main]

use indicia_core::{BuildOptions, Context, Indicator, IndicatorSet, Kind, Observable, SetBuilder, Target};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|data: &[u8]| {
    read(data);
    // The header of a real set up to its digest, then the digest of the bytes, then the bytes.
    let mut file = Vec::new();
    let mut builder = SetBuilder::new(BuildOptions::default());
    let name = Observable::parse_as(Kind::Domain, "bad.example").expect("a fixed value");
    builder.push(Indicator::new(Target::new(name), Context::default()));
    builder.finish().write_to(&mut file).expect("memory");
    let info = u32::from_le_bytes(file[12..16].try_into().expect("four bytes")) as usize;
    file.truncate(16 + info);
    file.extend_from_slice(&Sha256::digest(data));
    file.extend_from_slice(data);
    read(&file);
});

fn read(bytes: &[u8]) {
    let Ok(set) = IndicatorSet::from_bytes(bytes) else { return };
    for indicator in set.iter() {
        let _ = (indicator.to_indicator(), format!("{indicator:?}"));
    }
    let _ = set.scan(b"http://bad.example/a 192.0.2.7:443 a@bad.example");
    let mut again = Vec::new();
    set.write_to(&mut again).expect("memory");
    let second = IndicatorSet::from_bytes(&again).expect("what was written is read");
    assert_eq!(set.digest(), second.digest());
}
