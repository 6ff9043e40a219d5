//! Signatures in minisign's form: Ed25519 over BLAKE2b of the content, by the `minisign` crate.
//!
//! A signature has exactly one spelling that is taken: what [`SecretKey::sign`] writes, with our untrusted comment.
//! Debian's `minisign -V` takes it too. A public key is written as its base64 line, `RW…`.

use std::fmt;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minisign::{KeyPair, SecretKeyBox, SignatureBones, SignatureBox};

/// The first line of every signature, which nothing protects: so it is always the same.
const UNTRUSTED: &str = "indicia package";

/// How a signature over the BLAKE2b-512 of a content begins.
const PREHASHED: [u8; 2] = *b"ED";

/// A signature is not longer.
pub const MAX_SIGNATURE: usize = 4096;

/// What is wrong with a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Not a public key.
    #[error("not a minisign public key: give the file, or its line that begins with RW")]
    PublicKey,
    /// Not a secret key.
    #[error("not a minisign secret key")]
    SecretKey,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the key")]
    Passphrase,
    /// Keys could not be made.
    #[error("no key could be made")]
    Generate,
    /// Could not sign.
    #[error("the content could not be signed")]
    Sign,
    /// The signature is not in the one spelling that is taken.
    #[error("the signature is not written as it must be")]
    Spelling,
    /// The signature is by another key, or over another content.
    #[error("the signature does not fit the content and the key")]
    Mismatch,
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(minisign::PublicKey);

impl PublicKey {
    /// Reads a key: its base64 line, or the whole file with its comment line.
    pub fn parse(text: &str) -> Result<PublicKey, SignError> {
        let line = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
        let key = minisign::PublicKey::from_base64(line).map_err(|_| SignError::PublicKey)?;
        // The crate does not look at the two bytes that name the algorithm.
        let names_it = STANDARD.decode(line).is_ok_and(|bytes| bytes.starts_with(b"Ed"));
        if key.to_base64() != line || !names_it {
            return Err(SignError::PublicKey);
        }
        Ok(PublicKey(key))
    }

    /// The file that `minisign -p` takes.
    pub fn to_file(&self) -> String {
        format!("untrusted comment: minisign public key of indicia\n{self}\n")
    }

    /// The number by which signatures name the key.
    pub fn id(&self) -> [u8; 8] {
        self.0.keynum().first_chunk().copied().unwrap_or_default()
    }

    /// Checks a signature that [`SecretKey::sign_bytes`] made.
    ///
    /// # Errors
    /// [`SignError::Mismatch`] where it is by another key or over another content.
    pub fn verify_bytes(&self, content: &[u8], id: [u8; 8], signature: &[u8; 64]) -> Result<(), SignError> {
        let mut bytes = PREHASHED.to_vec();
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(signature);
        let signature = SignatureBones::from_bytes(&bytes).map_err(|_| SignError::Mismatch)?;
        minisign::verify(&self.0, &signature.into(), Cursor::new(content), true, false, false)
            .map_err(|_| SignError::Mismatch)
    }

    /// Checks that a signature is this key's over a content, and gives its trusted comment.
    ///
    /// # Errors
    /// [`SignError::Spelling`] where a byte of it could be another without harm, [`SignError::Mismatch`].
    pub fn verify(&self, content: &[u8], signature: &[u8]) -> Result<String, SignError> {
        let text = std::str::from_utf8(signature).map_err(|_| SignError::Spelling)?;
        if text.len() > MAX_SIGNATURE {
            return Err(SignError::Spelling);
        }
        // The `minisign` crate takes the last line at any length: it leaves what is behind the signature, and panics
        // where the signature is cut.
        let last = text.lines().nth(3).and_then(|line| STANDARD.decode(line).ok());
        if last.is_none_or(|bytes| bytes.len() != 64) {
            return Err(SignError::Spelling);
        }
        let parsed = SignatureBox::from_string(text).map_err(|_| SignError::Spelling)?;
        let comment = parsed.trusted_comment().map_err(|_| SignError::Spelling)?;
        let untrusted = parsed.untrusted_comment().map_err(|_| SignError::Spelling)?;
        if parsed.clone().into_string() != text || untrusted != UNTRUSTED || !parsed.is_prehashed() {
            return Err(SignError::Spelling);
        }
        minisign::verify(&self.0, &parsed, Cursor::new(content), true, false, false)
            .map_err(|_| SignError::Mismatch)?;
        Ok(comment)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_base64())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A secret key, opened.
pub struct SecretKey {
    secret: minisign::SecretKey,
    public: PublicKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public)
    }
}

impl SecretKey {
    /// Makes a pair of keys: the text of the secret key's file, closed by the passphrase where there is one, and
    /// the public key.
    pub fn generate(passphrase: Option<&str>) -> Result<(String, PublicKey), SignError> {
        let pair = match passphrase {
            Some(words) => KeyPair::generate_encrypted_keypair(Some(words.to_string())),
            None => KeyPair::generate_unencrypted_keypair(),
        };
        let KeyPair { pk, sk } = pair.map_err(|_| SignError::Generate)?;
        let text = sk.to_box(Some("indicia secret key")).map_err(|_| SignError::Generate)?.into_string();
        Ok((text, PublicKey(pk)))
    }

    /// Whether a secret key's file wants a passphrase.
    pub fn is_closed(text: &str) -> Result<bool, SignError> {
        let line = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
        let bytes = STANDARD.decode(line).map_err(|_| SignError::SecretKey)?;
        // Bytes 2 and 3 name how the passphrase opens it: `Sc`, or none.
        match bytes.get(2..4) {
            Some([0, 0]) => Ok(false),
            Some(_) => Ok(true),
            None => Err(SignError::SecretKey),
        }
    }

    /// Opens a secret key's file.
    pub fn open(text: &str, passphrase: Option<&str>) -> Result<SecretKey, SignError> {
        let closed = SecretKey::is_closed(text)?;
        let file = SecretKeyBox::from_string(text).map_err(|_| SignError::SecretKey)?;
        let secret = if closed {
            let words = passphrase.ok_or(SignError::Passphrase)?.to_string();
            file.into_secret_key(Some(words)).map_err(|_| SignError::Passphrase)?
        } else {
            match unsummed(text) {
                Some(secret) => secret,
                None => file.into_unencrypted_secret_key().map_err(|_| SignError::SecretKey)?,
            }
        };
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(|_| SignError::SecretKey)?;
        Ok(SecretKey { secret, public: PublicKey(public) })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A secret of its own for each purpose, made from the key: the same key, the same secret.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        hasher.update(b"indicia secret\0");
        hasher.update(purpose.as_bytes());
        hasher.update([0]);
        hasher.update(self.secret.to_bytes());
        hasher.finalize().into()
    }

    /// Signs a content in the fewest bytes: the key's number and the Ed25519 signature over the content's BLAKE2b-512,
    /// without comments.
    pub fn sign_bytes(&self, content: &[u8]) -> Result<([u8; 8], [u8; 64]), SignError> {
        let signed = minisign::sign(None, &self.secret, Cursor::new(content), Some("-"), Some(UNTRUSTED))
            .map_err(|_| SignError::Sign)?;
        let bytes = SignatureBones::from(signed).to_bytes();
        match (bytes.get(2..10).and_then(<[u8]>::first_chunk), bytes.get(10..).and_then(<[u8]>::first_chunk))
        {
            (Some(id), Some(signature)) if bytes.len() == 74 => Ok((*id, *signature)),
            _ => Err(SignError::Sign),
        }
    }

    /// Signs a content; `comment` is covered by the signature and shown to who checks it.
    pub fn sign(&self, content: &[u8], comment: &str) -> Result<String, SignError> {
        let comment: String = comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        minisign::sign(None, &self.secret, Cursor::new(content), Some(&comment), Some(UNTRUSTED))
            .map(SignatureBox::into_string)
            .map_err(|_| SignError::Sign)
    }
}

/// The key of a file that `minisign -W` made: it leaves the check sum of an open key empty, which the crate takes for a
/// broken one.
fn unsummed(text: &str) -> Option<minisign::SecretKey> {
    const LENGTH: usize = 158;
    let line = text.lines().map(str::trim).rfind(|l| !l.is_empty())?;
    let bytes = STANDARD.decode(line).ok()?;
    let whole = bytes.len() == LENGTH && bytes.starts_with(b"Ed") && bytes[4..6] == *b"B2";
    (whole && bytes[LENGTH - 32..].iter().all(|b| *b == 0))
        .then(|| minisign::SecretKey::from_bytes(&bytes).ok())
        .flatten()
}
