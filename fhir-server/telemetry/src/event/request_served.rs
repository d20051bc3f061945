//! A request has been answered.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use tracing::{debug, warn};

use crate::emit::{Emit, Metric, Shape};

pub(crate) const COUNT: Metric =
    ("http_requests_total", Shape::Counter, Unit::Count, "Requests answered.");
pub(crate) const DURATION: Metric = (
    "http_request_duration_seconds",
    Shape::Histogram,
    Unit::Seconds,
    "From the head of the request to the head of its answer.",
);

/// A request has been answered. Page when the share of 5xx in `http_requests_total` rises.
#[derive(Clone, Copy, Debug)]
pub struct RequestServed {
    /// The HTTP method.
    pub method: &'static str,
    /// What the route does: `read`, `transaction`, `token`.
    pub interaction: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// `ok`, or the word of the error's kind.
    pub outcome: &'static str,
    /// From the head of the request to the head of its answer.
    pub elapsed: Duration,
}

impl Emit for RequestServed {
    fn emit(self) {
        let Self { method, interaction, status, outcome, elapsed } = self;
        let elapsed_s = elapsed.as_secs_f64();
        if status >= 500 {
            warn!(
                http.method = method,
                interaction,
                http.status = status,
                outcome,
                elapsed_s,
                "Request failed."
            );
        } else {
            debug!(
                http.method = method,
                interaction,
                http.status = status,
                outcome,
                elapsed_s,
                "Request served."
            );
        }
        counter!(COUNT.0, "interaction" => interaction, "class" => class(status), "outcome" => outcome)
            .increment(1);
        histogram!(DURATION.0, "interaction" => interaction).record(elapsed_s);
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
