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

/// Spellings of the sign in an address. Compared without case. A URL's canonical form writes `\` as `/`.
pub(super) const AT_SIGNS: [&str; 29] = [
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
    "/u0040",
    "%40",
    "%2540",
    "%252540",
    "%25252540",
];

/// Spellings of the dot in the domain of an address, longest first. Compared without case.
pub(super) const DOTS: [&str; 25] = [
    "&period;", "[punkt]", "[punto]", " [dot] ", " (dot) ", " {dot} ", "\\u002e", "/u002e", "[dot]", "(dot)",
    "{dot}", "&#46;", " dot ", "_dot_", "-dot-", " [.] ", " (.) ", "\u{3002}", "\u{ff0e}", "\u{ff61}", "[.]",
    "(.)", "{.}", "<.>", ".",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_sorted() {
        assert!(KEPT_KEYS.is_sorted_by_key(|(key, _)| *key));
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
