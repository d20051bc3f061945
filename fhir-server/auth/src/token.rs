//! `POST /auth/token`: the client credentials grant.
//! <https://hl7.org/fhir/smart-app-launch/backend-services.html#obtain-access-token>

use std::net::{IpAddr, SocketAddr};

use access::Scopes;
use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use canonical_model::Error;
use jsonwebtoken::{Algorithm, Header, encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::Emit;
use telemetry::event::AuthenticationFailed;
use tracing::debug;

use crate::client::Client;
use crate::form::{Credentials, Form};
use crate::limits::BACKEND_TOKEN_S;
use crate::refusal::{NO_STORE, Refusal, wording};
use crate::secret::random_text;
use crate::state::{AuthState, Parts};

/// `typ` of an access token (RFC 9068): no other token of this key can pass for one.
pub(crate) const TYPE: &str = "at+jwt";

/// The claims of an access token (RFC 9068), with SMART's launch context. Times are in seconds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) exp: i64,
    pub(crate) nbf: i64,
    pub(crate) iat: i64,
    pub(crate) jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patient: Option<String>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub(crate) fhir_user: Option<String>,
    /// Names of roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    /// Ids of Organization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) orgs: Vec<String>,
    /// Purpose of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pou: Option<String>,
    /// The authorization that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<i64>,
    #[serde(rename = "gen", default, skip_serializing_if = "GenerationsClaim::is_none")]
    pub(crate) generations: GenerationsClaim,
}

/// The generations that a token was issued under; left out where both are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenerationsClaim {
    #[serde(default)]
    pub(crate) account: i32,
    #[serde(default)]
    pub(crate) client: i32,
}

impl GenerationsClaim {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Answers a token request.
pub(crate) async fn token(
    State(auth): State<AuthState>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let address = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let answer = answer(auth.parts(), address, query, &headers, body);
    answer.inspect_err(told).into_response()
}

fn told(refusal: &Refusal) {
    if matches!(refusal, Refusal::InvalidClient(_) | Refusal::Throttled(_)) {
        AuthenticationFailed { door: "token", reason: refusal.word() }.emit();
    }
}

fn answer(
    auth: &Parts,
    address: Option<IpAddr>,
    query: Option<String>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::InvalidRequest("Send parameters in the body: an address is logged"));
    }
    let body = body.map_err(|rejection| match rejection.status().as_u16() {
        413 => Refusal::TooLarge,
        _ => Refusal::InvalidRequest("The body could not be read"),
    })?;
    let form = Form::read(headers, &body)?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::InvalidRequest("grant_type is missing")),
    }
    let client = authenticate(auth, address, headers, &form)?;
    let scopes = granted(client, form.get("scope"))?;
    issue(auth, client, &scopes).map_err(Refusal::ServerError)
}

fn authenticate<'a>(
    auth: &'a Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    form: &Form<'_>,
) -> Result<&'a Client, Refusal> {
    let sent = Credentials::find(headers, form)?;
    let taken = auth.throttles.by_token(&sent.client_id, address);
    taken.map_err(|empty| Refusal::TooMany(empty.wait_s))?;
    let (suspect, now_s) = (auth.throttle.suspect(&sent.client_id, address), auth.clock.seconds());
    auth.throttle.admit(suspect, now_s).map_err(Refusal::Throttled)?;
    match auth.clients.authenticate(&sent.client_id, &sent.secret) {
        Some(client) => {
            auth.throttle.succeeded(suspect);
            Ok(client)
        }
        None => {
            auth.throttle.failed(suspect, now_s);
            Err(Refusal::InvalidClient("No client has this id and secret"))
        }
    }
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

fn issue(auth: &Parts, client: &Client, scopes: &Scopes) -> Result<Response, Error> {
    let now_s = auth.clock.seconds();
    let claims = Claims {
        iss: auth.endpoints.issuer(),
        sub: client.id.clone(),
        aud: auth.endpoints.fhir(),
        client_id: client.id.clone(),
        scope: scopes.to_string(),
        exp: now_s + BACKEND_TOKEN_S,
        nbf: now_s,
        iat: now_s,
        jti: random_text()?,
        patient: None,
        fhir_user: None,
        roles: Vec::new(),
        orgs: Vec::new(),
        pou: None,
        grant: None,
        generations: GenerationsClaim::default(),
    };
    let header = Header {
        typ: Some(TYPE.to_owned()),
        kid: Some(auth.key.kid().to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    let token = encode(&header, &claims, auth.key.encoding()).map_err(Error::internal)?;
    debug!(client = client.id, token.id = claims.jti, scope = ?scopes, "Token issued.");
    let body = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": BACKEND_TOKEN_S,
        "scope": claims.scope,
    });
    Ok((NO_STORE, Json(body)).into_response())
}
