//! Records: the named fields of a line.
//!
//! Logs keep values in fields, and a field says more than a place in a text: at which end of a connection an address
//! stood, that 32 hexadecimal digits are a JA3 fingerprint, which host a path belongs to. A line shows by itself what it
//! is, or the [`Header`] does that stood before it:
//!
//! | a line with | is | its fields |
//! |---|---|---|
//! | `{` or `[{` in front, or `{"` behind a text | JSON | names joined by dots, elements of arrays under the array's name |
//! | `"name": …` in front | a line of a JSON document | the name |
//! | `CEF:` or `LEEF:` | an event of these | the names of its extension, and those of its head |
//! | as many cells as the header has names | Zeek TSV, CSV, W3C | the header's names |
//! | `<` in front or `<Event` | an event in XML | `Name` of `<Data>`, else the element's name; `Element.Attribute` |
//!
//! A field is what stands between its borders, as it is written: quotes are not part of it, escapes are. Nothing here
//! fails: what cannot be read has no fields, and a hit that is found there has no name of a field.
//!
//! | file | what |
//! |---|---|
//! | `json`, `columns`, `pairs`, `xml` | the borders and names of fields, a format each |
//! | `names` | what a name says: kinds without a shape, parts of URLs and endpoints. Tables |
//! | `join` | values whose parts stand in several fields of one record |
//! | `lines` | lines with their header; the fields of places |

use std::borrow::Cow;
use std::ops::Range;

mod columns;
mod join;
mod json;
mod lines;
mod names;
mod pairs;
mod xml;

pub use columns::Header;
pub(crate) use join::{Joins, Wanted};
pub(crate) use lines::{each_line, lines_at, name_fields};
pub(crate) use names::is_named;

/// A field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'l> {
    /// Its name; parts of it are joined by dots.
    pub name: &'l str,
    /// Where its value stands in the line, without quotes around it.
    pub span: Range<usize>,
    /// How the value is written.
    pub written: Written,
    /// Fields of the same object have the same number; an element of an array is an object of its own.
    pub item: u32,
}

/// How the value of a field is written where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// As it is.
    Plain,
    /// With the escapes of JSON.
    Json,
    /// With doubled quotes.
    Csv,
    /// With the escapes of CEF and LEEF.
    Backslash,
    /// With entities.
    Xml,
    /// Several values, with commas between them.
    Set,
}

impl Field<'_> {
    /// The value in `line`, with escapes undone; `None` where it is not UTF-8, or unset (empty, `-`, `(empty)`).
    pub fn text<'t>(&self, line: &'t [u8]) -> Option<Cow<'t, str>> {
        let raw = std::str::from_utf8(line.get(self.span.clone())?).ok()?;
        if matches!(raw, "" | "-" | "(empty)") {
            return None;
        }
        Some(match self.written {
            Written::Json if raw.contains('\\') => {
                Cow::Owned(serde_json::from_str(&format!("\"{raw}\"")).ok()?)
            }
            Written::Csv if raw.contains("\"\"") => Cow::Owned(raw.replace("\"\"", "\"")),
            Written::Backslash if raw.contains('\\') => Cow::Owned(pairs::unescape(raw)),
            Written::Xml if raw.contains('&') => Cow::Owned(xml::unescape(raw)),
            _ => Cow::Borrowed(raw),
        })
    }
}

/// Calls `on` for every field of `line`, by place. The line can end with its newline.
///
/// ```
/// use indicia_core::fields::{Header, each_field};
/// let line = br#"{"dest_ip":"192.0.2.7","http":{"hostname":"bad.example","url":"/a\/b"}}"#;
/// let mut found = Vec::new();
/// each_field(line, &Header::default(), &mut |field| {
///     found.push((field.name.to_string(), field.text(line).unwrap().into_owned()));
/// });
/// assert_eq!(found[1], ("http.hostname".to_string(), "bad.example".to_string()));
/// assert_eq!(found[2], ("http.url".to_string(), "/a/b".to_string()));
/// ```
pub fn each_field(line: &[u8], header: &Header, on: &mut dyn FnMut(&Field<'_>)) {
    let end = line.strip_suffix(b"\n").unwrap_or(line);
    let line = end.strip_suffix(b"\r").unwrap_or(end);
    let Some(first) = line.iter().position(|b| !matches!(b, b' ' | b'\t' | 0xef | 0xbb | 0xbf)) else {
        return;
    };
    match line[first] {
        b'{' => return json::walk(line, first, json::Begin::Value, on),
        b'[' if next_is(line, first + 1, b"{[\"]") => return json::walk(line, first, json::Begin::Value, on),
        b'#' => return,
        _ => {}
    }
    if pairs::walk(line, on) || header.walk(line, on) {
        return;
    }
    match line[first] {
        b'<' => return xml::walk(line, first, on),
        b'"' => return json::walk(line, first, json::Begin::Member, on),
        _ => {}
    }
    if let Some(at) = memchr::memmem::find(line, b"{\"") {
        json::walk(line, at, json::Begin::Value, on);
    } else if let Some(at) = memchr::memmem::find(line, b"<Event") {
        xml::walk(line, at, on);
    }
}

/// Whether the next byte that is no space is one of these.
fn next_is(line: &[u8], from: usize, wanted: &[u8]) -> bool {
    line[from..]
        .iter()
        .find(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'\x0c'))
        .is_some_and(|b| wanted.contains(b))
}

/// Whether a name of a field is the one asked for: the whole name or its end behind a dot, case-blind.
///
/// ```
/// use indicia_core::fields::is_called;
/// assert!(is_called("http.hostname", "http.hostname"));
/// assert!(is_called("suricata.eve.http.hostname", "http.hostname"));
/// assert!(!is_called("xhttp.hostname", "http.hostname"));
/// ```
pub fn is_called(name: &str, asked: &str) -> bool {
    let (name, asked) = (name.as_bytes(), asked.as_bytes());
    name.len() >= asked.len()
        && name[name.len() - asked.len()..].eq_ignore_ascii_case(asked)
        && (name.len() == asked.len() || name[name.len() - asked.len() - 1] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, raw value and the object of each field.
    fn fields(line: &str, header: &Header) -> Vec<(String, String, u32)> {
        let mut found = Vec::new();
        each_field(line.as_bytes(), header, &mut |field| {
            found.push((field.name.to_string(), line[field.span.clone()].to_string(), field.item));
        });
        found
    }

    fn named(line: &str, header: &str) -> String {
        let mut of = Header::default();
        of.read(header.as_bytes());
        fields(line, &of)
            .iter()
            .map(|(name, value, _)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" | ")
    }

    #[test]
    fn json_of_all_sorts() {
        for (line, expected) in [
            (r#"{"a":1,"b":{"c":"x","d.e":null},"f":"y"}"#, "a=1 | b.c=x | b.d.e=null | f=y"),
            (r#" {"a" : [ "x" , {"b":"y"}, [true] ] , "c":"" }"#, "a=x | a.b=y | a=true | c="),
            (r#"{"a\/b":"q\"u\\","\u0061":2}"#, r#"a/b=q\"u\\ | a=2"#),
            (r#"Mar  1 host app[7]: {"src":"192.0.2.1"}"#, "src=192.0.2.1"),
            (r#"[{"a":1},{"a":2}]"#, "a=1 | a=2"),
            (r#"  "DestinationIp": "192.0.2.7","#, "DestinationIp=192.0.2.7"),
            (r#"[2024-01-01 10:00] error: 192.0.2.1"#, ""),
            (r#""GET / HTTP/1.1" 200"#, ""),
            (r#"{"a":"cut off"#, ""),
            (r#"{"a":1,"b":"cut"#, "a=1"),
            ("{}", ""),
            ("}", ""),
            ("", ""),
        ] {
            assert_eq!(named(line, ""), expected, "{line}");
        }
    }

    #[test]
    fn elements_are_objects_of_their_own() {
        let found = fields(r#"{"z":0,"a":[{"x":1,"o":{"y":2}},{"x":3}],"w":4}"#, &Header::default());
        let items: Vec<u32> = found.iter().map(|(_, _, item)| *item).collect();
        assert_eq!(items, [0, 1, 1, 2, 0], "{found:?}");
    }

    #[test]
    fn deep_and_long_ones_end() {
        for text in
            [r#"{"a":"#.repeat(100_000), "[".repeat(1 << 20), "[{\"a\":".repeat(200_000), "{".repeat(1 << 20)]
        {
            let _ = fields(&text, &Header::default());
        }
        let deep = format!("{}{{\"k\":\"v\",\"l\":[1]}}{},\"z\":2}}", "{\"a\":".repeat(100), "}".repeat(99));
        let found = fields(&deep, &Header::default());
        let values: Vec<&str> = found.iter().map(|(_, value, _)| value.as_str()).collect();
        assert_eq!(values, ["v", "1", "2"]);
        assert_eq!((found[0].0.len(), found[2].0.as_str()), (64 * 2 - 1, "z"));
        let long = format!("{{\"{}\":{{\"b\":\"x\"}}}}", "k".repeat(1 << 20));
        assert!(fields(&long, &Header::default())[0].0.len() <= 2048);
    }

    #[test]
    fn columns_of_all_sorts() {
        let zeek =
            "#separator \\x09\n#fields\tts\tid.orig_h\tid.resp_h\tquery\n#types\ttime\taddr\taddr\tstring\n";
        for (header, line, expected) in [
            (
                zeek,
                "1.5\t192.0.2.1\t192.0.2.2\t-",
                "ts=1.5 | id.orig_h=192.0.2.1 | id.resp_h=192.0.2.2 | query=-",
            ),
            (zeek, "only\ttwo", ""),
            (zeek, "#close\ta\tb\tc", ""),
            (
                "time,src ip,\"dst, ip\"\n1,2,3\n",
                "1,\"a \"\"b\"\"\",x\r\n",
                r#"time=1 | src ip=a ""b"" | dst, ip=x"#,
            ),
            ("time;src;dst\n1;2;3", "1;2;3", "time=1 | src=2 | dst=3"),
            ("hello, world\nand so on\n", "a, b", ""),
            ("192.0.2.1,80\n192.0.2.2,80\n", "192.0.2.2,80", ""),
            (
                "#Version: 1.0\n#Fields: date time c-ip cs(User-Agent)\n",
                "2024-01-01 10:00:00 192.0.2.1 Mozilla/5.0+(X11)",
                "date=2024-01-01 | time=10:00:00 | c-ip=192.0.2.1 | cs(User-Agent)=Mozilla/5.0+(X11)",
            ),
            (
                "#Fields: date c-ip x\n",
                "2024-01-01\t192.0.2.1\ta b",
                "date=2024-01-01 | c-ip=192.0.2.1 | x=a b",
            ),
            ("#Fields: a b c\n", "1 \"two words\" 3", "a=1 | b=two words | c=3"),
        ] {
            assert_eq!(named(line, header), expected, "{header:?} {line:?}");
        }
    }

    #[test]
    fn a_header_counts_from_where_it_stands() {
        let mut header = Header::default();
        header.read(b"#fields\ta\tb\n1\t2\n#fields\tc\td\n3\t4\n");
        assert_eq!(fields("3\t4", &header)[0].0, "c");
        header.read(b"no header here\n");
        assert_eq!(fields("3\t4", &header)[0].0, "c");
    }

    #[test]
    fn pairs_of_all_sorts() {
        let head = "deviceVendor=V | deviceProduct=P | deviceVersion=1 | signatureId=9 | name=N | severity=5";
        for (line, expected) in [
            (
                "<13>Mar 1 10:00:00 h CEF:0|V|P|1|9|N|5|src=192.0.2.1 msg=a b\\=c d dst=192.0.2.2",
                format!("{head} | src=192.0.2.1 | msg=a b\\=c d | dst=192.0.2.2"),
            ),
            ("CEF: 0|V|P|1|9|N|5|", head.to_string()),
            (
                "LEEF:1.0|V|P|1|9|src=192.0.2.1\tdst=192.0.2.2\turl=http://a/?b=c",
                "vendor=V | product=P | version=1 | eventID=9 | src=192.0.2.1 | dst=192.0.2.2 | url=http://a/?b=c".into(),
            ),
            ("LEEF:2.0|V|P|1|9|^|a=1^b=2", "vendor=V | product=P | version=1 | eventID=9 | a=1 | b=2".into()),
            ("LEEF:2.0|V|P|1|9|x7c|a=1|b=2", "vendor=V | product=P | version=1 | eventID=9 | a=1 | b=2".into()),
            ("CEF is a format", String::new()),
            ("CEF:0|V|P", String::new()),
        ] {
            assert_eq!(named(line, ""), expected, "{line}");
        }
    }

    #[test]
    fn events_in_xml() {
        let line = "<Event xmlns='http://schemas.microsoft.com/win'><System><Provider Name=\"P\"/><EventID>3</EventID>\
                    <TimeCreated SystemTime=\"2024-01-01T00:00:00Z\"/></System><EventData>\
                    <Data Name=\"DestinationIp\">192.0.2.7</Data><Data Name='X'>a &amp; b</Data></EventData></Event>";
        assert_eq!(
            named(line, ""),
            "Event.xmlns=http://schemas.microsoft.com/win | Provider.Name=P | EventID=3 | \
             TimeCreated.SystemTime=2024-01-01T00:00:00Z | DestinationIp=192.0.2.7 | X=a &amp; b"
        );
        let found = Field {
            name: "X",
            span: line.find("a &").unwrap()..line.find("b</").unwrap() + 1,
            written: Written::Xml,
            item: 0,
        };
        assert_eq!(found.text(line.as_bytes()).as_deref(), Some("a & b"));
        assert_eq!(named("    <Data Name=\"DestinationIp\">192.0.2.7</Data>", ""), "DestinationIp=192.0.2.7");
        assert_eq!(named("< <<< > <a b= <c d='", ""), "");
    }
}
