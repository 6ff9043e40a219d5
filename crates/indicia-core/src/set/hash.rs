//! The hash by which keys are found in indexes.
//!
//! rapidhash is quick on short texts. Who knows its key can make texts with one hash, but who chooses texts for a list does
//! not know it: the key is drawn from a digest of all of them, and another one where keys stand too far from home. What is
//! looked up in a set whose key is known reaches no farther than any other text.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_nano_inline};

/// A hash with its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyHash(RapidSecrets);

impl KeyHash {
    /// The seed and the seven secrets are the first four numbers of SplitMix64 from each half of the key.
    pub(super) fn new(key: &[u8; 16]) -> KeyHash {
        let (halves, _) = key.as_chunks::<8>();
        let mut numbers = halves.iter().flat_map(|half| split_mix(u64::from_le_bytes(*half)).take(4));
        let mut next = || numbers.next().unwrap_or_default();
        KeyHash(RapidSecrets { seed: next(), secrets: std::array::from_fn(|_| next()) })
    }

    /// The hash of a text.
    #[inline]
    pub(super) fn of(&self, text: &[u8]) -> u64 {
        rapidhash_v3_nano_inline::<true, true>(text, &self.0)
    }
}

/// The numbers of SplitMix64 from a state.
pub(super) fn split_mix(mut state: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in every file that was written: it may not change with a newer crate.
    #[test]
    fn hashes_stay_what_they_are() {
        let hash = KeyHash::new(b"0123456789abcdef");
        let of = |length: usize| hash.of(&b"a name that is listed ".repeat(5)[..length]);
        let all = [0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 48, 49, 96, 110].map(of);
        let want = [
            0x834b_9334_e4f7_8c69,
            0x1e50_cad4_b43a_4c63,
            0x2c1a_121f_2a4d_1607,
            0xd556_c913_4be8_5bac,
            0x7f05_3232_388c_9ab5,
            0x5798_dd48_f326_c82e,
            0x52a8_6cba_d6e4_c6ec,
            0xd8cb_ea82_e213_b25b,
            0x07fc_5853_30ab_1fa1,
            0x8471_e44a_5124_39d6,
            0xf609_32e6_c461_63ce,
            0x28c4_049a_4d2a_4f08,
            0x78a6_8521_5102_1884,
            0x316e_e44e_c433_e64c,
        ];
        assert_eq!(all, want);
    }
}
