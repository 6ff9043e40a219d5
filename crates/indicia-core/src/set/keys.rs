//! From a key or an address to the indicators that have it, step by step: each step reads what the one before asked for, so
//! that who looks up many values at once waits for the memory of all of them together.

use std::net::Ipv4Addr;

use super::addresses::Run;
use super::exact::Guess;
use super::record::{Records, Spot};
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
        self.hash.of(key.as_bytes())
    }
}

/// A key on its way to its record.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    hash: u64,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    /// Asked for, or nothing is to be expected.
    Begun,
    /// No key has this hash.
    Nowhere,
    /// The record likely has this number in the section.
    Number(u32),
    /// The record likely is this one.
    Record(Spot),
}

impl Probe {
    pub(crate) const NONE: Probe = Probe { hash: 0, step: Step::Nowhere };

    pub(crate) fn is_nowhere(&self) -> bool {
        matches!(self.step, Step::Nowhere)
    }
}

impl<'s> Keys<'s> {
    /// First step: asks for where a key would stand.
    #[inline]
    pub(crate) fn ask(&self, key: &str) -> Probe {
        let hash = self.set.hash(key);
        exact::prefetch_home(self.index, hash);
        Probe { hash, step: Step::Begun }
    }

    /// Second step: asks for where the record that likely has the key begins.
    #[inline]
    pub(crate) fn guess(&self, probe: &mut Probe) {
        probe.step = match exact::guess(self.index, probe.hash) {
            Guess::Nowhere => Step::Nowhere,
            Guess::Unknown => Step::Begun,
            Guess::Likely(number) => {
                let number = number.wrapping_sub(self.records.first);
                self.records.prefetch_place(number);
                Step::Number(number)
            }
        };
    }

    /// Third step: asks for this record.
    #[inline]
    pub(crate) fn ask_record(&self, probe: &mut Probe) {
        if let Step::Number(number) = probe.step {
            probe.step = match self.records.spot(number) {
                Some(spot) => {
                    self.records.prefetch(spot);
                    Step::Record(spot)
                }
                None => Step::Begun,
            };
        }
    }

    /// Last step, whichever of the others were gone: every indicator with this key.
    #[inline(always)]
    pub(crate) fn equal(&self, probe: &Probe, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        if let Step::Record(spot) = probe.step
            && let Some(body) = self.records.at_with_key(spot, key.as_bytes())
        {
            self.all_from(body, spot, key, found);
        } else if !probe.is_nowhere() {
            self.search(probe.hash, key, found);
        }
    }

    /// Every indicator with this key, by all that the index has under its hash.
    pub(super) fn search(&self, hash: u64, key: &str, found: impl FnMut(IndicatorRef<'s>)) {
        let mut at = None;
        exact::find(self.index, hash, |number| {
            let spot = number.checked_sub(self.records.first).and_then(|number| self.records.spot(number));
            at = spot.and_then(|spot| {
                self.records.prefetch(spot);
                Some((self.records.at_with_key(spot, key.as_bytes())?, spot))
            });
            at.is_some()
        });
        if let Some((body, spot)) = at {
            self.all_from(body, spot, key, found);
        }
    }

    /// A record of the set with a key, and those behind it that have it too.
    #[inline(always)]
    fn all_from(
        &self,
        mut body: &'s [u8],
        mut spot: Spot,
        key: &str,
        mut found: impl FnMut(IndicatorRef<'s>),
    ) {
        let Keys { set, records, .. } = *self;
        for _ in 0..SAME_KEY {
            found(IndicatorRef { set, body, section: records.kind, index: records.first + spot.number });
            let Some(next) = records.behind(spot) else { return };
            let Some(same) = records.at_with_key(next, key.as_bytes()) else { return };
            (body, spot) = (same, next);
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

    /// Third step: the record of an address. Asks for where it begins.
    #[inline(always)]
    pub(crate) fn find(&self, address: Ipv4Addr, run: Run) -> Probe {
        let Some(number) = self.keys.set.addresses.find(address.to_bits(), run) else { return Probe::NONE };
        self.keys.records.prefetch_place(number);
        Probe { hash: 0, step: Step::Number(number) }
    }

    /// Fourth step: asks for the record.
    #[inline]
    pub(crate) fn ask_record(&self, probe: &mut Probe) {
        self.keys.ask_record(probe);
    }

    /// Last step: every indicator of the address that was found so, which is written in `key`.
    #[inline(always)]
    pub(crate) fn equal(&self, probe: &Probe, key: &str, mut found: impl FnMut(IndicatorRef<'s>)) {
        let spot = match probe.step {
            Step::Number(number) => self.keys.records.spot(number),
            Step::Record(spot) => Some(spot),
            Step::Begun | Step::Nowhere => None,
        };
        let Some(mut spot) = spot else { return };
        let Keys { set, records, .. } = self.keys;
        for _ in 0..SAME_KEY {
            let Some(body) = records.at_with_key(spot, key.as_bytes()) else { return };
            found(IndicatorRef { set, body, section: records.kind, index: records.first + spot.number });
            // The numbers, which are near, say whether there is another.
            if !set.addresses.is_same(spot.number) {
                return;
            }
            let Some(next) = records.behind(spot) else { return };
            spot = next;
        }
    }
}
