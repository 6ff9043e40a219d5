//! `update-data`: the tables of `indicia-data` from files of their upstreams, and what changes.
//!
//! Files are known by name, wherever they lie below what `--from` names:
//!
//! | file | table | where it is published |
//! |---|---|---|
//! | `public_suffix_list.dat` | `public_suffixes.txt` | `https://publicsuffix.org/list/public_suffix_list.dat` |
//! | `tlds-alpha-by-domain.txt` | `tlds.txt` | `https://data.iana.org/TLD/tlds-alpha-by-domain.txt` |
//! | ATT&CK, see [`attack`] | `attack.txt` | `https://github.com/mitre-attack/attack-stix-data` |
//!
//! There is no network in it: `--fetch` calls `curl` for these addresses. Tables whose files are not given are left alone.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod attack;

const FETCHED: [(&str, &str); 5] = [
    ("public_suffix_list.dat", "https://publicsuffix.org/list/public_suffix_list.dat"),
    ("tlds-alpha-by-domain.txt", "https://data.iana.org/TLD/tlds-alpha-by-domain.txt"),
    (
        "enterprise-attack.json",
        "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master/enterprise-attack/enterprise-attack.json",
    ),
    (
        "mobile-attack.json",
        "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master/mobile-attack/mobile-attack.json",
    ),
    (
        "ics-attack.json",
        "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master/ics-attack/ics-attack.json",
    ),
];

/// So many changed lines of a table are shown.
const SHOWN: usize = 200;

/// Reads `[--check] [--fetch] [--from] PATH…`, writes the tables, or with `--check` fails where one is not what the
/// files give.
pub fn run(root: &Path, args: &[&str]) -> Result<(), Box<dyn Error>> {
    let (mut check, mut fetch, mut paths) = (false, false, Vec::new());
    for arg in args {
        match *arg {
            "--check" => check = true,
            "--fetch" => fetch = true,
            "--from" => {}
            other if other.starts_with("--") => return Err(format!("unknown option {other}").into()),
            path => paths.push(PathBuf::from(path)),
        }
    }
    let folder = tempfile::tempdir()?;
    if fetch {
        for (name, url) in FETCHED {
            let target = folder.path().join(name);
            let status = Command::new("curl")
                .args(["--fail", "--location", "--silent", "--show-error", "--output"])
                .arg(&target)
                .arg(url)
                .status()?;
            if !status.success() {
                return Err(format!("curl could not fetch {url}").into());
            }
        }
        paths.push(folder.path().to_path_buf());
    }
    if paths.is_empty() {
        return Err("name the upstream's files with --from, or use --fetch".into());
    }
    let made = tables(&paths)?;
    if made.is_empty() {
        return Err("none of the files is one of an upstream's; see cargo xtask help".into());
    }
    let mut stale = Vec::new();
    for (name, text) in made {
        let path = root.join("crates/indicia-data/tables").join(name);
        let before = fs::read_to_string(&path).unwrap_or_default();
        let (summary, lines) = diff(&before, &text);
        println!("{name}: {summary}");
        lines.iter().take(SHOWN).for_each(|line| println!("  {line}"));
        if lines.len() > SHOWN {
            println!("  … and {} more", lines.len() - SHOWN);
        }
        if before != text {
            if check {
                stale.push(name);
            } else {
                fs::write(&path, text)?;
            }
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("not what these files give: {}", stale.join(", ")).into())
    }
}

/// The tables that the files below these paths give, by name.
fn tables(paths: &[PathBuf]) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files)?;
    }
    let mut made = Vec::new();
    let mut attack = attack::Ids::default();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
        if name == "public_suffix_list.dat" {
            let list = indicia_data::psl::List::parse(&fs::read_to_string(&file)?).map_err(|e| wrong(&e))?;
            made.push(("public_suffixes.txt", list.table().to_string()));
        } else if name == "tlds-alpha-by-domain.txt" {
            let list = indicia_data::tld::List::parse(&fs::read_to_string(&file)?).map_err(|e| wrong(&e))?;
            made.push(("tlds.txt", list.table().to_string()));
        } else if attack::is_source(&name) {
            attack.read(&name, &fs::read(&file)?).map_err(|e| wrong(&e))?;
        }
    }
    if let Some(table) = attack.table() {
        made.push(("attack.txt", table));
    }
    made.sort_by_key(|(name, _)| *name);
    if made.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("two files for one table".into());
    }
    Ok(made)
}

/// Every file below a path, by name.
fn find(path: &Path, out: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| find(entry, out))
}

/// What changes, in a sentence and line by line.
fn diff(before: &str, after: &str) -> (String, Vec<String>) {
    let version =
        |text: &str| text.lines().find_map(|l| l.strip_prefix("# version: ")).unwrap_or("none").to_string();
    if before == after {
        return (format!("unchanged, {}", version(before)), Vec::new());
    }
    let rows = |text: &'_ str| -> BTreeSet<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_string).collect()
    };
    let (old, new) = (rows(before), rows(after));
    let (mut added, mut removed) = (0, 0);
    let mut lines = Vec::new();
    for row in old.union(&new) {
        if !old.contains(row) {
            added += 1;
            lines.push(format!("+ {row}"));
        } else if !new.contains(row) {
            removed += 1;
            lines.push(format!("- {row}"));
        }
    }
    (format!("{} -> {}; {added} added, {removed} removed", version(before), version(after)), lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn a_changed_list_is_shown_and_not_taken_for_the_committed_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tlds-alpha-by-domain.txt");
        fs::write(&file, "# Version 2099010100\nCOM\nUNHEARD\n").unwrap();
        let path = file.to_string_lossy();
        let error = run(&root(), &["--check", "--from", &path]).unwrap_err();
        assert_eq!(error.to_string(), "not what these files give: tlds.txt");
        let made = tables(&[file]).unwrap();
        let (summary, lines) = diff("# version: old\ncom\nnet\n", &made[0].1);
        assert_eq!(summary, "old -> IANA top-level domains, Version 2099010100; 1 added, 1 removed");
        assert_eq!(lines, ["- net", "+ unheard"]);
    }

    #[test]
    fn what_is_no_list_is_an_error_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("public_suffix_list.dat");
        fs::write(&file, "<html>\n").unwrap();
        let error = tables(&[file]).unwrap_err().to_string();
        assert!(error.contains("public_suffix_list.dat: line 1: "), "{error}");
    }

    /// The committed tables are what the files give that they were made from.
    #[test]
    fn the_committed_tables_are_up_to_date() {
        let Some(shared) = std::env::var_os("INDICIA_SHARED").map(PathBuf::from) else {
            println!("skipped: INDICIA_SHARED is not set");
            return;
        };
        let suffixes = shared.join("vectors/psl/public_suffix_list.dat");
        let labels = shared.join("vectors/misc/tlds-alpha-by-domain.txt");
        let [suffixes, labels] = [&suffixes, &labels].map(|path| path.to_string_lossy().into_owned());
        run(&root(), &["--check", "--from", &suffixes, &labels]).unwrap();
    }
}
