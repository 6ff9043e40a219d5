//! Writers: indicators into a format, with a report of what the format could not carry.
//!
//! No value, label or comment leaves its field: `jsonl`, `stix` and `misp` escape (the last two everything that
//! cannot be seen, too), `csv` quotes (RFC 4180) and keeps spreadsheets from running cells, `zeek` writes bytes as
//! `\xHH`, and `plain`, `hosts` and `rpz` write only values that stand on one line. Lists that can only say "this
//! is bad" (`plain`, `hosts`, `rpz`, `zeek`) never say it of somebody to notify, of what is benign, revoked or not
//! for detection.
//!
//! The same indicators and options give the same bytes: there is no clock here, no random number and no file name.
//! A context becomes a record of its own wherever a format has records; reading them back gives as many
//! indicators. What a format loses is counted from what reading it back gives, where it has a reader.

mod csv;
mod hosts;
mod json;
mod lines;
mod misp;
mod plain;
mod rpz;
mod stix;
mod zeek;

pub use csv::csv_record;

use std::collections::BTreeMap;
use std::io::Write;

use indicia_core::{Indicator, Profile, Time};

use crate::{FeedError, Format};

/// What a writer is told beside the indicators. `Default` says nothing.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Who makes the file. STIX: the name of the identity that creates objects whose context names no producer;
    /// MISP: `Orgc`, the organisation that created the event.
    pub creator: Option<String>,
    /// When: `created` and `modified` of STIX objects that bring none, date and timestamp of a MISP event, serial
    /// number of a zone. Absent means 1970-01-01T00:00:00Z, since nothing here reads a clock.
    pub created: Option<Time>,
    /// The title. MISP: `info` of the event. No other format has a place for it.
    pub title: Option<String>,
}

/// Writes indicators in a format.
///
/// ```
/// use indicia_core::{Context, Indicator, Observable, Target};
/// use indicia_feeds::{Format, Writer};
/// let target = Target::new(Observable::parse("192.0.2.7").unwrap());
/// let mut out = Vec::new();
/// let mut writer = Writer::new(Format::Plain, &mut out)?;
/// let mut context = Context::default();
/// context.threat = Some("x".to_string());
/// writer.write(&Indicator::new(target, context))?;
/// let loss = writer.finish()?;
/// assert_eq!(out, b"192.0.2.7\n");
/// assert_eq!(loss.fields["threat"], 1);
/// # Ok::<(), indicia_feeds::FeedError>(())
/// ```
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    format: Format,
    document: Document,
    loss: LossReport,
}

/// What a document remembers between its records.
enum Document {
    Lines,
    Stix(Box<stix::Bundle>),
    Misp(Box<misp::Event>),
}

impl<'a> Writer<'a> {
    /// Begins a file with default options: writes what stands before the first record.
    ///
    /// # Errors
    /// [`FeedError::NotWritten`] for a format without a writer, [`FeedError::Io`].
    pub fn new(format: Format, out: &'a mut dyn Write) -> Result<Writer<'a>, FeedError> {
        Writer::with_options(format, &WriteOptions::default(), out)
    }

    /// Begins a file: writes what stands before the first record.
    ///
    /// # Errors
    /// [`FeedError::NotWritten`] for a format without a writer, [`FeedError::Io`].
    pub fn with_options(
        format: Format,
        options: &WriteOptions,
        out: &'a mut dyn Write,
    ) -> Result<Writer<'a>, FeedError> {
        let mut document = Document::Lines;
        match format {
            Format::Jsonl | Format::Plain | Format::Hosts => {}
            Format::Csv => csv::header(out)?,
            Format::Rpz => rpz::header(options.created, out)?,
            Format::Zeek => zeek::header(out)?,
            Format::Stix => document = Document::Stix(Box::new(stix::Bundle::begin(options, out)?)),
            Format::Misp => document = Document::Misp(Box::new(misp::Event::begin(options, out)?)),
            _ => return Err(FeedError::NotWritten { format }),
        }
        Ok(Writer { out, format, document, loss: LossReport::default() })
    }

    /// Writes one indicator with all its contexts.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn write(&mut self, indicator: &Indicator) -> Result<(), FeedError> {
        self.loss.indicators += 1;
        if self.format != Format::Jsonl && indicator.target.observable.profile() != Profile::Default {
            // Read again, its text would be another URL.
            self.loss.leave_out("a URL under another profile than default@1, which only jsonl can name");
            return Ok(());
        }
        match (&mut self.document, self.format) {
            (Document::Stix(bundle), _) => bundle.write(indicator, self.out, &mut self.loss)?,
            (Document::Misp(event), _) => event.write(indicator, self.out, &mut self.loss)?,
            (Document::Lines, Format::Csv) => csv::write(indicator, self.out, &mut self.loss)?,
            (Document::Lines, Format::Plain) => plain::write(indicator, self.out, &mut self.loss)?,
            (Document::Lines, Format::Hosts) => hosts::write(indicator, self.out, &mut self.loss)?,
            (Document::Lines, Format::Rpz) => rpz::write(indicator, self.out, &mut self.loss)?,
            (Document::Lines, Format::Zeek) => zeek::write(indicator, self.out, &mut self.loss)?,
            (Document::Lines, _) => {
                let mut line = serde_json::to_vec(indicator).map_err(std::io::Error::from)?;
                line.push(b'\n');
                self.out.write_all(&line)?;
                self.loss.written += 1;
            }
        }
        Ok(())
    }

    /// Ends the file and says what was lost. Without this a STIX or MISP document has no end.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(self) -> Result<LossReport, FeedError> {
        match self.document {
            Document::Lines => {}
            Document::Stix(bundle) => bundle.end(self.out)?,
            Document::Misp(event) => event.end(self.out)?,
        }
        self.out.flush()?;
        Ok(self.loss)
    }
}

/// What a format could not carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossReport {
    /// Indicators that were handed in.
    pub indicators: u64,
    /// Records that were written; an indicator may become several, or none.
    pub written: u64,
    /// Indicators that could not be written at all, by why.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Fields that were there and are not in the output, by name. Beside the fields of a context: `kind`, `value`
    /// and `match` of the target, `group`, and `contexts` where several became one record.
    pub fields: BTreeMap<&'static str, u64>,
}

impl LossReport {
    /// Whether reading the output back gives what was written.
    pub fn is_lossless(&self) -> bool {
        self.left_out.is_empty() && self.fields.is_empty()
    }

    fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    fn lose(&mut self, field: &'static str, lost: bool) {
        if lost {
            *self.fields.entry(field).or_default() += 1;
        }
    }
}

/// Characters that a terminal or a reader of text does not show as themselves: controls, and those that are
/// invisible or turn the direction of writing.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
