//! The classes of bytes with wide registers, fetching memory before it is needed, and texts that are plainly ASCII.
//!
//! The only `unsafe` of this crate: loads of registers, calls of functions that need more than the least processor
//! of their kind, after asking whether it is there, and ASCII taken for UTF-8. `INDICIA_SIMD` (`avx512`, `avx2`, `scalar`, `plain`) holds the level
//! down; all give the same hits and observables.

#![allow(unsafe_code, reason = "see above; each block has its reason")]

use std::sync::OnceLock;

use super::classes::{self, Rows};
use super::walk::Walker;

/// What of the processor a scan and an extraction use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 64 bytes at once, with the byte permutations of AVX-512 VBMI.
    Avx512,
    /// 32 bytes at once.
    Avx2,
    /// No more than every processor has.
    Scalar,
    /// No search for candidates at all: each token of the text is looked up. The readable twin of the others, slow.
    Plain,
}

impl Level {
    /// Every level of this processor, the best first.
    pub fn available() -> impl Iterator<Item = Level> {
        [Level::Avx512, Level::Avx2, Level::Scalar, Level::Plain]
            .into_iter()
            .filter(|level| level.is_available())
    }

    /// The best level, or the one that `INDICIA_SIMD` names where this processor has it.
    pub fn best() -> Level {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var("INDICIA_SIMD").ok();
            let named = |level: &Level| wanted.as_deref() == Some(level.name());
            Level::available().find(named).or_else(|| Level::available().next()).unwrap_or(Level::Scalar)
        })
    }

    /// The name, as `INDICIA_SIMD` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Avx512 => "avx512",
            Level::Avx2 => "avx2",
            Level::Scalar => "scalar",
            Level::Plain => "plain",
        }
    }

    fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            match self {
                Level::Avx512 => {
                    Level::Avx2.is_available()
                        && is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512bw")
                        && is_x86_feature_detected!("avx512vbmi")
                }
                Level::Avx2 => x86::has_bits() && is_x86_feature_detected!("avx2"),
                Level::Scalar | Level::Plain => true,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        matches!(self, Level::Scalar | Level::Plain)
    }

    /// The rows of a text of at most a window.
    pub(crate) fn classify(self, text: &[u8], rows: &mut Rows) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level that is not available is not made: `available` and `best` ask first, and `walk` too.
            Level::Avx512 if self.is_available() => unsafe { x86::classify_avx512(text, rows) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 if self.is_available() => unsafe { x86::classify_avx2(text, rows) },
            _ => rows.fill(text, classes::scalar),
        }
    }

    /// Looks for candidates in the window whose rows the walker has.
    pub(super) fn walk(self, walker: &mut Walker<'_>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: asked for in the guard.
            Level::Avx512 | Level::Avx2 if self.is_available() => unsafe { x86::walk(walker) },
            _ => walker.window(),
        }
    }
}

/// Asks for the cache line at `at`, which will be read soon. Behind the bytes nothing is asked for that matters.
#[inline(always)]
pub(crate) fn prefetch(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that takes any address: it reads nothing that could be seen and never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
            bytes.as_ptr().wrapping_add(at).cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at);
}

/// Bytes as the text that they are. Nearly all are ASCII, which is told sooner than UTF-8 is checked.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        Some(unsafe { std::str::from_utf8_unchecked(bytes) })
    } else {
        std::str::from_utf8(bytes).ok()
    }
}

/// As [`text`], of the first `length` bytes of some; empty where they are no text.
#[inline]
pub(crate) fn text_in(bytes: &[u8; 16], length: usize) -> &str {
    const NOT_ASCII: u128 = u128::from_le_bytes([0x80; 16]);
    let wanted = &bytes[..length.min(16)];
    if u128::from_le_bytes(*bytes) & NOT_ASCII == 0 {
        // SAFETY: ASCII is UTF-8.
        unsafe { std::str::from_utf8_unchecked(wanted) }
    } else {
        text(wanted).unwrap_or_default()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::classes::{CLASSES, HIGH, HOST, LETTER, Row, Rows};
    use super::Walker;

    /// Whether single bits of a word are counted and found by one instruction each.
    pub(super) fn has_bits() -> bool {
        is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn walk(walker: &mut Walker<'_>) {
        walker.window();
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn classify_avx512(text: &[u8], rows: &mut Rows) {
        // SAFETY: the table has 256 bytes, two registers are 128.
        let (low, upper) = unsafe {
            (_mm512_loadu_si512(CLASSES.as_ptr().cast()), _mm512_loadu_si512(CLASSES[64..].as_ptr().cast()))
        };
        let beyond = _mm512_set1_epi8((1 << HOST | 1 << LETTER | 1 << HIGH) as u8 as i8);
        rows.fill(text, |block| {
            // SAFETY: the block has the 64 bytes of a register.
            let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
            let high = _mm512_movepi8_mask(bytes);
            // The permutation looks at seven bits of each byte.
            let class = _mm512_permutex2var_epi8(low, bytes, upper);
            let class = _mm512_mask_mov_epi8(class, high, beyond);
            let of = |bit: u8| _mm512_test_epi8_mask(class, _mm512_set1_epi8((1u8 << bit) as i8));
            [of(0), of(1), of(2), of(3), of(4), of(5), of(6), high]
        });
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn classify_avx2(text: &[u8], rows: &mut Rows) {
        rows.fill(text, |block| {
            // SAFETY: the block has the 64 bytes of two registers.
            let halves = unsafe {
                [_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block[32..].as_ptr().cast())]
            };
            let [first, second] = halves.map(|bytes| half(bytes));
            let mut row = Row::default();
            for (class, bits) in row.iter_mut().enumerate() {
                *bits = u64::from(first[class]) | u64::from(second[class]) << 32;
            }
            row
        });
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn half(bytes: __m256i) -> [u32; 8] {
        let is = |b: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b as i8));
        // Whether a byte is one of `count` from `first`.
        let among = |bytes: __m256i, first: u8, count: u8| {
            let from = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first as i8));
            _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8((count - 1) as i8)), from)
        };
        let lower = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
        let letter = among(lower, b'a', 26);
        let digit = among(bytes, b'0', 10);
        let dot = is(b'.');
        let high = _mm256_cmpgt_epi8(_mm256_setzero_si256(), bytes);
        let others = _mm256_or_si256(_mm256_or_si256(is(b'-'), is(b'_')), _mm256_or_si256(letter, high));
        let host = _mm256_or_si256(others, _mm256_or_si256(digit, dot));
        let hex = _mm256_or_si256(digit, among(lower, b'a', 6));
        let alnum = _mm256_or_si256(letter, digit);
        [host, dot, others, hex, is(b':'), is(b'/'), alnum, high]
            .map(|class| _mm256_movemask_epi8(class) as u32)
    }
}
