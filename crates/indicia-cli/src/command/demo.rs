//! `demo`: the main job on data inside the program. Every name and address in it is reserved for documentation.

use std::io::{self, Write};
use std::ops::ControlFlow;

use indicia::feeds::{Format, ReadOptions, Report, read};
use indicia::{BuildOptions, IndicatorSet, ScanOptions, Scratch, SetBuilder};

use crate::args::{Guarded, OutputFormat};
use crate::data::{Chunk, Places};
use crate::hits::{Place, Style};
use crate::{Exit, feeds, show};

const PARTNER: &str = include_str!("../../demo/partner.csv");
const NATIONAL: &str = include_str!("../../demo/national.txt");
const TRAFFIC: &str = include_str!("../../demo/traffic.log");

pub(crate) fn run() -> io::Result<Exit> {
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    writeln!(out, "Two feeds, as they were delivered:\n")?;
    let mut builder = SetBuilder::new(BuildOptions::default());
    for (name, format, text) in
        [("partner.csv", Format::Csv, PARTNER), ("national.txt", Format::Plain, NATIONAL)]
    {
        let options = ReadOptions { feed: Some(name.to_string()), ..ReadOptions::default() };
        let report: Report = read(format, &mut text.as_bytes(), &options, &mut |i| builder.push(i))
            .map_err(io::Error::other)?;
        writeln!(out, "  {name:<14} {:<6} {}", format.name(), show::count(report.indicators, "indicator"))?;
    }
    let set: IndicatorSet = builder.finish().into();
    let kinds: Vec<String> = set.info().kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    writeln!(out, "\nOne set: {} ({})", show::count(set.len() as u64, "indicator"), kinds.join(", "))?;
    writeln!(
        out,
        "\n{} of traffic, and what is in them:\n",
        show::count(TRAFFIC.lines().count() as u64, "line")
    )?;

    let chunk = Chunk { text: TRAFFIC.as_bytes().to_vec(), base: 0, line: 1, via: None };
    let style = Style {
        format: OutputFormat::Text,
        only_matching: false,
        guarded: Guarded::Show,
        now: feeds::now(),
        color: std::env::var_os("NO_COLOR").is_none(),
    };
    let mut places = Places::new(&chunk);
    let mut lines = Vec::new();
    let (mut hits, mut doubtful) = (0u64, 0u64);
    let mut written = Ok(());
    let _ = set.scan_with(&chunk.text, &ScanOptions::default(), &mut Scratch::default(), &mut |hit| {
        hits += 1;
        doubtful += u64::from(!hit.guards.is_empty());
        let place = Place {
            path: "traffic.log",
            line: places.line(hit.start),
            span: places.span(hit.start, hit.end),
            raw: &chunk.text[hit.start..hit.end],
            via: None,
            line_text: None,
        };
        written = style.hit(hit, &place, &mut lines);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    written?;
    for line in lines.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        out.write_all(b"  ")?;
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    writeln!(out, "\n{}, {doubtful} of them doubtful. Worth a look:", show::count(hits, "hit"))?;
    for note in [
        "line 1: the feed lists bad-updates.example; the query was for a name below it, with a root dot",
        "line 2: notbad-updates.example only ends alike, so it is no hit",
        "line 4: the listed endpoint is port 8443; port 443 of the same host is somebody else's",
        "line 5: other scheme, other case, %7E for ~: the same URL in canonical form",
        "line 6: an address written in full, inside a listed network",
        "line 7: an IPv4 address that travels as IPv6",
        "line 10: the list has the name with its umlaut, the query has it in ASCII",
        "line 11: co.uk is listed by mistake; names below a public suffix are never covered",
    ] {
        writeln!(out, "  {note}")?;
    }
    writeln!(out, "\nYour own: indicia scan -f FEED… FILE…")?;
    out.flush()?;
    Ok(Exit::Done)
}
