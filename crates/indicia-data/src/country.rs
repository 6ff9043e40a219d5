//! Countries: ISO 3166-1 codes with names, codes that were taken out of it, and the country of a top-level domain.
//!
//! A top-level domain is evidence, not proof: each ccTLD has a [`Strength`], `weak` where names below it say
//! little about where their holder is. The criterion stands at the head of `tables/cctlds.txt`: Google's list of
//! generic ccTLDs (as of 2026-05-27), the five that Freenom gave away, those sold abroad for another meaning,
//! and territories whose registry is not known to be local.
//!
//! Sources: ISO 3166-1 and 3166-3 by way of iso-codes 4.15.0 of 2023 (`tables/countries.txt`,
//! `tables/former_countries.txt`); the root
//! zone as in [`crate::tld`]; the countries of ccTLDs in other scripts from the Public Suffix List's comments
//! (2026-08-19). Codes that ISO did not assign to a country (`EU`, `XK`, `ZZ`) are none here. Not for the country
//! of an address: that takes a database.
//!
//! Codes are upper case, labels and names canonical: A-labels, lower case, no trailing dot.

use std::collections::HashMap;
use std::sync::OnceLock;

const COUNTRIES: &str = include_str!("../tables/countries.txt");
const FORMER: &str = include_str!("../tables/former_countries.txt");
const CCTLDS: &str = include_str!("../tables/cctlds.txt");

/// Top-level domains of one country that are no ccTLD: those of the United States' government and military, and
/// of China's (政府, 政务). Source: the test vectors' notes, `tests/vectors/gov`.
const NATIONAL: &[(&str, &str)] =
    &[("gov", "US"), ("mil", "US"), ("xn--mxtq1m", "CN"), ("xn--zfr164b", "CN")];

/// How much a top-level domain says about where a name belongs.
///
/// ```
/// use indicia_data::country::Strength;
/// assert_eq!(Strength::Weak.name(), "weak");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strength {
    /// Names below it mostly belong to that country.
    Strong,
    /// In use all over the world, or of a territory whose registry is not known to be local.
    Weak,
}

impl Strength {
    /// The name as in records.
    pub const fn name(self) -> &'static str {
        match self {
            Strength::Strong => "strong",
            Strength::Weak => "weak",
        }
    }
}

/// What is known of a country-code top-level domain.
///
/// ```
/// use indicia_data::country::{Strength, cctld};
/// let io = cctld("io").unwrap();
/// assert_eq!((io.country, io.strength, io.is_open()), (Some("IO"), Strength::Weak, true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CcTld {
    /// Its country; `None` for `su` and `eu`.
    pub country: Option<&'static str>,
    /// How much it says.
    pub strength: Strength,
    /// Why it is weak: of `generic free word territory`, with spaces between; empty where it is strong.
    pub why: &'static str,
}

impl CcTld {
    /// Whether it is weak because everybody in the world registers names there.
    ///
    /// ```
    /// use indicia_data::country::cctld;
    /// assert!(cctld("tk").is_some_and(|tld| tld.is_open()));
    /// assert!(cctld("gl").is_some_and(|tld| !tld.is_open()));
    /// ```
    pub fn is_open(&self) -> bool {
        self.why.split(' ').any(|why| matches!(why, "generic" | "free" | "word"))
    }
}

/// What a top-level label says of the country; `None` where it is no ccTLD.
///
/// ```
/// use indicia_data::country::{Strength, cctld};
/// assert_eq!(cctld("uk").unwrap().country, Some("GB"));
/// assert_eq!(cctld("xn--fiqs8s").unwrap().country, Some("CN"));
/// assert_eq!(cctld("su").unwrap().country, None);
/// assert_eq!(cctld("my").unwrap().strength, Strength::Strong);
/// assert!(cctld("example").is_none() && cctld("int").is_none());
/// ```
pub fn cctld(label: &str) -> Option<CcTld> {
    static TABLE: OnceLock<HashMap<&'static str, CcTld>> = OnceLock::new();
    TABLE
        .get_or_init(|| {
            let row = |line: &'static str| {
                let mut fields = line.split('\t');
                let (tld, country, strength) = (fields.next()?, fields.next()?, fields.next()?);
                let strength = if strength == "strong" { Strength::Strong } else { Strength::Weak };
                let country = (country != "-").then_some(country);
                let why = if country.is_some() { fields.next().unwrap_or_default() } else { "" };
                Some((tld, CcTld { country, strength, why }))
            };
            crate::rows(CCTLDS).filter_map(row).collect()
        })
        .get(label)
        .copied()
}

/// The country that a name of two labels or more implies by its top-level domain: a ccTLD, or `gov`, `mil`,
/// 政府 and 政务.
///
/// ```
/// use indicia_data::country::{Strength, of_name};
/// assert_eq!(of_name("bad.example.co.uk"), Some(("GB", Strength::Strong)));
/// assert_eq!(of_name("bad.tk"), Some(("TK", Strength::Weak)));
/// assert_eq!(of_name("irs.gov"), Some(("US", Strength::Strong)));
/// assert_eq!(of_name("bad.example"), None);
/// assert_eq!(of_name("nato.int"), None);
/// ```
pub fn of_name(name: &str) -> Option<(&'static str, Strength)> {
    let (_, tld) = name.rsplit_once('.')?;
    if let Some((_, country)) = NATIONAL.iter().find(|(label, _)| *label == tld) {
        return Some((country, Strength::Strong));
    }
    let tld = cctld(tld)?;
    Some((tld.country?, tld.strength))
}

fn names() -> &'static HashMap<&'static str, (&'static str, &'static str)> {
    static TABLE: OnceLock<HashMap<&'static str, (&'static str, &'static str)>> = OnceLock::new();
    TABLE.get_or_init(|| all().map(|(code, name)| (code, (code, name))).collect())
}

/// Every code of ISO 3166-1 with its English short name, by code.
///
/// ```
/// assert_eq!(indicia_data::country::all().count(), 249);
/// assert_eq!(indicia_data::country::all().next(), Some(("AD", "Andorra")));
/// ```
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    crate::rows(COUNTRIES).filter_map(|line| line.split_once('\t'))
}

/// Whether this is a code of ISO 3166-1 that is assigned today.
///
/// ```
/// use indicia_data::country::is_country;
/// assert!(is_country("MM"));
/// assert!(!is_country("BU") && !is_country("EU") && !is_country("UK") && !is_country("mm"));
/// ```
pub fn is_country(code: &str) -> bool {
    names().contains_key(code)
}

/// The English short name, as in ISO 3166-1, without articles.
///
/// ```
/// assert_eq!(indicia_data::country::name_of("VN"), Some("Viet Nam"));
/// assert_eq!(indicia_data::country::name_of("TP"), None);
/// ```
pub fn name_of(code: &str) -> Option<&'static str> {
    names().get(code).map(|(_, name)| *name)
}

/// The code that is assigned today for one that is or was: itself, or the only successor of a code that ISO took
/// out (`TP` → `TL`). `None` for what never was a country's code, and where several countries followed (`AN`,
/// `CS`, `SU`, `YU` …): choosing among them needs a person. `UK`, which ISO keeps free for the United Kingdom, is `GB`.
///
/// ```
/// use indicia_data::country::current;
/// assert_eq!(current("BU"), Some("MM"));
/// assert_eq!(current("MM"), Some("MM"));
/// assert_eq!(current("UK"), Some("GB"));
/// assert_eq!(current("YU"), None);
/// assert_eq!(current("ZZ"), None);
/// ```
pub fn current(code: &str) -> Option<&'static str> {
    if let Some((code, _)) = names().get(code) {
        return Some(code);
    }
    if code == "UK" {
        return Some("GB");
    }
    crate::rows(FORMER).find_map(|line| {
        let mut fields = line.split('\t');
        if fields.next() != Some(code) {
            return None;
        }
        fields.next().filter(|successor| *successor != "-")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_code(text: &str) -> bool {
        text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
    }

    #[test]
    fn the_tables_agree_with_each_other_and_with_the_root_zone() {
        let codes: Vec<&str> = all().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted() && codes.iter().all(|code| is_code(code)));
        for line in crate::rows(FORMER) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 4, "{line}");
            assert!(is_code(fields[0]) && !is_country(fields[0]), "{line}");
            assert!(fields[1] == "-" || is_country(fields[1]), "{line}");
        }
        let mut seen = BTreeSet::new();
        for line in crate::rows(CCTLDS) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert!(seen.insert(fields[0]), "twice: {line}");
            assert!(crate::tld::is_known(fields[0]), "{line}");
            assert!(fields[1] == "-" || is_country(fields[1]), "{line}");
            match fields[2] {
                "strong" => assert_eq!(fields.len(), 3, "{line}"),
                "weak" => assert!(
                    fields[3].split(' ').all(|why| ["generic", "free", "word", "territory"].contains(&why)),
                    "{line}"
                ),
                other => assert!(other == "-" && fields[1] == "-", "{line}"),
            }
        }
        for tld in crate::rows(include_str!("../tables/tlds.txt")) {
            assert!(tld.len() != 2 || seen.contains(tld), "{tld} has no row");
        }
    }

    #[test]
    fn ascii_labels_are_their_codes_but_for_the_exceptions() {
        for line in crate::rows(CCTLDS).filter(|line| line.find('\t') == Some(2)) {
            let label = &line[..2];
            let country = cctld(label).unwrap().country;
            match label {
                "uk" => assert_eq!(country, Some("GB")),
                "ac" => assert_eq!(country, Some("SH")),
                "eu" | "su" => assert_eq!(country, None),
                _ => assert_eq!(country, Some(label.to_ascii_uppercase().as_str())),
            }
        }
    }

    #[test]
    fn names_without_a_country() {
        for name in
            ["a.su", "a.eu", "a.int", "a.com", "a.example", "a.onion", "a.local", "a.xn--e1a4c", "my", ""]
        {
            assert_eq!(of_name(name), None, "{name}");
        }
    }
}
