//! Names with characters outside ASCII, or A-labels: UTS 46 as the WHATWG standard wants it (non-transitional,
//! `CheckHyphens` and `UseSTD3ASCIIRules` off, `CheckBidi` and `CheckJoiners` on).
//!
//! The crate `idna` does that, with tables that tell everything about a character. Nearly all names are made of letters
//! about which there is nothing to tell: they stand for themselves, are written from left to right, combine with
//! nothing and may stand first in a label. For those Punycode is all there is to do, and it is done here.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::{domain, host};
use crate::Reason;

/// The standard's "domain to ASCII" of a name that is not ASCII.
pub(super) fn to_ascii(name: &str) -> Result<String, Reason> {
    let forbidden = host::classes(name.as_bytes()) & (host::FORBIDDEN | host::PERCENT) != 0;
    if let Some(ascii) = Some(name).filter(|_| !forbidden).and_then(simple) {
        return Ok(ascii);
    }
    let ascii = Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| Reason::UrlHost)?;
    if ascii.is_empty() || ascii.split('.').any(domain::is_wrong_a_label) {
        return Err(Reason::UrlHost);
    }
    Ok(ascii.into_owned())
}

/// Whether each A-label of a name in lower case is what UTS 46 makes of a label of simple characters. If one is
/// not, it may still be valid.
pub(super) fn has_simple_a_labels(name: &str) -> bool {
    name.split('.').all(|label| {
        label.strip_prefix("xn--").is_none_or(|punycode| is_simple_punycode(punycode.as_bytes()))
    })
}

/// No label that is longer is done here.
const MAX_LABEL: usize = 63;

/// The name in A-labels, if all its characters are ASCII or [simple](is_simple).
fn simple(name: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(name.len() + 16);
    for (n, label) in name.split('.').enumerate() {
        if n > 0 {
            out.push('.');
        }
        let start = out.len();
        let a_label = label.get(..4).is_some_and(|four| four.eq_ignore_ascii_case("xn--"));
        if label.is_ascii() {
            out.push_str(label);
            out[start..].make_ascii_lowercase();
            if a_label && !is_simple_punycode(out.as_bytes().get(start + 4..)?) {
                return None;
            }
        } else if a_label {
            return None;
        } else {
            encode(label, &mut out)?;
        }
    }
    Some(out)
}

// RFC 3492 section 5.
const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 0x80;

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(T_MIN, T_MAX)
}

/// Whether the Punycode of an A-label, in lower case, is that of a label of simple characters. Since no two texts
/// in Punycode stand for one label, it is then also the one that encoding gives.
fn is_simple_punycode(text: &[u8]) -> bool {
    let (basic, deltas) = match memchr::memrchr(b'-', text) {
        Some(0) => return false,
        Some(hyphen) => (&text[..hyphen], &text[hyphen + 1..]),
        None => (&text[..0], text),
    };
    // A label of ASCII alone, or one that looks like an A-label, is not valid as a U-label.
    if deltas.is_empty() || basic.len() + deltas.len() > MAX_LABEL {
        return false;
    }
    // Only its length and first characters matter of the label, and where in it the hyphens are that begin it.
    if basic.starts_with(b"xn--") {
        return false;
    }
    let mut points = basic.len() as u32;
    let (mut n, mut i, mut bias) = (INITIAL_N, 0u32, INITIAL_BIAS);
    let mut digits = deltas.iter();
    while digits.len() > 0 {
        let old = i;
        let (mut weight, mut k) = (1u32, BASE);
        loop {
            let digit = match digits.next() {
                Some(b @ b'a'..=b'z') => u32::from(b - b'a'),
                Some(b @ b'0'..=b'9') => u32::from(b - b'0') + 26,
                _ => return false,
            };
            let Some(next) = digit.checked_mul(weight).and_then(|d| i.checked_add(d)) else { return false };
            i = next;
            let t = threshold(k, bias);
            if digit < t {
                break;
            }
            let Some(next) = weight.checked_mul(BASE - t) else { return false };
            weight = next;
            k += BASE;
        }
        points += 1;
        bias = adapt(i - old, points, old == 0);
        let Some(next) = n.checked_add(i / points) else { return false };
        n = next;
        i = i % points + 1;
        if !is_simple(n) {
            return false;
        }
    }
    true
}

/// Appends the A-label of a label that has characters outside ASCII, if they are all simple.
fn encode(label: &str, out: &mut String) -> Option<()> {
    let mut points = [0u32; MAX_LABEL];
    let mut length = 0;
    out.push_str("xn--");
    let start = out.len();
    for c in label.chars() {
        let c = c.to_ascii_lowercase();
        *points.get_mut(length)? = u32::from(c);
        length += 1;
        if c.is_ascii() {
            out.push(c);
        } else if !is_simple(u32::from(c)) {
            return None;
        }
    }
    let points = &points[..length];
    let basic = (out.len() - start) as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (INITIAL_N, 0u32, INITIAL_BIAS, basic);
    while (done as usize) < length {
        let next = points.iter().copied().filter(|p| *p >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for point in points {
            if *point < n {
                delta += 1;
            } else if *point == n {
                let (mut q, mut k) = (delta, BASE);
                loop {
                    let t = threshold(k, bias);
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (BASE - t)));
                    q = (q - t) / (BASE - t);
                    k += BASE;
                }
                out.push(digit(q));
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    Some(())
}

fn digit(value: u32) -> char {
    char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[value as usize])
}

/// Letters that UTS 46 takes as they are and about which it asks nothing else: status valid, left to right, no mark, no
/// joiner, and with nothing beside them that is simple do they compose (NFC). The test asks the crate about each.
fn is_simple(point: u32) -> bool {
    match point {
        // Latin: small letters of Latin-1, then those of the pairs in which they come second.
        0xdf..=0xf6 | 0xf8..=0xff => true,
        0x101..=0x131 | 0x135 | 0x137 | 0x14b..=0x177 | 0x1e01..=0x1e95 | 0x1ea1..=0x1eff => point % 2 == 1,
        0x138 | 0x13a..=0x13e | 0x142..=0x148 | 0x17a..=0x17e => point.is_multiple_of(2),
        // Greek and Cyrillic small letters.
        0x3ac..=0x3ce | 0x430..=0x45f => true,
        // Kana with the long mark, unified ideographs, syllables of Hangul.
        0x3041..=0x3096 | 0x30a1..=0x30fa | 0x30fc | 0x4e00..=0x9fa5 | 0xac00..=0xd7a3 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_crate(name: &str) -> Option<String> {
        Uts46::new()
            .to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore)
            .ok()
            .map(Into::into)
    }

    fn all_simple() -> Vec<char> {
        (0..0x11_0000).filter(|p| is_simple(*p)).filter_map(char::from_u32).collect()
    }

    /// Alone, first, last, doubled, and beside letters, each character stays what it is.
    #[test]
    fn simple_characters_are_what_the_crate_takes_as_they_are() {
        for c in all_simple() {
            for label in [format!("{c}"), format!("a{c}1"), format!("1{c}{c}-")] {
                let ascii = by_crate(&label);
                assert_eq!(simple(&label), ascii, "{label}");
                let ascii = ascii.expect("valid");
                assert_eq!(simple(&ascii).as_deref(), Some(&*ascii), "{label}");
                assert_eq!(by_crate(&ascii).as_deref(), Some(&*ascii), "{label}");
                let (back, valid) =
                    Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::URL, Hyphens::Allow);
                assert!(valid.is_ok() && back == label, "{label}");
            }
        }
    }

    /// Whatever is done here is what the crate does: labels of simple characters, of others, and Punycode at random.
    #[test]
    fn labels_at_random_are_as_the_crate_has_them() {
        let simple_ones = all_simple();
        let others: Vec<char> =
            "aA0-_.xnß\u{301}\u{200d}\u{5d0}\u{627}\u{661}ÄĳıſςΣ。\u{ad}ⅷ\u{1100}\u{1161}\u{11a8}\u{3099}"
                .chars()
                .collect();
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below
        };
        let mut done = 0;
        for _ in 0..60_000 {
            let mut name = String::new();
            match random(3) {
                0 => {
                    name.push_str("xn--");
                    for _ in 0..1 + random(9) {
                        name.push(char::from(b"abcdefghijklmnopqrstuvwxyz0123456789---xn"[random(41)]));
                    }
                }
                _ => {
                    for _ in 0..1 + random(12) {
                        name.push(match random(5) {
                            0 => others[random(others.len())],
                            1 => char::from(b"abcxn-1."[random(8)]),
                            _ => simple_ones[random(simple_ones.len())],
                        });
                    }
                }
            }
            if let Some(ascii) = simple(&name) {
                done += 1;
                assert_eq!(Some(&ascii), by_crate(&name).as_ref(), "{name:?}");
                assert!(simple(&ascii).is_none_or(|again| again == ascii), "{name:?}");
            }
        }
        assert!(done > 5_000, "{done}");
    }
}
