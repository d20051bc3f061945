//! How long rows of the record of accesses have been waiting for a seal.

use std::time::Duration;

use metrics::{Unit, gauge};
use tracing::error;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const AGE: Metric = (
    "audit_unsealed_age_seconds",
    Shape::Gauge,
    Unit::Seconds,
    "Age of the oldest row of the record that is not sealed. Page where it passes `unsealed_max_s`: until then nobody can prove what is newer.",
);

/// The oldest row that is not sealed is so old; looked at by whoever seals.
#[derive(Clone, Copy, Debug)]
pub struct RecordUnsealed {
    /// Its age; nothing where all is sealed.
    pub age: Duration,
    /// How old it may be.
    pub age_max: Duration,
}

impl Emit for RecordUnsealed {
    fn emit(self) {
        let (age_s, age_s_max) = (self.age.as_secs_f64(), self.age_max.as_secs_f64());
        gauge!(AGE.0).set(age_s);
        if self.age > self.age_max {
            error!(age_s, age_s_max, "Sealing of the record of accesses stands still.");
        }
    }
}
