//! What stands in data, collected within bounded memory: a table, sorted runs in temporary files, one merge.

use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::format::{Block, Reader, Totals, Writer, is_value};
use super::{Seen, StoreError};
use crate::{ExtractOptions, Extraction, Kind, Observable, Refang, Time, event_time, extract_with};

/// About what an entry of the table needs beside its value.
const ENTRY: usize = 112;

/// Runs that one observer keeps before it makes one of them.
const RUNS: usize = 32;

/// Collects observables. One a thread; [`write()`] merges them.
///
/// When what it holds needs more memory than it may have, it goes as a sorted run to a temporary file, which nothing
/// is left of when the observer is gone.
pub struct Observer {
    /// The number of the kind, then the value.
    table: HashMap<Box<[u8]>, Seen>,
    memory: usize,
    used: usize,
    folder: PathBuf,
    runs: Vec<File>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer")
            .field("held", &self.table.len())
            .field("runs", &self.runs.len())
            .finish_non_exhaustive()
    }
}

impl Observer {
    /// An observer that holds about `memory` bytes at the most, and puts the rest into temporary files in `folder`.
    pub fn new(memory: usize, folder: impl Into<PathBuf>) -> Observer {
        let folder = folder.into();
        Observer { table: HashMap::new(), memory, used: 0, folder, runs: Vec::new(), key: Vec::new() }
    }

    /// Adds what stands in a text: whole lines, each with its own time.
    ///
    /// Every reading counts that a scan would compare, so that [`join`](super::join) finds what a scan of the text
    /// would have found: names under any top-level domain, hosts of URLs and domains of e-mail addresses too, and
    /// hosts with their port as endpoints.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub fn observe(&mut self, text: &[u8], refang: Refang) -> io::Result<()> {
        let options = ExtractOptions { refang, nested: true, every: true, ..ExtractOptions::default() };
        let mut line = Line::default();
        let mut result = Ok(());
        // What overlaps: the host of a URL is mostly found by itself too, and counts once.
        let mut around: Vec<Extraction> = Vec::new();
        let mut reach = 0;
        let _ = extract_with(text, &options, &mut |found| {
            if found.start >= reach {
                result = self.take(&around, text, &mut line);
                around.clear();
            }
            reach = reach.max(found.end);
            around.push(found);
            if result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        result.and_then(|()| self.take(&around, text, &mut line))
    }

    /// Adds what was found in one stretch of text, and what follows from it.
    fn take(&mut self, around: &[Extraction], text: &[u8], line: &mut Line) -> io::Result<()> {
        let mut mapped = (0, 0);
        for (number, found) in around.iter().enumerate() {
            // The end of `::ffff:192.0.2.7` is no address of its own.
            match found.kind {
                Kind::Ipv6 => mapped = (found.start, found.end),
                Kind::Ipv4 if mapped.0 < found.start && found.end <= mapped.1 => continue,
                _ => {}
            }
            let seen = Seen::once(line.time(text, found.start));
            self.add(found.kind, &found.value, seen)?;
            if let Some(port) = found.port {
                let endpoint = match found.kind {
                    Kind::Ipv6 => format!("[{}]:{port}", found.value),
                    _ => format!("{}:{port}", found.value),
                };
                if let Ok(endpoint) = Observable::parse_as(Kind::Endpoint, &endpoint) {
                    self.add(Kind::Endpoint, endpoint.value(), seen)?;
                }
            }
            if let Some((kind, host)) = host_of(found)
                && !around[number + 1..]
                    .iter()
                    .take_while(|inner| inner.start < found.end)
                    .any(|inner| inner.kind == kind && inner.end <= found.end && inner.value == host)
            {
                self.add(kind, &host, seen)?;
            }
        }
        Ok(())
    }

    /// Adds one observable, in canonical form.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub fn add(&mut self, kind: Kind, value: &str, seen: Seen) -> io::Result<()> {
        if !is_value(value) {
            return Ok(());
        }
        self.key.clear();
        self.key.push(kind.number());
        self.key.extend_from_slice(value.as_bytes());
        if let Some(known) = self.table.get_mut(self.key.as_slice()) {
            known.add(seen);
            return Ok(());
        }
        self.used += ENTRY + self.key.len();
        self.table.insert(self.key.as_slice().into(), seen);
        if self.used > self.memory { self.spill() } else { Ok(()) }
    }

    /// Adds everything that a store holds.
    ///
    /// # Errors
    /// When the store is refused or cannot be read, which can be after a part of it was added; and when a temporary
    /// file cannot be written.
    pub fn add_store(&mut self, input: impl Read) -> Result<(), StoreError> {
        let mut reader = Reader::new(input)?;
        while let Some(block) = reader.next_block()? {
            self.add_block(&block)?;
        }
        Ok(())
    }

    /// Adds a block of a store.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub fn add_block(&mut self, block: &Block) -> io::Result<()> {
        block.iter().try_for_each(|observed| self.add(observed.kind, observed.value, observed.seen))
    }

    fn sorted(&mut self) -> Vec<Entry> {
        let mut entries: Vec<_> = std::mem::take(&mut self.table).into_iter().collect();
        self.used = 0;
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        entries
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut sources = Vec::new();
        if self.runs.len() >= RUNS {
            sources.extend(sources_of(self.runs.drain(..))?);
        }
        sources.push(Source::Table(self.sorted().into_iter()));
        let mut file = tempfile::tempfile_in(&self.folder)?;
        merge(sources, io::BufWriter::with_capacity(1 << 18, &mut file))?;
        self.runs.push(file);
        Ok(())
    }
}

/// Writes what observers hold as a store, together with what the store holds already where there is one: whole, or not
/// at all. Merging is the same in any order.
///
/// # Errors
/// When the store that is there is refused, or something cannot be read or written; then the file is as it was.
pub fn write(path: &Path, observers: Vec<Observer>) -> Result<Totals, StoreError> {
    let mut sources = Vec::new();
    match File::open(path) {
        Ok(file) if file.metadata()?.is_file() => sources.push(Source::open(file)?),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    sources_from(observers, &mut sources)?;
    let mut result = Ok(Totals::default());
    let written = crate::write_atomically(path, |out| {
        result = merge(sources, out);
        match &result {
            Ok(_) => Ok(()),
            // The file is not to be replaced; the error itself is told.
            Err(_) => Err(io::Error::other("not merged")),
        }
    });
    let totals = result?;
    written?;
    Ok(totals)
}

/// Writes what observers hold as a store into a stream.
///
/// # Errors
/// When a temporary file cannot be read, or the stream cannot be written.
pub fn write_to(out: impl Write, observers: Vec<Observer>) -> Result<Totals, StoreError> {
    let mut sources = Vec::new();
    sources_from(observers, &mut sources)?;
    merge(sources, out)
}

fn sources_from(observers: Vec<Observer>, sources: &mut Vec<Source>) -> Result<(), StoreError> {
    for mut observer in observers {
        sources.extend(sources_of(observer.runs.drain(..))?);
        sources.push(Source::Table(observer.sorted().into_iter()));
    }
    Ok(())
}

fn sources_of(runs: impl Iterator<Item = File>) -> Result<Vec<Source>, StoreError> {
    runs.map(|mut run| {
        run.rewind()?;
        Source::open(run)
    })
    .collect()
}

/// The number of a kind and then a value, and when it was seen.
type Entry = (Box<[u8]>, Seen);

/// Observables in order, each once.
enum Source {
    Table(std::vec::IntoIter<Entry>),
    Run { reader: Box<Reader<BufReader<File>>>, block: Block, at: usize },
}

impl Source {
    fn open(file: File) -> Result<Source, StoreError> {
        let reader = Box::new(Reader::new(BufReader::with_capacity(1 << 18, file))?);
        Ok(Source::Run { reader, block: Block::default(), at: 0 })
    }

    fn next(&mut self) -> Result<Option<Entry>, StoreError> {
        match self {
            Source::Table(entries) => Ok(entries.next()),
            Source::Run { reader, block, at } => loop {
                if let Some(observed) = block.get(*at) {
                    *at += 1;
                    let mut key = Vec::with_capacity(1 + observed.value.len());
                    key.push(observed.kind.number());
                    key.extend_from_slice(observed.value.as_bytes());
                    return Ok(Some((key.into(), observed.seen)));
                }
                match reader.next_block()? {
                    Some(next) => (*block, *at) = (next, 0),
                    None => return Ok(None),
                }
            },
        }
    }
}

/// The observable of each source that comes next, the smallest at the top.
struct Head {
    key: Box<[u8]>,
    seen: Seen,
    source: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> std::cmp::Ordering {
        other.key.cmp(&self.key).then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

fn merge(mut sources: Vec<Source>, out: impl Write) -> Result<Totals, StoreError> {
    let mut writer = Writer::new(out)?;
    let mut heads = BinaryHeap::with_capacity(sources.len());
    for (source, input) in sources.iter_mut().enumerate() {
        if let Some((key, seen)) = input.next()? {
            heads.push(Head { key, seen, source });
        }
    }
    let mut current: Option<Entry> = None;
    let mut put = |entry: Option<Entry>| match entry {
        Some((key, seen)) => {
            let kind = Kind::from_number(key[0]).unwrap_or(Kind::Other);
            writer.push(kind, &key, seen)
        }
        None => Ok(()),
    };
    while let Some(mut head) = heads.peek_mut() {
        // The next of the same source takes the place at the top.
        let next = sources[head.source].next()?;
        let (key, seen) = match next {
            Some((key, seen)) => {
                let before = std::mem::replace(&mut head.key, key);
                (before, std::mem::replace(&mut head.seen, seen))
            }
            None => {
                let head = std::collections::binary_heap::PeekMut::pop(head);
                (head.key, head.seen)
            }
        };
        match &mut current {
            Some((known, so_far)) if *known == key => so_far.add(seen),
            _ => put(current.replace((key, seen)))?,
        }
    }
    put(current)?;
    Ok(writer.finish()?)
}

/// The host of a URL, or the domain of an e-mail address, as an observable of its own.
fn host_of(found: &Extraction) -> Option<(Kind, String)> {
    let host = match found.kind {
        Kind::Email => found.value.rsplit_once('@')?.1,
        Kind::Url => {
            let is_scheme = |text: &str| !text.contains(['/', '?', '#']);
            let rest = match found.value.split_once("://") {
                Some((scheme, rest)) if is_scheme(scheme) => rest,
                _ => found.value.as_str(),
            };
            let authority = rest.split(['/', '?', '#']).next()?;
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            match host.strip_prefix('[') {
                Some(address) => address.split(']').next()?,
                None => host.split(':').next()?,
            }
        }
        _ => return None,
    };
    [Kind::Ipv4, Kind::Ipv6, Kind::Domain].into_iter().find_map(|kind| {
        let host = Observable::parse_as(kind, host).ok()?;
        Some((host.kind(), host.value().to_string()))
    })
}

/// The line that was looked at last, and its time.
#[derive(Default)]
struct Line {
    place: std::ops::Range<usize>,
    time: Option<Time>,
}

impl Line {
    /// The time of the line that holds a place; places come roughly in order.
    fn time(&mut self, text: &[u8], at: usize) -> Option<Time> {
        if !self.place.contains(&at) {
            let from = memchr::memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1);
            let to = memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |newline| from + newline);
            self.time = event_time(&text[from..to]);
            self.place = from..to.max(at + 1);
        }
        self.time
    }
}
