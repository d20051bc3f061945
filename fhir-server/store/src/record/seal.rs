//! One seal: what it says of its rows, and what is signed of that.

use canonical_model::Result;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::chain::{Digest, LISTED_BYTES, next};
use super::key::RecordKey;
use super::rows::Row;
use crate::error::StoreError;

/// A seal without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) seal: i64,
    pub(crate) era: i32,
    pub(crate) month: NaiveDate,
    /// Lowest and highest transaction of its rows.
    pub(crate) tx: (i64, i64),
    /// Lowest and highest number of its rows.
    pub(crate) ids: (i64, i64),
    pub(crate) count: i32,
    pub(crate) sealed_at: DateTime<Utc>,
    pub(crate) head_before: Digest,
    pub(crate) head: Digest,
}

/// Where the chain stood at a seal: what is taken away, so that nobody can make another chain unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The seal's number.
    pub seal: i64,
    /// The digest over all rows to there.
    pub head: [u8; 32],
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// The key that signed it.
    pub kid: String,
}

impl Head {
    /// The digest in hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        self.head.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Seal {
    /// Seals rows that belong together, behind `before`. `None` where there are none.
    pub(crate) fn over(
        rows: &[Row],
        era: i32,
        before: (i64, Digest),
        sealed_at: DateTime<Utc>,
    ) -> Option<Self> {
        let (first, last) = (rows.first()?, rows.last()?);
        let ids = || rows.iter().map(|row| row.audit_id);
        let head = rows.iter().fold(before.1, |head, row| next(&head, row.audit_id, &row.leaf));
        Some(Self {
            seal: before.0 + 1,
            era,
            month: first.month(),
            tx: (first.tx, last.tx),
            ids: (ids().min()?, ids().max()?),
            count: i32::try_from(rows.len()).ok()?,
            sealed_at,
            head_before: before.1,
            head,
        })
    }

    /// What is signed. A release that says more in a seal begins with another line.
    pub(crate) fn message(&self) -> Vec<u8> {
        let Self { seal, era, month, tx, ids, count, sealed_at, head_before, head } = self;
        let us = sealed_at.timestamp_micros();
        let said = format!(
            "carebridge record seal 1\n{seal} {era} {month} {} {} {} {} {count} {us}\n",
            tx.0, tx.1, ids.0, ids.1
        );
        [said.as_bytes(), head_before, head].concat()
    }

    /// The list of its rows, [`LISTED_BYTES`] each, in order.
    pub(crate) fn list(&self, rows: &[Row]) -> Vec<u8> {
        let mut list = Vec::with_capacity(rows.len() * LISTED_BYTES);
        for row in rows {
            let beyond = u32::try_from(row.audit_id - self.ids.0).unwrap_or(u32::MAX);
            list.extend_from_slice(&beyond.to_be_bytes());
            list.extend(row.leaf.iter().take(LISTED_BYTES - 4));
        }
        list
    }

    /// Signs and writes it, with where to find its patients and persons.
    pub(crate) async fn write(
        &self,
        connection: &mut PgConnection,
        key: &RecordKey,
        rows: &[Row],
    ) -> Result<()> {
        let signature = key.sign(&self.message())?;
        let seal = sqlx::query(include_str!("../../queries/audit_seal_insert.sql"))
            .bind(self.seal)
            .bind(self.era)
            .bind(self.month)
            .bind(self.tx.0)
            .bind(self.ids.0)
            .bind(self.tx.1)
            .bind(self.ids.1)
            .bind(self.count)
            .bind(self.sealed_at)
            .bind(self.list(rows))
            .bind(self.head_before.as_slice())
            .bind(self.head.as_slice())
            .bind(&key.public().kid)
            .bind(signature)
            .bind(patients(rows))
            .bind(persons(rows));
        seal.execute(connection).await.map_err(StoreError)?;
        Ok(())
    }
}

fn patients(rows: &[Row]) -> Vec<i64> {
    let mut all: Vec<i64> = rows.iter().flat_map(|row| row.patients.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn persons(rows: &[Row]) -> Vec<&str> {
    let mut all: Vec<&str> = rows.iter().filter_map(|row| row.person.as_deref()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::chain::GENESIS;

    fn row(tx: i64, audit_id: i64, leaf: u8) -> Row {
        let at = "2026-03-05T12:00:00Z".parse::<DateTime<Utc>>().expect("a time");
        let person = Some(format!("Practitioner/{}", audit_id % 2));
        Row { audit_id, tx, at, leaf: [leaf; 32], patients: vec![9, audit_id % 3], person }
    }

    #[test]
    fn a_seal_spans_its_rows_and_lists_each() {
        let rows = [row(4, 12, 1), row(5, 10, 2), row(5, 11, 3)];
        let now = "2026-03-06T00:00:00.000001Z".parse::<DateTime<Utc>>().expect("a time");
        let seal = Seal::over(&rows, 0, (6, GENESIS), now).expect("rows");
        assert_eq!((seal.seal, seal.tx, seal.ids, seal.count), (7, (4, 5), (10, 12), 3));
        assert_eq!(seal.month.to_string(), "2026-03-01");
        let list = seal.list(&rows);
        let listed: Vec<&[u8]> = list.chunks(LISTED_BYTES).collect();
        assert_eq!(listed[0], [&[0, 0, 0, 2][..], &[1; 12]].concat());
        assert_eq!(listed[1], [&[0, 0, 0, 0][..], &[2; 12]].concat());
        assert_eq!(
            (patients(&rows), persons(&rows)),
            (vec![0, 1, 2, 9], vec!["Practitioner/0", "Practitioner/1"])
        );
        let message = String::from_utf8_lossy(&seal.message()).into_owned();
        let said = "carebridge record seal 1\n7 0 2026-03-01 4 5 10 12 3 1772755200000001\n";
        assert!(message.starts_with(said), "{message}");
        assert!(Seal::over(&[], 0, (6, GENESIS), now).is_none());
    }

    #[test]
    fn every_row_its_number_and_its_place_count() {
        let now = "2026-03-06T00:00:00Z".parse::<DateTime<Utc>>().expect("a time");
        let head = |rows: &[Row]| Seal::over(rows, 0, (0, GENESIS), now).expect("rows").head;
        let whole = head(&[row(4, 1, 1), row(4, 2, 2)]);
        for other in [
            vec![row(4, 1, 1)],
            vec![row(4, 2, 2), row(4, 1, 1)],
            vec![row(4, 1, 1), row(4, 3, 2)],
            vec![row(4, 1, 1), row(4, 2, 3)],
        ] {
            assert_ne!(head(&other), whole);
        }
    }
}
