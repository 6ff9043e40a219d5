//! IPv4 addresses as they are written: the formatter of the standard library takes as long as a lookup.

use std::net::Ipv4Addr;

use crate::scan::text_in;

/// The text of an address.
pub(crate) struct Dotted {
    text: [u8; 16],
    length: usize,
}

impl Dotted {
    #[inline]
    pub(crate) fn of(address: Ipv4Addr) -> Dotted {
        // Put together in a register: a processor waits where it reads at once what was written in pieces.
        let (mut text, mut at) = (0u128, 0);
        for octet in address.octets() {
            let digits = &OCTETS[usize::from(octet)];
            text |= u128::from(digits.text) << (8 * at);
            at += digits.length;
        }
        // Without the last dot.
        Dotted { text: text.to_le_bytes(), length: at - 1 }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        text_in(&self.text, self.length)
    }
}

/// A number as a part of an address, with the dot behind it.
#[derive(Clone, Copy)]
struct Octet {
    text: u32,
    length: usize,
}

static OCTETS: [Octet; 256] = {
    let mut octets = [Octet { text: 0, length: 0 }; 256];
    let mut octet = 0;
    while octet < 256 {
        let digits =
            [b'0' + (octet / 100) as u8, b'0' + (octet / 10 % 10) as u8, b'0' + (octet % 10) as u8, b'.'];
        let skipped = if octet >= 100 {
            0
        } else if octet >= 10 {
            1
        } else {
            2
        };
        octets[octet] = Octet { text: u32::from_le_bytes(digits) >> (8 * skipped), length: 4 - skipped };
        octet += 1;
    }
    octets
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        let some = (0..=255u32).flat_map(|n| [n, n << 8, n << 16, n << 24, n.wrapping_mul(0x0101_0101)]);
        for bits in some.chain((0..100_000).map(|n: u32| n.wrapping_mul(0x9e37_79b9))) {
            let address = Ipv4Addr::from_bits(bits);
            assert_eq!(Dotted::of(address).as_str(), address.to_string());
        }
    }
}
