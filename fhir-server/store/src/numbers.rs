//! Numbers of new resources, taken from the database a block at a time. What a server took and did not
//! use when it ended is never used: numbers are only names, and their order only that of a page walk.

use std::ops::Range;

use canonical_model::Result;
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::error::StoreError;

/// Where new numbers come from.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// How many come with one call of the sequence.
    block: i64,
    left: Mutex<Range<i64>>,
}

impl Numbers {
    pub(crate) fn new(block: i64) -> Self {
        Self { block: block.max(1), left: Mutex::new(0..0) }
    }

    /// This many numbers, rising.
    pub(crate) async fn take(
        &self,
        connection: &mut PgConnection,
        count: usize,
    ) -> Result<Vec<i64>> {
        let mut left = self.left.lock().await;
        let mut taken: Vec<i64> = left.by_ref().take(count).collect();
        let missing = i64::try_from(count - taken.len()).unwrap_or(i64::MAX);
        let blocks = missing.saturating_add(self.block - 1) / self.block;
        if blocks > 0 {
            let firsts: Vec<i64> =
                sqlx::query_scalar("select nextval('resource_rid') from generate_series(1, $1)")
                    .bind(blocks)
                    .fetch_all(connection)
                    .await
                    .map_err(StoreError)?;
            for first in firsts {
                *left = first..first.saturating_add(self.block);
                taken.extend(left.by_ref().take(count - taken.len()));
            }
        }
        Ok(taken)
    }
}
