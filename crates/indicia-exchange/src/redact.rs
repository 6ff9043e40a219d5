//! Redaction.

use std::collections::BTreeMap;

/// What was taken out: how many pieces of each class, never what they were.
pub type Removed = BTreeMap<&'static str, u64>;
