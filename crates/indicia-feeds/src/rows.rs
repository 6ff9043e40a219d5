//! Rows of named cells: what the columns of CSV files and flat JSON records mean.
//!
//! A [`Layout`] is made once from the header: each column gets a [`Meaning`] by the alias table of [`meaning`]
//! or by the caller's `columns`. A row is then one value of any type (`ioc_value`), or several typed ones
//! (`md5_hash`, `sha256_hash`) that become one indicator each, tied by a group. Columns that mean nothing to us
//! are kept in `extra` by their names.

use std::collections::BTreeMap;
use std::io::BufRead;

use indicia_core::{Confidence, Context, Country, Kind, Match, Reason, Role, Target, Time};
use serde_json::{Map, Number, Value};

use crate::collect::{Collector, group_of};
use crate::kinds::{self, Hint};
use crate::{FeedError, Format, Place, ReadOptions, csv, document, lines, markings};

mod known;

pub(crate) use known::Known;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A value of any type.
    Value,
    /// A value of the column's own type.
    Typed(Hint),
    /// The type of the value.
    Type,
    /// The port of the row's only host.
    Port,
    /// The path of the row's only host.
    Path,
    Feed,
    Producer,
    SourceId,
    Role,
    Labels,
    Threat,
    Confidence,
    FirstSeen,
    LastSeen,
    ValidFrom,
    ValidUntil,
    Revoked,
    Tlp,
    Pap,
    Country,
    Asn,
    Provider,
    Reference,
    Description,
    Match,
    /// Kept by its name.
    Extra,
}

/// The columns of a feed.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<(String, Meaning)>,
    /// No column holds values by its name: the first cell of a row that parses is the value.
    by_shape: bool,
    /// The column of values, where only one holds any and nothing is joined to them.
    only_value: Option<usize>,
}

/// The meaning of a column by its header. Case, and `_`, `-`, `.` or a blank, make no difference.
pub(crate) fn meaning(header: &str) -> Meaning {
    let name: String = header
        .trim()
        .trim_start_matches('#')
        .trim()
        .chars()
        .map(|c| if matches!(c, ' ' | '-' | '.') { '_' } else { c.to_ascii_lowercase() })
        .collect();
    let name = name.strip_suffix("_utc").unwrap_or(&name);
    match name {
        "value" | "entry" | "indicator" | "ioc" | "ioc_value" | "indicator_value" | "observable"
        | "observable_value" | "artifact" | "artefact" => Meaning::Value,
        "type" | "kind" | "ioc_type" | "indicator_type" | "observable_type" | "entry_type" => Meaning::Type,
        "ip" | "ip_address" | "ipaddress" | "ip_addr" | "dst_ip" | "dstip" | "src_ip" | "ipv4" | "ipv6"
        | "c2_ip" | "ip_range" | "cidr" | "network" | "subnet" | "netblock" | "attacker_ip" => {
            Meaning::Typed(Hint::Ip)
        }
        "host" => Meaning::Typed(Hint::Host),
        "hostname" | "fqdn" | "host_name" => Meaning::Typed(Hint::Hostname),
        "domain" | "domain_name" | "domains" => Meaning::Typed(Hint::Kind(Kind::Domain)),
        "url" | "uri" => Meaning::Typed(Hint::Kind(Kind::Url)),
        "hash" | "file_hash" | "filehash" | "hashes" | "sample" => Meaning::Typed(Hint::Hash),
        "email" | "email_address" | "mail" | "sender" => Meaning::Typed(Hint::Kind(Kind::Email)),
        "md5" | "md5_hash" | "hash_md5" => Meaning::Typed(Hint::Kind(Kind::Md5)),
        "sha1" | "sha1_hash" | "hash_sha1" => Meaning::Typed(Hint::Kind(Kind::Sha1)),
        "sha224" => Meaning::Typed(Hint::Kind(Kind::Sha224)),
        "sha256" | "sha256_hash" | "hash_sha256" => Meaning::Typed(Hint::Kind(Kind::Sha256)),
        "sha384" => Meaning::Typed(Hint::Kind(Kind::Sha384)),
        "sha512" | "sha512_hash" | "hash_sha512" => Meaning::Typed(Hint::Kind(Kind::Sha512)),
        "imphash" => Meaning::Typed(Hint::Kind(Kind::Imphash)),
        "authentihash" => Meaning::Typed(Hint::Kind(Kind::Authentihash)),
        "ssdeep" => Meaning::Typed(Hint::Kind(Kind::Ssdeep)),
        "tlsh" => Meaning::Typed(Hint::Kind(Kind::Tlsh)),
        "ja3" | "ja3_md5" | "ja3_hash" => Meaning::Typed(Hint::Kind(Kind::Ja3)),
        "ja3s" => Meaning::Typed(Hint::Kind(Kind::Ja3s)),
        "ja4" => Meaning::Typed(Hint::Kind(Kind::Ja4)),
        "jarm" => Meaning::Typed(Hint::Kind(Kind::Jarm)),
        "cve" | "cve_id" => Meaning::Typed(Hint::Kind(Kind::Cve)),
        "mac" | "mac_address" => Meaning::Typed(Hint::Kind(Kind::Mac)),
        "mutex" => Meaning::Typed(Hint::Kind(Kind::Mutex)),
        "registry_key" | "regkey" => Meaning::Typed(Hint::Kind(Kind::RegistryKey)),
        "user_agent" | "useragent" => Meaning::Typed(Hint::Kind(Kind::UserAgent)),
        "bitcoin" | "btc" | "btc_address" => Meaning::Typed(Hint::Kind(Kind::Bitcoin)),
        "file_name" | "filename" => Meaning::Typed(Hint::Kind(Kind::FileName)),
        "file_path" | "filepath" => Meaning::Typed(Hint::Kind(Kind::FilePath)),
        "port" | "dst_port" | "dstport" => Meaning::Port,
        "path" => Meaning::Path,
        "source" | "feed" | "feed_name" | "source_name" => Meaning::Feed,
        "producer" | "creator" | "org" | "orgc" | "organisation" | "organization" => Meaning::Producer,
        "id" | "source_id" | "ioc_id" | "uuid" | "indicator_id" => Meaning::SourceId,
        "role" => Meaning::Role,
        "label" | "labels" | "tag" | "tags" => Meaning::Labels,
        "threat" | "malware" | "malware_family" | "family" | "signature" | "malware_printable"
        | "threat_name" | "malware_name" => Meaning::Threat,
        "confidence" | "confidence_level" => Meaning::Confidence,
        "first_seen" | "firstseen" | "dateadded" | "date_added" | "first_observed" | "listingdate"
        | "added" => Meaning::FirstSeen,
        "last_seen" | "lastseen" | "last_online" | "last_observed" => Meaning::LastSeen,
        "valid_from" => Meaning::ValidFrom,
        "valid_until" | "expires" | "expiration" | "expiration_date" | "expiry" => Meaning::ValidUntil,
        "revoked" => Meaning::Revoked,
        "tlp" => Meaning::Tlp,
        "pap" => Meaning::Pap,
        "country" | "country_code" | "cc" | "country_iso" => Meaning::Country,
        "asn" | "as_number" => Meaning::Asn,
        "provider" | "isp" | "hosting_provider" => Meaning::Provider,
        "reference" | "references" | "reference_url" | "urlhaus_link" | "link" | "report" | "report_url"
        | "phish_detail_url" => Meaning::Reference,
        "description" | "comment" | "comments" | "note" | "notes" | "message" | "desc" => {
            Meaning::Description
        }
        "match" | "match_type" => Meaning::Match,
        _ => Meaning::Extra,
    }
}

/// Our own field names, for the caller's `columns`.
fn of_field(field: &str) -> Option<Meaning> {
    Some(match meaning(field) {
        Meaning::Extra => return kinds::of_type(field).map(Meaning::Typed),
        found => found,
    })
}

impl Layout {
    /// Whether any of these headers names a value or its type.
    pub(crate) fn is_header(names: &[impl AsRef<str>]) -> bool {
        names.iter().any(|n| matches!(meaning(n.as_ref()), Meaning::Value | Meaning::Typed(_) | Meaning::Asn))
    }

    /// The columns of a header; `width` columns without names where there is none.
    pub(crate) fn new(
        header: Option<&[String]>,
        width: usize,
        options: &ReadOptions,
    ) -> Result<Layout, FeedError> {
        let width = header.map_or(width, <[String]>::len);
        let name = |i: usize| match header.and_then(|names| names.get(i)) {
            Some(name) if !name.trim().is_empty() => name.trim().trim_start_matches('#').trim().to_string(),
            _ => format!("column {}", i + 1),
        };
        let mut columns: Vec<(String, Meaning)> = (0..width)
            .map(|i| (name(i), header.and_then(|h| h.get(i)).map_or(Meaning::Extra, |n| meaning(n))))
            .collect();
        let mut forced = vec![false; width];
        for (field, column) in &options.columns {
            let missing = || FeedError::NoColumn { field: field.clone() };
            let by_name = columns.iter().position(|(n, _)| n.eq_ignore_ascii_case(column.trim()));
            let by_number =
                column.trim().parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < width);
            let at = by_name.or(by_number).ok_or_else(missing)?;
            columns[at].1 = of_field(field).ok_or_else(missing)?;
            forced[at] = true;
        }
        resolve(&mut columns, &forced);
        let by_shape = !columns.iter().any(|(_, m)| matches!(m, Meaning::Value | Meaning::Typed(_)));
        let is_value =
            |(_, meaning): &(String, Meaning)| matches!(meaning, Meaning::Value | Meaning::Typed(_));
        let is_joined = |(_, meaning): &(String, Meaning)| matches!(meaning, Meaning::Port | Meaning::Path);
        let only_value = columns.iter().position(|(_, meaning)| *meaning == Meaning::Value);
        let only_value = only_value.filter(|_| {
            columns.iter().filter(|column| is_value(column)).count() == 1 && !columns.iter().any(is_joined)
        });
        Ok(Layout { columns, by_shape, only_value })
    }

    /// Reads one row. Errors of single cells are reported with the row's place.
    pub(crate) fn row<S: AsRef<str>>(&self, cells: &[S], place: &dyn Fn() -> Place, to: &mut Collector<'_>) {
        match self.only_value {
            Some(at) if to.known.take(cells, at) => self.row_of_one(at, cells, place, to),
            _ => self.row_of_any(cells, place, to),
        }
    }

    fn row_of_any<S: AsRef<str>>(&self, cells: &[S], place: &dyn Fn() -> Place, to: &mut Collector<'_>) {
        let mut row = Row::default();
        let mut type_ = None;
        let (mut port, mut path) = (None, None);
        let mut values: Vec<(usize, &str)> = Vec::new();
        for (i, cell) in cells.iter().enumerate() {
            let cell = formula(cell.as_ref().trim());
            if is_null(cell) {
                continue;
            }
            let (name, meaning) = match self.columns.get(i) {
                Some((name, meaning)) => (name.as_str(), *meaning),
                None => ("", Meaning::Extra),
            };
            match meaning {
                Meaning::Value | Meaning::Typed(_) => values.push((i, cell)),
                Meaning::Extra if self.by_shape && values.is_empty() && parses(cell, to.options) => {
                    values.push((i, cell));
                }
                Meaning::Type => type_ = Some(cell),
                Meaning::Port => port = Some(cell),
                Meaning::Path => path = Some(cell),
                Meaning::Extra if name.is_empty() => row.extra(&format!("column {}", i + 1), cell),
                meaning => row.field(meaning, name, cell),
            }
        }
        let said = row.match_;
        let mut parts: Vec<(Target, bool)> = Vec::new();
        let mut refused = None;
        let has_hash = values.iter().any(|(i, _)| {
            matches!(self.columns.get(*i), Some((_, Meaning::Typed(Hint::Hash))))
                || matches!(self.columns.get(*i), Some((_, Meaning::Typed(Hint::Kind(k)))) if kinds::is_digest(*k))
        });
        for (i, cell) in values {
            let meaning = self.columns.get(i).map_or(Meaning::Value, |(_, m)| *m);
            let read = match meaning {
                Meaning::Typed(hint) => {
                    let joined = match (hint, port, path) {
                        (
                            Hint::Ip | Hint::Host | Hint::Hostname | Hint::Kind(Kind::Domain),
                            Some(port),
                            _,
                        ) => Some(join_port(cell, port)),
                        (
                            Hint::Host | Hint::Hostname | Hint::Kind(Kind::Domain) | Hint::Ip,
                            None,
                            Some(path),
                        ) => Some(format!("{cell}/{}", path.trim_start_matches('/'))),
                        _ => None,
                    };
                    match joined {
                        Some(joined) => to.target(Hint::Shape, "value", &joined, Match::Subdomains, said),
                        None => to.target(hint, "value", cell, Match::Subdomains, said),
                    }
                }
                _ => typed_value(type_, cell, said, &mut row, to),
            };
            match read {
                Ok(target) => {
                    let context_only =
                        has_hash && matches!(target.observable.kind(), Kind::FileName | Kind::FilePath);
                    parts.push((target, context_only));
                }
                Err(reason) => {
                    to.refuse(place(), reason, cell);
                    refused = Some(reason);
                }
            }
        }
        if parts.is_empty() {
            if refused.is_none() {
                let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
                to.refuse(place(), Reason::NoTarget, &cells.join(" | "));
            }
            return;
        }
        let group = (parts.len() > 1).then(|| group_of(parts.iter().map(|(t, _)| t)));
        let last = parts.len() - 1;
        for (at, (target, context_only)) in parts.into_iter().enumerate() {
            let mut context = if at == last { std::mem::take(&mut row.context) } else { row.context.clone() };
            if context_only {
                context.extra.insert("to_ids".to_string(), false.into());
            }
            to.emit(target, group.as_deref(), context);
        }
    }
}

/// Columns that mean something only beside, or only without, others.
fn resolve(columns: &mut [(String, Meaning)], forced: &[bool]) {
    let has =
        |columns: &[(String, Meaning)], test: fn(&Meaning) -> bool| columns.iter().any(|(_, m)| test(m));
    let has_value = has(columns, |m| *m == Meaning::Value);
    let has_url = has(columns, |m| *m == Meaning::Typed(Hint::Kind(Kind::Url)));
    let is_host = |m: &Meaning| {
        matches!(m, Meaning::Typed(Hint::Ip | Hint::Host | Hint::Hostname | Hint::Kind(Kind::Domain)))
    };
    for (i, (_, meaning)) in columns.iter_mut().enumerate() {
        let drop = match meaning {
            // The value column holds the row's value; the others describe it.
            Meaning::Typed(_) => has_value,
            _ => false,
        };
        // A host beside its URL is not listed itself.
        if !forced[i] && (drop || (has_url && is_host(meaning))) {
            *meaning = Meaning::Extra;
        }
    }
    let typed = columns.iter().filter(|(_, m)| matches!(m, Meaning::Typed(_))).count();
    let hosts = columns.iter().filter(|(_, m)| is_host(m)).count();
    let mut seen: Vec<Meaning> = Vec::new();
    for (i, (_, meaning)) in columns.iter_mut().enumerate() {
        match meaning {
            Meaning::Asn if typed == 0 && !has_value => *meaning = Meaning::Typed(Hint::Kind(Kind::Asn)),
            Meaning::Port | Meaning::Path if hosts != 1 && !forced[i] => *meaning = Meaning::Extra,
            _ => {}
        }
        let repeats =
            matches!(meaning, Meaning::Typed(_) | Meaning::Labels | Meaning::Reference | Meaning::Extra);
        if !repeats && seen.contains(meaning) {
            *meaning = Meaning::Extra;
        }
        seen.push(*meaning);
    }
}

/// What a row says beside its values.
#[derive(Default)]
struct Row {
    context: Context,
    match_: Option<Match>,
}

impl Row {
    fn extra(&mut self, name: &str, cell: &str) {
        self.context.extra.insert(name.to_string(), cell.into());
    }

    fn field(&mut self, meaning: Meaning, name: &str, cell: &str) {
        let context = &mut self.context;
        let text = || Some(cell.to_string());
        let read = match meaning {
            Meaning::Feed => context.feed.replace(cell.to_string()).is_none(),
            Meaning::Producer => context.producer.replace(cell.to_string()).is_none(),
            Meaning::SourceId => context.source_id.replace(cell.to_string()).is_none(),
            Meaning::Provider => context.provider.replace(cell.to_string()).is_none(),
            Meaning::Description => context.description.replace(cell.to_string()).is_none(),
            Meaning::Threat => {
                context.threat = text();
                if cell.eq_ignore_ascii_case("malware_download") {
                    context.role = context.role.or(Some(Role::MalwareHost));
                }
                true
            }
            Meaning::Role => cell.parse().map(|role| context.role = Some(role)).is_ok(),
            Meaning::Labels => {
                let labels = cell.split([',', '|', ';']).map(str::trim).filter(|l| !l.is_empty());
                context.labels.extend(labels.map(Into::into));
                true
            }
            Meaning::Confidence => confidence(cell, name).map(|c| context.confidence = Some(c)).is_some(),
            Meaning::FirstSeen => Time::parse(cell).map(|t| context.first_seen = Some(t)).is_ok(),
            Meaning::LastSeen => Time::parse(cell).map(|t| context.last_seen = Some(t)).is_ok(),
            Meaning::ValidFrom => Time::parse(cell).map(|t| context.valid_from = Some(t)).is_ok(),
            Meaning::ValidUntil => Time::parse(cell).map(|t| context.valid_until = Some(t)).is_ok(),
            Meaning::Revoked => truth(cell).map(|yes| context.revoked = Some(yes)).is_some(),
            Meaning::Tlp | Meaning::Pap => {
                let scheme = if meaning == Meaning::Tlp { "tlp" } else { "pap" };
                let tag = if cell.contains(':') { cell.to_string() } else { format!("{scheme}:{cell}") };
                markings::apply(&tag, context);
                true
            }
            Meaning::Country => {
                let code = cell.to_ascii_uppercase();
                let ok = code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
                if ok {
                    context.countries.push(Country {
                        code,
                        basis: Some("statement".into()),
                        ..Country::default()
                    });
                }
                ok
            }
            Meaning::Asn => {
                let digits = cell.trim_start_matches(['A', 'S', 'N', 'a', 's', 'n', ' ']);
                digits.parse().map(|n| context.asn = Some(n)).is_ok()
            }
            Meaning::Reference => {
                context.references.push(cell.to_string());
                true
            }
            Meaning::Match => cell.parse().map(|m| self.match_ = Some(m)).is_ok(),
            _ => false,
        };
        if !read {
            if name.eq_ignore_ascii_case("threat_type") {
                let role = match cell {
                    "botnet_cc" => Some(Role::C2),
                    "payload_delivery" => Some(Role::MalwareHost),
                    _ => None,
                };
                self.context.role = self.context.role.or(role);
            }
            self.extra(name, cell);
        }
    }
}

/// Reads a value whose type another column gives, or nothing does.
fn typed_value(
    type_: Option<&str>,
    cell: &str,
    said: Option<Match>,
    row: &mut Row,
    to: &mut Collector<'_>,
) -> Result<Target, Reason> {
    let Some(type_) = type_ else {
        return to.target(Hint::Shape, "value", cell, Match::Subdomains, said);
    };
    if let Some(source_type) = type_.strip_prefix("other:") {
        return to.target(Hint::Other, source_type, cell, Match::Exact, None);
    }
    match kinds::of_type(type_) {
        Some(hint) => to.target(hint, type_, cell, Match::Subdomains, said),
        None => {
            // `type` may be a word about the threat: the shape then says the kind.
            row.extra("type", type_);
            match to.target(Hint::Shape, type_, cell, Match::Subdomains, said) {
                Err(Reason::UnknownKind) => to.target(Hint::Other, type_, cell, Match::Exact, None),
                read => read,
            }
        }
    }
}

fn join_port(host: &str, port: &str) -> String {
    let bare_v6 = host.contains(':') && !host.starts_with('[');
    if bare_v6 { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whether a cell is a value by its shape: neither a number nor a date.
pub(crate) fn parses(cell: &str, options: &ReadOptions) -> bool {
    let matching =
        kinds::Matching { names: Match::Subdomains, said: options.match_, profile: options.profile };
    Time::parse(cell).is_err() && kinds::target(Hint::Shape, "value", cell, matching).is_ok()
}

/// A cell without the apostrophe that keeps spreadsheets from running it.
fn formula(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

fn is_null(cell: &str) -> bool {
    cell.is_empty()
        || cell == "-"
        || ["none", "n/a", "null", "nil"].iter().any(|n| n.eq_ignore_ascii_case(cell))
}

fn truth(cell: &str) -> Option<bool> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "t" => Some(true),
        "false" | "0" | "no" | "f" => Some(false),
        _ => None,
    }
}

/// A number, a percentage, or one of the words of the STIX scale (None, Low, Med, High).
pub(crate) fn confidence(cell: &str, source: &str) -> Option<Confidence> {
    let from = (!source.eq_ignore_ascii_case("confidence")).then(|| source.to_string());
    const WORDS: [(&str, u8); 5] = [("low", 15), ("medium", 50), ("med", 50), ("moderate", 50), ("high", 85)];
    if let Some((_, value)) = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(cell)) {
        return Some(Confidence { value: (*value).into(), scale: None, source: from });
    }
    let digits = cell.trim_end_matches('%').trim();
    let value = match digits.parse::<u64>() {
        Ok(whole) => Number::from(whole),
        Err(_) => Number::from_f64(digits.parse().ok()?)?,
    };
    let in_range = value.as_f64().is_some_and(|v| (0.0..=100.0).contains(&v));
    in_range.then_some(Confidence { value, scale: None, source: from })
}

/// The abuse.ch exports: CSV with a header in a comment, or JSON.
pub(crate) fn read_abuse_ch(input: &mut dyn BufRead, to: &mut Collector<'_>) -> Result<(), FeedError> {
    let head = input.fill_buf()?;
    let (_, mark) = lines::encoding(head);
    let first = head[mark.min(head.len())..].iter().find(|b| !b.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        return csv::read(input, to);
    }
    let (text, recoded) = lines::document(input)?;
    to.report.recoded += u64::from(recoded);
    let format = to.report.format.unwrap_or(Format::Threatfox);
    let root: Value = document::parse(&text, format)?;
    let mut layouts: BTreeMap<Vec<String>, Layout> = BTreeMap::new();
    let mut number = 0;
    each_record(&root, 0, &mut |record| {
        number += 1;
        to.report.records += 1;
        let names: Vec<String> = record.keys().cloned().collect();
        let cells: Vec<String> = record.values().map(cell).collect();
        if layouts.len() > 1000 {
            layouts.clear();
        }
        let layout = match layouts.get(&names) {
            Some(layout) => layout,
            None => {
                let layout = Layout::new(Some(&names), 0, to.options)?;
                layouts.entry(names).or_insert(layout)
            }
        };
        layout.row(&cells, &|| Place::Path(format!("record {number}")), to);
        Ok(())
    })
}

type RecordSink<'s> = dyn FnMut(&Map<String, Value>) -> Result<(), FeedError> + 's;

/// The flat objects of a document: in a list, under one name (`data`, `iocs`), or under their ids.
fn each_record(root: &Value, depth: usize, sink: &mut RecordSink<'_>) -> Result<(), FeedError> {
    match root {
        Value::Array(list) => list.iter().try_for_each(|item| match item {
            Value::Object(record) => sink(record),
            _ => Ok(()),
        }),
        Value::Object(map) if depth < 3 => map
            .values()
            .filter(|v| v.is_array() || v.is_object())
            .try_for_each(|value| each_record(value, depth + 1, sink)),
        _ => Ok(()),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}
