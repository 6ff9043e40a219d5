//! `stix`: a STIX 2.1 bundle, one `indicator` object a context, written object by object.
//!
//! What an object refers to (identities, marking definitions, the extension) stands once, before the first object
//! that refers to it. Ids are given or made (UUIDv5 in the namespace of `ids.rs`): an indicator keeps the
//! `source_id` that is a STIX id of an indicator, unless an object of the bundle has it already; else its id is made
//! from kind, key, match, producer, source_id and feed, with a number behind them where even these repeat. The id
//! of the bundle is made from its objects.
//!
//! A record comes back from our reader as it was, in every field: each object is read by the reader's own code as
//! it is written, and what comes out otherwise is put into our extension (`stix/extension.rs`); there is none where
//! nothing does. What cannot come back:
//!
//! - a field that is marked by itself under a name that no selector can say is marked with the whole record
//!   (`extra`, `tlp`, `pap`);
//! - fields that share a STIX property are marked together (`extra`);
//! - an unmarked record that needs no extension gets, as any of STIX does, the markings of another object of the
//!   bundle that gives its value (not counted).
//!
//! `valid_from` is required: where there is none it is `first_seen`, else `created`, else, where `valid_until` would
//! come before it, 1970-01-01T00:00:00Z. A marking that is only known by a text we do not understand becomes a
//! statement with that text, so that nobody takes the object for unmarked.

use std::collections::HashSet;
use std::io::{self, Write};

use indicia_core::{Context, Indicator, Pap, Role, Target, Time, Tlp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{LossReport, WriteOptions, json};
use crate::kinds::{self, Matching};
use crate::markings::{self, Marking};
use crate::stix::{Index, extension, marks, pattern};
use crate::{ids, stix};

/// The identity that made the definition of the extension: this project.
const PROJECT: &str = "identity--3db3ed57-c977-42e3-a080-57dde8225542";
const EPOCH: &str = "1970-01-01T00:00:00Z";

pub(super) struct Bundle {
    creator: Option<String>,
    created: Time,
    /// What stands in the bundle so far, as the reader would know it.
    index: Index,
    /// The ids of definitions and identities.
    defined: HashSet<String>,
    /// The UUIDs of indicators.
    used: HashSet<u128>,
    any: bool,
    digest: Sha256,
}

impl Bundle {
    pub(super) fn begin(options: &WriteOptions, out: &mut dyn Write) -> io::Result<Bundle> {
        out.write_all(b"{\"type\":\"bundle\"")?;
        Ok(Bundle {
            creator: options.creator.clone(),
            created: options.created.unwrap_or_default(),
            index: Index::default(),
            defined: HashSet::new(),
            used: HashSet::new(),
            any: false,
            digest: Sha256::new(),
        })
    }

    pub(super) fn write(
        &mut self,
        indicator: &Indicator,
        out: &mut dyn Write,
        loss: &mut LossReport,
    ) -> io::Result<()> {
        if indicator.target.observable.value().len() > kinds::MAX_OTHER_BYTES {
            loss.leave_out("longer than a value that is read");
            return Ok(());
        }
        let nothing = [Context::default()];
        let contexts = if indicator.contexts.is_empty() { &nothing } else { indicator.contexts.as_slice() };
        for context in contexts {
            self.context(indicator, context, out, loss)?;
        }
        Ok(())
    }

    pub(super) fn end(self, out: &mut dyn Write) -> io::Result<()> {
        let digest: String = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let close = if self.any { "\n]" } else { "" };
        writeln!(out, "{close},\"id\":\"bundle--{}\"}}", ids::made(&["bundle", &digest]))
    }

    fn object(&mut self, object: &Map<String, Value>, out: &mut dyn Write) -> io::Result<()> {
        let text = json::text(object)?;
        self.digest.update(text.as_bytes());
        self.digest.update(b"\n");
        out.write_all(if self.any { b",\n" } else { b",\"objects\":[\n" })?;
        self.any = true;
        out.write_all(text.as_bytes())
    }

    fn context(
        &mut self,
        indicator: &Indicator,
        context: &Context,
        out: &mut dyn Write,
        loss: &mut LossReport,
    ) -> io::Result<()> {
        let target = &indicator.target;
        let (language, text) = pattern::write(target);
        let mut object = properties(context, self.created);
        object.insert("id".to_string(), self.id(target, context).into());
        let creator = self.creator_of(context, out)?;
        if let Some(id) = creator {
            object.insert("created_by_ref".to_string(), id.into());
        }

        let mut refs = Vec::new();
        for marking in of_record(context) {
            refs.push(self.define(&marking, out)?);
        }
        if !refs.is_empty() {
            object.insert("object_marking_refs".to_string(), refs.into());
        }

        // What the reader makes of it, and what it would have to be told.
        let mut ours = Map::new();
        if let Some(role) = context.role {
            let type_ = type_of(role);
            let given = strings(context.extra.get("indicator_types"));
            if given.iter().any(|given| given == type_) {
                object.insert("indicator_types".to_string(), given.into());
            } else {
                object.insert("indicator_types".to_string(), json!([type_]));
                ours.insert("role".to_string(), role.name().into());
            }
        } else if let given = strings(context.extra.get("indicator_types"))
            && !given.is_empty()
        {
            object.insert("indicator_types".to_string(), given.into());
        }
        let mut seen = object.clone();
        if !ours.is_empty() {
            put_extension(&mut seen, ours.clone());
        }
        let (read, _) = stix::context(seen, &self.index);
        ours.extend(extension::difference(context, &read));
        let mut extra = Map::new();
        for (name, value) in &context.extra {
            if name != markings::FIELDS && read.extra.get(name) != Some(value) {
                extra.insert(name.clone(), value.clone());
            }
        }
        let added: Vec<&String> =
            read.extra.keys().filter(|name| !context.extra.contains_key(*name)).collect();
        if !added.is_empty() {
            ours.insert("added".to_string(), json!(added));
        }
        if read_target(language, &text).as_ref() != Some(target) {
            ours.insert("target".to_string(), serde_json::to_value(target).unwrap_or_default());
        }
        if let Some(group) = &indicator.group {
            ours.insert("group".to_string(), group.as_str().into());
        }
        if !extra.is_empty() {
            ours.insert("extra".to_string(), extra.into());
        }
        object.insert("pattern".to_string(), text.into());
        object.insert("pattern_type".to_string(), language.into());
        if !ours.is_empty() {
            put_extension(&mut object, ours);
        }
        self.mark_fields(context, &mut object, out, loss)?;
        if object.get("extensions").and_then(|e| e.get(extension::ID)).is_some() {
            self.define_extension(out)?;
        }
        self.object(&object, out)?;
        loss.written += 1;
        let unknown = context.extra.get(markings::UNKNOWN);
        loss.lose("extra", unknown.is_some() && strings(unknown).is_empty());
        loss.lose("tlp", read.tlp != context.tlp);
        loss.lose("pap", read.pap != context.pap);
        Ok(())
    }

    /// The id of an indicator, which no other object of the bundle has.
    fn id(&mut self, target: &Target, context: &Context) -> String {
        let given = context.source_id.as_deref().and_then(|id| ids::stix("indicator", id));
        if let Some(id) = given.filter(|id| self.used.insert(id.as_u128())) {
            return format!("indicator--{id}");
        }
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (producer, source_id, feed) =
            (text(&context.producer), text(&context.source_id), text(&context.feed));
        let mut number = 0u64;
        loop {
            let counted = if number == 0 { String::new() } else { number.to_string() };
            let id = ids::made(&[
                "indicator",
                target.observable.kind().name(),
                target.observable.source_type().unwrap_or_default(),
                target.observable.key(),
                target.match_.name(),
                if target.below_only { "below" } else { "" },
                &producer,
                &source_id,
                &feed,
                &counted,
            ]);
            if self.used.insert(id.as_u128()) {
                return format!("indicator--{id}");
            }
            number += 1;
        }
    }

    /// The identity that creates the object of a context.
    fn creator_of(&mut self, context: &Context, out: &mut dyn Write) -> io::Result<Option<String>> {
        // The name of somebody who is marked by himself does not stand in an object of its own.
        let marked = context.extra.get(markings::FIELDS).and_then(Value::as_object);
        if marked.is_some_and(|m| m.contains_key("producer") || m.contains_key("created_by_ref")) {
            return Ok(None);
        }
        let given = context.extra.get("created_by_ref").and_then(Value::as_str);
        let given = given.filter(|id| ids::stix("identity", id).is_some()).map(String::from);
        let producer = context.producer.as_ref().filter(|name| !name.is_empty());
        let Some(name) = producer.or(self.creator.as_ref().filter(|_| given.is_none())) else {
            // An identity without a name here must not get one further down.
            self.defined.extend(given.clone());
            return Ok(given);
        };
        let (name, id) =
            (name.clone(), given.unwrap_or_else(|| format!("identity--{}", ids::made(&["identity", name]))));
        self.define_identity(&id, &name, self.created.to_string(), out)?;
        Ok(Some(id))
    }

    fn define_identity(&mut self, id: &str, name: &str, at: String, out: &mut dyn Write) -> io::Result<()> {
        if !self.defined.insert(id.to_string()) {
            return Ok(());
        }
        self.index.names.insert(id.to_string(), name.to_string());
        let identity = json!({
            "type": "identity", "spec_version": "2.1", "id": id, "created": at, "modified": at, "name": name,
        });
        self.definition(identity, out)
    }

    /// The definition of a marking, which is written where it is not yet; its id.
    fn define(&mut self, marking: &Marking, out: &mut dyn Write) -> io::Result<String> {
        let extended = |name: &str, extension: &str, property: &str, level: &str| {
            json!({
                "created": "2022-10-01T00:00:00.000Z", "name": name,
                "extensions": {extension: {"extension_type": "property-extension", property: level}},
            })
        };
        let stated = |text: &str| json!({"created": EPOCH, "definition_type": "statement", "definition": {"statement": text}});
        let (id, mut definition) = match marking {
            Marking::Tlp(tlp) => (markings::tlp_id(*tlp).to_string(), tlp_definition(*tlp, &extended)),
            Marking::Pap(pap) => (markings::pap_id(*pap).to_string(), pap_definition(*pap, &extended)),
            Marking::Statement(text) => (markings::statement_id(text), stated(text)),
            Marking::Unknown(name) => {
                let name = name.as_deref().unwrap_or_default();
                // The definition of somebody else, which we do not have.
                if ids::stix("marking-definition", name).is_some() && markings::of_id(name).is_none() {
                    return Ok(name.to_string());
                }
                (markings::unknown_id(name), stated(name))
            }
        };
        if self.defined.insert(id.clone()) {
            if let Value::Object(map) = &mut definition {
                map.insert("type".to_string(), "marking-definition".into());
                map.insert("spec_version".to_string(), "2.1".into());
                map.insert("id".to_string(), id.as_str().into());
                self.index.markings.insert(id.clone(), markings::of_definition(map));
            }
            self.definition(definition, out)?;
        }
        Ok(id)
    }

    fn define_extension(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.defined.insert(extension::ID.to_string()) {
            return Ok(());
        }
        self.define_identity(PROJECT, "indicia", EPOCH.to_string(), out)?;
        let extension = json!({
            "type": "extension-definition", "spec_version": "2.1", "id": extension::ID,
            "created": EPOCH, "modified": EPOCH, "created_by_ref": PROJECT,
            "name": "indicia record", "version": "1.0.0", "extension_types": ["property-extension"],
            "description": "Fields of an indicia record that STIX has no property for, by their names; null where a field is absent that the properties would give.",
            "schema": "https://github.com/indicia/indicia/blob/main/crates/indicia-feeds/src/stix/extension.rs",
        });
        self.definition(extension, out)
    }

    fn definition(&mut self, definition: Value, out: &mut dyn Write) -> io::Result<()> {
        match definition {
            Value::Object(map) => self.object(&map, out),
            _ => Ok(()),
        }
    }

    /// Markings of single fields, as granular markings of every place where the field stands in the object.
    fn mark_fields(
        &mut self,
        context: &Context,
        object: &mut Map<String, Value>,
        out: &mut dyn Write,
        loss: &mut LossReport,
    ) -> io::Result<()> {
        let Some(fields) = context.extra.get(markings::FIELDS) else { return Ok(()) };
        let Some(fields) = fields.as_object() else {
            let ours = Map::from_iter([(markings::FIELDS.to_string(), fields.clone())]);
            put_extra(object, ours);
            return Ok(());
        };
        let mut granular = Vec::new();
        let mut whole = Vec::new();
        let mut unsaid = Map::new();
        let mut read = Context::default();
        for (field, marks) in fields {
            let all = markings::of_field(marks);
            let (selectors, everywhere) = selectors(field, object);
            if all.is_empty() || selectors.is_empty() {
                unsaid.insert(field.clone(), marks.clone());
                continue;
            }
            for marking in all {
                let id = self.define(&marking, out)?;
                if everywhere {
                    for field in selectors.iter().filter_map(|s| marks::fields_of(s, object)).flatten() {
                        self.index.marking(&id).apply_to_field(&field, &id, &mut read);
                    }
                    granular.push(json!({"marking_ref": id, "selectors": selectors}));
                } else {
                    loss.lose("tlp", matches!(marking, Marking::Tlp(_)));
                    loss.lose("pap", matches!(marking, Marking::Pap(_)));
                    loss.lose("extra", true);
                    whole.push(Value::String(id));
                }
            }
        }
        if !granular.is_empty() {
            object.insert("granular_markings".to_string(), granular.into());
        }
        if !whole.is_empty() {
            match object.get_mut("object_marking_refs").and_then(Value::as_array_mut) {
                Some(refs) => refs.extend(whole),
                None => {
                    object.insert("object_marking_refs".to_string(), whole.into());
                }
            }
        }
        for (field, marks) in
            read.extra.get(markings::FIELDS).and_then(Value::as_object).into_iter().flatten()
        {
            loss.lose("extra", fields.get(field) != Some(marks));
        }
        if !unsaid.is_empty() || fields.is_empty() {
            put_extra(object, Map::from_iter([(markings::FIELDS.to_string(), unsaid.into())]));
        }
        Ok(())
    }
}

/// The STIX properties of a context, without those that need definitions.
fn properties(context: &Context, default: Time) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_string(), value);
    put("type", "indicator".into());
    put("spec_version", "2.1".into());
    let marked = |field: &str| context.extra.get(markings::FIELDS).is_some_and(|m| m.get(field).is_some());
    let given =
        |name: &str| context.extra.get(name).and_then(Value::as_str).filter(|text| is_timestamp(text));
    let at = |text: &str| Time::parse(text).unwrap_or_default();
    let (created, modified) = match (given("created"), given("modified")) {
        (Some(created), Some(modified)) if at(created) <= at(modified) => {
            (created.to_string(), modified.to_string())
        }
        (Some(created), _) => (created.to_string(), created.to_string()),
        (None, Some(modified)) => (default.min(at(modified)).to_string(), modified.to_string()),
        (None, None) => (default.to_string(), default.to_string()),
    };
    let seen = context.first_seen.filter(|_| !marked("first_seen"));
    let from = context.valid_from.or(seen).unwrap_or_else(|| at(&created));
    let (from, until) = match context.valid_until {
        Some(until) if until > from => (from, Some(until)),
        // What ends before it begins is no STIX; a beginning of ours gives way.
        Some(until) if context.valid_from.is_none() && until > Time::default() => {
            (Time::default(), Some(until))
        }
        _ => (from, None),
    };
    put("created", created.into());
    put("modified", modified.into());
    put("valid_from", from.to_string().into());
    if let Some(until) = until {
        put("valid_until", until.to_string().into());
    }
    if !context.labels.is_empty() {
        put("labels", context.labels.clone().into());
    }
    if let Some(confidence) = &context.confidence
        && confidence.scale.as_deref().is_none_or(|scale| scale == "0-100")
        && confidence.value.as_u64().is_some_and(|value| value <= 100)
    {
        put("confidence", confidence.value.clone().into());
    }
    if let Some(description) = &context.description {
        put("description", description.as_str().into());
    }
    if context.revoked == Some(true) {
        put("revoked", true.into());
    }
    if let Some(references) = references(context) {
        put("external_references", references);
    }
    for (name, value) in &context.extra {
        let fits = match (name.as_str(), value) {
            ("name" | "lang" | "pattern_version", Value::String(text)) => !text.is_empty(),
            ("kill_chain_phases", Value::Array(phases)) => {
                let has = |phase: &Value, name: &str| phase.get(name).is_some_and(Value::is_string);
                let phase = |phase: &Value| has(phase, "kill_chain_name") && has(phase, "phase_name");
                !phases.is_empty() && phases.iter().all(phase)
            }
            ("extensions", Value::Object(extensions)) => {
                !extensions.is_empty()
                    && extensions.iter().all(|(id, value)| {
                        id != extension::ID
                            && ids::stix("extension-definition", id).is_some()
                            && value.is_object()
                    })
            }
            _ => false,
        };
        if fits {
            put(name, value.clone());
        }
    }
    object
}

/// The `external_references`: as they came if they still are the record's references, else one a URL.
fn references(context: &Context) -> Option<Value> {
    if let Some(Value::Array(given)) = context.extra.get("external_references") {
        let urls = given.iter().filter_map(|r| r.get("url").and_then(Value::as_str));
        let named = |r: &Value| r.get("source_name").is_some_and(Value::is_string);
        if !given.is_empty()
            && given.iter().all(named)
            && urls.eq(context.references.iter().map(String::as_str))
        {
            return Some(Value::Array(given.clone()));
        }
    }
    let is_url = |text: &&String| {
        let web = text.starts_with("https://") || text.starts_with("http://");
        web && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b))
    };
    let all: Vec<Value> = context
        .references
        .iter()
        .filter(is_url)
        .map(|url| json!({"source_name": "reference", "url": url}))
        .collect();
    (!all.is_empty()).then_some(Value::Array(all))
}

/// A STIX timestamp: RFC 3339 in UTC, with `T` and `Z`.
fn is_timestamp(text: &str) -> bool {
    let shape = text.len() <= 40
        && text.as_bytes().get(10) == Some(&b'T')
        && text.ends_with('Z')
        && text.bytes().all(|b| b.is_ascii_digit() || b"-:.TZ".contains(&b));
    shape && Time::parse(text).is_ok()
}

/// The markings of the whole record.
fn of_record(context: &Context) -> Vec<Marking> {
    let list = |name: &str| strings(context.extra.get(name)).into_iter();
    let tlp = context.tlp.map(Marking::Tlp);
    let pap = context.pap.map(Marking::Pap);
    let unknown = list(markings::UNKNOWN).map(|name| Marking::Unknown(Some(name)));
    let mut all: Vec<Marking> = tlp.into_iter().chain(pap).chain(unknown).collect();
    all.extend(list(markings::STATEMENTS).map(Marking::Statement));
    // A list of another shape, or with nothing to read in it, still says that there is a marking.
    let unread = context.extra.contains_key(markings::UNKNOWN)
        && !all.iter().any(|marking| matches!(marking, Marking::Unknown(_)));
    if unread {
        all.push(Marking::Unknown(Some(markings::UNKNOWN.to_string())));
    }
    all
}

/// The texts of a list.
fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

/// The word of STIX's vocabulary for a role.
fn type_of(role: Role) -> &'static str {
    match role {
        Role::C2 | Role::Phishing | Role::MalwareHost | Role::ActorInfra | Role::Scanner => {
            "malicious-activity"
        }
        Role::Compromised | Role::Victim => "compromised",
        Role::Benign => "benign",
        Role::Unknown => "unknown",
    }
}

/// The target that the reader makes of a pattern without being told more.
fn read_target(language: &str, text: &str) -> Option<Target> {
    let matching = Matching::default();
    if language != "stix" {
        return kinds::target(kinds::Hint::Other, language, text, matching).ok().map(|typed| typed.target);
    }
    let alternatives = pattern::read(text).ok()?;
    match alternatives.as_slice() {
        [parts] => match parts.as_slice() {
            [part] => {
                kinds::target(part.hint, &part.source_type, &part.value, matching).ok().map(|t| t.target)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The selectors of every place where a field stands in an object, and whether each of them can be said.
fn selectors(field: &str, object: &Map<String, Value>) -> (Vec<String>, bool) {
    let mut all = Vec::new();
    let mut can_say = true;
    let properties: &[&str] = match field {
        "references" | "external_references" => &["external_references"],
        "role" | "indicator_types" => &["indicator_types"],
        "producer" | "created_by_ref" => &["created_by_ref"],
        "source_id" => &["id"],
        field => &[field],
    };
    let ours = object.get("extensions").and_then(|e| e.get(extension::ID));
    let given = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    let mut places: Vec<(String, &str)> = properties
        .iter()
        .filter(|name| object.contains_key(**name))
        .map(|name| (name.to_string(), *name))
        .collect();
    if given(ours.and_then(|o| o.get(field))) {
        places.push((format!("extensions.{}.{field}", extension::ID), field));
    }
    if ours.and_then(|o| o.get("extra")).is_some_and(|extra| extra.get(field).is_some()) {
        places.push((format!("extensions.{}.extra.{field}", extension::ID), field));
    }
    for (selector, name) in places {
        let word = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        can_say &= word && marks::fields_of(&selector, object).is_some_and(|f| f.iter().any(|f| f == field));
        all.push(selector);
    }
    (all, can_say)
}

/// Puts our extension beside those that are there.
fn put_extension(object: &mut Map<String, Value>, mut ours: Map<String, Value>) {
    ours.insert("extension_type".to_string(), "property-extension".into());
    let extensions = object.entry("extensions").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(extensions) = extensions {
        extensions.insert(extension::ID.to_string(), ours.into());
    }
}

/// Adds members to `extra` in our extension.
fn put_extra(object: &mut Map<String, Value>, members: Map<String, Value>) {
    let ours = object.get("extensions").and_then(|e| e.get(extension::ID)).and_then(Value::as_object);
    let mut ours = ours.cloned().unwrap_or_default();
    if let Value::Object(extra) = ours.entry("extra").or_insert_with(|| Value::Object(Map::new())) {
        extra.extend(members);
    }
    put_extension(object, ours);
}

fn tlp_definition(tlp: Tlp, extended: &dyn Fn(&str, &str, &str, &str) -> Value) -> Value {
    let name = format!("TLP:{}", tlp.name().to_ascii_uppercase());
    extended(&name, "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d", "tlp_2_0", tlp.name())
}

fn pap_definition(pap: Pap, extended: &dyn Fn(&str, &str, &str, &str) -> Value) -> Value {
    let name = format!("PAP:{}", pap.name().to_ascii_uppercase());
    extended(&name, "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b", "pap", pap.name())
}
