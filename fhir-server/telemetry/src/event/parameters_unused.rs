//! Search parameters of one's own are not in use, though their resources ask for it.

use metrics::{Unit, counter};
use tracing::error;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric = (
    "search_parameters_unused_total",
    Shape::Counter,
    Unit::Count,
    "SearchParameters that asked to be used and were not, each time that all were read.",
);

/// SearchParameter resources were read, and some that ask to be used are not.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParametersUnused {
    /// They cannot be read, or not be used.
    pub unusable: usize,
    /// Another has their code.
    pub clashing: usize,
    /// There are more than may be.
    pub beyond: usize,
}

impl ParametersUnused {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> usize {
        self.unusable + self.clashing + self.beyond
    }
}

impl Emit for ParametersUnused {
    fn emit(self) {
        let Self { unusable, clashing, beyond } = self;
        error!(unusable, clashing, beyond, "Search parameters are active and not in use.");
        for (why, count) in [("unusable", unusable), ("clashing", clashing), ("beyond", beyond)] {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            counter!(COUNT.0, "why" => why).increment(count);
        }
    }
}
