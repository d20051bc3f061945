//! `/auth/register/{client}`: an app that registered looks at what it said of itself, says something else, or goes
//! (RFC 7592). It shows the token that it got when it registered, which is for that alone.
//! <https://www.rfc-editor.org/rfc/rfc7592>

use std::net::IpAddr;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use store::{AuditAction, KeptClient, RegisteredBy};

use super::denial::Denial;
use super::metadata::{Metadata, described};
use super::{body_of, expect_keys};
use crate::bearer::bearer;
use crate::client::is_legal;
use crate::peer::Peer;
use crate::people::People;
use crate::record::Said;
use crate::refusal::NO_STORE;
use crate::refusals::{Door, NOBODY};
use crate::secret::{Secret, SecretHash};
use crate::state::{AuthState, Parts};

/// What tokens of registrations are made and known by. None is kept: each follows from its app's id, which is never
/// given to another.
pub(crate) struct RegistrationKey(Key);

impl RegistrationKey {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The token of an app.
    pub(super) fn write(&self, client: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(sign(&self.0, said_of(client).as_bytes()))
    }

    fn knows(&self, client: &str, token: &str) -> bool {
        let sent = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        verify(&self.0, said_of(client).as_bytes(), &sent).is_ok()
    }
}

/// What tries at registrations of others are counted under.
const DOOR: &str = "a registration that is there";

fn said_of(client: &str) -> String {
    format!("registration {client}")
}

/// One request of an app about itself.
struct Own<'a> {
    auth: &'a Parts,
    people: &'a People,
    headers: &'a HeaderMap,
    address: Option<IpAddr>,
    kept: KeptClient,
}

/// `GET`: what it said of itself.
pub(crate) async fn registration(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    Path(client): Path<String>,
    headers: HeaderMap,
) -> Response {
    shown(auth.parts(), address, &headers, &client).await.into_response()
}

async fn shown(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    client: &str,
) -> Result<Response, Denial> {
    let own = Own::of(auth, address, headers, client).await?;
    own.said("looked at").record_refused(Door::OwnRegistration).await?;
    Ok(own.answer(described(&own.kept)))
}

/// `PUT`: it says something else, in place of all that it said.
pub(crate) async fn change_registration(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    Path(client): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    changed(auth.parts(), address, &headers, &client, body).await.into_response()
}

async fn changed(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    client: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Denial> {
    let own = Own::of(auth, address, headers, client).await?;
    let body = body_of(headers, body)?;
    own.expect_itself(&body)?;
    let allowed = &auth.registration.scopes;
    let judged = Metadata::read(&body)?.judge(client.to_owned(), allowed, own.kept.by)?;
    expect_keys(auth, &judged.form.proof)?;
    let open = own.people.store.begin().await?;
    let (kept, secret) = judged.form.update(&open, &own.kept).await?;
    let redirects = kept.redirects.join(" ");
    let what = format!("changed: {}; {redirects}", kept.scopes);
    own.said(&what).record_in(&open).await?;
    open.commit().await?;
    auth.clients.forget(client);
    Ok(own.answer(judged.answer(secret, kept.made_at.timestamp())))
}

/// `DELETE`: it goes, with what people gave to it.
pub(crate) async fn end_registration(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    Path(client): Path<String>,
    headers: HeaderMap,
) -> Response {
    ended(auth.parts(), address, &headers, &client).await.into_response()
}

async fn ended(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    client: &str,
) -> Result<Response, Denial> {
    let own = Own::of(auth, address, headers, client).await?;
    let open = own.people.store.begin().await?;
    open.delete_client(client).await?;
    own.said("deleted").status(204).record_in(&open).await?;
    open.commit().await?;
    auth.clients.forget(client);
    Ok((StatusCode::NO_CONTENT, NO_STORE).into_response())
}

impl<'a> Own<'a> {
    /// Whoever shows the token of an app that registered, and is not disabled.
    async fn of(
        auth: &'a Parts,
        address: Option<IpAddr>,
        headers: &'a HeaderMap,
        client: &str,
    ) -> Result<Self, Denial> {
        let (true, Some(people)) = (auth.registration.is_on(), &auth.people) else {
            return Err(Denial::Off);
        };
        let (suspect, now_s) = (auth.newcomers.suspect(DOOR, address), auth.clock.seconds());
        auth.newcomers.admit(suspect, now_s).map_err(Denial::Throttled)?;
        let known = bearer(headers).is_ok_and(|token| auth.registrations.knows(client, token));
        let kept = match known && is_legal(client) {
            true => people.store.client(client).await?,
            false => None,
        };
        let kept = kept.filter(|kept| !kept.disabled && kept.by != RegisteredBy::Operator);
        if let Some(kept) = kept {
            return Ok(Self { auth, people, headers, address, kept });
        }
        auth.newcomers.failed(suspect, now_s);
        let said = Said::new(auth, headers, address, AuditAction::Accounts).client(NOBODY);
        let said = said.status(401).detail("a registration by another token".to_owned());
        said.record_refused(Door::Registration).await?;
        Err(Denial::Own)
    }

    fn said(&self, what: &str) -> Said<'_> {
        let id = &self.kept.client;
        let said = Said::new(self.auth, self.headers, self.address, AuditAction::Accounts);
        said.client(id).detail(format!("client {id}, by itself: {what}"))
    }

    /// What it says of who it is must be so, and what only we say it must leave out (RFC 7592, section 2.2).
    fn expect_itself(&self, body: &[u8]) -> Result<(), Denial> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if text("client_id") != Some(&self.kept.client) {
            return Err(Denial::metadata("client_id must be the one of this registration"));
        }
        let ours = [
            "registration_access_token",
            "registration_client_uri",
            "client_secret_expires_at",
            "client_id_issued_at",
        ];
        if ours.iter().any(|name| body.get(name).is_some()) {
            let text = "Leave out registration_access_token, registration_client_uri, client_secret_expires_at and client_id_issued_at";
            return Err(Denial::metadata(text));
        }
        let Some(sent) = body.get("client_secret") else { return Ok(()) };
        let sent = sent.as_str().map(|sent| Secret::new(sent.to_owned()));
        let kept = self.kept.secret.as_deref().map(SecretHash::parse).transpose()?;
        match (kept, sent) {
            (Some(kept), Some(sent)) if kept.matches(&sent) => Ok(()),
            _ => Err(Denial::metadata("client_secret is not the one of this registration")),
        }
    }

    fn answer(&self, told: Value) -> Response {
        (NO_STORE, Json(with_access(self.auth, told))).into_response()
    }
}

/// What an app is told, with how it gets at its registration from now on: by which token, and where.
pub(super) fn with_access(auth: &Parts, mut told: Value) -> Value {
    let client = told.get("client_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(members) = told.as_object_mut() {
        let token = auth.registrations.write(&client);
        members.insert("registration_access_token".to_owned(), token.into());
        let url = format!("{}/{client}", auth.endpoints.register());
        members.insert("registration_client_uri".to_owned(), url.into());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_app() {
        let key = RegistrationKey::new(&[1; 32]);
        let token = key.write("a");
        assert!(key.knows("a", &token));
        for (client, token) in [("b", token.as_str()), ("a", ""), ("a", "AAAA"), ("a", "\u{e4}")] {
            assert!(!key.knows(client, token), "{client} {token}");
        }
        assert!(!RegistrationKey::new(&[2; 32]).knows("a", &token));
    }
}
