//! From one set to the next: what to take out, what to put in, and the other set's bytes again.
//!
//! A delta names the digests of both sets. What goes is told by its number in the old set, what stays under other
//! contexts by its number and theirs, and what comes is a record as it stands in a set file. Applying merges the two
//! sorted lists and puts the set together as a builder does, so the bytes come out the same; the digest says whether
//! they did. `docs/delta.md` is the format.

use std::collections::HashMap;
use std::iter::Peekable;

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use super::assemble::{Assembly, Contexts as Said, Plan};
use super::contexts::Contexts;
use super::drafts::Draft;
use super::file::{Id, MAJOR, MINOR};
use super::raw::{put_sized, put_varint, take, take_sized, u64_at, varint};
use super::record::{Record, match_code};
use super::{IndicatorSet, SetError, SetInfo, Signature, Stamp, text};
use crate::observable::ip;
use crate::{Kind, Reason, Time};

const MAGIC: &[u8; 8] = b"INDELTA\0";
/// The version of the format.
const VERSION: u16 = 1;
/// SHA-256 of the delta with these bytes zero.
const CHECK: std::ops::Range<usize> = 16..48;
const HEAD: usize = 208;
/// No section holds more bytes of records than its offsets reach.
const ROOM: u64 = u32::MAX as u64;

/// A delta could not be made or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// The bytes are no delta.
    #[error("{}", Reason::NotADelta)]
    NotADelta,
    /// A delta in another format, or for sets in another one.
    #[error("{}", Reason::DeltaVersion)]
    Version,
    /// Damaged, cut short, or it does not lead to the set that it names.
    #[error("{}", Reason::DeltaCorrupt)]
    Corrupt,
    /// It leads from another set.
    #[error("{}", Reason::DeltaBase)]
    Base,
    /// The URLs of the sets follow different profiles.
    #[error("{}", Reason::ProfileMismatch)]
    Profile,
    /// More than a delta can hold, or more than is unpacked for one of its size.
    #[error("{}", Reason::LimitReached)]
    TooLarge,
    /// The new set is not what this build makes of its indicators, so no delta of this build leads to it.
    #[error("{}", Reason::SetVersion)]
    OtherBuild,
    /// One of the sets is damaged.
    #[error("one of the sets: {0}")]
    Set(#[from] SetError),
}

impl DeltaError {
    /// The stable reason.
    pub fn reason(&self) -> Reason {
        match self {
            DeltaError::NotADelta => Reason::NotADelta,
            DeltaError::Version => Reason::DeltaVersion,
            DeltaError::Corrupt => Reason::DeltaCorrupt,
            DeltaError::Base => Reason::DeltaBase,
            DeltaError::Profile => Reason::ProfileMismatch,
            DeltaError::TooLarge => Reason::LimitReached,
            DeltaError::OtherBuild => Reason::SetVersion,
            DeltaError::Set(error) => error.reason(),
        }
    }
}

/// How much a delta holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DeltaCounts {
    /// Indicators that go, or that come back with another value or group.
    pub removed: u64,
    /// Indicators that stay under other contexts.
    pub changed: u64,
    /// Indicators that come.
    pub added: u64,
    /// Distinct contexts that the old set does not have.
    pub contexts: u64,
}

/// What leads from one set to another: see [`IndicatorSet::delta_to`].
#[derive(Clone, Debug)]
pub struct Delta {
    /// The delta, not compressed.
    pub bytes: Vec<u8>,
    /// How much it holds.
    pub counts: DeltaCounts,
}

impl IndicatorSet {
    /// The delta that leads from this set to another one, stamp and all. It was applied once before it is given out.
    ///
    /// ```
    /// use indicia_core::{BuildOptions, Context, Indicator, Kind, Observable, SetBuilder, Target};
    /// let set = |names: &[&str]| {
    ///     let mut builder = SetBuilder::new(BuildOptions::default());
    ///     for name in names {
    ///         let target = Target::new(Observable::parse_as(Kind::Domain, name).unwrap());
    ///         builder.push(Indicator::new(target, Context::default()));
    ///     }
    ///     builder.finish()
    /// };
    /// let (old, new) = (set(&["gone.example", "stays.example"]), set(&["new.example", "stays.example"]));
    /// let delta = old.delta_to(&new).unwrap();
    /// assert_eq!((delta.counts.removed, delta.counts.added), (1, 1));
    /// assert!(old.apply_delta(&delta.bytes).unwrap().as_bytes() == new.as_bytes());
    /// ```
    ///
    /// # Errors
    /// When a set is damaged, when their URLs follow different profiles, when the new one was made by another build and
    /// would come out with other bytes here, or when more changed than 4 GiB.
    pub fn delta_to(&self, new: &IndicatorSet) -> Result<Delta, DeltaError> {
        if self.profile() != new.profile() {
            return Err(DeltaError::Profile);
        }
        new.verify()?;
        let delta = make(self, new)?;
        let made = self.apply_delta(&delta.bytes).map_err(|error| match error {
            DeltaError::Corrupt => DeltaError::OtherBuild,
            error => error,
        })?;
        if made.as_bytes() == new.as_bytes() { Ok(delta) } else { Err(DeltaError::OtherBuild) }
    }

    /// The set to which a delta leads from this one, byte for byte. Nothing of the delta is believed: the result has the
    /// digest that it names, or there is none. It takes as much time and memory as building a set of both together.
    ///
    /// # Errors
    /// When the bytes are no delta of this version, are damaged or lead from another set, and when this set is damaged.
    pub fn apply_delta(&self, delta: &[u8]) -> Result<IndicatorSet, DeltaError> {
        let (head, body) = Head::read(delta)?;
        if head.old != *self.digest() {
            return Err(DeltaError::Base);
        }
        self.verify()?;
        let body = Body::read(body, &self.contexts).ok_or(DeltaError::Corrupt)?;
        if body.given.info.profile != self.profile().name() {
            return Err(DeltaError::Profile);
        }
        let set = Merge::new(self, &body).run(head.stamp).ok_or(DeltaError::Corrupt)?;
        if *set.digest() == head.new { Ok(set) } else { Err(DeltaError::Corrupt) }
    }

    /// Every record with what it is sorted by.
    fn sorted_records(&self) -> impl Iterator<Item = (Order<'_>, Record<'_>)> {
        self.sections.iter().flat_map(|section| {
            let kind = section.records.kind;
            section.records.iter().map(move |record| (Order::of(kind.number(), &record), record))
        })
    }
}

/// What targets are sorted by in a set, and told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Order<'r> {
    section: u8,
    /// Only in the section of single IPv4 addresses.
    address: Option<u32>,
    key: &'r [u8],
    kind: u8,
    match_code: u8,
    source_type: &'r [u8],
}

impl<'r> Order<'r> {
    fn of(section: u8, record: &Record<'r>) -> Order<'r> {
        let v4 = section == Kind::Ipv4.number();
        Order {
            section,
            address: if v4 { ip::ipv4(text(record.key)).ok().map(|a| a.to_bits()) } else { None },
            key: record.key,
            kind: record.kind.number(),
            match_code: match_code(record.match_, record.below_only),
            source_type: record.source_type,
        }
    }
}

/// The first bytes of a delta.
struct Head {
    old: [u8; 32],
    new: [u8; 32],
    stamp: Stamp,
}

impl Head {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(MAGIC);
        for number in [VERSION, 0, MAJOR, MINOR] {
            out.extend(number.to_le_bytes());
        }
        out.extend([0; CHECK.end - CHECK.start]);
        out.extend(self.old);
        out.extend(self.new);
        out.extend(self.stamp.sequence.to_le_bytes());
        out.extend(self.stamp.not_after.map_or(0, Time::unix).to_le_bytes());
        let signature = self.stamp.signature.unwrap_or(Signature { key_id: [0; 8], bytes: [0; 64] });
        out.extend(signature.key_id);
        out.extend(signature.bytes);
        out.extend([u8::from(self.stamp.signature.is_some()), 0, 0, 0, 0, 0, 0, 0]);
    }

    /// The head, and what is behind it.
    fn read(delta: &[u8]) -> Result<(Head, &[u8]), DeltaError> {
        if !delta.starts_with(MAGIC) {
            return Err(DeltaError::NotADelta);
        }
        let (head, body) = delta.split_first_chunk::<HEAD>().ok_or(DeltaError::Corrupt)?;
        let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        if short(8) != VERSION || (short(12), short(14)) != (MAJOR, MINOR) {
            return Err(DeltaError::Version);
        }
        if head[CHECK] != check(delta) {
            return Err(DeltaError::Corrupt);
        }
        let long = |at: usize| u64_at(head, at / 8).unwrap_or_default();
        let not_after = match long(120) as i64 {
            0 => None,
            seconds => Some(Time::from_unix(seconds).ok_or(DeltaError::Corrupt)?),
        };
        let signature = match head[200] {
            0 => None,
            _ => Some(Signature { key_id: array(&head[128..]), bytes: array(&head[136..]) }),
        };
        let stamp = Stamp { sequence: long(112), not_after, signature };
        Ok((Head { old: array(&head[48..]), new: array(&head[80..]), stamp }, body))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn check(delta: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(&delta[..CHECK.start])
        .chain_update([0; 32])
        .chain_update(&delta[CHECK.end..])
        .finalize()
        .into()
}

/// Two sets → what differs.
fn make(old: &IndicatorSet, new: &IndicatorSet) -> Result<Delta, DeltaError> {
    let mut counts = DeltaCounts::default();
    let (numbers, contexts) = joint_numbers(&old.contexts, &new.contexts);
    counts.contexts = contexts.len() as u64;
    let (mut removed, mut changed, mut heads, mut added) =
        (Gaps::default(), Gaps::default(), Vec::new(), Vec::new());
    let mut lists = Vec::new();
    let mut section = None;
    let mut in_section = 0;
    let mut body = Vec::new();
    let mut said: Vec<u32> = Vec::new();
    let mut olds = (0u32..).zip(old.sorted_records()).peekable();
    for (order, record) in new.sorted_records() {
        while let Some((number, _)) = olds.next_if(|(_, (other, _))| *other < order) {
            removed.push(number);
        }
        said.clear();
        // A number that leads nowhere would have failed the digest, or no build wrote it: applying tells.
        said.extend(
            record.contexts.map(|context| numbers.get(context as usize).copied().unwrap_or(u32::MAX)),
        );
        if let Some((number, (_, before))) = olds.next_if(|(_, (other, _))| *other == order) {
            if before.value == record.value && before.group == record.group {
                if !before.contexts.eq(said.iter().copied()) {
                    changed.push(number);
                    put_varint(&mut lists, said.len() as u32);
                    said.iter().for_each(|context| put_varint(&mut lists, *context));
                }
                continue;
            }
            removed.push(number);
        }
        if section != Some(order.section) {
            end_section(section, in_section, &mut heads);
            (section, in_section) = (Some(order.section), 0);
        }
        in_section += 1;
        counts.added += 1;
        let kind = Kind::from_number(order.section).unwrap_or(Kind::Other);
        record.write(kind, &said, &mut body);
        put_sized(&mut added, &body);
    }
    end_section(section, in_section, &mut heads);
    olds.for_each(|(number, _)| removed.push(number));
    (counts.removed, counts.changed) = (removed.count, changed.count);

    let head = Head { old: *old.digest(), new: *new.digest(), stamp: *new.stamp() };
    let mut bytes = Vec::new();
    head.write(&mut bytes);
    let mut texts = Vec::new();
    contexts.iter().for_each(|context| put_sized(&mut texts, context));
    let info = new.header.section(&new.file, Id::Info, None);
    for part in [&info[..], &removed.bytes, &changed.bytes, &lists, &heads, &added, &texts] {
        if part.len() as u64 > ROOM {
            return Err(DeltaError::TooLarge);
        }
        put_sized(&mut bytes, part);
    }
    let check = check(&bytes);
    bytes[CHECK].copy_from_slice(&check);
    Ok(Delta { bytes, counts })
}

fn end_section(section: Option<u8>, count: u32, heads: &mut Vec<u8>) {
    if let Some(section) = section {
        heads.push(section);
        put_varint(heads, count);
    }
}

/// For each context of the new set its number in the old one, or a higher one for those that are not there, which follow
/// in the order of their bytes.
fn joint_numbers<'n>(old: &Contexts, new: &'n Contexts) -> (Vec<u32>, Vec<&'n [u8]>) {
    let known: HashMap<&[u8], u32, RandomState> =
        (0..old.len()).map(|number| (old.json(number), number)).collect();
    let mut fresh: Vec<&[u8]> =
        (0..new.len()).map(|number| new.json(number)).filter(|json| !known.contains_key(json)).collect();
    fresh.sort_unstable();
    fresh.dedup();
    let number = |json: &[u8]| {
        known.get(json).copied().or_else(|| Some(old.len() + fresh.binary_search(&json).ok()? as u32))
    };
    let numbers = (0..new.len()).map(|context| number(new.json(context)).unwrap_or(u32::MAX)).collect();
    (numbers, fresh)
}

/// Ascending numbers, each as how many are between it and the one before.
#[derive(Default)]
struct Gaps {
    bytes: Vec<u8>,
    next: u32,
    count: u64,
}

impl Gaps {
    fn push(&mut self, number: u32) {
        put_varint(&mut self.bytes, number - self.next);
        self.next = number + 1;
        self.count += 1;
    }
}

/// The numbers of [`Gaps`]; `None` where one cannot be read.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = Option<u32>> {
    let (mut at, mut next) = (0, 0u32);
    std::iter::from_fn(move || {
        if at == bytes.len() {
            return None;
        }
        let number = varint(bytes, &mut at).and_then(|gap| next.checked_add(gap));
        match number {
            Some(number) => next = number.saturating_add(1),
            None => at = bytes.len(),
        }
        Some(number)
    })
}

/// What is said of the set that a delta leads to: its contexts, those of the old set first, and its description.
pub(super) struct Given<'g> {
    old: &'g Contexts,
    more: Vec<&'g [u8]>,
    pub(super) info: SetInfo,
    pub(super) info_json: &'g [u8],
}

impl<'g> Given<'g> {
    pub(super) fn len(&self) -> usize {
        self.old.len() as usize + self.more.len()
    }

    #[inline]
    pub(super) fn json(&self, number: u32) -> &'g [u8] {
        match number.checked_sub(self.old.len()) {
            None => self.old.json(number),
            Some(number) => self.more.get(number as usize).copied().unwrap_or_default(),
        }
    }
}

/// What stands behind the head.
struct Body<'d> {
    given: Given<'d>,
    removed: &'d [u8],
    changed: &'d [u8],
    lists: &'d [u8],
    heads: &'d [u8],
    added: &'d [u8],
}

impl<'d> Body<'d> {
    fn read(bytes: &'d [u8], old: &'d Contexts) -> Option<Body<'d>> {
        let mut at = 0;
        let mut parts = [&[][..]; 7];
        for part in &mut parts {
            *part = take_sized(bytes, &mut at)?;
        }
        if at < bytes.len() {
            return None;
        }
        let [info_json, removed, changed, lists, heads, added, texts] = parts;
        let (mut more, mut at) = (Vec::new(), 0);
        while at < texts.len() {
            more.push(take_sized(texts, &mut at)?);
        }
        let count = u32::try_from(more.len()).ok()?;
        old.len().checked_add(count).filter(|count| *count < u32::MAX)?;
        let given = Given { old, more, info: serde_json::from_slice(info_json).ok()?, info_json };
        Some(Body { given, removed, changed, lists, heads, added })
    }

    /// The records that come; `None` for one that cannot be read, and for the first of those that are missing.
    fn added(&self) -> impl Iterator<Item = Option<(Order<'d>, Record<'d>)>> + use<'d> {
        let (heads, added) = (self.heads, self.added);
        let (mut section, mut left) = (Kind::Other, 0);
        let (mut head, mut at, mut ended) = (0, 0, false);
        std::iter::from_fn(move || {
            if ended || left == 0 && head == heads.len() {
                let rest = !ended && at < added.len();
                ended = true;
                return rest.then_some(None);
            }
            let mut next = || {
                if left == 0 {
                    section = Kind::from_number(take(heads, &mut head, 1)?[0])?;
                    left = varint(heads, &mut head)?;
                }
                left = left.checked_sub(1)?;
                let record = Record::read_all(take_sized(added, &mut at)?, section)?;
                Some((Order::of(section.number(), &record), record))
            };
            let record = next();
            ended = record.is_none();
            Some(record)
        })
    }
}

/// An old set and what a delta says, on the way to the new one.
struct Merge<'m> {
    old: &'m IndicatorSet,
    body: &'m Body<'m>,
    assembly: Assembly<'m>,
    previous: Option<Order<'m>>,
    /// An upper bound of the bytes of the section so far.
    bytes: u64,
    said: Vec<u32>,
}

impl<'m> Merge<'m> {
    fn new(old: &'m IndicatorSet, body: &'m Body<'m>) -> Merge<'m> {
        let contexts = Said::Given(&body.given);
        let plan = Plan { contexts, profile: old.profile(), everything: false, threads: 1 };
        let assembly = Assembly::new(plan);
        Merge { old, body, assembly, previous: None, bytes: 0, said: Vec::new() }
    }

    /// `None` where the delta says what cannot be.
    fn run(mut self, stamp: Stamp) -> Option<IndicatorSet> {
        let Merge { old, body, .. } = self;
        let mut removed = numbers(body.removed).peekable();
        let mut changed = numbers(body.changed).peekable();
        let mut added = body.added().peekable();
        let mut lists_at = 0;
        for (number, (order, record)) in (0u32..).zip(old.sorted_records()) {
            while let Some(come) = added.next_if(|come| come.is_none_or(|(other, _)| other < order)) {
                let (order, record) = come?;
                self.push(order, &record, record.contexts)?;
            }
            if is_next(&mut removed, number) {
                continue;
            }
            if is_next(&mut changed, number) {
                let count = varint(body.lists, &mut lists_at)?;
                let from = lists_at;
                for _ in 0..count {
                    varint(body.lists, &mut lists_at)?;
                }
                let mut at = from;
                let list = std::iter::from_fn(|| varint(body.lists, &mut at)).take(count as usize);
                self.push(order, &record, list)?;
            } else {
                self.push(order, &record, record.contexts)?;
            }
        }
        for come in added {
            let (order, record) = come?;
            self.push(order, &record, record.contexts)?;
        }
        let rest = removed.next().is_some() || changed.next().is_some() || lists_at < body.lists.len();
        (!rest).then(|| self.assembly.finish(stamp))
    }

    fn push(
        &mut self,
        order: Order<'m>,
        record: &Record<'m>,
        contexts: impl Iterator<Item = u32>,
    ) -> Option<()> {
        let Order { section, address, key, kind, match_code, source_type } = order;
        // Indexes need what a builder would give: sorted, none twice, addresses that are some.
        if self.previous.is_some_and(|previous| previous >= order)
            || address.is_some() != (section == Kind::Ipv4.number())
        {
            return None;
        }
        if self.previous.replace(order).is_none_or(|previous| previous.section != section) {
            self.bytes = 0;
        }
        let count = self.body.given.len() as u32;
        self.said.clear();
        for context in contexts {
            self.said.push(Some(context).filter(|context| *context < count)?);
        }
        let texts = key.len() + record.value.len() + record.group.len() + source_type.len();
        self.bytes += (texts + 5 * self.said.len() + 32) as u64;
        if self.bytes > ROOM {
            return None;
        }
        let Record { value, group, .. } = *record;
        let draft =
            Draft { section, address, kind, match_code, key, source_type, value, group, contexts: &[] };
        self.assembly.push(&draft, &mut self.said);
        Some(())
    }
}

/// Whether the next of ascending numbers is this one; then it is taken.
fn is_next(numbers: &mut Peekable<impl Iterator<Item = Option<u32>>>, number: u32) -> bool {
    numbers.next_if(|next| *next == Some(number)).is_some()
}
