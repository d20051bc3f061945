//! What every write stands on: the database's hash, the numbers of new resources, and the reserve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use canonical_model::Result;
use search::Hasher;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::{away, busy};
use crate::limits::ACQUIRE_MS_MAX;
use crate::numbers::Numbers;
use crate::reserve::Reserve;

/// Shared by all writers of a store. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) hasher: Hasher,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) reserve: Arc<Reserve>,
    /// Places for transactions of many changes.
    pub(crate) turns: Arc<Semaphore>,
    /// Whether the schema has all columns of the record; the one before has not.
    pub(crate) record: Arc<AtomicBool>,
    /// Whether reads are left unrecorded, as only a benchmark does.
    pub(crate) unrecorded: Arc<AtomicBool>,
    /// Names what this server seals.
    pub(crate) seals: i64,
}

impl Ground {
    pub(crate) fn has_record(&self) -> bool {
        self.record.load(Ordering::Relaxed)
    }

    pub(crate) fn keeps_record(&self) -> bool {
        !self.unrecorded.load(Ordering::Relaxed)
    }

    /// A place for a transaction of many changes. More of them at once than there are cores only
    /// wait for each other inside the database, where waiting costs more.
    ///
    /// # Errors
    /// Unavailable where none is free in [`ACQUIRE_MS_MAX`].
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = timeout(Duration::from_millis(ACQUIRE_MS_MAX), turn).await;
        turn.map_err(|_| busy())?.map_err(|_| away())
    }
}
