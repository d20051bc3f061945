//! `POST /auth/token`: who asks, and by what grant.
//! <https://hl7.org/fhir/smart-app-launch/backend-services.html#obtain-access-token>

use std::net::IpAddr;
use std::sync::Arc;

use access::Scopes;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use canonical_model::Error;
use serde_json::json;
use store::AuditAction;
use telemetry::Emit;
use telemetry::event::AuthenticationFailed;

use crate::assertion;
use crate::claims::Claims;
use crate::client::Client;
use crate::exchange::{OVER, exchange, refresh};
use crate::form::{Credentials, Form};
use crate::limits::BACKEND_TOKEN_S;
use crate::peer::Peer;
use crate::record::Said;
use crate::refusal::{NO_STORE, Refusal, Refused, wording};
use crate::refusals::{Door, NOBODY};
use crate::secret::Secret;
use crate::state::{AuthState, Parts};

/// A token request, as far as grants care.
pub(crate) struct Asking<'a> {
    pub(crate) auth: &'a Parts,
    pub(crate) client: &'a Client,
    pub(crate) form: &'a Form<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) address: Option<IpAddr>,
}

/// Answers a token request.
pub(crate) async fn token(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = answer(auth.parts(), address, query, &headers, body).await;
    answer.inspect_err(told).into_response()
}

fn told(refusal: &Refusal) {
    if refusal.is_unproven() {
        AuthenticationFailed { door: "token", reason: refusal.word() }.emit();
    }
}

async fn answer(
    auth: &Parts,
    address: Option<IpAddr>,
    query: Option<String>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::InvalidRequest("Send parameters in the body: an address is logged"));
    }
    let body = body_of(body)?;
    let form = Form::read(headers, &body)?;
    let grant = form.get("grant_type").unwrap_or_default();
    match grant {
        "client_credentials" => {}
        "authorization_code" | "refresh_token" if auth.people.is_some() => {}
        "" => return Err(Refusal::InvalidRequest("grant_type is missing")),
        _ => return Err(Refusal::UnsupportedGrantType),
    }
    let client = match grant {
        "refresh_token" if !says_who(headers, &form) => {
            let holder = holder(auth, address, &form).await;
            recorded(auth, address, headers, holder).await?
        }
        _ => authenticate(auth, address, headers, &form).await?,
    };
    let asking = Asking { auth, client: &client, form: &form, headers, address };
    let outcome = match grant {
        "client_credentials" => for_itself(&asking).await,
        "refresh_token" => refresh(&asking).await,
        _ => exchange(&asking).await,
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(refused) => {
            let Refused { refusal, why, recorded } = refused;
            if refusal.is_denial() && !recorded {
                let said = Said::new(auth, headers, address, AuditAction::Token);
                let said = said.client(&client.id).status(refusal.status().as_u16());
                let why = why.as_deref().unwrap_or_else(|| refusal.sentence());
                // Whoever needs no secret to ask is nobody in particular.
                said.detail(format!("{grant}: {why}")).record_refused(Door::Client).await?;
            }
            Err(refusal)
        }
    }
}

/// Whether a request says who the client is.
fn says_who(headers: &HeaderMap, form: &Form<'_>) -> bool {
    let named = ["client_id", "client_secret"].into_iter().any(|name| form.get(name).is_some());
    named || headers.contains_key(AUTHORIZATION) || assertion::is_sent(form)
}

/// The client that a refresh token was given to, where the request has the token alone: nothing more is asked of who has
/// no secret (RFC 6749, section 6), and apps in browsers send no more.
async fn holder(
    auth: &Parts,
    address: Option<IpAddr>,
    form: &Form<'_>,
) -> Result<Arc<Client>, Refusal> {
    let sent = form.get("refresh_token");
    let sent = sent.ok_or(Refusal::InvalidRequest("refresh_token is missing"))?;
    // One that was made up costs no query.
    let (Some(people), Some(read)) = (&auth.people, auth.refresh.read(sent)) else {
        return Err(Refusal::InvalidGrant(OVER));
    };
    let id = people.store.client_of(read.approval, &read.salt).await?;
    let id = id.ok_or(Refusal::InvalidGrant(OVER))?;
    let taken = auth.throttles.by_token(&id, address);
    taken.map_err(|empty| Refusal::TooMany(empty.wait_s))?;
    let public = auth.clients.find(&id).await?.filter(|client| client.is_public());
    public.ok_or(Refusal::InvalidClient(BASIC))
}

/// The same, recorded where there is none.
async fn recorded(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    holder: Result<Arc<Client>, Refusal>,
) -> Result<Arc<Client>, Refusal> {
    if let Err(refusal) = &holder
        && (refusal.is_denial() || refusal.is_unproven())
    {
        let said = Said::new(auth, headers, address, AuditAction::Token).client(NOBODY);
        let said = said.status(refusal.status().as_u16());
        let said = said.detail("refresh_token: of no app that may show it alone".to_owned());
        said.record_refused(Door::Client).await?;
    }
    holder
}

/// What a client with a secret is asked for.
const BASIC: &str = "Send the client's id and secret by HTTP Basic";

/// The body, if it could be read.
pub(crate) fn body_of(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status().as_u16() {
        413 => Refusal::TooLarge,
        _ => Refusal::InvalidRequest("The body could not be read"),
    })
}

/// Who the client says it is, and what it shows for it.
struct Shown {
    id: String,
    secret: Option<Secret>,
    by_key: bool,
}

impl Shown {
    fn find(headers: &HeaderMap, form: &Form<'_>) -> Result<Self, Refusal> {
        let by_key = assertion::is_sent(form);
        if !by_key {
            let Credentials { client_id: id, secret } = Credentials::find(headers, form)?;
            return Ok(Self { id, secret, by_key });
        }
        if headers.contains_key(AUTHORIZATION) || form.get("client_secret").is_some() {
            let why = "Send an assertion or a secret, not both";
            return Err(Refusal::InvalidRequest(why));
        }
        Ok(Self { id: assertion::named(form)?, secret: None, by_key })
    }
}

/// The client that asks. One that does not show who it is is recorded.
pub(crate) async fn authenticate(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    form: &Form<'_>,
) -> Result<Arc<Client>, Refusal> {
    let (outcome, id) = match Shown::find(headers, form) {
        Ok(shown) => (proven(auth, address, &shown, form).await, Some(shown.id)),
        Err(refusal) => (Err(refusal), None),
    };
    let refusal = match outcome {
        Err(refusal) if refusal.is_unproven() => refusal,
        outcome => return outcome,
    };
    // What was typed there may be a secret: only a name that is a client's is written down.
    let known = match &id {
        Some(id) => auth.clients.find(id).await?,
        None => None,
    };
    let said = Said::new(auth, headers, address, AuditAction::Token);
    let said = said.client(known.as_ref().map_or(NOBODY, |client| &client.id));
    let said = said.status(refusal.status().as_u16());
    let detail = format!("client not proven: {}", refusal.sentence());
    said.detail(detail).record_refused(Door::Client).await?;
    Err(refusal)
}

async fn proven(
    auth: &Parts,
    address: Option<IpAddr>,
    shown: &Shown,
    form: &Form<'_>,
) -> Result<Arc<Client>, Refusal> {
    let Shown { id, secret, by_key } = shown;
    let taken = auth.throttles.by_token(id, address);
    taken.map_err(|empty| Refusal::TooMany(empty.wait_s))?;
    // Names that are nobody's are one suspect, or whoever makes up enough of them would fill what is counted.
    let name = auth.clients.find(id).await?.map_or_else(String::new, |client| client.id.clone());
    let (suspect, now_s) = (auth.throttle.suspect(&name, address), auth.clock.seconds());
    auth.throttle.admit(suspect, now_s).map_err(Refusal::Throttled)?;
    let known = match secret {
        Some(secret) => {
            let why = "No client has this id and secret";
            let known = auth.clients.authenticate(id, secret).await?;
            known.ok_or(Refusal::InvalidClient(why))
        }
        None if *by_key => prove(auth, id, form).await,
        // Who proves nothing has guessed nothing.
        None => {
            let known = auth.clients.find(id).await?;
            let public = known.filter(|client| client.is_public());
            return public.ok_or(Refusal::InvalidClient(BASIC));
        }
    };
    match &known {
        Ok(_) => auth.throttle.succeeded(suspect),
        Err(Refusal::InvalidClient(_) | Refusal::WrongAssertion(_)) => {
            auth.throttle.failed(suspect, now_s);
        }
        Err(_) => {}
    }
    known
}

async fn prove(auth: &Parts, id: &str, form: &Form<'_>) -> Result<Arc<Client>, Refusal> {
    let client = auth.clients.find(id).await?;
    let client = client.ok_or(Refusal::WrongAssertion("no client has this id"))?;
    assertion::prove(auth, &client, form).await.map(|()| client)
}

/// The client credentials grant.
async fn for_itself(asking: &Asking<'_>) -> Result<Response, Refused> {
    let Asking { auth, client, form, headers, address } = *asking;
    if client.is_public() {
        let why = "A client without a secret acts for nobody but the user who signed in";
        return Err(Refusal::UnauthorizedClient(why).into());
    }
    let scopes = granted(client, form.get("scope"))?;
    let claims = Claims::of_client(auth, client, &scopes)?;
    let body = json!({
        "access_token": claims.signed(auth)?,
        "token_type": "bearer",
        "expires_in": BACKEND_TOKEN_S,
        "scope": claims.scope,
    });
    let said = Said::new(auth, headers, address, AuditAction::Token).client(&client.id);
    said.token(&claims.jti)
        .detail(format!("client_credentials: {}", claims.scope))
        .record()
        .await?;
    Ok((NO_STORE, Json(body)).into_response())
}

/// What the client asks, narrowed to what it is registered for; all of that where it asks nothing.
/// No user is there, so only `system/` scopes are granted.
fn granted(client: &Client, asked: Option<&str>) -> Result<Scopes, Refusal> {
    let refused = |error: Error| Refusal::InvalidScope(wording(&error).to_owned());
    let system = Scopes::parse("system/*.cruds").map_err(refused)?;
    let allowed = client.scopes.narrowed_to(&system);
    let granted = match asked {
        Some(asked) => Scopes::parse(asked).map_err(refused)?.narrowed_to(&allowed),
        None => allowed,
    };
    if granted.is_empty() {
        let why = "The client is registered for none of these scopes; without a user they begin with system/";
        return Err(Refusal::InvalidScope(why.to_owned()));
    }
    Ok(granted)
}
