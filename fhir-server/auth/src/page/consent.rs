//! The consent page: each scope a sentence that can be left out; and what becomes of the answer.

use std::net::IpAddr;

use access::{BREAK_GLASS, Role, Scope};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::{ResourceId, ResourceType};
use serde_json::{Value, json};
use store::{AuditAction, Launched, NewApproval, SignedIn};

use crate::authorize::{About, Asked, Grantable, OFFLINE, OPENID, parts};
use crate::cookie::{Browser, digest, random};
use crate::page::launch::is_hidden;
use crate::page::looking::{Looking, Shown};
use crate::page::{Picker, Posted, Session, Stop, answer_wrong, authorize, go, page};
use crate::peer::Peer;
use crate::people::Sees;
use crate::record::Said;
use crate::state::{AuthState, Parts};
use crate::words::{Whose, sentence};

/// The page.
#[derive(Template)]
#[template(path = "consent.html")]
struct Page<'a> {
    app: &'a str,
    session: Session<'a>,
    /// Of the client, as it is told here.
    generation: String,
    origin: &'a str,
    patient: Option<&'a Shown>,
    lines: Vec<Line>,
    notes: Vec<&'static str>,
    wrong: &'a str,
}

/// A scope that can be left out.
struct Line {
    scope: String,
    words: String,
    /// What can be given in its place.
    parts: Vec<(String, &'static str)>,
}

impl Line {
    /// One of which nothing less can be given.
    fn whole(scope: &str, words: &str) -> Self {
        Self { scope: scope.to_owned(), words: words.to_owned(), parts: Vec::new() }
    }
}

/// What `openid` is.
const WHO: &str = "Know who you are: your account here, and who you are in the data";

/// What people are told of an app that registered itself.
const UNKNOWN: &str = "Nobody who runs this server has looked at this app, and its name is what it says itself. Look at the address below that you will be sent to.";

/// What `offline_access` is.
const AFTERWARDS: &str =
    "Go on with all of this when you are not signed in (offline access), for 100 days";

/// Somebody who is signed in and asked to give something.
pub(crate) struct Consent<'a> {
    pub(crate) auth: &'a Parts,
    pub(crate) asked: &'a Asked,
    pub(crate) browser: &'a Browser,
    pub(crate) signed: &'a SignedIn,
    /// What was open where the app was started from here.
    pub(crate) launched: Option<Launched>,
    /// Why that was in an emergency, sealed.
    pub(crate) emergency: Option<String>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) address: Option<IpAddr>,
}

/// `POST /auth/consent`: a patient was chosen, or the answer is there.
pub(crate) async fn consent(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(answered(auth.parts(), address, &headers, &body).await)
}

async fn answered(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let posted = Posted::read(auth, headers, body)?;
    let asked = posted.asked(auth).await?;
    let signed = posted.by(auth, &authorize(&asked.query)).await?;
    let browser = &posted.browser;
    let mut launched = launched(auth, &asked, &signed, false).await?;
    let emergency = launched.as_mut().and_then(Launched::take_emergency);
    let (asked, signed) = (&asked, &signed);
    let consent = Consent { auth, asked, browser, signed, launched, emergency, headers, address };
    match posted.get("decision") {
        "" => consent.show(Some(posted.get("patient")), "").await,
        "allow" => consent.allow(&posted).await,
        _ => consent.refuse(posted.get("patient")).await,
    }
}

/// What was open where the app was started; `used` uses it up.
pub(crate) async fn launched(
    auth: &Parts,
    asked: &Asked,
    signed: &SignedIn,
    used: bool,
) -> Result<Option<Launched>, Stop> {
    let Some(launch) = &asked.launch else { return Ok(None) };
    let launch = BASE64_URL_SAFE_NO_PAD.decode(launch).unwrap_or_default();
    let digest = digest(b"launch", &launch);
    let store = &auth.people()?.store;
    let found = store.launch(&digest, signed.session, &asked.client.id, used).await?;
    let why =
        "launch is none of this app and of whoever is signed in, or its five minutes are over";
    found.map(Some).ok_or_else(|| asked.told("invalid_request", why).into())
}

impl Consent<'_> {
    /// What comes after the log-in: the picker, or the page itself where it is known whom it is about.
    pub(crate) async fn begin(&self) -> Result<Response, Stop> {
        let grantable = self.grantable().await?;
        match grantable.about(&self.signed.account)? {
            About::Chosen => Picker::first(self.asked, self.browser, &self.signed.account),
            About::Among(ids) => self.choose(&ids).await,
            About::Own(_) | About::Open(_) | About::Nobody => self.show(None, "").await,
        }
    }

    /// Those whom the person stands for, as they are now.
    async fn choose(&self, ids: &[ResourceId]) -> Result<Response, Stop> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            // One who is not there any more is passed over.
            match self.looking_at(id)?.read(id).await {
                Err(Stop::Fault(fault)) if is_hidden(fault.kind) => {}
                shown => found.push(shown?),
            }
        }
        Picker::among(self.asked, self.browser, &self.signed.account, found)
    }

    fn looking(&self) -> Result<Looking<'_>, Stop> {
        let people = self.auth.people()?;
        let looking = Looking::new(people, &self.signed.account, self.address, self.headers);
        Ok(looking.seeing(if self.emergency.is_some() { Sees::Anybody } else { Sees::Own }))
    }

    /// Oneself, or one whom the person stands for.
    fn looking_at<'b>(&'b self, id: &'b ResourceId) -> Result<Looking<'b>, Stop> {
        let looking = self.looking()?;
        let own = self.is_own(Some(id.as_str()));
        Ok(if own { looking } else { looking.seeing(Sees::StandingFor(id)) })
    }

    async fn grantable(&self) -> Result<Grantable, Stop> {
        let (account, launched) = (&self.signed.account, self.launched.as_ref());
        let stands_for = match account.roles.iter().any(|role| role == Role::Proxy.as_str()) {
            true => self.auth.people()?.store.stands_for(Some(account.account)).await?,
            false => Vec::new(),
        };
        let stands_for = stands_for.iter().map(|it| ResourceId::parse(&it.patient));
        let stands_for = stands_for.collect::<canonical_model::Result<_>>()?;
        let grantable = Grantable::of(&self.asked.scopes, account, launched, stands_for)?;
        let grantable = if self.emergency.is_some() { grantable.in_emergency() } else { grantable };
        if grantable.is_empty() {
            let why = "This user can give none of these scopes";
            return Err(self.asked.told("invalid_scope", why).into());
        }
        Ok(grantable)
    }

    /// The patient it is about, looked up with the person's own rights.
    async fn patient(&self, about: &About, chosen: &str) -> Result<Option<Shown>, Stop> {
        let id = match about {
            About::Nobody => return Ok(None),
            About::Own(id) | About::Open(id) => id.clone(),
            About::Chosen | About::Among(_) => {
                ResourceId::parse(chosen).map_err(|_| Stop::Unreadable)?
            }
        };
        let hidden = || {
            let why = "There is no record of this patient that the user may see";
            Stop::from(self.asked.told("access_denied", why))
        };
        let looking = match about {
            About::Among(ids) if !ids.contains(&id) => return Err(hidden()),
            About::Among(_) => self.looking_at(&id)?,
            About::Nobody | About::Own(_) | About::Open(_) | About::Chosen => self.looking()?,
        };
        match looking.read(&id).await {
            Err(Stop::Fault(fault)) if is_hidden(fault.kind) => Err(hidden()),
            found => found.map(Some),
        }
    }

    async fn show(&self, chosen: Option<&str>, wrong: &str) -> Result<Response, Stop> {
        let grantable = self.grantable().await?;
        let about = grantable.about(&self.signed.account)?;
        let patient = self.patient(&about, chosen.unwrap_or_default()).await?;
        let id = patient.as_ref().map(|patient| patient.id.as_str());
        let whose = if self.is_own(id) { Whose::Yours } else { Whose::This };
        let line = |scope: &Scope| Line {
            scope: scope.to_string(),
            words: sentence(scope, whose),
            parts: parts(scope),
        };
        let mut lines: Vec<Line> = grantable.clinical.iter().map(line).collect();
        if grantable.words.contains(&OPENID) {
            lines.insert(0, Line::whole(OPENID, WHO));
        }
        let mut notes = vec!["The access ends when you sign out, and after a day at the latest."];
        if grantable.words.contains(&OFFLINE) {
            lines.push(Line::whole(OFFLINE, AFTERWARDS));
            notes = vec![
                "Without the last of these it ends when you sign out, and after a day at the latest.",
            ];
        }
        if self.emergency.is_some() {
            notes = vec![
                "This is access in an emergency. It is recorded as that, ends within the hour, and somebody else reviews it.",
            ];
        }
        if self.asked.client.by_itself {
            notes.insert(0, UNKNOWN);
        }
        let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        let content = Page {
            app: &self.asked.client.name,
            session: Session::asked(self.asked, self.browser, &self.signed.account),
            generation: self.generation(),
            origin: self.asked.origin(),
            patient: patient.as_ref(),
            lines,
            notes,
            wrong,
        };
        page(&content, status, Some(self.asked.origin()), None)
    }

    /// Whether it is about the person; where nobody is chosen, whether there is nobody else to be about.
    fn is_own(&self, patient: Option<&str>) -> bool {
        let user = self.signed.account.fhir_user.as_deref();
        let own = user.and_then(|user| user.strip_prefix("Patient/"));
        own.is_some_and(|own| patient.is_none_or(|id| id == own))
    }

    async fn allow(&self, posted: &Posted) -> Result<Response, Stop> {
        let (chosen, left) = (posted.get("patient"), posted.all("scope"));
        let grantable = self.grantable().await?;
        let Some(scopes) = grantable.chosen(&left) else {
            let wrong = "Leave something in, or choose “Give none”.";
            return self.show(Some(chosen), wrong).await;
        };
        let about = grantable.about(&self.signed.account)?;
        let patient = self.patient(&about, chosen).await?;
        // The page was of a client that has become another since, or went and came again.
        if posted.get("generation") != self.generation() {
            return self.anew();
        }
        let code = random()?;
        // From here on nobody else has it.
        let mut launched = launched(self.auth, self.asked, self.signed, true).await?;
        let emergency = launched.as_mut().and_then(Launched::take_emergency);
        let context = launched.map_or_else(|| json!({}), context);
        let new = NewApproval {
            session: self.signed.session,
            client: &self.asked.client.id,
            generation: self.asked.client.registered.then_some(self.asked.client.generation),
            scopes: &scopes,
            patient: patient.as_ref().map(|patient| patient.id.as_str()),
            context: &context,
            stands_for: matches!(about, About::Among(_))
                && !self.is_own(patient.as_ref().map(|patient| patient.id.as_str())),
            offline: scopes.split(' ').any(|scope| scope == OFFLINE),
            salt: &random()?,
            digest: &digest(b"code", &code),
            redirect: &self.asked.redirect,
            challenge: &self.asked.challenge,
            nonce: self.asked.nonce.as_deref(),
            emergency: emergency.as_deref(),
        };
        let open = self.auth.people()?.store.begin().await?;
        let Some(approval) = open.approve(&new).await? else {
            open.commit().await?; // There was nothing to keep.
            return self.anew();
        };
        if let (Some(_), Some(patient)) = (&emergency, &patient) {
            let said = self.said(AuditAction::BreakGlass, Some(&patient.id))?;
            let said = said.detail(format!("authorization {approval}")).purpose(BREAK_GLASS);
            said.record_in(&open).await?;
        }
        let what = if grantable.is_whole(&left) { "given" } else { "given in part" };
        let said = self.said(AuditAction::Consent, patient.as_ref().map(|it| it.id.as_str()))?;
        said.detail(format!("authorization {approval} {what}: {scopes}")).record_in(&open).await?;
        open.commit().await?;
        go(&self.asked.with_code(&BASE64_URL_SAFE_NO_PAD.encode(code)), None)
    }

    /// Which generation of the client the page is of.
    fn generation(&self) -> String {
        self.asked.client.generation.to_string()
    }

    /// Asks again, by what the database says now.
    fn anew(&self) -> Result<Response, Stop> {
        self.auth.clients.forget(&self.asked.client.id);
        go(&authorize(&self.asked.query), None)
    }

    /// The person gives nothing.
    async fn refuse(&self, chosen: &str) -> Result<Response, Stop> {
        let told = self.asked.told("access_denied", "The user gave no access");
        let about = self.grantable().await?.about(&self.signed.account)?;
        let patient = match &about {
            About::Own(id) | About::Open(id) => Some(id.as_str()),
            About::Among(ids) => ids.iter().map(ResourceId::as_str).find(|id| *id == chosen),
            // Whoever chooses may name anybody, and nobody looks now whether they may.
            About::Chosen | About::Nobody => None,
        };
        let said = self.said(AuditAction::Consent, patient)?;
        let detail = format!("refused: {}", self.asked.scopes);
        said.status(403).detail(detail).record().await?;
        Err(told.into())
    }

    /// What this person did, about a patient.
    fn said(&self, action: AuditAction, patient: Option<&str>) -> Result<Said<'_>, Stop> {
        let hasher = self.auth.people()?.domain.store().hasher();
        let said = Said::new(self.auth, self.headers, self.address, action);
        let said = said.client(&self.asked.client.id).account(&self.signed.account);
        let patient = patient.map(|id| hasher.identity(ResourceType::PATIENT, id));
        Ok(patient.into_iter().fold(said, Said::patient))
    }
}

/// What the app is told beside the patient.
fn context(launched: Launched) -> Value {
    let mut context = launched.context;
    if let (Some(encounter), Some(members)) = (launched.encounter, context.as_object_mut()) {
        members.insert("encounter".to_owned(), encounter.into());
    }
    context
}
