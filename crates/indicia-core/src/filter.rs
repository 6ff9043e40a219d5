//! Which contexts count. A hit stands while one context passes, and shows only those.

use crate::{Context, Role, Time, Tlp};

/// When an indicator must have been valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// Time filters nothing.
    #[default]
    Any,
    /// At a point in time.
    At(Time),
    /// At the time that stands in the line of the hit; where none is found, time filters nothing.
    Event,
    /// At some time from the first to the second, both included.
    Within(Time, Time),
}

/// What a context must be to count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// One of these roles. Empty: every role except those of somebody to notify.
    pub roles: Vec<Role>,
    /// At least one of these labels, case-blind. Empty: any.
    pub labels: Vec<String>,
    /// Confidence on 0-100 not below this; a context without confidence fails.
    pub min_confidence: Option<f64>,
    /// Marked TLP and not above this; an unmarked context fails.
    pub max_tlp: Option<Tlp>,
    /// Validity in time; a context without bounds passes.
    pub as_of: AsOf,
    /// Whether contexts that their producer took back count.
    pub revoked: bool,
}

impl Filter {
    /// Whether a context counts. `event` is the time of the line, for [`AsOf::Event`].
    #[inline(always)]
    pub fn passes(&self, context: &Context, event: Option<Time>) -> bool {
        let role = context.role.unwrap_or(Role::Unknown);
        let role = if self.roles.is_empty() { !role.is_to_notify() } else { self.roles.contains(&role) };
        role && (self.revoked || context.revoked != Some(true))
            && (self.asks_no_more() || self.passes_too(context, event))
    }

    /// Whether only role and revocation count, as is usual.
    #[inline]
    fn asks_no_more(&self) -> bool {
        self.labels.is_empty()
            && self.min_confidence.is_none()
            && self.max_tlp.is_none()
            && self.as_of == AsOf::Any
    }

    fn passes_too(&self, context: &Context, event: Option<Time>) -> bool {
        (self.labels.is_empty()
            || context.labels.iter().any(|l| self.labels.iter().any(|wanted| wanted.eq_ignore_ascii_case(l))))
            && self
                .min_confidence
                .is_none_or(|least| context.confidence.as_ref().is_some_and(|c| c.as_percent() >= least))
            && self.max_tlp.is_none_or(|most| context.tlp.is_some_and(|tlp| tlp <= most))
            && match self.as_of {
                AsOf::Any => true,
                AsOf::At(at) => context.valid_at(at).unwrap_or(true),
                AsOf::Within(first, last) => {
                    context.valid_from.is_none_or(|from| from <= last)
                        && context.valid_until.is_none_or(|until| first < until)
                }
                AsOf::Event => event.and_then(|at| context.valid_at(at)).unwrap_or(true),
            }
    }
}

/// Names of fields in front of which seconds or milliseconds since 1970 stand: Zeek, OCSF, Suricata, CEF, LEEF.
const EPOCHS: [&[u8]; 6] = [b"\"ts\":", b"\"time\":", b"\"timestamp\":", b"rt=", b"end=", b"devTime="];

/// The first time that stands in a line: seconds since 1970 with a fraction at the line's start, seconds or milliseconds
/// behind the names of fields that hold them (`"ts":`, `rt=`), RFC 3339 or its form with a space or tab, or the web
/// servers' `10/Oct/2023:13:55:36 +0000`.
pub fn event_time(line: &[u8]) -> Option<Time> {
    let line = &line[..line.len().min(4096)];
    if let Some((text, 10)) = number(line).filter(|(text, digits)| text.len() > *digits)
        && let Ok(time) = Time::parse(text)
    {
        return Some(time);
    }
    for name in EPOCHS {
        let Some(at) = memchr::memmem::find(line, name) else { continue };
        let border = name[0] == b'"' || at == 0 || matches!(line[at - 1], b' ' | b'|' | b'\t');
        let behind = line[at + name.len()..].trim_ascii_start();
        let time = match number(behind).filter(|_| border) {
            Some((text, 10)) => Time::parse(text).ok(),
            Some((text, 13)) => Time::parse(&format!("{}.{}", &text[..10], &text[10..13])).ok(),
            _ => None,
        };
        if time.is_some() {
            return time;
        }
    }
    for at in memchr::memchr2_iter(b'-', b'/', line) {
        if line[at] == b'-' && at >= 4 {
            let end = line.len().min(at - 4 + 35);
            let text = &line[at - 4..end];
            let shape = text.len() >= 19
                && text[..4].iter().all(u8::is_ascii_digit)
                && matches!(text[10], b'T' | b' ' | b'\t')
                && text[13] == b':';
            if shape {
                let n = 19
                    + text[19..]
                        .iter()
                        .take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b':' | b'Z'))
                        .count();
                for n in [n, 19] {
                    let text = std::str::from_utf8(&text[..n]).unwrap_or_default();
                    if let Ok(time) = text.replace('\t', " ").parse() {
                        return Some(time);
                    }
                }
            }
        } else if line[at] == b'/' && at >= 2 && line.len() >= at + 24 {
            let text = std::str::from_utf8(&line[at - 2..at + 24]).unwrap_or_default();
            if let Some(time) = web_time(text) {
                return Some(time);
            }
        }
    }
    None
}

/// The number that bytes begin with, and its digits in front of a point.
fn number(bytes: &[u8]) -> Option<(&str, usize)> {
    let n = bytes.iter().take(32).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let text = std::str::from_utf8(&bytes[..n]).ok()?;
    let digits = text.find('.').unwrap_or(n);
    (digits > 0).then_some((text, digits))
}

/// `10/Oct/2023:13:55:36 +0000`.
fn web_time(text: &str) -> Option<Time> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|m| text.get(3..6) == Some(m))? + 1;
    let (day, year, clock, zone) = (text.get(..2)?, text.get(7..11)?, text.get(12..20)?, text.get(21..26)?);
    let (hours, minutes) = zone.split_at_checked(3)?;
    format!("{year}-{month:02}-{day}T{clock}{hours}:{minutes}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_lines() {
        for (line, expected) in [
            ("1331901005.510000 C8Ru0m 192.0.2.1", "2012-03-16T12:30:05.51Z"),
            (r#"{"ts":1331901005.51,"uid":"x"}"#, "2012-03-16T12:30:05.51Z"),
            (r#"192.0.2.1 - - [10/Oct/2023:13:55:36 +0200] "GET /""#, "2023-10-10T11:55:36Z"),
            (r#"{"@timestamp":"2023-10-10T11:55:36.123Z"}"#, "2023-10-10T11:55:36.123Z"),
            ("INFO 2023-10-10 11:55:36 started", "2023-10-10T11:55:36Z"),
            ("2023-10-10\t11:55:36\t192.0.2.1", "2023-10-10T11:55:36Z"),
            (r#"{"a":1,"time":1696938936123,"b":2}"#, "2023-10-10T11:55:36.123Z"),
            (r#"{"ts": 1696938936}"#, "2023-10-10T11:55:36Z"),
            ("CEF:0|V|P|1|1|N|5|src=192.0.2.1 rt=1696938936000", "2023-10-10T11:55:36Z"),
            ("CEF:0|V|P|1|1|N|5|rt=Oct 10 start=1", "none"),
        ] {
            let found = event_time(line.as_bytes()).map_or("none".to_string(), |t| t.to_string());
            assert_eq!(found, expected, "{line}");
        }
        assert_eq!(event_time(b"no time at all - really"), None);
    }

    #[test]
    fn missing_confidence_and_marking_fail() {
        let bare = Context::default();
        assert!(Filter::default().passes(&bare, None));
        assert!(!Filter { min_confidence: Some(1.0), ..Filter::default() }.passes(&bare, None));
        assert!(!Filter { max_tlp: Some(Tlp::Red), ..Filter::default() }.passes(&bare, None));
        let victim = Context { role: Some(Role::Victim), ..Context::default() };
        assert!(!Filter::default().passes(&victim, None));
        assert!(Filter { roles: vec![Role::Victim], ..Filter::default() }.passes(&victim, None));
    }
}
