//! Where revoked tokens are known. Asked at every request, so that a revocation acts at once.

use access::Caller;

/// Knows what has been revoked. It answers from memory: every request waits for it.
pub trait Revocations: Send + Sync {
    /// Whether the caller's token, client or user has been revoked.
    fn is_revoked(&self, caller: &Caller) -> bool;
}

/// Nothing is ever revoked: right as long as tokens live for minutes and cannot be renewed.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Revocations for Nothing {
    fn is_revoked(&self, _caller: &Caller) -> bool {
        false
    }
}
