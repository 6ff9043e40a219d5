//! `normalize`, `defang`, `refang`: one value a line.

use std::io::{self, Write};

use indicia::explain::{Explanation, explain};
use indicia::{Observable, ParseError, ParseOptions, Refang, refang as fang};
use serde_json::{Value, json};

use crate::Exit;
use crate::args::{DefangArgs, Normalize, OutputFormat, RefangArgs, Values};
use crate::{data, show};

pub(crate) fn normalize(args: Normalize) -> io::Result<Exit> {
    let read = |raw: &str| {
        let options = ParseOptions { profile: args.profile, kind: args.kind, refang: args.refang };
        Observable::parse_with(raw, &options).map(|o| (Some(o.kind().name()), o.value().to_string()))
    };
    let told = |raw: &str| {
        let options = ParseOptions { profile: args.profile, kind: args.kind, refang: args.refang };
        args.explain.then(|| explain(raw, &options))
    };
    each(args.values, args.output.get(), read, told)
}

pub(crate) fn defang(args: DefangArgs) -> io::Result<Exit> {
    let DefangArgs { style, values: Values { kind, output, values } } = args;
    let read = |raw: &str| {
        let o = Observable::parse_refanged(kind, raw, Refang::Usual)?;
        Ok((Some(o.kind().name()), fang::defang_as(o.kind(), o.value(), style)))
    };
    each(values, output.get(), read, |_| None)
}

pub(crate) fn refang(args: RefangArgs) -> io::Result<Exit> {
    let read = |raw: &str| {
        let value = fang::refang(raw, args.refang).into_owned();
        let kind = Observable::parse_refanged(None, &value, Refang::Off).ok().map(|o| o.kind().name());
        Ok((kind, value))
    };
    each(args.values, args.output.get(), read, |_| None)
}

fn each(
    arguments: Vec<String>,
    format: OutputFormat,
    read: impl Fn(&str) -> Result<(Option<&'static str>, String), ParseError>,
    told: impl Fn(&str) -> Option<Explanation>,
) -> io::Result<Exit> {
    if arguments.is_empty() && data::nothing_to_read(&[]) {
        return Err(io::Error::other("no value given, and standard input is a terminal; see --help"));
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Done;
    let text = format == OutputFormat::Text;
    if format == OutputFormat::Csv {
        csv(&mut out, ["raw", "kind", "value", "error"])?;
    }
    for raw in data::values(arguments)? {
        let result = read(&raw);
        if result.is_err() {
            exit = Exit::Failed;
        }
        match result {
            Ok((_, value)) if text => {
                writeln!(out, "{}", show::plain(&value))?;
                explained(&mut out, told(&raw))?;
            }
            Err(error) if text => {
                show::message(&format!("{raw}: {error}"));
                explained(&mut out, told(&raw))?;
            }
            Ok((kind, value)) if format == OutputFormat::Csv => {
                csv(&mut out, [&raw, kind.unwrap_or(""), &value, ""])?
            }
            Err(error) if format == OutputFormat::Csv => csv(&mut out, [&raw, "", "", error.reason.slug()])?,
            Ok((kind, value)) => {
                let mut line = json!({ "raw": raw });
                if let Some(kind) = kind {
                    line["kind"] = kind.into();
                }
                line["value"] = value.into();
                if let Some(told) = told(&raw) {
                    line["explain"] = explanation(&told);
                }
                writeln!(out, "{line}")?;
            }
            Err(error) => {
                let mut line = json!({ "raw": raw, "error": error_object(&error) });
                if let Some(told) = told(&raw) {
                    line["explain"] = explanation(&told);
                }
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()?;
    Ok(exit)
}

/// The steps under a value, for people.
fn explained(out: &mut dyn Write, told: Option<Explanation>) -> io::Result<()> {
    let Some(told) = told else { return Ok(()) };
    for (to, steps) in [("value", &told.value), ("key", &told.key)] {
        for step in steps {
            let source = step.source;
            match step.before == step.after {
                true => writeln!(out, "  kind by {}  [{source}]", step.rule)?,
                false => writeln!(
                    out,
                    "  {to}  {} -> {}  {}  [{source}]",
                    show::plain(&step.before),
                    show::plain(&step.after),
                    step.rule
                )?,
            }
        }
    }
    if let Ok(found) = &told.result
        && found.key() != found.value()
    {
        writeln!(out, "  compared as {}", show::plain(found.key()))?;
    }
    if !told.also.is_empty() {
        let kinds: Vec<&str> = told.also.iter().map(|kind| kind.name()).collect();
        writeln!(out, "  the same shape, only where a source says so: {}", kinds.join(" "))?;
    }
    Ok(())
}

fn explanation(told: &Explanation) -> Value {
    let kinds: Vec<&str> = told.also.iter().map(|kind| kind.name()).collect();
    let key = told.result.as_ref().ok().map(Observable::key);
    json!({ "value": told.value, "key": told.key, "compared_as": key, "also": kinds })
}

fn csv(out: &mut dyn Write, cells: [&str; 4]) -> io::Result<()> {
    indicia::feeds::csv_record(cells.iter().map(|c| std::borrow::Cow::Borrowed(*c)), out)
}

/// An error as every JSON output has it.
pub(crate) fn error_object(error: &ParseError) -> Value {
    json!({ "code": error.code(), "reason": error.reason.slug(), "message": error.to_string() })
}
