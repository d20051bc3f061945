//! Every limit of this crate, with its unit and its reason.

use std::time::Duration;

/// One JSON document or line, in bytes: it is held in memory once. The largest records in public
/// data sets are near 100 MB.
pub const DOCUMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// A JSON body, in bytes: what this server takes, and others about. A larger Binary is sent as its bytes.
pub const JSON_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Resources sent together where a file lists single ones.
pub const GROUP_ENTRIES: usize = 100;
/// Bytes sent together where a file lists single resources: well under what servers accept.
pub const GROUP_BYTES_MAX: usize = 2 * 1024 * 1024;
/// An answer, in bytes: a page of a thousand large resources.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Requests in flight by default: twice what keeps PostgreSQL on a few cores busy.
pub const PARALLEL_DEFAULT: usize = 8;
/// Requests in flight at most.
pub const PARALLEL_MAX: usize = 256;
/// Errors that a report lists; the others are only counted.
pub const ERRORS_LISTED_MAX: usize = 1_000;
/// Characters of one error's text.
pub const ERROR_CHARS_MAX: usize = 600;
/// Folders within folders: a loop of mounts must end.
pub const FOLDER_DEPTH_MAX: usize = 32;
/// Tries of one request before the whole run is given up; a later run resumes.
pub const TRIES_MAX: u32 = 8;
/// First pause between tries; it doubles each time.
pub const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// Longest pause, also where the server asks for more with `Retry-After`.
pub const PAUSE_MAX: Duration = Duration::from_secs(30);
/// One request. A transaction of thousands of entries takes seconds.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(180);
/// Making a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an address is tried before it is said that nobody answers there: a server that is being
/// started a moment before is still met.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// The first answer; a server that accepted but takes longer is busy, not away.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(6);
/// How long a stopped load waits for the requests in flight.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// Skipped files that a report names; the others are only counted.
pub const SKIPPED_NAMED_MAX: usize = 5;
/// A token is renewed this long before it expires.
pub const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// Lifetime of a token whose answer names none.
pub const TOKEN_LIFETIME_DEFAULT: Duration = Duration::from_secs(300);
/// Resources asked for per page of an export.
pub const PAGE_ENTRIES: u32 = 1_000;
/// Types exported at the same time.
pub const EXPORT_PARALLEL: usize = 4;
/// Bytes of an export that are gathered before they are written.
pub const EXPORT_BYTES_AT_ONCE: usize = 1024 * 1024;
/// Patients generated at a time by one thread: some 15 MB.
pub const CHUNK_PATIENTS: u64 = 64;
/// Patients per subfolder: folders of more than some thousand files are slow to list.
pub const FOLDER_PATIENTS: u64 = 1_000;
/// Threads that generate.
pub const GENERATE_THREADS_MAX: usize = 8;
/// Entries of a package: the largest implementation guides have some 5,000.
pub const PACKAGE_ENTRIES_MAX: usize = 50_000;
/// Bytes of a package, unpacked: R4's own has 200 MB.
pub const PACKAGE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Resources of one Bundle that refer to each other, sent together: what a server takes in a transaction.
pub const LINKED_ENTRIES: usize = 5_000;
/// Bytes of those.
pub const LINKED_BYTES_MAX: usize = 15 * 1024 * 1024;
/// Requests kept aside that are listed.
pub const KEPT_LISTED_MAX: usize = 100;
/// How many times as large a package may become when it is unpacked: JSON becomes 50 times at most.
pub const PACKAGE_RATIO_MAX: u64 = 200;
/// Bytes that any package may have: small files are mostly the archive's padding.
pub const PACKAGE_SMALL_BYTES: u64 = 1024 * 1024;
/// Bytes of what describes an entry of a package, such as a long name; it is read whole.
pub const PACKAGE_NAME_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of one resource of a package: what a server takes.
pub const PACKAGE_RESOURCE_BYTES_MAX: u64 = 4 * 1024 * 1024;
