//! Access in an emergency: told to those who watch, and looked at afterwards by somebody else.

use canonical_model::Result;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::REVIEWS_MAX;

/// Access in an emergency.
#[derive(Clone, Debug)]
pub struct BreakGlass {
    /// Its number.
    pub number: i64,
    /// The account, as tokens name it.
    pub sub: String,
    /// The log-in of the account.
    pub login: String,
    /// The app.
    pub client: String,
    /// The patient's id.
    pub patient: String,
    /// Why, sealed.
    pub reason: String,
    /// When it began.
    pub made_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// When somebody looked at it.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// What that came to: whether it was justified.
    pub verdict: Option<bool>,
}

const COLUMNS: &str = "b.break_glass, p.sub, p.login, a.client, b.patient, b.reason, b.made_at, b.ends_at,
    b.reviewed_at, b.verdict
    from break_glass b join account p on p.account = b.account join approval a on a.approval = b.approval";

/// Whether an access is of another person than the account `$1` is of: somebody may have several accounts.
const OF_OTHERS: &str = "not exists (
    select from account own, account other
    where own.account = $1 and other.account = b.account and own.fhir_user = other.fhir_user)";

impl AuthStore {
    /// Those of which nobody was told yet, the oldest first.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn unalerted(&self) -> Result<Vec<BreakGlass>> {
        let text =
            format!("select {COLUMNS} where b.alerted_at is null order by b.made_at limit $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(REVIEWS_MAX);
        self.sessions.fetch_all(query).await?.iter().map(read).collect()
    }

    /// Notes that those who watch were told.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn alerted(&self, numbers: &[i64]) -> Result<()> {
        let query = sqlx::query(
            "update break_glass set alerted_at = now() where break_glass = any ($1) and alerted_at is null",
        );
        self.sessions.execute(query.bind(numbers)).await.map(drop)
    }

    /// Those that an account may look at: of other people, first those that nobody has looked at, the newest of each first.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn reviews(&self, reviewer: i64) -> Result<Vec<BreakGlass>> {
        let text = format!(
            "select {COLUMNS} where b.account <> $1 and {OF_OTHERS}
            order by b.reviewed_at is not null, b.made_at desc limit $2"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(reviewer).bind(REVIEWS_MAX);
        self.sessions.fetch_all(query).await?.iter().map(read).collect()
    }

    /// Notes what a look came to; whether it was the first, and of another person than the one whose access it was,
    /// by whichever account.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn review(&self, number: i64, reviewer: i64, justified: bool) -> Result<bool> {
        let text = format!(
            "update break_glass b set reviewed_by = $1, reviewed_at = now(), verdict = $3
            where b.break_glass = $2 and b.account <> $1 and b.reviewed_at is null and {OF_OTHERS}"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text));
        let query = query.bind(reviewer).bind(number).bind(i16::from(justified));
        Ok(self.sessions.execute(query).await? > 0)
    }
}

fn read(row: &PgRow) -> Result<BreakGlass> {
    let read = || {
        let verdict: Option<i16> = row.try_get("verdict")?;
        Ok(BreakGlass {
            number: row.try_get("break_glass")?,
            sub: row.try_get("sub")?,
            login: row.try_get("login")?,
            client: row.try_get("client")?,
            patient: row.try_get("patient")?,
            reason: row.try_get("reason")?,
            made_at: row.try_get("made_at")?,
            ends_at: row.try_get("ends_at")?,
            reviewed_at: row.try_get("reviewed_at")?,
            verdict: verdict.map(|verdict| verdict == 1),
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
