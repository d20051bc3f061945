//! Refresh tokens: one row for each authorization, judged and moved on by one statement.
//!
//! None is stored. A token names its authorization, its number in the row of tokens (`seq`) and the authorization's
//! salt. The newest is good, and makes the next. The one before it is good for ten seconds more and gives the same
//! answer as then, for whoever asked twice or got no answer. Any older one was stolen, or its successor was: it ends
//! the authorization.

use canonical_model::Result;
use sqlx::Row;

use super::AuthStore;
use super::approval::{Approval, COLUMNS, approval};
use crate::error::StoreError;
use crate::limits::{REFRESH_AGAIN_S, SESSION_IDLE_HOURS_MAX, TOKEN_HOURS_MAX};

/// A refresh token, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Refresh<'a> {
    /// The authorization.
    pub approval: i64,
    /// Its place in the row of tokens.
    pub seq: i32,
    /// The authorization's salt.
    pub salt: &'a [u8; 32],
    /// The client that proved itself.
    pub client: &'a str,
    /// Whether it ends where nobody used it for eight hours, as staff's own does.
    pub idles: bool,
}

/// What a refresh token came to.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// An authorization that goes on.
    Approval(Box<Renewed>),
    /// It was used before: the authorization is over.
    UsedBefore,
    /// It is of no authorization of this client that goes on.
    Unknown,
}

/// An authorization that goes on.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// It.
    pub approval: Approval,
    /// The place of the token to come.
    pub seq: i32,
    /// When it was made, in seconds since 1970 of the database's clock.
    pub rotated_s: i64,
}

impl AuthStore {
    /// Judges a refresh token, and moves its authorization on.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn refresh(&self, token: &Refresh<'_>) -> Result<Refreshed> {
        let text = format!(
            "with judged as (
                update approval a set
                    seq = case when a.seq = $2 then a.seq + 1 else a.seq end,
                    rotated_at = case when a.seq = $2 then now() else a.rotated_at end,
                    revoked_at = case
                        when a.seq = $2 then null
                        when a.seq = $2 + 1 and a.rotated_at > now() - interval '1 s' * $6 then null
                        else now() end
                from account p
                where a.approval = $1 and a.salt = $3 and a.client = $4 and a.seq >= $2
                    and a.revoked_at is null and a.ends_at > now()
                    and p.account = a.account and p.disabled_at is null
                    and (a.offline or exists (
                        select from session s where s.session = a.session and s.ends_at > now()))
                    and (not $5 or coalesce(a.rotated_at, a.made_at) > now() - interval '1 hour' * $7)
                returning a.approval, a.revoked_at is not null as over, a.seq,
                    floor(extract(epoch from a.rotated_at))::bigint as rotated_s),
            told as (
                insert into auth_change (kind, name, until)
                select 0, approval::text, now() + interval '1 hour' * $8 from judged where over)
            select {COLUMNS}, null::text as nonce, j.over, j.seq as new_seq, j.rotated_s
            from judged j join approval a using (approval)
                join account p on p.account = a.account
                left join session s on s.session = a.session and s.ends_at > now()"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(token.approval)
            .bind(token.seq)
            .bind(token.salt.as_slice())
            .bind(token.client)
            .bind(token.idles)
            .bind(REFRESH_AGAIN_S)
            .bind(SESSION_IDLE_HOURS_MAX)
            .bind(TOKEN_HOURS_MAX);
        let Some(row) = self.sessions.fetch_optional(query).await? else {
            return Ok(Refreshed::Unknown);
        };
        if row.try_get("over").map_err(StoreError)? {
            return Ok(Refreshed::UsedBefore);
        }
        Ok(Refreshed::Approval(Box::new(Renewed {
            approval: approval(&row)?,
            seq: row.try_get("new_seq").map_err(StoreError)?,
            rotated_s: row.try_get("rotated_s").map_err(StoreError)?,
        })))
    }

    /// Whether the authorization of a refresh token goes on, and the token is the newest.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn refreshable(&self, token: &Refresh<'_>) -> Result<Option<Approval>> {
        let text = format!(
            "select {COLUMNS}, null::text as nonce from approval a join account p using (account)
                left join session s on s.session = a.session and s.ends_at > now()
            where a.approval = $1 and a.seq = $2 and a.salt = $3 and a.revoked_at is null
                and a.ends_at > now() and p.disabled_at is null and (a.offline or s.session is not null)"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(token.approval)
            .bind(token.seq)
            .bind(token.salt.as_slice());
        self.sessions.fetch_optional(query).await?.map(|row| approval(&row)).transpose()
    }

    /// The client that has an authorization, whether it goes on or not.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn client_of(&self, approval: i64, salt: &[u8; 32]) -> Result<Option<String>> {
        let query = sqlx::query("select client from approval where approval = $1 and salt = $2")
            .bind(approval)
            .bind(salt.as_slice());
        let row = self.sessions.fetch_optional(query).await?;
        Ok(row.map(|row| row.try_get("client")).transpose().map_err(StoreError)?)
    }

    /// Ends an authorization of a client, and tells all servers; whether there was one that went on.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn revoke_approval(&self, approval: i64, client: &str) -> Result<bool> {
        let query = sqlx::query(
            "with ended as (
                update approval set revoked_at = now()
                where approval = $1 and client = $2 and revoked_at is null returning approval)
            insert into auth_change (kind, name, until)
            select 0, approval::text, now() + interval '1 hour' * $3 from ended",
        )
        .bind(approval)
        .bind(client)
        .bind(TOKEN_HOURS_MAX);
        Ok(self.sessions.execute(query).await? > 0)
    }

    /// Ends one access token, and tells all servers.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn revoke_token(&self, jti: &str) -> Result<()> {
        let query = sqlx::query(
            "insert into auth_change (kind, name, until) values (2, $1, now() + interval '1 hour' * $2)",
        )
        .bind(jti)
        .bind(TOKEN_HOURS_MAX);
        self.sessions.execute(query).await.map(drop)
    }
}
