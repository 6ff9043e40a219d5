//! Numbers of people: security identifiers, bank accounts, payment cards, telephones.

use indicia_core::{Kind, Observable};
use indicia_data::account;

use super::Edit;
use super::tables::{CARD, IBAN, PHONE, SID};

/// Authorities of accounts, of a domain or machine and of a cloud directory; well-known groups have others.
const SID_BEGINNINGS: [&[u8]; 2] = [b"S-1-5-21-", b"S-1-12-1-"];

pub(super) fn sids(text: &str) -> Vec<Edit> {
    let b = text.as_bytes();
    each(b, |at| {
        let begins = |s: &&[u8]| b.get(at..at + s.len()).is_some_and(|head| head.eq_ignore_ascii_case(s));
        if !matches!(b[at], b'S' | b's') || is_alphanumeric(b, at.checked_sub(1)) {
            return None;
        }
        let head = SID_BEGINNINGS.iter().copied().find(|s| begins(s))?;
        let mut end = at + head.len() - 1;
        while b.get(end) == Some(&b'-') && b.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end += 1 + count(b, end + 1, u8::is_ascii_digit);
        }
        (end > at + head.len()).then_some((end, &SID))
    })
}

pub(super) fn ibans(text: &str) -> Vec<Edit> {
    let b = text.as_bytes();
    each(b, |at| {
        let head = b.get(at..at + 4)?;
        let shape = head[0].is_ascii_alphabetic()
            && head[1].is_ascii_alphabetic()
            && head[2].is_ascii_digit()
            && head[3].is_ascii_digit();
        if !shape || is_alphanumeric(b, at.checked_sub(1)) {
            return None;
        }
        let country = [head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()];
        let length = account::iban_length(std::str::from_utf8(&country).ok()?)?;
        let mut value = String::new();
        let mut end = at;
        while value.len() < length {
            let gap = usize::from(!value.is_empty() && matches!(b.get(end), Some(b' ' | b'-')));
            let next = b.get(end + gap).filter(|b| b.is_ascii_alphanumeric())?;
            value.push(char::from(*next));
            end += gap + 1;
        }
        let valid = !is_alphanumeric(b, Some(end)) && Observable::parse_as(Kind::Iban, &value).is_ok();
        valid.then_some((end, &IBAN))
    })
}

pub(super) fn cards(text: &str) -> Vec<Edit> {
    let b = text.as_bytes();
    each(b, |at| {
        if !b[at].is_ascii_digit() || is_alphanumeric(b, at.checked_sub(1)) {
            return None;
        }
        let mut value = String::new();
        let mut end = at;
        let mut best = None;
        while let Some(digit) = b.get(end).filter(|b| b.is_ascii_digit()) {
            value.push(char::from(*digit));
            end += 1;
            if value.len() > 19 {
                break;
            }
            if !is_alphanumeric(b, Some(end)) && Observable::parse_as(Kind::PaymentCard, &value).is_ok() {
                best = Some((end, &CARD));
            }
            if matches!(b.get(end), Some(b' ' | b'-')) && b.get(end + 1).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
        }
        best
    })
}

/// `+49 30 …`, `%2B49…`, `0049 30 …`, `tel:…`: seven to fifteen digits with usual separators.
pub(super) fn phones(text: &str) -> Vec<Edit> {
    let b = text.as_bytes();
    each(b, |at| {
        if is_alphanumeric(b, at.checked_sub(1)) {
            return None;
        }
        let head =
            |s: &[u8]| b.get(at..at + s.len()).is_some_and(|h| h.eq_ignore_ascii_case(s)).then_some(s.len());
        let plus = head(b"+").or_else(|| head(b"%2b"));
        let spoken = head(b"tel:").or_else(|| head(b"sms:")).or_else(|| head(b"callto:"));
        let begin = at + plus.or_else(|| head(b"00")).or(spoken)?;
        let before = at.checked_sub(1).map_or(b' ', |at| b[at]);
        let in_number = matches!(before, b'-' | b'.' | b'/' | b',' | b'+');
        if if plus.is_some() { before == b'+' } else { spoken.is_none() && in_number } {
            return None;
        }
        if spoken.is_none() && !matches!(b.get(begin), Some(b'1'..=b'9' | b'(')) {
            return None;
        }
        let (mut end, mut digits, mut gaps, mut next) = (begin, 0, 0, begin);
        while next < b.len() && digits <= 15 {
            match b[next] {
                b'0'..=b'9' => {
                    digits += 1;
                    next += 1;
                    end = next;
                }
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' if next - end < 3 => {
                    gaps += usize::from(next == end);
                    next += 1;
                }
                _ => break,
            }
        }
        let is_phone = (7..=15).contains(&digits)
            && !is_alphanumeric(b, Some(end))
            // Two noughts are a number's beginning more often than a call's: somebody must have grouped it.
            && (plus.is_some() || spoken.is_some() || gaps > 0);
        is_phone.then_some((end, &PHONE))
    })
}

/// Looks at each place in turn; behind what was found the search goes on.
fn each(b: &[u8], look: impl Fn(usize) -> Option<(usize, &'static super::Class)>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut at = 0;
    while at < b.len() {
        match look(at) {
            Some((end, class)) => {
                edits.push(Edit { start: at, end, class });
                at = end;
            }
            None => at += 1,
        }
    }
    edits
}

fn is_alphanumeric(b: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| b.get(at)).is_some_and(u8::is_ascii_alphanumeric)
}

fn count(b: &[u8], from: usize, is: impl Fn(&u8) -> bool) -> usize {
    b[from..].iter().take_while(|b| is(b)).count()
}
