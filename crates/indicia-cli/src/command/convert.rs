//! `convert`: any feed that is read into any format that is written.

use std::io::{self, Write};

use indicia::feeds::{FeedError, Format, LossReport, Writer};
use indicia::{BuildOptions, Indicator, IndicatorSet, OpenOptions, Profile, write_atomically};

use crate::args::Convert;
use crate::{Exit, feeds, show};

pub(crate) fn run(args: &Convert) -> io::Result<Exit> {
    // Everything is carried: what a set for matching leaves out belongs to a conversion.
    let options = BuildOptions { everything: true, ..BuildOptions::default() };
    let (set, _, mut exit) = feeds::load(&args.feeds, &args.feed_options, options, OpenOptions::default());
    if set.profile() != Profile::Default && args.to != Format::Jsonl {
        show::message(&format!(
            "the URLs follow {}, and {} holds those of {}; write jsonl, or convert the feeds that the set was compiled from",
            set.profile(),
            args.to.name(),
            Profile::Default
        ));
        return Ok(Exit::Failed);
    }
    let filter = args.filters.get();
    let filtered = filter != indicia::Filter::default();
    let keeps = |indicator: &mut Indicator| {
        if filtered {
            indicator.contexts.retain(|c| filter.passes(c, None));
        }
        !indicator.contexts.is_empty()
    };
    let mut loss = None;
    let result = match &args.output {
        Some(path) => write_atomically(path, |out| {
            loss = Some(write(&set, args, keeps, out)?);
            Ok(())
        }),
        None => {
            let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
            write(&set, args, keeps, &mut out).and_then(|l| {
                loss = Some(l);
                out.flush()
            })
        }
    };
    match (result, &args.output) {
        (Ok(()), _) => {}
        (Err(error), None) => return Err(error),
        (Err(error), Some(path)) => {
            show::message(&format!("{}: {error}", path.display()));
            return Ok(Exit::Failed);
        }
    }
    let unmarked = set.info().unmarked;
    if unmarked > 0 {
        show::message(&format!(
            "{} without TLP or PAP marking: for own use only",
            show::count(unmarked, "record")
        ));
    }
    if let Some(loss) = loss {
        tell(&loss, args.to.name());
        if loss.indicators == 0 && exit == Exit::Done {
            exit = Exit::Nothing;
        }
    }
    Ok(exit)
}

fn write(
    set: &IndicatorSet,
    args: &Convert,
    keeps: impl Fn(&mut Indicator) -> bool,
    out: &mut dyn Write,
) -> io::Result<LossReport> {
    let to_io = |error| match error {
        FeedError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    };
    let mut writer = Writer::new(args.to, out).map_err(to_io)?;
    for indicator in set.iter() {
        let mut indicator = indicator.to_indicator();
        if keeps(&mut indicator) {
            writer.write(&indicator).map_err(to_io)?;
        }
    }
    writer.finish().map_err(to_io)
}

/// What the format could not carry, on standard error.
fn tell(loss: &LossReport, format: &str) {
    for (why, n) in &loss.left_out {
        show::message(&format!("{} not written: {why}", show::count(*n, "indicator")));
    }
    if !loss.fields.is_empty() {
        let fields: Vec<String> =
            loss.fields.iter().map(|(field, n)| format!("{field} ({})", show::number(*n))).collect();
        show::message(&format!("{format} does not carry: {}", fields.join(", ")));
    }
}
