//! The URL standard of WHATWG, as of 2026: text, and a base if it is relative, to the one serialized form.
//!
//! Every scheme is read: special ones, `file`, opaque paths and hosts. What is not here: setters, origins, and query
//! encodings other than UTF-8. The standard's state machine reads a character at a time; here each part is found
//! by a class of bytes that ends it, and is copied whole as long as nothing in it has to be written otherwise.
//!
//! Two roads lead to the same result. [`as_written`] follows a URL of a special scheme in one pass for as long as it
//! is its own serialization; that is all there is to do for most. [`general`] takes everything, or what is left; it
//! compares what it would write with what stands there, and allocates at the first difference. Both are linear.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::host::{self, Host};
use crate::{Kind, ParseError, Reason};

/// A URL in the form in which the standard serializes it, and where its parts are.
///
/// ```
/// let url = indicia_core::url::parse("HTTP://User@Bad.Example:80/a/../b?q#f").unwrap();
/// assert_eq!(url.href(), "http://User@bad.example/b?q#f");
/// assert_eq!((url.scheme(), url.username(), url.host()), ("http", "User", Some("bad.example")));
/// assert_eq!((url.port(), url.path()), (None, "/b"));
/// assert_eq!((url.query(), url.fragment()), (Some("q"), Some("f")));
/// ```
#[derive(Clone, Debug)]
pub struct Url<'a> {
    pub(super) href: Cow<'a, str>,
    pub(super) parts: Parts,
}

/// Offsets into an href: `scheme:[//[username[:password]@]host[:port]]path[?query][#fragment]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// The colon.
    pub(super) scheme_end: u32,
    /// Behind the username; a colon is there if there is a password.
    pub(super) username_end: u32,
    pub(super) host_start: u32,
    pub(super) host_end: u32,
    pub(super) port: Option<u16>,
    /// Behind the `/.` that keeps a path of two slashes from being read as a host.
    pub(super) path_start: u32,
    /// The question mark, or where it would be.
    pub(super) path_end: u32,
    /// The number sign, or where it would be.
    pub(super) query_end: u32,
}

/// No URL is longer, so that every offset fits, escaped or not.
const MAX_BYTES: usize = u32::MAX as usize / 8;

/// Reads an absolute URL by the WHATWG standard. Takes what a browser's address takes: white space around it, tabs and
/// line ends in it, backslashes, addresses in octal. The rules for indicators, such as which hosts count, are those
/// of the profile: see [`Observable`](crate::Observable).
///
/// ```
/// use std::borrow::Cow;
/// use indicia_core::url;
/// assert_eq!(url::parse("https:\\\\0x7f.1/%7E a").unwrap().href(), "https://127.0.0.1/%7E%20a");
/// assert!(matches!(url::parse("https://bad.example/").unwrap().into_href(), Cow::Borrowed(_)));
/// assert!(url::parse("bad.example/a").is_err());
/// ```
///
/// # Errors
/// `url-host`, `port`, or `url-shape` for everything else, such as a relative reference.
pub fn parse_absolute(text: &str) -> Result<Url<'_>, ParseError> {
    parse(text, None).map_err(|reason| ParseError::new(Kind::Url, reason))
}

/// Reads a URL as a link in the document at `base` by the WHATWG standard.
///
/// ```
/// let url = indicia_core::url::parse_with_base("../c?x", "http://bad.example/a/b").unwrap();
/// assert_eq!(url.href(), "http://bad.example/c?x");
/// ```
///
/// # Errors
/// As [`parse`](parse_absolute), also where the base is refused.
pub fn parse_with_base<'a>(text: &'a str, base: &str) -> Result<Url<'a>, ParseError> {
    parse(text, Some(base)).map_err(|reason| ParseError::new(Kind::Url, reason))
}

/// Parses and serializes. The href is borrowed if it stands in the text as it is.
pub(crate) fn parse<'a>(text: &'a str, base: Option<&str>) -> Result<Url<'a>, Reason> {
    if text.len() > MAX_BYTES {
        return Err(Reason::TooLong);
    }
    let written = plain_scheme(text)
        .map(|(scheme_end, port)| as_written(text.as_bytes(), scheme_end, scheme_end + 3, port))
        .unwrap_or_default();
    // An absolute URL owes nothing to its base, but a base that is none is refused all the same.
    let base = base.map(|base| parse(base, None)).transpose()?;
    if written.reached == Reached::End {
        return Ok(Url { href: Cow::Borrowed(text), parts: written.parts });
    }
    let text = text.trim_matches(|c: char| c <= ' ');
    if memchr::memchr3(b'\t', b'\n', b'\r', text.as_bytes()).is_none() {
        return general(text, base.as_ref(), written);
    }
    let clean = text.replace(['\t', '\n', '\r'], "");
    let url = general(&clean, base.as_ref(), Written::default())?;
    Ok(Url { href: Cow::Owned(url.href.into_owned()), parts: url.parts })
}

impl<'a> Url<'a> {
    /// The whole URL, serialized. It is ASCII, and parsing it again gives the same.
    pub fn href(&self) -> &str {
        &self.href
    }

    /// The serialized URL: borrowed if it stands in the text that was parsed.
    pub fn into_href(self) -> Cow<'a, str> {
        self.href
    }

    /// The scheme in lower case, without its colon.
    pub fn scheme(&self) -> &str {
        &self.href[..self.parts.scheme_end as usize]
    }

    /// What stands before the `@`, up to its first colon. Empty if there is none.
    pub fn username(&self) -> &str {
        match self.has_host() {
            true => &self.href[self.parts.scheme_end as usize + 3..self.parts.username_end as usize],
            false => "",
        }
    }

    /// What stands between a colon and the `@`. Empty if there is none.
    pub fn password(&self) -> &str {
        let Parts { username_end, host_start, .. } = self.parts;
        match username_end + 1 < host_start {
            true => &self.href[username_end as usize + 1..host_start as usize - 1],
            false => "",
        }
    }

    /// The host: a name in A-labels, an IPv4 address in decimal, an IPv6 address in brackets, or what another scheme
    /// has in its place, escaped. `None` where there is no `//`; empty for most `file` URLs.
    pub fn host(&self) -> Option<&str> {
        self.has_host().then(|| &self.href[self.parts.host_start as usize..self.parts.host_end as usize])
    }

    /// The port, if it is another than the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// The path, dot segments removed; it begins with a slash unless it is opaque, or empty behind a host.
    pub fn path(&self) -> &str {
        &self.href[self.parts.path_start as usize..self.parts.path_end as usize]
    }

    /// What follows the `?`; empty if nothing does, `None` without a `?`.
    pub fn query(&self) -> Option<&str> {
        let Parts { path_end, query_end, .. } = self.parts;
        (path_end < query_end).then(|| &self.href[path_end as usize + 1..query_end as usize])
    }

    /// What follows the `#`; empty if nothing does, `None` without a `#`.
    pub fn fragment(&self) -> Option<&str> {
        self.href.get(self.parts.query_end as usize + 1..)
    }

    fn has_host(&self) -> bool {
        self.href[self.parts.scheme_end as usize + 1..].starts_with("//")
    }

    fn is_opaque(&self) -> bool {
        !self.href[self.parts.scheme_end as usize + 1..].starts_with('/')
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.href)
    }
}

/// What the standard calls special: a host is needed, and backslashes are slashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// With its default port.
    Special(u16),
    File,
    Other,
}

impl Scheme {
    /// The kind of a scheme in lower case.
    pub(super) fn of(name: &str) -> Scheme {
        match name {
            "http" | "ws" => Scheme::Special(80),
            "https" | "wss" => Scheme::Special(443),
            "ftp" => Scheme::Special(21),
            "file" => Scheme::File,
            _ => Scheme::Other,
        }
    }

    fn is_special(self) -> bool {
        self != Scheme::Other
    }
}

/// The scheme of a text that begins with a special one in lower case and `://`, and the scheme's default port.
fn plain_scheme(text: &str) -> Option<(usize, u16)> {
    let bytes = text.as_bytes();
    let (length, port) = match bytes.first()? {
        b'h' if bytes.starts_with(b"https://") => (5, 443),
        b'h' if bytes.starts_with(b"http://") => (4, 80),
        b'f' if bytes.starts_with(b"ftp://") => (3, 21),
        b'w' if bytes.starts_with(b"wss://") => (3, 443),
        b'w' if bytes.starts_with(b"ws://") => (2, 80),
        _ => return None,
    };
    Some((length, port))
}

/// How far a text is its own serialization, and its parts up to there.
#[derive(Default)]
pub(super) struct Written {
    pub(super) reached: Reached,
    pub(super) parts: Parts,
}

#[derive(Default, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nothing is known.
    #[default]
    Nothing,
    /// Behind host and port, where a slash is.
    Path,
    /// Behind the path.
    Query,
    End,
}

/// Follows a text from its authority on, at `at`, for as long as it is as the standard would write it for a special
/// scheme with this default port. Not for userinfo.
pub(super) fn as_written(bytes: &[u8], scheme_end: usize, at: usize, default_port: u16) -> Written {
    let mut i = at;
    while let Some(b) = bytes.get(i)
        && host::CLASS[*b as usize] == 0
    {
        i += 1;
    }
    let host_end = i;
    let name = &bytes[at..host_end];
    if name.is_empty() || (host::ends_in_number(name) && !host::is_plain_v4(name)) {
        return Written::default();
    }
    let mut port = None;
    if bytes.get(i) == Some(&b':') {
        match plain_port(&bytes[i + 1..]) {
            Some((number, length)) if number != default_port => {
                port = Some(number);
                i += 1 + length;
            }
            _ => return Written::default(),
        }
    }
    if bytes.get(i) != Some(&b'/') {
        return Written::default();
    }
    let mut parts = Parts {
        scheme_end: scheme_end as u32,
        username_end: at as u32,
        host_start: at as u32,
        host_end: host_end as u32,
        port,
        path_start: i as u32,
        ..Parts::default()
    };
    loop {
        while let Some(b) = bytes.get(i)
            && PLAIN_PATH[*b as usize] == step::PLAIN
        {
            i += 1;
        }
        match bytes.get(i).map_or(step::END, |b| PLAIN_PATH[*b as usize]) {
            step::DOT if bytes[i - 1] == b'/' => {
                let segment = &bytes[i..];
                let end = segment.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
                if Dots::of(&segment[..end.unwrap_or(segment.len())]).is_some() {
                    return Written { reached: Reached::Path, parts };
                }
            }
            step::DOT => {}
            step::END => break,
            _ => return Written { reached: Reached::Path, parts },
        }
        i += 1;
    }
    parts.path_end = i as u32;
    if bytes.get(i) == Some(&b'?') {
        i = stop(bytes, i, class::SPECIAL_QUERY);
    }
    parts.query_end = i as u32;
    if bytes.get(i) == Some(&b'#') {
        i = stop(bytes, i, class::FRAGMENT);
    }
    Written { reached: if i == bytes.len() { Reached::End } else { Reached::Query }, parts }
}

/// The number that digits in front say, if they say it as it is written, and how many they are.
fn plain_port(digits: &[u8]) -> Option<(u16, usize)> {
    let length = digits.iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let text = std::str::from_utf8(&digits[..length]).ok()?;
    let number = text.parse().ok()?;
    (length == 1 || digits[0] != b'0').then_some((number, length))
}

/// Where the first byte of a class is, from `at` on.
fn stop(bytes: &[u8], at: usize, set: u8) -> usize {
    bytes[at..].iter().position(|b| CLASS[*b as usize] & set != 0).map_or(bytes.len(), |n| at + n)
}

/// Parses any text from which white space was taken off, from where it was found not to be as written.
fn general<'a>(text: &'a str, base: Option<&Url<'_>>, written: Written) -> Result<Url<'a>, Reason> {
    if matches!(written.reached, Reached::Path | Reached::Query) {
        return Ok(rest(text, written));
    }
    let colon = text
        .bytes()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')))
        .filter(|end| text.as_bytes()[*end] == b':' && text.as_bytes()[0].is_ascii_alphabetic());
    let mut writer = Writer {
        bytes: text.as_bytes(),
        out: Out { text, same: 0, own: None },
        parts: Parts::default(),
        scheme: Scheme::Other,
    };
    match (colon, base) {
        (Some(colon), _) => writer.absolute(colon, base)?,
        (None, Some(base)) if base.is_opaque() => {
            if !text.starts_with('#') {
                return Err(Reason::UrlShape);
            }
            writer.take(base, base.parts.query_end);
            writer.tail(0);
        }
        (None, Some(base)) => {
            writer.take(base, base.parts.scheme_end + 1);
            writer.scheme = Scheme::of(base.scheme());
            match writer.scheme {
                Scheme::File => writer.file(0, Some(base))?,
                _ => writer.relative(0, base)?,
            }
        }
        (None, None) => return Err(Reason::UrlShape),
    }
    Ok(Url { parts: writer.parts, href: writer.out.finish() })
}

/// The rest of a URL of a special scheme whose authority, or also path, is as written.
fn rest(text: &str, written: Written) -> Url<'_> {
    let parts = written.parts;
    let is_query = written.reached == Reached::Query;
    let at = (if is_query { parts.path_end } else { parts.path_start }) as usize;
    let mut writer = Writer {
        bytes: text.as_bytes(),
        out: Out { text, same: at, own: None },
        parts,
        // Of special schemes, only `file` differs in its path.
        scheme: Scheme::Special(0),
    };
    let end = if is_query { at } else { writer.path(at) };
    writer.tail(end);
    Url { parts: writer.parts, href: writer.out.finish() }
}

/// Writes the serialization of a text. A part ends where the next begins, so each gets the place where it begins.
struct Writer<'a> {
    bytes: &'a [u8],
    out: Out<'a>,
    parts: Parts,
    scheme: Scheme,
}

impl Writer<'_> {
    fn absolute(&mut self, colon: usize, base: Option<&Url<'_>>) -> Result<(), Reason> {
        self.out.copy_lower(0, colon);
        self.parts.scheme_end = colon as u32;
        self.scheme = Scheme::of(self.out.as_str());
        self.out.copy(colon, colon + 1);
        self.no_authority();
        let at = colon + 1;
        let base = base.filter(|base| base.scheme() == &self.out.as_str()[..colon]);
        match (self.scheme, base) {
            (Scheme::File, base) => self.file(at, base),
            (Scheme::Special(_), Some(base)) if !self.bytes[at..].starts_with(b"//") => {
                self.relative(at, base)
            }
            (Scheme::Special(_), _) => self.authority(self.behind_slashes(at)),
            (Scheme::Other, _) if self.bytes[at..].starts_with(b"//") => self.authority(at + 2),
            (Scheme::Other, _) => {
                let end = match self.at(at) {
                    Some(b'/') => self.path(at),
                    _ => self.opaque_path(at),
                };
                self.tail(end);
                Ok(())
            }
        }
    }

    /// A reference without scheme, or with the scheme of a base that is special.
    fn relative(&mut self, at: usize, base: &Url<'_>) -> Result<(), Reason> {
        if self.is_slash(at) && self.is_slash(at + 1) {
            let at = if self.scheme.is_special() { self.behind_slashes(at + 2) } else { at + 2 };
            return self.authority(at);
        }
        self.take_authority(base);
        self.beside(at, base, !self.is_slash(at));
        Ok(())
    }

    /// What follows the colon of `file:`, or a reference whose base is a file.
    fn file(&mut self, at: usize, base: Option<&Url<'_>>) -> Result<(), Reason> {
        if self.is_slash(at) && self.is_slash(at + 1) {
            return self.file_host(at + 2);
        }
        let Some(base) = base else {
            self.empty_host();
            let end = self.path(at);
            self.tail(end);
            return Ok(());
        };
        self.take_authority(base);
        if self.is_slash(at) {
            // A rooted path stays on the base's drive.
            if !self.is_drive_ahead(at + 1)
                && let Some(drive) = base.path().get(..3)
                && is_drive(&drive.as_bytes()[1..], true)
                && matches!(base.path().as_bytes().get(3), None | Some(b'/'))
            {
                self.out.push(drive);
            }
            let end = self.path(at);
            self.tail(end);
        } else {
            let stays = !self.is_drive_ahead(at);
            self.beside(at, base, stays);
        }
        Ok(())
    }

    /// The rest of a reference, its path beside that of the base, or a new one.
    fn beside(&mut self, at: usize, base: &Url<'_>, on_path: bool) {
        let end = match self.at(at) {
            None | Some(b'?' | b'#') => {
                self.out.push(base.path());
                self.end_path();
                if self.at(at) != Some(b'?')
                    && let Some(query) = base.query()
                {
                    self.out.push("?");
                    self.out.push(query);
                    self.parts.query_end = self.out.len() as u32;
                    self.fragment(at);
                    return;
                }
                at
            }
            _ => {
                if on_path {
                    self.out.push(base.path());
                    self.shorten(false);
                }
                self.path(at)
            }
        };
        self.tail(end);
    }

    fn authority(&mut self, at: usize) -> Result<(), Reason> {
        self.out.push("//");
        let special = self.scheme.is_special();
        let (mut end, mut userinfo_end, mut colon, mut bracket) = (at, None, None, false);
        while let Some(b) = self.at(end) {
            match b {
                b'a'..=b'z' => {}
                b'/' | b'?' | b'#' => break,
                b'\\' if special => break,
                b'@' => (userinfo_end, colon) = (Some(end), None),
                b':' => colon = colon.or(Some(end)),
                b'[' => bracket = true,
                _ => {}
            }
            end += 1;
        }
        self.parts.username_end = self.out.len() as u32;
        let host_start = match userinfo_end {
            Some(userinfo_end) => {
                self.userinfo(at, userinfo_end);
                userinfo_end + 1
            }
            None => at,
        };
        self.parts.host_start = self.out.len() as u32;
        if bracket {
            let mut inside = false;
            let host = &self.bytes[host_start..end];
            let outside = host.iter().position(|b| {
                inside = (inside || *b == b'[') && *b != b']';
                *b == b':' && !inside
            });
            colon = outside.map(|n| host_start + n);
        }
        let host_end = colon.unwrap_or(end);
        if host_start == host_end && (special || userinfo_end.is_some() || colon.is_some()) {
            return Err(Reason::UrlHost);
        }
        self.host(host_start, host_end)?;
        self.parts.host_end = self.out.len() as u32;
        if colon.is_some() {
            self.port(host_end + 1, end)?;
        }
        self.parts.path_start = self.out.len() as u32;
        let end = match special || self.at(end) == Some(b'/') {
            true => self.path(end),
            false => {
                self.end_path();
                end
            }
        };
        self.tail(end);
        Ok(())
    }

    fn userinfo(&mut self, at: usize, end: usize) {
        let colon = memchr::memchr(b':', &self.bytes[at..end]).map_or(end, |n| at + n);
        self.out.encode(at, colon, class::USERINFO);
        self.parts.username_end = self.out.len() as u32;
        if colon + 1 < end {
            self.out.push(":");
            self.out.encode(colon + 1, end, class::USERINFO);
        }
        if colon > at || colon + 1 < end {
            self.out.push("@");
        }
    }

    fn host(&mut self, at: usize, end: usize) -> Result<(), Reason> {
        let text = &self.out.text[at..end];
        if !self.scheme.is_special() && !text.starts_with('[') {
            if text.bytes().any(|b| CLASS[b as usize] & class::FORBIDDEN_HOST != 0) {
                return Err(Reason::UrlHost);
            }
            self.out.encode(at, end, class::CONTROL);
            return Ok(());
        }
        match host::parse(text)? {
            Host::Same => self.out.copy(at, end),
            Host::Lower => self.out.copy_lower(at, end),
            Host::Name(name) => self.out.push(&name),
            // Writing to memory does not fail.
            Host::V4(address) => _ = write!(self.out, "{address}"),
            Host::V6(address) => _ = write!(self.out, "{}", host::Bracketed(address)),
        }
        Ok(())
    }

    fn port(&mut self, at: usize, end: usize) -> Result<(), Reason> {
        let mut port = 0u16;
        for b in &self.bytes[at..end] {
            if !b.is_ascii_digit() {
                return Err(Reason::Port);
            }
            port =
                port.checked_mul(10).and_then(|p| p.checked_add(u16::from(b - b'0'))).ok_or(Reason::Port)?;
        }
        if at < end && self.scheme != Scheme::Special(port) {
            self.parts.port = Some(port);
            _ = write!(self.out, ":{port}");
        }
        Ok(())
    }

    fn file_host(&mut self, at: usize) -> Result<(), Reason> {
        let end = self.bytes[at..].iter().position(|b| matches!(b, b'/' | b'\\' | b'?' | b'#'));
        let end = end.map_or(self.bytes.len(), |n| at + n);
        self.empty_host();
        // `file://C:/` means a drive.
        let path = if is_drive(&self.bytes[at..end], false) {
            at
        } else {
            if at < end {
                self.host(at, end)?;
                if &self.out.as_str()[self.parts.host_start as usize..] == "localhost" {
                    self.out.truncate(self.parts.host_start as usize);
                }
            }
            self.parts.host_end = self.out.len() as u32;
            self.parts.path_start = self.parts.host_end;
            end
        };
        let end = self.path(path);
        self.tail(end);
        Ok(())
    }

    /// The segments of a path from `at` on, with or without a slash in front; where it ends.
    ///
    /// What is written always ends with the slash in front of the segment that is being read; what is copied
    /// as it stands waits from `run` on, so that it is copied in one piece.
    fn path(&mut self, at: usize) -> usize {
        let special = self.scheme.is_special();
        let (mut run, mut i) = (at, at);
        if self.at(at) == Some(b'/') {
            i += 1;
        } else {
            self.out.push("/");
            if self.is_slash(at) {
                i += 1;
                run = i;
            }
        }
        let mut segment = i;
        loop {
            let step = self.at(i).map_or(step::END, |b| PATH[b as usize]);
            match step {
                step::PLAIN => i += 1,
                step::BACKSLASH if !special => i += 1,
                step::ENCODE => {
                    self.out.copy(run, i);
                    self.out.push_escape(self.bytes[i]);
                    i += 1;
                    run = i;
                }
                _ => {
                    if let Some(dots) = Dots::of(&self.bytes[segment..i]) {
                        self.out.copy(run, segment);
                        if dots == Dots::Parent {
                            self.shorten(true);
                        }
                        run = if step == step::END { i } else { i + 1 };
                    } else {
                        // `C|` in front of a file's path is a drive.
                        if self.scheme == Scheme::File
                            && self.out.len() + (segment - run.min(segment))
                                == self.parts.path_start as usize + 1
                            && is_drive(&self.bytes[segment..i], false)
                        {
                            self.out.copy(run, segment + 1);
                            self.out.push(":");
                            run = i;
                        }
                        if step == step::BACKSLASH {
                            self.out.copy(run, i);
                            self.out.push("/");
                            run = i + 1;
                        }
                    }
                    if step == step::END {
                        break;
                    }
                    i += 1;
                    segment = i;
                }
            }
        }
        self.out.copy(run, i);
        self.end_path();
        i
    }

    /// Takes the last segment off the path. A slash behind it, of a next one, stays if there is one.
    fn shorten(&mut self, with_slash: bool) {
        let start = self.parts.path_start as usize;
        let written = &self.out.as_str()[start..];
        let path = if with_slash { &written[..written.len() - 1] } else { written };
        if self.scheme == Scheme::File && path.len() == 3 && is_drive(&path.as_bytes()[1..], true) {
            return;
        }
        if let Some(slash) = memchr::memrchr(b'/', path.as_bytes()) {
            self.out.truncate(start + slash + usize::from(with_slash));
        }
    }

    fn opaque_path(&mut self, at: usize) -> usize {
        let end = self.bytes[at..].iter().position(|b| matches!(b, b'?' | b'#'));
        let end = end.map_or(self.bytes.len(), |n| at + n);
        // A space at the end would be lost once what follows is taken off.
        if self.bytes[at..end].ends_with(b" ") {
            self.out.encode(at, end - 1, class::CONTROL);
            self.out.push("%20");
        } else {
            self.out.encode(at, end, class::CONTROL);
        }
        self.end_path();
        end
    }

    fn end_path(&mut self) {
        // Without a host, a path that begins with two slashes would be read as one.
        let start = self.parts.path_start as usize;
        if self.parts.path_start == self.parts.scheme_end + 1 && self.out.as_str()[start..].starts_with("//")
        {
            self.out.insert(start, "/.");
            self.parts.path_start += 2;
        }
        self.parts.path_end = self.out.len() as u32;
    }

    /// Query and fragment.
    fn tail(&mut self, at: usize) {
        let mut end = at;
        if self.at(at) == Some(b'?') {
            end = memchr::memchr(b'#', &self.bytes[at..]).map_or(self.bytes.len(), |n| at + n);
            let set = if self.scheme.is_special() { class::SPECIAL_QUERY } else { class::QUERY };
            self.out.encode(at, end, set);
        }
        self.parts.query_end = self.out.len() as u32;
        self.fragment(end);
    }

    fn fragment(&mut self, at: usize) {
        self.out.encode(at, self.bytes.len(), class::FRAGMENT);
    }

    /// Begins with what a base has up to `end`.
    fn take(&mut self, base: &Url<'_>, end: u32) {
        self.out.push(&base.href[..end as usize]);
        self.parts = base.parts;
        if end == base.parts.scheme_end + 1 {
            self.no_authority();
        }
    }

    fn take_authority(&mut self, base: &Url<'_>) {
        if base.has_host() {
            let Parts { scheme_end, path_start, .. } = base.parts;
            self.out.push(&base.href[scheme_end as usize + 1..path_start as usize]);
            self.parts = base.parts;
        }
    }

    fn no_authority(&mut self) {
        let at = self.out.len() as u32;
        self.parts = Parts {
            scheme_end: self.parts.scheme_end,
            username_end: at,
            host_start: at,
            host_end: at,
            path_start: at,
            path_end: at,
            query_end: at,
            port: None,
        };
    }

    fn empty_host(&mut self) {
        self.out.push("//");
        self.no_authority();
    }

    fn at(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn is_slash(&self, at: usize) -> bool {
        matches!(self.at(at), Some(b'/')) || (self.scheme.is_special() && self.at(at) == Some(b'\\'))
    }

    fn behind_slashes(&self, at: usize) -> usize {
        at + self.bytes[at..].iter().take_while(|b| matches!(b, b'/' | b'\\')).count()
    }

    /// Whether a drive letter stands alone in front of what follows.
    fn is_drive_ahead(&self, at: usize) -> bool {
        self.bytes.get(at..at + 2).is_some_and(|two| is_drive(two, false))
            && matches!(self.at(at + 2), None | Some(b'/' | b'\\' | b'?' | b'#'))
    }
}

fn is_drive(text: &[u8], normalized: bool) -> bool {
    matches!(text, [letter, mark] if letter.is_ascii_alphabetic() && (*mark == b':' || (*mark == b'|' && !normalized)))
}

#[derive(PartialEq)]
enum Dots {
    Here,
    Parent,
}

impl Dots {
    /// A dot segment. Dots can be escaped in it.
    fn of(segment: &[u8]) -> Option<Dots> {
        if !matches!(segment.first(), Some(b'.' | b'%')) || segment.len() > 6 {
            return None;
        }
        let mut rest = segment;
        let mut dots = 0;
        while !rest.is_empty() {
            rest = match rest {
                [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
                _ => return None,
            };
            dots += 1;
        }
        match dots {
            1 => Some(Dots::Here),
            2 => Some(Dots::Parent),
            _ => None,
        }
    }
}

/// What is written, for as long as it can be a piece of the text itself.
struct Out<'a> {
    text: &'a str,
    /// How much of the text's beginning was written, while that is all.
    same: usize,
    own: Option<String>,
}

impl<'a> Out<'a> {
    fn as_str(&self) -> &str {
        match &self.own {
            Some(own) => own,
            None => &self.text[..self.same],
        }
    }

    fn len(&self) -> usize {
        self.own.as_ref().map_or(self.same, String::len)
    }

    /// Writes what stands in the text at a place.
    fn copy(&mut self, from: usize, to: usize) {
        if self.own.is_none() && self.same == from {
            self.same = to;
        } else if from < to {
            // An empty piece can lie within a character.
            let text = self.text;
            self.push(&text[from..to]);
        }
    }

    fn copy_lower(&mut self, from: usize, to: usize) {
        if !self.text.as_bytes()[from..to].iter().any(u8::is_ascii_uppercase) {
            return self.copy(from, to);
        }
        let text = self.text;
        let own = self.own();
        let start = own.len();
        own.push_str(&text[from..to]);
        own[start..].make_ascii_lowercase();
    }

    fn push(&mut self, piece: &str) {
        match &mut self.own {
            Some(own) => own.push_str(piece),
            None if self.text.as_bytes()[self.same..].starts_with(piece.as_bytes()) => {
                self.same += piece.len();
            }
            None => self.own().push_str(piece),
        }
    }

    /// Writes what stands at a place, bytes of a class as escapes.
    fn encode(&mut self, from: usize, to: usize, set: u8) {
        let text = self.text;
        let mut run = from;
        for (n, b) in text.as_bytes()[from..to].iter().enumerate() {
            if CLASS[*b as usize] & set != 0 {
                self.copy(run, from + n);
                self.push_escape(*b);
                run = from + n + 1;
            }
        }
        self.copy(run, to);
    }

    fn push_escape(&mut self, byte: u8) {
        let digit = |n: u8| char::from(b"0123456789ABCDEF"[n as usize]);
        let own = self.own();
        own.push('%');
        own.push(digit(byte >> 4));
        own.push(digit(byte & 15));
    }

    fn truncate(&mut self, len: usize) {
        match &mut self.own {
            Some(own) => own.truncate(len),
            None => self.same = len,
        }
    }

    fn insert(&mut self, at: usize, piece: &str) {
        self.own().insert_str(at, piece);
    }

    fn own(&mut self) -> &mut String {
        let (text, same) = (self.text, self.same);
        self.own.get_or_insert_with(|| {
            let mut own = String::with_capacity(text.len() + text.len() / 4 + 32);
            own.push_str(&text[..same]);
            own
        })
    }

    fn finish(self) -> Cow<'a, str> {
        match self.own {
            None => Cow::Borrowed(&self.text[..self.same]),
            Some(own) if own == self.text => Cow::Borrowed(self.text),
            Some(own) => Cow::Owned(own),
        }
    }
}

impl fmt::Write for Out<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push(piece);
        Ok(())
    }
}

/// The standard's percent-encode sets, and the code points that an opaque host cannot have, as bits.
mod class {
    pub(super) const CONTROL: u8 = 1;
    pub(super) const FRAGMENT: u8 = 1 << 1;
    pub(super) const QUERY: u8 = 1 << 2;
    pub(super) const SPECIAL_QUERY: u8 = 1 << 3;
    pub(super) const PATH: u8 = 1 << 4;
    pub(super) const USERINFO: u8 = 1 << 5;
    pub(super) const FORBIDDEN_HOST: u8 = 1 << 6;
}

/// What a byte means to the reader of a path.
mod step {
    pub(super) const PLAIN: u8 = 0;
    pub(super) const DOT: u8 = 1;
    pub(super) const SLASH: u8 = 2;
    pub(super) const BACKSLASH: u8 = 3;
    pub(super) const END: u8 = 4;
    pub(super) const ENCODE: u8 = 5;
}

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let control = b < b' ' || b > b'~';
        let fragment = control || matches!(b, b' ' | b'"' | b'<' | b'>' | b'`');
        let query = control || matches!(b, b' ' | b'"' | b'#' | b'<' | b'>');
        let path = query || matches!(b, b'?' | b'^' | b'`' | b'{' | b'}');
        let userinfo = path || matches!(b, b'/' | b':' | b';' | b'=' | b'@' | b'[' | b'\\' | b']' | b'|');
        let forbidden_host = matches!(b, 0 | b'\t' | b'\n' | b'\r' | b' ' | b'#' | b'/' | b':' | b'<' | b'>')
            || matches!(b, b'?' | b'@' | b'[' | b'\\' | b']' | b'^' | b'|');
        let mut bits = 0;
        if control {
            bits |= class::CONTROL;
        }
        if fragment {
            bits |= class::FRAGMENT;
        }
        if query {
            bits |= class::QUERY;
        }
        if query || b == b'\'' {
            bits |= class::SPECIAL_QUERY;
        }
        if path {
            bits |= class::PATH;
        }
        if userinfo {
            bits |= class::USERINFO;
        }
        if forbidden_host {
            bits |= class::FORBIDDEN_HOST;
        }
        table[i] = bits;
        i += 1;
    }
    table
};

static PATH: [u8; 256] = {
    let mut table = [step::PLAIN; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = match i as u8 {
            b'/' => step::SLASH,
            b'\\' => step::BACKSLASH,
            b'?' | b'#' => step::END,
            _ if CLASS[i] & class::PATH != 0 => step::ENCODE,
            _ => step::PLAIN,
        };
        i += 1;
    }
    table
};

/// For a path that is to stay as it is: slashes say nothing, dots and escapes can be those of a dot segment.
static PLAIN_PATH: [u8; 256] = {
    let mut table = PATH;
    table[b'/' as usize] = step::PLAIN;
    table[b'.' as usize] = step::DOT;
    table[b'%' as usize] = step::DOT;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the standard, their hrefs, and each cut off at every place and with a byte changed.
    fn texts() -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/url/urltestdata.json");
        let rows: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut texts = Vec::new();
        for text in rows.as_array().unwrap().iter().flat_map(|row| [&row["input"], &row["href"]]) {
            let Some(text) = text.as_str() else { continue };
            for (at, c) in text.char_indices() {
                let (head, tail) = (&text[..at], &text[at + c.len_utf8()..]);
                texts.push(head.to_owned());
                texts.extend(['/', ':', '.', ' ', '?', 'é', '\t'].map(|c| format!("{head}{c}{tail}")));
            }
            texts.push(text.to_owned());
        }
        texts
    }

    #[test]
    fn both_roads_lead_to_the_same() {
        let (mut whole, mut in_part) = (0, 0);
        for text in texts() {
            let Some((scheme_end, port)) = plain_scheme(&text) else { continue };
            match as_written(text.as_bytes(), scheme_end, scheme_end + 3, port).reached {
                Reached::Nothing => continue,
                Reached::End => whole += 1,
                Reached::Path | Reached::Query => in_part += 1,
            }
            let short = parse(&text, None).unwrap();
            let clean = text.trim_matches(|c| c <= ' ').replace(['\t', '\n', '\r'], "");
            let long = general(&clean, None, Written::default()).unwrap();
            assert_eq!((short.href(), short.parts), (long.href(), long.parts), "{text:?}");
        }
        assert!(whole > 5_000 && in_part > 5_000, "{whole} {in_part}");
    }
}
