//! Values that a record holds in several fields, and values that only the name of a field tells.
//!
//! Parts belong together where they stand in the same object of the record and under the same name, up to what the
//! tables call them: an address of one element of an array and a port of another make no endpoint.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::names::{Says, UrlPart, what};
use super::{Field, Header, Written, each_field};
use crate::Kind;

/// A value of a record that does not stand in its text as one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) kind: Kind,
    /// As it would be written in one piece.
    pub(crate) text: String,
    /// Where in the line it is shown: its host, or the value itself.
    pub(crate) span: Range<usize>,
    /// The names of its fields, with `+` between them.
    pub(crate) field: String,
}

/// What of a line can be part of something, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    parts: Vec<Part>,
    joined: Vec<Joined>,
}

#[derive(Debug)]
struct Part {
    /// Parts with the same group, object and name in front belong together.
    group: (bool, u8),
    item: u32,
    front: Box<str>,
    role: Role,
    name: Box<str>,
    text: Box<str>,
    span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Host,
    Port,
    Path,
    Query,
    Scheme,
}

impl Part {
    fn key(&self) -> ((bool, u8), u32, &str) {
        (self.group, self.item, &self.front)
    }
}

/// One port can be that of so many hosts.
const HOSTS: usize = 8;
/// Longer values are none of a URL.
const LONGEST: usize = 64 * 1024;

impl Joins {
    /// All that `line` holds so, of the kinds that are wanted.
    pub(crate) fn of_line(
        &mut self,
        line: &[u8],
        header: &Header,
        wanted: impl Fn(Kind) -> bool,
    ) -> &mut Vec<Joined> {
        self.joined.clear();
        self.parts.clear();
        let (urls, endpoints) = (wanted(Kind::Url), wanted(Kind::Endpoint));
        let Joins { parts, joined } = self;
        each_field(line, header, &mut |field| {
            what(field.name, |says, front| {
                let group = match says {
                    Says::Url(group, _) if urls => (true, group),
                    Says::Host(group) | Says::Port(group) if endpoints => (false, group),
                    Says::Kind(kind) | Says::Plus(kind) if wanted(kind) => {
                        return named(field, line, joined, |text| {
                            let plain = |text: Cow<'_, str>| text.replace('+', " ");
                            (kind, if says == Says::Plus(kind) { plain(text) } else { text.into_owned() })
                        });
                    }
                    Says::Certificate if wanted(Kind::X509Sha1) || wanted(Kind::X509Sha256) => {
                        return named(field, line, joined, |text| {
                            let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
                            (if digits == 40 { Kind::X509Sha1 } else { Kind::X509Sha256 }, text.into_owned())
                        });
                    }
                    _ => return,
                };
                let role = match says {
                    Says::Host(_) | Says::Url(_, UrlPart::Host) => Role::Host,
                    Says::Port(_) | Says::Url(_, UrlPart::Port) => Role::Port,
                    Says::Url(_, UrlPart::Scheme) => Role::Scheme,
                    Says::Url(_, UrlPart::Query) => Role::Query,
                    _ => Role::Path,
                };
                if field.span.len() <= LONGEST
                    && let Some(text) = field.text(line)
                {
                    let (front, name) = (front.to_ascii_lowercase().into(), field.name.into());
                    let text = text.as_ref().into();
                    parts.push(Part {
                        group,
                        item: field.item,
                        front,
                        role,
                        name,
                        text,
                        span: field.span.clone(),
                    });
                }
            });
        });
        parts.sort_by(|a, b| (a.key(), a.role).cmp(&(b.key(), b.role)));
        for together in parts.chunk_by(|a, b| a.key() == b.key()) {
            let (url, _) = together[0].group;
            for host in together.iter().take_while(|part| part.role == Role::Host).take(HOSTS) {
                joined.extend(if url { join_url(host, together) } else { join_endpoint(host, together) });
            }
        }
        joined.sort_by(|a, b| (a.span.start, a.kind, &a.text).cmp(&(b.span.start, b.kind, &b.text)));
        joined.dedup_by(|a, b| (a.span.start, a.kind, &a.text) == (b.span.start, b.kind, &b.text));
        joined
    }
}

/// A value whose kind its name tells; of several between commas, each.
fn named(
    field: &Field<'_>,
    line: &[u8],
    joined: &mut Vec<Joined>,
    kind: impl Fn(Cow<'_, str>) -> (Kind, String),
) {
    let mut start = field.span.start;
    let value = line.get(field.span.clone()).unwrap_or_default();
    let separator = |b: &u8| field.written == Written::Set && *b == b',';
    for value in value.split(separator) {
        let one = Field { name: field.name, span: start..start + value.len(), ..*field };
        start += value.len() + 1;
        if let Some(text) = one.text(line) {
            let (kind, text) = kind(text);
            joined.push(Joined { kind, text, span: one.span, field: field.name.to_string() });
        }
    }
}

fn first(together: &[Part], role: Role) -> Option<&Part> {
    together.iter().find(|part| part.role == role)
}

fn names(parts: &[Option<&Part>]) -> String {
    let mut names = String::new();
    for part in parts.iter().flatten() {
        if !names.is_empty() {
            names.push('+');
        }
        names.push_str(&part.name);
    }
    names
}

fn join_endpoint(host: &Part, together: &[Part]) -> Option<Joined> {
    let port_part = first(together, Role::Port)?;
    let port: u16 = port_part.text.parse().ok().filter(|port| *port > 0)?;
    let text = match host.text.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        // With a port of its own it stands there as an endpoint.
        Err(_) if host.text.contains(':') => return None,
        Err(_) => format!("{}:{port}", host.text),
    };
    let field = names(&[Some(host), Some(port_part)]);
    Some(Joined { kind: Kind::Endpoint, text, span: host.span.clone(), field })
}

fn join_url(host: &Part, together: &[Part]) -> Option<Joined> {
    let path = first(together, Role::Path)?;
    let scheme = first(together, Role::Scheme);
    let query = first(together, Role::Query);
    let mut port = first(together, Role::Port);
    let mut text = String::new();
    if let Some(scheme) = scheme {
        text.push_str(&scheme.text);
        text.push_str("://");
    }
    match host.text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => text.push_str(&format!("[{address}]")),
        _ => text.push_str(&host.text),
    }
    let own_port = host.text.parse::<IpAddr>().is_err() && host.text.contains(':');
    // Who names no scheme speaks of HTTP, and 443 is where it is encrypted.
    let usual = |port: &Part| scheme.is_none() && matches!(&*port.text, "80" | "443");
    port = port.filter(|port| !own_port && !usual(port) && port.text.bytes().all(|b| b.is_ascii_digit()));
    if let Some(port) = port {
        text.push(':');
        text.push_str(&port.text);
    }
    match path.text.as_bytes() {
        [b'/', ..] => {}
        // A whole URL, which stands there as one; `host:port`; `*`.
        _ if path.text.contains(':') || path.text.starts_with('*') => return None,
        _ => text.push('/'),
    }
    text.push_str(&path.text);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query.text.strip_prefix('?').unwrap_or(&query.text));
    }
    let field = names(&[scheme, Some(host), port, Some(path), query]);
    Some(Joined { kind: Kind::Url, text, span: host.span.clone(), field })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(line: &str, header: &str) -> Vec<String> {
        let mut of = Header::default();
        of.read(header.as_bytes());
        let mut joins = Joins::default();
        joins
            .of_line(line.as_bytes(), &of, |_| true)
            .iter()
            .map(|one| format!("{} {} {} {}", one.kind, one.text, &line[one.span.clone()], one.field))
            .collect()
    }

    #[test]
    fn what_stands_in_parts_is_joined() {
        let zeek = "#fields\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\thost\turi\n";
        let row = "192.0.2.1\t4000\t2001:db8::1\t8080\tbad.example\t/a?b";
        for (header, line, expected) in [
            (
                zeek,
                row,
                &[
                    "endpoint 192.0.2.1:4000 192.0.2.1 id.orig_h+id.orig_p",
                    "endpoint [2001:db8::1]:8080 2001:db8::1 id.resp_h+id.resp_p",
                    "endpoint bad.example:8080 bad.example host+id.resp_p",
                    "url bad.example:8080/a?b bad.example host+id.resp_p+uri",
                ][..],
            ),
            (
                "",
                r#"{"dest_ip":"192.0.2.7","dest_port":80,"http":{"hostname":"bad.example","url":"\/a"}}"#,
                &[
                    "endpoint 192.0.2.7:80 192.0.2.7 dest_ip+dest_port",
                    "endpoint bad.example:80 bad.example http.hostname+dest_port",
                    "url bad.example/a bad.example http.hostname+http.url",
                ],
            ),
            (
                "",
                r#"{"url.scheme":"https","url":{"domain":"bad.example","path":"/a","query":"b=c","port":8443}}"#,
                &[
                    "endpoint bad.example:8443 bad.example url.domain+url.port",
                    "url https://bad.example:8443/a?b=c bad.example url.scheme+url.domain+url.port+url.path+url.query",
                ],
            ),
            (
                "",
                r#"{"alerts":[{"dest_ip":"192.0.2.1","dest_port":1},{"dest_ip":"192.0.2.2"},{"dest_port":3}]}"#,
                &["endpoint 192.0.2.1:1 192.0.2.1 alerts.dest_ip+alerts.dest_port"],
            ),
            (
                "#Fields: date cs-host cs-uri-stem cs-uri-query s-ip s-port\n",
                "2024-01-01 bad.example /a - 192.0.2.1 443",
                &[
                    "url bad.example/a bad.example cs-host+cs-uri-stem",
                    "endpoint 192.0.2.1:443 192.0.2.1 s-ip+s-port",
                ],
            ),
            ("", r#"{"host":"proxy","uri":"http://bad.example/a"}"#, &[]),
            ("", r#"{"dest_ip":"192.0.2.1","dest_port":"x"}"#, &[]),
            (
                "",
                r#"{"tls":{"ja3":{"hash":"x"}},"process":{"name":"a.exe"},"user_agent":"-"}"#,
                &["ja3 x x tls.ja3.hash", "process-name a.exe a.exe process.name"],
            ),
            (
                "#fields\tcert_chain_fps\tx\n#types\tvector[string]\tstring\n",
                "aa,bb\t-",
                &["x509-sha256 aa aa cert_chain_fps", "x509-sha256 bb bb cert_chain_fps"],
            ),
            (
                "#Fields: a cs(User-Agent)\n",
                "1 Evil/1.0+(bot)",
                &["user-agent Evil/1.0 (bot) Evil/1.0+(bot) cs(User-Agent)"],
            ),
        ] {
            assert_eq!(joined(line, header), expected, "{line}");
        }
    }
}
