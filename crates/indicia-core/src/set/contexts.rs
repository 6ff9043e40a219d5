//! Contexts: stored once each as their JSON, read when they are asked for.
//!
//! ```text
//! offsets (u64 each, relative to the JSON; one more than contexts), JSON
//! ```
//! What was read is kept: the first in a row, for most sets have few contexts and each lookup reads one; the others in a
//! tree that grows where it is asked, so that an opened set of ten million contexts holds none of them in memory. A
//! second reader of one context waits for the first; whoever comes later does not wait.

use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;

use super::raw::u64_at;
use crate::Context;

const BITS: u32 = 6;
/// How many contexts stand in the row.
const ROW: u32 = 4096;

/// A context of which nothing is known, for what a damaged file does not hold.
static NOTHING: LazyLock<Context> = LazyLock::new(Context::default);

pub(super) struct Contexts {
    count: u32,
    offsets: Bytes,
    json: Bytes,
    row: Box<[Place]>,
    root: Node,
    depth: u32,
}

/// Where a context will stand.
type Place = OnceLock<Box<Context>>;

enum Node {
    Inner(Box<[OnceLock<Node>]>),
    Leaf(Box<[Place]>),
}

impl Node {
    fn new(depth: u32) -> Node {
        let places = 1 << BITS;
        match depth {
            0 => Node::Leaf((0..places).map(|_| OnceLock::new()).collect()),
            _ => Node::Inner((0..places).map(|_| OnceLock::new()).collect()),
        }
    }
}

impl Contexts {
    /// `None` where the section is too short for its offsets.
    pub(super) fn open(count: u32, section: &Bytes) -> Option<Contexts> {
        let offsets = if count == 0 { 0 } else { (count as usize).checked_add(1)?.checked_mul(8)? };
        let depth = u32::BITS.saturating_sub(count.saturating_sub(1).leading_zeros()).div_ceil(BITS);
        let depth = depth.saturating_sub(1);
        (offsets <= section.len()).then(|| Contexts {
            count,
            offsets: section.slice(..offsets),
            json: section.slice(offsets..),
            row: (0..count.min(ROW)).map(|_| OnceLock::new()).collect(),
            root: Node::new(depth),
            depth,
        })
    }

    pub(super) fn len(&self) -> u32 {
        self.count
    }

    /// The JSON of a context; empty where there is none.
    pub(super) fn json(&self, number: u32) -> &[u8] {
        let place = || {
            let from = u64_at(&self.offsets, number as usize)?;
            let to = u64_at(&self.offsets, number as usize + 1)?;
            self.json.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
        };
        place().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn get(&self, number: u32) -> &Context {
        if let Some(place) = self.row.get(number as usize) {
            return self.at(place, number);
        }
        if number >= self.count {
            return &NOTHING;
        }
        let mut node = &self.root;
        let mut depth = self.depth;
        loop {
            let place = (number >> (depth * BITS)) as usize % (1 << BITS);
            match node {
                Node::Leaf(contexts) => return self.at(&contexts[place], number),
                Node::Inner(nodes) => {
                    depth -= 1;
                    node = nodes[place].get_or_init(|| Node::new(depth));
                }
            }
        }
    }

    #[inline]
    fn at<'c>(&self, place: &'c Place, number: u32) -> &'c Context {
        place.get_or_init(|| Box::new(serde_json::from_slice(self.json(number)).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_context_is_read_once_and_its_own() {
        for count in [0u32, 1, 64, 65, 5000] {
            let mut json = Vec::new();
            let mut offsets = vec![0u64];
            for i in 0..count {
                json.extend(format!(r#"{{"asn":{i}}}"#).into_bytes());
                offsets.push(json.len() as u64);
            }
            if count == 0 {
                offsets.clear();
            }
            let section: Vec<u8> = offsets.iter().flat_map(|o| o.to_le_bytes()).chain(json).collect();
            let contexts = Contexts::open(count, &section.into()).unwrap();
            for i in (0..count).rev() {
                assert_eq!(contexts.get(i).asn, Some(i));
                assert!(std::ptr::eq(contexts.get(i), contexts.get(i)));
            }
            assert_eq!(*contexts.get(count), Context::default());
            assert_eq!(*contexts.get(u32::MAX), Context::default());
        }
    }

    #[test]
    fn damaged_offsets_give_nothing() {
        let section: Vec<u8> = [9u64, 3, u64::MAX].iter().flat_map(|o| o.to_le_bytes()).collect();
        let contexts = Contexts::open(2, &section.into()).unwrap();
        assert_eq!(*contexts.get(0), Context::default());
        assert_eq!(*contexts.get(1), Context::default());
        assert!(Contexts::open(2, &Bytes::from_static(&[0; 23])).is_none());
    }
}
