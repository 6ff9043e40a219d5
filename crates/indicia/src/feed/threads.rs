//! Feeds read on several threads, and handed on as if one had read them: in the order of the files and their records.
//!
//! The walk reads bytes and gives them to helpers: a file of some mebibytes as it is, a larger one in parts where its
//! format can be read so ([`Parts`]). What comes of them is taken in the order in which they were given, by the thread
//! that walks. What cannot be read in parts is read by that thread, when all before it was taken.
//!
//! Memory is bounded: [`IN_FLIGHT`] bytes of files that were read ahead, some thousand indicators of each, and four
//! parts a helper with what they hold.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use indicia_core::{Context, Indicator};
use indicia_feeds::{FeedError, Format, PartReport, Parts, ReadOptions, Report};

use super::LoadReport;
use super::sink::{Gathered, Gatherer, Sink};

/// The size of a part.
const PART: usize = 128 << 10;
/// The longest line that a part is made for.
const LONG: usize = 4 << 20;
/// The largest file that is read by one helper as a whole.
const WHOLE: usize = 16 << 20;
/// The bytes of files that were read ahead.
const IN_FLIGHT: usize = 64 << 20;
/// Indicators that are handed on together.
const BATCH: usize = 1024;

type Job = Box<dyn FnOnce() + Send>;
type Fact = Box<dyn FnOnce(&mut LoadReport)>;

/// The threads, and what is due from them.
pub(super) struct Helpers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    threads: usize,
    started: bool,
    jobs: Sender<Job>,
    waiting: Arc<Mutex<Receiver<Job>>>,
    due: VecDeque<Due>,
    in_flight: usize,
}

/// What is taken in order.
enum Due {
    File { name: String, bytes: usize, said: Receiver<Said> },
    Fact(Fact),
}

/// What a helper says of a file.
enum Said {
    Indicators(Gathered),
    End(Result<Report, FeedError>),
}

/// What a helper says of a part.
struct Part {
    text: Vec<u8>,
    indicators: Gathered,
    result: Result<PartReport, FeedError>,
}

/// Where what was read goes.
pub(super) struct Target<'t, 's> {
    pub(super) sink: &'t mut Sink<'s>,
    pub(super) report: &'t mut LoadReport,
}

/// A feed to be read.
pub(super) struct Feed<'f> {
    pub(super) name: &'f str,
    pub(super) format: Format,
    pub(super) options: ReadOptions,
}

impl<'scope, 'env> Helpers<'scope, 'env> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, threads: usize) -> Helpers<'scope, 'env> {
        let (jobs, waiting) = channel();
        Helpers {
            scope,
            threads,
            started: false,
            jobs,
            waiting: Arc::new(Mutex::new(waiting)),
            due: VecDeque::new(),
            in_flight: 0,
        }
    }

    fn give(&mut self, job: Job) {
        if !self.started {
            self.started = true;
            for _ in 0..self.threads {
                let waiting = Arc::clone(&self.waiting);
                self.scope.spawn(move || {
                    loop {
                        // The lock is let go before the job is done.
                        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        match job {
                            Ok(job) => job(),
                            Err(_) => return,
                        }
                    }
                });
            }
        }
        // The receiver is held here: sending cannot fail.
        let _ = self.jobs.send(job);
    }

    /// Says something in the report, behind all that was given before.
    pub(super) fn tell(&mut self, to: &mut Target<'_, '_>, fact: impl FnOnce(&mut LoadReport) + 'static) {
        if self.due.is_empty() {
            fact(to.report);
        } else {
            self.due.push_back(Due::Fact(Box::new(fact)));
        }
    }

    /// Takes all that is due.
    pub(super) fn settle(&mut self, to: &mut Target<'_, '_>) {
        while let Some(due) = self.due.pop_front() {
            self.take(due, to);
        }
    }

    fn take(&mut self, due: Due, to: &mut Target<'_, '_>) {
        match due {
            Due::Fact(fact) => fact(to.report),
            Due::File { name, bytes, said } => {
                self.in_flight -= bytes;
                // A helper that panicked says nothing more: the scope of the threads passes that on.
                while let Ok(said) = said.recv() {
                    match said {
                        Said::Indicators(batch) => to.sink.take_all(batch),
                        Said::End(Ok(report)) => to.report.files.push((name.clone(), report)),
                        Said::End(Err(error)) => to.report.fail(&name, error.reason(), error.to_string()),
                    }
                }
            }
        }
    }

    /// Reads a feed from a stream.
    pub(super) fn read(&mut self, feed: Feed<'_>, input: &mut dyn Read, to: &mut Target<'_, '_>) {
        let mut source = Source { input, carried: Vec::new(), ended: false, failed: None };
        let start = source.part();
        let parts = start.as_deref().filter(|_| !source.ended);
        let parts = parts.and_then(|start| Parts::of(feed.format, start, &feed.options));
        let mut text = start.unwrap_or_default();
        if let Some(parts) = parts {
            self.settle(to);
            self.in_parts(feed, parts, text, source, to);
            return;
        }
        // What was read of it so far is in front again.
        text.append(&mut source.carried);
        source.read_to(&mut text, WHOLE);
        if source.ended && source.failed.is_none() {
            self.whole(feed, text, to);
            return;
        }
        self.settle(to);
        let mut input = io::BufReader::with_capacity(PART, io::Cursor::new(text).chain(source.rest()));
        match indicia_feeds::read_into(feed.format, &mut input, &feed.options, to.sink) {
            Ok(report) => to.report.files.push((feed.name.to_string(), report)),
            Err(error) => to.report.fail(feed.name, error.reason(), error.to_string()),
        }
    }

    fn whole(&mut self, feed: Feed<'_>, text: Vec<u8>, to: &mut Target<'_, '_>) {
        let bytes = text.len();
        while self.in_flight + bytes > IN_FLIGHT || self.due.len() > 64 * self.threads {
            let Some(due) = self.due.pop_front() else { break };
            self.take(due, to);
        }
        let (say, said) = sync_channel(4);
        let Feed { name, format, options } = feed;
        self.in_flight += bytes;
        self.due.push_back(Due::File { name: name.to_string(), bytes, said });
        let gatherer = to.sink.gatherer();
        self.give(Box::new(move || read_whole(format, &text, &options, &gatherer, &say)));
    }

    fn in_parts(
        &mut self,
        feed: Feed<'_>,
        parts: Parts,
        start: Vec<u8>,
        mut source: Source<'_>,
        to: &mut Target<'_, '_>,
    ) {
        let shared = Arc::new((parts, feed.options, to.sink.gatherer()));
        let mut next = Some(start);
        let mut lines = 0;
        let mut flying: VecDeque<(u64, Receiver<Part>)> = VecDeque::new();
        let mut total = Report::default();
        let mut result = Ok(());
        loop {
            while flying.len() < 4 * self.threads
                && let Some(text) = next.take().or_else(|| source.part())
            {
                let (say, said) = sync_channel(1);
                flying.push_back((lines, said));
                let (shared, before) = (Arc::clone(&shared), lines);
                lines += memchr::memchr_iter(b'\n', &text).count() as u64;
                self.give(Box::new(move || {
                    let _ = say.send(read_part(&shared.0, before, text, &shared.1, &shared.2));
                }));
            }
            let (before, mut text) = match flying.pop_front() {
                Some((before, said)) => {
                    // A helper that panicked says nothing; the scope of the threads passes that on.
                    let Ok(Part { text, indicators, result: read }) = said.recv() else { return };
                    let is_last = flying.is_empty() && source.is_done();
                    match read {
                        Ok(part) if part.is_whole || is_last => {
                            to.sink.take_all(indicators);
                            total.merge(part.report);
                            continue;
                        }
                        Ok(_) => (before, text),
                        Err(error) => {
                            result = Err(error);
                            break;
                        }
                    }
                }
                None if source.is_done() => break,
                // A line that is too long for parts, or where the input failed.
                None => (lines, Vec::new()),
            };
            // This part ends inside a record, or none can be made: from here on the text is read in one piece.
            for (_, said) in flying.drain(..) {
                let Ok(part) = said.recv() else { return };
                text.extend_from_slice(&part.text);
            }
            text.append(&mut source.carried);
            let mut rest = io::BufReader::with_capacity(PART, io::Cursor::new(text).chain(source.rest()));
            match shared.0.read(before, &mut rest, &shared.1, to.sink) {
                Ok(part) => total.merge(part.report),
                Err(error) => result = Err(error),
            }
            break;
        }
        match result {
            Ok(()) => to.report.files.push((feed.name.to_string(), total)),
            Err(error) => to.report.fail(feed.name, error.reason(), error.to_string()),
        }
    }
}

fn read_whole(
    format: Format,
    text: &[u8],
    options: &ReadOptions,
    gatherer: &Gatherer,
    say: &SyncSender<Said>,
) {
    let mut batches = Batches { gatherer, batch: gatherer.start(), say };
    let mut input = text;
    let result = indicia_feeds::read_into(format, &mut input, options, &mut batches);
    let _ = say.send(Said::Indicators(batches.batch));
    let _ = say.send(Said::End(result));
}

/// Hands indicators on, some together.
struct Batches<'b> {
    gatherer: &'b Gatherer,
    batch: Gathered,
    say: &'b SyncSender<Said>,
}

impl Batches<'_> {
    fn hand_on(&mut self) {
        if self.batch.len() >= BATCH {
            let batch = std::mem::replace(&mut self.batch, self.gatherer.start());
            let _ = self.say.send(Said::Indicators(batch));
        }
    }
}

impl indicia_feeds::Sink for Batches<'_> {
    fn take(&mut self, indicator: Indicator) {
        self.batch.take(indicator);
        self.hand_on();
    }

    fn take_shared(&mut self, target: indicia_core::Target, context: &Arc<Context>) {
        self.batch.take_shared(target, context);
        self.hand_on();
    }
}

fn read_part(parts: &Parts, before: u64, text: Vec<u8>, options: &ReadOptions, gatherer: &Gatherer) -> Part {
    let mut indicators = gatherer.start();
    let mut input = text.as_slice();
    let result = parts.read(before, &mut input, options, &mut indicators);
    Part { text, indicators, result }
}

/// A stream cut behind line ends.
struct Source<'i> {
    input: &'i mut dyn Read,
    /// The beginning of a line.
    carried: Vec<u8>,
    ended: bool,
    failed: Option<io::Error>,
}

impl<'i> Source<'i> {
    /// The next whole lines, about [`PART`] bytes of them, or what is left at the end. `None` behind that, where the
    /// input failed (a line that is not whole is not read then), and before a line that is too long.
    fn part(&mut self) -> Option<Vec<u8>> {
        let mut text = std::mem::take(&mut self.carried);
        let mut searched = 0;
        loop {
            let wanted = (2 * text.len()).max(PART);
            self.read_to(&mut text, wanted);
            let end = memchr::memrchr(b'\n', &text[searched..]).map(|at| searched + at + 1);
            match end {
                _ if self.ended && self.failed.is_none() => return (!text.is_empty()).then_some(text),
                Some(end) => {
                    self.carried = text.split_off(end);
                    return Some(text);
                }
                None if self.ended || text.len() > LONG => {
                    self.carried = text;
                    return None;
                }
                None => searched = text.len(),
            }
        }
    }

    /// Whether all was given out.
    fn is_done(&self) -> bool {
        self.ended && self.failed.is_none() && self.carried.is_empty()
    }

    fn read_to(&mut self, text: &mut Vec<u8>, length: usize) {
        let missing = length.saturating_sub(text.len());
        if self.ended || missing == 0 {
            return;
        }
        match (&mut *self.input).take(missing as u64).read_to_end(text) {
            Ok(read) => self.ended = read < missing,
            Err(error) => (self.ended, self.failed) = (true, Some(error)),
        }
    }

    /// What was not read yet, and then the error that was met.
    fn rest(&mut self) -> Rest<'_> {
        Rest { input: (!self.ended).then_some(&mut *self.input), failed: self.failed.take() }
    }
}

struct Rest<'r> {
    input: Option<&'r mut dyn Read>,
    failed: Option<io::Error>,
}

impl Read for Rest<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match (self.failed.take(), &mut self.input) {
            (Some(error), _) => Err(error),
            (None, Some(input)) => input.read(into),
            (None, None) => Ok(0),
        }
    }
}
