//! From a key or an address to the indicators that have it, step by step: each step reads what the one before asked for, so
//! that who looks up many values at once waits for the memory of all of them together.

use std::net::Ipv4Addr;

use super::addresses::Run;
use super::record::{Records, Spot};
use super::{IndicatorRef, IndicatorSet, SAME_KEY, Section, exact};
use crate::Kind;

/// The bit of a record's number in an index that says that the one behind has the same key. No section has so many records:
/// each takes three bytes of 2³² at least.
pub(super) const SEVERAL: u32 = 1 << 31;

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
        self.hash.of(key.as_bytes())
    }
}

impl<'s> Keys<'s> {
    /// First step: asks for where a key would stand, by the hash that is returned.
    #[inline]
    pub(crate) fn ask(&self, key: &[u8]) -> u64 {
        let hash = self.set.hash.of(key);
        exact::prefetch_home(self.index, hash);
        hash
    }

    /// Second step: whether a key with this hash may be listed, and the number that likely leads to it. Asks for where the
    /// record begins.
    #[inline(always)]
    pub(crate) fn guess(&self, hash: u64) -> (bool, u32) {
        let (is_possible, number) = exact::guess(self.index, hash);
        self.records.prefetch_place(number & !SEVERAL);
        (is_possible, number)
    }

    /// Third step: where this record is. Asks for it.
    #[inline(always)]
    pub(crate) fn spot(&self, number: u32) -> Option<Spot> {
        let spot = self.records.spot(number & !SEVERAL)?;
        self.records.prefetch(spot);
        Some(spot)
    }

    /// Last step: every indicator with this key, which likely stands at the spot that a number led to.
    #[inline(always)]
    pub(crate) fn equal(
        &self,
        hash: u64,
        number: u32,
        spot: Option<Spot>,
        key: &str,
        found: impl FnMut(IndicatorRef<'s>),
    ) {
        let body = spot.and_then(|spot| self.records.at_with_key(spot, key.as_bytes()));
        if let Some((number, body)) = body.map(|body| (number, body)).or_else(|| self.search(hash, key)) {
            self.all_from(number, body, key, found);
        }
    }

    /// Every indicator with this key, by all that the index has under its hash.
    pub(super) fn all(&self, hash: u64, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        if let Some((number, body)) = self.search(hash, key) {
            self.all_from(number, body, key, found);
        }
    }

    /// The number in the index that leads to a key, and its record.
    fn search(&self, hash: u64, key: &str) -> Option<(u32, &'s [u8])> {
        let mut body = None;
        let number = exact::find(self.index, hash, |number| {
            body = self.spot(number).and_then(|spot| self.records.at_with_key(spot, key.as_bytes()));
            body.is_some()
        })?;
        Some((number, body?))
    }

    /// A record of the set with a key, and those behind it that have it too.
    #[inline(always)]
    fn all_from(&self, number: u32, body: &'s [u8], key: &str, mut found: impl FnMut(IndicatorRef<'s>)) {
        let Keys { set, records, .. } = *self;
        let (first, mut body, mut behind) = (records.first + (number & !SEVERAL), body, 0);
        loop {
            found(IndicatorRef { set, body, section: records.kind, index: first.wrapping_add(behind) });
            behind += 1;
            if number & SEVERAL == 0 || behind == SAME_KEY {
                return;
            }
            let next = records.spot((number & !SEVERAL) + behind);
            let Some(same) = next.and_then(|next| records.at_with_key(next, key.as_bytes())) else { return };
            body = same;
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

    /// Second step: where numbers like this stand. Asks for them.
    #[inline]
    pub(crate) fn run(&self, address: Ipv4Addr) -> Run {
        let numbers = &self.keys.set.addresses;
        let run = numbers.run(address.to_bits());
        numbers.prefetch_run(run);
        run
    }

    /// Third step: the number of the record of an address. Asks for where it begins.
    #[inline(always)]
    pub(crate) fn find(&self, address: Ipv4Addr, run: Run) -> Option<u32> {
        let number = self.keys.set.addresses.find(address.to_bits(), run)?;
        self.keys.records.prefetch_place(number);
        Some(number)
    }

    /// Fourth step: where this record is. Asks for it.
    #[inline(always)]
    pub(crate) fn spot(&self, number: u32) -> Option<Spot> {
        self.keys.spot(number)
    }

    /// Last step: every indicator of the address that was found so, which is written in `key`.
    #[inline(always)]
    pub(crate) fn equal(
        &self,
        mut number: u32,
        mut spot: Option<Spot>,
        key: &str,
        mut found: impl FnMut(IndicatorRef<'s>),
    ) {
        let Keys { set, records, .. } = self.keys;
        for _ in 0..SAME_KEY {
            let Some(of_record) = spot else { return };
            let Some(body) = records.at_with_key(of_record, key.as_bytes()) else { return };
            found(IndicatorRef { set, body, section: records.kind, index: records.first + number });
            // The numbers, which are near, say whether there is another.
            if !set.addresses.is_same(number) {
                return;
            }
            number += 1;
            spot = records.spot(number);
        }
    }
}
