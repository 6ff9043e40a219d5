//! Sharing threat indicators under an agreement.
//!
//! ```text
//! record + agreement + ledger + time ── decide ──► Share(projection) | Withhold([reasons])
//! records ── plan (all of them, closed under what they would give away) ── package ── sign ──► a recipient's folder
//! folder ── receive (checked before it is parsed) ──► records, notices, answers
//! ```
//!
//! Two nouns carry it: an [`Agreement`] is a file that two parties hold, byte for byte the same; an [`Item`] is one
//! released assertion as one recipient gets it. The decision is a pure function that tells every reason by a stable
//! code ([`Withheld`]). There is no network and no clock here, and no file: bytes come from the caller and go back to
//! it (the crate `indicia` has the files, with its feature `exchange`).
//!
//! | question | module |
//! |---|---|
//! | What may an agreement say, and what does this one permit? | [`agreement`] |
//! | May this record go out, and in which form? | [`decide`] |
//! | What does a whole delivery give away that it must not? | [`plan`] |
//! | What is personal in it? | [`redact`] |
//! | Which country does it concern, whose government is it? | [`country`] |
//! | What does a recipient get? | [`package`], [`report`] |
//! | Is this package what it says it is? | [`receive`], [`sign`] |
//! | What went out to whom? | [`ledger`] |
//! | What came of it? | [`feedback`] |
//!
//! The rules are in `docs/`: `decision.md` (R1 to R20), `agreement-1.md`, `package-1.md`, `redaction-strict-1.md`.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod agreement;
pub mod country;
mod decide;
pub mod feedback;
mod item;
pub mod ledger;
pub mod package;
pub mod plan;
mod reason;
pub mod receive;
pub mod redact;
pub mod report;
pub mod sign;

pub use agreement::{Agreement, AgreementErrors};
pub use decide::{Decision, Projection, decide};
pub use item::{Action, Item};
pub use ledger::Ledger;
pub use reason::Withheld;

/// An agreement for examples and tests.
pub const EXAMPLE_AGREEMENT: &str = include_str!("../docs/example-agreement.toml");

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
