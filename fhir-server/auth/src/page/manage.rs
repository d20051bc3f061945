//! What a person gave to apps: seen, and taken back. It is the `management_endpoint` of SMART.
//! <https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known>

use std::net::IpAddr;

use access::{Role, Roles, Scopes};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use store::limits::GIVEN_MAX;
use store::{AuditAction, Given, SignedIn};

use crate::page::{Posted, Session, Stop, answer_wrong, enter, go, page};
use crate::peer::Peer;
use crate::record::Said;
use crate::state::{AuthState, Parts};
use crate::words::{Whose, sentence};

const HERE: &str = "/auth/manage";

#[derive(Template)]
#[template(path = "manage.html")]
struct Page<'a> {
    session: Session<'a>,
    given: Vec<Line>,
    /// Whether somebody is a patient.
    own: bool,
    /// Whether somebody may see who saw a record.
    record: bool,
    /// Whether these are the newest.
    newest: bool,
    /// Before which number the older ones are.
    older: Option<i64>,
}

/// Something that was given.
struct Line {
    approval: i64,
    app: String,
    words: Vec<String>,
    since: String,
    until: String,
}

/// `GET /auth/manage`.
pub(crate) async fn manage(
    State(auth): State<AuthState>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let mut pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let before = pairs.find(|(name, _)| name == "before").and_then(|(_, it)| it.parse().ok());
    answer_wrong(shown(auth.parts(), &headers, before).await)
}

async fn shown(auth: &Parts, headers: &HeaderMap, before: Option<i64>) -> Result<Response, Stop> {
    let store = &auth.people()?.store;
    let (browser, SignedIn { account, .. }) = enter(auth, headers, "manage").await?;
    let own = account.fhir_user.as_deref().is_some_and(|user| user.starts_with("Patient/"));
    let whose = if own { Whose::Yours } else { Whose::This };
    let mut given = store.given(account.account, before).await?;
    let more = given.len() > GIVEN_MAX;
    given.truncate(GIVEN_MAX);
    let older = given.last().filter(|_| more).map(|last| last.approval);
    let mut lines = Vec::with_capacity(given.len());
    for given in given {
        let client = auth.clients.find(&given.client).await?;
        let app = client.map_or_else(|| given.client.clone(), |client| client.name.clone());
        lines.push(line(app, given, whose));
    }
    let roles = Roles::parse(account.roles.iter().map(String::as_str))?;
    let record = own || [Role::Proxy, Role::Auditor].into_iter().any(|role| roles.contains(role));
    let session = Session::on("manage", &browser, &account);
    let newest = before.is_none();
    let content = Page { session, given: lines, own, record, newest, older };
    page(&content, StatusCode::OK, None, None)
}

fn line(app: String, given: Given, whose: Whose) -> Line {
    let Given { approval, scopes, made_at, used_at, ends_at, offline, .. } = given;
    // What was granted once can be read.
    let scopes = Scopes::parse(&scopes).unwrap_or_default();
    let mut words: Vec<String> =
        scopes.clinical().iter().map(|scope| sentence(scope, whose)).collect();
    if scopes.has_word("openid") {
        words.push("Know who you are".to_owned());
    }
    let used = used_at.map(|at| format!(", renewed last on {}", at.format("%Y-%m-%d")));
    let since = format!("{}{}", made_at.format("%Y-%m-%d"), used.unwrap_or_default());
    let until = match offline {
        true => format!("Goes on without you until {}", ends_at.format("%Y-%m-%d")),
        false => "Ends when you sign out".to_owned(),
    };
    Line { approval, app, words, since, until }
}

/// `POST /auth/manage`: one of them, or all, is taken back.
pub(crate) async fn change(
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
    let SignedIn { account, .. } = posted.by(auth, HERE).await?;
    let approval = match posted.get("approval") {
        "all" => None,
        number => Some(number.parse().map_err(|_| Stop::Unreadable)?),
    };
    let open = store.begin().await?;
    if open.take_back(account.account, approval).await? {
        let what = approval.map_or_else(|| "all".to_owned(), |number: i64| number.to_string());
        let said = Said::new(auth, headers, address, AuditAction::Revocation).account(&account);
        said.detail(format!("authorization {what}, by the user")).record_in(&open).await?;
    }
    open.commit().await?;
    go(HERE, None)
}
