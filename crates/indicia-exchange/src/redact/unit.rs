//! One character as it is written: plain, or behind percent escapes of any depth (`%40`, `%2540`).

/// Escapes deeper than this are read as the text they are.
const MAX_DEPTH: usize = 4;

/// The character at a place, and how many bytes write it.
pub(super) fn at(text: &str, at: usize) -> Option<(char, usize)> {
    let b = text.as_bytes();
    if b.get(at) == Some(&b'%') {
        let mut i = at + 1;
        for _ in 0..MAX_DEPTH {
            if b.get(i..i + 2) == Some(b"25") && hex(b, i + 2).is_some() {
                i += 2;
            }
        }
        if let Some(byte) = hex(b, i) {
            return Some((decoded(byte), i + 2 - at));
        }
    }
    text.get(at..)?.chars().next().map(|c| (c, c.len_utf8()))
}

/// The character that ends at a place, and how many bytes write it.
pub(super) fn before(text: &str, end: usize) -> Option<(char, usize)> {
    let b = text.as_bytes();
    if end >= 3
        && let Some(byte) = hex(b, end - 2)
    {
        let mut i = end - 2;
        for _ in 0..=MAX_DEPTH {
            if i >= 1 && b[i - 1] == b'%' {
                return Some((decoded(byte), end - (i - 1)));
            }
            if i < 3 || &b[i - 2..i] != b"25" {
                break;
            }
            i -= 2;
        }
    }
    text.get(..end)?.chars().next_back().map(|c| (c, c.len_utf8()))
}

fn hex(b: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| b.get(at).and_then(|b| char::from(*b).to_digit(16));
    Some((digit(at)? * 16 + digit(at + 1)?) as u8)
}

/// A byte of a longer character stands for a letter.
fn decoded(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { 'é' }
}
