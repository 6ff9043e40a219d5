//! Lists and texts that are made to be slow: every level finds the same, none takes much longer than the one that looks
//! at every token, and a longer text takes no more for each byte.
//!
//! `INDICIA_ADVERSARIAL_BYTES` says how long the texts are. Times are the least of several, and the bounds are generous, for
//! machines that are busy.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicia_core::{
    BuildOptions, Context, Guards, Indicator, IndicatorSet, Kind, Level, Match, ScanOptions, Scratch,
    SetBuilder, Target,
};

/// A list, and pieces that a text is made of again and again.
struct Case {
    name: &'static str,
    listed: Vec<(Kind, String)>,
    piece: Vec<u8>,
}

fn case(name: &'static str, listed: &[(Kind, &str)], piece: impl AsRef<[u8]>) -> Case {
    let listed = listed.iter().map(|(kind, value)| (*kind, value.to_string())).collect();
    Case { name, listed, piece: piece.as_ref().to_vec() }
}

/// What most texts are scanned for: something of each shape.
const USUAL: &[(Kind, &str)] = &[
    (Kind::Domain, "bad.example"),
    (Kind::Domain, "a.a.example"),
    (Kind::Ipv4, "192.0.2.7"),
    (Kind::Cidr, "198.51.100.0/24"),
    (Kind::Cidr, "2001:db8::/32"),
    (Kind::Endpoint, "bad.example:8080"),
    (Kind::Url, "http://bad.example/a/long/path"),
    (Kind::Email, "a@bad.example"),
    (Kind::Asn, "AS64496"),
    (Kind::Cve, "CVE-2021-44228"),
    (Kind::Mac, "00:1a:2b:3c:4d:5e"),
    (Kind::Md5, "0123456789abcdef0123456789abcdef"),
    (Kind::Bitcoin, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
];

fn compile(listed: &[(Kind, String)]) -> IndicatorSet {
    let mut builder = SetBuilder::new(BuildOptions::default());
    for (kind, value) in listed {
        let match_ = (*kind == Kind::Domain).then_some(Match::Subdomains);
        let target = Target::from_parts(*kind, value, match_, None).expect(value);
        builder.push(Indicator::new(target, Context::default()));
    }
    builder.finish()
}

/// How long this thread has run: on Linux without the time in which others did.
fn clock() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let on_processor = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = on_processor.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// How many hits, the sum of what tells them apart, and how long it took.
fn scan(set: &IndicatorSet, text: &[u8], scratch: &mut Scratch) -> (usize, u64, Duration) {
    let options = ScanOptions { guards: Guards::off(), ..ScanOptions::default() };
    let (mut hits, mut sum) = (0, 0u64);
    let began = clock();
    let _ = set.scan_with(text, &options, scratch, &mut |hit| {
        hits += 1;
        let place = (hit.start as u64) << 24 ^ hit.end as u64;
        let what = u64::from(hit.indicator.index()) << 8 ^ hit.relation as u64;
        sum = sum.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(place ^ what << 48);
        ControlFlow::Continue(())
    });
    (hits, sum, clock() - began)
}

fn cases() -> Vec<Case> {
    let labels: Vec<String> = ["a", "b", "c", "d", "e"]
        .iter()
        .cycle()
        .take(100)
        .chain(&["bad", "example"])
        .map(|l| l.to_string())
        .collect();
    let tree = |family: u32| -> Vec<(Kind, String)> {
        let address = |bits: u128| match family {
            32 => std::net::Ipv4Addr::from(bits as u32).to_string(),
            _ => std::net::Ipv6Addr::from(bits).to_string(),
        };
        let whole: u128 = if family == 32 { 0xc000_0207 } else { 0x2001_0db8 << 96 | 7 };
        (1..=family)
            .map(|n| (Kind::Cidr, format!("{}/{n}", address(whole >> (family - n) << (family - n)))))
            .collect()
    };
    let mut many: Vec<(Kind, String)> =
        (0..100_000).map(|i| (Kind::Domain, format!("n{i:x}.bad.example"))).collect();
    many.extend((0..1000).map(|i| (Kind::Url, format!("http://bad.example/listed/{i}"))));
    let below: String = (0..500)
        .map(|i| format!("x{i:x}.n{:x}.bad.example y{i:x}.bad.example ", i * 7919 % 100_000))
        .collect();
    let long_path = format!("http://github.com/{}", "a/".repeat(3000));
    let github = [(Kind::Url, &*long_path), (Kind::Domain, "bad.example")];
    vec![
        Case { name: "names below one domain", listed: many, piece: below.into_bytes() },
        Case {
            name: "a hundred labels",
            listed: (0..101).step_by(2).map(|i| (Kind::Domain, labels[i..].join("."))).collect(),
            piece: format!("{} ", labels.join(".").replace("bad", "good")).into_bytes(),
        },
        Case { name: "networks of IPv4", listed: tree(32), piece: b"192.0.3.7 64.0.0.1 128.5.4.3 ".to_vec() },
        Case {
            name: "networks of IPv6",
            listed: tree(128),
            piece: b"4001:db8::7 2801::1 3fff:: [6001::]:80 ".to_vec(),
        },
        case("a.a.a.", USUAL, "a."),
        case("1.1.1.", USUAL, "1."),
        case("a.a.a. and a slash", USUAL, "a.a./"),
        case("-.-.", USUAL, "-."),
        case("as1as1", USUAL, "as1"),
        case("as1 as1", USUAL, "as1."),
        case("cve-", USUAL, "cve-2021-"),
        case("x:", USUAL, "x:"),
        case("1:1:", USUAL, "1:1:"),
        case("::::", USUAL, "::"),
        case("a:a::a", USUAL, "a:a::a "),
        case("%2F", USUAL, "%2F"),
        case("%2F and names", USUAL, "%2Fbad.exampl.e"),
        case("\\n", USUAL, "\\n"),
        case("\\na.b", USUAL, "\\nb.c"),
        case("ESC[1;", USUAL, "\x1b[1;31mb.c"),
        case("hexadecimal digits", USUAL, "0123456789abcdef"),
        case("words in a run", USUAL, "0123456789abcdef0123456789abcdee."),
        case("hosts inside URLs", &github, "github.com/"),
        case("URLs inside URLs", &github, "http://github.com/"),
        case("hosts inside URLs with commas", &github, "github.com/,"),
        case(
            "hosts inside URLs with punctuation",
            &github,
            ["github.com/".repeat(300), ",".repeat(4000)].concat(),
        ),
        case("hosts inside URLs with escapes", &github, "github.com/%41"),
        case("hosts of an exact URL", USUAL, "bad.example/"),
        case(
            "hosts of an exact URL with punctuation",
            USUAL,
            ["bad.example/".repeat(300), ",".repeat(4000)].concat(),
        ),
        case("hosts with a dot segment", USUAL, ["bad.example/".repeat(600), "../ ".into()].concat()),
        case("http://", USUAL, "http://"),
        case("http:// and users", USUAL, ["http://", &"bad.example@".repeat(600), " "].concat()),
        case("http:// and brackets", USUAL, ["http://", &"@[".repeat(3900), " "].concat()),
        case("http:// and commas", USUAL, ["http://", &"bad.example,".repeat(600), " "].concat()),
        case("users without scheme", USUAL, "bad.example@"),
        case("other users without scheme", USUAL, "é.a@"),
        case("beyond ASCII", USUAL, "é.中.a中.b"),
        case("@", USUAL, "@"),
        case("a listed name", USUAL, "bad.example "),
        case("a listed name without borders", USUAL, "bad.example.bad.example."),
        case("a listed endpoint", USUAL, "bad.example:8080,"),
        case("an escaped URL", USUAL, ["http://bad.example/", &"%41".repeat(2500), " "].concat()),
    ]
}

#[test]
fn every_level_finds_the_same_in_hostile_texts() {
    let default = if cfg!(debug_assertions) { 1 << 16 } else { 1 << 18 };
    let from_env = std::env::var("INDICIA_ADVERSARIAL_BYTES").ok().and_then(|n| n.parse().ok());
    let bytes: usize = from_env.unwrap_or(default);
    let only = std::env::var("INDICIA_ADVERSARIAL_ONLY").unwrap_or_default();
    // Processor time is told in steps of four milliseconds: it says something about a mebibyte or more, on a quiet machine.
    let timed = std::env::var_os("INDICIA_ADVERSARIAL_TIMES").is_some();
    let mut slow = Vec::new();
    for case in cases().iter().filter(|case| case.name.contains(&only)) {
        let set = compile(&case.listed);
        let text = case.piece.repeat(bytes.div_ceil(case.piece.len()));
        // Every level, and at last the plain one with an eighth of the text.
        let part = &text[..text.len() / 8];
        let mut runs: Vec<(Level, &[u8])> = Level::available().map(|level| (level, &*text)).collect();
        runs.push((Level::Plain, part));
        let mut least = vec![Duration::MAX; runs.len()];
        let mut found = Vec::new();
        for _ in 0..if timed { 3 } else { 1 } {
            found.clear();
            for (n, (level, text)) in runs.iter().enumerate() {
                let (hits, sum, took) = scan(&set, text, &mut Scratch::with_level(*level));
                least[n] = least[n].min(took);
                found.push((hits, sum));
            }
        }
        let plain = runs.len() - 2;
        assert!(found[..plain].iter().all(|f| *f == found[plain]), "{}: {found:?}", case.name);
        let ns: Vec<f64> = runs
            .iter()
            .zip(&least)
            .map(|((_, text), took)| took.as_nanos() as f64 / text.len() as f64)
            .collect();
        println!("{:<40} {:>8} hits, ns a byte {ns:.2?}", case.name, found[plain].0);
        let grace = Duration::from_millis(20).as_nanos() as f64 / text.len() as f64;
        if ns[..plain].iter().any(|level| *level > 3.0 * ns[plain] + grace) {
            slow.push(format!("{}: a level takes longer than the plain one: {ns:?}", case.name));
        }
        if ns[plain] > 3.0 * ns[plain + 1] + grace {
            slow.push(format!("{}: a longer text takes longer for each byte: {ns:?}", case.name));
        }
    }
    assert!(slow.is_empty() || !timed, "{}", slow.join("\n"));
}
