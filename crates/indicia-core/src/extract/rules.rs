//! What looks like an observable and is none: the families of look-alikes, each a rule with a name.
//!
//! A rule is asked once a candidate has the shape of its kind; the first that holds refuses it. `docs/extraction.md` is
//! the list for readers. A rule that is switched off lets its family pass; what is defanged is meant, and no rule about
//! names is asked of it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal $says:literal,)*) => {
        /// Why a candidate is not extracted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Rule { $($(#[$doc])* $variant,)* }

        impl Rule {
            /// Every rule, in the order in which they are asked.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The stable name.
            pub const fn slug(self) -> &'static str {
                match self { $(Rule::$variant => $slug,)* }
            }

            /// What it says, for people.
            pub const fn says(self) -> &'static str {
                match self { $(Rule::$variant => $says,)* }
            }
        }
    };
}

rules! {
    /// `finished.In March`.
    LostSpace = "lost-space" "two words of a sentence without the space between them",
    /// `System.Net.Http`, `re.search`, `foo.bar(`, `user.name`, `unc_cha.ad`.
    Code = "code" "names in a program: words in camel case, a call, an object and its member, an underscore where no registry has one",
    /// `Trojan.Agent.CC`, `Microsoft.NET`.
    DetectionName = "detection-name" "capitals where a domain name has none: the name of a detection or product",
    /// `3.in`.
    ListNumber = "list-number" "the number of a list or a version in front of a word",
    /// `i.am`, `sp.gr`, `p.page`.
    Abbreviation = "abbreviation" "two labels too short for a name in use: abbreviations, syllables, variables",
    /// `com.example.app`, `comp.lang.ml`.
    PackageName = "package-name" "a reversed name, as packages, applications and newsgroups have",
    /// `main.py`, `update.zip`.
    FileName = "file-name" "ends like the name of a file, and no path follows",
    /// `/web/example.com`.
    InPath = "in-path" "part of a path of files",
    /// A name whose last label is no top-level domain.
    UnknownTld = "unknown-tld" "ends in no known or special-use top-level domain",
    /// `version 1.2.3.4`.
    Version = "version" "four numbers behind a word that announces a version",
    /// `host-192.0.2.7`.
    HostPart = "host-part" "an address inside a longer name, joined by hyphens",
    /// `Foo::bar`.
    CodeColons = "code-colons" "colons of a program: fewer than two groups beside the gap",
    /// `{01234567-89ab-…}`.
    GuidPart = "guid-part" "a part of a GUID",
    /// `C4342`.
    UnknownId = "unknown-id" "has the shape of an ATT&CK id, and there is none of that number",
    /// `http://localhost/x`.
    UnknownHost = "unknown-host" "a URL on a host that is neither an address nor ends in a known top-level domain",
    /// What only refanging made of a text.
    Implausible = "implausible" "comes only from undoing a notation, and is not sure to be meant",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.slug())
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

/// A name that no rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a rule of extraction; docs/extraction.md lists them")]
pub struct UnknownRule;

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Rule, UnknownRule> {
        Rule::ALL.iter().copied().find(|rule| rule.slug() == text).ok_or(UnknownRule)
    }
}

/// What programs call the things that have members.
#[rustfmt::skip]
const OBJECTS: &[&str] = &[
    "addr", "address", "args", "arr", "array", "author", "buf", "buffer", "client", "cls", "cmd", "col",
    "column", "conf", "config", "conn", "context", "ctx", "cursor", "data", "datetime", "df", "dict", "dir",
    "directory", "elem", "element", "entry", "err", "error", "event", "field", "fs", "handle", "handler",
    "header", "host", "image", "img", "instance", "io", "item", "iter", "job", "key", "line", "list", "log",
    "map", "match", "me", "mem", "message", "meta", "method", "module", "msg", "name", "np", "obj",
    "object", "opt", "options", "opts", "order", "owner", "package", "page", "param", "params", "parent",
    "parser", "path", "payload", "pd", "person", "pos", "process", "product", "profile", "ptr", "query",
    "queue", "reader", "record", "ref", "repo", "report", "req", "request", "res", "resp", "response",
    "result", "ret", "root", "row", "section", "server", "session", "socket", "source", "spec", "src",
    "state", "str", "stream", "string", "sys", "table", "target", "task", "text", "thread", "time", "timer",
    "tmp", "token", "user", "util", "utils", "val", "value", "var", "vec", "view", "worker", "writer",
];

/// Top-level domains that programs call members.
#[rustfmt::skip]
const MEMBERS: &[&str] = &[
    "auto", "bar", "build", "call", "data", "date", "day", "dev", "direct", "email", "events", "fail",
    "group", "help", "host", "id", "in", "int", "is", "link", "map", "name", "network", "new", "next", "no",
    "now", "one", "open", "page", "pid", "properties", "pub", "read", "red", "run", "save", "search",
    "security", "seek", "select", "show", "st", "storage", "store", "stream", "style", "target", "to",
    "total", "watch", "zero",
];

/// A name in a text.
pub(super) struct Name<'t> {
    /// As it is written.
    pub(super) raw: &'t str,
    pub(super) canonical: &'t str,
    pub(super) before: &'t [u8],
    /// The byte behind it.
    pub(super) next: Option<u8>,
    pub(super) followed_by_path: bool,
}

/// The rules about names that hold for one.
pub(super) fn of_name(name: &Name<'_>) -> impl Iterator<Item = Rule> {
    let Name { raw, canonical, before, next, followed_by_path } = name;
    let raw_last = raw.rsplit('.').next().unwrap_or_default();
    let labels = canonical.split('.').count();
    let first = canonical.split('.').next().unwrap_or_default();
    let last = canonical.rsplit('.').next().unwrap_or_default();
    let upper = |s: &str| s.bytes().any(|b| b.is_ascii_uppercase());
    let lower = |s: &str| s.bytes().any(|b| b.is_ascii_lowercase());
    let usual_capitals =
        |more: &[&str]| matches!(raw_last, "Com" | "Net" | "Org") || more.contains(&raw_last);

    let odd_capitals = upper(raw_last) && lower(raw) && !usual_capitals(&["COM"]);
    let small_behind = raw_last.len() > 1 && !raw_last.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    let sentence = labels == 2 && small_behind && !raw.starts_with(|c: char| c.is_ascii_uppercase());
    let camel =
        raw.split('.').filter(|l| l.starts_with(|c: char| c.is_ascii_uppercase()) && lower(l)).count() > 1;
    let object = match first {
        "this" | "self" => !matches!(last, "com" | "net" | "org"),
        "os" | "re" | "json" | "window" | "document" | "console" | "node" | "asp" | "vue" => labels == 2,
        _ => labels == 2 && MEMBERS.binary_search(&last).is_ok() && OBJECTS.binary_search(&first).is_ok(),
    };
    // Services have it in front (`_ldap._tcp.bad.example`), and names below one that is registered may have it anywhere.
    let registered = canonical.rsplit('.').nth(1).unwrap_or_default();
    let underscore = registered.find('_').is_some_and(|at| at > 0);
    let letters = |label: &str| label.bytes().all(|b| b.is_ascii_lowercase());
    let short = match first.len() {
        1 => !matches!(last, "com" | "net" | "org"),
        2 => last.len() == 2,
        _ => false,
    };
    let short =
        short && labels == 2 && letters(first) && indicia_data::hosting::class_of(canonical).is_none();
    let newsgroup = matches!(first, "comp" | "alt" | "rec" | "sci" | "soc")
        && (last.len() > 3
            || matches!(canonical.split('.').nth(1), Some("sys" | "lang" | "os" | "binaries" | "sources")));
    let template = last == "in" && indicia_data::files::is_file_ending(registered);
    let number = labels == 2 && first.bytes().all(|b| b.is_ascii_digit()) && last.len() == 2;
    let single = |slash: u8| before.ends_with(&[slash]) && !before.ends_with(&[slash, slash]);
    [
        (Rule::LostSpace, odd_capitals && sentence),
        (
            Rule::Code,
            (camel && lower(raw_last) && !usual_capitals(&[])) || *next == Some(b'(') || object || underscore,
        ),
        (Rule::DetectionName, (odd_capitals && !sentence) || (camel && !usual_capitals(&[]))),
        (Rule::ListNumber, number),
        (Rule::Abbreviation, short && !followed_by_path),
        (Rule::PackageName, newsgroup || (labels > 2 && matches!(first, "com" | "org" | "net" | "android"))),
        (Rule::FileName, (indicia_data::files::is_file_ending(last) || template) && !followed_by_path),
        (Rule::InPath, single(b'/') || single(b'\\')),
    ]
    .into_iter()
    .filter_map(|(rule, holds)| holds.then_some(rule))
}

/// Whether what stands in front of four numbers announces a version.
pub(super) fn is_version(before: &[u8]) -> bool {
    let before = before[before.len().saturating_sub(24)..].trim_ascii_end();
    let before =
        before.strip_suffix(b":").or_else(|| before.strip_suffix(b"=")).unwrap_or(before).trim_ascii_end();
    let word = before.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
    let (front, word) = before.split_at(before.len() - word);
    // `IPv4 version`, `x.version`: the same. `ipVersion` is a name of its own.
    let border = front.last().is_none_or(|b| !b.is_ascii_alphanumeric());
    border
        && [&b"version"[..], b"ver", b"versions", b"firmware", b"build"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExtractOptions, extract};

    fn refused(text: &str, without: &[Rule]) -> Vec<(String, Option<Rule>)> {
        let options =
            ExtractOptions { explain: true, without: without.to_vec(), ..ExtractOptions::default() };
        extract(text.as_bytes(), &options)
            .into_iter()
            .map(|e| (text[e.start..e.end].to_string(), e.refused))
            .collect()
    }

    #[test]
    fn every_rule_refuses_its_family_and_can_be_switched_off() {
        for (text, place, rule) in [
            ("it has finished.In March", "finished.In", Rule::LostSpace),
            ("as Win32/Spy.Guildma.BM", "Spy.Guildma.BM", Rule::DetectionName),
            ("needs Microsoft.NET 4", "Microsoft.NET", Rule::DetectionName),
            ("using System.Net.Http;", "System.Net.Http", Rule::Code),
            ("then connect.to(x)", "connect.to", Rule::Code),
            ("set user.name first", "user.name", Rule::Code),
            ("if self.header.next", "self.header.next", Rule::Code),
            ("counts unc_cha.ad too", "unc_cha.ad", Rule::Code),
            ("who i.am today", "i.am", Rule::Abbreviation),
            ("its sp.gr is 2", "sp.gr", Rule::Abbreviation),
            ("at p.page then", "p.page", Rule::Abbreviation),
            ("on comp.lang.ml they", "comp.lang.ml", Rule::PackageName),
            ("from Info.plist.cc.in to", "Info.plist.cc.in", Rule::FileName),
            ("3.in the yard", "3.in", Rule::ListNumber),
            ("the app com.example.shop", "com.example.shop", Rule::PackageName),
            ("run main.py now", "main.py", Rule::FileName),
            ("an update.zip file", "update.zip", Rule::FileName),
            ("in /web/example.com now", "example.com", Rule::InPath),
            ("see foo.barbaz", "foo.barbaz", Rule::UnknownTld),
            ("to user@host.barbaz", "host.barbaz", Rule::UnknownTld),
            ("version 1.2.3.4", "1.2.3.4", Rule::Version),
            ("Firmware: 1.2.3.4", "1.2.3.4", Rule::Version),
            ("on ip-192.0.2.7", "192.0.2.7", Rule::HostPart),
            ("call ::dead now", "::dead", Rule::CodeColons),
            ("a Lexmark C4342", "C4342", Rule::UnknownId),
            ("get http://host.barbaz/x", "http://host.barbaz/x", Rule::UnknownHost),
        ] {
            let found = refused(text, &[]);
            assert!(found.contains(&(place.to_string(), Some(rule))), "{text}: {found:?}");
            assert!(found.iter().all(|(_, refused)| refused.is_some()), "{text}: {found:?}");
            let found = refused(text, &[rule]);
            assert!(!found.contains(&(place.to_string(), Some(rule))), "{text} without {rule}: {found:?}");
            if !matches!(rule, Rule::PackageName | Rule::DetectionName | Rule::Code) {
                let taken =
                    |(text, refused): &(String, Option<Rule>)| refused.is_none() && text.contains(place);
                assert!(found.iter().any(taken), "{text} without {rule}: {found:?}");
            }
        }
    }

    #[test]
    fn names_that_only_look_like_a_family_are_taken() {
        for text in [
            "x.com",
            "t.co",
            "is.gd/abc",
            "u.to/x",
            "user.name.com",
            "mail.user.de",
            "_ldap._tcp.bad.com",
            "a_b.bad.com",
            "self.com",
            "comp.nus.edu.sg",
            "alt.com",
            "err.ee",
            "i[.]am",
            "ab.com",
            "a.b.de",
            "q1.de",
            "time.com",
            "data.gov.uk",
        ] {
            let found = refused(&format!("see {text} now"), &[]);
            assert!(matches!(&found[..], [(_, None)]), "{text}: {found:?}");
        }
    }

    #[test]
    fn dots_in_brackets_and_sentences_that_are_no_notation() {
        let found = refused("(ch[.a]l`), varu[.n]a; it will allow . to match, the last dot is here", &[]);
        assert_eq!(found, []);
        let found = refused("bad[.c]om evil[.ru] good . com, fine dot in", &[]);
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn tables_are_sorted_and_members_are_top_level_domains() {
        assert!(OBJECTS.is_sorted() && MEMBERS.is_sorted());
        for member in MEMBERS {
            assert!(indicia_data::tld::is_known(member), "{member}");
        }
    }

    #[test]
    fn what_is_taken_hides_what_is_refused_in_it() {
        assert_eq!(
            refused("http://bad.example/index.php", &[]),
            [("http://bad.example/index.php".to_string(), None)]
        );
        let found = refused("main.py, bad.example and e.g", &[]);
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["main.py", "bad.example", "e.g"]);
    }

    #[test]
    fn versions_are_announced() {
        for before in ["version ", "Version: ", "ver. 2, version=", "(firmware ", "build\t"] {
            assert!(is_version(before.as_bytes()), "{before}");
        }
        for before in ["conversion ", "from ", "", "server ", "version of ", "ipversion9 "] {
            assert!(!is_version(before.as_bytes()), "{before}");
        }
    }

    #[test]
    fn rules_are_documented() {
        let page = include_str!("../../docs/extraction.md");
        for rule in Rule::ALL {
            assert_eq!(rule.slug().parse(), Ok(*rule));
            assert!(page.contains(&format!("| `{rule}` | {}", rule.says())), "{rule}");
        }
        assert_eq!("no-such".parse::<Rule>(), Err(UnknownRule));
    }
}
