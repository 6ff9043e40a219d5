//! Redaction: what is personal is taken out before anything goes to a recipient. Profile `strict@1`.
//!
//! Two questions, two functions. [`redact_text`] writes typed placeholders (`[email]`, `[user]` …) over the personal
//! pieces of free text. [`redact_target`] answers for a value that has to match something: it stays, it becomes another
//! value that is still real (a URL cut to a prefix), or it is refused. Both say how many pieces of which class they
//! removed, never what the pieces were, and both are idempotent.
//!
//! Text is a list of edits. Each rule finds its places in the same text; an earlier rule wins where two overlap; the
//! edits are applied, and this is repeated until no rule finds anything. That last look is the proof of idempotence: a
//! text that does not come to rest in a few rounds becomes `[text]` as a whole. Every rule is linear in the text.
//!
//! Not here: which fields a recipient gets at all, and hashes of personal values, which no text shows.
//! `docs/redaction-strict-1.md` gives the rules for people.

use std::borrow::Cow;
use std::collections::BTreeMap;

use indicia_core::{ExtractOptions, Kind, Refang, extract};

mod encoded;
mod folders;
mod mail;
mod numbers;
mod tables;
mod target;
mod unit;
mod urls;

pub use tables::{CLASSES, Class};
pub(crate) use target::pieces;
pub use target::{Redacted, Refusal, redact_target};

/// The name of the rules here; a changed output is a new number.
pub const PROFILE: &str = "strict@1";

/// What was taken out: how many pieces of each class of [`CLASSES`], never what they were.
pub type Removed = BTreeMap<&'static str, u64>;

/// This often a text is looked at again; real text rests after one or two.
const MAX_ROUNDS: usize = 6;

/// Free text with its personal pieces replaced by placeholders; borrowed where there are none.
///
/// ```
/// use indicia_exchange::redact::{Removed, redact_text};
/// let mut removed = Removed::new();
/// let text = redact_text(r"joe@corp.example ran C:\Users\joe\a.exe from http://bad.example/g?id=7", &mut removed);
/// assert_eq!(text, r"[email] ran C:\Users\[user]\a.exe from http://bad.example/g?id=[query-value]");
/// assert_eq!(removed["email"], 1);
/// ```
pub fn redact_text<'t>(text: &'t str, removed: &mut Removed) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_ROUNDS {
        let edits = find(&text);
        if edits.is_empty() {
            return text;
        }
        for edit in &edits {
            count(removed, edit.class);
        }
        text = Cow::Owned(apply(&text, &edits));
    }
    if find(&text).is_empty() {
        return text;
    }
    count(removed, &tables::TEXT);
    Cow::Borrowed(tables::TEXT.placeholder)
}

/// One piece of text to be replaced by the placeholder of its class.
#[derive(Clone, Copy, Debug)]
struct Edit {
    start: usize,
    end: usize,
    class: &'static Class,
}

fn count(removed: &mut Removed, class: &Class) {
    *removed.entry(class.slug).or_default() += 1;
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        out.push_str(&text[done..edit.start]);
        out.push_str(edit.class.placeholder);
        done = edit.end;
    }
    out.push_str(&text[done..]);
    out
}

/// Every rule's places in a text, in order, without overlap.
fn find(text: &str) -> Vec<Edit> {
    let options = ExtractOptions {
        kinds: vec![Kind::Url, Kind::Email, Kind::Domain, Kind::Ipv4, Kind::Ipv6],
        refang: Refang::Usual,
        nested: true,
        ..ExtractOptions::default()
    };
    let (mut addresses, mut url_starts, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    for e in extract(text.as_bytes(), &options) {
        match e.kind {
            Kind::Url => url_starts.push(e.start),
            Kind::Email => addresses.push(Edit { start: e.start, end: e.end, class: &tables::EMAIL }),
            _ => hosts.push((e.start, e.end)),
        }
    }
    if text.contains(" at ") {
        // A preposition more often than a sign; but an address that stays does more harm than a word that goes.
        let options = ExtractOptions {
            kinds: vec![Kind::Email],
            refang: Refang::Aggressive,
            nested: true,
            ..ExtractOptions::default()
        };
        let all = extract(text.as_bytes(), &options);
        addresses.extend(all.iter().map(|e| Edit { start: e.start, end: e.end, class: &tables::EMAIL }));
        addresses.sort_by_key(|e| (e.start, std::cmp::Reverse(e.end)));
        addresses.dedup_by(|next, kept| next.start < kept.end);
    }
    let signed = mail::find(text);
    let urls = urls::find(text, &url_starts, &signed);
    hosts.extend(&urls.hosts);
    hosts.sort_unstable();
    let rules = [
        urls.edits,
        signed,
        addresses,
        folders::find(text, &urls.web),
        numbers::sids(text),
        encoded::find(text, &hosts),
        outside(numbers::ibans(text), &hosts),
        outside(numbers::cards(text), &hosts),
        outside(numbers::phones(text), &hosts),
    ];
    rules.into_iter().fold(Vec::new(), |all, more| merge(text, all, more))
}

/// Whether an e-mail address stands in a text.
pub(crate) fn holds_address(text: &str) -> bool {
    !mail::find(text).is_empty()
}

/// What the rules for pieces of a URL's path, of a kept value, or of any text without URLs find.
fn find_plain(text: &str, is_web: bool) -> Vec<Edit> {
    let web = if is_web { vec![(0, text.len())] } else { Vec::new() };
    let rules = [
        mail::find(text),
        folders::find(text, &web),
        numbers::sids(text),
        encoded::find(text, &[]),
        numbers::ibans(text),
        numbers::cards(text),
        numbers::phones(text),
    ];
    rules.into_iter().fold(Vec::new(), |all, more| merge(text, all, more))
}

/// The edits that touch none of the spans, both in order. Hosts are never touched.
fn outside(mut edits: Vec<Edit>, spans: &[(usize, usize)]) -> Vec<Edit> {
    // Spans can lie in one another: the furthest end so far says what is covered.
    let mut next = 0;
    let mut covered = 0;
    edits.retain(|edit| {
        while let Some((start, end)) = spans.get(next)
            && *start < edit.end
        {
            covered = covered.max(*end);
            next += 1;
        }
        covered <= edit.start
    });
    edits
}

/// Two lists in order become one; of two edits that overlap, the one of the first list stays.
fn merge(text: &str, first: Vec<Edit>, second: Vec<Edit>) -> Vec<Edit> {
    let mut all = Vec::with_capacity(first.len() + second.len());
    let mut rest = first.into_iter().peekable();
    let mut done = 0;
    for edit in second {
        while let Some(kept) = rest.next_if(|kept| kept.start < edit.end) {
            done = kept.end.max(done);
            all.push(kept);
        }
        let fits = edit.start >= done && edit.start < edit.end;
        if fits && text.is_char_boundary(edit.start) && text.is_char_boundary(edit.end) {
            done = edit.end;
            all.push(edit);
        }
    }
    all.extend(rest);
    all
}
