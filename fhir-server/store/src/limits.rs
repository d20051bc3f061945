//! Every limit of this crate, with its unit and its reason.

use std::time::Duration;

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
/// Groups of read audits under way: one is flushed while the next is inserted. With more, groups are smaller.
pub const AUDIT_WRITERS: u32 = 2;
/// Read audits of one group commit.
pub const AUDIT_BATCH_MAX: usize = 512;
/// How long criteria and idempotency keys are remembered, in hours.
pub const CLAIM_HOURS: i64 = 24;
/// Writes of one group: beyond it the flush is shared well enough, and one bad write spoils less.
pub const GROUP_MAX: usize = 32;
/// Writes that may wait for a group. Beyond it they are refused with 503.
pub const GROUP_QUEUE_MAX: usize = 4_096;
/// Writers of one verb for each two cores: one group is in the database while the next is prepared.
pub const GROUP_WRITERS_PER_2_CORES: usize = 2;
/// Groups of reads in the database at once, for each two cores: more would be smaller.
pub const READ_GROUPS_PER_2_CORES: usize = 1;
/// Transactions of many changes at once, for each two cores.
pub const TURNS_PER_2_CORES: usize = 2;
/// Bytes of resources that one page of a search or a history gathers. It ends early behind the one that
/// passes this, with a link to the next.
pub const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Between two tries to reach a database that starts, in milliseconds.
pub const RECONNECT_MS: u64 = 20;
/// Bytes of a resource that a group of reads gathers; larger ones are read again, each by itself. So 32
/// reads hold at most 4 MiB.
pub const READ_GROUP_BYTES_MAX: i32 = 128 * 1024;
/// Bytes of a chunk of content, as many as an upload or a download holds at a time. A multiple of three: so
/// chunks become base64 one by one.
pub const BLOB_CHUNK_BYTES: usize = 384 * 1024;
/// How long content may be stored, in minutes, before a version is committed with it.
pub const BLOB_UNUSED_MINUTES: i32 = 60;
/// Contents removed by one statement of the sweep: each may be thousands of rows.
pub const BLOBS_SWEPT_AT_ONCE: i64 = 8;
/// Characters of an element that a sort compares: of up to four bytes each, they stand in a page's link, of eight
/// elements.
pub const SORTED_CHARS_MAX: usize = 200;
/// Pages of PostgreSQL in a MiB.
pub const PAGES_PER_MIB: i32 = 128;
/// Between two looks at the reserve for a full disk, in milliseconds: how long a freed disk still
/// refuses writes. A look at a held reserve reads one file's size.
pub const RESERVE_EVERY_MS: u64 = 2_000;
/// How long a connection may have rested, in milliseconds, and still be used unasked.
pub const IDLE_TRUST_MS_MAX: u64 = 1_000;

/// How often heads are read for one update, where each time they are indexed anew before it comes to them: that
/// is once for each new goal of the index, and once more where a server lags.
pub const READINGS_OF_HEADS_MAX: usize = 4;
/// Heads that are indexed anew in one transaction.
pub const HEADS_INDEXED_AT_ONCE: i64 = 200;
/// Numbers of heads that are looked through in one transaction for those of a few types.
pub const HEADS_LOOKED_THROUGH: i64 = 20_000;
/// How long a new goal of the index waits for the writes under way: others wait behind it meanwhile.
pub(crate) const GOAL_WAIT_MS: &str = "set local lock_timeout = '1000ms'";
/// Active SearchParameter resources of one's own, in use or not: all are read whenever one changes.
pub const DEFINITIONS_MAX: usize = 2_000;
/// Bytes of one of them; real ones have some 2 kB.
pub const DEFINITION_BYTES_MAX: usize = 64 * 1024;
/// Of these, how many are read in one round trip: some MiB at most.
pub const DEFINITIONS_AT_ONCE: usize = 100;

/// Candidates that an estimated total looks at: some 10 ms. With fewer it is exact.
pub const CANDIDATES_SAMPLED: i64 = 2_000;
/// Bytes of a search's statement that stays prepared.
pub const PREPARED_BYTES_MAX: usize = 4_096;
/// What a search that begins with a source may read to be begun so, in index entries: some 2 ms to count,
/// and 10 to 40 ms to begin with. A head on the way weighs as much as several entries.
pub const PROBED_ENTRIES_MAX: i64 = 16_000;
/// What is counted first, for all sources together some 100 µs.
pub const PROBED_FIRST_MAX: i64 = 512;
/// Counts that are remembered: some 50 bytes each.
pub const SIZES_REMEMBERED_MAX: u64 = 50_000;
/// How long a count is trusted to choose by: after a load of this length a search may begin with what has
/// grown large meanwhile.
pub const SIZES_REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// Sources that are counted for one search; with more of them it is left to the kinds of their values.
pub const PROBED_PATHS_MAX: usize = 24;
/// Parameters whose texts are walked along together, each in its own part of the index.
pub const TEXT_PARAMS_MAX: usize = 8;
/// Patients who are compared one by one with those of each candidate; more are hashed once.
pub const KIN_COMPARED_MAX: usize = 16;
/// Superseded versions that are read together to decide by their content whether they are within reach.
pub const VERSIONS_JUDGED_AT_ONCE: i64 = 200;
/// Those that are judged so for one page of a history: some 50 ms. It then ends early, with a link.
pub const VERSIONS_JUDGED_MAX: i64 = 2_000;
/// Statements that a session keeps prepared.
pub const PREPARED_MAX: usize = 200;

/// What is given for each two cores, on this machine, and at least so many.
#[must_use]
pub fn per_core(for_two: usize, least: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    (for_two * cores / 2).max(least)
}
/// Candidates of a key that a conditional request looks through at a glance; a value under many systems has
/// more.
pub const GLANCE_MAX: i32 = 16;

/// Sessions with the database of the authorization server: a log-in is slow for other reasons.
pub const AUTH_SESSIONS: u32 = 4;
/// Wrong passwords in a row before an account is locked.
pub const TRIES_MAX: i32 = 10;
/// For how long at first, in minutes: ten guesses, then four in an hour.
pub const LOCK_MINUTES_FIRST: f64 = 15.0;
/// For how long at most, in minutes: an attacker must not shut its owner out for ever.
pub const LOCK_MINUTES_MAX: f64 = 24.0 * 60.0;
/// A session on our own pages, in hours: a day's work.
pub const SESSION_HOURS_MAX: i32 = 24;
/// A session that nobody uses, in hours.
pub const SESSION_IDLE_HOURS_MAX: i32 = 8;
/// How long somebody is waited for who signs in at another provider, in seconds.
pub const AWAY_S_MAX: i32 = 600;
/// How long it is kept afterwards who somebody is there, in seconds: to sign in here once.
pub const LINK_S_MAX: i32 = 600;
/// The bit of a session that began at another provider.
pub const EXTERNAL_FACTOR: i16 = 8;
/// The longest life of an access token, in hours, with a little for clocks: so long servers remember what is over.
pub const TOKEN_HOURS_MAX: i32 = 5;
/// Seals that reading the record looks up in one round trip.
pub const JOURNAL_SEALS_AT_ONCE: usize = 200;
/// Rows under seals that it looks through in one round trip: some 10 ms.
pub const JOURNAL_ROWS_AT_ONCE: i32 = 20_000;
/// Such round trips for one page. Then it ends early, with a link.
pub const JOURNAL_STRETCHES_MAX: usize = 50;
/// Rows of the record that one seal covers: a fault is looked for among so many.
pub const SEALED_ROWS_MAX: usize = 10_000;
/// Rows of the record that are sealed in one transaction, unless one writer's transaction has more: some MB.
pub const SEALED_AT_ONCE: i64 = 10_000;
/// Transactions that sealing looks through at once, at first: fewer where they have many rows, more where few.
pub const SEAL_STRETCH_FIRST: i64 = 8_192;
/// The same at most.
pub const SEAL_STRETCH_MAX: i64 = 1 << 40;
/// Seals that are read in one round trip while they are verified: some 10 MB.
pub const SEALS_READ_AT_ONCE: i64 = 64;
/// Rows of the record that differ from what was sealed and are remembered to be named; more are counted.
pub const DIFFERING_ROWS_MAX: usize = 100_000;
/// How long a statement that verifies the record may run, in milliseconds: it may sort all of it.
pub const VERIFY_STATEMENT_MS_MAX: u64 = 3_600_000;
/// A code, in seconds: from the browser to the app's server and back.
pub const CODE_S_MAX: i32 = 60;
/// Access in an emergency, in minutes.
pub const BREAK_GLASS_MINUTES: i32 = 60;
/// Such accesses that are looked at together: a page.
pub const REVIEWS_MAX: i64 = 100;
/// An authorization that outlasts its session, in days: three months and a little, as ONC asks.
pub const OFFLINE_DAYS: i32 = 100;
/// For how long the refresh token before the newest gives the same answer again, in seconds: for who asked twice, or
/// got no answer.
pub const REFRESH_AGAIN_S: i32 = 10;
/// How far back a server asks what is over, in seconds: longer than a statement may last, and two polls.
pub const CHANGES_SECONDS: i32 = 60;
/// A launch from here, in seconds: an app opens, and asks.
pub const LAUNCH_S_MAX: i32 = 300;
/// What a person gave, on one page: what somebody looks through. The older ones are on the next.
pub const GIVEN_MAX: usize = 50;
/// How far the clocks of server and database may be apart where a month of the record is to be dropped, in seconds:
/// further than any two that are kept, and nothing against the months that they are compared with.
pub const CLOCKS_APART_S_MAX: i64 = 300;
/// For how long a place that somebody signed in from is known, in days. The sweep forgets it then.
pub const KNOWN_PLACE_DAYS: i32 = 90;
/// Bytes of a part of an imported code system: each is a row.
pub const CODE_SYSTEM_PART_BYTES: usize = 384 * 1024;
