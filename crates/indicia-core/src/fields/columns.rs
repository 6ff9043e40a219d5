//! The fields of tables: Zeek TSV, CSV with a header, W3C extended logs.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::{Field, Written};

/// The names of the columns of the lines to come, from the lines before.
///
/// Of CSV it is the first line of the data, where it looks like one: two names or more, no two alike, each begins with a
/// letter and holds no other signs than names have. In Zeek's and W3C's logs it is the last line that begins with `#fields`
/// or `#Fields:`. A copy is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    columns: Option<Arc<Columns>>,
    /// Something was read.
    begun: bool,
    /// What comes next goes on with a line.
    cut: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Columns {
    layout: Layout,
    names: Vec<Box<str>>,
    /// Columns that hold several values.
    sets: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Zeek(u8),
    Csv(u8),
    W3c,
}

/// More columns than anybody's table has.
const MOST: usize = 4096;

impl Header {
    /// Takes note of what the next lines of the data, whole ones, say of the columns of those behind them.
    pub fn read(&mut self, lines: &[u8]) {
        self.begin(lines);
        self.cut = false;
        if let Some(at) = header_lines(lines).last() {
            self.read_line(&lines[at..]);
        }
    }

    /// Takes note that what was read ended within a line: the rest of that line has no fields.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Where nothing was read before, looks for a header in the first line.
    pub(crate) fn begin(&mut self, lines: &[u8]) {
        if !std::mem::replace(&mut self.begun, true) {
            self.columns = csv(lines);
        }
    }

    /// Takes the header that begins `text`.
    pub(crate) fn read_line(&mut self, text: &[u8]) {
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let line = text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
        if let Some(names) = line.strip_prefix(b"#Fields:") {
            let names = names.split(|b| matches!(b, b' ' | b'\t')).filter(|name| !name.is_empty());
            self.columns =
                Some(Arc::new(Columns { layout: Layout::W3c, names: owned(names), sets: Vec::new() }));
        } else if let Some((separator, names)) = line.strip_prefix(b"#fields").and_then(<[u8]>::split_first) {
            let mut sets = Vec::new();
            let types = text.get(end + 1..).unwrap_or_default();
            if types.starts_with(b"#types") {
                let end = memchr::memchr(b'\n', types).unwrap_or(types.len());
                let types = types[..end].split(|b| b == separator).skip(1);
                sets = types.map(|t| t.starts_with(b"vector[") || t.starts_with(b"set[")).collect();
            }
            let names = owned(names.split(|b| b == separator));
            self.columns = Some(Arc::new(Columns { layout: Layout::Zeek(*separator), names, sets }));
        }
    }

    /// Gives the fields of a line of the table; `false` where it is none.
    pub(super) fn walk(&self, line: &[u8], on: &mut dyn FnMut(&Field<'_>)) -> bool {
        let Some(columns) = self.columns.as_deref() else { return false };
        let mut cells: [Range<usize>; 64] = [const { 0..0 }; 64];
        let mut many = Vec::new();
        let most = columns.names.len();
        let mut count = 0;
        let written = columns.layout.cells(line, &mut |cell| {
            match cells.get_mut(count) {
                Some(place) => *place = cell,
                None => many.push(cell),
            }
            count += 1;
            count <= most
        });
        if count != most || most < 2 {
            return false;
        }
        let cells = cells.into_iter().take(count).chain(many);
        for (number, (name, span)) in columns.names.iter().zip(cells).enumerate() {
            let set = columns.sets.get(number) == Some(&true);
            let written = if set { Written::Set } else { written };
            on(&Field { name, span, written, item: 0 });
        }
        true
    }
}

fn owned<'n>(names: impl Iterator<Item = &'n [u8]>) -> Vec<Box<str>> {
    names.take(MOST).map(|name| String::from_utf8_lossy(name).into()).collect()
}

/// Where lines with names of columns begin.
pub(crate) fn header_lines(lines: &[u8]) -> std::vec::IntoIter<usize> {
    let is = |at: &usize| lines[*at..].starts_with(b"#fields") || lines[*at..].starts_with(b"#Fields:");
    let found: Vec<usize> = std::iter::once(0)
        .chain(memchr::memmem::find_iter(lines, b"\n#").map(|newline| newline + 1))
        .filter(is)
        .collect();
    found.into_iter()
}

impl Layout {
    /// Calls `on` for the borders of each cell until it gives `false`.
    fn cells(self, line: &[u8], on: &mut dyn FnMut(Range<usize>) -> bool) -> Written {
        let (separator, written) = match self {
            Layout::Zeek(separator) => (separator, Written::Plain),
            Layout::Csv(separator) => (separator, Written::Csv),
            // Some write tabs below a header with spaces.
            Layout::W3c if line.contains(&b'\t') => (b'\t', Written::Plain),
            Layout::W3c => (b' ', Written::Csv),
        };
        let mut from = 0;
        loop {
            let quoted = written == Written::Csv && line.get(from) == Some(&b'"');
            let cell = match quoted.then(|| closing_quote(line, from + 1)).flatten() {
                Some(close) => from + 1..close,
                None => from..from + memchr::memchr(separator, &line[from..]).unwrap_or(line.len() - from),
            };
            let behind = cell.end + usize::from(cell.start > from);
            if !on(cell) || behind >= line.len() {
                return written;
            }
            // Behind a closing quote nothing but a separator makes a table.
            if line[behind] != separator {
                on(behind..behind);
                on(behind..behind);
                return written;
            }
            from = behind + 1;
        }
    }
}

/// The quote that ends a cell: the next that is not doubled.
fn closing_quote(line: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr::memchr(b'"', line.get(from..)?)?;
        if line.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

/// The header of CSV at the beginning of data, where it is one.
fn csv(data: &[u8]) -> Option<Arc<Columns>> {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let end = memchr::memchr(b'\n', data).unwrap_or(data.len());
    let line = data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]);
    if line.len() > 1 << 16 {
        return None;
    }
    let best = [b',', b';', b'\t', b'|'].map(|separator| {
        let (layout, mut cells) = (Layout::Csv(separator), Vec::new());
        layout.cells(line, &mut |cell| {
            cells.push(cell);
            cells.len() <= MOST
        });
        (layout, cells)
    });
    let (layout, cells) = best.into_iter().max_by_key(|(_, cells)| cells.len())?;
    let is_name = |name: &[u8]| {
        (1..=64).contains(&name.len())
            && (name[0].is_ascii_alphabetic() || matches!(name[0], b'_' | b'@'))
            && name.iter().all(|b| b.is_ascii_alphanumeric() || b" _.@/()#-,".contains(b))
    };
    let names: Vec<&[u8]> = cells.iter().map(|cell| &line[cell.clone()]).collect();
    let different: HashSet<&[u8]> = names.iter().copied().collect();
    let fits = (2..=MOST).contains(&names.len()) && different.len() == names.len();
    if !fits || !names.iter().all(|name| is_name(name)) {
        return None;
    }
    Some(Arc::new(Columns { layout, names: owned(names.into_iter()), sets: Vec::new() }))
}
