//! `compile`: feeds into a set file.

use std::io::{self, Write};

use indicia::BuildOptions;
use indicia::feed::LoadReport;
use indicia::{IndicatorSet, SetInfo};
use serde_json::{Value, json};

use crate::args::Compile;
use crate::{Exit, feeds, show};

pub(crate) fn run(args: &Compile) -> io::Result<Exit> {
    let options = BuildOptions { roles: args.role.clone(), profile: args.profile, ..BuildOptions::default() };
    let (set, report, exit) = feeds::load(&args.feeds, &args.feed_options, options);
    if let Err(error) = set.save(&args.output) {
        show::message(&error.to_string());
        return Ok(Exit::Failed);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", summary(&set, &report))?;
    Ok(exit)
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
