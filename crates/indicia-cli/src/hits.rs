//! Hits written: for people, as JSON lines, as CSV and as Elastic Common Schema.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use base64::Engine as _;
use indicia::feeds::csv_record;
use indicia::refang::defang;
use indicia::store::Seen;
use indicia::{Context, Guard, HitView, IndicatorRef, Kind, Match, Profile, Relation, Time};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{Guarded, OutputFormat};
use crate::show;

/// Bytes of data in JSON: text, or base64 where they are not UTF-8.
pub(crate) struct Raw<'r>(pub(crate) &'r [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let encoded = base64::engine::general_purpose::STANDARD.encode(self.0);
                BTreeMap::from([("bytes", encoded)]).serialize(serializer)
            }
        }
    }
}

/// A record as a scan shows it: the contexts that pass, each with its validity.
#[derive(Serialize)]
pub(crate) struct Record<'r> {
    target: TargetOut<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'r str>,
    contexts: Vec<ContextOut<'r>>,
}

#[derive(Serialize)]
struct TargetOut<'r> {
    kind: Kind,
    value: &'r str,
    #[serde(rename = "match")]
    match_: Match,
    /// Of a URL that follows another profile than the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
}

#[derive(Serialize)]
struct ContextOut<'r> {
    #[serde(flatten)]
    context: &'r Context,
    valid: &'static str,
}

impl<'r> Record<'r> {
    pub(crate) fn new(
        indicator: IndicatorRef<'r>,
        contexts: impl Iterator<Item = &'r Context>,
        at: Time,
    ) -> Record<'r> {
        Record {
            target: TargetOut {
                kind: indicator.kind(),
                value: indicator.value(),
                match_: indicator.match_(),
                profile: Some(indicator.profile()).filter(|profile| *profile != Profile::Default),
            },
            group: indicator.group(),
            contexts: contexts
                .map(|context| ContextOut {
                    context,
                    valid: match context.valid_at(at) {
                        Some(true) => "yes",
                        Some(false) => "no",
                        None => "unknown",
                    },
                })
                .collect(),
        }
    }
}

/// Where a hit stands.
pub(crate) struct Place<'p> {
    pub(crate) path: &'p str,
    pub(crate) line: u64,
    pub(crate) span: (u64, u64),
    pub(crate) raw: &'p [u8],
    pub(crate) via: Option<&'p str>,
    pub(crate) line_text: Option<&'p [u8]>,
    /// What a store says of the observable; its number there is the line.
    pub(crate) seen: Option<Seen>,
}

impl Place<'_> {
    fn times(&self) -> (Option<Time>, Option<Time>) {
        self.seen.and_then(|seen| seen.times).unzip()
    }
}

/// What was written of indicators, to be written again: the same few are hit again and again. One a thread.
#[derive(Default)]
pub(crate) struct Written {
    records: HashMap<u32, Box<str>>,
    who: HashMap<u32, Box<str>>,
    bytes: usize,
}

impl Written {
    /// Where it holds more, it is forgotten.
    const BYTES: usize = 2 << 20;

    /// Makes room for so many more bytes.
    fn room(&mut self, bytes: usize) {
        // An entry of a map takes about as much as a short record.
        self.bytes += bytes + 64;
        if self.bytes > Written::BYTES {
            *self = Written { bytes: bytes + 64, ..Written::default() };
        }
    }
}

/// How hits are written.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) format: OutputFormat,
    pub(crate) only_matching: bool,
    pub(crate) guarded: Guarded,
    pub(crate) now: Time,
    pub(crate) color: bool,
    /// Which contexts of an indicator count is another matter at each hit (`--as-of event`).
    pub(crate) each_anew: bool,
}

impl Style {
    /// What stands before the first hit.
    pub(crate) fn header(&self, out: &mut dyn Write) -> io::Result<()> {
        const COLUMNS: [&str; 19] = [
            "path",
            "line",
            "start",
            "end",
            "kind",
            "value",
            "raw",
            "relation",
            "indicator_kind",
            "indicator_value",
            "match",
            "feeds",
            "labels",
            "tlp",
            "guard",
            "first",
            "last",
            "count",
            "field",
        ];
        if self.format == OutputFormat::Csv && !self.only_matching {
            csv_record(COLUMNS.iter().map(|c| Cow::Borrowed(*c)), out)?;
        }
        Ok(())
    }

    /// Whether a hit with these guards is shown.
    pub(crate) fn shows(&self, guards: &[Guard]) -> bool {
        match self.guarded {
            Guarded::Show => true,
            Guarded::Hide => guards.is_empty(),
            Guarded::Only => !guards.is_empty(),
        }
    }

    /// Writes one hit.
    pub(crate) fn hit(
        &self,
        hit: &HitView<'_, '_>,
        place: &Place<'_>,
        written: &mut Written,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let index = hit.indicator.index();
        if self.each_anew {
            *written = Written::default();
        }
        if self.only_matching {
            return match self.format {
                OutputFormat::Jsonl | OutputFormat::Ecs => json_line(&json!({ "raw": Raw(place.raw) }), out),
                _ => writeln!(out, "{}", show::bytes(place.raw)),
            };
        }
        match self.format {
            OutputFormat::Text => {
                if !written.who.contains_key(&index) {
                    let who = who(hit.contexts());
                    written.room(who.len());
                    written.who.insert(index, who.into());
                }
                self.text(hit, place, &written.who[&index], out)
            }
            OutputFormat::Jsonl => {
                if !written.records.contains_key(&index) {
                    let record = Record::new(hit.indicator, hit.contexts(), self.now);
                    let record = serde_json::to_string(&record)?;
                    written.room(record.len());
                    written.records.insert(index, record.into());
                }
                jsonl(hit, place, &written.records[&index], out)
            }
            OutputFormat::Csv => csv_record(csv_cells(hit, place).into_iter(), out),
            OutputFormat::Ecs => json_line(&ecs(hit, place), out),
        }
    }

    fn text(&self, hit: &HitView<'_, '_>, place: &Place<'_>, who: &str, out: &mut Vec<u8>) -> io::Result<()> {
        let paint = |code: &str, text: &str| {
            if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
        };
        let value = show::plain(&defang(hit.kind, hit.value));
        write!(
            out,
            "{}:{}: {} [{}] {}",
            paint("35", &show::plain(place.path)),
            paint("32", &place.line.to_string()),
            paint("1;31", &value),
            hit.relation,
            who
        )?;
        if hit.relation != Relation::Exact && hit.indicator.value() != hit.value {
            let listed = show::plain(&defang(hit.indicator.kind(), hit.indicator.value()));
            write!(out, " {}", paint("2", &format!("(listed: {listed})")))?;
        }
        if let Some(field) = hit.field() {
            write!(out, " {}", paint("2", &format!("(in {})", show::plain(field))))?;
        }
        if let Some(seen) = place.seen {
            write!(out, " (seen {}", show::count(seen.count, "time"))?;
            if let Some((first, last)) = seen.times {
                write!(out, ", {first} to {last}")?;
            }
            write!(out, ")")?;
        }
        for guard in hit.guards() {
            write!(
                out,
                " {}",
                paint("33", &format!("(doubtful: {}, {})", guard.rule, show::plain(&guard.source)))
            )?;
        }
        writeln!(out)?;
        if let Some(line) = place.line_text {
            writeln!(out, "    {}", show::bytes(line))?;
        }
        Ok(())
    }
}

/// `feed, labels; feed, labels`, three at the most.
pub(crate) fn who<'c>(contexts: impl Iterator<Item = &'c Context>) -> String {
    let mut said: Vec<String> = Vec::new();
    for context in contexts {
        let mut parts = vec![show::plain(context.feed.as_deref().unwrap_or("unnamed feed"))];
        parts.extend(context.role.map(|r| r.name().to_string()));
        parts.extend(context.threat.iter().map(|t| show::plain(t)));
        parts.extend(context.labels.iter().take(6).map(|l| show::plain(l)));
        if context.threat.is_none() && context.labels.is_empty() {
            parts.extend(context.description.iter().map(|d| shortened(d, 60)));
        }
        let part = parts.join(", ");
        if !said.contains(&part) {
            said.push(part);
        }
    }
    let more = said.len().saturating_sub(3);
    said.truncate(3);
    let mut text = said.join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

fn shortened(text: &str, length: usize) -> String {
    let short: String = text.chars().take(length).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", show::plain(&short))
}

/// One hit as a JSON line: by hand, because where hits are many nothing else takes as long.
fn jsonl(hit: &HitView<'_, '_>, place: &Place<'_>, record: &str, out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(b"{\"path\":");
    json_text(place.path, out)?;
    for (name, number) in
        [(&b",\"line\":"[..], place.line), (b",\"start\":", place.span.0), (b",\"end\":", place.span.1)]
    {
        out.extend_from_slice(name);
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
    out.extend_from_slice(b",\"kind\":");
    json_text(hit.kind.name(), out)?;
    out.extend_from_slice(b",\"value\":");
    json_text(hit.value, out)?;
    out.extend_from_slice(b",\"raw\":");
    json_bytes(place.raw, out)?;
    out.extend_from_slice(b",\"relation\":");
    json_text(hit.relation.name(), out)?;
    out.extend_from_slice(b",\"indicator\":");
    out.extend_from_slice(record.as_bytes());
    if !hit.guards().is_empty() {
        out.extend_from_slice(b",\"guard\":");
        serde_json::to_writer(&mut *out, hit.guards())?;
    }
    if let Some(field) = hit.field() {
        out.extend_from_slice(b",\"field\":");
        json_text(field, out)?;
    }
    if let Some(via) = place.via {
        out.extend_from_slice(b",\"via\":");
        json_text(via, out)?;
    }
    if let Some(line) = place.line_text {
        out.extend_from_slice(b",\"line_text\":");
        json_bytes(line, out)?;
    }
    if let Some(seen) = place.seen {
        if let Some((first, last)) = seen.times {
            write!(out, ",\"first\":\"{first}\",\"last\":\"{last}\"")?;
        }
        write!(out, ",\"count\":{}", seen.count)?;
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn json_text(text: &str, out: &mut Vec<u8>) -> io::Result<()> {
    // No early end: so the bytes are looked at many at once.
    let escapes =
        text.bytes().fold(false, |any, byte| any | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
    if escapes {
        return Ok(serde_json::to_writer(out, text)?);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

fn json_bytes(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) => json_text(text, out),
        Err(_) => Ok(serde_json::to_writer(out, &Raw(bytes))?),
    }
}

pub(crate) fn json_line<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.push(b'\n');
    Ok(())
}

/// The distinct things that contexts say of a field, in order.
fn distinct<'c>(items: impl Iterator<Item = Cow<'c, str>>) -> String {
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen.join("|")
}

fn csv_cells<'h>(hit: &HitView<'h, '_>, place: &Place<'_>) -> Vec<Cow<'static, str>> {
    let contexts: Vec<&Context> = hit.contexts().collect();
    let (first, last) = place.times();
    let text = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    [
        place.path.to_string(),
        place.line.to_string(),
        place.span.0.to_string(),
        place.span.1.to_string(),
        hit.kind.to_string(),
        hit.value.to_string(),
        show::bytes(place.raw),
        hit.relation.to_string(),
        hit.indicator.kind().to_string(),
        hit.indicator.value().to_string(),
        hit.indicator.match_().to_string(),
        distinct(contexts.iter().filter_map(|c| c.feed.as_deref().map(Cow::Borrowed))),
        distinct(contexts.iter().flat_map(|c| c.labels.iter().map(|l| Cow::Borrowed(l.as_str())))),
        contexts.iter().filter_map(|c| c.tlp).max().map(|t| t.name().to_string()).unwrap_or_default(),
        distinct(hit.guards().iter().map(|g| Cow::Borrowed(&*g.rule))),
        text(first),
        text(last),
        place.seen.map(|seen| seen.count.to_string()).unwrap_or_default(),
        hit.field().unwrap_or_default().to_string(),
    ]
    .into_iter()
    .map(Cow::Owned)
    .collect()
}

/// The Elastic Common Schema's `threat.enrichments` of one hit.
fn ecs(hit: &HitView<'_, '_>, place: &Place<'_>) -> Value {
    let indicator = hit.indicator;
    let (type_, field) = match indicator.kind() {
        Kind::Ipv4 => ("ipv4-addr", json!({ "ip": indicator.value() })),
        Kind::Ipv6 => ("ipv6-addr", json!({ "ip": indicator.value() })),
        Kind::Cidr | Kind::IpRange => ("ipv4-addr", json!({ "name": indicator.value() })),
        Kind::Domain => ("domain-name", json!({ "url": { "domain": indicator.value() } })),
        Kind::Url => ("url", json!({ "url": { "full": indicator.value() } })),
        Kind::Email => ("email-addr", json!({ "email": { "address": indicator.value() } })),
        Kind::Asn => {
            let number = indicator.value().trim_start_matches("AS").parse::<u32>().ok();
            ("autonomous-system", json!({ "as": { "number": number } }))
        }
        Kind::Mac => ("mac-addr", json!({ "name": indicator.value() })),
        Kind::Endpoint => {
            let (host, port) = indicator.value().rsplit_once(':').unwrap_or((indicator.value(), ""));
            ("ipv4-addr", json!({ "name": host, "port": port.parse::<u16>().ok() }))
        }
        kind if matches!(kind.number(), 11..=19) => {
            ("file", json!({ "file": { "hash": { kind.name(): indicator.value() } } }))
        }
        _ => ("artifact", json!({ "name": indicator.value() })),
    };
    let mut listed = json!({ "type": type_ });
    merge(&mut listed, field);
    let mut enrichments = Vec::new();
    for context in hit.contexts() {
        let mut one = listed.clone();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                one[name] = value;
            }
        };
        set("provider", context.producer.clone().or_else(|| context.feed.clone()).map(Value::from));
        set("first_seen", context.first_seen.map(|t| t.to_string().into()));
        set("last_seen", context.last_seen.map(|t| t.to_string().into()));
        set("description", context.description.clone().map(Value::from));
        set("reference", context.references.first().cloned().map(Value::from));
        set("marking", context.tlp.map(|t| json!({ "tlp": t.name().to_ascii_uppercase() })));
        set("sightings", place.seen.map(|seen| seen.count.into()));
        set(
            "confidence",
            context.confidence.as_ref().map(|c| match c.as_percent() {
                p if p >= 70.0 => "High".into(),
                p if p >= 30.0 => "Medium".into(),
                _ => "Low".into(),
            }),
        );
        enrichments.push(json!({
            "indicator": one,
            "matched": { "atomic": hit.value, "field": hit.field().unwrap_or("message"), "type": "indicator_match_rule" },
            "feed": { "name": context.feed },
        }));
    }
    let mut labels = vec![hit.relation.name().to_string()];
    labels.extend(hit.guards().iter().map(|g| format!("guard:{}", g.rule)));
    let mut event = json!({ "kind": "enrichment", "category": ["threat"], "type": ["indicator"] });
    if let (Some(first), Some(last)) = place.times() {
        (event["start"], event["end"]) = (first.to_string().into(), last.to_string().into());
    }
    json!({
        "event": event,
        "log": { "file": { "path": place.path }, "offset": place.span.0 },
        "threat": { "enrichments": enrichments },
        "tags": labels,
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
