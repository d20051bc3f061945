//! What a write must know of the versions it replaces.

use access::Access;
use canonical_model::{ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::{PgArguments, PgRow};

use crate::change::Method;
use crate::error::StoreError;
use crate::query::{Sql, bind, prepared, written_within};
use crate::reach::Reach;
use crate::{Store, Transaction};

/// A current version, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The hash of its type and id.
    pub identity: i64,
    /// The version, from 1.
    pub version: i32,
    /// Digest of the content.
    pub digest: i64,
    /// When it was committed.
    pub last_updated: DateTime<Utc>,
    /// How it came to be; `Delete` for a tombstone.
    pub method: Method,
    /// Whether the access reaches it, to read it.
    pub seen: bool,
    /// Whether it may be replaced: the access reaches all of its patients.
    pub visible: bool,
}

impl Store {
    /// A resource's head, deleted or not. One that the access does not reach is returned as not
    /// visible: its id is taken, and nothing else may be said of it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn head(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Head>> {
        let reach = Reach::of(access, kind, self.hasher());
        let mut sql = heads(&reach, &[self.hasher().identity(kind, id.as_str())])?;
        let row = self.sessions.fetch_optional(prepared(&mut sql)).await?;
        row.as_ref().map(head).transpose()
    }
}

impl Transaction {
    /// The heads of several identities, as [`Store::head`].
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn heads(
        &mut self,
        access: &Access,
        kind: ResourceType,
        identities: &[i64],
    ) -> Result<Vec<Head>> {
        let reach = Reach::of(access, kind, self.hasher());
        let mut sql = heads(&reach, identities)?;
        let rows = prepared(&mut sql).fetch_all(self.connection()).await.map_err(StoreError)?;
        rows.iter().map(head).collect()
    }
}

/// What reads the heads of these identities, and whether each is within reach.
fn heads(reach: &Reach, identities: &[i64]) -> Result<Sql> {
    let mut arguments = PgArguments::default();
    bind(&mut arguments, identities)?;
    bind(&mut arguments, reach.owners().unwrap_or(Some(Vec::new())))?;
    written_within(include_str!("../queries/heads.sql"), arguments, reach)
}

fn head(row: &PgRow) -> Result<Head> {
    Ok(Head {
        identity: row.try_get("id_hash").map_err(StoreError)?,
        version: row.try_get("version").map_err(StoreError)?,
        digest: row.try_get("digest").map_err(StoreError)?,
        last_updated: row.try_get("last_updated").map_err(StoreError)?,
        method: Method::from_number(row.try_get("method").map_err(StoreError)?),
        seen: row.try_get("seen").map_err(StoreError)?,
        visible: row.try_get("visible").map_err(StoreError)?,
    })
}
