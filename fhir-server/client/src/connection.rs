//! Where a server is, how to sign in, and how long to try.

use std::time::Duration;

use crate::auth::Auth;
use crate::limits::{PATIENCE, PAUSE_FIRST, PAUSE_MAX, TRIES_MAX};

/// Where the server is and how to speak to it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// FHIR base, as `http://127.0.0.1:8080/fhir`.
    pub url: String,
    /// How requests are authorised.
    pub auth: Auth,
    /// When to try again.
    pub retry: Retry,
}

impl Default for Connection {
    fn default() -> Self {
        let url = "http://127.0.0.1:8080/fhir".to_owned();
        Self { url, auth: Auth::default(), retry: Retry::default() }
    }
}

/// When to try a request again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Tries in all.
    pub tries: u32,
    /// The first pause; it doubles each time.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long nobody needs to answer at first.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: TRIES_MAX, first: PAUSE_FIRST, longest: PAUSE_MAX, patience: PATIENCE }
    }
}

impl Retry {
    /// The pause before try `n` (from 1), between half and all of what doubling gives, so that
    /// many clients do not come back at once; the server's own wish if it has one.
    pub(crate) fn pause(&self, n: u32, wish: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << n.saturating_sub(1).min(16));
        let jittered = doubled.mul_f64(0.5 + 0.5 * fastrand::f64());
        wish.map_or(jittered, |wish| wish.max(jittered)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_bounded() {
        let retry = Retry::default();
        for (n, wish_s, low_ms, high_ms) in [
            (1, None, 125, 250),
            (3, None, 500, 1_000),
            (30, None, 15_000, 30_000),
            (1, Some(7), 7_000, 7_000),
            (1, Some(9_999), 30_000, 30_000),
            (4, Some(0), 1_000, 2_000),
        ] {
            let pause = retry.pause(n, wish_s.map(Duration::from_secs)).as_millis();
            assert!((low_ms..=high_ms).contains(&pause), "{n} {wish_s:?}: {pause}");
        }
    }
}
