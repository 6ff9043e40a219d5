//! The set file, version 0: simple, complete, deterministic; it will be replaced by a mappable one.
//!
//! ```text
//! "INDICIA\0"  u16 major  u16 minor  u32 length of info  info (JSON)  SHA-256  body
//!                                              (of profile, suffix list's version, each with a NUL behind, and body)
//! body:   u32 contexts, each: u32 length, JSON
//!         u32 entries,  each: u8 kind, u8 match, u8 below-only, value, key, group, source type
//!                             (each: u32 length, UTF-8), u32 contexts, each: u32 number
//! ```
//! Numbers are little-endian. Entries are in the set's order. No byte is trusted: lengths are checked against
//! what is there, the digest against the body, and entries against their order.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::builder::{Assembly, file_context};
use super::masks::mask_of;
use super::{IndicatorSet, SetInfo, space};
use crate::{Kind, Match, Profile, Reason};

const MAGIC: &[u8; 8] = b"INDICIA\0";
const MAJOR: u16 = 0;
const MINOR: u16 = 1;

const MATCHES: [Match; 6] =
    [Match::Exact, Match::Subdomains, Match::Network, Match::Prefix, Match::Mask, Match::Pattern];

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

impl IndicatorSet {
    /// Whether bytes begin like a set file.
    pub fn is_set(head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    /// Writes the set file. Equal sets give equal bytes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        // The info is made of strings and numbers: it always serializes.
        let info = serde_json::to_vec(&self.info).map_err(io::Error::other)?;
        out.write_all(MAGIC)?;
        out.write_all(&MAJOR.to_le_bytes())?;
        out.write_all(&MINOR.to_le_bytes())?;
        out.write_all(&(info.len() as u32).to_le_bytes())?;
        out.write_all(&info)?;
        out.write_all(&self.digest)?;
        self.write_body(out)
    }

    fn write_body(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&(self.contexts.len() as u32).to_le_bytes())?;
        for context in &self.contexts {
            write_bytes(out, &serde_json::to_vec(context).map_err(io::Error::other)?)?;
        }
        out.write_all(&(self.entries.len() as u32).to_le_bytes())?;
        for entry in &self.entries {
            let match_ = MATCHES.iter().position(|m| *m == entry.match_).unwrap_or_default() as u8;
            out.write_all(&[entry.kind.number(), match_, u8::from(entry.below_only)])?;
            for text in [entry.value, entry.key, entry.group, entry.source_type] {
                write_bytes(out, self.str(text).as_bytes())?;
            }
            let contexts = &self.context_refs[entry.contexts.0 as usize..entry.contexts.1 as usize];
            out.write_all(&(contexts.len() as u32).to_le_bytes())?;
            for context in contexts {
                out.write_all(&context.to_le_bytes())?;
            }
        }
        Ok(())
    }

    pub(super) fn content_digest(&self) -> [u8; 32] {
        struct Hashing(Sha256);
        impl Write for Hashing {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.update(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut hashing = Hashing(digest_under(self.profile, &self.info.public_suffixes));
        // Hashing cannot fail.
        let _ = self.write_body(&mut hashing);
        hashing.0.finalize().into()
    }

    /// Reads a set file from memory.
    ///
    /// # Errors
    /// When the bytes are no set, of another version or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<IndicatorSet, SetError> {
        let mut input = Input { bytes, at: 0 };
        if input.take(8).ok() != Some(MAGIC) {
            return Err(SetError::NotASet);
        }
        let major = input.u16()?;
        if major != MAJOR {
            return Err(SetError::Version { found: major });
        }
        input.u16()?;
        let info: SetInfo = {
            let at = input.at;
            let json = input.sized()?;
            serde_json::from_slice(json).map_err(|_| SetError::Corrupt { at })?
        };
        let profile: Profile = info.profile.parse().map_err(|_| SetError::Profile)?;
        let digest = input.take(32)?;
        let body = &bytes[input.at..];
        if digest_under(profile, &info.public_suffixes).chain_update(body).finalize()[..] != *digest {
            return Err(SetError::Corrupt { at: input.at });
        }
        let mut set = Assembly::default();
        set.profile = profile;
        let contexts = input.u32()?;
        for _ in 0..contexts {
            set.contexts.push(file_context(input.sized()?));
        }
        let entries = input.u32()?;
        let mut ids = Vec::new();
        let mut last: Option<(u8, &str)> = None;
        for _ in 0..entries {
            let at = input.at;
            let corrupt = SetError::Corrupt { at };
            let head = input.take(3)?;
            let (Some(kind), Some(match_)) = (Kind::from_number(head[0]), MATCHES.get(usize::from(head[1])))
            else {
                return Err(corrupt);
            };
            let [value, key, group, source_type] =
                [input.text()?, input.text()?, input.text()?, input.text()?];
            // What would never match is not taken for a mask.
            let is_mask = *match_ == Match::Mask && kind != Kind::Other;
            if is_mask && mask_of(kind, *match_, value).is_none() {
                return Err(corrupt);
            }
            let order = (space(kind), key);
            if last.is_some_and(|l| l > order) {
                return Err(corrupt);
            }
            last = Some(order);
            ids.clear();
            for _ in 0..input.u32()? {
                let id = input.u32()?;
                if id >= contexts {
                    return Err(SetError::Corrupt { at: input.at });
                }
                ids.push(id);
            }
            // A set that a builder made always fits.
            if !set.has_room(value.len() + key.len() + group.len() + source_type.len(), ids.len()) {
                return Err(corrupt);
            }
            set.push(kind, *match_, head[2] != 0, value, key, group, source_type, &ids);
        }
        if input.at != bytes.len() {
            return Err(SetError::Corrupt { at: input.at });
        }
        let mut set = set.finish();
        // That of the program which compiled it.
        set.info.public_suffixes.clone_from(&info.public_suffixes);
        set.digest.copy_from_slice(digest);
        if set.info != info && set.info.kinds != info.kinds {
            return Err(SetError::Corrupt { at: 16 });
        }
        Ok(set)
    }
}

/// The digest of a set begins with what its keys were made under: by another profile or suffix list the same body
/// would be another set.
fn digest_under(profile: Profile, public_suffixes: &str) -> Sha256 {
    Sha256::new()
        .chain_update(profile.name())
        .chain_update([0])
        .chain_update(public_suffixes)
        .chain_update([0])
}

fn write_bytes(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&(bytes.len() as u32).to_le_bytes())?;
    out.write_all(bytes)
}

struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Input<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], SetError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err(SetError::Corrupt { at: self.at }) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SetError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| SetError::Corrupt { at })
    }

    fn u16(&mut self) -> Result<u16, SetError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, SetError> {
        self.array().map(u32::from_le_bytes)
    }

    fn sized(&mut self) -> Result<&'b [u8], SetError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn text(&mut self) -> Result<&'b str, SetError> {
        let at = self.at;
        std::str::from_utf8(self.sized()?).map_err(|_| SetError::Corrupt { at })
    }
}
