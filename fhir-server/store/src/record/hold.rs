//! Legal holds: months of the record that must stay, however old they are.

use canonical_model::{Error, ResourceId, ResourceType, Result};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Row};

use crate::audit::AuditAction;
use crate::connect::{Role, options};
use crate::error::StoreError;
use crate::sessions::Sessions;
use crate::{RequestContext, Store};

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub hold: i64,
    /// The id of the patient whose months stay, where it is still known.
    pub patient: Option<String>,
    /// The person whose months stay.
    pub person: Option<String>,
    /// From this day; none from the beginning.
    pub begins: Option<NaiveDate>,
    /// To this day; none without an end.
    pub ends: Option<NaiveDate>,
    /// Why.
    pub reason: String,
    /// Who laid it.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Who released it, and when.
    pub released: Option<(String, DateTime<Utc>)>,
}

/// A hold to be laid: on what names one patient, one person, or on everything.
#[derive(Clone, Debug, Default)]
pub struct NewHold {
    /// The patient.
    pub patient: Option<ResourceId>,
    /// The person, as `Practitioner/1`.
    pub person: Option<String>,
    /// From this day.
    pub begins: Option<NaiveDate>,
    /// To this day.
    pub ends: Option<NaiveDate>,
    /// Why.
    pub reason: String,
    /// Who lays it.
    pub made_by: String,
}

/// Lays and releases holds, as the role that reviews the record.
#[derive(Debug)]
pub struct Holds {
    review: Sessions,
    store: Store,
}

/// The row of the record.
const ROW: &str = "recorded as (
    insert into audit (at, request_id, action, status, client, token_id, detail, interaction, patients)";

/// Binds what a row of the operator's own says.
fn in_record(
    query: Query<'_, Postgres, PgArguments>,
    now: DateTime<Utc>,
) -> Query<'_, Postgres, PgArguments> {
    let context = RequestContext::internal();
    query
        .bind(now)
        .bind(context.request_id.to_string())
        .bind(AuditAction::Accounts as i16)
        .bind(context.client().to_owned())
        .bind(context.token_id().to_owned())
        .bind(context.interaction as i16)
}

impl Holds {
    /// Beside the store of the database, which knows its patients.
    ///
    /// # Errors
    /// Invalid for a URL that is none.
    pub fn new(url: &str, store: &Store) -> Result<Self> {
        let review = Sessions::new("review", options(url, Role::Review)?, 1);
        Ok(Self { review, store: store.clone() })
    }

    /// Lays a hold, with the row that says so; returns its number.
    ///
    /// # Errors
    /// Invalid where its days are in the wrong order; Unavailable.
    pub async fn lay(&self, now: DateTime<Utc>, new: &NewHold) -> Result<i64> {
        if new.begins.zip(new.ends).is_some_and(|(begins, ends)| begins > ends) {
            return Err(Error::invalid("A hold begins before it ends."));
        }
        let patient = new.patient.as_ref();
        let patient =
            patient.map(|id| self.store.hasher().identity(ResourceType::PATIENT, id.as_str()));
        let text = format!(
            "with laid as (
                insert into audit_hold (patient, person, begins, ends, reason, made_by)
                values ($1, $2, $3, $4, $5, $6) returning hold, patient, made_by
            ), {ROW} select $7, $8, $9, 200, $10, $11, 'hold ' || hold || ' laid by ' || made_by, $12,
                case when patient is not null then array[patient] end from laid)
            select hold from laid"
        );
        let query = sqlx::query(AssertSqlSafe(text));
        let query = query.bind(patient).bind(&new.person).bind(new.begins).bind(new.ends);
        let query = in_record(query.bind(&new.reason).bind(&new.made_by), now);
        let row = self.review.fetch_optional(query).await?;
        let row = row.ok_or_else(|| Error::internal("a hold has a number"))?;
        Ok(row.try_get("hold").map_err(StoreError)?)
    }

    /// Releases a hold, with the row that says so; `false` where there is none of this number that stands.
    ///
    /// # Errors
    /// Unavailable.
    pub async fn release(&self, now: DateTime<Utc>, hold: i64, released_by: &str) -> Result<bool> {
        let text = format!(
            "with released as (
                update audit_hold set released_by = $2, released_at = now()
                where hold = $1 and released_at is null returning hold, patient
            ), {ROW} select $3, $4, $5, 200, $6, $7, 'hold ' || hold || ' released by ' || $2, $8,
                case when patient is not null then array[patient] end from released)
            select hold from released"
        );
        let query = sqlx::query(AssertSqlSafe(text)).bind(hold).bind(released_by);
        Ok(self.review.fetch_optional(in_record(query, now)).await?.is_some())
    }

    /// All holds, the released ones too.
    ///
    /// # Errors
    /// Unavailable.
    pub async fn list(&self) -> Result<Vec<Hold>> {
        let rows = self.review.fetch_all(sqlx::query("select * from audit_hold order by hold"));
        let rows = rows.await?;
        let patient = |row: &PgRow| row.try_get::<Option<i64>, _>("patient").map_err(StoreError);
        let mut identities = Vec::new();
        for row in &rows {
            identities.extend(patient(row)?);
        }
        let ids = self.store.patient_ids(&identities).await?;
        let mut holds = Vec::new();
        for row in &rows {
            let id = patient(row)?.map(|identity| ids.get(&identity).cloned());
            let id = id.map(|id| id.unwrap_or_else(|| "unknown".to_owned()));
            holds.push(hold(row, id).map_err(StoreError)?);
        }
        Ok(holds)
    }
}

fn hold(row: &PgRow, patient: Option<String>) -> sqlx::Result<Hold> {
    let released_by: Option<String> = row.try_get("released_by")?;
    let released_at: Option<DateTime<Utc>> = row.try_get("released_at")?;
    Ok(Hold {
        hold: row.try_get("hold")?,
        patient,
        person: row.try_get("person")?,
        begins: row.try_get("begins")?,
        ends: row.try_get("ends")?,
        reason: row.try_get("reason")?,
        made_by: row.try_get("made_by")?,
        made_at: row.try_get("made_at")?,
        released: released_by.zip(released_at),
    })
}
