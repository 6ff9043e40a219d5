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

#![deny(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
pub mod explain;
mod extract;
pub mod fields;
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

pub mod url {
    //! URLs by the WHATWG standard alone: [`parse`], [`parse_with_base`] and what they return.
    //!
    //! Indicators are read by the rules of the profile, which build on these: see [`Observable`](crate::Observable).

    pub use crate::observable::url::whatwg::{Url, parse_absolute as parse, parse_with_base};
}

pub use error::{ParseError, Reason};
pub use extract::{
    ExtractOptions, Extraction, Rule, UnknownRule, block_end, extract, extract_behind, extract_with,
};
pub use filter::{AsOf, Filter, event_time};
pub use guard::{Guard, Guards, Warninglist, WarninglistError};
pub use indicator::{Confidence, Context, Country, Hop, Indicator, Match, NotARole, Role, Target};
/// Tables that newer files can replace, once and before anything else.
pub use indicia_data as data;
pub use kind::{Kind, UnknownKind};
pub use marking::{NotAPap, NotATlp, Pap, Tlp};
pub use mask::{CannotExpress, Dialect, MAX_MASK_BYTES, Mask};
pub use observable::{
    AMBIGUITIES, Ambiguity, Canonical, MAX_VALUE_BYTES, Observable, PRECEDENCE, ParseOptions, Precedence,
    Purl, ipv4,
};
pub use profile::{DEFAULT_PROFILE, Profile, UnknownProfile, safe_browsing};
pub use refang::Refang;
pub use scan::{Hit, HitView, Level, Relation, ScanOptions, ScanRefang, Scratch, Stream};
pub use set::{
    Batch, BuildOptions, BuildReport, Delta, DeltaCounts, DeltaError, IndicatorRef, IndicatorSet, SetBuilder,
    SetError, SetInfo, Signature, Stamp,
};
pub use time::{NotATime, Time};
