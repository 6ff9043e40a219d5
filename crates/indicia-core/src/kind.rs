//! The closed list of kinds: what a value *is*, with final numbers and names.
//!
//! Numbers are those of the C header and of the set file; they are never reused. New kinds are appended
//! before [`Kind::Other`], which stays 255.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal,)*) => {
        /// The type of an observable.
        ///
        /// ```
        /// use indicia_core::Kind;
        /// assert_eq!(Kind::Ipv4 as u8, 1);
        /// assert_eq!("ip-range".parse(), Ok(Kind::IpRange));
        /// assert_eq!(Kind::IpRange.name(), "ip-range");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $variant = $number,)* }

        impl Kind {
            /// Every kind, by number.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The stable name, as in records and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// The kind with this number.
            pub const fn from_number(number: u8) -> Option<Kind> {
                match number { $($number => Some(Kind::$variant),)* _ => None }
            }

            /// The kind with exactly this name.
            pub fn from_name(name: &str) -> Option<Kind> {
                match name { $($name => Some(Kind::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// An IPv4 address.
    Ipv4 = 1 "ipv4",
    /// An IPv6 address, IPv4-mapped ones included.
    Ipv6 = 2 "ipv6",
    /// A network in CIDR notation, of either family.
    Cidr = 3 "cidr",
    /// An inclusive range of addresses, `first-last`.
    IpRange = 4 "ip-range",
    /// An address or a name with a port.
    Endpoint = 5 "endpoint",
    /// A domain name of two labels or more, onion names included.
    Domain = 6 "domain",
    /// A URL, with or without its scheme.
    Url = 7 "url",
    /// An e-mail address.
    Email = 8 "email",
    /// An autonomous system number.
    Asn = 9 "asn",
    /// A hardware address (EUI-48 or EUI-64).
    Mac = 10 "mac",
    /// An MD5 digest.
    Md5 = 11 "md5",
    /// A SHA-1 digest.
    Sha1 = 12 "sha1",
    /// A SHA-224 digest.
    Sha224 = 13 "sha224",
    /// A SHA-256 digest.
    Sha256 = 14 "sha256",
    /// A SHA-384 digest.
    Sha384 = 15 "sha384",
    /// A SHA-512 digest.
    Sha512 = 16 "sha512",
    /// An ssdeep fuzzy hash.
    Ssdeep = 17 "ssdeep",
    /// A TLSH locality-sensitive hash.
    Tlsh = 18 "tlsh",
    /// The MD5 of a PE file's import table.
    Imphash = 19 "imphash",
    /// The Authenticode digest of a PE file.
    Authentihash = 20 "authentihash",
    /// A JA3 fingerprint of a TLS client.
    Ja3 = 21 "ja3",
    /// A JA3S fingerprint of a TLS server.
    Ja3s = 22 "ja3s",
    /// A JA4 fingerprint.
    Ja4 = 23 "ja4",
    /// A JARM fingerprint of a TLS server.
    Jarm = 24 "jarm",
    /// A HASSH fingerprint of an SSH end.
    Hassh = 25 "hassh",
    /// The SHA-1 thumbprint of a certificate.
    X509Sha1 = 26 "x509-sha1",
    /// The SHA-256 thumbprint of a certificate.
    X509Sha256 = 27 "x509-sha256",
    /// The serial number of a certificate, in hexadecimal.
    X509Serial = 28 "x509-serial",
    /// A Bitcoin address.
    Bitcoin = 29 "bitcoin",
    /// A Litecoin address.
    Litecoin = 30 "litecoin",
    /// A Dogecoin address.
    Dogecoin = 31 "dogecoin",
    /// A Bitcoin Cash address.
    BitcoinCash = 32 "bitcoin-cash",
    /// A Dash address.
    Dash = 33 "dash",
    /// A Zcash address.
    Zcash = 34 "zcash",
    /// An Ethereum address.
    Ethereum = 35 "ethereum",
    /// A Tron address.
    Tron = 36 "tron",
    /// An XRP Ledger address.
    Ripple = 37 "ripple",
    /// A Monero address.
    Monero = 38 "monero",
    /// A Solana address.
    Solana = 39 "solana",
    /// A CVE identifier.
    Cve = 40 "cve",
    /// A MITRE ATT&CK identifier.
    AttackId = 41 "attack-id",
    /// A package URL.
    Purl = 42 "purl",
    /// The name of a file, without its folder.
    FileName = 43 "file-name",
    /// The path of a file.
    FilePath = 44 "file-path",
    /// A Windows registry key.
    RegistryKey = 45 "registry-key",
    /// The name of a mutex.
    Mutex = 46 "mutex",
    /// The name of a process.
    ProcessName = 47 "process-name",
    /// A command line.
    CommandLine = 48 "command-line",
    /// The name of a Windows pipe.
    NamedPipe = 49 "named-pipe",
    /// The name of a service.
    ServiceName = 50 "service-name",
    /// A user agent string.
    UserAgent = 51 "user-agent",
    /// The name of a user account.
    UserName = 52 "user-name",
    /// The subject of an e-mail.
    EmailSubject = 53 "email-subject",
    /// The identifier of a mobile application.
    MobileApp = 54 "mobile-app",
    /// A telephone number.
    Phone = 55 "phone",
    /// An international bank account number.
    Iban = 56 "iban",
    /// The number of a payment card.
    PaymentCard = 57 "payment-card",
    /// A value of a type that this list does not know: carried, listed, converted back, never matched.
    Other = 255 "other",
}

impl Kind {
    /// The number of this kind in the C header and in set files.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether values of this kind are addresses, networks or ranges, which share one key space.
    pub const fn is_address_like(self) -> bool {
        matches!(self, Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange)
    }

    /// The digest kind that a hexadecimal string of this many digits is read as when nothing says otherwise.
    pub const fn of_digest_length(hex_digits: usize) -> Option<Kind> {
        Some(match hex_digits {
            32 => Kind::Md5,
            40 => Kind::Sha1,
            56 => Kind::Sha224,
            64 => Kind::Sha256,
            96 => Kind::Sha384,
            128 => Kind::Sha512,
            _ => return None,
        })
    }
}

/// The name of a kind was not one of [`Kind::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a kind; `indicia extract --help` lists them")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(name: &str) -> Result<Kind, UnknownKind> {
        Kind::from_name(name).ok_or(UnknownKind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Kind::from_name(&name).ok_or_else(|| serde::de::Error::custom(UnknownKind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_and_names_round_trip() {
        for (i, kind) in Kind::ALL.iter().enumerate() {
            let expected = if *kind == Kind::Other { 255 } else { i as u8 + 1 };
            assert_eq!(kind.number(), expected);
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
            assert_eq!(Kind::from_number(kind.number()), Some(*kind));
        }
        assert_eq!(Kind::ALL.len(), 58);
    }
}
