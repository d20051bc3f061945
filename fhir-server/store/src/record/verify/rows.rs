//! The rows under the seals, read in stretches of many seals.

use std::collections::BTreeMap;

use canonical_model::Result;
use chrono::NaiveDate;
use sqlx::PgConnection;

use super::differ::{Differing, Listed, Where, listed, short};
use super::fault::{Fault, FaultKind};
use super::named::Named;
use super::seals::StoredSeal;
use crate::limits::DIFFERING_ROWS_MAX;
use crate::record::chain::next;
use crate::record::rows::{Row, all, copy};

/// Where the rows of an era are: their numbers are above the floor, and below or at the ceiling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Era {
    pub(crate) floor: i64,
    pub(crate) ceiling: i64,
}

/// A place in the order of (tx, audit_id).
pub(crate) type Point = (i64, i64);

/// What was found of a month's rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Month {
    /// Its first seal and its last.
    pub(crate) seals: (i64, i64),
    /// How many rows its seals say it has.
    pub(crate) sealed: i64,
    /// How many of its rows are there.
    pub(crate) found: u64,
    /// Whether a seal has no list, as when a month was dropped.
    pub(crate) emptied: bool,
}

/// What was found of the rows.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) rows: u64,
    pub(crate) differing: Differing,
    pub(crate) months: BTreeMap<NaiveDate, Month>,
    /// Of seals whose rows agree with their list, and not with the chain.
    pub(crate) faults: Vec<Fault>,
}

impl Found {
    /// Compares a stretch of seals, all of one era, and all or none of rows without a transaction, with what is
    /// there from behind `reached` to their end. Rows that belong to none are insertions.
    pub(crate) async fn compare(
        &mut self,
        connection: &mut PgConnection,
        era: Era,
        reached: Point,
        seals: &[StoredSeal],
    ) -> Result<()> {
        let Some(last) = seals.last() else { return Ok(()) };
        let condition = between(era, reached, last.end());
        let rows = all(connection, &copy(&condition)).await?;
        let named = Named::read(connection, seals).await?;
        let mut rest = rows.as_slice();
        for seal in seals {
            let before = |row: &&Row| !seal.has(row.tx, row.audit_id) && !seal.ends_before(row);
            let (gap, from) = split(rest, before);
            gap.iter().for_each(|row| self.differing.find(row));
            let (own, after) = split(from, |row| seal.has(row.tx, row.audit_id));
            // What is not what was sealed names nobody.
            if self.one(seal, own) {
                self.faults.extend(named.judge(seal, own));
            }
            rest = after;
        }
        rest.iter().for_each(|row| self.differing.find(row));
        Ok(())
    }

    /// Rows that are in the record and under no seal, although all of their time is sealed.
    pub(crate) async fn strays(
        &mut self,
        connection: &mut PgConnection,
        condition: &str,
    ) -> Result<()> {
        let statement = copy(&format!("{condition} order by audit_id limit {DIFFERING_ROWS_MAX}"));
        for row in all(connection, &statement).await? {
            self.differing.find(&row);
        }
        Ok(())
    }

    /// Whether the rows of a seal are those that it sealed.
    fn one(&mut self, stored: &StoredSeal, rows: &[Row]) -> bool {
        let seal = &stored.seal;
        let count = u64::try_from(rows.len()).unwrap_or(0);
        self.rows += count;
        let unseen = Month { seals: (seal.seal, 0), sealed: 0, found: 0, emptied: false };
        let month = self.months.entry(seal.month).or_insert(unseen);
        month.seals.1 = seal.seal;
        month.sealed += i64::from(seal.count);
        let head = rows.iter().fold(seal.head_before, |h, row| next(&h, row.audit_id, &row.leaf));
        month.found += count;
        if stored.list.is_empty() {
            // Whether it may be is judged by the month. Only the chain can tell whether rows are those.
            month.emptied = true;
            if head != seal.head {
                rows.iter().for_each(|row| self.differing.find(row));
            }
            return head == seal.head;
        }
        let list = listed(seal.ids.0, &stored.list);
        let same = |((id, leaf), row): (&Listed, &Row)| *id == row.audit_id && short(row) == *leaf;
        if list.len() != rows.len() || !list.iter().zip(rows).all(same) {
            let place = Where { seal: seal.seal, month: seal.month };
            self.differing.compare(&list, rows, place);
            return false;
        }
        if head != seal.head {
            let text = format!(
                "of the rows {} to {}, some were changed together with the list of seal {}: they are not what was sealed",
                seal.ids.0, seal.ids.1, seal.seal
            );
            let fault = Fault::of(FaultKind::Edit, text).in_seal(seal.seal).in_month(seal.month);
            self.faults.push(fault);
        }
        head == seal.head
    }
}

fn split(rows: &[Row], belongs: impl Fn(&&Row) -> bool) -> (&[Row], &[Row]) {
    let many = rows.iter().take_while(belongs).count();
    rows.split_at_checked(many).unwrap_or((rows, &[]))
}

/// The condition for rows behind one place, to another.
pub(crate) fn between(era: Era, behind: Point, to: Point) -> String {
    let Era { floor, ceiling } = era;
    if to.0 == 0 {
        return format!(
            "tx is null and audit_id > {} and audit_id <= {} order by audit_id",
            behind.1, to.1
        );
    }
    format!(
        "tx > 0 and tx >= {} and tx <= {} and (tx, audit_id) > ({}, {}) and (tx, audit_id) <= ({}, {})
            and audit_id > {floor} and audit_id <= {ceiling} order by tx, audit_id",
        behind.0, to.0, behind.0, behind.1, to.0, to.1
    )
}
