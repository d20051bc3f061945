//! The injected clock: code asks it for the time, so that in tests hours pass in milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A source of the time of day. Clones show the same time.
///
/// Leases, holds and due times belong to the database's clock, not to this one.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is advanced.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// Moves a manual clock and all its clones. A system clock follows the machine and stays.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::System => {}
            Source::Manual(micros) => {
                let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
                let _before = micros.fetch_add(by, Ordering::SeqCst);
            }
        }
    }

    /// The time now, in UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst))
                    .unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
        }
    }

    /// Microseconds since 1970: PostgreSQL's own precision.
    #[must_use]
    pub fn micros(&self) -> i64 {
        self.now().timestamp_micros()
    }

    /// Milliseconds since 1970: the precision of FHIR instants here.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// Whole seconds since 1970, as tokens carry them.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.now().timestamp()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_its_clones_with_it() {
        let start = DateTime::from_timestamp_millis(1_700_000_000_123).unwrap();
        let clock = Clock::manual(start);
        let clone = clock.clone();
        assert_eq!(clone.now(), start);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(clone.millis(), 1_700_003_600_123);
        assert_eq!(clone.micros(), 1_700_003_600_123_000);
        assert_eq!(clone.seconds(), 1_700_003_600);
    }

    #[test]
    fn a_system_clock_is_later_than_this_line_was_written_and_stays_unmoved() {
        let clock = Clock::system();
        clock.advance(Duration::from_secs(1_000_000_000));
        let now = clock.seconds();
        assert!((1_700_000_000..2_700_000_000).contains(&now), "{now}");
    }
}
