//! `observe`: the distinct observables of data, kept for feeds that come later.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use indicia::Refang;
use indicia::input::{Event, Visitor};
use indicia::store::{self, Observer, Totals};
use serde_json::json;

use crate::args::Observe;
use crate::data::{self, Piece, Pieces};
use crate::pipeline::{self, Feeder, Work};
use crate::{Exit, feeds, show};

/// What is done with each piece.
struct Job<'a> {
    refang: Refang,
    /// What each thread holds before it goes to temporary files, which stand beside the store.
    memory: usize,
    folder: &'a Path,
    /// A temporary file could not be written.
    failed: AtomicBool,
}

/// What a thread keeps from piece to piece. Which thread gets which does not matter: the store is merged.
struct State {
    observer: Observer,
    result: io::Result<()>,
}

/// Gives the pipeline what a walk finds.
struct Observing<'f, 'p, 'a> {
    feeder: &'f mut Feeder<'p, Job<'a>>,
    job: &'f Job<'a>,
    /// The store that is written, where it is there already: it is not read as data.
    output: Option<PathBuf>,
    exit: Exit,
    bar: &'f ProgressBar,
}

pub(crate) fn run(args: &Observe) -> io::Result<Exit> {
    if data::nothing_to_read(&args.files) {
        return Err(io::Error::other("no file given, and standard input is a terminal; see --help"));
    }
    let threads = data::threads(args.threads);
    let folder = match args.output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let memory = args.memory / threads;
    let job = Job { refang: args.refang, memory, folder, failed: AtomicBool::new(false) };
    let bar = feeds::progress("observing");
    let (exit, states) = pipeline::run(&job, threads, Box::new(io::sink()), |feeder| {
        let output = args.output.canonicalize().ok();
        let mut observing = Observing { feeder, job: &job, output, exit: Exit::Done, bar: &bar };
        data::walk(&args.files, &mut observing);
        observing.exit
    })?;
    bar.finish_and_clear();
    let observers = states.into_iter().map(|state| state.result.map(|()| state.observer));
    match store::write(&args.output, observers.collect::<io::Result<_>>()?) {
        Ok(totals) => {
            writeln!(io::stdout().lock(), "{}", summary(&totals))?;
            Ok(exit)
        }
        Err(error) => {
            show::message(&format!("{}: {error}", args.output.display()));
            Ok(Exit::Failed)
        }
    }
}

fn summary(totals: &Totals) -> serde_json::Value {
    let kinds: std::collections::BTreeMap<&str, u64> =
        totals.kinds.iter().map(|(kind, n)| (kind.name(), *n)).collect();
    json!({ "observables": totals.observables, "places": totals.places, "kinds": kinds })
}

impl Visitor for Observing<'_, '_, '_> {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        self.bar.set_message(show::plain(name));
        let mut pieces = Pieces::new(input, self.feeder.threads(), false)?;
        if matches!(pieces, Pieces::Store(_))
            && self.output.is_some()
            && Path::new(name).canonicalize().ok() == self.output
        {
            show::message(&format!(
                "{name}: is the store to write; what it holds stays, and is not counted again"
            ));
            return Ok(ControlFlow::Continue(()));
        }
        let failed = || self.job.failed.load(Ordering::Relaxed);
        let result = self.feeder.file(name, &mut |piece| Ok(!failed() && pieces.next_into(piece)?));
        data::tell_cuts(name, pieces.cuts());
        if failed() { Ok(ControlFlow::Break(())) } else { result }
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.bar.suspend(|| show::message(&format!("{name}: {error}")));
            self.exit = Exit::Failed;
        }
    }
}

impl Work for Job<'_> {
    type Piece = Piece;
    type State = State;

    fn state(&self) -> State {
        State { observer: Observer::new(self.memory, self.folder), result: Ok(()) }
    }

    fn piece(&self, _: &str, piece: &Piece, state: &mut State, _: &mut Vec<u8>) -> u64 {
        let State { observer, result } = state;
        if result.is_ok() {
            *result = match piece {
                Piece::Text(chunk) => observer.observe(chunk.text(), self.refang),
                Piece::Block(block) => observer.add_block(block),
            };
            if result.is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
        }
        0
    }

    fn end(&self, _: &str, _: u64, _: &mut Vec<u8>) {}
}
