//! From reasons to exceptions: one map, and the border that no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use indicia::{ParseError as Refused, Reason};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

mod python {
    #![allow(
        missing_docs,
        reason = "the classes are documented where they are defined: python/indicia/errors.py"
    )]
    pyo3::import_exception!(indicia.errors, ParseError);
    pyo3::import_exception!(indicia.errors, FeedError);
    pyo3::import_exception!(indicia.errors, SetError);
    pyo3::import_exception!(indicia.errors, SetNotFoundError);
    pyo3::import_exception!(indicia.errors, InternalError);
    pyo3::import_exception!(indicia.errors, ExchangeError);
}

/// Runs the body of a call. A panic becomes `InternalError`, which is an ordinary `Exception`.
pub(crate) fn caught<T>(body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(internal()))
}

/// The error for what must not happen.
pub(crate) fn internal() -> PyErr {
    python::InternalError::new_err((Reason::Panic.message(), Reason::Panic.code(), Reason::Panic.slug()))
}

/// An argument that the call cannot take.
pub(crate) fn invalid(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

/// A value that the grammar of its kind refuses.
pub(crate) fn parse(error: Refused) -> PyErr {
    python::ParseError::new_err((error.to_string(), error.reason.code(), error.reason.slug()))
}

/// A feed that could not be read.
pub(crate) fn feed(name: &str, reason: Reason, message: &str) -> PyErr {
    python::FeedError::new_err((format!("{name}: {message}"), reason.code(), reason.slug()))
}

/// Something about sharing that failed; `detail` is the code of a refusal.
pub(crate) fn exchange(message: String, reason: Reason, detail: &str) -> PyErr {
    python::ExchangeError::new_err((message, reason.code(), reason.slug(), detail.to_string()))
}

/// A set that could not be read, for another cause than its file.
pub(crate) fn set(message: String, reason: Reason) -> PyErr {
    python::SetError::new_err((message, reason.code(), reason.slug()))
}

/// A set file that could not be read or written; has `errno` and `filename` where the system said why.
pub(crate) fn file(py: Python<'_>, error: &indicia::Error) -> PyErr {
    let arguments = (error.to_string(), error.reason().code(), error.reason().slug());
    let indicia::Error::Io { path, source } = error else { return python::SetError::new_err(arguments) };
    let raised = if source.kind() == std::io::ErrorKind::NotFound {
        python::SetNotFoundError::new_err(arguments)
    } else {
        python::SetError::new_err(arguments)
    };
    match place(py, &raised, path, source) {
        Ok(()) => raised,
        Err(error) => error,
    }
}

fn place(py: Python<'_>, raised: &PyErr, path: &Path, source: &std::io::Error) -> PyResult<()> {
    let value = raised.value(py);
    value.setattr("errno", source.raw_os_error())?;
    value.setattr("strerror", source.to_string())?;
    value.setattr("filename", path)
}

/// `json.loads`.
pub(crate) fn loads<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (json,))
}

/// Calls a class of `indicia.records` with named fields.
pub(crate) fn record<'py>(
    py: Python<'py>,
    class: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("indicia.records")?.getattr(class)?.call((), Some(fields))
}
