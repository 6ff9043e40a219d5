//! Input: `str` and buffers, borrowed, read block by block.
//!
//! The core's spans are bytes of UTF-8 or of the buffer; what Python sees are code points of a `str` and bytes of
//! a buffer. A block ends behind a line's end, as the core's own blocks do, so that the hits are those of one
//! scan of the whole input while only one block's hits are held.
//!
//! A buffer that is writable could change while a block is read without the interpreter's lock: its blocks are
//! copied first, one at a time. A read-only buffer and the UTF-8 of a `str` are never copied.

use std::borrow::Cow;

use indicia::Reason;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// A block ends at the first line's end behind this many bytes.
const BLOCK: usize = 64 * 1024;

enum Data {
    /// A string; its UTF-8 lives as long as it.
    Text(Py<PyString>),
    /// A string with lone surrogates, and its bytes with `surrogatepass`.
    Surrogates(Py<PyString>, Py<PyBytes>),
    Buffer(PyUntypedBuffer),
}

/// Input with the place up to which it was read.
pub(crate) struct Input {
    data: Data,
    /// The current block, where it had to be copied.
    copy: Option<Vec<u8>>,
    /// The first byte of the current block.
    base: usize,
    /// The first byte of the next.
    next: usize,
    /// A byte, and the number of code points in front of it.
    seen: (usize, usize),
}

impl Input {
    /// Borrows a `str` or anything with a contiguous buffer.
    pub(crate) fn new(data: &Bound<'_, PyAny>) -> PyResult<Input> {
        let py = data.py();
        let data = if let Ok(text) = data.cast::<PyString>() {
            match text.to_str() {
                Ok(_) => Data::Text(text.clone().unbind()),
                Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
                    let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
                    Data::Surrogates(text.clone().unbind(), bytes.cast_into::<PyBytes>()?.unbind())
                }
                Err(error) => return Err(error),
            }
        } else {
            Data::Buffer(buffer(data)?)
        };
        let copy = matches!(&data, Data::Buffer(buffer) if !buffer.readonly()).then(Vec::new);
        Ok(Input { data, copy, base: 0, next: 0, seen: (0, 0) })
    }

    fn bytes<'a>(&'a self, py: Python<'a>) -> PyResult<&'a [u8]> {
        match &self.data {
            Data::Text(text) => Ok(text.bind(py).to_str()?.as_bytes()),
            Data::Surrogates(_, bytes) => Ok(bytes.as_bytes(py)),
            Data::Buffer(buffer) => Ok(buffer_bytes(buffer)),
        }
    }

    /// Hands the next block to `read`, without the interpreter's lock; `None` behind the last. With the block
    /// goes the offset of its first byte. Where values are read that lines cut (`wrapped`), no block ends inside one.
    pub(crate) fn block<T: Send>(
        &mut self,
        py: Python<'_>,
        wrapped: bool,
        read: impl FnOnce(&[u8]) -> T + Send,
    ) -> PyResult<Option<(usize, T)>> {
        let mut copy = self.copy.take();
        let bytes = self.bytes(py)?;
        let base = self.next;
        let Some(rest) = bytes.get(base..).filter(|rest| !rest.is_empty()) else {
            self.copy = copy;
            return Ok(None);
        };
        let end = indicia::block_end(rest, BLOCK, wrapped);
        let result = match &mut copy {
            Some(copy) => {
                copy.clear();
                copy.extend_from_slice(&rest[..end]);
                let block = copy.as_slice();
                py.detach(|| read(block))
            }
            None => {
                let block = &rest[..end];
                py.detach(|| read(block))
            }
        };
        (self.copy, self.base, self.next) = (copy, base, base + end);
        Ok(Some((base, result)))
    }

    /// What Python sees of a span of the current block: its offsets, and the piece of the input.
    pub(crate) fn span(
        &mut self,
        py: Python<'_>,
        start: usize,
        end: usize,
    ) -> PyResult<(usize, usize, Py<PyAny>)> {
        if let Some(copy) = &self.copy {
            let piece = copy.get(start - self.base..end - self.base).unwrap_or_default();
            return Ok((start, end, PyBytes::new(py, piece).into_any().unbind()));
        }
        let bytes = self.bytes(py)?;
        let piece = bytes.get(start..end).unwrap_or_default();
        let text = match &self.data {
            Data::Buffer(_) => return Ok((start, end, PyBytes::new(py, piece).into_any().unbind())),
            Data::Surrogates(text, _) | Data::Text(text) => text,
        };
        let (byte, point) = if self.seen.0 <= start { self.seen } else { (0, 0) };
        let from = point + points(&bytes[byte..start]);
        let to = from + points(piece);
        let raw = match std::str::from_utf8(piece) {
            Ok(piece) => PyString::new(py, piece).into_any().unbind(),
            Err(_) => {
                text.bind(py).get_item(pyo3::types::PySlice::new(py, from as isize, to as isize, 1))?.unbind()
            }
        };
        self.seen = (start, from);
        Ok((from, to, raw))
    }
}

/// Code points that begin in these bytes.
fn points(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The buffer of an object, as it lies in memory.
fn buffer(data: &Bound<'_, PyAny>) -> PyResult<PyUntypedBuffer> {
    let buffer = PyUntypedBuffer::get(data).map_err(|error| {
        if error.is_instance_of::<PyTypeError>(data.py()) {
            PyTypeError::new_err(
                "the data must be str or have a buffer (bytes, bytearray, memoryview, mmap, array)",
            )
        } else {
            error
        }
    })?;
    if !buffer.is_c_contiguous() {
        return Err(PyValueError::new_err(
            "the buffer is not contiguous; copy it first, for instance with bytes()",
        ));
    }
    Ok(buffer)
}

/// A copy of the bytes of a whole buffer, or a borrow where it is read-only; for calls that take small values
/// and whole set files.
pub(crate) fn whole(buffer: &WholeBuffer) -> Cow<'_, [u8]> {
    let bytes = buffer_bytes(&buffer.0);
    if buffer.0.readonly() { Cow::Borrowed(bytes) } else { Cow::Owned(bytes.to_vec()) }
}

/// A buffer that is read at once.
pub(crate) struct WholeBuffer(PyUntypedBuffer);

impl WholeBuffer {
    pub(crate) fn new(data: &Bound<'_, PyAny>) -> PyResult<WholeBuffer> {
        buffer(data).map(WholeBuffer)
    }
}

/// The text of a value: `str`, or a buffer of UTF-8.
pub(crate) fn text<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    match value.cast::<PyString>() {
        Ok(text) => match text.to_str() {
            Ok(text) => Ok(Cow::Borrowed(text)),
            // No grammar takes a lone surrogate; the replacement character is refused for the same reason.
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(value.py()) => {
                Ok(text.to_string_lossy())
            }
            Err(error) => Err(error),
        },
        Err(_) => Err(PyTypeError::new_err(format!(
            "a value is a str, not {}; {}",
            value.get_type().name()?,
            Reason::InvalidArgument.message()
        ))),
    }
}

fn buffer_bytes(buffer: &PyUntypedBuffer) -> &[u8] {
    let length = buffer.len_bytes();
    if length == 0 || buffer.buf_ptr().is_null() {
        return &[];
    }
    // SAFETY: the exporter keeps `len_bytes` contiguous bytes at `buf_ptr` for as long as `buffer` is not
    // released, which the borrow forbids (contiguity was checked in `buffer`). Nobody writes meanwhile: a writable buffer is read
    // only with the interpreter attached, to copy a block; a read-only one is its exporter's promise.
    unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), length) }
}
