//! Rows on their way out.

use bytes::Bytes;
use canonical_model::{Blob, Error, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::change::Method;
use crate::error::StoreError;
use crate::sealer::{Binding, Sealer};
use crate::wire;

/// One version as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The type.
    pub kind: ResourceType,
    /// The id.
    pub id: String,
    /// The version, from 1.
    pub version: i32,
    /// When it was committed.
    pub last_updated: DateTime<Utc>,
    /// How it came to be.
    pub method: Method,
    /// The JSON text; `None` for a deleted version.
    pub text: Option<Bytes>,
    /// Content that belongs to the text and is not in it: a Binary's `data`.
    pub blob: Option<Blob>,
    /// The identities of the patients in whose compartment it is, for the record of the access; none where that
    /// is written with it.
    pub patients: Vec<i64>,
}

/// Reads `version, last_updated, method, wire` of a row.
pub(crate) fn stored(
    row: &PgRow,
    sealer: &Sealer,
    kind: ResourceType,
    id: String,
) -> Result<Stored> {
    let wire: Option<Vec<u8>> = row.try_get("wire").map_err(StoreError)?;
    let version = row.try_get("version").map_err(StoreError)?;
    let (text, blob) = match wire.map(wire::decode).transpose()? {
        Some((text, blob)) => (Some(sealer.open(Binding { kind, id: &id, version }, text)?), blob),
        None => (None, None),
    };
    Ok(Stored {
        kind,
        id,
        version,
        last_updated: row.try_get("last_updated").map_err(StoreError)?,
        method: Method::from_number(row.try_get("method").map_err(StoreError)?),
        text,
        blob,
        patients: Vec::new(),
    })
}

/// Reads a row that also has its `patients`: one whose access is recorded afterwards.
pub(crate) fn stored_for(
    row: &PgRow,
    sealer: &Sealer,
    kind: ResourceType,
    id: String,
) -> Result<Stored> {
    let patients = row.try_get("patients").map_err(StoreError)?;
    Ok(Stored { patients, ..stored(row, sealer, kind, id)? })
}

/// Reads a row that also has its `patients`, and names its type and id.
pub(crate) fn stored_named_for(row: &PgRow, sealer: &Sealer) -> Result<Stored> {
    let patients = row.try_get("patients").map_err(StoreError)?;
    Ok(Stored { patients, ..stored_named(row, sealer)? })
}

/// Reads a row that also names its type and id.
pub(crate) fn stored_named(row: &PgRow, sealer: &Sealer) -> Result<Stored> {
    let number: i16 = row.try_get("type").map_err(StoreError)?;
    let kind = ResourceType::from_number(number)
        .ok_or_else(|| Error::internal("a stored resource has an unknown type"))?;
    stored(row, sealer, kind, row.try_get("id").map_err(StoreError)?)
}
