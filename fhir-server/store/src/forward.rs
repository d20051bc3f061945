//! The forward index of versions about to be replaced: what decides whether they may be, and what
//! their index rows are.

use std::collections::HashMap;

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use search::{IndexEntries, Param};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::change::{Change, Method};
use crate::error::StoreError;

/// A head before it is replaced.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    pub(crate) rid: i64,
    pub(crate) version: i32,
    last_updated: DateTime<Utc>,
    digest: i64,
    method: Method,
    pub(crate) entries: IndexEntries,
}

impl Forward {
    /// Whether a change may replace this version: it is the one expected, as alive as expected, older,
    /// and other than the new one.
    pub(crate) fn admits(&self, change: &Change, at: DateTime<Utc>) -> bool {
        let same = self.digest == change.digest;
        self.version == change.expected
            && self.last_updated < at
            && (self.method == Method::Delete) == change.revives
            && (!same || change.method == Method::Delete || change.revives)
    }
}

/// The heads of these identities, each under its place, that belong to one of the owners.
pub(crate) async fn forwards(
    connection: &mut PgConnection,
    identities: &[i64],
    owners: Option<&[i64]>,
) -> Result<HashMap<usize, Forward>> {
    let rows = sqlx::query(include_str!("../queries/forward.sql"))
        .bind(identities)
        .bind(owners)
        .fetch_all(connection)
        .await
        .map_err(StoreError)?;
    rows.iter().map(forward).collect()
}

fn forward(row: &PgRow) -> Result<(usize, Forward)> {
    let place: i64 = get(row, "ord")?;
    let entries = IndexEntries {
        keys: get(row, "keys")?,
        patients: get(row, "patients")?,
        strings: zip(get(row, "string_param")?, get(row, "string_value")?),
        dates: zip3(get(row, "date_param")?, get(row, "date_lo")?, get(row, "date_hi")?),
        numbers: zip3(get(row, "number_param")?, get(row, "number_lo")?, get(row, "number_hi")?),
        timeline: get::<Vec<i64>>(row, "timeline_key")?
            .into_iter()
            .zip(get::<Vec<i64>>(row, "timeline_at")?)
            .collect(),
        ..IndexEntries::default()
    };
    let forward = Forward {
        rid: get(row, "rid")?,
        version: get(row, "version")?,
        last_updated: get(row, "last_updated")?,
        digest: get(row, "digest")?,
        method: Method::from_number(get(row, "method")?),
        entries,
    };
    Ok((usize::try_from(place - 1).map_err(Error::internal)?, forward))
}

fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    Ok(row.try_get(column).map_err(StoreError)?)
}

fn zip<T>(params: Vec<i64>, values: Vec<T>) -> Vec<(Param, T)> {
    params.into_iter().map(Param).zip(values).collect()
}

fn zip3<T>(params: Vec<i64>, los: Vec<T>, his: Vec<T>) -> Vec<(Param, T, T)> {
    let values = los.into_iter().zip(his);
    params.into_iter().zip(values).map(|(param, (lo, hi))| (Param(param), lo, hi)).collect()
}
