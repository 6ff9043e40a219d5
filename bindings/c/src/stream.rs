//! Data that comes in pieces.
//!
//! Whole lines are scanned where they lie; the unfinished line is kept. A line of more than [`MAX`] bytes is
//! read through a window of that size: what begins before the last [`AHEAD`] bytes of it is complete, is
//! reported and slides out, and [`BEHIND`] bytes stay in front so that what stands before a value is seen.
//! Both are more than the longest value that a scan can find.

use std::ffi::c_void;
use std::sync::Arc;

use crate::boundary::{Done, Fail, Handle, bytes, out, shared, status};
use crate::hit::indicia_on_hit;
use crate::scanner::{OnHit, Scanner, indicia_scanner};
use crate::status::indicia_status;
use crate::value::indicia_str;

/// Data that comes in pieces: what a border between them cuts is found as if it were whole.
pub struct indicia_stream {
    scanner: Arc<indicia_scanner>,
    state: Handle<State>,
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
        out.write(Box::into_raw(Box::new(indicia_stream { scanner, state: Handle::new(State::default()) })));
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
        state.feed(&mut scanner, data, &on_hit)
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
        state.rest(&mut scanner, &on_hit)
    })
}

/// The most that is kept of an unfinished line.
const MAX: usize = 64 * 1024;
const AHEAD: usize = 16 * 1024;
const BEHIND: usize = 16 * 1024;

#[derive(Default)]
struct State {
    /// The unfinished line, or the end of it.
    line: Vec<u8>,
    /// Absolute offset of what comes next, or of `line` where it is not empty.
    base: usize,
    /// Hits that begin before this absolute offset are reported.
    reported: usize,
}

impl State {
    fn feed(&mut self, scanner: &mut Scanner, mut data: &[u8], on_hit: &OnHit) -> Done {
        let mut result = Ok(());
        while !data.is_empty() {
            if self.line.is_empty()
                && let Some(end) = data.iter().rposition(|b| *b == b'\n')
            {
                let (lines, rest) = data.split_at(end + 1);
                if result.is_ok() {
                    result = scanner.scan(lines, self.base, self.base..usize::MAX, on_hit);
                }
                self.base += lines.len();
                data = rest;
                continue;
            }
            let room = &data[..data.len().min(MAX - self.line.len())];
            let taken = room.iter().position(|b| *b == b'\n').map_or(room.len(), |newline| newline + 1);
            self.line.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            if self.line.last() == Some(&b'\n') {
                if result.is_ok() {
                    result = self.rest(scanner, on_hit);
                }
                self.base += self.line.len();
                self.line.clear();
            } else if self.line.len() == MAX {
                let certain = self.base + MAX - AHEAD;
                if result.is_ok() {
                    result = scanner.scan(&self.line, self.base, self.reported..certain, on_hit);
                }
                self.reported = certain;
                self.line.drain(..MAX - AHEAD - BEHIND);
                self.base += MAX - AHEAD - BEHIND;
            }
        }
        result
    }

    /// Reports what is left of the line.
    fn rest(&mut self, scanner: &mut Scanner, on_hit: &OnHit) -> Done {
        scanner.scan(&self.line, self.base, self.reported..usize::MAX, on_hit)
    }
}
