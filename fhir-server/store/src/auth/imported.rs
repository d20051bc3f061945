//! Code systems that the operator imports: each change with its row in the record. See
//! `migrations/0017_code_system.sql`.

use canonical_model::{Error, Result};
use sqlx::Row;

use super::{AuthStore, AuthTransaction};
use crate::code_system::{ImportedSystem, imported};
use crate::error::StoreError;
use crate::limits::CODE_SYSTEM_PART_BYTES;

impl AuthStore {
    /// All that were imported.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn imported(&self) -> Result<Vec<ImportedSystem>> {
        let query = "select code_system, url, version, concepts, size, made_at from code_system
            order by url, version";
        let rows = self.sessions.fetch_all(sqlx::query(query)).await?;
        rows.iter().map(imported).collect()
    }
}

impl AuthTransaction {
    /// Keeps a version of a code system, in place of the same that is there.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn import(
        &self,
        url: &str,
        version: &str,
        concepts: usize,
        content: &[u8],
    ) -> Result<()> {
        self.remove_imported(url, version).await?;
        let query = "insert into code_system (url, version, concepts, size) values ($1, $2, $3, $4)
            returning code_system";
        let query = sqlx::query(query)
            .bind(url)
            .bind(version)
            .bind(i32::try_from(concepts).map_err(Error::internal)?)
            .bind(i64::try_from(content.len()).map_err(Error::internal)?);
        let row = self.sessions.fetch_optional(query).await?;
        let row = row.ok_or_else(|| Error::internal("an insert without a row"))?;
        let number: i64 = row.try_get("code_system").map_err(StoreError)?;
        for (part, seq) in content.chunks(CODE_SYSTEM_PART_BYTES).zip(0_i32..) {
            let query =
                "insert into code_system_part (code_system, seq, bytes) values ($1, $2, $3)";
            let query = sqlx::query(query).bind(number).bind(seq).bind(part);
            self.sessions.execute(query).await?;
        }
        Ok(())
    }

    /// Removes a version of a code system; whether it was there.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn remove_imported(&self, url: &str, version: &str) -> Result<bool> {
        let query = sqlx::query("delete from code_system where url = $1 and version = $2");
        Ok(self.sessions.execute(query.bind(url).bind(version)).await? > 0)
    }
}
