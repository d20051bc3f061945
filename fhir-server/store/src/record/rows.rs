//! Rows of the record as `COPY … (format binary)` writes them: a leaf needs no column decoded.
//! <https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4>

use bytes::{Buf, Bytes, BytesMut};
use canonical_model::{Error, Result};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use futures::{Stream, StreamExt};
use sqlx::PgConnection;

use super::chain::{Digest, LEAF_COLUMNS, leaf};
use crate::error::StoreError;

/// Signature, flags and the length of what may be added to them.
const HEADER: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
const HEADER_BYTES: usize = 19;

/// Columns that are looked into, by their place behind `audit_id`.
const TX: usize = 0;
const AT: usize = 1;
const PATIENTS: usize = 13;
const PERSON: usize = 14;

/// What the chain needs of a row, and where to look for it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) audit_id: i64,
    /// 0 for a row of before there were transactions in it.
    pub(crate) tx: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) leaf: Digest,
    pub(crate) patients: Vec<i64>,
    pub(crate) person: Option<String>,
}

impl Row {
    /// The first day of its month, by which the record is divided.
    pub(crate) fn month(&self) -> NaiveDate {
        let day = self.at.date_naive();
        day.with_day(1).unwrap_or(day)
    }
}

/// The statement for rows of the record under a condition, which holds no values of others.
pub(crate) fn copy(condition: &str) -> String {
    format!(
        "copy (select audit_id, {LEAF_COLUMNS} from audit where {condition}) to stdout (format binary)"
    )
}

/// The rows of such a statement, in its order.
pub(crate) async fn all(connection: &mut PgConnection, statement: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    each(connection, statement, |row| {
        rows.push(row);
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// Gives each row of such a statement, as it comes.
pub(crate) async fn each(
    connection: &mut PgConnection,
    statement: &str,
    mut give: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    let mut pieces = connection.copy_out_raw(statement).await.map_err(StoreError)?;
    let mut reader = Reader::default();
    while let Some(piece) = next_piece(&mut pieces).await? {
        reader.bytes.extend_from_slice(&piece);
        while let Some(row) = reader.row()? {
            give(row)?;
        }
    }
    if reader.ended && reader.bytes.is_empty() { Ok(()) } else { Err(torn()) }
}

async fn next_piece(
    pieces: &mut (impl Stream<Item = sqlx::Result<Bytes>> + Unpin),
) -> Result<Option<Bytes>> {
    pieces.next().await.transpose().map_err(|fault| StoreError(fault).into())
}

#[derive(Default)]
struct Reader {
    bytes: BytesMut,
    begun: bool,
    ended: bool,
}

impl Reader {
    /// The next row that is there whole.
    fn row(&mut self) -> Result<Option<Row>> {
        if !self.begun {
            if self.bytes.len() < HEADER_BYTES {
                return Ok(None);
            }
            if !self.bytes.starts_with(HEADER) {
                return Err(torn());
            }
            self.bytes.advance(HEADER_BYTES);
            self.begun = true;
        }
        let Some(fields) = i16_at(&self.bytes, 0) else { return Ok(None) };
        if fields == -1 {
            self.bytes.advance(2);
            self.ended = true;
            return Ok(None);
        }
        let Some(length) = length(&self.bytes, fields) else { return Ok(None) };
        let tuple = self.bytes.split_to(length).freeze();
        tuple.get(2..).and_then(parse).map(Some).ok_or_else(torn)
    }
}

/// The bytes of a tuple with so many fields, where it is there whole.
fn length(bytes: &[u8], fields: i16) -> Option<usize> {
    let mut end = 2;
    for _ in 0..fields {
        let field = usize::try_from(i32_at(bytes, end)?).unwrap_or(0);
        end = end.checked_add(4)?.checked_add(field)?;
    }
    (bytes.len() >= end).then_some(end)
}

fn parse(tuple: &[u8]) -> Option<Row> {
    // The number's own length is 8.
    let (number, columns) = tuple.split_at_checked(12)?;
    let audit_id = i64::from_be_bytes(number.get(4..)?.try_into().ok()?);
    let (mut tx, mut at, mut patients, mut person) = (0, None, Vec::new(), None);
    let (mut rest, mut place) = (columns, 0);
    while !rest.is_empty() {
        let length = i32_at(rest, 0)?;
        let length = usize::try_from(length).ok();
        let (value, after) = rest.get(4..)?.split_at_checked(length.unwrap_or(0))?;
        if length.is_some() {
            match place {
                TX => tx = i64::from_be_bytes(value.try_into().ok()?),
                AT => at = Some(time(i64::from_be_bytes(value.try_into().ok()?))?),
                PATIENTS => patients = numbers(value)?,
                PERSON => person = Some(std::str::from_utf8(value).ok()?.to_owned()),
                _ => {}
            }
        }
        (rest, place) = (after, place + 1);
    }
    Some(Row { audit_id, tx, at: at?, leaf: leaf(columns), patients, person })
}

/// Microseconds since the year 2000.
fn time(us: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(946_684_800, 0)?.checked_add_signed(TimeDelta::microseconds(us))
}

/// The numbers of a `bigint[]`: dimensions, flags, type, then for the one dimension its length and lower bound;
/// then each behind its length.
fn numbers(value: &[u8]) -> Option<Vec<i64>> {
    if i32_at(value, 0)? == 0 {
        return Some(Vec::new());
    }
    let one = |item: &[u8]| Some(i64::from_be_bytes(item.get(4..)?.try_into().ok()?));
    value.get(20..)?.chunks(12).map(one).collect()
}

fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    let value = bytes.get(at..at.checked_add(2)?)?;
    value.try_into().ok().map(i16::from_be_bytes)
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    let value = bytes.get(at..at.checked_add(4)?)?;
    value.try_into().ok().map(i32::from_be_bytes)
}

fn torn() -> Error {
    Error::internal("the record was not sent whole")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(value: Option<&[u8]>) -> Vec<u8> {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).expect("short"));
        [&length.to_be_bytes()[..], value.unwrap_or_default()].concat()
    }

    fn tuple(tx: Option<i64>, person: Option<&str>, patients: Option<&[i64]>) -> Vec<u8> {
        let patients = patients.map(|all| {
            let head = [1, 0, 20, i32::try_from(all.len()).expect("few"), 1].map(i32::to_be_bytes);
            let items = all.iter().flat_map(|one| field(Some(&one.to_be_bytes())));
            head.into_iter().flatten().chain(items).collect::<Vec<u8>>()
        });
        let mut all = 20_i16.to_be_bytes().to_vec();
        all.extend(field(Some(&7_i64.to_be_bytes())));
        for place in 0..19 {
            let value = match place {
                TX => tx.map(|tx| tx.to_be_bytes().to_vec()),
                AT => Some(86_400_000_000_i64.to_be_bytes().to_vec()),
                PATIENTS => patients.clone(),
                PERSON => person.map(|person| person.as_bytes().to_vec()),
                _ => None,
            };
            all.extend(field(value.as_deref()));
        }
        all
    }

    fn stream(tuples: &[Vec<u8>]) -> Vec<u8> {
        let header = [&HEADER[..], &[0; 8]].concat();
        [header, tuples.concat(), (-1_i16).to_be_bytes().to_vec()].concat()
    }

    #[test]
    fn rows_come_out_of_pieces_of_any_size() {
        let tuples =
            [tuple(Some(9), Some("Practitioner/1"), Some(&[5, -6])), tuple(None, None, None)];
        let whole = stream(&tuples);
        for size in [1, 2, 3, 7, 64, whole.len()] {
            let (mut reader, mut rows) = (Reader::default(), Vec::new());
            for piece in whole.chunks(size) {
                reader.bytes.extend_from_slice(piece);
                while let Some(row) = reader.row().expect("whole") {
                    rows.push(row);
                }
            }
            assert!(reader.ended && reader.bytes.is_empty());
            let [first, second] = rows.as_slice() else { panic!("{rows:?}") };
            assert_eq!((first.audit_id, first.tx, &first.patients[..]), (7, 9, &[5, -6][..]));
            assert_eq!(first.person.as_deref(), Some("Practitioner/1"));
            assert_eq!(first.at.to_rfc3339(), "2000-01-02T00:00:00+00:00");
            assert_eq!(first.month().to_string(), "2000-01-01");
            assert_eq!((second.tx, second.person.is_none()), (0, true));
            assert_ne!(first.leaf, second.leaf);
        }
    }

    #[test]
    fn what_is_torn_or_no_row_is_refused() {
        let mut reader = Reader::default();
        reader.bytes.extend_from_slice(&[0; 19]);
        assert!(reader.row().is_err(), "another header");
        let no_time = [&1_i16.to_be_bytes()[..], &field(Some(&7_i64.to_be_bytes()))].concat();
        let mut reader = Reader::default();
        reader.bytes.extend_from_slice(&stream(&[no_time]));
        assert!(reader.row().is_err());
    }
}
