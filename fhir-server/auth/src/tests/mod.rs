//! Tables of requests and tokens, on one small authorization server with a clock of its own.

mod bearer;
mod discovery;
mod keys;
mod requests;
mod secrets;
mod tokens;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::DateTime;
use http_body_util::BodyExt;
use serde_json::Value;
use telemetry::{Clock, Ticks};
use tower::ServiceExt;

use crate::{
    AuthState, ClientConfig, Clients, Endpoints, Keyring, Nothing, Rates, Registration,
    Revocations, Secret, SecretHash, Services, SigningKey, Throttles, router,
};

/// Seconds since 1970 at which every test begins.
pub(super) const START_S: i64 = 1_800_000_000;

pub(super) fn client(id: &str, secret: &str, scope: &str) -> ClientConfig {
    let secret = SecretHash::of(&Secret::new(secret.into())).unwrap();
    let (id, secret, scope) = (id.into(), Some(secret), scope.into());
    ClientConfig { id, secret, scope, ..ClientConfig::default() }
}

pub(super) fn clients() -> Clients {
    let configs = vec![
        ClientConfig::demo().unwrap(),
        client("reader", "reader secret:&=+%", "system/Patient.rs openid"),
        client("person", "person-secret", "user/*.cruds"),
    ];
    Clients::configure(configs, |site| (site == "local").then_some(7)).unwrap()
}

pub(super) fn server_with(revocations: Arc<dyn Revocations>) -> (AuthState, Clock) {
    let clock = Clock::manual(DateTime::from_timestamp(START_S, 0).unwrap());
    let endpoints = Endpoints::new("https://fhir.example.org/");
    let keys = Keyring::alone(SigningKey::generate().unwrap(), None);
    let throttles = Throttles::new(Rates::default(), Ticks::manual());
    let services = Services {
        endpoints,
        clients: clients(),
        registration: Registration::default(),
        providers: Vec::new(),
        keys,
        clock: clock.clone(),
        revocations,
        throttles,
        people: None,
        auditor: None,
        outbound: None,
    };
    (AuthState::new(services), clock)
}

pub(super) fn server() -> (AuthState, Clock) {
    server_with(Arc::new(Nothing))
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }
}

pub(super) async fn send(auth: &AuthState, request: Request<Body>) -> Answer {
    let response = router(auth.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A token request with this form; `basic` is `id:secret`, form-encoded already.
pub(super) async fn ask(auth: &AuthState, basic: Option<&str>, form: &str) -> Answer {
    use base64::Engine;
    let mut request =
        Request::post("/auth/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(basic) = basic {
        let coded = base64::prelude::BASE64_STANDARD.encode(basic);
        request = request.header("authorization", format!("Basic {coded}"));
    }
    send(auth, request.body(Body::from(form.to_owned())).unwrap()).await
}

/// A token of the demo's client.
pub(super) async fn demo_token(auth: &AuthState) -> String {
    let answer = ask(auth, Some("dev-backend:dev-secret"), "grant_type=client_credentials").await;
    answer.text("access_token").to_owned()
}
