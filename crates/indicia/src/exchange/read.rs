//! Agreements and keys from files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use indicia_exchange::Agreement;
use indicia_exchange::sign::{PublicKey, SecretKey};

use super::{At, ExchangeError, Result};
use crate::write_atomically;

/// Reads a file of at most so many bytes.
pub(super) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).at(path)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large")).at(path);
    }
    Ok(bytes)
}

pub(super) fn read_text(path: &Path, most: u64) -> Result<String> {
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
