//! `ledger`: the record of what went out.

use std::io::{self, Write};
use std::path::Path;

use indicia::exchange::LedgerFile;
use indicia::exchange::ledger::{Event, each};

use crate::args::{LedgerCommand, OutputFormat};
use crate::{Exit, feeds, show};

pub(crate) fn run(command: &LedgerCommand) -> io::Result<Exit> {
    let (LedgerCommand::Verify { ledger: path } | LedgerCommand::Show { ledger: path, .. }) = command;
    // Opening it finishes or undoes what an interrupted process left, and checks the chain.
    let file = match LedgerFile::open(path, None, feeds::now()) {
        Ok(file) => file,
        Err(error) => {
            show::message(&error.to_string());
            return Ok(Exit::Failed);
        }
    };
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    match command {
        LedgerCommand::Verify { .. } => {
            writeln!(
                out,
                "{}",
                serde_json::json!({ "lines": file.ledger.len(), "head": file.ledger.head() })
            )?;
        }
        LedgerCommand::Show { output, .. } => print(path, output.get(), &mut out)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn print(path: &Path, format: OutputFormat, out: &mut dyn Write) -> io::Result<()> {
    let text = std::fs::read_to_string(path)?;
    if format != OutputFormat::Text {
        return out.write_all(text.as_bytes());
    }
    let mut result = Ok(());
    let _ = each(&text, |_, time, event| {
        if result.is_ok() {
            result = writeln!(out, "{time} {}", show::plain(&sentence(&event)));
        }
        Ok(())
    });
    result
}

fn sentence(event: &Event) -> String {
    match event {
        Event::Open { .. } => "ledger begun".to_string(),
        Event::Package { agreement, recipient, counter, manifest, released, .. } => {
            format!(
                "package {counter} for {recipient} under {agreement}: {released} released, manifest {}",
                &manifest[..manifest.len().min(16)]
            )
        }
        Event::Share { agreement, recipient, item, .. } => {
            format!("shared with {recipient} under {agreement}: {item}")
        }
        Event::Withhold { agreement, recipient, value, reasons } => {
            format!("withheld from {recipient} under {agreement}: {value} ({})", reasons.join(", "))
        }
        Event::Revoke { recipient, item, reason, .. } => {
            format!("told {recipient}: {item} is taken back ({reason})")
        }
        _ => "an event of a later version".to_string(),
    }
}
