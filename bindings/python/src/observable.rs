//! `parse` and `extract`: typed values in canonical form.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::vec;

use indicia::fields::Header;
use indicia::{ExtractOptions, Kind, ParseOptions, Refang, refang};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyString, PyTuple};

use crate::data::{Input, text};
use crate::error::{self, caught, internal};
use crate::options::{each, kind, level, strings};
use crate::record::defanged;

/// A typed value in canonical form. It says nothing about badness.
#[pyclass(frozen, eq, hash, module = "indicia")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Observable(indicia::Observable);

#[pymethods]
impl Observable {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("kind", "value", "key")
    }

    /// The kind.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().name()
    }

    /// The canonical form, for people.
    #[getter]
    fn value(&self) -> &str {
        self.0.value()
    }

    /// The form that is compared for equality.
    #[getter]
    fn key(&self) -> &str {
        self.0.key()
    }

    /// The profile whose rules made a URL; default@1 for every other kind.
    #[getter]
    fn profile(&self) -> &'static str {
        self.0.profile().name()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Observable(kind='{}', value={})",
            self.0.kind(),
            defanged(py, self.0.kind(), self.0.value())?
        ))
    }

    #[allow(clippy::type_complexity, reason = "what __reduce__ gives back")]
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (&str, &'static str, &'static str))> {
        let fields = (self.0.value(), self.0.kind().name(), self.0.profile().name());
        Ok((py.import("indicia._indicia")?.getattr("_observable")?, fields))
    }
}

/// Undoes the pickling of an observable: a canonical value is its own canonical form.
#[pyfunction]
#[pyo3(signature = (value, kind, profile=None))]
pub(crate) fn _observable(value: &str, kind: &str, profile: Option<&str>) -> PyResult<Observable> {
    caught(|| {
        let options = ParseOptions {
            profile: crate::options::profile(profile)?.unwrap_or_default(),
            kind: Some(crate::options::kind(kind)?),
            refang: Refang::Off,
        };
        indicia::Observable::parse_with(value, &options).map(Observable).map_err(error::parse)
    })
}

/// Reads one value, as people and feeds write it.
///
/// Without a kind, its shape decides. Defanging is undone by the level `refang`.
/// profile is the name of the rules that a URL follows; other kinds come out alike under all.
/// Raises ParseError (a ValueError with code and reason) where a grammar refuses it.
#[pyfunction]
#[pyo3(signature = (value, kind=None, *, refang=None, profile=None), text_signature = "(value, kind=None, *, refang='usual', profile='default@1')")]
pub(crate) fn parse(
    py: Python<'_>,
    value: &Bound<'_, PyAny>,
    kind: Option<&str>,
    refang: Option<&Bound<'_, PyAny>>,
    profile: Option<&str>,
) -> PyResult<Observable> {
    parsed(py, value, kind, refang, profile).map(Observable)
}

/// The canonical form of one value. See parse.
#[pyfunction]
#[pyo3(signature = (value, kind=None, *, refang=None, profile=None), text_signature = "(value, kind=None, *, refang='usual', profile='default@1')")]
pub(crate) fn normalize(
    py: Python<'_>,
    value: &Bound<'_, PyAny>,
    kind: Option<&str>,
    refang: Option<&Bound<'_, PyAny>>,
    profile: Option<&str>,
) -> PyResult<String> {
    parsed(py, value, kind, refang, profile).map(|found| found.value().to_string())
}

fn parsed(
    py: Python<'_>,
    value: &Bound<'_, PyAny>,
    kind: Option<&str>,
    refang: Option<&Bound<'_, PyAny>>,
    profile: Option<&str>,
) -> PyResult<indicia::Observable> {
    caught(|| {
        let value = text(value)?;
        let kind = kind.map(self::kind).transpose()?;
        let refang = level(refang, Refang::Usual)?;
        let profile = crate::options::profile(profile)?.unwrap_or_default();
        let value: &str = &value;
        let options = ParseOptions { profile, kind, refang };
        py.detach(|| indicia::Observable::parse_with(value, &options)).map_err(error::parse)
    })
}

/// The canonical form of one value, written so that it cannot be clicked.
///
/// Styles: 'usual' (hxxp, every separator of the host in brackets), 'last-dot', 'draft' (the Internet-Draft's).
#[pyfunction]
#[pyo3(signature = (value, kind=None, style=None), text_signature = "(value, kind=None, style='usual')")]
pub(crate) fn defang(
    py: Python<'_>,
    value: &Bound<'_, PyAny>,
    kind: Option<&str>,
    style: Option<&str>,
) -> PyResult<String> {
    let style = match style {
        Some(name) => name.parse().map_err(|_| {
            pyo3::exceptions::PyValueError::new_err("style is one of 'usual', 'last-dot', 'draft'")
        })?,
        None => refang::DefangStyle::Usual,
    };
    let found = parsed(py, value, kind, None, None)?;
    Ok(refang::defang_as(found.kind(), found.value(), style))
}

/// Undoes the defanging of a text that is one value; nothing else is changed.
#[pyfunction(name = "refang")]
#[pyo3(signature = (text, level=None), text_signature = "(text, level='usual')")]
pub(crate) fn refang_text(
    py: Python<'_>,
    text: &Bound<'_, PyAny>,
    level: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    caught(|| {
        let text = self::text(text)?;
        let level = self::level(level, Refang::Usual)?;
        let text: &str = &text;
        Ok(py.detach(|| refang::refang(text, level).into_owned()))
    })
}

/// One observable in data.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct Extraction {
    kind: Kind,
    value: String,
    /// The piece of the input: str of a str, bytes of a buffer.
    #[pyo3(get)]
    raw: Py<PyAny>,
    /// Where it begins: code points of a str, bytes of a buffer.
    #[pyo3(get)]
    start: usize,
    /// Behind its end.
    #[pyo3(get)]
    end: usize,
    /// The port that stands behind an address or name.
    #[pyo3(get)]
    port: Option<u16>,
    /// With fields=True: the name of the field that it stands in. Of a value that is put together from several
    /// fields, their names with + between them; its place is that of its host.
    #[pyo3(get)]
    field: Option<String>,
    /// What stands between the data and the value: entities.
    #[pyo3(get)]
    via: Option<String>,
    /// With explain=True: the rule that refuses it, which makes it no observable.
    #[pyo3(get)]
    refused: Option<String>,
}

#[pymethods]
impl Extraction {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str)
    {
        ("kind", "value", "raw", "start", "end", "port")
    }

    /// The kind.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// The canonical form.
    #[getter]
    fn value(&self) -> &str {
        &self.value
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Extraction>() else { return Ok(false) };
        self.fields(py)?.eq(other.get().fields(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.fields(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let port = self.port.map(|port| format!(", port={port}")).unwrap_or_default();
        let value = defanged(py, self.kind, &self.value)?;
        Ok(format!(
            "Extraction(kind='{}', value={value}, start={}, end={}{port})",
            self.kind, self.start, self.end
        ))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((py.import("indicia._indicia")?.getattr("_extraction")?, self.fields(py)?))
    }
}

impl Extraction {
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let Extraction { kind, value, raw, start, end, port, field, via, refused } = self;
        let (field, via, refused) = (field.as_deref(), via.as_deref(), refused.as_deref());
        (kind.name(), value.as_str(), raw, start, end, port, field, via, refused).into_pyobject(py)
    }
}

/// Undoes the pickling of an extraction.
#[pyfunction]
#[pyo3(signature = (kind, value, raw, start, end, port, field=None, via=None, refused=None))]
#[allow(clippy::too_many_arguments, reason = "the fields of an extraction")]
pub(crate) fn _extraction(
    kind: &str,
    value: String,
    raw: Py<PyAny>,
    start: usize,
    end: usize,
    port: Option<u16>,
    field: Option<String>,
    via: Option<String>,
    refused: Option<String>,
) -> PyResult<Extraction> {
    Ok(Extraction { kind: self::kind(kind)?, value, raw, start, end, port, field, via, refused })
}

/// Finds every observable in data, by place.
///
/// data is a str or any contiguous buffer, which is borrowed until the iterator is done. kinds are names of
/// kinds, or "all"; without them, every kind that has a shape of its own and is not a name of a person's
/// things (phone, iban, payment-card, file-name, user-agent, purl). refang is a level, or True for the usual one.
/// nested adds observables inside others, such as the host of a URL. fields reads lines as records: each observable
/// has the name of its field, and what stands in several fields is put together; only_fields names the fields that
/// count. explain adds what is refused, with the rule in refused; without names rules that are not asked. wrapped adds
/// hashes and URLs that the end of a line cuts; their via is "wrapped".
#[pyfunction]
#[pyo3(signature = (data, kinds=None, refang=None, *, nested=false, fields=false, only_fields=None, explain=false, without=None, wrapped=false), text_signature = "(data, kinds=None, refang=True, *, nested=False, fields=False, only_fields=None, explain=False, without=None, wrapped=False)")]
#[allow(clippy::too_many_arguments, reason = "keywords of a Python call")]
pub(crate) fn extract(
    data: &Bound<'_, PyAny>,
    kinds: Option<&Bound<'_, PyAny>>,
    refang: Option<&Bound<'_, PyAny>>,
    nested: bool,
    fields: bool,
    only_fields: Option<&Bound<'_, PyAny>>,
    explain: bool,
    without: Option<&Bound<'_, PyAny>>,
    wrapped: bool,
) -> PyResult<ExtractionIterator> {
    caught(|| {
        let all =
            kinds.is_some_and(|k| k.cast::<PyString>().is_ok_and(|k| k.to_str().is_ok_and(|k| k == "all")));
        let kinds = if all {
            Kind::ALL.to_vec()
        } else {
            strings(kinds)?.iter().map(|name| kind(name)).collect::<PyResult<_>>()?
        };
        let options = ExtractOptions {
            kinds,
            refang: level(refang, Refang::Usual)?,
            nested,
            fields,
            only_fields: strings(only_fields)?,
            explain,
            without: each(without)?,
            wrapped,
            ..ExtractOptions::default()
        };
        let state = State {
            input: Input::new(data)?,
            header: Header::default(),
            base: 0,
            found: Vec::new().into_iter(),
        };
        Ok(ExtractionIterator { options, state: Mutex::new(Some(state)) })
    })
}

struct State {
    input: Input,
    header: Header,
    base: usize,
    /// What is left of the current block.
    found: vec::IntoIter<indicia::Extraction>,
}

/// The observables of data. Holds those of one block (64 KiB, or the longest line) at a time.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct ExtractionIterator {
    options: ExtractOptions,
    /// `None` when done: the data is let go.
    state: Mutex<Option<State>>,
}

#[pymethods]
impl ExtractionIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Extraction>> {
        caught(|| {
            let mut guard = self.state.lock_py_attached(py).map_err(|_| internal())?;
            let Some(state) = guard.as_mut() else { return Ok(None) };
            loop {
                if let Some(e) = state.found.next() {
                    let (start, end, raw) = state.input.span(py, state.base + e.start, state.base + e.end)?;
                    return Ok(Some(Extraction {
                        kind: e.kind,
                        value: e.value,
                        raw,
                        start,
                        end,
                        port: e.port,
                        field: e.field,
                        via: e.via.map(str::to_string),
                        refused: e.refused.map(|rule| rule.slug().to_string()),
                    }));
                }
                let State { input, header, .. } = &mut *state;
                let block = input.block(py, self.options.wrapped, |block| {
                    let mut found = Vec::new();
                    let _ = indicia::extract_behind(header, block, &self.options, &mut |e| {
                        found.push(e);
                        ControlFlow::Continue(())
                    });
                    if self.options.reads_fields() {
                        header.read(block);
                    }
                    found
                })?;
                let Some((base, found)) = block else {
                    *guard = None;
                    return Ok(None);
                };
                (state.base, state.found) = (base, found.into_iter());
                py.check_signals()?;
            }
        })
    }
}
