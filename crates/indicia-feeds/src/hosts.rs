//! `hosts`: lines of an unroutable address and the names that it hides. Names match exactly.

use std::io::BufRead;

use indicia_core::{Context, Match, Reason};

use crate::collect::{Collector, described};
use crate::kinds::Hint;
use crate::plain::{split_comment, trim};
use crate::{FeedError, Place};

/// The names that every hosts file begins with.
const OWN: [&str; 14] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
];

pub(crate) fn read(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let mut lines = to.lines(input)?;
    while let Some(line) = lines.next()? {
        let number = line.number;
        to.report.recoded += u64::from(line.recoded);
        let text = trim(&line.text);
        if text.is_empty() {
            continue;
        }
        if text.starts_with('#') {
            to.report.skip("comment");
            continue;
        }
        to.report.records += 1;
        if line.cut {
            to.refuse(Place::Line(number), Reason::TooLong, text);
            continue;
        }
        let (text, comment) = split_comment(text);
        let context = described(comment);
        match text.split_once(char::is_whitespace) {
            Some((address, rest)) if is_sink(address) => names(rest, Match::Exact, number, &context, to),
            // A routable address says where a name is sent, not that the name is bad.
            Some((address, _)) if address.parse::<std::net::IpAddr>().is_ok() => {
                to.report.skip("redirection")
            }
            _ => to.refuse(Place::Line(number), Reason::BadRecord, text),
        }
    }
    Ok(())
}

/// Whether an address stands for "nowhere" in a hosts file.
pub(crate) fn is_sink(address: &str) -> bool {
    matches!(
        address,
        "0.0.0.0"
            | "127.0.0.1"
            | "127.0.1.1"
            | "::"
            | "::0"
            | "::1"
            | "0"
            | "255.255.255.255"
            | "fe80::1%lo0"
    ) || matches!(address, "ff00::0" | "ff02::1" | "ff02::2" | "ff02::3")
}

/// Whether a name is one of those that every hosts file begins with.
pub(crate) fn is_own(name: &str) -> bool {
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Every name of the rest of a line.
pub(crate) fn names(rest: &str, default: Match, number: u64, context: &Context, to: &mut Collector<'_>) {
    for name in rest.split_whitespace() {
        if is_own(name) || is_sink(name) {
            to.report.skip("localhost");
            continue;
        }
        match to.target(Hint::Host, "hostname", name, default, None) {
            Ok(target) => to.emit(target, None, context.clone()),
            Err(reason) => to.refuse(Place::Line(number), reason, name),
        }
    }
}
