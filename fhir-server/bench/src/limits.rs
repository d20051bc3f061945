//! Bounds on everything a run may use. Each has its unit and its reason.

use std::time::Duration;

/// One run of a count. A forgotten one must end.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(600);

/// One timed run: it must end while its token lives, which is five minutes.
pub(crate) const TIMED_MAX: Duration = Duration::from_secs(240);

/// Connections of one run: more than any pool here, fewer than a default descriptor limit.
pub(crate) const CLIENTS_MAX: usize = 256;

/// Waiting for one answer. A server that takes longer has failed.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(60);

/// An answer's body: a transaction's outcome of 50 entries with their resources, with room.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A request's body at the bare program: 50 resources, with room.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// A started program until it is ready, migrations included.
pub(crate) const READY_MAX: Duration = Duration::from_secs(60);

/// Between two looks whether a started program is ready; also the error of that measurement.
pub(crate) const READY_POLL: Duration = Duration::from_millis(2);

/// From SIGTERM to exit; then it is killed.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Connections of the bare program's and of our pool.
pub(crate) const POOL_MAX: u32 = 64;

/// Log that a private PostgreSQL keeps, in MiB: more than is written between two checkpoints of a suite.
pub(crate) const LOG_MIB: i32 = 3072;

/// One record of those that fill it, in MiB.
pub(crate) const LOG_RECORD_MIB: i32 = 64;

/// Resources that one suite may write: about 40 GB of disk.
pub(crate) const RESOURCES_MAX: u64 = 10_000_000;

/// Resources loaded under one token: tokens of backend services live five minutes.
pub(crate) const CHUNK_RESOURCES: u64 = 50_000;

/// Characters of an unexpected answer that an error shows.
pub(crate) const SHOWN_CHARS: usize = 400;
