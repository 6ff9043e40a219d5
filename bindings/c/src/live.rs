//! A place for the current set, so that it can be replaced while scanners run.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::boundary::{answer, out, shared, status};
use crate::set::{indicia_set, share};
use crate::status::indicia_status;

/// A place that holds the current set. Any number of threads may use it at once.
pub struct indicia_live(pub(crate) Arc<Live>);

/// Makes a place that holds set, with a reference of its own. Free it with indicia_live_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_live_new(
    set: *mut indicia_set,
    live: *mut *mut indicia_live,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (set, out) = unsafe { (share(set)?, out(live, "live")?) };
        out.write(Box::into_raw(Box::new(indicia_live(Arc::new(Live(ArcSwap::new(set)))))));
        Ok(())
    })
}

/// Puts another set there. Scanners made by indicia_scanner_new_live use it from their next call on; the old set
/// goes when the last of them and the caller have let it go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_live_replace(
    live: *mut indicia_live,
    set: *mut indicia_set,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (live, set) = unsafe { (shared(live, "live")?, share(set)?) };
        live.0.0.store(set);
        Ok(())
    })
}

/// Frees the place; scanners made from it go on with the set they have. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_live_free(live: *mut indicia_live) {
    answer((), || {
        if !live.is_null() {
            // SAFETY: a live comes from `indicia_live_new` and is freed once.
            drop(unsafe { Box::from_raw(live) });
        }
    })
}

/// The current set, with its table of indicators. Readers take no lock.
pub(crate) struct Live(ArcSwap<indicia_set>);

impl Live {
    pub(crate) fn current(&self) -> Arc<indicia_set> {
        self.0.load_full()
    }

    /// Brings a scanner's set up to date.
    pub(crate) fn update(&self, set: &mut Arc<indicia_set>) {
        let current = self.0.load();
        if !Arc::ptr_eq(&current, set) {
            *set = Arc::clone(&current);
        }
    }
}
