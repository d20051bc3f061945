//! Code systems that were imported: kept in parts, read whole. See `migrations/0017_code_system.sql`.

use canonical_model::{Error, Kind, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::Store;
use crate::error::{NO_TABLE, StoreError, has_code};

/// A version of a code system that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedSystem {
    /// Its number: another import has another.
    pub number: i64,
    /// The code system's URL.
    pub url: String,
    /// Its version; empty where the distribution names none.
    pub version: String,
    /// How many concepts it has.
    pub concepts: i32,
    /// Bytes that it takes.
    pub size: i64,
    /// When it was imported.
    pub made_at: DateTime<Utc>,
}

impl Store {
    /// A code system by its URL and version; the one that was imported last, where no version is named.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn imported(
        &self,
        url: &str,
        version: Option<&str>,
    ) -> Result<Option<ImportedSystem>> {
        let query = "select code_system, url, version, concepts, size, made_at from code_system
            where url = $1 and ($2::text is null or version = $2) order by code_system desc limit 1";
        let row = self.sessions.fetch_optional(sqlx::query(query).bind(url).bind(version)).await;
        match row {
            // The schema before has none.
            Err(error) if has_code(&error, NO_TABLE) => Ok(None),
            row => row?.as_ref().map(imported).transpose(),
        }
    }

    /// All that are imported, by their URLs and versions.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn all_imported(&self) -> Result<Vec<ImportedSystem>> {
        let query = "select code_system, url, version, concepts, size, made_at from code_system
            order by url, version, code_system";
        match self.sessions.fetch_all(sqlx::query(query)).await {
            Err(error) if has_code(&error, NO_TABLE) => Ok(Vec::new()),
            rows => rows?.iter().map(imported).collect(),
        }
    }

    /// The content of one.
    ///
    /// # Errors
    /// NotFound where another import has taken its place; Unavailable or Internal.
    pub async fn imported_content(&self, system: &ImportedSystem) -> Result<Vec<u8>> {
        let size = usize::try_from(system.size).map_err(Error::internal)?;
        let (mut content, mut seq) = (Vec::with_capacity(size), 0_i32);
        while content.len() < size {
            let query = "select bytes from code_system_part where code_system = $1 and seq = $2";
            let query = sqlx::query(query).bind(system.number).bind(seq);
            let row = self.sessions.fetch_optional(query).await?;
            let row = row.ok_or_else(|| {
                let text = "The code system is being imported anew. Try again.";
                Error::new(Kind::Unavailable, text)
            })?;
            let bytes: &[u8] = row.try_get("bytes").map_err(StoreError)?;
            content.extend_from_slice(bytes);
            seq += 1;
        }
        Ok(content)
    }
}

pub(crate) fn imported(row: &PgRow) -> Result<ImportedSystem> {
    let read = || {
        Ok(ImportedSystem {
            number: row.try_get("code_system")?,
            url: row.try_get("url")?,
            version: row.try_get("version")?,
            concepts: row.try_get("concepts")?,
            size: row.try_get("size")?,
            made_at: row.try_get("made_at")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
