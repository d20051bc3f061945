//! What one answer may cost in definitions.

use canonical_model::{Error, IssueCode, Kind, Result};

use crate::limits::{CODES_LEARNT_MAX, DEFINITION_BYTES_MAX, DEFINITIONS_MAX};

/// What is left to one answer.
#[derive(Debug)]
pub(super) struct Budget {
    definitions: usize,
    bytes: usize,
    codes: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { definitions: DEFINITIONS_MAX, bytes: DEFINITION_BYTES_MAX, codes: CODES_LEARNT_MAX }
    }

    /// Takes one definition of this size.
    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        let left = self.definitions.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let (definitions, bytes) = left.ok_or_else(|| {
            too_costly("this needs more code systems and value sets than one answer may read")
        })?;
        (self.definitions, self.bytes) = (definitions, bytes);
        Ok(())
    }

    /// Takes the codes of one answer.
    pub(super) fn learn(&mut self, codes: usize) -> Result<()> {
        let left = self.codes.checked_sub(codes);
        self.codes = left.ok_or_else(|| {
            too_costly(
                "the search means more codes by all its value sets and hierarchies than one may",
            )
        })?;
        Ok(())
    }
}

/// 413, for what would need too much.
pub(crate) fn too_costly(text: &str) -> Error {
    Error::new(Kind::TooLarge, text).code(IssueCode::TooCostly)
}
