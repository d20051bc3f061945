//! Every limit of this crate, with its unit and its reason.

/// Length of a scope parameter, in bytes. All of R4's types, one by one, fit; tokens stay headers.
pub const SCOPE_BYTES_MAX: usize = 8_192;
/// Scopes in one parameter. Narrowing compares each with each.
pub const SCOPES_MAX: usize = 300;
