//! `extract`: the observables that stand in data.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};
use std::ops::ControlFlow;

use indicia::feeds::csv_record;
use indicia::input::{Event, Visitor};
use indicia::refang::defang;
use indicia::{ExtractOptions, Extraction, Kind, extract_with};
use serde::Serialize;

use crate::Exit;
use crate::args::{Extract, KindArg, OutputFormat};
use crate::data::{self, Chunk, Places};
use crate::hits::{Raw, json_line};
use crate::show;

/// Kinds that are looked for only when named.
const ON_REQUEST: [Kind; 6] =
    [Kind::Phone, Kind::Iban, Kind::PaymentCard, Kind::FileName, Kind::UserAgent, Kind::Purl];

#[derive(Serialize)]
struct Line<'l> {
    path: &'l str,
    line: u64,
    start: u64,
    end: u64,
    kind: Kind,
    value: &'l str,
    raw: Raw<'l>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'static str>,
}

struct Extracting<'a> {
    options: ExtractOptions,
    format: OutputFormat,
    out: io::BufWriter<io::StdoutLock<'a>>,
    found: u64,
    exit: Exit,
    broken: Option<io::Error>,
}

pub(crate) fn run(args: &Extract) -> io::Result<Exit> {
    if data::nothing_to_read(&args.files) {
        return Err(io::Error::other("no file given, and standard input is a terminal; see --help"));
    }
    let named: Vec<Kind> =
        args.kind.iter().filter_map(|k| if let KindArg::One(k) = k { Some(*k) } else { None }).collect();
    let kinds = if args.kind.contains(&KindArg::All) {
        Vec::new()
    } else if named.is_empty() {
        Kind::ALL.iter().copied().filter(|k| !ON_REQUEST.contains(k)).collect()
    } else {
        named
    };
    let mut extracting = Extracting {
        options: ExtractOptions { kinds, refang: args.refang, nested: args.nested, every: false },
        format: args.output.get(),
        out: io::BufWriter::new(io::stdout().lock()),
        found: 0,
        exit: Exit::Done,
        broken: None,
    };
    if extracting.format == OutputFormat::Ecs {
        return Err(io::Error::other("`ecs` describes hits; extract writes text, jsonl and csv"));
    }
    if extracting.format == OutputFormat::Csv {
        let columns = ["path", "line", "start", "end", "kind", "value", "raw", "port"];
        csv_record(columns.iter().map(|c| Cow::Borrowed(*c)), &mut extracting.out)?;
    }
    data::walk(&args.files, &mut extracting);
    if let Some(error) = extracting.broken {
        return Err(error);
    }
    extracting.out.flush()?;
    Ok(match (extracting.exit, extracting.found) {
        (Exit::Failed, _) => Exit::Failed,
        (_, 0) => Exit::Nothing,
        _ => Exit::Done,
    })
}

impl Visitor for Extracting<'_> {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn BufRead) -> io::Result<ControlFlow<()>> {
        let (result, cuts) = data::chunks(input, |chunk| {
            if let Err(error) = self.chunk(name, &chunk) {
                self.broken = Some(error);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        });
        if cuts > 0 {
            show::message(&format!(
                "{name}: limit reached: a line without any border was cut {}",
                show::count(cuts, "time")
            ));
        }
        result
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            show::message(&format!("{name}: {error}"));
            self.exit = Exit::Failed;
        }
    }
}

impl Extracting<'_> {
    fn chunk(&mut self, path: &str, chunk: &Chunk) -> io::Result<()> {
        let mut places = Places::new(chunk);
        let mut buffer = Vec::new();
        let mut result = Ok(());
        let _ = extract_with(&chunk.text, &self.options.clone(), &mut |found| {
            self.found += 1;
            let line = places.line(found.start);
            let span = places.span(found.start, found.end);
            buffer.clear();
            result = self
                .write(path, line, span, &chunk.text[found.start..found.end], chunk.via, &found, &mut buffer)
                .and_then(|()| self.out.write_all(&buffer));
            if result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        result
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one line of output")]
    fn write(
        &self,
        path: &str,
        line: u64,
        span: (u64, u64),
        raw: &[u8],
        via: Option<&'static str>,
        found: &Extraction,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        match self.format {
            OutputFormat::Text => {
                let value = show::plain(&defang(found.kind, &found.value));
                let port = found.port.map(|p| format!(" port {p}")).unwrap_or_default();
                writeln!(out, "{}:{line}: {value} [{}]{port}", show::plain(path), found.kind)
            }
            OutputFormat::Csv => {
                let cells = [
                    path.to_string(),
                    line.to_string(),
                    span.0.to_string(),
                    span.1.to_string(),
                    found.kind.to_string(),
                    found.value.clone(),
                    show::bytes(raw),
                    found.port.map(|p| p.to_string()).unwrap_or_default(),
                ];
                csv_record(cells.into_iter().map(Cow::Owned), out)
            }
            _ => json_line(
                &Line {
                    path,
                    line,
                    start: span.0,
                    end: span.1,
                    kind: found.kind,
                    value: &found.value,
                    raw: Raw(raw),
                    port: found.port,
                    via,
                },
                out,
            ),
        }
    }
}
