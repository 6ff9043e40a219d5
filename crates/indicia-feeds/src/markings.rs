//! Markings as feeds write them: tags, standard STIX definitions, free ones. The most restrictive wins.
//!
//! A marking that is not known is never guessed and never dropped: it goes to `extra.unknown_markings`, where
//! whoever wants to pass the record on finds it and has to refuse. Statements in words are kept in
//! `extra.statements`. What binds one field only is kept in `extra.marked_fields`, an object from the name of our
//! field (or of a member of `extra`) to its markings: `{"tlp":"red"}`, `{"pap":"amber"}`, `{"unknown":["id"]}`,
//! `{"statements":["text"]}`, or several of these in one.

use indicia_core::{Context, Pap, Tlp};
use serde_json::{Map, Value};

use crate::ids;

/// The name in `extra` under which unknown markings are kept.
pub(crate) const UNKNOWN: &str = "unknown_markings";

/// The name in `extra` under which statements in words are kept.
pub(crate) const STATEMENTS: &str = "statements";

/// The name in `extra` under which the markings of single fields are kept.
pub(crate) const FIELDS: &str = "marked_fields";

/// The members of `extra` that bind, and that no property of a source may take the place of.
pub(crate) const RESERVED: [&str; 3] = [UNKNOWN, STATEMENTS, FIELDS];

/// Renames properties of a source that are called as our own members of `extra`.
pub(crate) fn keep_apart(source: &mut Map<String, Value>) {
    for name in RESERVED {
        if let Some(value) = source.remove(name) {
            source.insert(format!("source_{name}"), value);
        }
    }
}

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
    push(marking, list(UNKNOWN, &mut context.extra));
}

/// A member that is a list; what else is there becomes its first element.
fn list<'m>(name: &str, holder: &'m mut Map<String, Value>) -> &'m mut Value {
    let value = holder.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if !value.is_array() {
        *value = Value::Array(vec![value.take()]);
    }
    value
}

fn push(text: &str, list: &mut Value) {
    if let Value::Array(list) = list
        && !list.iter().any(|known| known == text)
    {
        list.push(text.into());
    }
}

/// Joins a list of markings with the one that is there: none is lost.
pub(crate) fn join_lists(name: &str, mut value: Value, context: &mut Context) {
    if let Some(there) = context.extra.remove(name) {
        if !value.is_array() {
            value = Value::Array(vec![value]);
        }
        if let (Value::Array(list), Value::Array(there)) = (&mut value, there) {
            let more: Vec<Value> = there.into_iter().filter(|item| !list.contains(item)).collect();
            list.extend(more);
        }
    }
    context.extra.insert(name.to_string(), value);
}

/// Joins markings of fields with those that are there: the most restrictive holds.
pub(crate) fn join_fields(value: Value, context: &mut Context) {
    let there = context.extra.insert(FIELDS.to_string(), value);
    for (field, marks) in there.as_ref().and_then(Value::as_object).into_iter().flatten() {
        for marking in of_field(marks) {
            marking.apply_to_field(field, "", context);
        }
    }
}

/// The markings of one field.
pub(crate) fn of_field(marks: &Value) -> Vec<Marking> {
    let Some(marks) = marks.as_object() else { return vec![Marking::Unknown(Some(marks.to_string()))] };
    let mut all = Vec::new();
    for (name, value) in marks {
        let odd = || Marking::Unknown(Some(format!("{name}:{value}")));
        let level = value.as_str().unwrap_or_default();
        let texts = || value.as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from);
        match name.as_str() {
            "tlp" => all.push(level.parse().map_or_else(|_| odd(), Marking::Tlp)),
            "pap" => all.push(level.parse().map_or_else(|_| odd(), Marking::Pap)),
            STATEMENTS => all.extend(texts().map(Marking::Statement)),
            "unknown" if value.is_array() => all.extend(texts().map(Some).map(Marking::Unknown)),
            _ => all.push(odd()),
        }
    }
    all
}

/// The most restrictive TLP and PAP of a record and its fields, for a format that cannot mark fields.
pub(crate) fn strictest(context: &Context) -> (Option<Tlp>, Option<Pap>) {
    let mut all = (context.tlp, context.pap);
    for marks in context.extra.get(FIELDS).and_then(Value::as_object).into_iter().flat_map(Map::values) {
        for marking in of_field(marks) {
            match marking {
                Marking::Tlp(tlp) => all.0 = all.0.max(Some(tlp)),
                Marking::Pap(pap) => all.1 = all.1.max(Some(pap)),
                Marking::Statement(_) | Marking::Unknown(_) => {}
            }
        }
    }
    all
}

/// Whether a context has a marking that says who may see it or what may be done with it.
pub(crate) fn is_marked(context: &Context) -> bool {
    context.tlp.is_some() || context.pap.is_some() || context.extra.contains_key(UNKNOWN)
}

/// What a STIX marking definition stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Marking {
    Tlp(Tlp),
    Pap(Pap),
    /// A statement in words, such as a copyright.
    Statement(String),
    /// Named by its id, or by the text that was unknown before it became a definition.
    Unknown(Option<String>),
}

impl Marking {
    pub(crate) fn apply(&self, id: &str, context: &mut Context) {
        match self {
            Marking::Tlp(tlp) => context.tlp = context.tlp.max(Some(*tlp)),
            Marking::Pap(pap) => context.pap = context.pap.max(Some(*pap)),
            Marking::Statement(text) => push(text, list(STATEMENTS, &mut context.extra)),
            Marking::Unknown(name) => unknown(name.as_deref().unwrap_or(id), context),
        }
    }

    /// Binds one field.
    pub(crate) fn apply_to_field(&self, field: &str, id: &str, context: &mut Context) {
        let fields = context.extra.entry(FIELDS).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(fields) = fields else { return self.apply(id, context) };
        let marks = fields.entry(field).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(marks) = marks else { return self.apply(id, context) };
        let level = |name: &str| marks.get(name).and_then(Value::as_str);
        match self {
            Marking::Tlp(tlp) => {
                let most = level("tlp").and_then(|l| l.parse().ok()).max(Some(*tlp)).unwrap_or(*tlp);
                marks.insert("tlp".to_string(), most.name().into());
            }
            Marking::Pap(pap) => {
                let most = level("pap").and_then(|l| l.parse().ok()).max(Some(*pap)).unwrap_or(*pap);
                marks.insert("pap".to_string(), most.name().into());
            }
            Marking::Statement(text) => push(text, list(STATEMENTS, marks)),
            Marking::Unknown(name) => push(name.as_deref().unwrap_or(id), list("unknown", marks)),
        }
    }
}

/// The id of the definition that a statement in words gets.
pub(crate) fn statement_id(text: &str) -> String {
    format!("marking-definition--{}", ids::made(&["statement", text]))
}

/// The id of the definition that a marking gets which is known by a text only, and not understood.
pub(crate) fn unknown_id(text: &str) -> String {
    format!("marking-definition--{}", ids::made(&["unknown marking", text]))
}

/// The standard definition of a level of TLP 2.0.
pub(crate) const fn tlp_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// The definition of a level of PAP that is in use.
pub(crate) const fn pap_id(pap: Pap) -> &'static str {
    match pap {
        Pap::Clear => "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92",
        Pap::Green => "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9",
        Pap::Amber => "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab",
        Pap::Red => "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e",
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
    let mut statement = None;
    if let Some(Value::Object(definition)) = object.get("definition") {
        if let Some(level) = definition.get("tlp").and_then(Value::as_str) {
            says.push(format!("tlp:{level}"));
        }
        statement = definition.get("statement").and_then(Value::as_str);
        says.extend(statement.map(Into::into));
    }
    if let (Some(id), Some(statement)) = (text("id"), statement) {
        if id == statement_id(statement) {
            return Marking::Statement(statement.to_string());
        }
        if id == unknown_id(statement) {
            return Marking::Unknown(Some(statement.to_string()));
        }
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
        // Words and nothing else: no tag, no scheme of an extension.
        _ if !marked && !object.contains_key("extensions") => match statement {
            Some(statement) => Marking::Statement(statement.to_string()),
            None => Marking::Unknown(None),
        },
        _ => Marking::Unknown(None),
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
