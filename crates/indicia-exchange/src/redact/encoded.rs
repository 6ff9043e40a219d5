//! Addresses inside base64 and hexadecimal, at any alignment, in UTF-16 as well (every other byte NUL).
//!
//! Only the digits that write the address are taken; what stands beside them in the same run stays. The decoded address
//! must end in a known top-level domain, so that random bytes are not one.

use super::tables::EMAIL;
use super::{Edit, mail, merge};

/// `a@b.cc` has six bytes.
const SHORTEST: usize = 6;

/// `hosts` are spans in order, which may lie in one another: their digits are no part of a run.
pub(super) fn find(text: &str, hosts: &[(usize, usize)]) -> Vec<Edit> {
    let hex = in_runs(text, hosts, u8::is_ascii_hexdigit, |run| {
        let mut edits = Vec::new();
        for phase in 0..2 {
            let digits = &run[phase.min(run.len())..];
            let decoded = digits.chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect();
            edits.push(addresses(decoded, |a, b| (phase + 2 * a, phase + 2 * b)));
        }
        edits
    });
    let base64 = in_runs(
        text,
        hosts,
        |b| sextet(*b).is_some(),
        |run| {
            let mut edits = Vec::new();
            // What stands between slashes is a value of its own more often than not; then any alignment of the whole.
            let mut from = 0;
            for piece in run.split(|b| *b == b'/') {
                let offset = from;
                edits.push(addresses(base64(piece), |a, b| (offset + a / 3 * 4 + a % 3, offset + behind(b))));
                from += piece.len() + 1;
            }
            for phase in 0..4usize {
                let rest = &run[phase.min(run.len())..];
                edits.push(addresses(base64(rest), |a, b| (phase + a / 3 * 4 + a % 3, phase + behind(b))));
            }
            edits
        },
    );
    merge(text, with_padding(text, base64), hex)
}

/// Runs of an alphabet outside hosts, each looked at by `look`, whose lists are joined, the first first.
fn in_runs(
    text: &str,
    hosts: &[(usize, usize)],
    is_in: impl Fn(&u8) -> bool,
    look: impl Fn(&[u8]) -> Vec<Vec<Edit>>,
) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut hosts = hosts.iter().peekable();
    let mut at = 0;
    while at < bytes.len() {
        let behind = at;
        while let Some((_, end)) = hosts.next_if(|(start, _)| *start <= at) {
            at = at.max(*end);
        }
        if at > behind {
            continue;
        }
        let border = hosts.peek().map_or(bytes.len(), |(start, _)| *start);
        let length = bytes[at..border].iter().take_while(|b| is_in(b)).count();
        if length > SHORTEST {
            // Spans are those of the run until here; ASCII has no character borders to miss.
            let found = look(&bytes[at..at + length]);
            let found = found.into_iter().filter(|list| !list.is_empty()).map(|mut list| {
                for edit in &mut list {
                    (edit.start, edit.end) = (edit.start + at, edit.end + at);
                }
                list
            });
            edits.extend(found.fold(Vec::new(), |all, more| merge(text, all, more)));
        }
        at += length.max(1);
    }
    edits
}

/// The addresses in decoded bytes, with their spans given back in digits.
fn addresses(decoded: Vec<u8>, span: impl Fn(usize, usize) -> (usize, usize)) -> Vec<Edit> {
    if !decoded.iter().any(|b| matches!(b, b'@' | b'%')) {
        return Vec::new();
    }
    // As text of one byte a character: NULs away, what is not ASCII a space.
    let places: Vec<usize> = (0..decoded.len()).filter(|i| decoded[*i] != 0).collect();
    let plain: String =
        places.iter().map(|i| if decoded[*i].is_ascii() { char::from(decoded[*i]) } else { ' ' }).collect();
    let mut edits = Vec::new();
    for found in mail::find(&plain) {
        let label = plain[..found.end].rsplit('.').next().unwrap_or_default();
        if found.class == &EMAIL && mail::is_listed(label) {
            let (start, end) = span(places[found.start], places[found.end - 1] + 1);
            edits.push(Edit { start, end, class: &EMAIL });
        }
    }
    edits
}

/// The padding behind goes with the digits, escaped or not.
fn with_padding(text: &str, mut edits: Vec<Edit>) -> Vec<Edit> {
    for edit in &mut edits {
        for pad in ["%3D", "%3d", "="].iter().cycle().take(6) {
            if text[edit.end..].starts_with(pad) {
                edit.end += pad.len();
            }
        }
    }
    edits
}

/// Digits without padding; the last group may be short.
fn base64(digits: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for group in digits.chunks(4) {
        let bits = group
            .iter()
            .enumerate()
            .fold(0u32, |bits, (i, b)| bits | u32::from(sextet(*b).unwrap_or(0)) << (18 - 6 * i));
        let bytes = bits.to_be_bytes();
        out.extend_from_slice(&bytes[1..group.len()]);
    }
    out
}

/// How many digits write the first `bytes` bytes.
fn behind(bytes: usize) -> usize {
    bytes / 3 * 4 + if bytes.is_multiple_of(3) { 0 } else { bytes % 3 + 1 }
}

/// The value of a digit of either alphabet.
fn sextet(b: u8) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn nibble(b: u8) -> u8 {
    char::from(b).to_digit(16).unwrap_or(0) as u8
}
