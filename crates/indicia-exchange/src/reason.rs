//! Why an item is withheld: one table of stable codes, the rule each comes from, and a sentence for people.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $rule:literal $slug:literal $sentence:literal,)*) => {
        /// Why an item is withheld. The slug is stable; `rule` is the rule of `docs/decision.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Withheld { $($(#[$doc])* $variant,)* }

        impl Withheld {
            /// Every reason, in the order in which they are told.
            pub const ALL: &'static [Withheld] = &[$(Withheld::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Withheld::$variant => $slug,)* }
            }

            /// The rule that it comes from.
            pub const fn rule(self) -> &'static str {
                match self { $(Withheld::$variant => $rule,)* }
            }

            /// A sentence for people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Withheld::$variant => $sentence,)* }
            }
        }
    };
}

reasons! {
    /// Outside `valid`.
    NotInForce "R1" "agreement-not-in-force" "the agreement is not in force at this time",
    /// No context says anything.
    NoStatement "R1" "no-statement" "nobody says anything of it",
    /// A role that the agreement does not name.
    Role "R1" "role-out-of-scope" "its role is not one that the agreement shares",
    /// A kind that the agreement does not name.
    Kind "R1" "kind-out-of-scope" "its kind is not one that the agreement shares",
    /// Less sure than the agreement asks.
    Confidence "R1" "confidence-too-low" "nobody is as sure of it as the agreement asks",
    /// No TLP at all.
    Unmarked "R2" "unmarked" "it has no TLP marking, and its source no default; none is not permission",
    /// A marking of a required field forbids.
    TlpCeiling "R3" "tlp-above-ceiling" "its TLP is above the agreement's ceiling",
    /// TLP:RED of somebody else.
    TlpRed "R3" "tlp-red" "somebody else marked it TLP:RED: it stays with those who have it",
    /// TLP:AMBER+STRICT of somebody else.
    TlpAmberStrict "R3" "tlp-amber-strict" "somebody else marked it TLP:AMBER+STRICT: it stays in the organisation",
    /// TLP:AMBER of somebody else.
    TlpAmber "R4" "tlp-amber" "somebody else marked it TLP:AMBER, and the recipient is neither of the organisation nor its client",
    /// TLP:GREEN of somebody else.
    TlpGreen "R3" "tlp-green" "somebody else marked it TLP:GREEN, and the recipient shares no community or is the public",
    /// A marking that nobody here knows.
    UnknownMarking "R5" "unknown-marking" "it has a marking that is not known",
    /// A scheme that the recipient does not understand.
    Scheme "R5" "scheme-not-understood" "it is marked by a scheme that the recipient does not keep",
    /// PAP above the ceiling.
    PapCeiling "R5" "pap-above-ceiling" "its PAP is above the agreement's ceiling",
    /// No country known that counts.
    CountryUnknown "R8" "country-unknown" "no strong fact of an accepted kind says which country it concerns",
    /// Other countries.
    Country "R8" "country-out-of-scope" "it concerns no country of the agreement",
    /// Somebody to notify, and the recipient does not act for their country.
    VictimCountry "R9" "victim-of-another-country" "somebody to notify, whose country the recipient does not act for",
    /// Somebody to notify, and the recipient is none who does that.
    VictimRecipient "R9" "victim-recipient" "somebody to notify, and the recipient is neither police nor a response team",
    /// Somebody to notify, and no purpose for it.
    VictimPurpose "R9" "victim-purpose" "somebody to notify, and the purposes hold neither victim-notification nor investigation",
    /// No common purpose.
    Purpose "R11" "purpose" "its purposes and those of the agreement have nothing in common",
    /// The provider of the item forbids passing on.
    Onward "R11" "not-onward" "who gave it does not let it be passed on to this recipient",
    /// Before `valid_from`.
    NotYetValid "R13" "not-yet-valid" "its time begins later",
    /// After `valid_until`.
    Expired "R13" "expired" "its time is over",
    /// `valid_until` before `valid_from`.
    BadInterval "R13" "bad-interval" "its time ends before it begins",
    /// Older than the agreement shares.
    TooOld "R13" "too-old" "it is older than the agreement shares",
    /// No time, and the agreement has a greatest age.
    NoTime "R13" "no-time" "it has no time, so its age is not known",
    /// Its producer's limit has come.
    DeleteBy "R13" "delete-by-passed" "it should have been deleted by now",
    /// Taken back, by its producer or by a notice of ours.
    Revoked "R14" "revoked" "it was taken back",
    /// Personal by its kind, or nothing is left.
    Personal "R16" "personal" "it is personal, or nothing of it is left after redaction",
    /// The value names who made it or passed it on.
    NamesProducer "R16" "names-producer" "its value names who made it, who is not to be named",
    /// Comes from the recipient, or passed through its hands.
    Echo "R18" "echo" "the recipient made or already passed on this very statement",
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Withheld {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Withheld;

    #[test]
    fn codes_differ() {
        let mut codes: Vec<&str> = Withheld::ALL.iter().map(|r| r.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Withheld::ALL.len());
    }
}
