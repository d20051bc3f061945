//! How the record of accesses is sealed.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{KEEP_MONTHS_MIN, SEAL_EVERY_DEFAULT, UNSEALED_DEFAULT};

/// The record of accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Between two looks for what to seal.
    pub seal_every: Duration,
    /// How old a row may be that is not sealed; older ones are a fault.
    pub unsealed_max: Duration,
    /// Months that are kept; older ones are dropped whole, unless a hold is on them.
    pub keep_months: u16,
    /// A file that each minute gets where the chain stands, a line of JSON.
    pub heads: Option<PathBuf>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            seal_every: SEAL_EVERY_DEFAULT,
            unsealed_max: UNSEALED_DEFAULT,
            keep_months: KEEP_MONTHS_MIN,
            heads: None,
        }
    }
}
