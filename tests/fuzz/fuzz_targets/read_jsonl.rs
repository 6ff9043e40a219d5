//! The reader of `jsonl` never panics, and what it hands on can be written and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| feeds::read_and_write(indicia_feeds::Format::Jsonl, data));

#[path = "feeds.rs"]
mod feeds;
