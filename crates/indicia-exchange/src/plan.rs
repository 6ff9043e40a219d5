//! The plan: what of a provider's records goes out under one agreement, closed under what it would give away.
//!
//! [`decide`](crate::decide) looks at one record. A plan looks at all: a label, a description or a reference of an item that quotes
//! a value that stays, its id, or who gave it, in the clear or encoded or hashed, is left out (R7, R18). It also
//! lists where a released value contains a withheld one, as a URL does its host: that cannot be helped, and is told
//! to the provider.

mod quotes;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use indicia_core::{Country, Indicator, Target, Time};
use serde_json::Value;

use crate::agreement::{Agreement, AllOr, Attribution, Onward};
use crate::ledger::Ledger;
use crate::redact::Removed;
use crate::{Item, Withheld};
use quotes::{Quotes, Secret};

/// A provider's records, made ready for any number of agreements.
#[derive(Debug)]
pub struct Records {
    records: Vec<Indicator>,
    quotes: Quotes,
}

impl Records {
    /// Brings records of one identity (kind, key, match) together, their contexts side by side, in an order that does
    /// not depend on that of the input.
    pub fn new(records: impl IntoIterator<Item = Indicator>) -> Records {
        let mut by_identity: BTreeMap<_, (Indicator, Joined)> = BTreeMap::new();
        for record in records {
            let target = &record.target;
            let identity = (
                target.observable.kind(),
                target.observable.key().to_string(),
                target.observable.source_type().map(str::to_string),
                target.match_,
                target.below_only,
            );
            match by_identity.get_mut(&identity) {
                None => {
                    by_identity.insert(identity, (record, Joined::default()));
                }
                Some((known, joined)) => {
                    // Of several spellings the least, so that the order of the input does not show.
                    let mut other = record.target;
                    if other.value() < known.target.value() {
                        std::mem::swap(&mut other, &mut known.target);
                    }
                    if other != known.target {
                        joined.targets.push(other);
                    }
                    known.contexts.extend(record.contexts);
                    joined.groups.extend(record.group);
                }
            }
        }
        let (mut records, mut joined) = (Vec::new(), Vec::new());
        for (mut record, mut others) in by_identity.into_values() {
            others.groups.extend(record.group.take());
            others.groups.sort_unstable();
            others.groups.dedup();
            // Of several groups the least, for the same reason.
            record.group = others.groups.first().cloned();
            records.push(record);
            joined.push(others);
        }
        for record in &mut records {
            if record.contexts.len() > 1 {
                record.contexts.sort_by_cached_key(|c| serde_json::to_string(c).unwrap_or_default());
                record.contexts.dedup();
            }
        }
        let quotes = Quotes::new(records.iter().zip(&joined));
        Records { records, quotes }
    }

    /// The records.
    pub fn all(&self) -> &[Indicator] {
        &self.records
    }
}

/// What a record was called where others of its identity were joined with it: texts quote that too.
#[derive(Debug, Default)]
struct Joined {
    /// Other spellings of its target.
    targets: Vec<Target>,
    groups: Vec<String>,
}

/// An assertion that stays.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Held {
    /// Which record.
    pub record: usize,
    /// Which of its contexts.
    pub context: usize,
    /// Why.
    pub reasons: Vec<Withheld>,
}

/// A released value that holds a withheld one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Carried {
    /// The id of the released item.
    pub item: String,
    /// The record of the withheld value.
    pub record: usize,
}

/// A notice that an item is taken back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// The item's id.
    pub item: String,
    /// Always true.
    pub revoked: bool,
    /// Why, as a word.
    pub reason: String,
}

/// What goes out under one agreement, and what stays.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// What goes out, those to notify first.
    pub items: Vec<Item>,
    /// For each item, who gave it and under which id: for the ledger alone.
    pub givers: Vec<(Option<String>, Option<String>)>,
    /// What stays. For the provider alone.
    pub held: Vec<Held>,
    /// Released values that hold withheld ones. For the provider alone.
    pub carried: Vec<Carried>,
    /// Notices for what the recipient got and its producer took back.
    pub notices: Vec<Notice>,
}

impl Plan {
    /// How many assertions stay for each reason; one with two reasons counts for both.
    pub fn held_by_reason(&self) -> BTreeMap<Withheld, u64> {
        let mut counts = BTreeMap::new();
        for reason in self.held.iter().flat_map(|held| &held.reasons) {
            *counts.entry(*reason).or_default() += 1;
        }
        counts
    }

    /// What redaction took out, over all items.
    pub fn removed(&self) -> Removed {
        let mut all = Removed::new();
        for (class, n) in self.items.iter().flat_map(|item| &item.removed) {
            *all.entry(class).or_default() += n;
        }
        all
    }
}

/// Plans what goes out to a recipient at a time. Pure: the same input, the same plan.
///
/// `versions` are the versions of one agreement that are in force at once, the newest first: the stricter of them
/// counts in every point.
pub fn plan(
    records: &Records,
    versions: &[&Agreement],
    ledger: &Ledger,
    now: Time,
) -> Option<(Agreement, Plan)> {
    let (newest, older) = versions.split_first()?;
    let agreement = older.iter().fold((*newest).clone(), |both, other| stricter(both, other));
    let recipient = &agreement.recipient.party.id;
    let mut items: Vec<(Item, usize, usize)> = Vec::new();
    let mut held = Vec::new();
    let mut notices = BTreeSet::new();
    for (n, record) in records.records.iter().enumerate() {
        for (context, decided) in crate::decide::each(record, &agreement, ledger, now).enumerate() {
            match decided {
                Ok(item) => items.push((item, n, context)),
                Err(reasons) => held.push(Held { record: n, context, reasons }),
            }
        }
        for (context, said) in record.contexts.iter().enumerate() {
            if said.revoked == Some(true) {
                for id in crate::decide::ids(record, context, &agreement, ledger) {
                    if ledger.shared(recipient, &id).is_some_and(|known| !known.revoked) {
                        let reason = "revoked-by-producer".to_string();
                        notices.insert(Notice { item: id, revoked: true, reason });
                    }
                }
            }
        }
    }
    // An object that gives several values comes as several records: none of them is that object as it came (R6).
    let mut of_id: HashMap<String, BTreeSet<usize>> = HashMap::new();
    for (item, n, _) in &items {
        of_id.entry(item.id.clone()).or_default().insert(*n);
    }
    for (item, n, context) in &mut items {
        if of_id.get(&item.id).is_some_and(|records| records.len() > 1) {
            crate::decide::renew(item, &records.records[*n], *context, &agreement, ledger);
        }
    }
    items.sort_by(|(a, ..), (b, ..)| order(a).cmp(&order(b)));
    let mut plan = Plan {
        items: Vec::new(),
        givers: Vec::new(),
        held,
        carried: Vec::new(),
        notices: notices.into_iter().collect(),
    };
    close(records, &agreement, ledger, items, &mut plan);
    Some((agreement, plan))
}

fn order(item: &Item) -> (crate::Action, bool, String, String, &str) {
    let target = &item.record.target;
    let kind = format!("{:03}", target.observable.kind() as u8);
    (item.action, item.government.is_none(), kind, target.observable.key().to_string(), &item.id)
}

fn giver(context: &indicia_core::Context) -> (Option<String>, Option<String>) {
    let who = context.hops.last().map(|hop| hop.who.clone()).or_else(|| context.producer.clone());
    (who, context.source_id.clone())
}

/// R7, R18: leaves out every text that quotes what stays.
fn close(
    records: &Records,
    agreement: &Agreement,
    ledger: &Ledger,
    items: Vec<(Item, usize, usize)>,
    plan: &mut Plan,
) {
    let mut released_values: BTreeSet<usize> = BTreeSet::new();
    let mut released_names: BTreeSet<String> =
        [agreement.provider.id.clone(), agreement.recipient.party.id.clone()].into();
    for (item, record, _) in &items {
        if item.record.target == records.records[*record].target {
            released_values.insert(*record);
        }
        let context = &item.record.contexts[0];
        released_names.extend(context.producer.clone());
        for hop in &context.hops {
            released_names.insert(hop.who.clone());
            released_names.extend(hop.agreement.clone());
        }
    }
    let secret = |found: &Secret| match found {
        Secret::Value(record) => !released_values.contains(record),
        Secret::Name(name) => !released_names.contains(name),
        Secret::Piece => true,
        // In a text as it came: redaction took it out.
        Secret::Address => false,
    };
    // Whether a text quotes what stays, and whether it tells an address.
    let cache: RefCell<HashMap<String, (bool, bool)>> = RefCell::default();
    let found = |text: &str| {
        if let Some(known) = cache.borrow().get(text) {
            return *known;
        }
        let all = records.quotes.find(text);
        let found = (all.iter().any(secret), all.contains(&Secret::Address));
        cache.borrow_mut().insert(text.to_string(), found);
        found
    };
    let is_quoting = |text: &str| found(text).0;
    // What redaction leaves of a quoted value still tells it: a text is looked at as it came too.
    let quotes = |text: &str, said: Option<&String>| {
        let (is_quoting_now, tells_address) = found(text);
        is_quoting_now || tells_address || said.is_some_and(|said| is_quoting(said))
    };
    let mut ids = BTreeSet::new();
    for (mut item, record, n) in items {
        let mut dropped = 0u64;
        let original = &records.records[record].contexts[n];
        let said = original;
        let context = &mut item.record.contexts[0];
        for (list, said) in [(&mut context.labels, &said.labels), (&mut context.references, &said.references)]
        {
            let all = list.len();
            let mut said = said.iter();
            list.retain(|text| !quotes(text, said.next()));
            dropped += (all - list.len()) as u64;
        }
        for (field, said) in [
            (&mut context.producer, &said.producer),
            (&mut context.threat, &said.threat),
            (&mut context.provider, &said.provider),
            (&mut context.description, &said.description),
        ] {
            if field.as_deref().is_some_and(|text| quotes(text, said.as_ref())) {
                *field = None;
                dropped += 1;
            }
        }
        if let (Some(confidence), Some(said)) = (&mut context.confidence, &said.confidence) {
            for (field, said) in
                [(&mut confidence.scale, &said.scale), (&mut confidence.source, &said.source)]
            {
                if field.as_deref().is_some_and(|text| quotes(text, said.as_ref())) {
                    *field = None;
                    dropped += 1;
                }
            }
        }
        for country in &mut context.countries {
            // Facts were chosen among, and the name's own put beside them.
            let today = |code: &str| indicia_data::country::current(code).unwrap_or(code) == country.code;
            let same = |fact: &&Country| today(&fact.code) && fact.date == country.date;
            let said: Vec<&Country> = said.countries.iter().filter(same).collect();
            let told = |field: fn(&Country) -> &Option<String>| {
                said.iter().any(|fact| field(fact).as_ref().is_some_and(|text| is_quoting(text)))
            };
            for (told, field) in [
                (told(|fact| &fact.evidence), &mut country.evidence),
                (told(|fact| &fact.strength), &mut country.strength),
                (told(|fact| &fact.basis), &mut country.basis),
            ] {
                if field.as_deref().is_some_and(|text| told || quotes(text, None)) {
                    *field = None;
                    dropped += 1;
                }
            }
        }
        if context.asn.is_some_and(|asn| quotes(&format!("AS{asn}"), None)) {
            context.asn = None;
            dropped += 1;
        }
        // The hops of before, as many; behind them is the provider's own.
        for (hop, said) in context.hops.iter_mut().zip(&said.hops) {
            // A name that is withheld anyhow says nothing.
            if hop.who != "withheld" && quotes(&hop.who, Some(&said.who)) {
                hop.who = "withheld".to_string();
                dropped += 1;
            }
            for (field, said) in [(&mut hop.agreement, &said.agreement), (&mut hop.action, &said.action)] {
                if field.as_deref().is_some_and(|text| quotes(text, said.as_ref())) {
                    *field = None;
                    dropped += 1;
                }
            }
        }
        if let Some(Value::Array(statements)) = context.extra.get_mut("statements") {
            let all = statements.len();
            let said = said.extra.get("statements").and_then(Value::as_array);
            let mut said = said.into_iter().flatten().filter_map(Value::as_str).map(str::to_string);
            statements.retain(|text| {
                let said = said.next();
                text.as_str().is_some_and(|text| !quotes(text, said.as_ref()))
            });
            dropped += (all - statements.len()) as u64;
        }
        if dropped > 0 {
            *item.removed.entry("quotes-withheld").or_default() += dropped;
            crate::decide::renew(&mut item, &records.records[record], n, agreement, ledger);
        }
        // Two deliveries of one assertion are one item.
        if !ids.insert(item.id.clone()) {
            continue;
        }
        for found in records.quotes.find(&item.record.target.value()) {
            if let Secret::Value(other) = found
                && other != record
                && !released_values.contains(&other)
            {
                plan.carried.push(Carried { item: item.id.clone(), record: other });
            }
        }
        plan.items.push(item);
        plan.givers.push(giver(original));
    }
}

/// Both agreements in one: what either forbids is forbidden. Names, version and text are the first one's.
fn stricter(mut a: Agreement, b: &Agreement) -> Agreement {
    fn both<T: Ord + Clone>(a: &AllOr<T>, b: &AllOr<T>) -> AllOr<T> {
        match (a, b) {
            (AllOr::All, other) | (other, AllOr::All) => other.clone(),
            (AllOr::Only(a), AllOr::Only(b)) => AllOr::Only(a & b),
        }
    }
    fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
    a.from = a.from.max(b.from);
    a.until = a.until.min(b.until);
    a.provider.communities = &a.provider.communities & &b.provider.communities;
    a.recipient.party.communities = &a.recipient.party.communities & &b.recipient.party.communities;
    a.recipient.countries = &a.recipient.countries & &b.recipient.countries;
    a.recipient.client &= b.recipient.client;
    if a.recipient.kind != b.recipient.kind {
        a.recipient.kind = a.recipient.kind.max(b.recipient.kind);
    }
    // `all` roles leave out those to notify: they stay out only where both say so.
    a.scope.roles = both(&a.scope.roles, &b.scope.roles);
    a.scope.kinds = both(&a.scope.kinds, &b.scope.kinds);
    a.scope.countries = both(&a.scope.countries, &b.scope.countries);
    a.scope.basis = &a.scope.basis & &b.scope.basis;
    a.scope.send_unknown_country &= b.scope.send_unknown_country;
    a.scope.max_age_days = least(a.scope.max_age_days, b.scope.max_age_days);
    a.scope.min_confidence = match (a.scope.min_confidence, b.scope.min_confidence) {
        (Some(x), Some(y)) => Some(x.max(y)),
        (x, y) => x.or(y),
    };
    a.scope.extra_government_suffixes.extend(b.scope.extra_government_suffixes.iter().cloned());
    a.ceiling.tlp = a.ceiling.tlp.min(b.ceiling.tlp);
    a.ceiling.pap = least(a.ceiling.pap, b.ceiling.pap);
    a.ceiling.schemes = &a.ceiling.schemes & &b.ceiling.schemes;
    a.handling.purposes = &a.handling.purposes & &b.handling.purposes;
    a.handling.block_roles = &a.handling.block_roles & &b.handling.block_roles;
    a.handling.sidecar &= b.handling.sidecar;
    if b.handling.attribution == Attribution::MustNot {
        a.handling.attribution = Attribution::MustNot;
    }
    let (onward, to) = crate::decide::narrow(
        (a.handling.onward, &a.handling.onward_to),
        Some((b.handling.onward, b.handling.onward_to.clone())),
    );
    (a.handling.onward, a.handling.onward_to) = (onward, to);
    debug_assert!(a.handling.onward == Onward::Listed || a.handling.onward_to.is_empty());
    a.retention_days = a.retention_days.min(b.retention_days);
    a.consents.retain(|consent| b.consents.contains(consent));
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_of_one_object_are_two_items() {
        let agreement = Agreement::parse(crate::EXAMPLE_AGREEMENT).unwrap();
        let agreement = &Agreement {
            handling: crate::agreement::Handling {
                attribution: Attribution::May,
                ..agreement.handling.clone()
            },
            ..agreement
        };
        let id = "indicator--11111111-1111-4111-8111-111111111111";
        let record = |value: &str, id: &str| -> Indicator {
            let context = serde_json::json!({
                "producer": "vendor.example", "source_id": id, "role": "c2", "tlp": "green", "last_seen": "2017-11-01",
            });
            let target = serde_json::json!({ "kind": "domain", "value": value });
            serde_json::from_value(serde_json::json!({ "target": target, "contexts": [context] })).unwrap()
        };
        let now = "2017-11-02".parse().unwrap();
        let planned = |records: Vec<Indicator>| {
            let ledger = Ledger::none("vendor.example");
            plan(&Records::new(records), &[agreement], &ledger, now).unwrap().1
        };
        let other = "indicator--22222222-2222-4222-8222-222222222222";
        let apart = planned(vec![record("a.my", id), record("b.my", other), record("b.my", other)]);
        assert_eq!(apart.items.iter().map(|item| &*item.id).collect::<Vec<_>>(), [id, other]);
        let together = planned(vec![record("a.my", id), record("b.my", id)]);
        let ids: BTreeSet<&str> = together.items.iter().map(|item| &*item.id).collect();
        assert_eq!((together.items.len(), ids.len(), together.givers.len()), (2, 2, 2));
        assert!(!ids.contains(id));
        for item in &together.items {
            assert_eq!(item.record.contexts[0].source_id.as_deref(), Some(&*item.id));
        }
    }
}
