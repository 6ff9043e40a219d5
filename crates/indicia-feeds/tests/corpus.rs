//! Reads every file below `$INDICIA_CORPUS/feeds`: no panic, and a report for each. Run with `--nocapture` for
//! the reports, and with `INDICIA_CORPUS_ONLY=<part of a path>` for all refusals of some files.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use indicia_feeds::{FeedError, Format, HEAD_BYTES, ReadOptions, Report, detect, read};

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

#[derive(Default)]
struct Seen {
    formats: BTreeMap<String, u64>,
    total: Report,
    kinds: BTreeMap<&'static str, u64>,
}

impl Seen {
    fn file(&mut self, name: &str, bytes: &[u8], show: bool) {
        let format = detect(name, &bytes[..bytes.len().min(HEAD_BYTES)]);
        *self.formats.entry(format.map_or("unknown", Format::name).to_string()).or_default() += 1;
        let Some(format) = format else {
            println!("{name}: unknown format");
            return;
        };
        if !format.is_read() {
            if show {
                println!("{name}: {format}, not read");
            }
            return;
        }
        let kinds = &mut self.kinds;
        let mut sink =
            |i: indicia_core::Indicator| *kinds.entry(i.target.observable.kind().name()).or_default() += 1;
        match read(format, &mut &bytes[..], &ReadOptions::default(), &mut sink) {
            Ok(report) => {
                if show || report.refused_total() > 0 {
                    println!(
                        "{name}: {format} {} records, {} indicators, {} other, {} retyped, refused {:?}, skipped {:?}, repaired {:?}",
                        report.records,
                        report.indicators,
                        report.other,
                        report.retyped,
                        report.refused,
                        report.skipped,
                        report.repaired
                    );
                }
                let many = if show { 20 } else { 6 };
                for refusal in report.examples.iter().take(many) {
                    println!("    {}: {} {:?}", refusal.place, refusal.reason.slug(), refusal.raw);
                }
                self.total.merge(report);
            }
            Err(e @ FeedError::BadDocument { .. }) => println!("{name}: {e}"),
            Err(e) => panic!("{name}: {e}"),
        }
    }
}

#[test]
fn every_feed_of_the_corpus_is_read_or_named() {
    let Some(corpus) = std::env::var_os("INDICIA_CORPUS") else {
        println!("skipped: INDICIA_CORPUS is not set");
        return;
    };
    let only = std::env::var("INDICIA_CORPUS_ONLY").ok();
    let mut all = Vec::new();
    files(&Path::new(&corpus).join("feeds"), &mut all);
    let mut seen = Seen::default();
    for path in all {
        let mut bytes = Vec::new();
        let file = BufReader::new(std::fs::File::open(&path).unwrap());
        let name = path.to_string_lossy().into_owned();
        if name.ends_with(".zst") {
            zstd::Decoder::with_buffer(file).unwrap().read_to_end(&mut bytes).unwrap();
        } else {
            let mut file = file;
            file.read_to_end(&mut bytes).unwrap();
        }
        let name = name.trim_end_matches(".zst");
        let show = only.as_ref().is_some_and(|part| name.contains(part.as_str()));
        if let Some(archive) = name.strip_suffix(".tar") {
            let mut tar = tar::Archive::new(&bytes[..]);
            for entry in tar.entries().unwrap() {
                let mut entry = entry.unwrap();
                if entry.header().entry_type().is_file() {
                    let member = format!("{archive}.tar!{}", entry.path().unwrap().display());
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).unwrap();
                    seen.file(
                        &member,
                        &bytes,
                        only.as_ref().is_some_and(|part| member.contains(part.as_str())),
                    );
                }
            }
        } else if only.is_none() || show {
            seen.file(name, &bytes, show);
        }
    }
    println!("formats {:?}\nkinds {:?}", seen.formats, seen.kinds);
    println!(
        "records {}, indicators {}, other {}, retyped {}, recoded {}, refused {:?}",
        seen.total.records,
        seen.total.indicators,
        seen.total.other,
        seen.total.retyped,
        seen.total.recoded,
        seen.total.refused
    );
    assert!(only.is_some() || seen.total.indicators > 2_000_000, "{}", seen.total.indicators);
}
