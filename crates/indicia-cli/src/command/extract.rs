//! `extract`: the observables that stand in data.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use indicia::chunks::{Chunk, Chunks};
use indicia::feeds::csv_record;
use indicia::input::{Event, Visitor};
use indicia::refang::defang;
use indicia::{ExtractOptions, Extraction, Guard, Guards, Kind, Observable, Rule, extract_behind};
use serde::Serialize;

use crate::Exit;
use crate::args::{Extract, KindArg, OutputFormat};
use crate::data;
use crate::feeds;
use crate::hits::{Raw, json_line};
use crate::pipeline::{self, Feeder, Work};
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
    field: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'static str>,
    #[serde(skip_serializing_if = "<[Guard]>::is_empty")]
    guard: &'l [Guard],
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
}

#[derive(Serialize)]
struct Refused {
    rule: Rule,
    message: &'static str,
}

/// What is done with each piece.
struct Job {
    options: ExtractOptions,
    format: OutputFormat,
    /// What marks observables.
    guards: Option<Guards>,
}

/// Gives the pipeline what a walk finds.
struct Extracting<'f, 'p> {
    feeder: &'f mut Feeder<'p, Job>,
    fields: bool,
    wrapped: bool,
    exit: Exit,
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
    let format = args.output.get();
    if format == OutputFormat::Ecs {
        return Err(io::Error::other("`ecs` describes hits; extract writes text, jsonl and csv"));
    }
    let mut out = io::stdout();
    if format == OutputFormat::Csv {
        let columns =
            ["path", "line", "start", "end", "kind", "value", "raw", "port", "field", "guard", "refused"];
        csv_record(columns.iter().map(|c| Cow::Borrowed(*c)), &mut out)?;
    }
    let options = ExtractOptions {
        kinds,
        refang: args.refang,
        nested: args.nested,
        fields: args.fields.fields,
        only_fields: args.fields.only.clone(),
        without: args.without.clone(),
        explain: args.explain,
        wrapped: args.wrapped,
        ..ExtractOptions::default()
    };
    let (guards, lists) = feeds::warninglists(&args.warninglist);
    let guards = (!args.warninglist.is_empty()).then_some(guards);
    let job = Job { options, format, guards };
    let (exit, found) = pipeline::run(&job, data::threads(args.threads), Box::new(out), |feeder| {
        let mut extracting =
            Extracting { feeder, fields: job.options.reads_fields(), wrapped: args.wrapped, exit: lists };
        data::walk(&args.files, &mut extracting);
        extracting.exit
    })?;
    Ok(match (exit, found.iter().sum()) {
        (Exit::Failed, _) => Exit::Failed,
        (_, 0) => Exit::Nothing,
        _ => Exit::Done,
    })
}

impl Visitor for Extracting<'_, '_> {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        let size = data::piece_size(self.feeder.threads());
        let mut chunks = Chunks::with_size(input, size).with_headers(self.fields).with_wrapped(self.wrapped);
        let result = self.feeder.file(name, &mut |chunk| chunks.next_into(chunk));
        data::tell_cuts(name, chunks.cuts());
        result
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            show::message(&format!("{name}: {error}"));
            self.exit = Exit::Failed;
        }
    }
}

impl Work for Job {
    type Piece = Chunk;
    /// How much was found.
    type State = u64;

    fn state(&self) -> u64 {
        0
    }

    fn piece(&self, path: &str, chunk: &Chunk, state: &mut u64, out: &mut Vec<u8>) -> u64 {
        let (mut places, text) = (chunk.places(), chunk.text());
        let mut found = 0;
        let _ = extract_behind(chunk.header(), text, &self.options, &mut |one| {
            found += u64::from(one.refused.is_none());
            let line = places.line(one.start);
            let span = places.span(one.start, one.end);
            // Writing into memory cannot fail.
            let _ = self.write(path, line, span, &text[one.start..one.end], chunk.via(), &one, out);
            ControlFlow::Continue(())
        });
        *state += found;
        found
    }

    fn end(&self, _: &str, _: u64, _: &mut Vec<u8>) {}
}

impl Job {
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
        let guards = match (&self.guards, found.refused) {
            (Some(guards), None) => Observable::parse_as(found.kind, &found.value)
                .map(|observable| guards.of_observable(&observable))
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        match self.format {
            OutputFormat::Text => {
                let value = show::plain(&defang(found.kind, &found.value));
                let port = found.port.map(|p| format!(" port {p}")).unwrap_or_default();
                let field =
                    found.field.as_deref().map(|f| format!(" in {}", show::plain(f))).unwrap_or_default();
                let mut doubts = String::new();
                for guard in &guards {
                    doubts.push_str(&format!(" (doubtful: {}, {})", guard.rule, show::plain(&guard.source)));
                }
                if let Some(rule) = found.refused {
                    doubts.push_str(&format!(" refused: {rule}, {}", rule.says()));
                }
                let path = show::plain(path);
                writeln!(out, "{path}:{line}: {value} [{}]{port}{field}{doubts}", found.kind)
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
                    found.field.clone().unwrap_or_default(),
                    guards.iter().map(|guard| &*guard.rule).collect::<Vec<_>>().join("|"),
                    found.refused.map(|rule| rule.slug().to_string()).unwrap_or_default(),
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
                    field: found.field.as_deref(),
                    via: found.via.or(via),
                    guard: &guards,
                    refused: found.refused.map(|rule| Refused { rule, message: rule.says() }),
                },
                out,
            ),
        }
    }
}
