//! Hits, and the two ways to them: data that Python holds, pulled block by block; a file, pushed by a thread that
//! waits until what it found is taken.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::vec;

use indicia::chunks::{Chunk, Chunks};
use indicia::fields::Header;
use indicia::input::{Event, Visitor, Walker};
use indicia::{HitView, IndicatorSet as Set, Kind, Relation, Scratch};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::data::Input;
use crate::error::{caught, internal, record};
use crate::options::unreadable;
use crate::record::{Indicator, Record, defanged};

/// A hit apart from its data.
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    kind: Kind,
    value: String,
    relation: Relation,
    index: u32,
    guards: Vec<indicia::Guard>,
    contexts: Box<[u32]>,
    field: Option<String>,
    via: Option<&'static str>,
}

impl Found {
    fn new(view: &HitView<'_, '_>) -> Found {
        Found {
            start: view.start,
            end: view.end,
            kind: view.kind,
            value: view.value.to_string(),
            relation: view.relation,
            index: view.indicator.index(),
            guards: view.guards().to_vec(),
            contexts: places(&view.indicator, view.contexts()),
            field: view.field().map(str::to_string),
            via: view.via(),
        }
    }

    /// A hit of a lookup, with what was looked up as its raw form.
    pub(crate) fn of_lookup(hit: &indicia::Hit<'_>) -> Found {
        Found {
            start: hit.start,
            end: hit.end,
            kind: hit.kind,
            value: hit.value.clone(),
            relation: hit.relation,
            index: hit.indicator.index(),
            guards: hit.guards.clone(),
            contexts: places(&hit.indicator, hit.contexts.iter().copied()),
            field: None,
            via: None,
        }
    }

    pub(crate) fn into_hit(
        self,
        py: Python<'_>,
        set: &Set,
        span: Option<(usize, usize)>,
        raw: Py<PyAny>,
        file: Option<(&Arc<str>, u64)>,
    ) -> PyResult<Hit> {
        let mut guard = Vec::new();
        for reason in &self.guards {
            let fields = PyDict::new(py);
            fields.set_item("rule", &*reason.rule)?;
            fields.set_item("source", &*reason.source)?;
            guard.push(record(py, "Guard", &fields)?);
        }
        let listed = Record::Listed { set: set.clone(), index: self.index, contexts: self.contexts };
        Ok(Hit {
            start: span.map(|(start, _)| start),
            end: span.map(|(_, end)| end),
            raw,
            kind: self.kind.name(),
            value: self.value,
            relation: self.relation.name(),
            indicator: Py::new(py, Indicator(Arc::new(listed)))?,
            guard: PyTuple::new(py, guard)?.unbind(),
            path: file.map(|(path, _)| path.to_string()),
            line: file.map(|(_, line)| line),
            field: self.field,
            via: self.via.map(str::to_string),
        })
    }
}

/// The places of some of an indicator's contexts among all of them.
fn places<'s>(
    indicator: &indicia::IndicatorRef<'s>,
    some: impl Iterator<Item = &'s indicia::Context>,
) -> Box<[u32]> {
    let mut some = some.peekable();
    let mut places = Vec::new();
    for (place, context) in (0..).zip(indicator.contexts()) {
        if some.next_if(|wanted| std::ptr::eq(*wanted, context)).is_some() {
            places.push(place);
        }
    }
    places.into()
}

/// One place in data where an indicator matches.
#[pyclass(frozen, get_all, module = "indicia")]
pub(crate) struct Hit {
    /// Where it begins: code points of a str, bytes of a buffer or of what a file holds. None after lookup.
    start: Option<usize>,
    /// Behind its end.
    end: Option<usize>,
    /// The piece of the data: str of a str, bytes of a buffer or file; after lookup what was looked up.
    raw: Py<PyAny>,
    /// The kind of the observed value.
    kind: &'static str,
    /// The observed value in canonical form.
    value: String,
    /// How the indicator matches: exact, subdomain, network, endpoint, url-prefix, url-host …
    relation: &'static str,
    /// What matches, with the contexts that passed the filters.
    indicator: Py<Indicator>,
    /// Reasons to doubt the hit.
    guard: Py<PyTuple>,
    /// After scan_file: the file, with the member of an archive as archive!member.
    path: Option<String>,
    /// After scan_file: the line, from 1.
    line: Option<u64>,
    /// With fields=True: the name of the field that it stands in. Of a value that is put together from several
    /// fields, their names with + between them; its place is that of its host.
    field: Option<String>,
    /// What stands between the bytes and the value, where something does: "base64", "quoted-printable" and "encoded-word" of
    /// mail, "utf-16le" and "utf-16be", "entities" where refang undoes anything. The span covers what is encoded.
    via: Option<String>,
}

impl Hit {
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let Hit { start, end, raw, kind, value, relation, indicator, guard, path, line, field, via } = self;
        (
            start,
            end,
            raw,
            *kind,
            value.as_str(),
            *relation,
            indicator,
            guard,
            path.as_deref(),
            line,
            field.as_deref(),
            via.as_deref(),
        )
            .into_pyobject(py)
    }
}

#[pymethods]
impl Hit {
    #[classattr]
    fn __match_args__()
    -> (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str)
    {
        ("start", "end", "raw", "kind", "value", "relation", "indicator")
    }

    /// The contexts that passed the filters: those of the indicator.
    #[getter]
    fn contexts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.indicator.get().contexts(py)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Hit>() else { return Ok(false) };
        self.fields(py)?.eq(other.get().fields(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.fields(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let kind = Kind::from_name(self.kind).ok_or_else(internal)?;
        let value = defanged(py, kind, &self.value)?;
        let place = match (self.start, self.end) {
            (Some(start), Some(end)) => format!("start={start}, end={end}, "),
            _ => String::new(),
        };
        let indicator = self.indicator.bind(py).repr()?;
        let guard = if self.guard.bind(py).is_empty() { "" } else { ", <guarded>" };
        Ok(format!(
            "Hit({place}kind='{kind}', value={value}, relation='{}', indicator={indicator}{guard})",
            self.relation
        ))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((py.import("indicia._indicia")?.getattr("_hit")?, self.fields(py)?))
    }
}

/// Undoes the pickling of a hit. Its indicator comes without the set.
#[pyfunction]
#[pyo3(signature = (start, end, raw, kind, value, relation, indicator, guard, path, line, field=None, via=None))]
#[allow(clippy::too_many_arguments, reason = "the fields of a hit")]
pub(crate) fn _hit(
    start: Option<usize>,
    end: Option<usize>,
    raw: Py<PyAny>,
    kind: &str,
    value: String,
    relation: &str,
    indicator: Py<Indicator>,
    guard: Py<PyTuple>,
    path: Option<String>,
    line: Option<u64>,
    field: Option<String>,
    via: Option<String>,
) -> PyResult<Hit> {
    let relation = Relation::ALL.iter().find(|r| r.name() == relation).ok_or_else(internal)?.name();
    let kind = crate::options::kind(kind)?.name();
    Ok(Hit { start, end, raw, kind, value, relation, indicator, guard, path, line, field, via })
}

/// The hits in data or a file.
///
/// Holds those of one block at a time: 64 KiB of data, 256 KiB of a file, or the longest line. A file adds at most
/// four blocks that were read ahead.
#[pyclass(frozen, module = "indicia")]
pub(crate) struct HitIterator {
    set: Set,
    /// `None` when done: the data is let go.
    state: Mutex<Option<State>>,
}

enum State {
    Data {
        input: Input,
        options: Arc<indicia::ScanOptions>,
        scratch: Box<Scratch>,
        header: Header,
        base: usize,
        found: vec::IntoIter<Found>,
    },
    File {
        batches: Receiver<Batch>,
        path: Arc<str>,
        found: vec::IntoIter<InFile>,
        failed: Option<String>,
    },
}

/// What the thread that reads a file sends.
enum Batch {
    Hits(Arc<str>, Vec<InFile>),
    /// Something in the file could not be read; the rest goes on.
    Failed(String),
    Panicked,
}

struct InFile {
    found: Found,
    line: u64,
    raw: Box<[u8]>,
}

impl HitIterator {
    pub(crate) fn over_data(
        set: Set,
        data: &Bound<'_, PyAny>,
        options: Arc<indicia::ScanOptions>,
    ) -> PyResult<HitIterator> {
        let input = Input::new(data)?;
        let state = State::Data {
            input,
            options,
            scratch: Box::default(),
            header: Header::default(),
            base: 0,
            found: Vec::new().into_iter(),
        };
        Ok(HitIterator { set, state: Mutex::new(Some(state)) })
    }

    pub(crate) fn over_file(
        set: Set,
        path: PathBuf,
        options: Arc<indicia::ScanOptions>,
    ) -> PyResult<HitIterator> {
        // What cannot be read at all is said by the call itself.
        let opened = std::fs::metadata(&path)
            .and_then(|m| if m.is_dir() { Ok(()) } else { std::fs::File::open(&path).map(drop) });
        opened.map_err(|error| unreadable(&path, &error))?;
        let (sender, batches) = sync_channel(4);
        let reader = FileReader { set: set.clone(), options, sender };
        std::thread::Builder::new()
            .name("indicia-scan-file".to_string())
            .spawn(move || reader.run(&path))
            .map_err(PyErr::from)?;
        let state = State::File { batches, path: "".into(), found: Vec::new().into_iter(), failed: None };
        Ok(HitIterator { set, state: Mutex::new(Some(state)) })
    }
}

#[pymethods]
impl HitIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Hit>> {
        caught(|| {
            let mut guard = self.state.lock_py_attached(py).map_err(|_| internal())?;
            let Some(state) = guard.as_mut() else { return Ok(None) };
            let next = state.next(py, &self.set);
            if !matches!(next, Ok(Some(_))) {
                *guard = None;
            }
            next
        })
    }
}

impl State {
    fn next(&mut self, py: Python<'_>, set: &Set) -> PyResult<Option<Hit>> {
        match self {
            State::Data { input, options, scratch, header, base, found } => loop {
                if let Some(hit) = found.next() {
                    let (start, end, raw) = input.span(py, *base + hit.start, *base + hit.end)?;
                    return hit.into_hit(py, set, Some((start, end)), raw, None).map(Some);
                }
                let Some((at, hits)) = input.block(py, false, |block| {
                    let hits = scan(set, header, block, options, scratch);
                    if options.reads_fields() {
                        header.read(block);
                    }
                    hits
                })?
                else {
                    return Ok(None);
                };
                (*base, *found) = (at, hits.into_iter());
                py.check_signals()?;
            },
            State::File { batches, path, found, failed } => loop {
                if let Some(hit) = found.next() {
                    let raw = PyBytes::new(py, &hit.raw).into_any().unbind();
                    let span = (hit.found.start, hit.found.end);
                    return hit.found.into_hit(py, set, Some(span), raw, Some((path, hit.line))).map(Some);
                }
                // The receiver belongs to one thread at a time; the lock of the iterator sees to it.
                let receiver = Mutex::new(&mut *batches);
                let batch = py.detach(|| match receiver.into_inner() {
                    Ok(receiver) => receiver.recv_timeout(Duration::from_millis(100)),
                    Err(_) => Err(RecvTimeoutError::Disconnected),
                });
                match batch {
                    Ok(Batch::Hits(name, hits)) => (*path, *found) = (name, hits.into_iter()),
                    Ok(Batch::Failed(message)) => {
                        failed.get_or_insert(message);
                    }
                    Ok(Batch::Panicked) => return Err(internal()),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        return failed.take().map_or(Ok(None), |message| Err(PyOSError::new_err(message)));
                    }
                }
                py.check_signals()?;
            },
        }
    }
}

fn scan(
    set: &Set,
    header: &Header,
    block: &[u8],
    options: &indicia::ScanOptions,
    scratch: &mut Scratch,
) -> Vec<Found> {
    let mut found = Vec::new();
    let _ = set.scan_behind(header, block, options, scratch, &mut |view| {
        found.push(Found::new(view));
        ControlFlow::Continue(())
    });
    found
}

/// Reads a file on a thread of its own and sends hits until nobody takes them.
struct FileReader {
    set: Set,
    options: Arc<indicia::ScanOptions>,
    sender: SyncSender<Batch>,
}

impl FileReader {
    fn run(mut self, path: &std::path::Path) {
        let sender = self.sender.clone();
        let read = AssertUnwindSafe(|| {
            let _ = Walker::default().path(path, &mut self);
        });
        if catch_unwind(read).is_err() {
            let _ = sender.send(Batch::Panicked);
        }
    }
}

impl Visitor for FileReader {
    fn stream(&mut self, name: &str, _: &str, input: &mut dyn Read) -> io::Result<ControlFlow<()>> {
        let path: Arc<str> = name.into();
        let mut scratch = Scratch::default();
        let (mut chunks, mut chunk) =
            (Chunks::new(input).with_headers(self.options.reads_fields()), Chunk::default());
        while chunks.next_into(&mut chunk)? {
            let mut places = chunk.places();
            let found = scan(&self.set, chunk.header(), chunk.text(), &self.options, &mut scratch);
            let hits: Vec<InFile> = (found.into_iter())
                .map(|mut found| {
                    let raw = chunk.text()[found.start..found.end].into();
                    let line = places.line(found.start);
                    let (start, end) = places.span(found.start, found.end);
                    (found.start, found.end) = (start as usize, end as usize);
                    found.via = chunk.via().or(found.via);
                    InFile { found, line, raw }
                })
                .collect();
            if !hits.is_empty() && self.sender.send(Batch::Hits(Arc::clone(&path), hits)).is_err() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn event(&mut self, name: &str, event: Event) {
        if let Event::Failed(error) = event {
            let _ = self.sender.send(Batch::Failed(format!("{name}: {error}")));
        }
    }
}
