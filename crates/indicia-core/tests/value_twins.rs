//! Grammars against slow, readable twins on random texts, and what every kind owes: a canonical value is its own canonical
//! form, whatever text it came from. `INDICIA_VALUE_TWINS` is how many texts each gets (100,000 if absent).

use indicia_core::{Kind, Observable};

fn rounds() -> usize {
    std::env::var("INDICIA_VALUE_TWINS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

/// Random numbers that are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }

    fn text(&mut self, pieces: &[&str], longest: usize) -> String {
        (0..self.below(longest + 1)).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

fn read(kind: Kind, text: &str) -> Option<(String, String)> {
    Observable::parse_as(kind, text).ok().map(|o| (o.value().to_string(), o.key().to_string()))
}

fn number(text: &str, most: u32, digits: usize) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
    let value: u32 = text.parse().ok().filter(|_| plain)?;
    (value <= most && (text == "0" || !text.starts_with('0'))).then_some(value)
}

fn v4(text: &str) -> Option<u32> {
    let parts: Vec<u32> = text.split('.').map(|part| number(part, 255, 3)).collect::<Option<_>>()?;
    let [a, b, c, d] = parts[..] else { return None };
    Some(a << 24 | b << 16 | c << 8 | d)
}

fn v4_text(address: u32) -> String {
    let [a, b, c, d] = address.to_be_bytes();
    format!("{a}.{b}.{c}.{d}")
}

/// RFC 4291 section 2.2: groups, one `::`, a dotted quad at the end.
fn v6(text: &str) -> Option<[u16; 8]> {
    let side = |text: &str, may_end_dotted: bool| -> Option<Vec<u16>> {
        if text.is_empty() {
            return Some(Vec::new());
        }
        let parts: Vec<&str> = text.split(':').collect();
        let mut groups = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if part.contains('.') && may_end_dotted && i + 1 == parts.len() {
                let address = v4(part)?;
                groups.extend([(address >> 16) as u16, address as u16]);
            } else if (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()) {
                groups.push(u16::from_str_radix(part, 16).ok()?);
            } else {
                return None;
            }
        }
        Some(groups)
    };
    let groups = match text.split_once("::") {
        None => side(text, true)?,
        Some((left, right)) => {
            let (mut left, right) = (side(left, false)?, side(right, true)?);
            if left.len() + right.len() > 7 {
                return None;
            }
            left.resize(8 - right.len(), 0);
            left.extend(right);
            left
        }
    };
    groups.try_into().ok()
}

fn mapped(groups: [u16; 8]) -> Option<u32> {
    (groups[..6] == [0, 0, 0, 0, 0, 0xffff]).then(|| u32::from(groups[6]) << 16 | u32::from(groups[7]))
}

/// RFC 5952: the longest run of two zero groups or more as `::`, the first of equal ones.
fn v6_text(groups: [u16; 8]) -> String {
    if let Some(address) = mapped(groups) {
        return format!("::ffff:{}", v4_text(address));
    }
    let run = |from: usize| groups[from..].iter().take_while(|group| **group == 0).count();
    let mut best = (0, 1);
    for from in 0..8 {
        if run(from) > best.1 {
            best = (from, run(from));
        }
    }
    let text = |groups: &[u16]| groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
    match best {
        (_, 1) => text(&groups),
        (from, length) => format!("{}::{}", text(&groups[..from]), text(&groups[from + length..])),
    }
}

fn v6_key(groups: [u16; 8]) -> String {
    mapped(groups).map_or_else(|| v6_text(groups), v4_text)
}

fn brackets(text: &str) -> Option<&str> {
    match text.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']'),
        None => Some(text),
    }
}

#[test]
fn ipv6() {
    let mut random = Random(0x6b6);
    let pieces = [
        "0", "1", "f", "0000", "FFFF", "ffff", "12345", "::", "::", ":", ":", ":", ":", ":", ":0:0:",
        "1.2.3.4", "1.2.3.04", "%e", "[", "]", "g", "/128", "/64",
    ];
    for _ in 0..rounds() {
        let text = random.text(&pieces, 15);
        let bare = text.strip_suffix("/128").unwrap_or(&text);
        let want = brackets(bare).and_then(v6).map(|groups| (v6_text(groups), v6_key(groups)));
        assert_eq!(read(Kind::Ipv6, &text), want, "{text:?}");
    }
    for _ in 0..rounds() {
        let zeros = random.next();
        let groups: [u16; 8] =
            std::array::from_fn(|i| if zeros >> (8 * i) & 3 == 0 { 0 } else { random.next() as u16 });
        let written = groups.map(|group| format!("{group:x}")).join(":");
        assert_eq!(read(Kind::Ipv6, &written), Some((v6_text(groups), v6_key(groups))), "{written}");
    }
}

#[test]
fn cidr() {
    let mut random = Random(0xc1d);
    let pieces = [
        "0",
        "1",
        "8",
        "24",
        "32",
        "33",
        "96",
        "104",
        "128",
        "129",
        "08",
        "10.1.2.3",
        "192.0.2.255",
        "255.255.255.255",
        "::",
        "2001:db8::",
        "::ffff:",
        "1.2.3.4",
        "ffff:",
        ":",
        "/",
        "/",
        "/",
        ".",
        "[",
        "]",
        "%e",
        "/255.0.0.0",
    ];
    for _ in 0..rounds() {
        let text = random.text(&pieces, 5);
        let want = text.split_once('/').and_then(|(address, length)| {
            if let Some(address) = v4(address) {
                let length = number(length, 32, 2)?;
                let network = if length == 0 { 0 } else { address & (!0 << (32 - length)) };
                let value = format!("{}/{length}", v4_text(network));
                let key = if length == 32 { v4_text(network) } else { value.clone() };
                return Some((value, key));
            }
            let groups = v6(brackets(address)?)?;
            let length = number(length, 128, 3)?;
            let bits = groups.iter().fold(0u128, |bits, group| bits << 16 | u128::from(*group));
            let network = if length == 0 { 0 } else { bits & (!0 << (128 - length)) };
            let groups: [u16; 8] = std::array::from_fn(|i| (network >> (112 - 16 * i)) as u16);
            let value = format!("{}/{length}", v6_text(groups));
            let key = match mapped(groups) {
                _ if length == 128 => v6_key(groups),
                Some(address) if length >= 96 => format!("{}/{}", v4_text(address), length - 96),
                _ => value.clone(),
            };
            Some((value, key))
        });
        assert_eq!(read(Kind::Cidr, &text), want, "{text:?}");
    }
}

#[test]
fn digests() {
    let mut random = Random(0xd16);
    let kinds = [
        (Kind::Md5, 32),
        (Kind::Sha1, 40),
        (Kind::Sha224, 56),
        (Kind::Sha256, 64),
        (Kind::Sha384, 96),
        (Kind::Sha512, 128),
        (Kind::Imphash, 32),
        (Kind::Ja3, 32),
        (Kind::Hassh, 32),
        (Kind::Jarm, 62),
        (Kind::Authentihash, 64),
    ];
    for _ in 0..rounds() {
        let (kind, length) = kinds[random.below(kinds.len())];
        // Now and then a digit too many, too few, or one that is none.
        let length = length + [0, 0, 0, 0, 1, 2][random.below(6)] - [0, 0, 0, 0, 1, 2][random.below(6)];
        let mut text: String =
            (0..length).map(|_| b"0123456789abcdefABCDEF"[random.below(22)] as char).collect();
        if random.below(8) == 0 {
            text.replace_range(..1, ["g", ":", "\u{661}", "0x"][random.below(4)]);
        }
        let wanted = kinds.iter().find(|(k, _)| *k == kind).map(|(_, n)| *n);
        let holds = Some(text.chars().count()) == wanted && text.chars().all(|c| c.is_ascii_hexdigit());
        let want = holds.then(|| (text.to_ascii_lowercase(), text.to_ascii_lowercase()));
        assert_eq!(read(kind, &text), want, "{kind} {text:?}");
    }
}

/// Texts of every kind, broken at random: what is taken is a fixed point as its kind, and shows itself so.
#[test]
fn every_kind_is_a_fixed_point() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/default-1.jsonl");
    let rows = std::fs::read_to_string(path).expect("the vectors are there");
    let seeds: Vec<String> = rows
        .lines()
        .map(|row| {
            serde_json::from_str::<serde_json::Value>(row).expect("JSON")["raw"].as_str().unwrap().to_string()
        })
        .filter(|raw| raw.len() < 300)
        .collect();
    let pieces = [
        ".", ":", "/", "@", "-", "%", "%41", "[", "]", "xn--", "0", "F", "\u{fc}", "\u{200d}", " ", "\\",
        "#", "?", "_",
    ];
    let mut random = Random(0xf1d);
    let mut taken = std::collections::BTreeMap::new();
    for _ in 0..rounds() {
        let mut text: Vec<char> = seeds[random.below(seeds.len())].chars().collect();
        for _ in 0..random.below(4) {
            let at = random.below(text.len() + 1);
            match random.below(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => {
                    let other = random.below(text.len());
                    text.swap(at, other);
                }
                _ => {
                    let piece = pieces[random.below(pieces.len())];
                    text.splice(at..at, piece.chars());
                }
            }
        }
        let text: String = text.iter().collect();
        let kind = Kind::ALL[random.below(Kind::ALL.len())];
        for found in [Observable::parse(&text), Observable::parse_as(kind, &text)].into_iter().flatten() {
            *taken.entry(found.kind()).or_insert(0) += 1;
            assert_eq!(Observable::parse_as(found.kind(), found.value()), Ok(found.clone()), "{text:?}");
        }
    }
    assert!(taken.len() > 40, "{taken:?}");
}
