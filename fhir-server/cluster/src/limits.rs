//! Every bound of this crate, with its unit and reason.

use std::time::Duration;

/// First pause between two looks at a file or process.
pub(crate) const POLL_FIRST: Duration = Duration::from_millis(1);
/// Longest pause between two looks: start and stop are late by this much at most.
pub(crate) const POLL_MAX: Duration = Duration::from_millis(20);
/// Crash recovery replays up to `max_wal_size`; slow disks need minutes for that.
pub(crate) const START_MAX: Duration = Duration::from_secs(600);
/// A polite stop may write a full checkpoint; after this the next stronger signal is sent.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(60);
/// Processes that were told to die at once.
pub(crate) const DIE_MAX: Duration = Duration::from_secs(10);
/// `sun_path` holds 108 bytes with the closing zero.
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 107;
/// A new cluster takes about 40 MB, its first write-ahead log 16 MB.
pub(crate) const INIT_BYTES_MIN: u64 = 96 << 20;
/// Below this nothing can start: the pid file, the socket lock and the log need a few pages.
pub(crate) const START_BYTES_MIN: u64 = 1 << 20;
/// The log is set aside at start when it has grown past this.
pub(crate) const LOG_BYTES_MAX: u64 = 16 << 20;
/// Free ports tried before giving up: another program may take one between look and bind.
pub(crate) const PORT_TRIES_MAX: usize = 16;
/// `shared_buffers` beyond this brings a development machine nothing.
pub(crate) const SHARED_BUFFERS_MIB_MAX: u64 = 1024;
/// PostgreSQL itself refuses less than 128 kB; below this everything is read twice.
pub(crate) const SHARED_BUFFERS_MIB_MIN: u64 = 32;
