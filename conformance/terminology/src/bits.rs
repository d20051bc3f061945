//! A set of places in a code system: a bit for each concept.

/// Which concepts of a code system are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// None of so many.
    #[must_use]
    pub fn none(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    /// All of so many.
    #[must_use]
    pub fn all(len: usize) -> Self {
        let mut bits = Self(vec![u64::MAX; len.div_ceil(64)]);
        let beyond = len % 64;
        if beyond != 0
            && let Some(last) = bits.0.last_mut()
        {
            *last = (1 << beyond) - 1;
        }
        bits
    }

    /// Whether a place is in it.
    #[must_use]
    pub fn has(&self, place: u32) -> bool {
        let (word, bit) = at(place);
        self.0.get(word).is_some_and(|it| it & bit != 0)
    }

    /// Puts a place in; false where it is in already, or beyond the end.
    pub fn insert(&mut self, place: u32) -> bool {
        let (word, bit) = at(place);
        match self.0.get_mut(word) {
            Some(it) if *it & bit == 0 => {
                *it |= bit;
                true
            }
            _ => false,
        }
    }

    /// Takes a place out.
    pub fn remove(&mut self, place: u32) {
        let (word, bit) = at(place);
        if let Some(it) = self.0.get_mut(word) {
            *it &= !bit;
        }
    }

    /// Keeps what another of the same size has too.
    pub fn and(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= theirs;
        }
    }

    /// How many places are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or_default()).sum()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The places in it, the lower first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().zip(0_u32..).flat_map(|(word, index)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

fn at(place: u32) -> (usize, u64) {
    (usize::try_from(place / 64).unwrap_or(usize::MAX), 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in() {
        for len in [0, 1, 63, 64, 65, 200] {
            assert_eq!(Bits::all(len).iter().count(), len);
            assert_eq!(Bits::all(len).len(), len);
            assert!(Bits::none(len).is_empty());
        }
        let mut bits = Bits::none(130);
        assert!(bits.insert(0) && bits.insert(64) && bits.insert(129));
        assert!(!bits.insert(64) && !bits.insert(1_000));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 64, 129]);
        bits.remove(64);
        let mut other = Bits::all(130);
        other.remove(0);
        bits.and(&other);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [129]);
        assert!(bits.has(129) && !bits.has(0));
    }
}
