//! A transaction over several statements: bundles, and conditional writes that must lock first.
//!
//! Dropping it unfinished closes its session: none comes back inside a transaction, whenever and
//! wherever a request was cancelled.

use std::sync::Arc;

use canonical_model::Result;
use chrono::{DateTime, Utc};
use search::Hasher;
use sqlx::PgConnection;

use tokio::sync::OwnedSemaphorePermit;

use crate::Store;
use crate::blob::blobs;
use crate::change::{Change, Work};
use crate::commit::{Applied, Once, insert, settle, update};
use crate::context::RequestContext;
use crate::error::StoreError;
use crate::forward::Hold;
use crate::ground::Ground;
use crate::limits::STATEMENT_MS_MAX;
use crate::query::SearchTime;
use crate::sealer::Sealer;
use crate::sessions::Session;

/// An open transaction. Commit it, or everything in it is undone.
#[derive(Debug)]
pub struct Transaction {
    session: Session,
    /// Given back with the session.
    _turn: OwnedSemaphorePermit,
    ground: Ground,
    sealer: Arc<Sealer>,
    search_time: SearchTime,
    /// How long a statement may run, in milliseconds.
    statement_ms: u64,
}

impl Store {
    /// Opens a transaction.
    ///
    /// # Errors
    /// Unavailable where no connection is free in time; StorageFull while the disk is full.
    pub async fn begin(&self) -> Result<Transaction> {
        self.ground.reserve.admit()?;
        let mut transaction = Transaction {
            _turn: self.ground.turn().await?,
            session: self.sessions.take().await?,
            ground: self.ground.clone(),
            sealer: Arc::clone(&self.sealer),
            search_time: self.search_time(),
            statement_ms: STATEMENT_MS_MAX,
        };
        transaction.run("begin").await?;
        Ok(transaction)
    }
}

impl Transaction {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.session
    }

    pub(crate) fn sealer(&self) -> &Arc<Sealer> {
        &self.sealer
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.ground.hasher
    }

    pub(crate) fn search_time(&self) -> &SearchTime {
        &self.search_time
    }

    /// Lets searches take what is left to others of the same request.
    pub fn share_search_time(&mut self, time: &SearchTime) {
        self.search_time = time.clone();
    }

    /// Lets statements run no longer than this, until the transaction ends: a round trip only where less
    /// than half of the present limit is left, or more is needed. So many searches in a row cost few, and
    /// the last ends within twice of what is left.
    pub(crate) async fn limit(&mut self, statement_ms: u64) -> Result<()> {
        if (self.statement_ms / 2..=self.statement_ms).contains(&statement_ms)
            && self.statement_ms != STATEMENT_MS_MAX
        {
            return Ok(());
        }
        sqlx::query("select set_config('statement_timeout', $1, true)")
            .bind(format!("{statement_ms}ms"))
            .execute(self.connection())
            .await
            .map_err(StoreError)?;
        self.statement_ms = statement_ms;
        Ok(())
    }

    /// The usual limit again, for what waits for locks and writes.
    async fn unlimit(&mut self) -> Result<()> {
        if self.statement_ms == STATEMENT_MS_MAX {
            Ok(())
        } else {
            self.limit(STATEMENT_MS_MAX).await
        }
    }

    async fn run(&mut self, statement: &'static str) -> Result<()> {
        sqlx::query(statement).execute(self.connection()).await.map_err(StoreError)?;
        Ok(())
    }

    /// Locks names (hashes of ids and criteria) in one order for all, so that transactions that
    /// touch the same resources wait for each other instead of deadlocking.
    ///
    /// # Errors
    /// Conflict where the wait is too long.
    pub async fn lock(&mut self, mut names: Vec<i64>) -> Result<()> {
        names.sort_unstable();
        names.dedup();
        self.unlimit().await?;
        sqlx::query("select pg_advisory_xact_lock(n.name) from unnest($1::bigint[]) n (name)")
            .bind(&names)
            .execute(self.connection())
            .await
            .map_err(StoreError)?;
        Ok(())
    }

    /// Claims the criteria of conditional creates: whoever claims one of them waits for this
    /// transaction, and finds what it wrote.
    ///
    /// # Errors
    /// Conflict where the wait is too long.
    pub async fn claim(&mut self, mut criteria: Vec<i64>) -> Result<()> {
        criteria.sort_unstable();
        criteria.dedup();
        sqlx::query(
            "insert into claim (criteria) select c from unnest($1::bigint[]) c
             on conflict (criteria) do update set used_at = now()",
        )
        .bind(&criteria)
        .execute(self.connection())
        .await
        .map_err(StoreError)?;
        Ok(())
    }

    /// Writes changes of any kind. New resources and new versions are one statement each.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn write(
        &mut self,
        changes: Vec<Change>,
        at: DateTime<Utc>,
        context: &RequestContext,
        once: &Once,
    ) -> Result<Applied> {
        self.unlimit().await?;
        let (reserve, blobs) = (Arc::clone(&self.ground.reserve), blobs(&changes));
        let applied = reserve.watch(self.write_all(changes, at, context, once).await).await?;
        self.keep_blobs(&blobs, applied).await
    }

    async fn write_all(
        &mut self,
        changes: Vec<Change>,
        at: DateTime<Utc>,
        context: &RequestContext,
        once: &Once,
    ) -> Result<Applied> {
        let (fresh, mut next): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| change.expected == 0);
        // In the order of all writers, so that none waits in a ring.
        next.sort_by_cached_key(|change| {
            self.ground.hasher.identity(change.kind, change.id.as_str())
        });
        let ground = self.ground.clone();
        let connection = self.connection();
        let none = Once::default();
        let work = |changes| Work { changes, at, context: context.clone(), claim: None };
        // The key is written by the first statement there is, even when nothing else changes.
        let with_fresh = !fresh.is_empty() || next.is_empty();
        if with_fresh {
            let outcome = insert(connection, &ground, vec![work(fresh)], once).await;
            let applied = settle(outcome)?;
            if applied != Applied::Committed {
                return Ok(applied);
            }
        }
        if !next.is_empty() {
            let once = if with_fresh { &none } else { once };
            let count = next.len();
            let done = update(connection, &ground, &[work(next)], once, Hold::LOCKED).await;
            return settle(done.map(|done| done.len() == count));
        }
        Ok(Applied::Committed)
    }

    /// Makes everything durable and gives the connection back.
    ///
    /// # Errors
    /// Unavailable where the connection broke: then the outcome is unknown.
    pub async fn commit(mut self) -> Result<()> {
        self.run("commit").await?;
        self.session.keep();
        Ok(())
    }

    /// Undoes everything and gives the connection back.
    ///
    /// # Errors
    /// Unavailable where the connection broke; PostgreSQL undoes it then.
    pub async fn rollback(mut self) -> Result<()> {
        self.run("rollback").await?;
        self.session.keep();
        Ok(())
    }
}
