//! What of a set its sieve lets pass: each indicator as the name, address or word that a text must hold to match it.

use std::net::IpAddr;

use super::sieve::{self, Cover, Listed, PATH, Wants};
use super::{IndicatorRef, IndicatorSet, host_in_key};
use crate::observable::ip;
use crate::{Kind, Match, Profile};

/// The sieve of a set; empty where a scan must look at every token: for masks, and for URLs under another profile than
/// the default.
pub(super) fn sieve(set: &IndicatorSet) -> Vec<u8> {
    let mut wants = Wants::default();
    for indicator in set.iter() {
        if !want(set, indicator, &mut wants) {
            return Vec::new();
        }
    }
    // Any host can be part of a URL, in a spelling that only a URL has.
    wants.schemes = wants.names || wants.v4 || wants.colons;
    let seed = u64::from_le_bytes(set.digest()[..8].try_into().unwrap_or_default());
    sieve::build(wants, seed, &|found| {
        for indicator in set.iter() {
            listed(set, indicator, found);
        }
    })
}

/// Notes what must be looked at to find an indicator; `false` where that is every token.
fn want(set: &IndicatorSet, indicator: IndicatorRef<'_>, wants: &mut Wants) -> bool {
    let kind = indicator.kind();
    if kind == Kind::Other {
        return true;
    }
    if indicator.match_() == Match::Mask {
        return false;
    }
    match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::IpRange => (wants.v4, wants.colons) = (true, true),
        Kind::Domain | Kind::Email => wants.names = true,
        Kind::Url | Kind::Endpoint => {
            if kind == Kind::Url && set.profile() != Profile::Default {
                return false;
            }
            let host = host_in_key(set.profile(), kind, indicator.key());
            if ip::address(&host).is_ok() {
                (wants.v4, wants.colons) = (true, true);
            } else {
                wants.names = true;
                wants.single_labels |= !host.contains('.');
                let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
                wants.odd_hosts |= !host.bytes().all(is_plain);
            }
        }
        Kind::Md5 | Kind::Sha1 | Kind::Sha224 | Kind::Sha256 | Kind::Sha384 | Kind::Sha512 | Kind::Jarm => {
            wants.digests = true;
        }
        _ if is_labelled(kind) => wants.digests = true,
        _ if is_wallet(kind) => wants.wallets = true,
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

fn listed(set: &IndicatorSet, indicator: IndicatorRef<'_>, found: &mut dyn FnMut(Listed<'_>)) {
    let (kind, key) = (indicator.kind(), indicator.key());
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
            let cover = if indicator.match_() == Match::Subdomains { Cover::Below } else { Cover::Exact };
            found(Listed::Name(key, cover));
        }
        Kind::Email => {
            if let Some((_, name)) = key.rsplit_once('@') {
                found(Listed::Name(name, Cover::Exact));
            }
        }
        Kind::Url | Kind::Endpoint => {
            let host = host_in_key(set.profile(), kind, key);
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
