//! Sharing as its users run it: keys, agreements, packages that came by any way, ledgers, and what a crash leaves.
//!
//! `INDICIA_KILLS=1000` makes the long run that `benches/README.md` records.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const NOW: &str = "2017-11-02T12:00:00Z";

const AGREEMENT: &str = r#"schema = "indicia-agreement/1"
id = "a-b"
version = 2
legal_reference = "Letter"
valid = { from = 2017-01-01, until = 2018-01-01 }
[provider]
id = "a.example"
[recipient]
id = "b.example"
kind = "vendor"
countries = []
[scope]
roles = "all"
kinds = "all"
countries = "all"
basis = ["statement"]
unknown_country = "send"
[ceiling]
tlp = "green"
[handling]
purposes = ["prevention", "detection", "investigation"]
onward = "none"
attribution = "may"
[retention]
days = 30
[redaction]
rules = "strict@1"
[feedback]
accept = ["sighting", "false-positive"]
"#;

#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    }

    #[track_caller]
    fn is(&self, code: i32, said: &str) {
        assert!(self.code == code && self.err.contains(said), "{code} {said:?}: {self:?}");
    }
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indicia"));
    command.args(args).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("INDICIA_PASSPHRASE");
    command
}

fn finish(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Run {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

fn run(dir: &Path, args: &[&str]) -> Run {
    finish(&mut command(dir, args))
}

fn line(kind: &str, value: &str, more: &str) -> String {
    format!(
        r#"{{"target":{{"kind":"{kind}","value":{},"match":"exact"}},"contexts":[{{"feed":"f","producer":"a.example","role":"c2","last_seen":"2017-11-01T00:00:00Z","tlp":"green","pap":"green"{more}}}]}}"#,
        serde_json::to_string(value).unwrap()
    )
}

fn feed(n: usize) -> String {
    (0..n)
        .map(|i| {
            let id = format!(",\"source_id\":\"indicator--{i:08}-0000-4000-8000-000000000000\"");
            line("domain", &format!("host{i}.bad.example"), &id) + "\n"
        })
        .collect()
}

/// A folder with a key, an agreement and a feed.
struct Site(TempDir);

impl Site {
    fn new() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        run(site.dir(), &["keygen", "--no-passphrase", "-o", "k"]).is(0, "");
        site.write("a.toml", AGREEMENT);
        site.write("f.jsonl", feed(3));
        site
    }

    /// One that has shared into `out/a-b-v2`.
    fn shared() -> Site {
        let site = Site::new();
        site.share(&[]).is(0, "");
        site
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn share_as(&self, agreement: &str, ledger: &str, out: &str, feed: &str, more: &[&str]) -> Run {
        let mut args =
            vec!["share", "--agreement", agreement, "--key", "k.key", "--ledger", ledger, "-o", out, feed];
        args.extend(more);
        if !more.contains(&"--as-of") && !more.contains(&"--plan") {
            args.extend(["--as-of", NOW]);
        }
        run(self.dir(), &args)
    }

    fn share(&self, more: &[&str]) -> Run {
        self.share_as("a.toml", "l", "out", "f.jsonl", more)
    }

    fn receive(&self, folder: &str, state: &str) -> Run {
        run(self.dir(), &receiving(folder, state))
    }

    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        files(&self.path(folder))
    }
}

fn receiving<'a>(folder: &'a str, state: &'a str) -> [&'a str; 10] {
    ["receive", "--agreement", "a.toml", "--key", "k.pub", "--state", state, "--as-of", NOW, folder]
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|p| (p.file_name().unwrap().to_str().unwrap().to_string(), fs::read(&p).unwrap())).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut all: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    all.sort();
    all
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (name, bytes) in files(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

/// Mounts a small file system, where the test may.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf, size: &str) -> Option<Small> {
        fs::create_dir_all(&at).unwrap();
        let size = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output();
        if mounted.is_ok_and(|o| o.status.success()) {
            return Some(Small(at));
        }
        eprintln!("skipped: a full file system (tmpfs cannot be mounted here)");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn keys_are_for_their_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, mode) = (dir.path(), |p: PathBuf| fs::metadata(p).unwrap().permissions().mode() & 0o777);
    run(dir, &["keygen", "-o", "k"]).is(2, "INDICIA_PASSPHRASE");
    assert!(names(dir).is_empty());
    let with = |words: &str, args: &[&str]| finish(command(dir, args).env("INDICIA_PASSPHRASE", words));
    let made = with("open sesame", &["keygen", "-o", "k"]);
    made.is(0, "keep it to yourself");
    assert_eq!(names(dir), ["k.key", "k.pub"]);
    assert_eq!((mode(dir.join("k.key")), mode(dir.join("k.pub"))), (0o600, 0o644));
    assert!(fs::read_to_string(dir.join("k.pub")).unwrap().ends_with(&made.out));
    // Neither is written over, and neither is made where the other is there.
    let both = files(dir);
    with("x", &["keygen", "-o", "k"]).is(2, "is there already");
    fs::write(dir.join("other.pub"), "").unwrap();
    run(dir, &["keygen", "--no-passphrase", "-o", "other"]).is(2, "is there already");
    symlink("nowhere", dir.join("third.key")).unwrap();
    run(dir, &["keygen", "--no-passphrase", "-o", "third"]).is(2, "is there already");
    fs::remove_file(dir.join("third.key")).unwrap();
    fs::remove_file(dir.join("other.pub")).unwrap();
    assert_eq!(files(dir), both);

    fs::write(dir.join("a.toml"), AGREEMENT).unwrap();
    fs::write(dir.join("f.jsonl"), feed(1)).unwrap();
    let share = ["share", "--agreement", "a.toml", "--key", "k.key", "--as-of", NOW, "-o", "out", "f.jsonl"];
    with("open barley", &share).is(2, "the passphrase does not open the key");
    run(dir, &share).is(2, "the passphrase does not open the key");
    assert!(!dir.join("out").exists());
    with("open sesame", &share).is(0, "");
    // What is no key.
    for (bytes, said) in
        [(&b""[..], "not a minisign secret key"), (b"\xff", "UTF-8"), (b"x\nRWQ=\n", "not a minisign")]
    {
        fs::write(dir.join("k.key"), bytes).unwrap();
        with("x", &share).is(2, said);
    }
    fs::remove_file(dir.join("k.key")).unwrap();
    with("x", &share).is(2, "k.key: No such file");
}

#[test]
fn half_a_key_pair_is_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(dir.path().join("small"), "4k") else { return };
    run(dir.path(), &["keygen", "--no-passphrase", "-o", "small/k"]).is(2, "space");
    assert!(names(&small.0).is_empty());
}

#[test]
fn agreements_are_told_by_line_and_field() {
    let site = Site::new();
    let bad =
        AGREEMENT.replace("version = 2", "version = \"two\"").replace("tlp = \"green\"", "tpl = \"green\"");
    site.write("bad.toml", bad);
    site.write("latin.toml", b"# \xe9\n");
    let check = |args: &[&str]| run(site.dir(), &[&["agreement"], args].concat());
    let fine = check(&["check", "a.toml"]);
    fine.is(0, "");
    assert_eq!(fine.out, "a.toml: a-b@2 is in order\n");
    let r = check(&["check", "bad.toml", "a.toml"]);
    r.is(2, "bad.toml: line 3: version");
    r.is(2, "bad.toml: line 19: ceiling.tpl");
    assert!(r.out.contains("a.toml"), "the others are checked all the same: {r:?}");
    check(&["check", "missing.toml"]).is(2, "missing.toml");
    check(&["check", "latin.toml"]).is(2, "UTF-8");
    check(&["explain", "bad.toml"]).is(2, "bad.toml: line 3: version");
    let r = check(&["explain", "a.toml"]);
    assert!(r.code == 0 && r.out.starts_with("  1. ") && r.out.contains("b.example"), "{r:?}");
    // What an agreement says reaches no terminal as it is.
    site.write("bidi.toml", AGREEMENT.replace("\"Letter\"", "\"x\\u202Ey\""));
    let r = check(&["explain", "bidi.toml"]);
    assert!(!r.out.contains('\u{202e}'), "{r:?}");
    check(&["explain", "a.toml", "bad.toml"]).is(2, "bad.toml: line 3");
}

#[test]
fn share_makes_all_or_nothing() {
    let site = Site::shared();
    let r = site.receive("out/a-b-v2", "s");
    r.is(0, "package 1 from a.example: 3 records, 0 notices, 0 answers");
    assert_eq!(r.json().len(), 3);

    // An output folder that is there: neither it nor the ledger changes.
    let (before, ledger) = (site.files("out/a-b-v2"), site.read("l"));
    site.share(&[]).is(2, "out/a-b-v2 is there already");
    symlink("nowhere", site.path("dangling")).unwrap();
    for taken in ["file", "link"] {
        fs::create_dir(site.path(taken)).unwrap();
        match taken {
            "file" => site.write("file/a-b-v2", "x"),
            _ => symlink("nowhere", site.path("link/a-b-v2")).unwrap(),
        }
        site.share_as("a.toml", "l", taken, "f.jsonl", &[]).is(2, "is there already");
        assert_eq!(names(&site.path(taken)), ["a-b-v2"]);
    }
    site.share_as("a.toml", "l", "a.toml", "f.jsonl", &[]).is(2, "a.toml");
    assert_eq!((site.files("out/a-b-v2"), site.read("l")), (before, ledger.clone()));
    assert!(!site.path("l.pending").exists());

    // A folder of agreements.
    site.write("all/1.toml", AGREEMENT.replace("a-b", "one").replace("b.example", "c.example"));
    site.write("all/2.toml", AGREEMENT.replace("a-b", "two").replace("b.example", "d.example"));
    site.write("all/readme.md", "no agreement");
    let r = site.share_as("all", "l", "two", "f.jsonl", &[]);
    r.is(0, "");
    assert_eq!(r.json().len(), 2);
    assert_eq!(names(&site.path("two")), ["one-v2", "two-v2"]);
    // One that cannot be read may limit the others: nothing is shared.
    let ledger = site.read("l");
    site.write("all/3.toml", "schema = 1");
    let r = site.share_as("all", "l", "three", "f.jsonl", &[]);
    r.is(2, "3.toml");
    assert!(!site.path("three").exists() && site.read("l") == ledger);
    fs::remove_file(site.path("all/3.toml")).unwrap();
    symlink("nowhere.toml", site.path("all/3.toml")).unwrap();
    site.share_as("all", "l", "three", "f.jsonl", &[]).is(2, "3.toml");
    // The second of two has no room: the first is not made either.
    fs::remove_file(site.path("all/3.toml")).unwrap();
    site.write("four/two-v2", "x");
    site.share_as("all", "l", "four", "f.jsonl", &[]).is(2, "four/two-v2 is there already");
    assert_eq!(names(&site.path("four")), ["two-v2"]);
    assert_eq!(site.read("l"), ledger);

    // Nothing goes out: exit 1, no package; what stays is in the ledger.
    site.write("red.jsonl", feed(2).replace("green", "red"));
    let r = site.share_as("a.toml", "l", "none", "red.jsonl", &[]);
    r.is(1, "");
    assert_eq!((r.json()[0]["released"].as_u64(), r.json()[0].get("package")), (Some(0), None));
    assert!(names(&site.path("none")).is_empty() && site.read("l").len() > ledger.len());
    site.share_as("a.toml", "l", "none", "missing.jsonl", &[]).is(2, "missing.jsonl");
    // Another key's ledger.
    run(site.dir(), &["keygen", "--no-passphrase", "-o", "k2"]).is(0, "");
    let args = [
        "share",
        "--agreement",
        "a.toml",
        "--key",
        "k2.key",
        "--ledger",
        "l",
        "--as-of",
        NOW,
        "-o",
        "x",
        "f.jsonl",
    ];
    run(site.dir(), &args).is(2, "another signing key");
}

#[test]
fn a_full_disk_changes_nothing() {
    let site = Site::shared();
    site.write("many.jsonl", feed(60));
    let ledger = site.read("l");
    {
        let Some(small) = Small::mount(site.path("small"), "48k") else { return };
        let r = site.share_as("a.toml", "l", "small/out", "many.jsonl", &[]);
        r.is(2, "space");
        assert!(names(&small.0.join("out")).is_empty(), "{r:?}");
        assert_eq!(site.read("l"), ledger);
        assert!(!site.path("l.pending").exists() && !site.path("l.pending.new").exists());
        // Without a ledger, too.
        let args = [
            "share",
            "--agreement",
            "a.toml",
            "--key",
            "k.key",
            "--as-of",
            NOW,
            "-o",
            "small/o",
            "many.jsonl",
        ];
        run(site.dir(), &args).is(2, "space");
        assert!(names(&small.0.join("o")).is_empty(), "{:?}", names(&small.0.join("o")));
    }
    // The ledger itself has no room, from none at all to nearly enough.
    let mut went = 0;
    for pages in 0..14 {
        let small = Small::mount(site.path("small"), "128k").unwrap();
        site.write("small/l", &ledger);
        site.write("small/l.lock", "");
        let mut filler = fs::File::create(small.0.join("filler")).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
        let full = filler.metadata().unwrap().len();
        filler.set_len(full.saturating_sub(pages * 4096)).unwrap();
        let out = format!("out{pages}");
        let r = site.share_as("a.toml", "small/l", &out, "many.jsonl", &[]);
        assert_eq!(names(&small.0), ["filler", "l", "l.lock"], "{pages}: {r:?}");
        if r.code == 0 {
            went += 1;
            assert!(site.path(&out).join("a-b-v2/manifest.json").exists());
            run(site.dir(), &["ledger", "verify", "small/l"]).is(0, "");
        } else {
            r.is(2, "space");
            assert_eq!((names(&site.path(&out)).len(), site.read("small/l")), (0, ledger.clone()), "{pages}");
        }
    }
    assert!((1..13).contains(&went), "{went} of 14 had room");
}

#[test]
fn a_plan_is_followed_or_named_as_changed() {
    let site = Site::shared();
    let plan = |out: &str, more: &[&str]| site.share_as("a.toml", "l", out, "f.jsonl", more);
    let r = plan("plan.json", &["--dry-run"]);
    r.is(0, "");
    assert_eq!(r.json()[0].get("package"), None);
    let ledger = site.read("l");
    // By the plan, and without one on a copy of the ledger: the same bytes, but for the signature.
    site.write("l2", &ledger);
    plan("planned", &["--plan", "plan.json"]).is(0, "");
    site.share_as("a.toml", "l2", "free", "f.jsonl", &[]).is(0, "");
    assert_eq!(site.read("l"), site.read("l2"));
    let (mut planned, mut free) = (site.files("planned/a-b-v2"), site.files("free/a-b-v2"));
    let (a, b) = (planned.remove("manifest.json.minisig"), free.remove("manifest.json.minisig"));
    assert!(planned == free && a.is_some() && b.is_some());
    let after = site.read("l");

    plan("x", &["--plan", "plan.json"]).is(2, "the ledger, which has gone on since");
    site.write("l", &ledger);
    site.write("f.jsonl", feed(4));
    plan("x", &["--plan", "plan.json"]).is(2, "the records of the feeds");
    site.write("f.jsonl", feed(3));
    site.write("a.toml", AGREEMENT.replace("days = 30", "days = 31"));
    plan("x", &["--plan", "plan.json"]).is(2, "the text of agreement a-b@2");
    site.write("a.toml", AGREEMENT.replace("a-b", "c-d"));
    let r = plan("x", &["--plan", "plan.json"]);
    r.is(2, "agreement a-b@2 is not there; agreement c-d@2 was not planned");
    site.write("a.toml", AGREEMENT);
    // Somebody strikes an item from the plan, or a number in it.
    let text = String::from_utf8(site.read("plan.json")).unwrap();
    let mut struck: Value = serde_json::from_str(&text).unwrap();
    struck["packages"][0]["items"].as_array_mut().unwrap().pop();
    site.write("struck.json", struck.to_string());
    plan("x", &["--plan", "struck.json"]).is(2, "what the plan says of a-b@2");
    site.write("struck.json", text.replace("\"released\": 3", "\"released\": 2"));
    plan("x", &["--plan", "struck.json"]).is(2, "what the plan says of a-b@2");
    site.write("struck.json", text.replace("indicia-plan/1", "indicia-plan/2"));
    plan("x", &["--plan", "struck.json"]).is(2, "not a plan");
    site.write("struck.json", &text[..text.len() / 2]);
    plan("x", &["--plan", "struck.json"]).is(2, "not a plan");
    assert!(!site.path("x").exists());
    // And as it was, it holds.
    plan("y", &["--plan", "plan.json"]).is(0, "");
    assert_eq!(site.read("l"), after);
    // A dry run begins no ledger.
    site.share_as("a.toml", "fresh", "fresh.json", "f.jsonl", &["--dry-run"]).is(0, "");
    assert!(!site.path("fresh").exists() && !site.path("fresh.lock").exists());
    site.share_as("a.toml", "fresh", "fresh-out", "f.jsonl", &["--plan", "fresh.json"]).is(0, "");
}

#[test]
fn what_is_in_a_folder_is_files() {
    let site = Site::shared();
    let fresh = |name: &str| {
        copy_folder(&site.path("out/a-b-v2"), &site.path(name));
        site.path(name)
    };
    let refused = |name: &str, code: &str| {
        let r = site.receive(name, "s");
        r.is(2, &format!("[{code}]"));
        assert!(r.out.is_empty() && !site.path("s").exists(), "{name}: {r:?}");
        assert!(!r.err.contains('\u{1b}') && !r.err.contains('\u{202e}'), "{r:?}");
    };
    let p = fresh("link-beside");
    symlink("report.html", p.join("more.html")).unwrap();
    refused("link-beside", "not-a-file");
    // The same content by way of a link is refused as well.
    let p = fresh("link-instead");
    fs::rename(p.join("report.html"), site.path("report.html")).unwrap();
    symlink("../report.html", p.join("report.html")).unwrap();
    refused("link-instead", "not-a-file");
    let p = fresh("link-manifest");
    fs::rename(p.join("manifest.json"), site.path("manifest.json")).unwrap();
    symlink("../manifest.json", p.join("manifest.json")).unwrap();
    refused("link-manifest", "not-a-file");
    symlink("..", fresh("link-folder").join("up")).unwrap();
    refused("link-folder", "not-a-file");
    symlink("nowhere", fresh("link-dangling").join("x")).unwrap();
    refused("link-dangling", "not-a-file");
    symlink("/dev/zero", fresh("link-device").join("x")).unwrap();
    refused("link-device", "not-a-file");
    fs::create_dir(fresh("folder").join("sub")).unwrap();
    refused("folder", "not-a-file");
    let p = fresh("fifo");
    fs::remove_file(p.join("report.html")).unwrap();
    if Command::new("mkfifo").arg(p.join("report.html")).status().is_ok_and(|s| s.success()) {
        refused("fifo", "not-a-file");
    }
    let p = fresh("device");
    let made = Command::new("mknod").arg(p.join("zero")).args(["c", "1", "5"]).output();
    if made.is_ok_and(|o| o.status.success())
        && p.join("zero").metadata().unwrap().file_type().is_char_device()
    {
        refused("device", "not-a-file");
    } else {
        eprintln!("skipped: a device (mknod is not permitted here)");
    }
    let p = fresh("socket");
    let _socket = std::os::unix::net::UnixListener::bind(p.join("s")).unwrap();
    refused("socket", "not-a-file");
    let p = fresh("case");
    fs::copy(p.join("report.html"), p.join("Report.html")).unwrap();
    refused("case", "case-collision");
    for bad in [
        &b"..x/"[..],
        b"a b",
        b"\xff\xfe",
        b"\x1b[31m",
        "\u{202e}".as_bytes(),
        b".hidden",
        b"a\nb",
        b"...",
        b"a\\b",
    ] {
        let bad = bad.strip_suffix(b"/").unwrap_or(bad);
        fs::write(fresh("named").join(std::ffi::OsStr::from_bytes(bad)), "x").unwrap();
        refused("named", "path");
        fs::remove_dir_all(site.path("named")).unwrap();
    }
    // A name that no package has, of something that is no file.
    symlink("nowhere", fresh("both").join("\u{1b}[31m")).unwrap();
    refused("both", "path");
    let p = fresh("many");
    (0..300).for_each(|n| fs::write(p.join(format!("f{n}")), "").unwrap());
    refused("many", "too-large");
    fs::write(fresh("extra").join("more.txt"), "").unwrap();
    refused("extra", "file-extra");
    fs::create_dir(site.path("empty")).unwrap();
    refused("empty", "no-manifest");
    refused("a.toml", "no-manifest");
    site.receive("nowhere", "s").is(2, "nowhere");
    // The folder itself is named by who receives: a link to it is followed.
    symlink("out/a-b-v2", site.path("by-link")).unwrap();
    site.receive("by-link", "s").is(0, "package 1");
    symlink("gone", site.path("by-dangling")).unwrap();
    site.receive("by-dangling", "s").is(2, "by-dangling");
}

#[test]
fn what_nobody_signed_is_not_read() {
    let site = Site::shared();
    // An address space of 600 MB: what is read whole does not fit.
    let small = |folder: &str, code: &str| {
        let args = receiving(folder, "s").join(" ");
        let script = format!("ulimit -v 600000; exec {} {args}", env!("CARGO_BIN_EXE_indicia"));
        finish(Command::new("sh").args(["-c", &script]).current_dir(site.dir())).is(2, code);
    };
    for (n, (name, length, code)) in [
        ("report.html", 5u64 << 30, "[too-large]"),
        ("report.html", 3 << 30, "[file-changed]"),
        ("zeros", 3 << 30, "[file-extra]"),
        ("manifest.json", 3 << 30, "[too-large]"),
        ("manifest.json.minisig", 3 << 30, "[too-large]"),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = format!("p{n}");
        copy_folder(&site.path("out/a-b-v2"), &site.path(&folder));
        let path = site.path(&folder).join(name);
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
        file.set_len(length).unwrap();
        small(&folder, code);
    }
    assert!(!site.path("s").exists());
}

#[test]
fn the_state_is_kept_or_the_package_comes_again() {
    let site = Site::shared();
    for (name, bad) in [("empty", &b""[..]), ("broken", b"{"), ("other", b"{\"a\":1}"), ("binary", b"\xff\0")]
    {
        site.write(name, bad);
        site.receive("out/a-b-v2", name)
            .is(2, &format!("{name}: refused: the state file is not one [state]"));
        assert_eq!(site.read(name), bad);
    }
    fs::create_dir(site.path("folder")).unwrap();
    site.receive("out/a-b-v2", "folder").is(2, "folder");
    site.receive("out/a-b-v2", "no/where").is(2, "no/where");
    // Nobody reads what is written: it did not arrive.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    finish(command(site.dir(), &receiving("out/a-b-v2", "s")).stdout(writer)).is(2, "counts as not received");
    assert!(!site.path("s").exists());
    if Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        finish(command(site.dir(), &receiving("out/a-b-v2", "s")).stdout(full)).is(2, "space");
        assert!(!site.path("s").exists());
    }
    if let Some(small) = Small::mount(site.path("small"), "8k") {
        fs::write(small.0.join("s.lock"), "").unwrap();
        let mut filler = fs::File::create(small.0.join("filler")).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
        let r = site.receive("out/a-b-v2", "small/s");
        r.is(2, "space");
        assert_eq!(names(&small.0), ["filler", "s.lock"]);
    }
    let r = site.receive("out/a-b-v2", "s");
    r.is(0, "package 1");
    let state = site.read("s");
    let r = site.receive("out/a-b-v2", "s");
    r.is(2, "[replay]");
    assert!(r.out.is_empty() && site.read("s") == state);
    // Two at once: one of them gets it.
    let two: Vec<_> =
        (0..2).map(|_| command(site.dir(), &receiving("out/a-b-v2", "s2")).spawn().unwrap()).collect();
    let codes: i32 =
        two.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap()).sum();
    assert_eq!(codes, 2);
}

#[test]
fn items_are_taken_back_from_all_who_got_them() {
    let site = Site::new();
    site.write("all/1.toml", AGREEMENT);
    site.write("all/2.toml", AGREEMENT.replace("a-b", "two").replace("b.example", "c.example"));
    let r = site.share_as("all", "l", "out", "f.jsonl", &[]);
    r.is(0, "");
    let got = site.receive("out/a-b-v2", "s");
    let id = got.json()[0]["contexts"][0]["source_id"].as_str().unwrap().to_string();
    let revoke = |id: &str, out: &str| {
        let args = [
            "revoke",
            "--ledger",
            "l",
            "--key",
            "k.key",
            "--as-of",
            NOW,
            "--id",
            id,
            "--reason",
            "correction",
            "-o",
            out,
        ];
        run(site.dir(), &args)
    };
    let ledger = site.read("l");
    revoke("indicator--nobody", "back").is(1, "nobody got such an item");
    assert!(!site.path("back").exists() && site.read("l") == ledger);
    site.write("taken/a-b-v2", "");
    revoke(&id, "taken").is(2, "is there already");
    assert_eq!(site.read("l"), ledger);
    let r = revoke(&id, "back");
    r.is(0, "");
    // Where the provider's own id goes out, both got the same item.
    assert_eq!(names(&site.path("back")), ["a-b-v2", "two-v2"]);
    assert_eq!(
        names(&site.path("back/a-b-v2")),
        ["READ-ME-FIRST.txt", "manifest.json", "manifest.json.minisig", "notices.jsonl"]
    );
    let r = site.receive("back/a-b-v2", "s");
    r.is(0, "package 2 from a.example: 0 records, 1 notice");
    assert_eq!(r.json()[0], serde_json::json!({"item": id, "revoked": true, "reason": "correction"}));
    let ledger = site.read("l");
    revoke(&id, "again").is(1, "everybody was told already");
    assert!(!site.path("again").exists() && site.read("l") == ledger);
    // A reason is a word.
    let args =
        ["revoke", "--ledger", "l", "--key", "k.key", "--id", &id, "--reason", "Mr. X lied", "-o", "x"];
    run(site.dir(), &args).is(2, "one word");

    // After the agreement's end, what its producer took back is told by `share`, and taken.
    site.write("gone.jsonl", feed(3).replacen("\"tlp\"", "\"revoked\":true,\"tlp\"", 2));
    let later = "2019-01-01T00:00:00Z";
    let r = site.share_as("a.toml", "l", "late", "gone.jsonl", &["--as-of", later]);
    r.is(0, "");
    assert_eq!(r.json()[0]["notices"], 1, "the other was taken back before: {r:?}");
    let mut args = receiving("late/a-b-v2", "s");
    args[8] = later;
    run(site.dir(), &args).is(0, "0 records, 1 notice");
}

#[test]
fn answers_in_the_files_that_spreadsheets_write() {
    let site = Site::shared();
    let rows = String::from_utf8(site.read("out/a-b-v2/response.csv")).unwrap();
    let ids: Vec<String> =
        rows.lines().skip(1).map(|row| row.split(',').next().unwrap().to_string()).collect();
    assert_eq!(ids.len(), 3);
    let mut count = 0;
    let mut answer = |content: &[u8]| {
        count += 1;
        site.write("r.csv", content);
        let out = format!("answers{count}");
        let args =
            ["feedback", "--agreement", "a.toml", "--key", "k.key", "--as-of", NOW, "-o", &out, "r.csv"];
        let r = run(site.dir(), &args);
        let lines =
            fs::read_to_string(site.path(&out).join("a-b-v2-answers/answers.jsonl")).unwrap_or_default();
        assert_eq!(r.code == 0, !lines.is_empty(), "{r:?}");
        (r, lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>())
    };
    let sighting = |id: &str| serde_json::json!({"item": id, "status": "sighting"});
    // As it came: nothing is answered yet.
    answer(rows.as_bytes()).0.is(1, "no answers");
    let filled = rows.replacen(",\r\n", ",Sighting\r\n", 1);
    let (_, got) = answer(filled.as_bytes());
    assert_eq!(got, [sighting(&ids[0])]);
    let semicolons = format!("\u{feff}item id;value;status;count\r\n{};x;false_positive;3\r\n", ids[1]);
    let (_, got) = answer(semicolons.as_bytes());
    assert_eq!(got, [serde_json::json!({"item": ids[1], "status": "false-positive", "count": 3})]);
    let tabs = format!("\u{feff}Status\tItem ID\nsighting\t{}\n", ids[2]);
    let (_, got) = answer(tabs.as_bytes());
    assert_eq!(got, [sighting(&ids[2])]);
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        let utf16: Vec<u8> = tabs.encode_utf16().flat_map(unit).collect();
        assert_eq!(answer(&utf16).1, [sighting(&ids[2])]);
        answer(&utf16[..utf16.len() - 1]).0.is(2, "begins as UTF-16 and is not");
        let mut half = utf16.clone();
        half.extend(unit(0xd800));
        answer(&half).0.is(2, "begins as UTF-16 and is not");
    }
    // Latin 1 beside what matters does no harm.
    let (_, got) =
        answer(&[format!("item id,status,note\n{},sighting,", ids[0]).as_bytes(), b"caf\xe9\n"].concat());
    assert_eq!(got, [sighting(&ids[0])]);
    let hostile = format!(
        "item id,status,time,count\n\
         {id},\"=HYPERLINK(\"\"http://x\"\")\",,\n\
         {id},destroyed,,\n\
         {id},taken-down,,\n\
         {id},sighting,yesterday,\n\
         {id},sighting,,-1\n\
         {id},sighting,,1e9\n\
         \"\u{1b}[31m\",sighting,,\n\
         ,sighting,,\n\
         a b,sighting,,\n\
         '=cmd|,sighting,2017-11-02,2\n",
        id = ids[0]
    );
    let (r, got) = answer(hostile.as_bytes());
    assert_eq!(r.err.matches("not taken").count(), 9, "{r:?}");
    r.is(0, "r.csv:2: not taken: the status is not one that the agreement takes");
    assert_eq!(got[0]["item"], "=cmd|");
    for (bad, said) in [
        (&b""[..], "no columns"),
        (b"item id,value\n1,2\n", "no columns"),
        (b"\xff\xfe", "no columns"),
        (b"{\"item\":\"x\",\"status\":\"sighting\"}\n", "--ledger"),
    ] {
        answer(bad).0.is(2, said);
    }

    // The provider takes the answers, and passes on none about items that it did not share.
    let both = format!("item id,status\nindicator--unknown,sighting\n{},sighting\n", ids[0]);
    answer(both.as_bytes()).0.is(0, "");
    let r = site.receive(&format!("answers{count}/a-b-v2-answers"), "ps");
    r.is(0, "2 answers");
    assert!(r.json().iter().all(|a| a["from"] == "b.example"));
    site.write("answers.jsonl", &r.out);
    let args =
        ["feedback", "--agreement", "a.toml", "--key", "k.key", "--ledger", "l", "-o", "on", "answers.jsonl"];
    run(site.dir(), &args).is(0, "1 answer not passed on");
}

#[test]
fn a_ledger_shows_what_was_changed() {
    let site = Site::shared();
    site.write("red.jsonl", feed(2).replace("green", "red"));
    site.share_as("a.toml", "l", "none", "red.jsonl", &[]).is(1, "");
    let verify = || run(site.dir(), &["ledger", "verify", "l"]);
    let good = verify();
    good.is(0, "");
    let text = String::from_utf8(site.read("l")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(good.json()[0]["lines"].as_u64(), Some(lines.len() as u64));
    assert!(lines.len() > 5);
    let check = |changed: &str| {
        // The command does this; as a process for each byte it would take minutes.
        assert!(indicia::exchange::Ledger::read(changed, None).is_err(), "{changed}");
    };
    for at in 0..text.len() {
        for change in [1u8, 0x20] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            check(std::str::from_utf8(&bytes).unwrap());
        }
        // Cut within a line.
        if at > 0 && !text[..at].ends_with('\n') {
            check(&text[..at]);
        }
    }
    for n in 0..lines.len() {
        let mut all = lines.clone();
        all.insert(n, lines[n]);
        check(&all.concat());
        if n + 1 < lines.len() {
            let mut all = lines.clone();
            all.remove(n);
            check(&all.concat());
            let mut all = lines.clone();
            all.swap(n, n + 1);
            check(&all.concat());
        }
    }
    for changed in [
        "\n".to_string() + &text,
        text.clone() + "\n",
        text.replace('\n', "\r\n"),
        text.clone() + "x",
        String::new(),
    ] {
        check(&changed);
        site.write("l", &changed);
        verify().is(2, "line");
    }
    site.write("l", [text.as_bytes(), b"\xff\n"].concat());
    verify().is(2, "UTF-8");
    site.write("l", lines[..lines.len() - 2].concat());
    // Whole lines gone from the end leave a chain that holds: whoever noted its head sees it.
    let short = verify();
    short.is(0, "");
    assert_ne!(short.json()[0]["head"], good.json()[0]["head"]);
    site.write("l", &text);
    assert_eq!(verify().out, good.out);
    // Looking at what is not there leaves nothing there.
    run(site.dir(), &["ledger", "verify", "absent"]).is(2, "absent");
    assert!(!site.path("absent.lock").exists());
    // By a link it is the same ledger, with the same lock.
    symlink("l", site.path("link")).unwrap();
    assert_eq!(run(site.dir(), &["ledger", "verify", "link"]).out, good.out);
    assert!(!site.path("link.lock").exists());
}

/// Nothing in text for people controls what shows it: no control characters, no change of direction.
#[track_caller]
fn is_tame(what: &str, text: &str) {
    let wild = text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\r'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(wild, None, "{what}: {text:?}");
}

#[test]
fn hostile_strings_end_up_escaped() {
    let site = Site::new();
    let evil =
        "\\u001b]0;x\\u0007<script>alert(1)</script>\\u202e\\u2028\\u200f\\u009b31m\\nnext, \\\"q\\\" ' & x";
    let more = format!(
        ",\"source_id\":\"indicator--\\u001b[31m\\u202e<b>\",\"threat\":\"=cmd|{evil}\",\"labels\":[\"@{evil}\",\"+1\"],\
         \"provider\":\"-{evil}\",\"description\":\"{evil}\",\"references\":[\"javascript:alert(1)//{evil}\"]"
    );
    let mut feed = line("domain", "host.bad.example", &more) + "\n";
    feed += &line("url", "http://bad.example/<script>'\"=cmd|", &more);
    feed += "\n";
    feed += &line("file-name", "=cmd|' /C calc'!A0 \u{202e}gpj.exe", &more);
    feed += "\n";
    feed += &line("other", "<script>\u{1b}[31m\u{9b}</script>", &more)
        .replace("\"exact\"", "\"exact\",\"type\":\"x\"");
    feed += "\n";
    site.write("f.jsonl", feed);
    site.write(
        "a.toml",
        AGREEMENT
            .replace("\"Letter\"", "\"<script>\\u202E&\"")
            .replace("kinds = \"all\"", "kinds = [\"domain\", \"url\", \"file-name\", \"other\"]"),
    );
    let r = site.share(&[]);
    r.is(0, "");
    is_tame("share", &r.out);
    is_tame("share", &r.err);
    let package = site.files("out/a-b-v2");
    let text = |name: &str| std::str::from_utf8(&package[name]).unwrap().trim_start_matches('\u{feff}');
    for name in ["READ-ME-FIRST.txt", "report.html", "for-people.csv", "response.csv", "manifest.json"] {
        is_tame(name, text(name));
    }
    let html = text("report.html").to_lowercase();
    assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
    assert!(html.contains("&#60;script") || html.contains("&lt;script"), "{html}");
    for name in ["for-people.csv", "response.csv"] {
        for cell in cells(text(name)) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{name}: {cell:?}");
        }
    }
    let r = site.receive("out/a-b-v2", "s");
    r.is(0, "package 1");
    is_tame("receive", &r.out);
    let released: Vec<Value> = r.json();
    assert!(released.len() >= 3, "{r:?}");
    // Escaped, and not changed.
    let plain: Vec<Value> =
        text("indicators.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (shown, sent) in released.iter().zip(&plain) {
        assert_eq!(shown["target"], sent["target"]);
        assert_eq!(shown["contexts"][0]["threat"], sent["contexts"][0]["threat"]);
    }
    let r = run(site.dir(), &["ledger", "show", "--format", "text", "l"]);
    r.is(0, "");
    is_tame("ledger show", &r.out);
    assert_eq!(r.out.lines().count(), released.len() + 2, "one line for each event: {}", r.out);
    // Names of files and folders.
    site.write("\u{1b}[31m\u{202e}.toml", "schema = 1");
    for args in [
        &["agreement", "check", "\u{1b}[31m\u{202e}.toml"][..],
        &["ledger", "verify", "\u{1b}[31m\u{202e}"],
        &["agreement", "explain", "\u{1b}[31m\u{202e}.toml"],
    ] {
        let r = run(site.dir(), args);
        assert_eq!(r.code, 2);
        is_tame("names", &r.err);
        is_tame("names", &r.out);
    }
    let r = site.receive("\u{1b}[31m\u{202e}.toml", "s");
    is_tame("names", &r.err);
}

/// The cells of a CSV text.
fn cells(text: &str) -> Vec<String> {
    let (mut all, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => all.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    all
}

/// Two agreements that are shared under at once.
fn two_agreements(site: &Site) {
    site.write("all/1.toml", AGREEMENT.replace("a-b", "one"));
    site.write("all/2.toml", AGREEMENT.replace("a-b", "two").replace("b.example", "c.example"));
}

fn take_package(dir: &Path, agreement: &str, folder: &Path) -> Run {
    let args = ["receive", "--agreement", agreement, "--key", "k.pub", "--as-of", NOW, "--state"];
    let state = tempfile::tempdir().unwrap();
    finish(command(dir, &args).arg(state.path().join("s")).arg(folder))
}

/// What is on disk is what was before, or all of what was to be: packages stand where the ledger has their lines and
/// nowhere else, and nothing else is left. Says which of the two it is.
#[track_caller]
fn before_or_after(site: &Site, at: &Path, before: &[u8], told: &str) -> bool {
    let ledger = fs::read(at.join("l")).unwrap_or_default();
    assert!(ledger.starts_with(before), "{told}: what was in the ledger stays");
    let new = String::from_utf8(ledger[before.len()..].to_vec()).unwrap();
    let packages = new.lines().filter(|l| l.contains("\"event\":\"package\"")).count();
    let out = names(&at.join("out"));
    let left: Vec<String> =
        names(at).into_iter().filter(|n| !matches!(n.as_str(), "l" | "l.lock" | "out")).collect();
    assert!(left.is_empty(), "{told}: {left:?}");
    if packages == 0 {
        assert!(out.is_empty() && new.is_empty(), "{told}: {out:?} {new}");
        return false;
    }
    assert_eq!((packages, out), (2, vec!["one-v2".to_string(), "two-v2".to_string()]), "{told}");
    for (agreement, folder) in [("all/1.toml", "one-v2"), ("all/2.toml", "two-v2")] {
        take_package(site.dir(), agreement, &at.join("out").join(folder)).is(0, "package");
    }
    true
}

/// A folder with nothing but a ledger, or not even that.
fn place_for(site: &Site, name: &str, ledger: &[u8]) -> PathBuf {
    let at = site.path(name);
    fs::create_dir_all(&at).unwrap();
    if !ledger.is_empty() {
        fs::write(at.join("l"), ledger).unwrap();
    }
    at
}

fn share_two(site: &Site, at: &Path, feed: &str) -> Command {
    let mut command = command(site.dir(), &["share", "--agreement", "all", "--key", "k.key", "--as-of", NOW]);
    command.arg("--ledger").arg(at.join("l")).arg("-o").arg(at.join("out")).arg(feed);
    command
}

#[test]
fn a_kill_leaves_what_was_or_what_was_to_be() {
    let asked: Option<usize> = std::env::var("INDICIA_KILLS").ok().and_then(|n| n.parse().ok());
    let site = Site::new();
    two_agreements(&site);
    // The more items, the longer is each step of writing.
    site.write("f.jsonl", feed(if asked.is_some() { 300 } else { 30 }));
    let started = place_for(&site, "started", b"");
    finish(&mut share_two(&site, &started, "f.jsonl")).is(0, "");
    let ledger = fs::read(started.join("l")).unwrap();

    // How long until something is written, and until the end.
    let pending = |at: &Path| at.join("l.pending").exists() || at.join("l.pending.new").exists();
    let (mut window, mut whole) = (Duration::MAX, Duration::MAX);
    for n in 0..3 {
        let at = place_for(&site, &format!("measure{n}"), &ledger);
        let begin = Instant::now();
        let mut child = share_two(&site, &at, "f.jsonl").stdout(Stdio::null()).spawn().unwrap();
        let mut seen = None;
        while child.try_wait().unwrap().is_none() {
            if seen.is_none() && pending(&at) {
                seen = Some(begin.elapsed());
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        let seen = seen.expect("the window is long enough to be seen");
        (window, whole) = (window.min(begin.elapsed() - seen), whole.min(begin.elapsed()));
    }
    let measured = window;

    let mut seed = 0x9e37_79b9_7f4a_7c15u64 ^ u64::from(std::process::id());
    let mut random = |most: Duration| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        most.mul_f64((seed >> 11) as f64 / (1u64 << 53) as f64)
    };
    let begin = Instant::now();
    let (mut kills, mut tally) = (0, BTreeMap::<&str, usize>::new());
    while kills < asked.unwrap_or(40) && (asked.is_some() || begin.elapsed() < Duration::from_secs(10)) {
        // One in four begins a ledger.
        let before: &[u8] = if kills % 4 == 3 { b"" } else { &ledger };
        let at = place_for(&site, "killed", before);
        let mut child =
            share_two(&site, &at, "f.jsonl").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if kills % 5 == 0 {
            std::thread::sleep(random(whole));
        } else {
            // However busy the machine is: from the first write on.
            while !pending(&at) && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_micros(50));
            }
            std::thread::sleep(random(window));
        }
        child.kill().unwrap();
        let ended = child.wait().unwrap().code().is_some();
        kills += 1;
        // What else runs on the machine makes the window wider or narrower: so that some come late, and few too late.
        window = if ended { window.mul_f64(0.9) } else { window.mul_f64(1.03) };

        // What has its final name is whole before anybody repairs anything.
        let out = at.join("out");
        let (new, placed): (Vec<String>, Vec<String>) =
            names(&out).into_iter().partition(|name| name.starts_with(".indicia-new-"));
        let whole: Vec<_> = placed.iter().map(|name| (name.clone(), files(&out.join(name)))).collect();
        let length = fs::metadata(at.join("l")).map_or(0, |m| m.len());
        let state = match (pending(&at), new.len(), placed.len()) {
            (false, _, 0) => "nothing written",
            (false, _, _) if ended => "ended",
            (false, _, _) => "all but the exit",
            (true, 0, 0) => "only noted",
            (true, 1, 0) => "first package being written",
            (true, _, 0) if length == before.len() as u64 => "second package being written, or noted",
            (true, _, 0) => "lines written",
            (true, _, 1) => "one package in place",
            (true, _, _) => "both in place",
        };
        *tally.entry(state).or_default() += 1;

        let r = finish(command(site.dir(), &["ledger", "verify"]).arg(at.join("l")));
        let told = format!("kill {kills}: {state}: {r:?}");
        assert!(r.code == 0 || (before.is_empty() && !at.join("l").exists()), "{told}");
        let after = before_or_after(&site, &at, before, &told);
        assert!(after || placed.is_empty(), "{told}");
        for (name, content) in whole {
            assert!(files(&out.join(&name)) == content, "{told}: {name} had its name before it was whole");
        }
        fs::remove_dir_all(&at).unwrap();
    }
    eprintln!("{kills} kills, the write window {measured:?} of {whole:?}: {tally:?}");
    assert!(tally.len() > 2, "kills come at other steps: {tally:?}");
}

#[test]
fn a_crash_at_each_step_is_finished_or_undone() {
    use sha2::{Digest, Sha256};
    let site = Site::new();
    two_agreements(&site);
    site.write("f.jsonl", feed(1));
    let started = place_for(&site, "started", b"");
    finish(&mut share_two(&site, &started, "f.jsonl")).is(0, "");
    let ledger = fs::read(started.join("l")).unwrap();
    let made = place_for(&site, "made", &ledger);
    finish(&mut share_two(&site, &made, "f.jsonl")).is(0, "");
    let whole = fs::read(made.join("l")).unwrap();
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    // Opens as each command does, and says whether it is what was to be; as a process a second time, so that the
    // command is seen to leave it.
    let recover = |at: &Path, before: &[u8], told: &str| {
        let now = NOW.parse().unwrap();
        let opened = indicia::exchange::LedgerFile::open(&at.join("l"), None, now).map(drop);
        assert!(opened.is_ok() || before.is_empty(), "{told}: {opened:?}");
        before_or_after(&site, at, before, told)
    };
    let (one, two) = ("one-v2", "two-v2");
    let mut count = 0;
    for before in [&ledger[..], b""] {
        let source = if before.is_empty() { &started } else { &made };
        let whole = if before.is_empty() { &ledger } else { &whole };
        let new = &whole[before.len()..];
        // The state with these packages staged, these placed, and this of the ledger.
        let mut crash = |after: bool, staged: &[(&str, usize)], placed: &[&str], lines: &[u8], told: &str| {
            count += 1;
            let at = place_for(&site, &format!("crash{count}"), &[before, lines].concat());
            let out = at.join("out");
            fs::create_dir_all(&out).unwrap();
            let moves: Vec<_> =
                [one, two].map(|name| (out.join(format!(".indicia-new-{name}")), out.join(name))).into();
            let after = after.then(|| serde_json::json!({"length": whole.len(), "sha256": hex(new)}));
            let note = serde_json::json!({"before": before.len(), "after": after, "moves": moves});
            fs::write(at.join("l.pending"), note.to_string()).unwrap();
            for name in placed {
                copy_folder(&source.join("out").join(name), &out.join(name));
            }
            // With so many files, the last of them cut; 0 is all.
            for (name, cut) in staged {
                let staging = out.join(format!(".indicia-new-{name}"));
                fs::create_dir(&staging).unwrap();
                for (n, (file, bytes)) in files(&source.join("out").join(name)).into_iter().enumerate() {
                    match cut {
                        1.. if n >= *cut => {}
                        1.. if n + 1 == *cut => {
                            fs::write(staging.join(file), &bytes[..bytes.len() / 2]).unwrap()
                        }
                        _ => fs::write(staging.join(file), bytes).unwrap(),
                    }
                }
            }
            let is_after = recover(&at, before, told);
            fs::remove_dir_all(at).unwrap();
            is_after
        };
        let both = [(one, 0), (two, 0)];
        assert!(!crash(false, &[], &[], b"", "noted"));
        for cut in 1..8 {
            assert!(!crash(false, &[(one, cut)], &[], b"", "first package"));
            assert!(!crash(false, &[(one, 0), (two, cut)], &[], b"", "second package"));
        }
        assert!(!crash(false, &both, &[], b"", "both packages"));
        assert!(!crash(true, &both, &[], b"", "noted again"));
        // At each byte of the last line, and at some of the others.
        let last = new[..new.len() - 1].iter().rposition(|b| *b == b'\n').unwrap();
        for end in (1..new.len()).filter(|end| *end >= last || end % 19 == 0) {
            assert!(!crash(true, &[(one, 1)], &[], &new[..end], "lines torn"), "{end} of {}", new.len());
        }
        assert!(crash(true, &both, &[], new, "lines written"));
        assert!(crash(true, &[(two, 0)], &[one], new, "one in place"));
        assert!(crash(true, &[(one, 0)], &[two], new, "the other in place"));
        assert!(crash(true, &[], &[one, two], new, "both in place"));
        // After a power cut: the length, and not the content.
        assert!(!crash(true, &both, &[], &vec![0; new.len()], "zeros"));
        let mut half = new.to_vec();
        half[new.len() / 2..].fill(0);
        assert!(!crash(true, &both, &[], &half, "half zeros"));
    }
    // The note itself was being written.
    let note = br#"{"before":0,"after":null,"moves":[]}"#;
    for end in 0..note.len() {
        for before in [&ledger[..], b""] {
            let at = place_for(&site, "torn", before);
            fs::write(at.join("l.pending.new"), &note[..end]).unwrap();
            assert!(!recover(&at, before, "note torn"));
            fs::remove_dir_all(at).unwrap();
            count += 1;
        }
    }
    // Somebody put something where the package goes: nothing of theirs is lost, and nothing of ours.
    let at = place_for(&site, "taken", &whole);
    copy_folder(&made.join("out").join(one), &at.join("out/.indicia-new-one-v2"));
    copy_folder(&made.join("out").join(two), &at.join("out").join(two));
    fs::write(at.join("out/one-v2"), "theirs").unwrap();
    let out = at.join("out");
    let moves: Vec<_> =
        [one, two].map(|name| (out.join(format!(".indicia-new-{name}")), out.join(name))).into();
    let after = serde_json::json!({"length": whole.len(), "sha256": hex(&whole[ledger.len()..])});
    let note = serde_json::json!({"before": ledger.len(), "after": after, "moves": moves});
    fs::write(at.join("l.pending"), note.to_string()).unwrap();
    let verify = || finish(command(site.dir(), &["ledger", "verify"]).arg(at.join("l")));
    verify().is(2, "one-v2 is there already: move it away");
    assert_eq!(fs::read(at.join("out/one-v2")).unwrap(), b"theirs");
    fs::remove_file(at.join("out/one-v2")).unwrap();
    verify().is(0, "");
    assert!(before_or_after(&site, &at, &ledger, "taken"));
    // A note that is none is told, and nothing is done by it.
    fs::write(at.join("l.pending"), "{").unwrap();
    verify().is(2, "l.pending");
    assert!(fs::read(at.join("l")).unwrap() == whole);
    eprintln!("{count} crashes by hand");
}

#[test]
fn two_at_once_go_one_after_the_other() {
    let site = Site::new();
    two_agreements(&site);
    site.write("f.jsonl", feed(100));
    for round in 0..3 {
        // One ledger, and a folder for each.
        let (ledger, dir) = (format!("l{round}"), site.dir());
        let start = |out: String, ledger: Option<&str>| {
            let mut command =
                command(dir, &["share", "--agreement", "all", "--key", "k.key", "--as-of", NOW, "-o"]);
            command.arg(out).arg("f.jsonl");
            if let Some(ledger) = ledger {
                command.args(["--ledger", ledger]);
            }
            command.spawn().unwrap()
        };
        let end = |child: std::process::Child| {
            let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
        };
        symlink(&ledger, site.path(&format!("{ledger}.link"))).unwrap();
        run(
            dir,
            &[
                "share",
                "--agreement",
                "all",
                "--key",
                "k.key",
                "--as-of",
                NOW,
                "--ledger",
                &ledger,
                "-o",
                &format!("first{round}"),
                "f.jsonl",
            ],
        )
        .is(0, "");
        // One of them names it by a link.
        let named = [ledger.clone(), format!("{ledger}.link"), ledger.clone()];
        let children: Vec<_> =
            named.iter().enumerate().map(|(n, name)| start(format!("out{round}-{n}"), Some(name))).collect();
        let mut counters: Vec<u64> = children
            .into_iter()
            .map(|child| {
                let r = end(child);
                r.is(0, "");
                r.json()[0]["counter"].as_u64().unwrap()
            })
            .collect();
        counters.sort_unstable();
        assert_eq!(counters, [2, 3, 4]);
        run(dir, &["ledger", "verify", &ledger]).is(0, "");

        // One folder, and no ledger: one makes it, and whole.
        let children: Vec<_> = (0..3).map(|_| start(format!("same{round}"), None)).collect();
        let runs: Vec<Run> = children.into_iter().map(end).collect();
        let made = runs.iter().filter(|r| r.code == 0).count();
        assert!(
            made == 1 && runs.iter().all(|r| r.code == 0 || r.err.contains("is there already")),
            "{runs:?}"
        );
        assert_eq!(names(&site.path(&format!("same{round}"))), ["one-v2", "two-v2"]);
        take_package(dir, "all/1.toml", &site.path(&format!("same{round}/one-v2"))).is(0, "package 1");
        take_package(dir, "all/2.toml", &site.path(&format!("same{round}/two-v2"))).is(0, "package 1");
    }
}
