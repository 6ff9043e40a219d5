//! Sets: reference counts of compiled indicators, shared between threads.

use std::ffi::{c_char, c_void};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicia::{IndicatorSet, Reason};

use crate::boundary::{Done, Fail, Out, answer, array, bytes, out, shared, status};
use crate::indicator::{Table, indicia_indicator};
use crate::os;
use crate::status::indicia_status;
use crate::value::indicia_str;

/// A compiled set of indicators. Immutable, so any number of threads may use it at once. It is counted:
/// every call that makes one gives one reference, indicia_set_ref adds one, indicia_set_unref takes one away.
pub struct indicia_set {
    set: IndicatorSet,
    table: Table,
    poisoned: AtomicBool,
}

/// The core's set, which does not move while an [`IndicatorSet`] of it lives.
pub(crate) type CoreSet = <IndicatorSet as Deref>::Target;

/// Opens a set file by mapping it: for files that are replaced by renaming another over them, never written in
/// place. path: a file name that ends with NUL. Release *set with indicia_set_unref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_open(path: *const c_char, set: *mut *mut indicia_set) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (path, out) = unsafe { (os::path(path)?, out(set, "set")?) };
        give(IndicatorSet::open(path)?, out)
    })
}

/// Reads a set file into memory of its own: the file may be changed, cut short or removed afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_load(path: *const c_char, set: *mut *mut indicia_set) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (path, out) = unsafe { (os::path(path)?, out(set, "set")?) };
        give(IndicatorSet::load(path)?, out)
    })
}

/// Reads a set from size bytes at data, which may go afterwards. Any bytes may be passed: what is no set, or a
/// damaged one, is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_from_memory(
    data: *const c_void,
    size: usize,
    set: *mut *mut indicia_set,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (data, out) = unsafe { (array(data.cast::<u8>(), size, "data")?, out(set, "set")?) };
        give(IndicatorSet::from_bytes(data)?, out)
    })
}

/// Compiles feeds: count paths, each a file, a folder, an archive, a set, FORMAT:PATH, or a feeds.toml.
/// Records that are refused are left out; a feed that cannot be read at all is an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_from_feeds(
    feeds: *const indicia_str,
    count: usize,
    set: *mut *mut indicia_set,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (feeds, out) = unsafe { (array(feeds, count, "feeds")?, out(set, "set")?) };
        let mut paths = Vec::with_capacity(feeds.len());
        for feed in feeds {
            // SAFETY: the caller's promise.
            paths.push(os::path_of_bytes(unsafe { bytes(*feed, "a feed") }?)?);
        }
        give(IndicatorSet::from_feeds(paths)?, out)
    })
}

/// Writes the set file: completely, or not at all. An existing file is replaced by renaming.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_save(set: *const indicia_set, path: *const c_char) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (set, path) = unsafe { (shared(set, "set")?, os::path(path)?) };
        set.guarded(|set| Ok(set.save(path)?))
    })
}

/// Adds a reference. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_ref(set: *mut indicia_set) {
    answer((), || {
        if !set.is_null() {
            // SAFETY: a set comes from `give` and has a reference.
            unsafe { Arc::increment_strong_count(set.cast_const()) }
        }
    })
}

/// Takes a reference away; the last one frees the set. Scanners, streams and lives hold references of their
/// own, so the order does not matter. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_unref(set: *mut indicia_set) {
    answer((), || {
        if !set.is_null() {
            // SAFETY: a set comes from `give`, and this reference is the caller's.
            unsafe { Arc::decrement_strong_count(set.cast_const()) }
        }
    })
}

/// How many indicators the set has; 0 where it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_count(set: *const indicia_set) -> usize {
    answer(0, || {
        // SAFETY: the caller's promise.
        unsafe { shared(set, "set") }.map_or(0, |set| set.set.len())
    })
}

/// Writes the SHA-256 of the set's content, 32 bytes: equal for equal indicators, whatever order they came in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_digest(set: *const indicia_set, digest: *mut u8) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise: 32 bytes at digest.
        let (set, out) = unsafe { (shared(set, "set")?, out(digest.cast::<[u8; 32]>(), "digest")?) };
        set.guarded(|set| {
            out.write(*set.digest());
            Ok(())
        })
    })
}

/// The indicator with a number from 0 to indicia_set_count - 1: by kind, then by value; NULL for any other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_set_get(set: *const indicia_set, number: usize) -> *const indicia_indicator {
    answer(std::ptr::null(), || {
        // SAFETY: the caller's promise.
        unsafe { shared(set, "set") }.map_or(std::ptr::null(), |set| set.address(number))
    })
}

impl indicia_set {
    pub(crate) fn core(&self) -> &CoreSet {
        &self.set
    }

    pub(crate) fn address(&self, number: usize) -> *const indicia_indicator {
        self.table.address(number)
    }

    /// Runs a part of a call on the set; a panic in it leaves the set poisoned.
    fn guarded(&self, body: impl FnOnce(&IndicatorSet) -> Done) -> Done {
        struct Poison<'s>(&'s AtomicBool);
        impl Drop for Poison<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
        }
        self.check()?;
        let _poison = Poison(&self.poisoned);
        body(&self.set)
    }

    pub(crate) fn check(&self) -> Done {
        if self.poisoned.load(Ordering::Relaxed) {
            return Err(Fail::new(
                Reason::Panic,
                "an earlier call on this set ended in an internal error; free the set",
            ));
        }
        Ok(())
    }
}

/// # Safety
/// Not null: a set that [`give`] made and that has a reference.
pub(crate) unsafe fn share(set: *mut indicia_set) -> Result<Arc<indicia_set>, Fail> {
    // SAFETY: the caller's promise; null is refused before the count is touched.
    unsafe {
        shared(set.cast_const(), "set")?.check()?;
        Arc::increment_strong_count(set.cast_const());
        Ok(Arc::from_raw(set.cast_const()))
    }
}

fn give(set: IndicatorSet, out: Out<*mut indicia_set>) -> Done {
    let table = Table::new(&set);
    let handle = Arc::new(indicia_set { set, table, poisoned: AtomicBool::new(false) });
    out.write(Arc::into_raw(handle).cast_mut());
    Ok(())
}
