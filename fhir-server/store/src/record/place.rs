//! How far the record is sealed, and how far it can be now.

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::chain::{Digest, GENESIS};
use crate::error::StoreError;

/// Where sealing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The last seal; 0 before the first.
    pub(crate) seal: i64,
    pub(crate) era: i32,
    /// The last sealed transaction; 0 before the first.
    pub(crate) tx: i64,
    /// The highest number in the last seal.
    pub(crate) id: i64,
    pub(crate) head: Digest,
    /// Every transaction below it has ended: what it wrote is seen, and no more comes.
    pub(crate) open: i64,
    /// Rows of this era have higher numbers.
    pub(crate) floor: i64,
    /// The highest number that is sealed, where transactions count lower now than in the last seal: the
    /// database was restored into another cluster, and what is written from now on is another era.
    pub(crate) ended: Option<i64>,
    /// By the database's clock.
    pub(crate) at: DateTime<Utc>,
}

impl Place {
    /// Reads it. Whoever is to seal from there holds the turn already.
    pub(crate) async fn read(connection: &mut PgConnection) -> Result<Self> {
        let query = sqlx::query(include_str!("../../queries/audit_place.sql"));
        Self::of(&query.fetch_one(connection).await.map_err(StoreError)?)
    }

    fn of(row: &PgRow) -> Result<Self> {
        let head: Option<Vec<u8>> = row.try_get("head").map_err(StoreError)?;
        let head = match head {
            Some(head) => {
                Digest::try_from(head).map_err(|_| Error::internal("a head of 32 bytes"))?
            }
            None => GENESIS,
        };
        let number = |name: &str| -> Result<i64> {
            let number: Option<i64> = row.try_get(name).map_err(StoreError)?;
            Ok(number.unwrap_or(0))
        };
        let era: Option<i32> = row.try_get("era").map_err(StoreError)?;
        Ok(Self {
            seal: number("seal")?,
            era: era.unwrap_or(0),
            tx: number("tx_hi")?,
            id: number("id_hi")?,
            head,
            open: number("open")?,
            floor: number("floor")?,
            ended: row.try_get("top").map_err(StoreError)?,
            at: row.try_get("at").map_err(StoreError)?,
        })
    }
}
