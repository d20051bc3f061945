//! What the index lacks for the searches of this server, as it last knew.

use std::sync::{Arc, Mutex, PoisonError};

use canonical_model::ResourceType;

use crate::Store;

/// What an end of work that concerned every search adds to the number of ends.
pub(crate) const END_OF_ALL: i64 = 1;
/// What an end adds that concerned searches by parameters of one's own alone: the others were whole meanwhile.
pub(crate) const END_OF_SOME: i64 = 1 << 32;

/// Of a number of ends, the part that concerned every search.
pub(crate) fn ends_of_all(ended: i64) -> i64 {
    ended % END_OF_SOME
}

/// What the index lacks for a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// So many percent of the heads are done.
    Building(i64),
    /// It is made in the form of another release, or for other sealed elements, than this server's.
    Foreign,
}

/// What a server knew of the index at one time, and how much work on it had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub(crate) lack: Option<Lack>,
    pub(crate) ended: i64,
    /// Types of which there are resources that could not be indexed anew.
    pub(crate) unindexed: Arc<[ResourceType]>,
}

impl Mark {
    /// Whether there were resources of a type that could not be indexed anew.
    #[must_use]
    pub fn has_unindexed(&self, kind: ResourceType) -> bool {
        self.unindexed.contains(&kind)
    }

    /// What the index lacked at some time between two marks.
    #[must_use]
    pub fn lack_between(before: &Self, after: &Self) -> Option<Lack> {
        let ended = before.ended != after.ended;
        before.lack.or(after.lack).or_else(|| ended.then_some(Lack::Building(99)))
    }
}

/// The mark that searches go by.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Mark>);

impl Store {
    /// What this server last knew of the index. Asks nothing of the database.
    #[must_use]
    pub fn index_mark(&self) -> Mark {
        self.indexed.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note(&self, mark: Mark) {
        *self.indexed.0.lock().unwrap_or_else(PoisonError::into_inner) = mark;
    }
}

#[cfg(test)]
mod tests {
    use super::{Lack, Mark};

    #[test]
    fn an_end_between_two_marks_is_told() {
        let mark = |lack, ended| Mark { lack, ended, ..Mark::default() };
        let building = Some(Lack::Building(7));
        for (before, after, told) in [
            (mark(None, 1), mark(None, 1), None),
            (mark(building, 1), mark(None, 2), building),
            (mark(None, 1), mark(building, 1), building),
            (mark(None, 1), mark(None, 2), Some(Lack::Building(99))),
            (mark(Some(Lack::Foreign), 1), mark(None, 1), Some(Lack::Foreign)),
        ] {
            assert_eq!(Mark::lack_between(&before, &after), told, "{before:?} {after:?}");
        }
    }
}
