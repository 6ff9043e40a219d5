//! Indicators on their way into a set: one line of bytes each, sorted at the end.
//!
//! A draft is kept as bytes in a few large pieces of memory, and a sort moves only what says where it is and how its
//! key begins: millions of them are as large as what they hold, and most comparisons touch nothing else.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::record::match_of_code;
use super::{masks, text};
use crate::scan::prefetch;
use crate::{Kind, Mask};

use super::raw::{put_sized, put_varint, take_sized, varint, varint_length};

/// How many drafts are on their way from memory while one is read.
const AHEAD: usize = 16;
/// More drafts than this that begin alike are sorted by what follows.
const MANY: usize = 8;
/// Bytes of a piece of memory, where nothing else is said.
const PIECE: usize = 1 << 18;
/// No piece.
const NONE: u32 = u32::MAX;

/// Everything that was pushed.
pub(super) struct Drafts {
    pieces: Vec<Vec<u8>>,
    /// Bytes of a new piece, unless one draft takes more.
    piece: usize,
    /// By the number of the section.
    sections: BTreeMap<u8, Places>,
    /// The piece that is written to, by the first two bytes of what drafts are sorted by; none of a batch, which is read in the
    /// order in which it was written.
    open: Vec<u32>,
    count: usize,
    /// Bytes that were written into the pieces.
    bytes: usize,
}

/// The drafts of one section.
pub(super) type Places = Vec<Place>;

#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The section's number, then the beginning of what it is sorted by.
    prefix: u64,
    piece: u32,
    at: u32,
}

/// One target with its contexts, as it was pushed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'d> {
    /// The number of the kind whose section it stands in.
    pub(super) section: u8,
    /// A single IPv4 address, by which its section is sorted.
    pub(super) address: Option<u32>,
    pub(super) kind: u8,
    pub(super) match_code: u8,
    pub(super) key: &'d [u8],
    pub(super) source_type: &'d [u8],
    pub(super) value: &'d [u8],
    pub(super) group: &'d [u8],
    /// Numbers of contexts, each as a varint.
    pub(super) contexts: &'d [u8],
}

/// What drafts are sorted by.
type Order<'d> = (u64, (u8, &'d [u8], u8, u8, &'d [u8]));

impl<'d> Draft<'d> {
    /// Values of one key can differ (two spellings of an e-mail address): the smallest stands, whatever came first.
    pub(super) fn merge(&mut self, other: &Draft<'d>) {
        self.value = self.value.min(other.value);
        self.group = self.group.max(other.group);
    }

    fn prefix(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes[0] = self.section;
        match self.address {
            Some(address) => bytes[1..5].copy_from_slice(&address.to_be_bytes()),
            None => {
                let length = self.key.len().min(7);
                bytes[1..=length].copy_from_slice(&self.key[..length]);
            }
        }
        u64::from_be_bytes(bytes)
    }

    /// The eight bytes of the key behind those of the prefix.
    fn behind_prefix(&self) -> u64 {
        let mut bytes = [0; 8];
        if let Some(rest) = self.key.get(7..) {
            let length = rest.len().min(8);
            bytes[..length].copy_from_slice(&rest[..length]);
        }
        u64::from_be_bytes(bytes)
    }

    /// An upper bound of the bytes that its record takes with so many contexts.
    pub(super) fn bound(&self, contexts: usize) -> u64 {
        let texts = self.value.len() + self.key.len() + self.source_type.len() + self.group.len();
        (texts + 5 * contexts + 32) as u64
    }

    /// The mask that it is, if it is one.
    pub(super) fn mask(&self) -> Option<Mask> {
        let (match_, _) = match_of_code(self.match_code)?;
        masks::mask_of(Kind::from_number(self.kind)?, match_, text(self.value))
    }

    /// What it is sorted by.
    pub(super) fn order(&self) -> Order<'d> {
        (self.prefix(), self.identity())
    }

    /// Whether both are one target.
    pub(super) fn is_same(&self, other: &Draft<'_>) -> bool {
        self.identity() == other.identity()
    }

    fn identity(&self) -> (u8, &'d [u8], u8, u8, &'d [u8]) {
        (self.section, self.key, self.kind, self.match_code, self.source_type)
    }

    pub(super) fn contexts(&self) -> impl Iterator<Item = u32> + use<'d> {
        let (bytes, mut at) = (self.contexts, 0);
        std::iter::from_fn(move || varint(bytes, &mut at))
    }
}

impl Default for Drafts {
    fn default() -> Drafts {
        // Drafts are read in the order of their keys, each from another place: the less memory those of about one key are spread
        // over, the sooner they are found in a cache.
        Drafts { open: vec![NONE; 1 << 16], ..Drafts::in_pieces(PIECE) }
    }
}

impl Drafts {
    /// None, to be kept in pieces of so many bytes one behind the other.
    pub(super) fn in_pieces(piece: usize) -> Drafts {
        Drafts { pieces: Vec::new(), piece, open: Vec::new(), sections: BTreeMap::new(), count: 0, bytes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn push(&mut self, draft: &Draft<'_>, contexts: &[u32]) {
        let most = draft.bound(contexts.len()) as usize;
        let prefix = draft.prefix();
        let last = (self.pieces.len() as u32).wrapping_sub(1);
        let open = self.open.get((prefix >> 48) as usize).map_or(last, |open| *open);
        let fits = |piece: &Vec<u8>| piece.capacity() - piece.len() >= most;
        let piece =
            if self.pieces.get(open as usize).is_some_and(fits) { open } else { last.wrapping_add(1) };
        if piece != open {
            // Small while there is little: there are as many open pieces as beginnings of keys.
            let room =
                if self.open.is_empty() { self.piece } else { (self.bytes / 64).clamp(1 << 12, self.piece) };
            self.pieces.push(Vec::with_capacity(most.max(room)));
            if let Some(open) = self.open.get_mut((prefix >> 48) as usize) {
                *open = piece;
            }
        }
        let Some(out) = self.pieces.get_mut(piece as usize) else { return };
        let start = out.len();
        let place = Place { prefix, piece, at: start as u32 };
        self.sections.entry(draft.section).or_default().push(place);
        self.count += 1;
        let own_value = draft.value != draft.key;
        out.extend([draft.kind, draft.match_code | u8::from(own_value) << 7]);
        put_sized(out, draft.key);
        put_sized(out, draft.source_type);
        if own_value {
            put_sized(out, draft.value);
        }
        put_sized(out, draft.group);
        put_varint(out, contexts.iter().map(|context| varint_length(*context)).sum());
        contexts.iter().for_each(|context| put_varint(out, *context));
        self.bytes += out.len() - start;
    }

    /// Bytes of memory that it takes, about.
    pub(super) fn held(&self) -> usize {
        self.bytes + self.count * size_of::<Place>()
    }

    /// The drafts of each section by its number, in the order of the sections: to be sorted and read one by one.
    pub(super) fn take_sections(&mut self) -> Vec<(u8, Places)> {
        std::mem::take(&mut self.sections).into_iter().collect()
    }

    /// Sorts all sections.
    pub(super) fn sort(&mut self) {
        let mut sections = std::mem::take(&mut self.sections);
        sections.values_mut().for_each(|places| self.sort_section(places));
        self.sections = sections;
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = &Places> {
        self.sections.values()
    }

    /// Sorts those of a section by key, kind, match and source type.
    pub(super) fn sort_section(&self, places: &mut [Place]) {
        places.sort_unstable_by_key(|place| place.prefix);
        // Few begin alike, and only these are read.
        for alike in places.chunk_by_mut(|a, b| a.prefix == b.prefix).filter(|alike| alike.len() > 1) {
            if alike.len() < MANY {
                self.sort_by_reading(alike);
                continue;
            }
            let keys = self.iter(alike).map(|draft| draft.behind_prefix());
            let mut keyed: Vec<(u64, Place)> = keys.zip(alike.iter().copied()).collect();
            keyed.sort_unstable_by_key(|(key, _)| *key);
            for (place, (_, sorted)) in alike.iter_mut().zip(&keyed) {
                *place = *sorted;
            }
            let mut from = 0;
            for same in keyed.chunk_by(|a, b| a.0 == b.0) {
                if same.len() > 1 {
                    self.sort_by_reading(&mut alike[from..from + same.len()]);
                }
                from += same.len();
            }
        }
    }

    fn sort_by_reading(&self, places: &mut [Place]) {
        places.iter().take(MANY).for_each(|place| self.ask_for(place));
        places.sort_unstable_by(|a, b| match (self.read(a), self.read(b)) {
            (Some(a), Some(b)) => a.identity().cmp(&b.identity()),
            _ => Ordering::Equal,
        });
    }

    /// The drafts at these places.
    pub(super) fn iter<'d>(&'d self, places: &'d [Place]) -> impl Iterator<Item = Draft<'d>> {
        // They lie in the order in which they came: each is asked for some time before it is read.
        let ahead = places.iter().skip(AHEAD).map(Some).chain(std::iter::repeat(None));
        places.iter().zip(ahead).filter_map(|(place, ahead)| {
            if let Some(ahead) = ahead {
                self.ask_for(ahead);
            }
            self.read(place)
        })
    }

    /// Asks for the memory of a draft.
    #[inline]
    fn ask_for(&self, place: &Place) {
        if let Some(piece) = self.pieces.get(place.piece as usize) {
            prefetch(piece, place.at as usize);
            prefetch(piece, place.at as usize + 64);
        }
    }

    /// What was written is read again: `None` does not happen.
    #[inline]
    fn read<'d>(&'d self, place: &Place) -> Option<Draft<'d>> {
        let bytes = self.pieces.get(place.piece as usize)?.as_slice();
        let mut at = place.at as usize;
        let head = super::raw::take(bytes, &mut at, 2)?;
        let key = take_sized(bytes, &mut at)?;
        let source_type = take_sized(bytes, &mut at)?;
        let value = if head[1] & 0x80 == 0 { key } else { take_sized(bytes, &mut at)? };
        let group = take_sized(bytes, &mut at)?;
        let contexts = take_sized(bytes, &mut at)?;
        let section = (place.prefix >> 56) as u8;
        let address = (section == 1).then_some((place.prefix >> 24) as u32);
        Some(Draft {
            section,
            address,
            kind: head[0],
            match_code: head[1] & 0x7f,
            key,
            source_type,
            value,
            group,
            contexts,
        })
    }

    /// Hands out each target of a sorted section once, with the numbers of all contexts that were pushed with it.
    pub(super) fn each_target(&self, places: &[Place], found: &mut dyn FnMut(&Draft<'_>, &mut Vec<u32>)) {
        let mut current: Option<Draft<'_>> = None;
        let mut said = Vec::new();
        for draft in self.iter(places) {
            match &mut current {
                Some(current) if current.is_same(&draft) => current.merge(&draft),
                _ => {
                    if let Some(done) = current.replace(draft) {
                        found(&done, &mut said);
                    }
                    said.clear();
                }
            }
            said.extend(draft.contexts());
        }
        if let Some(done) = current {
            found(&done, &mut said);
        }
    }
}
