//! How slowly a body may come. What is large holds room that others wait for, so whoever announces much and
//! sends little is told to come again.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use canonical_model::{Error, Kind};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::PACE_BYTES_PER_S_MIN;

/// Counts only the time in which the server waits for the client, not its own work.
pub(crate) struct Pace {
    /// How far a client may be behind.
    grace: Duration,
    waited: Duration,
    /// Since when nothing comes.
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, waited: Duration::ZERO, since: None, alarm: None }
    }

    /// Something came.
    pub(crate) fn came(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Nothing is there yet: ready once the client is too far behind for the bytes that came so far.
    pub(crate) fn poll_late(&mut self, context: &mut Context<'_>, came: usize) -> Poll<Error> {
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            let owed = Duration::from_secs_f64(came as f64 / PACE_BYTES_PER_S_MIN);
            let end = now + (self.grace + owed).saturating_sub(self.waited);
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(end),
                None => self.alarm = Some(Box::pin(sleep_until(end))),
            }
        }
        let Some(alarm) = &mut self.alarm else { return Poll::Pending };
        alarm.as_mut().poll(context).map(|()| {
            let text = "The body came too slowly: send at least 256 KiB a second.";
            Error::new(Kind::Timeout, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn late(pace: &mut Pace, came: usize) -> Kind {
        poll_fn(|context| pace.poll_late(context, came)).await.kind
    }

    async fn waits(pace: &mut Pace, came: usize) -> bool {
        poll_fn(|context| Poll::Ready(pace.poll_late(context, came).is_pending())).await
    }

    #[tokio::test]
    async fn who_is_behind_is_late_and_bytes_buy_time() {
        let hour = 3_600 * PACE_BYTES_PER_S_MIN as usize;
        assert_eq!(late(&mut Pace::new(Duration::ZERO), 0).await, Kind::Timeout);
        assert!(waits(&mut Pace::new(Duration::from_secs(3_600)), 0).await);
        assert!(waits(&mut Pace::new(Duration::ZERO), hour).await);
        // What was waited for counts.
        let mut pace = Pace { waited: Duration::from_secs(7_200), ..Pace::new(Duration::ZERO) };
        assert_eq!(late(&mut pace, hour).await, Kind::Timeout);
        pace.came();
        assert!(waits(&mut pace, 3 * hour).await);
    }
}
