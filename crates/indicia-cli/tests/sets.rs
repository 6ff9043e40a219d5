//! What is done with set files: `delta` and `apply`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn indicia(dir: &Path, args: &[&str]) -> (i32, Value, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_indicia")).args(args).current_dir(dir).output().unwrap();
    let out = serde_json::from_slice(&stdout).unwrap_or_default();
    (status.code().unwrap_or(-1), out, String::from_utf8(stderr).unwrap())
}

#[test]
fn a_delta_leads_from_one_set_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("old.txt"), "bad.example\n192.0.2.7\nhttp://bad.example/a\n").unwrap();
    fs::write(dir.join("new.txt"), "bad.example\n192.0.2.8\nhttp://bad.example/a\nworse.example\n").unwrap();
    for name in ["old", "new"] {
        let (set, feed) = (format!("{name}.ind"), format!("{name}.txt"));
        let (code, _, err) = indicia(dir, &["compile", "--name", "f", "-o", &set, &feed]);
        assert_eq!(code, 0, "{err}");
    }
    let (code, out, err) = indicia(dir, &["delta", "old.ind", "new.ind", "-o", "d"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!((&out["removed"], &out["changed"], &out["added"]), (&1.into(), &0.into(), &2.into()));
    assert_eq!(out["bytes"], fs::metadata(dir.join("d")).unwrap().len());

    let (code, out, err) = indicia(dir, &["apply", "old.ind", "d", "-o", "made.ind"]);
    assert_eq!((code, &out["indicators"]), (0, &4.into()), "{err}");
    let new = fs::read(dir.join("new.ind")).unwrap();
    assert!(fs::read(dir.join("made.ind")).unwrap() == new);

    // It leads from no other set, and what is refused changes nothing.
    let (code, _, err) = indicia(dir, &["apply", "new.ind", "d", "-o", "made.ind"]);
    assert_eq!(code, 2);
    assert!(err.contains("leads from another set"), "{err}");
    let mut delta = fs::read(dir.join("d")).unwrap();
    delta.truncate(delta.len() / 2);
    fs::write(dir.join("cut"), delta).unwrap();
    let (code, _, err) = indicia(dir, &["apply", "old.ind", "cut", "-o", "none.ind"]);
    assert_eq!(code, 2);
    assert!(err.contains("cut: the delta is damaged"), "{err}");
    assert!(!dir.join("none.ind").exists());
    assert!(fs::read(dir.join("made.ind")).unwrap() == new);

    // The old set may be replaced by the new one.
    assert_eq!(indicia(dir, &["apply", "old.ind", "d", "-o", "old.ind"]).0, 0);
    assert!(fs::read(dir.join("old.ind")).unwrap() == new);
}
