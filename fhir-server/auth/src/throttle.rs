//! Slows guessing: after some wrong secrets in a window, whoever sent them must wait.
//!
//! Counted for a name and an address together, so that a stranger cannot lock a client out from afar; and for an address
//! alone, so that nobody guesses at many accounts. Each door has its own: what is tried at one is not forgotten for the
//! sake of another.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::FAILURES_TRACKED_MAX;
use crate::throttles::household;

/// Whose failures: a keyed hash of a name and an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Suspect(u64);

#[derive(Clone, Copy)]
struct Window {
    failures: u32,
    ends_s: i64,
}

/// The failures of the current windows.
pub(crate) struct Throttle {
    /// How many in one are let through; 0 lets all.
    most: u32,
    /// How long one is, in seconds.
    window_s: i64,
    hasher: RandomState,
    windows: Mutex<HashMap<Suspect, Window>>,
}

impl Throttle {
    pub(crate) fn new(most: u32, window_s: i64) -> Self {
        Self { most, window_s, hasher: RandomState::new(), windows: Mutex::default() }
    }

    /// Whoever is at an address; of version 6, in its network of 64 bits.
    pub(crate) fn address(&self, address: Option<IpAddr>) -> Suspect {
        Suspect(self.hasher.hash_one(address.map(household)))
    }

    /// Whoever says a name at an address.
    pub(crate) fn suspect(&self, client_id: &str, address: Option<IpAddr>) -> Suspect {
        Suspect(self.hasher.hash_one((client_id, address.map(household))))
    }

    /// Whether the suspect may try; otherwise the seconds to wait.
    pub(crate) fn admit(&self, suspect: Suspect, now_s: i64) -> Result<(), i64> {
        match self.lock().get(&suspect) {
            Some(window)
                if self.most > 0 && window.failures >= self.most && now_s < window.ends_s =>
            {
                Err(window.ends_s - now_s)
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong secret.
    pub(crate) fn failed(&self, suspect: Suspect, now_s: i64) {
        let mut windows = self.lock();
        if windows.len() >= FAILURES_TRACKED_MAX && !windows.contains_key(&suspect) {
            windows.retain(|_, window| now_s < window.ends_s);
            make_room(&mut windows);
        }
        let fresh = Window { failures: 0, ends_s: now_s + self.window_s };
        let window = windows.entry(suspect).or_insert(fresh);
        if now_s >= window.ends_s {
            *window = fresh;
        }
        window.failures += 1;
    }

    /// Forgets the failures of one who knew the secret after all.
    pub(crate) fn succeeded(&self, suspect: Suspect) {
        self.lock().remove(&suspect);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Suspect, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets some where there are too many: those with the fewest failures, and of those the oldest. So nobody who makes up
/// names has the failures of others forgotten, or his own at a name that is somebody's.
fn make_room(windows: &mut HashMap<Suspect, Window>) {
    if windows.len() < FAILURES_TRACKED_MAX {
        return;
    }
    let weight = |window: &Window| (window.failures, window.ends_s);
    let mut all: Vec<_> = windows.iter().map(|(who, window)| (weight(window), *who)).collect();
    // Some at once: to look at all of them for each that comes would be slow.
    let some = FAILURES_TRACKED_MAX / 8;
    all.select_nth_unstable_by_key(some, |(weight, _)| *weight);
    for (_, who) in all.into_iter().take(some) {
        windows.remove(&who);
    }
}
