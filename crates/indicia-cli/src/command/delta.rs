//! `delta` and `apply`: from one set to the next.

use std::io::{self, Write};

use indicia::{Error, IndicatorSet};
use serde_json::{Value, json};

use super::compile::hex;
use crate::args::{Apply, DeltaArgs};
use crate::{Exit, show};

pub(crate) fn make(args: &DeltaArgs) -> io::Result<Exit> {
    told(|| {
        let (old, new) = (IndicatorSet::open(&args.old)?, IndicatorSet::open(&args.new)?);
        let (bytes, counts) = indicia::delta::save(&old, &new, &args.output)?;
        Ok(json!({
            "removed": counts.removed,
            "changed": counts.changed,
            "added": counts.added,
            "contexts": counts.contexts,
            "bytes": bytes,
            "from": hex(old.digest()),
            "to": hex(new.digest()),
        }))
    })
}

pub(crate) fn apply(args: &Apply) -> io::Result<Exit> {
    told(|| {
        let old = IndicatorSet::open(&args.old)?;
        let new = indicia::delta::load(&old, &args.delta)?;
        new.save(&args.output)?;
        Ok(json!({
            "indicators": new.len(),
            "sequence": new.sequence(),
            "from": hex(old.digest()),
            "digest": hex(new.digest()),
        }))
    })
}

/// Prints what was done, or tells why nothing was.
fn told(work: impl FnOnce() -> Result<Value, Error>) -> io::Result<Exit> {
    match work() {
        Ok(done) => {
            writeln!(io::stdout().lock(), "{done}")?;
            Ok(Exit::Done)
        }
        Err(error) => {
            show::message(&error.to_string());
            Ok(Exit::Failed)
        }
    }
}
