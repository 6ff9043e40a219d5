//! Kinds, canonical form, extraction and matching of threat indicators: bytes in, values out.
//!
//! Two nouns carry everything: an [`Observable`] is a typed value in canonical form and says nothing about
//! badness; an [`Indicator`] is a target to look for together with what feeds say of it. [`extract()`] finds
//! observables in bytes; an [`IndicatorSet`] finds its indicators in bytes. There are no files, no network
//! and no clock in this crate: the `indicia` crate adds them.
//!
//! ```
//! use indicia_core::{Kind, Observable};
//! let url = Observable::parse("hxxps://Bad[.]Example/%7Ea").unwrap();
//! assert_eq!(url.kind(), Kind::Url);
//! assert_eq!(url.value(), "https://bad.example/~a");
//! assert_eq!(url.key(), "bad.example/~a");
//! ```

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod extract;
mod filter;
mod guard;
mod indicator;
mod kind;
mod marking;
mod mask;
mod observable;
mod profile;
pub mod refang;
mod scan;
mod set;
mod time;

pub use error::{ParseError, Reason};
pub use extract::{ExtractOptions, Extraction, extract, extract_with};
pub use filter::{AsOf, Filter, event_time};
pub use guard::{Guard, Guards, Warninglist, WarninglistError};
pub use indicator::{Confidence, Context, Country, Hop, Indicator, Match, NotARole, Role, Target};
pub use kind::{Kind, UnknownKind};
pub use marking::{NotAPap, NotATlp, Pap, Tlp};
pub use mask::{CannotExpress, Dialect, MAX_MASK_BYTES, Mask};
pub use observable::{MAX_VALUE_BYTES, Observable};
pub use profile::DEFAULT_PROFILE;
pub use refang::Refang;
pub use scan::{Hit, HitView, Relation, ScanOptions, ScanRefang, Scratch};
pub use set::{BuildOptions, BuildReport, IndicatorRef, IndicatorSet, SetBuilder, SetError, SetInfo};
pub use time::{NotATime, Time};
