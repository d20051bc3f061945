//! Months of the record that have had their time: dropped whole, with a signed trace of each.

use canonical_model::{Error, Result};
use chrono::NaiveDate;
use sqlx::{Acquire, PgConnection, Row};

use super::dropped::Dropped;
use super::notary::{Notary, own_key, take_turn};
use crate::error::{CANNOT_GO, StoreError, has_code};

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
    /// # Errors
    /// Unavailable without a key, or where the database cannot be reached.
    pub async fn retire(&mut self, keep_months: i32) -> Result<Retired> {
        let sessions = self.sessions.clone();
        let mut session = sessions.take().await?;
        let outcome = self.retire_within(&mut session, keep_months).await;
        session.settle(outcome)
    }

    async fn retire_within(
        &mut self,
        connection: &mut PgConnection,
        keep_months: i32,
    ) -> Result<Retired> {
        let mut retired = Retired::default();
        for month in old(connection, keep_months).await? {
            let mut open = connection.begin().await.map_err(StoreError)?;
            if !take_turn(&mut open).await? {
                open.rollback().await.map_err(StoreError)?;
                break;
            }
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
