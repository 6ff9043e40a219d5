//! Masks against what stands in a text or is looked up.
//!
//! Where a URL ends in a text is a guess. Masks are compared with two readings of it: up to where the text of a URL
//! surely ends, without punctuation there, and, where that is shorter, up to where `extract` ends it (before a bracket
//! that nothing opened, a brace, `**`). Other ends are not tried: a mask whose wildcard reaches the end matches at most
//! of them alike, and one that is held to the end is meant for the whole URL. A URL is read without its scheme only
//! where it has none.

use super::Relation;
use super::finder::Finder;
use crate::Kind;
use crate::extract::{self, lex};

impl Finder<'_, '_> {
    /// The URL from `start` whose host and port end at `host_end`.
    pub(super) fn url_masks(&mut self, start: usize, host_end: usize) {
        if !self.set.masks().has_urls() {
            return;
        }
        let limit = self.url_limit(host_end);
        let natural = lex::url_natural_end(self.text, host_end, limit);
        let shorter = extract::url_end(self.text, host_end, limit);
        for end in [Some(natural), Some(shorter).filter(|end| *end < natural)].into_iter().flatten() {
            if let Some(parsed) = self.url_parsed(start, end) {
                self.masks_of_url(parsed.value(), parsed.key(), start, end);
            }
        }
    }

    /// Whether a host at `start` stands right behind a scheme, with which its URL is read.
    pub(super) fn has_scheme(&self, start: usize) -> bool {
        self.text[..start].ends_with(b"://") && lex::scheme_start(self.text, start - 3).is_some()
    }

    pub(super) fn masks_of_url(&mut self, value: &str, key: &str, start: usize, end: usize) {
        let set = self.set;
        if !set.masks().has_urls() {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch.masks);
        scratch.url.set(value, key);
        set.masks().of_url(&mut scratch, |entry| {
            self.push(entry, Relation::Mask, Kind::Url, value, start, end);
        });
        self.scratch.masks = scratch;
    }

    /// A name or an address, as a host.
    pub(super) fn masks_of_host(&mut self, kind: Kind, host: &str, a: usize, b: usize) {
        let set = self.set;
        if set.masks().has_names() {
            let mut scratch = std::mem::take(&mut self.scratch.masks);
            set.masks().of_name(host, &mut scratch, |entry| {
                self.push(entry, Relation::Mask, kind, host, a, b);
            });
            self.scratch.masks = scratch;
        }
    }

    /// A value of a kind whose masks are over its key.
    pub(super) fn masks_of_key(&mut self, kind: Kind, key: &str, value: &str, a: usize, b: usize) {
        let set = self.set;
        if set.masks().has(kind) {
            let mut scratch = std::mem::take(&mut self.scratch.masks);
            set.masks().of_key(kind, key, &mut scratch, |entry| {
                self.push(entry, Relation::Mask, kind, value, a, b);
            });
            self.scratch.masks = scratch;
        }
    }
}

/// Whether `scan` finds values of a kind in a text, where they can be compared with masks.
pub(crate) fn is_scanned(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Imphash
            | Kind::Authentihash
            | Kind::Ja3
            | Kind::Ja3s
            | Kind::Hassh
            | Kind::X509Sha1
            | Kind::X509Sha256
            | Kind::X509Serial
            | Kind::Ssdeep
    ) && kind < Kind::Purl
}
