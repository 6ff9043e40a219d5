//! `jsonl`: our own records, one JSON object a line; lossless.
//!
//! A record without contexts, and a flat one (`{"kind","value"}`, as `extract` prints), are taken too. A line
//! that cannot be read is refused with its number and reason; the rest goes on. A URL that follows another profile
//! than `default@1` says so in its target (`"profile":"kaspersky@1"`).

use std::io::BufRead;

use indicia_core::{Indicator, Kind, Match, Profile, Reason, Target};
use serde_json::{Map, Value};

use crate::collect::Collector;
use crate::plain::trim;
use crate::{FeedError, Place};

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let mut lines = to.lines(input)?;
    while let Some(line) = lines.next()? {
        let number = line.number;
        to.report.recoded += u64::from(line.recoded);
        let text = trim(&line.text);
        if text.is_empty() {
            continue;
        }
        to.report.records += 1;
        if line.cut {
            to.refuse(Place::Line(number), Reason::TooLong, text);
            continue;
        }
        let profile = to.options.profile;
        let read = match profile {
            Profile::Default => serde_json::from_str::<Indicator>(text).or_else(|_| again(text, profile)),
            _ => under(text, profile),
        };
        let read = read.and_then(|indicator| match &indicator.target.observable {
            url if url.kind() == Kind::Url && url.profile() != profile => Err(Reason::ProfileMismatch),
            _ => Ok(indicator),
        });
        match read {
            Ok(indicator) => to.emit_indicator(indicator),
            Err(reason) => to.refuse(Place::Line(number), reason, text),
        }
    }
    Ok(())
}

/// Reads a record whose URL follows a profile: the one that it names, or the one that was asked for.
fn under(text: &str, profile: Profile) -> Result<Indicator, Reason> {
    let mut record: Map<String, Value> = serde_json::from_str(text).map_err(|_| Reason::BadRecord)?;
    if let Some(Value::Object(target)) = record.get_mut("target") {
        target.entry("profile").or_insert_with(|| profile.name().into());
    }
    serde_json::from_value(Value::Object(record)).or_else(|_| again(text, profile))
}

/// Reads a flat record, or finds out why a line is not a record.
fn again(text: &str, profile: Profile) -> Result<Indicator, Reason> {
    let mut record: Map<String, Value> = serde_json::from_str(text).map_err(|_| Reason::BadRecord)?;
    let nested = record.contains_key("target");
    let holder = match record.get("target") {
        None => &record,
        Some(Value::Object(target)) => target,
        Some(_) => return Err(Reason::BadField),
    };
    let field = |name: &str| holder.get(name).and_then(Value::as_str);
    let value = field("value").ok_or(Reason::NoTarget)?;
    let kind = Kind::from_name(field("kind").ok_or(Reason::NoTarget)?).ok_or(Reason::UnknownKind)?;
    let match_ = match field("match") {
        None => None,
        Some(name) => Some(name.parse::<Match>().map_err(|_| Reason::BadField)?),
    };
    let profile = match field("profile") {
        None => profile,
        Some(name) => name.parse().map_err(|_| Reason::BadField)?,
    };
    let target = Target::from_parts_under(profile, kind, value, match_, field("type"));
    let target = target.map_err(|e| e.reason)?;
    if nested {
        // The target is in order, so another field is not.
        return Err(Reason::BadField);
    }
    let contexts = record.remove("contexts").unwrap_or_else(|| Value::Array(Vec::new()));
    let group = record.remove("group");
    for name in ["kind", "value", "match", "type", "profile"] {
        record.remove(name);
    }
    let mut whole = Map::new();
    whole.insert("target".to_string(), serde_json::to_value(&target).map_err(|_| Reason::BadField)?);
    whole.insert("contexts".to_string(), contexts);
    if let Some(group) = group {
        whole.insert("group".to_string(), group);
    }
    for (name, value) in record {
        whole.entry(name).or_insert(value);
    }
    serde_json::from_value(Value::Object(whole)).map_err(|_| Reason::BadField)
}
