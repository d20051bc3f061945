//! Asking a run to stop: first gently, so that what is in flight ends, then at once.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::limits::STOP_GRACE;

/// Stops a run from outside. All clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<watch::Sender<u32>>);

impl Stop {
    /// Asks to stop: nothing new is sent. Asked again, what is in flight is not waited for.
    pub fn ask(&self) {
        self.0.send_modify(|times| *times += 1);
    }

    /// Whether it was asked.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until it is asked.
    pub(crate) async fn asked(&self) {
        self.times(1).await;
    }

    /// Waits until what is in flight must end: asked twice, or once and waited long enough.
    pub(crate) async fn at_once(&self) {
        self.asked().await;
        tokio::select! {
            () = self.times(2) => {}
            () = sleep(STOP_GRACE) => {}
        }
    }

    async fn times(&self, enough: u32) {
        // The sender lives as long as this: no error can come.
        drop(self.0.subscribe().wait_for(|times| *times >= enough).await);
    }
}
