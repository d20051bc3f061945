//! Every limit of this crate, with its unit and its reason.

use std::time::Duration;

/// A call from its beginning to the last byte of its answer, the wait for a place included: a request of
/// ours may be waiting for it.
pub const CALL_MAX: Duration = Duration::from_secs(5);
/// One attempt to connect: the next address gets its turn before the call is over.
pub const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Body of an answer, in bytes: a set of keys has a hundredth of it.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Head of an answer, in bytes, held while it is read.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Headers of an answer.
pub const HEADERS_MAX: usize = 64;
/// A URL, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// A host's name, in bytes: what the domain name system has.
pub const HOST_BYTES_MAX: usize = 253;
/// One part of it, in bytes.
pub const LABEL_BYTES_MAX: usize = 63;
/// Addresses of one name that are looked at; more are a fault.
pub const ADDRESSES_MAX: usize = 32;
/// Calls at once: others wait, within their time.
pub const CALLS_MAX: usize = 64;
/// Hosts that the settings may allow.
pub const ALLOWED_MAX: usize = 1_000;
