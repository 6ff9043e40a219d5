//! Feeds from files: what to read, as what, and what came of it.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use indicia_core::{BuildOptions, BuildReport, Indicator, Kind, Profile, Reason, SetBuilder};
use indicia_feeds::{FeedError, Format, HEAD_BYTES, ReadOptions, Report, Sink as _, list};

use crate::input::{Event, Visitor, Walker};
use crate::spill::Spill;
use crate::{IndicatorSet, OpenOptions};

mod sink;
mod threads;

use sink::Sink;
use threads::{Feed, Helpers, Target};

/// A feed: where it is, and what is known about it.
#[derive(Clone, Debug, Default)]
pub struct FeedSpec {
    /// A file, folder, archive or set, or `-` for standard input.
    pub path: PathBuf,
    /// Its format; found by content where absent.
    pub format: Option<Format>,
    /// What is known beside its content.
    pub options: ReadOptions,
}

impl FeedSpec {
    /// A feed by its path, or `FORMAT:PATH`.
    pub fn new(text: &Path) -> FeedSpec {
        if let Some(text) = text.to_str()
            && let Some((format, path)) = text.split_once(':')
            && let Some(format) = Format::from_name(format)
        {
            return FeedSpec { path: path.into(), format: Some(format), ..FeedSpec::default() };
        }
        FeedSpec { path: text.into(), ..FeedSpec::default() }
    }
}

/// A feed, or a part of one, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The file or member.
    pub name: String,
    /// Why, in the table of reasons.
    pub reason: Reason,
    /// Why, for people.
    pub message: String,
}

/// What came of reading feeds.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Each file or member that was read, with its counts.
    pub files: Vec<(String, Report)>,
    /// What could not be read.
    pub failed: Vec<Failed>,
    /// Files of a format that is recognised and not read, or not recognised.
    pub not_read: Vec<(String, Option<Format>)>,
    /// README, LICENSE and dot-files that were passed over.
    pub skipped: u64,
    /// What the set did not take.
    pub build: BuildReport,
    /// Sets that were compiled with another version of the Public Suffix List, and which. Their indicators are taken
    /// over by the list in use.
    pub other_suffixes: Vec<(String, String)>,
    /// Temporary files failed (see [`Loader::bound_memory`]): the set is empty, and should not be used.
    pub no_set: bool,
}

impl LoadReport {
    /// The counts of all files together.
    pub fn total(&self) -> Report {
        let mut total = Report::default();
        for (_, report) in &self.files {
            total.merge(report.clone());
        }
        total
    }

    fn fail(&mut self, name: &str, reason: Reason, message: String) {
        self.failed.push(Failed { name: name.to_string(), reason, message });
    }
}

/// The profile that all URLs of a reading follow. Those of one profile are never compared with those of another,
/// so what follows another is not read.
#[derive(Clone, Debug)]
struct Agreed {
    /// `None` until the first feed.
    profile: Option<Profile>,
    /// The set that brought its profile, where nobody said one.
    by: Option<String>,
}

impl Agreed {
    /// The profile that a text of a feed is read by.
    fn for_feed(&mut self, asked: Profile) -> Result<Profile, String> {
        let agreed = *self.profile.get_or_insert(asked);
        match &self.by {
            // What was said holds for every feed that says nothing itself.
            None if asked == Profile::Default || asked == agreed => Ok(agreed),
            Some(_) if asked == agreed => Ok(agreed),
            Some(set) => Err(format!(
                "its URLs would be read under {asked}, and those of {set} follow {agreed}; compile it under {agreed} first"
            )),
            None => Err(format!(
                "its URLs would be read under {asked}, and those of the other feeds under {agreed}"
            )),
        }
    }

    /// Whether a set whose URLs follow a profile can come in.
    fn for_set(&mut self, name: &str, profile: Profile) -> Result<(), String> {
        if self.profile.is_none() {
            (self.profile, self.by) = (Some(profile), Some(name.to_string()));
        }
        match (self.profile, &self.by) {
            (Some(agreed), _) if agreed == profile => Ok(()),
            (agreed, by) => Err(format!(
                "its URLs follow {profile}, and those of {} {}; read the feeds of both under one profile",
                by.as_deref().unwrap_or("the other feeds"),
                agreed.unwrap_or_default(),
            )),
        }
    }
}

/// Reads feeds and hands every indicator to a function.
pub struct Reader<'s> {
    sink: Sink<'s>,
    agreed: Agreed,
    open: OpenOptions,
    /// Called with the name of each file before it is read.
    pub progress: &'s mut dyn FnMut(&str),
    /// Threads that read beside the one that walks and hands on, 0 for none: the order of indicators and reports is the
    /// same.
    pub helpers: usize,
    /// What came of it so far.
    pub report: LoadReport,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("report", &self.report).finish_non_exhaustive()
    }
}

impl<'s> Reader<'s> {
    /// A reader that hands indicators to `sink`, URLs under `default@1`.
    pub fn new(sink: &'s mut dyn FnMut(Indicator), progress: &'s mut dyn FnMut(&str)) -> Reader<'s> {
        Reader::into_sink(Sink::Each(sink), progress)
    }

    fn into_sink(sink: Sink<'s>, progress: &'s mut dyn FnMut(&str)) -> Reader<'s> {
        let agreed = Agreed { profile: Some(Profile::Default), by: None };
        Reader {
            sink,
            agreed,
            open: OpenOptions::default(),
            progress,
            helpers: 0,
            report: LoadReport::default(),
        }
    }

    /// Reads one feed. What fails is in the report; the rest is done.
    pub fn read(&mut self, spec: &FeedSpec) {
        if spec.path.file_name().is_some_and(|n| n.to_string_lossy().ends_with("feeds.toml"))
            && spec.format.is_none()
        {
            self.read_list(spec);
            return;
        }
        if self.helpers == 0 {
            self.walk(spec, None);
            return;
        }
        std::thread::scope(|scope| self.walk(spec, Some(Helpers::new(scope, self.helpers))));
    }

    fn walk(&mut self, spec: &FeedSpec, helpers: Option<Helpers<'_, '_>>) {
        let mut visit = Visit { reader: self, spec, helpers };
        let walker = Walker { skip_documents: true, ..Walker::default() };
        let _ = if spec.path.as_os_str() == "-" {
            walker.reader("-", &mut io::stdin().lock(), &mut visit)
        } else {
            walker.path(&spec.path, &mut visit)
        };
        visit.settle();
    }

    fn read_list(&mut self, spec: &FeedSpec) {
        let name = spec.path.to_string_lossy().into_owned();
        let text = match std::fs::read_to_string(&spec.path) {
            Ok(text) => text,
            Err(error) => {
                self.report.fail(&name, Reason::Io, error.to_string());
                return;
            }
        };
        match list::parse(&text) {
            Ok(entries) => {
                let folder = spec.path.parent().unwrap_or(Path::new("."));
                for entry in entries {
                    let mut options = entry.options.clone();
                    options.tlp = options.tlp.max(spec.options.tlp);
                    options.pap = options.pap.max(spec.options.pap);
                    options.profile = spec.options.profile;
                    self.read(&FeedSpec { path: folder.join(&entry.path), format: entry.from, options });
                }
            }
            Err(error) => {
                self.report.fail(&name, error.reason(), error.to_string());
            }
        }
    }
}

struct Visit<'v, 's, 'scope, 'env> {
    reader: &'v mut Reader<'s>,
    spec: &'v FeedSpec,
    helpers: Option<Helpers<'scope, 'env>>,
}

impl Visitor for Visit<'_, '_, '_, '_> {
    fn stream(&mut self, name: &str, relative: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        (self.reader.progress)(name);
        let mut head = Vec::with_capacity(HEAD_BYTES);
        input.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        if indicia_core::IndicatorSet::is_set(&head) {
            self.settle();
            let mut bytes = head;
            input.read_to_end(&mut bytes)?;
            match indicia_core::IndicatorSet::from_bytes(&bytes) {
                Ok(set) => {
                    if let Err(unwanted) = self.reader.open.check(&set) {
                        self.fail(name, unwanted.reason(), unwanted.to_string());
                        return Ok(ControlFlow::Continue(()));
                    }
                    let version = &set.info().public_suffixes;
                    if version != indicia_core::data::psl::version() {
                        self.reader.report.other_suffixes.push((name.to_string(), version.clone()));
                    }
                    let has_urls = set.info().kinds.contains_key(Kind::Url.name());
                    if has_urls && let Err(message) = self.reader.agreed.for_set(name, set.profile()) {
                        self.fail(name, Reason::ProfileMismatch, message);
                        return Ok(ControlFlow::Continue(()));
                    }
                    let mut report = Report { format: Some(Format::Jsonl), ..Report::default() };
                    for indicator in set.iter() {
                        report.records += 1;
                        report.indicators += 1;
                        self.reader.sink.take(indicator.to_indicator());
                    }
                    self.reader.report.files.push((name.to_string(), report));
                }
                Err(error) => self.fail(name, error.reason(), error.to_string()),
            }
            return Ok(ControlFlow::Continue(()));
        }
        if self.reader.open.wants_signature() {
            self.fail(
                name,
                Reason::SetUnsigned,
                "no set, so nobody signed it; only signed sets were asked for".into(),
            );
            return Ok(ControlFlow::Continue(()));
        }
        let format = self.spec.format.or_else(|| indicia_feeds::detect(relative, &head));
        let Some(readable) = format.filter(|f| f.is_read()) else {
            let empty = head.iter().all(u8::is_ascii_whitespace);
            if empty {
                let name = name.to_string();
                self.tell(|report| report.files.push((name, Report::default())));
            } else if self.is_the_feed(name) {
                // Named by itself, it was meant to be read.
                match format {
                    Some(format) => {
                        let error = FeedError::NotRead { format };
                        self.fail(name, error.reason(), error.to_string());
                    }
                    None => {
                        self.fail(name, Reason::UnknownFormat, Reason::UnknownFormat.message().to_string())
                    }
                }
            } else {
                let name = name.to_string();
                self.tell(move |report| report.not_read.push((name, format)));
            }
            return Ok(ControlFlow::Continue(()));
        };
        let mut options = self.spec.options.clone();
        options.feed.get_or_insert_with(|| relative.to_string());
        match self.reader.agreed.for_feed(options.profile) {
            Ok(profile) => options.profile = profile,
            Err(message) => {
                self.fail(name, Reason::ProfileMismatch, message);
                return Ok(ControlFlow::Continue(()));
            }
        }
        let mut input = io::Cursor::new(head).chain(input);
        if let Some(helpers) = &mut self.helpers {
            let mut to = Target { sink: &mut self.reader.sink, report: &mut self.reader.report };
            helpers.read(Feed { name, format: readable, options }, &mut input, &mut to);
            return Ok(ControlFlow::Continue(()));
        }
        let mut input = io::BufReader::with_capacity(1 << 17, input);
        match indicia_feeds::read_into(readable, &mut input, &options, &mut self.reader.sink) {
            Ok(report) => self.reader.report.files.push((name.to_string(), report)),
            Err(error) => self.fail(name, error.reason(), error.to_string()),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn event(&mut self, name: &str, event: Event) {
        match event {
            Event::Skipped => self.tell(|report| report.skipped += 1),
            Event::Failed(error) => self.fail(name, Reason::Io, error.to_string()),
        }
    }
}

impl Visit<'_, '_, '_, '_> {
    /// Whether a stream is what the user named, not a part of a folder or archive.
    fn is_the_feed(&self, name: &str) -> bool {
        name == self.spec.path.to_string_lossy()
    }

    fn fail(&mut self, name: &str, reason: Reason, message: String) {
        let name = name.to_string();
        self.tell(move |report| report.fail(&name, reason, message));
    }

    /// Says something in the report, behind all that is still being read.
    fn tell(&mut self, fact: impl FnOnce(&mut LoadReport) + 'static) {
        match &mut self.helpers {
            None => fact(&mut self.reader.report),
            Some(helpers) => {
                let mut to = Target { sink: &mut self.reader.sink, report: &mut self.reader.report };
                helpers.tell(&mut to, fact);
            }
        }
    }

    /// Waits for all that is still being read.
    fn settle(&mut self) {
        if let Some(helpers) = &mut self.helpers {
            helpers.settle(&mut Target { sink: &mut self.reader.sink, report: &mut self.reader.report });
        }
    }
}

/// Reads feeds into a set.
#[derive(Debug)]
pub struct Loader {
    options: BuildOptions,
    builder: SetBuilder,
    spill: Option<Spill>,
    agreed: Agreed,
    report: LoadReport,
    open: OpenOptions,
    helpers: usize,
    /// What a set must be to be taken as it is; `None` where something else was read or is asked for.
    as_is: Option<AsIs>,
}

/// Sets that are to be taken as they are.
#[derive(Debug)]
struct AsIs {
    profile: Option<Profile>,
    /// The only feed so far.
    opened: Option<(FeedSpec, IndicatorSet)>,
}

impl AsIs {
    /// Opens a set in which a builder would change nothing. Whatever is in the way is told where it is read as a feed.
    fn open(&self, spec: &FeedSpec, options: &OpenOptions) -> Option<IndicatorSet> {
        let mut head = Vec::new();
        if !spec.path.metadata().ok()?.is_file() {
            return None;
        }
        std::fs::File::open(&spec.path).ok()?.take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
        let set = Some(head).filter(|head| indicia_core::IndicatorSet::is_set(head));
        let set = set.and_then(|_| IndicatorSet::open_with(&spec.path, options).ok())?;
        set.check().ok()?;
        let info = set.info();
        let same = info.carried == 0
            && info.public_suffixes == indicia_core::data::psl::version()
            && self.profile.is_none_or(|profile| profile == set.profile());
        same.then_some(set)
    }
}

impl Loader {
    /// A loader for a set with these options. Without a profile there, sets keep theirs, and feeds are read under
    /// what their options say. What follows another profile than the rest is not read, and is among the failed.
    pub fn new(options: BuildOptions) -> Loader {
        let agreed = Agreed { profile: options.profile, by: None };
        let as_is = (options.roles.is_empty() && !options.everything)
            .then_some(AsIs { profile: options.profile, opened: None });
        let helpers = std::thread::available_parallelism().map_or(1, usize::from);
        let open = OpenOptions::default();
        Loader {
            builder: SetBuilder::new(options.clone()),
            options,
            spill: None,
            agreed,
            report: LoadReport::default(),
            open,
            helpers,
            as_is,
        }
    }

    /// Says what sets among the feeds must be; those that are not are among the failed. Where that is a signature,
    /// feeds of other formats are too: a set must not be replaced by something that nobody signed.
    pub fn open_sets_with(&mut self, options: OpenOptions) {
        self.open = options;
    }

    /// Reads with so many threads beside the calling one, 0 for none; without this with one for each processor. The set
    /// and the report are the same.
    pub fn helpers(mut self, helpers: usize) -> Loader {
        self.helpers = helpers;
        self
    }

    /// Bounds the memory of what was read: more than about so many bytes of it go into temporary files in a folder, and are
    /// merged at the end. The set is the same, byte for byte. Not bounded are each distinct context and mask, what one
    /// record takes, and the finished set with its indexes while they are made. Files are gone when the loader is.
    pub fn bound_memory(&mut self, bytes: u64, folder: &Path) {
        self.spill = Some(Spill::new(bytes, folder));
    }

    /// Reads one feed into the set to be.
    pub fn add(&mut self, spec: &FeedSpec) {
        self.add_with(spec, &mut |_| {});
    }

    /// As [`Loader::add`], told the name of each file before it is read.
    ///
    /// A set that is the only feed, and in which the builder would change nothing, is opened as by
    /// [`IndicatorSet::open`] and not read.
    pub fn add_with(&mut self, spec: &FeedSpec, progress: &mut dyn FnMut(&str)) {
        match self.as_is.take() {
            Some(AsIs { opened: Some((first, _)), .. }) => self.read(&first, progress),
            Some(mut as_is) => {
                as_is.opened = as_is.open(spec, &self.open).map(|set| (spec.clone(), set));
                if as_is.opened.is_some() {
                    progress(&spec.path.to_string_lossy());
                    self.as_is = Some(as_is);
                    return;
                }
            }
            None => {}
        }
        self.read(spec, progress);
    }

    fn read(&mut self, spec: &FeedSpec, progress: &mut dyn FnMut(&str)) {
        let sink = Sink::Builder {
            builder: &mut self.builder,
            spill: &mut self.spill,
            options: self.options.clone(),
        };
        let mut reader = Reader::into_sink(sink, progress);
        reader.agreed = self.agreed.clone();
        reader.open = self.open.clone();
        reader.helpers = self.helpers;
        reader.report = std::mem::take(&mut self.report);
        reader.read(spec);
        (self.report, self.agreed) = (reader.report, reader.agreed);
    }

    /// The set, and what came of reading. Where temporary files failed, which only [`Loader::bound_memory`] makes, the set
    /// is empty and the failure is in the report.
    pub fn finish(mut self) -> (IndicatorSet, LoadReport) {
        if let Some(AsIs { opened: Some((spec, set)), .. }) = self.as_is {
            let info = set.info();
            let (records, indicators) = (info.indicators, info.indicators);
            let report = Report { format: Some(Format::Jsonl), records, indicators, ..Report::default() };
            self.report.files.push((spec.path.to_string_lossy().into_owned(), report));
            self.report.build.other = info.kinds.get(Kind::Other.name()).copied().unwrap_or(0);
            return (set, self.report);
        }
        if let Some(profile) = self.agreed.profile {
            self.builder.adopt_profile(profile);
        }
        self.report.build = self.builder.report().clone();
        self.builder.use_threads(self.helpers);
        let Some(spill) = self.spill else { return (self.builder.finish().into(), self.report) };
        let folder = spill.folder.clone();
        let set = spill.finish(self.builder).unwrap_or_else(|error| {
            let message = format!("temporary files: {error}");
            let name = folder.to_string_lossy().into_owned();
            self.report.failed.push(Failed { name, reason: Reason::Io, message });
            self.report.no_set = true;
            SetBuilder::new(BuildOptions::default()).finish()
        });
        (set.into(), self.report)
    }
}
