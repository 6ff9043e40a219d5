//! Every profile's rules for URLs, on bytes: no panic, a canonical value is its own canonical form with the same key,
//! and its expressions are few and different. The time limit of the run watches over the effort.

#![no_main]

use std::collections::BTreeSet;

use indicia_core::safe_browsing::{self, Version};
use indicia_core::{Observable, ParseOptions, Profile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for profile in Profile::ALL {
        if let Ok(first) = profile.url(bytes) {
            assert_eq!(first.profile(), *profile);
            match profile.url(first.value().as_bytes()) {
                Ok(again) => assert_eq!(again, first, "{profile}: not a fixed point"),
                Err(error) => panic!("{profile}: {:?} is refused when read again: {error}", first.value()),
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            let options = ParseOptions { profile: *profile, ..ParseOptions::default() };
            let _ = Observable::parse_with(text, &options);
        }
    }
    for (profile, version) in
        [(Profile::SafeBrowsing4, Version::V4), (Profile::SafeBrowsing5, Version::V5)]
    {
        let Ok(url) = profile.url(bytes) else { continue };
        let all: Vec<String> = safe_browsing::expressions(version, url.value()).collect();
        assert_eq!(all.first().map(String::as_str), Some(url.key()));
        assert!(all.len() <= 30);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        // Whatever is taken for a canonical URL.
        if let Ok(text) = std::str::from_utf8(bytes) {
            assert!(safe_browsing::expressions(version, text).count() <= 30);
        }
    }
});
