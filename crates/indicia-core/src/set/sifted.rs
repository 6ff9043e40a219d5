//! What of a set its sieve lets pass: each indicator as the name, address or word that a text must hold to match it.

use std::net::IpAddr;

use super::masks::mask_of;
use super::record::{Record, Records};
use super::sieve::{self, Cover, Listed, PATH, Wants};
use super::{host_in_key, text};
use crate::mask::Form;
use crate::observable::ip;
use crate::{Kind, Match, Profile};

/// The sieve of a set, from its sections of records; empty where a scan must look at every token: for masks that hold to no
/// host, and for URLs under another profile than the default.
pub(super) fn sieve<'s>(
    sections: impl Iterator<Item = &'s Records> + Clone,
    profile: Profile,
    masks: bool,
    seed: u64,
) -> Vec<u8> {
    let mut wants = Wants::default();
    if !sections.clone().all(|records| want(records, profile, masks, &mut wants)) {
        return Vec::new();
    }
    // Any host can be part of a URL, in a spelling that only a URL has.
    wants.schemes = wants.names || wants.v4 || wants.colons;
    sieve::build(wants, seed, &|found| {
        for records in sections.clone() {
            records.iter().for_each(|record| listed(profile, &record, found));
        }
    })
}

/// Notes what must be looked at to find the indicators of a section; `false` where that is every token.
fn want(records: &Records, profile: Profile, masks: bool, wants: &mut Wants) -> bool {
    if masks && crate::scan::masks::is_scanned(records.kind) {
        for record in records.iter().filter(|record| record.match_ == Match::Mask) {
            let Some(host) = host_of_mask(&record) else { return false };
            match ip::address(&host) {
                Ok(_) => (wants.v4, wants.colons) = (true, true),
                Err(_) => wants.names = true,
            }
        }
    }
    match records.kind {
        Kind::Other => {}
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => (wants.v4, wants.colons) = (true, true),
        Kind::Domain | Kind::Email => wants.names = true,
        Kind::Url if profile != Profile::Default => return false,
        Kind::Url | Kind::Endpoint => {
            for record in records.iter().filter(|record| record.match_ != Match::Mask) {
                let host = host_in_key(profile, records.kind, text(record.key));
                if ip::address(&host).is_ok() {
                    (wants.v4, wants.colons) = (true, true);
                } else {
                    wants.names = true;
                    wants.single_labels |= !host.contains('.');
                    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
                    wants.odd_hosts |= !host.bytes().all(is_plain);
                }
            }
        }
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

/// Digests that a label in front says what they are.
fn is_labelled(kind: Kind) -> bool {
    matches!(kind, Kind::Imphash | Kind::Authentihash | Kind::Ja3 | Kind::Ja3s | Kind::Hassh)
}

fn is_wallet(kind: Kind) -> bool {
    (Kind::Bitcoin..=Kind::Solana).contains(&kind) || kind == Kind::Tlsh
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

fn listed(profile: Profile, record: &Record<'_>, found: &mut dyn FnMut(Listed<'_>)) {
    let (kind, key) = (record.kind, text(record.key));
    if record.match_ == Match::Mask {
        if let Some(host) = host_of_mask(record) {
            match ip::address(&host).map(ip::unmapped) {
                Ok(IpAddr::V4(address)) => found(Listed::V4(address.to_bits(), address.to_bits())),
                Ok(IpAddr::V6(address)) => found(Listed::V6(address.to_bits(), address.to_bits())),
                Err(_) => found(Listed::Name(&host, Cover::Below)),
            }
        }
        return;
    }
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
        Kind::Domain => {
            let cover = if record.match_ == Match::Subdomains { Cover::Below } else { Cover::Exact };
            found(Listed::Name(key, cover));
        }
        Kind::Email => {
            if let Some((_, name)) = key.rsplit_once('@') {
                found(Listed::Name(name, Cover::Exact));
            }
        }
        Kind::Url | Kind::Endpoint => {
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
                    found(Listed::Name(&host, cover));
                    if let Some(path) = path {
                        found(Listed::Path(&host, *path));
                    }
                }
            }
        }
        _ if is_wallet(kind)
            || is_labelled(kind)
            || crate::observable::digest::hex_digits(kind).is_some() =>
        {
            // `bitcoincash:` and the like stand in front of the word.
            let word = key.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(key);
            found(Listed::Word(word));
        }
        _ => {}
    }
}
