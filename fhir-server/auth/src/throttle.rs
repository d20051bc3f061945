//! Slows guessing: after some wrong secrets in a window, the client at that address must wait.
//!
//! Counted for client and address together, so that a stranger cannot lock a client out from afar.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::{FAILURE_WINDOW_S, FAILURES_MAX, FAILURES_TRACKED_MAX};

/// Whose failures: a keyed hash of client id and address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Suspect(u64);

#[derive(Clone, Copy)]
struct Window {
    failures: u32,
    ends_s: i64,
}

/// The failures of the current windows.
#[derive(Default)]
pub(crate) struct Throttle {
    hasher: RandomState,
    windows: Mutex<HashMap<Suspect, Window>>,
}

impl Throttle {
    pub(crate) fn suspect(&self, client_id: &str, address: Option<IpAddr>) -> Suspect {
        Suspect(self.hasher.hash_one((client_id, address)))
    }

    /// Whether the suspect may try; otherwise the seconds to wait.
    pub(crate) fn admit(&self, suspect: Suspect, now_s: i64) -> Result<(), i64> {
        match self.lock().get(&suspect) {
            Some(window) if window.failures >= FAILURES_MAX && now_s < window.ends_s => {
                Err(window.ends_s - now_s)
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong secret.
    pub(crate) fn failed(&self, suspect: Suspect, now_s: i64) {
        let mut windows = self.lock();
        if windows.len() >= FAILURES_TRACKED_MAX {
            windows.retain(|_, window| now_s < window.ends_s);
        }
        if windows.len() >= FAILURES_TRACKED_MAX {
            windows.clear(); // Bounded memory comes first; the attack is in the log.
        }
        let fresh = Window { failures: 0, ends_s: now_s + FAILURE_WINDOW_S };
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
