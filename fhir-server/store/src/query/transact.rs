//! Searches inside a transaction: what they find decides what is written. They hold a connection and locks
//! that others wait for, so their time is bounded together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use access::Access;
use canonical_model::Result;
use search::Query;

use super::filter::Lowering;
use super::{SearchPage, budget, run};
use crate::{Store, Transaction};

/// What the searches of one request may still take inside its transactions: as long as one search outside of
/// them. Clones share it, so that a transaction that is tried again goes on with what is left.
#[derive(Clone, Debug)]
pub struct SearchTime {
    left_us: Arc<AtomicU64>,
}

impl SearchTime {
    pub(crate) fn new(all_ms: u64) -> Self {
        Self { left_us: Arc::new(AtomicU64::new(all_ms.saturating_mul(1_000))) }
    }

    /// In whole milliseconds, at least one.
    ///
    /// # Errors
    /// Unavailable where nothing is left.
    fn left_ms(&self) -> Result<u64> {
        match self.left_us.load(Ordering::Relaxed) {
            0 => Err(budget::over(None)),
            left => Ok(left.div_ceil(1_000)),
        }
    }

    fn spend(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // A request's transactions follow one another.
        let left = self.left_us.load(Ordering::Relaxed);
        self.left_us.store(left.saturating_sub(took), Ordering::Relaxed);
    }
}

impl Store {
    /// Time for the searches of one request's transactions.
    #[must_use]
    pub fn search_time(&self) -> SearchTime {
        SearchTime::new(self.searching.statement_ms())
    }
}

impl Transaction {
    /// The first matches as this transaction sees them.
    ///
    /// # Errors
    /// Unavailable, also beyond the time of all searches in it, or Internal.
    pub async fn search(&mut self, access: &Access, query: &Query) -> Result<SearchPage> {
        let begun = self.begin_search().await?;
        let (sealer, hasher) = (self.sealer().clone(), self.hasher().clone());
        let lowering = Lowering::inside(access, &hasher);
        let queries = std::slice::from_ref(query);
        let outcome = run(self.connection(), &sealer, lowering, queries, None).await;
        self.end_search(begun);
        outcome.map(|(page, _)| page).map_err(budget::told)
    }

    /// Bounds the searches that follow by what is left.
    pub(super) async fn begin_search(&mut self) -> Result<Instant> {
        let left_ms = self.search_time().left_ms()?;
        let begun = Instant::now();
        self.limit(left_ms).await?;
        Ok(begun)
    }

    /// Takes what a search took from what is left.
    pub(super) fn end_search(&self, begun: Instant) {
        self.search_time().spend(begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_is_left() {
        let time = SearchTime::new(10);
        assert_eq!(time.left_ms().ok(), Some(10));
        time.clone().spend(Duration::from_micros(9_500));
        assert_eq!(time.left_ms().ok(), Some(1));
        time.clone().spend(Duration::from_secs(9));
        let over = time.left_ms().expect_err("nothing is left");
        assert_eq!(over.kind, canonical_model::Kind::Unavailable);
    }
}
