//! Sharing under agreements: `indicia._exchange`, which `indicia.exchange` wraps.
//!
//! Records go in as the JSON of the record, results come out as JSON: the dataclasses are Python's.

use std::path::PathBuf;
use std::sync::Arc;

use indicia::exchange::country::{Anycast, Mmdb, Sources};
use indicia::exchange::{self, Decision, ExchangeError, LedgerFile, PlanFile, Share};
use indicia::feed::{FeedSpec, Reader};
use indicia::feeds::ReadOptions;
use pyo3::prelude::*;
use serde_json::json;

use crate::error::{self, caught, internal, invalid};
use crate::options::time;

/// The rules under which one party shares with another.
#[pyclass(frozen, module = "indicia.exchange")]
pub(crate) struct Agreement(Arc<exchange::Agreement>);

#[pymethods]
impl Agreement {
    /// Reads the text of an agreement.
    #[staticmethod]
    fn parse(text: &str) -> PyResult<Agreement> {
        caught(|| {
            let parsed = exchange::Agreement::parse(text).map_err(|errors| {
                failed(&ExchangeError::Agreement { path: PathBuf::from("<text>"), errors })
            })?;
            Ok(Agreement(Arc::new(parsed)))
        })
    }

    /// Reads the file of an agreement.
    #[staticmethod]
    fn open(path: PathBuf) -> PyResult<Agreement> {
        caught(|| Ok(Agreement(Arc::new(exchange::read_agreement(&path).map_err(|e| failed(&e))?))))
    }

    /// The name of all its versions.
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    /// Its version.
    #[getter]
    fn version(&self) -> u32 {
        self.0.version
    }

    /// SHA-256 of its text.
    #[getter]
    fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Who shares.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider.id
    }

    /// With whom.
    #[getter]
    fn recipient(&self) -> &str {
        &self.0.recipient.party.id
    }

    /// What it permits and what not, a sentence each.
    fn explain(&self) -> Vec<String> {
        self.0.explain()
    }

    /// Whether it is in force at a time.
    fn is_in_force(&self, at: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.0.is_in_force(moment(Some(at))?))
    }

    fn __repr__(&self) -> String {
        format!("Agreement({:?}, {:?} -> {:?})", self.0.reference(), self.provider(), self.recipient())
    }
}

/// What a ledger knew when it was opened.
#[pyclass(frozen, module = "indicia.exchange")]
pub(crate) struct Ledger(exchange::Ledger);

#[pymethods]
impl Ledger {
    /// Opens a ledger's file and checks its chain.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Ledger> {
        caught(|| {
            let now = moment(None)?;
            let file = py.detach(|| LedgerFile::open(&path, None, now)).map_err(|e| failed(&e))?;
            Ok(Ledger(file.ledger.clone()))
        })
    }

    /// A ledger that remembers nothing.
    #[staticmethod]
    fn none(provider: &str) -> Ledger {
        Ledger(exchange::Ledger::none(provider))
    }

    /// The hash of the last line.
    #[getter]
    fn head(&self) -> &str {
        self.0.head()
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }
}

fn failed(error: &ExchangeError) -> PyErr {
    let detail = match error {
        ExchangeError::Refused { refusal, .. } => refusal.code(),
        other => other.reason().slug(),
    };
    error::exchange(error.to_string(), error.reason(), detail)
}

/// The time that is given, or now.
fn moment(at: Option<&Bound<'_, PyAny>>) -> PyResult<indicia::Time> {
    match at {
        Some(at) => match at.extract::<String>() {
            Ok(text) => text.parse().map_err(|e: indicia::NotATime| invalid(e.to_string())),
            Err(_) => time(at),
        },
        None => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            Ok(indicia::Time::from_unix(since.map_or(0, |d| d.as_secs()) as i64).unwrap_or_default())
        }
    }
}

fn text(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|_| internal())
}

/// The decision on a record, as JSON.
#[pyfunction]
pub(crate) fn _decide(
    py: Python<'_>,
    record: &str,
    agreement: &Agreement,
    ledger: Option<&Ledger>,
    now: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    caught(|| {
        let record: indicia::Indicator =
            serde_json::from_str(record).map_err(|e| invalid(format!("not a record: {e}")))?;
        let now = moment(now)?;
        let none = exchange::Ledger::none(agreement.provider());
        let ledger = ledger.map_or(&none, |ledger| &ledger.0);
        let decision = py.detach(|| exchange::decide(&record, &agreement.0, ledger, now));
        let codes = |reasons: &[exchange::Withheld]| reasons.iter().map(|r| r.code()).collect::<Vec<_>>();
        text(&match decision {
            Decision::Withhold(reasons) => json!({ "withhold": codes(&reasons) }),
            Decision::Share(projection) => json!({
                "items": projection.items.iter().map(|item| json!({
                    "id": item.id,
                    "record": item.record,
                    "action": item.action,
                    "government": item.government,
                    "delete_by": item.delete_by,
                    "removed": item.removed,
                })).collect::<Vec<_>>(),
                "withheld": projection.withheld.iter().map(|(n, r)| json!([n, codes(r)])).collect::<Vec<_>>(),
            }),
        })
    })
}

/// Every reason to withhold: code, rule and sentence.
#[pyfunction]
pub(crate) fn _withheld_reasons() -> Vec<(&'static str, &'static str, &'static str)> {
    exchange::Withheld::ALL.iter().map(|r| (r.code(), r.rule(), r.sentence())).collect()
}

/// Shares, or plans to, or makes what was planned; gives summaries as JSON.
#[pyfunction]
#[pyo3(signature = (agreements, feeds, key, output, *, ledger, as_of, passphrase, dry_run, plan, producer, tlp, pap, country_mmdb, asn_mmdb, anycast))]
#[allow(clippy::too_many_arguments, reason = "each has its name in Python")]
pub(crate) fn _share(
    py: Python<'_>,
    agreements: Vec<PathBuf>,
    feeds: Vec<PathBuf>,
    key: PathBuf,
    output: PathBuf,
    ledger: Option<PathBuf>,
    as_of: Option<&Bound<'_, PyAny>>,
    passphrase: Option<String>,
    dry_run: bool,
    plan: Option<PathBuf>,
    producer: Option<String>,
    tlp: Option<String>,
    pap: Option<String>,
    country_mmdb: Option<PathBuf>,
    asn_mmdb: Option<PathBuf>,
    anycast: Option<PathBuf>,
) -> PyResult<String> {
    caught(|| {
        let now = moment(as_of)?;
        let level = |what: &str| invalid(format!("not a {what} level"));
        let options = ReadOptions {
            producer,
            tlp: tlp.map(|t| t.parse().map_err(|_| level("TLP"))).transpose()?,
            pap: pap.map(|p| p.parse().map_err(|_| level("PAP"))).transpose()?,
            ..ReadOptions::default()
        };
        py.detach(|| {
            let run = || -> Result<String, ExchangeError> {
                let mut all = Vec::new();
                for path in &agreements {
                    all.extend(exchange::read_agreements(path)?);
                }
                let key = exchange::read_secret_key(&key, || passphrase)?;
                let database = |path: &Option<PathBuf>| -> Result<Option<Mmdb>, ExchangeError> {
                    let Some(path) = path else { return Ok(None) };
                    let bytes = std::fs::read(path)
                        .map_err(|error| ExchangeError::Io { path: path.clone(), error })?;
                    let read = Mmdb::from_bytes(bytes);
                    read.map(Some).map_err(|e| ExchangeError::Content(format!("{}: {e}", path.display())))
                };
                let (countries, asns) = (database(&country_mmdb)?, database(&asn_mmdb)?);
                let anycast = match &anycast {
                    None => None,
                    Some(path) => {
                        let list = std::fs::read_to_string(path)
                            .map_err(|error| ExchangeError::Io { path: path.clone(), error })?;
                        let list = Anycast::parse(&list);
                        Some(list.map_err(|e| ExchangeError::Content(format!("{}: {e}", path.display())))?)
                    }
                };
                let mut records = Vec::new();
                let mut sink = |record| records.push(record);
                let mut quiet = |_: &str| {};
                let mut reader = Reader::new(&mut sink, &mut quiet);
                for feed in &feeds {
                    let mut spec = FeedSpec::new(feed);
                    spec.options = options.clone();
                    reader.read(&spec);
                }
                // What could not be read must not look as if it were not there.
                if let Some(bad) = reader.report.failed.first() {
                    return Err(ExchangeError::Content(format!("{}: {}", bad.name, bad.message)));
                }
                let sources =
                    Sources { countries: countries.as_ref(), asns: asns.as_ref(), anycast: anycast.as_ref() };
                let (records, _) = exchange::gather(records, &sources);
                let plan = plan.as_deref().map(PlanFile::read).transpose()?;
                let now = plan.as_ref().map_or(now, |plan| plan.as_of);
                let job = Share { agreements: &all, records: &records, key: &key, now };
                let ledger = ledger.as_deref();
                let shared = match &plan {
                    _ if dry_run => {
                        let (plan, shared) = job.dry_run(ledger)?;
                        plan.write(&output)?;
                        shared
                    }
                    Some(plan) => job.run_plan(ledger, &output, plan)?,
                    None => job.run(ledger, &output)?,
                };
                serde_json::to_string(&shared).map_err(|e| ExchangeError::Content(e.to_string()))
            };
            run().map_err(|e| failed(&e))
        })
    })
}

/// Checks a package, takes it, and gives what it brought as JSON.
#[pyfunction]
pub(crate) fn _receive(
    py: Python<'_>,
    folder: PathBuf,
    agreement: PathBuf,
    key: PathBuf,
    state: PathBuf,
    as_of: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    caught(|| {
        let now = moment(as_of)?;
        let arrival = py.detach(|| {
            let agreement = exchange::read_agreement(&agreement)?;
            let key = exchange::read_public_key(&key)?;
            exchange::receive_folder(&folder, &agreement, &key, &state, now)
        });
        let arrival = arrival.map_err(|e| failed(&e))?;
        let received = &arrival.received;
        let all = text(&json!({
            "manifest": received.manifest,
            "records": received.records,
            "notices": received.notices,
            "answers": received.answers,
        }))?;
        arrival.keep().map_err(|e| failed(&e))?;
        Ok(all)
    })
}

/// Makes notices for everybody who got an item; gives summaries as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "each has its name in Python")]
pub(crate) fn _revoke(
    py: Python<'_>,
    ledger: PathBuf,
    key: PathBuf,
    items: Vec<String>,
    reason: String,
    output: PathBuf,
    as_of: Option<&Bound<'_, PyAny>>,
    passphrase: Option<String>,
) -> PyResult<String> {
    caught(|| {
        let now = moment(as_of)?;
        let shared = py.detach(|| {
            let key = exchange::read_secret_key(&key, || passphrase)?;
            exchange::revoke(&ledger, &key, &items, &reason, now, &output)
        });
        text(&shared.map_err(|e| failed(&e))?)
    })
}

/// Makes a package of answers; gives what came of it as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "each has its name in Python")]
pub(crate) fn _feedback(
    py: Python<'_>,
    agreement: PathBuf,
    key: PathBuf,
    files: Vec<PathBuf>,
    output: PathBuf,
    ledger: Option<PathBuf>,
    as_of: Option<&Bound<'_, PyAny>>,
    passphrase: Option<String>,
) -> PyResult<String> {
    caught(|| {
        let now = moment(as_of)?;
        let fed = py.detach(|| {
            let agreement = exchange::read_agreement(&agreement)?;
            let key = exchange::read_secret_key(&key, || passphrase)?;
            exchange::feedback_folder(&agreement, &key, ledger.as_deref(), &files, now, &output)
        });
        let fed = fed.map_err(|e| failed(&e))?;
        let bad: Vec<_> = fed
            .bad
            .iter()
            .map(|(path, row)| json!({"path": path, "line": row.line, "what": row.what}))
            .collect();
        text(&json!({"package": fed.package, "answers": fed.answers, "bad": bad, "left_out": fed.left_out}))
    })
}

/// Makes a pair of keys; gives both paths and the public key.
#[pyfunction]
pub(crate) fn _keygen(
    py: Python<'_>,
    name: PathBuf,
    passphrase: Option<String>,
) -> PyResult<(PathBuf, PathBuf, String)> {
    caught(|| {
        let made = py.detach(|| exchange::write_keys(&name, passphrase.as_deref()));
        let (secret, public, key) = made.map_err(|e| failed(&e))?;
        Ok((secret, public, key.to_string()))
    })
}
