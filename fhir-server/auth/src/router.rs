//! The authorization server's contents page. All of it is open: it is where callers come from.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::discovery::jwks;
use crate::limits::FORM_BYTES_MAX;
use crate::refusal::Refusal;
use crate::state::AuthState;
use crate::token::token;

/// The routes below `/auth`.
pub fn router(auth: AuthState) -> Router {
    Router::new()
        .route("/auth/token", post(token).fallback(async || Refusal::MethodNotAllowed))
        .route("/auth/jwks", get(jwks))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(auth)
}
