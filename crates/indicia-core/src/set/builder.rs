//! Making a set: indicators in, in any order; the same set out.
//!
//! The rules about what may enter stand here and nowhere else: no context of somebody to notify unless named,
//! none that its producer says is not for detection, no cover below a public suffix.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Read, Write};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::assemble::{Assembly, Contexts, Plan, section_of};
use super::drafts::{Draft, Drafts};
use super::file::Stamp;
use super::interned::Interned;
use super::record::match_code;
use super::{IndicatorSet, masks, may_cover_below, runs};
use crate::scan::masks::is_scanned;
use crate::{Context, Indicator, Kind, Match, Profile, Role, Target};

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
    /// Indicators left out because a set holds no more than 4 GiB of records of a kind.
    pub no_room: u64,
}

/// No section holds more bytes of records than its offsets reach.
const ROOM: u64 = u32::MAX as u64;
/// Bytes of a piece of memory of a batch, which holds what comes of a small part of a feed.
const PIECE_OF_BATCH: usize = 1 << 15;

/// Collects indicators into a set.
pub struct SetBuilder {
    gate: Gate,
    drafts: Drafts,
    contexts: Interned,
    /// For each section an upper bound of the bytes that its records take.
    bytes: BTreeMap<u8, u64>,
    /// Masks so far, each counted once.
    masks: HashSet<(Kind, String)>,
    /// Numbers of the contexts of the indicator that is pushed.
    numbers: Vec<u32>,
    threads: usize,
}

impl std::fmt::Debug for SetBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetBuilder").field("pushed", &self.drafts.len()).finish_non_exhaustive()
    }
}

impl SetBuilder {
    /// An empty builder.
    pub fn new(options: BuildOptions) -> SetBuilder {
        SetBuilder {
            gate: Gate::new(options),
            drafts: Drafts::default(),
            contexts: Interned::default(),
            bytes: BTreeMap::new(),
            masks: HashSet::new(),
            numbers: Vec::new(),
            threads: 1,
        }
    }

    /// Puts the set together on so many threads, the calling one among them; without this on that one alone. The set is
    /// the same.
    pub fn use_threads(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// What was left out so far.
    pub fn report(&self) -> &BuildReport {
        &self.gate.report
    }

    /// The profile that the set's URLs follow, once it is known.
    pub fn profile(&self) -> Option<Profile> {
        self.gate.options.profile
    }

    /// Says which profile the set's URLs follow, where that is not known yet.
    pub fn adopt_profile(&mut self, profile: Profile) {
        self.gate.options.profile.get_or_insert(profile);
    }

    /// Adds an indicator. The same target again adds its contexts; equal contexts are kept once.
    pub fn push(&mut self, mut indicator: Indicator) {
        indicator.contexts.retain(|context| self.gate.admits(context));
        let Indicator { target, group, contexts } = indicator;
        if contexts.is_empty() {
            return;
        }
        let Some(match_) = self.gate.admit(&target) else { return };
        let value = target.value();
        let draft = draft(&target, group.as_deref(), match_, &value);
        if self.takes(&draft, contexts.len()) {
            self.numbers.clear();
            self.numbers.extend(contexts.into_iter().map(|context| self.contexts.number(context)));
            self.drafts.push(&draft, &self.numbers);
        }
    }

    /// Adds what was pushed to a batch, as if it were pushed here.
    pub fn add(&mut self, batch: Batch) {
        let Batch { gate, drafts, contexts, .. } = batch;
        self.gate.report.merge(gate.report);
        let numbers = (0..contexts.len() as u32).map(|number| self.contexts.number_of(&contexts, number));
        let numbers: Vec<u32> = numbers.collect();
        let other_profile = match (self.profile(), gate.options.profile) {
            (Some(own), Some(others)) => own != others,
            (None, Some(others)) => {
                self.adopt_profile(others);
                false
            }
            (_, None) => false,
        };
        for draft in drafts.sections().flat_map(|places| drafts.iter(places)) {
            if other_profile && draft.kind == Kind::Url.number() {
                self.gate.report.other_profile += 1;
                continue;
            }
            self.numbers.clear();
            self.numbers.extend(draft.contexts().map(|number| numbers[number as usize]));
            if self.takes(&draft, self.numbers.len()) {
                self.drafts.push(&draft, &self.numbers);
            }
        }
    }

    /// Whether there is room for one more, which is counted then.
    fn takes(&mut self, draft: &Draft<'_>, contexts: usize) -> bool {
        let bytes = self.bytes.entry(draft.section).or_default();
        let total = *bytes + draft.bound(contexts);
        if total > ROOM {
            self.gate.report.no_room += 1;
            return false;
        }
        *bytes = total;
        if let Some(mask) = draft.mask()
            && self.masks.insert((mask.kind(), super::text(draft.key).to_string()))
        {
            self.gate.report.masks_always_tried += u64::from(masks::is_always_tried(&mask));
            self.gate.report.masks_not_scanned += u64::from(!is_scanned(mask.kind()));
        }
        true
    }

    /// Bytes of memory that was pushed takes, about, without its distinct contexts and masks.
    pub fn held(&self) -> usize {
        self.drafts.held()
    }

    /// Writes what was pushed as a sorted run, and holds no more of it than its distinct contexts and masks. Runs of one
    /// builder can be given to [`SetBuilder::finish_with`] on it, and be joined before by [`SetBuilder::join_runs`]; they
    /// mean nothing to any other.
    ///
    /// # Errors
    /// Those of the writer; then nothing was let go.
    pub fn write_run(&mut self, out: &mut dyn Write) -> io::Result<()> {
        runs::write(&mut self.drafts, out)?;
        self.drafts = Drafts::default();
        Ok(())
    }

    /// Merges runs into one: each takes a file and some memory while it is read.
    ///
    /// # Errors
    /// Those of the readers and the writer.
    pub fn join_runs(runs: Vec<Box<dyn Read + '_>>, out: &mut dyn Write) -> io::Result<()> {
        runs::join(runs, out)
    }

    /// The set of all that was pushed: what was written as runs, and what is held. The bytes are those of a builder that
    /// held all.
    ///
    /// # Errors
    /// Those of the readers, and when a run is not as it was written.
    pub fn finish_with(mut self, mut runs: Vec<Box<dyn Read + '_>>) -> io::Result<IndicatorSet> {
        if runs.is_empty() {
            return Ok(self.finish());
        }
        let mut rest = Vec::new();
        self.write_run(&mut rest)?;
        runs.push(Box::new(io::Cursor::new(rest)));
        let contexts = self.contexts.len();
        let mut assembly = Assembly::new(self.plan());
        runs::each_target(runs, contexts, |target, said| assembly.push(target, said))?;
        Ok(assembly.finish(Stamp::default()))
    }

    /// The set.
    pub fn finish(mut self) -> IndicatorSet {
        let mut drafts = std::mem::take(&mut self.drafts);
        let assembly = Assembly::of(self.plan(), &mut drafts);
        drop(drafts);
        assembly.finish(Stamp::default())
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            contexts: Contexts::Counted(&self.contexts),
            profile: self.profile().unwrap_or_default(),
            everything: self.gate.options.everything,
            threads: self.threads,
        }
    }
}

/// Indicators on their way into a builder, made ready on another thread than that of the builder.
pub struct Batch {
    gate: Gate,
    drafts: Drafts,
    contexts: Interned,
    numbers: Vec<u32>,
    /// The numbers of contexts that were shared, by where they are in memory.
    shared: HashMap<usize, (Arc<Context>, u32), RandomState>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("pushed", &self.drafts.len()).finish_non_exhaustive()
    }
}

impl Batch {
    /// An empty batch for a builder with these options.
    pub fn new(options: BuildOptions) -> Batch {
        Batch {
            gate: Gate::new(options),
            drafts: Drafts::in_pieces(PIECE_OF_BATCH),
            contexts: Interned::default(),
            numbers: Vec::new(),
            shared: HashMap::default(),
        }
    }

    /// How many indicators it holds.
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an indicator, as [`SetBuilder::push`] does.
    pub fn push(&mut self, mut indicator: Indicator) {
        indicator.contexts.retain(|context| self.gate.admits(context));
        if indicator.contexts.is_empty() {
            return;
        }
        self.numbers.clear();
        self.numbers.extend(indicator.contexts.into_iter().map(|context| self.contexts.number(context)));
        self.keep(&indicator.target, indicator.group.as_deref());
    }

    /// Adds an indicator without a group that has one context, which is not compared with others if it is the same in
    /// memory as one that came before.
    pub fn push_shared(&mut self, target: &Target, context: &Arc<Context>) {
        if !self.gate.admits(context) {
            return;
        }
        let place = Arc::as_ptr(context) as usize;
        let number = match self.shared.get(&place) {
            Some((_, number)) => *number,
            None => {
                let number = self.contexts.number(Context::clone(context));
                // It is held, so nothing else comes to be in its place.
                self.shared.insert(place, (Arc::clone(context), number));
                number
            }
        };
        self.numbers.clear();
        self.numbers.push(number);
        self.keep(target, None);
    }

    /// Keeps a target with the contexts that are noted.
    fn keep(&mut self, target: &Target, group: Option<&str>) {
        let Some(match_) = self.gate.admit(target) else { return };
        let value = target.value();
        let draft = draft(target, group, match_, &value);
        self.drafts.push(&draft, &self.numbers);
    }
}

/// A target as it is kept, if it matches so.
fn draft<'i>(target: &'i Target, group: Option<&'i str>, match_: Match, value: &'i str) -> Draft<'i> {
    let observable = &target.observable;
    let (section, address) = section_of(observable.kind(), observable.key());
    Draft {
        section: section.number(),
        address,
        kind: observable.kind().number(),
        match_code: match_code(match_, target.below_only),
        key: observable.key().as_bytes(),
        source_type: observable.source_type().unwrap_or_default().as_bytes(),
        value: value.as_bytes(),
        group: group.unwrap_or_default().as_bytes(),
        contexts: &[],
    }
}

/// What may enter, and what was not let in.
struct Gate {
    options: BuildOptions,
    report: BuildReport,
}

impl Gate {
    fn new(options: BuildOptions) -> Gate {
        Gate { options, report: BuildReport::default() }
    }

    /// How a target matches, if it enters.
    fn admit(&mut self, target: &Target) -> Option<Match> {
        let observable = &target.observable;
        if observable.kind() == Kind::Url
            && *self.options.profile.get_or_insert(observable.profile()) != observable.profile()
        {
            self.report.other_profile += 1;
            return None;
        }
        if observable.kind() == Kind::Other {
            self.report.other += 1;
        }
        let mut match_ = target.match_;
        if !self.options.everything
            && match_ == Match::Subdomains
            && !target.below_only
            && !may_cover_below(observable.key())
        {
            self.report.public_suffixes += 1;
            match_ = Match::Exact;
        }
        if match_ == Match::Mask
            && observable.kind() != Kind::Other
            && masks::mask_of(observable.kind(), match_, &target.value()).is_none()
        {
            self.report.not_masks += 1;
            return None;
        }
        Some(match_)
    }

    fn admits(&mut self, context: &Context) -> bool {
        if self.options.everything {
            return true;
        }
        if !is_for_detection(context) {
            self.report.not_for_detection += 1;
            return false;
        }
        let admitted = if self.options.roles.is_empty() {
            !is_to_notify(context)
        } else {
            self.options.roles.contains(&context.role.unwrap_or(Role::Unknown))
        };
        if !admitted {
            self.report.left_out_by_role += 1;
        }
        admitted
    }
}

impl BuildReport {
    fn merge(&mut self, other: BuildReport) {
        let BuildReport {
            left_out_by_role,
            not_for_detection,
            other,
            public_suffixes,
            other_profile,
            masks_always_tried,
            masks_not_scanned,
            not_masks,
            no_room,
        } = other;
        self.left_out_by_role += left_out_by_role;
        self.not_for_detection += not_for_detection;
        self.other += other;
        self.public_suffixes += public_suffixes;
        self.other_profile += other_profile;
        self.masks_always_tried += masks_always_tried;
        self.masks_not_scanned += masks_not_scanned;
        self.not_masks += not_masks;
        self.no_room += no_room;
    }
}

/// Whether the source does not say that it is not for detection (MISP `to_ids`).
pub(super) fn is_for_detection(context: &Context) -> bool {
    context.extra.get("to_ids") != Some(&serde_json::Value::Bool(false))
}

pub(super) fn is_to_notify(context: &Context) -> bool {
    context.role.is_some_and(Role::is_to_notify)
}
