//! Data that comes in pieces: a [`Stream`] with the scanner that it uses.

use std::ffi::c_void;
use std::sync::Arc;

use indicia::Stream;

use crate::boundary::{Fail, Handle, bytes, out, shared, status};
use crate::hit::indicia_on_hit;
use crate::scanner::{OnHit, indicia_scanner};
use crate::status::indicia_status;
use crate::value::indicia_str;

/// Data that comes in pieces: what a border between them cuts is found as if it were whole.
pub struct indicia_stream {
    scanner: Arc<indicia_scanner>,
    state: Handle<Stream>,
}

/// Begins a stream at offset 0. It holds the scanner, which may serve several streams and other calls in turn.
/// End it with indicia_stream_close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_stream_open(
    scanner: *mut indicia_scanner,
    stream: *mut *mut indicia_stream,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let out = unsafe {
            shared(scanner.cast_const(), "scanner")?;
            out(stream, "stream")?
        };
        // SAFETY: a scanner comes from `indicia_scanner_new` and has a reference.
        let scanner = unsafe {
            Arc::increment_strong_count(scanner.cast_const());
            Arc::from_raw(scanner.cast_const())
        };
        out.write(Box::into_raw(Box::new(indicia_stream { scanner, state: Handle::new(Stream::new()) })));
        Ok(())
    })
}

/// Takes the next piece of data, of any size, and calls on_hit for every hit that is certain by now; offsets
/// count from the stream's begin. An unfinished line is kept, 64 KiB at most: its hits come with a later call.
///
/// INDICIA_STOPPED where the callback returned false: the piece is taken all the same, and its other hits that
/// were certain are not reported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_stream_feed(
    stream: *mut indicia_stream,
    data: indicia_str,
    on_hit: indicia_on_hit,
    user: *mut c_void,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (stream, data, on_hit) =
            unsafe { (shared(stream, "stream")?, bytes(data, "data")?, OnHit::new(on_hit, user)?) };
        let mut state = stream.state.enter()?;
        let mut scanner = stream.scanner.0.enter()?;
        scanner.refresh()?;
        scanner.feed(&mut state, data, &on_hit)
    })
}

/// Ends a stream: calls on_hit for what is left, then frees the stream, whatever the status. on_hit may be NULL
/// where the rest does not matter. A NULL stream gives INDICIA_INVALID_ARGUMENT. Not from a callback of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_stream_close(
    stream: *mut indicia_stream,
    on_hit: indicia_on_hit,
    user: *mut c_void,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise; the stream comes from `indicia_stream_open` and is freed once.
        let stream = unsafe {
            if shared(stream.cast_const(), "stream")?.state.is_busy() {
                return Err(Fail::argument("a callback may not close the stream that calls it"));
            }
            Box::from_raw(stream)
        };
        if on_hit.is_none() {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        let on_hit = unsafe { OnHit::new(on_hit, user) }?;
        let mut state = stream.state.enter()?;
        let mut scanner = stream.scanner.0.enter()?;
        scanner.refresh()?;
        scanner.finish(std::mem::take(&mut *state), &on_hit)
    })
}
