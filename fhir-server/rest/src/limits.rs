//! Every limit of this crate, with its unit and its reason.

/// Bytes of one request body, after decompression. A large Synthea patient is 10 MB as a bundle;
/// beyond that, loads are split.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a body as it came, before decompression.
pub const BODY_WIRE_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Entries of a batch or transaction: each is a request of its own.
pub const BUNDLE_ENTRIES_MAX: usize = 5_000;
/// Entries of a batch that run at once: the pool must stay free for others.
pub const BATCH_CONCURRENCY: usize = 4;
/// Audit records of one transaction that wait for the same flush: a few per cent of what may wait.
pub const RECORDS_AT_ONCE: usize = 128;
/// Requests that are worked on at once; more wait for a place.
pub const REQUESTS_MAX: usize = 1_024;
/// How long one request may take, in seconds, from its first byte to its answer.
pub const REQUEST_S_MAX: u64 = 60;
/// Bytes of an `X-Request-Id` that is taken over.
pub const REQUEST_ID_BYTES_MAX: usize = 64;
/// Versions on a page of history when the client names no number.
pub const HISTORY_COUNT_DEFAULT: i64 = 50;
/// Versions on a page of history.
pub const HISTORY_COUNT_MAX: i64 = 1_000;
/// How long a page link can be used, in hours.
pub const PAGE_LINK_HOURS: i64 = 24;
