//! The checker: does any file of a package say what stays?
//!
//! It shares no code with the library: from the records and from what was released it makes a list of secrets, writes
//! each in every form, and looks for them in every reading of every file. It is slow and simple on purpose.
//!
//! A file is read as it is; as JSON, with the escapes of its strings undone; as HTML, with entities decoded, and
//! without tags; as CSV, cell by cell. Each of these is read again percent-decoded (three times), refanged, and with
//! whatever looks like base64 or hexadecimal decoded. In each reading every secret is looked for as a whole token:
//! no letter or digit stands before or behind it. Case does not count, but for base64, which is none in another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use indicia_core::{Indicator, Kind};
use indicia_exchange::{Agreement, plan::Plan};
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Shorter ids and pieces are numbers and words of other texts.
const SHORT: usize = 6;

/// What must not be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Secret {
    pub(crate) what: &'static str,
    pub(crate) text: String,
}

/// Where it was found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// How the file was read.
    pub(crate) reading: String,
    /// In bytes, in that reading.
    pub(crate) offset: usize,
    pub(crate) form: &'static str,
    pub(crate) secret: Secret,
    pub(crate) around: String,
}

/// What an operation knows that no record says.
pub(crate) struct Known<'a> {
    pub(crate) other_ids: &'a [String],
    pub(crate) mails: &'a [String],
    pub(crate) personal: &'a [String],
}

/// Everything that must not be found. `records` are those that were read, before any were joined.
pub(crate) fn secrets(
    records: &[Indicator],
    plan: &Plan,
    agreement: &Agreement,
    known: &Known<'_>,
) -> BTreeSet<Secret> {
    let keys: BTreeSet<(Kind, &str)> = plan
        .items
        .iter()
        .map(|item| &item.record.target.observable)
        .map(|observable| (observable.kind(), observable.key()))
        .collect();
    let values: BTreeSet<String> =
        plan.items.iter().map(|item| item.record.target.value().to_lowercase()).collect();
    let mut ids: BTreeSet<&str> = plan.items.iter().map(|item| item.id.as_str()).collect();
    ids.extend(plan.notices.iter().map(|notice| notice.item.as_str()));
    // What the agreement names, both sides know.
    let mut names: BTreeSet<&str> =
        [&*agreement.provider.id, &*agreement.recipient.party.id, "withheld"].into();
    for item in &plan.items {
        for context in &item.record.contexts {
            names.extend(context.producer.as_deref());
            for hop in &context.hops {
                names.insert(&hop.who);
                names.extend(hop.agreement.as_deref());
            }
        }
    }

    let mut secrets = BTreeSet::new();
    let mut add = |what, text: &str| {
        secrets.insert(Secret { what, text: text.to_string() });
    };
    for record in records {
        let observable = &record.target.observable;
        // Of another spelling of what was released only the personal part is a secret.
        if !keys.contains(&(observable.kind(), observable.key())) {
            add("value", observable.value());
            add("key", observable.key());
            // A URL from which only the personal part is gone is still known.
            let personal = known.personal.iter().filter_map(|piece| observable.value().find(piece.as_str()));
            let end = personal.chain(observable.value().find('?')).min();
            let stem = end.map(|end| &observable.value()[..end]).and_then(|stem| stem.split_once("://"));
            if let Some((_, stem)) = stem.filter(|(_, stem)| stem.contains('/'))
                && !values.iter().any(|value| value.contains(&stem.to_lowercase()))
            {
                add("stem", stem);
            }
        }
        for context in &record.contexts {
            for id in context.source_id.iter().filter(|id| id.len() >= SHORT && !ids.contains(id.as_str())) {
                add("id", id);
                id.split_once("--").into_iter().for_each(|(_, uuid)| add("id", uuid));
            }
            let hops = context.hops.iter().flat_map(|hop| hop.agreement.iter().chain([&hop.who]));
            for name in context.producer.iter().chain(hops).filter(|name| !names.contains(name.as_str())) {
                add("name", name);
            }
        }
        for id in record.group.iter().filter(|id| id.len() >= SHORT && !ids.contains(id.as_str())) {
            add("group", id);
        }
    }
    known.other_ids.iter().for_each(|id| add("id of another object", id));
    known.mails.iter().for_each(|mail| add("mail", mail));
    known.personal.iter().filter(|piece| piece.len() >= SHORT).for_each(|piece| add("personal", piece));
    // A value that was released may be the name, or the e-mail address, of somebody.
    secrets.retain(|secret| !values.contains(&secret.text.to_lowercase()));
    secrets
}

/// A form in which a secret is looked for.
struct Needle {
    /// In lower case unless the case counts.
    text: String,
    exact: bool,
    form: &'static str,
    secret: usize,
}

/// Looks for secrets.
pub(crate) struct Checker {
    secrets: Vec<Secret>,
    /// By the first word.
    needles: HashMap<String, Vec<Needle>>,
}

impl Checker {
    pub(crate) fn new(secrets: BTreeSet<Secret>) -> Checker {
        let secrets: Vec<Secret> = secrets.into_iter().collect();
        let mut needles: HashMap<String, Vec<Needle>> = HashMap::new();
        for (secret, of) in secrets.iter().enumerate() {
            for (form, text) in forms(of) {
                let exact = form.starts_with("base64");
                let text = if exact { text } else { text.to_lowercase() };
                // A scheme is no secret, and the signs at the ends make no token.
                let is_scheme = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric());
                let rest = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
                let text = rest.map_or(&*text, |(_, rest)| rest);
                let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_string();
                let first = text[..word_length(text.as_bytes())].to_lowercase();
                if !first.is_empty() {
                    needles.entry(first).or_default().push(Needle { text, exact, form, secret });
                }
            }
        }
        Checker { secrets, needles }
    }

    pub(crate) fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Every secret that a file holds, in each form once.
    pub(crate) fn look(&self, file: &str, bytes: &[u8]) -> Vec<Finding> {
        let mut found = BTreeMap::new();
        for (reading, text) in readings(file, bytes) {
            self.look_in(&text, &mut |offset, needle| {
                found.entry((needle.secret, needle.form)).or_insert_with(|| Finding {
                    file: file.to_string(),
                    reading: reading.clone(),
                    offset,
                    form: needle.form,
                    secret: self.secrets[needle.secret].clone(),
                    around: around(&text, offset, needle.text.len()),
                });
            });
        }
        found.into_values().collect()
    }

    fn look_in(&self, text: &str, found: &mut dyn FnMut(usize, &Needle)) {
        let lower = text.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let length = word_length(&bytes[at..]);
            if length == 0 {
                at += 1;
                continue;
            }
            for needle in self.needles.get(&lower[at..at + length]).into_iter().flatten() {
                let end = at + needle.text.len();
                let here = if needle.exact { &text.as_bytes()[at..] } else { &bytes[at..] };
                let is_here = here.starts_with(needle.text.as_bytes());
                if is_here && !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
                    found(at, needle);
                }
            }
            at += length;
        }
    }
}

fn word_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

fn around(text: &str, offset: usize, length: usize) -> String {
    let from = (0..=offset.saturating_sub(60)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let to = (offset + length + 60).min(text.len());
    let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[from..to].escape_debug().to_string()
}

/// Every form of a secret that is a token of its own. Escaped and defanged ones are found by undoing that.
pub(crate) fn forms(secret: &Secret) -> Vec<(&'static str, String)> {
    let bytes = secret.text.as_bytes();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let object = serde_json::json!({ "value": secret.text }).to_string();
    let mut forms = vec![
        ("plain", secret.text.clone()),
        ("base64", STANDARD_NO_PAD.encode(bytes)),
        ("base64url", URL_SAFE_NO_PAD.encode(bytes)),
        ("hex", hex(bytes)),
    ];
    // Of an address that stands in a text alone, or an id that no record has, nobody can know the hash.
    if !matches!(secret.what, "mail" | "id of another object") {
        forms.extend([
            ("md5", hex(&Md5::digest(bytes))),
            ("sha1", hex(&Sha1::digest(bytes))),
            ("sha256", hex(&Sha256::digest(bytes))),
            ("uuid5 dns", Uuid::new_v5(&Uuid::NAMESPACE_DNS, bytes).to_string()),
            ("uuid5 url", Uuid::new_v5(&Uuid::NAMESPACE_URL, bytes).to_string()),
            ("uuid5 stix", Uuid::new_v5(&super::random::STIX_NAMESPACE, bytes).to_string()),
            ("uuid5 sco", Uuid::new_v5(&super::random::STIX_NAMESPACE, object.as_bytes()).to_string()),
        ]);
    }
    forms
}

/// Every way to read a file, by name.
fn readings(file: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut base: Vec<(String, String)> = Vec::new();
    if file.ends_with(".json") || file.ends_with(".jsonl") {
        base.push(("json".into(), json_strings(&text)));
    } else if file.ends_with(".html") {
        let decoded = entities(&text);
        base.push(("html without tags".into(), without_tags(&decoded)));
        base.push(("html".into(), decoded));
    } else if file.ends_with(".csv") {
        base.push(("csv".into(), cells(&text)));
    }
    base.push(("bytes".into(), text));
    let mut all = Vec::new();
    for (name, text) in base {
        let mut steps = vec![(name, text)];
        for n in 1..=3 {
            let (name, text) = &steps[steps.len() - 1];
            let decoded = percent_decoded(text);
            if decoded == *text {
                break;
            }
            let name = name.split(", ").next().unwrap_or_default();
            steps.push((format!("{name}, percent-decoded {n}"), decoded));
        }
        for (name, text) in &steps {
            all.push((format!("{name}, refanged"), refanged(text)));
            all.push((format!("{name}, base64 and hex decoded"), decoded_runs(text)));
        }
        all.extend(steps);
    }
    all
}

/// Every string and name of a JSON text, or of one a line, a line each.
fn json_strings(text: &str) -> String {
    fn each(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Value::Array(list) => list.iter().for_each(|value| each(value, out)),
            Value::Object(map) => {
                for (name, value) in map {
                    out.push_str(name);
                    out.push('\n');
                    each(value, out);
                }
            }
            _ => {}
        }
    }
    let mut out = String::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        each(&value.expect("the files of a package are JSON where they say so"), &mut out);
    }
    out
}

fn cells(text: &str) -> String {
    let mut out = String::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    for row in reader.records() {
        for cell in &row.expect("the tables of a package are CSV") {
            out.push_str(cell);
            out.push('\n');
        }
    }
    out
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(end, _)| end);
        let decoded = end.and_then(|end| {
            let number = |text: &str, radix| u32::from_str_radix(text, radix).ok().and_then(char::from_u32);
            match &rest[1..end] {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                name if name.starts_with("#x") => number(&name[2..], 16),
                name => number(name.strip_prefix('#')?, 10),
            }
        });
        match (decoded, end) {
            (Some(c), Some(end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn without_tags(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .filter(|c| {
            let was = inside;
            inside = (inside || *c == '<') && *c != '>';
            !was && !inside
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((16 * high + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn refanged(text: &str) -> String {
    const WRITTEN: [(&str, &str); 29] = [
        ("hxxp", "http"),
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("<.>", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("{dot}", "."),
        (" dot ", "."),
        ("-dot-", "."),
        ("_dot_", "."),
        ("\\.", "."),
        ("[.", "."),
        (".]", "."),
        ("[]", "."),
        ("\u{3002}", "."),
        ("\u{ff0e}", "."),
        ("[@]", "@"),
        ("(@)", "@"),
        ("{@}", "@"),
        ("[at]", "@"),
        ("(at)", "@"),
        ("{at}", "@"),
        (" at ", "@"),
        ("_at_", "@"),
        ("[://]", "://"),
        ("[:]", ":"),
        ("[/]", "/"),
        ("\\/", "/"),
    ];
    let mut text = text.to_ascii_lowercase();
    for (written, read) in WRITTEN {
        if text.contains(written) {
            text = text.replace(written, read);
        }
    }
    text
}

/// Whatever looks like base64 or hexadecimal, decoded, a line each.
fn decoded_runs(text: &str) -> String {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let standard = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let url_safe = GeneralPurpose::new(&base64::alphabet::URL_SAFE, config);
    let mut out = String::new();
    let mut keep = |mut bytes: Vec<u8>| {
        // UTF-16.
        bytes.retain(|byte| *byte != 0);
        // Words that merely look encoded come out as noise.
        if bytes.len() >= 4 && bytes.iter().all(|b| matches!(b, 9..=13 | 32..=126)) {
            out.push_str(&String::from_utf8_lossy(&bytes));
            out.push('\n');
        }
    };
    for run in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        if run.len() >= 8 && run.len().is_multiple_of(2) && run.bytes().all(|b| b.is_ascii_hexdigit()) {
            keep(
                (0..run.len())
                    .step_by(2)
                    .filter_map(|at| u8::from_str_radix(&run[at..at + 2], 16).ok())
                    .collect(),
            );
        }
    }
    let is_in = |c: char, more: &str| c.is_ascii_alphanumeric() || more.contains(c);
    for (engine, more) in [(&standard, ""), (&standard, "+/"), (&standard, "+"), (&url_safe, "-_")] {
        for run in text.split(|c| !is_in(c, more)).filter(|run| run.len() >= 6) {
            // Of a length that no base64 has, the last character goes.
            let run = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { run };
            if let Ok(bytes) = engine.decode(run) {
                keep(bytes);
            }
        }
    }
    out
}
