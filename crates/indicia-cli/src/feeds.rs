//! Feeds named on the command line: read with progress, and what came of it told on standard error.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use indicia::feed::{FeedSpec, LoadReport, Loader};
use indicia::feeds::ReadOptions;
use indicia::{AsOf, BuildOptions, Filter, Guards, IndicatorSet, OpenOptions, Time};

use crate::Exit;
use crate::args::{AsOfArg, FeedOptions, Filters, Matching, Trust};
use crate::show::{self, count};

/// The current time. The core has no clock.
pub(crate) fn now() -> Time {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Time::from_unix(seconds as i64).unwrap_or_default()
}

impl Filters {
    pub(crate) fn get(&self) -> Filter {
        Filter {
            roles: self.role.clone(),
            labels: self.label.clone(),
            min_confidence: self.min_confidence,
            max_tlp: self.max_tlp,
            as_of: match self.as_of {
                None => AsOf::Any,
                Some(AsOfArg::Now) => AsOf::At(now()),
                Some(AsOfArg::Event) => AsOf::Event,
                Some(AsOfArg::At(time)) => AsOf::At(time),
            },
            revoked: self.revoked,
        }
    }
}

impl Matching {
    /// The guards, and the worst of what reading the lists came to.
    pub(crate) fn guards(&self) -> (Guards, Exit) {
        if self.no_guard {
            return (Guards::off(), Exit::Done);
        }
        warninglists(&self.warninglist)
    }
}

/// Guards with these lists, and the worst of what reading them came to.
pub(crate) fn warninglists(paths: &[PathBuf]) -> (Guards, Exit) {
    let (lists, unread) = indicia::warninglists(paths);
    for list in &unread {
        show::message(&list.to_string());
    }
    (Guards { lists, ..Guards::default() }, if unread.is_empty() { Exit::Done } else { Exit::Failed })
}

impl FeedOptions {
    /// The feed that an argument names, with what the options say.
    pub(crate) fn spec(&self, path: &Path) -> FeedSpec {
        let mut spec = FeedSpec::new(path);
        spec.format = spec.format.or(self.from);
        spec.options = ReadOptions {
            feed: self.name.clone(),
            producer: self.producer.clone(),
            tlp: self.tlp,
            pap: self.pap,
            default_role: self.default_role,
            match_: self.match_,
            ..ReadOptions::default()
        };
        spec
    }
}

/// A spinner on a terminal, nothing elsewhere.
pub(crate) fn progress(what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

impl Trust {
    /// What sets must be, at this time. Without its key nothing can be checked: that is told, and there is nothing to do.
    pub(crate) fn get(&self) -> Option<OpenOptions> {
        let mut options =
            OpenOptions { min_sequence: self.min_sequence, now: Some(now()), ..OpenOptions::default() };
        if let Some(path) = &self.key {
            match indicia::exchange::read_public_key(path) {
                Ok(key) => options.key = Some(key),
                Err(error) => {
                    show::message(&error.to_string());
                    return None;
                }
            }
        }
        Some(options)
    }
}

/// Reads feeds into a set and tells what came of it. Sets among them must be what `open` asks for.
pub(crate) fn load(
    feeds: &[PathBuf],
    options: &FeedOptions,
    build: BuildOptions,
    open: OpenOptions,
) -> (IndicatorSet, LoadReport, Exit) {
    let mut loader = Loader::new(build);
    loader.open_sets_with(open);
    load_into(loader, feeds, options)
}

/// As [`load`], by a loader that was made for it.
pub(crate) fn load_into(
    mut loader: Loader,
    feeds: &[PathBuf],
    options: &FeedOptions,
) -> (IndicatorSet, LoadReport, Exit) {
    let bar = progress("reading");
    for feed in feeds {
        loader.add_with(&options.spec(feed), &mut |name| bar.set_message(show::plain(name)));
    }
    bar.set_prefix("compiling");
    bar.set_message("");
    let (set, report) = loader.finish();
    bar.finish_and_clear();
    let exit = tell(&report, options.strict);
    (set, report, exit)
}

/// Tells on standard error what was not read, and gives the status that follows from it.
pub(crate) fn tell(report: &LoadReport, strict: bool) -> Exit {
    let mut exit = Exit::Done;
    for failed in &report.failed {
        show::message(&format!("{}: {}", failed.name, failed.message));
        exit = Exit::Failed;
    }
    let mut not_read: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for (name, format) in &report.not_read {
        let entry = not_read.entry(format.map_or("unknown", |f| f.name())).or_insert((0, name));
        entry.0 += 1;
    }
    for (format, (files, example)) in not_read {
        let what = if format == "unknown" {
            "format not recognised (name it with --from)"
        } else {
            "format not read"
        };
        show::message(&format!("{what}: {format}, {}, such as {example}", count(files, "file")));
    }
    for (name, version) in &report.other_suffixes {
        show::message(&format!(
            "{name}: compiled with {version}; {} is in use here (see --psl)",
            indicia::data::psl::version()
        ));
    }
    let total = report.total();
    let refused = total.refused_total();
    if refused > 0 {
        let by_reason: Vec<String> = total
            .refused
            .iter()
            .map(|(reason, n)| format!("{} {}", show::number(*n), reason.slug()))
            .collect();
        show::message(&format!("{} refused: {}", count(refused, "record"), by_reason.join(", ")));
        let first = report.files.iter().find_map(|(name, r)| Some((name, r.examples.first()?)));
        if let Some((name, example)) = first {
            show::message(&format!("first: {name}, {}: {} ({})", example.place, example.reason, example.raw));
        }
        if strict {
            exit = Exit::Failed;
        }
    }
    let build = &report.build;
    for (n, what) in [
        (build.left_out_by_role, "left out: somebody to notify, or a role not asked for (see --role)"),
        (build.not_for_detection, "left out: its source says that it is not for detection"),
        (build.other_profile, "left out: a URL that follows another profile than the set"),
        (build.public_suffixes, "listed with everything below it is a public suffix: matched exactly only"),
        (build.not_masks, "left out: said to be a mask, and none"),
        (
            build.masks_not_scanned,
            "with a mask over values that scan does not find in text: matched by lookup only",
        ),
        (
            build.masks_always_tried,
            "with a mask that has no three fixed bytes: tried on every value, which is slow",
        ),
    ] {
        if n > 0 {
            show::message(&format!("{} {what}", count(n, "record")));
        }
    }
    exit
}
