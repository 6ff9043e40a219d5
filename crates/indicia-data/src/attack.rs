//! Ids of MITRE ATT&CK: which exist, which were revoked or deprecated, and what took their place.
//!
//! Techniques and sub-techniques (`T1059.001`), tactics (`TA0001`), groups (`G0016`), software (`S0002`), mitigations
//! (`M1036`), campaigns (`C0001`), data sources (`DS0001`), data components (`DC0001`), detection strategies (`DET0001`)
//! and analytics (`AN0001`). Ids and their status only: names and texts are MITRE's. Not for telling whether an id has the right
//! shape: an id that is newer than the table is still one.

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../tables/attack.txt");

/// Whether an id is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// In use.
    Current,
    /// Another id took its place.
    Revoked {
        /// Which one, where it is known.
        by: Option<&'static str>,
    },
    /// No longer kept up.
    Deprecated,
}

/// What is known of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The id.
    pub id: &'static str,
    /// Whether it is in use.
    pub status: Status,
}

impl Entry {
    /// The id to use today, by way of all that were revoked in between; itself where nothing took its place.
    ///
    /// ```
    /// assert_eq!(indicia_data::attack::lookup("T1086").unwrap().current(), "T1059.001");
    /// ```
    pub fn current(&self) -> &'static str {
        let mut id = self.id;
        // Longer chains do not occur, and the table is not trusted to have no ring.
        for _ in 0..8 {
            match lookup(id).map(|entry| entry.status) {
                Some(Status::Revoked { by: Some(next) }) => id = next,
                _ => break,
            }
        }
        id
    }
}

/// The version of ATT&CK that is built in.
pub fn version() -> &'static str {
    crate::header(TABLE, "version")
}

/// What is known of an id in upper case.
///
/// ```
/// use indicia_data::attack::{Status, lookup};
/// assert_eq!(lookup("T1059.001").unwrap().status, Status::Current);
/// assert_eq!(lookup("T1086").unwrap().status, Status::Revoked { by: Some("T1059.001") });
/// assert_eq!(lookup("DS0009").unwrap().status, Status::Deprecated);
/// assert!(lookup("S9999").is_none());
/// ```
pub fn lookup(id: &str) -> Option<Entry> {
    static IDS: OnceLock<HashMap<&'static str, Status>> = OnceLock::new();
    let ids = IDS.get_or_init(|| all().map(|entry| (entry.id, entry.status)).collect());
    ids.get_key_value(id).map(|(id, status)| Entry { id, status: *status })
}

/// Every id of the table, in its order.
pub fn all() -> impl Iterator<Item = Entry> {
    crate::rows(TABLE).map(|line| {
        let mut fields = line.split('\t');
        let id = fields.next().unwrap_or_default();
        let status = match fields.next() {
            Some("revoked") => Status::Revoked { by: fields.next() },
            Some(_) => Status::Deprecated,
            None => Status::Current,
        };
        Entry { id, status }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_a_place_exists() {
        let (mut revoked, mut count) = (0, 0);
        for entry in all() {
            count += 1;
            if let Status::Revoked { by: Some(by) } = entry.status {
                revoked += 1;
                assert!(lookup(by).is_some(), "{} -> {by}", entry.id);
                assert!(
                    !matches!(lookup(entry.current()).unwrap().status, Status::Revoked { .. }),
                    "{}",
                    entry.id
                );
            }
        }
        assert!(count > 3_000 && revoked > 150, "{count} {revoked}");
    }

    #[test]
    fn every_family_is_there() {
        for id in [
            "T1059",
            "T1059.001",
            "TA0001",
            "G0016",
            "S0002",
            "M1036",
            "C0001",
            "DS0009",
            "DC0103",
            "DET0001",
            "AN0001",
        ] {
            assert!(lookup(id).is_some(), "{id}");
        }
    }
}
