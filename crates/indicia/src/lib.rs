//! Find threat indicators in data.
//!
//! Everything of [`indicia_core`] is re-exported: kinds, canonical form, extraction, matching. This crate adds
//! files: [`IndicatorSet::open`] and [`IndicatorSet::from_feeds`], and [`input`], which walks folders and
//! archives and reads compressed files as what they hold.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let feed = dir.path().join("a.csv");
//! # std::fs::write(&feed, "indicator,type\nbad.example,domain\n192.0.2.0/24,cidr\n")?;
//! use indicia::IndicatorSet;
//! let set = IndicatorSet::from_feeds([&feed])?;
//! for hit in set.scan(b"GET http://www.bad.example/a from 192.0.2.7") {
//!     println!("{} [{}] {}", hit.value, hit.relation, hit.indicator.value());
//! }
//! # assert_eq!(set.scan(b"GET http://www.bad.example/a from 192.0.2.7").len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! - `feeds` (default): readers and writers of feeds, decompression, archives, stores of observables.
//! - `exchange`: sharing under agreements.

#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "feeds")]
pub mod chunks;
#[cfg(feature = "feeds")]
pub mod delta;
#[cfg(feature = "exchange")]
pub mod exchange;
#[cfg(feature = "feeds")]
pub mod feed;
#[cfg(feature = "feeds")]
pub mod input;
mod live;
#[cfg(feature = "feeds")]
mod mail;
mod map;
mod publish;
#[cfg(feature = "feeds")]
mod scan_file;
mod set;
#[cfg(feature = "feeds")]
mod spill;
#[cfg(feature = "feeds")]
pub mod store;
mod tables;
#[cfg(feature = "feeds")]
mod warninglists;

pub use indicia_core::*;
#[cfg(feature = "feeds")]
pub use indicia_feeds as feeds;

pub use live::{Live, LiveFile};
pub use publish::{OpenOptions, Unwanted, key_name};
#[cfg(feature = "feeds")]
pub use scan_file::FileHit;
pub use set::{Error, IndicatorSet, write_atomically};
pub use tables::{TableFiles, use_tables};
#[cfg(feature = "feeds")]
pub use warninglists::{UnreadList, UnreadReason, warninglists};
