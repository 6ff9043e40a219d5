//! Runs `tests/vectors` of the workspace through [`Observable`]: the vectors of the profile `default@1`, and
//! public conformance data.
//!
//! `default-1.jsonl` is the contract: every row holds. The conformance files hold too, but for the rows of
//! `expected-failures.toml`, each with its reason; a row that fails without being listed and a listed row that
//! no longer fails (or no longer exists) both break the build.

mod common;

use std::fmt::Write;
use std::path::PathBuf;

use common::{Findings, json_lines, read};
use indicia_core::explain::explain;
use indicia_core::{Kind, Observable, ParseError, ParseOptions, Purl, Reason, Refang};
use serde_json::Value;

#[test]
fn default_1() {
    let mut wrong = String::new();
    let mut rows = 0;
    for (number, row) in json_lines("default-1.jsonl") {
        rows += 1;
        let got = run(&row);
        let want = &row["expect"];
        let agrees = match &got {
            Ok(o) => o.kind().name() == want["kind"] && o.value() == want["value"] && o.key() == want["key"],
            Err(e) => row["error"] == e.reason.slug(),
        };
        if !agrees {
            let want = if want.is_null() { &row["error"] } else { want };
            writeln!(wrong, "{number}: {}\n   want {want}\n   got  {}", input(&row), shown(&got)).unwrap();
        }
    }
    assert!(rows > 500, "the vector file is cut short: {rows} rows");
    assert!(wrong.is_empty(), "{} of {rows} rows disagree\n{wrong}", wrong.lines().count() / 3);
}

/// A canonical value is its own canonical form, and what a person copies from the output is found again.
#[test]
fn values_are_fixed_points() {
    let mut wrong = String::new();
    for (number, row) in json_lines("default-1.jsonl") {
        let Ok(first) = run(&row) else { continue };
        let mut readings = vec![Observable::parse_as(first.kind(), first.value())];
        // The colon form of an EUI-64 is eight groups, and read as an IPv6 address where no kind is named.
        let is_eui64 = first.kind() == Kind::Mac && first.value().len() == 23;
        if row.get("kind").is_none() && !is_eui64 {
            readings.push(Observable::parse(first.value()));
        }
        for again in readings.iter().filter(|again| again.as_ref() != Ok(&first)) {
            writeln!(wrong, "{number}: {} -> {}", shown(&Ok(first.clone())), shown(again)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "values that change when read again:\n{wrong}");
}

/// What is explained step by step ends where the grammars end.
#[test]
fn explanations_lead_to_the_value() {
    let mut wrong = String::new();
    for (number, row) in json_lines("default-1.jsonl") {
        let kind = row.get("kind").map(|k| Kind::from_name(k.as_str().unwrap()).expect("a kind"));
        let level = match row.get("refang").and_then(Value::as_str) {
            Some("usual") => Refang::Usual,
            _ => Refang::Off,
        };
        let raw = row["raw"].as_str().unwrap();
        let options = ParseOptions { kind, refang: level, ..ParseOptions::default() };
        let told = explain(raw, &options);
        let (got, Ok(want)) = (run(&row), &told.result) else { continue };
        let value = told.value.last().map_or(raw, |step| &step.after);
        let key = told.key.last().map_or(value, |step| &step.after);
        if got.as_ref() != Ok(want) || value != want.value() || key != want.key() {
            writeln!(wrong, "{number}: {} -> value {value:?} key {key:?}, want {want:?}", input(&row))
                .unwrap();
        }
        for (before, after) in told.value.iter().zip(told.value.iter().skip(1)) {
            assert_eq!(before.after, after.before, "{number}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Without a kind named, `parse` refangs by `usual`: text with nothing to undo gives what `refang: off` gives.
#[test]
fn parse_agrees_with_detection() {
    let mut wrong = String::new();
    for (number, row) in json_lines("default-1.jsonl") {
        if row.get("kind").is_none() && row.get("refang").is_none() {
            let raw = row["raw"].as_str().unwrap();
            let (off, usual) = (Observable::parse_refanged(None, raw, Refang::Off), Observable::parse(raw));
            if off != usual {
                writeln!(wrong, "{number}: {raw:?} off {} usual {}", shown(&off), shown(&usual)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn conformance() {
    let mut found = Findings::default();
    ipv4(&mut found);
    ipv6(&mut found);
    onion(&mut found);
    base58check(&mut found);
    bech32(&mut found);
    eip55(&mut found);
    monero(&mut found);
    other_chains(&mut found);
    kinds(&mut found);
    numbers(&mut found);
    email(&mut found);
    idna(&mut found);
    domain_to_ascii(&mut found);
    punycode(&mut found);
    purl(&mut found);
    defang(&mut found);
    public_suffixes(&mut found);
    found.compare_with_expected("expected-failures.toml");
}

fn run(row: &Value) -> Result<Observable, ParseError> {
    let raw = row["raw"].as_str().expect("raw is a string");
    let kind = row.get("kind").map(|k| Kind::from_name(k.as_str().unwrap()).expect("a kind"));
    match (kind, row.get("refang").and_then(Value::as_str)) {
        (Some(kind), None | Some("off")) => Observable::parse_as(kind, raw),
        (None, None | Some("off")) => Observable::parse_refanged(None, raw, Refang::Off),
        (kind, Some("usual")) => Observable::parse_refanged(kind, raw, Refang::Usual),
        (_, Some(level)) => panic!("unknown refang level {level}"),
    }
}

fn input(row: &Value) -> String {
    let part = |name: &str| row.get(name).map(|v| format!(" {name}={v}")).unwrap_or_default();
    format!("{}{}{}{}", row["raw"], part("kind"), part("refang"), part("note"))
}

fn shown(result: &Result<Observable, ParseError>) -> String {
    match result {
        Ok(o) => format!("{{kind {} value {:?} key {:?}}}", o.kind(), o.value(), o.key()),
        Err(e) => format!("error {:?}", e.reason.slug()),
    }
}

/// Rows that say what a text is as a kind.
trait Rows {
    /// The text is taken as this kind, with this value.
    fn takes(&mut self, file: &str, kind: Kind, raw: &str, value: &str);
    /// The text is refused as this kind.
    fn refuses(&mut self, file: &str, kind: Kind, raw: &str);
}

impl Rows for Findings {
    fn takes(&mut self, file: &str, kind: Kind, raw: &str, value: &str) {
        let got = Observable::parse_as(kind, raw);
        let holds = got.as_ref().is_ok_and(|o| o.kind() == kind && o.value() == value);
        self.row(file, &format!("{kind} {raw}"), holds, || format!("want {value:?}, got {}", shown(&got)));
    }

    fn refuses(&mut self, file: &str, kind: Kind, raw: &str) {
        let got = Observable::parse_as(kind, raw);
        self.row(file, &format!("{kind} {raw}"), got.is_err(), || {
            format!("want an error, got {}", shown(&got))
        });
    }
}

fn ipv4(found: &mut Findings) {
    const FILE: &str = "ip/ipv4_text.json";
    let data = json(FILE);
    for row in array(&data["rows"]) {
        let raw = text(&row["input"]);
        match row["strict"].as_str() {
            Some(address) => found.takes(FILE, Kind::Ipv4, raw, address),
            None => found.refuses(FILE, Kind::Ipv4, raw),
        }
        if raw.contains('/') {
            continue; // not a host
        }
        let got = Observable::parse_as(Kind::Url, &format!("http://{raw}/"));
        let host = got.as_ref().ok().and_then(|url| url.value().strip_prefix("http://")?.strip_suffix('/'));
        let address = host.filter(|host| host.parse::<std::net::Ipv4Addr>().is_ok());
        found.row(FILE, &format!("whatwg {raw}"), address == row["whatwg"].as_str(), || shown(&got));
    }
    for row in array(&data["cidr"]) {
        match row["network"].as_str() {
            Some(network) => found.takes(FILE, Kind::Cidr, text(&row["input"]), network),
            None => found.refuses(FILE, Kind::Cidr, text(&row["input"])),
        }
    }
}

fn ipv6(found: &mut Findings) {
    const FILE: &str = "ip/ipv6_text.json";
    let data = json(FILE);
    for row in array(&data["valid"]) {
        found.takes(FILE, Kind::Ipv6, text(&row["input"]), text(&row["canonical"]));
    }
    for raw in array(&data["invalid"]) {
        found.refuses(FILE, Kind::Ipv6, text(raw));
    }
}

fn onion(found: &mut Findings) {
    const FILE: &str = "onion/onion_v3.json";
    let data = json(FILE);
    for list in ["valid", "valid_with_subdomain", "valid_case_insensitive"] {
        for raw in array(&data[list]) {
            found.takes(FILE, Kind::Domain, text(raw), &text(raw).to_ascii_lowercase());
        }
    }
    for row in array(&data["invalid"]) {
        found.refuses(FILE, Kind::Domain, text(&row["s"]));
    }
}

fn base58check(found: &mut Findings) {
    const FILE: &str = "crypto/base58check.json";
    for (family, rows) in json(FILE)["families"].as_object().unwrap() {
        let kind = match family.as_str() {
            "dashcoin" => Kind::Dash,
            "tezos" => continue, // not a kind
            family => Kind::from_name(family).expect("a kind"),
        };
        for row in array(&rows["valid"]) {
            found.takes(FILE, kind, text(&row["address"]), text(&row["address"]));
        }
        for row in array(&rows["invalid"]) {
            found.refuses(FILE, kind, text(&row["s"]));
        }
    }
}

/// Addresses of the main network hold; those of the test network are another network's.
fn bech32(found: &mut Findings) {
    const FILE: &str = "crypto/bech32.json";
    let data = json(FILE);
    for row in array(&data["segwit_address_bip350"]["valid"]) {
        let raw = text(&row["address"]);
        match raw.to_ascii_lowercase().starts_with("bc1") {
            true => found.takes(FILE, Kind::Bitcoin, raw, &raw.to_ascii_lowercase()),
            false => found.refuses(FILE, Kind::Bitcoin, raw),
        }
    }
    for bip in ["segwit_address_bip350", "segwit_address_bip173"] {
        for row in array(&data[bip]["invalid"]) {
            found.refuses(FILE, Kind::Bitcoin, text(&row["address"]));
        }
    }
    // Well-formed bech32 strings that are no addresses, and ill-formed ones.
    for form in ["bech32", "bech32m"] {
        for raw in array(&data[form]["valid"]) {
            found.refuses(FILE, Kind::Bitcoin, text(raw));
        }
        for row in array(&data[form]["invalid"]) {
            found.refuses(FILE, Kind::Bitcoin, text(&row["s"]));
        }
    }
}

fn eip55(found: &mut Findings) {
    const FILE: &str = "crypto/eip55.json";
    let data = json(FILE);
    for raw in array(&data["valid_checksummed"]) {
        found.takes(FILE, Kind::Ethereum, text(raw), text(raw));
    }
    for row in array(&data["valid_unchecksummed"]) {
        found.takes(FILE, Kind::Ethereum, text(&row["s"]), text(&row["canonical"]));
    }
    for row in array(&data["invalid_checksum"]) {
        found.refuses(FILE, Kind::Ethereum, text(&row["s"]));
    }
    for raw in array(&data["invalid_shape"]) {
        found.refuses(FILE, Kind::Ethereum, text(raw));
    }
}

/// Bitcoin Cash without its prefix has the same value; Cardano is no kind.
fn other_chains(found: &mut Findings) {
    const FILE: &str = "crypto/other_chains_valid.json";
    let data = json(FILE);
    for raw in array(&data["bitcoincash"]) {
        let bare = text(raw).trim_start_matches("bitcoincash:");
        found.takes(FILE, Kind::BitcoinCash, text(raw), &format!("bitcoincash:{bare}"));
    }
    for raw in array(&data["solana"]) {
        found.takes(FILE, Kind::Solana, text(raw), text(raw));
    }
}

fn monero(found: &mut Findings) {
    const FILE: &str = "crypto/monero.json";
    let data = json(FILE);
    for row in array(&data["valid"]) {
        found.takes(FILE, Kind::Monero, text(&row["address"]), text(&row["address"]));
    }
    for row in array(&data["invalid"]) {
        found.refuses(FILE, Kind::Monero, text(&row["s"]));
    }
}

fn kinds(found: &mut Findings) {
    const FILE: &str = "misc/kinds.json";
    let data = json(FILE);
    for row in array(&data["asn"]["valid"]) {
        found.takes(FILE, Kind::Asn, text(&row["input"]), &format!("AS{}", row["asplain"]));
    }
    for raw in array(&data["asn"]["invalid"]).chain(array(&data["asn"]["not_asn_in_text"])) {
        found.refuses(FILE, Kind::Asn, text(raw));
    }
    for raw in array(&data["cve"]["valid"]) {
        found.takes(FILE, Kind::Cve, text(raw), text(raw));
    }
    for raw in array(&data["attack"]["valid"]) {
        found.takes(FILE, Kind::AttackId, text(raw), text(raw));
    }
    for (kind, list) in [
        (Kind::Cve, &data["cve"]["normalise"]),
        (Kind::Mac, &data["mac"]["valid"]),
        (Kind::RegistryKey, &data["registry_key"]["equivalent"]),
        (Kind::X509Serial, &data["x509"]["serial"]["examples"]),
        (Kind::X509Sha1, &data["x509"]["thumbprint_sha1"]["examples"]),
    ] {
        for pair in array(list) {
            found.takes(FILE, kind, text(&pair[0]), text(&pair[1]));
        }
    }
    for (kind, list) in [
        (Kind::Cve, &data["cve"]["invalid"]),
        (Kind::AttackId, &data["attack"]["invalid"]),
        (Kind::Mac, &data["mac"]["invalid"]),
        (Kind::Ssdeep, &data["fingerprints"]["ssdeep"]["invalid"]),
    ] {
        for raw in array(list) {
            found.refuses(FILE, kind, text(raw));
        }
    }
    for kind in [Kind::Ja3, Kind::Ja4, Kind::Jarm, Kind::Hassh, Kind::Imphash, Kind::Ssdeep, Kind::Tlsh] {
        for raw in array(&data["fingerprints"][kind.name()]["valid"]) {
            found.takes(FILE, kind, text(raw), text(raw));
        }
    }
    for kind in [Kind::Md5, Kind::Sha1, Kind::Sha224, Kind::Sha256, Kind::Sha384, Kind::Sha512] {
        let digest = text(&data["hash"]["empty_input"][kind.name()]);
        found.takes(FILE, kind, digest, digest);
    }
}

/// Parts and canonical form of package URLs. A row that names no part wants none.
fn purl(found: &mut Findings) {
    for entry in files("purl") {
        let file = format!("purl/{entry}");
        for (number, row) in array(&json(&file)["tests"]).enumerate() {
            let input = &row["input"];
            let name = format!("{number} {} {}", text(&row["test_type"]), text(&row["description"]));
            let map = |value: &Value| -> std::collections::BTreeMap<String, String> {
                let pairs = value.as_object().into_iter().flatten();
                pairs.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_string())).collect()
            };
            let got = match input.as_str() {
                Some(input) => Purl::parse(input),
                None => Purl::build(
                    input["type"].as_str().unwrap_or_default(),
                    input["namespace"].as_str(),
                    input["name"].as_str().unwrap_or_default(),
                    input["version"].as_str(),
                    map(&input["qualifiers"]),
                    input["subpath"].as_str(),
                ),
            };
            let want = &row["expected_output"];
            let holds = match (&got, row["expected_failure"].as_bool() == Some(true)) {
                (Err(_), fails) => fails,
                (Ok(_), true) => false,
                (Ok(purl), false) if want.is_string() => *want == purl.to_string(),
                (Ok(purl), false) => {
                    want["type"] == purl.package_type.as_str()
                        && want["namespace"].as_str() == purl.namespace.as_deref()
                        && want["name"] == purl.name.as_str()
                        && want["version"].as_str() == purl.version.as_deref()
                        && map(&want["qualifiers"]) == purl.qualifiers
                        && want["subpath"].as_str() == purl.subpath.as_deref()
                }
            };
            found.row(&file, &name, holds, || format!("{input}: want {want}, got {got:?}"));
        }
    }
}

/// Numbers of accounts, cards and telephones.
fn numbers(found: &mut Findings) {
    const FILE: &str = "misc/kinds.json";
    let data = json(FILE);
    for raw in array(&data["iban"]["valid"]) {
        found.takes(FILE, Kind::Iban, text(raw), text(raw));
    }
    for pair in array(&data["payment_card"]["valid"]) {
        found.takes(FILE, Kind::PaymentCard, text(&pair[0]), text(&pair[0]));
    }
    for (kind, list) in [
        (Kind::Iban, &data["iban"]["printed"]),
        (Kind::PaymentCard, &data["payment_card"]["printed"]),
        (Kind::Phone, &data["phone"]["valid"]),
    ] {
        for pair in array(list) {
            found.takes(FILE, kind, text(&pair[0]), text(&pair[1]));
        }
    }
    for (kind, name) in [(Kind::Iban, "iban"), (Kind::PaymentCard, "payment_card")] {
        for row in array(&data[name]["invalid"]) {
            found.refuses(FILE, kind, text(&row["s"]));
        }
    }
    for raw in array(&data["phone"]["invalid"]) {
        found.refuses(FILE, Kind::Phone, text(raw));
    }
}

/// Each choice is by diagnosis: what RFC 5321 lets through is an address, but for literals and names that are no
/// domains here; comments, folding white space and obsolete forms of RFC 5322 are none.
fn email(found: &mut Findings) {
    const FILE: &str = "email/isemail-tests.xml";
    let data = read(FILE);
    let document = roxmltree::Document::parse(&data).expect("the file is XML");
    for test in document.descendants().filter(|node| node.has_tag_name("test")) {
        let part = |name| {
            let node = test.children().find(|node| node.has_tag_name(name));
            node.and_then(|node| node.text()).unwrap_or_default()
        };
        // Control characters stand as their pictures in XML.
        let control = |c: char| match c {
            '\u{2400}'..='\u{241f}' => char::from_u32(u32::from(c) - 0x2400).unwrap_or(c),
            c => c,
        };
        let raw: String = part("address").chars().map(control).collect();
        let diagnosis = part("diagnosis").trim_start_matches("ISEMAIL_");
        let wanted =
            diagnosis == "VALID" || diagnosis.starts_with("DNSWARN") || diagnosis == "RFC5321_QUOTEDSTRING";
        let got = Observable::parse_as(Kind::Email, &raw);
        let name = format!("{} {diagnosis}", test.attribute("id").unwrap_or_default());
        found.row(FILE, &name, got.is_ok() == wanted, || format!("{raw:?}: {}", shown(&got)));
    }
}

/// UTS 46 with the flags of `default@1`: a name that the row lets pass is the row's, or refused by a rule of our own
/// that it breaks; one that the row refuses is refused.
fn idna(found: &mut Findings) {
    const FILE: &str = "idna/IdnaTestV2.txt";
    for (number, line) in read(FILE).lines().enumerate() {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let cells: Vec<String> = line.split(';').map(|cell| unescaped(cell.trim())).collect();
        let [source, unicode, unicode_status, ascii, ascii_status, ..] = &cells[..] else { continue };
        let or = |cell: &String, before: &str| match cell.as_str() {
            "" => before.to_string(),
            "\"\"" => String::new(),
            cell => cell.to_string(),
        };
        let source = or(source, "");
        let unicode = or(unicode, &source);
        let ascii = or(ascii, &unicode);
        let status = if ascii_status.is_empty() { unicode_status } else { ascii_status };
        // Off here: hyphens (V2, V3), STD3 (U1), and the lengths, which have reasons of their own (A4).
        let broken = status
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|code| !matches!(code, "" | "V2" | "V3" | "U1" | "A4_1" | "A4_2"));
        let got = Observable::parse_as(Kind::Domain, &source).map_err(|error| error.reason);
        let bare = ascii.strip_suffix('.').unwrap_or(&ascii);
        let labels = || bare.split('.');
        let holds = match got.as_ref().map(Observable::value) {
            Ok(value) => !broken && value == bare,
            Err(Reason::Idna) => broken || !bare.is_ascii() || bare.is_empty(),
            Err(Reason::Empty) => source.trim().is_empty(),
            _ if broken => true,
            Err(Reason::SingleLabel) => !bare.contains('.'),
            Err(Reason::EmptyLabel) => labels().any(str::is_empty),
            Err(Reason::LabelLength) => bare.len() > 253 || labels().any(|label| label.len() > 63),
            Err(Reason::HyphenEdge) => labels().any(|label| label.ends_with('-')),
            Err(Reason::NumericTld) => {
                labels().next_back().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()))
            }
            Err(Reason::DomainShape) => {
                !bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            }
            Err(Reason::ControlCharacter) => source.chars().any(char::is_control),
            Err(_) => false,
        };
        found.row(FILE, &format!("line {}", number + 1), holds, || {
            format!("{source:?}: want {ascii:?} {status}, got {got:?}")
        });
    }
}

/// The URL standard's "domain to ASCII", as the host of a URL.
fn domain_to_ascii(found: &mut Findings) {
    for file in ["idna/toascii.json", "idna/wpt-IdnaTestV2.json"] {
        let data = serde_json::from_str(&without_lone_surrogates(&read(file))).expect("JSON");
        for (number, row) in array(&data).enumerate().filter(|(_, row)| row.is_object()) {
            // As the suite itself: what would end a host is escaped.
            let ends =
                |c: char| matches!(c, '/' | '?' | '#' | '\\' | ':' | '@' | '[' | ']' | '\t' | '\n' | '\r');
            // A browser has no host without a character.
            if text(&row["input"]).is_empty() {
                continue;
            }
            let escape = |c: char| match ends(c) {
                true => format!("%{:02X}", u32::from(c)),
                false => c.to_string(),
            };
            let input: String = text(&row["input"]).chars().map(escape).collect();
            let whole = format!("https://{input}/x");
            let got = indicia_core::url::parse(&whole);
            let host = got.as_ref().ok().and_then(|url| url.host());
            found.row(file, &format!("{number} {input:?}"), host == row["output"].as_str(), || {
                format!("want {}, got {host:?}", row["output"])
            });
        }
    }
}

/// A lone surrogate, which no Rust text holds, becomes U+FFFD, which is what a browser reads it as.
fn without_lone_surrogates(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u").and_then(|t| t.get(..4));
        digits.and_then(|d| u32::from_str_radix(d, 16).ok()).unwrap_or(0)
    };
    while let Some(at) = rest.find("\\u") {
        out.push_str(&rest[..at]);
        let (first, second) = (unit(&rest[at..]), rest.get(at + 6..).map_or(0, unit));
        let take = match (first, second) {
            (0xd800..=0xdbff, 0xdc00..=0xdfff) => 12,
            _ => 6,
        };
        match first {
            0xd800..=0xdfff if take == 6 => out.push_str("\\ufffd"),
            _ => out.push_str(&rest[at..at + take]),
        }
        rest = &rest[at + take..];
    }
    out + rest
}

/// Labels by their code. What is written in upper case or is ASCII alone has another code after mapping.
fn punycode(found: &mut Findings) {
    const FILE: &str = "idna/punycode_tests.json";
    for (number, row) in array(&json(FILE)).enumerate() {
        let (decoded, encoded) = (text(&row["decoded"]), text(&row["encoded"]).to_lowercase());
        let got = Observable::parse_as(Kind::Domain, &format!("{decoded}.example"));
        let holds = match got.as_ref().map_err(|error| error.reason) {
            Ok(name) if decoded.is_ascii() => *name.value() == format!("{}.example", decoded.to_lowercase()),
            Ok(name) => *name.value() == format!("xn--{encoded}.example"),
            Err(Reason::LabelLength) => encoded.len() > 59,
            Err(Reason::EmptyLabel) => decoded.is_empty(),
            Err(Reason::DomainShape | Reason::Idna | Reason::HyphenEdge) => {
                encoded.bytes().any(|b| !b.is_ascii_alphanumeric() && b != b'-') || encoded.ends_with("--")
            }
            Err(_) => false,
        };
        found.row(FILE, &format!("{number} {decoded}"), holds, || shown(&got));
    }
}

/// `\uXXXX` and `\x{X…}` undone. A lone surrogate, which no Rust text holds, becomes U+FFFF, which no name holds.
fn unescaped(cell: &str) -> String {
    let mut out = String::new();
    let mut rest = cell;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let (digits, length) = match tail.strip_prefix("\\x{") {
            Some(inner) => {
                let digits = inner.split_once('}').expect("a closing brace").0;
                (digits, digits.len() + 4)
            }
            None => (&tail[2..6], 6),
        };
        let number = u32::from_str_radix(digits, 16).expect("hexadecimal");
        out.push(char::from_u32(number).unwrap_or('\u{ffff}'));
        rest = &tail[length..];
    }
    out + rest
}

/// The value alone: the sentence round it belongs to extraction.
fn defang(found: &mut Findings) {
    const FILE: &str = "defang/defang_catalogue.json";
    for row in array(&json(FILE)) {
        let sentence = text(&row["text"]);
        let raw = ["Beacon to ", "Get ", "Mail ", "Host "]
            .iter()
            .find_map(|verb| sentence.strip_prefix(verb)?.strip_suffix(" now"))
            .expect("a sentence of the catalogue");
        let got = Observable::parse(raw);
        let holds = got.as_ref().is_ok_and(|o| o.kind().name() == row["kind"] && o.value() == row["value"]);
        found.row(FILE, raw, holds, || format!("want {} {}, got {}", row["kind"], row["value"], shown(&got)));
    }
}

/// `checkPublicSuffix(name, registrable)`; a name that is no domain, or null, has no registrable part.
fn public_suffixes(found: &mut Findings) {
    const FILE: &str = "psl/test_psl.txt";
    let mut rows = 0;
    for line in read(FILE).lines().filter(|line| line.starts_with("checkPublicSuffix(")) {
        let arguments = line.trim_start_matches("checkPublicSuffix(").trim_end_matches(");");
        let (name, want) = arguments.split_once(", ").expect("two arguments");
        let unquoted =
            |text: &str| text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).map(str::to_owned);
        let name = unquoted(name).unwrap_or_default();
        let canonical =
            |name: &str| Observable::parse_as(Kind::Domain, name).ok().map(|o| o.value().to_owned());
        let want = unquoted(want).map(|want| canonical(&want).expect("a registrable part is a domain"));
        let name_is = canonical(&name);
        let got = name_is.as_deref().and_then(indicia_data::psl::registrable);
        found.row(FILE, &name, got == want.as_deref(), || format!("want {want:?}, got {got:?}"));
        rows += 1;
    }
    assert_eq!(rows, 78, "every row that is not commented out");
}

fn files(folder: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(folder);
    let entries = std::fs::read_dir(path).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

fn json(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn array(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().expect("a list").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
