//! `Indicator` and `Context`: the record, read from the set that holds it.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indicia::{IndicatorRef, IndicatorSet as Set, Kind, Match, Time, refang};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::error::{caught, internal, loads, record};
use crate::options::time;

/// One indicator, with the contexts that count.
pub(crate) enum Record {
    /// In a set; `contexts` are the places of those that count among all of the indicator's.
    Listed {
        /// The set.
        set: Set,
        /// The number of the indicator.
        index: u32,
        /// The contexts.
        contexts: Box<[u32]>,
    },
    /// By itself: it was pickled.
    Owned(Box<indicia::Indicator>),
}

impl Record {
    fn listed(set: &Set, index: u32) -> PyResult<IndicatorRef<'_>> {
        set.get(index).ok_or_else(internal)
    }

    fn kind(&self) -> PyResult<Kind> {
        match self {
            Record::Listed { set, index, .. } => Ok(Record::listed(set, *index)?.kind()),
            Record::Owned(indicator) => Ok(indicator.target.observable.kind()),
        }
    }

    fn value(&self) -> PyResult<Cow<'_, str>> {
        match self {
            Record::Listed { set, index, .. } => Ok(Record::listed(set, *index)?.value().into()),
            Record::Owned(indicator) => Ok(indicator.target.value()),
        }
    }

    fn match_(&self) -> PyResult<Match> {
        match self {
            Record::Listed { set, index, .. } => Ok(Record::listed(set, *index)?.match_()),
            Record::Owned(indicator) => Ok(indicator.target.match_),
        }
    }

    fn group(&self) -> PyResult<Option<&str>> {
        match self {
            Record::Listed { set, index, .. } => Ok(Record::listed(set, *index)?.group()),
            Record::Owned(indicator) => Ok(indicator.group.as_deref()),
        }
    }

    fn count(&self) -> usize {
        match self {
            Record::Listed { contexts, .. } => contexts.len(),
            Record::Owned(indicator) => indicator.contexts.len(),
        }
    }

    fn context(&self, number: usize) -> PyResult<&indicia::Context> {
        match self {
            Record::Listed { set, index, contexts } => {
                let place = contexts.get(number).ok_or_else(internal)?;
                Record::listed(set, *index)?.contexts().nth(*place as usize).ok_or_else(internal)
            }
            Record::Owned(indicator) => indicator.contexts.get(number).ok_or_else(internal),
        }
    }

    fn json(&self) -> PyResult<String> {
        let made;
        let indicator = match self {
            Record::Listed { set, index, contexts } => {
                let mut indicator = Record::listed(set, *index)?.to_indicator();
                let mut place = 0;
                indicator.contexts.retain(|_| {
                    place += 1;
                    contexts.contains(&(place - 1))
                });
                made = indicator;
                &made
            }
            Record::Owned(indicator) => &**indicator,
        };
        serde_json::to_string(indicator).map_err(|_| internal())
    }
}

/// A target with its contexts: what to look for, and what feeds say of it.
///
/// That of a hit has only the contexts that passed the filters.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct Indicator(pub(crate) Arc<Record>);

#[pymethods]
impl Indicator {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("kind", "value", "match")
    }

    /// The kind of the listed value.
    #[getter]
    fn kind(&self) -> PyResult<&'static str> {
        Ok(self.0.kind()?.name())
    }

    /// The listed value in canonical form; `*.name` where only names below match.
    #[getter]
    fn value(&self) -> PyResult<Cow<'_, str>> {
        self.0.value()
    }

    /// How it matches: exact, subdomains, network, prefix, mask or pattern.
    #[getter]
    fn r#match(&self) -> PyResult<&'static str> {
        Ok(self.0.match_()?.name())
    }

    /// Ties the parts of one composite record together.
    #[getter]
    fn group(&self) -> PyResult<Option<&str>> {
        self.0.group()
    }

    /// What feeds say of it, one context a feed record.
    #[getter]
    pub(crate) fn contexts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let contexts = (0..self.0.count()).map(|number| Context { record: Arc::clone(&self.0), number });
        let contexts: Vec<_> = contexts.map(|context| Bound::new(py, context)).collect::<PyResult<_>>()?;
        PyTuple::new(py, contexts)
    }

    /// The record as a dictionary.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.to_json(py)?)
    }

    /// The record as one line of JSON.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        caught(|| py.detach(|| self.0.json()))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Indicator>() else { return Ok(false) };
        let other = &other.get().0;
        if let (
            Record::Listed { set: a, index: i, contexts: c },
            Record::Listed { set: b, index: j, contexts: d },
        ) = (&*self.0, &**other)
            && a.digest() == b.digest()
        {
            return Ok((i, c) == (j, d));
        }
        Ok(self.0.json()? == other.json()?)
    }

    fn __hash__(&self) -> PyResult<u64> {
        let mut hasher = DefaultHasher::new();
        (self.0.kind()?, self.0.value()?, self.0.match_()?).hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (kind, match_) = (self.0.kind()?, self.0.match_()?);
        let value = defanged(py, kind, &self.0.value()?)?;
        let count = self.0.count();
        let s = if count == 1 { "" } else { "s" };
        Ok(format!("Indicator(kind='{kind}', value={value}, match='{match_}', <{count} context{s}>)"))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.import("indicia._indicia")?.getattr("_indicator")?, (self.to_json(py)?,)))
    }
}

/// Undoes the pickling of an indicator.
#[pyfunction]
pub(crate) fn _indicator(json: &str) -> PyResult<Indicator> {
    caught(|| {
        let indicator = serde_json::from_str(json).map_err(|_| crate::error::invalid("not a record"))?;
        Ok(Indicator(Arc::new(Record::Owned(Box::new(indicator)))))
    })
}

/// A value as Python shows a string, defanged.
pub(crate) fn defanged(py: Python<'_>, kind: Kind, value: &str) -> PyResult<String> {
    // The star of `*.name` is not part of the name.
    let (star, name) = value.strip_prefix("*.").map_or(("", value), |name| ("*[.]", name));
    let shown = format!("{star}{}", refang::defang(kind, name));
    Ok(PyString::new(py, &shown).repr()?.to_string())
}

/// What one feed says of an indicator.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct Context {
    record: Arc<Record>,
    number: usize,
}

impl Context {
    fn get(&self) -> PyResult<&indicia::Context> {
        self.record.context(self.number)
    }
}

/// A list of records of one class, each with its fields.
macro_rules! records {
    ($py:ident, $class:literal, $items:expr, |$item:ident| { $($field:literal: $value:expr,)* }) => {{
        let mut made = Vec::new();
        for $item in $items {
            let fields = PyDict::new($py);
            $(fields.set_item($field, $value)?;)*
            made.push(record($py, $class, &fields)?);
        }
        PyTuple::new($py, made)
    }};
}

#[pymethods]
impl Context {
    /// The name of the feed.
    #[getter]
    fn feed(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.feed.as_deref())
    }

    /// Who made the statement.
    #[getter]
    fn producer(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.producer.as_deref())
    }

    /// The id that the source gives the record.
    #[getter]
    fn source_id(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.source_id.as_deref())
    }

    /// What the value is in the case.
    #[getter]
    fn role(&self) -> PyResult<Option<&'static str>> {
        Ok(self.get()?.role.map(indicia::Role::name))
    }

    /// Labels and tags, as written.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.get()?.labels)
    }

    /// The name of the threat.
    #[getter]
    fn threat(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.threat.as_deref())
    }

    /// How sure the producer is.
    #[getter]
    fn confidence<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(confidence) = &self.get()?.confidence else { return Ok(None) };
        let fields = PyDict::new(py);
        fields.set_item("value", loads(py, &confidence.value.to_string())?)?;
        fields.set_item("scale", &confidence.scale)?;
        fields.set_item("source", &confidence.source)?;
        record(py, "Confidence", &fields).map(Some)
    }

    /// First seen by the producer.
    #[getter]
    fn first_seen<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        datetime(py, self.get()?.first_seen)
    }

    /// Last seen by the producer.
    #[getter]
    fn last_seen<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        datetime(py, self.get()?.last_seen)
    }

    /// Valid from, inclusive.
    #[getter]
    fn valid_from<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        datetime(py, self.get()?.valid_from)
    }

    /// Valid until, exclusive.
    #[getter]
    fn valid_until<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        datetime(py, self.get()?.valid_until)
    }

    /// Taken back by the producer.
    #[getter]
    fn revoked(&self) -> PyResult<Option<bool>> {
        Ok(self.get()?.revoked)
    }

    /// Who may see it: clear, green, amber, amber+strict or red.
    #[getter]
    fn tlp(&self) -> PyResult<Option<&'static str>> {
        Ok(self.get()?.tlp.map(indicia::Tlp::name))
    }

    /// What may be done with it: clear, green, amber or red.
    #[getter]
    fn pap(&self) -> PyResult<Option<&'static str>> {
        Ok(self.get()?.pap.map(indicia::Pap::name))
    }

    /// What it may be used for.
    #[getter]
    fn purposes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.get()?.purposes)
    }

    /// Countries concerned.
    #[getter]
    fn countries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        records!(py, "Country", &self.get()?.countries, |country| {
            "code": &country.code,
            "basis": &country.basis,
            "evidence": &country.evidence,
            "date": datetime(py, country.date)?,
            "strength": &country.strength,
        })
    }

    /// The autonomous system.
    #[getter]
    fn asn(&self) -> PyResult<Option<u32>> {
        Ok(self.get()?.asn)
    }

    /// The hosting provider.
    #[getter]
    fn provider(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.provider.as_deref())
    }

    /// Links to reports, as written.
    #[getter]
    fn references<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.get()?.references)
    }

    /// Free text.
    #[getter]
    fn description(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.description.as_deref())
    }

    /// The way it came.
    #[getter]
    fn hops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        records!(py, "Hop", &self.get()?.hops, |hop| {
            "who": &hop.who,
            "when": datetime(py, hop.when)?,
            "agreement": &hop.agreement,
            "action": &hop.action,
        })
    }

    /// What the record holds beside, by the source's own names.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &serde_json::to_string(&self.get()?.extra).map_err(|_| internal())?)
    }

    /// Whether the statement holds at a time; None where the context gives no bound.
    fn valid_at(&self, at: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
        Ok(self.get()?.valid_at(time(at)?))
    }

    /// The context as a dictionary, as it stands in the record.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.to_json()?)
    }

    /// The context as JSON, as it stands in the record.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(self.get()?).map_err(|_| internal())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Context>() else { return Ok(false) };
        Ok(self.get()? == other.get().get()?)
    }

    fn __hash__(&self) -> PyResult<u64> {
        let mut hasher = DefaultHasher::new();
        let context = self.get()?;
        (&context.feed, &context.source_id, context.role, &context.labels).hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let context = self.get()?;
        let shown = |value: Option<&str>| -> PyResult<String> {
            value.map_or(Ok("None".to_string()), |value| Ok(PyString::new(py, value).repr()?.to_string()))
        };
        Ok(format!(
            "Context(feed={}, role={}, tlp={}, <…>)",
            shown(context.feed.as_deref())?,
            shown(context.role.map(indicia::Role::name))?,
            shown(context.tlp.map(indicia::Tlp::name))?,
        ))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Indicator, usize))> {
        let function = py.import("indicia._indicia")?.getattr("_context")?;
        Ok((function, (Indicator(Arc::clone(&self.record)), self.number)))
    }
}

/// Undoes the pickling of a context.
#[pyfunction]
pub(crate) fn _context(indicator: &Bound<'_, Indicator>, number: usize) -> PyResult<Context> {
    let record = Arc::clone(&indicator.get().0);
    record.context(number)?;
    Ok(Context { record, number })
}

/// An aware `datetime`, UTC, to the microsecond. What lies outside the years 1 to 9999 becomes their edge.
fn datetime(py: Python<'_>, time: Option<Time>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static PARSE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let Some(time) = time else { return Ok(None) };
    let class = || py.import("datetime")?.getattr("datetime");
    let parse = PARSE.get_or_try_init(py, || PyResult::Ok(class()?.getattr("fromisoformat")?.unbind()))?;
    match parse.bind(py).call1((time.to_string(),)) {
        Ok(found) => Ok(Some(found)),
        Err(_) => {
            let edge = class()?.getattr(if time.unix() < 0 { "min" } else { "max" })?;
            let zone = PyDict::new(py);
            zone.set_item("tzinfo", py.import("datetime")?.getattr("timezone")?.getattr("utc")?)?;
            edge.call_method("replace", (), Some(&zone)).map(Some)
        }
    }
}
