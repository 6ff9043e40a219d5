//! The set file, version 3: its first page, its sections, what covers which byte. `docs/set-file.md` has all of it.
//!
//! Opening reads the first page and believes nothing of the rest: every later read is checked where it happens. The
//! digests are for those who want to know whether a byte was changed ([`IndicatorSet::verify`]).

use std::io::{self, Write};
use std::ops::Range;

use bytes::Bytes;
use rapidhash::v3::rapidhash_v3;
use sha2::{Digest, Sha256};

use super::raw::{Aligned, u32_at, u64_at};
use super::{IndicatorSet, parallel};
use crate::{Kind, Profile, Reason, Time};

const MAGIC: &[u8; 8] = b"INDICIA\0";
pub(super) const MAJOR: u16 = 3;
pub(super) const MINOR: u16 = 0;

/// Sections begin at multiples of this; the first page is the header.
pub(super) const PAGE: usize = 4096;

const CHECK: Range<usize> = 16..48;
const DIGEST: Range<usize> = 48..80;
const SEQUENCE: usize = 80;
const NOT_AFTER: usize = 88;
const KEY_ID: Range<usize> = 96..104;
const SIGNATURE: Range<usize> = 104..168;
const SIGNED: usize = 168;
const QUICK: Range<usize> = 176..184;
/// From here to the end of the file every byte counts for the content digest.
const CONTENT: usize = 192;
const LENGTH: usize = 192;
const KINDS: usize = 200;
const HASH_KEY: Range<usize> = 208..224;
const SEED: usize = 224;
const INDICATORS: usize = 228;
const CONTEXTS: usize = 232;
const SECTIONS: usize = 236;
const PROFILE: Range<usize> = 240..272;
const SUFFIXES: Range<usize> = 272..512;
const TABLE: usize = 512;
/// Bytes of a row of the section table.
const ROW: usize = 24;
const MAX_SECTIONS: usize = (PAGE - TABLE) / ROW;

/// A set file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// The bytes are not a set.
    #[error("{}", Reason::NotASet)]
    NotASet,
    /// Another major version.
    #[error("the set has format {found}, this build reads {MAJOR}: compile again")]
    Version {
        /// The major version of the file.
        found: u16,
    },
    /// A profile that this build does not have.
    #[error("{}", Reason::SetProfile)]
    Profile,
    /// Damaged or cut short.
    #[error("{} (at byte {at})", Reason::SetCorrupt)]
    Corrupt {
        /// Where the damage was noticed.
        at: usize,
    },
}

impl SetError {
    /// The stable reason.
    pub fn reason(&self) -> Reason {
        match self {
            SetError::NotASet => Reason::NotASet,
            SetError::Version { .. } => Reason::SetVersion,
            SetError::Profile => Reason::SetProfile,
            SetError::Corrupt { .. } => Reason::SetCorrupt,
        }
    }
}

/// What the publisher of a set says beside its content: the digest does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Which of the publisher's sets is the newer one; 0 where nothing is said.
    pub sequence: u64,
    /// Until when the set should be used.
    pub not_after: Option<Time>,
    /// Over [`IndicatorSet::signed_message`].
    pub signature: Option<Signature>,
}

/// An Ed25519 signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Which key made it.
    pub key_id: [u8; 8],
    /// R and S.
    pub bytes: [u8; 64],
}

/// What a section holds. The numbers are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Id {
    /// The records of a kind.
    Records = 1,
    /// From the keys of a kind to records.
    Index = 2,
    /// IPv4 addresses, sorted.
    Addresses = 3,
    /// Where in them each upper half begins.
    AddressTable = 4,
    /// Boundaries of the blocks of a family (the kind is that of its addresses).
    Bounds = 5,
    /// Where in those of IPv4 each upper half begins.
    BoundTable = 6,
    /// The blocks of a family.
    Blocks = 7,
    /// Which indicators own them.
    BlockEntries = 8,
    /// Runs of one host among the records of a kind.
    Hosts = 9,
    /// From hosts to runs.
    HostIndex = 10,
    /// Lengths of listed URL prefixes.
    PrefixLengths = 11,
    /// Indicators that are masks.
    Masks = 12,
    /// The contexts.
    Contexts = 13,
    /// `SetInfo` as JSON.
    Info = 14,
    /// What the scanner looks at first.
    Sieve = 15,
}

/// A row of the section table.
#[derive(Clone, Debug)]
pub(super) struct Place {
    id: u16,
    kind: u16,
    /// How many records; zero for other sections.
    pub(super) items: u32,
    bytes: Range<usize>,
}

/// What the first page says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    minor: u16,
    pub(super) digest: [u8; 32],
    pub(super) stamp: Stamp,
    /// A bit for the number of each kind that there is, without `other`.
    pub(super) kinds: u64,
    pub(super) hash_key: [u8; 16],
    pub(super) indicators: u32,
    pub(super) contexts: u32,
    pub(super) profile: Profile,
    pub(super) public_suffixes: String,
    pub(super) sections: Vec<Place>,
}

impl Header {
    /// Of a file that is being written: without what the writer finds out.
    pub(super) fn new(
        profile: Profile,
        public_suffixes: String,
        kinds: u64,
        hash_key: [u8; 16],
        indicators: u32,
        contexts: u32,
        stamp: Stamp,
    ) -> Header {
        Header {
            minor: MINOR,
            digest: [0; 32],
            stamp,
            kinds,
            hash_key,
            indicators,
            contexts,
            profile,
            public_suffixes,
            sections: Vec::new(),
        }
    }

    /// Reads the first page and checks that what it says can be.
    pub(super) fn read(bytes: &[u8]) -> Result<Header, SetError> {
        let corrupt = |at| SetError::Corrupt { at };
        if !bytes.starts_with(MAGIC) {
            return Err(SetError::NotASet);
        }
        let major = bytes.get(8..10).ok_or(corrupt(8))?;
        let major = u16::from_le_bytes([major[0], major[1]]);
        if major != MAJOR {
            return Err(SetError::Version { found: major });
        }
        let page: &[u8; PAGE] = bytes.first_chunk().ok_or(corrupt(bytes.len()))?;
        if u32_at(page, 3) != Some(PAGE as u32) || page[CHECK] != header_check(page) {
            return Err(corrupt(CHECK.start));
        }
        let number = |at: usize| u32_at(page, at / 4).unwrap_or_default();
        let long = |at: usize| u64_at(page, at / 8).unwrap_or_default();
        if long(LENGTH) != bytes.len() as u64 {
            return Err(corrupt(bytes.len()));
        }
        let text = |range: Range<usize>| {
            let bytes = &page[range.clone()];
            let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
            std::str::from_utf8(&bytes[..end]).map_err(|_| corrupt(range.start))
        };
        let count = number(SECTIONS) as usize;
        if count > MAX_SECTIONS {
            return Err(corrupt(SECTIONS));
        }
        let mut sections: Vec<Place> = Vec::with_capacity(count);
        let mut behind = PAGE;
        for row in 0..count {
            let at = TABLE + row * ROW;
            let place = |at| usize::try_from(long(at)).map_err(|_| corrupt(at));
            let (start, length) = (place(at + 8)?, place(at + 16)?);
            let end = start.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(corrupt(at))?;
            let [id, kind] = [at, at + 2].map(|at| u16::from_le_bytes([page[at], page[at + 1]]));
            if start % PAGE != 0 || start < behind || sections.iter().any(|s| (s.id, s.kind) == (id, kind)) {
                return Err(corrupt(at));
            }
            behind = end;
            sections.push(Place { id, kind, items: number(at + 4), bytes: start..end });
        }
        let not_after = match long(NOT_AFTER) as i64 {
            0 => None,
            seconds => Some(Time::from_unix(seconds).ok_or(corrupt(NOT_AFTER))?),
        };
        let signature = match page[SIGNED] {
            0 => None,
            _ => Some(Signature { key_id: array(&page[KEY_ID]), bytes: array(&page[SIGNATURE]) }),
        };
        Ok(Header {
            minor: u16::from_le_bytes([page[10], page[11]]),
            digest: array(&page[DIGEST]),
            stamp: Stamp { sequence: long(SEQUENCE), not_after, signature },
            kinds: long(KINDS),
            hash_key: array(&page[HASH_KEY]),
            indicators: number(INDICATORS),
            contexts: number(CONTEXTS),
            profile: text(PROFILE)?.parse().map_err(|_| SetError::Profile)?,
            public_suffixes: text(SUFFIXES)?.to_string(),
            sections,
        })
    }

    /// The bytes of a section; none where the file has none such.
    pub(super) fn section(&self, file: &Bytes, id: Id, kind: Option<Kind>) -> Bytes {
        let kind = kind.map_or(0, |kind| u16::from(kind.number()));
        let place = self.sections.iter().find(|s| (s.id, s.kind) == (id as u16, kind));
        place.map(|place| file.slice(place.bytes.clone())).unwrap_or_default()
    }

    /// The sections of records, by kind.
    pub(super) fn records(&self) -> impl Iterator<Item = (&Place, Option<Kind>)> {
        let records = self.sections.iter().filter(|section| section.id == Id::Records as u16);
        records.map(|place| (place, u8::try_from(place.kind).ok().and_then(Kind::from_number)))
    }
}

impl Place {
    pub(super) fn at(&self) -> usize {
        self.bytes.start
    }

    pub(super) fn of(&self, file: &Bytes) -> Bytes {
        file.slice(self.bytes.clone())
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// SHA-256 of the first page without the check itself.
fn header_check(page: &[u8; PAGE]) -> [u8; 32] {
    Sha256::new()
        .chain_update(&page[..CHECK.start])
        .chain_update([0; 32])
        .chain_update(&page[CHECK.end..])
        .finalize()
        .into()
}

/// SHA-256 over what the set is: by another profile, suffix list or section table it would be another one.
struct ContentDigest(Sha256);

impl ContentDigest {
    fn new() -> ContentDigest {
        ContentDigest(Sha256::new().chain_update(b"indicia set content 1\0"))
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The check that is quick enough to be made before each scan: of all behind the first page, which has a check of its own.
fn quick_check(file: &[u8]) -> u64 {
    rapidhash_v3(file.get(PAGE..).unwrap_or_default())
}

fn content_digest(file: &[u8]) -> [u8; 32] {
    let mut digest = ContentDigest::new();
    digest.0.update(file.get(CONTENT..).unwrap_or_default());
    digest.finish()
}

/// Puts a stamp into a file, whose first page is there.
fn stamp(file: &mut [u8], stamp: &Stamp) {
    let Some(page) = file.first_chunk_mut::<PAGE>() else { return };
    let put =
        |page: &mut [u8; PAGE], at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(page, SEQUENCE, &stamp.sequence.to_le_bytes());
    put(page, NOT_AFTER, &stamp.not_after.map_or(0, Time::unix).to_le_bytes());
    let signature = stamp.signature.unwrap_or(Signature { key_id: [0; 8], bytes: [0; 64] });
    put(page, KEY_ID.start, &signature.key_id);
    put(page, SIGNATURE.start, &signature.bytes);
    page[SIGNED] = u8::from(stamp.signature.is_some());
    let check = header_check(page);
    put(page, CHECK.start, &check);
}

/// A file being put together: what its sections are, and where.
#[derive(Default)]
pub(super) struct Writer<'s> {
    rows: Vec<Place>,
    bodies: Vec<Body<'s>>,
}

/// Says the bytes of a section, one piece after the other.
type Body<'s> = Box<dyn Fn(&mut dyn FnMut(&[u8])) + Sync + 's>;

impl<'s> Writer<'s> {
    /// Adds a section; an empty one is left out.
    pub(super) fn section(&mut self, id: Id, kind: Option<Kind>, bytes: Vec<u8>) {
        self.section_of(id, kind, 0, bytes.len(), move |say| say(&bytes));
    }

    /// Adds a section of so many bytes, which `body` says.
    pub(super) fn section_of(
        &mut self,
        id: Id,
        kind: Option<Kind>,
        items: u32,
        length: usize,
        body: impl Fn(&mut dyn FnMut(&[u8])) + Sync + 's,
    ) {
        if length > 0 {
            let at = self.end();
            let kind = kind.map_or(0, |kind| u16::from(kind.number()));
            self.rows.push(Place { id: id as u16, kind, items, bytes: at..at + length });
            self.bodies.push(Box::new(body));
        }
    }

    /// Where the last section's page ends.
    fn end(&self) -> usize {
        self.rows.last().map_or(PAGE, |row| row.bytes.end.next_multiple_of(PAGE))
    }

    /// The file. Its digest is made while the sections are copied, where there are two threads.
    pub(super) fn finish(self, head: &Header, seed: u32, threads: usize) -> Bytes {
        let page = self.page(head, seed);
        let (mut file, digest) = parallel::both(
            threads,
            || {
                let mut file = Aligned::with_capacity(self.end());
                file.push(&page);
                self.say(&mut |bytes| file.push(bytes));
                file
            },
            || {
                let mut digest = ContentDigest::new();
                digest.0.update(&page[CONTENT..]);
                self.say(&mut |bytes| digest.0.update(bytes));
                digest.finish()
            },
        );
        file.as_mut()[DIGEST].copy_from_slice(&digest);
        let quick = quick_check(file.as_mut());
        file.as_mut()[QUICK].copy_from_slice(&quick.to_le_bytes());
        stamp(file.as_mut(), &head.stamp);
        file.freeze()
    }

    /// All behind the first page: sections, and zeros to the ends of their pages.
    fn say(&self, say: &mut dyn FnMut(&[u8])) {
        for (row, body) in self.rows.iter().zip(&self.bodies) {
            body(say);
            say(&[0; PAGE][..row.bytes.end.next_multiple_of(PAGE) - row.bytes.end]);
        }
    }

    /// The first page without its digest and stamp.
    fn page(&self, head: &Header, seed: u32) -> [u8; PAGE] {
        let mut page = [0; PAGE];
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, MAGIC);
        put(8, &MAJOR.to_le_bytes());
        put(10, &MINOR.to_le_bytes());
        put(12, &(PAGE as u32).to_le_bytes());
        put(LENGTH, &(self.end() as u64).to_le_bytes());
        put(KINDS, &head.kinds.to_le_bytes());
        put(HASH_KEY.start, &head.hash_key);
        put(SEED, &seed.to_le_bytes());
        put(INDICATORS, &head.indicators.to_le_bytes());
        put(CONTEXTS, &head.contexts.to_le_bytes());
        put(SECTIONS, &(self.rows.len() as u32).to_le_bytes());
        put(PROFILE.start, head.profile.name().as_bytes());
        put(SUFFIXES.start, fitting(&head.public_suffixes, SUFFIXES.len()).as_bytes());
        for (row, Place { id, kind, items, bytes }) in self.rows.iter().enumerate() {
            let place = TABLE + row * ROW;
            put(place, &id.to_le_bytes());
            put(place + 2, &kind.to_le_bytes());
            put(place + 4, &items.to_le_bytes());
            put(place + 8, &(bytes.start as u64).to_le_bytes());
            put(place + 16, &(bytes.len() as u64).to_le_bytes());
        }
        page
    }
}

/// The beginning of a text that has so many bytes at most.
fn fitting(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

impl IndicatorSet {
    /// Whether bytes begin like a set file.
    pub fn is_set(head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    /// Reads a set from a copy of its bytes, and checks that none was changed.
    ///
    /// # Errors
    /// When the bytes are no set, of another version or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<IndicatorSet, SetError> {
        // What is no set need not be copied.
        Header::read(bytes)?;
        let mut copy = Aligned::with_capacity(bytes.len());
        copy.push(bytes);
        let set = IndicatorSet::open(copy.freeze())?;
        set.verify()?;
        Ok(set)
    }

    /// Opens a set over the bytes of its file, which are kept and read where they are: a mapped file, for one.
    ///
    /// Only the first page is read, however large the set is. Bytes that were changed or that never were a set make
    /// wrong answers at worst, never a fault: see [`IndicatorSet::verify`]. They must not change while the set lives.
    ///
    /// # Errors
    /// When the first page is not that of a set, is of another version, or says what cannot be.
    pub fn from_storage(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<IndicatorSet, SetError> {
        IndicatorSet::open(Bytes::from_owner(bytes))
    }

    /// Checks every byte of the file: it is as it was written.
    ///
    /// # Errors
    /// When a byte was changed.
    pub fn verify(&self) -> Result<(), SetError> {
        let file = self.as_bytes();
        // The storage may have changed since it was opened.
        if content_digest(file) != Header::read(file)?.digest {
            return Err(SetError::Corrupt { at: CONTENT });
        }
        self.check()?;
        self.read_info().map(|_| ())
    }

    /// Checks that the file was not damaged, some ten times as fast as [`IndicatorSet::verify`] does: by a checksum that
    /// sees every byte that was changed by accident. Whoever means to can keep it right, which a digest does not allow.
    ///
    /// # Errors
    /// When a byte was changed.
    pub fn check(&self) -> Result<(), SetError> {
        let file = self.as_bytes();
        Header::read(file)?;
        if file.get(QUICK) == Some(&quick_check(file).to_le_bytes()) {
            return Ok(());
        }
        Err(SetError::Corrupt { at: PAGE })
    }

    /// The set file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.file
    }

    /// Writes the set file. Equal sets give equal bytes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.as_bytes())
    }

    /// What the publisher says beside the content.
    pub fn stamp(&self) -> &Stamp {
        &self.header.stamp
    }

    /// Which of the publisher's sets is the newer one; 0 where nothing is said.
    pub fn sequence(&self) -> u64 {
        self.stamp().sequence
    }

    /// Until when the set should be used.
    pub fn not_after(&self) -> Option<Time> {
        self.stamp().not_after
    }

    /// The id of the key that signed the set, and the signature. It was not checked.
    pub fn signature(&self) -> Option<([u8; 8], [u8; 64])> {
        self.stamp().signature.map(|signature| (signature.key_id, signature.bytes))
    }

    /// The bytes that a signature is over: what they are for, the digest, the sequence, the last second of use, and the
    /// version of the format.
    pub fn signed_message(&self) -> Vec<u8> {
        let mut message = b"indicia set signature 1\0".to_vec();
        message.extend_from_slice(self.digest());
        message.extend_from_slice(&self.sequence().to_le_bytes());
        message.extend_from_slice(&self.not_after().map_or(0, Time::unix).to_le_bytes());
        message.extend_from_slice(&MAJOR.to_le_bytes());
        message.extend_from_slice(&self.header.minor.to_le_bytes());
        message
    }

    /// The set with another stamp.
    ///
    /// # Errors
    /// When the set was opened over bytes that changed since.
    pub fn stamped(self, with: &Stamp) -> Result<IndicatorSet, SetError> {
        let mut file = Aligned::with_capacity(self.as_bytes().len());
        file.push(self.as_bytes());
        drop(self);
        stamp(file.as_mut(), with);
        IndicatorSet::open(file.freeze())
    }
}
