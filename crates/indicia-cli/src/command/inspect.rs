//! `inspect`: what a set holds.

use std::io::{self, Write};

use indicia::IndicatorSet;
use serde_json::json;

use super::compile::hex;
use crate::args::{Inspect, OutputFormat};
use crate::{Exit, show};

pub(crate) fn run(args: &Inspect) -> io::Result<Exit> {
    let fail = |message: String| {
        show::message(&format!("{}: {message}", args.set.display()));
        Ok(Exit::Failed)
    };
    let set = match IndicatorSet::open(&args.set) {
        Ok(set) => set,
        Err(error) => {
            show::message(&error.to_string());
            return Ok(Exit::Failed);
        }
    };
    if args.verify
        && let Err(error) = set.verify()
    {
        return fail(format!("{error}; it differs from what compile wrote: compile again or fetch it again"));
    }
    let info = set.info();
    let mut out = io::stdout().lock();
    if args.output.get() == OutputFormat::Text {
        writeln!(out, "{}", show::count(info.indicators, "indicator"))?;
        for (kind, n) in &info.kinds {
            writeln!(out, "  {kind:<16} {:>12}", show::number(*n))?;
        }
        writeln!(
            out,
            "{} of {}",
            show::count(info.contexts, "distinct context"),
            show::count(info.feeds.len() as u64, "feed")
        )?;
        for (feed, n) in &info.feeds {
            writeln!(out, "  {:<40} {:>12}", show::plain(feed), show::number(*n))?;
        }
        writeln!(out, "profile          {}", info.profile)?;
        writeln!(out, "public suffixes  {}", info.public_suffixes)?;
        writeln!(out, "digest           {}", hex(set.digest()))?;
        if args.verify {
            writeln!(out, "verified         every byte is as compile wrote it")?;
        }
    } else {
        let mut object = json!({
            "indicators": info.indicators,
            "contexts": info.contexts,
            "kinds": info.kinds,
            "feeds": info.feeds,
            "profile": info.profile,
            "public_suffixes": info.public_suffixes,
            "digest": hex(set.digest()),
            "bytes": set.as_bytes().len(),
        });
        if args.verify {
            object["verified"] = true.into();
        }
        writeln!(out, "{object}")?;
    }
    Ok(Exit::Done)
}
