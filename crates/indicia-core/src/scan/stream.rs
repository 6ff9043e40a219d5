//! Data that comes in pieces.
//!
//! Whole lines are scanned where they lie; the unfinished line is kept. A line of more than [`MAX`] bytes is read
//! through a window of that size: what begins before the last [`AHEAD`] bytes of it is complete, is reported and slides
//! out, and [`BEHIND`] bytes stay in front so that what stands before a value is seen. Both are more than the longest
//! value that a scan can find.

use std::ops::ControlFlow;

use super::{HitView, Part, ScanOptions, Scratch};
use crate::fields::Header;
use crate::filter::event_time;
use crate::{IndicatorSet, Time};

/// The most that is kept of an unfinished line.
const MAX: usize = 64 * 1024;
const AHEAD: usize = 16 * 1024;
const BEHIND: usize = 16 * 1024;

/// A scan of data that comes in pieces: what a border between them cuts is found as if it were whole.
///
/// The hits are those of [`IndicatorSet::scan_with`] over all pieces together, in the same order, however they are cut.
/// No more than 64 KiB of a line are kept: where URLs follow one another in a longer line without a space for more than
/// 8 KiB, so that where one ends is a guess, the guess may be another one.
///
/// A stream is only the data that is not reported yet. Set, options and scratch are given with each piece, so a set can
/// be replaced between two of them: from the unfinished line on the new one counts.
///
/// ```
/// use std::ops::ControlFlow;
/// use indicia_core::{BuildOptions, Context, Indicator, Observable, ScanOptions, Scratch, SetBuilder, Stream, Target};
/// let mut builder = SetBuilder::new(BuildOptions::default());
/// builder.push(Indicator::new(Target::new(Observable::parse("bad.example")?), Context::default()));
/// let set = builder.finish();
/// let (options, mut scratch) = (ScanOptions::default(), Scratch::default());
///
/// let (mut stream, mut found) = (Stream::new(), Vec::new());
/// for piece in ["one bad.exam", "ple\ntwo ", "bad.example"] {
///     let _ = stream.feed(&set, piece.as_bytes(), &options, &mut scratch, &mut |hit| {
///         found.push((hit.start, hit.value.to_string()));
///         ControlFlow::Continue(())
///     });
/// }
/// assert_eq!(found, [(4, "bad.example".to_string())]);
/// let _ = stream.finish(&set, &options, &mut scratch, &mut |hit| {
///     found.push((hit.start, hit.value.to_string()));
///     ControlFlow::Continue(())
/// });
/// assert_eq!(found[1], (20, "bad.example".to_string()));
/// # Ok::<(), indicia_core::ParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Stream {
    /// The unfinished line, or the end of it.
    line: Vec<u8>,
    /// Absolute offset of what comes next, or of `line` where it is not empty.
    at: usize,
    /// Hits that begin before this absolute offset are reported.
    reported: usize,
    /// The time of the unfinished line, where its beginning is not kept.
    time: Option<Option<Time>>,
    /// What came before says of the columns; read where fields are asked for.
    header: Header,
}

impl Stream {
    /// A stream at offset 0.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// Takes the next piece, of any size, and calls `on_hit` for every hit that is certain by now; offsets count from
    /// the stream's begin. The hits of an unfinished line come with a later call.
    ///
    /// After a `Break` the piece is taken all the same, and its other hits that were certain are not reported.
    pub fn feed<'s>(
        &mut self,
        set: &'s IndicatorSet,
        mut data: &[u8],
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        let mut fields_lost = 0;
        let mut scan = |part: &Part<'_>| {
            if flow.is_continue() {
                flow = set.scan_part(part, options, scratch, on_hit);
            }
        };
        while !data.is_empty() {
            if self.line.is_empty()
                && let Some(end) = memchr::memrchr(b'\n', data)
            {
                let (lines, rest) = data.split_at(end + 1);
                scan(&Part { at: self.at, header: self.header.clone(), ..Part::whole(lines) });
                if options.reads_fields() {
                    self.header.read(lines);
                }
                self.at += lines.len();
                data = rest;
                continue;
            }
            let room = &data[..data.len().min(MAX - self.line.len())];
            let taken = memchr::memchr(b'\n', room).map_or(room.len(), |newline| newline + 1);
            self.line.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            if self.line.last() == Some(&b'\n') {
                scan(&self.rest());
                if options.reads_fields() {
                    self.header.read(&self.line);
                }
                self.at += self.line.len();
                self.line.clear();
                self.time = None;
            } else if self.line.len() == MAX {
                let certain = self.at + MAX - AHEAD;
                scan(&Part { within: self.reported..certain, ..self.rest() });
                // What goes on behind the window has no names of fields.
                fields_lost += u64::from(options.reads_fields() && self.time.is_none());
                self.reported = certain;
                self.time.get_or_insert_with(|| event_time(&self.line));
                self.line.drain(..MAX - AHEAD - BEHIND);
                self.at += MAX - AHEAD - BEHIND;
            }
        }
        scratch.limits += fields_lost;
        flow
    }

    /// Ends the stream: calls `on_hit` for the hits that are left.
    pub fn finish<'s>(
        self,
        set: &'s IndicatorSet,
        options: &ScanOptions,
        scratch: &mut Scratch,
        on_hit: &mut dyn FnMut(&HitView<'s, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        set.scan_part(&self.rest(), options, scratch, on_hit)
    }

    /// What is kept, with its hits that are not reported.
    fn rest(&self) -> Part<'_> {
        Part {
            data: &self.line,
            at: self.at,
            within: self.reported..usize::MAX,
            line: self.time,
            header: self.header.clone(),
        }
    }
}
