//! A wrapper for values that must never reach a log.

use std::fmt;

/// Protected health information: prints `‹phi›` whatever is inside.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Phi<T>(pub T);

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹phi›")
    }
}

impl<T> fmt::Display for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹phi›")
    }
}
