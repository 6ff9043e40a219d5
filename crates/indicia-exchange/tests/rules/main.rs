//! The rules R1 to R20 of the sharing decision and its edge cases, one test each and by name, written from the text
//! of the rules; what tries to get a withheld thing out through some field; the agreement as a file; and properties.

mod agreement;
mod edges;
mod leaks;
mod properties;
mod rules;
mod support;
