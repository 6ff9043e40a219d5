//! From a key to the first record that has it: buckets of one cache line.
//!
//! ```text
//! bucket: 12 tags (u8), used (u8), reach (u8), gone (u16), 12 numbers (u32)
//! ```
//! A key's hash says its home bucket (upper 32 bits times homes, divided by 2³²) and its tag (lowest byte). It stands
//! there or, where that is full, in one of the next [`REACH`] buckets; so many stand behind the last home. `reach` says
//! how far the keys of a home went and `gone` which: a bit for bits 8 to 11 of the hash of each. So one that is not listed
//! costs one cache line nearly always. Keys are put
//! in by their hashes, which keeps the farthest as near as can be, and the keyed hash is chosen so that none has to go
//! farther, whatever keys somebody plants.

use wide::u8x16;

use crate::scan::prefetch;

/// Buckets that a key can stand behind its home.
pub(super) const REACH: usize = 8;
/// Bytes of a bucket.
pub(super) const BUCKET: usize = 64;
const SLOTS: usize = 12;
const USED: usize = 12;
const FARTHEST: usize = 13;
const GONE: usize = 14;
/// Keys a bucket on average: with ten, each tenth key is not in its home, and a lookup waits for memory once more.
const LOAD: usize = 7;

/// Home buckets for so many keys, doubled `growth` times.
pub(super) fn homes(keys: usize, growth: u32) -> usize {
    keys.div_ceil(LOAD) << growth
}

#[inline]
fn home(hash: u64, homes: usize) -> usize {
    ((hash >> 32).wrapping_mul(homes as u64) >> 32) as usize
}

/// Makes the buckets for hashes and the numbers that they lead to; `None` where a key would have to go too far.
pub(super) fn build(homes: usize, mut keys: Vec<(u64, u32)>) -> Option<Vec<u8>> {
    if keys.is_empty() {
        return Some(Vec::new());
    }
    keys.sort_unstable();
    let mut index = vec![0; (homes + REACH) * BUCKET];
    // No bucket in front of this one has room.
    let mut open = 0;
    for (hash, number) in keys {
        let home = home(hash, homes);
        open = open.max(home);
        if usize::from(index[open * BUCKET + USED]) == SLOTS {
            open += 1;
        }
        let step = open - home;
        if step > REACH {
            return None;
        }
        let bucket = &mut index[open * BUCKET..][..BUCKET];
        let slot = usize::from(bucket[USED]);
        bucket[slot] = hash as u8;
        bucket[USED] += 1;
        bucket[16 + 4 * slot..][..4].copy_from_slice(&number.to_le_bytes());
        let home = &mut index[home * BUCKET..][..BUCKET];
        home[FARTHEST] = home[FARTHEST].max(step as u8);
        if step > 0 {
            let gone = gone(hash);
            home[GONE + gone / 8] |= 1 << (gone % 8);
        }
    }
    Some(index)
}

/// Asks for the bucket in which a key with this hash would stand.
#[inline]
pub(super) fn prefetch_home(index: &[u8], hash: u64) {
    if let Some(homes) = (index.len() / BUCKET).checked_sub(REACH) {
        prefetch(index, home(hash, homes) * BUCKET);
    }
}

/// The slots of a bucket that have the tag of a hash, a bit each.
#[inline]
fn tagged(bucket: &[u8; BUCKET], hash: u64) -> u32 {
    let (head, _) = bucket.as_chunks::<16>();
    let same = u8x16::new(head[0]).simd_eq(u8x16::splat(hash as u8)).to_bitmask();
    same & ((1 << usize::from(bucket[USED]).min(SLOTS)) - 1)
}

/// The bit of a hash in `gone`.
#[inline]
fn gone(hash: u64) -> usize {
    (hash >> 8) as usize % 16
}

/// Whether a key with this hash may stand behind its home, which is the bucket.
#[inline]
fn may_be_gone(bucket: &[u8; BUCKET], hash: u64) -> bool {
    u16::from_le_bytes([bucket[GONE], bucket[GONE + 1]]) >> gone(hash) & 1 != 0
}

#[inline]
fn number(bucket: &[u8; BUCKET], slot: usize) -> u32 {
    let (words, _) = bucket.as_chunks::<4>();
    u32::from_le_bytes(words[4 + slot])
}

/// In place of a number: which it is takes a search.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// What the home bucket of a hash says before anything else is read: whether a key may have this hash, and the number that
/// is likely its own. Without a branch, for what is asked is as good as random.
#[inline(always)]
pub(super) fn guess(index: &[u8], hash: u64) -> (bool, u32) {
    let bucket = || -> Option<&[u8; BUCKET]> {
        let homes = (index.len() / BUCKET).checked_sub(REACH)?;
        index.get(home(hash, homes) * BUCKET..)?.first_chunk()
    };
    let Some(bucket) = bucket() else { return (false, UNKNOWN) };
    let same = tagged(bucket, hash);
    let slot = (same.trailing_zeros() as usize).min(SLOTS - 1);
    let is_likely = same != 0;
    let number = number(bucket, slot);
    (is_likely | may_be_gone(bucket, hash), if is_likely { number } else { UNKNOWN })
}

/// The first number under a hash that is `right`.
#[inline]
pub(super) fn find(index: &[u8], hash: u64, mut right: impl FnMut(u32) -> bool) -> Option<u32> {
    let homes = (index.len() / BUCKET).checked_sub(REACH)?;
    let mut at = home(hash, homes);
    let mut steps = 0;
    loop {
        let bucket: &[u8; BUCKET] = index.get(at * BUCKET..)?.first_chunk()?;
        if steps == 0 {
            let farthest = if may_be_gone(bucket, hash) { bucket[FARTHEST] } else { 0 };
            steps = 1 + usize::from(farthest).min(REACH);
        }
        let mut same = tagged(bucket, hash);
        while same != 0 {
            let number = number(bucket, same.trailing_zeros() as usize);
            if right(number) {
                return Some(number);
            }
            same &= same - 1;
        }
        steps -= 1;
        if steps == 0 {
            return None;
        }
        at += 1;
    }
}

/// More keys than these never have one home.
#[cfg(test)]
pub(super) const ROOM: usize = SLOTS * (1 + REACH);

/// The buckets that the farthest key stands behind its home.
#[cfg(test)]
pub(super) fn farthest(index: &[u8]) -> usize {
    index.chunks(BUCKET).map(|bucket| usize::from(bucket[FARTHEST])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(i: u64) -> u64 {
        super::super::hash::KeyHash::new(&[7; 16]).of(&i.to_le_bytes())
    }

    #[test]
    fn every_key_is_found_and_no_other() {
        for keys in [0, 1, 2, 9, 10, 11, 12, 13, 500, 20_000] {
            let all = (0..keys as u32).map(|i| (hash(i.into()), i)).collect();
            let index = build(homes(keys, 0), all).unwrap();
            for i in 0..2 * keys as u32 {
                let found = find(&index, hash(i.into()), |number| number == i);
                assert_eq!(found, Some(i).filter(|i| (*i as usize) < keys));
                // What is guessed is what is asked first.
                let first = find(&index, hash(i.into()), |_| true);
                match guess(&index, hash(i.into())) {
                    (false, _) => assert_eq!(first, None),
                    (true, UNKNOWN) => {}
                    (true, guessed) => assert_eq!(first, Some(guessed)),
                }
            }
        }
    }

    #[test]
    fn equal_hashes_fill_what_a_key_reaches() {
        let same = |hash: u64, keys: usize| build(20, (0..keys as u32).map(|i| (hash, i)).collect());
        assert!(same(7, ROOM).is_some());
        assert!(same(7, ROOM + 1).is_none());
        let index = same(u64::MAX, ROOM).unwrap();
        assert_eq!(find(&index, u64::MAX, |number| number == ROOM as u32 - 1), Some(ROOM as u32 - 1));
    }

    #[test]
    fn any_bytes_are_searched_in_bounded_steps() {
        let index = vec![0xff; 20 * BUCKET + 5];
        let mut asked = 0;
        assert_eq!(
            find(&index, u64::MAX, |_| {
                asked += 1;
                false
            }),
            None
        );
        assert!(asked <= (1 + REACH) * SLOTS);
        assert_eq!(find(&index[..63], 0, |_| true), None);
    }
}
