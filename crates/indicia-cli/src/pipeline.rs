//! Reading, looking into and writing at once, in the order of the input.
//!
//! One thread reads and decompresses, piece by piece. Where it is the only one it looks into each piece at once, while
//! the cache holds it, and nothing locks. With more, pieces wait in a short queue for whoever is free; where the queue
//! is full the reader takes one too, so nobody waits while there is work. What a piece gives is written as soon as all
//! before it is, by whoever finished the piece that was waited for.
//!
//! Memory is bounded: at most three pieces a thread, each as large as its source makes them, and the output of
//! [`WINDOW`] pieces a thread that waits for an earlier one.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Pieces a thread that were read and not yet written.
const WINDOW: u64 = 16;
/// Pieces for each helper that wait to be looked into.
const AHEAD: usize = 2;

/// What is done with each piece.
pub(crate) trait Work: Sync {
    /// What is looked into at once. Its memory is used again.
    type Piece: Default + Send;

    /// What a thread keeps from piece to piece.
    type State: Send;

    /// The state of a new thread.
    fn state(&self) -> Self::State;

    /// Looks into a piece of a file and writes what it finds. Gives how much that is.
    fn piece(&self, file: &str, piece: &Self::Piece, state: &mut Self::State, out: &mut Vec<u8>) -> u64;

    /// Writes what stands behind all pieces of a file in which so much was found.
    fn end(&self, file: &str, found: u64, out: &mut Vec<u8>);
}

/// Takes the files to be looked into.
pub(crate) struct Feeder<'p, W: Work> {
    work: &'p W,
    state: W::State,
    line: Line<'p, W::Piece>,
}

enum Line<'p, P> {
    Alone { piece: P, out: Vec<u8>, sink: Sink, failed: Option<io::Error> },
    Shared(&'p Shared<P>),
}

type Sink = BufWriter<Box<dyn Write + Send>>;

/// Works on the files that `feed` gives, on so many threads. Gives what `feed` gave, and the states of the threads.
///
/// # Errors
/// When the output cannot be written; feeding is told to end then.
pub(crate) fn run<W: Work, T>(
    work: &W,
    threads: usize,
    sink: Box<dyn Write + Send>,
    feed: impl FnOnce(&mut Feeder<'_, W>) -> T,
) -> io::Result<(T, Vec<W::State>)> {
    let state = work.state();
    let sink = BufWriter::with_capacity(1 << 16, sink);
    if threads <= 1 {
        let line = Line::Alone { piece: W::Piece::default(), out: Vec::new(), sink, failed: None };
        let mut feeder = Feeder { work, state, line };
        let fed = feed(&mut feeder);
        if let Line::Alone { mut sink, failed, .. } = feeder.line {
            failed.map_or_else(|| sink.flush(), Err)?;
        }
        return Ok((fed, vec![feeder.state]));
    }
    let shared = Shared { threads, ..Shared::default() };
    shared.lock().sink = Some(sink);
    let (fed, states) = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(|| shared.help(work))).collect();
        let open = Open(&shared);
        let mut feeder = Feeder { work, state, line: Line::Shared(&shared) };
        let fed = feed(&mut feeder);
        while let Some(task) = shared.take() {
            shared.perform(work, task, &mut feeder.state);
        }
        drop(open);
        let helped = helpers.into_iter().map(|helper| match helper.join() {
            Ok(state) => state,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        (fed, std::iter::once(feeder.state).chain(helped).collect())
    });
    let mut board = shared.lock();
    match (board.failed.take(), &mut board.sink) {
        (Some(error), _) => return Err(error),
        (None, Some(sink)) => sink.flush()?,
        (None, None) => {}
    }
    Ok((fed, states))
}

impl<W: Work> Feeder<'_, W> {
    /// How many threads look into what is fed.
    pub(crate) fn threads(&self) -> usize {
        match &self.line {
            Line::Alone { .. } => 1,
            Line::Shared(shared) => shared.threads,
        }
    }

    /// Looks into the pieces of a file: `next` makes each of an old one, and gives `false` where there is no more. Gives
    /// what it failed with, or `Break` where nobody takes the output any more.
    pub(crate) fn file(
        &mut self,
        name: &str,
        next: &mut dyn FnMut(&mut W::Piece) -> io::Result<bool>,
    ) -> io::Result<ControlFlow<()>> {
        let (work, state) = (self.work, &mut self.state);
        match &mut self.line {
            Line::Shared(shared) => shared.feed(work, name, next, state),
            Line::Alone { piece, out, sink, failed } => {
                let mut found = 0;
                loop {
                    let read = next(piece);
                    let ended = !matches!(read, Ok(true));
                    if ended {
                        work.end(name, found, out);
                    } else {
                        found += work.piece(name, piece, state, out);
                    }
                    if let Err(error) = sink.write_all(out) {
                        *failed = Some(error);
                        return Ok(ControlFlow::Break(()));
                    }
                    out.clear();
                    if ended {
                        return read.map(|_| ControlFlow::Continue(()));
                    }
                }
            }
        }
    }
}

/// What several threads work on.
#[derive(Default)]
struct Shared<P> {
    threads: usize,
    board: Mutex<Board<P>>,
    /// A piece waits, or none will come any more: for helpers.
    given: Condvar,
    /// Something was written, or will never be: for the reader.
    written: Condvar,
}

#[derive(Default)]
struct Board<P> {
    /// Pieces to be looked into, in order.
    waiting: VecDeque<Task<P>>,
    /// What was finished before something earlier was written, by number.
    done: BTreeMap<u64, Done>,
    /// The number of what is given next.
    next: u64,
    /// The number of what is written next.
    due: u64,
    /// Taken by whoever writes.
    sink: Option<Sink>,
    failed: Option<io::Error>,
    /// Nothing more is given.
    closed: bool,
    /// Nothing more is written: writing failed, or a thread panicked.
    broken: bool,
    /// Memory to be used again.
    pieces: Vec<P>,
    outs: Vec<Vec<u8>>,
}

struct File {
    name: String,
    found: AtomicU64,
}

struct Task<P> {
    number: u64,
    file: Arc<File>,
    piece: P,
    out: Vec<u8>,
}

enum Done {
    Piece(Vec<u8>),
    End(Arc<File>),
}

impl<P: Default + Send> Shared<P> {
    /// No thread panics while it holds the lock, so what is behind it is whole.
    fn lock(&self) -> MutexGuard<'_, Board<P>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a file and gives its pieces to be looked into.
    fn feed<W: Work<Piece = P>>(
        &self,
        work: &W,
        name: &str,
        next: &mut dyn FnMut(&mut P) -> io::Result<bool>,
        state: &mut W::State,
    ) -> io::Result<ControlFlow<()>> {
        let file = Arc::new(File { name: name.to_string(), found: AtomicU64::new(0) });
        let read = loop {
            let Some(mut piece) = self.room(work, state) else { return Ok(ControlFlow::Break(())) };
            let read = next(&mut piece);
            let mut board = self.lock();
            let number = board.next;
            board.next += 1;
            if matches!(read, Ok(true)) {
                let out = board.outs.pop().unwrap_or_default();
                board.waiting.push_back(Task { number, file: Arc::clone(&file), piece, out });
                drop(board);
                self.given.notify_one();
            } else {
                board.pieces.push(piece);
                board.done.insert(number, Done::End(file));
                self.write(work, board);
                break read;
            }
        };
        read.map(|_| ControlFlow::Continue(()))
    }

    /// Memory for the next piece, once there is room for one; until then works itself. `None` where it would be for
    /// nothing.
    fn room<W: Work<Piece = P>>(&self, work: &W, state: &mut W::State) -> Option<P> {
        let mut board = self.lock();
        loop {
            if board.broken {
                return None;
            }
            let ahead = board.waiting.len() >= AHEAD * (self.threads - 1);
            if !ahead && board.next - board.due < WINDOW * self.threads as u64 {
                return Some(board.pieces.pop().unwrap_or_default());
            }
            if let Some(task) = board.waiting.pop_front() {
                drop(board);
                self.perform(work, task, state);
                board = self.lock();
            } else {
                board = self.written.wait(board).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn take(&self) -> Option<Task<P>> {
        let mut board = self.lock();
        if board.broken { None } else { board.waiting.pop_front() }
    }

    /// What each thread but the reader does.
    fn help<W: Work<Piece = P>>(&self, work: &W) -> W::State {
        let _whole = Whole(self);
        let mut state = work.state();
        let mut board = self.lock();
        loop {
            if board.broken {
                return state;
            }
            if let Some(task) = board.waiting.pop_front() {
                drop(board);
                self.perform(work, task, &mut state);
                board = self.lock();
            } else if board.closed {
                return state;
            } else {
                board = self.given.wait(board).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn perform<W: Work<Piece = P>>(&self, work: &W, task: Task<P>, state: &mut W::State) {
        let Task { number, file, piece, mut out } = task;
        let found = work.piece(&file.name, &piece, state, &mut out);
        file.found.fetch_add(found, Ordering::Relaxed);
        let mut board = self.lock();
        board.pieces.push(piece);
        board.done.insert(number, Done::Piece(out));
        self.write(work, board);
    }

    /// Writes what is due, where nobody does already.
    fn write<'s, W: Work<Piece = P>>(&'s self, work: &W, mut board: MutexGuard<'s, Board<P>>) {
        let Some(mut sink) = board.sink.take() else { return };
        while !board.broken {
            let due = board.due;
            let Some(done) = board.done.remove(&due) else { break };
            drop(board);
            let mut out = match done {
                Done::Piece(out) => out,
                // All its pieces were written, and counted before that.
                Done::End(file) => {
                    let mut out = Vec::new();
                    work.end(&file.name, file.found.load(Ordering::Relaxed), &mut out);
                    out
                }
            };
            let written = sink.write_all(&out);
            board = self.lock();
            board.due += 1;
            out.clear();
            board.outs.push(out);
            if let Err(error) = written {
                board.failed = Some(error);
                self.stop(&mut board);
            }
            self.written.notify_all();
        }
        board.sink = Some(sink);
    }

    fn stop(&self, board: &mut Board<P>) {
        board.broken = true;
        board.waiting.clear();
        self.given.notify_all();
        self.written.notify_all();
    }
}

/// Tells the helpers that nothing more comes, also when the reader panics.
struct Open<'s, P: Default + Send>(&'s Shared<P>);

impl<P: Default + Send> Drop for Open<'_, P> {
    fn drop(&mut self) {
        let mut board = self.0.lock();
        board.closed = true;
        if std::thread::panicking() {
            self.0.stop(&mut board);
        }
        self.0.given.notify_all();
    }
}

/// Tells all others when a helper panics: what it worked on never comes.
struct Whole<'s, P: Default + Send>(&'s Shared<P>);

impl<P: Default + Send> Drop for Whole<'_, P> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(&mut self.0.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use indicia::chunks::{Chunk, Chunks};

    use super::*;

    /// Writes each line with its file, and the number of lines of a file; some pieces take long.
    struct Lines;

    impl Work for Lines {
        type Piece = Chunk;
        type State = u64;

        fn state(&self) -> u64 {
            0
        }

        fn piece(&self, file: &str, chunk: &Chunk, state: &mut u64, out: &mut Vec<u8>) -> u64 {
            assert!(!chunk.text().starts_with(b"panic"));
            if chunk.places().line(0) % 7 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            *state += chunk.newlines();
            for line in chunk.text().split_inclusive(|b| *b == b'\n') {
                out.extend_from_slice(file.as_bytes());
                out.extend_from_slice(line);
            }
            chunk.newlines()
        }

        fn end(&self, file: &str, found: u64, out: &mut Vec<u8>) {
            out.extend_from_slice(format!("{file}: {found}\n").as_bytes());
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>, Option<usize>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut kept = self.0.lock().unwrap();
            if self.1.is_some_and(|limit| kept.len() > limit) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            kept.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|n| format!("{n} {}\n", "x".repeat(n % 40)).into_bytes()).collect()
    }

    fn files(feeder: &mut Feeder<'_, Lines>, size: usize, files: &[(&str, Vec<u8>)]) -> usize {
        for (done, (name, data)) in files.iter().enumerate() {
            let mut chunks = Chunks::with_size(data.as_slice(), size);
            if feeder.file(name, &mut |chunk| chunks.next_into(chunk)).unwrap().is_break() {
                return done;
            }
        }
        files.len()
    }

    #[test]
    fn the_order_is_that_of_the_input() {
        let input = [("a", text(3000)), ("b", text(1)), ("empty", Vec::new()), ("c", text(5000))];
        let mut expected = None;
        for (threads, size) in [(1, 1 << 20), (1, 700), (2, 700), (3, 5000), (8, 600)] {
            let kept = Kept::default();
            let ran = run(&Lines, threads, Box::new(kept.clone()), |feeder| files(feeder, size, &input));
            let (fed, states) = ran.unwrap();
            assert_eq!((fed, states.len()), (4, threads));
            assert_eq!(states.iter().sum::<u64>(), 8001);
            let out = kept.0.lock().unwrap().clone();
            assert!(out == *expected.get_or_insert_with(|| out.clone()), "{threads} threads, {size} bytes");
        }
    }

    #[test]
    fn a_reader_that_leaves_ends_it() {
        let input: Vec<_> = (0..200).map(|_| ("a", text(3000))).collect();
        for threads in [1, 2, 4] {
            let kept = Kept(Arc::default(), Some(200_000));
            let mut fed = 0;
            let ran = run(&Lines, threads, Box::new(kept), |feeder| fed = files(feeder, 4000, &input));
            assert_eq!(ran.err().map(|e| e.kind()), Some(io::ErrorKind::BrokenPipe));
            assert!(fed < 100, "{fed}");
        }
    }

    #[test]
    fn a_panic_is_passed_on() {
        let input = [("a", text(3000)), ("b", b"panic\n".to_vec()), ("c", text(3000))];
        for threads in [1, 2, 4] {
            let ran = std::panic::catch_unwind(|| {
                run(&Lines, threads, Box::new(io::sink()), |feeder| files(feeder, 1000, &input)).is_ok()
            });
            assert!(ran.is_err());
        }
    }
}
