//! Rows of the record of accesses have been sealed.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use tracing::trace;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const ROWS: Metric = (
    "audit_sealed_rows_total",
    Shape::Counter,
    Unit::Count,
    "Rows of the record that were sealed.",
);
pub(crate) const DURATION: Metric = (
    "audit_sealing_duration_seconds",
    Shape::Histogram,
    Unit::Seconds,
    "Sealing what was committed since; nobody waits for it.",
);

/// Rows of the record have been sealed, durably.
#[derive(Clone, Copy, Debug)]
pub struct RecordSealed {
    /// How many.
    pub rows: usize,
    /// From looking for them to their commit.
    pub elapsed: Duration,
}

impl Emit for RecordSealed {
    fn emit(self) {
        let elapsed_s = self.elapsed.as_secs_f64();
        trace!(rows = self.rows, elapsed_s, "The record was sealed.");
        counter!(ROWS.0).increment(u64::try_from(self.rows).unwrap_or(u64::MAX));
        histogram!(DURATION.0).record(elapsed_s);
    }
}
