//! Errors of the token endpoint, as RFC 6749, section 5.2 words them.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use canonical_model::{Error, Kind};
use serde_json::json;
use tracing::error;

/// What a token answer and its refusal have in common: no cache may keep either.
pub(crate) const NO_STORE: [(axum::http::HeaderName, &str); 2] =
    [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];

/// What an error says, without its kind.
pub(crate) fn wording(error: &Error) -> &str {
    error.issues.first().map_or("", |issue| &issue.diagnostics)
}

/// Why no token is given.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request is not a well-formed token request.
    InvalidRequest(&'static str),
    /// The body is over the limit.
    TooLarge,
    /// It takes longer than the limit.
    TooSlow,
    /// Not this method.
    MethodNotAllowed,
    /// The client did not show who it is.
    InvalidClient(&'static str),
    /// The client's assertion proves nothing.
    WrongAssertion(&'static str),
    /// Too many wrong secrets; seconds to wait.
    Throttled(i64),
    /// Too many requests; seconds to wait.
    TooMany(u64),
    /// The code, or what else was to be exchanged, is none.
    InvalidGrant(&'static str),
    /// Not a grant of this client's.
    UnauthorizedClient(&'static str),
    /// The server cannot answer just now.
    Unavailable,
    /// The grant is not offered here.
    UnsupportedGrantType,
    /// The scope is malformed, or nothing of it may be granted.
    InvalidScope(String),
    /// A defect of ours.
    ServerError(Error),
}

impl Refusal {
    /// The word of the RFC.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::TooLarge | Self::TooSlow | Self::MethodNotAllowed => {
                "invalid_request"
            }
            Self::InvalidClient(_) | Self::WrongAssertion(_) => "invalid_client",
            Self::Throttled(_) | Self::TooMany(_) => "slow_down",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::Unavailable => "temporarily_unavailable",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope(_) => "invalid_scope",
            Self::ServerError(_) => "server_error",
        }
    }

    /// Whether the client did not show who it is.
    pub(crate) fn is_unproven(&self) -> bool {
        matches!(self, Self::InvalidClient(_) | Self::WrongAssertion(_) | Self::Throttled(_))
    }

    /// Whether a client that is known asked for what it may not have.
    pub(crate) fn is_denial(&self) -> bool {
        matches!(self, Self::InvalidGrant(_) | Self::UnauthorizedClient(_) | Self::InvalidScope(_))
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_)
            | Self::InvalidGrant(_)
            | Self::UnauthorizedClient(_)
            | Self::WrongAssertion(_)
            | Self::UnsupportedGrantType
            | Self::InvalidScope(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidClient(_) => StatusCode::UNAUTHORIZED,
            Self::Throttled(_) | Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::ServerError(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn description(&self) -> Cow<'_, str> {
        if let Self::WrongAssertion(why) = self {
            return format!("The client assertion is not accepted: {why}").into();
        }
        self.sentence().into()
    }

    pub(crate) fn sentence(&self) -> &str {
        match self {
            Self::InvalidRequest(what)
            | Self::InvalidClient(what)
            | Self::InvalidGrant(what)
            | Self::UnauthorizedClient(what)
            | Self::WrongAssertion(what) => what,
            Self::Unavailable => "A part of the server is away or busy; try again shortly",
            Self::TooLarge => "A token request has at most 16 KB",
            Self::TooSlow => "The request took longer than 15 s",
            Self::MethodNotAllowed => "Ask for a token by POST",
            Self::Throttled(_) => "Too many wrong secrets; wait as long as Retry-After says",
            Self::TooMany(_) => "Too many token requests; keep a token until it ends",
            Self::UnsupportedGrantType => {
                "This server offers client_credentials, and authorization_code where people can sign in"
            }
            Self::InvalidScope(what) => what,
            Self::ServerError(_) => "The server failed on this request; report the X-Request-Id",
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Unavailable | Kind::StorageFull | Kind::Conflict => Self::Unavailable,
            _ => Self::ServerError(error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::ServerError(cause) = &self {
            error!(error = %cause, cause = ?cause.cause, "Token request failed.");
        }
        let body = json!({ "error": self.word(), "error_description": self.description() });
        let mut response = (self.status(), NO_STORE, Json(body)).into_response();
        match self {
            Self::InvalidClient(_) => {
                let basic = HeaderValue::from_static("Basic realm=\"auth\", charset=\"UTF-8\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, basic);
            }
            Self::Throttled(wait_s) => {
                response.headers_mut().insert(RETRY_AFTER, wait_s.into());
            }
            Self::TooMany(wait_s) => {
                response.headers_mut().insert(RETRY_AFTER, wait_s.into());
            }
            _ => {}
        }
        response
    }
}

/// A refusal, and what the record says of it beyond what the client is told.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// Why, for the record.
    pub(crate) why: Option<String>,
    /// Whether it is in the record already.
    pub(crate) recorded: bool,
}

impl Refused {
    /// One that is still to be recorded.
    pub(crate) fn because(refusal: Refusal, why: &str) -> Self {
        Self { refusal, why: Some(why.to_owned()), recorded: false }
    }

    /// One that was recorded with what it changed.
    pub(crate) fn recorded(refusal: Refusal) -> Self {
        Self { refusal, why: None, recorded: true }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, why: None, recorded: false }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refusal::from(error).into()
    }
}
