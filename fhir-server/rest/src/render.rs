//! An answer, or an error, as it goes out over HTTP: status, headers, body.

use auth::{Empty, challenge};
use axum::body::Body as HttpBody;
use axum::response::{IntoResponse, Response};
use canonical_model::json::Layout;
use canonical_model::{Error, IssueCode, Kind};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

use crate::answer::{Answer, Body, Raw};
use crate::bundle::render::last_modified;
use crate::conditions::etag;
use crate::outcome::{self, status};
use crate::routes::allowed;
use crate::syntax::{Syntax, in_xml};

/// The answer is that of an earlier request with the same `Idempotency-Key`; nothing was done now.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Room for what is set here and what the layers around it add.
const HEADERS: usize = 16;

/// An answer.
pub(crate) fn render(answer: Answer) -> Response {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    let mut set = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    if let Some(version) = &answer.version {
        set(header::ETAG, &etag(version.version));
        set(header::LAST_MODIFIED, &last_modified(version));
    }
    if let Some(location) = &answer.location {
        set(header::LOCATION, location);
        if matches!(answer.body, Body::Fhir(_)) {
            set(header::CONTENT_LOCATION, location);
        }
    }
    if answer.repeated {
        set(REPLAYED, "true");
    }
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let media_type = answer.syntax.media_type();
    let body = match answer.body {
        Body::Empty => HttpBody::empty(),
        Body::Fhir(text) => {
            set(header::CONTENT_TYPE, media_type);
            HttpBody::from(text)
        }
        Body::Outcome(text) => {
            set(header::CONTENT_TYPE, media_type);
            HttpBody::from(text)
        }
        Body::Around(content, gap) => {
            set(header::CONTENT_TYPE, media_type);
            let (length, body) = content.within(gap);
            set(header::CONTENT_LENGTH, &length.to_string());
            body
        }
        Body::Raw { media_type, content, range } => {
            set(header::ACCEPT_RANGES, "bytes");
            if let Some(range) = range {
                set(header::CONTENT_RANGE, &range);
            }
            set(header::CONTENT_TYPE, &media_type);
            // Content of others: never run by a browser as if it were ours.
            set(header::CONTENT_DISPOSITION, "attachment");
            set(header::CONTENT_SECURITY_POLICY, "sandbox");
            match content {
                Raw::Whole(content) => HttpBody::from(content),
                Raw::Kept(content) => {
                    set(header::CONTENT_LENGTH, &content.size().to_string());
                    content.raw()
                }
            }
        }
    };
    (answer.status, headers, body).into_response()
}

/// An error, as an OperationOutcome.
pub(crate) fn refuse(error: &Error, method: &Method, path: &str, wanted: Syntax) -> Response {
    let text = outcome::text(error);
    let (text, syntax) = match wanted {
        Syntax::Json => (text, wanted),
        // An outcome always goes into XML; were it not to, the client is better off with JSON.
        Syntax::Xml => match in_xml(text.as_bytes(), Layout::Compact) {
            Ok(xml) => (xml, wanted),
            Err(_) => (text, Syntax::Json),
        },
    };
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(syntax.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(value) = challenge(error) {
        headers.insert(header::WWW_AUTHENTICATE, value);
    }
    // What is too costly now will be so in a second.
    let costly = error.issues.iter().any(|issue| issue.code == IssueCode::TooCostly);
    if matches!(error.kind, Kind::Unavailable | Kind::TooManyRequests) && !costly {
        let empty = error.cause.as_ref().and_then(|cause| cause.downcast_ref::<Empty>());
        headers.insert(header::RETRY_AFTER, empty.map_or(1, |empty| empty.wait_s).into());
    }
    if error.kind == Kind::MethodNotAllowed {
        let others = allowed(path).into_iter().filter(|other| *other != method);
        let others: Vec<&str> = others.map(Method::as_str).collect();
        if let Ok(value) = HeaderValue::try_from(others.join(", ")) {
            headers.insert(header::ALLOW, value);
        }
    }
    (status(error.kind), headers, text).into_response()
}
