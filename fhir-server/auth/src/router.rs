//! The authorization server's contents page.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use tokio::time::timeout;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::authorize::{authorize, authorize_by_form};
use crate::discovery::{jwks, openid_configuration};
use crate::introspect::{introspect, revoke};
use crate::limits::{FORM_BYTES_MAX, FORM_S_MAX, PAGE_FORM_BYTES_MAX, REGISTRATION_BYTES_MAX};
use crate::page::{
    break_glass, callback, change, consent, device, external, factor, judge, launch, link, login,
    logout, manage, open_record, patient, record, record_csv, review, set_device, set_link,
    smart_style, start, style,
};
use crate::refusal::Refusal;
use crate::register::{change_registration, end_registration, register, registration};
use crate::route::{Listed, Route, Rule, listed, routed};
use crate::state::AuthState;
use crate::token::token;

/// What apps ask for, from wherever they are.
const API: [Route<AuthState>; 10] = [
    Route {
        method: MethodFilter::POST,
        path: "/auth/token",
        rule: Rule::Client,
        serve: |method| on(method, token).fallback(async || Refusal::MethodNotAllowed),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/introspect",
        rule: Rule::Client,
        serve: |method| on(method, introspect).fallback(async || Refusal::MethodNotAllowed),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/revoke",
        rule: Rule::Client,
        serve: |method| on(method, revoke).fallback(async || Refusal::MethodNotAllowed),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/register",
        rule: Rule::Registrar,
        serve: |method| on(method, register).layer(DefaultBodyLimit::max(REGISTRATION_BYTES_MAX)),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/register/{client}",
        rule: Rule::Registered,
        serve: |method| on(method, registration),
    },
    Route {
        method: MethodFilter::PUT,
        path: "/auth/register/{client}",
        rule: Rule::Registered,
        serve: |method| {
            on(method, change_registration).layer(DefaultBodyLimit::max(REGISTRATION_BYTES_MAX))
        },
    },
    Route {
        method: MethodFilter::DELETE,
        path: "/auth/register/{client}",
        rule: Rule::Registered,
        serve: |method| on(method, end_registration),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/.well-known/openid-configuration",
        rule: Rule::Open,
        serve: |method| on(method, openid_configuration),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/jwks",
        rule: Rule::Open,
        serve: |method| on(method, jwks),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/smart-style.json",
        rule: Rule::Open,
        serve: |method| on(method, smart_style),
    },
];

/// What a person sees in a browser.
const PAGES: [Route<AuthState>; 24] = [
    Route {
        method: MethodFilter::GET,
        path: "/auth/authorize",
        rule: Rule::App,
        serve: |method| on(method, authorize),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/authorize",
        rule: Rule::App,
        serve: |method| on(method, authorize_by_form),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/login",
        rule: Rule::Form,
        serve: |method| on(method, login),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/external",
        rule: Rule::Away,
        serve: |method| on(method, external),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/callback",
        rule: Rule::Away,
        serve: |method| on(method, callback),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/link",
        rule: Rule::Open,
        serve: |method| on(method, link),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/link",
        rule: Rule::Form,
        serve: |method| on(method, set_link),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/factor",
        rule: Rule::Form,
        serve: |method| on(method, factor),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/device",
        rule: Rule::Open,
        serve: |method| on(method, device),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/device",
        rule: Rule::Form,
        serve: |method| on(method, set_device),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/logout",
        rule: Rule::Form,
        serve: |method| on(method, logout),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/patient",
        rule: Rule::Form,
        serve: |method| on(method, patient),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/consent",
        rule: Rule::Form,
        serve: |method| on(method, consent),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/launch",
        rule: Rule::Open,
        serve: |method| on(method, launch),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/launch",
        rule: Rule::Form,
        serve: |method| on(method, start),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/manage",
        rule: Rule::Open,
        serve: |method| on(method, manage),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/manage",
        rule: Rule::Form,
        serve: |method| on(method, change),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/break-glass",
        rule: Rule::Open,
        serve: |method| on(method, break_glass),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/break-glass",
        rule: Rule::Form,
        serve: |method| on(method, open_record),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/review",
        rule: Rule::Open,
        serve: |method| on(method, review),
    },
    Route {
        method: MethodFilter::POST,
        path: "/auth/review",
        rule: Rule::Form,
        serve: |method| on(method, judge),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/record",
        rule: Rule::Open,
        serve: |method| on(method, record),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/record.csv",
        rule: Rule::Open,
        serve: |method| on(method, record_csv),
    },
    Route {
        method: MethodFilter::GET,
        path: "/auth/style.css",
        rule: Rule::Open,
        serve: |method| on(method, style),
    },
];

/// The routes below `/auth`.
pub fn router(auth: AuthState) -> Router {
    let api = routed(&API).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)).layer(cors());
    let pages = routed(&PAGES).layer(DefaultBodyLimit::max(PAGE_FORM_BYTES_MAX));
    api.merge(pages).layer(from_fn(in_time)).with_state(auth)
}

/// Apps in browsers ask from any origin: they prove themselves by what they send, never by a cookie.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_secs(3600))
}

/// Whoever drips a form holds a connection no longer than this.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = timeout(Duration::from_secs(FORM_S_MAX), next.run(request)).await;
    answer.unwrap_or_else(|_| Refusal::TooSlow.into_response())
}

/// The list of them.
#[must_use]
pub fn routes() -> Vec<Listed> {
    [listed(&API), listed(&PAGES)].concat()
}
