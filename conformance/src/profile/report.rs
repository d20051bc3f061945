//! What was found: errors first, so that remarks never push one out.

use canonical_model::limits::ISSUES_MAX;
use canonical_model::{Issue, IssueCode, Severity};

use crate::validate::Path;

/// The issues so far, within [`ISSUES_MAX`] of errors and as many others.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: Vec<Issue>,
    others: Vec<Issue>,
    only_errors: bool,
}

impl Report {
    /// Nothing yet; with `only_errors` nothing else is ever kept.
    pub(super) fn of(only_errors: bool) -> Self {
        Self { only_errors, ..Self::default() }
    }

    /// Whether an issue of this severity is wanted at all.
    pub(super) fn wants(&self, severity: Severity) -> bool {
        !self.only_errors || matches!(severity, Severity::Fatal | Severity::Error)
    }

    pub(super) fn error(&mut self, code: IssueCode, path: &Path<'_>, text: impl Into<String>) {
        self.add(Severity::Error, code, path, text);
    }

    pub(super) fn warning(&mut self, code: IssueCode, path: &Path<'_>, text: impl Into<String>) {
        self.add(Severity::Warning, code, path, text);
    }

    /// Something that was not judged: it is said, for silence would mean that it is right.
    pub(super) fn unjudged(&mut self, path: &Path<'_>, text: impl Into<String>) {
        self.add(Severity::Information, IssueCode::Informational, path, text);
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: IssueCode,
        path: &Path<'_>,
        text: impl Into<String>,
    ) {
        if !self.wants(severity) {
            return;
        }
        let list = match severity {
            Severity::Fatal | Severity::Error => &mut self.errors,
            Severity::Warning | Severity::Information => &mut self.others,
        };
        if list.len() < ISSUES_MAX {
            let issue = Issue { severity, ..Issue::error(code, text) };
            list.push(issue.at(path.to_string()));
        }
    }

    /// No further error will be kept, so none need be looked for.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= ISSUES_MAX
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Errors, then the rest, each in the order of the resource.
    pub(super) fn into_issues(mut self) -> Vec<Issue> {
        self.errors.append(&mut self.others);
        self.errors
    }
}
