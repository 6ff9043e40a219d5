//! Hits as C sees them.

use std::ffi::{c_char, c_void};
use std::iter::Peekable;

use indicia::{Context, Guard, Hit, HitView, IndicatorRef};

use crate::boundary::{Fail, array, buffer, shared, status};
use crate::indicator::{indicia_indicator, json, resolve};
use crate::set::indicia_set;
use crate::status::indicia_status;
use crate::value::{indicia_kind, indicia_relation, indicia_str};

/// A reason to doubt a hit.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct indicia_guard {
    /// The rule: "private", "public-suffix", "empty-file", "warninglist" and others.
    pub rule: indicia_str,
    /// Where the rule comes from: a registry, a list's name and version.
    pub source: indicia_str,
}

/// One place in data where an indicator matches.
///
/// indicator, and every text it gives, lives as long as its set. Everything else that is pointed to lives until
/// the callback returns, or, from a lookup, until the scanner's next call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct indicia_hit {
    /// Where it begins, in bytes; 0 from a lookup.
    pub start: usize,
    /// Where it ends: the byte behind it; 0 from a lookup.
    pub end: usize,
    /// How the indicator matches.
    pub relation: indicia_relation,
    /// The kind of the value that was seen.
    pub kind: indicia_kind,
    /// The value that was seen, in canonical form.
    pub value: indicia_str,
    /// What matches.
    pub indicator: *const indicia_indicator,
    /// The bytes from start to end, as they stand in the data; empty from a lookup.
    pub raw: indicia_str,
    /// Reasons to doubt it; a guard marks a hit, it never drops one.
    pub guards: *const indicia_guard,
    /// How many reasons.
    pub guard_count: usize,
    /// The numbers of the indicator's contexts that pass the scanner's filter, ascending.
    pub contexts: *const u32,
    /// How many contexts pass: one at least.
    pub context_count: usize,
    /// The name of the field that it stands in, from a scan with INDICIA_SCAN_FIELDS; of what is put together from
    /// several fields their names with + between them, and the span is that of its host. Empty where there is none.
    pub field: indicia_str,
    /// What had to be undone between the bytes and the value beside defanging, from a scan that does so: "entities".
    /// Empty for nothing.
    pub via: indicia_str,
}

/// Called with each hit; false stops. It must return: no longjmp, no exception. It may not call the scanner or
/// stream that calls it, nor free it.
pub type indicia_on_hit = Option<unsafe extern "C" fn(hit: *const indicia_hit, user: *mut c_void) -> bool>;

/// Writes the hit's indicator as one JSON object with only those contexts that pass the scanner's filter.
/// hit: while its contexts live. buf, cap, needed: see "Buffers".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_hit_json(
    hit: *const indicia_hit,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (hit, buffer) = unsafe { (shared(hit, "hit")?, buffer(buf, cap, needed)?) };
        // SAFETY: the caller's promise: the hit came from a call of this library.
        let (found, shown) =
            unsafe { (resolve(hit.indicator), array(hit.contexts, hit.context_count, "contexts")?) };
        let mut indicator = found.ok_or_else(|| Fail::argument("the hit has no indicator"))?.to_indicator();
        let mut number = 0;
        indicator.contexts.retain(|_| {
            number += 1;
            shown.contains(&(number - 1))
        });
        buffer.write(&json(&indicator)?)
    })
}

/// Memory for the lists of hits, used again.
#[derive(Default)]
pub(crate) struct Lists {
    guards: Vec<indicia_guard>,
    contexts: Vec<u32>,
}

// SAFETY: the pointers in `guards` are read only by the call that filled them, before it returns or, for a
// lookup, by whoever holds the scanner; what they point to is kept beside them.
unsafe impl Send for Lists {}

impl Lists {
    /// A hit of a scan.
    pub(crate) fn view(&mut self, set: &indicia_set, hit: &HitView<'_, '_>) -> indicia_hit {
        self.fill(hit.indicator, hit.contexts(), hit.guards());
        indicia_hit {
            start: hit.start,
            end: hit.end,
            raw: indicia_str::of(hit.raw),
            field: hit.field().map_or(indicia_str::NONE, |field| indicia_str::of(field.as_bytes())),
            via: hit.via().map_or(indicia_str::NONE, |via| indicia_str::of(via.as_bytes())),
            ..self.hit(set, hit.relation as u32, hit.kind.number().into(), hit.value, hit.indicator)
        }
    }

    fn fill<'s>(
        &mut self,
        indicator: IndicatorRef<'s>,
        passing: impl Iterator<Item = &'s Context>,
        guards: &[Guard],
    ) {
        self.contexts.clear();
        let mut passing: Peekable<_> = passing.peekable();
        for (number, context) in indicator.contexts().enumerate() {
            if passing.next_if(|p| std::ptr::eq(*p, context)).is_some() {
                self.contexts.push(number as u32);
            }
        }
        self.guards.clear();
        self.guards.extend(guards.iter().map(|guard| indicia_guard {
            rule: indicia_str::of(guard.rule.as_bytes()),
            source: indicia_str::of(guard.source.as_bytes()),
        }));
    }

    fn hit(
        &self,
        set: &indicia_set,
        relation: u32,
        kind: u32,
        value: &str,
        indicator: IndicatorRef<'_>,
    ) -> indicia_hit {
        indicia_hit {
            start: 0,
            end: 0,
            relation,
            kind,
            value: indicia_str::of(value.as_bytes()),
            indicator: set.address(indicator.index() as usize),
            raw: indicia_str::NONE,
            guards: self.guards.as_ptr(),
            guard_count: self.guards.len(),
            contexts: self.contexts.as_ptr(),
            context_count: self.contexts.len(),
            field: indicia_str::NONE,
            via: indicia_str::NONE,
        }
    }
}

/// What the hits of a lookup point to, until the scanner's next call.
pub(crate) struct Kept {
    value: String,
    /// Owns the texts of `lists`.
    guards: Vec<Guard>,
    lists: Lists,
}

impl Kept {
    pub(crate) fn new(hit: Hit<'_>) -> Kept {
        let mut kept = Kept { value: hit.value, guards: hit.guards, lists: Lists::default() };
        kept.lists.fill(hit.indicator, hit.contexts.iter().copied(), &kept.guards);
        kept
    }

    /// The hit; it lives as long as this, wherever this is moved.
    pub(crate) fn hit(
        &self,
        set: &indicia_set,
        relation: u32,
        kind: u32,
        indicator: IndicatorRef<'_>,
    ) -> indicia_hit {
        self.lists.hit(set, relation, kind, &self.value, indicator)
    }
}
