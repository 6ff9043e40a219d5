//! The C library: `include/indicia.h` is generated from these files and is its documentation.
//!
//! One file a handle. Every exported function is one call to [`boundary::status`] or [`boundary::answer`],
//! which let no panic out; `unsafe` does nothing but turn the caller's pointers into references, by the promises
//! that the header asks for. Names here are the names in C.
//!
//! Handles are reference counts ([`std::sync::Arc`]) as raw pointers, so that a stream keeps its scanner, a
//! scanner its set, and a set is shared between threads. What a scanner or stream changes lies in a
//! [`boundary::Handle`], which one call at a time can enter: a second thread or a callback that calls back gets
//! an error instead of undefined behaviour.
//!
//! Numbers of kinds, relations and the like cross as plain integers, never as Rust enums, so that a number that
//! means nothing is refused instead of being undefined behaviour; the header has enumerations for reading.

#![allow(non_camel_case_types, reason = "types have their names in C")]
#![allow(clippy::missing_safety_doc, reason = "the head of the header says once what every call asks for")]

mod boundary;
mod extract;
mod hit;
mod indicator;
mod live;
mod lookup;
mod options;
mod os;
mod scanner;
mod set;
mod status;
mod stream;
mod tables;
mod value;

pub use extract::*;
pub use hit::*;
pub use indicator::*;
pub use live::*;
pub use lookup::*;
pub use options::*;
pub use scanner::*;
pub use set::*;
pub use status::*;
pub use stream::*;
pub use tables::*;
pub use value::*;

#[cfg(test)]
mod tests {
    /// Every `extern "C"` function has exactly one statement, and that is a call of the boundary.
    #[test]
    fn every_export_is_behind_the_boundary() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut exports = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for export in text.split("\n#[unsafe(no_mangle)]\n").skip(1) {
                exports += 1;
                let signature = export.lines().next().unwrap();
                let body = export.split_once("{\n").unwrap().1.split("\n}\n").next().unwrap();
                let starts = ["    status(|| {", "    answer("].iter().any(|call| body.starts_with(call));
                let one =
                    body.lines().skip(1).filter(|l| l.starts_with("    ") && !l.starts_with("     ")).count()
                        <= 1;
                assert!(starts && one, "{}: {signature}", path.display());
            }
        }
        assert!(exports > 40, "{exports}");
    }
}
