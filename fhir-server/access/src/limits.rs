//! Every limit of this crate, with its unit and its reason.

/// Length of a scope parameter, in bytes. All of R4's types, one by one, fit; tokens stay headers.
pub const SCOPE_BYTES_MAX: usize = 8_192;
/// Scopes in one parameter. Narrowing compares each with each.
pub const SCOPES_MAX: usize = 300;
/// Parameters of one scope's constraint: each is a test of each candidate of a search.
pub const CONSTRAINT_PARAMETERS_MAX: usize = 8;
/// Values of one of these parameters, parted by commas.
pub const CONSTRAINT_VALUES_MAX: usize = 16;
/// Scopes with a constraint on one type: each is a way in, to be tried of each candidate of a search.
pub const CONSTRAINTS_MAX: usize = 16;
