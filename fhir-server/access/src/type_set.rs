//! A set of resource types: one bit each, by the type's number.

use std::fmt;

use canonical_model::ResourceType;

/// A set of resource types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TypeSet([u64; 3]); // Invariant: only bits that are numbers of types are set.

/// Types of R4; the list is frozen.
const TYPES: u32 = 146;

impl TypeSet {
    /// No type.
    pub const EMPTY: Self = Self([0; 3]);
    /// Every type of R4.
    pub const ALL: Self = Self([u64::MAX, u64::MAX, (1 << (TYPES - 128)) - 1]);

    /// One type.
    #[must_use]
    pub fn of(kind: ResourceType) -> Self {
        [kind].into_iter().collect()
    }

    /// Adds a type.
    pub fn insert(&mut self, kind: ResourceType) {
        let (word, bit) = place(kind);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// Whether the type is in.
    #[must_use]
    pub fn contains(&self, kind: ResourceType) -> bool {
        let (word, bit) = place(kind);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// What is in this one alone.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// Whether every type of R4 is in.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The types, by number.
    pub fn iter(self) -> impl Iterator<Item = ResourceType> {
        ResourceType::all().filter(move |kind| self.contains(*kind))
    }

    fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([with(a, x), with(b, y), with(c, z)])
    }
}

fn place(kind: ResourceType) -> (usize, u64) {
    let number = usize::from(kind.number().unsigned_abs());
    (number / 64, 1 << (number % 64))
}

impl FromIterator<ResourceType> for TypeSet {
    fn from_iter<I: IntoIterator<Item = ResourceType>>(kinds: I) -> Self {
        let mut set = Self::EMPTY;
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

impl fmt::Debug for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() { f.write_str("*") } else { f.debug_set().entries(self.iter()).finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_in_all_and_in_its_own_set_only() {
        assert_eq!(ResourceType::all().collect::<TypeSet>(), TypeSet::ALL);
        assert_eq!(TypeSet::ALL.len(), TYPES);
        for kind in ResourceType::all() {
            let own = TypeSet::of(kind);
            assert_eq!(own.iter().collect::<Vec<_>>(), [kind]);
            assert!(!TypeSet::ALL.difference(own).contains(kind));
        }
    }
}
