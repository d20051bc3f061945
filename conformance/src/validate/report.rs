//! The faults found so far.

use canonical_model::limits::ISSUES_MAX;
use canonical_model::{Error, Issue, IssueCode, Kind, Result};

use super::path::Path;

#[derive(Default)]
pub(super) struct Report(Vec<Issue>);

impl Report {
    pub(super) fn fault(&mut self, code: IssueCode, path: &Path<'_>, text: impl Into<String>) {
        if !self.is_full() {
            self.0.push(Issue::error(code, text).at(path.to_string()));
        }
    }

    /// No further fault will be kept, so none need be looked for.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= ISSUES_MAX
    }

    pub(super) fn into_result(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::from_issues(Kind::Unprocessable, self.0))
        }
    }
}
