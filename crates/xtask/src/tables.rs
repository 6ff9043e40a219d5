//! `generate tables`: writes the text tables of `indicia-data` from the lists' own files.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const COMMAND: &str = "# written by: cargo xtask generate tables LISTS";

/// Reads `psl/public_suffix_list.dat` and `misc/tlds-alpha-by-domain.txt` below `lists`.
pub fn generate(root: &Path, lists: &Path) -> Result<(), Box<dyn Error>> {
    let out = root.join("crates/indicia-data/tables");
    let suffixes = fs::read_to_string(lists.join("psl/public_suffix_list.dat"))?;
    fs::write(out.join("public_suffixes.txt"), public_suffixes(&suffixes)?)?;
    let tlds = fs::read_to_string(lists.join("misc/tlds-alpha-by-domain.txt"))?;
    fs::write(out.join("tlds.txt"), top_level(&tlds))?;
    Ok(())
}

fn public_suffixes(list: &str) -> Result<String, Box<dyn Error>> {
    // The list names its commit only when fetched from its own site; a content digest says which it is.
    let version = list.lines().find_map(|l| l.strip_prefix("// VERSION: ")).map_or_else(
        || format!("{} rules, fnv1a64 {:016x}", rules(list).count(), fnv1a(list.as_bytes())),
        str::to_string,
    );
    let mut text = format!(
        "{COMMAND}\n# Public Suffix List, {version}\n# publicsuffix.org, Mozilla Public License 2.0 (https://mozilla.org/MPL/2.0/); rules as A-labels\n"
    );
    let mut private = false;
    let mut section = BTreeSet::new();
    let flush = |section: &mut BTreeSet<String>, text: &mut String| {
        for rule in std::mem::take(section) {
            let _ = writeln!(text, "{rule}");
        }
    };
    for line in list.lines() {
        if line.contains("===BEGIN PRIVATE DOMAINS===") {
            flush(&mut section, &mut text);
            private = true;
            text.push_str("=private\n");
        }
        let Some(rule) = rule(line) else { continue };
        let (mark, name) = if let Some(name) = rule.strip_prefix('!') {
            ("!", name)
        } else if let Some(name) = rule.strip_prefix("*.") {
            ("*.", name)
        } else {
            ("", rule)
        };
        section.insert(format!("{mark}{}", idna::domain_to_ascii(name)?));
    }
    flush(&mut section, &mut text);
    assert!(private, "the list has no private section");
    Ok(text)
}

fn rules(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(rule)
}

fn rule(line: &str) -> Option<&str> {
    let rule = line.split_whitespace().next()?;
    (!rule.starts_with("//")).then_some(rule)
}

fn top_level(list: &str) -> String {
    let mut lines = list.lines();
    let version = lines.next().unwrap_or_default().trim_start_matches("# ");
    let mut text = format!("{COMMAND}\n# IANA top-level domains, {version}\n");
    for tld in lines.filter(|l| !l.starts_with('#') && !l.is_empty()) {
        text.push_str(&tld.to_ascii_lowercase());
        text.push('\n');
    }
    text
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
