//! The decision: may this be shared under that agreement, in which form, and if not, why not.
//!
//! [`decide`] is a pure function of record, agreement, ledger and time. Each context of a record is an assertion of
//! its own (rule R18): one may go out while another stays, and nothing of the one that stays shows. Every reason to
//! withhold is told, by its stable code. The rules R1 to R20 are in `docs/decision.md`; comments here name them.

mod marking;

use std::collections::BTreeSet;

use indicia_core::{Context, Country, Hop, Indicator, Kind, Pap, Role, Target, Time, Tlp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::agreement::{Agreement, AllOr, Attribution, Basis, Onward, Purpose, RecipientKind, Scheme};
use crate::country;
use crate::ledger::Ledger;
use crate::plan;
use crate::redact::{self, Redacted, Removed};
use crate::{Action, Item, Withheld};
use marking::{CHATHAM, Incoming, MarkedFields, Marking, texts};

/// What may be done with a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It goes out, in this form.
    Share(Projection),
    /// It stays.
    Withhold(Vec<Withheld>),
}

/// The form in which a record goes out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Projection {
    /// One for each assertion that goes out.
    pub items: Vec<Item>,
    /// Which of the record's contexts each item comes from.
    pub sources: Vec<usize>,
    /// The contexts that stay, by place, with the reasons. For the provider alone.
    pub withheld: Vec<(usize, Vec<Withheld>)>,
}

/// Decides whether a record may be shared under an agreement at a time.
///
/// Countries that a domain's own top-level domain names are known here; those of addresses come from
/// [`country::enrich`], which the caller has run.
///
/// ```
/// use indicia_exchange::{Agreement, Decision, EXAMPLE_AGREEMENT, Ledger, Withheld, decide};
/// let agreement = Agreement::parse(EXAMPLE_AGREEMENT)?;
/// let record = serde_json::from_str(r#"{"target":{"kind":"ipv4","value":"192.0.2.7"},"contexts":[
///     {"producer":"vendor.example","role":"c2","tlp":"red","last_seen":"2017-11-01",
///      "countries":[{"code":"MY","basis":"statement"}]}]}"#)?;
/// let now = "2017-11-02".parse()?;
/// let decision = decide(&record, &agreement, &Ledger::none("vendor.example"), now);
/// assert_eq!(decision, Decision::Withhold(vec![Withheld::TlpCeiling]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide(record: &Indicator, agreement: &Agreement, ledger: &Ledger, now: Time) -> Decision {
    let mut projection = Projection { items: Vec::new(), sources: Vec::new(), withheld: Vec::new() };
    if record.contexts.is_empty() {
        return Decision::Withhold(vec![Withheld::NoStatement]);
    }
    for (n, decided) in each(record, &[], agreement, ledger, now).enumerate() {
        match decided {
            Ok(item) => {
                projection.items.push(item);
                projection.sources.push(n);
            }
            Err(reasons) => projection.withheld.push((n, reasons)),
        }
    }
    if projection.items.is_empty() {
        let all: BTreeSet<Withheld> = projection.withheld.into_iter().flat_map(|(_, r)| r).collect();
        return Decision::Withhold(all.into_iter().collect());
    }
    plan::close_record(record, agreement, ledger, &mut projection);
    Decision::Share(projection)
}

/// The decision on each context of a record, in their order. `spelled` is how each context writes the target, where
/// they differ: an assertion goes out in its own spelling, not in that of another source (R18).
pub(crate) fn each<'a>(
    record: &'a Indicator,
    spelled: &'a [Target],
    agreement: &'a Agreement,
    ledger: &'a Ledger,
    now: Time,
) -> impl Iterator<Item = Result<Item, Vec<Withheld>>> + 'a {
    (0..record.contexts.len()).map(move |n| {
        let target = spelled.get(n).unwrap_or(&record.target);
        Case { record, target, agreement, ledger, now, n }.decide().map_err(|mut reasons| {
            reasons.sort_unstable();
            reasons.dedup();
            reasons
        })
    })
}

/// The ids that a context of a record can have gone out under: its own, and ours.
pub(crate) fn ids(record: &Indicator, n: usize, agreement: &Agreement, ledger: &Ledger) -> Vec<String> {
    let case = Case { record, target: &record.target, agreement, ledger, now: Time::default(), n };
    case.ids().collect()
}

/// R6: what is changed after the decision gets the id of a changed object, if it had kept its own.
pub(crate) fn renew(item: &mut Item, record: &Indicator, n: usize, agreement: &Agreement, ledger: &Ledger) {
    let id = Case { record, target: &record.target, agreement, ledger, now: Time::default(), n }.id();
    let context = &mut item.record.contexts[0];
    if item.id != id {
        context.source_id = Some(id.clone());
        if let Some(hop) = context.hops.last_mut() {
            hop.action = Some("redact".to_string());
        }
        item.id = id;
    }
}

/// What hops tell of.
const ACTIONS: [&str; 5] = ["create", "forward", "redact", "merge", "translate"];

/// One assertion to be decided.
struct Case<'a> {
    record: &'a Indicator,
    target: &'a Target,
    agreement: &'a Agreement,
    ledger: &'a Ledger,
    now: Time,
    n: usize,
}

impl<'a> Case<'a> {
    fn context(&self) -> &'a Context {
        &self.record.contexts[self.n]
    }

    fn decide(&self) -> Result<Item, Vec<Withheld>> {
        let (agreement, context) = (self.agreement, self.context());
        let mut reasons = Vec::new();
        if !agreement.is_in_force(self.now) {
            reasons.push(Withheld::NotInForce);
        }
        let own = context.producer.as_deref() == Some(&*agreement.provider.id) && context.hops.is_empty();
        // Case-blind: a name that is written otherwise is still the recipient's.
        let is_recipient = |who: &String| who.eq_ignore_ascii_case(&agreement.recipient.party.id);
        if context.producer.iter().chain(context.hops.iter().map(|hop| &hop.who)).any(is_recipient) {
            reasons.push(Withheld::Echo);
        }
        self.scope(&mut reasons);
        let marking = self.marking();
        let consent = self.consent();
        let effective = Marking { tlp: marking.tlp.map(|tlp| consent.unwrap_or(tlp)), ..marking };
        self.markings(&effective, own || consent.is_some(), &mut reasons);
        self.time(&mut reasons);
        if self.is_revoked() {
            reasons.push(Withheld::Revoked);
        }
        if self.must_not_attribute() && self.target_names_producer() {
            reasons.push(Withheld::NamesProducer);
        }
        self.onward(own, consent.is_some(), &mut reasons);

        let government = self.government();
        let facts = self.facts();
        let in_scope = self.countries(&facts, &mut reasons);
        let to_notify = self.is_to_notify();
        let purposes = self.purposes(to_notify, &mut reasons);
        if to_notify {
            self.victim(&facts, government.as_deref(), &mut reasons);
        }

        let mut removed = Removed::new();
        let target = match redact::redact_target(self.target, context.role, &mut removed) {
            Redacted::Unchanged => Some(self.target.clone()),
            Redacted::Changed(target) => Some(target),
            Redacted::Refused(_) => {
                reasons.push(Withheld::Personal);
                None
            }
        };
        let (Some(target), true) = (target, reasons.is_empty()) else { return Err(reasons) };
        let kept = self.project(target, &effective, own, removed);
        let in_scope = self.emitted(in_scope, to_notify);
        Ok(self.item(kept, government, in_scope, purposes, to_notify, own))
    }

    fn scope(&self, reasons: &mut Vec<Withheld>) {
        let (scope, context) = (&self.agreement.scope, self.context());
        let role = context.role.unwrap_or(Role::Unknown);
        let in_roles = match &scope.roles {
            AllOr::All => !role.is_to_notify(),
            AllOr::Only(roles) => roles.contains(&role),
        };
        if !in_roles {
            reasons.push(Withheld::Role);
        }
        let kind = self.record.target.observable.kind();
        let in_kinds = match &scope.kinds {
            AllOr::All => !must_be_named(kind),
            AllOr::Only(kinds) => kinds.contains(&kind),
        };
        if !in_kinds {
            reasons.push(Withheld::Kind);
        }
        if let Some(least) = scope.min_confidence
            && !context.confidence.as_ref().is_some_and(|c| c.as_percent() >= least)
        {
            reasons.push(Withheld::Confidence);
        }
    }

    /// R2: the marking of the context; where it has none at all, what the same source says of the same value.
    fn marking(&self) -> Marking {
        let context = self.context();
        let own = Marking::of(context);
        // Sources without a name may be different ones.
        if own.is_marked() || (context.feed.is_none() && context.producer.is_none()) {
            return own;
        }
        self.record.contexts.iter().filter(self.same_source()).map(Marking::of).fold(own, Marking::stricter)
    }

    fn same_source(&self) -> impl Fn(&&Context) -> bool {
        let context = self.context();
        |other| other.feed == context.feed && other.producer == context.producer
    }

    /// R14: taken back by its producer, in this statement or in another version of it, or by us.
    fn is_revoked(&self) -> bool {
        let context = self.context();
        let is_version = |c: &&Context| c.producer == context.producer && c.source_id == context.source_id;
        context.revoked == Some(true)
            || (context.source_id.is_some()
                && self.record.contexts.iter().filter(is_version).any(|c| c.revoked == Some(true)))
            || self.ids().any(|id| self.ledger.is_revoked(&id))
    }

    /// R16: the value itself names who made or passed on the statement.
    fn target_names_producer(&self) -> bool {
        let context = self.context();
        let who = context.producer.iter().chain(context.hops.iter().map(|hop| &hop.who));
        let known = [&self.agreement.provider.id, &self.agreement.recipient.party.id];
        let mut hidden = who.filter(|who| who.len() > 1 && *who != "withheld" && !known.contains(who));
        hidden.any(|who| plan::names(&self.target.value(), who))
    }

    /// R15: the marking that the producer lets it go out with.
    fn consent(&self) -> Option<Tlp> {
        let context = self.context();
        let id = self.id();
        let named = |items: &BTreeSet<String>| {
            items.contains(&id) || context.source_id.as_ref().is_some_and(|source| items.contains(source))
        };
        let by_giver = |who: &str| {
            context.producer.as_deref() == Some(who) || context.hops.last().is_some_and(|hop| hop.who == who)
        };
        let mut found = None;
        for consent in &self.agreement.consents {
            if consent.when <= self.now && named(&consent.items) && by_giver(&consent.who) {
                // Of several the stricter counts.
                found = found.max(Some(consent.tlp));
            }
        }
        found
    }

    /// `free` where TLP binds only by the ceiling: for our own, and by a producer's consent.
    fn markings(&self, marking: &Marking, free: bool, reasons: &mut Vec<Withheld>) {
        let ceiling = &self.agreement.ceiling;
        let tlp = marking.tlp;
        if marking.unknown {
            reasons.push(Withheld::UnknownMarking);
        }
        let missing = |scheme: Scheme| !ceiling.schemes.contains(&scheme);
        if (marking.pap.is_some() && missing(Scheme::Pap))
            || (marking.statements && missing(Scheme::Statement))
            || (tlp.is_some() && missing(Scheme::Tlp))
        {
            reasons.push(Withheld::Scheme);
        }
        if let (Some(pap), Some(most)) = (marking.pap, ceiling.pap)
            && pap > most
        {
            reasons.push(Withheld::PapCeiling);
        }
        let Some(tlp) = tlp else {
            reasons.push(Withheld::Unmarked);
            return;
        };
        if tlp > ceiling.tlp {
            reasons.push(Withheld::TlpCeiling);
        }
        // R3, R4: what came from somebody else binds us.
        if !free {
            reasons.extend(self.binds(tlp));
        }
    }

    /// Why TLP forbids who got something to give it to the recipient.
    fn binds(&self, tlp: Tlp) -> Option<Withheld> {
        let (provider, recipient) = (&self.agreement.provider, &self.agreement.recipient);
        let same = recipient.party.organisation == provider.organisation;
        let community = !provider.communities.is_disjoint(&recipient.party.communities);
        match tlp {
            Tlp::Red => Some(Withheld::TlpRed),
            Tlp::AmberStrict => (!same).then_some(Withheld::TlpAmberStrict),
            Tlp::Amber => (!same && !recipient.client).then_some(Withheld::TlpAmber),
            Tlp::Green => (!(same || community) || recipient.kind == RecipientKind::Public)
                .then_some(Withheld::TlpGreen),
            Tlp::Clear => None,
        }
    }

    /// R13.
    fn time(&self, reasons: &mut Vec<Withheld>) {
        let (context, now) = (self.context(), self.now);
        if let (Some(from), Some(until)) = (context.valid_from, context.valid_until)
            && until <= from
        {
            reasons.push(Withheld::BadInterval);
        }
        let created = created(context);
        if [context.valid_from, created, context.first_seen].into_iter().flatten().any(|at| at > now) {
            reasons.push(Withheld::NotYetValid);
        }
        if context.valid_until.is_some_and(|until| until <= now) {
            reasons.push(Withheld::Expired);
        }
        if let Some(days) = self.agreement.scope.max_age_days {
            let seen = context.last_seen.or(context.first_seen).or(context.valid_from).or(created);
            match seen {
                None => reasons.push(Withheld::NoTime),
                Some(at) if at < after_days(now, -i64::from(days)) => reasons.push(Withheld::TooOld),
                Some(_) => {}
            }
        }
        // A limit that cannot be read has come.
        if self.incoming().delete_by.is_some_and(|by| by.is_none_or(|by| by <= now)) {
            reasons.push(Withheld::DeleteBy);
        }
    }

    /// What the agreement under which it came lets us do.
    fn incoming(&self) -> Incoming {
        Incoming::of(self.context())
    }

    fn onward(&self, own: bool, consented: bool, reasons: &mut Vec<Withheld>) {
        if own || consented {
            return;
        }
        let recipient = &self.agreement.recipient.party;
        let allowed = match self.incoming().onward {
            None => true,
            Some((Onward::Organisation, _)) => recipient.organisation == self.agreement.provider.organisation,
            Some((Onward::Listed, to)) => to.contains(&recipient.id),
            Some(_) => false,
        };
        if !allowed {
            reasons.push(Withheld::Onward);
        }
    }

    /// R10: the country of the government whose host it is; the empty text where that is no country.
    fn government(&self) -> Option<String> {
        let suffixes = &self.agreement.scope.extra_government_suffixes;
        let found = country::government(&self.record.target.observable, suffixes)?;
        Some(found.country.unwrap_or_default().to_string())
    }

    /// R8: what is known of countries; the name's own among it.
    fn facts(&self) -> Vec<Country> {
        let mut facts = self.context().countries.clone();
        // What is no country's code, or rests on nothing that is known, is no fact; a country may be called
        // otherwise today.
        facts.retain_mut(|fact| {
            let code = indicia_data::country::current(&fact.code.trim().to_ascii_uppercase());
            fact.code = code.unwrap_or_default().to_string();
            fact.strength = fact.strength.take().map(|word| {
                let strong = word.eq_ignore_ascii_case("strong");
                if strong { "strong" } else { "weak" }.to_string()
            });
            code.is_some() && fact.basis.as_deref().is_none_or(|word| Basis::from_name(word).is_some())
        });
        let of_name = country::facts(&self.record.target.observable, &country::Sources::default());
        for fact in of_name.unwrap_or_default() {
            match facts.iter_mut().find(|known| known.code == fact.code && known.basis == fact.basis) {
                // How much a top-level domain says of a country is not the producer's to say.
                Some(known) => known.strength = fact.strength,
                None => facts.push(fact),
            }
        }
        facts
    }

    /// The facts that go out: no victim of a country that the recipient does not act for, where the item is theirs.
    fn emitted(&self, mut facts: Vec<Country>, to_notify: bool) -> Vec<Country> {
        let acts_for = &self.agreement.recipient.countries;
        facts.retain(|fact| {
            !to_notify || fact.basis.as_deref() != Some("victim") || acts_for.contains(&fact.code)
        });
        facts
    }

    fn countries(&self, facts: &[Country], reasons: &mut Vec<Withheld>) -> Vec<Country> {
        let scope = &self.agreement.scope;
        let AllOr::Only(wanted) = &scope.countries else { return facts.to_vec() };
        let accepted = |fact: &&Country| {
            let basis = fact.basis.as_deref().map_or(Some(Basis::Statement), Basis::from_name);
            let strong = fact.strength.as_deref() != Some("weak");
            basis.is_some_and(|basis| scope.basis.contains(&basis)) && (strong || scope.send_unknown_country)
        };
        let counts: Vec<&Country> = facts.iter().filter(accepted).collect();
        let inside = counts.iter().any(|fact| wanted.contains(&fact.code));
        let unknown = counts.is_empty();
        if wanted.is_empty() || (!inside && !unknown) {
            reasons.push(Withheld::Country);
        } else if unknown && !scope.send_unknown_country {
            reasons.push(Withheld::CountryUnknown);
        }
        facts.iter().filter(|fact| wanted.contains(&fact.code)).cloned().collect()
    }

    /// R9: somebody to notify, by this assertion or another of the same source.
    fn is_to_notify(&self) -> bool {
        let notifies = |c: &Context| c.role.is_some_and(Role::is_to_notify);
        self.record.contexts.iter().filter(self.same_source()).any(notifies)
    }

    fn victim(&self, facts: &[Country], government: Option<&str>, reasons: &mut Vec<Withheld>) {
        let recipient = &self.agreement.recipient;
        if !matches!(
            recipient.kind,
            RecipientKind::Police | RecipientKind::PoliceInternational | RecipientKind::Csirt
        ) {
            reasons.push(Withheld::VictimRecipient);
        }
        let strong = |fact: &&Country| fact.strength.as_deref() != Some("weak");
        let of = |basis: &[&str]| -> BTreeSet<&str> {
            let said = |fact: &&Country| basis.contains(&fact.basis.as_deref().unwrap_or("statement"));
            facts.iter().filter(said).filter(strong).map(|fact| fact.code.as_str()).collect()
        };
        // Where somebody says who the victim is, that counts; else whose name it is. Where it is hosted never does.
        let mut victims = of(&["victim"]);
        if !facts.iter().any(|fact| fact.basis.as_deref() == Some("victim")) {
            victims = of(&["statement", "cctld"]);
            victims.extend(government.filter(|code| !code.is_empty()));
        }
        if !victims.iter().any(|code| recipient.countries.contains(*code)) {
            reasons.push(Withheld::VictimCountry);
        }
    }

    /// R11, R9: what it may be used for there.
    fn purposes(&self, to_notify: bool, reasons: &mut Vec<Withheld>) -> BTreeSet<Purpose> {
        let of_agreement = &self.agreement.handling.purposes;
        let said = &self.context().purposes;
        // A purpose that is not known permits nothing.
        let own: BTreeSet<Purpose> = said.iter().filter_map(|word| Purpose::from_name(word)).collect();
        let mut both: BTreeSet<Purpose> =
            if said.is_empty() { of_agreement.clone() } else { of_agreement & &own };
        if both.is_empty() {
            reasons.push(Withheld::Purpose);
        } else if to_notify {
            let is_theirs = |p: &Purpose| matches!(p, Purpose::VictimNotification | Purpose::Investigation);
            if !both.iter().any(is_theirs) {
                reasons.push(Withheld::VictimPurpose);
            }
            let blocks =
                self.context().role.is_some_and(|r| self.agreement.handling.block_roles.contains(&r));
            both.retain(|p| is_theirs(p) || (blocks && *p == Purpose::Prevention));
        }
        both
    }

    /// The item's id in our namespace: the same assertion has the same id in every package.
    fn id(&self) -> String {
        let context = self.context();
        let none = String::new();
        let name = [
            redact::PROFILE,
            context.producer.as_ref().unwrap_or(&none),
            context.source_id.as_ref().unwrap_or(&none),
            context.hops.last().map_or("", |hop| &hop.who),
            context.role.map_or("", Role::name),
            self.record.target.observable.kind().name(),
            self.record.target.observable.source_type().unwrap_or_default(),
            self.record.target.observable.key(),
            self.record.target.match_.name(),
            if self.record.target.below_only { "below" } else { "" },
        ]
        .join("\0");
        format!("indicator--{}", Uuid::new_v5(&self.ledger.namespace(), name.as_bytes()))
    }

    /// The ids that it can have gone out under: its own, and ours.
    fn ids(&self) -> impl Iterator<Item = String> {
        self.context().source_id.clone().into_iter().chain([self.id()])
    }

    /// R6, R16: what is left of the assertion: fields that we know, redacted; a field with a marking of its own only
    /// where that lets it go.
    fn project(&self, target: Target, marking: &Marking, own: bool, mut removed: Removed) -> Kept {
        let context = self.context();
        let marked = MarkedFields::of(context);
        let mut tlp = marking.tlp;
        let mut pap = marking.pap;
        let mut statements: Vec<&str> = texts(context.extra.get("statements"));
        let mut keep = |field: &str, removed: &mut Removed| match marked.fields.get(field) {
            None => true,
            Some(of_field) => {
                let mut reasons = Vec::new();
                // A field that says nothing of TLP has that of the whole, which may go.
                let alone = Marking { tlp: of_field.tlp.or(Some(Tlp::Clear)), ..of_field.clone() };
                self.markings(&alone, own, &mut reasons);
                if reasons.is_empty() {
                    (tlp, pap) = (tlp.max(alone.tlp), pap.max(alone.pap));
                    statements.extend(marked.statements(field));
                } else {
                    *removed.entry("marked-field").or_default() += 1;
                }
                reasons.is_empty()
            }
        };
        let must_not = self.must_not_attribute();
        let text = |text: &str, removed: &mut Removed| redact::redact_text(text, removed).into_owned();
        let mut out = Context { role: context.role, ..Context::default() };
        if !context.labels.is_empty() && keep("labels", &mut removed) {
            // A label that says a level could say a wider one than the item goes out with.
            let labels = context.labels.iter().filter(|label| Marking::of_label(label).is_none());
            out.labels = labels.map(|label| text(label, &mut removed)).collect();
        }
        if let Some(threat) = context.threat.as_ref().filter(|_| keep("threat", &mut removed)) {
            out.threat = Some(text(threat, &mut removed));
        }
        if let Some(confidence) = context.confidence.clone().filter(|_| keep("confidence", &mut removed)) {
            let source = confidence.source.filter(|_| !must_not).map(|source| text(&source, &mut removed));
            let scale = confidence.scale.map(|scale| text(&scale, &mut removed));
            out.confidence = Some(indicia_core::Confidence { value: confidence.value, scale, source });
        }
        if keep("first_seen", &mut removed) {
            out.first_seen = context.first_seen;
        }
        if keep("last_seen", &mut removed) {
            out.last_seen = context.last_seen;
        }
        if keep("valid_until", &mut removed) {
            out.valid_until = context.valid_until;
        }
        out.valid_from = context.valid_from;
        out.asn = context.asn.filter(|_| keep("asn", &mut removed));
        if let Some(provider) = context.provider.as_ref().filter(|_| keep("provider", &mut removed)) {
            out.provider = Some(text(provider, &mut removed));
        }
        if !context.references.is_empty() {
            if must_not {
                *removed.entry("reference").or_default() += context.references.len() as u64;
            } else if keep("references", &mut removed) {
                out.references = context.references.iter().map(|link| text(link, &mut removed)).collect();
            }
        }
        if let Some(description) = context.description.as_ref().filter(|_| keep("description", &mut removed))
        {
            out.description = Some(text(description, &mut removed));
        }
        if let Some(producer) = context.producer.as_ref().filter(|_| !must_not)
            && keep("producer", &mut removed)
        {
            out.producer = Some(text(producer, &mut removed));
        }
        if !statements.is_empty() {
            let said: BTreeSet<String> = statements.iter().map(|s| text(s, &mut removed)).collect();
            out.extra.insert("statements".to_string(), json!(said));
        }
        if marking.chatham {
            out.extra.insert("unknown_markings".to_string(), json!([CHATHAM]));
        }
        const OURS: [&str; 7] = [
            "statements",
            "unknown_markings",
            "marked_fields",
            "handling",
            "government",
            "created",
            "modified",
        ];
        let dropped = context.extra.keys().filter(|name| !OURS.contains(&name.as_str())).count() as u64;
        if dropped > 0 {
            *removed.entry("extra-field").or_default() += dropped;
        }
        (out.tlp, out.pap) = (tlp, pap);
        Kept { target, context: out, removed }
    }

    /// R16, and never less than what it came with.
    fn must_not_attribute(&self) -> bool {
        self.agreement.handling.attribution == Attribution::MustNot
            || self.incoming().must_not_attribute
            || self.marking().chatham
    }

    /// Whether what goes out says just what came: nothing less, nothing else (R6).
    fn is_unchanged(&self, out: &Context, countries: &[Country]) -> bool {
        let came = self.context();
        let purposes: BTreeSet<&String> = came.purposes.iter().collect();
        (out.tlp, out.pap, &out.labels) == (came.tlp, came.pap, &came.labels)
            && came.countries.iter().all(|fact| countries.contains(fact))
            && (purposes.is_empty() || purposes == out.purposes.iter().collect())
    }

    fn item(
        &self,
        kept: Kept,
        government: Option<String>,
        countries: Vec<Country>,
        purposes: BTreeSet<Purpose>,
        to_notify: bool,
        own: bool,
    ) -> Item {
        let (agreement, incoming) = (self.agreement, self.incoming());
        let Kept { target, mut context, mut removed } = kept;
        let must_not = self.must_not_attribute();
        let original = self.context();
        let action = action(&context, &purposes, to_notify || government.is_some());
        let mut countries = countries;
        for fact in &mut countries {
            fact.evidence =
                fact.evidence.take().map(|text| redact::redact_text(&text, &mut removed).into_owned());
        }
        // R8: which government's it is goes out where that country is in scope.
        let government = government.map(|code| {
            let in_scope = agreement.scope.countries.contains(&code);
            if in_scope { code } else { String::new() }
        });
        if let Some(code) = &government {
            if !context.labels.iter().any(|label| label == "government") {
                context.labels.push("government".to_string());
            }
            context.extra.insert("government".to_string(), code.as_str().into());
        }
        context.purposes = purposes.iter().map(|p| p.name().to_string()).collect();
        // R6: what is as it came keeps its id; everything else is a new object.
        let unchanged = own
            && !must_not
            && removed.is_empty()
            && target == *self.target
            && self.is_unchanged(&context, &countries);
        let valid_id = |id: &&String| {
            id.strip_prefix("indicator--")
                .is_some_and(|uuid| Uuid::parse_str(uuid).is_ok_and(|u| u.to_string() == uuid))
        };
        let id = match original.source_id.as_ref().filter(valid_id) {
            Some(id) if unchanged => id.clone(),
            _ => self.id(),
        };
        // R13: sending again does not make it last longer.
        let recipient = &agreement.recipient.party.id;
        let sent = self.ids().filter_map(|id| self.ledger.shared(recipient, &id)).map(|known| known.first);
        let first = sent.min().unwrap_or(self.now).min(self.now);
        let ours = after_days(first, i64::from(agreement.retention_days));
        let delete_by = incoming.delete_by.flatten().map_or(ours, |theirs| theirs.min(ours));
        context.feed = Some(agreement.id.clone());
        context.source_id = Some(id.clone());
        context.countries = countries;
        let mut hops: Vec<Hop> = Vec::new();
        for hop in &original.hops {
            // Of an action only the words that there are; anything else could say whatever it likes.
            let action = hop.action.clone().filter(|action| ACTIONS.contains(&action.as_str()));
            if must_not {
                hops.push(Hop { who: "withheld".to_string(), when: None, agreement: None, action });
                continue;
            }
            let mut text = |text: &String| redact::redact_text(text, &mut removed).into_owned();
            let (who, agreement) = (text(&hop.who), hop.agreement.as_ref().map(text));
            hops.push(Hop { who, when: hop.when, agreement, action });
        }
        let done = if unchanged { "forward" } else { "redact" };
        hops.push(Hop {
            who: agreement.provider.id.clone(),
            when: Some(self.now),
            agreement: Some(agreement.reference()),
            action: Some(if own && unchanged { "create" } else { done }.to_string()),
        });
        context.hops = hops;
        let (onward, to) = narrow(
            (agreement.handling.onward, &agreement.handling.onward_to),
            incoming.onward.filter(|_| !own),
        );
        let mut handling = Map::new();
        handling.insert("agreement".into(), agreement.reference().into());
        handling.insert("onward".into(), onward.name().into());
        if onward == Onward::Listed {
            handling.insert("onward_to".into(), to.into_iter().collect::<Vec<_>>().into());
        }
        let attribution = if must_not { Attribution::MustNot } else { agreement.handling.attribution };
        handling.insert("attribution".into(), attribution.name().into());
        handling.insert("delete_by".into(), delete_by.to_string().into());
        handling.insert("action".into(), action.name().into());
        context.extra.insert("handling".to_string(), Value::Object(handling));
        let record = Indicator { target, group: None, contexts: vec![context] };
        Item { id, record, action, government, delete_by: Some(delete_by), removed }
    }
}

/// What is left of an assertion.
struct Kept {
    target: Target,
    context: Context,
    removed: Removed,
}

/// Kinds that `kinds = "all"` leaves out.
pub(crate) fn must_be_named(kind: Kind) -> bool {
    matches!(kind, Kind::Phone | Kind::Iban | Kind::PaymentCard | Kind::UserName | Kind::Other)
}

/// R10, R12: what to do, by role, marking and purpose.
fn action(context: &Context, purposes: &BTreeSet<Purpose>, notify: bool) -> Action {
    if notify {
        return Action::Notify;
    }
    let harmful = context.role != Some(Role::Benign);
    match context.pap {
        Some(Pap::Clear | Pap::Green) if harmful && purposes.contains(&Purpose::Prevention) => Action::Block,
        Some(Pap::Clear | Pap::Green | Pap::Amber)
            if harmful
                && (purposes.contains(&Purpose::Detection) || purposes.contains(&Purpose::Prevention)) =>
        {
            Action::Detect
        }
        _ => Action::Search,
    }
}

/// To whom it may be passed on from there: never more than both the agreement and what it came under say.
pub(crate) fn narrow(
    (ours, ours_to): (Onward, &BTreeSet<String>),
    theirs: Option<(Onward, BTreeSet<String>)>,
) -> (Onward, BTreeSet<String>) {
    let Some((theirs, theirs_to)) = theirs else { return (ours, ours_to.clone()) };
    match (ours, theirs) {
        (Onward::None, _) | (_, Onward::None) => (Onward::None, BTreeSet::new()),
        (Onward::Consent, _) | (_, Onward::Consent) => (Onward::Consent, BTreeSet::new()),
        (Onward::Organisation, Onward::Organisation) => (Onward::Organisation, BTreeSet::new()),
        // Who of those listed is of the organisation is not known.
        (Onward::Organisation, Onward::Listed) | (Onward::Listed, Onward::Organisation) => {
            (Onward::None, BTreeSet::new())
        }
        (Onward::Listed, Onward::Listed) => {
            let both: BTreeSet<String> = ours_to & &theirs_to;
            if both.is_empty() { (Onward::None, both) } else { (Onward::Listed, both) }
        }
    }
}

/// When the statement was made: `created` of STIX, the time stamp of MISP.
fn created(context: &Context) -> Option<Time> {
    let text = |name: &str| context.extra.get(name).and_then(Value::as_str);
    let stamp = || {
        let value = context.extra.get("timestamp")?;
        Time::from_unix(value.as_i64().or_else(|| value.as_str()?.parse().ok())?)
    };
    text("created").and_then(|text| text.parse().ok()).or_else(stamp)
}

/// A time some days later, or the last there is.
pub(crate) fn after_days(at: Time, days: i64) -> Time {
    Time::from_unix(at.unix().saturating_add(days.saturating_mul(86_400))).unwrap_or(at)
}
