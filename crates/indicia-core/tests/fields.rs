//! Scans and extractions of records: what stands in which field, and what several fields hold together.
//!
//! Random lines of all formats are written from parts that are known, so what must be found is known too. The scan reads
//! only lines that can matter; beside a value that no text holds, every line is read, and the answer must be the same.
//!
//! `INDICIA_FIELDS_RECORDS` says how many lines are tried, `INDICIA_FIELDS_SEED` with which seed.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use indicia_core::fields::{Header, each_field};
use indicia_core::{
    BuildOptions, Context, ExtractOptions, Indicator, IndicatorSet, Kind, Level, Observable, ScanOptions,
    Scratch, SetBuilder, Stream, Target, extract,
};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of<'l, T: ?Sized>(&mut self, list: &[&'l T]) -> &'l T {
        list[self.below(list.len())]
    }
}

const HOSTS: [&str; 6] =
    ["bad.example", "cdn.bad.example", "good.example", "192.0.2.7", "198.51.100.9", "evil.test"];
const ADDRESSES: [&str; 4] = ["192.0.2.7", "198.51.100.9", "2001:db8::7", "203.0.113.5"];
const PATHS: [&str; 5] = ["/", "/a", "/a?b=c", "/login.php", "/x/y"];
const PORTS: [&str; 5] = ["80", "443", "8080", "4444", "53"];
const PRINTS: [&str; 2] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];

const LISTED: [(Kind, &str); 10] = [
    (Kind::Domain, "evil.test"),
    (Kind::Ipv4, "203.0.113.5"),
    (Kind::Url, "http://bad.example/a"),
    (Kind::Url, "http://192.0.2.7:8080/login.php"),
    (Kind::Url, "cdn.bad.example/x/y"),
    (Kind::Endpoint, "192.0.2.7:4444"),
    (Kind::Endpoint, "[2001:db8::7]:8080"),
    (Kind::Endpoint, "bad.example:4444"),
    (Kind::Url, "http://198.51.100.9:4444/a?b=c"),
    (Kind::Endpoint, "198.51.100.9:53"),
];

fn set(listed: &[(Kind, &str)]) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    for (kind, value) in listed {
        let observable = Observable::parse_as(*kind, value).unwrap();
        builder.push(Indicator::new(Target::new(observable), Context::default()));
    }
    builder.finish()
}

fn fields_on() -> ScanOptions {
    ScanOptions { fields: true, ..ScanOptions::default() }
}

type Found = (usize, usize, Kind, String, Option<String>);

fn hits(set: &IndicatorSet, data: &str, options: &ScanOptions, scratch: &mut Scratch) -> Vec<Found> {
    let mut found = Vec::new();
    let _ = set.scan_with(data.as_bytes(), options, scratch, &mut |hit| {
        found.push((
            hit.start,
            hit.end,
            hit.kind,
            hit.indicator.value().to_string(),
            hit.field().map(str::to_string),
        ));
        ControlFlow::Continue(())
    });
    found
}

/// A connection that asks for a URL.
struct Event {
    source: (&'static str, &'static str),
    destination: (&'static str, &'static str),
    host: &'static str,
    uri: &'static str,
    print: &'static str,
}

impl Event {
    fn new(random: &mut Random) -> Event {
        Event {
            source: (random.of(&ADDRESSES), random.of(&PORTS)),
            destination: (random.of(&ADDRESSES), random.of(&PORTS)),
            host: random.of(&HOSTS),
            uri: random.of(&PATHS),
            print: random.of(&PRINTS),
        }
    }

    /// A line of some format, with what stands above it where the columns have names, and how URLs there are joined:
    /// with the port of the destination, or without one.
    fn line(&self, random: &mut Random) -> (String, bool) {
        let Event { source: (src, sport), destination: (dst, dport), host, uri, print } = self;
        let space = random.of(&["", " "]);
        match random.below(6) {
            0 => (
                format!(
                    "{{\"src_ip\":{space}\"{src}\",\"src_port\":{sport},\"dest_ip\":\"{dst}\",\"dest_port\":{space}{dport},\
                     \"http\":{{\"hostname\":\"{host}\",\"url\":\"{}\"}},\"tls\":{{\"ja3\":{{\"hash\":\"{print}\"}}}}}}\n",
                    uri.replace('/', random.of(&["/", "\\/"]))
                ),
                false,
            ),
            1 => (
                format!(
                    "#fields\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\thost\turi\tja3\n\
                     {src}\t{sport}\t{dst}\t{dport}\t{host}\t{uri}\t{print}\n"
                ),
                true,
            ),
            2 => (
                format!(
                    "Jan  1 app: {{\"source.ip\":\"{src}\",\"source.port\":{sport},\"destination\":{{\"ip\":\"{dst}\",\
                     \"port\":{dport}}},\"url.domain\":\"{host}\",\"url.path\":\"{}\",\"url.query\":\"{}\",\
                     \"tls.client.ja3\":\"{print}\"}}\n",
                    uri.split('?').next().unwrap(),
                    uri.split('?').nth(1).unwrap_or_default()
                ),
                false,
            ),
            3 => (
                format!(
                    "#Fields: c-ip c-port s-ip s-port cs-host cs-uri-stem cs-uri-query ja3\n\
                     {src} {sport} {dst} {dport} {host} {} {} {print}\n",
                    uri.split('?').next().unwrap(),
                    uri.split('?').nth(1).unwrap_or("-")
                ),
                true,
            ),
            4 => (
                format!("CEF:0|V|P|1|1|N|5|src={src} spt={sport} dst={dst} dpt={dport} msg=nothing of it\n"),
                false,
            ),
            _ => (format!("{src} {sport} {dst} {dport} {host} {uri} {print}\n"), false),
        }
    }
}

/// What must be found of an event in the fields of its line, beside what stands there in one piece.
fn joined(event: &Event, line: &str, with_port: bool) -> Vec<(Kind, &'static str)> {
    let text = line.lines().last().unwrap();
    let mut found = Vec::new();
    if !text.starts_with(['{', 'J', 'C']) && !line.starts_with('#') {
        return found;
    }
    let ends = [event.source, event.destination];
    for (address, port) in ends {
        let one =
            if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
        found.extend(LISTED.iter().filter(|(kind, value)| *kind == Kind::Endpoint && *value == one));
    }
    found.sort_unstable();
    if text.starts_with('C') {
        return found;
    }
    let suricata_or_zeek = text.starts_with('{') || line.starts_with("#fields");
    if suricata_or_zeek {
        let one = format!("{}:{}", event.host, event.destination.1);
        found.extend(LISTED.iter().filter(|(kind, value)| *kind == Kind::Endpoint && *value == one));
    }
    let port = match event.destination.1 {
        "80" | "443" => String::new(),
        port => format!(":{port}"),
    };
    let url = format!("{}{}{}", event.host, if with_port { &port } else { "" }, event.uri);
    found.extend(
        LISTED
            .iter()
            .filter(|(kind, value)| *kind == Kind::Url && value.trim_start_matches("http://") == url),
    );
    found.sort_unstable();
    found
}

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn records_hold_what_was_written_into_them() {
    let mut random = Random(from_env("INDICIA_FIELDS_SEED", 1) | 1 << 40);
    let plain = set(&LISTED);
    // With a kind that only a name tells, every line is read.
    let all = set(&[&LISTED[..], &[(Kind::Mutex, "no such thing")]].concat());
    let options = fields_on();
    let mut scratches: Vec<_> = Level::available().map(|level| (level, Scratch::with_level(level))).collect();
    let (mut data, mut count) = (String::new(), 0);
    for _ in 0..from_env("INDICIA_FIELDS_RECORDS", 4_000) {
        let event = Event::new(&mut random);
        let (line, with_port) = event.line(&mut random);
        let expected = joined(&event, &line, with_port);
        let found = hits(&plain, &line, &options, &mut Scratch::default());
        let mut put: Vec<(Kind, &str)> = (found.iter())
            .filter(|(_, _, kind, _, field)| {
                matches!(kind, Kind::Url | Kind::Endpoint) && field.as_ref().is_some_and(|f| f.contains('+'))
            })
            .map(|(_, _, kind, value, _)| (*kind, value.as_str()))
            .collect();
        put.sort_unstable();
        assert_eq!(put, expected, "{line}");
        count += expected.len();
        data.push_str(&line);
    }
    assert!(count > 200, "{count}");

    let expected = hits(&plain, &data, &options, &mut Scratch::default());
    for (level, scratch) in &mut scratches {
        assert_eq!(hits(&plain, &data, &options, scratch), expected, "{level:?}");
        assert_eq!(hits(&all, &data, &options, scratch), expected, "{level:?}, every line");
    }
    let without = hits(&plain, &data, &ScanOptions::default(), &mut Scratch::default());
    let in_text =
        expected.iter().filter(|hit| hit.4.as_ref().is_none_or(|field| !field.contains('+'))).count();
    assert_eq!(without.len(), in_text);

    // In pieces.
    for _ in 0..8 {
        let (mut stream, mut found) = (Stream::new(), Vec::new());
        let mut scratch = Scratch::default();
        let mut keep = |hit: &indicia_core::HitView<'_, '_>| {
            let field = hit.field().map(str::to_string);
            found.push((hit.start, hit.end, hit.kind, hit.indicator.value().to_string(), field));
            ControlFlow::Continue(())
        };
        let mut rest = data.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(1 + random.below(200_000)));
            let _ = stream.feed(&plain, piece, &options, &mut scratch, &mut keep);
            rest = behind;
        }
        let _ = stream.finish(&plain, &options, &mut scratch, &mut keep);
        assert_eq!(found, expected);
        assert_eq!(scratch.limits_reached(), 0);
    }
}

#[test]
fn each_hit_stands_in_its_field() {
    let mut random = Random(from_env("INDICIA_FIELDS_SEED", 7) | 1 << 41);
    let set = set(&LISTED);
    let (mut data, mut header) = (String::new(), Header::default());
    for _ in 0..2_000 {
        let (line, _) = Event::new(&mut random).line(&mut random);
        for hit in hits(&set, &line, &fields_on(), &mut Scratch::default()) {
            let (mut names, mut at) = (Vec::new(), 0);
            for part in line.split_inclusive('\n') {
                each_field(part.as_bytes(), &header, &mut |field| {
                    if at + field.span.start <= hit.0 && hit.1 <= at + field.span.end {
                        names.push(field.name.to_string());
                    }
                });
                header.read(part.as_bytes());
                at += part.len();
            }
            assert!(names.len() < 2, "{names:?} {line}");
            let told = hit.4.as_ref().map(|name| name.split('+').map(str::to_string).collect::<Vec<_>>());
            match (names.first(), &told) {
                (None, None) => {}
                (Some(name), Some(told)) => assert!(told.contains(name), "{name} {told:?}"),
                other => panic!("{other:?} {line}"),
            }
            header = Header::default();
        }
        data.push_str(&line);
    }
}

#[test]
fn kinds_that_only_a_name_tells() {
    let set = set(&[(Kind::Ja3, PRINTS[0]), (Kind::UserName, "mallory"), (Kind::Md5, PRINTS[1])]);
    let data = format!(
        "{{\"tls\":{{\"ja3\":{{\"hash\":\"{0}\"}}}},\"user\":{{\"name\":\"Mallory\"}}}}\n\
         {{\"file\":{{\"hash\":\"{0}\"}},\"note\":\"mallory\"}}\n{{\"x\":\"{1}\"}}\n",
        PRINTS[0], PRINTS[1]
    );
    let found = hits(&set, &data, &fields_on(), &mut Scratch::default());
    let shown: Vec<_> =
        found.iter().map(|(_, _, kind, _, field)| (kind.name(), field.as_deref().unwrap())).collect();
    assert_eq!(shown, [("ja3", "tls.ja3.hash"), ("user-name", "user.name"), ("md5", "x")]);
    assert_eq!(hits(&set, &data, &ScanOptions::default(), &mut Scratch::default()).len(), 1);
}

#[test]
fn only_fields_that_are_asked_for_count() {
    let set = set(&LISTED);
    let line = "{\"src_ip\":\"203.0.113.5\",\"dest_ip\":\"203.0.113.5\",\"x\":{\"dest_ip\":\"203.0.113.5\"},\
                \"http\":{\"hostname\":\"bad.example\",\"url\":\"/a\"}}\n203.0.113.5\n";
    let asked = |names: &[&str]| {
        let only_fields = names.iter().map(|name| name.to_string()).collect();
        let options = ScanOptions { only_fields, ..ScanOptions::default() };
        let found = hits(&set, line, &options, &mut Scratch::default());
        found.into_iter().map(|(.., field)| field.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(asked(&["dest_ip"]), ["dest_ip", "x.dest_ip"]);
    assert_eq!(asked(&["SRC_IP", "x.dest_ip"]), ["src_ip", "x.dest_ip"]);
    assert_eq!(asked(&["http.url"]), ["http.hostname+http.url"]);
    assert_eq!(asked(&["ip"]), Vec::<String>::new());
}

#[test]
fn what_a_line_holds_in_one_piece_is_told_there() {
    let set = set(&LISTED);
    let line = "{\"url\":{\"full\":\"http://bad.example/a\",\"domain\":\"bad.example\",\"path\":\"/a\"}}\n";
    let found = hits(&set, line, &fields_on(), &mut Scratch::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].4.as_deref(), Some("url.full"));
}

#[test]
fn extraction_reads_records() {
    let shown = |data: &str, options: &ExtractOptions| {
        let mut out = String::new();
        for e in extract(data.as_bytes(), options) {
            let port = e.port.map(|port| format!(":{port}")).unwrap_or_default();
            writeln!(out, "{} {}{port} {}", e.kind, e.value, e.field.unwrap_or_default()).unwrap();
        }
        out
    };
    let fields = ExtractOptions { fields: true, ..ExtractOptions::default() };
    let eve = format!(
        "{{\"dest_ip\":\"192.0.2.7\",\"dest_port\":443,\"http\":{{\"hostname\":\"bad.example.com\",\"url\":\"/a\"}},\
         \"ja3\":\"{}\",\"message\":\"see http://evil.example.net/x\"}}\n",
        PRINTS[0]
    );
    let expected = format!(
        "ipv4 192.0.2.7:443 dest_ip\nurl bad.example.com/a http.hostname+http.url\nja3 {} ja3\n\
         url http://evil.example.net/x message\n",
        PRINTS[0]
    );
    assert_eq!(shown(&eve, &fields), expected);
    let nested = ExtractOptions { nested: true, ..fields.clone() };
    assert!(
        shown(&eve, &nested).contains("domain bad.example.com:443 http.hostname\n"),
        "{}",
        shown(&eve, &nested)
    );
    let only = ExtractOptions { only_fields: vec!["message".to_string()], ..ExtractOptions::default() };
    assert_eq!(shown(&eve, &only), "url http://evil.example.net/x message\n");
    let addresses = ExtractOptions { kinds: vec![Kind::Ipv4], ..fields };
    assert_eq!(shown(&eve, &addresses), "ipv4 192.0.2.7:443 dest_ip\n");
}

/// A long line is read once, however many hits it has.
#[test]
fn many_hits_in_one_line_take_no_longer() {
    let set = set(&LISTED);
    let element = "{\"dest_ip\":\"203.0.113.5\",\"dest_port\":1,\"http\":{\"hostname\":\"bad.example\",\"url\":\"/a\"}}";
    let line = |n: usize| format!("[{}]\n", vec![element; n].join(","));
    let time = |n: usize| {
        let line = line(n);
        let best = (0..3).map(|_| {
            let start = std::time::Instant::now();
            let found = hits(&set, &line, &fields_on(), &mut Scratch::default()).len();
            assert!(found > n, "{found}");
            start.elapsed()
        });
        best.min().unwrap()
    };
    let (small, large) = (time(2_000), time(16_000));
    assert!(large < small * 8 * 4, "{small:?} {large:?}");
}
