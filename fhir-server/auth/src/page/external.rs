//! Signing in at another provider: there, and back; and once, which account here is whose.

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::{Error, Kind};
use serde::Deserialize;
use store::{AuditAction, Linked, NewExternal, SignedIn};
use telemetry::Emit;
use telemetry::event::AuthenticationFailed;

use crate::authorize::Wrong;
use crate::away::Away;
use crate::cookie::Browser;
use crate::page::login::end_of_another;
use crate::page::{Posted, Session, Stop, To, answer_wrong, enter, go, page};
use crate::peer::Peer;
use crate::record::Said;
use crate::refusals::Door;
use crate::state::{AuthState, Parts};

const LINK: &str = "/auth/link";

#[derive(Template)]
#[template(path = "link.html")]
struct Page<'a> {
    session: Session<'a>,
    provider: &'a str,
    shown: &'a str,
}

/// Where somebody wants to go.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    provider: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    request: String,
}

/// What a provider sends somebody back with.
#[derive(Deserialize)]
pub(crate) struct Returned {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// `GET /auth/external`: off to a provider.
pub(crate) async fn external(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    Query(wanted): Query<Wanted>,
) -> Response {
    answer_wrong(leaving(auth.parts(), address, &wanted).await)
}

async fn leaving(auth: &Parts, address: Option<IpAddr>, wanted: &Wanted) -> Result<Response, Stop> {
    let store = &auth.people()?.store;
    let provider = auth.providers.numbered(&wanted.provider).ok_or(Stop::Unreadable)?;
    let to = To::named(auth, &wanted.to, &wanted.request).await?;
    auth.throttles.by_departure(address).map_err(|_| {
        let text = "Too many people go there from here. Try again in a moment.";
        Error::new(Kind::TooManyRequests, text)
    })?;
    let away = Away::new(auth.endpoints.is_https())?;
    let mut leaving = away.leaving(auth.endpoints.callback());
    if let To::App(asked) = &to {
        (leaving.anew, leaving.max_age_s) = (asked.proof.anew, asked.proof.max_age_s);
    }
    let url = auth.providers.leave(provider, &leaving).await?;
    store.go_away(&away.digest(), &provider.issuer, &to.path()).await?;
    let mut response = go(&url, None)?;
    response.headers_mut().extend([away.header()]);
    Ok(response)
}

/// `GET /auth/callback`: back from a provider.
pub(crate) async fn callback(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Response {
    answer_wrong(coming(auth.parts(), address, &headers, returned).await)
}

async fn coming(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    returned: Returned,
) -> Result<Response, Stop> {
    let store = &auth.people()?.store;
    let lost = || Stop::Wrong(Wrong::Here("This browser is not waited for, or it took too long."));
    let away = Away::of(headers, auth.endpoints.is_https()).ok_or_else(lost)?;
    let leaving = away.leaving(auth.endpoints.callback());
    if returned.state.as_deref() != Some(&leaving.state) {
        return Err(lost());
    }
    let back = store.come_back(&away.digest()).await?.ok_or_else(lost)?;
    let provider = auth.providers.of_issuer(&back.issuer).ok_or_else(lost)?;
    let said = Said::new(auth, headers, address, AuditAction::LogIn);
    let refused = async |said: Said<'_>, why: &str| {
        AuthenticationFailed { door: "external", reason: "refused" }.emit();
        let detail = format!("external log-in at {}: {why}", provider.issuer);
        said.status(403).detail(detail).record_refused(Door::LogIn).await
    };
    // An answer of another provider, mixed in (RFC 9207).
    if returned.iss.is_some_and(|iss| iss != provider.issuer) {
        refused(said, "another issuer").await?;
        return Err(lost());
    }
    let code = match (returned.code, returned.error) {
        (Some(code), None) => code,
        _ => {
            refused(said, "no code").await?;
            return go(&back.path, None);
        }
    };
    let keys = &auth.client_keys;
    let identity = auth.providers.identify(keys, provider, leaving, &code, auth.clock.seconds());
    let identity = match identity.await {
        Ok(identity) => identity,
        Err(fault) => {
            refused(said, "not believed").await?;
            return Err(fault.into());
        }
    };
    let fresh = Browser::new(auth.endpoints.is_https())?;
    let open = store.begin().await?;
    let begun = open
        .begin_external(&NewExternal {
            issuer: &provider.issuer,
            subject: &identity.subject,
            digest: &fresh.digest(),
            proved_ago_s: identity.proved_ago_s,
        })
        .await?;
    if let Some(account) = begun {
        let account = open.account(account).await?;
        let detail = format!("external log-in at {}", provider.issuer);
        said.account(&account).detail(detail).record_in(&open).await?;
        let browser = Browser::of(headers, auth.endpoints.is_https())?;
        let before = Said::new(auth, headers, address, AuditAction::LogOut);
        end_of_another(&open, &browser, &account, before).await?;
        open.commit().await?;
        let mut response = go(&back.path, Some(&fresh))?;
        let (name, value) = away.gone();
        response.headers_mut().append(name, value);
        return Ok(response);
    }
    open.commit().await?; // There was nothing to keep.
    refused(said, "no account").await?;
    if store.is_linked(&provider.issuer, &identity.subject).await? {
        return Err(Stop::Wrong(Wrong::Here(
            "The account that is linked to this log-in is closed.",
        )));
    }
    store.keep_stranger(&away.digest(), &identity.subject, &identity.shown).await?;
    go(LINK, None)
}

/// `GET /auth/link`: whoever is back without an account signs in to one here, and is asked.
pub(crate) async fn link(State(auth): State<AuthState>, headers: HeaderMap) -> Response {
    answer_wrong(asking(auth.parts(), &headers).await)
}

async fn asking(auth: &Parts, headers: &HeaderMap) -> Result<Response, Stop> {
    let (browser, signed) = enter(auth, headers, "link").await?;
    let away = Away::of(headers, auth.endpoints.is_https()).ok_or_else(nobody)?;
    let stranger = auth.people()?.store.stranger(&away.digest()).await?.ok_or_else(nobody)?;
    let provider = auth.providers.of_issuer(&stranger.issuer).ok_or_else(nobody)?;
    let content = Page {
        session: Session::on("link", &browser, &signed.account),
        provider: &provider.name,
        shown: &stranger.shown,
    };
    page(&content, StatusCode::OK, None, None)
}

fn nobody() -> Stop {
    Stop::Wrong(Wrong::Here(
        "Nobody here has just come back from another provider without an account.",
    ))
}

/// `POST /auth/link`: the answer.
pub(crate) async fn set_link(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(linking(auth.parts(), address, &headers, &body).await)
}

async fn linking(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let store = &auth.people()?.store;
    let posted = Posted::read(auth, headers, body)?;
    let SignedIn { account, .. } = posted.by(auth, LINK).await?;
    let away = Away::of(headers, auth.endpoints.is_https()).ok_or_else(nobody)?;
    let open = store.begin().await?;
    match open.link_stranger(account.account, &away.digest()).await? {
        Linked::Yes(back) => {
            let said = Said::new(auth, headers, address, AuditAction::Accounts).account(&account);
            let detail =
                format!("account {}: external log-in at {} linked", account.sub, back.issuer);
            said.detail(detail).record_in(&open).await?;
            open.commit().await?;
            let mut response = go(&back.path, None)?;
            let (_, value) = away.gone();
            response.headers_mut().append(SET_COOKIE, value);
            Ok(response)
        }
        Linked::Taken => {
            open.commit().await?; // It is known no more who wanted it.
            Err(Stop::Wrong(Wrong::Here("This log-in is linked to another account.")))
        }
        Linked::Unknown => Err(nobody()),
    }
}
