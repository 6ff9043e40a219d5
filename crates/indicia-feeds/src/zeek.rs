//! `zeek`: files of the Zeek Intelligence Framework. Tab-separated, columns named by a `#fields` line and in
//! any order; `-` is unset. Names match exactly.
//!
//! `meta.desc` becomes the description, `meta.url` a reference, `meta.source` the producer; every other column
//! is kept in `extra` by its name. `Intel::URL` should have no scheme; one that is there is kept.

use std::io::BufRead;

use indicia_core::{Context, Kind, Match, Reason};

use crate::collect::Collector;
use crate::kinds::{self, Hint};
use crate::lines::Lines;
use crate::plain::trim;
use crate::{FeedError, Place};

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let mut lines = Lines::new(input)?;
    let mut fields: Vec<String> = ["indicator", "indicator_type", "meta.source"].map(Into::into).into();
    while let Some(line) = lines.next()? {
        let number = line.number;
        to.report.recoded += u64::from(line.recoded);
        if trim(&line.text).is_empty() {
            continue;
        }
        if let Some(header) = line.text.strip_prefix("#fields") {
            fields = header.split('\t').map(trim).filter(|name| !name.is_empty()).map(Into::into).collect();
            continue;
        }
        if line.text.starts_with('#') {
            to.report.skip("comment");
            continue;
        }
        to.report.records += 1;
        if line.cut {
            to.refuse(Place::Line(number), Reason::TooLong, &line.text);
            continue;
        }
        if let Err(reason) = row(&line.text, &fields, to) {
            to.refuse(Place::Line(number), reason, &line.text);
        }
    }
    Ok(())
}

fn row(text: &str, fields: &[String], to: &mut Collector<'_>) -> Result<(), Reason> {
    let mut context = Context::default();
    let (mut value, mut type_) = (None, None);
    for (name, cell) in fields.iter().zip(text.split('\t').map(trim)) {
        if cell.is_empty() || cell == "-" {
            continue;
        }
        match name.as_str() {
            "indicator" => value = Some(unescape(cell)),
            "indicator_type" => type_ = Some(cell),
            "meta.source" => context.producer = Some(unescape(cell)),
            "meta.desc" => context.description = Some(unescape(cell)),
            "meta.url" => context.references.push(unescape(cell)),
            name => {
                context.extra.insert(name.to_string(), unescape(cell).into());
            }
        }
    }
    let value = value.ok_or(Reason::NoTarget)?;
    let type_ = type_.ok_or(Reason::BadRecord)?;
    let hint = match type_.strip_prefix("Intel::").ok_or(Reason::BadField)? {
        "CERT_HASH" => match value.len() {
            64 => Hint::Kind(Kind::X509Sha256),
            32 => Hint::Other,
            _ => Hint::Kind(Kind::X509Sha1),
        },
        // A program's name or banner: no kind of ours.
        "SOFTWARE" | "PUBKEY_HASH" => Hint::Other,
        name => kinds::of_type(name).unwrap_or(Hint::Other),
    };
    let target = to.target(hint, type_, &value, Match::Exact, None)?;
    to.emit(target, None, context);
    Ok(())
}

/// Zeek writes bytes that do not print as `\xHH`.
fn unescape(cell: &str) -> String {
    if !cell.contains("\\x") {
        return cell.to_string();
    }
    let bytes = cell.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes[at..].strip_prefix(b"\\x").and_then(|rest| rest.get(..2)).and_then(|two| {
            let high = char::from(two[0]).to_digit(16)?;
            let low = char::from(two[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        });
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    match String::from_utf8(out) {
        Ok(text) => text,
        Err(_) => cell.to_string(),
    }
}
