//! The sessions with PostgreSQL: few, held, and given back only between two statements.
//!
//! A session is lent to one caller at a time. Whoever settles its outcome gives it back; whoever is
//! cancelled in the middle drops it, which closes it, so no session ever comes back inside a
//! transaction or with an answer unread. Giving back asks nothing of the database: a pool that pings
//! each time doubles the round trips of a read ([ADR 0006](../../../docs/adr/0006-own-sessions.md)).

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use canonical_model::{Error, Kind, Result};
use futures::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Row};
use telemetry::Emit;
use telemetry::event::PoolWaited;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use crate::error::{StoreError, away, busy, fault};
use crate::limits::{
    ACQUIRE_MS_MAX, IDLE_TRUST_MS_MAX, PAGE_BYTES_MAX, RECONNECT_MS, STATEMENT_MS_MAX,
};

/// The sessions of one role. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    home: Arc<Home>,
    /// How long a statement of theirs may run, in milliseconds.
    statement_ms: u64,
}

#[derive(Debug)]
struct Home {
    /// What waiting for one is counted under.
    name: &'static str,
    options: PgConnectOptions,
    most: u32,
    free: Arc<Semaphore>,
    /// Open and at rest; the one used last is taken first.
    idle: Mutex<Vec<Rested>>,
}

#[derive(Debug)]
struct Rested {
    connection: PgConnection,
    since: Instant,
    /// How long a statement may run in it.
    statement_ms: u64,
}

/// A session that is lent. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Session {
    connection: PgConnection,
    statement_ms: u64,
    home: Arc<Home>,
    place: OwnedSemaphorePermit,
}

impl Sessions {
    pub(crate) fn new(name: &'static str, options: PgConnectOptions, most: u32) -> Self {
        let free = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1)));
        let home = Arc::new(Home { name, options, most, free, idle: Mutex::default() });
        Self { home, statement_ms: STATEMENT_MS_MAX }
    }

    /// So many sessions of their own, whose statements are expected to take long: none is logged for that.
    pub(crate) fn unwatched(&self, name: &'static str, most: u32) -> Self {
        let options = self.home.options.clone().disable_statement_logging();
        Self { statement_ms: self.statement_ms, ..Self::new(name, options, most) }
    }

    /// The same sessions for statements that may run for another time.
    pub(crate) fn within(&self, statement_ms: u64) -> Self {
        Self { home: Arc::clone(&self.home), statement_ms }
    }

    /// How long a statement of theirs may run, in milliseconds.
    pub(crate) fn statement_ms(&self) -> u64 {
        self.statement_ms
    }

    /// Lends a session: one at rest, or a new one.
    ///
    /// # Errors
    /// Unavailable where none is free in [`ACQUIRE_MS_MAX`], or the database cannot be reached.
    pub(crate) async fn take(&self) -> Result<Session> {
        let begun = Instant::now();
        let deadline =
            tokio::time::Instant::from_std(begun) + Duration::from_millis(ACQUIRE_MS_MAX);
        let place = Arc::clone(&self.home.free).acquire_owned();
        let place = timeout_at(deadline, place).await.map_err(|_| busy())?.map_err(|_| away())?;
        PoolWaited { pool: self.home.name, elapsed: begun.elapsed() }.emit();
        let rested = self.home.rested(self.statement_ms);
        let (connection, statement_ms) = match timeout_at(deadline, rested).await {
            Ok(Some(rested)) => (rested.connection, rested.statement_ms),
            Ok(None) => (self.home.connect(deadline).await?, STATEMENT_MS_MAX),
            Err(_) => return Err(away()),
        };
        let mut session = Session { connection, statement_ms, home: Arc::clone(&self.home), place };
        session.limit(self.statement_ms).await?;
        Ok(session)
    }

    /// Runs one statement in a session of its own, and returns its first row.
    ///
    /// # Errors
    /// As [`Sessions::take`], and what the statement runs into.
    pub(crate) async fn fetch_optional(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Option<PgRow>> {
        let mut session = self.take().await?;
        let outcome = query.fetch_optional(&mut *session).await;
        session.settle(outcome.map_err(|fault| StoreError(fault).into()))
    }

    /// As [`Sessions::fetch_optional`], all rows.
    pub(crate) async fn fetch_all(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>> {
        let mut session = self.take().await?;
        let outcome = query.fetch_all(&mut *session).await;
        session.settle(outcome.map_err(|fault| StoreError(fault).into()))
    }

    /// As [`Sessions::fetch_all`], up to [`PAGE_BYTES_MAX`]; also whether there may be more. What is left
    /// unread ends with the session.
    pub(crate) async fn fetch_page(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<(Vec<PgRow>, bool)> {
        let mut session = self.take().await?;
        match page(&mut session, query).await {
            Ok((rows, true)) => Ok((rows, true)),
            outcome => session.settle(outcome),
        }
    }

    /// As [`Sessions::fetch_optional`]; returns how many rows it touched.
    pub(crate) async fn execute(&self, query: Query<'_, Postgres, PgArguments>) -> Result<u64> {
        let mut session = self.take().await?;
        let outcome = query.execute(&mut *session).await.map(|done| done.rows_affected());
        session.settle(outcome.map_err(|fault| StoreError(fault).into()))
    }

    /// Lends no more, waits for those that are lent, and closes all.
    pub(crate) async fn close(&self) {
        let all = self.home.free.acquire_many(self.home.most).await;
        self.home.free.close();
        drop(all);
        while let Some(rested) = self.home.pop(self.statement_ms) {
            // PostgreSQL ends the session either way.
            rested.connection.close().await.unwrap_or_default();
        }
    }
}

impl Home {
    /// The one used last, rather of those with this limit.
    fn pop(&self, statement_ms: u64) -> Option<Rested> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.iter().rposition(|rested| rested.statement_ms == statement_ms) {
            Some(at) => Some(idle.remove(at)),
            None => idle.pop(),
        }
    }

    fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// One at rest that still lives. After a restart of the database all of them are dead, so one that
    /// rested for long is asked; a busy one is not.
    async fn rested(&self, statement_ms: u64) -> Option<Rested> {
        while let Some(mut rested) = self.pop(statement_ms) {
            let trusted = rested.since.elapsed() < Duration::from_millis(IDLE_TRUST_MS_MAX);
            if trusted || rested.connection.ping().await.is_ok() {
                return Some(rested);
            }
        }
        None
    }

    /// A new one. A database that starts, or has not yet noticed that a session ended, is asked again.
    async fn connect(&self, deadline: tokio::time::Instant) -> Result<PgConnection> {
        loop {
            let connected =
                timeout_at(deadline, self.options.connect()).await.map_err(|_| away())?;
            match connected {
                Ok(connection) => return Ok(connection),
                Err(fault) if is_passing(&fault) => {
                    let again = tokio::time::Instant::now() + Duration::from_millis(RECONNECT_MS);
                    if again >= deadline {
                        return Err(StoreError(fault).into());
                    }
                    tokio::time::sleep_until(again).await;
                }
                Err(fault) => return Err(StoreError(fault).into()),
            }
        }
    }
}

/// Rows with their `wire`, until they hold [`PAGE_BYTES_MAX`]; also whether that cut them short.
pub(crate) async fn page(
    connection: &mut PgConnection,
    query: Query<'_, Postgres, PgArguments>,
) -> Result<(Vec<PgRow>, bool)> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let mut stream = query.fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(StoreError)? {
        let wire: Option<&[u8]> = row.try_get("wire").map_err(StoreError)?;
        bytes += wire.map_or(0, <[u8]>::len);
        rows.push(row);
        if bytes > PAGE_BYTES_MAX {
            return Ok((rows, true));
        }
    }
    Ok((rows, false))
}

/// Whether a database that refuses now may accept in a moment.
fn is_passing(fault: &sqlx::Error) -> bool {
    match fault {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            matches!(error.code().as_deref(), Some("53300" | "57P03"))
        }
        _ => false,
    }
}

/// Whether an error ended the session: it came from no statement, or it says so.
/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn is_end(error: &Error) -> bool {
    match fault(error) {
        Some(sqlx::Error::Database(fault)) => {
            let code = fault.code().unwrap_or_default();
            code.starts_with("57P") || code.starts_with("08") || code == "25P03"
        }
        Some(sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. }) => false,
        Some(_) => true,
        None => matches!(error.kind, Kind::Unavailable | Kind::Internal),
    }
}

impl Session {
    /// Lets statements run no longer than this: a round trip only where the session was used otherwise.
    async fn limit(&mut self, statement_ms: u64) -> Result<()> {
        if self.statement_ms == statement_ms {
            return Ok(());
        }
        sqlx::query("select set_config('statement_timeout', $1, false)")
            .bind(format!("{statement_ms}ms"))
            .execute(&mut self.connection)
            .await
            .map_err(StoreError)?;
        self.statement_ms = statement_ms;
        Ok(())
    }

    /// Gives the session back if the outcome leaves it between two statements, and passes it on.
    pub(crate) fn settle<T>(self, outcome: Result<T>) -> Result<T> {
        match &outcome {
            // Where one is dead the others are too.
            Err(error) if is_end(error) => self.home.forget(),
            Ok(_) | Err(_) => self.keep(),
        }
        outcome
    }

    /// Gives the session back; no transaction may be open in it.
    pub(crate) fn keep(self) {
        let Self { connection, statement_ms, home, place } = self;
        let mut idle = home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Rested { connection, since: Instant::now(), statement_ms });
        drop(idle);
        drop(place);
    }
}

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
