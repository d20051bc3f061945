//! What a client can find out before it has a token: names what works, and nothing else.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::state::{AuthState, Endpoints};

/// How a client may prove itself, and the algorithms of its signatures.
const PROOFS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
/// See [`crate::assertion`].
const ALGORITHMS: [&str; 2] = ["RS384", "ES384"];

/// The document at `[base]/.well-known/smart-configuration`.
/// <https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known>
///
/// `people` says whether somebody can sign in, `register` whether apps may register.
#[must_use]
pub fn smart_configuration(endpoints: &Endpoints, people: bool, register: bool) -> Value {
    let mut known = object(json!({
        "token_endpoint": endpoints.token(),
        "jwks_uri": endpoints.jwks(),
        "grant_types_supported": grants(people),
        "token_endpoint_auth_methods_supported": proofs(people),
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "scopes_supported": scopes(people),
        // Demanded of every server, also where it binds no grant.
        "code_challenge_methods_supported": ["S256"],
        "capabilities": capabilities(people),
    }));
    if people {
        known.extend(object(json!({
            "issuer": endpoints.issuer(),
            "authorization_endpoint": endpoints.authorize(),
            "authorization_response_iss_parameter_supported": true,
            "introspection_endpoint": endpoints.introspect(),
            "revocation_endpoint": endpoints.revoke(),
            "management_endpoint": endpoints.manage(),
            "response_types_supported": ["code"],
        })));
    }
    if people && register {
        known.insert("registration_endpoint".to_owned(), json!(endpoints.register()));
    }
    Value::Object(known)
}

/// The document of OpenID Connect, at `[issuer]/.well-known/openid-configuration`.
/// <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>
fn openid(endpoints: &Endpoints, register: bool) -> Value {
    let mut known = json!({
        "issuer": endpoints.issuer(),
        "authorization_endpoint": endpoints.authorize(),
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint": endpoints.token(),
        "introspection_endpoint": endpoints.introspect(),
        "revocation_endpoint": endpoints.revoke(),
        "jwks_uri": endpoints.jwks(),
        "scopes_supported": scopes(true),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants(true),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [crate::id_key::ALG],
        "token_endpoint_auth_methods_supported": proofs(true),
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser"],
        "claims_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    if register && let Some(members) = known.as_object_mut() {
        members.insert("registration_endpoint".to_owned(), json!(endpoints.register()));
    }
    known
}

fn grants(people: bool) -> Vec<&'static str> {
    let all = ["client_credentials", "authorization_code", "refresh_token"];
    all.into_iter().take(if people { 3 } else { 1 }).collect()
}

fn proofs(people: bool) -> Vec<&'static str> {
    // Apps that can keep no secret prove nothing.
    PROOFS.into_iter().chain(people.then_some("none")).collect()
}

fn scopes(people: bool) -> Vec<&'static str> {
    let system = ["system/*.cruds", "system/*.read", "system/*.write", "system/*.*"];
    let others = [
        "openid",
        "fhirUser",
        "launch",
        "launch/patient",
        "offline_access",
        "online_access",
        "patient/*.cruds",
        "patient/*.read",
        "patient/*.write",
        "patient/*.*",
        "user/*.cruds",
        "user/*.read",
        "user/*.write",
        "user/*.*",
    ];
    others.into_iter().filter(|_| people).chain(system).collect()
}

fn capabilities(people: bool) -> Vec<&'static str> {
    let programs = [
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "permission-v1",
        "permission-v2",
    ];
    let others = [
        "launch-standalone",
        "launch-ehr",
        "authorize-post",
        "client-public",
        "sso-openid-connect",
        "context-standalone-patient",
        "context-ehr-patient",
        "context-ehr-encounter",
        "context-banner",
        "context-style",
        "permission-offline",
        "permission-online",
        "permission-patient",
        "permission-user",
    ];
    others.into_iter().filter(|_| people).chain(programs).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `GET /auth/.well-known/openid-configuration`.
pub(crate) async fn openid_configuration(State(auth): State<AuthState>) -> Response {
    match auth.parts().people {
        Some(_) => {
            let known = Json(openid(&auth.parts().endpoints, auth.parts().registration.is_on()));
            ([(CACHE_CONTROL, "public, max-age=300")], known).into_response()
        }
        None => Refusal::Unavailable.into_response(),
    }
}

/// `GET /auth/jwks`: the public keys that tokens are signed with (RFC 7517).
pub(crate) async fn jwks(State(auth): State<AuthState>) -> Result<Response, Refusal> {
    let auth = auth.parts();
    if auth.people.is_some() {
        auth.keys.identity().await?; // So that it is there before the first of its tokens.
    }
    // Less than a key is announced before it signs.
    let caching = [(CACHE_CONTROL, "public, max-age=300")];
    Ok((caching, Json(json!({ "keys": auth.keys.ring().published }))).into_response())
}
