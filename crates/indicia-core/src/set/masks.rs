//! Masks by what a value must hold to match them, so that few are tried.
//!
//! Each mask is filed once, under what the fewest others need too: the host of its URLs, or a token of its text, a
//! run of letters and digits that ends on both sides where no wildcard can make it longer (adblock-rust's idea). A
//! value is cut into its tokens, and each is looked up, as are its host and the names above it. Masks without a
//! token of their own (`*evil*`), or whose tokens too many share, are found by a piece of their longest literal, all
//! at once (Aho-Corasick). What has no literal of three bytes is tried on every value; [`is_always_tried`] says which
//! these are, and a builder counts them.
//!
//! Filing decides nothing: every mask that is found is matched in full, so that a hash that stands for two tokens
//! costs time only.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};

use aho_corasick::AhoCorasick;
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::parents;
use crate::mask::pattern::{Pattern, Token};
use crate::mask::{Form, Mask, Url};
use crate::observable::text::folded;
use crate::{Kind, Match};

/// Masks that share all their tokens with more others than this are found by their literals.
const CROWD: u32 = 64;
/// The shortest literal that masks are found by, and the most bytes of one that are used.
const LITERAL: (usize, usize) = (3, 32);

/// Every mask of a set.
#[derive(Default)]
pub(crate) struct Masks {
    urls: MaskIndex,
    names: MaskIndex,
    others: BTreeMap<Kind, MaskIndex>,
}

/// The masks of one kind.
#[derive(Default)]
struct MaskIndex {
    /// The number of the entry, and the mask as it is compared.
    masks: Vec<(u32, Mask)>,
    /// From the hash of a token or host to a range of `filed`.
    buckets: HashTable<Bucket>,
    /// A bit for each hash in `buckets`, by its upper bits: most tokens of most values are none.
    present: Vec<u64>,
    /// Whether masks are filed under hosts.
    by_host: bool,
    filed: Vec<u32>,
    literals: Option<AhoCorasick>,
    /// For each literal its range of `floating`.
    floating_of: Vec<(u32, u32)>,
    floating: Vec<u32>,
    always: Vec<u32>,
}

struct Bucket {
    hash: u64,
    from: u32,
    to: u32,
}

/// Memory for finding masks.
#[derive(Debug, Default)]
pub(crate) struct MaskScratch {
    pub(crate) url: Url,
    /// Numbers of masks to be tried.
    tried: Vec<u32>,
    found: Vec<u64>,
    lower: String,
}

impl Masks {
    pub(super) fn new(entries: impl Iterator<Item = (u32, Mask)>) -> Masks {
        let mut by_kind: BTreeMap<Kind, Vec<(u32, Mask)>> = BTreeMap::new();
        for (entry, mask) in entries {
            by_kind.entry(mask.kind()).or_default().push((entry, mask.folded()));
        }
        let mut masks = Masks::default();
        for (kind, list) in by_kind {
            let index = MaskIndex::new(list);
            match kind {
                Kind::Url => masks.urls = index,
                Kind::Domain => masks.names = index,
                kind => {
                    masks.others.insert(kind, index);
                }
            }
        }
        masks
    }

    pub(crate) fn has_urls(&self) -> bool {
        !self.urls.masks.is_empty()
    }

    pub(crate) fn has_names(&self) -> bool {
        !self.names.masks.is_empty()
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.others.contains_key(&kind)
    }

    /// The masks that match the URL in the scratch.
    pub(crate) fn of_url(&self, scratch: &mut MaskScratch, mut found: impl FnMut(u32)) {
        let MaskScratch { url, tried, found: places, .. } = scratch;
        self.urls.candidates(url.lower(), Some(url.host()), tried, places);
        for mask in tried.drain(..) {
            let (entry, mask) = &self.urls.masks[mask as usize];
            if mask.matches_url(url) {
                found(*entry);
            }
        }
    }

    /// The masks of names that match a name or an address.
    pub(crate) fn of_name(&self, name: &str, scratch: &mut MaskScratch, found: impl FnMut(u32)) {
        self.names.of_text(name, scratch, found);
    }

    /// The masks of another kind that match a key.
    pub(crate) fn of_key(&self, kind: Kind, key: &str, scratch: &mut MaskScratch, found: impl FnMut(u32)) {
        if let Some(index) = self.others.get(&kind) {
            index.of_text(key, scratch, found);
        }
    }
}

/// Whether a mask has no literal that it could be found by.
pub(super) fn is_always_tried(mask: &Mask) -> bool {
    let needs = Needs::of(&mask.folded());
    needs.features.is_empty() && needs.literal.is_none()
}

/// What a value must hold to match a mask.
struct Needs {
    features: Vec<u64>,
    host: Option<u64>,
    literal: Option<String>,
}

impl Needs {
    fn of(mask: &Mask) -> Needs {
        let mut needs = Needs { features: Vec::new(), host: None, literal: None };
        match mask.form() {
            Form::Parts { host, tail, .. } => {
                match host.pattern.as_literal() {
                    Some(name) => {
                        let hash = host_hash(name);
                        needs.host = Some(hash);
                        needs.features.push(hash);
                    }
                    None => needs.add(&host.pattern),
                }
                needs.add(tail);
            }
            Form::Whole { pattern, .. } | Form::Text(pattern) => needs.add(pattern),
            Form::Host(host) => needs.add(&host.pattern),
        }
        needs
    }

    fn add(&mut self, pattern: &Pattern) {
        let tokens = pattern.tokens();
        for (i, token) in tokens.iter().enumerate() {
            let Token::Literal(text) = token else { continue };
            let text = folded(text);
            // The end of the pattern is that of the value, or of a part that something else begins behind.
            let is_fixed = |beside: Option<&Token>| {
                beside.is_none_or(|token| matches!(token, Token::Border | Token::Under | Token::Label))
            };
            let fixed_start = is_fixed(i.checked_sub(1).and_then(|i| tokens.get(i)));
            let fixed_end = is_fixed(tokens.get(i + 1));
            for (from, to) in runs(text.as_bytes()) {
                if (from > 0 || fixed_start) && (to < text.len() || fixed_end) && to - from > 1 {
                    self.features.push(token_hash(&text.as_bytes()[from..to]));
                }
            }
            let longest = self.literal.as_ref().map_or(LITERAL.0 - 1, String::len);
            if text.is_ascii() && text.len().min(LITERAL.1) > longest {
                self.literal = Some(text[text.len().saturating_sub(LITERAL.1)..].to_string());
            }
        }
    }
}

/// The maximal runs of letters and digits.
fn runs(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() && !text[at].is_ascii_alphanumeric() {
            at += 1;
        }
        let from = at;
        while at < text.len() && text[at].is_ascii_alphanumeric() {
            at += 1;
        }
        (at > from).then_some((from, at))
    })
}

fn token_hash(token: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(1).build_hasher();
    hasher.write(token);
    hasher.finish()
}

fn host_hash(host: &str) -> u64 {
    let mut hasher = FixedState::with_seed(2).build_hasher();
    hasher.write(host.as_bytes());
    hasher.finish()
}

const PRESENT_BITS: u32 = 20;

impl MaskIndex {
    fn new(masks: Vec<(u32, Mask)>) -> MaskIndex {
        let needs: Vec<Needs> = masks.iter().map(|(_, mask)| Needs::of(mask)).collect();
        let mut crowds: HashMap<u64, u32, foldhash::fast::RandomState> = HashMap::default();
        for feature in needs.iter().flat_map(|needs| &needs.features) {
            *crowds.entry(*feature).or_default() += 1;
        }
        let mut index =
            MaskIndex { masks, present: vec![0; (1 << PRESENT_BITS) / 64], ..MaskIndex::default() };
        let mut by_hash: Vec<(u64, u32)> = Vec::new();
        let mut by_literal: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (number, needs) in needs.into_iter().enumerate() {
            let number = number as u32;
            let rarest = needs.features.iter().map(|feature| (crowds[feature], *feature)).min();
            match (rarest, needs.literal) {
                (Some((crowd, feature)), literal) if crowd <= CROWD || literal.is_none() => {
                    by_hash.push((feature, number));
                    index.by_host |= needs.host == Some(feature);
                }
                (_, Some(literal)) => by_literal.entry(literal).or_default().push(number),
                (_, None) => index.always.push(number),
            }
        }
        by_hash.sort_unstable();
        for group in by_hash.chunk_by(|a, b| a.0 == b.0) {
            let from = index.filed.len() as u32;
            index.filed.extend(group.iter().map(|(_, number)| number));
            let bucket = Bucket { hash: group[0].0, from, to: index.filed.len() as u32 };
            let bit = bucket.hash >> (64 - PRESENT_BITS);
            index.present[bit as usize / 64] |= 1 << (bit % 64);
            index.buckets.insert_unique(bucket.hash, bucket, |bucket| bucket.hash);
        }
        for numbers in by_literal.values() {
            let from = index.floating.len() as u32;
            index.floating.extend(numbers);
            index.floating_of.push((from, index.floating.len() as u32));
        }
        if !by_literal.is_empty() {
            match AhoCorasick::new(by_literal.keys()) {
                Ok(automaton) => index.literals = Some(automaton),
                // More literals than an automaton has states for: slow, not wrong.
                Err(_) => index.always.append(&mut index.floating),
            }
        }
        index
    }

    /// The numbers of the masks that a value may match: its text in lower case, and its host.
    fn candidates(&self, lower: &str, host: Option<&str>, tried: &mut Vec<u32>, places: &mut Vec<u64>) {
        tried.clear();
        if !self.buckets.is_empty() {
            places.clear();
            let mut probe = |hash: u64| {
                let bit = hash >> (64 - PRESENT_BITS);
                if self.present[bit as usize / 64] >> (bit % 64) & 1 == 1
                    && let Some(bucket) = self.buckets.find(hash, |bucket| bucket.hash == hash)
                {
                    places.push(u64::from(bucket.from) << 32 | u64::from(bucket.to));
                }
            };
            for (from, to) in runs(lower.as_bytes()) {
                if to - from > 1 {
                    probe(token_hash(&lower.as_bytes()[from..to]));
                }
            }
            if let Some(host) = host.filter(|_| self.by_host) {
                probe(host_hash(host));
                parents(host).for_each(|name| probe(host_hash(name)));
            }
            // A token can come again.
            places.sort_unstable();
            places.dedup();
            for place in places.iter() {
                tried.extend_from_slice(&self.filed[(place >> 32) as usize..*place as u32 as usize]);
            }
        }
        if let Some(automaton) = &self.literals {
            places.clear();
            places.extend(automaton.find_overlapping_iter(lower).map(|found| found.pattern().as_u64()));
            places.sort_unstable();
            places.dedup();
            for literal in places.iter() {
                let (from, to) = self.floating_of[*literal as usize];
                tried.extend_from_slice(&self.floating[from as usize..to as usize]);
            }
        }
        tried.extend_from_slice(&self.always);
    }

    fn of_text(&self, key: &str, scratch: &mut MaskScratch, mut found: impl FnMut(u32)) {
        if self.masks.is_empty() {
            return;
        }
        let MaskScratch { tried, found: places, lower, .. } = scratch;
        lower.clear();
        if key.is_ascii() {
            lower.push_str(key);
            lower.make_ascii_lowercase();
        } else {
            lower.push_str(&folded(key));
        }
        self.candidates(lower, None, tried, places);
        for mask in tried.drain(..) {
            let (entry, mask) = &self.masks[mask as usize];
            if mask.matches_text(key) {
                found(*entry);
            }
        }
    }
}

/// Whether a target is found by its mask.
pub(super) fn mask_of(kind: Kind, match_: Match, value: &str) -> Option<Mask> {
    (match_ == Match::Mask && kind != Kind::Other).then(|| Mask::parse(kind, value).ok()).flatten()
}
