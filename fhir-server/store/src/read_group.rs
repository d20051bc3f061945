//! Reads of requests that come at the same time share one round trip, as writes do in
//! [`crate::group`], and the flush of their audit records. Only reads whose access demands no owner: the others carry their own filter.

use std::sync::Arc;

use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::RequestContext;
use crate::audit::refused;
use crate::change::Method;
use crate::error::StoreError;
use crate::limits::{
    GROUP_MAX, GROUP_QUEUE_MAX, READ_GROUP_BYTES_MAX, READ_GROUPS_PER_2_CORES, per_core,
};
use crate::read::Reading;
use crate::reserve::Reserve;
use crate::rows::stored;
use crate::sealer::Sealer;
use crate::sessions::Sessions;

struct Wanted {
    kind: ResourceType,
    id: ResourceId,
    identity: i64,
    at: DateTime<Utc>,
    context: RequestContext,
    door: oneshot::Sender<Result<Option<Reading>>>,
}

/// The door to the readers. They end when the last door is gone.
#[derive(Clone, Debug)]
pub(crate) struct ReadGroup {
    queue: mpsc::Sender<Wanted>,
}

impl ReadGroup {
    pub(crate) fn start(sessions: &Sessions, reserve: &Arc<Reserve>, sealer: &Arc<Sealer>) -> Self {
        let (queue, waiting) = mpsc::channel(GROUP_QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..per_core(READ_GROUPS_PER_2_CORES, 1) {
            let (reserve, sealer) = (Arc::clone(reserve), Arc::clone(sealer));
            let reader = Reader { sessions: sessions.clone(), reserve, sealer };
            tokio::spawn(reader.run(Arc::clone(&waiting)));
        }
        Self { queue }
    }

    /// A version that is large comes without its text.
    pub(crate) async fn read(
        &self,
        kind: ResourceType,
        id: &ResourceId,
        identity: i64,
        at: DateTime<Utc>,
        context: RequestContext,
    ) -> Result<Option<Reading>> {
        let (door, outcome) = oneshot::channel();
        let wanted = Wanted { kind, id: id.clone(), identity, at, context, door };
        self.queue.try_send(wanted).map_err(|_| {
            Error::new(Kind::Unavailable, "Too many reads wait already. Try again shortly.")
        })?;
        outcome.await.map_err(Error::internal)?
    }
}

struct Reader {
    sessions: Sessions,
    reserve: Arc<Reserve>,
    sealer: Arc<Sealer>,
}

impl Reader {
    async fn run(self, waiting: Arc<Mutex<mpsc::Receiver<Wanted>>>) {
        loop {
            let mut group = Vec::new();
            let taken = waiting.lock().await.recv_many(&mut group, GROUP_MAX).await;
            if taken == 0 {
                return;
            }
            let mut outcome = self.reserve.watch(self.fetch(&group).await).await;
            if outcome.as_ref().is_err_and(|error| error.kind == Kind::StorageFull) {
                outcome = self.fetch(&group).await; // The reserve has been given back since.
            }
            answer(group, outcome);
        }
    }
}

fn answer(group: Vec<Wanted>, outcome: Result<Answers>) {
    match outcome {
        Ok(found) => {
            for (wanted, found) in group.into_iter().zip(found) {
                wanted.door.send(found).ok(); // A caller that has gone does not hear it.
            }
        }
        Err(error) => {
            tracing::warn!(error = ?error, "A group was not read.");
            for wanted in group {
                wanted.door.send(Err(refused())).ok();
            }
        }
    }
}

type Answers = Vec<Result<Option<Reading>>>;

impl Reader {
    async fn fetch(&self, group: &[Wanted]) -> Result<Answers> {
        let texts = |pick: fn(&Wanted) -> &str| -> Vec<&str> { group.iter().map(pick).collect() };
        let contexts = group.iter().map(|wanted| &wanted.context);
        let query = sqlx::query(include_str!("../queries/read_group.sql"))
            .bind(group.iter().map(|wanted| wanted.identity).collect::<Vec<_>>())
            .bind(texts(|wanted| wanted.id.as_str()))
            .bind(group.iter().map(|wanted| wanted.at).collect::<Vec<_>>())
            .bind(texts(|wanted| &wanted.context.request_id))
            .bind(texts(|wanted| &wanted.context.client))
            .bind(contexts.map(|context| context.subject.as_deref()).collect::<Vec<_>>())
            .bind(texts(|wanted| &wanted.context.token_id))
            .bind(READ_GROUP_BYTES_MAX);
        let rows = self.sessions.fetch_all(query).await?;
        let mut answers: Answers = group.iter().map(|_| Ok(None)).collect();
        for row in &rows {
            let ord: i64 = row.try_get("ord").map_err(StoreError)?;
            let at = usize::try_from(ord - 1).map_err(Error::internal)?;
            if let (Some(wanted), Some(answer)) = (group.get(at), answers.get_mut(at)) {
                let stored = stored(row, &self.sealer, wanted.kind, wanted.id.to_string());
                *answer = stored.map(|stored| {
                    let recorded = stored.method != Method::Delete;
                    Some(Reading { stored, recorded })
                });
            }
        }
        Ok(answers)
    }
}
