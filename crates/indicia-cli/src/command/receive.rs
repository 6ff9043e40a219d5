//! `receive`: a package checked and taken.

use std::io::{self, Write};

use indicia::exchange::receive::Received;
use indicia::exchange::{self, ExchangeError};

use crate::args::Receive;
use crate::{Exit, show};

pub(crate) fn run(args: &Receive) -> io::Result<Exit> {
    let arrival = exchange::read_agreement(&args.agreement).and_then(|agreement| {
        let key = exchange::read_public_key(&args.key)?;
        exchange::receive_folder(&args.package, &agreement, &key, &args.state, args.as_of)
    });
    let arrival = match arrival {
        Ok(arrival) => arrival,
        Err(error) => {
            let code = match &error {
                ExchangeError::Refused { refusal, .. } => format!(" [{}]", refusal.code()),
                _ => String::new(),
            };
            for line in format!("{error}{code}").lines() {
                show::message(line);
            }
            return Ok(Exit::Failed);
        }
    };
    let received = &arrival.received;
    // Only once all is written is it dealt with: if what reads us fails, the package can be received again.
    if let Err(error) = write(received) {
        show::message(&format!("{error}: the package counts as not received"));
        return Ok(Exit::Failed);
    }
    if let Err(error) = arrival.keep() {
        show::message(&error.to_string());
        return Ok(Exit::Failed);
    }
    let m = &received.manifest;
    show::message(&format!(
        "package {} from {}: {}, {}, {}",
        m.counter,
        m.from,
        show::count(received.records.len() as u64, "record"),
        show::count(received.notices.len() as u64, "notice"),
        show::count(received.answers.len() as u64, "answer")
    ));
    Ok(Exit::Done)
}

fn write(received: &Received) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    lines(&received.records, &mut out)?;
    lines(&received.notices, &mut out)?;
    lines(&received.answers, &mut out)?;
    out.flush()
}

fn lines<T: serde::Serialize>(all: &[T], out: &mut dyn Write) -> io::Result<()> {
    for one in all {
        writeln!(out, "{}", show::json(&serde_json::to_string(one)?))?;
    }
    Ok(())
}
