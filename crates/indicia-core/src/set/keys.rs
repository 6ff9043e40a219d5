//! From a key or an address to the indicators that have it, step by step: each step reads what the one before asked for, so
//! that who looks up many values at once waits for the memory of all of them together.

use std::net::Ipv4Addr;

pub(crate) use super::exact::Guess;
use super::record::{Bodies, Records};
use super::{IndicatorRef, IndicatorSet, SAME_KEY, Section, exact};
use crate::Kind;

/// One section, and what leads from keys to its records.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'s> {
    set: &'s IndicatorSet,
    index: &'s [u8],
    records: &'s Records,
}

impl IndicatorSet {
    /// The section of a kind, where the set has one.
    #[inline]
    pub(crate) fn keys(&self, section: Kind) -> Option<Keys<'_>> {
        let Section { records, index } = self.section(section)?;
        Some(Keys { set: self, index, records })
    }

    /// The hash of a key, by which it is found.
    #[inline]
    pub(crate) fn hash(&self, key: &str) -> u64 {
        self.hasher.hash(key.as_bytes())
    }
}

impl<'s> Keys<'s> {
    #[inline]
    pub(crate) fn hash(&self, key: &str) -> u64 {
        self.set.hash(key)
    }

    /// First step: asks for where a key with this hash would stand.
    #[inline]
    pub(crate) fn ask(&self, hash: u64) {
        exact::prefetch_home(self.index, hash);
    }

    /// Second step: what is to be expected of the next. Asks for where the record begins.
    #[inline]
    pub(crate) fn guess(&self, hash: u64) -> Guess {
        let guess = exact::guess(self.index, hash);
        if let Some(number) = self.number(guess) {
            self.records.prefetch_place(number);
        }
        guess
    }

    /// The number in the section.
    #[inline]
    fn number(&self, guess: Guess) -> Option<u32> {
        match guess {
            Guess::Likely(number) => number.checked_sub(self.records.first),
            _ => None,
        }
    }

    /// Third step: asks for the record.
    #[inline]
    pub(crate) fn ask_record(&self, guess: Guess) {
        if let Some(number) = self.number(guess) {
            self.records.prefetch(number);
        }
    }

    /// Last step, or the only one: every indicator with this key, whose hash is known.
    #[inline]
    pub(crate) fn equal(&self, hash: u64, guess: Guess, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        if guess == Guess::Nowhere {
            return;
        }
        let mut first = self.number(guess);
        let mut at = first.and_then(|number| self.with_key(number, key));
        if at.is_none() {
            exact::find(self.index, hash, |number| {
                first = number.checked_sub(self.records.first);
                at = first.and_then(|number| self.with_key(number, key));
                at.is_some()
            });
        }
        if let (Some(first), Some((body, bodies))) = (first, at) {
            self.all_from(body, bodies, first, key, found);
        }
    }

    /// The body of the record with a number, and those behind it, where this is its key.
    #[inline]
    fn with_key(&self, number: u32, key: &str) -> Option<(&'s [u8], Bodies<'s>)> {
        let mut bodies = self.records.from(number)?;
        Some((bodies.with_key(key.as_bytes())?, bodies))
    }

    /// A record of the set with a key, and those behind it that have it too.
    #[inline]
    fn all_from(
        &self,
        mut body: &'s [u8],
        mut bodies: Bodies<'s>,
        first: u32,
        key: &str,
        mut found: impl FnMut(IndicatorRef<'s>),
    ) {
        let first = self.records.first.saturating_add(first);
        for index in first..first.saturating_add(SAME_KEY) {
            found(IndicatorRef { set: self.set, body, section: self.records.kind, index });
            let Some(next) = bodies.with_key(key.as_bytes()) else { return };
            body = next;
        }
    }
}

/// Single IPv4 addresses: the numbers by which they are found, and their records.
#[derive(Clone, Copy)]
pub(crate) struct Addresses<'s> {
    keys: Keys<'s>,
}

impl IndicatorSet {
    /// Single IPv4 addresses, where the set has some.
    #[inline]
    pub(crate) fn addresses(&self) -> Option<Addresses<'_>> {
        Some(Addresses { keys: self.keys(Kind::Ipv4)? })
    }
}

impl<'s> Addresses<'s> {
    /// First step: asks for where numbers like this begin.
    #[inline]
    pub(crate) fn ask(&self, address: Ipv4Addr) {
        self.keys.set.addresses.prefetch_table(address.to_bits());
    }

    /// Second step: asks for the numbers themselves.
    #[inline]
    pub(crate) fn ask_numbers(&self, address: Ipv4Addr) {
        self.keys.set.addresses.prefetch_numbers(address.to_bits());
    }

    /// Third step: the record of an address. Asks for where it begins.
    #[inline]
    pub(crate) fn find(&self, address: Ipv4Addr) -> Option<u32> {
        let number = self.keys.set.addresses.find(address.to_bits())?;
        self.keys.records.prefetch_place(number);
        Some(number)
    }

    /// Fourth step: asks for the record.
    #[inline]
    pub(crate) fn ask_record(&self, number: u32) {
        self.keys.records.prefetch(number);
    }

    /// Last step: every indicator of the address that was found so, which is written in `key`.
    #[inline]
    pub(crate) fn equal(&self, number: u32, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        if let Some((body, bodies)) = self.keys.with_key(number, key) {
            self.keys.all_from(body, bodies, number, key, found);
        }
    }
}
