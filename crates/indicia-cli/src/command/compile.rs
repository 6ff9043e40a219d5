//! `compile`: feeds into a set file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicia::exchange;
use indicia::feed::{LoadReport, Loader};
use indicia::{BuildOptions, IndicatorSet, SetInfo, Stamp, key_name};
use serde_json::{Value, json};

use super::keygen;
use crate::args::Compile;
use crate::{Exit, feeds, show};

pub(crate) fn run(args: &Compile) -> io::Result<Exit> {
    let options = BuildOptions { roles: args.role.clone(), profile: args.profile, ..BuildOptions::default() };
    // What is wrong with the key is told before the work is done.
    let key = match args
        .sign
        .as_deref()
        .map(|path| exchange::read_secret_key(path, keygen::passphrase))
        .transpose()
    {
        Ok(key) => key,
        Err(error) => {
            show::message(&error.to_string());
            return Ok(Exit::Failed);
        }
    };
    let mut loader = Loader::new(options);
    if let Some(bytes) = args.memory {
        loader.bound_memory(bytes, &folder_of(&args.output));
    }
    let (set, report, exit) = feeds::load_into(loader, &args.feeds, &args.feed_options);
    if report.no_set {
        return Ok(Exit::Failed);
    }
    let stamp = Stamp { sequence: args.sequence, not_after: args.not_after, signature: None };
    let stamped = match &key {
        Some(key) => set.signed(key, stamp.sequence, stamp.not_after).map_err(|error| error.to_string()),
        // A set that is compiled again keeps nothing of what was said of it before.
        None if *set.stamp() != stamp => set.stamped(&stamp).map_err(|error| error.to_string()),
        None => Ok(set),
    };
    let set = match stamped {
        Ok(set) => set,
        Err(error) => {
            show::message(&error);
            return Ok(Exit::Failed);
        }
    };
    if let Err(error) = set.save(&args.output) {
        show::message(&error.to_string());
        return Ok(Exit::Failed);
    }
    let mut out = io::stdout().lock();
    let mut summary = summary(&set, &report);
    add_stamp(&set, &mut summary);
    writeln!(out, "{summary}")?;
    Ok(exit)
}

/// Where temporary files have the room that the set will need.
fn folder_of(output: &Path) -> PathBuf {
    match output.parent() {
        // A device or pipe.
        _ if output.metadata().is_ok_and(|to| !to.is_file()) => std::env::temp_dir(),
        Some(folder) if !folder.as_os_str().is_empty() => folder.into(),
        _ => PathBuf::from("."),
    }
}

fn summary(set: &IndicatorSet, report: &LoadReport) -> Value {
    let SetInfo { profile, kinds, feeds, indicators, contexts, .. } = set.info();
    let total = report.total();
    let refused: std::collections::BTreeMap<&str, u64> =
        total.refused.iter().map(|(r, n)| (r.slug(), *n)).collect();
    json!({
        "profile": profile,
        "indicators": indicators,
        "contexts": contexts,
        "kinds": kinds,
        "feeds": feeds,
        "records": total.records,
        "refused": refused,
        "left_out": report.build,
        "files": report.files.len(),
        "not_read": report.not_read.iter().map(|(name, format)| json!({ "path": name, "format": format.map(|f| f.name()) })).collect::<Vec<_>>(),
        "failed": report.failed.iter().map(|f| json!({ "path": f.name, "reason": f.reason.slug(), "message": f.message })).collect::<Vec<_>>(),
        "digest": hex(set.digest()),
    })
}

/// Adds what the publisher says of a set.
pub(crate) fn add_stamp(set: &IndicatorSet, object: &mut Value) {
    if set.sequence() > 0 {
        object["sequence"] = set.sequence().into();
    }
    if let Some(not_after) = set.not_after() {
        object["not_after"] = not_after.to_string().into();
    }
    if let Some((id, _)) = set.signature() {
        object["signed_by"] = key_name(&id).into();
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
