//! `misp`: one event with an attribute a context, written attribute by attribute.
//!
//! Types are those of MISP where the kind has one, else `other`; a value of kind `other` keeps its source's type if
//! MISP knows it, and so does a record that came from MISP. `to_ids` is true unless the role is `compromised`,
//! `victim` or `benign`, the record is revoked, or its source says that it is not for detection. TLP, PAP and
//! labels are tags; a label that would be read as a marking is lost, not written. A marking that has no tag becomes
//! `tlp:unclear`, and one that binds a field binds the attribute. The uuid is that of `source_id`, unless an
//! attribute has it already, else made as in `ids.rs`; that of the event is made from its attributes. The event is
//! not published and distributed to nobody, which is for whoever imports it to change, and holds no e-mail address
//! of anybody. Losses are counted from what our own reader makes of each attribute; a name below which only was to
//! match, a mask and a pattern are left out, since MISP would match more or else.

use std::collections::HashSet;
use std::io::{self, Write};

use indicia_core::{Context, Indicator, Kind, Match, Role, Target, Time};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{LossReport, WriteOptions, json, lines};
use crate::markings;
use crate::stix::extension;
use crate::{ids, kinds, misp};

pub(super) struct Event {
    organisation: Option<String>,
    created: Time,
    used: HashSet<u128>,
    any: bool,
    digest: Sha256,
}

impl Event {
    pub(super) fn begin(options: &WriteOptions, out: &mut dyn Write) -> io::Result<Event> {
        let created = options.created.unwrap_or_default();
        let date: String = created.to_string().chars().take(10).collect();
        let mut event = json!({
            "info": options.title.as_deref().unwrap_or("Indicators"),
            "date": date,
            "timestamp": created.unix().to_string(),
            "published": false,
            "analysis": "2",
            "threat_level_id": "4",
            "distribution": "0",
        });
        if let Some(name) = &options.creator {
            let uuid = ids::made(&["organisation", name]).to_string();
            event["Orgc"] = json!({"name": name, "uuid": uuid});
        }
        let text = json::text(&event)?;
        let open = text.strip_suffix('}').unwrap_or(&text);
        write!(out, "{{\"Event\":{open},\"Attribute\":[")?;
        let mut digest = Sha256::new();
        digest.update(text.as_bytes());
        Ok(Event { organisation: options.creator.clone(), created, used: HashSet::new(), any: false, digest })
    }

    pub(super) fn write(
        &mut self,
        indicator: &Indicator,
        out: &mut dyn Write,
        loss: &mut LossReport,
    ) -> io::Result<()> {
        let target = &indicator.target;
        if target.below_only || matches!(target.match_, Match::Mask | Match::Pattern) {
            loss.leave_out("matches what no attribute does");
            return Ok(());
        }
        if target.observable.value().len() > kinds::MAX_OTHER_BYTES {
            loss.leave_out("longer than a value that is read");
            return Ok(());
        }
        let nothing = [Context::default()];
        let contexts = if indicator.contexts.is_empty() { &nothing } else { indicator.contexts.as_slice() };
        for context in contexts {
            let uuid = self.uuid(target, context);
            let mut attribute = attribute(context, self.created);
            attribute.insert("uuid".to_string(), uuid.into());
            let read = self.type_(target, context, &mut attribute);
            let text = json::text(&attribute)?;
            self.digest.update(text.as_bytes());
            out.write_all(if self.any { b",\n" } else { b"\n" })?;
            out.write_all(text.as_bytes())?;
            self.any = true;
            loss.written += 1;
            loss.lose("group", indicator.group.is_some());
            let Some((read, context_read)) = read else {
                loss.lose("value", true);
                continue;
            };
            loss.lose("kind", read.observable.kind() != target.observable.kind());
            let same_type = read.observable.source_type() == target.observable.source_type();
            loss.lose("type", target.observable.kind() == Kind::Other && !same_type);
            loss.lose("value", read.observable.value() != target.observable.value());
            loss.lose("match", read.match_ != target.match_);
            for field in extension::missing(context, &context_read) {
                loss.lose(field, true);
            }
            let kept = |(name, value): (&String, &Value)| context_read.extra.get(name) == Some(value);
            loss.lose("extra", !context.extra.iter().all(kept));
        }
        Ok(())
    }

    pub(super) fn end(self, out: &mut dyn Write) -> io::Result<()> {
        let digest: String = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "\n],\"uuid\":\"{}\"}}}}", ids::made(&["event", &digest]))
    }

    fn uuid(&mut self, target: &Target, context: &Context) -> String {
        let given = context.source_id.as_deref();
        let given = given.and_then(|id| ids::uuid(id.split_once("--").map_or(id, |(_, uuid)| uuid)));
        if let Some(uuid) = given.filter(|uuid| self.used.insert(uuid.as_u128())) {
            return uuid.to_string();
        }
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (producer, source_id, feed) =
            (text(&context.producer), text(&context.source_id), text(&context.feed));
        let mut number = 0u64;
        loop {
            let uuid = ids::made(&[
                "attribute",
                target.observable.kind().name(),
                target.observable.source_type().unwrap_or_default(),
                target.observable.key(),
                target.match_.name(),
                &producer,
                &source_id,
                &feed,
                &number.to_string(),
            ]);
            if self.used.insert(uuid.as_u128()) {
                return uuid.to_string();
            }
            number += 1;
        }
    }

    /// Gives an attribute its type, category and value, and answers what it is read as: with the type that the
    /// record came with, if it still says the same, else with that of the kind.
    fn type_(
        &self,
        target: &Target,
        context: &Context,
        attribute: &mut Map<String, Value>,
    ) -> Option<(Target, Context)> {
        let came_with =
            context.extra.get("type").and_then(Value::as_str).filter(|name| category_of(name).is_some());
        let (own, value) = typed(target, context.role);
        for type_ in came_with.into_iter().chain([own]) {
            let value = if type_ == own { value.as_str() } else { target.observable.value() };
            let category = context.extra.get("category").and_then(Value::as_str);
            let category = category.filter(|name| CATEGORIES.contains(name)).or(category_of(type_));
            attribute.insert("type".to_string(), type_.into());
            attribute.insert("category".to_string(), category.unwrap_or("Network activity").into());
            attribute.insert("value".to_string(), value.into());
            let read = misp::read_attribute(attribute.clone(), self.organisation.as_deref());
            if type_ == own || read.as_ref().is_some_and(|(read, _)| read == target) {
                return read;
            }
        }
        None
    }
}

/// What an attribute says beside its value.
fn attribute(context: &Context, created: Time) -> Map<String, Value> {
    let mut attribute = Map::new();
    let mut put = |name: &str, value: Value| attribute.insert(name.to_string(), value);
    let quiet = matches!(context.role, Some(Role::Compromised | Role::Victim | Role::Benign));
    let quiet = quiet || context.revoked == Some(true) || lines::is_not_for_detection(context);
    put("to_ids", (!quiet).into());
    let given = context.extra.get("timestamp").and_then(Value::as_str);
    let given =
        given.filter(|text| !text.is_empty() && text.len() < 12 && text.bytes().all(|b| b.is_ascii_digit()));
    put("timestamp", given.map_or_else(|| created.unix().to_string(), Into::into).into());
    put("distribution", "5".into());
    put("comment", context.description.as_deref().unwrap_or_default().into());
    for (name, time) in [("first_seen", context.first_seen), ("last_seen", context.last_seen)] {
        if let Some(time) = time {
            put(name, time.to_string().into());
        }
    }
    let tags = tags(context);
    if !tags.is_empty() {
        put("Tag", tags.iter().map(|name| json!({"name": name})).collect());
    }
    attribute
}

fn tags(context: &Context) -> Vec<String> {
    let (tlp, pap) = markings::strictest(context);
    let mut tags = Vec::new();
    tags.extend(tlp.map(|tlp| format!("tlp:{tlp}")));
    tags.extend(pap.map(|pap| format!("PAP:{}", pap.name().to_ascii_uppercase())));
    let mut unclear = |name: &str| {
        let mut read = Context::default();
        let is_tag = markings::apply(name, &mut read) && read.tlp.is_none() && read.pap.is_none();
        let tag = if is_tag { name } else { "tlp:unclear" };
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_string());
        }
    };
    if let Some(unknown) = context.extra.get(markings::UNKNOWN) {
        match unknown.as_array().filter(|list| !list.is_empty() && list.iter().all(Value::is_string)) {
            Some(list) => list.iter().filter_map(Value::as_str).for_each(&mut unclear),
            None => unclear(""),
        }
    }
    for marks in
        context.extra.get(markings::FIELDS).and_then(Value::as_object).into_iter().flat_map(Map::values)
    {
        for marking in markings::of_field(marks) {
            if let markings::Marking::Unknown(name) = marking {
                unclear(name.as_deref().unwrap_or_default());
            }
        }
    }
    // A label that is read as a marking could loosen one.
    let is_marking = |label: &&String| markings::apply(label, &mut Context::default());
    tags.extend(
        context.labels.iter().filter(|label| !label.trim().is_empty() && !is_marking(label)).cloned(),
    );
    tags
}

/// The type of a target, and its value as MISP writes it.
fn typed(target: &Target, role: Option<Role>) -> (&str, String) {
    let observable = &target.observable;
    let value = || observable.value().to_string();
    let type_ = match observable.kind() {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr if role == Some(Role::Scanner) => "ip-src",
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr => "ip-dst",
        Kind::Endpoint => {
            let Some((host, port)) = observable.value().rsplit_once(':') else { return ("other", value()) };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let address = host.parse::<std::net::IpAddr>().is_ok();
            return (if address { "ip-dst|port" } else { "hostname|port" }, format!("{host}|{port}"));
        }
        Kind::Domain if target.match_ == Match::Exact => "hostname",
        Kind::Domain => "domain",
        Kind::Url => "url",
        Kind::Email => match role {
            Some(Role::Phishing) => "email-src",
            Some(Role::Victim) => "email-dst",
            _ => "email",
        },
        Kind::Asn => "AS",
        Kind::Mac => "mac-address",
        Kind::Md5
        | Kind::Sha1
        | Kind::Sha224
        | Kind::Sha256
        | Kind::Sha384
        | Kind::Sha512
        | Kind::Ssdeep
        | Kind::Tlsh
        | Kind::Imphash
        | Kind::Authentihash => observable.kind().name(),
        Kind::Ja3 => "ja3-fingerprint-md5",
        Kind::Jarm => "jarm-fingerprint",
        Kind::Hassh => "hassh-md5",
        Kind::X509Sha1 => "x509-fingerprint-sha1",
        Kind::X509Sha256 => "x509-fingerprint-sha256",
        Kind::Bitcoin => "btc",
        Kind::Dash => "dash",
        Kind::Monero => "xmr",
        Kind::Cve => "vulnerability",
        Kind::FileName | Kind::FilePath => "filename",
        Kind::RegistryKey => "regkey",
        Kind::Mutex => "mutex",
        Kind::NamedPipe => "named pipe",
        Kind::ServiceName => "windows-service-name",
        Kind::UserAgent => "user-agent",
        Kind::UserName if role == Some(Role::Victim) => "target-user",
        Kind::EmailSubject => "email-subject",
        Kind::MobileApp => "mobile-application-id",
        Kind::Phone => "phone-number",
        Kind::Iban => "iban",
        Kind::PaymentCard => "cc-number",
        Kind::Other => observable.source_type().filter(|name| category_of(name).is_some()).unwrap_or("other"),
        _ => "other",
    };
    (type_, value())
}

/// The category that MISP gives a type by default; `None` for what is no type of its.
fn category_of(type_: &str) -> Option<&'static str> {
    if matches!(type_, "ip-dst|port" | "hostname|port") {
        return Some("Network activity");
    }
    TYPES.iter().find(|(_, types)| types.contains(&type_)).map(|(category, _)| *category)
}

const CATEGORIES: [&str; 16] = [
    "Internal reference",
    "Targeting data",
    "Antivirus detection",
    "Payload delivery",
    "Artifacts dropped",
    "Payload installation",
    "Persistence mechanism",
    "Network activity",
    "Payload type",
    "Attribution",
    "External analysis",
    "Financial fraud",
    "Support Tool",
    "Social network",
    "Person",
    "Other",
];

/// The types of MISP that are not composed, and hold no file, by their default category.
const TYPES: &[(&str, &[&str])] = &[
    (
        "Artifacts dropped",
        &[
            "gene",
            "kusto-query",
            "mime-type",
            "mutex",
            "named pipe",
            "pdb",
            "process-state",
            "windows-scheduled-task",
            "windows-service-displayname",
            "windows-service-name",
        ],
    ),
    (
        "Attribution",
        &[
            "campaign-id",
            "campaign-name",
            "dns-soa-email",
            "threat-actor",
            "whois-creation-date",
            "whois-registrant-email",
            "whois-registrant-name",
            "whois-registrant-org",
            "whois-registrant-phone",
            "whois-registrar",
        ],
    ),
    ("External analysis", &["cortex", "cpe", "link", "vulnerability", "weakness"]),
    (
        "Financial fraud",
        &["aba-rtn", "bank-account-nr", "bic", "bin", "btc", "cc-number", "dash", "iban", "prtn", "xmr"],
    ),
    ("Internal reference", &["git-commit-id"]),
    (
        "Network activity",
        &[
            "AS",
            "bro",
            "community-id",
            "cookie",
            "dkim",
            "dkim-signature",
            "dom-hash",
            "domain",
            "email-dst",
            "eppn",
            "favicon-mmh3",
            "hassh-md5",
            "hasshserver-md5",
            "hostname",
            "http-method",
            "ip-dst",
            "ip-src",
            "ja3-fingerprint-md5",
            "jarm-fingerprint",
            "mac-address",
            "mac-eui-64",
            "onion-address",
            "pattern-in-traffic",
            "port",
            "snort",
            "ssh-fingerprint",
            "suricata",
            "uri",
            "url",
            "user-agent",
            "x509-fingerprint-md5",
            "x509-fingerprint-sha1",
            "x509-fingerprint-sha256",
            "zeek",
        ],
    ),
    (
        "Other",
        &[
            "anonymised",
            "boolean",
            "comment",
            "counter",
            "datetime",
            "float",
            "hex",
            "integer",
            "other",
            "size-in-bytes",
            "text",
            "uuid",
        ],
    ),
    (
        "Payload delivery",
        &[
            "authentihash",
            "azure-application-id",
            "cdhash",
            "chrome-extension-id",
            "edge-extension-id",
            "email-attachment",
            "email-body",
            "email-dst-display-name",
            "email-header",
            "email-message-id",
            "email-mime-boundary",
            "email-reply-to",
            "email-src",
            "email-src-display-name",
            "email-subject",
            "email-thread-index",
            "email-x-mailer",
            "filename",
            "impfuzzy",
            "imphash",
            "malware-type",
            "md5",
            "mobile-application-id",
            "pehash",
            "sha1",
            "sha224",
            "sha256",
            "sha3-224",
            "sha3-256",
            "sha3-384",
            "sha3-512",
            "sha384",
            "sha512",
            "sha512/224",
            "sha512/256",
            "ssdeep",
            "telfhash",
            "tlsh",
            "vhash",
        ],
    ),
    (
        "Payload installation",
        &["filename-pattern", "pattern-in-file", "pattern-in-memory", "sigma", "stix2-pattern", "yara"],
    ),
    ("Persistence mechanism", &["regkey"]),
    (
        "Person",
        &[
            "country-of-residence",
            "date-of-birth",
            "first-name",
            "frequent-flyer-number",
            "full-name",
            "gender",
            "identity-card-number",
            "issue-date-of-the-visa",
            "last-name",
            "middle-name",
            "nationality",
            "passenger-name-record-locator-number",
            "passport-country",
            "passport-expiration",
            "passport-number",
            "payment-details",
            "pgp-private-key",
            "pgp-public-key",
            "phone-number",
            "place-of-birth",
            "place-port-of-clearance",
            "place-port-of-onward-foreign-destination",
            "place-port-of-original-embarkation",
            "primary-residence",
            "redress-number",
            "special-service-request",
            "travel-details",
            "visa-number",
        ],
    ),
    (
        "Social network",
        &["email", "github-organisation", "github-repository", "github-username", "jabber-id", "twitter-id"],
    ),
    (
        "Targeting data",
        &[
            "target-email",
            "target-external",
            "target-location",
            "target-machine",
            "target-org",
            "target-user",
        ],
    ),
];
