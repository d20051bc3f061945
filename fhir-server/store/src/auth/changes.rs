//! What servers tell each other: what is over. Each asks again and again for what was told since it last asked, and in
//! the minute before, which is longer than a statement may last, so that none that is committed late is missed. When it
//! asked goes by the database's clock: a server that stood still does not know for how long.

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::CHANGES_SECONDS;

/// What is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthChange {
    /// An authorization.
    Approval(i64),
    /// A token, by its `jti`.
    Token(String),
    /// All tokens of an account, by its `sub`, below a generation.
    Account(String, i32),
    /// All tokens of a client below a generation.
    Client(String, i32),
    /// Something that this release does not look at.
    Other,
}

/// A change, and for how many seconds it has to be remembered.
#[derive(Clone, Debug)]
pub struct Told {
    /// It.
    pub change: AuthChange,
    /// Seconds.
    pub left_s: i64,
}

impl AuthStore {
    /// What was told since this moment of the database's clock, and the moment of this answer; without one, all that
    /// still counts.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn changes(
        &self,
        since: Option<DateTime<Utc>>,
    ) -> Result<(Vec<Told>, DateTime<Utc>)> {
        let query = sqlx::query(
            "select now() as asked_at, kind, name, gen, extract(epoch from until - now())::bigint as left_s
            from (values (1)) one left join auth_change on until > now()
                and at > coalesce($1 - interval '1 s' * $2, '-infinity')",
        )
        .bind(since)
        .bind(CHANGES_SECONDS);
        let rows = self.sessions.fetch_all(query).await?;
        let asked_at = rows.first().map(|row| row.try_get("asked_at").map_err(StoreError));
        let asked_at = asked_at.ok_or_else(|| Error::internal("no moment was told"))??;
        let all: Result<Vec<Option<Told>>> = rows.iter().map(told).collect();
        Ok((all?.into_iter().flatten().collect(), asked_at))
    }
}

/// A change; none where the row only tells the moment.
fn told(row: &PgRow) -> Result<Option<Told>> {
    let read = || {
        let Some(kind) = row.try_get::<Option<i16>, _>("kind")? else { return Ok(None) };
        let name: String = row.try_get("name")?;
        let generation: Option<i32> = row.try_get("gen")?;
        let change = match (kind, generation) {
            (0, _) => name.parse().map_or(AuthChange::Other, AuthChange::Approval),
            (2, _) => AuthChange::Token(name),
            (3, Some(generation)) => AuthChange::Account(name, generation),
            (4, Some(generation)) => AuthChange::Client(name, generation),
            _ => AuthChange::Other,
        };
        Ok(Some(Told { change, left_s: row.try_get("left_s")? }))
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
