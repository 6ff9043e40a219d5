//! What a command is given to look into: files, folders and archives, standard input, values.

use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use indicia::chunks::{CHUNK, Chunk, Chunks};
use indicia::input::{Visitor, Walker};
use indicia::store;

use crate::show;

/// A piece of a file: text, or observables where the file is a store.
pub(crate) enum Piece {
    Text(Chunk),
    Block(store::Block),
}

impl Default for Piece {
    fn default() -> Piece {
        Piece::Text(Chunk::default())
    }
}

/// A file in pieces, as what its first bytes say it is.
pub(crate) enum Pieces<'r> {
    Text(Box<Chunks<store::Peeked<&'r mut dyn Read>>>),
    Store(Box<store::Reader<BufReader<store::Peeked<&'r mut dyn Read>>>>),
}

impl<'r> Pieces<'r> {
    /// Of an input that so many threads look into, for its fields or not.
    pub(crate) fn new(input: &'r mut dyn Read, threads: usize, fields: bool) -> io::Result<Pieces<'r>> {
        let (is_store, input) = store::peek(input)?;
        Ok(if is_store {
            Pieces::Store(Box::new(store::Reader::new(BufReader::with_capacity(1 << 17, input))?))
        } else {
            Pieces::Text(Box::new(Chunks::with_size(input, piece_size(threads)).with_headers(fields)))
        })
    }

    /// Makes the next piece of an old one; `false` at the end.
    pub(crate) fn next_into(&mut self, piece: &mut Piece) -> io::Result<bool> {
        match self {
            Pieces::Store(reader) => {
                let Some(block) = reader.next_block()? else { return Ok(false) };
                *piece = Piece::Block(block);
                Ok(true)
            }
            Pieces::Text(chunks) => loop {
                match piece {
                    Piece::Text(chunk) => return chunks.next_into(chunk),
                    Piece::Block(_) => *piece = Piece::default(),
                }
            },
        }
    }

    /// How often a line was cut where that may have cut a value, or encoded words of a message were left unread.
    pub(crate) fn cuts(&self) -> u64 {
        match self {
            Pieces::Text(chunks) => chunks.cuts(),
            Pieces::Store(_) => 0,
        }
    }
}

/// Tells where values may be missed.
pub(crate) fn tell_cuts(name: &str, cuts: u64) {
    if cuts > 0 {
        show::message(&format!(
            "{name}: limit reached {}: a line is too long, or a message is not decoded in full; values or fields there may \
             be missed",
            show::count(cuts, "time")
        ));
    }
}

/// How many threads work, where so many were asked for.
pub(crate) fn threads(asked: Option<std::num::NonZeroUsize>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// The size of the pieces that inputs are read in; several threads hand fewer and larger ones to each other. Tests set
/// another: no output depends on it.
pub(crate) fn piece_size(threads: usize) -> usize {
    let usual = if threads > 1 { 2 * CHUNK } else { CHUNK };
    std::env::var("INDICIA_CHUNK").ok().and_then(|size| size.parse().ok()).unwrap_or(usual)
}

/// Walks files, folders and archives, or standard input where none is named.
pub(crate) fn walk(files: &[PathBuf], visitor: &mut dyn Visitor) {
    let walker = Walker::default();
    if files.is_empty() {
        let _ = walker.reader("-", &mut io::stdin().lock(), visitor);
        return;
    }
    for file in files {
        let flow = if file.as_os_str() == "-" {
            walker.reader("-", &mut io::stdin().lock(), visitor)
        } else {
            walker.path(file, visitor)
        };
        if flow.is_break() {
            return;
        }
    }
}

/// Whether a command without files would wait for a person to type.
pub(crate) fn nothing_to_read(files: &[PathBuf]) -> bool {
    use std::io::IsTerminal;
    files.is_empty() && io::stdin().is_terminal()
}

/// The values of a command: its arguments, or the lines of standard input.
pub(crate) fn values(arguments: Vec<String>) -> io::Result<Vec<String>> {
    if !arguments.is_empty() {
        return Ok(arguments);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(str::to_string)
        .collect())
}
