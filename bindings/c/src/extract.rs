//! Observables in a text, whether anybody lists them or not.

use std::ffi::c_void;
use std::ops::ControlFlow;

use indicia::{ExtractOptions, Reason, Refang, Rule, extract_with};

use crate::boundary::{Done, Fail, array, bytes, shared, status};
use crate::options::{Options, indicia_extract_options, texts};
use crate::status::indicia_status;
use crate::value::{indicia_kind, indicia_str, one_kind, refang};

/// One observable in a text. Its texts live until the callback returns.
#[repr(C)]
#[derive(Debug)]
pub struct indicia_observable {
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends: the byte behind it.
    pub end: usize,
    /// Its kind.
    pub kind: indicia_kind,
    /// The port that stands behind an address or name; 0 for none.
    pub port: u32,
    /// Its canonical form.
    pub value: indicia_str,
    /// The bytes from start to end, as they stand in the data.
    pub raw: indicia_str,
    /// The name of the field that it stands in, with INDICIA_EXTRACT_FIELDS; of what is put together from several
    /// fields their names with + between them, and the span is that of its host. Empty where there is none.
    pub field: indicia_str,
    /// What had to be undone between the bytes and the value beside defanging: "entities", "wrapped". Empty for nothing.
    pub via: indicia_str,
    /// The rule that refuses it, with INDICIA_EXTRACT_EXPLAIN; then it is none, and value is what it would be, or
    /// empty where it cannot be one. Empty where it is taken.
    pub refused: indicia_str,
}

/// Called with each observable; false stops. It must return: no longjmp, no exception.
pub type indicia_on_observable =
    Option<unsafe extern "C" fn(observable: *const indicia_observable, user: *mut c_void) -> bool>;

/// Calls on_observable for every observable in data (any bytes), by place: every kind that has a shape of its
/// own, defanging undone by the usual level, the outermost where one lies in another.
///
/// INDICIA_STOPPED where the callback returned false. user is handed to the callback as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_extract(
    data: indicia_str,
    on_observable: indicia_on_observable,
    user: *mut c_void,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { run(data, &ExtractOptions::default(), on_observable, user) }
    })
}

/// As indicia_extract, with options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_extract_with(
    options: *const indicia_extract_options,
    data: indicia_str,
    on_observable: indicia_on_observable,
    user: *mut c_void,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { run(data, &read_options(options)?, on_observable, user) }
    })
}

/// # Safety
/// As the header says of `indicia_extract`.
unsafe fn run(
    data: indicia_str,
    options: &ExtractOptions,
    callback: indicia_on_observable,
    user: *mut c_void,
) -> Done {
    // SAFETY: the caller's promise.
    let data = unsafe { bytes(data, "data") }?;
    let Some(callback) = callback else { return Err(Fail::argument("on_observable is null")) };
    let flow = extract_with(data, options, &mut |e| {
        let observable = indicia_observable {
            start: e.start,
            end: e.end,
            kind: e.kind.number().into(),
            port: e.port.map_or(0, u32::from),
            value: indicia_str::of(e.value.as_bytes()),
            raw: indicia_str::of(&data[e.start..e.end]),
            field: e.field.as_ref().map_or(indicia_str::NONE, |field| indicia_str::of(field.as_bytes())),
            via: e.via.map_or(indicia_str::NONE, |via| indicia_str::of(via.as_bytes())),
            refused: e.refused.map_or(indicia_str::NONE, |rule| indicia_str::of(rule.slug().as_bytes())),
        };
        // SAFETY: the caller promised a function of this type that returns.
        match unsafe { callback(&observable, user) } {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Reason::Stopped.into()),
    }
}

/// # Safety
/// As the header says of `indicia_extract_options`.
unsafe fn read_options(options: *const indicia_extract_options) -> Result<ExtractOptions, Fail> {
    // SAFETY: the caller's promise.
    let options = unsafe {
        let size = *shared(options.cast::<usize>(), "options")?;
        indicia_extract_options::read(options, size)?
    };
    if options.flags & !(NESTED | FIELDS | WRAPPED | EXPLAIN) != 0 {
        return Err(Fail::argument("flags has a bit that is not INDICIA_EXTRACT_*"));
    }
    // SAFETY: the caller's promise.
    let without = unsafe { texts(options.without, options.without_count, "without") }?;
    let rule = |name: &String| {
        name.parse::<Rule>()
            .map_err(|_| Fail::argument("without has something that is not the name of a rule"))
    };
    // SAFETY: the caller's promise.
    let kinds = unsafe { array(options.kinds, options.kind_count, "kinds") }?;
    Ok(ExtractOptions {
        kinds: kinds.iter().map(|kind| one_kind(*kind)).collect::<Result<_, _>>()?,
        refang: refang(options.refang, Refang::Usual)?,
        nested: options.flags & NESTED != 0,
        fields: options.flags & FIELDS != 0,
        wrapped: options.flags & WRAPPED != 0,
        explain: options.flags & EXPLAIN != 0,
        without: without.iter().map(rule).collect::<Result<_, _>>()?,
        // SAFETY: the caller's promise.
        only_fields: unsafe { texts(options.only_fields, options.only_field_count, "only_fields") }?,
        ..ExtractOptions::default()
    })
}

/// `INDICIA_EXTRACT_NESTED`.
const NESTED: u32 = 1;
/// `INDICIA_EXTRACT_FIELDS`.
const FIELDS: u32 = 2;
/// `INDICIA_EXTRACT_WRAPPED`.
const WRAPPED: u32 = 4;
/// `INDICIA_EXTRACT_EXPLAIN`.
const EXPLAIN: u32 = 8;
