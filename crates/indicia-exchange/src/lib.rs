//! Sharing under an agreement.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

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
