//! `revoke`: notices that items are taken back.

use std::io;

use indicia::exchange;

use super::{keygen, share};
use crate::args::Revoke;
use crate::{Exit, show};

pub(crate) fn run(args: &Revoke) -> io::Result<Exit> {
    let signing = &args.signing;
    let all = exchange::read_secret_key(&signing.key, keygen::passphrase).and_then(|key| {
        exchange::revoke(&args.ledger, &key, &args.id, &args.reason, signing.as_of, &args.output)
    });
    match all {
        Ok(all) if all.is_empty() => {
            show::message("nobody got such an item, or everybody was told already");
            Ok(Exit::Nothing)
        }
        Ok(all) => {
            share::tell(&all, false)?;
            Ok(Exit::Done)
        }
        Err(error) => {
            show::message(&error.to_string());
            Ok(Exit::Failed)
        }
    }
}
