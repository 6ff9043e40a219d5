//! `indicia` for Python: the module `indicia._indicia`, which the package `indicia` re-exports.
//!
//! A thin skin: every rule is the core's. What is decided here: input is borrowed and read block by block
//! (`data`), records are read from the set that holds them (`record`), the interpreter's lock is released in
//! every call that does work, a panic becomes an ordinary exception (`error`). Classes with behaviour are Rust;
//! plain records (`Guard`, `Country` …) are dataclasses in `python/indicia/records.py`.

mod data;
mod error;
mod exchange;
mod hit;
mod observable;
mod options;
mod record;
mod set;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _indicia {
    use indicia::{Kind, Reason};
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyTuple};

    #[pymodule_export]
    use crate::exchange::{
        _decide, _feedback, _keygen, _receive, _revoke, _share, _withheld_reasons, Agreement, Ledger,
    };
    #[pymodule_export]
    use crate::hit::{_hit, Hit, HitIterator};
    #[pymodule_export]
    use crate::observable::{
        _extraction, _observable, Extraction, ExtractionIterator, Observable, defang, extract, normalize,
        parse, refang_text,
    };
    #[pymodule_export]
    use crate::options::ScanOptions;
    #[pymodule_export]
    use crate::record::{_context, _indicator, Context, Indicator};
    #[pymodule_export]
    use crate::set::{_open, IndicatorIterator, IndicatorSet};

    /// The names of all kinds, by number.
    #[pyfunction]
    fn kinds(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, Kind::ALL.iter().map(|kind| kind.name()))
    }

    /// Puts newer tables in the place of those built in, for the whole process.
    ///
    /// psl is public_suffix_list.dat of publicsuffix.org, tlds is tlds-alpha-by-domain.txt of IANA, shared_hosting a table
    /// with a name, a tab and a class a line. It comes before everything else, and once for each.
    /// Raises ValueError where a file is broken (with its line) or a table is in use already, OSError where a file
    /// cannot be read.
    #[pyfunction]
    #[pyo3(signature = (*, psl=None, tlds=None, shared_hosting=None))]
    fn use_tables(
        py: Python<'_>,
        psl: Option<std::path::PathBuf>,
        tlds: Option<std::path::PathBuf>,
        shared_hosting: Option<std::path::PathBuf>,
    ) -> PyResult<()> {
        let files = indicia::TableFiles { public_suffixes: psl, top_level_domains: tlds, shared_hosting };
        crate::error::caught(|| {
            py.detach(|| indicia::use_tables(&files)).map_err(|error| match error {
                indicia::Error::Io { path, source } => {
                    let told = format!("{}: {source}", path.display());
                    std::io::Error::new(source.kind(), told).into()
                }
                other => crate::error::invalid(other.to_string()),
            })
        })
    }

    /// Every reason for which something can be refused or fail: its slug and its number.
    #[pyfunction]
    fn reasons(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let reasons = PyDict::new(py);
        for reason in Reason::ALL {
            reasons.set_item(reason.slug(), reason.code())?;
        }
        Ok(reasons)
    }

    /// Panics, to show what becomes of it. Not in release builds.
    #[cfg(debug_assertions)]
    #[pyfunction]
    fn _panic() -> PyResult<()> {
        crate::error::caught(|| -> PyResult<()> {
            let nothing: Option<&str> = std::hint::black_box(None);
            assert!(nothing.is_some(), "asked to panic by a test");
            Ok(())
        })
    }

    /// Takes the helpers of pickling out of `__all__`.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let mut names: Vec<String> = module.index()?.extract()?;
        names.retain(|name| !name.starts_with('_') || name == "__version__");
        module.setattr("__all__", names)
    }

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the usual name in Python")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
