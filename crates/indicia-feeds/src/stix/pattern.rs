//! The part of STIX patterning that is a list of values: comparisons by `=`, `IN` and `ISSUBSET`, masks by `LIKE`, joined
//! by OR, and those conjunctions that name one thing twice (a file by name and hashes, a host and its port).
//!
//! The other way round, [`write`] gives each target its pattern. Kinds without a STIX object go under objects of
//! ours: `x-indicia-<kind>:value`, a mask that `LIKE` cannot say under `x-indicia-mask:<kind>`, and for kind `other` `x-indicia-other:type` beside it; rules of other languages
//! stand as they are under their `pattern_type`.
//!
//! This is a reader of indicators, not an evaluator: a pattern that says more than "one of these values" is
//! refused. The expression becomes a disjunction of conjunctions, bounded in size, and each conjunction one
//! indicator or a few tied parts. Specification: STIX 2.1, section 9; object paths without quotes
//! (`file:hashes.sha256`) and of unknown objects (`app:id`) are taken because they are published.

use std::borrow::Cow;

use indicia_core::{Dialect, Kind, Mask, Match, Reason, Target};

use crate::kinds::{self, Hint};

/// The most comparisons that a pattern may come to.
const MAX_COMPARISONS: usize = 20_000;
/// The deepest nesting of parentheses.
const MAX_DEPTH: usize = 64;

/// One value of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) hint: Hint,
    /// The object path, for a kind that we do not know.
    pub(crate) source_type: String,
    pub(crate) value: String,
    /// It describes the others (the name of a file with hashes) and is not looked for.
    pub(crate) context_only: bool,
}

/// The alternatives of a pattern; the parts of one alternative belong together.
pub(crate) fn read(pattern: &str) -> Result<Vec<Vec<Part>>, Reason> {
    let tokens = lex(pattern)?;
    let mut parser = Parser { tokens: &tokens, at: 0 };
    let alternatives = parser.observations(0)?;
    if parser.at < tokens.len() {
        return Err(Reason::UnsupportedPattern);
    }
    alternatives.into_iter().map(compose).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// One of `[ ] ( ) ,` or an operator.
    Sign(&'static str),
    /// AND, OR, IN … in upper case, or a bare word.
    Word(String),
    Path(Path),
    /// A constant, and whether it was a string.
    Constant(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Path {
    object: String,
    /// The properties, without list indexes.
    steps: Vec<String>,
}

#[derive(Clone, Debug)]
struct Comparison {
    path: Path,
    value: String,
    operator: Operator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Subset,
    Like,
}

fn lex(text: &str) -> Result<Vec<Token>, Reason> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let two = bytes.get(at..at + 2);
        let sign = match (byte, two) {
            (_, Some(b"!=")) => Some("!="),
            (_, Some(b"<>")) => Some("<>"),
            (_, Some(b"<=")) => Some("<="),
            (_, Some(b">=")) => Some(">="),
            (_, Some(b"==")) => Some("=="),
            (b'=', _) => Some("="),
            (b'<', _) => Some("<"),
            (b'>', _) => Some(">"),
            (b'[', _) => Some("["),
            (b']', _) => Some("]"),
            (b'(', _) => Some("("),
            (b')', _) => Some(")"),
            (b',', _) => Some(","),
            _ => None,
        };
        if let Some(sign) = sign {
            tokens.push(Token::Sign(sign));
            at += sign.len();
        } else if byte.is_ascii_whitespace() {
            at += 1;
        } else if byte == b'\'' {
            let (value, end) = string(text, at)?;
            tokens.push(Token::Constant(value));
            at = end;
        } else if matches!(two, Some([b't' | b'b' | b'h', b'\''])) {
            let (value, end) = string(text, at + 1)?;
            tokens.push(Token::Constant(value));
            at = end;
        } else if byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.') {
            let end = at
                + bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
            tokens.push(Token::Constant(text[at..end].to_string()));
            at = end;
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            let end = at + bytes[at..].iter().take_while(is_name).count();
            if bytes.get(end) == Some(&b':') {
                let (path, end) = path(text, at, end)?;
                tokens.push(Token::Path(path));
                at = end;
            } else {
                let word = &text[at..end];
                tokens.push(match word {
                    "true" | "false" => Token::Constant(word.to_string()),
                    word => Token::Word(word.to_ascii_uppercase()),
                });
                at = end;
            }
        } else if !byte.is_ascii() && text[at..].starts_with(char::is_whitespace) {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        } else {
            return Err(Reason::UnsupportedPattern);
        }
    }
    Ok(tokens)
}

/// A quoted constant from its first quote; `\` takes the next character as it is.
fn string(text: &str, at: usize) -> Result<(String, usize), Reason> {
    let quote = if text[at..].starts_with('"') { '"' } else { '\'' };
    let mut value = String::new();
    let mut chars = text[at + 1..].char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next().ok_or(Reason::UnsupportedPattern)?.1),
            c if c == quote => return Ok((value, at + 1 + i + 1)),
            c => value.push(c),
        }
    }
    Err(Reason::UnsupportedPattern)
}

/// An object path; `colon` is where its object's name ends.
fn path(text: &str, start: usize, colon: usize) -> Result<(Path, usize), Reason> {
    let bytes = text.as_bytes();
    let object = text[start..colon].to_ascii_lowercase();
    let mut steps = Vec::new();
    let mut at = colon + 1;
    loop {
        if matches!(bytes.get(at), Some(b'\'' | b'"')) {
            let (step, end) = string(text, at)?;
            steps.push(step);
            at = end;
        } else {
            let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-') || !b.is_ascii();
            let end = at + bytes[at..].iter().take_while(is_name).count();
            if end == at {
                return Err(Reason::UnsupportedPattern);
            }
            steps.push(text[at..end].to_string());
            at = end;
        }
        if bytes.get(at) == Some(&b'[') {
            let close = text[at..].find(']').ok_or(Reason::UnsupportedPattern)?;
            at += close + 1;
        }
        if bytes.get(at) != Some(&b'.') {
            return Ok((Path { object, steps }, at));
        }
        at += 1;
    }
}

type Alternatives = Vec<Vec<Comparison>>;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Parser<'_> {
    fn observations(&mut self, depth: usize) -> Result<Alternatives, Reason> {
        let mut all = self.observation(depth)?;
        while self.word("OR") {
            all.extend(self.observation(depth)?);
            bounded(&all)?;
        }
        // AND, FOLLOWEDBY and qualifiers say something about several observations, or about time.
        Ok(all)
    }

    fn observation(&mut self, depth: usize) -> Result<Alternatives, Reason> {
        if depth > MAX_DEPTH {
            return Err(Reason::UnsupportedPattern);
        }
        if self.sign("(") {
            let inner = self.observations(depth + 1)?;
            return self.expect(")").map(|()| inner);
        }
        self.expect("[")?;
        let inner = self.disjunction(depth)?;
        self.expect("]").map(|()| inner)
    }

    fn disjunction(&mut self, depth: usize) -> Result<Alternatives, Reason> {
        let mut all = self.conjunction(depth)?;
        while self.word("OR") {
            all.extend(self.conjunction(depth)?);
            bounded(&all)?;
        }
        Ok(all)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Alternatives, Reason> {
        let mut all = self.comparison(depth)?;
        while self.word("AND") {
            let more = self.comparison(depth)?;
            if all.len().saturating_mul(more.len()) > MAX_COMPARISONS {
                return Err(Reason::UnsupportedPattern);
            }
            all = all
                .iter()
                .flat_map(|left| more.iter().map(|right| left.iter().chain(right).cloned().collect()))
                .collect();
            bounded(&all)?;
        }
        Ok(all)
    }

    fn comparison(&mut self, depth: usize) -> Result<Alternatives, Reason> {
        if depth > MAX_DEPTH {
            return Err(Reason::UnsupportedPattern);
        }
        if self.sign("(") {
            let inner = self.disjunction(depth + 1)?;
            return self.expect(")").map(|()| inner);
        }
        let path = match self.tokens.get(self.at) {
            Some(Token::Path(path)) => path.clone(),
            _ => return Err(Reason::UnsupportedPattern),
        };
        self.at += 1;
        let one = |path, value, operator| vec![Comparison { path, value, operator }];
        if self.sign("=") || self.sign("==") {
            return Ok(vec![one(path, self.constant()?, Operator::Equal)]);
        }
        if self.word("ISSUBSET") {
            return Ok(vec![one(path, self.constant()?, Operator::Subset)]);
        }
        if self.word("LIKE") {
            return Ok(vec![one(path, self.constant()?, Operator::Like)]);
        }
        if self.word("IN") {
            self.expect("(")?;
            let mut all = vec![one(path.clone(), self.constant()?, Operator::Equal)];
            while self.sign(",") {
                all.push(one(path.clone(), self.constant()?, Operator::Equal));
                if all.len() > MAX_COMPARISONS {
                    return Err(Reason::UnsupportedPattern);
                }
            }
            return self.expect(")").map(|()| all);
        }
        Err(Reason::UnsupportedPattern)
    }

    fn constant(&mut self) -> Result<String, Reason> {
        match self.tokens.get(self.at) {
            Some(Token::Constant(value)) => {
                self.at += 1;
                Ok(value.clone())
            }
            _ => Err(Reason::UnsupportedPattern),
        }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let here = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(here);
        here
    }

    fn word(&mut self, word: &str) -> bool {
        let here = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w == word);
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, sign: &str) -> Result<(), Reason> {
        if self.sign(sign) { Ok(()) } else { Err(Reason::UnsupportedPattern) }
    }
}

fn bounded(all: &Alternatives) -> Result<(), Reason> {
    let count: usize = all.iter().map(Vec::len).sum();
    if count > MAX_COMPARISONS { Err(Reason::UnsupportedPattern) } else { Ok(()) }
}

/// The parts of one conjunction, where together they name one thing.
fn compose(all: Vec<Comparison>) -> Result<Vec<Part>, Reason> {
    let part = |c: &Comparison| {
        let mut hint = hint(&c.path);
        if c.operator == Operator::Like
            && let Some(kind) = kinds::masked(hint, &c.value)
        {
            hint = Hint::Like(kind);
        }
        let source_type = format!("{}:{}", c.path.object, c.path.steps.join("."));
        let value = match hint {
            Hint::Kind(Kind::Asn) => c.value.trim().to_string(),
            _ => c.value.clone(),
        };
        Part { hint, source_type, value, context_only: false }
    };
    if let [only] = all.as_slice() {
        let hint = hint(&only.path);
        let ok = match only.operator {
            Operator::Equal => true,
            Operator::Subset => hint == Hint::Ip,
            Operator::Like => !matches!(hint, Hint::Mask(_)) && kinds::masked(hint, &only.value).is_some(),
        };
        if !ok {
            return Err(Reason::UnsupportedPattern);
        }
        return Ok(vec![part(only)]);
    }
    if all.iter().any(|c| c.operator != Operator::Equal) {
        return Err(Reason::UnsupportedPattern);
    }
    let every = |object: &str| all.iter().all(|c| c.path.object == object);
    let is = |c: &Comparison, path: &str| c.path.steps.join(".") == path;
    let context = |c: &Comparison| Part { context_only: true, ..part(c) };

    if let [a, b] = all.as_slice()
        && every("x-indicia-other")
        && (is(a, "type") && is(b, "value"))
    {
        let (source_type, value) = (a.value.clone(), b.value.clone());
        return Ok(vec![Part { hint: Hint::Other, source_type, value, context_only: false }]);
    }
    if every("file") || every("x509-certificate") {
        let (hashes, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|c| c.path.steps[0].eq_ignore_ascii_case("hashes"));
        if !hashes.is_empty() {
            // A hash names the file by itself; what else is said of it describes it.
            let named = others.into_iter().filter(|c| is(c, "name") || is(c, "path"));
            return Ok(hashes.into_iter().map(part).chain(named.map(context)).collect());
        }
        if let [a, b] = all.as_slice() {
            let (name, folder) = if is(a, "name") { (a, b) } else { (b, a) };
            if is(name, "name") && is(folder, "parent_directory_ref.path") {
                let separator = if folder.value.contains('\\') { '\\' } else { '/' };
                let value = format!("{}{separator}{}", folder.value.trim_end_matches(separator), name.value);
                return Ok(vec![Part { hint: Hint::Kind(Kind::FilePath), value, ..part(name) }]);
            }
        }
        return Err(Reason::UnsupportedPattern);
    }
    if every("domain-name") && all.iter().filter(|c| is(c, "value")).count() == 1 {
        if all.iter().all(|c| is(c, "value") || is(c, "resolves_to_refs.value")) {
            return Ok(all.iter().map(part).collect());
        }
        return Err(Reason::UnsupportedPattern);
    }
    if every("windows-registry-key") {
        let keys = all.iter().filter(|c| is(c, "key")).count();
        if keys == 1 && all.iter().all(|c| is(c, "key") || c.path.steps[0] == "values") {
            return Ok(all.iter().map(|c| if is(c, "key") { part(c) } else { context(c) }).collect());
        }
        return Err(Reason::UnsupportedPattern);
    }
    endpoint(&all, part)
}

/// A host and its port, or a host alone beside what is not looked at (the type of its address, the protocol).
fn endpoint(all: &[Comparison], part: impl Fn(&Comparison) -> Part) -> Result<Vec<Part>, Reason> {
    let (mut host, mut port) = (None, None);
    for comparison in all {
        let path = comparison.path.steps.join(".");
        let slot = match (comparison.path.object.as_str(), path.as_str()) {
            ("network-traffic", "dst_ref.type" | "src_ref.type" | "protocols") => continue,
            ("network-traffic", "dst_ref.value" | "src_ref.value")
            | ("ipv4-addr" | "ipv6-addr" | "domain-name", "value") => &mut host,
            ("network-traffic", "dst_port" | "src_port") => &mut port,
            _ => return Err(Reason::UnsupportedPattern),
        };
        if slot.replace(comparison).is_some() {
            return Err(Reason::UnsupportedPattern);
        }
    }
    // The port of one end says nothing about the host at the other.
    let ends = |c: &Comparison| c.path.steps[0].split('_').next().map(str::to_string);
    match (host, port) {
        (Some(host), None) => Ok(vec![part(host)]),
        (Some(host), Some(port)) if host.path.object != "network-traffic" || ends(host) == ends(port) => {
            let value = if host.value.contains(':') && !host.value.contains('[') {
                format!("[{}]:{}", host.value, port.value)
            } else {
                format!("{}:{}", host.value, port.value)
            };
            Ok(vec![Part { hint: Hint::Kind(Kind::Endpoint), value, ..part(host) }])
        }
        _ => Err(Reason::UnsupportedPattern),
    }
}

/// The languages of `pattern_type` beside STIX patterns.
const LANGUAGES: [&str; 6] = ["pcre", "sigma", "snort", "spl", "suricata", "yara"];

/// The pattern of a mask.
fn write_mask(target: &Target) -> String {
    let kind = target.observable.kind();
    let text = target.observable.value();
    let like = Mask::parse(kind, text).ok().and_then(|mask| mask.to_dialect(Dialect::StixLike(kind)).ok());
    let Some(like) = like else { return format!("[x-indicia-mask:{kind} = {}]", quoted(text)) };
    let path = match kind {
        Kind::Ipv4 => "ipv4-addr:value",
        Kind::Ipv6 => "ipv6-addr:value",
        Kind::Domain => "domain-name:value",
        Kind::Url => "url:value",
        Kind::Email => "email-addr:value",
        Kind::EmailSubject => "email-message:subject",
        Kind::FileName => "file:name",
        Kind::RegistryKey => "windows-registry-key:key",
        Kind::Mutex => "mutex:name",
        Kind::ProcessName => "process:image_ref.name",
        Kind::CommandLine => "process:command_line",
        Kind::UserName => "user-account:account_login",
        kind => return format!("[x-indicia-{kind}:value LIKE {}]", quoted(&like)),
    };
    format!("[{path} LIKE {}]", quoted(&like))
}

/// The pattern of a target, and its language.
pub(crate) fn write(target: &Target) -> (&'static str, String) {
    if target.match_ == Match::Mask && target.observable.kind() != Kind::Other {
        return ("stix", write_mask(target));
    }
    let observable = &target.observable;
    let value = observable.value();
    let equals = |path: &str| format!("[{path} = {}]", quoted(value));
    let ours = || format!("[x-indicia-{}:value = {}]", observable.kind(), quoted(value));
    let text = match observable.kind() {
        Kind::Ipv4 => equals("ipv4-addr:value"),
        Kind::Ipv6 => equals("ipv6-addr:value"),
        Kind::Cidr if value.contains(':') => format!("[ipv6-addr:value ISSUBSET {}]", quoted(value)),
        Kind::Cidr => format!("[ipv4-addr:value ISSUBSET {}]", quoted(value)),
        Kind::Endpoint => match value.rsplit_once(':') {
            Some((host, port)) => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let host = quoted(host);
                format!("[network-traffic:dst_ref.value = {host} AND network-traffic:dst_port = {port}]")
            }
            None => ours(),
        },
        Kind::Domain if target.below_only => {
            let mask = value.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
            format!("[domain-name:value LIKE {}]", quoted(&format!("%.{mask}")))
        }
        Kind::Domain => equals("domain-name:value"),
        Kind::Url => equals("url:value"),
        Kind::Email => equals("email-addr:value"),
        Kind::EmailSubject => equals("email-message:subject"),
        Kind::Asn => format!("[autonomous-system:number = {}]", value.trim_start_matches("AS")),
        Kind::Mac => equals("mac-addr:value"),
        Kind::Md5 => equals("file:hashes.MD5"),
        Kind::Sha1 => equals("file:hashes.'SHA-1'"),
        Kind::Sha224 => equals("file:hashes.'SHA-224'"),
        Kind::Sha256 => equals("file:hashes.'SHA-256'"),
        Kind::Sha384 => equals("file:hashes.'SHA-384'"),
        Kind::Sha512 => equals("file:hashes.'SHA-512'"),
        Kind::Ssdeep => equals("file:hashes.SSDEEP"),
        Kind::Tlsh => equals("file:hashes.TLSH"),
        Kind::Imphash => equals("file:hashes.IMPHASH"),
        Kind::Authentihash => equals("file:hashes.AUTHENTIHASH"),
        Kind::X509Sha1 => equals("x509-certificate:hashes.'SHA-1'"),
        Kind::X509Sha256 => equals("x509-certificate:hashes.'SHA-256'"),
        Kind::X509Serial => equals("x509-certificate:serial_number"),
        Kind::FileName => equals("file:name"),
        Kind::FilePath => match folder(value) {
            Some((folder, name)) => format!(
                "[file:name = {} AND file:parent_directory_ref.path = {}]",
                quoted(name),
                quoted(&folder)
            ),
            None => ours(),
        },
        Kind::RegistryKey => equals("windows-registry-key:key"),
        Kind::Mutex => equals("mutex:name"),
        Kind::ProcessName => equals("process:image_ref.name"),
        Kind::CommandLine => equals("process:command_line"),
        Kind::ServiceName => equals("process:extensions.'windows-service-ext'.service_name"),
        Kind::UserAgent => {
            equals("network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'[*]")
        }
        Kind::UserName => equals("user-account:account_login"),
        Kind::Other => {
            let source_type = observable.source_type().unwrap_or("unknown");
            if let Some(language) = LANGUAGES.iter().find(|language| **language == source_type) {
                return (language, value.to_string());
            }
            let (source_type, value) = (quoted(source_type), quoted(value));
            format!("[x-indicia-other:type = {source_type} AND x-indicia-other:value = {value}]")
        }
        _ => ours(),
    };
    ("stix", text)
}

/// A string constant.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The folder and the name of a path, if joining them gives the path again.
fn folder(path: &str) -> Option<(Cow<'_, str>, &str)> {
    let at = path.rfind(['/', '\\'])?;
    let (separator, name) = (&path[at..=at], &path[at + 1..]);
    let bare = &path[..at];
    // The root of a drive or of everything is written with its separator.
    let folder = if bare.contains(separator) { bare.into() } else { Cow::from(format!("{bare}{separator}")) };
    let joined = if folder.contains('\\') { '\\' } else { '/' };
    let same = !name.is_empty() && format!("{}{joined}{name}", folder.trim_end_matches(joined)) == path;
    same.then_some((folder, name))
}

/// The kind of the values at an object path.
fn hint(path: &Path) -> Hint {
    if path.steps.first().is_some_and(|s| s.eq_ignore_ascii_case("hashes") || s.eq_ignore_ascii_case("cert"))
    {
        let name: String = path.steps[1..].concat().to_ascii_lowercase().replace(['-', '_'], "");
        let certificate = path.object == "x509-certificate" || path.steps[0].eq_ignore_ascii_case("cert");
        return match (name.as_str(), certificate) {
            ("sha1", true) => Hint::Kind(Kind::X509Sha1),
            ("sha256", true) => Hint::Kind(Kind::X509Sha256),
            (_, true) => Hint::Other,
            ("md5", _) => Hint::Kind(Kind::Md5),
            ("sha1", _) => Hint::Kind(Kind::Sha1),
            ("sha224", _) => Hint::Kind(Kind::Sha224),
            ("sha256", _) => Hint::Kind(Kind::Sha256),
            ("sha384", _) => Hint::Kind(Kind::Sha384),
            ("sha512", _) => Hint::Kind(Kind::Sha512),
            ("ssdeep", _) => Hint::Kind(Kind::Ssdeep),
            ("tlsh", _) => Hint::Kind(Kind::Tlsh),
            ("imphash", _) => Hint::Kind(Kind::Imphash),
            ("authentihash", _) => Hint::Kind(Kind::Authentihash),
            _ => Hint::Other,
        };
    }
    if let ("value", Some(name)) = (path.steps.join(".").as_str(), path.object.strip_prefix("x-indicia-")) {
        return Kind::from_name(name).filter(|kind| *kind != Kind::Other).map_or(Hint::Other, Hint::Kind);
    }
    if let ("x-indicia-mask", [name]) = (path.object.as_str(), path.steps.as_slice()) {
        return Kind::from_name(name).filter(|kind| *kind != Kind::Other).map_or(Hint::Other, Hint::Mask);
    }
    let kind = match (path.object.as_str(), path.steps.join(".").as_str()) {
        ("ipv4-addr" | "ipv6-addr", "value") => return Hint::Ip,
        ("network-traffic", "dst_ref.value" | "src_ref.value") => return Hint::Host,
        ("domain-name", "resolves_to_refs.value") => return Hint::Ip,
        ("hostname" | "x-opencti-hostname", "value") => return Hint::Hostname,
        ("cryptocurrency-wallet" | "x-opencti-cryptocurrency-wallet", "value") => return Hint::Shape,
        ("domain-name", "value") => Kind::Domain,
        ("url", "value") => Kind::Url,
        ("email-addr", "value")
        | ("email-message", "from_ref.value" | "sender_ref.value" | "to_refs.value" | "cc_refs.value") => {
            Kind::Email
        }
        ("email-message", "subject") => Kind::EmailSubject,
        ("email-message", "body_multipart.body_raw_ref.name") | ("file", "name") => Kind::FileName,
        ("file", "path" | "parent_directory_ref.path") | ("directory", "path") => Kind::FilePath,
        ("mutex", "name") => Kind::Mutex,
        ("process", "name" | "image_ref.name" | "binary_ref.name") => Kind::ProcessName,
        ("process", "command_line") => Kind::CommandLine,
        ("process", "extensions.windows-service-ext.service_name") => Kind::ServiceName,
        ("windows-registry-key", "key") => Kind::RegistryKey,
        ("mac-addr", "value") => Kind::Mac,
        ("autonomous-system", "number") => Kind::Asn,
        ("x509-certificate", "serial_number") => Kind::X509Serial,
        ("user-account", "account_login" | "user_id") => Kind::UserName,
        ("network-traffic", "extensions.http-request-ext.request_header.User-Agent")
        | ("user-agent" | "x-opencti-user-agent", "value") => Kind::UserAgent,
        ("app", "id") => Kind::MobileApp,
        ("vulnerability", "name") => Kind::Cve,
        ("phone-number", "value") => Kind::Phone,
        ("bank-account", "iban") => Kind::Iban,
        ("payment-card", "card_number") => Kind::PaymentCard,
        _ => return Hint::Other,
    };
    Hint::Kind(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &str) -> Result<Vec<Vec<String>>, Reason> {
        let show = |p: Part| format!("{}{}", p.value, if p.context_only { " (context)" } else { "" });
        read(pattern).map(|all| all.into_iter().map(|parts| parts.into_iter().map(show).collect()).collect())
    }

    #[test]
    fn lists_of_values() {
        for (pattern, expected) in [
            ("[domain-name:value='a.example']", vec![vec!["a.example"]]),
            ("[ file:hashes.'SHA-256' = 'ab' OR file:hashes.\"MD5\" = 'cd' ]", vec![vec!["ab"], vec!["cd"]]),
            ("[ipv4-addr:value IN ('192.0.2.1','192.0.2.2')]", vec![vec!["192.0.2.1"], vec!["192.0.2.2"]]),
            (
                "([url:value = 'http://a.example/'] OR [url:value = 'it\\'s'])",
                vec![vec!["http://a.example/"], vec!["it's"]],
            ),
            ("[file:name = 'x.exe' AND file:hashes.md5 = 'ab']", vec![vec!["ab", "x.exe (context)"]]),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]",
                vec![vec!["192.0.2.1:443"]],
            ),
            (
                "[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_port = '443']",
                vec![vec!["[2001:db8::1]:443"]],
            ),
            (
                "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']",
                vec![vec!["a.example", "192.0.2.1"]],
            ),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", vec![vec!["192.0.2.0/24"]]),
            (
                "[file:name = 'a' AND (file:hashes.MD5 = 'x' OR file:hashes.MD5 = 'y')]",
                vec![vec!["x", "a (context)"], vec!["y", "a (context)"]],
            ),
            ("[windows-registry-key:key = 'HKLM\\\\a']", vec![vec!["HKLM\\a"]]),
            ("[file:name = 'b' AND file:parent_directory_ref.path = 'C:\\\\a']", vec![vec!["C:\\a\\b"]]),
        ] {
            let expected: Vec<Vec<String>> =
                expected.into_iter().map(|parts| parts.into_iter().map(String::from).collect()).collect();
            assert_eq!(values(pattern), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for pattern in [
            "",
            "[",
            "[domain-name:value]",
            "[domain-name:value = 'a]",
            "[domain-name:value != 'a.example']",
            "[domain-name:value NOT = 'a.example']",
            "[NOT domain-name:value = 'a.example']",
            "[file:hashes.'SHA-3' LIKE 'a%']",
            "[url:value LIKE 'a%' AND url:value LIKE '%b']",
            "[x-indicia-mask:url LIKE 'a%']",
            "[domain-name:value MATCHES 'a']",
            "[domain-name:value = 'a.example'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.1']",
            "[domain-name:value = 'a.example'] AND [ipv4-addr:value = '192.0.2.1']",
            "[domain-name:value = 'a.example'] WITHIN 5 SECONDS",
            "[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']",
            "[process:name = 'a' AND process:command_line = 'b']",
            "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:src_port = 5]",
            "[file:name = 'a' AND file:size = 5]",
            "[domain-name:value ISSUBSET 'a.example']",
            "[domain-name:value = 'a.example']]",
        ] {
            assert_eq!(values(pattern), Err(Reason::UnsupportedPattern), "{pattern}");
        }
        assert!(values(&"(".repeat(100_000)).is_err());
        assert!(values(&format!("[{}", "(".repeat(100_000))).is_err());
        let both = |i| format!("(file:hashes.MD5 = '{i}' OR file:hashes.MD5 = 'x{i}')");
        let blown = (0..40).map(both).collect::<Vec<_>>().join(" AND ");
        assert!(values(&format!("[{blown}]")).is_err());
    }
}
