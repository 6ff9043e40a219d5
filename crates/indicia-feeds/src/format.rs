//! The formats that are known by name: read, written, or only recognised.

use std::fmt;

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident $name:literal $read:literal $written:literal,)*) => {
        /// A format of feeds. Some are read and written, some only recognised, so that a file can be named
        /// instead of misread.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Format { $($(#[$doc])* $variant,)* }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Format] = &[$(Format::$variant,)*];

            /// The stable name, as on the command line and in `feeds.toml`.
            pub const fn name(self) -> &'static str {
                match self { $(Format::$variant => $name,)* }
            }

            /// The format with exactly this name.
            pub fn from_name(name: &str) -> Option<Format> {
                match name { $($name => Some(Format::$variant),)* _ => None }
            }

            /// Whether [`read`](crate::read) takes it.
            pub const fn is_read(self) -> bool {
                match self { $(Format::$variant => $read,)* }
            }

            /// Whether [`Writer`](crate::Writer) takes it.
            pub const fn is_written(self) -> bool {
                match self { $(Format::$variant => $written,)* }
            }
        }
    };
}

formats! {
    /// Our own records, one JSON object a line; lossless.
    Jsonl "jsonl" true true,
    /// STIX 2.0 and 2.1: a bundle, a list of objects, or objects one after the other.
    Stix "stix" true true,
    /// MISP events, attributes or objects as JSON.
    Misp "misp" true true,
    /// Delimited text, with or without a header.
    Csv "csv" true true,
    /// One value a line.
    Plain "plain" true true,
    /// A hosts file: an unroutable address and names.
    Hosts "hosts" true true,
    /// The Zeek Intelligence Framework's tab-separated files.
    Zeek "zeek" true true,
    /// abuse.ch URLhaus dumps.
    Urlhaus "urlhaus" true false,
    /// abuse.ch ThreatFox exports, CSV or JSON.
    Threatfox "threatfox" true false,
    /// abuse.ch MalwareBazaar dumps.
    Malwarebazaar "malwarebazaar" true false,
    /// abuse.ch Feodo Tracker lists.
    Feodo "feodo" true false,
    /// DNS response policy zones.
    Rpz "rpz" false true,
    /// Adblock and AdGuard filter lists.
    Adblock "adblock" false false,
    /// dnsmasq configuration.
    Dnsmasq "dnsmasq" false false,
    /// Unbound configuration.
    Unbound "unbound" false false,
    /// Suricata datasets.
    SuricataDataset "suricata-dataset" false false,
    /// Suricata rules.
    SuricataRules "suricata-rules" false false,
    /// Suricata IP reputation lists.
    Iprep "iprep" false false,
    /// OpenIOC 1.0 and 1.1 XML.
    Openioc "openioc" false false,
    /// Snort 2 and 3 rules.
    Snort "snort" false false,
    /// LOKI and THOR lists, `value;comment`.
    Loki "loki" false false,
    /// Kaspersky data feeds.
    Kaspersky "kaspersky" false false,
    /// Text for people: reports, Markdown, AsciiDoc.
    Prose "prose" false false,
    /// BIND configuration, `zone "x" {`.
    BindZone "bind-zone" false false,
    /// STIX 1 XML.
    Stix1 "stix1" false false,
    /// dnscrypt-proxy block lists.
    Dnscrypt "dnscrypt" false false,
    /// Internet Explorer tracking protection lists.
    Tpl "tpl" false false,
    /// STIX patterns, one a line.
    StixPattern "stix-pattern" false false,
    /// The list of events of a MISP feed folder.
    MispManifest "misp-manifest" false false,
    /// The hashes of values of a MISP feed folder (`hashes.csv`): digests of values, not values.
    MispHashes "misp-hashes" false false,
    /// A MISP warning list: values that are known to be harmless.
    MispWarninglist "misp-warninglist" false false,
    /// YARA rules.
    Yara "yara" false false,
    /// JSON of another shape.
    Json "json" false false,
    /// XML of another shape.
    Xml "xml" false false,
    /// HTML.
    Html "html" false false,
    /// A program or a log in text form.
    Text "text" false false,
    /// A packet capture.
    Pcap "pcap" false false,
    /// Bytes that are no text: an image, a program, an archive.
    Binary "binary" false false,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
