//! A ledger's file and the folders of the packages that it tells of: they change together or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs4::fs_std::FileExt;
use indicia_core::Time;
use indicia_exchange::Ledger;
use indicia_exchange::sign::SecretKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{At, ExchangeError, Result, hex};

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

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix can sync a folder.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

pub(super) fn parent(path: &Path) -> &Path {
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
pub(super) struct Output {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) folder: PathBuf,
}

/// Writes packages into their folders and the ledger's new lines into its file: all of it or nothing.
pub(super) fn commit(ledger: Option<LedgerFile>, outputs: Vec<Output>) -> Result<()> {
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
