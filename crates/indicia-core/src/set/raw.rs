//! Numbers read from bytes that nobody vouches for: each read is checked, and what is not there is `None`.

use bytes::Bytes;

/// How many bytes a number of 32 bits takes at most as a [`varint`].
pub(super) const VARINT_MAX: usize = 5;

/// The `i`th little-endian number of 32 bits.
#[inline]
pub(super) fn u32_at(bytes: &[u8], i: usize) -> Option<u32> {
    bytes.get(i.checked_mul(4)?..)?.first_chunk().map(|number| u32::from_le_bytes(*number))
}

/// The `i`th little-endian number of 64 bits.
#[inline]
pub(super) fn u64_at(bytes: &[u8], i: usize) -> Option<u64> {
    bytes.get(i.checked_mul(8)?..)?.first_chunk().map(|number| u64::from_le_bytes(*number))
}

/// Reads a number of 32 bits in LEB128 (seven bits a byte, the lowest first, the high bit where more follow) and moves
/// `at` behind it.
#[inline]
pub(super) fn varint(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0x80 {
        return Some(u32::from(first));
    }
    let mut number = u64::from(first & 0x7f);
    for i in 1..VARINT_MAX {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return u32::try_from(number).ok();
        }
    }
    None
}

/// Appends a number as [`varint`] reads it.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many bytes [`put_varint`] appends, in a number that it can append.
pub(super) fn varint_length(number: u32) -> u32 {
    (u32::BITS - (number | 1).leading_zeros()).div_ceil(7)
}

/// Appends a text behind its length.
pub(super) fn put_sized(out: &mut Vec<u8>, text: &[u8]) {
    put_varint(out, text.len() as u32);
    out.extend_from_slice(text);
}

/// Takes `length` bytes at `at` and moves it behind them.
#[inline]
pub(super) fn take<'b>(bytes: &'b [u8], at: &mut usize, length: usize) -> Option<&'b [u8]> {
    let end = at.checked_add(length)?;
    let taken = bytes.get(*at..end)?;
    *at = end;
    Some(taken)
}

/// Takes a text behind its length.
#[inline]
pub(super) fn take_sized<'b>(bytes: &'b [u8], at: &mut usize) -> Option<&'b [u8]> {
    let length = varint(bytes, at)?;
    take(bytes, at, length as usize)
}

/// Whether two texts are equal. Most are as long as a name, and sooner compared than `memcmp` is called.
#[inline]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        text.first_chunk().zip(text.last_chunk())
    }
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        16..=32 => ends::<16>(a) == ends(b),
        8..=15 => ends::<8>(a) == ends(b),
        _ => a == b,
    }
}

/// Owned bytes that begin at a multiple of 64, so that no bucket of an index lies across two cache lines.
#[derive(Default)]
pub(super) struct Aligned {
    bytes: Vec<u8>,
    pad: usize,
}

impl Aligned {
    /// No bytes, with room for so many.
    pub(super) fn with_capacity(capacity: usize) -> Aligned {
        let mut bytes: Vec<u8> = Vec::with_capacity(capacity + 64);
        // Not every platform can say where memory begins; then it is slower, not wrong.
        let pad = Some(bytes.as_ptr().align_offset(64)).filter(|pad| *pad < 64).unwrap_or(0);
        bytes.resize(pad, 0);
        Aligned { bytes, pad }
    }

    pub(super) fn push(&mut self, more: &[u8]) {
        self.bytes.extend_from_slice(more);
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.pad..]
    }

    pub(super) fn freeze(self) -> Bytes {
        Bytes::from(self.bytes).slice(self.pad..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_longer_ones_do_not() {
        for number in [0, 1, 127, 128, 16383, 16384, u32::MAX - 1, u32::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            let mut at = 0;
            assert_eq!((varint(&bytes, &mut at), at), (Some(number), bytes.len()));
            assert_eq!(varint_length(number) as usize, bytes.len());
            assert_eq!(varint(&bytes[..bytes.len() - 1], &mut 0), None);
        }
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x1f], &mut 0), None);
        assert_eq!(varint(&[0x80; 9], &mut 0), None);
    }

    #[test]
    fn texts_are_the_same_byte_for_byte() {
        for length in 0..40 {
            let text: Vec<u8> = (0..length).collect();
            assert!(same(&text, &text.clone()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 1;
                assert!(!same(&text, &other), "{length} {at}");
            }
            assert!(!same(&text, &[&text[..], b"x"].concat()));
        }
    }

    #[test]
    fn aligned_bytes_begin_where_a_cache_line_does() {
        let mut bytes = Aligned::with_capacity(3);
        bytes.push(b"abc");
        let bytes = bytes.freeze();
        assert_eq!((&bytes[..], bytes.as_ptr() as usize % 64), (&b"abc"[..], 0));
    }
}
