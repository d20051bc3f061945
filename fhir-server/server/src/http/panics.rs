//! A panic is a defect of ours: the caller gets a 500, the process lives, the log names the place.

use std::any::Any;
use std::panic::PanicHookInfo;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use canonical_model::Error;
use http::StatusCode;
use http::header::CONTENT_TYPE;

/// The answer in place of the one that was never finished.
pub(crate) fn answer(_panic: Box<dyn Any + Send + 'static>) -> Response {
    let issues = Error::internal("panic").issues;
    let body = Body::from(rest::outcome(&issues).to_text());
    let headers = [(CONTENT_TYPE, "application/fhir+json")];
    (StatusCode::INTERNAL_SERVER_ERROR, headers, body).into_response()
}

/// Logs panics of the process as everything else is logged. A formatted message may hold what must
/// not be in a log; a fixed one may not.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload().downcast_ref::<&'static str>().copied();
        tracing::error!(at, message = message.unwrap_or("‹formatted›"), "Panicked.");
    }));
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use http::Request;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_that_tells_nothing() {
        async fn defect() -> &'static str {
            panic!("the name of a patient")
        }
        let router = Router::new().route("/", get(defect)).layer(CatchPanicLayer::custom(answer));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/fhir+json");
        let issues = Error::internal("x").issues;
        assert!(rest::outcome(&issues).to_text().contains("OperationOutcome"));
        assert!(!rest::outcome(&issues).to_text().contains("patient"));
    }
}
