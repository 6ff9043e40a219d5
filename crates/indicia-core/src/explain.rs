//! How a value comes to its canonical form: each step with the rule, its source, what was before and after.
//!
//! This is the readable twin of the grammars in `observable/`, which take one pass where they can: here each rule is
//! applied by itself, in the order of `docs/profiles/default-1.md`. The tests hold both to the same value and key, for
//! every vector; what stands here never decides whether a value is taken.

use std::net::{IpAddr, Ipv6Addr};

use crate::observable::{self, AMBIGUITIES, Ambiguity};
use crate::refang::{self, Refang};
use crate::{Kind, Observable, ParseError, ParseOptions, Profile};

/// One rule that changed a value, or was asked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// What the rule says.
    pub rule: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// The text before.
    pub before: String,
    /// The text after; equal where the rule only decides.
    pub after: String,
}

/// How a text became a value, or why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// From the text to the value.
    pub value: Vec<Step>,
    /// From the value to the key that is compared.
    pub key: Vec<Step>,
    /// The kinds that have the same shape, where nobody named a kind.
    pub also: &'static [Kind],
    /// What came of it.
    pub result: Result<Observable, ParseError>,
}

const CONTRACT: &str = "default@1";

/// Reads a value like [`Observable::parse_with`] and tells each step.
///
/// ```
/// use indicia_core::{ParseOptions, explain::explain};
/// let told = explain("hxxp://Bad[.]Example:80/%7ea", &ParseOptions::default());
/// assert_eq!(told.result.unwrap().value(), "http://bad.example/~a");
/// assert_eq!(told.value[0].after, "http://Bad.Example:80/%7ea");
/// assert_eq!(told.key.last().unwrap().after, "bad.example/~a");
/// ```
pub fn explain(raw: &str, options: &ParseOptions) -> Explanation {
    let ParseOptions { kind, refang: level, profile } = *options;
    let result = Observable::parse_with(raw, options);
    let mut told = Explanation { value: Vec::new(), key: Vec::new(), also: &[], result };
    let mut text = observable::trim(raw).to_string();
    note(&mut told.value, "white space and invisible characters at the ends go", CONTRACT, raw, &text);
    let off = ParseOptions { refang: Refang::Off, ..*options };
    let bare = Observable::parse_with(&text, &off).is_ok_and(|o| Ok(o) == told.result);
    if !bare && kind.is_none_or(refang::is_written_defanged) && told.result.is_ok() {
        let undone = refang::value(&text, level);
        let undone = undone.trim();
        note(&mut told.value, level_rule(level), "default@1, the table of notations", &text, undone);
        text = undone.to_string();
    }
    if kind.is_none()
        && let (Some(question), _) = observable::decide(&text)
    {
        told.value.push(Step {
            rule: question.question,
            source: "default@1, the order of precedence",
            before: text.clone(),
            after: text.clone(),
        });
    }
    let Ok(found) = &told.result else { return told };
    if kind.is_none() {
        let ambiguous = |row: &&Ambiguity| row.read_as == found.kind() && is_shape_of(row, found.value());
        told.also = AMBIGUITIES.iter().find(ambiguous).map_or(&[], |row| row.also);
    }
    if found.kind() == Kind::Url && profile != Profile::Default {
        for rule in profile_rules(profile) {
            apply(rule, &mut text, &mut told.value);
        }
        note(&mut told.value, rest_of(profile), profile.name(), &text, found.value());
        note(&mut told.key, "what the profile compares", profile.name(), found.value(), found.key());
        return told;
    }
    for rule in rules_of(VALUES, found.kind()) {
        apply(rule, &mut text, &mut told.value);
    }
    for rule in rules_of(KEYS, found.kind()) {
        apply(rule, &mut text, &mut told.key);
    }
    told
}

fn note(steps: &mut Vec<Step>, rule: &'static str, source: &'static str, before: &str, after: &str) {
    if before != after {
        steps.push(Step { rule, source, before: before.to_string(), after: after.to_string() });
    }
}

fn apply(rule: &Rule, text: &mut String, steps: &mut Vec<Step>) {
    let after = (rule.apply)(text);
    note(steps, rule.name, rule.source, text, &after);
    *text = after;
}

fn level_rule(level: Refang) -> &'static str {
    match level {
        Refang::Off => "nothing is refanged",
        Refang::Strict => "refanged: bracketed separators and hxxp",
        Refang::Usual => {
            "refanged: the usual notations, as the result has a known top-level domain or is an address"
        }
        Refang::Aggressive => "refanged: every notation",
    }
}

fn is_shape_of(row: &Ambiguity, value: &str) -> bool {
    let digits: Option<usize> = row.shape.strip_suffix(" hexadecimal digits").and_then(|n| n.parse().ok());
    match digits {
        Some(n) => value.len() == n,
        None => row.shape.chars().nth(1).is_some_and(|c| value.starts_with(c)) || row.read_as == Kind::Mac,
    }
}

struct Rule {
    name: &'static str,
    source: &'static str,
    apply: fn(&str) -> String,
}

const fn rule(name: &'static str, source: &'static str, apply: fn(&str) -> String) -> Rule {
    Rule { name, source, apply }
}

type Table = &'static [(&'static [Kind], &'static [Rule])];

fn rules_of(table: Table, kind: Kind) -> impl Iterator<Item = &'static Rule> {
    table.iter().filter(move |(kinds, _)| kinds.contains(&kind)).flat_map(|(_, rules)| *rules)
}

/// What a profile does first, as far as a rule stands by itself; its own reader does the rest.
fn profile_rules(profile: Profile) -> &'static [Rule] {
    const SAFE_BROWSING: &[Rule] = &[
        rule("tabs and line ends go", "Safe Browsing, URLs and Hashing", |t| {
            t.replace(['\t', '\r', '\n'], "")
        }),
        rule("the fragment goes", "Safe Browsing, URLs and Hashing", |t| before(t, '#')),
        rule("no scheme is `http`", "Safe Browsing, URLs and Hashing", |t| {
            if t.contains("://") { t.to_string() } else { format!("http://{t}") }
        }),
    ];
    const KASPERSKY: &[Rule] = &[
        rule("the fragment goes (rule 9)", "CyberTrace 4.4, 231546", |t| before(t, '#')),
        rule("the scheme goes (rule 2)", "CyberTrace 4.4, 231546", |t| {
            t.split_once("://")
                .filter(|(s, _)| !s.contains(['/', '?']))
                .map_or(t, |(_, rest)| rest)
                .to_string()
        }),
        rule("the userinfo goes (rule 7)", "CyberTrace 4.4, 231546", without_userinfo),
        rule("the port goes (rule 8)", "CyberTrace 4.4, 231546", |t| {
            let end = t.find(['/', '?']).unwrap_or(t.len());
            let port = t[..end].rfind(':').filter(|colon| !t[*colon..end].contains(']'));
            port.map_or(t.to_string(), |colon| format!("{}{}", &t[..colon], &t[end..]))
        }),
    ];
    const ZEEK: &[Rule] = &[
        rule("`http://` goes", "Zeek, Intel::URL", |t| t.strip_prefix("http://").unwrap_or(t).to_string()),
        rule("lower case", "Zeek, Intel framework", str::to_lowercase),
    ];
    match profile {
        Profile::SafeBrowsing4 | Profile::SafeBrowsing5 => SAFE_BROWSING,
        Profile::Kaspersky => KASPERSKY,
        Profile::Zeek => ZEEK,
        _ => &[],
    }
}

fn rest_of(profile: Profile) -> &'static str {
    match profile {
        Profile::Default => "the profile's other rules",
        Profile::Whatwg => "parsed and serialized",
        Profile::SafeBrowsing4 | Profile::SafeBrowsing5 => {
            "escapes undone until nothing changes; userinfo and port go; host and path in one form; what is left escaped"
        }
        Profile::Kaspersky => {
            "`www.`, dots and slashes (rules 1, 4 to 6, 10), the host in one form (3, 12), escapes once (13), lower case (11)"
        }
        Profile::Zeek => "port 80, userinfo and fragment, which are not sent, go",
        Profile::Verbatim => "as written",
    }
}

/// From the text to the value.
const VALUES: Table = &[
    (
        &[Kind::Ipv4, Kind::Ipv6],
        &[
            rule("brackets go", "RFC 3986 section 3.2.2", without_brackets),
            rule("a network or range of one address is the address", CONTRACT, |t| {
                before(&before(t, '/'), '-')
            }),
        ],
    ),
    (
        &[Kind::Ipv6],
        &[
            rule("brackets go", "RFC 3986 section 3.2.2", without_brackets),
            rule("one text for an address", "RFC 5952", address),
        ],
    ),
    (
        &[Kind::Cidr],
        &[
            rule("one text for an address", "RFC 5952", |t| {
                halves(t, '/', &without_brackets_and_settled, &same)
            }),
            rule("host bits are cleared", "RFC 4632; default@1", |t| match t.parse::<ipnet::IpNet>() {
                Ok(net) => net.trunc().to_string(),
                Err(_) => t.to_string(),
            }),
        ],
    ),
    (
        &[Kind::IpRange],
        &[
            rule("spaces round the hyphen go", CONTRACT, |t| halves(t, '-', &trim, &trim)),
            rule("one text for an address", "RFC 5952", |t| {
                halves(t, '-', &without_brackets_and_settled, &without_brackets_and_settled)
            }),
        ],
    ),
    (&[Kind::Endpoint], &[rule("the host in its own canonical form", CONTRACT, endpoint)]),
    (
        &[Kind::Domain],
        &[
            rule("the root's dot goes", CONTRACT, |t| t.strip_suffix('.').unwrap_or(t).to_string()),
            rule("mapped, normalized, A-labels, lower case", "UTS 46, non-transitional; RFC 5891", name),
        ],
    ),
    (
        &[Kind::Email],
        &[rule("the domain in its own canonical form", "RFC 5321; default@1", |t| {
            let (local, domain) = t.rsplit_once('@').unwrap_or(("", t));
            format!("{local}@{}", name(domain.strip_suffix('.').unwrap_or(domain)))
        })],
    ),
    (
        &[Kind::Asn],
        &[
            rule("`AS` in front", "RFC 5396", |t| {
                let number = t.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
                format!("AS{number}")
            }),
            rule("asplain", "RFC 5396", |t| {
                let number = t.trim_start_matches("AS");
                let part = |part: &str| part.parse::<u64>().unwrap_or_default();
                match number.split_once('.') {
                    Some((high, low)) => format!("AS{}", part(high) << 16 | part(low)),
                    None => format!("AS{}", part(number)),
                }
            }),
        ],
    ),
    (
        &[Kind::Mac],
        &[
            rule("lower case", CONTRACT, lower),
            rule("a colon between bytes", "IEEE 802", |t| {
                let digits: Vec<char> = t.chars().filter(char::is_ascii_hexdigit).collect();
                digits.chunks(2).map(String::from_iter).collect::<Vec<_>>().join(":")
            }),
        ],
    ),
    (
        &[
            Kind::Md5,
            Kind::Sha1,
            Kind::Sha224,
            Kind::Sha256,
            Kind::Sha384,
            Kind::Sha512,
            Kind::Imphash,
            Kind::Authentihash,
            Kind::Ja3,
            Kind::Ja3s,
            Kind::Ja4,
            Kind::Jarm,
            Kind::Hassh,
        ],
        &[rule("lower case", CONTRACT, lower)],
    ),
    (
        &[Kind::X509Serial],
        &[rule("`0x` goes", CONTRACT, |t| {
            t.strip_prefix("0x").or(t.strip_prefix("0X")).unwrap_or(t).to_string()
        })],
    ),
    (
        &[Kind::X509Sha1, Kind::X509Sha256, Kind::X509Serial],
        &[
            rule("what certificate viewers put between bytes goes", CONTRACT, |t| {
                t.replace([':', ' ', '-', '\u{200e}'], "")
            }),
            rule("lower case", CONTRACT, lower),
        ],
    ),
    (
        &[Kind::X509Serial],
        &[rule("leading zero octets go", "RFC 5280 section 4.1.2.2", |t| {
            let mut octets = if t.len() % 2 == 1 { format!("0{t}") } else { t.to_string() };
            while octets.len() > 2 && octets.starts_with("00") {
                octets.drain(..2);
            }
            octets
        })],
    ),
    (&[Kind::Ssdeep], &[rule("the file name goes", CONTRACT, |t| before(t, ',').trim_end().to_string())]),
    (
        &[Kind::Tlsh],
        &[
            rule("upper case", CONTRACT, upper),
            rule("`T1` in front", "TLSH 4", |t| if t.len() == 70 { format!("T1{t}") } else { t.to_string() }),
        ],
    ),
    (
        &[Kind::Bitcoin, Kind::Litecoin, Kind::Zcash],
        &[rule("bech32 in lower case", "BIP-173, BIP-350", |t| {
            let low = t.to_ascii_lowercase();
            if ["bc1", "ltc1", "zs1"].iter().any(|head| low.starts_with(head)) { low } else { t.to_string() }
        })],
    ),
    (
        &[Kind::BitcoinCash],
        &[rule("CashAddr in lower case with its prefix", "CashAddr", |t| {
            if t.starts_with(['1', '3']) {
                return t.to_string();
            }
            let low = t.to_ascii_lowercase();
            format!("bitcoincash:{}", low.strip_prefix("bitcoincash:").unwrap_or(&low))
        })],
    ),
    (
        &[Kind::Ethereum],
        &[
            rule("`0x` in lower case", CONTRACT, |t| format!("0x{}", &t[2..])),
            rule("letters in the case of the checksum", "EIP-55", eip55),
        ],
    ),
    (
        &[Kind::Cve],
        &[
            rule("hyphens", "CVE record format", |t| {
                t.replace(|c| matches!(c, '\u{2010}'..='\u{2015}' | '_' | ' '), "-")
            }),
            rule("upper case", "CVE record format", upper),
        ],
    ),
    (&[Kind::AttackId], &[rule("upper case", "MITRE ATT&CK", upper)]),
    (
        &[Kind::Purl],
        &[rule("each part as its type has it, escaped", "purl-spec", |t| {
            crate::Purl::parse(t).map_or_else(|_| t.to_string(), |purl| purl.to_string())
        })],
    ),
    (
        &[Kind::RegistryKey],
        &[
            rule("runs of backslashes are one, none at the ends", CONTRACT, |t| {
                let t = t.trim_end_matches(|c| c == '\\' || observable::is_edge(c));
                t.split('\\').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\\")
            }),
            rule("the hive by its long name", "Windows", hive),
        ],
    ),
    (
        &[Kind::MobileApp],
        &[rule("a store's number without `id`", CONTRACT, |t| {
            let number = t.strip_prefix("id").unwrap_or(t);
            if number.bytes().all(|b| b.is_ascii_digit()) { number.to_string() } else { t.to_string() }
        })],
    ),
    (
        &[Kind::Iban],
        &[
            rule("spaces go", "ISO 13616, electronic form", |t| t.replace(' ', "")),
            rule("upper case", "ISO 13616", upper),
        ],
    ),
    (&[Kind::PaymentCard], &[rule("spaces and hyphens go", "ISO/IEC 7812", |t| t.replace([' ', '-'], ""))]),
    (
        &[Kind::Phone],
        &[
            rule("the scheme goes", "RFC 3966", |t| match t.get(..4) {
                Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => t[4..].to_string(),
                _ => t.to_string(),
            }),
            rule("what people put between digits goes", "E.164", |t| {
                t.replace([' ', '-', '.', '(', ')', '/', '\u{a0}', '\u{2011}'], "")
            }),
        ],
    ),
    (
        &[Kind::Url],
        &[
            rule("parsed and serialized", "WHATWG URL", |t| {
                with_scheme(t, &|t| {
                    crate::url::parse(t).map_or_else(|_| t.to_string(), |url| url.into_href().into_owned())
                })
            }),
            rule("the host as a name or address of its own kind, without the root's dot", CONTRACT, |t| {
                with_host(t, &|host| match host.strip_suffix('.').unwrap_or(host) {
                    bare if bare.starts_with('[') => bare.to_string(),
                    bare => name(&percent_decoded(bare)),
                })
            }),
            rule(
                "escapes of unreserved characters are decoded, others in upper case",
                "RFC 3986 section 6.2.2",
                |t| {
                    let tail = tail_start(t);
                    format!("{}{}", &t[..tail], escapes(&t[tail..]))
                },
            ),
            rule("again, until nothing changes", CONTRACT, |t| {
                let mut text = t.to_string();
                for _ in 0..8 {
                    match Observable::parse_as(Kind::Url, &text) {
                        Ok(url) if url.value() != text => text = url.value().to_string(),
                        _ => break,
                    }
                }
                text
            }),
        ],
    ),
];

/// From the value to the key.
const KEYS: Table = &[
    (&[Kind::Ipv6], &[rule("an IPv4-mapped address has the IPv4 address's key", CONTRACT, unmapped)]),
    (
        &[Kind::Cidr],
        &[
            rule("the networks of IPv4-mapped addresses are IPv4 networks", CONTRACT, |t| {
                let Some((address, length)) = t.split_once('/') else { return t.to_string() };
                let length: u8 = length.parse().unwrap_or_default();
                match address.parse::<Ipv6Addr>().ok().and_then(|a| a.to_ipv4_mapped()) {
                    Some(v4) if length >= 96 => format!("{v4}/{}", length - 96),
                    _ => t.to_string(),
                }
            }),
            rule("a network of one address has the address's key", CONTRACT, |t| {
                let full = if t.contains(':') { "/128" } else { "/32" };
                t.strip_suffix(full).unwrap_or(t).to_string()
            }),
        ],
    ),
    (
        &[Kind::IpRange],
        &[
            rule("an IPv4-mapped address has the IPv4 address's key", CONTRACT, |t| {
                halves(t, '-', &unmapped, &unmapped)
            }),
            rule("a range of one address has the address's key", CONTRACT, |t| match t.split_once('-') {
                Some((first, last)) if first == last => first.to_string(),
                _ => t.to_string(),
            }),
        ],
    ),
    (
        &[Kind::Endpoint],
        &[rule("an IPv4-mapped address has the IPv4 address's key", CONTRACT, |t| match t
            .parse::<std::net::SocketAddr>()
        {
            Ok(socket) => std::net::SocketAddr::new(socket.ip().to_canonical(), socket.port()).to_string(),
            Err(_) => t.to_string(),
        })],
    ),
    (&[Kind::Ethereum], &[rule("lower case", CONTRACT, lower)]),
    (
        &[
            Kind::Email,
            Kind::FileName,
            Kind::Mutex,
            Kind::ProcessName,
            Kind::NamedPipe,
            Kind::ServiceName,
            Kind::UserName,
            Kind::MobileApp,
            Kind::RegistryKey,
        ],
        &[rule("without case", CONTRACT, case_blind)],
    ),
    (
        &[Kind::FilePath],
        &[rule("paths of Windows without case", CONTRACT, |t| {
            let windows = t.contains('\\') && !t.starts_with('/') && !t.starts_with("~/");
            let drive = t.as_bytes().get(1) == Some(&b':');
            if windows || drive || t.starts_with('%') { case_blind(t) } else { t.to_string() }
        })],
    ),
    (
        &[Kind::Url],
        &[
            rule("without fragment", CONTRACT, |t| before(t, '#')),
            rule("without scheme", CONTRACT, |t| {
                t.split_once("://")
                    .filter(|(s, _)| !s.contains(['/', '?']))
                    .map_or(t, |(_, rest)| rest)
                    .to_string()
            }),
            rule("without userinfo", CONTRACT, without_userinfo),
            rule("an empty path is `/`", CONTRACT, |t| match t.find(['/', '?']) {
                Some(at) if t[at..].starts_with('/') => t.to_string(),
                Some(at) => format!("{}/{}", &t[..at], &t[at..]),
                None => format!("{t}/"),
            }),
        ],
    ),
];

fn without_userinfo(text: &str) -> String {
    let end = text.find(['/', '?']).unwrap_or(text.len());
    text[..end].rfind('@').map_or(text, |at| &text[at + 1..]).to_string()
}

fn same(text: &str) -> String {
    text.to_string()
}

fn trim(text: &str) -> String {
    text.trim().to_string()
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

fn upper(text: &str) -> String {
    text.to_ascii_uppercase()
}

fn case_blind(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

fn before(text: &str, mark: char) -> String {
    text.split(mark).next().unwrap_or(text).to_string()
}

fn without_brackets(text: &str) -> String {
    text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text).to_string()
}

fn address(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_string(), |address: IpAddr| address.to_string())
}

fn without_brackets_and_settled(text: &str) -> String {
    address(&without_brackets(text))
}

fn unmapped(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_string(), |address: IpAddr| address.to_canonical().to_string())
}

/// Both sides of a mark, each by a rule.
fn halves(text: &str, mark: char, left: &dyn Fn(&str) -> String, right: &dyn Fn(&str) -> String) -> String {
    match text.split_once(mark) {
        Some((a, b)) => format!("{}{mark}{}", left(a), right(b)),
        None => text.to_string(),
    }
}

fn name(text: &str) -> String {
    idna::uts46::Uts46::new()
        .to_ascii(
            text.as_bytes(),
            idna::AsciiDenyList::EMPTY,
            idna::uts46::Hyphens::Allow,
            idna::uts46::DnsLength::Ignore,
        )
        .map_or_else(
            |_| text.to_ascii_lowercase(),
            |name| name.strip_suffix('.').unwrap_or(&name).to_string(),
        )
}

fn endpoint(text: &str) -> String {
    let Some((host, port)) = text.rsplit_once(':') else { return text.to_string() };
    match without_brackets(host).parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Ok(IpAddr::V4(address)) => format!("{address}:{port}"),
        Err(_) => format!("{}:{port}", name(host.strip_suffix('.').unwrap_or(host))),
    }
}

fn hive(text: &str) -> String {
    let kernel = text.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("registry\\"));
    let text = if kernel { &text[9..] } else { text };
    let (first, rest) = text.split_once('\\').map_or((text, ""), |(first, rest)| (first, rest));
    let long = match first.trim_end_matches(':').to_ascii_lowercase().as_str() {
        "hklm" | "hkey_local_machine" | "machine" => "HKEY_LOCAL_MACHINE",
        "hkcu" | "hkey_current_user" => "HKEY_CURRENT_USER",
        "hkcr" | "hkey_classes_root" => "HKEY_CLASSES_ROOT",
        "hku" | "hkey_users" | "user" => "HKEY_USERS",
        "hkcc" | "hkey_current_config" => "HKEY_CURRENT_CONFIG",
        _ => first,
    };
    if rest.is_empty() { long.to_string() } else { format!("{long}\\{rest}") }
}

fn eip55(text: &str) -> String {
    use sha3::{Digest, Keccak256};
    let digits = text[2..].to_ascii_lowercase();
    let hash: String = Keccak256::digest(digits.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let cased = digits.chars().zip(hash.chars()).map(|(digit, nibble)| match nibble {
        '8'..='f' => digit.to_ascii_uppercase(),
        _ => digit,
    });
    format!("0x{}", cased.collect::<String>())
}

/// Reads a URL without scheme as `http` and takes that off again.
fn with_scheme(text: &str, read: &dyn Fn(&str) -> String) -> String {
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    match has_scheme {
        true => read(text),
        false => {
            let read = read(&format!("http://{text}"));
            read.strip_prefix("http://").unwrap_or(&read).to_string()
        }
    }
}

/// Where the authority of a URL begins and ends.
fn authority(text: &str) -> (usize, usize) {
    let from = match text.split_once("://") {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#', '@']) => scheme.len() + 3,
        _ => 0,
    };
    (from, text[from..].find(['/', '?', '#']).map_or(text.len(), |n| from + n))
}

fn tail_start(text: &str) -> usize {
    authority(text).1
}

fn with_host(text: &str, write: &dyn Fn(&str) -> String) -> String {
    let (from, to) = authority(text);
    let from = text[from..to].rfind('@').map_or(from, |at| from + at + 1);
    let inner = &text[from..to];
    let end = match inner.rfind(':') {
        Some(colon) if !inner[colon..].contains(']') => from + colon,
        _ => to,
    };
    let host = &text[from..end];
    match host.parse::<std::net::Ipv4Addr>() {
        Ok(_) => text.to_string(),
        Err(_) => format!("{}{}{}", &text[..from], write(host), &text[end..]),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let b = text.as_bytes();
    let mut at = 0;
    while at < b.len() {
        let digits = b.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok());
        match digits.filter(|d| b[at] == b'%' && d.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(digits) => {
                out.push(u8::from_str_radix(digits, 16).unwrap_or_default());
                at += 3;
            }
            None => {
                out.push(b[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

/// One pass over escapes.
fn escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(b) if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => {
                out.push(char::from(b));
                rest = &rest[at + 3..];
            }
            Some(b) => {
                out.push_str(&format!("%{b:02X}"));
                rest = &rest[at + 3..];
            }
            None => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}
