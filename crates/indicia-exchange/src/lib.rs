//! Sharing under an agreement.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod item;
pub mod redact;

pub use item::{Action, Item};
