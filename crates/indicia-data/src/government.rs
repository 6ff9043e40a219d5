//! Names that are reserved for governments, armed forces and international organisations.
//!
//! The rules, in this order, over the last labels of a name:
//!
//! 1. `tld-gov` `tld-int` `tld-extra`: `.gov` (United States), `.int` (treaty organisations), 政府 and 政务 (China);
//! 2. `listed-suffix`: a suffix of the Public Suffix List's ICANN section that begins with a label of government
//!    (`gov gob gouv go gv govt gub gc`, 政府 in Hong Kong, รัฐบาล in Thailand, упр in Serbia) or of the armed forces
//!    (`mil`, `mi`, ทหาร), and `.mil`;
//! 3. `wildcard-suffix`: the same labels below a ccTLD that the list has as a wildcard (`*.mm`, `*.np` …);
//! 4. `private-section`, `label-rule`: `gov gob gouv govt gub mil` right below a ccTLD, listed in the private section
//!    (`gov.ru`, `gov.scot`) or not at all (`gov.ro`). The last does not hold below ccTLDs where everybody registers
//!    names ([`CcTld::is_open`](crate::country::CcTld::is_open)): `gov.tk` was anyone's, and a government host is
//!    somebody to notify, not to block;
//! 5. `extra-list`, `agreement-list`: a short list of domains of countries without a reserved suffix, and what an
//!    agreement adds.
//!
//! `go.it`, `mi.it` (provinces) and `mi.us` (a state) are listed and yet reserved for nobody. Whether a host is of a
//! government says nothing about who controls it now.
//!
//! Sources: the Public Suffix List (see [`crate::psl`]); for rule 5 the rows of `tests/vectors/gov`,
//! which are general knowledge, as of 2026-11.

use std::borrow::Cow;

use crate::country;
use crate::psl::{self, Section};

/// Whose name it is.
///
/// ```
/// assert_eq!(indicia_data::government::Class::IntOrg.name(), "int-org");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A government, of a country or a part of it.
    Gov,
    /// Armed forces.
    Mil,
    /// An international organisation.
    IntOrg,
}

impl Class {
    /// The stable name: `gov`, `mil`, `int-org`.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Gov => "gov",
            Class::Mil => "mil",
            Class::IntOrg => "int-org",
        }
    }
}

/// What a name says of a government, and by which rule.
///
/// ```
/// use indicia_data::government::{Class, Government, classify};
/// let found = Government { class: Class::Gov, country: Some("MM"), rule: "wildcard-suffix" };
/// assert_eq!(classify("www.gov.mm", &[] as &[&str]), Some(found));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Government {
    /// Whose name it is.
    pub class: Class,
    /// ISO 3166-1 alpha-2; `EU` for bodies of the European Union; `None` for an organisation of several states.
    pub country: Option<&'static str>,
    /// The rule that found it, as in the module's list.
    pub rule: &'static str,
}

/// Listed suffixes that are places and not governments.
const EXCEPTIONS: &[&str] = &["go.it", "mi.it", "mi.us"];

/// Regional top-level domains below which the list has a government's suffix.
const REGIONS: &[(&str, &str)] = &[("scot", "GB")];

/// Domains of countries without a reserved suffix.
const EXTRA: &[(&str, Class, &str)] = &[
    ("admin.ch", Class::Gov, "CH"),
    ("belgium.be", Class::Gov, "BE"),
    ("bund.de", Class::Gov, "DE"),
    ("canada.ca", Class::Gov, "CA"),
    ("europa.eu", Class::IntOrg, "EU"),
    ("fed.us", Class::Gov, "US"),
    ("government.bg", Class::Gov, "BG"),
    ("regeringen.se", Class::Gov, "SE"),
    ("rijksoverheid.nl", Class::Gov, "NL"),
];

/// The government, armed forces or international organisation that a name is reserved for.
///
/// Upper-case ASCII and a root dot are taken; U-labels are not: names are matched by A-label. `extra_suffixes` are
/// more domains of governments, as an agreement lists them (`extra_government_suffixes`): each stands for itself
/// and what is below it, has two labels or more (others are passed over), and its country is that of its
/// top-level domain.
///
/// ```
/// use indicia_data::government::{Class, classify};
/// let found = classify("portal.go.id", &[] as &[&str]).unwrap();
/// assert_eq!((found.class, found.country, found.rule), (Class::Gov, Some("ID"), "listed-suffix"));
/// assert_eq!(classify("notgov.example", &[] as &[&str]), None);
/// assert_eq!(classify("a.poliisi.fi", &["poliisi.fi"]).unwrap().rule, "agreement-list");
/// ```
pub fn classify<S: AsRef<str>>(name: &str, extra_suffixes: &[S]) -> Option<Government> {
    let name = canonical(name);
    let name = name.as_ref();
    if name.split('.').any(str::is_empty) {
        return None;
    }
    by_reserved_suffix(name)
        .or_else(|| {
            let (_, class, country) = EXTRA.iter().find(|(suffix, ..)| is_below(name, suffix))?;
            Some(Government { class: *class, country: Some(country), rule: "extra-list" })
        })
        .or_else(|| {
            extra_suffixes.iter().find_map(|suffix| {
                let suffix = canonical(suffix.as_ref());
                if !suffix.contains('.') || !is_below(name, &suffix) {
                    return None;
                }
                let country = country::of_name(&suffix).map(|(country, _)| country);
                Some(Government { class: Class::Gov, country, rule: "agreement-list" })
            })
        })
}

/// Rules 1 to 4.
fn by_reserved_suffix(name: &str) -> Option<Government> {
    let (front, tld) = name.rsplit_once('.').unwrap_or(("", name));
    match tld {
        "gov" => return Some(Government { class: Class::Gov, country: Some("US"), rule: "tld-gov" }),
        "mil" => return Some(Government { class: Class::Mil, country: Some("US"), rule: "listed-suffix" }),
        "int" if !front.is_empty() => {
            return Some(Government { class: Class::IntOrg, country: None, rule: "tld-int" });
        }
        "xn--mxtq1m" | "xn--zfr164b" if !front.is_empty() => {
            return Some(Government { class: Class::Gov, country: Some("CN"), rule: "tld-extra" });
        }
        _ => {}
    }
    let cctld = country::cctld(tld);
    let region = REGIONS.iter().find(|(label, _)| *label == tld).map(|(_, country)| *country);
    let country = cctld.and_then(|cctld| cctld.country).or(region)?;
    let found = |class, rule| Some(Government { class, country: Some(country), rule });

    let second = front.rsplit('.').next().filter(|label| !label.is_empty())?;
    let suffix = last_bytes(name, second.len() + 1 + tld.len());
    if let Some((class, plain)) = class_of(second)
        && !EXCEPTIONS.contains(&suffix)
    {
        let section = psl::listed(suffix);
        if section == Some(Section::Icann) {
            return found(class, "listed-suffix");
        }
        if psl::by_wildcard(suffix, tld) {
            return found(class, "wildcard-suffix");
        }
        if plain && section == Some(Section::Private) {
            return found(class, "private-section");
        }
        if plain && tld.len() == 2 && cctld.is_some_and(|cctld| !cctld.is_open()) {
            return found(class, "label-rule");
        }
    }
    // `gov.nc.tr`: a listed suffix of three labels. Only plain labels: `go` there is mostly a place or a brand.
    let third = front.rsplit('.').nth(1)?;
    let (class, plain) = class_of(third)?;
    let suffix = last_bytes(name, third.len() + 1 + suffix.len());
    if plain && psl::listed(suffix) == Some(Section::Icann) { found(class, "listed-suffix") } else { None }
}

/// What a label stands for below a ccTLD, and whether it does so where no list says it.
fn class_of(label: &str) -> Option<(Class, bool)> {
    Some(match label {
        "gov" | "gob" | "gouv" | "govt" | "gub" => (Class::Gov, true),
        "mil" => (Class::Mil, true),
        "go" | "gv" | "gc" => (Class::Gov, false),
        // 政府, รัฐบาล, упр
        "xn--mxtq1m" | "xn--h3cuzk1di" | "xn--o1ach" => (Class::Gov, false),
        "mi" => (Class::Mil, false),
        // ทหาร
        "xn--o3cyx2a" => (Class::Mil, false),
        _ => return None,
    })
}

fn canonical(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

/// The end of a name from a border between labels on.
fn last_bytes(name: &str, count: usize) -> &str {
    name.len().checked_sub(count).and_then(|from| name.get(from..)).unwrap_or(name)
}

fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &[&str] = &[];

    #[test]
    fn vectors() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/gov/gov_domain_cases.tsv");
        let text = std::fs::read_to_string(path).unwrap();
        let mut cases = 0;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [host, class, country, rule] = fields[..4] else { panic!("{line}") };
            let found = classify(host, NONE);
            let got = found.map_or(
                ("none", country::of_name(&canonical(host)).map(|(country, _)| country), "no-rule"),
                |found| (found.class.name(), found.country, found.rule),
            );
            assert_eq!(got, (class, (!country.is_empty()).then_some(country), rule), "{line}");
            cases += 1;
        }
        assert_eq!(cases, 97);
    }

    #[test]
    fn look_alikes() {
        for name in [
            "notgov.example",
            "notgov.id",
            "xgov.uk",
            "gov-uk.example",
            "gov.uk.example",
            "bund.de.example",
            "notbund.de",
            "go.to",
            "go.com",
            "gv.vc",
            "a.gv.uy",
            "gov.tk",
            "mil.gq",
            "mi.tv",
            "go.leg.br",
            "go.biz.ng",
            "gov.com",
            "gov.su",
            "gov.eu",
            "int",
            "xn--mxtq1m",
            "go.ro",
            "gov.co.uk",
            "",
            ".",
            ".gov",
            "gov..uk",
            "..",
            "localhost",
            "go.kawasaki.jp",
            "www.go.it",
            "www.ck",
        ] {
            assert_eq!(classify(name, NONE), None, "{name}");
        }
    }

    #[test]
    fn other_scripts_and_depths() {
        let rule = |name: &str| classify(name, NONE).map(|f| (f.class.name(), f.country, f.rule));
        assert_eq!(rule("a.xn--h3cuzk1di.xn--o3cw4h"), Some(("gov", Some("TH"), "listed-suffix")));
        assert_eq!(rule("a.xn--o3cyx2a.xn--o3cw4h"), Some(("mil", Some("TH"), "listed-suffix")));
        assert_eq!(rule("a.xn--o1ach.xn--90a3ac"), Some(("gov", Some("RS"), "listed-suffix")));
        assert_eq!(rule("a.xn--mxtq1m.xn--j6w193g"), Some(("gov", Some("HK"), "listed-suffix")));
        assert_eq!(rule("a.gov.nc.tr"), Some(("gov", Some("TR"), "listed-suffix")));
        assert_eq!(rule("a.mil.ru"), Some(("mil", Some("RU"), "private-section")));
        assert_eq!(rule("mil"), Some(("mil", Some("US"), "listed-suffix")));
    }

    #[test]
    fn suffixes_of_an_agreement() {
        let extra = ["Poliisi.FI.", "com", "", "police.example"];
        let found = classify("a.poliisi.fi", &extra).unwrap();
        assert_eq!((found.country, found.rule), (Some("FI"), "agreement-list"));
        assert_eq!(classify("police.example", &extra).unwrap().country, None);
        assert_eq!(classify("a.com", &extra), None);
        assert_eq!(classify("notpoliisi.fi", &extra), None);
        assert_eq!(classify("gov.sg", &["gov.sg"]).unwrap().rule, "listed-suffix");
    }
}
