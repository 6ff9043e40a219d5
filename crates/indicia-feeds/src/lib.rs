//! Readers and writers of feeds: whatever publishes indicators, one [`Indicator`] at a time.
//!
//! ```text
//! bytes ── detect ──► Format ── read ──► Indicator, Indicator, …  + Report (what was refused, where, why)
//! Indicator, … ── Writer ──► bytes                                 + LossReport (what could not be carried)
//! ```
//!
//! A reader never fails because of one record: what cannot be read is counted in the [`Report`] with its place
//! and reason, and the rest goes on. Only a document that does not parse at all is a [`FeedError`]. Values are
//! refanged by the *usual* level, because lists are published defanged.
//!
//! No file is opened here, nothing is decompressed, and there is no clock and no network: callers hand in a
//! [`BufRead`] over decompressed bytes.
//!
//! ```
//! use indicia_feeds::{Format, ReadOptions, read};
//! let mut found = Vec::new();
//! let list = "# a list\nevil.example\n192.0.2.7:443\nnot a value\n";
//! let report = read(Format::Plain, &mut list.as_bytes(), &ReadOptions::default(), &mut |i| found.push(i))?;
//! assert_eq!(found[0].target.value(), "evil.example");
//! assert_eq!((report.indicators, report.refused_total()), (2, 1));
//! assert_eq!(report.examples[0].place.to_string(), "line 4");
//! # Ok::<(), indicia_feeds::FeedError>(())
//! ```

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod collect;
mod csv;
mod detect;
mod document;
mod error;
mod format;
mod hosts;
mod ids;
mod jsonl;
mod kinds;
mod lines;
pub mod list;
mod markings;
mod misp;
mod options;
mod parts;
mod plain;
mod report;
mod rows;
mod stix;
mod write;
mod zeek;

use std::io::BufRead;

use indicia_core::Indicator;

pub use crate::collect::Sink;
pub use crate::detect::{HEAD_BYTES, detect};
pub use crate::error::FeedError;
pub use crate::format::Format;
pub use crate::options::ReadOptions;
pub use crate::parts::{PartReport, Parts};
pub use crate::report::{Place, Refusal, Report};
pub use crate::write::{LossReport, WriteOptions, Writer, csv_record};

use crate::collect::{Collector, Each};

/// Reads a whole feed and hands each indicator to `sink`, in the order of the input.
///
/// # Errors
/// [`FeedError::NotRead`] for a format that is only recognised, [`FeedError::Io`] where the input fails, and
/// [`FeedError::BadDocument`] where the document cannot be parsed at all.
pub fn read(
    format: Format,
    input: &mut dyn BufRead,
    options: &ReadOptions,
    sink: &mut dyn FnMut(Indicator),
) -> Result<Report, FeedError> {
    read_into(format, input, options, &mut Each(sink))
}

/// As [`read`], into a sink, such as a [`Batch`](indicia_core::Batch).
///
/// # Errors
/// Those of [`read`].
pub fn read_into(
    format: Format,
    input: &mut dyn BufRead,
    options: &ReadOptions,
    sink: &mut dyn Sink,
) -> Result<Report, FeedError> {
    let mut to = Collector::new(format, options, sink);
    match format {
        Format::Jsonl => jsonl::read(input, &mut to)?,
        Format::Stix => stix::read(input, &mut to)?,
        Format::Misp => misp::read(input, &mut to)?,
        Format::Csv => csv::read(input, &mut to)?,
        Format::Urlhaus | Format::Threatfox | Format::Malwarebazaar | Format::Feodo => {
            rows::read_abuse_ch(input, &mut to)?;
        }
        Format::Plain => plain::read(input, &mut to)?,
        Format::Hosts => hosts::read(input, &mut to)?,
        Format::Zeek => zeek::read(input, &mut to)?,
        _ => return Err(FeedError::NotRead { format }),
    }
    Ok(to.finish())
}
