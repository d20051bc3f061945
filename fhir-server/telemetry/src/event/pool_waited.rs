//! A caller has waited for a database connection.

use std::time::Duration;

use metrics::{Unit, histogram};

use crate::emit::{Emit, Metric, Shape};

pub(crate) const DURATION: Metric = (
    "store_pool_wait_seconds",
    Shape::Histogram,
    Unit::Seconds,
    "Wait for a connection from the pool. Page when its p99 passes 100 ms.",
);

/// A caller has got a database connection after this wait.
#[derive(Clone, Copy, Debug)]
pub struct PoolWaited {
    /// Which pool.
    pub pool: &'static str,
    /// From asking to having.
    pub elapsed: Duration,
}

impl Emit for PoolWaited {
    fn emit(self) {
        histogram!(DURATION.0, "pool" => self.pool).record(self.elapsed.as_secs_f64());
    }
}
