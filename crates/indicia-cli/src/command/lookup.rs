//! `lookup`: what feeds say of single values.

use std::io::{self, Write};

use indicia::refang::defang;
use indicia::{AsOf, BuildOptions, Guard, Hit, Relation, ScanOptions, ScanRefang, Scratch};
use serde::Serialize;
use serde_json::json;

use super::values::error_object;
use crate::Exit;
use crate::args::{Guarded, Lookup, OutputFormat};
use crate::hits::{Record, who};
use crate::{data, feeds, show};

#[derive(Serialize)]
struct HitOut<'h> {
    relation: Relation,
    indicator: Record<'h>,
    #[serde(skip_serializing_if = "<[Guard]>::is_empty")]
    guard: &'h [Guard],
}

pub(crate) fn run(args: Lookup) -> io::Result<Exit> {
    if args.values.is_empty() && data::nothing_to_read(&[]) {
        return Err(io::Error::other("no value given, and standard input is a terminal; see --help"));
    }
    let roles = BuildOptions { roles: args.filters.role.clone(), ..BuildOptions::default() };
    let Some(open) = args.trust.get() else { return Ok(Exit::Failed) };
    let (set, _, mut exit) = feeds::load(&args.feeds, &args.feed_options, roles, open);
    // No answer, where "no hits" would say more than is known.
    if exit == Exit::Failed && set.is_empty() {
        return Ok(exit);
    }
    let (guards, lists) = args.matching.guards();
    exit = exit.max(lists);
    let options = ScanOptions {
        filter: args.filters.get(),
        guards,
        refang: ScanRefang::default(),
        ignore_ports: args.matching.ignore_ports,
        url_hosts: args.matching.url_hosts,
        strict_scheme: args.matching.strict_scheme,
        ..ScanOptions::default()
    };
    let now = match options.filter.as_of {
        AsOf::At(time) => time,
        _ => feeds::now(),
    };
    let format = args.output.get();
    if matches!(format, OutputFormat::Csv | OutputFormat::Ecs) {
        return Err(io::Error::other("lookup writes text and jsonl"));
    }
    let guarded = args.matching.guarded.unwrap_or(Guarded::Show);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut scratch = Scratch::default();
    let mut found = false;
    for raw in data::values(args.values)? {
        match set.lookup(&raw, args.kind, &options, &mut scratch) {
            Ok((observable, hits)) => {
                let hits: Vec<Hit<'_>> = hits
                    .into_iter()
                    .filter(|hit| match guarded {
                        Guarded::Show => true,
                        Guarded::Hide => hit.guards.is_empty(),
                        Guarded::Only => !hit.guards.is_empty(),
                    })
                    .collect();
                found |= !hits.is_empty();
                if format == OutputFormat::Text {
                    text(&mut out, observable.kind(), observable.value(), &hits)?;
                    continue;
                }
                let hits: Vec<HitOut<'_>> = hits
                    .iter()
                    .map(|hit| HitOut {
                        relation: hit.relation,
                        indicator: Record::new(hit.indicator, hit.contexts.iter().copied(), now),
                        guard: &hit.guards,
                    })
                    .collect();
                let line = json!({ "raw": raw, "kind": observable.kind(), "value": observable.value(), "hits": hits });
                writeln!(out, "{line}")?;
            }
            Err(error) => {
                exit = Exit::Failed;
                if format == OutputFormat::Text {
                    show::message(&format!("{raw}: {error}"));
                } else {
                    writeln!(out, "{}", json!({ "raw": raw, "error": error_object(&error) }))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(match (exit, found) {
        (Exit::Failed, _) => Exit::Failed,
        (_, false) => Exit::Nothing,
        _ => Exit::Done,
    })
}

fn text(out: &mut dyn Write, kind: indicia::Kind, value: &str, hits: &[Hit<'_>]) -> io::Result<()> {
    writeln!(
        out,
        "{} [{kind}] {}",
        show::plain(&defang(kind, value)),
        show::count(hits.len() as u64, "hit")
    )?;
    for hit in hits {
        let listed = show::plain(&defang(hit.indicator.kind(), hit.indicator.value()));
        write!(out, "  {listed} [{}] {}", hit.relation, who(hit.contexts.iter().copied()))?;
        for guard in &hit.guards {
            write!(out, " (doubtful: {}, {})", guard.rule, show::plain(&guard.source))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
