//! The `indicia` command: arguments, files and progress. It has no rules of its own.
//!
//! `args` defines the command line (man pages are made from it), `command/` has a file for each command,
//! `data` says what is looked into, `pipeline` reads and writes beside the work, `hits` writes what was found, `show` makes text safe for a terminal.

#![forbid(unsafe_code)]

mod args;
mod command;
mod data;
mod feeds;
mod hits;
mod pipeline;
mod show;

use std::process::ExitCode;

use clap::Parser;

/// How a command ended, short of a mistake in its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Found, or done.
    Done = 0,
    /// Nothing found.
    Nothing = 1,
    /// Something could not be read or written; the rest is done.
    Failed = 2,
}

fn main() -> ExitCode {
    let args = args::Args::parse();
    // Before anything is read: every value follows the same tables.
    if let Err(error) = indicia::use_tables(&args.tables.files()) {
        show::message(&error.to_string());
        return ExitCode::from(Exit::Failed as u8);
    }
    match command::run(args.command) {
        Ok(exit) => ExitCode::from(exit as u8),
        // Whoever read our output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            show::message(&error.to_string());
            ExitCode::from(Exit::Failed as u8)
        }
    }
}
