//! Every limit of this crate, with its unit and its reason.

use std::time::Duration;

use store::KeyTimes;

/// From the signal to stop until connections that are still at work are cut.
pub const DRAIN_MAX: Duration = Duration::from_secs(25);
/// Giving the connections to the database back, after that.
pub const CLOSE_MAX: Duration = Duration::from_secs(3);
/// From a connection's readiness to the end of a request's head: a client that drips its head, or
/// keeps an idle connection, holds a place no longer.
pub const HEAD_MAX: Duration = Duration::from_secs(30);
/// A request's head: a token of 8 KiB, and room for long searches.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of a request: a browser sends some 20, a chain of proxies adds a few.
pub const HEADERS_MAX: usize = 100;
/// A TLS handshake: two round trips around the world, on a phone.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Handshakes at once, about 40 KB each; one more is closed. Fewer than the connections, so that whoever only
/// begins them cannot take all places.
pub const HANDSHAKES_MAX: usize = 1_024;
/// Of these for one address: an eighth, and many times what a browser begins.
pub const HANDSHAKES_OF_ONE_MAX: usize = HANDSHAKES_MAX / 8;
/// Between two looks at the files of certificates: a few kilobytes are read.
pub const TLS_LOOK_EVERY: Duration = Duration::from_secs(2);
/// A file of certificates, in bytes: the authorities of the whole world have 250 KB.
pub const TLS_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Requests at once on a connection of HTTP/2: what a page asks for together.
pub const STREAMS_MAX: u32 = 100;
/// What waits to be sent to one request of HTTP/2, in bytes: one that does not read holds no more.
pub const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Between two questions to a connection of HTTP/2 whether its other side is still there.
pub const PING_EVERY: Duration = Duration::from_secs(20);
/// How long its answer may take.
pub const PONG_MAX: Duration = Duration::from_secs(10);
/// Networks of proxies that may be named.
pub const PROXIES_MAX: usize = 100;
/// What a throttle may let through at once, in seconds of its rate: beyond that it is none.
pub const BURST_S_MAX: u32 = 3_600;
/// Connections that are open at once; more wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Pause after a connection could not be accepted: the process is out of file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long the database's answer to `/readyz` is believed: probes must not load it.
pub const READY_FOR: Duration = Duration::from_secs(1);
/// A database that takes longer to say that it is there is not ready.
pub const PING_MAX: Duration = Duration::from_secs(2);
/// Length of an `X-Request-Id` that is taken over, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;
/// Between two sweeps of what has grown old. They keep a day, so an hour more is little.
pub const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Between two looks whether another key is due.
pub const KEYS_LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// How many days a key may sign at most: longer is never.
pub const ROTATE_DAYS_MAX: u16 = 3_650;
/// How long a key is published before it signs, in seconds: three times as long as anybody may keep the JWKS.
pub const KEY_LEAD_S: i32 = 900;
/// Between two questions what is over: with the way there and back it is so everywhere within a second.
pub const HEAR_EVERY: Duration = Duration::from_millis(500);
/// Between two rounds of the metrics' housekeeping: what arrived since is held one by one.
pub const METRICS_EVERY: Duration = Duration::from_secs(5);
/// Space held back for a full disk by default, in MiB: some 200,000 audit records of reads.
pub const RESERVE_MIB_DEFAULT: u16 = 64;
/// How long one statement of a search may run by default, in milliseconds: longer than a person waits.
pub const SEARCH_MS_DEFAULT: u32 = 10_000;
/// How long it may run at most, in milliseconds: a connection that others need is held meanwhile.
pub const SEARCH_MS_MAX: u32 = 600_000;
/// Fewest connections to the database by default: a transaction and its neighbours.
pub const CONNECTIONS_DEFAULT_MIN: u32 = 4;
/// Connections to the database per core by default: half of them wait for the disk.
pub const CONNECTIONS_PER_CORE: u32 = 4;
/// Connections to the database: beyond this PostgreSQL itself slows down.
pub const DATABASE_CONNECTIONS_MAX: u32 = 1_000;
/// Between two looks of `dev` at its PostgreSQL.
pub const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Before `dev` tries again to start a PostgreSQL that would not.
pub const RESTART_PAUSE: Duration = Duration::from_secs(5);
/// Patients of the demo: enough to search in, loaded in seconds.
pub const DEMO_PATIENTS: u64 = 20;
/// How long a thread that still reads or writes may hold up the end of a command.
pub const RUNTIME_END: Duration = Duration::from_secs(1);
/// What is read of standard input for a password, in bytes: one line, and room to say that it is too long.
pub const PASSWORD_LINE_BYTES_MAX: u64 = 4_096;
/// Different bytes of a sealing key. Of 32 random ones some 30 differ; fewer than 16 do not happen.
pub const SEAL_KEY_DIFFERENT_BYTES_MIN: usize = 16;
/// Between two looks whether there is something to index anew, or another server took other search parameters.
pub const INDEX_LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two looks how far a server has indexed, while a command waits for it.
pub const INDEX_WATCH_EVERY: Duration = Duration::from_millis(200);
/// Between two lines of a command that indexes, where no terminal shows its bar.
pub const INDEX_SAY_EVERY: Duration = Duration::from_secs(3);
/// Resources that could not be indexed and are named in a report.
pub const UNINDEXED_NAMED_MAX: i64 = 20;

/// Between two looks for rows of the record to seal, by default: what is younger is not provable yet.
pub const SEAL_EVERY_DEFAULT: Duration = Duration::from_secs(5);
/// The same at most.
pub const SEAL_EVERY_MAX: Duration = Duration::from_secs(60);
/// Sealing pauses this many times as long as it took: it gets a quarter of a core at most.
pub const SEAL_PAUSES: u32 = 3;
/// How old a row of the record may be, by default, that is not sealed: longer than any transaction holds sealing back.
pub const UNSEALED_DEFAULT: Duration = Duration::from_secs(10 * 60);
/// The same at most: a day in which nothing can be proven is none too few.
pub const UNSEALED_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two looks whether sealing stands still, at most.
pub const UNSEALED_LOOK_EVERY: Duration = Duration::from_secs(60);

/// Between two times that it is said where the chain stands.
pub const HEAD_EVERY: Duration = Duration::from_secs(60);
/// Faults of the record that are printed for people.
pub const FAULTS_SHOWN_MAX: usize = 1_000;
/// Months that the record is kept, at least: six years, as 45 CFR 164.528 and 164.530(j) demand.
pub const KEEP_MONTHS_MIN: u16 = 72;
/// Between two looks for months of the record that have had their time.
pub const RETIRE_EVERY: Duration = Duration::from_secs(60 * 60);
/// Between two looks for access in emergencies that nobody was told of yet: a minute is promised.
pub const ALERT_EVERY: Duration = Duration::from_secs(10);
/// Keys of what is sealed: taken out of their wrapping every minute, forgotten after five without; a new one seals
/// when no server can lack it that still opens.
pub const KEY_TIMES: KeyTimes = KeyTimes {
    every: Duration::from_secs(60),
    forget: Duration::from_secs(300),
    settle: Duration::from_secs(360),
};
/// How many times as often it is tried while it fails.
pub const KEYS_RETRY: u32 = 12;
/// Between two sums of what was refused beyond what has rows of its own.
pub const SETTLE_EVERY: Duration = Duration::from_secs(60);
/// How long a port that is in use is waited for.
pub const PORT_WAIT: Duration = Duration::from_secs(1);
/// Between two tries to have it.
pub const PORT_LOOK_EVERY: Duration = Duration::from_millis(50);
/// Files of one distribution that is imported: those of SNOMED CT are some hundred.
pub const IMPORT_FILES_MAX: usize = 10_000;
/// How deep its folders may be nested.
pub const IMPORT_FOLDERS_DEEP_MAX: usize = 16;
/// How many times larger a file may unpack to be: text becomes ten times as large, rarely thirty.
pub const IMPORT_UNPACKED_TIMES_MAX: u64 = 200;
