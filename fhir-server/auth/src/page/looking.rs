//! Looking at patients on our own pages: searches and reads with the rights of whoever is signed in, recorded as such.

use std::net::IpAddr;

use axum::http::HeaderMap;
use canonical_model::{Error, Kind, ResourceId, ResourceType, Value, json};
use domain::interactions::search::{Scope, Searched, queries, search};
use domain::{Request, Withheld};
use search::query::{Handling, Pair, write_pairs};
use store::{Account, AuditAction, AuditEntry, AuditInteraction, Stored};

use crate::limits::{PICKED_MAX, VISITS_MAX};
use crate::page::Stop;
use crate::people::{People, Sees, Who, look};
use crate::record::request_id;

/// What a visit is.
const ENCOUNTER: &str = "Encounter";

/// A patient as people are told apart.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) about: String,
}

/// Somebody who looks at patients.
pub(crate) struct Looking<'a> {
    pub(crate) people: &'a People,
    pub(crate) account: &'a Account,
    pub(crate) address: Option<IpAddr>,
    pub(crate) headers: &'a HeaderMap,
    sees: Sees<'a>,
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
        Self { people, account, address, headers, sees: Sees::Own, more: String::new() }
    }

    /// With other rights; whether he has them is known already.
    pub(crate) fn seeing(self, sees: Sees<'a>) -> Self {
        Self { sees, ..self }
    }

    /// With these scopes besides.
    pub(crate) fn with(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    /// Whether something is there for him to read; recorded as a read.
    pub(crate) async fn expect(self, kind: ResourceType, id: &ResourceId) -> Result<(), Stop> {
        self.with(&format!("user/{}.r", kind.name())).stored(kind, id).await.map(drop)
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

    /// What people with these ids are called; those without a name, and those who are gone, are left out.
    pub(crate) async fn names(
        &self,
        kind: ResourceType,
        ids: &[&str],
    ) -> Result<Vec<(String, String)>, Stop> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.found(kind, vec![("_id".to_owned(), ids.join(","))], ids.len()).await?;
        let named = |stored: &Stored| Ok((stored.id.clone(), called(&opened(stored)?)));
        let all: Vec<_> = found.iter().map(named).collect::<Result<_, Stop>>()?;
        Ok(all.into_iter().filter_map(|(id, name)| Some((id, name?))).collect())
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

    /// The request of such a look.
    pub(crate) async fn request(
        &self,
        interaction: AuditInteraction,
    ) -> canonical_model::Result<Request> {
        let (domain, id) = (&self.people.domain, request_id(self.headers));
        let Self { account, sees, more, .. } = self;
        let who = Who { account, sees: *sees, more };
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
        let body = opened(&stored)?;
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
        let reading = match domain::interactions::read::read(domain, &request, kind, id).await {
            Err(fault) => return Err(self.hidden(&request, kind, id, fault).await?),
            Ok(reading) => reading,
        };
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

    /// Records that something is not there for the person, or is withheld; a patient's record has it, by the id alone.
    async fn hidden(
        &self,
        request: &Request,
        kind: ResourceType,
        id: &ResourceId,
        fault: Error,
    ) -> canonical_model::Result<Stop> {
        let status = match fault.kind {
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::Gone => 410,
            _ => return Ok(fault.into()),
        };
        let domain = &self.people.domain;
        let identity = || domain.store().hasher().identity(kind, id.as_str());
        let rules = fault.cause.as_ref().and_then(|cause| cause.downcast_ref::<Withheld>());
        let entry = AuditEntry {
            kind: Some(kind),
            id: Some(id.to_string()),
            patients: (kind == ResourceType::PATIENT).then(identity).into_iter().collect(),
            rules: rules.map(Withheld::to_string),
            ..AuditEntry::new(domain.now(), request.context(), AuditAction::Read, status)
        };
        domain.auditor().record(entry).await?;
        Ok(fault.into())
    }
}

/// A visit: its id, and when and of what kind it was.
fn visit(stored: &Stored) -> Result<(String, String), Stop> {
    let body = opened(stored)?;
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
    let body = opened(stored)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let born = text("birthDate").map(|date| format!("born {date}"));
    let about: Vec<String> =
        born.into_iter().chain(text("gender").map(str::to_owned)).chain(number(&body)).collect();
    Ok(Shown {
        id: stored.id.clone(),
        name: called(&body).unwrap_or_else(|| "Without a name".to_owned()),
        about: about.join(", "),
    })
}

fn opened(stored: &Stored) -> Result<Value, Stop> {
    Ok(json::parse(stored.text.as_deref().unwrap_or_default())?)
}

/// The first name that says something.
fn called(body: &Value) -> Option<String> {
    let names = body.get("name").map(Value::items).unwrap_or_default();
    names.iter().map(name).find(|name| !name.is_empty())
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
