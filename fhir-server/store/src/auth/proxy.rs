//! Whom an account stands for beside itself: a parent for a child, say. What was given for a patient ends with it.

use canonical_model::Result;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::TOKEN_HOURS_MAX;

/// Somebody stands for a patient.
#[derive(Clone, Debug)]
pub struct StandsFor {
    /// The account, as its owner types it.
    pub login: String,
    /// The patient's id.
    pub patient: String,
    /// Until when; for ever where nobody takes it back.
    pub until: Option<DateTime<Utc>>,
    /// Who said so, as he types it.
    pub granted_by: String,
}

impl AuthStore {
    /// Whom an account stands for now; all accounts where none is named.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn stands_for(&self, account: Option<i64>) -> Result<Vec<StandsFor>> {
        let query = sqlx::query(
            "select a.login, p.patient, p.until, b.login as granted_by
            from proxy p join account a using (account) join account b on b.account = p.granted_by
            where ($1::bigint is null or p.account = $1) and coalesce(p.until > now(), true)
            order by a.login, p.patient",
        )
        .bind(account);
        self.sessions.fetch_all(query).await?.iter().map(stands).collect()
    }

    /// Has an account stand for a patient; where it does already, until this time. What was given for the patient ends
    /// then at the latest.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn stand_for(
        &self,
        account: i64,
        patient: &str,
        until: Option<DateTime<Utc>>,
        granted_by: i64,
    ) -> Result<()> {
        let query = sqlx::query(
            "with granted as (
                insert into proxy (account, patient, until, granted_by) values ($1, $2, $3, $4)
                on conflict (account, patient) do update
                    set until = excluded.until, granted_by = excluded.granted_by, made_at = now()
                returning account, patient, until)
            update approval a set ends_at = g.until from granted g
            where a.account = g.account and a.patient = g.patient and a.ends_at > g.until
                and a.revoked_at is null and a.made_at < g.until",
        )
        .bind(account)
        .bind(patient)
        .bind(until)
        .bind(granted_by);
        self.sessions.execute(query).await.map(drop)
    }

    /// Has an account stand for a patient no more, ends what was given for the patient, and tells all servers; whether
    /// it did.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn stand_down(&self, account: i64, patient: &str) -> Result<bool> {
        let query = sqlx::query(
            "with gone as (
                delete from proxy where account = $1 and patient = $2 returning account, patient),
            ended as (
                update approval a set revoked_at = now() from gone g
                where a.account = g.account and a.patient = g.patient and a.revoked_at is null
                returning a.approval),
            told as (
                insert into auth_change (kind, name, until)
                select 0, approval::text, now() + interval '1 hour' * $3 from ended)
            select account from gone",
        )
        .bind(account)
        .bind(patient)
        .bind(TOKEN_HOURS_MAX);
        Ok(self.sessions.fetch_optional(query).await?.is_some())
    }
}

fn stands(row: &PgRow) -> Result<StandsFor> {
    let read = || {
        Ok(StandsFor {
            login: row.try_get("login")?,
            patient: row.try_get("patient")?,
            until: row.try_get("until")?,
            granted_by: row.try_get("granted_by")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
