//! Somebody took access in an emergency.

use metrics::{Unit, counter};
use tracing::warn;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric = (
    "glass_broken_total",
    Shape::Counter,
    Unit::Count,
    "Accesses in an emergency, beyond relationship and consent: each is to be reviewed by another person.",
);

/// Somebody took access in an emergency: to be looked at by somebody else.
#[derive(Clone, Copy, Debug)]
pub struct GlassBroken<'a> {
    /// Its number, by which the review page and the record know it.
    pub number: i64,
    /// The account, as tokens name it: no name of a person.
    pub subject: &'a str,
}

impl Emit for GlassBroken<'_> {
    fn emit(self) {
        let Self { number, subject } = self;
        warn!(break_glass = number, subject, "Access in an emergency: review it at /auth/review.");
        counter!(COUNT.0).increment(1);
    }
}
