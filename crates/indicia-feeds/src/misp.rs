//! `misp`: events, attributes and objects as MISP exports them: `{"Event"}`, `{"response":[…]}`, bare lists, and
//! lists where one element stands alone.
//!
//! An attribute becomes one indicator; a composite (`filename|sha1`, `domain|ip`) one for each part, tied by the
//! attribute's uuid, and the attributes of an object are tied by the object's. `ip-dst|port` is an endpoint.
//! Tags of the event and of the attribute are labels, and markings where they are `tlp:` or `PAP:`. What is not
//! for detection (`to_ids` false) is read and says so in `extra.to_ids`; types that we do not know are carried as
//! kind `other`.

use std::collections::BTreeMap;
use std::io::BufRead;

use indicia_core::{Confidence, Context, Kind, Match, Reason, Role, Target, Time};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::collect::{Collector, Nowhere, hash_of};
use crate::kinds::{self, Hint};
use crate::{FeedError, Format, Place, document, lines, markings};

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let (text, recoded) = lines::document(input)?;
    to.report.recoded += u64::from(recoded);
    document::each(&text, Format::Misp, to, &mut |document, to| {
        walk(document, "", to, 0);
        Ok(())
    })
}

/// What one attribute of an event by this organisation is read as, if it is one target.
pub(crate) fn read_attribute(
    mut fields: Map<String, Value>,
    organisation: Option<&str>,
) -> Option<(Target, Context)> {
    let options = crate::ReadOptions::default();
    let mut nowhere = Nowhere;
    let mut to = Collector::new(Format::Misp, &options, &mut nowhere);
    let (Some(Value::String(type_)), Some(Value::String(value))) =
        (fields.get("type").cloned(), fields.remove("value"))
    else {
        return None;
    };
    let mut event = Event::default();
    event.context.producer = organisation.map(Into::into);
    let context = event.context(fields, &type_, &mut to);
    match parts(&type_, &value, &mut to).ok()?.as_slice() {
        [(target, false)] => Some((target.clone(), context)),
        _ => None,
    }
}

type Fields<'t> = BTreeMap<String, &'t RawValue>;

/// The elements of a list, or the one element that stands for it.
fn each(raw: &RawValue) -> Vec<&RawValue> {
    match raw.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(raw.get()).unwrap_or_default(),
        Some(b'{') => vec![raw],
        _ => Vec::new(),
    }
}

fn walk(raw: &RawValue, path: &str, to: &mut Collector<'_>, depth: usize) {
    if depth > 8 {
        to.report.records += 1;
        to.refuse(Place::Path(path.to_string()), Reason::BadRecord, raw.get());
        return;
    }
    if raw.get().starts_with('[') {
        for (i, item) in each(raw).into_iter().enumerate() {
            walk(item, &format!("{path}[{i}]"), to, depth + 1);
        }
        return;
    }
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
        to.report.records += 1;
        to.refuse(Place::Path(path.to_string()), Reason::BadRecord, raw.get());
        return;
    };
    let below = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    if let Some(response) = fields.get("response") {
        walk(response, &below("response"), to, depth + 1);
    } else if let (Some(event), false) = (fields.get("Event"), fields.contains_key("value")) {
        walk(event, &below("Event"), to, depth + 1);
    } else if fields.contains_key("Attribute") || fields.contains_key("Object") || fields.contains_key("info")
    {
        Event::new(&fields).read(&fields, path, to);
    } else if fields.contains_key("value") {
        Event::default().attribute(raw, None, path, to);
    } else {
        to.report.records += 1;
        to.refuse(Place::Path(path.to_string()), Reason::NoTarget, raw.get());
    }
}

/// What an event says of all its attributes.
#[derive(Default)]
struct Event {
    context: Context,
}

impl Event {
    fn new(fields: &Fields<'_>) -> Event {
        let value =
            |name: &str| fields.get(name).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let mut context = Context::default();
        if let Some(tags) = value("Tag") {
            apply_tags(&tags, &mut context);
        }
        context.producer = ["Orgc", "Org"].into_iter().find_map(|name| {
            value(name).as_ref().and_then(|org| org.get("name")).and_then(Value::as_str).map(Into::into)
        });
        for (name, as_) in
            [("uuid", "event_uuid"), ("info", "event_info"), ("distribution", "event_distribution")]
        {
            // An object of a collection without event has a uuid of its own.
            if fields.contains_key("info")
                && let Some(value) = value(name)
            {
                context.extra.insert(as_.to_string(), value);
            }
        }
        Event { context }
    }

    fn read(&self, fields: &Fields<'_>, path: &str, to: &mut Collector<'_>) {
        let below = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        for (name, holder) in [("Attribute", fields.get("Attribute")), ("Object", fields.get("Object"))] {
            for (i, item) in holder.map(|raw| each(raw)).unwrap_or_default().into_iter().enumerate() {
                let path = || format!("{}[{i}]", below(name));
                if name == "Attribute" {
                    self.attribute(item, None, &path(), to);
                } else {
                    self.object(item, &path(), to);
                }
            }
        }
    }

    fn object(&self, raw: &RawValue, path: &str, to: &mut Collector<'_>) {
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            to.report.records += 1;
            to.refuse(Place::Path(path.to_string()), Reason::BadRecord, raw.get());
            return;
        };
        let value =
            |name: &str| fields.get(name).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let attributes = fields.get("Attribute").map(|raw| each(raw)).unwrap_or_default();
        if value("deleted").as_ref().is_some_and(truth) {
            to.report.skip("deleted");
            return;
        }
        let mut event = Event { context: self.context.clone() };
        if let Some(Value::String(name)) = value("name") {
            event.context.extra.insert("object".to_string(), name.into());
        }
        if let Some(Value::String(comment)) = value("comment")
            && !comment.is_empty()
        {
            event.context.description = Some(comment);
        }
        event.context.first_seen = value("first_seen").as_ref().and_then(time);
        event.context.last_seen = value("last_seen").as_ref().and_then(time);
        let group = match value("uuid") {
            Some(Value::String(uuid)) => uuid,
            _ => hash_of(raw.get()),
        };
        let group = (attributes.len() > 1).then_some(group.as_str());
        for (i, attribute) in attributes.into_iter().enumerate() {
            event.attribute(attribute, group, &format!("{path}.Attribute[{i}]"), to);
        }
    }

    fn attribute(&self, raw: &RawValue, group: Option<&str>, path: &str, to: &mut Collector<'_>) {
        let place = || Place::Path(path.to_string());
        to.report.records += 1;
        let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(raw.get()) else {
            to.refuse(place(), Reason::BadRecord, raw.get());
            return;
        };
        if fields.get("deleted").is_some_and(truth) {
            to.report.skip("deleted");
            return;
        }
        let (Some(Value::String(type_)), Some(value)) = (fields.get("type").cloned(), fields.remove("value"))
        else {
            to.refuse(place(), Reason::NoTarget, raw.get());
            return;
        };
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let context = self.context(fields, &type_, to);
        match parts(&type_, &value, to) {
            Ok(all) => {
                let own = || context.source_id.clone().unwrap_or_else(|| hash_of(&value));
                let group = group.map(Into::into).or_else(|| (all.len() > 1).then(own));
                for (target, context_only) in all {
                    let mut context = context.clone();
                    if context_only {
                        context.extra.insert("to_ids".to_string(), false.into());
                    }
                    to.emit(target, group.as_deref(), context);
                }
            }
            Err(reason) => to.refuse(place(), reason, &value),
        }
    }

    fn context(&self, mut fields: Map<String, Value>, type_: &str, to: &mut Collector<'_>) -> Context {
        let mut context = self.context.clone();
        // Numbers of one instance's database, and what other fields say.
        const DROPPED: [&str; 12] = [
            "id",
            "event_id",
            "object_id",
            "deleted",
            "ShadowAttribute",
            "Galaxy",
            "Sighting",
            "RelatedAttribute",
            "Feed",
            "warnings",
            "Event",
            "validationIssue",
        ];
        for name in DROPPED {
            fields.remove(name);
        }
        if fields.remove("data").is_some() {
            to.report.skip("attached file");
        }
        if let Some(Value::String(uuid)) = fields.get("uuid") {
            context.source_id = Some(uuid.clone());
            fields.remove("uuid");
        }
        match fields.remove("comment") {
            Some(Value::String(comment)) if !comment.is_empty() => context.description = Some(comment),
            _ => {}
        }
        for name in ["first_seen", "last_seen"] {
            let Some(value) = fields.remove(name) else { continue };
            let slot = if name == "first_seen" { &mut context.first_seen } else { &mut context.last_seen };
            match time(&value) {
                Some(at) => *slot = Some(at),
                None if value.is_null() => {}
                None => {
                    fields.insert(name.to_string(), value);
                }
            }
        }
        if let Some(tags) = fields.remove("Tag") {
            apply_tags(&tags, &mut context);
        }
        let targeted = fields.get("category").and_then(Value::as_str) == Some("Targeting data");
        if targeted || type_.starts_with("target-") {
            context.role = Some(Role::Victim);
        }
        fields.retain(|name, value| match name.as_str() {
            "sharing_group_id" | "SharingGroup" => !matches!(value.as_str(), Some("0")) && !is_empty(value),
            "disable_correlation" => truth(value),
            _ => !is_empty(value),
        });
        markings::keep_apart(&mut fields);
        context.extra.extend(fields);
        context
    }
}

/// The targets of one attribute; `true` for a part that only describes the others.
fn parts(type_: &str, value: &str, to: &mut Collector<'_>) -> Result<Vec<(Target, bool)>, Reason> {
    let mut read =
        |hint, source_type: &str, text: &str| to.target(hint, source_type, text, Match::Subdomains, None);
    let single = |type_: &str| kinds::of_type(type_).unwrap_or(Hint::Other);
    let (first, second) = match type_ {
        "malware-sample" => ("filename", "md5"),
        // Mostly the path of a request; sometimes a whole URL.
        "uri" => {
            let target =
                read(Hint::Kind(Kind::Url), "uri", value).or_else(|_| read(Hint::Other, "uri", value))?;
            return Ok(vec![(target, false)]);
        }
        _ => match type_.split_once('|') {
            Some(both) => both,
            None => return Ok(vec![(read(single(type_), type_, value)?, false)]),
        },
    };
    let split = if first == "filename" { value.rsplit_once('|') } else { value.split_once('|') };
    let Some((a, b)) = split else {
        // `192.0.2.1:80` for `192.0.2.1|80`, or one part missing.
        return Ok(vec![(read(Hint::Shape, type_, value)?, false)]);
    };
    match (first, second) {
        (_, "port") => {
            let bare_v6 = a.contains(':') && !a.contains('[');
            let joined = if bare_v6 {
                format!("[{}]:{}", a.trim(), b.trim())
            } else {
                format!("{}:{}", a.trim(), b.trim())
            };
            Ok(vec![(read(Hint::Kind(Kind::Endpoint), type_, &joined)?, false)])
        }
        ("filename", _) => {
            let mut all = vec![(read(single(second), second, b)?, false)];
            // The hash stands without a name that is none.
            all.extend(read(Hint::Kind(Kind::FileName), "filename", a).ok().map(|name| (name, true)));
            Ok(all)
        }
        ("domain", "ip") => {
            Ok(vec![(read(Hint::Kind(Kind::Domain), "domain", a)?, false), (read(Hint::Ip, "ip", b)?, false)])
        }
        ("regkey", "value") => {
            let mut all = vec![(read(Hint::Kind(Kind::RegistryKey), "regkey", a)?, false)];
            all.extend(read(Hint::Other, "regkey-value", b).ok().map(|value| (value, true)));
            Ok(all)
        }
        _ => Ok(vec![(read(Hint::Other, type_, value)?, false)]),
    }
}

/// Tags as labels; `tlp:` and `PAP:` as markings; a galaxy's actor or malware as the threat.
fn apply_tags(tags: &Value, context: &mut Context) {
    let list = match tags {
        Value::Array(list) => list.as_slice(),
        other => std::slice::from_ref(other),
    };
    for tag in list {
        let Some(name) = tag.get("name").and_then(Value::as_str).or(tag.as_str()) else { continue };
        let name = name.trim();
        if name.is_empty() || markings::apply(name, context) {
            continue;
        }
        let (predicate, value) = name.split_once('=').unwrap_or((name, ""));
        let value = value.trim_matches('"');
        match predicate {
            "misp-galaxy:threat-actor"
            | "misp-galaxy:mitre-intrusion-set"
            | "misp-galaxy:mitre-malware"
            | "misp-galaxy:malpedia"
            | "misp-galaxy:ransomware"
            | "misp-galaxy:rat"
            | "misp-galaxy:stealer"
            | "misp-galaxy:banker"
            | "misp-galaxy:botnet" => {
                context.threat.get_or_insert_with(|| value.to_string());
            }
            "misp:confidence-level" => {
                let percent = match value {
                    "completely-confident" => Some(100),
                    "usually-confident" => Some(75),
                    "fairly-confident" => Some(50),
                    "rarely-confident" => Some(25),
                    "unconfident" => Some(0),
                    _ => None,
                };
                if let Some(percent) = percent {
                    let source = Some("misp:confidence-level".to_string());
                    context.confidence = Some(Confidence { source, ..Confidence::percent(percent) });
                }
            }
            _ => {}
        }
        if !context.labels.iter().any(|label| label == name) {
            context.labels.push(name.to_string());
        }
    }
}

/// MISP writes times as text or as seconds since 1970, and the latter as text or number.
fn time(value: &Value) -> Option<Time> {
    match value {
        Value::String(text) => Time::parse(text).ok(),
        Value::Number(seconds) => Time::from_unix(seconds.as_i64()?),
        _ => None,
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_i64() == Some(1),
        Value::String(text) => matches!(text.as_str(), "1" | "true"),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}
