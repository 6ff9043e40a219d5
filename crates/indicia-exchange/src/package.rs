//! The package: the files that one recipient gets, a manifest that names each by length and digest, and a signature
//! over the manifest's bytes.
//!
//! Everything but the signature is the same for the same plan. `docs/package-1.md` describes the form, so that
//! another program can check a package; a person can, with `sha256sum` and `minisign`.

mod files;

use std::collections::BTreeMap;

use indicia_core::{Pap, Time, Tlp};
use indicia_feeds::FeedError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::agreement::Agreement;
use crate::plan::{Notice, Plan};
use crate::sign::{SecretKey, SignError};

/// The schema of the manifest.
pub const SCHEMA: &str = "indicia-package/1";
/// The name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// The name of the signature.
pub const SIGNATURE: &str = "manifest.json.minisig";
/// A package counts for so many days: long enough to travel by hand, short enough that an old one does not pass for
/// the state of things.
pub(crate) const VALID_DAYS: i64 = 90;

/// What a package holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PackageType {
    /// Items, and notices about earlier ones.
    Indicators,
    /// Notices that items are taken back.
    Notices,
    /// Answers of a recipient.
    Feedback,
}

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub type_: PackageType,
    /// Who made it.
    pub from: String,
    /// For whom.
    pub to: String,
    /// Under which text.
    pub agreement: AgreementName,
    /// Counts up with each package of this agreement in this direction.
    pub counter: u64,
    /// When it was made.
    pub created: Time,
    /// When it stops to count.
    pub valid_until: Time,
    /// The strictest marking in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
    /// The strictest marking in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pap: Option<Pap>,
    /// Every file but the manifest and its signature, by name.
    pub files: Vec<FileEntry>,
}

/// The name of an agreement's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementName {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its text, in hex.
    pub sha256: String,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, without folders.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256, in hex.
    pub sha256: String,
    /// The strictest marking in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
}

/// A package that is not signed yet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Package {
    /// What the manifest says.
    pub manifest: Manifest,
    /// The manifest's bytes.
    pub manifest_bytes: Vec<u8>,
    /// The other files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Package {
    /// Packs a plan; one without items as notices, which are taken after the agreement's end too.
    ///
    /// # Errors
    /// Those of the writers, into memory.
    pub fn of_plan(
        plan: &Plan,
        agreement: &Agreement,
        counter: u64,
        now: Time,
    ) -> Result<Package, FeedError> {
        let head = Head::new(PackageType::Indicators, agreement, counter, now);
        if plan.items.is_empty() {
            let Head { agreement, from, to, .. } = head;
            return Ok(Package::of_notices(&plan.notices, &agreement, &from, &to, counter, now));
        }
        let files = files::of_plan(plan, agreement, &head)?;
        let tlp = plan.items.iter().filter_map(|item| item.record.contexts[0].tlp).max();
        let pap = plan.items.iter().filter_map(|item| item.record.contexts[0].pap).max();
        Ok(head.pack(files, tlp, pap))
    }

    /// Packs notices that items are taken back.
    pub fn of_notices(
        notices: &[Notice],
        agreement: &AgreementName,
        from: &str,
        to: &str,
        counter: u64,
        now: Time,
    ) -> Package {
        let head = Head {
            type_: PackageType::Notices,
            from: from.to_string(),
            to: to.to_string(),
            agreement: agreement.clone(),
            counter,
            now,
            valid_until: crate::decide::after_days(now, VALID_DAYS),
        };
        let files = files::of_notices(notices, &head);
        head.pack(files, None, None)
    }

    /// Packs the answers of a recipient, on their way back.
    pub fn of_feedback(
        answers: &[crate::feedback::Answered],
        agreement: &Agreement,
        counter: u64,
        now: Time,
    ) -> Package {
        let mut head = Head::new(PackageType::Feedback, agreement, counter, now);
        std::mem::swap(&mut head.from, &mut head.to);
        head.valid_until = crate::decide::after_days(now, VALID_DAYS);
        let files = files::of_feedback(answers, &head);
        head.pack(files, None, None)
    }

    /// SHA-256 of the manifest, in hex. Its first 16 digits are read out over the telephone.
    pub fn digest(&self) -> String {
        crate::hex(&Sha256::digest(&self.manifest_bytes))
    }

    /// All files with manifest and signature: what is written into the folder.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn sign(mut self, key: &SecretKey) -> Result<BTreeMap<String, Vec<u8>>, SignError> {
        let m = &self.manifest;
        let comment =
            format!("{}@{} package {} for {}", m.agreement.id, m.agreement.version, m.counter, m.to);
        let signature = key.sign(&self.manifest_bytes, &comment)?;
        self.files.insert(MANIFEST.to_string(), self.manifest_bytes);
        self.files.insert(SIGNATURE.to_string(), signature.into_bytes());
        Ok(self.files)
    }
}

/// What a manifest says before there are files.
pub(crate) struct Head {
    type_: PackageType,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) agreement: AgreementName,
    pub(crate) counter: u64,
    pub(crate) now: Time,
    pub(crate) valid_until: Time,
}

impl Head {
    fn new(type_: PackageType, agreement: &Agreement, counter: u64, now: Time) -> Head {
        Head {
            type_,
            from: agreement.provider.id.clone(),
            to: agreement.recipient.party.id.clone(),
            agreement: AgreementName {
                id: agreement.id.clone(),
                version: agreement.version,
                sha256: agreement.sha256.clone(),
            },
            counter,
            now,
            valid_until: crate::decide::after_days(now, VALID_DAYS).min(agreement.until),
        }
    }

    fn pack(self, files: BTreeMap<String, files::File>, tlp: Option<Tlp>, pap: Option<Pap>) -> Package {
        let entry = |(path, file): (&String, &files::File)| FileEntry {
            path: path.clone(),
            length: file.bytes.len() as u64,
            sha256: crate::hex(&Sha256::digest(&file.bytes)),
            tlp: file.tlp,
        };
        let manifest = Manifest {
            schema: SCHEMA.to_string(),
            type_: self.type_,
            from: self.from,
            to: self.to,
            agreement: self.agreement,
            counter: self.counter,
            created: self.now,
            valid_until: self.valid_until,
            tlp,
            pap,
            files: files.iter().map(entry).collect(),
        };
        let manifest_bytes = manifest.to_bytes();
        let files = files.into_iter().map(|(path, file)| (path, file.bytes)).collect();
        Package { manifest, manifest_bytes, files }
    }
}

impl Manifest {
    /// The one spelling of a manifest.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts, numbers and times: there is nothing that JSON could not hold.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}
