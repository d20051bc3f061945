//! Months of the record that have had their time: dropped whole, with a signed trace of each.

use std::time::Instant;

use canonical_model::{Error, Kind, Result};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::{Acquire, PgConnection, Row};

use super::dropped::Dropped;
use super::notary::{Notary, own_key, take_turn};
use crate::error::{CANNOT_GO, StoreError, has_code};
use crate::limits::CLOCKS_APART_S_MAX;

/// What became of months that have had their time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Months that went, with how many rows.
    pub gone: Vec<(NaiveDate, i64)>,
    /// Months that stay: under hold, or not sealed to their last row.
    pub kept: Vec<NaiveDate>,
}

/// Months that are old enough and still there, with what their seals say.
const OLD: &str =
    "select s.month, sum(s.count)::bigint as rows, min(s.seal) as first, max(s.seal) as last
    from audit_seal s
    where s.month + make_interval(months => 1 + greatest($1, 72)) <= now() at time zone 'UTC'
        and not exists (select from audit_drop d where d.month = s.month)
    group by s.month order by s.month";

impl Notary {
    /// Drops the months that are older than so many, and leaves the signed record of each. What is under hold
    /// stays, and so does what is not sealed. Nothing where another has the turn.
    ///
    /// `now` is the server's own time: whoever sets the database's clock forward drops nothing by that alone.
    ///
    /// # Errors
    /// Unavailable without a key, where the database cannot be reached, or where the clocks are further apart than
    /// [`CLOCKS_APART_S_MAX`]: then nothing is dropped.
    pub async fn retire(&mut self, keep_months: i32, now: DateTime<Utc>) -> Result<Retired> {
        let begun = Instant::now();
        let sessions = self.sessions.clone();
        let mut session = sessions.take().await?;
        let outcome = self.retire_within(&mut session, keep_months, (now, begun)).await;
        session.settle(outcome)
    }

    async fn retire_within(
        &mut self,
        connection: &mut PgConnection,
        keep_months: i32,
        (now, begun): (DateTime<Utc>, Instant),
    ) -> Result<Retired> {
        let mut retired = Retired::default();
        for month in old(connection, keep_months).await? {
            let mut open = connection.begin().await.map_err(StoreError)?;
            if !take_turn(&mut open).await? {
                open.rollback().await.map_err(StoreError)?;
                break;
            }
            // In the transaction that drops it, whose time it is that says how old the month is.
            let passed = TimeDelta::from_std(begun.elapsed()).map_err(Error::internal)?;
            expect_same_time(&mut open, now + passed).await?;
            let key = own_key(&mut open, &self.keys).await?;
            let gone = sqlx::query_scalar::<_, i64>("select drop_audit_month($1, $2, $3, $4)")
                .bind(month.month)
                .bind(keep_months)
                .bind(&key.public().kid)
                .bind(key.sign(&month.message())?)
                .fetch_one(&mut *open)
                .await;
            match gone.map_err(|fault| Error::from(StoreError(fault))) {
                Ok(rows) => {
                    open.commit().await.map_err(StoreError)?;
                    retired.gone.push((month.month, rows));
                }
                Err(error) if has_code(&error, CANNOT_GO) => {
                    open.rollback().await.map_err(StoreError)?;
                    retired.kept.push(month.month);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(retired)
    }
}

/// Refuses where the time of the transaction is not that of the server.
async fn expect_same_time(open: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    let there: DateTime<Utc> =
        sqlx::query_scalar("select now()").fetch_one(open).await.map_err(StoreError)?;
    let apart_s = (there - now).num_seconds().abs();
    if apart_s <= CLOCKS_APART_S_MAX {
        return Ok(());
    }
    let text = format!(
        "The clocks of the database and of this server are {apart_s} s apart, so no month of the record is dropped: set them right."
    );
    Err(Error::new(Kind::Unavailable, text))
}

async fn old(connection: &mut PgConnection, keep_months: i32) -> Result<Vec<Dropped>> {
    let rows =
        sqlx::query(OLD).bind(keep_months).fetch_all(connection).await.map_err(StoreError)?;
    let one = |row: &sqlx::postgres::PgRow| -> sqlx::Result<Dropped> {
        let seals = (row.try_get("first")?, row.try_get("last")?);
        Ok(Dropped { month: row.try_get("month")?, rows: row.try_get("rows")?, seals })
    };
    let months: sqlx::Result<Vec<Dropped>> = rows.iter().map(one).collect();
    Ok(months.map_err(StoreError)?)
}
