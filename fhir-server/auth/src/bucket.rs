//! Token buckets: so many requests a second, and so many at once; of each key by itself, in this process.
//!
//! A bucket is one number, the moment at which it would be full again, and a look is one lock of a
//! sixty-fourth of the table, held for a few instructions. Whoever has not come for as long as a bucket
//! takes to fill is forgotten, and starts full, which is the same. So memory is bounded, and where the
//! table is full of buckets in use, one of them starts anew: an attacker with that many keys is given a
//! little, and nobody is refused for his sake.
//! <https://www.rfc-editor.org/rfc/rfc2475> has buckets; this is the virtual scheduling of ITU-T I.371.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};

use telemetry::Ticks;

use crate::limits::{BUCKETS_MAX, DEBT_S_MAX};

const SHARDS: usize = 64;
const NANOS_PER_S: u64 = 1_000_000_000;

/// How much comes into a bucket, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second; 0 sets no limit.
    pub per_s: u32,
    /// Requests at once, 1 at least: what a full bucket holds.
    pub burst: u32,
}

/// The bucket is empty. The whole seconds until there is something in it again, 1 at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; {wait_s} s until the next")]
pub struct Empty {
    /// Seconds.
    pub wait_s: u64,
}

/// Buckets by key.
pub struct Buckets {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    ticks: Ticks,
}

#[derive(Default)]
struct Shard {
    /// When each bucket is full again, in nanoseconds of [`Ticks`].
    full_at: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    /// When those that were full were forgotten last.
    swept_at: u64,
}

impl Buckets {
    /// No buckets yet.
    #[must_use]
    pub fn new(ticks: Ticks) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), shards, ticks }
    }

    /// Takes one out of the bucket of a key.
    ///
    /// # Errors
    /// It is empty; nothing was taken.
    pub fn take(&self, rate: Rate, key: impl Hash) -> Result<(), Empty> {
        let Some((each, room)) = shape(rate) else { return Ok(()) };
        let now = self.ticks.nanos();
        self.with(key, now, |full_at| {
            // With one less it would be full at the moment itself: then there is one in it.
            let next = (*full_at).max(now).saturating_add(each);
            let late = next.saturating_sub(now.saturating_add(room));
            if late > 0 {
                return Err(Empty { wait_s: late.div_ceil(NANOS_PER_S).max(1) });
            }
            *full_at = next;
            Ok(())
        })
    }

    /// Takes many at once, as a bundle does whose request was let in: the bucket may owe some, up to a minute's.
    pub fn charge(&self, rate: Rate, key: impl Hash, many: u32) {
        let Some((each, room)) = shape(rate) else { return };
        let now = self.ticks.nanos();
        self.with(key, now, |full_at| {
            let next = (*full_at).max(now).saturating_add(each.saturating_mul(many.into()));
            *full_at = next.min(now.saturating_add(room).saturating_add(DEBT_S_MAX * NANOS_PER_S));
        });
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        let of = |shard: &Mutex<Shard>| lock(shard).full_at.len();
        self.shards.iter().map(of).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<T>(&self, key: impl Hash, now: u64, change: impl FnOnce(&mut u64) -> T) -> T {
        let key = self.hasher.hash_one(key);
        // The table takes its own bits of the hash from both ends; these are between.
        let at = usize::try_from((key >> 32) % (SHARDS as u64)).unwrap_or_default();
        let Some(shard) = self.shards.get(at) else { return change(&mut 0) };
        let mut shard = lock(shard);
        if !shard.full_at.contains_key(&key) {
            shard.make_room(now);
        }
        change(shard.full_at.entry(key).or_insert(now))
    }
}

impl Shard {
    fn make_room(&mut self, now: u64) {
        const MAX: usize = BUCKETS_MAX / SHARDS;
        if self.full_at.len() < MAX {
            return;
        }
        // Looking through all of them for each stranger would be what slows us down.
        if now.saturating_sub(self.swept_at) >= NANOS_PER_S {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.swept_at = now;
        }
        if self.full_at.len() >= MAX
            && let Some(any) = self.full_at.keys().next().copied()
        {
            self.full_at.remove(&any);
        }
    }
}

/// What one takes and what there is room for beside it, in nanoseconds; `None` where nothing is limited.
fn shape(rate: Rate) -> Option<(u64, u64)> {
    let each = NANOS_PER_S.checked_div(rate.per_s.into())?.max(1);
    Some((each, each.saturating_mul(rate.burst.max(1).into())))
}

fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    // A panic in between left a number, which is as good as another.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A key is hashed already, with a secret of the process.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn buckets() -> (Buckets, Ticks) {
        let ticks = Ticks::manual();
        (Buckets::new(ticks.clone()), ticks)
    }

    fn taken(buckets: &Buckets, rate: Rate, key: &str) -> usize {
        (0..1_000).take_while(|_| buckets.take(rate, key).is_ok()).count()
    }

    #[test]
    fn a_bucket_empties_at_once_and_fills_with_time() {
        for (per_s, burst, after_ms, expected) in [
            (10, 20, 0, 0),
            (10, 20, 99, 0),
            (10, 20, 100, 1),
            (10, 20, 1_000, 10),
            (10, 20, 1_999, 19),
            (10, 20, 3_600_000, 20),
            (1, 1, 999, 0),
            (1, 1, 1_000, 1),
            (1, 0, 3_000, 1),
            (3, 2, 1_000, 2),
        ] {
            let (buckets, ticks) = buckets();
            let rate = Rate { per_s, burst };
            assert_eq!(taken(&buckets, rate, "a"), burst.max(1) as usize, "{rate:?}");
            assert_eq!(buckets.take(rate, "a"), Err(Empty { wait_s: 1 }), "{rate:?}");
            ticks.advance(Duration::from_millis(after_ms));
            assert_eq!(taken(&buckets, rate, "a"), expected, "{rate:?} after {after_ms} ms");
            assert_eq!(taken(&buckets, rate, "b"), burst.max(1) as usize, "a key of its own");
        }
    }

    #[test]
    fn without_a_rate_nothing_is_limited_or_remembered() {
        let (buckets, _) = buckets();
        let rate = Rate { per_s: 0, burst: 1 };
        assert_eq!(taken(&buckets, rate, "a"), 1_000);
        buckets.charge(rate, "a", 1_000_000);
        assert!(buckets.is_empty());
    }

    #[test]
    fn a_bundle_may_owe_up_to_a_minute() {
        let (buckets, ticks) = buckets();
        let rate = Rate { per_s: 10, burst: 20 };
        buckets.charge(rate, "a", 50);
        assert_eq!(buckets.take(rate, "a"), Err(Empty { wait_s: 4 }), "30 owed, and one more");
        ticks.advance(Duration::from_millis(3_100));
        assert_eq!(taken(&buckets, rate, "a"), 1);
        buckets.charge(rate, "a", u32::MAX);
        let refused = buckets.take(rate, "a");
        assert_eq!(refused, Err(Empty { wait_s: DEBT_S_MAX + 1 }));
        ticks.advance(Duration::from_secs(DEBT_S_MAX + 1));
        assert_eq!(taken(&buckets, rate, "a"), 10);
    }

    #[test]
    fn memory_is_bounded_and_who_is_limited_stays_so_meanwhile() {
        let (buckets, ticks) = buckets();
        let rate = Rate { per_s: 1, burst: 3 };
        for key in 0..3 * BUCKETS_MAX {
            buckets.take(rate, key).ok();
        }
        let full = buckets.len();
        assert!((BUCKETS_MAX * 9 / 10..=BUCKETS_MAX).contains(&full), "{full}");
        // Those of before are full again: they make room for others.
        ticks.advance(Duration::from_secs(10));
        assert_eq!(taken(&buckets, rate, "late"), 3);
        for key in 0..BUCKETS_MAX / 4 {
            buckets.take(rate, (key, "new")).ok();
        }
        assert!(buckets.take(rate, "late").is_err(), "it was forgotten while in use");
        assert!(buckets.len() <= BUCKETS_MAX);
    }

    #[test]
    fn many_threads_take_no_more_than_there_is() {
        let (buckets, _) = buckets();
        let rate = Rate { per_s: 1, burst: 500 };
        let taken: usize = std::thread::scope(|scope| {
            let one = || scope.spawn(|| taken(&buckets, rate, "a"));
            let threads: Vec<_> = (0..8).map(|_| one()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 500);
    }
}
