//! Where one seal ends and the next begins. A seal holds whole transactions of one month, and is then told by
//! them: of a transaction that is sealed, every row is. One that has too many rows, or rows of two months, has
//! seals of its own, told by the numbers of its rows.

use std::ops::Range;

use chrono::NaiveDate;

use super::rows::Row;
use crate::limits::SEALED_ROWS_MAX;

/// Cuts rows, which are in the order of (tx, audit_id), into those of one seal each.
pub(crate) fn cut(rows: &[Row]) -> Vec<Range<usize>> {
    let (mut seals, mut open, mut begin) = (Vec::new(), None::<(Range<usize>, Span)>, 0);
    for transaction in rows.chunk_by(|one, next| one.tx == next.tx) {
        let all = begin..begin + transaction.len();
        begin = all.end;
        let mut spans = transaction.iter().map(Span::of);
        let span = spans.next().and_then(|first| spans.try_fold(first, Span::join));
        let Some(span) = span.filter(|_| !is_before(transaction)) else {
            seals.extend(open.take().map(|(seal, _)| seal));
            parts(transaction, all.start, &mut seals);
            continue;
        };
        let joined =
            open.as_ref().and_then(|(seal, before)| Some((seal.start, before.join(span)?)));
        open = match joined {
            Some((start, joined)) => Some((start..all.end, joined)),
            None => {
                seals.extend(open.take().map(|(seal, _)| seal));
                Some((all, span))
            }
        };
    }
    seals.extend(open.map(|(seal, _)| seal));
    seals
}

/// Rows of before there were transactions count as of one, and are told by their numbers.
fn is_before(transaction: &[Row]) -> bool {
    transaction.first().is_some_and(|row| row.tx == 0)
}

/// Cuts one transaction's rows, of which the first has this place.
fn parts(transaction: &[Row], mut begin: usize, seals: &mut Vec<Range<usize>>) {
    let mut open: Option<(Range<usize>, Span)> = None;
    for row in transaction {
        let span = Span::of(row);
        open = match open.take() {
            Some((seal, before)) => match before.join(span) {
                Some(joined) => Some((seal.start..begin + 1, joined)),
                None => {
                    seals.push(seal);
                    Some((begin..begin + 1, span))
                }
            },
            None => Some((begin..begin + 1, span)),
        };
        begin += 1;
    }
    seals.extend(open.map(|(seal, _)| seal));
}

/// What rows of one seal have in common.
#[derive(Clone, Copy)]
struct Span {
    month: NaiveDate,
    ids: (i64, i64),
    count: usize,
}

impl Span {
    fn of(row: &Row) -> Self {
        Self { month: row.month(), ids: (row.audit_id, row.audit_id), count: 1 }
    }

    /// Both together, where one seal may hold them: its list counts from its lowest number, in 32 bits.
    fn join(self, other: Self) -> Option<Self> {
        let ids = (self.ids.0.min(other.ids.0), self.ids.1.max(other.ids.1));
        let count = self.count + other.count;
        let span = ids.1.checked_sub(ids.0)?;
        let fits = count <= SEALED_ROWS_MAX && u32::try_from(span).is_ok();
        (fits && self.month == other.month).then_some(Self { month: self.month, ids, count })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn row(tx: i64, audit_id: i64, day: &str) -> Row {
        let at = format!("{day}T12:00:00Z").parse::<DateTime<chrono::Utc>>().expect("a time");
        Row { audit_id, tx, at, leaf: [0; 32], patients: Vec::new(), person: None }
    }

    const JAN: &str = "2026-01-31";
    const FEB: &str = "2026-02-01";

    /// How many rows each seal has; together they are all, in order.
    fn counts(rows: &[Row]) -> Vec<usize> {
        let seals = cut(rows);
        let ends = seals.iter().map(|seal| seal.end);
        let begins = seals.iter().skip(1).map(|seal| seal.start).chain([rows.len()]);
        assert!(ends.eq(begins.filter(|_| !rows.is_empty())));
        assert!(seals.first().is_none_or(|first| first.start == 0));
        seals.into_iter().map(|seal| seal.len()).collect()
    }

    #[test]
    fn seals_hold_whole_transactions_of_one_month() {
        for (rows, expected) in [
            (vec![], vec![]),
            (vec![(1, 1, JAN), (1, 2, JAN), (2, 3, JAN), (9, 4, JAN)], vec![4]),
            (
                vec![(1, 1, JAN), (2, 2, FEB), (3, 3, JAN), (4, 4, FEB), (5, 5, FEB)],
                vec![1, 1, 1, 2],
            ),
            // One transaction of two months stands alone, before and after.
            (
                vec![(1, 1, JAN), (2, 2, JAN), (2, 3, FEB), (2, 4, JAN), (3, 5, JAN)],
                vec![1, 1, 1, 1, 1],
            ),
            // Of before there were transactions: by their numbers.
            (vec![(0, 1, JAN), (0, 2, JAN), (0, 3, FEB)], vec![2, 1]),
            // Numbers too far from each other.
            (vec![(1, 1, JAN), (2, 1 << 40, JAN), (3, 2, JAN)], vec![1, 1, 1]),
            (vec![(1, 1, JAN), (1, 1 << 40, JAN)], vec![1, 1]),
        ] {
            let rows: Vec<Row> = rows.into_iter().map(|(tx, id, day)| row(tx, id, day)).collect();
            assert_eq!(counts(&rows), expected, "{rows:?}");
        }
    }

    #[test]
    fn no_seal_holds_too_many() {
        let max = SEALED_ROWS_MAX;
        let id = |n: usize| i64::try_from(n).expect("small");
        let small: Vec<Row> = (0..max + 3).map(|n| row(id(n / 2), id(n), JAN)).skip(2).collect();
        assert_eq!(counts(&small), [max, 1]);
        let large: Vec<Row> = (0..max + 1).map(|n| row(5, id(n), JAN)).collect();
        assert_eq!(counts(&large), [max, 1]);
    }
}
