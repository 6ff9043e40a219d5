//! Handling labels: TLP 2.0 and PAP. The most restrictive wins; none is not permission.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! marking {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $error:ident, $example:literal, { $($(#[$vdoc:meta])* $variant:ident $text:literal,)* }, { $($alias:literal => $to:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every level, least restrictive first.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The lower-case name, as in records.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        #[doc = concat!("Not a ", $prefix, " level.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error("not a {} level; write one such as {}", $prefix, $example)]
        pub struct $error;

        impl FromStr for $name {
            type Err = $error;
            #[doc = "Case-blind, with or without the scheme's name and quotes in front."]
            fn from_str(text: &str) -> Result<$name, $error> {
                let mut text = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
                text.retain(|c| c != '"' && c != '\'');
                let text = text.trim_matches('-');
                let bare = text
                    .strip_prefix($prefix)
                    .map(|rest| rest.trim_start_matches([':', '=', '-']))
                    .unwrap_or(text);
                match bare {
                    $($text => Ok($name::$variant),)*
                    $($alias => Ok($name::$to),)*
                    _ => Err($error),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

marking! {
    /// Traffic Light Protocol 2.0: who may see it. Ordered from least to most restrictive.
    ///
    /// ```
    /// use indicia_core::Tlp;
    /// assert!(Tlp::AmberStrict > Tlp::Amber);
    /// assert_eq!("TLP:WHITE".parse(), Ok(Tlp::Clear));
    /// ```
    Tlp, "tlp", NotATlp, "amber", {
        /// No limit on disclosure (`white` in TLP 1).
        Clear "clear",
        /// Limited to the community.
        Green "green",
        /// Limited to the recipient's organisation and its clients.
        Amber "amber",
        /// Limited to the recipient's organisation.
        AmberStrict "amber+strict",
        /// For the eyes of individual recipients only.
        Red "red",
    }, { "white" => Clear, "amber-strict" => AmberStrict, "amber+-strict" => AmberStrict, }
}

marking! {
    /// Permissible Actions Protocol: what may be done with it. Ordered from least to most restrictive.
    Pap, "pap", NotAPap, "green", {
        /// No limit on use (`white` in older texts).
        Clear "clear",
        /// Active actions against the source are allowed, such as blocking.
        Green "green",
        /// Passive use with the help of third parties.
        Amber "amber",
        /// Passive use that cannot be noticed from outside.
        Red "red",
    }, { "white" => Clear, }
}

impl Pap {
    /// Whether a value marked so may be blocked, which its operator notices.
    pub fn allows_blocking(self) -> bool {
        self <= Pap::Green
    }

    /// Whether a value marked so may be handed to tools that look for it, third parties' among them.
    pub fn allows_detection(self) -> bool {
        self <= Pap::Amber
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, level) in [
            ("TLP:AMBER+STRICT", Tlp::AmberStrict),
            ("tlp:amber+strict", Tlp::AmberStrict),
            ("TLP: Red", Tlp::Red),
            ("tlp:white", Tlp::Clear),
            ("tlp-green", Tlp::Green),
            ("amber strict", Tlp::AmberStrict),
        ] {
            assert_eq!(text.parse(), Ok(level), "{text}");
        }
        assert!("chartreuse".parse::<Tlp>().is_err());
        assert_eq!("PAP:WHITE".parse(), Ok(Pap::Clear));
        assert_eq!(serde_json::to_string(&Tlp::AmberStrict).unwrap(), "\"amber+strict\"");
    }
}
