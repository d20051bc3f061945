//! Room in memory for large bodies, shared by all requests: whoever finds none waits a while, then is
//! told to come back. A request takes its room once, so that no two wait for each other.

use std::sync::Arc;
use std::time::Duration;

use canonical_model::{Error, Kind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{
    CONTENT_BYTES_MAX, PACE_GRACE_S, ROOM_BYTES, ROOM_FREE_BYTES, ROOM_WAIT_S_MAX, UPLOADS_MAX,
};

/// What large requests may take.
#[derive(Clone, Copy, Debug)]
pub struct Bodies {
    /// Bytes of a Binary's own content.
    pub content_bytes_max: u64,
    /// How long a large request waits for room.
    pub wait: Duration,
    /// How far a client that sends a body may be behind the least pace.
    pub grace: Duration,
}

impl Default for Bodies {
    fn default() -> Self {
        let wait = Duration::from_secs(ROOM_WAIT_S_MAX);
        let grace = Duration::from_secs(PACE_GRACE_S);
        Self { content_bytes_max: CONTENT_BYTES_MAX, wait, grace }
    }
}

/// The room there is. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    pub(crate) bodies: Bodies,
    /// Bytes.
    memory: Arc<Semaphore>,
    /// Places for content that is written as it comes.
    uploads: Arc<Semaphore>,
}

/// Room that is taken; it is given back when it is dropped.
pub(crate) type Room = OwnedSemaphorePermit;

impl Rooms {
    pub(crate) fn new(bodies: Bodies) -> Self {
        let memory = Arc::new(Semaphore::new(ROOM_BYTES));
        Self { bodies, memory, uploads: Arc::new(Semaphore::new(UPLOADS_MAX)) }
    }

    /// Room for a body of so many bytes; small ones need none.
    ///
    /// # Errors
    /// Unavailable where none is free in time.
    pub(crate) async fn take(&self, bytes: usize) -> Result<Option<Room>> {
        if bytes <= ROOM_FREE_BYTES {
            return Ok(None);
        }
        let bytes = u32::try_from(bytes.min(ROOM_BYTES)).map_err(Error::internal)?;
        let room = Arc::clone(&self.memory).acquire_many_owned(bytes);
        let room = timeout(self.bodies.wait, room).await.map_err(|_| crowded())?;
        room.map(Some).map_err(Error::internal)
    }

    /// A place for content that is written as it comes.
    ///
    /// # Errors
    /// As [`Rooms::take`].
    pub(crate) async fn upload(&self) -> Result<Room> {
        let place = Arc::clone(&self.uploads).acquire_owned();
        let place = timeout(self.bodies.wait, place).await.map_err(|_| crowded())?;
        place.map_err(Error::internal)
    }
}

/// Gives back what a body did not need after all.
pub(crate) fn shrink(room: Option<Room>, bytes: usize) -> Option<Room> {
    let mut room = room.filter(|_| bytes > ROOM_FREE_BYTES)?;
    drop(room.split(room.num_permits().saturating_sub(bytes)));
    Some(room)
}

fn crowded() -> Error {
    let text = "Many large requests are worked on already. Try again shortly.";
    Error::new(Kind::Unavailable, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_shared_and_given_back() {
        let rooms = Rooms::new(Bodies { wait: Duration::ZERO, ..Bodies::default() });
        assert!(rooms.take(ROOM_FREE_BYTES).await.unwrap().is_none());
        let whole = rooms.take(ROOM_BYTES).await.unwrap();
        let refused = rooms.take(ROOM_FREE_BYTES + 1).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Unavailable);
        let half = shrink(whole, ROOM_BYTES / 2);
        let other = rooms.take(ROOM_BYTES / 2).await.unwrap();
        assert_eq!(rooms.memory.available_permits(), 0);
        assert!(shrink(half, ROOM_FREE_BYTES).is_none());
        drop(other);
        assert_eq!(rooms.memory.available_permits(), ROOM_BYTES);
    }
}
