//! Who is signed in to our own pages: by the SHA-256 of a cookie, so that whoever reads the table signs in as nobody.

use canonical_model::Result;
use sqlx::Row;

use super::AuthStore;
use super::account::{Account, account};
use crate::error::StoreError;
use crate::limits::{SESSION_HOURS_MAX, SESSION_IDLE_HOURS_MAX};

/// A session to be: of a try that knew the password.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// SHA-256 of the cookie.
    pub digest: &'a [u8; 32],
    /// The account.
    pub account: i64,
    /// The generation that the password was read under.
    pub generation: i32,
    /// What was proved, in bits.
    pub factors: i16,
    /// From where, as a keyed digest: known from then on, unless a second factor is still to come.
    pub place: Option<&'a [u8; 32]>,
    /// Whether the try was counted there.
    pub known: bool,
}

/// A session that goes on.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Its number.
    pub session: i64,
    /// Whose.
    pub account: Account,
    /// What was proved in it, in bits.
    pub factors: i16,
    /// How long ago, in seconds.
    pub proved_ago_s: i64,
    /// Whether the account has a device that codes come from.
    pub has_device: bool,
}

impl AuthStore {
    /// Begins a session, and forgets the failures before it. `None` where the account has changed since.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn begin_session(&self, new: &NewSession<'_>) -> Result<Option<i64>> {
        let query = sqlx::query(
            "with passed as (
                update account a set
                    -- Who has a second factor has not passed yet: a password that is known gives no new tries.
                    failures = case when $7 then a.failures when d.account is null then 0
                        else greatest(a.failures - 1, 0) end,
                    locked_until = case when $7 then a.locked_until end
                from account b left join credential d on d.account = b.account and d.kind = 1
                where b.account = a.account and a.account = $2 and a.gen = $3 and a.disabled_at is null
                returning a.account, d.account is null as whole),
            seen as (
                insert into known_place (account, place) select account, $6 from passed
                where whole and $6::bytea is not null
                on conflict (account, place) do update set seen_at = now(), failures = 0, locked_until = null)
            insert into session (digest, account, factors, ends_at)
            select $1, account, $4, now() + interval '1 hour' * $5 from passed
            returning session",
        )
        .bind(new.digest.as_slice())
        .bind(new.account)
        .bind(new.generation)
        .bind(new.factors)
        .bind(SESSION_HOURS_MAX)
        .bind(new.place.map(|place| place.as_slice()))
        .bind(new.known);
        let row = self.sessions.fetch_optional(query).await?;
        let number = row.map(|row| row.try_get("session")).transpose();
        Ok(number.map_err(StoreError)?)
    }

    /// The session of a cookie, which is then seen now. `None` where there is none that goes on.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn session(&self, digest: &[u8; 32]) -> Result<Option<SignedIn>> {
        let query = sqlx::query(
            "update session s set seen_at = now() from account a
            where s.digest = $1 and s.ends_at > now() and s.seen_at > now() - interval '1 hour' * $2
                and a.account = s.account and a.disabled_at is null
            returning s.session, s.factors,
                extract(epoch from now() - s.proved_at)::bigint as proved_ago_s, a.account, a.sub, a.login, a.fhir_user, a.roles, a.orgs, a.gen,
                coalesce(a.locked_until > now(), false) as locked, false as disabled,
                exists (select from credential c where c.account = a.account and c.kind = 1) as has_device",
        )
        .bind(digest.as_slice())
        .bind(SESSION_IDLE_HOURS_MAX);
        let Some(row) = self.sessions.fetch_optional(query).await? else { return Ok(None) };
        let session = row.try_get("session").map_err(StoreError)?;
        let factors = row.try_get("factors").map_err(StoreError)?;
        let proved_ago_s = row.try_get("proved_ago_s").map_err(StoreError)?;
        let has_device = row.try_get("has_device").map_err(StoreError)?;
        Ok(Some(SignedIn { session, account: account(&row)?, factors, proved_ago_s, has_device }))
    }

    /// Ends a session with what was given in it for as long as it goes on, and tells all servers.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn end_session(&self, session: i64) -> Result<()> {
        let query = sqlx::query(
            "with ended as (
                update session set ends_at = now() where session = $1 and ends_at > now() returning session),
            over as (
                update approval a set revoked_at = now() from ended e
                where a.session = e.session and not a.offline and a.revoked_at is null
                returning a.approval)
            insert into auth_change (kind, name, until)
            select 0, approval::text, now() + interval '1 hour' * $2 from over",
        )
        .bind(session)
        .bind(crate::limits::TOKEN_HOURS_MAX);
        self.sessions.execute(query).await.map(drop)
    }
}
