//! Reads of requests that come at the same time share one statement and one round trip, as writes do in
//! [`crate::group`]. A group takes what waits when the one before it ends, so nothing waits on purpose.

use std::fmt;
use std::sync::Arc;

use canonical_model::{Error, Kind, Result};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::error::copy;
use crate::limits::{GROUP_MAX, GROUP_QUEUE_MAX, READ_GROUPS_PER_2_CORES, per_core};

/// What a group asks, and how.
pub(crate) trait Gathered: Clone + Send + Sync + 'static {
    /// One question.
    type Asked: Send + Sync + 'static;
    /// Its answer.
    type Answer: Send + 'static;

    /// The answers to all questions, in their order.
    fn fetch(&self, group: &[Self::Asked]) -> impl Future<Output = Result<Answers<Self>>> + Send;
}

pub(crate) type Answers<G> = Vec<Result<<G as Gathered>::Answer>>;

type Waiting<G> = (<G as Gathered>::Asked, oneshot::Sender<Result<<G as Gathered>::Answer>>);

/// The door to the readers. They end when the last door is gone.
pub(crate) struct Gather<G: Gathered> {
    queue: mpsc::Sender<Waiting<G>>,
}

impl<G: Gathered> Clone for Gather<G> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<G: Gathered> fmt::Debug for Gather<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

impl<G: Gathered> Gather<G> {
    pub(crate) fn start(reader: &G) -> Self {
        let (queue, waiting) = mpsc::channel(GROUP_QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..per_core(READ_GROUPS_PER_2_CORES, 1) {
            tokio::spawn(run(reader.clone(), Arc::clone(&waiting)));
        }
        Self { queue }
    }

    pub(crate) async fn ask(&self, asked: G::Asked) -> Result<G::Answer> {
        let (door, outcome) = oneshot::channel();
        self.queue.try_send((asked, door)).map_err(|_| {
            Error::new(Kind::Unavailable, "Too many reads wait already. Try again shortly.")
        })?;
        outcome.await.map_err(Error::internal)?
    }
}

async fn run<G: Gathered>(reader: G, waiting: Arc<Mutex<mpsc::Receiver<Waiting<G>>>>) {
    loop {
        let mut group = Vec::new();
        // Held while waiting: the readers take turns in taking what waits.
        let taken = waiting.lock().await.recv_many(&mut group, GROUP_MAX).await;
        if taken == 0 {
            return;
        }
        let (asked, doors): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match reader.fetch(&asked).await {
            Ok(answers) => {
                for (door, answer) in doors.into_iter().zip(answers) {
                    door.send(answer).ok(); // A caller that has gone does not hear it.
                }
            }
            Err(error) => {
                tracing::warn!(error = ?error, "A group was not read.");
                for door in doors {
                    door.send(Err(copy(&error))).ok();
                }
            }
        }
    }
}
