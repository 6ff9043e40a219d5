//! The one table of reasons: number, slug and message of everything that can be refused or fail.
//!
//! The number is `indicia_status` in C and `.code` in Python; the slug is `.reason` and the `reason` of a
//! JSON error; the message is for people. Numbers and slugs are stable; new rows are appended to their block.

use std::fmt;

use crate::Kind;

macro_rules! reasons {
    ($($variant:ident = $number:literal $slug:literal $message:literal,)*) => {
        /// Why something was refused or failed. See [`Reason::ALL`] for the whole table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Reason { $(#[doc = $message] $variant = $number,)* }

        impl Reason {
            /// Every reason, by number.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// The stable slug.
            pub const fn slug(self) -> &'static str {
                match self { $(Reason::$variant => $slug,)* }
            }

            /// What it means and what to do, for people.
            pub const fn message(self) -> &'static str {
                match self { $(Reason::$variant => $message,)* }
            }
        }
    };
}

reasons! {
    // 1-19: calls
    Stopped = 1 "stopped" "the callback asked to stop",
    TooSmall = 2 "too-small" "the buffer is too small; the size that is needed was returned",
    InvalidArgument = 3 "invalid-argument" "an argument is null, out of range or not UTF-8",
    Panic = 4 "panic" "an internal error was caught; free this handle and report the call that led here",
    Unsupported = 5 "unsupported" "this build does not do that",
    // 20-39: files and sets
    Io = 20 "io" "the file could not be read or written",
    NotASet = 21 "not-a-set" "this is not a compiled set; make one with `indicia compile`",
    SetVersion = 22 "set-version" "the set was compiled by another version; compile again",
    SetCorrupt = 23 "set-corrupt" "the set is damaged or cut short; compile again or fetch it again",
    SetProfile = 24 "set-profile" "the set was compiled under a profile that this build does not know; compile again",
    LimitReached = 25 "limit-reached" "a documented limit was reached; the answer is not complete",
    ProfileMismatch = 26 "profile-mismatch" "the URLs follow different profiles and are never compared; read the feeds again under one",
    SetUnsigned = 28 "set-unsigned" "the set has no signature, and one was asked for; get it from who publishes it",
    SetKey = 29 "set-key" "the set was signed with another key",
    SetSignature = 30 "set-signature" "the signature does not fit the set: it was changed after it was signed",
    SetExpired = 31 "set-expired" "the set was to be used until a time that is over; get a newer one",
    SetSequence = 32 "set-sequence" "the set is older than one that was published before; get a newer one",
    StoreVersion = 34 "store-version" "the store of observables was written by another version; observe again",
    StoreCorrupt = 35 "store-corrupt" "the store of observables is damaged or cut short; fetch it or observe again",
    NotADelta = 36 "not-a-delta" "this is not a delta of sets; make one with `indicia delta`",
    DeltaVersion = 37 "delta-version" "the delta was made by another version, or for sets of one; fetch the whole set",
    DeltaCorrupt = 38 "delta-corrupt" "the delta is damaged or cut short; fetch it again, or the whole set",
    DeltaBase = 39 "delta-base" "the delta leads from another set; fetch the one that leads from this, or the whole set",
    // 40-59: feeds
    NotRead = 40 "format-not-read" "this format is recognised but not read",
    UnknownFormat = 41 "unknown-format" "the format was not recognised; name it with --from",
    BadDocument = 42 "bad-document" "the document cannot be parsed",
    BadRecord = 43 "bad-record" "the record cannot be parsed",
    BadEncoding = 44 "bad-encoding" "the text is not in an encoding that can be read",
    NoTarget = 45 "no-target" "the record names no value",
    UnsupportedPattern = 46 "unsupported-pattern" "the pattern is not a comparison of single values",
    Negated = 47 "negated" "a negated comparison cannot be an indicator",
    BadField = 48 "bad-field" "a field has a value that cannot be read",
    // 60-79: sharing
    BadAgreement = 60 "bad-agreement" "the agreement has mistakes, so it permits nothing; see `indicia agreement check`",
    BadKey = 61 "bad-key" "this is no such key, or its passphrase is another",
    BadLedger = 62 "bad-ledger" "the ledger was changed, is cut off, or was begun with another key",
    PackageRefused = 63 "package-refused" "the package is not what an agreement partner sent",
    NotAsPlanned = 64 "not-as-planned" "what would be made now is not what was planned",
    AlreadyThere = 65 "already-there" "something is there already; move it away or name another place",
    BadResponse = 66 "bad-response" "the file holds no answers",
    // 100-: values
    Empty = 100 "empty" "there is no value",
    TooLong = 101 "too-long" "longer than any value of this kind can be",
    UnknownKind = 102 "unknown-kind" "no kind has this shape; name one with --kind",
    ControlCharacter = 103 "control-character" "a value cannot hold control characters",
    KindNotMatched = 104 "kind-not-parsed" "values of kind `other` are carried as they are and never parsed",
    Ipv4Shape = 110 "ipv4-shape" "an IPv4 address is four decimal numbers from 0 to 255 with dots between",
    Ipv4LeadingZero = 111 "ipv4-leading-zero" "a leading zero is octal to some programs and decimal to others",
    Ipv6Shape = 112 "ipv6-shape" "not an IPv6 address (RFC 4291)",
    Ipv6Zone = 113 "ipv6-zone" "a zone such as %eth0 names an interface of one host, not an address",
    CidrShape = 114 "cidr-shape" "a network is an address, a slash and a prefix length",
    PrefixLength = 115 "prefix-length" "the prefix length is at most 32 (IPv4) or 128 (IPv6), without leading zero",
    RangeShape = 116 "range-shape" "a range is two addresses of one family with a hyphen between",
    RangeOrder = 117 "range-order" "the first address of a range must not be after the last",
    EndpointShape = 118 "endpoint-shape" "an endpoint is host:port; an IPv6 address stands in brackets",
    Port = 119 "port" "a port is a number from 1 to 65535",
    DomainShape = 120 "domain-shape" "a domain has labels of letters, digits, hyphens and underscores",
    SingleLabel = 121 "single-label" "a domain has two labels or more",
    EmptyLabel = 122 "empty-label" "two dots stand together or a dot comes first",
    LabelLength = 123 "label-length" "a label has at most 63 bytes and a domain at most 253",
    NumericTld = 124 "numeric-tld" "the last label of a domain is never a number",
    Idna = 125 "idna" "not valid under UTS 46 (internationalized domain names)",
    OnionChecksum = 126 "onion-checksum" "the checksum of the onion name does not hold",
    OnionShape = 127 "onion-shape" "an onion name has 56 characters before .onion (16 in the retired version 2)",
    HyphenEdge = 128 "hyphen-edge" "a label does not end with a hyphen",
    UrlShape = 130 "url-shape" "not a URL by the WHATWG standard",
    UrlNoAuthority = 131 "url-no-authority" "the URL names no host",
    UrlHost = 132 "url-host" "the host of the URL is not a name or an address",
    UrlNoPath = 133 "url-no-path" "without a scheme a URL has a path or a query after its host",
    EmailShape = 140 "email-shape" "an e-mail address is local-part@domain",
    EmailLocal = 141 "email-local" "the part before the @ is not valid (RFC 5321)",
    DigestLength = 150 "digest-length" "the number of hexadecimal digits does not fit the kind",
    NotHex = 151 "not-hex" "only hexadecimal digits are allowed",
    HashShape = 152 "hash-shape" "the value does not have the form of this kind of hash",
    AsnShape = 160 "asn-shape" "an AS number is AS and 0 to 4294967295, or asdot",
    MacShape = 161 "mac-shape" "a hardware address has 6 or 8 bytes in colon, hyphen or dot form",
    CveShape = 162 "cve-shape" "a CVE is CVE-YEAR-NUMBER with a year from 1999 and 4 to 19 digits",
    AttackIdShape = 163 "attack-id-shape" "an ATT&CK id is T, TA, S, G, M, C or DS with four digits, or T with a sub-technique",
    WalletShape = 170 "wallet-shape" "not an address of this currency",
    WalletChecksum = 171 "wallet-checksum" "the checksum of the address does not hold",
    WalletNetwork = 172 "wallet-network" "the version byte or prefix belongs to another currency or network",
    TextShape = 180 "text-shape" "the value does not have the form of this kind",
    IbanChecksum = 181 "iban-checksum" "the check digits of the account number do not hold",
    CardChecksum = 182 "card-checksum" "the check digit of the card number does not hold",
    PurlShape = 183 "purl-shape" "not a package URL as its type has it (purl-spec)",
    MaskShape = 190 "mask-shape" "not a mask of this dialect",
    MaskHost = 191 "mask-host" "the host of a mask is a name, an address, or labels of letters, digits and hyphens with wildcards",
    MaskNever = 192 "mask-never" "nothing in canonical form can match this mask",
    MaskFragment = 193 "mask-fragment" "masks are compared with URLs without userinfo and fragment",
    MaskException = 194 "mask-exception" "an exception is not an indicator",
    MaskOptions = 195 "mask-options" "the rule holds only for some requests or pages",
    MaskRegex = 196 "mask-regex" "regular expressions are not masks",
    MaskKind = 197 "mask-kind" "values of this kind are not matched by masks",
}

impl Reason {
    /// The stable number.
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// A value was refused by the grammar of its kind.
///
/// The message never contains the value itself, so that it can be shown as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", kind.map(|k| format!("{k}: ")).unwrap_or_default())]
pub struct ParseError {
    /// The kind whose grammar refused it; `None` where no kind was named and none fits.
    pub kind: Option<Kind>,
    /// Why.
    pub reason: Reason,
}

impl ParseError {
    pub(crate) fn new(kind: Kind, reason: Reason) -> ParseError {
        ParseError { kind: Some(kind), reason }
    }

    /// The stable number of the reason.
    pub fn code(&self) -> u16 {
        self.reason.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_slugs_are_unique() {
        let mut codes: Vec<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        let mut slugs: Vec<_> = Reason::ALL.iter().map(|r| r.slug()).collect();
        assert!(codes.is_sorted());
        codes.dedup();
        slugs.sort();
        slugs.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert_eq!(slugs.len(), Reason::ALL.len());
    }
}
