//! What the fields of records add to an extraction.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;

use super::{ExtractOptions, Extraction};
use crate::fields::{Header, Joins, Wanted, each_line, is_called, name_fields};
use crate::{Kind, Observable};

/// Names the fields of what was found in a block, by place, and adds what only fields tell.
pub(super) fn fields(block: &[u8], header: &Header, options: &ExtractOptions, found: &mut Vec<Extraction>) {
    let cut = header.is_cut();
    name_fields(block, header, cut, found, |e| e.start..e.end, |e, name| e.field = Some(name.to_string()));
    let has_port = |kind| matches!(kind, Kind::Ipv4 | Kind::Ipv6 | Kind::Domain);
    let (mut joins, mut added) = (Joins::default(), Vec::new());
    each_line(block, header, cut, |line, header| {
        let from = found.partition_point(|e| e.start < line.start);
        let there = from..from + found[from..].partition_point(|e| e.start <= line.end);
        for one in joins.of_line(&block[line.clone()], header, options) {
            let span = line.start + one.span.start..line.start + one.span.end;
            let Ok(read) = Observable::parse_as(one.kind, &one.text) else { continue };
            if one.kind == Kind::Endpoint {
                let (_, port) = read.value().rsplit_once(':').unwrap_or_default();
                let host =
                    found[there.clone()].iter_mut().find(|e| (e.start..e.end) == span && has_port(e.kind));
                if let Some(host) = host.filter(|host| host.port.is_none()) {
                    host.port = port.parse().ok();
                }
                continue;
            }
            added.push(Extraction {
                start: span.start,
                end: span.end,
                kind: one.kind,
                value: read.value().to_string(),
                port: None,
                field: Some(one.field.clone()),
                via: None,
                refused: None,
            });
        }
    });
    if !added.is_empty() {
        // A field that is named for its kind is of that kind; the host of a URL is inside of it.
        let named: HashSet<(usize, usize)> = added.iter().map(|e| (e.start, e.end)).collect();
        found.retain(|e| options.nested && has_port(e.kind) || !named.contains(&(e.start, e.end)));
        found.append(&mut added);
        found.sort_by_key(|e| (e.start, Reverse(e.end), e.kind != Kind::Url, e.kind));
    }
    if !options.only_fields.is_empty() {
        let asked = |name: &str| options.only_fields.iter().any(|asked| is_called(name, asked));
        found.retain(|e| e.field.as_deref().is_some_and(|names| names.split('+').any(asked)));
    }
}

impl Wanted for ExtractOptions {
    fn kind(&self, kind: Kind) -> bool {
        // An endpoint is told as an address or name with a port.
        self.kinds.is_empty() || self.kinds.contains(&kind) || kind == Kind::Endpoint
    }

    fn host(&self, _: &Range<usize>, _: bool) -> bool {
        true
    }
}
