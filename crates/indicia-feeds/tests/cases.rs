//! The cases of `cases.toml`: detection, what a reader hands on, what it refuses, and the first context.

use std::collections::BTreeMap;

use indicia_core::Indicator;
use indicia_feeds::{Format, ReadOptions, detect, read};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    file: String,
    format: String,
    text: String,
    #[serde(default)]
    expect: Vec<String>,
    #[serde(default)]
    refused: Vec<String>,
    context: Option<String>,
}

fn show(all: &[Indicator]) -> Vec<String> {
    let mut groups: BTreeMap<&str, char> = BTreeMap::new();
    let mut next = 'a';
    let line = |i: &Indicator, group: Option<char>| {
        let kind = i.target.observable.kind();
        let group = group.map(|g| format!(" ={g}")).unwrap_or_default();
        format!("{kind} {} {}{group}", i.target.value(), i.target.match_)
    };
    let mut out = Vec::new();
    for indicator in all {
        let group = indicator.group.as_deref().map(|id| {
            *groups.entry(id).or_insert_with(|| {
                let letter = next;
                next = char::from(letter as u8 + 1);
                letter
            })
        });
        out.push(line(indicator, group));
    }
    out
}

#[test]
fn cases() {
    let cases: Cases = toml::from_str(include_str!("cases.toml")).unwrap();
    let mut failed = Vec::new();
    for case in cases.case {
        let format = Format::from_name(&case.format).expect("a format");
        let detected = detect(&case.file, case.text.as_bytes());
        if detected != Some(format) {
            failed.push(format!("{}: detected {detected:?}", case.name));
        }
        if !format.is_read() {
            continue;
        }
        // In every encoding and with every line end the same.
        let crlf = case.text.replace('\n', "\r\n");
        let utf16: Vec<u8> =
            format!("\u{feff}{}", case.text).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bom = format!("\u{feff}{}", case.text);
        for (what, bytes) in [
            ("", case.text.as_bytes()),
            (" CRLF", crlf.as_bytes()),
            (" UTF-16", &utf16[..]),
            (" BOM", bom.as_bytes()),
        ] {
            let mut all = Vec::new();
            let report = match read(format, &mut &bytes[..], &ReadOptions::default(), &mut |i| all.push(i)) {
                Ok(report) => report,
                Err(e) => {
                    failed.push(format!("{}{what}: {e}", case.name));
                    continue;
                }
            };
            let found = show(&all);
            if found != case.expect {
                failed
                    .push(format!("{}{what}:\n   found {found:#?}\nexpected {:#?}", case.name, case.expect));
            }
            let refused: Vec<_> =
                report.examples.iter().map(|r| format!("{} {}", r.place, r.reason.slug())).collect();
            if refused != case.refused {
                failed.push(format!(
                    "{}{what}:\n refused {refused:#?}\nexpected {:#?}",
                    case.name, case.refused
                ));
            }
            if let (Some(context), Some(first)) = (&case.context, all.first()) {
                let expected: Value = serde_json::from_str(context).expect("JSON");
                let found = serde_json::to_value(&first.contexts[0]).unwrap();
                let differs = expected.as_object().unwrap().iter().any(|(name, value)| {
                    match (value, found.get(name)) {
                        (Value::Object(want), Some(Value::Object(have))) => {
                            want.iter().any(|(k, v)| have.get(k) != Some(v))
                        }
                        (value, have) => have != Some(value),
                    }
                });
                if differs {
                    failed.push(format!("{}{what}:\n context {found}\nexpected {expected}", case.name));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
