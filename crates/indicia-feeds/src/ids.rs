//! Ids that are made and not given: UUIDv5 in a namespace of this project, so that the same thing gets the same
//! id on every run and machine, and never one of STIX's own namespace for observables (which gives values away).
//!
//! The name under the namespace is every part as `length:text`, one after the other.

use uuid::Uuid;

/// The namespace of every id that is made here.
pub(crate) const NAMESPACE: Uuid = Uuid::from_u128(0x853aa999_9095_4368_8b34_1d6d4f8a0ad8);

/// The id of something that these texts identify.
pub(crate) fn made(parts: &[&str]) -> Uuid {
    let name: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The UUID in its canonical spelling, lower case with hyphens.
pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(uuid)
}

/// The UUID of a STIX id of this type.
pub(crate) fn stix(type_: &str, id: &str) -> Option<Uuid> {
    uuid(id.strip_prefix(type_)?.strip_prefix("--")?)
}
