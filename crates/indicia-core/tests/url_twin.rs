//! The URL parser against the crate `url`, which reads the standard's state machine a character at a time: generated texts, with and
//! without base, must be taken or refused alike, and give one href.
//!
//! `INDICIA_URL_PAIRS` is the number of texts, and `INDICIA_URL_SEED` where they begin.

use std::borrow::Cow;
use std::collections::BTreeMap;

use indicia_core::url;
use proptest::prelude::*;

/// Texts that look like URLs, most of them a little wrong. The same seed gives the same ones.
struct Texts(u64);

const SCHEMES: &[&str] = &[
    "http:",
    "https:",
    "HTTP:",
    "ws:",
    "wss:",
    "ftp:",
    "file:",
    "File:",
    "foo:",
    "tcp:",
    "mailto:",
    "data:",
    "javascript:",
    "a+b-.1:",
    "",
    "",
    "1a:",
    ":",
];
const SLASHES: &[&str] = &["//", "//", "//", "//", "//", "", "/", "///", "\\\\", "/\\", "////"];
const USERINFO: &[&str] =
    &["", "", "", "", "u@", "u:p@", ":@", ":p@", "@", "u:@", "a@b@", "é:ü^|@", "u;=:p:q@", "%41'@"];
const HOSTS: &[&str] = &[
    "bad.example",
    "BAD.Example",
    "a",
    "",
    "localhost",
    "LOCALHOST",
    "192.0.2.7",
    "0x7f.1",
    "0300.0.0.02",
    "4294967295",
    "4294967296",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    "256.1.1.1",
    "09.1",
    "0x",
    "a.0x1",
    "a.1",
    "a.b.",
    "a..b",
    ".",
    "..",
    "[::1]",
    "[1:2::8]",
    "[2001:DB8:0:0:1::]",
    "[::ffff:1.2.3.4]",
    "[::1",
    "::1]",
    "[]",
    "[1::2::3]",
    "[::1%25eth0]",
    "[1:2:3:4:5:6:7:8]",
    "[::1.2.3]",
    "bücher.example",
    "faß.de",
    "xn--bcher-kva.example",
    "xn--a",
    "XN--Bcher-KVA.com",
    "xn--",
    "a%62c",
    "%C3%BC.com",
    "%zz",
    "%",
    "a b",
    "a<b",
    "a^b",
    "a|b",
    "%00",
    "\u{ad}",
    "☃",
    "例え.テスト",
    "\u{5d0}.com",
    "1\u{5d0}",
    "１.2.3.4",
    "a\u{200d}b",
    "a。b",
    "C:",
    "C|",
    "x~y_z",
    "-a-",
    "a$b",
    "\u{1f600}",
];
const PORTS: &[&str] = &[
    "",
    "",
    "",
    "",
    ":",
    ":80",
    ":443",
    ":21",
    ":0",
    ":00081",
    ":65535",
    ":65536",
    ":8a",
    ":99999999999",
    ": 80",
];
const SEGMENTS: &[&str] = &[
    "a", "b.html", ".", "..", "%2e", "%2E.", ".%2e", "...", "", "", "C:", "C|", "c|", "%7Ea", "a b", "é",
    "^", "`{}", "\"<>", "a;b=c", "~", "%", "%4", "[x]", "'", "|", "\t", "\u{7f}", "a\nb", "\u{0}", "..a",
    "@", "a:b",
];
const SEPARATORS: &[&str] = &["/", "/", "/", "/", "\\", "//"];
const TAILS: &[&str] = &[
    "",
    "",
    "?q",
    "?",
    "?a=b&c= d'\"<>`{}^#",
    "#",
    "#f",
    "#f<>`\" {}",
    "?é#é",
    " ",
    "  #x",
    " ?y",
    "?x\\/../y",
    "?%zz#%41",
];
const ODD: &[char] = &[
    '/', '\\', ':', '@', '?', '#', '.', '%', '[', ']', ' ', '\t', '\n', '^', '|', 'C', 'x', '0', 'é', '<',
    '-', '\u{0}', '\'',
];

impl Texts {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn path(&mut self, text: &mut String) {
        for _ in 0..self.below(6) {
            let separator = self.one_of(SEPARATORS);
            text.push_str(separator);
            text.push_str(self.one_of(SEGMENTS));
        }
        text.push_str(self.one_of(TAILS));
    }

    fn next(&mut self) -> String {
        let mut text = String::new();
        if self.below(4) > 0 {
            text.push_str(self.one_of(SCHEMES));
            text.push_str(self.one_of(SLASHES));
            text.push_str(self.one_of(USERINFO));
            text.push_str(self.one_of(HOSTS));
            text.push_str(self.one_of(PORTS));
        } else if self.below(3) > 0 {
            text.push_str(self.one_of(SCHEMES));
            text.push_str(self.one_of(SEGMENTS));
        }
        self.path(&mut text);
        while self.below(4) == 0 && !text.is_empty() {
            let at =
                (0..=self.below(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            match self.below(3) {
                0 => text.insert(at, self.one_of(ODD)),
                1 => text.insert_str(at, self.one_of(SEGMENTS)),
                _ if at < text.len() => _ = text.remove(at),
                _ => {}
            }
        }
        text
    }
}

/// What the crate, version 2.5.8, would give if it followed the standard's newer percent-encoding: `^` in a path is
/// `%5E` (2023), and a space at the end of an opaque path `%20` (2025).
fn as_of_now(theirs: &::url::Url) -> String {
    let path = theirs.path();
    let start = theirs.as_str().len()
        - path.len()
        - theirs.query().map_or(0, |query| query.len() + 1)
        - theirs.fragment().map_or(0, |fragment| fragment.len() + 1);
    let mut current = if theirs.cannot_be_a_base() { path.to_owned() } else { path.replace('^', "%5E") };
    if theirs.cannot_be_a_base() && current.ends_with(' ') {
        current.replace_range(current.len() - 1.., "%20");
    }
    [&theirs.as_str()[..start], &current, &theirs.as_str()[start + path.len()..]].concat()
}

/// Where the crate, version 2.5.8, parts from the standard; the rows of `urltestdata.json` show most.
fn known(text: &str, base: Option<&str>, ours: Option<&str>, theirs: Option<&str>) -> Option<&'static str> {
    let given = [base.unwrap_or_default(), "/", text].concat().replace(['\t', '\n', '\r'], "");
    let has = |what: fn(&[u8]) -> bool, length| given.as_bytes().windows(length).any(what);
    let has_drive = has(|w| w[0].is_ascii_alphabetic() && matches!(w[1], b':' | b'|'), 2);
    let scheme = ours.or(theirs).and_then(|href| href.split_once(':')).map(|(scheme, _)| scheme)?;
    let is_special = ["http", "https", "ws", "wss", "ftp", "file"].contains(&scheme);
    match theirs {
        // The standard of June 2026 takes names in ASCII whose A-labels are wrong.
        None if ours?.contains("xn--") => Some("wrong A-labels"),
        // Outside special schemes a backslash is a character like any other.
        _ if !is_special && given.contains('\\') => Some("backslashes elsewhere"),
        // Userinfo wants a host in every scheme.
        Some(_) if ours.is_none() && given.contains('@') => Some("userinfo without a host"),
        // A path of a file has empty segments like any other, and a host before a drive.
        _ if scheme == "file" && has(|w| w.iter().all(|b| matches!(b, b'/' | b'\\')), 2) => {
            Some("empty segments")
        }
        // A drive withstands `..` only at the beginning of a file's path, and only if it is all of its segment.
        _ if has_drive && (scheme == "file" || given.contains(['.', '%'])) => Some("drives"),
        // On a special base, slashes beyond two say nothing either.
        None if is_special
            && text
                .replace('\\', "/")
                .replace(['\t', '\n', '\r'], "")
                .trim_matches(|c| c <= ' ')
                .starts_with("///") =>
        {
            Some("slashes on a base")
        }
        _ => None,
    }
}

/// Whether the two agree, or differ in what is known.
fn compare(text: &str, base: Option<&str>) -> Result<Option<&'static str>, String> {
    // A base that is read otherwise is a text of its own.
    let base = base.filter(|base| compare(base, None) == Ok(None));
    let ours = match base {
        Some(base) => url::parse_with_base(text, base),
        None => url::parse(text),
    };
    let theirs = match base.map(::url::Url::parse) {
        Some(Ok(base)) => base.join(text).ok(),
        Some(Err(_)) => None,
        None => ::url::Url::parse(text).ok(),
    };
    if let Ok(ours) = &ours {
        let again = url::parse(ours.href())
            .map_err(|_| format!("{text:?} on {base:?}: {:?} is refused", ours.href()))?;
        if again.href() != ours.href() {
            return Err(format!("{text:?} on {base:?}: {:?} is no fixed point", ours.href()));
        }
        if !matches!(again.clone().into_href(), Cow::Borrowed(_)) {
            return Err(format!("{:?} is not borrowed", ours.href()));
        }
        let parts = |url: &url::Url<'_>| {
            format!(
                "{:?}",
                (
                    url.scheme(),
                    url.username(),
                    url.password(),
                    url.host(),
                    url.port(),
                    url.path(),
                    url.query(),
                    url.fragment()
                )
            )
        };
        if parts(&again) != parts(ours) {
            return Err(format!("{text:?} on {base:?}: parts {} and {}", parts(ours), parts(&again)));
        }
    }
    let ours = ours.as_ref().ok().map(url::Url::href);
    let theirs = theirs.as_ref().map(as_of_now);
    if ours == theirs.as_deref() {
        return Ok(None);
    }
    match known(text, base, ours, theirs.as_deref()) {
        Some(known) => Ok(Some(known)),
        None => Err(format!("{text:?} on {base:?}: {ours:?}, the crate {theirs:?}")),
    }
}

#[test]
fn generated_texts() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |n| n.parse().expect("a number"));
    let pairs: u64 = number("INDICIA_URL_PAIRS", 200_000);
    let mut texts = Texts(number("INDICIA_URL_SEED", 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut wrong = Vec::new();
    let mut differ = BTreeMap::new();
    for _ in 0..pairs {
        let text = texts.next();
        let base = (texts.below(2) == 0).then(|| texts.next());
        match compare(&text, base.as_deref()) {
            Ok(None) => {}
            Ok(Some(known)) => *differ.entry(known).or_insert(0) += 1,
            Err(difference) => wrong.push(difference),
        }
        if wrong.len() > 40 {
            break;
        }
    }
    println!("{pairs} texts; they differ in {differ:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The families are met, and rare.
    assert!(differ.len() >= 5, "{differ:?}");
    assert!(differ.values().sum::<u64>() < pairs / 10, "{differ:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "(https?|ftp|file|foo|)(:|://|)\\PC{0,40}") {
        prop_assert!(compare(&text, None).is_ok(), "{:?}", compare(&text, None));
        let on = compare(&text, Some("http://bad.example/a/b?c#d"));
        prop_assert!(on.is_ok(), "{on:?}");
    }
}
