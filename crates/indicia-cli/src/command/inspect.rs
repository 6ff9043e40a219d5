//! `inspect`: what a set holds.

use std::io::{self, Write};

use indicia::{IndicatorSet, OpenOptions, exchange, key_name};
use serde_json::json;

use super::compile::{add_stamp, hex};
use crate::args::{Inspect, OutputFormat};
use crate::{Exit, feeds, show};

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
    let mut refused = None;
    if let Some(path) = &args.key {
        let key = match exchange::read_public_key(path) {
            Ok(key) => Some(key),
            Err(error) => {
                show::message(&error.to_string());
                return Ok(Exit::Failed);
            }
        };
        let options = OpenOptions { key, now: Some(feeds::now()), ..OpenOptions::default() };
        refused = options.check(&set).err();
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
        if set.sequence() > 0 {
            writeln!(out, "sequence         {}", set.sequence())?;
        }
        if let Some(not_after) = set.not_after() {
            writeln!(out, "not after        {not_after}")?;
        }
        if let Some((id, _)) = set.signature() {
            let checked = match (&args.key, &refused) {
                (None, _) => "not checked: see --key",
                (_, None) => "checked",
                _ => "refused",
            };
            writeln!(out, "signed by        {} ({checked})", key_name(&id))?;
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
        add_stamp(&set, &mut object);
        if args.key.is_some() {
            object["signature"] = match &refused {
                None => json!({ "verified": true }),
                Some(why) => json!({ "verified": false, "reason": why.reason().slug() }),
            };
        }
        writeln!(out, "{object}")?;
    }
    match refused {
        Some(why) => fail(format!("refused: {why}")),
        None => Ok(Exit::Done),
    }
}
