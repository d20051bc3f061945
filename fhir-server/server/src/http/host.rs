//! 400 where a request names no host, or two: what stands before the server may have gone by the other one.
//! <https://www.rfc-editor.org/rfc/rfc9112#section-3.2>

use axum::response::Response;
use canonical_model::Error;
use http::header::HOST;
use http::uri::Authority;
use http::{Request, StatusCode, Version};

use super::{outcome, request_id};

/// The answer to a request without one host; `None` where it may go on.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<Response> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let text = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => "The request has more than one header Host.",
        (None, None) if request.version() == Version::HTTP_11 => "The request has no header Host.",
        (Some(host), None) if Authority::try_from(host.as_bytes()).is_err() => {
            "The header Host is no host, with a port or without."
        }
        _ => return None,
    };
    let response = outcome(StatusCode::BAD_REQUEST, &Error::invalid(text));
    Some(request_id::named(response, request.headers()))
}
