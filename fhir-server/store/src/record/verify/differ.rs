//! What differs between the rows that were listed when they were sealed and those that are there: gathered over
//! all seals, for a row may have been moved from one to another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::fault::{Fault, FaultKind};
use crate::limits::DIFFERING_ROWS_MAX;
use crate::record::chain::LISTED_BYTES;
use crate::record::rows::Row;

/// The part of a leaf that is listed.
type Short = [u8; LISTED_BYTES - 4];

/// A listed row: its number and its leaf.
pub(crate) type Listed = (i64, Short);

/// Where a row was listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Where {
    pub(crate) seal: i64,
    pub(crate) month: NaiveDate,
}

/// Reads the list of a seal whose lowest number is `lowest`.
pub(crate) fn listed(lowest: i64, list: &[u8]) -> Vec<Listed> {
    let one = |entry: &[u8]| {
        let (beyond, leaf) = entry.split_first_chunk::<4>()?;
        Some((lowest.checked_add(u32::from_be_bytes(*beyond).into())?, leaf.try_into().ok()?))
    };
    list.chunks(LISTED_BYTES).filter_map(one).collect()
}

/// The listed part of a row's leaf.
pub(crate) fn short(row: &Row) -> Short {
    row.leaf.first_chunk().copied().unwrap_or_default()
}

/// Rows that differ.
#[derive(Debug, Default)]
pub(crate) struct Differing {
    listed: BTreeMap<i64, (Short, Where)>,
    found: BTreeMap<i64, (Short, DateTime<Utc>)>,
    /// Beyond what is remembered.
    pub(crate) more: u64,
}

impl Differing {
    /// Compares a seal's list with the rows in its range.
    pub(crate) fn compare(&mut self, list: &[Listed], rows: &[Row], place: Where) {
        let there: HashMap<i64, &Row> = rows.iter().map(|row| (row.audit_id, row)).collect();
        for (id, leaf) in list {
            match there.get(id) {
                Some(row) if short(row) == *leaf => {}
                Some(row) => {
                    self.list(*id, *leaf, place);
                    self.find(row);
                }
                None => self.list(*id, *leaf, place),
            }
        }
        let known: BTreeSet<i64> = list.iter().map(|(id, _)| *id).collect();
        rows.iter().filter(|row| !known.contains(&row.audit_id)).for_each(|row| self.find(row));
    }

    /// A row where there should be none.
    pub(crate) fn find(&mut self, row: &Row) {
        if self.has_room() {
            self.found.insert(row.audit_id, (short(row), row.at));
        }
    }

    fn list(&mut self, id: i64, leaf: Short, place: Where) {
        if self.has_room() {
            self.listed.insert(id, (leaf, place));
        }
    }

    fn has_room(&mut self) -> bool {
        let room = self.listed.len() + self.found.len() < DIFFERING_ROWS_MAX;
        self.more += u64::from(!room);
        room
    }

    /// How many rows of a month are listed and not there.
    pub(crate) fn forget_month(&mut self, month: NaiveDate) {
        let found = &self.found;
        self.listed.retain(|id, (_, place)| place.month != month || found.contains_key(id));
    }

    /// The faults that they come to.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let by_listed: HashMap<Short, i64> =
            self.listed.iter().map(|(id, (leaf, _))| (*leaf, *id)).collect();
        let mut faults = Vec::new();
        for (id, (leaf, place)) in &self.listed {
            let Some((now, at)) = self.found.get(id) else {
                let text = format!("row {id} was sealed and is not there");
                let fault = Fault::of(FaultKind::Deletion, text).on_row(*id, None);
                faults.push(fault.in_seal(place.seal).in_month(place.month));
                continue;
            };
            let other = by_listed.get(now).filter(|other| {
                **other != *id && self.found.get(other).is_some_and(|(theirs, _)| theirs == leaf)
            });
            let fault = match other {
                Some(other) if other < id => continue,
                Some(other) => Fault {
                    other_id: Some(*other),
                    ..Fault::of(FaultKind::Swap, format!("rows {id} and {other} were swapped"))
                },
                None => Fault::of(FaultKind::Edit, format!("row {id} is not what was sealed")),
            };
            faults.push(fault.on_row(*id, Some(*at)).in_seal(place.seal).in_month(place.month));
        }
        for (id, (_, at)) in self.found.iter().filter(|(id, _)| !self.listed.contains_key(id)) {
            let text = format!("row {id} was not there when its time was sealed");
            faults.push(Fault::of(FaultKind::Insertion, text).on_row(*id, Some(*at)));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::chain::GENESIS;
    use crate::record::seal::Seal;

    fn row(audit_id: i64, leaf: u8) -> Row {
        let at = "2026-03-05T12:00:00Z".parse::<DateTime<Utc>>().expect("a time");
        Row { audit_id, tx: 5, at, leaf: [leaf; 32], patients: Vec::new(), person: None }
    }

    #[test]
    fn each_difference_has_its_name() {
        let sealed = [row(1, 1), row(2, 2), row(3, 3)];
        let seal = Seal::over(&sealed, 0, (0, GENESIS), sealed[0].at).expect("rows");
        let list = listed(seal.ids.0, &seal.list(&sealed));
        let place = Where { seal: 1, month: seal.month };
        for (now, expected) in [
            (vec![row(1, 1), row(2, 2), row(3, 3)], ""),
            (vec![row(1, 1), row(2, 9), row(3, 3)], "edit 2"),
            (vec![row(1, 1), row(3, 3)], "deletion 2"),
            (vec![row(1, 1), row(2, 2), row(3, 3), row(4, 4)], "insertion 4"),
            (vec![row(1, 2), row(2, 1), row(3, 3)], "swap 1 2"),
            // The number was changed, and with it the row's place.
            (vec![row(1, 1), row(9, 2), row(3, 3)], "deletion 2, insertion 9"),
            // Copied over another, which is not a swap.
            (vec![row(1, 2), row(2, 2), row(3, 3)], "edit 1"),
        ] {
            let mut differing = Differing::default();
            differing.compare(&list, &now, place);
            let told = |fault: Fault| {
                let ids = [fault.audit_id, fault.other_id].into_iter().flatten();
                let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
                format!("{} {}", fault.kind.as_str(), ids.join(" "))
            };
            let told: Vec<String> = differing.faults().into_iter().map(told).collect();
            assert_eq!(told.join(", "), expected);
        }
    }

    #[test]
    fn a_month_that_is_told_at_once_is_not_told_by_its_rows() {
        let month = row(1, 1).month();
        let mut differing = Differing::default();
        differing.compare(&[(1, [1; 12]), (2, [2; 12])], &[row(2, 9)], Where { seal: 1, month });
        differing.forget_month(month);
        assert_eq!(differing.faults().len(), 1, "what was found and differs stays");
    }
}
