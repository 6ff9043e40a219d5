//! Tables that age, each with its source and date, and the look-ups over them.
//!
//! Text tables live in `tables/`. Each begins with four lines: the command that writes it (`none` where it is kept by
//! hand), its source, its version and its licence. `cargo xtask update-data` writes those that have an upstream,
//! and shows what changes. Everything takes names in canonical form: A-labels, lower case, no trailing dot.
//!
//! Three tables can be replaced while a program runs, by newer files of their upstreams: [`install`].

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod account;
pub mod attack;
pub mod country;
pub mod files;
pub mod government;
pub mod guards;
pub mod hosting;
mod ordinary;
pub mod psl;
pub mod special;
mod table;
pub mod tld;

pub use ordinary::is_ordinary;
pub use table::{InstallError, TableError, Tables, install};
use table::{header, rows};
