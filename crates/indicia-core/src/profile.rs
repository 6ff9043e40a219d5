//! Named, versioned sets of normalization rules. A set names its profile, so that both sides of a comparison
//! follow the same rules.

/// The profile that values are brought into canonical form by. Its rules: `docs/profiles/default-1.md`.
pub const DEFAULT_PROFILE: &str = "default@1";
