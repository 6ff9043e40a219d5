//! The command as a user runs it: grammar, formats, exit codes, and what it does with bad input.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const FEED: &str = "indicator,type,role,labels,confidence,tlp,valid_from,valid_until\n\
    bad.example,domain,c2,loader|x,90,green,2017-01-01,2018-01-01\n\
    192.0.2.0/24,cidr,scanner,,20,red,,\n\
    198.51.100.7:8443,endpoint,c2,,80,green,,\n\
    http://files.example.net/a/b.php?x=1,url,phishing,,70,amber,,\n\
    site.good.example,domain,compromised,,90,green,,\n\
    10.0.0.1,ipv4,c2,,50,green,,\n";

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    }

    fn column(&self, name: &str) -> Vec<String> {
        self.json().iter().map(|v| v[name].as_str().unwrap_or_default().to_string()).collect()
    }
}

fn run_with(dir: &Path, args: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_indicia"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

fn run(dir: &Path, args: &[&str]) -> Run {
    run_with(dir, args, b"")
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn scan_says_where_what_and_who() {
    let dir = folder(&[
        ("f.csv", FEED.as_bytes()),
        (
            "a.log",
            b"first\nGET https://files.example.net/a/%62.php?x=1 from 192.0.2.7\r\nq www.bad.example.\n",
        ),
    ]);
    let r = run(dir.path(), &["scan", "-f", "f.csv", "a.log"]);
    assert_eq!(r.code, 0, "{}", r.err);
    let hits = r.json();
    assert_eq!(r.column("relation"), ["exact", "network", "subdomain"]);
    assert_eq!(hits[0]["line"], 2);
    assert_eq!((hits[0]["start"].as_u64(), hits[0]["end"].as_u64()), (Some(10), Some(49)));
    assert_eq!(hits[0]["raw"], "https://files.example.net/a/%62.php?x=1");
    assert_eq!(hits[0]["value"], "https://files.example.net/a/b.php?x=1");
    assert_eq!(hits[0]["indicator"]["target"]["value"], "http://files.example.net/a/b.php?x=1");
    assert_eq!(hits[2]["indicator"]["contexts"][0]["feed"], "f.csv");
    assert_eq!(hits[2]["indicator"]["contexts"][0]["valid"], "no");
    let r = run(dir.path(), &["scan", "--format", "text", "-f", "f.csv", "a.log"]);
    assert_eq!(
        r.out.lines().last().unwrap(),
        "a.log:3: www[.]bad[.]example [subdomain] f.csv, c2, loader, x (listed: bad[.]example)"
    );
}

#[test]
fn exit_codes() {
    let dir = folder(&[
        ("f.csv", FEED.as_bytes()),
        ("no.log", b"nothing\n"),
        ("empty", b""),
        ("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"),
    ]);
    for (args, code) in [
        (&["scan", "-f", "f.csv", "no.log"][..], 1),
        (&["scan", "-f", "f.csv", "empty"], 1),
        (&["scan", "-f", "f.csv", "missing.log"], 2),
        (&["scan", "-f", "missing.csv", "no.log"], 2),
        (&["scan", "-f", "picture", "no.log"], 2),
        (&["extract", "no.log"], 1),
        (&["extract", "f.csv"], 0),
        (&["extract", "f.csv", "missing"], 2),
        (&["normalize", "bad.example"], 0),
        (&["normalize", "192.0.2.07"], 2),
        (&["lookup", "-f", "f.csv", "a.bad.example"], 0),
        (&["lookup", "-f", "f.csv", "good.example"], 1),
        (&["lookup", "-f", "f.csv", "not a value"], 2),
        (&["convert", "--to", "jsonl", "f.csv"], 0),
        (&["convert", "--to", "jsonl", "empty"], 1),
        (&["compile", "-o", "s.ind", "f.csv"], 0),
        (&["inspect", "s.ind", "--verify"], 0),
        (&["inspect", "f.csv"], 2),
        (&["scan", "no.log"], 2),
        (&["nonsense"], 2),
        (&["demo"], 0),
    ] {
        let r = run(dir.path(), args);
        assert_eq!(r.code, code, "{args:?}\n{}{}", r.out, r.err);
    }
}

#[test]
fn filters_and_roles() {
    let dir = folder(&[("f.csv", FEED.as_bytes())]);
    let data = b"bad.example 192.0.2.1 198.51.100.7:8443 site.good.example 10.0.0.1";
    let values = |args: &[&str]| {
        let mut all = vec!["scan", "-f", "f.csv"];
        all.extend(args);
        run_with(dir.path(), &all, data).column("value")
    };
    assert_eq!(values(&[]), ["bad.example", "192.0.2.1", "198.51.100.7:8443", "10.0.0.1"]);
    assert_eq!(values(&["--role", "compromised"]), ["site.good.example"]);
    assert_eq!(values(&["--role", "scanner"]), ["192.0.2.1"]);
    assert_eq!(values(&["--label", "LOADER"]), ["bad.example"]);
    assert_eq!(values(&["--min-confidence", "80"]), ["bad.example", "198.51.100.7:8443"]);
    assert_eq!(values(&["--max-tlp", "green"]), ["bad.example", "198.51.100.7:8443", "10.0.0.1"]);
    assert_eq!(values(&["--as-of", "2017-06-01", "--label", "x"]), ["bad.example"]);
    assert!(values(&["--as-of", "2019-06-01", "--label", "x"]).is_empty());
    assert_eq!(values(&["--guarded", "only"]), ["10.0.0.1"]);
    assert_eq!(values(&["--guarded", "hide"]), ["bad.example", "192.0.2.1", "198.51.100.7:8443"]);
    let r = run_with(dir.path(), &["scan", "-f", "f.csv", "--format", "text"], data);
    assert!(!r.out.contains("10[.]0") && r.err.contains("1 doubtful hit hidden"), "{}{}", r.out, r.err);
    assert_eq!(values(&["--as-of", "event", "--label", "x"]), ["bad.example"]);
    let line = b"2019-06-01T00:00:00Z bad.example\n2017-06-01T00:00:00Z bad.example\n";
    let r = run_with(dir.path(), &["scan", "-f", "f.csv", "--as-of", "event"], line);
    assert_eq!(r.json().len(), 1);
    assert_eq!(r.json()[0]["line"], 2);
}

#[test]
fn matching_options() {
    let dir = folder(&[("f.csv", FEED.as_bytes())]);
    let values = |args: &[&str], data: &[u8]| {
        let mut all = vec!["scan", "-f", "f.csv"];
        all.extend(args);
        run_with(dir.path(), &all, data).column("relation")
    };
    assert!(values(&[], b"198.51.100.7:443 198.51.100.7").is_empty());
    assert_eq!(values(&["--ignore-ports"], b"198.51.100.7:443"), ["endpoint"]);
    assert!(values(&[], b"files.example.net").is_empty());
    assert_eq!(values(&["--url-hosts"], b"files.example.net"), ["url-host"]);
    assert_eq!(values(&[], b"https://files.example.net/a/b.php?x=1"), ["exact"]);
    assert!(values(&["--strict-scheme"], b"https://files.example.net/a/b.php?x=1").is_empty());
    assert!(values(&[], b"bad[.]example").is_empty());
    assert_eq!(values(&["--refang"], b"bad[.]example"), ["exact"]);
    assert_eq!(values(&["--refang=strict"], b"hxxp://bad[.]example/"), ["exact"]);
    assert_eq!(values(&["--refang"], b"bad&#46;<b>example</b>"), ["exact"]);
    assert_eq!(values(&[], b"bad&#46;<b>example</b>"), Vec::<String>::new());
}

#[test]
fn warninglists_mark() {
    let list = br#"{"name":"Known good","version":7,"type":"hostname","list":["bad.example"]}"#;
    let dir = folder(&[("f.csv", FEED.as_bytes()), ("lists/a.json", list), ("lists/b.json", b"{")]);
    let r = run_with(dir.path(), &["scan", "-f", "f.csv", "--warninglist", "lists"], b"www.bad.example");
    assert_eq!(r.code, 2, "a list that cannot be read is told");
    assert_eq!(r.json()[0]["guard"][0]["source"], "Known good 7");
    assert!(r.err.contains("b.json"));
}

#[test]
fn sets_are_the_same_bytes_in_any_order() {
    let plain = b"bad.example\n203.0.113.9\nbad.example # again\n";
    let dir = folder(&[
        ("f.csv", FEED.as_bytes()),
        ("p.txt", plain),
        ("x/f.csv", FEED.as_bytes()),
        ("x/p.txt", plain),
    ]);
    let one = run(dir.path(), &["compile", "-o", "1.ind", "f.csv", "p.txt"]);
    let two = run(dir.path(), &["compile", "-o", "2.ind", "x/p.txt", "x/f.csv"]);
    assert_eq!((one.code, two.code), (0, 0), "{}{}", one.err, two.err);
    let bytes = fs::read(dir.path().join("1.ind")).unwrap();
    assert_eq!(bytes, fs::read(dir.path().join("2.ind")).unwrap());
    let summary = &one.json()[0];
    assert_eq!(summary["indicators"], 6);
    assert_eq!(summary["left_out"]["left_out_by_role"], 1);
    // A set is taken wherever a feed is.
    let r = run_with(dir.path(), &["scan", "-f", "1.ind"], b"x.bad.example");
    let feeds: Vec<_> =
        r.json()[0]["indicator"]["contexts"].as_array().unwrap().iter().map(|c| c["feed"].clone()).collect();
    assert_eq!(feeds, ["f.csv", "p.txt", "p.txt"]);
    // Every changed byte and every cut is seen.
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        fs::write(dir.path().join("c.ind"), &changed).unwrap();
        let r = run(dir.path(), &["inspect", "--verify", "c.ind"]);
        assert_eq!(r.code, 2, "byte {at}");
        // Nor is a hit missing because of one.
        for command in [&["scan", "-f", "c.ind", "f.csv"][..], &["lookup", "-f", "c.ind", "bad.example"]] {
            let r = run(dir.path(), command);
            assert_eq!((r.code, r.out.as_str()), (2, ""), "byte {at}: {}", r.err);
        }
    }
    fs::write(dir.path().join("t.ind"), &bytes[..bytes.len() / 2]).unwrap();
    let r = run(dir.path(), &["scan", "-f", "t.ind", "f.csv"]);
    assert_eq!(r.code, 2);
    assert!(r.err.contains("damaged or cut short"), "{}", r.err);
}

#[test]
fn bad_input_is_told_and_the_rest_is_done() {
    let log = "GET bad.example 1\n".repeat(20_000);
    let packed = gzip(log.as_bytes());
    let dir = folder(&[
        ("f.csv", FEED.as_bytes()),
        ("logs/1.gz", &packed[..packed.len() - 20]),
        ("logs/2.log", b"bad.example"),
        ("logs/3.log", b"\xef\xbb\xbfbad.example\r\n\0\0\xff\xfe bad.example\r\n"),
        ("broken.jsonl", b"{\"target\":{\"kind\":\"domain\",\"value\":\"a.bad.example\"}}\n{\"target\":{\"kind\"\n{\"target\":{\"kind\":\"domain\",\"value\":\"c.bad.example\"}}\n"),
        ("broken.stix.json", b"{\"type\":\"bundle\",\"objects\":[{"),
    ]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("..", dir.path().join("logs/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("logs/dangling")).unwrap();
    }
    let r = run(dir.path(), &["scan", "-f", "f.csv", "logs"]);
    assert_eq!(r.code, 2);
    for told in ["1.gz", "loop", "dangling"] {
        assert!(r.err.contains(told), "{told}: {}", r.err);
    }
    let paths = r.column("path");
    assert!(
        paths.iter().filter(|p| *p == "logs/1.gz").count() > 1000,
        "what was read before the cut is scanned"
    );
    assert_eq!(paths.iter().filter(|p| *p == "logs/2.log").count(), 1);
    assert_eq!(paths.iter().filter(|p| *p == "logs/3.log").count(), 2);

    let r =
        run_with(dir.path(), &["scan", "-f", "broken.jsonl"], b"a.bad.example b.bad.example c.bad.example");
    assert_eq!((r.code, r.json().len()), (0, 2));
    assert!(r.err.contains("line 2"), "{}", r.err);
    let r = run_with(dir.path(), &["scan", "--strict", "-f", "broken.jsonl"], b"a.bad.example");
    assert_eq!((r.code, r.json().len()), (2, 1));
    let r = run_with(dir.path(), &["scan", "-f", "broken.stix.json", "-f", "f.csv"], b"bad.example");
    assert_eq!((r.code, r.json().len()), (2, 1), "{}", r.err);
    assert!(r.err.contains("line 1"), "{}", r.err);

    let mut huge = b"indicator\n".to_vec();
    huge.extend(vec![b'a'; 10 << 20]);
    huge.extend_from_slice(b".example\nbad.example\n");
    fs::write(dir.path().join("huge.csv"), huge).unwrap();
    let r = run_with(dir.path(), &["scan", "-f", "huge.csv"], b"bad.example");
    assert_eq!((r.code, r.json().len()), (0, 1));
    assert!(r.err.contains("1 too-long"), "{}", r.err);
}

#[test]
fn archives_and_compression() {
    let zip = {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (name, content) in [("d/a.log", "x bad.example"), ("../../etc/b.log", "bad.example")] {
            zip.start_file(name, options).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let zst = zstd::encode_all(&b"bad.example"[..], 1).unwrap();
    let twice = gzip(&gzip(b"bad.example"));
    let two_members = [gzip(b"bad."), gzip(b"example")].concat();
    let mut deep = b"bad.example".to_vec();
    for _ in 0..8 {
        deep = gzip(&deep);
    }
    let dir = folder(&[
        ("f.csv", FEED.as_bytes()),
        ("l/a.zip", &zip),
        ("l/b.zst", &zst),
        ("l/c.gz.gz", &twice),
        ("l/d.gz", &two_members),
        ("l/nested.gz", &gzip(&zip)),
    ]);
    let r = run(dir.path(), &["scan", "-f", "f.csv", "l"]);
    assert_eq!(r.code, 0, "{}", r.err);
    assert_eq!(
        r.column("path"),
        [
            "l/a.zip!d/a.log",
            "l/a.zip!../../etc/b.log",
            "l/b.zst",
            "l/c.gz.gz",
            "l/d.gz",
            "l/nested.gz!d/a.log",
            "l/nested.gz!../../etc/b.log"
        ]
    );
    fs::write(dir.path().join("deep.gz"), deep).unwrap();
    let r = run(dir.path(), &["scan", "-f", "f.csv", "deep.gz"]);
    assert_eq!(r.code, 2);
    assert!(r.err.contains("limit reached"), "{}", r.err);
}

#[test]
fn nothing_leaves_its_field() {
    let evil = "indicator,type,description,labels\n\
        \"=cmd|' /C calc'!A0\",user-name,\"x\ny\",\"a\"\"b\"\n\
        bad.example,domain,\"\u{1b}]0;owned\u{7}\u{202e}\",\"=1+1|@x\"\n";
    let dir = folder(&[("f.csv", evil.as_bytes())]);
    let r = run_with(
        dir.path(),
        &["scan", "-f", "f.csv", "--format", "text", "--line-text"],
        b"\x1b[31m bad.example\x9b\n",
    );
    assert_eq!(r.code, 0);
    assert!(
        !r.out.contains('\u{1b}') && !r.out.contains('\u{202e}') && !r.out.contains('\u{9b}'),
        "{:?}",
        r.out
    );
    assert_eq!(r.out.lines().count(), 2, "{:?}", r.out);
    let r = run_with(dir.path(), &["scan", "-f", "f.csv", "--format", "csv"], b"bad.example");
    let record = r.out.lines().nth(1).unwrap();
    assert!(record.contains(",'=1+1|@x,"), "{record}");
    let r = run(dir.path(), &["convert", "--to", "csv", "f.csv"]);
    for line in r.out.split("\r\n").skip(1).filter(|l| !l.is_empty()) {
        assert!(!line.starts_with(['=', '+', '-', '@']), "{line}");
    }
    fs::write(dir.path().join("again.csv"), &r.out).unwrap();
    let first = run(dir.path(), &["convert", "--to", "jsonl", "f.csv", "--name", "n"]);
    let again = run(dir.path(), &["convert", "--to", "jsonl", "again.csv", "--name", "n"]);
    let values = |r: &Run| r.json().iter().map(|v| v["target"]["value"].clone()).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&again));
    let r = run(dir.path(), &["convert", "--to", "plain", "f.csv"]);
    assert!(r.out.lines().all(|l| !l.is_empty()));
}

#[test]
fn convert_jsonl_is_lossless() {
    let line = r#"{"target":{"kind":"domain","value":"*.bad.example","match":"subdomains"},"group":"g","contexts":[{"feed":"f","producer":"p","source_id":"1","role":"victim","labels":["l"],"threat":"t","confidence":{"value":7,"scale":"0-10","source":"s"},"first_seen":"2017-01-01T00:00:00Z","last_seen":"2017-01-02T00:00:00Z","valid_from":"2017-01-01T00:00:00Z","valid_until":"2018-01-01T00:00:00.5Z","revoked":false,"tlp":"amber+strict","pap":"red","purposes":["x"],"countries":[{"code":"MY","basis":"hosting","evidence":"e","date":"2017-01-01T00:00:00Z","strength":"strong"}],"asn":64496,"provider":"pr","references":["r"],"description":"d","hops":[{"who":"w","when":"2017-01-01T00:00:00Z","agreement":"a","action":"shared"}],"extra":{"k":[1,{"z":null}]}}]}"#;
    let other = r#"{"target":{"kind":"other","value":"/gate.php","match":"exact","type":"path"},"contexts":[{"feed":"f","tlp":"clear"}]}"#;
    let dir = folder(&[("a.jsonl", format!("{line}\n{other}\n").as_bytes())]);
    let r = run(dir.path(), &["convert", "--to", "jsonl", "a.jsonl"]);
    assert_eq!(r.code, 0, "{}", r.err);
    assert_eq!(r.out, format!("{line}\n{other}\n"));
    assert_eq!(r.err, "");
}

#[test]
fn a_full_disk_leaves_no_partial_file() {
    let dir = folder(&[("f.csv", FEED.as_bytes())]);
    if Path::new("/dev/full").exists() {
        let r = run(dir.path(), &["compile", "-o", "/dev/full", "f.csv"]);
        assert_eq!(r.code, 2);
        assert!(r.err.contains("/dev/full") && r.err.contains("space"), "{}", r.err);
    }
    // A small file system of its own, where the test may mount one.
    let small = dir.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(&small).output();
    if mounted.is_ok_and(|o| o.status.success()) {
        let many: String = (0..5000).map(|i| format!("host{i}.bad.example\n")).collect();
        fs::write(dir.path().join("many.txt"), many).unwrap();
        let r = run(dir.path(), &["compile", "-o", "small/s.ind", "many.txt"]);
        let left: Vec<PathBuf> = fs::read_dir(&small).unwrap().map(|e| e.unwrap().path()).collect();
        let _ = Command::new("umount").arg(&small).output();
        assert_eq!(r.code, 2, "{}", r.err);
        assert!(r.err.contains("space") && left.is_empty(), "{} {left:?}", r.err);
    } else {
        eprintln!("skipped: a full file system (tmpfs cannot be mounted here)");
    }
}

#[test]
fn extraction_output() {
    let dir = folder(&[("r.txt", "see hxxps[:]//cdn[.]bad[.]example/a and 192.0.2.7:8443\n".as_bytes())]);
    let r = run(dir.path(), &["extract", "r.txt"]);
    let found = r.json();
    assert_eq!(found[0]["value"], "https://cdn.bad.example/a");
    assert_eq!(found[0]["raw"], "hxxps[:]//cdn[.]bad[.]example/a");
    assert_eq!(found[1]["port"], 8443);
    let r = run(dir.path(), &["extract", "--kind", "ipv4", "--kind", "domain", "--nested", "r.txt"]);
    assert_eq!(r.column("value"), ["cdn.bad.example", "192.0.2.7"]);
    let utf16: Vec<u8> = "\u{feff}go to bad.example\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let r = run_with(dir.path(), &["extract"], &utf16);
    let found = r.json();
    assert_eq!(
        (found[0]["value"].as_str(), found[0]["via"].as_str()),
        (Some("bad.example"), Some("utf-16le"))
    );
    assert_eq!((found[0]["start"].as_u64(), found[0]["end"].as_u64()), (Some(14), Some(36)));
    let r = run_with(dir.path(), &["extract"], b"mail \xe9t\xe9@bad.example");
    assert_eq!(r.column("value"), ["bad.example"]);
}

const MAIL: &str = "From nobody Mon\nReceived: from x by y\nSubject: two parts\nMIME-Version: 1.0\n\
                    Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\
                    Content-Transfer-Encoding: quoted-printable\n\nsee http://files.example.ne=\nt/a/b.php?x=3D1 =\n\
                    and 192.0.2.7\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n\
                    PGI+MTkyLjAuMi45PC9i\nPiBhdCB3d3cuYmFkLmV4\nYW1wbGU8YnI+\n--b--\n\n";

#[test]
fn parts_of_mail_are_decoded() {
    let mbox = format!("{MAIL}From somebody\nReceived: x\nSubject: y\n\nbad.example\n");
    let dir = folder(&[("f.csv", FEED.as_bytes()), ("m.eml", MAIL.as_bytes()), ("m.mbox", mbox.as_bytes())]);
    let r = run(dir.path(), &["scan", "-f", "f.csv", "m.mbox"]);
    let shown = |hit: &Value| {
        let (start, end) = (hit["start"].as_u64().unwrap() as usize, hit["end"].as_u64().unwrap() as usize);
        format!("{} {} {} {:?}", hit["line"], hit["value"].as_str().unwrap(), hit["via"], &mbox[start..end])
    };
    assert_eq!(
        r.json().iter().map(shown).collect::<Vec<_>>(),
        [
            "11 http://files.example.net/a/b.php?x=1 \"quoted-printable\" \"http://files.example.ne=\\nt/a/b.php?x=3D1\"",
            "13 192.0.2.7 \"quoted-printable\" \"192.0.2.7\"",
            "18 192.0.2.9 \"base64\" \"MTkyLjAuMi45\"",
            "19 www.bad.example \"base64\" \"B3d3cuYmFkLmV4\\nYW1wbGU\"",
            "27 bad.example null \"bad.example\"",
        ]
    );
    let found = run(dir.path(), &["extract", "m.eml"]);
    assert_eq!(
        found.column("value"),
        ["http://files.example.net/a/b.php?x=1", "192.0.2.7", "192.0.2.9", "www.bad.example"]
    );
    for size in ["1", "40", "1000"] {
        let made = Command::new(env!("CARGO_BIN_EXE_indicia"))
            .args(["scan", "-f", "f.csv", "m.mbox"])
            .current_dir(dir.path())
            .env("INDICIA_CHUNK", size)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(made.stdout).unwrap(), r.out);
    }
}

/// A URL in three lines and a hash in two.
const WRAPPED: &str = "it then gets what it needs from http://bad.example/files/\n\
                       load.php?a-long-query-that-is-wrapped-once-more=1&\nx=2 and the file is\n\
                       0123456789abcdef012345\n6789abcdef, as said.\n";

const RECORDS: &str = "#fields\tid.resp_h\tid.resp_p\thost\turi\n192.0.2.9\t8080\tevil.example\t/x\n\
                       198.51.100.7\t443\tgood.example\t/\n{\"dest_ip\":\"198.51.100.7\",\"dest_port\":443}\n\
                       {\"src_ip\":\"192.0.2.7\",\"src_port\":443,\"dns\":{\"rrname\":\"www.bad.example\"}}\n\
                       {\"url\":{\"scheme\":\"http\",\"domain\":\"evil.example\",\"path\":\"/x\"}}\n";

/// Two records in an array, and one in an object around it.
const DOCUMENT: &str = "[\n  {\n    \"dest_ip\": \"198.51.100.7\",\n    \"dest_port\": 443\n  },\n  {\n    \"url\": {\n      \
                        \"scheme\": \"http\",\n      \"domain\": \"evil.example\",\n      \"path\": \"/x\"\n    }\n  }\n]\n";

#[test]
fn fields_of_documents_over_many_lines() {
    let feed = format!("{FEED}198.51.100.7:443,endpoint,,,,,,\nhttp://evil.example/x,url,,,,,,\n");
    let around = format!("{{\"Records\": {DOCUMENT}}}\n");
    let dir = folder(&[
        ("f.csv", feed.as_bytes()),
        ("a.json", DOCUMENT.as_bytes()),
        ("o.json", around.as_bytes()),
        ("crlf.json", DOCUMENT.replace('\n', "\r\n").as_bytes()),
    ]);
    for (file, front) in [("a.json", ""), ("o.json", "Records."), ("crlf.json", "")] {
        for size in ["1", "30", "100000"] {
            let made = Command::new(env!("CARGO_BIN_EXE_indicia"))
                .args(["scan", "--fields", "-f", "f.csv", file])
                .current_dir(dir.path())
                .env("INDICIA_CHUNK", size)
                .output()
                .unwrap();
            let hits: Vec<Value> = String::from_utf8(made.stdout)
                .unwrap()
                .lines()
                .map(|hit| serde_json::from_str(hit).unwrap())
                .collect();
            let shown: Vec<_> =
                hits.iter().map(|hit| format!("{} {} {}", hit["line"], hit["value"], hit["field"])).collect();
            let names =
                |names: &[&str]| names.iter().map(|n| format!("{front}{n}")).collect::<Vec<_>>().join("+");
            assert_eq!(
                shown,
                [
                    format!("3 \"198.51.100.7:443\" \"{}\"", names(&["dest_ip", "dest_port"])),
                    format!(
                        "9 \"http://evil.example/x\" \"{}\"",
                        names(&["url.scheme", "url.domain", "url.path"])
                    ),
                ],
                "{file} {size}"
            );
        }
    }
}

#[test]
fn fields_of_records() {
    let feed = format!("{FEED}198.51.100.7:443,endpoint,,,,,,\nhttp://evil.example/x,url,,,,,,\n");
    let dir = folder(&[("f.csv", feed.as_bytes()), ("r.log", RECORDS.as_bytes())]);
    let fields = |more: &[&str]| {
        let r = run(dir.path(), &[&["scan", "-f", "f.csv", "r.log"], more].concat());
        let shown =
            |hit: &Value| format!("{} {} {}", hit["line"], hit["value"].as_str().unwrap(), hit["field"]);
        r.json().iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(fields(&[]), ["2 192.0.2.9 null", "5 192.0.2.7 null", "5 www.bad.example null"]);
    assert_eq!(
        fields(&["--fields"]),
        [
            "2 192.0.2.9 \"id.resp_h\"",
            "3 198.51.100.7:443 \"id.resp_h+id.resp_p\"",
            "4 198.51.100.7:443 \"dest_ip+dest_port\"",
            "5 192.0.2.7 \"src_ip\"",
            "5 www.bad.example \"dns.rrname\"",
            "6 http://evil.example/x \"url.scheme+url.domain+url.path\"",
        ]
    );
    assert_eq!(
        fields(&["--where", "dest_port", "--where", "rrname"]),
        ["4 198.51.100.7:443 \"dest_ip+dest_port\"", "5 www.bad.example \"dns.rrname\""]
    );
    let text = run(dir.path(), &["scan", "--format", "text", "--fields", "-f", "f.csv", "r.log"]).out;
    assert!(text.contains("r.log:4: 198[.]51[.]100[.]7:443 [endpoint]"), "{text}");
    assert!(text.contains("(in dest_ip+dest_port)"), "{text}");
    let csv = run(dir.path(), &["scan", "--format", "csv", "--fields", "-f", "f.csv", "r.log"]).out;
    assert!(csv.lines().next().unwrap().ends_with(",field") && csv.contains(",src_ip\r\n"), "{csv}");
    let ecs =
        run(dir.path(), &["scan", "--format", "ecs", "--where", "src_ip", "-f", "f.csv", "r.log"]).json();
    assert_eq!(ecs[0]["threat"]["enrichments"][0]["matched"]["field"], "src_ip");

    let r = run(dir.path(), &["extract", "--fields", "--kind", "ipv4", "r.log"]);
    assert_eq!(r.column("field"), ["id.resp_h", "id.resp_h", "dest_ip", "src_ip"]);
    assert_eq!(
        r.json().iter().map(|e| e["port"].as_u64()).collect::<Vec<_>>(),
        [8080, 443, 443, 443].map(Some)
    );
    let hostile = b"{\"\\u001b[31m\\nx\":\"192.0.2.7\"}\n{\"=cmd|\":\"192.0.2.7\"}\n";
    for (format, lines) in [("text", 2), ("csv", 4), ("jsonl", 2)] {
        let r = run_with(dir.path(), &["scan", "--format", format, "--fields", "-f", "f.csv"], hostile);
        assert!(!r.out.contains('\x1b') && r.out.lines().count() == lines, "{}", r.out);
        assert!(!r.out.contains(",=cmd"), "{}", r.out);
    }
}

#[test]
fn values_one_a_line() {
    let dir = folder(&[]);
    let r = run_with(dir.path(), &["normalize"], b"hxxps://Bad[.]Example/%7Ea\n\n192.0.2.07\n");
    assert_eq!(r.code, 2);
    let lines = r.json();
    assert_eq!(
        lines[0],
        serde_json::json!({"raw":"hxxps://Bad[.]Example/%7Ea","kind":"url","value":"https://bad.example/~a"})
    );
    assert_eq!(lines[1]["error"]["reason"], "ipv4-leading-zero");
    assert_eq!(lines[1]["error"]["code"], 111);
    let r = run(dir.path(), &["defang", "--format", "text", "http://bad.example/x"]);
    assert_eq!(r.out, "hxxp://bad[.]example/x\n");
    let styled = |style| {
        run(dir.path(), &["defang", "--style", style, "--format", "text", "ftp://a.bad.example/"]).out
    };
    assert_eq!(styled("last-dot"), "fxp://a.bad[.]example/\n");
    assert_eq!(styled("draft"), "[ftp]://a[.]bad[.]example/\n");
    let r = run(dir.path(), &["refang", "--format", "text", "hxxp://bad[.]example/x", "a b"]);
    assert_eq!(r.out, "http://bad.example/x\na b\n");
}

#[test]
fn threads_and_pieces_do_not_change_the_output() {
    let line = "GET http://www.bad.example/x 192.0.2.7 198.51.100.7:8443 nothing.example.org\n";
    let many: String =
        (0..6000).map(|n| if n % 3 == 0 { line.to_string() } else { format!("{n}\r\n\n") }).collect();
    let utf16: Vec<u8> =
        format!("\u{feff}{}", &many[..20_000]).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = format!("{} 192.0.2.7 {}\nbad.example", "x".repeat(300_000), "y ".repeat(50_000));
    let dir = folder(&[
        ("f.csv", FEED.as_bytes()),
        ("d/1.log", many.as_bytes()),
        ("d/2.log.gz", &gzip(many.as_bytes())),
        ("d/3.log.zst", &zstd::encode_all(many.as_bytes(), 3).unwrap()),
        ("d/4.txt", &utf16),
        ("d/5.txt", long.as_bytes()),
        ("d/6.txt", b""),
        ("d/7.txt", b"\xff\x00 192.0.2.7 \x00"),
        ("d/8.log", RECORDS.repeat(300).as_bytes()),
        ("d/9.csv", format!("when,dst,name\n{}", "1,192.0.2.7,bad.example\n".repeat(900)).as_bytes()),
        ("d/wrapped.txt", WRAPPED.repeat(300).as_bytes()),
    ]);
    for more in
        [&["--line-text"][..], &["--count"], &["--format", "text", "--guarded", "show"], &["--fields"]]
    {
        let scan = |threads, size| {
            let args = [&["scan", "--threads", threads, "-f", "f.csv", "d"], more].concat();
            let made = Command::new(env!("CARGO_BIN_EXE_indicia"))
                .args(args)
                .current_dir(dir.path())
                .env("INDICIA_CHUNK", size)
                .output()
                .unwrap();
            assert_eq!(made.status.code(), Some(0));
            made.stdout
        };
        let expected = scan("1", "");
        assert!(more[0] == "--count" || expected.len() > 1_000_000);
        for (threads, size) in
            [("1", "600"), ("1", "5000"), ("2", "5000"), ("3", "600"), ("7", "99999"), ("2", "")]
        {
            assert!(scan(threads, size) == expected, "{more:?} {threads} {size}");
        }
    }
    let extract = |more: &[&str], threads, size| {
        let made = Command::new(env!("CARGO_BIN_EXE_indicia"))
            .args([&["extract", "--threads", threads, "--explain", "d"], more].concat())
            .current_dir(dir.path())
            .env("INDICIA_CHUNK", size)
            .output()
            .unwrap();
        assert_eq!(made.status.code(), Some(0));
        made.stdout
    };
    for more in [["--fields"], ["--wrapped"]] {
        let expected = extract(&more, "1", "");
        for (threads, size) in [("1", "600"), ("2", "5000"), ("7", "99999"), ("2", "")] {
            assert!(extract(&more, threads, size) == expected, "extract {more:?} {threads} {size}");
        }
        let wrapped = String::from_utf8(expected).unwrap().matches(r#""via":"wrapped""#).count();
        assert_eq!(wrapped, if more == ["--wrapped"] { 600 } else { 0 });
    }
    let count = run(dir.path(), &["scan", "--count", "-f", "f.csv", "d/1.log", "d/6.txt"]);
    assert_eq!(
        count.json().iter().map(|line| line["count"].as_u64()).collect::<Vec<_>>(),
        [Some(6000), Some(0)]
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_scan() {
    let line = "bad.example 192.0.2.7\n";
    let dir = folder(&[("f.csv", FEED.as_bytes())]);
    for threads in ["1", "3"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_indicia"))
            .args(["scan", "--threads", threads, "-f", "f.csv"])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        // The input has no end: writing it ends when nobody reads it any more.
        let mut stdin = child.stdin.take().unwrap();
        while stdin.write_all(line.repeat(10_000).as_bytes()).is_ok() {}
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn feeds_toml() {
    let toml =
        "[[feed]]\npath = \"a.txt\"\nname = \"ours\"\ntlp = \"green\"\nrole = \"c2\"\nmatch = \"exact\"\n";
    let dir = folder(&[
        ("x.feeds.toml", toml.as_bytes()),
        ("a.txt", b"bad.example\n"),
        ("bad.feeds.toml", b"[[feed]]\npth = 1\n"),
    ]);
    let r = run_with(dir.path(), &["scan", "-f", "x.feeds.toml"], b"bad.example www.bad.example");
    assert_eq!(r.column("value"), ["bad.example"], "{}", r.err);
    let context = &r.json()[0]["indicator"]["contexts"][0];
    assert_eq!(
        (context["feed"].as_str(), context["tlp"].as_str(), context["role"].as_str()),
        (Some("ours"), Some("green"), Some("c2"))
    );
    let r = run_with(dir.path(), &["scan", "-f", "bad.feeds.toml"], b"x");
    assert_eq!(r.code, 2);
    assert!(r.err.contains("line 2") || r.err.contains("pth"), "{}", r.err);
}

const SUFFIXES: &str = "// ===BEGIN ICANN DOMAINS===\ncom\nexample\n// ===END ICANN DOMAINS===\n\
    // ===BEGIN PRIVATE DOMAINS===\nbad.example\n// ===END PRIVATE DOMAINS===\n";

#[test]
fn newer_tables_hold_for_every_command() {
    let dir = folder(&[
        ("f.txt", b"bad.example\npaste.example\n"),
        ("tlds.txt", b"# Version 2099010100, Last Updated later\nCOM\nUNHEARD\n"),
        ("psl.dat", SUFFIXES.as_bytes()),
        ("hosting.txt", b"paste.example\tpaste\n"),
        ("a.log", b"www.bad.example evil.unheard paste.example\n"),
    ]);
    let extract =
        |args: &[&str]| run(dir.path(), &[args, &["extract", "--format", "jsonl", "a.log"]].concat());
    assert!(!extract(&[]).out.contains("evil.unheard"));
    assert!(extract(&["--tlds", "tlds.txt"]).out.contains("\"value\":\"evil.unheard\""));

    let scan = ["scan", "-f", "f.txt", "a.log", "--format", "jsonl"];
    assert!(run(dir.path(), &scan).out.contains("\"subdomain\""));
    let r = run(dir.path(), &[&scan[..], &["--psl", "psl.dat", "--shared-hosting", "hosting.txt"]].concat());
    assert!(!r.out.contains("\"subdomain\""), "a public suffix is matched exactly: {}", r.out);
    assert!(
        r.out.contains(r#""rule":"shared-hosting","source":"shared hosting, 1 names, fnv1a64"#),
        "{}",
        r.out
    );

    // A set says which list it was compiled with, and a scan with another one says so too.
    let r = run(dir.path(), &["compile", "-o", "s.ind", "f.txt", "--psl", "psl.dat"]);
    assert_eq!(r.code, 0, "{}", r.err);
    let r = run(dir.path(), &["inspect", "s.ind", "--format", "jsonl"]);
    assert!(r.out.contains("Public Suffix List, 3 rules, fnv1a64 "), "{}", r.out);
    let r = run(dir.path(), &["scan", "-f", "s.ind", "a.log"]);
    assert!(r.err.contains("s.ind: compiled with Public Suffix List, 3 rules"), "{}", r.err);
    let r = run(dir.path(), &["scan", "-f", "s.ind", "a.log", "--psl", "psl.dat"]);
    assert!(!r.err.contains("compiled with"), "{}", r.err);
}

#[test]
fn broken_tables_are_refused_with_their_line() {
    let cut = &SUFFIXES[..SUFFIXES.len() - 20];
    let dir = folder(&[
        ("cut.dat", cut.as_bytes()),
        ("page.html", b"<!DOCTYPE html>\n<html>\n"),
        ("latin.txt", b"# Version 1\nCOM\nCAF\xc9\n"),
        ("hosting.txt", b"# mine\npaste.example\tpaste\npaste.example\tfriends\n"),
    ]);
    for (option, file, problem) in [
        ("--psl", "cut.dat", "cut.dat: line 7: the list is cut short"),
        ("--psl", "page.html", "page.html: line 1: not the Public Suffix List"),
        ("--tlds", "page.html", "page.html: line 1: not IANA's list"),
        ("--tlds", "latin.txt", "latin.txt: line 3: not UTF-8"),
        ("--shared-hosting", "hosting.txt", "hosting.txt: line 3: not a class of shared hosting"),
        ("--psl", "none.dat", "none.dat: "),
    ] {
        let r = run(dir.path(), &["normalize", "bad.example", option, file]);
        assert_eq!((r.code, r.out.as_str()), (2, ""), "{file}");
        assert!(r.err.contains(problem), "{file}: {}", r.err);
    }
}

/// A set keeps the profile of its URLs, scan and lookup follow it, and two profiles never meet.
#[test]
fn profiles() {
    let folder = folder(&[
        ("urls.csv", b"url\nhttp://WWW.Bad.example:8080//Gate.PHP\n"),
        ("plain.txt", b"http://plain.example/a\n"),
    ]);
    let dir = folder.path();
    let value = |profile: &str| {
        let run = run(dir, &["normalize", "--profile", profile, "hxxp://Bad[.]example:80/%7Ea"]);
        assert_eq!(run.code, 0, "{}", run.err);
        run.column("value").concat()
    };
    assert_eq!(value("default@1"), "http://bad.example/~a");
    assert_eq!(value("whatwg"), "http://bad.example/%7Ea");
    assert_eq!(value("zeek@1"), "bad.example/%7ea");
    assert_eq!(value("verbatim"), "http://Bad.example:80/%7Ea");
    let unknown = run(dir, &["normalize", "--profile", "kaspersky@2", "x"]);
    assert!(unknown.code == 2 && unknown.err.contains("safe-browsing-5@1"), "{}", unknown.err);

    let compiled = run(dir, &["compile", "--profile", "kaspersky", "-o", "k.ind", "urls.csv"]);
    assert_eq!((compiled.code, compiled.json()[0]["profile"].as_str()), (0, Some("kaspersky@1")));
    assert_eq!(run(dir, &["inspect", "k.ind"]).json()[0]["profile"], "kaspersky@1");
    assert_eq!(run(dir, &["inspect", "--verify", "k.ind"]).code, 0);
    let line = b"seen https://bad.example/gate.php?no and https://bad.example/GATE.php/ here\n";
    let scan = run_with(dir, &["scan", "-f", "k.ind"], line);
    assert_eq!(scan.column("raw"), ["https://bad.example/GATE.php/"]);
    assert_eq!(scan.json()[0]["indicator"]["target"]["profile"], "kaspersky@1");
    let lookup = run(dir, &["lookup", "-f", "k.ind", "bad.example/gate.php"]);
    assert_eq!(lookup.json()[0]["hits"][0]["relation"], "exact");

    // Both names are in the message, in whatever order they come.
    for feeds in [["k.ind", "plain.txt"], ["plain.txt", "k.ind"]] {
        let scan = run_with(dir, &["scan", "-f", feeds[0], "-f", feeds[1]], line);
        assert_eq!(scan.code, 2, "{feeds:?}");
        assert!(scan.err.contains("default@1") && scan.err.contains("kaspersky@1"), "{}", scan.err);
    }
    let mixed = run(dir, &["compile", "--profile", "zeek", "-o", "z.ind", "plain.txt", "k.ind"]);
    assert_eq!((mixed.code, &mixed.json()[0]["failed"][0]["reason"]), (2, &"profile-mismatch".into()));
    assert!(mixed.err.contains("zeek@1") && mixed.err.contains("kaspersky@1"), "{}", mixed.err);
    assert_eq!(
        run(dir, &["compile", "--profile", "kaspersky", "-o", "both.ind", "plain.txt", "k.ind"]).code,
        0
    );
    assert_eq!(run(dir, &["inspect", "both.ind"]).json()[0]["indicators"], 2);

    // Only jsonl names a profile, and is read back under it alone.
    let csv = run(dir, &["convert", "--to", "csv", "k.ind"]);
    assert!(csv.code == 2 && csv.out.is_empty() && csv.err.contains("kaspersky@1"), "{}", csv.err);
    assert_eq!(run(dir, &["convert", "--to", "jsonl", "-o", "k.jsonl", "k.ind"]).code, 0);
    assert_eq!(run(dir, &["compile", "--profile", "kaspersky", "-o", "again.ind", "k.jsonl"]).code, 0);
    assert_eq!(fs::read(dir.join("again.ind")).unwrap(), fs::read(dir.join("k.ind")).unwrap());
    let other = run(dir, &["compile", "-o", "d.ind", "k.jsonl"]);
    assert_eq!(other.json()[0]["refused"]["profile-mismatch"], 1);
}

#[test]
fn masks_and_prefixes_from_a_feed_to_a_hit() {
    let jsonl = concat!(
        r#"{"target":{"kind":"url","value":"bad.example/gate/*","match":"mask"},"contexts":[{"role":"c2"}]}"#,
        "\n",
        r#"{"target":{"kind":"url","value":"http://prefix.example/a","match":"prefix"},"contexts":[{}]}"#,
        "\n",
        r#"{"target":{"kind":"file-name","value":"inv*.exe","match":"mask"},"contexts":[{}]}"#,
        "\n",
        r#"{"target":{"kind":"url","value":"{key}*/victim/*","match":"mask"},"contexts":[{"role":"victim"}]}"#,
        "\n",
    );
    let csv = "value,type,match\nevil*.example,domain,mask\nhttp://prefix.example/b,url,prefix\n";
    let log = "GET http://bad.example/gate/x?y=1 200\nGET https://prefix.example/a/b\nGET http://prefix.example/ab\n\
        q evil7.example\nGET http://prefix.example/b?c GET http://a.example/victim/x\n";
    let dir =
        folder(&[("a.jsonl", jsonl.as_bytes()), ("b.csv", csv.as_bytes()), ("log.txt", log.as_bytes())]);
    let compiled = run(dir.path(), &["compile", "-o", "s.ind", "a.jsonl", "b.csv"]);
    assert_eq!(compiled.code, 0, "{}", compiled.err);
    assert_eq!(compiled.json()[0]["left_out"]["masks_not_scanned"], 1);
    assert_eq!(compiled.json()[0]["left_out"]["left_out_by_role"], 1);
    for feeds in [&["-f", "s.ind"][..], &["-f", "a.jsonl", "-f", "b.csv"]] {
        let scan = run(dir.path(), &[&["scan"], feeds, &["--format", "jsonl", "log.txt"]].concat());
        let hits = scan.json();
        let seen: Vec<(&str, &str)> =
            hits.iter().map(|h| (h["relation"].as_str().unwrap(), h["value"].as_str().unwrap())).collect();
        let expected = [
            ("mask", "http://bad.example/gate/x?y=1"),
            ("url-prefix", "https://prefix.example/a/b"),
            ("mask", "evil7.example"),
            ("url-prefix", "http://prefix.example/b?c"),
        ];
        assert_eq!(seen, expected, "{}", scan.err);
        assert_eq!(hits[0]["indicator"]["target"]["value"], "bad.example/gate/*");
        assert_eq!(hits[0]["indicator"]["target"]["match"], "mask");
        let looked = [&["lookup"], feeds, &["--format", "jsonl"]].concat();
        for (value, kind, relation) in [
            ("hxxp://bad[.]example/gate/", "url", "mask"),
            ("http://prefix.example/a?x", "url", "url-prefix"),
            ("INVOICE.exe", "file-name", "mask"),
            ("evil.example", "domain", "mask"),
        ] {
            let found = run(dir.path(), &[&looked[..], &["--kind", kind, value]].concat());
            assert_eq!(found.json()[0]["hits"][0]["relation"], relation, "{value} {}", found.out);
        }
        let filtered = [&["scan"], feeds, &["--format", "jsonl", "--role", "c2", "log.txt"]].concat();
        assert_eq!(run(dir.path(), &filtered).json().len(), 1);
    }
    let victims =
        run(dir.path(), &["scan", "-f", "a.jsonl", "--role", "victim", "--format", "jsonl", "log.txt"]);
    assert_eq!(victims.column("value"), ["http://a.example/victim/x"]);
    let lost = run(dir.path(), &["convert", "--to", "hosts", "a.jsonl"]);
    assert!(lost.err.contains("a mask"), "{}", lost.err);
}

#[test]
fn a_value_is_explained() {
    let dir = folder(&[]);
    let r = run(
        dir.path(),
        &["normalize", "--explain", "--format", "jsonl", "hxxp://Bad[.]Example:80/%7ea", "1.2.3.04"],
    );
    let lines = r.json();
    let steps = lines[0]["explain"]["value"].as_array().unwrap();
    assert_eq!(steps[0]["before"], "hxxp://Bad[.]Example:80/%7ea");
    assert_eq!(steps.last().unwrap()["after"], lines[0]["value"]);
    assert!(steps.iter().all(|step| step["rule"].is_string() && step["source"].is_string()));
    assert_eq!(lines[0]["explain"]["compared_as"], "bad.example/~a");
    assert_eq!(lines[1]["error"]["reason"], "ipv4-leading-zero");
    assert!(lines[1]["explain"].is_object());
    let r =
        run(dir.path(), &["normalize", "--explain", "--format", "text", "D41D8CD98F00B204E9800998ECF8427E"]);
    assert!(r.out.contains("lower case") && r.out.contains("imphash ja3"), "{}", r.out);
}
