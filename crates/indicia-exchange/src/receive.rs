//! Receiving: a package is checked before a byte of it is parsed, and refused with a reason where anything is off.
//!
//! In this order: the files that are there, the signature over the manifest, the manifest's one spelling, for whom
//! and under which text it is, its time, its number, each file's length and digest; only then is content read.

use std::collections::{BTreeMap, BTreeSet};

use indicia_core::{Indicator, Time};
use indicia_feeds::{Format, ReadOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::agreement::{Agreement, Party};
use crate::feedback::Answered;
use crate::package::{MANIFEST, Manifest, PackageType, SCHEMA, SIGNATURE, VALID_DAYS};
use crate::plan::Notice;
use crate::sign::{PublicKey, SignError};

/// A manifest is not longer.
pub const MAX_MANIFEST: usize = 1 << 20;
/// A package is not larger, nor has it more files.
pub const MAX_BYTES: u64 = 4 << 30;
/// See [`MAX_BYTES`].
pub const MAX_FILES: usize = 256;
/// How far the sender's clock may be ahead, in days.
const SKEW_DAYS: i64 = 1;

/// Why a package is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Manifest or signature is missing.
    #[error("there is no {0}: this is no package, or it is not whole")]
    NoManifest(&'static str),
    /// A name that a package cannot have.
    #[error("a file has a name that no package has")]
    Path,
    /// Two names that differ by case alone.
    #[error("two files have names that differ by case alone")]
    CaseCollision,
    /// Not a file.
    #[error("{0} is a link, a folder or a device, not a file")]
    NotAFile(String),
    /// Too much of it.
    #[error(
        "the package is larger than 4 GiB, its manifest larger than 1 MiB, or it has more than 256 files"
    )]
    TooLarge,
    /// The signature is another's, or of other bytes.
    #[error("the signature is not good: {0}")]
    Signature(SignError),
    /// A key that the agreement does not name.
    #[error("the agreement does not name this key")]
    ForeignKey,
    /// A key that had ended.
    #[error("the key had ended when the package was made")]
    ExpiredKey,
    /// The manifest is not written as it must be.
    #[error("the manifest is not one of {SCHEMA}, or not in its one spelling")]
    Manifest,
    /// From or for somebody else.
    #[error("the package is not from and for those of the agreement")]
    Parties,
    /// Another text.
    #[error("the package was made under another text of the agreement")]
    OtherAgreement,
    /// The agreement is not in force.
    #[error("the agreement is not in force")]
    NotInForce,
    /// Too late.
    #[error("the package stopped to count on {0}")]
    Expired(Time),
    /// Made later than now.
    #[error("the package was made in the future, on {0}")]
    FromTheFuture(Time),
    /// Its number was there before.
    #[error("package {got} came already, or a later one did: the last was {last}")]
    Replay {
        /// Its number.
        got: u64,
        /// The last one's.
        last: u64,
    },
    /// A file that the manifest names is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A file that the manifest does not name.
    #[error("there is a file that the manifest does not name")]
    Extra,
    /// A file is not what was signed.
    #[error("{0} is not what was signed")]
    Changed(String),
    /// What was signed cannot be read.
    #[error("{0} cannot be read as what it should be")]
    Content(&'static str),
    /// The state of earlier packages cannot be read.
    #[error("the state file is not one")]
    State,
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::NoManifest(_) => "no-manifest",
            Refusal::Path => "path",
            Refusal::CaseCollision => "case-collision",
            Refusal::NotAFile(_) => "not-a-file",
            Refusal::TooLarge => "too-large",
            Refusal::Signature(_) => "signature",
            Refusal::ForeignKey => "foreign-key",
            Refusal::ExpiredKey => "expired-key",
            Refusal::Manifest => "manifest",
            Refusal::Parties => "parties",
            Refusal::OtherAgreement => "other-agreement",
            Refusal::NotInForce => "agreement-not-in-force",
            Refusal::Expired(_) => "expired",
            Refusal::FromTheFuture(_) => "from-the-future",
            Refusal::Replay { .. } => "replay",
            Refusal::Missing(_) => "file-missing",
            Refusal::Extra => "file-extra",
            Refusal::Changed(_) => "file-changed",
            Refusal::Content(_) => "content",
            Refusal::State => "state",
        }
    }
}

/// What was received before: the number of the last package of each agreement and direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// `indicia-state/1`.
    schema: String,
    /// Last number, by `agreement id/type`.
    counters: BTreeMap<String, u64>,
    /// Items that were taken back, with the reason.
    revoked: BTreeMap<String, String>,
}

const STATE_SCHEMA: &str = "indicia-state/1";

impl Default for State {
    fn default() -> State {
        State { schema: STATE_SCHEMA.to_string(), counters: BTreeMap::new(), revoked: BTreeMap::new() }
    }
}

impl State {
    /// Reads a state; nothing is the state before the first package.
    ///
    /// # Errors
    /// [`Refusal::State`].
    pub fn read(bytes: &[u8]) -> Result<State, Refusal> {
        if bytes.is_empty() {
            return Ok(State::default());
        }
        serde_json::from_slice(bytes).ok().filter(|s: &State| s.schema == STATE_SCHEMA).ok_or(Refusal::State)
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Items that were taken back, with the reason.
    pub fn revoked(&self) -> &BTreeMap<String, String> {
        &self.revoked
    }
}

/// What a package brought.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Received {
    /// Its manifest.
    pub manifest: Manifest,
    /// Indicators, each with the hops of its way.
    pub records: Vec<Indicator>,
    /// Notices about items of earlier packages.
    pub notices: Vec<Notice>,
    /// Answers.
    pub answers: Vec<Answered>,
}

/// Checks a manifest and its signature: whether it is from whom, for whom and under which text it should be, in time,
/// and later than what came before. The files that it names are not needed yet, so that none must be read of a package
/// that nobody signed.
///
/// # Errors
/// The first thing that is off.
pub fn open(
    bytes: &[u8],
    signature: &[u8],
    agreement: &Agreement,
    key: &PublicKey,
    state: &State,
    now: Time,
) -> Result<Manifest, Refusal> {
    if bytes.len() > MAX_MANIFEST {
        return Err(Refusal::TooLarge);
    }
    let comment = key.verify(bytes, signature).map_err(Refusal::Signature)?;
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| Refusal::Manifest)?;
    let m = &manifest;
    let said = format!("{}@{} package {} for {}", m.agreement.id, m.agreement.version, m.counter, m.to);
    if m.to_bytes() != *bytes || m.schema != SCHEMA || said != comment {
        return Err(Refusal::Manifest);
    }
    // Whoever got hold of a key that has ended can only pass off what "was made" before: not for longer than this.
    if m.valid_until > crate::decide::after_days(m.created, VALID_DAYS) {
        return Err(Refusal::Manifest);
    }
    let (from, to): (&Party, &Party) = match m.type_ {
        PackageType::Feedback => (&agreement.recipient.party, &agreement.provider),
        _ => (&agreement.provider, &agreement.recipient.party),
    };
    trusted(from, key, m.created)?;
    if m.from != from.id || m.to != to.id {
        return Err(Refusal::Parties);
    }
    let name = &m.agreement;
    if (&name.id, name.version, &name.sha256) != (&agreement.id, agreement.version, &agreement.sha256) {
        return Err(Refusal::OtherAgreement);
    }
    // Notices and answers come after the end too.
    if m.type_ == PackageType::Indicators && !agreement.is_in_force(now) {
        return Err(Refusal::NotInForce);
    }
    if m.valid_until <= now {
        return Err(Refusal::Expired(m.valid_until));
    }
    if m.created > crate::decide::after_days(now, SKEW_DAYS) {
        return Err(Refusal::FromTheFuture(m.created));
    }
    let last = state.counters.get(&slot(m)).copied().unwrap_or(0);
    if m.counter <= last {
        return Err(Refusal::Replay { got: m.counter, last });
    }
    Ok(manifest)
}

/// Where a state keeps the number of the last package of this kind.
fn slot(m: &Manifest) -> String {
    let direction = if m.type_ == PackageType::Feedback { "answers" } else { "items" };
    format!("{}/{direction}/{}", m.agreement.id, m.from)
}

/// Checks that files, manifest and signature among them, are those that a manifest names, by name and length.
///
/// # Errors
/// [`Refusal::Missing`], [`Refusal::Changed`], [`Refusal::Extra`], and those of [`names`] for the manifest's.
pub fn same_lengths(manifest: &Manifest, files: &BTreeMap<String, u64>) -> Result<(), Refusal> {
    let entries = &manifest.files;
    names(entries.iter().map(|entry| entry.path.as_str()))?;
    for entry in entries {
        let length = files.get(&entry.path).ok_or_else(|| Refusal::Missing(entry.path.clone()))?;
        if *length != entry.length {
            return Err(Refusal::Changed(entry.path.clone()));
        }
    }
    if entries.iter().any(|entry| entry.path == MANIFEST || entry.path == SIGNATURE)
        || files.len() != entries.len() + 2
    {
        return Err(Refusal::Extra);
    }
    Ok(())
}

/// Checks a package and reads it. `files` is all that is in its folder; `state` is changed only where it is taken.
///
/// # Errors
/// The first thing that is off.
pub fn receive(
    files: &BTreeMap<String, Vec<u8>>,
    agreement: &Agreement,
    key: &PublicKey,
    state: &mut State,
    now: Time,
) -> Result<Received, Refusal> {
    names(files.keys().map(String::as_str))?;
    let total: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
    let bytes = files.get(MANIFEST).ok_or(Refusal::NoManifest(MANIFEST))?;
    let signature = files.get(SIGNATURE).ok_or(Refusal::NoManifest(SIGNATURE))?;
    if total > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let manifest = open(bytes, signature, agreement, key, state, now)?;
    let lengths = files.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    same_lengths(&manifest, &lengths)?;
    for entry in &manifest.files {
        let bytes = files.get(&entry.path).ok_or_else(|| Refusal::Missing(entry.path.clone()))?;
        if crate::hex(&Sha256::digest(bytes)) != entry.sha256 {
            return Err(Refusal::Changed(entry.path.clone()));
        }
    }
    let received = content(files, manifest)?;
    state.counters.insert(slot(&received.manifest), received.manifest.counter);
    for notice in &received.notices {
        state.revoked.insert(notice.item.clone(), notice.reason.clone());
    }
    Ok(received)
}

/// Names are short, of few characters, and differ by more than case.
///
/// # Errors
/// [`Refusal::Path`], [`Refusal::CaseCollision`], [`Refusal::TooLarge`].
pub fn names<'a>(all: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for name in all {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !plain || name.is_empty() || name.len() > 100 || name.starts_with('.') {
            return Err(Refusal::Path);
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(Refusal::CaseCollision);
        }
    }
    if seen.len() > MAX_FILES { Err(Refusal::TooLarge) } else { Ok(()) }
}

fn trusted(from: &Party, key: &PublicKey, at: Time) -> Result<(), Refusal> {
    if from.keys.is_empty() {
        return Ok(());
    }
    let text = key.to_string();
    let known = from.keys.iter().find(|trusted| trusted.key == text).ok_or(Refusal::ForeignKey)?;
    if known.until.is_some_and(|until| until <= at) { Err(Refusal::ExpiredKey) } else { Ok(()) }
}

fn content(files: &BTreeMap<String, Vec<u8>>, manifest: Manifest) -> Result<Received, Refusal> {
    let file = |name: &str| files.get(name).map(Vec::as_slice);
    let mut received = Received { manifest, records: Vec::new(), notices: Vec::new(), answers: Vec::new() };
    match received.manifest.type_ {
        PackageType::Indicators => {
            let name = "indicators.jsonl";
            let mut bytes = file(name).ok_or(Refusal::Content("indicators.jsonl"))?;
            let options = ReadOptions::default();
            let mut records = Vec::new();
            let report = indicia_feeds::read(Format::Jsonl, &mut bytes, &options, &mut |r| records.push(r))
                .map_err(|_| Refusal::Content("indicators.jsonl"))?;
            if report.refused_total() > 0 {
                return Err(Refusal::Content("indicators.jsonl"));
            }
            received.records = records;
            received.notices = file("notices.jsonl").map_or(Ok(vec![]), |b| lines(b, "notices.jsonl"))?;
        }
        PackageType::Notices => {
            received.notices =
                lines(file("notices.jsonl").ok_or(Refusal::Content("notices.jsonl"))?, "notices.jsonl")?;
        }
        PackageType::Feedback => {
            received.answers =
                lines(file("answers.jsonl").ok_or(Refusal::Content("answers.jsonl"))?, "answers.jsonl")?;
            for answer in &mut received.answers {
                answer.from = Some(received.manifest.from.clone());
            }
        }
    }
    Ok(received)
}

fn lines<T: serde::de::DeserializeOwned>(bytes: &[u8], name: &'static str) -> Result<Vec<T>, Refusal> {
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|_| Refusal::Content(name))).collect()
}
