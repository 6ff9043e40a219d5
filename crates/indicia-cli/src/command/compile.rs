//! `compile`: feeds into a set file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicia::BuildOptions;
use indicia::feed::{LoadReport, Loader};
use indicia::{IndicatorSet, SetInfo};
use serde_json::{Value, json};

use crate::args::Compile;
use crate::{Exit, feeds, show};

pub(crate) fn run(args: &Compile) -> io::Result<Exit> {
    let options = BuildOptions { roles: args.role.clone(), profile: args.profile, ..BuildOptions::default() };
    let mut loader = Loader::new(options);
    if let Some(bytes) = args.memory {
        loader.bound_memory(bytes, &folder_of(&args.output));
    }
    let (set, report, exit) = feeds::load_into(loader, &args.feeds, &args.feed_options);
    if report.no_set {
        return Ok(Exit::Failed);
    }
    if let Err(error) = set.save(&args.output) {
        show::message(&error.to_string());
        return Ok(Exit::Failed);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", summary(&set, &report))?;
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

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
