//! 429 before anything of a request is read but its first lines: the address has sent too many.

use std::net::SocketAddr;

use auth::{Empty, Throttles};
use axum::response::Response;
use canonical_model::{Error, Kind};
use http::header::RETRY_AFTER;
use http::{Request, StatusCode};

use super::{outcome, request_id};

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
    let mut response =
        outcome(StatusCode::TOO_MANY_REQUESTS, &Error::new(Kind::TooManyRequests, text));
    response.headers_mut().insert(RETRY_AFTER, empty.wait_s.into());
    response
}
