//! Where a text quotes a value, an id or a name: as it is, defanged, percent-encoded, in base64 or hex, or hashed.
//!
//! A text has readings: itself, refanged, percent-decoded, unescaped, with what is base64 or hexadecimal in it decoded,
//! and again what each of these reads as. In every reading one automaton finds values and names as whole tokens (no
//! letter or digit beside them), and each word is looked up among the hashes; the core finds values in other spellings. It errs on the side of finding: `sub.bad.example`
//! quotes `bad.example`.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use indicia_core::refang::{Refang, refang};
use indicia_core::{ExtractOptions, Indicator, Kind, Observable, Target, extract};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use crate::redact;

/// The namespace in which STIX makes ids of observables, from which a value can be guessed.
const STIX_NAMESPACE: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
/// An id or group this short is a number of a list, not a secret; a piece of a value this short is any word.
const SHORT: usize = 6;
/// How many times what a text reads as is read again: a value percent-encoded twice in base64 is found.
const MAX_DEPTH: usize = 4;
/// The most readings of a text.
const MAX_READINGS: usize = 40;

/// Something that a text may quote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secret {
    /// The value of a record, by place.
    Value(usize),
    /// An id of a record, or of a group of them.
    Id(String),
    /// Who made or passed on something, or under which agreement.
    Name(String),
    /// What redaction takes out of a value: a user, a token.
    Piece,
    /// An e-mail address that is one only in another reading of the text, where redaction does not look.
    Address,
}

pub(super) struct Quotes {
    secrets: Vec<Secret>,
    plain: Option<AhoCorasick>,
    /// Which secret each pattern of the automaton stands for.
    of_pattern: Vec<usize>,
    /// Hashes, in lower case.
    hashed: HashMap<String, usize>,
    /// Values as the core finds them in text, however they are written there.
    keys: HashMap<(Kind, String), usize>,
}

impl std::fmt::Debug for Quotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotes").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl Quotes {
    /// The values of records in every spelling, their ids and groups, and who made them.
    pub(super) fn new(records: &[Indicator], spelled: &[Vec<Target>], groups: &[Vec<String>]) -> Quotes {
        let mut quotes = Quotes {
            secrets: Vec::new(),
            plain: None,
            of_pattern: Vec::new(),
            hashed: HashMap::new(),
            keys: HashMap::new(),
        };
        let mut patterns: Vec<String> = Vec::new();
        let mut names: HashMap<String, usize> = HashMap::new();
        for (n, record) in records.iter().enumerate() {
            let at = quotes.secrets.len();
            quotes.secrets.push(Secret::Value(n));
            let mut targets: Vec<&Target> = spelled.get(n).into_iter().flatten().collect();
            targets.push(&record.target);
            targets.sort_unstable_by_key(|target| target.observable.value());
            targets.dedup_by_key(|target| target.observable.value());
            for target in targets {
                // A URL is known by its text without the scheme too, which the key has.
                let (value, key) = (target.observable.value(), target.observable.key());
                quotes.add(value, at, &mut patterns);
                if !key.eq_ignore_ascii_case(value) {
                    quotes.add(key, at, &mut patterns);
                }
                for piece in redact::pieces(target).into_iter().filter(|piece| piece.len() >= SHORT) {
                    let at = quotes.secrets.len();
                    quotes.secrets.push(Secret::Piece);
                    quotes.add(piece, at, &mut patterns);
                }
            }
            let observable = &record.target.observable;
            quotes.keys.entry((observable.kind(), observable.key().to_string())).or_insert(at);
            let groups = record.group.iter().chain(groups.get(n).into_iter().flatten());
            let ids = record.contexts.iter().filter_map(|c| c.source_id.as_ref()).chain(groups);
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
                    // The UUID of `indicator--UUID` alone is as good, and found in the whole.
                    match name.split_once("--") {
                        Some((_, uuid)) if Uuid::try_parse(uuid).is_ok() => {
                            quotes.add(uuid, at, &mut patterns);
                            quotes.add_hashes(name, at);
                        }
                        _ => quotes.add(name, at, &mut patterns),
                    }
                }
            }
        }
        // More patterns than an automaton can hold: then every text counts as quoting.
        quotes.plain = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(&patterns)
            .ok();
        quotes
    }

    fn add(&mut self, form: &str, secret: usize, patterns: &mut Vec<String>) {
        // Signs at the ends make no token, and redaction may have taken them: `\\.\pipe\x` is told by `pipe\x`.
        let token = form.trim_matches(|c: char| !c.is_alphanumeric());
        if token.is_empty() {
            return;
        }
        patterns.push(token.to_lowercase());
        self.of_pattern.push(secret);
        self.add_hashes(form, secret);
    }

    fn add_hashes(&mut self, form: &str, secret: usize) {
        for hash in hashes(form) {
            self.hashed.entry(hash).or_insert(secret);
        }
    }

    /// Everything that a text quotes.
    pub(super) fn find(&self, text: &str) -> Vec<Secret> {
        if self.plain.is_none() {
            return vec![Secret::Piece];
        }
        let mut found: Vec<usize> = Vec::new();
        let mut ids = Vec::new();
        for (n, reading) in readings(text).into_iter().enumerate() {
            let reading = reading.to_lowercase();
            if n > 0 && redact::holds_address(&reading) {
                ids.push(Secret::Address);
            }
            self.find_plain(&reading, &mut found);
            self.find_hashed(&reading, &mut found);
            ids.extend(stix_ids(&reading).map(|id| Secret::Id(id.to_string())));
        }
        self.find_values(text, &mut found);
        found.sort_unstable();
        found.dedup();
        ids.extend(found.into_iter().map(|at| self.secrets[at].clone()));
        ids
    }

    /// The secrets that a canonical value holds, as a URL does its host.
    pub(super) fn held_in(&self, target: &Target) -> Vec<Secret> {
        let value = target.value();
        if !matches!(
            target.observable.kind(),
            Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange | Kind::Endpoint | Kind::Domain
        ) {
            return self.find(&value);
        }
        // A host has one spelling, and nothing in it is encoded.
        let mut found: Vec<usize> = Vec::new();
        self.find_plain(&value.to_lowercase(), &mut found);
        self.find_hashed(&value, &mut found);
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| self.secrets[at].clone()).collect()
    }

    /// Values in another spelling: a name in Unicode, an address written out.
    fn find_values(&self, text: &str, found: &mut Vec<usize>) {
        let options =
            ExtractOptions { refang: Refang::Aggressive, nested: true, ..ExtractOptions::default() };
        for one in extract(text.as_bytes(), &options) {
            if let Ok(observable) = Observable::parse_as(one.kind, &one.value) {
                found.extend(self.keys.get(&(one.kind, observable.key().to_string())));
            }
        }
    }

    fn find_plain(&self, text: &str, found: &mut Vec<usize>) {
        let Some(plain) = &self.plain else { return };
        for hit in plain.find_overlapping_iter(text) {
            if is_token(text, hit.start(), hit.end()) {
                found.extend(self.of_pattern.get(hit.pattern().as_usize()));
            }
        }
    }

    fn find_hashed(&self, text: &str, found: &mut Vec<usize>) {
        // A digest is a word; a UUID holds dashes, and stands behind two of them in an id.
        let digests = words(text, "").filter(|word| word.len() >= 32);
        let uuids = words(text, "-").flat_map(|word| word.split("--")).map(|word| word.trim_matches('-'));
        found.extend(digests.chain(uuids).filter_map(|word| self.hashed.get(word)));
    }
}

/// Whether a canonical value names somebody, as it is or percent-encoded.
pub(super) fn names(value: &str, who: &str) -> bool {
    let (value, who) = (value.to_lowercase(), who.to_lowercase());
    let decoded = percent_decoded(&value);
    [value, decoded]
        .iter()
        .any(|text| text.match_indices(&who).any(|(at, found)| is_token(text, at, at + found.len())))
}

/// Whether no letter and no digit stands beside a piece of a text.
fn is_token(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (before, after) = (text.get(..start), text.get(end..));
    before.is_none_or(|t| !is_word(t.chars().next_back())) && after.is_none_or(|t| !is_word(t.chars().next()))
}

/// The runs of letters, digits and some more signs.
fn words<'t>(text: &'t str, more: &'static str) -> impl Iterator<Item = &'t str> {
    text.split(move |c: char| !c.is_ascii_alphanumeric() && !more.contains(c)).filter(|word| !word.is_empty())
}

/// Ids of STIX objects. A reader keeps none of a report or a relationship, so any that a text names is one that stays
/// unless it is an item's.
fn stix_ids(text: &str) -> impl Iterator<Item = &str> {
    words(text, "-").filter_map(|word| {
        let (type_, rest) = word.split_once("--")?;
        let id = word.get(..type_.len() + 38)?;
        (!type_.is_empty() && Uuid::try_parse(rest.get(..36)?).is_ok()).then_some(id)
    })
}

/// What a text can be read as, itself first.
fn readings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_string()];
    let mut from = 0;
    for _ in 0..MAX_DEPTH {
        let until = all.len();
        for at in from..until {
            let reading = all[at].clone();
            for again in [
                refang(&reading, Refang::Aggressive).into_owned(),
                refang(&reading, Refang::Usual).into_owned(),
                // Beside a plain dot refanging leaves the words, since prose has them too.
                reading.replace(" dot ", ".").replace(" at ", "@"),
                percent_decoded(&reading),
                unescaped(&reading),
                decoded(&reading),
            ] {
                if !again.is_empty() && all.len() < MAX_READINGS && !all.contains(&again) {
                    all.push(again);
                }
            }
        }
        from = until;
    }
    all
}

/// What is written in base64 or hexadecimal in a text, decoded, a line each. Of words that only look so noise comes
/// out, which is left out. UTF-16 is read as what it says in ASCII.
fn decoded(text: &str) -> String {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINES: [(GeneralPurpose, &str); 4] = [
        (GeneralPurpose::new(&STANDARD, CONFIG), ""),
        (GeneralPurpose::new(&STANDARD, CONFIG), "+"),
        (GeneralPurpose::new(&STANDARD, CONFIG), "+/"),
        (GeneralPurpose::new(&URL_SAFE, CONFIG), "-_"),
    ];
    let mut out = String::new();
    let mut keep = |mut bytes: Vec<u8>| {
        bytes.retain(|byte| *byte != 0);
        let is_text = |text: &String| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
        if let Some(text) = String::from_utf8(bytes).ok().filter(is_text) {
            out.push_str(&text);
            out.push('\n');
        }
    };
    for word in words(text, "").filter(|word| word.len() >= SHORT && word.len().is_multiple_of(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let byte = |two: &[u8]| Some(16 * digit(*two.first()?)? + digit(*two.get(1)?)?);
        if let Some(bytes) = word.as_bytes().chunks(2).map(byte).collect() {
            keep(bytes);
        }
    }
    for (engine, more) in &ENGINES {
        for word in words(text, more).filter(|word| word.len() >= SHORT) {
            // Redaction may have taken the rest of it: a length that no base64 has.
            let word = word.get(..word.len() - usize::from(word.len() % 4 == 1)).unwrap_or(word);
            if let Ok(bytes) = engine.decode(word) {
                keep(bytes);
            }
        }
    }
    out
}

/// The hashes and UUIDs of a form, in lower case.
fn hashes(form: &str) -> [String; 8] {
    let bytes = form.as_bytes();
    [
        crate::hex(&Md5::digest(bytes)),
        crate::hex(&Sha1::digest(bytes)),
        crate::hex(&Sha256::digest(bytes)),
        crate::hex(&Sha512::digest(bytes)),
        Uuid::new_v5(&Uuid::NAMESPACE_DNS, bytes).to_string(),
        Uuid::new_v5(&Uuid::NAMESPACE_URL, bytes).to_string(),
        Uuid::new_v5(&STIX_NAMESPACE, bytes).to_string(),
        Uuid::new_v5(&STIX_NAMESPACE, serde_json::json!({ "value": form }).to_string().as_bytes())
            .to_string(),
    ]
}

/// A text with `&#46;`, `&#x2e;`, `\u002e` and `\x2e` undone.
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
        let found = if rest.starts_with("&#x") || rest.starts_with("&#X") {
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
    out
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
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotes() -> Quotes {
        let record = serde_json::from_str(
            r#"{"target":{"kind":"domain","value":"bad.example"},"contexts":[{"producer":"vendor-a.example","source_id":"indicator--11111111-1111-4111-8111-111111111111"}]}"#,
        );
        Quotes::new(&[record.unwrap()], &[], &[])
    }

    #[test]
    fn every_form_is_found() {
        let quotes = quotes();
        let mut texts: Vec<String> = hashes("bad.example").to_vec();
        texts.extend(hashes("bad.example").map(|hash| hash.to_uppercase()));
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
                "a/YmFkLmV4YW1wbGU/b-YmFkLmV4YW1wbGU_c",
                "YmFkLmV4YW1wbGU%3D",
                "R0VUIGJhZC5leGFtcGxlIEhUVFAvMS4x",
                "YgBhAGQALgBlAHgAYQBtAHAAbABlAA==",
                "6261642E6578616d706c65",
                "domain-name--de83afc3-8f5d-5fc4-af8e-d2f9c2bd5cd9",
                "report--22222222-2222-4222-8222-222222222222",
                "report%2D%2D22222222-2222-4222-8222-222222222222",
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
