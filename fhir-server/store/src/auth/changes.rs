//! What servers tell each other: what is over. Each asks again and again for what was told in the last minute, which is
//! longer than a statement may last, so that none that is committed late is missed.

use canonical_model::Result;
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
    /// What was told of late; at a start, all that still counts.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn changes(&self, all: bool) -> Result<Vec<Told>> {
        let query = sqlx::query(
            "select kind, name, gen, extract(epoch from until - now())::bigint as left_s from auth_change
            where until > now() and at > case when $1 then '-infinity' else now() - interval '1 s' * $2 end",
        )
        .bind(all)
        .bind(CHANGES_SECONDS);
        self.sessions.fetch_all(query).await?.iter().map(told).collect()
    }
}

fn told(row: &PgRow) -> Result<Told> {
    let read = || {
        let (kind, name): (i16, String) = (row.try_get("kind")?, row.try_get("name")?);
        let generation: Option<i32> = row.try_get("gen")?;
        let change = match (kind, generation) {
            (0, _) => name.parse().map_or(AuthChange::Other, AuthChange::Approval),
            (2, _) => AuthChange::Token(name),
            (3, Some(generation)) => AuthChange::Account(name, generation),
            (4, Some(generation)) => AuthChange::Client(name, generation),
            _ => AuthChange::Other,
        };
        Ok(Told { change, left_s: row.try_get("left_s")? })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
