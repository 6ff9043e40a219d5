//! Files, folders, archives and compressed streams, read as what they hold.
//!
//! A file that begins like gzip, zstd, xz or bzip2 is decompressed; tar and zip are walked, folders too, in
//! order of name, links followed once. A member of an archive is named `archive!member`. Nothing is written to
//! disk and no name out of an archive is used as a path.
//!
//! Limits, each an explicit problem and never a silent end: [`Limits`].

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::Path;

use walkdir::WalkDir;

/// What is too much.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Archives and compressed streams inside one another.
    pub depth: usize,
    /// A stream that is decompressed may grow to this many times its size …
    pub expansion: u64,
    /// … once it has given more than this many bytes.
    pub expansion_free: u64,
    /// A zip inside another archive is held in memory up to this many bytes.
    pub nested_zip: u64,
    /// Members of one archive.
    pub members: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 6, expansion: 1000, expansion_free: 1 << 30, nested_zip: 1 << 28, members: 1_000_000 }
    }
}

/// Something that could not be read, or was passed over.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// It could not be read, or only in part; the rest goes on.
    Failed(io::Error),
    /// A file whose name says that it describes a feed (README, LICENSE, dot-files) was passed over.
    Skipped,
}

/// What a walk hands out: a stream, or what became of a name.
pub trait Visitor {
    /// One stream of decompressed bytes, not buffered: it is read or decompressed straight into what the reader
    /// gives. `name` is for people; `relative` is the name below the path that was asked for, or the file's own name.
    ///
    /// # Errors
    /// What reading the stream gave; it is passed on to [`Visitor::event`].
    fn stream(&mut self, name: &str, relative: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>>;

    /// Something that is not a stream.
    fn event(&mut self, name: &str, event: Event);
}

/// Walks paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walker {
    /// What is too much.
    pub limits: Limits,
    /// Pass over README, LICENSE, NOTICE, COPYING, SHA256SUMS and dot-files in folders and archives.
    pub skip_documents: bool,
}

impl Walker {
    /// Walks a file or folder.
    pub fn path(&self, path: &Path, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        let shown = path.to_string_lossy().into_owned();
        if !path.is_dir() {
            let relative =
                path.file_name().map_or_else(|| shown.clone(), |n| n.to_string_lossy().into_owned());
            return self.file(path, &shown, &relative, visitor);
        }
        for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    let shown = entry.path().to_string_lossy().into_owned();
                    let relative = entry
                        .path()
                        .strip_prefix(path)
                        .unwrap_or(entry.path())
                        .to_string_lossy()
                        .into_owned();
                    if self.skips(&relative) {
                        visitor.event(&shown, Event::Skipped);
                        continue;
                    }
                    if !entry.file_type().is_file() {
                        // A pipe or device in a folder could block for ever.
                        visitor.event(
                            &shown,
                            Event::Failed(io::Error::other(
                                "not a regular file; name it by itself to read it",
                            )),
                        );
                        continue;
                    }
                    self.file(entry.path(), &shown, &relative, visitor)?;
                }
                Err(error) => {
                    let shown = error.path().unwrap_or(path).to_string_lossy().into_owned();
                    let error = match error.loop_ancestor() {
                        Some(_) => io::Error::other("the folder leads back to itself; passed over"),
                        None => error.into_io_error().unwrap_or_else(|| io::Error::other("cannot be walked")),
                    };
                    visitor.event(&shown, Event::Failed(error));
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Walks a stream, such as standard input.
    pub fn reader(&self, name: &str, input: &mut dyn Read, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        self.enter(name, name, input, None, 0, visitor)
    }

    fn file(&self, path: &Path, shown: &str, relative: &str, visitor: &mut dyn Visitor) -> ControlFlow<()> {
        match File::open(path) {
            Ok(mut file) => {
                let again = file.try_clone().ok().filter(|_| file.metadata().is_ok_and(|m| m.is_file()));
                self.enter(shown, relative, &mut file, again, 0, visitor)
            }
            Err(error) => {
                visitor.event(shown, Event::Failed(error));
                ControlFlow::Continue(())
            }
        }
    }

    fn skips(&self, name: &str) -> bool {
        let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let upper = last.to_ascii_uppercase();
        self.skip_documents
            && (last.starts_with('.')
                || ["README", "LICENSE", "LICENCE", "NOTICE", "COPYING", "SHA256SUMS"]
                    .iter()
                    .any(|p| upper.starts_with(p)))
    }

    /// Looks at the first bytes and goes one layer deeper, or hands the stream out. `file` is the same stream
    /// where it can be read from any place.
    fn enter(
        &self,
        shown: &str,
        relative: &str,
        input: &mut dyn Read,
        file: Option<File>,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) -> ControlFlow<()> {
        let mut input = match Peeked::new(input) {
            Ok(input) => input,
            Err(error) => {
                visitor.event(shown, Event::Failed(error));
                return ControlFlow::Continue(());
            }
        };
        let layer = Layer::of(input.head());
        if !matches!(layer, Layer::Plain) && depth >= self.limits.depth {
            let error = io::Error::other(format!(
                "limit reached: more than {} layers of archives",
                self.limits.depth
            ));
            visitor.event(shown, Event::Failed(error));
            return ControlFlow::Continue(());
        }
        match layer {
            Layer::Plain => match visitor.stream(shown, relative, &mut input) {
                Ok(flow) => flow,
                Err(error) => {
                    visitor.event(shown, Event::Failed(error));
                    ControlFlow::Continue(())
                }
            },
            // Headers are read in small pieces; members pass the buffer by.
            Layer::Tar => {
                self.tar(shown, relative, &mut BufReader::with_capacity(BLOCK, input), depth, visitor)
            }
            Layer::Zip => self.zip(shown, relative, &mut input, file, depth, visitor),
            Layer::Gzip | Layer::Zstd | Layer::Xz | Layer::Bzip2 => {
                let counter = std::cell::Cell::new(0);
                let counted = BufReader::with_capacity(BLOCK, Counted { input, bytes: &counter });
                let decoder: io::Result<Box<dyn Read + '_>> = match layer {
                    Layer::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(counted))),
                    Layer::Zstd => zstd::Decoder::with_buffer(counted).map(|d| Box::new(d) as Box<dyn Read>),
                    Layer::Xz => Ok(Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(counted))),
                    _ => Ok(Box::new(bzip2::bufread::MultiBzDecoder::new(counted))),
                };
                match decoder {
                    Ok(decoder) => {
                        let mut bounded =
                            Bounded { input: decoder, read: &counter, given: 0, limits: self.limits };
                        self.enter(shown, relative, &mut bounded, None, depth + 1, visitor)
                    }
                    Err(error) => {
                        visitor.event(shown, Event::Failed(error));
                        ControlFlow::Continue(())
                    }
                }
            }
        }
    }

    fn tar(
        &self,
        shown: &str,
        relative: &str,
        input: &mut dyn Read,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) -> ControlFlow<()> {
        let mut archive = tar::Archive::new(input);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => {
                visitor.event(shown, Event::Failed(error));
                return ControlFlow::Continue(());
            }
        };
        for (number, entry) in entries.enumerate() {
            if number >= self.limits.members {
                let error =
                    io::Error::other(format!("limit reached: more than {} members", self.limits.members));
                visitor.event(shown, Event::Failed(error));
                break;
            }
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    visitor.event(shown, Event::Failed(error));
                    break;
                }
            };
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let member = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let member = member.trim_start_matches("./");
            let name = format!("{shown}!{member}");
            if self.skips(member) {
                visitor.event(&name, Event::Skipped);
                continue;
            }
            self.enter(&name, &format!("{relative}!{member}"), &mut entry, None, depth + 1, visitor)?;
        }
        ControlFlow::Continue(())
    }

    fn zip(
        &self,
        shown: &str,
        relative: &str,
        input: &mut dyn Read,
        file: Option<File>,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) -> ControlFlow<()> {
        let members = match file {
            Some(file) => {
                self.zip_members(shown, relative, BufReader::with_capacity(BLOCK, file), depth, visitor)
            }
            None => {
                let mut bytes = Vec::new();
                match input.take(self.limits.nested_zip + 1).read_to_end(&mut bytes) {
                    Ok(n) if n as u64 > self.limits.nested_zip => {
                        let limit = self.limits.nested_zip >> 20;
                        Err(io::Error::other(format!(
                            "limit reached: a zip that is not a file of its own may have {limit} MiB"
                        )))
                    }
                    Ok(_) => self.zip_members(shown, relative, Cursor::new(bytes), depth, visitor),
                    Err(error) => Err(error),
                }
            }
        };
        members.unwrap_or_else(|error| {
            visitor.event(shown, Event::Failed(error));
            ControlFlow::Continue(())
        })
    }

    fn zip_members<R: Read + io::Seek>(
        &self,
        shown: &str,
        relative: &str,
        input: R,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) -> io::Result<ControlFlow<()>> {
        let mut archive = zip::ZipArchive::new(input)?;
        if archive.len() > self.limits.members {
            return Err(io::Error::other(format!(
                "limit reached: more than {} members",
                self.limits.members
            )));
        }
        for number in 0..archive.len() {
            let mut member = match archive.by_index(number) {
                Ok(member) => member,
                Err(error) => {
                    visitor.event(&format!("{shown}!member {}", number + 1), Event::Failed(error.into()));
                    continue;
                }
            };
            if !member.is_file() {
                continue;
            }
            let name = format!("{shown}!{}", member.name());
            if self.skips(member.name()) {
                visitor.event(&name, Event::Skipped);
                continue;
            }
            let relative = format!("{relative}!{}", member.name());
            let compressed = std::cell::Cell::new(member.compressed_size());
            let mut bounded =
                Bounded { input: Box::new(&mut member), read: &compressed, given: 0, limits: self.limits };
            if self.enter(&name, &relative, &mut bounded, None, depth + 1, visitor).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

enum Layer {
    Plain,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Tar,
    Zip,
}

impl Layer {
    fn of(head: &[u8]) -> Layer {
        match head {
            [0x1f, 0x8b, 8, ..] => Layer::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Layer::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Layer::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Layer::Bzip2,
            [b'P', b'K', 3, 4, ..] => Layer::Zip,
            _ if head.get(257..262) == Some(b"ustar") => Layer::Tar,
            _ => Layer::Plain,
        }
    }
}

/// How much of an archive or compressed stream is read at once.
const BLOCK: usize = 1 << 17;

/// A stream whose first bytes were looked at: as many as there are, up to one block of tar.
struct Peeked<'r> {
    head: [u8; 512],
    given: usize,
    held: usize,
    rest: &'r mut dyn Read,
}

impl<'r> Peeked<'r> {
    fn new(rest: &'r mut dyn Read) -> io::Result<Peeked<'r>> {
        let mut head = [0; 512];
        let mut held = 0;
        while held < head.len() {
            match rest.read(&mut head[held..]) {
                Ok(0) => break,
                Ok(n) => held += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Peeked { head, given: 0, held, rest })
    }

    fn head(&self) -> &[u8] {
        &self.head[..self.held]
    }
}

impl Read for Peeked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.held {
            return self.rest.read(into);
        }
        let n = into.len().min(self.held - self.given);
        into[..n].copy_from_slice(&self.head[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

struct Counted<'c, R> {
    input: R,
    bytes: &'c std::cell::Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.bytes.set(self.bytes.get() + n as u64);
        Ok(n)
    }
}

/// A decompressed stream that stops with an error when it grows out of proportion.
struct Bounded<'r> {
    input: Box<dyn Read + 'r>,
    read: &'r std::cell::Cell<u64>,
    given: u64,
    limits: Limits,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.given += n as u64;
        let allowed =
            self.read.get().max(1).saturating_mul(self.limits.expansion).max(self.limits.expansion_free);
        if self.given > allowed {
            return Err(io::Error::other(format!(
                "limit reached: more than {} times its compressed size after {} MiB",
                self.limits.expansion,
                self.limits.expansion_free >> 20
            )));
        }
        Ok(n)
    }
}
