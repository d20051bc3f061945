//! What the product tells of itself, and the clock it tells it by.
//!
//! **Architecture invariant:** the only crate that asks the machine for the time of day; the only
//! one that names a metric. The exporter of the metrics is chosen by the binary.

mod clock;
mod emit;
pub mod event;
mod log;
mod ticks;

pub use clock::Clock;
pub use emit::{Emit, describe};
pub use log::{Format, InitError, init};
pub use ticks::Ticks;
