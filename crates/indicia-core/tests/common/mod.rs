//! What the tests of vectors share: the files, and rows that are expected to fail.
//!
//! A conformance file holds but for the rows that a list of expected failures names, each with its reason; a row that
//! fails without being listed and a listed row that no longer fails (or no longer exists) both break the build.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

/// What the rows of the conformance files did: `file` and `row` name a row, the outcome is `None` where it holds.
#[derive(Default)]
pub(crate) struct Findings(BTreeMap<(String, String), Option<String>>);

impl Findings {
    pub(crate) fn row(&mut self, file: &str, row: &str, holds: bool, got: impl FnOnce() -> String) {
        let outcome = (!holds).then(got);
        let old = self.0.insert((file.into(), row.into()), outcome.clone());
        assert!(old.is_none_or(|old| old == outcome), "two rows of {file} are both named {row}");
    }

    /// Compares with the list of expected failures of this name.
    pub(crate) fn compare_with_expected(&self, list: &str) {
        let expected = expected_failures(list);
        let mut wrong = String::new();
        for ((file, row), outcome) in &self.0 {
            let listed = expected.contains(&(file.clone(), row.clone()));
            match outcome {
                Some(got) if !listed => writeln!(wrong, "fails: {file}: {row}: {got}").unwrap(),
                None if listed => writeln!(wrong, "listed, but holds: {file}: {row}").unwrap(),
                _ => {}
            }
        }
        for (file, row) in expected.iter().filter(|id| !self.0.contains_key(*id)) {
            writeln!(wrong, "listed, but there is no such row: {file}: {row}").unwrap();
        }
        assert!(wrong.is_empty(), "{} rows, {} expected to fail\n{wrong}", self.0.len(), expected.len());
    }
}

/// `[[failure]]` tables of `file`, `row` and `reason`, one basic string a line: the part of TOML that the list uses.
fn expected_failures(list: &str) -> BTreeSet<(String, String)> {
    let content = read(list);
    let mut tables = Vec::<BTreeMap<&str, String>>::new();
    for line in content.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == "[[failure]]" {
            tables.push(BTreeMap::new());
            continue;
        }
        let (name, value) = line.split_once(" = ").unwrap_or_else(|| panic!("not `name = \"text\"`: {line}"));
        let value = serde_json::from_str(value).unwrap_or_else(|e| panic!("{e}: {line}"));
        tables.last_mut().expect("a [[failure]] line first").insert(name, value);
    }
    let mut listed = BTreeSet::new();
    for mut table in tables {
        let mut take =
            |name: &str| table.remove(name).unwrap_or_else(|| panic!("a failure without `{name}`"));
        assert!(!take("reason").is_empty(), "every failure has a reason");
        let id = (take("file"), take("row"));
        assert!(listed.insert(id.clone()), "listed twice: {id:?}");
    }
    listed
}

pub(crate) fn read(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn json_lines(name: &str) -> Vec<(usize, Value)> {
    let parse = |(index, line)| {
        (index + 1, serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {}: {e}", index + 1)))
    };
    read(name).lines().enumerate().map(parse).collect()
}
