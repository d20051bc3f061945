//! Logical ids.

use std::fmt;

use crate::Error;

/// A logical id. <https://hl7.org/fhir/R4/datatypes.html#id>
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(compact_str::CompactString); // Invariant: `parse` is the only constructor.

impl ResourceId {
    /// Reads an id; refuses anything but 1 to 64 of `A-Za-z0-9.-`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if Self::is_legal(text) {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid("An id has 1 to 64 characters of A-Z a-z 0-9 . -"))
        }
    }

    /// Whether `text` is a legal id.
    #[must_use]
    pub fn is_legal(text: &str) -> bool {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        matches!(text.len(), 1..=64) && text.bytes().all(legal)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
