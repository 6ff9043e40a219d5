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
    /// The texts of the parts: what stands in front of their names in small letters, names, values.
    texts: String,
    joined: Vec<Joined>,
}

#[derive(Debug)]
struct Part {
    /// Parts with the same group, object and name in front belong together.
    group: (bool, u8),
    item: u32,
    role: Role,
    front: Range<usize>,
    name: Range<usize>,
    text: Range<usize>,
    /// Where it stands in the line.
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

/// What is wanted of a line.
pub(crate) trait Wanted {
    /// Whether values of a kind are.
    fn kind(&self, kind: Kind) -> bool;

    /// Whether a host at a place of the line may be one of a URL, or else of an endpoint.
    fn host(&self, span: &Range<usize>, url: bool) -> bool;
}

/// One port can be that of so many hosts.
const HOSTS: usize = 8;
/// Longer values are none of a URL.
const LONGEST: usize = 64 * 1024;

impl Joins {
    /// All that `line` holds so, of what is wanted.
    pub(crate) fn of_line(&mut self, line: &[u8], header: &Header, wanted: &impl Wanted) -> &[Joined] {
        let Joins { parts, texts, joined } = self;
        joined.clear();
        parts.clear();
        texts.clear();
        let (urls, endpoints) = (wanted.kind(Kind::Url), wanted.kind(Kind::Endpoint));
        let certificates = wanted.kind(Kind::X509Sha1) || wanted.kind(Kind::X509Sha256);
        each_field(line, header, &mut |field| {
            what(field.name, |says, front| {
                let (group, role) = match says {
                    Says::Url(group, part) if urls => ((true, group), part.into()),
                    Says::Host(group) if endpoints => ((false, group), Role::Host),
                    Says::Port(group) if endpoints => ((false, group), Role::Port),
                    Says::Kind(kind) if wanted.kind(kind) => {
                        return named(field, line, joined, |text| (kind, text.into_owned()));
                    }
                    Says::Plus(kind) if wanted.kind(kind) => {
                        return named(field, line, joined, |text| (kind, text.replace('+', " ")));
                    }
                    Says::Certificate if certificates => {
                        return named(field, line, joined, |text| {
                            let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
                            (if digits == 40 { Kind::X509Sha1 } else { Kind::X509Sha256 }, text.into_owned())
                        });
                    }
                    _ => return,
                };
                if field.span.len() > LONGEST || (role == Role::Host && !wanted.host(&field.span, group.0)) {
                    return;
                }
                let Some(text) = field.text(line) else { return };
                let mut keep = |text: &str| {
                    texts.push_str(text);
                    texts.len() - text.len()..texts.len()
                };
                let (front, name, text) = (keep(front), keep(field.name), keep(&text));
                texts[front.clone()].make_ascii_lowercase();
                let (item, span) = (field.item, field.span.clone());
                parts.push(Part { group, item, role, front, name, text, span });
            });
        });
        if !parts.iter().any(|part| part.role == Role::Host) {
            // Nothing to put together.
            parts.clear();
        }
        let key = |part: &Part| (part.group, part.item, &texts[part.front.clone()]);
        parts.sort_by(|a, b| (key(a), a.role).cmp(&(key(b), b.role)));
        for together in parts.chunk_by(|a, b| key(a) == key(b)) {
            let record = Together { parts: together, texts };
            for host in together.iter().take_while(|part| part.role == Role::Host).take(HOSTS) {
                joined.extend(if host.group.0 { record.url(host) } else { record.endpoint(host) });
            }
        }
        joined.sort_by(|a, b| (a.span.start, a.kind, &a.text).cmp(&(b.span.start, b.kind, &b.text)));
        joined.dedup_by(|a, b| (a.span.start, a.kind, &a.text) == (b.span.start, b.kind, &b.text));
        joined
    }
}

impl From<UrlPart> for Role {
    fn from(part: UrlPart) -> Role {
        match part {
            UrlPart::Scheme => Role::Scheme,
            UrlPart::Host => Role::Host,
            UrlPart::Port => Role::Port,
            UrlPart::Path => Role::Path,
            UrlPart::Query => Role::Query,
        }
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

/// Parts of one thing.
struct Together<'p> {
    parts: &'p [Part],
    texts: &'p str,
}

impl<'p> Together<'p> {
    fn first(&self, role: Role) -> Option<&'p Part> {
        self.parts.iter().find(|part| part.role == role)
    }

    fn text(&self, part: &Part) -> &'p str {
        &self.texts[part.text.clone()]
    }

    fn joined(&self, kind: Kind, text: String, host: &Part, parts: &[Option<&Part>]) -> Joined {
        let mut field = String::new();
        for part in parts.iter().flatten() {
            if !field.is_empty() {
                field.push('+');
            }
            field.push_str(&self.texts[part.name.clone()]);
        }
        Joined { kind, text, span: host.span.clone(), field }
    }

    fn endpoint(&self, host: &Part) -> Option<Joined> {
        let port_part = self.first(Role::Port)?;
        let port: u16 = self.text(port_part).parse().ok().filter(|port| *port > 0)?;
        let name = self.text(host);
        let text = match name.parse::<IpAddr>() {
            Ok(address) => SocketAddr::new(address, port).to_string(),
            // With a port of its own it stands there as an endpoint.
            Err(_) if name.contains(':') => return None,
            Err(_) => format!("{name}:{port}"),
        };
        Some(self.joined(Kind::Endpoint, text, host, &[Some(host), Some(port_part)]))
    }

    fn url(&self, host: &Part) -> Option<Joined> {
        let path = self.first(Role::Path)?;
        let (scheme, query) = (self.first(Role::Scheme), self.first(Role::Query));
        let mut text = String::new();
        if let Some(scheme) = scheme {
            text.push_str(self.text(scheme));
            text.push_str("://");
        }
        let name = self.text(host);
        let address = name.parse::<IpAddr>();
        match address {
            Ok(IpAddr::V6(address)) => text.push_str(&format!("[{address}]")),
            _ => text.push_str(name),
        }
        let own_port = address.is_err() && name.contains(':');
        // Who names no scheme speaks of HTTP, and 443 is where it is encrypted.
        let usual = |port: &str| scheme.is_none() && matches!(port, "80" | "443");
        let port = self.first(Role::Port).filter(|port| {
            let port = self.text(port);
            !own_port && !usual(port) && port.bytes().all(|b| b.is_ascii_digit())
        });
        if let Some(port) = port {
            text.push(':');
            text.push_str(self.text(port));
        }
        match self.text(path).as_bytes() {
            [b'/', ..] => {}
            // A whole URL, which stands there as one; `host:port`; `*`.
            [b'*', ..] => return None,
            path if path.contains(&b':') => return None,
            _ => text.push('/'),
        }
        text.push_str(self.text(path));
        if let Some(query) = query {
            let query = self.text(query);
            text.push('?');
            text.push_str(query.strip_prefix('?').unwrap_or(query));
        }
        Some(self.joined(Kind::Url, text, host, &[scheme, Some(host), port, Some(path), query]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All;

    impl Wanted for All {
        fn kind(&self, _: Kind) -> bool {
            true
        }

        fn host(&self, _: &Range<usize>, _: bool) -> bool {
            true
        }
    }

    fn joined(line: &str, header: &str) -> Vec<String> {
        let mut of = Header::default();
        of.read(header.as_bytes());
        let mut joins = Joins::default();
        joins
            .of_line(line.as_bytes(), &of, &All)
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
