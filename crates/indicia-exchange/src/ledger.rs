//! The ledger: what went out to whom under which agreement, append-only, each line chained to the one before.
//!
//! A line is one JSON object that ends in `"hash"`: SHA-256 of the line without it, which holds the hash of the line
//! before as `"prev"`. A value that was withheld stands there only as a keyed hash, so the ledger gives nothing
//! away; of what was shared it keeps who gave it, so that answers find their way back. Here are bytes only: whoever
//! has the file reads it, hands it in, and writes what [`Ledger::take_new`] gives.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hmac::{Hmac, Mac};
use indicia_core::{Kind, Role, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The schema of the first line.
const SCHEMA: &str = "indicia-ledger/1";
/// What the first line's `prev` is.
const ORIGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A line is not one of a ledger.
    #[error("line {line} is no line of a ledger")]
    Line {
        /// From 1.
        line: usize,
    },
    /// A line does not follow from the one before: something was changed, taken out or put in.
    #[error("line {line} does not follow from the line before: the ledger was changed")]
    Chain {
        /// From 1.
        line: usize,
    },
    /// The last line is cut: a write was interrupted. What is before it stands.
    #[error("line {line} is cut off: a write was interrupted")]
    Cut {
        /// From 1.
        line: usize,
    },
    /// It was begun with another key.
    #[error("the ledger was begun with another signing key")]
    Key,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The beginning.
    Open {
        /// Which form the ledger has.
        schema: String,
        /// What ids are made in.
        namespace: Uuid,
        /// A keyed hash of nothing, by which the key is known again.
        key_check: String,
    },
    /// A package was made.
    Package {
        /// `id@version`.
        agreement: String,
        /// SHA-256 of the agreement's text.
        agreement_sha256: String,
        /// By whom.
        provider: String,
        /// To whom.
        recipient: String,
        /// Which package of this agreement.
        counter: u64,
        /// SHA-256 of the manifest.
        manifest: String,
        /// How many items went out.
        released: u64,
        /// How many were withheld, by reason.
        withheld: BTreeMap<String, u64>,
    },
    /// An item went out.
    Share {
        /// `id@version`.
        agreement: String,
        /// To whom.
        recipient: String,
        /// The item's id.
        item: String,
        /// SHA-256 of the record as it went out.
        projection: String,
        /// The role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// Who gave it to the provider, by the last hop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        giver: Option<String>,
        /// The giver's id for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_id: Option<String>,
        /// When the recipient must have deleted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delete_by: Option<Time>,
        /// Whether it concerns somebody to notify, whatever its role.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        notify: bool,
    },
    /// An item did not go out.
    Withhold {
        /// `id@version`.
        agreement: String,
        /// To whom.
        recipient: String,
        /// A keyed hash of kind and value.
        value: String,
        /// The codes.
        reasons: Vec<String>,
    },
    /// A notice went out that an item is taken back.
    Revoke {
        /// `id@version`.
        agreement: String,
        /// To whom.
        recipient: String,
        /// The item's id.
        item: String,
        /// Why.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    n: u64,
    prev: std::borrow::Cow<'a, str>,
    time: Time,
    #[serde(flatten)]
    event: Event,
}

/// What the ledger knows of an item that a recipient got.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SharedItem {
    /// When it first went out.
    pub first: Time,
    /// Under which agreement it went out last, `id@version`.
    pub agreement: String,
    /// The role.
    pub role: Option<Role>,
    /// Who gave it to the provider.
    pub giver: Option<String>,
    /// The giver's id for it.
    pub source_id: Option<String>,
    /// When it must be deleted.
    pub delete_by: Option<Time>,
    /// Whether it concerns somebody to notify.
    pub notify: bool,
    /// Whether a notice went out that it is taken back.
    pub revoked: bool,
}

/// A ledger in memory, and the lines that were added to it.
#[derive(Clone, Debug)]
pub struct Ledger {
    namespace: Uuid,
    key: [u8; 32],
    lines: u64,
    head: String,
    new: String,
    counters: HashMap<String, u64>,
    /// By `id@version`: the text's digest and the provider.
    agreements: HashMap<String, (String, String)>,
    shared: HashMap<String, BTreeMap<String, SharedItem>>,
}

impl Ledger {
    /// An empty ledger. The secret makes the hashes of withheld values and the ids of items; the same secret, the
    /// same ids.
    pub fn new(secret: &[u8; 32], now: Time) -> Ledger {
        let key = derive(secret, b"indicia ledger: withheld values");
        let namespace = namespace_of(secret);
        let mut ledger = Ledger::empty(namespace, key);
        let schema = SCHEMA.to_string();
        let key_check = ledger.keyed(b"");
        ledger.push(now, Event::Open { schema, namespace, key_check });
        ledger
    }

    /// A ledger that remembers nothing: for a decision outside of any.
    pub fn none(provider: &str) -> Ledger {
        let secret: [u8; 32] = Sha256::digest(provider.as_bytes()).into();
        Ledger::empty(namespace_of(&secret), derive(&secret, b"none"))
    }

    fn empty(namespace: Uuid, key: [u8; 32]) -> Ledger {
        Ledger {
            namespace,
            key,
            lines: 0,
            head: ORIGIN.to_string(),
            new: String::new(),
            counters: HashMap::new(),
            agreements: HashMap::new(),
            shared: HashMap::new(),
        }
    }

    /// Reads a ledger and checks its chain. Without a secret it can be looked at, but hashes of withheld values
    /// cannot be compared.
    ///
    /// # Errors
    /// The first line that is none, or does not follow.
    pub fn read(text: &str, secret: Option<&[u8; 32]>) -> Result<Ledger, LedgerError> {
        let key = secret.map_or([0; 32], |s| derive(s, b"indicia ledger: withheld values"));
        let mut ledger = Ledger::empty(Uuid::nil(), key);
        each(text, |line, time, event| {
            let first = line == 1;
            match &event {
                Event::Open { schema, namespace, key_check } if first && schema == SCHEMA => {
                    ledger.namespace = *namespace;
                    if secret.is_some() && *key_check != ledger.keyed(b"") {
                        return Err(LedgerError::Key);
                    }
                }
                Event::Open { .. } => return Err(LedgerError::Line { line }),
                _ if first => return Err(LedgerError::Line { line }),
                _ => {}
            }
            ledger.note(time, event);
            Ok(())
        })
        .map(|(lines, head)| {
            ledger.lines = lines;
            ledger.head = head;
        })?;
        if ledger.lines == 0 {
            return Err(LedgerError::Line { line: 1 });
        }
        Ok(ledger)
    }

    /// The namespace that ids are made in.
    pub fn namespace(&self) -> Uuid {
        self.namespace
    }

    /// The hash of the last line.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// How many lines there are.
    pub fn len(&self) -> u64 {
        self.lines
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// A keyed hash of a kind and key, as for withheld values.
    pub fn keyed_value(&self, kind: Kind, key: &str) -> String {
        self.keyed(format!("{kind}\0{key}").as_bytes())
    }

    fn keyed(&self, bytes: &[u8]) -> String {
        crate::hex(&mac(&self.key, bytes)[..16])
    }

    /// The number of the last package of an agreement, of all its versions; 0 for none.
    pub fn counter(&self, agreement_id: &str) -> u64 {
        self.counters.get(agreement_id).copied().unwrap_or(0)
    }

    /// The digest of an agreement's text and its provider, by `id@version`, where a package went out under it.
    pub fn agreement(&self, reference: &str) -> Option<(&str, &str)> {
        self.agreements.get(reference).map(|(sha256, provider)| (sha256.as_str(), provider.as_str()))
    }

    /// What a recipient got, by item id.
    pub fn shared_with(&self, recipient: &str) -> Option<&BTreeMap<String, SharedItem>> {
        self.shared.get(recipient)
    }

    /// Whether and when a recipient got an item.
    pub fn shared(&self, recipient: &str, item: &str) -> Option<&SharedItem> {
        self.shared.get(recipient)?.get(item)
    }

    /// Whether an item was taken back from anybody: who never got it gets it no more.
    pub fn is_revoked(&self, item: &str) -> bool {
        self.shared.values().any(|items| items.get(item).is_some_and(|known| known.revoked))
    }

    /// The ids of the items that went out under an id, or are of what the provider got under it.
    pub fn items_of(&self, id: &str) -> BTreeSet<&str> {
        let all = self.shared.values().flatten();
        let known = all.filter(|(item, known)| *item == id || known.source_id.as_deref() == Some(id));
        known.map(|(item, _)| item.as_str()).collect()
    }

    /// Every recipient who got an item.
    pub fn recipients_of(&self, item: &str) -> BTreeSet<&str> {
        self.shared
            .iter()
            .filter(|(_, items)| items.contains_key(item))
            .map(|(who, _)| who.as_str())
            .collect()
    }

    /// Adds a line.
    pub fn push(&mut self, time: Time, event: Event) {
        let line = Line { n: self.lines + 1, prev: self.head.as_str().into(), time, event };
        // A line is made of texts and numbers: there is nothing that JSON could not hold.
        let Ok(mut body) = serde_json::to_string(&line) else { return };
        let event = line.event;
        let hash = crate::hex(&Sha256::digest(body.as_bytes()));
        body.pop();
        self.new.push_str(&body);
        self.new.push_str(",\"hash\":\"");
        self.new.push_str(&hash);
        self.new.push_str("\"}\n");
        self.lines += 1;
        self.head = hash;
        self.note(time, event);
    }

    /// The lines that were added since they were last taken, to be appended to the file.
    pub fn take_new(&mut self) -> String {
        std::mem::take(&mut self.new)
    }

    fn note(&mut self, time: Time, event: Event) {
        match event {
            Event::Package { agreement, agreement_sha256, provider, counter, .. } => {
                self.agreements.insert(agreement.clone(), (agreement_sha256, provider));
                let id = agreement.rsplit_once('@').map_or(agreement.as_str(), |(id, _)| id).to_string();
                let last = self.counters.entry(id).or_default();
                *last = (*last).max(counter);
            }
            Event::Share {
                agreement, recipient, item, role, giver, source_id, delete_by, notify, ..
            } => {
                let items = self.shared.entry(recipient).or_default();
                let first = items.get(&item).map_or(time, |known| known.first);
                let revoked = items.get(&item).is_some_and(|known| known.revoked);
                items.insert(
                    item,
                    SharedItem { first, agreement, role, giver, source_id, delete_by, notify, revoked },
                );
            }
            Event::Revoke { recipient, item, .. } => {
                if let Some(known) = self.shared.get_mut(&recipient).and_then(|items| items.get_mut(&item)) {
                    known.revoked = true;
                }
            }
            Event::Open { .. } | Event::Withhold { .. } => {}
        }
    }
}

/// Calls `on` for each line of a ledger whose chain holds; gives the number of lines and the last hash.
///
/// # Errors
/// The first line that is none, or does not follow; whatever `on` gives.
pub fn each(
    text: &str,
    mut on: impl FnMut(usize, Time, Event) -> Result<(), LedgerError>,
) -> Result<(u64, String), LedgerError> {
    let mut head = ORIGIN.to_string();
    let mut count = 0usize;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let line_number = n + 1;
        let Some(line) = line.strip_suffix('\n') else { return Err(LedgerError::Cut { line: line_number }) };
        let bad = LedgerError::Line { line: line_number };
        // `,"hash":"<64 digits>"}` ends every line.
        let at = line.len().checked_sub(75).filter(|at| line.is_char_boundary(*at)).ok_or(bad.clone())?;
        let (body, end) = line.split_at(at);
        let hash = end.strip_prefix(",\"hash\":\"").and_then(|e| e.strip_suffix("\"}")).ok_or(bad.clone())?;
        let mut hasher = Sha256::new();
        hasher.update(body.as_bytes());
        hasher.update(b"}");
        if crate::hex(&hasher.finalize()) != hash {
            return Err(LedgerError::Chain { line: line_number });
        }
        let body = format!("{body}}}");
        let parsed: Line<'_> = serde_json::from_str(&body).map_err(|_| bad)?;
        if parsed.prev != head || parsed.n != line_number as u64 {
            return Err(LedgerError::Chain { line: line_number });
        }
        on(line_number, parsed.time, parsed.event)?;
        head = hash.to_string();
        count = line_number;
    }
    Ok((count as u64, head))
}

fn namespace_of(secret: &[u8; 32]) -> Uuid {
    let bytes = derive(secret, b"indicia ids of items");
    let mut short = [0; 16];
    short.copy_from_slice(&bytes[..16]);
    uuid::Builder::from_custom_bytes(short).into_uuid()
}

fn derive(secret: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    mac(secret, purpose)
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length: 32 bytes cannot be refused.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> (Ledger, String) {
        let now = "2017-11-02".parse().unwrap();
        let mut ledger = Ledger::new(&[7; 32], now);
        for n in 1..4 {
            ledger.push(
                now,
                Event::Share {
                    agreement: "a@1".into(),
                    recipient: "b.example".into(),
                    item: format!("indicator--{n}"),
                    projection: String::new(),
                    role: Some(Role::C2),
                    giver: None,
                    source_id: None,
                    delete_by: None,
                    notify: false,
                },
            );
        }
        let text = ledger.take_new();
        (ledger, text)
    }

    #[test]
    fn what_is_written_is_read() {
        let (ledger, text) = filled();
        let again = Ledger::read(&text, Some(&[7; 32])).unwrap();
        assert_eq!((again.head(), again.len()), (ledger.head(), 4));
        assert_eq!(again.shared_with("b.example").unwrap().len(), 3);
        assert_eq!(again.namespace(), ledger.namespace());
        assert_eq!(Ledger::read(&text, Some(&[8; 32])).unwrap_err(), LedgerError::Key);
        assert!(Ledger::read(&text, None).is_ok());
        assert!(Ledger::read("", None).is_err());
    }

    #[test]
    fn every_change_is_seen() {
        let (_, text) = filled();
        for at in 0..text.len() {
            for bit in [1u8, 0x20] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Ledger::read(&changed, None).is_err(), "byte {at}");
            }
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert!(Ledger::read(&[lines[0], lines[2], lines[3]].concat(), None).is_err());
        assert!(Ledger::read(&[lines[0], lines[2], lines[1]].concat(), None).is_err());
        assert_eq!(Ledger::read(&text[..text.len() - 1], None).unwrap_err(), LedgerError::Cut { line: 4 });
    }
}
