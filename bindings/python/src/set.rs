//! `IndicatorSet`: made, opened, asked.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use indicia::feed::{FeedSpec, LoadReport, Loader};
use indicia::feeds::{Format, ReadOptions};
use indicia::{BuildOptions, IndicatorSet as Set, Kind, Match, Pap, Reason, Role, Scratch, Tlp};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::data::{WholeBuffer, text, whole};
use crate::error::{self, caught, internal, invalid, loads, record};
use crate::hit::{Found, Hit, HitIterator};
use crate::options::{ScanOptions, each, kind, named, paths};
use crate::record::{Indicator, Record};

/// Indicators compiled for matching. Immutable: share it between threads.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct IndicatorSet {
    set: Set,
    /// The file that it came from, and whether it was opened (mapped) or loaded.
    file: Option<(PathBuf, bool)>,
    report: Option<Py<PyAny>>,
}

impl IndicatorSet {
    fn read(py: Python<'_>, path: &Path, mapped: bool) -> PyResult<IndicatorSet> {
        caught(|| {
            let read = py.detach(|| if mapped { Set::open(path) } else { Set::load(path) });
            let set = read.map_err(|e| error::file(py, &e))?;
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            Ok(IndicatorSet { set, file: Some((path, mapped)), report: None })
        })
    }

    fn digest_hex(&self) -> String {
        self.set.digest().iter().map(|b| format!("{b:02x}")).collect()
    }

    fn bytes(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        caught(|| {
            py.detach(|| {
                let mut bytes = Vec::new();
                self.set.write_to(&mut bytes)?;
                Ok(bytes)
            })
        })
    }
}

#[pymethods]
impl IndicatorSet {
    /// Compiles feeds: files, folders, archives, sets, "FORMAT:PATH" or a feeds.toml.
    ///
    /// The keywords say of every feed what it does not say itself; format is the format where its content
    /// does not show it. roles admits contexts of these roles only, compromised and victim included. Records
    /// that were refused are counted in the report of the set. A feed that cannot be read at all raises
    /// FeedError, unless allow_failed is true: then the set holds the rest. profile is the name of the rules that
    /// URLs are read by: default@1, or that of the sets, where it is not given; a set that follows another is
    /// such a feed.
    #[staticmethod]
    #[pyo3(signature = (paths, *, profile=None, format=None, name=None, producer=None, tlp=None, pap=None, default_role=None,
        columns=None, r#match=None, confidence_min=None, roles=None, allow_failed=false))]
    #[allow(clippy::too_many_arguments, reason = "keywords of a Python call")]
    fn from_feeds(
        py: Python<'_>,
        paths: &Bound<'_, PyAny>,
        profile: Option<&str>,
        format: Option<&str>,
        name: Option<String>,
        producer: Option<String>,
        tlp: Option<&str>,
        pap: Option<&str>,
        default_role: Option<&str>,
        columns: Option<std::collections::BTreeMap<String, String>>,
        r#match: Option<&str>,
        confidence_min: Option<f64>,
        roles: Option<&Bound<'_, PyAny>>,
        allow_failed: bool,
    ) -> PyResult<IndicatorSet> {
        caught(|| {
            let given = format.map(|name| {
                Format::from_name(name)
                    .ok_or_else(|| invalid(format!("{name:?} is not the name of a format")))
            });
            let format = given.transpose()?;
            let options = ReadOptions {
                feed: name,
                producer,
                tlp: tlp.map(named::<Tlp>).transpose()?,
                pap: pap.map(named::<Pap>).transpose()?,
                default_role: default_role.map(named::<Role>).transpose()?,
                columns: columns.unwrap_or_default(),
                match_: r#match.map(matching).transpose()?,
                confidence_min,
                ..ReadOptions::default()
            };
            let profile = crate::options::profile(profile)?;
            let paths = self::paths(Some(paths))?;
            let roles = each::<Role>(roles)?;
            let (set, report) = py.detach(|| {
                let mut loader = Loader::new(BuildOptions { roles, profile, ..BuildOptions::default() });
                for path in &paths {
                    let spec = FeedSpec::new(path);
                    loader.add(&FeedSpec {
                        format: spec.format.or(format),
                        options: options.clone(),
                        ..spec
                    });
                }
                loader.finish()
            });
            if let Some(failed) = report.failed.first().filter(|_| !allow_failed) {
                return Err(error::feed(&failed.name, failed.reason, &failed.message));
            }
            let report = load_report(py, &report)?.unbind();
            Ok(IndicatorSet { set, file: None, report: Some(report) })
        })
    }

    /// Opens a set file, mapped where the file format allows it: replace such a file by renaming, never in place.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<IndicatorSet> {
        IndicatorSet::read(py, &path, true)
    }

    /// Reads a set file into private memory: the file may change or go afterwards.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<IndicatorSet> {
        IndicatorSet::read(py, &path, false)
    }

    /// Reads a set from the bytes of a set file.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<IndicatorSet> {
        caught(|| {
            let buffer = WholeBuffer::new(data)?;
            let bytes = whole(&buffer);
            let bytes: &[u8] = &bytes;
            let set =
                py.detach(|| Set::from_bytes(bytes)).map_err(|e| error::set(e.to_string(), e.reason()))?;
            Ok(IndicatorSet { set, file: None, report: None })
        })
    }

    /// The bytes of the set file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.bytes(py)?))
    }

    /// Writes the set file, completely or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        caught(|| py.detach(|| self.set.save(&path)).map_err(|e| error::file(py, &e)))
    }

    /// Every indicator that covers a value: the value itself, its host or domain, its parents and networks.
    ///
    /// value is a str, an ipaddress.IPv4Address or IPv6Address (with port, an endpoint too), or the bytes of a
    /// digest, which need a kind. Without a kind, a str is looked up as every kind whose grammar takes it.
    #[pyo3(signature = (value, kind=None, options=None, *, port=None, **filters))]
    fn lookup<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        kind: Option<&str>,
        options: Option<&Bound<'py, ScanOptions>>,
        port: Option<u16>,
        filters: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Vec<Hit>> {
        caught(|| {
            let options = ScanOptions::of(py, options, filters)?;
            let kind = kind.map(self::kind).transpose()?;
            let value_of = Value::new(value, kind, port)?;
            let set = &self.set;
            let found = py.detach(|| {
                let mut scratch = Scratch::default();
                let hits = match &value_of {
                    Value::Text(text) => set.lookup(text, kind, &options, &mut scratch)?.1,
                    Value::Address(address) => set.lookup_address(*address, port, &options, &mut scratch),
                    Value::Digest(kind, bytes) => set.lookup_digest(*kind, bytes, &options, &mut scratch)?,
                };
                Ok(hits.iter().map(Found::of_lookup).collect::<Vec<_>>())
            });
            let found = found.map_err(error::parse)?;
            found.into_iter().map(|hit| hit.into_hit(py, set, None, value.clone().unbind(), None)).collect()
        })
    }

    /// Finds every hit in data, by place. data is a str or any contiguous buffer, borrowed until the iterator is
    /// done.
    #[pyo3(signature = (data, options=None, **keywords))]
    fn scan(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, ScanOptions>>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<HitIterator> {
        caught(|| HitIterator::over_data(self.set.clone(), data, ScanOptions::of(py, options, keywords)?))
    }

    /// Finds every hit in a file, folder or archive; compressed files are read as what they hold. Hits have path
    /// and line. What cannot be read raises OSError after the rest was done.
    #[pyo3(signature = (path, options=None, **keywords))]
    fn scan_file(
        &self,
        py: Python<'_>,
        path: PathBuf,
        options: Option<&Bound<'_, ScanOptions>>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<HitIterator> {
        caught(|| HitIterator::over_file(self.set.clone(), path, ScanOptions::of(py, options, keywords)?))
    }

    /// What the set says of itself: profile, public_suffixes, kinds, feeds, indicators, contexts.
    #[getter]
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &serde_json::to_string(self.set.info()).map_err(|_| internal())?)
    }

    /// SHA-256 of the content in hexadecimal: equal for equal indicators, whatever order they came in.
    #[getter]
    fn digest(&self) -> String {
        self.digest_hex()
    }

    /// The profile that the URLs follow, and with them what is scanned and looked up.
    #[getter]
    fn profile(&self) -> &'static str {
        self.set.profile().name()
    }

    /// What came of reading the feeds; None where the set was not made by from_feeds.
    #[getter]
    fn report(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.report.as_ref().map(|report| report.clone_ref(py))
    }

    fn __len__(&self) -> usize {
        self.set.len()
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __iter__(&self) -> IndicatorIterator {
        IndicatorIterator { set: self.set.clone(), next: AtomicU32::new(0) }
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<IndicatorSet>().is_ok_and(|other| other.get().set.digest() == self.set.digest())
    }

    fn __hash__(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.set.digest();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (memo, /))]
    fn __deepcopy__(slf: Py<Self>, memo: &Bound<'_, PyAny>) -> Py<Self> {
        let _ = memo;
        slf
    }

    fn __repr__(&self) -> String {
        let digest = self.digest_hex();
        format!(
            "<IndicatorSet of {} indicators, digest {}…>",
            self.set.len(),
            digest.get(..12).unwrap_or_default()
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        match &self.file {
            Some((path, mapped)) => {
                let arguments = (path.as_path(), self.digest_hex(), *mapped).into_pyobject(py)?;
                Ok((py.import("indicia._indicia")?.getattr("_open")?, arguments))
            }
            None => {
                let class = py.get_type::<IndicatorSet>();
                Ok((class.getattr("from_bytes")?, (self.to_bytes(py)?,).into_pyobject(py)?))
            }
        }
    }
}

/// Undoes the pickling of a set that came from a file.
#[pyfunction]
pub(crate) fn _open(py: Python<'_>, path: PathBuf, digest: &str, mapped: bool) -> PyResult<IndicatorSet> {
    let set = IndicatorSet::read(py, &path, mapped)?;
    if set.digest_hex() == digest {
        return Ok(set);
    }
    let message =
        format!("{}: the file is another set than the one that was pickled; pickle it again", path.display());
    Err(error::set(message, Reason::InvalidArgument))
}

/// What is looked up.
enum Value {
    Text(String),
    Address(IpAddr),
    Digest(Kind, Vec<u8>),
}

impl Value {
    fn new(value: &Bound<'_, PyAny>, kind: Option<Kind>, port: Option<u16>) -> PyResult<Value> {
        let py = value.py();
        if let Ok(bytes) = value.cast::<PyBytes>() {
            let Some(kind) = kind else {
                return Err(PyTypeError::new_err("bytes are a digest and need its kind, such as sha256"));
            };
            return Ok(Value::Digest(kind, bytes.as_bytes().to_vec()));
        }
        let addresses = py.import("ipaddress")?;
        let is = |class: &str| -> PyResult<bool> { value.is_instance(&addresses.getattr(class)?) };
        if !value.is_instance_of::<PyString>() && (is("IPv4Address")? || is("IPv6Address")?) {
            let zone = value.getattr_opt("scope_id")?.is_some_and(|zone| !zone.is_none());
            if zone || kind.is_some_and(|kind| !kind.is_address_like()) {
                // A zone, or a kind that an address is not: the grammar says why.
                return Ok(Value::Text(value.str()?.to_str()?.to_string()));
            }
            return Ok(Value::Address(value.extract()?));
        }
        if port.is_some() {
            return Err(PyTypeError::new_err("port goes with an address object; write host:port in a str"));
        }
        Ok(Value::Text(text(value)?.into_owned()))
    }
}

fn matching(name: &str) -> PyResult<Match> {
    name.parse()
        .map_err(|_| invalid(format!("{name:?} is not a way to match; it is exact, subdomains or prefix")))
}

/// Every indicator of a set.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct IndicatorIterator {
    set: Set,
    next: AtomicU32,
}

#[pymethods]
impl IndicatorIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self) -> Option<Indicator> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(indicator) = self.set.get(index) else {
            // Never so far that the number wraps.
            self.next.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        let contexts = (0..indicator.contexts().len() as u32).collect();
        Some(Indicator(Arc::new(Record::Listed { set: self.set.clone(), index, contexts })))
    }
}

/// The report as `indicia.records.LoadReport`.
fn load_report<'py>(py: Python<'py>, report: &LoadReport) -> PyResult<Bound<'py, PyAny>> {
    let files = PyList::empty(py);
    for (name, read) in &report.files {
        let refused = PyDict::new(py);
        for (reason, count) in &read.refused {
            refused.set_item(reason.slug(), count)?;
        }
        let examples = PyList::empty(py);
        for example in &read.examples {
            let fields = PyDict::new(py);
            fields.set_item("place", example.place.to_string())?;
            fields.set_item("code", example.reason.code())?;
            fields.set_item("reason", example.reason.slug())?;
            fields.set_item("raw", &example.raw)?;
            examples.append(record(py, "Refusal", &fields)?)?;
        }
        let fields = PyDict::new(py);
        fields.set_item("name", name)?;
        fields.set_item("format", read.format.map(Format::name))?;
        fields.set_item("records", read.records)?;
        fields.set_item("indicators", read.indicators)?;
        fields.set_item("other", read.other)?;
        fields.set_item("refused", refused)?;
        fields.set_item("examples", examples.to_tuple())?;
        fields.set_item("skipped", &read.skipped)?;
        fields.set_item("retyped", read.retyped)?;
        fields.set_item("recoded", read.recoded)?;
        fields.set_item("repaired", &read.repaired)?;
        files.append(record(py, "FileReport", &fields)?)?;
    }
    let failed = PyList::empty(py);
    for failure in &report.failed {
        let fields = PyDict::new(py);
        fields.set_item("name", &failure.name)?;
        fields.set_item("code", failure.reason.code())?;
        fields.set_item("reason", failure.reason.slug())?;
        fields.set_item("message", &failure.message)?;
        failed.append(record(py, "FailedFeed", &fields)?)?;
    }
    let not_read = report.not_read.iter().map(|(name, format)| (name, format.map(Format::name)));
    let fields = PyDict::new(py);
    fields.set_item("files", files.to_tuple())?;
    fields.set_item("failed", failed.to_tuple())?;
    fields.set_item("not_read", PyTuple::new(py, not_read.collect::<Vec<_>>())?)?;
    fields.set_item("skipped", report.skipped)?;
    fields.set_item("left_out_by_role", report.build.left_out_by_role)?;
    fields.set_item("not_for_detection", report.build.not_for_detection)?;
    fields.set_item("other", report.build.other)?;
    fields.set_item("public_suffixes", report.build.public_suffixes)?;
    record(py, "LoadReport", &fields)
}
