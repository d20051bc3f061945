//! The SearchParameter resources that may ask to be used, read some at a time: there may be any number of
//! others, and any size of these.

use bytes::Bytes;
use canonical_model::{Error, Kind, ResourceType, Result};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::Store;
use crate::error::StoreError;
use crate::limits::{DEFINITION_BYTES_MAX, DEFINITIONS_MAX};
use crate::rows::stored_named;

/// Which there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    /// Numbers of those that may be read, the older first: [`DEFINITIONS_MAX`] at most.
    pub numbers: Vec<i64>,
    /// How many there are beyond.
    pub beyond: usize,
}

/// One of them.
#[derive(Debug)]
pub struct Definition {
    /// The id of the resource.
    pub id: String,
    /// Its text, or why it cannot be read.
    pub text: Result<Bytes>,
}

impl Store {
    /// The living SearchParameter resources that are active, but for those under these URLs.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn definitions(&self, published: &[&str]) -> Result<Definitions> {
        let query = sqlx::query(include_str!("../queries/definitions.sql"))
            .bind(ResourceType::SEARCH_PARAMETER.number())
            .bind(published)
            .bind(i32::try_from(DEFINITIONS_MAX).unwrap_or(i32::MAX));
        let rows = self.sessions.fetch_all(query).await?;
        let row = rows.first().ok_or_else(|| Error::internal("a count without a row"))?;
        let numbers: Vec<i64> = row.try_get("numbers").map_err(StoreError)?;
        let all: i64 = row.try_get("all").map_err(StoreError)?;
        let beyond = usize::try_from(all).unwrap_or_default().saturating_sub(numbers.len());
        Ok(Definitions { numbers, beyond })
    }

    /// Those of these numbers that are there, the older first. One that cannot be read is no fault of the
    /// others.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn read_definitions(&self, numbers: &[i64]) -> Result<Vec<Definition>> {
        let query = sqlx::query(include_str!("../queries/definitions_read.sql"))
            .bind(numbers)
            .bind(i32::try_from(DEFINITION_BYTES_MAX).unwrap_or(i32::MAX));
        let rows = self.sessions.fetch_all(query).await?;
        rows.iter().map(|row| self.definition(row)).collect()
    }

    fn definition(&self, row: &PgRow) -> Result<Definition> {
        let id = row.try_get("id").map_err(StoreError)?;
        let read = stored_named(row, &self.sealer).and_then(|stored| {
            stored.text.ok_or_else(|| {
                Error::new(Kind::TooLarge, "It is larger than a definition in use may be.")
            })
        });
        Ok(Definition { id, text: read })
    }
}
