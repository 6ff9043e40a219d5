//! Where in a text something listed could stand: the fast way in front of `finder`.
//!
//! A window is turned into rows of bits (`classes`), rows into tokens (runs of host characters with a dot inside,
//! runs of colons, `://`, long words), tokens into one probe of the set's sieve each; what passes is a [`Suspect`],
//! which the finder looks at in full, as it would have without the sieve. So everything here errs to one side: a token
//! that is not plain (beyond ASCII, `..`, an escape in front, a URL whose host no name could be) is a suspect.
//!
//! Probes of names wait in a queue while the memory that they will read is fetched.

use super::classes::{ALNUM, CLASSES, COLON, DOT, HEX, HIGH, HOST, LETTER, Row, Rows, SLASH, WINDOW};
use super::simd::Level;
use crate::extract::lex;
use crate::observable::dotted;
use crate::set::sieve::{BELOW, DEEPER, EXACT, Near, PATH, Sieve, URL, last_bytes};

/// A place where something listed could stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Suspect {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: Shape,
}

/// What a suspect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// The colon of `://`.
    Scheme,
    /// A run of colons, hexadecimal digits and dots.
    Colons,
    /// A run of host characters in ASCII.
    Run,
    /// A stretch whose tokens are all looked at: bytes beyond ASCII in it may be borders.
    Text,
}

/// A name whose probe waits.
#[derive(Clone, Copy, Default)]
struct Waiting {
    hash: u64,
    /// The run that it stands in.
    start: u32,
    run_end: u32,
    /// Where its last two labels begin, and where it ends.
    suffix: u32,
    end: u32,
}

/// A digest, wallet or network whose probe waits, and what is suspect if it is listed.
#[derive(Clone, Copy)]
struct Word {
    hash: u64,
    start: u32,
    end: u32,
    what: Shape,
}

/// An address of IPv4 whose neighbourhood is to be read, and its run.
#[derive(Clone, Copy, Default)]
struct Address {
    address: u32,
    start: u32,
    end: u32,
}

/// What waits for memory to come.
struct Queues {
    names: [Waiting; QUEUE],
    addresses: [Address; QUEUE],
    words: [Word; QUEUE],
    /// How many there are of each.
    waiting: [usize; 3],
}

impl Default for Queues {
    fn default() -> Queues {
        Queues {
            names: [Waiting::default(); QUEUE],
            addresses: [Address::default(); QUEUE],
            words: [Word { hash: 0, start: 0, end: 0, what: Shape::Run }; QUEUE],
            waiting: [0; 3],
        }
    }
}

/// Where in the text of a URL a path segment begins with a dot or an escape.
#[derive(Default)]
struct Segments {
    span: std::ops::Range<usize>,
    /// The last such place, if it is not the start of the span.
    last: usize,
    /// Whether the text goes on behind the span.
    cut: bool,
}

const QUEUE: usize = 64;

/// Memory of walks, used again.
#[derive(Default)]
pub(super) struct Walk {
    rows: Rows,
    queues: Box<Queues>,
    suspects: Vec<Suspect>,
}

impl Walk {
    /// Everything in `text` that the sieve lets pass, by place. `hosts` says whether the host of a listed URL or
    /// endpoint counts without path and port.
    pub(super) fn suspects(
        &mut self,
        text: &[u8],
        sieve: &Sieve,
        bytes: &[u8],
        hosts: bool,
        level: Level,
    ) -> &[Suspect] {
        let Walk { rows, queues, suspects } = self;
        suspects.clear();
        let mut from = 0;
        while from < text.len() {
            let (to, plain) = window(text, from);
            if plain {
                level.classify(&text[from..to], rows);
                let mut walker = Walker {
                    text,
                    from,
                    to,
                    rows,
                    sieve,
                    bytes,
                    hosts,
                    queues,
                    suspects,
                    segments: Segments::default(),
                };
                level.walk(&mut walker);
            } else {
                suspects.push(Suspect { start: from, end: to, what: Shape::Text });
            }
            from = to;
        }
        suspects.sort_unstable();
        suspects.dedup();
        suspects
    }
}

/// Whether no token goes on from one byte to the next: from what is part of none, or from a slash to a host.
fn is_border(left: u8, right: u8) -> bool {
    const PARTS: u8 = 1 << HOST | 1 << COLON | 1 << SLASH;
    CLASSES[usize::from(left)] & PARTS == 0 || (left == b'/' && CLASSES[usize::from(right)] >> HOST & 1 == 1)
}

/// The end of the window that begins at `from`: behind a border. Where none comes for a whole window, all up to the
/// next border is one that is not plain.
fn window(text: &[u8], from: usize) -> (usize, bool) {
    let full = from + WINDOW;
    if full >= text.len() {
        return (text.len(), true);
    }
    if let Some(line) = memchr::memrchr(b'\n', &text[from..full]) {
        return (from + line + 1, true);
    }
    let border = |pair: &[u8]| is_border(pair[0], pair[1]);
    match text[from..full].windows(2).rposition(border) {
        Some(at) => (from + at + 1, true),
        None => (text[full - 1..].windows(2).position(border).map_or(text.len(), |n| full + n), false),
    }
}

/// A window being looked through. Places are counted from its start, those of suspects from the start of the text.
pub(super) struct Walker<'w> {
    text: &'w [u8],
    from: usize,
    to: usize,
    rows: &'w Rows,
    sieve: &'w Sieve,
    bytes: &'w [u8],
    hosts: bool,
    queues: &'w mut Queues,
    suspects: &'w mut Vec<Suspect>,
    segments: Segments,
}

impl Walker<'_> {
    #[inline(always)]
    pub(super) fn window(&mut self) {
        let wants = self.sieve.wants;
        let rows = self.rows;
        let (mut done, mut near) = ([0; 3], 0);
        for (number, three) in rows.all().windows(3).enumerate() {
            let [before, row, behind] = three else { break };
            let base = number * 64;
            if wants.names || wants.v4 {
                self.dotted(base, before, row, behind, &mut done[0]);
            }
            if wants.schemes {
                self.schemes(base, row, behind);
            }
            if wants.colons {
                self.colons(base, before[COLON], row[COLON], &mut near, &mut done[1]);
            }
            if wants.digests || wants.wallets {
                self.words(base, row, &mut done[2]);
            }
        }
        if wants.asns || wants.cves || wants.attack_ids || wants.macs || wants.ja4s {
            self.identifiers();
        }
        self.ask_names();
        self.ask_addresses();
        self.ask_words();
    }

    #[inline(always)]
    fn suspect(&mut self, start: usize, end: usize, what: Shape) {
        self.suspects.push(Suspect { start: self.from + start, end: self.from + end, what });
    }

    /// The byte in front of a place, NUL in front of the text.
    #[inline(always)]
    fn before(&self, at: usize) -> u8 {
        (self.from + at).checked_sub(1).map_or(0, |at| self.text[at])
    }

    /// The byte at a place, a space behind the text.
    #[inline(always)]
    fn at(&self, at: usize) -> u8 {
        self.text.get(self.from + at).copied().unwrap_or(b' ')
    }

    /// Runs that hold a dot between two other characters.
    #[inline(always)]
    fn dotted(&mut self, base: usize, before: &Row, row: &Row, behind: &Row, done: &mut usize) {
        let left = row[HOST] << 1 | before[HOST] >> 63;
        let right = row[HOST] >> 1 | behind[HOST] << 63;
        let mut dots = row[DOT] & left & right;
        if *done > base {
            dots &= if *done - base >= 64 { 0 } else { u64::MAX << (*done - base) };
        }
        while dots != 0 {
            let dot = dots.trailing_zeros();
            let others = !row[HOST] & (u64::MAX << dot);
            let end = if others != 0 {
                let end = others.trailing_zeros();
                dots &= u64::MAX << end;
                base + end as usize
            } else {
                dots = 0;
                self.rows.end(HOST, base + 63)
            };
            *done = end;
            self.run(end);
        }
    }

    /// The run of host characters in front of `end`, which holds a dot.
    #[inline(always)]
    fn run(&mut self, end: usize) {
        let rows = self.rows;
        let length = rows.until(HOST, end).leading_ones() as usize;
        if length >= 64 {
            return self.long_run(end);
        }
        let run = !(u64::MAX >> length);
        let start = end - length;
        let dots = rows.until(DOT, end) & run;
        if dots & dots << 1 != 0 || rows.until(HIGH, end) & run != 0 {
            return self.odd_run(start, end);
        }
        let letters = rows.until(LETTER, end) & run;
        let digits = run & !dots & !letters;
        let address = (dots & digits << 1 & digits >> 1).count_ones() >= 3;
        if letters == 0 {
            if address && dots.count_ones() == 3 {
                // Each of them stands between digits.
                let text = &self.text[self.from + start..self.from + end];
                if let Some(address) = dotted::parse_dots(text, (dots >> (64 - length)) as u32) {
                    self.ask_address(address.to_bits(), start, end);
                }
            } else if address {
                self.v4(start, end, start, end);
            }
        } else if address {
            self.v4_within(start, end);
        }
        let name = letters != 0 && self.sieve.wants.names && self.name(start, end, start, dots, letters);
        // An escape can reach into the run.
        if (address || name) && matches!(self.before(start), b'%' | b'\\' | b'[' | b';') {
            self.behind_escapes(start, end);
        }
    }

    /// The name at the end of a run, read as beginning at `begin`, and whether it ends as a listed one does. `dots` and
    /// `letters` are those in front of `end`.
    #[inline(always)]
    fn name(&mut self, start: usize, run_end: usize, begin: usize, mut dots: u64, mut letters: u64) -> bool {
        let (text, from) = (self.text, self.from);
        let mut end = run_end;
        while end > begin && matches!(text[from + end - 1], b'.' | b'-' | b'_') {
            end -= 1;
            dots <<= 1;
            letters <<= 1;
        }
        let last = dots.leading_zeros();
        // No name has a number for its last label.
        if dots == 0 || last == 0 || letters >> (64 - last) == 0 {
            return false;
        }
        let label = end - last as usize;
        if !self.sieve.has_end(self.bytes, last_bytes(text, from + label, from + end)) {
            return false;
        }
        let rest = dots << last << 1;
        let suffix = if rest == 0 { begin } else { label - 1 - rest.leading_zeros() as usize };
        self.ask(start, run_end, self.bare(begin, suffix, label), end);
        true
    }

    /// A suffix without the dots and hyphens in front of the name, if it begins with the name.
    #[inline(always)]
    fn bare(&self, begin: usize, mut suffix: usize, end: usize) -> usize {
        let is_mark = |b: &u8| matches!(b, b'.' | b'-');
        let text = &self.text[self.from..];
        if is_mark(&text[suffix]) && text[begin..suffix].iter().all(is_mark) {
            while suffix + 1 < end && is_mark(&text[suffix]) {
                suffix += 1;
            }
        }
        suffix
    }

    #[inline(always)]
    fn ask(&mut self, start: usize, run_end: usize, suffix: usize, end: usize) {
        let hash = self.sieve.keys.hash(self.text, self.from + suffix, self.from + end);
        self.sieve.prefetch_name(self.bytes, hash);
        let waiting = self.queues.waiting[0];
        self.queues.names[waiting] = Waiting {
            hash,
            start: start as u32,
            run_end: run_end as u32,
            suffix: suffix as u32,
            end: end as u32,
        };
        self.queues.waiting[0] += 1;
        if waiting + 1 == QUEUE {
            self.ask_names();
        }
    }

    #[inline(always)]
    fn ask_names(&mut self) {
        for i in 0..self.queues.waiting[0] {
            let name = self.queues.names[i];
            let flags = self.sieve.name(self.bytes, name.hash);
            if flags != 0 {
                self.passed(name, flags);
            }
        }
        self.queues.waiting[0] = 0;
    }

    #[inline(always)]
    fn ask_addresses(&mut self) {
        for i in 0..self.queues.waiting[1] {
            let Address { address, start, end } = self.queues.addresses[i];
            match self.sieve.v4(self.bytes, address) {
                Near::Nothing => {}
                Near::All => self.suspect(start as usize, end as usize, Shape::Run),
                Near::Hashes(hashes) => {
                    for hash in hashes {
                        self.ask_word(hash, start as usize, end as usize, Shape::Run);
                    }
                }
            }
        }
        self.queues.waiting[1] = 0;
    }

    #[inline(always)]
    fn ask_word(&mut self, hash: u64, start: usize, end: usize, what: Shape) {
        self.sieve.prefetch_word(self.bytes, hash);
        let waiting = self.queues.waiting[2];
        self.queues.words[waiting] = Word { hash, start: start as u32, end: end as u32, what };
        self.queues.waiting[2] += 1;
        if waiting + 1 == QUEUE {
            self.ask_words();
        }
    }

    #[inline(always)]
    fn ask_words(&mut self) {
        for i in 0..self.queues.waiting[2] {
            let Word { hash, start, end, what } = self.queues.words[i];
            if self.sieve.word(self.bytes, hash) {
                self.suspect(start as usize, end as usize, what);
            }
        }
        self.queues.waiting[2] = 0;
    }

    /// A name of whose suffix something is listed.
    #[inline(never)]
    fn passed(&mut self, name: Waiting, mut flags: u16) {
        let mut hash = name.hash;
        let (start, run_end, end) = (name.start as usize, name.run_end as usize, name.end as usize);
        let mut suffix = name.suffix as usize;
        let escaped = matches!(self.before(start), b'%' | b'\\' | b'[' | b';');
        loop {
            // Dots and hyphens in front are not part of a name, but may be of a URL's host.
            let bare =
                self.text[self.from + start..self.from + suffix].iter().all(|b| matches!(b, b'.' | b'-'));
            let exact = flags & EXACT != 0 || (flags & URL != 0 && (escaped || self.may_be_url(end, hash)));
            if flags & BELOW != 0 || (exact && (bare || escaped)) || (flags & DEEPER != 0 && escaped) {
                return self.suspect(start, run_end, Shape::Run);
            }
            if flags & DEEPER == 0 || bare {
                return;
            }
            let front = &self.text[self.from + start..self.from + suffix - 1];
            suffix = self.bare(start, start + memchr::memrchr(b'.', front).map_or(0, |dot| dot + 1), end);
            hash = self.sieve.keys.hash(self.text, self.from + suffix, self.from + end);
            flags = self.sieve.name(self.bytes, hash);
            if flags == 0 {
                return;
            }
        }
    }

    /// Whether what follows a host, whose listed URLs all have a long path or a port, can be part of one of these.
    fn may_be_url(&mut self, end: usize, host: u64) -> bool {
        /// What may change a path when it is parsed, or end it.
        fn is_plain(b: u8) -> bool {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~' | b'=' | b'&' | b'+' | b'/')
        }
        let text = &self.text[self.from + end..];
        if self.hosts || !matches!(text.first(), Some(b'/')) {
            return self.hosts || matches!(text.first(), Some(b':' | b'?' | b'.' | b'\\' | b'#'));
        }
        let Some(path) = text.first_chunk::<PATH>() else { return !text.iter().all(|b| is_plain(*b)) };
        if !path.iter().all(|b| is_plain(*b)) {
            return true;
        }
        if self.sieve.word(self.bytes, self.sieve.keys.path(host, *path)) {
            return true;
        }
        // A dot segment further on leads to another path.
        self.dot_segment_behind(self.from + end)
    }

    /// Whether a segment that begins with a dot, or with an escape that may be one, stands in the text of a URL behind
    /// a place. What URLs inside one another share is looked at once.
    fn dot_segment_behind(&mut self, at: usize) -> bool {
        if !self.segments.span.contains(&at) {
            let text = &self.text[at..];
            let mut segments = Segments { span: at..at, last: at, cut: text.len() > lex::MAX_URL_BYTES };
            let mut slash = false;
            for (i, b) in text.iter().take(lex::MAX_URL_BYTES).enumerate() {
                match b {
                    b'.' | b'%' if slash => segments.last = at + i,
                    b'/' | b'\\' => slash = true,
                    0..=b' ' | b'"' | b'<' | b'>' | b'`' => {
                        segments.cut = false;
                        break;
                    }
                    _ => slash = false,
                }
                segments.span.end = at + i + 1;
            }
            self.segments = segments;
        }
        self.segments.cut || self.segments.last > at
    }

    /// A run that is more than a row long.
    #[inline(never)]
    fn long_run(&mut self, end: usize) {
        let rows = self.rows;
        let start = rows.start(HOST, end);
        let run = &self.text[self.from + start..self.from + end];
        if !run.is_ascii() || memchr::memmem::find(run, b"..").is_some() {
            return self.odd_run(start, end);
        }
        if matches!(self.before(start), b'%' | b'\\' | b'[' | b';') {
            // The suffix of a name with more labels than two is the same.
            if memchr::memchr_iter(b'.', run).count() < 3 {
                return self.odd_run(start, end);
            }
        }
        self.v4_within(start, end);
        if !self.sieve.wants.names {
            return;
        }
        let bare = run.iter().rposition(|b| !matches!(b, b'.' | b'-' | b'_')).map_or(0, |n| n + 1);
        let Some(last) = memchr::memrchr(b'.', &run[..bare]) else { return };
        if run[last + 1..bare].iter().all(u8::is_ascii_digit) {
            return;
        }
        let front = run.iter().position(|b| !matches!(b, b'.' | b'-')).unwrap_or(0).min(last);
        let suffix = memchr::memrchr(b'.', &run[front..last]).map_or(front, |dot| front + dot + 1);
        self.ask(start, end, start + suffix, start + bare);
    }

    /// A run that is not plain.
    #[inline(never)]
    fn odd_run(&mut self, start: usize, end: usize) {
        self.suspect(start, end, Shape::Text);
    }

    /// The readings of a run behind an escape that reaches into it.
    #[inline(never)]
    fn behind_escapes(&mut self, start: usize, end: usize) {
        let (text, from) = (self.text, self.from);
        let first = text[from + start];
        let possible = match self.before(start) {
            b'\\' => matches!(first, b'n' | b'r' | b't' | b'b' | b'f' | b'x' | b'u' | b'e' | b'0'),
            b'%' => first.is_ascii_hexdigit(),
            _ => {
                let digits =
                    text[from + start..from + end].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
                matches!(text.get(from + start + digits), Some(b'm' | b'K'))
            }
        };
        if !possible {
            return;
        }
        for begin in lex::run_starts(text, from + start, from + end).skip(1) {
            let begin = begin - from;
            let length = end - begin;
            let run = if length >= 64 { u64::MAX } else { !(u64::MAX >> length) };
            let dots = self.rows.until(DOT, end) & run;
            let letters = self.rows.until(LETTER, end) & run;
            if letters == 0 {
                self.v4(begin, end, start, end);
            } else if self.sieve.wants.names {
                self.name(start, end, begin, dots, letters);
            }
        }
    }

    /// Digits and dots from `begin` to `end` of a run.
    #[inline(always)]
    fn v4(&mut self, mut begin: usize, mut end: usize, run: usize, run_end: usize) {
        let text = &self.text[self.from..];
        while end > begin && text[end - 1] == b'.' {
            end -= 1;
        }
        while begin < end && text[begin] == b'.' {
            begin += 1;
        }
        if (7..=15).contains(&(end - begin))
            && let Some(address) = dotted::parse(&text[begin..end])
        {
            self.ask_address(address.to_bits(), run, run_end);
        }
    }

    #[inline(always)]
    fn ask_address(&mut self, address: u32, run: usize, run_end: usize) {
        self.sieve.prefetch_v4(self.bytes, address);
        let waiting = self.queues.waiting[1];
        self.queues.addresses[waiting] = Address { address, start: run as u32, end: run_end as u32 };
        self.queues.waiting[1] += 1;
        if waiting + 1 == QUEUE {
            self.ask_addresses();
        }
    }

    /// Addresses in a run with letters.
    #[inline(never)]
    fn v4_within(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let rest = &self.text[self.from + at..self.from + end];
            let length = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
            self.v4(at, at + length, start, end);
            at += length.max(1);
        }
    }

    /// `://`, and hosts of URLs that are no names and no addresses as they are written.
    #[inline(always)]
    fn schemes(&mut self, base: usize, row: &Row, behind: &Row) {
        let one = row[SLASH] >> 1 | behind[SLASH] << 63;
        let two = row[SLASH] >> 2 | behind[SLASH] << 62;
        let mut marks = row[COLON] & one & two;
        while marks != 0 {
            self.scheme(base + marks.trailing_zeros() as usize);
            marks &= marks - 1;
        }
    }

    #[inline(always)]
    fn scheme(&mut self, at: usize) {
        let rows = self.rows;
        let host = at + 3;
        let end = if host < self.to - self.from { rows.end(HOST, host) } else { host };
        let plain = end > host && {
            let mut end = end;
            if self.at(end) == b':' {
                end += 1;
                while self.at(end).is_ascii_digit() {
                    end += 1;
                }
            }
            // Marks at which a URL may end are borders of the name, too.
            let ends = self.at(end);
            ends <= b' ' || matches!(ends, b'/' | b'?' | b'#' | b'\\' | b'"' | b'<' | b'>' | b'`' | 0x7f)
        };
        if !plain || self.sieve.wants.odd_hosts || !self.is_plain_host(host, end) {
            self.suspect(at, at, Shape::Scheme);
        }
    }

    /// Whether the host of a URL is found as a run, or cannot be listed.
    #[inline(always)]
    fn is_plain_host(&self, start: usize, end: usize) -> bool {
        let (text, from) = (self.text, self.from);
        let host = &text[from + start..from + end];
        let Some(first) = host.first() else { return false };
        let Some(last) = host.last() else { return false };
        if end - start >= 64 {
            return !matches!(first, b'.' | b'-' | b'_') && host.is_ascii() && !matches!(last, b'-' | b'_');
        }
        let run = !(u64::MAX >> (end - start));
        if matches!(first, b'.' | b'-')
            || matches!(last, b'-' | b'_')
            || self.rows.until(HIGH, end) & run != 0
        {
            return false;
        }
        let mut end = end;
        let mut dots = self.rows.until(DOT, end) & run;
        while end > start && text[from + end - 1] == b'.' {
            end -= 1;
            dots <<= 1;
        }
        if dots & dots << 1 != 0 {
            return false;
        }
        if dots == 0 {
            // One label: a number, or a name that a URL alone can have for its host.
            return !self.sieve.wants.single_labels && !first.is_ascii_digit();
        }
        let label = end - dots.leading_zeros() as usize;
        // A number for the last label: an address, which has other spellings in a URL than dotted decimal.
        !text[from + label].is_ascii_digit() || dotted::parse(&text[from + start..from + end]).is_some()
    }

    /// Runs with two colons side by side, or with a third one. `near` has the colons of the row before that are near another.
    #[inline(always)]
    fn colons(&mut self, base: usize, before: u64, row: u64, near: &mut u64, done: &mut usize) {
        let behind = |row: u64, before: u64, n: u32| row << n | before >> (64 - n);
        let close = |row: u64, before: u64| (1..=5).fold(0, |all, n| all | behind(row, before, n));
        let second = row & close(row, before);
        let first = std::mem::replace(near, second);
        // Times of day have two colons.
        if second == 0 || row & (close(second, first) | behind(row, before, 1)) == 0 {
            return;
        }
        let both = u128::from(row) << 64 | u128::from(before);
        // A colon no more than five behind another, one no more than five behind such a one, and so on: no address has
        // fewer than six of them in a row without two side by side, and no hardware address fewer than five.
        let near = |bits: u128| both & (bits << 1 | bits << 2 | bits << 3 | bits << 4 | bits << 5);
        let mut chain = near(near(both));
        if chain != 0 {
            chain = near(near(chain));
            chain = if self.sieve.wants.macs { chain } else { near(chain) };
        }
        let mut marks = ((both & both << 1 | chain) >> 64) as u64;
        while marks != 0 {
            let at = base + marks.trailing_zeros() as usize;
            marks &= marks - 1;
            if at >= *done {
                let (start, end) = self.colon_run(at);
                *done = end;
                self.colons_at(start, end);
            }
        }
    }

    /// A run of colons.
    fn colons_at(&mut self, start: usize, end: usize) {
        let run = &self.text[self.from + start..self.from + end];
        let (colons, double) = match run.len() {
            length @ 1..64 => {
                let colons = self.rows.until(COLON, end) & !(u64::MAX >> length);
                (colons.count_ones() as usize, colons & colons << 1 != 0)
            }
            _ => (run.iter().filter(|b| **b == b':').count(), run.windows(2).any(|pair| pair == b"::")),
        };
        let mac = self.sieve.wants.macs && colons >= 5;
        if !double && colons < 6 && !mac {
            return;
        }
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || !b.is_ascii();
        let (front, behind) = (self.before(start), self.at(end));
        let plain = !is_word(front) && !is_word(behind) && !matches!(front, b'%' | b'\\');
        match lex::v6(run) {
            Some(address) if plain && !mac && !self.sieve.wants.all_v6 => {
                for hash in self.sieve.v6(address) {
                    self.ask_word(hash, start, end, Shape::Colons);
                }
                // A mapped address has the key of what it maps.
                if address >> 32 == 0xffff {
                    match self.sieve.v4(self.bytes, address as u32) {
                        Near::Nothing => {}
                        _ => self.suspect(start, end, Shape::Colons),
                    }
                }
            }
            _ => self.suspect(start, end, Shape::Colons),
        }
    }

    #[inline(always)]
    fn colon_run(&self, at: usize) -> (usize, usize) {
        const PARTS: [usize; 3] = [HEX, COLON, DOT];
        let text = &self.text[self.from..self.to];
        let is_part = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
        let ones = self.rows.any_until(PARTS, at + 1).leading_ones() as usize;
        let start = match ones {
            64 => at - text[..at].iter().rev().take_while(|b| is_part(b)).count(),
            ones => at + 1 - ones,
        };
        (start, self.rows.any_end(PARTS, at))
    }

    /// Digests, and words that the address of a wallet can be.
    #[inline(always)]
    fn words(&mut self, base: usize, row: &Row, done: &mut usize) {
        let wallets = self.sieve.wants.wallets;
        let class = if wallets { ALNUM } else { HEX };
        // A run of 32 has 16 in one row, one of 25 has 12.
        let two = row[class] & row[class] >> 1;
        let four = two & two >> 2;
        let eight = four & four >> 4;
        let mut long = if wallets { eight & four >> 8 } else { eight & eight >> 8 };
        while long != 0 {
            let at = base + long.trailing_zeros() as usize;
            let end = self.rows.end(class, at);
            long &= if end >= base + 64 { 0 } else { u64::MAX << (end % 64) };
            if at >= *done {
                *done = end;
                let start = self.rows.start(class, end);
                if end - start >= if wallets { 25 } else { 32 } {
                    self.word(start, end);
                }
            }
        }
    }

    #[inline(never)]
    fn word(&mut self, start: usize, end: usize) {
        // No listed word is longer; in front of it an escape may stand.
        if end - start > 128 + 6 {
            return;
        }
        let (text, from) = (self.text, self.from);
        let hash = self.sieve.keys.hash(text, from + start, from + end);
        let run = self.rows.start(HOST, start);
        let escaped = start < run + 6 && matches!(self.before(run), b'%' | b'\\' | b'[' | b';');
        let run_end = self.rows.end(HOST, end - 1);
        let what = if text[from + run..from + run_end].is_ascii() { Shape::Run } else { Shape::Text };
        if escaped {
            self.suspect(run, run_end, what);
        } else {
            self.ask_word(hash, run, run_end, what);
        }
    }

    /// Numbers with letters in front, and what marks stand in at fixed distances. All are rare: a look at the text decides.
    fn identifiers(&mut self) {
        let (rows, wants) = (self.rows, self.sieve.wants);
        let mut done = 0;
        for number in 0..rows.count {
            let (row, before) = (rows.row(number), rows.before(number));
            let both = |class: usize| u128::from(row[class]) << 64 | u128::from(before[class]);
            let (alnum, dots, hex) = (both(ALNUM), both(DOT), both(HEX));
            let digits = alnum & !both(LETTER);
            let marks = both(HOST) & !alnum & !dots & !both(HIGH);
            let four = |bits: u128| bits & bits << 1 & bits << 2 & bits << 3;
            let mut found = 0;
            if wants.asns {
                found |= digits & (alnum & !digits) << 1;
            }
            if wants.cves || wants.attack_ids {
                found |= four(digits) & !(digits << 4);
            }
            if wants.ja4s {
                found |= marks & marks << 13;
            }
            if wants.macs {
                found |= marks & marks << 3 & marks << 6 & marks << 9 & marks << 12;
                found |= dots & four(hex) << 1 & dots << 5 & four(hex) << 6;
            }
            let mut found = (found >> 64) as u64;
            while found != 0 {
                let at = number * 64 + found.trailing_zeros() as usize;
                found &= found - 1;
                if let Some(at) = self.identifier(self.from + at).filter(|at| *at >= done) {
                    done = self.suspect_around(at);
                }
            }
        }
    }

    /// The run around a byte of the text, which may stand in front of the window; gives its end.
    fn suspect_around(&mut self, at: usize) -> usize {
        let is_host = |b: &u8| CLASSES[usize::from(*b)] >> HOST & 1 == 1;
        let start = self.text[..at].iter().rposition(|b| !is_host(b)).map_or(0, |n| n + 1);
        let end = at + self.text[at..].iter().take_while(|b| is_host(b)).count();
        let what = if self.text[start..end].is_ascii() { Shape::Run } else { Shape::Text };
        self.suspects.push(Suspect { start, end, what });
        end
    }

    /// A place in the run that an identifier begins in, which is noticed at `at`.
    fn identifier(&self, at: usize) -> Option<usize> {
        let (wants, text) = (self.sieve.wants, self.text);
        if !text[at].is_ascii_digit() {
            // A mark: of a fingerprint or a hardware address.
            return Some(at);
        }
        let front = &text[..at];
        let ends = |with: &[u8]| {
            front.len() >= with.len() && front[front.len() - with.len()..].eq_ignore_ascii_case(with)
        };
        if wants.asns && (ends(b"as") || ends(b"asn")) {
            return Some(at);
        }
        // The last of four digits.
        let front = &front[..front.len().saturating_sub(3)];
        let head = front.last()?.to_ascii_uppercase();
        if wants.attack_ids && matches!(head, b'T' | b'A' | b'S' | b'G' | b'M' | b'C' | b'N') {
            return Some(at);
        }
        let dash = if matches!(head, b'-' | b'_' | b' ') { 1 } else { 3 };
        let name = front[..front.len().saturating_sub(dash)].last_chunk::<3>()?;
        (wants.cves && name.eq_ignore_ascii_case(b"cve")).then(|| front.len() - dash - 1)
    }
}
