//! Writers: indicators into a format, with a report of what the format could not carry.
//!
//! No value, label or comment leaves its field: `jsonl` escapes, `csv` quotes (RFC 4180) and keeps spreadsheets
//! from running cells, `plain` writes only values that stand on one line.

mod csv;
mod plain;

pub use csv::csv_record;

use std::collections::BTreeMap;
use std::io::Write;

use indicia_core::Indicator;

use crate::{FeedError, Format};

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
    loss: LossReport,
}

impl<'a> Writer<'a> {
    /// Begins a file: writes what stands before the first record.
    ///
    /// # Errors
    /// [`FeedError::NotWritten`] for a format without a writer, [`FeedError::Io`].
    pub fn new(format: Format, out: &'a mut dyn Write) -> Result<Writer<'a>, FeedError> {
        match format {
            Format::Jsonl | Format::Plain => {}
            Format::Csv => csv::header(out)?,
            _ => return Err(FeedError::NotWritten { format }),
        }
        Ok(Writer { out, format, loss: LossReport::default() })
    }

    /// Writes one indicator with all its contexts.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn write(&mut self, indicator: &Indicator) -> Result<(), FeedError> {
        self.loss.indicators += 1;
        match self.format {
            Format::Csv => csv::write(indicator, self.out, &mut self.loss)?,
            Format::Plain => plain::write(indicator, self.out, &mut self.loss)?,
            _ => {
                let mut line = serde_json::to_vec(indicator).map_err(std::io::Error::from)?;
                line.push(b'\n');
                self.out.write_all(&line)?;
                self.loss.written += 1;
            }
        }
        Ok(())
    }

    /// Ends the file and says what was lost.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(self) -> Result<LossReport, FeedError> {
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
    /// Fields that were there and are not in the output, by name.
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
