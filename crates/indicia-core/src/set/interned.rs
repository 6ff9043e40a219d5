//! Contexts of a set being built: each distinct one once, as its JSON.
//!
//! Most feeds say the same of many indicators, so the last ones that came are kept as they are and compared first;
//! only what is not among them is written as JSON and looked up.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::builder;
use crate::Context;

/// How many contexts are kept as they came.
const RECENT: usize = 256;

#[derive(Default)]
pub(super) struct Interned {
    random: RandomState,
    recent: Vec<Option<(Context, u32)>>,
    json: Vec<u8>,
    ends: Vec<usize>,
    by_json: HashTable<u32>,
    /// The names of feeds, and of each context its feed and what is counted of it.
    feeds: Vec<String>,
    by_name: std::collections::HashMap<String, u32, RandomState>,
    facts: Vec<Facts>,
}

/// What is counted of a context.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// The place of its feed's name.
    pub(super) feed: u32,
    /// Whether it has neither TLP nor PAP.
    pub(super) unmarked: bool,
    /// Whether a builder takes it only when told to.
    pub(super) carried: bool,
}

impl Interned {
    /// The number of a context.
    pub(super) fn number(&mut self, context: Context) -> u32 {
        if self.recent.is_empty() {
            self.recent.resize_with(RECENT, || None);
        }
        let slot = self.random.hash_one(&context) as usize % RECENT;
        if let Some((same, number)) = &self.recent[slot]
            && *same == context
        {
            return *number;
        }
        // Every field of a context is a string, number, list or map: it always serializes.
        let json = serde_json::to_vec(&context).unwrap_or_default();
        let hash = self.random.hash_one(&json[..]);
        let known = self.by_json.find(hash, |other| self.json(*other) == json).copied();
        let number = known.unwrap_or_else(|| self.add(&json, hash, &context));
        // Two zeros are equal and written otherwise: what may hold one is told apart by its JSON.
        if memchr::memmem::find(&json, b"0.0").is_none() {
            self.recent[slot] = Some((context, number));
        }
        number
    }

    fn add(&mut self, json: &[u8], hash: u64, context: &Context) -> u32 {
        let number = self.ends.len() as u32;
        self.json.extend_from_slice(json);
        self.ends.push(self.json.len());
        let Interned { random, json, ends, by_json, .. } = self;
        by_json.insert_unique(hash, number, |other| random.hash_one(json_of(json, ends, *other)));
        let name = context.feed.as_deref().unwrap_or_default();
        let feed = match self.by_name.get(name) {
            Some(feed) => *feed,
            None => {
                let feed = self.feeds.len() as u32;
                self.feeds.push(name.to_string());
                self.by_name.insert(name.to_string(), feed);
                feed
            }
        };
        self.facts.push(Facts {
            feed,
            unmarked: context.tlp.is_none() && context.pap.is_none(),
            carried: !builder::is_for_detection(context) || builder::is_to_notify(context),
        });
        number
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn json(&self, number: u32) -> &[u8] {
        json_of(&self.json, &self.ends, number)
    }

    pub(super) fn facts(&self, number: u32) -> Facts {
        self.facts[number as usize]
    }

    /// The names of feeds; a context without one has the empty one.
    pub(super) fn feeds(&self) -> &[String] {
        &self.feeds
    }
}

fn json_of<'j>(json: &'j [u8], ends: &[usize], number: u32) -> &'j [u8] {
    let from = number.checked_sub(1).map_or(0, |before| ends[before as usize]);
    &json[from..ends[number as usize]]
}
