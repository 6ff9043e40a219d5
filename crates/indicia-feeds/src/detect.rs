//! Which format a file has: by content first, its name as a hint.
//!
//! Documents are told by their first keys or elements, text by a vote of its first lines. A format that is only
//! recognised is named all the same, so that a zone file is reported as such and not misread as a list.

use std::borrow::Cow;

use crate::Format;
use crate::lines;
use crate::plain::{is_comment, split_comment, trim};
use crate::rows::Layout;

/// The number of first bytes that [`detect`] wants to see; fewer are enough for a shorter file.
pub const HEAD_BYTES: usize = 64 * 1024;
/// The lines that vote.
const MAX_VOTES: usize = 400;

/// Finds out the format of a file from its first bytes (decompressed) and its name, which may be empty.
/// `None`: text of no known format.
///
/// ```
/// use indicia_feeds::{Format, detect};
/// assert_eq!(detect("list.txt", b"evil.example\n192.0.2.7\n"), Some(Format::Plain));
/// assert_eq!(detect("x", b"0.0.0.0 evil.example\n"), Some(Format::Hosts));
/// assert_eq!(detect("x.txt", b"||evil.example^\n"), Some(Format::Adblock));
/// ```
pub fn detect(name: &str, head: &[u8]) -> Option<Format> {
    let name = Name::new(name);
    if let Some(format) = binary(head) {
        return Some(format);
    }
    let text = decode(head);
    if text.chars().take(4096).filter(|c| c.is_control() && !c.is_whitespace()).count() > 64 {
        return Some(Format::Binary);
    }
    let body = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if body.is_empty() {
        return Some(name.hint().unwrap_or(Format::Plain));
    }
    if body.starts_with('{') || json_list(body) {
        return Some(json(body, &name));
    }
    if body.starts_with('<') {
        return Some(xml(body));
    }
    if matches!(name.extension(), "adoc" | "asciidoc" | "md" | "markdown" | "rst" | "pdf" | "docx") {
        return Some(Format::Prose);
    }
    if matches!(
        name.extension(),
        "py" | "sh" | "js" | "pl" | "rb" | "go" | "rs" | "c" | "h" | "ps1" | "vbs" | "log"
    ) {
        return Some(Format::Text);
    }
    if matches!(name.extension(), "yar" | "yara") {
        return Some(Format::Yara);
    }
    lines_of(&text, &name)
}

/// A file's name as a hint.
struct Name {
    file: String,
}

impl Name {
    fn new(name: &str) -> Name {
        let file = name.rsplit(['/', '\\', '!']).next().unwrap_or_default().to_ascii_lowercase();
        let bare = [".gz", ".zst", ".xz", ".bz2"].iter().find_map(|end| file.strip_suffix(end));
        Name { file: bare.map(Into::into).unwrap_or(file) }
    }

    fn extension(&self) -> &str {
        self.file.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    fn has(&self, part: &str) -> bool {
        self.file.contains(part)
    }

    fn hint(&self) -> Option<Format> {
        match self.extension() {
            "csv" | "tsv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            "stix" | "stix2" => Some(Format::Stix),
            "intel" => Some(Format::Zeek),
            _ if self.file == "hosts" => Some(Format::Hosts),
            _ => None,
        }
    }
}

fn binary(head: &[u8]) -> Option<Format> {
    let pcap: [&[u8]; 5] = [
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\xc3\xd4",
        b"\x4d\x3c\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"\x0a\x0d\x0d\x0a",
    ];
    let other: [&[u8]; 16] = [
        b"\x89PNG",
        b"GIF8",
        b"\xff\xd8\xff",
        b"%PDF-",
        b"\x7fELF",
        b"MZ\x90",
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"\xfd7zXZ",
        b"BZh",
        b"Rar!",
        b"7z\xbc\xaf",
        b"SQLite format 3",
        b"\xd0\xcf\x11\xe0",
        b"RIFF",
    ];
    if pcap.iter().any(|magic| head.starts_with(magic)) {
        Some(Format::Pcap)
    } else if other.iter().any(|magic| head.starts_with(magic)) {
        Some(Format::Binary)
    } else {
        None
    }
}

fn decode(head: &[u8]) -> Cow<'_, str> {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let (encoding, mark) = lines::encoding(head);
    if encoding != encoding_rs::UTF_8 {
        return encoding.decode_without_bom_handling(&head[mark..]).0.into_owned().into();
    }
    let body = &head[mark..];
    match std::str::from_utf8(body) {
        Ok(text) => text.into(),
        // The end may be cut inside a character.
        Err(e) if e.error_len().is_none() => {
            String::from_utf8_lossy(&body[..e.valid_up_to()]).into_owned().into()
        }
        Err(_) => lines::decode(body).0,
    }
}

/// Whether a text that may begin with `[` is a JSON list and not an IPv6 endpoint or a STIX pattern.
fn json_list(body: &str) -> bool {
    body.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', '"', '[', ']']))
}

fn json(body: &str, name: &Name) -> Format {
    let keys = first_keys(body);
    let has = |key: &str| keys.iter().any(|(depth, k, _)| *depth == 1 && k == key);
    let anywhere = |key: &str| keys.iter().any(|(_, k, _)| k == key);
    let type_ =
        keys.iter().find(|(depth, k, _)| *depth == 1 && k == "type").and_then(|(_, _, v)| v.as_deref());
    if type_ == Some("bundle") || (has("objects") && (has("more") || anywhere("spec_version"))) {
        return Format::Stix;
    }
    if has("target") && (has("contexts") || anywhere("kind")) || (has("kind") && has("value")) {
        return Format::Jsonl;
    }
    let stix_id = keys
        .iter()
        .any(|(depth, k, v)| *depth == 1 && k == "id" && v.as_ref().is_some_and(|v| v.contains("--")));
    if type_.is_some() && stix_id {
        return Format::Stix;
    }
    if has("matching_attributes") || (has("list") && has("version") && has("name")) {
        return Format::MispWarninglist;
    }
    if has("Event") || (has("response") && ["Event", "Attribute", "Object"].iter().any(|k| anywhere(k))) {
        return Format::Misp;
    }
    if (has("Attribute") || has("Object")) || (has("type") && has("category") && has("value")) {
        return Format::Misp;
    }
    let manifest = keys.iter().any(|(depth, k, _)| *depth == 2 && k == "Orgc") && anywhere("threat_level_id");
    if manifest {
        return Format::MispManifest;
    }
    if anywhere("ioc") || anywhere("ioc_value") || has("iocs") {
        return Format::Threatfox;
    }
    if anywhere("urlhaus_link") || anywhere("urlhaus_reference") {
        return Format::Urlhaus;
    }
    if anywhere("sha3_384_hash") || (anywhere("sha256_hash") && anywhere("reporter")) {
        return Format::Malwarebazaar;
    }
    if anywhere("mask") && (anywhere("type") || anywhere("MD5")) {
        return Format::Kaspersky;
    }
    match name.hint() {
        Some(Format::Stix) => Format::Stix,
        _ => Format::Json,
    }
}

/// The keys of the first objects with their depth (lists do not count) and short string values, as far as the
/// head goes.
fn first_keys(body: &str) -> Vec<(usize, String, Option<String>)> {
    let bytes = body.as_bytes();
    let mut keys: Vec<(usize, String, Option<String>)> = Vec::new();
    let mut stack: Vec<u8> = Vec::new();
    let mut at = 0;
    let mut pending: Option<String> = None;
    while at < bytes.len() && keys.len() < 2000 && stack.len() < 64 {
        match bytes[at] {
            open @ (b'{' | b'[') => {
                stack.push(open);
                pending = None;
            }
            b'}' | b']' => {
                stack.pop();
            }
            b'"' => {
                let Some(end) = string_end(bytes, at) else { break };
                let text = body.get(at + 1..end).unwrap_or_default();
                let after = bytes[end + 1..].iter().find(|b| !b.is_ascii_whitespace());
                if after == Some(&b':') && stack.last() == Some(&b'{') {
                    let depth = stack.iter().filter(|b| **b == b'{').count();
                    keys.push((depth, text.chars().take(64).collect(), None));
                    pending = Some(String::new());
                } else if pending.take().is_some()
                    && let Some((_, _, value)) = keys.last_mut()
                {
                    *value = Some(text.chars().take(64).collect());
                }
                at = end;
            }
            b',' => pending = None,
            _ => {}
        }
        at += 1;
    }
    keys
}

fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
}

fn xml(body: &str) -> Format {
    let has = |part: &str| body.contains(part);
    if has("STIX_Package") || has("http://stix.mitre.org/") {
        Format::Stix1
    } else if has("schemas.mandiant.com") || has("<ioc ") || has("openioc") || has("OpenIOC") {
        Format::Openioc
    } else if body.get(..512.min(body.len())).unwrap_or(body).to_ascii_lowercase().contains("<html") {
        Format::Html
    } else {
        Format::Xml
    }
}

/// What the lines of a text look like.
#[derive(Default)]
struct Votes {
    data: usize,
    hosts: usize,
    adblock: usize,
    dnsmasq: usize,
    unbound: usize,
    rpz: usize,
    bind: usize,
    suricata: usize,
    snort: usize,
    iprep: usize,
    hash_pairs: usize,
    patterns: usize,
    dnscrypt: usize,
    semicolons: usize,
    rule_words: usize,
    /// One token, or a value with a count or a comment.
    single: usize,
    /// Several words.
    words: usize,
}

fn lines_of(text: &str, name: &Name) -> Option<Format> {
    let mut votes = Votes::default();
    let mut comments = String::new();
    let mut data: Vec<&str> = Vec::new();
    let complete = text.len() < HEAD_BYTES - 4;
    let mut all: Vec<&str> = text.lines().collect();
    // The last line may be cut.
    if !complete && all.len() > 1 {
        all.pop();
    }
    for line in all {
        let line = trim(line);
        if let Some(fields) = line.strip_prefix("#fields") {
            let intel = fields.split('\t').any(|f| trim(f) == "indicator");
            return Some(if intel { Format::Zeek } else { Format::Text });
        }
        if line.starts_with("[Adblock") {
            return Some(Format::Adblock);
        }
        if line == "msFilterList" {
            return Some(Format::Tpl);
        }
        if line.is_empty() {
            continue;
        }
        // `##` hides elements in filter lists and heads sections in plain ones; `#` and `!` are comments in both.
        if is_comment(line) {
            if comments.len() < 8192 {
                comments.push_str(line);
                comments.push('\n');
            }
            continue;
        }
        if data.len() < MAX_VOTES {
            votes.line(line);
            data.push(line);
        }
    }
    if data.is_empty() {
        return Some(name.hint().unwrap_or(Format::Plain));
    }
    let most = |count: usize| count * 2 > votes.data;
    for (count, format) in [
        (votes.adblock, Format::Adblock),
        (votes.dnsmasq, Format::Dnsmasq),
        (votes.unbound, Format::Unbound),
        (votes.bind, Format::BindZone),
        (votes.rpz, Format::Rpz),
        (votes.patterns, Format::StixPattern),
        (votes.hosts, Format::Hosts),
    ] {
        if most(count) {
            return Some(format);
        }
    }
    if most(votes.suricata + votes.snort) {
        let says_snort = name.has("snort") || (votes.suricata == 0 && !name.has("suricata"));
        return Some(if says_snort { Format::Snort } else { Format::SuricataRules });
    }
    if votes.rule_words >= 3 && (text.contains("condition:") || text.contains("strings:")) {
        return Some(Format::Yara);
    }
    if votes.iprep == votes.data {
        return Some(Format::Iprep);
    }
    if votes.hash_pairs == votes.data {
        return Some(Format::MispHashes);
    }
    if comments.contains("LOKI")
        || comments.contains("THOR APT")
        || (name.has("iocs") && most(votes.semicolons))
    {
        return Some(Format::Loki);
    }
    if name.has("dnscrypt") || (votes.dnscrypt > 0 && most(votes.dnscrypt)) {
        return Some(Format::Dnscrypt);
    }
    if let Some(format) = delimited(&data, &comments, name) {
        return Some(format);
    }
    if most(votes.words) {
        return if name.hint() == Some(Format::Csv) { Some(Format::Csv) } else { Some(Format::Prose) };
    }
    if name.extension() == "lst" && data.iter().all(|line| is_base64(line)) {
        return Some(Format::SuricataDataset);
    }
    if most(votes.single) { Some(Format::Plain) } else { name.hint() }
}

impl Votes {
    fn line(&mut self, line: &str) {
        self.data += 1;
        let mut tokens = line.split_whitespace();
        let first = tokens.next().unwrap_or_default();
        let second = tokens.next();
        let keyword = first.trim_end_matches(':');
        if crate::hosts::is_sink(first) && second.is_some() {
            self.hosts += 1;
        }
        if line.starts_with("||") || line.starts_with("@@||") || line.starts_with("##") || line.contains("^$")
        {
            self.adblock += 1;
        }
        if ["address=/", "server=/", "local=/", "ipset=/"].iter().any(|start| line.starts_with(start)) {
            self.dnsmasq += 1;
        }
        if matches!(keyword, "local-zone" | "local-data" | "server") && first.ends_with(':') {
            self.unbound += 1;
        }
        if line.starts_with("zone \"") {
            self.bind += 1;
        }
        let upper = line.to_ascii_uppercase();
        if upper.ends_with(" CNAME .")
            || upper.ends_with(" CNAME *.")
            || upper.contains(" CNAME RPZ-")
            || upper.contains(" IN CNAME ")
            || upper.starts_with("$TTL")
            || upper.contains(" SOA ")
            || upper.trim_start().starts_with("NS ")
        {
            self.rpz += 1;
        }
        let rule = matches!(first, "alert" | "drop" | "reject" | "pass" | "log" | "block" | "sdrop")
            && line.contains('(')
            && (line.contains("->") || line.contains("<>") || line.contains("msg:"));
        if rule {
            let dotted =
                ["http.", "dns.query", "dns_query", "tls.", "tls_", "bsize:", "dotprefix", "file.", "ja3."];
            if dotted.iter().any(|word| line.contains(word)) {
                self.suricata += 1;
            } else {
                self.snort += 1;
            }
        }
        if matches!(keyword, "rule" | "strings" | "condition" | "meta" | "import" | "}" | "{") {
            self.rule_words += 1;
        }
        let cells: Vec<&str> = line.split(',').collect();
        if let [address, category, score] = cells.as_slice()
            && address.parse::<std::net::IpAddr>().is_ok()
            && category.trim().parse::<u8>().is_ok_and(|c| (1..=60).contains(&c))
            && score.trim().parse::<u8>().is_ok_and(|s| s <= 127)
        {
            self.iprep += 1;
        }
        if let [hash, uuid] = cells.as_slice()
            && hash.len() == 32
            && hash.bytes().all(|b| b.is_ascii_hexdigit())
            && uuid.len() == 36
            && uuid.matches('-').count() == 4
        {
            self.hash_pairs += 1;
        }
        if line.starts_with('[')
            && line.contains(':')
            && (line.contains('=') || line.contains(" IN "))
            && line.ends_with([']', 'S', 'Z', '\''])
        {
            self.patterns += 1;
        }
        if line.starts_with('=') || (line.ends_with('*') && !line.contains('/')) {
            self.dnscrypt += 1;
        }
        if line.contains(';') {
            self.semicolons += 1;
        }
        let (value, _) = split_comment(line);
        let words = value.split_whitespace().count();
        let counted = words == 2
            && value.split_whitespace().nth(1).is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()));
        if words <= 1 || counted || value.starts_with('/') {
            self.single += 1;
        } else if words >= 3 {
            self.words += 1;
        }
    }
}

/// CSV and the abuse.ch dumps.
fn delimited(data: &[&str], comments: &str, name: &Name) -> Option<Format> {
    let abuse = |comments: &str| {
        if !comments.contains("abuse.ch") {
            return None;
        }
        let what = [
            ("URLhaus", Format::Urlhaus),
            ("ThreatFox", Format::Threatfox),
            ("MalwareBazaar", Format::Malwarebazaar),
            ("Feodo", Format::Feodo),
        ];
        what.into_iter().find(|(word, _)| comments.contains(word)).map(|(_, format)| format)
    };
    let data: Vec<&str> = data.iter().map(|line| split_comment(line).0).collect();
    for delimiter in [',', '\t', ';', '|'] {
        let counts: Vec<usize> = data.iter().take(50).map(|line| line.matches(delimiter).count()).collect();
        let with = counts.iter().filter(|count| **count > 0).count();
        if with * 10 < counts.len() * 8 {
            continue;
        }
        // A value with a count, or a value and a remark, is still a list.
        let counted = |line: &&str| {
            let mut cells = line.split(delimiter);
            let last = cells.nth(1).map(trim);
            cells.next().is_none() && last.is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
        };
        if delimiter == '\t' && data.iter().all(counted) {
            continue;
        }
        let header = |line: &str| {
            let cells: Vec<String> =
                line.split(delimiter).map(|cell| cell.trim().trim_matches('"').trim().to_string()).collect();
            cells.len() > 1 && Layout::is_header(&cells)
        };
        let commented = comments.lines().rev().any(|c| header(c.trim_start_matches(['#', ' '])));
        if commented && let Some(format) = abuse(comments) {
            return Some(format);
        }
        let first_value = |line: &&str| {
            let cell = line
                .split(delimiter)
                .map(|c| c.trim().trim_matches('"'))
                .find(|cell| crate::rows::parses(cell, &crate::ReadOptions::default()));
            cell.is_some()
        };
        let mode =
            counts.iter().copied().max_by_key(|c| counts.iter().filter(|d| *d == c).count()).unwrap_or(0);
        let even = counts.iter().filter(|c| **c == mode).count() * 10 >= counts.len() * 7;
        let valued = data.iter().take(50).filter(|line| first_value(line)).count();
        let quoted = data.iter().take(50).filter(|line| line.starts_with('"')).count() * 2 > counts.len();
        let named = name.hint() == Some(Format::Csv);
        if commented || header(data[0]) || ((even || quoted || named) && valued * 2 > counts.len().min(50)) {
            return Some(Format::Csv);
        }
        if named && even {
            return Some(Format::Csv);
        }
    }
    // One column with a header, or a file that says what it is.
    let single =
        name.hint() == Some(Format::Csv) && Layout::is_header(&[data[0].trim_matches('"').to_string()]);
    single.then_some(Format::Csv)
}

fn is_base64(line: &str) -> bool {
    let line = line.split(',').next().unwrap_or_default();
    line.len() >= 8
        && line.len().is_multiple_of(4)
        && line.trim_end_matches('=').bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}
