//! What the markings of objects bind: the record, a field of it, or what a container holds.
//!
//! Markings fall into classes: each level of TLP and PAP, each statement, each one that is not known. A set of
//! classes is a bit mask, so that handing the markings of containers down to what they contain, over containers
//! in containers and in circles, costs one pass over the references for each class at most. Of statements and
//! unknown markings, [`MAX_CLASSES`] in all are told apart; further ones count as one that is not known.

use std::collections::HashMap;

use indicia_core::Context;
use serde_json::{Map, Value};

use super::extension;
use crate::markings::Marking;

/// The most classes of markings.
const MAX_CLASSES: usize = 127;

/// A set of classes of markings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u128);

impl Set {
    pub(super) fn insert(&mut self, class: usize) {
        self.0 |= 1 << class;
    }

    pub(super) fn join(&mut self, other: Set) {
        self.0 |= other.0;
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The classes, by number.
#[derive(Default)]
pub(super) struct Classes {
    numbers: HashMap<Marking, usize>,
    list: Vec<Marking>,
}

impl Classes {
    /// The class of a marking with this id.
    pub(super) fn class(&mut self, marking: Marking, id: &str) -> usize {
        let marking = match marking {
            Marking::Unknown(None) => Marking::Unknown(Some(id.to_string())),
            marking => marking,
        };
        if let Some(number) = self.numbers.get(&marking) {
            return *number;
        }
        // Levels are few and must always have their class.
        let level = matches!(marking, Marking::Tlp(_) | Marking::Pap(_));
        let others = self.list.iter().filter(|m| !matches!(m, Marking::Tlp(_) | Marking::Pap(_))).count();
        if !level && others >= MAX_CLASSES - 10 {
            return MAX_CLASSES;
        }
        self.list.push(marking.clone());
        self.numbers.insert(marking, self.list.len() - 1);
        self.list.len() - 1
    }

    /// Applies every marking of a set.
    pub(super) fn apply(&self, set: Set, context: &mut Context) {
        for (class, marking) in self.list.iter().enumerate() {
            if set.0 & (1 << class) != 0 {
                marking.apply("", context);
            }
        }
        if set.0 & (1 << MAX_CLASSES) != 0 {
            crate::markings::unknown("more markings than are told apart", context);
        }
    }
}

/// Objects that contain others, with their markings.
#[derive(Default)]
pub(super) struct Containers {
    numbers: HashMap<String, u32>,
    /// By the number of a container: what it contains, and its own markings.
    contents: Vec<Vec<u32>>,
    markings: Vec<Vec<String>>,
}

impl Containers {
    pub(super) fn add(&mut self, id: &str, markings: Vec<String>, contents: Vec<String>) {
        let this = self.number(id) as usize;
        let contents: Vec<u32> = contents.iter().map(|id| self.number(id)).collect();
        self.contents[this].extend(contents);
        self.markings[this].extend(markings);
    }

    fn number(&mut self, id: &str) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = self.contents.len() as u32;
        self.contents.push(Vec::new());
        self.markings.push(Vec::new());
        self.numbers.insert(id.to_string(), number);
        number
    }

    /// The markings that each contained object inherits.
    pub(super) fn join(
        self,
        marking: &dyn Fn(&str) -> Marking,
        classes: &mut Classes,
    ) -> HashMap<String, Set> {
        let mut sets = vec![Set::default(); self.contents.len()];
        let mut waiting = Vec::new();
        for (this, ids) in self.markings.iter().enumerate() {
            let mut set = Set::default();
            for id in ids {
                set.insert(classes.class(marking(id), id));
            }
            if !set.is_empty() {
                sets[this].join(set);
                waiting.push(this);
            }
        }
        // What an object has changes at most once a class, and only then what it contains is looked at again.
        while let Some(this) = waiting.pop() {
            let set = sets[this];
            for inner in &self.contents[this] {
                let inner = *inner as usize;
                let before = sets[inner];
                sets[inner].join(set);
                if sets[inner] != before && !self.contents[inner].is_empty() {
                    waiting.push(inner);
                }
            }
        }
        let set = |(id, number): (String, u32)| (id, sets[number as usize]);
        self.numbers.into_iter().map(set).filter(|(_, set)| !set.is_empty()).collect()
    }
}

/// What the marking references of one object bind.
#[derive(Default)]
pub(crate) struct Bound {
    /// The markings of the whole record.
    pub(crate) record: Vec<String>,
    /// Fields with their markings.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether `granular_markings` says nothing beside.
    pub(crate) is_all_read: bool,
}

/// Reads `object_marking_refs` and `granular_markings`. What has no known shape counts as a marking that is not
/// known, by the name of the property.
pub(crate) fn bound(object: &Map<String, Value>) -> Bound {
    let mut bound = Bound { is_all_read: true, ..Bound::default() };
    references(object, &mut bound);
    granular(object, &mut |reference, selectors| {
        let fields: Option<Vec<_>> = selectors.iter().map(|s| fields_of(s.as_str()?, object)).collect();
        match fields {
            Some(fields) if !fields.is_empty() => {
                let fields = fields.into_iter().flatten().map(|field| (field, reference.to_string()));
                bound.fields.extend(fields);
            }
            _ => bound.record.push(reference.to_string()),
        }
    })
    .apply(&mut bound);
    bound
}

/// The markings of a container that bind what it contains: those of the whole, and of its list of contents.
pub(super) fn of_container(object: &Map<String, Value>) -> Vec<String> {
    let mut bound = Bound::default();
    references(object, &mut bound);
    granular(object, &mut |reference, selectors| {
        let of_contents = |s: &Value| match s.as_str().and_then(|s| s.split('.').next()) {
            None => true,
            Some(name) => {
                matches!(name, "object_refs" | "id" | "type" | "spec_version" | "created" | "modified")
                    || !object.contains_key(name)
            }
        };
        if selectors.is_empty() || selectors.iter().any(of_contents) {
            bound.record.push(reference.to_string());
        }
    })
    .apply(&mut bound);
    bound.record
}

fn references(object: &Map<String, Value>, bound: &mut Bound) {
    let odd = || "object_marking_refs".to_string();
    match object.get("object_marking_refs") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            bound.record.extend(list.iter().map(|id| id.as_str().map_or_else(odd, String::from)));
        }
        Some(_) => bound.record.push(odd()),
    }
}

/// How the entries of `granular_markings` looked.
struct Entries {
    odd: bool,
    language: bool,
}

impl Entries {
    fn apply(self, bound: &mut Bound) {
        if self.odd {
            bound.record.push("granular_markings".to_string());
        }
        bound.is_all_read = !self.odd && !self.language;
    }
}

/// Hands on the reference and the selectors of each entry of `granular_markings`. Entries that give a language
/// are no markings.
fn granular(object: &Map<String, Value>, sink: &mut dyn FnMut(&str, &[Value])) -> Entries {
    let mut entries = Entries { odd: false, language: false };
    match object.get("granular_markings") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            for entry in list {
                let selectors = entry.get("selectors").and_then(Value::as_array);
                match (entry.get("marking_ref"), entry.get("lang")) {
                    (Some(Value::String(reference)), _) => {
                        sink(reference, selectors.map_or(&[][..], Vec::as_slice));
                    }
                    (None, Some(_)) => entries.language = true,
                    _ => entries.odd = true,
                }
            }
        }
        Some(_) => entries.odd = true,
    }
    entries
}

/// The fields that a selector binds; `None` for the whole record: a required property, or one that is not there.
pub(crate) fn fields_of(selector: &str, object: &Map<String, Value>) -> Option<Vec<String>> {
    let mut steps = selector.split('.');
    let name = steps.next()?;
    let value = object.get(name)?;
    let fields: &[&str] = match name {
        "id"
        | "type"
        | "spec_version"
        | "pattern"
        | "pattern_type"
        | "pattern_version"
        | "valid_from"
        | "created"
        | "modified"
        | "object_marking_refs"
        | "granular_markings" => return None,
        "external_references" => &["references", "external_references"],
        "indicator_types" => &["role", "labels", "indicator_types"],
        "created_by_ref" => &["producer", "created_by_ref"],
        "extensions" => {
            let ours = value.get(extension::ID);
            match steps.next() {
                Some(extension::ID) => {
                    let name = steps.next()?;
                    let inner = ours?.get(name)?;
                    match name {
                        "extension_type" | "target" | "group" | "added" | "source_id" | "valid_from" => {
                            return None;
                        }
                        "extra" => {
                            let member = steps.next()?;
                            inner.get(member)?;
                            return Some(vec![member.to_string()]);
                        }
                        name => return Some(vec![name.to_string()]),
                    }
                }
                Some(_) => &["extensions"],
                None if ours.is_some() => return None,
                None => &["extensions"],
            }
        }
        name => &[name],
    };
    Some(fields.iter().map(|field| field.to_string()).collect())
}
