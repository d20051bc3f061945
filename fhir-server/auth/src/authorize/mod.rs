//! `GET` and `POST /auth/authorize`: where an app sends a person to say what it may have.
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-authorization-code>

mod asked;
mod grant;
mod part;

use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

pub(crate) use asked::{Asked, Wrong};
pub use grant::expect_offered;
pub(crate) use grant::{About, Grantable, OFFLINE, OPENID, reaches_nobody};
pub(crate) use part::parts;

use store::Launched;

use crate::cookie::Browser;
use crate::page::{Consent, Stop, To, answer_wrong, authorize as address_of, go, launched};
use crate::peer::Peer;
use crate::state::{AuthState, Parts};

/// Shows the log-in page, or what comes after it.
pub(crate) async fn authorize(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    answer_wrong(begun(auth.parts(), address, &headers, &query).await)
}

async fn begun(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, Stop> {
    auth.people()?;
    let to = To::App(Box::new(Asked::read(auth, query).await?));
    let browser = &Browser::of(headers, auth.endpoints.is_https())?;
    let signed = &match to.enter(auth, browser).await? {
        Ok(signed) => signed,
        Err(page) => return Ok(page),
    };
    let To::App(asked) = &to else { return Err(Stop::Closed) };
    let mut launched = launched(auth, asked, signed, false).await?;
    let emergency = launched.as_mut().and_then(Launched::take_emergency);
    Consent { auth, asked, browser, signed, launched, emergency, headers, address }.begin().await
}

/// The same by a form of the app's, which comes without our cookie: so the browser is sent on to ask again.
pub(crate) async fn authorize_by_form(State(auth): State<AuthState>, body: Bytes) -> Response {
    answer_wrong(sent_on(auth.parts(), &body).await)
}

async fn sent_on(auth: &Parts, body: &Bytes) -> Result<Response, Stop> {
    let query = std::str::from_utf8(body).map_err(|_| Stop::Unreadable)?;
    let asked = Asked::read(auth, query).await?;
    go(&address_of(&asked.query), None)
}
