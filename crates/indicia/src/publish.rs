//! What a publisher says of a set, and what who opens it asks for.
//!
//! A set file has room for a sequence (which of a publisher's sets is the newer one), for the last second of its use,
//! and for a signature over these two, its content's digest and the version of its format. [`OpenOptions`] refuses what
//! is not signed by a key, older than a set seen before, past its time, or changed.

#[cfg(feature = "exchange")]
use indicia_exchange::sign::{PublicKey, SecretKey, SignError};

use std::path::Path;

use crate::{Error, IndicatorSet, Reason, SetError, Stamp, Time};

/// What a set must be to be opened. By default everything is, as by [`IndicatorSet::open`].
///
/// ```no_run
/// # #[cfg(feature = "exchange")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use indicia::{IndicatorSet, OpenOptions, exchange};
/// let options = OpenOptions {
///     key: Some(exchange::read_public_key("vendor.pub".as_ref())?),
///     min_sequence: 41,
///     now: Some("2017-11-02T00:00:00Z".parse()?),
/// };
/// let set = IndicatorSet::open_with("week.ind", &options)?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "exchange"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The set carries this key's signature, and is as it was signed. All of the file is read for that.
    #[cfg(feature = "exchange")]
    pub key: Option<PublicKey>,
    /// Its sequence is not below this. Only a signature keeps others from writing another number there.
    pub min_sequence: u64,
    /// The time that counts as now: the set's use is not over. `None`: any time will do.
    pub now: Option<Time>,
}

/// A set that its reader does not want.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unwanted {
    /// A signature was asked for.
    #[error("{}", Reason::SetUnsigned)]
    Unsigned,
    /// Signed by somebody else.
    #[error("{}: {}", Reason::SetKey, key_name(.0))]
    Key([u8; 8]),
    /// The signature is not over this sequence, end of use and content.
    #[error("{}", Reason::SetSignature)]
    Signature,
    /// The content is not the one of the digest that was signed.
    #[error("{0}")]
    Changed(#[from] SetError),
    /// Its use is over.
    #[error("{}: {not_after}", Reason::SetExpired)]
    Expired {
        /// The last second of its use.
        not_after: Time,
    },
    /// An older one.
    #[error("{}: it has sequence {found}, and {least} is the least", Reason::SetSequence)]
    Sequence {
        /// Its sequence.
        found: u64,
        /// The least that was asked for.
        least: u64,
    },
}

impl Unwanted {
    /// The stable reason.
    pub fn reason(&self) -> Reason {
        match self {
            Unwanted::Unsigned => Reason::SetUnsigned,
            Unwanted::Key(_) => Reason::SetKey,
            Unwanted::Signature => Reason::SetSignature,
            Unwanted::Changed(error) => error.reason(),
            Unwanted::Expired { .. } => Reason::SetExpired,
            Unwanted::Sequence { .. } => Reason::SetSequence,
        }
    }
}

/// The number of a key as `minisign` writes it.
pub fn key_name(id: &[u8; 8]) -> String {
    format!("{:X}", u64::from_le_bytes(*id))
}

impl OpenOptions {
    /// Checks a set before it is used.
    ///
    /// # Errors
    /// The first thing that is not as asked for: signature, then sequence, then time.
    pub fn check(&self, set: &indicia_core::IndicatorSet) -> Result<(), Unwanted> {
        #[cfg(feature = "exchange")]
        if let Some(key) = &self.key {
            let (id, signature) = set.signature().ok_or(Unwanted::Unsigned)?;
            if id != key.id() {
                return Err(Unwanted::Key(id));
            }
            let signed = key.verify_bytes(&set.signed_message(), id, &signature);
            signed.map_err(|_| Unwanted::Signature)?;
            set.verify()?;
        }
        if set.sequence() < self.min_sequence {
            return Err(Unwanted::Sequence { found: set.sequence(), least: self.min_sequence });
        }
        match set.not_after() {
            // To the second: the file has no more.
            Some(not_after) if self.now.is_some_and(|now| now.unix() > not_after.unix()) => {
                Err(Unwanted::Expired { not_after })
            }
            _ => Ok(()),
        }
    }

    /// Whether only what is signed may be read: nothing but a set can be.
    pub fn wants_signature(&self) -> bool {
        #[cfg(feature = "exchange")]
        return self.key.is_some();
        #[cfg(not(feature = "exchange"))]
        false
    }
}

impl IndicatorSet {
    /// As [`IndicatorSet::open`], and checks that the set is what is asked for.
    ///
    /// # Errors
    /// Those of [`IndicatorSet::open`], and [`Error::Unwanted`].
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<IndicatorSet, Error> {
        let set = IndicatorSet::open(&path)?;
        match options.check(&set) {
            Ok(()) => Ok(set),
            Err(source) => Err(Error::Unwanted { path: path.as_ref().into(), source }),
        }
    }

    /// The set with another word of its publisher: sequence, end of use, signature. Its content and digest are the same.
    ///
    /// # Errors
    /// When the set's file was changed while it was open.
    pub fn stamped(&self, stamp: &Stamp) -> Result<IndicatorSet, SetError> {
        let copy = indicia_core::IndicatorSet::from_bytes(self.as_bytes())?;
        copy.stamped(stamp).map(IndicatorSet::from)
    }

    /// The set, signed together with its sequence and end of use.
    ///
    /// # Errors
    /// When it cannot be signed.
    #[cfg(feature = "exchange")]
    pub fn signed(
        &self,
        key: &SecretKey,
        sequence: u64,
        not_after: Option<Time>,
    ) -> Result<IndicatorSet, SignError> {
        let fail = |_| SignError::Sign;
        let mut stamp = Stamp { sequence, not_after, signature: None };
        let set = self.stamped(&stamp).map_err(fail)?;
        let (key_id, bytes) = key.sign_bytes(&set.signed_message())?;
        stamp.signature = Some(crate::Signature { key_id, bytes });
        set.stamped(&stamp).map_err(fail)
    }
}
