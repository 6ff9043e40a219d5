//! Masks: any text in any dialect, on any URL. No panic; the text of a mask is a fixed point and its target too; the
//! matcher agrees with its twin; what is written in a dialect is the same mask there; and none takes long.

#![no_main]

#[path = "../../../crates/indicia-core/tests/masks/twin.rs"]
mod twin;

use indicia_core::{Dialect, Kind, Mask, Match, Observable, Target};
use libfuzzer_sys::fuzz_target;

const DIALECTS: [Dialect; 9] = [
    Dialect::KasperskyFeed,
    Dialect::KasperskyEndpoint,
    Dialect::Cisco,
    Dialect::Eset,
    Dialect::Adblock,
    Dialect::StixLike(Kind::Url),
    Dialect::StixLike(Kind::Domain),
    Dialect::StixLike(Kind::FileName),
    Dialect::StixLike(Kind::FilePath),
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (written, value) = text.split_once('\n').unwrap_or((text, "http://a.example/b"));
    let kinds = [Kind::Url, Kind::Domain, Kind::FileName, Kind::FilePath, Kind::Email];
    let values: Vec<Observable> = [Kind::Url, Kind::Domain, Kind::Ipv4, Kind::FileName, Kind::FilePath]
        .into_iter()
        .filter_map(|kind| Observable::parse_as(kind, value).ok())
        .collect();
    let own = kinds.into_iter().filter_map(|kind| Mask::parse(kind, written).ok());
    let foreign = DIALECTS.iter().filter_map(|dialect| Mask::from_dialect(*dialect, written).ok());
    for mask in own.chain(foreign) {
        let shown = mask.to_string();
        // What is escaped can be longer than a mask may be.
        if shown.len() > indicia_core::MAX_MASK_BYTES {
            continue;
        }
        assert_eq!(Mask::parse(mask.kind(), &shown).as_ref(), Ok(&mask), "{shown}");
        if let Ok(target) = mask.clone().into_target()
            && target.match_ == Match::Mask
        {
            let again = Target::from_parts(mask.kind(), &target.value(), Some(Match::Mask), None);
            assert_eq!(again.as_ref(), Ok(&target));
        }
        for value in &values {
            let began = std::time::Instant::now();
            let matched = mask.matches(value);
            assert!(began.elapsed().as_millis() < 500, "{shown}");
            // Case beyond ASCII is folded a character at a time here, and by words there.
            if shown.is_ascii() && value.value().is_ascii() {
                assert_eq!(matched, twin::matches(mask.kind(), &shown, value), "{shown} on {}", value.value());
            }
        }
        for dialect in DIALECTS {
            if let Ok(text) = mask.to_dialect(dialect) {
                assert_eq!(Mask::from_dialect(dialect, &text).as_ref(), Ok(&mask), "{text}");
            }
        }
    }
});
