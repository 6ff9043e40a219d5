//! What the name of a field says of its value. Tables, and the way into them.
//!
//! Names are those of ECS (Elastic), OCSF, Zeek, Suricata's EVE, Windows and Sysmon events, CEF, LEEF and W3C logs. An
//! entry is the end of a name from a dot on, case-blind: `http.hostname` is also `suricata.eve.http.hostname`.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::Kind;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// A value of a kind without a shape of its own.
    Kind(Kind),
    /// The same, with `+` for spaces.
    Plus(Kind),
    /// The fingerprint of a certificate: SHA-1 or SHA-256 by its length.
    Certificate,
    /// A part of a URL, with the number of its group.
    Url(u8, UrlPart),
    /// An end of a connection, with the number of its group.
    Host(u8),
    Port(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UrlPart {
    Scheme,
    Host,
    Port,
    /// The path, with or without its query.
    Path,
    Query,
}

/// Kinds that no scan finds by their shape.
const KINDS: &[(Kind, &[&str])] = &[
    (Kind::Asn, &["as.number", "autonomous_system.number"]),
    (Kind::Authentihash, &["authentihash"]),
    (
        Kind::CommandLine,
        &[
            "process.command_line",
            "process.parent.command_line",
            "process.cmd_line",
            "CommandLine",
            "ParentCommandLine",
        ],
    ),
    (Kind::EmailSubject, &["email.subject", "mail.subject"]),
    (Kind::FileName, &["file.name", "fileinfo.filename", "filename", "fname", "OriginalFileName"]),
    (
        Kind::FilePath,
        &[
            "file.path",
            "dll.path",
            "process.executable",
            "process.parent.executable",
            "Image",
            "ParentImage",
            "ImageLoaded",
            "TargetFilename",
            "NewProcessName",
            "ParentProcessName",
            "ProcessName",
            "filePath",
        ],
    ),
    (Kind::Hassh, &["hassh", "hasshServer", "client.hassh.hash", "server.hassh.hash"]),
    (Kind::Imphash, &["imphash"]),
    (Kind::Ja3, &["ja3", "ja3.hash", "ja3_hash.value"]),
    (Kind::Ja3s, &["ja3s", "ja3s.hash", "ja3s_hash.value"]),
    (Kind::Mutex, &["mutex", "mutex.name"]),
    (Kind::NamedPipe, &["PipeName", "named_pipe"]),
    (Kind::ProcessName, &["process.name", "process.parent.name", "sproc", "dproc"]),
    (Kind::RegistryKey, &["registry.path", "registry.key", "reg_key.path", "TargetObject"]),
    (Kind::ServiceName, &["ServiceName"]),
    (Kind::UserAgent, &["user_agent", "user_agent.original", "http_user_agent", "requestClientApplication"]),
    (
        Kind::UserName,
        &[
            "user.name",
            "username",
            "user",
            "TargetUserName",
            "SubjectUserName",
            "suser",
            "duser",
            "usrName",
            "cs-username",
        ],
    ),
    (Kind::X509Serial, &["certificate.serial", "tls.serial", "x509.serial_number", "serial_number"]),
];

const PLUS: &[(Kind, &[&str])] = &[(Kind::UserAgent, &["cs(User-Agent)"])];

const CERTIFICATES: &[&str] = &[
    "fingerprint",
    "cert_chain_fps",
    "client_cert_chain_fps",
    "tls.server.hash.sha1",
    "tls.server.hash.sha256",
    "tls.client.hash.sha1",
    "tls.client.hash.sha256",
];

struct UrlNames {
    scheme: &'static [&'static str],
    host: &'static [&'static str],
    port: &'static [&'static str],
    path: &'static [&'static str],
    query: &'static [&'static str],
}

const URLS: &[UrlNames] = &[
    // ECS.
    UrlNames {
        scheme: &["url.scheme"],
        host: &["url.domain"],
        port: &["url.port"],
        path: &["url.path"],
        query: &["url.query"],
    },
    // OCSF.
    UrlNames {
        scheme: &["url.scheme"],
        host: &["url.hostname"],
        port: &["url.port"],
        path: &["url.path"],
        query: &["url.query_string"],
    },
    // Suricata. Without a port in the request it is left out.
    UrlNames {
        scheme: &[],
        host: &["http.hostname"],
        port: &["http.http_port"],
        path: &["http.url"],
        query: &[],
    },
    // Zeek, which takes the port out of the host.
    UrlNames { scheme: &[], host: &["host"], port: &["id.resp_p"], path: &["uri"], query: &[] },
    // W3C: proxies, IIS.
    UrlNames {
        scheme: &["cs-uri-scheme"],
        host: &["cs-host", "cs(Host)"],
        port: &["cs-uri-port", "s-port"],
        path: &["cs-uri-stem", "cs-uri-path"],
        query: &["cs-uri-query"],
    },
    // What people write in formats of nginx.
    UrlNames { scheme: &[], host: &["http_host", "host"], port: &[], path: &["request_uri"], query: &[] },
];

/// Hosts and the port that is theirs.
const ENDPOINTS: &[(&[&str], &[&str])] = &[
    // Zeek.
    (&["id.orig_h"], &["id.orig_p"]),
    (&["id.resp_h", "host", "server_name"], &["id.resp_p"]),
    // Suricata.
    (&["src_ip"], &["src_port"]),
    (&["dest_ip", "http.hostname", "tls.sni"], &["dest_port"]),
    // ECS.
    (&["source.ip", "source.domain"], &["source.port"]),
    (&["destination.ip", "destination.domain"], &["destination.port"]),
    (&["client.ip", "client.domain"], &["client.port"]),
    (&["server.ip", "server.domain"], &["server.port"]),
    (&["url.domain", "url.hostname"], &["url.port"]),
    // OCSF.
    (&["src_endpoint.ip", "src_endpoint.hostname"], &["src_endpoint.port"]),
    (&["dst_endpoint.ip", "dst_endpoint.hostname"], &["dst_endpoint.port"]),
    // Windows and Sysmon.
    (&["SourceIp", "SourceHostname", "SourceAddress"], &["SourcePort"]),
    (&["DestinationIp", "DestinationHostname"], &["DestinationPort"]),
    (&["DestAddress"], &["DestPort"]),
    (&["IpAddress"], &["IpPort"]),
    // CEF.
    (&["src", "shost"], &["spt"]),
    (&["dst", "dhost"], &["dpt"]),
    // LEEF.
    (&["src"], &["srcPort"]),
    (&["dst"], &["dstPort"]),
    // W3C.
    (&["c-ip"], &["c-port"]),
    (&["s-ip"], &["s-port"]),
    (&["r-ip", "cs-host"], &["r-port", "cs-uri-port"]),
];

/// What stands in front of the last part of a name, and what the name says.
type Ways = HashMap<String, Vec<(String, Says)>, foldhash::fast::FixedState>;

static WAYS: LazyLock<Ways> = LazyLock::new(|| {
    let mut ways = Ways::default();
    let mut add = |names: &[&str], says: Says| {
        for name in names {
            let name = name.to_ascii_lowercase();
            let (rest, last) = name.rsplit_once('.').unwrap_or(("", &name));
            ways.entry(last.to_string()).or_default().push((rest.to_string(), says));
        }
    };
    for (kind, names) in KINDS {
        add(names, Says::Kind(*kind));
    }
    for (kind, names) in PLUS {
        add(names, Says::Plus(*kind));
    }
    add(CERTIFICATES, Says::Certificate);
    for (group, names) in (0..).zip(URLS) {
        add(names.scheme, Says::Url(group, UrlPart::Scheme));
        add(names.host, Says::Url(group, UrlPart::Host));
        add(names.port, Says::Url(group, UrlPart::Port));
        add(names.path, Says::Url(group, UrlPart::Path));
        add(names.query, Says::Url(group, UrlPart::Query));
    }
    for (group, (hosts, ports)) in (0..).zip(ENDPOINTS) {
        add(hosts, Says::Host(group));
        add(ports, Says::Port(group));
    }
    ways
});

/// The longest last part of a name in the tables.
const LONGEST: usize = 32;

/// Calls `on` with all that a name says, and with what stands in front of the part that says it.
pub(super) fn what(name: &str, mut on: impl FnMut(Says, &str)) {
    let (rest, last) = name.rsplit_once('.').unwrap_or(("", name));
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..last.len()) else { return };
    lower.copy_from_slice(last.as_bytes());
    lower.make_ascii_lowercase();
    let Some(ways) = std::str::from_utf8(lower).ok().and_then(|last| WAYS.get(last)) else { return };
    for (wanted, says) in ways {
        if wanted.is_empty() {
            on(*says, rest);
        } else if super::is_called(rest, wanted) {
            on(*says, rest[..rest.len() - wanted.len()].trim_end_matches('.'));
        }
    }
}

/// Whether values of a kind are found by the name of their field.
pub(crate) fn is_named(kind: Kind) -> bool {
    KINDS.iter().chain(PLUS).any(|(named, _)| *named == kind)
        || matches!(kind, Kind::X509Sha1 | Kind::X509Sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_hold() {
        let says = |name: &str| {
            let mut all = Vec::new();
            what(name, |says, rest| all.push((says, rest.to_string())));
            all
        };
        assert_eq!(says("tls.ja3.hash"), [(Says::Kind(Kind::Ja3), "tls".to_string())]);
        assert_eq!(says("x.HTTP.Hostname").len(), 2);
        assert!(says("x.HTTP.Hostname").iter().all(|(_, rest)| rest == "x"));
        assert_eq!(says("xhttp.hostname"), []);
        assert_eq!(says("a"), []);
        assert_eq!(says(&"k".repeat(1000)), []);
        for last in WAYS.keys() {
            assert!(last.len() <= LONGEST, "{last}");
        }
    }
}
