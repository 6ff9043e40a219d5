//! One file a command.

use std::io;

mod compile;
mod convert;
mod demo;
mod extract;
mod inspect;
mod lookup;
mod man;
mod scan;
mod values;

use crate::Exit;
use crate::args::Command;

/// Runs a command. An error is one of output: everything that is read is told and goes on.
pub(crate) fn run(command: Command) -> io::Result<Exit> {
    match command {
        Command::Demo => demo::run(),
        Command::Extract(args) => extract::run(&args),
        Command::Normalize(args) => values::normalize(args),
        Command::Defang(args) => values::defang(args),
        Command::Refang(args) => values::refang(args),
        Command::Compile(args) => compile::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Lookup(args) => lookup::run(args),
        Command::Convert(args) => convert::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Man { folder } => {
            man::write(&folder)?;
            Ok(Exit::Done)
        }
    }
}
