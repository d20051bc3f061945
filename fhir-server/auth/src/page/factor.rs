//! The second factor: asked for after the password, and set up by whoever wants one.

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::{Error, Kind};
use qrcode::QrCode;
use qrcode::render::svg;
use store::{AuditAction, SignedIn};

use crate::adopt::of_device;
use crate::cookie::Browser;
use crate::page::{Posted, Session, Stop, To, answer_wrong, enter, go, page};
use crate::peer::Peer;
use crate::record::Said;
use crate::refusals::Door;
use crate::seal::{open, seal};
use crate::signed::Factors;
use crate::state::{AuthState, Parts};
use crate::totp::{DeviceSecret, recovery_codes, recovery_digest};

/// One sentence for whatever is wrong with a code.
pub(super) const WRONG: &str = "That is not the code of this moment, or it was used before. Wait for the next one, and look whether the device's clock is right.";

const HERE: &str = "/auth/device";

#[derive(Template)]
#[template(path = "factor.html")]
struct Ask<'a> {
    session: Session<'a>,
    wrong: &'a str,
}

#[derive(Default, Template)]
#[template(path = "device.html")]
struct Set<'a> {
    session: Session<'a>,
    wrong: &'a str,
    has: bool,
    /// The secret to be, sealed; its text; its picture.
    sealed: String,
    text: String,
    picture: String,
    /// Codes on paper, shown once.
    codes: Vec<String>,
}

/// The page that whoever has shown only the password gets.
pub(crate) fn ask_for_code(
    to: &To,
    browser: &Browser,
    signed: &SignedIn,
    wrong: &str,
) -> Result<Response, Stop> {
    let (name, request) = to.fields();
    let (token, login) = (browser.token(), signed.account.login.as_str());
    let session = Session { token, to: name, request, login };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    page(&Ask { session, wrong }, status, to.origin(), None)
}

/// `POST /auth/factor`: a code, of the device or on paper.
pub(crate) async fn factor(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(proving(auth.parts(), address, &headers, &body).await)
}

async fn proving(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let store = &auth.people()?.store;
    let posted = Posted::read(auth, headers, body)?;
    let to = To::of(auth, &posted).await?;
    let Some(signed) = posted.begun(store).await? else { return go(&to.path(), None) };
    let account = &signed.account;
    let said = Said::new(auth, headers, address, AuditAction::LogIn);
    let said = said.client(to.client()).account(account);
    if !prove(auth, &signed, posted.get("code"), address, said).await? {
        return ask_for_code(&to, &posted.browser, &signed, WRONG);
    }
    go(&to.path(), None)
}

/// Whether a code proves a second factor, which the session then has anew; recorded either way.
pub(super) async fn prove(
    auth: &Parts,
    signed: &SignedIn,
    code: &str,
    address: Option<IpAddr>,
    said: Said<'_>,
) -> Result<bool, Stop> {
    let (store, account) = (&auth.people()?.store, &signed.account);
    let said = said.detail("second factor".to_owned());
    // Counted before it is looked at.
    let proved = match store.attempt_code(account.account).await? {
        Some(sealed) => proved(auth, account.account, &sealed, code).await?,
        None => None,
    };
    let Some(factor) = proved else {
        said.status(403).record_refused(Door::LogIn).await?;
        return Ok(false);
    };
    let open = store.begin().await?;
    open.add_factor(signed.session, factor.0, auth.place(address).as_ref()).await?;
    said.status(200).record_in(&open).await?;
    open.commit().await?;
    Ok(true)
}

/// What a code proves.
async fn proved(
    auth: &Parts,
    account: i64,
    sealed: &str,
    code: &str,
) -> Result<Option<Factors>, Stop> {
    let store = &auth.people()?.store;
    let opened = open(auth.secret(), &of_device(account), sealed);
    let secret = opened.as_deref().and_then(DeviceSecret::of);
    let secret = secret.ok_or_else(|| Error::internal("a device's secret does not open"))?;
    if let Some(step) = secret.step(code, auth.clock.seconds()) {
        return Ok(store.use_step(account, step).await?.then_some(Factors::TOTP));
    }
    let used = store.use_code(account, &recovery_digest(code)).await?;
    Ok(used.then_some(Factors::RECOVERY))
}

/// `GET /auth/device`.
pub(crate) async fn device(State(auth): State<AuthState>, headers: HeaderMap) -> Response {
    answer_wrong(shown(auth.parts(), &headers).await)
}

async fn shown(auth: &Parts, headers: &HeaderMap) -> Result<Response, Stop> {
    let (browser, signed) = enter(auth, headers, "device").await?;
    set_up(auth, &browser, &signed, "").await
}

async fn set_up(
    auth: &Parts,
    browser: &Browser,
    signed: &SignedIn,
    wrong: &str,
) -> Result<Response, Stop> {
    let account = &signed.account;
    let has = auth.people()?.store.device(account.account).await?.is_some();
    let secret = DeviceSecret::new()?;
    let content = Set {
        session: Session::on("device", browser, account),
        wrong,
        has,
        sealed: seal(auth.secret(), &offered(signed), secret.bytes())?,
        text: secret.text(),
        picture: picture(&secret.uri(&account.login))?,
        codes: Vec::new(),
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(&content, status, None, None)
}

/// What a secret that is only offered is bound to.
fn offered(signed: &SignedIn) -> String {
    format!("offered in session {}", signed.session)
}

/// For a camera; black on white whatever the page's colours are.
fn picture(text: &str) -> Result<String, Stop> {
    let code = QrCode::new(text.as_bytes()).map_err(Error::internal)?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // Without what belongs to a file of its own.
    Ok(drawn.split_once("?>").map_or(drawn.clone(), |(_, rest)| rest.to_owned()))
}

/// `POST /auth/device`: the first code of a new device, or the end of one.
pub(crate) async fn set_device(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(changed(auth.parts(), address, &headers, &body).await)
}

async fn changed(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let store = &auth.people()?.store;
    let posted = Posted::read(auth, headers, body)?;
    let signed = posted.by(auth, HERE).await?;
    let account = &signed.account;
    let said = Said::new(auth, headers, address, AuditAction::Accounts).account(account);
    if posted.get("decision") == "remove" {
        // Whoever is signed in has shown it in this session.
        let open = store.begin().await?;
        open.remove_device(account.account).await?;
        let detail = format!("account {}: second factor removed", account.sub);
        said.detail(detail).record_in(&open).await?;
        open.commit().await?;
        return go(HERE, None);
    }
    let opened = open(auth.secret(), &offered(&signed), posted.get("sealed"));
    let secret = opened.as_deref().and_then(DeviceSecret::of).ok_or(Stop::Stranger)?;
    let Some(step) = secret.step(posted.get("code"), auth.clock.seconds()) else {
        return set_up(auth, &posted.browser, &signed, WRONG).await;
    };
    let codes = recovery_codes()?;
    let digests: Vec<Vec<u8>> = codes.iter().map(|code| recovery_digest(code).to_vec()).collect();
    let sealed = seal(auth.secret(), &of_device(account.account), secret.bytes())?;
    let open = store.begin().await?;
    if !open.add_device(account.account, &sealed, step, &digests).await? {
        let text = "There is a device already. Remove it first.";
        return Err(Error::new(Kind::Invalid, text).into());
    }
    open.add_factor(signed.session, Factors::TOTP.0, auth.place(address).as_ref()).await?;
    let detail = format!("account {}: second factor added", account.sub);
    said.detail(detail).record_in(&open).await?;
    open.commit().await?;
    let content = Set {
        session: Session::on("device", &posted.browser, account),
        has: true,
        codes,
        ..Set::default()
    };
    page(&content, StatusCode::OK, None, None)
}
