//! Reads of one resource, by the hash of its identity.

use access::Access;
use canonical_model::{ResourceId, ResourceType, Result};

use crate::error::StoreError;
pub use crate::rows::Stored;
use crate::rows::{Reach, stored};
use crate::{Store, Transaction};

impl Store {
    /// The current version, or `None` where there is none within the access.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn read(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Stored>> {
        let Some(owners) = Reach::of(access, kind, &self.hasher).owners() else { return Ok(None) };
        if owners.is_none() {
            return self.reads.read(kind, id, self.hasher.identity(kind, id.as_str())).await;
        }
        let row = sqlx::query(include_str!("../queries/read.sql"))
            .bind(self.hasher.identity(kind, id.as_str()))
            .bind(id.as_str())
            .bind(owners)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError)?;
        row.map(|row| stored(&row, &self.sealer, kind, id.as_str().to_owned())).transpose()
    }

    /// One version, current or not.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn vread(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
        version: i32,
    ) -> Result<Option<Stored>> {
        let Some(owners) = Reach::of(access, kind, &self.hasher).owners() else { return Ok(None) };
        let row = sqlx::query(include_str!("../queries/vread.sql"))
            .bind(self.hasher.identity(kind, id.as_str()))
            .bind(id.as_str())
            .bind(version)
            .bind(owners)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError)?;
        row.map(|row| stored(&row, &self.sealer, kind, id.as_str().to_owned())).transpose()
    }
}

impl Transaction {
    /// The current version as this transaction sees it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn read(
        &mut self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Stored>> {
        let (hasher, sealer) = (self.hasher().clone(), self.sealer().clone());
        let Some(owners) = Reach::of(access, kind, &hasher).owners() else { return Ok(None) };
        let row = sqlx::query(include_str!("../queries/read.sql"))
            .bind(hasher.identity(kind, id.as_str()))
            .bind(id.as_str())
            .bind(owners)
            .fetch_optional(self.connection()?)
            .await
            .map_err(StoreError)?;
        row.map(|row| stored(&row, &sealer, kind, id.as_str().to_owned())).transpose()
    }
}
