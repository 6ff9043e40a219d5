//! Where the indicators of feeds go: to a function one by one, or into a builder, which threads that read make them ready
//! for.

use std::sync::Arc;

use indicia_core::{Batch, BuildOptions, Context, Indicator, SetBuilder, Target};
use indicia_feeds::Sink as _;

use crate::spill::Spill;

/// Takes indicators in the order of the feeds.
pub(super) enum Sink<'s> {
    Each(&'s mut dyn FnMut(Indicator)),
    Builder { builder: &'s mut SetBuilder, spill: &'s mut Option<Spill>, options: BuildOptions },
}

impl indicia_feeds::Sink for Sink<'_> {
    fn take(&mut self, indicator: Indicator) {
        match self {
            Sink::Each(take) => take(indicator),
            Sink::Builder { builder, spill, .. } => {
                builder.push(indicator);
                relieve(builder, spill);
            }
        }
    }
}

impl Sink<'_> {
    /// Takes all that were gathered.
    pub(super) fn take_all(&mut self, gathered: Gathered) {
        match (self, gathered) {
            (sink, Gathered::Indicators(all)) => all.into_iter().for_each(|one| sink.take(one)),
            (Sink::Builder { builder, spill, .. }, Gathered::Batch(batch)) => {
                builder.add(*batch);
                relieve(builder, spill);
            }
            // Nobody gathers a batch for it.
            (Sink::Each(_), Gathered::Batch(_)) => {}
        }
    }

    /// How indicators are gathered for it.
    pub(super) fn gatherer(&self) -> Gatherer {
        match self {
            Sink::Each(_) => Gatherer(None),
            Sink::Builder { options, .. } => Gatherer(Some(options.clone())),
        }
    }
}

fn relieve(builder: &mut SetBuilder, spill: &mut Option<Spill>) {
    if let Some(spill) = spill {
        spill.relieve(builder);
    }
}

/// Makes what indicators are gathered in: for a builder with these options, or nobody in particular.
#[derive(Clone)]
pub(super) struct Gatherer(Option<BuildOptions>);

impl Gatherer {
    pub(super) fn start(&self) -> Gathered {
        match &self.0 {
            None => Gathered::Indicators(Vec::new()),
            Some(options) => Gathered::Batch(Box::new(Batch::new(options.clone()))),
        }
    }
}

/// Indicators that go to a sink together.
pub(super) enum Gathered {
    Indicators(Vec<Indicator>),
    Batch(Box<Batch>),
}

impl Gathered {
    pub(super) fn len(&self) -> usize {
        match self {
            Gathered::Indicators(all) => all.len(),
            Gathered::Batch(batch) => batch.len(),
        }
    }
}

impl indicia_feeds::Sink for Gathered {
    fn take(&mut self, indicator: Indicator) {
        match self {
            Gathered::Indicators(all) => all.push(indicator),
            Gathered::Batch(batch) => batch.push(indicator),
        }
    }

    fn take_shared(&mut self, target: Target, context: &Arc<Context>) {
        match self {
            Gathered::Indicators(all) => all.push(Indicator::new(target, Context::clone(context))),
            Gathered::Batch(batch) => batch.push_shared(&target, context),
        }
    }
}
