//! What a builder has no memory for, in temporary files.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use indicia_core::{IndicatorSet, SetBuilder};

/// Runs that are open at once: more are joined into one.
const RUNS: usize = 64;
/// A builder is not relieved of less.
const LEAST: usize = 1 << 20;

/// The runs of a builder that holds no more than it may.
#[derive(Debug)]
pub(crate) struct Spill {
    most: usize,
    pub(crate) folder: PathBuf,
    runs: Vec<File>,
    /// What went wrong first: from then on everything stays in memory, and there is no set.
    failed: Option<io::Error>,
}

impl Spill {
    /// Files are made in a folder, without a name.
    pub(crate) fn new(bytes: u64, folder: &Path) -> Spill {
        let most = usize::try_from(bytes).unwrap_or(usize::MAX).max(LEAST);
        Spill { most, folder: folder.into(), runs: Vec::new(), failed: None }
    }

    /// Takes from a builder what it holds, if that is too much.
    pub(crate) fn relieve(&mut self, builder: &mut SetBuilder) {
        if builder.held() > self.most
            && self.failed.is_none()
            && let Err(error) = self.take(builder)
        {
            self.failed = Some(error);
        }
    }

    fn take(&mut self, builder: &mut SetBuilder) -> io::Result<()> {
        let mut run = tempfile::tempfile_in(&self.folder)?;
        builder.write_run(&mut run)?;
        self.runs.push(run);
        if self.runs.len() == RUNS {
            let mut joined = tempfile::tempfile_in(&self.folder)?;
            SetBuilder::join_runs(readers(&mut self.runs)?, &mut joined)?;
            self.runs = vec![joined];
        }
        Ok(())
    }

    /// The set of all that a builder was given.
    pub(crate) fn finish(mut self, builder: SetBuilder) -> io::Result<IndicatorSet> {
        match self.failed {
            Some(error) => Err(error),
            None => builder.finish_with(readers(&mut self.runs)?),
        }
    }
}

fn readers(runs: &mut [File]) -> io::Result<Vec<Box<dyn Read + '_>>> {
    let mut readers: Vec<Box<dyn Read + '_>> = Vec::with_capacity(runs.len());
    for run in runs {
        run.rewind()?;
        readers.push(Box::new(run));
    }
    Ok(readers)
}
