//! Hits in files, folders and archives, with where they stand.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use indicia_core::{HitView, ScanOptions, Scratch};

use crate::IndicatorSet;
use crate::chunks::{Chunk, Chunks};
use crate::input::{Event, Visitor, Walker};

/// A hit in a file.
#[derive(Debug)]
pub struct FileHit<'s, 'v> {
    /// The file, with the member of an archive as `archive!member`.
    pub path: &'v str,
    /// The line, from 1.
    pub line: u64,
    /// First byte, of the decompressed file.
    pub start: u64,
    /// Behind the last byte.
    pub end: u64,
    /// The text between them: bytes of the file, or what they say in UTF-8 where [`FileHit::via`] is set.
    pub raw: &'v [u8],
    /// The encoding that stands between.
    pub via: Option<&'static str>,
    /// The hit; its own span is that of a piece of the file.
    pub hit: &'v HitView<'s, 'v>,
}

impl IndicatorSet {
    /// Calls `on_hit` for every hit in a file, or in all files of a folder or archive, by place; `Break` stops. What is
    /// compressed is read as what it holds. Gives what could not be read, by name; all the rest was scanned.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (feed, log) = (dir.path().join("a.txt"), dir.path().join("a.log"));
    /// # std::fs::write(&feed, "bad.example\n")?;
    /// # std::fs::write(&log, "nothing\nGET http://www.bad.example/a\n")?;
    /// use std::ops::ControlFlow;
    /// use indicia::{IndicatorSet, ScanOptions};
    /// let set = IndicatorSet::from_feeds([&feed])?;
    /// let mut places = Vec::new();
    /// let failed = set.scan_file(&log, &ScanOptions::default(), &mut |found| {
    ///     places.push((found.line, found.start, found.hit.value.to_string()));
    ///     ControlFlow::Continue(())
    /// });
    /// assert_eq!(places, [(2, 19, "www.bad.example".to_string())]);
    /// assert!(failed.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn scan_file(
        &self,
        path: impl AsRef<Path>,
        options: &ScanOptions,
        on_hit: &mut dyn FnMut(&FileHit<'_, '_>) -> ControlFlow<()>,
    ) -> Vec<(String, io::Error)> {
        let mut scan = Scan {
            set: self,
            options,
            on_hit,
            scratch: Scratch::default(),
            chunk: Chunk::default(),
            failed: Vec::new(),
        };
        let _ = Walker::default().path(path.as_ref(), &mut scan);
        scan.failed
    }
}

struct Scan<'a> {
    set: &'a IndicatorSet,
    options: &'a ScanOptions,
    on_hit: &'a mut dyn FnMut(&FileHit<'_, '_>) -> ControlFlow<()>,
    scratch: Scratch,
    chunk: Chunk,
    failed: Vec<(String, io::Error)>,
}

impl Visitor for Scan<'_> {
    fn stream(&mut self, path: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        let Scan { set, options, on_hit, scratch, chunk, .. } = self;
        let mut chunks = Chunks::new(input).with_headers(options.reads_fields());
        while chunks.next_into(chunk)? {
            let (text, mut places) = (chunk.text(), chunk.places());
            let flow = set.scan_behind(chunk.header(), text, options, scratch, &mut |hit| {
                let line = places.line(hit.start);
                let (start, end) = places.span(hit.start, hit.end);
                let (raw, via) = (&text[hit.start..hit.end], chunk.via().or(hit.via()));
                on_hit(&FileHit { path, line, start, end, raw, via, hit })
            });
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            self.failed.push((name.to_string(), error));
        }
    }
}
