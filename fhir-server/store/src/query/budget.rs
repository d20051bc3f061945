//! The time budget of a search, which PostgreSQL keeps: what it says when the time is over, as advice.

use canonical_model::{Error, IssueCode, Kind};

use crate::error::{CANCELED, has_code};

/// The error of a search's statement, as its caller is told.
pub(super) fn told(error: Error) -> Error {
    if !has_code(&error, CANCELED) {
        return error;
    }
    over(error.cause)
}

/// The time is over.
pub(super) fn over(cause: Option<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let text = "The search took longer than its time budget and was ended. Narrow it: name a patient, a \
                code or an identifier, ask for a shorter time, or leave out _total and _include.";
    let told = Error::new(Kind::Unavailable, text).code(IssueCode::TooCostly);
    Error { cause, ..told }
}
