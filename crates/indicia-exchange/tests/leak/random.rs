//! Operations: feeds whose texts quote each other's values, ids, producers and people in every form, and an agreement.
//!
//! Names and values are made of invented words with a number. A producer called `unknown`, a registry key `Run` or a
//! file `report.html` would be a word of every page, whoever is withheld, and is not generated. User names and
//! tokens have six characters or more: shorter ones are words of other texts, and are not looked for.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        // Neighbouring seeds would begin alike.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random((mixed ^ (mixed >> 31)) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) as usize) % n
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn some<T: Clone>(&mut self, from: &[T], one_in: usize) -> Vec<T> {
        from.iter().filter(|_| self.one_in(one_in)).cloned().collect()
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }

    fn uuid(&mut self) -> String {
        let high = u128::from(self.next()) << 64;
        let bits = high | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// A word that no page has, with a number.
    fn word(&mut self) -> String {
        let (front, back) = (self.pick(FRONT), self.pick(BACK));
        format!("{front}{back}{}", 10 + self.below(990))
    }
}

const FRONT: &[&str] = &["brin", "cal", "dro", "fen", "gor", "hul", "jar", "kes", "lum", "mor", "nev", "zor"];
const BACK: &[&str] = &["dle", "vik", "mast", "quor", "thal", "wyn", "xis", "pold", "gard", "lith"];
const ENDS: &[&str] = &[
    "example", "com", "net", "co.id", "my", "gov.my", "go.id", "com.sg", "th", "io", "org", "test",
    "xn--p1ai",
];
const PURPOSES: &[&str] = &[
    "prevention",
    "detection",
    "investigation",
    "evidence",
    "victim-notification",
    "takedown",
    "statistics",
    "research",
];
const ROLES: &[&str] = &[
    "c2",
    "c2",
    "c2",
    "phishing",
    "malware-host",
    "actor-infra",
    "scanner",
    "compromised",
    "victim",
    "benign",
    "unknown",
];
const CODES: &[&str] = &["MY", "ID", "SG", "TH", "CN", "US"];

/// One feed of an operation.
pub(crate) struct Feed {
    pub(crate) format: indicia_feeds::Format,
    pub(crate) text: String,
    pub(crate) options: indicia_feeds::ReadOptions,
}

/// An operation.
pub(crate) struct Case {
    pub(crate) feeds: Vec<Feed>,
    pub(crate) agreement: String,
    pub(crate) now: indicia_core::Time,
    /// Ids of objects that are no indicators.
    pub(crate) other_ids: Vec<String>,
    /// E-mail addresses of analysts and other people, which stand in texts.
    pub(crate) mails: Vec<String>,
    /// What is personal in values: e-mail addresses, users, passwords, tokens.
    pub(crate) personal: Vec<String>,
    /// Of the items of a first package, one in so many is taken back before the second.
    pub(crate) takes_back: Option<usize>,
}

/// A value of a feed.
#[derive(Clone)]
struct Made {
    kind: &'static str,
    value: String,
}

/// What texts quote.
struct World {
    values: Vec<Made>,
    producers: Vec<String>,
    agreements: Vec<String>,
    ids: Vec<String>,
    other_ids: Vec<String>,
    mails: Vec<String>,
    personal: Vec<String>,
}

impl Case {
    pub(crate) fn new(random: &mut Random) -> Case {
        let most = 50 + random.below(451);
        let records = 50 + random.below(most - 49);
        let provider = format!("{}.provider.example", random.word());
        let recipient = format!("{}.recipient.example", random.word());
        let mut world = World {
            values: Vec::new(),
            producers: (0..6)
                .map(|n| match n {
                    0 | 1 => format!("{} Labs", random.word()),
                    // Some feeds name a person.
                    2 => format!("{}@{}.example", random.word(), random.word()),
                    _ => format!("{}.example", random.word()),
                })
                .collect(),
            agreements: (0..3).map(|_| format!("{}-2017@{}", random.word(), 1 + random.below(4))).collect(),
            ids: (0..records)
                .map(|_| match random.below(4) {
                    0 => format!("{}-{}", random.word(), random.below(100_000)),
                    _ => format!("indicator--{}", random.uuid()),
                })
                .collect(),
            other_ids: [
                "report",
                "report",
                "report",
                "grouping",
                "malware",
                "relationship",
                "sighting",
                "identity",
            ]
            .iter()
            .map(|type_| format!("{type_}--{}", random.uuid()))
            .collect(),
            mails: (0..4)
                .map(|_| format!("{}.{}@{}.example", random.word(), random.word(), random.word()))
                .collect(),
            personal: Vec::new(),
        };
        world.mails.extend(world.producers[2..3].to_vec());
        world.values(records, random);
        let by_stix = records * random.below(4) / 3;
        let mut feeds = Vec::new();
        let (stix, rest) = (0..records).partition::<Vec<usize>, _>(|n| *n < by_stix.min(records));
        if !stix.is_empty() {
            feeds.push(world.bundle(&stix, &provider, random));
        }
        if !rest.is_empty() {
            feeds.push(world.lines(&rest, &provider, &recipient, random));
        }
        Case {
            feeds,
            agreement: agreement(&world, &provider, &recipient, random),
            now: "2017-11-15T08:00:00Z".parse().unwrap(),
            other_ids: world.other_ids,
            mails: world.mails,
            personal: world.personal,
            takes_back: random.one_in(6).then_some(3),
        }
    }
}

impl World {
    fn values(&mut self, records: usize, random: &mut Random) {
        while self.values.len() < records {
            let made = self.value(random);
            self.values.push(made);
        }
    }

    fn host(&self, random: &mut Random) -> String {
        let known = self.of_kinds(&["domain"]);
        if !known.is_empty() && random.one_in(2) {
            return known[random.below(known.len())].value.clone();
        }
        format!("{}.{}", random.word(), random.pick(ENDS))
    }

    fn of_kinds(&self, kinds: &[&str]) -> Vec<&Made> {
        self.values.iter().filter(|made| kinds.contains(&made.kind)).collect()
    }

    fn mail(&mut self, random: &mut Random) -> String {
        let mail = format!("{}@{}.example", random.word(), random.word());
        self.personal.push(mail.clone());
        mail
    }

    fn token(&mut self, random: &mut Random) -> String {
        // No other word begins so: a provider called like a user would be on every page.
        let token = if random.one_in(2) { random.hex(24) } else { format!("q{}", random.word()) };
        self.personal.push(token.clone());
        token
    }

    fn value(&mut self, random: &mut Random) -> Made {
        let v4 = |random: &mut Random| {
            format!(
                "{}.{}.{}.{}",
                20 + random.below(150),
                random.below(9),
                random.below(9),
                random.below(256)
            )
        };
        let (kind, value) = match random.below(24) {
            0..4 => ("domain", self.host(random)),
            4..6 => ("domain", format!("{}.{}", random.word(), self.host(random))),
            6..8 => ("url", format!("http://{}/{}/{}.php", self.host(random), random.word(), random.word())),
            8 => ("url", format!("https://{}/gate/x?user={}", self.host(random), self.mail(random))),
            9 => ("url", format!("http://{}/in/{}/a.html", self.host(random), self.mail(random))),
            10 => {
                let token = self.token(random);
                ("url", format!("http://{}/reset/now?token={token}&v=2", self.host(random)))
            }
            11 => {
                let (user, secret) = (self.token(random), self.token(random));
                (
                    "url",
                    format!("ftp://{user}:{secret}@{}/pub/a.zip#{}", self.host(random), self.token(random)),
                )
            }
            12 => {
                let user = self.token(random);
                ("url", format!("http://{}/home/{user}/public/a.js", self.host(random)))
            }
            13 => {
                // The value of another record, encoded, in the path of this one.
                let other = self.host(random);
                ("url", format!("http://{}/r/{}/x", self.host(random), STANDARD_NO_PAD.encode(other)))
            }
            14 => ("endpoint", format!("{}:{}", v4(random), 1024 + random.below(60_000))),
            15 => ("endpoint", format!("{}:{}", self.host(random), 1024 + random.below(60_000))),
            16 => ("ipv4", v4(random)),
            17 => ("ipv6", format!("2001:db8:{:x}::{:x}", 1 + random.below(9999), 1 + random.below(9999))),
            18 => {
                ("cidr", format!("{}.{}.{}.0/24", 20 + random.below(150), random.below(9), random.below(9)))
            }
            19 => match random.below(3) {
                0 => ("md5", random.hex(32)),
                1 => ("sha1", random.hex(40)),
                _ => ("sha256", random.hex(64)),
            },
            20 => ("email", format!("{}@{}", random.word(), self.host(random))),
            21 => match random.below(3) {
                0 => {
                    let user = self.token(random);
                    ("file-path", format!(r"C:\Users\{user}\AppData\{}.exe", random.word()))
                }
                1 => ("file-path", format!(r"C:\Windows\Temp\{}\{}.dll", random.word(), random.word())),
                _ => ("file-path", format!("/var/tmp/{}/{}.sh", random.word(), random.word())),
            },
            22 => match random.below(4) {
                0 => ("mutex", format!(r"Global\{}", random.word())),
                1 => ("user-agent", format!("{}/1.0 (beacon)", random.word())),
                2 => ("named-pipe", format!(r"\\.\pipe\{}", random.word())),
                _ => ("asn", format!("AS{}", 64_500 + random.below(30))),
            },
            _ => {
                let (software, name) = (random.word(), random.word());
                ("registry-key", format!(r"HKEY_CURRENT_USER\Software\{software}\{name}"))
            }
        };
        Made { kind, value }
    }

    /// A text that may quote anything, in any form.
    fn text(&self, random: &mut Random) -> String {
        let opening =
            random.pick(&["Seen with ", "Beacons to: ", "", "Kampagne – siehe ", "cf. (", "<b>", "\"", "x="]);
        let mut text = format!("{opening}{}", random.word());
        for _ in 0..random.below(3) {
            let between = random.pick(&[" ", ", ", " / ", "\n", "; then <i>", " & ", " \"", " =", "(", "|"]);
            text.push_str(between);
            text.push_str(&if random.one_in(4) { random.word() } else { self.quote(random) });
            text.push_str(random.pick(&["", "", ".", ")", " end", "\"", "</i>", ", …"]));
        }
        text
    }

    /// Text, once in so many; else a word.
    fn text_or_word(&self, random: &mut Random, one_in: usize) -> String {
        if random.one_in(one_in) { self.text(random) } else { random.word() }
    }

    fn quote(&self, random: &mut Random) -> String {
        let mut hashed = true;
        let what = match random.below(12) {
            0..6 => self.values[random.below(self.values.len())].value.clone(),
            6 => self.producers[random.below(self.producers.len())].clone(),
            7 => self.ids[random.below(self.ids.len())].clone(),
            8 => {
                // What no record holds has no hash that anything here could know, nor could be told from a path.
                return self.other_ids[random.below(self.other_ids.len())].clone();
            }
            9 => self.agreements[random.below(self.agreements.len())].clone(),
            10 if !self.personal.is_empty() => self.personal[random.below(self.personal.len())].clone(),
            _ => {
                hashed = false;
                self.mails[random.below(self.mails.len())].clone()
            }
        };
        hashed &= !self.mails.contains(&what);
        written(&what, hashed, random)
    }

    fn references(&self, random: &mut Random) -> Vec<String> {
        (0..random.below(3))
            .map(|_| match random.below(4) {
                0 => format!("https://blog.example/{}?about={}", random.word(), self.quote(random)),
                1 => format!("https://blog.example/{}/{}", self.quote(random), random.word()),
                2 => self.text(random),
                _ => format!("https://blog.example/{}", random.word()),
            })
            .collect()
    }

    fn producer(&self, provider: &str, random: &mut Random) -> String {
        if random.one_in(2) { provider.to_string() } else { random.pick(&self.producers) }
    }

    fn country(&self, random: &mut Random) -> Value {
        let code = if random.one_in(60) { self.quote(random) } else { random.pick(CODES).to_string() };
        let basis = random.pick(&["hosting", "cctld", "victim", "registrant", "statement"]).to_string();
        let mut country = json!({ "code": code, "basis": basis });
        if random.one_in(2) {
            country["evidence"] = self.text(random).into();
        }
        if random.one_in(6) {
            country["strength"] = self.text_or_word(random, 2).into();
        } else if random.one_in(3) {
            country["strength"] = "strong".into();
        }
        if random.one_in(40) {
            country["basis"] = self.quote(random).into();
        }
        country
    }

    fn context(&self, at: usize, provider: &str, recipient: &str, random: &mut Random) -> Value {
        let mut context = json!({
            "producer": self.producer(provider, random),
            "source_id": self.ids[at],
            "role": random.pick(ROLES),
            "last_seen": format!("2017-{:02}-{:02}", 1 + random.below(10), 1 + random.below(28)),
            "first_seen": format!("2016-{:02}-{:02}", 1 + random.below(12), 1 + random.below(28)),
        });
        if random.one_in(12) {
            context["source_id"] = self.ids[random.below(self.ids.len())].clone().into();
        }
        let mut put = |name: &str, value: Value| context[name] = value;
        if !random.one_in(12) {
            put(
                "tlp",
                random
                    .pick(&["clear", "clear", "green", "green", "amber", "amber", "amber+strict", "red"])
                    .into(),
            );
        }
        if random.one_in(2) {
            put("pap", random.pick(&["clear", "green", "green", "amber", "red"]).into());
        }
        if random.one_in(4) {
            put("purposes", random.some(PURPOSES, 2).into());
        }
        put("labels", (0..random.below(4)).map(|_| self.text_or_word(random, 3)).collect::<Vec<_>>().into());
        if random.one_in(3) {
            put("threat", self.text_or_word(random, 2).into());
        }
        if random.one_in(3) {
            put("provider", self.text_or_word(random, 2).into());
        }
        if random.one_in(4) {
            put("asn", (64_500 + random.below(30)).into());
        }
        if random.one_in(2) {
            put("description", self.text(random).into());
        }
        put("references", self.references(random).into());
        if random.one_in(2) {
            let mut confidence = json!({ "value": random.below(101) });
            if random.one_in(2) {
                confidence["source"] = self.text(random).into();
            }
            if random.one_in(4) {
                confidence["scale"] = self.text_or_word(random, 2).into();
            }
            put("confidence", confidence);
        }
        put("countries", (0..random.below(3)).map(|_| self.country(random)).collect::<Vec<_>>().into());
        if random.one_in(10) {
            put("valid_until", random.pick(&["2017-11-01", "2018-06-01"]).into());
        }
        if random.one_in(25) {
            put("revoked", true.into());
        }
        if random.one_in(4) {
            put(
                "hops",
                (0..1 + random.below(2)).map(|_| self.hop(recipient, random)).collect::<Vec<_>>().into(),
            );
        }
        let mut extra = serde_json::Map::new();
        if random.one_in(5) {
            extra.insert("analyst".into(), random.pick(&self.mails).into());
            extra.insert("note".into(), self.text(random).into());
        }
        if random.one_in(6) {
            extra.insert("statements".into(), json!([self.text(random), self.text(random)]));
        }
        if random.one_in(30) {
            extra.insert("unknown_markings".into(), json!([self.text(random)]));
        }
        if random.one_in(6) {
            let field =
                random.pick(&["description", "labels", "threat", "references", "producer", "last_seen"]);
            let level = random.pick(&["clear", "green", "amber", "red"]);
            extra.insert("marked_fields".into(), json!({ field: { "tlp": level } }));
        }
        if random.one_in(8) {
            let mut handling = json!({
                "agreement": random.pick(&self.agreements),
                "onward": random.pick(&["none", "consent", "organisation", "listed"]),
                "onward_to": [recipient],
                "attribution": random.pick(&["may", "must", "must-not"]),
            });
            if random.one_in(3) {
                handling["delete_by"] = random.pick(&["2017-11-01", "2019-01-01"]).into();
            }
            extra.insert("handling".into(), handling);
        }
        put("extra", extra.into());
        context
    }

    fn hop(&self, recipient: &str, random: &mut Random) -> Value {
        let mut hop = json!({ "who": random.pick(&self.producers), "when": "2017-09-01" });
        if random.one_in(12) {
            hop["who"] = recipient.into();
        }
        if random.one_in(2) {
            hop["agreement"] = random.pick(&self.agreements).into();
        }
        if random.one_in(10) {
            hop["agreement"] = self.text(random).into();
        }
        hop["action"] = self.text_or_word(random, 5).into();
        hop
    }

    /// `jsonl`: records with all fields; some values twice, by two producers.
    fn lines(&self, which: &[usize], provider: &str, recipient: &str, random: &mut Random) -> Feed {
        let mut text = String::new();
        for at in which {
            let made = &self.values[*at];
            let mut record = json!({ "target": { "kind": made.kind, "value": made.value }, "contexts": [] });
            if made.kind == "domain" && random.one_in(2) {
                record["target"]["match"] = random.pick(&["exact", "subdomains"]).into();
            }
            if random.one_in(6) {
                record["group"] = format!("{}-group", self.ids[random.below(self.ids.len())]).into();
            }
            let contexts = if random.one_in(5) { 2 } else { 1 };
            record["contexts"] = (0..contexts)
                .map(|_| self.context(*at, provider, recipient, random))
                .collect::<Vec<_>>()
                .into();
            text.push_str(&record.to_string());
            text.push('\n');
        }
        let options = indicia_feeds::ReadOptions { feed: Some("lines".into()), ..Default::default() };
        Feed { format: indicia_feeds::Format::Jsonl, text, options }
    }

    /// A STIX bundle: reports in reports, relationships, sightings, identities, markings of every sort.
    fn bundle(&self, which: &[usize], provider: &str, random: &mut Random) -> Feed {
        const TLP: [&str; 5] = [
            "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
            "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
            "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
            "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        ];
        const PAP: [&str; 3] = [
            "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9",
            "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab",
            "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92",
        ];
        let times = json!({ "spec_version": "2.1", "created": "2017-03-01T00:00:00Z", "modified": "2017-10-01T00:00:00Z" });
        let mut objects: Vec<Value> = Vec::new();
        let object = |type_: &str, id: &str, more: Value| {
            let mut object = times.clone();
            object["type"] = type_.into();
            object["id"] = id.into();
            for (name, value) in more.as_object().into_iter().flatten() {
                object[name] = value.clone();
            }
            object
        };
        let names: Vec<String> =
            self.producers.iter().cloned().chain(std::iter::repeat_n(provider.to_string(), 6)).collect();
        let identities: Vec<String> = names.iter().map(|_| format!("identity--{}", random.uuid())).collect();
        for (name, id) in names.iter().zip(&identities) {
            let who = json!({ "name": name, "contact_information": random.pick(&self.mails) });
            objects.push(object("identity", id, who));
        }
        let statement = format!("marking-definition--{}", random.uuid());
        let words =
            json!({ "definition_type": "statement", "definition": { "statement": self.text(random) } });
        objects.push(object("marking-definition", &statement, words));
        let odd = format!("marking-definition--{}", random.uuid());
        objects.push(object("marking-definition", &odd, json!({ "name": self.text(random) })));

        let malware = &self.other_ids[4];
        objects.push(object("malware", malware, json!({ "name": self.text(random), "is_family": true })));
        let mut ids = Vec::new();
        for at in which {
            let made = &self.values[*at];
            let Some(mut pattern) = pattern(made) else { continue };
            if random.one_in(12) {
                let other = &self.values[random.below(self.values.len())];
                if let Some(more) = self::pattern(other) {
                    pattern = format!("{pattern} OR {more}");
                }
            }
            let id = format!(
                "indicator--{}",
                self.ids[*at].split_once("--").map_or_else(|| random.uuid(), |(_, id)| id.to_string())
            );
            let mut refs: Vec<&str> = Vec::new();
            if !random.one_in(8) {
                refs.push(TLP[random.below(10).min(random.below(5))]);
            }
            if random.one_in(2) {
                refs.push(PAP[random.below(3)]);
            }
            if random.one_in(8) {
                refs.push(&statement);
            }
            if random.one_in(30) {
                refs.push(&odd);
            }
            let mut more = json!({
                "pattern": pattern,
                "pattern_type": "stix",
                "valid_from": "2017-05-01T00:00:00Z",
                "created_by_ref": random.pick(&identities),
                "labels": (0..random.below(3)).map(|_| self.text_or_word(random, 3)).collect::<Vec<_>>(),
                "description": self.text(random),
                "name": self.text(random),
                "object_marking_refs": refs,
                "x_analyst": random.pick(&self.mails),
            });
            if random.one_in(3) {
                let links = self.references(random);
                let links: Vec<Value> = links
                    .iter()
                    .map(|url| json!({ "source_name": random.pick(&self.producers), "url": url, "description": self.text(random), "external_id": random.pick(&self.ids) }))
                    .collect();
                more["external_references"] = links.into();
            }
            if random.one_in(3) {
                more["indicator_types"] =
                    json!([random.pick(&["malicious-activity", "compromised", "benign"])]);
            }
            if random.one_in(5) {
                let selector = random.pick(&[
                    "description",
                    "labels",
                    "pattern",
                    "labels.[0]",
                    "created_by_ref",
                    "name",
                ]);
                if selector != "labels.[0]" || more["labels"].get(0).is_some() {
                    let mark = random.pick(&[TLP[4], TLP[3], TLP[1], &*odd]);
                    more["granular_markings"] = json!([{ "marking_ref": mark, "selectors": [selector] }]);
                }
            }
            if random.one_in(20) {
                more["revoked"] = true.into();
            }
            if random.one_in(3) {
                more["confidence"] = random.below(101).into();
            }
            objects.push(object("indicator", &id, more));
            if random.one_in(8) {
                let relation = json!({ "relationship_type": "indicates", "source_ref": id, "target_ref": malware, "description": self.text(random) });
                objects.push(object("relationship", &format!("relationship--{}", random.uuid()), relation));
            }
            if random.one_in(15) {
                let seen = json!({ "sighting_of_ref": id, "where_sighted_refs": [random.pick(&identities)], "summary": self.text(random) });
                objects.push(object("sighting", &format!("sighting--{}", random.uuid()), seen));
            }
            ids.push(id);
        }
        // A report holds a report, which holds a grouping.
        for (n, id) in self.other_ids[..4].iter().enumerate() {
            let type_ = id.split("--").next().unwrap_or_default();
            let mut refs = random.some(&ids, 12);
            if n > 0 {
                refs.push(self.other_ids[n - 1].clone());
            }
            let mut more =
                json!({ "name": self.text(random), "description": self.text(random), "object_refs": refs });
            if random.one_in(2) {
                more["object_marking_refs"] = json!([TLP[random.below(5).min(random.below(5))]]);
            }
            objects.push(object(type_, id, more));
        }
        let options = indicia_feeds::ReadOptions {
            feed: Some("bundle".into()),
            default_role: random.pick(&[None, Some(indicia_core::Role::C2), Some(indicia_core::Role::C2)]),
            ..Default::default()
        };
        let bundle =
            json!({ "type": "bundle", "id": format!("bundle--{}", random.uuid()), "objects": objects });
        Feed { format: indicia_feeds::Format::Stix, text: bundle.to_string(), options }
    }
}

/// The pattern of a value, where STIX has an object for its kind.
fn pattern(made: &Made) -> Option<String> {
    let value = made.value.replace('\\', r"\\");
    let path = match made.kind {
        "domain" => "domain-name:value",
        "url" => "url:value",
        "ipv4" => "ipv4-addr:value",
        "cidr" => "ipv4-addr:value",
        "ipv6" => "ipv6-addr:value",
        "md5" => "file:hashes.MD5",
        "sha1" => "file:hashes.'SHA-1'",
        "sha256" => "file:hashes.'SHA-256'",
        "email" => "email-addr:value",
        "registry-key" => "windows-registry-key:key",
        "mutex" => "mutex:name",
        "file-path" => "x-indicia-file-path:value",
        "endpoint" => {
            let (host, port) = value.rsplit_once(':')?;
            return Some(format!(
                "[network-traffic:dst_ref.value = '{host}' AND network-traffic:dst_port = {port}]"
            ));
        }
        _ => return None,
    };
    Some(format!("[{path} = '{value}']"))
}

/// The namespace in which STIX makes ids of observables.
pub(crate) const STIX_NAMESPACE: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);

/// How a text writes what it quotes.
fn written(what: &str, hashed: bool, random: &mut Random) -> String {
    let each = |write: fn(u8) -> String| what.bytes().map(write).collect::<String>();
    let bytes = what.as_bytes();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match random.below(if hashed { 34 } else { 22 }) {
        0..4 => what.to_string(),
        4 => what.to_uppercase(),
        5 => what.replace('.', "[.]").replace("http", "hxxp").replace('@', "[@]"),
        6 => what.replace('.', "(.)").replace("://", "[:]//").replace('@', "(at)"),
        7 => what.replace('.', "[dot]").replace('@', "[at]"),
        8 => what.replace('.', "{.}").replace("http", "hXXp"),
        9 => what.replace('.', r"\."),
        // Words for dots are told apart only where no plain dot stands beside them.
        10 => what.replace('.', " dot ").replace('@', " at "),
        11 => what.replace('.', "%2E").replace('@', "%40").replace('/', "%2f").replace(':', "%3A"),
        12 => what.replace('.', "%2e").replace('@', "%40"),
        13 => each(|b| format!("%{b:02x}")),
        14 => each(|b| format!("%{b:02X}")),
        15 => what.replace('.', "%252e").replace('@', "%2540").replace('/', "%252F"),
        16 => STANDARD.encode(bytes),
        17 => STANDARD_NO_PAD.encode(bytes),
        18 => URL_SAFE.encode(bytes),
        19 => URL_SAFE_NO_PAD.encode(bytes),
        20 => hex(bytes),
        21 => hex(bytes).to_uppercase(),
        22 => hex(&Md5::digest(bytes)),
        23 => hex(&Sha1::digest(bytes)),
        24 => hex(&Sha256::digest(bytes)),
        25 => hex(&Sha256::digest(bytes)).to_uppercase(),
        26 => Uuid::new_v5(&Uuid::NAMESPACE_DNS, bytes).to_string(),
        27 => Uuid::new_v5(&Uuid::NAMESPACE_URL, bytes).to_string(),
        28 => format!(
            "domain-name--{}",
            Uuid::new_v5(&STIX_NAMESPACE, json!({ "value": what }).to_string().as_bytes())
        ),
        29 => Uuid::new_v5(&STIX_NAMESPACE, bytes).to_string().to_uppercase(),
        // Inside of a longer text that is encoded.
        30 => STANDARD.encode(format!("GET {what} HTTP/1.1")),
        32 => STANDARD.encode(what.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        31 => hex(format!("-> {what} <-").as_bytes()),
        _ => STANDARD.encode(bytes).replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"),
    }
}

fn agreement(world: &World, provider: &str, recipient: &str, random: &mut Random) -> String {
    let quoted = |words: &[&str]| words.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", ");
    let kind = random.pick(&["police", "police-international", "csirt", "isac", "vendor", "public"]);
    let countries = random.some(CODES, 2);
    let roles: Vec<&str> =
        random.some(&["c2", "phishing", "malware-host", "actor-infra", "compromised", "victim"], 2);
    let roles = match random.below(3) {
        0 => format!("[{}]", quoted(&roles)),
        _ => random
            .pick(&["\"all\"", r#"["c2", "phishing", "malware-host", "compromised", "victim", "unknown"]"#])
            .to_string(),
    };
    let kinds = if random.one_in(8) {
        let kinds =
            ["domain", "url", "ipv4", "ipv6", "endpoint", "md5", "sha256", "email", "cidr", "registry-key"];
        format!("[{}]", quoted(&random.some(&kinds, 2)))
    } else {
        "\"all\"".to_string()
    };
    let scope = if !random.one_in(3) {
        "\"all\"".to_string()
    } else {
        format!("[{}]", quoted(&random.some(CODES, 2)))
    };
    let mut purposes = random.some(PURPOSES, 2);
    if !random.one_in(4) {
        purposes.extend(["prevention", "detection", "investigation", "victim-notification"]);
        purposes.sort_unstable();
        purposes.dedup();
    }
    let onward = random.pick(&["none", "consent", "organisation", "listed"]);
    let onward_to = if onward == "listed" { "onward_to = [\"third.recipient.example\"]\n" } else { "" };
    let attribution = random.pick(&["may", "must", "must-not"]);
    let (community, client) = (random.pick(&["asean-2017", "asean-2017", "other"]), !random.one_in(3));
    let tlp = random.pick(&["green", "amber", "amber", "amber+strict", "amber+strict", "red"]);
    let pap = random.pick(&["", "pap = \"amber\"\n", "pap = \"red\"\n"]);
    let schemes = random.pick(&[r#"["tlp", "pap"]"#, r#"["tlp", "pap", "statement"]"#]);
    let unknown = random.pick(&["withhold", "send", "send"]);
    let limits = random.pick(&["", "", "", "max_age_days = 200\n", "min_confidence = 30\n"]);
    let sidecar = random.one_in(2);
    // The giver lets one of the items go out more widely.
    let consent = if random.one_in(3) {
        format!(
            "[[consent]]\nwho = {:?}\nwhen = 2017-11-02\nreference = \"Letter\"\nitems = [{:?}]\ntlp = \"green\"\n",
            world.producers[3],
            random.pick(&world.ids)
        )
    } else {
        String::new()
    };
    format!(
        r#"schema = "indicia-agreement/1"
id = "agreed-2017"
version = 1
legal_reference = "Treaty of 2017"
valid = {{ from = 2017-01-01, until = 2020-01-01 }}
[provider]
id = "{provider}"
communities = ["asean-2017"]
[recipient]
id = "{recipient}"
kind = "{kind}"
countries = [{}]
communities = ["{community}"]
client = {client}
[scope]
roles = {roles}
kinds = {kinds}
countries = {scope}
basis = ["hosting", "cctld", "victim", "statement"]
unknown_country = "{unknown}"
{limits}[ceiling]
tlp = "{tlp}"
{pap}schemes = {schemes}
[handling]
purposes = [{}]
onward = "{onward}"
{onward_to}attribution = "{attribution}"
sidecar = {sidecar}
[retention]
days = 365
[redaction]
rules = "strict@1"
[feedback]
accept = ["sighting"]
{consent}"#,
        quoted(&countries),
        quoted(&purposes),
    )
}
