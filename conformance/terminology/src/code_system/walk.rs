//! Which concepts subsume which. <https://hl7.org/fhir/R4/codesystem.html#hierarchy>

use std::collections::HashSet;

use canonical_model::{Error, IssueCode, Result};

use super::{CodeSystem, Place, Relation};
use crate::bits::Bits;
use crate::shown::shown;

/// How two concepts are to each other. <https://hl7.org/fhir/R4/valueset-concept-subsumption-outcome.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are FHIR's, defined there")]
pub enum Subsumption {
    Equivalent,
    Subsumes,
    SubsumedBy,
    NotSubsumed,
}

impl Subsumption {
    /// FHIR's code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equivalent => "equivalent",
            Self::Subsumes => "subsumes",
            Self::SubsumedBy => "subsumed-by",
            Self::NotSubsumed => "not-subsumed",
        }
    }
}

impl CodeSystem {
    /// The concept of a code that must be one.
    ///
    /// # Errors
    /// Unprocessable.
    pub fn expect(&self, code: &str) -> Result<Place> {
        self.find(code).ok_or_else(|| {
            let text = "the code system does not have the code";
            Error::unprocessable(text).code(IssueCode::CodeInvalid)
        })
    }

    /// Refuses a hierarchy that is no subsumption.
    ///
    /// # Errors
    /// Unprocessable.
    pub fn expect_subsumption(&self) -> Result<()> {
        match &self.head().relation {
            Relation::IsA => Ok(()),
            Relation::Other(meaning) => {
                let text =
                    format!("the code system's hierarchy means {}, not is-a", shown(meaning));
                Err(Error::unprocessable(text).code(IssueCode::NotSupported))
            }
        }
    }

    /// A concept and all that it subsumes, near ones first, up to so many.
    #[must_use]
    pub fn below(&self, place: Place, most: usize) -> Vec<Place> {
        self.reach(place, most, Self::children)
    }

    /// A concept and all that subsumes it, near ones first, up to so many.
    #[must_use]
    pub fn above(&self, place: Place, most: usize) -> Vec<Place> {
        self.reach(place, most, Self::parents)
    }

    /// The same as bits of the whole system.
    #[must_use]
    pub fn all_below(&self, place: Place) -> Bits {
        self.bits(self.below(place, usize::MAX))
    }

    /// The same as bits of the whole system.
    #[must_use]
    pub fn all_above(&self, place: Place) -> Bits {
        self.bits(self.above(place, usize::MAX))
    }

    fn bits(&self, places: Vec<Place>) -> Bits {
        let mut bits = Bits::none(self.len());
        for place in places {
            bits.insert(place);
        }
        bits
    }

    /// Whether one subsumes another, or is it.
    #[must_use]
    pub fn subsumes(&self, above: Place, below: Place) -> bool {
        above == below || self.above(below, usize::MAX).contains(&above)
    }

    /// How two concepts are to each other.
    #[must_use]
    pub fn subsumption(&self, a: Place, b: Place) -> Subsumption {
        match (a == b, self.subsumes(a, b), self.subsumes(b, a)) {
            (true, ..) | (_, true, true) => Subsumption::Equivalent,
            (_, true, false) => Subsumption::Subsumes,
            (_, false, true) => Subsumption::SubsumedBy,
            (_, false, false) => Subsumption::NotSubsumed,
        }
    }

    /// Each place once: a hierarchy may run in a circle.
    fn reach<'s>(
        &'s self,
        start: Place,
        most: usize,
        next: impl Fn(&'s Self, Place) -> &'s [Place],
    ) -> Vec<Place> {
        let (mut seen, mut found) = (HashSet::from([start]), vec![start]);
        let mut at = 0;
        while let Some(place) = found.get(at).copied() {
            for other in next(self, place) {
                if found.len() >= most {
                    return found;
                }
                if seen.insert(*other) {
                    found.push(*other);
                }
            }
            at += 1;
        }
        found
    }
}
