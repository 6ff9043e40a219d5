//! A `feeds.toml` is read or refused with a message that holds no control characters.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = indicia_feeds::list::parse(text) {
        assert!(!error.to_string().contains(char::is_control));
    }
});
