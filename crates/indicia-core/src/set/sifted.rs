//! What of a set its sieve lets pass: each indicator as the name, address or word that a text must hold to match it.

use std::net::IpAddr;

use super::masks::mask_of;
use super::part::Section;
use super::record::{Record, Records};
use super::sieve::{self, Cover, Listed, Lists, PATH, Wants};
use super::{host_in_key, text};
use crate::mask::Form;
use crate::observable::ip;
use crate::{Kind, Match, Profile};

/// The sieve of a set, from its sections of records and the addresses in them; empty where a scan must look at every
/// token: for masks that hold to no host, and for URLs under another profile than the default.
pub(super) fn sieve(
    threads: usize,
    sections: &[Section],
    profile: Profile,
    masks: bool,
    seed: u64,
) -> Vec<u8> {
    let mut wants = Wants::default();
    let holds = |records: &Records| {
        let mut masks = records.iter().filter(|record| record.match_ == Match::Mask);
        !crate::scan::masks::is_scanned(records.kind) || masks.all(|mask| host_of_mask(&mask).is_some())
    };
    if !sections.iter().all(|section| want(section.records.kind, profile, &mut wants))
        || (masks && !sections.iter().all(|section| holds(&section.records)))
    {
        return Vec::new();
    }
    sieve::build(threads, wants, seed, &Sections { sections, profile })
}

/// The host that a mask of URLs or names holds to, alone or with all below it, if it is a name of two labels or more or
/// an address.
fn host_of_mask(record: &Record<'_>) -> Option<String> {
    let mask = mask_of(record.kind, record.match_, text(record.value))?.folded();
    let host = match mask.form() {
        Form::Parts { host, .. } | Form::Host(host) => host.pattern.as_literal()?,
        _ => return None,
    };
    let is_name = !host.starts_with('.')
        && host.contains('.')
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    (is_name || ip::address(host).is_ok()).then(|| host.to_string())
}

/// Notes what must be looked at to find indicators of a kind, where that is not a name or an address; `false` where it is
/// every token.
fn want(kind: Kind, profile: Profile, wants: &mut Wants) -> bool {
    match kind {
        Kind::Url => return profile == Profile::Default,
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => {}
        Kind::Domain | Kind::Email | Kind::Endpoint | Kind::Other => {}
        Kind::Md5 | Kind::Sha1 | Kind::Sha224 | Kind::Sha256 | Kind::Sha384 | Kind::Sha512 | Kind::Jarm => {
            wants.digests = true;
        }
        kind if is_labelled(kind) => wants.digests = true,
        kind if is_wallet(kind) => wants.wallets = true,
        Kind::Asn => wants.asns = true,
        Kind::Cve => wants.cves = true,
        Kind::AttackId => wants.attack_ids = true,
        Kind::Mac => (wants.macs, wants.colons) = (true, true),
        Kind::Ja4 => wants.ja4s = true,
        // Nothing that stands in a text is taken for one of these.
        kind => return !crate::scan::masks::is_scanned(kind),
    }
    true
}

/// The records that a sieve is made of.
struct Sections<'s> {
    sections: &'s [Section],
    profile: Profile,
}

impl Lists for Sections<'_> {
    fn parts(&self) -> Vec<usize> {
        self.sections.iter().map(|section| section.records.bytes()).collect()
    }

    fn each(&self, part: usize, names_only: bool, found: &mut dyn FnMut(Listed<'_>)) {
        let Some(Section { records, addresses, .. }) = self.sections.get(part) else { return };
        match records.kind {
            Kind::Domain | Kind::Email | Kind::Url | Kind::Endpoint => {
                records.iter().for_each(|record| named(self.profile, &record, found));
            }
            _ if names_only => {}
            Kind::Ipv4 => addresses.iter().for_each(|address| found(Listed::V4(*address, *address))),
            _ => records.iter().for_each(|record| unnamed(&record, found)),
        }
    }
}

/// Digests that a label in front says what they are.
fn is_labelled(kind: Kind) -> bool {
    matches!(kind, Kind::Imphash | Kind::Authentihash | Kind::Ja3 | Kind::Ja3s | Kind::Hassh)
}

fn is_wallet(kind: Kind) -> bool {
    (Kind::Bitcoin..=Kind::Solana).contains(&kind) || kind == Kind::Tlsh
}

/// What has a name in it.
fn named(profile: Profile, record: &Record<'_>, found: &mut dyn FnMut(Listed<'_>)) {
    let (kind, key) = (record.kind, text(record.key));
    if record.match_ == Match::Mask {
        let Some(host) = host_of_mask(record) else { return };
        return match ip::address(&host).map(ip::unmapped) {
            Ok(IpAddr::V4(address)) => found(Listed::V4(address.to_bits(), address.to_bits())),
            Ok(IpAddr::V6(address)) => found(Listed::V6(address.to_bits(), address.to_bits())),
            Err(_) => found(Listed::Name(&host, Cover::Below)),
        };
    }
    match kind {
        Kind::Domain => {
            let cover = if record.match_ == Match::Subdomains { Cover::Below } else { Cover::Exact };
            found(Listed::Name(key, cover));
        }
        Kind::Email => {
            if let Some((_, name)) = key.rsplit_once('@') {
                found(Listed::Name(name, Cover::Exact));
            }
        }
        _ => {
            let host = host_in_key(profile, kind, key);
            match ip::address(&host).map(ip::unmapped) {
                Ok(IpAddr::V4(address)) => found(Listed::V4(address.to_bits(), address.to_bits())),
                Ok(IpAddr::V6(address)) => found(Listed::V6(address.to_bits(), address.to_bits())),
                Err(_) => {
                    // What follows the host in a text: a port always passes, a path if it is listed.
                    let behind = key.strip_prefix(&*host).unwrap_or_default().as_bytes();
                    let path = behind.first_chunk().filter(|path: &&[u8; PATH]| path[0] == b'/');
                    let cover =
                        if path.is_some() || behind.starts_with(b":") { Cover::Url } else { Cover::Exact };
                    found(Listed::Host(&host, cover));
                    if let Some(path) = path {
                        found(Listed::Path(&host, *path));
                    }
                }
            }
        }
    }
}

/// Addresses and words.
fn unnamed(record: &Record<'_>, found: &mut dyn FnMut(Listed<'_>)) {
    let (kind, key) = (record.kind, text(record.key));
    match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => {
            let Some(span) = ip::span(key) else { return };
            match (span.first, span.last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    found(Listed::V4(first.to_bits(), last.to_bits()));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    found(Listed::V6(first.to_bits(), last.to_bits()));
                }
                _ => {}
            }
        }
        _ if is_wallet(kind) => {
            // `bitcoincash:` and the like stand in front of the word.
            let word = key.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(key);
            found(Listed::Word(word));
        }
        _ if is_labelled(kind) || crate::observable::digest::hex_digits(kind).is_some() => {
            found(Listed::Word(key));
        }
        _ => {}
    }
}
