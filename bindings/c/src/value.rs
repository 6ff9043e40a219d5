//! Values of every kind: text in, canonical form out.

use std::ffi::c_char;

use indicia::refang::DefangStyle;
use indicia::{Kind, Observable, ParseOptions, Profile, Reason, Refang, Relation};

use crate::boundary::{Fail, answer, buffer, out, status, utf8};
use crate::status::{indicia_status, names};

/// Bytes that are not owned and not ended by NUL. A text that the library gives out is UTF-8; {NULL, 0} where
/// there is none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct indicia_str {
    /// The first byte; may be NULL where len is 0.
    pub ptr: *const c_char,
    /// In bytes.
    pub len: usize,
}

impl indicia_str {
    pub(crate) const NONE: indicia_str = indicia_str { ptr: std::ptr::null(), len: 0 };

    pub(crate) fn of(bytes: &[u8]) -> indicia_str {
        indicia_str { ptr: bytes.as_ptr().cast(), len: bytes.len() }
    }

    pub(crate) fn of_option(text: Option<&str>) -> indicia_str {
        text.map_or(indicia_str::NONE, |text| indicia_str::of(text.as_bytes()))
    }
}

/// The type of a value: INDICIA_KIND_* (enum indicia_kind_values). INDICIA_KIND_ANY, which is 0, stands for "find
/// out by its shape".
pub type indicia_kind = u32;

/// How an indicator matches where it was found: INDICIA_RELATION_* (enum indicia_relation_values).
pub type indicia_relation = u32;

/// How much defanging is undone: INDICIA_REFANG_* (enum indicia_refang_values).
pub type indicia_refang_level = u32;

/// How a defanged value is written: INDICIA_DEFANG_* (enum indicia_defang_values).
pub type indicia_defang_style = u32;

/// Writes the canonical form of a value, defanging undone: "hxxps://Bad[.]Example/%7Ea" becomes
/// "https://bad.example/~a".
///
/// raw: UTF-8, one value, white space around it is dropped. kind: its kind, or INDICIA_KIND_ANY. buf, cap,
/// needed: see "Buffers". A value that is refused gives its reason, a status from 100 on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_normalize(
    kind: indicia_kind,
    raw: indicia_str,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (raw, buffer) = unsafe { (utf8(raw, "raw")?, buffer(buf, cap, needed)?) };
        let found = Observable::parse_refanged(kind_or_any(kind)?, raw, Refang::Usual)?;
        buffer.write(found.value().as_bytes())
    })
}

/// As indicia_normalize, under a profile and with the level of refanging (INDICIA_REFANG_DEFAULT: usual).
///
/// profile: "kaspersky@1", or without the number; "default@1" gives what indicia_normalize gives. It decides what a
/// URL becomes; values of other kinds come out alike under all. A name that no profile has is
/// INDICIA_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_normalize_with(
    profile: indicia_str,
    kind: indicia_kind,
    level: indicia_refang_level,
    raw: indicia_str,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (profile, raw, buffer) =
            unsafe { (utf8(profile, "profile")?, utf8(raw, "raw")?, buffer(buf, cap, needed)?) };
        let options = ParseOptions {
            profile: profile
                .parse::<Profile>()
                .map_err(|_| Fail::argument("profile is the name of none, such as kaspersky@1"))?,
            kind: kind_or_any(kind)?,
            refang: refang(level, Refang::Usual)?,
        };
        buffer.write(Observable::parse_with(raw, &options)?.value().as_bytes())
    })
}

/// As indicia_normalize, with the level of refanging (INDICIA_REFANG_DEFAULT: usual), and tells the kind.
///
/// found: where the kind is written, on success only; may be NULL. It differs from a kind that was asked for
/// only where a more exact one is canonical (a /32 is an address).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_parse(
    kind: indicia_kind,
    level: indicia_refang_level,
    raw: indicia_str,
    found: *mut indicia_kind,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (raw, buffer) = unsafe { (utf8(raw, "raw")?, buffer(buf, cap, needed)?) };
        let observable = Observable::parse_refanged(kind_or_any(kind)?, raw, refang(level, Refang::Usual)?)?;
        // SAFETY: the caller's promise.
        let found = if found.is_null() { None } else { Some(unsafe { out(found, "found") }?) };
        buffer.write(observable.value().as_bytes())?;
        if let Some(found) = found {
            found.write(observable.kind().number().into());
        }
        Ok(())
    })
}

/// Writes the key of a value: values of one kind are the same where their keys are. The key of a URL has no
/// scheme, user or fragment. Arguments as for indicia_parse.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_key(
    kind: indicia_kind,
    level: indicia_refang_level,
    raw: indicia_str,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (raw, buffer) = unsafe { (utf8(raw, "raw")?, buffer(buf, cap, needed)?) };
        let observable = Observable::parse_refanged(kind_or_any(kind)?, raw, refang(level, Refang::Usual)?)?;
        buffer.write(observable.key().as_bytes())
    })
}

/// Writes a canonical value so that it cannot be clicked: "https://bad.example/a" becomes
/// "hxxps://bad[.]example/a". Values of kinds without a host are written as they are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_defang(
    kind: indicia_kind,
    value: indicia_str,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (value, buffer) = unsafe { (utf8(value, "value")?, buffer(buf, cap, needed)?) };
        buffer.write(indicia::refang::defang(one_kind(kind)?, value).as_bytes())
    })
}

/// As indicia_defang, in a style: INDICIA_DEFANG_LAST_DOT writes "hxxps://cdn.bad[.]example/a", INDICIA_DEFANG_DRAFT
/// "[https]://cdn[.]bad[.]example/a".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_defang_as(
    kind: indicia_kind,
    style: indicia_defang_style,
    value: indicia_str,
    buf: *mut c_char,
    cap: usize,
    needed: *mut usize,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (value, buffer) = unsafe { (utf8(value, "value")?, buffer(buf, cap, needed)?) };
        let style = DefangStyle::ALL
            .get(style as usize)
            .map(|(style, _)| *style)
            .ok_or_else(|| Fail::argument("the style of defanging is not INDICIA_DEFANG_*"))?;
        buffer.write(indicia::refang::defang_as(one_kind(kind)?, value, style).as_bytes())
    })
}

/// The name of a kind, as in records ("ipv4"); NULL where the number is none. It lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn indicia_kind_name(kind: indicia_kind) -> *const c_char {
    answer(std::ptr::null(), || match Kind::ALL.iter().position(|k| u32::from(k.number()) == kind) {
        Some(at) => names().kinds[at].as_ptr(),
        None => std::ptr::null(),
    })
}

/// The kind with exactly this name; INDICIA_UNKNOWN_KIND where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn indicia_kind_from_name(
    name: indicia_str,
    kind: *mut indicia_kind,
) -> indicia_status {
    status(|| {
        // SAFETY: the caller's promise.
        let (name, out) = unsafe { (utf8(name, "name")?, out(kind, "kind")?) };
        let Some(kind) = Kind::from_name(name) else {
            return Err(Fail::new(Reason::UnknownKind, "no kind has this name"));
        };
        out.write(kind.number().into());
        Ok(())
    })
}

/// The name of a relation, as in records ("subdomain"); NULL where the number is none. It lives as long as the
/// program.
#[unsafe(no_mangle)]
pub extern "C" fn indicia_relation_name(relation: indicia_relation) -> *const c_char {
    answer(std::ptr::null(), || match Relation::ALL.iter().position(|r| *r as u32 == relation) {
        Some(at) => names().relations[at].as_ptr(),
        None => std::ptr::null(),
    })
}

pub(crate) fn kind_or_any(kind: indicia_kind) -> Result<Option<Kind>, Fail> {
    if kind == 0 { Ok(None) } else { one_kind(kind).map(Some) }
}

pub(crate) fn one_kind(kind: indicia_kind) -> Result<Kind, Fail> {
    u8::try_from(kind)
        .ok()
        .and_then(Kind::from_number)
        .ok_or_else(|| Fail::argument("kind is not INDICIA_KIND_*"))
}

pub(crate) fn refang(level: indicia_refang_level, default: Refang) -> Result<Refang, Fail> {
    match level {
        0 => Ok(default),
        level => Refang::ALL
            .get(level as usize - 1)
            .map(|(level, _)| *level)
            .ok_or_else(|| Fail::argument("the level of refanging is not INDICIA_REFANG_*")),
    }
}
