//! Tables that age, each with its source and date, and the look-ups over them.
//!
//! Text tables live in `tables/`; `cargo xtask generate tables` writes them. Everything takes names in
//! canonical form: A-labels, lower case, no trailing dot.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod account;
pub mod country;
pub mod files;
pub mod government;
pub mod guards;
pub mod psl;
pub mod special;
pub mod tld;

/// The lines of a table that are not comments.
fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}
