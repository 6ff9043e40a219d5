//! The sieve: for each name, address and word that stands in a text, whether anything listed could match there.
//!
//! It never says no to what matches; that it says yes decides nothing, as what passes is looked up in full. So a
//! damaged or crafted sieve costs hits or time and never makes one.
//!
//! - A *name* is filed under its last two labels. Where longer names are listed below these the entry says
//!   [`DEEPER`], and the last three labels are asked for, and so on while more than [`CROWD`] names share a suffix.
//!   One probe answers for most names, whatever their depth.
//! - An *address* of IPv4 is a bit for the 256 addresses around it.
//! - A *word* is a digest or the address of a wallet.
//!
//! Names and words are tags of twelve bits in buckets of 64 bytes, one cache line each: see `docs/set-file.md`.

use super::hash::split_mix;
use crate::scan::prefetch;

mod build;

pub(crate) use build::{Cover, Listed, Lists, build};

/// Something is listed that matches every name with this suffix.
pub(crate) const BELOW: u16 = 1;
/// Something is listed that matches only the name that is no longer than this suffix.
pub(crate) const EXACT: u16 = 2;
/// URLs are listed on the host that is no longer than this suffix, all with a path of [`PATH`] bytes or more.
pub(crate) const URL: u16 = 4;
/// Names are listed that end with this suffix and are longer.
pub(crate) const DEEPER: u16 = 8;

const FLAGS: u16 = 15;
/// Bytes of a bucket, and its slots of two bytes.
const BUCKET: usize = 64;
const SLOTS: usize = BUCKET / 2;
/// The mean number of tags in a bucket.
const LOAD: usize = 20;
/// Buckets that a tag may stand behind its own.
const REACH: usize = 8;
/// More longer names than this make a suffix `DEEPER`.
const CROWD: usize = 8;
/// No more labels than this are looked at.
const MAX_LABELS: usize = 8;
/// Bytes of a suffix or word that its hash is made of: the last ones.
const HASHED: usize = 32;

/// Bytes of a listed URL behind its host that the sieve knows.
pub(crate) const PATH: usize = 8;

const HEAD: usize = 64;

/// What of a text has to be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Names, and hosts of URLs that are names.
    pub(crate) names: bool,
    /// Addresses of IPv4.
    pub(crate) v4: bool,
    /// Runs of colons: addresses of IPv6, with or without an IPv4 in them, and hardware addresses.
    pub(crate) colons: bool,
    /// `://`.
    pub(crate) schemes: bool,
    /// Hosts of URLs with one label.
    pub(crate) single_labels: bool,
    /// Hosts of URLs with other characters than names have.
    pub(crate) odd_hosts: bool,
    /// Digests.
    pub(crate) digests: bool,
    /// Words of letters and digits other than digests.
    pub(crate) wallets: bool,
    /// Numbers of autonomous systems.
    pub(crate) asns: bool,
    /// Numbers of vulnerabilities.
    pub(crate) cves: bool,
    /// Numbers of ATT&CK.
    pub(crate) attack_ids: bool,
    /// Hardware addresses with hyphens or dots; those with colons are among [`Wants::colons`].
    pub(crate) macs: bool,
    /// Fingerprints in parts of 10, 12 and 12.
    pub(crate) ja4s: bool,
    /// Which of [`V6_LENGTHS`] something is filed under.
    pub(crate) v6_lengths: [bool; 4],
    /// Every address of IPv6: so much of them is listed.
    pub(crate) all_v6: bool,
}

impl Wants {
    fn bits(self) -> u32 {
        [
            self.names,
            self.v4,
            self.colons,
            self.schemes,
            self.single_labels,
            self.odd_hosts,
            self.digests,
            self.wallets,
            self.all_v6,
            self.asns,
            self.cves,
            self.attack_ids,
            self.macs,
            self.ja4s,
            self.v6_lengths[0],
            self.v6_lengths[1],
            self.v6_lengths[2],
            self.v6_lengths[3],
        ]
        .iter()
        .enumerate()
        .map(|(bit, wanted)| u32::from(*wanted) << bit)
        .sum()
    }

    fn from_bits(bits: u32) -> Wants {
        let is = |bit: u32| bits >> bit & 1 == 1;
        Wants {
            names: is(0),
            v4: is(1),
            colons: is(2),
            schemes: is(3),
            single_labels: is(4),
            odd_hosts: is(5),
            digests: is(6),
            wallets: is(7),
            all_v6: is(8),
            asns: is(9),
            cves: is(10),
            attack_ids: is(11),
            macs: is(12),
            ja4s: is(13),
            v6_lengths: [is(14), is(15), is(16), is(17)],
        }
    }
}

/// Keys of the hash of suffixes and words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys([u64; 5]);

impl Keys {
    /// The keys of a seed, by splitmix64.
    pub(crate) fn new(seed: u64) -> Keys {
        let mut numbers = split_mix(seed);
        Keys(std::array::from_fn(|_| numbers.next().unwrap_or_default()))
    }

    /// The hash of `start..end` of a text, whatever its case: of its last 32 bytes and its length.
    #[inline(always)]
    pub(crate) fn hash(&self, text: &[u8], start: usize, end: usize) -> u64 {
        let length = end - start;
        let mask = &KEPT[length.min(HASHED)];
        let words =
            match end.checked_sub(HASHED).and_then(|from| text.get(from..end)?.first_chunk::<HASHED>()) {
                Some(last) => words(last),
                None => {
                    let mut last = [0; HASHED];
                    last[HASHED - end.min(HASHED)..].copy_from_slice(&text[..end]);
                    words(&last)
                }
            };
        let word = |i: usize| (words[i] | 0x2020_2020_2020_2020) & mask[i];
        let [a, b, c, d, e] = self.0;
        let first = folded(word(0) ^ a, word(1) ^ b);
        let second = folded(word(2) ^ c, word(3) ^ d);
        folded(first ^ second.rotate_left(32), e ^ length.min(255) as u64)
    }
}

#[inline(always)]
fn words(bytes: &[u8; HASHED]) -> [u64; 4] {
    let words = bytes.as_chunks::<8>().0;
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

impl Keys {
    /// The hash of what a URL has behind its host, given the host's.
    #[inline(always)]
    pub(crate) fn path(&self, host: u64, path: [u8; PATH]) -> u64 {
        folded(u64::from_le_bytes(path) ^ self.0[0], host ^ self.0[1])
    }

    /// The hash of the first bits of an address of IPv6, or of one of IPv4 as a mapped one.
    #[inline(always)]
    pub(crate) fn network(&self, bits: u128, length: u32) -> u64 {
        let bits = if length == 0 { 0 } else { bits >> (128 - length) };
        folded(bits as u64 ^ self.0[2], (bits >> 64) as u64 ^ self.0[3] ^ u64::from(length).rotate_right(8))
    }
}

/// An address of IPv4 as the sieve's hash takes it.
#[inline(always)]
pub(crate) fn mapped(address: u32) -> u128 {
    0xffff_0000_0000 | u128::from(address)
}

#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// For each length the bytes of a suffix that count.
static KEPT: [[u64; 4]; HASHED + 1] = {
    let mut table = [[0; 4]; HASHED + 1];
    let mut length = 0;
    while length <= HASHED {
        let mut byte = HASHED - length;
        while byte < HASHED {
            table[length][byte / 8] |= 0xff << (8 * (byte % 8));
            byte += 1;
        }
        length += 1;
    }
    table
};

/// A table of tags in the bytes of a sieve.
#[derive(Clone, Copy, Debug, Default)]
struct Table {
    at: usize,
    buckets: usize,
}

impl Table {
    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        (((hash >> 32) * self.buckets as u64) >> 32) as usize
    }

    #[inline(always)]
    fn prefetch(&self, bytes: &[u8], hash: u64) {
        prefetch(bytes, self.at + self.home(hash) * BUCKET);
    }

    /// The flags of every slot that has the tag, together.
    #[inline(always)]
    fn flags(&self, bytes: &[u8], hash: u64) -> u16 {
        let tag = tag(hash);
        let home = self.home(hash);
        for bucket in home..(home + REACH).min(self.buckets) {
            let at = self.at + bucket * BUCKET;
            let Some(slots) = bytes.get(at..at + BUCKET) else { return 0 };
            let slots = slots.as_chunks::<2>().0;
            let mut flags = 0;
            for slot in slots {
                let slot = u16::from_le_bytes(*slot);
                flags |= if (slot ^ tag) & !FLAGS == 0 { slot & FLAGS } else { 0 };
            }
            // A bucket that is not full has no more behind it.
            if flags != 0 || slots[SLOTS - 1] == [0, 0] {
                return flags;
            }
        }
        0
    }
}

/// Twelve bits of a hash, where the flags stand below.
#[inline(always)]
fn tag(hash: u64) -> u16 {
    (hash as u16) & !FLAGS
}

/// A sieve in bytes: where what stands in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sieve {
    pub(crate) wants: Wants,
    pub(crate) keys: Keys,
    /// The last labels of all names.
    ends: usize,
    v4: usize,
    /// How many bits of a hash of 24 bits the bitmap of addresses has.
    v4_bits: u32,
    names: Table,
    words: Table,
}

/// Bytes of the bitmap of last labels.
const ENDS: usize = 1024;

#[inline(always)]
fn end_bit(label: u64) -> usize {
    (label.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - 13)) as usize
}

#[inline(always)]
fn v4_bit(network: u32, bits: u32) -> usize {
    // An odd factor only moves the numbers of 24 bits about.
    (network.wrapping_mul(0x9e_3779) & 0xff_ffff) as usize >> (24 - bits)
}

impl Sieve {
    /// The sieve that stands in bytes, if its parts lie in them.
    pub(crate) fn read(bytes: &[u8]) -> Option<Sieve> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let seed = u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?);
        let (v4_bits, names, words) = (u32_at(4)?, u32_at(16)? as usize, u32_at(20)? as usize);
        let v4_bytes = match v4_bits {
            0 => 0,
            WIDE..=24 => 1usize << (v4_bits - 3),
            _ => return None,
        };
        let ends = HEAD;
        let v4 = ends + ENDS;
        let names = Table { at: v4 + v4_bytes, buckets: names };
        let words = Table { at: names.at + names.buckets * BUCKET, buckets: words };
        (words.at + words.buckets * BUCKET == bytes.len()).then_some(Sieve {
            // What this build does not know it cannot look for.
            wants: Wants::from_bits(u32_at(0).filter(|bits| *bits < 1 << 18)?),
            keys: Keys::new(seed),
            ends,
            v4,
            v4_bits,
            names,
            words,
        })
    }

    /// Whether a name is listed whose last label ends with the same bytes, given as [`last_bytes`] does.
    #[inline(always)]
    pub(crate) fn has_end(&self, bytes: &[u8], label: u64) -> bool {
        let bit = end_bit(label);
        bytes.get(self.ends + bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }

    #[inline(always)]
    pub(crate) fn prefetch_v4(&self, bytes: &[u8], address: u32) {
        if self.v4_bits > 0 {
            prefetch(bytes, self.v4 + v4_bit(address >> 8, self.v4_bits) / 8);
        }
    }

    /// What an address of IPv4 is filed under, if something is listed of the 256 around it.
    #[inline(always)]
    pub(crate) fn v4(&self, bytes: &[u8], address: u32) -> Near {
        if self.v4_bits == 0 {
            return Near::Nothing;
        }
        let bit = v4_bit(address >> 8, self.v4_bits);
        match bytes.get(self.v4 + bit / 8) {
            Some(byte) if byte >> (bit % 8) & 1 == 1 => {}
            _ => return Near::Nothing,
        }
        match self.v4_bits {
            WIDE => Near::All,
            _ => Near::Hashes([128, 120].map(|length| self.keys.network(mapped(address), length))),
        }
    }

    /// The hashes that an address of IPv6 may be filed under.
    pub(crate) fn v6(&self, address: u128) -> impl Iterator<Item = u64> {
        let used = V6_LENGTHS.into_iter().zip(self.wants.v6_lengths).filter(|(_, used)| *used);
        used.map(move |(length, _)| self.keys.network(address, length))
    }

    #[inline(always)]
    pub(crate) fn prefetch_name(&self, bytes: &[u8], hash: u64) {
        self.names.prefetch(bytes, hash);
    }

    /// What is listed of names with a suffix.
    #[inline(always)]
    pub(crate) fn name(&self, bytes: &[u8], hash: u64) -> u16 {
        self.names.flags(bytes, hash)
    }

    #[inline(always)]
    pub(crate) fn prefetch_word(&self, bytes: &[u8], hash: u64) {
        self.words.prefetch(bytes, hash);
    }

    /// Whether a word is listed.
    #[inline(always)]
    pub(crate) fn word(&self, bytes: &[u8], hash: u64) -> bool {
        self.words.flags(bytes, hash) != 0
    }
}

/// What is known of an address before it is looked up.
pub(crate) enum Near {
    /// Nothing is listed of it.
    Nothing,
    /// What is listed of it is filed under one of these.
    Hashes([u64; 2]),
    /// So much is listed that it may be anything.
    All,
}

/// Networks of IPv6 are filed under the longest of these that is no longer.
const V6_LENGTHS: [u32; 4] = [128, 48, 32, 16];
/// Instead of a number of bits: so many addresses of IPv4 are listed that all pass.
const WIDE: u32 = 10;

/// The last eight bytes of a label at the most, in lower case, as a number.
#[inline(always)]
pub(crate) fn last_bytes(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    let word = match end.checked_sub(8).and_then(|from| text.get(from..end)) {
        Some(bytes) => u64::from_le_bytes(bytes.try_into().unwrap_or_default()),
        None => {
            let mut last = [0; 8];
            last[8 - end.min(8)..].copy_from_slice(&text[..end.min(8)]);
            u64::from_le_bytes(last)
        }
    };
    let kept = if length >= 8 { u64::MAX } else { !(u64::MAX >> (8 * length)) };
    (word | 0x2020_2020_2020_2020) & kept
}

/// Where the last `labels` labels of a name begin.
pub(crate) fn suffix(name: &[u8], labels: usize) -> Option<usize> {
    let mut end = name.len();
    for _ in 1..labels {
        end = memchr::memrchr(b'.', &name[..end])?;
    }
    Some(memchr::memrchr(b'.', &name[..end]).map_or(0, |dot| dot + 1))
}
