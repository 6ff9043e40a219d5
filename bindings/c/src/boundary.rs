//! What every call passes on its way in and out: pointers become references, results become a status, and a
//! panic becomes `INDICIA_PANIC`.

use std::any::Any;
use std::borrow::Cow;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering};

use indicia::{ParseError, Reason, SetError};

use crate::status::{INDICIA_OK, indicia_status, remember};
use crate::value::indicia_str;

/// A call that did not succeed: its status, and the message that `indicia_last_error` gives.
pub(crate) struct Fail {
    status: indicia_status,
    message: Cow<'static, str>,
}

impl Fail {
    pub(crate) fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Fail {
        Fail { status: indicia_status::from(reason.code()), message: message.into() }
    }

    pub(crate) fn argument(message: impl Into<Cow<'static, str>>) -> Fail {
        Fail::new(Reason::InvalidArgument, message)
    }
}

impl From<Reason> for Fail {
    fn from(reason: Reason) -> Fail {
        Fail::new(reason, reason.message())
    }
}

impl From<ParseError> for Fail {
    fn from(error: ParseError) -> Fail {
        Fail::new(error.reason, error.to_string())
    }
}

impl From<SetError> for Fail {
    fn from(error: SetError) -> Fail {
        Fail::new(error.reason(), error.to_string())
    }
}

impl From<indicia::Error> for Fail {
    fn from(error: indicia::Error) -> Fail {
        Fail::new(error.reason(), error.to_string())
    }
}

pub(crate) type Done = Result<(), Fail>;

/// The body of an export that returns a status.
pub(crate) fn status(body: impl FnOnce() -> Done) -> indicia_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => INDICIA_OK,
        Ok(Err(fail)) => {
            remember(&fail.message);
            fail.status
        }
        Err(payload) => {
            remember(&panic_message(&*payload));
            forget(payload);
            indicia_status::from(Reason::Panic.code())
        }
    }
}

/// The body of an export that returns something else; `otherwise` is the answer where it panics.
pub(crate) fn answer<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(answer) => answer,
        Err(payload) => {
            remember(&panic_message(&*payload));
            forget(payload);
            otherwise
        }
    }
}

/// A payload may panic again when it is dropped.
fn forget(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let what = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("{}: {what}", Reason::Panic.message())
}

/// Something that one call at a time may change. A call that panics in it leaves it poisoned.
pub(crate) struct Handle<T> {
    state: AtomicU8,
    value: UnsafeCell<T>,
}

const FREE: u8 = 0;
const BUSY: u8 = 1;
const POISONED: u8 = 2;

// SAFETY: `enter` gives the value to one holder at a time, with acquire and release between holders.
unsafe impl<T: Send> Sync for Handle<T> {}

impl<T> Handle<T> {
    pub(crate) fn new(value: T) -> Handle<T> {
        Handle { state: AtomicU8::new(FREE), value: UnsafeCell::new(value) }
    }

    /// Whether a call is in it now.
    pub(crate) fn is_busy(&self) -> bool {
        self.state.load(Ordering::Relaxed) == BUSY
    }

    /// Takes the value for one call.
    pub(crate) fn enter(&self) -> Result<Entered<'_, T>, Fail> {
        match self.state.compare_exchange(FREE, BUSY, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Ok(Entered { handle: self }),
            Err(POISONED) => Err(Fail::new(
                Reason::Panic,
                "an earlier call on this handle ended in an internal error; free the handle and make another",
            )),
            Err(_) => Err(Fail::argument(
                "the handle is in use by another thread, or by the call whose callback this call comes from",
            )),
        }
    }
}

/// The value of a [`Handle`] during a call.
pub(crate) struct Entered<'h, T> {
    handle: &'h Handle<T>,
}

impl<T> Deref for Entered<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the state is BUSY and this guard is its only holder.
        unsafe { &*self.handle.value.get() }
    }
}

impl<T> DerefMut for Entered<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the state is BUSY and this guard is its only holder, borrowed mutably.
        unsafe { &mut *self.handle.value.get() }
    }
}

impl<T> Drop for Entered<'_, T> {
    fn drop(&mut self) {
        let next = if std::thread::panicking() { POISONED } else { FREE };
        self.handle.state.store(next, Ordering::Release);
    }
}

/// A place that a result is written to, once everything else has succeeded.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    pub(crate) fn write(self, value: T) {
        // SAFETY: `out` was promised a place that can be written.
        unsafe { self.0.as_ptr().write(value) }
    }
}

fn check<T>(pointer: *const T, name: &str) -> Result<NonNull<T>, Fail> {
    let Some(found) = NonNull::new(pointer.cast_mut()) else {
        return Err(Fail::argument(format!("{name} is null")));
    };
    if !pointer.is_aligned() {
        return Err(Fail::argument(format!("{name} is not aligned")));
    }
    Ok(found)
}

/// # Safety
/// Not null: a place for a `T` that nobody else uses during the call.
pub(crate) unsafe fn out<T>(pointer: *mut T, name: &str) -> Result<Out<T>, Fail> {
    check(pointer, name).map(Out)
}

/// # Safety
/// Not null: a valid `T` for as long as `'a`.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Fail> {
    // SAFETY: the caller's promise; null and misaligned are refused here.
    check(pointer, name).map(|found| unsafe { found.as_ref() })
}

/// # Safety
/// Not null or not empty: `count` valid `T` for as long as `'a`.
pub(crate) unsafe fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T], Fail> {
    if count == 0 {
        return Ok(&[]);
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Fail::argument(format!("{name} is longer than memory can be")));
    }
    let found = check(pointer, name)?;
    // SAFETY: the caller's promise; the size fits.
    Ok(unsafe { std::slice::from_raw_parts(found.as_ptr(), count) })
}

/// # Safety
/// As for [`array`].
pub(crate) unsafe fn bytes<'a>(text: indicia_str, name: &str) -> Result<&'a [u8], Fail> {
    // SAFETY: the caller's promise.
    unsafe { array(text.ptr.cast(), text.len, name) }
}

/// # Safety
/// As for [`array`].
pub(crate) unsafe fn utf8<'a>(text: indicia_str, name: &str) -> Result<&'a str, Fail> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(text, name) }?;
    std::str::from_utf8(bytes).map_err(|_| Fail::argument(format!("{name} is not UTF-8")))
}

/// A buffer of the caller, and the place for the size that a result needs.
pub(crate) struct Buffer {
    start: *mut u8,
    capacity: usize,
    needed: Out<usize>,
}

/// # Safety
/// `buf`: `cap` bytes that nobody else uses during the call, or null with `cap` 0. `needed`: as for [`out`].
pub(crate) unsafe fn buffer(
    buf: *mut std::ffi::c_char,
    cap: usize,
    needed: *mut usize,
) -> Result<Buffer, Fail> {
    if buf.is_null() && cap > 0 {
        return Err(Fail::argument("buf is null"));
    }
    // SAFETY: the caller's promise.
    Ok(Buffer { start: buf.cast(), capacity: cap, needed: unsafe { out(needed, "needed") }? })
}

impl Buffer {
    /// Writes the text where it fits, with a NUL behind it where there is room, and its length in any case.
    pub(crate) fn write(self, text: &[u8]) -> Done {
        self.needed.write(text.len());
        if text.len() > self.capacity {
            return Err(Reason::TooSmall.into());
        }
        if self.capacity > 0 {
            // SAFETY: `buffer` was promised `capacity` bytes; text and NUL are checked to fit.
            unsafe {
                std::ptr::copy_nonoverlapping(text.as_ptr(), self.start, text.len());
                if text.len() < self.capacity {
                    self.start.add(text.len()).write(0);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_status_and_poisons_the_handle_that_was_entered() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let handle = Handle::new(1);
        let first = status(|| {
            let _entered = handle.enter()?;
            panic!("deliberate");
        });
        std::panic::set_hook(quiet);
        assert_eq!(first, indicia_status::from(Reason::Panic.code()));
        assert_eq!(status(|| handle.enter().map(|_| ())), indicia_status::from(Reason::Panic.code()));
        assert_eq!(answer(7, || 8), 8);
    }

    #[test]
    fn a_handle_is_entered_once_at_a_time() {
        let handle = Handle::new(1);
        let entered = handle.enter().ok().unwrap();
        assert_eq!(
            status(|| handle.enter().map(|_| ())),
            indicia_status::from(Reason::InvalidArgument.code())
        );
        drop(entered);
        assert_eq!(status(|| handle.enter().map(|_| ())), INDICIA_OK);
    }
}
