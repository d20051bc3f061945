//! Patients by their identities, which is how the record names them: a head keeps its id for ever.

use std::collections::HashMap;

use canonical_model::{ResourceType, Result};
use sqlx::Row;

use crate::Store;
use crate::error::StoreError;

impl Store {
    /// The ids of these patients, as far as there ever was one.
    ///
    /// # Errors
    /// Unavailable.
    pub async fn patient_ids(&self, identities: &[i64]) -> Result<HashMap<i64, String>> {
        if identities.is_empty() {
            return Ok(HashMap::new());
        }
        let query =
            sqlx::query("select id_hash, id from resource where id_hash = any ($1) and type = $2")
                .bind(identities)
                .bind(ResourceType::PATIENT.number());
        let rows = self.sessions.fetch_all(query).await?;
        let one = |row: &sqlx::postgres::PgRow| -> sqlx::Result<(i64, String)> {
            Ok((row.try_get("id_hash")?, row.try_get("id")?))
        };
        let ids: sqlx::Result<HashMap<_, _>> = rows.iter().map(one).collect();
        Ok(ids.map_err(StoreError)?)
    }
}
