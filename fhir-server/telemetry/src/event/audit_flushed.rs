//! A group of audit records has been committed.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use tracing::trace;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const RECORDS: Metric =
    ("audit_records_total", Shape::Counter, Unit::Count, "Audit records committed in groups.");
pub(crate) const DURATION: Metric = (
    "audit_flush_duration_seconds",
    Shape::Histogram,
    Unit::Seconds,
    "One group commit of audit records; the answers that they belong to wait for it.",
);

/// A group of audit records has been committed durably.
#[derive(Clone, Copy, Debug)]
pub struct AuditFlushed {
    /// Records in the group.
    pub records: usize,
    /// The time of the group's commit.
    pub elapsed: Duration,
}

impl Emit for AuditFlushed {
    fn emit(self) {
        let elapsed_s = self.elapsed.as_secs_f64();
        trace!(records = self.records, elapsed_s, "Audit records flushed.");
        counter!(RECORDS.0).increment(u64::try_from(self.records).unwrap_or(u64::MAX));
        histogram!(DURATION.0).record(elapsed_s);
    }
}
