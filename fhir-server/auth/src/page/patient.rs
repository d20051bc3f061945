//! The patient picker: a search with the rights of whoever is signed in, recorded as one.

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use canonical_model::date::PartialDateTime;
use canonical_model::{Kind, ResourceId, ResourceType, Value, json};
use domain::Request;
use domain::interactions::search::{Scope, Searched, queries, search};
use search::query::{Handling, Pair, write_pairs};
use store::{Account, AuditAction, AuditEntry, AuditInteraction, SignedIn, Stored};

use crate::authorize::Asked;
use crate::cookie::Browser;
use crate::limits::{PICKED_MAX, PICKER_BYTES_MAX, VISITS_MAX};
use crate::page::{Posted, Stop, answer_wrong, authorize, go, page};
use crate::peer::Peer;
use crate::people::{People, Who, look};
use crate::record::request_id;
use crate::state::{AuthState, Parts};

/// What a visit is.
const ENCOUNTER: &str = "Encounter";

/// The page.
#[derive(Default, Template)]
#[template(path = "patient.html")]
pub(crate) struct Picker<'a> {
    app: &'a str,
    token: String,
    to: &'a str,
    request: &'a str,
    login: &'a str,
    name: &'a str,
    birthdate: &'a str,
    identifier: &'a str,
    wrong: &'a str,
    /// Whether these are all, and nobody is searched for.
    fixed: bool,
    found: Option<Vec<Shown>>,
    more: bool,
}

/// A patient as people are told apart.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) about: String,
}

impl Picker<'_> {
    /// The page before anything was searched for.
    pub(crate) fn first(
        asked: &Asked,
        browser: &Browser,
        account: &Account,
    ) -> Result<Response, Stop> {
        let picker = Picker {
            app: &asked.client.name,
            token: browser.token(),
            request: &asked.query,
            login: &account.login,
            ..Picker::default()
        };
        page(&picker, StatusCode::OK, Some(asked.origin()), None)
    }

    /// The page with these alone.
    pub(crate) fn among(
        asked: &Asked,
        browser: &Browser,
        account: &Account,
        found: Vec<Shown>,
    ) -> Result<Response, Stop> {
        let picker = Picker {
            app: &asked.client.name,
            token: browser.token(),
            request: &asked.query,
            login: &account.login,
            fixed: true,
            found: Some(found),
            ..Picker::default()
        };
        page(&picker, StatusCode::OK, Some(asked.origin()), None)
    }
}

/// `POST /auth/patient`.
pub(crate) async fn patient(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(picking(auth.parts(), address, &headers, &body).await)
}

async fn picking(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let people = auth.people()?;
    let posted = Posted::read(auth, headers, body)?;
    let asked = posted.asked(auth).await?;
    let Some(SignedIn { account, .. }) = posted.signed_in(&people.store).await? else {
        return go(&authorize(&asked.query), None);
    };
    let [name, birthdate, identifier] =
        ["name", "birthdate", "identifier"].map(|field| posted.get(field).trim());
    let mut picker = Picker {
        app: &asked.client.name,
        token: posted.browser.token(),
        request: &asked.query,
        login: &account.login,
        name,
        birthdate,
        identifier,
        ..Picker::default()
    };
    match typed(&posted) {
        Err(wrong) => picker.wrong = wrong,
        Ok(criteria) => {
            let found = Looking::new(people, &account, address, headers).search(&criteria).await?;
            picker.more = found.len() > PICKED_MAX;
            picker.found = Some(found.into_iter().take(PICKED_MAX).collect());
        }
    }
    let status = if picker.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(&picker, status, Some(asked.origin()), None)
}

/// What was typed to find somebody by; or what is wrong with it, in a sentence.
pub(crate) fn typed(posted: &Posted) -> Result<Vec<(&'static str, &str)>, &'static str> {
    let fields = ["name", "birthdate", "identifier"].map(|field| (field, posted.get(field).trim()));
    let typed: Vec<_> = fields.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    let is_date = |text: &str| text.len() <= 10 && PartialDateTime::parse(text).is_ok();
    match typed.as_slice() {
        [] => Err("Type a name, a date of birth or a number first."),
        all if all.iter().any(|(_, text)| text.len() > PICKER_BYTES_MAX) => {
            Err("That is too long to be searched for.")
        }
        all if all.iter().any(|(field, text)| *field == "birthdate" && !is_date(text)) => {
            Err("That is no date of birth. It is written as 1984-03-12.")
        }
        _ => Ok(typed),
    }
}

/// Somebody who looks at patients.
pub(crate) struct Looking<'a> {
    pub(crate) people: &'a People,
    pub(crate) account: &'a Account,
    pub(crate) address: Option<IpAddr>,
    pub(crate) headers: &'a HeaderMap,
    /// Whether relationship and consent are lifted.
    emergency: bool,
    /// Whom he stands for.
    stands_for: Option<&'a ResourceId>,
    /// Scopes beside those that pages need.
    more: String,
}

impl<'a> Looking<'a> {
    /// With his own rights.
    pub(crate) fn new(
        people: &'a People,
        account: &'a Account,
        address: Option<IpAddr>,
        headers: &'a HeaderMap,
    ) -> Self {
        let (emergency, stands_for, more) = (false, None, String::new());
        Self { people, account, address, headers, emergency, stands_for, more }
    }

    /// With relationship and consent lifted, or not.
    pub(crate) fn in_emergency(self, emergency: bool) -> Self {
        Self { emergency, ..self }
    }

    /// As one who stands for a patient; whether he does is known already.
    pub(crate) fn standing_for(self, patient: &'a ResourceId) -> Self {
        Self { stands_for: Some(patient), ..self }
    }

    /// Whether something is there for him to read; recorded as a read.
    pub(crate) async fn expect(self, kind: ResourceType, id: &ResourceId) -> Result<(), Stop> {
        let more = format!("user/{}.r", kind.name());
        Self { more, ..self }.stored(kind, id).await.map(drop)
    }

    /// Patients whom the person may see and who fit; one more than a page has where there are more.
    pub(crate) async fn search(&self, typed: &[(&str, &str)]) -> Result<Vec<Shown>, Stop> {
        let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), escaped(text));
        let pairs: Vec<Pair> = typed.iter().map(pair).collect();
        let found = self.found(ResourceType::PATIENT, pairs, PICKED_MAX + 1).await?;
        found.iter().map(shown).collect()
    }

    /// The newest visits of a patient, each with its id and in words.
    pub(crate) async fn visits(&self, patient: &ResourceId) -> Result<Vec<(String, String)>, Stop> {
        let pairs = [("patient", patient.as_str()), ("_sort", "-date")];
        let pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        let found = self.found(ResourceType::parse(ENCOUNTER)?, pairs, VISITS_MAX).await?;
        found.iter().map(visit).collect()
    }

    /// What a search finds, recorded as one.
    async fn found(
        &self,
        kind: ResourceType,
        mut pairs: Vec<Pair>,
        most: usize,
    ) -> Result<Vec<Stored>, Stop> {
        let domain = &self.people.domain;
        let request = self.request(AuditInteraction::SearchType).await?;
        let detail = write_pairs(pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        pairs.push(("_count".to_owned(), most.to_string()));
        let scope = Scope::Type(kind);
        let queries = queries(domain, &request, &scope, &pairs, Handling::Strict).await?;
        let (searched, status) = match search(domain, &request, &queries, None).await {
            // Who reaches nobody finds nobody.
            Err(error) if error.kind == Kind::Forbidden => (Searched::default(), 403),
            searched => (searched?, 200),
        };
        let found: Vec<Stored> =
            searched.page.found.into_iter().map(|found| found.resource).collect();
        let entry = AuditEntry {
            kind: Some(kind),
            detail: Some(domain.catalogue().written_down(detail)),
            patients: found.iter().flat_map(|stored| stored.patients.clone()).collect(),
            ..AuditEntry::new(domain.now(), request.context(), AuditAction::Search, status)
        };
        domain.auditor().record(entry).await?;
        Ok(found)
    }

    async fn request(&self, interaction: AuditInteraction) -> canonical_model::Result<Request> {
        let (domain, id) = (&self.people.domain, request_id(self.headers));
        let Self { account, emergency, stands_for, more, .. } = self;
        let who = Who { account, emergency: *emergency, stands_for: *stands_for, more };
        look(domain, &who, id, self.address, interaction).await
    }

    /// One patient, if the person may see him; recorded as a read.
    pub(crate) async fn read(&self, id: &ResourceId) -> Result<Shown, Stop> {
        shown(&self.stored(ResourceType::PATIENT, id).await?)
    }

    /// Whether a visit is there for the person, and of this patient.
    pub(crate) async fn expect_visit(
        &self,
        patient: &ResourceId,
        visit: &ResourceId,
    ) -> Result<(), Stop> {
        let stored = self.stored(ResourceType::parse(ENCOUNTER)?, visit).await?;
        let body = json::parse(stored.text.as_deref().unwrap_or_default())?;
        let subject =
            body.get("subject").and_then(|it| it.get("reference")).and_then(Value::as_str);
        match subject == Some(format!("Patient/{patient}").as_str()) {
            true => Ok(()),
            false => Err(Stop::Unreadable),
        }
    }

    async fn stored(&self, kind: ResourceType, id: &ResourceId) -> Result<Stored, Stop> {
        let domain = &self.people.domain;
        let request = self.request(AuditInteraction::Read).await?;
        let reading = domain::interactions::read::read(domain, &request, kind, id).await?;
        if !reading.recorded {
            let entry = AuditEntry {
                kind: Some(kind),
                id: Some(reading.stored.id.clone()),
                version: Some(reading.stored.version),
                patients: reading.stored.patients.clone(),
                ..AuditEntry::new(domain.now(), request.context(), AuditAction::Read, 200)
            };
            domain.auditor().record(entry).await?;
        }
        Ok(reading.stored)
    }
}

/// A visit: its id, and when and of what kind it was.
fn visit(stored: &Stored) -> Result<(String, String), Stop> {
    let body = json::parse(stored.text.as_deref().unwrap_or_default())?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let start = text(body.get("period").and_then(|it| it.get("start")));
    let day = start
        .map_or_else(|| "on an unknown day".to_owned(), |start| start.chars().take(10).collect());
    let class = body.get("class");
    let class =
        text(class.and_then(|it| it.get("display"))).or(text(class.and_then(|it| it.get("code"))));
    let status = text(body.get("status"));
    let words: Vec<String> = [Some(day), class, status].into_iter().flatten().collect();
    Ok((stored.id.clone(), words.join(", ")))
}

/// What is typed is meant as it stands.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ',' | '$' | '|' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn shown(stored: &Stored) -> Result<Shown, Stop> {
    let body = json::parse(stored.text.as_deref().unwrap_or_default())?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let names = body.get("name").map(Value::items).unwrap_or_default();
    let name = names.iter().map(name).find(|name| !name.is_empty());
    let born = text("birthDate").map(|date| format!("born {date}"));
    let about: Vec<String> =
        born.into_iter().chain(text("gender").map(str::to_owned)).chain(number(&body)).collect();
    Ok(Shown {
        id: stored.id.clone(),
        name: name.unwrap_or_else(|| "Without a name".to_owned()),
        about: about.join(", "),
    })
}

fn name(of: &Value) -> String {
    let text = |name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let given = of.get("given").map(Value::items).unwrap_or_default().iter();
    let given: Vec<&str> = given.filter_map(Value::as_str).collect();
    let whole = format!("{} {}", given.join(" "), text("family"));
    match whole.trim() {
        "" => text("text"),
        whole => whole.to_owned(),
    }
}

fn number(body: &Value) -> Option<String> {
    let identifiers = body.get("identifier")?.items();
    let value = identifiers.iter().find_map(|it| it.get("value").and_then(Value::as_str))?;
    Some(format!("number {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_means_itself() {
        assert_eq!(escaped("a,b|c$d\\"), "a\\,b\\|c\\$d\\\\");
    }

    #[test]
    fn people_are_told_apart() {
        for (text, shown) in [
            (r#"{"given":["Pat","A."],"family":"Sample"}"#, "Pat A. Sample"),
            (r#"{"family":"Sample"}"#, "Sample"),
            (r#"{"text":"Pat S."}"#, "Pat S."),
            ("{}", ""),
        ] {
            assert_eq!(name(&json::parse(text.as_bytes()).unwrap()), shown);
        }
    }
}
