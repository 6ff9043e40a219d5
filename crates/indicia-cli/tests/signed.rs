//! Sets with a publisher's word on them: signed, and refused where something is not as it was signed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_indicia")).args(args).current_dir(dir).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn done(dir: &Path, args: &[&str]) -> Value {
    let (code, out, err) = run(dir, args);
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(out.lines().next().unwrap_or("null")).unwrap_or_default()
}

/// `a.key` and `b.key` with their public keys, `f.csv`, a log with one hit, and `s.ind`, signed with `a.key`.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("f.csv"), "indicator,type\nbad.example,domain\n").unwrap();
    fs::write(at.join("x.log"), "GET www.bad.example\n").unwrap();
    for name in ["a", "b"] {
        assert_eq!(run(at, &["keygen", "-o", name, "--no-passphrase"]).0, 0);
    }
    let compiled = done(at, &["compile", "--sign", "a.key", "--sequence", "41", "-o", "s.ind", "f.csv"]);
    assert_eq!(compiled["sequence"], 41);
    assert!(compiled["signed_by"].is_string());
    dir
}

/// Scan, lookup and inspect refuse a set with a key, for one reason.
fn refused(dir: &Path, set: &str, more: &[&str], message: &str, reason: &str) {
    for command in [&["scan", "-f", set, "x.log"][..], &["lookup", "-f", set, "bad.example"]] {
        let (code, out, err) = run(dir, &[command, more].concat());
        assert_eq!(code, 2, "{set} {more:?}: {out}");
        assert!(err.contains(message), "{set} {more:?}: {err}");
        assert!(!out.contains("\"indicator\""), "{out}");
    }
    if more.contains(&"--key") && !more.contains(&"--min-sequence") {
        let (code, out, err) = run(dir, &[&["inspect", set], more].concat());
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(message), "{err}");
        let object: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(object["signature"], serde_json::json!({ "verified": false, "reason": reason }));
    }
}

#[test]
fn what_was_signed_is_taken() {
    let dir = folder();
    let dir = dir.path();
    for args in [
        &["scan", "-f", "s.ind", "--key", "a.pub", "x.log"][..],
        &["scan", "-f", "s.ind", "--key", "a.pub", "--min-sequence", "41", "x.log"],
        &["scan", "-f", "s.ind", "x.log"],
        &["lookup", "-f", "s.ind", "--key", "a.pub", "bad.example"],
        &["inspect", "s.ind", "--verify"],
    ] {
        done(dir, args);
    }
    let seen = done(dir, &["inspect", "s.ind", "--key", "a.pub"]);
    assert_eq!(seen["signature"], serde_json::json!({ "verified": true }));
    assert_eq!((&seen["sequence"], &seen["not_after"]), (&41.into(), &Value::Null));
    let (_, text, _) = run(dir, &["inspect", "--format", "text", "s.ind", "--key", "a.pub"]);
    assert!(text.contains("(checked)") && text.contains("sequence         41"), "{text}");
    // Content and digest are those of the set that nobody signed.
    let plain = done(dir, &["compile", "-o", "plain.ind", "f.csv"]);
    assert_eq!(plain["digest"], seen["digest"]);
    // Compiled again it has nothing of what was said of it.
    let again = done(dir, &["compile", "-o", "again.ind", "s.ind"]);
    assert_eq!(again["sequence"], Value::Null);
    assert_eq!(fs::read(dir.join("again.ind")).unwrap(), fs::read(dir.join("plain.ind")).unwrap());
    // Until a time that is to come.
    done(dir, &["compile", "--sign", "a.key", "--not-after", "2999-01-01", "-o", "t.ind", "f.csv"]);
    assert_eq!(done(dir, &["inspect", "t.ind", "--key", "a.pub"])["not_after"], "2999-01-01T00:00:00Z");
    done(dir, &["scan", "-f", "t.ind", "--key", "a.pub", "x.log"]);
}

#[test]
fn each_refusal_has_its_reason() {
    let dir = folder();
    let dir = dir.path();
    let key = &["--key", "a.pub"][..];
    done(dir, &["compile", "-o", "plain.ind", "f.csv"]);
    refused(dir, "plain.ind", key, "has no signature", "set-unsigned");
    refused(dir, "s.ind", &["--key", "b.pub"], "signed with another key", "set-key");
    refused(
        dir,
        "s.ind",
        &["--key", "a.pub", "--min-sequence", "42"],
        "sequence 41, and 42 is the least",
        "set-sequence",
    );
    refused(dir, "s.ind", &["--min-sequence", "42"], "sequence 41, and 42 is the least", "set-sequence");
    done(dir, &["compile", "--sign", "a.key", "--not-after", "2020-01-01", "-o", "old.ind", "f.csv"]);
    refused(dir, "old.ind", key, "a time that is over; get a newer one: 2020-01-01T00:00:00Z", "set-expired");
    refused(dir, "old.ind", &[], "a time that is over", "set-expired");

    // Another sequence or time under the signature: the header's own check is made right again.
    let good = fs::read(dir.join("s.ind")).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        use sha2::{Digest, Sha256};
        let mut bytes = good.clone();
        change(&mut bytes);
        let mut page = bytes[..4096].to_vec();
        page[16..48].fill(0);
        bytes[16..48].copy_from_slice(&Sha256::digest(&page));
        fs::write(dir.join("changed.ind"), &bytes).unwrap();
    };
    let signature = "the signature does not fit the set";
    for at in [80, 88, 104, 135, 136, 166] {
        with(&|bytes| bytes[at] ^= 1);
        refused(dir, "changed.ind", key, signature, "set-signature");
    }
    with(&|bytes| bytes[96] ^= 1);
    refused(dir, "changed.ind", key, "signed with another key", "set-key");
    with(&|bytes| bytes[96..169].fill(0));
    refused(dir, "changed.ind", key, "has no signature", "set-unsigned");
    // Another content under the digest that was signed.
    let last = good.len() - 1;
    for at in [48, 200, 4096, last] {
        with(&|bytes| bytes[at] ^= 1);
        for command in [&["scan", "-f", "changed.ind", "x.log"][..], &["inspect", "changed.ind"]] {
            let (code, out, _) = run(dir, &[command, key].concat());
            assert_eq!(code, 2);
            assert!(!out.contains("www.bad.example") && !out.contains("\"verified\":true"), "{out}");
        }
    }
    with(&|bytes| bytes[4096] ^= 1);
    refused(dir, "changed.ind", key, "the set is damaged", "set-corrupt");

    // Nothing that nobody signed takes the place of a set.
    let (code, out, err) = run(dir, &["scan", "-f", "f.csv", "--key", "a.pub", "x.log"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("nobody signed it"), "{err}");
    // One of two: the rest is done.
    let (code, out, _) = run(dir, &["scan", "-f", "s.ind", "-f", "plain.ind", "--key", "a.pub", "x.log"]);
    assert_eq!((code, out.lines().count()), (2, 1));
    for args in [
        &["scan", "-f", "s.ind", "--key", "missing.pub", "x.log"][..],
        &["scan", "-f", "s.ind", "--key", "f.csv", "x.log"],
        &["inspect", "s.ind", "--key", "missing.pub"],
        &["compile", "--sign", "missing.key", "-o", "n.ind", "f.csv"],
        &["compile", "--sign", "a.pub", "-o", "n.ind", "f.csv"],
    ] {
        assert_eq!(run(dir, args).0, 2, "{args:?}");
    }
    assert!(!dir.join("n.ind").exists());
}

/// Keys of the other program that makes them.
#[test]
fn a_key_of_minisign_signs() {
    let dir = folder();
    let dir = dir.path();
    let minisign = ["-G", "-W", "-p", "m.pub", "-s", "m.key"];
    if !Command::new("minisign")
        .args(minisign)
        .current_dir(dir)
        .output()
        .is_ok_and(|made| made.status.success())
    {
        eprintln!("skipped: minisign is not installed, or makes no open keys");
        return;
    }
    done(dir, &["compile", "--sign", "m.key", "--sequence", "1", "-o", "m.ind", "f.csv"]);
    done(dir, &["scan", "-f", "m.ind", "--key", "m.pub", "x.log"]);
    refused(dir, "m.ind", &["--key", "a.pub"], "signed with another key", "set-key");
    let seen = done(dir, &["inspect", "m.ind", "--key", "m.pub"]);
    let public = fs::read_to_string(dir.join("m.pub")).unwrap();
    assert!(public.contains(seen["signed_by"].as_str().unwrap()), "{public} {seen}");
}
