//! Status, messages, version.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use indicia::{Kind, Reason, Relation};

use crate::boundary::answer;

/// How a call ended: INDICIA_OK, or why not (enum indicia_status_values). Numbers are never reused.
pub type indicia_status = i32;

pub(crate) const INDICIA_OK: indicia_status = 0;

/// INDICIA_ABI_VERSION of the header that this library was built with.
pub(crate) const ABI_VERSION: u32 = 1;

/// What went wrong in the last call of this thread that did not return INDICIA_OK: one line for people, UTF-8,
/// without control characters. "" where nothing has. It stands until this thread's next such call.
#[unsafe(no_mangle)]
pub extern "C" fn indicia_last_error() -> *const c_char {
    answer(c"".as_ptr(), || {
        LAST.try_with(|last| {
            let last = last.borrow();
            if last.is_empty() { c"".as_ptr() } else { last.as_ptr().cast() }
        })
        .unwrap_or(c"".as_ptr())
    })
}

/// What a status means, for people; never NULL. It lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn indicia_status_str(status: indicia_status) -> *const c_char {
    answer(c"".as_ptr(), || match Reason::ALL.iter().position(|r| indicia_status::from(r.code()) == status) {
        Some(at) => names().messages[at].as_ptr(),
        None if status == INDICIA_OK => c"ok".as_ptr(),
        None => c"not a status of this library".as_ptr(),
    })
}

/// The stable word for a status, as in "reason" of a record of errors: "too-small", "ipv4-leading-zero"; "ok";
/// never NULL, "unknown" for a number that is no status. It lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn indicia_status_reason(status: indicia_status) -> *const c_char {
    answer(c"".as_ptr(), || match Reason::ALL.iter().position(|r| indicia_status::from(r.code()) == status) {
        Some(at) => names().slugs[at].as_ptr(),
        None if status == INDICIA_OK => c"ok".as_ptr(),
        None => c"unknown".as_ptr(),
    })
}

/// The version of the interface of the library that is loaded: major << 16 | minor. Compare it with
/// INDICIA_ABI_VERSION. Before 1.0 only equal ones fit together; from 1.0 on, equal majors and a minor of the
/// library that is not below the header's.
#[unsafe(no_mangle)]
pub extern "C" fn indicia_abi_version() -> u32 {
    answer(ABI_VERSION, || ABI_VERSION)
}

thread_local! {
    /// The last message, with its NUL; empty for none.
    static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a message for `indicia_last_error`. Control characters, NUL among them, are replaced: a message can
/// hold the name of a file.
pub(crate) fn remember(message: &str) {
    // Where the thread is ending there is nobody left to ask.
    let _ = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        last.clear();
        let mut utf8 = [0; 4];
        for c in message.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }) {
            last.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
        }
        last.push(0);
    });
}

/// Names as C wants them, in the order of their tables.
pub(crate) struct Names {
    pub(crate) messages: Vec<CString>,
    pub(crate) slugs: Vec<CString>,
    pub(crate) kinds: Vec<CString>,
    pub(crate) relations: Vec<CString>,
}

pub(crate) fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        // Names of the tables hold no NUL.
        let c = |name: &'static str| CString::new(name).unwrap_or_default();
        Names {
            messages: Reason::ALL.iter().map(|r| c(r.message())).collect(),
            slugs: Reason::ALL.iter().map(|r| c(r.slug())).collect(),
            kinds: Kind::ALL.iter().map(|k| c(k.name())).collect(),
            relations: Relation::ALL.iter().map(|r| c(r.name())).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_control_characters() {
        remember("a\0b\x1b[31m");
        // SAFETY: the pointer is the thread's own message.
        let message = unsafe { std::ffi::CStr::from_ptr(indicia_last_error()) };
        assert_eq!(message.to_str().unwrap(), "a\u{fffd}b\u{fffd}[31m");
    }
}
