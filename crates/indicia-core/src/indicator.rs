//! An indicator: a target (what to look for and how it matches) with its contexts (what feeds say of it).
//!
//! The structs here *are* the record: one JSON line of the `jsonl` format, field for field and in this order.
//! A field that is absent is unknown. A field that this version does not know is kept in `extra`. Contexts of
//! different feeds stand side by side and are never merged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::{Kind, Mask, Observable, Pap, ParseError, ParseOptions, Profile, Refang, Time, Tlp};

/// How a target matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// Equal keys.
    #[default]
    Exact,
    /// A domain and every name below it; below only where [`Target::below_only`] is set.
    Subdomains,
    /// Every address of a network or range.
    Network,
    /// A URL and everything under it, ending at `/ ? #` or the end.
    Prefix,
    /// A [`Mask`]: the value of the target is its text.
    Mask,
    /// A STIX pattern.
    Pattern,
}

impl Match {
    /// The name as in records.
    pub const fn name(self) -> &'static str {
        match self {
            Match::Exact => "exact",
            Match::Subdomains => "subdomains",
            Match::Network => "network",
            Match::Prefix => "prefix",
            Match::Mask => "mask",
            Match::Pattern => "pattern",
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Match {
    type Err = serde::de::value::Error;
    fn from_str(text: &str) -> Result<Match, Self::Err> {
        use serde::de::IntoDeserializer;
        Match::deserialize(text.into_deserializer())
    }
}

/// What to look for: a kind, a canonical value and how it matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The kind and canonical value. For `Subdomains` without the apex the value is written `*.name`.
    pub observable: Observable,
    /// How it matches.
    pub match_: Match,
    /// `Subdomains` only: names below match, the name itself does not (`*.x` in a feed).
    pub below_only: bool,
}

impl Target {
    /// A target that matches as values of its kind do when nothing else is said: networks and ranges cover
    /// their addresses, everything else is exact.
    pub fn new(observable: Observable) -> Target {
        let match_ = match observable.kind() {
            Kind::Cidr | Kind::IpRange => Match::Network,
            _ => Match::Exact,
        };
        Target { observable, match_, below_only: false }
    }

    /// The same target with another way to match.
    pub fn matching(self, match_: Match) -> Target {
        Target { match_, ..self }
    }

    /// The value as it stands in the record.
    pub fn value(&self) -> std::borrow::Cow<'_, str> {
        if self.below_only {
            format!("*.{}", self.observable.value()).into()
        } else {
            self.observable.value().into()
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RawTarget<'a> {
    kind: Kind,
    #[serde(borrow)]
    value: std::borrow::Cow<'a, str>,
    #[serde(rename = "match", default)]
    match_: Option<Match>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    source_type: Option<std::borrow::Cow<'a, str>>,
    /// Absent for `default@1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawTarget {
            kind: self.observable.kind(),
            value: self.value(),
            match_: Some(self.match_),
            source_type: self.observable.source_type().map(Into::into),
            profile: Some(self.observable.profile()).filter(|profile| *profile != Profile::Default),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
        let raw = RawTarget::deserialize(deserializer)?;
        let profile = raw.profile.unwrap_or_default();
        Target::from_parts_under(profile, raw.kind, &raw.value, raw.match_, raw.source_type.as_deref())
            .map_err(serde::de::Error::custom)
    }
}

impl Target {
    /// A target from the fields of a record. The value is parsed as its kind; `match_` absent means the
    /// kind's default; `*.name` with `Subdomains` is below only. With `Mask` the value is the text of a [`Mask`], and
    /// one that says no more than a value or a name with all below it becomes that. `source_type` is for
    /// [`Kind::Other`].
    pub fn from_parts(
        kind: Kind,
        value: &str,
        match_: Option<Match>,
        source_type: Option<&str>,
    ) -> Result<Target, ParseError> {
        Target::from_parts_under(Profile::Default, kind, value, match_, source_type)
    }

    /// As [`Target::from_parts`], with a URL read under a profile.
    ///
    /// # Errors
    /// The reason why the value is refused.
    pub fn from_parts_under(
        profile: Profile,
        kind: Kind,
        value: &str,
        match_: Option<Match>,
        source_type: Option<&str>,
    ) -> Result<Target, ParseError> {
        if kind == Kind::Other {
            let observable = Observable::other(source_type.unwrap_or("unknown"), value);
            return Ok(Target { observable, match_: match_.unwrap_or_default(), below_only: false });
        }
        if match_ == Some(Match::Mask) {
            return Mask::parse(kind, value)?.into_target_under(profile);
        }
        let (bare, below_only) = match value.strip_prefix("*.") {
            Some(bare) if kind == Kind::Domain && matches!(match_, None | Some(Match::Subdomains)) => {
                (bare, true)
            }
            _ => (value, false),
        };
        let options = ParseOptions { profile, kind: Some(kind), refang: Refang::Off };
        let observable = Observable::parse_with(bare, &options)?;
        let mut target = Target::new(observable);
        if below_only {
            target.match_ = Match::Subdomains;
            target.below_only = true;
        } else if let Some(match_) = match_ {
            target.match_ = match_;
        }
        Ok(target)
    }
}

/// What the value is in the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Command and control.
    C2,
    /// A phishing site or sender.
    Phishing,
    /// Where malware is downloaded from.
    MalwareHost,
    /// Other infrastructure of the actor.
    ActorInfra,
    /// A source of scans or brute force.
    Scanner,
    /// Somebody's property that was broken into: to be notified, not blocked.
    Compromised,
    /// A victim: to be notified, not blocked.
    Victim,
    /// Known to be harmless.
    Benign,
    /// The feed says that it does not know.
    Unknown,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Role] = &[
        Role::C2,
        Role::Phishing,
        Role::MalwareHost,
        Role::ActorInfra,
        Role::Scanner,
        Role::Compromised,
        Role::Victim,
        Role::Benign,
        Role::Unknown,
    ];

    /// The name as in records.
    pub const fn name(self) -> &'static str {
        match self {
            Role::C2 => "c2",
            Role::Phishing => "phishing",
            Role::MalwareHost => "malware-host",
            Role::ActorInfra => "actor-infra",
            Role::Scanner => "scanner",
            Role::Compromised => "compromised",
            Role::Victim => "victim",
            Role::Benign => "benign",
            Role::Unknown => "unknown",
        }
    }

    /// Whether this is somebody to notify: never scanned for, compiled or blocked unless named.
    pub const fn is_to_notify(self) -> bool {
        matches!(self, Role::Compromised | Role::Victim)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a role; roles are c2 phishing malware-host actor-infra scanner compromised victim benign unknown"
)]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;
    fn from_str(text: &str) -> Result<Role, NotARole> {
        Role::ALL.iter().copied().find(|r| r.name().eq_ignore_ascii_case(text.trim())).ok_or(NotARole)
    }
}

/// How sure a producer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Confidence {
    /// The number on the scale.
    pub value: Number,
    /// The scale that the number is on; absent means 0-100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<String>,
    /// Where it comes from: a field's name, a taxonomy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Confidence {
    /// A confidence on the scale 0-100.
    pub fn percent(value: u8) -> Confidence {
        Confidence { value: value.into(), scale: None, source: None }
    }

    /// The value on 0-100. A scale `a-b` of numbers is stretched; any other scale is taken as 0-100.
    pub fn as_percent(&self) -> f64 {
        let value = self.value.as_f64().unwrap_or(0.0);
        let bounds = self.scale.as_deref().and_then(|s| {
            let (low, high) = s.split_once('-')?;
            Some((low.trim().parse::<f64>().ok()?, high.trim().parse::<f64>().ok()?))
        });
        match bounds {
            Some((low, high)) if high > low => (value - low) / (high - low) * 100.0,
            _ => value,
        }
    }
}

/// A country as a fact about the target, with what the fact rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Country {
    /// ISO 3166-1 alpha-2, upper case.
    pub code: String,
    /// What it rests on: `hosting`, `cctld`, `victim`, `registrant`, `statement`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// The evidence: a database and its version, a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// When it was so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Time>,
    /// How strong the fact is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<String>,
}

/// One station on the way of a context.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hop {
    /// Who passed it on.
    pub who: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Time>,
    /// Under which agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// What one feed says of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Context {
    /// The name of the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// Who made the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The id that the source gives the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// What the value is in the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Labels and tags, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The name of the threat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threat: Option<String>,
    /// How sure the producer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// First seen by the producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Time>,
    /// Last seen by the producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Time>,
    /// Valid from, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    /// Valid until, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
    /// Taken back by the producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<bool>,
    /// Who may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
    /// What may be done with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pap: Option<Pap>,
    /// What it may be used for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// Countries concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<Country>,
    /// The autonomous system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// The hosting provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Links to reports, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The way it came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
    /// What the record holds beside, by the source's own names.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The fields of a context, by name.
const CONTEXT_FIELDS: [&str; 22] = [
    "feed",
    "producer",
    "source_id",
    "role",
    "labels",
    "threat",
    "confidence",
    "first_seen",
    "last_seen",
    "valid_from",
    "valid_until",
    "revoked",
    "tlp",
    "pap",
    "purposes",
    "countries",
    "asn",
    "provider",
    "references",
    "description",
    "hops",
    "extra",
];

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Context::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Context {
    /// Fields that this version does not know are kept in `extra`. `null` is absent; `valid` is an answer of a
    /// scan, not a statement of the feed.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Context, D::Error> {
        let mut fields = Map::<String, Value>::deserialize(deserializer)?;
        fields.remove("valid");
        let mut unknown = Map::new();
        fields.retain(|name, value| {
            let known = CONTEXT_FIELDS.contains(&name.as_str());
            if !known {
                unknown.insert(name.clone(), value.take());
            }
            known && !value.is_null()
        });
        let mut context = Context::deserialize(Value::Object(fields)).map_err(serde::de::Error::custom)?;
        for (name, value) in unknown {
            context.extra.entry(name).or_insert(value);
        }
        Ok(context)
    }
}

impl Context {
    /// Whether the statement holds at `at`: `None` where the context gives no bound.
    pub fn valid_at(&self, at: Time) -> Option<bool> {
        if self.valid_from.is_none() && self.valid_until.is_none() {
            return None;
        }
        Some(self.valid_from.is_none_or(|from| from <= at) && self.valid_until.is_none_or(|until| at < until))
    }
}

/// A target with its contexts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Indicator {
    /// What to look for.
    pub target: Target,
    /// Ties the parts of one composite record (`domain|ip`) together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What feeds say of it, one entry a feed record.
    pub contexts: Vec<Context>,
}

impl Indicator {
    /// An indicator with one context.
    pub fn new(target: Target, context: Context) -> Indicator {
        Indicator { target, group: None, contexts: vec![context] }
    }
}

impl<'de> Deserialize<'de> for Indicator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Indicator, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            target: Target,
            #[serde(default)]
            group: Option<String>,
            #[serde(default)]
            contexts: Vec<Context>,
            #[serde(flatten)]
            unknown: Map<String, Value>,
        }
        let mut raw = Raw::deserialize(deserializer)?;
        if raw.contexts.is_empty() {
            raw.contexts.push(Context::default());
        }
        for (name, value) in raw.unknown {
            raw.contexts[0].extra.entry(name).or_insert(value);
        }
        Ok(Indicator { target: raw.target, group: raw.group, contexts: raw.contexts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_round_trips_and_unknown_fields_are_kept() {
        let line = r#"{"target":{"kind":"domain","value":"bad.example","match":"subdomains"},"group":"g1","contexts":[{"feed":"a","role":"c2","labels":["x"],"confidence":{"value":80},"valid_from":"2017-10-12T00:00:00Z","tlp":"amber","countries":[{"code":"MY","basis":"hosting"}],"extra":{"k":1},"novel":true}],"later":"kept"}"#;
        let indicator: Indicator = serde_json::from_str(line).unwrap();
        assert_eq!(indicator.contexts[0].extra["novel"], true);
        assert_eq!(indicator.contexts[0].extra["later"], "kept");
        let again = serde_json::to_string(&indicator).unwrap();
        assert_eq!(serde_json::from_str::<Indicator>(&again).unwrap(), indicator);
        assert!(again.starts_with(r#"{"target":{"kind":"domain","value":"bad.example","match":"subdomains"},"group":"g1","contexts":[{"feed":"a","role":"c2","labels":["x"]"#), "{again}");
    }

    #[test]
    fn below_only_is_written_with_a_star() {
        let line =
            r#"{"target":{"kind":"domain","value":"*.bad.example","match":"subdomains"},"contexts":[{}]}"#;
        let indicator: Indicator = serde_json::from_str(line).unwrap();
        assert!(indicator.target.below_only);
        assert_eq!(indicator.target.observable.value(), "bad.example");
        assert_eq!(serde_json::to_string(&indicator).unwrap(), line);
    }

    #[test]
    fn confidence_scales() {
        let on = |value: u8, scale: &str| {
            Confidence { value: value.into(), scale: Some(scale.into()), source: None }.as_percent()
        };
        assert_eq!(on(3, "0-5"), 60.0);
        assert_eq!(on(60, "0-100"), 60.0);
        assert_eq!(on(60, "admiralty"), 60.0);
    }
}
