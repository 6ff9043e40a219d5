//! The agreement: under which rules one party shares with another, as a file.
//!
//! Schema `indicia-agreement/1`, in TOML. An absent limit is no limit, an absent permission is no permission. All
//! mistakes of a file are told at once, each with its line and field; `docs/agreement-1.md` describes every field.

mod explain;
mod read;

use std::collections::BTreeSet;
use std::fmt;

use indicia_core::{Kind, Pap, Role, Time, Tlp};
use serde::{Deserialize, Serialize};

pub use read::{AgreementErrors, Problem};

/// The schema that is read.
pub const SCHEMA: &str = "indicia-agreement/1";

/// The rules under which one party shares with another.
///
/// ```
/// # let text = indicia_exchange::EXAMPLE_AGREEMENT;
/// use indicia_exchange::Agreement;
/// let agreement = Agreement::parse(text)?;
/// assert_eq!(agreement.reference(), "vendor-body-2017@3");
/// let errors = Agreement::parse(&text.replace("until = 2020", "until = 2016")).unwrap_err();
/// assert!(errors.to_string().contains("valid: ends before it begins"));
/// # Ok::<(), indicia_exchange::AgreementErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Agreement {
    /// Its name, which all versions share.
    pub id: String,
    /// Counts up with each new text.
    pub version: u32,
    /// The agreement that this one replaces, as `id@version`.
    pub supersedes: Option<String>,
    /// A title for people.
    pub title: Option<String>,
    /// The legal text behind it.
    pub legal_reference: String,
    /// When it is in force, inclusive.
    pub from: Time,
    /// When it ends, exclusive.
    pub until: Time,
    /// Who shares.
    pub provider: Party,
    /// With whom.
    pub recipient: Recipient,
    /// What may be shared.
    pub scope: Scope,
    /// How sensitive it may be.
    pub ceiling: Ceiling,
    /// What the recipient may do.
    pub handling: Handling,
    /// For how many days the recipient may keep an item.
    pub retention_days: u32,
    /// The redaction profile.
    pub redaction: String,
    /// The answers that the provider takes.
    pub feedback: BTreeSet<Answer>,
    /// Permissions of producers to share more widely than their marking says.
    pub consents: Vec<Consent>,
    /// SHA-256 of the text, in hex: what packages name it by.
    pub sha256: String,
}

/// Who takes part.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Party {
    /// Its name.
    pub id: String,
    /// The organisation that it belongs to; its own name if none is given.
    pub organisation: String,
    /// The keys that its packages are signed with.
    pub keys: Vec<TrustedKey>,
    /// The communities that it is in (TLP's "community").
    pub communities: BTreeSet<String>,
}

/// A public key in minisign's base64, and when it ends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrustedKey {
    /// The key, `RW…`.
    pub key: String,
    /// Signatures of packages made at this time or later do not count.
    pub until: Option<Time>,
}

/// With whom is shared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recipient {
    /// Name, organisation, keys and communities.
    pub party: Party,
    /// What it is.
    pub kind: RecipientKind,
    /// The countries that it acts for, ISO 3166-1 alpha-2.
    pub countries: BTreeSet<String>,
    /// Whether it is a client in the sense of TLP. Never assumed.
    pub client: bool,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word in files.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The one that a word names.
            pub fn from_name(name: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|word| word.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

words! {
    /// What a recipient is.
    RecipientKind {
        /// A national police.
        Police "police",
        /// An international body of police, acting for countries.
        PoliceInternational "police-international",
        /// A sector's sharing centre.
        Isac "isac",
        /// A team that answers incidents of a constituency.
        Csirt "csirt",
        /// A company that protects others.
        Vendor "vendor",
        /// Anybody.
        Public "public",
    }
}

words! {
    /// What a country fact rests on.
    Basis {
        /// The address is routed or registered there.
        Hosting "hosting",
        /// The name's top-level domain is the country's.
        Cctld "cctld",
        /// The victim is there.
        Victim "victim",
        /// The registrant of the name or address is there.
        Registrant "registrant",
        /// An analyst says so.
        Statement "statement",
    }
}

words! {
    /// What an item may be used for.
    Purpose {
        /// Keeping it out.
        Prevention "prevention",
        /// Finding it.
        Detection "detection",
        /// Finding out about a crime.
        Investigation "investigation",
        /// Proving it.
        Evidence "evidence",
        /// Telling those who were broken into.
        VictimNotification "victim-notification",
        /// Having it switched off.
        Takedown "takedown",
        /// Counting.
        Statistics "statistics",
        /// Studying.
        Research "research",
    }
}

words! {
    /// To whom the recipient may pass an item on.
    Onward {
        /// To nobody.
        None "none",
        /// To whom the provider agrees to, each time.
        Consent "consent",
        /// Inside its organisation.
        Organisation "organisation",
        /// To those listed.
        Listed "listed",
    }
}

words! {
    /// Whether the producer of an item is named.
    Attribution {
        /// It can be.
        May "may",
        /// It has to be.
        Must "must",
        /// It is not, and nothing that points to it.
        MustNot "must-not",
    }
}

words! {
    /// What a recipient can answer.
    Answer {
        /// It was seen.
        Sighting "sighting",
        /// It was looked for and not seen.
        NotSeen "not-seen",
        /// It is harmless.
        FalsePositive "false-positive",
        /// It was switched off.
        TakenDown "taken-down",
        /// Its owner was told.
        Notified "notified",
        /// It belongs to somebody harmless.
        BenignOwner "benign-owner",
    }
}

words! {
    /// A scheme of markings.
    Scheme {
        /// Traffic Light Protocol 2.0.
        Tlp "tlp",
        /// Permissible Actions Protocol.
        Pap "pap",
        /// A statement in words, such as a copyright notice.
        Statement "statement",
    }
}

impl Answer {
    /// What it says, for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Answer::Sighting => "You found it in your logs or systems.",
            Answer::NotSeen => "You looked and did not find it.",
            Answer::FalsePositive => "It is harmless; the item is wrong.",
            Answer::TakenDown => "It was taken down or cleaned.",
            Answer::Notified => "You told its owner.",
            Answer::BenignOwner => "Its owner is known to you and is no offender.",
        }
    }
}

/// All, or those listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllOr<T> {
    /// All.
    All,
    /// Those; an empty list permits nothing.
    Only(BTreeSet<T>),
}

impl<T: Ord> AllOr<T> {
    /// Whether one is among them.
    pub fn contains(&self, one: &T) -> bool {
        match self {
            AllOr::All => true,
            AllOr::Only(set) => set.contains(one),
        }
    }
}

/// What may be shared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scope {
    /// Roles; `all` leaves out those to notify, who must be named.
    pub roles: AllOr<Role>,
    /// Kinds; `all` leaves out `other` and kinds that name a person, which must be named.
    pub kinds: AllOr<Kind>,
    /// Countries that an item must concern.
    pub countries: AllOr<String>,
    /// What that may rest on.
    pub basis: BTreeSet<Basis>,
    /// Whether an item without a strong fact about its country goes out.
    pub send_unknown_country: bool,
    /// The oldest that an item may be.
    pub max_age_days: Option<u32>,
    /// The least sure that an item may be, 0-100.
    pub min_confidence: Option<f64>,
    /// Suffixes of government names beside the known ones.
    pub extra_government_suffixes: Vec<String>,
}

/// How sensitive an item may be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ceiling {
    /// The most restrictive TLP that goes out.
    pub tlp: Tlp,
    /// The most restrictive PAP that goes out.
    pub pap: Option<Pap>,
    /// Schemes of marking that the recipient understands and keeps.
    pub schemes: BTreeSet<Scheme>,
}

/// What the recipient may do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Handling {
    /// For what.
    pub purposes: BTreeSet<Purpose>,
    /// Passing on.
    pub onward: Onward,
    /// To these, where `onward` is `listed`.
    pub onward_to: BTreeSet<String>,
    /// Naming the producer.
    pub attribution: Attribution,
    /// Lists that carry no marking may go with a signed file that does.
    pub sidecar: bool,
    /// Roles to notify that may stand in block lists all the same.
    pub block_roles: BTreeSet<Role>,
}

/// A producer's permission to share items more widely than they are marked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Consent {
    /// The producer.
    pub who: String,
    /// When it was given.
    pub when: Time,
    /// Where it is written.
    pub reference: String,
    /// The items, by id.
    pub items: BTreeSet<String>,
    /// The marking that they may go out with.
    pub tlp: Tlp,
}

impl Agreement {
    /// `id@version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Whether it is in force: from its first day up to, and not including, its end.
    pub fn is_in_force(&self, now: Time) -> bool {
        self.from <= now && now < self.until
    }
}
