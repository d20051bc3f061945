//! Starting an app from here, as an EHR does: with the patient, and the visit, that somebody of ours has open.
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch>

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::{Kind, ResourceId, ResourceType};
use form_urlencoded::Serializer;
use serde_json::{Value, json};
use store::{NewLaunch, SignedIn};

use crate::authorize::reaches_nobody;
use crate::client::Client;
use crate::cookie::{Browser, digest, random};
use crate::limits::PICKER_BYTES_MAX;
use crate::page::break_glass::may_take;
use crate::page::looking::{Looking, Shown};
use crate::page::search::{Search, anything};
use crate::page::{Posted, Session, Stop, answer_wrong, enter, go, page};
use crate::peer::Peer;
use crate::state::{AuthState, Parts};

const HERE: &str = "/auth/launch";

#[derive(Default, Template)]
#[template(path = "launch.html")]
struct Page<'a> {
    session: Session<'a>,
    /// Why there is nobody to start an app for; empty where there may be.
    closed: &'static str,
    /// Whether this person may take access in an emergency.
    emergency: bool,
    wrong: &'a str,
    apps: Vec<(String, String)>,
    /// Where a form may end.
    origins: String,
    patient: Option<Shown>,
    visits: Vec<(String, String)>,
    search: Search,
}

/// `GET /auth/launch`.
pub(crate) async fn launch(State(auth): State<AuthState>, headers: HeaderMap) -> Response {
    answer_wrong(begun(auth.parts(), &headers).await)
}

async fn begun(auth: &Parts, headers: &HeaderMap) -> Result<Response, Stop> {
    let (browser, signed) = enter(auth, headers, "launch").await?;
    show(&blank(auth, &browser, &signed).await?)
}

/// `POST /auth/launch`: a search, a patient, or the start.
pub(crate) async fn start(
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
    let looking = || Looking::new(people, &signed.account, address, headers);
    let mut content = blank(auth, &posted.browser, &signed).await?;
    if !content.closed.is_empty() {
        return show(&content);
    }
    let Ok(id) = ResourceId::parse(posted.get("patient")) else {
        content.wrong = content.search.run(&posted, &looking(), anything).await?;
        return show(&content);
    };
    let patient = match looking().read(&id).await {
        Err(Stop::Fault(fault)) if is_hidden(fault.kind) => {
            content.wrong = "There is no record of this patient that you may see.";
            return show(&content);
        }
        patient => patient?,
    };
    if posted.get("decision") != "start" {
        content.visits = looking().visits(&id).await?;
        content.patient = Some(patient);
        return show(&content);
    }
    let apps = auth.clients.launchable().await?;
    let app = apps.iter().find(|client| client.id == posted.get("app"));
    let app = app.ok_or(Stop::Unreadable)?;
    let visit = match posted.get("encounter") {
        "" => None,
        id => Some(ResourceId::parse(id).map_err(|_| Stop::Unreadable)?),
    };
    if let Some(visit) = &visit {
        looking().expect_visit(&id, visit).await?;
    }
    let beside = match beside(&posted) {
        Ok(beside) => beside,
        Err(wrong) => {
            (content.wrong, content.patient) = (wrong, Some(patient));
            content.visits = looking().visits(&id).await?;
            return show(&content);
        }
    };
    if let Some((kind, id)) = &beside.open {
        match looking().expect(*kind, id).await {
            Err(Stop::Fault(fault)) if is_hidden(fault.kind) => {
                content.wrong = "There is nothing under this reference that you may see.";
                (content.visits, content.patient) =
                    (looking().visits(&ResourceId::parse(&patient.id)?).await?, Some(patient));
                return show(&content);
            }
            read => read?,
        }
    }
    let open = Open {
        patient: &patient.id,
        encounter: visit.as_ref().map(ResourceId::as_str),
        beside,
        emergency: None,
    };
    send(auth, &signed, app, open).await?.map_or_else(|| go(HERE, None), Ok)
}

pub(super) fn is_hidden(kind: Kind) -> bool {
    matches!(kind, Kind::NotFound | Kind::Gone | Kind::Forbidden)
}

/// What an app is told beside patient and visit.
/// <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#fhircontext-exp>
#[derive(Default)]
pub(super) struct Beside {
    /// What it is to do, in a word that it knows.
    intent: Option<String>,
    /// What else is open.
    open: Option<(ResourceType, ResourceId)>,
}

/// As it was typed; or what is wrong with it, in a sentence.
fn beside(posted: &Posted) -> Result<Beside, &'static str> {
    let [intent, open] = ["intent", "context"].map(|field| posted.get(field).trim());
    if intent.len() > PICKER_BYTES_MAX || intent.chars().any(char::is_control) {
        return Err("What it is for has 100 characters at most.");
    }
    let reference = |text: &str| {
        let (kind, id) = text.split_once('/')?;
        Some((ResourceType::find(kind)?, ResourceId::parse(id).ok()?))
    };
    let open = match (open, reference(open)) {
        ("", _) => None,
        (_, Some((kind, id))) if !["Patient", "Encounter"].contains(&kind.name()) => {
            Some((kind, id))
        }
        _ => {
            return Err(
                "What else is open is written as ServiceRequest/7, and is neither a patient nor a visit.",
            );
        }
    };
    Ok(Beside { intent: (!intent.is_empty()).then(|| intent.to_owned()), open })
}

impl Beside {
    fn context(&self, auth: &Parts) -> Value {
        let mut context = json!({
            // The app fills the window: nothing of ours says whom it shows.
            "need_patient_banner": true,
            "smart_style_url": format!("{}/auth/smart-style.json", auth.endpoints.origin()),
        });
        let mut put = |name: &str, value: Value| {
            context.as_object_mut().map(|members| members.insert(name.to_owned(), value))
        };
        if let Some(intent) = &self.intent {
            put("intent", json!(intent));
        }
        if let Some((kind, id)) = &self.open {
            put("fhirContext", json!([{ "reference": format!("{}/{id}", kind.name()) }]));
        }
        context
    }
}

/// What is open where an app is started.
pub(super) struct Open<'a> {
    pub(super) patient: &'a str,
    pub(super) encounter: Option<&'a str>,
    pub(super) beside: Beside,
    /// Why it is in an emergency, sealed.
    pub(super) emergency: Option<&'a str>,
}

/// Sends the browser to the app, with what it asks by for what is open; `None` where the session is over.
pub(super) async fn send(
    auth: &Parts,
    signed: &SignedIn,
    app: &Client,
    open: Open<'_>,
) -> Result<Option<Response>, Stop> {
    let launch = random()?;
    let new = NewLaunch {
        digest: &digest(b"launch", &launch),
        session: signed.session,
        client: &app.id,
        patient: Some(open.patient),
        encounter: open.encounter,
        emergency: open.emergency,
        context: &open.beside.context(auth),
    };
    if !auth.people()?.store.add_launch(&new).await? {
        return Ok(None);
    }
    let launch = BASE64_URL_SAFE_NO_PAD.encode(launch);
    let pairs = [("iss", auth.endpoints.fhir()), ("launch", launch)];
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let url = app.launch_url.as_deref().unwrap_or_default();
    let gap = if url.contains('?') { '&' } else { '?' };
    go(&format!("{url}{gap}{query}"), None).map(Some)
}

/// Apps that can be started from here, each with its id and its name; and the origins that a form which starts one may
/// end at.
pub(super) async fn startable(auth: &Parts) -> Result<(Vec<(String, String)>, String), Stop> {
    let apps = auth.clients.launchable().await?;
    let origins = apps.iter().filter_map(|app| app.launch_url.as_deref()).map(origin);
    let origins = origins.collect::<Vec<_>>().join(" ");
    Ok((apps.iter().map(|app| (app.id.clone(), app.name.clone())).collect(), origins))
}

async fn blank<'a>(
    auth: &Parts,
    browser: &Browser,
    signed: &'a SignedIn,
) -> Result<Page<'a>, Stop> {
    let (apps, origins) = startable(auth).await?;
    Ok(Page {
        session: Session::on("launch", browser, &signed.account),
        closed: reaches_nobody(&signed.account)?,
        emergency: may_take(&signed.account)?,
        apps,
        origins,
        search: Search::new(HERE, HERE),
        ..Page::default()
    })
}

fn show(content: &Page<'_>) -> Result<Response, Stop> {
    let status = if content.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(content, status, Some(&content.origins), None)
}

/// The origin of a URL, as a policy names it.
pub(crate) fn origin(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after..).unwrap_or_default();
    let end = rest.find(['/', '?']).map_or(url.len(), |at| after + at);
    url.get(..end).unwrap_or_default()
}
