//! Package URLs in canonical form (purl-spec, ECMA-427): type, namespace, name, version, qualifiers, subpath.
//!
//! Each part is split off, decoded and brought into its type's form, and written again. Two spellings of one
//! package have one value, and the value is the key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Canonical, borrow_if_equal};
use crate::{Kind, Reason};

/// A package URL, taken apart.
///
/// ```
/// use indicia_core::Purl;
/// let purl = Purl::parse("pkg:PyPI/Django_Rest@3.1?b=2&A=1").unwrap();
/// assert_eq!(purl.to_string(), "pkg:pypi/django-rest@3.1?a=1&b=2");
/// assert_eq!(purl.name, "django-rest");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purl {
    /// The package's ecosystem: `npm`, `pypi`, `deb` …
    pub package_type: String,
    /// Whose it is, where the type has that; segments by `/`.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// Further facts, such as `arch`.
    pub qualifiers: BTreeMap<String, String>,
    /// A place inside the package; segments by `/`.
    pub subpath: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Canonical<'_>, Reason> {
    let value = Purl::parse(text)?.to_string();
    Ok(Canonical::same(Kind::Purl, borrow_if_equal(text, value)))
}

/// What a type asks of its parts beyond the general rules.
struct Rules {
    name: &'static str,
    lower_namespace: bool,
    lower_name: bool,
    namespace: Namespace,
}

#[derive(Clone, Copy, PartialEq)]
enum Namespace {
    Free,
    Required,
    Prohibited,
}

const fn rules(name: &'static str, lower: (bool, bool), namespace: Namespace) -> Rules {
    Rules { name, lower_namespace: lower.0, lower_name: lower.1, namespace }
}

/// The types with rules of their own. Source: the type definitions of purl-spec.
const TYPES: &[Rules] = &[
    rules("alpm", (true, true), Namespace::Required),
    rules("apk", (true, true), Namespace::Required),
    rules("bitbucket", (true, true), Namespace::Required),
    rules("brew", (true, true), Namespace::Free),
    rules("git", (true, true), Namespace::Free),
    rules("bitnami", (false, true), Namespace::Prohibited),
    rules("cargo", (false, false), Namespace::Prohibited),
    rules("chrome-extension", (false, false), Namespace::Prohibited),
    rules("cocoapods", (false, false), Namespace::Prohibited),
    rules("composer", (true, true), Namespace::Required),
    rules("conda", (false, false), Namespace::Prohibited),
    rules("cran", (false, false), Namespace::Prohibited),
    rules("deb", (true, true), Namespace::Required),
    rules("gem", (false, false), Namespace::Prohibited),
    rules("github", (true, true), Namespace::Required),
    rules("golang", (true, true), Namespace::Required),
    rules("hackage", (false, false), Namespace::Prohibited),
    rules("hex", (true, true), Namespace::Free),
    rules("julia", (false, false), Namespace::Prohibited),
    rules("maven", (false, false), Namespace::Required),
    rules("mlflow", (false, false), Namespace::Prohibited),
    rules("nuget", (false, false), Namespace::Prohibited),
    rules("oci", (false, true), Namespace::Prohibited),
    rules("opam", (false, false), Namespace::Prohibited),
    rules("otp", (false, true), Namespace::Prohibited),
    rules("pub", (false, true), Namespace::Prohibited),
    rules("pypi", (false, true), Namespace::Prohibited),
    rules("qpkg", (true, false), Namespace::Required),
    rules("rpm", (true, false), Namespace::Free),
    rules("swift", (false, false), Namespace::Required),
    rules("vcpkg", (false, true), Namespace::Prohibited),
    rules("vscode-extension", (true, true), Namespace::Required),
];

impl Purl {
    /// Reads a package URL and brings each part into its type's form.
    ///
    /// # Errors
    /// `purl-shape` where a part is missing or not as its type has it.
    pub fn parse(text: &str) -> Result<Purl, Reason> {
        let (rest, subpath) = split_last(text, '#');
        let (rest, qualifiers) = split_last(rest, '?');
        let (scheme, rest) = rest.split_once(':').ok_or(Reason::PurlShape)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(Reason::PurlShape);
        }
        let (package_type, rest) = rest.trim_start_matches('/').split_once('/').ok_or(Reason::PurlShape)?;
        let rest = rest.trim_matches('/');
        // The last at sign begins the version, but for the one of a scope (`@angular/core`).
        let (rest, version) = match rest.rfind('@').filter(|at| *at > 0 && rest.as_bytes()[at - 1] != b'/') {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        // A name of git is the path behind the host.
        let parts = match package_type.eq_ignore_ascii_case("git") {
            true => rest.split_once('/'),
            false => rest.rsplit_once('/'),
        };
        let (namespace, name) = parts.map_or((None, rest), |(namespace, name)| (Some(namespace), name));
        if name.starts_with('@') {
            return Err(Reason::PurlShape);
        }
        let mut pairs = BTreeMap::new();
        for pair in qualifiers.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or(Reason::PurlShape)?;
            pairs.insert(key.to_ascii_lowercase(), decoded(value)?);
        }
        Purl::build(
            package_type,
            namespace.map(|n| segments(n, false)).transpose()?.as_deref(),
            &decoded(name)?,
            version.map(decoded).transpose()?.as_deref(),
            pairs,
            subpath.map(|s| segments(s, true)).transpose()?.as_deref(),
        )
    }

    /// Puts a package URL together from parts that are not encoded.
    ///
    /// # Errors
    /// `purl-shape` where a part is missing or not as its type has it.
    pub fn build(
        package_type: &str,
        namespace: Option<&str>,
        name: &str,
        version: Option<&str>,
        qualifiers: BTreeMap<String, String>,
        subpath: Option<&str>,
    ) -> Result<Purl, Reason> {
        let is_type = package_type.starts_with(|c: char| c.is_ascii_alphabetic())
            && package_type.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'));
        let is_key = |key: &str| {
            key.starts_with(|c: char| c.is_ascii_lowercase())
                && key
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'))
        };
        if !is_type || name.is_empty() || !qualifiers.keys().all(|key| is_key(key)) {
            return Err(Reason::PurlShape);
        }
        let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_string);
        let mut purl = Purl {
            package_type: package_type.to_ascii_lowercase(),
            namespace: filled(namespace),
            name: name.to_string(),
            version: filled(version),
            qualifiers: qualifiers.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            subpath: filled(subpath),
        };
        purl.settle()?;
        Ok(purl)
    }

    /// The rules of the type.
    fn settle(&mut self) -> Result<(), Reason> {
        if let Some(rules) = TYPES.iter().find(|rules| rules.name == self.package_type) {
            let fits = match rules.namespace {
                Namespace::Free => true,
                Namespace::Required => self.namespace.is_some(),
                Namespace::Prohibited => self.namespace.is_none(),
            };
            if !fits {
                return Err(Reason::PurlShape);
            }
            if rules.lower_namespace {
                self.namespace = self.namespace.take().map(|n| n.to_lowercase());
            }
            if rules.lower_name {
                self.name = self.name.to_lowercase();
            }
        }
        let is_letters =
            |text: &str, range: std::ops::RangeInclusive<u8>| text.bytes().all(|b| range.contains(&b));
        match self.package_type.as_str() {
            "pypi" => self.name = self.name.replace('_', "-"),
            "huggingface" => self.version = self.version.take().map(|v| v.to_ascii_lowercase()),
            // Model names of a Databricks workspace have no case.
            "mlflow" if self.qualifiers.get("repository_url").is_some_and(|u| u.contains("databricks")) => {
                self.name = self.name.to_lowercase();
            }
            "cpan" if self.name.contains("::") => return Err(Reason::PurlShape),
            "julia" if !self.qualifiers.contains_key("uuid") => return Err(Reason::PurlShape),
            "chrome-extension" => {
                let is_version = |v: &str| {
                    let parts: Vec<&str> = v.split('.').collect();
                    parts.len() <= 4 && parts.iter().all(|p| !p.is_empty() && is_letters(p, b'0'..=b'9'))
                };
                let is_id = self.name.len() == 32 && is_letters(&self.name, b'a'..=b'p');
                if !is_id || !self.version.as_deref().is_none_or(is_version) {
                    return Err(Reason::PurlShape);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl std::fmt::Display for Purl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pkg:{}/", self.package_type)?;
        for segment in self.namespace.iter().flat_map(|n| n.split('/')) {
            write!(f, "{}/", encoded(segment))?;
        }
        match self.package_type.as_str() {
            "git" => f.write_str(&encoded(&self.name).replace("%2F", "/"))?,
            _ => f.write_str(&encoded(&self.name))?,
        }
        if let Some(version) = &self.version {
            write!(f, "@{}", encoded(version))?;
        }
        for (i, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(f, "{}{key}={}", if i == 0 { '?' } else { '&' }, encoded(value))?;
        }
        for (i, segment) in self.subpath.iter().flat_map(|s| s.split('/')).enumerate() {
            write!(f, "{}{}", if i == 0 { '#' } else { '/' }, encoded(segment))?;
        }
        Ok(())
    }
}

fn split_last(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.rsplit_once(mark) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

/// Decoded segments; empty ones are dropped, and in a subpath the dot segments.
fn segments(text: &str, is_subpath: bool) -> Result<String, Reason> {
    let mut out = String::new();
    for segment in text.split('/') {
        let segment = decoded(segment)?;
        if segment.is_empty() || (is_subpath && matches!(segment.as_str(), "." | "..")) {
            continue;
        }
        if segment.contains('/') {
            return Err(Reason::PurlShape);
        }
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(&segment);
    }
    Ok(out)
}

fn decoded(text: &str) -> Result<String, Reason> {
    let mut out = Vec::with_capacity(text.len());
    let b = text.as_bytes();
    let digit = |at: usize| b.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut at = 0;
    while at < b.len() {
        match (b[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'%', ..) => return Err(Reason::PurlShape),
            _ => {
                out.push(b[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_err(|_| Reason::PurlShape)
}

/// Everything but letters, digits, `. - _ ~` and the colon is escaped.
fn encoded(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b':');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for b in text.bytes() {
        match plain(b) {
            true => out.push(char::from(b)),
            false => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(DIGITS[usize::from(b >> 4)]));
                out.push(char::from(DIGITS[usize::from(b & 15)]));
            }
        }
    }
    Cow::Owned(out)
}
