//! Months that are not there: those that were dropped say so, signed.

use std::collections::BTreeMap;

use canonical_model::Result;
use chrono::{Datelike, NaiveDate};
use sqlx::{PgConnection, Row};

use super::fault::{Fault, FaultKind};
use super::keys::Signers;
use super::rows::{Found, Month};
use crate::error::StoreError;
use crate::record::dropped::Dropped;

/// The records of months that were dropped; also whether each is signed by a key of the database.
pub(crate) async fn read(
    connection: &mut PgConnection,
    signers: &Signers,
) -> Result<BTreeMap<NaiveDate, (Dropped, bool)>> {
    let query = sqlx::query("select month, rows, seal_lo, seal_hi, kid, signature from audit_drop");
    let mut all = BTreeMap::new();
    for row in query.fetch_all(connection).await.map_err(StoreError)? {
        let dropped = Dropped {
            month: row.try_get("month").map_err(StoreError)?,
            rows: row.try_get("rows").map_err(StoreError)?,
            seals: (
                row.try_get("seal_lo").map_err(StoreError)?,
                row.try_get("seal_hi").map_err(StoreError)?,
            ),
        };
        let kid: String = row.try_get("kid").map_err(StoreError)?;
        let signature: Vec<u8> = row.try_get("signature").map_err(StoreError)?;
        let signed = signers.proves(&kid, &dropped.message(), &signature);
        all.insert(dropped.month, (dropped, signed));
    }
    Ok(all)
}

/// The months that have a place for rows of their own.
pub(crate) async fn partitions(connection: &mut PgConnection) -> Result<Vec<String>> {
    let query = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit'::regclass";
    Ok(sqlx::query_scalar(query).fetch_all(connection).await.map_err(StoreError)?)
}

/// Judges the months whose rows are gone as a whole.
pub(crate) fn judge(
    found: &mut Found,
    dropped: &BTreeMap<NaiveDate, (Dropped, bool)>,
    partitions: &[String],
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (month, seen) in found.months.clone() {
        let place = format!("audit_{:04}_{:02}", month.year(), month.month());
        let gone = seen.found == 0 && !partitions.contains(&place);
        if !gone && !seen.emptied {
            continue;
        }
        let explained = dropped.get(&month);
        let Some(reason) = unexplained(gone, &seen, explained) else { continue };
        found.differing.forget_month(month);
        let text = format!("the month {} {reason}", month.format("%Y-%m"));
        let kind = if gone { FaultKind::MonthGone } else { FaultKind::Rewrite };
        faults.push(Fault::of(kind, text).in_month(month).in_seal(seen.seals.0));
    }
    faults
}

fn unexplained(
    gone: bool,
    seen: &Month,
    explained: Option<&(Dropped, bool)>,
) -> Option<&'static str> {
    match explained {
        None if gone => Some("is gone, and nothing says that it was dropped"),
        None => Some("has seals without their lists, and nothing says that it was dropped"),
        Some((_, false)) => Some("is gone, and what says so is not signed by a key of the record"),
        Some((dropped, true)) => {
            let same = dropped.rows == seen.sealed && dropped.seals == seen.seals;
            (!same).then_some("is gone, and what says so is of other rows than were sealed")
        }
    }
}
