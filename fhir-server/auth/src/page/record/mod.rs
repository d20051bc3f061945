//! Who saw a record: what the record of accesses has of one patient, in plain words, for the patient, for whoever stands
//! for the patient, and for auditors. To look at it is a row, too.

mod ask;
mod csv;
mod line;
mod whose;

use std::net::IpAddr;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::{Error, Kind, ResourceId, ResourceType};
use domain::Request;
use domain::limits::JOURNAL_COUNT_MAX;
use domain::record::{self, Ask};
use store::record::{JournalKey, JournalRow};
use store::{AuditAction, AuditEntry, AuditInteraction, SignedIn};

use crate::page::looking::Looking;
use crate::page::{Session, Stop, answer_wrong, enter, page};
use crate::peer::Peer;
use crate::people::Sees;
use crate::record::Said;
use crate::state::{AuthState, Parts};
use ask::Asked;
use line::{Line, Words};
use whose::{Whose, choices};

/// `GET /auth/record`, as forms and links name it.
const HERE: &str = "/auth/record";
/// The scope that the record is read by.
const SCOPE: &str = "user/AuditEvent.rs";
/// The same for who stands for a patient: of what is not there for them, no row is.
const STANDING: &str = "user/*.rs";

#[derive(Default, Template)]
#[template(path = "record.html")]
struct Page<'a> {
    session: Session<'a>,
    /// Why this person sees nothing; nothing where something is seen.
    closed: bool,
    wrong: &'a str,
    /// Those among whom somebody chooses.
    choices: Vec<Whose>,
    /// Whether any patient may be asked for, by id.
    any: bool,
    /// Whose record it is.
    whose: Option<Whose>,
    asked: Asked,
    lines: Vec<Line>,
    /// Where older ones are.
    older: Option<String>,
    /// Where they begin.
    newest: String,
    /// Where the same is as a table.
    csv: String,
}

/// `GET /auth/record`: on a page.
pub(crate) async fn record(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    answer_wrong(shown(auth.parts(), address, &headers, &query.unwrap_or_default()).await)
}

async fn shown(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, Stop> {
    let (browser, signed) = enter(auth, headers, "record").await?;
    let mut content =
        Page { session: Session::on("record", &browser, &signed.account), ..Page::default() };
    let among = choices(auth, &signed, address, headers).await?;
    let asked = Asked::read(query);
    if among.is_nobody() {
        refused(auth, &signed, address, headers, &asked).await?;
        content.closed = true;
        return page(&content, StatusCode::FORBIDDEN, None, None);
    }
    (content.asked, content.any) = (asked, among.any);
    let Some(whose) = among.chosen(&content.asked.patient) else {
        if !content.asked.patient.is_empty() {
            refused(auth, &signed, address, headers, &content.asked).await?;
        }
        content.choices = among.known;
        return page(&content, StatusCode::OK, None, None);
    };
    let reading = Reading { auth, signed: &signed, address, headers, whose: &whose };
    match reading.page(&content.asked).await {
        Ok((lines, next)) => {
            content.lines = lines;
            let place = next.map(|next| reading.seal(next)).transpose()?;
            content.older = place.map(|place| content.asked.link(&place));
        }
        Err(Stop::Fault(fault)) if fault.kind == Kind::Invalid => {
            content.wrong = "That is no day. It is written as 2026-03-01.";
            // A field for days takes nothing else.
            content.asked.from.clear();
            content.asked.to.clear();
        }
        Err(stop) => return Err(stop),
    }
    (content.newest, content.csv) = (content.asked.link(""), content.asked.csv());
    content.whose = Some(whose);
    let status = if content.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(&content, status, None, None)
}

/// `GET /auth/record.csv`: as a table for a program.
pub(crate) async fn record_csv(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    answer_wrong(told(auth.parts(), address, &headers, &query.unwrap_or_default()).await)
}

async fn told(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, Stop> {
    let (_, signed) = enter(auth, headers, "record").await?;
    let among = choices(auth, &signed, address, headers).await?;
    let asked = Asked::read(query);
    let Some(whose) = among.chosen(&asked.patient) else {
        refused(auth, &signed, address, headers, &asked).await?;
        return Err(nobodys());
    };
    let reading = Reading { auth, signed: &signed, address, headers, whose: &whose };
    csv::answer(&reading, &asked).await
}

/// Records that somebody was told nothing of whom they asked for.
async fn refused(
    auth: &Parts,
    signed: &SignedIn,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    asked: &Asked,
) -> Result<(), Stop> {
    let hasher = auth.people()?.domain.store().hasher();
    let about = asked.id().map(|id| hasher.identity(ResourceType::PATIENT, id.as_str()));
    let said = Said::new(auth, headers, address, AuditAction::Operation).account(&signed.account);
    Ok(said.patients(about.into_iter().collect()).status(403).record().await?)
}

fn nobodys() -> Stop {
    let text =
        "Who saw a record is told to the patient, to who stands for the patient, and to auditors.";
    Error::new(Kind::Forbidden, text).into()
}

/// Somebody who reads what the record has of a patient.
struct Reading<'a> {
    auth: &'a Parts,
    signed: &'a SignedIn,
    address: Option<IpAddr>,
    headers: &'a HeaderMap,
    whose: &'a Whose,
}

impl Reading<'_> {
    /// A page of lines, recorded as one look; and behind which place there may be more.
    async fn page(&self, asked: &Asked) -> Result<(Vec<Line>, Option<JournalKey>), Stop> {
        let behind = match asked.after.as_str() {
            "" => None,
            sealed => Some(self.open(sealed).ok_or(Stop::Unreadable)?),
        };
        let ask = asked.ask(self.auth.clock.now())?;
        let domain = &self.auth.people()?.domain;
        let found = self
            .look(async |request| record::about(domain, request, self.id(), &ask, behind).await);
        let found = found.await?;
        let mut words = Words::new(self.auth, self.whose, self.signed);
        words.learn(&self.looking()?, &found.rows).await?;
        Ok((found.rows.iter().map(|row| words.line(row)).collect(), found.next))
    }

    /// All rows, up to as many, recorded as one look; and whether there may be more.
    async fn all(&self, asked: &Asked, most: usize) -> Result<(Vec<JournalRow>, bool), Stop> {
        let domain = &self.auth.people()?.domain;
        let ask = asked.ask(domain.now())?;
        let ask = Ask { count: JOURNAL_COUNT_MAX, ..ask };
        self.look(async |request| {
            let (mut rows, mut behind) = (Vec::new(), None);
            loop {
                let found = record::about(domain, request, self.id(), &ask, behind).await?;
                rows.extend(found.rows);
                behind = found.next;
                if behind.is_none() || rows.len() >= most {
                    return Ok((rows, behind.is_some()));
                }
            }
        })
        .await
    }

    /// A look at the record with the rights of who is signed in, recorded, refused or not.
    async fn look<T>(
        &self,
        at: impl AsyncFnOnce(&Request) -> canonical_model::Result<T>,
    ) -> Result<T, Stop> {
        let domain = &self.auth.people()?.domain;
        let looking = self.looking()?;
        let looking = match self.whose.stands_for {
            true => looking.seeing(Sees::StandingFor(self.id())).with(STANDING),
            false => looking.with(SCOPE),
        };
        let request = looking.request(AuditInteraction::Operation).await?;
        let found = at(&request).await;
        let patient = domain.store().hasher().identity(ResourceType::PATIENT, self.id().as_str());
        let entry = AuditEntry {
            kind: Some(ResourceType::PATIENT),
            id: Some(self.id().to_string()),
            patients: vec![patient],
            ..AuditEntry::new(
                domain.now(),
                request.context(),
                AuditAction::Operation,
                if found.is_ok() { 200 } else { 403 },
            )
        };
        domain.auditor().record(entry).await?;
        Ok(found?)
    }

    fn looking(&self) -> Result<Looking<'_>, Stop> {
        let people = self.auth.people()?;
        Ok(Looking::new(people, &self.signed.account, self.address, self.headers))
    }

    fn id(&self) -> &ResourceId {
        &self.whose.id
    }
}
