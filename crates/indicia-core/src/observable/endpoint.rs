//! An address or a name with a port: `192.0.2.7:443`, `[2001:db8::7]:443`, `evil.example:8080`.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use super::{Canonical, domain, ip, written};
use crate::{Kind, Reason};

pub(crate) fn parse(text: &str) -> Result<Canonical<'_>, Reason> {
    let (host, port_text) = text.rsplit_once(':').ok_or(Reason::EndpointShape)?;
    if host.is_empty() || port_text.is_empty() {
        return Err(Reason::EndpointShape);
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(Reason::EndpointShape);
    }
    let port = port(port_text)?;
    let address = if host.starts_with('[') {
        IpAddr::V6(ip::ipv6(host)?)
    } else if ip::shape(host) == Some(Kind::Ipv4) {
        IpAddr::V4(ip::ipv4(host)?)
    } else {
        let name = domain::parse(host)?;
        return Ok(match name {
            Cow::Borrowed(same) if same.len() == host.len() => Canonical::same(Kind::Endpoint, text),
            name => Canonical::same(Kind::Endpoint, format!("{name}:{port}")),
        });
    };
    // The strict form of an IPv4 address is its canonical one.
    if address.is_ipv4() {
        return Ok(Canonical::same(Kind::Endpoint, text));
    }
    let value = written(text, &SocketAddr::new(address, port));
    match ip::unmapped(address) {
        same if same == address => Ok(Canonical::same(Kind::Endpoint, value)),
        mapped => Ok(Canonical::keyed(Kind::Endpoint, value, SocketAddr::new(mapped, port).to_string())),
    }
}

/// 1 to 65535, no leading zero.
pub(crate) fn port(text: &str) -> Result<u16, Reason> {
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Port);
    }
    text.parse().map_err(|_| Reason::Port)
}
