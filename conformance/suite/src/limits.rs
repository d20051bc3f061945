//! Bounds of a run, each with its unit and reason.

use std::time::Duration;

/// Longest wait for one answer; a server that hangs fails the case, not the run.
pub const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Largest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest life of a client's assertion that servers accept (SMART 2.2, section 5.1.3.1), in seconds.
pub const ASSERTION_LIFE_S: u64 = 300;

/// Pages on the way from an authorization request to the app; a server that leads in a circle fails the case.
pub const PAGES_MAX: usize = 12;

/// Pause before a step that has time is taken again.
pub const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// When a token is asked for again whose answer says nothing of its life: the shortest life of tokens that is usual, halved.
pub const TOKEN_RENEWED_AFTER: Duration = Duration::from_secs(150);
