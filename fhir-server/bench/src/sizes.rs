//! What a database takes on disk, by the role of its tables.

use crate::ours::{INDEX_TABLE_SUFFIX, JOURNAL_TABLES, RESOURCE_TABLES};
use anyhow::{Result, ensure};
use serde::Serialize;
use sqlx::{PgConnection, Row as _};

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Sizes {
    /// Resources and versions: heap and TOAST, forward arrays included.
    pub(crate) resource_bytes: u64,
    /// Their indexes, keys included.
    pub(crate) resource_index_bytes: u64,
    /// Index tables with their indexes.
    pub(crate) index_table_bytes: u64,
    /// Audit and outbox with their indexes.
    pub(crate) journal_bytes: u64,
}

impl Sizes {
    /// Index tables and indexes over the resources.
    pub(crate) fn index_share(&self) -> f64 {
        let indexes = (self.resource_index_bytes + self.index_table_bytes) as f64;
        indexes / (self.resource_bytes.max(1) as f64)
    }
}

/// Heap (with TOAST) and index bytes of each table, partitions added to their topmost parent.
const TABLES: &str = "
    with recursive tree as (
        select c.oid, c.oid as leaf, c.relname::text as root
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and not exists (select from pg_inherits i where i.inhrelid = c.oid)
        union all
        select tree.oid, i.inhrelid, tree.root
        from tree join pg_inherits i on i.inhparent = tree.leaf)
    select root, sum(pg_table_size(leaf))::bigint, sum(pg_indexes_size(leaf))::bigint
    from tree group by root";

/// Every table of a database of ours, partitions with their parents: name, bytes of rows, bytes of indexes.
/// The largest first.
pub(crate) async fn tables(connection: &mut PgConnection) -> Result<Vec<(String, u64, u64)>> {
    let mut tables = Vec::new();
    for row in sqlx::query(TABLES).fetch_all(connection).await? {
        let (heap, indexes): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        tables.push((row.try_get(0)?, u64::try_from(heap)?, u64::try_from(indexes)?));
    }
    tables.sort_by_key(|(_, heap, indexes)| std::cmp::Reverse(heap + indexes));
    Ok(tables)
}

/// Adds up the tables of a database of ours.
pub(crate) async fn measure(connection: &mut PgConnection) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    for (name, heap, indexes) in tables(connection).await? {
        if RESOURCE_TABLES.contains(&name.as_str()) {
            sizes.resource_bytes += heap;
            sizes.resource_index_bytes += indexes;
        } else if name.ends_with(INDEX_TABLE_SUFFIX) {
            sizes.index_table_bytes += heap + indexes;
        } else if JOURNAL_TABLES.contains(&name.as_str()) {
            sizes.journal_bytes += heap + indexes;
        }
    }
    ensure!(sizes.resource_bytes > 0, "none of the tables {RESOURCE_TABLES:?} is there");
    Ok(sizes)
}
