//! Making a sieve: what is listed is filed part by part, on several threads where there are some, and then put into
//! the tables.

use super::{
    BELOW, BUCKET, CROWD, DEEPER, ENDS, EXACT, HEAD, Keys, LOAD, MAX_LABELS, PATH, REACH, SLOTS, Table, URL,
    V6_LENGTHS, WIDE, Wants, end_bit, last_bytes, mapped, suffix, tag, v4_bit,
};
use crate::set::parallel;

/// How a listed name is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// The name and all below it.
    Below,
    /// The name alone.
    Exact,
    /// The host of URLs with long paths or with ports.
    Url,
}

/// Something that a sieve lets pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listed<'l> {
    /// A name of two labels or more.
    Name(&'l str, Cover),
    /// The host of a URL or endpoint that is no address.
    Host(&'l str, Cover),
    /// What a URL has behind its host, a name.
    Path(&'l str, [u8; PATH]),
    /// Addresses from the first to the last.
    V4(u32, u32),
    /// Addresses from the first to the last.
    V6(u128, u128),
    /// A digest or the address of a wallet.
    Word(&'l str),
}

/// Gives what is listed, the same each time, in parts.
pub(crate) trait Lists: Sync {
    /// How large each part is, about.
    fn parts(&self) -> Vec<usize>;
    /// All in a part, or at least its names and hosts.
    fn each(&self, part: usize, names_only: bool, found: &mut dyn FnMut(Listed<'_>));
}

/// Makes the bytes of a sieve. What has to be looked at for names, addresses and hosts is found out here.
pub(crate) fn build(threads: usize, wants: Wants, mut seed: u64, lists: &dyn Lists) -> Vec<u8> {
    // A seed under which a bucket runs over its reach is as good as never needed: the mean load leaves room.
    for _ in 0..64 {
        if let Some(bytes) = build_with(threads, wants, seed, lists) {
            return bytes;
        }
        seed = Keys::new(seed).0[0];
    }
    Vec::new()
}

/// Hashes with their flags.
type Tags = Vec<(u64, u16)>;

/// What is listed, as it is filed.
struct Filed {
    wants: Wants,
    ends: Vec<u8>,
    names: Tags,
    words: Tags,
    /// Addresses of IPv4.
    spans: Vec<(u32, u32)>,
    /// The last labels of names that have more than are filed.
    shared: Vec<u64>,
}

impl Filed {
    fn new(wants: Wants) -> Filed {
        let ends = vec![0; ENDS];
        Filed { wants, ends, names: Vec::new(), words: Vec::new(), spans: Vec::new(), shared: Vec::new() }
    }

    /// Files all of a part. What is filed more than once is kept once, but for what is shared.
    fn of_part(keys: &Keys, lists: &dyn Lists, part: usize) -> Filed {
        let mut filed = Filed::new(Wants::default());
        lists.each(part, false, &mut |listed| filed.add(keys, listed));
        for tags in [&mut filed.names, &mut filed.words] {
            tags.sort_unstable();
            tags.dedup();
        }
        filed.shared.sort_unstable();
        filed
    }

    fn add(&mut self, keys: &Keys, listed: Listed<'_>) {
        let wants = &mut self.wants;
        match listed {
            Listed::Name(name, cover) | Listed::Host(name, cover) => {
                let bytes = name.as_bytes();
                if matches!(listed, Listed::Host(..)) {
                    wants.single_labels |= !bytes.contains(&b'.');
                    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
                    wants.odd_hosts |= !bytes.iter().all(is_plain);
                }
                wants.names = true;
                let last = suffix(bytes, 1).unwrap_or(0);
                let bit = end_bit(last_bytes(bytes, last, bytes.len()));
                self.ends[bit / 8] |= 1 << (bit % 8);
                file(keys, bytes, cover, 2, &mut self.names);
                self.shared.extend(longer(keys, bytes, 3));
            }
            Listed::Path(host, path) => {
                let host = keys.hash(host.as_bytes(), 0, host.len());
                self.words.push((keys.path(host, path), EXACT));
            }
            Listed::V4(first, last) => {
                (wants.v4, wants.colons) = (true, true);
                self.spans.push((first, last));
            }
            Listed::V6(first, last) => {
                (wants.v4, wants.colons) = (true, true);
                let shared = common(first, last);
                match V6_LENGTHS.iter().position(|length| *length <= shared) {
                    Some(place) => {
                        wants.v6_lengths[place] = true;
                        self.words.push((keys.network(first, V6_LENGTHS[place]), EXACT));
                    }
                    None => wants.all_v6 = true,
                }
            }
            Listed::Word(word) => self.words.push((keys.hash(word.as_bytes(), 0, word.len()), EXACT)),
        }
    }

    fn merge(&mut self, other: Filed) {
        self.wants = Wants::from_bits(self.wants.bits() | other.wants.bits());
        self.ends.iter_mut().zip(other.ends).for_each(|(byte, more)| *byte |= more);
        self.names.extend(other.names);
        self.words.extend(other.words);
        self.spans.extend(other.spans);
        self.shared.extend(other.shared);
    }
}

fn build_with(threads: usize, wants: Wants, seed: u64, lists: &dyn Lists) -> Option<Vec<u8>> {
    let keys = Keys::new(seed);
    let parts: Vec<(usize, usize)> = lists.parts().into_iter().enumerate().collect();
    let mut filed = Filed::new(wants);
    parallel::map(threads, parts, |(_, size)| *size, |(part, _)| Filed::of_part(&keys, lists, part))
        .into_iter()
        .for_each(|part| filed.merge(part));
    let Filed { mut wants, ends, names, mut words, spans, shared } = filed;
    // Any host can be part of a URL, in a spelling that only a URL has.
    wants.schemes = wants.names || wants.v4 || wants.colons;
    let ((names, placed), (v4, v4_bits, (words, all_placed))) = parallel::both(
        threads,
        || Table::build(all_names(threads, &keys, lists, names, shared)),
        || {
            let (v4, v4_bits) = v4_bitmap(&keys, spans, &mut words);
            (v4, v4_bits, Table::build(words))
        },
    );
    let mut bytes = Vec::with_capacity(HEAD + ENDS + v4.len() + names.len() + words.len());
    for number in [wants.bits(), v4_bits] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&seed.to_le_bytes());
    for table in [&names, &words] {
        bytes.extend_from_slice(&((table.len() / BUCKET) as u32).to_le_bytes());
    }
    bytes.resize(HEAD, 0);
    for part in [ends, v4, names, words] {
        bytes.extend_from_slice(&part);
    }
    (placed && all_placed).then_some(bytes)
}

/// The names of all parts, filed under as many labels as they have to be.
fn all_names(threads: usize, keys: &Keys, lists: &dyn Lists, mut names: Tags, mut shared: Vec<u64>) -> Tags {
    let parts: Vec<(usize, usize)> = lists.parts().into_iter().enumerate().collect();
    // Suffixes that many longer names share lead on to a longer suffix.
    for labels in 3..MAX_LABELS {
        // The parts are sorted, which this sort makes use of.
        shared.sort();
        let crowded: Vec<u64> = shared
            .chunk_by(|a, b| a == b)
            .filter(|group| group.len() > CROWD)
            .map(|group| group[0])
            .collect();
        shared.clear();
        if crowded.is_empty() {
            break;
        }
        // What was filed as a longer name of these is filed anew.
        let is_crowded = |hash: u64| crowded.binary_search(&hash).is_ok();
        names.retain(|(hash, flags)| *flags != LONGER || !is_crowded(*hash));
        names.extend(crowded.iter().map(|hash| (*hash, DEEPER)));
        let anew = parallel::map(
            threads,
            parts.clone(),
            |(_, size)| *size,
            |(part, _)| {
                let (mut names, mut shared) = (Vec::new(), Vec::new());
                lists.each(part, true, &mut |listed| {
                    if let Listed::Name(name, cover) | Listed::Host(name, cover) = listed {
                        let name = name.as_bytes();
                        if longer(keys, name, labels).is_some_and(is_crowded) {
                            file(keys, name, cover, labels + 1, &mut names);
                            shared.extend(longer(keys, name, labels + 1));
                        }
                    }
                });
                (names, shared)
            },
        );
        for (of_part, shared_of_part) in anew {
            names.extend(of_part);
            shared.extend(shared_of_part);
        }
    }
    for (_, flags) in &mut names {
        if *flags == LONGER {
            *flags = BELOW;
        }
    }
    names
}

impl Table {
    /// The table as bytes, and whether every tag found a place.
    fn build(mut tags: Vec<(u64, u16)>) -> (Vec<u8>, bool) {
        if tags.is_empty() {
            return (Vec::new(), true);
        }
        // Most stand in runs that are sorted already.
        tags.sort();
        tags.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 |= later.1;
            }
            same
        });
        let table = Table { at: 0, buckets: tags.len().div_ceil(LOAD) + REACH };
        let mut bytes = vec![0; table.buckets * BUCKET];
        let mut used = vec![0u8; table.buckets];
        // Homes grow with the hash: the last buckets stay free for what runs over.
        for (hash, flags) in tags {
            let home = table.home(hash);
            let place = (home..(home + REACH).min(table.buckets)).find(|b| usize::from(used[*b]) < SLOTS);
            let Some(bucket) = place else { return (bytes, false) };
            let at = bucket * BUCKET + 2 * usize::from(used[bucket]);
            bytes[at..at + 2].copy_from_slice(&(tag(hash) | flags).to_le_bytes());
            used[bucket] += 1;
        }
        (bytes, true)
    }
}

/// How many bits two addresses begin with alike.
fn common(first: u128, last: u128) -> u32 {
    (first ^ last).leading_zeros()
}

/// Spans apart from one another, sorted.
fn apart(mut spans: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    spans.sort_unstable();
    spans.dedup_by(|later, first| {
        let meet = later.0 <= first.1.saturating_add(1);
        if meet {
            first.1 = first.1.max(later.1);
        }
        meet
    });
    spans
}

/// The bitmap of addresses and the bits of its hash. Single addresses become words, and so do the 256 around those
/// that are more.
fn v4_bitmap(keys: &Keys, mut spans: Vec<(u32, u32)>, words: &mut Vec<(u64, u16)>) -> (Vec<u8>, u32) {
    let mut add = |address: u32, length: u32| words.push((keys.network(mapped(address), length), EXACT));
    spans.retain(|(first, last)| first <= last);
    let wide: Vec<(u32, u32)> = spans
        .iter()
        .filter(|(first, last)| first < last)
        .map(|(first, last)| (first >> 8, last >> 8))
        .collect();
    let wide = apart(wide);
    let touched = apart(spans.iter().map(|(first, last)| (first >> 8, last >> 8)).collect());
    let size =
        |spans: &[(u32, u32)]| spans.iter().map(|(first, last)| u64::from(last - first) + 1).sum::<u64>();
    let count = size(&touched);
    if count == 0 {
        return (Vec::new(), 0);
    }
    // Where so much is listed a sieve says little, and would be large.
    if count > 1 << 22 || size(&wide) > (1 << 18) + 2 * spans.len() as u64 {
        return (vec![0xff; 1 << (WIDE - 3)], WIDE);
    }
    for (first, last) in &spans {
        if first == last {
            add(*first, 128);
        }
    }
    for network in wide.iter().flat_map(|(first, last)| *first..=*last) {
        add(network << 8, 120);
    }
    let bits = (count.ilog2() + 5).clamp(WIDE + 1, 24);
    let mut bitmap = vec![0u8; 1 << (bits - 3)];
    for network in touched.into_iter().flat_map(|(first, last)| first..=last) {
        let bit = v4_bit(network, bits);
        bitmap[bit / 8] |= 1 << (bit % 8);
    }
    (bitmap, bits)
}

/// Until all names are filed: a longer name is listed, and nothing else is known of it.
const LONGER: u16 = BELOW | URL | DEEPER;

/// Files a name under its suffix of so many labels.
fn file(keys: &Keys, name: &[u8], cover: Cover, labels: usize, names: &mut Vec<(u64, u16)>) {
    let start = suffix(name, labels).unwrap_or(0);
    let hash = keys.hash(name, start, name.len());
    let whole = match cover {
        Cover::Below => BELOW,
        Cover::Exact => EXACT,
        Cover::Url => URL,
    };
    match (start, labels) {
        (0, _) => names.push((hash, whole)),
        (_, 2) => {
            names.push((hash, DEEPER));
            file(keys, name, cover, 3, names);
        }
        _ => names.push((hash, LONGER)),
    }
}

/// The hash of a name's suffix of so many labels, if the name has more.
fn longer(keys: &Keys, name: &[u8], labels: usize) -> Option<u64> {
    let start = suffix(name, labels).filter(|start| *start > 0)?;
    Some(keys.hash(name, start, name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::sieve::Sieve;

    /// Somebody who knows the keys of the hash plants names that it gives one home and one tag: another seed is taken,
    /// and every name passes.
    #[test]
    fn planted_collisions_change_the_seed() {
        const FIRST: u64 = 5;
        const PLANTED: usize = SLOTS * REACH + 1;
        let keys = Keys::new(FIRST);
        let table = Table { at: 0, buckets: PLANTED.div_ceil(LOAD) + REACH };
        let hash = |name: &str| keys.hash(name.as_bytes(), 0, name.len());
        let place = |name: &str| (table.home(hash(name)), tag(hash(name)));
        let aim = place("a.example");
        let names: Vec<String> = (0..)
            .map(|i: u32| format!("{i:x}.test"))
            .filter(|name| place(name) == aim)
            .take(PLANTED)
            .collect();
        struct Names(Vec<String>);
        impl Lists for Names {
            fn parts(&self) -> Vec<usize> {
                vec![self.0.len()]
            }

            fn each(&self, _: usize, _: bool, found: &mut dyn FnMut(Listed<'_>)) {
                self.0.iter().for_each(|name| found(Listed::Name(name, Cover::Exact)));
            }
        }
        let listed = Names(names.clone());
        assert!(build_with(1, Wants::default(), FIRST, &listed).is_none());
        let bytes = build(1, Wants::default(), FIRST, &listed);
        let sieve = Sieve::read(&bytes).expect("a sieve");
        for name in &names {
            let hash = sieve.keys.hash(name.as_bytes(), 0, name.len());
            assert_eq!(sieve.name(&bytes, hash) & EXACT, EXACT, "{name}");
        }
        let others = (0..10_000).filter(|i| {
            let name = format!("other{i}.test");
            sieve.name(&bytes, sieve.keys.hash(name.as_bytes(), 0, name.len())) != 0
        });
        let passed = others.count();
        assert!(passed < 500, "{passed} of 10,000 that are not listed pass");
    }
}
