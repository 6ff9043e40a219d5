//! Where a text quotes a value, an id or a name: as it is, defanged, percent-encoded, in base64 or hex, or hashed.
//!
//! Values and names are found as whole tokens (no letter or digit beside them) by one automaton over the text, the
//! text refanged, and the text percent-decoded; encoded and hashed forms by looking up each word of the text. It errs
//! on the side of finding: `sub.bad.example` quotes `bad.example`.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use indicia_core::Indicator;
use indicia_core::refang::{Refang, refang};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The namespace in which STIX makes ids of observables, from which a value can be guessed.
const STIX_NAMESPACE: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
/// An id or group this short is a number of a list, not a secret.
const SHORT: usize = 6;

/// Something that a text may quote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secret {
    /// The value of a record, by place.
    Value(usize),
    /// An id, or who made or passed on something.
    Name(String),
}

pub(super) struct Quotes {
    secrets: Vec<Secret>,
    plain: Option<AhoCorasick>,
    /// Which secret each pattern of the automaton stands for.
    of_pattern: Vec<usize>,
    /// Encoded and hashed forms, in lower case.
    coded: HashMap<String, usize>,
}

impl std::fmt::Debug for Quotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotes").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl Quotes {
    pub(super) fn new(records: &[Indicator]) -> Quotes {
        let mut quotes =
            Quotes { secrets: Vec::new(), plain: None, of_pattern: Vec::new(), coded: HashMap::new() };
        let mut patterns: Vec<String> = Vec::new();
        let mut names: HashMap<String, usize> = HashMap::new();
        for (n, record) in records.iter().enumerate() {
            let at = quotes.secrets.len();
            quotes.secrets.push(Secret::Value(n));
            let observable = &record.target.observable;
            quotes.add(observable.value(), at, &mut patterns);
            if !observable.key().eq_ignore_ascii_case(observable.value()) {
                quotes.add(observable.key(), at, &mut patterns);
            }
            // A URL is known by its text without the scheme too, which the key has.
            let ids = record.contexts.iter().filter_map(|c| c.source_id.as_ref()).chain(&record.group);
            let ids = ids.filter(|id| id.len() >= SHORT);
            let who = record.contexts.iter().flat_map(|c| {
                c.producer
                    .iter()
                    .chain(c.hops.iter().map(|hop| &hop.who))
                    .chain(c.hops.iter().filter_map(|h| h.agreement.as_ref()))
            });
            for name in ids.chain(who).filter(|name| name.len() > 1 && *name != "withheld") {
                if !names.contains_key(name) {
                    let at = quotes.secrets.len();
                    names.insert(name.clone(), at);
                    quotes.secrets.push(Secret::Name(name.clone()));
                    // The UUID of `indicator--UUID` alone is as good, and found in the whole.
                    match name.split_once("--") {
                        Some((_, uuid)) if Uuid::parse_str(uuid).is_ok() => {
                            quotes.add(uuid, at, &mut patterns);
                            quotes.add_coded(name, at);
                        }
                        _ => quotes.add(name, at, &mut patterns),
                    }
                }
            }
        }
        // The patterns are as many as the records' values: more than an automaton can hold is more than memory has.
        quotes.plain = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(&patterns)
            .ok();
        quotes
    }

    fn add(&mut self, form: &str, secret: usize, patterns: &mut Vec<String>) {
        if form.is_empty() {
            return;
        }
        patterns.push(form.to_lowercase());
        self.of_pattern.push(secret);
        self.add_coded(form, secret);
    }

    fn add_coded(&mut self, form: &str, secret: usize) {
        for coded in coded_forms(form) {
            self.coded.entry(coded).or_insert(secret);
        }
    }

    /// Everything that a text quotes.
    pub(super) fn find(&self, text: &str) -> Vec<Secret> {
        let mut found: Vec<usize> = Vec::new();
        let lower = text.to_lowercase();
        let mut readings = vec![lower.clone()];
        for reading in [refang(text, Refang::Aggressive), refang(text, Refang::Usual)] {
            readings.push(reading.to_lowercase());
        }
        for _ in 0..3 {
            let decoded = percent_decoded(readings.last().unwrap_or(&lower));
            if readings.contains(&decoded) {
                break;
            }
            readings.push(decoded);
        }
        let decoded = percent_decoded(&lower);
        readings.push(refang(&decoded, Refang::Aggressive).to_lowercase());
        readings.push(decoded);
        readings.dedup();
        for reading in &readings {
            self.find_plain(reading, &mut found);
            self.find_coded(reading, &mut found);
        }
        // Base64 is told apart by case.
        self.find_coded(text, &mut found);
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| self.secrets[at].clone()).collect()
    }

    fn find_plain(&self, text: &str, found: &mut Vec<usize>) {
        let Some(plain) = &self.plain else { return };
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        for hit in plain.find_overlapping_iter(text) {
            let (before, after) = (text.get(..hit.start()), text.get(hit.end()..));
            let bordered = before.is_none_or(|t| !is_word(t.chars().next_back()))
                && after.is_none_or(|t| !is_word(t.chars().next()));
            if bordered {
                found.extend(self.of_pattern.get(hit.pattern().as_usize()));
            }
        }
    }

    fn find_coded(&self, text: &str, found: &mut Vec<usize>) {
        let alphabets: [fn(char) -> bool; 3] = [
            |c| c.is_ascii_alphanumeric(),
            |c| c.is_ascii_alphanumeric() || c == '-',
            |c| c.is_ascii_alphanumeric() || "+/=_-".contains(c),
        ];
        for is_in in alphabets {
            for word in text.split(|c| !is_in(c)).filter(|word| word.len() >= 6) {
                for word in [word, word.trim_end_matches('='), word.trim_matches('-')] {
                    found.extend(self.coded.get(&word.to_lowercase()));
                }
            }
        }
    }
}

/// What a form looks like encoded or hashed, in lower case.
fn coded_forms(form: &str) -> Vec<String> {
    let bytes = form.as_bytes();
    let mut forms = vec![
        crate::hex(bytes),
        crate::hex(&Md5::digest(bytes)),
        crate::hex(&Sha1::digest(bytes)),
        crate::hex(&Sha256::digest(bytes)),
        Uuid::new_v5(&Uuid::NAMESPACE_DNS, bytes).to_string(),
        Uuid::new_v5(&Uuid::NAMESPACE_URL, bytes).to_string(),
        Uuid::new_v5(&STIX_NAMESPACE, bytes).to_string(),
        Uuid::new_v5(&STIX_NAMESPACE, serde_json::json!({ "value": form }).to_string().as_bytes())
            .to_string(),
    ];
    forms.extend([&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].map(|e| e.encode(bytes)));
    forms.iter_mut().for_each(|form| form.make_ascii_lowercase());
    forms
}

/// A text with its percent-escapes undone; what is no UTF-8 then is replaced.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |n: usize| bytes.get(at + n).and_then(|b| char::from(*b).to_digit(16));
        match (byte, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotes() -> Quotes {
        let record = serde_json::from_str(
            r#"{"target":{"kind":"domain","value":"bad.example"},"contexts":[{"producer":"vendor-a.example","source_id":"indicator--11111111-1111-4111-8111-111111111111"}]}"#,
        );
        Quotes::new(&[record.unwrap()])
    }

    #[test]
    fn every_form_is_found() {
        let quotes = quotes();
        let mut texts: Vec<String> = coded_forms("bad.example");
        texts.extend(
            [
                "see bad.example.",
                "BAD[.]EXAMPLE",
                "hxxp://bad[.]example/x",
                "bad%2Eexample",
                "bad%252eexample",
                "%62%61%64%2e%65%78%61%6d%70%6c%65",
                "(bad.example)",
                "www.bad.example",
                "bad dot example",
                "YmFkLmV4YW1wbGU=",
                "x=YmFkLmV4YW1wbGU",
                "by Vendor-A.example",
                "11111111-1111-4111-8111-111111111111",
                "indicator--11111111-1111-4111-8111-111111111111",
                "aW5kaWNhdG9yLS0xMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTE=",
            ]
            .map(str::to_string),
        );
        for text in texts {
            assert!(!quotes.find(&text).is_empty(), "{text}");
            assert!(!quotes.find(&format!("a ({text}) b")).is_empty(), "({text})");
        }
        for text in ["notbad.example2", "abad.example", "bad.examples", "nothing"] {
            assert_eq!(quotes.find(text), [], "{text}");
        }
    }
}
