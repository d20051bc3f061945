//! How the record of accesses is sealed.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{KEEP_MONTHS_MIN, SEAL_EVERY_DEFAULT};

/// The record of accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Between two looks for what to seal.
    pub seal_every: Duration,
    /// Months that are kept; older ones are dropped whole, unless a hold is on them.
    pub keep_months: u16,
    /// A file that each minute gets where the chain stands, a line of JSON.
    pub heads: Option<PathBuf>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { seal_every: SEAL_EVERY_DEFAULT, keep_months: KEEP_MONTHS_MIN, heads: None }
    }
}
