//! `stix`: STIX 2.1 and 2.0, as a bundle, a TAXII envelope, a list of objects, one object, or one a line.
//!
//! Only `indicator` objects become indicators; identities give producers their names, `indicates` relationships
//! give threats theirs, marking definitions are read by id or content; other objects are counted. A pattern of
//! several alternatives becomes one indicator each; the parts of one alternative are tied by the object's id.
//! Properties without a field of ours are kept in `extra` by their names, the pattern too where it is more than
//! one comparison. What our own writer carries in its extension is read back (`extension.rs`).
//!
//! Markings, of which the most restrictive wins:
//!
//! - those of the object, and granular ones on its pattern or another required property, bind the record;
//! - those of what contains it (`report`, `grouping`, `note` … whatever has `object_refs`, containers of containers
//!   included) bind it as well, wherever the container stands in the text;
//! - a record that has neither, no TLP, no PAP and none that is unknown, gets the markings under which another
//!   indicator of the same text gives its value;
//! - granular ones on optional properties bind a field each: `extra.marked_fields` (`marks.rs`);
//! - statements in words are kept in `extra.statements`, markings that are not known in `extra.unknown_markings`.
//!
//! A text of several documents is read twice, so that what binds or names may stand behind what it speaks of.

pub(crate) mod extension;
pub(crate) mod marks;
pub(crate) mod pattern;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

use indicia_core::{Confidence, Context, Kind, Match, Profile, Reason, Role, Target, Time};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::collect::{Collector, Nowhere, hash_of};
use crate::kinds::{self, Hint, Matching};
use crate::markings::{self, Marking};
use crate::{FeedError, Format, Place, document, lines};

/// The most bytes that the indicators of one object may come to, its properties being copied to each.
const MAX_EXPANSION: usize = 256 * 1024 * 1024;

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let (text, recoded) = lines::document(input)?;
    to.report.recoded += u64::from(recoded);
    let mut index = Index { profile: to.options.profile, ..Index::default() };
    let mut indexed = false;
    let mut number = 0usize;
    document::each(&text, Format::Stix, to, &mut |document, to| {
        let mut objects = Vec::new();
        flatten(document, &mut objects, 0);
        if !indexed {
            indexed = true;
            if document.get().len() == text.trim().len() {
                index.add(&objects);
                index.join();
                index.add_values(&objects);
            } else {
                of_all_documents(&text, to, &mut |objects| index.add(objects));
                index.join();
                of_all_documents(&text, to, &mut |objects| index.add_values(objects));
            }
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

/// Hands on the objects of every document of a text; what is wrong there is reported when they are read.
fn of_all_documents(text: &str, to: &Collector<'_>, sink: &mut dyn FnMut(&[&RawValue])) {
    let mut nowhere = Nowhere;
    let mut aside = Collector::new(Format::Stix, to.options, &mut nowhere);
    let _ = document::each(text, Format::Stix, &mut aside, &mut |document, _| {
        let mut objects = Vec::new();
        flatten(document, &mut objects, 0);
        sink(&objects);
        Ok(())
    });
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
    #[serde(borrow, default)]
    object_refs: Option<&'t RawValue>,
    #[serde(borrow, default)]
    object_marking_refs: Option<&'t RawValue>,
    #[serde(borrow, default)]
    granular_markings: Option<&'t RawValue>,
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

/// What objects say of each other, in one text.
#[derive(Default)]
pub(crate) struct Index {
    /// From an id to a name.
    pub(crate) names: HashMap<String, String>,
    /// What URLs are read by.
    profile: Profile,
    /// From the id of a definition to what it stands for.
    pub(crate) markings: HashMap<String, Marking>,
    /// From an indicator to the first thing that it indicates.
    indicates: HashMap<String, String>,
    containers: marks::Containers,
    /// The markings of what contains an object.
    inherited: HashMap<String, marks::Set>,
    /// The markings under which values are given.
    values: HashMap<(Kind, String), marks::Set>,
    classes: marks::Classes,
    /// The indicators without any marking reference of their own, by their ids where they have one.
    bare: Vec<Option<String>>,
    /// Whether an indicator has one.
    any_marked: bool,
}

impl Index {
    fn add(&mut self, objects: &[&RawValue]) {
        for object in objects {
            let Ok(head) = serde_json::from_str::<Head<'_>>(object.get()) else { continue };
            let marked = head.object_marking_refs.is_some() || head.granular_markings.is_some();
            if let (Some(id), Some(refs)) = (&head.id, head.object_refs) {
                let refs = serde_json::from_str(refs.get()).unwrap_or_default();
                let whole =
                    if marked { serde_json::from_str(object.get()).unwrap_or_default() } else { Map::new() };
                self.containers.add(id, marks::of_container(&whole), refs);
            }
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
                Some("indicator") if marked => self.any_marked = true,
                Some("indicator") => self.bare.push(head.id.map(Cow::into_owned)),
                None => {}
                Some(_) => {
                    if let (Some(id), Some(name)) = (head.id, head.name) {
                        self.names.insert(id.into_owned(), name.into_owned());
                    }
                }
            }
        }
    }

    /// What a marking reference stands for.
    pub(crate) fn marking(&self, id: &str) -> Marking {
        markings::of_id(id).or_else(|| self.markings.get(id).cloned()).unwrap_or(Marking::Unknown(None))
    }

    /// Hands the markings of containers down, once all are known.
    fn join(&mut self) {
        let containers = std::mem::take(&mut self.containers);
        let markings = &self.markings;
        let marking = |id: &str| {
            markings::of_id(id).or_else(|| markings.get(id).cloned()).unwrap_or(Marking::Unknown(None))
        };
        self.inherited = containers.join(&marking, &mut self.classes);
    }

    /// Collects the values that are given under a marking, if there are any without.
    fn add_values(&mut self, objects: &[&RawValue]) {
        let inherits =
            |id: &Option<String>| id.as_ref().is_some_and(|id| self.inherited.contains_key(id.as_str()));
        let marked = self.any_marked || self.bare.iter().any(inherits);
        if !marked || self.bare.iter().all(inherits) {
            return;
        }
        for object in objects {
            let Ok(head) = serde_json::from_str::<Head<'_>>(object.get()) else { continue };
            let of_container =
                head.id.as_ref().and_then(|id| self.inherited.get(id.as_ref())).copied().unwrap_or_default();
            let own = head.object_marking_refs.is_some() || head.granular_markings.is_some();
            if head.type_.as_deref() != Some("indicator") || (!own && of_container.is_empty()) {
                continue;
            }
            let Ok(object) = serde_json::from_str::<Map<String, Value>>(object.get()) else { continue };
            let mut set = of_container;
            for id in marks::bound(&object).record {
                let marking = self.marking(&id);
                set.insert(self.classes.class(marking, &id));
            }
            if set.is_empty() {
                continue;
            }
            for target in targets(&object, self.profile) {
                let key = (target.observable.kind(), target.observable.key().to_string());
                self.values.entry(key).or_default().join(set);
            }
        }
    }

    /// The markings under which other indicators give a value, for a record that has none.
    fn apply_of_value(&self, target: &Target, context: &mut Context) {
        if self.values.is_empty() || markings::is_marked(context) {
            return;
        }
        let key = (target.observable.kind(), target.observable.key().to_string());
        if let Some(set) = self.values.get(&key) {
            self.classes.apply(*set, context);
        }
    }
}

/// The targets that an object's pattern comes to; none where it is refused.
fn targets(object: &Map<String, Value>, profile: Profile) -> Vec<Target> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let Some(pattern) = text("pattern") else { return Vec::new() };
    let read = |hint, source_type: &str, value: &str| {
        let matching = Matching { profile, ..Matching::default() };
        kinds::target(hint, source_type, value, matching).ok().map(|typed| typed.target)
    };
    match text("pattern_type").unwrap_or("stix") {
        "stix" => {
            let parts = pattern::read(pattern).unwrap_or_default().into_iter().flatten();
            parts.filter_map(|part| read(part.hint, &part.source_type, &part.value)).collect()
        }
        language => read(Hint::Other, language, pattern).into_iter().collect(),
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
    let (mut context, said) = context(object, index);
    let whole = said.whole;
    let emit = |target: Target, group: Option<&str>, mut context: Context, to: &mut Collector<'_>| {
        if !whole {
            index.apply_of_value(&target, &mut context);
        }
        to.emit(target, group, context);
    };
    let (target, own_group) = extension::agreed(said, &pattern_type, &pattern);
    if let Some(target) = target {
        if target.observable.value().len() > kinds::MAX_OTHER_BYTES {
            to.refuse(place(), Reason::TooLong, &pattern);
        } else {
            emit(target, own_group.as_deref(), context, to);
        }
        return;
    }
    if pattern_type != "stix" {
        // A rule of another language: carried under the language's name.
        match to.target(Hint::Other, &pattern_type, &pattern, Match::Exact, None) {
            Ok(target) => emit(target, own_group.as_deref(), context, to),
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
    let simple = matches!(alternatives.as_slice(), [parts] if parts.len() == 1 && (pattern.len() <= 2 * parts[0].value.len() + 64 || is_written(&parts[0], &pattern)));
    let count: usize = alternatives.iter().map(Vec::len).sum();
    let each = size - pattern.len().min(size);
    if each.saturating_mul(count) > MAX_EXPANSION {
        to.refuse(place(), Reason::TooLong, &pattern);
        return;
    }
    if !simple && pattern.len().saturating_mul(count) <= 1024 * 1024 {
        context.extra.insert("pattern".to_string(), pattern.as_str().into());
    }
    let several = alternatives.len() > 1;
    for (n, parts) in alternatives.into_iter().enumerate() {
        let group = match (&id, parts.len()) {
            (Some(id), 2..) if several => Some(format!("{id}#{n}")),
            (Some(id), 2..) => Some(id.clone()),
            (None, 2..) => Some(hash_of(&pattern)),
            _ => own_group.clone(),
        };
        for part in parts {
            match to.target(part.hint, &part.source_type, &part.value, Match::Subdomains, None) {
                Ok(target) => {
                    let mut context = context.clone();
                    if part.context_only {
                        context.extra.insert("to_ids".to_string(), false.into());
                    }
                    emit(target, group.as_deref(), context, to);
                }
                // A name that is no file name describes, and is described by, the hashes beside it.
                Err(_) if part.context_only => to.report.skip("description of a file"),
                Err(reason) => to.refuse(place(), reason, &part.value),
            }
        }
    }
}

/// Whether a pattern is how we write its one value, however long its paths are.
fn is_written(part: &pattern::Part, text: &str) -> bool {
    let matching = Matching::default();
    kinds::target(part.hint, &part.source_type, &part.value, matching)
        .is_ok_and(|typed| pattern::write(&typed.target).1 == text)
}

/// Everything that an indicator object says beside its pattern.
pub(crate) fn context(mut object: Map<String, Value>, index: &Index) -> (Context, extension::Said) {
    let mut context = Context::default();
    let bound = marks::bound(&object);
    let extension = extension::take(&mut object);
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
    // Where our extension gives the role, the types only say it in STIX's words.
    let typed = extension.as_ref().is_some_and(extension::Extension::gives_role);
    for type_ in types {
        if !typed && !context.labels.contains(&type_) {
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

    let mut all_known = true;
    for id in &bound.record {
        let marking = index.marking(id);
        all_known &= !matches!(marking, Marking::Unknown(_));
        marking.apply(id, &mut context);
    }
    for (field, id) in &bound.fields {
        index.marking(id).apply_to_field(field, id, &mut context);
    }
    if let Some(set) = context.source_id.as_ref().and_then(|id| index.inherited.get(id)) {
        index.classes.apply(*set, &mut context);
    }
    if all_known {
        object.remove("object_marking_refs");
    }
    if bound.is_all_read {
        object.remove("granular_markings");
    }
    markings::keep_apart(&mut object);
    context.extra.extend(object);
    let said = extension.map(|extension| extension.apply(&mut context)).unwrap_or_default();
    (context, said)
}
