//! The injected stopwatch: time that only ever goes on, for rates and deadlines of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A source of time since some moment. Clones show the same time. Unlike [`crate::Clock`] it never goes back, and
/// means nothing to another process.
#[derive(Clone, Debug)]
pub struct Ticks(Source);

#[derive(Clone, Debug)]
enum Source {
    Since(Instant),
    /// Nanoseconds.
    Manual(Arc<AtomicU64>),
}

impl Ticks {
    /// The machine's, from now on.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::Since(Instant::now()))
    }

    /// One that stands until it is advanced.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::default()))
    }

    /// Moves a manual one and all its clones; the machine's stays.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(nanos) = &self.0 {
            let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            let _before = nanos.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Nanoseconds since it began: enough for five centuries.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        match &self.0 {
            Source::Since(begun) => u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Source::Manual(nanos) => nanos.load(Ordering::SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_and_never_back() {
        let (system, manual) = (Ticks::system(), Ticks::manual());
        let (first, second) = (system.nanos(), system.nanos());
        assert!(first <= second && second < 3_600_000_000_000);
        let clone = manual.clone();
        manual.advance(Duration::from_millis(3));
        system.advance(Duration::from_secs(1_000_000));
        assert_eq!(clone.nanos(), 3_000_000);
        assert!(system.nanos() < 3_600_000_000_000);
    }
}
