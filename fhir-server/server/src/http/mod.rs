//! The HTTP surface of the process: what the parts offer, and what only the whole can say.

mod activity;
mod connection;
mod headers;
mod health;
mod host;
mod listener;
mod openapi;
mod panics;
mod peer;
mod request_id;
mod stalled;
mod throttle;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use canonical_model::Error;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use connection::PROTOCOLS;
pub(crate) use health::Health;
pub(crate) use listener::{Edge, serve};
pub(crate) use panics::log_panics;
pub(crate) use peer::Proxies;

/// All routes: those of the parts, and the probes. From the outside in, a request gets its id,
/// then is watched for a panic.
pub(crate) fn router(parts: Router, health: Health) -> Router {
    parts
        .merge(health::router(health))
        .merge(openapi::router())
        .fallback(nothing_here)
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(axum::middleware::from_fn(request_id::carry))
}

/// The list of all routes of a server, each with what it asks.
///
/// # Errors
/// A table of routes is at odds with itself.
pub fn routes() -> canonical_model::Result<Vec<auth::Listed>> {
    Ok([health::routes(), openapi::routes(), auth::routes(), rest::routes()?].concat())
}

async fn nothing_here() -> impl IntoResponse {
    let text =
        "Nothing is here. The FHIR API is below /fhir, the authorization server below /auth.\n";
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

/// As `rest` has it.
const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// The answer to what never reaches a route.
fn outcome(status: StatusCode, error: &Error) -> Response {
    let mut response = Body::from(rest::outcome(&error.issues).to_text()).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    response
}
