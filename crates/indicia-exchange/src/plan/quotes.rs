//! Where a text quotes a value, an id or a name: as it is, defanged, percent-encoded, in base64 or hex, or hashed.
//!
//! Values and names are found as whole tokens (no letter or digit beside them) by one automaton over the text, the
//! text refanged, and the text percent-decoded; encoded and hashed forms by looking up each word of the text. It errs
//! on the side of finding: `sub.bad.example` quotes `bad.example`.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use indicia_core::refang::{Refang, refang};
use indicia_core::{ExtractOptions, Indicator, Kind, Observable, Target, extract};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

/// The namespace in which STIX makes ids of observables, from which a value can be guessed.
const STIX_NAMESPACE: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
/// Base64 as it stands in text: without padding, and with bits left over.
const STANDARD_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// An id or group this short is a number of a list, not a secret.
const SHORT: usize = 6;

/// Something that a text may quote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secret {
    /// The value of a record, by place.
    Value(usize),
    /// An id of a record, or of a group of them.
    Id(String),
    /// Who made or passed on something, or under which agreement.
    Name(String),
}

pub(super) struct Quotes {
    secrets: Vec<Secret>,
    plain: Option<AhoCorasick>,
    /// Which secret each pattern of the automaton stands for.
    of_pattern: Vec<usize>,
    /// Encoded and hashed forms, in lower case.
    coded: HashMap<String, usize>,
    /// Values as the core finds them in text, however they are written there.
    keys: HashMap<(Kind, String), usize>,
}

impl std::fmt::Debug for Quotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotes").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl Quotes {
    /// The values of records, in every spelling, their ids and who made them.
    pub(super) fn new(records: &[Indicator], spelled: &[Vec<Target>]) -> Quotes {
        let mut quotes = Quotes {
            secrets: Vec::new(),
            plain: None,
            of_pattern: Vec::new(),
            coded: HashMap::new(),
            keys: HashMap::new(),
        };
        let mut patterns: Vec<String> = Vec::new();
        let mut names: HashMap<String, usize> = HashMap::new();
        for (n, record) in records.iter().enumerate() {
            let at = quotes.secrets.len();
            quotes.secrets.push(Secret::Value(n));
            let observable = &record.target.observable;
            let others = spelled.get(n).into_iter().flatten().map(|target| target.observable.value());
            // A URL is known by its text without the scheme too, which the key has.
            let mut forms: Vec<&str> = others
                .chain([observable.value(), observable.key()])
                .filter(|form| !form.is_empty())
                .collect();
            forms.sort_unstable();
            forms.dedup();
            for form in forms {
                quotes.add(form, at, &mut patterns);
            }
            quotes.keys.entry((observable.kind(), observable.key().to_string())).or_insert(at);
            let ids = record.contexts.iter().filter_map(|c| c.source_id.as_ref()).chain(&record.group);
            let ids = ids.filter(|id| id.len() >= SHORT);
            let who = record.contexts.iter().flat_map(|c| {
                c.producer
                    .iter()
                    .chain(c.hops.iter().map(|hop| &hop.who))
                    .chain(c.hops.iter().filter_map(|h| h.agreement.as_ref()))
            });
            let all = ids.map(|id| Secret::Id(id.clone())).chain(who.map(|who| Secret::Name(who.clone())));
            for secret in all {
                let (Secret::Id(name) | Secret::Name(name)) = &secret else { continue };
                if name.len() > 1 && name != "withheld" && !names.contains_key(name) {
                    let at = quotes.secrets.len();
                    names.insert(name.clone(), at);
                    quotes.secrets.push(secret.clone());
                    quotes.add(name, at, &mut patterns);
                    // The UUID of `indicator--UUID` alone is as good.
                    if let Some((_, uuid)) = name.split_once("--") {
                        quotes.add(uuid, at, &mut patterns);
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
        readings.push(unescaped(&lower));
        readings.dedup();
        for reading in &readings {
            self.find_plain(reading, &mut found);
            self.find_coded(reading, &mut found);
        }
        self.find_values(text, &mut found);
        self.secrets_at(text, found)
    }

    /// Everything that a canonical value quotes: it has one spelling.
    pub(super) fn find_in_value(&self, value: &str) -> Vec<Secret> {
        let mut found: Vec<usize> = Vec::new();
        let lower = value.to_lowercase();
        let decoded = percent_decoded(&lower);
        for reading in [Some(&lower), (decoded != lower).then_some(&decoded)].into_iter().flatten() {
            self.find_plain(reading, &mut found);
            self.find_coded(reading, &mut found);
        }
        self.secrets_at(value, found)
    }

    /// What is found, and what base64, which is told apart by case, adds to it.
    fn secrets_at(&self, text: &str, mut found: Vec<usize>) -> Vec<Secret> {
        self.find_coded(text, &mut found);
        self.find_inside(text, &mut found);
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| self.secrets[at].clone()).collect()
    }

    fn find_plain(&self, text: &str, found: &mut Vec<usize>) {
        let Some(plain) = &self.plain else { return };
        for hit in plain.find_overlapping_iter(text) {
            if is_token(text, hit.start(), hit.end()) {
                found.extend(self.of_pattern.get(hit.pattern().as_usize()));
            }
        }
    }

    /// What stands in longer text that is encoded as a whole, where that is text.
    fn find_inside(&self, text: &str, found: &mut Vec<usize>) {
        let is_coded = |c: char| c.is_ascii_alphanumeric() || "+/_-".contains(c);
        for word in text.split(|c| !is_coded(c)).filter(|word| word.len() >= 8) {
            let hex = word.len().is_multiple_of(2).then(|| from_hex(word)).flatten();
            let base64 = || {
                let plain = word.replace('-', "+").replace('_', "/");
                STANDARD_LENIENT.decode(plain).ok()
            };
            if let Some(inner) = hex.or_else(base64).and_then(|bytes| String::from_utf8(bytes).ok()) {
                self.find_plain(&inner.to_lowercase(), found);
            }
        }
    }

    /// Values in another spelling: a name in Unicode, an address written out.
    fn find_values(&self, text: &str, found: &mut Vec<usize>) {
        let options = ExtractOptions { kinds: Vec::new(), refang: Refang::Aggressive, nested: true };
        for one in extract(text.as_bytes(), &options) {
            if let Ok(observable) = Observable::parse_as(one.kind, &one.value) {
                found.extend(self.keys.get(&(one.kind, observable.key().to_string())));
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
                // An id is a type, two hyphens and what can be guessed.
                let id = word.rsplit("--").next().unwrap_or(word);
                for word in [word, word.trim_end_matches('='), word.trim_matches('-'), id] {
                    found.extend(self.coded.get(&word.to_lowercase()));
                }
            }
        }
    }
}

/// Whether a canonical value names somebody, as it is or percent-encoded.
pub(super) fn names(value: &str, who: &str) -> bool {
    let (value, who) = (value.to_lowercase(), who.to_lowercase());
    let decoded = percent_decoded(&value);
    [value, decoded].iter().any(|text| {
        let mut all = text.match_indices(&who);
        all.any(|(at, name)| is_token(text, at, at + name.len()))
    })
}

/// Whether no letter or digit stands beside a piece of text.
fn is_token(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (before, after) = (text.get(..start), text.get(end..));
    before.is_none_or(|t| !is_word(t.chars().next_back())) && after.is_none_or(|t| !is_word(t.chars().next()))
}

/// What a form looks like encoded or hashed, in lower case.
fn coded_forms(form: &str) -> Vec<String> {
    let bytes = form.as_bytes();
    let mut forms = vec![
        crate::hex(bytes),
        crate::hex(&Md5::digest(bytes)),
        crate::hex(&Sha1::digest(bytes)),
        crate::hex(&Sha256::digest(bytes)),
        crate::hex(&Sha512::digest(bytes)),
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

/// A text in lower case with `&#46;`, `&#x2e;`, `\u002e` and `\x2e` undone.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let digits = |from: usize, radix: u32, most: usize| {
            let run: String = rest.chars().skip(from).take(most).take_while(|c| c.is_digit(radix)).collect();
            Some((from + run.len(), char::from_u32(u32::from_str_radix(&run, radix).ok()?)?))
        };
        let found = if rest.starts_with("&#x") {
            digits(3, 16, 8).map(|(end, c)| (end + usize::from(rest[end..].starts_with(';')), c))
        } else if rest.starts_with("&#") {
            digits(2, 10, 8).map(|(end, c)| (end + usize::from(rest[end..].starts_with(';')), c))
        } else if rest.starts_with("\\u") {
            digits(2, 16, 4)
        } else if rest.starts_with("\\x") {
            digits(2, 16, 2)
        } else {
            None
        };
        let (end, decoded) = found.unwrap_or((1, char::from(rest.as_bytes()[0])));
        out.push(decoded);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out.to_lowercase()
}

fn from_hex(word: &str) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|n| u8::try_from(n).ok());
    word.as_bytes().chunks_exact(2).map(|pair| Some(digit(&pair[0])? << 4 | digit(&pair[1])?)).collect()
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
        Quotes::new(&[record.unwrap()], &[])
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
                "bad&#46;example",
                "bad&#x2E;example",
                "bad\\u002eexample",
                "&#98;ad.ex\\x61mple",
                "%62%61%64%2e%65%78%61%6d%70%6c%65",
                "(bad.example)",
                "www.bad.example",
                "bad dot example",
                "YmFkLmV4YW1wbGU=",
                "x=YmFkLmV4YW1wbGU",
                "by Vendor-A.example",
                "11111111-1111-4111-8111-111111111111",
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
