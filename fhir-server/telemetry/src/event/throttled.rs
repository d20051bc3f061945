//! A request came too soon after others.

use metrics::{Unit, counter};
use tracing::debug;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric = (
    "throttled_total",
    Shape::Counter,
    Unit::Count,
    "Requests answered 429: by `address` before a token was read, or by client and `read`, `search`, `write`, `token`; and connections closed, `connections`.",
);

/// A request came too soon after others. Names nobody: a client's id would make a label for each.
#[derive(Clone, Copy, Debug)]
pub struct Throttled {
    /// What was asked for too often, as one of few fixed words.
    pub class: &'static str,
}

impl Emit for Throttled {
    fn emit(self) {
        debug!(class = self.class, "Throttled.");
        counter!(COUNT.0, "class" => self.class).increment(1);
    }
}
