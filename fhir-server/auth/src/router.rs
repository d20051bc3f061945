//! The authorization server's contents page.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodFilter, on};

use crate::discovery::jwks;
use crate::limits::FORM_BYTES_MAX;
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
    routed(&ROUTES).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)).with_state(auth)
}

/// The list of them.
#[must_use]
pub fn routes() -> Vec<Listed> {
    listed(&ROUTES)
}
