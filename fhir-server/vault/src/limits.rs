//! Every limit of this crate, with its unit and its reason.

use std::time::Duration;

/// How long a key management service may take to answer: a start waits for it.
pub const KMS_CALL_MAX: Duration = Duration::from_secs(5);
/// Bytes of its answer: a wrapped key is some 200.
pub const KMS_ANSWER_BYTES_MAX: usize = 64 * 1024;
