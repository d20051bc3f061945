//! Every limit of this crate, with its unit and its reason.

/// Tries of a write that other writes overtake. At 50 writers of one resource the last one still
/// gets through; beyond it the caller is told to come back.
pub const WRITE_TRIES_MAX: usize = 64;
/// Entries of a transaction: it holds locks from its first write to its last.
pub const TRANSACTION_ENTRIES_MAX: usize = 5_000;
/// Resources that one conditional delete may remove.
pub const DELETE_MATCHES_MAX: usize = 100;
/// Bytes of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Tries of a transaction that other writes overtake.
pub const TRANSACTION_TRIES_MAX: usize = 16;
/// Resources that includes may add to one page.
pub const INCLUDED_MAX: usize = 1_000;
