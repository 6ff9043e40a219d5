//! Making a set: indicators in, in any order; the same set out.
//!
//! The rules about what may enter stand here and nowhere else: no context of somebody to notify unless named,
//! none that its producer says is not for detection, no cover below a public suffix.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::{Entry as SetEntry, IndicatorSet, SetInfo, Text, masks, may_cover_below, space};
use crate::scan::masks::is_scanned;
use crate::{Context, Indicator, Kind, Match, Profile, Role};

/// What may enter a set.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Only contexts with one of these roles. Empty: every role except those of somebody to notify.
    pub roles: Vec<Role>,
    /// Everything enters as it is: for carrying indicators on, not for matching.
    pub everything: bool,
    /// The profile that all URLs follow. `None`: that of the first URL that comes in.
    pub profile: Option<Profile>,
}

/// What a builder left out and what it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct BuildReport {
    /// Contexts left out because they name somebody to notify, or a role that was not asked for.
    pub left_out_by_role: u64,
    /// Contexts left out because their source says that they are not for detection (MISP `to_ids`).
    pub not_for_detection: u64,
    /// Indicators of kind `other`: kept, never matched.
    pub other: u64,
    /// Names listed with everything below that are public suffixes: matched exactly only.
    pub public_suffixes: u64,
    /// URLs left out because they follow another profile than the set.
    pub other_profile: u64,
    /// Masks without a literal to find them by, which are tried on every value of their kind: each makes scans slower.
    pub masks_always_tried: u64,
    /// Masks over kinds of values that `scan` does not find in text (file names, registry keys …): only `lookup` and
    /// named fields match them.
    pub masks_not_scanned: u64,
    /// Targets left out because they are said to be masks and their value is none.
    pub not_masks: u64,
    /// Indicators left out because a set holds no more than 4 GiB of values and 2³² references to contexts.
    pub no_room: u64,
}

/// No set holds more bytes of text or more references than its offsets reach.
const ROOM: u64 = u32::MAX as u64;

#[derive(PartialEq, Eq, Hash)]
struct Identity {
    kind: Kind,
    match_: Match,
    below_only: bool,
    key: Box<str>,
    source_type: Option<Box<str>>,
}

struct Pending {
    /// `None` where it is the key.
    value: Option<Box<str>>,
    group: Option<Box<str>>,
    context: u32,
    /// The contexts but the first.
    #[allow(clippy::box_collection, reason = "8 bytes instead of 24 in each of millions of targets")]
    more: Option<Box<Vec<u32>>>,
}

impl Pending {
    fn value<'a>(&'a self, key: &'a str) -> &'a str {
        self.value.as_deref().unwrap_or(key)
    }

    fn add(&mut self, context: u32) {
        let more = self.more.as_deref().map_or(&[][..], Vec::as_slice);
        // Beyond a few, equal ones are dropped at the end.
        if self.context != context && (more.len() > 64 || !more.contains(&context)) {
            self.more.get_or_insert_default().push(context);
        }
    }
}

/// Collects indicators into a set.
pub struct SetBuilder {
    options: BuildOptions,
    report: BuildReport,
    targets: HashMap<Identity, Pending, foldhash::fast::RandomState>,
    /// Each distinct context by its JSON, in order of arrival.
    contexts: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
    /// Upper bounds of what the set will hold; a target that comes again adds no text.
    text_bytes: u64,
    references: u64,
}

impl std::fmt::Debug for SetBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetBuilder").field("indicators", &self.targets.len()).finish_non_exhaustive()
    }
}

impl SetBuilder {
    /// An empty builder.
    pub fn new(options: BuildOptions) -> SetBuilder {
        SetBuilder {
            options,
            report: BuildReport::default(),
            targets: HashMap::default(),
            contexts: HashMap::default(),
            text_bytes: 0,
            references: 0,
        }
    }

    /// What was left out so far.
    pub fn report(&self) -> &BuildReport {
        &self.report
    }

    /// The profile that the set's URLs follow, once it is known.
    pub fn profile(&self) -> Option<Profile> {
        self.options.profile
    }

    /// Says which profile the set's URLs follow, where that is not known yet.
    pub fn adopt_profile(&mut self, profile: Profile) {
        self.options.profile.get_or_insert(profile);
    }

    /// Adds an indicator. The same target again adds its contexts; equal contexts are kept once.
    pub fn push(&mut self, indicator: Indicator) {
        let Indicator { target, group, contexts } = indicator;
        let mut kept = Vec::with_capacity(contexts.len());
        for context in contexts {
            if !self.admits(&context) {
                continue;
            }
            kept.push(context);
        }
        if kept.is_empty() {
            return;
        }
        let observable = &target.observable;
        if observable.kind() == Kind::Url
            && *self.options.profile.get_or_insert(observable.profile()) != observable.profile()
        {
            self.report.other_profile += 1;
            return;
        }
        let mut match_ = target.match_;
        if observable.kind() == Kind::Other {
            self.report.other += 1;
        }
        if !self.options.everything
            && match_ == Match::Subdomains
            && !target.below_only
            && !may_cover_below(observable.key())
        {
            self.report.public_suffixes += 1;
            match_ = Match::Exact;
        }
        let value = target.value();
        let mask = masks::mask_of(observable.kind(), match_, &value);
        if match_ == Match::Mask && observable.kind() != Kind::Other && mask.is_none() {
            self.report.not_masks += 1;
            return;
        }
        let texts = [
            &*value,
            observable.key(),
            observable.source_type().unwrap_or(""),
            group.as_deref().unwrap_or(""),
        ];
        let text_bytes = self.text_bytes + texts.iter().map(|text| text.len() as u64).sum::<u64>();
        let references = self.references + kept.len() as u64;
        if text_bytes > ROOM || references > ROOM {
            self.report.no_room += 1;
            return;
        }
        self.references = references;
        let identity = Identity {
            kind: observable.kind(),
            match_,
            below_only: target.below_only,
            key: observable.key().into(),
            source_type: observable.source_type().map(Into::into),
        };
        let ids: Vec<u32> = kept.iter().map(|c| self.intern(c)).collect();
        let distinct = |value: &str| (value != observable.key()).then(|| value.into());
        let group: Option<Box<str>> = group.map(Into::into);
        match self.targets.entry(identity) {
            Entry::Vacant(place) => {
                let mut pending = Pending { value: distinct(&value), group, context: ids[0], more: None };
                ids[1..].iter().for_each(|id| pending.add(*id));
                self.text_bytes = text_bytes;
                if let Some(mask) = mask {
                    self.report.masks_always_tried += u64::from(masks::is_always_tried(&mask));
                    self.report.masks_not_scanned += u64::from(!is_scanned(mask.kind()));
                }
                place.insert(pending);
            }
            Entry::Occupied(mut place) => {
                let pending = place.get_mut();
                // Values of one key can differ (two spellings of an e-mail address): the smallest stands,
                // whatever came first.
                if *value < *pending.value(observable.key()) {
                    self.text_bytes += value.len() as u64;
                    pending.value = distinct(&value);
                }
                if pending.group != group {
                    pending.group = pending.group.take().max(group);
                }
                ids.iter().for_each(|id| pending.add(*id));
            }
        }
    }

    fn admits(&mut self, context: &Context) -> bool {
        if self.options.everything {
            return true;
        }
        if context.extra.get("to_ids") == Some(&serde_json::Value::Bool(false)) {
            self.report.not_for_detection += 1;
            return false;
        }
        let role = context.role.unwrap_or(Role::Unknown);
        let admitted = if self.options.roles.is_empty() {
            !role.is_to_notify()
        } else {
            self.options.roles.contains(&role)
        };
        if !admitted {
            self.report.left_out_by_role += 1;
        }
        admitted
    }

    fn intern(&mut self, context: &Context) -> u32 {
        // Every field of a context is a string, number, list or map: it always serializes.
        let json = serde_json::to_vec(context).unwrap_or_default().into_boxed_slice();
        let next = self.contexts.len() as u32;
        *self.contexts.entry(json).or_insert(next)
    }

    /// The set.
    pub fn finish(self) -> IndicatorSet {
        let SetBuilder { options, targets, contexts, .. } = self;
        let mut by_json: Vec<(Box<[u8]>, u32)> = contexts.into_iter().collect();
        by_json.sort_unstable();
        let mut order = vec![0u32; by_json.len()];
        let mut parsed = Vec::with_capacity(by_json.len());
        for (new, (json, old)) in by_json.into_iter().enumerate() {
            order[old as usize] = new as u32;
            parsed.push(file_context(&json));
        }
        let mut targets: Vec<(Identity, Pending)> = targets.into_iter().collect();
        targets.sort_unstable_by(|(a, _), (b, _)| {
            (space(a.kind), &a.key, a.kind, a.match_, a.below_only, &a.source_type).cmp(&(
                space(b.kind),
                &b.key,
                b.kind,
                b.match_,
                b.below_only,
                &b.source_type,
            ))
        });
        let profile = options.profile.unwrap_or_default();
        let mut set = Assembly { profile, contexts: parsed, ..Assembly::default() };
        let mut contexts = Vec::new();
        for (identity, pending) in targets {
            contexts.clear();
            contexts.push(pending.context);
            contexts.extend_from_slice(pending.more.as_deref().map_or(&[][..], Vec::as_slice));
            contexts.iter_mut().for_each(|c| *c = order[*c as usize]);
            contexts.sort_unstable();
            contexts.dedup();
            set.push(
                identity.kind,
                identity.match_,
                identity.below_only,
                pending.value(&identity.key),
                &identity.key,
                pending.group.as_deref().unwrap_or_default(),
                identity.source_type.as_deref().unwrap_or_default(),
                &contexts,
            );
        }
        set.finish()
    }
}

/// A context from its own JSON.
pub(super) fn file_context(json: &[u8]) -> Context {
    serde_json::from_slice(json).unwrap_or_default()
}

/// The parts of a set being put together in sorted order, from a builder or a file.
#[derive(Default)]
pub(super) struct Assembly {
    pub(super) profile: Profile,
    pub(super) contexts: Vec<Context>,
    entries: Vec<SetEntry>,
    text: String,
    context_refs: Vec<u32>,
}

impl Assembly {
    /// Whether so many more bytes of text and references fit.
    pub(super) fn has_room(&self, text: usize, references: usize) -> bool {
        (self.text.len() + text) as u64 <= ROOM && (self.context_refs.len() + references) as u64 <= ROOM
    }

    fn text(&mut self, text: &str) -> Text {
        let at = self.text.len() as u32;
        self.text.push_str(text);
        Text { at, len: text.len() as u32 }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one entry, in file order")]
    pub(super) fn push(
        &mut self,
        kind: Kind,
        match_: Match,
        below_only: bool,
        value: &str,
        key: &str,
        group: &str,
        source_type: &str,
        contexts: &[u32],
    ) {
        let value_text = self.text(value);
        // Most keys are their values.
        let key = if key == value { value_text } else { self.text(key) };
        let group = self.text(group);
        let source_type = self.text(source_type);
        let from = self.context_refs.len() as u32;
        self.context_refs.extend_from_slice(contexts);
        let contexts = (from, self.context_refs.len() as u32);
        self.entries.push(SetEntry {
            kind,
            match_,
            below_only,
            value: value_text,
            key,
            group,
            source_type,
            contexts,
        });
    }

    pub(super) fn finish(self) -> IndicatorSet {
        let mut kinds = BTreeMap::new();
        let mut feeds: BTreeMap<String, u64> = BTreeMap::new();
        for entry in &self.entries {
            *kinds.entry(entry.kind.name().to_string()).or_default() += 1;
        }
        let mut uses = vec![0u64; self.contexts.len()];
        for context in &self.context_refs {
            uses[*context as usize] += 1;
        }
        for (context, uses) in self.contexts.iter().zip(uses) {
            *feeds.entry(context.feed.clone().unwrap_or_default()).or_default() += uses;
        }
        let mut set = IndicatorSet {
            info: SetInfo {
                profile: self.profile.to_string(),
                public_suffixes: indicia_data::psl::version().to_string(),
                kinds,
                feeds,
                indicators: self.entries.len() as u64,
                contexts: self.contexts.len() as u64,
            },
            profile: self.profile,
            digest: [0; 32],
            entries: self.entries,
            text: self.text,
            contexts: self.contexts,
            context_refs: self.context_refs,
            exact: Default::default(),
            v4: Default::default(),
            v6: Default::default(),
            url_hosts: Default::default(),
            endpoint_hosts: Default::default(),
            prefix_lengths: Vec::new(),
            masks: Default::default(),
            has: Default::default(),
            sieve: Vec::new(),
        };
        set.index();
        set.digest = set.content_digest();
        set.sieve = super::sifted::sieve(&set);
        set
    }
}
