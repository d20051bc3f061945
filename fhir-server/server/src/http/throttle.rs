//! 429 before anything of a request is read but its first lines: the address has sent too many.

use std::net::SocketAddr;

use auth::{Empty, Throttles};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use canonical_model::{Error, Kind};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};

use super::request_id;

/// As `rest` has it.
const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// Whoever is asked whether the process lives must not be kept from answering by others.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The answer to one request too many of an address; `None` where it may go on.
pub(super) fn refusal<B>(
    throttles: &Throttles,
    address: SocketAddr,
    request: &Request<B>,
) -> Option<Response> {
    let empty = throttles.by_address(address.ip()).err()?;
    if PROBES.contains(&request.uri().path()) {
        return None;
    }
    Some(request_id::named(answer(empty), request.headers()))
}

fn answer(empty: Empty) -> Response {
    let text = "This address sends more requests than one may; wait as long as Retry-After says.";
    let issues = Error::new(Kind::TooManyRequests, text).issues;
    let mut response = Body::from(rest::outcome(&issues).to_text()).into_response();
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    headers.insert(RETRY_AFTER, empty.wait_s.into());
    response
}
