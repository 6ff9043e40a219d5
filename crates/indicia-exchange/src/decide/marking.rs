//! Markings of an assertion and of its fields, and the handling that it came with: what binds whoever passes it on.

use std::collections::{BTreeMap, BTreeSet};

use indicia_core::{Context, Pap, Time, Tlp};
use serde_json::{Map, Value};

use crate::agreement::{Attribution, Onward};

/// The markings of one assertion, or of one field of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Marking {
    pub(super) tlp: Option<Tlp>,
    pub(super) pap: Option<Pap>,
    pub(super) statements: bool,
    /// Chatham House rule: not to be attributed.
    pub(super) chatham: bool,
    pub(super) unknown: bool,
}

/// The tag by which TLP says that the Chatham House rule holds beside.
pub(super) const CHATHAM: &str = "tlp:ex:chr";

/// Fields that the decision rests on, or without which there is no record: what marks one marks the whole.
const BINDING: [&str; 12] = [
    "target",
    "kind",
    "value",
    "match",
    "pattern",
    "role",
    "valid_from",
    "revoked",
    "purposes",
    "countries",
    "hops",
    "statements",
];

/// Schemes of classification and handling that come as labels, of which none is evaluated here.
const UNREAD_SCHEMES: [&str; 10] = [
    "acs",
    "data-classification",
    "dcso-sharing",
    "de-vs",
    "dni-ism",
    "fr-classif",
    "iep",
    "iep2-policy",
    "iep2-reference",
    "nato",
];

impl Marking {
    pub(super) fn of(context: &Context) -> Marking {
        let filled = |name: &str| match context.extra.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        let unknown = texts(context.extra.get("unknown_markings"));
        let chatham = unknown.iter().any(|name| name.eq_ignore_ascii_case(CHATHAM));
        let only_chatham = chatham && list_len(context.extra.get("unknown_markings")) == 1;
        let marked = MarkedFields::of(context);
        let own = Marking {
            tlp: context.tlp,
            pap: context.pap,
            statements: filled("statements"),
            chatham,
            // A field whose markings cannot be read is one of the whole, as is a statement that is no text.
            unknown: (filled("unknown_markings") && !only_chatham)
                || texts(context.extra.get("statements")).len() != list_len(context.extra.get("statements"))
                || marked.unreadable,
        };
        let of_labels = context.labels.iter().filter_map(|label| Marking::of_label(label));
        let of_fields = BINDING.iter().filter_map(|field| marked.fields.get(*field).cloned());
        of_labels.chain(of_fields).fold(own, Marking::stricter)
    }

    /// What a label says that is a marking: formats without a place for markings have them there.
    pub(super) fn of_label(label: &str) -> Option<Marking> {
        let (scheme, level) = label.trim().split_once([':', '='])?;
        let scheme = scheme.trim().to_ascii_lowercase();
        let none = Marking::default();
        Some(match scheme.as_str() {
            "tlp" if label.trim().eq_ignore_ascii_case(CHATHAM) => Marking { chatham: true, ..none },
            "tlp" => {
                let tlp = level.parse().ok();
                Marking { tlp, unknown: tlp.is_none(), ..none }
            }
            "pap" => {
                let pap = level.parse().ok();
                Marking { pap, unknown: pap.is_none(), ..none }
            }
            other if UNREAD_SCHEMES.contains(&other) => Marking { unknown: true, ..none },
            _ => return None,
        })
    }

    pub(super) fn is_marked(&self) -> bool {
        *self != Marking::default()
    }

    pub(super) fn stricter(self, other: Marking) -> Marking {
        Marking {
            tlp: self.tlp.max(other.tlp),
            pap: self.pap.max(other.pap),
            statements: self.statements || other.statements,
            chatham: self.chatham || other.chatham,
            unknown: self.unknown || other.unknown,
        }
    }
}

/// The texts of a list, or of one alone.
pub(super) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text],
        _ => Vec::new(),
    }
}

fn list_len(value: Option<&Value>) -> usize {
    match value {
        None | Some(Value::Null) => 0,
        Some(Value::Array(list)) => list.len(),
        Some(_) => 1,
    }
}

/// Markings of single fields: `extra.marked_fields`, as readers keep granular markings.
pub(super) struct MarkedFields<'a> {
    pub(super) fields: BTreeMap<&'a str, Marking>,
    pub(super) from: Option<&'a Map<String, Value>>,
    pub(super) unreadable: bool,
}

impl<'a> MarkedFields<'a> {
    pub(super) fn of(context: &'a Context) -> MarkedFields<'a> {
        let value = context.extra.get("marked_fields").filter(|value| !value.is_null());
        let from = value.and_then(Value::as_object);
        let fields = from.into_iter().flatten().map(|(name, marks)| (name.as_str(), of_field(marks)));
        MarkedFields { fields: fields.collect(), from, unreadable: value.is_some() && from.is_none() }
    }

    /// The statements in words that bind a field.
    pub(super) fn statements(&self, field: &str) -> Vec<&'a str> {
        texts(self.from.and_then(|from| from.get(field)?.get("statements")))
    }
}

/// The marking of one field: `tlp`, `pap` and `statements` of a known shape, and nothing else.
fn of_field(marks: &Value) -> Marking {
    let Some(marks) = marks.as_object() else { return Marking { unknown: true, ..Marking::default() } };
    let mut all = Marking::default();
    for (name, value) in marks {
        let level = value.as_str().unwrap_or_default();
        match name.as_str() {
            "tlp" => all.tlp = level.parse().ok(),
            "pap" => all.pap = level.parse().ok(),
            "statements" => all.statements = true,
            _ => all.unknown = true,
        }
        all.unknown |= match name.as_str() {
            "tlp" => all.tlp.is_none(),
            "pap" => all.pap.is_none(),
            _ => texts(Some(value)).len() != list_len(Some(value)),
        };
    }
    all
}

/// What `extra.handling` says, which the package wrote that the assertion came in.
pub(super) struct Incoming {
    pub(super) onward: Option<(Onward, BTreeSet<String>)>,
    /// `Some(None)` where there is one that cannot be read.
    pub(super) delete_by: Option<Option<Time>>,
    pub(super) must_not_attribute: bool,
}

impl Incoming {
    pub(super) fn of(context: &Context) -> Incoming {
        let Some(handling) = context.extra.get("handling") else {
            return Incoming { onward: None, delete_by: None, must_not_attribute: false };
        };
        let word = |name: &str| handling.get(name).and_then(Value::as_str);
        // What is there and cannot be read permits nothing.
        let onward = word("onward").and_then(Onward::from_name).unwrap_or(Onward::None);
        let to = handling.get("onward_to").and_then(Value::as_array).map(|list| {
            list.iter().filter_map(Value::as_str).map(str::to_string).collect::<BTreeSet<String>>()
        });
        Incoming {
            onward: Some((onward, to.unwrap_or_default())),
            delete_by: handling
                .get("delete_by")
                .filter(|value| !value.is_null())
                .map(|_| word("delete_by").and_then(|text| text.parse().ok())),
            must_not_attribute: word("attribution")
                .and_then(Attribution::from_name)
                .is_none_or(|a| a == Attribution::MustNot),
        }
    }
}
