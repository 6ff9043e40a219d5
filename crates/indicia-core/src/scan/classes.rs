//! Bytes into bit masks, sixty-four at a time: which are part of a host, a dot, a hexadecimal digit.
//!
//! A window of text becomes a [`Row`] for each 64 bytes. Everything that looks for candidates works on rows, so the
//! number of instructions for a byte that begins nothing is small. `simd` has the same with wide registers; the tests
//! compare.

/// The most bytes of a window: its rows and its text stay in the first cache.
pub(crate) const WINDOW: usize = 16 * 1024;

/// A letter, a digit, `.`, `-`, `_` or a byte beyond ASCII.
pub(crate) const HOST: usize = 0;
/// A `.`.
pub(crate) const DOT: usize = 1;
/// Of [`HOST`] what is no digit and no dot.
pub(crate) const LETTER: usize = 2;
/// A hexadecimal digit.
pub(crate) const HEX: usize = 3;
/// A `:`.
pub(crate) const COLON: usize = 4;
/// A `/`.
pub(crate) const SLASH: usize = 5;
/// An ASCII letter or digit.
pub(crate) const ALNUM: usize = 6;
/// A byte beyond ASCII.
pub(crate) const HIGH: usize = 7;

/// A bit for each of 64 bytes, in eight classes.
pub(crate) type Row = [u64; 8];

/// The classes of each byte, a bit each.
pub(crate) const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        let alnum = byte.is_ascii_alphanumeric();
        let host = alnum || matches!(byte, b'.' | b'-' | b'_') || !byte.is_ascii();
        let class = [
            host,
            byte == b'.',
            host && !byte.is_ascii_digit() && byte != b'.',
            byte.is_ascii_hexdigit(),
            byte == b':',
            byte == b'/',
            alnum,
            !byte.is_ascii(),
        ];
        let mut bit = 0;
        while bit < 8 {
            table[b] |= (class[bit] as u8) << bit;
            bit += 1;
        }
        b += 1;
    }
    table
};

/// The rows of a window. In front of them and behind them stands an empty one.
pub(crate) struct Rows {
    rows: Vec<Row>,
    /// How many rows the window has.
    pub(crate) count: usize,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows { rows: vec![Row::default(); WINDOW.div_ceil(64) + 2], count: 0 }
    }
}

impl Rows {
    /// Fills the rows with what `row` makes of each 64 bytes; the last ones are filled up with NUL.
    #[inline(always)]
    pub(crate) fn fill(&mut self, text: &[u8], row: impl Fn(&[u8; 64]) -> Row) {
        let (blocks, rest) = text.as_chunks::<64>();
        for (out, block) in self.rows[1..].iter_mut().zip(blocks) {
            *out = row(block);
        }
        self.count = blocks.len();
        if !rest.is_empty() {
            let mut block = [0; 64];
            block[..rest.len()].copy_from_slice(rest);
            self.count += 1;
            self.rows[self.count] = row(&block);
        }
        self.rows[self.count + 1] = Row::default();
    }

    /// Makes room for the rows of so many bytes, where these are more than a window.
    pub(crate) fn make_room(&mut self, bytes: usize) {
        let rows = bytes.div_ceil(64) + 2;
        if self.rows.len() < rows {
            self.rows.resize(rows, Row::default());
        }
    }

    /// Row `number` of the window, from 0; those beside the window are empty.
    #[inline(always)]
    pub(crate) fn row(&self, number: usize) -> &Row {
        &self.rows[number + 1]
    }

    /// Every row, with the empty ones in front and behind.
    #[inline(always)]
    pub(crate) fn all(&self) -> &[Row] {
        &self.rows[..self.count + 2]
    }

    #[inline(always)]
    pub(crate) fn before(&self, number: usize) -> &Row {
        &self.rows[number]
    }

    /// The bits of the 64 bytes in front of `end`; of the byte right in front of it comes the highest.
    #[inline(always)]
    pub(crate) fn until(&self, class: usize, end: usize) -> u64 {
        let (row, bit) = (end / 64, end % 64);
        let both = u128::from(self.rows[row + 1][class]) << 64 | u128::from(self.rows[row][class]);
        (both >> bit) as u64
    }

    /// The bits of some classes of the 64 bytes in front of `end`.
    #[inline(always)]
    pub(crate) fn any_until(&self, classes: [usize; 3], end: usize) -> u64 {
        classes.iter().map(|class| self.until(*class, end)).fold(0, |all, bits| all | bits)
    }

    /// Behind the bytes of a class from `at` on, which is one.
    #[inline(always)]
    pub(crate) fn end(&self, class: usize, at: usize) -> usize {
        let mut row = at / 64;
        let mut others = !self.rows[row + 1][class] & (u64::MAX << (at % 64));
        while others == 0 {
            row += 1;
            others = !self.rows[row + 1][class];
        }
        row * 64 + others.trailing_zeros() as usize
    }

    /// Behind the bytes of some classes from `at` on, which is one.
    #[inline(always)]
    pub(crate) fn any_end(&self, classes: [usize; 3], at: usize) -> usize {
        let others = |row: usize| {
            let row = &self.rows[row + 1];
            !classes.iter().fold(0, |all, class| all | row[*class])
        };
        let mut row = at / 64;
        let mut behind = others(row) & (u64::MAX << (at % 64));
        while behind == 0 {
            row += 1;
            behind = others(row);
        }
        row * 64 + behind.trailing_zeros() as usize
    }

    /// Whether a byte of a class stands in a stretch.
    #[inline(always)]
    pub(crate) fn has(&self, class: usize, start: usize, end: usize) -> bool {
        let (first, last) = (start / 64, end.saturating_sub(1) / 64);
        (first..=last).any(|row| {
            let mut bits = self.row(row)[class];
            if row == first {
                bits &= u64::MAX << (start % 64);
            }
            if row == last {
                bits &= u64::MAX >> (63 - end.saturating_sub(1) % 64);
            }
            bits != 0
        })
    }

    /// The first byte of those of a class in front of `end`.
    #[inline(always)]
    pub(crate) fn start(&self, class: usize, mut end: usize) -> usize {
        loop {
            let ones = self.until(class, end).leading_ones() as usize;
            end -= ones.min(end);
            if ones < 64 || end == 0 {
                return end;
            }
        }
    }
}

/// A row without wide registers: eight bytes of classes at a time, a bit of each brought together by a product.
pub(crate) fn scalar(block: &[u8; 64]) -> Row {
    let mut row = Row::default();
    for (i, eight) in block.as_chunks::<8>().0.iter().enumerate() {
        let classes = u64::from_le_bytes(eight.map(|b| CLASSES[usize::from(b)]));
        for (bit, bits) in row.iter_mut().enumerate() {
            let one = classes >> bit & 0x0101_0101_0101_0101;
            *bits |= (one.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::super::simd::Level;
    use super::*;

    #[test]
    fn every_level_gives_the_same_rows() {
        let mut text: Vec<u8> = (0..=255).cycle().take(64 * 37 + 11).collect();
        let mut state = 1u64;
        for b in &mut text[300..] {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            *b = (state >> 56) as u8;
        }
        for length in [0, 1, 63, 64, 65, 300, text.len()] {
            let text = &text[..length];
            for level in Level::available() {
                let mut rows = Rows::default();
                level.classify(text, &mut rows);
                assert_eq!(rows.count, length.div_ceil(64));
                for (i, b) in text.iter().enumerate() {
                    for class in 0..8 {
                        let bit = rows.row(i / 64)[class] >> (i % 64) & 1;
                        assert_eq!(
                            bit,
                            u64::from(CLASSES[usize::from(*b)] >> class & 1),
                            "{level:?} {i} {class}"
                        );
                    }
                }
                assert_eq!(rows.row(rows.count), &Row::default());
            }
        }
    }

    #[test]
    fn ends_of_runs() {
        let mut text = vec![b' '; 400];
        text[100..300].fill(b'a');
        text[310] = b'.';
        let mut rows = Rows::default();
        Level::Scalar.classify(&text, &mut rows);
        assert_eq!((rows.end(HOST, 130), rows.start(HOST, 300)), (300, 100));
        assert_eq!((rows.end(HOST, 310), rows.start(HOST, 311)), (311, 310));
        assert_eq!((rows.any_end([HEX, COLON, DOT], 130), rows.any_end([HEX, COLON, DOT], 310)), (300, 311));
        assert_eq!(rows.until(HOST, 311).leading_ones(), 1);
    }
}
