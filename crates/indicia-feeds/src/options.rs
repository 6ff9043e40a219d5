//! What a caller may say about a feed before it is read.

use std::collections::BTreeMap;

use indicia_core::{Match, Pap, Profile, Role, Tlp};

/// What is known about a feed beside its content. `Default` says nothing.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The name of the feed, for contexts that name none.
    pub feed: Option<String>,
    /// Who makes the statements, for contexts that name nobody.
    pub producer: Option<String>,
    /// The least restrictive TLP that a context gets; a more restrictive one of its own stays.
    pub tlp: Option<Tlp>,
    /// The least restrictive PAP that a context gets; a more restrictive one of its own stays.
    pub pap: Option<Pap>,
    /// The role of contexts without one.
    pub default_role: Option<Role>,
    /// CSV: our field → the header of its column, or its number from 1.
    pub columns: BTreeMap<String, String>,
    /// How domains match instead of the format's default (`exact`, `subdomains`), and URLs (`exact`, `prefix`).
    pub match_: Option<Match>,
    /// Contexts with a lower confidence (on 0-100), or none, are left out and counted.
    pub confidence_min: Option<f64>,
    /// The rules that URLs are read by, from the text of the feed. Records that name another profile are refused.
    pub profile: Profile,
}
