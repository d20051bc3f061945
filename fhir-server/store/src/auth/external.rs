//! People who sign in at another provider: while they are away, and when they are back. An account is found by the
//! provider and its name for the person there, and by nothing else.

use canonical_model::Result;
use sqlx::Row;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::{AWAY_S_MAX, EXTERNAL_FACTOR, LINK_S_MAX, SESSION_HOURS_MAX};

/// Somebody who is back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The provider.
    pub issuer: String,
    /// Where the person goes on.
    pub path: String,
}

/// A session to be, of somebody who signed in elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct NewExternal<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// Its name for the person.
    pub subject: &'a str,
    /// SHA-256 of the cookie.
    pub digest: &'a [u8; 32],
    /// How long ago the person proved there who he is, in seconds.
    pub proved_ago_s: i64,
}

/// Who somebody is elsewhere, whom no account here is linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The provider.
    pub issuer: String,
    /// In words that the person knows.
    pub shown: String,
}

/// What a link came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linked {
    /// It is there; where the person goes on.
    Yes(Back),
    /// That log-in is of another account.
    Taken,
    /// It is not known any more who wanted it.
    Unknown,
}

impl AuthStore {
    /// Somebody goes away, with a cookie of this digest.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn go_away(&self, digest: &[u8; 32], issuer: &str, path: &str) -> Result<()> {
        let query = sqlx::query(
            "insert into away (digest, issuer, path, ends_at)
            values ($1, $2, $3, now() + interval '1 s' * $4)",
        )
        .bind(digest.as_slice())
        .bind(issuer)
        .bind(path)
        .bind(AWAY_S_MAX);
        self.sessions.execute(query).await.map(drop)
    }

    /// Somebody is back, once.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn come_back(&self, digest: &[u8; 32]) -> Result<Option<Back>> {
        let query = sqlx::query(
            "update away set back_at = now() where digest = $1 and back_at is null and ends_at > now()
            returning issuer, path",
        )
        .bind(digest.as_slice());
        let Some(row) = self.sessions.fetch_optional(query).await? else { return Ok(None) };
        let read = || Ok(Back { issuer: row.try_get("issuer")?, path: row.try_get("path")? });
        read().map(Some).map_err(|fault: sqlx::Error| StoreError(fault).into())
    }

    /// Begins a session of the account that is linked, in the browser whose cookie has this digest. `None` where no
    /// account is, or it is disabled. Wrong passwords of others do not keep its owner out.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn begin_external(&self, new: &NewExternal<'_>) -> Result<Option<i64>> {
        let query = sqlx::query(
            "insert into session (digest, account, factors, ends_at, proved_at)
            select $3, a.account, $4, now() + interval '1 hour' * $5, now() - interval '1 s' * $6
            from credential c join account a using (account)
            where c.kind = 3 and c.issuer = $1 and c.subject = $2 and a.disabled_at is null
            returning account",
        )
        .bind(new.issuer)
        .bind(new.subject)
        .bind(new.digest.as_slice())
        .bind(EXTERNAL_FACTOR)
        .bind(SESSION_HOURS_MAX)
        .bind(new.proved_ago_s);
        let row = self.sessions.fetch_optional(query).await?;
        Ok(row.map(|row| row.try_get("account")).transpose().map_err(StoreError)?)
    }

    /// Whether an account is linked to somebody elsewhere, disabled ones too.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn is_linked(&self, issuer: &str, subject: &str) -> Result<bool> {
        let query =
            sqlx::query("select from credential where kind = 3 and issuer = $1 and subject = $2")
                .bind(issuer)
                .bind(subject);
        Ok(self.sessions.fetch_optional(query).await?.is_some())
    }

    /// Keeps who somebody is elsewhere, until he says which account here is his.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn keep_stranger(&self, digest: &[u8; 32], subject: &str, shown: &str) -> Result<()> {
        let query = sqlx::query(
            "update away set subject = $2, shown = $3, ends_at = now() + interval '1 s' * $4
            where digest = $1 and back_at is not null",
        )
        .bind(digest.as_slice())
        .bind(subject)
        .bind(shown)
        .bind(LINK_S_MAX);
        self.sessions.execute(query).await.map(drop)
    }

    /// Who somebody is elsewhere, while that is kept.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn stranger(&self, digest: &[u8; 32]) -> Result<Option<Stranger>> {
        let query = sqlx::query(
            "select issuer, shown from away
            where digest = $1 and subject is not null and ends_at > now()",
        )
        .bind(digest.as_slice());
        let Some(row) = self.sessions.fetch_optional(query).await? else { return Ok(None) };
        let read = || Ok(Stranger { issuer: row.try_get("issuer")?, shown: row.try_get("shown")? });
        read().map(Some).map_err(|fault: sqlx::Error| StoreError(fault).into())
    }

    /// Links an account to who somebody is elsewhere, once.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn link_stranger(&self, account: i64, digest: &[u8; 32]) -> Result<Linked> {
        let query = sqlx::query(
            "with known as (
                delete from away where digest = $2 and subject is not null and ends_at > now()
                returning issuer, subject, path),
            made as (
                insert into credential (account, kind, issuer, subject)
                select $1, 3, issuer, subject from known
                on conflict (issuer, subject) where kind = 3 do nothing returning account)
            select issuer, path, exists (select from made) as linked from known",
        )
        .bind(account)
        .bind(digest.as_slice());
        let Some(row) = self.sessions.fetch_optional(query).await? else {
            return Ok(Linked::Unknown);
        };
        let read = || {
            let back = Back { issuer: row.try_get("issuer")?, path: row.try_get("path")? };
            Ok(match row.try_get("linked")? {
                true => Linked::Yes(back),
                false => Linked::Taken,
            })
        };
        read().map_err(|fault: sqlx::Error| StoreError(fault).into())
    }

    /// Links an account; whether nobody was linked to that before.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn link(&self, account: i64, issuer: &str, subject: &str) -> Result<bool> {
        let query = sqlx::query(
            "insert into credential (account, kind, issuer, subject) values ($1, 3, $2, $3)
            on conflict (issuer, subject) where kind = 3 do nothing",
        )
        .bind(account)
        .bind(issuer)
        .bind(subject);
        Ok(self.sessions.execute(query).await? > 0)
    }

    /// Takes all links of an account to a provider away, ends the sessions that began by one, and all tokens; whether
    /// there was one.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn unlink(&self, account: i64, issuer: &str) -> Result<bool> {
        let query = sqlx::query(
            "with gone as (
                delete from credential where account = $1 and kind = 3 and issuer = $2 returning account),
            ended as (
                delete from session s using gone g where s.account = g.account and s.factors & $3 <> 0),
            changed as (
                update account a set gen = gen + 1 from (select distinct account from gone) g
                where a.account = g.account returning a.sub, a.gen)
            insert into auth_change (kind, name, gen, until)
            select 3, sub, gen, now() + interval '1 hour' * $4 from changed",
        )
        .bind(account)
        .bind(issuer)
        .bind(EXTERNAL_FACTOR)
        .bind(crate::limits::TOKEN_HOURS_MAX);
        Ok(self.sessions.execute(query).await? > 0)
    }
}
