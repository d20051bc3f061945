//! `X-Request-Id` on every answer, whichever part gave it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::limits::REQUEST_ID_BYTES_MAX;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Takes the caller's id over where it is tame, else makes one; inner parts find it in the request.
pub(crate) async fn carry(mut request: Request, next: Next) -> Response {
    let Some(id) = id(request.headers()) else { return next.run(request).await };
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().entry(REQUEST_ID).or_insert(id);
    response
}

/// An answer that no inner part gave, with the id of its request.
pub(crate) fn named(mut response: Response, request: &HeaderMap) -> Response {
    if let Some(id) = id(request) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn id(request: &HeaderMap) -> Option<HeaderValue> {
    match request.get(&REQUEST_ID) {
        Some(id) if is_tame(id) => Some(id.clone()),
        _ => HeaderValue::try_from(Uuid::now_v7().to_string()).ok(),
    }
}

/// It goes into logs and audit records.
fn is_tame(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    let tame = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:".contains(b);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(tame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wild_ids_are_replaced() {
        let long = "x".repeat(65);
        for (id, tame) in
            [("a-1.b:c_D", true), ("", false), ("a b", false), ("a\"b", false), (&long, false)]
        {
            assert_eq!(is_tame(&HeaderValue::from_str(id).unwrap()), tame, "{id:?}");
        }
    }
}
