//! `POST /auth/register`: an app says what it is, and gets an id (RFC 7591). Off, unless the operator says by whom.
//! <https://www.rfc-editor.org/rfc/rfc7591>

mod denial;
mod metadata;
mod own;

use std::net::IpAddr;

use access::Scopes;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use store::{AuditAction, RegisteredBy};

use self::denial::Denial;
use self::metadata::Metadata;
use self::own::with_access;
pub(crate) use self::own::{RegistrationKey, change_registration, end_registration, registration};
use crate::bearer::bearer;
use crate::client_form::FormProof;
use crate::client_keys::Keys;
use crate::peer::Peer;
use crate::record::Said;
use crate::refusal::NO_STORE;
use crate::refusals::{Door, NOBODY};
use crate::secret::{Secret, SecretHash, random_text};
use crate::state::{AuthState, Parts};

/// Who may register apps.
#[derive(Clone, Debug, Default)]
pub enum Register {
    /// Nobody.
    #[default]
    Off,
    /// Whoever has one of these tokens.
    Token(Vec<SecretHash>),
    /// Everybody.
    Open,
}

/// What is told about registration.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// Who may register apps.
    pub by: Register,
    /// The most that such an app may be granted.
    pub scopes: Scopes,
}

impl Registration {
    /// Whether anybody may.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(self.by, Register::Off)
    }
}

/// Answers a registration.
pub(crate) async fn register(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    answer(auth.parts(), address, &headers, body).await.into_response()
}

async fn answer(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Denial> {
    let Registration { by, scopes } = &auth.registration;
    let (true, Some(people)) = (auth.registration.is_on(), &auth.people) else {
        return Err(Denial::Off);
    };
    // Whether it succeeds or not: each is a guess at a token, or a row.
    let (suspect, now_s) = (auth.newcomers.suspect(DOOR, address), auth.clock.seconds());
    auth.newcomers.admit(suspect, now_s).map_err(Denial::Throttled)?;
    auth.newcomers.failed(suspect, now_s);
    let by = match admitted(by, headers) {
        Ok(by) => by,
        Err(denial) => {
            let said = Said::new(auth, headers, address, AuditAction::Accounts).client(NOBODY);
            let said = said.status(401).detail("a registration without its token".to_owned());
            said.record_refused(Door::Registration).await?;
            return Err(denial);
        }
    };
    let body = body_of(headers, body)?;
    let judged = Metadata::read(&body)?.judge(random_text()?, scopes, by)?;
    expect_keys(auth, &judged.form.proof)?;
    let form = &judged.form;
    let open = people.store.begin().await?;
    let secret = form.create(&open).await?;
    let said = Said::new(auth, headers, address, AuditAction::Accounts).client(&form.id);
    let redirects = form.redirects.join(" ");
    let whose = match form.by {
        RegisteredBy::Operator => "by an operator",
        RegisteredBy::Token => "with a token",
        RegisteredBy::Itself => "by itself",
    };
    let detail = format!("client {} registered {whose}: {}; {redirects}", form.id, form.scope);
    said.status(201).detail(detail).record_in(&open).await?;
    open.commit().await?;
    auth.clients.forget(&form.id);
    let answer = with_access(auth, judged.answer(secret, now_s));
    Ok((StatusCode::CREATED, NO_STORE, Json(answer)).into_response())
}

/// The body, if it could be read and is JSON.
fn body_of(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Bytes, Denial> {
    let body = body.map_err(|rejection| match rejection.status().as_u16() {
        413 => Denial::TooLarge,
        _ => Denial::metadata("The body could not be read"),
    })?;
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    match media.eq_ignore_ascii_case("application/json") {
        true => Ok(body),
        false => Err(Denial::metadata("Send application/json")),
    }
}

/// What registrations of one place are counted under.
const DOOR: &str = "a registration";

fn admitted(by: &Register, headers: &HeaderMap) -> Result<RegisteredBy, Denial> {
    match by {
        Register::Off => Err(Denial::Off),
        Register::Open if !headers.contains_key(AUTHORIZATION) => Ok(RegisteredBy::Itself),
        // Who sends a token where none is asked for means another server.
        Register::Open => Err(Denial::Token),
        Register::Token(known) => {
            let sent = bearer(headers).map_err(|_| Denial::Token)?;
            let sent = Secret::new(sent.to_owned());
            match known.iter().any(|kept| kept.matches(&sent)) {
                true => Ok(RegisteredBy::Token),
                false => Err(Denial::Token),
            }
        }
    }
}

/// Keys that could not be used are refused now, not when somebody waits for a token.
fn expect_keys(auth: &Parts, proof: &FormProof) -> Result<(), Denial> {
    match proof {
        FormProof::Nothing | FormProof::Secret => Ok(()),
        FormProof::Keys(keys) => Keys::inline(&keys.to_string()).map(drop).map_err(Denial::from),
        FormProof::KeysAt(url) => {
            let called = |door: &outbound::Outbound| door.expect(url).is_ok();
            match url.starts_with("https://") && auth.client_keys.door().is_some_and(called) {
                true => Ok(()),
                false => Err(Denial::metadata("jwks_uri must be a URL by https of a public host")),
            }
        }
    }
}
