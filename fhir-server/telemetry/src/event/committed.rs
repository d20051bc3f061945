//! A transaction with resource versions has been committed.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use tracing::trace;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const TRANSACTIONS: Metric =
    ("store_commits_total", Shape::Counter, Unit::Count, "Transactions committed.");
pub(crate) const VERSIONS: Metric =
    ("store_versions_total", Shape::Counter, Unit::Count, "Resource versions committed.");
pub(crate) const DURATION: Metric = (
    "store_commit_duration_seconds",
    Shape::Histogram,
    Unit::Seconds,
    "From the first statement of a write to its durable commit.",
);

/// A transaction with resource versions has been committed durably.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// Versions in the transaction.
    pub versions: usize,
    /// From the first statement to the durable commit.
    pub elapsed: Duration,
}

impl Emit for Committed {
    fn emit(self) {
        let elapsed_s = self.elapsed.as_secs_f64();
        trace!(versions = self.versions, elapsed_s, "Committed.");
        counter!(TRANSACTIONS.0).increment(1);
        counter!(VERSIONS.0).increment(u64::try_from(self.versions).unwrap_or(u64::MAX));
        histogram!(DURATION.0).record(elapsed_s);
    }
}
