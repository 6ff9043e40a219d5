//! The extension under which an `indicator` object carries what STIX has no property for: a property extension
//! by our id, written only where it is needed, read back so that a record survives the way through STIX.
//!
//! | property | what it is |
//! |---|---|
//! | a field of a context, by its name | what the field is, where the STIX properties would be read as something else; `null` where they would be read as something and the field is absent |
//! | `extra` | members of `extra` without a STIX property |
//! | `added` | STIX properties that only the writer made, and that are no members of `extra` |
//! | `target` | kind, value, match and type, where the pattern would be read as something else |
//! | `group` | the group of the record |
//!
//! A record with the extension came whole, perhaps beside those of other sources: it takes no markings from objects
//! that give the same value, so an unmarked one stays unmarked.
//!
//! It never loosens: of its markings and those of the object the most restrictive holds, `revoked` stays, and a
//! target counts only if the object's pattern is the one that we write for it.

use indicia_core::{Context, Target};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::pattern;
use crate::markings;

/// The id of our extension.
pub(crate) const ID: &str = "extension-definition--a9373b8b-e49d-4178-989a-8dbd71577823";

/// What the extension says of the record beside its context.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) target: Option<Target>,
    pub(crate) group: Option<String>,
    /// There is an extension: the record came whole, and takes no markings from others with its value.
    pub(crate) whole: bool,
}

/// The extension out of an object. One that does not parse stays where it is.
pub(super) fn take(object: &mut Map<String, Value>) -> Option<Extension> {
    let extensions = object.get_mut("extensions")?.as_object_mut()?;
    let parsed = Extension::parse(extensions.get(ID)?.as_object()?.clone())?;
    extensions.remove(ID);
    if extensions.is_empty() {
        object.remove("extensions");
    }
    Some(parsed)
}

/// The extension, parsed.
pub(super) struct Extension {
    said: Said,
    added: Vec<String>,
    extra: Map<String, Value>,
    /// The names of the fields that it speaks of.
    names: Vec<String>,
    fields: Context,
}

impl Extension {
    fn parse(mut map: Map<String, Value>) -> Option<Extension> {
        map.remove("extension_type");
        let target = match map.remove("target") {
            None => None,
            Some(target) => Some(Target::deserialize(target).ok()?),
        };
        let group = match map.remove("group") {
            None => None,
            Some(Value::String(group)) => Some(group),
            Some(_) => return None,
        };
        let added = match map.remove("added") {
            None => Vec::new(),
            Some(added) => serde_json::from_value(added).ok()?,
        };
        let extra = match map.remove("extra") {
            None => Map::new(),
            Some(Value::Object(extra)) => extra,
            Some(_) => return None,
        };
        let names = map.keys().cloned().collect();
        let fields = if map.is_empty() {
            Context::default()
        } else {
            serde_json::from_value::<Context>(Value::Object(map)).ok()?
        };
        Some(Extension { said: Said { target, group, whole: true }, added, extra, names, fields })
    }

    /// Whether it gives the role, which then is not read from `indicator_types`.
    pub(super) fn gives_role(&self) -> bool {
        self.fields.role.is_some()
    }

    /// Applies it to a context that was read from the properties of the object, its `extra` included.
    pub(super) fn apply(self, context: &mut Context) -> Said {
        let mut fields = self.fields;
        for name in self.names {
            give(&name, &mut fields, context);
        }
        for name in &self.added {
            if !markings::RESERVED.contains(&name.as_str()) {
                context.extra.remove(name);
            }
        }
        // Fields of a later version.
        for (name, value) in fields.extra.into_iter().chain(self.extra) {
            match name.as_str() {
                markings::UNKNOWN | markings::STATEMENTS => markings::join_lists(&name, value, context),
                markings::FIELDS => markings::join_fields(value, context),
                _ => {
                    context.extra.insert(name, value);
                }
            }
        }
        self.said
    }
}

macro_rules! fields {
    ($($name:ident)*) => {
        /// Moves one field.
        fn give(name: &str, from: &mut Context, into: &mut Context) {
            match name {
                "tlp" => into.tlp = into.tlp.max(from.tlp),
                "pap" => into.pap = into.pap.max(from.pap),
                "revoked" if into.revoked == Some(true) => {}
                "revoked" => into.revoked = from.revoked,
                $(stringify!($name) => into.$name = std::mem::take(&mut from.$name),)*
                _ => {}
            }
        }

        /// The fields in which a context differs from what its object would be read as; `null` where the field
        /// is absent. Markings and `revoked` are never loosened by an extension and stand only in the object.
        pub(crate) fn difference(context: &Context, read: &Context) -> Map<String, Value> {
            let mut out = Map::new();
            $(if context.$name != read.$name {
                let value = serde_json::to_value(&context.$name).unwrap_or_default();
                let absent = context.$name == Context::default().$name;
                out.insert(stringify!($name).to_string(), if absent { Value::Null } else { value });
            })*
            if context.revoked != read.revoked && read.revoked != Some(true) {
                out.insert("revoked".to_string(), context.revoked.into());
            }
            out
        }

        /// The fields that a context has and that another has not, or otherwise; `extra` aside.
        pub(crate) fn missing(context: &Context, read: &Context) -> Vec<&'static str> {
            let none = Context::default();
            let mut out = Vec::new();
            $(if context.$name != read.$name && context.$name != none.$name {
                out.push(stringify!($name));
            })*
            for (name, missing) in [
                ("revoked", context.revoked != read.revoked && context.revoked.is_some()),
                ("tlp", context.tlp != read.tlp && context.tlp.is_some()),
                ("pap", context.pap != read.pap && context.pap.is_some()),
            ] {
                if missing {
                    out.push(name);
                }
            }
            out
        }
    };
}

fields! {
    feed producer source_id role labels threat confidence first_seen last_seen valid_from valid_until purposes
    countries asn provider references description hops
}

/// The target that an object stands for, where its extension names one that its pattern agrees with.
pub(super) fn agreed(said: Said, language: &str, text: &str) -> (Option<Target>, Option<String>) {
    let target = said.target.filter(|target| {
        let (ours, pattern) = pattern::write(target);
        ours == language && pattern == text
    });
    (target, said.group)
}
