//! Reads every file below `$INDICIA_CORPUS/feeds`: no panic, a report for each, and what is read of it is written in
//! every format and read back. Run with `--nocapture` for
//! the reports, and with `INDICIA_CORPUS_ONLY=<part of a path>` for all refusals of some files.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use indicia_feeds::{FeedError, Format, HEAD_BYTES, ReadOptions, Report, Writer, detect, read};

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

/// Hands on every file below a folder, out of archives and compression.
fn each_file(folder: &Path, sink: &mut dyn FnMut(&str, &[u8])) {
    let mut all = Vec::new();
    files(folder, &mut all);
    for path in all {
        let mut bytes = Vec::new();
        let mut file = BufReader::new(std::fs::File::open(&path).unwrap());
        let name = path.to_string_lossy().into_owned();
        if name.ends_with(".zst") {
            zstd::Decoder::with_buffer(file).unwrap().read_to_end(&mut bytes).unwrap();
        } else {
            file.read_to_end(&mut bytes).unwrap();
        }
        let name = name.trim_end_matches(".zst");
        let Some(archive) = name.strip_suffix(".tar") else {
            sink(name, &bytes);
            continue;
        };
        let mut tar = tar::Archive::new(&bytes[..]);
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.header().entry_type().is_file() {
                let member = format!("{archive}.tar!{}", entry.path().unwrap().display());
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                sink(&member, &bytes);
            }
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
    let mut seen = Seen::default();
    each_file(&Path::new(&corpus).join("feeds"), &mut |name, bytes| {
        let show = only.as_ref().is_some_and(|part| name.contains(part.as_str()));
        if only.is_none() || show {
            seen.file(name, bytes, show);
        }
    });
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

/// The most indicators of one file that are written again.
const WRITTEN: usize = 50;

/// As much of a list as holds these; documents are read whole.
fn head_of(format: Format, bytes: &[u8]) -> &[u8] {
    const MOST: usize = 64 * 1024;
    if matches!(format, Format::Stix | Format::Misp) || bytes.len() <= MOST {
        return bytes;
    }
    let end = bytes[..MOST].iter().rposition(|b| *b == b'\n').map_or(MOST, |n| n + 1);
    &bytes[..end]
}

#[test]
fn what_is_read_of_the_corpus_is_written_and_read_back() {
    let Some(corpus) = std::env::var_os("INDICIA_CORPUS") else {
        println!("skipped: INDICIA_CORPUS is not set");
        return;
    };
    let (mut files, mut written) = (0u64, BTreeMap::<&str, u64>::new());
    let mut lost = BTreeMap::<(&str, &str), u64>::new();
    each_file(&Path::new(&corpus).join("feeds"), &mut |name, bytes| {
        let Some(format) = detect(name, &bytes[..bytes.len().min(HEAD_BYTES)]).filter(|f| f.is_read()) else {
            return;
        };
        let mut all = Vec::new();
        let mut sink = |i| {
            if all.len() < WRITTEN {
                all.push(i);
            }
        };
        if read(format, &mut head_of(format, bytes), &ReadOptions::default(), &mut sink).is_err() {
            return;
        }
        files += 1;
        for to in Format::ALL.iter().copied().filter(|to| to.is_written()) {
            let mut out = Vec::new();
            let mut writer = Writer::new(to, &mut out).unwrap();
            all.iter().for_each(|i| writer.write(i).unwrap());
            let loss = writer.finish().unwrap();
            *written.entry(to.name()).or_default() += loss.written;
            for (field, count) in loss.fields.iter().chain(&loss.left_out) {
                *lost.entry((to.name(), field)).or_default() += count;
            }
            if !to.is_read() {
                continue;
            }
            let mut again = Vec::new();
            let report = read(to, &mut &out[..], &ReadOptions::default(), &mut |i| again.push(i)).unwrap();
            assert_eq!(report.refused_total(), 0, "{name}: {to}: {:?}", report.examples);
            assert_eq!(again.len() as u64, loss.written, "{name}: {to}");
            if to == Format::Stix {
                for (found, expected) in again.iter().zip(&all) {
                    assert_eq!(found, expected, "{name}");
                }
                assert!(loss.is_lossless(), "{name}: {loss:?}");
            }
        }
    });
    println!("{files} files, {written:?}");
    for ((format, field), count) in lost {
        println!("{format}: {field} {count}");
    }
}
