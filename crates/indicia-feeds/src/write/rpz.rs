//! `rpz`: a DNS response policy zone that answers NXDOMAIN: `name CNAME .`, `*.name CNAME .`, and addresses and
//! networks as `rpz-ip` names. Everything else is lost and counted.
//!
//! Names are relative to the zone's origin, which the server's configuration gives; 200 characters is the most
//! that one may have, so that an origin has room behind it. A name that matches below too gets both lines, one
//! that matches below only the second alone. Addresses are written as draft-vixie-dnsop-dns-rpz says: the prefix
//! length and the parts backwards, `zz` for `::`. An endpoint or a URL would condemn its host and is left out.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::IpAddr;

use indicia_core::{Indicator, Kind, Match, Time};

use super::{LossReport, lines};

const MAX_NAME: usize = 200;

pub(super) fn header(created: Option<Time>, out: &mut dyn Write) -> io::Result<()> {
    let serial = created.map_or(1, |at| at.unix().clamp(1, i64::from(u32::MAX)));
    writeln!(out, "$TTL 300\n@ SOA localhost. root.localhost. {serial} 3600 600 86400 300\n@ NS localhost.")
}

pub(super) fn write(indicator: &Indicator, out: &mut dyn Write, loss: &mut LossReport) -> io::Result<()> {
    if indicator.target.match_ == Match::Mask {
        loss.leave_out("a mask");
        return Ok(());
    }
    let target = &indicator.target;
    let value = target.observable.value();
    let owners = match target.observable.kind() {
        Kind::Domain if is_owner(value) => {
            let below = target.match_ == Match::Subdomains;
            let itself = (!target.below_only).then(|| value.to_string());
            itself.into_iter().chain(below.then(|| format!("*.{value}"))).collect()
        }
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr => Vec::from_iter(address(value)),
        _ => Vec::new(),
    };
    if owners.is_empty() {
        loss.leave_out("not a name, an address or a network of a zone");
        return Ok(());
    }
    if !lines::is_listed(indicator, lines::Use::Block, loss) {
        return Ok(());
    }
    for owner in owners {
        writeln!(out, "{owner} CNAME .")?;
    }
    loss.written += 1;
    loss.lose("match", matches!(target.match_, Match::Prefix | Match::Pattern));
    lines::lose_contexts(indicator, &[], loss);
    Ok(())
}

/// Whether a name can be an owner in the zone, and is not one that stands for something else there (`rpz-ip`,
/// `rpz-nsdname` …).
fn is_owner(name: &str) -> bool {
    let special = name.rsplit('.').next().is_some_and(|last| last.starts_with("rpz-"));
    lines::is_plain_name(name) && name.len() <= MAX_NAME && !special
}

/// The `rpz-ip` name of an address or network.
fn address(value: &str) -> Option<String> {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (value, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let mut name = String::new();
    match (address, length) {
        (IpAddr::V6(v6), length) if length.is_none_or(|l| l >= 96) && v6.to_ipv4_mapped().is_some() => {
            let v4 = v6.to_ipv4_mapped()?;
            return reversed(v4, length.map_or(32, |l| l - 96));
        }
        (IpAddr::V4(v4), length) => return reversed(v4, length.unwrap_or(32)),
        (IpAddr::V6(v6), length) => {
            let _ = write!(name, "{}", length.unwrap_or(128));
            // RFC 5952 is what the draft compresses by; a mapped network shorter than /96 has no dots left.
            let text = v6.to_string().replace("::", ":zz:");
            for part in text.trim_matches(':').rsplit(':') {
                if part.contains('.') {
                    return None;
                }
                let _ = write!(name, ".{part}");
            }
        }
    }
    name.push_str(".rpz-ip");
    Some(name)
}

fn reversed(v4: std::net::Ipv4Addr, length: u8) -> Option<String> {
    let [a, b, c, d] = v4.octets();
    Some(format!("{length}.{d}.{c}.{b}.{a}.rpz-ip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_backwards() {
        for (value, name) in [
            ("192.0.2.7", "32.7.2.0.192.rpz-ip"),
            ("192.0.2.0/24", "24.0.2.0.192.rpz-ip"),
            ("2001:db8::7", "128.7.zz.db8.2001.rpz-ip"),
            ("2001:db8::/32", "32.zz.db8.2001.rpz-ip"),
            ("2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001.rpz-ip"),
            ("::ffff:192.0.2.7", "32.7.2.0.192.rpz-ip"),
        ] {
            assert_eq!(address(value).as_deref(), Some(name), "{value}");
        }
    }
}
