//! Rows that say the same of other values: most feeds have few, so what was read of their cells is kept.
//!
//! This is for rows with one column of values. Whatever it does not know is read by [`Layout::row_of_any`], and what it
//! knows comes out alike.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use indicia_core::{Context, Match};

use super::{Layout, Meaning, Row, formula, is_null};
use crate::Place;
use crate::collect::Collector;
use crate::kinds::{self, Hint};

/// What the rows of a feed said beside their values: many say the same, which is read once.
#[derive(Default)]
pub(crate) struct Known {
    /// By the other cells, each behind its length.
    rows: HashMap<Vec<u8>, Beside, RandomState>,
    cells: Vec<u8>,
    /// Rows that said something new.
    fresh: usize,
    all: usize,
}

/// What a row says beside its value.
struct Beside {
    hint: Hint,
    source_type: String,
    said: Option<Match>,
    context: Option<Arc<Context>>,
}

impl Known {
    /// No more rows than these are kept.
    const MOST: usize = 1024;
    /// The other cells of a row that is kept have no more bytes.
    const LONGEST: usize = 1024;
    /// So many rows may say something new before it is asked whether most do.
    const TRIED: usize = 64;

    /// Takes the cells of a row but one; `false` where it is not worth it: they are long, or most rows say something new.
    pub(super) fn take<S: AsRef<str>>(&mut self, cells: &[S], but: usize) -> bool {
        self.all += 1;
        if self.fresh > Known::TRIED && self.fresh > self.all / 2 {
            return false;
        }
        self.cells.clear();
        for (i, cell) in cells.iter().enumerate().filter(|(i, _)| *i != but) {
            let cell = cell.as_ref().as_bytes();
            self.cells.extend((i as u32).to_le_bytes());
            self.cells.extend((cell.len() as u32).to_le_bytes());
            self.cells.extend(cell);
        }
        self.cells.len() <= Known::LONGEST
    }

    /// Keeps what was read of the cells that were taken.
    fn keep(&mut self, beside: Beside) {
        if self.rows.len() == Known::MOST {
            self.rows.clear();
        }
        self.rows.insert(self.cells.clone(), beside);
    }
}

impl Layout {
    /// Reads a row that has its value in one column, and whose other cells were taken.
    pub(super) fn row_of_one<S: AsRef<str>>(
        &self,
        at: usize,
        cells: &[S],
        place: &dyn Fn() -> Place,
        to: &mut Collector<'_>,
    ) {
        let cell = cells.get(at).map_or("", |cell| formula(cell.as_ref().trim()));
        if is_null(cell) {
            return self.row_of_any(cells, place, to);
        }
        if !to.known.rows.contains_key(&to.known.cells) {
            to.known.fresh += 1;
            match self.beside(at, cells, to) {
                Some(beside) => to.known.keep(beside),
                None => return self.row_of_any(cells, place, to),
            }
        }
        let Some(beside) = to.known.rows.get(&to.known.cells) else { return };
        let matching = to.matching(Match::Subdomains, beside.said);
        match kinds::target(beside.hint, &beside.source_type, cell, matching) {
            Ok(typed) => {
                let context = beside.context.clone();
                to.report.retyped += u64::from(typed.retyped);
                to.emit_shared(typed.target, context.as_ref());
            }
            Err(reason) => to.refuse(place(), reason, cell),
        }
    }

    /// What a row says beside its value, unless its type is a word that is none.
    fn beside<S: AsRef<str>>(&self, at: usize, cells: &[S], to: &Collector<'_>) -> Option<Beside> {
        let mut row = Row::default();
        let mut type_ = None;
        for (i, cell) in cells.iter().enumerate().filter(|(i, _)| *i != at) {
            let cell = formula(cell.as_ref().trim());
            if is_null(cell) {
                continue;
            }
            match self.columns.get(i) {
                Some((_, Meaning::Type)) => type_ = Some(cell),
                Some((name, meaning)) if !(*meaning == Meaning::Extra && name.is_empty()) => {
                    row.field(*meaning, name, cell);
                }
                _ => row.extra(&format!("column {}", i + 1), cell),
            }
        }
        let (hint, source_type) = match type_ {
            None => (Hint::Shape, "value"),
            Some(type_) => match type_.strip_prefix("other:") {
                Some(source_type) => (Hint::Other, source_type),
                None => (kinds::of_type(type_)?, type_),
            },
        };
        let source_type = source_type.to_string();
        Some(Beside { hint, source_type, said: row.match_, context: to.share(row.context) })
    }
}

#[cfg(test)]
mod tests {
    use indicia_core::{Indicator, Role, Tlp};

    use super::*;
    use crate::collect::Each;
    use crate::{Format, ReadOptions, Report};

    fn read(layout: &Layout, options: &ReadOptions, rows: &[[&str; 7]]) -> (Vec<Indicator>, Report) {
        let mut all = Vec::new();
        let mut sink = |indicator| all.push(indicator);
        let mut each = Each(&mut sink);
        let mut to = Collector::new(Format::Csv, options, &mut each);
        for (number, row) in (1..).zip(rows) {
            layout.row(row, &|| Place::Line(number), &mut to);
        }
        let report = to.finish();
        (all, report)
    }

    #[test]
    fn what_is_known_comes_out_as_what_is_read() {
        let names = ["value", "type", "source", "confidence", "match", "tags", "id"].map(String::from);
        let options = [
            ReadOptions::default(),
            ReadOptions {
                feed: Some("f".into()),
                tlp: Some(Tlp::Green),
                default_role: Some(Role::C2),
                confidence_min: Some(50.0),
                ..ReadOptions::default()
            },
        ];
        let long = "x".repeat(2000);
        let values =
            ["evil.example", "192.0.2.1", "", "-", " 'http://evil.example/a", "no value", "203.0.113.0/24"];
        let types = ["", "domain", "ip", "url", "other:thing", "banker", "NULL"];
        let beside = [
            ["a", "80", "", "x,y", ""],
            ["a", "20", "subdomains", "", ""],
            ["", "high", "exact", "x|y", "7"],
            ["'=a", "many", "nothing", "-", &long],
        ];
        let mut rows = Vec::new();
        // More rows than are tried say something new: those of the second half do not.
        let ids: Vec<String> = (0..400).map(|n| n.to_string()).collect();
        for (n, id) in ids.iter().enumerate() {
            let mut beside = beside[n % 4];
            if n % 3 == 0 && n < 200 {
                beside[4] = id;
            }
            let [source, confidence, match_, tags, id] = beside;
            rows.push([values[n % 7], types[n / 4 % 7], source, confidence, match_, tags, id]);
        }
        for options in &options {
            let layout = Layout::new(Some(&names), 0, options).unwrap();
            assert_eq!(layout.only_value, Some(0));
            let slow = Layout { only_value: None, ..Layout::new(Some(&names), 0, options).unwrap() };
            let (known, report) = read(&layout, options, &rows);
            assert!(known.len() > 50, "{}", known.len());
            assert_eq!((known, report), read(&slow, options, &rows));
        }
    }
}
