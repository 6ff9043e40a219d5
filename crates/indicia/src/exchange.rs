//! Sharing with files: agreements, keys and ledgers by path, packages in folders.
//!
//! The decisions are in [`indicia_exchange`]; here is what touches a disk. A ledger and the packages that it tells of
//! change together: before anything is written, `LEDGER.pending` says what is to be done, and whoever opens the
//! ledger after a crash finishes that or undoes it. One process at a time holds a ledger, by `LEDGER.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs4::fs_std::FileExt;
use indicia_core::{Indicator, Reason, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use indicia_exchange::*;

use indicia_exchange::feedback::{Answered, BadRow};
use indicia_exchange::ledger::{Event, LedgerError};
use indicia_exchange::package::{AgreementName, MANIFEST, Package, SIGNATURE};
use indicia_exchange::plan::{Notice, Plan, Records};
use indicia_exchange::receive::{MAX_BYTES, MAX_FILES, MAX_MANIFEST, Received, Refusal, State};
use indicia_exchange::sign::{MAX_SIGNATURE, PublicKey, SecretKey, SignError};

use crate::write_atomically;

/// What went wrong with an exchange.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A file.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What.
        error: io::Error,
    },
    /// An agreement that permits nothing, since it is not one.
    #[error("{}: {errors}", path.display())]
    Agreement {
        /// Which.
        path: PathBuf,
        /// All that is wrong with it.
        errors: AgreementErrors,
    },
    /// A key.
    #[error("{}: {error}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What.
        error: SignError,
    },
    /// A ledger.
    #[error("{}: {error}", path.display())]
    Ledger {
        /// Which.
        path: PathBuf,
        /// What.
        error: LedgerError,
    },
    /// Something is where a package would go.
    #[error("{} is there already: move it away or name another folder", .0.display())]
    Exists(PathBuf),
    /// A package that is refused.
    #[error("{}: refused: {refusal}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// What is made now is not what was planned.
    #[error("not what was planned: {}", .0.join("; "))]
    Changed(Vec<String>),
    /// A plan file.
    #[error("{}: not a plan, or not one of this version", .0.display())]
    NotAPlan(PathBuf),
    /// Content that could not be written or read.
    #[error("{0}")]
    Content(String),
    /// A response file.
    #[error("{}: {what}", path.display())]
    Response {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

impl ExchangeError {
    /// The reason in the one table of all languages.
    pub fn reason(&self) -> Reason {
        match self {
            ExchangeError::Io { .. } => Reason::Io,
            ExchangeError::Agreement { .. } => Reason::BadAgreement,
            ExchangeError::Key { .. } => Reason::BadKey,
            ExchangeError::Ledger { .. } => Reason::BadLedger,
            ExchangeError::Exists(_) => Reason::AlreadyThere,
            ExchangeError::Refused { .. } => Reason::PackageRefused,
            ExchangeError::Changed(_) | ExchangeError::NotAPlan(_) => Reason::NotAsPlanned,
            ExchangeError::Content(_) => Reason::BadDocument,
            ExchangeError::Response { .. } => Reason::BadResponse,
        }
    }
}

type Result<T, E = ExchangeError> = std::result::Result<T, E>;

trait At<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| ExchangeError::Io { path: path.to_path_buf(), error })
    }
}

/// Reads a file of at most so many bytes.
fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).at(path)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large")).at(path);
    }
    Ok(bytes)
}

fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_file(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
        .at(path)
}

/// Reads an agreement.
///
/// # Errors
/// [`ExchangeError::Io`], [`ExchangeError::Agreement`].
pub fn read_agreement(path: &Path) -> Result<Agreement> {
    Agreement::parse(&read_text(path, 1 << 21)?)
        .map_err(|errors| ExchangeError::Agreement { path: path.to_path_buf(), errors })
}

/// Reads an agreement, or all `.toml` files of a folder, by name.
///
/// # Errors
/// The first agreement that is none: nothing is shared under the others then, since it may limit them.
pub fn read_agreements(path: &Path) -> Result<Vec<Agreement>> {
    if !path.is_dir() {
        return Ok(vec![read_agreement(path)?]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).at(path)? {
        let file = entry.at(path)?.path();
        if file.extension().is_some_and(|e| e == "toml") {
            files.push(file);
        }
    }
    files.sort();
    files.iter().map(|file| read_agreement(file)).collect()
}

/// Reads a public key from a file.
///
/// # Errors
/// [`ExchangeError::Io`], [`ExchangeError::Key`].
pub fn read_public_key(path: &Path) -> Result<PublicKey> {
    PublicKey::parse(&read_text(path, 1 << 16)?)
        .map_err(|error| ExchangeError::Key { path: path.to_path_buf(), error })
}

/// Opens a secret key. `passphrase` is asked only where the key wants one.
///
/// # Errors
/// [`ExchangeError::Io`], [`ExchangeError::Key`].
pub fn read_secret_key(path: &Path, passphrase: impl FnOnce() -> Option<String>) -> Result<SecretKey> {
    let fail = |error| ExchangeError::Key { path: path.to_path_buf(), error };
    let text = read_text(path, 1 << 16)?;
    let words = if SecretKey::is_closed(&text).map_err(fail)? { passphrase() } else { None };
    SecretKey::open(&text, words.as_deref()).map_err(fail)
}

/// Makes a pair of keys: `NAME.key`, for its owner alone, and `NAME.pub`. Neither may be there yet.
///
/// # Errors
/// [`ExchangeError::Io`], [`ExchangeError::Exists`], [`ExchangeError::Key`].
pub fn write_keys(name: &Path, passphrase: Option<&str>) -> Result<(PathBuf, PathBuf, PublicKey)> {
    let with = |ending: &str| {
        let mut path = name.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let (secret_path, public_path) = (with(".key"), with(".pub"));
    for path in [&secret_path, &public_path] {
        if path.symlink_metadata().is_ok() {
            return Err(ExchangeError::Exists(path.clone()));
        }
    }
    let (secret, public) = SecretKey::generate(passphrase)
        .map_err(|error| ExchangeError::Key { path: secret_path.clone(), error })?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&secret_path).at(&secret_path)?;
    let written = file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).at(&secret_path);
    let written = written.and_then(|()| {
        write_atomically(&public_path, |out| out.write_all(public.to_file().as_bytes())).at(&public_path)
    });
    if let Err(error) = written {
        // Half a pair is of no use, and stands in the way of the next.
        let _ = fs::remove_file(&secret_path);
        return Err(error);
    }
    Ok((secret_path, public_path, public))
}

/// A ledger's file, held by this process.
#[derive(Debug)]
pub struct LedgerFile {
    path: PathBuf,
    /// Released when it is dropped.
    _lock: File,
    length: u64,
    /// What it says.
    pub ledger: Ledger,
}

/// What is to be done with a ledger's file and folders, on disk while it is done.
#[derive(Serialize, Deserialize)]
struct Pending {
    /// The ledger's length.
    before: u64,
    /// Absent while packages are still being written.
    after: Option<After>,
    /// From where a package is written to where it goes.
    moves: Vec<(PathBuf, PathBuf)>,
}

/// What a ledger is once its new lines are there.
#[derive(Serialize, Deserialize)]
struct After {
    length: u64,
    /// SHA-256 of the new lines: after a power cut a file can have its length and not its content.
    sha256: String,
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix can sync a folder.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl LedgerFile {
    /// Opens a ledger, after finishing or undoing what an interrupted process left; begins one where there is none
    /// and a key is given.
    ///
    /// # Errors
    /// [`ExchangeError::Io`], [`ExchangeError::Ledger`].
    pub fn open(path: &Path, key: Option<&SecretKey>, now: Time) -> Result<LedgerFile> {
        // One lock for a file, whichever link to it is named.
        let real = if path.is_symlink() { path.canonicalize().at(path)? } else { path.to_path_buf() };
        let path = real.as_path();
        // Looking at a ledger that is not there leaves nothing behind.
        let left = [".pending", ".pending.new"].iter().any(|ending| beside(path, ending).exists());
        if key.is_none() && !left {
            path.metadata().at(path)?;
        }
        let lock_path = beside(path, ".lock");
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).at(&lock_path)?;
        lock.lock_exclusive().at(&lock_path)?;
        recover(path)?;
        let secret = key.map(|key| key.derive("ledger"));
        let text = match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && secret.is_some() => None,
            Err(error) => return Err(error).at(path),
        };
        let ledger = match (&text, &secret) {
            (Some(text), secret) => Ledger::read(text, secret.as_ref())
                .map_err(|error| ExchangeError::Ledger { path: path.to_path_buf(), error })?,
            (None, Some(secret)) => Ledger::new(secret, now),
            (None, None) => Ledger::none(""),
        };
        let length = text.map_or(0, |text| text.len() as u64);
        Ok(LedgerFile { path: path.to_path_buf(), _lock: lock, length, ledger })
    }
}

/// Finishes or undoes what `LEDGER.pending` tells of.
fn recover(path: &Path) -> Result<()> {
    let pending_path = beside(path, ".pending");
    let bytes = match fs::read(&pending_path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::remove_file(beside(path, ".pending.new")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at(&pending_path),
                _ => Ok(()),
            };
        }
        Err(error) => return Err(error).at(&pending_path),
    };
    let pending: Pending = serde_json::from_slice(&bytes).map_err(io::Error::from).at(&pending_path)?;
    if !is_whole(path, &pending).at(path)? {
        return undo(path, &pending);
    }
    for (from, to) in &pending.moves {
        if from.exists() {
            place(from, to)?;
        }
    }
    done(path)
}

/// Whether all new lines are in the ledger.
fn is_whole(path: &Path, pending: &Pending) -> io::Result<bool> {
    let Some(after) = &pending.after else { return Ok(false) };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    if file.metadata()?.len() != after.length {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(pending.before))?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(hex(&hasher.finalize()) == after.sha256)
}

/// Takes back what was written of packages and lines.
fn undo(path: &Path, pending: &Pending) -> Result<()> {
    let length = path.metadata().map_or(0, |m| m.len());
    if length > pending.before {
        let file = OpenOptions::new().write(true).open(path).at(path)?;
        file.set_len(pending.before).and_then(|()| file.sync_all()).at(path)?;
    }
    if pending.before == 0 && path.exists() {
        fs::remove_file(path).at(path)?;
    }
    for (from, _) in &pending.moves {
        if from.exists() {
            fs::remove_dir_all(from).at(from)?;
        }
    }
    done(path)
}

fn done(path: &Path) -> Result<()> {
    let pending_path = beside(path, ".pending");
    for file in [beside(path, ".pending.new"), pending_path.clone()] {
        if file.exists() {
            fs::remove_file(&file).at(&file)?;
        }
    }
    sync_folder(parent(path)).at(&pending_path)
}

/// Puts a package where it goes. What is there already stays.
fn place(from: &Path, to: &Path) -> Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(ExchangeError::Exists(to.to_path_buf()));
    }
    fs::rename(from, to).and_then(|()| sync_folder(parent(to))).at(to)
}

/// The files of one package and where they go.
struct Output {
    files: BTreeMap<String, Vec<u8>>,
    folder: PathBuf,
}

/// Writes packages into their folders and the ledger's new lines into its file: all of it or nothing.
fn commit(ledger: Option<LedgerFile>, outputs: Vec<Output>) -> Result<()> {
    let mut moves = Vec::new();
    let mut held = Vec::new();
    for (n, output) in outputs.iter().enumerate() {
        let folder = parent(&output.folder);
        if !folder.exists() {
            fs::create_dir_all(folder).and_then(|()| sync_folder(parent(folder))).at(folder)?;
        }
        if n == 0 {
            held.extend(lock_folder(folder));
        }
        let twice = outputs[..n].iter().any(|other| other.folder == output.folder);
        if twice || output.folder.symlink_metadata().is_ok() {
            return Err(ExchangeError::Exists(output.folder.clone()));
        }
        let folder = folder.canonicalize().at(folder)?;
        let name = output.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        moves.push((folder.join(format!(".indicia-new-{name}")), folder.join(name)));
    }
    let Some(mut ledger) = ledger else {
        let written = write(&outputs, &moves).and_then(|()| place_all(&moves));
        if written.is_err() {
            for (from, _) in &moves {
                let _ = fs::remove_dir_all(from);
            }
        }
        return written;
    };
    let path = ledger.path.as_path();
    let lines = ledger.ledger.take_new();
    let mut pending = Pending { before: ledger.length, after: None, moves };
    let mut append = || {
        note(path, &pending)?;
        write(&outputs, &pending.moves)?;
        let length = ledger.length + lines.len() as u64;
        pending.after = Some(After { length, sha256: hex(&Sha256::digest(lines.as_bytes())) });
        note(path, &pending)?;
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| sync_folder(parent(path)))
            .at(path)?;
        place_all(&pending.moves)
    };
    match append() {
        Ok(()) => done(path),
        Err(error) => {
            // Such as a disk that is full: what the next process would undo is undone at once.
            let _ = undo(path, &pending);
            Err(error)
        }
    }
}

/// Two processes that write below one folder would meet in it, where no ledger or not the same one keeps them apart.
/// Some file systems cannot lock a folder: then nothing does.
fn lock_folder(folder: &Path) -> Option<File> {
    let folder = if cfg!(unix) { File::open(folder).ok()? } else { return None };
    folder.lock_exclusive().ok()?;
    Some(folder)
}

/// Writes `LEDGER.pending`. Under its own second name, and not one of chance, so that a crash leaves no file that
/// nobody knows of.
fn note(path: &Path, pending: &Pending) -> Result<()> {
    let (new, path) = (beside(path, ".pending.new"), beside(path, ".pending"));
    let bytes = serde_json::to_vec(pending).map_err(io::Error::from).at(&path)?;
    File::create(&new)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, &path))
        .and_then(|()| sync_folder(parent(&path)))
        .at(&path)
}

fn write(outputs: &[Output], moves: &[(PathBuf, PathBuf)]) -> Result<()> {
    outputs.iter().zip(moves).try_for_each(|(output, (from, _))| write_folder(&output.files, from))
}

/// All of them or none.
fn place_all(moves: &[(PathBuf, PathBuf)]) -> Result<()> {
    for (n, (from, to)) in moves.iter().enumerate() {
        if let Err(error) = place(from, to) {
            for (from, to) in &moves[..n] {
                let _ = fs::rename(to, from);
            }
            return Err(error);
        }
    }
    Ok(())
}

fn write_folder(files: &BTreeMap<String, Vec<u8>>, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).at(folder)?;
    }
    fs::create_dir(folder).at(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).at(&path)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).at(&path)?;
    }
    sync_folder(folder).and_then(|()| sync_folder(parent(folder))).at(folder)
}

/// What is to be shared, under which agreements, and when.
#[derive(Debug)]
pub struct Share<'a> {
    /// The agreements. Of those with one id, the stricter of all that are in force counts.
    pub agreements: &'a [Agreement],
    /// The records, with what is known of countries.
    pub records: &'a Records,
    /// Signs the packages.
    pub key: &'a SecretKey,
    /// The time.
    pub now: Time,
}

/// What came of sharing under one agreement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Shared {
    /// `id@version`.
    pub agreement: String,
    /// To whom.
    pub recipient: String,
    /// The folder; absent where nothing goes out, and in a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PathBuf>,
    /// The package's number; 0 where there is none.
    pub counter: u64,
    /// SHA-256 of the manifest: its first 16 digits are read out over the telephone.
    pub manifest: String,
    /// Items that go out.
    pub released: u64,
    /// Notices about earlier items.
    pub notices: u64,
    /// Assertions that stay, by reason; one with two reasons counts for both.
    pub withheld: BTreeMap<&'static str, u64>,
    /// The same by rule.
    pub withheld_by_rule: BTreeMap<&'static str, u64>,
    /// What redaction took out, by class.
    pub removed: BTreeMap<String, u64>,
    /// Released values that hold withheld ones.
    pub carried: u64,
}

/// One agreement's plan, made.
struct Made<'a> {
    agreement: Agreement,
    newest: &'a Agreement,
    plan: Plan,
    package: Option<Package>,
    counter: u64,
}

impl Share<'_> {
    fn make(&self, ledger: &Ledger) -> Result<Vec<Made<'_>>> {
        let superseded: BTreeSet<&str> = self
            .agreements
            .iter()
            .filter(|a| a.is_in_force(self.now))
            .filter_map(|a| a.supersedes.as_deref())
            .collect();
        let mut by_id: BTreeMap<&str, Vec<&Agreement>> = BTreeMap::new();
        for agreement in self.agreements {
            if !superseded.contains(agreement.reference().as_str()) {
                by_id.entry(&agreement.id).or_default().push(agreement);
            }
        }
        let mut made = Vec::new();
        for (id, mut versions) in by_id {
            versions.sort_by_key(|a| std::cmp::Reverse(a.version));
            if versions.iter().any(|a| a.is_in_force(self.now)) {
                versions.retain(|a| a.is_in_force(self.now));
            } else {
                versions.truncate(1);
            }
            let Some((agreement, plan)) = plan::plan(self.records, &versions, ledger, self.now) else {
                continue;
            };
            let counter = ledger.counter(id) + 1;
            let package = if plan.items.is_empty() && plan.notices.is_empty() {
                None
            } else {
                let package = Package::of_plan(&plan, &agreement, counter, self.now);
                Some(package.map_err(|e| ExchangeError::Content(e.to_string()))?)
            };
            made.push(Made { agreement, newest: versions[0], plan, package, counter });
        }
        Ok(made)
    }

    fn shared(&self, made: &Made<'_>, folder: Option<PathBuf>) -> Shared {
        let mut withheld = BTreeMap::new();
        let mut withheld_by_rule = BTreeMap::new();
        for held in &made.plan.held {
            for reason in &held.reasons {
                *withheld.entry(reason.code()).or_default() += 1;
            }
            for rule in held.reasons.iter().map(|r| r.rule()).collect::<BTreeSet<_>>() {
                *withheld_by_rule.entry(rule).or_default() += 1;
            }
        }
        Shared {
            agreement: made.newest.reference(),
            recipient: made.agreement.recipient.party.id.clone(),
            package: folder,
            counter: made.package.as_ref().map_or(0, |_| made.counter),
            manifest: made.package.as_ref().map(Package::digest).unwrap_or_default(),
            released: made.plan.items.len() as u64,
            notices: made.plan.notices.len() as u64,
            withheld,
            withheld_by_rule,
            removed: made.plan.removed().into_iter().map(|(class, n)| (class.to_string(), n)).collect(),
            carried: made.plan.carried.len() as u64,
        }
    }

    /// Makes the packages below a folder, and writes the ledger.
    ///
    /// # Errors
    /// Whatever it is, neither folder nor ledger changed.
    pub fn run(&self, ledger: Option<&Path>, out: &Path) -> Result<Vec<Shared>> {
        self.run_as(ledger, out, None)
    }

    /// As [`Share::run`], but only where it makes exactly what a plan says.
    ///
    /// # Errors
    /// [`ExchangeError::Changed`] names what is not as planned.
    pub fn run_plan(&self, ledger: Option<&Path>, out: &Path, plan: &PlanFile) -> Result<Vec<Shared>> {
        self.run_as(ledger, out, Some(plan))
    }

    fn run_as(&self, ledger: Option<&Path>, out: &Path, plan: Option<&PlanFile>) -> Result<Vec<Shared>> {
        let mut file = ledger.map(|path| LedgerFile::open(path, Some(self.key), self.now)).transpose()?;
        let none = self.no_ledger();
        let view = file.as_ref().map_or(&none, |file| &file.ledger);
        let made = self.make(view)?;
        if let Some(plan) = plan {
            let now = self.plan_file(&made, view);
            let changed = plan.differences(&now);
            if !changed.is_empty() {
                return Err(ExchangeError::Changed(changed));
            }
        }
        let mut outputs = Vec::new();
        let mut all = Vec::new();
        for made in made {
            let reference = &made.newest.reference();
            let folder = out.join(format!("{}-v{}", made.newest.id, made.newest.version));
            let shared = self.shared(&made, made.package.as_ref().map(|_| folder.clone()));
            if let Some(file) = &mut file {
                self.note(&mut file.ledger, &made, &shared, reference);
            }
            if let Some(package) = made.package {
                let fail = |error| ExchangeError::Key { path: folder.clone(), error };
                outputs.push(Output { files: package.sign(self.key).map_err(fail)?, folder: folder.clone() });
            }
            all.push(shared);
        }
        commit(file, outputs)?;
        Ok(all)
    }

    fn no_ledger(&self) -> Ledger {
        Ledger::none(self.agreements.first().map_or("", |a| &a.provider.id))
    }

    fn note(&self, ledger: &mut Ledger, made: &Made<'_>, shared: &Shared, reference: &str) {
        let recipient = &shared.recipient;
        let (agreement, now) = (&made.agreement, self.now);
        for held in &made.plan.held {
            let target = &self.records.all()[held.record].target.observable;
            let event = Event::Withhold {
                agreement: reference.to_string(),
                recipient: recipient.clone(),
                value: ledger.keyed_value(target.kind(), target.key()),
                reasons: held.reasons.iter().map(|r| r.code().to_string()).collect(),
            };
            ledger.push(now, event);
        }
        for (item, (giver, source_id)) in made.plan.items.iter().zip(&made.plan.givers) {
            let line = serde_json::to_vec(&item.record).unwrap_or_default();
            let event = Event::Share {
                agreement: reference.to_string(),
                recipient: recipient.clone(),
                item: item.id.clone(),
                projection: hex(&Sha256::digest(&line)),
                role: item.record.contexts.first().and_then(|c| c.role),
                giver: giver.clone(),
                source_id: source_id.clone(),
                delete_by: item.delete_by,
                notify: item.action == Action::Notify,
            };
            ledger.push(now, event);
        }
        for notice in &made.plan.notices {
            ledger.push(now, revoked(reference, recipient, notice));
        }
        if made.package.is_some() {
            let event = Event::Package {
                agreement: reference.to_string(),
                agreement_sha256: agreement.sha256.clone(),
                provider: agreement.provider.id.clone(),
                recipient: recipient.clone(),
                counter: made.counter,
                manifest: shared.manifest.clone(),
                released: shared.released,
                withheld: shared.withheld.iter().map(|(code, n)| (code.to_string(), *n)).collect(),
            };
            ledger.push(now, event);
        }
    }

    /// Says what would go out, what not, and why; writes nothing but a ledger that is not there yet: not even that.
    ///
    /// # Errors
    /// Those of reading the ledger.
    pub fn dry_run(&self, ledger: Option<&Path>) -> Result<(PlanFile, Vec<Shared>)> {
        let file = match ledger {
            Some(path) if path.exists() => Some(LedgerFile::open(path, Some(self.key), self.now)?),
            _ => None,
        };
        let fresh = match ledger {
            Some(_) => Ledger::new(&self.key.derive("ledger"), self.now),
            None => self.no_ledger(),
        };
        let view = file.as_ref().map_or(&fresh, |file| &file.ledger);
        let made = self.make(view)?;
        let plan = self.plan_file(&made, view);
        Ok((plan, made.iter().map(|made| self.shared(made, None)).collect()))
    }

    fn plan_file(&self, made: &[Made<'_>], ledger: &Ledger) -> PlanFile {
        let records = self.records.all();
        let value = |record: usize| {
            let target = &records[record].target;
            (target.observable.kind().name().to_string(), target.value().into_owned())
        };
        let mut digest = Sha256::new();
        for record in records {
            digest.update(serde_json::to_vec(record).unwrap_or_default());
            digest.update(b"\n");
        }
        let each = |made: &Made<'_>| PlannedPackage {
            agreement: AgreementName {
                id: made.newest.id.clone(),
                version: made.newest.version,
                sha256: made.newest.sha256.clone(),
            },
            recipient: made.agreement.recipient.party.id.clone(),
            counter: made.package.as_ref().map_or(0, |_| made.counter),
            manifest: made.package.as_ref().map(Package::digest).unwrap_or_default(),
            released: made.plan.items.len() as u64,
            withheld: made
                .plan
                .held_by_reason()
                .into_iter()
                .map(|(r, n)| (r.code().to_string(), n))
                .collect(),
            items: made
                .plan
                .items
                .iter()
                .map(|item| PlannedItem {
                    item: item.id.clone(),
                    kind: item.record.target.observable.kind().name().to_string(),
                    value: item.record.target.value().into_owned(),
                    action: item.action.name().to_string(),
                    removed: item.removed.iter().map(|(class, n)| (class.to_string(), *n)).collect(),
                })
                .collect(),
            held: made
                .plan
                .held
                .iter()
                .map(|held| {
                    let (kind, value) = value(held.record);
                    let context = &records[held.record].contexts[held.context];
                    let reasons = held.reasons.iter().map(|r| r.code().to_string()).collect();
                    PlannedHeld {
                        kind,
                        value,
                        producer: context.producer.clone(),
                        feed: context.feed.clone(),
                        reasons,
                    }
                })
                .collect(),
            carried: made.plan.carried.iter().map(|c| (c.item.clone(), value(c.record).1)).collect(),
        };
        PlanFile {
            schema: PLAN_SCHEMA.to_string(),
            as_of: self.now,
            ledger: ledger.head().to_string(),
            records: hex(&digest.finalize()),
            packages: made.iter().map(each).collect(),
        }
    }
}

fn revoked(reference: &str, recipient: &str, notice: &Notice) -> Event {
    Event::Revoke {
        agreement: reference.to_string(),
        recipient: recipient.to_string(),
        item: notice.item.clone(),
        reason: notice.reason.clone(),
    }
}

const PLAN_SCHEMA: &str = "indicia-plan/1";

/// What a dry run writes: what would go out, what not, and why. It holds withheld values: it is for the provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanFile {
    schema: String,
    /// The time of the plan.
    pub as_of: Time,
    /// The hash of the ledger's last line.
    pub ledger: String,
    /// SHA-256 of the records.
    pub records: String,
    /// By agreement.
    pub packages: Vec<PlannedPackage>,
}

/// One package of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedPackage {
    /// Under which text.
    pub agreement: AgreementName,
    /// To whom.
    pub recipient: String,
    /// Its number; 0 where nothing goes out.
    pub counter: u64,
    /// SHA-256 of its manifest.
    pub manifest: String,
    /// How many items.
    pub released: u64,
    /// How many assertions stay, by reason.
    pub withheld: BTreeMap<String, u64>,
    /// The items.
    pub items: Vec<PlannedItem>,
    /// The assertions that stay.
    pub held: Vec<PlannedHeld>,
    /// Released items whose value holds a withheld one, and that one.
    pub carried: Vec<(String, String)>,
}

/// An item of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedItem {
    /// Its id.
    pub item: String,
    /// Its kind.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// What the recipient is asked to do.
    pub action: String,
    /// What redaction takes out.
    pub removed: BTreeMap<String, u64>,
}

/// An assertion that stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedHeld {
    /// Its kind.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// Why.
    pub reasons: Vec<String>,
}

impl PlanFile {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`ExchangeError::Io`], [`ExchangeError::NotAPlan`].
    pub fn read(path: &Path) -> Result<PlanFile> {
        let bytes = read_file(path, 4 << 30)?;
        let plan: Option<PlanFile> = serde_json::from_slice(&bytes).ok();
        plan.filter(|p| p.schema == PLAN_SCHEMA).ok_or_else(|| ExchangeError::NotAPlan(path.to_path_buf()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
        .at(path)
    }

    /// What is other now.
    fn differences(&self, now: &PlanFile) -> Vec<String> {
        let mut all = Vec::new();
        if self.as_of != now.as_of {
            all.push(format!("the time: planned for {}, now {}", self.as_of, now.as_of));
        }
        if self.records != now.records {
            all.push("the records of the feeds".to_string());
        }
        if self.ledger != now.ledger {
            all.push("the ledger, which has gone on since".to_string());
        }
        for planned in &self.packages {
            let name = format!("{}@{}", planned.agreement.id, planned.agreement.version);
            match now.packages.iter().find(|p| p.agreement.id == planned.agreement.id) {
                None => all.push(format!("agreement {name} is not there")),
                Some(p) if p.agreement != planned.agreement => {
                    all.push(format!("the text of agreement {name}"))
                }
                Some(p) if p.counter != planned.counter => {
                    all.push(format!("the number of the package of {name}"))
                }
                Some(p) if p.manifest != planned.manifest => all.push(format!("the package of {name}")),
                // The package would be the same, but somebody may have decided by what the plan says of it.
                Some(p) if p != planned => all.push(format!("what the plan says of {name}")),
                Some(_) => {}
            }
        }
        for p in &now.packages {
            if !self.packages.iter().any(|planned| planned.agreement.id == p.agreement.id) {
                all.push(format!("agreement {}@{} was not planned", p.agreement.id, p.agreement.version));
            }
        }
        if all.is_empty() && self != now {
            all.push("the plan itself".to_string());
        }
        all
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

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

/// Brings records together for sharing and adds what databases know of their addresses. Records of which a database
/// has a broken entry go without it; they are counted.
pub fn gather(records: Vec<Indicator>, sources: &country::Sources<'_>) -> (Records, u64) {
    let mut records = records;
    let broken = records.iter_mut().filter_map(|record| country::enrich(record, sources).err()).count();
    (Records::new(records), broken as u64)
}
