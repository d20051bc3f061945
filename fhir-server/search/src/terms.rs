//! What a query asks of terminology, and the answers. This crate does no I/O: who reads a query looks
//! up what it asked for and reads it again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Codes that a query means and does not list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// Those of a value set: its canonical URL, perhaps with `|version`, or `ValueSet/id`.
    ValueSet(String),
    /// A code and all that it subsumes.
    Below(Code),
    /// A code and all that subsumes it.
    Above(Code),
}

/// A code of a code system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The system's URL; never empty.
    pub system: String,
    /// The code.
    pub code: String,
}

/// The answers that are known, and what was asked beyond them.
#[derive(Debug, Default)]
pub struct Terms {
    known: BTreeMap<Term, Vec<Code>>,
    asked: Mutex<BTreeMap<Term, String>>,
}

impl Terms {
    /// The codes of a term; none yet where it is asked for the first time. `place` names the parameter
    /// that asks, as `http.code:in`.
    pub(crate) fn codes(&self, term: &Term, place: impl FnOnce() -> String) -> Option<&[Code]> {
        let known = self.known.get(term);
        if known.is_none() {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.entry(term.clone()).or_insert_with(place);
        }
        known.map(Vec::as_slice)
    }

    /// What was asked and not known, each with the parameter that asked first. It is asked once.
    pub fn asked(&mut self) -> Vec<(Term, String)> {
        let asked = self.asked.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(asked).into_iter().collect()
    }

    /// Takes an answer.
    pub fn learn(&mut self, term: Term, codes: Vec<Code>) {
        self.known.insert(term, codes);
    }
}
