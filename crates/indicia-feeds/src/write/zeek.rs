//! `zeek`: a file of the Zeek Intelligence Framework, one line a context: `indicator`, `indicator_type`,
//! `meta.source`, `meta.desc`, `meta.url`.
//!
//! Zeek compares names exactly: one that was to match below too is written alone, one below which only was to
//! match is left out. URLs are written as Zeek builds them, host, path and query. `meta.source` must be there: it
//! is the producer, else the feed, else `unknown`. A byte that is no part of readable text, a backslash, and what
//! would be taken for an unset cell or a comment stand as `\xHH`, which Zeek and our reader undo. As the lists do,
//! it names nothing that is revoked, not for detection, compromised, a victim or benign.

use std::fmt::Write as _;
use std::io::{self, Write};

use indicia_core::{Context, Indicator, Kind, Match};

use super::{LossReport, is_unseen, lines};
use crate::lines::MAX_LINE_BYTES;

pub(super) fn header(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url")
}

pub(super) fn write(indicator: &Indicator, out: &mut dyn Write, loss: &mut LossReport) -> io::Result<()> {
    if indicator.target.match_ == Match::Mask {
        loss.leave_out("a mask");
        return Ok(());
    }
    let target = &indicator.target;
    let observable = &target.observable;
    let (type_, value) = match observable.kind() {
        Kind::Ipv4 | Kind::Ipv6 => ("ADDR", observable.value()),
        Kind::Cidr => ("SUBNET", observable.value()),
        Kind::Domain if target.below_only => {
            loss.leave_out("only names below it");
            return Ok(());
        }
        Kind::Domain => ("DOMAIN", observable.value()),
        Kind::Url if is_http(observable.value()) => ("URL", observable.key()),
        Kind::Email => ("EMAIL", observable.value()),
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 => ("FILE_HASH", observable.value()),
        Kind::FileName => ("FILE_NAME", observable.value()),
        Kind::UserName => ("USER_NAME", observable.value()),
        Kind::UserAgent => ("SOFTWARE", observable.value()),
        Kind::X509Sha1 | Kind::X509Sha256 => ("CERT_HASH", observable.value()),
        _ => {
            loss.leave_out("no type of Zeek's");
            return Ok(());
        }
    };
    if !lines::is_listed(indicator, lines::Use::Detect, loss) {
        return Ok(());
    }
    let nothing = [Context::default()];
    let contexts = if indicator.contexts.is_empty() { &nothing } else { indicator.contexts.as_slice() };
    let mut written = false;
    for context in contexts.iter().filter(|context| lines::condemns(context)) {
        let source = [&context.producer, &context.feed].into_iter().flatten().find(|name| !name.is_empty());
        let cells = [
            cell(value),
            format!("Intel::{type_}"),
            cell(source.map_or("unknown", String::as_str)),
            cell(context.description.as_deref().unwrap_or_default()),
            cell(context.references.first().map_or("", String::as_str)),
        ];
        let line = cells.join("\t");
        if line.len() > MAX_LINE_BYTES {
            continue;
        }
        writeln!(out, "{line}")?;
        written = true;
        loss.written += 1;
        let carried: &[&str] = match (&context.producer, context.references.as_slice()) {
            (Some(producer), [_]) if !producer.is_empty() => &["producer", "description", "references"],
            (Some(producer), _) if !producer.is_empty() => &["producer", "description"],
            (_, [_]) => &["description", "references"],
            _ => &["description"],
        };
        lines::lose_context(context, carried, loss);
    }
    if written {
        loss.lose("contexts", indicator.contexts.iter().any(|context| !lines::condemns(context)));
        loss.lose("group", indicator.group.is_some());
        loss.lose("value", value != observable.value());
        loss.lose("kind", observable.kind() == Kind::UserAgent);
        loss.lose("match", !matches!(target.match_, Match::Exact | Match::Network));
    } else {
        loss.leave_out("longer than a line");
    }
    Ok(())
}

/// Zeek sees URLs of HTTP only.
fn is_http(url: &str) -> bool {
    url.split_once("://").is_none_or(|(scheme, _)| matches!(scheme, "http" | "https"))
}

/// A text that stays in its cell.
fn cell(text: &str) -> String {
    if text.is_empty() {
        return "-".to_string();
    }
    let mut out = String::with_capacity(text.len());
    let escape = |out: &mut String, c: char| {
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    };
    // What the first character could make of the cell: unset, empty, a comment.
    let special = text == "-" || text == "(empty)" || text.starts_with('#');
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    for (at, c) in text.char_indices() {
        let edge = at == 0 || at == last;
        if c == '\\' || is_unseen(c) || (edge && c.is_whitespace()) || (at == 0 && special) {
            escape(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}
