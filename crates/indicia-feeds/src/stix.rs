//! `stix`: STIX 2.1 and 2.0, as a bundle, a TAXII envelope, a list of objects, one object, or one a line.
//!
//! Only `indicator` objects become indicators; identities give producers their names, `indicates` relationships
//! give threats theirs, marking definitions are read by id or content; other objects are counted. A pattern of
//! several alternatives becomes one indicator each; the parts of one alternative are tied by the object's id.
//! Properties without a field of ours are kept in `extra` by their names, the pattern too where it is more than
//! one comparison.

mod pattern;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

use indicia_core::{Confidence, Context, Match, Reason, Role, Time};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::collect::{Collector, hash_of};
use crate::kinds::Hint;
use crate::markings::{self, Marking};
use crate::{FeedError, Format, Place, document, lines};

/// The most bytes that the indicators of one object may come to, its properties being copied to each.
const MAX_EXPANSION: usize = 256 * 1024 * 1024;

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let (text, recoded) = lines::document(input)?;
    to.report.recoded += u64::from(recoded);
    let mut index = Index::default();
    let mut number = 0usize;
    document::each(&text, Format::Stix, to, &mut |document, to| {
        let mut objects = Vec::new();
        flatten(document, &mut objects, 0);
        for object in &objects {
            index.add(object);
        }
        for object in objects {
            let at = number;
            number += 1;
            let place = || Place::Path(format!("objects[{at}]"));
            let Ok(head) = serde_json::from_str::<Head<'_>>(object.get()) else {
                to.report.records += 1;
                to.refuse(place(), Reason::BadRecord, object.get());
                continue;
            };
            match head.type_.as_deref() {
                Some("indicator") => {
                    to.report.records += 1;
                    match serde_json::from_str::<Map<String, Value>>(object.get()) {
                        Ok(map) => indicator(map, object.get().len(), &index, &place, to),
                        Err(_) => to.refuse(place(), Reason::BadRecord, object.get()),
                    }
                }
                Some(other) => to.report.skip(other),
                None => {
                    to.report.records += 1;
                    to.refuse(place(), Reason::BadRecord, object.get());
                }
            }
        }
        Ok(())
    })
}

/// What is needed of every object before indicators are read.
#[derive(Deserialize)]
struct Head<'t> {
    #[serde(rename = "type", borrow, default)]
    type_: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    objects: Option<&'t RawValue>,
    #[serde(borrow, default)]
    relationship_type: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    source_ref: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    target_ref: Option<Cow<'t, str>>,
}

/// The objects of a document, out of bundles and lists.
fn flatten<'t>(document: &'t RawValue, into: &mut Vec<&'t RawValue>, depth: usize) {
    if depth < 4 {
        if document.get().starts_with('[')
            && let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(document.get())
        {
            list.into_iter().for_each(|item| flatten(item, into, depth + 1));
            return;
        }
        if let Ok(Head { type_, objects: Some(objects), .. }) =
            serde_json::from_str::<Head<'_>>(document.get())
            && type_.is_none_or(|t| t == "bundle")
        {
            flatten(objects, into, depth + 1);
            return;
        }
    }
    into.push(document);
}

#[derive(Default)]
struct Index {
    names: HashMap<String, String>,
    markings: HashMap<String, Marking>,
    /// From an indicator to the first thing that it indicates.
    indicates: HashMap<String, String>,
}

impl Index {
    fn add(&mut self, object: &RawValue) {
        let Ok(head) = serde_json::from_str::<Head<'_>>(object.get()) else { return };
        match head.type_.as_deref() {
            Some("marking-definition") => {
                if let (Some(id), Ok(map)) =
                    (head.id, serde_json::from_str::<Map<String, Value>>(object.get()))
                {
                    self.markings.insert(id.into_owned(), markings::of_definition(&map));
                }
            }
            Some("relationship") if head.relationship_type.as_deref() == Some("indicates") => {
                if let (Some(source), Some(target)) = (head.source_ref, head.target_ref) {
                    self.indicates.entry(source.into_owned()).or_insert(target.into_owned());
                }
            }
            Some("indicator") | None => {}
            Some(_) => {
                if let (Some(id), Some(name)) = (head.id, head.name) {
                    self.names.insert(id.into_owned(), name.into_owned());
                }
            }
        }
    }
}

fn indicator(
    mut object: Map<String, Value>,
    size: usize,
    index: &Index,
    place: &dyn Fn() -> Place,
    to: &mut Collector<'_>,
) {
    let Some(Value::String(pattern)) = object.remove("pattern") else {
        to.refuse(place(), Reason::NoTarget, "");
        return;
    };
    let pattern_type = match object.remove("pattern_type") {
        Some(Value::String(name)) => name,
        _ => "stix".to_string(),
    };
    let id = object.get("id").and_then(Value::as_str).map(str::to_string);
    if pattern_type != "stix" {
        // A rule of another language: carried under the language's name.
        let context = context(object, index);
        match to.target(Hint::Other, &pattern_type, &pattern, Match::Exact, None) {
            Ok(target) => to.emit(target, None, context),
            Err(reason) => to.refuse(place(), reason, &pattern),
        }
        return;
    }
    let alternatives = match pattern::read(&pattern) {
        Ok(alternatives) => alternatives,
        Err(reason) => {
            to.refuse(place(), reason, &pattern);
            return;
        }
    };
    let simple = matches!(alternatives.as_slice(), [parts] if parts.len() == 1 && pattern.len() <= 2 * parts[0].value.len() + 64);
    let count: usize = alternatives.iter().map(Vec::len).sum();
    let each = size - pattern.len().min(size);
    if each.saturating_mul(count) > MAX_EXPANSION {
        to.refuse(place(), Reason::TooLong, &pattern);
        return;
    }
    let mut context = context(object, index);
    if !simple && pattern.len().saturating_mul(count) <= 1024 * 1024 {
        context.extra.insert("pattern".to_string(), pattern.as_str().into());
    }
    let several = alternatives.len() > 1;
    for (n, parts) in alternatives.into_iter().enumerate() {
        let group = match (&id, parts.len()) {
            (Some(id), 2..) if several => Some(format!("{id}#{n}")),
            (Some(id), 2..) => Some(id.clone()),
            (None, 2..) => Some(hash_of(&pattern)),
            _ => None,
        };
        for part in parts {
            match to.target(part.hint, &part.source_type, &part.value, Match::Subdomains, None) {
                Ok(target) => {
                    let mut context = context.clone();
                    if part.context_only {
                        context.extra.insert("to_ids".to_string(), false.into());
                    }
                    to.emit(target, group.as_deref(), context);
                }
                // A name that is no file name describes, and is described by, the hashes beside it.
                Err(_) if part.context_only => to.report.skip("description of a file"),
                Err(reason) => to.refuse(place(), reason, &part.value),
            }
        }
    }
}

/// Everything that an indicator object says beside its pattern.
fn context(mut object: Map<String, Value>, index: &Index) -> Context {
    let mut context = Context::default();
    let mut take = |name: &str| match object.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            object.insert(name.to_string(), other);
            None
        }
        None => None,
    };
    take("type");
    context.source_id = take("id");
    context.description = take("description");
    let times: Vec<(&str, Option<String>)> =
        ["valid_from", "valid_until"].into_iter().map(|name| (name, take(name))).collect();
    for (name, text) in times {
        let Some(text) = text else { continue };
        match (Time::parse(&text), name) {
            (Ok(at), "valid_from") => context.valid_from = Some(at),
            (Ok(at), _) => context.valid_until = Some(at),
            (Err(_), name) => {
                object.insert(name.to_string(), text.into());
            }
        }
    }
    if let Some(Value::Bool(revoked)) = object.get("revoked") {
        context.revoked = revoked.then_some(true);
        object.remove("revoked");
    }
    if let Some(Value::Number(value)) = object.get("confidence") {
        context.confidence = Some(Confidence { value: value.clone(), scale: None, source: None });
        object.remove("confidence");
    }
    let strings = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
    };
    context.labels = strings(object.get("labels"));
    object.remove("labels");
    let types = strings(object.get("indicator_types"));
    // STIX 2.0 had the types among the labels.
    let said =
        if types.is_empty() && !object.contains_key("spec_version") { &context.labels } else { &types };
    context.role = said.iter().find_map(|type_| match type_.as_str() {
        "benign" => Some(Role::Benign),
        "compromised" => Some(Role::Compromised),
        _ => None,
    });
    for type_ in types {
        if !context.labels.contains(&type_) {
            context.labels.push(type_);
        }
    }
    let name_of = |id: &str| index.names.get(id).cloned();
    context.producer = object.get("created_by_ref").and_then(Value::as_str).and_then(name_of);
    let indicated = context.source_id.as_ref().and_then(|id| index.indicates.get(id));
    context.threat = indicated.and_then(|id| name_of(id));
    if let Some(Value::Array(references)) = object.get("external_references") {
        let urls = references.iter().filter_map(|r| r.get("url").and_then(Value::as_str));
        context.references = urls.map(Into::into).collect();
    }

    let mut refs = strings(object.get("object_marking_refs"));
    // A marking of one property binds the record: it is given away whole or not at all.
    if let Some(Value::Array(granular)) = object.get("granular_markings") {
        refs.extend(
            granular.iter().filter_map(|g| g.get("marking_ref").and_then(Value::as_str)).map(Into::into),
        );
    }
    let mut all_known = true;
    for id in &refs {
        let marking =
            markings::of_id(id).or_else(|| index.markings.get(id).cloned()).unwrap_or(Marking::Unknown);
        all_known &= marking != Marking::Unknown;
        marking.apply(id, &mut context);
    }
    if all_known {
        object.remove("object_marking_refs");
    }
    context.extra.extend(object);
    context
}
