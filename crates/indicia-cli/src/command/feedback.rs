//! `feedback`: answers on their way back.

use std::io;

use indicia::exchange;

use super::keygen;
use crate::args::Feedback;
use crate::{Exit, show};

pub(crate) fn run(args: &Feedback) -> io::Result<Exit> {
    let signing = &args.signing;
    let fed = exchange::read_agreement(&args.agreement).and_then(|agreement| {
        let key = exchange::read_secret_key(&signing.key, keygen::passphrase)?;
        let ledger = args.ledger.as_deref();
        exchange::feedback_folder(&agreement, &key, ledger, &args.files, signing.as_of, &args.output)
    });
    let fed = match fed {
        Ok(fed) => fed,
        Err(error) => {
            for line in error.to_string().lines() {
                show::message(line);
            }
            return Ok(Exit::Failed);
        }
    };
    for (path, row) in fed.bad.iter().take(20) {
        show::message(&format!("{}:{}: not taken: {}", path.display(), row.line, row.what));
    }
    if fed.bad.len() > 20 {
        show::message(&format!("{} not taken in all", show::count(fed.bad.len() as u64, "row")));
    }
    if fed.left_out > 0 {
        show::message(&format!(
            "{} not passed on: about items of others, about victims, or of a kind that is not taken there",
            show::count(fed.left_out, "answer")
        ));
    }
    match &fed.package {
        None => {
            show::message("no answers");
            Ok(Exit::Nothing)
        }
        Some(folder) => {
            anstream::println!("{}", serde_json::json!({ "package": folder, "answers": fed.answers }));
            Ok(Exit::Done)
        }
    }
}
