//! Runs `tests/vectors/redaction-strict-1.jsonl`, and what holds for any text: redaction comes to rest, takes linear time
//! and leaves targets that match.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use indicia_core::{BuildOptions, Context, Indicator, Kind, Match, Role, SetBuilder, Target};
use indicia_exchange::redact::{CLASSES, Redacted, Refusal, Removed, redact_target, redact_text};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rows() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/redaction-strict-1.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn target_of(row: &Value) -> Target {
    let text = |field: &str| row[field].as_str();
    let kind: Kind = text("kind").unwrap().parse().unwrap();
    let was = text("was").map(|m| m.parse::<Match>().unwrap());
    Target::from_parts(kind, text("value").unwrap(), was, text("type")).unwrap()
}

fn run(row: &Value) -> Value {
    let mut got = row.clone();
    let mut removed = Removed::new();
    if let Some(text) = row["in"].as_str() {
        got["out"] = json!(redact_text(text, &mut removed));
        got["removed"] = json!(removed);
        return got;
    }
    let target = target_of(row);
    let role = row["role"].as_str().map(|r| r.parse::<Role>().unwrap());
    let out = match redact_target(&target, role, &mut removed) {
        Redacted::Unchanged => target,
        Redacted::Changed(other) => other,
        Redacted::Refused(why) => {
            assert!(removed.is_empty());
            got["refused"] = json!(why.slug());
            return got;
        }
    };
    got["out"] = json!(out.observable.value());
    got["match"] = json!(out.match_.name());
    got["removed"] = json!(removed);
    got
}

#[test]
fn vectors() {
    let rows = rows();
    assert!(rows.len() >= 80, "the vector file is cut short: {} rows", rows.len());
    let mut wrong = String::new();
    for (number, row) in rows.iter().enumerate() {
        let got = run(row);
        if got != *row {
            writeln!(wrong, "{}: want {row}\n    got {got}", number + 1).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_class_has_a_row_and_every_row_a_class() {
    let rows = rows();
    for class in CLASSES {
        let seen = rows.iter().any(|row| !row["removed"][class.slug].is_null());
        // A whole text goes only if the rules do not come to rest, for which nobody has an example.
        assert!(seen || class.slug == "text", "{}", class.slug);
    }
    for refusal in Refusal::ALL {
        assert!(rows.iter().any(|row| row["refused"] == refusal.slug()), "{}", refusal.slug());
    }
    let slugs: Vec<_> = CLASSES.iter().map(|class| class.slug).collect();
    let counted = rows.iter().filter_map(|row| row["removed"].as_object()).flat_map(|r| r.keys());
    assert!(counted.clone().count() > 0 && counted.clone().all(|key| slugs.contains(&key.as_str())));
}

/// A URL that was cut is a prefix that the set finds the URL by, and not the rest of the host.
#[test]
fn a_cut_url_still_matches_what_it_came_from() {
    for row in rows().iter().filter(|row| row["kind"] == "url" && row["match"] == "prefix") {
        let was = target_of(row);
        let mut removed = Removed::new();
        let Redacted::Changed(cut) = redact_target(&was, None, &mut removed) else { continue };
        let mut builder = SetBuilder::new(BuildOptions::default());
        builder.push(Indicator::new(cut, Context::default()));
        let set = builder.finish();
        let seen = |value: &str| !set.scan(value.as_bytes()).is_empty();
        assert!(seen(was.observable.value()), "{row}");
        assert!(!seen("http://bad.example/other"), "{row}");
    }
}

fn rests(text: &str) -> Result<(), TestCaseError> {
    let once = redact_text(text, &mut Removed::new()).into_owned();
    let mut again = Removed::new();
    let twice = redact_text(&once, &mut again).into_owned();
    prop_assert_eq!(&once, &twice);
    prop_assert!(again.is_empty(), "{:?} {:?}", once, again);
    Ok(())
}

fn target_rests(target: &Target) -> Result<(), TestCaseError> {
    if let Redacted::Changed(once) = redact_target(target, None, &mut Removed::new()) {
        let mut again = Removed::new();
        prop_assert_eq!(
            redact_target(&once, None, &mut again),
            Redacted::Unchanged,
            "{:?} {:?}",
            target,
            once
        );
        prop_assert!(again.is_empty());
    }
    Ok(())
}

#[test]
fn vectors_rest() {
    for row in rows() {
        match row["in"].as_str() {
            Some(text) => rests(text).unwrap(),
            None => target_rests(&target_of(&row)).unwrap(),
        }
    }
}

/// Pieces of what the rules look for, so that random text meets them in every order.
const PIECES: &[&str] = &[
    "joe",
    "@",
    "%40",
    "%2540",
    "[at]",
    " at ",
    ".",
    "[.]",
    " dot ",
    "corp.example",
    "bad.example",
    "http://",
    "hxxp[:]//",
    "%3a%2f%2f",
    "/",
    "\\",
    "\\\\",
    "?",
    "&",
    ";",
    "=",
    "#",
    "id=",
    "file=",
    "lang=en",
    "Users",
    "home",
    "\\Users\\",
    "/home/",
    "C:",
    "[email]",
    "[user]",
    "[query-value]",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    " ",
    "\n",
    "S-1-5-21-1-2-3",
    "-",
    "+49",
    " 30 123 4567",
    "4111111111111111",
    "GB33BUKB20201555555555",
    "am9lQGNvcnAuZXhhbXBsZQ==",
    "6a6f6540636f72702e6578616d706c65",
    "192.0.2.7",
    ":",
    ",",
    "%",
    "%5C",
    "%2F",
    "%3F",
    "25",
    "é",
    "联系",
    "\u{0}",
    "Public",
    "John Doe",
    "amp;",
    "<",
    ">",
    "|",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_rests(text in "\\PC{0,120}", any in any::<String>()) {
        rests(&text)?;
        rests(&any)?;
    }

    #[test]
    fn text_of_pieces_rests(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..24)) {
        rests(&pieces.concat())?;
    }

    #[test]
    fn any_target_rests(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..14), kind in 0usize..58) {
        let tail = pieces.concat();
        let kind = Kind::ALL[kind];
        for (kind, text) in [(kind, tail.clone()), (Kind::Url, format!("http://bad.example/{tail}")), (Kind::Url, format!("bad.example/x{tail}"))] {
            if let Ok(target) = Target::from_parts(kind, &text, None, Some("x")) {
                target_rests(&target)?;
                target_rests(&target.matching(Match::Prefix))?;
            }
        }
    }

    /// An address does not stay, however it is written and whatever stands around it. (Of `[` and `\` right behind not
    /// those with a dot or more such marks: `…[.ba` and `…\.ba` are defanged dots, which make a host of the digits.)
    #[test]
    fn an_address_never_stays(
        before in "([a-z /:?&=.,|(\"]{0,20}[ /:=(\"]|[a-c0-2 /:?&=.,;|(\"'#%@\\[\\]\\\\<>-]{0,12}[ /:=(\"?&.,;#<>'@-])?",
        after in "([ /?&,;)\"|][a-z]{0,10}|[ /?&,;:)\"|=#'<>\\]-][a-c0-2 /:?&=.,;|(\"'#%@\\[\\]\\\\<>-]{0,10}|[\\[\\\\]([a-c0-2 /:?&=,;|(\"'#%@<>-][a-c0-2 /:?&=.,;|(\"'#%@\\[\\]\\\\<>-]{0,9})?)?",
        (inner_before, inner_after) in ("[ -~]{0,6}[ :=<\"]", "[ >&\"].{0,5}"),
        way in 0usize..9,
    ) {
        const ADDRESS: &str = "victim.name@corp.example";
        let inner = format!("{inner_before}{ADDRESS}{inner_after}");
        let (written, secret) = match way {
            0 => (ADDRESS.to_string(), "victim".to_string()),
            1 => (ADDRESS.replace('@', "%40"), "victim".to_string()),
            2 => (ADDRESS.replace('@', "%2540"), "victim".to_string()),
            3 => (ADDRESS.replace('@', "[at]").replace('.', "[.]"), "victim".to_string()),
            4 => (ADDRESS.bytes().map(|b| format!("%{b:02x}")).collect(), "%69%63%74".to_string()),
            5 => (hex(ADDRESS.as_bytes()), hex(b"victim")),
            6 => (hex(inner.as_bytes()), hex(b"victim")),
            7 => (base64(ADDRESS.as_bytes()), base64(b"victim")),
            _ => {
                let written = base64(inner.as_bytes());
                let from = (inner_before.len() + 3) / 3 * 4;
                (written.clone(), written[from..from + 8].to_string())
            }
        };
        let text = format!("{before}{written}{after}");
        let out = redact_text(&text, &mut Removed::new()).into_owned();
        prop_assert!(!out.contains(&secret), "{:?} -> {:?}", text, out);
        let (url, out) = in_a_path(&text);
        prop_assert!(!out.contains(&secret), "{:?} -> {:?}", url, out);
    }
}

/// A text as the path of a URL, and what goes out of that.
fn in_a_path(text: &str) -> (String, String) {
    let url = format!("http://bad.example/{}", text.trim_start_matches('/').replace([' ', '"', '|'], "/"));
    let out = Target::from_parts(Kind::Url, &url, None, None).map_or(String::new(), |target| {
        match redact_target(&target, None, &mut Removed::new()) {
            Redacted::Unchanged => target.observable.value().to_string(),
            Redacted::Changed(other) => other.observable.value().to_string(),
            Redacted::Refused(_) => String::new(),
        }
    });
    (url, out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Without padding, by RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().enumerate().fold(0u32, |bits, (i, b)| bits | u32::from(*b) << (16 - 8 * i));
        (0..=group.len())
            .map(|i| char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]))
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// Every encoding that the page lists, behind and in front of what could be taken for the rest of a URL, a host, a query, a
/// path, an escape or a longer run.
#[test]
fn no_encoding_hides_behind_what_stands_around_it() {
    const ADDRESS: &str = "victim.name@corp.example";
    let wide = |text: &str| text.bytes().flat_map(|b| [b, 0]).collect::<Vec<u8>>();
    let upper = |written: String| written.to_uppercase();
    let mut ways = vec![
        (ADDRESS.to_string(), "victim".to_string()),
        (ADDRESS.replace('@', "[at]").replace('.', "[.]"), "victim".into()),
        (ADDRESS.replace('@', "&#64;"), "victim".into()),
        (ADDRESS.replace('@', "\\u0040"), "victim".into()),
        (ADDRESS.bytes().map(|b| format!("%{b:02x}")).collect(), "%69%63%74".into()),
        (ADDRESS.bytes().map(|b| format!("%25{b:02X}")).collect(), "%2569%2563%2574".into()),
        (hex(ADDRESS.as_bytes()), hex(b"victim")),
        (upper(hex(ADDRESS.as_bytes())), upper(hex(b"victim"))),
        (hex(&wide(ADDRESS)), hex(&wide("victim"))),
    ];
    ways.extend(
        ["%40", "%2540", "%252540", "%25252540"].map(|at| (ADDRESS.replace('@', at), "victim".into())),
    );
    for padding in ["", "=", "%3D"] {
        // Three bytes at each of three places in their group are four digits from a place that this gives.
        for (skipped, inner_before) in ["", ":", "::"].into_iter().enumerate() {
            let from = (skipped + 3) / 3 * 4;
            for bytes in
                [format!("{inner_before}{ADDRESS}").into_bytes(), wide(&format!("{inner_before}{ADDRESS}"))]
            {
                let written = base64(&bytes);
                ways.push((format!("{written}{padding}"), written[from..from + 6].to_string()));
            }
        }
    }
    let front = [
        "",
        " ",
        "://.=",
        "x://?=",
        "://-",
        "//.=",
        "://",
        "://.",
        "://..",
        "://a.b:",
        "://a.b:8080:",
        "://a.b,",
        "://a.b;",
        "://a.b&",
        "://a.b(",
        "://[",
        "://[.",
        "://[::1",
        "://x.y.",
        "://x@.=",
        "://.=@",
        "http://a.b=",
        "http://a.b,",
        "http://bad.example,",
        "http://bad.example=",
        "http://bad.example:",
        "http://bad.example/",
        "http://joe:pw@.=",
        "hxxp[:]//.=",
        "hxxp[:]//a[.]",
        "http%3a%2f%2f.=",
        "http%3A%2F%2Fa%2Eb,",
        "http:\\\\.=",
        "http[/][/].=",
        "bad.example,",
        "bad.example=",
        "192.0.2.7,",
        "[::1]",
        "2001:db8::1,",
        "?",
        "?a",
        "?a=",
        "?lang=",
        "?file=",
        "&x=",
        "a?b=c&",
        "#",
        "x#",
        "/home",
        "/home/",
        "/home/x/",
        "\\Users\\",
        "C:\\Users\\x\\",
        ".",
        "..=",
        "-.",
        "=",
        "==",
        "%",
        "%3D",
        "%2F",
        "%25",
        "\"",
        "\"\"",
        "'",
        "<",
        "(",
        "|",
        ":",
        "[",
        "]",
        "@",
        "[email]",
        "[query-value]",
        "S-1-5-21-",
        "S-1-5-21-1-",
        "+49",
        "+",
        "_",
        "é",
        "\u{0}",
        "0x",
        "\\x",
        "tel:",
    ];
    let behind = [
        "", " ", ".", "..", ",x", ";x", ":", ":80", "/", "/x", "/abcdef", "?", "?x", "?a=b", "&x", "#", "#x",
        "=", "==x", "%", "%3D", "%20x", "\"", "'", ">", ")", "|x", "]", "[.]", "+", "é", "\u{0}", "://a.com",
        "@", "@x", " at x", "\\",
    ];
    let mut wrong = String::new();
    for (written, secret) in &ways {
        for before in front {
            for after in behind {
                let text = format!("{before}{written}{after}");
                let out = redact_text(&text, &mut Removed::new()).into_owned();
                for (text, out) in [in_a_path(&text), (text, out)] {
                    if out.contains(secret) {
                        writeln!(wrong, "{text:?} -> {out:?}").unwrap();
                    }
                }
            }
        }
    }
    let count = wrong.lines().count();
    assert!(wrong.is_empty(), "{count}:\n{}", wrong.lines().take(40).collect::<Vec<_>>().join("\n"));
}

/// A long run of what makes the rules begin takes about as long for each byte as a tenth of it. (At a megabyte too; that is slow without optimization.)
#[test]
fn hostile_text_takes_linear_time() {
    for piece in [
        "@",
        "%",
        "%25",
        "%40",
        "a@",
        "a@b.",
        "a@b.example",
        "[at]",
        "\\Users\\",
        "\\Users\\a b",
        "/home/",
        "http://",
        "http://a@",
        "?",
        "?a=",
        "&a=1",
        "?a=&",
        "#",
        "http://a.example/#",
        "S-1-5-21-",
        "+1",
        "1 ",
        "4",
        "GB33",
        "A",
        "a",
        "QG",
        "6a40",
        "=",
        "\"",
        "\"@",
        ".com=a@",
        " at ",
        "00 ",
        "[user]",
        "a.example/?",
        "%2f",
        "://",
        "é",
        "\u{0}",
    ] {
        let time = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            let start = Instant::now();
            let _ = redact_text(&text, &mut Removed::new());
            start.elapsed()
        };
        let (short, long) = (time(40_000), time(400_000));
        eprintln!("{piece:?} {short:?} {long:?}");
        assert!(long < short * 40 + Duration::from_millis(500), "{piece:?}: {short:?} for a tenth, {long:?}");
    }
}
