//! `share`: packages under agreements.

use std::io::{self, Write};
use std::path::Path;

use indicia::exchange::country::{Anycast, Mmdb, Sources};
use indicia::exchange::{self, ExchangeError, PlanFile, Share as Job, Shared};
use indicia::feed::Reader;

use super::keygen;
use crate::args::Share;
use crate::{Exit, feeds, show};

pub(crate) fn run(args: &Share) -> io::Result<Exit> {
    match share(args) {
        Ok((all, exit)) => {
            tell(&all, args.dry_run)?;
            let released: u64 = all.iter().map(|s| s.released + s.notices).sum();
            Ok(exit.max(if released == 0 { Exit::Nothing } else { Exit::Done }))
        }
        Err(error) => {
            for line in error.to_string().lines() {
                show::message(line);
            }
            Ok(Exit::Failed)
        }
    }
}

fn share(args: &Share) -> Result<(Vec<Shared>, Exit), ExchangeError> {
    let mut agreements = Vec::new();
    for path in &args.agreement {
        agreements.extend(exchange::read_agreements(path)?);
    }
    let key = exchange::read_secret_key(&args.signing.key, keygen::passphrase)?;
    let (countries, asns) = (mmdb(args.country_mmdb.as_deref())?, mmdb(args.asn_mmdb.as_deref())?);
    let anycast = match &args.anycast {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ExchangeError::Io { path: path.clone(), error })?;
            let list = Anycast::parse(&text);
            Some(list.map_err(|e| ExchangeError::Content(format!("{}: {e}", path.display())))?)
        }
    };
    let bar = feeds::progress("reading");
    let mut records = Vec::new();
    let mut sink = |record| records.push(record);
    let mut progress = |name: &str| bar.set_message(show::plain(name));
    let mut reader = Reader::new(&mut sink, &mut progress);
    for feed in &args.feeds {
        reader.read(&args.feed_options.spec(feed));
    }
    let report = reader.report;
    bar.set_prefix("deciding");
    let exit = feeds::tell(&report, args.feed_options.strict);
    let sources = Sources { countries: countries.as_ref(), asns: asns.as_ref(), anycast: anycast.as_ref() };
    let (records, broken) = exchange::gather(records, &sources);
    if broken > 0 {
        show::message(&format!(
            "{} without countries: the database's entry is broken",
            show::count(broken, "record")
        ));
    }
    let plan = args.plan.as_deref().map(PlanFile::read).transpose()?;
    let now = plan.as_ref().map_or(args.signing.as_of, |plan| plan.as_of);
    let job = Job { agreements: &agreements, records: &records, key: &key, now };
    let ledger = args.ledger.as_deref();
    let all = match &plan {
        _ if args.dry_run => {
            let (plan, all) = job.dry_run(ledger)?;
            plan.write(&args.output)?;
            all
        }
        Some(plan) => job.run_plan(ledger, &args.output, plan)?,
        None => job.run(ledger, &args.output)?,
    };
    bar.finish_and_clear();
    Ok((all, exit))
}

fn mmdb(path: Option<&Path>) -> Result<Option<Mmdb>, ExchangeError> {
    let Some(path) = path else { return Ok(None) };
    let bytes = std::fs::read(path).map_err(|error| ExchangeError::Io { path: path.to_path_buf(), error })?;
    let database = Mmdb::from_bytes(bytes);
    database.map(Some).map_err(|e| ExchangeError::Content(format!("{}: {e}", path.display())))
}

/// One object a line; on a terminal sentences.
pub(super) fn tell(all: &[Shared], dry: bool) -> io::Result<()> {
    use std::io::IsTerminal;
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    if !io::stdout().is_terminal() {
        for shared in all {
            serde_json::to_writer(&mut out, shared)?;
            out.write_all(b"\n")?;
        }
        return out.flush();
    }
    for shared in all {
        sentences(shared, dry, &mut out)?;
    }
    out.flush()
}

/// What came of one agreement, for people.
pub(super) fn sentences(shared: &Shared, dry: bool, out: &mut dyn Write) -> io::Result<()> {
    let would = if dry { " would go" } else { "" };
    writeln!(out, "{} for {}", show::plain(&shared.agreement), show::plain(&shared.recipient))?;
    writeln!(out, "  {}{would} released", show::count(shared.released, "item"))?;
    if shared.notices > 0 {
        writeln!(out, "  {} taken back", show::count(shared.notices, "item"))?;
    }
    for reason in indicia::exchange::Withheld::ALL {
        if let Some(n) = shared.withheld.get(reason.code()) {
            writeln!(
                out,
                "  {:>7} withheld by {:<3} {:<26} {}",
                show::number(*n),
                reason.rule(),
                reason.code(),
                reason.sentence()
            )?;
        }
    }
    for (class, n) in &shared.removed {
        writeln!(out, "  {:>7} taken out: {class}", show::number(*n))?;
    }
    if let Some(folder) = &shared.package {
        writeln!(out, "  package {} in {}", shared.counter, show::plain(&folder.to_string_lossy()))?;
        writeln!(out, "  over the telephone: {}", spoken(&shared.manifest))?;
    }
    Ok(())
}

/// The first 16 digits of a digest in groups of four.
fn spoken(digest: &str) -> String {
    let short = &digest[..digest.len().min(16)];
    short
        .as_bytes()
        .chunks(4)
        .map(|four| String::from_utf8_lossy(four).into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
