//! The trait of telemetry events, and the list of every metric with its unit and meaning.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Something that happened, told once: it writes its own log line and moves its own metrics, so
/// that no caller names a metric.
pub trait Emit {
    /// Tells it.
    fn emit(self);
}

/// How a metric counts.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Counter,
    Gauge,
    Histogram,
}

/// A metric: name, shape, unit, meaning.
pub(crate) type Metric = (&'static str, Shape, Unit, &'static str);

/// Gives the installed recorder each metric's unit and meaning. Call it once after installing.
pub fn describe() {
    for &(name, shape, unit, meaning) in crate::event::METRICS {
        match shape {
            Shape::Counter => describe_counter!(name, unit, meaning),
            Shape::Gauge => describe_gauge!(name, unit, meaning),
            Shape::Histogram => describe_histogram!(name, unit, meaning),
        }
    }
}
