//! IPv4 addresses in strict dotted decimal, in one pass over all bytes at once.
//!
//! The lengths of the four numbers are random to a processor, and a branch a digit costs more than all else: a parser that
//! goes from byte to byte is twice as slow on addresses as logs have them (`benches/README.md`). Here the dots are found
//! together, their places name one of 81 forms, and the form says how to shift each number into place. `ip.rs` has the
//! same by the rules one by one, and gives the reasons.

use std::net::Ipv4Addr;

use bytemuck::cast;
use wide::{i16x8, i32x4, u8x16, u32x4};

/// Where the dots of a form are, and how its numbers are shifted into place.
#[derive(Clone, Copy)]
struct Form {
    /// A bit for each dot, and one behind the last number. No form is zero.
    ends: u16,
    /// Bits in front of the second number.
    second: u8,
    /// Bits from the third number's end to that of the text.
    third: u8,
    /// Bits that each number is shorter than three digits.
    short: [u8; 4],
    /// The least number of each length: below it is one with a leading zero.
    least: [i32; 4],
}

const NONE: Form = Form { ends: 0, second: 0, third: 0, short: [0; 4], least: [0; 4] };

const FACTOR: u32 = factor();

static FORMS: [Form; 512] = {
    let mut forms = [NONE; 512];
    fill(FACTOR, &mut forms);
    forms
};

const fn slot(ends: u32, factor: u32) -> usize {
    (ends.wrapping_mul(factor) >> 23) as usize
}

/// Files every form; whether no two wanted one slot.
const fn fill(factor: u32, forms: &mut [Form; 512]) -> bool {
    let mut i = 0;
    while i < 81 {
        let lengths = [1 + i % 3, 1 + i / 3 % 3, 1 + i / 9 % 3, 1 + i / 27];
        let first = lengths[0];
        let second = first + 1 + lengths[1];
        let third = second + 1 + lengths[2];
        let last = third + 1 + lengths[3];
        let ends: u32 = 1 << first | 1 << second | 1 << third | 1 << last;
        let at = slot(ends, factor);
        if forms[at].ends != 0 {
            return false;
        }
        let (mut short, mut least) = ([0; 4], [0; 4]);
        let mut n = 0;
        while n < 4 {
            short[n] = (24 - 8 * lengths[n]) as u8;
            least[n] = [0, 0, 10, 100][lengths[n]];
            n += 1;
        }
        forms[at] = Form {
            ends: ends as u16,
            second: (8 * first + 8) as u8,
            third: (8 * (last - third)) as u8,
            short,
            least,
        };
        i += 1;
    }
    true
}

/// A factor under which the forms share no slot.
const fn factor() -> u32 {
    let mut factor = 0x9e37_79b1;
    while !fill(factor, &mut [NONE; 512]) {
        factor = factor.wrapping_mul(747_796_405).wrapping_add(2_891_336_453) | 1;
    }
    factor
}

/// The address that is written in strict dotted decimal.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<Ipv4Addr> {
    let length = text.len();
    let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) else {
        return single_digits(text);
    };
    if length > 15 {
        return None;
    }
    // Together they are the whole text, and overlap.
    let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
    let bytes = u8x16::new((u128::from(head) | u128::from(tail) << 64).to_le_bytes());
    let dots = bytes.simd_eq(u8x16::splat(b'.'));
    let digits = bytes - u8x16::splat(b'0');
    let digits = digits.min(u8x16::splat(9)).simd_eq(digits);
    let known = (dots | digits).to_bitmask();
    let dots = dots.to_bitmask();
    if known != 0xffff {
        return None;
    }
    numbers(head, tail, dots & 0xff | dots >> 8 << (length - 8) | 1 << length)
}

/// The same of a text that has digits and dots only; of these a bit each, the one of the first byte lowest.
#[inline(always)]
pub(crate) fn parse_dots(text: &[u8], dots: u32) -> Option<Ipv4Addr> {
    let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) else {
        return single_digits(text);
    };
    if text.len() > 15 {
        return None;
    }
    numbers(u64::from_le_bytes(*head), u64::from_le_bytes(*tail), dots | 1 << text.len())
}

/// The four numbers of a text, by its first and last eight bytes and where numbers end.
#[inline(always)]
fn numbers(head: u64, tail: u64, ends: u32) -> Option<Ipv4Addr> {
    let form = &FORMS[slot(ends, FACTOR)];
    if u32::from(form.ends) != ends {
        return None;
    }
    let short = form.short.map(u32::from);
    // Three bytes a number, the last digit highest and nothing in front of the first.
    let numbers = u32x4::new([
        (head as u32) << (short[0] & 31),
        ((head >> (form.second & 63)) as u32) << (short[1] & 31),
        (tail << (form.third & 63) >> 40) as u32 >> (short[2] & 31) << (short[2] & 31),
        (tail >> 40) as u32 >> (short[3] & 31) << (short[3] & 31),
    ]) & u32x4::splat(0x000f_0f0f);
    // 100 times the first digit and once the last, then 10 times the one between.
    let outer: i16x8 = cast(numbers & u32x4::splat(0x00ff_00ff));
    let inner: i16x8 = cast(numbers >> 8 & u32x4::splat(0xff));
    let outer = outer.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1]));
    let octets = outer + cast::<i16x8, i32x4>(inner * i16x8::splat(10));
    let wrong = octets.simd_gt(i32x4::splat(255)) | octets.simd_lt(i32x4::new(form.least));
    if wrong.any() {
        return None;
    }
    Some(octets.to_array().map(|octet| octet as u8).into())
}

/// The one form of seven bytes.
fn single_digits(text: &[u8]) -> Option<Ipv4Addr> {
    let &[a, b'.', b, b'.', c, b'.', d] = text else { return None };
    let octets = [a, b, c, d].map(|digit| digit.wrapping_sub(b'0'));
    octets.iter().all(|octet| *octet <= 9).then(|| octets.into())
}
