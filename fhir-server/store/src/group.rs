//! Group commit: work of requests that come at the same time shares one statement, one round trip
//! and one flush. A group takes what waits when the one before it ends, so nothing waits on
//! purpose, and a lone request goes alone.

use std::collections::HashSet;
use std::sync::Arc;

use canonical_model::{Error, Kind, Result};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::change::Work;
use crate::commit::{Applied, Once, insert, settle, update_some};
use crate::error::copy;
use crate::forward::Hold;
use crate::ground::Ground;
use crate::limits::{GROUP_MAX, GROUP_QUEUE_MAX, GROUP_WRITERS_PER_2_CORES, per_core};
use crate::sessions::Sessions;

/// A resource's type and id.
type Name = (i16, String);

type Waiting = (Work, oneshot::Sender<Result<Applied>>);

/// Which statement a group runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    Insert,
    Update,
}

/// The door to the writers of one verb. They end when the last door is gone.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    queue: mpsc::Sender<Waiting>,
}

impl Group {
    pub(crate) fn start(sessions: &Sessions, ground: &Ground, verb: Verb) -> Self {
        let (queue, waiting) = mpsc::channel(GROUP_QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..per_core(GROUP_WRITERS_PER_2_CORES, 2) {
            let writer = Writer { sessions: sessions.clone(), ground: ground.clone(), verb };
            tokio::spawn(writer.run(Arc::clone(&waiting)));
        }
        Self { queue }
    }

    /// Commits one change; the work has just one.
    pub(crate) async fn submit(&self, work: Work) -> Result<Applied> {
        let (done, outcome) = oneshot::channel();
        self.queue.try_send((work, done)).map_err(|_| {
            Error::new(Kind::Unavailable, "Too many writes wait already. Try again shortly.")
        })?;
        outcome.await.map_err(Error::internal)?
    }
}

struct Writer {
    sessions: Sessions,
    ground: Ground,
    verb: Verb,
}

impl Writer {
    async fn run(self, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
        loop {
            let mut group = Vec::new();
            // Held while waiting: the writers take turns in taking what waits.
            let taken = waiting.lock().await.recv_many(&mut group, GROUP_MAX).await;
            if taken == 0 {
                return;
            }
            for round in rounds(group) {
                self.commit(round).await;
            }
        }
    }

    async fn commit(&self, group: Vec<Waiting>) {
        let (work, doors) = in_one_order(&self.ground, group);
        let alone = work.len() == 1;
        let outcome = self.write(&work).await;
        let outcomes = match self.ground.reserve.watch(outcome).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                if alone || is_for_all(&error) {
                    tracing::warn!(error = ?error, "A group was not written.");
                }
                work.iter().map(|_| Err(copy(&error))).collect()
            }
        };
        for ((one, door), outcome) in work.iter().zip(doors).zip(outcomes) {
            let outcome = match outcome {
                // It was not written, and another of the group may be why: by itself, then.
                Err(error) if !alone && !is_for_all(&error) => self.write_one(one).await,
                outcome => outcome,
            };
            // A caller that has gone does not hear it; the write stands.
            door.send(outcome).ok();
        }
    }

    async fn write_one(&self, work: &Work) -> Result<Applied> {
        let outcomes = self.write(std::slice::from_ref(work)).await?;
        outcomes.into_iter().next().unwrap_or(Ok(Applied::Stale))
    }

    /// What became of each. An error of all is that nothing was written.
    async fn write(&self, work: &[Work]) -> Result<Vec<Result<Applied>>> {
        let count = work.len();
        let once = Once::default();
        let mut session = self.sessions.take().await?;
        match self.verb {
            Verb::Insert => {
                let outcome = insert(&mut session, &self.ground, work.to_vec(), &once).await;
                let outcome = session.settle(outcome);
                // What was taken spoils the group; alone it says so.
                let applied = match count {
                    1 => settle(outcome)?,
                    _ if outcome? => Applied::Committed,
                    _ => Applied::Stale,
                };
                Ok((0..count).map(|_| Ok(applied)).collect())
            }
            Verb::Update => {
                let hold = Hold::default();
                let (done, outcome) =
                    update_some(&mut session, &self.ground, work, &once, hold).await;
                let outcome = match session.settle(outcome) {
                    Err(error) if done.is_empty() => return Err(error),
                    outcome => outcome,
                };
                let done: HashSet<usize> = done.into_iter().collect();
                let applied = |n| match &outcome {
                    _ if done.contains(&n) => Ok(Applied::Committed),
                    Ok(()) => Ok(Applied::Stale),
                    Err(error) => Err(copy(error)),
                };
                Ok((0..count).map(applied).collect())
            }
        }
    }
}

/// By identity, so that two groups that change the same resources lock them in the same order.
fn in_one_order(
    ground: &Ground,
    mut group: Vec<Waiting>,
) -> (Vec<Work>, Vec<oneshot::Sender<Result<Applied>>>) {
    group.sort_by_cached_key(|(work, _)| {
        work.changes.first().map(|change| ground.hasher.identity(change.kind, change.id.as_str()))
    });
    group.into_iter().unzip()
}

/// Whether an error would hit each of a group as it hit the group.
fn is_for_all(error: &Error) -> bool {
    matches!(error.kind, Kind::Unavailable | Kind::StorageFull)
}

/// Two changes of one resource do not fit one statement: the later one waits for the next round.
fn rounds(group: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let mut rounds: Vec<(HashSet<Name>, Vec<Waiting>)> = Vec::new();
    for one in group {
        let name = one.0.changes.first().map(|c| (c.kind.number(), c.id.to_string()));
        let Some(name) = name else { continue };
        match rounds.iter_mut().find(|(names, _)| !names.contains(&name)) {
            Some((names, round)) => {
                names.insert(name);
                round.push(one);
            }
            None => rounds.push((HashSet::from([name]), vec![one])),
        }
    }
    rounds.into_iter().map(|(_, round)| round).collect()
}
