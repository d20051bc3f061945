//! The open loop's schedule: request `n` is due at `start + n / rate`, whether or not the server
//! keeps up, and its latency counts from then. A closed loop would wait with a slow server and
//! never see the queue that real clients stand in.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Hands out due times in order. Clones share the schedule.
#[derive(Clone)]
pub(crate) struct Schedule {
    start: Instant,
    interval_s: f64,
    due: Arc<Semaphore>,
    taken: Rc<Cell<u64>>,
    _stop: Arc<Stop>,
}

/// Ends the pacing thread with the last clone.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Schedule {
    /// Starts a schedule that ends at `end`. A thread wakes for each due time: the runtime's timer
    /// has a resolution of a millisecond, longer than a read takes.
    pub(crate) fn start(rate_per_s: f64, end: Instant) -> Self {
        let (start, interval_s) = (Instant::now(), 1.0 / rate_per_s);
        let due = Arc::new(Semaphore::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (gate, stopped) = (Arc::clone(&due), Arc::clone(&stop));
        thread::spawn(move || {
            let mut released = 0_u64;
            while Instant::now() < end && !stopped.load(Ordering::Relaxed) {
                let owed = (start.elapsed().as_secs_f64() * rate_per_s) as u64 + 1;
                gate.add_permits(usize::try_from(owed - released).unwrap_or(1));
                released = owed;
                let next = start + Duration::from_secs_f64(interval_s * released as f64);
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            gate.close();
        });
        let taken = Rc::new(Cell::new(0));
        Self { start, interval_s, due, taken, _stop: Arc::new(Stop(stop)) }
    }

    /// Waits for the next due time and returns it; `None` when the schedule has ended.
    pub(crate) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        let n = self.taken.replace(self.taken.get() + 1);
        Some(self.start + Duration::from_secs_f64(self.interval_s * n as f64))
    }

    /// Requests that were due and never sent, since every connection was busy.
    pub(crate) fn unsent(&self) -> u64 {
        self.due.available_permits() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn due_times_follow_the_rate_even_when_taken_late() {
        let end = Instant::now() + Duration::from_millis(200);
        let schedule = Schedule::start(1000.0, end);
        let mut due = Vec::new();
        while let Some(at) = schedule.next().await {
            assert!(at <= Instant::now(), "never early");
            due.push(at);
        }
        let steps: Vec<f64> =
            due.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1000.0).collect();
        assert!(due.len() > 100, "{} in 200 ms", due.len());
        assert!(steps.iter().all(|step| (step - 1.0).abs() < 0.01), "{steps:?}");
    }
}
