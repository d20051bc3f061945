//! Someone could not show who they are.

use metrics::{Unit, counter};
use tracing::info;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric = (
    "authentication_failures_total",
    Shape::Counter,
    Unit::Count,
    "Credentials refused. A steep rise is a guessing attack or an expired secret.",
);

/// Credentials have been refused. Carries no name: what was typed there may be a secret.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticationFailed {
    /// Where: `token` or `bearer`.
    pub door: &'static str,
    /// Why, as one of the door's fixed words.
    pub reason: &'static str,
}

impl Emit for AuthenticationFailed {
    fn emit(self) {
        info!(door = self.door, reason = self.reason, "Authentication failed.");
        counter!(COUNT.0, "door" => self.door, "reason" => self.reason).increment(1);
    }
}
