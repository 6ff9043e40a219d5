//! Contexts of a set being built: each distinct one once, as its JSON.
//!
//! Most feeds say the same of many indicators, so some of those that came are kept as they are and compared first; only
//! what is not among them is written as JSON and looked up.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::builder;
use crate::Context;

/// How many contexts are kept as they came: then none, and again.
const RECENT: usize = 256;

#[derive(Default)]
pub(super) struct Interned {
    random: RandomState,
    recent: HashTable<Recent>,
    json: Vec<u8>,
    ends: Vec<usize>,
    by_json: HashTable<u32>,
    /// The names of feeds, and of each context its feed and what is counted of it.
    feeds: Vec<String>,
    by_name: std::collections::HashMap<String, u32, RandomState>,
    facts: Vec<Facts>,
}

/// A context as it came: its hash and number.
struct Recent {
    hash: u64,
    context: Box<Context>,
    number: u32,
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

/// What is kept of a context beside its JSON.
struct Said<'s> {
    facts: Facts,
    feed: &'s str,
}

impl Said<'_> {
    fn of(context: &Context) -> Said<'_> {
        let facts = Facts {
            feed: 0,
            unmarked: context.tlp.is_none() && context.pap.is_none(),
            carried: !builder::is_for_detection(context) || builder::is_to_notify(context),
        };
        Said { facts, feed: context.feed.as_deref().unwrap_or_default() }
    }
}

impl Interned {
    /// The number of a context.
    pub(super) fn number(&mut self, context: Context) -> u32 {
        let hash = self.random.hash_one(&context);
        if let Some(same) = self.recent.find(hash, |recent| recent.hash == hash && *recent.context == context)
        {
            return same.number;
        }
        // Every field of a context is a string, number, list or map: it always serializes.
        let json = serde_json::to_vec(&context).unwrap_or_default();
        let number = self.number_of_json(&json, || Said::of(&context));
        // Two zeros are equal and written otherwise: what may hold one is told apart by its JSON.
        if memchr::memmem::find(&json, b"0.0").is_none() {
            if self.recent.len() == RECENT {
                self.recent.clear();
            }
            let recent = Recent { hash, context: Box::new(context), number };
            self.recent.insert_unique(hash, recent, |recent| recent.hash);
        }
        number
    }

    /// The number of a context that has another one elsewhere.
    pub(super) fn number_of(&mut self, other: &Interned, number: u32) -> u32 {
        self.number_of_json(other.json(number), || {
            let facts = other.facts(number);
            Said { facts, feed: &other.feeds[facts.feed as usize] }
        })
    }

    fn number_of_json<'s>(&mut self, json: &[u8], said: impl FnOnce() -> Said<'s>) -> u32 {
        let hash = self.random.hash_one(json);
        match self.by_json.find(hash, |other| self.json(*other) == json) {
            Some(number) => *number,
            None => self.add(json, hash, &said()),
        }
    }

    fn add(&mut self, json: &[u8], hash: u64, said: &Said<'_>) -> u32 {
        let number = self.ends.len() as u32;
        self.json.extend_from_slice(json);
        self.ends.push(self.json.len());
        let Interned { random, json, ends, by_json, .. } = self;
        by_json.insert_unique(hash, number, |other| random.hash_one(json_of(json, ends, *other)));
        let feed = match self.by_name.get(said.feed) {
            Some(feed) => *feed,
            None => {
                let feed = self.feeds.len() as u32;
                self.feeds.push(said.feed.to_string());
                self.by_name.insert(said.feed.to_string(), feed);
                feed
            }
        };
        self.facts.push(Facts { feed, ..said.facts });
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
