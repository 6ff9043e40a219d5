//! The plan: what of a provider's records goes out under one agreement, closed under what it would give away.
//!
//! The decision looks at one record. A plan looks at all: a label, a description or a reference of an item that quotes
//! a value that stays, its id, or who gave it, in the clear or encoded or hashed, is left out (R7, R18). It also
//! lists where a released value contains a withheld one, as a URL does its host: that cannot be helped, and is told
//! to the provider.

mod quotes;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use indicia_core::{Context, Indicator, Observable, Pap, Target, Time, Tlp};
use serde_json::Value;

use crate::agreement::{Agreement, AllOr, Onward, RecipientKind};
use crate::decide;
use crate::ledger::Ledger;
use crate::redact::{Removed, redact_text};
use crate::{Item, Projection, Withheld};
use quotes::{Quotes, Secret};

/// What is counted for the provider alone: to the recipient it would tell that there is something that stays.
pub(crate) const FOR_PROVIDER_ONLY: [&str; 2] = ["marked-field", "quotes-withheld"];

/// A provider's records, made ready for any number of agreements.
#[derive(Debug)]
pub struct Records {
    records: Vec<Indicator>,
    /// How each context of each record writes the target, by the same places.
    spelled: Vec<Vec<Target>>,
    quotes: Quotes,
}

impl Records {
    /// Brings records of one identity (kind, key, match) together, their contexts side by side, in an order that does
    /// not depend on that of the input.
    pub fn new(records: impl IntoIterator<Item = Indicator>) -> Records {
        let mut by_identity: BTreeMap<_, (Indicator, Vec<Target>, Vec<String>)> = BTreeMap::new();
        for record in records {
            let target = &record.target;
            let identity = (
                target.observable.kind(),
                target.observable.key().to_string(),
                target.observable.source_type().map(str::to_string),
                target.match_,
                target.below_only,
            );
            let spelled = vec![target.clone(); record.contexts.len()];
            match by_identity.get_mut(&identity) {
                None => {
                    let groups = record.group.iter().cloned().collect();
                    by_identity.insert(identity, (record, spelled, groups));
                }
                Some((known, all_spelled, groups)) => {
                    // Of several spellings the least, so that the order of the input does not show.
                    if record.target.value() < known.target.value() {
                        known.target = record.target;
                    }
                    known.contexts.extend(record.contexts);
                    all_spelled.extend(spelled);
                    groups.extend(record.group.clone());
                    known.group = known.group.take().into_iter().chain(record.group).min();
                }
            }
        }
        let (mut records, mut spelled, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (mut record, targets, of_record) in by_identity.into_values() {
            let mut all: Vec<(Context, Target)> = record.contexts.drain(..).zip(targets).collect();
            if all.len() > 1 {
                all.sort_by_cached_key(|(context, target)| {
                    (serde_json::to_string(context).unwrap_or_default(), target.value().into_owned())
                });
                all.dedup();
            }
            let (contexts, targets): (Vec<Context>, Vec<Target>) = all.into_iter().unzip();
            record.contexts = contexts;
            records.push(record);
            spelled.push(targets);
            groups.push(of_record);
        }
        let quotes = Quotes::new(&records, &spelled, &groups);
        Records { records, spelled, quotes }
    }

    /// The records.
    pub fn all(&self) -> &[Indicator] {
        &self.records
    }
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
        let decided = decide::each(record, &records.spelled[n], &agreement, ledger, now);
        for (context, decided) in decided.enumerate() {
            match decided {
                Ok(item) => items.push((item, n, context)),
                Err(reasons) => held.push(Held { record: n, context, reasons }),
            }
        }
        for (context, said) in record.contexts.iter().enumerate() {
            if said.revoked == Some(true) {
                for id in decide::ids(record, context, &agreement, ledger) {
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
            decide::renew(item, &records.records[*n], *context, &agreement, ledger);
        }
    }
    // Two deliveries of one assertion are one item: the one that is marked more strictly.
    items.sort_by_cached_key(|(item, ..)| {
        let context = &item.record.contexts[0];
        let most = (Tlp::Red as u8 - context.tlp.unwrap_or(Tlp::Red) as u8, Reverse(strictness(context.pap)));
        let newest = Reverse(context.last_seen.or(context.first_seen));
        (item.id.clone(), most, newest, serde_json::to_string(&item.record).unwrap_or_default())
    });
    items.dedup_by(|(a, ..), (b, ..)| a.id == b.id);
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

/// PAP by how little it lets be done; none lets nothing be done without asking.
fn strictness(pap: Option<Pap>) -> u8 {
    pap.map_or(u8::MAX, |pap| pap as u8)
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
    mut items: Vec<(Item, usize, usize)>,
    plan: &mut Plan,
) {
    let mut released = Released::new(&records.quotes);
    for (item, record, context) in &items {
        released.add_value(item, *record, &records.spelled[*record][*context]);
    }
    // What is left out of one item may be what let another name it: until nothing more is.
    let mut changed = true;
    while std::mem::take(&mut changed) {
        released.name_all(items.iter().map(|(item, ..)| item), agreement);
        for (item, record, context) in &mut items {
            changed |= released.close(item, &records.records[*record], *context, agreement, ledger);
        }
    }
    let mut ids = BTreeSet::new();
    for (item, record, context) in items {
        // Another delivery of the assertion may have the new id of this one.
        if !ids.insert(item.id.clone()) {
            continue;
        }
        plan.givers.push(giver(&records.records[record].contexts[context]));
        for found in records.quotes.held_in(&item.record.target) {
            if let Secret::Value(other) = found
                && other != record
                && !released.values.contains(&other)
            {
                plan.carried.push(Carried { item: item.id.clone(), record: other });
            }
        }
        plan.items.push(item);
    }
}

/// The same for one record that is decided alone: its own statements that stay, their ids and producers.
pub(crate) fn close_record(
    record: &Indicator,
    agreement: &Agreement,
    ledger: &Ledger,
    projection: &mut Projection,
) {
    let quotes = Quotes::new(std::slice::from_ref(record), &[], &[]);
    let mut released = Released::new(&quotes);
    for item in &projection.items {
        released.add_value(item, 0, &record.target);
    }
    let mut changed = true;
    while std::mem::take(&mut changed) {
        released.name_all(projection.items.iter(), agreement);
        for (item, context) in projection.items.iter_mut().zip(&projection.sources) {
            changed |= released.close(item, record, *context, agreement, ledger);
        }
    }
}

/// Whether a value names somebody.
pub(crate) fn names(value: &str, who: &str) -> bool {
    quotes::names(value, who)
}

/// What goes out, by which what stays is known.
struct Released<'a> {
    quotes: &'a Quotes,
    values: BTreeSet<usize>,
    ids: BTreeSet<String>,
    names: BTreeSet<String>,
    /// What each text quotes, of what stays and of what goes.
    found: HashMap<String, Vec<Secret>>,
}

/// What a text quotes of what stays.
#[derive(Clone, Copy, Default)]
struct Quoted {
    /// A value, a personal piece of one, or an id.
    value: bool,
    /// Who made or passed on something.
    name: bool,
    /// An e-mail address that redaction did not see, as it stands there encoded.
    address: bool,
}

impl<'a> Released<'a> {
    fn new(quotes: &'a Quotes) -> Released<'a> {
        Released {
            quotes,
            values: BTreeSet::new(),
            ids: BTreeSet::new(),
            names: BTreeSet::new(),
            found: HashMap::new(),
        }
    }

    fn add_value(&mut self, item: &Item, record: usize, came: &Target) {
        if item.record.target == *came {
            self.values.insert(record);
        }
    }

    /// The ids and names that items say of themselves now.
    fn name_all<'i>(&mut self, items: impl Iterator<Item = &'i Item>, agreement: &Agreement) {
        self.ids.clear();
        self.names = [agreement.provider.id.clone(), agreement.recipient.party.id.clone()].into();
        for item in items {
            let context = &item.record.contexts[0];
            self.names.extend(context.producer.clone());
            for hop in &context.hops {
                self.names.insert(hop.who.clone());
                self.names.extend(hop.agreement.clone());
            }
            self.ids.insert(item.id.clone());
        }
    }

    /// Leaves out of an item what quotes what stays; says whether anything was.
    fn close(
        &mut self,
        item: &mut Item,
        record: &Indicator,
        context: usize,
        agreement: &Agreement,
        ledger: &Ledger,
    ) -> bool {
        let changed = self.leave_out(item, &record.contexts[context]);
        let before = item.id.clone();
        // The id that it kept can itself be made of a value.
        if changed || self.quoted(&before).value {
            decide::renew(item, record, context, agreement, ledger);
        }
        changed || item.id != before
    }

    fn quoted(&mut self, text: &str) -> Quoted {
        if !self.found.contains_key(text) {
            self.found.insert(text.to_string(), self.quotes.find(text));
        }
        let mut quoted = Quoted::default();
        for secret in self.found.get(text).into_iter().flatten() {
            match secret {
                Secret::Value(record) => quoted.value |= !self.values.contains(record),
                Secret::Piece => quoted.value = true,
                Secret::Id(id) => quoted.value |= !self.ids.contains(id),
                Secret::Name(who) => quoted.name |= !self.names.contains(who),
                Secret::Address => quoted.address = true,
            }
        }
        quoted
    }

    /// Whether a text gives away what stays: as it is now, or as it came, since what redaction leaves of a quoted
    /// value still tells it.
    fn tells(&mut self, text: &str, said: Option<&String>) -> bool {
        let now = self.quoted(text);
        let before = said.map_or(Quoted::default(), |said| self.quoted(said));
        now.value || now.name || now.address || before.value || before.name
    }

    /// Leaves out of an item what quotes what stays; says whether anything was. `said` is the context as it came.
    fn leave_out(&mut self, item: &mut Item, said: &Context) -> bool {
        let mut dropped = 0u64;
        let context = &mut item.record.contexts[0];
        for (list, said) in [(&mut context.labels, &said.labels), (&mut context.references, &said.references)]
        {
            let all = list.len();
            list.retain(|text| {
                // Redaction changes texts, decisions leave some out: what it came from is found by what it became.
                let said =
                    said.iter().find(|said| *said == text || redact_text(said, &mut Removed::new()) == *text);
                !self.tells(text, said)
            });
            dropped += (all - list.len()) as u64;
        }
        let confidence = context.confidence.as_mut();
        let said_of = said.confidence.as_ref();
        let of_confidence = confidence.map(|c| {
            [
                (&mut c.scale, said_of.and_then(|s| s.scale.as_ref())),
                (&mut c.source, said_of.and_then(|s| s.source.as_ref())),
            ]
        });
        let texts = [
            (&mut context.threat, said.threat.as_ref()),
            (&mut context.provider, said.provider.as_ref()),
            (&mut context.description, said.description.as_ref()),
        ];
        for (field, said) in texts.into_iter().chain(of_confidence.into_iter().flatten()) {
            if field.as_deref().is_some_and(|text| self.tells(text, said)) {
                *field = None;
                dropped += 1;
            }
        }
        for country in &mut context.countries {
            // Facts were chosen among, and the name's own put beside them.
            let mut told = false;
            for fact in said.countries.iter().filter(|fact| fact.date == country.date) {
                told |= fact.evidence.as_ref().is_some_and(|text| self.tells(text, None));
            }
            if country.evidence.as_deref().is_some_and(|text| told || self.tells(text, None)) {
                country.evidence = None;
                dropped += 1;
            }
        }
        if context.asn.is_some_and(|asn| self.tells(&format!("AS{asn}"), None)) {
            context.asn = None;
            dropped += 1;
        }
        if context.producer.as_deref().is_some_and(|who| self.tells(who, said.producer.as_ref())) {
            context.producer = None;
            dropped += 1;
        }
        // The hops of before, as many; behind them is the provider's own.
        if let Some((_, earlier)) = context.hops.split_last_mut() {
            for (n, hop) in earlier.iter_mut().enumerate() {
                let said = said.hops.get(n);
                let tells = hop.who != "withheld" && self.tells(&hop.who, said.map(|s| &s.who));
                let said = said.and_then(|s| s.agreement.as_ref());
                if tells || hop.agreement.as_deref().is_some_and(|text| self.tells(text, said)) {
                    (hop.who, hop.agreement) = ("withheld".to_string(), None);
                    dropped += 1;
                }
            }
        }
        // A statement is a marking: that there is one stays.
        if let Some(Value::Array(statements)) = context.extra.get_mut("statements") {
            let said: Vec<&str> = said
                .extra
                .get("statements")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for statement in statements {
                let text = statement.as_str().unwrap_or_default().to_string();
                let said = said.iter().find(|said| redact_text(said, &mut Removed::new()) == text);
                if self.tells(&text, said.map(|said| said.to_string()).as_ref()) {
                    *statement = "[withheld]".into();
                    dropped += 1;
                }
            }
        }
        dropped += u64::from(self.leave_out_type(item));
        if dropped > 0 {
            *item.removed.entry("quotes-withheld").or_default() += dropped;
        }
        dropped > 0
    }

    /// The source's own name of a kind is a text as any other.
    fn leave_out_type(&mut self, item: &mut Item) -> bool {
        let target = &mut item.record.target;
        let Some(name) = target.observable.source_type() else { return false };
        let personal = redact_text(name, &mut Removed::new()) != name;
        let quoted = personal || self.tells(name, None);
        if quoted {
            target.observable = Observable::other("unknown", target.observable.value());
        }
        quoted
    }
}

/// Of two kinds of recipient, the one that gets less: nobody to notify, nothing that is not for the public.
fn openness(kind: RecipientKind) -> u8 {
    match kind {
        RecipientKind::Police | RecipientKind::PoliceInternational | RecipientKind::Csirt => 0,
        RecipientKind::Isac | RecipientKind::Vendor => 1,
        RecipientKind::Public => 2,
    }
}

/// Both agreements in one: what either forbids is forbidden. Names, version and text are the first one's.
fn stricter(mut a: Agreement, b: &Agreement) -> Agreement {
    // `is_in_all`: what `all` holds, which leaves out what has to be named.
    fn both<T: Ord + Clone>(a: &AllOr<T>, b: &AllOr<T>, is_in_all: impl Fn(&T) -> bool) -> AllOr<T> {
        match (a, b) {
            (AllOr::All, AllOr::All) => AllOr::All,
            (AllOr::All, AllOr::Only(some)) | (AllOr::Only(some), AllOr::All) => {
                AllOr::Only(some.iter().filter(|one| is_in_all(one)).cloned().collect())
            }
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
    a.recipient.kind = std::cmp::max_by_key(a.recipient.kind, b.recipient.kind, |kind| openness(*kind));
    let is_one =
        |agreement: &Agreement| agreement.provider.organisation == agreement.recipient.party.organisation;
    if is_one(&a) && !is_one(b) {
        a.provider.organisation.clone_from(&b.provider.organisation);
        a.recipient.party.organisation.clone_from(&b.recipient.party.organisation);
    }
    a.scope.roles = both(&a.scope.roles, &b.scope.roles, |role| !role.is_to_notify());
    a.scope.kinds = both(&a.scope.kinds, &b.scope.kinds, |kind| !decide::must_be_named(*kind));
    a.scope.countries = both(&a.scope.countries, &b.scope.countries, |_| true);
    if a.provider.id != b.provider.id || a.recipient.party.id != b.recipient.party.id {
        // There is nobody whom both let have it.
        a.scope.roles = AllOr::Only(BTreeSet::new());
    }
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
    // May, must, must not: the later the stricter.
    a.handling.attribution = a.handling.attribution.max(b.handling.attribution);
    a.feedback = &a.feedback & &b.feedback;
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
                attribution: crate::agreement::Attribution::May,
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
