//! Access in an emergency: to the record of one patient, whatever relationship or consent say, for an hour at most. It
//! takes a second factor of this moment and a reason; those who watch are told, and somebody else looks at it afterwards.

use std::net::IpAddr;

use access::{Role, Roles};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::{ResourceId, ResourceType};
use store::{Account, AuditAction, SignedIn};

use crate::adopt::of_reason;
use crate::cookie::Browser;
use crate::limits::{NAME_LETTERS_MIN, REASON_CHARS_MAX, REASON_CHARS_MIN};
use crate::page::factor::{WRONG, prove};
use crate::page::launch::{Beside, Open, is_hidden, send, startable};
use crate::page::looking::{Looking, Shown};
use crate::page::search::{Criterion, Search};
use crate::page::{Posted, Session, Stop, answer_wrong, enter, go, page};
use crate::peer::Peer;
use crate::people::Sees;
use crate::record::Said;
use crate::refusals::Door;
use crate::seal::{open, seal};
use crate::state::{AuthState, Parts};

const HERE: &str = "/auth/break-glass";

/// A date with its month and its day, as `1984-03-12`.
const WHOLE_DATE_BYTES: usize = 10;

#[derive(Default, Template)]
#[template(path = "break_glass.html")]
struct Page<'a> {
    session: Session<'a>,
    /// Why this person cannot take it; nothing where they can.
    closed: &'a str,
    reason: &'a str,
    wrong: &'a str,
    /// Whether what is wrong is the code.
    wrong_code: bool,
    apps: Vec<(String, String)>,
    /// Where a form may end.
    origins: String,
    patient: Option<Shown>,
    search: Search,
}

/// `GET /auth/break-glass`.
pub(crate) async fn break_glass(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
) -> Response {
    answer_wrong(begun(auth.parts(), address, &headers).await)
}

async fn begun(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Response, Stop> {
    let (browser, signed) = enter(auth, headers, "break-glass").await?;
    let content = blank(auth, &browser, &signed).await?;
    if !content.closed.is_empty() {
        let said = Said::new(auth, headers, address, AuditAction::BreakGlass);
        record_closed(said.account(&signed.account), &content).await?;
    }
    show(&content)
}

/// Records that somebody may take none, and why.
async fn record_closed(said: Said<'_>, content: &Page<'_>) -> Result<(), Stop> {
    Ok(said.status(403).detail(content.closed.to_owned()).record_refused(Door::BreakGlass).await?)
}

/// `POST /auth/break-glass`: a search, a patient, or the reason.
pub(crate) async fn open_record(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(going_on(auth.parts(), address, &headers, &body).await)
}

async fn going_on(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let people = auth.people()?;
    let posted = Posted::read(auth, headers, body)?;
    let signed = posted.by(auth, HERE).await?;
    let mut content = blank(auth, &posted.browser, &signed).await?;
    let account = &signed.account;
    if !content.closed.is_empty() {
        let said = Said::new(auth, headers, address, AuditAction::BreakGlass).account(account);
        let about = ResourceId::parse(posted.get("patient")).ok();
        let hasher = people.domain.store().hasher();
        let about = about.map(|id| hasher.identity(ResourceType::PATIENT, id.as_str()));
        record_closed(said.patients(about.into_iter().collect()), &content).await?;
        return show(&content);
    }
    let looking = Looking::new(people, account, address, headers).seeing(Sees::Anybody);
    let Ok(id) = ResourceId::parse(posted.get("patient")) else {
        content.wrong = content.search.run(&posted, &looking, expect_one).await?;
        return show(&content);
    };
    let patient = match looking.read(&id).await {
        Err(Stop::Fault(fault)) if is_hidden(fault.kind) => {
            content.wrong = "There is no record of this patient.";
            return show(&content);
        }
        patient => patient?,
    };
    content.patient = Some(patient);
    content.reason = posted.get("reason").trim();
    if posted.get("decision") != "open" {
        return show(&content);
    }
    let apps = auth.clients.launchable().await?;
    let app = apps.iter().find(|client| client.id == posted.get("app"));
    let app = app.ok_or(Stop::Unreadable)?;
    if !is_said(content.reason) {
        content.wrong = "Say in a sentence why, in at least 20 characters.";
        return show(&content);
    }
    let said = Said::new(auth, headers, address, AuditAction::LogIn);
    let said = said.client(&app.id).account(account);
    if !prove(auth, &signed, posted.get("code"), address, said).await? {
        (content.wrong, content.wrong_code) = (WRONG, true);
        return show(&content);
    }
    let reason = seal(auth.secret(), &of_reason(id.as_str()), content.reason.as_bytes())?;
    let (patient, beside) = (id.as_str(), Beside::default());
    let about = Open { patient, encounter: None, beside, emergency: Some(&reason) };
    send(auth, &signed, app, about).await?.map_or_else(|| go(HERE, None), Ok)
}

/// Somebody in particular is looked for: who anybody is has not been opened yet.
fn expect_one(criteria: &[Criterion<'_>]) -> &'static str {
    let typed = |name: &str| criteria.iter().find(|(field, _)| *field == name).map(|it| it.1);
    let letters = |name: &str| name.chars().filter(|letter| letter.is_alphabetic()).count();
    let named = typed("name").is_some_and(|name| letters(name) >= NAME_LETTERS_MIN);
    // A year alone, or a month, is many people's.
    let born = typed("birthdate").is_some_and(|date| date.len() == WHOLE_DATE_BYTES);
    match typed("identifier").is_some() || (named && born) {
        true => "",
        false => {
            "Type the number, or three letters of the name or more with the whole date of birth: nobody looks around here."
        }
    }
}

/// Whether it is more than one sign again and again.
fn is_said(reason: &str) -> bool {
    let letters = reason.chars().filter(|letter| letter.is_alphanumeric());
    let mut different: Vec<char> = letters.collect();
    different.sort_unstable();
    different.dedup();
    let length = reason.chars().count();
    (REASON_CHARS_MIN..=REASON_CHARS_MAX).contains(&length) && different.len() > 4
}

/// A reason as it was typed.
pub(super) fn reason(auth: &Parts, patient: &str, sealed: &str) -> Option<String> {
    String::from_utf8(open(auth.secret(), &of_reason(patient), sealed)?).ok()
}

/// Whether somebody may take access in an emergency: a clinician, who is a person in the data.
pub(super) fn may_take(account: &Account) -> Result<bool, Stop> {
    let roles = Roles::parse(account.roles.iter().map(String::as_str))?;
    let person = account.fhir_user.as_deref().unwrap_or_default();
    Ok(roles.contains(Role::Clinician) && person.starts_with("Practitioner"))
}

async fn blank<'a>(
    auth: &Parts,
    browser: &Browser,
    signed: &'a SignedIn,
) -> Result<Page<'a>, Stop> {
    let (apps, origins) = startable(auth).await?;
    let closed = if !may_take(&signed.account)? {
        "Only clinicians can take access in an emergency."
    } else if !signed.has_device {
        "This needs a second factor, and your log-in has none yet."
    } else {
        ""
    };
    Ok(Page {
        session: Session::on("break-glass", browser, &signed.account),
        closed,
        apps,
        origins,
        search: Search::new(HERE, HERE),
        ..Page::default()
    })
}

fn show(content: &Page<'_>) -> Result<Response, Stop> {
    let status = match (content.closed, content.wrong) {
        ("", "") => StatusCode::OK,
        ("", _) => StatusCode::BAD_REQUEST,
        _ => StatusCode::FORBIDDEN,
    };
    page(content, status, Some(&content.origins), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_looked_for_and_nobody_looks_around() {
        for (name, birthdate, identifier, one) in [
            ("", "", "A-1", true),
            ("a", "", "A-1", true),
            ("alp", "1980-01-02", "", true),
            ("Åse", "1980-01-02", "", true),
            ("al", "1980-01-02", "", false),
            ("a  . ", "1980-01-02", "", false),
            ("alpha", "1980-01", "", false),
            ("alpha", "1980", "", false),
            ("alpha", "", "", false),
            ("", "1980-01-02", "", false),
        ] {
            let typed = [("name", name), ("birthdate", birthdate), ("identifier", identifier)];
            let typed: Vec<Criterion<'_>> =
                typed.into_iter().filter(|(_, text)| !text.is_empty()).collect();
            assert_eq!(expect_one(&typed).is_empty(), one, "{typed:?}");
        }
    }

    #[test]
    fn a_reason_is_a_sentence() {
        for (reason, said) in [
            ("Found without consciousness, allergies unknown", true),
            ("Bewusstlos, Allergien?", true),
            ("too short", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("....................", false),
            (&"a sentence ".repeat(200), false),
        ] {
            assert_eq!(is_said(reason), said, "{reason}");
        }
    }
}
