//! The way from a reader to the caller: options applied to each context, everything counted.

use std::io::{self, BufRead};

use indicia_core::{Context, Indicator, Match, Reason, Target};

use crate::kinds::{self, Hint, Matching};
use crate::lines::Lines;
use crate::{Format, Place, ReadOptions, Report};

pub(crate) struct Collector<'a> {
    pub(crate) options: &'a ReadOptions,
    pub(crate) report: Report,
    /// The lines before the text, where it is a part of one that is read in parts.
    pub(crate) lines_before: Option<u64>,
    /// A record wanted more lines than the text has.
    pub(crate) ended_inside_a_record: bool,
    sink: &'a mut dyn FnMut(Indicator),
}

impl<'a> Collector<'a> {
    pub(crate) fn new(
        format: Format,
        options: &'a ReadOptions,
        sink: &'a mut dyn FnMut(Indicator),
    ) -> Collector<'a> {
        let report = Report { format: Some(format), ..Report::default() };
        Collector { options, report, lines_before: None, ended_inside_a_record: false, sink }
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
        let matching = Matching { names, said: said.or(self.options.match_), profile: self.options.profile };
        let typed = kinds::target(hint, source_type, raw, matching)?;
        self.report.retyped += u64::from(typed.retyped);
        Ok(typed.target)
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
            indicator.contexts.retain(|c| c.confidence.as_ref().is_some_and(|c| c.as_percent() >= least));
            for _ in indicator.contexts.len()..all {
                self.report.skip("below confidence_min");
            }
            if indicator.contexts.is_empty() {
                return;
            }
        }
        for context in &mut indicator.contexts {
            context.feed = context.feed.take().or_else(|| options.feed.clone());
            context.producer = context.producer.take().or_else(|| options.producer.clone());
            context.role = context.role.or(options.default_role);
            context.tlp = context.tlp.max(options.tlp);
            context.pap = context.pap.max(options.pap);
        }
        self.report.indicators += 1;
        self.report.other += u64::from(indicator.target.observable.kind() == indicia_core::Kind::Other);
        (self.sink)(indicator);
    }
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
