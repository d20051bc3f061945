//! `POST /auth/introspect` (RFC 7662): what a token is good for. And `POST /auth/revoke` (RFC 7009): that it is over.
//! <https://hl7.org/fhir/smart-app-launch/token-introspection.html>

use std::net::IpAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use store::{AuditAction, Refresh};

use crate::form::Form;
use crate::peer::Peer;
use crate::record::Said;
use crate::refusal::{NO_STORE, Refusal};
use crate::refusals::Door;
use crate::state::{AuthState, Parts};
use crate::token::{authenticate, body_of};
use crate::verifier::Known;

/// Tells a client that can keep a secret what a token that it holds is good for.
pub(crate) async fn introspect(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    told(auth.parts(), address, &headers, body).await.into_response()
}

async fn told(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body_of(body)?;
    let form = Form::read(headers, &body)?;
    let client = authenticate(auth, address, headers, &form).await?;
    if client.is_public() {
        let why = "Only a client that proves who it is may ask what a token is good for";
        let refusal = Refusal::InvalidClient(why);
        let said = Said::new(auth, headers, address, AuditAction::Introspection).client(&client.id);
        let said = said.status(refusal.status().as_u16());
        said.detail(format!("client not proven: {why}")).record_refused(Door::Client).await?;
        return Err(refusal);
    }
    let token = form.get("token").ok_or(Refusal::InvalidRequest("token is missing"))?;
    let said = Said::new(auth, headers, address, AuditAction::Introspection).client(&client.id);
    let answer = match active(auth, token).await? {
        Some(Active { members, token }) => {
            said.detail(token).record().await?;
            Value::Object(members)
        }
        None => {
            let said = said.detail("no token that is good".to_owned());
            said.record_refused(Door::Client).await?;
            json!({ "active": false })
        }
    };
    Ok((NO_STORE, Json(answer)).into_response())
}

/// A token that is good.
struct Active {
    members: Map<String, Value>,
    /// Which, for the record.
    token: String,
}

/// What is said of a token that is good; `None` for any other, whatever is wrong with it.
async fn active(auth: &Parts, token: &str) -> Result<Option<Active>, Refusal> {
    if let Some(known) = auth.verifier().known(token)? {
        let grant = known.caller.grant;
        let token = format!("access token {}", known.caller.token_id);
        let mut members = of_access(known);
        if let (Some(people), Some(grant)) = (&auth.people, grant) {
            members.extend(beside(people.store.context(grant).await?));
        }
        return Ok(Some(Active { members, token }));
    }
    let (Some(people), Some(read)) = (&auth.people, auth.refresh.read(token)) else {
        return Ok(None);
    };
    let shown = Refresh {
        approval: read.approval,
        seq: read.seq,
        salt: &read.salt,
        client: "",
        idles: false,
    };
    let Some(approval) = people.store.refreshable(&shown).await? else { return Ok(None) };
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("active", json!(true));
    put("scope", json!(approval.scopes));
    put("client_id", json!(approval.client));
    put("sub", json!(approval.sub));
    put("iss", json!(auth.endpoints.issuer()));
    put("exp", json!(auth.clock.seconds() + approval.left_s));
    if let Some(patient) = &approval.patient {
        put("patient", json!(patient));
    }
    members.extend(beside(approval.context));
    let token = format!("refresh token of authorization {}", approval.approval);
    Ok(Some(Active { members, token }))
}

/// What the app was told beside the patient when it got its token.
fn beside(context: Value) -> Map<String, Value> {
    match context {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn of_access(known: Known) -> Map<String, Value> {
    let caller = &known.caller;
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("active", json!(true));
    put("scope", json!(caller.scopes.to_string()));
    put("client_id", json!(caller.client_id));
    put("token_type", json!("Bearer"));
    put("exp", json!(known.exp));
    put("iss", json!(known.iss));
    put("sub", json!(caller.subject.as_ref().unwrap_or(&caller.client_id)));
    if let Some(patient) = &caller.patient {
        put("patient", json!(patient.as_str()));
    }
    if let Some(user) = known.fhir_user {
        put("fhirUser", json!(user));
    }
    members
}

/// Ends a token, as the client that has it asks: a refresh token with all that came of its authorization, an access
/// token alone. Of what is no token of the client nothing is said.
pub(crate) async fn revoke(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    ended(auth.parts(), address, &headers, body).await.into_response()
}

async fn ended(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body_of(body)?;
    let form = Form::read(headers, &body)?;
    let client = authenticate(auth, address, headers, &form).await?;
    let token = form.get("token").ok_or(Refusal::InvalidRequest("token is missing"))?;
    let Some(people) = &auth.people else { return Err(Refusal::Unavailable) };
    let said = Said::new(auth, headers, address, AuditAction::Revocation).client(&client.id);
    let open = people.store.begin().await?;
    let (did, said) = if let Some(read) = auth.refresh.read(token) {
        let did = open.revoke_approval(read.approval, &client.id).await?;
        (did, said.detail(format!("authorization {}", read.approval)))
    } else if let Some(known) = auth.verifier().known(token)?
        && known.caller.client_id == client.id
    {
        open.revoke_token(&known.caller.token_id).await?;
        (true, said.token(&known.caller.token_id).detail("access token".to_owned()))
    } else {
        (false, said.detail("no token of this client".to_owned()))
    };
    if did {
        said.record_in(&open).await?;
        open.commit().await?;
    } else {
        open.commit().await?; // There was nothing to keep.
        said.record_refused(Door::Client).await?;
    }
    Ok((StatusCode::OK, NO_STORE).into_response())
}
