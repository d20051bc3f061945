//! Resources that could not be indexed anew: they have more values than are indexed, or cannot be read. Each
//! keeps the index that it has, and a key that says so, for searches of its type to tell.

use canonical_model::{ResourceType, Result};
use search::Hasher;
use sqlx::{PgConnection, Row};

use crate::Store;
use crate::error::StoreError;

/// Resources that could not be indexed anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unindexed {
    /// How many there are.
    pub count: i64,
    /// The first of them, as `Type/id`.
    pub first: Vec<String>,
}

/// A head that keeps its index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// The hash of its type and id.
    pub(crate) identity: i64,
    pub(crate) rid: i64,
    pub(crate) version: i32,
    pub(crate) kind: ResourceType,
}

/// Notes that heads keep the index that they have; those that have changed since need no note.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    hasher: &Hasher,
    heads: &[Kept],
) -> Result<()> {
    if heads.is_empty() {
        return Ok(());
    }
    let (rids, versions): (Vec<i64>, Vec<i32>) =
        heads.iter().map(|head| (head.rid, head.version)).unzip();
    let keys: Vec<i64> = heads.iter().map(|head| hasher.unindexed(head.kind)).collect();
    let query = sqlx::query(include_str!("../queries/unindexed.sql"));
    let query = query.bind(rids).bind(versions).bind(keys);
    query.execute(connection).await.map_err(StoreError)?;
    Ok(())
}

impl Store {
    /// The resources that could not be indexed anew, some by their names.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn unindexed(&self, names_max: i64) -> Result<Unindexed> {
        let keys: Vec<i64> =
            ResourceType::all().map(|kind| self.hasher().unindexed(kind)).collect();
        let query = sqlx::query(
            "select count(*) from token_index t join resource r on r.rid = t.rid
             where t.key = any ($1) and r.keys @> array[t.key]",
        );
        let rows = self.sessions.fetch_all(query.bind(&keys)).await?;
        let count = rows.first().map(|row| row.try_get(0).map_err(StoreError)).transpose()?;
        let query = sqlx::query(
            "select r.type, r.id from token_index t join resource r on r.rid = t.rid
             where t.key = any ($1) and r.keys @> array[t.key] order by t.rid limit $2",
        );
        let rows = self.sessions.fetch_all(query.bind(&keys).bind(names_max)).await?;
        let mut first = Vec::with_capacity(rows.len());
        for row in rows {
            let number: i16 = row.try_get("type").map_err(StoreError)?;
            let id: String = row.try_get("id").map_err(StoreError)?;
            first.extend(ResourceType::from_number(number).map(|kind| format!("{kind}/{id}")));
        }
        Ok(Unindexed { count: count.unwrap_or_default(), first })
    }
}
