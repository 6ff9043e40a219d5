//! An item: one released assertion, as one recipient gets it.

use indicia_core::{Indicator, Time};

use crate::redact::Removed;

/// What the recipient is asked to do with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Tell its owner, who is a victim; never block.
    Notify,
    /// Block it, and look for it.
    Block,
    /// Look for it with passive means and alert; do not touch it.
    Detect,
    /// Look for it in own logs only; ask the provider before anything else.
    Search,
}

impl Action {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Notify => "notify",
            Action::Block => "block",
            Action::Detect => "detect",
            Action::Search => "search",
        }
    }

    /// What to do, for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Action::Notify => "Tell the owner that the site or system was broken into. Do not block it.",
            Action::Block => "Block it, and look for it in logs.",
            Action::Detect => "Look for it and alert. Do not block or contact it: its operator would notice.",
            Action::Search => "Look for it in your own logs only. Ask the provider before anything else.",
        }
    }
}

/// One released assertion.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The id that recipient and provider speak of: `indicator--` and a UUID.
    pub id: String,
    /// The record as it goes out: one context, redacted.
    pub record: Indicator,
    /// What to do.
    pub action: Action,
    /// The country whose government the host belongs to.
    pub government: Option<String>,
    /// When the recipient must have deleted it.
    pub delete_by: Option<Time>,
    /// What redaction took out, by class.
    pub removed: Removed,
}
