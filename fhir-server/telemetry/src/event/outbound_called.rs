//! A URL out of data has been called, or was refused.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use tracing::debug;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric = (
    "outbound_calls_total",
    Shape::Counter,
    Unit::Count,
    "URLs out of data called or refused. `outcome=\"address\"` is somebody who looks for machines beside this one.",
);
pub(crate) const DURATION: Metric = (
    "outbound_call_duration_seconds",
    Shape::Histogram,
    Unit::Seconds,
    "From a call's beginning, its wait for a place included, to the last byte of its answer.",
);

/// A URL out of data has been called, or was refused. Names neither the URL nor its host.
#[derive(Clone, Copy, Debug)]
pub struct OutboundCalled {
    /// `ok`, or why not, as one of few fixed words.
    pub outcome: &'static str,
    /// The time it took.
    pub elapsed: Duration,
}

impl Emit for OutboundCalled {
    fn emit(self) {
        let elapsed_s = self.elapsed.as_secs_f64();
        debug!(outcome = self.outcome, elapsed_s, "URL called.");
        counter!(COUNT.0, "outcome" => self.outcome).increment(1);
        histogram!(DURATION.0).record(elapsed_s);
    }
}
