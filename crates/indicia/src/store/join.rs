//! New indicators against what was seen before.

use std::ops::ControlFlow;

use super::{Block, Observed, Seen};
use crate::{AsOf, HitView, Kind, Profile, ScanOptions, Scratch};

/// An indicator that matches an observable of a store.
#[derive(Debug)]
pub struct Found<'s, 'v, 'b> {
    /// The observable.
    pub observed: Observed<'b>,
    /// What matches. Its offsets are not those of the value: see `start` and `end`.
    pub hit: &'v HitView<'s, 'v>,
    /// First byte of what matches in the observable's value.
    pub start: usize,
    /// Behind its last byte.
    pub end: usize,
}

/// Calls `on_found` for every indicator that matches an observable of a block, in the block's order; `Break` stops.
///
/// An observable matches as a scan of its value says, and only where all of it does: the host of a URL is an observable
/// of its own. A URL also matches where the scan sees one that ends earlier. With [`AsOf::Event`] in the options a context
/// counts that held at some time between the first and the last that the observable was seen. A store's URLs follow
/// the default profile; those of a set under another are not compared with them.
pub fn join<'s>(
    set: &'s indicia_core::IndicatorSet,
    block: &Block,
    options: &ScanOptions,
    scratch: &mut Scratch,
    on_found: &mut dyn FnMut(Found<'s, '_, '_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if options.filter.as_of != AsOf::Event {
        return lines(set, block, 0..block.len(), options, scratch, on_found);
    }
    let mut options = options.clone();
    for at in 0..block.len() {
        options.filter.as_of = match block.get(at) {
            Some(Observed { seen: Seen { times: Some((first, last)), .. }, .. }) => AsOf::Within(first, last),
            _ => AsOf::Any,
        };
        lines(set, block, at..at + 1, &options, scratch, on_found)?;
    }
    ControlFlow::Continue(())
}

/// Scans values as lines of one text.
fn lines<'s>(
    set: &'s indicia_core::IndicatorSet,
    block: &Block,
    which: std::ops::Range<usize>,
    options: &ScanOptions,
    scratch: &mut Scratch,
    on_found: &mut dyn FnMut(Found<'s, '_, '_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut text = Vec::new();
    let mut starts = Vec::with_capacity(which.len());
    for observed in which.clone().filter_map(|at| block.get(at)) {
        // Digests of these kinds have the shape of another: a label says what they are.
        if is_labelled(observed.kind) {
            text.extend_from_slice(observed.kind.name().as_bytes());
            text.push(b' ');
        }
        starts.push(text.len());
        text.extend_from_slice(observed.value.as_bytes());
        text.push(b'\n');
    }
    set.scan_with(&text, options, scratch, &mut |hit| {
        let number = starts.partition_point(|start| *start <= hit.start);
        let Some((observed, from)) = number
            .checked_sub(1)
            .and_then(|number| Some((block.get(which.start + number)?, *starts.get(number)?)))
        else {
            return ControlFlow::Continue(());
        };
        let (start, end) = (hit.start - from, hit.end.saturating_sub(from));
        let whole = start == 0
            && (end == observed.value.len() || (hit.kind == Kind::Url && end < observed.value.len()));
        if !whole || hit.kind != observed.kind || (hit.kind == Kind::Url && set.profile() != Profile::Default)
        {
            return ControlFlow::Continue(());
        }
        on_found(Found { observed, hit, start, end })
    })
}

fn is_labelled(kind: Kind) -> bool {
    matches!(kind, Kind::Imphash | Kind::Ja3 | Kind::Ja3s | Kind::Hassh | Kind::Authentihash)
}
