//! What the rules go by, as data: classes, keys that are kept, folders, spellings, lengths.

/// A class of what is removed.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// The stable name, as in [`super::Removed`].
    pub slug: &'static str,
    /// What stands in its place in text; empty where nothing does.
    pub placeholder: &'static str,
    /// What it is, for a report.
    pub sentence: &'static str,
}

const fn class(slug: &'static str, placeholder: &'static str, sentence: &'static str) -> Class {
    Class { slug, placeholder, sentence }
}

pub(super) static EMAIL: Class = class("email", "[email]", "An e-mail address, plain, defanged or encoded.");
pub(super) static PHONE: Class = class("phone", "[phone]", "A telephone number in international form.");
pub(super) static USER: Class = class(
    "user",
    "[user]",
    "The name of a user: their folder in a path, or the account in front of an address.",
);
pub(super) static SID: Class =
    class("sid", "[sid]", "A Windows security identifier of an account or domain.");
pub(super) static IBAN: Class = class("iban", "[iban]", "A bank account number with valid check digits.");
pub(super) static CARD: Class = class("card", "[card]", "A payment card number with a valid check digit.");
pub(super) static QUERY_VALUE: Class = class(
    "query-value",
    "[query-value]",
    "A value in a URL's query whose key is not on the list of kept keys.",
);
pub(super) static URL_USERINFO: Class =
    class("url-userinfo", "", "The user and password in front of a URL's host.");
pub(super) static URL_FRAGMENT: Class =
    class("url-fragment", "", "The part of a URL behind the number sign.");
pub(super) static TEXT: Class =
    class("text", "[text]", "A whole text that the rules could not bring to rest.");

/// Every class, in the order of a report.
pub static CLASSES: [&Class; 10] =
    [&EMAIL, &PHONE, &USER, &SID, &IBAN, &CARD, &QUERY_VALUE, &URL_USERINFO, &URL_FRAGMENT, &TEXT];

/// Whether a text begins with a placeholder; what follows it.
pub(super) fn behind_placeholder(text: &str) -> Option<&str> {
    CLASSES.iter().filter(|c| !c.placeholder.is_empty()).find_map(|c| text.strip_prefix(c.placeholder))
}

/// What the value of a kept key may look like: too little to tell one person from another.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Letters, hyphens and underscores; 24 at most.
    Word,
    /// Digits; six at most.
    Number,
    /// Letters, digits, dots, hyphens, underscores; 16 at most.
    Version,
    /// The name of a file: letters, digits, dots, hyphens, underscores; 64 at most.
    Name,
}

impl Shape {
    pub(super) fn fits(self, value: &str) -> bool {
        let (longest, digits, letters, dots) = match self {
            Shape::Word => (24, false, true, false),
            Shape::Number => (6, true, false, false),
            Shape::Version => (16, true, true, true),
            Shape::Name => (64, true, true, true),
        };
        value.len() <= longest
            && value.bytes().all(|b| match b {
                b'0'..=b'9' => digits,
                b'.' => dots,
                b'-' | b'_' => letters,
                _ => letters && b.is_ascii_alphabetic(),
            })
    }
}

/// Keys of a query whose values say what is asked for, not who asks. Sorted; compared without case.
pub(super) const KEPT_KEYS: [(&str, Shape); 39] = [
    ("act", Shape::Word),
    ("action", Shape::Word),
    ("arch", Shape::Version),
    ("build", Shape::Version),
    ("category", Shape::Word),
    ("charset", Shape::Version),
    ("controller", Shape::Word),
    ("do", Shape::Word),
    ("download", Shape::Name),
    ("ext", Shape::Word),
    ("feed", Shape::Word),
    ("file", Shape::Name),
    ("filename", Shape::Name),
    ("format", Shape::Word),
    ("height", Shape::Number),
    ("hl", Shape::Word),
    ("lang", Shape::Word),
    ("language", Shape::Word),
    ("limit", Shape::Number),
    ("locale", Shape::Word),
    ("method", Shape::Word),
    ("mode", Shape::Word),
    ("module", Shape::Word),
    ("offset", Shape::Number),
    ("op", Shape::Word),
    ("order", Shape::Word),
    ("os", Shape::Version),
    ("page", Shape::Number),
    ("platform", Shape::Version),
    ("rest_route", Shape::Word),
    ("sort", Shape::Word),
    ("step", Shape::Number),
    ("tab", Shape::Word),
    ("type", Shape::Word),
    ("v", Shape::Version),
    ("ver", Shape::Version),
    ("version", Shape::Version),
    ("view", Shape::Word),
    ("width", Shape::Number),
];

/// Folders whose next level is named after a user. Compared without case.
pub(super) const USER_FOLDERS: [&str; 6] = [
    "users",
    "home",
    "documents and settings",
    "documents%20and%20settings",
    "documents+and+settings",
    "docume~1",
];

/// Names below [`USER_FOLDERS`] and in front of addresses that belong to no person. Compared without case.
pub(super) const SHARED_USERS: [&str; 28] = [
    "public",
    "default",
    "default user",
    "default.migrated",
    "defaultuser0",
    "defaultapppool",
    "defaultaccount",
    "all users",
    "all%20users",
    "default%20user",
    "allusers",
    "shared",
    "administrator",
    "guest",
    "networkservice",
    "localservice",
    "systemprofile",
    "wdagutilityaccount",
    "lost+found",
    "linuxbrew",
    "root",
    "%username%",
    "%user%",
    "$user",
    "$env:username",
    "${user}",
    "{username}",
    "*",
];

/// Types of kind `other` that are personal by their name, as MISP's `describeTypes.json` has them (categories "Person" and
/// "Targeting data", registrants, accounts). Compared without case.
pub(super) const PERSONAL_TYPES: [&str; 44] = [
    "bank-account-nr",
    "cc-number",
    "country-of-residence",
    "date-of-birth",
    "first-name",
    "frequent-flyer-number",
    "full-name",
    "gender",
    "github-username",
    "iban",
    "identity-card-number",
    "issue-date-of-the-visa",
    "jabber-id",
    "last-name",
    "middle-name",
    "nationality",
    "passenger-name-record-locator-number",
    "passport-country",
    "passport-expiration",
    "passport-number",
    "payment-details",
    "phone-number",
    "place-of-birth",
    "place-port-of-clearance",
    "place-port-of-onward-foreign-destination",
    "place-port-of-original-embarkation",
    "pgp-private-key",
    "primary-residence",
    "prtn",
    "redress-number",
    "special-service-request",
    "target-email",
    "target-external",
    "target-location",
    "target-machine",
    "target-org",
    "target-user",
    "travel-details",
    "twitter-id",
    "visa-number",
    "whois-registrant-email",
    "whois-registrant-name",
    "whois-registrant-org",
    "whois-registrant-phone",
];

/// Spellings of the sign in an address. Compared without case.
pub(super) const AT_SIGNS: [&str; 28] = [
    "@",
    "\u{ff20}",
    "\u{fe6b}",
    "[@]",
    "(@)",
    "{@}",
    "<@>",
    "[at]",
    "(at)",
    "{at}",
    "<at>",
    "[ at ]",
    "( at )",
    "[arroba]",
    " [at] ",
    " (at) ",
    " {at} ",
    " <at> ",
    " [@] ",
    " (@) ",
    "&#64;",
    "&#x40;",
    "&commat;",
    "\\u0040",
    "%40",
    "%2540",
    "%252540",
    "%25252540",
];

/// Spellings of the dot in the domain of an address, longest first. Compared without case.
pub(super) const DOTS: [&str; 24] = [
    "&period;", "[punkt]", "[punto]", " [dot] ", " (dot) ", " {dot} ", "\\u002e", "[dot]", "(dot)", "{dot}",
    "&#46;", " dot ", "_dot_", "-dot-", " [.] ", " (.) ", "\u{3002}", "\u{ff0e}", "\u{ff61}", "[.]", "(.)",
    "{.}", "<.>", ".",
];

/// Endings of files that are no top-level domains: `icon@2x.png` is not an address.
pub(super) const FILE_ENDINGS: [&str; 16] = [
    "bmp", "css", "csv", "dll", "exe", "gif", "html", "ico", "jpeg", "jpg", "js", "json", "php", "png",
    "svg", "webp",
];

/// Spellings of what stands between a scheme and an authority, longest first. Compared without case.
pub(super) const SCHEME_ENDS: [&str; 11] = [
    "%253a%252f%252f",
    "%3a%2f%2f",
    "[:]/[/]",
    "[:]//",
    "[://]",
    "[:/]/",
    ":[//]",
    ":\\/\\/",
    "://",
    ":\\\\",
    "[/][/]",
];

/// Length of a bank account number by country; sorted. Source: the IBAN registry with its partial and territorial codes,
/// as the Python package schwifty 2026.10.1 carries it.
pub(super) const IBAN_LENGTHS: [(&str, usize); 127] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AO", 25),
    ("AT", 20),
    ("AX", 18),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BF", 28),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BJ", 28),
    ("BL", 27),
    ("BR", 29),
    ("BY", 28),
    ("CF", 27),
    ("CG", 27),
    ("CH", 21),
    ("CI", 28),
    ("CM", 27),
    ("CR", 22),
    ("CV", 25),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("DZ", 26),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GA", 27),
    ("GB", 22),
    ("GE", 22),
    ("GF", 27),
    ("GG", 22),
    ("GI", 23),
    ("GL", 18),
    ("GP", 27),
    ("GQ", 27),
    ("GR", 27),
    ("GT", 28),
    ("GW", 25),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IM", 22),
    ("IQ", 23),
    ("IR", 26),
    ("IS", 26),
    ("IT", 27),
    ("JE", 22),
    ("JO", 30),
    ("KM", 27),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MA", 28),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MF", 27),
    ("MG", 27),
    ("MK", 19),
    ("ML", 28),
    ("MN", 20),
    ("MQ", 27),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("MZ", 25),
    ("NC", 27),
    ("NE", 28),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PF", 27),
    ("PK", 24),
    ("PL", 28),
    ("PM", 27),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RE", 27),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SN", 28),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TD", 27),
    ("TF", 27),
    ("TG", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("WF", 27),
    ("XK", 20),
    ("YE", 30),
    ("YT", 27),
];

/// First digits and lengths of payment cards: (from, to, shortest, longest), compared over as many digits as written.
pub(super) const CARD_RANGES: [(&str, &str, usize, usize); 14] = [
    ("2221", "2720", 16, 16),
    ("300", "305", 14, 19),
    ("34", "34", 15, 15),
    ("3528", "3589", 16, 19),
    ("36", "36", 14, 19),
    ("37", "37", 15, 15),
    ("38", "39", 14, 19),
    ("4", "4", 13, 19),
    ("50", "50", 16, 19),
    ("51", "55", 16, 16),
    ("56", "59", 16, 19),
    ("60", "61", 16, 19),
    ("62", "65", 16, 19),
    ("66", "69", 16, 19),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_sorted() {
        assert!(KEPT_KEYS.is_sorted_by_key(|(key, _)| *key));
        assert!(IBAN_LENGTHS.is_sorted_by_key(|(country, _)| *country));
    }

    /// An earlier spelling must not hide a longer one.
    #[test]
    fn no_dot_is_the_beginning_of_a_later_one() {
        for (i, dot) in DOTS.iter().enumerate() {
            assert!(!DOTS[i + 1..].iter().any(|later| later.starts_with(dot)), "{dot}");
        }
    }

    #[test]
    fn the_page_names_every_class_and_key() {
        let page = include_str!("../../docs/redaction-strict-1.md");
        let words: Vec<_> =
            page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').collect();
        for name in CLASSES.iter().map(|class| class.slug).chain(KEPT_KEYS.iter().map(|(key, _)| *key)) {
            assert!(words.contains(&name), "{name}");
        }
        for refusal in super::super::Refusal::ALL {
            assert!(words.contains(&refusal.slug()), "{}", refusal.slug());
        }
    }
}
