//! One file a command.

use std::io;

mod agreement;
mod compile;
mod convert;
mod delta;
mod demo;
mod extract;
mod feedback;
mod inspect;
mod keygen;
mod ledger;
mod lookup;
mod man;
mod observe;
mod receive;
mod revoke;
mod scan;
mod share;
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
        Command::Observe(args) => observe::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Delta(args) => delta::make(&args),
        Command::Apply(args) => delta::apply(&args),
        Command::Agreement(command) => agreement::run(&command),
        Command::Keygen(args) => keygen::run(&args),
        Command::Share(args) => share::run(&args),
        Command::Receive(args) => receive::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Feedback(args) => feedback::run(&args),
        Command::Ledger(command) => ledger::run(&command),
        Command::Man { folder } => {
            man::write(&folder)?;
            Ok(Exit::Done)
        }
    }
}
