//! Agreements and everything else that a partner sends as text: no panic; what is read can be said in sentences.

#![no_main]

use indicia_exchange::package::Manifest;
use indicia_exchange::receive::State;
use indicia_exchange::sign::{PublicKey, SecretKey};
use indicia_exchange::{Agreement, EXAMPLE_AGREEMENT, Ledger, feedback};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        match Agreement::parse(text) {
            Ok(agreement) => assert!(agreement.explain().len() > 10),
            Err(errors) => assert!(!errors.problems.is_empty() && !errors.to_string().contains('\u{1b}')),
        }
        let _ = Ledger::read(text, None);
        let _ = PublicKey::parse(text);
        let _ = SecretKey::is_closed(text);
    }
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data) {
        let again: Manifest = serde_json::from_slice(&manifest.to_bytes()).expect("our own bytes");
        assert_eq!(again, manifest);
    }
    let _ = State::read(data);
    let agreement = Agreement::parse(EXAMPLE_AGREEMENT).expect("the example");
    if let Ok((answers, _)) = feedback::read_csv(data, &agreement) {
        assert!(answers.iter().all(|a| !a.item.contains(char::is_control)));
    }
});
