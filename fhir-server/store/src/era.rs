//! Eras of transaction numbers: a database that was restored into another cluster holds versions with numbers that
//! this one has not given out yet. See `migrations/0012_era.sql`.

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};

use crate::error::{StoreError, has_code};
use crate::sessions::Sessions;

/// Up to when versions are of an era before; `None` where the database never moved, or its schema does not say.
///
/// # Errors
/// Unavailable where the database cannot be reached.
pub(crate) async fn settle(sessions: &Sessions) -> Result<Option<DateTime<Utc>>> {
    let row = match sessions.fetch_optional(sqlx::query("select settle_era()")).await {
        Ok(row) => row,
        // The schema of the release before.
        Err(error) if has_code(&error, "42883") => return Ok(None),
        Err(error) => return Err(error),
    };
    let micros: Option<i64> = match row {
        Some(row) => sqlx::Row::try_get(&row, 0).map_err(StoreError)?,
        None => None,
    };
    let moment = |micros| {
        DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| Error::internal("the database's era is no moment"))
    };
    micros.map(moment).transpose()
}
