//! Indicators of a set, as pointers.
//!
//! An `indicia_indicator *` is the address of one byte that is never read: its place tells the indicator. Bytes
//! lie in segments that are aligned to their size, each with a header at its start that names the set and the
//! number of its first indicator; clearing the low bits of the address leads to the header. A set of millions
//! costs a page of memory for each 65520 indicators, whether it is mapped or not, and nothing is allocated for
//! a hit.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ffi::c_char;
use std::ptr::NonNull;

use indicia::{IndicatorRef, Match};

use crate::boundary::{Fail, answer, buffer, status};
use crate::set::CoreSet;
use crate::status::indicia_status;
use crate::value::{indicia_kind, indicia_str};

/// An indicator of a set: what to look for, and its contexts, which are what feeds say of it. It lives as long
/// as the set, and so do all texts that it gives.
pub struct indicia_indicator(());

/// How an indicator matches: INDICIA_MATCH_* (enum indicia_match_values).
pub type indicia_match = u32;

/// The kind of the listed value; 0 where indicator is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_kind(indicator: *const indicia_indicator) -> indicia_kind {
    answer(0, || {
        // SAFETY: the caller's promise.
        unsafe { resolve(indicator) }.map_or(0, |i| i.kind().number().into())
    })
}

/// The listed value in canonical form; "*.name" where only names below it match.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_value(indicator: *const indicia_indicator) -> indicia_str {
    answer(indicia_str::NONE, || {
        // SAFETY: the caller's promise.
        indicia_str::of_option(unsafe { resolve(indicator) }.map(|i| i.value()))
    })
}

/// How it matches; 0 where indicator is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_match(indicator: *const indicia_indicator) -> indicia_match {
    answer(0, || {
        // SAFETY: the caller's promise.
        unsafe { resolve(indicator) }.map_or(0, |i| match i.match_() {
            Match::Exact => 1,
            Match::Subdomains => 2,
            Match::Network => 3,
            Match::Prefix => 4,
            Match::Mask => 5,
            Match::Pattern => 6,
        })
    })
}

/// How many contexts it has, those included that a filter hides; 0 where indicator is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_context_count(indicator: *const indicia_indicator) -> usize {
    answer(0, || {
        // SAFETY: the caller's promise.
        unsafe { resolve(indicator) }.map_or(0, |i| i.contexts().len())
    })
}

/// The name of the feed of a context. context: from 0; {NULL, 0} where there is none or it has no feed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_feed(
    indicator: *const indicia_indicator,
    context: usize,
) -> indicia_str {
    answer(indicia_str::NONE, || {
        // SAFETY: the caller's promise.
        let context = unsafe { resolve(indicator) }.and_then(|i| i.contexts().nth(context));
        indicia_str::of_option(context.and_then(|c| c.feed.as_deref()))
    })
}

/// The producer of a context, as indicia_indicator_feed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_producer(
    indicator: *const indicia_indicator,
    context: usize,
) -> indicia_str {
    answer(indicia_str::NONE, || {
        // SAFETY: the caller's promise.
        let context = unsafe { resolve(indicator) }.and_then(|i| i.contexts().nth(context));
        indicia_str::of_option(context.and_then(|c| c.producer.as_deref()))
    })
}

/// The name of the role of a context ("c2", "phishing"), as indicia_indicator_feed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_role(
    indicator: *const indicia_indicator,
    context: usize,
) -> indicia_str {
    answer(indicia_str::NONE, || {
        // SAFETY: the caller's promise.
        let context = unsafe { resolve(indicator) }.and_then(|i| i.contexts().nth(context));
        indicia_str::of_option(context.and_then(|c| c.role).map(|role| role.name()))
    })
}

/// The TLP level of a context ("amber+strict"), as indicia_indicator_feed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_tlp(
    indicator: *const indicia_indicator,
    context: usize,
) -> indicia_str {
    answer(indicia_str::NONE, || {
        // SAFETY: the caller's promise.
        let context = unsafe { resolve(indicator) }.and_then(|i| i.contexts().nth(context));
        indicia_str::of_option(context.and_then(|c| c.tlp).map(|tlp| tlp.name()))
    })
}

/// Writes a context as one JSON object, the context of a record. context: from 0. buf, cap, needed: see
/// "Buffers".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_context_json(
    indicator: *const indicia_indicator,
    context: usize,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (found, buffer) = unsafe { (resolve(indicator), buffer(buf, cap, needed)?) };
        let indicator = found.ok_or_else(|| Fail::argument("indicator is null"))?;
        let Some(context) = indicator.contexts().nth(context) else {
            return Err(Fail::argument("the indicator has no context of this number"));
        };
        buffer.write(&json(context)?)
    })
}

/// Writes the indicator with all contexts as one JSON object, a line of the format jsonl without its line end.
/// buf, cap, needed: see "Buffers".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_indicator_json(
    indicator: *const indicia_indicator,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (found, buffer) = unsafe { (resolve(indicator), buffer(buf, cap, needed)?) };
        let indicator = found.ok_or_else(|| Fail::argument("indicator is null"))?;
        buffer.write(&json(&indicator.to_indicator())?)
    })
}

/// Everything that a record holds can be written as JSON; an error here is one of this library.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Fail> {
    serde_json::to_vec(value).map_err(|error| Fail::new(indicia::Reason::Panic, error.to_string()))
}

const SEGMENT: usize = 1 << 16;
const FIRST: usize = size_of::<Header>();
const IN_SEGMENT: usize = SEGMENT - FIRST;

#[repr(C)]
struct Header {
    set: *const CoreSet,
    first: u32,
}

/// The addresses that stand for the indicators of a set.
pub(crate) struct Table {
    segments: Vec<NonNull<u8>>,
    count: usize,
}

// SAFETY: headers are written before the table is shared and never changed; the set that they name is Sync.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    /// A table for a set that does not move and lives longer.
    pub(crate) fn new(set: &CoreSet) -> Table {
        let mut table =
            Table { segments: Vec::with_capacity(set.len().div_ceil(IN_SEGMENT)), count: set.len() };
        for number in 0..set.len().div_ceil(IN_SEGMENT) {
            let layout = table.layout(number);
            // SAFETY: the size is not zero; a header fits and is aligned.
            unsafe {
                let Some(segment) = NonNull::new(alloc(layout)) else { handle_alloc_error(layout) };
                segment.cast::<Header>().write(Header { set, first: (number * IN_SEGMENT) as u32 });
                table.segments.push(segment);
            }
        }
        table
    }

    fn layout(&self, number: usize) -> Layout {
        let size = FIRST + IN_SEGMENT.min(self.count - number * IN_SEGMENT);
        // SAFETY: the alignment is a power of two and the size at most that.
        unsafe { Layout::from_size_align_unchecked(size, SEGMENT) }
    }

    /// The address of an indicator; null where the set has none of this number.
    pub(crate) fn address(&self, index: usize) -> *const indicia_indicator {
        if index >= self.count {
            return std::ptr::null();
        }
        // SAFETY: the offset lies in the segment, whose size `layout` gives.
        unsafe { self.segments[index / IN_SEGMENT].as_ptr().add(FIRST + index % IN_SEGMENT).cast() }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for (number, segment) in self.segments.iter().enumerate() {
            // SAFETY: allocated with this layout, and freed once.
            unsafe { dealloc(segment.as_ptr(), self.layout(number)) }
        }
    }
}

/// The indicator at an address; `None` for null.
///
/// # Safety
/// Null, or from [`Table::address`] of a set that lives as long as `'s`.
pub(crate) unsafe fn resolve<'s>(address: *const indicia_indicator) -> Option<IndicatorRef<'s>> {
    if address.is_null() {
        return None;
    }
    let offset = address.addr() % SEGMENT;
    // SAFETY: the address lies in a segment of a table that is alive, so its header and set are too.
    let (set, first) = unsafe {
        let header = &*address.byte_sub(offset).cast::<Header>();
        (&*header.set, header.first)
    };
    set.get(first + offset.checked_sub(FIRST)? as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicia::{BuildOptions, Context, Indicator, Kind, Observable, SetBuilder, Target};

    #[test]
    fn addresses_lead_back_to_their_indicators() {
        let mut builder = SetBuilder::new(BuildOptions::default());
        let count = IN_SEGMENT * 2 + 3;
        for n in 0..count as u32 {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
            let target = Target::new(Observable::parse_as(Kind::Ipv4, &address).unwrap());
            builder.push(Indicator::new(target, Context::default()));
        }
        let set = builder.finish();
        let table = Table::new(&set);
        for index in [0, 1, IN_SEGMENT - 1, IN_SEGMENT, 2 * IN_SEGMENT - 1, 2 * IN_SEGMENT, count - 1] {
            // SAFETY: the set lives.
            let found = unsafe { resolve(table.address(index)) }.unwrap();
            assert_eq!(found.index() as usize, index);
        }
        assert!(table.address(count).is_null());
        assert!(Table::new(&SetBuilder::new(BuildOptions::default()).finish()).address(0).is_null());
    }
}
