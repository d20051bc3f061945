//! The forward index of versions about to be replaced: what decides whether they may be, and what
//! their index rows are.

use std::collections::HashMap;

use canonical_model::Result;
use chrono::{DateTime, Utc};
use search::{IndexEntries, Param};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{PgConnection, Row};

use crate::change::{Change, Method};
use crate::error::StoreError;
use crate::query::{bind, prepared, written_within};
use crate::reach::Reach;
use crate::statement::{Part, Parts, Template, statement};

/// How heads are read before they are replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hold<'a> {
    /// Only those within it.
    pub(crate) reach: Option<&'a Reach>,
    /// Whether nobody else may change them until the transaction ends. Outside of one it would be in vain.
    pub(crate) locked: bool,
}

impl Hold<'_> {
    /// All of them, to be replaced in the same transaction.
    pub(crate) const LOCKED: Self = Self { reach: None, locked: true };
}

/// A head before it is replaced.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    /// The transaction that wrote the row, be it only its index.
    pub(crate) xmin: i64,
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

/// The heads of these identities, each under its own. They are locked in the order of the identities.
pub(crate) async fn forwards(
    connection: &mut PgConnection,
    identities: &[i64],
    hold: Hold<'_>,
) -> Result<HashMap<i64, Forward>> {
    let parts = Parts::default().with(Part::Locked, hold.locked);
    let reach = hold.reach.unwrap_or(&Reach::Everything);
    let mut arguments = PgArguments::default();
    bind(&mut arguments, identities)?;
    bind(&mut arguments, reach.owners().unwrap_or(Some(Vec::new())))?;
    let mut sql = written_within(statement(Template::Forward, parts), arguments, reach)?;
    let rows = prepared(&mut sql).fetch_all(connection).await.map_err(StoreError)?;
    rows.iter().map(forward).collect()
}

fn forward(row: &PgRow) -> Result<(i64, Forward)> {
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
        xmin: get(row, "xmin")?,
        rid: get(row, "rid")?,
        version: get(row, "version")?,
        last_updated: get(row, "last_updated")?,
        digest: get(row, "digest")?,
        method: Method::from_number(get(row, "method")?),
        entries,
    };
    Ok((get(row, "id_hash")?, forward))
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
