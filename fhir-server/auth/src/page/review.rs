//! The review of access in emergencies, by somebody else than whoever took it.

use std::net::IpAddr;

use access::{Role, Roles};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::ResourceType;
use store::{AuditAction, BreakGlass, SignedIn};

use crate::page::break_glass::reason;
use crate::page::{Posted, Session, Stop, answer_wrong, enter, go, page};
use crate::peer::Peer;
use crate::record::Said;
use crate::refusals::Door;
use crate::state::{AuthState, Parts};

const HERE: &str = "/auth/review";

#[derive(Template)]
#[template(path = "review.html")]
struct Page<'a> {
    session: Session<'a>,
    closed: bool,
    lines: Vec<Line>,
}

/// One access.
struct Line {
    number: i64,
    who: String,
    patient: String,
    app: String,
    when: String,
    reason: String,
    /// What somebody found; nothing where nobody looked yet.
    verdict: &'static str,
}

/// `GET /auth/review`.
pub(crate) async fn review(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
) -> Response {
    answer_wrong(shown(auth.parts(), address, &headers).await)
}

async fn shown(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Response, Stop> {
    let (browser, signed) = enter(auth, headers, "review").await?;
    let closed = !reviews(&signed)?;
    let all = match closed {
        true => Vec::new(),
        false => auth.people()?.store.reviews(signed.account.account).await?,
    };
    let hasher = auth.people()?.domain.store().hasher();
    let patients = all.iter().map(|one| hasher.identity(ResourceType::PATIENT, &one.patient));
    let status = if closed { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let said = Said::new(auth, headers, address, AuditAction::Review).account(&signed.account);
    let said = said.patients(patients.collect()).status(status.as_u16());
    let said = said.detail("list of accesses in emergencies".to_owned());
    match closed {
        true => said.record_refused(Door::ReviewList).await?,
        false => said.record().await?,
    }
    let mut lines = Vec::with_capacity(all.len());
    for one in all {
        let client = auth.clients.find(&one.client).await?;
        let app = client.map_or_else(|| one.client.clone(), |client| client.name.clone());
        lines.push(line(auth, app, one));
    }
    let session = Session::on("review", &browser, &signed.account);
    let content = Page { session, closed, lines };
    page(&content, status, None, None)
}

/// Whether somebody reviews: with the record, or with accounts.
fn reviews(signed: &SignedIn) -> Result<bool, Stop> {
    let roles = Roles::parse(signed.account.roles.iter().map(String::as_str))?;
    Ok([Role::Auditor, Role::Admin].into_iter().any(|role| roles.contains(role)))
}

fn line(auth: &Parts, app: String, one: BreakGlass) -> Line {
    let said = reason(auth, &one.patient, &one.reason);
    Line {
        number: one.number,
        who: one.login,
        app,
        when: format!("{} UTC", one.made_at.format("%Y-%m-%d %H:%M")),
        reason: said.unwrap_or_else(|| "It cannot be read: it was sealed with another key.".into()),
        patient: one.patient,
        verdict: match one.verdict {
            None => "",
            Some(true) => "It was justified.",
            Some(false) => "It was not justified.",
        },
    }
}

/// `POST /auth/review`: what somebody found.
pub(crate) async fn judge(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(judged(auth.parts(), address, &headers, &body).await)
}

async fn judged(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let people = auth.people()?;
    let posted = Posted::read(auth, headers, body)?;
    let signed = posted.by(auth, HERE).await?;
    let number: i64 = posted.get("number").parse().map_err(|_| Stop::Unreadable)?;
    let justified = match posted.get("verdict") {
        "justified" => true,
        "unjustified" => false,
        _ => return Err(Stop::Unreadable),
    };
    let said = Said::new(auth, headers, address, AuditAction::Review).account(&signed.account);
    let account = signed.account.account;
    let one = match reviews(&signed)? {
        true => people.store.reviews(account).await?.into_iter().find(|one| one.number == number),
        false => None,
    };
    let Some(one) = one else {
        let said = said.status(403).detail(format!("access in an emergency {number}"));
        said.record_refused(Door::Review).await?;
        return go(HERE, None);
    };
    let hasher = people.domain.store().hasher();
    let said = said.patient(hasher.identity(ResourceType::PATIENT, &one.patient));
    let verdict = if justified { "justified" } else { "not justified" };
    let open = people.store.begin().await?;
    if open.review(number, account, justified).await? {
        let detail = format!("access in an emergency {number}, of {}: {verdict}", one.sub);
        said.detail(detail).record_in(&open).await?;
    }
    open.commit().await?;
    go(HERE, None)
}
