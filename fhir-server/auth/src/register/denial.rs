//! Why an app is not registered, in the words of RFC 7591, section 3.2.2.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use canonical_model::{Error, Kind};
use serde_json::json;
use tracing::error;

use crate::refusal::NO_STORE;

#[derive(Debug)]
pub(crate) enum Denial {
    /// Nobody registers here.
    Off,
    /// The token that lets one register is missing, or none.
    Token,
    /// The token of this registration is missing, or none.
    Own,
    /// Too many tries from one place; seconds to wait.
    Throttled(i64),
    /// An address to be sent back to will not do.
    Redirect(String),
    /// Something else that it says of itself will not do.
    Metadata(String),
    /// It shows a statement of somebody else.
    Statement(&'static str),
    /// The body is over the limit.
    TooLarge,
    /// The server cannot keep it just now.
    Unavailable,
    /// A defect of ours.
    Fault(Error),
}

impl Denial {
    pub(crate) fn metadata(text: &str) -> Self {
        Self::Metadata(text.to_owned())
    }

    /// The word of the RFC.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Off => "not_found",
            Self::Token | Self::Own => "invalid_token",
            Self::Throttled(_) => "slow_down",
            Self::Redirect(_) => "invalid_redirect_uri",
            Self::Metadata(_) | Self::TooLarge => "invalid_client_metadata",
            Self::Statement(_) => "unapproved_software_statement",
            Self::Unavailable => "temporarily_unavailable",
            Self::Fault(_) => "server_error",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Off => StatusCode::NOT_FOUND,
            Self::Token | Self::Own => StatusCode::UNAUTHORIZED,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Redirect(_) | Self::Metadata(_) | Self::Statement(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn sentence(&self) -> &str {
        match self {
            Self::Off => "Apps do not register here; ask those who run the server",
            Self::Token => "Send the token that you got for it: Authorization: Bearer",
            Self::Own => {
                "Send the token that the app got when it registered: Authorization: Bearer"
            }
            Self::Throttled(_) => {
                "Too many registrations from here; wait as long as Retry-After says"
            }
            Self::Redirect(what) | Self::Metadata(what) => what,
            Self::Statement(what) => what,
            Self::TooLarge => "A registration has at most 64 KB",
            Self::Unavailable => "The registration cannot be kept just now; try again later",
            Self::Fault(_) => "The server failed on this request; report the X-Request-Id",
        }
    }
}

impl From<Error> for Denial {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Unavailable | Kind::StorageFull | Kind::Conflict => Self::Unavailable,
            Kind::Invalid => Self::Metadata(crate::refusal::wording(&error).to_owned()),
            _ => Self::Fault(error),
        }
    }
}

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        if let Self::Fault(cause) = &self {
            error!(error = %cause, cause = ?cause.cause, "A registration failed.");
        }
        let body = json!({ "error": self.word(), "error_description": self.sentence() });
        let mut response = (self.status(), NO_STORE, Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Token | Self::Own => {
                let bearer = HeaderValue::from_static("Bearer realm=\"register\"");
                headers.insert(WWW_AUTHENTICATE, bearer);
            }
            Self::Throttled(wait_s) => drop(headers.insert(RETRY_AFTER, wait_s.into())),
            _ => {}
        }
        response
    }
}
