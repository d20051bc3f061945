//! Errors as HTTP: the status of each kind, and the OperationOutcome that says what to change.
//! <https://hl7.org/fhir/R4/operationoutcome.html>

use canonical_model::json::{Layout, write};
use canonical_model::{Error, Issue, Kind, Value, object};
use http::StatusCode;

/// The status of a kind of error.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthorized => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Timeout => StatusCode::REQUEST_TIMEOUT,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Gone => StatusCode::GONE,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// An OperationOutcome of issues.
#[must_use]
pub fn outcome(issues: &[Issue]) -> Value {
    let issues: Vec<Value> = issues
        .iter()
        .map(|issue| {
            let mut out = object! {
                "severity": issue.severity.as_str(),
                "code": issue.code.as_str(),
                "diagnostics": issue.diagnostics.as_str(),
            };
            if let Some(expression) = &issue.expression {
                out.set("expression", vec![Value::from(expression.as_str())]);
            }
            Value::Object(out)
        })
        .collect();
    Value::Object(object! { "resourceType": "OperationOutcome", "issue": issues })
}

/// The OperationOutcome of an error, as text.
pub(crate) fn text(error: &Error) -> String {
    let mut out = String::with_capacity(256);
    write(&outcome(&error.issues), Layout::Compact, &mut out);
    out
}
