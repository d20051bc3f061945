//! A transaction over several statements: bundles, and conditional writes that must lock first.
//!
//! Dropping it unfinished closes its connection. A pool never gets back a session that may still
//! be inside a transaction, whenever and wherever a request was cancelled.

use std::sync::Arc;

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use search::Hasher;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use crate::Store;
use crate::change::{Change, RequestContext, Work};
use crate::commit::{Applied, Once, insert, settle, update};
use crate::error::StoreError;
use crate::sealer::Sealer;

/// An open transaction. Commit it, or everything in it is undone.
#[derive(Debug)]
pub struct Transaction {
    connection: Option<PoolConnection<Postgres>>, // Invariant: some until finished.
    hasher: Hasher,
    sealer: Arc<Sealer>,
}

impl Store {
    /// Opens a transaction.
    ///
    /// # Errors
    /// Unavailable where no connection is free in time.
    pub async fn begin(&self) -> Result<Transaction> {
        let connection = self.pool.acquire().await.map_err(StoreError)?;
        // Wrapped before BEGIN is sent: a cancellation from here on closes the connection.
        let mut transaction = Transaction {
            connection: Some(connection),
            hasher: self.hasher.clone(),
            sealer: Arc::clone(&self.sealer),
        };
        transaction.run("begin").await?;
        Ok(transaction)
    }
}

impl Transaction {
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection> {
        self.connection.as_deref_mut().ok_or_else(|| Error::internal("the transaction is finished"))
    }

    pub(crate) fn sealer(&self) -> &Arc<Sealer> {
        &self.sealer
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    async fn run(&mut self, statement: &'static str) -> Result<()> {
        sqlx::query(statement).execute(self.connection()?).await.map_err(StoreError)?;
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
        sqlx::query("select pg_advisory_xact_lock(n.name) from unnest($1::bigint[]) n (name)")
            .bind(&names)
            .execute(self.connection()?)
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
        .execute(self.connection()?)
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
        let (fresh, next): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| change.expected == 0);
        let hasher = self.hasher.clone();
        let connection = self.connection()?;
        let none = Once::default();
        let work = |changes| vec![Work { changes, at, context: context.clone() }];
        // The key is written by the first statement there is, even when nothing else changes.
        let with_fresh = !fresh.is_empty() || next.is_empty();
        if with_fresh {
            let outcome = insert(connection, &hasher, work(fresh), once).await;
            let applied = settle(outcome, once)?;
            if applied != Applied::Committed {
                return Ok(applied);
            }
        }
        if !next.is_empty() {
            let once = if with_fresh { &none } else { once };
            let count = next.len();
            let done = update(connection, &hasher, work(next), once, None).await;
            return settle(done.map(|done| done.len() == count), once);
        }
        Ok(Applied::Committed)
    }

    /// Makes everything durable and gives the connection back.
    ///
    /// # Errors
    /// Unavailable where the connection broke: then the outcome is unknown.
    pub async fn commit(mut self) -> Result<()> {
        self.run("commit").await?;
        self.connection = self.connection.take().and_then(give_back);
        Ok(())
    }

    /// Undoes everything and gives the connection back.
    ///
    /// # Errors
    /// Unavailable where the connection broke; PostgreSQL undoes it then.
    pub async fn rollback(mut self) -> Result<()> {
        self.run("rollback").await?;
        self.connection = self.connection.take().and_then(give_back);
        Ok(())
    }
}

/// Dropping a clean connection returns it to the pool.
fn give_back(connection: PoolConnection<Postgres>) -> Option<PoolConnection<Postgres>> {
    drop(connection);
    None
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach()); // Closes the socket: PostgreSQL rolls back.
        }
    }
}
