//! What was counted a moment ago. It chooses how a search begins and never what it finds, so that an old
//! count costs time at most. Kept under a hash alone: a search may name a patient.

use std::fmt::{self, Write};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use moka::sync::Cache;

use super::probe::Size;
use super::source::Source;
use crate::limits::{SIZES_REMEMBERED_FOR, SIZES_REMEMBERED_MAX};

/// Sizes by the sources that were counted together.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    sizes: Cache<u64, Arc<[Size]>>,
    hashes: RandomState,
}

impl Remembered {
    pub(crate) fn new() -> Self {
        let sizes = Cache::builder()
            .max_capacity(SIZES_REMEMBERED_MAX)
            .weigher(|_, sizes: &Arc<[Size]>| u32::try_from(sizes.len()).unwrap_or(u32::MAX))
            .time_to_live(SIZES_REMEMBERED_FOR)
            .build();
        Self { sizes, hashes: RandomState::new() }
    }

    /// The name of these sources together.
    pub(super) fn name(&self, sources: &[&Source]) -> u64 {
        let mut hashed = Hashed(self.hashes.build_hasher());
        // Hashing does not fail.
        write!(hashed, "{sources:?}").ok();
        hashed.0.finish()
    }

    pub(super) fn of(&self, name: u64) -> Option<Arc<[Size]>> {
        self.sizes.get(&name)
    }

    pub(super) fn keep(&self, name: u64, sizes: &[Size]) {
        self.sizes.insert(name, sizes.into());
    }
}

/// Text that is hashed as it is written.
struct Hashed<H>(H);

impl<H: Hasher> Write for Hashed<H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_together_is_known_together() {
        let known = Remembered::new();
        let [one, two] = [1, 2].map(|id| Source::Identity(vec![id]));
        let name = known.name(&[&one, &two]);
        known.keep(name, &[Size::Small(1), Size::Large]);
        assert_eq!(known.of(known.name(&[&one, &two])).map(|sizes| sizes.len()), Some(2));
        assert!(known.of(known.name(&[&one])).is_none());
        assert!(known.of(known.name(&[&two, &one])).is_none());
    }
}
