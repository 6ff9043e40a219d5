//! `ScanOptions`: how to scan and look up.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use indicia::{
    AsOf, Filter, Guards, Kind, Profile, Refang, ScanRefang, Time, Tlp, UnknownProfile, UnreadList,
    UnreadReason, Warninglist,
};
use pyo3::exceptions::{PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use crate::error::{caught, invalid};

/// How to scan and look up. Make one and use it again where a call is small or warninglists are large.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct ScanOptions(pub(crate) Arc<indicia::ScanOptions>);

#[pymethods]
impl ScanOptions {
    #[new]
    #[pyo3(signature = (*, refang=None, roles=None, labels=None, min_confidence=None, max_tlp=None, as_of=None,
        revoked=false, ignore_ports=false, url_hosts=false, strict_scheme=false, guards=true, warninglists=None,
        fields=false, only_fields=None))]
    #[pyo3(
        text_signature = "(*, refang='off', roles=None, labels=None, min_confidence=None, max_tlp=None, as_of=None, \
        revoked=False, ignore_ports=False, url_hosts=False, strict_scheme=False, guards=True, warninglists=None, \
        fields=False, only_fields=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords of a Python call")]
    fn new(
        py: Python<'_>,
        refang: Option<&Bound<'_, PyAny>>,
        roles: Option<&Bound<'_, PyAny>>,
        labels: Option<&Bound<'_, PyAny>>,
        min_confidence: Option<f64>,
        max_tlp: Option<&str>,
        as_of: Option<&Bound<'_, PyAny>>,
        revoked: bool,
        ignore_ports: bool,
        url_hosts: bool,
        strict_scheme: bool,
        guards: bool,
        warninglists: Option<&Bound<'_, PyAny>>,
        fields: bool,
        only_fields: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ScanOptions> {
        caught(|| {
            let filter = Filter {
                roles: each(roles)?,
                labels: strings(labels)?,
                min_confidence,
                max_tlp: max_tlp.map(named::<Tlp>).transpose()?,
                as_of: as_of.map(moment).transpose()?.unwrap_or_default(),
                revoked,
            };
            let paths = paths(warninglists)?;
            let guards = if guards {
                Guards { lists: py.detach(|| warninglists_of(&paths))?, ..Guards::default() }
            } else {
                Guards::off()
            };
            Ok(ScanOptions(Arc::new(indicia::ScanOptions {
                filter,
                guards,
                refang: ScanRefang(level(refang, Refang::Off)?),
                ignore_ports,
                url_hosts,
                strict_scheme,
                fields,
                only_fields: strings(only_fields)?,
            })))
        })
    }
}

impl ScanOptions {
    /// The options of a call: an object, keywords, or neither.
    pub(crate) fn of(
        py: Python<'_>,
        options: Option<&Bound<'_, ScanOptions>>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Arc<indicia::ScanOptions>> {
        match (options, keywords.filter(|k| !k.is_empty())) {
            (Some(_), Some(_)) => Err(PyTypeError::new_err("give options or keywords, not both")),
            (Some(options), None) => Ok(Arc::clone(&options.get().0)),
            (None, Some(keywords)) => {
                let made = py.get_type::<ScanOptions>().call((), Some(keywords))?;
                Ok(Arc::clone(&made.cast_into::<ScanOptions>()?.get().0))
            }
            (None, None) => Ok(Arc::default()),
        }
    }
}

/// A level of refanging: its name, `True` for the usual one, `False` for none.
pub(crate) fn level(given: Option<&Bound<'_, PyAny>>, default: Refang) -> PyResult<Refang> {
    let Some(given) = given else { return Ok(default) };
    if let Ok(flag) = given.cast::<PyBool>() {
        return Ok(if flag.is_true() { Refang::Usual } else { Refang::Off });
    }
    let Ok(name) = given.cast::<PyString>() else {
        return Err(PyTypeError::new_err("refang is True, False or the name of a level"));
    };
    name.to_str()?.parse().map_err(|_| invalid("refang is one of off, strict, usual, aggressive"))
}

/// A profile by its name.
pub(crate) fn profile(name: Option<&str>) -> PyResult<Option<Profile>> {
    name.map(|name| name.parse().map_err(|e: UnknownProfile| invalid(format!("{name:?}: {e}")))).transpose()
}

/// A kind by its name.
pub(crate) fn kind(name: &str) -> PyResult<Kind> {
    Kind::from_name(name)
        .ok_or_else(|| invalid(format!("{name:?} is not the name of a kind; indicia.kinds() lists them")))
}

/// One string, or each of many.
pub(crate) fn strings(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    let Some(given) = given else { return Ok(Vec::new()) };
    if given.is_instance_of::<PyString>() {
        return Ok(vec![given.extract()?]);
    }
    given.try_iter()?.map(|item| item?.extract()).collect()
}

/// One path, or each of many.
pub(crate) fn paths(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<PathBuf>> {
    let Some(given) = given else { return Ok(Vec::new()) };
    if let Ok(path) = given.extract::<PathBuf>() {
        return Ok(vec![path]);
    }
    given.try_iter()?.map(|item| item?.extract()).collect()
}

/// Values with a fixed list of names: roles.
pub(crate) fn each<T: FromStr<Err: std::fmt::Display>>(given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<T>> {
    strings(given)?.iter().map(|name| named(name)).collect()
}

/// A value with a fixed list of names: a marking, a role.
pub(crate) fn named<T: FromStr<Err: std::fmt::Display>>(name: &str) -> PyResult<T> {
    name.parse().map_err(|error: T::Err| invalid(format!("{name:?} is {error}")))
}

/// `"now"`, `"event"`, a `datetime`, a `date`, or a text. No zone means UTC.
fn moment(given: &Bound<'_, PyAny>) -> PyResult<AsOf> {
    match given.cast::<PyString>() {
        Ok(text) => match text.to_str()? {
            "event" => Ok(AsOf::Event),
            "now" => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
                Ok(Time::from_unix(since).map_or(AsOf::Any, AsOf::At))
            }
            text => Ok(AsOf::At(named(text)?)),
        },
        Err(_) => time(given).map(AsOf::At),
    }
}

/// A `datetime` or a `date`.
pub(crate) fn time(given: &Bound<'_, PyAny>) -> PyResult<Time> {
    let Ok(text) = given.call_method0("isoformat") else {
        return Err(PyTypeError::new_err("a time is a datetime, a date or a str"));
    };
    named(text.cast::<PyString>()?.to_str()?)
}

fn warninglists_of(paths: &[PathBuf]) -> PyResult<Vec<Warninglist>> {
    let (lists, unread) = indicia::warninglists(paths);
    match unread.into_iter().next() {
        None => Ok(lists),
        Some(UnreadList { name, reason: UnreadReason::Io(error) }) => {
            Err(unreadable(Path::new(&name), &error))
        }
        Some(list) => Err(invalid(list.to_string())),
    }
}

/// A file that is no set and no feed: the usual `OSError`, with the path.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, error.to_string(), path.to_path_buf())),
        None => PyOSError::new_err(format!("{}: {error}", path.display())),
    }
}
