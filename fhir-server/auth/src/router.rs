//! The authorization server's contents page.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use tokio::time::timeout;

use crate::discovery::jwks;
use crate::limits::{FORM_BYTES_MAX, FORM_S_MAX};
use crate::refusal::Refusal;
use crate::route::{Listed, Route, Rule, listed, routed};
use crate::state::AuthState;
use crate::token::token;

const ROUTES: [Route<AuthState>; 2] = [
    Route {
        method: MethodFilter::POST,
        path: "/auth/token",
        rule: Rule::Client,
        serve: |method| on(method, token).fallback(async || Refusal::MethodNotAllowed),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/jwks",
        rule: Rule::Open,
        serve: |method| on(method, jwks),
    },
];

/// The routes below `/auth`.
pub fn router(auth: AuthState) -> Router {
    routed(&ROUTES)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(in_time))
        .with_state(auth)
}

/// Whoever drips a form holds a connection no longer than this.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = timeout(Duration::from_secs(FORM_S_MAX), next.run(request)).await;
    answer.unwrap_or_else(|_| Refusal::TooSlow.into_response())
}

/// The list of them.
#[must_use]
pub fn routes() -> Vec<Listed> {
    listed(&ROUTES)
}
