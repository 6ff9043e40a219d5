//! `csv`: one row a context, quoted as RFC 4180 says.
//!
//! A cell that a spreadsheet would run (`=`, `+`, `-`, `@`, TAB or CR first) gets an apostrophe in front; the
//! reader takes it off again. A value of kind `other` has the type `other:<source type>`.

use std::borrow::Cow;
use std::io::{self, Write};

use indicia_core::{Context, Country, Indicator, Kind};

use super::LossReport;
use crate::markings;

const COLUMNS: [&str; 19] = [
    "value",
    "type",
    "match",
    "role",
    "feed",
    "producer",
    "labels",
    "threat",
    "confidence",
    "first_seen",
    "last_seen",
    "valid_from",
    "valid_until",
    "tlp",
    "pap",
    "country",
    "reference",
    "description",
    "source_id",
];

pub(super) fn header(out: &mut dyn Write) -> io::Result<()> {
    csv_record(COLUMNS.iter().map(|name| Cow::Borrowed(*name)), out)
}

pub(super) fn write(indicator: &Indicator, out: &mut dyn Write, loss: &mut LossReport) -> io::Result<()> {
    let observable = &indicator.target.observable;
    let type_ = match observable.kind() {
        Kind::Other => Cow::Owned(format!("other:{}", observable.source_type().unwrap_or("unknown"))),
        kind => Cow::Borrowed(kind.name()),
    };
    loss.lose("group", indicator.group.is_some());
    let nothing = [Context::default()];
    let contexts = if indicator.contexts.is_empty() { &nothing } else { indicator.contexts.as_slice() };
    for context in contexts {
        let text = |field: &Option<String>| Cow::Owned(field.clone().unwrap_or_default());
        fn shown<'c, T: ToString>(field: &Option<T>) -> Cow<'c, str> {
            Cow::Owned(field.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        let percent = context.confidence.as_ref().map(|c| match &c.scale {
            None => c.value.to_string(),
            Some(_) => c.as_percent().round().to_string(),
        });
        let (country, more_countries) = match context.countries.as_slice() {
            [] => ("", false),
            [one] => (one.code.as_str(), *one != statement(&one.code)),
            [first, ..] => (first.code.as_str(), true),
        };
        let (reference, more_references) = match context.references.as_slice() {
            [] => ("", false),
            [one] => (one.as_str(), false),
            [first, ..] => (first.as_str(), true),
        };
        // A row has one marking, so that of a field binds it whole.
        let (tlp, pap) = markings::strictest(context);
        let cells: [Cow<'_, str>; 19] = [
            indicator.target.value(),
            type_.clone(),
            indicator.target.match_.name().into(),
            context.role.map_or("", |role| role.name()).into(),
            text(&context.feed),
            text(&context.producer),
            context.labels.join("|").into(),
            text(&context.threat),
            percent.unwrap_or_default().into(),
            shown(&context.first_seen),
            shown(&context.last_seen),
            shown(&context.valid_from),
            shown(&context.valid_until),
            tlp.map_or("", |tlp| tlp.name()).into(),
            pap.map_or("", |pap| pap.name()).into(),
            country.into(),
            reference.into(),
            text(&context.description),
            text(&context.source_id),
        ];
        csv_record(cells.into_iter(), out)?;
        loss.written += 1;
        loss.lose("countries", more_countries);
        loss.lose("references", more_references);
        loss.lose("labels", context.labels.iter().any(|label| label.contains([',', '|', ';'])));
        loss.lose(
            "confidence",
            context.confidence.as_ref().is_some_and(|c| c.scale.is_some() || c.source.is_some()),
        );
        loss.lose("revoked", context.revoked.is_some());
        loss.lose("purposes", !context.purposes.is_empty());
        loss.lose("asn", context.asn.is_some());
        loss.lose("provider", context.provider.is_some());
        loss.lose("hops", !context.hops.is_empty());
        loss.lose("extra", !context.extra.is_empty());
    }
    Ok(())
}

/// What the reader makes of a country column.
fn statement(code: &str) -> Country {
    Country { code: code.to_string(), basis: Some("statement".to_string()), ..Country::default() }
}

/// Writes one record of cells as the `csv` writer does: quoted, and safe for spreadsheets.
///
/// # Errors
/// Those of `out`.
pub fn csv_record<'c>(cells: impl Iterator<Item = Cow<'c, str>>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new()
        .comment(Some(b'#'))
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let safe = cells.map(|cell| {
        // An apostrophe before such a character would be taken off by the reader: it gets another.
        let bare = cell.trim_start_matches('\'');
        let runs = bare.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if runs { Cow::Owned(format!("'{cell}")) } else { cell }
    });
    for cell in safe {
        // A NUL or another control character that no reader expects stands as its picture.
        let shown = if cell.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            Cow::Owned(cell.chars().map(picture).collect::<String>())
        } else {
            cell
        };
        writer.write_field(shown.as_bytes()).map_err(io::Error::other)?;
    }
    writer.write_record(None::<&[u8]>).map_err(io::Error::other)?;
    let bytes = writer.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    out.write_all(&bytes)
}

/// The visible picture (U+2400 …) of a control character.
fn picture(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}
