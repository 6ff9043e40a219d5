//! Timing of several contenders in one run: interleaved, so that what else the machine does falls on all alike. Contenders
//! of one process take turns by [`medians`]; those with a process each by [`turns`], which `run.py` calls in turn.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

/// One contender: its name, and a pass over the whole input that returns something that depends on all of it.
pub struct Contender<'a> {
    /// What is printed.
    pub name: &'a str,
    /// One pass.
    pub pass: Box<dyn FnMut() -> u64 + 'a>,
}

impl<'a> Contender<'a> {
    /// Names a pass.
    pub fn new(name: &'a str, pass: impl FnMut() -> u64 + 'a) -> Contender<'a> {
        Contender { name, pass: Box::new(pass) }
    }
}

/// Runs `rounds` passes of each contender in turn after one to warm up; the median nanoseconds of a pass of each.
pub fn medians(rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let began = Instant::now();
            std::hint::black_box((contender.pass)());
            if round > 0 {
                times.push(began.elapsed().as_secs_f64() * 1e9);
            }
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect()
}

/// Takes turns with other drivers. Prints `ready` when there is nothing left to prepare; then makes a pass for each line on
/// standard input and answers with its nanoseconds and its result, one JSON object a line, until the input ends.
pub fn turns(ready: &Value, mut pass: impl FnMut() -> u64) {
    let mut out = std::io::stdout();
    let mut say = |answer: &Value| {
        // Whoever asked is gone when the pipe is closed.
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    };
    say(ready);
    for turn in std::io::stdin().lines() {
        turn.expect("a line on standard input");
        let began = Instant::now();
        let result = std::hint::black_box(pass());
        say(&json!({"ns": began.elapsed().as_nanos() as u64, "result": result}));
    }
}

/// The rows of a file of `make_workload.py indicators`: the value and its type.
pub fn rows(csv: &str) -> impl Iterator<Item = (&str, &str)> {
    rows_with_contexts(csv).map(|(value, kind, _)| (value, kind))
}

/// The same with the columns behind: source and confidence.
pub fn rows_with_contexts(csv: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    csv.lines().skip(1).filter_map(|line| {
        // A URL can have commas, the columns behind it have none.
        let (at, _) = line.rmatch_indices(',').nth(1)?;
        let (value, kind) = line[..at].rsplit_once(',')?;
        Some((value.trim_matches('"'), kind, &line[at + 1..]))
    })
}

/// Reads a file, or ends with its name.
pub fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Reads a text, or ends with its name.
pub fn read_text(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The URLs with `http` or `https` in the files of a folder, each once, in the order of the files' names. A URL ends at white
/// space, quotes, brackets and the like, so most are as they were meant, and some are cut off.
pub fn urls_below(folder: &Path) -> Vec<String> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let (mut seen, mut urls) = (HashSet::new(), Vec::new());
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for (at, _) in text.match_indices("://") {
            let Some(start) =
                ["https", "http"].iter().find_map(|s| text[..at].ends_with(s).then(|| at - s.len()))
            else {
                continue;
            };
            let end = text[at..]
                .find(|c: char| c.is_whitespace() || c.is_control() || "\"'<>`|\\,;)]}\u{fffd}".contains(c));
            let url = &text[start..end.map_or(text.len(), |n| at + n)];
            if url.len() > 10 && url.len() < 16_000 && seen.insert(url.to_owned()) {
                urls.push(url.to_owned());
            }
        }
    }
    urls
}
