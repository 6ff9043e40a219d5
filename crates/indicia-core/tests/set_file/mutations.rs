//! Set files that were changed on purpose, with a first page that fits: opened as a mapped file is, and asked for
//! everything. No answer is wrong in itself: whatever is found is an indicator of the file.
//!
//! `INDICIA_SET_MUTATIONS` says how many files are tried, `INDICIA_SET_SEED` with which seed.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use indicia_core::{
    Context, Guards, Hit, Indicator, IndicatorRef, IndicatorSet, Kind, Level, Match, Refang, ScanOptions,
    ScanRefang, Scratch, Target,
};
use sha2::{Digest, Sha256};

const PAGE: usize = 4096;
// Places in the first page: see `docs/set-file.md`.
const CHECK: Range<usize> = 16..48;
const LENGTH: usize = 192;
const KINDS: usize = 200;
const HASH_KEY: usize = 208;
const INDICATORS: usize = 228;
const CONTEXTS: usize = 232;
const SECTIONS: usize = 236;
const TABLE: usize = 512;
const ROW: usize = 24;

const TEXT: &[u8] = b"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 AS64496 CVE-2021-44228 T1059.001 \
    00:1a:2b:3c:4d:5e 001a.2b3c.4d5e imphash: 0123456789abcdef0123456789abcdef 10.1.2.3 10.77.0.5 n7.many.example \
    a.b.n8.many.example:443 http://n9.many.example/some/long/path/7 https://n9.many.example:8443/ [2001:db8::7]:443 \
    ::ffff:192.0.2.7 hxxp://bad[.]example/a?b \xc3\xa9.bad.example//bad.example/pre/%41 joe@n10.many.example\n";

fn lists() -> Vec<Vec<Indicator>> {
    let indicator = |(kind, value, match_): (Kind, String, Option<Match>)| {
        let mut indicator = Indicator::new(
            Target::from_parts(kind, &value, match_, Some("type")).expect(&value),
            Context::default(),
        );
        indicator
            .contexts
            .push(Context { feed: Some(format!("feed {}", value.len() % 7)), ..Context::default() });
        indicator
    };
    let some = super::indicators();
    let without_masks = some.iter().filter(|i| i.target.match_ != Match::Mask).cloned();
    let more = [
        (Kind::Bitcoin, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        (Kind::Bitcoin, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
        (Kind::Asn, "AS64496"),
        (Kind::Cve, "CVE-2021-44228"),
        (Kind::AttackId, "T1059.001"),
        (Kind::Mac, "00:1a:2b:3c:4d:5e"),
        (Kind::Imphash, "0123456789abcdef0123456789abcdef"),
        (Kind::Sha256, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        (Kind::Email, "joe@n10.many.example"),
    ];
    let more = more.map(|(kind, value)| (kind, value.to_string(), None));
    let many = (0..60).flat_map(|i| {
        [
            (Kind::Domain, format!("n{i}.many.example"), Some(Match::Subdomains)),
            (Kind::Url, format!("http://n{}.many.example/some/long/path/{i}", i % 11), None),
            (Kind::Endpoint, format!("n{i}.many.example:443"), None),
            (Kind::Ipv4, format!("10.1.{}.{i}", i % 5), None),
            (Kind::Cidr, format!("10.77.0.0/{}", 8 + i % 24), None),
            (Kind::Ipv6, format!("2001:db8::{i:x}"), None),
            (Kind::Cidr, format!("2001:db8::/{}", 16 + i % 100), None),
        ]
    });
    // So many that their tables are there, too.
    let tables = (0..33_000u32).flat_map(|i| {
        let [address, network] = [0x0a4d_0000 + i, 0x0b00_0000 + 8 * i].map(std::net::Ipv4Addr::from);
        let network = (i % 2 == 0).then(|| (Kind::Cidr, format!("{network}/30"), None));
        std::iter::once((Kind::Ipv4, address.to_string(), None)).chain(network)
    });
    vec![
        without_masks.chain(more.into_iter().chain(many).map(indicator)).collect(),
        some,
        tables.map(indicator).collect(),
    ]
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }

    fn number(&mut self) -> u32 {
        [0, 1, 2, 0x7f, 0xff, 0x8000, u32::MAX, self.below(1 << 20) as u32][self.below(8)]
    }
}

/// A file, where its sections stand, and which of its bytes are not zero.
struct Whole {
    file: Vec<u8>,
    sections: Vec<Range<usize>>,
    used: Vec<usize>,
}

fn number(file: &[u8], at: usize) -> usize {
    u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

impl Whole {
    fn new(list: Vec<Indicator>) -> Whole {
        let file = super::compile(list).as_bytes().to_vec();
        let rows = (0..number(&file, SECTIONS)).map(|row| TABLE + row * ROW);
        let sections =
            rows.map(|at| number(&file, at + 8)..number(&file, at + 8) + number(&file, at + 16)).collect();
        let used = (PAGE..file.len()).filter(|at| file[*at] != 0).collect();
        Whole { file, sections, used }
    }

    /// A file of the same length or shorter, changed somewhere, with a first page that fits if it can.
    fn changed(&self, random: &mut Random) -> Vec<u8> {
        let mut file = self.file.clone();
        for _ in 0..1 + random.below(3) {
            match random.below(8) {
                0..4 => {
                    for _ in 0..1 + random.below(8) {
                        let at = match random.below(3) {
                            0 => PAGE + random.below(file.len() - PAGE),
                            _ => self.used[random.below(self.used.len())],
                        };
                        if let Some(byte) = file.get_mut(at) {
                            *byte = [0, 1, 0x7f, 0x80, 0xff, random.below(256) as u8][random.below(6)];
                        }
                    }
                }
                4 => self.splice(&mut file, random),
                5 => self.change_row(&mut file, random),
                6 => {
                    let at = [KINDS, KINDS + 4, HASH_KEY, INDICATORS, CONTEXTS][random.below(5)];
                    file[at..at + 4].copy_from_slice(&random.number().to_le_bytes());
                }
                _ => {
                    // Cut short: the last sections end with the file.
                    let last = self.sections.len() - 1 - random.below(3);
                    let end = self.sections[last].start + random.below(self.sections[last].len());
                    file.truncate(end.max(PAGE));
                    for row in last..self.sections.len() {
                        let (at, start) = (TABLE + row * ROW, number(&self.file, TABLE + row * ROW + 8));
                        let length = file.len().saturating_sub(start) as u64;
                        file[at + 16..at + 24].copy_from_slice(&length.to_le_bytes());
                    }
                    file[SECTIONS..SECTIONS + 4].copy_from_slice(&(last as u32 + 1).to_le_bytes());
                }
            }
        }
        let length = file.len() as u64;
        file[LENGTH..LENGTH + 8].copy_from_slice(&length.to_le_bytes());
        let check = Sha256::new()
            .chain_update(&file[..CHECK.start])
            .chain_update([0; 32])
            .chain_update(&file[CHECK.end..PAGE])
            .finalize();
        file[CHECK].copy_from_slice(&check);
        file
    }

    /// Puts a piece of one section somewhere in another.
    fn splice(&self, file: &mut [u8], random: &mut Random) {
        let [from, to] = [0; 2].map(|_| self.sections[random.below(self.sections.len())].clone());
        let (start, place) = (from.start + random.below(from.len()), to.start + random.below(to.len()));
        let length = (1 + random.below(256)).min(from.end - start).min(to.end - place);
        if let Some(piece) = self.file.get(start..start + length)
            && let Some(over) = file.get_mut(place..place + length)
        {
            over.copy_from_slice(piece);
        }
    }

    /// Lets a section be another one, shorter, of another count, or at another page.
    fn change_row(&self, file: &mut [u8], random: &mut Random) {
        let [one, other] = [0; 2].map(|_| TABLE + random.below(self.sections.len()) * ROW);
        match random.below(4) {
            0 => {
                for i in 0..4 {
                    file.swap(one + i, other + i);
                }
            }
            1 => file[one + 4..one + 8].copy_from_slice(&random.number().to_le_bytes()),
            2 => {
                let shorter = random.below(1 + number(&self.file, one + 16)) as u64;
                file[one + 16..one + 24].copy_from_slice(&shorter.to_le_bytes());
            }
            _ => {
                file[one + 8..one + ROW].copy_from_slice(&self.file[other + 8..other + ROW]);
            }
        }
    }
}

/// The indicators of a file, which every hit must be one of.
struct Listed(HashMap<u32, (Kind, String, usize)>);

impl Listed {
    fn of(set: &IndicatorSet) -> Listed {
        let all = set.iter().map(|indicator| {
            let _ = (indicator.to_indicator(), indicator.key().len());
            (indicator.index(), Listed::parts(indicator))
        });
        Listed(all.collect())
    }

    fn parts(indicator: IndicatorRef<'_>) -> (Kind, String, usize) {
        (indicator.kind(), indicator.value().to_string(), indicator.contexts().count())
    }

    fn check(&self, indicator: IndicatorRef<'_>) {
        assert_eq!(self.0.get(&indicator.index()), Some(&Listed::parts(indicator)));
    }
}

fn ask(set: &IndicatorSet, scratches: &mut [Scratch], random: &mut Random) -> usize {
    let _ = (set.info().indicators, set.verify().is_ok());
    let listed = Listed::of(set);
    assert_eq!(listed.0.len(), set.len());
    let options = ScanOptions {
        guards: Guards::off(),
        refang: ScanRefang(Refang::ALL[random.below(4)].0),
        url_hosts: random.below(2) == 0,
        ignore_ports: random.below(2) == 0,
        ..ScanOptions::default()
    };
    let mut hits = 0;
    for scratch in &mut *scratches {
        for text in [TEXT, super::TEXT] {
            let _ = set.scan_with(text, &options, scratch, &mut |hit| {
                assert!(hit.start < hit.end && hit.end <= text.len());
                listed.check(hit.indicator);
                hits += 1 + hit.contexts().count();
                ControlFlow::Continue(())
            });
        }
    }
    let scratch = &mut scratches[0];
    let found = |hits: Vec<Hit<'_>>| hits.iter().for_each(|hit| listed.check(hit.indicator));
    const VALUES: [&str; 11] = [
        "192.0.2.7",
        "10.77.0.0/28",
        "10.1.2.3-10.1.2.9",
        "2001:db8::7",
        "a.bad.example",
        "n7.many.example:443",
        "http://bad.example/pre/x",
        "http://n9.many.example/some/long/path/9",
        "http://u.mask.example/q",
        "joe@bad.example",
        "d41d8cd98f00b204e9800998ecf8427f",
    ];
    for value in VALUES {
        found(set.lookup(value, None, &options, scratch).expect(value).1);
    }
    hits
}

#[test]
fn changed_files_do_no_harm() {
    let default = if cfg!(debug_assertions) { 500 } else { 5_000 };
    let from_env = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let rounds = from_env("INDICIA_SET_MUTATIONS").unwrap_or(default);
    let mut random = Random(from_env("INDICIA_SET_SEED").unwrap_or(0x5e7_f11e) | 1);
    let wholes: Vec<Whole> = lists().into_iter().map(Whole::new).collect();
    let mut scratches: Vec<Scratch> = Level::available().map(Scratch::with_level).collect();
    for whole in &wholes {
        let set = IndicatorSet::from_storage(whole.file.clone()).unwrap();
        assert!(ask(&set, &mut scratches, &mut random) > 0 && set.verify().is_ok());
    }
    let (mut opened, mut hits) = (0, 0);
    for round in 0..rounds {
        let whole = &wholes[if round % 200 == 0 { 2 } else { (round % 2) as usize }];
        let file = whole.changed(&mut random);
        if let Ok(set) = IndicatorSet::from_storage(file) {
            opened += 1;
            hits += ask(&set, &mut scratches, &mut random);
        }
    }
    println!("{opened} of {rounds} changed files are opened, {hits} hits and contexts in them");
    assert!(opened > rounds / 2, "{opened} of {rounds} are opened");
}
