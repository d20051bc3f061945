//! The log-in page, and what it sends; signing out.

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::{Error, Kind};
use store::{Account, AuditAction, AuthTransaction};
use telemetry::Emit;
use telemetry::event::AuthenticationFailed;

use crate::cookie::Browser;
use crate::page::{Posted, Stop, To, answer_wrong, go, page};
use crate::password::Password;
use crate::peer::Peer;
use crate::people::People;
use crate::provider::link_query;
use crate::record::Said;
use crate::refusals::Door;
use crate::sign_in::{Try, Trying, Wrong, begin};
use crate::state::{AuthState, Parts};

/// One sentence for whatever is wrong: who tries learns no more.
const WRONG: &str = "Log-in and password do not go together. After ten wrong tries in a row you have to wait for 15 minutes or longer.";

/// The page.
#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    why: String,
    token: String,
    to: &'a str,
    request: &'a str,
    login: &'a str,
    wrong: &'a str,
    /// Other providers: what they are called, and what leads there.
    providers: Vec<(&'a str, String)>,
}

/// The page that whoever is not signed in gets.
pub(crate) fn ask_to_sign_in(auth: &Parts, to: &To, browser: &Browser) -> Result<Response, Stop> {
    show(auth, to, browser, "", "", StatusCode::OK)
}

fn show(
    auth: &Parts,
    to: &To,
    browser: &Browser,
    login: &str,
    wrong: &str,
    status: StatusCode,
) -> Result<Response, Stop> {
    let (name, request) = to.fields();
    let token = browser.token();
    // Who has just come from one is not sent there again.
    let others = auth.providers.all().filter(|_| name != "link");
    let providers = others
        .map(|(number, provider)| (provider.name.as_str(), link_query(number, name, request)))
        .collect();
    let content = Page { why: to.why(), token, to: name, request, login, wrong, providers };
    page(&content, status, to.origin(), Some(browser))
}

/// `POST /auth/login`.
pub(crate) async fn login(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(signing_in(auth.parts(), address, &headers, &body).await)
}

async fn signing_in(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let People { store, passwords, .. } = auth.people()?;
    let posted = Posted::read(auth, headers, body)?;
    let to = To::of(auth, &posted).await?;
    let typed = posted.get("login");
    let (suspect, now_s) = (auth.log_ins.suspect(typed, address), auth.clock.seconds());
    auth.log_ins.admit(suspect, now_s).map_err(wait)?;
    // Another cookie from now on: whoever knew the one of before is not signed in by it.
    let fresh = Browser::new(auth.endpoints.is_https())?;
    let password = Password::new(posted.get("password").to_owned());
    let said = Said::new(auth, headers, address, AuditAction::LogIn).client(to.client());
    let place = auth.place(address);
    let from = auth.guesses.address(address);
    let trying = Trying { store, passwords, typed, place };
    let wait_s = auth.guesses.admit(from, now_s).err();
    let wrong = match trying.attempt(password, wait_s).await? {
        Try::Known(attempt) => {
            let open = store.begin().await?;
            let account = open.account(attempt.account).await?;
            if begin(&open, &attempt, &fresh.digest(), place.as_ref()).await?.is_some() {
                said.account(&account).record_in(&open).await?;
                let before = Said::new(auth, headers, address, AuditAction::LogOut);
                end_of_another(&open, &posted.browser, &account, before).await?;
                open.commit().await?;
                auth.log_ins.succeeded(suspect);
                return go(&to.path(), Some(&fresh));
            }
            Wrong { whose: Some(account), wait_s }
        }
        Try::Wrong(wrong) => wrong,
    };
    auth.log_ins.failed(suspect, now_s);
    auth.guesses.failed(from, now_s);
    AuthenticationFailed { door: "login", reason: "password" }.emit();
    // Never what was typed: people type passwords there.
    let said = wrong.whose.iter().fold(said, |said, account| said.account(account));
    let status = if wrong.wait_s.is_some() { 429 } else { 403 };
    said.status(status).record_refused(Door::LogIn).await?;
    if let Some(wait_s) = wrong.wait_s {
        return Err(wait(wait_s));
    }
    show(auth, &to, &posted.browser, typed, WRONG, StatusCode::FORBIDDEN)
}

/// Ends the session that the browser had, where it was another person's: with the cookie that it gets now nobody could
/// sign out of that one.
///
/// # Errors
/// 503 where the database is away.
pub(crate) async fn end_of_another(
    open: &AuthTransaction,
    browser: &Browser,
    account: &Account,
    said: Said<'_>,
) -> Result<(), Stop> {
    match open.session(&browser.digest()).await? {
        Some(before) if before.account.account != account.account => {
            open.end_session(before.session).await?;
            Ok(said.account(&before.account).record_in(open).await?)
        }
        _ => Ok(()),
    }
}

fn wait(wait_s: i64) -> Stop {
    let text = format!("Too many wrong tries from here. Wait {wait_s} seconds.");
    Error::new(Kind::TooManyRequests, text).into()
}

/// `POST /auth/logout`: the session is over, on every server.
pub(crate) async fn logout(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(signing_out(auth.parts(), address, &headers, &body).await)
}

async fn signing_out(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let People { store, .. } = auth.people()?;
    let posted = Posted::read(auth, headers, body)?;
    let to = To::of(auth, &posted).await?;
    if let Some(signed) = posted.begun(store).await? {
        let said = Said::new(auth, headers, address, AuditAction::LogOut).client(to.client());
        let open = store.begin().await?;
        open.end_session(signed.session).await?;
        said.account(&signed.account).record_in(&open).await?;
        open.commit().await?;
    }
    let fresh = Browser::new(auth.endpoints.is_https())?;
    go(&to.path(), Some(&fresh))
}
