//! What a person gave to apps and goes on, as the person sees it and takes it back.

use canonical_model::Result;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::{GIVEN_MAX, TOKEN_HOURS_MAX};

/// An authorization that goes on.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its number.
    pub approval: i64,
    /// To whom.
    pub client: String,
    /// What may be done.
    pub scopes: String,
    /// Whether it outlasts the session.
    pub offline: bool,
    /// Since when.
    pub made_at: DateTime<Utc>,
    /// When it was renewed last.
    pub used_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
}

impl AuthStore {
    /// What an account gave and goes on, the newest first, before this number; one more than a page has, where there are
    /// more.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn given(&self, account: i64, before: Option<i64>) -> Result<Vec<Given>> {
        let most = i64::try_from(GIVEN_MAX).unwrap_or(i64::MAX);
        let query = sqlx::query(
            "select a.approval, a.client, a.scopes, a.offline, a.made_at, a.rotated_at, a.ends_at
            from approval a left join session s on s.session = a.session and s.ends_at > now()
            where a.account = $1 and a.revoked_at is null and a.ends_at > now()
                and (a.offline or s.session is not null)
                and ($2::bigint is null or a.approval < $2)
            order by a.approval desc limit $3",
        )
        .bind(account)
        .bind(before)
        .bind(most.saturating_add(1));
        self.sessions.fetch_all(query).await?.iter().map(given).collect()
    }

    /// Takes back what an account gave, and tells all servers; whether there was something. `None` is all of it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn take_back(&self, account: i64, approval: Option<i64>) -> Result<bool> {
        let query = sqlx::query(
            "with ended as (
                update approval set revoked_at = now()
                where account = $1 and ($2::bigint is null or approval = $2) and revoked_at is null
                    and ends_at > now()
                returning approval)
            insert into auth_change (kind, name, until)
            select 0, approval::text, now() + interval '1 hour' * $3 from ended",
        )
        .bind(account)
        .bind(approval)
        .bind(TOKEN_HOURS_MAX);
        Ok(self.sessions.execute(query).await? > 0)
    }
}

fn given(row: &PgRow) -> Result<Given> {
    let read = || {
        Ok(Given {
            approval: row.try_get("approval")?,
            client: row.try_get("client")?,
            scopes: row.try_get("scopes")?,
            offline: row.try_get("offline")?,
            made_at: row.try_get("made_at")?,
            used_at: row.try_get("rotated_at")?,
            ends_at: row.try_get("ends_at")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
