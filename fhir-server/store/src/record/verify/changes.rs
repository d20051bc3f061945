//! Whether each version has its row: both sides in one order, side by side.

use std::cmp::Ordering;

use canonical_model::{ResourceType, Result};
use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::fault::{Fault, FaultKind};
use crate::error::StoreError;
use crate::limits::DIFFERING_ROWS_MAX;

/// A version: its type, its id and which it is.
type Name = (i16, String, i32);

/// Versions that were committed in this time, in order.
const VERSIONS: &str = r#"select type, id, version, last_updated from (
        select type, id, version, last_updated from resource
        union all select type, id, version, last_updated from history) v
    where last_updated >= $1 and last_updated < $2
    order by type, id collate "C", version"#;

/// Rows of writes that took place, in the same order.
const RECORDED: &str = r#"select distinct type, id collate "C" as id, version from audit
    where version is not null and id is not null
        and (action, status) in ((0, 201), (2, 200), (2, 201), (3, 204))
    order by type, id collate "C", version"#;

/// Versions in this time that have no row; also how many there are, and how many more lack theirs than are told.
pub(crate) async fn unrecorded(
    versions: &mut PgConnection,
    record: &mut PgConnection,
    time: (DateTime<Utc>, DateTime<Utc>),
) -> Result<(Vec<Fault>, u64, u64)> {
    let mut versions = sqlx::query(VERSIONS).bind(time.0).bind(time.1).fetch(versions);
    let (mut faults, mut count, mut more) = (Vec::new(), 0, 0);
    // The record is read once the versions are: it has at least theirs.
    let mut version = next(&mut versions).await?;
    let mut recorded = sqlx::query(RECORDED).fetch(record);
    let mut row = next(&mut recorded).await?;
    while let Some(name) = &version {
        let ahead = row.as_ref().map_or(Ordering::Less, |row| order(&name.0, &row.0));
        if ahead == Ordering::Greater {
            row = next(&mut recorded).await?;
            continue;
        }
        count += 1;
        if ahead == Ordering::Less {
            if faults.len() < DIFFERING_ROWS_MAX {
                faults.push(fault(name));
            } else {
                more += 1;
            }
        }
        version = next(&mut versions).await?;
    }
    Ok((faults, count, more))
}

fn order(one: &Name, other: &Name) -> Ordering {
    (one.0, one.1.as_bytes(), one.2).cmp(&(other.0, other.1.as_bytes(), other.2))
}

fn fault((name, at): &(Name, Option<DateTime<Utc>>)) -> Fault {
    let (kind, id, version) = name;
    let kind = ResourceType::from_number(*kind).map_or("?", ResourceType::name);
    let text = format!("{kind}/{id}, version {version}, has no row in the record");
    Fault { at: *at, ..Fault::of(FaultKind::Unrecorded, text) }
}

async fn next(
    rows: &mut (impl Stream<Item = sqlx::Result<PgRow>> + Unpin),
) -> Result<Option<(Name, Option<DateTime<Utc>>)>> {
    let Some(row) = rows.try_next().await.map_err(StoreError)? else { return Ok(None) };
    let name = (
        row.try_get("type").map_err(StoreError)?,
        row.try_get("id").map_err(StoreError)?,
        row.try_get("version").map_err(StoreError)?,
    );
    Ok(Some((name, row.try_get("last_updated").ok())))
}
