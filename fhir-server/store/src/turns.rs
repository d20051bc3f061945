//! Turns to search: half of the sessions, so that who searches for long keeps nobody from reading and writing; and of
//! those a part for each caller, so that nobody keeps all others from searching.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canonical_model::Result;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::error::{away, busy};
use crate::limits::ACQUIRE_MS_MAX;

#[derive(Debug)]
pub(crate) struct Turns {
    all: Semaphore,
    /// How many one caller may have.
    each: usize,
    /// Of those who have one, or wait for it.
    own: Mutex<HashMap<u64, Arc<Semaphore>>>,
}

/// A turn. It ends when it is dropped; what it holds is given back in this order.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    _place: SemaphorePermit<'t>,
    _own: OwnedSemaphorePermit,
    _share: Share<'t>,
}

/// One caller's part, forgotten with the last who uses it.
#[derive(Debug)]
struct Share<'t> {
    turns: &'t Turns,
    whose: u64,
    places: Arc<Semaphore>,
}

impl Turns {
    /// For a store with so many sessions.
    pub(crate) fn of(sessions: u32) -> Self {
        let all = usize::try_from(sessions / 2).unwrap_or(1).max(1);
        let each = all - all / 4;
        Self { all: Semaphore::new(all), each, own: Mutex::default() }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// Unavailable where there is none in [`ACQUIRE_MS_MAX`].
    pub(crate) async fn take(&self, whose: u64) -> Result<Turn<'_>> {
        let share = self.share(whose);
        let turn = async {
            let own = Arc::clone(&share.places).acquire_owned().await;
            Ok::<_, tokio::sync::AcquireError>((own?, self.all.acquire().await?))
        };
        let turn = timeout(Duration::from_millis(ACQUIRE_MS_MAX), turn).await;
        let (own, place) = turn.map_err(|_| busy())?.map_err(|_| away())?;
        Ok(Turn { _place: place, _own: own, _share: share })
    }

    fn share(&self, whose: u64) -> Share<'_> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let places = own.entry(whose).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
        Share { turns: self, whose, places: Arc::clone(places) }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut own = self.turns.own.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one.
        if Arc::strong_count(&self.places) == 2 {
            own.remove(&self.whose);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn nobody_has_all_turns() {
        let turns = Turns::of(16);
        let mut first = Vec::new();
        for _ in 0..6 {
            first.push(turns.take(1).await.unwrap());
        }
        assert!(turns.take(1).now_or_never().is_none(), "a seventh");
        let second = turns.take(2).now_or_never().unwrap().unwrap();
        let third = turns.take(3).now_or_never().unwrap().unwrap();
        assert!(turns.take(4).now_or_never().is_none(), "a ninth of all");
        drop(second);
        assert!(turns.take(1).now_or_never().is_none());
        assert!(turns.take(4).now_or_never().is_some());
        drop((first.pop(), third));
        assert!(turns.take(1).now_or_never().is_some());
        assert_eq!(turns.own.lock().unwrap().len(), 1, "who waited no longer is forgotten");
        drop(first);
        assert!(turns.own.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_smallest_store_has_a_turn() {
        for sessions in 1..8 {
            let turns = Turns::of(sessions);
            assert!(turns.take(1).now_or_never().is_some(), "{sessions}");
        }
    }
}
