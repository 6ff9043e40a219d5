//! `observe`: the distinct observables of data, kept for feeds that come later.

use std::io::{self, BufRead, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use indicia::Refang;
use indicia::input::{Event, Visitor};
use indicia::store::{self, Observer, Totals};
use serde_json::json;

use crate::args::Observe;
use crate::data::{self, Chunk};
use crate::{Exit, feeds, show};

/// What all threads together hold before they go to temporary files.
const MEMORY: usize = 256 << 20;

struct Observing {
    /// One a thread.
    observers: Vec<Observer>,
    refang: Refang,
    /// The store that is written, where it is there already: it is not read as data.
    output: Option<PathBuf>,
    exit: Exit,
    broken: Option<io::Error>,
    bar: ProgressBar,
}

pub(crate) fn run(args: &Observe) -> io::Result<Exit> {
    if data::nothing_to_read(&args.files) {
        return Err(io::Error::other("no file given, and standard input is a terminal; see --help"));
    }
    let threads =
        args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let folder = match args.output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut observing = Observing {
        observers: (0..threads).map(|_| Observer::new(MEMORY / threads, folder)).collect(),
        refang: args.refang,
        output: args.output.canonicalize().ok(),
        exit: Exit::Done,
        broken: None,
        bar: feeds::progress("observing"),
    };
    data::walk(&args.files, &mut observing);
    observing.bar.finish_and_clear();
    if let Some(error) = observing.broken {
        return Err(error);
    }
    match store::write(&args.output, observing.observers) {
        Ok(totals) => {
            writeln!(io::stdout().lock(), "{}", summary(&totals))?;
            Ok(observing.exit)
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

impl Visitor for Observing {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn BufRead) -> io::Result<ControlFlow<()>> {
        self.bar.set_message(show::plain(name));
        if store::is_store(input.fill_buf()?) {
            if self.output.is_some() && Path::new(name).canonicalize().ok() == self.output {
                show::message(&format!(
                    "{name}: is the store to write; what it holds stays, and is not counted again"
                ));
                return Ok(ControlFlow::Continue(()));
            }
            return match self.observers[0].add_store(input) {
                Ok(()) => Ok(ControlFlow::Continue(())),
                Err(error) => Err(io::Error::from(error)),
            };
        }
        let mut waiting = Vec::with_capacity(self.observers.len());
        let (result, cuts) = data::chunks(input, |chunk| {
            waiting.push(chunk);
            if waiting.len() == self.observers.len() {
                return Ok(self.batch(&mut waiting));
            }
            Ok(ControlFlow::Continue(()))
        });
        let _ = self.batch(&mut waiting);
        if cuts > 0 {
            show::message(&format!(
                "{name}: limit reached: a line without any border was cut {}",
                show::count(cuts, "time")
            ));
        }
        if self.broken.is_some() { Ok(ControlFlow::Break(())) } else { result }
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.bar.suspend(|| show::message(&format!("{name}: {error}")));
            self.exit = Exit::Failed;
        }
    }
}

impl Observing {
    /// Looks into pieces at once. Which thread gets which does not matter: the store is merged.
    fn batch(&mut self, waiting: &mut Vec<Chunk>) -> ControlFlow<()> {
        let refang = self.refang;
        let results: Vec<io::Result<()>> = std::thread::scope(|scope| {
            let running: Vec<_> = waiting
                .drain(..)
                .zip(&mut self.observers)
                .map(|(chunk, observer)| scope.spawn(move || observer.observe(&chunk.text, refang)))
                .collect();
            running
                .into_iter()
                .map(|r| r.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        match results.into_iter().find_map(Result::err) {
            Some(error) => {
                self.broken = Some(error);
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    }
}
