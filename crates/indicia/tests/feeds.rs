//! Feeds read on several threads are what one thread reads: the same indicators in the same order, the same report.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use indicia::feed::{FeedSpec, LoadReport, Loader, Reader};
use indicia::{BuildOptions, Indicator};

fn read(path: &Path, helpers: usize) -> (Vec<Indicator>, LoadReport) {
    let mut indicators = Vec::new();
    let mut sink = |indicator| indicators.push(indicator);
    let mut progress = |_: &str| {};
    let mut reader = Reader::new(&mut sink, &mut progress);
    reader.helpers = helpers;
    reader.read(&FeedSpec { path: path.into(), ..FeedSpec::default() });
    let report = reader.report;
    (indicators, report)
}

fn same(path: &Path) -> (usize, LoadReport) {
    let (expected, report) = read(path, 0);
    for helpers in [1, 3] {
        let (got, other) = read(path, helpers);
        assert_eq!(got.len(), expected.len(), "{} {helpers}", path.display());
        assert!(got == expected, "{} {helpers}", path.display());
        assert_eq!(other.files, report.files, "{} {helpers}", path.display());
        assert_eq!(other.failed, report.failed);
        assert_eq!(other.not_read, report.not_read);
        assert_eq!(other.skipped, report.skipped);
    }
    same_set(path);
    (expected.len(), report)
}

/// The set does not depend on threads either, nor on the memory that a loader has.
fn same_set(path: &Path) {
    let load = |helpers, memory| {
        let mut loader = Loader::new(BuildOptions::default()).helpers(helpers);
        if let Some(bytes) = memory {
            loader.bound_memory(bytes, path.parent().unwrap());
        }
        loader.add(&FeedSpec { path: path.into(), ..FeedSpec::default() });
        loader.finish()
    };
    let (expected, report) = load(0, None);
    for (helpers, memory) in [(1, None), (3, None), (3, Some(1))] {
        let (set, other) = load(helpers, memory);
        assert!(set.as_bytes() == expected.as_bytes(), "{} {helpers} {memory:?}", path.display());
        assert_eq!((other.files, other.build), (report.files.clone(), report.build.clone()));
    }
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

fn csv(rows: u64, odd: u64, random: &mut Random) -> String {
    let mut text = "# a list\nvalue,type,source,description,confidence\n".to_string();
    for n in 0..rows {
        let kind = random.below(odd);
        let _ = match kind {
            0 => writeln!(text, "x{n}.example,domain,a,\"of {} lines\n\nand a quote \"\" in it\",80", n % 5),
            1 => writeln!(text, "x{n}.example,domain,a,\"never closed,80"),
            2 => writeln!(text, "# a comment {n}\n\n"),
            3 => writeln!(text, "not a value {n},domain,,,"),
            4 => writeln!(text, "192.0.2.{},ip,b,\"quoted, here\",high", n % 256),
            5 if n % 40 == 0 => writeln!(text, "x{n}.example,domain,a,\"{}\",", "line\n".repeat(1200)),
            6 => writeln!(text, "x{n}.example,domain,a,caf\u{e9},"),
            _ => writeln!(text, "https://x{n}.example/a,url,c,,{}", n % 100),
        };
    }
    text
}

#[test]
fn large_files_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let mut random = Random(1);
    // Rows over several lines, and quotes that are never closed, at every place of a part; then hardly any.
    for odd in [8, 60, 1000] {
        let (count, report) = same(&file("a.csv", csv(16_000, odd, &mut random).as_bytes()));
        assert!(count > 1_000 && report.total().refused_total() > 0, "{count}");
    }
    let mut latin = csv(16_000, 4000, &mut random).into_bytes();
    latin.extend_from_slice(b"x.example,domain,caf\xe9,,\n");
    same(&file("latin.csv", &latin));
    let plain: String = (0..30_000).map(|n| format!("x{n}.example # {n}\r\n")).collect();
    same(&file("plain.txt", plain.as_bytes()));
    same(&file("mark.txt", format!("\u{feff}{plain}").as_bytes()));
    same(&file("no-end.txt", plain.trim_end().as_bytes()));
    let utf16: Vec<u8> = format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(same(&file("utf16.txt", &utf16)).0, 30_000);
    let hosts: String = (0..10_000).map(|n| format!("0.0.0.0 x{n}.example y{n}.example\n")).collect();
    assert_eq!(same(&file("hosts", hosts.as_bytes())).0, 20_000);
    let records: String = (0..10_000)
        .map(|n| format!("{{\"kind\":\"domain\",\"value\":\"x{n}.example\"}}\nno record\n"))
        .collect();
    assert_eq!(same(&file("r.jsonl", records.as_bytes())).0, 10_000);
    // A line that no part is made for.
    let long = format!("{plain}{}\n{plain}", "x".repeat(9 << 20));
    assert_eq!(same(&file("long.txt", long.as_bytes())).0, 60_000);
    same(&file("long-first.txt", format!("{}\n{plain}", "x".repeat(9 << 20)).as_bytes()));
}

#[test]
fn folders_and_what_fails_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let gzip = |content: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let mut random = Random(2);
    for n in 0..60 {
        let path = dir.path().join(format!("{n:02}"));
        let text = csv(40, 9, &mut random);
        match n % 6 {
            0 => fs::write(path.with_extension("csv"), text),
            1 => fs::write(path.with_extension("csv.gz"), gzip(text.as_bytes())),
            2 => fs::write(path.with_extension("csv.gz"), &gzip(text.as_bytes())[..300]),
            3 => fs::write(path.with_extension("json"), b"{\"type\":\"bundle\",\"objects\":[{]}"),
            4 => fs::write(path, b"<?xml version=\"1.0\"?><stix:STIX_Package></stix:STIX_Package>"),
            _ => fs::write(path.with_extension("txt"), b"\n"),
        }
        .unwrap();
    }
    fs::write(dir.path().join("README.md"), "about").unwrap();
    let large = csv(16_000, 60, &mut random);
    fs::write(dir.path().join("33.csv.gz"), gzip(large.as_bytes())).unwrap();
    let cut = gzip(large.as_bytes());
    fs::write(dir.path().join("34.csv.gz"), &cut[..cut.len() - 1000]).unwrap();
    let (count, report) = same(dir.path());
    assert!(count > 1_000, "{count}");
    assert!(
        report.failed.len() >= 11 && report.skipped == 1,
        "{:?} {:?} {}",
        report.failed,
        report.not_read,
        report.skipped
    );
}
