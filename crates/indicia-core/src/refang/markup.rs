//! Markup inside values: entities of HTML and XML, and the tags that split a value without ending a word.
//!
//! `bad&#46;example`, `bad.<wbr>example`, `http://bad.example/?a=1&amp;b=2`. All other tags are borders, as their angle
//! brackets are in any text, and what stands in attributes is read where it stands.

use super::View;
use super::view::Edit;

/// Named entities that can stand in a value or at its end, with what they are; HTML has two thousand more.
const NAMED: [(&str, &str); 36] = [
    ("amp", "&"),
    ("apos", "'"),
    ("ast", "*"),
    ("bsol", "\\"),
    ("colon", ":"),
    ("comma", ","),
    ("commat", "@"),
    ("dash", "-"),
    ("dollar", "$"),
    ("equals", "="),
    ("excl", "!"),
    ("gt", ">"),
    ("hyphen", "-"),
    ("lbrack", "["),
    ("lcub", "{"),
    ("lowbar", "_"),
    ("lpar", "("),
    ("lsqb", "["),
    ("lt", "<"),
    ("nbsp", " "),
    ("num", "#"),
    ("percnt", "%"),
    ("period", "."),
    ("plus", "+"),
    ("quest", "?"),
    ("quot", "\""),
    ("rbrack", "]"),
    ("rcub", "}"),
    ("rpar", ")"),
    ("rsqb", "]"),
    ("semi", ";"),
    ("shy", ""),
    ("sol", "/"),
    ("tilde", "~"),
    ("zwj", ""),
    ("zwnj", ""),
];

/// Tags that change how a piece of a word looks.
const INLINE: [&str; 16] = [
    "b", "big", "em", "font", "i", "ins", "mark", "s", "small", "span", "strike", "strong", "sub", "sup",
    "u", "wbr",
];

/// No entity and no tag that is dropped is longer.
const LONGEST: usize = 256;

impl View {
    /// Reads entities and drops tags inside words; `None` where there is none.
    pub(crate) fn markup(raw: &[u8]) -> Option<View> {
        let mut view = View::default();
        let mut done = 0;
        for at in memchr::memchr2_iter(b'&', b'<', raw) {
            let rest = &raw[at..raw.len().min(at + LONGEST)];
            if rest[0] == b'<' {
                if let Some(length) = inline_tag(rest) {
                    view.replace(raw, &mut done, (at, at + length), "", false);
                }
            } else if let Some((length, read)) = entity(rest) {
                let mut buffer = [0; 4];
                let read = match read {
                    Entity::Named(text) => text,
                    Entity::Number(c) => c.encode_utf8(&mut buffer),
                };
                view.replace(raw, &mut done, (at, at + length), read, false);
            }
        }
        if view.edits.is_empty() {
            return None;
        }
        view.text.extend_from_slice(&raw[done..]);
        Some(view)
    }

    /// Whether anything was replaced inside a span of the original.
    pub(crate) fn changes(&self, start: usize, end: usize) -> bool {
        let from = self.edits.partition_point(|edit| edit.raw.1 <= start);
        self.edits.get(from).is_some_and(|edit| edit.raw.0 < end)
    }

    /// A view of the text of another view, as one of what that was made from.
    pub(crate) fn over(self, base: &View) -> View {
        let mut edits: Vec<Edit> = Vec::with_capacity(self.edits.len() + base.edits.len());
        // Lengths added and taken by own edits up to here.
        let (mut added, mut taken) = (0, 0);
        let mut below = base.edits.iter().peekable();
        let moved = |edit: &Edit, added: usize, taken: usize| {
            let view = (edit.view.0 + added - taken, edit.view.1 + added - taken);
            Edit { view, ..*edit }
        };
        for own in &self.edits {
            while let Some(edit) = below.next_if(|edit| edit.view.1 <= own.raw.0 && edit.view.0 < own.raw.0) {
                edits.push(moved(edit, added, taken));
            }
            let (from, to) = base.raw_span(own.raw.0, own.raw.1);
            edits.push(Edit { view: own.view, raw: (from, to.max(from)), word: own.word });
            added += own.view.1 - own.view.0;
            taken += own.raw.1 - own.raw.0;
            // What the own one replaces is part of it.
            while below.next_if(|edit| edit.view.0 < own.raw.1).is_some() {}
        }
        edits.extend(below.map(|edit| moved(edit, added, taken)));
        View { text: self.text, edits }
    }
}

enum Entity {
    Named(&'static str),
    Number(char),
}

/// The entity that a text begins with, and its length.
fn entity(text: &[u8]) -> Option<(usize, Entity)> {
    let end = text.iter().take(12).position(|b| *b == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let read = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        Entity::Number(char::from_u32(code).filter(|c| !c.is_control())?)
    } else {
        Entity::Named(NAMED.iter().find(|(known, _)| *known == name)?.1)
    };
    Some((end + 1, read))
}

/// The length of the tag that a text begins with, where it splits no words.
fn inline_tag(text: &[u8]) -> Option<usize> {
    let from = 1 + usize::from(text.get(1) == Some(&b'/'));
    let length = text[from.min(text.len())..].iter().take(8).take_while(|b| b.is_ascii_alphabetic()).count();
    let name = std::str::from_utf8(&text[from..from + length]).ok()?;
    INLINE.iter().find(|inline| name.eq_ignore_ascii_case(inline))?;
    let behind = from + length;
    if !text.get(behind).is_some_and(|b| matches!(b, b'>' | b'/' | b' ' | b'\n' | b'\r' | b'\t')) {
        return None;
    }
    // Texts are read in pieces that end behind a line.
    let close = text[behind..].iter().position(|b| matches!(b, b'>' | b'<' | b'\n'))?;
    (text[behind + close] == b'>').then_some(behind + close + 1)
}

#[cfg(test)]
mod tests {
    use crate::{ExtractOptions, Refang, extract};

    use super::*;

    #[test]
    fn entities_and_tags() {
        for (raw, read) in [
            ("bad&#46;example", "bad.example"),
            ("bad&#x2E;example&period;", "bad.example."),
            ("a&amp;b &nbsp;&unknown; & &#0; &#1114112;", "a&b  &unknown; & &#0; &#1114112;"),
            ("bad.<wbr>exa<b>mple</b>", "bad.example"),
            ("<span class=\"x\">bad</SPAN>.example<br>", "bad.example<br>"),
            ("<spanner>x</spanner> <b", "<spanner>x</spanner> <b"),
        ] {
            let view = View::markup(raw.as_bytes());
            let text = view.as_ref().map_or(raw.as_bytes(), View::text);
            assert_eq!(std::str::from_utf8(text).unwrap(), read, "{raw}");
        }
    }

    #[test]
    fn spans_are_those_of_the_bytes() {
        for (text, raw, value) in [
            ("see bad&#46;example.com, then", "bad&#46;example.com", "bad.example.com"),
            ("<p>bad.<wbr>exa<b>mple</b>.net</p>", "bad.<wbr>exa<b>mple</b>.net", "bad.example.net"),
            (
                "<a href=\"http://bad.example/?a=1&amp;b=2\">x</a>",
                "http://bad.example/?a=1&amp;b=2",
                "http://bad.example/?a=1&b=2",
            ),
            (
                "hxxp&#58;//bad[.]<b>example</b>/x",
                "hxxp&#58;//bad[.]<b>example</b>/x",
                "http://bad.example/x",
            ),
            ("bad&lsqb;.&rsqb;example.com", "bad&lsqb;.&rsqb;example.com", "bad.example.com"),
            ("192.0.2&#46;7", "192.0.2&#46;7", "192.0.2.7"),
        ] {
            let found = extract(text.as_bytes(), &ExtractOptions::default());
            let shown: Vec<_> = found.iter().map(|e| (&text[e.start..e.end], e.value.as_str())).collect();
            assert_eq!(shown, [(raw, value)], "{text}");
            assert_eq!(found[0].via, Some("entities"), "{text}");
        }
        let plain = extract(b"see bad.example", &ExtractOptions::default());
        assert_eq!(plain[0].via, None);
        let off = ExtractOptions { refang: Refang::Off, ..ExtractOptions::default() };
        assert_eq!(extract(b"bad&#46;example.com", &off)[0].value, "bad.example.com");
    }

    #[test]
    fn scans_that_refang_read_entities_too() {
        use crate::{Context, Indicator, Kind, ScanOptions, ScanRefang, Scratch, SetBuilder, Target};

        let mut builder = SetBuilder::new(Default::default());
        for (kind, value) in [
            (Kind::Url, "http://bad.example/?a=1&b=2"),
            (Kind::Domain, "evil.example"),
            (Kind::Ipv4, "192.0.2.7"),
        ] {
            builder.push(Indicator::new(
                Target::from_parts(kind, value, None, None).unwrap(),
                Context::default(),
            ));
        }
        let set = builder.finish();
        let text = b"<a href=\"http://bad.example/?a=1&amp;b=2\"> hxxp&#58;//evil[.]<b>example</b>/ evil.example 192.0.2<i>.7</i>";
        let shown = |refang| {
            let options = ScanOptions { refang: ScanRefang(refang), ..ScanOptions::default() };
            let mut hits = Vec::new();
            let _ = set.scan_with(text, &options, &mut Scratch::default(), &mut |hit| {
                let raw = std::str::from_utf8(&text[hit.start..hit.end]).unwrap();
                hits.push((raw.to_string(), hit.via(), hit.to_hit().via));
                std::ops::ControlFlow::Continue(())
            });
            hits
        };
        let entities = |raw: &str| (raw.to_string(), Some("entities"), Some("entities"));
        let plain = ("evil.example".to_string(), None, None);
        assert_eq!(shown(Refang::Off), std::slice::from_ref(&plain));
        assert_eq!(
            shown(Refang::Usual),
            [
                entities("http://bad.example/?a=1&amp;b=2"),
                entities("evil[.]<b>example"),
                plain,
                entities("192.0.2<i>.7")
            ]
        );
    }

    #[test]
    fn views_of_views_find_the_way_back() {
        let raw = b"x &amp; a[.]b&#46;c (dot) <b>d</b>&#91;.&#93;e y&amp;z";
        let base = View::markup(raw).unwrap();
        let base_text = base.text().to_vec();
        let view = View::new(&base_text, Refang::Aggressive).unwrap().over(&base);
        let text = std::str::from_utf8(view.text()).unwrap();
        let name = text.find("a.b.c").unwrap();
        let (from, to) = view.raw_span(name, name + 5);
        assert_eq!(&raw[from..to], b"a[.]b&#46;c");
        let end = text.find("y&z").unwrap();
        let (from, to) = view.raw_span(end, end + 3);
        assert_eq!(&raw[from..to], b"y&amp;z");
        let start = text.find("d.e").unwrap();
        let (from, to) = view.raw_span(start, start + 3);
        assert!(raw[from..to].ends_with(b"d</b>&#91;.&#93;e"), "{:?}", std::str::from_utf8(&raw[from..to]));
    }
}
