//! Named, versioned sets of rules for URLs. A set names its profile, so that both sides of a comparison follow
//! the same rules.
//!
//! Systems disagree about which URLs are one: Safe Browsing decodes every escape and keeps the case, Kaspersky's
//! feeds fold the case and drop the port, Zeek compares what was sent. A profile is one such opinion, frozen:
//! whatever changes an output is a new number. Only URLs differ between profiles; every other kind follows
//! `default@1` under all of them. One file per rule set, each a function from text to value and key or a
//! [`Reason`]; `docs/profiles/` has the steps of each with their sources.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::observable::{self, Canonical, MAX_VALUE_BYTES, ip, url};
use crate::{Kind, Observable, ParseError, Reason, refang};

mod host;
mod kaspersky;
pub mod safe_browsing;
mod whatwg;
mod zeek;

use safe_browsing::Version;

/// The name of the profile that holds where nothing else is said. Its rules: `docs/profiles/default-1.md`.
pub const DEFAULT_PROFILE: &str = Profile::Default.name();

/// A frozen set of normalization rules.
///
/// ```
/// use indicia_core::{Kind, Observable, ParseOptions, Profile};
/// let options = ParseOptions {
///     profile: "kaspersky".parse().unwrap(),
///     kind: Some(Kind::Url),
///     ..ParseOptions::default()
/// };
/// let url = Observable::parse_with("https://WWW.Bad.example:8443//Gate.php", &options).unwrap();
/// assert_eq!(url.value(), "bad.example/gate.php");
/// assert_eq!(url.profile(), Profile::Kaspersky);
/// assert_eq!(url.profile().to_string(), "kaspersky@1");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// `default@1`: WHATWG with escapes in one form; equal without scheme, userinfo and fragment.
    #[default]
    Default,
    /// `whatwg@1`: the URL Standard's serialization and nothing more; equal without the fragment.
    Whatwg,
    /// `safe-browsing-4@1`: the canonical URL of Google's Safe Browsing v4.
    SafeBrowsing4,
    /// `safe-browsing-5@1`: the same with what v5 adds for IPv6.
    SafeBrowsing5,
    /// `kaspersky@1`: the URL normalization of Kaspersky's threat data feeds.
    Kaspersky,
    /// `zeek@1`: what Zeek's intelligence framework compares.
    Zeek,
    /// `verbatim@1`: the text as it is written.
    Verbatim,
}

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Profile] = &[
        Profile::Default,
        Profile::Whatwg,
        Profile::SafeBrowsing4,
        Profile::SafeBrowsing5,
        Profile::Kaspersky,
        Profile::Zeek,
        Profile::Verbatim,
    ];

    /// The stable name, with the number of the rules.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Default => "default@1",
            Profile::Whatwg => "whatwg@1",
            Profile::SafeBrowsing4 => "safe-browsing-4@1",
            Profile::SafeBrowsing5 => "safe-browsing-5@1",
            Profile::Kaspersky => "kaspersky@1",
            Profile::Zeek => "zeek@1",
            Profile::Verbatim => "verbatim@1",
        }
    }

    /// Reads a URL from bytes, which need not be UTF-8 under the profiles of Safe Browsing: an escape of theirs
    /// can stand for any byte. No defanging is undone.
    ///
    /// # Errors
    /// The reason why the profile refuses it; `bad-encoding` for bytes that another profile cannot read.
    ///
    /// ```
    /// use indicia_core::Profile;
    /// let url = Profile::SafeBrowsing4.url(b"http://\x01\x80.com/").unwrap();
    /// assert_eq!(url.value(), "http://%01%80.com/");
    /// ```
    pub fn url(self, raw: &[u8]) -> Result<Observable, ParseError> {
        let refuse = |reason| ParseError::new(Kind::Url, reason);
        if let Ok(text) = std::str::from_utf8(raw) {
            let (text, control) = observable::check(text).map_err(refuse)?;
            if control && !self.reads_controls() {
                return Err(refuse(Reason::ControlCharacter));
            }
            return Ok(Observable::of_url(self.url_text(text).map_err(refuse)?, self));
        }
        let Some(version) = self.safe_browsing() else { return Err(refuse(Reason::BadEncoding)) };
        if raw.len() > MAX_VALUE_BYTES {
            return Err(refuse(Reason::TooLong));
        }
        Ok(Observable::of_url(safe_browsing::canonical(version, raw).map_err(refuse)?, self))
    }

    /// Reads a URL from a text whose edges are clean.
    pub(crate) fn url_text(self, text: &str) -> Result<Canonical<'_>, Reason> {
        let found = match self {
            Profile::Default => return url::parse(text).map(Into::into),
            Profile::Whatwg => whatwg::url(text)?,
            Profile::SafeBrowsing4 => safe_browsing::canonical(Version::V4, text.as_bytes())?,
            Profile::SafeBrowsing5 => safe_browsing::canonical(Version::V5, text.as_bytes())?,
            Profile::Kaspersky => kaspersky::url(text)?,
            Profile::Zeek => zeek::url(text)?,
            Profile::Verbatim => Canonical::same(Kind::Url, text),
        };
        // Escaping can make a text three times as long; the value must be readable again.
        if found.value.len() > MAX_VALUE_BYTES {
            return Err(Reason::TooLong);
        }
        // What went from an edge can leave something there that would go in turn.
        if observable::trim(&found.value).len() != found.value.len() {
            return Err(Reason::UrlShape);
        }
        Ok(found)
    }

    /// Whether the rules for URLs say themselves what becomes of control characters.
    pub(crate) fn reads_controls(self) -> bool {
        self == Profile::Whatwg || self.safe_browsing().is_some()
    }

    fn safe_browsing(self) -> Option<Version> {
        match self {
            Profile::SafeBrowsing4 => Some(Version::V4),
            Profile::SafeBrowsing5 => Some(Version::V5),
            _ => None,
        }
    }

    /// Whether refanging by `usual` counts for a URL: its host is an address or has a known top-level domain.
    pub(crate) fn is_plausible(self, value: &str) -> bool {
        if self == Profile::Default {
            return refang::is_plausible(value, Kind::Url);
        }
        let host = self.host_of_key(value);
        host.contains(':') || refang::is_plausible(&host, Kind::Domain)
    }

    /// The host that a set files a URL under: a name or address in the form of `default@1`, or the text that
    /// stands in its place. It only narrows the search; keys decide.
    pub(crate) fn host_of_key(self, key: &str) -> Cow<'_, str> {
        let host = url_key_host(key);
        if matches!(self, Profile::Default | Profile::Kaspersky) {
            return unmapped(host);
        }
        match url::observed_host(host.trim_end_matches('.')) {
            Some(Ok(address)) => self.host_seen(&address.to_string()).into_owned().into(),
            Some(Err(name)) => name,
            None => host.into(),
        }
    }

    /// The host that URLs on a host seen in data are filed under; the host as `default@1` has it, no brackets, a mapped
    /// address as IPv4.
    pub(crate) fn host_seen(self, host: &str) -> Cow<'_, str> {
        match self {
            Profile::Default => host.into(),
            Profile::Kaspersky => kaspersky::without_www(host).into(),
            Profile::SafeBrowsing5 => match host.parse().ok().and_then(host::nat64) {
                Some(address) => address.to_string().into(),
                None => unmapped(host),
            },
            _ => unmapped(host),
        }
    }
}

/// A mapped address as the IPv4 that it is, everything else as it stands.
fn unmapped(host: &str) -> Cow<'_, str> {
    if !host.contains(':') {
        return host.into();
    }
    match host.parse().map(ip::unmapped) {
        Ok(IpAddr::V4(address)) => address.to_string().into(),
        Ok(IpAddr::V6(address)) => address.to_string().into(),
        _ => host.into(),
    }
}

/// The host in a URL's key: what stands behind scheme and userinfo, in front of port, path or query; brackets
/// dropped.
pub(crate) fn url_key_host(key: &str) -> &str {
    let rest = url::split_scheme(key).map_or(key, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(inner),
        None => host.split(':').next().unwrap_or(host),
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no profile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a profile; profiles are default@1 whatwg@1 safe-browsing-4@1 safe-browsing-5@1 kaspersky@1 zeek@1 verbatim@1"
)]
pub struct UnknownProfile;

impl FromStr for Profile {
    type Err = UnknownProfile;

    /// Takes the whole name, or the name without its number for the newest rules.
    fn from_str(text: &str) -> Result<Profile, UnknownProfile> {
        let bare = |name: &str| name.split('@').next() == Some(text);
        Profile::ALL
            .iter()
            .find(|profile| profile.name() == text || bare(profile.name()))
            .copied()
            .ok_or(UnknownProfile)
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Profile, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(*profile));
            assert_eq!(profile.name().strip_suffix("@1").unwrap().parse(), Ok(*profile));
            assert!(UnknownProfile.to_string().contains(profile.name()));
        }
        for text in ["", "@1", "default@", "default@2", "Default", "kaspersky@1 "] {
            assert_eq!(text.parse::<Profile>(), Err(UnknownProfile), "{text}");
        }
    }

    #[test]
    fn hosts_of_keys() {
        for (key, host) in [
            ("bad.example/a?u=http://x@y/", "bad.example"),
            ("http://u:p@bad.example:8080/a", "bad.example"),
            ("https://[2001:db8::7]:443/", "2001:db8::7"),
            ("[::ffff:c000:207]/a", "::ffff:c000:207"),
            ("bad.example?q", "bad.example"),
        ] {
            assert_eq!(url_key_host(key), host, "{key}");
        }
        assert_eq!(Profile::Verbatim.host_of_key("http://BAD.Example./x"), "bad.example");
        assert_eq!(Profile::Verbatim.host_of_key("http://0x7f.1/x"), "127.0.0.1");
        assert_eq!(Profile::Default.host_of_key("[::ffff:c000:207]/a"), "192.0.2.7");
        assert_eq!(Profile::Kaspersky.host_seen("www.bad.example"), "bad.example");
        assert_eq!(Profile::SafeBrowsing5.host_seen("64:ff9b::c000:207"), "192.0.2.7");
    }
}
