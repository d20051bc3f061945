//! What goes wrong on a page: told to the person, or to the app that sent the person.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use canonical_model::{Error, Kind};
use tracing::error;

use crate::authorize::Wrong;
use crate::page::{go, page};

/// Why a page is not shown.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The request is at fault.
    Wrong(Wrong),
    /// The form is none of ours, or of another browser, or too old.
    Stranger,
    /// The form cannot be read.
    Unreadable,
    /// Nothing is: another page comes first.
    Page(Box<Response>),
    /// There is no database with accounts.
    Closed,
    /// We are.
    Fault(Error),
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    why: &'a str,
    how: &'a str,
}

/// What a page came to, as an answer.
pub(crate) fn answer_wrong(outcome: Result<Response, Stop>) -> Response {
    let stop = match outcome {
        Ok(response) => return response,
        Err(Stop::Page(response)) => return *response,
        Err(Stop::Wrong(Wrong::There(told))) => match go(&told.url(), None) {
            Ok(response) => return response,
            Err(stop) => stop,
        },
        Err(stop) => stop,
    };
    let back = "Go back to the app and begin again; if that does not help, tell those who run it.";
    let (status, why, how) = match &stop {
        Stop::Wrong(Wrong::Here(why)) => (StatusCode::BAD_REQUEST, *why, back),
        Stop::Wrong(Wrong::There(_)) => {
            (StatusCode::BAD_REQUEST, "The app's address cannot be written.", back)
        }
        Stop::Stranger => (
            StatusCode::FORBIDDEN,
            "This form does not belong to a page that this browser got from us, or its time is over.",
            "Go back to the app and begin again. Cookies must not be blocked for this site.",
        ),
        Stop::Unreadable | Stop::Page(_) => {
            (StatusCode::BAD_REQUEST, "The form could not be read.", back)
        }
        Stop::Closed => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Nobody can sign in here at the moment.",
            "Try again later.",
        ),
        Stop::Fault(fault) => (status(fault), told(fault), "Try again in a moment."),
    };
    if let Stop::Fault(fault) = &stop
        && fault.kind == Kind::Internal
    {
        error!(error = %fault, cause = ?fault.cause, "A page failed.");
    }
    match page(&Page { why, how }, status, None, None) {
        Ok(response) => response,
        Err(_) => status.into_response(),
    }
}

fn status(fault: &Error) -> StatusCode {
    match fault.kind {
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Kind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Kind::Invalid | Kind::Unprocessable => StatusCode::BAD_REQUEST,
        Kind::Forbidden | Kind::NotFound | Kind::Gone | Kind::Unauthorized => StatusCode::FORBIDDEN,
        Kind::MethodNotAllowed
        | Kind::NotAcceptable
        | Kind::Timeout
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::TooLarge
        | Kind::UnsupportedMediaType
        | Kind::Internal
        | Kind::NotImplemented => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn told(fault: &Error) -> &str {
    match fault.issues.first() {
        Some(issue) if fault.kind != Kind::Internal => &issue.diagnostics,
        _ => "The server failed on this request.",
    }
}
