//! The lines of a block of data, each with the header that it stands under.

use std::ops::Range;

use super::columns::header_lines;
use super::{Header, each_field};

/// Finds the header that a line stands under. Lines are asked for in order.
struct Headers<'b> {
    block: &'b [u8],
    header: Header,
    /// Where in the block header lines begin that were not passed.
    ahead: std::iter::Peekable<std::vec::IntoIter<usize>>,
}

impl<'b> Headers<'b> {
    fn new(block: &'b [u8], header: &Header) -> Headers<'b> {
        let mut header = header.clone();
        header.begin(block);
        Headers { block, header, ahead: header_lines(block).peekable() }
    }

    fn of(&mut self, line: &Range<usize>) -> &Header {
        let mut last = None;
        while let Some(at) = self.ahead.next_if(|at| *at < line.start) {
            last = Some(at);
        }
        if let Some(at) = last {
            self.header.read_line(&self.block[at..]);
        }
        &self.header
    }
}

/// The line around a place.
fn line_around(block: &[u8], at: usize) -> Range<usize> {
    let at = at.min(block.len());
    let from = memchr::memrchr(b'\n', &block[..at]).map_or(0, |newline| newline + 1);
    let to = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |newline| at + newline);
    from..to
}

/// Calls `on` for every line of a block. `cut` says that the block begins within a line, which is left out.
pub(crate) fn each_line(block: &[u8], header: &Header, cut: bool, mut on: impl FnMut(Range<usize>, &Header)) {
    let mut headers = Headers::new(block, header);
    let mut at = 0;
    while at < block.len() {
        let line = at..at + memchr::memchr(b'\n', &block[at..]).unwrap_or(block.len() - at);
        at = line.end + 1;
        if !(cut && line.start == 0) {
            on(line.clone(), headers.of(&line));
        }
    }
}

/// The same for the lines around some places, which come in order; a line once.
pub(crate) fn lines_at(
    block: &[u8],
    header: &Header,
    cut: bool,
    places: impl Iterator<Item = usize>,
    mut on: impl FnMut(Range<usize>, &Header),
) {
    let mut headers = None;
    let mut done = 0;
    for at in places {
        if at < done {
            continue;
        }
        let line = line_around(block, at);
        done = line.end + 1;
        if !(cut && line.start == 0) {
            let headers = headers.get_or_insert_with(|| Headers::new(block, header));
            on(line.clone(), headers.of(&line));
        }
    }
}

/// Gives `set` the name of the field that each item stands in. Items are in order of their spans.
pub(crate) fn name_fields<T>(
    block: &[u8],
    header: &Header,
    cut: bool,
    items: &mut [T],
    span: impl Fn(&T) -> Range<usize>,
    mut set: impl FnMut(&mut T, &str),
) {
    let places: Vec<usize> = items.iter().map(|item| span(item).start).collect();
    let mut next = 0;
    lines_at(block, header, cut, places.into_iter(), |line, header| {
        while items.get(next).is_some_and(|item| span(item).start < line.start) {
            next += 1;
        }
        // Fields come in order, too.
        each_field(&block[line.clone()], header, &mut |field| {
            let (from, to) = (line.start + field.span.start, line.start + field.span.end);
            while let Some(item) = items.get_mut(next) {
                let at = span(item);
                if at.start >= to.max(from + 1) {
                    break;
                }
                if at.start >= from && at.end <= to {
                    set(item, field.name);
                }
                next += 1;
            }
        });
    });
}
