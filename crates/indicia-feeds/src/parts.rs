//! Large feeds in parts, which can be read on several threads.
//!
//! A part is some whole lines of the text. What is read of it depends on the beginning of the text, which is known
//! ([`Parts`]), and on nothing between, but for one thing: a row of CSV with a line end inside quotes can begin in one
//! part and end in the next. Whoever reads parts sees that by [`PartReport::is_whole`]: if all parts so far were whole,
//! the next one begins where a record does. From a part that is not, the text has to be read on in one piece.

use std::io::BufRead;

use crate::collect::{Collector, Nowhere, Sink};
use crate::csv::{Head, Source};
use crate::lines::{self, Lines};
use crate::{FeedError, Format, ReadOptions, Report, hosts, jsonl, plain};

/// What the beginning of a feed says of all its parts.
#[derive(Debug)]
pub struct Parts {
    format: Format,
    csv: Option<Head>,
}

/// What came of a part.
#[derive(Debug)]
pub struct PartReport {
    /// As of a whole feed.
    pub report: Report,
    /// No record wanted more lines than the part has. That the last part is not whole means nothing.
    pub is_whole: bool,
}

impl Parts {
    /// `None` where the feed must be read in one piece: by its format, its encoding, or because so much of it does not
    /// decide how it is read. `start` is the beginning of the text, ending at a line's end.
    pub fn of(format: Format, start: &[u8], options: &ReadOptions) -> Option<Parts> {
        let (encoding, mark) = lines::encoding(start);
        if encoding != encoding_rs::UTF_8 {
            return None;
        }
        let csv = match format {
            Format::Plain | Format::Hosts | Format::Jsonl => None,
            Format::Urlhaus | Format::Threatfox | Format::Malwarebazaar | Format::Feodo | Format::Csv => {
                let is_json = start[mark..].trim_ascii_start().starts_with(b"{")
                    || start[mark..].trim_ascii_start().starts_with(b"[");
                if is_json && format != Format::Csv {
                    return None;
                }
                let (mut text, mut nowhere) = (start, Nowhere);
                let mut nobody = Collector::new(format, options, &mut nowhere);
                let mut source = Source::new(Lines::new(&mut text).ok()?);
                match Head::read(&mut source, &mut nobody) {
                    Ok((head, true)) => Some(head),
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Parts { format, csv })
    }

    /// Reads one part; `before` is the number of lines before it. The first part is the `start` that the parts were
    /// made of, or begins so.
    ///
    /// # Errors
    /// Where the input fails.
    pub fn read(
        &self,
        before: u64,
        input: &mut dyn BufRead,
        options: &ReadOptions,
        sink: &mut dyn Sink,
    ) -> Result<PartReport, FeedError> {
        let mut to = Collector::new(self.format, options, sink);
        to.lines_before = (before > 0).then_some(before);
        match (self.format, &self.csv) {
            (Format::Plain, _) => plain::read(input, &mut to)?,
            (Format::Hosts, _) => hosts::read(input, &mut to)?,
            (Format::Jsonl, _) => jsonl::read(input, &mut to)?,
            (_, Some(head)) if before > 0 => head.rows(Source::new(to.lines(input)?), &mut to)?,
            _ => crate::csv::read(input, &mut to)?,
        }
        let is_whole = !to.ended_inside_a_record;
        Ok(PartReport { report: to.finish(), is_whole })
    }
}
