//! Redaction: no panic; a second pass finds nothing.

#![no_main]

use indicia_core::{Observable, Target};
use indicia_exchange::redact::{Redacted, Removed, redact_target, redact_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut removed = Removed::new();
    let once = redact_text(text, &mut removed).into_owned();
    let mut again = Removed::new();
    assert_eq!(redact_text(&once, &mut again), once);
    assert!(again.is_empty(), "{again:?}");
    if let Ok(observable) = Observable::parse(text)
        && let Redacted::Changed(target) = redact_target(&Target::new(observable), None, &mut removed)
    {
        assert!(matches!(redact_target(&target, None, &mut again), Redacted::Unchanged), "{target:?}");
    }
});
