//! Markings as feeds write them: tags, standard STIX definitions, free ones. The most restrictive wins.
//!
//! A marking that is not known is never guessed and never dropped: it goes to `extra.unknown_markings`, where
//! whoever wants to pass the record on finds it and has to refuse.

use indicia_core::{Context, Pap, Tlp};
use serde_json::{Map, Value};

/// The name in `extra` under which unknown markings are kept.
pub(crate) const UNKNOWN: &str = "unknown_markings";

/// Applies a tag such as `tlp:amber+strict` or `PAP:RED`; answers whether it was a marking at all.
pub(crate) fn apply(tag: &str, context: &mut Context) -> bool {
    let tag = tag.trim();
    let Some((scheme, level)) = tag.split_once(':') else { return false };
    let strict = !level.is_empty() && !level.contains(char::is_whitespace);
    if scheme.eq_ignore_ascii_case("tlp") {
        match level.parse::<Tlp>() {
            Ok(tlp) if strict => context.tlp = context.tlp.max(Some(tlp)),
            _ => unknown(tag, context),
        }
    } else if scheme.eq_ignore_ascii_case("pap") {
        match level.parse::<Pap>() {
            Ok(pap) if strict => context.pap = context.pap.max(Some(pap)),
            _ => unknown(tag, context),
        }
    } else {
        return false;
    }
    true
}

/// Keeps a marking that is not known.
pub(crate) fn unknown(marking: &str, context: &mut Context) {
    let list = context.extra.entry(UNKNOWN).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list
        && !list.iter().any(|known| known == marking)
    {
        list.push(marking.into());
    }
}

/// What a STIX marking definition stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marking {
    Tlp(Tlp),
    Pap(Pap),
    Unknown,
}

impl Marking {
    pub(crate) fn apply(&self, id: &str, context: &mut Context) {
        match self {
            Marking::Tlp(tlp) => context.tlp = context.tlp.max(Some(*tlp)),
            Marking::Pap(pap) => context.pap = context.pap.max(Some(*pap)),
            Marking::Unknown => unknown(id, context),
        }
    }
}

/// The standard definitions of TLP 1, TLP 2.0 and PAP, by id, and the one that OpenCTI uses beside.
pub(crate) fn of_id(id: &str) -> Option<Marking> {
    Some(match id.strip_prefix("marking-definition--")? {
        "613f2e26-407d-48c7-9eca-b8e91df99dc9" | "94868c89-83c2-464b-929b-a1a8aa3c8487" => {
            Marking::Tlp(Tlp::Clear)
        }
        "34098fce-860f-48ae-8e50-ebd3cc5e41da" | "bab4a63c-aed9-4cf5-a766-dfca5abac2bb" => {
            Marking::Tlp(Tlp::Green)
        }
        "f88d31f6-486f-44da-b317-01333bde0b82" | "55d920b0-5e8b-4f79-9ee9-91f868d9b421" => {
            Marking::Tlp(Tlp::Amber)
        }
        "939a9414-2ddd-4d32-a0cd-375ea402b003" | "826578e1-40ad-459f-bc73-ede076f81f37" => {
            Marking::Tlp(Tlp::AmberStrict)
        }
        "5e57c739-391a-4eb3-b6be-7d15ca92d5ed" | "e828b379-4e03-4974-9ac4-e53a884c97c1" => {
            Marking::Tlp(Tlp::Red)
        }
        "ad15a0cd-55b6-4588-a14c-a66105329b92" | "a3bea94c-b469-41dc-9cfe-d6e7daba7730" => {
            Marking::Pap(Pap::Clear)
        }
        "c43594d1-4b11-4c59-93ab-1c9b14d53ce9" => Marking::Pap(Pap::Green),
        "60f8932b-e51e-4458-b265-a2e8be9a80ab" => Marking::Pap(Pap::Amber),
        "740d36e5-7714-4c30-961a-3ae632ceee0e" => Marking::Pap(Pap::Red),
        _ => return None,
    })
}

/// What a `marking-definition` object says: by its id, else by its content.
pub(crate) fn of_definition(object: &Map<String, Value>) -> Marking {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    if let Some(known) = text("id").and_then(of_id) {
        return known;
    }
    let mut says = Vec::new();
    if let Some(Value::Object(definition)) = object.get("definition") {
        if let Some(level) = definition.get("tlp").and_then(Value::as_str) {
            says.push(format!("tlp:{level}"));
        }
        says.extend(definition.get("statement").and_then(Value::as_str).map(Into::into));
    }
    if let Some(Value::Object(extensions)) = object.get("extensions") {
        for extension in extensions.values() {
            let level = |name: &str| extension.get(name).and_then(Value::as_str);
            says.extend(level("tlp_2_0").map(|l| format!("tlp:{l}")));
            says.extend(level("pap").map(|l| format!("pap:{l}")));
        }
    }
    says.extend(text("x_opencti_definition").or(text("name")).map(Into::into));
    let mut context = Context::default();
    let mut marked = false;
    for tag in says {
        marked |= apply(&tag, &mut context);
    }
    match (context.tlp, context.pap) {
        // One definition is one marking: of several readings none is trusted.
        (Some(tlp), None) if marked && !context.extra.contains_key(UNKNOWN) => Marking::Tlp(tlp),
        (None, Some(pap)) if marked && !context.extra.contains_key(UNKNOWN) => Marking::Pap(pap),
        _ => Marking::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (tag, tlp, pap) in [
            ("tlp:white", Some(Tlp::Clear), None),
            ("TLP:AMBER+STRICT", Some(Tlp::AmberStrict), None),
            (" tlp:green ", Some(Tlp::Green), None),
            ("PAP:WHITE", None, Some(Pap::Clear)),
            ("tlp:yellow", None, None),
            ("tlp: green", None, None),
            ("tlp:", None, None),
            ("tlp:ex:chr", None, None),
        ] {
            let mut context = Context::default();
            assert!(apply(tag, &mut context), "{tag}");
            assert_eq!((context.tlp, context.pap), (tlp, pap), "{tag}");
            assert_eq!(context.extra.contains_key(UNKNOWN), tlp.is_none() && pap.is_none(), "{tag}");
        }
        let mut context = Context::default();
        assert!(!apply("osint:source-type=\"blog\"", &mut context));
        apply("tlp:red", &mut context);
        apply("tlp:green", &mut context);
        assert_eq!(context.tlp, Some(Tlp::Red));
    }
}
