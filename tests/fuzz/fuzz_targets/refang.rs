//! Defanging undone: no panic; a text without any mark that a notation needs is unchanged; what is defanged
//! here is read back as the same value.

#![no_main]

use indicia_core::refang::{defang, refang};
use indicia_core::{Kind, Observable, Refang};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for (level, _) in Refang::ALL {
        let out = refang(text, *level);
        if *level == Refang::Off || text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
            assert_eq!(out, text);
        }
    }
    for kind in [
        Kind::Ipv4,
        Kind::Ipv6,
        Kind::Cidr,
        Kind::IpRange,
        Kind::Endpoint,
        Kind::Domain,
        Kind::Url,
        Kind::Email,
    ] {
        let Ok(first) = Observable::parse_as(kind, text) else { continue };
        let defanged = defang(kind, first.value());
        let again = Observable::parse_refanged(Some(kind), &defanged, Refang::Aggressive);
        // A tail that is itself written defanged (`/a[.]b`) is undone with the rest, and so are words that stand for a sign
        // (`_at_` in a name, `ws__` in front) and dots of other scripts in a local part, which brackets beside them make one
        // (docs/defang.md).
        let lower = first.value().to_lowercase();
        let words = ["__", "_at_", "-at-", "_dot_", "-dot-", "\u{3002}", "\u{ff0e}", "\u{ff61}", "\u{2024}"];
        let has_word = words.iter().any(|word| lower.contains(word));
        if !has_word && first.value() == refang(first.value(), Refang::Aggressive) {
            assert_eq!(again.as_ref().map(Observable::value), Ok(first.value()), "{kind}: {defanged:?}");
        }
    }
});
