//! Options: structs that begin with their own size, so that they can grow, and in which zero is the default.

use indicia::{AsOf, Filter, Guards, Reason, Refang, Role, ScanOptions, ScanRefang, Time, Tlp};

use crate::boundary::{Fail, array, shared, utf8};
use crate::value::{indicia_kind, indicia_refang_level, indicia_str, refang};

/// A TLP level: INDICIA_TLP_* (enum indicia_tlp_values); 0 for none.
pub type indicia_tlp = u32;

/// What counts as a hit, and how data is read. Set everything to zero, then struct_size, then what differs from
/// the default. Nothing of it is kept by the library after the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct indicia_scan_options {
    /// sizeof(indicia_scan_options).
    pub struct_size: usize,
    /// INDICIA_SCAN_* bits (enum indicia_scan_flags).
    pub flags: u32,
    /// Only contexts with one of these roles: INDICIA_ROLE_* bits (enum indicia_roles). 0: every role but
    /// compromised and victim, who are somebody to notify.
    pub roles: u32,
    /// Only contexts marked with a TLP level not above this; unmarked ones fail. 0: any.
    pub max_tlp: indicia_tlp,
    /// Undo defanging in the data, and but for INDICIA_REFANG_OFF entities and tags inside values too.
    /// INDICIA_REFANG_DEFAULT: off. Lookups always undo the usual.
    pub refang: indicia_refang_level,
    /// Only contexts with a confidence, on 0-100, not below this; those without one fail. 0: any.
    pub min_confidence: f64,
    /// Only contexts with at least one of these labels, case-blind; NULL and 0: any.
    pub labels: *const indicia_str,
    /// How many labels.
    pub label_count: usize,
    /// Only contexts valid at this time (RFC 3339), or "event": at the time that stands in the line of the hit.
    /// Empty: time filters nothing.
    pub as_of: indicia_str,
    /// Only hits in fields with one of these names, or whose name ends with one behind a dot, case-blind; implies
    /// INDICIA_SCAN_FIELDS. NULL and 0: any.
    pub only_fields: *const indicia_str,
    /// How many names.
    pub only_field_count: usize,
}

/// What to extract. Set everything to zero, then struct_size, then what differs from the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct indicia_extract_options {
    /// sizeof(indicia_extract_options).
    pub struct_size: usize,
    /// Only these kinds; NULL and 0: every kind that has a shape of its own.
    pub kinds: *const indicia_kind,
    /// How many kinds.
    pub kind_count: usize,
    /// Undo defanging. INDICIA_REFANG_DEFAULT: usual.
    pub refang: indicia_refang_level,
    /// INDICIA_EXTRACT_* bits (enum indicia_extract_flags).
    pub flags: u32,
    /// Only observables in fields with one of these names, as in indicia_scan_options; implies
    /// INDICIA_EXTRACT_FIELDS. NULL and 0: any.
    pub only_fields: *const indicia_str,
    /// How many names.
    pub only_field_count: usize,
    /// Names of rules that refuse nothing, such as "file-name"; docs/extraction.md lists them. NULL and 0: all refuse.
    pub without: *const indicia_str,
    /// How many rules.
    pub without_count: usize,
}

/// A struct that begins with its size.
pub(crate) trait Options: Copy {
    /// Reads what a caller passed whose header may be older or newer: what it does not have is zero, and what
    /// this library does not have must be zero.
    ///
    /// # Safety
    /// `options` points to `size` bytes. All zero is a valid `Self`, and so is any content that C can give it.
    unsafe fn read(options: *const Self, size: usize) -> Result<Self, Fail> {
        if size < size_of::<usize>() + size_of::<u32>() || size > 4096 {
            return Err(Fail::argument("struct_size of the options is not their size"));
        }
        // SAFETY: the caller's promise.
        let given = unsafe { array(options.cast::<u8>(), size, "options") }?;
        let own = size_of::<Self>().min(size);
        if given[own..].iter().any(|byte| *byte != 0) {
            return Err(Fail::new(
                Reason::Unsupported,
                "the options hold something that this library is too old for",
            ));
        }
        let mut read = std::mem::MaybeUninit::<Self>::zeroed();
        // SAFETY: `own` bytes lie in both; the result is valid by the caller's promise.
        unsafe {
            std::ptr::copy_nonoverlapping(given.as_ptr(), read.as_mut_ptr().cast(), own);
            Ok(read.assume_init())
        }
    }
}

impl Options for indicia_scan_options {}
impl Options for indicia_extract_options {}

const IGNORE_PORTS: u32 = 1;
const URL_HOSTS: u32 = 2;
const STRICT_SCHEME: u32 = 4;
const REVOKED: u32 = 8;
const NO_GUARD: u32 = 16;
const FIELDS: u32 = 32;

/// # Safety
/// As the header says of `indicia_scan_options`.
pub(crate) unsafe fn scan_options(options: *const indicia_scan_options) -> Result<ScanOptions, Fail> {
    // SAFETY: the caller's promise.
    let (given, labels, as_of) = unsafe {
        let size = *shared(options.cast::<usize>(), "options")?;
        let given = indicia_scan_options::read(options, size)?;
        (given, array(given.labels, given.label_count, "labels")?, utf8(given.as_of, "as_of")?)
    };
    if given.flags & !(IGNORE_PORTS | URL_HOSTS | STRICT_SCHEME | REVOKED | NO_GUARD | FIELDS) != 0 {
        return Err(Fail::argument("flags has a bit that is not INDICIA_SCAN_*"));
    }
    if given.roles >> Role::ALL.len() != 0 {
        return Err(Fail::argument("roles has a bit that is not INDICIA_ROLE_*"));
    }
    if !(0.0..=100.0).contains(&given.min_confidence) {
        return Err(Fail::argument("min_confidence is not a number from 0 to 100"));
    }
    let mut filter = Filter {
        roles: Role::ALL
            .iter()
            .enumerate()
            .filter(|(bit, _)| given.roles >> bit & 1 == 1)
            .map(|(_, r)| *r)
            .collect(),
        min_confidence: (given.min_confidence > 0.0).then_some(given.min_confidence),
        revoked: given.flags & REVOKED != 0,
        ..Filter::default()
    };
    for label in labels {
        // SAFETY: the caller's promise.
        filter.labels.push(unsafe { utf8(*label, "a label") }?.to_string());
    }
    if given.max_tlp != 0 {
        let level = Tlp::ALL.get(given.max_tlp as usize - 1);
        filter.max_tlp = Some(*level.ok_or_else(|| Fail::argument("max_tlp is not INDICIA_TLP_*"))?);
    }
    filter.as_of = match as_of {
        "" => AsOf::Any,
        "event" => AsOf::Event,
        time => {
            AsOf::At(Time::parse(time).map_err(|_| Fail::argument("as_of is neither a time nor \"event\""))?)
        }
    };
    // SAFETY: the caller's promise.
    let only_fields = unsafe { texts(given.only_fields, given.only_field_count, "only_fields") }?;
    Ok(ScanOptions {
        filter,
        guards: if given.flags & NO_GUARD != 0 { Guards::off() } else { Guards::default() },
        refang: ScanRefang(refang(given.refang, Refang::Off)?),
        ignore_ports: given.flags & IGNORE_PORTS != 0,
        url_hosts: given.flags & URL_HOSTS != 0,
        strict_scheme: given.flags & STRICT_SCHEME != 0,
        fields: given.flags & FIELDS != 0,
        only_fields,
    })
}

/// A list of texts.
///
/// # Safety
/// `list` points to `count` strings that live during the call.
pub(crate) unsafe fn texts(list: *const indicia_str, count: usize, what: &str) -> Result<Vec<String>, Fail> {
    // SAFETY: the caller's promise.
    let list = unsafe { array(list, count, what) }?;
    // SAFETY: the caller's promise.
    list.iter().map(|text| Ok(unsafe { utf8(*text, what) }?.to_string())).collect()
}
