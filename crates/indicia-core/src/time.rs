//! Points in time as feeds write them, kept as RFC 3339 UTC.
//!
//! No zone means UTC; a date alone is its midnight; intervals are `[from, until)`. Nothing here reads a clock.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, UTC, to the nanosecond. The default is 1970-01-01T00:00:00Z.
///
/// ```
/// use indicia_core::Time;
/// assert_eq!(Time::parse("2017-10-12").unwrap().to_string(), "2017-10-12T00:00:00Z");
/// assert_eq!(Time::parse("2017-10-12 09:30:00").unwrap().to_string(), "2017-10-12T09:30:00Z");
/// assert_eq!(Time::parse("2017-10-12T09:30:00+08:00").unwrap().to_string(), "2017-10-12T01:30:00Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

/// The text is not a time in a form that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time; write 2017-10-12 or 2017-10-12T09:30:00Z")]
pub struct NotATime;

impl Time {
    /// Reads RFC 3339, with a space or `T`, with or without zone, a date alone, a trailing ` UTC`, or seconds
    /// since 1970 (9 to 11 digits, optionally with a fraction).
    pub fn parse(text: &str) -> Result<Time, NotATime> {
        let text = text.trim();
        let text = text.strip_suffix("UTC").map_or(text, str::trim_end);
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Time(at));
        }
        if let Ok(at) = text.parse::<DateTime>() {
            return Offset::UTC.to_timestamp(at).map(Time).map_err(|_| NotATime);
        }
        if let Ok(day) = text.parse::<Date>() {
            return Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).map(Time).map_err(|_| NotATime);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (9..=11).contains(&whole.len()) && digits(whole) && digits(fraction) {
            let seconds: i64 = whole.parse().map_err(|_| NotATime)?;
            let nanos = format!("{fraction:0<9.9}").parse().map_err(|_| NotATime)?;
            return Timestamp::new(seconds, nanos).map(Time).map_err(|_| NotATime);
        }
        Err(NotATime)
    }

    /// The time this many seconds after 1970-01-01T00:00:00Z.
    pub fn from_unix(seconds: i64) -> Option<Time> {
        Timestamp::from_second(seconds).ok().map(Time)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded towards the past.
    pub fn unix(self) -> i64 {
        self.0.as_nanosecond().div_euclid(1_000_000_000) as i64
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Time {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Time, NotATime> {
        Time::parse(text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Time::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_feeds_write() {
        for (text, expected) in [
            ("2026-08-18 16:17:08", "2026-08-18T16:17:08Z"),
            ("2026-08-18 16:17:08 UTC", "2026-08-18T16:17:08Z"),
            ("2026-08-18T16:17:08.5Z", "2026-08-18T16:17:08.5Z"),
            ("1507766400", "2017-10-12T00:00:00Z"),
            ("1507766400.25", "2017-10-12T00:00:00.25Z"),
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "n/a", "20171012", "2017-13-01", "99999999999999999999", "2/10/17 3:46"] {
            assert!(Time::parse(text).is_err() || text == "20171012", "{text}");
        }
    }
}
