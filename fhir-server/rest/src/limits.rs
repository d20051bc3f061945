//! Every limit of this crate, with its unit and its reason.

/// Bytes of one request body, after decompression. A large Synthea patient is 10 MB as a bundle;
/// beyond that, loads are split.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a body as it came, before decompression.
pub const BODY_WIRE_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Bytes of a Binary's own content by default: an hour of ultrasound. It is never in memory whole.
pub const CONTENT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How many times as large as what came compressed a Binary's own content may be: text grows twenty
/// times, emptiness a thousand.
pub const CONTENT_GROWTH_MAX: usize = 100;
/// Bytes of content that may have grown by more.
pub const CONTENT_GROWTH_FREE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a body that need no room: nearly all requests are smaller.
pub const ROOM_FREE_BYTES: usize = 1024 * 1024;
/// Bytes of all larger bodies that are in memory at once. Read, each is several times as large.
pub const ROOM_BYTES: usize = 32 * 1024 * 1024;
/// How long a large body waits for room, in seconds: two bundles of 16 MiB are through in that time.
pub const ROOM_WAIT_S_MAX: u64 = 20;
/// The least pace of a body in bytes a second, over the time that the server waits for it: 2 Mbit/s.
pub const PACE_BYTES_PER_S_MIN: f64 = 256.0 * 1024.0;
/// How many seconds a client may be behind that pace.
pub const PACE_GRACE_S: u64 = 10;
/// Uploads that are written as they come, at once: each holds a chunk.
pub const UPLOADS_MAX: usize = 64;
/// Bytes that are read of a body at a time where it is decoded or written.
pub const PIECE_BYTES: u64 = 64 * 1024;
/// Bytes of a refused body that are read and dropped, so that the client reads why.
pub const HEAR_BYTES_MAX: usize = 64 * 1024 * 1024;
/// For how long, in seconds.
pub const HEAR_S_MAX: u64 = 10;
/// How long a write of a Binary's own content may take, in seconds: 256 MiB at 4 Mbit/s.
pub const UPLOAD_S_MAX: u64 = 600;
/// Entries of a batch or transaction: each is a request of its own.
pub const BUNDLE_ENTRIES_MAX: usize = 5_000;
/// Bytes of all that the entries of a batch or transaction read: two pages of a search. An entry of 50 bytes may ask for
/// a whole one.
pub const BUNDLE_ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
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
/// Bytes that a page's place takes in its link: eight sorted values, the snapshot's transactions, the seal.
pub const PAGE_KEY_BYTES_MAX: usize = 8 * 1024;
/// Elements that `_elements` may list.
pub const ELEMENTS_MAX: usize = 200;
/// Elements of those that are not there, of which an answer says so, with what is spelt like them.
pub const ELEMENTS_NAMED_MAX: usize = 8;
