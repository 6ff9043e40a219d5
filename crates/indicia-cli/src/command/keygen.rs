//! `keygen`: a pair of keys for signing packages and sets.

use std::io::{self, IsTerminal};

use indicia::exchange;

use crate::args::Keygen;
use crate::{Exit, show};

/// Holds the passphrase where nobody sits at a terminal.
const VARIABLE: &str = "INDICIA_PASSPHRASE";

pub(crate) fn run(args: &Keygen) -> io::Result<Exit> {
    let words = if args.no_passphrase { None } else { new_passphrase()? };
    if words.is_none() && !args.no_passphrase {
        show::message(&format!("no passphrase: set {VARIABLE}, or leave the key open with --no-passphrase"));
        return Ok(Exit::Failed);
    }
    match exchange::write_keys(&args.output, words.as_deref()) {
        Ok((secret, public, key)) => {
            anstream::println!("{key}");
            show::message(&format!("{} signs: keep it to yourself", secret.display()));
            show::message(&format!(
                "{} checks: give it to partners, and put the line above into agreements",
                public.display()
            ));
            Ok(Exit::Done)
        }
        Err(error) => {
            show::message(&error.to_string());
            Ok(Exit::Failed)
        }
    }
}

fn new_passphrase() -> io::Result<Option<String>> {
    if let Some(words) = passphrase_variable() {
        return Ok(Some(words));
    }
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let first = rpassword::prompt_password("Passphrase: ")?;
    let again = rpassword::prompt_password("Again: ")?;
    if first.is_empty() || first != again {
        show::message("the two are not the same, or empty");
        return Ok(None);
    }
    Ok(Some(first))
}

fn passphrase_variable() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|words| !words.is_empty())
}

/// The passphrase of a key that is there.
pub(super) fn passphrase() -> Option<String> {
    passphrase_variable().or_else(|| {
        if io::stdin().is_terminal() {
            rpassword::prompt_password("Passphrase of the key: ").ok()
        } else {
            None
        }
    })
}
