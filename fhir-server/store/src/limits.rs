//! Every limit of this crate, with its unit and its reason.

/// How long one statement may run, in milliseconds: longer ones hold a connection others need.
pub const STATEMENT_MS_MAX: u64 = 30_000;
/// How long a write may wait for a lock, in milliseconds.
pub const LOCK_WAIT_MS_MAX: u64 = 10_000;
/// How long a session may sit inside a transaction, in milliseconds, before PostgreSQL ends it.
pub const IDLE_IN_TRANSACTION_MS_MAX: u64 = 10_000;
/// How long a request may wait for a connection, in milliseconds, before it is told to come back.
pub const ACQUIRE_MS_MAX: u64 = 5_000;
/// Read audits that may wait for the next group commit. Beyond it, reads are refused with 503.
pub const AUDIT_QUEUE_MAX: usize = 4_096;
/// Read audits of one group commit.
pub const AUDIT_BATCH_MAX: usize = 512;
/// How long criteria and idempotency keys are remembered, in hours.
pub const CLAIM_HOURS: i64 = 24;
/// Writes of one group: beyond it the flush is shared well enough, and one bad write spoils less.
pub const GROUP_MAX: usize = 32;
/// Writes that may wait for a group. Beyond it they are refused with 503.
pub const GROUP_QUEUE_MAX: usize = 4_096;
/// Writers of one verb: enough to keep one group in the database while the next is prepared.
pub const GROUP_WRITERS: usize = 2;
/// Reads in the database at once. Each is a group: a few keep the cores busy.
pub const READ_GROUPS: usize = 3;
/// How long a connection may have rested, in milliseconds, and still be used unasked.
pub const IDLE_TRUST_MS_MAX: u64 = 1_000;
