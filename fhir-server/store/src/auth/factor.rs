//! Second factors: a device that shows codes, and codes on paper for the day that it is lost. The device's secret is
//! sealed before it comes here; of the codes there are digests. Each step of the device, and each code, counts once.

use canonical_model::Result;
use sqlx::Row;

use super::AuthStore;
use crate::error::StoreError;

impl AuthStore {
    /// The sealed secret of an account's device, where it has one.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn device(&self, account: i64) -> Result<Option<String>> {
        let query = sqlx::query("select sealed from credential where account = $1 and kind = 1")
            .bind(account);
        let row = self.sessions.fetch_optional(query).await?;
        Ok(row.map(|row| row.try_get("sealed")).transpose().map_err(StoreError)?)
    }

    /// Keeps a device whose step was just seen, and the digests of the codes on paper; whether there was none before.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn add_device(
        &self,
        account: i64,
        sealed: &str,
        step: i64,
        codes: &[Vec<u8>],
    ) -> Result<bool> {
        let query = sqlx::query(
            "with made as (
                insert into credential (account, kind, sealed, step) values ($1, 1, $2, $3)
                on conflict (account, kind) where kind in (0, 1) do nothing returning account),
            gone as (delete from credential c using made m where c.account = m.account and c.kind = 2),
            codes as (
                insert into credential (account, kind, digest)
                select account, 2, digest from made, unnest($4::bytea[]) digest)
            select account from made",
        )
        .bind(account)
        .bind(sealed)
        .bind(step)
        .bind(codes);
        Ok(self.sessions.fetch_optional(query).await?.is_some())
    }

    /// Takes a device and its codes away.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn remove_device(&self, account: i64) -> Result<()> {
        let query = sqlx::query("delete from credential where account = $1 and kind in (1, 2)");
        self.sessions.execute(query.bind(account)).await.map(drop)
    }

    /// Uses a step of the device up; whether it was later than all before.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn use_step(&self, account: i64, step: i64) -> Result<bool> {
        let query = sqlx::query(
            "update credential set step = $2 where account = $1 and kind = 1 and coalesce(step, -1) < $2",
        );
        Ok(self.sessions.execute(query.bind(account).bind(step)).await? > 0)
    }

    /// Uses a code on paper up; whether it was good.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn use_code(&self, account: i64, digest: &[u8; 32]) -> Result<bool> {
        let query = sqlx::query(
            "update credential set used_at = now()
            where account = $1 and kind = 2 and digest = $2 and used_at is null",
        );
        Ok(self.sessions.execute(query.bind(account).bind(digest.as_slice())).await? > 0)
    }

    /// Adds a factor to a session, and forgets the failures before it. The place that it came from is known from then on.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn add_factor(
        &self,
        session: i64,
        factor: i16,
        place: Option<&[u8; 32]>,
    ) -> Result<()> {
        let query = sqlx::query(
            "with proved as (
                update session set factors = factors | $2, proved_at = now() where session = $1
                returning account),
            opened as (
                update credential c set failures = 0, locked_until = null from proved p
                where c.account = p.account and c.kind = 1),
            seen as (
                insert into known_place (account, place) select account, $3 from proved
                where $3::bytea is not null
                on conflict (account, place) do update set seen_at = now(), failures = 0, locked_until = null)
            update account a set failures = 0, locked_until = null from proved p where a.account = p.account",
        );
        let query = query.bind(session).bind(factor).bind(place.map(|place| place.as_slice()));
        self.sessions.execute(query).await.map(drop)
    }
}
