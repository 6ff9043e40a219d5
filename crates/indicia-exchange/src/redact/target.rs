//! Targets: a value that has to match something stays, is cut to a prefix that does, or is refused.

use indicia_core::{Kind, Match, Role, Target};

use super::tables::{PERSONAL_TYPES, QUERY_VALUE, URL_FRAGMENT, URL_USERINFO};
use super::{Class, Removed, count, find, find_plain, mail, urls};

/// What becomes of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redacted {
    /// Nothing personal in it.
    Unchanged,
    /// Another value: what went is in the counts. With an equal key and match it is the same indicator, written
    /// without userinfo and fragment; otherwise it is a new one.
    Changed(Target),
    /// It cannot go out: nothing real is left without the personal part. Nothing is counted.
    Refused(Refusal),
}

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A kind, or a source's type name, that is personal whatever the value is.
    PersonalKind,
    /// The e-mail address of somebody to notify.
    PersonalEmail,
    /// A path that holds something personal.
    PersonalPath,
    /// Another text that holds something personal.
    PersonalText,
    /// A URL whose personal part stands right behind the host: the rest would condemn the host.
    HostOnly,
}

impl Refusal {
    /// Every reason.
    pub const ALL: &'static [Refusal] = &[
        Refusal::PersonalKind,
        Refusal::PersonalEmail,
        Refusal::PersonalPath,
        Refusal::PersonalText,
        Refusal::HostOnly,
    ];

    /// The stable name.
    pub const fn slug(self) -> &'static str {
        match self {
            Refusal::PersonalKind => "personal-kind",
            Refusal::PersonalEmail => "personal-email",
            Refusal::PersonalPath => "personal-path",
            Refusal::PersonalText => "personal-text",
            Refusal::HostOnly => "host-only",
        }
    }

    /// What it means, for a report.
    pub const fn sentence(self) -> &'static str {
        match self {
            Refusal::PersonalKind => {
                "User names, telephone numbers, bank accounts, payment cards and data of persons are personal by their kind."
            }
            Refusal::PersonalEmail => "The address of a victim or of the owner of something broken into.",
            Refusal::PersonalPath => {
                "The path holds a user's name or another personal value; a path without it would not match."
            }
            Refusal::PersonalText => "The text holds a personal value; a text without it would not match.",
            Refusal::HostOnly => {
                "The personal part stands right behind the host; what is left would condemn the host as a whole."
            }
        }
    }
}

/// What a recipient may get of a target whose role in the case is `role`.
///
/// ```
/// use indicia_core::{Kind, Match, Observable, Role, Target};
/// use indicia_exchange::redact::{Redacted, Refusal, Removed, redact_target};
/// let mut removed = Removed::new();
/// let url = Target::new(Observable::parse("http://bad.example/gate.php?victim=joe%40corp.example").unwrap());
/// let Redacted::Changed(cut) = redact_target(&url, Some(Role::C2), &mut removed) else { panic!() };
/// assert_eq!((cut.observable.value(), cut.match_), ("http://bad.example/gate.php?", Match::Prefix));
/// assert_eq!(removed["query-value"], 1);
/// let name = Target::new(Observable::parse_as(Kind::UserName, "joe").unwrap());
/// assert_eq!(redact_target(&name, None, &mut removed), Redacted::Refused(Refusal::PersonalKind));
/// ```
pub fn redact_target(target: &Target, role: Option<Role>, removed: &mut Removed) -> Redacted {
    let value = target.observable.value();
    let clean_or = |refusal: Refusal, text: &str| {
        if find(text).is_empty() { Redacted::Unchanged } else { Redacted::Refused(refusal) }
    };
    match target.observable.kind() {
        Kind::UserName | Kind::Phone | Kind::Iban | Kind::PaymentCard => {
            Redacted::Refused(Refusal::PersonalKind)
        }
        Kind::Other if target.observable.source_type().is_some_and(is_personal_type) => {
            Redacted::Refused(Refusal::PersonalKind)
        }
        Kind::Email if role.is_some_and(Role::is_to_notify) => Redacted::Refused(Refusal::PersonalEmail),
        Kind::Url if matches!(target.match_, Match::Exact | Match::Prefix) => url(target, removed),
        // A mask that loses a part stands for more than it did.
        Kind::Url if target.match_ == Match::Mask => match url(target, &mut Removed::default()) {
            Redacted::Unchanged => clean_or(Refusal::PersonalText, value),
            _ => Redacted::Refused(Refusal::PersonalText),
        },
        Kind::FilePath => clean_or(Refusal::PersonalPath, value),
        Kind::Url
        | Kind::RegistryKey
        | Kind::CommandLine
        | Kind::EmailSubject
        | Kind::FileName
        | Kind::Mutex
        | Kind::ProcessName
        | Kind::NamedPipe
        | Kind::ServiceName
        | Kind::UserAgent
        | Kind::Other => clean_or(Refusal::PersonalText, value),
        // Hosts, addresses, digests, wallets and identifiers of things: never touched.
        _ => Redacted::Unchanged,
    }
}

/// What is personal in a value that goes out cut or not at all: texts that quote it would give it away. Values of
/// queries and fragments that are words say nothing about anybody.
pub(crate) fn pieces(target: &Target) -> Vec<&str> {
    let value = target.observable.value();
    if !matches!(
        target.observable.kind(),
        Kind::Url
            | Kind::FilePath
            | Kind::RegistryKey
            | Kind::CommandLine
            | Kind::EmailSubject
            | Kind::FileName
            | Kind::Mutex
            | Kind::ProcessName
            | Kind::NamedPipe
            | Kind::ServiceName
            | Kind::UserAgent
            | Kind::Other
    ) {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    for edit in find(value) {
        let Some(piece) = value.get(edit.start..edit.end) else { continue };
        let is_word = !piece.contains(|c: char| c.is_ascii_digit() || "@%.-_+".contains(c));
        match edit.class.slug {
            slug if slug == URL_USERINFO.slug => pieces.extend(piece.split([':', '@'])),
            slug if is_word && (slug == QUERY_VALUE.slug || slug == URL_FRAGMENT.slug) => {}
            _ => pieces.push(piece.trim_start_matches('#')),
        }
    }
    pieces
}

fn is_personal_type(name: &str) -> bool {
    PERSONAL_TYPES.iter().any(|personal| personal.eq_ignore_ascii_case(name))
}

/// A URL without userinfo and fragment, cut before the first personal piece of its path or before its query's values.
fn url(target: &Target, removed: &mut Removed) -> Redacted {
    let value = target.observable.value();
    let mut taken: Vec<&'static Class> = Vec::new();
    let whole = match value.find('#') {
        Some(hash) => {
            taken.push(&URL_FRAGMENT);
            // An address that the number sign helps to write (`joe&#64;corp.example`) begins in front of the fragment: it is
            // looked at as a whole, and cut out with all behind it.
            let over = mail::find(value).into_iter().find(|edit| edit.start < hash && hash < edit.end);
            &value[..over.map_or(hash, |edit| edit.end)]
        }
        None => value,
    };
    let scheme = match whole.find("://") {
        Some(at) if !whole[..at].contains(['/', '?', '.']) => at + 3,
        _ => 0,
    };
    let authority_end = whole[scheme..].find(['/', '?']).map_or(whole.len(), |n| scheme + n);
    let sign = whole[scheme..authority_end].rfind('@').map_or(scheme, |n| scheme + n + 1);
    let host = if urls::is_webdav(&whole[sign..authority_end]) { scheme } else { sign };
    if host > scheme {
        taken.push(&URL_USERINFO);
    }
    let (path, query) = match whole[authority_end..].split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&whole[authority_end..], None),
    };

    let mut kept = path.len();
    let found = find_plain(path, true);
    taken.extend(found.iter().map(|edit| edit.class));
    if let Some(first) = found.first() {
        kept = path[..first.start].rfind('/').map_or(0, |slash| slash + 1);
        // A shorter path may read otherwise.
        while let Some(first) = find_plain(&path[..kept], true).first() {
            kept = path[..first.start].rfind('/').map_or(0, |slash| slash + 1);
        }
    }
    let mut is_cut = kept < path.len();
    let mut tail = path[..kept].to_string();
    if let Some(query) = query {
        let gone = urls::values(query, 0, query.len(), true).len();
        let inside = if gone == 0 { find_plain(query, true) } else { Vec::new() };
        taken.extend(std::iter::repeat_n(&QUERY_VALUE, gone));
        taken.extend(inside.iter().map(|edit| edit.class));
        if !is_cut {
            tail.push('?');
            if gone == 0 && inside.is_empty() {
                tail.push_str(query);
            } else {
                is_cut = true;
            }
        }
    }
    if taken.is_empty() {
        return Redacted::Unchanged;
    }
    if is_cut && tail.trim_matches('/').is_empty() {
        return Redacted::Refused(Refusal::HostOnly);
    }
    let match_ = if is_cut { Match::Prefix } else { target.match_ };
    let written = format!("{}{}{tail}", &whole[..scheme], &whole[host..authority_end]);
    if written.contains('#') {
        return Redacted::Refused(Refusal::PersonalText);
    }
    match Target::from_parts(Kind::Url, &written, Some(match_), None) {
        Ok(cut) => {
            for class in taken {
                count(removed, class);
            }
            Redacted::Changed(cut)
        }
        // A URL cut at a slash or a question mark is one; should the grammar say otherwise, nothing goes out.
        Err(_) => Redacted::Refused(Refusal::PersonalText),
    }
}
