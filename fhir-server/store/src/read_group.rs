//! Reads of requests that come at the same time share one round trip, as writes do in
//! [`crate::group`]. Only reads whose access demands no owner: the others carry their own filter.

use std::sync::Arc;

use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use sqlx::{PgPool, Row};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::error::StoreError;
use crate::limits::{GROUP_MAX, GROUP_QUEUE_MAX, READ_GROUPS};
use crate::rows::{Stored, stored};
use crate::sealer::Sealer;

struct Wanted {
    kind: ResourceType,
    id: ResourceId,
    identity: i64,
    door: oneshot::Sender<Result<Option<Stored>>>,
}

/// The door to the readers. They end when the last door is gone.
#[derive(Clone, Debug)]
pub(crate) struct ReadGroup {
    queue: mpsc::Sender<Wanted>,
}

impl ReadGroup {
    pub(crate) fn start(pool: &PgPool, sealer: &Arc<Sealer>) -> Self {
        let (queue, waiting) = mpsc::channel(GROUP_QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..READ_GROUPS {
            tokio::spawn(run(pool.clone(), Arc::clone(sealer), Arc::clone(&waiting)));
        }
        Self { queue }
    }

    pub(crate) async fn read(
        &self,
        kind: ResourceType,
        id: &ResourceId,
        identity: i64,
    ) -> Result<Option<Stored>> {
        let (door, outcome) = oneshot::channel();
        let wanted = Wanted { kind, id: id.clone(), identity, door };
        self.queue.try_send(wanted).map_err(|_| {
            Error::new(Kind::Unavailable, "Too many reads wait already. Try again shortly.")
        })?;
        outcome.await.map_err(Error::internal)?
    }
}

async fn run(pool: PgPool, sealer: Arc<Sealer>, waiting: Arc<Mutex<mpsc::Receiver<Wanted>>>) {
    loop {
        let mut group = Vec::new();
        let taken = waiting.lock().await.recv_many(&mut group, GROUP_MAX).await;
        if taken == 0 {
            return;
        }
        match fetch(&pool, &sealer, &group).await {
            Ok(found) => {
                for (wanted, found) in group.into_iter().zip(found) {
                    wanted.door.send(found).ok();
                }
            }
            Err(error) => {
                tracing::warn!(error = ?error, "A group was not read.");
                for wanted in group {
                    let copy = Error::from_issues(error.kind, error.issues.clone());
                    wanted.door.send(Err(copy)).ok();
                }
            }
        }
    }
}

type Answers = Vec<Result<Option<Stored>>>;

async fn fetch(pool: &PgPool, sealer: &Sealer, group: &[Wanted]) -> Result<Answers> {
    let identities: Vec<i64> = group.iter().map(|wanted| wanted.identity).collect();
    let ids: Vec<&str> = group.iter().map(|wanted| wanted.id.as_str()).collect();
    let rows = sqlx::query(include_str!("../queries/read_group.sql"))
        .bind(identities)
        .bind(ids)
        .fetch_all(pool)
        .await
        .map_err(StoreError)?;
    let mut answers: Answers = group.iter().map(|_| Ok(None)).collect();
    for row in &rows {
        let ord: i64 = row.try_get("ord").map_err(StoreError)?;
        let at = usize::try_from(ord - 1).map_err(Error::internal)?;
        if let (Some(wanted), Some(answer)) = (group.get(at), answers.get_mut(at)) {
            *answer = stored(row, sealer, wanted.kind, wanted.id.to_string()).map(Some);
        }
    }
    Ok(answers)
}
