//! `demo`: the main job on data inside the program, and a hand-over to the police of two countries. Every name and
//! address in it is reserved for documentation.

use std::io::{self, Write};
use std::ops::ControlFlow;

use indicia::chunks::{Chunk, Chunks};
use indicia::exchange::package::Package;
use indicia::exchange::plan::{self, Plan};
use indicia::exchange::{Agreement, Ledger};
use indicia::feeds::{Format, ReadOptions, Report, read};
use indicia::{BuildOptions, IndicatorSet, ScanOptions, Scratch, SetBuilder, Target, Time, refang};

use crate::args::{Guarded, OutputFormat};
use crate::hits::{Place, Style, Written};
use crate::{Exit, feeds, show};

const PARTNER: &str = include_str!("../../demo/partner.csv");
const NATIONAL: &str = include_str!("../../demo/national.txt");
const TRAFFIC: &str = include_str!("../../demo/traffic.log");
const RECORDS: &str = include_str!("../../demo/handover.jsonl");
const AGREEMENTS: [&str; 2] =
    [include_str!("../../demo/police-my.toml"), include_str!("../../demo/police-vn.toml")];

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

    let mut chunk = Chunk::default();
    Chunks::new(TRAFFIC.as_bytes()).next_into(&mut chunk)?;
    let style = Style {
        format: OutputFormat::Text,
        only_matching: false,
        guarded: Guarded::Show,
        now: feeds::now(),
        color: std::env::var_os("NO_COLOR").is_none(),
        each_anew: false,
    };
    let mut places = chunk.places();
    let (mut known, mut lines) = (Written::default(), Vec::new());
    let (mut hits, mut doubtful) = (0u64, 0u64);
    let mut written = Ok(());
    let _ = set.scan_with(chunk.text(), &ScanOptions::default(), &mut Scratch::default(), &mut |hit| {
        hits += 1;
        doubtful += u64::from(!hit.guards().is_empty());
        let place = Place {
            path: "traffic.log",
            line: places.line(hit.start),
            span: places.span(hit.start, hit.end),
            raw: &chunk.text()[hit.start..hit.end],
            via: None,
            line_text: None,
            seen: None,
        };
        written = style.hit(hit, &place, &mut known, &mut lines);
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
    hand_over(&mut out)?;
    writeln!(out, "\nYour own: indicia scan -f FEED… FILE…")?;
    writeln!(out, "          indicia share --agreement A.toml --ledger L --key K -o DIR FEED…")?;
    out.flush()?;
    Ok(Exit::Done)
}

/// What the police of two countries get of one company's records, what not, and why.
fn hand_over(out: &mut dyn Write) -> io::Result<()> {
    let mut records = Vec::new();
    read(Format::Jsonl, &mut RECORDS.as_bytes(), &ReadOptions::default(), &mut |r| records.push(r))
        .map_err(io::Error::other)?;
    let records = plan::Records::new(records);
    writeln!(
        out,
        "\nThe company that found them shares {} with the police of two countries:",
        show::count(records.all().len() as u64, "record")
    )?;
    let now = Time::parse("2017-11-02").map_err(io::Error::other)?;
    for text in AGREEMENTS {
        let agreement = Agreement::parse(text).map_err(io::Error::other)?;
        let ledger = Ledger::none(&agreement.provider.id);
        let Some((agreement, plan)) = plan::plan(&records, &[&agreement], &ledger, now) else { continue };
        let package = Package::of_plan(&plan, &agreement, 1, now).map_err(io::Error::other)?;
        let files: Vec<&str> = package.files.keys().map(String::as_str).collect();
        writeln!(out, "\n  {} gets, under {}:\n", agreement.recipient.party.id, agreement.reference())?;
        tell(&records, &plan, out)?;
        writeln!(out, "    a package of {} files, signed as one: {}", files.len() + 2, files.join(", "))?;
    }
    writeln!(out, "\nWorth a look:")?;
    for note in [
        "the same record goes to both where it concerns both, each time with that country's facts alone",
        "the ministry's page goes to its own country only, to be notified and not blocked, without the visitor's address",
        "the description is left out: it named a server that stays, and an analyst",
        "what a partner marked AMBER does not go on: police are no client unless an agreement says so",
    ] {
        writeln!(out, "  {note}")?;
    }
    Ok(())
}

fn tell(records: &plan::Records, plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let shown = |target: &Target| refang::defang(target.observable.kind(), &target.value());
    for item in &plan.items {
        let context = &item.record.contexts[0];
        let mut line = format!("{:<7} {:<44}", item.action.name(), shown(&item.record.target));
        let tlp = context.tlp.map_or(String::new(), |tlp| format!("TLP:{}", tlp.name().to_uppercase()));
        let countries: Vec<&str> = context.countries.iter().map(|c| c.code.as_str()).collect();
        line.push_str(&format!(" {tlp:<9} {}", countries.join(" ")));
        if item.government.is_some() {
            line.push_str(" government");
        }
        let taken: Vec<String> = item.removed.iter().map(|(class, n)| format!("{n} {class}")).collect();
        if !taken.is_empty() {
            line.push_str(&format!(" (taken out: {})", taken.join(", ")));
        }
        writeln!(out, "    {}", show::plain(&line))?;
    }
    writeln!(out, "    withheld:")?;
    for held in &plan.held {
        let reasons: Vec<String> =
            held.reasons.iter().map(|r| format!("{} {}", r.rule(), r.code())).collect();
        let value = shown(&records.all()[held.record].target);
        let short: String =
            if value.chars().count() > 44 { value.chars().take(43).chain(['…']).collect() } else { value };
        writeln!(out, "      {}", show::plain(&format!("{short:<44} {}", reasons.join(", "))))?;
    }
    Ok(())
}
