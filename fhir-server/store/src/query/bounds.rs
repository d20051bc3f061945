//! Within what bounds every date lies that passes some comparisons. <https://hl7.org/fhir/R4/search.html#date>

use search::expr::{Prefix, RangeTest};

/// In microseconds since 1970. What is absent is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) begins_from: Option<i64>,
    /// Exclusive.
    pub(super) begins_before: Option<i64>,
    /// Exclusive.
    pub(super) ends_after: Option<i64>,
}

impl Bounds {
    /// The bounds of what passes all of these.
    pub(super) fn of(tests: &[RangeTest<i64>]) -> Self {
        tests.iter().map(Self::of_one).fold(Self::default(), Self::and)
    }

    fn of_one(test: &RangeTest<i64>) -> Self {
        let RangeTest { prefix, lo, hi } = *test;
        let (begins_from, begins_before, ends_after) = match prefix {
            Prefix::Eq => (Some(lo), Some(hi), None),
            Prefix::Sa => (Some(hi), None, None),
            Prefix::Gt => (None, None, Some(hi)),
            Prefix::Ge => (None, None, Some(lo)),
            Prefix::Lt | Prefix::Eb => (None, Some(lo), None),
            Prefix::Le => (None, Some(hi), None),
            Prefix::Ap => (None, Some(hi), Some(lo)),
            Prefix::Ne => (None, None, None),
        };
        Self { begins_from, begins_before, ends_after }
    }

    fn and(self, other: Self) -> Self {
        Self {
            begins_from: self.begins_from.max(other.begins_from),
            begins_before: self.begins_before.into_iter().chain(other.begins_before).min(),
            ends_after: self.ends_after.max(other.ends_after),
        }
    }

    /// Whether it ends on both sides.
    pub(super) fn is_closed(self) -> bool {
        self.begins_before.is_some() && (self.begins_from.is_some() || self.ends_after.is_some())
    }

    /// Whether it ends on any side.
    pub(super) fn is_bounded(self) -> bool {
        self != Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every interval that passes lies within, whatever the comparisons.
    #[test]
    fn what_passes_lies_within() {
        let prefixes = [
            Prefix::Eq,
            Prefix::Ne,
            Prefix::Gt,
            Prefix::Lt,
            Prefix::Ge,
            Prefix::Le,
            Prefix::Sa,
            Prefix::Eb,
            Prefix::Ap,
        ];
        let tests = prefixes
            .into_iter()
            .flat_map(|prefix| [(2, 4), (3, 5)].map(|(lo, hi)| RangeTest { prefix, lo, hi }));
        let tests: Vec<_> = tests.collect();
        for a in &tests {
            for b in &tests {
                let bounds = Bounds::of(&[*a, *b]);
                for (lo, hi) in (0..7).flat_map(|lo| (lo + 1..8).map(move |hi| (lo, hi))) {
                    let passes = a.holds(lo, hi) && b.holds(lo, hi);
                    let within = bounds.begins_from.is_none_or(|from| lo >= from)
                        && bounds.begins_before.is_none_or(|before| lo < before)
                        && bounds.ends_after.is_none_or(|after| hi > after);
                    assert!(!passes || within, "{a:?} {b:?} {lo}..{hi}");
                }
            }
        }
    }
}
