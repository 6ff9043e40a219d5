//! Runs `tests/vectors` of the workspace through [`Observable`]: the vectors of the profile `default@1`, and
//! public conformance data.
//!
//! `default-1.jsonl` is the contract: every row holds. The conformance files hold too, but for the rows of
//! `expected-failures.toml`, each with its reason; a row that fails without being listed and a listed row that
//! no longer fails (or no longer exists) both break the build.

mod common;

use std::fmt::Write;

use common::{Findings, json_lines, read};
use indicia_core::{Kind, Observable, ParseError, Refang};
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
    kinds(&mut found);
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

/// The parts whose rules `default@1` has; phones, account and card numbers come with their kinds.
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

/// `checkPublicSuffix(name, registrable)`; a name that is no domain has no registrable part.
fn public_suffixes(found: &mut Findings) {
    const FILE: &str = "psl/test_psl.txt";
    for line in read(FILE).lines().filter(|line| line.starts_with("checkPublicSuffix(")) {
        let arguments = line.trim_start_matches("checkPublicSuffix(").trim_end_matches(");");
        let (name, want) = arguments.split_once(", ").expect("two arguments");
        let unquoted =
            |text: &str| text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).map(str::to_owned);
        let Some(name) = unquoted(name) else { continue };
        let canonical =
            |name: &str| Observable::parse_as(Kind::Domain, name).ok().map(|o| o.value().to_owned());
        let want = unquoted(want).map(|want| canonical(&want).expect("a registrable part is a domain"));
        let name_is = canonical(&name);
        let got = name_is.as_deref().and_then(indicia_data::psl::registrable);
        found.row(FILE, &name, got == want.as_deref(), || format!("want {want:?}, got {got:?}"));
    }
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
