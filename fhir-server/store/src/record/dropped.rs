//! The signed record of a month that was dropped.

use chrono::NaiveDate;

/// A month that was dropped, as its record says.
#[derive(Clone, Debug)]
pub(crate) struct Dropped {
    pub(crate) month: NaiveDate,
    /// How many rows it had.
    pub(crate) rows: i64,
    /// Its first seal and its last.
    pub(crate) seals: (i64, i64),
}

impl Dropped {
    /// What is signed of it.
    pub(crate) fn message(&self) -> Vec<u8> {
        let Self { month, rows, seals: (first, last) } = self;
        format!("carebridge record drop 1\n{month} {rows} {first} {last}\n").into_bytes()
    }
}
