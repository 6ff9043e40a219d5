//! The way from a reader to the caller: options applied to each context, everything counted.

use std::io::{self, BufRead};
use std::sync::Arc;

use indicia_core::{Batch, Context, Indicator, Match, Reason, Target};

use crate::kinds::{self, Hint, Matching};
use crate::lines::Lines;
use crate::rows::Known;
use crate::{Format, Place, ReadOptions, Report};

/// Takes indicators as they are read.
pub trait Sink {
    /// Takes one.
    fn take(&mut self, indicator: Indicator);

    /// Takes one whose only context is that of others too: where it is the same in memory, they need not be compared.
    fn take_shared(&mut self, target: Target, context: &Arc<Context>) {
        self.take(Indicator::new(target, Context::clone(context)));
    }
}

/// A function as a sink.
pub(crate) struct Each<'s>(pub(crate) &'s mut dyn FnMut(Indicator));

impl Sink for Each<'_> {
    fn take(&mut self, indicator: Indicator) {
        (self.0)(indicator);
    }
}

/// For readings of which only the report matters, or nothing.
pub(crate) struct Nowhere;

impl Sink for Nowhere {
    fn take(&mut self, _: Indicator) {}
}

impl Sink for Batch {
    fn take(&mut self, indicator: Indicator) {
        self.push(indicator);
    }

    fn take_shared(&mut self, target: Target, context: &Arc<Context>) {
        self.push_shared(&target, context);
    }
}

pub(crate) struct Collector<'a> {
    pub(crate) options: &'a ReadOptions,
    pub(crate) report: Report,
    /// The lines before the text, where it is a part of one that is read in parts.
    pub(crate) lines_before: Option<u64>,
    /// A record wanted more lines than the text has.
    pub(crate) ended_inside_a_record: bool,
    /// What rows said beside their values.
    pub(crate) known: Known,
    /// The context of what nothing is said of, once there was such.
    bare: Option<Option<Arc<Context>>>,
    sink: &'a mut dyn Sink,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(format: Format, options: &'a ReadOptions, sink: &'a mut dyn Sink) -> Collector<'a> {
        let report = Report { format: Some(format), ..Report::default() };
        Collector {
            options,
            report,
            lines_before: None,
            ended_inside_a_record: false,
            known: Known::default(),
            bare: None,
            sink,
        }
    }

    /// The lines of the text.
    pub(crate) fn lines<'t>(&self, text: &'t mut dyn BufRead) -> io::Result<Lines<'t>> {
        match self.lines_before {
            Some(before) => Ok(Lines::of_part(text, before)),
            None => Lines::new(text),
        }
    }

    pub(crate) fn finish(self) -> Report {
        self.report
    }

    /// Reads a value; `names` is the format's default for domains, `said` what the record says.
    pub(crate) fn target(
        &mut self,
        hint: Hint,
        source_type: &str,
        raw: &str,
        names: Match,
        said: Option<Match>,
    ) -> Result<Target, Reason> {
        let typed = kinds::target(hint, source_type, raw, self.matching(names, said))?;
        self.report.retyped += u64::from(typed.retyped);
        Ok(typed.target)
    }

    /// How values match by the format's default for domains, what the record says, and the options.
    pub(crate) fn matching(&self, names: Match, said: Option<Match>) -> Matching {
        Matching { names, said: said.or(self.options.match_), profile: self.options.profile }
    }

    pub(crate) fn refuse(&mut self, place: Place, reason: Reason, raw: &str) {
        self.report.refuse(place, reason, raw);
    }

    pub(crate) fn emit(&mut self, target: Target, group: Option<&str>, context: Context) {
        self.emit_indicator(Indicator { target, group: group.map(Into::into), contexts: vec![context] });
    }

    /// Hands an indicator on, after the options have been applied to its contexts.
    pub(crate) fn emit_indicator(&mut self, mut indicator: Indicator) {
        let options = self.options;
        if let Some(least) = options.confidence_min {
            let all = indicator.contexts.len();
            indicator.contexts.retain(|context| is_as_sure(context, least));
            for _ in indicator.contexts.len()..all {
                self.report.skip("below confidence_min");
            }
            if indicator.contexts.is_empty() {
                return;
            }
        }
        indicator.contexts.iter_mut().for_each(|context| self.complete(context));
        self.count(&indicator.target);
        self.sink.take(indicator);
    }

    /// A context that several indicators have, after the options have been applied; `None` where they leave it out.
    pub(crate) fn share(&self, mut context: Context) -> Option<Arc<Context>> {
        let least = self.options.confidence_min;
        if least.is_some_and(|least| !is_as_sure(&context, least)) {
            return None;
        }
        self.complete(&mut context);
        Some(Arc::new(context))
    }

    /// Hands an indicator on that has a shared context only.
    pub(crate) fn emit_shared(&mut self, target: Target, context: Option<&Arc<Context>>) {
        match context {
            Some(context) => {
                self.count(&target);
                self.sink.take_shared(target, context);
            }
            None => self.report.skip("below confidence_min"),
        }
    }

    /// Hands an indicator on of which nothing is said, unless the options say it.
    pub(crate) fn emit_bare(&mut self, target: Target) {
        let context = match &self.bare {
            Some(context) => context.clone(),
            None => self.bare.insert(self.share(Context::default())).clone(),
        };
        self.emit_shared(target, context.as_ref());
    }

    fn count(&mut self, target: &Target) {
        self.report.indicators += 1;
        self.report.other += u64::from(target.observable.kind() == indicia_core::Kind::Other);
    }

    /// Adds what the options say.
    fn complete(&self, context: &mut Context) {
        let options = self.options;
        context.feed = context.feed.take().or_else(|| options.feed.clone());
        context.producer = context.producer.take().or_else(|| options.producer.clone());
        context.role = context.role.or(options.default_role);
        context.tlp = context.tlp.max(options.tlp);
        context.pap = context.pap.max(options.pap);
    }
}

fn is_as_sure(context: &Context, least: f64) -> bool {
    context.confidence.as_ref().is_some_and(|confidence| confidence.as_percent() >= least)
}

/// A context that is a description and nothing else.
#[allow(clippy::field_reassign_with_default)] // A private field keeps `..Context::default()` inside the core.
pub(crate) fn described(text: Option<&str>) -> Context {
    let mut context = Context::default();
    context.description = text.map(Into::into);
    context
}

/// An id for the parts of one composite record that has none of its own: the same parts, the same id.
pub(crate) fn group_of<'t>(parts: impl Iterator<Item = &'t Target>) -> String {
    let parts: Vec<String> =
        parts.map(|part| format!("{}\0{}", part.observable.kind(), part.observable.key())).collect();
    hash_of(&parts.join("\n"))
}

/// A short digest of a text, for ids.
pub(crate) fn hash_of(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
