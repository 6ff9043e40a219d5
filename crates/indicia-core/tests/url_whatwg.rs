//! The vectors of the WHATWG URL standard, every row: `tests/vectors/url`. None is answered otherwise.

use std::fmt::Write;

use indicia_core::url::{self, Url};
use serde_json::Value;

fn rows(name: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/url/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
    // Strings between the rows are comments.
    rows.into_iter().filter(Value::is_object).collect()
}

fn parse<'a>(input: &'a str, base: Option<&str>) -> Option<Url<'a>> {
    match base {
        Some(base) => url::parse_with_base(input, base).ok(),
        None => url::parse(input).ok(),
    }
}

/// A part as the standard's API gives it.
fn part(url: &Url<'_>, name: &str) -> String {
    let marked = |mark: &str, part: Option<&str>| {
        part.filter(|part| !part.is_empty()).map_or(String::new(), |part| format!("{mark}{part}"))
    };
    let port = url.port().map_or(String::new(), |port| port.to_string());
    match name {
        "href" => url.href().into(),
        "protocol" => format!("{}:", url.scheme()),
        "username" => url.username().into(),
        "password" => url.password().into(),
        "hostname" => url.host().unwrap_or_default().into(),
        "host" => format!("{}{}", url.host().unwrap_or_default(), marked(":", Some(&port))),
        "port" => port,
        "pathname" => url.path().into(),
        "search" => marked("?", url.query()),
        "hash" => marked("#", url.fragment()),
        _ => unreachable!("no part {name}"),
    }
}

fn run(file: &str) -> usize {
    const PARTS: [&str; 10] = [
        "href", "protocol", "username", "password", "hostname", "host", "port", "pathname", "search", "hash",
    ];
    let rows = rows(file);
    let mut wrong = String::new();
    for row in &rows {
        let input = row["input"].as_str().expect("an input");
        let base = row.get("base").and_then(Value::as_str);
        let got = parse(input, base);
        match (&got, row["failure"] == true) {
            (None, true) => {}
            (Some(url), true) => writeln!(wrong, "{input:?} on {base:?}: taken as {:?}", url.href()).unwrap(),
            (None, false) => writeln!(wrong, "{input:?} on {base:?}: refused").unwrap(),
            (Some(url), false) => {
                for name in PARTS {
                    let want = row[name].as_str().expect("a part");
                    if part(url, name) != want {
                        writeln!(wrong, "{input:?} on {base:?}: {name} {:?}, not {want:?}", part(url, name))
                            .unwrap();
                    }
                }
                let again = url::parse(url.href()).map(|again| again.href() == url.href());
                if again != Ok(true) {
                    writeln!(wrong, "{input:?} on {base:?}: {:?} is no fixed point", url.href()).unwrap();
                }
            }
        }
        // Refused alone, but a reference that these bases can be given to.
        let resolves_on_opaque = match row.get("relativeTo").and_then(Value::as_str) {
            Some("any-base") => true,
            Some("non-opaque-path-base") => false,
            Some(other) => panic!("relativeTo {other}"),
            None => continue,
        };
        // With its scheme, what follows can be a path.
        let rooted =
            if input.starts_with("https:") { "https://web.example/x" } else { "http://web.example/x" };
        for (base, resolves) in [("about:blank", resolves_on_opaque), (rooted, true)] {
            if parse(input, Some(base)).is_some() != resolves {
                writeln!(wrong, "{input:?} on {base:?}: taken or refused against `relativeTo`").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{file}\n{wrong}");
    rows.len()
}

#[test]
fn web_platform_tests() {
    assert_eq!(run("urltestdata.json"), 891);
}

#[test]
fn more_of_ada() {
    assert_eq!(run("ada_extra_urltestdata.json"), 28);
}

/// What stands in a query and a fragment; of the encodings, UTF-8 alone.
#[test]
fn percent_encoding() {
    let mut done = 0;
    for row in rows("percent-encoding.json") {
        let Some(want) = row["output"]["utf-8"].as_str() else { continue };
        let input = row["input"].as_str().expect("an input");
        let text = format!("https://doc.invalid/?{input}#{input}");
        let url = url::parse(&text).expect("a URL");
        assert_eq!((url.query(), url.fragment()), (Some(want), Some(want)), "{input:?}");
        done += 1;
    }
    assert_eq!(done, 7);
}

/// Texts that are slow to what is not linear: going back over the path, over userinfo, over what is dropped.
#[test]
fn long_texts_take_their_length() {
    let many = |piece: &str| piece.repeat(1_000_000 / piece.len());
    for text in [
        format!("http://a/{}", many("/..")),
        format!("http://a/{}{}", many("b/"), many("../")),
        format!("http://a/{}", many("%2e%2e/c/")),
        format!("file:///C:/{}", many("../d/")),
        format!("foo:/.//{}", many("./")),
        format!("http://{}h/", many("@")),
        format!("http://{}h/", many(":")),
        format!("http:{}h/", many("\\/")),
        format!("http://h/{}", many("\t")),
        format!("http://h/?{}", many("'")),
        format!("data:{}", many(" ")),
        format!("http://{}/", many("xn--a.")),
        format!("http://{}/", many("é.")),
        format!("http://{}/", many("é")),
        format!("http://{}/", many("א")),
        format!("http://{}/", many("1.")),
        format!("http://[{}]/", many(":")),
    ] {
        if let Ok(url) = url::parse(&text) {
            assert_eq!(url::parse(url.href()).unwrap().href(), url.href());
        }
    }
}
