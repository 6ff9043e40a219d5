//! `agreement`: what is wrong with one, and what one permits.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicia::exchange::{self, Agreement, ExchangeError};

use crate::args::AgreementCommand;
use crate::{Exit, show};

pub(crate) fn run(command: &AgreementCommand) -> io::Result<Exit> {
    let mut out = anstream::stdout().lock();
    let mut exit = Exit::Done;
    let (AgreementCommand::Check { files } | AgreementCommand::Explain { files }) = command;
    for path in list(files) {
        let agreement = match exchange::read_agreement(&path) {
            Ok(agreement) => agreement,
            Err(ExchangeError::Agreement { path, errors }) => {
                for problem in &errors.problems {
                    show::message(&format!("{}: {problem}", path.display()));
                }
                exit = Exit::Failed;
                continue;
            }
            Err(error) => {
                show::message(&error.to_string());
                exit = Exit::Failed;
                continue;
            }
        };
        match command {
            AgreementCommand::Check { .. } => {
                writeln!(
                    out,
                    "{}: {} is in order",
                    show::plain(&path.to_string_lossy()),
                    agreement.reference()
                )?;
            }
            AgreementCommand::Explain { .. } => explain(&agreement, &mut out)?,
        }
    }
    out.flush()?;
    Ok(exit)
}

fn explain(agreement: &Agreement, out: &mut dyn Write) -> io::Result<()> {
    for (n, sentence) in agreement.explain().iter().enumerate() {
        writeln!(out, "{:>3}. {}", n + 1, show::plain(sentence))?;
    }
    writeln!(out)
}

/// The files, and those of folders.
fn list(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in paths {
        match std::fs::read_dir(path) {
            Ok(entries) if path.is_dir() => {
                let toml = |p: &PathBuf| p.extension().is_some_and(|e| e == "toml");
                let mut below: Vec<PathBuf> =
                    entries.filter_map(|e| Some(e.ok()?.path())).filter(toml).collect();
                below.sort();
                all.extend(below);
            }
            _ => all.push(Path::new(path).to_path_buf()),
        }
    }
    all
}
