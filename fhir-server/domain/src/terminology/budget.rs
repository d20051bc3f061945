//! What one query may cost in definitions.

use canonical_model::{Error, IssueCode, Kind, Result};

use crate::limits::{DEFINITION_BYTES_MAX, DEFINITIONS_MAX};

/// What is left to one query.
#[derive(Debug)]
pub(super) struct Budget {
    definitions: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { definitions: DEFINITIONS_MAX, bytes: DEFINITION_BYTES_MAX }
    }

    /// Takes one definition of this size.
    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        let left = self.definitions.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let (definitions, bytes) = left.ok_or_else(|| {
            too_costly("this needs more code systems and value sets than one search may read")
        })?;
        *self = Self { definitions, bytes };
        Ok(())
    }
}

/// 413, for what would need too much.
pub(super) fn too_costly(text: &str) -> Error {
    Error::new(Kind::TooLarge, text).code(IssueCode::TooCostly)
}
