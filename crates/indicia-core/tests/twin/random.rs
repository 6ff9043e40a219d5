//! Sets and texts from small alphabets, so that they collide.

use indicia_core::{
    AsOf, BuildOptions, Confidence, Context, Filter, Guards, Indicator, Kind, Match, Role, ScanOptions,
    Target, Tlp,
};

/// xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random((seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % n
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

const LABELS: &[&str] =
    &["a", "b", "bad", "not", "bad-a", "_a", "a_b", "xn--bcher-kva", "bücher", "BAD", "7", "中"];
const TLDS: &[&str] = &["example", "com", "co.uk", "test", "EXAMPLE", "a", "github.io"];
/// Dots, and what is taken for one elsewhere.
const BETWEEN_LABELS: &[&str] =
    &[".", ".", ".", ".", "[.]", "-dot-", "_dot_", "dot", " dot ", "(.)", "\u{3002}", "..", "hxxp"];
const V4: &[&str] = &["192.0.2.1", "192.0.2.7", "192.0.2.70", "192.0.3.7", "10.0.0.7", "1.1.1.1"];
const V6: &[&str] = &[
    "2001:db8::7",
    "2001:DB8:0:0::7",
    "2001:db8:0:0:0:0:0:7",
    "::1",
    "::ffff:192.0.2.7",
    "::ffff:c000:207",
    "fe80::1",
    "db8::7",
    "2001:db8::192.0.2.7",
    "20:01:0d:b8:00:00:00:07",
    "::",
];
const PORTS: &[&str] = &["44", "443", "4430", "80", "8080"];
const NETWORKS: &[&str] = &[
    "192.0.2.0/24",
    "192.0.2.0/25",
    "192.0.2.7/31",
    "192.0.2.7/32",
    "192.0.0.0/16",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8::7/127",
    "2001:db8::7/128",
    "::ffff:192.0.2.0/120",
    "::ffff:0:0/90",
    "::/0",
];
const RANGES: &[&str] = &[
    "192.0.2.1-192.0.2.7",
    "192.0.2.2-192.0.3.7",
    "192.0.2.7-192.0.2.7",
    "2001:db8::1-2001:db8::9",
    "::ffff:192.0.2.1-::ffff:192.0.2.8",
    "1.1.1.1-192.0.2.7",
];
const PATHS: &[&str] = &[
    "",
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a/b?x=1",
    "/a?x=1",
    "/a?x=1&y=2",
    "/a?",
    "?x=1",
    "/a#f",
    "/%7Ea",
    "/~a",
    "/a%20b",
    "/a,b",
    "/a,b/c",
    "/a(b)",
    "/./a",
    "/a/../b",
    "/a.",
    "/a)",
    "/A",
    "/a%2fb",
    "/a'b",
    "/中",
    "/a|b",
    "/#",
    "/a#f,g.",
];
const SCHEMES: &[&str] = &["http://", "https://", "HTTP://", "ftp://", "tcp://", "gopher://", "", ""];
const LOCALS: &[&str] = &["a", "A.b", "a+b", "a%b", "o'x", "x=a", "a-", "é", "中a", "a.b.c"];
const MACS: &[&str] = &[
    "00:1a:2b:3c:4d:5e",
    "00-1A-2b-3C-4D-5E",
    "001a.2b3c.4d5e",
    "00:1a:2b:3c:4d:5f",
    "00-1a-2b-3c-4d-5e-6f-70",
];
const CURRENCIES: &[(Kind, &str)] = &[
    (Kind::Bitcoin, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    (Kind::Bitcoin, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    (Kind::Ethereum, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    (Kind::Ethereum, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
];
const SHORT: &[(Kind, &str)] = &[
    (Kind::Cve, "CVE-2021-1234"),
    (Kind::Cve, "cve-2021-12345"),
    (Kind::Cve, "CVE_2021_1234"),
    (Kind::Asn, "AS1"),
    (Kind::Asn, "as12"),
    (Kind::Asn, "ASN64496"),
    (Kind::AttackId, "T1059"),
    (Kind::AttackId, "t1059.001"),
];
const DIGESTS: &[(Kind, usize)] = &[
    (Kind::Md5, 32),
    (Kind::Imphash, 32),
    (Kind::Ja3, 32),
    (Kind::Sha1, 40),
    (Kind::Sha224, 56),
    (Kind::Jarm, 62),
    (Kind::Sha256, 64),
    (Kind::Authentihash, 64),
    (Kind::Sha384, 96),
    (Kind::Sha512, 128),
];
const BORDERS: &[&[u8]] = &[
    b"",
    b" ",
    b"\"",
    b"'",
    b"[",
    b"]",
    b"(",
    b")",
    b"<",
    b">",
    b",",
    b"=",
    b"|",
    b";",
    b"\n",
    b"\\n",
    b"\\u003d",
    b"\\x3d",
    b"%2F",
    b"%3D",
    b"%252F",
    b"\x1b[31m",
    b"\\u001b[1;7m",
    b"\x1b[K",
    b"\x1b[m",
    b"/",
    b"//",
    b":",
    b"://",
    b".",
    b"..",
    b"-",
    b"_",
    b"@",
    b"?",
    b"&",
    b"#",
    b"!",
    b"*",
    b"{",
    b"}",
    b"a",
    b"x",
    b"7",
    b"0",
    b"n",
    b"is ",
    "中".as_bytes(),
    "에".as_bytes(),
    "é".as_bytes(),
    "я".as_bytes(),
    "“".as_bytes(),
    "”".as_bytes(),
    "。".as_bytes(),
    "，".as_bytes(),
    b"\xff",
    b"\xe2\x80",
    b"\x00",
    b"\t",
    b", ",
    b". ",
    b"imphash: ",
    b"ja3=",
    b"\"ja3\":\"",
    b"src:",
    b"ip=",
    b"http://",
    b"x@",
    b"[.]",
    b"/24",
    b":443",
    b":44",
    b"-192.0.2.9",
    b".example",
    b".com",
];

pub(crate) struct Case {
    pub(crate) build: BuildOptions,
    pub(crate) listed: Vec<Indicator>,
    /// How the listed values were written.
    written: Vec<String>,
    pub(crate) options: ScanOptions,
    pub(crate) text: Vec<u8>,
}

impl Case {
    pub(crate) fn new(random: &mut Random) -> Case {
        let mut case = Case {
            build: BuildOptions {
                roles: if random.one_in(8) { Role::ALL.to_vec() } else { Vec::new() },
                ..BuildOptions::default()
            },
            listed: Vec::new(),
            written: Vec::new(),
            options: options(random),
            text: Vec::new(),
        };
        for _ in 0..1 + random.below(12) {
            let (kind, written) = any_value(random);
            let match_ = match kind {
                Kind::Domain => [None, Some(Match::Subdomains), Some(Match::Subdomains)][random.below(3)],
                Kind::Url if random.one_in(3) => Some(Match::Prefix),
                _ => None,
            };
            let star = kind == Kind::Domain && match_.is_some() && random.one_in(3);
            let value = if star { format!("*.{written}") } else { written.clone() };
            let Ok(target) = Target::from_parts(kind, &value, match_, None) else { continue };
            let identity = |t: &Target| {
                let key = t.observable.key().to_string();
                (t.observable.kind(), key, super::matcher::effective_match(t), t.below_only)
            };
            if case.listed.iter().any(|other| identity(&other.target) == identity(&target)) {
                continue;
            }
            let contexts = (0..1 + random.below(2)).map(|n| context(random, n)).collect();
            case.listed.push(Indicator { target, group: None, contexts });
            case.written.push(written);
        }
        for _ in 0..1 + random.below(4) {
            case.border(random);
            let (_, value) = case.value(random);
            case.text.extend_from_slice(value.as_bytes());
        }
        case.border(random);
        case
    }

    /// Leaves out what is listed and not wanted.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&Indicator) -> bool) {
        let kept: Vec<bool> = self.listed.iter().map(wanted).collect();
        let mut at = kept.iter();
        self.listed.retain(|_| at.next() == Some(&true));
        let mut at = kept.iter();
        self.written.retain(|_| at.next() == Some(&true));
    }

    /// Goes on with a value, or with something that no value is in.
    pub(crate) fn more_text(&mut self, random: &mut Random) {
        match random.below(6) {
            0 => self.text.resize(self.text.len() + random.below(150), b' '),
            1 => {
                let filler = [&b"a"[..], b"a.", b"1.", b"ab-", b"a:", b"f", b"a/", b"x, "][random.below(8)];
                for _ in 0..random.below(80) {
                    self.text.extend_from_slice(filler);
                }
            }
            _ => {
                let (_, value) = self.value(random);
                self.text.extend_from_slice(value.as_bytes());
            }
        }
        self.border(random);
    }

    fn border(&mut self, random: &mut Random) {
        for _ in 0..1 + random.below(2) {
            self.text.extend_from_slice(random.pick(BORDERS));
        }
    }

    /// A value to look for: one that is listed, or one that may be near it.
    pub(crate) fn value(&self, random: &mut Random) -> (Option<Kind>, String) {
        let (kind, mut value) = match self.written.len() {
            n if n > 0 && !random.one_in(3) => {
                let n = random.below(n);
                (self.listed[n].target.observable.kind(), self.written[n].clone())
            }
            _ => any_value(random),
        };
        if random.one_in(8) {
            value.make_ascii_uppercase();
        }
        if random.one_in(12) {
            value = value.replacen("http://", "https://", 1);
        }
        (if random.one_in(2) { Some(kind) } else { None }, value)
    }

    /// An address or what could be a name: listed ones, below them, and others.
    pub(crate) fn host(&self, random: &mut Random) -> (Kind, String) {
        match random.below(5) {
            0 => return (Kind::Ipv4, random.pick(V4).to_string()),
            1 => {
                let address: std::net::Ipv6Addr = random.pick(V6).parse().expect("an address");
                return (Kind::Ipv6, address.to_string());
            }
            _ => {}
        }
        let names: Vec<&String> =
            self.written.iter().filter(|w| !w.contains(['/', ':', '@']) && w.contains('.')).collect();
        let mut name = match names.len() {
            n if n > 0 && !random.one_in(3) => names[random.below(n)].clone(),
            _ => format!("{}.{}", random.pick(LABELS), random.pick(TLDS)),
        };
        while random.one_in(2) {
            name = format!("{}{}{name}", random.pick(LABELS), random.pick(BETWEEN_LABELS));
        }
        if random.one_in(6) {
            name.make_ascii_uppercase();
        }
        if random.one_in(6) {
            name.push_str(random.pick(&[".", "..", ".onion", ".0x1", ".7", "-", " "]));
        }
        let kind = if name.parse::<std::net::Ipv4Addr>().is_ok() { Kind::Ipv4 } else { Kind::Domain };
        (kind, name)
    }
}

fn options(random: &mut Random) -> ScanOptions {
    let mut filter = Filter::default();
    if random.one_in(8) {
        filter.roles = vec![Role::C2, Role::Victim];
    }
    if random.one_in(8) {
        filter.labels = vec!["X".to_string()];
    }
    if random.one_in(8) {
        filter.min_confidence = Some(50.0);
    }
    if random.one_in(8) {
        filter.max_tlp = Some(Tlp::Green);
    }
    if random.one_in(8) {
        filter.as_of = AsOf::At("2024-01-01T00:00:00Z".parse().expect("a time"));
    }
    filter.revoked = random.one_in(4);
    ScanOptions {
        filter,
        guards: Guards::off(),
        ignore_ports: random.one_in(6),
        url_hosts: random.one_in(6),
        strict_scheme: random.one_in(6),
        ..ScanOptions::default()
    }
}

fn context(random: &mut Random, n: usize) -> Context {
    let mut context = Context { source_id: Some(n.to_string()), ..Context::default() };
    context.role =
        [None, None, None, Some(Role::C2), Some(Role::Victim), Some(Role::Unknown)][random.below(6)];
    if random.one_in(3) {
        context.labels = vec![random.pick(&["x", "y"]).to_string()];
    }
    if random.one_in(2) {
        context.confidence =
            Some(Confidence { value: [0, 49, 50, 100][random.below(4)].into(), scale: None, source: None });
    }
    context.tlp = [None, Some(Tlp::Clear), Some(Tlp::Green), Some(Tlp::Red)][random.below(4)];
    context.revoked = [None, None, None, Some(false), Some(true)][random.below(5)];
    if random.one_in(4) {
        let time = random.pick(&["2023-06-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-06-01T00:00:00Z"]);
        let time = time.parse().ok();
        if random.one_in(2) { context.valid_from = time } else { context.valid_until = time }
    }
    context
}

fn name(random: &mut Random) -> String {
    let mut name = String::new();
    for _ in 0..random.below(3) {
        name.push_str(random.pick(LABELS));
        name.push('.');
    }
    if random.one_in(2) {
        name.push_str("bad.");
    }
    name + random.pick(TLDS)
}

fn host(random: &mut Random, bracketed: bool) -> String {
    match random.below(6) {
        0 | 1 => random.pick(V4).to_string(),
        2 if bracketed => format!("[{}]", random.pick(V6)),
        _ => name(random),
    }
}

fn any_value(random: &mut Random) -> (Kind, String) {
    match random.below(24) {
        0..=4 => (Kind::Domain, name(random) + random.pick(&["", "", "", "", "."])),
        5 | 6 => (Kind::Ipv4, random.pick(V4).to_string()),
        7 => (Kind::Ipv6, random.pick(V6).to_string()),
        8 | 9 => (Kind::Cidr, random.pick(NETWORKS).to_string()),
        10 => (Kind::IpRange, random.pick(RANGES).to_string()),
        11 | 12 => (Kind::Endpoint, format!("{}:{}", host(random, true), random.pick(PORTS))),
        13..=16 => {
            let mut url = random.pick(SCHEMES).to_string();
            if random.one_in(8) && !url.is_empty() {
                url.push_str(random.pick(&["u@", "u:p@", "bad.example@", "a,b@"]));
            }
            url.push_str(&if random.one_in(12) { "0xc0.0.2.7".to_string() } else { host(random, true) });
            if random.one_in(4) {
                url.push(':');
                url.push_str(random.pick(PORTS));
            }
            (Kind::Url, url + random.pick(PATHS))
        }
        17 | 18 => (Kind::Email, format!("{}@{}", random.pick(LOCALS), name(random))),
        19 => (Kind::Mac, random.pick(MACS).to_string()),
        20 => {
            let (kind, value) = CURRENCIES[random.below(CURRENCIES.len())];
            (kind, value.to_string())
        }
        21 => {
            let (kind, value) = SHORT[random.below(SHORT.len())];
            (kind, value.to_string())
        }
        _ => {
            let (kind, length) = DIGESTS[random.below(DIGESTS.len())];
            let digits = random.pick(&["0123456789abcdef", "d41d8cd98f00b204"]).repeat(8);
            (kind, digits[..length].to_string())
        }
    }
}
