//! Stores of observables by the command: what `scan` finds in logs it finds in their store.

use std::collections::BTreeSet;
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

fn done(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = run(dir, args);
    assert_eq!(code, 0, "{args:?}: {err}");
    out
}

fn json(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Kind, value, relation and indicator of every hit.
fn hits(out: &str) -> BTreeSet<String> {
    json(out)
        .iter()
        .map(|hit| {
            let target = &hit["indicator"]["target"];
            format!("{} {} {} {}", hit["kind"], hit["value"], hit["relation"], target["value"])
        })
        .collect()
}

const FEED: &str = "indicator,type,role,match\n\
    bad.example,domain,c2,subdomains\n\
    192.0.2.0/24,cidr,scanner,\n\
    198.51.100.7:8443,endpoint,c2,\n\
    http://files.example.net/a/b.php?x=1,url,phishing,\n\
    http://files.example.net/c/,url,phishing,prefix\n\
    odd.nosuchtld,domain,c2,\n\
    update.zip,domain,c2,\n\
    a@mail.example,email,c2,\n\
    0123456789abcdef0123456789abcdef,md5,c2,\n";

const LOGS: [(&str, &str); 3] = [
    (
        "a.log",
        "2017-10-12T09:30:00Z GET https://files.example.net/a/%62.php?x=1 from 192.0.2.7\r\n\
         2017-10-13T09:30:00Z q www.bad.example. odd.nosuchtld get update.zip\n",
    ),
    ("b.log", "2017-10-11T09:30:00Z www.bad.example [198.51.100.7:8443] (http://files.example.net/c/d;e)\n"),
    (
        "c.log",
        "to a@mail.example, md5=0123456789ABCDEF0123456789ABCDEF x@sub.bad.example\n\
         http://192.0.2.9/?u=http%3A%2F%2Fx.bad.example/\n",
    ),
];

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f.csv"), FEED).unwrap();
    for (name, text) in LOGS {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[test]
fn a_store_answers_as_the_logs_do() {
    let dir = folder();
    let dir = dir.path();
    let summary = &json(&done(dir, &["observe", "-o", "s", "a.log", "b.log", "c.log"]))[0];
    assert_eq!(summary["kinds"]["md5"], 1);
    let mut in_logs = hits(&done(dir, &["scan", "-f", "f.csv", "a.log", "b.log", "c.log"]));
    assert_eq!(in_logs.len(), 12, "{in_logs:#?}");
    // A scan tells the outermost of the readings of `%2Fx.bad.example`; the store has both.
    in_logs.insert("\"domain\" \"x.bad.example\" \"subdomain\" \"bad.example\"".to_string());
    let out = done(dir, &["scan", "-f", "f.csv", "s"]);
    assert_eq!(hits(&out), in_logs);
    let www = json(&out).into_iter().find(|hit| hit["value"] == "www.bad.example").unwrap();
    assert_eq!(
        (&www["first"], &www["last"], &www["count"]),
        (&"2017-10-11T09:30:00Z".into(), &"2017-10-13T09:30:00Z".into(), &2.into())
    );
    assert_eq!(
        (&www["path"], &www["raw"], &www["start"], &www["end"]),
        (&"s".into(), &"www.bad.example".into(), &0.into(), &15.into())
    );
    let text = done(dir, &["scan", "--format", "text", "-f", "f.csv", "s"]);
    assert!(
        text.contains("www[.]bad[.]example [subdomain] f.csv, c2 (listed: bad[.]example) (seen 2 times, 2017-10-11T09:30:00Z to 2017-10-13T09:30:00Z)"),
        "{text}"
    );
    let csv = done(dir, &["scan", "--format", "csv", "-f", "f.csv", "s"]);
    assert!(csv.lines().next().unwrap().ends_with(",first,last,count,field"));
    assert!(csv.contains(",2017-10-11T09:30:00Z,2017-10-13T09:30:00Z,2,"), "{csv}");
    let ecs = json(&done(dir, &["scan", "--format", "ecs", "-f", "f.csv", "s"]));
    assert!(ecs.iter().any(|hit| hit["event"]["start"] == "2017-10-11T09:30:00Z"
        && hit["threat"]["enrichments"][0]["indicator"]["sightings"] == 2));
    let (code, out, _) = run(dir, &["scan", "--count", "--stats", "-f", "f.csv", "s"]);
    assert_eq!((code, out.as_str()), (0, "{\"count\":13,\"path\":\"s\"}\n"));
}

#[test]
fn stores_stand_where_they_are_named() {
    let dir = folder();
    let dir = dir.path();
    done(dir, &["observe", "-o", "s", "b.log", "c.log"]);
    done(dir, &["observe", "-o", "t", "c.log"]);
    for options in [&["--format", "jsonl"][..], &["--format", "text"], &["--format", "csv"], &["--count"]] {
        let scan = |files: &[&str], more: &[&str]| {
            done(dir, &[&["scan", "-f", "f.csv"], options, more, files].concat())
        };
        let alone: Vec<String> =
            ["a.log", "s", "b.log", "t", "c.log"].iter().map(|file| scan(&[file], &[])).collect();
        let header = alone[0].split_inclusive('\n').next().filter(|_| options.contains(&"csv"));
        let mut expected = header.unwrap_or_default().to_string();
        for out in &alone {
            expected.extend(out.split_inclusive('\n').skip(usize::from(header.is_some())));
        }
        for (threads, chunk) in [("1", "1"), ("1", "262144"), ("2", "40"), ("7", "1")] {
            let Output { stdout, .. } = Command::new(env!("CARGO_BIN_EXE_indicia"))
                .args(["scan", "-f", "f.csv", "--threads", threads])
                .args(options)
                .args(["a.log", "s", "b.log", "t", "c.log"])
                .env("INDICIA_CHUNK", chunk)
                .current_dir(dir)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(stdout).unwrap(), expected, "{options:?}, {threads} threads");
        }
        let (_, _, err) = run(dir, &["scan", "--stats", "-f", "f.csv", "a.log", "s", "t"]);
        assert!(err.contains("data: 3 files, "), "{err}");
    }
}

#[test]
fn less_memory_makes_the_same_store() {
    let dir = folder();
    let dir = dir.path();
    // Some 20 MB of observables: the table goes to temporary files again and again.
    let names: String = (0..120_000).map(|n| format!("2017-10-12T09:30:00Z host{n}.example\n")).collect();
    fs::write(dir.join("many.log"), names).unwrap();
    done(dir, &["observe", "-o", "much", "many.log", "a.log"]);
    done(dir, &["observe", "-o", "little", "--memory", "1M", "--threads", "3", "a.log", "many.log"]);
    assert_eq!(fs::read(dir.join("little")).unwrap(), fs::read(dir.join("much")).unwrap());
    assert_eq!(fs::read_dir(dir).unwrap().count(), 4 + 3);
    assert_eq!(run(dir, &["observe", "-o", "s", "--memory", "9K", "a.log"]).0, 2);
}

#[test]
fn merging_is_observing_together() {
    let dir = folder();
    let dir = dir.path();
    done(dir, &["observe", "-o", "all", "a.log", "b.log", "c.log"]);
    let all = fs::read(dir.join("all")).unwrap();
    for (name, steps) in [
        ("one", &[&["c.log", "a.log", "b.log", "--threads", "1"][..]][..]),
        ("many", &[&["b.log", "a.log", "c.log", "--threads", "7"]]),
        ("grown", &[&["c.log"], &["a.log", "b.log"]]),
    ] {
        for step in steps {
            done(dir, &[&["observe", "-o", name], *step].concat());
        }
        assert_eq!(fs::read(dir.join(name)).unwrap(), all, "{name}");
    }
    done(dir, &["observe", "-o", "ab", "a.log", "b.log"]);
    done(dir, &["observe", "-o", "c", "c.log"]);
    done(dir, &["observe", "-o", "merged", "c", "ab"]);
    assert_eq!(fs::read(dir.join("merged")).unwrap(), all);
    // The store that is written is not read as data.
    let (_, _, err) = run(dir, &["observe", "-o", "merged", "merged"]);
    assert!(err.contains("not counted again"), "{err}");
    assert_eq!(fs::read(dir.join("merged")).unwrap(), all);
}

#[test]
fn nothing_and_damage() {
    let dir = folder();
    let dir = dir.path();
    fs::write(dir.join("empty"), "").unwrap();
    assert_eq!(
        done(dir, &["observe", "-o", "s", "empty"]),
        "{\"kinds\":{},\"observables\":0,\"places\":0}\n"
    );
    assert_eq!(run(dir, &["scan", "-f", "f.csv", "s"]).0, 1);
    assert_eq!(run(dir, &["observe", "-o", "s", "missing"]).0, 2);
    assert_eq!(run(dir, &["observe", "-o", "no/such/s", "a.log"]).0, 2);

    done(dir, &["observe", "-o", "s", "a.log", "b.log"]);
    let good = fs::read(dir.join("s")).unwrap();
    let mut bad = good.clone();
    bad[60] ^= 4;
    for (bytes, what) in [
        (&bad[..], "s: byte "),
        (&good[..good.len() - 1], "the file ends too early"),
        (&[&good[..], b"x"].concat()[..], "something stands behind the end"),
        (&[&good[..8], b"\x02\0", &good[10..]].concat()[..], "version 2.0"),
    ] {
        fs::write(dir.join("s"), bytes).unwrap();
        let (code, _, err) = run(dir, &["scan", "-f", "f.csv", "s"]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(what), "{err}");
        let (code, out, err) = run(dir, &["observe", "-o", "s", "c.log"]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert_eq!(fs::read(dir.join("s")).unwrap(), bytes);
        assert_eq!(run(dir, &["observe", "-o", "other", "s"]).0, 2);
    }
}

/// With the logs of the corpus, where they are beside the project: what extraction finds there is the feed.
#[test]
fn the_corpus_answers_as_its_store_does() {
    let Some(shared) = std::env::var_os("INDICIA_SHARED") else {
        eprintln!("skipped: INDICIA_SHARED names no test data");
        return;
    };
    let logs = Path::new(&shared).join("corpus/logs/crowdsec").display().to_string();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut feed = String::from("value,type\n");
    for found in json(&done(dir, &["extract", "--nested", "--refang", "off", &logs])) {
        let value = found["value"].as_str().unwrap();
        if !value.contains([',', '"']) {
            feed.push_str(&format!("{value},{}\n", found["kind"].as_str().unwrap()));
        }
        if let Some(port) = found["port"].as_u64() {
            let host = if value.contains(':') { format!("[{value}]") } else { value.to_string() };
            feed.push_str(&format!("{host}:{port},endpoint\n"));
        }
    }
    fs::write(dir.join("f.csv"), feed).unwrap();
    done(dir, &["observe", "-o", "s", &logs]);
    let (in_logs, in_store) =
        (hits(&done(dir, &["scan", "-f", "f.csv", &logs])), hits(&done(dir, &["scan", "-f", "f.csv", "s"])));
    assert!(in_logs.len() > 1000, "{}", in_logs.len());
    let missing: Vec<&String> = in_logs.difference(&in_store).collect();
    // `https://example.com:80/` is also read as `example.com:80/`, whose port is the default of no scheme.
    assert_eq!(missing, ["\"url\" \"example.com/\" \"exact\" \"https://example.com/\""]);
    let more: Vec<&String> = in_store.difference(&in_logs).collect();
    assert!(more.is_empty(), "{more:#?}");
}
