//! A TLS handshake came to nothing.

use std::time::Duration;

use metrics::{Unit, counter};
use tracing::debug;

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric = (
    "tls_handshakes_failed_total",
    Shape::Counter,
    Unit::Count,
    "Connections closed before TLS stood. Many of `full` or `timeout` are an attack; of `certificate`, a client \
     whose certificate has ended.",
);

/// A TLS handshake came to nothing.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeFailed {
    /// Why, as one of few fixed words.
    pub reason: &'static str,
    /// The time it took.
    pub elapsed: Duration,
}

impl Emit for HandshakeFailed {
    fn emit(self) {
        let elapsed_s = self.elapsed.as_secs_f64();
        debug!(reason = self.reason, elapsed_s, "No handshake.");
        counter!(COUNT.0, "reason" => self.reason).increment(1);
    }
}
