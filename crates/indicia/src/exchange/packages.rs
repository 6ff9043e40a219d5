//! Packages that come, and those of notices and answers that go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fs4::fs_std::FileExt;
use indicia_core::Time;
use indicia_exchange::Agreement;
use indicia_exchange::feedback::{self, Answered, BadRow};
use indicia_exchange::ledger::Event;
use indicia_exchange::package::{AgreementName, MANIFEST, Package, SIGNATURE};
use indicia_exchange::plan::Notice;
use indicia_exchange::receive::{self, MAX_BYTES, MAX_FILES, MAX_MANIFEST, Received, Refusal, State};
use indicia_exchange::sign::{MAX_SIGNATURE, PublicKey, SecretKey};

use super::ledger_file::{LedgerFile, Output, beside, commit, parent, sync_folder};
use super::read::read_file;
use super::share::{Shared, revoked};
use super::{At, ExchangeError, Result};
use crate::write_atomically;

/// A package that was checked, and the state that holds once it is dealt with.
#[derive(Debug)]
pub struct Arrival {
    /// What it brought.
    pub received: Received,
    state: State,
    path: PathBuf,
    _lock: File,
}

/// Checks the package in a folder and reads it. The state file changes only with [`Arrival::keep`], once what it
/// brought is where it belongs.
///
/// # Errors
/// [`ExchangeError::Refused`], [`ExchangeError::Io`].
pub fn receive_folder(
    folder: &Path,
    agreement: &Agreement,
    key: &PublicKey,
    state: &Path,
    now: Time,
) -> Result<Arrival> {
    let refused = |refusal| ExchangeError::Refused { path: folder.to_path_buf(), refusal };
    let lock_path = beside(state, ".lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).at(&lock_path)?;
    lock.lock_exclusive().at(&lock_path)?;
    let broken = |refusal| ExchangeError::Refused { path: state.to_path_buf(), refusal };
    let known = match fs::read(state) {
        // A state that lost its content would let every package in once more.
        Ok(bytes) if bytes.is_empty() => return Err(broken(Refusal::State)),
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).at(state),
    };
    let mut known = State::read(&known).map_err(broken)?;
    let lengths = list_folder(folder)?;
    let read = |name: &str, most: u64| match lengths.get(name) {
        Some(length) if *length <= most => read_file(&folder.join(name), most),
        Some(_) => Err(refused(Refusal::TooLarge)),
        None => Err(refused(Refusal::Missing(name.to_string()))),
    };
    if let Some(name) = [MANIFEST, SIGNATURE].into_iter().find(|name| !lengths.contains_key(*name)) {
        return Err(refused(Refusal::NoManifest(name)));
    }
    // What nobody signed is not read, and of the rest no more than was signed.
    let bytes = read(MANIFEST, MAX_MANIFEST as u64)?;
    let signature = read(SIGNATURE, MAX_SIGNATURE as u64)?;
    let manifest = receive::open(&bytes, &signature, agreement, key, &known, now).map_err(refused)?;
    receive::same_lengths(&manifest, &lengths).map_err(refused)?;
    let mut files = BTreeMap::from([(MANIFEST.to_string(), bytes), (SIGNATURE.to_string(), signature)]);
    for entry in &manifest.files {
        files.insert(entry.path.clone(), read(&entry.path, entry.length)?);
    }
    let received =
        indicia_exchange::receive::receive(&files, agreement, key, &mut known, now).map_err(refused)?;
    Ok(Arrival { received, state: known, path: state.to_path_buf(), _lock: lock })
}

impl Arrival {
    /// Writes the state: this package is not taken again.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn keep(&self) -> Result<()> {
        let bytes = self.state.to_bytes();
        write_atomically(&self.path, |out| out.write_all(&bytes))
            .and_then(|()| sync_folder(parent(&self.path)))
            .at(&self.path)
    }
}

/// The names and lengths of all that is in a folder, which must be files and no more than a package may be. Whoever
/// receives names the folder, so a link to one is followed; in it none is.
fn list_folder(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let refused = |refusal| ExchangeError::Refused { path: folder.to_path_buf(), refusal };
    if !folder.metadata().at(folder)?.is_dir() {
        return Err(refused(Refusal::NoManifest(MANIFEST)));
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let name = entry.file_name().into_string().map_err(|_| refused(Refusal::Path))?;
        all.push((name, entry.metadata().at(&entry.path())?));
        if all.len() > MAX_FILES {
            return Err(refused(Refusal::TooLarge));
        }
    }
    // Whichever order the file system has, the same folder gets the same answer.
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    receive::names(all.iter().map(|(name, _)| name.as_str())).map_err(refused)?;
    if let Some((name, _)) = all.iter().find(|(_, meta)| !meta.is_file()) {
        return Err(refused(Refusal::NotAFile(name.clone())));
    }
    if all.iter().map(|(_, meta)| meta.len()).fold(0, u64::saturating_add) > MAX_BYTES {
        return Err(refused(Refusal::TooLarge));
    }
    Ok(all.into_iter().map(|(name, meta)| (name, meta.len())).collect())
}

/// Makes a package of notices for each recipient who got one of the items, below a folder. An id is the item's own,
/// or the one under which the provider got it, so that a notice from upstream goes on to whoever got it from here.
///
/// # Errors
/// Whatever it is, neither folder nor ledger changed.
pub fn revoke(
    ledger: &Path,
    key: &SecretKey,
    items: &[String],
    reason: &str,
    now: Time,
    out: &Path,
) -> Result<Vec<Shared>> {
    let mut file = LedgerFile::open(ledger, Some(key), now)?;
    let mut by_agreement: BTreeMap<(String, String), Vec<Notice>> = BTreeMap::new();
    let items: BTreeSet<&str> = items.iter().flat_map(|id| file.ledger.items_of(id)).collect();
    for item in items {
        let got: Vec<String> = file.ledger.recipients_of(item).into_iter().map(str::to_string).collect();
        for recipient in got {
            let Some(known) = file.ledger.shared(&recipient, item).filter(|known| !known.revoked) else {
                continue;
            };
            let notice = Notice { item: item.to_string(), revoked: true, reason: reason.to_string() };
            by_agreement.entry((known.agreement.clone(), recipient)).or_default().push(notice);
        }
    }
    let mut outputs = Vec::new();
    let mut all = Vec::new();
    for ((reference, recipient), mut notices) in by_agreement {
        notices.sort();
        notices.dedup();
        let Some((id, version)) = reference.rsplit_once('@') else { continue };
        let Some((sha256, provider)) = file.ledger.agreement(&reference) else { continue };
        let (sha256, provider) = (sha256.to_string(), provider.to_string());
        let name = AgreementName { id: id.to_string(), version: version.parse().unwrap_or(0), sha256 };
        let counter = file.ledger.counter(id) + 1;
        let package = Package::of_notices(&notices, &name, &provider, &recipient, counter, now);
        let folder = out.join(format!("{id}-v{version}"));
        for notice in &notices {
            file.ledger.push(now, revoked(&reference, &recipient, notice));
        }
        let manifest = package.digest();
        file.ledger.push(
            now,
            Event::Package {
                agreement: reference.clone(),
                agreement_sha256: name.sha256.clone(),
                provider,
                recipient: recipient.clone(),
                counter,
                manifest: manifest.clone(),
                released: 0,
                withheld: BTreeMap::new(),
            },
        );
        let fail = |error| ExchangeError::Key { path: folder.clone(), error };
        outputs.push(Output { files: package.sign(key).map_err(fail)?, folder: folder.clone() });
        all.push(Shared {
            agreement: reference,
            recipient,
            package: Some(folder),
            counter,
            manifest,
            released: 0,
            notices: notices.len() as u64,
            withheld: BTreeMap::new(),
            withheld_by_rule: BTreeMap::new(),
            removed: BTreeMap::new(),
            carried: 0,
        });
    }
    if !all.is_empty() {
        commit(Some(file), outputs)?;
    }
    Ok(all)
}

/// What came of answering.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fed {
    /// The folder of the package; absent where there is no answer.
    pub package: Option<PathBuf>,
    /// How many answers.
    pub answers: u64,
    /// Rows of a response file that are not taken.
    pub bad: Vec<(PathBuf, BadRow)>,
    /// Answers that are not passed on: other givers', about victims, or not taken there.
    pub left_out: u64,
}

/// Makes a package of answers below a folder: from filled response files of a recipient, or from answers that a
/// provider received (JSON lines) and passes on to who gave it the items, by the ledger.
///
/// # Errors
/// [`ExchangeError::Response`] for a file that is neither, and those of files and keys.
pub fn feedback_folder(
    agreement: &Agreement,
    key: &SecretKey,
    ledger: Option<&Path>,
    files: &[PathBuf],
    now: Time,
    out: &Path,
) -> Result<Fed> {
    let mut fed = Fed { package: None, answers: 0, bad: Vec::new(), left_out: 0 };
    let mut answers: Vec<Answered> = Vec::new();
    for path in files {
        let bytes = read_file(path, 64 << 20)?;
        let fail = |what| ExchangeError::Response { path: path.clone(), what };
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let ledger = ledger.ok_or_else(|| {
                fail("answers that were received are passed on by the ledger: name it with --ledger")
            })?;
            let mut all: Vec<Answered> = Vec::new();
            for line in bytes.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()) {
                all.push(serde_json::from_slice(line).map_err(|_| fail("a line is no answer"))?);
            }
            let held = LedgerFile::open(ledger, None, now)?;
            let (pass, left_out) = feedback::pass_on(&all, agreement, &held.ledger);
            fed.left_out += left_out;
            answers.extend(pass);
        } else {
            let (all, bad) = feedback::read_csv(&bytes, agreement).map_err(fail)?;
            fed.bad.extend(bad.into_iter().map(|row| (path.clone(), row)));
            answers.extend(all);
        }
    }
    answers.sort();
    answers.dedup();
    fed.answers = answers.len() as u64;
    if answers.is_empty() {
        return Ok(fed);
    }
    // Whoever answers keeps no ledger of that: the time counts up by itself.
    let counter = now.unix().max(1) as u64;
    let package = Package::of_feedback(&answers, agreement, counter, now);
    let folder = out.join(format!("{}-v{}-answers", agreement.id, agreement.version));
    let sign = |error| ExchangeError::Key { path: folder.clone(), error };
    let files = package.sign(key).map_err(sign)?;
    commit(None, vec![Output { files, folder: folder.clone() }])?;
    fed.package = Some(folder);
    Ok(fed)
}
