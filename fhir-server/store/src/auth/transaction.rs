//! Changes and their rows in the record, kept together or not at all: whoever is killed between leaves neither.

use std::ops::Deref;
use std::sync::Arc;

use canonical_model::{Error, Result};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use tokio::sync::Mutex;

use super::AuthStore;
use crate::audit::{AuditEntry, insertion};
use crate::error::StoreError;
use crate::sessions::{Session, Sessions};
use crate::statement::{Part, Parts};

/// Where statements run: each by itself, in whichever session is free; or all in the one that has a transaction open.
#[derive(Clone, Debug)]
pub(super) enum Runs {
    Each(Sessions),
    Together(Arc<Open>),
}

/// A session with a transaction open. Dropping it closes the session, which undoes all.
#[derive(Debug)]
pub(super) struct Open(Mutex<Option<Session>>);

impl Runs {
    /// Runs one statement; its first row.
    pub(super) async fn fetch_optional(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Option<PgRow>> {
        match self {
            Self::Each(sessions) => sessions.fetch_optional(query).await,
            Self::Together(open) => {
                let mut session = open.0.lock().await;
                let row = query.fetch_optional(running(&mut session)?).await;
                Ok(row.map_err(StoreError)?)
            }
        }
    }

    /// Runs one statement; all rows.
    pub(super) async fn fetch_all(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>> {
        match self {
            Self::Each(sessions) => sessions.fetch_all(query).await,
            Self::Together(open) => {
                let mut session = open.0.lock().await;
                let rows = query.fetch_all(running(&mut session)?).await;
                Ok(rows.map_err(StoreError)?)
            }
        }
    }

    /// Runs one statement; how many rows it touched.
    pub(super) async fn execute(&self, query: Query<'_, Postgres, PgArguments>) -> Result<u64> {
        match self {
            Self::Each(sessions) => sessions.execute(query).await,
            Self::Together(open) => {
                let mut session = open.0.lock().await;
                let done = query.execute(running(&mut session)?).await;
                Ok(done.map_err(StoreError)?.rows_affected())
            }
        }
    }

    /// Closes every session, waiting for those in use.
    pub(super) async fn close(&self) {
        if let Self::Each(sessions) = self {
            sessions.close().await;
        }
    }
}

fn running(session: &mut Option<Session>) -> Result<&mut PgConnection> {
    session.as_deref_mut().ok_or_else(|| Error::internal("the transaction has ended"))
}

/// A transaction of the authorization server: what is changed by it, and the rows that say so. Dropped without
/// [`AuthTransaction::commit`] it leaves nothing.
///
/// It holds one of few sessions: whoever has one asks nothing of the store beside it, and waits for nobody.
#[derive(Debug)]
pub struct AuthTransaction {
    store: AuthStore,
    open: Arc<Open>,
}

impl AuthStore {
    /// Begins a transaction.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached; Internal within another.
    pub async fn begin(&self) -> Result<AuthTransaction> {
        let Runs::Each(sessions) = &self.sessions else {
            return Err(Error::internal("a transaction within another"));
        };
        let mut session = sessions.take().await?;
        if let Err(fault) = sqlx::query("begin").execute(&mut *session).await {
            return session.settle(Err(StoreError(fault).into()));
        }
        let open = Arc::new(Open(Mutex::new(Some(session))));
        Ok(AuthTransaction { store: Self { sessions: Runs::Together(Arc::clone(&open)) }, open })
    }
}

impl Deref for AuthTransaction {
    type Target = AuthStore;

    fn deref(&self) -> &AuthStore {
        &self.store
    }
}

impl AuthTransaction {
    /// Writes a row of the record.
    ///
    /// # Errors
    /// It cannot be written; then the change cannot be kept either.
    pub async fn record(&self, entry: &AuditEntry) -> Result<()> {
        let parts = Parts::default().with(Part::Record, true);
        self.store.sessions.execute(insertion(parts, &[entry])).await.map(drop)
    }

    /// Keeps all of it.
    ///
    /// # Errors
    /// Unavailable: whether it was kept is not known where the database went away meanwhile.
    pub async fn commit(self) -> Result<()> {
        let session = self.open.0.lock().await.take();
        let mut session = session.ok_or_else(|| Error::internal("the transaction has ended"))?;
        let outcome = sqlx::query("commit").execute(&mut *session).await;
        session.settle(outcome.map(drop).map_err(|fault| StoreError(fault).into()))
    }
}
