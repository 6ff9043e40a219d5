//! TOML → agreement, with line and field of everything that is wrong.

use std::collections::BTreeSet;
use std::fmt;

use indicia_core::{Kind, Pap, Role, Time, Tlp};
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    Agreement, AllOr, Answer, Attribution, Basis, Ceiling, Consent, Handling, Onward, Party, Purpose,
    Recipient, RecipientKind, SCHEMA, Scheme, Scope, TrustedKey,
};
use crate::redact;

/// No agreement is longer.
const MAX_BYTES: usize = 1 << 20;

/// One mistake in an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The field, as `scope.roles[1]`; empty where the file is no TOML.
    pub field: String,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.what),
            field => write!(f, "line {}: {field}: {}", self.line, self.what),
        }
    }
}

/// Everything that is wrong with an agreement. Such a text permits nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementErrors {
    /// The mistakes, by line.
    pub problems: Vec<Problem>,
}

impl fmt::Display for AgreementErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for AgreementErrors {}

impl Agreement {
    /// Reads an agreement.
    ///
    /// # Errors
    /// All that is wrong with it, each with line and field.
    pub fn parse(text: &str) -> Result<Agreement, AgreementErrors> {
        let mut problems = Vec::new();
        let fail = |line, what: String| AgreementErrors {
            problems: vec![Problem { line, field: String::new(), what }],
        };
        if text.len() > MAX_BYTES {
            return Err(fail(1, "longer than a mebibyte".to_string()));
        }
        let lines = Lines::new(text);
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            fail(lines.line_of(at), error.message().trim().replace('\n', ", "))
        })?;
        let agreement = {
            let (path, taken, table) = (String::new(), BTreeSet::new(), table.get_ref());
            let mut top = Fields { lines: &lines, path, table, line: 1, taken, problems: &mut problems };
            let agreement = agreement(&mut top, text);
            top.end();
            agreement
        };
        problems.sort_by(|a, b| (a.line, &a.field).cmp(&(b.line, &b.field)));
        match agreement {
            Some(agreement) if problems.is_empty() => Ok(agreement),
            _ => Err(AgreementErrors { problems }),
        }
    }
}

/// Where the lines of a text end: a list of many entries asks for the line of each.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a place, from 1.
    fn line_of(&self, at: usize) -> usize {
        1 + self.0.partition_point(|end| *end < at)
    }
}

/// The fields of one table, taken one by one; what is left at the end is a mistake.
struct Fields<'a, 'p> {
    lines: &'a Lines,
    path: String,
    table: &'a DeTable<'a>,
    line: usize,
    taken: BTreeSet<&'static str>,
    problems: &'p mut Vec<Problem>,
}

/// A value with its place.
#[derive(Clone)]
struct At<'a> {
    value: &'a DeValue<'a>,
    line: usize,
    field: String,
}

impl<'a, 'p> Fields<'a, 'p> {
    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    fn problem(&mut self, at: &At<'_>, what: impl Into<String>) {
        self.problems.push(Problem { line: at.line, field: at.field.clone(), what: what.into() });
    }

    fn get(&mut self, name: &'static str) -> Option<At<'a>> {
        self.taken.insert(name);
        let (_, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        let line = self.lines.line_of(value.span().start);
        Some(At { value: value.get_ref(), line, field: self.path_of(name) })
    }

    fn need(&mut self, name: &'static str) -> Option<At<'a>> {
        let found = self.get(name);
        if found.is_none() {
            let line = self.line;
            let field = self.path_of(name);
            self.problems.push(Problem { line, field, what: "is required".to_string() });
        }
        found
    }

    /// Reads a value by its text.
    fn word<T>(&mut self, at: &At<'_>, read: impl Fn(&str) -> Option<T>, wants: &str) -> Option<T> {
        let found = at.value.as_str().filter(|s| !s.is_empty()).and_then(read);
        if found.is_none() {
            self.problem(at, format!("must be {wants}"));
        }
        found
    }

    fn text(&mut self, at: &At<'_>) -> Option<String> {
        self.word(
            at,
            |s| (!s.chars().any(char::is_control) && s.len() <= 4096).then(|| s.to_string()),
            "a text on one line",
        )
    }

    /// A name: what stands in file names, packages and reports.
    fn name(&mut self, at: &At<'_>) -> Option<String> {
        let plain = |s: &str| {
            let fine = s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            (fine && s.len() <= 100 && !s.starts_with('.')).then(|| s.to_string())
        };
        self.word(at, plain, "up to 100 letters, digits, `.`, `-`, `_`, not beginning with a dot")
    }

    fn number(&mut self, at: &At<'_>, least: u32, most: u32) -> Option<u32> {
        let digits = at.value.as_integer().filter(|i| i.radix() == 10).map(|i| i.as_str().to_string());
        let found = digits.and_then(|d| d.parse().ok()).filter(|n| (least..=most).contains(n));
        if found.is_none() {
            self.problem(at, format!("must be a whole number from {least} to {most}"));
        }
        found
    }

    fn flag(&mut self, name: &'static str) -> bool {
        let Some(at) = self.get(name) else { return false };
        let found = at.value.as_bool();
        if found.is_none() {
            self.problem(&at, "must be true or false");
        }
        found.unwrap_or(false)
    }

    fn time(&mut self, at: &At<'_>) -> Option<Time> {
        let text =
            at.value.as_datetime().map(ToString::to_string).or_else(|| at.value.as_str().map(str::to_string));
        let found = text.and_then(|t| Time::parse(&t).ok());
        if found.is_none() {
            self.problem(at, "must be a date or a time, such as 2017-10-12 or 2017-10-12T09:30:00Z");
        }
        found
    }

    fn list(&mut self, at: &At<'a>) -> Vec<At<'a>> {
        let Some(list) = at.value.as_array() else {
            self.problem(at, "must be a list");
            return Vec::new();
        };
        if list.len() > 100_000 {
            self.problem(at, "has more than 100,000 entries");
            return Vec::new();
        }
        let each = |(n, value): (usize, &'a Spanned<DeValue<'a>>)| At {
            value: value.get_ref(),
            line: self.lines.line_of(value.span().start),
            field: format!("{}[{n}]", at.field),
        };
        list.iter().enumerate().map(each).collect()
    }

    fn set<T: Ord>(
        &mut self,
        at: &At<'a>,
        mut read: impl FnMut(&mut Self, &At<'a>) -> Option<T>,
    ) -> BTreeSet<T> {
        self.list(at).iter().filter_map(|item| read(self, item)).collect()
    }

    fn all_or<T: Ord>(
        &mut self,
        at: &At<'a>,
        read: impl FnMut(&mut Self, &At<'a>) -> Option<T>,
    ) -> Option<AllOr<T>> {
        match at.value.as_str() {
            Some("all") => Some(AllOr::All),
            Some(_) => {
                self.problem(at, "must be \"all\" or a list");
                None
            }
            None => Some(AllOr::Only(self.set(at, read))),
        }
    }

    fn choice<T>(&mut self, at: &At<'_>, all: &[T], name: impl Fn(&T) -> &'static str) -> Option<T>
    where
        T: Copy,
    {
        let names: Vec<&str> = all.iter().map(&name).collect();
        let wants = format!("one of {}", names.join(" "));
        self.word(at, |s| all.iter().copied().find(|one| name(one) == s), &wants)
    }

    fn countries(&mut self, at: &At<'_>) -> Option<String> {
        let code = |s: &str| {
            let shaped = s.len() == 2 && s.bytes().all(|b| b.is_ascii_uppercase());
            shaped.then(|| indicia_data::country::current(s)).flatten().map(str::to_string)
        };
        self.word(at, code, "an ISO 3166-1 code of two capital letters")
    }

    /// The fields of a table below this one.
    fn below<T>(&mut self, at: &At<'a>, read: impl FnOnce(&mut Fields<'a, '_>) -> Option<T>) -> Option<T> {
        let Some(table) = at.value.as_table() else {
            self.problem(at, "must be a table");
            return None;
        };
        let mut fields = Fields {
            lines: self.lines,
            path: at.field.clone(),
            table,
            line: at.line,
            taken: BTreeSet::new(),
            problems: self.problems,
        };
        let found = read(&mut fields);
        fields.end();
        found
    }

    /// What is left is unknown: a mistake, since a limit that is misspelt must not be no limit.
    fn end(&mut self) {
        let unknown: Vec<(usize, String)> = self
            .table
            .keys()
            .filter(|key| !self.taken.contains(key.get_ref().as_ref()))
            .map(|key| (self.lines.line_of(key.span().start), key.get_ref().to_string()))
            .collect();
        for (line, name) in unknown {
            let known: Vec<&str> = self.taken.iter().copied().collect();
            let what = format!("is not a field here; fields are {}", known.join(" "));
            let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            let field = self.path_of(&shown);
            self.problems.push(Problem { line, field, what });
        }
    }
}

fn agreement<'a>(top: &mut Fields<'a, '_>, text: &str) -> Option<Agreement> {
    let schema = top.need("schema");
    if let Some(at) = &schema {
        top.word(at, |s| (s == SCHEMA).then_some(()), &format!("{SCHEMA:?}, the only schema that is read"));
    }
    let id = top.need("id").and_then(|at| top.name(&at));
    let version = top.need("version").and_then(|at| top.number(&at, 1, u32::MAX));
    let supersedes = top.get("supersedes").and_then(|at| {
        let shaped = |s: &str| {
            let (id, version) = s.split_once('@')?;
            (!id.is_empty() && version.parse::<u32>().is_ok()).then(|| s.to_string())
        };
        top.word(&at, shaped, "id@version of the agreement that this one replaces")
    });
    let title = top.get("title").and_then(|at| top.text(&at));
    let legal_reference = top.need("legal_reference").and_then(|at| top.text(&at));
    let valid = top.need("valid").and_then(|at| {
        let ends = top.below(&at, |valid| {
            let from = valid.need("from").and_then(|at| valid.time(&at));
            let until = valid.need("until").and_then(|at| valid.time(&at));
            Some((from?, until?))
        })?;
        if ends.1 <= ends.0 {
            top.problem(&at, "ends before it begins");
        }
        Some(ends)
    });
    let provider = top.need("provider").and_then(|at| top.below(&at, party));
    let recipient = top.need("recipient").and_then(|at| top.below(&at, recipient));
    let scope = top.need("scope").and_then(|at| top.below(&at, scope));
    let ceiling = top.need("ceiling").and_then(|at| top.below(&at, ceiling));
    let handling = top.need("handling").and_then(|at| top.below(&at, handling));
    let retention_days = top.need("retention").and_then(|at| {
        top.below(&at, |fields| fields.need("days").and_then(|at| fields.number(&at, 1, 36_525)))
    });
    let redaction = top.need("redaction").and_then(|at| {
        let wants = format!("{:?}, the only redaction profile there is", redact::PROFILE);
        top.below(&at, |fields| {
            let at = fields.need("rules")?;
            fields.word(&at, |s| (s == redact::PROFILE).then(|| s.to_string()), &wants)
        })
    });
    let feedback = top.get("feedback").and_then(|at| {
        top.below(&at, |fields| {
            let at = fields.need("accept")?;
            Some(fields.set(&at, |f, at| f.choice(at, Answer::ALL, |a| a.name())))
        })
    });
    let consents = top.get("consent").map(|at| {
        let list = top.list(&at);
        list.iter().filter_map(|item| top.below(item, consent)).collect()
    });
    let (from, until) = valid?;
    let digest = Sha256::digest(text.as_bytes());
    Some(Agreement {
        id: id?,
        version: version?,
        supersedes,
        title,
        legal_reference: legal_reference?,
        from,
        until,
        provider: provider?,
        recipient: recipient?,
        scope: scope?,
        ceiling: ceiling?,
        handling: handling?,
        retention_days: retention_days?,
        redaction: redaction?,
        feedback: feedback.unwrap_or_default(),
        consents: consents.unwrap_or_default(),
        sha256: crate::hex(&digest),
    })
}

fn party(fields: &mut Fields<'_, '_>) -> Option<Party> {
    let id = fields.need("id").and_then(|at| fields.name(&at));
    let organisation = fields.get("organisation").and_then(|at| fields.name(&at));
    let communities = fields.get("communities").map(|at| fields.set(&at, |f, at| f.name(at)));
    let keys = fields.get("keys").map(|at| {
        let list = fields.list(&at);
        list.iter().filter_map(|item| key(fields, item)).collect()
    });
    let id = id?;
    Some(Party {
        organisation: organisation.unwrap_or_else(|| id.clone()),
        id,
        keys: keys.unwrap_or_default(),
        communities: communities.unwrap_or_default(),
    })
}

/// `"RW…"`, or `{ key = "RW…", until = 2019-01-01 }`.
fn key<'a>(fields: &mut Fields<'a, '_>, at: &At<'a>) -> Option<TrustedKey> {
    let read = |s: &str| crate::sign::PublicKey::parse(s).ok().map(|key| key.to_string());
    let wants = "a minisign public key: the base64 line that begins with RW";
    if at.value.is_table() {
        return fields.below(at, |fields| {
            let key = fields.need("key").and_then(|at| fields.word(&at, read, wants));
            let until = fields.get("until").and_then(|at| fields.time(&at));
            Some(TrustedKey { key: key?, until })
        });
    }
    Some(TrustedKey { key: fields.word(at, read, wants)?, until: None })
}

fn recipient(fields: &mut Fields<'_, '_>) -> Option<Recipient> {
    let kind = fields.need("kind").and_then(|at| fields.choice(&at, RecipientKind::ALL, |k| k.name()));
    let countries = fields.need("countries").map(|at| fields.set(&at, |f, at| f.countries(at)));
    let client = fields.flag("client");
    let party = party(fields);
    Some(Recipient { party: party?, kind: kind?, countries: countries?, client })
}

fn scope(fields: &mut Fields<'_, '_>) -> Option<Scope> {
    let roles = fields
        .need("roles")
        .and_then(|at| fields.all_or(&at, |f, at| f.choice(at, Role::ALL, |role| role.name())));
    let kinds = fields
        .need("kinds")
        .and_then(|at| fields.all_or(&at, |f, at| f.word(at, Kind::from_name, "the name of a kind")));
    let countries = fields.need("countries").and_then(|at| fields.all_or(&at, |f, at| f.countries(at)));
    let basis =
        fields.need("basis").map(|at| fields.set(&at, |f, at| f.choice(at, Basis::ALL, |b| b.name())));
    let unknown =
        fields.need("unknown_country").and_then(|at| fields.choice(&at, &["withhold", "send"], |word| word));
    let max_age_days = fields.get("max_age_days").and_then(|at| fields.number(&at, 1, 36_525));
    let min_confidence =
        fields.get("min_confidence").and_then(|at| fields.number(&at, 0, 100)).map(f64::from);
    let suffixes = fields.get("extra_government_suffixes").map(|at| {
        let name = |s: &str| {
            let target = indicia_core::Observable::parse_as(Kind::Domain, s.trim_start_matches('.'));
            target.ok().map(|name| name.value().to_string())
        };
        fields.set(&at, |f, at| f.word(at, name, "a domain name of two labels or more"))
    });
    Some(Scope {
        roles: roles?,
        kinds: kinds?,
        countries: countries?,
        basis: basis?,
        send_unknown_country: unknown? == "send",
        max_age_days,
        min_confidence,
        extra_government_suffixes: suffixes.unwrap_or_default().into_iter().collect(),
    })
}

fn ceiling(fields: &mut Fields<'_, '_>) -> Option<Ceiling> {
    let tlp = fields.need("tlp").and_then(|at| fields.choice(&at, Tlp::ALL, |tlp| tlp.name()));
    let pap = fields.get("pap").and_then(|at| fields.choice(&at, Pap::ALL, |pap| pap.name()));
    let schemes = fields
        .get("schemes")
        .map(|at| fields.set(&at, |f, at| f.choice(at, Scheme::ALL, |scheme| scheme.name())));
    Some(Ceiling { tlp: tlp?, pap, schemes: schemes.unwrap_or_else(|| [Scheme::Tlp, Scheme::Pap].into()) })
}

fn handling(fields: &mut Fields<'_, '_>) -> Option<Handling> {
    let purposes = fields
        .need("purposes")
        .map(|at| fields.set(&at, |f, at| f.choice(at, Purpose::ALL, |purpose| purpose.name())));
    let onward_at = fields.need("onward");
    let onward = onward_at.as_ref().and_then(|at| fields.choice(at, Onward::ALL, |onward| onward.name()));
    let to_at = fields.get("onward_to");
    let onward_to = to_at.as_ref().map(|at| fields.set(at, |f, at| f.name(at))).unwrap_or_default();
    match (onward, &onward_at, &to_at) {
        (Some(Onward::Listed), Some(at), _) if onward_to.is_empty() => {
            fields.problem(at, "is \"listed\", so onward_to must name them");
        }
        (Some(other), _, Some(at)) if other != Onward::Listed => {
            fields.problem(
                at,
                format!("counts only where onward is \"listed\", not {other:?}", other = other.name()),
            );
        }
        _ => {}
    }
    let attribution = fields
        .get("attribution")
        .and_then(|at| fields.choice(&at, Attribution::ALL, |attribution| attribution.name()));
    let sidecar = fields.flag("sidecar");
    let block_roles = fields
        .get("block_roles")
        .map(|at| fields.set(&at, |f, at| f.choice(at, Role::ALL, |role| role.name())));
    Some(Handling {
        purposes: purposes?,
        onward: onward?,
        onward_to,
        attribution: attribution.unwrap_or(Attribution::MustNot),
        sidecar,
        block_roles: block_roles.unwrap_or_default(),
    })
}

fn consent(fields: &mut Fields<'_, '_>) -> Option<Consent> {
    let who = fields.need("who").and_then(|at| fields.name(&at));
    let when = fields.need("when").and_then(|at| fields.time(&at));
    let reference = fields.need("reference").and_then(|at| fields.text(&at));
    let items = fields.need("items").map(|at| fields.set(&at, |f, at| f.text(at)));
    let tlp = fields.need("tlp").and_then(|at| fields.choice(&at, Tlp::ALL, |tlp| tlp.name()));
    Some(Consent { who: who?, when: when?, reference: reference?, items: items?, tlp: tlp? })
}
