//! What a client can find out before it has a token.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::state::{AuthState, Endpoints};

/// The document at `[base]/.well-known/smart-configuration`; names what exists and nothing else.
/// <https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known>
///
/// `people` says whether somebody can sign in.
#[must_use]
pub fn smart_configuration(endpoints: &Endpoints, people: bool) -> Value {
    let mut known = for_programs(endpoints);
    if let (true, Some(known), Some(more)) =
        (people, known.as_object_mut(), for_people(endpoints).as_object())
    {
        known.extend(more.clone());
    }
    known
}

fn for_people(endpoints: &Endpoints) -> Value {
    json!({
        "authorization_endpoint": endpoints.authorize(),
        "response_types_supported": ["code"],
        "introspection_endpoint": endpoints.introspect(),
        "revocation_endpoint": endpoints.revoke(),
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "scopes_supported": [
            "launch/patient", "offline_access", "online_access", "patient/*.cruds", "user/*.cruds", "system/*.cruds",
            "patient/*.read", "patient/*.write", "patient/*.*", "user/*.read", "user/*.write", "user/*.*",
            "system/*.read", "system/*.write", "system/*.*",
        ],
        "capabilities": [
            "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
            "context-standalone-patient", "permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1",
            "permission-v2",
        ],
    })
}

fn for_programs(endpoints: &Endpoints) -> Value {
    json!({
        "token_endpoint": endpoints.token(),
        "jwks_uri": endpoints.jwks(),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["system/*.cruds", "system/*.read", "system/*.write", "system/*.*"],
        // Demanded of every server; it binds no grant that is offered yet.
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-symmetric", "permission-v1", "permission-v2"],
    })
}

/// `GET /auth/jwks`: the public keys that tokens are signed with (RFC 7517).
pub(crate) async fn jwks(State(auth): State<AuthState>) -> impl IntoResponse {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(json!({ "keys": [auth.parts().key.jwk()] })))
}
